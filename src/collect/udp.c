/*
 * Syslog over UDP (RFC 5426): a datagram is a record.
 *
 * When there is no room, nothing is read and the kernel drops what its buffer cannot hold; the next
 * datagram tells how many, or the sweep asks, as there may be no next one.  They are counted under
 * the listener's unknown senders, as nobody knows whose they were.  Datagrams that were read
 * already wait in `datagrams`; what they tell may be older than what the sweep knows.
 */

#include "collect/private.h"

#define ROUNDS_MAX 8 /* Of one turn, so that others get theirs. */

static enum err take_in(struct listener *listener);
static void readable(void *context, int descriptor, unsigned events);
static void drops_count(struct listener *listener, uint32_t drops);
static const struct binding *binding_of(struct listener *listener, const struct peer *peer);

enum err udp_start(struct listener *listener)
{
    listener->datagrams = datagrams_new();
    if (listener->datagrams == NULL) {
        return ERR_MEMORY;
    }
    const struct collect_calls *calls = &listener->collect->calls;
    const struct binding *unknown =
        sender_unknown(listener->collect->generation, str_from(listener->name));
    if (calls->drops != NULL && unknown != NULL) {
        listener->drops = (uint32_t)calls->drops(calls->context, unknown->client, unknown->source);
    }
    return watch_new(listener->collect->loop, listener->socket, readable, listener,
                     &listener->watch);
}

void udp_stop(struct listener *listener)
{
    watch_free(listener->watch);
    datagrams_free(listener->datagrams);
    socket_close(listener->socket);
}

enum err udp_resume(struct listener *listener)
{
    return take_in(listener);
}

void udp_sweep(struct listener *listener)
{
    uint32_t drops;
    if (socket_drops(listener->socket, &drops) == OK) {
        drops_count(listener, drops);
    }
}

static void readable(void *context, int descriptor, unsigned events)
{
    struct listener *listener = context;
    (void)events;
    for (unsigned round = 0; round < ROUNDS_MAX && !listener->collect->held; round++) {
        uint32_t drops = listener->drops;
        if (datagrams_receive(listener->datagrams, descriptor, &listener->datagrams_count,
                              &drops) != OK) {
            return;
        }
        listener->datagram = 0;
        drops_count(listener, drops);
        if (take_in(listener) != OK) {
            collect_hold(listener->collect);
        }
    }
}

static enum err take_in(struct listener *listener)
{
    struct collect *collect = listener->collect;
    struct wall received = collect_now(collect);
    while (listener->datagram < listener->datagrams_count) {
        struct str record;
        struct peer peer;
        datagram_at(listener->datagrams, listener->datagram, &record, &peer);
        const struct binding *binding = binding_of(listener, &peer);
        if (record.size > 0 && binding != NULL) {
            enum err err = stream_add(collect, binding, str_from(peer.text), record, received);
            if (err != OK) {
                return err;
            }
        }
        listener->datagram++;
    }
    return OK;
}

static void drops_count(struct listener *listener, uint32_t drops)
{
    uint32_t lost = drops - listener->drops;
    if (lost > 0 && lost <= INT32_MAX) {
        listener->drops = drops;
        reject_add(listener->collect,
                   sender_unknown(listener->collect->generation, str_from(listener->name)),
                   REJECT_KERNEL_DROP, lost);
        collect_say(listener->collect, "listener %s: the kernel dropped %u datagrams",
                    listener->name, lost);
    }
}

static const struct binding *binding_of(struct listener *listener, const struct peer *peer)
{
    const struct generation *generation = listener->collect->generation;
    struct str key = str_of(peer->address, sizeof peer->address);
    uint64_t index;
    if (map_get(&listener->bindings, key, &index)) {
        return &generation->bindings.list[index];
    }
    const struct binding *found = sender_find(generation, str_from(listener->name), peer->address);
    if (found != NULL &&
        map_put(&listener->bindings, key, (uint64_t)(found - generation->bindings.list)) != OK) {
        /* A flood of addresses: forget them all and begin again. */
        uint64_t seed = listener->bindings.seed;
        map_done(&listener->bindings);
        map_init(&listener->bindings, CONNECTIONS_MAX, seed);
    }
    return found;
}
