/* All of SigmaHQ's rules, and the events that were derived from them: whether every rule loads or
 * is listed, and fires on exactly what it should. */

#include "detect/detect.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "codec/json.h"
#include "codec/json_text.h"
#include "event/builder.h"
#include "testing/testing.h"

static struct buf bundle;

static int file_pack(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)walk;
    if (kind == FTW_F && str_ends(str_from(path), STR(".yml"))) {
        size_t size;
        char *text = testing_read(path, &size);
        CHECK(ruleset_pack(&bundle, str_from(path), str_of(text, size)) == OK);
        free(text);
    }
    return 0;
}

/* Folders of SigmaHQ and one text of our own, if any, compiled in a new arena; skips the test where
 * the rules are not here. */
static struct ruleset *folders_load(const char *const *folders, struct str more,
                                    struct arena **ret_mem, struct ruleset_report *ret)
{
    struct ruleset *ruleset;
    struct why why = {0};
    if (testing_data() == NULL) {
        testing_skip("the SigmaHQ rules are not here");
    }
    struct arena *mem = arena_new((size_t)1 << 28);
    buf_init(&bundle, (size_t)RULES_SIZE_MAX);
    for (size_t i = 0; folders[i] != NULL; i++) {
        char path[4096];
        CHECK(snprintf(path, sizeof path, "%s/sigma/%s", testing_data(), folders[i]) > 0);
        CHECK(nftw(path, file_pack, 16, FTW_PHYS) == 0);
    }
    if (more.size > 0) {
        CHECK(ruleset_pack(&bundle, STR("more.yml"), more) == OK);
    }
    CHECK(ruleset_load(buf_str(&bundle), mem, &ruleset, ret, &why) == OK);
    buf_done(&bundle);
    *ret_mem = mem;
    return ruleset;
}

static const char *const active[] = {"rules",
                                     "rules-compliance",
                                     "rules-emerging-threats",
                                     "rules-placeholder",
                                     "rules-threat-hunting",
                                     NULL};

static struct ruleset *sigmahq(struct arena **ret_mem, struct ruleset_report *ret)
{
    return folders_load(active, (struct str){0}, ret_mem, ret);
}

TEST(every_rule_of_sigmahq_loads_or_is_listed_with_its_reason)
{
    struct arena *mem;
    struct ruleset_report report;
    struct ruleset *ruleset = sigmahq(&mem, &report);
    for (size_t i = 0; i < report.refused.count; i++) {
        printf("refused: %.*s:%u: %.*s\n", STR_ARG(report.refused.list[i].file),
               report.refused.list[i].line, STR_ARG(report.refused.list[i].reason));
    }
    printf("%zu files, %zu rules, %zu loaded, %zu refused, %zu need values\n", report.files,
           report.rules, report.loaded, report.refused.count, report.needs_values.count);
    CHECK(report.rules == 3780);
    CHECK(report.loaded + report.refused.count == report.rules);
    CHECK(report.needs_values.count == 25);
    CHECK(report.refused.count == 0);
    ruleset_free(ruleset);
    arena_free(mem);
}

TEST(the_placeholders_of_sigmahq_are_named_and_can_be_given)
{
    struct arena *mem;
    struct ruleset_report report;
    struct buf pipeline;
    struct map seen;
    struct ruleset *ruleset = sigmahq(&mem, &report);
    buf_init(&pipeline, 1 << 20);
    map_init(&seen, 1000, 1);
    CHECK(buf_append(&pipeline, STR("vars:\n")) == OK);
    for (size_t i = 0; i < report.needs_values.count; i++) {
        struct str rest = report.needs_values.list[i].reason;
        while (rest.size > 0) {
            struct str name = str_trim(str_cut(&rest, ','));
            uint64_t known;
            if (!map_get(&seen, name, &known)) {
                CHECK(buf_print(&pipeline, "  %.*s: [one, two*]\n", STR_ARG(name)) == OK);
                CHECK(map_put(&seen, name, 1) == OK);
            }
        }
    }
    printf("%zu rules wait for %zu placeholders\n", report.needs_values.count, seen.count);
    CHECK(buf_append(&pipeline, STR("transformations: [{type: value_placeholders}]\n")) == OK);
    ruleset_free(ruleset);
    arena_free(mem);
    ruleset = folders_load(active, buf_str(&pipeline), &mem, &report);
    CHECK(report.pipelines == 1 && report.loaded == 3780);
    CHECK(report.refused.count == 0 && report.needs_values.count == 0);
    ruleset_free(ruleset);
    arena_free(mem);
    map_done(&seen);
    buf_done(&pipeline);
}

TEST(rules_that_sigmahq_gave_up_are_loaded_or_refused)
{
    static const char *const folders[] = {"deprecated", "unsupported", NULL};
    struct arena *mem;
    struct ruleset_report report;
    struct ruleset *ruleset = folders_load(folders, (struct str){0}, &mem, &report);
    struct map reasons;
    map_init(&reasons, 1000, 1);
    for (size_t i = 0; i < report.refused.count; i++) {
        struct str reason = str_slice(report.refused.list[i].reason, 0, 40);
        uint64_t count = 0;
        (void)map_get(&reasons, reason, &count);
        CHECK(map_put(&reasons, reason, count + 1) == OK);
    }
    printf("%zu given up: %zu loaded, %zu refused\n", report.rules, report.loaded,
           report.refused.count);
    size_t cursor = 0;
    struct str reason;
    uint64_t count;
    while (map_next(&reasons, &cursor, &reason, &count)) {
        printf("%5llu %.*s\n", (unsigned long long)count, STR_ARG(reason));
    }
    CHECK(report.rules > 200 && report.loaded > 150);
    map_done(&reasons);
    ruleset_free(ruleset);
    arena_free(mem);
}

enum change {
    CHANGE_NONE,
    CHANGE_CUT,
    CHANGE_BEHEADED,
    CHANGE_DOUBLED,
    CHANGE_MIDDLE,
    CHANGE_COUNT
};

/* One line of rule-derived-events.jsonl. */
struct derived {
    struct judge *judge;
    struct builder *builder;
    struct arena *mem;
    struct str line;
    struct str rule_id, category, product, service, kind;
    bool expected;
    enum change change; /* made to every value */
};

/* A value that is not the rule's, but near it. */
static struct str changed(struct derived *derived, struct str value)
{
    struct str text = value;
    char *out = arena_take(derived->mem, 2 * value.size + 1);
    CHECK(out != NULL);
    if (value.size > 0) {
        memcpy(out, value.data, value.size);
    }
    switch (derived->change) {
    case CHANGE_CUT:
        return str_slice(value, 0, value.size - (value.size > 0));
    case CHANGE_BEHEADED:
        return str_slice(value, 1, value.size);
    case CHANGE_DOUBLED:
        if (value.size > 0) {
            memcpy(out + value.size, value.data, value.size);
        }
        return str_of(out, 2 * value.size);
    case CHANGE_MIDDLE:
        if (value.size > 0) {
            out[value.size / 2] = '\x01';
        }
        return str_of(out, value.size);
    default:
        return text;
    }
}

static void part_take(void *context, struct str path, size_t offset, size_t size,
                      enum json_kind kind)
{
    struct derived *derived = context;
    struct str value = str_slice(derived->line, offset, size);
    const struct {
        struct str path;
        struct str *to;
    } parts[] = {
        {STR("rule_id"), &derived->rule_id},
        {STR("logsource.category"), &derived->category},
        {STR("logsource.product"), &derived->product},
        {STR("logsource.service"), &derived->service},
        {STR("kind"), &derived->kind},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (str_equal(path, parts[i].path) && kind == JSON_STRING) {
            *parts[i].to = value;
        }
    }
    if (str_equal(path, STR("expected"))) {
        derived->expected = str_equal(value, STR("true"));
    }
}

static void raw_take(void *context, struct str path, size_t offset, size_t size,
                     enum json_kind kind)
{
    struct derived *derived = context;
    if (str_equal(path, STR("event._raw")) && kind != JSON_NULL) {
        struct str text;
        CHECK(json_unescape(str_slice(derived->line, offset, size), derived->mem, &text) == OK);
        CHECK(builder_begin(derived->builder, text, (struct wall){0}) == OK);
    }
}

static void field_take(void *context, struct str path, size_t offset, size_t size,
                       enum json_kind kind)
{
    struct derived *derived = context;
    if (!str_starts(path, STR("event.")) || str_equal(path, STR("event._raw"))) {
        return;
    }
    struct str name = str_slice(path, 6, path.size);
    if (kind == JSON_NULL) {
        builder_span(derived->builder, name, 0, 0, SPAN_JSON_NULL);
        return;
    }
    struct str text = str_slice(derived->line, offset, size);
    if (kind == JSON_STRING) {
        CHECK(json_unescape(text, derived->mem, &text) == OK);
    }
    builder_derive(derived->builder, name, changed(derived, text));
}

/* The line's event as a batch. */
static void derived_batch(struct derived *derived, struct batch *ret)
{
    struct why why = {0};
    struct str bytes;
    struct str class;
    builder_reset(derived->builder);
    arena_reset(derived->mem);
    derived->category = derived->product = derived->service = (struct str){0};
    CHECK(json_walk(derived->line, part_take, derived, &why) == OK);
    if (str_find(derived->line, STR("\"_raw\"")) != STR_NONE) {
        CHECK(json_walk(derived->line, raw_take, derived, &why) == OK);
    } else {
        CHECK(builder_begin(derived->builder, STR(""), (struct wall){0}) == OK);
    }
    CHECK(json_walk(derived->line, field_take, derived, &why) == OK);
    CHECK(arena_print(derived->mem, &class, "%.*s/%.*s/%.*s", STR_ARG(derived->category),
                      STR_ARG(derived->product), STR_ARG(derived->service)) == OK);
    builder_class(derived->builder, class);
    CHECK(builder_end(derived->builder) == OK);
    CHECK(builder_finish(derived->builder, &bytes) == OK);
    CHECK(batch_check(bytes, derived->mem, ret, &why) == OK);
}

/* Whether the line's rule fires on its event. */
static bool derived_fires(struct derived *derived)
{
    struct batch batch;
    struct verdicts verdicts;
    derived_batch(derived, &batch);
    CHECK(judge_batch(derived->judge, &batch, derived->mem, &verdicts) == OK);
    struct alerts alerts = verdicts.alerts;
    for (size_t i = 0; i < alerts.count; i++) {
        if (str_equal(alerts.list[i].rule_id, derived->rule_id)) {
            return true;
        }
    }
    return false;
}

TEST(rules_fire_on_the_events_derived_from_them_and_on_no_others)
{
    struct arena *mem;
    struct ruleset_report report;
    struct ruleset *ruleset = sigmahq(&mem, &report);
    char path[4096];
    size_t size;
    CHECK(snprintf(path, sizeof path, "%s/sigma/rule-derived-events.jsonl", testing_data()) > 0);
    char *data = testing_read(path, &size);
    struct str rest = str_of(data, size);
    struct derived derived = {
        .builder = builder_new((struct client_id){2}, (struct source_id){3}),
        .mem = arena_new((size_t)1 << 26),
    };
    CHECK(judge_new(ruleset, &derived.judge) == OK);
    size_t lines = 0;
    size_t agree = 0;
    double begun = testing_cpu();
    while (rest.size > 0) {
        derived.line = str_cut(&rest, '\n');
        if (derived.line.size == 0) {
            continue;
        }
        lines++;
        if (derived_fires(&derived) == derived.expected) {
            agree++;
        } else {
            printf("differs: expected %d: %.*s\n", derived.expected,
                   STR_ARG(str_slice(derived.line, 0, 1500)));
        }
    }
    printf("%zu of %zu agree, %.2f s\n", agree, lines, testing_cpu() - begun);
    CHECK(lines == 8263);
    CHECK(agree == lines);
    builder_free(derived.builder);
    arena_free(derived.mem);
    judge_free(derived.judge);
    ruleset_free(ruleset);
    arena_free(mem);
    free(data);
}

static void alerts_equal(const struct alerts *a, const struct alerts *b)
{
    CHECK(a->count == b->count);
    for (size_t i = 0; i < a->count; i++) {
        CHECK(str_equal(a->list[i].rule_id, b->list[i].rule_id));
        CHECK(a->list[i].place.sequence == b->list[i].place.sequence);
    }
}

/* The same set, written down and read back. */
static struct ruleset *reread(const struct ruleset *ruleset, struct arena *mem,
                              const struct ruleset_report *report)
{
    struct buf bytes;
    struct ruleset *again;
    struct ruleset_report report_again;
    struct why why = {0};
    buf_init(&bytes, (size_t)1 << 30);
    CHECK(ruleset_encode(ruleset, &bytes) == OK);
    double begun = testing_cpu();
    CHECK(ruleset_decode(buf_str(&bytes), mem, &again, &report_again, &why) == OK);
    printf("%zu bytes, read back in %.3f s\n", bytes.size, testing_cpu() - begun);
    CHECK(report_again.loaded == report->loaded);
    CHECK(report_again.needs_values.count == report->needs_values.count);
    CHECK(str_equal(ruleset_hash(again), ruleset_hash(ruleset)));
    for (size_t cut = 0; cut < bytes.size; cut += bytes.size / 50 + 1) {
        struct ruleset *none;
        enum err err =
            ruleset_decode(str_slice(buf_str(&bytes), 0, cut), mem, &none, &report_again, &why);
        CHECK(err == ERR_CORRUPT || err == ERR_UNSUPPORTED);
    }
    buf_done(&bytes);
    return again;
}

TEST(guards_hide_no_rule_and_a_cached_set_judges_the_same)
{
    struct arena *mem;
    struct ruleset_report report;
    struct ruleset *ruleset = sigmahq(&mem, &report);
    struct ruleset *again = reread(ruleset, mem, &report);
    struct judge *all;
    struct judge *cached;
    char path[4096];
    size_t size;
    CHECK(snprintf(path, sizeof path, "%s/sigma/rule-derived-events.jsonl", testing_data()) > 0);
    char *data = testing_read(path, &size);
    struct derived derived = {
        .builder = builder_new((struct client_id){2}, (struct source_id){3}),
        .mem = arena_new((size_t)1 << 26),
    };
    CHECK(judge_new(ruleset, &derived.judge) == OK);
    CHECK(judge_new(ruleset, &all) == OK);
    CHECK(judge_new(again, &cached) == OK);
    judge_exhaustively(all);
    size_t events = 0;
    size_t alerts = 0;
    for (enum change change = CHANGE_NONE; change < CHANGE_COUNT; change++) {
        struct str rest = str_of(data, size);
        derived.change = change;
        while (rest.size > 0) {
            struct batch batch;
            struct verdicts verdicts[3];
            derived.line = str_cut(&rest, '\n');
            if (derived.line.size == 0) {
                continue;
            }
            derived_batch(&derived, &batch);
            CHECK(judge_batch(all, &batch, derived.mem, &verdicts[0]) == OK);
            CHECK(judge_batch(derived.judge, &batch, derived.mem, &verdicts[1]) == OK);
            CHECK(judge_batch(cached, &batch, derived.mem, &verdicts[2]) == OK);
            alerts_equal(&verdicts[0].alerts, &verdicts[1].alerts);
            alerts_equal(&verdicts[0].alerts, &verdicts[2].alerts);
            alerts += verdicts[0].alerts.count;
            events++;
        }
    }
    printf("%zu events, %zu alerts, with and without guards\n", events, alerts);
    CHECK(alerts > events / 4);
    builder_free(derived.builder);
    arena_free(derived.mem);
    judge_free(derived.judge);
    judge_free(all);
    judge_free(cached);
    ruleset_free(again);
    ruleset_free(ruleset);
    arena_free(mem);
    free(data);
}
