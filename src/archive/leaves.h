#pragma once

/*
 * The leaves of a client, one after the other, wherever they lie: what proofs and packages are made
 * of.  docs/formats/journal.md says what a leaf is a hash of, decision 029 why.
 *
 *     reader_leaves → (for each) reader_leaf_open → leaf_told, leaf_hash
 */

#include "archive/archive.h"
#include "codec/crypto.h"

#define LEAF_SALT_SIZE 32

/* What a leaf of form 2 says beside its records: enough to prove what it is not, without them. */
struct leaf_head {
    struct client_id client;
    struct source_id source;
    uint64_t first; /* sequence number */
    uint32_t events;
    struct wall oldest, newest; /* of arrival */
    struct sha256 body;         /* over salt and records */
};
struct sha256 leaf_hash(const struct leaf_head *head);
/* What the leaf of these records is.  ERR_LIMIT if they overlap so much that they are larger than a
 * batch. */
NODISCARD enum err leaf_told(const uint8_t salt[LEAF_SALT_SIZE], uint64_t first,
                             const struct batch *batch, struct leaf_head *ret);
/* The leaf as it was made before form 2: one hash over everything. */
NODISCARD enum err leaf_of_form_1(const uint8_t salt[LEAF_SALT_SIZE], uint64_t first,
                                  const struct batch *batch, struct sha256 *ret);
/* Which form of leaf over these records `leaf` is: 2, 1, or 0 if it is none of theirs. */
NODISCARD enum err leaf_form(const uint8_t salt[LEAF_SALT_SIZE], uint64_t first,
                             const struct batch *batch, const struct sha256 *leaf,
                             unsigned *ret_form);

/* One leaf as whoever holds it lists it. */
struct leaf_entry {
    uint64_t index; /* in the client's tree */
    struct source_id source;
    uint64_t first;
    uint32_t events;
    struct sha256 hash;
    uint64_t where[2]; /* the reader's own */
};
typedef enum err reader_leaf_call(void *context, const struct leaf_entry *leaf);
/* Every leaf that is there with an index in [from, to), ascending, each once; damaged ones are
 * passed over, and so missing between two. */
NODISCARD enum err reader_leaves(const struct scope *scope, struct reader *reader,
                                 struct client_id client, uint64_t from, uint64_t to,
                                 reader_leaf_call *call, void *context, struct why *why);
/* Within the call: the salt and the batch of that leaf, in memory that is good until the next.
 * ERR_CORRUPT if it cannot be read again. */
NODISCARD enum err reader_leaf_open(struct reader *reader, const struct leaf_entry *leaf,
                                    uint8_t ret_salt[LEAF_SALT_SIZE], struct batch *ret,
                                    struct why *why);
