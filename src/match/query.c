/*
 * The search language, read from left to right into one expression (docs/search.md).
 *
 *     query   = [ either ] { "|" command }          (pipes.c reads the commands)
 *     either  = all { "or" all }
 *     all     = unary { [ "and" ] unary }
 *     unary   = ( "not" | "-" | "!" ) unary | primary
 *     primary = "(" either ")" | field ":" value | text
 *     value   = "(" either ")" | text | comparison number | number ".." number
 *     text    = word | "phrase" | /regular expression/ims
 *
 * Inside the parentheses behind a field every text is a value of that field.  Keywords may be
 * written in either case; quotes make plain text of anything.  A word ends at a blank, a
 * parenthesis or a quote; a field's name is what stands before the first colon of a word.
 *
 * Always true: `at` is the next byte to read; recursion counts itself in `depth`.
 */

#include "match/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "match/pipe.h"
#include "match/pipes.h"

#define QUERY_TERMS_MAX 1024 /* as many as a person, or a list pasted in, may need */

struct query {
    struct matcher *matcher;
    struct reading *reading;
    const struct expr *root;
    const struct pipes *pipes; /* NULL: none */
    struct str filter;         /* the text before them */
};

struct parser {
    struct str text;
    size_t at;
    unsigned depth;
    unsigned terms;
    uint32_t field; /* of the values being read; FIELD_EVERYTHING outside of a field */
    struct matcher *matcher;
    struct arena *mem;
    struct why *why;
};

static void blanks_skip(struct parser *parser);
static char peek(const struct parser *parser);
static enum err either_parse(struct parser *parser, const struct expr **ret);
static enum err all_parse(struct parser *parser, const struct expr **ret);
static enum err unary_parse(struct parser *parser, const struct expr **ret);
static enum err primary_parse(struct parser *parser, const struct expr **ret);
static enum err value_parse(struct parser *parser, const struct expr **ret);

static enum err query_read(struct str text, struct query *query, struct arena *mem, struct why *why)
{
    struct parser parser = {
        .text = text,
        .field = FIELD_EVERYTHING,
        .matcher = query->matcher,
        .mem = mem,
        .why = why,
    };
    enum err err;
    blanks_skip(&parser);
    if (parser.at >= text.size || peek(&parser) == '|') {
        err = matcher_group(query->matcher, GROUP_AND, NULL, 0, &query->root);
    } else {
        err = either_parse(&parser, &query->root);
        blanks_skip(&parser);
    }
    if (err == OK) {
        err = arena_copy(query->matcher->mem, str_slice(text, 0, parser.at), &query->filter);
    }
    if (err == OK && peek(&parser) == '|') {
        struct str copy;
        err = arena_copy(query->matcher->mem, text, &copy);
        return err == OK ? pipes_parse(copy, parser.at, query->matcher, &query->pipes, why) : err;
    }
    if (err == OK && parser.at < text.size) {
        return why_say_at(why, ERR_SYNTAX, 1, (uint32_t)parser.at + 1,
                          "a closing parenthesis without an opening one");
    }
    return err;
}

static enum err query_make(struct str text, bool exact, struct query **ret, struct why *why)
{
    if (text.size > QUERY_SIZE_MAX) {
        return why_say(why, ERR_LIMIT, 0, "a search has more than %d bytes", QUERY_SIZE_MAX);
    }
    struct query *query = calloc(1, sizeof *query);
    struct arena *mem = arena_new((size_t)64 * QUERY_SIZE_MAX);
    enum err err = ERR_MEMORY;
    if (query != NULL && mem != NULL) {
        query->matcher = matcher_new();
        err = query->matcher == NULL ? ERR_MEMORY : OK;
    }
    if (err == OK) {
        if (!exact) {
            matcher_for_searches(query->matcher);
        }
        err = query_read(text, query, mem, why);
    }
    if (err == OK && exact && query->pipes != NULL) {
        err =
            why_say_at(why, ERR_SYNTAX, 1, (uint32_t)query->filter.size + 1,
                       "no command can stand here, only what says which events are meant; quote a "
                       "word that holds |");
    }
    if (err == OK) {
        err = reading_new(query->matcher, &query->reading);
    }
    arena_free(mem);
    if (err != OK) {
        query_free(query);
        return err;
    }
    *ret = query;
    return OK;
}

enum err query_parse(struct str text, struct query **ret, struct why *why)
{
    return query_make(text, false, ret, why);
}

enum err query_parse_exact(struct str text, struct query **ret, struct why *why)
{
    return query_make(text, true, ret, why);
}

void query_free(struct query *query)
{
    if (query == NULL) {
        return;
    }
    reading_free(query->reading);
    matcher_free(query->matcher);
    free(query);
}

const struct matcher *query_matcher(const struct query *query)
{
    return query->matcher;
}

const struct pipes *query_pipes(const struct query *query)
{
    return query->pipes;
}

struct str query_filter(const struct query *query)
{
    return query->filter;
}

const struct expr *query_root(const struct query *query)
{
    return query->root;
}

enum err query_matches(const struct query *query, const struct event *event, struct arena *scratch,
                       bool *ret)
{
    (void)scratch; /* The reading has an arena that is reset for each event. */
    enum err err = reading_event(query->reading, event);
    return err == OK ? reading_holds(query->reading, query->root, ret) : err;
}

static enum err complain(struct parser *parser, size_t at, const char *what)
{
    return why_say_at(parser->why, ERR_SYNTAX, 1, (uint32_t)at + 1, "%s", what);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void blanks_skip(struct parser *parser)
{
    while (parser->at < parser->text.size && is_blank(parser->text.data[parser->at])) {
        parser->at++;
    }
}

static char peek(const struct parser *parser)
{
    return parser->at < parser->text.size ? parser->text.data[parser->at] : '\0';
}

static bool ends_word(char c)
{
    return is_blank(c) || c == '(' || c == ')' || c == '"' || c == '|';
}

/* The word at the cursor, which stays where it is. */
static struct str word_peek(const struct parser *parser)
{
    size_t end = parser->at;
    while (end < parser->text.size && !ends_word(parser->text.data[end])) {
        end++;
    }
    return str_slice(parser->text, parser->at, end - parser->at);
}

static bool keyword_take(struct parser *parser, struct str keyword)
{
    blanks_skip(parser);
    if (!str_equal_nocase(word_peek(parser), keyword)) {
        return false;
    }
    parser->at += keyword.size;
    return true;
}

/* Whether nothing that could begin a term is left. */
static bool terms_ended(struct parser *parser)
{
    blanks_skip(parser);
    struct str word = word_peek(parser);
    return parser->at >= parser->text.size || peek(parser) == ')' || peek(parser) == '|' ||
           str_equal_nocase(word, STR("or")) || str_equal_nocase(word, STR("and"));
}

struct list {
    struct buf items; /* const struct expr * each */
};

static enum err list_add(struct list *list, const struct expr *item)
{
    return buf_append(&list->items, str_of(&item, sizeof item));
}

static enum err list_end(struct list *list, struct parser *parser, enum group_kind kind,
                         enum err err, const struct expr **ret)
{
    size_t count = list->items.size / sizeof(struct expr *);
    const struct expr **items = ARENA_ARRAY(parser->mem, const struct expr *, count);
    if (err == OK && items == NULL) {
        err = ERR_MEMORY;
    }
    if (err == OK) {
        memcpy(items, list->items.data, list->items.size);
        err = matcher_group(parser->matcher, kind, items, count, ret);
    }
    buf_done(&list->items);
    return err;
}

static enum err either_parse(struct parser *parser, const struct expr **ret)
{
    struct list list;
    buf_init(&list.items, QUERY_SIZE_MAX * sizeof(struct expr *));
    enum err err = ++parser->depth > NESTING_MAX
                       ? complain(parser, parser->at, "too many levels of parentheses")
                       : OK;
    bool more = true;
    while (err == OK && more) {
        const struct expr *item;
        err = all_parse(parser, &item);
        if (err == OK) {
            err = list_add(&list, item);
        }
        more = err == OK && keyword_take(parser, STR("or"));
    }
    parser->depth--;
    return list_end(&list, parser, GROUP_OR, err, ret);
}

static enum err all_parse(struct parser *parser, const struct expr **ret)
{
    struct list list;
    buf_init(&list.items, QUERY_SIZE_MAX * sizeof(struct expr *));
    enum err err = OK;
    bool more = true;
    while (err == OK && more) {
        const struct expr *item;
        err = terms_ended(parser)
                  ? complain(parser, parser->at, "a word or a field is missing here")
                  : unary_parse(parser, &item);
        if (err == OK) {
            err = list_add(&list, item);
        }
        more = err == OK && (keyword_take(parser, STR("and")) || !terms_ended(parser));
    }
    return list_end(&list, parser, GROUP_AND, err, ret);
}

static enum err unary_parse(struct parser *parser, const struct expr **ret)
{
    bool negated = false;
    size_t from = parser->at;
    for (;;) {
        if (keyword_take(parser, STR("not"))) {
            negated = !negated;
        } else if ((peek(parser) == '-' || peek(parser) == '!') &&
                   parser->at + 1 < parser->text.size &&
                   !is_blank(parser->text.data[parser->at + 1])) {
            parser->at++;
            negated = !negated;
        } else {
            break;
        }
    }
    if (terms_ended(parser)) {
        return complain(parser, from, "'not' needs something to deny");
    }
    const struct expr *expr;
    enum err err = primary_parse(parser, &expr);
    if (err == OK && negated) {
        return matcher_not(parser->matcher, expr, ret);
    }
    if (err == OK) {
        *ret = expr;
    }
    return err;
}

static enum err parenthesis_parse(struct parser *parser, const struct expr **ret)
{
    size_t from = parser->at++;
    enum err err = either_parse(parser, ret);
    if (err != OK) {
        return err;
    }
    blanks_skip(parser);
    if (peek(parser) != ')') {
        return complain(parser, from, "this parenthesis is not closed");
    }
    parser->at++;
    return OK;
}

/* A phrase, quotes undone; leaves the cursor behind it. */
static enum err phrase_parse(struct parser *parser, struct str *ret)
{
    size_t from = parser->at++;
    char *out = arena_take(parser->mem, parser->text.size - from);
    if (out == NULL) {
        return ERR_MEMORY;
    }
    size_t size = 0;
    for (; parser->at < parser->text.size; parser->at++) {
        char c = peek(parser);
        if (c == '"') {
            parser->at++;
            *ret = (struct str){out, size};
            return OK;
        }
        char next = parser->at + 1 < parser->text.size ? parser->text.data[parser->at + 1] : '\0';
        if (c == '\\' && (next == '"' || next == '\\')) {
            c = next;
            parser->at++;
        }
        out[size++] = c;
    }
    return complain(parser, from, "this quote is not closed");
}

/* field: and what follows it. */
static enum err field_parse(struct parser *parser, struct str name, size_t from,
                            const struct expr **ret)
{
    if (parser->field != FIELD_EVERYTHING) {
        return complain(parser, from,
                        "a field within the values of another; quote a value that "
                        "holds a colon");
    }
    if (name.size == 0 || name.size > NAME_SIZE_MAX) {
        return complain(parser, from, "a field's name is missing before the colon, or too long");
    }
    enum err err = matcher_field(parser->matcher, &name, 1, &parser->field);
    if (err == OK) {
        blanks_skip(parser);
        err = parser->at >= parser->text.size || peek(parser) == ')' || peek(parser) == '|'
                  ? complain(parser, parser->at, "a value is missing behind the colon")
              : peek(parser) == '(' ? parenthesis_parse(parser, ret)
                                    : value_parse(parser, ret);
    }
    parser->field = FIELD_EVERYTHING;
    return err;
}

static enum err primary_parse(struct parser *parser, const struct expr **ret)
{
    if (++parser->terms > QUERY_TERMS_MAX) {
        return why_say_at(parser->why, ERR_LIMIT, 1, (uint32_t)parser->at + 1, "more than %d terms",
                          QUERY_TERMS_MAX);
    }
    char c = peek(parser);
    size_t from = parser->at;
    if (c == '(') {
        return parenthesis_parse(parser, ret);
    }
    if (c == '"') {
        struct str name;
        enum err err = phrase_parse(parser, &name);
        if (err != OK) {
            return err;
        }
        if (peek(parser) == ':') {
            parser->at++;
            return field_parse(parser, name, from, ret);
        }
        parser->at = from;
        return value_parse(parser, ret);
    }
    struct str word = word_peek(parser);
    size_t colon = c == '/' ? STR_NONE : str_find_byte(word, ':');
    if (colon == STR_NONE || parser->field != FIELD_EVERYTHING) {
        return value_parse(parser, ret);
    }
    parser->at += colon + 1;
    return field_parse(parser, str_slice(word, 0, colon), from, ret);
}

/* A text over the field at hand: its whole value, or anywhere in the record. */
static enum err text_make(struct parser *parser, struct pattern *pattern, const struct expr **ret)
{
    enum err err = OK;
    if (parser->field == FIELD_EVERYTHING) {
        err = pattern_open(pattern, true, true, parser->mem);
    }
    return err == OK ? matcher_text(parser->matcher, parser->field, pattern, false, ret) : err;
}

static enum err regex_parse(struct parser *parser, const struct expr **ret)
{
    size_t from = parser->at++;
    char *out = arena_take(parser->mem, parser->text.size - from);
    if (out == NULL) {
        return ERR_MEMORY;
    }
    size_t size = 0;
    while (peek(parser) != '/') {
        if (parser->at >= parser->text.size) {
            return complain(parser, from,
                            "this regular expression has no second '/'; a path is quoted or "
                            "begins with \\/");
        }
        char next = parser->at + 1 < parser->text.size ? parser->text.data[parser->at + 1] : '\0';
        if (peek(parser) == '\\' && next != '\0') {
            if (next != '/') {
                out[size++] = '\\';
            }
            out[size++] = next;
            parser->at += 2;
        } else {
            out[size++] = parser->text.data[parser->at++];
        }
    }
    parser->at++;
    unsigned flags = 0;
    for (; parser->at < parser->text.size && !ends_word(peek(parser)); parser->at++) {
        char c = peek(parser);
        unsigned flag = c == 'i'   ? REGEX_NOCASE
                        : c == 'm' ? REGEX_MULTILINE
                        : c == 's' ? REGEX_DOTALL
                                   : 0;
        if (flag == 0) {
            return complain(parser, parser->at,
                            "only i, m and s may follow a regular expression; a path is quoted "
                            "or begins with \\/");
        }
        flags |= flag;
    }
    enum err err = matcher_regex(parser->matcher, parser->field, (struct str){out, size}, flags,
                                 ret, parser->why);
    if (err != OK && parser->why != NULL) {
        parser->why->line = 1;
        parser->why->column = (uint32_t)from + 1;
    }
    return err;
}

/* >= 400 and its like; the cursor stands on the sign. */
static enum err comparison_parse(struct parser *parser, const struct expr **ret)
{
    size_t from = parser->at;
    bool less = peek(parser) == '<';
    parser->at++;
    bool equal = peek(parser) == '=';
    parser->at += equal;
    blanks_skip(parser);
    struct str word = word_peek(parser);
    parser->at += word.size;
    enum comparison how =
        less ? (equal ? LESS_OR_EQUAL : LESS) : (equal ? GREATER_OR_EQUAL : GREATER);
    struct number number;
    if (number_parse(word, &number) != OK) {
        return complain(parser, from, "a decimal number must follow < or >");
    }
    return matcher_number(parser->matcher, parser->field, how, word, ret, parser->why);
}

/* 400..499; ERR_NOT_FOUND if the word is no range. */
static enum err range_parse(struct parser *parser, struct str word, const struct expr **ret)
{
    size_t dots = str_find(word, STR(".."));
    struct str from = str_slice(word, 0, dots);
    struct str to = dots == STR_NONE ? (struct str){0} : str_slice(word, dots + 2, word.size);
    struct number number;
    if (dots == STR_NONE || number_parse(from, &number) != OK || number_parse(to, &number) != OK) {
        return ERR_NOT_FOUND;
    }
    const struct expr *both[2];
    enum err err = matcher_number(parser->matcher, parser->field, GREATER_OR_EQUAL, from, &both[0],
                                  parser->why);
    if (err == OK) {
        err = matcher_number(parser->matcher, parser->field, LESS_OR_EQUAL, to, &both[1],
                             parser->why);
    }
    return err == OK ? matcher_group(parser->matcher, GROUP_AND, both, 2, ret) : err;
}

static enum err field_word_parse(struct parser *parser, struct str word, const struct expr **ret)
{
    if (str_equal(word, STR("*"))) {
        return matcher_exists(parser->matcher, parser->field, ret);
    }
    struct network network;
    if (str_find_byte(word, '/') != STR_NONE && network_parse(word, &network) == OK) {
        return matcher_network(parser->matcher, parser->field, word, ret, parser->why);
    }
    return range_parse(parser, word, ret);
}

static enum err value_parse(struct parser *parser, const struct expr **ret)
{
    struct pattern pattern;
    char c = peek(parser);
    bool in_field = parser->field != FIELD_EVERYTHING;
    if (c == '"') {
        struct str phrase;
        enum err err = phrase_parse(parser, &phrase);
        if (err == OK) {
            err = pattern_literal(phrase, parser->mem, &pattern);
        }
        return err == OK ? text_make(parser, &pattern, ret) : err;
    }
    if (c == '/') {
        return regex_parse(parser, ret);
    }
    if (in_field && (c == '<' || c == '>')) {
        return comparison_parse(parser, ret);
    }
    struct str word = word_peek(parser);
    parser->at += word.size;
    if (str_starts(word, STR("\\/"))) {
        word = str_slice(word, 1, word.size); /* a slash that begins no regular expression */
    }
    enum err err = in_field ? field_word_parse(parser, word, ret) : ERR_NOT_FOUND;
    if (err != ERR_NOT_FOUND) {
        return err;
    }
    err = pattern_parse(word, parser->mem, &pattern);
    return err == OK ? text_make(parser, &pattern, ret) : err;
}
