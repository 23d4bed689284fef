/*
 * Steps that people read on a clock or in a calendar, and the counts in them.
 *
 * Always true: start is a multiple of the step (of weeks: since a Monday), so the same span asked
 * for a moment later has its counts in the same steps.
 */

#include "serve/histogram.h"

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>

#define MINUTE 60
#define HOUR   3600
#define DAY    86400
#define MONDAY (4 * DAY) /* 1970 began on a Thursday */

/* The last is enough for all times that 64 bits of nanoseconds can say. */
static const int64_t steps[] = {
    1,        5,        10,        30,  MINUTE,  5 * MINUTE, 10 * MINUTE, 30 * MINUTE,         HOUR,
    3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 7 * DAY, 28 * DAY,   364 * DAY,   3640 * (int64_t)DAY,
};
#define STEPS (sizeof steps / sizeof *steps)

static int64_t aligned(int64_t seconds, int64_t step)
{
    int64_t origin = step % (7 * DAY) == 0 ? MONDAY : 0;
    int64_t from_origin = seconds - origin;
    int64_t over = from_origin % step;
    return seconds - (over < 0 ? over + step : over);
}

void histogram_init(struct histogram *histogram, struct wall from, struct wall to)
{
    int64_t begin = from.ns < 0 ? 0 : from.ns / NS_PER_SECOND;
    int64_t last = to.ns <= 0 ? 0 : (to.ns - 1) / NS_PER_SECOND;
    int64_t start = 0;
    int64_t count = 0;
    last = last < begin ? begin : last;
    for (size_t i = 0; i < STEPS; i++) {
        start = aligned(begin, steps[i]);
        count = (last - start) / steps[i] + 1;
        histogram->step_ns = steps[i] * NS_PER_SECOND;
        if (count <= SEARCH_STEPS_MAX) {
            break;
        }
    }
    assert(count <= SEARCH_STEPS_MAX);
    histogram->start = (struct wall){start * NS_PER_SECOND};
    histogram->steps = (uint32_t)count;
    histogram->total = 0;
    for (size_t i = 0; i < SEARCH_STEPS_MAX; i++) {
        histogram->counts[i] = 0;
    }
}

void histogram_count(struct histogram *histogram, struct wall received)
{
    uint64_t since = (uint64_t)received.ns - (uint64_t)histogram->start.ns;
    bool before = received.ns < histogram->start.ns;
    uint64_t at = before ? 0 : since / (uint64_t)histogram->step_ns;
    histogram->counts[at < histogram->steps ? at : histogram->steps - 1]++;
    histogram->total++;
}
