/* Published correlations over recorded attacks (README of the test data), each archive or file by
 * itself, in the order of time:
 *
 *     sigma-correlations/bench over the archives of OTRF.  Which records fit which SigmaHQ rule is
 *     taken from expected-detections.jsonl, so that what is measured is the correlator.
 *
 *     mdecrevoisier's and Hayabusa's over evtx-to-mitre-attack, as its reference decoded it, rules
 *     and all. */

#include "detect/correlator.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "codec/json.h"
#include "codec/time.h"
#include "codec/yaml.h"
#include "detect/correlator_private.h"
#include "event/builder.h"
#include "testing/testing.h"

#define COMMAND        "python3 '%s/tests/truth/otrf_sightings.py' '%s' '%s'"
#define SIZE_MAX_USUAL ((size_t)256 * 1024 * 1024)

struct truth {
    struct arena *mem;
    struct ruleset *ruleset;
    struct str rows; /* what otrf_sightings.py wrote */
};

/* The correlations, over stand-ins for the rules that they name. */
static void rules_load(struct truth *truth)
{
    struct buf bundle;
    struct ruleset_report report;
    char path[4096];
    size_t size;
    (void)snprintf(path, sizeof path, "%s/sigma-correlations/bench/rules.yml", testing_data());
    char *text = testing_read(path, &size);
    struct yaml_node *document = NULL;
    struct map ids;
    map_init(&ids, 10000, 1);
    buf_init(&bundle, (size_t)RULES_SIZE_MAX);
    CHECK(yaml_parse(str_of(text, size), truth->mem, &document, NULL) == OK);
    CHECK(ruleset_pack(&bundle, STR("bench.yml"), str_of(text, size)) == OK);
    for (; document != NULL; document = document->next) {
        const struct yaml_node *rules =
            yaml_get(yaml_get(document, STR("correlation")), STR("rules"));
        for (const struct yaml_node *rule = rules->first; rule != NULL; rule = rule->next) {
            uint64_t other;
            struct str stand_in;
            if (map_get(&ids, rule->text, &other) || str_starts(rule->text, STR("corr_"))) {
                continue;
            }
            CHECK(map_put(&ids, rule->text, 1) == OK);
            CHECK(arena_print(truth->mem, &stand_in,
                              "title: r\nid: %.*s\nlogsource: {product: windows}\n"
                              "detection: {s: {f: x}, condition: s}\n",
                              STR_ARG(rule->text)) == OK);
            CHECK(ruleset_pack(&bundle, rule->text, stand_in) == OK);
        }
    }
    CHECK(ruleset_load(buf_str(&bundle), truth->mem, &truth->ruleset, &report, NULL) == OK);
    CHECK(report.correlations == 20 && report.refused.count == 0);
    map_done(&ids);
    buf_done(&bundle);
    free(text);
}

static struct str value_of(const struct yaml_node *event, const struct asked *asked)
{
    for (size_t i = 0; i < asked->names_count; i++) {
        const struct yaml_node *node = yaml_get(event, asked->names[i]);
        if (node != NULL && !yaml_is_null(node)) {
            return node->text;
        }
    }
    return (struct str){0};
}

static void record_feed(const struct truth *truth, struct correlator *correlator,
                        const struct yaml_node *row, struct buf *alerts)
{
    const struct yaml_node *event = yaml_get(row, STR("event"));
    struct sighting sighting = {0};
    struct buf values;
    int64_t line;
    size_t index;
    CHECK(yaml_int(yaml_get(row, STR("line")), &line) == OK);
    CHECK(time_parse(yaml_get(row, STR("time"))->text, &sighting.at) == OK);
    CHECK(ruleset_find(truth->ruleset, yaml_get(row, STR("rule"))->text, &index) == OK);
    const struct rule *rule = rule_at(truth->ruleset, index);
    sighting.rule = (uint32_t)index;
    sighting.place.sequence = (uint64_t)line;
    buf_init(&values, 1 << 20);
    for (uint32_t i = 0; i < rule->asked_count; i++) {
        struct str value = value_of(event, &rule->asked[i]);
        CHECK(values_add(&values, value.data == NULL, value) == OK);
    }
    sighting.values = buf_str(&values);
    CHECK(correlator_feed(correlator, &sighting, truth->mem, alerts) == OK);
    buf_done(&values);
}

/* Whether the first alert of a correlation for the row's group lies where it should, if any. */
static bool row_agrees(const struct truth *truth, const struct yaml_node *row,
                       const struct buf *alerts)
{
    size_t index;
    int64_t line = 0;
    struct wall wanted = WALL_NONE;
    bool fires;
    CHECK(yaml_bool(yaml_get(row, STR("fires")), &fires) == OK);
    CHECK(ruleset_find(truth->ruleset, yaml_get(row, STR("correlation"))->text, &index) == OK);
    if (fires) {
        CHECK(yaml_int(yaml_get(row, STR("first_fire_line")), &line) == OK);
        CHECK(time_parse(yaml_get(row, STR("first_fire_time"))->text, &wanted) == OK);
    }
    for (size_t i = 0; i < alerts->size / sizeof(struct alert); i++) {
        const struct alert *alert = (const struct alert *)(const void *)alerts->data + i;
        struct yaml_node *group;
        bool same = str_equal(alert->rule_id, rule_at(truth->ruleset, index)->id);
        CHECK(json_parse(alert->group, truth->mem, &group, NULL) == OK);
        for (const struct yaml_node *field = yaml_get(row, STR("group"))->first;
             field != NULL && same; field = field->next) {
            const struct yaml_node *value = yaml_get(group, field->key->text);
            same = value != NULL && yaml_is_null(value) == yaml_is_null(field) &&
                   str_equal(value->text, field->text);
        }
        if (same) {
            return fires && alert->place.sequence == (uint64_t)line &&
                   alert->happened.ns == wanted.ns;
        }
    }
    return !fires;
}

TEST(correlations_over_recorded_attacks_fire_where_they_should)
{
    struct truth truth = {0};
    struct correlator *correlator = NULL;
    struct buf alerts;
    char command[16384];
    char path[4096];
    size_t size;
    size_t rows[2] = {0};
    size_t wrong = 0;
    if (testing_data() == NULL || system("python3 -c '' 2>/dev/null") != 0) {
        testing_skip("the OTRF archives, or python3, are not here");
    }
    (void)snprintf(path, sizeof path, "%s/rows", testing_folder());
    (void)snprintf(command, sizeof command, COMMAND, testing_root(), testing_data(), path);
    CHECK(system(command) == 0);
    char *text = testing_read(path, &size);
    truth.mem = arena_new((size_t)1 << 29);
    buf_init(&alerts, 1 << 28);
    rules_load(&truth);
    for (struct str rest = str_of(text, size); rest.size > 0;) {
        struct str line = str_cut(&rest, '\n');
        struct yaml_node *row;
        CHECK(json_parse(line, truth.mem, &row, NULL) == OK);
        if (yaml_get(row, STR("archive")) == NULL) {
            record_feed(&truth, correlator, row, &alerts);
        } else if (yaml_get(row, STR("correlation")) == NULL) {
            correlator_free(correlator);
            CHECK(correlator_new(truth.ruleset, SIZE_MAX_USUAL, &correlator) == OK);
            buf_reset(&alerts);
        } else {
            bool firm = str_equal(yaml_get(row, STR("status"))->text, STR("firm"));
            bool agrees = row_agrees(&truth, row, &alerts);
            rows[firm]++;
            wrong += !agrees;
            if (!agrees) {
                printf("%.*s\n", STR_ARG(line));
            }
        }
    }
    printf("correlations: %zu firm rows and %zu others, %zu differ\n", rows[1], rows[0], wrong);
    CHECK(rows[1] == 323 && rows[0] == 7 && wrong == 0);
    correlator_free(correlator);
    ruleset_free(truth.ruleset);
    buf_done(&alerts);
    arena_free(truth.mem);
    free(text);
}

/* ---- evtx-to-mitre-attack. */

static struct buf published;

static int file_pack(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)walk;
    if (kind == FTW_F &&
        (str_ends(str_from(path), STR(".yml")) || str_ends(str_from(path), STR(".yaml")))) {
        size_t size;
        char *text = testing_read(path, &size);
        CHECK(ruleset_pack(&published, str_from(path), str_of(text, size)) == OK);
        free(text);
    }
    return 0;
}

static void published_load(struct truth *truth)
{
    static const char *const folders[] = {"mdecrevoisier", "hayabusa"};
    struct ruleset_report report;
    buf_init(&published, (size_t)RULES_SIZE_MAX);
    for (size_t i = 0; i < 2; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/sigma-correlations/%s", testing_data(), folders[i]);
        CHECK(nftw(path, file_pack, 16, FTW_PHYS) == 0);
    }
    CHECK(ruleset_load(buf_str(&published), truth->mem, &truth->ruleset, &report, NULL) == OK);
    for (size_t i = 0; i < report.refused.count; i++) {
        printf("%.*s:%u: %.*s\n", STR_ARG(report.refused.list[i].file), report.refused.list[i].line,
               STR_ARG(report.refused.list[i].reason));
    }
    CHECK(report.correlations == 17 && report.refused.count == 0);
    buf_done(&published);
}

/* One record through the judge, and what it saw through the correlator. */
static void evtx_feed(struct judge *judge, struct correlator *correlator, struct builder *builder,
                      const struct yaml_node *row, struct arena *turn, struct buf *alerts)
{
    struct str bytes;
    struct batch batch;
    struct verdicts verdicts;
    struct wall at;
    CHECK(time_parse(yaml_get(row, STR("time"))->text, &at) == OK);
    builder_reset(builder);
    CHECK(builder_begin(builder, STR("x"), (struct wall){0}) == OK);
    builder_happened(builder, at);
    for (const struct yaml_node *field = yaml_get(row, STR("event"))->first; field != NULL;
         field = field->next) {
        if (!yaml_is_null(field)) {
            builder_derive(builder, field->key->text, field->text);
        }
    }
    CHECK(builder_end(builder) == OK && builder_finish(builder, &bytes) == OK);
    CHECK(batch_check(bytes, turn, &batch, NULL) == OK);
    CHECK(judge_batch(judge, &batch, turn, &verdicts) == OK);
    for (size_t i = 0; i < verdicts.sightings.count; i++) {
        CHECK(correlator_feed(correlator, &verdicts.sightings.list[i], turn, alerts) == OK);
    }
}

static bool evtx_agrees(const struct yaml_node *row, const struct buf *alerts, struct arena *mem)
{
    bool fires;
    bool fired = false;
    CHECK(yaml_bool(yaml_get(row, STR("fires")), &fires) == OK);
    for (size_t i = 0; i < alerts->size / sizeof(struct alert); i++) {
        const struct alert *alert = (const struct alert *)(const void *)alerts->data + i;
        struct yaml_node *group;
        bool same = str_equal(alert->rule_title, yaml_get(row, STR("correlation_title"))->text);
        CHECK(json_parse(alert->group, mem, &group, NULL) == OK);
        for (const struct yaml_node *field = yaml_get(row, STR("group"))->first;
             field != NULL && same; field = field->next) {
            const struct yaml_node *value = yaml_get(group, field->key->text);
            same = value != NULL && str_equal(value->text, field->text);
        }
        fired = fired || same;
    }
    return fired == fires;
}

TEST(published_correlations_over_event_logs_fire_where_they_should)
{
    struct truth truth = {0};
    struct correlator *correlator = NULL;
    struct judge *judge;
    struct buf alerts;
    char command[16384];
    char path[4096];
    size_t size, rows = 0, wrong = 0, fired = 0;
    if (testing_data() == NULL || system("python3 -c '' 2>/dev/null") != 0) {
        testing_skip("the event logs, or python3, are not here");
    }
    (void)snprintf(path, sizeof path, "%s/records", testing_folder());
    (void)snprintf(command, sizeof command, "python3 '%s/tests/truth/evtx_records.py' '%s' '%s'",
                   testing_root(), testing_data(), path);
    CHECK(system(command) == 0);
    char *text = testing_read(path, &size);
    truth.mem = arena_new((size_t)1 << 29);
    buf_init(&alerts, 1 << 28);
    published_load(&truth);
    CHECK(judge_new(truth.ruleset, &judge) == OK);
    struct builder *builder = builder_new((struct client_id){1}, (struct source_id){1});
    for (struct str rest = str_of(text, size); rest.size > 0;) {
        struct yaml_node *row;
        CHECK(json_parse(str_cut(&rest, '\n'), truth.mem, &row, NULL) == OK);
        if (yaml_get(row, STR("event")) != NULL) {
            evtx_feed(judge, correlator, builder, row, truth.mem, &alerts);
        } else if (yaml_get(row, STR("fires")) != NULL) {
            rows++;
            bool agrees = evtx_agrees(row, &alerts, truth.mem);
            wrong += !agrees;
            if (!agrees) {
                printf("differs: %.*s\n", STR_ARG(yaml_get(row, STR("evtx"))->text));
            }
        } else {
            fired += alerts.size / sizeof(struct alert);
            correlator_free(correlator);
            CHECK(correlator_new(truth.ruleset, SIZE_MAX_USUAL, &correlator) == OK);
            buf_reset(&alerts);
        }
    }
    printf("event logs: %zu groups, %zu differ; %zu alerts\n", rows, wrong, fired);
    CHECK(rows == 17 && wrong == 0);
    correlator_free(correlator);
    judge_free(judge);
    builder_free(builder);
    ruleset_free(truth.ruleset);
    buf_done(&alerts);
    arena_free(truth.mem);
    free(text);
}
