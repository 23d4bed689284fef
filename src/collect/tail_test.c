/* Files that grow, are renamed, cut off and read again by somebody who comes after a crash. Whoever
 * keeps positions is the test; what is committed is known by its key, as the archive knows it. */

#include "collect/private.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "testing/testing.h"

#define KEYS_MAX 4096

static struct shelf {
    struct loop *loop;
    struct collect *collect;
    struct timer *stop, *commit;
    char path[256];
    struct followed kept; /* what is "on disk" of the one file */
    uint64_t number;      /* to be kept at the next commit */
    struct followed told;
    uint64_t batches, committed, rejects[REJECT_REASON_COUNT];
    enum commit_result results[KEYS_MAX];
    struct batch_key keys[KEYS_MAX];
    size_t keys_count;
    struct buf records; /* each with an LF */
    bool full, crash_before_kept, crash_before_commit;
} shelf;

static enum err batch_keep(void *context, struct str bytes, struct client_id client,
                           struct source_id source, uint32_t events, uint64_t *ret_position)
{
    struct batch batch;
    (void)context, (void)client;
    if (shelf.full) {
        return ERR_AGAIN;
    }
    struct arena *mem = arena_new(64 << 20);
    CHECK(batch_check(bytes, mem, &batch, NULL) == OK && batch.events == events);
    CHECK(batch_key_given(&batch.key) && source.value == 7);
    /* A position is on disk before its bytes are handed over. */
    CHECK(shelf.kept.cut > shelf.kept.offset);
    enum commit_result result = COMMIT_STORED;
    for (size_t i = 0; i < shelf.keys_count; i++) {
        if (memcmp(shelf.keys[i].hash, batch.key.hash, sizeof batch.key.hash) == 0) {
            result = shelf.keys[i].digest == batch.key.digest ? COMMIT_DUPLICATE : COMMIT_CONFLICT;
        }
    }
    CHECK(result != COMMIT_CONFLICT && shelf.keys_count < KEYS_MAX);
    shelf.keys[shelf.keys_count++] = batch.key;
    for (uint32_t i = 0; i < events && result == COMMIT_STORED; i++) {
        struct event event;
        batch_event(&batch, i, &event);
        CHECK(buf_append(&shelf.records, event.record) == OK);
        CHECK(buf_append(&shelf.records, STR("\n")) == OK);
    }
    arena_free(mem);
    shelf.results[shelf.batches++] = result;
    *ret_position = shelf.batches;
    return OK;
}

static enum err reject_count(void *context, struct client_id client, struct source_id source,
                             enum reject_reason reason, uint64_t count)
{
    (void)context, (void)client, (void)source;
    shelf.rejects[reason] += count;
    return OK;
}

static void record_parse(void *context, const struct binding *binding, struct str sender,
                         struct wall received, struct builder *builder)
{
    (void)context, (void)binding, (void)sender, (void)received, (void)builder;
}

static enum err positions_take(void *context, uint64_t number, struct str positions)
{
    (void)context;
    CHECK(shelf.number == 0);
    CHECK(position_decode(positions, 0, &shelf.told) && shelf.told.id == 1);
    CHECK(!position_decode(positions, 1, &(struct followed){0}));
    shelf.number = number;
    return OK;
}

static void commit(void *context)
{
    (void)context;
    if (shelf.number != 0 && !shelf.crash_before_kept) {
        uint64_t number = shelf.number;
        shelf.number = 0;
        shelf.kept = shelf.told;
        collect_positions_kept(shelf.collect, number);
    }
    if (shelf.committed < shelf.batches && !shelf.crash_before_commit) {
        struct commit_exception exception = {shelf.batches, shelf.results[shelf.batches - 1]};
        shelf.committed = shelf.batches;
        collect_committed(shelf.collect, shelf.committed, &exception,
                          exception.result == COMMIT_STORED ? 0 : 1);
    }
}

static void stop(void *context)
{
    (void)context;
    loop_stop(shelf.loop);
}

static void run_ms(unsigned ms)
{
    timer_set(shelf.stop, ms, 0);
    loop_run(shelf.loop);
}

static void reader_up(void)
{
    const struct collect_calls calls = {.parse = record_parse,
                                        .batch = batch_keep,
                                        .reject = reject_count,
                                        .positions = positions_take};
    struct followed file = shelf.kept;
    int descriptor = open(shelf.path, O_RDONLY);
    file.id = 1;
    file.path = str_from(shelf.path);
    file.epoch = file.epoch != 0 ? file.epoch : 1;
    CHECK(loop_new(&shelf.loop) == OK);
    CHECK(collect_new(shelf.loop, &calls, &shelf.collect) == OK);
    CHECK(timer_new(shelf.loop, stop, NULL, &shelf.stop) == OK);
    CHECK(timer_new(shelf.loop, commit, NULL, &shelf.commit) == OK);
    CHECK(collect_listen(shelf.collect, STR("files"), COLLECT_FILES, -1, NULL) == OK);
    struct arena *mem = arena_new(1 << 20);
    struct binding *list = ARENA_ARRAY(mem, struct binding, 3);
    list[0] = (struct binding){.client = {1}, .source = {1}, .listener = STR("files")};
    list[0].unknown_senders = true;
    list[1] = (struct binding){.client = {2}, .source = {6}, .listener = STR("files")};
    list[1].path = STR("/*/other/*");
    list[2] = (struct binding){.client = {2}, .source = {7}, .listener = STR("files")};
    list[2].path = STR("/tmp/*/app.*");
    const struct bindings bindings = {.generation = 1, .list = list, .count = 3};
    CHECK(collect_adopt(shelf.collect, mem, &bindings, NULL) == OK);
    CHECK(collect_follow(shelf.collect, STR("files"), &file, descriptor) == OK);
    shelf.number = 0;
    shelf.committed = shelf.batches;
    timer_set(shelf.commit, 1, 1);
}

static void reader_down(void)
{
    collect_free(shelf.collect);
    timer_free(shelf.commit);
    timer_free(shelf.stop);
    loop_free(shelf.loop);
}

static void shelf_up(void)
{
    memset(&shelf, 0, sizeof shelf);
    buf_init(&shelf.records, 64 << 20);
    (void)snprintf(shelf.path, sizeof shelf.path, "%s/app.log", testing_folder());
    CHECK(str_starts(str_from(shelf.path), STR("/tmp/")));
    testing_write(shelf.path, "", 0);
    reader_up();
}

static void shelf_down(void)
{
    reader_down();
    buf_done(&shelf.records);
}

static void add(struct str text)
{
    FILE *file = fopen(shelf.path, "ab");
    CHECK(file != NULL && fwrite(text.data, 1, text.size, file) == text.size);
    CHECK(fclose(file) == 0);
}

/* Waits for it. */
static void records_are(struct str expected)
{
    for (int i = 0; i < 200 && shelf.records.size < expected.size; i++) {
        run_ms(10);
    }
    run_ms(10);
    if (!str_equal(buf_str(&shelf.records), expected)) {
        (void)fprintf(stderr, "records: '%.*s'\n", STR_ARG(buf_str(&shelf.records)));
    }
    CHECK(str_equal(buf_str(&shelf.records), expected));
}

TEST(lines_are_read_as_they_are_written_and_the_last_waits_for_its_end)
{
    shelf_up();
    add(STR("one\r\ntwo\n\nthr"));
    records_are(STR("one\ntwo\n"));
    run_ms(300);
    records_are(STR("one\ntwo\n"));
    add(STR("ee\n"));
    records_are(STR("one\ntwo\nthree\n"));
    CHECK(shelf.kept.offset > 0);
    run_ms(50);
    CHECK(shelf.kept.offset == 16);
    shelf_down();
}

TEST(whoever_comes_after_a_crash_stores_no_line_twice_and_none_never)
{
    for (int when = 0; when < 3; when++) {
        shelf_up();
        add(STR("one\ntwo\n"));
        records_are(STR("one\ntwo\n"));
        run_ms(50);
        shelf.crash_before_kept = when == 0;
        shelf.crash_before_commit = when == 1;
        shelf.full = when == 2;
        add(STR("three\nfour\n"));
        run_ms(500);
        add(STR("five\n")); /* a batch that is cut anew would hold this too */
        reader_down();
        shelf.crash_before_kept = shelf.crash_before_commit = shelf.full = false;
        reader_up();
        records_are(STR("one\ntwo\nthree\nfour\nfive\n"));
        shelf_down();
    }
}

TEST(a_file_that_was_cut_off_is_read_from_its_beginning)
{
    shelf_up();
    add(STR("one\ntwo\n"));
    records_are(STR("one\ntwo\n"));
    run_ms(50);
    testing_write(shelf.path, "three\n", 6);
    records_are(STR("one\ntwo\nthree\n"));
    run_ms(50);
    /* As long as before, or longer, is no excuse. */
    testing_write(shelf.path, "other\nlines\n", 12);
    records_are(STR("one\ntwo\nthree\nother\nlines\n"));
    run_ms(50);
    /* And the same once more is another epoch's, not a resend. */
    testing_write(shelf.path, "", 0);
    run_ms(300);
    testing_write(shelf.path, "other\nlines\n", 12);
    records_are(STR("one\ntwo\nthree\nother\nlines\nother\nlines\n"));
    shelf_down();
}

TEST(what_is_to_be_read_again_and_is_gone_does_not_stop_what_follows)
{
    shelf_up();
    add(STR("one\n"));
    records_are(STR("one\n"));
    run_ms(50);
    shelf.full = true;
    add(STR("two\n"));
    run_ms(400);
    reader_down();
    testing_write(shelf.path, "x\n", 2);
    shelf.full = false;
    reader_up();
    records_are(STR("one\nx\n"));
    shelf_down();
}

TEST(a_line_over_the_limit_is_counted_and_passed_over)
{
    shelf_up();
    size_t size = RECORD_SIZE_MAX + 10;
    char *large = malloc(size);
    memset(large, 'x', size);
    add(STR("one\n"));
    add(str_of(large, size));
    add(STR("\ntwo\n"));
    records_are(STR("one\ntwo\n"));
    run_ms(20);
    CHECK(shelf.rejects[REJECT_TOO_LONG] == 1);
    /* One that just fits is kept. */
    shelf.records.size = 0;
    add(str_of(large, RECORD_SIZE_MAX));
    add(STR("\n"));
    for (int i = 0; i < 100 && shelf.records.size == 0; i++) {
        run_ms(20);
    }
    CHECK(shelf.records.size == RECORD_SIZE_MAX + 1);
    free(large);
    shelf_down();
}

TEST(many_lines_arrive_whole_and_in_order)
{
    struct buf text;
    shelf_up();
    buf_init(&text, 16 << 20);
    for (unsigned i = 0; i < 60000; i++) {
        CHECK(buf_print(&text, "line %u of a file that somebody writes\n", i) == OK);
    }
    add(buf_str(&text));
    records_are(buf_str(&text));
    CHECK(shelf.batches >= 60000 / EVENTS_PER_BATCH_MAX);
    buf_done(&text);
    shelf_down();
}

TEST(positions_that_are_none_are_refused)
{
    struct followed position;
    char text[POSITION_SIZE];
    memset(text, 0xff, sizeof text);
    CHECK(!position_decode(str_of(text, sizeof text), 0, &position));
    CHECK(!position_decode(str_of(text, sizeof text - 1), 0, &position));
    memset(text, 0, sizeof text);
    CHECK(position_decode(str_of(text, sizeof text), 0, &position));
}
