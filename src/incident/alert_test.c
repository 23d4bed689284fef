#include "incident/incident.h"

#include <stdlib.h>
#include <string.h>

#include "ledger/ledger.h"
#include "sys/fake.h"
#include "testing/testing.h"

#define NOW      ((struct wall){1700000000000000000})
#define CLIENT_A ((struct client_id){1})
#define CLIENT_B ((struct client_id){2})

struct world {
    struct fake *fake;
    struct ledger *ledger;
    struct tenant *tenant;
    struct scope *scope;
    struct arena *mem;
};

static void world_open(struct world *world)
{
    struct apply_result result;
    CHECK(ledger_open(fake_disk(world->fake), ".", &world->ledger, NULL) == OK);
    CHECK(tenant_open(world->ledger, NOW, &world->tenant, NULL) == OK);
    CHECK(tenant_apply(world->scope, world->tenant, STR("clients: [{slug: b}]"), NOW, world->mem,
                       &result, NULL) == OK);
}

static struct world world_new(void)
{
    struct world world = {.fake = fake_new(), .mem = arena_new(64 << 20)};
    CHECK(scope_for_test((struct client_id){0},
                         RIGHT_ALERT | RIGHT_ALERTS | RIGHT_READ | RIGHT_MANAGE,
                         &world.scope) == OK);
    world_open(&world);
    return world;
}

static void world_close(struct world *world)
{
    tenant_close(world->tenant);
    ledger_close(world->ledger);
}

static void world_done(struct world *world)
{
    world_close(world);
    scope_free(world->scope);
    arena_free(world->mem);
    fake_free(world->fake);
}

static struct alert alert_of(struct client_id client, uint64_t sequence, const char *rule)
{
    return (struct alert){
        .place = {client, sequence},
        .source = {4},
        .received = {1000 * (int64_t)sequence},
        .happened = sequence % 2 == 0 ? WALL_NONE : (struct wall){-5},
        .level = LEVEL_HIGH,
        .rule_id = str_from(rule),
        .rule_title = STR("Somebody knocks"),
        .rule_author = STR("Ann, Bob"),
        .rule_tags = STR("attack.t1110"),
        .rule_version = STR("00ff"),
    };
}

static enum err store(struct world *world, struct alert *list, size_t count, uint64_t bookmark,
                      uint64_t *fresh)
{
    const struct alerts alerts = {list, count};
    return incident_store(world->scope, world->ledger, count > 0 ? list[0].place.client : CLIENT_A,
                          &alerts, bookmark, NOW, fresh);
}

TEST(an_alert_is_kept_once_with_the_bookmark_beside_it)
{
    struct world world = world_new();
    struct alert list[] = {alert_of(CLIENT_A, 1, "r1"), alert_of(CLIENT_A, 1, "r2"),
                           alert_of(CLIENT_A, 2, "r1")};
    uint64_t fresh = 9;
    uint64_t bookmark = 0;
    CHECK(incident_bookmark(world.scope, world.ledger, CLIENT_A, &bookmark) == OK && bookmark == 1);
    CHECK(store(&world, list, 2, 2, &fresh) == OK && fresh == 2);
    CHECK(store(&world, list, 3, 3, &fresh) == OK && fresh == 1);
    CHECK(store(&world, list, 3, 2, &fresh) == OK && fresh == 0);
    CHECK(incident_bookmark(world.scope, world.ledger, CLIENT_A, &bookmark) == OK && bookmark == 3);
    CHECK(incident_bookmark(world.scope, world.ledger, CLIENT_B, &bookmark) == OK && bookmark == 1);
    CHECK(store(&world, NULL, 0, 7, &fresh) == OK && fresh == 0);
    CHECK(incident_bookmark(world.scope, world.ledger, CLIENT_A, &bookmark) == OK && bookmark == 7);
    world_done(&world);
}

TEST(what_the_criteria_made_of_an_alert_is_kept_with_it)
{
    struct world world = world_new();
    struct alert alert = alert_of(CLIENT_A, 1, "r");
    struct stored_alert *got;
    size_t count;
    uint64_t fresh;
    const struct outcome outcome = {
        .type = STR("sql-injection"),
        .severity = LEVEL_CRITICAL,
        .incident = true,
        .criterion = STR("sqli"),
        .chain = STR("security"),
        .action = STR("block"),
        .authorised = true,
        .asset = STR("shop"),
        .owner = STR("head"),
        .zone = STR("dmz"),
        .outside = STR("203.0.113.10"),
        .inside = STR("10.0.1.10"),
        .other = STR("198.51.100.7"),
        .documents = STR("assets:00ff"),
    };
    alert.outcome = outcome;
    CHECK(store(&world, &alert, 1, 2, &fresh) == OK);
    alert.outcome.severity = LEVEL_COUNT;
    CHECK(store(&world, &alert, 1, 2, &fresh) == ERR_SYNTAX);
    const struct alert_filter filter = {
        .client = CLIENT_A, .from = WALL_NONE, .to = WALL_NONE, .count_max = 100};
    CHECK(incident_list(world.scope, world.ledger, &filter, world.mem, &got, &count) == OK);
    CHECK(count == 1 && got[0].incident == 0);
    const struct outcome *kept = &got[0].alert.outcome;
    CHECK(kept->severity == LEVEL_CRITICAL && kept->incident && kept->authorised);
    CHECK(str_equal(kept->type, outcome.type) && str_equal(kept->criterion, outcome.criterion));
    CHECK(str_equal(kept->chain, outcome.chain) && str_equal(kept->action, outcome.action));
    CHECK(str_equal(kept->asset, outcome.asset) && str_equal(kept->owner, outcome.owner));
    CHECK(str_equal(kept->zone, outcome.zone) && str_equal(kept->outside, outcome.outside));
    CHECK(str_equal(kept->inside, outcome.inside) && str_equal(kept->other, outcome.other));
    CHECK(str_equal(kept->documents, outcome.documents));
    world_done(&world);
}

TEST(alerts_are_listed_as_they_were_stored_page_by_page)
{
    struct world world = world_new();
    struct alert list[150];
    uint64_t fresh;
    struct stored_alert *got = NULL;
    size_t count = 0;
    for (size_t i = 0; i < 150; i++) {
        list[i] = alert_of(CLIENT_A, i + 1, "r");
    }
    CHECK(store(&world, list, 150, 151, &fresh) == OK && fresh == 150);
    struct alert other = alert_of(CLIENT_B, 1, "r");
    CHECK(store(&world, &other, 1, 2, &fresh) == OK && fresh == 1);
    struct alert_filter filter = {
        .client = CLIENT_A, .from = WALL_NONE, .to = WALL_NONE, .count_max = 100};
    CHECK(incident_list(world.scope, world.ledger, &filter, world.mem, &got, &count) == OK);
    CHECK(count == 100 && got[0].alert.place.sequence == 1 && got[0].stored.ns == NOW.ns);
    CHECK(got[0].alert.happened.ns == -5 && !wall_known(got[1].alert.happened));
    CHECK(got[1].alert.source.value == 4 && got[1].alert.received.ns == 2000);
    CHECK(got[1].alert.level == LEVEL_HIGH && str_equal(got[1].alert.rule_id, STR("r")));
    CHECK(str_equal(got[1].alert.rule_author, STR("Ann, Bob")));
    CHECK(got[1].alert.rule_link.size == 0 && str_equal(got[1].alert.rule_version, STR("00ff")));
    filter.after_id = got[99].id;
    CHECK(incident_list(world.scope, world.ledger, &filter, world.mem, &got, &count) == OK);
    CHECK(count == 50 && got[49].alert.place.sequence == 150);
    filter = (struct alert_filter){
        .client = CLIENT_A, .from = {3000}, .to = {5000}, .count_max = SIZE_MAX};
    CHECK(incident_list(world.scope, world.ledger, &filter, world.mem, &got, &count) == OK);
    CHECK(count == 2 && got[0].alert.place.sequence == 3 && got[1].alert.place.sequence == 4);
    world_done(&world);
}

TEST(a_scope_reaches_only_its_own_clients_alerts)
{
    struct world world = world_new();
    struct scope *spine = NULL;
    struct alert alert = alert_of(CLIENT_A, 1, "r");
    const struct alerts alerts = {&alert, 1};
    uint64_t number;
    struct stored_alert *got;
    size_t count;
    CHECK(scope_for_spine(world.tenant, CLIENT_B, &spine) == OK);
    CHECK(incident_store(spine, world.ledger, CLIENT_A, &alerts, 2, NOW, &number) == ERR_DENIED);
    CHECK(incident_store(spine, world.ledger, CLIENT_B, &alerts, 2, NOW, &number) == ERR_DENIED);
    CHECK(incident_bookmark(spine, world.ledger, CLIENT_A, &number) == ERR_DENIED);
    CHECK(incident_bookmark(spine, world.ledger, CLIENT_B, &number) == OK && number == 1);
    const struct alert_filter filter = {.client = CLIENT_B, .count_max = 1};
    CHECK(incident_list(spine, world.ledger, &filter, world.mem, &got, &count) == ERR_DENIED);
    scope_free(spine);
    world_done(&world);
}

TEST(after_any_cut_no_alert_before_the_bookmark_is_missing_or_doubled)
{
    for (uint64_t nth = 1;; nth++) {
        struct world world = world_new();
        uint64_t fresh = 0;
        uint64_t acknowledged = 1;
        uint64_t bookmark = 0;
        fake_power_off_at(world.fake, nth);
        for (uint64_t sequence = 1; sequence <= 4; sequence++) {
            struct alert list[] = {alert_of(CLIENT_A, sequence, "r1"),
                                   alert_of(CLIENT_A, sequence, "r2")};
            if (store(&world, list, 2, sequence + 1, &fresh) == OK) {
                acknowledged = sequence + 1;
            }
        }
        bool off = fake_is_off(world.fake);
        fake_power_off(world.fake);
        world_close(&world);
        CHECK(fake_power_on(world.fake, nth * 31) == OK);
        world_open(&world);
        CHECK(incident_bookmark(world.scope, world.ledger, CLIENT_A, &bookmark) == OK);
        CHECK(bookmark >= acknowledged);
        struct stored_alert *got;
        size_t count;
        const struct alert_filter filter = {
            .client = CLIENT_A, .from = WALL_NONE, .to = WALL_NONE, .count_max = 100};
        CHECK(incident_list(world.scope, world.ledger, &filter, world.mem, &got, &count) == OK);
        CHECK(count == 2 * (bookmark - 1));
        CHECK(ledger_check(world.ledger, NULL) == OK);
        world_done(&world);
        if (!off) {
            CHECK(nth > 4);
            break;
        }
    }
}

TEST(one_event_completes_a_correlation_for_several_groups)
{
    struct world world = world_new();
    struct alert list[] = {alert_of(CLIENT_A, 1, "c"), alert_of(CLIENT_A, 1, "c"),
                           alert_of(CLIENT_A, 1, "c")};
    uint64_t fresh = 0;
    list[0].kind = list[1].kind = list[2].kind = ALERT_CORRELATION;
    list[0].group = STR("{\"user\":\"ann\"}");
    list[1].group = STR("{\"user\":\"bob\"}");
    list[2].group = STR("{\"user\":\"ann\"}");
    CHECK(store(&world, list, 3, 1, &fresh) == OK && fresh == 2);
    CHECK(store(&world, list, 3, 2, &fresh) == OK && fresh == 0);
    world_done(&world);
}
