/*
 * Filters: what an environment adds to rules that others wrote (specification 2.1, "filters").
 *
 * SIGMA: the text speaks of suppressing matches; the schema and the reference library join the
 * filter's condition to that of each rule by `and`.  OUR reading is theirs: an exclusion is written
 * `condition: not selection`.  A filter names rules by id or name, or `any` (also `all`, or an
 * empty list); it is applied to those whose log source agrees, that is, has what the filter's log
 * source asks for.  Its searches are its own: they neither see the rule's nor are taken by `1 of
 * them`.
 *
 * Always true: a reference is chained under the text that it names, so that a rule finds its
 * filters by two look-ups, however many there are; filters of any rule have a chain of their own.
 */

#include "detect/sigma_private.h"

#include <string.h>

#define ANY_RULE       STR("")
#define TRIAL_SIZE_MAX ((size_t)128 * 1024 * 1024)

struct filter {
    struct part part;
    struct str category, product, service; /* empty: any */
    struct str file;
    uint32_t line;
};

struct reference {
    struct reference *next; /* with the same text */
    struct filter *filter;
    struct str rule; /* empty: any */
    uint32_t line;
    bool seen, met;          /* such a rule is there; and its log source agrees */
    struct reference *after; /* of the same filter */
};

/* Filters are kept as their first reference each. */
static struct reference *references_at(const struct tuning *tuning, size_t index)
{
    struct reference *reference;
    memcpy(&reference, tuning->filters.data + index * sizeof reference, sizeof reference);
    return reference;
}

static enum err reference_add(struct tuning *tuning, struct filter *filter, struct str rule,
                              uint32_t line, struct reference **last, struct reference **ret)
{
    struct reference *reference = ARENA_ONE(tuning->mem, struct reference);
    uint64_t known = 0;
    if (reference == NULL) {
        return ERR_MEMORY;
    }
    *reference = (struct reference){.filter = filter, .rule = rule, .line = line};
    if (map_get(&tuning->named, rule, &known)) {
        reference->next = (struct reference *)(uintptr_t)known;
    }
    enum err err = map_put(&tuning->named, rule, (uint64_t)(uintptr_t)reference);
    if (err == OK && *last != NULL) {
        (*last)->after = reference;
    } else if (err == OK) {
        *ret = reference;
    }
    *last = reference;
    return err;
}

static bool is_any(const struct yaml_node *rules)
{
    return (rules->kind == YAML_SEQUENCE && rules->count == 0) ||
           (rules->kind == YAML_SCALAR && (str_equal_nocase(rules->text, STR("any")) ||
                                           str_equal_nocase(rules->text, STR("all"))));
}

static enum err references_read(struct tuning *tuning, struct filter *filter,
                                const struct yaml_node *rules, struct reference **ret,
                                struct why *why)
{
    struct reference *last = NULL;
    if (rules == NULL || rules->kind == YAML_MAPPING) {
        return why_say(why, ERR_SYNTAX, rules != NULL ? rules->line : filter->line,
                       "a filter's 'rules' are ids or names of rules, or 'any'");
    }
    if (is_any(rules)) {
        return reference_add(tuning, filter, ANY_RULE, rules->line, &last, ret);
    }
    const struct yaml_node *first = rules->kind == YAML_SEQUENCE ? rules->first : rules;
    size_t count = rules->kind == YAML_SEQUENCE ? rules->count : 1;
    const struct yaml_node *node = first;
    for (size_t i = 0; i < count; i++, node = node->next) {
        if (node->kind != YAML_SCALAR || str_trim(node->text).size == 0) {
            return why_say(why, ERR_SYNTAX, node->line, "this is no id or name of a rule");
        }
    }
    enum err err = OK;
    node = first;
    for (size_t i = 0; i < count && err == OK; i++, node = node->next) {
        err = reference_add(tuning, filter, str_trim(node->text), node->line, &last, ret);
    }
    return err;
}

/* Whether the filter's searches and condition can be compiled at all, so that it is the filter that
 * is refused for them and not every rule that it names. */
static enum err part_try(struct part *part, const struct yaml_node *document, struct why *why)
{
    struct buf needs;
    struct draft draft = {.document = document, .parts = part};
    const struct expr *expr;
    buf_init(&needs, NEEDS_SIZE_MAX);
    struct compiler compiler = {.matcher = matcher_new(),
                                .scratch = arena_new(TRIAL_SIZE_MAX),
                                .moment = arena_new(TRIAL_SIZE_MAX),
                                .why = why,
                                .needs = &needs};
    bool short_of = compiler.matcher == NULL || compiler.scratch == NULL || compiler.moment == NULL;
    enum err err = short_of ? ERR_MEMORY : draft_compile(&compiler, &draft, &expr);
    matcher_free(compiler.matcher);
    arena_free(compiler.scratch);
    arena_free(compiler.moment);
    buf_done(&needs);
    return err;
}

static enum err source_read(const struct yaml_node *source, const char *key, struct str *ret,
                            struct why *why)
{
    const struct yaml_node *node = yaml_get(source, str_from(key));
    if (node != NULL && node->kind != YAML_SCALAR) {
        return why_say_at(why, ERR_SYNTAX, node->line, node->column, "this must be a text");
    }
    *ret = node == NULL || yaml_is_null(node) ? (struct str){0} : str_trim(node->text);
    return OK;
}

enum err filter_read(struct tuning *tuning, const struct yaml_node *document, struct str file,
                     struct why *why)
{
    static const char *const reserved[] = {"condition", "rules", NULL};
    const struct yaml_node *title = yaml_get(document, STR("title"));
    const struct yaml_node *source = yaml_get(document, STR("logsource"));
    const struct yaml_node *body = yaml_get(document, STR("filter"));
    struct filter *filter = ARENA_ONE(tuning->mem, struct filter);
    struct reference *first = NULL;
    if (filter == NULL) {
        return ERR_MEMORY;
    }
    *filter = (struct filter){.file = file, .line = document->line};
    if (title == NULL || title->kind != YAML_SCALAR || title->text.size == 0) {
        return why_say(why, ERR_SYNTAX, document->line, "the filter has no title");
    }
    if (source == NULL || source->kind != YAML_MAPPING) {
        return why_say(why, ERR_SYNTAX, document->line, "the filter has no logsource");
    }
    if (body->kind != YAML_MAPPING) {
        return why_say(why, ERR_SYNTAX, body->line, "a filter has rules, a search, a condition");
    }
    enum err err = source_read(source, "category", &filter->category, why);
    err = err == OK ? source_read(source, "product", &filter->product, why) : err;
    err = err == OK ? source_read(source, "service", &filter->service, why) : err;
    if (err == OK) {
        err = part_read(body, "condition", reserved, tuning->mem, &filter->part, why);
    }
    if (err == OK) {
        err = part_try(&filter->part, document, why);
    }
    if (err == OK) {
        err = references_read(tuning, filter, yaml_get(body, STR("rules")), &first, why);
    }
    return err == OK ? buf_append(&tuning->filters, str_of(&first, sizeof first)) : err;
}

static bool part_agrees(struct str wanted, struct str part)
{
    return wanted.size == 0 || str_equal_nocase(wanted, part);
}

/* Adds the filters of one chain whose log source agrees. */
static enum err chain_join(struct tuning *tuning, struct str name, struct draft *draft,
                           struct arena *scratch)
{
    uint64_t found = 0;
    if (!map_get(&tuning->named, name, &found)) {
        return OK;
    }
    struct reference *reference = (struct reference *)(uintptr_t)found;
    for (; reference != NULL; reference = reference->next) {
        const struct filter *filter = reference->filter;
        struct part *part = NULL;
        reference->seen = true;
        if (!part_agrees(filter->category, draft->category) ||
            !part_agrees(filter->product, draft->product) ||
            !part_agrees(filter->service, draft->service)) {
            continue;
        }
        reference->met = true;
        enum err err = part_copy(&filter->part, scratch, &part);
        if (err != OK) {
            return err;
        }
        part->next = draft->parts->next;
        draft->parts->next = part;
    }
    return OK;
}

enum err filters_join(struct tuning *tuning, struct draft *draft, struct arena *scratch)
{
    enum err err = chain_join(tuning, ANY_RULE, draft, scratch);
    if (err == OK && draft->id.size > 0) {
        err = chain_join(tuning, draft->id, draft, scratch);
    }
    if (err == OK && draft->name.size > 0 && !str_equal(draft->name, draft->id)) {
        err = chain_join(tuning, draft->name, draft, scratch);
    }
    return err;
}

enum err tuning_end(const struct tuning *tuning, struct ruleset_report *report,
                    const struct problem_sink *sink)
{
    enum err err = OK;
    for (size_t i = 0; i < tuning->filters.size / sizeof(struct reference *) && err == OK; i++) {
        struct reference *reference = references_at(tuning, i);
        const struct filter *filter = reference->filter;
        bool applied = false;
        for (; reference != NULL && err == OK; reference = reference->after) {
            struct why why = {0};
            applied = applied || reference->met;
            if (reference->met) {
                continue;
            }
            if (reference->rule.size == 0) {
                (void)why_say(&why, ERR_NOT_FOUND, 0, "no rule has the filter's log source");
            } else {
                (void)why_say(&why, ERR_NOT_FOUND, 0,
                              reference->seen ? "the filter's log source is not that of rule '%.*s'"
                                              : "the filter names '%.*s', which is no rule",
                              STR_ARG(reference->rule));
            }
            err = sink->add(sink->context, filter->file, reference->line, str_from(why.text));
        }
        report->loaded += applied;
    }
    return err;
}
