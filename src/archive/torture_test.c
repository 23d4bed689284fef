/*
 * The simulated disk: every operation fails once, the power goes between any two changes, and the
 * disk is full.  After each: nothing that a commit said was stored is lost, recovery ends, what is
 * there is what was written, and nobody finds damage.
 */

#include "archive/archive.h"

#include <stdio.h>
#include <stdlib.h>

#include "archive/fixture_test.h"
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
        told->stored[i] = told->offered[i] = there;
    }
    CHECK(turn(fixture, told, 1) == OK);
    fixture_close(fixture);
    CHECK(archive_verify(fixture->disk, fixture->folder, fixture->keys, say_damage,
                         (void *)(uintptr_t)name, &report, NULL) == OK);
    CHECK(report.unsigned_leaves == 0);
}

static void fault_at(enum fake_operation operation, uint64_t nth, bool lasting, enum err err,
                     bool *ret_met)
{
    char name[80];
    (void)snprintf(name, sizeof name, "operation %d number %llu%s", (int)operation,
                   (unsigned long long)nth, lasting ? " and all later" : "");
    struct fake *fake = fake_new();
    struct fixture *fixture = fixture_on(fake_disk(fake), ".");
    struct told told = {0};
    fake_fail(fake, operation, nth, lasting, err);
    life(fixture, &told);
    *ret_met = fake_failed(fake);
    life(fixture, &told);
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
            fault_at(operations[i], nth, false, ERR_IO, &met);
        }
        met = true;
        for (uint64_t nth = 1; met; nth += 7) {
            fault_at(operations[i], nth, true, ERR_FULL, &met);
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
