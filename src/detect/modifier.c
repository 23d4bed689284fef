/*
 * Sigma's modifiers (specification 2.1, appendix "modifiers"): one table, a row each.
 *
 * Those that change a text are applied one after another, in the order written; a text may become
 * several, any of which may be met (base64offset).  The others choose how values are compared, and
 * are looked up by selection.c.
 */

#include "detect/private.h"

static const struct {
    const char *name;
    enum modifier modifier;
} table[] = {
    {"contains", MODIFIER_CONTAINS}, {"startswith", MODIFIER_STARTSWITH},
    {"endswith", MODIFIER_ENDSWITH}, {"windash", MODIFIER_WINDASH},
    {"base64", MODIFIER_BASE64},     {"base64offset", MODIFIER_BASE64OFFSET},
    {"wide", MODIFIER_UTF16LE},      {"utf16le", MODIFIER_UTF16LE},
    {"utf16be", MODIFIER_UTF16BE},   {"utf16", MODIFIER_UTF16},
    {"all", MODIFIER_ALL},           {"cased", MODIFIER_CASED},
    {"neq", MODIFIER_NEQ},           {"re", MODIFIER_RE},
    {"i", MODIFIER_RE_NOCASE},       {"m", MODIFIER_RE_MULTILINE},
    {"s", MODIFIER_RE_DOTALL},       {"cidr", MODIFIER_CIDR},
    {"exists", MODIFIER_EXISTS},     {"lt", MODIFIER_LT},
    {"lte", MODIFIER_LTE},           {"gt", MODIFIER_GT},
    {"gte", MODIFIER_GTE},           {"fieldref", MODIFIER_FIELDREF},
    {"expand", MODIFIER_EXPAND},     {"minute", MODIFIER_MINUTE},
    {"hour", MODIFIER_HOUR},         {"day", MODIFIER_DAY},
    {"week", MODIFIER_WEEK},         {"month", MODIFIER_MONTH},
    {"year", MODIFIER_YEAR},
};

#define TABLE_COUNT (sizeof table / sizeof table[0])

static enum err unknown(struct str name, uint32_t line, struct why *why)
{
    const char *known[TABLE_COUNT + 1];
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        known[i] = table[i].name;
    }
    known[TABLE_COUNT] = NULL;
    const char *near = yaml_suggest(name, known);
    return why_say(why, ERR_SYNTAX, line, "unknown modifier '%.*s'%s%s%s", STR_ARG(name),
                   near != NULL ? "; is '" : "", near != NULL ? near : "",
                   near != NULL ? "' meant?" : "");
}

enum err modifiers_parse(struct str text, uint32_t line, struct modifiers *ret, struct why *why)
{
    struct modifiers modifiers = {.count = 0};
    while (text.size > 0) {
        struct str name = str_cut(&text, '|');
        size_t row = 0;
        while (row < TABLE_COUNT && !str_equal(name, str_from(table[row].name))) {
            row++;
        }
        if (row == TABLE_COUNT) {
            return unknown(name, line, why);
        }
        if (modifiers.count == MODIFIERS_MAX) {
            return why_say(why, ERR_LIMIT, line, "more than %d modifiers", MODIFIERS_MAX);
        }
        enum modifier modifier = table[row].modifier;
        bool of_re = modifier == MODIFIER_RE_NOCASE || modifier == MODIFIER_RE_MULTILINE ||
                     modifier == MODIFIER_RE_DOTALL;
        if (of_re && !modifiers_have(&modifiers, MODIFIER_RE)) {
            return why_say(why, ERR_SYNTAX, line, "the modifier '%.*s' stands only behind 're'",
                           STR_ARG(name));
        }
        modifiers.list[modifiers.count++] = modifier;
    }
    *ret = modifiers;
    return OK;
}

bool modifiers_have(const struct modifiers *modifiers, enum modifier modifier)
{
    for (size_t i = 0; i < modifiers->count; i++) {
        if (modifiers->list[i] == modifier) {
            return true;
        }
    }
    return false;
}

/* A pattern's plain text under an encoding, as a pattern again. */
static enum err pattern_encode(enum modifier modifier, unsigned offset, struct pattern *pattern,
                               uint32_t line, struct arena *mem, struct why *why)
{
    struct str text;
    enum err err = pattern_text(pattern, mem, &text);
    if (err == ERR_SYNTAX) {
        return why_say(why, ERR_SYNTAX, line, "a value with wildcards cannot be encoded");
    }
    if (err == OK && modifier == MODIFIER_BASE64) {
        err = encode_base64(text, mem, &text);
    } else if (err == OK && modifier == MODIFIER_BASE64OFFSET) {
        err = encode_base64_at(text, offset, mem, &text);
    } else if (err == OK) {
        err = encode_utf16(text, modifier == MODIFIER_UTF16BE, modifier == MODIFIER_UTF16, mem,
                           &text);
    }
    return err == OK ? pattern_literal(text, mem, pattern) : err;
}

static enum err modifier_apply(enum modifier modifier, struct alternatives *values, uint32_t line,
                               struct arena *mem, struct why *why)
{
    if (modifier == MODIFIER_BASE64OFFSET) {
        if (values->count > 1) {
            return why_say(why, ERR_SYNTAX, line, "base64offset twice for one value");
        }
        while (values->count < ALTERNATIVES_MAX) {
            values->list[values->count++] = values->list[0];
        }
    }
    enum err err = OK;
    for (size_t i = 0; i < values->count && err == OK; i++) {
        struct pattern *pattern = &values->list[i];
        switch (modifier) {
        case MODIFIER_CONTAINS:
            err = pattern_open(pattern, true, true, mem);
            break;
        case MODIFIER_STARTSWITH:
            err = pattern_open(pattern, false, true, mem);
            break;
        case MODIFIER_ENDSWITH:
            err = pattern_open(pattern, true, false, mem);
            break;
        case MODIFIER_WINDASH:
            err = pattern_windash(pattern, mem);
            break;
        case MODIFIER_BASE64:
        case MODIFIER_BASE64OFFSET:
        case MODIFIER_UTF16LE:
        case MODIFIER_UTF16BE:
        case MODIFIER_UTF16:
            err = pattern_encode(modifier, (unsigned)i, pattern, line, mem, why);
            break;
        default:
            break;
        }
    }
    return err;
}

enum err modifiers_apply(const struct modifiers *modifiers, struct str value, uint32_t line,
                         struct arena *mem, struct alternatives *ret, struct why *why)
{
    struct alternatives values = {.count = 1};
    enum err err = pattern_parse(value, mem, &values.list[0]);
    for (size_t i = 0; i < modifiers->count && err == OK; i++) {
        err = modifier_apply(modifiers->list[i], &values, line, mem, why);
    }
    if (err == OK) {
        *ret = values;
    }
    return err;
}
