/*
 * Steps of the abnormal state.
 *
 *     detected → cause → countermeasure → coordination → executing → return check → steady
 *
 *     forward   by the provider    detected → cause; cause → countermeasure, with the cause that
 *                                  was found; executing → return check, once the countermeasure
 *                                  was carried out, with its checks
 *               by a proposal      countermeasure → coordination (proposal.c)
 *               by the decision    coordination → executing (proposal.c)
 *               by the criteria    any before executing → executing: the authorised action
 *               by the agreement   return check → steady
 *     back      by the provider    to any earlier state but coordination, with a reason
 *               by a failure       executing → countermeasure
 *               by the client      coordination → countermeasure (none of the options),
 *                                  return check → cause (no agreement)
 *
 * Always true: whoever executes records the execution; the provider records its checks after that;
 * only then is the client asked to agree, and nobody else can (R069, R147, R148).
 */

#include "base/limits.h"
#include "incident/private.h"

static enum err step_forward(struct operation *operation, enum incident_state to,
                             struct str reason);
static enum err step_back(struct operation *operation, enum incident_state to, struct str reason);

/* History is bounded too: who could walk back and forth for ever would fill the ledger. */
static enum err lines_check(const struct operation *operation)
{
    if (operation->row.lines < INCIDENT_LINES_MAX) {
        return OK;
    }
    return why_say(operation->why, ERR_LIMIT, 0, "incident %u has %u lines of history; no more",
                   operation->row.number, operation->row.lines);
}

enum err incident_note(const struct scope *scope, struct incidents *incidents,
                       struct incident_at at, struct str text, struct why *why)
{
    struct operation operation;
    enum err err = operation_begin(scope, incidents, at, RIGHT_WORK | RIGHT_ACT, why, &operation);
    if (err != OK) {
        return err;
    }
    err = text_check(text, "text", INCIDENT_TEXT_SIZE_MAX, true, why);
    if (err == OK) {
        err = lines_check(&operation);
    }
    if (err == OK) {
        err = history_add(&operation, "note", operation.row.state, text, (struct str){0});
    }
    return operation_end(&operation, err);
}

enum err incident_step(const struct scope *scope, struct incidents *incidents,
                       struct incident_at at, enum incident_state to, struct str reason,
                       struct why *why)
{
    struct operation operation;
    if ((unsigned)to >= INCIDENT_STATE_COUNT) {
        return why_say(why, ERR_SYNTAX, 0, "there is no such state");
    }
    enum err err = operation_begin(scope, incidents, at, RIGHT_WORK, why, &operation);
    if (err != OK) {
        return err;
    }
    enum incident_state from = operation.row.state;
    /* Two steps forward say what was found; every step back says why. */
    bool needed = to < from || to == INCIDENT_COUNTERMEASURE || to == INCIDENT_RETURN_CHECK;
    err = text_check(reason, "reason", INCIDENT_TEXT_SIZE_MAX, needed, why);
    if (err == OK && from == INCIDENT_STEADY) {
        err = state_refuse(&operation, "it has ended");
    }
    if (err == OK && to == from) {
        err = state_refuse(&operation, "it is there already");
    }
    if (err == OK) {
        err = lines_check(&operation);
    }
    if (err == OK) {
        err = to > from ? step_forward(&operation, to, reason) : step_back(&operation, to, reason);
    }
    return operation_end(&operation, err);
}

static enum err step_forward(struct operation *operation, enum incident_state to, struct str reason)
{
    enum incident_state from = operation->row.state;
    if (to == INCIDENT_COORDINATION) {
        return state_refuse(operation, "only a proposal leads to coordination");
    }
    if (to == INCIDENT_EXECUTING) {
        return state_refuse(operation, "only the client's decision or an authorised action leads "
                                       "to executing");
    }
    if (to == INCIDENT_STEADY) {
        return state_refuse(operation, "only the client's agreement leads back to steady");
    }
    bool next = (from == INCIDENT_DETECTED && to == INCIDENT_CAUSE) ||
                (from == INCIDENT_CAUSE && to == INCIDENT_COUNTERMEASURE) ||
                (from == INCIDENT_EXECUTING && to == INCIDENT_RETURN_CHECK);
    if (!next) {
        return state_refuse(operation, "steps go forward one by one");
    }
    if (from == INCIDENT_EXECUTING && !operation->row.executed) {
        return state_refuse(operation, "the countermeasure was not carried out yet");
    }
    enum err err = row_move(operation, to, "step", reason, (struct str){0});
    if (err == OK && to == INCIDENT_RETURN_CHECK) {
        struct str key;
        const struct notice_value checks = {STR("checks"), reason};
        err = number_text(operation, operation->row.lines, &key);
        if (err == OK) {
            err = row_notice(operation, "return-wanted", key, true,
                             (struct notice_extra){&checks, 1});
        }
    }
    return err;
}

static enum err step_back(struct operation *operation, enum incident_state to, struct str reason)
{
    if (to == INCIDENT_COORDINATION) {
        return state_refuse(operation, "only a proposal leads to coordination");
    }
    return row_move(operation, to, "back", reason, (struct str){0});
}

/* ---- Execution. */

/* Nobody was asked, so they hear of it. */
static enum err authorised_tell(struct operation *operation, struct str text)
{
    const struct element *item =
        running_item(operation, "criteria", "actions", operation->row.action);
    const struct element *what = element_get(item, "text");
    const struct element *words = what != NULL ? what : element_get(item, "name");
    struct str key;
    struct notice_value values[] = {
        {STR("taken_ja"), operation->row.action},
        {STR("taken_en"), operation->row.action},
        {STR("reason"), text},
    };
    for (int i = 0; words != NULL && i < LANGUAGE_COUNT; i++) {
        values[i].text = element_words(words, (enum language)i, NULL);
    }
    enum err err = number_text(operation, operation->row.lines, &key);
    return err == OK ? row_notice(operation, "action-taken", key, false,
                                  (struct notice_extra){values, sizeof values / sizeof *values})
                     : err;
}

enum err incident_act_authorised(const struct scope *scope, struct incidents *incidents,
                                 struct incident_at at, struct str text, struct why *why)
{
    struct operation operation;
    enum err err = operation_begin(scope, incidents, at, RIGHT_WORK, why, &operation);
    if (err != OK) {
        return err;
    }
    struct row *row = &operation.row;
    struct str detail = {0};
    err = text_check(text, "text", INCIDENT_TEXT_SIZE_MAX, false, why);
    if (err == OK && row->state >= INCIDENT_EXECUTING) {
        err = state_refuse(&operation, "an authorised action comes before executing");
    }
    /* What the client took back since the alert came is authorised no more. */
    if (err == OK && (!row->authorised || row->action.size == 0 ||
                      element_number(running_item(&operation, "criteria", "actions", row->action),
                                     "authorised", 0) != 1)) {
        err = why_say(why, ERR_DENIED, 0,
                      "the client's criteria authorise no action here; propose it");
    }
    if (err == OK) {
        err = lines_check(&operation);
    }
    if (err == OK) {
        /* A slug needs no escapes. */
        err = arena_print(incidents->mem, &detail, "{\"action\":\"%.*s\"}", STR_ARG(row->action));
    }
    if (err == OK) {
        row->executes = SIDE_PROVIDER;
        err = row_move(&operation, INCIDENT_EXECUTING, "authorised", text, detail);
    }
    if (err == OK) {
        err = authorised_tell(&operation, text);
    }
    return operation_end(&operation, err);
}

enum err incident_execute(const struct scope *scope, struct incidents *incidents,
                          struct incident_at at, bool done, struct str evidence, struct why *why)
{
    struct operation operation;
    enum err err = operation_begin(scope, incidents, at, RIGHT_WORK | RIGHT_ACT, why, &operation);
    if (err != OK) {
        return err;
    }
    struct row *row = &operation.row;
    if (row->state == INCIDENT_EXECUTING) {
        err = rights_check(&operation, row->executes == SIDE_CLIENT ? RIGHT_ACT : RIGHT_WORK);
    }
    if (err == OK) {
        err = text_check(evidence, "evidence", INCIDENT_TEXT_SIZE_MAX, true, why);
    }
    if (err == OK && row->state != INCIDENT_EXECUTING) {
        err = state_refuse(&operation, "there is nothing to carry out");
    }
    if (err == OK && row->executed) {
        err = state_refuse(&operation, "it was carried out already, and waits for the checks");
    }
    if (err == OK && !done) {
        err = row_move(&operation, INCIDENT_COUNTERMEASURE, "failed", evidence, (struct str){0});
    } else if (err == OK) {
        row->executed = true;
        err = history_add(&operation, "executed", row->state, evidence, (struct str){0});
    }
    return operation_end(&operation, err);
}

/* ---- The return. */

enum err incident_return(const struct scope *scope, struct incidents *incidents,
                         struct incident_at at, bool agreed, struct str reason, struct why *why)
{
    struct operation operation;
    enum err err = operation_begin(scope, incidents, at, RIGHT_DECIDE, why, &operation);
    if (err != OK) {
        return err;
    }
    err = text_check(reason, "reason", INCIDENT_TEXT_SIZE_MAX, !agreed, why);
    if (err == OK && operation.row.state != INCIDENT_RETURN_CHECK) {
        err = state_refuse(&operation, "the return is not asked for");
    }
    if (err == OK) {
        err = row_move(&operation, agreed ? INCIDENT_STEADY : INCIDENT_CAUSE, "return", reason,
                       agreed ? STR("{\"agreed\":true}") : STR("{\"agreed\":false}"));
    }
    if (err == OK && agreed) {
        const struct notice_value value = {STR("reason"), reason};
        err = row_notice(&operation, "incident-returned", (struct str){0}, false,
                         (struct notice_extra){&value, 1});
    }
    return operation_end(&operation, err);
}

/* ---- What the notices report. */

/* `who` acknowledged, which is not always whose scope this is: a link's holder has none. */
static enum err heard(const struct scope *scope, struct incidents *incidents,
                      struct client_id client, uint64_t incident, struct str who, struct wall at,
                      enum moment moment)
{
    struct operation operation;
    enum err err = operation_begin_id(scope, incidents, client, incident, at, &operation);
    if (err != OK) {
        return err;
    }
    bool read = moment == MOMENT_ACKNOWLEDGED;
    struct wall *once = read ? &operation.row.acknowledged : &operation.row.notified;
    err = text_check(who, "who", INCIDENT_TEXT_SIZE_MAX, false, NULL);
    if (err == OK && !wall_known(*once)) {
        *once = at;
        err = history_add(&operation, read ? "acknowledged" : "notified", operation.row.state, who,
                          (struct str){0});
        if (err == OK) {
            err = row_moment(&operation, moment, at);
        }
    }
    return operation_end(&operation, err);
}

enum err incident_acknowledged(const struct scope *scope, struct incidents *incidents,
                               struct client_id client, uint64_t incident, struct str who,
                               struct wall at)
{
    if (!scope_allows(scope, client, RIGHT_INCIDENTS) &&
        !scope_allows(scope, client, RIGHT_SERVE)) {
        return ERR_NOT_FOUND;
    }
    if (!rights_any(scope, client, RIGHT_SERVE | RIGHT_WORK | RIGHT_ACT)) {
        return ERR_DENIED;
    }
    return heard(scope, incidents, client, incident, who, at, MOMENT_ACKNOWLEDGED);
}

enum err incident_unanswered(const struct scope *scope, struct incidents *incidents,
                             struct client_id client, uint64_t incident, struct str purpose,
                             struct wall now)
{
    struct operation operation;
    struct str key;
    if (!scope_allows(scope, client, RIGHT_SERVE)) {
        return ERR_DENIED;
    }
    enum err err = operation_begin_id(scope, incidents, client, incident, now, &operation);
    if (err != OK) {
        return err;
    }
    err = history_add(&operation, "unanswered", operation.row.state, purpose, (struct str){0});
    if (err == OK) {
        err = number_text(&operation, operation.row.lines, &key);
    }
    if (err == OK) {
        err = row_notice(&operation, "notice-unanswered", key, false, (struct notice_extra){0});
    }
    return operation_end(&operation, err);
}

enum err incident_notified(const struct scope *scope, struct incidents *incidents,
                           struct client_id client, uint64_t incident, struct wall at)
{
    if (!scope_allows(scope, client, RIGHT_SERVE)) {
        return scope_allows(scope, client, RIGHT_INCIDENTS) ? ERR_DENIED : ERR_NOT_FOUND;
    }
    return heard(scope, incidents, client, incident, (struct str){0}, at, MOMENT_NOTIFIED);
}
