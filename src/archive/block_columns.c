/*
 * The columns that a maker fills: for each entry its text, its size and its row.
 *
 * Each column has its texts to itself, one behind the other, so that whoever looks at a column goes
 * through memory from front to back.  The room that they take is kept from block to block, and by
 * name: the next block's column of that name will want about as much.
 *
 * Always true: entries of a column stand in the order of their rows; what all rooms at rest take
 * together is at most ROOMS_SIZE_MAX.
 */

#include "archive/block_making.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"

#define ROOMS_MAX      1024
#define ROOMS_SIZE_MAX (4 * BLOCK_TEXT_MAX)

static void room_free(struct column_room *room)
{
    free(room->entries.list);
    buf_done(&room->text);
}

static size_t room_size(const struct column_room *room)
{
    return room->text.capacity + room->entries.capacity * sizeof *room->entries.list;
}

void columns_free(struct block_maker *maker)
{
    for (uint32_t i = 0; i < maker->columns_count; i++) {
        room_free(&maker->columns[i].room);
    }
    for (uint32_t i = 0; i < maker->rooms_count; i++) {
        room_free(&maker->rooms[i]);
    }
    free(maker->columns);
    free(maker->rooms);
}

void columns_reset(struct block_maker *maker)
{
    size_t size = 0;
    for (uint32_t i = 0; i < maker->rooms_count; i++) {
        size += room_size(&maker->rooms[i]);
    }
    for (uint32_t i = 0; i < maker->columns_count; i++) {
        struct column_room *room = &maker->columns[i].room;
        size += room_size(room);
        if (maker->rooms_count == ROOMS_MAX || size > ROOMS_SIZE_MAX) {
            size -= room_size(room);
            room_free(room);
        } else {
            maker->rooms[maker->rooms_count++] = *room;
        }
    }
    maker->columns_count = 0;
}

/* Room that a column of that tag had before, or new. */
static enum err room_take(struct block_maker *maker, uint64_t tag, struct column_room *ret)
{
    if (maker->rooms == NULL) {
        maker->rooms = calloc(ROOMS_MAX, sizeof *maker->rooms);
        if (maker->rooms == NULL) {
            return ERR_MEMORY;
        }
    }
    for (uint32_t i = maker->rooms_count; i-- > 0;) {
        if (maker->rooms[i].tag == tag) {
            *ret = maker->rooms[i];
            maker->rooms[i] = maker->rooms[--maker->rooms_count];
            ret->entries.count = 0;
            buf_reset(&ret->text);
            return OK;
        }
    }
    /* Texts may all be empty: what points at nothing points into memory all the same. */
    struct column_room room = {.tag = tag};
    buf_init(&room.text, BLOCK_PLAIN_MAX);
    enum err err = buf_append_byte(&room.text, 0);
    buf_reset(&room.text);
    *ret = room;
    return err;
}

static enum err columns_grow(struct block_maker *maker)
{
    uint32_t capacity = maker->columns_capacity == 0 ? 256 : maker->columns_capacity * 2;
    struct maker_column *columns = realloc(maker->columns, capacity * sizeof *columns);
    if (columns == NULL) {
        return ERR_MEMORY;
    }
    maker->columns = columns;
    maker->columns_capacity = capacity;
    return OK;
}

enum err column_new(struct block_maker *maker, uint32_t name, uint32_t how, uint64_t tag,
                    uint32_t *ret)
{
    enum err err = maker->columns_count == maker->columns_capacity ? columns_grow(maker) : OK;
    struct column_room room;
    err = err == OK ? room_take(maker, tag, &room) : err;
    if (err == OK) {
        maker->columns[maker->columns_count] =
            (struct maker_column){.room = room, .name = name, .how = how};
        *ret = maker->columns_count++;
    }
    return err;
}

/* The same for columns of the same name, whatever number the name has in a block. */
static uint64_t tag_of(const struct block_maker *maker, uint32_t name, uint32_t earlier,
                       uint32_t how)
{
    uint64_t seed = earlier * 16u + how + 1;
    if (name == NONE32) {
        return seed;
    }
    const char *at = maker->names.data + get_u32(maker->name_places.data + name * sizeof name);
    return hash_bytes(str_of(at + 2, get_u16(at)), seed);
}

/* The column of the so-manieth value of that name in a record; the fourth and later share one. */
enum err column_of(struct block_maker *maker, uint32_t name, uint32_t how, uint32_t earlier,
                   uint32_t *ret)
{
    uint32_t key[3] = {name, how, earlier < 3 ? earlier : 3};
    struct str bytes = str_of(key, sizeof key);
    uint64_t known;
    if (map_get(&maker->column_ids, bytes, &known)) {
        *ret = (uint32_t)known;
        return OK;
    }
    enum err err = column_new(maker, name, how, tag_of(maker, name, key[2], how), ret);
    return err == OK ? map_put(&maker->column_ids, bytes, *ret) : err;
}

enum err entries_grow(struct entries *entries)
{
    uint32_t capacity = entries->capacity == 0 ? 64 : entries->capacity * 2;
    struct entry *list = realloc(entries->list, capacity * sizeof *list);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    entries->list = list;
    entries->capacity = capacity;
    return OK;
}
