/*
 * One Sigma rule out of its YAML document (Sigma specification 2.1).
 *
 * Needed are title, logsource and a detection with a condition; a rule without an id goes by its
 * file's path, one without a level is of medium level (Sigma leaves the level open; the middle
 * neither hides nor alarms).  Unknown keys and tags are kept out of the way, not refused: rule sets
 * carry keys of their own.  Several conditions in a list: any of them.
 */

#include "detect/sigma_private.h"

#include "detect/criteria.h"

#define TAGS_SIZE_MAX   16384 /* one text of an alert (event/alert.c) */
#define MOMENT_SIZE_MAX ((size_t)128 * 1024 * 1024)

static enum err detection_compile(struct compiler *compiler, const struct yaml_node *detection,
                                  struct draft *draft, const struct expr **ret);
static enum err logsource_keep(struct compiler *compiler, const struct draft *draft,
                               struct rule *rule);
static enum err head_read(struct compiler *compiler, const struct yaml_node *document,
                          struct str path, struct rule *rule);
static enum err logsource_read(struct compiler *compiler, const struct yaml_node *document,
                               struct rule *rule);
static enum err text_read(struct compiler *compiler, const struct yaml_node *node, struct str *ret);
static enum err tags_read(struct compiler *compiler, const struct yaml_node *tags, struct str *ret);
static enum err link_read(struct compiler *compiler, const struct yaml_node *references,
                          struct str *ret);

enum err rule_head_compile(struct compiler *compiler, const struct yaml_node *document,
                           struct str path, struct rule *ret)
{
    struct rule rule = {.level = LEVEL_MEDIUM};
    enum err err = head_read(compiler, document, path, &rule);
    if (err == OK) {
        rule.type = criteria_type_of_rule(rule.tags, rule.title);
        *ret = rule;
    }
    return err;
}

enum err rule_compile(struct compiler *compiler, const struct yaml_node *document, struct str path,
                      struct rule *ret)
{
    struct rule rule;
    enum err err = rule_head_compile(compiler, document, path, &rule);
    if (err == OK) {
        err = logsource_read(compiler, document, &rule);
    }
    const struct yaml_node *detection = yaml_get(document, STR("detection"));
    if (err == OK && (detection == NULL || detection->kind != YAML_MAPPING)) {
        return why_say(compiler->why, ERR_SYNTAX, document->line, "the rule has no detection");
    }
    struct draft draft = {.document = document,
                          .id = rule.id,
                          .name = rule.name,
                          .tags = rule.tags,
                          .category = rule.category,
                          .product = rule.product,
                          .service = rule.service};
    struct buf needs;
    buf_init(&needs, NEEDS_SIZE_MAX);
    if (err == OK) {
        compiler->needs = &needs;
        compiler->moment = arena_new(MOMENT_SIZE_MAX);
        err = compiler->moment == NULL
                  ? ERR_MEMORY
                  : detection_compile(compiler, detection, &draft, &rule.condition);
        arena_free(compiler->moment);
        compiler->moment = NULL;
        compiler->needs = NULL;
    }
    err = err == OK ? arena_copy(compiler->mem, buf_str(&needs), &rule.needs) : err;
    buf_done(&needs);
    if (err == OK) {
        err = logsource_keep(compiler, &draft, &rule);
    }
    if (err == OK) {
        *ret = rule;
    }
    return err;
}

bool rule_ready(const struct rule *rule, const struct lists *lists)
{
    struct str rest = rule->needs;
    bool ready = true;
    while (rest.size > 0 && ready) {
        ready = lists_have(lists, str_trim(str_cut(&rest, ',')));
    }
    return ready;
}

/* All that stands outside the detection. */
static enum err head_read(struct compiler *compiler, const struct yaml_node *document,
                          struct str path, struct rule *rule)
{
    const struct yaml_node *title = yaml_get(document, STR("title"));
    const struct yaml_node *level = yaml_get(document, STR("level"));
    if (title == NULL || title->kind != YAML_SCALAR || title->text.size == 0) {
        return why_say(compiler->why, ERR_SYNTAX, document->line, "the rule has no title");
    }
    if (level != NULL && !yaml_is_null(level) &&
        (level->kind != YAML_SCALAR || level_parse(level->text, &rule->level) != OK)) {
        return why_say_at(compiler->why, ERR_SYNTAX, level->line, level->column,
                          "a level is informational, low, medium, high or critical");
    }
    enum err err = text_read(compiler, title, &rule->title);
    err = err == OK ? text_read(compiler, yaml_get(document, STR("id")), &rule->id) : err;
    if (err == OK && rule->id.size == 0) {
        err = arena_copy(compiler->mem, path, &rule->id);
    }
    err = err == OK ? text_read(compiler, yaml_get(document, STR("name")), &rule->name) : err;
    err = err == OK ? text_read(compiler, yaml_get(document, STR("author")), &rule->author) : err;
    err = err == OK ? text_read(compiler, yaml_get(document, STR("status")), &rule->status) : err;
    if (err == OK) {
        err = link_read(compiler, yaml_get(document, STR("references")), &rule->link);
    }
    if (err == OK) {
        err = tags_read(compiler, yaml_get(document, STR("tags")), &rule->tags);
    }
    return err;
}

/* The detection as filters and pipelines leave it. */
static enum err detection_compile(struct compiler *compiler, const struct yaml_node *detection,
                                  struct draft *draft, const struct expr **ret)
{
    static const char *const reserved[] = {"condition", "timeframe", NULL};
    struct part *own = ARENA_ONE(compiler->scratch, struct part);
    enum err err = own == NULL ? ERR_MEMORY
                               : part_read(detection, "condition", reserved, compiler->scratch, own,
                                           compiler->why);
    draft->parts = own;
    if (err == OK && compiler->tuning != NULL) {
        err = filters_join(compiler->tuning, draft, compiler->scratch);
    }
    if (err == OK && compiler->tuning != NULL) {
        err = pipelines_apply(compiler->tuning, draft, compiler->scratch, compiler->why);
    }
    compiler->logsource = (struct logsource){draft->category, draft->product, draft->service};
    if (compiler->draft != NULL) {
        *compiler->draft = *draft;
    }
    return err == OK ? draft_compile(compiler, draft, ret) : err;
}

/* What a pipeline may have changed. */
static enum err logsource_keep(struct compiler *compiler, const struct draft *draft,
                               struct rule *rule)
{
    enum err err = arena_copy(compiler->mem, draft->category, &rule->category);
    err = err == OK ? arena_copy(compiler->mem, draft->product, &rule->product) : err;
    return err == OK ? arena_copy(compiler->mem, draft->service, &rule->service) : err;
}

static enum err logsource_read(struct compiler *compiler, const struct yaml_node *document,
                               struct rule *rule)
{
    const struct yaml_node *source = yaml_get(document, STR("logsource"));
    if (source == NULL || source->kind != YAML_MAPPING) {
        return why_say(compiler->why, ERR_SYNTAX, document->line, "the rule has no logsource");
    }
    enum err err = text_read(compiler, yaml_get(source, STR("category")), &rule->category);
    if (err == OK) {
        err = text_read(compiler, yaml_get(source, STR("product")), &rule->product);
    }
    if (err == OK) {
        err = text_read(compiler, yaml_get(source, STR("service")), &rule->service);
    }
    compiler->logsource = (struct logsource){rule->category, rule->product, rule->service};
    return err;
}

/* A text for good; none for a missing node or null. */
static enum err text_read(struct compiler *compiler, const struct yaml_node *node, struct str *ret)
{
    if (node == NULL || yaml_is_null(node)) {
        *ret = (struct str){0};
        return OK;
    }
    if (node->kind != YAML_SCALAR) {
        return why_say_at(compiler->why, ERR_SYNTAX, node->line, node->column,
                          "this must be a text");
    }
    return arena_copy(compiler->mem, str_trim(node->text), ret);
}

static enum err tags_read(struct compiler *compiler, const struct yaml_node *tags, struct str *ret)
{
    *ret = (struct str){0};
    if (tags == NULL || tags->kind != YAML_SEQUENCE) {
        return OK;
    }
    struct buf joined;
    buf_init(&joined, TAGS_SIZE_MAX);
    enum err err = OK;
    for (const struct yaml_node *tag = tags->first; tag != NULL && err == OK; tag = tag->next) {
        if (tag->kind == YAML_SCALAR) {
            err = joined.size > 0 ? buf_append_byte(&joined, ' ') : OK;
            err = err == OK ? buf_append(&joined, tag->text) : err;
        }
    }
    if (err == ERR_LIMIT) {
        err = why_say(compiler->why, ERR_LIMIT, tags->line, "the tags have more than %d bytes",
                      TAGS_SIZE_MAX);
    }
    err = err == OK ? arena_copy(compiler->mem, buf_str(&joined), ret) : err;
    buf_done(&joined);
    return err;
}

static enum err link_read(struct compiler *compiler, const struct yaml_node *references,
                          struct str *ret)
{
    const struct yaml_node *first = references;
    if (references != NULL && references->kind == YAML_SEQUENCE) {
        first = references->first;
    }
    *ret = (struct str){0};
    return first != NULL && first->kind == YAML_SCALAR ? text_read(compiler, first, ret) : OK;
}
