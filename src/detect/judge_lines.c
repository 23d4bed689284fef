/* judge_lines [RULES] < LINES: of each line its class, "NUMBER = CLASS", then the rules that fire,
 * one "NUMBER ID" a line.
 *
 * RULES is a file of rule texts, a NUL behind each; a line is {"class": C, "raw": R, "event": {…}};
 * without a class the engine decides it.  The other side of naive_pairs.py.
 *
 * Fields are looked for under the names that rules write, and under no others: what else they are
 * called is data (mapping/) with a test of its own, so this program has a field_names of its own in
 * place of detect/fields.c. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "codec/json.h"
#include "codec/json_text.h"
#include "detect/private.h"
#include "event/builder.h"

struct line {
    struct str text;
    struct str class, raw;
    struct builder *builder;
    struct logsources *logsources;
    struct arena *mem;
};

enum err field_names(struct logsource logsource, struct str field, struct arena *mem,
                     struct str ret[FIELD_NAMES_MAX], size_t *ret_count)
{
    (void)logsource;
    (void)mem;
    ret[0] = field;
    *ret_count = 1;
    return OK;
}

static void must(bool holds, const char *what)
{
    if (!holds) {
        (void)fprintf(stderr, "judge_lines: %s\n", what);
        exit(2);
    }
}

static void head_take(void *context, struct str path, size_t offset, size_t size,
                      enum json_kind kind)
{
    struct line *line = context;
    struct str *to = str_equal(path, STR("class")) ? &line->class
                     : str_equal(path, STR("raw")) ? &line->raw
                                                   : NULL;
    if (to != NULL && kind == JSON_STRING) {
        must(json_unescape(str_slice(line->text, offset, size), line->mem, to) == OK, "escapes");
    }
}

static void field_take(void *context, struct str path, size_t offset, size_t size,
                       enum json_kind kind)
{
    struct line *line = context;
    struct str text = str_slice(line->text, offset, size);
    if (!str_starts(path, STR("event."))) {
        return;
    }
    struct str name = str_slice(path, 6, path.size);
    if (kind == JSON_NULL) {
        builder_span(line->builder, name, 0, 0, SPAN_JSON_NULL);
        return;
    }
    if (kind == JSON_STRING) {
        must(json_unescape(text, line->mem, &text) == OK, "escapes");
    }
    builder_derive(line->builder, name, text);
}

static void line_judge(struct line *line, struct judge *judge, unsigned long number)
{
    struct why why = {0};
    struct str bytes = {0};
    struct batch batch;
    struct event event;
    struct verdicts verdicts = {0};
    line->class = line->raw = (struct str){0};
    builder_reset(line->builder);
    must(json_walk(line->text, head_take, line, &why) == OK, "not JSON");
    must(builder_begin(line->builder, line->raw, (struct wall){0}) == OK, "memory");
    must(json_walk(line->text, field_take, line, &why) == OK, "not JSON");
    builder_class(line->builder, line->class);
    must(builder_end(line->builder) == OK && builder_finish(line->builder, &bytes) == OK, "event");
    must(batch_check(bytes, line->mem, &batch, &why) == OK, "batch");
    must(logsources_batch(line->logsources, &batch) == OK, "memory");
    batch_event(&batch, 0, &event);
    (void)printf("%lu = %.*s\n", number, STR_ARG(logsource_decide(line->logsources, &event)));
    if (judge != NULL) {
        must(judge_batch(judge, &batch, line->mem, &verdicts) == OK, "judging");
    }
    for (size_t i = 0; i < verdicts.alerts.count; i++) {
        (void)printf("%lu %.*s\n", number, STR_ARG(verdicts.alerts.list[i].rule_id));
    }
}

static struct ruleset *rules_load(const char *path, struct arena *mem)
{
    struct buf text;
    struct buf bundle;
    struct ruleset *ruleset;
    struct ruleset_report report;
    struct why why = {0};
    FILE *file = fopen(path, "rb");
    must(file != NULL, "the rules cannot be read");
    buf_init(&text, (size_t)RULES_SIZE_MAX);
    buf_init(&bundle, (size_t)RULES_SIZE_MAX);
    char part[65536];
    for (size_t size; (size = fread(part, 1, sizeof part, file)) > 0;) {
        must(buf_append(&text, str_of(part, size)) == OK, "too many rules");
    }
    (void)fclose(file);
    struct str rest = buf_str(&text);
    while (rest.size > 0) {
        must(ruleset_pack(&bundle, STR("rule.yml"), str_cut(&rest, '\0')) == OK, "a rule's size");
    }
    must(ruleset_load(buf_str(&bundle), mem, &ruleset, &report, &why) == OK, "the rules");
    (void)fprintf(stderr, "%zu rules loaded, %zu refused\n", report.loaded, report.refused.count);
    buf_done(&text);
    buf_done(&bundle);
    return ruleset;
}

int main(int argc, char **argv)
{
    must(argc <= 2, "usage: judge_lines [RULES] < LINES");
    struct arena *mem = arena_new((size_t)1 << 28);
    struct ruleset *ruleset = argc == 2 ? rules_load(argv[1], mem) : NULL;
    struct judge *judge = NULL;
    struct line line = {.builder = builder_new((struct client_id){2}, (struct source_id){3}),
                        .mem = arena_new((size_t)1 << 26)};
    must(ruleset == NULL || judge_new(ruleset, &judge) == OK, "memory");
    must(line.builder != NULL && logsources_new(&line.logsources) == OK, "memory");
    char *text = NULL;
    size_t capacity = 0;
    unsigned long number = 0;
    for (ssize_t size; (size = getline(&text, &capacity, stdin)) > 0; number++) {
        line.text = str_trim(str_of(text, (size_t)size));
        arena_reset(line.mem);
        line_judge(&line, judge, number);
    }
    free(text);
    judge_free(judge);
    ruleset_free(ruleset);
    logsources_free(line.logsources);
    builder_free(line.builder);
    arena_free(line.mem);
    arena_free(mem);
    return 0;
}
