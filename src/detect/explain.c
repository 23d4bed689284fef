/*
 * An explanation: a rule compiled alone, with the filters and pipelines of its bundle, and then
 * asked piece by piece.
 *
 * The draft that was compiled (draft.c) is walked once more: each item, and each value of it, is
 * compiled as if it stood alone.  Tests are interned, so a piece that the rule has is the very test
 * of the rule, and the answer is the rule's own.  Everything is compiled before the first question
 * is asked, since a reading needs a matcher that is complete.
 *
 *     bundle → the rule's document → draft → (question, node) … → reading → answers
 *
 * Always true: `held` is the answer of the rule's whole condition, not something put together from
 * the pieces.
 */

#include "detect/explain.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "detect/sigma_private.h"

#define SCRATCH_SIZE ((size_t)256 * 1024 * 1024)
#define FOUND_MAX    1000 /* bytes shown of what an event has */
#define TEXT_MAX     300  /* bytes shown of a value of the rule */
#define DEPTH_MAX    64

/* A piece of the rule, and the node that waits for its answer. */
struct question {
    struct question *next;
    const struct expr *expr;
    struct explanation *node;
};

struct explaining {
    struct compiler compiler;
    struct arena *mem, *scratch, *moment;
    const struct event *event;
    struct question *questions;
    struct draft draft;
    struct rule rule;
    struct str file;
    struct buf needs; /* of pieces; the rule's own are in `rule` */
};

/* ---- The document. */

static bool document_is(const struct yaml_node *document, struct str path, struct str rule)
{
    const struct yaml_node *id = yaml_get(document, STR("id"));
    const struct yaml_node *name = yaml_get(document, STR("name"));
    return (id != NULL && str_equal(id->text, rule)) ||
           (name != NULL && str_equal(name->text, rule)) || (id == NULL && str_equal(path, rule));
}

/* What gathering complains of is for `rules check` to say. */
static enum err problem_pass(void *context, struct str file, uint32_t line, struct str reason)
{
    (void)context;
    (void)file;
    (void)line;
    (void)reason;
    return OK;
}

/* Finds the rule's document in the bundle, and what tunes it. */
static enum err document_find(struct explaining *explaining, struct str bundle, struct str rule,
                              const struct yaml_node **ret, struct why *why)
{
    struct ruleset_report report = {0};
    const struct problem_sink sink = {problem_pass, NULL};
    struct str path;
    struct str text;
    *ret = NULL;
    while (bundle.size > 0) {
        struct yaml_node *document = NULL;
        enum err err = ruleset_unpack(&bundle, &path, &text);
        if (err == OK && tuning_wants(text)) {
            err = tuning_gather(explaining->compiler.tuning, path, text, &report, &sink);
        }
        if (err == OK && *ret == NULL &&
            (str_find(text, rule) != STR_NONE || str_equal(path, rule))) {
            struct why wrong = {0};
            err = yaml_parse(text, explaining->scratch, &document, &wrong);
            err = err == ERR_MEMORY ? err : OK; /* what cannot be read is not this rule */
        }
        for (; document != NULL && *ret == NULL; document = document->next) {
            if (document_is(document, path, rule) &&
                (yaml_get(document, STR("detection")) != NULL ||
                 yaml_get(document, STR("correlation")) != NULL)) {
                *ret = document;
                explaining->file = path;
            }
        }
        if (err != OK) {
            return err;
        }
    }
    tuning_ready(explaining->compiler.tuning);
    return *ret != NULL
               ? OK
               : why_say(why, ERR_NOT_FOUND, 0, "no rule has the id or name '%.*s'", STR_ARG(rule));
}

/* ---- Nodes. */

static enum err ask(struct explaining *explaining, const struct expr *expr,
                    struct explanation *node)
{
    struct question *question = ARENA_ONE(explaining->scratch, struct question);
    if (question == NULL) {
        return ERR_MEMORY;
    }
    *question = (struct question){explaining->questions, expr, node};
    explaining->questions = question;
    return OK;
}

static enum err children_make(struct explaining *explaining, struct explanation *node, size_t count)
{
    node->children = ARENA_ARRAY(explaining->mem, struct explanation, count);
    if (node->children == NULL) {
        return ERR_MEMORY;
    }
    memset(node->children, 0, count * sizeof *node->children);
    node->count = count;
    return OK;
}

/* What the event has in the item's field, under all names that the field goes by. */
static enum err found_gather(struct explaining *explaining, struct str field,
                             struct explanation *node)
{
    struct str names[FIELD_NAMES_MAX];
    size_t count = 0;
    struct str last = {0};
    struct buf found;
    buf_init(&found, (size_t)4 * RECORD_SIZE_MAX);
    node->missing = true;
    enum err err =
        field_names(explaining->compiler.logsource, field, explaining->scratch, names, &count);
    for (uint32_t i = 0; err == OK && i < explaining->event->spans && found.size < FOUND_MAX; i++) {
        struct span span;
        struct str value = {0};
        bool named = false;
        event_span(explaining->event, i, &span);
        for (size_t k = 0; k < count && !named; k++) {
            named = str_equal(span.name, names[k]);
        }
        if (!named) {
            continue;
        }
        err = event_value(&span, explaining->scratch, &value);
        err = err == ERR_MEMORY || err == ERR_LIMIT ? ERR_MEMORY : OK;
        if (!node->missing && str_equal(value, last)) {
            continue; /* the same under another name */
        }
        last = value;
        err = err == OK && !node->missing ? buf_append(&found, STR(" | ")) : err;
        err = err == OK ? buf_append(&found, str_slice(value, 0, FOUND_MAX)) : err;
        node->missing = false;
    }
    err = err == OK
              ? arena_copy(explaining->mem, str_slice(buf_str(&found), 0, FOUND_MAX), &node->found)
              : err;
    buf_done(&found);
    return err;
}

static enum err item_spell(struct explaining *explaining, const struct search *item,
                           struct str *ret)
{
    struct buf text;
    buf_init(&text, 65536);
    enum err err = buf_append(&text, item->keyword ? STR("keywords") : item->field);
    for (size_t i = 0; i < item->modifiers.count && err == OK; i++) {
        err = buf_print(&text, "|%s", modifier_name(item->modifiers.list[i]));
    }
    err = err == OK ? arena_copy(explaining->mem, buf_str(&text), ret) : err;
    buf_done(&text);
    return err;
}

/* An item: the field, what the event has there, and each value asked for by itself. */
static enum err item_explain(struct explaining *explaining, const struct search *item,
                             struct explanation *node)
{
    enum err err = item_spell(explaining, item, &node->what);
    if (err == OK && !item->keyword) {
        err = found_gather(explaining, item->field, node);
    }
    err = err == OK ? children_make(explaining, node, item->count) : err;
    for (size_t i = 0; i < item->count && err == OK; i++) {
        const struct expr *expr = NULL;
        struct search one = *item;
        one.values = &item->values[i];
        one.count = 1;
        one.next = NULL;
        struct explanation *child = &node->children[i];
        err = arena_copy(explaining->mem,
                         item->values[i].null ? STR("null")
                                              : str_slice(item->values[i].text, 0, TEXT_MAX),
                         &child->what);
        err = err == OK ? search_compile(&explaining->compiler, &one, &expr) : err;
        err = err == OK ? ask(explaining, expr, child) : err;
    }
    return err;
}

static enum err search_explain(struct explaining *explaining, const struct search *search,
                               struct explanation *node, unsigned depth)
{
    const struct expr *expr = NULL;
    if (depth > DEPTH_MAX) {
        return ERR_LIMIT;
    }
    enum err err = search_compile(&explaining->compiler, search, &expr);
    err = err == OK ? ask(explaining, expr, node) : err;
    if (err == OK && search->kind == SEARCH_ITEM) {
        return item_explain(explaining, search, node);
    }
    if (err == OK && node->what.size == 0) {
        node->what = search->kind == SEARCH_ALL ? STR("all of") : STR("any of");
    }
    err = err == OK ? children_make(explaining, node, search->members) : err;
    size_t at = 0;
    for (const struct search *member = search->first; member != NULL && err == OK;
         member = member->next) {
        err = search_explain(explaining, member, &node->children[at++], depth + 1);
    }
    return err;
}

/* A named search: its name above, its items below. */
static enum err named_explain(struct explaining *explaining, const struct named *named,
                              struct explanation *node)
{
    enum err err = arena_copy(explaining->mem, named->name, &node->what);
    if (err != OK || named->search == NULL) {
        node->note = STR("pipelines have dropped it");
        node->holds = true;
        return err;
    }
    if (named->search->kind != SEARCH_ITEM) {
        return search_explain(explaining, named->search, node, 0);
    }
    const struct expr *expr = NULL;
    err = search_compile(&explaining->compiler, named->search, &expr);
    err = err == OK ? ask(explaining, expr, node) : err;
    err = err == OK ? children_make(explaining, node, 1) : err;
    return err == OK ? search_explain(explaining, named->search, &node->children[0], 0) : err;
}

/* The rule's own part, or a filter's: its condition, then its searches. */
static enum err part_explain(struct explaining *explaining, const struct part *part,
                             struct explanation *node)
{
    struct buf text;
    const struct expr *expr = NULL;
    buf_init(&text, 65536);
    enum err err = part->negated ? buf_append(&text, STR("not (")) : OK;
    for (size_t i = 0; i < part->conditions_count && err == OK; i++) {
        err = buf_print(&text, "%s%.*s", i > 0 ? " or " : "", STR_ARG(part->conditions[i].text));
    }
    err = err == OK && part->negated ? buf_append_byte(&text, ')') : err;
    err = err == OK ? arena_copy(explaining->mem, buf_str(&text), &node->what) : err;
    buf_done(&text);
    err = err == OK ? part_compile(&explaining->compiler, part, &expr) : err;
    if (err == OK && expr != NULL) {
        err = ask(explaining, expr, node);
    } else if (err == OK) {
        node->note = STR("pipelines have dropped it");
        node->holds = true;
    }
    err = err == OK ? children_make(explaining, node, part->count) : err;
    for (size_t i = 0; i < part->count && err == OK; i++) {
        err = named_explain(explaining, &part->searches[i], &node->children[i]);
    }
    return err;
}

/* ---- Answers. */

static enum err questions_answer(struct explaining *explaining, const struct lists *lists,
                                 struct explained *ret)
{
    struct reading *reading;
    enum err err = reading_new(explaining->compiler.matcher, &reading);
    if (err != OK) {
        return err;
    }
    reading_lists(reading, lists);
    err = reading_event(reading, explaining->event);
    bool holds = false;
    err = err == OK ? reading_holds(reading, explaining->rule.condition, &holds) : err;
    ret->held = ret->routed && holds;
    for (struct question *question = explaining->questions; question != NULL && err == OK;
         question = question->next) {
        err = reading_holds(reading, question->expr, &question->node->holds);
    }
    reading_free(reading);
    return err;
}

static enum err route_decide(struct explaining *explaining, struct explained *ret)
{
    struct logsources *logsources;
    const struct event *event = explaining->event;
    enum err err = logsources_new(&logsources);
    if (err != OK) {
        return err;
    }
    err = logsources_batch(logsources, event->batch);
    if (err == OK) {
        struct str class = logsource_decide(logsources, event);
        const struct rule *rule = &explaining->rule;
        const struct logsource wanted = {rule->category, rule->product, rule->service};
        ret->routed = class_fits(wanted, class);
        err = arena_copy(explaining->mem, class, &ret->class);
    }
    logsources_free(logsources);
    return err;
}

static enum err summary_keep(struct explaining *explaining, struct rule_summary *ret)
{
    const struct rule *rule = &explaining->rule;
    struct rule_summary summary = {.kind = ALERT_RULE, .level = rule->level};
    const struct {
        struct str from;
        struct str *to;
    } texts[] = {
        {rule->id, &summary.id},
        {rule->name, &summary.name},
        {rule->title, &summary.title},
        {rule->author, &summary.author},
        {rule->link, &summary.link},
        {rule->tags, &summary.tags},
        {rule->category, &summary.category},
        {rule->product, &summary.product},
        {rule->service, &summary.service},
        {explaining->file, &summary.file},
    };
    enum err err = OK;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0] && err == OK; i++) {
        err = arena_copy(explaining->mem, texts[i].from, texts[i].to);
    }
    *ret = summary;
    return err;
}

static enum err parts_explain(struct explaining *explaining, struct explained *ret)
{
    size_t filters = 0;
    const struct part *part = explaining->draft.parts;
    for (const struct part *other = part->next; other != NULL; other = other->next) {
        filters++;
    }
    ret->filters = ARENA_ARRAY(explaining->mem, struct explanation, filters);
    if (ret->filters == NULL) {
        return ERR_MEMORY;
    }
    memset(ret->filters, 0, filters * sizeof *ret->filters);
    enum err err = part_explain(explaining, part, &ret->condition);
    for (part = part->next; part != NULL && err == OK; part = part->next) {
        err = part_explain(explaining, part, &ret->filters[ret->filters_count++]);
    }
    return err;
}

static enum err explaining_run(struct explaining *explaining, struct str bundle, struct str rule,
                               const struct lists *lists, struct explained *ret, struct why *why)
{
    const struct yaml_node *document;
    struct explained explained = {0};
    enum err err = document_find(explaining, bundle, rule, &document, why);
    if (err == OK && yaml_get(document, STR("detection")) == NULL) {
        return why_say(why, ERR_UNSUPPORTED, document->line,
                       "a correlation speaks of many events; explain a rule that it leans on");
    }
    explaining->compiler.draft = &explaining->draft;
    err = err == OK
              ? rule_compile(&explaining->compiler, document, explaining->file, &explaining->rule)
              : err;
    explaining->compiler.moment = explaining->moment;
    explaining->compiler.needs = &explaining->needs;
    err = err == OK ? parts_explain(explaining, &explained) : err;
    err = err == OK ? route_decide(explaining, &explained) : err;
    err = err == OK ? summary_keep(explaining, &explained.rule) : err;
    err = err == OK ? questions_answer(explaining, lists, &explained) : err;
    if (err == OK && !rule_ready(&explaining->rule, lists)) {
        err = arena_print(explaining->mem, &explained.condition.note,
                          "nobody has given values for: %.*s", STR_ARG(explaining->rule.needs));
        explained.held = false;
    }
    if (err == OK) {
        *ret = explained;
    }
    return err;
}

enum err explain_rule(struct str bundle, struct str rule, const struct event *event,
                      const struct lists *lists, struct arena *mem, struct explained *ret,
                      struct why *why)
{
    struct explaining explaining = {
        .mem = mem,
        .scratch = arena_new(SCRATCH_SIZE),
        .moment = arena_new(SCRATCH_SIZE),
        .event = event,
        .compiler = {.matcher = matcher_new(), .mem = arena_new(SCRATCH_SIZE), .why = why},
    };
    buf_init(&explaining.needs, (size_t)1 << 20);
    explaining.compiler.scratch = explaining.scratch;
    enum err err = explaining.scratch == NULL || explaining.moment == NULL ||
                           explaining.compiler.matcher == NULL || explaining.compiler.mem == NULL
                       ? ERR_MEMORY
                       : tuning_new(&explaining.compiler.tuning);
    err = err == OK ? explaining_run(&explaining, bundle, rule, lists, ret, why) : err;
    tuning_free(explaining.compiler.tuning);
    matcher_free(explaining.compiler.matcher);
    arena_free(explaining.compiler.mem);
    arena_free(explaining.moment);
    arena_free(explaining.scratch);
    buf_done(&explaining.needs);
    return err;
}
