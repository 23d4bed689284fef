/*
 * One Sigma rule out of its YAML document (Sigma specification 2.1).
 *
 * Needed are title, logsource and a detection with a condition; a rule without an id goes by its
 * file's path, one without a level is of medium level (Sigma leaves the level open; the middle
 * neither hides nor alarms).  Unknown keys and tags are kept out of the way, not refused: rule sets
 * carry keys of their own.  Several conditions in a list: any of them.
 */

#include "detect/private.h"

#include "detect/criteria.h"

#define TAGS_SIZE_MAX 16384 /* one text of an alert (event/alert.c) */

static enum err detection_compile(struct compiler *compiler, const struct yaml_node *detection,
                                  const struct expr **ret);
static enum err logsource_read(struct compiler *compiler, const struct yaml_node *document,
                               struct rule *rule);
static enum err text_read(struct compiler *compiler, const struct yaml_node *node, struct str *ret);
static enum err tags_read(struct compiler *compiler, const struct yaml_node *tags, struct str *ret);
static enum err link_read(struct compiler *compiler, const struct yaml_node *references,
                          struct str *ret);

enum err rule_compile(struct compiler *compiler, const struct yaml_node *document, struct str path,
                      struct rule *ret)
{
    struct rule rule = {.level = LEVEL_MEDIUM};
    const struct yaml_node *title = yaml_get(document, STR("title"));
    const struct yaml_node *level = yaml_get(document, STR("level"));
    const struct yaml_node *id = yaml_get(document, STR("id"));
    if (title == NULL || title->kind != YAML_SCALAR || title->text.size == 0) {
        return why_say(compiler->why, ERR_SYNTAX, document->line, "the rule has no title");
    }
    if (level != NULL &&
        (level->kind != YAML_SCALAR || level_parse(level->text, &rule.level) != OK)) {
        return why_say_at(compiler->why, ERR_SYNTAX, level->line, level->column,
                          "a level is informational, low, medium, high or critical");
    }
    enum err err = text_read(compiler, title, &rule.title);
    if (err == OK) {
        err = text_read(compiler, id, &rule.id);
    }
    if (err == OK && rule.id.size == 0) {
        err = arena_copy(compiler->mem, path, &rule.id);
    }
    if (err == OK) {
        err = text_read(compiler, yaml_get(document, STR("author")), &rule.author);
    }
    if (err == OK) {
        err = link_read(compiler, yaml_get(document, STR("references")), &rule.link);
    }
    if (err == OK) {
        err = tags_read(compiler, yaml_get(document, STR("tags")), &rule.tags);
    }
    if (err == OK) {
        err = logsource_read(compiler, document, &rule);
    }
    const struct yaml_node *detection = yaml_get(document, STR("detection"));
    if (err == OK && (detection == NULL || detection->kind != YAML_MAPPING)) {
        return why_say(compiler->why, ERR_SYNTAX, document->line, "the rule has no detection");
    }
    if (err == OK) {
        err = detection_compile(compiler, detection, &rule.condition);
    }
    if (err == OK) {
        rule.type = criteria_type_of_rule(rule.tags, rule.title);
        *ret = rule;
    }
    return err;
}

static bool is_search(const struct yaml_node *child)
{
    return !str_equal(child->key->text, STR("condition")) &&
           !str_equal(child->key->text, STR("timeframe"));
}

static enum err condition_read(struct compiler *compiler, const struct yaml_node *condition,
                               const struct selection *selections, size_t count,
                               const struct expr **ret)
{
    if (condition->kind == YAML_SCALAR) {
        return condition_compile(compiler, condition->text, condition->line, selections, count,
                                 ret);
    }
    const struct expr **list =
        ARENA_ARRAY(compiler->scratch, const struct expr *, condition->count);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    size_t listed = 0;
    for (const struct yaml_node *node = condition->first; node != NULL; node = node->next) {
        if (condition->kind != YAML_SEQUENCE || node->kind != YAML_SCALAR) {
            break;
        }
        enum err err =
            condition_compile(compiler, node->text, node->line, selections, count, &list[listed++]);
        if (err != OK) {
            return err;
        }
    }
    if (listed == 0 || listed < condition->count) {
        return why_say_at(compiler->why, ERR_SYNTAX, condition->line, condition->column,
                          "a condition is a text or a list of texts");
    }
    return matcher_group(compiler->matcher, GROUP_OR, list, listed, ret);
}

static enum err detection_compile(struct compiler *compiler, const struct yaml_node *detection,
                                  const struct expr **ret)
{
    const struct yaml_node *condition = yaml_get(detection, STR("condition"));
    if (condition == NULL) {
        return why_say(compiler->why, ERR_SYNTAX, detection->line,
                       "the detection has no condition");
    }
    struct selection *selections =
        ARENA_ARRAY(compiler->scratch, struct selection, detection->count);
    if (selections == NULL) {
        return ERR_MEMORY;
    }
    size_t count = 0;
    for (const struct yaml_node *child = detection->first; child != NULL; child = child->next) {
        if (!is_search(child)) {
            continue;
        }
        selections[count].name = child->key->text;
        enum err err = selection_compile(compiler, child, &selections[count].expr);
        if (err != OK) {
            return err;
        }
        count++;
    }
    return condition_read(compiler, condition, selections, count, ret);
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
    return err == OK ? text_read(compiler, yaml_get(source, STR("service")), &rule->service) : err;
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
