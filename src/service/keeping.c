/*
 * Which lots of the archive may go.
 *
 * A lot is due when the last of its records is.  What a record was promised depends on when it
 * arrived, and falls in steps: who came under an earlier version has more versions that may have
 * promised longer.
 *
 *     days │■■■■■■■■■ 365 ■■■■■■■■■┐
 *          │                        └─■■■■■ 30 ■■■■■■■■■■►  arrival
 *            version 1 runs          │ version 2 runs
 *
 * So a later record may be due before an earlier one; of each step the last record is due last, and
 * it is enough to look at the last moment of each step that the lot reaches, and at its newest
 * record.
 *
 * Always true:
 *
 *   (1) nothing is due before its promise, under whichever version it arrived; a version that
 *       promises longer counts for what is there, one that promises less does not;
 *   (2) who is not sure keeps: a source without a promise, a lot without sources, records that
 *       rules have not judged, a class that was sealed for longer;
 *   (3) a lot that a hold touches anywhere stays whole.
 */

#include "service/keeping.h"

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

const struct promise *promise_find(const struct promises *promises, struct source_id source)
{
    size_t low = 0;
    size_t high = promises->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (promises->list[middle].source.value < source.value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < promises->count && promises->list[low].source.value == source.value
               ? &promises->list[low]
               : NULL;
}

uint32_t promise_days_now(const struct promise *promise)
{
    return promise != NULL && promise->count > 0 &&
                   !wall_known(promise->list[promise->count - 1].to)
               ? promise->list[promise->count - 1].days
               : 0;
}

uint32_t promises_longest(const struct promises *promises)
{
    uint32_t days = 0;
    for (size_t i = 0; i < promises->count; i++) {
        uint32_t own = promise_days_now(&promises->list[i]);
        days = own > days ? own : days;
    }
    return days;
}

uint32_t promise_days(const struct promise *promise, struct wall arrived)
{
    uint32_t days = promise_days_now(promise);
    for (size_t i = 0; days > 0 && i < promise->count; i++) {
        const struct promise_stretch *stretch = &promise->list[i];
        if ((!wall_known(stretch->to) || stretch->to.ns > arrived.ns) && stretch->days > days) {
            days = stretch->days;
        }
    }
    return days;
}

/* The moment at which the last of the source's records between the two may go. */
static struct wall source_due(const struct promise *promise, struct wall oldest, struct wall newest)
{
    uint32_t days = promise_days(promise, newest);
    if (days == 0) {
        return WALL_NONE;
    }
    int64_t due = newest.ns + days * DAY_NS;
    for (size_t i = 0; i < promise->count; i++) {
        const struct promise_stretch *stretch = &promise->list[i];
        if (wall_known(stretch->to) && stretch->to.ns > oldest.ns && stretch->to.ns <= newest.ns) {
            const struct wall last = {stretch->to.ns - 1};
            due = later(due, last.ns + promise_days(promise, last) * DAY_NS);
        }
    }
    return (struct wall){due};
}

/* The same with what was promised when it was sealed. */
static struct wall sealed_due(const struct promises *promises, const struct lot *lot,
                              const struct lot_source *source)
{
    if (source->newest.ns > INT64_MAX / 4 || (lot->kind == LOT_SEGMENT && source->days == 0)) {
        return WALL_NONE; /* a time that cannot be is never over */
    }
    struct wall oldest = wall_known(source->oldest) ? source->oldest : lot->oldest;
    struct wall due = source_due(promise_find(promises, source->source), oldest, source->newest);
    if (wall_known(due)) {
        due.ns = later(due.ns, source->newest.ns + source->days * DAY_NS);
    }
    return due;
}

/* WALL_NONE: never. */
static struct wall lot_due(const struct promises *promises, const struct lot *lot)
{
    struct wall due = {INT64_MIN + 1};
    for (size_t i = 0; i < lot->sources_count; i++) {
        struct wall of = sealed_due(promises, lot, &lot->sources[i]);
        if (!wall_known(of)) {
            return WALL_NONE;
        }
        due.ns = later(due.ns, of.ns);
    }
    return lot->sources_count > 0 ? due : WALL_NONE;
}

static bool span_has(const struct hold_span *span, struct source_id source)
{
    bool has = span->sources_count == 0;
    for (size_t i = 0; i < span->sources_count && !has; i++) {
        has = span->sources[i].value == source.value;
    }
    return has;
}

static bool span_covers(const struct hold_span *span, const struct lot *lot)
{
    if (span->first != 0 && span->first <= lot->last && lot->first <= span->last) {
        return true;
    }
    if (lot->sources_count == 0) {
        return true;
    }
    for (size_t i = 0; i < lot->sources_count; i++) {
        const struct lot_source *source = &lot->sources[i];
        struct wall oldest = wall_known(source->oldest) ? source->oldest : lot->oldest;
        if (span_has(span, source->source) &&
            (!wall_known(span->from) || source->newest.ns >= span->from.ns) &&
            (!wall_known(span->to) || oldest.ns <= span->to.ns)) {
            return true;
        }
    }
    return false;
}

void keeping_look(const struct keeping *keeping, const struct lot *lot, struct wall now,
                  struct keep_view *ret)
{
    struct keep_view view = {.due = lot_due(keeping->promises, lot)};
    for (size_t i = 0; i < keeping->holds_count && view.hold == NULL; i++) {
        if (span_covers(&keeping->holds[i], lot)) {
            view.hold = &keeping->holds[i];
        }
    }
    if (lot->kind != LOT_SEGMENT) {
        view.state = KEEP_OPEN;
    } else if (!wall_known(view.due)) {
        view.state = KEEP_FOREVER;
    } else if (now.ns < view.due.ns) {
        view.state = KEEP_PROMISED;
    } else if (view.hold != NULL) {
        view.state = KEEP_HELD;
    } else if (lot->last >= keeping->judged) {
        view.state = KEEP_UNJUDGED;
    } else {
        view.state = KEEP_DUE;
    }
    *ret = view;
}

bool keeping_clock_sound(struct wall last, struct wall now, int64_t awake_ns)
{
    bool leapt = wall_known(last) && (now.ns < last.ns || now.ns - last.ns > 7 * DAY_NS);
    return !leapt || awake_ns >= DAY_NS;
}
