/*
 * Which heads a package carries.  A chain from the anchor would do, and would be years of minutes.
 * But the first head of each day is signed with a key of days as well, so that the days alone are a
 * chain; and within a day only the whole chain of its minutes shows what was signed when.
 *
 *     day ─ day ─ day ┬ minute ─ minute … minute ┬ day ─ day … ─ day
 *                     └ a day that is needed ────┘
 *
 * Needed are the days of the heads between which the package's leaves lie, and of the tombstones
 * for leaves among them.  Heads from before the first day head come whole.
 *
 * Always true: a stretch of heads that is left out lies between two day heads that follow one
 * another.
 */

#include "archive/package_private.h"

#include <stdlib.h>
#include <string.h>

enum err heads_walk_open(struct heads_walk *walk, struct file *file, uint64_t end,
                         struct client_id client)
{
    *walk = (struct heads_walk){.file = file, .client = client, .end = end};
    walk->window = malloc(DAY_WINDOW_SIZE);
    return walk->window == NULL ? ERR_MEMORY : OK;
}

void heads_walk_done(struct heads_walk *walk)
{
    free(walk->window);
    *walk = (struct heads_walk){0};
}

enum err heads_walk_next(struct heads_walk *walk, struct head *ret, struct str *ret_bytes)
{
    if (walk->at >= walk->end) {
        return ERR_CLOSED;
    }
    uint64_t left = walk->end - walk->at;
    if (walk->got - walk->used < HEAD_SIZE_MAX && walk->got - walk->used < left) {
        enum err err = file_read(walk->file, walk->at, walk->window, DAY_WINDOW_SIZE, &walk->got);
        if (err != OK) {
            return err;
        }
        walk->got = walk->got < left ? walk->got : (size_t)left;
        walk->used = 0;
    }
    size_t size;
    struct str rest = str_of(walk->window + walk->used, walk->got - walk->used);
    if (!head_read_fast(rest, walk->client, ret, &size)) {
        return ERR_CORRUPT;
    }
    *ret_bytes = str_of(rest.data, size);
    walk->used += size;
    walk->at += size;
    return OK;
}

static enum err walk_failed(const struct heads_walk *walk, enum err err, struct why *why)
{
    return why_say(why, err, 0, "the heads of client %u at byte %llu: %s", walk->client.value,
                   (unsigned long long)walk->at, err_text(err));
}

/* From the head before the first that is later than `from`, to the one behind the last that is
 * earlier than `to`: so a clock that was set back makes the range larger, never smaller. */
enum err package_range_find(const struct package_proof *proof, struct client_id client,
                            const struct gone *gone, struct wall from, struct wall to,
                            struct package_range *ret, struct why *why)
{
    struct heads_walk walk;
    struct head *head = malloc(sizeof *head);
    struct package_range range = {0};
    struct str bytes;
    bool begun = false;
    bool any = false;
    bool ended = false;
    enum err err =
        head == NULL ? ERR_MEMORY : heads_walk_open(&walk, proof->heads, proof->heads_end, client);
    if (err != OK) {
        free(head);
        return err;
    }
    while ((err = heads_walk_next(&walk, head, &bytes)) == OK) {
        const struct gone_run *run = gone_find(gone, head->tree.size);
        bool between = run == NULL || run->index == head->tree.size; /* runs are never cut */
        begun = begun || head->wall.ns > from.ns - PACKAGE_LATE_NS;
        if (!any || (!begun && between)) {
            range.start_epoch = head->epoch;
            range.start_wall = head->wall;
            range.start = head->tree;
            range.start_events = head->events;
        }
        if (!ended) {
            range.end_epoch = head->epoch;
            range.end_wall = head->wall;
            range.leaves_end = head->tree.size;
            range.events_end = head->events;
        }
        any = true;
        ended = between && head->wall.ns >= to.ns + PACKAGE_LATE_NS;
        range.last_epoch = head->epoch;
    }
    bool torn = err == ERR_CORRUPT && walk.at > 0 && walk.end - walk.at < HEAD_SIZE_MAX;
    err = err == ERR_CLOSED || torn ? OK : walk_failed(&walk, err, why);
    heads_walk_done(&walk);
    free(head);
    if (err == OK && !any) {
        return why_say(why, ERR_NOT_FOUND, 0, "client %u has no head", client.value);
    }
    if (err == OK) {
        *ret = range;
    }
    return err;
}

/* One day's records are held back until it is known whether they are needed. */
struct picking {
    const struct package_heads *heads;
    size_t next; /* of heads->epochs */
    bool days;   /* a day head was met */
    struct buf day;
    uint64_t first, last; /* epochs of what is held */
};

static bool day_needed(struct picking *picking)
{
    const struct package_heads *heads = picking->heads;
    bool needed = picking->first <= heads->end_epoch && picking->last >= heads->start_epoch;
    while (picking->next < heads->count && heads->epochs[picking->next] <= picking->last) {
        needed = needed || heads->epochs[picking->next] >= picking->first;
        picking->next++;
    }
    return needed || !picking->days;
}

static enum err day_flush(struct picking *picking, struct client_id client, struct head *scratch)
{
    bool needed = day_needed(picking);
    enum err err = OK;
    for (size_t at = 0; err == OK && at < picking->day.size;) {
        size_t size;
        struct str rest = str_slice(buf_str(&picking->day), at, SIZE_MAX);
        if (!head_read_fast(rest, client, scratch, &size)) {
            return ERR_CORRUPT;
        }
        err = picking->heads->call(picking->heads->context, scratch, str_slice(rest, 0, size));
        at = needed ? at + size : picking->day.size; /* of a day not needed, its day head */
    }
    buf_reset(&picking->day);
    return err;
}

enum err package_heads_pick(const struct package_proof *proof, struct client_id client,
                            const struct package_heads *heads, struct why *why)
{
    struct picking picking = {.heads = heads};
    struct heads_walk walk;
    struct head *head = calloc(2, sizeof *head);
    struct str bytes;
    enum err err =
        head == NULL ? ERR_MEMORY : heads_walk_open(&walk, proof->heads, proof->heads_end, client);
    if (err != OK) {
        free(head);
        return err;
    }
    buf_init(&picking.day, DAY_SIZE_MAX);
    while (err == OK && (err = heads_walk_next(&walk, head, &bytes)) == OK) {
        if (head->kind == HEAD_DAY && picking.day.size > 0) {
            err = day_flush(&picking, client, head + 1);
            picking.days = true;
        }
        picking.days = picking.days || head->kind == HEAD_DAY;
        picking.first = picking.day.size == 0 ? head->epoch : picking.first;
        picking.last = head->epoch;
        err = err == OK ? buf_append(&picking.day, bytes) : err;
    }
    bool torn = err == ERR_CORRUPT && walk.at > 0 && walk.end - walk.at < HEAD_SIZE_MAX;
    err = err == ERR_CLOSED || torn ? day_flush(&picking, client, head + 1) : err;
    err = err == OK ? OK : walk_failed(&walk, err, why);
    buf_done(&picking.day);
    heads_walk_done(&walk);
    free(head);
    return err;
}
