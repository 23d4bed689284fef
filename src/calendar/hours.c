/*
 * A walk over the days of a calendar.
 *
 * What a day's hours are: those of an exceptional day; else none within days off or on a public
 * holiday; else its weekday's.  Hours over midnight belong to the day on which they begin, whatever
 * the next day is.
 *
 * Working time is what lies between the moments of two readings (zone_moments: the first moment at
 * which the local clock shows a reading or a later one).  These moments never go back as readings
 * go forward, so hours that overlap are put together as readings, and the moments follow.
 *
 * Always true: a stretch is told once; readings before `covered` are never told again.  Spans are
 * shorter than two days, so that a walk from two days before a moment misses nothing after it.
 *
 * Ten years are some 3,650 days and as many pairs of readings.  Far from any change of offset a
 * reading's moment is a subtraction; the zone is asked near them alone.
 */

#include "calendar/hours.h"

#include "codec/time.h"

/* Two offsets differ by less: so far from its ends a stretch decides alone. */
#define MARGIN             (ZONE_OFFSET_MAX - ZONE_OFFSET_MIN)
#define HOLIDAYS_DAY_FIRST 3652  /* 1980-01-01 */
#define HOLIDAYS_DAY_LAST  47481 /* 2099-12-31 */

static struct spans day_spans(struct hours *hours, int64_t day);
static bool is_closed(const struct calendar *calendar, int64_t day);
static bool is_holiday(struct hours *hours, int64_t day);
static int64_t moment_of(struct hours *hours, int64_t reading);

static int64_t day_of(int64_t seconds)
{
    return seconds / DAY_SECONDS - (seconds % DAY_SECONDS < 0);
}

void hours_walk(const struct calendar *calendar, int64_t from, int64_t to, struct hours *ret)
{
    *ret = (struct hours){.calendar = calendar, .covered = INT64_MIN};
    zone_stretch(calendar->zone, from, &ret->stretch);
    ret->day = day_of(from + ret->stretch.offset) - 2;
    ret->day_last = day_of(to + ZONE_OFFSET_MAX);
}

bool hours_next(struct hours *hours, int64_t *ret_from, int64_t *ret_to)
{
    for (;;) {
        while (hours->at == hours->spans.count) {
            if (hours->day > hours->day_last) {
                return false;
            }
            hours->spans = day_spans(hours, hours->day++);
            hours->at = 0;
        }
        struct span span = hours->spans.list[hours->at++];
        int64_t midnight = (hours->day - 1) * DAY_SECONDS;
        int64_t from = midnight + span.from;
        int64_t to = midnight + span.to;
        from = from < hours->covered ? hours->covered : from;
        if (from >= to) {
            continue;
        }
        hours->covered = to;
        *ret_from = moment_of(hours, from);
        *ret_to = moment_of(hours, to);
        if (*ret_from < *ret_to) {
            return true;
        }
    }
}

static struct spans day_spans(struct hours *hours, int64_t day)
{
    const struct calendar *calendar = hours->calendar;
    size_t low = 0;
    size_t high = calendar->open_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (calendar->open[middle].day < day) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < calendar->open_count && calendar->open[low].day == day) {
        return calendar->open[low].spans;
    }
    const struct spans *spans = &calendar->weekdays[((day + 4) % 7 + 7) % 7];
    if (spans->count == 0 || is_closed(calendar, day) ||
        (calendar->holidays && is_holiday(hours, day))) {
        return (struct spans){0};
    }
    return *spans;
}

static bool is_closed(const struct calendar *calendar, int64_t day)
{
    size_t low = 0; /* ranges before it end before the day */
    size_t high = calendar->closed_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (calendar->closed[middle].to < day) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < calendar->closed_count && calendar->closed[low].from <= day;
}

static bool is_holiday(struct hours *hours, int64_t day)
{
    struct civil civil;
    if (day < HOLIDAYS_DAY_FIRST || day > HOLIDAYS_DAY_LAST) {
        return false;
    }
    time_to_civil((struct wall){day * DAY_SECONDS * NS_PER_SECOND}, &civil);
    if (hours->year.year != civil.year) {
        holidays_find(civil.year, &hours->year);
    }
    return hours->year.names[civil.month][civil.day] != NULL;
}

static int64_t moment_of(struct hours *hours, int64_t reading)
{
    struct zone_moments moments;
    int64_t moment = reading - hours->stretch.offset;
    if (moment >= hours->stretch.to) {
        zone_stretch(hours->calendar->zone, moment, &hours->stretch);
        moment = reading - hours->stretch.offset;
    }
    bool inside = (hours->stretch.from == INT64_MIN || moment - MARGIN > hours->stretch.from) &&
                  moment < hours->stretch.to;
    if (inside) {
        return moment;
    }
    zone_moments(hours->calendar->zone, reading, &moments);
    return moments.first;
}
