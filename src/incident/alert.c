/*
 * Alerts, kept once each with what the client's criteria made of them, and how far each client's
 * events have been judged.  Of a storm only the first are kept, the others are counted (storm.c).
 *
 * Always true: the bookmark of a client and the alerts of all events before it were stored in one
 * transaction, so after any crash detection goes on from the bookmark.  What it raises again lies
 * before the bookmark, or is there already, by (client, rule, sequence, group), and is passed over.
 */

#include <string.h>

#include "incident/private.h"

#define LIST_COUNT_FIRST 64
#define NUMBERS          11 /* columns of an alert that always hold a number */
#define TEXTS            21 /* and its texts */

static enum err alerts_put(struct ledger *ledger, struct client_id client,
                           const struct alerts *alerts, struct wall now, uint64_t *ret_new);
static enum err bookmark_get(struct ledger *ledger, struct client_id client, uint64_t *ret);
static enum err alert_put(struct ledger *ledger, const struct alert *alert, struct wall now);
static enum err bookmark_put(struct ledger *ledger, struct client_id client, uint64_t bookmark);
static enum err alert_take(struct statement *row, struct client_id client, struct arena *mem,
                           struct stored_alert *ret);

enum err incident_store(const struct scope *scope, struct ledger *ledger, struct client_id client,
                        const struct alerts *alerts, uint64_t bookmark, struct wall now,
                        uint64_t *ret_new)
{
    if (!scope_allows(scope, client, RIGHT_ALERT)) {
        return ERR_DENIED;
    }
    for (size_t i = 0; i < alerts->count; i++) {
        if (!client_equal(alerts->list[i].place.client, client)) {
            return ERR_DENIED;
        }
        if (alerts->list[i].place.sequence > INT64_MAX) {
            return ERR_LIMIT;
        }
        if ((unsigned)alerts->list[i].outcome.severity >= LEVEL_COUNT) {
            return ERR_SYNTAX;
        }
    }
    if (bookmark > INT64_MAX) {
        return ERR_LIMIT;
    }
    uint64_t fresh = 0;
    bool alone = !ledger_in_transaction(ledger);
    enum err err = alone ? ledger_begin(ledger) : OK;
    if (err != OK) {
        return err;
    }
    err = alerts_put(ledger, client, alerts, now, &fresh);
    if (err == OK && bookmark > 0) {
        err = bookmark_put(ledger, client, bookmark);
    }
    if (alone) {
        err = err == OK ? ledger_commit(ledger) : err;
        ledger_rollback(ledger);
    }
    if (err == OK) {
        *ret_new = fresh;
    }
    return err;
}

enum err incident_bookmark(const struct scope *scope, struct ledger *ledger,
                           struct client_id client, uint64_t *ret)
{
    if (!scope_allows(scope, client, RIGHT_ALERT) && !scope_allows(scope, client, RIGHT_ALERTS)) {
        return ERR_DENIED;
    }
    return bookmark_get(ledger, client, ret);
}

enum err incident_judged(const struct scope *scope, struct ledger *ledger, uint64_t *ret)
{
    struct statement *statement;
    bool row = false;
    if (!scope_allows_all(scope, RIGHT_SERVE)) {
        return ERR_DENIED;
    }
    enum err err =
        ledger_prepare(ledger, "SELECT coalesce(sum(sequence - 1), 0) FROM bookmark", &statement);
    err = err == OK ? statement_step(statement, &row) : err;
    if (err == OK) {
        *ret = (uint64_t)statement_int(statement, 0);
        statement_reset(statement);
    }
    return err;
}

static enum err list_grow(struct arena *mem, struct stored_alert **list, size_t *capacity)
{
    size_t larger = *capacity == 0 ? LIST_COUNT_FIRST : *capacity * 2;
    struct stored_alert *copy = ARENA_ARRAY(mem, struct stored_alert, larger);
    if (copy == NULL) {
        return ERR_MEMORY;
    }
    if (*capacity > 0) {
        memcpy(copy, *list, *capacity * sizeof *copy);
    }
    *list = copy;
    *capacity = larger;
    return OK;
}

/* The columns that alert_take reads. */
#define ALERT_SELECT                                                                               \
    "SELECT id, stored, sequence, source, received, happened, level, severity, is_incident,"       \
    " authorised, incident, kind, events, rule_id, rule_title, rule_author, rule_link, rule_tags," \
    " rule_version, type, criterion, chain, action, asset, owner, zone, outside, inside, other,"   \
    " documents, event_group, event_records, excepted, planned FROM alert"                         \
    " WHERE client = ?1 AND id > ?2 AND received >= ?3 AND received < ?4"

/* Each filter has the index that serves it. */
static enum err list_query(struct ledger *ledger, const struct alert_filter *filter,
                           struct statement **ret)
{
    static const char *const queries[] = {
        ALERT_SELECT " ORDER BY id LIMIT ?5",
        ALERT_SELECT " AND excepted = ?6 AND excepted <> '' ORDER BY id LIMIT ?5",
        ALERT_SELECT " AND planned = ?6 AND planned <> '' ORDER BY id LIMIT ?5",
        ALERT_SELECT " AND excepted = ?6 AND excepted <> '' AND planned = ?7 ORDER BY id LIMIT ?5",
        ALERT_SELECT " AND incident = ?6 ORDER BY id LIMIT ?5",
    };
    bool excepted = filter->excepted.size > 0;
    bool planned = filter->planned.size > 0;
    bool incident = filter->incident != 0;
    size_t query = incident ? 4 : (excepted ? 1u : 0u) + (planned ? 2u : 0u);
    const struct parameter parameters[] = {
        BIND_INT(filter->client.value),
        BIND_INT(filter->after_id < INT64_MAX ? filter->after_id : INT64_MAX),
        BIND_INT(wall_known(filter->from) ? filter->from.ns : INT64_MIN),
        BIND_INT(wall_known(filter->to) ? filter->to.ns : INT64_MAX),
        BIND_INT(filter->count_max < INT64_MAX ? filter->count_max : INT64_MAX),
        incident   ? BIND_INT(filter->incident)
        : excepted ? BIND_TEXT(filter->excepted)
                   : BIND_TEXT(filter->planned),
        BIND_TEXT(filter->planned),
    };
    return ledger_query(ledger, queries[query], parameters,
                        incident ? 6 : 5 + (size_t)excepted + (size_t)planned, ret);
}

enum err incident_list(const struct scope *scope, struct ledger *ledger,
                       const struct alert_filter *filter, struct arena *mem,
                       struct stored_alert **ret, size_t *ret_count)
{
    struct statement *statement;
    struct stored_alert *list = NULL;
    size_t count = 0;
    size_t capacity = 0;
    bool row = true;
    if (!scope_allows(scope, filter->client, RIGHT_ALERTS)) {
        return ERR_DENIED;
    }
    enum err err = list_query(ledger, filter, &statement);
    if (err != OK) {
        return err;
    }
    for (;;) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        err = count == capacity ? list_grow(mem, &list, &capacity) : OK;
        if (err == OK) {
            err = alert_take(statement, filter->client, mem, &list[count++]);
        }
        if (err != OK) {
            statement_reset(statement);
            break;
        }
    }
    if (err == OK) {
        *ret = list;
        *ret_count = count;
    }
    return err;
}

/* ---- Rows. */

static enum err alert_place(struct ledger *ledger, struct storm *storm, const struct alert *alert,
                            struct wall now, uint64_t *fresh)
{
    bool counted;
    enum err err = storm_count(storm, alert, &counted);
    if (err != OK || counted) {
        *fresh += err == OK;
        return err;
    }
    err = alert_put(ledger, alert, now);
    if (err == OK && ledger_changes(ledger) > 0) {
        storm_kept(storm);
        *fresh += 1;
    }
    return err;
}

static enum err alerts_put(struct ledger *ledger, struct client_id client,
                           const struct alerts *alerts, struct wall now, uint64_t *ret_new)
{
    struct storm *storm;
    uint64_t judged;
    if (alerts->count == 0) {
        return OK;
    }
    enum err err = bookmark_get(ledger, client, &judged);
    err = err == OK ? storm_begin(ledger, client, &storm) : err;
    if (err != OK) {
        return err;
    }
    for (size_t i = 0; i < alerts->count && err == OK; i++) {
        if (alerts->list[i].place.sequence >= judged) {
            err = alert_place(ledger, storm, &alerts->list[i], now, ret_new);
        }
    }
    err = err == OK ? storm_end(storm) : err;
    storm_free(storm);
    return err;
}

static enum err alert_put(struct ledger *ledger, const struct alert *alert, struct wall now)
{
    const struct outcome *outcome = &alert->outcome;
    const int64_t numbers[NUMBERS] = {
        alert->place.client.value,
        (int64_t)alert->place.sequence,
        alert->source.value,
        alert->received.ns,
        (int64_t)alert->level,
        now.ns,
        (int64_t)outcome->severity,
        outcome->incident,
        outcome->authorised,
        (int64_t)alert->kind,
        (int64_t)(alert->count < INT64_MAX ? alert->count : INT64_MAX),
    };
    const struct str texts[TEXTS] = {
        alert->rule_id,     alert->rule_title,   alert->rule_author, alert->rule_link,
        alert->rule_tags,   alert->rule_version, outcome->type,      outcome->criterion,
        outcome->chain,     outcome->action,     outcome->asset,     outcome->owner,
        outcome->zone,      outcome->outside,    outcome->inside,    outcome->other,
        outcome->documents, alert->group,        alert->records,     outcome->excepted,
        outcome->planned,
    };
    struct statement *statement;
    enum err err = ledger_prepare(
        ledger,
        "INSERT INTO alert (client, sequence, source, received, level, stored, severity,"
        " is_incident, authorised, kind, events, rule_id, rule_title, rule_author, rule_link,"
        " rule_tags, rule_version, type, criterion, chain, action, asset, owner, zone, outside,"
        " inside, other, documents, event_group, event_records, excepted, planned, happened)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (client, rule_id, sequence, event_group) DO NOTHING",
        &statement);
    for (int i = 0; i < NUMBERS && err == OK; i++) {
        err = statement_bind_int(statement, i + 1, numbers[i]);
    }
    for (int i = 0; i < TEXTS && err == OK; i++) {
        err = statement_bind_text(statement, NUMBERS + 1 + i, texts[i]);
    }
    if (err == OK) {
        err = wall_known(alert->happened)
                  ? statement_bind_int(statement, NUMBERS + TEXTS + 1, alert->happened.ns)
                  : statement_bind_null(statement, NUMBERS + TEXTS + 1);
    }
    return err == OK ? statement_run(statement) : err;
}

static enum err bookmark_get(struct ledger *ledger, struct client_id client, uint64_t *ret)
{
    struct statement *statement;
    bool row = false;
    enum err err = LEDGER_QUERY(ledger, "SELECT sequence FROM bookmark WHERE client = ?",
                                &statement, BIND_INT(client.value));
    err = err == OK ? statement_step(statement, &row) : err;
    if (err == OK) {
        *ret = row ? (uint64_t)statement_int(statement, 0) : 1;
        statement_reset(statement);
    }
    return err;
}

static enum err bookmark_put(struct ledger *ledger, struct client_id client, uint64_t bookmark)
{
    struct statement *statement;
    enum err err = ledger_prepare(ledger,
                                  "INSERT INTO bookmark (client, sequence) VALUES (?, ?)"
                                  " ON CONFLICT (client) DO UPDATE SET sequence = excluded.sequence"
                                  " WHERE excluded.sequence > bookmark.sequence",
                                  &statement);
    if (err == OK) {
        err = statement_bind_int(statement, 1, client.value);
    }
    if (err == OK) {
        err = statement_bind_int(statement, 2, (int64_t)bookmark);
    }
    return err == OK ? statement_run(statement) : err;
}

static enum err alert_take(struct statement *row, struct client_id client, struct arena *mem,
                           struct stored_alert *ret)
{
    struct alert *alert = &ret->alert;
    struct outcome *outcome = &alert->outcome;
    int64_t level = statement_int(row, 6);
    int64_t severity = statement_int(row, 7);
    int64_t kind = statement_int(row, 11);
    if (level < 0 || level >= LEVEL_COUNT || severity < 0 || severity >= LEVEL_COUNT || kind < 0 ||
        kind >= ALERT_KIND_COUNT) {
        return ERR_CORRUPT;
    }
    *ret = (struct stored_alert){
        .id = (uint64_t)statement_int(row, 0),
        .incident = (uint64_t)statement_int(row, 10),
        .stored = {statement_int(row, 1)},
        .alert =
            {
                .kind = (enum alert_kind)kind,
                .count = (uint64_t)statement_int(row, 12),
                .place = {client, (uint64_t)statement_int(row, 2)},
                .source = {(uint32_t)statement_int(row, 3)},
                .received = {statement_int(row, 4)},
                .happened = WALL_NONE,
                .level = (enum level)level,
            },
    };
    outcome->severity = (enum level)severity;
    outcome->incident = statement_int(row, 8) != 0;
    outcome->authorised = statement_int(row, 9) != 0;
    if (!statement_is_null(row, 5)) {
        alert->happened.ns = statement_int(row, 5);
    }
    struct str *const texts[TEXTS] = {
        &alert->rule_id,     &alert->rule_title,   &alert->rule_author, &alert->rule_link,
        &alert->rule_tags,   &alert->rule_version, &outcome->type,      &outcome->criterion,
        &outcome->chain,     &outcome->action,     &outcome->asset,     &outcome->owner,
        &outcome->zone,      &outcome->outside,    &outcome->inside,    &outcome->other,
        &outcome->documents, &alert->group,        &alert->records,     &outcome->excepted,
        &outcome->planned,
    };
    enum err err = OK;
    for (int i = 0; i < TEXTS && err == OK; i++) {
        err = arena_copy(mem, statement_text(row, 13 + i), texts[i]);
    }
    return err;
}
