/*
 * The room's middle: listeners, the timers, and what happens when there is no room.
 *
 *     reading ──a call says ERR_AGAIN──► held ──collect_resume, all taken──► reading
 *                                          ▲────────still no room─────────────┘
 *
 * While held nothing is taken in: TCP slows its senders down, posts wait, datagrams gather in the
 * drain until it is full, then the kernel drops them and counts.  Everything that was read stays
 * where it is: datagrams in the drain, TCP records in their connections, bodies in their posts,
 * batches in their builders.  collect_resume offers them in this order: builders, connections,
 * files, posts; datagrams follow in the loop's next turns.  A post that finds no room waits by
 * itself (post.c): it holds nobody else.
 *
 * The tick, TICK_MS after something was opened, hands open batches over; the sweep, each second,
 * looks for the idle and tries again what is held, in case memory was what was short.
 */

#include "collect/collect.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collect/post.h"
#include "sys/clocks.h"
#include "sys/random.h"
#include "sys/tls.h"

#define TICK_MS  5
#define SWEEP_MS 1000

static void tick(void *context);
static void sweep(void *context);
static void posts_turn(void *context);
static enum err open_flush(struct collect *collect);
static enum err held_offer(struct collect *collect);
static enum err listener_start(struct listener *listener, struct why *why);

enum err collect_new(struct loop *loop, const struct collect_calls *calls, struct collect **ret)
{
    struct collect *collect = calloc(1, sizeof *collect);
    if (collect == NULL) {
        return ERR_MEMORY;
    }
    collect->loop = loop;
    collect->calls = *calls;
    map_init(&collect->streams.by_source, SOURCES_MAX, random_u64());
    map_init(&collect->http_by_client, CLIENTS_MAX, random_u64());
    map_init(&collect->quotas, CLIENTS_MAX, random_u64());
    collect->ids = ids_new(mono_now());
    collect->acks = acks_new();
    if (timer_new(loop, tick, collect, &collect->tick) != OK ||
        timer_new(loop, sweep, collect, &collect->sweep) != OK ||
        timer_new(loop, posts_turn, collect, &collect->posts_timer) != OK) {
        timer_free(collect->tick);
        timer_free(collect->sweep);
        ids_free(collect->ids);
        acks_free(collect->acks);
        free(collect);
        return ERR_MEMORY;
    }
    *ret = collect;
    return OK;
}

void collect_free(struct collect *collect)
{
    if (collect == NULL) {
        return;
    }
    if (collect->generation != NULL) {
        (void)!collect_flush(collect);
    }
    udp_end(collect);
    for (size_t i = 0; i < collect->listeners_count; i++) {
        struct listener *listener = collect->listeners[i];
        if (listener->kind == COLLECT_SYSLOG_UDP) {
            socket_close(listener->socket);
        } else if (collect_kind_is_stream(listener->kind)) {
            connections_stop(listener);
        } else if (listener->kind == COLLECT_HTTP) {
            http_free(listener->http);
        }
        map_done(&listener->bindings);
        free(listener);
    }
    posts_done(collect);
    awaited_done(collect);
    pending_done(collect);
    tails_done(collect);
    map_done(&collect->http_by_client);
    quota_done(collect);
    ids_free(collect->ids);
    acks_free(collect->acks);
    streams_done(collect);
    free(collect->room);
    generation_unref(collect->generation);
    timer_free(collect->tick);
    timer_free(collect->sweep);
    timer_free(collect->posts_timer);
    free(collect);
}

enum err collect_listen(struct collect *collect, struct str name, enum collect_kind kind,
                        int descriptor, struct why *why)
{
    return collect_listen_tls(collect, name, kind, descriptor, NULL, why);
}

enum err collect_listen_tls(struct collect *collect, struct str name, enum collect_kind kind,
                            int descriptor, const struct tls_papers *papers, struct why *why)
{
    struct listener *listener = NULL;
    if (collect->listeners_count < LISTENERS_MAX && name.size < sizeof listener->name) {
        listener = calloc(1, sizeof *listener);
    }
    if (listener == NULL) {
        socket_close(descriptor);
        return why_say(why, ERR_LIMIT, 0, "listener '%.*s': too many listeners or too long a name",
                       STR_ARG(name));
    }
    listener->collect = collect;
    listener->kind = kind;
    listener->socket = descriptor;
    memcpy(listener->name, name.data, name.size);
    map_init(&listener->bindings, CONNECTIONS_MAX, random_u64());
    enum err err = OK;
    if (kind == COLLECT_HTTP) {
        err = http_listen(listener, papers, why);
    } else if (papers != NULL) {
        err = tls_gate_new(papers, &listener->gate, why);
    }
    if (err != OK) {
        socket_close(descriptor);
        free(listener);
        return err;
    }
    listener->index = collect->listeners_count;
    listener->drops = collect->calls.drops == NULL
                          ? 0
                          : collect->calls.drops(collect->calls.context, listener->index);
    collect->listeners[collect->listeners_count++] = listener;
    return OK;
}

static enum err gate_make(struct listener *listener, const struct tls_papers *papers,
                          struct why *why)
{
    struct tls_gate *gate;
    enum err err = tls_gate_new(papers, &gate, why);
    if (err == OK) {
        tls_gate_unref(listener->gate);
        listener->gate = gate;
    }
    return err;
}

enum err collect_secure(struct collect *collect, struct str name, const struct tls_papers *papers,
                        struct why *why)
{
    for (size_t i = 0; i < collect->listeners_count; i++) {
        struct listener *listener = collect->listeners[i];
        if (str_equal(str_from(listener->name), name)) {
            return collect_kind_is_stream(listener->kind)
                       ? gate_make(listener, papers, why)
                       : tls_use(papers->certificate, papers->key, why);
        }
    }
    return why_say(why, ERR_NOT_FOUND, 0, "there is no listener '%.*s'", STR_ARG(name));
}

enum err collect_adopt(struct collect *collect, struct arena *mem, const struct bindings *bindings,
                       struct why *why)
{
    struct generation *generation = generation_new(mem, bindings);
    if (generation == NULL) {
        arena_free(mem);
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < collect->listeners_count; i++) {
        const char *name = collect->listeners[i]->name;
        if (sender_unknown(generation, str_from(name)) == NULL) {
            generation_unref(generation);
            return why_say(why, ERR_NOT_FOUND, 0,
                           "listener '%s' has no binding for unknown senders", name);
        }
    }
    bool first = collect->generation == NULL;
    generation_unref(collect->generation);
    collect->generation = generation;
    collect->generations++;
    for (size_t i = 0; i < collect->listeners_count; i++) {
        struct listener *listener = collect->listeners[i];
        uint64_t seed = listener->bindings.seed;
        map_done(&listener->bindings);
        map_init(&listener->bindings, CONNECTIONS_MAX, seed);
        enum err err = listener_start(listener, why);
        if (err != OK) {
            return err;
        }
    }
    if (first) {
        timer_set(collect->sweep, SWEEP_MS, SWEEP_MS);
    }
    return OK;
}

static enum err listener_start(struct listener *listener, struct why *why)
{
    enum err err = OK;
    if (listener->kind == COLLECT_HTTP) {
        http_start(listener->http);
        return OK;
    }
    if (listener->kind == COLLECT_SYSLOG_UDP) {
        err = udp_start(listener);
    } else if (listener->watch == NULL && listener->kind != COLLECT_FILES) {
        err = connections_start(listener);
        if (err == OK) {
            watch_set(listener->watch, listener->collect->held ? 0 : WATCH_READ);
        }
    }
    return err == OK ? OK : why_say(why, err, 0, "listener '%s' does not start", listener->name);
}

void collect_resume(struct collect *collect)
{
    if (collect->generation == NULL) {
        return;
    }
    if (collect->held) {
        collect->held = false;
        if (held_offer(collect) != OK) {
            collect_hold(collect);
            return;
        }
        watches_set(collect, WATCH_READ);
        posts_resume(collect);
    } else if (collect->posts_held) {
        posts_resume(collect);
    }
}

enum err collect_flush(struct collect *collect)
{
    enum err err = held_offer(collect);
    if (err == OK) {
        err = udp_flush(collect);
    }
    if (err == OK) {
        err = open_flush(collect); /* What was held went into the builders. */
    }
    return err == OK ? posts_flush(collect) : ERR_AGAIN;
}

/* Every open batch. */
static enum err open_flush(struct collect *collect)
{
    enum err err = streams_flush(collect);
    return err == OK ? awaited_flush(collect) : err;
}

static enum err held_offer(struct collect *collect)
{
    enum err err = rejects_flush(collect);
    if (err == OK) {
        err = open_flush(collect);
    }
    if (err == OK) {
        err = connections_resume(collect);
    }
    if (err == OK) {
        err = tails_resume(collect);
    }
    return err;
}

void collect_tick(struct collect *collect)
{
    if (!collect->ticking) {
        collect->ticking = true;
        timer_set(collect->tick, TICK_MS, 0);
    }
}

static void tick(void *context)
{
    struct collect *collect = context;
    collect->ticking = false;
    if (!collect->held && (rejects_flush(collect) != OK || open_flush(collect) != OK)) {
        collect_hold(collect);
    }
}

static void posts_turn(void *context)
{
    struct collect *collect = context;
    if (!collect->held) {
        posts_resume(collect);
    }
}

static void sweep(void *context)
{
    struct collect *collect = context;
    struct mono now = mono_now();
    collect_resume(collect);
    posts_sweep(collect, now);
    udp_sweep(collect);
    connections_sweep(collect, now);
    streams_sweep(collect, now);
}

void collect_hold(struct collect *collect)
{
    if (!collect->held) {
        collect->held = true;
        watches_set(collect, 0);
    }
}

struct wall collect_now(const struct collect *collect)
{
    return collect->calls.now != NULL ? collect->calls.now(collect->calls.context) : wall_now();
}

void collect_say(struct collect *collect, const char *format, ...)
{
    char line[512];
    struct mono now = mono_now();
    if (collect->calls.say == NULL) {
        return;
    }
    if (collect->ever_said && mono_ms_since(collect->said, now) < 1000) {
        collect->unsaid++;
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (collect->unsaid > 0 && size > 0 && (size_t)size < sizeof line - 64) {
        (void)snprintf(line + size, sizeof line - (size_t)size, " (and %llu more like this)",
                       (unsigned long long)collect->unsaid);
    }
    collect->ever_said = true;
    collect->unsaid = 0;
    collect->said = now;
    collect->calls.say(collect->calls.context, line);
}
