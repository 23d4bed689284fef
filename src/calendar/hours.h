#pragma once

/*
 * Hours on a calendar's days, and the walk through them.  For calendar.c alone.
 *
 *     hours_walk → hours_next …
 *
 * A day is counted from 1970-01-01 (0).  Spans are seconds from the day's own midnight on the local
 * clock; an end over 86,400 lies on the day after.
 */

#include "calendar/holidays.h"
#include "codec/zone.h"

#define DAY_SECONDS 86400LL

struct span {
    int32_t from, to;
};
struct spans {
    struct span *list; /* in order, apart from each other */
    size_t count;
};
struct days {
    int64_t from, to; /* both included */
};
struct open_day {
    int64_t day;
    struct spans spans;
};

struct calendar {
    struct arena *mem;
    const struct zone *zone;  /* NULL: always open */
    struct spans weekdays[7]; /* from Sunday */
    bool holidays;            /* of Japan are off */
    struct days *closed;      /* in order, apart from each other */
    size_t closed_count;
    struct open_day *open; /* by day, one each */
    size_t open_count;
};

struct hours {
    const struct calendar *calendar;
    int64_t day;        /* whose spans come next */
    int64_t day_last;   /* where the walk ends */
    struct spans spans; /* of the day before `day` */
    size_t at;          /* among them */
    int64_t covered;    /* readings before it are told */
    struct zone_stretch stretch;
    struct holidays year;
};

/* From a moment on, up to a later one. */
void hours_walk(const struct calendar *calendar, int64_t from, int64_t to, struct hours *ret);
/* The next stretch [*ret_from, *ret_to) of working time, in order and apart from those before; some
 * before `from` and after `to` may come too.  False at the end. */
bool hours_next(struct hours *hours, int64_t *ret_from, int64_t *ret_to);
