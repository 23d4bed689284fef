/* Documents as YAML, an event as pairs of names and values, a rule's alert: what comes out. */

#include "detect/criteria.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "codec/crypto.h"
#include "codec/time.h"
#include "event/builder.h"
#include "testing/testing.h"

static struct arena *turn;

struct kind {
    const char *kind, *yaml;
};

static const struct kind shop_assets = {
    "assets", "assets:\n"
              "  - {slug: old-shop, status: retired, owner: nobody, addresses: [10.0.1.10]}\n"
              "  - {slug: shop, owner: head, hosts: [shop.acme.example], addresses: [10.0.1.10],"
              " urls: ['https://www.acme.example/shop'], importance: low, segment: dmz}\n"
              "  - {slug: forum, owner: deputy, hosts: [forum.acme.example],"
              " addresses: [10.0.1.10]}\n"
              "  - {slug: offices, addresses: [10.0.0.0/8], importance: low}\n"
              "  - {slug: lab, addresses: ['2001:db8:0:1::/64']}\n"
              "  - {slug: v6, addresses: ['2001:db8:0:1::5'], owner: six}\n"
              "  - {slug: desk, owner: clerk, hosts: [desk7], addresses: [10.2.0.7]}\n"
              "information:\n"
              "  - {slug: customers, kept_in: [shop], importance: high}\n"
              "  - {slug: menus, kept_in: [shop, offices], importance: low}\n"};
static const struct kind shop_table = {
    "table-1",
    "segments:\n"
    "  - {slug: wide, networks: [10.0.0.0/8], zone: lan}\n"
    "  - {slug: dmz, networks: [10.0.1.0/24, '2001:db8::/32'], zone: dmz}\n"
    "  - {slug: world, networks: [0.0.0.0/0, '::/0'], zone: internet}\n"
    "nat:\n"
    "  - {slug: rest, outside: 203.0.113.10, inside: 10.2.0.7}\n"
    "  - {slug: web, outside: 203.0.113.10, outside_ports: '443', inside: 10.0.1.10,"
    " inside_ports: '8443', protocol: tcp}\n"
    "  - {slug: games, outside: 203.0.113.10, outside_ports: '440-450', inside: 10.3.0.1,"
    " protocol: udp}\n"
    "  - {slug: six, outside: '2001:db8:ffff::1', inside: '2001:db8:0:1::5'}\n"};
static const struct kind shop_sources = {
    "log-sources", "sources: [{slug: web-1, asset: shop}, {slug: gone-1, asset: gone}]\n"};

static struct str bundle_of(const struct kind *kinds, size_t count)
{
    struct buf out;
    struct str bundle;
    buf_init(&out, (size_t)16 << 20);
    for (size_t i = 0; i < count; i++) {
        struct document document;
        struct buf json;
        struct why why = {0};
        char hash[2 * SHA256_SIZE + 1];
        enum err err = document_read(schema_find(str_from(kinds[i].kind)), str_from(kinds[i].yaml),
                                     turn, &document, &why);
        if (err != OK) {
            testing_fail(why_text(&why, err), __FILE__, __LINE__);
        }
        buf_init(&json, (size_t)4 << 20);
        CHECK(document_print(&document, &json) == OK);
        struct sha256 sum = sha256_of_bytes(buf_str(&json));
        CHECK(buf_print(&out, "%s %s %zu\n", kinds[i].kind, hex_print(sum.bytes, SHA256_SIZE, hash),
                        json.size) == OK);
        CHECK(buf_append(&out, buf_str(&json)) == OK);
        buf_done(&json);
    }
    CHECK(arena_copy(turn, buf_str(&out), &bundle) == OK);
    buf_done(&out);
    return bundle;
}

static struct zones *zones;

static struct criteria *criteria_of(const struct kind *kinds, size_t count)
{
    struct criteria *criteria;
    struct why why = {0};
    enum err err =
        criteria_new(bundle_of(kinds, count), STR("9 web-1\n4 gone-1\n"), zones, &criteria, &why);
    if (err != OK) {
        testing_fail(why_text(&why, err), __FILE__, __LINE__);
    }
    return criteria;
}

static void begin(void)
{
    turn = arena_new((size_t)256 << 20);
    CHECK(zones_new("/usr/share/zoneinfo", &zones) == OK);
}

static void end(void)
{
    zones_free(zones);
    arena_free(turn);
}

/* The shop's documents and these criteria. */
static struct criteria *shop_with(const char *yaml)
{
    const struct kind kinds[] = {shop_assets, shop_sources, shop_table, {"criteria", yaml}};
    return criteria_of(kinds, 4);
}

/* Fields as "name", "value", …, NULL. */
static struct batch event_of(const char *record, const char *class, struct wall at,
                             const char *const *fields)
{
    struct builder *builder = builder_new((struct client_id){3}, (struct source_id){9});
    struct str bytes;
    struct str kept;
    struct batch batch;
    CHECK(builder_begin(builder, str_from(record), (struct wall){77}) == OK);
    for (size_t i = 0; fields[i] != NULL; i += 2) {
        builder_derive(builder, str_from(fields[i]), str_from(fields[i + 1]));
    }
    if (wall_known(at)) {
        builder_happened(builder, at);
    }
    builder_class(builder, str_from(class));
    CHECK(builder_end(builder) == OK && builder_finish(builder, &bytes) == OK);
    CHECK(arena_copy(turn, bytes, &kept) == OK);
    CHECK(batch_check(kept, turn, &batch, NULL) == OK);
    builder_free(builder);
    return batch;
}

static struct alert alert_of(enum level level, const char *tags)
{
    return (struct alert){.place = {{3}, 5},
                          .source = {9},
                          .level = level,
                          .rule_id = STR("rule-1"),
                          .rule_title = STR("A Rule"),
                          .rule_tags = str_from(tags)};
}

static struct outcome outcome_of(const struct criteria *criteria, const struct batch *batch,
                                 enum level level, const char *tags)
{
    struct alert alert = alert_of(level, tags);
    struct alerts alerts = {&alert, 1};
    CHECK(criteria_judge(criteria, NULL, batch, (struct place){{3}, 5}, turn, &alerts) == OK);
    return alert.outcome;
}

#define FIELDS(...)       ((const char *const[]){__VA_ARGS__, NULL})
#define IS(text, literal) str_equal((text), STR(literal))

static struct outcome plain(const struct criteria *criteria, const char *class,
                            const char *const *fields)
{
    struct batch batch = event_of("record", class, WALL_NONE, fields);
    return outcome_of(criteria, &batch, LEVEL_HIGH, "attack.t1190");
}

TEST(the_same_line_to_two_clients_has_two_outcomes)
{
    begin();
    struct criteria *strict =
        shop_with("actions: [{slug: block, authorised: yes}]\n"
                  "criteria:\n"
                  "  - slug: hit\n"
                  "    when: {tags: [attack.t1190], assets: [shop], query: 'status: 200'}\n"
                  "    then: {incident: yes, type: sql-injection, severity: critical,"
                  " chain: security, action: block}\n");
    struct criteria *mild = shop_with("criteria:\n"
                                      "  - slug: known\n"
                                      "    when: {tags: [attack.t1190]}\n"
                                      "    then: {incident: no, severity: low}\n");
    struct batch line = event_of("GET /?id=1' 200", "webserver//", WALL_NONE,
                                 FIELDS("source.ip", "198.51.100.7", "status", "200"));
    struct outcome one = outcome_of(strict, &line, LEVEL_HIGH, "attack.t1190");
    struct outcome two = outcome_of(mild, &line, LEVEL_HIGH, "attack.t1190");
    CHECK(one.incident && one.severity == LEVEL_CRITICAL && IS(one.criterion, "hit"));
    CHECK(IS(one.type, "sql-injection") && IS(one.chain, "security"));
    CHECK(IS(one.action, "block") && one.authorised);
    CHECK(IS(one.asset, "shop") && IS(one.owner, "head") && IS(one.zone, "dmz"));
    CHECK(IS(one.other, "198.51.100.7") && IS(one.inside, "10.0.1.10") && one.outside.size == 0);
    CHECK(!two.incident && two.severity == LEVEL_LOW && IS(two.criterion, "known"));
    CHECK(IS(two.type, "web-attack") && two.chain.size == 0 && IS(two.asset, "shop"));
    CHECK(!str_equal(criteria_hash(strict), criteria_hash(mild)));
    criteria_free(strict);
    criteria_free(mild);
    end();
}

TEST(nat_is_undone_by_address_port_and_protocol)
{
    begin();
    struct criteria *shop = shop_with("otherwise: {incident_from: never}\n");
    const char *const ip = "203.0.113.10";
    struct outcome web =
        plain(shop, "",
              FIELDS("destination.ip", ip, "destination.port", "443", "network.transport", "tcp"));
    CHECK(IS(web.outside, "203.0.113.10") && IS(web.inside, "10.0.1.10") && IS(web.asset, "shop"));
    struct outcome games =
        plain(shop, "",
              FIELDS("destination.ip", ip, "destination.port", "443", "network.transport", "UDP"));
    CHECK(IS(games.inside, "10.3.0.1") && IS(games.asset, "offices") && IS(games.zone, "wide"));
    struct outcome rest =
        plain(shop, "",
              FIELDS("destination.ip", ip, "destination.port", "22", "network.transport", "tcp"));
    CHECK(IS(rest.inside, "10.2.0.7") && IS(rest.asset, "desk"));
    /* The port alone: the row with the fewest ports. */
    struct outcome port = plain(shop, "", FIELDS("destination.ip", ip, "destination.port", "443"));
    CHECK(IS(port.inside, "10.0.1.10"));
    /* No port: three rows that do not agree.  The log's own definition says whose it is. */
    struct outcome none = plain(shop, "", FIELDS("destination.ip", ip));
    CHECK(none.outside.size == 0 && IS(none.asset, "shop"));
    struct outcome back = plain(shop, "", FIELDS("destination.ip", ip, "source.ip", "10.2.0.7"));
    CHECK(IS(back.asset, "shop") && IS(back.other, "10.2.0.7"));
    struct outcome six = plain(shop, "", FIELDS("destination.ip", "2001:DB8:ffff:0::1"));
    CHECK(IS(six.inside, "2001:db8:0:1::5") && IS(six.asset, "v6") && IS(six.zone, "dmz"));
    /* The record itself may say what is behind NAT. */
    struct outcome said =
        plain(shop, "", FIELDS("destination.ip", "203.0.113.99", "destination.nat.ip", "10.2.0.7"));
    CHECK(IS(said.outside, "203.0.113.99") && IS(said.asset, "desk"));
    criteria_free(shop);
    end();
}

TEST(the_longest_prefix_has_an_address_and_names_have_no_case)
{
    begin();
    struct criteria *shop = shop_with("otherwise: {incident_from: never}\n");
    CHECK(IS(plain(shop, "", FIELDS("destination.ip", "10.0.1.10")).asset, "shop"));
    CHECK(IS(plain(shop, "", FIELDS("destination.ip", "::ffff:10.0.1.10")).asset, "shop"));
    struct outcome near = plain(shop, "", FIELDS("destination.ip", "10.0.1.11"));
    CHECK(IS(near.asset, "offices") && IS(near.zone, "dmz"));
    CHECK(IS(plain(shop, "", FIELDS("server.ip", "2001:db8:0:1::5")).asset, "v6"));
    CHECK(IS(plain(shop, "", FIELDS("server.ip", "2001:db8:0:1::6")).asset, "lab"));
    struct outcome segment = plain(shop, "", FIELDS("server.ip", "2001:db8:9::1"));
    CHECK(segment.asset.size == 0 && segment.owner.size == 0 && IS(segment.zone, "dmz"));
    CHECK(IS(segment.inside, "2001:db8:9::1"));
    struct outcome same =
        plain(shop, "", FIELDS("server.ip", "2001:DB8:9:0::1", "source.ip", "::ffff:192.0.2.1"));
    CHECK(IS(same.inside, "2001:db8:9::1") && IS(same.other, "192.0.2.1"));
    CHECK(IS(plain(shop, "", FIELDS("url.domain", "WWW.Acme.Example:443")).asset, "shop"));
    CHECK(IS(plain(shop, "", FIELDS("destination.domain", "forum.acme.example.")).asset, "forum"));
    CHECK(IS(plain(shop, "", FIELDS("host.name", "Desk7.lan")).asset, "desk"));
    CHECK(IS(plain(shop, "", FIELDS("host.hostname", "forum")).asset, "forum"));
    CHECK(IS(plain(shop, "", FIELDS("host.ip", "fe80::1", "host.ip", "10.2.0.7")).asset, "desk"));
    CHECK(IS(plain(shop, "", FIELDS("observer.name", "desk7")).asset, "desk"));
    /* Two services on one address: the name that was asked for decides. */
    CHECK(IS(
        plain(shop, "", FIELDS("destination.ip", "10.0.1.10", "url.domain", "forum.acme.example"))
            .asset,
        "forum"));
    CHECK(
        IS(plain(shop, "", FIELDS("destination.ip", "10.2.0.7", "url.domain", "forum.acme.example"))
               .asset,
           "desk"));
    /* A name outside, without its domain one of ours, is not ours. */
    CHECK(IS(plain(shop, "", FIELDS("url.domain", "desk7.attacker.example")).asset, "shop"));
    criteria_free(shop);
    end();
}

TEST(an_outgoing_connection_is_about_who_asks)
{
    begin();
    struct criteria *shop = shop_with("otherwise: {incident_from: never}\n");
    struct outcome out =
        plain(shop, "firewall//",
              FIELDS("source.ip", "10.2.0.7", "destination.ip", "192.0.2.1", "host.name", "shop"));
    CHECK(IS(out.asset, "desk") && IS(out.owner, "clerk") && IS(out.other, "192.0.2.1"));
    struct outcome proxy =
        plain(shop, "proxy//",
              FIELDS("client.ip", "10.2.0.7", "url.domain", "bad.example", "host.name", "shop"));
    CHECK(IS(proxy.asset, "desk") && IS(proxy.other, "bad.example"));
    struct outcome inner =
        plain(shop, "", FIELDS("source.ip", "10.2.0.7", "destination.ip", "10.0.1.10"));
    CHECK(IS(inner.asset, "shop") && IS(inner.other, "10.2.0.7"));
    struct outcome dns =
        plain(shop, "dns//", FIELDS("source.ip", "10.2.0.7", "destination.ip", "10.0.1.10"));
    CHECK(IS(dns.asset, "desk") && IS(dns.other, "10.0.1.10"));
    struct outcome bound = plain(shop, "",
                                 FIELDS("source.ip", "10.2.0.7", "destination.ip", "10.0.1.10",
                                        "network.direction", "Outbound"));
    CHECK(IS(bound.asset, "desk"));
    criteria_free(shop);
    end();
}

TEST(information_raises_the_importance_of_what_keeps_it)
{
    begin();
    struct criteria *shop = shop_with("criteria:\n"
                                      "  - {slug: a, when: {importance: [high]},"
                                      " then: {incident: yes}}\n"
                                      "  - {slug: b, when: {importance: [low, medium]},"
                                      " then: {incident: no}}\n"
                                      "otherwise: {incident_from: never}\n");
    CHECK(IS(plain(shop, "", FIELDS("destination.ip", "10.0.1.10")).criterion, "a"));
    CHECK(IS(plain(shop, "", FIELDS("destination.ip", "10.9.9.9")).criterion, "b"));
    CHECK(plain(shop, "", FIELDS("destination.ip", "10.2.0.7")).criterion.size == 0);
    criteria_free(shop);
    end();
}

TEST(only_the_tag_of_a_technique_stands_for_what_is_below_it)
{
    begin();
    struct criteria *shop =
        shop_with("criteria:\n"
                  "  - {slug: a, when: {tags: [cve.2021, attack.t1110]}, then: {incident: yes}}\n"
                  "otherwise: {incident_from: never}\n");
    struct batch event = event_of("r", "", WALL_NONE, FIELDS("destination.ip", "10.0.1.10"));
    CHECK(IS(outcome_of(shop, &event, LEVEL_LOW, "attack.t1110.003").criterion, "a"));
    CHECK(IS(outcome_of(shop, &event, LEVEL_LOW, "cve.2021").criterion, "a"));
    CHECK(outcome_of(shop, &event, LEVEL_LOW, "cve.2021.44228").criterion.size == 0);
    CHECK(outcome_of(shop, &event, LEVEL_LOW, "attack.t11100").criterion.size == 0);
    criteria_free(shop);
    end();
}

TEST(the_first_criterion_that_fits_decides)
{
    begin();
    struct criteria *shop =
        shop_with("criteria:\n"
                  "  - {slug: rule, when: {rules: [RULE-2]}, then: {incident: yes}}\n"
                  "  - {slug: sub, when: {tags: [attack.T1110]}, then: {severity: low}}\n"
                  "  - {slug: kind, when: {types: [crypto-mining]}, then: {incident: yes}}\n"
                  "  - {slug: zone, when: {zones: [dmz], levels: [low, medium]},"
                  " then: {incident: yes, type: odd}}\n"
                  "  - {slug: net, when: {networks: [198.51.100.0/24, '2001:db8::/32'],"
                  " sources: [web-1]}, then: {incident: yes, severity: informational}}\n"
                  "  - {slug: segment, when: {segments: [wide]}, then: {incident: yes}}\n"
                  "  - {slug: none, when: {assets: []}, then: {}}\n"
                  "otherwise: {incident_from: high, chain: night}\n");
    struct batch wide = event_of("r", "", WALL_NONE, FIELDS("destination.ip", "10.2.0.7"));
    struct batch dmz = event_of("r", "", WALL_NONE,
                                FIELDS("destination.ip", "10.0.1.10", "source.ip", "198.51.100.9"));
    struct alert second = alert_of(LEVEL_LOW, "x");
    struct alerts alerts = {&second, 1};
    second.rule_id = STR("rule-2");
    CHECK(criteria_judge(shop, NULL, &dmz, second.place, turn, &alerts) == OK);
    CHECK(IS(second.outcome.criterion, "rule"));
    struct outcome sub = outcome_of(shop, &dmz, LEVEL_HIGH, "attack.x attack.t1110.003");
    CHECK(IS(sub.criterion, "sub") && sub.severity == LEVEL_LOW && !sub.incident);
    CHECK(IS(outcome_of(shop, &dmz, LEVEL_HIGH, "hinomi.crypto-mining").criterion, "kind"));
    struct outcome zone = outcome_of(shop, &dmz, LEVEL_LOW, "");
    CHECK(IS(zone.criterion, "zone") && IS(zone.type, "odd") && zone.severity == LEVEL_LOW);
    CHECK(IS(zone.chain, "night"));
    struct outcome net = outcome_of(shop, &dmz, LEVEL_HIGH, "");
    CHECK(IS(net.criterion, "net") && net.severity == LEVEL_INFORMATIONAL && net.incident);
    CHECK(IS(outcome_of(shop, &wide, LEVEL_LOW, "").criterion, "segment"));
    /* A list of nothing is no condition; what `then` leaves open follows from `otherwise`. */
    struct batch away = event_of("r", "", WALL_NONE, FIELDS("host.ip", "192.0.2.9"));
    struct outcome none = outcome_of(shop, &away, LEVEL_CRITICAL, "");
    CHECK(IS(none.criterion, "none") && none.incident && IS(none.chain, "night"));
    criteria_free(shop);
    end();
}

TEST(hours_and_planned_events_are_asked_at_the_time_of_the_event)
{
    begin();
    const struct kind kinds[] = {
        {"calendars", "calendars:\n"
                      "  - slug: early\n"
                      "    zone: Europe/Berlin\n"
                      "    hours: {sunday: ['01:00-03:30']}\n"
                      "events:\n"
                      "  - {slug: sale, from: 2026-12-01T00:00:00+09:00,"
                      " to: 2026-12-02T00:00:00+09:00}\n"},
        {"criteria", "criteria:\n"
                     "  - {slug: sale, when: {events: [sale]}, then: {incident: no}}\n"
                     "  - {slug: gone, when: {events: [no-more]}, then: {incident: yes}}\n"
                     "  - {slug: in, when: {calendar: early}, then: {incident: no}}\n"
                     "  - {slug: out, when: {calendar: early, inside_hours: no},"
                     " then: {incident: yes}}\n"}};
    static const struct {
        const char *time, *criterion;
    } moments[] = {
        /* 2026-03-29: at 02:00 local clocks go to 03:00. */
        {"2026-03-29T00:59:59+01:00", "out"},
        {"2026-03-29T01:00:00+01:00", "in"},
        {"2026-03-29T01:29:59Z", "in"},
        {"2026-03-29T01:30:00Z", "out"},
        /* 2026-10-25: at 03:00 local clocks go back to 02:00. */
        {"2026-10-24T23:00:00Z", "in"},
        {"2026-10-25T02:29:59Z", "in"},
        {"2026-10-25T02:30:00Z", "out"},
        {"2026-11-30T14:59:59Z", "out"},
        {"2026-11-30T15:00:00Z", "sale"},
        {"2026-12-01T14:59:59.999Z", "sale"},
        {"2026-12-01T15:00:00Z", "out"},
    };
    struct criteria *criteria = criteria_of(kinds, 2);
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        struct wall at;
        CHECK(time_parse(str_from(moments[i].time), &at) == OK);
        struct batch batch = event_of("r", "", at, FIELDS("a", "b"));
        struct outcome outcome = outcome_of(criteria, &batch, LEVEL_LOW, "");
        CHECK(str_equal(outcome.criterion, str_from(moments[i].criterion)));
    }
    criteria_free(criteria);
    end();
}

TEST(without_documents_the_rule_stands_and_nothing_is_an_incident)
{
    begin();
    struct batch batch = event_of("r", "", WALL_NONE, FIELDS("destination.ip", "10.0.1.10"));
    struct criteria *empty = criteria_of(NULL, 0);
    const struct kind assets_only[] = {shop_assets, shop_table};
    struct criteria *assets = criteria_of(assets_only, 2);
    const struct criteria *const all[] = {NULL, empty, assets};
    for (size_t i = 0; i < 3; i++) {
        struct outcome outcome = outcome_of(all[i], &batch, LEVEL_CRITICAL, "attack.t1110");
        CHECK(!outcome.incident && outcome.severity == LEVEL_CRITICAL);
        CHECK(IS(outcome.type, "password-guessing") && outcome.criterion.size == 0);
        CHECK(outcome.chain.size == 0);
        CHECK(i < 2 ? outcome.asset.size == 0 : IS(outcome.asset, "shop"));
        CHECK(i < 2 ? outcome.documents.size == 0
                    : str_starts(outcome.documents, STR("assets:")) &&
                          str_find(outcome.documents, STR(" table-1:")) == 71);
    }
    criteria_free(empty);
    criteria_free(assets);
    end();
}

TEST(without_a_word_on_otherwise_high_alerts_are_incidents_on_the_default_chain)
{
    begin();
    const struct kind kinds[] = {
        {"contacts", "chains: [{slug: a}, {slug: b, default: yes}, {slug: c, default: no}]\n"},
        {"criteria", "criteria: []\n"}};
    struct criteria *criteria = criteria_of(kinds, 2);
    struct batch batch = event_of("r", "", WALL_NONE, FIELDS("a", "b"));
    struct outcome high = outcome_of(criteria, &batch, LEVEL_HIGH, "");
    struct outcome medium = outcome_of(criteria, &batch, LEVEL_MEDIUM, "");
    CHECK(high.incident && IS(high.chain, "b") && !medium.incident && medium.chain.size == 0);
    criteria_free(criteria);
    end();
}

TEST(hostile_values_are_passed_over)
{
    begin();
    struct criteria *shop = shop_with("criteria:\n"
                                      "  - {slug: q, when: {query: '*aaab*'}, then: {}}\n"
                                      "otherwise: {incident_from: never}\n");
    static const char *const names[] = {"destination.ip",   "destination.port", "url.domain",
                                        "host.name",        "source.ip",        "source.domain",
                                        "network.transport"};
    size_t size = RECORD_SIZE_MAX - 1;
    char *huge = malloc(size + 1);
    memset(huge, 'a', size);
    huge[size] = '\0';
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct outcome outcome = plain(shop, "", FIELDS(names[i], huge));
        CHECK(IS(outcome.asset, "shop") && outcome.other.size == 0);
        outcome = plain(shop, "", FIELDS(names[i], "\xff\xc0\x80\x1b[2J<script>"));
        CHECK(IS(outcome.asset, "shop") && outcome.other.size == 0);
        outcome = plain(shop, "", FIELDS(names[i], "[", names[i], ":", names[i], "."));
        CHECK(IS(outcome.asset, "shop"));
    }
    struct batch batch = event_of("r", "", WALL_NONE, FIELDS("source.ip", "192.0.2.1"));
    struct alert alert = alert_of(LEVEL_LOW, huge);
    struct alerts alerts = {&alert, 1};
    alert.rule_id = alert.rule_title = str_from(huge);
    CHECK(criteria_judge(shop, NULL, &batch, alert.place, turn, &alerts) == OK);
    free(huge);
    criteria_free(shop);
    end();
}

TEST(judging_twice_gives_equal_bytes_also_by_another_generation_of_the_same_documents)
{
    begin();
    const char *const yaml = "criteria:\n"
                             "  - {slug: a, when: {types: [web-attack], zones: [dmz]},"
                             " then: {incident: yes, type: other}}\n";
    struct criteria *one = shop_with(yaml);
    struct criteria *two = shop_with(yaml);
    struct batch batch = event_of("r", "", WALL_NONE,
                                  FIELDS("destination.ip", "10.0.1.10", "source.ip", "192.0.2.1"));
    struct alert alert = alert_of(LEVEL_HIGH, "attack.t1190");
    struct alerts alerts = {&alert, 1};
    struct buf bytes[3];
    for (size_t i = 0; i < 3; i++) {
        buf_init(&bytes[i], 1 << 16);
        CHECK(criteria_judge(i < 2 ? one : two, NULL, &batch, alert.place, turn, &alerts) == OK);
        CHECK(alert_encode(&alert, &bytes[i]) == OK);
        CHECK(str_equal(buf_str(&bytes[0]), buf_str(&bytes[i])));
    }
    CHECK(IS(alert.outcome.criterion, "a"));
    CHECK(str_equal(criteria_hash(one), criteria_hash(two)));
    for (size_t i = 0; i < 3; i++) {
        buf_done(&bytes[i]);
    }
    criteria_free(one);
    criteria_free(two);
    end();
}

TEST(alerts_of_many_events_and_rules_do_not_mix)
{
    begin();
    struct criteria *shop = shop_with("criteria:\n"
                                      "  - {slug: a, when: {assets: [shop], tags: [t.one]}}\n"
                                      "  - {slug: b, when: {assets: [desk], tags: [t.two]}}\n"
                                      "  - {slug: c, when: {query: 'odd: 1'}}\n"
                                      "  - {slug: d}\n");
    struct builder *builder = builder_new((struct client_id){3}, (struct source_id){9});
    struct str bytes;
    struct batch batch;
    for (unsigned i = 0; i < 6; i++) {
        CHECK(builder_begin(builder, STR("r"), (struct wall){1}) == OK);
        builder_derive(builder, STR("destination.ip"),
                       str_from(i % 3 == 0 ? "10.0.1.10" : "10.2.0.7"));
        builder_derive(builder, STR("odd"), str_from(i % 2 == 1 ? "1" : "0"));
        CHECK(builder_end(builder) == OK);
    }
    CHECK(builder_finish(builder, &bytes) == OK && batch_check(bytes, turn, &batch, NULL) == OK);
    struct alert list[12];
    struct alerts alerts = {list, 12};
    for (unsigned i = 0; i < 12; i++) {
        list[i] = alert_of(LEVEL_LOW, i % 2 == 0 ? "t.one" : "t.two");
        list[i].place.sequence = 100 + i / 2;
    }
    CHECK(criteria_judge(shop, NULL, &batch, (struct place){{3}, 100}, turn, &alerts) == OK);
    for (unsigned i = 0; i < 12; i++) {
        bool on_shop = (i / 2) % 3 == 0;
        bool odd = (i / 2) % 2 == 1;
        const char *expected = on_shop == (i % 2 == 0) ? (on_shop ? "a" : "b") : odd ? "c" : "d";
        CHECK(str_equal(list[i].outcome.criterion, str_from(expected)));
    }
    builder_free(builder);
    criteria_free(shop);
    end();
}

TEST(a_query_that_is_none_is_told_by_line_and_column)
{
    begin();
    struct document document;
    struct why why = {0};
    const struct str yaml = STR("criteria:\n  - slug: a\n    when:\n      query: \"a: (b\"\n");
    enum err err = document_read(schema_find(STR("criteria")), yaml, turn, &document, &why);
    if (err == OK) {
        err = criteria_check(&document, &why);
    }
    CHECK(err == ERR_SYNTAX && why.line == 4 && why.column > 0);
    CHECK(document_read(schema_find(STR("criteria")),
                        STR("criteria: [{slug: a, when: {query: 'a: b'}}]\n"), turn, &document,
                        &why) == OK);
    CHECK(criteria_check(&document, &why) == OK);
    end();
}

TEST(a_type_that_no_words_explain_is_told_by_line_and_column)
{
    static const char *const texts[] = {
        "criteria:\n  - slug: a\n    when:\n      types: [malware, sqli]\n",
        "criteria:\n  - slug: a\n    then:\n      type: no-such-type\n"};
    begin();
    for (size_t i = 0; i < 2; i++) {
        struct document document;
        struct why why = {0};
        CHECK(document_read(schema_find(STR("criteria")), str_from(texts[i]), turn, &document,
                            &why) == OK);
        CHECK(criteria_check(&document, &why) == ERR_SYNTAX && why.line == 4);
        CHECK(why.column > 0);
    }
    end();
}

TEST(a_bundle_that_the_service_did_not_write_is_refused)
{
    begin();
    const struct kind kinds[] = {shop_assets};
    struct str bundle = bundle_of(kinds, 1);
    struct criteria *criteria;
    struct why why = {0};
    CHECK(criteria_new(str_slice(bundle, 0, bundle.size - 1), STR(""), zones, &criteria, &why) ==
          ERR_CORRUPT);
    CHECK(criteria_new(STR("assets"), STR(""), zones, &criteria, &why) == ERR_CORRUPT);
    CHECK(criteria_new(STR(""), STR("9 web-1\nx y\n"), zones, &criteria, &why) == ERR_CORRUPT);
    CHECK(criteria_new(STR(""), STR("9\n"), zones, &criteria, &why) == ERR_CORRUPT);
    criteria_free(NULL);
    end();
}

/* ---- The example, and the price. */

static struct str example_bundle(void)
{
    static const char *const names[] = {"assets",    "calendars",   "contacts", "criteria",
                                        "detection", "log-sources", "table-1"};
    struct buf out;
    struct str bundle;
    size_t size;
    char path[4096];
    CHECK(snprintf(path, sizeof path, "%s/examples/service.yaml", testing_root()) > 0);
    char *text = testing_read(path, &size);
    struct yaml_node *root;
    struct why why = {0};
    CHECK(yaml_parse(str_of(text, size), turn, &root, &why) == OK);
    const struct yaml_node *client = yaml_get(root, STR("clients"))->first;
    const struct yaml_node *documents = yaml_get(client, STR("documents"));
    buf_init(&out, (size_t)1 << 20);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct document document;
        struct buf json;
        char hash[2 * SHA256_SIZE + 1];
        enum err err =
            document_read_node(schema_find(str_from(names[i])),
                               yaml_get(documents, str_from(names[i])), turn, &document, &why);
        if (err != OK) {
            testing_fail(why_text(&why, err), __FILE__, __LINE__);
        }
        CHECK(strcmp(names[i], "criteria") != 0 || criteria_check(&document, &why) == OK);
        CHECK(strcmp(names[i], "detection") != 0 || detection_check(&document, &why) == OK);
        buf_init(&json, (size_t)1 << 20);
        CHECK(document_print(&document, &json) == OK);
        struct sha256 sum = sha256_of_bytes(buf_str(&json));
        CHECK(buf_print(&out, "%s %s %zu\n", names[i], hex_print(sum.bytes, SHA256_SIZE, hash),
                        json.size) == OK);
        CHECK(buf_append(&out, buf_str(&json)) == OK);
        buf_done(&json);
    }
    CHECK(arena_copy(turn, buf_str(&out), &bundle) == OK);
    buf_done(&out);
    free(text);
    return bundle;
}

TEST(the_example_decides_as_its_comments_say)
{
    begin();
    struct criteria *criteria;
    struct why why = {0};
    CHECK(criteria_new(example_bundle(), STR("9 web-1\n"), zones, &criteria, &why) == OK);
    struct wall open;
    struct wall closed;
    CHECK(time_parse(STR("2026-11-24T10:00:00+09:00"), &open) == OK);   /* a Tuesday */
    CHECK(time_parse(STR("2026-11-23T10:00:00+09:00"), &closed) == OK); /* a holiday */
    struct batch attack = event_of("r", "", open,
                                   FIELDS("destination.ip", "203.0.113.10", "destination.port",
                                          "443", "network.transport", "tcp", "source.ip",
                                          "198.51.100.7", "user_agent.original", "scanner"));
    const char *const *scanner =
        FIELDS("destination.ip", "203.0.113.10", "destination.port", "443", "network.transport",
               "tcp", "source.ip", "192.0.2.130", "user_agent.original", "our scanner 1");
    struct batch at_work = event_of("r", "", open, scanner);
    struct batch at_home = event_of("r", "", closed, scanner);
    struct alert alert = alert_of(LEVEL_HIGH, "attack.initial-access attack.t1190");
    struct alerts alerts = {&alert, 1};
    alert.rule_title = STR("SQL Injection in a Web Request");
    CHECK(criteria_judge(criteria, NULL, &attack, alert.place, turn, &alerts) == OK);
    const struct outcome *outcome = &alert.outcome;
    CHECK(IS(outcome->criterion, "sqli") && outcome->incident && !outcome->authorised);
    CHECK(IS(outcome->type, "sql-injection") && outcome->severity == LEVEL_HIGH);
    CHECK(IS(outcome->chain, "security") && IS(outcome->action, "block"));
    CHECK(IS(outcome->asset, "shop") && IS(outcome->owner, "head") && IS(outcome->zone, "dmz"));
    CHECK(IS(outcome->outside, "203.0.113.10") && IS(outcome->inside, "10.0.1.10"));
    CHECK(IS(outcome->other, "198.51.100.7"));
    CHECK(criteria_judge(criteria, NULL, &at_work, alert.place, turn, &alerts) == OK);
    CHECK(IS(outcome->criterion, "own-scanner") && !outcome->incident);
    CHECK(criteria_judge(criteria, NULL, &at_home, alert.place, turn, &alerts) == OK);
    CHECK(IS(outcome->criterion, "sqli") && outcome->incident);
    criteria_free(criteria);
    end();
}

#define MANY_ASSETS   5000
#define MANY_NAT      500
#define MANY_CRITERIA 50

static const char *printed(struct buf *text)
{
    struct str copy;
    CHECK(arena_copy(turn, buf_str(text), &copy) == OK);
    buf_done(text);
    return copy.data;
}

static const char *many_assets(void)
{
    struct buf text;
    buf_init(&text, (size_t)4 << 20);
    CHECK(buf_print(&text, "assets:\n") == OK);
    for (unsigned i = 0; i < MANY_ASSETS; i++) {
        CHECK(buf_print(&text,
                        "  - {slug: a%u, hosts: [h%u.example], addresses: [10.1.%u.%u],"
                        " owner: p%u}\n",
                        i, i, i / 250, i % 250, i % 7) == OK);
    }
    return printed(&text);
}

static const char *many_nat(void)
{
    struct buf text;
    buf_init(&text, (size_t)4 << 20);
    CHECK(buf_print(&text, "segments:\n") == OK);
    for (unsigned i = 0; i < 20; i++) {
        CHECK(buf_print(&text, "  - {slug: s%u, zone: dmz, networks: [10.1.%u.0/24]}\n", i, i) ==
              OK);
    }
    CHECK(buf_print(&text, "nat:\n") == OK);
    for (unsigned i = 0; i < MANY_NAT; i++) { /* the worst: all at one address */
        CHECK(buf_print(&text,
                        "  - {slug: n%u, outside: 203.0.113.1, outside_ports: '%u',"
                        " inside: 10.1.0.%u, protocol: tcp}\n",
                        i, 1000 + i, i % 250) == OK);
    }
    return printed(&text);
}

static const char *many_criteria(void)
{
    struct buf text;
    buf_init(&text, (size_t)4 << 20);
    CHECK(buf_print(&text, "criteria:\n") == OK);
    for (unsigned i = 0; i < MANY_CRITERIA; i++) {
        CHECK(buf_print(&text,
                        "  - {slug: c%u, when: {tags: [attack.t1190, attack.t1%03u],"
                        " zones: [dmz], assets: [a%u], query: 'user.name: u%u'},"
                        " then: {incident: yes}}\n",
                        i, i, i, i) == OK);
    }
    return printed(&text);
}

static double ns_per_alert(const struct criteria *criteria, bool nat, unsigned rules)
{
    static const char *const tags[] = {"attack.initial-access attack.t1190", "attack.t1110.001",
                                       "attack.execution attack.t1059 attack.t1190", "x"};
    struct builder *builder = builder_new((struct client_id){3}, (struct source_id){9});
    struct str bytes;
    struct batch batch;
    char address[32];
    for (unsigned i = 0; i < 1000; i++) {
        CHECK(builder_begin(builder, STR("GET / 200"), (struct wall){1}) == OK);
        CHECK(snprintf(address, sizeof address, "10.1.%u.%u", i % 20, i % 250) > 0);
        builder_derive(builder, STR("destination.ip"), str_from(nat ? "203.0.113.1" : address));
        CHECK(snprintf(address, sizeof address, "%u", 1000 + i % 500) > 0);
        builder_derive(builder, STR("destination.port"), str_from(address));
        builder_derive(builder, STR("network.transport"), STR("tcp"));
        builder_derive(builder, STR("source.ip"), STR("198.51.100.7"));
        builder_derive(builder, STR("user.name"), STR("nobody"));
        CHECK(builder_end(builder) == OK);
    }
    CHECK(builder_finish(builder, &bytes) == OK && batch_check(bytes, turn, &batch, NULL) == OK);
    struct alert *list = ARENA_ARRAY(turn, struct alert, (size_t)1000 * rules);
    struct alerts alerts = {list, (size_t)1000 * rules};
    for (size_t i = 0; i < alerts.count; i++) {
        list[i] = alert_of(LEVEL_HIGH, tags[i % rules]);
        list[i].place.sequence = i / rules;
    }
    struct timespec from;
    struct timespec to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (unsigned i = 0; i < 10; i++) {
        CHECK(criteria_judge(criteria, NULL, &batch, (struct place){{3}, 0}, turn, &alerts) == OK);
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    builder_free(builder);
    return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / 10.0 /
           (double)alerts.count;
}

TEST(five_thousand_assets_cost_an_alert_microseconds)
{
    begin();
    const struct kind kinds[] = {
        {"assets", many_assets()}, {"criteria", many_criteria()}, {"table-1", many_nat()}};
    struct criteria *criteria = criteria_of(kinds, 3);
    double plain_ns = ns_per_alert(criteria, false, 1);
    double nat_ns = ns_per_alert(criteria, true, 1);
    double rules_ns = ns_per_alert(criteria, false, 4);
    printf(
        "ns an alert: %.0f; through 500 NAT rows of one address %.0f; four rules an event %.0f\n",
        plain_ns, nat_ns, rules_ns);
    CHECK(plain_ns < 1e6 && nat_ns < 1e6 && rules_ns < 1e6); /* on a slow machine, sanitized */
    criteria_free(criteria);
    end();
}
