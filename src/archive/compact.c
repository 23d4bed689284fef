/*
 * Which segments are better made anew: small ones that lie side by side become one, cold ones are
 * packed for good.
 *
 * Segments of one class are sorted into tiers by their size, each FACTOR times the one before, and
 * FACTOR neighbours of one tier become one of the next: each event is rewritten once a tier, some
 * four times in all its life, and a year of quiet hours is a few dozen files.  What would span too
 * much of its class's time, or be too large, stays as it is: a segment goes as a whole.
 *
 * Always true: what is made one is of one client and one class, and none of it is being made
 * already.
 */

#include "archive/private.h"

#include <stdlib.h>
#include <string.h>

#define FACTOR         SEGMENT_REPLACES_MAX
#define TIER_SMALLEST  ((uint64_t)1 << 18)
#define DAY_NS         (86400 * NS_PER_SECOND)
#define LEAVES_MAX     (128 * 1024) /* of what is made one: core reads their tables in one turn */
#define SPAN_EVER_DAYS 60

static unsigned tier_of(const struct held *held)
{
    unsigned tier = 0;
    for (uint64_t size = TIER_SMALLEST; held->head.original > size && tier < 8; size *= FACTOR) {
        tier++;
    }
    return tier;
}

/* Time that one segment of a class may span: an eighth of what it is kept. */
static int64_t span_max(uint32_t days)
{
    int64_t span = days == KEEP_FOR_EVER ? SPAN_EVER_DAYS : days / 8;
    return (span < 1 ? 1 : span > SPAN_EVER_DAYS ? SPAN_EVER_DAYS : span) * DAY_NS;
}

/* Takes a segment into the run, if it goes with those in it. */
static bool run_fits(struct held *const *run, size_t count, const struct held *held)
{
    uint64_t original = held->head.original;
    uint64_t leaves = held->head.leaves;
    int64_t oldest = held->head.oldest.ns;
    int64_t newest = held->head.newest.ns;
    for (size_t i = 0; i < count; i++) {
        const struct segment_head *head = &run[i]->head;
        original += head->original;
        leaves += head->leaves;
        oldest = head->oldest.ns < oldest ? head->oldest.ns : oldest;
        newest = head->newest.ns > newest ? head->newest.ns : newest;
        if (head->days != held->head.days || tier_of(run[i]) != tier_of(held)) {
            return false;
        }
    }
    return original <= SEGMENT_MERGED_MAX && leaves <= LEAVES_MAX &&
           newest - oldest <= span_max(held->head.days);
}

static int first_compare(const void *a, const void *b)
{
    const struct held *left = *(struct held *const *)a;
    const struct held *right = *(struct held *const *)b;
    if (left->head.days != right->head.days) {
        return left->head.days < right->head.days ? -1 : 1;
    }
    return left->head.first < right->head.first ? -1 : left->head.first > right->head.first;
}

/* FACTOR neighbours, or none. */
static size_t run_find(struct held **sorted, size_t count, struct wall now, struct held **run)
{
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        struct held *held = sorted[i];
        if (held->busy || held->retry.ns > now.ns) {
            length = 0;
            continue;
        }
        if (!run_fits(run, length, held)) {
            length = 0;
            if (!run_fits(run, 0, held)) {
                continue;
            }
        }
        run[length++] = held;
        if (length == FACTOR) {
            return length;
        }
    }
    return 0;
}

static size_t cold_find(struct held **sorted, size_t count, int64_t cold_after_ns, struct wall now,
                        struct held **run)
{
    for (size_t i = 0; cold_after_ns > 0 && i < count; i++) {
        struct held *held = sorted[i];
        if (!held->busy && held->retry.ns <= now.ns && held->head.level < SEAL_LEVEL_COLD &&
            held->head.newest.ns < now.ns - cold_after_ns) {
            run[0] = held;
            return 1;
        }
    }
    return 0;
}

static int leaf_compare(const void *a, const void *b)
{
    uint64_t left = ((const struct segment_leaf *)a)->index;
    uint64_t right = ((const struct segment_leaf *)b)->index;
    return left < right ? -1 : left > right;
}

static enum err leaves_gather(struct archive *archive, struct client *client, struct held **run,
                              size_t count, struct segment_leaf **ret, size_t *ret_count)
{
    size_t total = 0;
    enum err err = OK;
    for (size_t i = 0; i < count; i++) {
        total += (size_t)run[i]->head.leaves;
    }
    struct segment_leaf *leaves = calloc(total + 1, sizeof *leaves);
    if (leaves == NULL) {
        return ERR_MEMORY;
    }
    total = 0;
    for (size_t i = 0; err == OK && i < count; i++) {
        const struct segment_head *head = &run[i]->head;
        struct segment_leaf *list;
        struct file *file;
        struct arena *mem = arena_new((size_t)head->leaves * 400 + ((size_t)4 << 20));
        err = mem == NULL ? ERR_MEMORY : held_open(archive, client, head, &file);
        if (err == OK) {
            err = segment_leaves(file, head, mem, &list, NULL);
            file_close(file);
        }
        if (err == OK) {
            memcpy(leaves + total, list, (size_t)head->leaves * sizeof *list);
            total += (size_t)head->leaves;
        }
        arena_free(mem);
    }
    qsort(leaves, total, sizeof *leaves, leaf_compare);
    size_t kept = 0;
    for (size_t i = 0; i < total; i++) {
        if (kept == 0 || leaves[kept - 1].index != leaves[i].index) {
            leaves[kept++] = leaves[i];
        }
    }
    if (err != OK) {
        free(leaves);
        return err;
    }
    *ret = leaves;
    *ret_count = kept;
    return OK;
}

static enum err run_order(struct archive *archive, struct client *client, struct held **run,
                          size_t count, bool cold, struct wall now, struct seal **ret)
{
    uint64_t replaces[SEGMENT_REPLACES_MAX] = {0};
    struct segment_leaf *leaves = NULL;
    size_t leaves_count = 0;
    for (size_t i = 0; i < count; i++) {
        replaces[i] = run[i]->head.generation;
        cold = cold || run[i]->head.level >= SEAL_LEVEL_COLD;
    }
    enum err err = leaves_gather(archive, client, run, count, &leaves, &leaves_count);
    if (err == OK) {
        err = seal_new(archive, client, run[0]->head.days, cold ? SEAL_LEVEL_COLD : SEAL_LEVEL_HOT,
                       true, 0, replaces, leaves, leaves_count, ret);
    }
    for (size_t i = 0; i < count; i++) {
        run[i]->busy = err == OK;
        run[i]->retry.ns = err == OK ? run[i]->retry.ns : now.ns + 3600 * NS_PER_SECOND;
    }
    return err == ERR_CORRUPT || err == ERR_NOT_FOUND ? OK : err; /* verify names it */
}

enum err merge_choose(struct archive *archive, const struct seal_options *options, struct wall now,
                      struct seal **ret)
{
    enum err err = OK;
    for (size_t i = 0; err == OK && *ret == NULL && i < archive->clients_count; i++) {
        struct client *client = archive->clients[i];
        struct held *run[FACTOR];
        struct held **sorted = calloc(client->held_count + 1, sizeof(struct held *));
        if (sorted == NULL) {
            return ERR_MEMORY;
        }
        for (size_t h = 0; h < client->held_count; h++) {
            sorted[h] = &client->held[h];
        }
        if (client->held_count > 1) {
            qsort(sorted, client->held_count, sizeof(struct held *), first_compare);
        }
        size_t count = run_find(sorted, client->held_count, now, run);
        bool cold = count == 0;
        if (cold) {
            count = cold_find(sorted, client->held_count, options->cold_after_ns, now, run);
        }
        if (count > 0) {
            err = run_order(archive, client, run, count, cold, now, ret);
        }
        free(sorted);
    }
    return err;
}
