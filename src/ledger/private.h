#pragma once

/* What the files of ledger/ share. */

#include "ledger/ledger.h"

/* ---- db.c: SQLite */

/* Opens the database file, made if missing, with all that keeps it safe switched on.  No tables. */
NODISCARD enum err ledger_connect(struct disk *disk, const char *folder, struct ledger **ret,
                                  struct why *why);
/* Runs SQL text of several statements, without parameters or rows. */
NODISCARD enum err ledger_execute(struct ledger *ledger, const char *sql);
/* What SQLite says of its last error. */
const char *ledger_complaint(struct ledger *ledger);

/* ---- tables.c */

/* One step from one version of the tables to the next; the first step has number 1. */
struct migration {
    const char *name;
    const char *sql;
};
extern const struct migration migrations[];
extern const size_t migrations_count;
