/*
 * Handed batches that somebody waits for: a post, a RELP or a Lumberjack connection, which may say
 * "kept" to its peer only once the batch is on disk.
 *
 *     pending_hand ─► (ring, commit) ─► collect_committed ─► waiter's `ended`
 *                                   └─► pending_done ──────► waiter's `forgotten`
 *
 * Batches of syslog without answers pass through the same ring and have positions too; they are not
 * here, so positions have gaps.
 *
 * Always true: the list is in the order of positions; each batch that was handed over calls exactly
 * one of its waiter's two functions, once, in that order; what was taken out of the list is no
 * longer in it when the waiter is called, so that a waiter may hand over its next batch there.
 */

#include <stdlib.h>
#include <string.h>

#include "collect/private.h"

struct pending {
    uint64_t position;
    struct waiter *waiter;
    uint32_t events;
    enum commit_result result;
};

static enum err room_make(struct pendings *pendings)
{
    if (pendings->first > 0 && pendings->first + pendings->count == pendings->capacity) {
        memmove(pendings->list, pendings->list + pendings->first,
                pendings->count * sizeof *pendings->list);
        pendings->first = 0;
    }
    if (pendings->count == pendings->capacity) {
        size_t capacity = pendings->capacity == 0 ? 256 : pendings->capacity * 2;
        struct pending *larger = realloc(pendings->list, capacity * sizeof *larger);
        if (larger == NULL) {
            return ERR_AGAIN;
        }
        pendings->list = larger;
        pendings->capacity = capacity;
    }
    return OK;
}

enum err pending_hand(struct collect *collect, struct builder *builder,
                      const struct binding *binding, struct waiter *waiter)
{
    struct pendings *pendings = &collect->pendings;
    struct str bytes;
    uint64_t position;
    uint32_t events = builder_events(builder);
    enum err err = room_make(pendings);
    if (err == OK) {
        err = builder_finish(builder, &bytes);
    }
    if (err == OK) {
        err = collect->calls.batch(collect->calls.context, bytes, binding->client, binding->source,
                                   events, &position);
    }
    if (err == OK) {
        builder_reset(builder);
        pendings->list[pendings->first + pendings->count++] =
            (struct pending){.position = position, .waiter = waiter, .events = events};
    }
    return err;
}

static void result_note(struct pendings *pendings, const struct commit_exception *exception)
{
    struct pending *list = pendings->list + pendings->first;
    size_t low = 0;
    size_t high = pendings->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list[middle].position < exception->position) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < pendings->count && list[low].position == exception->position) {
        list[low].result = exception->result;
    }
}

static struct pending take_first(struct pendings *pendings)
{
    struct pending first = pendings->list[pendings->first];
    pendings->count--;
    pendings->first = pendings->count == 0 ? 0 : pendings->first + 1;
    return first;
}

void collect_committed(struct collect *collect, uint64_t position,
                       const struct commit_exception *exceptions, size_t count)
{
    struct pendings *pendings = &collect->pendings;
    for (size_t i = 0; i < count && pendings->count > 0; i++) {
        result_note(pendings, &exceptions[i]);
    }
    while (pendings->count > 0 && pendings->list[pendings->first].position <= position) {
        struct pending ended = take_first(pendings);
        ended.waiter->ended(ended.waiter, ended.events, ended.result);
    }
}

void pending_done(struct collect *collect)
{
    struct pendings *pendings = &collect->pendings;
    while (pendings->count > 0) {
        struct pending ended = take_first(pendings);
        ended.waiter->forgotten(ended.waiter);
    }
    free(pendings->list);
    *pendings = (struct pendings){0};
}
