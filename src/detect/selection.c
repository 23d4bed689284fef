/*
 * From searches to expressions: what each item's values ask of an event.
 *
 * SIGMA: values are joined by `or`, with |all by `and`; |neq denies the item; keywords are values
 * that are bound to no field.  OUR readings: a keyword is looked for in the whole record and in
 * every value.  null means that the field is missing or JSON's null; the empty text, that it is
 * there and empty.  An empty list is read as null, as the reference library does.  |neq denies the
 * whole item, so it is true for a missing field.
 */

#include "detect/sigma_private.h"

#define VALUE_SIZE_MAX 65536 /* of a text; the longest of SigmaHQ has 400 bytes */

static enum err item_compile(struct compiler *compiler, const struct search *item,
                             const struct expr **ret);
static enum err value_compile(struct compiler *compiler, const struct search *item, uint32_t field,
                              const struct value *value, const struct expr **ret);

enum err search_compile(struct compiler *compiler, const struct search *search,
                        const struct expr **ret)
{
    if (search->kind == SEARCH_ITEM) {
        return item_compile(compiler, search, ret);
    }
    const struct expr **list = ARENA_ARRAY(compiler->scratch, const struct expr *, search->members);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    size_t count = 0;
    for (const struct search *member = search->first; member != NULL; member = member->next) {
        enum err err = search_compile(compiler, member, &list[count]);
        if (err != OK) {
            return err;
        }
        count++;
    }
    return matcher_group(compiler->matcher, search->kind == SEARCH_ALL ? GROUP_AND : GROUP_OR, list,
                         count, ret);
}

static enum err field_compile(struct compiler *compiler, struct str field, uint32_t *ret)
{
    struct str names[FIELD_NAMES_MAX];
    size_t count = 0;
    enum err err = field_names(compiler->logsource, field, compiler->scratch, names, &count);
    return err == OK ? matcher_field(compiler->matcher, names, count, ret) : err;
}

static enum err item_compile(struct compiler *compiler, const struct search *item,
                             const struct expr **ret)
{
    uint32_t field = FIELD_ANYWHERE;
    const struct expr *expr = NULL;
    const struct expr **list = ARENA_ARRAY(compiler->scratch, const struct expr *, item->count);
    enum err err = list == NULL ? ERR_MEMORY : OK;
    if (err == OK && !item->keyword) {
        err = field_compile(compiler, item->field, &field);
    }
    for (size_t i = 0; i < item->count && err == OK; i++) {
        err = value_compile(compiler, item, field, &item->values[i], &list[i]);
    }
    if (err == OK && item->count == 0) {
        err = matcher_null(compiler->matcher, field, &expr);
    } else if (err == OK) {
        bool all = modifiers_have(&item->modifiers, MODIFIER_ALL);
        err =
            matcher_group(compiler->matcher, all ? GROUP_AND : GROUP_OR, list, item->count, &expr);
    }
    if (err == OK && modifiers_have(&item->modifiers, MODIFIER_NEQ)) {
        err = matcher_not(compiler->matcher, expr, &expr);
    }
    if (err == OK) {
        *ret = expr;
    }
    return err;
}

static enum err text_compile(struct compiler *compiler, const struct search *item, uint32_t field,
                             const struct value *value, const struct expr **ret)
{
    struct alternatives values = {0};
    if (value->text.size > VALUE_SIZE_MAX) {
        return why_say(compiler->why, ERR_LIMIT, value->line, "a value has more than %d bytes",
                       VALUE_SIZE_MAX);
    }
    arena_reset(compiler->moment);
    enum err err = modifiers_apply(&item->modifiers, value->text, value->line, compiler->moment,
                                   &values, compiler->why);
    const struct expr **list = NULL;
    if (err == OK) {
        list = ARENA_ARRAY(compiler->moment, const struct expr *, values.count);
        err = list == NULL ? ERR_MEMORY : OK;
    }
    bool cased = modifiers_have(&item->modifiers, MODIFIER_CASED);
    for (size_t i = 0; err == OK && i < values.count; i++) {
        if (item->keyword) {
            err = pattern_open(&values.list[i], true, true, compiler->moment);
        }
        if (err == OK) {
            err = matcher_text(compiler->matcher, field, &values.list[i], cased, &list[i]);
        }
    }
    return err == OK ? matcher_group(compiler->matcher, GROUP_OR, list, values.count, ret) : err;
}

static enum err regex_compile(struct compiler *compiler, const struct search *item, uint32_t field,
                              const struct value *value, const struct expr **ret)
{
    unsigned flags = 0;
    flags |= modifiers_have(&item->modifiers, MODIFIER_RE_NOCASE) ? REGEX_NOCASE : 0;
    flags |= modifiers_have(&item->modifiers, MODIFIER_RE_MULTILINE) ? REGEX_MULTILINE : 0;
    flags |= modifiers_have(&item->modifiers, MODIFIER_RE_DOTALL) ? REGEX_DOTALL : 0;
    return matcher_regex(compiler->matcher, field, value->text, flags, ret, compiler->why);
}

static enum err reference_compile(struct compiler *compiler, const struct search *item,
                                  uint32_t field, const struct value *value,
                                  const struct expr **ret)
{
    uint32_t other;
    if (value->text.size == 0) {
        return why_say(compiler->why, ERR_SYNTAX, value->line,
                       "'fieldref' asks for a field's name");
    }
    enum err err = field_compile(compiler, value->text, &other);
    bool contains = modifiers_have(&item->modifiers, MODIFIER_CONTAINS);
    bool ends = modifiers_have(&item->modifiers, MODIFIER_ENDSWITH);
    bool starts = modifiers_have(&item->modifiers, MODIFIER_STARTSWITH);
    return err == OK ? matcher_same(compiler->matcher, field, other, !contains && !ends,
                                    !contains && !starts,
                                    modifiers_have(&item->modifiers, MODIFIER_CASED), ret)
                     : err;
}

static enum err exists_compile(struct compiler *compiler, uint32_t field, const struct value *value,
                               const struct expr **ret)
{
    static const char *const words[] = {"false", "no", "off", "true", "yes", "on"};
    size_t word = 0;
    while (word < 6 && !str_equal_nocase(value->text, str_from(words[word]))) {
        word++;
    }
    if (word == 6) {
        return why_say(compiler->why, ERR_SYNTAX, value->line, "'exists' asks for true or false");
    }
    enum err err = matcher_exists(compiler->matcher, field, ret);
    return err == OK && word < 3 ? matcher_not(compiler->matcher, *ret, ret) : err;
}

static enum err number_compile(struct compiler *compiler, const struct search *item, uint32_t field,
                               const struct value *value, const struct expr **ret)
{
    enum comparison how = modifiers_have(&item->modifiers, MODIFIER_LT)    ? LESS
                          : modifiers_have(&item->modifiers, MODIFIER_LTE) ? LESS_OR_EQUAL
                          : modifiers_have(&item->modifiers, MODIFIER_GT)  ? GREATER
                                                                           : GREATER_OR_EQUAL;
    return matcher_number(compiler->matcher, field, how, value->text, ret, compiler->why);
}

static enum err time_compile(struct compiler *compiler, const struct search *item, uint32_t field,
                             const struct value *value, const struct expr **ret)
{
    enum time_part part = modifiers_have(&item->modifiers, MODIFIER_MINUTE)  ? PART_MINUTE
                          : modifiers_have(&item->modifiers, MODIFIER_HOUR)  ? PART_HOUR
                          : modifiers_have(&item->modifiers, MODIFIER_DAY)   ? PART_DAY
                          : modifiers_have(&item->modifiers, MODIFIER_WEEK)  ? PART_WEEK
                          : modifiers_have(&item->modifiers, MODIFIER_MONTH) ? PART_MONTH
                                                                             : PART_YEAR;
    return matcher_time_part(compiler->matcher, field, part, value->text, ret, compiler->why);
}

/* A line for a reason that has none yet. */
static enum err located(struct compiler *compiler, uint32_t line, enum err err)
{
    if (err != OK && compiler->why != NULL && compiler->why->line == 0) {
        compiler->why->line = line;
    }
    return err;
}

static enum err compared(struct compiler *compiler, const struct search *item, uint32_t field,
                         const struct value *value, const struct expr **ret)
{
    switch (item->modifiers.comparing) {
    case COMPARING_REGEX:
        return regex_compile(compiler, item, field, value, ret);
    case COMPARING_NETWORK:
        return matcher_network(compiler->matcher, field, value->text, ret, compiler->why);
    case COMPARING_EXISTS:
        return exists_compile(compiler, field, value, ret);
    case COMPARING_NUMBER:
        return number_compile(compiler, item, field, value, ret);
    case COMPARING_TIME:
        return time_compile(compiler, item, field, value, ret);
    case COMPARING_FIELDS:
        return reference_compile(compiler, item, field, value, ret);
    default:
        return text_compile(compiler, item, field, value, ret);
    }
}

static enum err value_compile(struct compiler *compiler, const struct search *item, uint32_t field,
                              const struct value *value, const struct expr **ret)
{
    enum comparing comparing = item->modifiers.comparing;
    bool bound = comparing != COMPARING_TEXTS && comparing != COMPARING_REGEX;
    struct value plain = *value;
    struct placeholder placeholder;
    if (item->keyword && (bound || value->null)) {
        return why_say_at(compiler->why, ERR_SYNTAX, value->line, value->column,
                          "this needs a field to look at");
    }
    if (value->null && comparing == COMPARING_TEXTS) {
        return matcher_null(compiler->matcher, field, ret);
    }
    if (value->null) {
        return why_say_at(compiler->why, ERR_SYNTAX, value->line, value->column,
                          "null goes with no modifier that compares");
    }
    if (modifiers_have(&item->modifiers, MODIFIER_EXPAND)) {
        if (placeholder_find(value->text, 0, &placeholder)) {
            return placeholder_compile(compiler, item, field, value, ret);
        }
        enum err err = placeholder_plain(value->text, compiler->scratch, &plain.text);
        if (err != OK) {
            return err;
        }
    }
    return located(compiler, value->line, compared(compiler, item, field, &plain, ret));
}
