/*
 * Links.  A queued message is kept as its own copy: texts in one allocation, descriptors
 * duplicated.
 *
 * Always true: while the queue is not empty every new message goes behind it, so the order in which
 * a peer hears things is the order in which they were said.
 */

#include "serve/link.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"

#define QUEUED_MAX      4096               /* messages that wait for one peer */
#define QUEUED_SIZE_MAX (64 * 1024 * 1024) /* and their texts, in bytes */
#define PER_CALL_MAX    64                 /* messages taken before others get their turn */

struct queued {
    struct queued *next;
    int descriptors[CHANNEL_DESCRIPTORS_MAX];
    size_t descriptors_count;
    size_t size;
    struct message message;
};

struct link {
    int descriptor;
    struct watch *watch;
    link_call *call;
    void *context;
    struct queued *first, **last;
    size_t queued, queued_size;
    bool busy; /* a call runs: link_free leaves the memory to link_read */
    bool dead; /* freed during its own call */
    char packet[MESSAGE_SIZE_MAX];
};

static void link_ready(void *context, int descriptor, unsigned events);
static void link_read(struct link *link);
static void link_drain(struct link *link);
static enum err link_queue(struct link *link, const struct message *message);

enum err link_new(struct loop *loop, int descriptor, link_call *call, void *context,
                  struct link **ret)
{
    struct link *link = calloc(1, sizeof *link);
    if (link == NULL) {
        (void)close(descriptor);
        return ERR_MEMORY;
    }
    link->descriptor = descriptor;
    link->call = call;
    link->context = context;
    link->last = &link->first;
    enum err err = watch_new(loop, descriptor, link_ready, link, &link->watch);
    if (err != OK) {
        (void)close(descriptor);
        free(link);
        return err;
    }
    watch_set(link->watch, WATCH_READ);
    *ret = link;
    return OK;
}

static void queued_free(struct queued *queued)
{
    for (size_t i = 0; i < queued->descriptors_count; i++) {
        (void)close(queued->descriptors[i]);
    }
    free(queued);
}

void link_free(struct link *link)
{
    if (link == NULL) {
        return;
    }
    if (link->busy) {
        link->dead = true;
        watch_set(link->watch, 0);
        return;
    }
    watch_free(link->watch);
    (void)close(link->descriptor);
    for (struct queued *queued = link->first; queued != NULL;) {
        struct queued *next = queued->next;
        queued_free(queued);
        queued = next;
    }
    free(link);
}

enum err link_send(struct link *link, const struct message *message)
{
    if (link->first == NULL) {
        enum err err = message_send(link->descriptor, message);
        if (err != ERR_AGAIN) {
            return err;
        }
    }
    return link_queue(link, message);
}

bool link_peer_gone(const struct link *link)
{
    struct pollfd peer = {.fd = link->descriptor};
    return poll(&peer, 1, 0) > 0 && (peer.revents & (POLLHUP | POLLERR)) != 0;
}

bool link_is_idle(const struct link *link)
{
    return link->first == NULL;
}

static void link_ready(void *context, int descriptor, unsigned events)
{
    struct link *link = context;
    (void)descriptor;
    if ((events & WATCH_WRITE) != 0) {
        link_drain(link);
    }
    if ((events & WATCH_READ) != 0) {
        link_read(link);
    }
}

static void link_read(struct link *link)
{
    link->busy = true;
    for (int i = 0; i < PER_CALL_MAX && !link->dead; i++) {
        struct message message;
        enum err err = message_receive(link->descriptor, link->packet, &message);
        if (err == ERR_AGAIN) {
            break;
        }
        if (err != OK) {
            watch_set(link->watch, 0);
            link->call(link->context, link, NULL, err);
            break;
        }
        link->call(link->context, link, &message, OK);
        message_done(&message);
    }
    link->busy = false;
    if (link->dead) {
        link_free(link);
    }
}

static void link_drain(struct link *link)
{
    while (link->first != NULL) {
        struct queued *queued = link->first;
        enum err err = message_send(link->descriptor, &queued->message);
        if (err == ERR_AGAIN || err == ERR_MEMORY) {
            return; /* until the next turn, where it is asked again */
        }
        link->first = queued->next;
        link->queued--;
        link->queued_size -= queued->size;
        queued_free(queued);
    }
    link->last = &link->first;
    watch_set(link->watch, WATCH_READ);
}

static enum err link_queue(struct link *link, const struct message *message)
{
    size_t texts = message_texts_size(message);
    if (link->queued >= QUEUED_MAX || texts > QUEUED_SIZE_MAX - link->queued_size) {
        return ERR_LIMIT;
    }
    struct queued *queued = calloc(1, sizeof *queued + texts);
    if (queued == NULL) {
        return ERR_MEMORY;
    }
    queued->message = *message;
    queued->size = texts;
    message_texts_copy(&queued->message, (char *)(queued + 1));
    for (size_t i = 0; i < message->descriptors_count; i++) {
        int copy = fcntl(message->descriptors[i], F_DUPFD_CLOEXEC, 0);
        if (copy < 0) {
            queued_free(queued);
            return ERR_LIMIT;
        }
        queued->descriptors[queued->descriptors_count++] = copy;
        queued->message.descriptors[i] = copy;
    }
    *link->last = queued;
    link->last = &queued->next;
    link->queued++;
    link->queued_size += texts;
    watch_set(link->watch, WATCH_READ | WATCH_WRITE);
    return OK;
}
