/*
 * Stamps in core.  What was asked for and is not answered stands in `asked`; after LOST_NS it is
 * given up and asked for anew, under another nonce, with the head that is the last by then.
 *
 * Always true: a token is kept only as the answer to what was asked, once; an authority that is
 * dead costs a message a minute, and nothing waits for it.
 */

#include "serve/stamping.h"

#include "archive/stamp.h"
#include "sys/random.h"

#define LOST_NS  (90 * NS_PER_SECOND) /* herald gives an authority a minute */
#define LATER_NS (60 * NS_PER_SECOND)

static void stamping_failed(struct stamping *stamping, struct process *process, struct str said,
                            struct wall now)
{
    int64_t every = (int64_t)process->setup.stamp_seconds * NS_PER_SECOND;
    stamping->later.ns = now.ns + (every < LATER_NS ? every : LATER_NS);
    if (!stamping->failing) {
        process_say(process, "heads are not time-stamped at the moment: %.*s", STR_ARG(said));
    }
    stamping->failing = true;
}

/* A place to remember an asking; NULL: so many are under way, or one for this client. */
static struct stamp_asked *asked_place(struct stamping *stamping, struct client_id client)
{
    struct stamp_asked *place = NULL;
    for (size_t i = 0; i < STAMPS_ASKED_MAX; i++) {
        if (client_equal(stamping->asked[i].client, client)) {
            return NULL;
        }
        place = stamping->asked[i].client.value == 0 ? &stamping->asked[i] : place;
    }
    return place;
}

static void client_ask(struct stamping *stamping, struct process *process, struct spine *spine,
                       const struct spine_client *client, struct wall now)
{
    struct stamp_asked asked = {.client = client->id, .nonce = random_u64() >> 1, .asked = now};
    struct stamp_asked *place = asked_place(stamping, client->id);
    if (place == NULL || client->scope == NULL) {
        return;
    }
    enum err err = archive_stamp_due(client->scope, spine->archive, client->id, now,
                                     (int64_t)process->setup.stamp_seconds * NS_PER_SECOND,
                                     &asked.epoch, &asked.hash);
    if (err != OK) {
        if (err != ERR_NOT_FOUND) {
            stamping_failed(stamping, process, str_from(err_text(err)), now);
        }
        return;
    }
    const struct message stamp = {.type = MESSAGE_STAMP,
                                  .stamp = {.client = client->id.value,
                                            .nonce = asked.nonce,
                                            .hash = str_of(asked.hash.bytes, SHA256_SIZE)}};
    if (link_send(spine->desk, &stamp) == OK) {
        *place = asked;
    }
}

void stamping_tick(struct stamping *stamping, struct process *process, struct spine *spine,
                   struct wall now)
{
    for (size_t i = 0; i < STAMPS_ASKED_MAX; i++) {
        struct stamp_asked *asked = &stamping->asked[i];
        int64_t age = now.ns - asked->asked.ns;
        if (asked->client.value != 0 && (age > LOST_NS || age < -LOST_NS)) {
            *asked = (struct stamp_asked){0};
            stamping_failed(stamping, process, STR("no answer came"), now);
        }
    }
    bool waits = now.ns < stamping->later.ns && stamping->later.ns - now.ns <= LATER_NS;
    if (process->setup.stamp_seconds == 0 || spine->desk == NULL || waits) {
        return;
    }
    for (size_t i = 0; i < spine->clients_count; i++) {
        stamping->next = (stamping->next + 1) % spine->clients_count;
        client_ask(stamping, process, spine, &spine->clients[stamping->next], now);
    }
}

void stamping_came(struct stamping *stamping, struct process *process, struct spine *spine,
                   const struct stamped_message *stamped, struct wall now)
{
    struct stamp_asked asked = {0};
    for (size_t i = 0; i < STAMPS_ASKED_MAX; i++) {
        if (stamping->asked[i].client.value != 0 &&
            stamping->asked[i].client.value == stamped->client &&
            stamping->asked[i].nonce == stamped->nonce) {
            asked = stamping->asked[i];
            stamping->asked[i] = (struct stamp_asked){0};
        }
    }
    const struct spine_client *client = spine_client_find(spine, asked.client);
    if (asked.client.value == 0 || client == NULL || client->scope == NULL) {
        return;
    }
    if (stamped->token.size == 0) {
        stamping_failed(stamping, process, stamped->said, now);
        return;
    }
    const struct stamp stamp = {.client = asked.client,
                                .epoch = asked.epoch,
                                .kept = now,
                                .hash = asked.hash,
                                .token = stamped->token};
    enum err err = archive_stamp_keep(client->scope, spine->archive, &stamp);
    if (err != OK) {
        stamping_failed(stamping, process, str_from(err_text(err)), now);
        return;
    }
    if (stamping->failing) {
        process_say(process, "heads are time-stamped again");
    }
    stamping->failing = false;
}
