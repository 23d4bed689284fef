/*
 * What went, and when the schedule ran: the list that people read.  The proof is the archive's own
 * tombstone; a row here is written when core has said that the tombstone is on disk.
 *
 * Always true: of one segment of a client there is one row, however often it is told.
 */

#include "ledger/ledger.h"
#include "service/keeping.h"

enum err drop_note(const struct scope *scope, struct ledger *ledger, struct client_id client,
                   const struct drop *drop)
{
    struct statement *statement;
    if (!scope_allows(scope, client, RIGHT_SERVE)) {
        return ERR_DENIED;
    }
    enum err err = LEDGER_QUERY(
        ledger,
        "INSERT INTO dropped (client, segment, first, last, events, original, stored, oldest,"
        " newest, days, due, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (client, segment) DO NOTHING",
        &statement, BIND_INT(client.value), BIND_INT(drop->segment), BIND_INT(drop->first),
        BIND_INT(drop->last), BIND_INT(drop->events), BIND_INT(drop->original),
        BIND_INT(drop->stored), BIND_INT(drop->oldest.ns), BIND_INT(drop->newest.ns),
        BIND_INT(drop->days), BIND_INT(drop->due.ns), BIND_INT(drop->at.ns));
    return err == OK ? statement_run(statement) : err;
}

static struct drop drop_take(struct statement *statement)
{
    return (struct drop){
        .id = (uint64_t)statement_int(statement, 0),
        .segment = (uint64_t)statement_int(statement, 1),
        .first = (uint64_t)statement_int(statement, 2),
        .last = (uint64_t)statement_int(statement, 3),
        .events = (uint64_t)statement_int(statement, 4),
        .original = (uint64_t)statement_int(statement, 5),
        .stored = (uint64_t)statement_int(statement, 6),
        .oldest = {statement_int(statement, 7)},
        .newest = {statement_int(statement, 8)},
        .days = (uint32_t)statement_int(statement, 9),
        .due = {statement_int(statement, 10)},
        .at = {statement_int(statement, 11)},
    };
}

enum err drop_list(const struct scope *scope, struct ledger *ledger, struct client_id client,
                   uint64_t before, size_t limit, struct arena *mem, struct drop **ret,
                   size_t *ret_count)
{
    struct statement *statement;
    size_t count = 0;
    bool row = true;
    if (!scope_allows(scope, client, RIGHT_BOOKS)) {
        return ERR_DENIED;
    }
    struct drop *list = ARENA_ARRAY(mem, struct drop, limit + 1);
    enum err err =
        list == NULL
            ? ERR_MEMORY
            : LEDGER_QUERY(ledger,
                           "SELECT id, segment, first, last, events, original, stored,"
                           " oldest, newest, days, due, at FROM dropped"
                           " WHERE client = ? AND id < ? ORDER BY id DESC LIMIT ?",
                           &statement, BIND_INT(client.value),
                           BIND_INT(before > 0 ? (int64_t)before : INT64_MAX), BIND_INT(limit));
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        list[count++] = drop_take(statement);
    }
    if (err == OK) {
        *ret = list;
        *ret_count = count;
    }
    return err;
}

enum err schedule_ran(struct ledger *ledger, struct wall *ret)
{
    struct statement *statement;
    bool row;
    enum err err = ledger_prepare(ledger, "SELECT at FROM drop_schedule WHERE id = 1", &statement);
    err = err == OK ? statement_step(statement, &row) : err;
    if (err == OK) {
        *ret = row ? (struct wall){statement_int(statement, 0)} : WALL_NONE;
        statement_reset(statement);
    }
    return err;
}

enum err schedule_run(const struct scope *scope, struct ledger *ledger, struct wall now)
{
    struct statement *statement;
    if (!scope_allows_all(scope, RIGHT_SERVE)) {
        return ERR_DENIED;
    }
    enum err err = LEDGER_QUERY(ledger,
                                "INSERT INTO drop_schedule (id, at) VALUES (1, ?)"
                                " ON CONFLICT (id) DO UPDATE SET at = excluded.at",
                                &statement, BIND_INT(now.ns));
    return err == OK ? statement_run(statement) : err;
}
