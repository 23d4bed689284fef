/* Holds as rows: who makes and releases them, and that both are told in the audit trail; promises
 * out of real versions. */

#include <string.h>

#include "ledger/ledger.h"
#include "service/keeping.h"
#include "service/world_test.h"
#include "testing/testing.h"

#define WANTED             \
    ((struct hold_wanted){ \
        .from = WALL_NONE, .to = WALL_NONE, .until = WALL_NONE, .why = STR("inquiry")})

static enum err make(struct world *world, enum role role, uint64_t *ret)
{
    const struct hold_wanted wanted = WANTED;
    return hold_make(world->roles[role], world->ledger, world->client, &wanted, world_at(0), ret,
                     &world->why);
}

static enum err release(struct world *world, const struct scope *scope, uint64_t id)
{
    return hold_release(scope, world->ledger, world->client, id, STR("over"), world_at(5),
                        &world->why);
}

TEST(holds_are_made_by_who_works_on_incidents_or_audits_and_by_nobody_else)
{
    static const struct {
        enum role role;
        enum err err;
    } cases[] = {
        {ROLE_ANALYST, OK},        {ROLE_PROVIDER_ADMIN, OK},
        {ROLE_RESPONSIBLE, OK},    {ROLE_CONTACT, OK},
        {ROLE_AUDITOR, OK},        {ROLE_ENGINEER, ERR_DENIED},
        {ROLE_VIEWER, ERR_DENIED}, {ROLE_CONSULTANT, ERR_DENIED},
        {ROLE_BIDDER, ERR_DENIED},
    };
    struct world world = world_new();
    uint64_t id;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK(make(&world, cases[i].role, &id) == cases[i].err);
    }
    CHECK(world_audited(&world, "hold") == 5);
    world_done(&world);
}

TEST(a_hold_is_released_by_its_side_or_who_decides_and_an_auditors_not_by_the_client)
{
    struct world world = world_new();
    uint64_t own;
    uint64_t providers;
    uint64_t auditors;
    CHECK(make(&world, ROLE_CONTACT, &own) == OK);
    CHECK(make(&world, ROLE_ANALYST, &providers) == OK);
    CHECK(make(&world, ROLE_AUDITOR, &auditors) == OK);
    CHECK(release(&world, world.roles[ROLE_CONTACT], own) == ERR_DENIED);
    CHECK(release(&world, world.roles[ROLE_ANALYST], own) == ERR_DENIED);
    CHECK(release(&world, world.administrator, own) == ERR_DENIED);
    CHECK(release(&world, world.roles[ROLE_RESPONSIBLE], own) == OK);
    CHECK(release(&world, world.roles[ROLE_RESPONSIBLE], own) == ERR_CONFLICT);
    CHECK(release(&world, world.roles[ROLE_AUDITOR], providers) == ERR_DENIED);
    CHECK(release(&world, world.roles[ROLE_PROVIDER_ADMIN], providers) == OK);
    CHECK(release(&world, world.roles[ROLE_RESPONSIBLE], auditors) == ERR_DENIED);
    CHECK(release(&world, world.roles[ROLE_ANALYST], auditors) == ERR_DENIED);
    CHECK(release(&world, world.roles[ROLE_AUDITOR], auditors) == OK);
    CHECK(release(&world, world.roles[ROLE_AUDITOR], 99) == ERR_NOT_FOUND);
    CHECK(world_audited(&world, "hold-release") == 3);
    world_done(&world);
}

TEST(a_hold_without_a_reason_or_with_a_span_that_cannot_be_is_refused)
{
    struct world world = world_new();
    struct hold_wanted wanted = WANTED;
    uint64_t id;
    wanted.why = STR("  ");
    CHECK(hold_make(world.roles[ROLE_ANALYST], world.ledger, world.client, &wanted, world_at(0),
                    &id, &world.why) == ERR_SYNTAX);
    wanted = WANTED;
    wanted.from = world_at(2);
    wanted.to = world_at(1);
    CHECK(hold_make(world.roles[ROLE_ANALYST], world.ledger, world.client, &wanted, world_at(0),
                    &id, &world.why) == ERR_SYNTAX);
    wanted = WANTED;
    wanted.until = world_at(0);
    CHECK(hold_make(world.roles[ROLE_ANALYST], world.ledger, world.client, &wanted, world_at(0),
                    &id, &world.why) == ERR_SYNTAX);
    world_done(&world);
}

TEST(holds_are_listed_with_what_they_hold_and_those_that_are_over_only_when_asked_for)
{
    static const struct source_id sources[] = {{3}, {7}};
    struct world world = world_new();
    struct hold_wanted wanted = WANTED;
    struct hold *list;
    size_t count;
    uint64_t id;
    wanted.sources = sources;
    wanted.sources_count = 2;
    wanted.from = world_at(-100);
    wanted.until = world_at(10);
    wanted.incident = 4;
    CHECK(hold_make(world.roles[ROLE_ANALYST], world.ledger, world.client, &wanted, world_at(0),
                    &id, &world.why) == OK);
    CHECK(hold_list(world.roles[ROLE_VIEWER], world.ledger, world.client, true, world_at(9),
                    world.mem, &list, &count) == OK);
    CHECK(count == 1 && list[0].sources_count == 2 && list[0].sources[1].value == 7);
    CHECK(list[0].incident == 4 && str_equal(list[0].why, STR("inquiry")));
    CHECK(!wall_known(list[0].to) && list[0].from.ns == world_at(-100).ns);
    CHECK(hold_list(world.roles[ROLE_VIEWER], world.ledger, world.client, true, world_at(10),
                    world.mem, &list, &count) == OK);
    CHECK(count == 0);
    CHECK(hold_list(world.roles[ROLE_VIEWER], world.ledger, world.client, false, world_at(10),
                    world.mem, &list, &count) == OK);
    CHECK(count == 1);
    CHECK(hold_list(world.roles[ROLE_BIDDER], world.ledger, world.client, false, world_at(10),
                    world.mem, &list, &count) == ERR_DENIED);
    world_done(&world);
}

TEST(holds_that_are_over_or_of_another_side_leave_room_for_one_more)
{
    struct world world = world_new();
    struct hold_wanted brief = WANTED;
    struct hold *list;
    size_t count;
    uint64_t id;
    brief.until = world_at(1);
    for (int i = 0; i < HOLDS_SIDE_MAX; i++) {
        CHECK(hold_make(world.roles[ROLE_ANALYST], world.ledger, world.client, &brief, world_at(0),
                        &id, &world.why) == OK);
    }
    CHECK(make(&world, ROLE_PROVIDER_ADMIN, &id) == ERR_LIMIT);
    CHECK(make(&world, ROLE_AUDITOR, &id) == OK);
    CHECK(make(&world, ROLE_CONTACT, &id) == OK);
    brief.until = WALL_NONE;
    CHECK(hold_make(world.roles[ROLE_ANALYST], world.ledger, world.client, &brief, world_at(1), &id,
                    &world.why) == OK);
    CHECK(hold_list(world.job, world.ledger, world.client, true, world_at(1), world.mem, &list,
                    &count) == OK);
    CHECK(count == 3);
    world_done(&world);
}

TEST(what_went_is_listed_once_however_often_it_is_told)
{
    struct world world = world_new();
    const struct drop drop = {.segment = 5, .events = 10, .days = 30, .at = world_at(3)};
    struct drop *list;
    size_t count;
    struct wall ran;
    CHECK(drop_note(world.roles[ROLE_ANALYST], world.ledger, world.client, &drop) == ERR_DENIED);
    CHECK(drop_note(world.job, world.ledger, world.client, &drop) == OK);
    CHECK(drop_note(world.job, world.ledger, world.client, &drop) == OK);
    CHECK(drop_list(world.roles[ROLE_VIEWER], world.ledger, world.client, 0, 10, world.mem, &list,
                    &count) == OK);
    CHECK(count == 1 && list[0].segment == 5 && list[0].events == 10 && list[0].days == 30);
    CHECK(schedule_ran(world.ledger, &ran) == OK && !wall_known(ran));
    CHECK(schedule_run(world.job, world.ledger, world_at(7)) == OK);
    CHECK(schedule_run(world.job, world.ledger, world_at(8)) == OK);
    CHECK(schedule_ran(world.ledger, &ran) == OK && ran.ns == world_at(8).ns);
    world_done(&world);
}

/* ---- Promises. */

#define SOURCE_OF(retention) "sources: [{slug: web, retention: " retention "}]\n"

static void promise(struct world *world, const char *text, int64_t seconds)
{
    struct version version = world_draft(world, "log-sources", text, seconds, WALL_NONE);
    CHECK(world_sign(world, ROLE_RESPONSIBLE, &version, seconds, &version) == OK);
    CHECK(version.state == VERSION_EFFECTIVE);
}

TEST(promises_are_those_of_every_version_that_ran_and_the_services_own_source_follows)
{
    const struct promise_source sources[] = {
        {{9}, STR("web"), false}, {{3}, STR("other"), false}, {{5}, STR("hinomi"), true}};
    struct world world = world_new();
    struct promises promises;
    promise(&world, SOURCE_OF("365d"), 10);
    promise(&world, SOURCE_OF("36h"), 20);
    CHECK(promises_read(world.roles[ROLE_ANALYST], world.service, world.client, sources, 3,
                        world.mem, &promises) == ERR_DENIED);
    CHECK(promises_read(world.job, world.service, world.client, sources, 3, world.mem, &promises) ==
          OK);
    CHECK(promises.count == 3 && promises.list[0].source.value == 3);
    const struct promise *web = promise_find(&promises, (struct source_id){9});
    CHECK(web != NULL && web->count == 2);
    CHECK(promise_days(web, world_at(10)) == 365 && promise_days(web, world_at(20)) == 2);
    CHECK(promise_days_now(web) == 2);
    CHECK(promise_days_now(promise_find(&promises, (struct source_id){3})) == 0);
    CHECK(promise_days_now(promise_find(&promises, (struct source_id){5})) == 2);
    CHECK(promise_days(promise_find(&promises, (struct source_id){5}), world_at(10)) == 365);
    CHECK(promises_longest(&promises) == 2);
    world_done(&world);
}
