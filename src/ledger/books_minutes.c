/*
 * The books by the minute (R-A9): what each source's account grew by, from one look to the next.
 *
 *     account at the last look (books_seen) ── less ──► account now  =  one row of books_minute,
 *                                                                      added to its books_hour
 *
 * A row is named by the minute that was over when it was made; its seconds say how long it reaches
 * back: 60, or more where nobody looked.  Rows in which nothing happened are not written.
 *
 * Always true: in every row waiting_before + received = stored + deduplicated + rejected… +
 * in_flight, and the rows of a source add up to its account.  A front that died between counting
 * and handing over has its count taken back (decision 003): then `received` of that minute may be
 * negative, and the sum is still right.
 */

#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "ledger/private.h"

#define REJECTED_SIZE (8 * BOOKS_SNAPSHOT_REASONS)
#define MINUTE_NS     (60 * NS_PER_SECOND)
#define HOUR_NS       (3600 * NS_PER_SECOND)

struct totals {
    int64_t at;
    int64_t received, stored, deduplicated, failures, bytes;
    int64_t rejected[BOOKS_SNAPSHOT_REASONS];
};

static int64_t waiting(const struct totals *totals)
{
    int64_t ended = totals->stored + totals->deduplicated;
    for (size_t i = 0; i < BOOKS_SNAPSHOT_REASONS; i++) {
        ended += totals->rejected[i];
    }
    return totals->received - ended;
}

static void rejected_read(struct str bytes, int64_t rejected[BOOKS_SNAPSHOT_REASONS])
{
    for (size_t i = 0; i < BOOKS_SNAPSHOT_REASONS && bytes.size >= (i + 1) * 8; i++) {
        rejected[i] = (int64_t)get_u64(bytes.data + 8 * i);
    }
}

static struct str rejected_bytes(const int64_t rejected[BOOKS_SNAPSHOT_REASONS],
                                 char bytes[REJECTED_SIZE])
{
    for (size_t i = 0; i < BOOKS_SNAPSHOT_REASONS; i++) {
        put_u64(bytes + 8 * i, (uint64_t)rejected[i]);
    }
    return str_of(bytes, REJECTED_SIZE);
}

/* ---- One source. */

static enum err seen_get(struct ledger *ledger, uint32_t source, struct totals *ret)
{
    struct statement *statement;
    bool row;
    *ret = (struct totals){0};
    enum err err = LEDGER_QUERY(ledger,
                                "SELECT at, received, stored, deduplicated, rejected, failures,"
                                " bytes FROM books_seen WHERE source = ?",
                                &statement, BIND_INT(source));
    err = err == OK ? statement_step(statement, &row) : err;
    if (err == OK && row) {
        ret->at = statement_int(statement, 0);
        ret->received = statement_int(statement, 1);
        ret->stored = statement_int(statement, 2);
        ret->deduplicated = statement_int(statement, 3);
        rejected_read(statement_bytes(statement, 4), ret->rejected);
        ret->failures = statement_int(statement, 5);
        ret->bytes = statement_int(statement, 6);
        statement_reset(statement);
    }
    return err;
}

static enum err seen_put(struct ledger *ledger, uint32_t source, const struct totals *totals)
{
    char bytes[REJECTED_SIZE];
    struct statement *statement;
    enum err err = LEDGER_QUERY(
        ledger,
        "INSERT INTO books_seen (source, at, received, stored, deduplicated, rejected, failures,"
        " bytes) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source) DO UPDATE SET"
        " at = excluded.at, received = excluded.received, stored = excluded.stored,"
        " deduplicated = excluded.deduplicated, rejected = excluded.rejected,"
        " failures = excluded.failures, bytes = excluded.bytes",
        &statement, BIND_INT(source), BIND_INT(totals->at), BIND_INT(totals->received),
        BIND_INT(totals->stored), BIND_INT(totals->deduplicated),
        BIND_BYTES(rejected_bytes(totals->rejected, bytes)), BIND_INT(totals->failures),
        BIND_INT(totals->bytes));
    return err == OK ? statement_run(statement) : err;
}

/* The same SQL for both tables, which have one layout. */
#define STRETCH_GET(table)                                                                 \
    "SELECT seconds, waiting_before, received, stored, deduplicated, rejected, in_flight," \
    " failures, bytes, client, source, at FROM " table " WHERE source = ? AND at = ?"
#define STRETCH_PUT(table)                                                           \
    "INSERT OR REPLACE INTO " table " (source, at, client, seconds, waiting_before," \
    " received, stored, deduplicated, rejected, in_flight, failures, bytes)"         \
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

static struct books_stretch stretch_take(struct statement *statement)
{
    struct books_stretch stretch = {
        .seconds = statement_int(statement, 0),
        .waiting_before = statement_int(statement, 1),
        .received = statement_int(statement, 2),
        .stored = statement_int(statement, 3),
        .deduplicated = statement_int(statement, 4),
        .in_flight = statement_int(statement, 6),
        .failures = statement_int(statement, 7),
        .bytes = statement_int(statement, 8),
        .client = (uint32_t)statement_int(statement, 9),
        .source = (uint32_t)statement_int(statement, 10),
        .at_ns = statement_int(statement, 11),
    };
    rejected_read(statement_bytes(statement, 5), stretch.rejected);
    return stretch;
}

static void stretch_add(struct books_stretch *to, const struct books_stretch *stretch)
{
    to->seconds += stretch->seconds;
    to->received += stretch->received;
    to->stored += stretch->stored;
    to->deduplicated += stretch->deduplicated;
    to->in_flight = stretch->in_flight;
    to->failures += stretch->failures;
    to->bytes += stretch->bytes;
    for (size_t i = 0; i < BOOKS_SNAPSHOT_REASONS; i++) {
        to->rejected[i] += stretch->rejected[i];
    }
}

static enum err stretch_put(struct ledger *ledger, const char *get, const char *put, int64_t at,
                            const struct books_stretch *stretch)
{
    char bytes[REJECTED_SIZE];
    struct statement *statement;
    struct books_stretch sum = *stretch;
    bool row;
    sum.at_ns = at;
    enum err err = LEDGER_QUERY(ledger, get, &statement, BIND_INT(stretch->source), BIND_INT(at));
    err = err == OK ? statement_step(statement, &row) : err;
    if (err == OK && row) {
        sum = stretch_take(statement);
        statement_reset(statement);
        stretch_add(&sum, stretch);
    }
    if (err == OK) {
        err =
            LEDGER_QUERY(ledger, put, &statement, BIND_INT(sum.source), BIND_INT(sum.at_ns),
                         BIND_INT(sum.client), BIND_INT(sum.seconds), BIND_INT(sum.waiting_before),
                         BIND_INT(sum.received), BIND_INT(sum.stored), BIND_INT(sum.deduplicated),
                         BIND_BYTES(rejected_bytes(sum.rejected, bytes)), BIND_INT(sum.in_flight),
                         BIND_INT(sum.failures), BIND_INT(sum.bytes));
    }
    return err == OK ? statement_run(statement) : err;
}

static bool is_empty(const struct books_stretch *stretch)
{
    bool empty = stretch->received == 0 && stretch->stored == 0 && stretch->deduplicated == 0 &&
                 stretch->waiting_before == stretch->in_flight;
    for (size_t i = 0; i < BOOKS_SNAPSHOT_REASONS; i++) {
        empty = empty && stretch->rejected[i] == 0;
    }
    return empty;
}

static struct books_stretch stretch_between(const struct totals *before, const struct totals *now,
                                            const struct books_snapshot *snapshot)
{
    struct books_stretch stretch = {
        .client = snapshot->client,
        .source = snapshot->source,
        .seconds = before->at > 0 ? (now->at - before->at + NS_PER_SECOND / 2) / NS_PER_SECOND : 60,
        .waiting_before = waiting(before),
        .received = now->received - before->received,
        .stored = now->stored - before->stored,
        .deduplicated = now->deduplicated - before->deduplicated,
        .in_flight = waiting(now),
        .failures = now->failures - before->failures,
        .bytes = now->bytes - before->bytes,
    };
    for (size_t i = 0; i < BOOKS_SNAPSHOT_REASONS; i++) {
        stretch.rejected[i] = now->rejected[i] - before->rejected[i];
    }
    return stretch;
}

static enum err source_put(struct ledger *ledger, const struct books_snapshot *snapshot,
                           struct books_stretch *ret, bool *ret_empty)
{
    struct totals before;
    struct totals now = {
        .at = snapshot->taken_at_ns,
        .received = (int64_t)snapshot->received,
        .stored = (int64_t)snapshot->stored,
        .deduplicated = (int64_t)snapshot->deduplicated,
        .failures = (int64_t)snapshot->failures,
        .bytes = (int64_t)snapshot->bytes,
    };
    for (size_t i = 0; i < BOOKS_SNAPSHOT_REASONS; i++) {
        now.rejected[i] = (int64_t)snapshot->rejected[i];
    }
    enum err err = seen_get(ledger, snapshot->source, &before);
    if (err != OK) {
        return err;
    }
    struct books_stretch stretch = stretch_between(&before, &now, snapshot);
    const int64_t minute = (now.at / MINUTE_NS - 1) * MINUTE_NS;
    stretch.at_ns = minute;
    *ret_empty = is_empty(&stretch);
    if (!*ret_empty) {
        err = stretch_put(ledger, STRETCH_GET("books_minute"), STRETCH_PUT("books_minute"), minute,
                          &stretch);
        if (err == OK) {
            err = stretch_put(ledger, STRETCH_GET("books_hour"), STRETCH_PUT("books_hour"),
                              minute / HOUR_NS * HOUR_NS, &stretch);
        }
    }
    *ret = stretch;
    return err == OK ? seen_put(ledger, snapshot->source, &now) : err;
}

/* ---- All of them. */

enum err books_minutes_put(struct ledger *ledger, const struct books_snapshot *list, size_t count,
                           struct books_stretch *ret, size_t *ret_count)
{
    size_t made = 0;
    bool alone = !ledger_in_transaction(ledger);
    enum err err = alone ? ledger_begin(ledger) : OK;
    if (err != OK) {
        return err;
    }
    for (size_t i = 0; i < count && err == OK; i++) {
        bool empty = true;
        err = source_put(ledger, &list[i], &ret[made], &empty);
        made += err == OK && !empty;
    }
    if (alone) {
        err = err == OK ? ledger_commit(ledger) : err;
        ledger_rollback(ledger);
    }
    if (err == OK) {
        *ret_count = made;
    }
    return err;
}

enum err books_minutes_forget(struct ledger *ledger, int64_t now_ns)
{
    struct statement *statement;
    enum err err = LEDGER_QUERY(ledger, "DELETE FROM books_minute WHERE at < ?", &statement,
                                BIND_INT(now_ns - BOOKS_MINUTES_DAYS * 24 * HOUR_NS));
    err = err == OK ? statement_run(statement) : err;
    if (err == OK) {
        err = LEDGER_QUERY(ledger, "DELETE FROM books_hour WHERE at < ?", &statement,
                           BIND_INT(now_ns - BOOKS_HOURS_DAYS * 24 * HOUR_NS));
    }
    return err == OK ? statement_run(statement) : err;
}

#define STRETCH_LIST(table)                                                                   \
    "SELECT seconds, waiting_before, received, stored, deduplicated, rejected, in_flight,"    \
    " failures, bytes, client, source, at FROM " table                                        \
    " WHERE client = ? AND at >= ? AND at < ? AND (? = 0 OR source = ?) ORDER BY at, source " \
    "LIMIT ?"

enum err books_minutes_list(struct ledger *ledger, const struct books_question *question,
                            struct arena *mem, struct books_stretch **ret, size_t *ret_count)
{
    struct statement *statement;
    struct books_stretch *list = ARENA_ARRAY(mem, struct books_stretch, question->limit + 1);
    size_t count = 0;
    bool row = true;
    if (list == NULL) {
        return ERR_MEMORY;
    }
    enum err err = LEDGER_QUERY(
        ledger, question->hours ? STRETCH_LIST("books_hour") : STRETCH_LIST("books_minute"),
        &statement, BIND_INT(question->client), BIND_INT(question->from_ns),
        BIND_INT(question->to_ns), BIND_INT(question->source), BIND_INT(question->source),
        BIND_INT(question->limit));
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        list[count++] = stretch_take(statement);
    }
    if (err == OK) {
        *ret = list;
        *ret_count = count;
    }
    return err;
}
