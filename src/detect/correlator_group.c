/*
 * Groups: the sightings of one correlation that have the same values in its group-by fields.
 *
 * A group keeps its sightings in the order of their times (then of their places), from the newest
 * back over the timespan and CORRELATION_LATENESS_MAX: what comes late finds its place, and
 * everything that its windows reach back to.
 *
 * Memory.  A group that got nothing for its timespan and the lateness, by the time of arrival, is
 * past and forgotten.  When the state still is larger than it may be, past groups of all
 * correlations go first, then those that were touched least recently; that is counted.  A group of
 * more than CORRELATION_ENTRIES_MAX sightings first gives up what it keeps for late ones; then
 * sightings of the same rule and value in the same 1,024th of the timespan become one, whose time
 * is that of the last (so counts are never too low), then of the same 512th, down to a 128th; what
 * still does not fit loses its oldest half.
 *
 * Always true:
 *   (1) sights[first, first + count) ascend by time, then by sequence.
 *   (2) `tail` is the oldest sight of the window that ends with the newest one, and `window`, if
 *       there is one, is made of exactly those from tail on.
 *   (3) size is a function of what a group keeps and not of how it came to that, so that a state
 *       which was decoded forgets just what the original would have.
 */

#include "detect/correlator_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"

#define TABLE_SIZE_MIN 64
#define GRAINS         1024 /* of a timespan, at first, */
#define GRAINS_MIN     128  /* and at the coarsest */

static int64_t group_age_max(const struct correlator *correlator, const struct group *group)
{
    return correlator->own[group->correlation].correlation->timespan + CORRELATION_LATENESS_MAX;
}

/* ---- The table and the two orders of age. */

static void lists_leave(struct correlator *correlator, struct group *group)
{
    struct own *own = &correlator->own[group->correlation];
    *(group->older != NULL ? &group->older->newer : &correlator->oldest) = group->newer;
    *(group->newer != NULL ? &group->newer->older : &correlator->newest) = group->older;
    *(group->own_older != NULL ? &group->own_older->own_newer : &own->oldest) = group->own_newer;
    *(group->own_newer != NULL ? &group->own_newer->own_older : &own->newest) = group->own_older;
}

static void lists_enter(struct correlator *correlator, struct group *group)
{
    struct own *own = &correlator->own[group->correlation];
    group->newer = group->own_newer = NULL;
    group->older = correlator->newest;
    group->own_older = own->newest;
    *(correlator->newest != NULL ? &correlator->newest->newer : &correlator->oldest) = group;
    *(own->newest != NULL ? &own->newest->own_newer : &own->oldest) = group;
    correlator->newest = own->newest = group;
}

static enum err table_grow(struct correlator *correlator)
{
    size_t size = correlator->table_size > 0 ? 2 * correlator->table_size : TABLE_SIZE_MIN;
    struct group **table = calloc(size, sizeof(struct group *));
    if (table == NULL) {
        return ERR_MEMORY;
    }
    for (struct group *group = correlator->oldest; group != NULL; group = group->newer) {
        group->chained = table[group->hash & (size - 1)];
        table[group->hash & (size - 1)] = group;
    }
    free(correlator->table);
    correlator->table = table;
    correlator->table_size = size;
    return OK;
}

void group_forget(struct correlator *correlator, struct group *group)
{
    struct group **link = &correlator->table[group->hash & (correlator->table_size - 1)];
    while (*link != group) {
        link = &(*link)->chained;
    }
    *link = group->chained;
    lists_leave(correlator, group);
    correlator->stats.groups--;
    correlator->stats.size -= group->size;
    group_window_forget(group);
    free(group->sights);
    free(group->fired);
    free(group);
}

static bool group_past(const struct correlator *correlator, const struct group *group)
{
    return correlator->clock - group->touched > group_age_max(correlator, group);
}

/* The groups of one correlation that are past. */
static void past_forget(struct correlator *correlator, uint32_t own, const struct group *but)
{
    struct group *group = correlator->own[own].oldest;
    while (group != NULL && group != but && group_past(correlator, group)) {
        group_forget(correlator, group);
        group = correlator->own[own].oldest;
    }
}

void groups_fit(struct correlator *correlator, const struct group *but)
{
    if (correlator->stats.size > correlator->size_max &&
        correlator->clock - correlator->swept > NS_PER_SECOND) {
        correlator->swept = correlator->clock;
        for (size_t i = 0; i < correlator->own_count; i++) {
            past_forget(correlator, (uint32_t)i, but);
        }
    }
    while (correlator->stats.size > correlator->size_max && correlator->oldest != but) {
        group_forget(correlator, correlator->oldest);
        correlator->stats.forgotten++;
    }
}

static enum err group_make(struct correlator *correlator, uint32_t own, struct str key,
                           uint64_t hash, struct group **ret)
{
    if (correlator->stats.groups >= correlator->table_size) {
        enum err err = table_grow(correlator);
        if (err != OK) {
            return err;
        }
    }
    struct group *group = calloc(1, sizeof *group + key.size);
    if (group == NULL) {
        return ERR_MEMORY;
    }
    group->hash = hash;
    group->correlation = own;
    group->key_size = (uint32_t)key.size;
    group->newest = group->since = group->limit_at = INT64_MIN;
    if (key.size > 0) {
        memcpy(group->key, key.data, key.size);
    }
    group->chained = correlator->table[hash & (correlator->table_size - 1)];
    correlator->table[hash & (correlator->table_size - 1)] = group;
    correlator->stats.groups++;
    lists_enter(correlator, group);
    *ret = group;
    return OK;
}

enum err group_find(struct correlator *correlator, uint32_t own, struct str key, struct group **ret)
{
    uint64_t hash = hash_bytes(key, correlator->seed + own);
    struct group *group = NULL;
    past_forget(correlator, own, NULL);
    if (correlator->table_size > 0) {
        group = correlator->table[hash & (correlator->table_size - 1)];
    }
    while (group != NULL && (group->hash != hash || group->correlation != own ||
                             !str_equal(str_of(group->key, group->key_size), key))) {
        group = group->chained;
    }
    if (group == NULL) {
        enum err err = group_make(correlator, own, key, hash, &group);
        if (err != OK) {
            return err;
        }
    } else {
        lists_leave(correlator, group);
        lists_enter(correlator, group);
    }
    group->touched = correlator->clock;
    *ret = group;
    return OK;
}

void group_weigh(struct correlator *correlator, struct group *group)
{
    size_t each =
        group->count > WINDOW_KEPT_MIN ? 3 * sizeof(struct sight) : 2 * sizeof(struct sight);
    size_t size = sizeof *group + sizeof(struct group *) + group->key_size + group->count * each +
                  2 * group->fired_count * sizeof *group->fired;
    correlator->stats.size += size - group->size;
    group->size = size;
}

/* ---- Sights. */

struct sight *group_sight(const struct group *group, uint32_t at)
{
    return &group->sights[group->first + at];
}

void group_window_forget(struct group *group)
{
    if (group->window != NULL) {
        window_done(group->window);
        free(group->window);
        group->window = NULL;
    }
}

/* Moves the sights to the front of an array that is large enough, and not much too large. */
static enum err sights_fit(struct group *group, uint32_t count)
{
    uint32_t capacity = 2;
    if (group->first + count <= group->capacity && group->capacity <= 4 * count + 8) {
        return OK;
    }
    while (capacity < count + count / 4) {
        capacity *= 2;
    }
    struct sight *sights = malloc(capacity * sizeof *sights);
    if (sights == NULL) {
        return ERR_MEMORY;
    }
    if (group->count > 0) {
        memcpy(sights, group_sight(group, 0), group->count * sizeof *sights);
    }
    free(group->sights);
    group->sights = sights;
    group->first = 0;
    group->capacity = capacity;
    return OK;
}

void group_drop(struct group *group, uint32_t count)
{
    if (count > group->tail) {
        group_window_forget(group);
    }
    group->tail = count > group->tail ? 0 : group->tail - count;
    group->first += count;
    group->count -= count;
}

void group_filter(struct group *group, bool (*keep)(void *context, const struct sight *sight),
                  void *context)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < group->count; i++) {
        if (keep(context, group_sight(group, i))) {
            *group_sight(group, kept++) = *group_sight(group, i);
        }
    }
    group->count = kept;
    group->tail = 0;
}

/* Whether two sights in one grain may be one. */
static bool sights_alike(enum correlation_type type, const struct sight *a, const struct sight *b)
{
    bool summed = type == CORRELATION_VALUE_SUM || type == CORRELATION_VALUE_AVG;
    return a->number == b->number && (summed || a->value == b->value) && a->flags == b->flags &&
           a->weight < UINT32_MAX / 2 && b->weight < UINT32_MAX / 2;
}

static void sights_merge(struct sight *into, const struct sight *from, bool summed)
{
    into->at = from->at;
    into->weight += from->weight;
    if (summed && __builtin_add_overflow(into->value, from->value, &into->value)) {
        into->value = into->value > 0 ? INT64_MIN : INT64_MAX;
    }
}

#define LOOK_BACK 8 /* sights of a grain that are compared; a grain of more values keeps them */

/* One pass: neighbours of a grain become one.  In order (temporal_ordered) only runs do. */
static void sights_coarsen(struct group *group, enum correlation_type type, int64_t grain)
{
    uint32_t kept = 0;
    uint32_t look = type == CORRELATION_TEMPORAL_ORDERED ? 1 : LOOK_BACK;
    bool summed = type == CORRELATION_VALUE_SUM || type == CORRELATION_VALUE_AVG;
    for (uint32_t i = 0; i < group->count; i++) {
        const struct sight *sight = group_sight(group, i);
        struct sight *alike = NULL;
        for (uint32_t k = kept; k > 0 && kept - k < look && alike == NULL; k--) {
            struct sight *other = group_sight(group, k - 1);
            if (other->at / grain != sight->at / grain) {
                break;
            }
            alike = sights_alike(type, other, sight) ? other : NULL;
        }
        if (alike == NULL) {
            *group_sight(group, kept++) = *sight;
            continue;
        }
        struct sight merged = *alike; /* it takes the place of the later one */
        sights_merge(&merged, sight, summed);
        memmove(alike, alike + 1, (size_t)(group_sight(group, kept - 1) - alike) * sizeof *alike);
        *group_sight(group, kept - 1) = merged;
    }
    group->count = kept;
}

/* How many sights a group keeps.  Of percentiles fewer: what comes late has them sorted anew. */
static uint32_t sights_max(const struct correlation *correlation)
{
    return correlation->type == CORRELATION_VALUE_PERCENTILE &&
                   correlation->percentile != PERCENTILE_NONE
               ? CORRELATION_ENTRIES_MAX / 4
               : CORRELATION_ENTRIES_MAX;
}

/* Makes room in a full group, as the essay says. */
static void sights_thin(struct group *group, const struct correlation *correlation)
{
    uint32_t half = sights_max(correlation) / 2;
    uint32_t old = 0;
    while (group_sight(group, old)->at < group->newest - correlation->timespan &&
           old + 1 < group->count) {
        old++;
    }
    group_drop(group, old);
    if (group->count <= half) {
        return;
    }
    bool merges = correlation->type <= CORRELATION_VALUE_AVG ||
                  correlation->type == BASELINE_RARE ||
                  (correlation->type == CORRELATION_VALUE_PERCENTILE &&
                   correlation->percentile == PERCENTILE_NONE);
    group_window_forget(group);
    group->tail = 0;
    for (int64_t grains = GRAINS; merges && grains >= GRAINS_MIN && group->count > half;
         grains /= 2) {
        sights_coarsen(group, correlation->type, correlation->timespan / grains + 1);
    }
    if (group->count > half) {
        group_drop(group, group->count - half);
    }
}

static bool sight_before(const struct sight *a, const struct sight *b)
{
    return a->at != b->at ? a->at < b->at : a->sequence < b->sequence;
}

enum err group_put(struct correlator *correlator, struct group *group, const struct sight *sight,
                   uint32_t *ret_at)
{
    const struct correlation *correlation = correlator->own[group->correlation].correlation;
    if (group->since == INT64_MIN) {
        group->since = sight->at;
    }
    group->newest = sight->at > group->newest ? sight->at : group->newest;
    uint32_t old = 0;
    while (old < group->count && group_sight(group, old)->at < group->newest -
                                                                   correlation->timespan -
                                                                   CORRELATION_LATENESS_MAX) {
        old++;
    }
    if (old > 0) {
        /* The kept window must lose them first, one by one. */
        for (uint32_t i = group->tail; i < old && group->window != NULL; i++) {
            window_drop(group->window, group_sight(group, i));
        }
        group->tail = old > group->tail ? old : group->tail;
        group_drop(group, old);
    }
    if (group->count >= sights_max(correlation)) {
        sights_thin(group, correlation);
    }
    enum err err = sights_fit(group, group->count + 1);
    if (err != OK) {
        return err;
    }
    uint32_t low = 0;
    uint32_t high = group->count;
    if (high > 0 && !sight_before(sight, group_sight(group, high - 1))) {
        low = high; /* the usual one: it is the newest */
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (sight_before(sight, group_sight(group, middle))) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    if (low < group->count) {
        group_window_forget(group);
        memmove(group_sight(group, low + 1), group_sight(group, low),
                (group->count - low) * sizeof *sight);
        group->tail += low < group->tail;
    }
    *group_sight(group, low) = *sight;
    group->count++;
    *ret_at = low;
    return OK;
}

/* ---- What has fired. */

bool group_silent(const struct group *group, int64_t at, int64_t span)
{
    uint32_t next = (uint32_t)sorted_place(group->fired, group->fired_count, at - span);
    return next < group->fired_count && group->fired[next] <= at + span;
}

enum err group_fired(struct group *group, int64_t at)
{
    if (group->fired_count == group->fired_capacity) {
        uint32_t capacity = 2 * group->fired_capacity + 1;
        int64_t *fired = realloc(group->fired, capacity * sizeof *fired);
        if (fired == NULL) {
            return ERR_MEMORY;
        }
        group->fired = fired;
        group->fired_capacity = capacity;
    }
    uint32_t place = (uint32_t)sorted_place(group->fired, group->fired_count, at);
    memmove(group->fired + place + 1, group->fired + place,
            (group->fired_count - place) * sizeof *group->fired);
    group->fired[place] = at;
    group->fired_count++;
    return OK;
}
