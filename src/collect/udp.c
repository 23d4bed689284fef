/*
 * Syslog over UDP (RFC 5426): a datagram is a record.
 *
 * A thread takes datagrams off the sockets (sys/drain.h, decision 035), so that they wait in memory
 * and not in the kernel's buffer until they are parsed here, so many of each listener in a turn of
 * the loop.  What the kernel drops for want of room the next datagram tells, or the sweep asks.
 * Nobody knows whose they were: they are counted under the source that has the listener for itself,
 * if no stranger was heard of late, else under the listener's unknown senders.
 *
 * The kernel's count lives as long as the socket, so what a front that died did not account for is
 * the next one's.  So is what it had read and not handed over: that number stands outside of us.
 */

#include <string.h>

#include "collect/private.h"
#include "sys/clocks.h"

#define TURN_MAX    512   /* Datagrams of a listener in a turn, so that others get theirs. */
#define STRANGER_MS 60000 /* So long after one was heard, what is lost may be a stranger's. */
#define WAIT_MAX_NS (60 * NS_PER_SECOND)
#define LOST_MAX    (DATAGRAMS_MEMORY_MAX / 64) /* More do not fit the memory of one who died. */

static void readable(void *context);
static enum err take_in(struct listener *listener, size_t count_max);
static void drops_count(struct listener *listener, uint32_t drops);
static void inherited_tell(struct listener *listener);
static const struct binding *binding_of_lost(const struct listener *listener);
static const struct binding *binding_of(struct listener *listener, const struct peer *peer);

enum err collect_drain(struct collect *collect)
{
    bool wanted = false;
    for (size_t i = 0; i < collect->listeners_count; i++) {
        wanted |= collect->listeners[i]->kind == COLLECT_SYSLOG_UDP;
    }
    if (!wanted || collect->drain != NULL) {
        return OK;
    }
    return drain_new(collect->loop, DATAGRAMS_MEMORY_MAX, readable, collect, &collect->drain);
}

enum err udp_start(struct listener *listener)
{
    struct collect *collect = listener->collect;
    _Atomic uint32_t *waiting = NULL;
    if (listener->drains) {
        return OK;
    }
    if (collect->calls.waiting != NULL) {
        waiting = collect->calls.waiting(collect->calls.context, listener->index);
        listener->inherited = atomic_load(waiting);
    }
    enum err err = collect_drain(collect);
    if (err == OK) {
        err = drain_add(collect->drain, listener->socket, waiting, &listener->drain);
    }
    listener->drains = err == OK;
    inherited_tell(listener);
    return err;
}

/* What a front that died had read stays counted as waiting until somebody else has the number. */
static void inherited_tell(struct listener *listener)
{
    struct collect *collect = listener->collect;
    const struct binding *binding = binding_of_lost(listener);
    uint32_t lost = listener->inherited < LOST_MAX ? listener->inherited : LOST_MAX;
    if (!listener->drains || lost == 0 || binding == NULL ||
        collect->calls.reject(collect->calls.context, binding->client, binding->source,
                              REJECT_KERNEL_DROP, lost) != OK) {
        return;
    }
    drain_settle(collect->drain, listener->drain, listener->inherited);
    listener->inherited = 0;
    collect_say(collect, "listener %s: %u datagrams were lost with a process that ended",
                listener->name, lost);
}

void udp_end(struct collect *collect)
{
    for (size_t i = 0; i < collect->listeners_count; i++) {
        struct listener *listener = collect->listeners[i];
        uint32_t left = listener->drains ? drain_waiting(collect->drain, listener->drain) : 0;
        if (left > 0) {
            collect_say(collect, "listener %s: %u datagrams were read and found no room",
                        listener->name, left);
        }
    }
    drain_free(collect->drain);
}

enum err udp_flush(struct collect *collect)
{
    enum err err = OK;
    if (collect->drain != NULL) {
        drain_stop(collect->drain);
    }
    for (size_t i = 0; i < collect->listeners_count && err == OK; i++) {
        if (collect->listeners[i]->drains) {
            err = take_in(collect->listeners[i], SIZE_MAX);
        }
    }
    return err;
}

void udp_sweep(struct collect *collect)
{
    if (collect->drain != NULL) {
        drain_sweep(collect->drain);
    }
    for (size_t i = 0; i < collect->listeners_count; i++) {
        struct listener *listener = collect->listeners[i];
        struct drained waits; /* and will tell, after whoever was heard before it */
        uint32_t drops;
        inherited_tell(listener);
        if (listener->drains && !drain_at(collect->drain, listener->drain, &waits) &&
            socket_drops(listener->socket, &drops) == OK) {
            drops_count(listener, drops);
        }
    }
}

static void readable(void *context)
{
    struct collect *collect = context;
    for (size_t i = 0; i < collect->listeners_count && !collect->held; i++) {
        if (collect->listeners[i]->drains && take_in(collect->listeners[i], TURN_MAX) != OK) {
            collect_hold(collect);
        }
    }
}

/* Empty datagrams, those over the quota and nobody's are no records: they end here. */
static enum err record_take(struct listener *listener, const struct binding *binding,
                            const struct drained *drained, struct mono now, struct wall received)
{
    struct collect *collect = listener->collect;
    const bool record = drained->bytes.size > 0 && binding != NULL;
    if (binding != NULL && binding->unknown_senders) {
        listener->stranger = now;
    }
    if (record && quota_take(collect, binding, now)) {
        enum err err =
            stream_add(collect, binding, str_from(drained->peer.text), drained->bytes, received);
        if (err == OK) {
            stream_owes(collect, listener);
        }
        return err;
    }
    if (record) {
        quota_throttled(collect, binding, now);
        reject_add(collect, binding, REJECT_QUOTA, 1);
    }
    drain_settle(collect->drain, listener->drain, 1);
    return OK;
}

static enum err take_in(struct listener *listener, size_t count_max)
{
    struct collect *collect = listener->collect;
    const struct wall wall = collect_now(collect);
    const struct mono now = mono_now();
    struct peer last = {0}; /* whose binding is known: most come in runs of one sender's */
    const struct binding *binding = NULL;
    struct drained drained;
    uint32_t drops = listener->drops;
    enum err err = OK;
    for (size_t count = 0; count < count_max && drain_at(collect->drain, listener->drain, &drained);
         count++) {
        /* After a long wait it counts as arriving now: nobody looks for it among what came then. */
        const int64_t waited = now.ns - drained.read.ns;
        const struct wall received = {wall.ns - (waited < WAIT_MAX_NS ? waited : 0)};
        if (count == 0 || memcmp(drained.peer.address, last.address, sizeof last.address) != 0) {
            binding = binding_of(listener, &drained.peer);
            last = drained.peer;
        }
        err = record_take(listener, binding, &drained, now, received);
        if (err != OK) {
            break;
        }
        drops = drained.drops;
        drain_pass(collect->drain, listener->drain);
    }
    drops_count(listener, drops); /* which asks who was heard of late */
    return err;
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
