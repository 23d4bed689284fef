/*
 * Windows: what a stretch of a group's sightings amounts to.
 *
 * Sightings are added in their order and dropped from the oldest on; after each the measure is at
 * hand without looking at all of them again:
 *
 *     event_count        the sum of weights
 *     value_count        how many values have a tally; share of a value: its tally by the total
 *     temporal           the same, the value being the rule's number
 *     value_sum, _avg    a sum of whole millionths, exact in any order
 *     value_percentile   the values sorted; the nearest rank: the smallest that at least P percent
 *                        of all do not exceed
 *     temporal_ordered   for each length of a chain and each rule that ends it, the latest moment
 *                        at which such a chain begins; those that begin before the window are over
 *
 * A chain of temporal_ordered needs an event of its own for each rule: what one event makes two
 * rules say happened at once, not in order.  Therefore the table is kept twice, without and with
 * the newest event.
 *
 * Always true: a window is nothing but its sightings; made anew of them it is the same.
 */

#include "detect/correlator_private.h"

#include <stdlib.h>
#include <string.h>

#define NEVER INT64_MIN

static bool is_tallied(const struct correlation *correlation)
{
    switch (correlation->type) {
    case CORRELATION_VALUE_COUNT:
    case CORRELATION_TEMPORAL:
    case BASELINE_FIRST_SEEN:
    case BASELINE_RARE:
        return true;
    case CORRELATION_VALUE_PERCENTILE:
        return correlation->percentile == PERCENTILE_NONE;
    default:
        return false;
    }
}

static bool is_sorted(const struct correlation *correlation)
{
    return correlation->type == CORRELATION_VALUE_PERCENTILE &&
           correlation->percentile != PERCENTILE_NONE;
}

void window_init(struct window *window, const struct correlation *correlation)
{
    *window = (struct window){.correlation = correlation, .sequence = UINT64_MAX, .now = NEVER};
}

void window_done(struct window *window)
{
    free(window->tallies);
    free(window->sorted);
    free(window->starts);
    *window = (struct window){0};
}

#define TALLIES_KEPT 256 /* a scratch window keeps a table of this size, larger ones are freed */

void window_reset(struct window *window, const struct correlation *correlation)
{
    struct window before = *window;
    free(before.starts);
    window_init(window, correlation);
    window->sorted = before.sorted;
    window->sorted_capacity = before.sorted_capacity;
    if (before.tallies_capacity > TALLIES_KEPT) {
        free(before.tallies);
    } else if (before.tallies != NULL) {
        window->tallies = before.tallies;
        window->tallies_capacity = before.tallies_capacity;
        memset(window->tallies, 0, before.tallies_capacity * sizeof *window->tallies);
    }
}

/* ---- Tallies. */

static size_t tally_slot(const struct tally *tallies, size_t capacity, int64_t value)
{
    uint64_t mixed = (uint64_t)value * 0x9e3779b97f4a7c15ull;
    size_t at = (size_t)(mixed >> 32) & (capacity - 1);
    while (tallies[at].used && tallies[at].value != value) {
        at = (at + 1) & (capacity - 1);
    }
    return at;
}

struct tally *window_tally(const struct window *window, int64_t value)
{
    if (window->tallies_capacity == 0) {
        return NULL;
    }
    struct tally *tally =
        &window->tallies[tally_slot(window->tallies, window->tallies_capacity, value)];
    return tally->used ? tally : NULL;
}

/* Values without a count left are dropped on the way. */
static enum err tallies_grow(struct window *window)
{
    size_t capacity = 16;
    while (capacity < 4 * (window->distinct + 1)) {
        capacity *= 2;
    }
    struct tally *tallies = calloc(capacity, sizeof *tallies);
    if (tallies == NULL) {
        return ERR_MEMORY;
    }
    window->tallies_filled = 0;
    for (size_t i = 0; i < window->tallies_capacity; i++) {
        const struct tally *tally = &window->tallies[i];
        if (tally->used && tally->count != 0) {
            tallies[tally_slot(tallies, capacity, tally->value)] = *tally;
            window->tallies_filled++;
        }
    }
    free(window->tallies);
    window->tallies = tallies;
    window->tallies_capacity = capacity;
    return OK;
}

enum err window_tally_make(struct window *window, int64_t value, struct tally **ret)
{
    struct tally *tally = window_tally(window, value);
    if (tally == NULL) {
        if (2 * (window->tallies_filled + 1) > window->tallies_capacity) {
            enum err err = tallies_grow(window);
            if (err != OK) {
                return err;
            }
        }
        tally = &window->tallies[tally_slot(window->tallies, window->tallies_capacity, value)];
        *tally = (struct tally){.value = value, .used = true};
        window->tallies_filled++;
    }
    *ret = tally;
    return OK;
}

static int64_t tallied_value(const struct window *window, const struct sight *sight)
{
    return window->correlation->type == CORRELATION_TEMPORAL ? sight->number : sight->value;
}

static enum err tally_add(struct window *window, const struct sight *sight)
{
    struct tally *tally;
    enum err err = window_tally_make(window, tallied_value(window, sight), &tally);
    if (err == OK) {
        window->distinct += tally->count == 0;
        tally->count += sight->weight;
        tally->fired += (sight->flags & SIGHT_FIRED) != 0;
    }
    return err;
}

/* ---- Sorted values. */

size_t sorted_place(const int64_t *list, size_t count, int64_t value)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (list[middle] < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static enum err sorted_add(struct window *window, int64_t value)
{
    if (window->sorted_count == window->sorted_capacity) {
        size_t capacity = window->sorted_capacity * 2 + 16;
        int64_t *sorted = realloc(window->sorted, capacity * sizeof *sorted);
        if (sorted == NULL) {
            return ERR_MEMORY;
        }
        window->sorted = sorted;
        window->sorted_capacity = capacity;
    }
    size_t at = sorted_place(window->sorted, window->sorted_count, value);
    memmove(window->sorted + at + 1, window->sorted + at,
            (window->sorted_count - at) * sizeof *window->sorted);
    window->sorted[at] = value;
    window->sorted_count++;
    return OK;
}

static void sorted_drop(struct window *window, int64_t value)
{
    size_t at = sorted_place(window->sorted, window->sorted_count, value);
    window->sorted_count--;
    memmove(window->sorted + at, window->sorted + at + 1,
            (window->sorted_count - at) * sizeof *window->sorted);
}

/* ---- Chains in order. */

static enum err starts_add(struct window *window, const struct sight *sight)
{
    size_t rules = window->correlation->rules_count;
    size_t cells = rules * rules; /* [length - 1][rule] */
    if (window->starts == NULL) {
        window->starts = malloc(2 * cells * sizeof *window->starts);
        if (window->starts == NULL) {
            return ERR_MEMORY;
        }
        for (size_t i = 0; i < 2 * cells; i++) {
            window->starts[i] = NEVER;
        }
    }
    int64_t *before = window->starts;
    int64_t *with = window->starts + cells;
    if (sight->sequence != window->sequence) {
        memcpy(before, with, cells * sizeof *before);
        window->sequence = sight->sequence;
    }
    size_t rule = sight->number;
    with[rule] = sight->at;
    for (size_t length = 1; length <= rule; length++) {
        int64_t *cell = &with[length * rules + rule];
        for (size_t i = 0; i < rule; i++) {
            int64_t start = before[(length - 1) * rules + i];
            *cell = start > *cell ? start : *cell;
        }
    }
    return OK;
}

/* The most rules that were seen in their order within the window. */
static size_t starts_measure(const struct window *window)
{
    size_t rules = window->correlation->rules_count;
    int64_t oldest = window->now - window->correlation->timespan;
    for (size_t length = rules; length > 0 && window->starts != NULL; length--) {
        for (size_t i = 0; i < rules; i++) {
            int64_t start = window->starts[rules * rules + (length - 1) * rules + i];
            if (start != NEVER && start >= oldest) {
                return length;
            }
        }
    }
    return 0;
}

/* ---- The window. */

enum err window_add(struct window *window, const struct sight *sight)
{
    const struct correlation *correlation = window->correlation;
    enum err err = OK;
    if (is_tallied(correlation)) {
        err = tally_add(window, sight);
    } else if (is_sorted(correlation)) {
        err = sorted_add(window, sight->value);
    } else if (correlation->type == CORRELATION_TEMPORAL_ORDERED) {
        err = starts_add(window, sight);
    }
    if (err == OK) {
        window->total += sight->weight;
        window->sum += sight->value;
        window->now = sight->at;
    }
    return err;
}

static int values_compare(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;
    return (*left > *right) - (*left < *right);
}

/* All values at once: one by one they would be moved again and again. */
static enum err sorted_fill(struct window *window, const struct sight *sights, size_t count)
{
    if (count > window->sorted_capacity) {
        int64_t *sorted = realloc(window->sorted, 2 * count * sizeof *sorted);
        if (sorted == NULL) {
            return ERR_MEMORY;
        }
        window->sorted = sorted;
        window->sorted_capacity = 2 * count;
    }
    for (size_t i = 0; i < count; i++) {
        window->sorted[i] = sights[i].value;
        window->total += sights[i].weight;
        window->sum += sights[i].value;
        window->now = sights[i].at;
    }
    window->sorted_count = count;
    qsort(window->sorted, count, sizeof *window->sorted, values_compare);
    return OK;
}

enum err window_fill(struct window *window, const struct sight *sights, size_t count)
{
    enum err err = OK;
    if (is_sorted(window->correlation)) {
        return sorted_fill(window, sights, count);
    }
    for (size_t i = 0; i < count && err == OK; i++) {
        err = window_add(window, &sights[i]);
    }
    return err;
}

void window_drop(struct window *window, const struct sight *sight)
{
    const struct correlation *correlation = window->correlation;
    if (is_tallied(correlation)) {
        struct tally *tally = window_tally(window, tallied_value(window, sight));
        tally->count -= sight->weight;
        tally->fired -= (sight->flags & SIGHT_FIRED) != 0;
        window->distinct -= tally->count == 0;
    } else if (is_sorted(correlation)) {
        sorted_drop(window, sight->value);
    }
    window->total -= sight->weight;
    window->sum -= sight->value;
}

static bool percentile_holds(const struct window *window)
{
    const struct correlation *correlation = window->correlation;
    wide hundred = (wide)100 * MILLIONTHS;
    wide rank = ((wide)window->sorted_count * correlation->percentile + hundred - 1) / hundred;
    size_t at = rank > 0 ? (size_t)rank - 1 : 0;
    return window->sorted_count > 0 && bounds_hold(correlation, window->sorted[at], 1);
}

bool window_holds(const struct window *window, const struct sight *last)
{
    const struct correlation *correlation = window->correlation;
    const struct tally *tally;
    size_t rules;
    switch (correlation->type) {
    case CORRELATION_EVENT_COUNT:
        return bounds_hold(correlation, (wide)window->total * MILLIONTHS, 1);
    case CORRELATION_VALUE_COUNT:
        return bounds_hold(correlation, (wide)window->distinct * MILLIONTHS, 1);
    case CORRELATION_TEMPORAL:
    case CORRELATION_TEMPORAL_ORDERED:
        rules =
            correlation->type == CORRELATION_TEMPORAL ? window->distinct : starts_measure(window);
        return correlation->bounds_count == 0
                   ? rules == correlation->rules_count
                   : bounds_hold(correlation, (wide)rules * MILLIONTHS, 1);
    case CORRELATION_VALUE_SUM:
        return bounds_hold(correlation, window->sum, 1);
    case CORRELATION_VALUE_AVG:
        return bounds_hold(correlation, window->sum, (int64_t)window->total);
    case CORRELATION_VALUE_PERCENTILE:
        if (correlation->percentile != PERCENTILE_NONE) {
            return percentile_holds(window);
        }
        tally = window_tally(window, last->value);
        return bounds_hold(correlation, (wide)tally->count * 100 * MILLIONTHS,
                           (int64_t)window->total);
    case BASELINE_RARE:
        tally = window_tally(window, last->value);
        return tally->count <= correlation->at_most && tally->fired == 0 &&
               window->total >= (uint64_t)correlation->at_least;
    default:
        return false;
    }
}
