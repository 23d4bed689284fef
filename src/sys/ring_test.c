#include "sys/ring.h"

#include <stdlib.h>
#include <string.h>

#include "testing/testing.h"

#define CAPACITY 4096

struct pair {
    void *memory;
    struct ring *producer, *consumer;
    struct buf out;
};

static struct pair pair_new(void)
{
    struct pair pair = {.memory = calloc(1, ring_memory_size(CAPACITY))};
    ring_format(pair.memory, CAPACITY, 77);
    CHECK(ring_attach(pair.memory, ring_memory_size(CAPACITY), &pair.producer) == OK);
    CHECK(ring_attach(pair.memory, ring_memory_size(CAPACITY), &pair.consumer) == OK);
    buf_init(&pair.out, 1 << 20);
    return pair;
}

static void pair_free(struct pair *pair)
{
    ring_detach(pair->producer);
    ring_detach(pair->consumer);
    free(pair->memory);
    buf_done(&pair->out);
}

TEST(entries_come_out_in_order_and_whole_however_often_they_wrap)
{
    struct pair pair = pair_new();
    struct ring_cursor cursor = ring_cursor(pair.consumer);
    char body[700];
    for (unsigned i = 1; i < 3000; i++) {
        size_t size = i * 37 % sizeof body;
        memset(body, (int)(i % 251), size);
        uint64_t number;
        struct str got;
        CHECK(ring_push(pair.producer, STR("head"), str_of(body, size), &number) == OK);
        CHECK(number == i);
        buf_reset(&pair.out);
        CHECK(ring_next(pair.consumer, &cursor, &pair.out, &got) == OK);
        CHECK(cursor.number == i && got.size == size + 4);
        CHECK(str_starts(got, STR("head")) && memcmp(got.data + 4, body, size) == 0);
        CHECK(ring_next(pair.consumer, &cursor, &pair.out, &got) == ERR_AGAIN);
        ring_release(pair.consumer, &cursor);
    }
    CHECK(ring_is_empty(pair.producer));
    pair_free(&pair);
}

TEST(a_full_ring_says_again_until_something_is_released)
{
    struct pair pair = pair_new();
    char body[1000] = {0};
    uint64_t number;
    struct str got;
    struct ring_cursor cursor = ring_cursor(pair.consumer);
    for (int i = 0; i < 4; i++) {
        CHECK(ring_push(pair.producer, STR(""), str_of(body, sizeof body), &number) == OK);
    }
    CHECK(ring_push(pair.producer, STR(""), str_of(body, sizeof body), &number) == ERR_AGAIN);
    CHECK(ring_next(pair.consumer, &cursor, &pair.out, &got) == OK);
    CHECK(ring_push(pair.producer, STR(""), str_of(body, sizeof body), &number) == ERR_AGAIN);
    ring_release(pair.consumer, &cursor);
    CHECK(ring_push(pair.producer, STR(""), str_of(body, sizeof body), &number) == OK);
    CHECK(number == 5);
    static const char large[CAPACITY / 2];
    CHECK(ring_push(pair.producer, STR(""), str_of(large, sizeof large), &number) == ERR_LIMIT);
    pair_free(&pair);
}

/* A consumer that dies before releasing finds the same entries again. */
TEST(what_was_not_released_is_read_again)
{
    struct pair pair = pair_new();
    uint64_t number;
    struct str got;
    CHECK(ring_push(pair.producer, STR("a"), STR("1"), &number) == OK);
    CHECK(ring_push(pair.producer, STR("a"), STR("2"), &number) == OK);
    struct ring_cursor cursor = ring_cursor(pair.consumer);
    CHECK(ring_next(pair.consumer, &cursor, &pair.out, &got) == OK);
    ring_release(pair.consumer, &cursor);
    CHECK(ring_next(pair.consumer, &cursor, &pair.out, &got) == OK);
    cursor = ring_cursor(pair.consumer);
    CHECK(ring_next(pair.consumer, &cursor, &pair.out, &got) == OK);
    CHECK(str_equal(got, STR("a2")) && cursor.number == 2);
    pair_free(&pair);
}

TEST(a_hostile_producer_cannot_lead_the_consumer_astray)
{
    for (unsigned seed = 1; seed < 20000; seed++) {
        struct pair pair = pair_new();
        uint64_t number;
        CHECK(ring_push(pair.producer, STR("abc"), STR("def"), &number) == OK);
        srand(seed);
        for (int i = 0; i < 3; i++) {
            size_t at = rand() % 2 == 0 ? 64 + (size_t)rand() % 16 : 4096 + (size_t)rand() % 24;
            ((char *)pair.memory)[at] = (char)rand();
        }
        struct ring_cursor cursor = ring_cursor(pair.consumer);
        struct str got;
        for (int i = 0; i < 300; i++) {
            buf_reset(&pair.out);
            if (ring_next(pair.consumer, &cursor, &pair.out, &got) != OK) {
                break;
            }
        }
        ring_restart(pair.consumer, &cursor);
        pair_free(&pair);
    }
}

/* The consumer knows by its number whether an entry is stored already. */
TEST(a_hostile_producer_cannot_make_its_successor_use_a_number_twice)
{
    static const uint64_t lies[] = {0, 1, 2, (uint64_t)1 << 63, UINT64_MAX - 1, UINT64_MAX};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct pair pair = pair_new();
        struct ring_cursor cursor = ring_cursor(pair.consumer);
        struct str got;
        uint64_t number;
        for (int n = 1; n <= 5; n++) {
            CHECK(ring_push(pair.producer, STR("a"), STR("b"), &number) == OK);
            CHECK(ring_next(pair.consumer, &cursor, &pair.out, &got) == OK);
        }
        ring_release(pair.consumer, &cursor);
        memcpy((char *)pair.memory + 72, &lies[i], sizeof lies[i]);
        CHECK(ring_push(pair.producer, STR("a"), STR("b"), &number) == OK);
        CHECK(ring_next(pair.consumer, &cursor, &pair.out, &got) == ERR_CORRUPT);
        ring_restart(pair.consumer, &cursor);
        for (int n = 0; n < 3; n++) {
            CHECK(ring_push(pair.producer, STR("c"), STR("d"), &number) == OK);
            CHECK(ring_next(pair.consumer, &cursor, &pair.out, &got) == OK);
            CHECK(number == 6 + (uint64_t)n && cursor.number == number);
        }
        pair_free(&pair);
    }
}
