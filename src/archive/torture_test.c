/*
 * The simulated disk: every operation fails once, the power goes between any two changes, and the
 * disk is full; through appending, signing, sealing, merging, removing journals, and dropping.
 * After each: nothing that a commit said was stored is lost, recovery ends, what is there is what
 * was written, no event is there twice, and nobody finds damage.
 *
 * HINOMI_POWER_SEEDS: how many lives are cut at random places (200); HINOMI_POWER_FROM: the first.
 */

#include "archive/archive.h"

#include <stdio.h>
#include <stdlib.h>

#include "archive/fixture_test.h"
#include "archive/keep.h"
#include "archive/segment.h"
#include "base/limits.h"
#include "sys/fake.h"
#include "testing/testing.h"

/* What the callers were told. */
struct told {
    uint64_t stored[2]; /* events of clients 7 and 8 */
    uint64_t offered[2];
};

static enum err turn(struct fixture *fixture, struct told *told, unsigned number)
{
    struct place first;
    uint64_t added[2] = {0};
    for (unsigned i = 0; i < 2; i++) {
        unsigned events = 2 + (number + i) % 3;
        enum err err = fixture_offer(fixture, 7 + i, 70 + i, events, NULL, 0, &first);
        if (err == OK) {
            added[i] = events;
        }
    }
    enum err err = archive_commit(fixture->archive);
    for (unsigned i = 0; i < 2; i++) {
        told->offered[i] += added[i];
        told->stored[i] += err == OK ? added[i] : 0;
    }
    fixture->now.ns += 60 * NS_PER_SECOND;
    bool more;
    enum err signed_err =
        archive_sign(fixture->archive, fixture->now, 60 * NS_PER_SECOND, 10, &more);
    return err != OK ? err : signed_err;
}

/* One life: open, some turns, close.  Any of it may fail. */
static void life(struct fixture *fixture, struct told *told)
{
    struct archive_options options = {.disk = fixture->disk,
                                      .folder = fixture->folder,
                                      .keys = fixture->keys,
                                      .journal_size_max = 3000};
    if (archive_open(&options, fixture->now, &fixture->archive, NULL) != OK) {
        fixture->archive = NULL;
        return;
    }
    for (unsigned i = 0; i < 4; i++) {
        (void)!turn(fixture, told, i);
    }
    fixture_close(fixture);
}

#define DAY (86400 * NS_PER_SECOND)

/* A longer life, in which journals become segments and go.  Client 7 has two classes. */
static void sealing_life(struct fixture *fixture, struct told *told)
{
    const struct keep_rule rules[] = {{{70}, 400}, {{71}, 30}};
    struct archive_options options = {.disk = fixture->disk,
                                      .folder = fixture->folder,
                                      .keys = fixture->keys,
                                      .journal_size_max = 3000};
    enum err err;
    if (archive_open(&options, fixture->now, &fixture->archive, NULL) != OK) {
        fixture->archive = NULL;
        return;
    }
    (void)!archive_keep(fixture->scope, fixture->archive, (struct client_id){7}, rules, 2);
    for (unsigned i = 0; i < 3; i++) {
        (void)!turn(fixture, told, i);
        (void)fixture_seal(fixture, &err);
        fixture->now.ns += DAY;
    }
    (void)!turn(fixture, told, 3);
    fixture_sealing.cold_after_ns = DAY;
    (void)fixture_seal(fixture, &err);
    fixture_sealing.cold_after_ns = 0;
    fixture_close(fixture);
}

static void say_damage(void *context, const char *file, uint64_t offset, const char *what)
{
    printf("%s: %s at %llu: %s\n", (const char *)context, file, (unsigned long long)offset, what);
}

/* A life without faults finds everything. */
static void judge_after(struct fixture *fixture, struct told *told, const char *name)
{
    struct verify_report report;
    fixture->journal_size_max = 3000;
    fixture_open(fixture);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t there = archive_next_sequence(fixture->archive, (struct client_id){7 + i}) - 1;
        if (there < told->stored[i] || there > told->offered[i]) {
            printf("%s: client %u: told %llu, offered %llu, there %llu\n", name, 7 + i,
                   (unsigned long long)told->stored[i], (unsigned long long)told->offered[i],
                   (unsigned long long)there);
        }
        CHECK(there >= told->stored[i] && there <= told->offered[i]);
        CHECK(fixture_read(fixture, 7 + i) == there);
        CHECK(fixture_search(fixture, 7 + i) == there);
        told->stored[i] = told->offered[i] = there;
    }
    CHECK(turn(fixture, told, 1) == OK);
    fixture_close(fixture);
    CHECK(archive_verify(fixture->disk, fixture->folder, fixture->keys, say_damage,
                         (void *)(uintptr_t)name, &report, NULL) == OK);
    CHECK(report.unsigned_leaves == 0);
}

typedef void life_call(struct fixture *fixture, struct told *told);

static void fault_at(life_call *life_of, enum fake_operation operation, uint64_t nth, bool lasting,
                     enum err err, bool *ret_met)
{
    char name[80];
    (void)snprintf(name, sizeof name, "operation %d number %llu%s", (int)operation,
                   (unsigned long long)nth, lasting ? " and all later" : "");
    struct fake *fake = fake_new();
    struct fixture *fixture = fixture_on(fake_disk(fake), ".");
    struct told told = {0};
    fake_fail(fake, operation, nth, lasting, err);
    life_of(fixture, &told);
    *ret_met = fake_failed(fake);
    life_of(fixture, &told);
    fake_fail(fake, operation, 1, false, OK);
    judge_after(fixture, &told, name);
    fixture_free(fixture);
    fake_free(fake);
}

TEST(each_operation_may_fail_once_or_for_good_and_nothing_told_stored_is_lost)
{
    static const enum fake_operation operations[] = {
        FAKE_OPEN,   FAKE_WRITE, FAKE_TRUNCATE,    FAKE_SYNC,        FAKE_RENAME,
        FAKE_REMOVE, FAKE_LOCK,  FAKE_MAKE_FOLDER, FAKE_SYNC_FOLDER, FAKE_LOOK};
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        bool met = true;
        for (uint64_t nth = 1; met; nth++) {
            fault_at(life, operations[i], nth, false, ERR_IO, &met);
        }
        met = true;
        for (uint64_t nth = 1; met; nth += 7) {
            fault_at(life, operations[i], nth, true, ERR_FULL, &met);
        }
    }
}

/* Power goes in the n-th change; then again in the life after it, so that recovery itself is cut.
 */
TEST(the_power_may_go_between_any_two_changes_also_while_recovering)
{
    static const uint64_t seeds[] = {FAKE_SEED_NOTHING, FAKE_SEED_ALL, 1, 2, 3};
    bool met = true;
    uint64_t stored = 0;
    uint64_t nth = 1;
    for (; met; nth++) {
        for (size_t s = 0; s < sizeof seeds / sizeof seeds[0]; s++) {
            char name[80];
            (void)snprintf(name, sizeof name, "power off at %llu, seed %zu",
                           (unsigned long long)nth, s);
            struct fake *fake = fake_new();
            struct fixture *fixture = fixture_on(fake_disk(fake), ".");
            struct told told = {0};
            fake_power_off_at(fake, nth);
            life(fixture, &told);
            met = fake_is_off(fake);
            fake_power_off(fake);
            CHECK(fake_power_on(fake, seeds[s]) == OK);
            fake_power_off_at(fake, 1 + nth % 11);
            life(fixture, &told);
            fake_power_off(fake);
            CHECK(fake_power_on(fake, seeds[s] == 0 ? 0 : seeds[s] + nth) == OK);
            stored += told.stored[0];
            judge_after(fixture, &told, name);
            fixture_free(fixture);
            fake_free(fake);
        }
    }
    /* Or else the lives above were too short to show anything. */
    CHECK(nth > 100 && stored > 5 * nth);
}

/* What the tests below cut into. */
TEST(a_life_without_faults_seals_merges_and_removes)
{
    struct fake *fake = fake_new();
    struct fixture *fixture = fixture_on(fake_disk(fake), ".");
    struct told told = {0};
    bool there = true;
    sealing_life(fixture, &told);
    CHECK(disk_exists(fixture->disk, "./archive/0000000001.journal", &there) == OK && !there);
    CHECK(disk_exists(fixture->disk, "./archive/segments/7/0000000002.segment", &there) == OK);
    CHECK(!there); /* replaced by a cold one */
    CHECK(fake_count(fake, FAKE_RENAME) > 10 && fake_count(fake, FAKE_REMOVE) > 5);
    judge_after(fixture, &told, "no fault");
    fixture_free(fixture);
    fake_free(fake);
}

TEST(each_operation_of_sealing_may_fail_and_every_event_stays_in_one_place)
{
    static const enum fake_operation operations[] = {
        FAKE_OPEN,   FAKE_READ,        FAKE_WRITE,       FAKE_SYNC, FAKE_RENAME,
        FAKE_REMOVE, FAKE_MAKE_FOLDER, FAKE_SYNC_FOLDER, FAKE_LOOK};
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        bool met = true;
        for (uint64_t nth = 1; met; nth += operations[i] == FAKE_READ ? 97 : 11) {
            fault_at(sealing_life, operations[i], nth, false, ERR_IO, &met);
        }
        met = true;
        for (uint64_t nth = 3; met; nth += 101) {
            fault_at(sealing_life, operations[i], nth, true, ERR_FULL, &met);
        }
    }
}

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    uint64_t number = otherwise;
    return text != NULL && str_to_u64(str_from(text), UINT32_MAX, &number) != OK ? otherwise
                                                                                 : number;
}

/* A life is cut at a random change, the next one while it recovers or works, and what is left is
 * judged. */
TEST(the_power_may_go_anywhere_while_journals_become_segments)
{
    uint64_t stored = 0;
    uint64_t seeds = number_of("HINOMI_POWER_SEEDS", 200);
    uint64_t from = number_of("HINOMI_POWER_FROM", 1);
    for (uint64_t seed = from; seed < from + seeds; seed++) {
        char name[80];
        uint64_t dice = seed * 0x9e3779b97f4a7c15u;
        (void)snprintf(name, sizeof name, "power, seed %llu", (unsigned long long)seed);
        struct fake *fake = fake_new();
        struct fixture *fixture = fixture_on(fake_disk(fake), ".");
        struct told told = {0};
        fake_power_off_at(fake, 1 + (dice >> 32) % 330);
        sealing_life(fixture, &told);
        fake_power_off(fake);
        CHECK(fake_power_on(fake, seed % 7 == 0 ? FAKE_SEED_NOTHING : seed) == OK);
        fake_power_off_at(fake, 1 + (dice >> 16) % 200);
        sealing_life(fixture, &told);
        fake_power_off(fake);
        CHECK(fake_power_on(fake, seed % 5 == 0 ? FAKE_SEED_ALL : seed + 1) == OK);
        stored += told.stored[0];
        judge_after(fixture, &told, name);
        fixture_free(fixture);
        fake_free(fake);
    }
    /* Or else the lives above were too short to show anything. */
    CHECK(seeds < 100 || stored > 5 * seeds);
}

static enum err class_find(void *context, const struct holding *holding)
{
    uint64_t *generation = context;
    if (holding->kind == HOLDING_SEGMENT && holding->days == 30) {
        *generation = holding->number;
    }
    return OK;
}

/* A segment whose promise is over is dropped; *ret_before: what could be read until then. */
static void dropping_life(struct fixture *fixture, struct fake *fake, uint64_t cut,
                          uint64_t *ret_before)
{
    const struct keep_rule rules[] = {{{70}, 30}};
    const struct archive_drop_reason reason = {STR("retention"), STR("log-sources 1"),
                                               STR("schedule")};
    const struct client_id seven = {7};
    struct told told = {0};
    uint64_t generation = 0;
    fixture_open(fixture);
    CHECK(archive_keep(fixture->scope, fixture->archive, seven, rules, 1) == OK);
    CHECK(turn(fixture, &told, 0) == OK && turn(fixture, &told, 1) == OK);
    (void)fixture_seal(fixture, NULL);
    fixture->now.ns += 40 * DAY;
    CHECK(turn(fixture, &told, 2) == OK);
    CHECK(archive_journals_remove(fixture->archive, &fixture_sealing, fixture->now) == OK);
    CHECK(archive_holdings(fixture->scope, fixture->archive, seven, class_find, &generation) == OK);
    *ret_before = told.stored[0];
    if (cut > 0) {
        fake_power_off_at(fake, cut);
    }
    enum err err = archive_drop(fixture->scope, fixture->archive, seven, generation, &reason,
                                fixture->now, NULL);
    CHECK(cut > 0 || err == OK);
    fixture_close(fixture);
}

TEST(the_power_may_go_while_a_segment_is_dropped_and_it_is_there_or_gone)
{
    bool met = true;
    unsigned kept = 0;
    unsigned gone = 0;
    for (uint64_t cut = 1; met; cut++) {
        for (uint64_t seed = 0; seed < 4; seed++) {
            struct verify_report report;
            struct fake *fake = fake_new();
            struct fixture *fixture = fixture_on(fake_disk(fake), ".");
            uint64_t before = 0;
            dropping_life(fixture, fake, cut, &before);
            met = fake_is_off(fake);
            fake_power_off(fake);
            CHECK(fake_power_on(fake, seed == 3 ? FAKE_SEED_ALL : seed) == OK);
            fixture_open(fixture);
            uint64_t there = fixture_search(fixture, 7);
            kept += there == before;
            gone += there < before;
            fixture_close(fixture);
            CHECK(there > 0);
            CHECK(archive_verify(fixture->disk, fixture->folder, fixture->keys, say_damage,
                                 (void *)(uintptr_t) "drop", &report, NULL) == OK);
            fixture_free(fixture);
            fake_free(fake);
        }
    }
    CHECK(kept > 3 && gone > 3);
}

static enum err segment_count(void *context, const struct holding *holding)
{
    unsigned *count = context;
    *count += holding->kind == HOLDING_SEGMENT;
    return OK;
}

static unsigned segments_of_seven(struct fixture *fixture)
{
    unsigned count = 0;
    CHECK(archive_holdings(fixture->scope, fixture->archive, (struct client_id){7}, segment_count,
                           &count) == OK);
    return count;
}

/* A dozen small segments are there, and the power goes while they are made one; cut 0: it does not.
 */
static void merging_life(struct fixture *fixture, struct fake *fake, struct told *told,
                         uint64_t cut)
{
    enum err err;
    fixture_open(fixture);
    for (unsigned i = 0; i < SEGMENT_REPLACES_MAX; i++) {
        CHECK(turn(fixture, told, i) == OK);
        if (i + 1 == SEGMENT_REPLACES_MAX && cut > 0) {
            fake_power_off_at(fake, cut);
        }
        (void)fixture_seal(fixture, &err);
    }
    CHECK(cut > 0 || segments_of_seven(fixture) == 1);
    fixture_close(fixture);
}

/* HINOMI_STEP: between the places where it is cut (5). */
TEST(the_power_may_go_while_segments_are_made_one_and_each_event_stays_in_one_place)
{
    bool met = true;
    unsigned merged = 0;
    unsigned apart = 0;
    for (uint64_t cut = 1; met; cut += number_of("HINOMI_STEP", 5)) {
        struct fake *fake = fake_new();
        struct fixture *fixture = fixture_on(fake_disk(fake), ".");
        struct told told = {0};
        char name[80];
        (void)snprintf(name, sizeof name, "merging, cut %llu", (unsigned long long)cut);
        merging_life(fixture, fake, &told, cut);
        met = fake_is_off(fake);
        fake_power_off(fake);
        CHECK(fake_power_on(fake, cut) == OK);
        fixture_open(fixture);
        unsigned count = segments_of_seven(fixture);
        merged += count == 1;
        apart += count > 1;
        fixture_close(fixture);
        judge_after(fixture, &told, name);
        /* What was cut is done by the next life, and nothing of it is left over. */
        fixture_open(fixture);
        (void)fixture_seal(fixture, NULL);
        CHECK(segments_of_seven(fixture) < SEGMENT_REPLACES_MAX);
        fixture_close(fixture);
        judge_after(fixture, &told, name);
        fixture_free(fixture);
        fake_free(fake);
    }
    CHECK(merged > 2 && apart > 2);
}

TEST(a_full_disk_is_an_error_until_there_is_space_and_needs_no_restart)
{
    struct fake *fake = fake_new();
    struct fixture *fixture = fixture_on(fake_disk(fake), ".");
    struct told told = {0};
    fixture_open(fixture);
    CHECK(turn(fixture, &told, 0) == OK);
    fake_budget(fake, 4000);
    unsigned full = 0;
    for (unsigned i = 0; i < 10; i++) {
        full += turn(fixture, &told, i) == ERR_FULL;
    }
    CHECK(full >= 8);
    CHECK(fixture_read(fixture, 7) == told.stored[0]);
    fake_budget(fake, 1 << 20);
    CHECK(turn(fixture, &told, 0) == OK);
    fixture_close(fixture);
    judge_after(fixture, &told, "full");
    fixture_free(fixture);
    fake_free(fake);
}
