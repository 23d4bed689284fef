/*
 * Open addressing with linear probing.  A removed slot stays as a tombstone (a freed key with
 * `used` set) until the next growth, which rehashes only what lives.
 *
 * Always true: `filled` < capacity * 3/4, so every probe ends at a slot that was never used.
 */

#include "base/map.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define CAPACITY_MIN 16

struct map_slot {
    char *key; /* NULL in tombstones and unused slots */
    size_t key_size;
    uint64_t hash;
    uint64_t value;
    bool used; /* the slot holds or once held a key */
};

static struct map_slot *map_find(const struct map *map, struct str key, uint64_t hash);
static enum err map_grow(struct map *map);

void map_init(struct map *map, size_t count_max, uint64_t seed)
{
    *map = (struct map){.count_max = count_max, .seed = seed};
}

void map_done(struct map *map)
{
    for (size_t i = 0; i < map->capacity; i++) {
        free(map->slots[i].key);
    }
    free(map->slots);
    *map = (struct map){0};
}

enum err map_put(struct map *map, struct str key, uint64_t value)
{
    uint64_t hash = hash_bytes(key, map->seed);
    struct map_slot *slot = map_find(map, key, hash);
    if (slot != NULL) {
        slot->value = value;
        return OK;
    }
    if (map->count >= map->count_max) {
        return ERR_LIMIT;
    }
    if (map->filled + 1 >= map->capacity / 4 * 3) {
        enum err err = map_grow(map);
        if (err != OK) {
            return err;
        }
    }
    char *copy = malloc(key.size + 1);
    if (copy == NULL) {
        return ERR_MEMORY;
    }
    if (key.size > 0) {
        memcpy(copy, key.data, key.size);
    }
    copy[key.size] = '\0';
    size_t at = hash & (map->capacity - 1);
    while (map->slots[at].used) {
        at = (at + 1) & (map->capacity - 1);
    }
    map->slots[at] = (struct map_slot){copy, key.size, hash, value, true};
    map->count++;
    map->filled++;
    return OK;
}

bool map_get(const struct map *map, struct str key, uint64_t *ret)
{
    const struct map_slot *slot = map_find(map, key, hash_bytes(key, map->seed));
    if (slot == NULL) {
        return false;
    }
    *ret = slot->value;
    return true;
}

bool map_remove(struct map *map, struct str key)
{
    struct map_slot *slot = map_find(map, key, hash_bytes(key, map->seed));
    if (slot == NULL) {
        return false;
    }
    free(slot->key);
    slot->key = NULL;
    map->count--;
    return true;
}

bool map_next(const struct map *map, size_t *cursor, struct str *ret_key, uint64_t *ret_value)
{
    for (; *cursor < map->capacity; (*cursor)++) {
        const struct map_slot *slot = &map->slots[*cursor];
        if (slot->key != NULL) {
            *ret_key = (struct str){slot->key, slot->key_size};
            *ret_value = slot->value;
            (*cursor)++;
            return true;
        }
    }
    return false;
}

static struct map_slot *map_find(const struct map *map, struct str key, uint64_t hash)
{
    if (map->capacity == 0) {
        return NULL;
    }
    for (size_t at = hash & (map->capacity - 1); map->slots[at].used;
         at = (at + 1) & (map->capacity - 1)) {
        struct map_slot *slot = &map->slots[at];
        if (slot->key != NULL && slot->hash == hash &&
            str_equal((struct str){slot->key, slot->key_size}, key)) {
            return slot;
        }
    }
    return NULL;
}

static enum err map_grow(struct map *map)
{
    size_t capacity = CAPACITY_MIN;
    while (capacity / 4 * 3 <= (map->count + 1) * 2) {
        capacity *= 2;
    }
    struct map_slot *slots = calloc(capacity, sizeof *slots);
    if (slots == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->slots[i].key == NULL) {
            continue;
        }
        size_t at = map->slots[i].hash & (capacity - 1);
        while (slots[at].used) {
            at = (at + 1) & (capacity - 1);
        }
        slots[at] = map->slots[i];
    }
    free(map->slots);
    map->slots = slots;
    map->capacity = capacity;
    map->filled = map->count;
    return OK;
}
