/* Writing, recovery and reading again, on the real disk.  Faults of the disk: torture_test.c;
 * heads and damage: verify_test.c. */

#include "archive/archive.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/fixture_test.h"
#include "archive/private.h"
#include "base/limits.h"
#include "event/builder.h"
#include "sys/random.h"
#include "testing/testing.h"

TEST(what_was_committed_reads_back_byte_for_byte)
{
    struct fixture *fixture = fixture_new();
    fixture_open(fixture);
    CHECK(fixture_append(fixture, 7, 70, 3) == 1);
    CHECK(fixture_append(fixture, 8, 80, 2) == 1);
    CHECK(fixture_append(fixture, 7, 71, 1) == 4);
    CHECK(archive_next_sequence(fixture->archive, (struct client_id){7}) == 1);
    CHECK(archive_commit(fixture->archive) == OK);
    CHECK(archive_next_sequence(fixture->archive, (struct client_id){7}) == 5);
    CHECK(archive_stored(fixture->archive, (struct source_id){70}) == 3);
    CHECK(archive_stored(fixture->archive, (struct source_id){71}) == 1);
    CHECK(fixture_read(fixture, 7) == 4);
    CHECK(fixture_read(fixture, 8) == 2);
    CHECK(fixture_search(fixture, 7) == 4);

    fixture_reopen(fixture);
    CHECK(archive_next_sequence(fixture->archive, (struct client_id){7}) == 5);
    CHECK(archive_stored(fixture->archive, (struct source_id){80}) == 2);
    CHECK(fixture_append(fixture, 7, 70, 2) == 5);
    CHECK(archive_commit(fixture->archive) == OK);
    CHECK(fixture_read(fixture, 7) == 6);
    CHECK(fixture_search(fixture, 8) == 2);
    fixture_free(fixture);
}

TEST(what_was_not_committed_is_not_there)
{
    struct fixture *fixture = fixture_new();
    fixture_open(fixture);
    CHECK(fixture_append(fixture, 7, 70, 3) == 1);
    CHECK(fixture_read(fixture, 7) == 0);
    fixture_reopen(fixture);
    CHECK(archive_next_sequence(fixture->archive, (struct client_id){7}) == 1);
    CHECK(fixture_append(fixture, 7, 70, 3) == 1);
    CHECK(archive_commit(fixture->archive) == OK);
    fixture_free(fixture);
}

TEST(a_full_journal_is_followed_by_the_next_and_all_of_them_are_read)
{
    struct fixture *fixture = fixture_new();
    fixture->journal_size_max = 2000;
    fixture_open(fixture);
    for (unsigned i = 0; i < 40; i++) {
        CHECK(fixture_append(fixture, 7 + i % 2, 70, 5) == 1 + (i / 2) * 5);
        CHECK(archive_commit(fixture->archive) == OK);
    }
    CHECK(fixture_file_exists(fixture, "archive/0000000009.journal"));
    CHECK(fixture_read(fixture, 7) == 100);
    CHECK(fixture_search(fixture, 8) == 100);
    fixture_reopen(fixture);
    CHECK(fixture_read(fixture, 7) == 100);
    CHECK(fixture_append(fixture, 8, 70, 5) == 101);
    fixture_free(fixture);
}

TEST(reading_starts_anywhere_and_past_the_end_is_not_found)
{
    struct fixture *fixture = fixture_new();
    fixture_open(fixture);
    for (unsigned i = 0; i < 10; i++) {
        CHECK(fixture_append(fixture, 7, 70, 5) == 1 + i * 5);
    }
    CHECK(archive_commit(fixture->archive) == OK);
    struct batch batch;
    struct place first;
    for (uint64_t sequence = 50; sequence >= 1; sequence--) {
        arena_reset(fixture->mem);
        CHECK(archive_read(fixture->scope, fixture->archive, (struct client_id){7}, sequence,
                           fixture->mem, &batch, &first, NULL) == OK);
        CHECK(first.sequence <= sequence && sequence < first.sequence + batch.events);
    }
    CHECK(archive_read(fixture->scope, fixture->archive, (struct client_id){7}, 51, fixture->mem,
                       &batch, &first, NULL) == ERR_NOT_FOUND);
    CHECK(archive_read(fixture->scope, fixture->archive, (struct client_id){9}, 1, fixture->mem,
                       &batch, &first, NULL) == ERR_NOT_FOUND);
    fixture_free(fixture);
}

TEST(a_torn_tail_is_set_aside_at_any_length_and_nothing_before_it_is_lost)
{
    struct fixture *fixture = fixture_new();
    fixture_open(fixture);
    CHECK(fixture_append(fixture, 7, 70, 3) == 1);
    CHECK(archive_commit(fixture->archive) == OK);
    size_t kept = fixture_size(fixture, "archive/0000000001.journal");
    CHECK(fixture_append(fixture, 7, 70, 2) == 4);
    CHECK(archive_commit(fixture->archive) == OK);
    fixture_crash(fixture);
    size_t size;
    char *whole = testing_read(fixture_path(fixture, "archive/0000000001.journal"), &size);
    for (size_t cut = kept; cut < size; cut += 1 + (size - kept) / 37) {
        testing_write(fixture_path(fixture, "archive/0000000001.journal"), whole, cut);
        fixture_open(fixture);
        CHECK(archive_next_sequence(fixture->archive, (struct client_id){7}) == 4);
        CHECK(fixture_read(fixture, 7) == 3);
        CHECK(fixture_size(fixture, "archive/0000000001.journal") == kept);
        fixture_crash(fixture);
    }
    CHECK(fixture_file_exists(fixture, "archive/debris/0000000001-0000000000.debris") == false);
    fixture_open(fixture);
    CHECK(fixture_append(fixture, 7, 70, 2) == 4);
    CHECK(archive_commit(fixture->archive) == OK);
    CHECK(fixture_read(fixture, 7) == 5);
    free(whole);
    fixture_free(fixture);
}

TEST(a_damaged_frame_in_the_middle_costs_only_itself)
{
    struct fixture *fixture = fixture_new();
    fixture_open(fixture);
    size_t at[5];
    for (unsigned i = 0; i < 5; i++) {
        at[i] = i == 0 ? 0 : fixture_size(fixture, "archive/0000000001.journal");
        CHECK(fixture_append(fixture, 7, 70, 4) == 1 + 4 * i);
        CHECK(archive_commit(fixture->archive) == OK);
    }
    fixture_crash(fixture);
    testing_flip(fixture_path(fixture, "archive/0000000001.journal"), at[2] + 100, 4);
    testing_flip(fixture_path(fixture, "archive/0000000001.journal"), at[3] + 350, 4);
    fixture_open(fixture);
    CHECK(archive_next_sequence(fixture->archive, (struct client_id){7}) == 21);
    CHECK(fixture_search(fixture, 7) == 12);
    struct batch batch;
    struct place first;
    CHECK(archive_read(fixture->scope, fixture->archive, (struct client_id){7}, 9, fixture->mem,
                       &batch, &first, NULL) == ERR_CORRUPT);
    CHECK(first.sequence == 17);
    CHECK(archive_read(fixture->scope, fixture->archive, (struct client_id){7}, 17, fixture->mem,
                       &batch, &first, NULL) == OK);
    CHECK(first.sequence == 17 && batch.events == 4);
    CHECK(fixture_append(fixture, 7, 70, 1) == 21);
    fixture_free(fixture);
}

/* The last frame is acknowledged and under a signature: its damage is no torn tail. */
TEST(numbers_that_a_head_covers_are_never_given_again)
{
    struct fixture *fixture = fixture_new();
    fixture_open(fixture);
    CHECK(fixture_append(fixture, 7, 70, 4) == 1);
    CHECK(archive_commit(fixture->archive) == OK);
    size_t at = fixture_size(fixture, "archive/0000000001.journal");
    CHECK(fixture_append(fixture, 7, 70, 4) == 5);
    CHECK(archive_commit(fixture->archive) == OK);
    fixture_close(fixture);
    testing_flip(fixture_path(fixture, "archive/0000000001.journal"), at, 1);
    fixture_open(fixture);
    CHECK(archive_next_sequence(fixture->archive, (struct client_id){7}) == 9);
    CHECK(fixture_append(fixture, 7, 70, 1) == 9);
    CHECK(archive_commit(fixture->archive) == OK);
    fixture_reopen(fixture);
    CHECK(archive_next_sequence(fixture->archive, (struct client_id){7}) == 10);
    CHECK(fixture_search(fixture, 7) == 5);
    fixture_free(fixture);
}

TEST(a_resend_is_known_before_and_after_a_crash_and_for_a_day)
{
    struct fixture *fixture = fixture_new();
    struct batch_key key = {.hash = {1, 2, 3}, .digest = 5, .part = 1, .parts = 2};
    struct place first;
    fixture_open(fixture);
    CHECK(fixture_offer(fixture, 7, 70, 4, &key, 1, &first) == OK);
    CHECK(fixture_offer(fixture, 7, 70, 4, &key, 2, &first) == ERR_AGAIN);
    CHECK(archive_commit(fixture->archive) == OK);
    for (int life = 0; life < 3; life++) {
        first.sequence = 0;
        CHECK(fixture_offer(fixture, 7, 70, 4, &key, 3, &first) == ERR_EXISTS);
        CHECK(first.sequence == 1 && first.client.value == 7);
        struct batch_key other = key;
        other.digest = 6;
        CHECK(fixture_offer(fixture, 7, 70, 4, &other, 3, &first) == ERR_CONFLICT);
        /* What was stored is told from a resend, which left no trace. */
        CHECK(archive_holds(fixture->archive, (struct ring_place){99, 1}, &first));
        CHECK(first.sequence == 1 && first.client.value == 7);
        CHECK(!archive_holds(fixture->archive, (struct ring_place){99, 3}, &first));
        CHECK(!archive_holds(fixture->archive, (struct ring_place){98, 1}, &first));
        fixture_crash(fixture);
        fixture_open(fixture);
    }
    struct batch_key part = key;
    part.part = 0;
    CHECK(fixture_offer(fixture, 7, 70, 4, &part, 4, &first) == OK);
    CHECK(fixture_offer(fixture, 7, 71, 4, &key, 5, &first) == OK);
    CHECK(fixture_offer(fixture, 8, 70, 4, &key, 6, &first) == OK);
    CHECK(archive_commit(fixture->archive) == OK);
    CHECK(archive_holds(fixture->archive, (struct ring_place){99, 6}, &first));
    CHECK(first.sequence == 1 && first.client.value == 8);
    fixture->now.ns += (IDEMPOTENCY_SECONDS + 1) * NS_PER_SECOND;
    CHECK(fixture_offer(fixture, 7, 70, 4, &key, 7, &first) == OK);
    fixture_free(fixture);
}

TEST(without_the_right_nothing_is_added_or_read)
{
    struct fixture *fixture = fixture_new();
    fixture_open(fixture);
    CHECK(fixture_append(fixture, 7, 70, 3) == 1);
    CHECK(archive_commit(fixture->archive) == OK);
    struct scope *all = fixture->scope;
    struct scope *other;
    CHECK(scope_for_test((struct client_id){8}, RIGHT_APPEND | RIGHT_READ, &other) == OK);
    fixture->scope = other;
    struct place first;
    struct batch batch;
    struct buf grant;
    int descriptor;
    struct reader *reader;
    buf_init(&grant, 4096);
    CHECK(fixture_offer(fixture, 7, 70, 4, NULL, 3, &first) == ERR_DENIED);
    CHECK(archive_read(other, fixture->archive, (struct client_id){7}, 1, fixture->mem, &batch,
                       &first, NULL) == ERR_DENIED);
    struct lend_cursor cursor = {0};
    const struct lend_span span = {0, {INT64_MIN}, {INT64_MAX}};
    CHECK(archive_lend(other, fixture->archive, (struct client_id){7}, &span, &cursor, &descriptor,
                       &grant) == ERR_DENIED);
    CHECK(archive_generation(other, fixture->archive, (struct client_id){7}, STR("rules"),
                             STR("00")) == ERR_DENIED);
    CHECK(reader_open(other, disk_real(), fixture_path(fixture, "archive"), fixture->keys,
                      (struct client_id){7}, &reader, NULL) == ERR_DENIED);
    fixture->scope = all;
    scope_free(other);
    fixture_free(fixture);
}

struct counted {
    uint64_t count;
};

static enum err count_event(void *context, struct place place, const struct event *event)
{
    struct counted *counted = context;
    counted->count++;
    return place.sequence != 0 && event->record.size > 0 ? OK : ERR_CORRUPT;
}

TEST(a_worker_reads_what_it_was_lent_and_nothing_of_another_client)
{
    struct fixture *fixture = fixture_new();
    fixture->journal_size_max = 1500;
    fixture_open(fixture);
    for (unsigned i = 0; i < 10; i++) {
        (void)fixture_append(fixture, 7 + i % 2, 70, 4);
        CHECK(archive_commit(fixture->archive) == OK);
    }
    struct reader *reader;
    CHECK(reader_new(&reader) == OK);
    struct buf grant;
    buf_init(&grant, 4096);
    size_t lent = 0;
    struct lend_cursor cursor = {0};
    const struct lend_span span = {0, {INT64_MIN}, {INT64_MAX}};
    for (;; lent++) {
        int descriptor;
        buf_reset(&grant);
        enum err err = archive_lend(fixture->scope, fixture->archive, (struct client_id){7}, &span,
                                    &cursor, &descriptor, &grant);
        if (err == ERR_NOT_FOUND) {
            break;
        }
        CHECK(err == OK);
        CHECK((fcntl(descriptor, F_GETFL) & O_ACCMODE) == O_RDONLY);
        CHECK(reader_add(reader, descriptor, buf_str(&grant), NULL) == OK);
    }
    CHECK(lent > 1);
    /* Written after the loan: not seen. */
    (void)fixture_append(fixture, 7, 70, 4);
    CHECK(archive_commit(fixture->archive) == OK);
    struct counted counted = {0};
    CHECK(reader_search(fixture->scope, reader, (struct client_id){7}, NULL, (struct wall){0},
                        (struct wall){INT64_MAX}, count_event, &counted, NULL) == OK);
    CHECK(counted.count == 20);
    CHECK(reader_search(fixture->scope, reader, (struct client_id){8}, NULL, (struct wall){0},
                        (struct wall){INT64_MAX}, count_event, &counted, NULL) == ERR_DENIED);
    reader_close(reader);
    buf_done(&grant);
    fixture_free(fixture);
}

/* Everything of client 7 from a place on. */
static struct reader *lent_from(struct fixture *fixture, uint64_t from, size_t *ret_journals)
{
    struct reader *reader;
    struct buf grant;
    size_t lent = 0;
    struct lend_cursor cursor = {0};
    const struct lend_span span = {from, {INT64_MIN}, {INT64_MAX}};
    CHECK(reader_new(&reader) == OK);
    buf_init(&grant, 4096);
    for (;; lent++) {
        int descriptor;
        buf_reset(&grant);
        enum err err = archive_lend(fixture->scope, fixture->archive, (struct client_id){7}, &span,
                                    &cursor, &descriptor, &grant);
        if (err == ERR_NOT_FOUND) {
            break;
        }
        CHECK(err == OK && reader_add(reader, descriptor, buf_str(&grant), NULL) == OK);
    }
    buf_done(&grant);
    *ret_journals = lent;
    return reader;
}

TEST(what_lies_before_the_place_that_is_wanted_is_not_lent)
{
    struct fixture *fixture = fixture_new();
    fixture->journal_size_max = 20000;
    fixture_open(fixture);
    for (unsigned i = 0; i < 200; i++) {
        (void)fixture_append(fixture, 7 + i % 2, 70, 3);
        CHECK(archive_commit(fixture->archive) == OK);
    }
    const uint64_t froms[] = {0, 1, 2, 4, 150, 299, 300, 4000};
    size_t before = SIZE_MAX;
    for (size_t i = 0; i < sizeof froms / sizeof *froms; i++) {
        size_t journals;
        struct counted all = {0}, one = {0};
        struct reader *reader = lent_from(fixture, froms[i], &journals);
        uint64_t wanted = froms[i] == 0 ? 1 : froms[i];
        CHECK(journals > 0 && journals <= before);
        CHECK(reader_search(fixture->scope, reader, (struct client_id){7}, NULL, (struct wall){0},
                            (struct wall){INT64_MAX}, count_event, &all, NULL) == OK);
        CHECK(all.count >= 301 - (wanted < 301 ? wanted : 301));
        CHECK(all.count < 301 - (wanted < 301 ? wanted : 300) + 3);
        CHECK(reader_fetch(fixture->scope, reader, (struct client_id){7}, &wanted, 1, count_event,
                           &one, NULL) == OK);
        CHECK(one.count == (wanted <= 300));
        before = journals;
        reader_close(reader);
    }
    CHECK(before == 1);
    fixture_free(fixture);
}

static enum err frame_counted(void *context)
{
    ((struct counted *)context)->count++;
    return OK;
}

TEST(a_search_by_arrival_opens_no_frame_that_was_made_long_before)
{
    struct fixture *fixture = fixture_new();
    fixture_open(fixture);
    for (unsigned i = 0; i < 10; i++) {
        (void)fixture_append(fixture, 7, 70, 3);
        CHECK(archive_commit(fixture->archive) == OK);
        fixture->now.ns += 1800 * NS_PER_SECOND;
    }
    size_t journals;
    struct counted frames = {0}, found = {0};
    struct reader *reader = lent_from(fixture, 0, &journals);
    reader_heed(reader, frame_counted, &frames);
    /* Nobody's clock is trusted for an hour: of ten frames, half an hour apart, the last five. */
    struct wall from = {fixture->now.ns - 3 * 1800 * NS_PER_SECOND};
    CHECK(reader_search_arrival(fixture->scope, reader, (struct client_id){7}, NULL, from,
                                (struct wall){INT64_MAX}, count_event, &found, NULL) == OK);
    CHECK(frames.count == 5);
    reader_close(reader);
    fixture_free(fixture);
}

TEST(a_client_who_never_sent_anything_has_no_events_and_needs_no_key)
{
    struct fixture *fixture = fixture_new();
    fixture_open(fixture);
    (void)fixture_append(fixture, 7, 70, 4);
    CHECK(archive_commit(fixture->archive) == OK);
    fixture_crash(fixture);
    struct reader *reader;
    struct counted counted = {0};
    struct wall from = {0};
    struct wall to = {INT64_MAX};
    CHECK(reader_open(fixture->scope, disk_real(), fixture_path(fixture, "archive"), fixture->keys,
                      (struct client_id){8}, &reader, NULL) == OK);
    CHECK(reader_search(fixture->scope, reader, (struct client_id){8}, NULL, from, to, count_event,
                        &counted, NULL) == OK);
    CHECK(counted.count == 0);
    reader_close(reader);
    CHECK(reader_open(fixture->scope, disk_real(), fixture_path(fixture, "archive"), "/nowhere",
                      (struct client_id){7}, &reader, NULL) != OK);
    fixture_free(fixture);
}

TEST(a_reader_fetches_by_number_and_searches_by_time_and_words)
{
    struct fixture *fixture = fixture_new();
    fixture_open(fixture);
    for (unsigned i = 0; i < 5; i++) {
        fixture->now.ns += NS_PER_SECOND;
        (void)fixture_append(fixture, 7, 70, 4);
    }
    CHECK(archive_commit(fixture->archive) == OK);
    fixture_crash(fixture);
    struct reader *reader;
    CHECK(reader_open(fixture->scope, disk_real(), fixture_path(fixture, "archive"), fixture->keys,
                      (struct client_id){7}, &reader, NULL) == OK);
    struct counted counted = {0};
    const uint64_t wanted[] = {2, 3, 11, 20, 21};
    CHECK(reader_fetch(fixture->scope, reader, (struct client_id){7}, wanted, 5, count_event,
                       &counted, NULL) == OK);
    CHECK(counted.count == 4);
    counted.count = 0;
    struct wall to = fixture->now;
    struct wall from = {to.ns - 2 * NS_PER_SECOND};
    CHECK(reader_search(fixture->scope, reader, (struct client_id){7}, NULL, from, to, count_event,
                        &counted, NULL) == OK);
    CHECK(counted.count == 8);
    struct query *query;
    CHECK(query_parse(STR("\"number 3\""), &query, NULL) == OK);
    counted.count = 0;
    CHECK(reader_search(fixture->scope, reader, (struct client_id){7}, query, (struct wall){0},
                        (struct wall){INT64_MAX}, count_event, &counted, NULL) == OK);
    CHECK(counted.count == 5);
    query_free(query);
    reader_close(reader);
    fixture_free(fixture);
}

TEST(a_folder_that_somebody_writes_is_not_opened_twice)
{
    struct fixture *fixture = fixture_new();
    fixture_open(fixture);
    struct archive_options options = {.disk = disk_real(),
                                      .folder = fixture->folder,
                                      .keys = fixture->keys,
                                      .journal_size_max = 1 << 20};
    struct archive *second;
    CHECK(archive_open(&options, fixture->now, &second, NULL) == ERR_AGAIN);
    options.read_only = true;
    CHECK(archive_open(&options, fixture->now, &second, NULL) == OK);
    archive_close(second, fixture->now);
    fixture_free(fixture);
}

TEST(a_client_whose_key_is_gone_gets_no_new_one)
{
    struct fixture *fixture = fixture_new();
    fixture_open(fixture);
    (void)fixture_append(fixture, 7, 70, 4);
    CHECK(archive_commit(fixture->archive) == OK);
    fixture_close(fixture);
    CHECK(unlink(fixture_path(fixture, "archive.keys/7.key")) == 0);
    fixture_open(fixture);
    struct place first;
    CHECK(fixture_offer(fixture, 7, 70, 4, NULL, 3, &first) == ERR_NOT_FOUND);
    CHECK(fixture_offer(fixture, 8, 70, 4, NULL, 3, &first) == OK);
    fixture_free(fixture);
}

TEST(a_thinned_index_still_leads_to_every_frame)
{
    struct index index = {0};
    struct index_entry found;
    CHECK(!index_find(&index, 1, &found));
    uint64_t frames = 5 * INDEX_FRAMES_MAX;
    for (uint64_t i = 0; i < frames; i++) {
        CHECK(index_add(&index, (struct index_entry){1 + 10 * i, 1, i}) == OK);
    }
    CHECK(index.count <= INDEX_FRAMES_MAX && index.stride == 8);
    for (uint64_t i = 0; i < frames; i += 97) {
        CHECK(index_find(&index, 5 + 10 * i, &found));
        CHECK(found.offset <= i && i - found.offset < index.stride);
    }
    index_done(&index);
}

/* A megabyte that does not compress. */
static void large_batch(struct builder *builder, struct arena *mem, struct batch *ret)
{
    char *record = malloc(RECORD_SIZE_MAX);
    struct str bytes;
    random_bytes(record, RECORD_SIZE_MAX);
    builder_reset(builder);
    arena_reset(mem);
    CHECK(builder_begin(builder, str_of(record, RECORD_SIZE_MAX), (struct wall){1}) == OK);
    CHECK(builder_end(builder) == OK);
    CHECK(builder_finish(builder, &bytes) == OK);
    CHECK(batch_check(bytes, mem, ret, NULL) == OK);
    free(record);
}

TEST(a_full_group_asks_for_a_commit_and_goes_on_after_it)
{
    struct fixture *fixture = fixture_new();
    struct builder *builder = builder_new((struct client_id){7}, (struct source_id){70});
    struct arena *mem = arena_new(1 << 22);
    struct batch batch;
    struct place first;
    fixture_open(fixture);
    large_batch(builder, mem, &batch);
    unsigned added = 0;
    enum err err;
    while ((err = archive_append(fixture->scope, fixture->archive, &batch,
                                 (struct ring_place){1, added + 1}, fixture->now, &first)) == OK) {
        added++;
    }
    CHECK(err == ERR_AGAIN && added >= 63 && added <= 65);
    CHECK(archive_commit(fixture->archive) == OK);
    CHECK(archive_append(fixture->scope, fixture->archive, &batch, (struct ring_place){1, 100},
                         fixture->now, &first) == OK);
    CHECK(first.sequence == added + 1);
    arena_free(mem);
    builder_free(builder);
    fixture_free(fixture);
}

/* Every event of a hostile batch points at the same record: cheap to send, dear to hash. */
TEST(records_that_overlap_beyond_a_batch_are_refused)
{
    struct fixture *fixture = fixture_new();
    struct builder *builder = builder_new((struct client_id){7}, (struct source_id){70});
    struct arena *mem = arena_new(1 << 22);
    static char record[RECORD_SIZE_MAX];
    struct str bytes;
    struct batch batch;
    struct place first;
    fixture_open(fixture);
    for (unsigned i = 0; i < 10; i++) {
        CHECK(builder_begin(builder, i == 0 ? str_of(record, sizeof record) : STR("x"),
                            (struct wall){1}) == OK);
        CHECK(builder_end(builder) == OK);
    }
    CHECK(builder_finish(builder, &bytes) == OK);
    char *copy = malloc(bytes.size);
    memcpy(copy, bytes.data, bytes.size);
    for (unsigned i = 1; i < 10; i++) {
        memcpy(copy + BATCH_HEADER_SIZE + i * BATCH_EVENT_SIZE + 16, copy + BATCH_HEADER_SIZE + 16,
               8);
    }
    CHECK(batch_check(str_of(copy, bytes.size), mem, &batch, NULL) == OK);
    CHECK(archive_append(fixture->scope, fixture->archive, &batch, (struct ring_place){1, 1},
                         fixture->now, &first) == ERR_LIMIT);
    CHECK(fixture_append(fixture, 7, 70, 2) == 1);
    CHECK(archive_commit(fixture->archive) == OK);
    free(copy);
    arena_free(mem);
    builder_free(builder);
    fixture_free(fixture);
}

TEST(signing_goes_round_the_clients_a_few_at_a_time)
{
    struct fixture *fixture = fixture_new();
    fixture_open(fixture);
    for (uint32_t client = 7; client < 12; client++) {
        (void)fixture_append(fixture, client, client, 1);
    }
    CHECK(archive_commit(fixture->archive) == OK);
    bool more = true;
    int64_t minute = 60 * NS_PER_SECOND;
    CHECK(archive_sign(fixture->archive, fixture->now, minute, 2, &more) == OK && !more);
    fixture->now.ns += minute;
    CHECK(archive_sign(fixture->archive, fixture->now, minute, 2, &more) == OK && more);
    CHECK(archive_sign(fixture->archive, fixture->now, minute, 2, &more) == OK && more);
    CHECK(archive_sign(fixture->archive, fixture->now, minute, 2, &more) == OK && !more);
    CHECK(archive_sign(fixture->archive, fixture->now, minute, 2, &more) == OK && !more);
    for (uint32_t client = 7; client < 12; client++) {
        char name[64];
        (void)snprintf(name, sizeof name, "archive/heads/%u.heads", client);
        CHECK(fixture_size(fixture, name) == 2 * (HEAD_FIXED_SIZE + 64) + 32 + HEAD_DAY_SIZE);
    }
    fixture_free(fixture);
}

static enum err pause_at_third(void *context)
{
    unsigned *asked = context;
    return ++*asked == 3 ? ERR_CLOSED : OK;
}

static enum err found_count(void *context, struct place place, const struct event *event)
{
    (void)place, (void)event;
    ++*(unsigned *)context;
    return OK;
}

TEST(a_search_ends_when_whoever_asked_is_gone)
{
    struct fixture *fixture = fixture_new();
    struct reader *reader;
    unsigned asked = 0;
    unsigned found = 0;
    fixture_open(fixture);
    for (unsigned i = 0; i < 10; i++) {
        CHECK(fixture_append(fixture, 7, 70, 1) == 1 + i);
        CHECK(archive_commit(fixture->archive) == OK);
    }
    CHECK(reader_open(fixture->scope, fixture->disk, fixture->folder, fixture->keys,
                      (struct client_id){7}, &reader, NULL) == OK);
    reader_heed(reader, pause_at_third, &asked);
    CHECK(reader_search(fixture->scope, reader, (struct client_id){7}, NULL, (struct wall){0},
                        (struct wall){INT64_MAX}, found_count, &found, NULL) == ERR_CLOSED);
    CHECK(asked == 3 && found == 2);
    reader_close(reader);
    fixture_free(fixture);
}
