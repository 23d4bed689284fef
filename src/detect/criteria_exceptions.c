/*
 * Exceptions: what both sides agree not to report, as Sigma.  The text of one is either searches
 * with a condition, or a Sigma filter file as it is:
 *
 *     probe:                                  title: Health checks
 *         user_agent|startswith: Health/      logsource: {category: webserver}
 *     except: probe                           filter:
 *                                                 rules: [5d7e0c51-…]
 *                                                 probe:
 *                                                     user_agent|startswith: Health/
 *                                                 condition: not probe
 *
 * The specification (Sigma filters 2.1) leaves open what `condition` means.  We read it as pySigma
 * does: it is joined to the rule's condition by `and`, so it says what is still reported, and an
 * event is excepted where it does not hold.  Since people keep getting that the wrong way round,
 * `except` says it straight: an event is excepted where it holds.  One of the two must be there.
 *
 * An exception concerns the rules that its keys say; where they say nothing, those that the
 * filter's own `rules` name (`any`: all).  The filter's log source is asked of the event's class.
 *
 * Always true:
 *
 *   (1) An exception holds from the first moment of its first day to the last of its last, UTC, by
 *       the time at which the event arrived.  Without both days it holds for nothing.
 *   (2) A text that cannot be compiled, or that names a placeholder without a list, excepts
 * nothing; such a draft is refused. (3) No exception lasts more than a year: DAYS_MAX days after
 * the first.
 */

#include "detect/criteria_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "codec/time.h"
#include "detect/sigma_private.h"

#define DAY_NS      (24LL * 3600 * NS_PER_SECOND)
#define DAYS_MAX    366
#define SCRATCH_MAX ((size_t)64 * 1024 * 1024) /* one filter as a tree */

static enum err filter_compile(struct compiler *compiler, struct str text, struct exemption *ret);

/* ---- The text. */

/* What is excepted: `except` as it stands, `condition` turned round. */
static enum err body_compile(struct compiler *compiler, const struct yaml_node *body,
                             const struct expr **ret)
{
    static const char *const reserved[] = {"condition", "except", "rules", NULL};
    const struct yaml_node *except = yaml_get(body, STR("except"));
    const struct yaml_node *condition = yaml_get(body, STR("condition"));
    const struct yaml_node *said = except != NULL ? except : condition;
    struct part part = {0};
    if ((except != NULL) == (condition != NULL) || said->kind != YAML_SCALAR) {
        return why_say_at(compiler->why, ERR_SYNTAX, body->line, body->column,
                          "one of 'except' (what is not reported) and 'condition' (what still is) "
                          "must be a text");
    }
    buf_reset(compiler->needs);
    compiler->waits = false;
    enum err err = part_read(body, except != NULL ? "except" : "condition", reserved,
                             compiler->scratch, &part, compiler->why);
    part.negated = except == NULL;
    err = err == OK ? part_compile(compiler, &part, ret) : err;
    if (err == OK && compiler->waits) {
        err = why_say_at(compiler->why, ERR_SYNTAX, body->line, body->column,
                         "no list can stand where the placeholder '%.*s' does",
                         STR_ARG(buf_str(compiler->needs)));
    }
    return err;
}

static enum err source_read(struct compiler *compiler, const struct yaml_node *source,
                            struct exemption *filter)
{
    static const char *const keys[] = {"category", "product", "service"};
    struct str *const parts[] = {&filter->category, &filter->product, &filter->service};
    enum err err = OK;
    for (size_t i = 0; i < 3 && err == OK; i++) {
        const struct yaml_node *part = yaml_get(source, str_from(keys[i]));
        if (part != NULL && part->kind == YAML_SCALAR && !yaml_is_null(part)) {
            err = arena_copy(compiler->mem, part->text, parts[i]);
        }
    }
    return err;
}

static int texts_compare(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

/* `rules: any`, an id, or a list of ids. */
static enum err rules_read(struct compiler *compiler, const struct yaml_node *rules,
                           struct exemption *filter)
{
    char text[FOLDED_MAX];
    filter->says_rules = rules != NULL;
    if (rules == NULL) {
        return OK;
    }
    bool one = rules->kind == YAML_SCALAR;
    const struct yaml_node *node = one ? rules : rules->first;
    filter->any_rule = one && str_equal_nocase(rules->text, STR("any"));
    filter->rules.list = ARENA_ARRAY(compiler->mem, struct str, one ? 1 : rules->count + 1);
    enum err err = filter->rules.list == NULL ? ERR_MEMORY : OK;
    for (; node != NULL && err == OK; node = one ? NULL : node->next) {
        if (node->kind != YAML_SCALAR) {
            return why_say_at(compiler->why, ERR_SYNTAX, node->line, node->column,
                              "rules are named by their ids");
        }
        err = arena_copy(compiler->mem, text_fold(node->text, text),
                         &filter->rules.list[filter->rules.count++]);
    }
    if (err == OK && filter->rules.count > 1) {
        qsort(filter->rules.list, filter->rules.count, sizeof(struct str), texts_compare);
    }
    return err;
}

static enum err filter_compile(struct compiler *compiler, struct str text, struct exemption *ret)
{
    struct exemption filter = {0};
    struct yaml_node *document = NULL;
    enum err err = yaml_parse(text, compiler->scratch, &document, compiler->why);
    if (err != OK) {
        return err;
    }
    if (document == NULL || document->kind != YAML_MAPPING || document->next != NULL) {
        return why_say_at(compiler->why, ERR_SYNTAX, 1, 1, "a filter is one mapping");
    }
    const struct yaml_node *body = yaml_get(document, STR("filter"));
    const struct yaml_node *inner = body != NULL ? yaml_get(body, STR("condition")) : NULL;
    bool file = inner != NULL || (body != NULL && yaml_get(body, STR("except")) != NULL);
    body = file ? body : document;
    err = source_read(compiler, file ? yaml_get(document, STR("logsource")) : NULL, &filter);
    err = err == OK ? rules_read(compiler, yaml_get(body, STR("rules")), &filter) : err;
    err = err == OK ? body_compile(compiler, body, &filter.expr) : err;
    if (err == OK) {
        *ret = filter;
    }
    return err;
}

/* ---- A draft. */

static bool days_read(const struct element *item, struct wall *ret_from, struct wall *ret_until)
{
    struct wall last;
    if (time_parse(element_text(item, "since"), ret_from) != OK ||
        time_parse(element_text(item, "expires"), &last) != OK) {
        return false;
    }
    ret_until->ns = last.ns + DAY_NS;
    return true;
}

static enum err said_check(const struct element *item, struct why *why)
{
    static const char *const needed[] = {"filter", "owner", "reason", "since", "expires"};
    struct wall from = {0};
    struct wall until = {0};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (element_get(item, needed[i]) == NULL) {
            return why_say_at(why, ERR_SYNTAX, item->line, item->column,
                              "the exception '%.*s' does not say its '%s'", STR_ARG(item->slug),
                              needed[i]);
        }
    }
    const struct element *expires = element_get(item, "expires");
    if (!days_read(item, &from, &until) || until.ns <= from.ns ||
        until.ns - from.ns > (DAYS_MAX + 1) * DAY_NS) {
        return why_say_at(why, ERR_SYNTAX, expires->line, expires->column,
                          "an exception ends on its first day or up to %d days later", DAYS_MAX);
    }
    return OK;
}

/* Whether there is a list for each placeholder of the filter that was compiled last. */
static bool needs_met(const struct compiler *compiler, const struct lists *lists,
                      struct str *ret_first)
{
    struct str rest = buf_str(compiler->needs);
    while (rest.size > 0) {
        *ret_first = str_trim(str_cut(&rest, ','));
        if (!lists_have(lists, *ret_first)) {
            return false;
        }
    }
    return true;
}

/* The message says where in the document the filter stands, and where in the filter the mistake. */
static enum err filter_check(const struct element *item, struct compiler *compiler,
                             const struct lists *lists, struct why *why)
{
    const struct element *text = element_get(item, "filter");
    bool named = element_get(item, "rules") != NULL || element_get(item, "tags") != NULL ||
                 element_number(item, "all_rules", 0) != 0;
    struct exemption filter;
    struct str missing;
    enum err err = filter_compile(compiler, text->text, &filter);
    if (err == OK && !needs_met(compiler, lists, &missing)) {
        return why_say_at(why, ERR_SYNTAX, text->line, text->column,
                          "no list of this document gives the placeholder '%.*s' values",
                          STR_ARG(missing));
    }
    if (err == OK && !named && !filter.says_rules) {
        return why_say_at(why, ERR_SYNTAX, item->line, item->column,
                          "the exception '%.*s' names no rules; say rules, tags or all_rules",
                          STR_ARG(item->slug));
    }
    if (err != OK && err != ERR_MEMORY) {
        const struct why *inner = compiler->why;
        return why_say_at(why, ERR_SYNTAX, text->line, text->column,
                          "in the filter, line %u, column %u: %s", (unsigned)inner->line,
                          (unsigned)inner->column,
                          inner->text[0] != '\0' ? inner->text : err_text(err));
    }
    return err;
}

/* The names of the document's lists, without their values. */
static enum err names_make(const struct element *list, struct arena *mem, struct lists **ret)
{
    struct value_list *names = ARENA_ARRAY(mem, struct value_list, DETECTION_LISTS_MAX);
    size_t count = 0;
    if (names == NULL) {
        return ERR_MEMORY;
    }
    for (const struct element *item = list != NULL ? list->first : NULL; item != NULL;
         item = item->next) {
        names[count++] = (struct value_list){.name = element_text(item, "placeholder")};
    }
    return lists_new(names, count, ret);
}

static enum err exceptions_check(const struct element *list, const struct element *lists,
                                 struct why *why)
{
    struct lists *names = NULL;
    struct why inner;
    struct buf needs;
    struct compiler compiler = {.matcher = matcher_new(),
                                .mem = arena_new(CRITERIA_MEMORY_MAX),
                                .scratch = arena_new(SCRATCH_MAX),
                                .moment = arena_new(SCRATCH_MAX),
                                .why = &inner,
                                .needs = &needs};
    buf_init(&needs, NEEDS_SIZE_MAX);
    bool made = compiler.matcher != NULL && compiler.mem != NULL && compiler.scratch != NULL &&
                compiler.moment != NULL;
    if (made) {
        matcher_limit(compiler.matcher, EXCEPTIONS_WEIGHT_MAX);
    }
    enum err err = made ? names_make(lists, compiler.mem, &names) : ERR_MEMORY;
    for (const struct element *item = list->first; item != NULL && err == OK; item = item->next) {
        inner = (struct why){0};
        arena_reset(compiler.scratch);
        err = said_check(item, why);
        err = err == OK ? filter_check(item, &compiler, names, why) : err;
    }
    matcher_free(compiler.matcher);
    arena_free(compiler.mem);
    arena_free(compiler.scratch);
    arena_free(compiler.moment);
    buf_done(&needs);
    lists_free(names);
    return err;
}

static enum err placeholders_check(const struct element *list, struct why *why)
{
    for (const struct element *item = list->first; item != NULL; item = item->next) {
        const struct element *name = element_get(item, "placeholder");
        for (const struct element *other = list->first; other != item && name != NULL;
             other = other->next) {
            if (str_equal_nocase(element_text(other, "placeholder"), name->text)) {
                return why_say_at(why, ERR_SYNTAX, name->line, name->column,
                                  "the placeholder '%.*s' belongs to '%.*s' already",
                                  STR_ARG(name->text), STR_ARG(other->slug));
            }
        }
    }
    return OK;
}

enum err detection_check(const struct document *document, struct why *why)
{
    const struct element *lists = element_get(document->root, "lists");
    const struct element *exceptions = element_get(document->root, "exceptions");
    if (lists != NULL && lists->count > DETECTION_LISTS_MAX) {
        return why_say_at(why, ERR_LIMIT, lists->line, lists->column, "more than %d lists",
                          DETECTION_LISTS_MAX);
    }
    if (exceptions != NULL && exceptions->count > EXCEPTIONS_MAX) {
        return why_say_at(why, ERR_LIMIT, exceptions->line, exceptions->column,
                          "more than %d exceptions", EXCEPTIONS_MAX);
    }
    enum err err = lists != NULL ? placeholders_check(lists, why) : OK;
    return err == OK && exceptions != NULL ? exceptions_check(exceptions, lists, why) : err;
}

enum exception_state exception_state_at(const struct element *item, struct wall now,
                                        int64_t *ret_days)
{
    struct wall from;
    struct wall until;
    bool known = days_read(item, &from, &until);
    int64_t days = known && until.ns > now.ns ? (until.ns - now.ns - 1) / DAY_NS + 1 : 0;
    *ret_days = days;
    if (days == 0) {
        return EXCEPTION_EXPIRED;
    }
    if (now.ns < from.ns) {
        return EXCEPTION_AHEAD;
    }
    return days <= EXCEPTION_WARN_DAYS ? EXCEPTION_ENDING : EXCEPTION_ACTIVE;
}

/* ---- A generation. */

static enum err exception_make(struct exception *exception, const struct element *item,
                               const struct assets *assets, const struct lists *lists,
                               struct compiler *compiler, const struct making *making)
{
    struct exemption filter = {0};
    struct str missing;
    bool named = element_get(item, "rules") != NULL || element_get(item, "tags") != NULL ||
                 element_number(item, "all_rules", 0) != 0;
    enum err err = criterion_concern(&exception->concern, item, assets, making);
    err = err == OK ? arena_copy(making->mem, item->slug, &exception->concern.slug) : err;
    if (err != OK || !days_read(item, &exception->from, &exception->until)) {
        return err;
    }
    arena_reset(compiler->scratch);
    err = filter_compile(compiler, element_text(item, "filter"), &filter);
    if (err != OK || (!named && !filter.says_rules) || !needs_met(compiler, lists, &missing)) {
        return err == ERR_MEMORY ? err : OK; /* It excepts nothing. */
    }
    if (!named && !filter.any_rule) {
        exception->concern.rules = filter.rules;
    }
    exception->category = filter.category;
    exception->product = filter.product;
    exception->service = filter.service;
    exception->expr = filter.expr;
    return OK;
}

enum err exceptions_make(struct exceptions *exceptions, const struct assets *assets,
                         const struct lists *lists, const struct making *making)
{
    const struct element *list = element_get(making->detection, "exceptions");
    struct why inner;
    struct buf needs;
    if (list == NULL || list->count == 0) {
        return OK;
    }
    struct compiler compiler = {.matcher = matcher_new(),
                                .mem = making->mem,
                                .scratch = arena_new(SCRATCH_MAX),
                                .moment = arena_new(SCRATCH_MAX),
                                .why = &inner,
                                .needs = &needs};
    buf_init(&needs, NEEDS_SIZE_MAX);
    exceptions->matcher = compiler.matcher;
    exceptions->list = ARENA_ARRAY(making->mem, struct exception, list->count);
    bool made = compiler.matcher != NULL && compiler.scratch != NULL && compiler.moment != NULL &&
                exceptions->list != NULL;
    enum err err = made ? OK : ERR_MEMORY;
    for (const struct element *item = list->first; item != NULL && err == OK; item = item->next) {
        err = exception_make(&exceptions->list[exceptions->count++], item, assets, lists, &compiler,
                             making);
    }
    arena_free(compiler.scratch);
    arena_free(compiler.moment);
    buf_done(&needs);
    err = err == OK ? logsources_new(&exceptions->logsources) : err;
    err = err == OK ? reading_new(exceptions->matcher, &exceptions->reading) : err;
    if (err == OK) {
        reading_lists(exceptions->reading, lists);
    }
    return err;
}

void exceptions_done(struct exceptions *exceptions)
{
    for (size_t i = 0; i < exceptions->count; i++) {
        criterion_done(&exceptions->list[i].concern);
    }
    logsources_free(exceptions->logsources);
    reading_free(exceptions->reading);
    matcher_free(exceptions->matcher);
}

/* ---- An event. */

enum err exception_fits_event(const struct exceptions *exceptions, size_t index,
                              const struct assets *assets, const struct hit *hit,
                              const struct event *event, bool *ret)
{
    const struct exception *exception = &exceptions->list[index];
    const struct logsource wanted = {exception->category, exception->product, exception->service};
    enum err err = logsources_batch(exceptions->logsources, event->batch);
    if (err != OK) {
        return err;
    }
    if (exception->expr == NULL || event->received.ns < exception->from.ns ||
        event->received.ns >= exception->until.ns ||
        !class_fits(wanted, logsource_decide(exceptions->logsources, event)) ||
        !criterion_fits_place(&exception->concern, assets, hit)) {
        *ret = false;
        return OK;
    }
    return reading_holds(exceptions->reading, exception->expr, ret);
}
