#pragma once

/*
 * A ring: entries from one process to one other, in memory that a third holds, so that what was
 * pushed survives the death of either.
 *
 *     ring_format (parent, once) → ring_attach (both) → ring_push … | ring_next … ring_release …
 *
 * One producer, one consumer.  Entries are numbered from 1 and keep their numbers across restarts.
 * Nothing in the memory is believed: sizes and distances are checked, and an entry is copied before
 * anybody looks into it.
 */

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct ring;

/* The memory for a ring with `capacity` bytes of entries (a power of two). */
size_t ring_memory_size(size_t capacity);
void ring_format(void *memory, size_t capacity, uint64_t id);
/* ERR_CORRUPT if the memory holds no ring. */
NODISCARD enum err ring_attach(void *memory, size_t size, struct ring **ret);
void ring_detach(struct ring *ring);       /* NULL is fine. */
uint64_t ring_id(const struct ring *ring); /* a random name, given at ring_format */

/* Producer: whether an entry of that size finds room.  Once OK it stays OK until the next push. */
NODISCARD enum err ring_fits(const struct ring *ring, size_t size);
/* Producer: one entry of two parts laid end to end.  ERR_AGAIN: no room now.  ERR_LIMIT: larger
 * than half the ring, so there never will be. */
NODISCARD enum err ring_push(struct ring *ring, struct str head, struct str body,
                             uint64_t *ret_number);
/* The number that the next push will get. */
uint64_t ring_next_number(const struct ring *ring);
bool ring_is_empty(const struct ring *ring);

/* Consumer: copies the entry at the cursor behind what is in `to` and moves the cursor on.
 * ERR_AGAIN: there is none yet.  ERR_CORRUPT: the producer wrote nonsense; nothing more can be read
 * until it starts anew with ring_restart. */
struct ring_cursor {
    uint64_t at;     /* bytes since the ring was made */
    uint64_t number; /* of the last entry read */
};
struct ring_cursor ring_cursor(const struct ring *ring); /* where the last release left off */
NODISCARD enum err ring_next(struct ring *ring, struct ring_cursor *cursor, struct buf *to,
                             struct str *ret);
/* Everything before the cursor is done with; its room is the producer's again. */
void ring_release(struct ring *ring, const struct ring_cursor *cursor);
/* Gives up whatever is in the ring, after ERR_CORRUPT, and moves the cursor behind it.  Numbers go
 * on where they were: none is ever used twice, whatever the producer wrote. */
void ring_restart(struct ring *ring, struct ring_cursor *cursor);
