/*
 * One named search of a rule: maps, lists of maps, keywords.
 *
 *     name:                        name:                  name:
 *         field|modifier: value        - field: value         - keyword
 *         other: [a, b]                - other: value         - another
 *     all of the items             any of the maps        any of the keywords
 *
 * A list of values means any of them, with |all every one.  A keyword is looked for anywhere in the
 * record and in every value (SIGMA: "keywords" are unbound values; OUR reading: in any place).
 * null means that the field is missing or null; the empty text, that it is there and empty.  An
 * empty list is read as null, as the reference library does.
 */

#include "detect/private.h"

struct item {
    uint32_t field;
    uint32_t line;
    bool keyword;
    struct modifiers modifiers;
};

static enum err map_compile(struct compiler *compiler, const struct yaml_node *map,
                            const struct expr **ret);
static enum err item_compile(struct compiler *compiler, const struct yaml_node *value,
                             const struct expr **ret);
static enum err keyword_compile(struct compiler *compiler, const struct yaml_node *value,
                                const struct expr **ret);
static enum err value_compile(struct compiler *compiler, const struct item *item,
                              const struct yaml_node *value, const struct expr **ret);

/* Every child under one group. */
static enum err children_compile(struct compiler *compiler, const struct yaml_node *node,
                                 enum group_kind kind,
                                 enum err (*compile)(struct compiler *, const struct yaml_node *,
                                                     const struct expr **),
                                 const struct expr **ret)
{
    const struct expr **list = ARENA_ARRAY(compiler->scratch, const struct expr *, node->count);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    size_t count = 0;
    for (const struct yaml_node *child = node->first; child != NULL; child = child->next) {
        enum err err = compile(compiler, child, &list[count++]);
        if (err != OK) {
            return err;
        }
    }
    return matcher_group(compiler->matcher, kind, list, count, ret);
}

static enum err member_compile(struct compiler *compiler, const struct yaml_node *node,
                               const struct expr **ret)
{
    if (node->kind == YAML_MAPPING) {
        return map_compile(compiler, node, ret);
    }
    if (node->kind == YAML_SCALAR) {
        return keyword_compile(compiler, node, ret);
    }
    return why_say_at(compiler->why, ERR_SYNTAX, node->line, node->column,
                      "a list within a list of searches");
}

enum err selection_compile(struct compiler *compiler, const struct yaml_node *node,
                           const struct expr **ret)
{
    if (node->kind == YAML_SEQUENCE && node->count > 0) {
        return children_compile(compiler, node, GROUP_OR, member_compile, ret);
    }
    if (node->count == 0 && node->kind != YAML_SCALAR) {
        return why_say_at(compiler->why, ERR_SYNTAX, node->line, node->column,
                          "a search without any content");
    }
    return member_compile(compiler, node, ret);
}

static enum err map_compile(struct compiler *compiler, const struct yaml_node *map,
                            const struct expr **ret)
{
    return children_compile(compiler, map, GROUP_AND, item_compile, ret);
}

static enum err keyword_compile(struct compiler *compiler, const struct yaml_node *value,
                                const struct expr **ret)
{
    struct item item = {.field = FIELD_ANYWHERE, .line = value->line, .keyword = true};
    return value_compile(compiler, &item, value, ret);
}

/* The left side: "field|modifier|…", where the field may be missing (keywords). */
static enum err item_begin(struct compiler *compiler, const struct yaml_node *key, struct item *ret)
{
    struct str modifiers = key->text;
    struct str name = str_cut(&modifiers, '|');
    struct item item = {.line = key->line, .keyword = name.size == 0, .field = FIELD_ANYWHERE};
    enum err err = modifiers_parse(modifiers, key->line, &item.modifiers, compiler->why);
    if (err == OK && !item.keyword) {
        struct str names[FIELD_NAMES_MAX];
        size_t count = field_names(name, names);
        err = matcher_field(compiler->matcher, names, count, &item.field);
    }
    if (err == OK) {
        *ret = item;
    }
    return err;
}

static enum err item_compile(struct compiler *compiler, const struct yaml_node *value,
                             const struct expr **ret)
{
    struct item item;
    enum err err = item_begin(compiler, value->key, &item);
    if (err != OK) {
        return err;
    }
    const struct yaml_node *first = value->kind == YAML_SEQUENCE ? value->first : value;
    size_t count = value->kind == YAML_SEQUENCE ? value->count : 1;
    const struct expr **list = ARENA_ARRAY(compiler->scratch, const struct expr *, count);
    const struct expr *expr;
    if (list == NULL) {
        return ERR_MEMORY;
    }
    if (count == 0) {
        return item.keyword ? why_say(compiler->why, ERR_SYNTAX, item.line, "no keyword is given")
                            : matcher_null(compiler->matcher, item.field, ret);
    }
    const struct yaml_node *node = first;
    for (size_t i = 0; i < count && err == OK; i++, node = node->next) {
        err = value_compile(compiler, &item, node, &list[i]);
    }
    bool all = modifiers_have(&item.modifiers, MODIFIER_ALL);
    if (err == OK) {
        err = matcher_group(compiler->matcher, all ? GROUP_AND : GROUP_OR, list, count, &expr);
    }
    if (err == OK && modifiers_have(&item.modifiers, MODIFIER_NEQ)) {
        err = matcher_not(compiler->matcher, expr, &expr);
    }
    if (err == OK) {
        *ret = expr;
    }
    return err;
}

/* A line for a reason that has none yet. */
static enum err located(struct compiler *compiler, uint32_t line, enum err err)
{
    if (err != OK && compiler->why != NULL && compiler->why->line == 0) {
        compiler->why->line = line;
    }
    return err;
}

/* %name% somewhere in the value, with |expand: nobody has given us its values. */
static bool placeholder_find(struct str value, struct str *ret)
{
    size_t from = str_find_byte(value, '%');
    if (from == STR_NONE) {
        return false;
    }
    struct str rest = str_slice(value, from + 1, value.size);
    size_t size = str_find_byte(rest, '%');
    if (size == STR_NONE || size == 0) {
        return false;
    }
    *ret = str_slice(rest, 0, size);
    return true;
}

static enum err text_compile(struct compiler *compiler, const struct item *item, struct str value,
                             const struct expr **ret)
{
    struct alternatives values;
    enum err err = modifiers_apply(&item->modifiers, value, item->line, compiler->scratch, &values,
                                   compiler->why);
    const struct expr *list[ALTERNATIVES_MAX];
    bool cased = modifiers_have(&item->modifiers, MODIFIER_CASED);
    for (size_t i = 0; err == OK && i < values.count; i++) {
        if (item->keyword) {
            err = pattern_open(&values.list[i], true, true, compiler->scratch);
        }
        if (err == OK) {
            err = matcher_text(compiler->matcher, item->field, &values.list[i], cased, &list[i]);
        }
    }
    return err == OK ? matcher_group(compiler->matcher, GROUP_OR, list, values.count, ret) : err;
}

static enum err regex_compile(struct compiler *compiler, const struct item *item, struct str value,
                              const struct expr **ret)
{
    unsigned flags = 0;
    flags |= modifiers_have(&item->modifiers, MODIFIER_RE_NOCASE) ? REGEX_NOCASE : 0;
    flags |= modifiers_have(&item->modifiers, MODIFIER_RE_MULTILINE) ? REGEX_MULTILINE : 0;
    flags |= modifiers_have(&item->modifiers, MODIFIER_RE_DOTALL) ? REGEX_DOTALL : 0;
    return matcher_regex(compiler->matcher, item->field, value, flags, ret, compiler->why);
}

static enum err reference_compile(struct compiler *compiler, const struct item *item,
                                  struct str value, const struct expr **ret)
{
    struct str names[FIELD_NAMES_MAX];
    size_t count = field_names(value, names);
    uint32_t other;
    enum err err = matcher_field(compiler->matcher, names, count, &other);
    if (err != OK) {
        return err;
    }
    bool contains = modifiers_have(&item->modifiers, MODIFIER_CONTAINS);
    bool ends = modifiers_have(&item->modifiers, MODIFIER_ENDSWITH);
    bool starts = modifiers_have(&item->modifiers, MODIFIER_STARTSWITH);
    return matcher_same(compiler->matcher, item->field, other, !contains && !ends,
                        !contains && !starts, modifiers_have(&item->modifiers, MODIFIER_CASED),
                        ret);
}

static enum err exists_compile(struct compiler *compiler, const struct item *item,
                               const struct yaml_node *value, const struct expr **ret)
{
    bool wanted = str_equal_nocase(value->text, STR("true"));
    if (!wanted && !str_equal_nocase(value->text, STR("false")) &&
        yaml_bool(value, &wanted) != OK) {
        return why_say(compiler->why, ERR_SYNTAX, value->line, "'exists' asks for true or false");
    }
    enum err err = matcher_exists(compiler->matcher, item->field, ret);
    return err == OK && !wanted ? matcher_not(compiler->matcher, *ret, ret) : err;
}

/* Numbers and parts of times; ERR_NOT_FOUND if no modifier asks for one. */
static enum err number_compile(struct compiler *compiler, const struct item *item, struct str value,
                               const struct expr **ret)
{
    static const struct {
        enum modifier modifier;
        enum comparison how;
    } comparisons[] = {{MODIFIER_LT, LESS},
                       {MODIFIER_LTE, LESS_OR_EQUAL},
                       {MODIFIER_GT, GREATER},
                       {MODIFIER_GTE, GREATER_OR_EQUAL}};
    static const struct {
        enum modifier modifier;
        enum time_part part;
    } parts[] = {{MODIFIER_MINUTE, PART_MINUTE}, {MODIFIER_HOUR, PART_HOUR},
                 {MODIFIER_DAY, PART_DAY},       {MODIFIER_WEEK, PART_WEEK},
                 {MODIFIER_MONTH, PART_MONTH},   {MODIFIER_YEAR, PART_YEAR}};
    for (size_t i = 0; i < sizeof comparisons / sizeof comparisons[0]; i++) {
        if (modifiers_have(&item->modifiers, comparisons[i].modifier)) {
            return matcher_number(compiler->matcher, item->field, comparisons[i].how, value, ret,
                                  compiler->why);
        }
    }
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (modifiers_have(&item->modifiers, parts[i].modifier)) {
            return matcher_time_part(compiler->matcher, item->field, parts[i].part, value, ret,
                                     compiler->why);
        }
    }
    return ERR_NOT_FOUND;
}

static enum err value_compile(struct compiler *compiler, const struct item *item,
                              const struct yaml_node *value, const struct expr **ret)
{
    const struct modifiers *modifiers = &item->modifiers;
    if (value->kind != YAML_SCALAR) {
        return why_say_at(compiler->why, ERR_SYNTAX, value->line, value->column,
                          "a value must be a text, a number, true, false or null");
    }
    if (modifiers_have(modifiers, MODIFIER_EXPAND) &&
        placeholder_find(value->text, &compiler->placeholder)) {
        return why_say(compiler->why, ERR_AGAIN, value->line, "%.*s",
                       STR_ARG(compiler->placeholder));
    }
    bool bound = modifiers_have(modifiers, MODIFIER_EXISTS) ||
                 modifiers_have(modifiers, MODIFIER_FIELDREF) ||
                 modifiers_have(modifiers, MODIFIER_CIDR) || yaml_is_null(value);
    enum err err = number_compile(compiler, item, value->text, ret);
    if (item->keyword && (bound || err != ERR_NOT_FOUND)) {
        return why_say_at(compiler->why, ERR_SYNTAX, value->line, value->column,
                          "this needs a field to look at");
    }
    if (err != ERR_NOT_FOUND) {
        return located(compiler, value->line, err);
    }
    if (modifiers_have(modifiers, MODIFIER_EXISTS)) {
        return exists_compile(compiler, item, value, ret);
    }
    if (yaml_is_null(value)) {
        return matcher_null(compiler->matcher, item->field, ret);
    }
    if (modifiers_have(modifiers, MODIFIER_FIELDREF)) {
        return reference_compile(compiler, item, value->text, ret);
    }
    if (modifiers_have(modifiers, MODIFIER_CIDR)) {
        err = matcher_network(compiler->matcher, item->field, value->text, ret, compiler->why);
    } else if (modifiers_have(modifiers, MODIFIER_RE)) {
        err = regex_compile(compiler, item, value->text, ret);
    } else {
        err = text_compile(compiler, item, value->text, ret);
    }
    return located(compiler, value->line, err);
}
