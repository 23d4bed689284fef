/*
 * Clocks: what starts, stops, pauses and takes them up again.
 *
 * A clock is a row and its steps (clock_rows.c); everything else follows from the steps
 * (clock_run.c), and the row's state and `due` are what follows, kept so that clocks_turn need not
 * look at clocks for which nothing is due.
 *
 * Always true:
 *
 *   (1) A clock keeps the hashes of the SLA and of the calendars that were effective when it
 * started, and is judged by those texts for ever (clock_texts.c). (2) Steps of a clock do not go
 * back in time: one that is reported for an earlier moment than the step before it counts from
 * there.  `recorded` shows what was reported. (3) `due` is the first moment of a warning or a
 * breach that has not been written down, also in the past, also of a clock that has stopped since:
 * clocks_turn catches up.
 */

#include "service/clock.h"

#include <stdlib.h>

#include "base/limits.h"
#include "service/clocks.h"

static const char *const moments[MOMENT_COUNT] = {
    [MOMENT_DETECTED] = "detected",         [MOMENT_NOTIFIED] = "notified",
    [MOMENT_ACKNOWLEDGED] = "acknowledged", [MOMENT_CAUSE_FOUND] = "cause-found",
    [MOMENT_PROPOSED] = "proposed",         [MOMENT_DECIDED] = "decided",
    [MOMENT_EXECUTED] = "executed",         [MOMENT_RETURNED] = "returned",
};

static enum err metric_start(const struct scope *scope, struct clocks *clocks,
                             const struct clock_terms *terms, const struct element *metric,
                             struct clock_row *row, struct arena *mem);
static enum err clock_change(const struct scope *scope, struct clocks *clocks,
                             struct client_id client, uint64_t clock, struct clock_step *step,
                             struct why *why);
static enum err reason_check(struct clocks *clocks, const struct clock_row *row, struct str reason,
                             struct why *why);

const char *moment_text(enum moment moment)
{
    return moment < MOMENT_COUNT ? moments[moment] : "";
}

enum err moment_parse(struct str text, enum moment *ret)
{
    for (int i = 0; i < MOMENT_COUNT; i++) {
        if (str_equal(str_from(moments[i]), text)) {
            *ret = (enum moment)i;
            return OK;
        }
    }
    return ERR_SYNTAX;
}

enum err clocks_new(struct ledger *ledger, struct service *service, const char *zoneinfo,
                    struct clocks **ret)
{
    struct clocks *clocks = calloc(1, sizeof *clocks);
    if (clocks == NULL) {
        return ERR_MEMORY;
    }
    clocks->ledger = ledger;
    clocks->service = service;
    enum err err = zones_new(zoneinfo, &clocks->zones);
    if (err == OK) {
        err = calendar_new(clocks->zones, NULL, &clocks->always, NULL);
    }
    if (err != OK) {
        clocks_free(clocks);
        return err;
    }
    *ret = clocks;
    return OK;
}

void clocks_free(struct clocks *clocks)
{
    if (clocks == NULL) {
        return;
    }
    clock_texts_done(clocks);
    calendar_free(clocks->always);
    zones_free(clocks->zones);
    free(clocks);
}

/* A moment belongs to work of any kind: an alert opens, a person of either side goes on, the
 * service hands a notice over. */
static bool may_steer(const struct scope *scope, struct client_id client)
{
    return scope_allows(scope, client, RIGHT_SERVE) || scope_allows(scope, client, RIGHT_WORK) ||
           scope_allows(scope, client, RIGHT_ACT) || scope_allows(scope, client, RIGHT_DECIDE) ||
           scope_allows(scope, client, RIGHT_ALERT);
}

static bool subject_fits(struct subject subject)
{
    return subject.id <= INT64_MAX && str_from(subject.kind).size <= CLOCK_SUBJECT_MAX;
}

/* Takes one step, "stop" or "reopen", with those clocks of the subject that the moment stops. */
static enum err moment_steps(const struct scope *scope, struct clocks *clocks,
                             struct client_id client, struct subject subject, enum moment moment,
                             struct str what, struct wall at, struct arena *mem)
{
    struct clock_row *rows;
    size_t count;
    bool reopens = str_equal(what, STR("reopen"));
    enum err err = clock_rows_of(clocks->ledger, client, subject, mem, &rows, &count);
    for (size_t i = 0; err == OK && i < count; i++) {
        bool stopped = str_equal(rows[i].state, STR("stopped"));
        if (stopped == reopens && str_equal(rows[i].stop, str_from(moment_text(moment)))) {
            struct clock_step step = {what, at, at, scope_principal(scope), {0}, {0}};
            err = clock_step_take(clocks, &rows[i], &step, mem);
        }
    }
    return err;
}

enum err clock_moment_under(const struct scope *scope, struct clocks *clocks,
                            const struct clock_terms *terms, struct client_id client,
                            struct subject subject, enum moment moment, enum level severity,
                            struct wall at)
{
    bool alone = false;
    if (!may_steer(scope, client)) {
        return ERR_DENIED;
    }
    if (!subject_fits(subject)) {
        return ERR_LIMIT;
    }
    struct arena *mem = arena_new(CLOCK_MEMORY_MAX);
    enum err err = mem == NULL ? ERR_MEMORY : clock_begin(clocks->ledger, &alone);
    if (err == OK) {
        err = moment_steps(scope, clocks, client, subject, moment, STR("stop"), at, mem);
    }
    const struct element *metrics =
        err == OK && terms->sla != NULL ? element_get(terms->sla->root, "metrics") : NULL;
    for (const struct element *metric = metrics == NULL ? NULL : metrics->first;
         metric != NULL && err == OK; metric = metric->next) {
        struct clock_row row = {
            .client = client,
            .subject_kind = str_from(subject.kind),
            .subject = subject.id,
            .severity = severity,
            .started = at,
        };
        if (str_equal(element_text(metric, "start"), str_from(moment_text(moment)))) {
            err = metric_start(scope, clocks, terms, metric, &row, mem);
        }
    }
    err = clock_end(clocks->ledger, alone, err);
    arena_free(mem);
    return err;
}

enum err clock_moment_undone(const struct scope *scope, struct clocks *clocks,
                             struct client_id client, struct subject subject, enum moment moment,
                             struct wall at)
{
    bool alone = false;
    if (!may_steer(scope, client)) {
        return ERR_DENIED;
    }
    if (!subject_fits(subject)) {
        return ERR_LIMIT;
    }
    struct arena *mem = arena_new(CLOCK_MEMORY_MAX);
    enum err err = mem == NULL ? ERR_MEMORY : clock_begin(clocks->ledger, &alone);
    if (err == OK) {
        err = moment_steps(scope, clocks, client, subject, moment, STR("reopen"), at, mem);
    }
    err = clock_end(clocks->ledger, alone, err);
    arena_free(mem);
    return err;
}

enum err clock_pause(const struct scope *scope, struct clocks *clocks, struct client_id client,
                     uint64_t clock, struct str reason, struct str note, struct wall now,
                     struct why *why)
{
    struct clock_step step = {STR("pause"), now, now, scope_principal(scope), reason, note};
    if (!scope_allows(scope, client, RIGHT_WORK)) {
        return ERR_DENIED;
    }
    if (note.size > CLOCK_NOTE_SIZE_MAX) {
        return why_say(why, ERR_LIMIT, 0, "a note has at most %d bytes", CLOCK_NOTE_SIZE_MAX);
    }
    return clock_change(scope, clocks, client, clock, &step, why);
}

enum err clock_resume(const struct scope *scope, struct clocks *clocks, struct client_id client,
                      uint64_t clock, struct wall now, struct why *why)
{
    struct clock_step step = {STR("resume"), now, now, scope_principal(scope), {0}, {0}};
    if (!scope_allows(scope, client, RIGHT_WORK)) {
        return ERR_DENIED;
    }
    return clock_change(scope, clocks, client, clock, &step, why);
}

/* ---- Starting. */

/* A calendar that cannot be had must not keep an incident from being opened: the clock then always
 * runs, and its first step says why. */
static enum err calendar_choose(struct clocks *clocks, struct clock_row *row,
                                struct clock_step *step, struct arena *mem)
{
    const struct calendar *calendar;
    struct why why = {0};
    enum err err = clock_calendar_get(clocks, row, &calendar, &why);
    if (err == OK || err == ERR_MEMORY || err == ERR_IO) {
        return err;
    }
    row->calendar = STR("");
    step->reason = STR("calendar-unusable");
    return arena_copy(mem, str_from(why_text(&why, err)), &step->note);
}

static enum err metric_start(const struct scope *scope, struct clocks *clocks,
                             const struct clock_terms *terms, const struct element *metric,
                             struct clock_row *row, struct arena *mem)
{
    struct clock_step step = {
        STR("start"), row->started, row->started, scope_principal(scope), {0}, {0},
    };
    const struct element *target =
        element_get(element_get(metric, "targets"), level_text(row->severity));
    if (target == NULL || target->number <= 0 || target->number > INT64_MAX / NS_PER_MS) {
        return OK;
    }
    int64_t warn_at = element_number(metric, "warn_at", 0);
    warn_at = warn_at < 0 || warn_at > 100 ? 0 : warn_at;
    row->metric = metric->slug;
    row->stop = element_text(metric, "stop");
    row->sla = terms->sla_hash;
    row->calendars = terms->calendars_hash;
    row->calendar = element_text(metric, "calendar");
    row->target_ns = target->number * NS_PER_MS;
    row->warn_ns = target->number * (NS_PER_MS / 100) * warn_at;
    enum err err = calendar_choose(clocks, row, &step, mem);
    if (err == OK) {
        err = clock_row_add(clocks->ledger, row);
    }
    if (err == ERR_EXISTS) {
        return OK;
    }
    return err == OK ? clock_step_take(clocks, row, &step, mem) : err;
}

enum err clock_step_take(struct clocks *clocks, struct clock_row *row, struct clock_step *step,
                         struct arena *mem)
{
    const struct calendar *calendar;
    struct clock_step *steps;
    struct clock_run run;
    size_t count;
    bool breach;
    bool fires = str_equal(step->what, STR("warning")) || str_equal(step->what, STR("breach"));
    enum err err = clock_calendar_get(clocks, row, &calendar, NULL);
    if (err == OK) {
        err = clock_steps_of(clocks->ledger, row, mem, &steps, &count);
    }
    if (err == OK) {
        err = clock_run_of(steps, count, mem, &run);
    }
    if (err == OK && !fires && wall_known(run.last) && step->at.ns < run.last.ns) {
        step->at = run.last;
    }
    if (err == OK) {
        err = clock_step_add(clocks->ledger, row, step);
    }
    if (err == OK) {
        err = clock_steps_of(clocks->ledger, row, mem, &steps, &count);
    }
    if (err == OK) {
        err = clock_run_of(steps, count, mem, &run);
    }
    if (err == OK) {
        err = clock_run_due(&run, calendar, row, &row->due, &breach);
    }
    if (err == OK) {
        row->state = str_from(clock_run_state(&run));
        err = clock_row_set(clocks->ledger, row);
    }
    return err;
}

/* ---- Pausing. */

static enum err state_check(const struct clock_row *row, const struct clock_step *step,
                            struct why *why)
{
    bool pauses = str_equal(step->what, STR("pause"));
    if (!str_equal(row->state, pauses ? STR("running") : STR("paused"))) {
        return why_say(why, ERR_CONFLICT, 0, "the clock '%.*s' is %.*s", STR_ARG(row->metric),
                       STR_ARG(row->state));
    }
    return OK;
}

static enum err clock_change(const struct scope *scope, struct clocks *clocks,
                             struct client_id client, uint64_t clock, struct clock_step *step,
                             struct why *why)
{
    struct clock_row row;
    struct str object;
    struct str action;
    bool alone = false;
    struct arena *mem = arena_new(CLOCK_MEMORY_MAX);
    enum err err = mem == NULL ? ERR_MEMORY : clock_begin(clocks->ledger, &alone);
    if (err == OK) {
        err = clock_row_get(clocks->ledger, client, clock, mem, &row);
    }
    if (err == OK && str_equal(step->what, STR("pause"))) {
        err = reason_check(clocks, &row, step->reason, why);
    }
    if (err == OK) {
        err = state_check(&row, step, why);
    }
    if (err == OK) {
        err = clock_step_take(clocks, &row, step, mem);
    }
    if (err == OK) {
        err = arena_print(mem, &object, "clock %llu of client %u", (unsigned long long)row.id,
                          client.value);
    }
    if (err == OK) {
        err = arena_print(mem, &action, "clock-%.*s", STR_ARG(step->what));
    }
    if (err == OK) {
        err = ledger_audit(clocks->ledger, step->recorded.ns, client.value, scope_principal(scope),
                           action, object, step->reason);
    }
    err = clock_end(clocks->ledger, alone, err);
    arena_free(mem);
    return err;
}

/* By the SLA that the clock started under. */
static enum err reason_check(struct clocks *clocks, const struct clock_row *row, struct str reason,
                             struct why *why)
{
    const struct document *sla;
    enum err err = clock_text_get(clocks, row->client, "sla", row->sla, &sla);
    if (err != OK) {
        return err;
    }
    const struct element *metrics = element_get(sla->root, "metrics");
    const struct element *metric = metrics == NULL ? NULL : element_item(metrics, row->metric);
    const struct element *reasons = element_get(metric, "pause_reasons");
    if (reasons == NULL || element_item(reasons, reason) == NULL) {
        return why_say(why, ERR_DENIED, 0, "'%.*s' is no reason for a pause of '%.*s'",
                       STR_ARG(reason), STR_ARG(row->metric));
    }
    return OK;
}
