/*
 * The names of a batch: the area that goes into it, and three ways to an index.  A slot is a guess
 * that the entry proves or not; the map knows them all.
 *
 * Always true: area, entries and map hold the same names, in the order of their indices; a slot
 * holds an index that there is, or NAME_NONE.
 */

#include "event/namebook.h"

#include <assert.h>

#include "base/bytes.h"
#include "event/batch.h"

static_assert(NAMEBOOK_SLOTS == 1 << 10, "a slot is the upper ten bits of a hash");

void namebook_init(struct namebook *book, uint64_t seed)
{
    buf_init(&book->area, BATCH_SIZE_MAX);
    buf_init(&book->entries, NAMES_PER_BATCH_MAX * sizeof(struct name_entry));
    map_init(&book->map, NAMES_PER_BATCH_MAX, seed);
    memset(book->slots, 0xff, sizeof book->slots);
}

void namebook_done(struct namebook *book)
{
    buf_done(&book->area);
    buf_done(&book->entries);
    map_done(&book->map);
}

void namebook_reset(struct namebook *book)
{
    uint64_t seed = book->map.seed;
    buf_reset(&book->area);
    buf_reset(&book->entries);
    map_done(&book->map);
    map_init(&book->map, NAMES_PER_BATCH_MAX, seed);
    memset(book->slots, 0xff, sizeof book->slots);
}

uint16_t namebook_add(struct namebook *book, struct str name, size_t slot, size_t room)
{
    uint64_t index;
    if (map_get(&book->map, name, &index)) {
        book->slots[slot] = (uint16_t)index;
        return (uint16_t)index;
    }
    char size[2];
    index = namebook_count(book);
    if (name.size > NAME_SIZE_MAX || index >= NAMES_PER_BATCH_MAX || name.size + 2 > room) {
        return NAME_NONE;
    }
    size_t area_size = book->area.size;
    size_t entries_size = book->entries.size;
    const struct name_entry entry = {
        .ends = name_ends(name), .offset = (uint32_t)area_size + 2, .size = (uint32_t)name.size};
    put_u16(size, (uint16_t)name.size);
    if (buf_append(&book->area, str_of(size, 2)) != OK || buf_append(&book->area, name) != OK ||
        buf_append(&book->entries, str_of(&entry, sizeof entry)) != OK ||
        map_put(&book->map, name, index) != OK) {
        book->area.size = area_size;
        book->entries.size = entries_size;
        return NAME_NONE;
    }
    book->slots[slot] = (uint16_t)index;
    return (uint16_t)index;
}
