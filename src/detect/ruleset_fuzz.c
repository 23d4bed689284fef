/* A rule text, a NUL, and an event's record: loading ends in a report that accounts for every
 * document, judging in alerts.  A second rule asks the condition reader alone. */

#include "detect/detect.h"

#include <stdlib.h>

#include "base/limits.h"
#include "event/builder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

static void event_judge(const struct ruleset *ruleset, struct str record, struct arena *mem)
{
    static const char *const names[] = {"f", "g", "CommandLine", "cs-uri-query"};
    struct builder *builder = builder_new((struct client_id){2}, (struct source_id){3});
    struct why why = {0};
    struct str bytes;
    struct batch batch;
    struct alerts alerts;
    if (builder != NULL && builder_begin(builder, record, (struct wall){0}) == OK) {
        struct str rest = record;
        for (size_t i = 0; i < 32 && rest.size > 0; i++) {
            struct str word = str_cut(&rest, ' ');
            builder_span(builder, str_from(names[i % 4]), (size_t)(word.data - record.data),
                         word.size, (enum span_how)(i % SPAN_HOW_COUNT));
        }
        builder_class(builder, STR("c/p/s"));
        if (builder_end(builder) != OK || builder_finish(builder, &bytes) != OK ||
            batch_check(bytes, mem, &batch, &why) != OK ||
            judge_once(ruleset, &batch, mem, &alerts) != OK) {
            abort();
        }
    }
    builder_free(builder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str record = str_of(data, size);
    struct str text = str_cut(&record, '\0');
    struct buf bundle;
    struct buf wrapped;
    struct arena *mem = arena_new((size_t)1 << 28);
    struct ruleset *ruleset = NULL;
    struct ruleset_report report;
    struct why why = {0};
    buf_init(&bundle, (size_t)RULES_SIZE_MAX);
    buf_init(&wrapped, (size_t)RULES_SIZE_MAX);
    if (mem != NULL && size < 65536 && ruleset_pack(&bundle, STR("a.yml"), text) == OK &&
        buf_print(&wrapped,
                  "title: w\nlogsource: {}\ndetection:\n  f: {f: 1}\n  g: {g: 2}\n"
                  "  condition: >\n    %.*s\n",
                  STR_ARG(text)) == OK &&
        ruleset_pack(&bundle, STR("b.yml"), buf_str(&wrapped)) == OK &&
        ruleset_load(buf_str(&bundle), mem, &ruleset, &report, &why) == OK) {
        if (report.files != 2 || report.loaded < ruleset_rules(ruleset) ||
            report.loaded > ruleset_rules(ruleset) + report.filters) {
            abort();
        }
        event_judge(ruleset, record, mem);
    }
    ruleset_free(ruleset);
    ruleset = NULL;
    if (mem != NULL && ruleset_load(str_of(data, size), mem, &ruleset, &report, &why) == OK) {
        ruleset_free(ruleset);
    }
    buf_done(&bundle);
    buf_done(&wrapped);
    arena_free(mem);
    return 0;
}
