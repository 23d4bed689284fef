/*
 * Records whose sender waits to hear that they are on disk.
 *
 *     record ─► open batch ─► handed over (pending.c) ─► committed ─► protocol's `kept` ─► answer
 *     mark   ─► marks ...................................................▲ the oldest so many
 *
 * A connection's records go into batches of its own, not into the open batch of their source, so
 * that what is committed can be told in one step, and in order.
 *
 * Always true:
 *
 *   (1) marks holds, oldest first, those of the batches handed over, `handed` saying how many each
 *       of them has, and behind them the `open` ones of the open batch;
 *   (2) all this outlives its connection until each batch that was handed over has ended: what was
 *       read is kept, whether or not somebody is there to be told;
 *   (3) what has open marks is in collect->awaited, from which the tick hands it over.
 */

#include <stdlib.h>
#include <string.h>

#include "collect/connection.h"
#include "sys/clocks.h"

#define BUILDER_IDLE_MS 1000
#define BUILDER_KEPT    (64 * 1024) /* A builder that had more records' bytes is not kept. */
#define MARKS_KEPT      4096
#define MARKS_MAX       (2 * WINDOW_EVENTS_MAX)

struct awaited {
    struct waiter waiter;            /* the first, so that one is the other */
    struct awaited *next, *previous; /* of those with something open */
    struct collect *collect;
    struct connection *connection; /* NULL: gone */
    struct generation *generation; /* that the binding is of */
    const struct binding *binding;
    struct builder *builder; /* NULL while nothing comes */
    struct buf marks;        /* uint64_t each */
    struct buf handed;       /* uint32_t each */
    size_t open;
    size_t bytes; /* of the open batch's records */
    bool listed, calling;
    struct mono used;
};

static void ended(struct waiter *waiter, uint32_t events, enum commit_result result);
static void forgotten(struct waiter *waiter);

static struct awaited *awaited_get(struct connection *connection)
{
    struct collect *collect = connection->listener->collect;
    if (connection->awaited == NULL) {
        struct awaited *awaited = calloc(1, sizeof *awaited);
        if (awaited == NULL) {
            return NULL;
        }
        awaited->waiter = (struct waiter){.ended = ended, .forgotten = forgotten};
        awaited->collect = collect;
        awaited->connection = connection;
        buf_init(&awaited->marks, MARKS_MAX * sizeof(uint64_t));
        buf_init(&awaited->handed, MARKS_MAX * sizeof(uint32_t));
        connection->awaited = awaited;
    }
    return connection->awaited;
}

static void unlist(struct awaited *awaited)
{
    if (!awaited->listed) {
        return;
    }
    if (awaited->previous != NULL) {
        awaited->previous->next = awaited->next;
    } else {
        awaited->collect->awaited = awaited->next;
    }
    if (awaited->next != NULL) {
        awaited->next->previous = awaited->previous;
    }
    awaited->listed = false;
}

static void list(struct awaited *awaited)
{
    if (!awaited->listed) {
        awaited->previous = NULL;
        awaited->next = awaited->collect->awaited;
        if (awaited->next != NULL) {
            awaited->next->previous = awaited;
        }
        awaited->collect->awaited = awaited;
        awaited->listed = true;
        collect_tick(awaited->collect);
    }
}

static void awaited_free(struct awaited *awaited)
{
    unlist(awaited);
    builder_free(awaited->builder);
    generation_unref(awaited->generation);
    buf_done(&awaited->marks);
    buf_done(&awaited->handed);
    free(awaited);
}

/* Takes the oldest marks out and has their sender told. */
static void tell(struct awaited *awaited, size_t count, bool stored)
{
    struct connection *connection = awaited->connection;
    if (connection != NULL) {
        awaited->calling = true;
        connection->protocol->kept(connection, (const uint64_t *)(const void *)awaited->marks.data,
                                   count, stored);
        awaited->calling = false;
    }
    buf_consume(&awaited->marks, count * sizeof(uint64_t));
    connection = awaited->connection;
    if (awaited->marks.size == 0 && awaited->marks.capacity > MARKS_KEPT) {
        buf_done(&awaited->marks);
        buf_init(&awaited->marks, MARKS_MAX * sizeof(uint64_t));
    }
    bool done = awaited->handed.size == 0 && awaited->open == 0;
    if (connection == NULL && done) {
        awaited_free(awaited);
    } else if (connection != NULL && connection->paused && !awaited_is_full(connection)) {
        connection_go_on(connection);
    }
}

/* Hands the open batch over.  What is awaited may be gone afterwards. */
static enum err awaited_hand(struct awaited *awaited)
{
    char *count;
    if (awaited->open == 0) {
        unlist(awaited);
        return OK;
    }
    if (awaited->builder == NULL || builder_events(awaited->builder) == 0) {
        /* Only marks: they are told with the batch before them, or now. */
        size_t open = awaited->open;
        awaited->open = 0;
        unlist(awaited);
        if (awaited->handed.size > 0) {
            uint32_t last;
            char *at = awaited->handed.data + awaited->handed.size - sizeof last;
            memcpy(&last, at, sizeof last);
            last += (uint32_t)open;
            memcpy(at, &last, sizeof last);
            return OK;
        }
        tell(awaited, open, true);
        return OK;
    }
    enum err err = buf_extend(&awaited->handed, sizeof(uint32_t), &count);
    if (err != OK) {
        return ERR_AGAIN;
    }
    err = pending_hand(awaited->collect, awaited->builder, awaited->binding, &awaited->waiter);
    if (err != OK) {
        awaited->handed.size -= sizeof(uint32_t);
        return ERR_AGAIN;
    }
    memcpy(count, &(uint32_t){(uint32_t)awaited->open}, sizeof(uint32_t));
    awaited->open = 0;
    unlist(awaited);
    if (awaited->bytes > BUILDER_KEPT) { /* as many connections, as much memory */
        builder_free(awaited->builder);
        awaited->builder = NULL;
    }
    awaited->bytes = 0;
    return OK;
}

static enum err mark_add(struct awaited *awaited, uint64_t mark)
{
    enum err err = buf_append(&awaited->marks, str_of(&mark, sizeof mark));
    if (err == OK) {
        awaited->open++;
        list(awaited);
    }
    return err == OK ? OK : ERR_AGAIN;
}

/* The builder for what this connection sends now. */
static enum err builder_get(struct awaited *awaited)
{
    struct connection *connection = awaited->connection;
    const struct binding *binding = connection_binding(connection);
    struct generation *generation = awaited->collect->generation;
    if (binding == NULL) {
        return ERR_DENIED;
    }
    if (awaited->generation != generation) {
        enum err err = awaited_hand(awaited);
        if (err != OK) {
            return err;
        }
        builder_free(awaited->builder);
        awaited->builder = NULL;
        generation_unref(awaited->generation);
        awaited->generation = generation_ref(generation);
        awaited->binding = binding;
    }
    if (awaited->builder == NULL) {
        awaited->builder = builder_new(awaited->binding->client, awaited->binding->source);
    }
    return awaited->builder == NULL ? ERR_AGAIN : OK;
}

enum err awaited_add(struct connection *connection, struct str record, uint64_t mark)
{
    struct collect *collect = connection->listener->collect;
    struct awaited *awaited = awaited_get(connection);
    if (awaited == NULL || awaited_is_full(connection)) {
        return ERR_AGAIN;
    }
    enum err err = builder_get(awaited);
    if (err != OK) {
        return err;
    }
    struct str sender = str_from(connection->peer.text);
    struct wall now = collect_now(collect);
    /* The mark first, as a record must not be without one. */
    if (buf_append(&awaited->marks, str_of(&mark, sizeof mark)) != OK) {
        return ERR_AGAIN;
    }
    err = record_add(collect, awaited->binding, sender, record, now, awaited->builder);
    if (err == ERR_LIMIT && builder_events(awaited->builder) > 0) {
        err = awaited_hand(awaited);
        if (err == OK) {
            err = builder_get(awaited);
        }
        if (err == OK) {
            err = record_add(collect, awaited->binding, sender, record, now, awaited->builder);
        }
    }
    if (err != OK) {
        awaited->marks.size -= sizeof mark;
        return ERR_AGAIN;
    }
    awaited->used = mono_now();
    awaited->open++;
    awaited->bytes += record.size;
    list(awaited);
    quota_charge(collect, awaited->binding, 1, awaited->used);
    return OK;
}

enum err awaited_pass(struct connection *connection, uint64_t mark)
{
    struct awaited *awaited = awaited_get(connection);
    return awaited == NULL || awaited_is_full(connection) ? ERR_AGAIN : mark_add(awaited, mark);
}

size_t awaited_waits(const struct connection *connection)
{
    return connection->awaited == NULL ? 0 : connection->awaited->marks.size / sizeof(uint64_t);
}

bool awaited_is_full(const struct connection *connection)
{
    return awaited_waits(connection) >= WINDOW_EVENTS_MAX;
}

void awaited_leave(struct connection *connection)
{
    struct awaited *awaited = connection->awaited;
    if (awaited == NULL) {
        return;
    }
    connection->awaited = NULL;
    awaited->connection = NULL;
    if (awaited->handed.size == 0 && awaited->open == 0 && !awaited->calling) {
        awaited_free(awaited);
    }
}

static void ended(struct waiter *waiter, uint32_t events, enum commit_result result)
{
    struct awaited *awaited = (struct awaited *)waiter;
    uint32_t count;
    (void)events;
    memcpy(&count, awaited->handed.data, sizeof count);
    buf_consume(&awaited->handed, sizeof count);
    tell(awaited, count, result == COMMIT_STORED || result == COMMIT_DUPLICATE);
}

static void forgotten(struct waiter *waiter)
{
    struct awaited *awaited = (struct awaited *)waiter;
    buf_consume(&awaited->handed, sizeof(uint32_t));
    if (awaited->handed.size == 0 && awaited->connection == NULL) {
        awaited_free(awaited);
    }
}

enum err awaited_flush(struct collect *collect)
{
    enum err err = OK;
    while (collect->awaited != NULL && err == OK) {
        err = awaited_hand(collect->awaited);
    }
    return err;
}

void awaited_done(struct collect *collect)
{
    while (collect->awaited != NULL) { /* what never found room */
        struct awaited *awaited = collect->awaited;
        unlist(awaited);
        awaited->open = 0;
        if (awaited->handed.size == 0) {
            awaited_free(awaited);
        }
    }
}

void awaited_sweep(struct connection *connection, struct mono now)
{
    struct awaited *awaited = connection->awaited;
    if (awaited != NULL && awaited->builder != NULL && awaited->open == 0 &&
        mono_ms_since(awaited->used, now) > BUILDER_IDLE_MS) {
        builder_free(awaited->builder);
        awaited->builder = NULL;
    }
}
