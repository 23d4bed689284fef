#pragma once

/* What the files of ledger/ share. */

#include "ledger/ledger.h"

/* ---- db.c: SQLite */

/* Opens the database file, made if missing, with all that keeps it safe switched on.  No tables. */
NODISCARD enum err ledger_connect(struct disk *disk, const char *folder, struct ledger **ret,
                                  struct why *why);
/* Runs SQL text of several statements, without parameters or rows. */
NODISCARD enum err ledger_execute(struct ledger *ledger, const char *sql);
/* A column's name, NULL behind the last; and what stands there in this row. */
const char *statement_name(struct statement *statement, int at);
enum parameter_kind statement_kind(struct statement *statement, int at);
/* Gives sums to the pages of a file that an earlier version wrote; of one beyond 1 GiB not. */
NODISCARD enum err ledger_sums_add(struct ledger *ledger);
/* Whether a page was refused since it was opened; ledger_complaint names it then. */
bool ledger_is_damaged(const struct ledger *ledger);
/* What SQLite says of its last error. */
const char *ledger_complaint(struct ledger *ledger);

/* ---- renew.c: the log, whose file is made anew; and the file itself while it has one page, of
 * which the lock is taken first. */
NODISCARD enum err wal_renew(struct disk *disk, const char *path);
NODISCARD enum err first_page_renew(struct disk *disk, const char *folder, struct file *file);

/* ---- tables.c */

/* One step from one version of the tables to the next; the first step has number 1. */
struct migration {
    const char *name;
    const char *sql;
};
extern const struct migration migrations[];
extern const size_t migrations_count;
