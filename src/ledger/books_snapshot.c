/* The last known accounts, and the stretches of time in which nobody counted. */

#include "base/bytes.h"
#include "base/limits.h"
#include "ledger/private.h"

#define REJECTED_SIZE (8 * BOOKS_SNAPSHOT_REASONS)

static enum err snapshot_put(struct ledger *ledger, const struct books_snapshot *snapshot);
static enum err snapshot_take(struct statement *statement, struct books_snapshot *ret);

enum err books_snapshot_save(struct ledger *ledger, const struct books_snapshot *list, size_t count)
{
    bool alone = !ledger_in_transaction(ledger);
    enum err err = alone ? ledger_begin(ledger) : OK;
    if (err != OK) {
        return err;
    }
    for (size_t i = 0; i < count && err == OK; i++) {
        err = snapshot_put(ledger, &list[i]);
    }
    if (alone && err == OK) {
        return ledger_commit(ledger);
    }
    if (alone) {
        ledger_rollback(ledger);
    }
    return err;
}

enum err books_snapshot_load(struct ledger *ledger, struct arena *mem, struct books_snapshot **ret,
                             size_t *ret_count)
{
    struct statement *statement;
    struct books_snapshot *list = ARENA_ARRAY(mem, struct books_snapshot, SOURCES_MAX);
    size_t count = 0;
    bool row = true;
    if (list == NULL) {
        return ERR_MEMORY;
    }
    enum err err = ledger_prepare(
        ledger,
        "SELECT s.client, s.source, s.received, s.stored, s.deduplicated, s.rejected, s.taken_at,"
        " coalesce(g.gap_from, 0), coalesce(g.gap_to, 0),"
        " (SELECT count(*) FROM books_gap WHERE source = s.source), s.heard,"
        " s.failures, s.bytes"
        " FROM books_snapshot s LEFT JOIN books_gap g"
        " ON g.id = (SELECT max(id) FROM books_gap WHERE source = s.source)"
        " ORDER BY s.source LIMIT ?",
        &statement);
    if (err == OK) {
        err = statement_bind_int(statement, 1, SOURCES_MAX);
    }
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        err = snapshot_take(statement, &list[count++]);
        if (err != OK) {
            statement_reset(statement);
        }
    }
    if (err == OK) {
        *ret = list;
        *ret_count = count;
    }
    return err;
}

enum err books_snapshot_gap(struct ledger *ledger, int64_t until_ns)
{
    struct statement *statement;
    bool alone = !ledger_in_transaction(ledger);
    enum err err = alone ? ledger_begin(ledger) : OK;
    if (err != OK) {
        return err;
    }
    err = ledger_prepare(ledger,
                         "INSERT INTO books_gap (source, gap_from, gap_to)"
                         " SELECT source, taken_at, ? FROM books_snapshot",
                         &statement);
    if (err == OK) {
        err = statement_bind_int(statement, 1, until_ns);
    }
    if (err == OK) {
        err = statement_run(statement);
    }
    if (alone && err == OK) {
        return ledger_commit(ledger);
    }
    if (alone) {
        ledger_rollback(ledger);
    }
    return err;
}

static enum err snapshot_put(struct ledger *ledger, const struct books_snapshot *snapshot)
{
    char rejected[REJECTED_SIZE];
    for (size_t i = 0; i < BOOKS_SNAPSHOT_REASONS; i++) {
        put_u64(rejected + 8 * i, snapshot->rejected[i]);
    }
    const int64_t numbers[] = {
        snapshot->source,
        snapshot->client,
        (int64_t)snapshot->received,
        (int64_t)snapshot->stored,
        (int64_t)snapshot->deduplicated,
        snapshot->taken_at_ns,
        snapshot->heard_ns,
        (int64_t)snapshot->failures,
        (int64_t)snapshot->bytes,
    };
    struct statement *statement;
    enum err err =
        ledger_prepare(ledger,
                       "INSERT INTO books_snapshot"
                       " (source, client, received, stored, deduplicated, taken_at, heard,"
                       " failures, bytes, rejected) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                       " ON CONFLICT (source) DO UPDATE SET client = excluded.client,"
                       " received = excluded.received, stored = excluded.stored,"
                       " deduplicated = excluded.deduplicated, taken_at = excluded.taken_at,"
                       " heard = excluded.heard, failures = excluded.failures,"
                       " bytes = excluded.bytes,"
                       " rejected = excluded.rejected",
                       &statement);
    for (int i = 0; i < 9 && err == OK; i++) {
        err = statement_bind_int(statement, i + 1, numbers[i]);
    }
    if (err == OK) {
        err = statement_bind_bytes(statement, 10, str_of(rejected, sizeof rejected));
    }
    return err == OK ? statement_run(statement) : err;
}

static enum err snapshot_take(struct statement *statement, struct books_snapshot *ret)
{
    struct str rejected = statement_bytes(statement, 5);
    if (rejected.size != REJECTED_SIZE) {
        return ERR_CORRUPT;
    }
    *ret = (struct books_snapshot){
        .client = (uint32_t)statement_int(statement, 0),
        .source = (uint32_t)statement_int(statement, 1),
        .received = (uint64_t)statement_int(statement, 2),
        .stored = (uint64_t)statement_int(statement, 3),
        .deduplicated = (uint64_t)statement_int(statement, 4),
        .taken_at_ns = statement_int(statement, 6),
        .gap_from_ns = statement_int(statement, 7),
        .gap_to_ns = statement_int(statement, 8),
        .gaps = (uint64_t)statement_int(statement, 9),
        .heard_ns = statement_int(statement, 10),
        .failures = (uint64_t)statement_int(statement, 11),
        .bytes = (uint64_t)statement_int(statement, 12),
    };
    for (size_t i = 0; i < BOOKS_SNAPSHOT_REASONS; i++) {
        ret->rejected[i] = get_u64(rejected.data + 8 * i);
    }
    return OK;
}
