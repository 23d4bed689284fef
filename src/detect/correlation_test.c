/* How correlations are read and joined; what they then see is correlator_test.c's. */

#include "detect/correlation.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "testing/testing.h"

#define BASE                                                                   \
    "title: a\nid: id-a\nname: a\nlogsource: {product: windows}\ndetection:\n" \
    "  s: {f: x}\n  condition: s\n---\n"                                       \
    "title: b\nname: b\nid: id-b\nlogsource: {product: x}\ndetection:\n"       \
    "  s: {f: y}\n  condition: s\n---\n"

struct loaded {
    struct arena *mem;
    struct ruleset *ruleset;
    struct ruleset_report report;
};

static struct loaded load(const char *text)
{
    struct loaded loaded = {.mem = arena_new(1 << 26)};
    struct buf bundle;
    struct why why = {0};
    buf_init(&bundle, (size_t)RULES_SIZE_MAX);
    CHECK(ruleset_pack(&bundle, STR("a.yml"), str_from(text)) == OK);
    CHECK(ruleset_load(buf_str(&bundle), loaded.mem, &loaded.ruleset, &loaded.report, &why) == OK);
    buf_done(&bundle);
    return loaded;
}

static void loaded_done(struct loaded *loaded)
{
    ruleset_free(loaded->ruleset);
    arena_free(loaded->mem);
}

/* The only refusal that BASE and these lines give has these words. */
static bool refused_for(const char *correlation, const char *words)
{
    char text[8192];
    char reason[400];
    CHECK(snprintf(text, sizeof text, BASE "title: c\nid: id-c\ncorrelation:\n%s", correlation) <
          (int)sizeof text);
    struct loaded loaded = load(text);
    CHECK(loaded.report.refused.count == 1);
    CHECK(loaded.report.refused.list[0].line >= 17);
    CHECK(snprintf(reason, sizeof reason, "%.*s", STR_ARG(loaded.report.refused.list[0].reason)) >
          0);
    bool found = strstr(reason, words) != NULL;
    if (!found) {
        printf("%s\n", reason);
    }
    loaded_done(&loaded);
    return found;
}

static const struct rule *rule_of(const struct loaded *loaded, const char *id)
{
    size_t index;
    CHECK(ruleset_find(loaded->ruleset, str_from(id), &index) == OK);
    return rule_at(loaded->ruleset, index);
}

TEST(a_chain_is_joined_in_whatever_order_it_is_written)
{
    struct loaded loaded = load(
        "title: outer\nid: id-outer\nlevel: high\ncorrelation:\n  type: temporal_ordered\n"
        "  rules: [inner, id-b]\n  group-by: [who]\n  timespan: 10m\n"
        "  aliases: {who: {inner: User, b: Account}}\n---\n"
        "title: inner\nid: id-inner\nname: inner\ncorrelation:\n  type: event_count\n"
        "  rules: a\n  group-by: [Computer]\n  timespan: 90s\n  condition: {gte: 3, lt: 7}\n"
        "---\n" BASE "title: z\nlogsource: {product: x}\ndetection: {s: {f: z}, condition: s}\n");
    CHECK(loaded.report.correlations == 2 && loaded.report.loaded == 5);
    CHECK(loaded.report.refused.count == 0);
    const struct rule *a = rule_of(&loaded, "id-a");
    const struct rule *inner = rule_of(&loaded, "inner");
    const struct rule *outer = rule_of(&loaded, "id-outer");
    CHECK(inner->correlation->timespan == 90 * NS_PER_SECOND);
    CHECK(inner->correlation->bounds_count == 2 && outer->correlation->bounds_count == 0);
    CHECK(outer->level == LEVEL_HIGH && inner->level == LEVEL_MEDIUM);
    CHECK(a->feeds && !a->raises && inner->feeds && !inner->raises);
    CHECK(!outer->feeds && outer->raises);
    CHECK(a->asked_count == 2); /* Computer, and User for the outer one */
    CHECK(str_equal(a->asked[0].names[0], STR("Computer")));
    CHECK(str_equal(a->asked[1].names[0], STR("User")));
    CHECK(str_equal(rule_of(&loaded, "id-b")->asked[0].names[0], STR("Account")));
    struct rule_summary summary;
    ruleset_rule(loaded.ruleset, 4, &summary);
    CHECK(summary.kind == ALERT_CORRELATION);
    loaded_done(&loaded);
}

TEST(a_rule_raises_if_one_correlation_over_it_says_generate)
{
    struct loaded loaded = load(BASE "title: c\nid: id-c\ngenerate: true\ncorrelation:\n"
                                     "  {type: temporal, rules: [a, b], timespan: 1m}\n---\n"
                                     "title: d\nid: id-d\ncorrelation:\n"
                                     "  {type: temporal, rules: [a, id-c], timespan: 1m}\n");
    CHECK(loaded.report.refused.count == 0);
    CHECK(rule_of(&loaded, "id-a")->raises && rule_of(&loaded, "id-b")->raises);
    CHECK(!rule_of(&loaded, "id-c")->raises && rule_of(&loaded, "id-d")->raises);
    loaded_done(&loaded);
}

TEST(a_correlation_that_cannot_run_is_refused_with_its_line_and_reason)
{
    CHECK(refused_for("  {type: x, rules: [a], timespan: 1m}\n", "the type is"));
    CHECK(refused_for("  {type: temporal, rules: [], timespan: 1m}\n", "names the rules"));
    CHECK(refused_for("  {type: temporal, rules: [a, b]}\n", "timespan"));
    CHECK(refused_for("  {type: temporal, rules: [a, b], timespan: 10}\n", "one of s m h d"));
    CHECK(refused_for("  {type: temporal, rules: [a, b], timespan: 0s}\n", "one of s m h d"));
    CHECK(refused_for("  {type: temporal, rules: [a, b], timespan: 99999999999999999999d}\n",
                      "timespan of more than"));
    CHECK(refused_for("  {type: event_count, rules: [a], timespan: 1m}\n", "needs a condition"));
    CHECK(refused_for("  {type: event_count, rules: [a], timespan: 1m, condition: {ge: 1}}\n",
                      "not 'ge'"));
    CHECK(refused_for("  {type: event_count, rules: [a], timespan: 1m, condition: {gte: x}}\n",
                      "a number"));
    CHECK(refused_for("  {type: value_count, rules: [a], timespan: 1m, condition: {gte: 1}}\n",
                      "needs a field"));
    CHECK(refused_for(
        "  {type: value_count, rules: [a], timespan: 1m, condition: {field: f, gte: 10000}}\n",
        "different values"));
    CHECK(refused_for("  {type: temporal, rules: [a, zz], timespan: 1m}\n", "no rule 'zz'"));
    CHECK(refused_for("  {type: temporal, rules: [a, id-a], timespan: 1m}\n", "named twice"));
    CHECK(refused_for("  {type: temporal, rules: [a, id-c], timespan: 1m}\n", "circle"));
    CHECK(refused_for("  {type: temporal, rules: [a], timespan: 1m, group-by: [f, f]}\n",
                      "stands twice"));
    CHECK(refused_for("  {type: temporal, rules: [a], timespan: 1m, aliases: {f: g}}\n", "alias"));
    CHECK(refused_for("  {type: hinomi_rate, rules: [a], timespan: 7d}\n", "needs a bucket"));
}

TEST(what_leans_on_a_refused_rule_is_refused_with_it)
{
    struct loaded loaded = load("title: c\nid: id-c\ncorrelation:\n"
                                "  {type: temporal, rules: [d], timespan: 1m}\n---\n"
                                "title: d\nname: d\nid: id-d\ncorrelation:\n"
                                "  {type: temporal, rules: [nobody], timespan: 1m}\n");
    CHECK(loaded.report.loaded == 0 && loaded.report.refused.count == 2);
    CHECK(str_find(loaded.report.refused.list[1].reason, STR("'d', which was refused")) !=
          STR_NONE);
    loaded_done(&loaded);
}

TEST(a_correlation_over_a_hundred_thousand_rules_is_refused)
{
    struct buf text;
    buf_init(&text, 1 << 22);
    CHECK(buf_append(&text,
                     STR("title: c\ncorrelation: {type: temporal, timespan: 1m, rules: [")) == OK);
    for (int i = 0; i < 100000; i++) {
        CHECK(buf_print(&text, "r%d, ", i) == OK);
    }
    CHECK(buf_append(&text, str_of("x]}\n", 5)) == OK);
    struct loaded loaded = load(text.data);
    CHECK(loaded.report.refused.count == 1 && loaded.report.loaded == 0);
    buf_done(&text);
    loaded_done(&loaded);
}

TEST(a_chain_has_a_greatest_depth)
{
    struct buf text;
    buf_init(&text, 1 << 20);
    CHECK(buf_append(&text, STR(BASE)) == OK);
    for (int i = 0; i < 12; i++) {
        CHECK(buf_print(&text,
                        "title: c%d\nid: c%d\ncorrelation:\n"
                        "  {type: temporal, rules: [%s%.0d, b], timespan: 1m}\n---\n",
                        i, i, i == 0 ? "a" : "c", i == 0 ? 0 : i - 1) == OK);
    }
    CHECK(buf_append_byte(&text, '\0') == OK);
    struct loaded loaded = load(text.data);
    CHECK(loaded.report.loaded <= 2 + CHAIN_MAX && loaded.report.refused.count >= 4);
    buf_done(&text);
    loaded_done(&loaded);
}

TEST(a_set_of_correlations_reads_back_from_its_bytes)
{
    struct loaded loaded =
        load(BASE "title: c\nid: id-c\nname: c\ncorrelation:\n  type: value_percentile\n"
                  "  rules: [a, b]\n  group-by: [g, h]\n  timespan: 1M\n"
                  "  condition: {field: n, percentile: 95, gt: 0.5}\n---\n"
                  "title: d\nid: id-d\ncorrelation:\n"
                  "  {type: temporal, rules: [b, c], group-by: [User], timespan: 1m}\n");
    struct loaded other = load(BASE "title: c\nid: id-c\nlogsource: {product: x}\ndetection:\n"
                                    "  {s: {f: y}, condition: s}\n---\n"
                                    "title: d\nid: id-d\nlogsource: {product: x}\ndetection:\n"
                                    "  {s: {f: y}, condition: s}\n");
    struct buf bytes, again;
    buf_init(&bytes, 1 << 20);
    buf_init(&again, 1 << 20);
    CHECK(loaded.report.refused.count == 0);
    CHECK(correlations_encode(loaded.ruleset, &bytes) == OK);
    struct str rest = buf_str(&bytes);
    CHECK(correlations_decode(&rest, other.ruleset) == OK && rest.size == 0);
    CHECK(correlations_encode(other.ruleset, &again) == OK);
    CHECK(str_equal(buf_str(&bytes), buf_str(&again)));
    for (size_t cut = 0; cut < bytes.size; cut++) {
        rest = str_slice(buf_str(&bytes), 0, cut);
        CHECK(correlations_decode(&rest, other.ruleset) == ERR_CORRUPT);
    }
    buf_done(&bytes);
    buf_done(&again);
    loaded_done(&loaded);
    loaded_done(&other);
}

TEST(numbers_are_read_to_the_millionth)
{
    static const struct {
        const char *text;
        int64_t number;
    } good[] = {{"1", 1000000},
                {"-0.5", -500000},
                {"1e3", 1000000000},
                {"1.2345678", 1234567},
                {"25e-2", 250000},
                {".5", 500000},
                {"99999999999999999999", INT64_MAX},
                {"+7.", 7000000},
                {"1e-400", 0},
                {"0e9999", 0},
                {"1e9999", INT64_MAX}};
    static const char *const bad[] = {"", "-", ".", "1x", "0x10", "1e", "e5", "1 2", "1e99999"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t number;
        CHECK(millionths_parse(str_from(good[i].text), &number) && number == good[i].number);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t number;
        CHECK(!millionths_parse(str_from(bad[i]), &number));
    }
}
