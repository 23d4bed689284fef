/*
 * When a pipeline's transformation is applied: conditions over the rule, over an item, and over a
 * field's name, each in a list joined by `and` (or `or`), the whole perhaps denied.
 *
 * OUR reading, where the reference library stops with an error in the middle of a rule: a condition
 * that cannot be asked of a rule (an attribute that it lacks, an order of texts) does not hold.
 */

#include "detect/sigma_private.h"

#include <string.h>

#define WHENS_MAX   100  /* of one scope of one transformation */
#define REGEXES_MAX 1000 /* of one condition */

static const struct {
    const char *scope;
    const char *name;
    enum when_kind kind;
    const char *keys;
} table[] = {
    {"rule", "logsource", WHEN_LOGSOURCE, "type,category,product,service"},
    {"rule", "contains_field", WHEN_CONTAINS_FIELD, "type,field"},
    {"rule", "contains_detection_item", WHEN_CONTAINS_DETECTION_ITEM, "type,field,value"},
    {"rule", "is_sigma_rule", WHEN_IS_SIGMA_RULE, "type"},
    {"rule", "is_sigma_correlation_rule", WHEN_IS_CORRELATION, "type"},
    {"rule", "rule_attribute", WHEN_RULE_ATTRIBUTE, "type,attribute,value,op"},
    {"rule", "tag", WHEN_TAG, "type,tag"},
    {"rule", "processing_item_applied", WHEN_APPLIED, "type,processing_item_id"},
    {"rule", "processing_state", WHEN_STATE, "type,key,val,op"},
    {"detection_item", "match_string", WHEN_MATCH_STRING, "type,cond,pattern,negate"},
    {"detection_item", "contains_wildcard", WHEN_CONTAINS_WILDCARD, "type,cond"},
    {"detection_item", "is_null", WHEN_IS_NULL, "type,cond"},
    {"detection_item", "processing_item_applied", WHEN_APPLIED, "type,processing_item_id"},
    {"detection_item", "processing_state", WHEN_STATE, "type,key,val,op"},
    {"field_name", "include_fields", WHEN_INCLUDE_FIELDS, "type,fields,mode"},
    {"field_name", "exclude_fields", WHEN_EXCLUDE_FIELDS, "type,fields,mode"},
    {"field_name", "processing_item_applied", WHEN_APPLIED, "type,processing_item_id"},
    {"field_name", "processing_state", WHEN_STATE, "type,key,val,op"},
};

#define TABLE_COUNT (sizeof table / sizeof table[0])

static enum err kind_find(struct str scope, struct str name, uint32_t line, size_t *ret,
                          struct why *why)
{
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (str_equal(scope, str_from(table[i].scope)) &&
            str_equal(name, str_from(table[i].name))) {
            *ret = i;
            return OK;
        }
    }
    return why_say(why, ERR_UNSUPPORTED, line, "unknown condition '%.*s' among %.*s_conditions",
                   (int)(name.size < 64 ? name.size : 64), name.data != NULL ? name.data : "",
                   (int)scope.size, scope.data);
}

static enum err regexes_make(struct when *when, uint32_t line, struct arena *mem, struct why *why)
{
    if (when->count > REGEXES_MAX) {
        return why_say(why, ERR_LIMIT, line, "more than %d expressions", REGEXES_MAX);
    }
    when->regexes = ARENA_ARRAY(mem, struct rewrite *, when->count);
    enum err err = when->regexes == NULL ? ERR_MEMORY : OK;
    for (size_t i = 0; i < when->count && err == OK; i++) {
        err = rewrite_new(when->names[i], &when->regexes[i], why);
    }
    if (err != OK && why != NULL && why->line == 0) {
        why->line = line;
    }
    return err;
}

static enum err fields_read(const struct yaml_node *node, struct arena *mem, struct when *when,
                            struct why *why)
{
    const struct yaml_node *fields = yaml_get(node, STR("fields"));
    struct str mode = {0};
    if (fields == NULL) {
        return why_say(why, ERR_SYNTAX, node->line, "the condition lacks 'fields'");
    }
    enum err err = text_get(node, "mode", &mode, why);
    err = err == OK ? texts_read(fields, mem, &when->names, &when->count, why) : err;
    if (err != OK || mode.size == 0 || str_equal(mode, STR("plain"))) {
        return err;
    }
    return str_equal(mode, STR("re"))
               ? regexes_make(when, node->line, mem, why)
               : why_say(why, ERR_SYNTAX, node->line, "'mode' is plain or re");
}

/* How many of an item's values have to fit: `any` or `all`. */
static enum err extent_read(const struct yaml_node *node, struct when *when, struct why *why)
{
    struct str extent = {0};
    enum err err = text_get(node, "cond", &extent, why);
    when->all = str_equal(extent, STR("all"));
    if (err == OK && !when->all && !str_equal(extent, STR("any"))) {
        return why_say(why, ERR_SYNTAX, node->line, "'cond' is any or all");
    }
    return err;
}

static enum err pattern_read(const struct yaml_node *node, struct arena *mem, struct when *when,
                             struct why *why)
{
    const struct yaml_node *pattern = yaml_get(node, STR("pattern"));
    if (pattern == NULL) {
        return why_say(why, ERR_SYNTAX, node->line, "the condition lacks 'pattern'");
    }
    enum err err = extent_read(node, when, why);
    err = err == OK ? truth_get(node, "negate", &when->negated, why) : err;
    err = err == OK ? texts_read(pattern, mem, &when->names, &when->count, why) : err;
    return err == OK ? regexes_make(when, node->line, mem, why) : err;
}

static enum err named_read(const struct yaml_node *node, const char *name, const char *value,
                           struct when *when, struct why *why)
{
    enum err err = text_get(node, name, &when->name, why);
    if (err == OK && when->name.size == 0) {
        return why_say(why, ERR_SYNTAX, node->line, "the condition lacks '%s'", name);
    }
    err = err == OK && value != NULL ? text_get(node, value, &when->value, why) : err;
    err = err == OK ? text_get(node, "op", &when->how, why) : err;
    if (err == OK && when->how.size == 0) {
        when->how = STR("eq");
    }
    return err;
}

static enum err details_read(const struct yaml_node *node, struct arena *mem, struct when *when,
                             struct why *why)
{
    enum err err = OK;
    switch (when->kind) {
    case WHEN_LOGSOURCE:
        err = text_get(node, "category", &when->category, why);
        err = err == OK ? text_get(node, "product", &when->product, why) : err;
        return err == OK ? text_get(node, "service", &when->service, why) : err;
    case WHEN_CONTAINS_FIELD:
        return named_read(node, "field", NULL, when, why);
    case WHEN_CONTAINS_DETECTION_ITEM:
        return named_read(node, "field", "value", when, why);
    case WHEN_RULE_ATTRIBUTE:
        return named_read(node, "attribute", "value", when, why);
    case WHEN_TAG:
        return named_read(node, "tag", NULL, when, why);
    case WHEN_APPLIED:
        return named_read(node, "processing_item_id", NULL, when, why);
    case WHEN_STATE:
        return named_read(node, "key", "val", when, why);
    case WHEN_INCLUDE_FIELDS:
    case WHEN_EXCLUDE_FIELDS:
        return fields_read(node, mem, when, why);
    case WHEN_MATCH_STRING:
        return pattern_read(node, mem, when, why);
    case WHEN_CONTAINS_WILDCARD:
    case WHEN_IS_NULL:
        return extent_read(node, when, why);
    default:
        return OK;
    }
}

static enum err when_read(const struct yaml_node *node, const char *scope, struct arena *mem,
                          struct when *when, struct why *why)
{
    struct str type = {0};
    size_t row = 0;
    if (node->kind != YAML_MAPPING) {
        return why_say(why, ERR_SYNTAX, node->line, "a condition is a map with a 'type'");
    }
    enum err err = text_get(node, "type", &type, why);
    err = err == OK ? kind_find(str_from(scope), type, node->line, &row, why) : err;
    if (err == OK) {
        when->kind = table[row].kind;
        err = keys_known(node, &table[row].keys, 1, why);
    }
    return err == OK ? details_read(node, mem, when, why) : err;
}

enum err whens_read(const struct yaml_node *transformation, const char *scope, struct arena *mem,
                    struct whens *ret, struct why *why)
{
    struct str key = {0};
    struct str how = {0};
    enum err err = arena_print(mem, &key, "%s_cond_op", scope);
    err = err == OK ? text_get(transformation, key.data, &how, why) : err;
    if (err == OK && how.size > 0 && !str_equal(how, STR("or")) && !str_equal(how, STR("and"))) {
        return why_say(why, ERR_SYNTAX, transformation->line, "'%s' is and, or or", key.data);
    }
    ret->any = str_equal(how, STR("or"));
    err = err == OK ? arena_print(mem, &key, "%s_cond_not", scope) : err;
    err = err == OK ? truth_get(transformation, key.data, &ret->negated, why) : err;
    err = err == OK ? arena_print(mem, &key, "%s_conditions", scope) : err;
    const struct yaml_node *list = err == OK ? yaml_get(transformation, key) : NULL;
    if (list == NULL) {
        return err;
    }
    if (list->kind == YAML_SCALAR || list->count > WHENS_MAX) {
        return why_say(why, ERR_SYNTAX, list->line, "'%s' is a list of at most %d conditions",
                       key.data, WHENS_MAX);
    }
    ret->list = ARENA_ARRAY(mem, struct when, list->count);
    err = ret->list == NULL ? ERR_MEMORY : OK;
    for (const struct yaml_node *node = list->first; node != NULL && err == OK; node = node->next) {
        err = when_read(node, scope, mem, &ret->list[ret->count++], why);
    }
    return err;
}

void whens_done(struct whens *whens)
{
    for (size_t i = 0; i < whens->count; i++) {
        for (size_t k = 0; whens->list[i].regexes != NULL && k < whens->list[i].count; k++) {
            rewrite_free(whens->list[i].regexes[k]);
        }
    }
    whens->count = 0;
}

/* ---- Asking. */

static bool part_agrees(struct str wanted, struct str part)
{
    return wanted.size == 0 || str_equal_nocase(wanted, part);
}

static bool touched_by(const struct touched *touched, struct str id)
{
    while (touched != NULL && !str_equal(touched->id, id)) {
        touched = touched->next;
    }
    return touched != NULL;
}

static bool order_fits(struct str how, int order)
{
    return str_equal(how, STR("eq"))    ? order == 0
           : str_equal(how, STR("ne"))  ? order != 0
           : str_equal(how, STR("gt"))  ? order > 0
           : str_equal(how, STR("gte")) ? order >= 0
           : str_equal(how, STR("lt"))  ? order < 0
           : str_equal(how, STR("lte")) ? order <= 0
                                        : false;
}

static int rank(struct str text, const char *const *ranks)
{
    int at = 0;
    while (ranks[at] != NULL && !str_equal_nocase(text, str_from(ranks[at]))) {
        at++;
    }
    return ranks[at] == NULL ? -1 : at;
}

/* Numbers by value, dates and everything else by their texts. */
static int texts_order(struct str a, struct str b)
{
    uint64_t x;
    uint64_t y;
    if (str_to_u64(a, UINT64_MAX, &x) == OK && str_to_u64(b, UINT64_MAX, &y) == OK) {
        return x < y ? -1 : x > y;
    }
    return str_compare(a, b);
}

static bool setting_fits(const struct setting *settings, const struct when *when)
{
    while (settings != NULL && !str_equal(settings->key, when->name)) {
        settings = settings->next;
    }
    return settings != NULL && order_fits(when->how, texts_order(settings->value, when->value));
}

static bool attribute_fits(const struct passage *passage, const struct when *when)
{
    static const char *const levels[] = {"informational", "low",      "medium",
                                         "high",          "critical", NULL};
    static const char *const statuses[] = {"unsupported", "deprecated", "experimental",
                                           "test",        "stable",     NULL};
    const struct yaml_node *node = yaml_get(passage->draft->document, when->name);
    if (node == NULL) {
        return setting_fits(passage->attributes, when);
    }
    if (node->kind == YAML_SEQUENCE) {
        bool within = false;
        for (const struct yaml_node *item = node->first; item != NULL && !within;
             item = item->next) {
            within = item->kind == YAML_SCALAR && str_equal(item->text, when->value);
        }
        return str_equal(when->how, STR("in"))       ? within
               : str_equal(when->how, STR("not_in")) ? !within
                                                     : str_equal(when->how, STR("ne"));
    }
    if (node->kind != YAML_SCALAR) {
        return false;
    }
    bool level = str_equal(when->name, STR("level"));
    if (level || str_equal(when->name, STR("status"))) {
        int has = rank(node->text, level ? levels : statuses);
        int asked = rank(when->value, level ? levels : statuses);
        return has >= 0 && asked >= 0 && order_fits(when->how, has - asked);
    }
    return order_fits(when->how, texts_order(node->text, when->value));
}

static bool tag_fits(struct str tags, struct str tag)
{
    bool found = false;
    while (tags.size > 0 && !found) {
        found = str_equal_nocase(str_cut(&tags, ' '), tag);
    }
    return found;
}

/* Whether a search holds an item of that field, and with that value if one is asked for. */
static enum err field_within(const struct passage *passage, const struct search *search,
                             const struct when *when, bool *ret)
{
    enum err err = OK;
    if (search->kind != SEARCH_ITEM) {
        for (const struct search *member = search->first; member != NULL && err == OK && !*ret;
             member = member->next) {
            err = field_within(passage, member, when, ret);
        }
        return err;
    }
    if (search->keyword || !str_equal(search->field, when->name)) {
        return OK;
    }
    *ret = when->kind == WHEN_CONTAINS_FIELD;
    for (size_t i = 0; i < search->count && err == OK && !*ret && item_is_text(search); i++) {
        struct str text;
        err = value_print(search, &search->values[i], passage->mem, &text);
        *ret = err == OK && str_equal(text, when->value);
    }
    return err;
}

static enum err field_anywhere(const struct passage *passage, const struct when *when, bool *ret)
{
    enum err err = OK;
    for (const struct part *part = passage->draft->parts; part != NULL; part = part->next) {
        for (size_t i = 0; i < part->count && err == OK && !*ret; i++) {
            if (part->searches[i].search != NULL) {
                err = field_within(passage, part->searches[i].search, when, ret);
            }
        }
    }
    return err;
}

static enum err when_holds_rule(const struct passage *passage, const struct when *when, bool *ret)
{
    const struct draft *draft = passage->draft;
    *ret = false;
    switch (when->kind) {
    case WHEN_LOGSOURCE:
        *ret = part_agrees(when->category, draft->category) &&
               part_agrees(when->product, draft->product) &&
               part_agrees(when->service, draft->service);
        return OK;
    case WHEN_CONTAINS_FIELD:
    case WHEN_CONTAINS_DETECTION_ITEM:
        return field_anywhere(passage, when, ret);
    case WHEN_RULE_ATTRIBUTE:
        *ret = attribute_fits(passage, when);
        return OK;
    case WHEN_TAG:
        *ret = tag_fits(draft->tags, when->name);
        return OK;
    case WHEN_APPLIED:
        *ret = touched_by(passage->applied, when->name);
        return OK;
    case WHEN_STATE:
        *ret = setting_fits(passage->state, when);
        return OK;
    default:
        *ret = when->kind == WHEN_IS_SIGMA_RULE;
        return OK;
    }
}

enum err whens_hold_rule(const struct passage *passage, const struct whens *whens, bool *ret)
{
    bool all = true;
    bool any = false;
    for (size_t i = 0; i < whens->count; i++) {
        bool holds;
        enum err err = when_holds_rule(passage, &whens->list[i], &holds);
        if (err != OK) {
            return err;
        }
        all = all && holds;
        any = any || holds;
    }
    *ret = whens->count == 0 || (whens->any ? any : all) != whens->negated;
    return OK;
}

static enum err begins(const struct when *when, struct str text, bool *ret)
{
    enum err err = OK;
    *ret = false;
    for (size_t i = 0; i < when->count && err == OK && !*ret; i++) {
        if (when->regexes != NULL) {
            err = rewrite_begins(when->regexes[i], text, ret);
        } else {
            *ret = str_equal(text, when->names[i]);
        }
    }
    return err;
}

static enum err value_fits(const struct passage *passage, const struct when *when,
                           const struct search *item, const struct value *value, bool *ret)
{
    struct str text;
    *ret = when->kind == WHEN_IS_NULL && value->null;
    if (when->kind == WHEN_IS_NULL) {
        return OK;
    }
    enum err err = OK;
    if (item_is_text(item) && !value->null && !value_is_number(value)) {
        err = value_print(item, value, passage->mem, &text);
        if (err == OK && when->kind == WHEN_MATCH_STRING) {
            err = begins(when, text, ret);
        }
        bool escaped = false;
        for (size_t i = 0; err == OK && when->kind == WHEN_CONTAINS_WILDCARD && i < text.size;
             i++) {
            *ret = *ret || (!escaped && (text.data[i] == '*' || text.data[i] == '?'));
            escaped = text.data[i] == '\\' && !escaped;
        }
    }
    *ret = err == OK && *ret != when->negated;
    return err;
}

static enum err when_holds_item(const struct passage *passage, const struct when *when,
                                const struct search *item, bool *ret)
{
    if (when->kind == WHEN_APPLIED || when->kind == WHEN_STATE) {
        *ret = when->kind == WHEN_APPLIED ? touched_by(item->touched, when->name)
                                          : setting_fits(passage->state, when);
        return OK;
    }
    bool all = true;
    bool any = false;
    for (size_t i = 0; i < item->count; i++) {
        bool fits;
        enum err err = value_fits(passage, when, item, &item->values[i], &fits);
        if (err != OK) {
            return err;
        }
        all = all && fits;
        any = any || fits;
    }
    *ret = when->all ? all : any;
    return OK;
}

enum err whens_hold_item(const struct passage *passage, const struct whens *whens,
                         const struct search *item, bool *ret)
{
    bool all = true;
    bool any = false;
    for (size_t i = 0; i < whens->count; i++) {
        bool holds;
        enum err err = when_holds_item(passage, &whens->list[i], item, &holds);
        if (err != OK) {
            return err;
        }
        all = all && holds;
        any = any || holds;
    }
    *ret = whens->count == 0 || (whens->any ? any : all) != whens->negated;
    return OK;
}

enum err whens_hold_field(const struct passage *passage, const struct whens *whens,
                          const struct search *item, struct str field, bool keyword, bool *ret)
{
    bool all = true;
    bool any = false;
    for (size_t i = 0; i < whens->count; i++) {
        const struct when *when = &whens->list[i];
        bool holds = false;
        enum err err = OK;
        if (when->kind == WHEN_APPLIED) {
            holds = touched_by(item->touched, when->name);
        } else if (when->kind == WHEN_STATE) {
            holds = setting_fits(passage->state, when);
        } else {
            err = keyword ? OK : begins(when, field, &holds);
            holds = holds != (when->kind == WHEN_EXCLUDE_FIELDS);
        }
        if (err != OK) {
            return err;
        }
        all = all && holds;
        any = any || holds;
    }
    *ret = whens->count == 0 || (whens->any ? any : all) != whens->negated;
    return OK;
}
