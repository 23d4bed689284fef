/* With us in front's place: honest, careless, hostile.  Whatever front leaves in the ring, core
 * goes on, and an honest successor is served. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "parse/parse.h"
#include "serve/fixture_test.h"
#include "testing/testing.h"

#define RING_CAPACITY ((size_t)1 << 20) /* as in fixture_test.c */

static struct ruleset *rules_load(void)
{
    /* Long titles, so that what a batch raises is more than any message holds. */
    static const char text[] = "title: %02000u\nid: 6b1a6d0e-0000-4000-8000-00000000000%u\n"
                               "logsource: {product: x}\ndetection: {k: [fire], condition: k}\n";
    static char rules[10][sizeof text + 2000];
    const char *list[10];
    for (unsigned i = 0; i < 10; i++) {
        (void)snprintf(rules[i], sizeof rules[i], text, i, i);
        list[i] = rules[i];
    }
    return ruleset_of(list, 10);
}

/* A batch of `events` records, each the same text, as an entry of the ring. */
static struct str batch_make(struct builder *builder, const char *record, unsigned events)
{
    struct str bytes = {0};
    builder_reset(builder);
    for (unsigned i = 0; i < events; i++) {
        CHECK(builder_begin(builder, str_from(record), (struct wall){5}) == OK);
        builder_class(builder, STR("/x/"));
        CHECK(builder_end(builder) == OK);
    }
    CHECK(builder_finish(builder, &bytes) == OK);
    return bytes;
}

static uint64_t stored(const struct tower *tower, uint32_t client)
{
    return archive_next_sequence(tower->spine->archive, (struct client_id){client}) - 1;
}

/* An honest front after whatever happened; false if its entry was given up. */
static bool successor_pushes(struct tower *tower)
{
    struct builder *builder = builder_new((struct client_id){8}, (struct source_id){9});
    uint64_t before = stored(tower, 8);
    tower_push(tower, 8, 3, batch_make(builder, "an honest line", 3));
    CHECK(tower_turns(tower, 100) == OK);
    CHECK(ring_is_empty(tower->front));
    builder_free(builder);
    return stored(tower, 8) == before + 3;
}

static void successor_is_served(struct tower *tower)
{
    CHECK(successor_pushes(tower));
}

TEST(a_flood_of_alerts_stops_neither_detection_nor_the_next_sender)
{
    struct tower *tower = tower_new(rules_load);
    struct builder *builder = builder_new((struct client_id){7}, (struct source_id){9});
    tower_push(tower, 7, EVENTS_PER_BATCH_MAX, batch_make(builder, "fire", EVENTS_PER_BATCH_MAX));
    tower_push(tower, 7, EVENTS_PER_BATCH_MAX, batch_make(builder, "fire", EVENTS_PER_BATCH_MAX));
    CHECK(tower_turns(tower, 10) == OK);
    CHECK(tower->alerts == 2ull * 10 * EVENTS_PER_BATCH_MAX);
    CHECK(tower->bookmark == 2ull * EVENTS_PER_BATCH_MAX + 1);
    successor_is_served(tower);
    builder_free(builder);
    tower_free(tower);
}

TEST(a_desk_that_ends_between_two_messages_of_a_flood_is_told_nothing_twice)
{
    for (unsigned heard = 0; heard < 5; heard++) {
        struct tower *tower = tower_new(rules_load);
        struct builder *builder = builder_new((struct client_id){7}, (struct source_id){9});
        tower->keeps = true;
        tower_push(tower, 7, 400, batch_make(builder, "fire", 400));
        (void)tower_turn(tower, 10);
        for (unsigned i = 0; i < heard; i++) {
            CHECK(tower_desk_hear(tower));
        }
        CHECK(heard == 0 || (tower->kept.bookmark > 1 && tower->kept.bookmark < 401));
        tower_desk_new(tower);
        CHECK(tower_turns(tower, 20) == OK);
        CHECK(tower->kept.count == 4000 && tower->again == 0 && tower->kept.bookmark == 401);
        builder_free(builder);
        tower_free(tower);
    }
}

TEST(books_that_front_filled_do_not_stop_the_spine)
{
    struct tower *tower = tower_new(rules_load);
    for (uint32_t i = 1; i <= SOURCES_MAX; i++) {
        CHECK(books_received(tower->spine->books, (struct client_id){1000 + i},
                             (struct source_id){i}, 1, (struct wall){1}) == OK);
    }
    successor_is_served(tower);
    tower_free(tower);
}

TEST(a_client_that_desk_never_named_gets_no_account)
{
    struct tower *tower = tower_new(rules_load);
    struct account account;
    struct builder *builder = builder_new((struct client_id){66}, (struct source_id){9});
    tower_push(tower, 66, 2, batch_make(builder, "not mine", 2));
    CHECK(tower_turns(tower, 10) == OK);
    CHECK(tower_turns(tower, 10 + 6 * NS_PER_SECOND) == OK);
    CHECK(!books_account_at(tower->spine->books, 0, &account));
    CHECK(stored(tower, 66) == 0);
    successor_is_served(tower);
    builder_free(builder);
    tower_free(tower);
}

/* Bytes of the ring, of its numbers, of the books and of the batch itself are changed at random
 * before core looks. */
TEST(whatever_front_writes_core_goes_on)
{
    struct tower *tower = tower_new(rules_load);
    struct builder *builder = builder_new((struct client_id){7}, (struct source_id){9});
    char copy[65536];
    for (unsigned seed = 1; seed <= 3000; seed++) {
        srand(seed);
        struct str batch = batch_make(builder, "fire in the tower", 1 + seed % 20);
        CHECK(batch.size <= sizeof copy);
        memcpy(copy, batch.data, batch.size);
        for (int i = rand() % 4; i > 0; i--) {
            copy[(size_t)rand() % batch.size] = (char)rand();
        }
        tower_push(tower, 7, 1 + seed % 20, str_of(copy, batch.size));
        size_t numbers = 64 + (size_t)rand() % 16;
        size_t entry = 4096 + (size_t)(ring_cursor(tower->front).at % RING_CAPACITY) +
                       (size_t)rand() % (ENTRY_HEAD_SIZE + 16);
        if (seed % 3 == 0) {
            tower->ring_memory[numbers] = (char)rand();
        }
        if (seed % 5 == 0 && entry < ring_memory_size(RING_CAPACITY)) {
            tower->ring_memory[entry] = (char)rand();
        }
        if (seed % 7 == 0) {
            tower->books_memory[64 + (size_t)rand() % 1024] = (char)rand();
        }
        CHECK(tower_turns(tower, 10 + seed * 10 * NS_PER_SECOND) == OK);
        CHECK(tower_turns(tower, 16 * NS_PER_SECOND + seed * 10 * NS_PER_SECOND) == OK);
        if (seed % 50 == 0) {
            /* Numbers that were left wrong cost it one entry, no more. */
            bool first = successor_pushes(tower);
            CHECK(first || successor_pushes(tower));
            CHECK(successor_pushes(tower));
        }
    }
    builder_free(builder);
    tower_free(tower);
}

/* One for what a program was and how it was called, which no record says alone; one for a record.
 */
static struct ruleset *rules_of_linux(void)
{
    static const char *const rules[] = {
        "title: a shell with a hidden word\nid: 6b1a6d0e-0000-4000-8000-00000000000a\n"
        "logsource: {product: linux, category: process_creation}\ndetection:\n"
        "  k: {Image|endswith: /dash, CommandLine|contains: hidden}\n  condition: k\n",
        "title: a call\nid: 6b1a6d0e-0000-4000-8000-00000000000b\n"
        "logsource: {product: linux, service: auditd}\ndetection:\n"
        "  k: {type: SYSCALL, key: shells}\n  condition: k\n",
    };
    return ruleset_of(rules, 2);
}

TEST(records_of_one_audit_event_raise_alerts_as_one_and_each_alone)
{
    static const char *const records[] = {
        ("type=SYSCALL msg=audit(1763719200.120:1): arch=c000003e syscall=59 success=yes exit=0 "
         "pid=11 uid=0 comm=\"sh\" exe=\"/bin/dash\" key=\"shells\""),
        "type=EXECVE msg=audit(1763719200.120:1): argc=2 a0=\"sh\" a1=\"hidden\"",
        "type=EXECVE msg=audit(1763719200.120:2): argc=2 a0=\"sh\" a1=\"hidden\"",
    };
    struct tower *tower = tower_new(rules_of_linux);
    struct builder *builder = builder_new((struct client_id){7}, (struct source_id){9});
    const struct parse_context context = {.received = {5}};
    const struct parser *parser;
    struct str bytes;
    CHECK(parser_find(STR("auto"), &parser) == OK);
    builder_reset(builder);
    for (size_t i = 0; i < 3; i++) {
        CHECK(builder_begin(builder, str_from(records[i]), context.received) == OK);
        parse_record(parser, &context, builder);
        CHECK(builder_end(builder) == OK);
    }
    CHECK(builder_finish(builder, &bytes) == OK);
    tower_push(tower, 7, 3, bytes);
    CHECK(tower_turns(tower, 10) == OK);
    CHECK(tower->alerts == 2);
    CHECK(stored(tower, 7) == 3);
    builder_free(builder);
    tower_free(tower);
}
