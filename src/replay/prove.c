/*
 * Rules on their own proofs, and the gathering of rule files.
 *
 * A proof line is parsed as a record that came over the wire, alone, and judged by its one rule.  A
 * rule without proofs has failed: nobody knows that it works.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "parse/parse.h"
#include "replay/private.h"

#define PROOF_SIZE_MAX (16 * 1024 * 1024)
#define TURN_SIZE_MAX  ((size_t)256 * 1024 * 1024)

struct proving {
    struct wall now;
    void (*tell)(void *context, const struct proof_result *result);
    void *context;
    struct proof_counts counts;
    const struct parser *parser;
    struct builder *builder;
    struct arena *mem;
};

static bool is_rule_file(const char *path)
{
    struct str name = str_from(path);
    return str_ends(name, STR(".yml")) || str_ends(name, STR(".yaml"));
}

static enum err whole_read(const char *path, size_t size_max, struct buf *out, struct why *why)
{
    struct input *input;
    buf_init(out, size_max);
    enum err err = input_open(path, &input, why);
    if (err != OK) {
        return err;
    }
    for (size_t got = 1; err == OK && got > 0;) {
        char chunk[16384];
        err = input_read(input, chunk, sizeof chunk, &got, why);
        err = err == OK ? buf_append(out, str_of(chunk, got)) : err;
        if (err == ERR_LIMIT) {
            err = why_say(why, ERR_LIMIT, 0, "more than %zu bytes", size_max);
        }
    }
    input_close(input);
    return err;
}

/* ---- Gathering. */

struct gathering {
    struct buf *bundle;
    replay_complain *complain;
    void *context;
    size_t complaints;
};

static void gather_complain(void *context, const char *path, const char *reason)
{
    struct gathering *gathering = context;
    gathering->complaints++;
    gathering->complain(gathering->context, path, reason);
}

static enum err gather_any(struct gathering *gathering, const char *path)
{
    struct why why = {0};
    struct buf text;
    enum err err = whole_read(path, YAML_SIZE_MAX, &text, &why);
    if (err == OK) {
        err = ruleset_pack(gathering->bundle, str_from(path), buf_str(&text));
        if (err == ERR_LIMIT) {
            err =
                why_say(&why, err, 0, "the rules have more than %d bytes together", RULES_SIZE_MAX);
        }
    }
    buf_done(&text);
    if (err == OK || err == ERR_MEMORY) {
        return err;
    }
    gather_complain(gathering, path, why_text(&why, err));
    return OK;
}

static enum err gather_file(void *context, const char *path)
{
    return is_rule_file(path) ? gather_any(context, path) : OK;
}

enum err rules_gather_file(struct buf *bundle, const char *path, replay_complain *complain,
                           void *context, size_t *complaints)
{
    struct gathering gathering = {.bundle = bundle, .complain = complain, .context = context};
    enum err err = gather_any(&gathering, path);
    *complaints += gathering.complaints;
    return err;
}

enum err rules_gather(struct buf *bundle, const char *path, replay_complain *complain,
                      void *context, size_t *complaints)
{
    struct gathering gathering = {.bundle = bundle, .complain = complain, .context = context};
    enum err err = input_walk(path, gather_file, gather_complain, &gathering);
    *complaints += gathering.complaints;
    return err;
}

/* ---- Proving. */

static void tell(struct proving *proving, const char *path, size_t line, const char *what)
{
    struct proof_result result = {.path = path, .line = line, .what = what};
    proving->counts.failed += what != NULL;
    proving->tell(proving->context, &result);
}

static void proof_complain(void *context, const char *path, const char *reason)
{
    tell(context, path, 0, reason);
}

static enum err line_judge(struct proving *proving, struct judge *judge, struct str line, bool *ret)
{
    struct parse_context context = {.received = proving->now};
    struct str bytes;
    struct batch batch;
    struct verdicts verdicts;
    builder_reset(proving->builder);
    arena_reset(proving->mem);
    enum err err = builder_begin(proving->builder, line, proving->now);
    if (err != OK) {
        return err;
    }
    parse_record(proving->parser, &context, proving->builder);
    err = builder_end(proving->builder);
    err = err == OK ? builder_finish(proving->builder, &bytes) : err;
    err = err == OK ? batch_check(bytes, proving->mem, &batch, NULL) : err;
    err = err == OK ? judge_batch(judge, &batch, proving->mem, &verdicts) : err;
    if (err == OK) {
        *ret = verdicts.alerts.count > 0;
    }
    return err;
}

/* One proof file beside a rule. */
static enum err proof_run(struct proving *proving, struct judge *judge, const char *path,
                          bool must_match)
{
    struct buf text;
    struct why why = {0};
    enum err err = whole_read(path, PROOF_SIZE_MAX, &text, &why);
    if (err != OK) {
        tell(proving, path, 0,
             err == ERR_NOT_FOUND || err == ERR_IO ? "the rule lacks this proof"
                                                   : why_text(&why, err));
        buf_done(&text);
        return err == ERR_MEMORY ? err : OK;
    }
    struct str rest = buf_str(&text);
    size_t lines = 0;
    size_t number = 0;
    while (rest.size > 0 && err == OK) {
        struct str line = str_cut(&rest, '\n');
        number++;
        if (str_trim(line).size == 0) {
            continue;
        }
        bool fired = false;
        lines++;
        err = line_judge(proving, judge, line, &fired);
        if (err == OK) {
            tell(proving, path, number,
                 fired == must_match ? NULL
                 : must_match        ? "the rule should fire and stays silent"
                                     : "the rule should stay silent and fires");
        }
    }
    buf_done(&text);
    proving->counts.lines += lines;
    if (err == OK && lines == 0) {
        tell(proving, path, 0, "the proof is empty");
    }
    return err;
}

static enum err rule_prove(struct proving *proving, const char *path, const struct ruleset *ruleset)
{
    const char *const endings[] = {".match", ".silent"};
    const char *dot = strrchr(path, '.');
    struct judge *judge = NULL;
    enum err err = judge_new(ruleset, &judge);
    for (int i = 0; i < 2 && err == OK; i++) {
        char *proof;
        if (asprintf(&proof, "%.*s%s", (int)(dot - path), path, endings[i]) < 0) {
            err = ERR_MEMORY;
            break;
        }
        err = proof_run(proving, judge, proof, i == 0);
        free(proof);
    }
    judge_free(judge);
    return err;
}

static enum err file_prove(void *context, const char *path)
{
    struct proving *proving = context;
    struct why why = {0};
    struct buf text;
    struct buf bundle;
    struct ruleset *ruleset = NULL;
    struct ruleset_report report = {0};
    if (!is_rule_file(path)) {
        return OK;
    }
    proving->counts.rules++;
    buf_init(&bundle, (size_t)RULES_SIZE_MAX);
    struct arena *mem = arena_new(TURN_SIZE_MAX);
    enum err err = mem == NULL ? ERR_MEMORY : OK;
    enum err readable = whole_read(path, YAML_SIZE_MAX, &text, &why);
    if (err == OK && readable == OK) {
        err = ruleset_pack(&bundle, str_from(path), buf_str(&text));
        err = err == OK ? ruleset_load(buf_str(&bundle), mem, &ruleset, &report, &why) : err;
    }
    if (readable != OK) {
        tell(proving, path, 0, why_text(&why, readable));
    }
    for (size_t i = 0; i < report.refused.count; i++) {
        struct str reason =
            report.refused.list[i].reason; /* has a NUL behind it: arena_copy made it */
        tell(proving, path, report.refused.list[i].line, reason.data);
    }
    if (err == OK && report.loaded > 0) {
        err = rule_prove(proving, path, ruleset);
    }
    ruleset_free(ruleset);
    arena_free(mem);
    buf_done(&bundle);
    buf_done(&text);
    return err;
}

enum err replay_prove(const char *path, struct wall now,
                      void (*tell_result)(void *context, const struct proof_result *result),
                      void *context, struct proof_counts *ret, struct why *why)
{
    struct proving proving = {
        .now = now,
        .tell = tell_result,
        .context = context,
        .builder = builder_new(CLIENT_INSTALLATION, (struct source_id){0}),
        .mem = arena_new(TURN_SIZE_MAX),
    };
    enum err err = parser_find(STR("auto"), &proving.parser);
    if (proving.builder == NULL || proving.mem == NULL) {
        err = ERR_MEMORY;
    }
    if (err == OK) {
        err = input_walk(path, file_prove, proof_complain, &proving);
    }
    if (err == OK && proving.counts.rules == 0 && proving.counts.failed == 0) {
        err = why_say(why, ERR_NOT_FOUND, 0, "no rule stands at or below this path");
    }
    builder_free(proving.builder);
    arena_free(proving.mem);
    if (err == OK) {
        *ret = proving.counts;
    }
    return err;
}
