/*
 * The rule set: a bundle of texts, compiled.
 *
 *     bundle, for each file        OFFSET  SIZE  MEANING
 *                                       0     4  size of the path, p
 *                                       4     4  size of the text, t
 *                                       8     p  path
 *                                     8+p     t  text
 *
 * Integers are little-endian.  The set's name is the SHA-256 of its bundle: whoever packs the same
 * files in the same order gets the same name.
 *
 * All rules share one matcher, so that a question that many rules ask of an event is answered once.
 * Rules are routed by the event's class, "category/product/service": one applies if each part of
 * the class that its log source names is the same; the list of those that apply is made when a
 * class is first seen.
 *
 * Always true: every document of every file is counted, and is either loaded or in the report.  No
 * two loaded rules have the same id, since alerts are unique by it.
 */

#include "detect/private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/map.h"
#include "codec/crypto.h"

#define RULESET_SIZE_MAX ((size_t)1024 * 1024 * 1024)
#define SCRATCH_SIZE_MAX ((size_t)256 * 1024 * 1024) /* YAML_NODES_MAX nodes and their texts */
#define CLASSES_MAX      1024 /* remembered routes; what a hostile sender may make us keep */
#define ALERTS_SIZE_MAX  ((size_t)1024 * 1024 * 1024) /* every rule on every event of a batch */
#define RULES_SEED       0x72756c6573ull

/* The rules that apply to one class. */
struct route {
    uint32_t *rules;
    size_t count;
};

struct ruleset {
    struct arena *mem;
    struct matcher *matcher;
    struct reading *reading; /* working memory, as are routes: no part of what the set says */
    struct buf rules;        /* struct rule each */
    struct map ids;
    struct map classes; /* class to its route's number, from 0 */
    struct buf routes;  /* struct route each */
    char hash[2 * SHA256_SIZE + 1];
};

struct loading {
    struct ruleset *ruleset;
    struct arena *mem;
    struct arena *scratch;
    struct buf refused; /* struct rule_problem each */
    struct buf needs_values;
    struct ruleset_report report;
    struct str path;
    struct str version;
};

static enum err bundle_next(struct str *bundle, struct str *ret_path, struct str *ret_text);
static enum err file_load(struct loading *loading, struct str text);
static enum err report_end(struct loading *loading, struct ruleset_report *ret);
static struct rule *rule_at(const struct ruleset *ruleset, size_t index);

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

static enum err ruleset_new(struct str bundle, struct ruleset **ret)
{
    struct ruleset *ruleset = calloc(1, sizeof *ruleset);
    if (ruleset == NULL) {
        return ERR_MEMORY;
    }
    buf_init(&ruleset->rules, RULESET_SIZE_MAX);
    buf_init(&ruleset->routes, RULESET_SIZE_MAX);
    map_init(&ruleset->ids, RULES_MAX, RULES_SEED);
    map_init(&ruleset->classes, CLASSES_MAX, (uint64_t)(uintptr_t)ruleset);
    ruleset->mem = arena_new(RULESET_SIZE_MAX);
    ruleset->matcher = matcher_new();
    struct sha256 hash = sha256_of_bytes(bundle);
    (void)hex_print(hash.bytes, sizeof hash.bytes, ruleset->hash);
    *ret = ruleset;
    return ruleset->mem == NULL || ruleset->matcher == NULL ? ERR_MEMORY : OK;
}

enum err ruleset_load(struct str bundle, struct arena *mem, struct ruleset **ret,
                      struct ruleset_report *ret_report, struct why *why)
{
    struct loading loading = {.mem = mem, .scratch = arena_new(SCRATCH_SIZE_MAX)};
    struct str rest = bundle;
    buf_init(&loading.refused, RULESET_SIZE_MAX);
    buf_init(&loading.needs_values, RULESET_SIZE_MAX);
    enum err err = bundle.size > RULES_SIZE_MAX
                       ? why_say(why, ERR_LIMIT, 0, "the rules have more than %d bytes together",
                                 RULES_SIZE_MAX)
                       : ruleset_new(bundle, &loading.ruleset);
    if (loading.scratch == NULL) {
        err = ERR_MEMORY;
    }
    while (err == OK && rest.size > 0) {
        struct str text = {0};
        err = bundle_next(&rest, &loading.path, &text);
        if (err == ERR_CORRUPT) {
            err = why_say(why, ERR_CORRUPT, 0, "a bundle of rules is cut or damaged");
        }
        err = err == OK ? file_load(&loading, text) : err;
    }
    if (err == OK) {
        err = reading_new(loading.ruleset->matcher, &loading.ruleset->reading);
    }
    err = err == OK ? report_end(&loading, ret_report) : err;
    arena_free(loading.scratch);
    buf_done(&loading.refused);
    buf_done(&loading.needs_values);
    if (err != OK) {
        ruleset_free(loading.ruleset);
        return err;
    }
    *ret = loading.ruleset;
    return OK;
}

void ruleset_free(struct ruleset *ruleset)
{
    if (ruleset == NULL) {
        return;
    }
    for (size_t at = 0; at < ruleset->routes.size; at += sizeof(struct route)) {
        struct route route;
        memcpy(&route, ruleset->routes.data + at, sizeof route);
        free(route.rules);
    }
    reading_free(ruleset->reading);
    matcher_free(ruleset->matcher);
    arena_free(ruleset->mem);
    buf_done(&ruleset->rules);
    buf_done(&ruleset->routes);
    map_done(&ruleset->ids);
    map_done(&ruleset->classes);
    free(ruleset);
}

struct str ruleset_hash(const struct ruleset *ruleset)
{
    return str_from(ruleset->hash);
}

size_t ruleset_rules(const struct ruleset *ruleset)
{
    return ruleset->rules.size / sizeof(struct rule);
}

void ruleset_rule(const struct ruleset *ruleset, size_t index, struct rule_summary *ret)
{
    const struct rule *rule = rule_at(ruleset, index);
    *ret = (struct rule_summary){
        .id = rule->id,
        .title = rule->title,
        .author = rule->author,
        .link = rule->link,
        .tags = rule->tags,
        .version = rule->version,
        .category = rule->category,
        .product = rule->product,
        .service = rule->service,
        .level = rule->level,
    };
}

static struct rule *rule_at(const struct ruleset *ruleset, size_t index)
{
    assert(index < ruleset_rules(ruleset));
    return (struct rule *)(void *)(ruleset->rules.data + index * sizeof(struct rule));
}

/* ---- Loading. */

static enum err bundle_next(struct str *bundle, struct str *ret_path, struct str *ret_text)
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

static enum err problem_add(struct loading *loading, struct buf *list, uint32_t line,
                            struct str reason)
{
    struct rule_problem problem = {.line = line};
    enum err err = arena_copy(loading->mem, loading->path, &problem.file);
    err = err == OK ? arena_copy(loading->mem, reason, &problem.reason) : err;
    return err == OK ? buf_append(list, str_of(&problem, sizeof problem)) : err;
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
        .why = &why,
    };
    struct rule rule;
    loading->report.rules++;
    enum err err = rule_compile(&compiler, document, loading->path, &rule);
    if (err == ERR_AGAIN) {
        return problem_add(loading, &loading->needs_values, why.line, compiler.placeholder);
    }
    uint64_t other;
    if (err == OK && map_get(&ruleset->ids, rule.id, &other)) {
        err = why_say(&why, ERR_CONFLICT, document->line, "the id %.*s belongs to '%.*s' already",
                      STR_ARG(rule.id), STR_ARG(rule_at(ruleset, other)->title));
    }
    if (err == ERR_MEMORY) {
        return err;
    }
    if (err == OK && loading->report.loaded == RULES_MAX) {
        err = why_say(&why, ERR_LIMIT, document->line, "more than %d rules", RULES_MAX);
    }
    if (err != OK) {
        return refuse(loading, document->line, err, &why);
    }
    rule.version = loading->version;
    err = map_put(&ruleset->ids, rule.id, ruleset_rules(ruleset));
    err = err == OK ? buf_append(&ruleset->rules, str_of(&rule, sizeof rule)) : err;
    loading->report.loaded += err == OK;
    return err;
}

static enum err document_load(struct loading *loading, const struct yaml_node *document)
{
    struct why why = {0};
    if (yaml_get(document, STR("correlation")) != NULL) {
        loading->report.correlations++;
        (void)why_say(&why, ERR_UNSUPPORTED, document->line, "correlations are not run yet");
    } else if (yaml_get(document, STR("filter")) != NULL) {
        loading->report.filters++;
        (void)why_say(&why, ERR_UNSUPPORTED, document->line, "filters are not applied yet");
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

static enum err problems_end(struct loading *loading, const struct buf *list,
                             struct rule_problem **ret, size_t *ret_count)
{
    *ret_count = list->size / sizeof(struct rule_problem);
    *ret = ARENA_ARRAY(loading->mem, struct rule_problem, *ret_count);
    if (*ret == NULL) {
        return ERR_MEMORY;
    }
    if (list->size > 0) {
        memcpy(*ret, list->data, list->size);
    }
    return OK;
}

static enum err report_end(struct loading *loading, struct ruleset_report *ret)
{
    struct ruleset_report report = loading->report;
    enum err err = problems_end(loading, &loading->refused, &report.refused, &report.refused_count);
    if (err == OK) {
        err = problems_end(loading, &loading->needs_values, &report.needs_values,
                           &report.needs_values_count);
    }
    if (err == OK) {
        *ret = report;
    }
    return err;
}

/* ---- Judging. */

static bool part_fits(struct str wanted, struct str part)
{
    return wanted.size == 0 || str_equal_nocase(wanted, part);
}

static bool category_fits(struct str wanted, struct str category)
{
    return part_fits(wanted, category) || (str_equal_nocase(wanted, STR("registry_event")) &&
                                           str_starts(category, STR("registry_")));
}

static enum err route_make(const struct ruleset *ruleset, struct str class, struct route *ret)
{
    size_t rules = ruleset_rules(ruleset);
    struct route route = {.rules = calloc(rules + 1, sizeof *route.rules)};
    if (route.rules == NULL) {
        return ERR_MEMORY;
    }
    struct str rest = class;
    struct str category = str_cut(&rest, '/');
    struct str product = str_cut(&rest, '/');
    for (size_t i = 0; i < rules; i++) {
        const struct rule *rule = rule_at(ruleset, i);
        if (category_fits(rule->category, category) && part_fits(rule->product, product) &&
            part_fits(rule->service, rest)) {
            route.rules[route.count++] = (uint32_t)i;
        }
    }
    *ret = route;
    return OK;
}

/* The route of a class, remembered; beyond CLASSES_MAX all are forgotten and learned again. */
static enum err route_find(struct ruleset *ruleset, struct str class, struct route *ret)
{
    uint64_t index;
    if (map_get(&ruleset->classes, class, &index)) {
        memcpy(ret, ruleset->routes.data + index * sizeof *ret, sizeof *ret);
        return OK;
    }
    struct route route;
    enum err err = route_make(ruleset, class, &route);
    if (err != OK) {
        return err;
    }
    if (ruleset->classes.count == CLASSES_MAX) {
        for (size_t at = 0; at < ruleset->routes.size; at += sizeof(struct route)) {
            struct route old;
            memcpy(&old, ruleset->routes.data + at, sizeof old);
            free(old.rules);
        }
        uint64_t seed = ruleset->classes.seed;
        buf_reset(&ruleset->routes);
        map_done(&ruleset->classes);
        map_init(&ruleset->classes, CLASSES_MAX, seed);
    }
    index = ruleset->routes.size / sizeof route;
    err = buf_append(&ruleset->routes, str_of(&route, sizeof route));
    if (err != OK) {
        free(route.rules);
        return err;
    }
    err = map_put(&ruleset->classes, class, index);
    if (err == OK) {
        *ret = route;
    }
    return err;
}

static enum err hit_add(struct buf *hits, const struct event *event, const struct rule *rule,
                        struct place first)
{
    struct alert alert = {
        .place = {first.client, first.sequence + event->index},
        .source = event->batch->source,
        .received = event->received,
        .happened = event->happened,
        .level = rule->level,
        .rule_id = rule->id,
        .rule_title = rule->title,
        .rule_author = rule->author,
        .rule_link = rule->link,
        .rule_tags = rule->tags,
        .rule_version = rule->version,
        .outcome = {.type = rule->type, .severity = rule->level},
    };
    return buf_append(hits, str_of(&alert, sizeof alert));
}

static enum err event_judge(struct ruleset *ruleset, const struct event *event, struct place first,
                            struct buf *hits)
{
    struct route route;
    char text[CLASS_SIZE];
    struct str class = event->class;
    if (class.size == 0) {
        (void)windows_class(event, &class, text);
    }
    enum err err = route_find(ruleset, class, &route);
    if (err != OK || route.count == 0) {
        return err;
    }
    err = reading_event(ruleset->reading, event);
    for (size_t i = 0; i < route.count && err == OK; i++) {
        const struct rule *rule = rule_at(ruleset, route.rules[i]);
        bool holds = false;
        err = reading_holds(ruleset->reading, rule->condition, &holds);
        if (err == OK && holds) {
            err = hit_add(hits, event, rule, first);
        }
    }
    return err;
}

static enum err batch_judge(const struct ruleset *ruleset, const struct batch *batch,
                            struct place first, struct arena *turn, struct alerts *ret)
{
    /* What changes is working memory; what the set says stays as it is. */
    struct ruleset *working = (struct ruleset *)(uintptr_t)ruleset;
    struct buf hits;
    buf_init(&hits, ALERTS_SIZE_MAX);
    enum err err = OK;
    for (uint32_t i = 0; i < batch->events && err == OK; i++) {
        struct event event;
        batch_event(batch, i, &event);
        err = event_judge(working, &event, first, &hits);
    }
    struct alerts alerts = {.count = hits.size / sizeof(struct alert)};
    if (err == OK) {
        alerts.list = ARENA_ARRAY(turn, struct alert, alerts.count);
        err = alerts.list == NULL ? ERR_MEMORY : OK;
    }
    if (err == OK) {
        if (hits.size > 0) {
            memcpy(alerts.list, hits.data, hits.size);
        }
        *ret = alerts;
    }
    buf_done(&hits);
    return err;
}

enum err detect_batch(const struct scope *scope, const struct ruleset *ruleset,
                      const struct batch *batch, struct place first, struct arena *turn,
                      struct alerts *ret)
{
    if (!client_equal(first.client, batch->client) ||
        !scope_allows(scope, batch->client, RIGHT_APPEND)) {
        return ERR_DENIED;
    }
    return batch_judge(ruleset, batch, first, turn, ret);
}

enum err ruleset_judge(const struct ruleset *ruleset, const struct batch *batch, struct arena *turn,
                       struct alerts *ret)
{
    return batch_judge(ruleset, batch, (struct place){0}, turn, ret);
}
