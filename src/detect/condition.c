/*
 * A rule's condition (Sigma specification 2.1, "condition").
 *
 *     either  = all { "or" all }
 *     all     = unary { "and" unary }
 *     unary   = "not" unary | primary
 *     primary = "(" either ")" | ( "1" | "any" | "all" ) "of" ( "them" | pattern ) | name
 *
 * Keywords are read in any case, names as they are written.  Names end at blanks and parentheses;
 * where no search is called so, one whose name holds blanks or parentheses is looked for in what
 * follows.  A pattern is a name with *; "them" is every search.  Neither takes searches whose names
 * begin with an underscore, unless the pattern itself does.  A pattern that fits no search is
 * refused: a rule that can never fire, or always does, is a mistake that somebody wants to hear of.
 *
 * A search of which pipelines have left nothing (its expression is NULL) is passed over, as the
 * reference library does: "a and b" without b is a, "not b" is nothing.
 */

#include "detect/private.h"

#include "base/limits.h"

#define CONDITION_TERMS_MAX 1000  /* words of one condition */
#define CONDITION_SIZE_MAX  65536 /* bytes of it */

struct reader {
    struct compiler *compiler;
    struct str whole, rest;
    struct str word; /* the next one; empty at the end */
    uint32_t line;
    unsigned depth;
    unsigned words;
    const struct selection *selections;
    size_t count;
};

static enum err either_read(struct reader *reader, const struct expr **ret);

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void advance(struct reader *reader)
{
    struct str rest = reader->rest;
    while (rest.size > 0 && is_blank(rest.data[0])) {
        rest = str_slice(rest, 1, rest.size);
    }
    size_t size = 0;
    while (size < rest.size && !is_blank(rest.data[size]) && rest.data[size] != '(' &&
           rest.data[size] != ')') {
        size++;
    }
    if (size == 0 && rest.size > 0) {
        size = 1;
    }
    reader->word = str_slice(rest, 0, size);
    reader->rest = str_slice(rest, size, rest.size);
    reader->words++;
}

static bool at(const struct reader *reader, const char *keyword)
{
    return str_equal_nocase(reader->word, str_from(keyword));
}

static enum err complain(struct reader *reader, const char *what)
{
    return why_say(reader->compiler->why, ERR_SYNTAX, reader->line, "condition: %s, at '%.*s'",
                   what, (int)(reader->word.size < 80 ? reader->word.size : 80),
                   reader->word.data != NULL ? reader->word.data : "");
}

/* A group of those that are left; NULL if none is. */
static enum err group(struct reader *reader, enum group_kind kind, const struct expr **list,
                      size_t count, const struct expr **ret)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        if (list[i] != NULL) {
            list[left++] = list[i];
        }
    }
    if (left == 0) {
        *ret = NULL;
        return OK;
    }
    return matcher_group(reader->compiler->matcher, kind, list, left, ret);
}

/* Whether a name fits a pattern whose only wildcard is the star. */
static bool name_fits(struct str pattern, struct str name)
{
    struct str part = str_cut(&pattern, '*');
    if (!str_starts(name, part)) {
        return false;
    }
    name = str_slice(name, part.size, name.size);
    bool star = true; /* Only names with a star come here. */
    while (star) {
        size_t next = str_find_byte(pattern, '*');
        star = next != STR_NONE;
        part = str_cut(&pattern, '*');
        if (!star) {
            return str_ends(name, part);
        }
        size_t found = str_find(name, part);
        if (found == STR_NONE) {
            return false;
        }
        name = str_slice(name, found + part.size, name.size);
    }
    return true;
}

static enum err quantifier_read(struct reader *reader, enum group_kind kind,
                                const struct expr **ret)
{
    advance(reader);
    advance(reader);
    bool them = at(reader, "them");
    bool pattern = str_find_byte(reader->word, '*') != STR_NONE;
    bool hidden = str_starts(reader->word, STR("_")); /* It asks for those with underscores. */
    const struct expr **list =
        ARENA_ARRAY(reader->compiler->moment, const struct expr *, reader->count);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    size_t count = 0;
    for (size_t i = 0; i < reader->count; i++) {
        struct str name = reader->selections[i].name;
        bool wanted = them      ? true
                      : pattern ? name_fits(reader->word, name)
                                : str_equal(reader->word, name);
        if (wanted && (hidden || !str_starts(name, STR("_")))) {
            list[count++] = reader->selections[i].expr;
        }
    }
    if (count == 0) {
        return complain(reader, "no search of the rule has such a name");
    }
    advance(reader);
    return group(reader, kind, list, count, ret);
}

/* The search that the next word names, or, if none does, the one with the longest name that what
 * follows begins with. */
static const struct selection *name_read(struct reader *reader)
{
    const struct selection *found = NULL;
    size_t from = (size_t)(reader->word.data - reader->whole.data);
    struct str behind = str_slice(reader->whole, from, reader->whole.size);
    for (size_t i = 0; i < reader->count; i++) {
        const struct selection *selection = &reader->selections[i];
        size_t size = selection->name.size;
        if (str_equal(reader->word, selection->name)) {
            advance(reader);
            return selection;
        }
        bool ends = size >= behind.size || is_blank(behind.data[size]) || behind.data[size] == ')';
        if (size > 0 && ends && str_starts(behind, selection->name) &&
            (found == NULL || size > found->name.size)) {
            found = selection;
        }
    }
    if (found != NULL) {
        reader->rest = str_slice(behind, found->name.size, behind.size);
        advance(reader);
    }
    return found;
}

static bool is_number(struct str word)
{
    uint64_t value;
    return str_to_u64(word, UINT64_MAX, &value) == OK;
}

static enum err primary_read(struct reader *reader, const struct expr **ret)
{
    if (reader->word.size == 0 || at(reader, ")") || at(reader, "and") || at(reader, "or")) {
        return complain(reader, "the name of a search is missing");
    }
    if (at(reader, "(")) {
        advance(reader);
        enum err err = either_read(reader, ret);
        if (err == OK && !at(reader, ")")) {
            return complain(reader, "a closing parenthesis is missing");
        }
        advance(reader);
        return err;
    }
    struct reader ahead = *reader;
    advance(&ahead);
    if (at(&ahead, "of") && (at(reader, "all") || at(reader, "1") || at(reader, "any"))) {
        return quantifier_read(reader, at(reader, "all") ? GROUP_AND : GROUP_OR, ret);
    }
    if (at(&ahead, "of") && is_number(reader->word)) {
        return complain(reader, "of numbers only '1 of' is Sigma");
    }
    const struct selection *selection = name_read(reader);
    if (selection == NULL) {
        return complain(reader, "no search of the rule has this name");
    }
    *ret = selection->expr;
    return OK;
}

static enum err unary_read(struct reader *reader, const struct expr **ret)
{
    bool negated = false;
    while (at(reader, "not")) {
        negated = !negated;
        advance(reader);
    }
    const struct expr *expr = NULL;
    enum err err = primary_read(reader, &expr);
    if (err == OK && negated && expr != NULL) {
        err = matcher_not(reader->compiler->matcher, expr, &expr);
    }
    if (err == OK) {
        *ret = expr;
    }
    return err;
}

/* One level of "a and b and c" or "a or b or c". */
static enum err series_read(struct reader *reader, const char *joint, enum group_kind kind,
                            enum err (*item_read)(struct reader *, const struct expr **),
                            const struct expr **ret)
{
    const struct expr **list =
        ARENA_ARRAY(reader->compiler->moment, const struct expr *, CONDITION_TERMS_MAX);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    size_t count = 0;
    for (;;) {
        if (count == CONDITION_TERMS_MAX || reader->words > CONDITION_TERMS_MAX) {
            return complain(reader, "it has too many words");
        }
        enum err err = item_read(reader, &list[count++]);
        if (err != OK) {
            return err;
        }
        if (!at(reader, joint)) {
            return group(reader, kind, list, count, ret);
        }
        advance(reader);
    }
}

static enum err all_read(struct reader *reader, const struct expr **ret)
{
    return series_read(reader, "and", GROUP_AND, unary_read, ret);
}

static enum err either_read(struct reader *reader, const struct expr **ret)
{
    if (++reader->depth > NESTING_MAX + 1) { /* the outermost has none */
        return complain(reader, "too many levels of parentheses");
    }
    enum err err = series_read(reader, "or", GROUP_OR, all_read, ret);
    reader->depth--;
    return err;
}

enum err condition_compile(struct compiler *compiler, struct str text, uint32_t line,
                           const struct selection *selections, size_t count,
                           const struct expr **ret)
{
    struct reader reader = {.compiler = compiler,
                            .whole = text,
                            .rest = text,
                            .line = line,
                            .selections = selections,
                            .count = count};
    if (text.size > CONDITION_SIZE_MAX) {
        return why_say(compiler->why, ERR_LIMIT, line, "condition: it has more than %d bytes",
                       CONDITION_SIZE_MAX);
    }
    if (str_find_byte(text, '|') != STR_NONE) {
        return why_say(compiler->why, ERR_UNSUPPORTED, line,
                       "condition: aggregations after '|' are no longer Sigma; "
                       "write a correlation");
    }
    arena_reset(compiler->moment);
    advance(&reader);
    enum err err = either_read(&reader, ret);
    if (err == OK && reader.word.size > 0) {
        return complain(&reader, "this does not belong here");
    }
    return err;
}
