/*
 * Windows event XML against the rules that its authors give it for: the parser's names and values
 * are those that rules ask for.
 *
 * The authors' own program does not look at a rule's log source (one says "security" and means the
 * channel OAlerts), so the class of an event is here that of the rule; which class a channel has is
 * the subject of others.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "codec/json.h"
#include "codec/yaml.h"
#include "detect/detect.h"
#include "event/builder.h"
#include "parse/parse.h"
#include "testing/testing.h"

static char *sample_read(struct str name, size_t *ret_size)
{
    char path[1024];
    CHECK(snprintf(path, sizeof path, "%s/windows-evtx/hayabusa-rule-samples/%.*s", testing_data(),
                   STR_ARG(name)) < (int)sizeof path);
    return testing_read(path, ret_size);
}

/* Whether the judge raises an alert for one event of such a class. */
static bool event_fires(struct judge *judge, struct str class, struct str text, struct arena *mem)
{
    const struct parse_context context = {.received = {1795000000 * NS_PER_SECOND}};
    const struct parser *parser;
    struct builder *builder = builder_new((struct client_id){2}, (struct source_id){3});
    struct str bytes;
    struct batch batch;
    struct event event;
    struct verdicts verdicts;
    CHECK(parser_find(STR("auto"), &parser) == OK);
    CHECK(builder_begin(builder, text, context.received) == OK);
    parse_record(parser, &context, builder);
    builder_class(builder, class);
    CHECK(builder_end(builder) == OK);
    CHECK(builder_finish(builder, &bytes) == OK);
    CHECK(batch_check(bytes, mem, &batch, NULL) == OK);
    batch_event(&batch, 0, &event);
    CHECK(str_equal(event.parser, STR("winxml")) && event.error.size == 0);
    CHECK(wall_known(event.happened));
    CHECK(judge_batch(judge, &batch, mem, &verdicts) == OK);
    builder_free(builder);
    return verdicts.alerts.count > 0;
}

/* How many of a row's events raise its rule's alert; *ret_events: of how many. */
static size_t row_judge(const struct yaml_node *row, size_t *ret_events)
{
    struct arena *mem = arena_new((size_t)1 << 28);
    struct rule_problem none = {0};
    struct ruleset_report report;
    struct ruleset *ruleset;
    struct judge *judge;
    struct rule_summary rule;
    struct str class;
    struct why why = {0};
    struct buf bundle;
    size_t size, fired = 0;
    struct str name = yaml_get(row, STR("rule"))->text;
    char *text = sample_read(name, &size);
    buf_init(&bundle, 1 << 20);
    CHECK(ruleset_pack(&bundle, name, str_of(text, size)) == OK);
    CHECK(ruleset_load(buf_str(&bundle), mem, &ruleset, &report, &why) == OK);
    free(text);
    if (report.loaded != 1) {
        struct rule_problem why_not = report.refused.count > 0 ? report.refused.list[0] : none;
        printf("%.*s: not loaded: %.*s\n", STR_ARG(name), STR_ARG(why_not.reason));
    }
    CHECK(report.loaded == 1);
    CHECK(judge_new(ruleset, &judge) == OK);
    ruleset_rule(ruleset, 0, &rule);
    CHECK(arena_print(mem, &class, "%.*s/%.*s/%.*s", STR_ARG(rule.category), STR_ARG(rule.product),
                      STR_ARG(rule.service)) == OK);
    const struct yaml_node *events = yaml_get(row, STR("events"));
    for (const struct yaml_node *event = events->first; event != NULL; event = event->next) {
        text = sample_read(event->text, &size);
        bool fires = event_fires(judge, class, str_of(text, size), mem);
        if (!fires) {
            printf("%.*s does not raise %.*s\n", STR_ARG(event->text), STR_ARG(name));
        }
        fired += fires;
        free(text);
    }
    *ret_events += events->count;
    judge_free(judge);
    ruleset_free(ruleset);
    buf_done(&bundle);
    arena_free(mem);
    return fired;
}

TEST(every_sample_event_raises_the_rule_that_it_is_the_sample_of)
{
    size_t size, rules = 0, events = 0, fired = 0;
    if (testing_data() == NULL) {
        testing_skip("the samples are not here");
    }
    char *index = sample_read(STR("index.jsonl"), &size);
    struct str rest = str_of(index, size);
    struct arena *mem = arena_new(1 << 24);
    while (rest.size > 0) {
        struct yaml_node *row;
        CHECK(json_parse(str_cut(&rest, '\n'), mem, &row, NULL) == OK);
        fired += row_judge(row, &events);
        rules++;
    }
    printf("%zu rules, %zu events, %zu raise theirs\n", rules, events, fired);
    CHECK(rules == 40 && fired == events);
    arena_free(mem);
    free(index);
}
