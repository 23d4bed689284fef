/*
 * Sigma's modifiers (specification 2.1, appendix "modifiers"): one table, a row each.
 *
 * Most choose nothing but how texts are changed before they are compared; they are applied one
 * after another, in the order written, and a text may become several, any of which may be met
 * (base64offset).  Others choose a comparison of another kind: at most one of these, and each row
 * says with which kinds its modifier makes sense.
 *
 * OUR readings: UTF-16 is encoded piece by piece, so wildcards stay; base64 has no place for them.
 * A `windash` before an encoding is written out, every dash of every kind.
 */

#include "detect/private.h"

#include <string.h>

#define TEXTS    (1u << COMPARING_TEXTS)
#define REGEX    (1u << COMPARING_REGEX)
#define FIELDS   (1u << COMPARING_FIELDS)
#define ANYTHING 0xffu

static const struct {
    const char *name;
    enum modifier modifier;
    enum comparing comparing; /* what it chooses; COMPARING_TEXTS: nothing */
    unsigned with;            /* kinds of comparison that it goes with */
} table[] = {
    {"contains", MODIFIER_CONTAINS, COMPARING_TEXTS, TEXTS | REGEX | FIELDS},
    {"startswith", MODIFIER_STARTSWITH, COMPARING_TEXTS, TEXTS | FIELDS},
    {"endswith", MODIFIER_ENDSWITH, COMPARING_TEXTS, TEXTS | FIELDS},
    {"windash", MODIFIER_WINDASH, COMPARING_TEXTS, TEXTS},
    {"base64", MODIFIER_BASE64, COMPARING_TEXTS, TEXTS},
    {"base64offset", MODIFIER_BASE64OFFSET, COMPARING_TEXTS, TEXTS},
    {"wide", MODIFIER_UTF16LE, COMPARING_TEXTS, TEXTS},
    {"utf16le", MODIFIER_UTF16LE, COMPARING_TEXTS, TEXTS},
    {"utf16be", MODIFIER_UTF16BE, COMPARING_TEXTS, TEXTS},
    {"utf16", MODIFIER_UTF16, COMPARING_TEXTS, TEXTS},
    {"all", MODIFIER_ALL, COMPARING_TEXTS, ANYTHING},
    {"cased", MODIFIER_CASED, COMPARING_TEXTS, TEXTS | FIELDS},
    {"neq", MODIFIER_NEQ, COMPARING_TEXTS, ANYTHING},
    {"expand", MODIFIER_EXPAND, COMPARING_TEXTS, ANYTHING},
    {"re", MODIFIER_RE, COMPARING_REGEX, REGEX},
    {"i", MODIFIER_RE_NOCASE, COMPARING_TEXTS, REGEX},
    {"ignorecase", MODIFIER_RE_NOCASE, COMPARING_TEXTS, REGEX},
    {"m", MODIFIER_RE_MULTILINE, COMPARING_TEXTS, REGEX},
    {"multiline", MODIFIER_RE_MULTILINE, COMPARING_TEXTS, REGEX},
    {"s", MODIFIER_RE_DOTALL, COMPARING_TEXTS, REGEX},
    {"dotall", MODIFIER_RE_DOTALL, COMPARING_TEXTS, REGEX},
    {"cidr", MODIFIER_CIDR, COMPARING_NETWORK, ANYTHING},
    {"exists", MODIFIER_EXISTS, COMPARING_EXISTS, ANYTHING},
    {"lt", MODIFIER_LT, COMPARING_NUMBER, ANYTHING},
    {"lte", MODIFIER_LTE, COMPARING_NUMBER, ANYTHING},
    {"gt", MODIFIER_GT, COMPARING_NUMBER, ANYTHING},
    {"gte", MODIFIER_GTE, COMPARING_NUMBER, ANYTHING},
    {"minute", MODIFIER_MINUTE, COMPARING_TIME, ANYTHING},
    {"hour", MODIFIER_HOUR, COMPARING_TIME, ANYTHING},
    {"day", MODIFIER_DAY, COMPARING_TIME, ANYTHING},
    {"week", MODIFIER_WEEK, COMPARING_TIME, ANYTHING},
    {"month", MODIFIER_MONTH, COMPARING_TIME, ANYTHING},
    {"year", MODIFIER_YEAR, COMPARING_TIME, ANYTHING},
    {"fieldref", MODIFIER_FIELDREF, COMPARING_FIELDS, ANYTHING},
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

static bool is_encoding(enum modifier modifier)
{
    return modifier == MODIFIER_BASE64 || modifier == MODIFIER_BASE64OFFSET ||
           modifier == MODIFIER_UTF16LE || modifier == MODIFIER_UTF16BE ||
           modifier == MODIFIER_UTF16;
}

static enum err kinds_check(const struct modifiers *modifiers, const size_t *rows,
                            const char *chooser, uint32_t line, struct why *why)
{
    size_t encodings = 0;
    for (size_t i = 0; i < modifiers->count; i++) {
        if ((table[rows[i]].with & 1u << modifiers->comparing) == 0 && chooser == NULL) {
            return why_say(why, ERR_SYNTAX, line, "the modifier '%s' stands only behind 're'",
                           table[rows[i]].name);
        }
        if ((table[rows[i]].with & 1u << modifiers->comparing) == 0) {
            return why_say(why, ERR_SYNTAX, line, "the modifiers '%s' and '%s' do not go together",
                           chooser, table[rows[i]].name);
        }
        encodings += is_encoding(table[rows[i]].modifier);
    }
    return encodings > ENCODINGS_MAX
               ? why_say(why, ERR_LIMIT, line, "more than %d encodings of one value", ENCODINGS_MAX)
               : OK;
}

const char *modifier_name(enum modifier modifier)
{
    size_t row = 0;
    while (row < TABLE_COUNT && table[row].modifier != modifier) {
        row++;
    }
    return row < TABLE_COUNT ? table[row].name : "?";
}

enum err modifiers_parse(struct str text, uint32_t line, struct modifiers *ret, struct why *why)
{
    struct modifiers modifiers = {.count = 0};
    size_t rows[MODIFIERS_MAX];
    const char *chooser = NULL;
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
        if (table[row].with == REGEX && table[row].modifier != MODIFIER_RE &&
            modifiers.comparing != COMPARING_REGEX) {
            return why_say(why, ERR_SYNTAX, line, "the modifier '%.*s' stands only behind 're'",
                           STR_ARG(name));
        }
        if (table[row].comparing != COMPARING_TEXTS) {
            if (chooser != NULL) {
                return why_say(why, ERR_SYNTAX, line,
                               "the modifiers '%s' and '%s' do not go together", chooser,
                               table[row].name);
            }
            chooser = table[row].name;
            modifiers.comparing = table[row].comparing;
        }
        rows[modifiers.count] = row;
        modifiers.list[modifiers.count++] = (uint8_t)table[row].modifier;
    }
    enum err err = kinds_check(&modifiers, rows, chooser, line, why);
    if (err == OK) {
        *ret = modifiers;
    }
    return err;
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

/* Every dash of a pattern as each of the five that it stands for. */
static enum err dashes_expand(struct alternatives *values, uint32_t line, struct arena *mem,
                              struct why *why)
{
    static const char *const dashes[] = {"-", "/", "\xE2\x80\x93", "\xE2\x80\x94", "\xE2\x80\x95"};
    for (size_t i = 0; i < values->count;) {
        const struct pattern pattern = values->list[i];
        size_t at = 0;
        while (at < pattern.count && pattern.pieces[at].kind != PIECE_DASH) {
            at++;
        }
        if (at == pattern.count) {
            i++;
            continue;
        }
        size_t count = values->count + 4;
        struct pattern *list = ARENA_ARRAY(mem, struct pattern, count);
        if (count > ALTERNATIVES_MAX / 3) {
            return why_say(why, ERR_LIMIT, line, "too many dashes to encode; three are read");
        }
        if (list == NULL) {
            return ERR_MEMORY;
        }
        memcpy(list, values->list, values->count * sizeof *list);
        for (size_t k = 0; k < 5; k++) {
            struct pattern copy = {.pieces = ARENA_ARRAY(mem, struct piece, pattern.count),
                                   .count = pattern.count};
            if (copy.pieces == NULL) {
                return ERR_MEMORY;
            }
            memcpy(copy.pieces, pattern.pieces, pattern.count * sizeof *copy.pieces);
            copy.pieces[at] = (struct piece){PIECE_TEXT, str_from(dashes[k])};
            list[k == 0 ? i : values->count + k - 1] = copy;
        }
        *values = (struct alternatives){list, count};
    }
    return OK;
}

/* Each text of a pattern in UTF-16, the wildcards as they are; the mark stands before the first. */
static enum err pattern_widen(enum modifier modifier, struct pattern *pattern, struct arena *mem)
{
    bool big = modifier == MODIFIER_UTF16BE;
    bool mark = modifier == MODIFIER_UTF16;
    struct pattern wide = {.pieces = ARENA_ARRAY(mem, struct piece, pattern->count + 1)};
    enum err err = wide.pieces == NULL ? ERR_MEMORY : OK;
    if (err == OK && mark) {
        wide.pieces[wide.count].kind = PIECE_TEXT;
        err = encode_utf16((struct str){0}, big, mark, mem, &wide.pieces[wide.count++].text);
    }
    for (size_t i = 0; i < pattern->count && err == OK; i++) {
        struct piece *piece = &wide.pieces[wide.count++];
        *piece = pattern->pieces[i];
        if (piece->kind == PIECE_TEXT) {
            err = encode_utf16(piece->text, big, false, mem, &piece->text);
        }
    }
    if (err == OK) {
        *pattern = wide;
    }
    return err;
}

/* A pattern's plain text in base64, as a pattern again. */
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
    } else if (err == OK) {
        err = encode_base64_at(text, offset, mem, &text);
    }
    if (err == OK && text.size == 0) {
        return why_say(why, ERR_SYNTAX, line, "the value is too short to be found in base64");
    }
    return err == OK ? pattern_literal(text, mem, pattern) : err;
}

/* Three of each, for the three places at which base64 may begin. */
static enum err offsets_expand(struct alternatives *values, struct arena *mem)
{
    struct pattern *list = ARENA_ARRAY(mem, struct pattern, 3 * values->count);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < 3 * values->count; i++) {
        list[i] = values->list[i / 3];
    }
    *values = (struct alternatives){list, 3 * values->count};
    return OK;
}

static enum err modifier_apply(enum modifier modifier, struct alternatives *values, uint32_t line,
                               struct arena *mem, struct why *why)
{
    enum err err = is_encoding(modifier) ? dashes_expand(values, line, mem, why) : OK;
    if (err == OK && modifier == MODIFIER_BASE64OFFSET) {
        if (3 * values->count > ALTERNATIVES_MAX) {
            return why_say(why, ERR_LIMIT, line, "the modifiers make too many texts of one value");
        }
        err = offsets_expand(values, mem);
    }
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
            err = pattern_encode(modifier, (unsigned)(i % 3), pattern, line, mem, why);
            break;
        case MODIFIER_UTF16LE:
        case MODIFIER_UTF16BE:
        case MODIFIER_UTF16:
            err = pattern_widen(modifier, pattern, mem);
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
    struct alternatives values = {.list = ARENA_ONE(mem, struct pattern), .count = 1};
    enum err err = values.list == NULL ? ERR_MEMORY : pattern_parse(value, mem, &values.list[0]);
    for (size_t i = 0; i < modifiers->count && err == OK; i++) {
        err = modifier_apply((enum modifier)modifiers->list[i], &values, line, mem, why);
    }
    if (err == OK) {
        *ret = values;
    }
    return err;
}
