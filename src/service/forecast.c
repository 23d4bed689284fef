/*
 * How long the disk will last, against how long things were promised to be kept.
 *
 * What comes each day is measured by the lots themselves, over the last week and over the last
 * day, and the larger of both counts: a source that grows is seen within a day, one quiet Sunday
 * changes nothing.  Less than a day of history counts as a day, so that the first hour of an
 * installation promises no flood.
 *
 * Then days are played forward:
 *
 *     taken(d) = sum over classes: rate × min(d, days of the class)     what comes, and goes again
 *              − lots of today that are due by then
 *
 * and the first day on which that is more than what is free is the answer.  A lot that a hold or
 * the lack of a promise keeps is never due.
 *
 * Always true: the schedule frees nothing earlier because the disk is full; then new events wait
 * (serve/core.c), and this has said so in time.
 */

#include "service/keeping.h"

#define WEEK_DAYS 7

const char *forecast_state_text(enum forecast_state state)
{
    static const char *const texts[FORECAST_STATE_COUNT] = {
        [FORECAST_UNKNOWN] = "unknown",
        [FORECAST_ENOUGH] = "enough",
        [FORECAST_SHORT] = "short",
        [FORECAST_SOON] = "soon",
    };
    return (unsigned)state < FORECAST_STATE_COUNT ? texts[state] : "unknown";
}

/* ---- Measuring. */

/* The part of the lot's bytes that arrived in the last `days` days. */
static double part_since(const struct lot *lot, double stored, struct wall now, int64_t days)
{
    int64_t from = now.ns - days * DAY_NS;
    int64_t newest = lot->newest.ns < now.ns ? lot->newest.ns : now.ns;
    int64_t span = newest - lot->oldest.ns;
    if (newest < from || span < 0) {
        return 0;
    }
    if (lot->oldest.ns >= from || span == 0) {
        return stored;
    }
    return stored * (double)(newest - from) / (double)span;
}

/* What journals hold will be smaller once it is sealed. */
static double sealed_ratio(const struct lot *lots, size_t count)
{
    double original = 0;
    double stored = 0;
    for (size_t i = 0; i < count; i++) {
        if (lots[i].kind == LOT_SEGMENT) {
            original += (double)lots[i].original;
            stored += (double)lots[i].stored;
        }
    }
    return original > 0 ? stored / original : 0;
}

struct rate {
    uint32_t days;
    double week, day;
};

/* The class that new records of this lot's sources will be in: the longest of them. */
static uint32_t class_of(const struct keeping *keeping, const struct lot *lot)
{
    uint32_t days = 0;
    for (size_t i = 0; i < lot->sources_count; i++) {
        uint32_t own = promise_days_now(promise_find(keeping->promises, lot->sources[i].source));
        if (own == 0) {
            return 0;
        }
        days = own > days ? own : days;
    }
    return days;
}

static enum err rate_add(struct rate *rates, size_t *count, size_t max, uint32_t days, double week,
                         double day)
{
    size_t at = 0;
    while (at < *count && rates[at].days != days) {
        at++;
    }
    if (at == max) {
        return ERR_LIMIT;
    }
    if (at == *count) {
        rates[(*count)++] = (struct rate){.days = days};
    }
    rates[at].week += week;
    rates[at].day += day;
    return OK;
}

static void rates_give(const struct rate *rates, size_t count, double days_seen, struct load *load)
{
    double over = days_seen < 1 ? 1 : days_seen > WEEK_DAYS ? WEEK_DAYS : days_seen;
    double week = 0;
    double day = 0;
    for (size_t i = 0; i < count; i++) {
        week += rates[i].week / over;
        day += rates[i].day;
    }
    for (size_t i = 0; i < count; i++) {
        double rate = day > week ? rates[i].day : rates[i].week / over;
        load->classes[i] = (struct load_class){rates[i].days, (uint64_t)rate};
        load->day_rate += load->classes[i].day_rate;
    }
    load->classes_count = count;
}

static void lot_measure(const struct keeping *keeping, const struct lot *lot, struct wall now,
                        struct load *load)
{
    struct keep_view view;
    keeping_look(keeping, lot, now, &view);
    load->stored += lot->stored;
    if (lot->oldest.ns < now.ns && now.ns - lot->oldest.ns > load->seen_ns) {
        load->seen_ns = now.ns - lot->oldest.ns;
    }
    if (wall_known(view.due) && view.hold == NULL) {
        load->going[load->going_count++] = (struct load_going){view.due, lot->stored};
    }
}

enum err load_measure(const struct keeping *keeping, const struct lot *lots, size_t count,
                      struct wall now, struct arena *mem, struct load *ret)
{
    size_t classes = keeping->promises->count + 1;
    struct rate *rates = ARENA_ARRAY(mem, struct rate, classes);
    struct load load = {
        .classes = ARENA_ARRAY(mem, struct load_class, classes),
        .going = ARENA_ARRAY(mem, struct load_going, count + 1),
        .longest = promises_longest(keeping->promises),
    };
    double ratio = sealed_ratio(lots, count);
    size_t rates_count = 0;
    enum err err = rates == NULL || load.classes == NULL || load.going == NULL ? ERR_MEMORY : OK;
    for (size_t i = 0; i < count && err == OK; i++) {
        const struct lot *lot = &lots[i];
        double stored = lot->kind == LOT_JOURNAL && ratio > 0 ? ratio * (double)lot->original
                                                              : (double)lot->stored;
        lot_measure(keeping, lot, now, &load);
        err = rate_add(rates, &rates_count, classes, class_of(keeping, lot),
                       part_since(lot, stored, now, WEEK_DAYS), part_since(lot, stored, now, 1));
    }
    if (err != OK) {
        return err;
    }
    rates_give(rates, rates_count, (double)load.seen_ns / (double)DAY_NS, &load);
    *ret = load;
    return OK;
}

/* ---- Playing forward. */

/* By day, what is freed of what lies there today; what is due already goes with the first. */
static void going_spread(const struct load *load, struct wall now, double freed[])
{
    for (size_t i = 0; i < load->going_count; i++) {
        int64_t wait = load->going[i].due.ns - now.ns;
        int64_t day = wait <= 0 ? 1 : (wait - 1) / DAY_NS + 1;
        if (day < FORECAST_DAYS_MAX) {
            freed[day] += (double)load->going[i].bytes;
        }
    }
}

/* What comes on that day, less what had come so long before that it goes again. */
static double comes_on(const struct load *load, uint32_t day)
{
    double bytes = 0;
    for (size_t i = 0; i < load->classes_count; i++) {
        const struct load_class *of = &load->classes[i];
        bytes += of->days == 0 || day <= of->days ? (double)of->day_rate : 0;
    }
    return bytes;
}

static uint32_t days_until_full(const struct load *loads, size_t count, double free,
                                struct wall now)
{
    double freed[FORECAST_DAYS_MAX] = {0};
    for (size_t i = 0; i < count; i++) {
        going_spread(&loads[i], now, freed);
    }
    for (uint32_t day = 1; day < FORECAST_DAYS_MAX; day++) {
        for (size_t i = 0; i < count; i++) {
            free -= comes_on(&loads[i], day);
        }
        free += freed[day];
        if (free < 0) {
            return day - 1;
        }
    }
    return FORECAST_DAYS_MAX;
}

/* A state that was said stays until the figure is well past its limit. */
static enum forecast_state state_of(const struct forecast *forecast, uint32_t warning_days,
                                    bool seen, enum forecast_state before)
{
    uint32_t soon = before == FORECAST_SOON ? warning_days + warning_days / 5 + 1 : warning_days;
    uint32_t promised = forecast->days_promised;
    if (before == FORECAST_SHORT || before == FORECAST_SOON) {
        promised += promised / 20 + 1;
    }
    if (forecast->days_left <= soon) {
        return FORECAST_SOON;
    }
    if (!seen) {
        return FORECAST_UNKNOWN;
    }
    return forecast->days_promised > 0 && forecast->days_left < promised &&
                   forecast->days_left < FORECAST_DAYS_MAX
               ? FORECAST_SHORT
               : FORECAST_ENOUGH;
}

void forecast_make(const struct load *loads, size_t count, uint64_t free, uint32_t warning_days,
                   enum forecast_state before, struct wall now, struct forecast *ret)
{
    struct forecast forecast = {.days_left = days_until_full(loads, count, (double)free, now)};
    bool seen = false;
    for (size_t i = 0; i < count; i++) {
        forecast.day_rate += loads[i].day_rate;
        forecast.days_promised =
            loads[i].longest > forecast.days_promised ? loads[i].longest : forecast.days_promised;
        seen = seen || loads[i].seen_ns >= DAY_NS;
    }
    forecast.state = state_of(&forecast, warning_days, seen, before);
    *ret = forecast;
}
