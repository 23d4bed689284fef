#pragma once

/*
 * Memory that dies in one stroke: a turn's, a request's, a compiled rule set's.
 *
 *     arena_new → arena_take … → arena_reset … → arena_free
 *
 * Nothing taken is given back by itself.  After a reset all of it is invalid, and under ASan
 * poisoned.  By convention a parameter named `mem` is where results go, one named `scratch` is dead
 * when the function returns.
 */

#include "base/str.h"

struct arena;

/* An arena that grows up to size_max bytes.  NULL when out of memory. */
struct arena *arena_new(size_t size_max);
void arena_free(struct arena *arena); /* NULL is fine. */
void arena_reset(struct arena *arena);
size_t arena_held(const struct arena *arena); /* bytes that it has of the process's memory */

/* Zeroed memory, aligned for anything; NULL past the ceiling or out of memory. */
void *arena_take(struct arena *arena, size_t size);
/* The same, but not zeroed: for what is written over at once. */
void *arena_take_plain(struct arena *arena, size_t size);
/* As arena_take, for an array; NULL too if count * size overflows. */
void *arena_take_array(struct arena *arena, size_t count, size_t size);
void *arena_take_array_plain(struct arena *arena, size_t count, size_t size);
#define ARENA_ARRAY(arena, type, count) ((type *)arena_take_array((arena), (count), sizeof(type)))
#define ARENA_ARRAY_PLAIN(arena, type, count) \
    ((type *)arena_take_array_plain((arena), (count), sizeof(type)))
#define ARENA_ONE(arena, type) ((type *)arena_take((arena), sizeof(type)))

/* A copy of s in the arena, with a NUL behind it that its size does not count. */
NODISCARD enum err arena_copy(struct arena *arena, struct str s, struct str *ret);
/* printf into the arena; the text has a NUL behind it. */
NODISCARD enum err arena_print(struct arena *arena, struct str *ret, const char *format, ...)
    PRINTF(3, 4);
