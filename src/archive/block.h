#pragma once

/*
 * A block: a run of whole leaves of one client, in the order of sequence, turned into columns.  It
 * is what a segment (segment.h) is made of.  Format: docs/formats/block.md.
 *
 *     block_maker_new → block_add … → block_finish → …          (whoever seals)
 *     plan_new → plan_may → block_open → plan_rows → block_leaf (whoever reads)
 *
 * Each record is its template (what stands between the values) and its values, each name a column,
 * each column packed by itself.  What comes out of block_leaf is event by event what went in: the
 * record's bytes, both times, class, parser, error, flags, and each span's name, value and place.
 *
 * Bytes of a block are outside bytes: every count and offset is proved before it is used.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/why.h"
#include "event/batch.h"
#include "match/match.h"

#define BLOCK_FILTER_KEY_SIZE 16

/* ---- Making. */

struct block_maker;

/* level: of zstd; 1 to 3 hot, 9 to 19 cold. */
NODISCARD enum err block_maker_new(int level, const uint8_t filter_key[BLOCK_FILTER_KEY_SIZE],
                                   struct block_maker **ret);
void block_maker_free(struct block_maker *maker); /* NULL is fine. */
/* Adds one leaf: the batch whose first event has the number `first`.  Numbers ascend.  Copies.
 * ERR_AGAIN: the block is full, finish it first; an empty one takes any batch. */
NODISCARD enum err block_add(struct block_maker *maker, const struct batch *batch, uint64_t first);
/* Events added since the last finish. */
uint32_t block_events(const struct block_maker *maker);
/* Appends the block to `data`, and to `summary` what its directory keeps of it: what plan_may
 * reads. Then the maker is empty. */
NODISCARD enum err block_finish(struct block_maker *maker, struct buf *data, struct buf *summary);

/* ---- Reading. */

/* What a query says about which blocks and rows may hold an answer; never about which do: whoever
 * reads asks the query itself of each event that is left. */
struct plan;
/* query: NULL, everything fits.  The query must outlive the plan. */
NODISCARD enum err plan_new(const struct query *query, struct plan **ret);
void plan_free(struct plan *plan);

/* Times of events in [from, to), of their arrival if by_arrival; sources: NULL, all, else sorted.
 */
struct plan_span {
    struct wall from, to;
    bool by_arrival;
    const uint32_t *sources;
    size_t sources_count;
};
/* False: nothing in the block of this summary fits.  ERR_CORRUPT if it is no summary. */
NODISCARD enum err plan_may(const struct plan *plan, const struct plan_span *span,
                            const uint8_t filter_key[BLOCK_FILTER_KEY_SIZE], struct str summary,
                            bool *ret);

struct block;
/* Keeps data; unpacks nothing but the head.  The block lives in mem. */
NODISCARD enum err block_open(struct str data, struct arena *mem, struct block **ret,
                              struct why *why);
struct block_leaf {
    struct source_id source;
    uint64_t first; /* sequence number */
    uint32_t events;
    uint32_t row; /* in the block, of its first event */
};
/* Before its first batch: events of this block shall be records and times, without what parsers
 * found.  A leaf that is stored whole has its spans all the same. */
void block_records_only(struct block *block);
/* Whether each column of it can be unpacked, also those that no batch asked for; ERR_CORRUPT. */
NODISCARD enum err block_prove(struct block *block, struct why *why);
size_t block_leaves(const struct block *block);
void block_leaf(const struct block *block, size_t index, struct block_leaf *ret);
/* The rows that may fit, as a bitmap of block events / 8 bytes in mem; *ret_count of them. */
NODISCARD enum err plan_rows(const struct plan *plan, const struct plan_span *span,
                             struct block *block, uint8_t **ret_rows, size_t *ret_count,
                             struct why *why);
/* A batch of the rows asked for (a bitmap as plan_rows makes it, of the whole block; NULL: all) of
 * one leaf, in mem; row_of: for each of its events the index within the leaf, so that its number is
 * leaf.first + row_of[i].  ERR_NOT_FOUND: none of its rows is asked for.  Leaves are cheapest in
 * their order.  A batch's idempotency key is not kept. */
NODISCARD enum err block_batch(struct block *block, size_t leaf, const uint8_t *rows,
                               struct arena *mem, struct batch *ret, const uint32_t **ret_row_of,
                               struct why *why);
