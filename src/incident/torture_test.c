/*
 * Incidents on a disk that fails: each write and each sync once, and the power at each change,
 * while alerts are grouped, countermeasures proposed and decided on.  After an error the ledger is
 * opened again and the life goes on from where it was; whatever happened, row, history, trail,
 * options and notices are those of one moment.
 */

#include "incident/fixture_test.h"
#include "testing/testing.h"

#define CLOCKS       (MOMENT_COUNT - 1)
#define STEPS        5
#define RESTARTS_MAX 20

static enum err life_step(struct town *town, int step)
{
    struct alert alert = town_alert(town);
    const struct incident_at at = town_at(town, 1);
    struct scope *analyst = town->roles[ROLE_ANALYST];
    uint64_t opened;
    uint32_t proposal;
    town->sequence = 0;
    switch (step) {
    case 0:
        return town_group(town, &alert, 1, &opened);
    case 1:
        return incident_step(analyst, town->incidents, at, INCIDENT_CAUSE, STR(""), NULL);
    case 2:
        return incident_step(analyst, town->incidents, at, INCIDENT_COUNTERMEASURE, STR("c"), NULL);
    case 3:
        return incident_propose(analyst, town->incidents, at, town_options, 2, WALL_NONE, &proposal,
                                NULL);
    default:
        return incident_decide(town->roles[ROLE_RESPONSIBLE], town->incidents, at, 1, 2, STR(""),
                               NULL);
    }
}

/* How many steps are in the ledger. */
static int steps_there(struct town *town)
{
    struct incident_view view;
    enum err err = incident_get(town->serve, town->incidents, CLIENT_B, 1, town->mem, &view);
    CHECK(err == OK || err == ERR_NOT_FOUND);
    return err == OK ? (int)view.state + 1 : 0;
}

static void check_consistent(struct town *town)
{
    int steps = steps_there(town);
    CHECK(ledger_check(town->ledger, NULL) == OK);
    CHECK(ledger_audit_verify(town->ledger, NULL) == OK);
    CHECK(town_number(town, "SELECT count(*) FROM incident_line") == steps);
    CHECK(town_number(town, "SELECT count(*) FROM audit WHERE object = 'incident 2/1'") == steps);
    CHECK(town_number(town, "SELECT coalesce(max(lines), 0) FROM incident") == steps);
    CHECK(town_number(town, "SELECT count(*) FROM alert WHERE incident = 1") == (steps > 0));
    CHECK(town_number(town, "SELECT count(*) FROM alert") == (steps > 0));
    CHECK(town_number(town, "SELECT count(*) FROM notice") == (steps > 0) + (steps > 3));
    CHECK(town_number(town, "SELECT count(*) FROM notice WHERE settled IS NOT NULL") ==
          (steps > 4));
    CHECK(town_number(town, "SELECT count(*) FROM clock_event") ==
          (steps > 0 ? CLOCKS : 0) + (steps > 2) + (steps > 3) + (steps > 4));
    CHECK(town_number(town, "SELECT count(*) FROM countermeasure") == (steps > 3 ? 2 : 0));
    CHECK(town_number(town, "SELECT count(*) FROM countermeasure WHERE chosen = 1") == (steps > 4));
}

/* True if the plan met its operation. */
static bool life_with_failure(enum fake_operation operation, uint64_t nth, uint64_t seed)
{
    struct town *town = town_new();
    int done = 0;
    fake_seed(town->fake, seed);
    fake_fail(town->fake, operation, nth, false, ERR_IO);
    for (int restarts = 0; done < STEPS; restarts++) {
        CHECK(restarts < RESTARTS_MAX);
        enum err err = OK;
        while (done < STEPS && err == OK) {
            err = life_step(town, done);
            done += err == OK;
        }
        if (err != OK) {
            CHECK(fake_failed(town->fake));
            town_stop(town);
            town_start(town);
            /* A commit that failed may be there all the same; one that did not fail is. */
            CHECK(steps_there(town) == done || steps_there(town) == done + 1);
            done = steps_there(town);
        }
        check_consistent(town);
    }
    bool met = fake_failed(town->fake);
    fake_fail(town->fake, operation, 1, false, OK);
    town_free(town);
    return met;
}

TEST(every_write_and_every_sync_may_fail_once)
{
    static const enum fake_operation operations[] = {FAKE_WRITE, FAKE_SYNC};
    for (size_t i = 0; i < 2; i++) {
        uint64_t nth = 1;
        while (life_with_failure(operations[i], nth, nth % 3 == 0 ? FAKE_SEED_ALL : nth)) {
            nth++;
        }
        CHECK(nth > STEPS);
    }
}

TEST(after_any_cut_of_the_power_an_incident_is_of_one_moment)
{
    for (uint64_t nth = 1;; nth++) {
        struct town *town = town_new();
        int done = 0;
        fake_power_off_at(town->fake, nth);
        while (done < STEPS && life_step(town, done) == OK) {
            done++;
        }
        bool off = fake_is_off(town->fake);
        fake_power_off(town->fake);
        town_stop(town);
        CHECK(fake_power_on(town->fake, nth * 31) == OK);
        town_start(town);
        int there = steps_there(town);
        CHECK(there == done || (off && there == done + 1));
        check_consistent(town);
        town_free(town);
        if (!off) {
            CHECK(nth > STEPS);
            return;
        }
    }
}
