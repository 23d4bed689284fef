/*
 * Loading: a bundle of texts into a rule set.
 *
 *     bundle, for each file        OFFSET  SIZE  MEANING
 *                                       0     4  size of the path, p
 *                                       4     4  size of the text, t
 *                                       8     p  path
 *                                     8+p     t  text
 *
 * Integers are little-endian.
 *
 * Always true: every document of every file is counted, and is either loaded or in the report.  No
 * two loaded rules have the same id, since alerts are unique by it.
 */

#include "detect/private.h"

#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"

#define SCRATCH_SIZE_MAX ((size_t)256 * 1024 * 1024) /* YAML_NODES_MAX nodes and their texts */

struct loading {
    struct ruleset *ruleset;
    struct arena *mem;
    struct arena *scratch;
    struct buf refused; /* struct rule_problem each, as the others */
    struct buf needs_values, unguarded;
    struct tuning *tuning;
    struct ruleset_report report;
    struct str path;
    struct str version;
    bool tuned;                       /* its filters and pipelines were taken before */
    struct correlations correlations; /* joined when all rules are there */
};

static enum err tuning_load(struct loading *loading, struct str bundle, struct why *why);
static enum err file_load(struct loading *loading, struct str text);
static enum err problem_take(void *context, struct str file, uint32_t line, struct str reason);
static enum err rules_compile(struct loading *loading);
static enum err report_end(struct loading *loading, struct ruleset_report *ret);
static enum err report_keep(struct ruleset *ruleset, const struct ruleset_report *report);
static enum err correlations_end(struct loading *loading);

enum err ruleset_pack(struct buf *bundle, struct str path, struct str text)
{
    char head[8];
    if (path.size > UINT16_MAX || text.size > YAML_SIZE_MAX) {
        return ERR_LIMIT;
    }
    size_t size_before = bundle->size;
    put_u32(head, (uint32_t)path.size);
    put_u32(head + 4, (uint32_t)text.size);
    enum err err = buf_append(bundle, str_of(head, sizeof head));
    err = err == OK ? buf_append(bundle, path) : err;
    err = err == OK ? buf_append(bundle, text) : err;
    if (err != OK) {
        bundle->size = size_before;
    }
    return err;
}

enum err ruleset_load(struct str bundle, struct arena *mem, struct ruleset **ret,
                      struct ruleset_report *ret_report, struct why *why)
{
    struct loading loading = {.mem = mem, .scratch = arena_new(SCRATCH_SIZE_MAX)};
    struct str rest = bundle;
    buf_init(&loading.refused, RULESET_SIZE_MAX);
    buf_init(&loading.needs_values, RULESET_SIZE_MAX);
    buf_init(&loading.unguarded, RULESET_SIZE_MAX);
    correlations_init(&loading.correlations);
    enum err err = bundle.size > RULES_SIZE_MAX
                       ? why_say(why, ERR_LIMIT, 0, "the rules have more than %d bytes together",
                                 RULES_SIZE_MAX)
                       : ruleset_new(bundle, &loading.ruleset);
    if (loading.scratch == NULL) {
        err = ERR_MEMORY;
    }
    err = err == OK ? tuning_load(&loading, bundle, why) : err;
    while (err == OK && rest.size > 0) {
        struct str text = {0};
        err = ruleset_unpack(&rest, &loading.path, &text);
        if (err == ERR_CORRUPT) {
            err = why_say(why, ERR_CORRUPT, 0, "a bundle of rules is cut or damaged");
        }
        err = err == OK ? file_load(&loading, text) : err;
    }
    if (err == OK) {
        struct problem_sink sink = {problem_take, &loading};
        err = tuning_end(loading.tuning, &loading.report, &sink);
    }
    err = err == OK ? correlations_end(&loading) : err;
    err = err == OK ? rules_compile(&loading) : err;
    err = err == OK ? report_end(&loading, ret_report) : err;
    err = err == OK ? report_keep(loading.ruleset, ret_report) : err;
    tuning_free(loading.tuning);
    arena_free(loading.scratch);
    buf_done(&loading.refused);
    buf_done(&loading.needs_values);
    buf_done(&loading.unguarded);
    correlations_done(&loading.correlations);
    if (err != OK) {
        ruleset_free(loading.ruleset);
        return err;
    }
    *ret = loading.ruleset;
    return OK;
}

enum err ruleset_unpack(struct str *bundle, struct str *ret_path, struct str *ret_text)
{
    if (bundle->size < 8) {
        return ERR_CORRUPT;
    }
    uint64_t path = get_u32(bundle->data);
    uint64_t text = get_u32(bundle->data + 4);
    if (8 + path + text > bundle->size || text > YAML_SIZE_MAX) {
        return ERR_CORRUPT;
    }
    *ret_path = str_slice(*bundle, 8, path);
    *ret_text = str_slice(*bundle, 8 + path, text);
    *bundle = str_slice(*bundle, 8 + path + text, bundle->size);
    return OK;
}

/* The filters and pipelines, which may stand behind the rules that they change. */
static enum err tuning_load(struct loading *loading, struct str bundle, struct why *why)
{
    struct problem_sink sink = {problem_take, loading};
    enum err err = tuning_new(&loading->tuning);
    while (err == OK && bundle.size > 0) {
        struct str path = {0};
        struct str text = {0};
        err = ruleset_unpack(&bundle, &path, &text);
        if (err == ERR_CORRUPT) {
            return why_say(why, ERR_CORRUPT, 0, "a bundle of rules is cut or damaged");
        }
        if (err == OK && tuning_wants(text)) {
            err = tuning_gather(loading->tuning, path, text, &loading->report, &sink);
        }
    }
    if (err == OK) {
        tuning_ready(loading->tuning);
    }
    return err;
}

static enum err problem_add(struct loading *loading, struct buf *list, uint32_t line,
                            struct str reason)
{
    struct rule_problem problem = {.line = line};
    enum err err = arena_copy(loading->mem, loading->path, &problem.file);
    err = err == OK ? arena_copy(loading->mem, reason, &problem.reason) : err;
    return err == OK ? buf_append(list, str_of(&problem, sizeof problem)) : err;
}

static enum err problem_take(void *context, struct str file, uint32_t line, struct str reason)
{
    struct loading *loading = context;
    loading->path = file;
    return problem_add(loading, &loading->refused, line, reason);
}

static enum err refuse(struct loading *loading, uint32_t line, enum err err, const struct why *why)
{
    const char *reason = why->text[0] != '\0' ? why->text : err_text(err);
    return problem_add(loading, &loading->refused, why->line != 0 ? why->line : line,
                       str_from(reason));
}

static enum err rule_load(struct loading *loading, const struct yaml_node *document)
{
    struct ruleset *ruleset = loading->ruleset;
    struct why why = {0};
    struct compiler compiler = {
        .matcher = ruleset->matcher,
        .mem = ruleset->mem,
        .scratch = loading->scratch,
        .tuning = loading->tuning,
        .why = &why,
    };
    struct rule rule;
    loading->report.rules++;
    enum err err = rule_compile(&compiler, document, loading->path, &rule);
    uint64_t other;
    if (err == OK && map_get(&ruleset->ids, rule.id, &other)) {
        err = why_say(&why, ERR_CONFLICT, document->line, "the id %.*s belongs to '%.*s' already",
                      STR_ARG(rule.id), STR_ARG(rule_at(ruleset, other)->title));
    }
    if (err == ERR_MEMORY) {
        return err;
    }
    if (err == OK && ruleset_rules(ruleset) == RULES_MAX) {
        err = why_say(&why, ERR_LIMIT, document->line, "more than %d rules", RULES_MAX);
    }
    if (err != OK) {
        return refuse(loading, document->line, err, &why);
    }
    rule.version = loading->version;
    rule.raises = true;
    err = arena_copy(ruleset->mem, loading->path, &rule.file);
    if (err != OK) {
        return err;
    }
    err = map_put(&ruleset->ids, rule.id, ruleset_rules(ruleset));
    err = err == OK ? buf_append(&ruleset->rules, str_of(&rule, sizeof rule)) : err;
    if (err == OK && rule.needs.size > 0) {
        err = problem_add(loading, &loading->needs_values, document->line, rule.needs);
    }
    loading->report.loaded += err == OK;
    return err;
}

static enum err correlation_load(struct loading *loading, const struct yaml_node *document)
{
    struct why why = {0};
    struct compiler compiler = {
        .matcher = loading->ruleset->matcher,
        .mem = loading->ruleset->mem,
        .scratch = loading->scratch,
        .why = &why,
    };
    loading->report.correlations++;
    enum err err = correlation_compile(&compiler, document, loading->path, loading->version,
                                       &loading->correlations);
    return err == OK || err == ERR_MEMORY ? err : refuse(loading, document->line, err, &why);
}

static enum err correlation_refuse(void *context, struct str path, uint32_t line,
                                   const struct why *why)
{
    struct loading *loading = context;
    loading->path = path;
    return refuse(loading, line, ERR_SYNTAX, why);
}

static enum err correlations_end(struct loading *loading)
{
    size_t loaded;
    enum err err = correlations_link(&loading->correlations, loading->ruleset, correlation_refuse,
                                     loading, &loaded);
    loading->report.loaded += err == OK ? loaded : 0;
    return err;
}

static enum err document_load(struct loading *loading, const struct yaml_node *document)
{
    struct why why = {0};
    if (yaml_get(document, STR("correlation")) != NULL) {
        return correlation_load(loading, document);
    }
    if (tuning_is_filter(document) || tuning_is_pipeline(document)) {
        if (loading->tuned) {
            return OK;
        }
        (void)why_say(&why, ERR_SYNTAX, document->line,
                      "write the key 'filter' or 'transformations' plainly, without escapes");
    } else if (yaml_get(document, STR("action")) != NULL) {
        loading->report.rules++;
        (void)why_say(&why, ERR_UNSUPPORTED, document->line,
                      "collections with 'action' are no longer Sigma; write whole rules");
    } else if (yaml_get(document, STR("detection")) == NULL &&
               yaml_get(document, STR("logsource")) == NULL) {
        (void)why_say(&why, ERR_SYNTAX, document->line,
                      "neither a rule nor a correlation nor a filter");
    } else {
        return rule_load(loading, document);
    }
    return refuse(loading, document->line, ERR_UNSUPPORTED, &why);
}

static enum err file_load(struct loading *loading, struct str text)
{
    struct why why = {0};
    struct yaml_node *document = NULL;
    char version[2 * SHA256_SIZE + 1];
    struct sha256 hash = sha256_of_bytes(text);
    loading->report.files++;
    loading->tuned = tuning_wants(text);
    arena_reset(loading->scratch);
    enum err err =
        arena_copy(loading->ruleset->mem,
                   str_from(hex_print(hash.bytes, sizeof hash.bytes, version)), &loading->version);
    if (err != OK) {
        return err;
    }
    err = yaml_parse(text, loading->scratch, &document, &why);
    if (err == OK && document == NULL) {
        err = why_say(&why, ERR_SYNTAX, 1, "the file is empty");
    }
    if (err != OK) {
        return err == ERR_MEMORY ? err : refuse(loading, 1, err, &why);
    }
    for (; document != NULL && err == OK; document = document->next) {
        err = document_load(loading, document);
    }
    return err;
}

/* All rules are there: they become sieves, and those without a guard are listed. */
static enum err rules_compile(struct loading *loading)
{
    const char **reasons;
    arena_reset(loading->scratch);
    enum err err = routes_compile(loading->ruleset, loading->scratch, &reasons);
    for (size_t i = 0; err == OK && i < ruleset_rules(loading->ruleset); i++) {
        if (reasons[i] != NULL) {
            loading->path = rule_at(loading->ruleset, i)->file;
            err = problem_add(loading, &loading->unguarded, 0, str_from(reasons[i]));
        }
    }
    return err;
}

/* The report a second time, for the set to keep. */
static enum err problems_keep(struct arena *mem, struct problems *problems)
{
    struct rule_problem *list = ARENA_ARRAY(mem, struct rule_problem, problems->count);
    enum err err = list == NULL ? ERR_MEMORY : OK;
    for (size_t i = 0; i < problems->count && err == OK; i++) {
        list[i].line = problems->list[i].line;
        err = arena_copy(mem, problems->list[i].file, &list[i].file);
        err = err == OK ? arena_copy(mem, problems->list[i].reason, &list[i].reason) : err;
    }
    problems->list = list;
    return err;
}

static enum err report_keep(struct ruleset *ruleset, const struct ruleset_report *report)
{
    ruleset->report = *report;
    enum err err = problems_keep(ruleset->mem, &ruleset->report.refused);
    err = err == OK ? problems_keep(ruleset->mem, &ruleset->report.needs_values) : err;
    return err == OK ? problems_keep(ruleset->mem, &ruleset->report.unguarded) : err;
}

static enum err problems_end(struct loading *loading, const struct buf *list, struct problems *ret)
{
    struct problems problems = {.count = list->size / sizeof(struct rule_problem)};
    problems.list = ARENA_ARRAY(loading->mem, struct rule_problem, problems.count);
    if (problems.list == NULL) {
        return ERR_MEMORY;
    }
    if (list->size > 0) {
        memcpy(problems.list, list->data, list->size);
    }
    *ret = problems;
    return OK;
}

static enum err report_end(struct loading *loading, struct ruleset_report *ret)
{
    struct ruleset_report report = loading->report;
    enum err err = problems_end(loading, &loading->refused, &report.refused);
    if (err == OK) {
        err = problems_end(loading, &loading->needs_values, &report.needs_values);
    }
    if (err == OK) {
        err = problems_end(loading, &loading->unguarded, &report.unguarded);
    }
    if (err == OK) {
        *ret = report;
    }
    return err;
}
