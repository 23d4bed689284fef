/*
 * Warnings and breaches.
 *
 * A turn takes the clock that is due first, writes its step down at the moment at which it was due,
 * finds out when it will be due next, and goes on with whatever is first then; so steps are told in
 * the order of their moments over all clocks.
 *
 * Always true: a warning and a breach of a clock have one row each at most (clock_event_once),
 * stored in the transaction in which they are told.  A turn ends: each round writes one of these
 * rows or moves `due` to where the documents and the time zone's file have it now.
 */

#include "service/clocks.h"

static enum err row_fire(const struct scope *scope, struct clocks *clocks, struct clock_row *row,
                         struct wall now, clock_fired_call *call, void *context, struct arena *mem);

enum err clocks_turn(const struct scope *scope, struct clocks *clocks, struct wall now,
                     clock_fired_call *call, void *context, struct wall *ret_next)
{
    struct wall next;
    bool alone = false;
    if (!scope_allows_all(scope, RIGHT_SERVE)) {
        return ERR_DENIED;
    }
    struct arena *mem = arena_new(CLOCK_MEMORY_MAX);
    enum err err = mem == NULL ? ERR_MEMORY : clock_begin(clocks->ledger, &alone);
    bool more = true;
    while (err == OK && more) {
        struct clock_row row;
        err = clock_row_due(clocks->ledger, now, mem, &row);
        more = err == OK;
        if (err == ERR_NOT_FOUND) {
            err = OK;
        }
        if (err == OK && more) {
            err = row_fire(scope, clocks, &row, now, call, context, mem);
        }
        arena_reset(mem);
    }
    if (err == OK) {
        err = clock_due_next(clocks->ledger, &next);
    }
    if (mem != NULL) {
        err = clock_end(clocks->ledger, alone, err);
    }
    arena_free(mem);
    if (err == OK) {
        *ret_next = next;
    }
    return err;
}

static enum err row_fire(const struct scope *scope, struct clocks *clocks, struct clock_row *row,
                         struct wall now, clock_fired_call *call, void *context, struct arena *mem)
{
    const struct calendar *calendar;
    struct clock_step *steps;
    struct clock_run run;
    struct wall due;
    size_t count;
    bool breach;
    enum err err = clock_calendar_get(clocks, row, &calendar, NULL);
    if (err == OK) {
        err = clock_steps_of(clocks->ledger, row, mem, &steps, &count);
    }
    if (err == OK) {
        err = clock_run_of(steps, count, mem, &run);
    }
    if (err == OK) {
        err = clock_run_due(&run, calendar, row, &due, &breach);
    }
    if (err != OK) {
        return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
    }
    if (!wall_known(due) || due.ns > now.ns) {
        row->due = due;
        return clock_row_set(clocks->ledger, row);
    }
    struct clock_step step = {
        breach ? STR("breach") : STR("warning"), due, now, scope_principal(scope), {0}, {0},
    };
    err = clock_step_take(clocks, row, &step, mem);
    if (err != OK || call == NULL) {
        return err;
    }
    struct wall breach_at = due;
    int64_t left_ns = breach ? 0 : row->target_ns - row->warn_ns;
    if (left_ns > 0 && calendar_add(calendar, due, left_ns, &breach_at) != OK) {
        breach_at = WALL_NONE;
    }
    const struct clock_fired fired = {
        .client = row->client,
        .clock = row->id,
        .subject = {row->subject_kind.data, row->subject},
        .metric = row->metric,
        .breach = breach,
        .at = due,
        .due = breach_at,
    };
    return call(context, &fired);
}
