/*
 * What the steps of a clock come to.
 *
 *     start ──► running ──pause──► paused          a stop leads from either to stopped, a reopen
 *                  ▲                  │            back to where the stop was, as if it had not
 *                  └─────resume───────┘            been: the time between counts
 *
 * Always true: working time is the sum over the stretches, through the calendar; a moment is
 * reached in the stretch in which the sum comes to it, the stretch's last moment included, so that
 * who stops a clock at the very end of its target finds it breached, whether somebody looked before
 * or after. Stretches do not overlap: no step lies before the one before it (clock.c sees to that).
 */

#include "service/clocks.h"

/* Opens or closes the last stretch. */
static void step_apply(struct clock_run *run, const struct clock_step *step, bool *was_paused)
{
    struct clock_stretch *last = run->count > 0 ? &run->stretches[run->count - 1] : NULL;
    if (str_equal(step->what, STR("warning"))) {
        run->warned = step->at;
        return;
    }
    if (str_equal(step->what, STR("breach"))) {
        run->breached = step->at;
        return;
    }
    run->last = step->at;
    if (str_equal(step->what, STR("start")) || str_equal(step->what, STR("resume"))) {
        run->stretches[run->count++] = (struct clock_stretch){step->at, WALL_NONE};
        run->paused = false;
    } else if (str_equal(step->what, STR("pause")) && last != NULL) {
        last->to = step->at;
        run->paused = true;
        run->pause_reason = step->reason;
    } else if (str_equal(step->what, STR("stop")) && last != NULL) {
        last->to = run->paused ? last->to : step->at;
        *was_paused = run->paused;
        run->paused = false;
        run->stopped = true;
        run->stop = step->at;
    } else if (str_equal(step->what, STR("reopen")) && last != NULL) {
        last->to = *was_paused ? last->to : WALL_NONE;
        run->paused = *was_paused;
        run->stopped = false;
        run->stop = WALL_NONE;
    }
}

enum err clock_run_of(const struct clock_step *steps, size_t count, struct arena *mem,
                      struct clock_run *ret)
{
    struct clock_run run = {
        .stretches = ARENA_ARRAY(mem, struct clock_stretch, count + 1),
        .last = WALL_NONE,
        .stop = WALL_NONE,
        .warned = WALL_NONE,
        .breached = WALL_NONE,
    };
    bool was_paused = false;
    if (run.stretches == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        step_apply(&run, &steps[i], &was_paused);
    }
    *ret = run;
    return OK;
}

const char *clock_run_state(const struct clock_run *run)
{
    return run->stopped ? "stopped" : run->paused ? "paused" : "running";
}

int64_t clock_run_elapsed(const struct clock_run *run, const struct calendar *calendar,
                          struct wall now)
{
    int64_t total = 0;
    for (size_t i = 0; i < run->count; i++) {
        const struct clock_stretch *stretch = &run->stretches[i];
        struct wall to = wall_known(stretch->to) ? stretch->to : now;
        int64_t piece = calendar_elapsed(calendar, stretch->from, to);
        total = total > INT64_MAX - piece ? INT64_MAX : total + piece;
    }
    return total;
}

enum err clock_run_reach(const struct clock_run *run, const struct calendar *calendar, int64_t ns,
                         struct wall *ret)
{
    for (size_t i = 0; i < run->count; i++) {
        const struct clock_stretch *stretch = &run->stretches[i];
        bool ends = wall_known(stretch->to);
        int64_t piece = ends ? calendar_elapsed(calendar, stretch->from, stretch->to) : 0;
        if (!ends || piece >= ns) {
            enum err err = calendar_add(calendar, stretch->from, ns, ret);
            if (err == ERR_LIMIT) {
                break;
            }
            return err;
        }
        ns -= piece;
    }
    *ret = WALL_NONE;
    return OK;
}

enum err clock_run_due(const struct clock_run *run, const struct calendar *calendar,
                       const struct clock_row *row, struct wall *ret, bool *ret_breach)
{
    struct wall warning = WALL_NONE;
    struct wall breach = WALL_NONE;
    enum err err = OK;
    if (!wall_known(run->warned) && row->warn_ns > 0) {
        err = clock_run_reach(run, calendar, row->warn_ns, &warning);
    }
    if (err == OK && !wall_known(run->breached)) {
        err = clock_run_reach(run, calendar, row->target_ns, &breach);
    }
    if (err == OK) {
        *ret_breach = !wall_known(warning) || (wall_known(breach) && breach.ns < warning.ns);
        *ret = *ret_breach ? breach : warning;
    }
    return err;
}
