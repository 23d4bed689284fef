#pragma once

/*
 * The field names of a batch that is being made: each gets the next index, once.
 *
 *     namebook_init → namebook_find, namebook_add … → namebook_done
 *
 * The events of one source have few names, the same ones over and over, so nearly every look-up
 * ends at a slot of a small table, chosen by a cheap hash of the name's ends.  What the table does
 * not have, the map has: it is hashed under a seed, so names made to collide cost no more than
 * others.
 */

#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/map.h"

#define NAMEBOOK_SLOTS 1024

/* The first and the last eight bytes, which overlap in a name below 16: then they are all of it.  A
 * name below eight stands in `first` alone. */
struct name_ends {
    uint64_t first, last;
};

struct name_entry {
    struct name_ends ends;
    uint32_t offset, size;   /* in the area, behind the size there */
    uint64_t note;           /* of the caller: builder_span */
    const struct str *known; /* of the caller, who has it at this address: builder_span_known */
    /* Where the last derived value of that name stood. */
    uint32_t derived_offset, derived_size;
};

struct namebook {
    struct buf area;    /* as the batch will have it: 2-byte size and bytes, each */
    struct buf entries; /* struct name_entry, by index */
    struct map map;
    uint16_t slots[NAMEBOOK_SLOTS]; /* an index, or NAME_NONE */
};

void namebook_init(struct namebook *book, uint64_t seed);
void namebook_done(struct namebook *book);
void namebook_reset(struct namebook *book); /* forgets them all */

/* The index of a name that no slot told, given now if it has none and is not larger than
 * NAME_SIZE_MAX nor than `room` with its size; otherwise NAME_NONE. */
uint16_t namebook_add(struct namebook *book, struct str name, size_t slot, size_t room);

static inline uint32_t namebook_count(const struct namebook *book)
{
    return (uint32_t)book->map.count;
}

static inline struct name_ends name_ends(struct str name)
{
    struct name_ends ends = {0, 0};
    if (name.size >= 8) {
        memcpy(&ends.first, name.data, 8);
        memcpy(&ends.last, name.data + name.size - 8, 8);
    } else if (name.size >= 4) {
        memcpy(&ends.first, name.data, 4);
        memcpy((char *)&ends.first + 4, name.data + name.size - 4, 4);
    } else {
        for (size_t i = 0; i < name.size; i++) {
            ends.first = ends.first << 8 | (unsigned char)name.data[i];
        }
    }
    return ends;
}

/* The bytes of a name between its two ends, eight by eight: the last eight overlap what was seen.
 */
static inline bool namebook_middle_is(const char *there, struct str name)
{
    uint64_t differs = 0;
    for (size_t at = 8; at + 8 < name.size; at += 8) {
        uint64_t ours;
        uint64_t its;
        memcpy(&ours, there + at, sizeof ours);
        memcpy(&its, name.data + at, sizeof its);
        differs |= ours ^ its;
    }
    return differs == 0;
}

static inline struct name_entry *namebook_entry(const struct namebook *book, uint16_t index)
{
    return (struct name_entry *)(void *)book->entries.data + index;
}

/* Whether the name of an index that there is, is this one. */
static inline bool namebook_is(const struct namebook *book, uint16_t index, struct str name,
                               struct name_ends ends)
{
    const struct name_entry *entry = namebook_entry(book, index);
    return entry->size == name.size && entry->ends.first == ends.first &&
           entry->ends.last == ends.last &&
           namebook_middle_is(book->area.data + entry->offset, name);
}

/* The index of a name that a slot tells; otherwise NAME_NONE, and where namebook_add may put it.
 * Two slots: two names that share one would drive each other out with every event. */
static inline uint16_t namebook_find(const struct namebook *book, struct str name,
                                     struct name_ends ends, size_t *ret_slot)
{
    uint64_t hash = (ends.first ^ name.size) * 0x9e3779b97f4a7c15ULL;
    hash = (hash ^ ends.last) * 0xc2b2ae3d27d4eb4fULL;
    size_t slot = hash >> 54;
    size_t other = slot ^ 1;
    if (book->slots[slot] != UINT16_MAX && namebook_is(book, book->slots[slot], name, ends)) {
        return book->slots[slot];
    }
    if (book->slots[other] != UINT16_MAX && namebook_is(book, book->slots[other], name, ends)) {
        return book->slots[other];
    }
    *ret_slot = book->slots[slot] == UINT16_MAX ? slot : other;
    return UINT16_MAX;
}
