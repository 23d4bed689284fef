#pragma once

/*
 * How many events there were over time: one count for each step of a span.
 *
 *     histogram_init → histogram_count …
 */

#include <stdint.h>

#include "base/clock.h"
#include "base/limits.h"

struct histogram {
    struct wall start; /* of the first step: at or before what was asked for */
    int64_t step_ns;
    uint64_t counts[SEARCH_STEPS_MAX];
    uint32_t steps;
    uint64_t total;
};

/* Chooses the smallest round step with which [from, to) has at most SEARCH_STEPS_MAX of them; steps
 * begin where clocks in UTC do, weeks on Mondays.  Before 1970 nothing was received, so a span that
 * begins earlier begins there. */
void histogram_init(struct histogram *histogram, struct wall from, struct wall to);
/* Of a moment in the span that was asked for. */
void histogram_count(struct histogram *histogram, struct wall received);
