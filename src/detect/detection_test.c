/* What follows a rule: exceptions, planned work, thresholds, lists, and rules that are off. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "codec/crypto.h"
#include "codec/time.h"
#include "detect/criteria.h"
#include "event/builder.h"
#include "testing/testing.h"

struct kind {
    const char *kind, *yaml;
};

static struct arena *mem;
static struct zones *zones;

static const struct kind assets = {
    "assets", "assets:\n"
              "  - {slug: shop, hosts: [shop.acme.example], addresses: [10.0.1.10], type: service,"
              " importance: high, segment: dmz}\n"
              "  - {slug: office, hosts: [pc1, pc2], addresses: [10.0.2.0/24], type: client,"
              " segment: lan}\n"
              "  - {slug: gone, hosts: [gone], status: retired, type: client}\n"};
static const struct kind table = {"table-1",
                                  "segments:\n"
                                  "  - {slug: dmz, zone: dmz, networks: [10.0.1.0/24]}\n"
                                  "  - {slug: lan, zone: lan, networks: [10.0.2.0/24]}\n"
                                  "  - {slug: admin, zone: management, networks: [10.9.0.0/16,"
                                  " '2001:db8::/32']}\n"};
static const struct kind contacts = {
    "contacts",
    "people: [{slug: head, mail: head@acme.example}, {slug: other, mail: o@x.example}]"};
static const struct kind criteria_high = {"criteria",
                                          "criteria: []\notherwise: {incident_from: high}\n"};

static void begin(void)
{
    mem = arena_new((size_t)256 << 20);
    CHECK(zones_new("/usr/share/zoneinfo", &zones) == OK);
}

static void end(void)
{
    zones_free(zones);
    arena_free(mem);
}

static void pack(struct buf *out, const struct kind *kind)
{
    struct document document;
    struct buf json;
    struct why why = {0};
    char hash[2 * SHA256_SIZE + 1];
    enum err err = document_read(schema_find(str_from(kind->kind)), str_from(kind->yaml), mem,
                                 &document, &why);
    if (err != OK) {
        testing_fail(why_text(&why, err), __FILE__, __LINE__);
    }
    buf_init(&json, (size_t)4 << 20);
    CHECK(document_print(&document, &json) == OK);
    struct sha256 sum = sha256_of_bytes(buf_str(&json));
    CHECK(buf_print(out, "%s %s %zu\n", kind->kind, hex_print(sum.bytes, SHA256_SIZE, hash),
                    json.size) == OK);
    CHECK(buf_append(out, buf_str(&json)) == OK);
    buf_done(&json);
}

/* The office's documents, with one or two more. */
static struct criteria *office_with(const struct kind *one, const struct kind *two)
{
    const struct kind *const all[] = {&assets, &contacts, one, two, &table};
    struct criteria *criteria;
    struct buf out;
    struct why why = {0};
    buf_init(&out, (size_t)16 << 20);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (all[i] != NULL) {
            pack(&out, all[i]);
        }
    }
    enum err err = criteria_new(buf_str(&out), STR("9 web-1\n"), zones, &criteria, &why);
    if (err != OK) {
        testing_fail(why_text(&why, err), __FILE__, __LINE__);
    }
    buf_done(&out);
    return criteria;
}

static struct wall at(const char *text)
{
    struct wall wall;
    CHECK(time_parse(str_from(text), &wall) == OK);
    return wall;
}

/* One event of the office's log: fields as "name", "value", …, NULL. */
static struct batch event_of(struct wall received, const char *class, const char *const *fields)
{
    struct builder *builder = builder_new((struct client_id){3}, (struct source_id){9});
    struct str bytes;
    struct str kept;
    struct batch batch;
    CHECK(builder != NULL && builder_begin(builder, STR("a record"), received) == OK);
    for (size_t i = 0; fields[i] != NULL; i += 2) {
        builder_derive(builder, str_from(fields[i]), str_from(fields[i + 1]));
    }
    builder_class(builder, str_from(class));
    CHECK(builder_end(builder) == OK && builder_finish(builder, &bytes) == OK);
    CHECK(arena_copy(mem, bytes, &kept) == OK);
    CHECK(batch_check(kept, mem, &batch, NULL) == OK);
    builder_free(builder);
    return batch;
}

#define FIELDS(...)       ((const char *const[]){__VA_ARGS__, NULL})
#define IS(text, literal) str_equal((text), STR(literal))
#define NOON              "2026-06-15T12:00:00Z"

static struct outcome judged(const struct criteria *criteria, struct criteria_state *state,
                             const struct batch *batch, const char *rule, enum level level)
{
    struct event event;
    batch_event(batch, 0, &event);
    struct alert alert = {.place = {{3}, 5},
                          .source = {9},
                          .received = event.received,
                          .level = level,
                          .rule_id = str_from(rule),
                          .rule_title = STR("A Rule"),
                          .rule_tags = STR("attack.t1059.001")};
    struct alerts alerts = {&alert, 1};
    CHECK(criteria_judge(criteria, state, batch, alert.place, mem, &alerts) == OK);
    return alert.outcome;
}

static struct outcome plain(const struct criteria *criteria, const char *when,
                            const char *const *fields)
{
    struct batch batch = event_of(at(when), "process_creation/windows/sysmon", fields);
    return judged(criteria, NULL, &batch, "rule-1", LEVEL_HIGH);
}

static struct ruleset *rules_of(const char *const *texts, size_t count)
{
    struct buf bundle;
    struct ruleset *ruleset;
    struct ruleset_report report;
    buf_init(&bundle, 1 << 20);
    for (size_t i = 0; i < count; i++) {
        CHECK(ruleset_pack(&bundle, STR("r.yml"), str_from(texts[i])) == OK);
    }
    CHECK(ruleset_load(buf_str(&bundle), mem, &ruleset, &report, NULL) == OK);
    CHECK(report.loaded == count);
    buf_done(&bundle);
    return ruleset;
}

/* ---- Exceptions. */

#define SAID "owner: head, reason: {en: r}, since: 2026-01-01, expires: 2026-12-31"

TEST(what_is_excepted_is_an_alert_and_no_incident)
{
    begin();
    const struct kind detection = {"detection", "exceptions:\n"
                                                "  - {slug: probe, rules: [RULE-1], " SAID ",\n"
                                                "     filter: \"s: {User|startswith: adm_}\\n"
                                                "except: s\"}\n"};
    struct criteria *criteria = office_with(&criteria_high, &detection);
    struct outcome adm = plain(criteria, NOON, FIELDS("User", "ADM_kato"));
    CHECK(IS(adm.excepted, "probe") && !adm.incident && adm.chain.size == 0);
    CHECK(str_find(adm.documents, STR("detection:")) != STR_NONE);
    struct outcome kato = plain(criteria, NOON, FIELDS("User", "kato"));
    CHECK(kato.excepted.size == 0 && kato.incident);
    struct outcome nobody = plain(criteria, NOON, FIELDS("host.name", "pc1"));
    CHECK(nobody.excepted.size == 0 && nobody.incident);
    struct batch batch = event_of(at(NOON), "", FIELDS("User", "adm_kato"));
    CHECK(judged(criteria, NULL, &batch, "rule-2", LEVEL_HIGH).incident);
    criteria_free(criteria);
    end();
}

TEST(a_sigma_filter_file_is_taken_as_it_is_and_read_as_pysigma_reads_it)
{
    begin();
    const struct kind detection = {"detection", "exceptions:\n"
                                                "- slug: file\n"
                                                "  owner: head\n"
                                                "  reason: {en: r}\n"
                                                "  since: 2026-01-01\n"
                                                "  expires: 2026-12-31\n"
                                                "  filter: |\n"
                                                "    title: Administrators\n"
                                                "    description: names begin with adm_\n"
                                                "    logsource:\n"
                                                "        category: process_creation\n"
                                                "        product: windows\n"
                                                "    filter:\n"
                                                "        rules:\n"
                                                "            - rule-1 # a comment\n"
                                                "        selection:\n"
                                                "            User|startswith: 'adm_'\n"
                                                "        condition: not selection\n"};
    struct criteria *criteria = office_with(&criteria_high, &detection);
    const char *const *adm = FIELDS("User", "adm_kato");
    CHECK(IS(plain(criteria, NOON, adm).excepted, "file"));
    CHECK(plain(criteria, NOON, FIELDS("User", "kato")).incident);
    /* Another log source, another rule. */
    struct batch other = event_of(at(NOON), "network_connection/windows/", adm);
    CHECK(judged(criteria, NULL, &other, "rule-1", LEVEL_HIGH).incident);
    struct batch same = event_of(at(NOON), "process_creation/windows/", adm);
    CHECK(judged(criteria, NULL, &same, "rule-2", LEVEL_HIGH).incident);
    CHECK(IS(judged(criteria, NULL, &same, "rule-1", LEVEL_HIGH).excepted, "file"));
    criteria_free(criteria);
    end();
}

TEST(an_exception_holds_from_its_first_day_to_its_last_by_the_arrival)
{
    begin();
    const struct kind detection = {"detection",
                                   "exceptions:\n"
                                   "  - {slug: day, all_rules: yes, owner: head, reason: {en: r},\n"
                                   "     since: 2026-06-15, expires: 2026-06-15,\n"
                                   "     filter: '{s: {User: \"*\"}, except: s}'}\n"};
    struct criteria *criteria = office_with(&criteria_high, &detection);
    const char *const *user = FIELDS("User", "kato");
    CHECK(plain(criteria, "2026-06-14T23:59:59Z", user).incident);
    CHECK(IS(plain(criteria, "2026-06-15T00:00:00Z", user).excepted, "day"));
    CHECK(IS(plain(criteria, "2026-06-15T23:59:59Z", user).excepted, "day"));
    CHECK(plain(criteria, "2026-06-16T00:00:00Z", user).incident);
    criteria_free(criteria);
    end();
}

TEST(an_exception_may_name_a_list_of_the_document)
{
    begin();
    const struct kind detection = {
        "detection", "lists: [{slug: a, placeholder: Admins, values: ['adm_*']}]\n"
                     "exceptions:\n"
                     "  - {slug: probe, all_rules: yes, " SAID ",\n"
                     "     filter: \"s: {'User|expand': '%Admins%'}\\nexcept: s\"}\n"
                     "  - {slug: gone, all_rules: yes, " SAID ",\n"
                     "     filter: \"s: {'User|expand': '%Gone%'}\\nexcept: not s\"}\n"};
    struct criteria *criteria = office_with(&criteria_high, &detection);
    CHECK(IS(plain(criteria, NOON, FIELDS("User", "adm_kato")).excepted, "probe"));
    CHECK(plain(criteria, NOON, FIELDS("User", "kato")).incident);
    criteria_free(criteria);
    end();
}

TEST(an_exception_may_be_narrowed_to_tags_assets_and_segments)
{
    begin();
    const struct kind detection = {
        "detection",
        "exceptions:\n"
        "  - {slug: a, tags: [attack.t1190], filter: \"s: {User: x}\\nexcept: s\", " SAID "}\n"
        "  - {slug: b, tags: [attack.t1059], assets: [office], segments: [lan],"
        " filter: \"s: {User: x}\\nexcept: s\", " SAID "}\n"};
    struct criteria *criteria = office_with(&criteria_high, &detection);
    CHECK(IS(plain(criteria, NOON, FIELDS("User", "x", "host.name", "pc1")).excepted, "b"));
    CHECK(plain(criteria, NOON, FIELDS("User", "x", "host.ip", "10.0.1.10")).incident);
    criteria_free(criteria);
    end();
}

TEST(correlations_do_not_count_what_is_excepted)
{
    begin();
    static const char *const texts[] = {
        "title: a\nid: rule-1\nlogsource: {product: windows}\ndetection: {s: [x], condition: s}\n",
        "title: b\nid: rule-2\nlogsource: {product: windows}\ndetection: {s: [x], condition: s}\n"};
    const struct kind detection = {"detection", "exceptions:\n"
                                                "  - {slug: probe, rules: [rule-2], " SAID ",\n"
                                                "     filter: \"s: {User: x}\\nexcept: s\"}\n"};
    struct ruleset *ruleset = rules_of(texts, 2);
    struct criteria *criteria = office_with(&criteria_high, &detection);
    struct batch batch = event_of(at(NOON), "", FIELDS("User", "x"));
    struct sighting list[] = {{.rule = 0, .place = {{3}, 5}},
                              {.rule = 1, .place = {{3}, 5}},
                              {.rule = 0, .place = {{3}, 5}}};
    struct sightings sightings = {list, 3};
    size_t left_out;
    CHECK(criteria_sightings(criteria, ruleset, &batch, list[0].place, mem, &sightings,
                             &left_out) == OK);
    CHECK(left_out == 1 && sightings.count == 2 && list[0].rule == 0 && list[1].rule == 0);
    CHECK(criteria_sightings(NULL, ruleset, &batch, list[0].place, mem, &sightings, &left_out) ==
          OK);
    CHECK(left_out == 0 && sightings.count == 2);
    criteria_free(criteria);
    ruleset_free(ruleset);
    end();
}

TEST(an_exception_says_how_many_days_it_has_left)
{
    begin();
    static const struct {
        const char *now;
        enum exception_state state;
        int64_t days;
    } cases[] = {
        {"2025-12-31T00:00:00Z", EXCEPTION_AHEAD, 366},
        {"2026-01-01T00:00:00Z", EXCEPTION_ACTIVE, 365},
        {"2026-12-17T23:59:59Z", EXCEPTION_ACTIVE, 15},
        {"2026-12-18T00:00:00Z", EXCEPTION_ENDING, 14},
        {"2026-12-31T23:59:59Z", EXCEPTION_ENDING, 1},
        {"2027-01-01T00:00:00Z", EXCEPTION_EXPIRED, 0},
    };
    struct document document;
    CHECK(document_read(schema_find(STR("detection")), STR("exceptions: [{slug: a, " SAID "}]"),
                        mem, &document, NULL) == OK);
    const struct element *item = element_get(document.root, "exceptions")->first;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t days;
        CHECK(exception_state_at(item, at(cases[i].now), &days) == cases[i].state);
        CHECK(days == cases[i].days);
    }
    end();
}

static void check_refused(const char *yaml, uint32_t line, const char *said)
{
    struct document document;
    struct why why = {0};
    CHECK(document_read(schema_find(STR("detection")), str_from(yaml), mem, &document, NULL) == OK);
    enum err err = detection_check(&document, &why);
    if (err == OK || strstr(why.text, said) == NULL || why.line != line) {
        printf("'%s' at %u, wanted '%s' at %u\n", why.text, why.line, said, line);
    }
    CHECK(err == ERR_SYNTAX && strstr(why.text, said) != NULL && why.line == line);
}

TEST(a_draft_that_could_not_run_is_refused_with_its_place)
{
    begin();
    check_refused("exceptions:\n  - slug: a\n    all_rules: yes\n", 2, "'filter'");
    check_refused("exceptions:\n  - {slug: a, filter: 's', owner: h, since: 2026-01-01,"
                  " expires: 2026-01-02}\n",
                  2, "'reason'");
    check_refused("exceptions:\n  - {slug: a, filter: 's', owner: h, reason: {en: r},"
                  " since: 2026-01-02,\n     expires: 2026-01-01}\n",
                  3, "up to 366 days");
    check_refused("exceptions:\n  - {slug: a, filter: 's', owner: h, reason: {en: r},"
                  " since: 2026-01-02,\n     expires: 2027-01-04}\n",
                  3, "up to 366 days");
    check_refused("exceptions:\n  - {slug: a, " SAID ",\n    filter: '[x]'}\n", 3, "one mapping");
    check_refused("exceptions:\n  - {slug: a, " SAID ",\n    filter: \"s: {User: x}\"}\n", 3,
                  "line 1, column 1: one of 'except'");
    check_refused("exceptions:\n  - {slug: a, " SAID ",\n"
                  "    filter: \"s: {User: x}\\nexcept: s\\ncondition: s\"}\n",
                  3, "one of 'except'");
    check_refused("exceptions:\n  - {slug: a, " SAID ",\n"
                  "    filter: \"s: {User: x}\\nexcept: t\"}\n",
                  3, "line 2");
    check_refused("exceptions:\n  - {slug: a, " SAID ",\n"
                  "    filter: \"s:\\n  User|nonsense: x\\nexcept: s\"}\n",
                  3, "line 2");
    check_refused("exceptions:\n  - {slug: a, " SAID ",\n"
                  "    filter: \"s: {User: x}\\nexcept: s\"}\n",
                  2, "names no rules");
    check_refused("exceptions:\n  - {slug: a, all_rules: yes, " SAID ",\n"
                  "    filter: \"s: {'User|expand': '%Admins%'}\\nexcept: s\"}\n",
                  3, "no list of this document");
    check_refused("lists:\n  - {slug: a, placeholder: Admins}\n  - {slug: b,\n"
                  "     placeholder: ADMINS}\n",
                  4, "belongs to 'a' already");
    end();
}

TEST(exceptions_may_not_ask_for_more_regular_expressions_than_desk_can_compile)
{
    static const char deep[] = "((((((((((((((((((((a*b)*b)*b)*b)*b)*b)*b)*b)*b)*b)*b)"
                               "*b)*b)*b)*b)*b)*b)*b)*b)*b)*";
    static const char *const evil[] = {deep, "(([a-f]{1,99}x){1,99}y){1,9}", "(ab){900}"};
    begin();
    for (size_t i = 0; i < sizeof evil / sizeof *evil; i++) {
        struct document document;
        struct why why = {0};
        struct str text;
        struct buf filter;
        buf_init(&filter, 100000);
        for (int k = 0; k < 30; k++) {
            CHECK(buf_print(&filter, "%s'%d%s'", k > 0 ? ", " : "", k, evil[i]) == OK);
        }
        CHECK(arena_print(mem, &text,
                          "exceptions:\n  - {slug: a, all_rules: yes, " SAID ",\n"
                          "    filter: \"s: {'User|re': [%.*s]}\\nexcept: s\"}\n",
                          STR_ARG(buf_str(&filter))) == OK);
        buf_done(&filter);
        CHECK(document_read(schema_find(STR("detection")), text, mem, &document, NULL) == OK);
        CHECK(detection_check(&document, &why) == ERR_SYNTAX &&
              strstr(why.text, "regular expression") != NULL);
    }
    end();
}

/* ---- Planned work. */

TEST(planned_work_holds_back_what_is_not_critical_and_says_so)
{
    begin();
    const struct kind calendars = {
        "calendars", "events:\n"
                     "  - {slug: sale, type: campaign, assets: [shop], from: 2026-06-01T00:00:00Z,"
                     " to: 2026-07-01T00:00:00Z}\n"
                     "  - {slug: all, type: maintenance, from: 2026-06-01T00:00:00Z,"
                     " to: 2026-07-01T00:00:00Z}\n"
                     "  - {slug: move, type: maintenance, assets: [shop], segments: [lan],"
                     " from: 2026-06-15T00:00:00Z, to: 2026-06-16T00:00:00Z}\n"};
    const struct kind strict = {
        "criteria", "criteria:\n"
                    "  - {slug: meant, when: {rules: [rule-2], events: [move]},"
                    " then: {incident: yes}}\n"
                    "  - {slug: usual, when: {rules: [rule-3]}, then: {incident: yes}}\n"
                    "otherwise: {incident_from: high}\n"};
    struct criteria *criteria = office_with(&calendars, &strict);
    const char *const *shop = FIELDS("destination.ip", "10.0.1.10");
    struct outcome held = plain(criteria, NOON, shop);
    CHECK(IS(held.planned, "move") && !held.incident && held.severity == LEVEL_HIGH);
    CHECK(plain(criteria, "2026-06-16T00:00:00Z", shop).incident);
    CHECK(plain(criteria, "2026-06-16T00:00:00Z", shop).planned.size == 0);
    CHECK(IS(plain(criteria, NOON, FIELDS("host.name", "pc2")).planned, "move"));
    CHECK(plain(criteria, NOON, FIELDS("host.ip", "10.9.0.1")).incident);
    struct batch batch = event_of(at(NOON), "", shop);
    struct outcome grave = judged(criteria, NULL, &batch, "rule-1", LEVEL_CRITICAL);
    CHECK(grave.incident && IS(grave.planned, "move"));
    CHECK(judged(criteria, NULL, &batch, "rule-2", LEVEL_LOW).incident);
    CHECK(!judged(criteria, NULL, &batch, "rule-3", LEVEL_LOW).incident);
    criteria_free(criteria);
    end();
}

/* ---- Thresholds. */

static const struct kind counted = {
    "criteria",
    "criteria:\n"
    "  - {slug: many, when: {rules: [rule-1], at_least: 3, within: 10m, by: source-address},"
    " then: {incident: yes}}\n"
    "otherwise: {incident_from: never}\n"};

static bool fits(const struct criteria *criteria, struct criteria_state *state, int64_t second,
                 const char *from)
{
    struct batch batch = event_of((struct wall){at(NOON).ns + second * NS_PER_SECOND}, "",
                                  FIELDS("destination.ip", "10.0.1.10", "source.ip", from));
    return judged(criteria, state, &batch, "rule-1", LEVEL_LOW).incident;
}

TEST(a_threshold_is_met_from_the_nth_alert_within_the_time)
{
    begin();
    struct criteria *criteria = office_with(&counted, NULL);
    struct criteria_state *state;
    CHECK(criteria_state_new(&state) == OK);
    CHECK(!fits(criteria, state, 0, "192.0.2.1") && !fits(criteria, state, 1, "192.0.2.2"));
    CHECK(!fits(criteria, state, 300, "192.0.2.1") && fits(criteria, state, 599, "192.0.2.1"));
    CHECK(fits(criteria, state, 899, "192.0.2.1"));
    CHECK(!fits(criteria, state, 1199, "192.0.2.1")); /* the one at 599 is ten minutes old */
    CHECK(!fits(criteria, state, 1200, "192.0.2.2"));
    CHECK(!fits(criteria, NULL, 1201, "192.0.2.1"));
    criteria_state_free(state);
    criteria_free(criteria);
    end();
}

TEST(what_was_counted_survives_a_checkpoint_and_a_new_generation)
{
    begin();
    struct criteria *criteria = office_with(&counted, NULL);
    struct criteria_state *state;
    struct criteria_state *other;
    struct buf one;
    struct buf two;
    buf_init(&one, (size_t)16 << 20);
    buf_init(&two, (size_t)16 << 20);
    CHECK(criteria_state_new(&state) == OK && criteria_state_new(&other) == OK);
    for (int i = 0; i < 30000; i++) {
        char address[32];
        CHECK(snprintf(address, sizeof address, "192.0.%d.%d", i / 250 % 250, i % 250) > 0);
        (void)fits(criteria, state, i / 100, address);
        if (i % 1000 == 0) {
            arena_reset(mem);
        }
    }
    CHECK(!fits(criteria, state, 301, "198.51.100.7") &&
          !fits(criteria, state, 302, "198.51.100.7"));
    CHECK(criteria_state_encode(state, &one) == OK && one.size < CRITERIA_STATE_MAX);
    CHECK(criteria_state_decode(buf_str(&one), other) == OK);
    CHECK(criteria_state_encode(other, &two) == OK);
    CHECK(str_equal(buf_str(&one), buf_str(&two)));
    criteria_free(criteria);
    criteria = office_with(&counted, NULL);
    CHECK(fits(criteria, other, 303, "198.51.100.7") && fits(criteria, state, 303, "198.51.100.7"));
    CHECK(criteria_state_decode(str_slice(buf_str(&one), 0, one.size - 1), other) == ERR_CORRUPT);
    CHECK(criteria_state_decode(STR("x"), other) == ERR_CORRUPT);
    CHECK(!fits(criteria, other, 304, "198.51.100.7"));
    buf_done(&one);
    buf_done(&two);
    criteria_state_free(state);
    criteria_state_free(other);
    criteria_free(criteria);
    end();
}

/* ---- Before the rules. */

TEST(placeholders_have_values_of_their_own_and_of_the_other_documents)
{
    begin();
    const struct kind detection = {
        "detection", "lists:\n"
                     "  - {slug: a, placeholder: Hosts, assets: {take: [hosts], types: [client]},"
                     " values: [x]}\n"
                     "  - {slug: b, placeholder: Nets, zones: [management], segments: [lan],"
                     " assets: {take: [addresses], zones: [dmz]}}\n"
                     "  - {slug: c, placeholder: People, people: [head]}\n"};
    struct criteria *criteria = office_with(&detection, NULL);
    const struct lists *lists = criteria_lists(criteria);
    CHECK(lists_have(lists, STR("hosts")) && lists_have(lists, STR("Nets")));
    CHECK(lists_have(lists, STR("People")) && !lists_have(lists, STR("Others")));
    CHECK(criteria_lists(NULL) == NULL);
    criteria_free(criteria);
    criteria = office_with(&criteria_high, NULL);
    CHECK(criteria_lists(criteria) == NULL);
    criteria_free(criteria);
    end();
}

TEST(the_first_line_that_fits_a_rule_says_whether_it_is_on)
{
    begin();
    static const char *const texts[] = {
        "title: a\nid: a\nlevel: low\nstatus: experimental\nlogsource: {product: windows}\n"
        "tags: [attack.t1059.001]\ndetection: {s: [x], condition: s}\n",
        "title: b\nid: b\nlevel: low\nstatus: experimental\nlogsource: {product: windows}\n"
        "detection: {s: [x], condition: s}\n",
        "title: c\nid: c\nlevel: high\nstatus: test\nlogsource: {product: linux, service: sshd}\n"
        "detection: {s: [x], condition: s}\n",
        "title: d\nid: d\nlevel: high\nlogsource: {category: dns}\n"
        "detection: {s: [x], condition: s}\n"};
    const struct kind detection = {"detection",
                                   "rules:\n"
                                   "  - {slug: keep, rules: [B], enabled: yes}\n"
                                   "  - {slug: wild, statuses: [experimental], enabled: no}\n"
                                   "  - {slug: ssh, product: Linux, service: SSHD, enabled: no}\n"};
    struct ruleset *ruleset = rules_of(texts, 4);
    struct criteria *criteria = office_with(&detection, NULL);
    const uint8_t *off;
    CHECK(criteria_off(criteria, ruleset, mem, &off) == OK && off != NULL);
    CHECK(off[0] == 1 && off[1] == 0 && off[2] == 1 && off[3] == 0);
    CHECK(criteria_off(NULL, ruleset, mem, &off) == OK && off == NULL);
    criteria_free(criteria);
    criteria = office_with(&criteria_high, NULL);
    CHECK(criteria_off(criteria, ruleset, mem, &off) == OK && off == NULL);
    criteria_free(criteria);
    ruleset_free(ruleset);
    end();
}

/* ---- The price. */

TEST(five_hundred_exceptions_and_a_threshold_cost_an_alert_microseconds)
{
    begin();
    struct buf yaml;
    struct timespec from;
    struct timespec to;
    struct criteria_state *state;
    buf_init(&yaml, 1 << 20);
    CHECK(buf_append(&yaml, STR("exceptions:\n")) == OK);
    for (int i = 0; i < 500; i++) {
        CHECK(buf_print(&yaml,
                        "  - {slug: e%d, tags: [attack.t%d], filter: \"s: {User: u%d}\\n"
                        "except: s\", " SAID "}\n",
                        i, i % 2 == 0 ? 1059 : 1190, i) == OK);
    }
    CHECK(buf_append_byte(&yaml, '\0') == OK);
    const struct kind detection = {"detection", yaml.data};
    struct criteria *criteria = office_with(&counted, &detection);
    CHECK(criteria_state_new(&state) == OK);
    struct batch batch = event_of(at(NOON), "", FIELDS("User", "nobody", "source.ip", "192.0.2.1"));
    struct alert *list = ARENA_ARRAY(mem, struct alert, 10000);
    for (size_t i = 0; i < 10000; i++) {
        list[i] = (struct alert){
            .place = {{3}, 5}, .rule_id = STR("rule-1"), .rule_tags = STR("attack.t1059.001")};
    }
    struct alerts one = {list, 1};
    struct alerts many = {list, 10000};
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < 100; i++) {
        CHECK(criteria_judge(criteria, state, &batch, list[0].place, mem, &one) == OK);
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    double first = (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
    clock_gettime(CLOCK_MONOTONIC, &from);
    CHECK(criteria_judge(criteria, state, &batch, list[0].place, mem, &many) == OK);
    clock_gettime(CLOCK_MONOTONIC, &to);
    double next = (double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec);
    printf("ns an alert under 500 exceptions: %.0f where each call has one, %.0f of one event\n",
           first / 100, next / 10000);
    CHECK(first / 100 < 1e8 && next / 10000 < 1e6); /* on a slow machine, sanitized */
    criteria_state_free(state);
    criteria_free(criteria);
    buf_done(&yaml);
    end();
}
