/*
 * Rules on their own proofs, and the gathering of rule files.
 *
 * A proof line is parsed as a record that came over the wire, alone, and judged by its one rule.
 *
 * The proof of a file that has correlations is made of *cases*: lines that belong together, in the
 * order in which they come, with an empty line between one case and the next.  A correlation of the
 * file must fire once at least in each case of NAME.match, and in none of NAME.silent.  Time is
 * that of the lines; each counts as having arrived when it happened.  Rules of other files in the
 * same folder may be leant on.
 *
 * A rule without proofs has failed: nobody knows that it works.
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

/* How the proofs of one file are judged. */
struct proved {
    const char *path; /* of the rules */
    const struct ruleset *ruleset;
    struct judge *judge;
    bool cases; /* it has correlations */
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

/* One record as a batch of its own; everything lives until the next. */
static enum err line_batch(struct proving *proving, struct str line, struct batch *ret)
{
    struct parse_context context = {.received = proving->now};
    struct str bytes;
    builder_reset(proving->builder);
    arena_reset(proving->mem);
    enum err err = builder_begin(proving->builder, line, proving->now);
    if (err != OK) {
        return err;
    }
    parse_record(proving->parser, &context, proving->builder);
    err = builder_end(proving->builder);
    err = err == OK ? builder_finish(proving->builder, &bytes) : err;
    return err == OK ? batch_check(bytes, proving->mem, ret, NULL) : err;
}

static enum err line_judge(struct proving *proving, const struct proved *proved, struct str line,
                           bool *ret)
{
    struct batch batch;
    struct verdicts verdicts;
    enum err err = line_batch(proving, line, &batch);
    err = err == OK ? judge_batch(proved->judge, &batch, proving->mem, &verdicts) : err;
    if (err == OK) {
        *ret = verdicts.alerts.count > 0;
    }
    return err;
}

/* Whether one of the alerts is of a correlation of the file itself. */
static bool own_alert(const struct proved *proved, const struct buf *alerts)
{
    for (size_t at = 0; at < alerts->size; at += sizeof(struct alert)) {
        struct alert alert;
        struct rule_summary summary;
        size_t index;
        memcpy(&alert, alerts->data + at, sizeof alert);
        if (ruleset_find(proved->ruleset, alert.rule_id, &index) == OK) {
            ruleset_rule(proved->ruleset, index, &summary);
            if (str_equal(summary.file, str_from(proved->path))) {
                return true;
            }
        }
    }
    return false;
}

/* Shows a correlator what the rules see in one line of a case. */
static enum err line_feed(struct proving *proving, const struct proved *proved,
                          struct correlator *correlator, uint64_t number, struct str line,
                          bool *fired)
{
    struct batch batch;
    struct event event;
    struct verdicts verdicts;
    struct buf alerts;
    enum err err = line_batch(proving, line, &batch);
    err = err == OK ? judge_batch(proved->judge, &batch, proving->mem, &verdicts) : err;
    if (err != OK) {
        return err;
    }
    batch_event(&batch, 0, &event);
    buf_init(&alerts, PROOF_SIZE_MAX);
    for (size_t i = 0; i < verdicts.sightings.count && err == OK; i++) {
        struct sighting sighting = verdicts.sightings.list[i];
        sighting.place.sequence = number;
        if (wall_known(event.happened)) {
            sighting.at = event.happened;
            sighting.received = event.happened;
        }
        err = correlator_feed(correlator, &sighting, proving->mem, &alerts);
    }
    *fired = *fired || own_alert(proved, &alerts);
    buf_done(&alerts);
    return err;
}

/* Takes a case off the front of *rest: the lines up to the next empty one. */
static enum err case_judge(struct proving *proving, const struct proved *proved, struct str *rest,
                           size_t *number, bool *ret)
{
    struct correlator *correlator = NULL;
    bool fired = false;
    enum err err = correlator_new(proved->ruleset, WINDOWS_SIZE_MAX, &correlator);
    while (rest->size > 0 && err == OK) {
        struct str line = str_cut(rest, '\n');
        if (str_trim(line).size == 0) {
            break;
        }
        (*number)++;
        proving->counts.lines++;
        err = line_feed(proving, proved, correlator, *number, line, &fired);
    }
    correlator_free(correlator);
    *ret = fired;
    return err;
}

static enum err proof_judge(struct proving *proving, const struct proved *proved, struct str rest,
                            const char *path, bool must_match)
{
    size_t number = 0;
    size_t judged = 0;
    enum err err = OK;
    while (rest.size > 0 && err == OK) {
        struct str peek = rest;
        struct str line = str_cut(&peek, '\n');
        bool fired = false;
        number++;
        if (str_trim(line).size == 0) {
            rest = peek;
            continue;
        }
        size_t first = number;
        judged++;
        if (proved->cases) {
            number--; /* The case counts its own lines, */
            err = case_judge(proving, proved, &rest, &number, &fired);
            number++; /* and the empty one behind it. */
        } else {
            rest = peek;
            proving->counts.lines++;
            err = line_judge(proving, proved, line, &fired);
        }
        if (err == OK) {
            tell(proving, path, first,
                 fired == must_match ? NULL
                 : must_match        ? "the rule should fire and stays silent"
                                     : "the rule should stay silent and fires");
        }
    }
    if (err == OK && judged == 0) {
        tell(proving, path, 0, "the proof is empty");
    }
    return err;
}

/* One proof file beside a rule. */
static enum err proof_run(struct proving *proving, const struct proved *proved, const char *path,
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
    err = proof_judge(proving, proved, buf_str(&text), path, must_match);
    buf_done(&text);
    return err;
}

static enum err rule_prove(struct proving *proving, const char *path, const struct ruleset *ruleset,
                           bool cases)
{
    const char *const endings[] = {".match", ".silent"};
    const char *dot = strrchr(path, '.');
    struct proved proved = {.path = path, .ruleset = ruleset, .cases = cases};
    enum err err = judge_new(ruleset, &proved.judge);
    for (int i = 0; i < 2 && err == OK; i++) {
        char *proof;
        if (asprintf(&proof, "%.*s%s", (int)(dot - path), path, endings[i]) < 0) {
            err = ERR_MEMORY;
            break;
        }
        err = proof_run(proving, &proved, proof, i == 0);
        free(proof);
    }
    judge_free(proved.judge);
    return err;
}

/* What else stands in the folder, so that correlations find the rules that they lean on. */
static enum err siblings_pack(struct proving *proving, const char *path, struct buf *bundle)
{
    const char *slash = strrchr(path, '/');
    char *folder;
    size_t complaints = 0;
    if (asprintf(&folder, "%.*s", slash != NULL ? (int)(slash - path) : 1,
                 slash != NULL ? path : ".") < 0) {
        return ERR_MEMORY;
    }
    buf_reset(bundle);
    enum err err = rules_gather(bundle, folder, proof_complain, proving, &complaints);
    free(folder);
    return err;
}

static void refusals_tell(struct proving *proving, const char *path,
                          const struct ruleset_report *report)
{
    for (size_t i = 0; i < report->refused.count; i++) {
        const struct rule_problem *problem = &report->refused.list[i];
        if (str_equal(problem->file, str_from(path))) {
            tell(proving, path, problem->line, problem->reason.data); /* a NUL stands behind it */
        }
    }
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
    bool cases = report.correlations > 0;
    if (err == OK && cases) {
        ruleset_free(ruleset);
        ruleset = NULL;
        err = siblings_pack(proving, path, &bundle);
        err = err == OK ? ruleset_load(buf_str(&bundle), mem, &ruleset, &report, &why) : err;
    }
    if (readable != OK) {
        tell(proving, path, 0, why_text(&why, readable));
    }
    refusals_tell(proving, path, &report);
    if (err == OK && report.loaded > 0) {
        err = rule_prove(proving, path, ruleset, cases);
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
