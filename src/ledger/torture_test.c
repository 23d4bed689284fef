/*
 * The ledger on a disk that fails.  Three transactions are tried, and after an error the ledger is
 * closed, opened again and the transaction tried once more, as a restarted process would.  At the
 * end the power goes, and what is on disk must be what was promised.
 *
 * All begins twice: on an empty disk, where making all tables takes hundreds of places of which
 * each ninth is tried, another ninth for each kind; and on a copy of a ledger that is made, where
 * each is. HINOMI_STEP=1 tries every place of both, HINOMI_STEP=N each N-th.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger.h"
#include "sys/fake.h"
#include "testing/testing.h"

#define ROUNDS       3
#define STEP_MAKING  9
#define ATTEMPTS_MAX 12
#define KINDS        10

struct promise {
    bool there[ROUNDS]; /* committed, or seen by a later opening */
    bool open[ROUNDS];  /* its commit failed and nobody looked since */
};

/* What a life begins with: nothing, or a ledger whose tables are made. */
enum beginning { BEGIN_EMPTY, BEGIN_MADE, BEGINNINGS };

static uint64_t step(enum beginning beginning)
{
    const char *set = getenv("HINOMI_STEP");
    long value = set != NULL ? strtol(set, NULL, 10) : beginning == BEGIN_MADE ? 1 : STEP_MAKING;
    return value > 0 ? (uint64_t)value : 1;
}

static struct fake *disk_new(enum beginning beginning)
{
    static struct fake *made;
    if (beginning == BEGIN_EMPTY) {
        return fake_new();
    }
    if (made == NULL) {
        struct ledger *ledger;
        made = fake_new();
        CHECK(ledger_open(fake_disk(made), ".", &ledger, NULL) == OK);
        ledger_close(ledger);
    }
    return fake_copy(made);
}

static bool row_there(struct ledger *ledger, int round)
{
    struct statement *statement;
    bool row = false;
    CHECK(ledger_prepare(ledger, "SELECT value FROM meta WHERE key = ?", &statement) == OK);
    char key[8];
    (void)snprintf(key, sizeof key, "k%d", round);
    CHECK(statement_bind_text(statement, 1, str_from(key)) == OK);
    CHECK(statement_step(statement, &row) == OK);
    statement_reset(statement);
    return row;
}

static enum err round_write(struct ledger *ledger, int round)
{
    static const char large[6000] = "text";
    struct statement *statement;
    char key[8];
    (void)snprintf(key, sizeof key, "k%d", round);
    enum err err =
        ledger_prepare(ledger, "INSERT INTO meta (key, value) VALUES (?, ?)", &statement);
    if (err == OK) {
        err = statement_bind_text(statement, 1, str_from(key));
    }
    if (err == OK) {
        err = statement_bind_bytes(statement, 2, str_of(large, sizeof large));
    }
    if (err == OK) {
        err = statement_run(statement);
    }
    if (err == OK) {
        err = ledger_audit(ledger, round, 0, STR("p"), STR("a"), STR("o"), STR("d"));
    }
    return err;
}

static enum err rounds_run(struct ledger *ledger, struct promise *promise)
{
    for (int round = 0; round < ROUNDS; round++) {
        if (promise->there[round]) {
            continue;
        }
        enum err err = ledger_begin(ledger);
        if (err != OK) {
            return err;
        }
        err = round_write(ledger, round);
        if (err != OK) {
            ledger_rollback(ledger);
            return err;
        }
        err = ledger_commit(ledger);
        promise->there[round] = err == OK;
        promise->open[round] = err != OK;
        if (err != OK) {
            return err;
        }
    }
    return OK;
}

/* A new process looks: what it sees of a commit that failed is from now on promised. */
static void promise_look(struct ledger *ledger, struct promise *promise)
{
    for (int round = 0; round < ROUNDS; round++) {
        if (promise->open[round]) {
            promise->there[round] = row_there(ledger, round);
            promise->open[round] = false;
        }
    }
}

/* With `crash`, the power goes before the last close has tidied up. */
static void life(struct fake *fake, struct promise *promise, bool crash)
{
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        struct ledger *ledger = NULL;
        struct why why = {0};
        enum err err = ledger_open(fake_disk(fake), ".", &ledger, &why);
        CHECK(err == OK || why.text[0] != '\0');
        if (err == OK) {
            bool looked = false;
            for (int round = 0; round < ROUNDS; round++) {
                looked = looked || promise->open[round];
            }
            if (looked && fake_is_off(fake)) {
                ledger_close(ledger);
                return;
            }
            if (looked && fake_failed(fake)) {
                promise_look(ledger, promise);
            }
            err = rounds_run(ledger, promise);
            if (err == OK && crash) {
                fake_power_off(fake);
            }
            ledger_close(ledger);
        }
        if (err == OK || fake_is_off(fake)) {
            return;
        }
    }
}

static void promise_check(struct fake *fake, const struct promise *promise)
{
    struct ledger *ledger = NULL;
    struct why why = {0};
    enum err err = ledger_open(fake_disk(fake), ".", &ledger, &why);
    if (err == OK) {
        err = ledger_check(ledger, &why);
    }
    if (err == OK) {
        err = ledger_audit_verify(ledger, &why);
    }
    if (err != OK) {
        printf("after power on: %s\n", why_text(&why, err));
    }
    CHECK(err == OK);
    for (int round = 0; round < ROUNDS; round++) {
        bool there = row_there(ledger, round);
        CHECK(promise->open[round] || there == promise->there[round]);
    }
    ledger_close(ledger);
}

/* One operation fails, each in its turn; how many were tried. */
static uint64_t failures_try(enum beginning beginning, size_t kind)
{
    static const struct {
        enum fake_operation operation;
        enum err err;
        uint64_t sync_seed;
    } kinds[KINDS] = {
        {FAKE_ANY, ERR_IO, 11},
        {FAKE_ANY, ERR_IO, 12},
        {FAKE_WRITE, ERR_FULL, 13},
        {FAKE_WRITE, ERR_FULL, 14},
        {FAKE_SYNC, ERR_IO, FAKE_SEED_NOTHING},
        {FAKE_SYNC, ERR_IO, FAKE_SEED_NOTHING},
        {FAKE_SYNC, ERR_IO, FAKE_SEED_ALL},
        {FAKE_SYNC, ERR_IO, 15},
        {FAKE_SYNC, ERR_IO, 16},
        {FAKE_SYNC_FOLDER, ERR_IO, 17},
    };
    uint64_t tried = 0;
    uint64_t nth = 1 + kind % step(beginning);
    for (bool failed = true; failed; nth += step(beginning)) {
        struct fake *fake = disk_new(beginning);
        struct promise promise = {0};
        fake_seed(fake, kinds[kind].sync_seed);
        fake_fail(fake, kinds[kind].operation, nth, false, kinds[kind].err);
        life(fake, &promise, kind % 2 == 0);
        failed = fake_failed(fake);
        tried += failed;
        CHECK(promise.there[0] && promise.there[1] && promise.there[2]);
        fake_fail(fake, FAKE_ANY, 1, false, OK);
        fake_power_off(fake);
        CHECK(fake_power_on(fake, nth * 7919 + kind) == OK);
        promise_check(fake, &promise);
        fake_free(fake);
    }
    return tried;
}

TEST(one_failure_of_the_disk_breaks_no_promise)
{
    uint64_t tried[BEGINNINGS] = {0};
    for (size_t kind = 0; kind < KINDS; kind++) {
        tried[BEGIN_EMPTY] += failures_try(BEGIN_EMPTY, kind);
        tried[BEGIN_MADE] += failures_try(BEGIN_MADE, kind);
    }
    printf("%llu and %llu places\n", (unsigned long long)tried[BEGIN_EMPTY],
           (unsigned long long)tried[BEGIN_MADE]);
    CHECK(tried[BEGIN_EMPTY] > KINDS && tried[BEGIN_MADE] > KINDS);
}

static void stays_broken(enum beginning beginning)
{
    uint64_t nth = 1;
    for (bool failed = true; failed; nth += step(beginning)) {
        struct fake *fake = disk_new(beginning);
        struct promise promise = {0};
        fake_fail(fake, FAKE_ANY, nth, true, nth % 2 == 0 ? ERR_IO : ERR_FULL);
        life(fake, &promise, nth / step(beginning) % 3 == 0);
        failed = fake_failed(fake);
        fake_fail(fake, FAKE_ANY, 1, false, OK);
        fake_power_off(fake);
        CHECK(fake_power_on(fake, nth * 104729) == OK);
        promise_check(fake, &promise);
        fake_free(fake);
    }
}

TEST(a_disk_that_stays_broken_breaks_no_promise)
{
    stays_broken(BEGIN_EMPTY);
    stays_broken(BEGIN_MADE);
}

static void power_goes(enum beginning beginning, uint64_t seed)
{
    uint64_t tried = 0;
    uint64_t nth = 1 + seed % step(beginning);
    for (bool off = true; off; nth += step(beginning)) {
        struct fake *fake = disk_new(beginning);
        struct promise promise = {0};
        fake_power_off_at(fake, nth);
        life(fake, &promise, false);
        off = fake_is_off(fake);
        tried += off;
        fake_power_off(fake);
        CHECK(fake_power_on(fake, seed == 0   ? FAKE_SEED_NOTHING
                                  : seed == 1 ? FAKE_SEED_ALL
                                              : nth * 15485863 + seed) == OK);
        promise_check(fake, &promise);
        fake_free(fake);
    }
    printf("seed %llu: %llu places\n", (unsigned long long)seed, (unsigned long long)tried);
    CHECK(tried > 0);
}

TEST(power_may_go_between_any_two_writes)
{
    for (uint64_t seed = 0; seed < 4; seed++) {
        power_goes(BEGIN_EMPTY, seed);
        power_goes(BEGIN_MADE, seed);
    }
}

TEST(after_a_failed_sync_nothing_is_written_any_more)
{
    struct fake *fake = fake_new();
    struct promise promise = {0};
    struct ledger *ledger = NULL;
    CHECK(ledger_open(fake_disk(fake), ".", &ledger, NULL) == OK);
    fake_fail(fake, FAKE_SYNC, 1, false, ERR_IO);
    CHECK(rounds_run(ledger, &promise) == ERR_IO && promise.open[0]);
    uint64_t writes = fake_count(fake, FAKE_WRITE);
    uint64_t syncs = fake_count(fake, FAKE_SYNC);
    CHECK(ledger_begin(ledger) == ERR_IO);
    ledger_close(ledger);
    CHECK(fake_count(fake, FAKE_WRITE) == writes && fake_count(fake, FAKE_SYNC) == syncs);
    fake_free(fake);
}

TEST(a_full_disk_is_said_and_room_is_used_again)
{
    struct fake *fake = fake_new();
    struct promise promise = {0};
    struct ledger *ledger = NULL;
    CHECK(ledger_open(fake_disk(fake), ".", &ledger, NULL) == OK);
    fake_budget(fake, 0);
    CHECK(rounds_run(ledger, &promise) == ERR_FULL && !ledger_in_transaction(ledger));
    fake_budget(fake, UINT64_MAX);
    promise = (struct promise){0};
    CHECK(rounds_run(ledger, &promise) == OK);
    fake_power_off(fake);
    ledger_close(ledger);
    CHECK(fake_power_on(fake, FAKE_SEED_NOTHING) == OK);
    promise_check(fake, &promise);
    fake_free(fake);
}
