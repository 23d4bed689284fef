/*
 * The arena: a chain of blocks, the newest first.  A reset keeps the largest block, so that a turn
 * which has found its size no longer calls malloc.
 *
 * Always true: the sum of all blocks' capacities never exceeds size_max rounded up by one block
 * header each.
 */

#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONS 1
#endif
#endif
#ifdef ARENA_POISONS
#include <sanitizer/asan_interface.h>
#define POISON(at, size)   __asan_poison_memory_region((at), (size))
#define UNPOISON(at, size) __asan_unpoison_memory_region((at), (size))
#else
#define POISON(at, size)   ((void)(at), (void)(size))
#define UNPOISON(at, size) ((void)(at), (void)(size))
#endif

#define ALIGN          16
#define BLOCK_SIZE_MIN 4096

struct block {
    struct block *next;
    size_t capacity;
    size_t used;
    _Alignas(ALIGN) char data[];
};

struct arena {
    struct block *newest;
    size_t size_max;
    size_t held; /* capacities of all blocks */
};

static bool arena_grow(struct arena *arena, size_t size);
static void block_free(struct block *block);

struct arena *arena_new(size_t size_max)
{
    struct arena *arena = calloc(1, sizeof *arena);
    if (arena != NULL) {
        arena->size_max = size_max;
    }
    return arena;
}

void arena_free(struct arena *arena)
{
    if (arena == NULL) {
        return;
    }
    for (struct block *block = arena->newest; block != NULL;) {
        struct block *next = block->next;
        block_free(block);
        block = next;
    }
    free(arena);
}

size_t arena_held(const struct arena *arena)
{
    return arena->held;
}

void arena_reset(struct arena *arena)
{
    struct block *largest = arena->newest;
    for (struct block *block = arena->newest; block != NULL; block = block->next) {
        if (block->capacity > largest->capacity) {
            largest = block;
        }
    }
    for (struct block *block = arena->newest; block != NULL;) {
        struct block *next = block->next;
        if (block != largest) {
            block_free(block);
        }
        block = next;
    }
    arena->newest = largest;
    arena->held = 0;
    if (largest != NULL) {
        largest->next = NULL;
        largest->used = 0;
        arena->held = largest->capacity;
        POISON(largest->data, largest->capacity);
    }
}

void *arena_take(struct arena *arena, size_t size)
{
    void *at = arena_take_plain(arena, size);
    return at == NULL ? NULL : memset(at, 0, size);
}

void *arena_take_plain(struct arena *arena, size_t size)
{
    size_t rounded;
    if (__builtin_add_overflow(size == 0 ? 1 : size, (size_t)ALIGN - 1, &rounded)) {
        return NULL;
    }
    rounded &= ~(size_t)(ALIGN - 1);
    struct block *block = arena->newest;
    if (block == NULL || block->capacity - block->used < rounded) {
        if (!arena_grow(arena, rounded)) {
            return NULL;
        }
        block = arena->newest;
    }
    char *at = block->data + block->used;
    block->used += rounded;
    UNPOISON(at, size);
    return at;
}

void *arena_take_array(struct arena *arena, size_t count, size_t size)
{
    size_t total;
    return __builtin_mul_overflow(count, size, &total) ? NULL : arena_take(arena, total);
}

void *arena_take_array_plain(struct arena *arena, size_t count, size_t size)
{
    size_t total;
    return __builtin_mul_overflow(count, size, &total) ? NULL : arena_take_plain(arena, total);
}

enum err arena_copy(struct arena *arena, struct str s, struct str *ret)
{
    char *copy = s.size == SIZE_MAX ? NULL : arena_take(arena, s.size + 1);
    if (copy == NULL) {
        return ERR_MEMORY;
    }
    if (s.size > 0) {
        memcpy(copy, s.data, s.size);
    }
    *ret = (struct str){copy, s.size};
    return OK;
}

enum err arena_print(struct arena *arena, struct str *ret, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = size < 0 ? NULL : arena_take(arena, (size_t)size + 1);
    if (text != NULL) {
        (void)vsnprintf(text, (size_t)size + 1, format, again);
        *ret = (struct str){text, (size_t)size};
    }
    va_end(again);
    return text == NULL ? ERR_MEMORY : OK;
}

static bool arena_grow(struct arena *arena, size_t size)
{
    if (size > arena->size_max || arena->held > arena->size_max - size) {
        return false;
    }
    size_t capacity = arena->held < BLOCK_SIZE_MIN ? BLOCK_SIZE_MIN : arena->held;
    if (capacity > arena->size_max - arena->held) {
        capacity = arena->size_max - arena->held;
    }
    if (capacity < size) {
        capacity = size;
    }
    capacity = (capacity + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    struct block *block = malloc(sizeof *block + capacity); /* arena_take clears what it gives. */
    if (block == NULL) {
        return false;
    }
    *block = (struct block){.next = arena->newest, .capacity = capacity};
    POISON(block->data, capacity);
    arena->newest = block;
    arena->held += capacity;
    return true;
}

static void block_free(struct block *block)
{
    UNPOISON(block->data, block->capacity);
    free(block);
}
