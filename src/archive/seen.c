/*
 * The idempotency keys of the last 24 hours, in the order they came: a circle of entries, the
 * oldest forgotten first, and a hash table of positions in it (open addressing; a slot holds the
 * entry's ordinal, counted from 1 since the start, so that a slot whose entry is gone is known by
 * its number).
 *
 * Always true: ordinals [next - count, next) are in the circle, at ordinal modulo capacity; the
 * table holds each of them once, and no other.
 */

#include "archive/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"

struct seen {
    struct seen_entry *circle;
    uint64_t *table; /* twice as many slots as the circle; 0: free */
    size_t capacity; /* a power of two */
    size_t count, count_max;
    uint64_t next;
    uint64_t seed;
};

struct seen *seen_new(size_t count_max, uint64_t seed)
{
    struct seen *seen = calloc(1, sizeof *seen);
    if (seen != NULL) {
        seen->count_max = count_max;
        seen->next = 1;
        seen->seed = seed;
    }
    return seen;
}

void seen_free(struct seen *seen)
{
    if (seen != NULL) {
        free(seen->circle);
        free(seen->table);
        free(seen);
    }
}

uint64_t seen_ordinal(const struct seen *seen)
{
    return seen->next;
}

static size_t home_of(const struct seen *seen, const struct seen_entry *entry)
{
    char bytes[28];
    put_u32(bytes, entry->client);
    put_u32(bytes + 4, entry->source);
    memcpy(bytes + 8, entry->key.hash, 16);
    put_u32(bytes + 24, entry->key.part);
    return (size_t)hash_bytes(str_of(bytes, sizeof bytes), seen->seed) & (2 * seen->capacity - 1);
}

static bool same_post(const struct seen_entry *a, const struct seen_entry *b)
{
    return a->client == b->client && a->source == b->source && a->key.part == b->key.part &&
           memcmp(a->key.hash, b->key.hash, sizeof a->key.hash) == 0;
}

static struct seen_entry *entry_at(const struct seen *seen, uint64_t ordinal)
{
    return &seen->circle[ordinal & (seen->capacity - 1)];
}

static void table_put(struct seen *seen, uint64_t ordinal)
{
    size_t mask = 2 * seen->capacity - 1;
    size_t at = home_of(seen, entry_at(seen, ordinal));
    while (seen->table[at] != 0) {
        at = (at + 1) & mask;
    }
    seen->table[at] = ordinal;
}

/* Takes an ordinal out and moves back what was pushed past it, so that no mark is left behind. */
static void table_remove(struct seen *seen, uint64_t ordinal)
{
    size_t mask = 2 * seen->capacity - 1;
    size_t hole = home_of(seen, entry_at(seen, ordinal));
    while (seen->table[hole] != ordinal) {
        hole = (hole + 1) & mask;
    }
    seen->table[hole] = 0;
    for (size_t at = (hole + 1) & mask; seen->table[at] != 0; at = (at + 1) & mask) {
        size_t home = home_of(seen, entry_at(seen, seen->table[at]));
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            seen->table[hole] = seen->table[at];
            seen->table[at] = 0;
            hole = at;
        }
    }
}

static enum err seen_grow(struct seen *seen)
{
    size_t capacity = seen->capacity == 0 ? 1024 : seen->capacity * 2;
    struct seen_entry *circle = calloc(capacity, sizeof *circle);
    uint64_t *table = calloc(2 * capacity, sizeof *table);
    if (circle == NULL || table == NULL) {
        free(circle);
        free(table);
        return ERR_MEMORY;
    }
    for (uint64_t ordinal = seen->next - seen->count; ordinal < seen->next; ordinal++) {
        circle[ordinal & (capacity - 1)] = *entry_at(seen, ordinal);
    }
    free(seen->circle);
    free(seen->table);
    seen->circle = circle;
    seen->table = table;
    seen->capacity = capacity;
    for (uint64_t ordinal = seen->next - seen->count; ordinal < seen->next; ordinal++) {
        table_put(seen, ordinal);
    }
    return OK;
}

static void oldest_forget(struct seen *seen)
{
    table_remove(seen, seen->next - seen->count);
    seen->count--;
}

enum err seen_add(struct seen *seen, const struct seen_entry *entry)
{
    int64_t since = entry->wall.ns - IDEMPOTENCY_SECONDS * NS_PER_SECOND;
    while (seen->count > 0 && entry_at(seen, seen->next - seen->count)->wall.ns < since) {
        oldest_forget(seen);
    }
    if (seen->count == seen->count_max) {
        oldest_forget(seen);
    }
    if (seen->count == seen->capacity) {
        enum err err = seen_grow(seen);
        if (err != OK) {
            return err;
        }
    }
    *entry_at(seen, seen->next) = *entry;
    table_put(seen, seen->next);
    seen->next++;
    seen->count++;
    return OK;
}

void seen_take_back(struct seen *seen, size_t count)
{
    for (; count > 0 && seen->count > 0; count--) {
        table_remove(seen, seen->next - 1);
        seen->next--;
        seen->count--;
    }
}

bool seen_find(const struct seen *seen, const struct seen_entry *like, struct wall now,
               struct seen_entry *ret, uint64_t *ret_ordinal)
{
    if (seen->capacity == 0) {
        return false;
    }
    size_t mask = 2 * seen->capacity - 1;
    uint64_t newest = 0;
    for (size_t at = home_of(seen, like); seen->table[at] != 0; at = (at + 1) & mask) {
        if (seen->table[at] > newest && same_post(entry_at(seen, seen->table[at]), like)) {
            newest = seen->table[at];
        }
    }
    if (newest == 0 ||
        entry_at(seen, newest)->wall.ns < now.ns - IDEMPOTENCY_SECONDS * NS_PER_SECOND) {
        return false;
    }
    *ret = *entry_at(seen, newest);
    *ret_ordinal = newest;
    return true;
}
