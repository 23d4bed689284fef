/* Journals become segments, and nobody who reads sees a difference. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "archive/fixture_test.h"
#include "archive/keep.h"
#include "archive/seal.h"
#include "archive/segment_private.h"
#include "base/bytes.h"
#include "testing/testing.h"

#define DAY (86400 * NS_PER_SECOND)

static const struct client_id seven = {7};

/* Some turns of two clients; client 7 has three sources. */
static void turns(struct fixture *fixture, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        bool more;
        (void)fixture_append(fixture, 7, 70 + i % 3, 2 + i % 4);
        (void)fixture_append(fixture, 8, 80, 1 + i % 3);
        CHECK(archive_commit(fixture->archive) == OK);
        fixture->now.ns += 60 * NS_PER_SECOND;
        CHECK(archive_sign(fixture->archive, fixture->now, 60 * NS_PER_SECOND, 10, &more) == OK);
    }
}

static void keep_two_classes(struct fixture *fixture)
{
    const struct keep_rule rules[] = {{{72}, 400}, {{70}, 30}, {{71}, 30}};
    CHECK(archive_keep(fixture->scope, fixture->archive, seven, rules, 3) == OK);
}

struct listing {
    char text[65536];
    size_t size;
    bool back;
    uint64_t count;
};

static enum err list_event(void *context, struct place place, const struct event *event)
{
    struct listing *listed = context;
    int size = snprintf(listed->text + listed->size, sizeof listed->text - listed->size,
                        "%llu %lld %.*s\n", (unsigned long long)place.sequence,
                        (long long)event->received.ns, (int)event->record.size, event->record.data);
    CHECK(size > 0 && listed->size + (size_t)size < sizeof listed->text);
    listed->size += (size_t)size;
    listed->count++;
    return OK;
}

static void list_all(struct fixture *fixture, bool back, struct listing *listed)
{
    struct reader *reader;
    *listed = (struct listing){.back = back};
    CHECK(reader_open(fixture->scope, fixture->disk, fixture->folder, fixture->keys, seven, &reader,
                      NULL) == OK);
    CHECK((back ? reader_search_arrival
                : reader_search)(fixture->scope, reader, seven, NULL, (struct wall){INT64_MIN},
                                 (struct wall){INT64_MAX}, list_event, listed, NULL) == OK);
    reader_close(reader);
}

static struct listing before_forward, before_back, after;

static void lists_remember(struct fixture *fixture)
{
    list_all(fixture, false, &before_forward);
    list_all(fixture, true, &before_back);
}

static void lists_agree(struct fixture *fixture)
{
    list_all(fixture, false, &after);
    CHECK(after.size == before_forward.size &&
          memcmp(after.text, before_forward.text, after.size) == 0);
    list_all(fixture, true, &after);
    CHECK(after.size == before_back.size && memcmp(after.text, before_back.text, after.size) == 0);
}

static void say_damage(void *context, const char *file, uint64_t offset, const char *what)
{
    (void)context;
    printf("%s at %llu: %s\n", file, (unsigned long long)offset, what);
}

static void verify_sound(struct fixture *fixture)
{
    struct verify_report report;
    CHECK(archive_verify(fixture->disk, fixture->folder, fixture->keys, say_damage, NULL, &report,
                         NULL) == OK);
}

static enum err first_segment(void *context, const char *name)
{
    char *found = context;
    if (found[0] == '\0' && strstr(name, ".segment") != NULL) {
        (void)snprintf(found, 64, "archive/segments/7/%s", name);
    }
    return OK;
}

TEST(what_was_sealed_is_read_as_before_in_both_directions)
{
    struct fixture *fixture = fixture_new();
    fixture_open(fixture);
    keep_two_classes(fixture);
    turns(fixture, 20);
    lists_remember(fixture);
    CHECK(before_forward.count > 50);
    CHECK(fixture_seal(fixture, NULL) == 3); /* two classes of 7, one of 8 */
    lists_agree(fixture);
    turns(fixture, 5);
    lists_remember(fixture);
    CHECK(fixture_seal(fixture, NULL) == 3);
    lists_agree(fixture);
    fixture_reopen(fixture);
    lists_agree(fixture);
    fixture_close(fixture);
    verify_sound(fixture);
    fixture_free(fixture);
}

TEST(a_sealed_journal_goes_after_a_day_and_everything_reads_on)
{
    struct fixture *fixture = fixture_new();
    fixture_open(fixture);
    keep_two_classes(fixture);
    turns(fixture, 20);
    CHECK(fixture_seal(fixture, NULL) == 3);
    CHECK(fixture_file_exists(fixture, "archive/0000000001.journal"));
    fixture->now.ns += DAY;
    turns(fixture, 3);
    lists_remember(fixture);
    uint64_t next = archive_next_sequence(fixture->archive, seven);
    uint64_t stored = archive_stored(fixture->archive, (struct source_id){70});
    (void)fixture_seal(fixture, NULL);
    CHECK(!fixture_file_exists(fixture, "archive/0000000001.journal"));
    CHECK(fixture_file_exists(fixture, "archive/0000000002.journal"));
    lists_agree(fixture);
    CHECK(fixture_read(fixture, 7) == before_forward.count);
    fixture_reopen(fixture);
    lists_agree(fixture);
    CHECK(archive_next_sequence(fixture->archive, seven) == next);
    CHECK(archive_stored(fixture->archive, (struct source_id){70}) == stored);
    CHECK(fixture_read(fixture, 7) == before_forward.count);
    turns(fixture, 2);
    fixture_close(fixture);
    verify_sound(fixture);
    fixture_free(fixture);
}

TEST(small_neighbours_become_one_and_cold_ones_are_packed_for_good)
{
    struct fixture *fixture = fixture_new();
    fixture_open(fixture);
    for (unsigned i = 0; i < 12; i++) {
        turns(fixture, 2);
        (void)fixture_seal(fixture, NULL);
    }
    lists_remember(fixture);
    fixture->now.ns += 2 * DAY;
    CHECK(fixture_seal(fixture, NULL) == 0);
    fixture_sealing.cold_after_ns = DAY;
    CHECK(fixture_seal(fixture, NULL) == 2);
    fixture_sealing.cold_after_ns = 0;
    lists_agree(fixture);
    fixture_reopen(fixture);
    lists_agree(fixture);
    fixture_close(fixture);
    verify_sound(fixture);
    fixture_free(fixture);
}

static enum err count_holding(void *context, const struct holding *holding)
{
    uint64_t *generation = context;
    for (size_t i = 0; i < holding->sources_count; i++) {
        uint32_t days = holding->sources[i].days;
        CHECK(days == KEEP_FOR_EVER || days <= KEEP_DAYS_MAX);
    }
    if (holding->kind == HOLDING_SEGMENT && holding->days == 30) {
        *generation = holding->number;
    }
    return OK;
}

TEST(a_segment_goes_when_its_promise_is_over_and_no_hold_covers_it)
{
    struct fixture *fixture = fixture_new();
    const struct archive_drop_reason reason = {STR("retention"), STR("log-sources 1"),
                                               STR("schedule")};
    const uint32_t held[] = {71};
    const struct hold_rule hold = {held, 1, {0}, {INT64_MAX}};
    uint64_t generation = 0;
    fixture_open(fixture);
    keep_two_classes(fixture);
    turns(fixture, 20);
    (void)fixture_seal(fixture, NULL);
    CHECK(archive_holdings(fixture->scope, fixture->archive, seven, count_holding, &generation) ==
          OK);
    CHECK(generation != 0);
    CHECK(archive_drop(fixture->scope, fixture->archive, seven, generation, &reason, fixture->now,
                       NULL) == ERR_AGAIN);
    fixture->now.ns += 2 * DAY;
    turns(fixture, 1);
    (void)fixture_seal(fixture, NULL);
    CHECK(archive_drop(fixture->scope, fixture->archive, seven, generation, &reason, fixture->now,
                       NULL) == ERR_DENIED);
    fixture->now.ns += 40 * DAY;
    CHECK(archive_hold(fixture->scope, fixture->archive, seven, &hold, 1) == OK);
    CHECK(archive_drop(fixture->scope, fixture->archive, seven, generation, &reason, fixture->now,
                       NULL) == ERR_DENIED);
    CHECK(archive_hold(fixture->scope, fixture->archive, seven, NULL, 0) == OK);
    struct why why = {0};
    enum err err = archive_drop(fixture->scope, fixture->archive, seven, generation, &reason,
                                fixture->now, &why);
    if (err != OK) {
        printf("drop: %s\n", why_text(&why, err));
    }
    CHECK(err == OK);
    CHECK(archive_drop(fixture->scope, fixture->archive, seven, generation, &reason, fixture->now,
                       NULL) == ERR_NOT_FOUND);
    list_all(fixture, false, &after);
    CHECK(after.count > 0 && strstr(after.text, "source 72") != NULL);
    fixture_reopen(fixture);
    turns(fixture, 1);
    fixture_close(fixture);
    verify_sound(fixture);
    fixture_free(fixture);
}

/* Sealed in two classes, with the journals gone: what lies in the segment of 30 days. */
struct thirty {
    uint64_t generation;
    struct wall newest, oldest;
};

static enum err thirty_holding(void *context, const struct holding *holding)
{
    struct thirty *thirty = context;
    if (holding->kind == HOLDING_SEGMENT && holding->days == 30) {
        *thirty = (struct thirty){holding->number, holding->newest, holding->oldest};
    }
    return OK;
}

static struct thirty thirty_sealed(struct fixture *fixture)
{
    struct thirty thirty = {0};
    turns(fixture, 20);
    (void)fixture_seal(fixture, NULL);
    fixture->now.ns += 2 * DAY;
    (void)fixture_append(fixture, 8, 80, 1); /* so that the journals of 7 are not the newest */
    CHECK(archive_commit(fixture->archive) == OK);
    (void)fixture_seal(fixture, NULL);
    CHECK(archive_holdings(fixture->scope, fixture->archive, seven, thirty_holding, &thirty) == OK);
    CHECK(thirty.generation != 0);
    return thirty;
}

/* Whether it may go at a moment, and from when on; archive_drop refuses what may not, and leaves
 * everything as it was. */
static bool may_go(struct fixture *fixture, const struct thirty *thirty, int64_t at_ns,
                   struct wall *ret_from)
{
    bool may = false;
    const struct archive_drop_reason reason = {STR("retention"), STR("log-sources 1"),
                                               STR("schedule")};
    const struct wall at = {at_ns};
    CHECK(archive_droppable(fixture->scope, fixture->archive, seven, thirty->generation, at, &may,
                            ret_from) == OK);
    if (!may) {
        char name[64];
        size_t heads = fixture_size(fixture, "archive/heads/7.heads");
        CHECK(archive_drop(fixture->scope, fixture->archive, seven, thirty->generation, &reason, at,
                           NULL) == ERR_DENIED);
        (void)snprintf(name, sizeof name, "archive/segments/7/%010llu.segment",
                       (unsigned long long)thirty->generation);
        CHECK(fixture_size(fixture, "archive/heads/7.heads") == heads &&
              fixture_file_exists(fixture, name));
        CHECK(!fixture_file_exists(fixture, "archive/remains/7.remains"));
    }
    return may;
}

static void rules_say(struct fixture *fixture, uint32_t days_70, uint32_t days_71)
{
    const struct keep_rule rules[] = {{{70}, days_70}, {{71}, days_71}, {{72}, 400}};
    CHECK(archive_keep(fixture->scope, fixture->archive, seven, rules, 3) == OK);
}

TEST(a_segment_may_go_from_the_very_moment_on_that_its_longest_promise_is_over)
{
    struct fixture *fixture = fixture_new();
    struct wall from;
    bool may;
    fixture_open(fixture);
    keep_two_classes(fixture);
    struct thirty thirty = thirty_sealed(fixture);
    int64_t due = thirty.newest.ns + 30 * DAY;
    CHECK(!may_go(fixture, &thirty, due - 1, &from) && from.ns == due);
    CHECK(may_go(fixture, &thirty, due, &from) && from.ns == due);
    CHECK(!may_go(fixture, &thirty, INT64_MIN, &from));

    /* A shorter promise counts for what arrives from now on, a longer one for what is there. */
    rules_say(fixture, 1, 1);
    CHECK(!may_go(fixture, &thirty, due - 1, &from) && from.ns == due);
    rules_say(fixture, 30, 31);
    CHECK(!may_go(fixture, &thirty, due, &from) && from.ns > due && from.ns <= due + DAY);
    CHECK(may_go(fixture, &thirty, due + DAY, &from));
    rules_say(fixture, 30, KEEP_FOR_EVER);
    CHECK(!may_go(fixture, &thirty, due + 100 * 365 * DAY, &from) && from.ns == WALL_NONE.ns);
    rules_say(fixture, 30, KEEP_DAYS_MAX + 1); /* for ever as well */
    CHECK(!may_go(fixture, &thirty, due + 100 * 365 * DAY, &from) && from.ns == WALL_NONE.ns);

    CHECK(archive_droppable(fixture->scope, fixture->archive, seven, thirty.generation + 100,
                            fixture->now, &may, &from) == ERR_NOT_FOUND);
    fixture_close(fixture);
    fixture_free(fixture);
}

TEST(a_source_that_nobody_promises_anything_about_keeps_its_segment_for_ever)
{
    struct fixture *fixture = fixture_new();
    const struct keep_rule seventy[] = {{{70}, 30}};
    struct wall from;
    fixture_open(fixture);
    keep_two_classes(fixture);
    struct thirty thirty = thirty_sealed(fixture);
    int64_t later = thirty.newest.ns + 10000 * DAY;
    CHECK(archive_keep(fixture->scope, fixture->archive, seven, seventy, 1) == OK);
    CHECK(!may_go(fixture, &thirty, later, &from) && from.ns == WALL_NONE.ns);
    CHECK(archive_keep(fixture->scope, fixture->archive, seven, NULL, 0) == OK);
    CHECK(!may_go(fixture, &thirty, later, &from) && from.ns == WALL_NONE.ns);
    /* Nor after a restart, before desk has said anything. */
    fixture_reopen(fixture);
    CHECK(!may_go(fixture, &thirty, later, &from) && from.ns == WALL_NONE.ns);
    keep_two_classes(fixture);
    CHECK(may_go(fixture, &thirty, later, &from));
    fixture_close(fixture);
    fixture_free(fixture);
}

TEST(a_hold_keeps_a_segment_as_long_as_it_touches_one_moment_and_source_of_it)
{
    struct fixture *fixture = fixture_new();
    const uint32_t other[] = {72, 9};
    const uint32_t mine[] = {72, 71};
    struct wall from;
    fixture_open(fixture);
    keep_two_classes(fixture);
    const struct thirty thirty = thirty_sealed(fixture);
    const int64_t later = thirty.newest.ns + 40 * DAY;
    const int64_t oldest = thirty.oldest.ns;
    const int64_t newest = thirty.newest.ns;
    const struct {
        struct hold_rule hold;
        bool holds;
    } cases[] = {
        {{NULL, 0, {0}, {INT64_MAX}}, true},
        {{mine, 2, {0}, {INT64_MAX}}, true},
        {{other, 2, {0}, {INT64_MAX}}, false},
        {{NULL, 0, {newest}, {INT64_MAX}}, true},
        {{NULL, 0, {newest + 1}, {INT64_MAX}}, false},
        {{NULL, 0, {0}, {oldest + 1}}, true},
        {{NULL, 0, {0}, {oldest}}, false}, /* [from, to) */
        {{mine, 2, {newest}, {newest + 1}}, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK(archive_hold(fixture->scope, fixture->archive, seven, &cases[i].hold, 1) == OK);
        CHECK(may_go(fixture, &thirty, later, &from) == !cases[i].holds);
        CHECK(!cases[i].holds || from.ns == WALL_NONE.ns);
    }
    fixture_close(fixture);
    fixture_free(fixture);
}

TEST(nobody_asks_about_a_segment_or_drops_it_without_the_right)
{
    struct fixture *fixture = fixture_new();
    const struct archive_drop_reason reason = {STR("retention"), STR(""), STR("schedule")};
    struct scope *reads;
    struct scope *others;
    struct wall from;
    bool may;
    fixture_open(fixture);
    keep_two_classes(fixture);
    struct thirty thirty = thirty_sealed(fixture);
    const struct wall later = {thirty.newest.ns + 40 * DAY};
    CHECK(scope_for_test(seven, RIGHT_READ, &reads) == OK);
    CHECK(scope_for_test((struct client_id){8}, RIGHT_READ | RIGHT_APPEND, &others) == OK);
    CHECK(archive_droppable(reads, fixture->archive, seven, thirty.generation, later, &may,
                            &from) == OK);
    CHECK(may);
    CHECK(archive_droppable(others, fixture->archive, seven, thirty.generation, later, &may,
                            &from) == ERR_DENIED);
    CHECK(archive_drop(reads, fixture->archive, seven, thirty.generation, &reason, later, NULL) ==
          ERR_DENIED);
    CHECK(archive_drop(others, fixture->archive, seven, thirty.generation, &reason, later, NULL) ==
          ERR_DENIED);
    CHECK(may_go(fixture, &thirty, later.ns, &from));
    scope_free(reads);
    scope_free(others);
    fixture_close(fixture);
    fixture_free(fixture);
}

/* A sealing worker that was taken over: the file is sound in itself, and its sources are said to
 * have had their newest record long ago. */
static void backdate(struct file *file)
{
    struct segment_head head;
    struct sha256_run *run = sha256_begin();
    size_t got;
    CHECK(segment_head_read(file, &head, NULL) == OK);
    const struct segment_stretch *piece = &head.pieces[PIECE_SOURCES];
    char *bytes = malloc((size_t)head.size);
    CHECK(bytes != NULL && file_read(file, 0, bytes, (size_t)head.size, &got) == OK);
    char *rows = bytes + piece->offset;
    for (size_t at = 0; at < piece->size; at += SEGMENT_SOURCE_SIZE) {
        put_u64(rows + at + 24, 1);
    }
    head.sources = sha256_of_bytes(str_of(rows, (size_t)piece->size));
    sha256_add(run, str_of(bytes + SEGMENT_HEAD_SIZE, (size_t)head.size - SEGMENT_HEAD_SIZE));
    head.body = sha256_end(run);
    segment_head_encode(&head, bytes);
    CHECK(file_write(file, 0, bytes, (size_t)head.size) == OK);
    CHECK(segment_body_check(file, &head, NULL) == OK);
    free(bytes);
}

static enum err adopt_backdated(struct fixture *fixture, bool lie)
{
    struct seal *seal = NULL;
    struct reader *reader;
    bool more = true;
    (void)archive_turn_over(fixture->archive, &fixture_sealing, fixture->now);
    while (seal == NULL && more) {
        CHECK(archive_seal_next(fixture->archive, &fixture_sealing, fixture->now, 1000, &seal,
                                &more) == OK);
    }
    CHECK(seal != NULL);
    CHECK(reader_open(fixture->scope, fixture->disk, fixture->folder, fixture->keys,
                      seal_client(seal), &reader, NULL) == OK);
    CHECK(seal_make(fixture->scope, reader, seal_order(seal), seal_output(seal), NULL) == OK);
    reader_close(reader);
    if (lie) {
        backdate(seal_output(seal));
    }
    return archive_seal_adopt(fixture->archive, seal, fixture->now, NULL);
}

TEST(a_worker_cannot_say_that_a_source_fell_silent_long_ago)
{
    struct fixture *fixture = fixture_new();
    fixture_open(fixture);
    turns(fixture, 4);
    CHECK(adopt_backdated(fixture, true) == ERR_CORRUPT);
    fixture->now.ns += 3600 * NS_PER_SECOND;
    CHECK(adopt_backdated(fixture, false) == OK);
    (void)fixture_seal(fixture, NULL);
    turns(fixture, 4);
    (void)archive_turn_over(fixture->archive, &fixture_sealing, fixture->now);
    fixture->now.ns += 2 * DAY;
    CHECK(adopt_backdated(fixture, true) == ERR_CORRUPT); /* of what it replaces, or of a journal */
    fixture_close(fixture);
    verify_sound(fixture);
    fixture_free(fixture);
}

/* R-A8: HINOMI_SEGMENTS of them (1000). */
TEST(a_thousand_segments_are_opened_by_their_heads_alone)
{
    struct fixture *fixture = fixture_new();
    const char *wanted = getenv("HINOMI_SEGMENTS");
    uint64_t segments = 1000;
    CHECK(wanted == NULL || str_to_u64(str_from(wanted), 500000, &segments) == OK);
    char name[64] = "";
    fixture_open(fixture);
    turns(fixture, 3);
    (void)fixture_seal(fixture, NULL);
    fixture_close(fixture);
    CHECK(disk_list(fixture->disk, fixture_path(fixture, "archive/segments/7"), first_segment,
                    name) == OK);
    char *bytes;
    size_t size;
    CHECK(disk_read_whole(fixture->disk, fixture_path(fixture, name), 1 << 20, &bytes, &size,
                          NULL) == OK);
    /* The same head over and over, each with a generation of its own and no block behind it: what
     * opening needs is all that is there. */
    for (unsigned i = 0; i < segments; i++) {
        char to[80];
        (void)snprintf(to, sizeof to, "archive/segments/7/%010u.segment", 1000 + i);
        struct segment_head head;
        CHECK(segment_head_decode(bytes, &head));
        head.generation = 1000 + i;
        memset(head.replaces, 0, sizeof head.replaces);
        segment_head_encode(&head, bytes);
        struct file *file;
        CHECK(disk_open(fixture->disk, fixture_path(fixture, to), DISK_WRITE_NEW, &file, NULL) ==
              OK);
        CHECK(file_write(file, 0, bytes, SEGMENT_HEAD_SIZE) == OK);
        uint64_t tail = head.pieces[PIECE_SOURCES].offset;
        CHECK(file_write(file, tail, bytes + tail, size - tail) == OK);
        file_close(file);
    }
    free(bytes);
    struct rusage before, now;
    CHECK(getrusage(RUSAGE_SELF, &before) == 0);
    fixture_open(fixture);
    CHECK(getrusage(RUSAGE_SELF, &now) == 0);
    double spent = (double)(now.ru_utime.tv_sec - before.ru_utime.tv_sec) +
                   (double)(now.ru_stime.tv_sec - before.ru_stime.tv_sec) +
                   (double)(now.ru_utime.tv_usec - before.ru_utime.tv_usec) / 1e6 +
                   (double)(now.ru_stime.tv_usec - before.ru_stime.tv_usec) / 1e6;
    printf("%llu segments are opened in %.3f s of the processor's time, %ld MiB at most\n",
           (unsigned long long)segments, spent, now.ru_maxrss >> 10);
    CHECK(spent < 2);
    fixture_free(fixture);
}

static void name_damage(void *context, const char *file, uint64_t offset, const char *what)
{
    (void)offset;
    (void)what;
    bool *named = context;
    *named = *named || strstr(file, "segments/7/") != NULL;
}

/* R-A7 of segments: HINOMI_FLIPS places (200), as verify_test.c. */
TEST(any_flipped_bit_of_a_segment_is_named_and_only_what_it_touches_is_missing)
{
    struct fixture *fixture = fixture_new();
    char name[64] = "";
    const char *flips = getenv("HINOMI_FLIPS");
    uint64_t count = 200;
    fixture_open(fixture);
    turns(fixture, 20);
    (void)fixture_seal(fixture, NULL);
    fixture->now.ns += 2 * DAY;
    turns(fixture, 2);
    (void)fixture_seal(fixture, NULL);
    CHECK(!fixture_file_exists(fixture, "archive/0000000001.journal"));
    lists_remember(fixture);
    fixture_close(fixture);
    CHECK(disk_list(fixture->disk, fixture_path(fixture, "archive/segments/7"), first_segment,
                    name) == OK);
    uint64_t size = fixture_size(fixture, name);
    if (flips != NULL && str_to_u64(str_from(flips), UINT64_MAX, &count) != OK) {
        count = 200;
    }
    CHECK(size > SEGMENT_HEAD_SIZE);
    for (uint64_t i = 0; i < count; i++) {
        struct verify_report report;
        bool named = false;
        uint64_t at = i * 0x9e3779b97f4a7c15u % size;
        testing_flip(fixture_path(fixture, name), at, (uint8_t)(1u << i % 8));
        CHECK(archive_verify(fixture->disk, fixture->folder, fixture->keys, name_damage, &named,
                             &report, NULL) == ERR_CORRUPT);
        CHECK(named);
        CHECK(archive_verify(fixture->disk, fixture->folder, NULL, name_damage, &named, &report,
                             NULL) == ERR_CORRUPT);
        list_all(fixture, false, &after);
        CHECK(after.count <= before_forward.count);
        /* Each opening writes heads of its own: many would leave little of the segment to look at.
         */
        if (i % (count / 16 + 1) == 0) {
            fixture_open(fixture);
            fixture_close(fixture);
        }
        testing_flip(fixture_path(fixture, name), at, (uint8_t)(1u << i % 8));
    }
    fixture_free(fixture);
}
