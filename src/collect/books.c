/*
 * The accounts in shared memory.
 *
 *     OFFSET  SIZE  MEANING                        slot, 256 bytes
 *          0     8  "HINOMIbk"                          0    8  client in the upper half, source in
 *          8     4  version, 4                                  the lower; 0: free
 *         12     4  slots                               8    8  received
 *         16    48  zeros                              16    8  turn
 *         64   256  drops accounted for, a listener   24  104  copy 0: position, stored,
 *        320   256  datagrams read and in no                    deduplicated, failures, bytes,
 *                   batch yet, a listener                       rejected… (8)
 *        576        the slots                          128  104  copy 1
 *                                                     232    8  heard: when a record last came,
 *                                                                  ns since 1970; 0: never
 *                                                     240    8  throttled
 *                                                     248    8  zeros
 *
 * A slot is taken by one compare-and-swap of its key, always the first free one, so two processes
 * that meet a new source at once end up with the same slot.  Slots are never given back.
 *
 * Always true:
 *
 *   (1) copy `turn & 1` is whole.  books_apply fills the other one and then stores turn + 1 with
 *       release: killed before that store nothing happened, after it all did.  One process applies
 * to a slot: the core of its client. (2) A copy holds the position up to which it was applied, so
 * an entry that is applied again by a restarted core changes nothing. (3) A reader that finds the
 * same turn before and after has read one whole copy, since only the turn after the next writes to
 * it.  It reads `received` last, so in_flight is never negative.
 */

#include "collect/books.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/map.h"

#define BOOKS_VERSION 4
#define REASONS_MAX   8
#define READS_MAX     1000 /* A writer would have to be faster than us so many times. */

struct copy {
    _Atomic uint64_t position;
    _Atomic uint64_t stored;
    _Atomic uint64_t deduplicated;
    _Atomic uint64_t failures;
    _Atomic uint64_t bytes;
    _Atomic uint64_t rejected[REASONS_MAX];
};

struct slot {
    _Atomic uint64_t key;
    _Atomic uint64_t received;
    _Atomic uint64_t turn;
    struct copy copies[2];
    _Atomic int64_t heard;
    _Atomic uint64_t throttled;
    char zeros[8];
};

struct page {
    char magic[8];
    uint32_t version;
    uint32_t slots;
    char zeros[48];
    _Atomic uint32_t drops[LISTENERS_MAX];
    _Atomic uint32_t waiting[LISTENERS_MAX];
    struct slot slot[SOURCES_MAX];
};

_Static_assert(REJECT_REASON_COUNT <= REASONS_MAX && sizeof(struct slot) == 256,
               "another layout is another version of the books");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "shared memory needs lock-free counters");

struct books {
    struct page *page;
    struct map known; /* key to slot; a cache of this process */
};

struct sums {
    uint64_t position, stored, deduplicated, failures, bytes, rejected[REJECT_REASON_COUNT];
};

static enum err slot_find(struct books *books, struct client_id client, struct source_id source,
                          struct slot **ret);
static struct sums copy_read(const struct copy *copy);
static void copy_write(struct copy *copy, const struct sums *sums);
static struct sums slot_read(const struct slot *slot);
static void slot_commit(struct slot *slot, const struct sums *sums);
static uint64_t sums_total(const struct sums *sums);

size_t books_memory_size(void)
{
    return sizeof(struct page);
}

void books_format(void *memory)
{
    struct page *page = memory;
    page->version = BOOKS_VERSION;
    page->slots = SOURCES_MAX;
    memcpy(page->magic, "HINOMIbk", sizeof page->magic);
}

enum err books_attach(void *memory, size_t size, struct books **ret)
{
    struct page *page = memory;
    if (size < sizeof *page || memcmp(page->magic, "HINOMIbk", sizeof page->magic) != 0 ||
        page->version != BOOKS_VERSION || page->slots != SOURCES_MAX) {
        return ERR_CORRUPT;
    }
    struct books *books = calloc(1, sizeof *books);
    if (books == NULL) {
        return ERR_MEMORY;
    }
    books->page = page;
    map_init(&books->known, SOURCES_MAX, 0);
    *ret = books;
    return OK;
}

void books_detach(struct books *books)
{
    if (books != NULL) {
        map_done(&books->known);
        free(books);
    }
}

enum err books_received(struct books *books, struct client_id client, struct source_id source,
                        uint64_t count, struct wall now)
{
    struct slot *slot;
    enum err err = slot_find(books, client, source, &slot);
    if (err == OK) {
        atomic_store_explicit(&slot->heard, now.ns, memory_order_relaxed);
        atomic_fetch_add_explicit(&slot->received, count, memory_order_release);
    }
    return err;
}

enum err books_throttled(struct books *books, struct client_id client, struct source_id source,
                         uint64_t count)
{
    struct slot *slot;
    enum err err = slot_find(books, client, source, &slot);
    if (err == OK) {
        atomic_fetch_add_explicit(&slot->throttled, count, memory_order_relaxed);
    }
    return err;
}

enum err books_apply(struct books *books, struct client_id client, struct source_id source,
                     uint64_t position, const struct books_entry *entry)
{
    struct slot *slot;
    enum err err = slot_find(books, client, source, &slot);
    if (err != OK) {
        return err;
    }
    struct sums sums = slot_read(slot);
    if (position <= sums.position) {
        return OK;
    }
    sums.position = position;
    sums.stored += entry->stored;
    sums.deduplicated += entry->deduplicated;
    sums.failures += entry->failures;
    sums.bytes += entry->bytes;
    for (size_t i = 0; i < REJECT_REASON_COUNT; i++) {
        sums.rejected[i] += entry->rejected[i];
    }
    slot_commit(slot, &sums);
    return OK;
}

uint32_t books_drops(const struct books *books, size_t listener)
{
    return listener < LISTENERS_MAX ? atomic_load(&books->page->drops[listener]) : 0;
}

void books_drops_set(struct books *books, size_t listener, uint32_t drops)
{
    if (listener < LISTENERS_MAX) {
        atomic_store(&books->page->drops[listener], drops);
    }
}

_Atomic uint32_t *books_waiting(struct books *books, size_t listener)
{
    assert(listener < LISTENERS_MAX);
    return &books->page->waiting[listener];
}

void books_settle(struct books *books)
{
    for (size_t i = 0; i < SOURCES_MAX; i++) {
        struct slot *slot = &books->page->slot[i];
        if (atomic_load_explicit(&slot->key, memory_order_acquire) == 0) {
            return;
        }
        const struct sums sums = slot_read(slot);
        atomic_store_explicit(&slot->received, sums_total(&sums), memory_order_release);
    }
}

const char *books_reason_code(enum reject_reason reason)
{
    static const char *const codes[REJECT_REASON_COUNT] = {
        [REJECT_TOO_LONG] = "too-long",         [REJECT_FRAMING] = "framing",
        [REJECT_KERNEL_DROP] = "kernel-drop",   [REJECT_CONFLICT] = "conflict",
        [REJECT_UNAUTHORISED] = "unauthorised", [REJECT_REFUSED] = "refused",
        [REJECT_MALFORMED] = "malformed",       [REJECT_QUOTA] = "quota",
    };
    return (unsigned)reason < REJECT_REASON_COUNT && codes[reason] != NULL ? codes[reason]
                                                                           : "other";
}

bool books_account_at(const struct books *books, size_t index, struct account *ret)
{
    if (index >= SOURCES_MAX) {
        return false;
    }
    const struct slot *slot = &books->page->slot[index];
    uint64_t key = atomic_load_explicit(&slot->key, memory_order_acquire);
    if (key == 0) {
        return false;
    }
    const struct sums sums = slot_read(slot);
    *ret = (struct account){
        .client = {(uint32_t)(key >> 32)},
        .source = {(uint32_t)key},
        .received = atomic_load_explicit(&slot->received, memory_order_acquire),
        .stored = sums.stored,
        .deduplicated = sums.deduplicated,
        .failures = sums.failures,
        .bytes = sums.bytes,
        .throttled = atomic_load_explicit(&slot->throttled, memory_order_relaxed),
    };
    memcpy(ret->rejected, sums.rejected, sizeof ret->rejected);
    int64_t heard = atomic_load_explicit(&slot->heard, memory_order_relaxed);
    ret->heard = heard != 0 ? (struct wall){heard} : WALL_NONE;
    uint64_t ended = sums_total(&sums);
    ret->in_flight = ret->received > ended ? ret->received - ended : 0;
    return true;
}

enum err books_restore(struct books *books, const struct account *account)
{
    struct slot *slot;
    enum err err = slot_find(books, account->client, account->source, &slot);
    if (err == OK) {
        struct sums sums = {.position = slot_read(slot).position,
                            .stored = account->stored,
                            .deduplicated = account->deduplicated,
                            .failures = account->failures,
                            .bytes = account->bytes};
        memcpy(sums.rejected, account->rejected, sizeof sums.rejected);
        slot_commit(slot, &sums);
        if (wall_known(account->heard)) {
            atomic_store_explicit(&slot->heard, account->heard.ns, memory_order_relaxed);
        }
        atomic_store_explicit(&slot->received, account->received, memory_order_release);
    }
    return err;
}

static enum err slot_find(struct books *books, struct client_id client, struct source_id source,
                          struct slot **ret)
{
    uint64_t key = (uint64_t)client.value << 32 | source.value;
    struct str name = str_of(&key, sizeof key);
    uint64_t index;
    assert(key != 0);
    if (map_get(&books->known, name, &index)) {
        *ret = &books->page->slot[index];
        return OK;
    }
    for (index = 0; index < SOURCES_MAX; index++) {
        uint64_t found = 0;
        struct slot *slot = &books->page->slot[index];
        if (atomic_compare_exchange_strong(&slot->key, &found, key) || found == key) {
            /* Without memory for the cache the next call searches again. */
            (void)!map_put(&books->known, name, index);
            *ret = slot;
            return OK;
        }
    }
    return ERR_LIMIT;
}

static struct sums copy_read(const struct copy *copy)
{
    struct sums sums = {
        .position = atomic_load_explicit(&copy->position, memory_order_relaxed),
        .stored = atomic_load_explicit(&copy->stored, memory_order_relaxed),
        .deduplicated = atomic_load_explicit(&copy->deduplicated, memory_order_relaxed),
        .failures = atomic_load_explicit(&copy->failures, memory_order_relaxed),
        .bytes = atomic_load_explicit(&copy->bytes, memory_order_relaxed),
    };
    for (size_t i = 0; i < REJECT_REASON_COUNT; i++) {
        sums.rejected[i] = atomic_load_explicit(&copy->rejected[i], memory_order_relaxed);
    }
    return sums;
}

static void copy_write(struct copy *copy, const struct sums *sums)
{
    atomic_store_explicit(&copy->position, sums->position, memory_order_relaxed);
    atomic_store_explicit(&copy->stored, sums->stored, memory_order_relaxed);
    atomic_store_explicit(&copy->deduplicated, sums->deduplicated, memory_order_relaxed);
    atomic_store_explicit(&copy->failures, sums->failures, memory_order_relaxed);
    atomic_store_explicit(&copy->bytes, sums->bytes, memory_order_relaxed);
    for (size_t i = 0; i < REJECT_REASON_COUNT; i++) {
        atomic_store_explicit(&copy->rejected[i], sums->rejected[i], memory_order_relaxed);
    }
}

static struct sums slot_read(const struct slot *slot)
{
    struct sums sums = {0};
    for (unsigned i = 0; i < READS_MAX; i++) {
        uint64_t turn = atomic_load_explicit(&slot->turn, memory_order_acquire);
        sums = copy_read(&slot->copies[turn & 1]);
        atomic_thread_fence(memory_order_acquire);
        if (atomic_load_explicit(&slot->turn, memory_order_relaxed) == turn) {
            break;
        }
    }
    return sums;
}

static void slot_commit(struct slot *slot, const struct sums *sums)
{
    uint64_t turn = atomic_load_explicit(&slot->turn, memory_order_relaxed);
    /* A reader that saw the copy change must see that the turn before it is over. */
    atomic_thread_fence(memory_order_release);
    copy_write(&slot->copies[(turn + 1) & 1], sums);
    atomic_store_explicit(&slot->turn, turn + 1, memory_order_release);
}

static uint64_t sums_total(const struct sums *sums)
{
    uint64_t total = sums->stored + sums->deduplicated;
    for (size_t i = 0; i < REJECT_REASON_COUNT; i++) {
        total += sums->rejected[i];
    }
    return total;
}
