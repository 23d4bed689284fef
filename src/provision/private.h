#pragma once

/* What the files of this room share: rows, and the step that goes with each change of one. */

#include "ledger/ledger.h"
#include "provision/provision.h"

/* The columns that row_take reads, in their order. */
#define PROVISION_COLUMNS                                                                     \
    "id, client, state, asked, asked_by, asked_side, person, from_ns, to_ns, sources, query," \
    " format, proof, language, purpose, approved, approved_by, made, expires, file, size,"    \
    " sha256, events, failure, downloads, offboarding"

/* ---- row.c */

/* ERR_CORRUPT for words that this room never wrote. */
NODISCARD enum err row_take(struct statement *row, struct arena *mem, struct provision *ret);
/* One row by its id; ERR_NOT_FOUND without one. */
NODISCARD enum err row_get(struct ledger *ledger, uint64_t id, struct arena *mem,
                           struct provision *ret);
/* Adds to the history and to the audit trail, inside the caller's transaction.  The trail, which
 * outlives the client's data, learns what happened and no word that people wrote; of a package that
 * was made or fetched (`hashed`) the note is its hash, and that it learns. */
NODISCARD enum err step_add(struct ledger *ledger, const struct provision *provision,
                            struct str who, const char *what, struct str note, bool hashed,
                            struct wall now);
/* Ends the caller's transaction: nothing of it has happened unless err is OK. */
NODISCARD enum err row_commit(struct ledger *ledger, enum err err);
