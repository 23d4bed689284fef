/* Steps and counts of a span. */

#include "serve/histogram.h"
#include "testing/testing.h"

#define NOON 1795176000 /* 2026-11-20T12:00:00Z, a Friday */

static struct wall at(int64_t seconds)
{
    return (struct wall){seconds * NS_PER_SECOND};
}

static struct histogram over(int64_t from, int64_t to)
{
    struct histogram histogram;
    histogram_init(&histogram, at(from), at(to));
    return histogram;
}

TEST(the_step_is_the_smallest_round_one_with_at_most_200_of_them)
{
    const struct {
        int64_t span, step, steps;
    } spans[] = {
        {1, 1, 1},         {200, 1, 200},          {201, 5, 41},           {3600, 30, 120},
        {86400, 600, 144}, {7 * 86400, 3600, 168}, {30 * 86400, 21600, 0}, {365 * 86400, 604800, 0},
        {1000, 5, 200},
    };
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
        struct histogram histogram = over(NOON, NOON + spans[i].span);
        CHECK(histogram.step_ns == spans[i].step * NS_PER_SECOND);
        CHECK(histogram.steps <= SEARCH_STEPS_MAX);
        CHECK(spans[i].steps == 0 || histogram.steps == spans[i].steps);
    }
}

TEST(steps_begin_where_clocks_do_and_weeks_on_mondays)
{
    CHECK(over(NOON + 7, NOON + 400).start.ns == at(NOON + 5).ns);
    CHECK(over(NOON + 1801, NOON + 86400).start.ns == at(NOON + 1800).ns);
    struct histogram years = over(NOON, NOON + 730 * 86400);
    CHECK(years.step_ns == 7 * 86400 * NS_PER_SECOND);
    CHECK(years.start.ns == at(NOON - 12 * 3600 - 4 * 86400).ns); /* Monday, 2026-11-16 */
}

TEST(every_event_of_the_span_is_in_one_step)
{
    struct histogram histogram = over(NOON + 7, NOON + 407);
    for (int64_t i = 0; i < 400; i++) {
        histogram_count(&histogram, at(NOON + 7 + i));
    }
    uint64_t sum = 0;
    for (uint32_t i = 0; i < histogram.steps; i++) {
        sum += histogram.counts[i];
    }
    CHECK(histogram.total == 400 && sum == 400);
    CHECK(histogram.counts[0] == 3 && histogram.counts[1] == 5);
}

TEST(all_times_there_are_have_their_steps)
{
    struct histogram histogram;
    histogram_init(&histogram, (struct wall){INT64_MIN + 1}, (struct wall){INT64_MAX});
    CHECK(histogram.steps > 0 && histogram.steps <= SEARCH_STEPS_MAX && histogram.start.ns <= 0);
    histogram_count(&histogram, (struct wall){INT64_MAX});
    CHECK(histogram.counts[histogram.steps - 1] == 1);
    histogram_init(&histogram, (struct wall){-5}, (struct wall){-3});
    CHECK(histogram.steps == 1);
}
