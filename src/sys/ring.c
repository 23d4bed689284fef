/*
 * The ring's memory: a page of numbers, then the entries.
 *
 *     OFFSET  MEANING                                    WRITTEN BY
 *          0  "HINOMIrg", then capacity and id           parent
 *         64  head: bytes ever pushed                    producer
 *         72  number of the next entry                   producer
 *        128  tail: bytes ever released                  consumer
 *        136  number of the last entry released          consumer
 *       4096  entries: 4-byte size, 4 zeros, 8-byte number, bytes, padding to 16
 *
 * head and tail only grow; an offset is their value modulo the capacity.  An entry may wrap around
 * the end.
 *
 * Always true, as far as each side keeps its own promises: tail <= head <= tail + capacity, and the
 * bytes between are whole entries.  The producer may die anywhere: an entry counts once head has
 * moved past it, in one store.  If it dies between counting a number and moving head, that number
 * is never used; numbers grow, they need not be dense.
 */

#include "sys/ring.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define PAGE         4096
#define ENTRY_HEADER 16
#define ALIGN        16

/* Numbers skip only those that a dying producer had counted; a leap to the end of all numbers would
 * leave none for whoever comes after. */
#define NUMBER_JUMP_MAX ((uint64_t)1 << 32)

struct shared {
    char magic[8];
    uint64_t capacity;
    uint64_t id;
    _Alignas(64) _Atomic uint64_t head;
    _Atomic uint64_t next_number;
    _Alignas(64) _Atomic uint64_t tail;
    _Atomic uint64_t released_number;
};
_Static_assert(sizeof(struct shared) <= PAGE, "the numbers must fit their page");

struct ring {
    struct shared *shared;
    char *entries;
    uint64_t capacity; /* our own copy: the shared one is not believed twice */
    uint64_t id;
};

static void bytes_put(const struct ring *ring, uint64_t at, struct str bytes);
static void bytes_get(const struct ring *ring, uint64_t at, void *to, size_t size);

size_t ring_memory_size(size_t capacity)
{
    return PAGE + capacity;
}

void ring_format(void *memory, size_t capacity, uint64_t id)
{
    assert((capacity & (capacity - 1)) == 0 && capacity >= PAGE);
    struct shared *shared = memory;
    memset(shared, 0, sizeof *shared);
    memcpy(shared->magic, "HINOMIrg", 8);
    shared->capacity = capacity;
    shared->id = id;
    atomic_store(&shared->next_number, 1);
}

enum err ring_attach(void *memory, size_t size, struct ring **ret)
{
    struct shared *shared = memory;
    if (size < PAGE || memcmp(shared->magic, "HINOMIrg", 8) != 0) {
        return ERR_CORRUPT;
    }
    uint64_t capacity = shared->capacity;
    if (capacity < PAGE || (capacity & (capacity - 1)) != 0 || capacity + PAGE != size) {
        return ERR_CORRUPT;
    }
    struct ring *ring = malloc(sizeof *ring);
    if (ring == NULL) {
        return ERR_MEMORY;
    }
    *ring = (struct ring){shared, (char *)memory + PAGE, capacity, shared->id};
    *ret = ring;
    return OK;
}

void ring_detach(struct ring *ring)
{
    free(ring);
}

uint64_t ring_id(const struct ring *ring)
{
    return ring->id;
}

static uint64_t entry_size(uint64_t size)
{
    return (size + ENTRY_HEADER + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);
}

enum err ring_fits(const struct ring *ring, size_t size)
{
    uint64_t whole = entry_size(size);
    if (whole > ring->capacity / 2) {
        return ERR_LIMIT;
    }
    uint64_t at = atomic_load_explicit(&ring->shared->head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&ring->shared->tail, memory_order_acquire);
    bool room = at - tail <= ring->capacity && ring->capacity - (at - tail) >= whole;
    return room ? OK : ERR_AGAIN;
}

enum err ring_push(struct ring *ring, struct str head, struct str body, uint64_t *ret_number)
{
    struct shared *shared = ring->shared;
    uint64_t size = (uint64_t)head.size + body.size;
    enum err err = ring_fits(ring, (size_t)size);
    if (err != OK) {
        return err;
    }
    uint64_t whole = entry_size(size);
    uint64_t at = atomic_load_explicit(&shared->head, memory_order_relaxed);
    uint64_t number = atomic_load_explicit(&shared->next_number, memory_order_relaxed);
    char header[ENTRY_HEADER] = {0};
    put_u32(header, (uint32_t)size);
    put_u64(header + 8, number);
    bytes_put(ring, at, str_of(header, sizeof header));
    bytes_put(ring, at + ENTRY_HEADER, head);
    bytes_put(ring, at + ENTRY_HEADER + head.size, body);
    atomic_store_explicit(&shared->next_number, number + 1, memory_order_release);
    atomic_store_explicit(&shared->head, at + whole, memory_order_release);
    *ret_number = number;
    return OK;
}

uint64_t ring_next_number(const struct ring *ring)
{
    return atomic_load_explicit(&ring->shared->next_number, memory_order_acquire);
}

bool ring_is_empty(const struct ring *ring)
{
    return atomic_load_explicit(&ring->shared->head, memory_order_acquire) ==
           atomic_load_explicit(&ring->shared->tail, memory_order_acquire);
}

struct ring_cursor ring_cursor(const struct ring *ring)
{
    return (struct ring_cursor){
        atomic_load_explicit(&ring->shared->tail, memory_order_acquire),
        atomic_load_explicit(&ring->shared->released_number, memory_order_acquire),
    };
}

enum err ring_next(struct ring *ring, struct ring_cursor *cursor, struct buf *to, struct str *ret)
{
    uint64_t head = atomic_load_explicit(&ring->shared->head, memory_order_acquire);
    uint64_t available = head - cursor->at;
    if (available == 0) {
        return ERR_AGAIN;
    }
    char header[ENTRY_HEADER];
    if (available > ring->capacity || available < ENTRY_HEADER) {
        return ERR_CORRUPT;
    }
    bytes_get(ring, cursor->at, header, sizeof header);
    uint64_t size = get_u32(header);
    uint64_t number = get_u64(header + 8);
    uint64_t whole = entry_size(size);
    if (whole > available || whole > ring->capacity / 2 || number <= cursor->number ||
        number - cursor->number > NUMBER_JUMP_MAX) {
        return ERR_CORRUPT;
    }
    char *room;
    size_t before = to->size;
    enum err err = buf_extend(to, (size_t)size, &room);
    if (err != OK) {
        return err;
    }
    bytes_get(ring, cursor->at + ENTRY_HEADER, room, (size_t)size);
    *cursor = (struct ring_cursor){cursor->at + whole, number};
    *ret = str_slice(buf_str(to), before, (size_t)size);
    return OK;
}

void ring_release(struct ring *ring, const struct ring_cursor *cursor)
{
    atomic_store_explicit(&ring->shared->released_number, cursor->number, memory_order_release);
    atomic_store_explicit(&ring->shared->tail, cursor->at, memory_order_release);
}

void ring_restart(struct ring *ring, struct ring_cursor *cursor)
{
    uint64_t head = atomic_load_explicit(&ring->shared->head, memory_order_acquire);
    uint64_t next = atomic_load_explicit(&ring->shared->next_number, memory_order_acquire);
    /* A number that was used already would name another entry: the consumer would take the new one
     * for stored. */
    if (next <= cursor->number || next - cursor->number > NUMBER_JUMP_MAX) {
        next = cursor->number + 1;
        atomic_store_explicit(&ring->shared->next_number, next, memory_order_release);
    }
    *cursor = (struct ring_cursor){head, next - 1};
    ring_release(ring, cursor);
}

static void bytes_put(const struct ring *ring, uint64_t at, struct str bytes)
{
    if (bytes.size == 0) {
        return;
    }
    size_t offset = (size_t)(at & (ring->capacity - 1));
    size_t first = (size_t)ring->capacity - offset;
    if (first > bytes.size) {
        first = bytes.size;
    }
    memcpy(ring->entries + offset, bytes.data, first);
    memcpy(ring->entries, bytes.data + first, bytes.size - first);
}

static void bytes_get(const struct ring *ring, uint64_t at, void *to, size_t size)
{
    size_t offset = (size_t)(at & (ring->capacity - 1));
    size_t first = (size_t)ring->capacity - offset;
    if (first > size) {
        first = size;
    }
    if (size > 0) {
        memcpy(to, ring->entries + offset, first);
        memcpy((char *)to + first, ring->entries, size - first);
    }
}
