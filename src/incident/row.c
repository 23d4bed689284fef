/*
 * An incident's row: its present state, whole in memory for one operation and written back at its
 * end.
 *
 * Always true: what an incident is about (cause, what was hit, when it was detected, under which
 * versions) is written once, at the opening; row_save writes only what steps and further alerts
 * change.  Texts that come back are checked like any bytes that we once wrote: ERR_CORRUPT.
 */

#include "incident/private.h"

#define INTS  19
#define TEXTS 15

#define ROW_SELECT                                                                              \
    "SELECT id, client, number, severity, authorised, detected, opened, ended, alerts,"         \
    " alert_last, told, told_at, proposal, decide_by, decide_next, executed, lines, notified,"  \
    " acknowledged, state, cause, type, asset, owner, zone, other, inside, outside, criterion," \
    " chain, action, documents, rules, executes FROM incident"

static enum err row_read(struct statement *statement, struct arena *mem, struct row *ret);

/* ---- Reading. */

enum err row_by_number(struct ledger *ledger, struct client_id client, uint32_t number,
                       struct arena *mem, struct row *ret)
{
    struct statement *statement;
    enum err err = LEDGER_QUERY(ledger, ROW_SELECT " WHERE client = ? AND number = ?", &statement,
                                BIND_INT(client.value), BIND_INT(number));
    return err == OK ? row_read(statement, mem, ret) : err;
}

enum err row_by_id(struct ledger *ledger, struct client_id client, uint64_t id, struct arena *mem,
                   struct row *ret)
{
    struct statement *statement;
    if (id > INT64_MAX) {
        return ERR_NOT_FOUND;
    }
    enum err err = LEDGER_QUERY(ledger, ROW_SELECT " WHERE client = ? AND id = ?", &statement,
                                BIND_INT(client.value), BIND_INT(id));
    return err == OK ? row_read(statement, mem, ret) : err;
}

enum err row_by_cause(struct ledger *ledger, struct client_id client, struct str cause,
                      struct arena *mem, struct row *ret)
{
    struct statement *statement;
    enum err err =
        LEDGER_QUERY(ledger, ROW_SELECT " WHERE client = ? AND cause = ? AND ended IS NULL",
                     &statement, BIND_INT(client.value), BIND_TEXT(cause));
    return err == OK ? row_read(statement, mem, ret) : err;
}

static struct wall wall_at(struct statement *statement, int at)
{
    return statement_is_null(statement, at) ? WALL_NONE
                                            : (struct wall){statement_int(statement, at)};
}

static void numbers_take(struct statement *from, struct row *ret)
{
    *ret = (struct row){
        .id = (uint64_t)statement_int(from, 0),
        .client = {(uint32_t)statement_int(from, 1)},
        .number = (uint32_t)statement_int(from, 2),
        .severity = (enum level)statement_int(from, 3),
        .authorised = statement_int(from, 4) != 0,
        .detected = {statement_int(from, 5)},
        .opened = {statement_int(from, 6)},
        .ended = wall_at(from, 7),
        .alerts = (uint64_t)statement_int(from, 8),
        .alert_last = {statement_int(from, 9)},
        .told = (uint64_t)statement_int(from, 10),
        .told_at = {statement_int(from, 11)},
        .proposal = (uint32_t)statement_int(from, 12),
        .decide_by = wall_at(from, 13),
        .decide_next = wall_at(from, 14),
        .executed = statement_int(from, 15) != 0,
        .lines = (uint32_t)statement_int(from, 16),
        .notified = wall_at(from, 17),
        .acknowledged = wall_at(from, 18),
    };
}

static enum err texts_take(struct statement *from, struct arena *mem, struct row *ret)
{
    struct str state;
    struct str executes;
    struct str *const texts[TEXTS] = {
        &state,      &ret->cause,  &ret->type,      &ret->asset,   &ret->owner,
        &ret->zone,  &ret->other,  &ret->inside,    &ret->outside, &ret->criterion,
        &ret->chain, &ret->action, &ret->documents, &ret->rules,   &executes,
    };
    for (int i = 0; i < TEXTS; i++) {
        enum err err = arena_copy(mem, statement_text(from, INTS + i), texts[i]);
        if (err != OK) {
            return err;
        }
    }
    ret->executes = str_equal(executes, STR("provider")) ? SIDE_PROVIDER
                    : str_equal(executes, STR("client")) ? SIDE_CLIENT
                                                         : SIDE_NONE;
    if ((unsigned)ret->severity >= LEVEL_COUNT || incident_state_parse(state, &ret->state) != OK) {
        return ERR_CORRUPT;
    }
    return OK;
}

static enum err row_read(struct statement *statement, struct arena *mem, struct row *ret)
{
    bool there;
    struct row row;
    enum err err = statement_step(statement, &there);
    if (err != OK) {
        return err;
    }
    if (!there) {
        return ERR_NOT_FOUND;
    }
    numbers_take(statement, &row);
    err = texts_take(statement, mem, &row);
    statement_reset(statement);
    if (err == OK) {
        *ret = row;
    }
    return err;
}

/* ---- Writing. */

static enum err number_next(struct ledger *ledger, struct client_id client, uint32_t *ret)
{
    struct statement *statement;
    bool there;
    enum err err =
        LEDGER_QUERY(ledger, "SELECT coalesce(max(number), 0) FROM incident WHERE client = ?",
                     &statement, BIND_INT(client.value));
    if (err == OK) {
        err = statement_step(statement, &there);
    }
    if (err != OK) {
        return err;
    }
    int64_t last = there ? statement_int(statement, 0) : 0;
    statement_reset(statement);
    if (last >= UINT32_MAX) {
        return ERR_LIMIT;
    }
    *ret = (uint32_t)last + 1;
    return OK;
}

enum err row_insert(struct ledger *ledger, struct row *row)
{
    struct statement *statement;
    bool there = false;
    enum err err = number_next(ledger, row->client, &row->number);
    if (err == OK) {
        err = LEDGER_QUERY(
            ledger,
            "INSERT INTO incident (client, number, detected, opened, cause, type, asset, owner,"
            " zone, other, inside, outside, documents, state, severity, authorised, alerts,"
            " alert_last, told, told_at, proposal, executed, lines, criterion, chain, action,"
            " rules, executes)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'detected', 0, 0, 0, 0, 0, 0, 0, 0, 0,"
            " '', '', '', '', '') RETURNING id",
            &statement, BIND_INT(row->client.value), BIND_INT(row->number),
            BIND_INT(row->detected.ns), BIND_INT(row->opened.ns), BIND_TEXT(row->cause),
            BIND_TEXT(row->type), BIND_TEXT(row->asset), BIND_TEXT(row->owner),
            BIND_TEXT(row->zone), BIND_TEXT(row->other), BIND_TEXT(row->inside),
            BIND_TEXT(row->outside), BIND_TEXT(row->documents));
    }
    if (err == OK) {
        err = statement_step(statement, &there);
    }
    if (err != OK) {
        return err;
    }
    row->id = there ? (uint64_t)statement_int(statement, 0) : 0;
    while (err == OK && there) {
        err = statement_step(statement, &there);
    }
    return err == OK ? row_save(ledger, row) : err;
}

enum err row_save(struct ledger *ledger, const struct row *row)
{
    struct statement *statement;
    enum err err = LEDGER_QUERY(
        ledger,
        "UPDATE incident SET severity = ?, authorised = ?, alerts = ?, alert_last = ?, told = ?,"
        " told_at = ?, proposal = ?, executed = ?, lines = ?, ended = ?, decide_by = ?,"
        " decide_next = ?, notified = ?, acknowledged = ?, state = ?, criterion = ?, chain = ?,"
        " action = ?, rules = ?, executes = ? WHERE client = ? AND id = ?",
        &statement, BIND_INT(row->severity), BIND_INT(row->authorised), BIND_INT(row->alerts),
        BIND_INT(row->alert_last.ns), BIND_INT(row->told), BIND_INT(row->told_at.ns),
        BIND_INT(row->proposal), BIND_INT(row->executed), BIND_INT(row->lines),
        BIND_WALL(row->ended), BIND_WALL(row->decide_by), BIND_WALL(row->decide_next),
        BIND_WALL(row->notified), BIND_WALL(row->acknowledged),
        BIND_TEXT(str_from(incident_state_text(row->state))), BIND_TEXT(row->criterion),
        BIND_TEXT(row->chain), BIND_TEXT(row->action), BIND_TEXT(row->rules),
        BIND_TEXT(str_from(side_name(row->executes))), BIND_INT(row->client.value),
        BIND_INT(row->id));
    return err == OK ? statement_run(statement) : err;
}
