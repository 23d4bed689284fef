#pragma once

/*
 * A table from text to a number (an index, an id, or a pointer kept as uintptr_t).  It keeps copies
 * of its keys, grows up to a ceiling, and forgets nothing but by map_done or map_remove.
 *
 *     map_init → map_put … map_get … → map_done
 */

#include "base/str.h"

struct map_slot;

struct map {
    struct map_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
    size_t filled; /* slots that are or were in use */
    size_t count_max;
    uint64_t seed;
};

/* seed: secret where keys are hostile, any number otherwise. */
void map_init(struct map *map, size_t count_max, uint64_t seed);
void map_done(struct map *map);

/* Sets the value of a key, old or new.  ERR_LIMIT when a new key would pass count_max. */
NODISCARD enum err map_put(struct map *map, struct str key, uint64_t value);
/* True and *ret if the key is there. */
bool map_get(const struct map *map, struct str key, uint64_t *ret);
bool map_remove(struct map *map, struct str key); /* true if it was there */

/* Visits every pair in no particular order: start with *cursor = 0, until it returns false.  The
 * map must not change meanwhile. */
bool map_next(const struct map *map, size_t *cursor, struct str *ret_key, uint64_t *ret_value);
