/* A real spine over an archive in a folder, with us in front's place: honest, careless, hostile.
 * Whatever front leaves in the ring, core goes on, and an honest successor is served. */

#include "serve/spine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "event/builder.h"
#include "testing/testing.h"

#define RING_CAPACITY ((size_t)1 << 20)

struct tower {
    struct spine *spine;
    struct ring *front; /* the producer's side of the same memory */
    char *ring_memory, *books_memory;
    struct loop *loop;
    struct timer *stop;
    int desk;
    char packet[MESSAGE_SIZE_MAX];
    uint64_t alerts, bookmark;
};

static void say(void *context, const char *line)
{
    (void)context, (void)line;
}

static void core_side_spoke(void *context, struct link *link, struct message *message, enum err err)
{
    (void)context, (void)link, (void)message, (void)err;
}

static void loop_stop_call(void *context)
{
    loop_stop(context);
}

static struct ruleset *rules_load(void)
{
    /* Long titles, so that what a batch raises is more than any message holds. */
    static const char text[] = "title: %02000u\nid: 6b1a6d0e-0000-4000-8000-00000000000%u\n"
                               "logsource: {product: x}\ndetection: {k: [fire], condition: k}\n";
    struct ruleset *ruleset;
    struct ruleset_report report;
    struct why why;
    struct buf bundle;
    struct arena *mem = arena_new((size_t)64 << 20);
    buf_init(&bundle, RULES_SIZE_MAX);
    for (unsigned i = 0; i < 10; i++) {
        char rule[sizeof text + 2000];
        char path[16];
        (void)snprintf(rule, sizeof rule, text, i, i);
        (void)snprintf(path, sizeof path, "%u.yml", i);
        CHECK(ruleset_pack(&bundle, str_from(path), str_from(rule)) == OK);
    }
    CHECK(ruleset_load(buf_str(&bundle), mem, &ruleset, &report, &why) == OK);
    CHECK(ruleset_rules(ruleset) == 10);
    buf_done(&bundle);
    arena_free(mem);
    return ruleset;
}

static void tower_grant(struct tower *tower, uint32_t client)
{
    struct scope *scope;
    struct buf encoded;
    buf_init(&encoded, 4096);
    CHECK(scope_for_test((struct client_id){client}, RIGHT_APPEND, &scope) == OK);
    CHECK(scope_encode(scope, &encoded) == OK);
    CHECK(spine_grant(tower->spine, (struct client_id){client}, 1, buf_str(&encoded)) == OK);
    scope_free(scope);
    buf_done(&encoded);
}

static struct tower *tower_new(void)
{
    struct tower *tower = calloc(1, sizeof *tower);
    char folder[512];
    char keys[512];
    int pair[2];
    (void)snprintf(folder, sizeof folder, "%s/archive", testing_folder());
    (void)snprintf(keys, sizeof keys, "%s/keys", testing_folder());
    const struct archive_options options = {
        .disk = disk_real(), .folder = folder, .keys = keys, .journal_size_max = (uint64_t)1 << 30};
    CHECK(spine_new(&tower->spine) == OK && loop_new(&tower->loop) == OK);
    tower->spine->say = say;
    CHECK(archive_open(&options, (struct wall){1}, &tower->spine->archive, NULL) == OK);
    tower->spine->ruleset = rules_load();
    tower->ring_memory = calloc(1, ring_memory_size(RING_CAPACITY));
    ring_format(tower->ring_memory, RING_CAPACITY, 77);
    CHECK(ring_attach(tower->ring_memory, ring_memory_size(RING_CAPACITY), &tower->front) == OK);
    CHECK(ring_attach(tower->ring_memory, ring_memory_size(RING_CAPACITY), &tower->spine->ring) ==
          OK);
    tower->spine->cursor = ring_cursor(tower->spine->ring);
    tower->books_memory = aligned_alloc(64, (books_memory_size() + 63) & ~(size_t)63);
    memset(tower->books_memory, 0, books_memory_size());
    books_format(tower->books_memory);
    CHECK(books_attach(tower->books_memory, books_memory_size(), &tower->spine->books) == OK);
    CHECK(timer_new(tower->loop, loop_stop_call, tower->loop, &tower->stop) == OK);
    CHECK(channel_pair(pair) == OK);
    CHECK(link_new(tower->loop, pair[0], core_side_spoke, tower, &tower->spine->desk) == OK);
    tower->desk = pair[1];
    tower_grant(tower, 7);
    tower_grant(tower, 8);
    return tower;
}

static void tower_free(struct tower *tower)
{
    struct spine *spine = tower->spine;
    archive_close(spine->archive, (struct wall){2});
    link_free(spine->desk);
    timer_free(tower->stop);
    loop_free(tower->loop);
    (void)close(tower->desk);
    ruleset_free(spine->ruleset);
    books_detach(spine->books);
    ring_detach(spine->ring);
    ring_detach(tower->front);
    for (size_t i = 0; i < spine->clients_count; i++) {
        scope_free(spine->clients[i].scope);
    }
    free(spine->clients);
    arena_free(spine->turn);
    arena_free(spine->scratch);
    buf_done(&spine->copies);
    free(spine);
    free(tower->ring_memory);
    free(tower->books_memory);
    free(tower);
}

/* What desk does, as far as core sees it. */
static void desk_listen(struct tower *tower)
{
    struct message message;
    while (message_receive(tower->desk, tower->packet, &message) == OK) {
        CHECK(message.type == MESSAGE_ALERTS);
        struct str rest = message.alerts.alerts;
        while (rest.size > 0) {
            struct alert alert;
            CHECK(alert_decode(&rest, &alert) == OK);
            tower->alerts++;
        }
        tower->bookmark = message.alerts.bookmark;
        tower->spine->outstanding--;
        message_done(&message);
    }
}

static enum err turns(struct tower *tower, int64_t at_ns)
{
    bool more = true;
    enum err err = OK;
    struct why why = {0};
    for (int i = 0; i < 1000 && err == OK && more; i++) {
        err = spine_turn(tower->spine, (struct wall){at_ns}, &more, &why);
        bool awaited = tower->spine->outstanding > 0; /* what desk confirms is a reason to turn */
        desk_listen(tower);
        timer_set(tower->stop, 0, 0); /* what waits in the link's queue goes out */
        loop_run(tower->loop);
        desk_listen(tower);
        more = more || awaited || tower->spine->outstanding > 0;
    }
    return err;
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

static void push(struct tower *tower, uint32_t client, unsigned count, struct str batch)
{
    const struct entry entry = {
        .kind = ENTRY_BATCH, .client = {client}, .source = {9}, .count = count, .batch = batch};
    char head[ENTRY_HEAD_SIZE];
    uint64_t number;
    entry_head(&entry, head);
    CHECK(ring_push(tower->front, str_of(head, sizeof head), batch, &number) == OK);
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
    push(tower, 8, 3, batch_make(builder, "an honest line", 3));
    CHECK(turns(tower, 100) == OK);
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
    struct tower *tower = tower_new();
    struct builder *builder = builder_new((struct client_id){7}, (struct source_id){9});
    push(tower, 7, EVENTS_PER_BATCH_MAX, batch_make(builder, "fire", EVENTS_PER_BATCH_MAX));
    push(tower, 7, EVENTS_PER_BATCH_MAX, batch_make(builder, "fire", EVENTS_PER_BATCH_MAX));
    CHECK(turns(tower, 10) == OK);
    CHECK(tower->alerts == 2ull * 10 * EVENTS_PER_BATCH_MAX);
    CHECK(tower->bookmark == 2ull * EVENTS_PER_BATCH_MAX + 1);
    successor_is_served(tower);
    builder_free(builder);
    tower_free(tower);
}

TEST(books_that_front_filled_do_not_stop_the_spine)
{
    struct tower *tower = tower_new();
    for (uint32_t i = 1; i <= SOURCES_MAX; i++) {
        CHECK(books_received(tower->spine->books, (struct client_id){1000 + i},
                             (struct source_id){i}, 1) == OK);
    }
    successor_is_served(tower);
    tower_free(tower);
}

TEST(a_client_that_desk_never_named_gets_no_account)
{
    struct tower *tower = tower_new();
    struct account account;
    struct builder *builder = builder_new((struct client_id){66}, (struct source_id){9});
    push(tower, 66, 2, batch_make(builder, "not mine", 2));
    CHECK(turns(tower, 10) == OK);
    CHECK(turns(tower, 10 + 6 * NS_PER_SECOND) == OK);
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
    struct tower *tower = tower_new();
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
        push(tower, 7, 1 + seed % 20, str_of(copy, batch.size));
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
        CHECK(turns(tower, 10 + seed * 10 * NS_PER_SECOND) == OK);
        CHECK(turns(tower, 16 * NS_PER_SECOND + seed * 10 * NS_PER_SECOND) == OK);
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
