#pragma once

/*
 * A batch's tables without what repeats itself.
 *
 * Events of one kind have the same fields in the same order.  An *outline* is what the spans of
 * such an event have in common: of each its third word, the name and how it is read.  A batch names
 * each outline once, an event says which one it has, and where the values stand and how long they
 * are stands in columns, one for each span of an outline.  A *column* is the least of its words and
 * how much more each is, in as few bytes as the largest needs: in none, if all are the same.
 *
 *     the batch's header and names, as they are
 *     1 byte: 0, and the rows of events and spans as they are; or 1, and
 *         outlines (u16), and of each: spans (u16), and of each its third word (u32)
 *         twelve columns over all events
 *         for each outline, for each of its spans: two columns over the events that have it
 *
 * Normative: docs/formats/batch.md.  200 bytes of tables become 23, which zstd turns into 1.
 */

#include "event/batch.h"

/* How many bytes the tables of a batch are at most, once packed. */
size_t outlines_bound(const struct batch *batch);
/* Writes at most that many to `to`.  The scratch needs 20 bytes a span and 128 an event. */
NODISCARD enum err outlines_pack(const struct batch *batch, struct arena *scratch, char *to,
                                 size_t *ret_size);
/* Writes the header and all tables of a batch of `size` bytes to `to`, and tells where its text
 * begins, which is the caller's to fill in.  ERR_CORRUPT: there is no such batch.  What the tables
 * say is as unproved as before batch_check. */
NODISCARD enum err outlines_unpack(struct str packed, struct arena *scratch, char *to, size_t size,
                                   size_t *ret_text);
