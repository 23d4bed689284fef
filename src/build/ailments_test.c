/*
 * What ails devices as rows: opened, told to the right side, joined into a storm, held back by
 * planned work, ended by itself.  Heartbeats and proposals, which have no other room to be tried
 * in.
 */

#include <stdio.h>
#include <string.h>

#include "build/private.h"
#include "build/proposals.h"
#include "ledger/ledger.h"
#include "service/service.h"
#include "sys/fake.h"
#include "testing/testing.h"

#define NOW  ((struct wall){1790000000000000000})
#define ACME ((struct client_id){2})
#define BOLT ((struct client_id){3})

struct world {
    struct fake *fake;
    struct ailments_settings at;
    struct scope *administrator, *job, *client, *provider, *engineer;
    struct arena *mem;
    struct why why;
    struct wall now;
};

static const char clients[] =
    "clients:\n"
    "  - slug: acme\n"
    "    sources: [{slug: one}, {slug: two}, {slug: three}, {slug: four}, {slug: five},\n"
    "      {slug: web, senders: [{listener: tcp, addresses: [192.0.2.0/24]}]}]\n"
    "    devices:\n"
    "      - {slug: box, name: {ja: 箱, en: Box}, kind: firewall, provision: rental,"
    " sources: [one, two]}\n"
    "  - slug: bolt\n"
    "    sources: [{slug: bolted}]\n";

static struct wall later(int64_t seconds)
{
    return (struct wall){NOW.ns + seconds * NS_PER_SECOND};
}

static struct world world_new(void)
{
    struct world world = {.fake = fake_new(), .mem = arena_new((size_t)64 << 20), .now = NOW};
    struct apply_result result;
    CHECK(ledger_open(fake_disk(world.fake), ".", &world.at.ledger, &world.why) == OK);
    CHECK(tenant_open(world.at.ledger, NOW, &world.at.tenant, &world.why) == OK);
    CHECK(service_open(world.at.ledger, world.at.tenant, NOW, &world.at.service, &world.why) == OK);
    CHECK(scope_for_test((struct client_id){0}, RIGHT_MANAGE | RIGHT_BOOKS, &world.administrator) ==
          OK);
    CHECK(scope_for_test((struct client_id){0}, RIGHT_SERVE | RIGHT_DOCUMENTS, &world.job) == OK);
    CHECK(tenant_apply(world.administrator, world.at.tenant, str_from(clients), NOW, world.mem,
                       &result, &world.why) == OK);
    CHECK(scope_for_test_role(ACME, ROLE_RESPONSIBLE, &world.client) == OK);
    CHECK(scope_for_test_role(ACME, ROLE_ANALYST, &world.provider) == OK);
    CHECK(scope_for_test_role(ACME, ROLE_ENGINEER, &world.engineer) == OK);
    return world;
}

static void world_done(struct world *world)
{
    struct scope *scopes[] = {world->administrator, world->job, world->client, world->provider,
                              world->engineer};
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        scope_free(scopes[i]);
    }
    CHECK(ledger_check(world->at.ledger, NULL) == OK);
    service_close(world->at.service);
    tenant_close(world->at.tenant);
    ledger_close(world->at.ledger);
    fake_free(world->fake);
    arena_free(world->mem);
}

static struct source_info source_named(const struct world *world, const char *slug)
{
    struct source_info source;
    for (size_t i = 0; tenant_source_at(world->at.tenant, i, &source); i++) {
        if (str_equal(source.slug, str_from(slug))) {
            return source;
        }
    }
    testing_fail(slug, __FILE__, __LINE__);
}

static const struct finding silent = {.ailment = AILMENT_SILENT, .is = 120, .usual = 60};

/* What a turn finds of these sources, all silent; each is a device of its own. */
static void turn(struct world *world, const char *const *slugs, size_t count, int64_t seconds)
{
    struct ailing list[8];
    bool changed;
    for (size_t i = 0; i < count; i++) {
        struct source_info source = source_named(world, slugs[i]);
        list[i] = (struct ailing){.client = source.client,
                                  .source = source.id,
                                  .source_slug = source.slug,
                                  .device = source.slug,
                                  .findings = &silent,
                                  .count = 1};
    }
    world->now = later(seconds);
    CHECK(ailments_turn(world->job, &world->at, list, count, world->now, &changed) == OK);
}

static int64_t number(struct world *world, const char *sql)
{
    struct statement *statement;
    bool row;
    CHECK(ledger_prepare(world->at.ledger, sql, &statement) == OK);
    CHECK(statement_step(statement, &row) == OK && row);
    int64_t found = statement_int(statement, 0);
    statement_reset(statement);
    return found;
}

#define NOTICES(purpose) number(&world, "SELECT count(*) FROM notice WHERE purpose = '" purpose "'")

static size_t listed(struct world *world, const struct scope *scope, bool open,
                     struct ailment_view **ret)
{
    size_t count;
    CHECK(ailment_list(scope, world->at.ledger, ACME, open, 100, world->mem, ret, &count) == OK);
    return count;
}

TEST(a_silent_device_is_one_row_told_once_and_ends_by_itself)
{
    struct world world = world_new();
    struct ailment_view *list;
    static const char *const one[] = {"three"};
    turn(&world, one, 1, 0);
    turn(&world, one, 1, 5);
    turn(&world, one, 1, 10);
    CHECK(NOTICES("device-trouble") == 1 && NOTICES("device-trouble-provider") == 0);
    CHECK(listed(&world, world.client, true, &list) == 1);
    CHECK(str_equal(list[0].device, STR("three")) && list[0].ailment == AILMENT_SILENT);
    CHECK(list[0].told && list[0].opened.ns == NOW.ns && list[0].usual == 60);
    turn(&world, one, 0, 60);
    CHECK(listed(&world, world.client, true, &list) == 0);
    CHECK(listed(&world, world.client, false, &list) == 1 && list[0].closed.ns == later(60).ns);
    turn(&world, one, 1, 120); /* again: another row, told again */
    CHECK(NOTICES("device-trouble") == 2);
    world_done(&world);
}

TEST(of_a_rented_device_and_of_what_cannot_be_read_the_provider_alone_is_told)
{
    struct world world = world_new();
    struct source_info one = source_named(&world, "one");
    const struct finding unreadable = {.ailment = AILMENT_PARSE};
    bool changed;
    const struct ailing list[] = {
        {.client = ACME,
         .source = one.id,
         .source_slug = one.slug,
         .device = STR("box"),
         .provided = true,
         .findings = &silent,
         .count = 1},
        {.client = ACME,
         .source = one.id,
         .source_slug = one.slug,
         .device = STR("other"),
         .findings = &unreadable,
         .count = 1},
    };
    CHECK(ailments_turn(world.job, &world.at, list, 2, NOW, &changed) == OK && changed);
    CHECK(NOTICES("device-trouble-provider") == 2 && NOTICES("device-trouble") == 0);
    world_done(&world);
}

TEST(one_source_of_a_device_that_is_silent_is_half_a_silence)
{
    struct world world = world_new();
    struct source_info one = source_named(&world, "one");
    struct ailment_view *shown;
    bool changed;
    const struct ailing list[] = {{.client = ACME,
                                   .source = one.id,
                                   .source_slug = one.slug,
                                   .device = STR("box"),
                                   .others_heard = true,
                                   .findings = &silent,
                                   .count = 1}};
    CHECK(ailments_turn(world.job, &world.at, list, 1, NOW, &changed) == OK);
    CHECK(listed(&world, world.client, true, &shown) == 1);
    CHECK(shown[0].ailment == AILMENT_HALF_SILENT && str_equal(shown[0].detail, STR("one")));
    world_done(&world);
}

TEST(many_devices_of_a_client_at_once_are_told_as_one_and_those_of_another_are_not_among_them)
{
    struct world world = world_new();
    struct ailment_view *list;
    static const char *const all[] = {"three", "four", "five", "bolted"};
    static const char *const more[] = {"three", "four", "five", "bolted", "web"};
    turn(&world, all, 4, 0);
    CHECK(NOTICES("device-storm") == 1 && NOTICES("device-trouble") == 1); /* bolt's own */
    CHECK(listed(&world, world.client, true, &list) == 4);
    CHECK(list[0].members == 3 && list[0].device.size == 0 && list[1].storm == list[0].id);
    turn(&world, more, 5, 60); /* another joins */
    CHECK(NOTICES("device-storm") == 1 && NOTICES("device-trouble") == 1);
    CHECK(listed(&world, world.client, true, &list) == 5);
    turn(&world, more, 1, 120); /* one of them is left: the storm goes on */
    CHECK(listed(&world, world.client, true, &list) == 2);
    turn(&world, more, 0, 180);
    CHECK(listed(&world, world.client, true, &list) == 0);
    CHECK(number(&world, "SELECT count(*) FROM ailment WHERE closed IS NULL") == 0);
    world_done(&world);
}

TEST(what_befalls_devices_one_after_the_other_becomes_a_storm_with_the_third)
{
    struct world world = world_new();
    static const char *const all[] = {"three", "four", "five", "web"};
    turn(&world, all, 1, 0);
    turn(&world, all, 2, 60);
    CHECK(NOTICES("device-trouble") == 2 && NOTICES("device-storm") == 0);
    turn(&world, all, 3, 120);
    turn(&world, all, 4, 180);
    CHECK(NOTICES("device-trouble") == 2 && NOTICES("device-storm") == 1);
    world_done(&world);
}

TEST(planned_work_of_the_calendar_is_kept_and_nobody_is_told)
{
    struct world world = world_new();
    struct document document = {0};
    struct version version;
    struct ailment_view *list;
    static const char *const one[] = {"three"};
    CHECK(document_read(schema_find(STR("calendars")),
                        STR("events: [{slug: work, name: {ja: 作業, en: Work}, type: maintenance,"
                            " from: 2026-09-21T00:00:00Z, to: 2026-09-23T00:00:00Z}]"),
                        world.mem, &document, &world.why) == OK);
    CHECK(service_draft(world.engineer, world.at.service, ACME, &document, STR(""), WALL_NONE, NOW,
                        world.mem, &version, &world.why) == OK);
    CHECK(service_sign(world.client, world.at.service, ACME, version.kind, version.hash, NOW,
                       world.mem, &version, &world.why) == OK);
    turn(&world, one, 1, 1);
    CHECK(NOTICES("device-trouble") == 0);
    CHECK(listed(&world, world.client, true, &list) == 1);
    CHECK(str_equal(list[0].planned, STR("work")) && !list[0].told);
    world_done(&world);
}

TEST(a_definition_gives_the_limit_and_the_expected_types)
{
    struct world world = world_new();
    struct document document = {0};
    struct version version;
    struct vigil_rule rule;
    CHECK(document_read(schema_find(STR("log-sources")),
                        STR("sources: [{slug: three, silence: 5m, status: arriving,"
                            " log_types: [fortigate, suricata]},"
                            " {slug: four, silence: 5m, rhythm: learned},"
                            " {slug: five, status: stopped}]"),
                        world.mem, &document, &world.why) == OK);
    CHECK(service_draft(world.engineer, world.at.service, ACME, &document, STR(""), WALL_NONE, NOW,
                        world.mem, &version, &world.why) == OK);
    CHECK(service_sign(world.client, world.at.service, ACME, version.kind, version.hash, NOW,
                       world.mem, &version, &world.why) == OK);
    CHECK(vigil_rule_read(world.job, world.at.service, ACME, STR("three"), later(7), world.mem,
                          &rule) == OK);
    CHECK(rule.silence_ns == 300 * NS_PER_SECOND && rule.types_count == 2 && !rule.stopped);
    CHECK(rule.since.ns == later(7).ns);
    CHECK(vigil_rule_read(world.job, world.at.service, ACME, STR("four"), NOW, world.mem, &rule) ==
          OK);
    CHECK(rule.silence_ns == 0);
    CHECK(vigil_rule_read(world.job, world.at.service, ACME, STR("five"), NOW, world.mem, &rule) ==
          OK);
    CHECK(rule.stopped);
    world_done(&world);
}

/* ---- Heartbeats. */

TEST(two_missed_heartbeats_break_the_chain_and_one_that_comes_mends_it)
{
    struct world world = world_new();
    struct heartbeats *beats = heartbeats_new();
    struct client_info client;
    struct heartbeat_view view;
    struct ailing list[4];
    struct str first;
    struct str record;
    size_t count = 0;
    CHECK(tenant_client_at(world.at.tenant, 1, &client));
    CHECK(heartbeat_make(beats, world.at.service, &client, NOW, world.mem, &first) == OK);
    heartbeat_came(beats, ACME, STR("{\"forged\":1}"), later(1));
    heartbeat_came(beats, BOLT, first, later(1));
    CHECK(heartbeat_look(beats, ACME, &view) && !wall_known(view.came));
    heartbeat_came(beats, ACME, first, later(1));
    CHECK(heartbeat_look(beats, ACME, &view) && view.latency_ns == NS_PER_SECOND);
    CHECK(heartbeat_make(beats, world.at.service, &client, later(60), world.mem, &record) == OK);
    heartbeat_came(beats, ACME, first, later(61)); /* an old one counts once */
    CHECK(heartbeat_make(beats, world.at.service, &client, later(121), world.mem, &record) == OK);
    heartbeats_ailing(beats, later(150), list, &count);
    CHECK(count == 0); /* one may be late */
    heartbeats_ailing(beats, later(182), list, &count);
    CHECK(count == 1 && list[0].findings[0].ailment == AILMENT_CHAIN && list[0].provided);
    CHECK(heartbeat_make(beats, world.at.service, &client, later(183), world.mem, &record) == OK);
    heartbeat_came(beats, ACME, record, later(184));
    count = 0;
    heartbeats_ailing(beats, later(185), list, &count);
    CHECK(count == 0);
    heartbeats_free(beats);
    world_done(&world);
}

TEST(a_broken_chain_is_told_to_the_provider_and_not_shown_to_the_client)
{
    struct world world = world_new();
    struct ailment_view *list;
    const struct finding broken = {.ailment = AILMENT_CHAIN, .is = 2};
    const struct ailing ailing = {
        .client = ACME, .provided = true, .findings = &broken, .count = 1};
    bool changed;
    CHECK(ailments_turn(world.job, &world.at, &ailing, 1, NOW, &changed) == OK);
    CHECK(NOTICES("chain-broken-provider") == 1);
    CHECK(listed(&world, world.provider, true, &list) == 1);
    CHECK(listed(&world, world.client, true, &list) == 0);
    world_done(&world);
}

static void shortages_go(struct world *world, struct shortages *shortages, int64_t seconds)
{
    struct ailing list[4];
    size_t count = 0;
    bool changed;
    shortages_ailing(shortages, list, &count);
    CHECK(ailments_turn(world->job, &world->at, list, count, later(seconds), &changed) == OK);
}

TEST(a_short_disk_is_told_once_not_again_after_a_restart_and_once_more_when_it_is_soon)
{
    struct world world = world_new();
    struct ailment_view *list;
    struct shortages *first = shortages_new();
    struct shortage shortage = {.is_short = true, .days_left = 200, .days_promised = 365};
    for (int hour = 0; hour < 5; hour++) {
        shortage.days_left = 200 - (uint32_t)hour;
        shortages_set(first, ACME, &shortage);
        shortages_go(&world, first, 3600 * hour);
    }
    CHECK(NOTICES("disk-short-provider") == 1);
    shortages_free(first);
    struct shortages *second = shortages_new();
    CHECK(shortages_load(second, world.at.ledger) == OK);
    shortages_go(&world, second, 20000); /* before there is a forecast */
    CHECK(NOTICES("disk-short-provider") == 1 && listed(&world, world.provider, true, &list) == 1);
    CHECK(listed(&world, world.client, true, &list) == 0);
    shortage.is_soon = true;
    shortage.days_left = 20;
    shortages_set(second, ACME, &shortage);
    shortages_go(&world, second, 30000);
    shortages_set(second, ACME, &shortage);
    shortages_go(&world, second, 30005);
    CHECK(NOTICES("disk-soon-provider") == 1 && NOTICES("disk-short-provider") == 1);
    CHECK(listed(&world, world.provider, true, &list) == 2);
    shortages_set(second, ACME, &(struct shortage){.days_left = 4000});
    shortages_go(&world, second, 40000);
    CHECK(listed(&world, world.provider, true, &list) == 0);
    shortages_free(second);
    world_done(&world);
}

/* ---- Proposals. */

TEST(a_stranger_is_a_proposal_until_a_source_takes_it_and_its_sample_is_harmless)
{
    struct world world = world_new();
    struct proposal *list;
    struct str lines;
    size_t count;
    struct buf bindings;
    const struct str listeners[] = {STR("udp"), STR("tcp")};
    buf_init(&bindings, 65536);
    CHECK(tenant_bindings(world.at.tenant, listeners, 2, NULL, NULL, &bindings) == OK);
    struct proposal_seen seen = {.source = source_named(&world, "unknown-udp").id,
                                 .address = STR("192.0.2.7"),
                                 .parser = STR("syslog"),
                                 .sample = STR("\x1b[31m\xff<script>\n"),
                                 .count = 3,
                                 .first = NOW,
                                 .last = later(5)};
    CHECK(proposal_see(world.job, world.at.ledger, &seen) == OK);
    CHECK(proposal_see(world.job, world.at.ledger, &seen) == OK);
    seen.source = source_named(&world, "unknown-tcp").id; /* there `web` hears it */
    CHECK(proposal_see(world.job, world.at.ledger, &seen) == OK);
    seen.source = source_named(&world, "unknown-udp").id;
    static const struct str bad[] = {STR("bad\naddress"), STR("0.0.0.0/0"), STR("::/0"),
                                     STR("192.0.2.8\",\"0.0.0.0/0"), STR("")};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        seen.address = bad[i];
        CHECK(proposal_see(world.job, world.at.ledger, &seen) == OK);
    }
    CHECK(proposal_list(world.administrator, world.at.ledger, world.at.tenant, 10, world.mem, &list,
                        &count) == OK);
    CHECK(count == 1 && list[0].count == 6 && str_equal(list[0].listener, STR("udp")));
    CHECK(str_equal(list[0].sample, STR("\\x1b[31m\\xff<script>\\x0a")));
    CHECK(proposal_lines(&list[0], world.mem, &lines) == OK && lines.size > 50);
    CHECK(proposal_list(world.provider, world.at.ledger, world.at.tenant, 10, world.mem, &list,
                        &count) == ERR_DENIED);
    buf_done(&bindings);
    world_done(&world);
}

TEST(a_flood_of_strangers_stays_within_its_room)
{
    struct world world = world_new();
    struct buf bindings;
    const struct str listeners[] = {STR("udp")};
    buf_init(&bindings, 65536);
    CHECK(tenant_bindings(world.at.tenant, listeners, 1, NULL, NULL, &bindings) == OK);
    struct proposal_seen seen = {.source = source_named(&world, "unknown-udp").id,
                                 .parser = STR("auto"),
                                 .sample = STR("x"),
                                 .count = 1,
                                 .first = NOW};
    CHECK(ledger_begin(world.at.ledger) == OK);
    for (int i = 0; i < PROPOSALS_MAX + 50; i++) {
        char address[32];
        (void)snprintf(address, sizeof address, "10.0.%d.%d", i / 250, i % 250);
        seen.address = str_from(address);
        seen.last = later(i);
        CHECK(proposal_see(world.job, world.at.ledger, &seen) == OK);
    }
    CHECK(ledger_commit(world.at.ledger) == OK);
    CHECK(number(&world, "SELECT count(*) FROM proposal") == PROPOSALS_MAX);
    CHECK(number(&world, "SELECT count(*) FROM proposal WHERE address = '10.0.0.0'") == 0);
    buf_done(&bindings);
    world_done(&world);
}
