/*
 * The rows of clocks and of their steps.
 *
 * Always true: a step of a clock has a number of its own, counted from 1; each query names the
 * client, but for what is due, which is the service's own work for all of them.
 */

#include <string.h>

#include "service/clocks.h"

#define COLUMNS                                                                                \
    "SELECT id, client, subject_kind, subject, metric, sla, calendars, calendar, stop, state," \
    " severity, target_ns, warn_ns, started, due FROM clock "

static enum err row_take(struct statement *statement, struct arena *mem, struct clock_row *ret);
static enum err step_take(struct statement *statement, struct arena *mem, struct clock_step *ret);
static enum err first_take(struct statement *statement, enum err err, struct arena *mem,
                           struct clock_row *ret);
static enum err list_grow(struct arena *mem, size_t size, void **list, size_t count,
                          size_t *capacity);

enum err clock_begin(struct ledger *ledger, bool *ret_alone)
{
    *ret_alone = !ledger_in_transaction(ledger);
    return *ret_alone ? ledger_begin(ledger) : OK;
}

enum err clock_end(struct ledger *ledger, bool alone, enum err err)
{
    if (alone) {
        err = err == OK ? ledger_commit(ledger) : err;
        ledger_rollback(ledger);
    }
    return err;
}

/* Binds numbers from position `at` on. */
static enum err numbers_bind(struct statement *statement, int at, const int64_t *values, int count)
{
    enum err err = OK;
    for (int i = 0; i < count && err == OK; i++) {
        err = statement_bind_int(statement, at + i, values[i]);
    }
    return err;
}

static enum err texts_bind(struct statement *statement, int at, const struct str *values, int count)
{
    enum err err = OK;
    for (int i = 0; i < count && err == OK; i++) {
        err = statement_bind_text(statement, at + i, values[i]);
    }
    return err;
}

enum err clock_rows_of(struct ledger *ledger, struct client_id client, struct subject subject,
                       struct arena *mem, struct clock_row **ret, size_t *ret_count)
{
    struct statement *statement;
    void *list = NULL;
    size_t count = 0;
    size_t capacity = 0;
    bool row = false;
    const int64_t numbers[] = {client.value, (int64_t)subject.id};
    enum err err = ledger_prepare(
        ledger, COLUMNS "WHERE client = ? AND subject = ? AND subject_kind = ? ORDER BY id",
        &statement);
    if (err == OK) {
        err = numbers_bind(statement, 1, numbers, 2);
    }
    if (err == OK) {
        err = statement_bind_text(statement, 3, str_from(subject.kind));
    }
    while (err == OK && (err = statement_step(statement, &row)) == OK && row) {
        err = list_grow(mem, sizeof(struct clock_row), &list, count, &capacity);
        if (err == OK) {
            err = row_take(statement, mem, (struct clock_row *)list + count);
        }
        if (err != OK) {
            statement_reset(statement);
        }
        count++;
    }
    if (err == OK) {
        *ret = list;
        *ret_count = count;
    }
    return err;
}

enum err clock_row_get(struct ledger *ledger, struct client_id client, uint64_t id,
                       struct arena *mem, struct clock_row *ret)
{
    struct statement *statement;
    const int64_t numbers[] = {client.value, (int64_t)id};
    if (id > INT64_MAX) {
        return ERR_NOT_FOUND;
    }
    enum err err = ledger_prepare(ledger, COLUMNS "WHERE client = ? AND id = ?", &statement);
    if (err == OK) {
        err = numbers_bind(statement, 1, numbers, 2);
    }
    return first_take(statement, err, mem, ret);
}

enum err clock_row_due(struct ledger *ledger, struct wall now, struct arena *mem,
                       struct clock_row *ret)
{
    struct statement *statement;
    enum err err = ledger_prepare(
        ledger, COLUMNS "WHERE due IS NOT NULL AND due <= ? ORDER BY due, id LIMIT 1", &statement);
    if (err == OK) {
        err = statement_bind_int(statement, 1, now.ns);
    }
    return first_take(statement, err, mem, ret);
}

enum err clock_due_next(struct ledger *ledger, struct wall *ret)
{
    struct statement *statement;
    bool row;
    enum err err = ledger_prepare(
        ledger, "SELECT due FROM clock WHERE due IS NOT NULL ORDER BY due LIMIT 1", &statement);
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err == OK) {
        *ret = row ? (struct wall){statement_int(statement, 0)} : WALL_NONE;
        statement_reset(statement);
    }
    return err;
}

enum err clock_row_add(struct ledger *ledger, struct clock_row *row)
{
    struct statement *statement;
    bool there = false;
    const int64_t numbers[] = {row->client.value, (int64_t)row->subject, row->target_ns,
                               row->warn_ns,      row->started.ns,       (int64_t)row->severity};
    const struct str texts[] = {row->subject_kind, row->metric,   row->sla,
                                row->calendars,    row->calendar, row->stop};
    enum err err = ledger_prepare(
        ledger,
        "INSERT INTO clock (client, subject, target_ns, warn_ns, started, severity, subject_kind,"
        " metric, sla, calendars, calendar, stop, state)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'running')"
        " ON CONFLICT (client, subject_kind, subject, metric) DO NOTHING RETURNING id",
        &statement);
    if (err == OK) {
        err = numbers_bind(statement, 1, numbers, 6);
    }
    if (err == OK) {
        err = texts_bind(statement, 7, texts, 6);
    }
    if (err == OK) {
        err = statement_step(statement, &there);
    }
    if (err == OK && !there) {
        return ERR_EXISTS;
    }
    if (err == OK) {
        row->id = (uint64_t)statement_int(statement, 0);
        err = statement_run(statement);
    }
    return err;
}

enum err clock_row_set(struct ledger *ledger, const struct clock_row *row)
{
    struct statement *statement;
    const int64_t numbers[] = {row->client.value, (int64_t)row->id};
    enum err err = ledger_prepare(
        ledger, "UPDATE clock SET state = ?, due = ? WHERE client = ? AND id = ?", &statement);
    if (err == OK) {
        err = statement_bind_text(statement, 1, row->state);
    }
    if (err == OK) {
        err = wall_known(row->due) ? statement_bind_int(statement, 2, row->due.ns)
                                   : statement_bind_null(statement, 2);
    }
    if (err == OK) {
        err = numbers_bind(statement, 3, numbers, 2);
    }
    return err == OK ? statement_run(statement) : err;
}

enum err clock_steps_of(struct ledger *ledger, const struct clock_row *row, struct arena *mem,
                        struct clock_step **ret, size_t *ret_count)
{
    struct statement *statement;
    void *list = NULL;
    size_t count = 0;
    size_t capacity = 0;
    bool there = false;
    const int64_t numbers[] = {row->client.value, (int64_t)row->id};
    enum err err =
        ledger_prepare(ledger,
                       "SELECT e.at, e.recorded, e.what, e.who, e.reason, e.note FROM clock_event e"
                       " JOIN clock c ON c.id = e.clock WHERE c.client = ? AND e.clock = ?"
                       " ORDER BY e.number",
                       &statement);
    if (err == OK) {
        err = numbers_bind(statement, 1, numbers, 2);
    }
    while (err == OK && (err = statement_step(statement, &there)) == OK && there) {
        err = list_grow(mem, sizeof(struct clock_step), &list, count, &capacity);
        if (err == OK) {
            err = step_take(statement, mem, (struct clock_step *)list + count);
        }
        if (err != OK) {
            statement_reset(statement);
        }
        count++;
    }
    if (err == OK) {
        *ret = list;
        *ret_count = count;
    }
    return err;
}

enum err clock_step_add(struct ledger *ledger, const struct clock_row *row,
                        const struct clock_step *step)
{
    struct statement *statement;
    const int64_t numbers[] = {(int64_t)row->id, (int64_t)row->id, step->at.ns, step->recorded.ns};
    const struct str texts[] = {step->what, step->who, step->reason, step->note};
    enum err err = ledger_prepare(
        ledger,
        "INSERT INTO clock_event (clock, number, at, recorded, what, who, reason, note)"
        " VALUES (?, 1 + (SELECT COUNT(*) FROM clock_event WHERE clock = ?), ?, ?, ?, ?, ?, ?)",
        &statement);
    if (err == OK) {
        err = numbers_bind(statement, 1, numbers, 4);
    }
    if (err == OK) {
        err = texts_bind(statement, 5, texts, 4);
    }
    return err == OK ? statement_run(statement) : err;
}

/* ---- Taking. */

static enum err first_take(struct statement *statement, enum err err, struct arena *mem,
                           struct clock_row *ret)
{
    bool there = false;
    if (err == OK) {
        err = statement_step(statement, &there);
    }
    if (err != OK) {
        return err;
    }
    err = there ? row_take(statement, mem, ret) : ERR_NOT_FOUND;
    statement_reset(statement);
    return err;
}

static enum err row_take(struct statement *statement, struct arena *mem, struct clock_row *ret)
{
    struct clock_row row = {
        .id = (uint64_t)statement_int(statement, 0),
        .client = {(uint32_t)statement_int(statement, 1)},
        .subject = (uint64_t)statement_int(statement, 3),
        .target_ns = statement_int(statement, 11),
        .warn_ns = statement_int(statement, 12),
        .started = {statement_int(statement, 13)},
        .due = WALL_NONE,
    };
    int64_t severity = statement_int(statement, 10);
    if (severity < 0 || severity >= LEVEL_COUNT) {
        return ERR_CORRUPT;
    }
    row.severity = (enum level)severity;
    if (!statement_is_null(statement, 14)) {
        row.due.ns = statement_int(statement, 14);
    }
    struct str *const texts[] = {&row.metric,   &row.sla,  &row.calendars,
                                 &row.calendar, &row.stop, &row.state};
    enum err err = arena_copy(mem, statement_text(statement, 2), &row.subject_kind);
    for (int i = 0; i < 6 && err == OK; i++) {
        err = arena_copy(mem, statement_text(statement, 4 + i), texts[i]);
    }
    if (err == OK) {
        *ret = row;
    }
    return err;
}

static enum err step_take(struct statement *statement, struct arena *mem, struct clock_step *ret)
{
    struct clock_step step = {
        .at = {statement_int(statement, 0)},
        .recorded = {statement_int(statement, 1)},
    };
    struct str *const texts[] = {&step.what, &step.who, &step.reason, &step.note};
    enum err err = OK;
    for (int i = 0; i < 4 && err == OK; i++) {
        err = arena_copy(mem, statement_text(statement, 2 + i), texts[i]);
    }
    if (err == OK) {
        *ret = step;
    }
    return err;
}

static enum err list_grow(struct arena *mem, size_t size, void **list, size_t count,
                          size_t *capacity)
{
    if (count < *capacity) {
        return OK;
    }
    size_t larger = *capacity == 0 ? 8 : *capacity * 2;
    void *copy = arena_take_array(mem, larger, size);
    if (copy == NULL) {
        return ERR_MEMORY;
    }
    if (count > 0) {
        memcpy(copy, *list, count * size);
    }
    *list = copy;
    *capacity = larger;
    return OK;
}
