/* Rules are written out; an event is a list of names and values, a NULL value being JSON's null. */

#include "detect/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "event/builder.h"
#include "testing/testing.h"

struct pair {
    const char *name;
    const char *value;
};

static struct ruleset *load(const char *text, struct arena *mem, struct ruleset_report *ret)
{
    struct buf bundle;
    struct ruleset *ruleset = NULL;
    struct why why = {0};
    buf_init(&bundle, (size_t)RULES_SIZE_MAX);
    CHECK(ruleset_pack(&bundle, STR("a.yml"), str_from(text)) == OK);
    CHECK(ruleset_load(buf_str(&bundle), mem, &ruleset, ret, &why) == OK);
    buf_done(&bundle);
    return ruleset;
}

/* One batch under a judge of its own. */
static enum err judge_once(const struct ruleset *ruleset, const struct batch *batch,
                           struct arena *mem, struct alerts *ret)
{
    struct judge *judge;
    struct verdicts verdicts;
    enum err err = judge_new(ruleset, &judge);
    if (err == OK) {
        err = judge_batch(judge, batch, mem, &verdicts);
        judge_free(judge);
    }
    if (err == OK) {
        *ret = verdicts.alerts;
    }
    return err;
}

static size_t alerts_for(const struct ruleset *ruleset, const char *class, const char *record,
                         const struct pair *pairs, struct arena *mem, struct alerts *ret)
{
    struct builder *builder = builder_new((struct client_id){7}, (struct source_id){9});
    struct str bytes = {0};
    struct batch batch;
    CHECK(builder_begin(builder, str_from(record), (struct wall){5}) == OK);
    for (; pairs != NULL && pairs->name != NULL; pairs++) {
        if (pairs->value == NULL) {
            builder_span(builder, str_from(pairs->name), 0, 0, SPAN_JSON_NULL);
        } else {
            builder_derive(builder, str_from(pairs->name), str_from(pairs->value));
        }
    }
    builder_class(builder, str_from(class));
    CHECK(builder_end(builder) == OK);
    CHECK(builder_finish(builder, &bytes) == OK);
    CHECK(batch_check(bytes, mem, &batch, NULL) == OK);
    CHECK(judge_once(ruleset, &batch, mem, ret) == OK);
    builder_free(builder);
    return ret->count;
}

/* Whether a rule with this detection fires on one event. */
static bool fires(const char *detection, const char *record, const struct pair *pairs)
{
    char text[4096];
    struct arena *mem = arena_new(1 << 24);
    struct ruleset_report report;
    struct alerts alerts;
    CHECK(snprintf(text, sizeof text, "title: t\nlogsource: {product: x}\ndetection:\n%s",
                   detection) < (int)sizeof text);
    struct ruleset *ruleset = load(text, mem, &report);
    if (report.loaded != 1) {
        printf("%.*s\n",
               STR_ARG(report.refused.count > 0 ? report.refused.list[0].reason : STR("?")));
    }
    CHECK(report.loaded == 1);
    size_t count = alerts_for(ruleset, "/x/", record, pairs, mem, &alerts);
    ruleset_free(ruleset);
    arena_free(mem);
    return count == 1;
}

/* The reason why a text is refused; checks that it is. */
static const char *refusal(const char *text, uint32_t line)
{
    static char reason[400];
    struct arena *mem = arena_new(1 << 24);
    struct ruleset_report report;
    struct ruleset *ruleset = load(text, mem, &report);
    CHECK(report.loaded == 0 && report.refused.count == 1);
    if (report.refused.list[0].line != line) {
        printf("line %u: %.*s\n", report.refused.list[0].line,
               STR_ARG(report.refused.list[0].reason));
    }
    CHECK(report.refused.list[0].line == line);
    CHECK(str_equal(report.refused.list[0].file, STR("a.yml")));
    CHECK(snprintf(reason, sizeof reason, "%.*s", STR_ARG(report.refused.list[0].reason)) > 0);
    ruleset_free(ruleset);
    arena_free(mem);
    return reason;
}

#define EVENT(...)        \
    (const struct pair[]) \
    {                     \
        __VA_ARGS__,      \
        {                 \
            NULL, NULL    \
        }                 \
    }
#define NO_FIELDS ((const struct pair[]){{NULL, NULL}})

TEST(an_alert_carries_what_the_rule_says_about_itself)
{
    struct arena *mem = arena_new(1 << 24);
    struct ruleset_report report;
    struct alerts alerts;
    struct ruleset *ruleset = load(
        "title: A title\nid: 6d2c1b0a-0000-4000-8000-000000000001\nauthor: Somebody\n"
        "references: ['https://example.org/1', b]\ntags: [attack.t1110, attack.x]\nlevel: high\n"
        "logsource: {category: c, service: S}\n"
        "detection:\n  a: {f: v}\n  condition: a\n",
        mem, &report);
    CHECK(report.files == 1 && report.rules == 1 && report.loaded == 1);
    CHECK(ruleset_hash(ruleset).size == 64 && ruleset_rules(ruleset) == 1);
    CHECK(alerts_for(ruleset, "c/anything/s", "r", EVENT({"f", "V"}), mem, &alerts) == 1);
    const struct alert *alert = alerts.list;
    CHECK(str_equal(alert->rule_id, STR("6d2c1b0a-0000-4000-8000-000000000001")));
    CHECK(str_equal(alert->rule_title, STR("A title")));
    CHECK(str_equal(alert->rule_author, STR("Somebody")));
    CHECK(str_equal(alert->rule_link, STR("https://example.org/1")));
    CHECK(str_equal(alert->rule_tags, STR("attack.t1110 attack.x")));
    CHECK(alert->rule_version.size == 64 && alert->level == LEVEL_HIGH);
    CHECK(alert->source.value == 9 && alert->received.ns == 5);
    CHECK(alerts_for(ruleset, "c//t", "r", EVENT({"f", "v"}), mem, &alerts) == 0);
    CHECK(alerts_for(ruleset, "", "r", EVENT({"f", "v"}), mem, &alerts) == 0);
    ruleset_free(ruleset);
    arena_free(mem);
}

TEST(maps_are_joined_by_and_lists_by_or)
{
    const char *map = "  a: {f: v, g: w}\n  condition: a\n";
    CHECK(fires(map, "", EVENT({"f", "V"}, {"g", "w"})));
    CHECK(!fires(map, "", EVENT({"f", "v"})));
    const char *list = "  a:\n    - {f: v}\n    - {g: w}\n  condition: a\n";
    CHECK(fires(list, "", EVENT({"g", "w"})));
    const char *values = "  a: {f: [v, 3]}\n  condition: a\n";
    CHECK(fires(values, "", EVENT({"f", "3"})));
    CHECK(fires(values, "", EVENT({"f", "no"}, {"f", "v"})));
    CHECK(!fires(values, "", EVENT({"f", "vv"})));
    const char *all = "  a: {f|contains|all: [v, w]}\n  condition: a\n";
    CHECK(fires(all, "", EVENT({"f", "wv"})));
    CHECK(!fires(all, "", EVENT({"f", "vv"})));
}

TEST(keywords_are_found_in_the_record_and_in_values)
{
    const char *any = "  k: [first, 'se*nd']\n  condition: k\n";
    CHECK(fires(any, "the FIRST line", NO_FIELDS));
    CHECK(fires(any, "", EVENT({"f", "a second"})));
    CHECK(!fires(any, "the third", NO_FIELDS));
    const char *all = "  k: {'|all': [one, two]}\n  condition: k\n";
    CHECK(fires(all, "two and one", NO_FIELDS));
    CHECK(!fires(all, "one and three", NO_FIELDS));
    CHECK(fires("  k: {'|re': ['a{3}']}\n  condition: k\n", "baaad", NO_FIELDS));
}

TEST(conditions_take_every_form)
{
    char text[600];
    const char *const cases[][2] = {
        {"s1 and s2", "12"},
        {"s1 or s2", "1"},
        {"not s1", "2"},
        {"s1 and not s2", "1"},
        {"(s1 or s2) and f1", "13"},
        {"s1 or s2 and f1", "1"},
        {"1 of s*", "2"},
        {"all of s*", "12"},
        {"all of them", "123"},
        {"1 of them and not _x", "3"},
        {"not 1 of s*", "3"},
        {"not (s1 or not s2)", "2"},
        {"any of *1", "3"},
        {"1 of s1", "1"},
        {"s1 and\n      s2", "12"},
        {"NOT s1 AND s2", "2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK(snprintf(text, sizeof text,
                       "  s1: {f: '1'}\n  s2: {f: '2'}\n  f1: {f: '3'}\n  _x: {f: '4'}\n"
                       "  condition: %s\n",
                       cases[i][0]) > 0);
        struct pair pairs[4] = {0};
        static const char *const digits[] = {"1", "2", "3"};
        for (size_t k = 0; cases[i][1][k] != '\0'; k++) {
            pairs[k] = (struct pair){"f", digits[cases[i][1][k] - '1']};
        }
        CHECK(fires(text, "", pairs));
    }
    CHECK(!fires("  s: {f: '1'}\n  n: {g: '2'}\n  condition: s and not n\n", "",
                 EVENT({"f", "1"}, {"g", "2"})));
    CHECK(fires("  s: {f: '1'}\n  n: {g: '2'}\n  condition: s and not n\n", "", EVENT({"f", "1"})));
}

TEST(null_is_a_missing_field_and_empty_one_without_text)
{
    const char *null = "  s: {f: null}\n  condition: s\n";
    CHECK(fires(null, "", EVENT({"g", "1"})));
    CHECK(fires(null, "", EVENT({"f", NULL})));
    CHECK(!fires(null, "", EVENT({"f", ""})));
    const char *empty = "  s: {f: ''}\n  condition: s\n";
    CHECK(fires(empty, "", EVENT({"f", ""})));
    CHECK(!fires(empty, "", EVENT({"g", ""})));
    const char *exists = "  s: {f|exists: true, g|exists: false}\n  condition: s\n";
    CHECK(fires(exists, "", EVENT({"f", "x"})));
    CHECK(!fires(exists, "", EVENT({"f", "x"}, {"g", "y"})));
}

TEST(modifiers_do_what_they_say)
{
    CHECK(fires("  s: {f|startswith: ab}\n  condition: s\n", "", EVENT({"f", "ABc"})));
    CHECK(fires("  s: {f|endswith: bc}\n  condition: s\n", "", EVENT({"f", "abc"})));
    CHECK(!fires("  s: {f|cased: ab}\n  condition: s\n", "", EVENT({"f", "AB"})));
    CHECK(fires("  s: {f|cidr: ['10.0.0.0/8', '2001:db8::/32']}\n  condition: s\n", "",
                EVENT({"f", "2001:db8::1"})));
    CHECK(fires("  s: {f|re: '^a.c$'}\n  condition: s\n", "", EVENT({"f", "abc"})));
    CHECK(!fires("  s: {f|re: '^a.c$'}\n  condition: s\n", "", EVENT({"f", "ABC"})));
    CHECK(fires("  s: {f|re|i: '^a.c$'}\n  condition: s\n", "", EVENT({"f", "ABC"})));
    CHECK(fires("  s: {f|contains|windash: ' -enc'}\n  condition: s\n", "",
                EVENT({"f", "x /ENC y"})));
    CHECK(
        fires("  s: {f|gte: 5, g|lt: 1.5}\n  condition: s\n", "", EVENT({"f", "5"}, {"g", "-2"})));
    CHECK(fires("  s: {f|neq: x}\n  condition: s\n", "", EVENT({"f", "y"})));
    CHECK(!fires("  s: {f|neq: [x, y]}\n  condition: s\n", "", EVENT({"f", "y"})));
    CHECK(fires("  s: {f|fieldref: g}\n  condition: s\n", "", EVENT({"f", "A"}, {"g", "a"})));
    CHECK(!fires("  s: {f|fieldref: g}\n  condition: s\n", "", EVENT({"f", "A"})));
    CHECK(fires("  s: {f|fieldref|startswith: g}\n  condition: s\n", "",
                EVENT({"f", "abc"}, {"g", "ab"})));
    CHECK(fires("  s: {f|hour: 8, f|week: 47, f|month: 11}\n  condition: s\n", "",
                EVENT({"f", "2026-11-21T08:30:00Z"})));
    CHECK(fires("  s: {f|week: 53, f|year: 2027}\n  condition: s\n", "",
                EVENT({"f", "2027-01-03 00:00:00"})));
}

TEST(encoded_texts_are_found_where_they_hide)
{
    /* "ping" with zero, one and two bytes before it, as base64 tools give it. */
    const char *rule = "  s: {f|base64offset|contains: ping}\n  condition: s\n";
    CHECK(fires(rule, "", EVENT({"f", "cGluZyBtZQ=="})));
    CHECK(fires(rule, "", EVENT({"f", "eHBpbmcgbWU="})));
    CHECK(fires(rule, "", EVENT({"f", "eHlwaW5nIG1l"})));
    CHECK(!fires(rule, "", EVENT({"f", "cG9uZyBtZQ=="})));
    CHECK(fires("  s: {f|base64: fo}\n  condition: s\n", "", EVENT({"f", "Zm8="})));
    CHECK(fires("  s: {f|wide|base64: hi}\n  condition: s\n", "", EVENT({"f", "aABpAA=="})));
    CHECK(fires("  s: {f|utf16be|base64: hi}\n  condition: s\n", "", EVENT({"f", "AGgAaQ=="})));
    CHECK(fires("  s: {f|utf16|base64: hi}\n  condition: s\n", "", EVENT({"f", "//5oAGkA"})));
}

TEST(web_fields_reach_their_ecs_names)
{
    const char *rule = "  s: {cs-method: GET, cs-uri-query|contains: '/admin', sc-status: 200}\n"
                       "  condition: s\n";
    CHECK(fires(rule, "",
                EVENT({"http.request.method", "GET"}, {"url.original", "/admin?x"},
                      {"url.query", "x"}, {"http.response.status_code", "200"})));
    CHECK(fires(rule, "",
                EVENT({"cs-method", "get"}, {"cs-uri-query", "/admin"}, {"sc-status", "200"})));
}

TEST(a_windows_event_without_a_class_is_routed_by_channel_and_id)
{
    struct arena *mem = arena_new(1 << 24);
    struct ruleset_report report;
    struct alerts alerts;
    struct ruleset *ruleset =
        load("title: a\nid: a\nlogsource: {product: windows, category: process_creation}\n"
             "detection: {s: {Image|endswith: '\\x.exe'}, condition: s}\n---\n"
             "title: b\nid: b\nlogsource: {product: windows, category: registry_event}\n"
             "detection: {s: {TargetObject: k}, condition: s}\n---\n"
             "title: c\nid: c\nlogsource: {product: windows, service: security}\n"
             "detection: {s: {EventID: 4688}, condition: s}\n",
             mem, &report);
    CHECK(report.loaded == 3);
    CHECK(alerts_for(ruleset, "", "{}",
                     EVENT({"Channel", "Microsoft-Windows-Sysmon/Operational"}, {"EventID", "1"},
                           {"Image", "C:\\x.exe"}),
                     mem, &alerts) == 1);
    CHECK(alerts_for(ruleset, "", "{}",
                     EVENT({"winlog.channel", "Security"}, {"winlog.event_id", "4688"},
                           {"EventID", "4688"}, {"NewProcessName", "C:\\X.EXE"}),
                     mem, &alerts) == 2);
    CHECK(alerts_for(ruleset, "", "{}",
                     EVENT({"Channel", "Microsoft-Windows-Sysmon/Operational"}, {"EventID", "13"},
                           {"TargetObject", "k"}),
                     mem, &alerts) == 1);
    CHECK(alerts_for(ruleset, "", "{}", EVENT({"EventID", "1"}, {"Image", "C:\\x.exe"}), mem,
                     &alerts) == 0);
    ruleset_free(ruleset);
    arena_free(mem);
}

TEST(a_mistake_is_refused_with_its_line_and_reason)
{
#define HEAD "title: t\nlogsource: {product: x}\ndetection:\n"
    CHECK(strstr(refusal(HEAD "  s:\n    f|contain: x\n  condition: s\n", 5), "is 'contains'"));
    CHECK(strstr(refusal(HEAD "  s: {f: x}\n  condition: q\n", 5), "has this name"));
    CHECK(strstr(refusal(HEAD "  s: {f: x}\n  condition: 1 of q*\n", 5), "such a name"));
    CHECK(strstr(refusal(HEAD "  s: {f: x}\n  condition: s and\n", 5), "missing"));
    CHECK(strstr(refusal(HEAD "  s: {f: x}\n  condition: (s\n", 5), "parenthesis"));
    CHECK(strstr(refusal(HEAD "  s: {f: x}\n  condition: s s\n", 5), "belong"));
    CHECK(strstr(refusal(HEAD "  s: {f: x}\n  condition: s | count() > 5\n", 5), "correlation"));
    CHECK(strstr(refusal(HEAD "  s: {f: x}\n", 4), "no condition"));
    CHECK(strstr(refusal(HEAD "  s: {}\n  condition: s\n", 4), "without any content"));
    CHECK(strstr(refusal(HEAD "  s: {f|re: 'a(?=b)'}\n  condition: s\n", 4), "regular expression"));
    CHECK(strstr(refusal(HEAD "  s: {f|cidr: 'a'}\n  condition: s\n", 4), "network"));
    CHECK(strstr(refusal(HEAD "  s: {f|base64: 'a*'}\n  condition: s\n", 4), "wildcards"));
    CHECK(strstr(refusal("title: t\ndetection: {s: {f: x}, condition: s}\n", 1), "logsource"));
    CHECK(strstr(refusal("logsource: {}\ndetection: {}\n", 1), "title"));
    CHECK(strstr(refusal("title: t\nlevel: red\nlogsource: {}\n", 2), "level"));
    CHECK(strstr(refusal("title: [", 2), "parsing"));
    CHECK(strstr(refusal("", 1), "empty"));
    CHECK(strstr(refusal("title: t\ncorrelation: {type: event_count}\n", 2), "names the rules"));
    CHECK(strstr(refusal("title: t\naction: global\ndetection: {}\n", 1), "no longer Sigma"));
}

TEST(two_rules_with_one_id_are_not_both_loaded)
{
    struct arena *mem = arena_new(1 << 24);
    struct ruleset_report report;
    struct ruleset *ruleset = load(HEAD "  s: {f: x}\n  condition: s\nid: a\n---\n" HEAD
                                        "  s: {f: x}\n  condition: s\nid: a\n",
                                   mem, &report);
    CHECK(report.loaded == 1 && report.refused.count == 1 && report.rules == 2);
    ruleset_free(ruleset);
    arena_free(mem);
}

TEST(a_damaged_bundle_is_told_from_a_bad_rule)
{
    struct arena *mem = arena_new(1 << 24);
    struct ruleset_report report;
    struct ruleset *ruleset;
    struct why why = {0};
    CHECK(ruleset_load(STR("\x01\0\0\0\x05\0\0\0ab"), mem, &ruleset, &report, &why) == ERR_CORRUPT);
    CHECK(ruleset_load(STR("abc"), mem, &ruleset, &report, &why) == ERR_CORRUPT);
    CHECK(ruleset_load(STR(""), mem, &ruleset, &report, &why) == OK);
    ruleset_free(ruleset);
    arena_free(mem);
}
