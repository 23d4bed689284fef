/*
 * Processing pipelines out of YAML: how an environment's field names and values differ from those
 * of the rules.  The language is that of the reference library (pySigma, "processing pipelines").
 *
 *     name, priority, vars
 *     transformations:
 *         - id, type, what the type asks for
 *           rule_conditions, rule_cond_op, rule_cond_not
 *           detection_item_conditions, detection_item_cond_op, detection_item_cond_not
 *           field_name_conditions, field_name_cond_op, field_name_cond_not
 *
 * What only concerns a converter's output (postprocessing, finalizers, lists of fields) is read
 * over. Anything else that we do not know refuses the whole pipeline: a step that is left out in
 * silence, or a condition that is misspelt, would change every rule.
 *
 * Always true: a pipeline's texts lie in the tuning's arena; its expressions are freed by
 * pipeline_done.
 */

#include "detect/sigma_private.h"

#include <string.h>

#define TRANSFORMATIONS_MAX 1000 /* of one pipeline */
#define VARIABLE_SIZE_MAX   4096 /* of one value */
#define VARIABLE_VALUES_MAX 100000

static const char common_keys[] =
    "id,type,rule_conditions,rule_cond_op,rule_cond_not,detection_item_conditions,"
    "detection_item_cond_op,detection_item_cond_not,field_name_conditions,field_name_cond_op,"
    "field_name_cond_not";

static const struct {
    const char *name;
    enum transformation_kind kind;
    const char *keys;
} table[] = {
    {"field_name_mapping", FIELD_NAME_MAPPING, "mapping"},
    {"field_name_prefix_mapping", FIELD_NAME_PREFIX_MAPPING, "mapping"},
    {"field_name_prefix", FIELD_NAME_PREFIX, "prefix"},
    {"field_name_suffix", FIELD_NAME_SUFFIX, "suffix"},
    {"drop_detection_item", DROP_DETECTION_ITEM, ""},
    {"add_condition", ADD_CONDITION, "conditions,name,template,negated"},
    {"change_logsource", CHANGE_LOGSOURCE, "category,product,service"},
    {"replace_string", REPLACE_STRING, "regex,replacement,skip_special,interpret_special"},
    {"map_string", MAP_STRING, "mapping"},
    {"set_value", SET_VALUE, "value,force_type"},
    {"value_placeholders", VALUE_PLACEHOLDERS, "include,exclude"},
    {"wildcard_placeholders", WILDCARD_PLACEHOLDERS, "include,exclude"},
    {"set_state", SET_STATE, "key,val"},
    {"set_custom_attribute", SET_ATTRIBUTE, "attribute,value"},
    {"rule_failure", RULE_FAILURE, "message"},
    {"detection_item_failure", DETECTION_ITEM_FAILURE, "message"},
    {"add_field", NOTHING, "field"},
    {"remove_field", NOTHING, "field"},
    {"set_field", NOTHING, "fields"},
    {"convert_type", NOTHING, "target_type"},
};

#define TABLE_COUNT (sizeof table / sizeof table[0])

enum err text_get(const struct yaml_node *node, const char *key, struct str *ret, struct why *why)
{
    const struct yaml_node *value = yaml_get(node, str_from(key));
    if (value != NULL && value->kind != YAML_SCALAR) {
        return why_say_at(why, ERR_SYNTAX, value->line, value->column, "'%s' must be a text", key);
    }
    *ret = value == NULL || yaml_is_null(value) ? (struct str){0} : value->text;
    return OK;
}

enum err truth_get(const struct yaml_node *node, const char *key, bool *ret, struct why *why)
{
    const struct yaml_node *value = yaml_get(node, str_from(key));
    if (value != NULL && yaml_bool(value, ret) != OK) {
        return why_say_at(why, ERR_SYNTAX, value->line, value->column, "'%s' must be true or false",
                          key);
    }
    return OK;
}

enum err texts_read(const struct yaml_node *node, struct arena *mem, const struct str **ret,
                    size_t *ret_count, struct why *why)
{
    bool list = node->kind == YAML_SEQUENCE;
    size_t count = list ? node->count : 1;
    struct str *texts = ARENA_ARRAY(mem, struct str, count);
    const struct yaml_node *child = list ? node->first : node;
    if (texts == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++, child = child->next) {
        if (child->kind != YAML_SCALAR) {
            return why_say_at(why, ERR_SYNTAX, child->line, child->column, "this must be a text");
        }
        texts[i] = child->text;
    }
    *ret = texts;
    *ret_count = count;
    return OK;
}

enum err keys_known(const struct yaml_node *node, const char *const *lists, size_t count,
                    struct why *why)
{
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        bool known = false;
        for (size_t i = 0; i < count && !known; i++) {
            struct str rest = str_from(lists[i]);
            while (rest.size > 0 && !known) {
                known = str_equal(str_cut(&rest, ','), child->key->text);
            }
        }
        if (!known) {
            return why_say_at(why, ERR_UNSUPPORTED, child->key->line, child->key->column,
                              "'%.*s' is not read here, so the pipeline would mean something else",
                              (int)(child->key->text.size < 64 ? child->key->text.size : 64),
                              child->key->text.data);
        }
    }
    return OK;
}

static enum err kind_find(struct str name, uint32_t line, size_t *ret, struct why *why)
{
    const char *known[TABLE_COUNT + 1];
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (str_equal(name, str_from(table[i].name))) {
            *ret = i;
            return OK;
        }
        known[i] = table[i].name;
    }
    known[TABLE_COUNT] = NULL;
    if (str_equal(name, STR("query_expression_placeholders"))) {
        return why_say(why, ERR_UNSUPPORTED, line,
                       "query_expression_placeholders writes another system's query; give the "
                       "values as vars, or as a list of the client");
    }
    const char *near = yaml_suggest(name, known);
    return why_say(why, ERR_UNSUPPORTED, line, "unknown transformation '%.*s'%s%s%s",
                   (int)(name.size < 64 ? name.size : 64), name.data != NULL ? name.data : "",
                   near != NULL ? "; is '" : "", near != NULL ? near : "",
                   near != NULL ? "' meant?" : "");
}

static enum err mapping_read(const struct yaml_node *node, struct arena *mem,
                             struct transformation *step, struct why *why)
{
    const struct yaml_node *mapping = yaml_get(node, STR("mapping"));
    if (mapping == NULL || mapping->kind != YAML_MAPPING) {
        return why_say(why, ERR_SYNTAX, node->line, "'mapping' must be a map from name to names");
    }
    step->renames = ARENA_ARRAY(mem, struct rename, mapping->count);
    enum err err = step->renames == NULL ? ERR_MEMORY : OK;
    for (const struct yaml_node *to = mapping->first; to != NULL && err == OK; to = to->next) {
        struct rename *rename = &step->renames[step->renames_count++];
        rename->from = to->key->text;
        rename->keyword = yaml_is_null(to->key);
        err = texts_read(to, mem, &rename->to, &rename->count, why);
        if (err == OK && rename->count == 0) {
            err =
                why_say(why, ERR_SYNTAX, to->line, "'%.*s' is mapped to nothing",
                        (int)(rename->from.size < 64 ? rename->from.size : 64), rename->from.data);
        }
    }
    return err;
}

static enum err names_read(const struct yaml_node *node, struct arena *mem,
                           struct transformation *step, struct why *why)
{
    const struct yaml_node *include = yaml_get(node, STR("include"));
    const struct yaml_node *exclude = yaml_get(node, STR("exclude"));
    if (include != NULL && exclude != NULL) {
        return why_say(why, ERR_SYNTAX, node->line, "'include' and 'exclude' exclude each other");
    }
    if (include != NULL) {
        return texts_read(include, mem, &step->include, &step->include_count, why);
    }
    return exclude == NULL ? OK
                           : texts_read(exclude, mem, &step->exclude, &step->exclude_count, why);
}

static enum err condition_add_read(const struct yaml_node *node, struct arena *mem,
                                   struct transformation *step, struct why *why)
{
    const struct yaml_node *conditions = yaml_get(node, STR("conditions"));
    if (conditions == NULL || conditions->kind != YAML_MAPPING) {
        return why_say(why, ERR_SYNTAX, node->line, "'conditions' must be a map of items");
    }
    enum err err = search_read(conditions, mem, &step->search, why);
    err = err == OK ? truth_get(node, "template", &step->template, why) : err;
    return err == OK ? truth_get(node, "negated", &step->negated, why) : err;
}

static enum err replacement_read(const struct yaml_node *node, struct transformation *step,
                                 struct why *why)
{
    struct str regex = {0};
    enum err err = text_get(node, "regex", &regex, why);
    err = err == OK ? text_get(node, "replacement", &step->text, why) : err;
    err = err == OK ? truth_get(node, "skip_special", &step->skip_special, why) : err;
    err = err == OK ? truth_get(node, "interpret_special", &step->interpret_special, why) : err;
    err = err == OK ? rewrite_new(regex, &step->regex, why) : err;
    if (err != OK && why != NULL && why->line == 0) {
        why->line = node->line;
    }
    return err;
}

static enum err setting_read(const struct yaml_node *node, const char *key, const char *value,
                             struct transformation *step, struct why *why)
{
    enum err err = text_get(node, key, &step->text, why);
    return err == OK ? text_get(node, value, &step->value.text, why) : err;
}

static enum err fixed_read(const struct yaml_node *node, struct transformation *step,
                           struct why *why)
{
    const struct yaml_node *value = yaml_get(node, STR("value"));
    if (value == NULL || value->kind != YAML_SCALAR) {
        return why_say(why, ERR_SYNTAX, node->line, "'value' must be a text or a number");
    }
    step->value = (struct value){.text = value->text,
                                 .line = value->line,
                                 .column = value->column,
                                 .null = yaml_is_null(value),
                                 .plain = value->plain};
    return OK;
}

/* What the kind of a transformation asks for. */
static enum err details_read(const struct yaml_node *node, struct arena *mem,
                             struct transformation *step, struct why *why)
{
    enum err err = OK;
    switch (step->kind) {
    case FIELD_NAME_MAPPING:
    case FIELD_NAME_PREFIX_MAPPING:
    case MAP_STRING:
        return mapping_read(node, mem, step, why);
    case FIELD_NAME_PREFIX:
        return text_get(node, "prefix", &step->text, why);
    case FIELD_NAME_SUFFIX:
        return text_get(node, "suffix", &step->text, why);
    case ADD_CONDITION:
        return condition_add_read(node, mem, step, why);
    case CHANGE_LOGSOURCE:
        err = text_get(node, "category", &step->category, why);
        err = err == OK ? text_get(node, "product", &step->product, why) : err;
        return err == OK ? text_get(node, "service", &step->service, why) : err;
    case REPLACE_STRING:
        return replacement_read(node, step, why);
    case SET_VALUE:
        return fixed_read(node, step, why);
    case VALUE_PLACEHOLDERS:
    case WILDCARD_PLACEHOLDERS:
        return names_read(node, mem, step, why);
    case SET_STATE:
        return setting_read(node, "key", "val", step, why);
    case SET_ATTRIBUTE:
        return setting_read(node, "attribute", "value", step, why);
    case RULE_FAILURE:
    case DETECTION_ITEM_FAILURE:
        return text_get(node, "message", &step->text, why);
    default:
        return OK;
    }
}

static enum err transformation_read(const struct yaml_node *node, struct arena *mem,
                                    struct transformation *step, struct why *why)
{
    struct str type = {0};
    size_t row = 0;
    step->line = node->line;
    if (node->kind != YAML_MAPPING) {
        return why_say(why, ERR_SYNTAX, node->line, "a transformation is a map with a 'type'");
    }
    enum err err = text_get(node, "type", &type, why);
    err = err == OK ? kind_find(type, node->line, &row, why) : err;
    if (err == OK) {
        const char *const lists[] = {common_keys, table[row].keys};
        step->kind = table[row].kind;
        err = keys_known(node, lists, 2, why);
    }
    err = err == OK ? text_get(node, "id", &step->id, why) : err;
    err = err == OK ? whens_read(node, "rule", mem, &step->rule, why) : err;
    err = err == OK ? whens_read(node, "detection_item", mem, &step->item, why) : err;
    err = err == OK ? whens_read(node, "field_name", mem, &step->field, why) : err;
    return err == OK ? details_read(node, mem, step, why) : err;
}

/* A value's percent signs are its own, not those of further placeholders. */
static enum err percents_keep(struct str *value, struct arena *mem)
{
    if (str_find_byte(*value, '%') == STR_NONE) {
        return OK;
    }
    char *out = arena_take(mem, 2 * value->size);
    if (out == NULL) {
        return ERR_MEMORY;
    }
    size_t size = 0;
    for (size_t i = 0; i < value->size; i++) {
        if (value->data[i] == '%') {
            out[size++] = '\\';
        }
        out[size++] = value->data[i];
    }
    *value = (struct str){out, size};
    return OK;
}

static enum err variable_read(const struct yaml_node *node, struct arena *mem,
                              struct variable *variable, struct why *why)
{
    const struct str *values = NULL;
    variable->name = node->key->text;
    enum err err = texts_read(node, mem, &values, &variable->count, why);
    if (err != OK) {
        return err;
    }
    if (variable->count == 0 || variable->count > VARIABLE_VALUES_MAX || yaml_is_null(node)) {
        return why_say(why, ERR_SYNTAX, node->line, "a variable has 1 to %d values",
                       VARIABLE_VALUES_MAX);
    }
    struct str *kept = ARENA_ARRAY(mem, struct str, variable->count);
    for (size_t i = 0; i < variable->count && err == OK && kept != NULL; i++) {
        kept[i] = values[i];
        err = values[i].size > VARIABLE_SIZE_MAX
                  ? why_say(why, ERR_LIMIT, node->line, "a variable's value has more than %d bytes",
                            VARIABLE_SIZE_MAX)
                  : percents_keep(&kept[i], mem);
    }
    variable->values = kept;
    return kept == NULL ? ERR_MEMORY : err;
}

static enum err variables_read(const struct yaml_node *vars, struct arena *mem,
                               struct pipeline *pipeline, struct why *why)
{
    if (vars == NULL || yaml_is_null(vars)) {
        return OK;
    }
    if (vars->kind != YAML_MAPPING) {
        return why_say(why, ERR_SYNTAX, vars->line, "'vars' must be a map from name to values");
    }
    pipeline->variables = ARENA_ARRAY(mem, struct variable, vars->count);
    enum err err = pipeline->variables == NULL ? ERR_MEMORY : OK;
    for (const struct yaml_node *node = vars->first; node != NULL && err == OK; node = node->next) {
        err = variable_read(node, mem, &pipeline->variables[pipeline->variables_count++], why);
    }
    return err;
}

void pipeline_done(struct pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->count; i++) {
        struct transformation *step = &pipeline->list[i];
        whens_done(&step->rule);
        whens_done(&step->item);
        whens_done(&step->field);
        rewrite_free(step->regex);
    }
    pipeline->count = 0;
}

static enum err steps_read(const struct yaml_node *steps, struct arena *mem,
                           struct pipeline *pipeline, struct why *why)
{
    if (yaml_is_null(steps)) {
        return OK;
    }
    if (steps->kind != YAML_SEQUENCE) {
        return why_say(why, ERR_SYNTAX, steps->line, "'transformations' must be a list");
    }
    if (steps->count > TRANSFORMATIONS_MAX) {
        return why_say(why, ERR_LIMIT, steps->line, "more than %d transformations",
                       TRANSFORMATIONS_MAX);
    }
    pipeline->list = ARENA_ARRAY(mem, struct transformation, steps->count);
    enum err err = pipeline->list == NULL ? ERR_MEMORY : OK;
    for (const struct yaml_node *node = steps->first; node != NULL && err == OK;
         node = node->next) {
        err = transformation_read(node, mem, &pipeline->list[pipeline->count++], why);
    }
    return err;
}

enum err pipeline_read(struct tuning *tuning, const struct yaml_node *document, struct str file,
                       struct why *why)
{
    static const char *const lists[] = {
        "name,priority,vars,transformations,postprocessing,finalizers,allowed_backends,"
        "title,id,description,author,date,modified"};
    const struct yaml_node *priority = yaml_get(document, STR("priority"));
    struct pipeline *pipeline = ARENA_ONE(tuning->mem, struct pipeline);
    if (pipeline == NULL) {
        return ERR_MEMORY;
    }
    pipeline->file = file;
    pipeline->order = tuning->pipelines.size;
    if (priority != NULL && yaml_int(priority, &pipeline->priority) != OK) {
        return why_say(why, ERR_SYNTAX, priority->line, "'priority' must be a whole number");
    }
    enum err err = keys_known(document, lists, 1, why);
    err = err == OK ? variables_read(yaml_get(document, STR("vars")), tuning->mem, pipeline, why)
                    : err;
    err = err == OK
              ? steps_read(yaml_get(document, STR("transformations")), tuning->mem, pipeline, why)
              : err;
    err = err == OK ? buf_append(&tuning->pipelines, str_of(&pipeline, sizeof pipeline)) : err;
    if (err != OK) {
        pipeline_done(pipeline);
    }
    return err;
}
