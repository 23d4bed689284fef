#pragma once

/*
 * Editions of the installation's rules: what was imported or read from the configured folders, each
 * kept whole under its hash, and which of them was in force from when on.  So whatever an alert or
 * the archive says it was judged by can be read again and compiled again.
 *
 *     edition_put → edition_enforce … edition_in_force, edition_bundle
 *
 * Rules are the installation's, not a client's: what a client has switched off or excepted stands
 * in its own documents.
 */

#include "base/arena.h"
#include "base/clock.h"
#include "ledger/ledger.h"
#include "tenant/tenant.h"

struct edition {
    uint64_t number;   /* from 1, in the order in which they came */
    struct str hash;   /* of the bundle, SHA-256 in hexadecimal */
    struct str origin; /* "configuration" or "import" */
    struct str note;   /* where it came from: the paths */
    struct str who;
    struct wall at;       /* when it came */
    struct wall in_force; /* since when; WALL_NONE: it is not in force */
    uint64_t loaded, refused, needs_values;
    struct str report; /* JSON, as `hinomi rules check --json` prints it */
};

/* Keeps a bundle; number, at, who and in_force are set here.  The same bundle again changes nothing
 * but where it was last seen (origin and note).  RIGHT_MANAGE over all clients, or RIGHT_SERVE for
 * what the configuration names. */
NODISCARD enum err edition_put(const struct scope *scope, struct ledger *ledger,
                               const struct edition *edition, struct str bundle, struct wall now);
/* From now on it is in force.  ERR_NOT_FOUND. */
NODISCARD enum err edition_enforce(const struct scope *scope, struct ledger *ledger,
                                   struct str hash, struct wall now);
/* Texts are made in mem.  ERR_NOT_FOUND: none is. */
NODISCARD enum err edition_in_force(struct ledger *ledger, struct arena *mem, struct edition *ret);
/* The last one that the configuration named.  ERR_NOT_FOUND. */
NODISCARD enum err edition_configured(struct ledger *ledger, struct arena *mem,
                                      struct edition *ret);
/* By hash, or by at least 8 digits from its front; ERR_NOT_FOUND, ERR_CONFLICT if several begin so.
 */
NODISCARD enum err edition_find(struct ledger *ledger, struct str hash, struct arena *mem,
                                struct edition *ret);
/* The newest first, at most `limit`, with numbers below `before` (0: all). */
NODISCARD enum err edition_list(struct ledger *ledger, uint64_t before, size_t limit,
                                struct arena *mem, struct edition **ret, size_t *ret_count);
NODISCARD enum err edition_bundle(struct ledger *ledger, struct str hash, struct arena *mem,
                                  struct str *ret);
