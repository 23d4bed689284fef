/* Filters, pipelines and placeholders: whole bundles of several files over one event each. */

#include "detect/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "event/builder.h"
#include "testing/testing.h"

static struct arena *mem;
static struct ruleset *ruleset;
static struct ruleset_report report;

static void done(void)
{
    ruleset_free(ruleset);
    arena_free(mem);
    ruleset = NULL;
    mem = NULL;
}

/* Loads up to three texts as files of one bundle. */
static void load(const char *first, const char *second, const char *third)
{
    const char *const texts[] = {first, second, third};
    struct buf bundle;
    struct why why = {0};
    done();
    mem = arena_new(1 << 26);
    buf_init(&bundle, (size_t)RULES_SIZE_MAX);
    for (size_t i = 0; i < 3 && texts[i] != NULL; i++) {
        char path[] = {(char)('a' + i), '\0'};
        CHECK(ruleset_pack(&bundle, str_from(path), str_from(texts[i])) == OK);
    }
    CHECK(ruleset_load(buf_str(&bundle), mem, &ruleset, &report, &why) == OK);
    buf_done(&bundle);
}

/* How many rules fire on an event of one class: lines of name=value. */
static size_t fired(const char *class, const char *event, const struct lists *lists)
{
    struct builder *builder = builder_new((struct client_id){7}, (struct source_id){9});
    struct str rest = str_from(event);
    struct str bytes;
    struct batch batch;
    struct judge *judge;
    struct verdicts verdicts;
    CHECK(builder_begin(builder, STR(""), (struct wall){5}) == OK);
    while (rest.size > 0) {
        struct str line = str_cut(&rest, '\n');
        struct str name = str_cut(&line, '=');
        builder_derive(builder, name, line);
    }
    builder_class(builder, str_from(class));
    CHECK(builder_end(builder) == OK && builder_finish(builder, &bytes) == OK);
    CHECK(batch_check(bytes, mem, &batch, NULL) == OK);
    CHECK(judge_new(ruleset, &judge) == OK);
    judge_for(judge, lists, NULL);
    CHECK(judge_batch(judge, &batch, mem, &verdicts) == OK);
    judge_free(judge);
    builder_free(builder);
    return verdicts.alerts.count;
}

static bool refusal_is(size_t index, const char *file, uint32_t line, const char *reason)
{
    if (index >= report.refused.count) {
        return false;
    }
    const struct rule_problem *problem = &report.refused.list[index];
    bool is = str_equal(problem->file, str_from(file)) && problem->line == line &&
              str_find(problem->reason, str_from(reason)) != STR_NONE;
    if (!is) {
        printf("%.*s:%u: %.*s\n", STR_ARG(problem->file), problem->line, STR_ARG(problem->reason));
    }
    return is;
}

#define RULE                                                                  \
    "title: t\nid: one\nname: first\nlevel: high\ntags: [attack.t1, own.x]\n" \
    "logsource: {product: x, category: c}\ndetection:\n  s: {f: 1}\n  condition: s\n"
#define FILTER(source, rules, condition)                                                     \
    "title: f\nlogsource: " source "\nfilter:\n  rules: " rules "\n  s: {g|startswith: a}\n" \
    "  condition: " condition "\n"

TEST(a_filter_is_joined_by_and_to_the_rules_that_it_names)
{
    static const char *const names[] = {"[one]", "one", "[first]", "any", "ALL", "[]"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char text[400];
        CHECK(snprintf(text, sizeof text, FILTER("{product: X}", "%s", "not s"), names[i]) > 0);
        load(text, RULE, NULL);
        CHECK(report.filters == 1 && report.loaded == 2 && report.refused.count == 0);
        CHECK(fired("c/x/", "f=1\ng=b", NULL) == 1);
        CHECK(fired("c/x/", "f=1", NULL) == 1);
        CHECK(fired("c/x/", "f=1\ng=adm", NULL) == 0);
    }
    /* As the specification's own sample is written, it demands instead of excluding. */
    load(RULE, FILTER("{}", "one", "s"), NULL);
    CHECK(fired("c/x/", "f=1\ng=adm", NULL) == 1 && fired("c/x/", "f=1\ng=b", NULL) == 0);
    /* The rule's conditions together, not the last of them. */
    load("title: t\nid: one\nlogsource: {product: x}\ndetection:\n  s: {f: 1}\n  t: {f: 2}\n"
         "  condition: [s, t]\n",
         FILTER("{}", "one", "not s"), FILTER("{}", "any", "not 1 of them"));
    CHECK(report.loaded == 3);
    CHECK(fired("c/x/", "f=1\ng=adm", NULL) == 0 && fired("c/x/", "f=2\ng=b", NULL) == 1);
    done();
}

TEST(a_filter_that_finds_no_rule_is_refused)
{
    load(RULE, FILTER("{}", "[one, two]", "not s"), NULL);
    CHECK(report.loaded == 2 && report.refused.count == 1);
    CHECK(refusal_is(0, "b", 4, "names 'two', which is no rule"));
    load(RULE, FILTER("{service: y}", "[one]", "not s"), FILTER("{product: y}", "any", "not s"));
    CHECK(report.loaded == 1 && report.refused.count == 2);
    CHECK(refusal_is(0, "b", 4, "log source is not that of rule 'one'"));
    CHECK(refusal_is(1, "c", 4, "no rule has the filter's log source"));
    load(FILTER("{}", "one", "not t"), RULE, FILTER("{}", "{a: b}", "not s"));
    CHECK(report.loaded == 1 && report.refused.count == 2);
    CHECK(refusal_is(0, "a", 6, "no search of the rule has this name"));
    CHECK(refusal_is(1, "c", 4, "ids or names"));
    load("title: f\n\"fi\\x6cter\": {rules: any, s: {f: 1}, condition: s}\n", RULE, NULL);
    CHECK(report.loaded == 1 && refusal_is(0, "a", 1, "plainly"));
    done();
}

#define PIPE(text) "name: p\npriority: 10\ntransformations:\n" text

TEST(pipelines_map_fields)
{
    load(RULE, PIPE("- {type: field_name_mapping, mapping: {f: h, z: [q, r]}}\n"), NULL);
    CHECK(report.pipelines == 1 && report.loaded == 1 && report.refused.count == 0);
    CHECK(fired("c/x/", "h=1", NULL) == 1 && fired("c/x/", "f=1", NULL) == 0);
    load(RULE,
         PIPE("- {type: field_name_mapping, mapping: {f: [h, i]}}\n"
              "- {type: field_name_prefix, prefix: 'w.'}\n"
              "- {type: field_name_suffix, suffix: .k}\n"),
         NULL);
    CHECK(fired("c/x/", "w.i.k=1", NULL) == 1 && fired("c/x/", "i=1", NULL) == 0);
    load(RULE, PIPE("- {type: field_name_prefix_mapping, mapping: {f: [g, k.]}}\n"), NULL);
    CHECK(fired("c/x/", "k.=1", NULL) == 1 && fired("c/x/", "g=1", NULL) == 1);
    /* In order of priority, not of their place. */
    load("priority: 20\ntransformations:\n- {type: field_name_mapping, mapping: {h: i}}\n", RULE,
         PIPE("- {type: field_name_mapping, mapping: {f: h}}\n"));
    CHECK(fired("c/x/", "i=1", NULL) == 1);
    load("title: t\nid: k\nlogsource: {}\ndetection:\n  s: [word]\n  r: {a|fieldref: b}\n"
         "  condition: s and r\n",
         PIPE("- {type: field_name_mapping, mapping: {~: m, b: [c, d]}}\n"), NULL);
    CHECK(fired("c/x/", "m=a word\na=1\nd=1", NULL) == 1);
    CHECK(fired("c/x/", "n=a word\na=1\nd=1", NULL) == 0);
    CHECK(fired("c/x/", "m=a word\na=1\nb=1", NULL) == 0);
    done();
}

TEST(filters_pass_through_the_pipelines_of_their_rules)
{
    load(PIPE("- {type: field_name_mapping, mapping: {f: h, g: k}}\n"),
         FILTER("{}", "one", "not s"), RULE);
    CHECK(report.loaded == 2);
    CHECK(fired("c/x/", "h=1\nk=adm", NULL) == 0 && fired("c/x/", "h=1\ng=adm", NULL) == 1);
    done();
}

/* Whether `f` becomes `h` in the rule under the conditions. */
static bool mapped(const char *conditions)
{
    char text[800];
    CHECK(snprintf(text, sizeof text,
                   PIPE("- {type: set_state, key: k, val: v, id: i1}\n"
                        "- type: field_name_mapping\n  mapping: {f: h}\n%s"),
                   conditions) < (int)sizeof text);
    load(RULE, text, NULL);
    if (report.refused.count > 0) {
        printf("%s: %.*s\n", conditions, STR_ARG(report.refused.list[0].reason));
    }
    CHECK(report.loaded == 1 && report.refused.count == 0);
    return fired("c/x/", "h=1", NULL) == 1;
}

TEST(transformations_are_applied_when_their_conditions_hold)
{
    static const struct {
        const char *condition;
        bool holds;
    } rows[] = {
        {"type: logsource, product: x", true},
        {"type: logsource, product: x, service: y", false},
        {"type: contains_field, field: f", true},
        {"type: contains_field, field: g", false},
        {"type: contains_detection_item, field: f, value: 1", true},
        {"type: contains_detection_item, field: f, value: 2", false},
        {"type: is_sigma_rule", true},
        {"type: is_sigma_correlation_rule", false},
        {"type: tag, tag: own.x", true},
        {"type: tag, tag: own", false},
        {"type: rule_attribute, attribute: level, value: medium, op: gt", true},
        {"type: rule_attribute, attribute: level, value: high, op: lt", false},
        {"type: rule_attribute, attribute: title, value: t", true},
        {"type: rule_attribute, attribute: tags, value: own.x, op: in", true},
        {"type: rule_attribute, attribute: nothing, value: 1", false},
        {"type: processing_item_applied, processing_item_id: i1", true},
        {"type: processing_item_applied, processing_item_id: i2", false},
        {"type: processing_state, key: k, val: v", true},
        {"type: processing_state, key: k, val: w", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[400];
        CHECK(snprintf(text, sizeof text, "  rule_conditions: [{%s}]\n", rows[i].condition) > 0);
        CHECK(mapped(text) == rows[i].holds);
        CHECK(snprintf(text, sizeof text, "  rule_conditions: {c: {%s}}\n  rule_cond_not: true\n",
                       rows[i].condition) > 0);
        CHECK(mapped(text) != rows[i].holds);
        CHECK(snprintf(text, sizeof text,
                       "  rule_conditions: [{type: tag, tag: no}, {%s}]\n  rule_cond_op: or\n",
                       rows[i].condition) > 0);
        CHECK(mapped(text) == rows[i].holds);
    }
    CHECK(mapped("  field_name_conditions: [{type: include_fields, fields: [f]}]\n"));
    CHECK(!mapped("  field_name_conditions: [{type: include_fields, fields: [g]}]\n"));
    CHECK(mapped("  field_name_conditions: [{type: include_fields, fields: '[e-g]', mode: re}]\n"));
    CHECK(!mapped("  field_name_conditions: [{type: exclude_fields, fields: [f]}]\n"));
    CHECK(mapped("  detection_item_conditions: [{type: match_string, cond: any, pattern: '1'}]\n"
                 "  detection_item_cond_not: true\n"));
    CHECK(!mapped("  detection_item_conditions: [{type: is_null, cond: all}]\n"));
    CHECK(!mapped("  detection_item_conditions: [{type: contains_wildcard, cond: any}]\n"));
    done();
}

TEST(pipelines_change_values_and_log_sources)
{
    const char *rule = "title: t\nid: one\nlogsource: {product: x}\ndetection:\n"
                       "  s: {f|endswith: '\\a.exe', g: [null, b, 7]}\n  condition: s\n";
    load(rule,
         PIPE("- {type: replace_string, regex: '^\\*\\\\(\\w+)', replacement: 'C:\\\\\\1'}\n"),
         NULL);
    CHECK(report.refused.count == 0 && fired("/x/", "f=C:\\a.exe\ng=b", NULL) == 1);
    CHECK(fired("/x/", "f=D:\\a.exe\ng=b", NULL) == 0);
    load(rule, PIPE("- {type: replace_string, regex: a, replacement: z, skip_special: true}\n"),
         NULL);
    CHECK(fired("/x/", "f=D:\\z.exe\ng=b", NULL) == 1);
    load(rule, PIPE("- {type: map_string, mapping: {b: [c, 'd*']}}\n"), NULL);
    CHECK(fired("/x/", "f=\\a.exe\ng=dd", NULL) == 1 && fired("/x/", "f=\\a.exe\ng=b", NULL) == 0);
    load(rule,
         PIPE("- type: set_value\n  value: v\n  field_name_conditions:\n"
              "  - {type: include_fields, fields: [g]}\n"),
         NULL);
    CHECK(fired("/x/", "f=\\a.exe\ng=v", NULL) == 1);
    load(rule,
         PIPE("- type: drop_detection_item\n  field_name_conditions:\n"
              "  - {type: include_fields, fields: [g]}\n"),
         NULL);
    CHECK(fired("/x/", "f=\\a.exe\ng=no", NULL) == 1);
    load(rule, PIPE("- {type: drop_detection_item}\n"), NULL);
    CHECK(report.loaded == 0 && refusal_is(0, "a", 1, "leave nothing"));
    load(rule, PIPE("- {type: change_logsource, category: new}\n"), NULL);
    CHECK(fired("new//", "f=\\a.exe\ng=b", NULL) == 1 && fired("/x/", "f=\\a.exe\ng=b", NULL) == 0);
    load(rule,
         PIPE("- {type: add_condition, conditions: {i: 'p-${product}-*', j: [k, l]}, "
              "template: true}\n"),
         NULL);
    CHECK(fired("/x/", "f=\\a.exe\ng=b\ni=p-x-1\nj=l", NULL) == 1);
    CHECK(fired("/x/", "f=\\a.exe\ng=b\ni=p-y-1\nj=l", NULL) == 0);
    load(rule, PIPE("- {type: add_condition, conditions: {i: 1}, negated: true}\n"), NULL);
    CHECK(fired("/x/", "f=\\a.exe\ng=b", NULL) == 1 &&
          fired("/x/", "f=\\a.exe\ng=b\ni=1", NULL) == 0);
    done();
}

TEST(a_search_that_pipelines_emptied_is_passed_over)
{
    load("title: t\nid: one\nlogsource: {}\ndetection:\n  s: {f: 1}\n  t: [{g: 2}, {g: 3, h: 4}]\n"
         "  condition: s and not t\n",
         PIPE("- type: drop_detection_item\n  field_name_conditions:\n"
              "  - {type: include_fields, fields: [g]}\n"),
         NULL);
    CHECK(fired("c/x/", "f=1\ng=2", NULL) == 1 && fired("c/x/", "f=1\nh=4", NULL) == 0);
    load("title: t\nid: one\nlogsource: {}\ndetection:\n  s: {f: 1}\n  t: {g: 2}\n"
         "  condition: s or t\n",
         PIPE("- type: drop_detection_item\n  field_name_conditions:\n"
              "  - {type: include_fields, fields: [g]}\n"),
         NULL);
    CHECK(fired("c/x/", "f=1", NULL) == 1 && fired("c/x/", "f=2", NULL) == 0);
    done();
}

TEST(failures_refuse_the_rule_and_mistakes_the_pipeline)
{
    static const struct {
        const char *text;
        uint32_t line;
        const char *reason;
    } rows[] = {
        {"transformations:\n- {type: field_name_maping, mapping: {a: b}}\n", 2, "is 'field_name_"},
        {"transformations:\n- {type: query_expression_placeholders}\n", 2, "another system's"},
        {"transformations:\n- {type: nest, items: []}\n", 2, "unknown transformation 'nest'"},
        {"transformations:\n- type: rule_failure\n  message: m\n  rule_condition: []\n", 4,
         "'rule_condition' is not read"},
        {"transformations:\n- type: rule_failure\n  rule_conditions:\n  - {type: odd}\n", 4,
         "unknown condition 'odd'"},
        {"transformations:\n- type: rule_failure\n  rule_conditions:\n  - {type: is_null}\n", 4,
         "unknown condition 'is_null' among rule_conditions"},
        {"transformations:\n- {type: replace_string, regex: '('}\n", 2, "regular expression"},
        {"transformations:\n- {type: field_name_mapping}\n", 2, "'mapping' must be"},
        {"transformations:\n- {type: field_name_mapping, mapping: {a: []}}\n", 2, "to nothing"},
        {"transformations: {}\n", 1, "must be a list"},
        {"vars: {a: []}\ntransformations: []\n", 1, "1 to 100000 values"},
        {"var: {a: b}\ntransformations: []\n", 1, "'var' is not read"},
        {"priority: high\ntransformations: []\n", 1, "whole number"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        load(rows[i].text, RULE, NULL);
        CHECK(report.loaded == 1 && report.refused.count == 1 && report.pipelines == 1);
        CHECK(refusal_is(0, "a", rows[i].line, rows[i].reason));
        CHECK(fired("c/x/", "f=1", NULL) == 1);
    }
    load(RULE, PIPE("- {type: rule_failure, message: not here}\n"), NULL);
    CHECK(report.loaded == 0 && refusal_is(0, "a", 1, "b: not here"));
    load(RULE, PIPE("- {type: detection_item_failure, message: not that}\n"), NULL);
    CHECK(report.loaded == 0 && refusal_is(0, "a", 8, "b: not that"));
    load(RULE, PIPE("- {type: replace_string, regex: '(1|a+)+$', replacement: x}\n"),
         "title: u\nid: two\nlogsource: {}\ndetection:\n  s: {f: "
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab}\n  condition: s\n");
    CHECK(report.loaded == 1 && refusal_is(0, "c", 5, "takes too long"));
    load(RULE,
         "postprocessing: [{type: embed}]\nfinalizers: [{type: concat}]\n"
         "transformations: [{type: add_field, field: a}, {type: convert_type, "
         "target_type: str}]\n",
         NULL);
    CHECK(report.loaded == 1 && report.refused.count == 0);
    done();
}

#define WAITING(item) \
    "title: t\nid: one\nlogsource: {}\ndetection:\n  s: {" item "}\n  condition: s\n"

TEST(placeholders_get_their_values_from_a_pipeline)
{
    const char *pipe = "vars: {names: [adm_*, 'C:\\', 50%x%], one: z, nets: 10.0.0.0/8}\n"
                       "transformations: [{type: value_placeholders}]\n";
    static const struct {
        const char *rule;
        const char *event;
        bool fires;
    } rows[] = {
        {WAITING("f|expand: '%names%'"), "f=ADM_me", true},
        {WAITING("f|expand: '%names%'"), "f=50%x%", true},
        {WAITING("f|expand: '%names%\\*'"), "f=C:\\*", true},
        {WAITING("f|expand: 'a-%one%-%names%'"), "f=a-z-adm_x", true},
        {WAITING("f|expand: 'a-%one%-%names%'"), "f=a-z", false},
        {WAITING("f|expand: '%names%*'"), "f=C:\\x", true},
        {WAITING("f|contains|expand: '%one%'"), "f=xzx", true},
        {WAITING("f|expand|contains|all: ['%one%', b]"), "f=bz", true},
        {WAITING("f|expand|contains|all: ['%one%', b]"), "f=b", false},
        {WAITING("f|cidr|expand: '%nets%'"), "f=10.1.2.3", true},
        {WAITING("f|base64|expand: '%one%'"), "f=eg==", true},
        {WAITING("f|re|expand: '^a%one%$'"), "f=az", true},
        {WAITING("f|gt|expand: '%five%'"), "f=az", false},
        {WAITING("'|expand': '%one%'"), "f=a z b", true},
        {WAITING("f: '%one%'"), "f=%one%", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        load(rows[i].rule, pipe, NULL);
        CHECK(report.refused.count == 0);
        CHECK((fired("c/x/", rows[i].event, NULL) == 1) == rows[i].fires);
        CHECK(report.needs_values.count == (strstr(rows[i].rule, "five") != NULL));
    }
    load(WAITING("f|expand: 'a%one%b'"), PIPE("- {type: wildcard_placeholders}\n"), NULL);
    CHECK(fired("c/x/", "f=a12b", NULL) == 1 && report.needs_values.count == 0);
    load(WAITING("f|expand: '%one%'"),
         "vars: {one: z}\ntransformations: [{type: value_placeholders, exclude: [one]}]\n", NULL);
    CHECK(report.needs_values.count == 1);
    done();
}

TEST(placeholders_are_left_to_the_lists_of_whoever_judges)
{
    const struct str names[] = {STR("adm_*"), STR("root")};
    const struct str nets[] = {STR("192.0.2.0/24")};
    const struct value_list values[] = {{STR("admins"), names, 2}, {STR("nets"), nets, 1}};
    struct lists *lists;
    CHECK(lists_new(values, 2, &lists) == OK);
    load(WAITING("f|expand: '%Admins%'"), NULL, NULL);
    CHECK(report.loaded == 1 && report.refused.count == 0 && report.needs_values.count == 1);
    CHECK(str_equal(report.needs_values.list[0].reason, STR("Admins")));
    CHECK(fired("c/x/", "f=ROOT", lists) == 1 && fired("c/x/", "f=ROOT", NULL) == 0);
    CHECK(fired("c/x/", "f=a root", lists) == 0);
    load(WAITING("f|contains|expand: '%admins%'"), NULL, NULL);
    CHECK(fired("c/x/", "f=a root b", lists) == 1);
    load(WAITING("f|cidr|expand: '%nets%'"), NULL, NULL);
    CHECK(fired("c/x/", "f=192.0.2.9", lists) == 1 && fired("c/x/", "f=192.0.3.9", lists) == 0);
    /* Also where the condition denies it: without the list nobody can say. */
    load("title: t\nid: one\nlogsource: {}\ndetection:\n  s: {f: 1}\n  n: {g|expand: '%admins%'}\n"
         "  condition: s and not n\n",
         NULL, NULL);
    CHECK(fired("c/x/", "f=1\ng=x", NULL) == 0 && fired("c/x/", "f=1\ng=x", lists) == 1);
    /* A value that is more than its placeholder waits for a pipeline. */
    load(WAITING("f|expand: 'a%admins%b', g|windash|expand: '%nets%'"), NULL, NULL);
    CHECK(report.loaded == 1 && report.refused.count == 0 && report.needs_values.count == 1);
    CHECK(str_equal(report.needs_values.list[0].reason, STR("admins, nets")));
    CHECK(fired("c/x/", "f=arootb\ng=192.0.2.0/24", lists) == 0);
    done();
    lists_free(lists);
}

TEST(values_without_end_are_refused)
{
    struct buf text;
    buf_init(&text, 64 << 20);
    CHECK(buf_append(&text, STR("vars:\n  many:\n")) == OK);
    for (int i = 0; i < 60000; i++) {
        CHECK(buf_print(&text, "  - value-%d\n", i) == OK);
    }
    CHECK(buf_append(&text, STR("transformations: [{type: value_placeholders}]\n")) == OK);
    CHECK(buf_append_byte(&text, '\0') == OK);
    load(WAITING("f|expand: '%many%'"), text.data, NULL);
    CHECK(report.loaded == 1 && fired("c/x/", "f=value-59999", NULL) == 1);
    load(WAITING("f|expand: '%many%%many%'"), text.data, NULL);
    CHECK(report.loaded == 0 && refusal_is(0, "a", 5, "too many values"));
    buf_done(&text);
    done();
}
