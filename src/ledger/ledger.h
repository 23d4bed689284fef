#pragma once

/*
 * The ledger: small precious state in SQLite, on our own VFS over a disk (sys/disk.h), so that a
 * simulated disk can fail it.  One process writes it.
 *
 *     ledger_open → ledger_begin → ledger_prepare, statement_… → ledger_commit … → ledger_close
 *
 * Tables and their migrations belong to this room (ledger/tables.c); rooms above bring their own
 * statements, in the plain SQL that PostgreSQL understands too.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/why.h"
#include "sys/disk.h"

struct ledger;
struct statement;

/* Opens or makes DIR/ledger.db and brings its tables up to date, in one transaction.  Takes the
 * file's lock: ERR_AGAIN if another process has it. */
NODISCARD enum err ledger_open(struct disk *disk, const char *folder, struct ledger **ret,
                               struct why *why);
void ledger_close(struct ledger *ledger);

/* Some megabytes that are kept beside the ledger for the day on which the disk is full.  ERR_FULL:
 * there is not room enough now to keep any. */
NODISCARD enum err ledger_spare_keep(struct disk *disk, const char *folder);
/* Gives them back, so that the ledger can be opened and written; false: there were none. */
bool ledger_spare_give(struct disk *disk, const char *folder);

/* Transactions do not nest.  A commit returns once it is on disk; after an error nothing of the
 * transaction is effective.  ERR_IO from a commit leaves open whether it is on disk: from then on
 * everything gives ERR_IO, and closing and opening again tells. */
NODISCARD enum err ledger_begin(struct ledger *ledger);
NODISCARD enum err ledger_commit(struct ledger *ledger);
void ledger_rollback(struct ledger *ledger); /* Does nothing outside a transaction. */
bool ledger_in_transaction(const struct ledger *ledger);

/* A statement, compiled once and kept; the text must be a literal (it is the key).  It comes reset,
 * with nothing bound, and stays valid until the ledger is closed. */
NODISCARD enum err ledger_prepare(struct ledger *ledger, const char *sql, struct statement **ret);

/* Parameters by position from 1.  Texts and bytes are copied. */
NODISCARD enum err statement_bind_int(struct statement *statement, int at, int64_t value);
NODISCARD enum err statement_bind_text(struct statement *statement, int at, struct str value);
NODISCARD enum err statement_bind_bytes(struct statement *statement, int at, struct str value);
NODISCARD enum err statement_bind_null(struct statement *statement, int at);

/* The same in one call: the statement with its parameters bound, in their order. */
enum parameter_kind { PARAMETER_NULL, PARAMETER_INT, PARAMETER_TEXT, PARAMETER_BYTES };
struct parameter {
    enum parameter_kind kind;
    int64_t number;
    struct str text;
};
#define BIND_NULL         ((struct parameter){.kind = PARAMETER_NULL})
#define BIND_INT(value)   ((struct parameter){.kind = PARAMETER_INT, .number = (int64_t)(value)})
#define BIND_TEXT(value)  ((struct parameter){.kind = PARAMETER_TEXT, .text = (value)})
#define BIND_BYTES(value) ((struct parameter){.kind = PARAMETER_BYTES, .text = (value)})
#define BIND_WALL(value)  (wall_known(value) ? BIND_INT((value).ns) : BIND_NULL)
NODISCARD enum err ledger_query(struct ledger *ledger, const char *sql,
                                const struct parameter *list, size_t count, struct statement **ret);
#define LEDGER_QUERY(ledger, sql, ret, ...)                                                  \
    ledger_query((ledger), (sql), (const struct parameter[]){__VA_ARGS__},                   \
                 sizeof((const struct parameter[]){__VA_ARGS__}) / sizeof(struct parameter), \
                 (ret))

/* Runs on: *ret_row true with a row to read, false at the end (then it is reset).  ERR_EXISTS for a
 * broken uniqueness, ERR_CONFLICT for any other constraint, ERR_FULL, ERR_IO, ERR_CORRUPT. */
NODISCARD enum err statement_step(struct statement *statement, bool *ret_row);
/* Runs to the end without rows. */
NODISCARD enum err statement_run(struct statement *statement);
void statement_reset(struct statement *statement);
/* Columns by position from 0; texts are borrowed until the next step. */
int64_t statement_int(struct statement *statement, int at);
struct str statement_text(struct statement *statement, int at);
struct str statement_bytes(struct statement *statement, int at);
bool statement_is_null(struct statement *statement, int at);

int64_t ledger_changes(struct ledger *ledger); /* rows of the last statement */

/* Whoever wants to know what changes, whichever room wrote it: `touched` for each row as it is
 * written, inside the transaction, where nothing of the ledger may be asked; then `ended` once,
 * with true when all of it is on disk and with false when none of it counts.  Of tables with a
 * rowid; `table` lives until the call returns.  Kept, one at most; NULL: nobody. */
enum touch { TOUCH_INSERT, TOUCH_UPDATE, TOUCH_DELETE };
struct ledger_watch {
    void *context;
    void (*touched)(void *context, enum touch touch, const char *table, int64_t row);
    void (*ended)(void *context, bool on_disk);
};
void ledger_watch(struct ledger *ledger, const struct ledger_watch *watch);

/* One line of the audit trail, chained by hash to the line before it: who did what to what.  Inside
 * the caller's transaction.  client: whose words the detail may hold (0: nobody's); they go with
 * its data, so principal, action and object hold identifiers alone. */
NODISCARD enum err ledger_audit(struct ledger *ledger, int64_t wall_ns, uint32_t client,
                                struct str principal, struct str action, struct str object,
                                struct str detail);
/* Walks the chain; ERR_CORRUPT names the first damaged line. */
NODISCARD enum err ledger_audit_verify(struct ledger *ledger, struct why *why);

/* Every row of one client as lines of JSON, {"table": …, "row": {…}}, without secrets: for a client
 * that leaves. */
NODISCARD enum err ledger_client_print(struct ledger *ledger, uint32_t client, struct buf *out);
/* Takes away what was kept of it (forget.c says what stays); inside the caller's transaction.
 * ledger_scrub then, outside of one, empties the log of changes, which still holds them. */
NODISCARD enum err ledger_client_forget(struct ledger *ledger, uint32_t client, uint64_t *ret_rows);
NODISCARD enum err ledger_scrub(struct ledger *ledger);

/* Reads the whole file and checks its structure and references; for tests and `hinomi verify`. */
NODISCARD enum err ledger_check(struct ledger *ledger, struct why *why);

/* Compares each page of FOLDER/ledger.db with its sum and tells of each that is damaged.  Only
 * reads, takes no lock, also while a service writes.  ERR_CORRUPT: something was told;
 * ERR_UNSUPPORTED: an earlier version of the program wrote it, without sums, and none opened it
 * since. */
typedef void ledger_damage(void *context, uint64_t offset, const char *what);
NODISCARD enum err ledger_pages_check(struct disk *disk, const char *folder, ledger_damage *call,
                                      void *context, uint64_t *ret_damaged);

/* For a copy of ledger.db as a file: brings all of the log into it and from then on writes the log
 * alone, until ledger_thaw.  Between the two the file does not change and, without its log, is the
 * ledger as it was at this call.  ERR_AGAIN: in a transaction, or somebody reads. */
NODISCARD enum err ledger_freeze(struct ledger *ledger);
NODISCARD enum err ledger_thaw(struct ledger *ledger); /* Fine if it is not frozen. */

/* ---- The books' last known values (the books themselves are collect's, in shared memory; see
 * collect/books.h).  After a killed parent the accounts go on from here, and the time between is
 * marked as a gap. */

#define BOOKS_SNAPSHOT_REASONS 16 /* At least REJECT_REASON_COUNT; unused ones are 0. */

struct books_snapshot {
    uint32_t client, source;
    uint64_t received, stored, deduplicated;
    uint64_t rejected[BOOKS_SNAPSHOT_REASONS]; /* by enum reject_reason */
    uint64_t failures, bytes;                  /* of what was stored */
    int64_t taken_at_ns;
    int64_t heard_ns;               /* when a record last came; 0: never */
    int64_t gap_from_ns, gap_to_ns; /* the last gap; 0 and 0: none.  Not written by save. */
    uint64_t gaps;                  /* how many there were.  Not written by save. */
};

/* Replaces what is known of these sources, all or nothing; inside the caller's transaction if there
 * is one.  ERR_CONFLICT for a client or source that does not exist. */
NODISCARD enum err books_snapshot_save(struct ledger *ledger, const struct books_snapshot *list,
                                       size_t count);
/* Everything that is known, by source; made in mem. */
NODISCARD enum err books_snapshot_load(struct ledger *ledger, struct arena *mem,
                                       struct books_snapshot **ret, size_t *ret_count);
/* Notes for every account that nobody counted between its snapshot and `until_ns`. */
NODISCARD enum err books_snapshot_gap(struct ledger *ledger, int64_t until_ns);

/* ---- The books by the minute (books_minutes.c). */

struct books_stretch {
    uint32_t client, source;
    int64_t at_ns;   /* the minute (or hour) that it belongs to */
    int64_t seconds; /* how long it is */
    int64_t waiting_before, received, stored, deduplicated, in_flight;
    int64_t rejected[BOOKS_SNAPSHOT_REASONS];
    int64_t failures, bytes;
};
/* What happened since the last call, a row for each source with which anything did: also in *ret,
 * which has room for count.  Inside the caller's transaction if there is one. */
NODISCARD enum err books_minutes_put(struct ledger *ledger, const struct books_snapshot *list,
                                     size_t count, struct books_stretch *ret, size_t *ret_count);
/* Takes away minutes of more than BOOKS_MINUTES_DAYS ago, and hours of more than BOOKS_HOURS_DAYS.
 */
NODISCARD enum err books_minutes_forget(struct ledger *ledger, int64_t now_ns);
struct books_question {
    uint32_t client, source; /* source 0: each */
    int64_t from_ns, to_ns;  /* [from, to) */
    bool hours;
    size_t limit;
};
/* Oldest first; made in mem. */
NODISCARD enum err books_minutes_list(struct ledger *ledger, const struct books_question *question,
                                      struct arena *mem, struct books_stretch **ret,
                                      size_t *ret_count);
