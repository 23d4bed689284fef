/* The samples that the Sigma specification gives beside its schemas: each loads, in a set of its
 * own (two share an id), beside stand-ins for the rules that it names. */

#include "detect/detect.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec/yaml.h"
#include "testing/testing.h"

static const char *const samples[] = {
    "correlation/event_count.yml",
    "correlation/event_count_ecs.yml",
    "correlation/temporal.yml",
    "correlation/temporal_ordered.yml",
    "correlation/value_avg.yml",
    "correlation/value_count.yml",
    "correlation/value_percentile.yml",
    "correlation/value_sum.yml",
    "filter/filter_1.yml",
    "filter/filter_ecs.yml",
    "rules/rule_1.yml",
    "rules/rule_ecs.yml",
};

/* A stand-in goes by its name too, and is of the log source that the sample's filter asks for. */
static size_t stand_ins_pack(struct buf *bundle, const struct yaml_node *document,
                             struct arena *mem)
{
    const struct yaml_node *filter = yaml_get(document, STR("filter"));
    const struct yaml_node *rules =
        yaml_get(filter != NULL ? filter : yaml_get(document, STR("correlation")), STR("rules"));
    const struct yaml_node *source = yaml_get(document, STR("logsource"));
    struct str parts[3] = {STR(""), STR(""), STR("")};
    const char *const keys[] = {"category", "product", "service"};
    size_t count = 0;
    for (size_t i = 0; i < 3 && filter != NULL; i++) {
        const struct yaml_node *part = yaml_get(source, str_from(keys[i]));
        parts[i] = part != NULL ? part->text : parts[i];
    }
    for (const struct yaml_node *rule = rules != NULL ? rules->first : NULL; rule != NULL;
         rule = rule->next, count++) {
        struct str text;
        CHECK(arena_print(mem, &text,
                          "title: r\nid: id-%.*s\nname: %.*s\nlogsource: {category: '%.*s', "
                          "product: '%.*s', service: '%.*s'}\n"
                          "detection: {s: {f: x}, condition: s}\n",
                          STR_ARG(rule->text), STR_ARG(rule->text), STR_ARG(parts[0]),
                          STR_ARG(parts[1]), STR_ARG(parts[2])) == OK);
        CHECK(ruleset_pack(bundle, rule->text, text) == OK);
    }
    return count;
}

TEST(every_sample_of_the_specification_loads)
{
    if (testing_data() == NULL) {
        testing_skip("the Sigma specification is not here");
    }
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct arena *mem = arena_new(1 << 24);
        struct yaml_node *document;
        struct ruleset *ruleset;
        struct ruleset_report report;
        struct buf bundle;
        char path[4096];
        size_t size;
        (void)snprintf(path, sizeof path, "%s/sigma-specification/tests/schema/%s", testing_data(),
                       samples[i]);
        char *text = testing_read(path, &size);
        buf_init(&bundle, 1 << 20);
        CHECK(yaml_parse(str_of(text, size), mem, &document, NULL) == OK);
        size_t stand_ins = stand_ins_pack(&bundle, document, mem);
        CHECK(ruleset_pack(&bundle, str_from(samples[i]), str_of(text, size)) == OK);
        CHECK(ruleset_load(buf_str(&bundle), mem, &ruleset, &report, NULL) == OK);
        for (size_t k = 0; k < report.refused.count; k++) {
            printf("%s:%u: %.*s\n", samples[i], report.refused.list[k].line,
                   STR_ARG(report.refused.list[k].reason));
        }
        CHECK(report.refused.count == 0 && report.loaded == stand_ins + 1);
        ruleset_free(ruleset);
        buf_done(&bundle);
        free(text);
        arena_free(mem);
    }
}
