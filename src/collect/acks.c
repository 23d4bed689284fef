/*
 * What was acknowledged to Splunk's senders (HEC, "indexer acknowledgement"): a sender that names a
 * channel gets a number for each request, and asks later whether that is kept.
 *
 * We answer a request once it is on disk, so each number that is given is one of something kept; it
 * only has to be remembered until it is asked for, or HEC_ACK_SECONDS.  Numbers begin with 0 in
 * each channel.  A front that is started again knows none of them: its senders hear "not yet" and
 * send again, which Splunk's protocol allows and demands.
 *
 * Always true: a number is answered with true at most once, and to its own client and channel
 * alone; no client has more than HEC_CHANNELS_CLIENT channels, all have HEC_CHANNELS_MAX.
 */

#include <stdlib.h>
#include <string.h>

#include "collect/post.h"

struct channel {
    struct client_id client;
    struct sha256 name;
    struct mono heard;
    uint64_t next;                  /* the number that is given next */
    struct mono kept[HEC_ACKS_MAX]; /* by number modulo size; 0 ns: asked for */
};

struct acks {
    struct channel *channels[HEC_CHANNELS_MAX];
};

struct acks *acks_new(void)
{
    return calloc(1, sizeof(struct acks));
}

void acks_free(struct acks *acks)
{
    for (size_t i = 0; acks != NULL && i < HEC_CHANNELS_MAX; i++) {
        free(acks->channels[i]);
    }
    free(acks);
}

static struct channel *channel_find(const struct acks *acks, struct client_id client,
                                    const struct sha256 *name)
{
    for (size_t i = 0; i < HEC_CHANNELS_MAX && acks->channels[i] != NULL; i++) {
        struct channel *channel = acks->channels[i];
        if (client_equal(channel->client, client) && sha256_equal(&channel->name, name)) {
            return channel;
        }
    }
    return NULL;
}

/* A new one, or that which was silent longest: of the client, if it has its share. */
static struct channel *channel_make(struct acks *acks, struct client_id client)
{
    struct channel *oldest = NULL;
    struct channel *own = NULL;
    size_t count = 0;
    size_t i = 0;
    for (; i < HEC_CHANNELS_MAX && acks->channels[i] != NULL; i++) {
        struct channel *at = acks->channels[i];
        oldest = oldest == NULL || at->heard.ns < oldest->heard.ns ? at : oldest;
        if (client_equal(at->client, client)) {
            own = own == NULL || at->heard.ns < own->heard.ns ? at : own;
            count++;
        }
    }
    if (count < HEC_CHANNELS_CLIENT && i < HEC_CHANNELS_MAX) {
        acks->channels[i] = calloc(1, sizeof *oldest);
        return acks->channels[i];
    }
    struct channel *made = count >= HEC_CHANNELS_CLIENT ? own : oldest;
    memset(made, 0, sizeof *made);
    return made;
}

enum err acks_add(struct acks *acks, struct client_id client, const struct sha256 *name,
                  struct mono now, uint64_t *ret)
{
    struct channel *channel = channel_find(acks, client, name);
    if (channel == NULL) {
        channel = channel_make(acks, client);
        if (channel == NULL) {
            return ERR_MEMORY;
        }
        channel->client = client;
        channel->name = *name;
    }
    channel->heard = now;
    channel->kept[channel->next % HEC_ACKS_MAX] = now;
    *ret = channel->next++;
    return OK;
}

bool acks_take(struct acks *acks, struct client_id client, const struct sha256 *name, uint64_t id,
               struct mono now)
{
    struct channel *channel = channel_find(acks, client, name);
    if (channel == NULL) {
        return false;
    }
    channel->heard = now;
    if (id >= channel->next || channel->next - id > HEC_ACKS_MAX) {
        return false;
    }
    struct mono *kept = &channel->kept[id % HEC_ACKS_MAX];
    bool good = kept->ns != 0 && mono_ms_since(*kept, now) < HEC_ACK_SECONDS * 1000;
    kept->ns = 0;
    return good;
}
