/* Pipelines and filters over a few rules: whatever they hold, every document is accounted for, and
 * what is left of the rules can be judged by. */

#include "detect/detect.h"

#include <stdlib.h>

#include "base/limits.h"
#include "event/builder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char rules[] =
    "title: t\nid: one\nname: first\nlevel: high\ntags: [attack.t1]\n"
    "logsource: {product: x, category: c}\ndetection:\n"
    "  s: {f|endswith: '\\a.exe', g: [null, b, 7], h|fieldref: f}\n"
    "  k: [word, {i|windash|contains: ' -x '}]\n  p: {j|contains|expand: '%names%'}\n"
    "  condition: s and not k or p\n---\n"
    "title: u\nid: two\nlogsource: {service: y}\ndetection:\n"
    "  s: {f|base64offset|contains: word}\n  condition: 1 of them\n";

static void event_judge(const struct ruleset *ruleset, struct arena *mem)
{
    struct builder *builder = builder_new((struct client_id){2}, (struct source_id){3});
    struct judge *judge = NULL;
    struct verdicts verdicts;
    struct str bytes;
    struct batch batch;
    struct why why = {0};
    if (builder != NULL && builder_begin(builder, STR("a word"), (struct wall){0}) == OK) {
        builder_derive(builder, STR("f"), STR("C:\\a.exe"));
        builder_derive(builder, STR("g"), STR("b"));
        builder_derive(builder, STR("j"), STR("adm"));
        builder_class(builder, STR("c/x/y"));
        if (builder_end(builder) != OK || builder_finish(builder, &bytes) != OK ||
            batch_check(bytes, mem, &batch, &why) != OK || judge_new(ruleset, &judge) != OK ||
            judge_batch(judge, &batch, mem, &verdicts) != OK) {
            abort();
        }
    }
    judge_free(judge);
    builder_free(builder);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf bundle;
    struct arena *mem = arena_new((size_t)1 << 28);
    struct ruleset *ruleset = NULL;
    struct ruleset_report report;
    struct why why = {0};
    buf_init(&bundle, (size_t)RULES_SIZE_MAX);
    if (mem != NULL && size < 65536 &&
        ruleset_pack(&bundle, STR("p.yml"), str_of(data, size)) == OK &&
        ruleset_pack(&bundle, STR("r.yml"), str_from(rules)) == OK &&
        ruleset_load(buf_str(&bundle), mem, &ruleset, &report, &why) == OK) {
        if (report.files != 2 || report.rules < 2 || report.loaded < ruleset_rules(ruleset) ||
            report.loaded > ruleset_rules(ruleset) + report.filters) {
            abort();
        }
        event_judge(ruleset, mem);
    }
    ruleset_free(ruleset);
    buf_done(&bundle);
    arena_free(mem);
    return 0;
}
