/* All of SigmaHQ's rules, and the events that were derived from them: whether every rule loads or
 * is listed, and fires on exactly what it should. */

#include "detect/detect.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
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

/* The whole of SigmaHQ, compiled in a new arena; skips the test where the rules are not here. */
static struct ruleset *sigmahq(struct arena **ret_mem, struct ruleset_report *ret)
{
    static const char *const folders[] = {"rules", "rules-compliance", "rules-emerging-threats",
                                          "rules-placeholder", "rules-threat-hunting"};
    struct ruleset *ruleset;
    struct why why = {0};
    if (testing_data() == NULL) {
        testing_skip("the SigmaHQ rules are not here");
    }
    struct arena *mem = arena_new((size_t)1 << 28);
    buf_init(&bundle, (size_t)RULES_SIZE_MAX);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char path[4096];
        CHECK(snprintf(path, sizeof path, "%s/sigma/%s", testing_data(), folders[i]) > 0);
        CHECK(nftw(path, file_pack, 16, FTW_PHYS) == 0);
    }
    CHECK(ruleset_load(buf_str(&bundle), mem, &ruleset, ret, &why) == OK);
    buf_done(&bundle);
    *ret_mem = mem;
    return ruleset;
}

TEST(every_rule_of_sigmahq_loads_or_is_listed_with_its_reason)
{
    struct arena *mem;
    struct ruleset_report report;
    struct ruleset *ruleset = sigmahq(&mem, &report);
    for (size_t i = 0; i < report.refused_count; i++) {
        printf("refused: %.*s:%u: %.*s\n", STR_ARG(report.refused[i].file), report.refused[i].line,
               STR_ARG(report.refused[i].reason));
    }
    printf("%zu files, %zu rules, %zu loaded, %zu refused, %zu need values\n", report.files,
           report.rules, report.loaded, report.refused_count, report.needs_values_count);
    CHECK(report.rules == 3780);
    CHECK(report.loaded + report.refused_count + report.needs_values_count == report.rules);
    CHECK(report.needs_values_count == 25);
    CHECK(report.refused_count == 0);
    ruleset_free(ruleset);
    arena_free(mem);
}

/* One line of rule-derived-events.jsonl. */
struct derived {
    struct builder *builder;
    struct arena *mem;
    struct str line;
    struct str rule_id, category, product, service, kind;
    bool expected;
};

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
    builder_derive(derived->builder, name, text);
}

/* Whether the line's rule fires on its event. */
static bool derived_fires(const struct ruleset *ruleset, struct derived *derived)
{
    struct why why = {0};
    struct str bytes;
    struct str class;
    struct batch batch;
    struct alerts alerts;
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
    CHECK(batch_check(bytes, derived->mem, &batch, &why) == OK);
    CHECK(ruleset_judge(ruleset, &batch, derived->mem, &alerts) == OK);
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
    size_t lines = 0;
    size_t agree = 0;
    clock_t begun = clock();
    while (rest.size > 0) {
        derived.line = str_cut(&rest, '\n');
        if (derived.line.size == 0) {
            continue;
        }
        lines++;
        if (derived_fires(ruleset, &derived) == derived.expected) {
            agree++;
        } else {
            printf("differs: expected %d: %.*s\n", derived.expected,
                   STR_ARG(str_slice(derived.line, 0, 1500)));
        }
    }
    printf("%zu of %zu agree, %.2f s\n", agree, lines, (double)(clock() - begun) / CLOCKS_PER_SEC);
    CHECK(lines == 8263);
    CHECK(agree == lines);
    builder_free(derived.builder);
    arena_free(derived.mem);
    ruleset_free(ruleset);
    arena_free(mem);
    free(data);
}
