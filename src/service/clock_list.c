/* Clocks as people see them. */

#include "service/clocks.h"

static enum err view_make(struct clocks *clocks, const struct clock_row *row, struct wall now,
                          struct arena *mem, struct clock_view *ret);
static enum err names_take(struct clocks *clocks, const struct clock_row *row, struct arena *mem,
                           struct clock_view *view);

static bool may_read(const struct scope *scope, struct client_id client)
{
    return scope_allows(scope, client, RIGHT_INCIDENTS) || scope_allows(scope, client, RIGHT_SERVE);
}

enum err clock_list(const struct scope *scope, struct clocks *clocks, struct client_id client,
                    struct subject subject, struct wall now, struct arena *mem,
                    struct clock_view **ret, size_t *ret_count)
{
    struct clock_row *rows;
    size_t count;
    if (!may_read(scope, client)) {
        return ERR_DENIED;
    }
    if (subject.id > INT64_MAX) {
        return ERR_LIMIT;
    }
    enum err err = clock_rows_of(clocks->ledger, client, subject, mem, &rows, &count);
    if (err != OK) {
        return err;
    }
    struct clock_view *views = ARENA_ARRAY(mem, struct clock_view, count + 1);
    if (views == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count && err == OK; i++) {
        err = view_make(clocks, &rows[i], now, mem, &views[i]);
    }
    if (err == OK) {
        *ret = views;
        *ret_count = count;
    }
    return err;
}

enum err clock_history(const struct scope *scope, struct clocks *clocks, struct client_id client,
                       uint64_t clock, struct arena *mem, struct clock_step **ret,
                       size_t *ret_count)
{
    struct clock_row row;
    if (!may_read(scope, client)) {
        return ERR_DENIED;
    }
    enum err err = clock_row_get(clocks->ledger, client, clock, mem, &row);
    return err == OK ? clock_steps_of(clocks->ledger, &row, mem, ret, ret_count) : err;
}

static enum err view_make(struct clocks *clocks, const struct clock_row *row, struct wall now,
                          struct arena *mem, struct clock_view *ret)
{
    const struct calendar *calendar;
    struct clock_step *steps;
    struct clock_run run;
    size_t count;
    struct wall due = WALL_NONE;
    enum err err = clock_calendar_get(clocks, row, &calendar, NULL);
    if (err == OK) {
        err = clock_steps_of(clocks->ledger, row, mem, &steps, &count);
    }
    if (err == OK) {
        err = clock_run_of(steps, count, mem, &run);
    }
    if (err == OK && !run.paused && !run.stopped) {
        err = clock_run_reach(&run, calendar, row->target_ns, &due);
    }
    if (err != OK) {
        return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
    }
    struct clock_view view = {
        .id = row->id,
        .metric = row->metric,
        .sla = row->sla,
        .severity = row->severity,
        .started = row->started,
        .stopped = run.stop,
        .paused = run.paused,
        .pause_reason = run.paused ? run.pause_reason : STR(""),
        .elapsed_ns = clock_run_elapsed(&run, calendar, now),
        .target_ns = row->target_ns,
        .due = due,
        .warned = run.warned,
        .breached = run.breached,
    };
    err = names_take(clocks, row, mem, &view);
    if (err == OK) {
        *ret = view;
    }
    return err;
}

static enum err names_take(struct clocks *clocks, const struct clock_row *row, struct arena *mem,
                           struct clock_view *view)
{
    const struct document *sla;
    enum err err = clock_text_get(clocks, row->client, "sla", row->sla, &sla);
    if (err != OK) {
        return err;
    }
    const struct element *metrics = element_get(sla->root, "metrics");
    const struct element *metric = metrics == NULL ? NULL : element_item(metrics, row->metric);
    const struct element *name = element_get(metric, "name");
    if (name == NULL) {
        return OK;
    }
    err = arena_copy(mem, name->text, &view->name_ja);
    return err == OK ? arena_copy(mem, name->text_en, &view->name_en) : err;
}
