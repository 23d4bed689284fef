/*
 * A calendar: read from its document, then asked.
 *
 * Everything inside is counted in whole seconds, which is how documents and zones count; the
 * nanoseconds of a question only cut the stretches at both ends, so results are exact.
 *
 * Always true: a calendar without a zone is always open.  Spans of a day, days off and exceptional
 * days are in order and apart; of two exceptional entries for one day the hours count together.
 */

#include "calendar/calendar.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/limits.h"
#include "calendar/hours.h"
#include "calendar/zones.h"
#include "codec/time.h"

#define CALENDAR_MEMORY_MAX (16 * 1024 * 1024)
#define YEARS_TEN           (3653 * DAY_SECONDS)
/* No moment of 64-bit nanoseconds is further from 1970. */
#define SECONDS_MAX (INT64_MAX / NS_PER_SECOND)
#define DAYS_MAX    (SECONDS_MAX / DAY_SECONDS)

static enum err calendar_read(struct calendar *calendar, const struct element *item,
                              struct why *why);
static enum err spans_read(const struct element *list, struct arena *mem, struct spans *ret,
                           struct why *why);
static enum err span_read(struct str text, struct span *ret);
static void spans_merge(struct spans *spans);
static enum err closed_read(struct calendar *calendar, const struct element *list, struct why *why);
static enum err open_read(struct calendar *calendar, const struct element *list, struct why *why);
static enum err day_read(struct str text, int64_t *ret);
static int64_t seconds_of(struct wall wall);
static bool piece_next(struct hours *hours, struct wall from, int64_t *ret_from, int64_t *ret_to);

enum err calendar_new(struct zones *zones, const struct element *item, struct calendar **ret,
                      struct why *why)
{
    struct arena *mem = arena_new(CALENDAR_MEMORY_MAX);
    struct calendar *calendar = mem == NULL ? NULL : ARENA_ONE(mem, struct calendar);
    enum err err = calendar == NULL ? ERR_MEMORY : OK;
    if (err == OK) {
        calendar->mem = mem;
    }
    if (err == OK && item != NULL) {
        err = zones_find(zones, element_text(item, "zone"), &calendar->zone, why);
        if (err == OK) {
            err = calendar_read(calendar, item, why);
        }
    }
    if (err != OK) {
        arena_free(mem);
        return err;
    }
    *ret = calendar;
    return OK;
}

void calendar_free(struct calendar *calendar)
{
    if (calendar != NULL) {
        arena_free(calendar->mem);
    }
}

bool calendar_open(const struct calendar *calendar, struct wall at)
{
    struct hours hours;
    int64_t from;
    int64_t to;
    if (calendar->zone == NULL) {
        return true;
    }
    int64_t second = seconds_of(at);
    hours_walk(calendar, second, second, &hours);
    while (hours_next(&hours, &from, &to) && from <= second) {
        if (second < to) {
            return true;
        }
    }
    return false;
}

int64_t calendar_elapsed(const struct calendar *calendar, struct wall from, struct wall to)
{
    struct hours hours;
    int64_t begin;
    int64_t end;
    int64_t total = 0;
    if (to.ns <= from.ns) {
        return 0;
    }
    if (calendar->zone == NULL) {
        return __builtin_sub_overflow(to.ns, from.ns, &total) ? INT64_MAX : total;
    }
    hours_walk(calendar, seconds_of(from), seconds_of(to), &hours);
    while (piece_next(&hours, from, &begin, &end) && begin < to.ns) {
        int64_t piece = (end < to.ns ? end : to.ns) - begin;
        total = total > INT64_MAX - piece ? INT64_MAX : total + piece;
    }
    return total;
}

enum err calendar_add(const struct calendar *calendar, struct wall from, int64_t ns,
                      struct wall *ret)
{
    const int64_t limit_ns = YEARS_TEN * NS_PER_SECOND;
    struct hours hours;
    int64_t begin;
    int64_t end;
    if (ns <= 0) {
        *ret = from;
        return OK;
    }
    if (ns > limit_ns || from.ns > INT64_MAX - limit_ns) {
        return ERR_LIMIT;
    }
    if (calendar->zone == NULL) {
        *ret = (struct wall){from.ns + ns};
        return OK;
    }
    hours_walk(calendar, seconds_of(from), seconds_of(from) + YEARS_TEN, &hours);
    while (piece_next(&hours, from, &begin, &end) && begin < from.ns + limit_ns) {
        if (end - begin >= ns) {
            if (begin + ns > from.ns + limit_ns) {
                return ERR_LIMIT;
            }
            *ret = (struct wall){begin + ns};
            return OK;
        }
        ns -= end - begin;
    }
    return ERR_LIMIT;
}

/* ---- Asking. */

/* The second that a moment lies in. */
static int64_t seconds_of(struct wall wall)
{
    return wall.ns / NS_PER_SECOND - (wall.ns % NS_PER_SECOND < 0);
}

/* The next stretch after `from`, in nanoseconds. */
static bool piece_next(struct hours *hours, struct wall from, int64_t *ret_from, int64_t *ret_to)
{
    int64_t begin;
    int64_t end;
    while (hours_next(hours, &begin, &end)) {
        begin = begin < -SECONDS_MAX ? -SECONDS_MAX : begin;
        end = end > SECONDS_MAX ? SECONDS_MAX : end;
        if (end > begin && end * NS_PER_SECOND > from.ns) {
            begin *= NS_PER_SECOND;
            *ret_from = begin < from.ns ? from.ns : begin;
            *ret_to = end * NS_PER_SECOND;
            return true;
        }
    }
    return false;
}

/* ---- Reading. */

static enum err calendar_read(struct calendar *calendar, const struct element *item,
                              struct why *why)
{
    static const char *const names[7] = {"sunday",   "monday", "tuesday", "wednesday",
                                         "thursday", "friday", "saturday"};
    const struct element *hours = element_get(item, "hours");
    struct arena *mem = calendar->mem;
    calendar->holidays = str_equal(element_text(item, "holidays"), STR("japan"));
    for (int i = 0; i < 7; i++) {
        enum err err = spans_read(element_get(hours, names[i]), mem, &calendar->weekdays[i], why);
        if (err != OK) {
            return err;
        }
    }
    enum err err = closed_read(calendar, element_get(item, "closed"), why);
    return err == OK ? open_read(calendar, element_get(item, "open"), why) : err;
}

static int span_order(const void *a, const void *b)
{
    const struct span *x = a;
    const struct span *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

/* Adds the list's spans to those that are there. */
static enum err spans_read(const struct element *list, struct arena *mem, struct spans *ret,
                           struct why *why)
{
    size_t wanted = ret->count + (list == NULL ? 0 : list->count);
    if (wanted == ret->count) {
        return OK;
    }
    if (wanted > CALENDAR_SPANS_MAX) {
        return why_say_at(why, ERR_LIMIT, list->line, list->column,
                          "a day has at most %d spans of hours", CALENDAR_SPANS_MAX);
    }
    struct spans spans = {.list = ARENA_ARRAY(mem, struct span, wanted)};
    if (spans.list == NULL) {
        return ERR_MEMORY;
    }
    while (spans.count < ret->count) {
        spans.list[spans.count] = ret->list[spans.count];
        spans.count++;
    }
    for (const struct element *one = list->first; one != NULL && spans.count < wanted;
         one = one->next) {
        if (span_read(one->text, &spans.list[spans.count++]) != OK) {
            return why_say_at(why, ERR_SYNTAX, one->line, one->column,
                              "'%.*s' are no hours such as 09:00-17:30", STR_ARG(one->text));
        }
    }
    spans_merge(&spans);
    *ret = spans;
    return OK;
}

static enum err minute_read(struct str text, int32_t *ret_seconds)
{
    uint64_t hours;
    uint64_t minutes;
    if (text.size != 5 || text.data[2] != ':' ||
        str_to_u64(str_slice(text, 0, 2), 24, &hours) != OK ||
        str_to_u64(str_slice(text, 3, 2), hours == 24 ? 0 : 59, &minutes) != OK) {
        return ERR_SYNTAX;
    }
    *ret_seconds = (int32_t)(hours * 3600 + minutes * 60);
    return OK;
}

/* An end that is not after the beginning is one of the next day. */
static enum err span_read(struct str text, struct span *ret)
{
    struct span span;
    struct str from = str_cut(&text, '-');
    if (minute_read(from, &span.from) != OK || minute_read(text, &span.to) != OK ||
        span.from == DAY_SECONDS) {
        return ERR_SYNTAX;
    }
    if (span.to <= span.from) {
        span.to += (int32_t)DAY_SECONDS;
    }
    *ret = span;
    return OK;
}

static void spans_merge(struct spans *spans)
{
    size_t kept = 0;
    qsort(spans->list, spans->count, sizeof *spans->list, span_order);
    for (size_t i = 1; i < spans->count; i++) {
        struct span next = spans->list[i];
        if (next.from > spans->list[kept].to) {
            spans->list[++kept] = next;
        } else if (next.to > spans->list[kept].to) {
            spans->list[kept].to = next.to;
        }
    }
    spans->count = spans->count == 0 ? 0 : kept + 1;
}

static int days_order(const void *a, const void *b)
{
    const struct days *x = a;
    const struct days *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

/* A range without its end is one day; one without its beginning is none. */
static enum err closed_read(struct calendar *calendar, const struct element *list, struct why *why)
{
    size_t count = 0;
    if (list == NULL || list->count == 0) {
        return OK;
    }
    struct days *closed = ARENA_ARRAY(calendar->mem, struct days, list->count);
    if (closed == NULL) {
        return ERR_MEMORY;
    }
    for (const struct element *one = list->first; one != NULL; one = one->next) {
        struct str from = element_text(one, "from");
        struct str to = element_text(one, "to");
        if (from.size == 0) {
            continue;
        }
        if (day_read(from, &closed[count].from) != OK ||
            day_read(to.size == 0 ? from : to, &closed[count].to) != OK) {
            return why_say_at(why, ERR_SYNTAX, one->line, one->column, "there is no such day");
        }
        count += closed[count].to >= closed[count].from;
    }
    qsort(closed, count, sizeof *closed, days_order);
    size_t kept = 0;
    for (size_t i = 1; i < count; i++) {
        if (closed[i].from > closed[kept].to) {
            closed[++kept] = closed[i];
        } else if (closed[i].to > closed[kept].to) {
            closed[kept].to = closed[i].to;
        }
    }
    calendar->closed = closed;
    calendar->closed_count = count == 0 ? 0 : kept + 1;
    return OK;
}

struct open_entry {
    int64_t day;
    const struct element *element;
};

static int open_order(const void *a, const void *b)
{
    const struct open_entry *x = a;
    const struct open_entry *y = b;
    return (x->day > y->day) - (x->day < y->day);
}

static enum err open_entries_read(const struct element *list, struct open_entry *entries,
                                  size_t *ret_count, struct why *why)
{
    size_t count = 0;
    for (const struct element *one = list->first; one != NULL; one = one->next) {
        struct str date = element_text(one, "date");
        if (date.size == 0) {
            continue;
        }
        entries[count].element = one;
        if (day_read(date, &entries[count++].day) != OK) {
            return why_say_at(why, ERR_SYNTAX, one->line, one->column, "there is no such day");
        }
    }
    qsort(entries, count, sizeof *entries, open_order);
    *ret_count = count;
    return OK;
}

static enum err open_read(struct calendar *calendar, const struct element *list, struct why *why)
{
    size_t count = 0;
    if (list == NULL || list->count == 0) {
        return OK;
    }
    struct open_entry *entries = ARENA_ARRAY(calendar->mem, struct open_entry, list->count);
    calendar->open = ARENA_ARRAY(calendar->mem, struct open_day, list->count);
    if (entries == NULL || calendar->open == NULL) {
        return ERR_MEMORY;
    }
    enum err err = open_entries_read(list, entries, &count, why);
    for (size_t i = 0; i < count && err == OK; i++) {
        struct open_day *last = &calendar->open[calendar->open_count];
        if (i > 0 && entries[i].day == entries[i - 1].day) {
            last--;
        } else {
            calendar->open_count++;
        }
        last->day = entries[i].day;
        err =
            spans_read(element_get(entries[i].element, "hours"), calendar->mem, &last->spans, why);
    }
    return err;
}

/* Days that 64-bit nanoseconds cannot count are as far away as they can. */
static enum err day_read(struct str text, int64_t *ret)
{
    struct wall wall;
    uint64_t year;
    if (str_to_u64(str_slice(text, 0, 4), 9999, &year) != OK || text.size != 10) {
        return ERR_SYNTAX;
    }
    if (time_parse(text, &wall) == OK) {
        *ret = wall.ns / (DAY_SECONDS * NS_PER_SECOND);
        *ret -= wall.ns % (DAY_SECONDS * NS_PER_SECOND) < 0;
        return OK;
    }
    if (year > 1678 && year < 2262) {
        return ERR_SYNTAX;
    }
    *ret = year < 1970 ? -DAYS_MAX - 1 : DAYS_MAX + 1;
    return OK;
}
