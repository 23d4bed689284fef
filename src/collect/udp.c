/*
 * Syslog over UDP (RFC 5426): a datagram is a record.
 *
 * When there is no room, nothing is read and the kernel drops what its buffer cannot hold; the next
 * datagram tells how many, or the sweep asks.  Nobody knows whose they were: they are counted under
 * the source that has the listener for itself, if no stranger was heard of late, else under the
 * listener's unknown senders.  The
 * kernel's count lives as long as the socket, so what a front that died did not account for is the
 * next one's.  Datagrams that were read already wait in `datagrams`.
 */

#include <string.h>

#include "collect/private.h"
#include "sys/clocks.h"

#define ROUNDS_MAX  8     /* Of one turn, so that others get theirs. */
#define STRANGER_MS 60000 /* So long after one was heard, what is lost may be a stranger's. */

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

void udp_sweep(struct collect *collect)
{
    for (size_t i = 0; i < collect->listeners_count; i++) {
        uint32_t drops;
        if (collect->listeners[i]->kind == COLLECT_SYSLOG_UDP &&
            socket_drops(collect->listeners[i]->socket, &drops) == OK) {
            drops_count(collect->listeners[i], drops);
        }
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
        if (take_in(listener) != OK) {
            collect_hold(listener->collect);
        }
        drops_count(listener, drops); /* which asks who was heard of late */
    }
}

static enum err take_in(struct listener *listener)
{
    struct collect *collect = listener->collect;
    struct wall received = collect_now(collect);
    struct mono now = mono_now();
    struct peer last = {0}; /* whose binding is known: most come in runs of one sender's */
    const struct binding *binding = NULL;
    for (bool known = false; listener->datagram < listener->datagrams_count; known = true) {
        struct str record;
        struct peer peer;
        datagram_at(listener->datagrams, listener->datagram, &record, &peer);
        if (!known || memcmp(peer.address, last.address, sizeof peer.address) != 0) {
            binding = binding_of(listener, &peer);
            last = peer;
        }
        if (binding != NULL && binding->unknown_senders) {
            listener->stranger = now;
        }
        if (record.size > 0 && binding != NULL && !quota_take(collect, binding, now)) {
            quota_throttled(collect, binding, now);
            reject_add(collect, binding, REJECT_QUOTA, 1);
        } else if (record.size > 0 && binding != NULL) {
            enum err err = stream_add(collect, binding, str_from(peer.text), record, received);
            if (err != OK) {
                return err;
            }
        }
        listener->datagram++;
    }
    return OK;
}

/* Whose losses are: the source's that has the listener for itself, if it alone was heard of late.
 */
static const struct binding *binding_of_lost(const struct listener *listener)
{
    const struct generation *generation = listener->collect->generation;
    struct str name = str_from(listener->name);
    bool strange =
        listener->stranger.ns != 0 && mono_ms_since(listener->stranger, mono_now()) < STRANGER_MS;
    return strange ? sender_unknown(generation, name) : sender_of_listener(generation, name);
}

static void drops_count(struct listener *listener, uint32_t drops)
{
    uint32_t lost = drops - listener->drops;
    /* A datagram tells the count of its own time, which the sweep may have passed. */
    if (lost > 0 && lost <= INT32_MAX) {
        listener->drops = drops;
        if (listener->collect->calls.drops_told != NULL) {
            listener->collect->calls.drops_told(listener->collect->calls.context, listener->index,
                                                drops);
        }
        reject_add(listener->collect, binding_of_lost(listener), REJECT_KERNEL_DROP, lost);
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
