/*
 * The state becomes another one.  With it go the clocks: each moment belongs to the entry into one
 * state, is told when the state is reached or passed, and is undone when the incident goes back to
 * before it.
 *
 *     countermeasure  CAUSE_FOUND      return check  EXECUTED
 *     coordination    PROPOSED         steady        RETURNED
 *     executing       DECIDED
 *
 * An authorised action passes over coordination: what is proposed and decided was so before, in the
 * criteria, so both moments are told at once.  Passing over the search for the cause finds none;
 * it is found at the latest when the provider's checks before the return say that it was removed.
 *
 * Always true: what is waited for fits the state.  A deadline and notices of a decision exist only
 * in coordination, who executes only from executing on.
 */

#include "incident/private.h"

static const struct {
    enum moment moment;
    enum incident_state reached;
} moments[] = {
    {MOMENT_CAUSE_FOUND, INCIDENT_COUNTERMEASURE},
    {MOMENT_PROPOSED, INCIDENT_COORDINATION},
    {MOMENT_DECIDED, INCIDENT_EXECUTING},
    {MOMENT_EXECUTED, INCIDENT_RETURN_CHECK},
    {MOMENT_RETURNED, INCIDENT_STEADY},
};
#define MOMENTS (sizeof moments / sizeof *moments)

static enum err clocks_steer(struct operation *operation, enum incident_state from);
static enum err moot_settle(struct operation *operation, enum incident_state from);

enum err row_move(struct operation *operation, enum incident_state to, const char *what,
                  struct str text, struct str detail)
{
    struct row *row = &operation->row;
    enum incident_state from = row->state;
    row->state = to;
    row->told = 0; /* the next alerts are worth a line again */
    if (to != INCIDENT_COORDINATION) {
        row->decide_by = WALL_NONE;
        row->decide_next = WALL_NONE;
    }
    if (to < INCIDENT_EXECUTING) {
        row->executes = SIDE_NONE;
    }
    if (to <= INCIDENT_EXECUTING) {
        row->executed = false;
    }
    if (to == INCIDENT_STEADY) {
        row->ended = operation->now;
    }
    enum err err = history_add(operation, what, from, text, detail);
    if (err == OK) {
        err = clocks_steer(operation, from);
    }
    return err == OK ? moot_settle(operation, from) : err;
}

enum err row_moment(struct operation *operation, enum moment moment, struct wall at)
{
    const struct row *row = &operation->row;
    return clock_moment(operation->scope, operation->incidents->clocks, row->client,
                        (struct subject){"incident", row->id}, moment, row->severity, at);
}

static bool moment_comes(const struct operation *operation, size_t at, enum incident_state from)
{
    enum incident_state to = operation->row.state;
    if (moments[at].moment == MOMENT_CAUSE_FOUND) {
        return to == INCIDENT_RETURN_CHECK ||
               (from == INCIDENT_CAUSE && to == INCIDENT_COUNTERMEASURE);
    }
    return from < moments[at].reached && moments[at].reached <= to;
}

static enum err clocks_steer(struct operation *operation, enum incident_state from)
{
    const struct row *row = &operation->row;
    enum err err = OK;
    for (size_t i = 0; i < MOMENTS && err == OK; i++) {
        if (row->state > from && moment_comes(operation, i, from)) {
            err = row_moment(operation, moments[i].moment, operation->now);
        }
    }
    for (size_t i = MOMENTS; i > 0 && err == OK; i--) {
        if (row->state < moments[i - 1].reached && moments[i - 1].reached <= from) {
            err = clock_moment_undone(operation->scope, operation->incidents->clocks, row->client,
                                      (struct subject){"incident", row->id}, moments[i - 1].moment,
                                      operation->now);
        }
    }
    return err;
}

/* Nobody has to be asked for what is decided, withdrawn or over. */
static enum err moot_settle(struct operation *operation, enum incident_state from)
{
    static const char *const all[] = {"incident-opened", "incident-graver", "incident-reported"};
    enum err err = OK;
    if (from == INCIDENT_COORDINATION) {
        err = row_settle(operation, "decision-wanted");
        if (err == OK) {
            err = row_settle(operation, "decision-overdue");
        }
    }
    if (err == OK && from == INCIDENT_RETURN_CHECK) {
        err = row_settle(operation, "return-wanted");
        if (err == OK) {
            err = row_settle(operation, "incident-recurred");
        }
    }
    for (size_t i = 0;
         i < sizeof all / sizeof *all && err == OK && operation->row.state == INCIDENT_STEADY;
         i++) {
        err = row_settle(operation, all[i]);
    }
    return err;
}
