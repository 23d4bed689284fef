/*
 * Our own three types: what is new, what is rare, what is too much (docs/correlations.md).
 *
 *     hinomi_first_seen   a value that the group has not had within the timespan before it, once
 *                         the group is known for `learn`
 *     hinomi_rare         a value seen at most `at-most` times in the timespan, while the group
 *                         was seen at least `at-least` times; once for a value and timespan
 *     hinomi_rate         a bucket of time with more than is usual at the same time of other days
 *                         (or weeks, or ever) of the timespan; once for a bucket
 *
 * The usual number is the median of the same buckets before, those without a sighting counted as
 * none; how far others lie from it is 1.4826 times the median of the distances, which for a normal
 * distribution is the standard deviation, and at least 1.  Neither lets one bad day of the past
 * spoil the measure.
 *
 * Always true: of first_seen, a group keeps for each value at least the newest sighting; older ones
 * are swept out when they are more than half.
 */

#include "detect/correlator_private.h"

#include <stdlib.h>

#include "base/limits.h"

#define SAMPLES_MIN 3 /* buckets before, without which nothing is usual */

/* ---- hinomi_first_seen. */

/* A tally without a count is empty, so the first moment of 1970 is told as the next. */
static int64_t seen_at(const struct sight *sight)
{
    return sight->at != 0 ? sight->at : 1;
}

/* The values of a group, each with the time when it was seen last. */
static enum err seen_make(struct correlator *correlator, struct group *group,
                          const struct correlation *correlation, struct window **ret)
{
    struct window *window = group->window;
    enum err err = OK;
    *ret = window;
    if (window != NULL) {
        return OK;
    }
    if (group->count > WINDOW_KEPT_MIN) {
        window = malloc(sizeof *window);
        if (window == NULL) {
            return ERR_MEMORY;
        }
        window_init(window, correlation);
        group->window = window;
    } else {
        window = &correlator->scratch;
        window_reset(window, correlation);
    }
    for (uint32_t i = 0; i < group->count && err == OK; i++) {
        const struct sight *sight = group_sight(group, i);
        struct tally *tally;
        err = window_tally_make(window, sight->value, &tally);
        if (err == OK) {
            window->distinct += tally->count == 0;
            tally->count = seen_at(sight); /* ascending: the last is the newest */
        }
    }
    *ret = window;
    return err;
}

static bool is_newest(void *context, const struct sight *sight)
{
    const struct tally *tally = window_tally(context, sight->value);
    return tally != NULL && tally->count == seen_at(sight);
}

/* Sweeps out what is past, and what the same value has later. */
static void seen_sweep(struct group *group, struct window *window,
                       const struct correlation *correlation)
{
    uint32_t old = 0;
    if (group->window == NULL) {
        return;
    }
    if (window->distinct > 2 * (size_t)group->count + WINDOW_KEPT_MIN) {
        group_window_forget(group);
        return;
    }
    if (group->count < 2 * window->distinct + WINDOW_KEPT_MIN) {
        return;
    }
    group_filter(group, is_newest, window);
    int64_t oldest = group->newest - correlation->timespan - CORRELATION_LATENESS_MAX;
    while (old < group->count && group_sight(group, old)->at < oldest) {
        old++;
    }
    group_window_forget(group);
    group_drop(group, old);
}

enum err first_seen_judge(struct correlator *correlator, struct group *group,
                          const struct correlation *correlation, const struct sight *sight,
                          struct firing *ret)
{
    struct window *window;
    struct tally *tally = NULL;
    uint32_t at = group->count;
    enum err err = seen_make(correlator, group, correlation, &window);
    if (err != OK) {
        return err;
    }
    tally = window_tally(window, sight->value);
    int64_t seen = tally != NULL ? tally->count : INT64_MIN;
    bool known = tally != NULL && sight->at - seen <= correlation->timespan;
    if (tally != NULL && seen >= sight->at) {
        return OK; /* late, or at the same moment: nothing new about it */
    }
    int64_t since = group->since;
    group->tail = group->count; /* what ages leaves the tallies with the next sweep */
    err = group_put(correlator, group, sight, &at);
    if (err == OK && group->window == NULL) {
        err = seen_make(correlator, group, correlation, &window);
    } else if (err == OK) {
        err = window_tally_make(window, sight->value, &tally);
        if (err == OK) {
            window->distinct += tally->count == 0;
            tally->count = seen_at(sight);
        }
    }
    if (err == OK && !known && since != INT64_MIN && sight->at - since >= correlation->learn) {
        *ret = (struct firing){.fires = true, .from = at, .last = at};
    }
    if (err == OK && !ret->fires) {
        seen_sweep(group, window, correlation);
    }
    return err;
}

/* ---- hinomi_rare. */

enum err rare_judge(struct correlator *correlator, struct group *group,
                    const struct correlation *correlation, const struct sight *sight,
                    struct firing *ret)
{
    struct window *window;
    uint32_t at;
    uint32_t from;
    enum err err = group_put(correlator, group, sight, &at);
    err = err == OK ? window_at(correlator, group, at, &window, &from) : err;
    if (err == OK && sight->at - group->since >= correlation->learn &&
        window_holds(window, sight)) {
        *ret = (struct firing){.fires = true, .from = at, .last = at};
        group_sight(group, at)->flags |= SIGHT_FIRED;
        window_tally(window, sight->value)->fired++;
    }
    return err;
}

/* ---- hinomi_rate. */

static int64_t floor_to(int64_t at, int64_t bucket)
{
    int64_t rest = at % bucket;
    return rest < 0 ? at - rest - bucket : at - rest;
}

static int numbers_compare(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;
    return (*left > *right) - (*left < *right);
}

static int64_t median_of(int64_t *numbers, size_t count)
{
    qsort(numbers, count, sizeof *numbers, numbers_compare);
    return count % 2 == 1 ? numbers[count / 2] : (numbers[count / 2 - 1] + numbers[count / 2]) / 2;
}

/* The sightings of a bucket; 0 without any. */
static int64_t bucket_count(const struct group *group, int64_t at)
{
    uint32_t low = 0;
    uint32_t high = group->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (group_sight(group, middle)->at < at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < group->count && group_sight(group, low)->at == at ? group_sight(group, low)->weight
                                                                   : 0;
}

/* More than this in a bucket is too many; INT64_MAX while nothing is usual. */
static enum err limit_make(struct group *group, const struct correlation *correlation, int64_t at)
{
    static const int64_t seasons[] = {86400 * NS_PER_SECOND, 604800 * NS_PER_SECOND, 0};
    int64_t step = seasons[correlation->season];
    step = step == 0 ? correlation->bucket : step;
    int64_t since = floor_to(group->since, correlation->bucket);
    size_t count = 0;
    int64_t *samples = malloc((RATE_BUCKETS_MAX + 1) * sizeof *samples);
    if (samples == NULL) {
        return ERR_MEMORY;
    }
    for (int64_t back = at - step;
         back >= since && at - back <= correlation->timespan && count < RATE_BUCKETS_MAX;
         back -= step) {
        samples[count++] = bucket_count(group, back) * MILLIONTHS;
    }
    int64_t limit = INT64_MAX;
    if (count >= SAMPLES_MIN) {
        int64_t usual = median_of(samples, count);
        for (size_t i = 0; i < count; i++) {
            samples[i] = samples[i] > usual ? samples[i] - usual : usual - samples[i];
        }
        wide spread = (wide)median_of(samples, count) * 1482600 / MILLIONTHS;
        wide base = usual > MILLIONTHS ? usual : MILLIONTHS;
        wide by_factor = base * correlation->factor / MILLIONTHS;
        spread = spread > MILLIONTHS ? spread : MILLIONTHS;
        wide by_spread = usual + spread * correlation->deviations / MILLIONTHS;
        wide most = correlation->factor > 0 ? by_factor : by_spread;
        if (correlation->deviations > 0 && by_spread > most) {
            most = by_spread;
        }
        limit = most / MILLIONTHS > INT64_MAX / 2 ? INT64_MAX : (int64_t)(most / MILLIONTHS);
    }
    free(samples);
    group->limit_at = at;
    group->limit = limit;
    return OK;
}

/* Counts the sighting in its bucket. */
static enum err bucket_add(struct correlator *correlator, struct group *group,
                           const struct sight *sight, uint32_t *ret_at)
{
    uint32_t at = group->count;
    while (at > 0 && group_sight(group, at - 1)->at > sight->at) {
        at--;
    }
    if (at > 0 && group_sight(group, at - 1)->at == sight->at) {
        struct sight *bucket = group_sight(group, at - 1);
        bucket->weight += bucket->weight < UINT32_MAX;
        bucket->sequence = sight->sequence; /* the newest stands for all */
        *ret_at = at - 1;
        return OK;
    }
    return group_put(correlator, group, sight, ret_at);
}

enum err rate_judge(struct correlator *correlator, struct group *group,
                    const struct correlation *correlation, const struct sight *sight,
                    struct firing *ret)
{
    struct sight bucket = *sight;
    uint32_t at;
    bucket.at = floor_to(sight->at, correlation->bucket);
    if (bucket.at < group->newest) {
        group->limit_at = INT64_MIN; /* the past has changed */
    }
    enum err err = bucket_add(correlator, group, &bucket, &at);
    if (err != OK || bucket.at - group->since < correlation->learn) {
        return err;
    }
    int64_t count = group_sight(group, at)->weight;
    if (count < correlation->at_least || group_silent(group, bucket.at, 0)) {
        return OK;
    }
    if (group->limit_at != bucket.at) {
        err = limit_make(group, correlation, bucket.at);
    }
    if (err == OK && count > group->limit) {
        *ret = (struct firing){.fires = true, .from = at, .last = at};
        err = group_fired(group, bucket.at);
    }
    return err;
}
