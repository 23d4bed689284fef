#pragma once

/*
 * The books of every source: received = stored + rejected(reason) + deduplicated + in flight.
 *
 * They live in memory that parent holds and front, core and desk map, so they outlive any child.
 * `received` is front's; the rest is core's, applied once per ring position even if core dies
 * between any two instructions: each account has two copies, the spare one is filled, then one
 * store makes it the valid one.
 *
 *     books_format (parent, once) → books_attach (each process) → books_… → books_detach
 */

#include <stdatomic.h>

#include "base/clock.h"
#include "base/err.h"
#include "collect/collect.h"
#include "event/place.h"

struct books;

/* Bytes of memory for SOURCES_MAX sources. */
size_t books_memory_size(void);
/* Makes zeroed memory into empty books. */
void books_format(void *memory);
/* ERR_CORRUPT if the memory holds no books of this version. */
NODISCARD enum err books_attach(void *memory, size_t size, struct books **ret);
void books_detach(struct books *books);

/* Front: records handed to the ring, now.  Before the ring's head moves, so that nobody ever sees a
 * record stored that was not received. */
NODISCARD enum err books_received(struct books *books, struct client_id client,
                                  struct source_id source, uint64_t count, struct wall now);

/* Front: so many times a sender had to wait for its client's quota. */
NODISCARD enum err books_throttled(struct books *books, struct client_id client,
                                   struct source_id source, uint64_t count);

/* Core: how the records of one ring position ended.  A position at or before the last one applied
 * for that source changes nothing. */
struct books_entry {
    uint64_t stored;
    uint64_t deduplicated;
    uint64_t rejected[REJECT_REASON_COUNT];
    uint64_t failures; /* of what was stored could not be parsed */
    uint64_t bytes;    /* of the records that were stored */
};
NODISCARD enum err books_apply(struct books *books, struct client_id client,
                               struct source_id source, uint64_t position,
                               const struct books_entry *entry);

/* Front: how many lost datagrams of its `listener`-th socket have been accounted for, in the
 * kernel's own count, which goes on when front dies (0 below LISTENERS_MAX). */
uint32_t books_drops(const struct books *books, size_t listener);
void books_drops_set(struct books *books, size_t listener, uint32_t drops);
/* Front: how many datagrams of that socket it has read that are in no batch yet; what is there when
 * it begins, the one before it lost. */
_Atomic uint32_t *books_waiting(struct books *books, size_t listener);

/* A restarted front, once the ring is empty: what was counted as received and never reached the
 * ring is taken back (nobody was told that it was received). */
void books_settle(struct books *books);

struct account {
    struct client_id client;
    struct source_id source;
    uint64_t received;
    uint64_t stored;
    uint64_t deduplicated;
    uint64_t rejected[REJECT_REASON_COUNT];
    uint64_t in_flight; /* received less all the others */
    uint64_t failures;  /* of what was stored could not be parsed */
    uint64_t bytes;     /* of the records that were stored */
    uint64_t throttled; /* times that a sender had to wait, since parent was started */
    struct wall heard;  /* when a record last came; WALL_NONE: never yet */
};
/* "too-long", …: for programs and pages, which say it in the reader's language. */
const char *books_reason_code(enum reject_reason reason);
/* By index from 0; false at the end.  One consistent reading per account. */
bool books_account_at(const struct books *books, size_t index, struct account *ret);
/* Starts an account from what was last known on disk (after a killed parent). */
NODISCARD enum err books_restore(struct books *books, const struct account *account);
