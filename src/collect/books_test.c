#include "collect/books.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "testing/testing.h"

#define CLIENT ((struct client_id){2})
#define SOURCE ((struct source_id){7})
#define HEARD  ((struct wall){1790000000000000000})

static void *shared(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(at != MAP_FAILED);
    return at;
}

static struct books *fresh(void **ret_memory)
{
    struct books *books;
    *ret_memory = shared(books_memory_size());
    books_format(*ret_memory);
    CHECK(books_attach(*ret_memory, books_memory_size(), &books) == OK);
    return books;
}

static void books_drop(struct books *books, void *memory)
{
    books_detach(books);
    CHECK(munmap(memory, books_memory_size()) == 0);
}

TEST(an_account_balances_and_an_entry_counts_once)
{
    void *memory;
    struct books *books = fresh(&memory);
    struct account account;
    const struct books_entry entry = {.stored = 5, .deduplicated = 2, .rejected = {1}};
    CHECK(!books_account_at(books, 0, &account));
    CHECK(books_received(books, CLIENT, SOURCE, 10, HEARD) == OK);
    for (int again = 0; again < 3; again++) {
        CHECK(books_apply(books, CLIENT, SOURCE, 4, &entry) == OK);
        CHECK(books_apply(books, CLIENT, SOURCE, 3, &entry) == OK);
    }
    CHECK(books_account_at(books, 0, &account));
    CHECK(account.client.value == 2 && account.source.value == 7);
    CHECK(account.received == 10 && account.stored == 5 && account.deduplicated == 2);
    CHECK(account.rejected[REJECT_TOO_LONG] == 1 && account.in_flight == 2);
    CHECK(account.heard.ns == HEARD.ns);
    CHECK(!books_account_at(books, 1, &account));
    books_settle(books);
    CHECK(books_account_at(books, 0, &account));
    CHECK(account.received == 8 && account.in_flight == 0);
    books_drop(books, memory);
}

TEST(books_are_restored_and_others_memory_is_refused)
{
    void *memory;
    struct books *books = fresh(&memory);
    struct account account = {
        .client = CLIENT, .source = SOURCE, .received = 9, .stored = 8, .heard = HEARD};
    CHECK(books_restore(books, &account) == OK);
    CHECK(books_account_at(books, 0, &account));
    CHECK(account.received == 9 && account.stored == 8 && account.in_flight == 1);
    CHECK(account.heard.ns == HEARD.ns);
    struct books *other;
    CHECK(books_attach(memory, books_memory_size() - 1, &other) == ERR_CORRUPT);
    ((char *)memory)[0] ^= 1;
    CHECK(books_attach(memory, books_memory_size(), &other) == ERR_CORRUPT);
    books_drop(books, memory);
}

TEST(sources_have_a_limit)
{
    void *memory;
    struct books *books = fresh(&memory);
    for (uint32_t i = 1; i <= SOURCES_MAX; i += 1000) {
        CHECK(books_received(books, CLIENT, (struct source_id){i}, 1, HEARD) == OK);
    }
    for (uint32_t i = 1; i <= SOURCES_MAX; i++) {
        CHECK(books_received(books, CLIENT, (struct source_id){i}, 1, HEARD) == OK);
    }
    CHECK(books_received(books, CLIENT, (struct source_id){SOURCES_MAX + 1}, 1, HEARD) ==
          ERR_LIMIT);
    books_drop(books, memory);
}

/* A ring of nothing but positions: each stands for three records. */
struct ring {
    _Atomic uint64_t head, tail;
};

static void child_run(void *memory, struct ring *ring)
{
    struct books *books;
    const struct books_entry entry = {.stored = 2, .deduplicated = 1};
    if (books_attach(memory, books_memory_size(), &books) != OK) {
        _exit(1);
    }
    while (ring->tail < ring->head) { /* What core does after a restart. */
        (void)!books_apply(books, CLIENT, SOURCE, ring->tail + 1, &entry);
        ring->tail++;
    }
    books_settle(books); /* What front does then. */
    for (;;) {
        (void)!books_received(books, CLIENT, SOURCE, 3, HEARD);
        ring->head++;
        (void)!books_apply(books, CLIENT, SOURCE, ring->tail + 1, &entry);
        ring->tail++;
    }
}

TEST(the_books_balance_after_200_kills_at_random)
{
    void *memory;
    struct books *books = fresh(&memory);
    struct ring *ring = shared(sizeof *ring);
    unsigned seed = 20261121;
    for (int kills = 0; kills < 200; kills++) {
        pid_t child = fork();
        if (child == 0) {
            child_run(memory, ring);
        }
        struct timespec wait = {.tv_nsec = 200000 + (long)(rand_r(&seed) % 3000000)};
        (void)nanosleep(&wait, NULL);
        struct account account;
        if (books_account_at(books, 0, &account)) { /* While it runs. */
            CHECK(account.stored == 2 * account.deduplicated);
        }
        CHECK(kill(child, SIGKILL) == 0);
        CHECK(waitpid(child, NULL, 0) == child);
        if (books_account_at(books, 0, &account)) {
            uint64_t ended = account.stored + account.deduplicated;
            CHECK(account.stored == 2 * account.deduplicated);
            CHECK(account.received == ended + account.in_flight && account.in_flight <= 3);
            CHECK(ended == 3 * ring->tail || ended == 3 * (ring->tail + 1));
        }
    }
    CHECK(ring->tail > 1000);
    CHECK(munmap(ring, sizeof *ring) == 0);
    books_drop(books, memory);
}

TEST(what_waits_at_each_listener_stands_beside_what_was_dropped_there)
{
    void *memory;
    struct books *books = fresh(&memory);
    struct books *other;
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        books_drops_set(books, i, (uint32_t)(1000 + i));
        atomic_fetch_add(books_waiting(books, i), (uint32_t)(2000 + i));
    }
    CHECK(books_attach(memory, books_memory_size(), &other) == OK);
    for (size_t i = 0; i < LISTENERS_MAX; i++) {
        CHECK(books_drops(other, i) == 1000 + i && *books_waiting(other, i) == 2000 + i);
    }
    struct account account;
    CHECK(!books_account_at(books, 0, &account));
    books_detach(other);
    books_drop(books, memory);
}
