/*
 * What a search requires, read off its expression.
 *
 *     and          all of its parts that are known
 *     or           any of its parts, if all are known
 *     not          nothing: what must not be there says nothing about what is
 *     text         itself; with wildcards inside, each piece by itself
 *     regular      one of its literals (literals.c), in the folded value
 *     number       a range; network and existence: themselves
 *     the rest     that the field is there, or nothing
 *
 * A literal of a regular expression stands in the value as it is, not in the folded one: there its
 * last character may have become one with a combining mark behind it.  All before that are followed
 * by an ASCII character, with which nothing combines.  So the last one is left out.
 *
 * Always true: REQUIRED_ALL and REQUIRED_ANY have children, none of which is REQUIRED_NOTHING.
 */

#include "match/required.h"

#include <math.h>

#include "match/private.h"

#define WHOLE_EXACT 9007199254740992.0 /* 2^53: from here on a double may be a neighbour */

static enum err expr_require(const struct matcher *matcher, const struct expr *expr,
                             struct arena *mem, const struct required **ret);

static enum err made(struct required what, struct arena *mem, const struct required **ret)
{
    struct required *required = ARENA_ONE(mem, struct required);
    if (required == NULL) {
        return ERR_MEMORY;
    }
    *required = what;
    *ret = required;
    return OK;
}

/* A group of what its parts require: those of an `and` that require nothing are left out, one of an
 * `or` makes the whole require nothing. */
static enum err group_settle(enum required_kind kind, const struct required **parts, size_t count,
                             struct arena *mem, const struct required **ret)
{
    bool all = kind == REQUIRED_ALL;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (parts[i]->kind == (all ? REQUIRED_NEVER : REQUIRED_NOTHING)) {
            *ret = parts[i];
            return OK;
        }
        if (parts[i]->kind != (all ? REQUIRED_NOTHING : REQUIRED_NEVER)) {
            parts[kept++] = parts[i];
        }
    }
    if (kept == 1) {
        *ret = parts[0];
        return OK;
    }
    if (kept == 0) {
        kind = all ? REQUIRED_NOTHING : REQUIRED_NEVER;
    }
    return made((struct required){.kind = kind, .children = parts, .count = kept}, mem, ret);
}

static enum err present_make(struct str field, struct arena *mem, const struct required **ret)
{
    enum required_kind kind = field.size > 0 ? REQUIRED_PRESENT : REQUIRED_NOTHING;
    return made((struct required){.kind = kind, .field = field}, mem, ret);
}

static enum err text_make(struct str field, enum required_how how, struct str text,
                          struct arena *mem, const struct required **ret)
{
    if (text.size == 0 && how != REQUIRED_EQUALS) {
        return present_make(field, mem, ret);
    }
    return made((struct required){.kind = REQUIRED_TEXT, .how = how, .field = field, .text = text},
                mem, ret);
}

static enum err glob_require(const struct pattern *pattern, struct str field, struct arena *mem,
                             const struct required **ret)
{
    const struct required **parts = ARENA_ARRAY(mem, const struct required *, pattern->count + 1);
    if (parts == NULL) {
        return ERR_MEMORY;
    }
    size_t count = 0;
    enum err err = OK;
    for (size_t i = 0; i < pattern->count && err == OK; i++) {
        if (pattern->pieces[i].kind == PIECE_TEXT) {
            enum required_how how = i == 0                    ? REQUIRED_BEGINS
                                    : i == pattern->count - 1 ? REQUIRED_ENDS
                                                              : REQUIRED_HOLDS;
            err = text_make(field, how, pattern->pieces[i].text, mem, &parts[count++]);
        }
    }
    if (err == OK && count == 0) {
        return present_make(field, mem, ret);
    }
    return err == OK ? group_settle(REQUIRED_ALL, parts, count, mem, ret) : err;
}

static enum err text_require(const struct text_test *test, struct str field, struct arena *mem,
                             const struct required **ret)
{
    static const enum required_how hows[] = {
        [TEXT_EQUAL] = REQUIRED_EQUALS,
        [TEXT_STARTS] = REQUIRED_BEGINS,
        [TEXT_ENDS] = REQUIRED_ENDS,
        [TEXT_HOLDS] = REQUIRED_HOLDS,
    };
    if (test->kind == TEXT_ALL || test->cased) {
        return present_make(field, mem, ret);
    }
    if (test->kind == TEXT_GLOB) {
        return glob_require(&test->pattern, field, mem, ret);
    }
    return text_make(field, hows[test->kind], test->text, mem, ret);
}

static enum err regex_require(struct str source, struct str field, struct arena *mem,
                              const struct required **ret)
{
    struct str *texts;
    size_t count;
    enum err err = regex_required(source, mem, &texts, &count);
    if (err == ERR_NOT_FOUND) {
        return present_make(field, mem, ret);
    }
    const struct required **parts =
        err == OK ? ARENA_ARRAY(mem, const struct required *, count + 1) : NULL;
    if (err != OK || parts == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count && err == OK; i++) {
        struct str text = str_slice(texts[i], 0, texts[i].size - 1);
        err = text_make(field, REQUIRED_HOLDS, text, mem, &parts[i]);
    }
    return err == OK ? group_settle(REQUIRED_ANY, parts, count, mem, ret) : err;
}

static enum err number_require(const struct test *test, struct str field, struct arena *mem,
                               const struct required **ret)
{
    struct required range = {
        .kind = REQUIRED_NUMBER, .field = field, .low = -INFINITY, .high = INFINITY};
    enum comparison how = test->number.how;
    double than = test->number.than.value;
    if (how == GREATER || how == GREATER_OR_EQUAL) {
        range.low = fabs(than) < WHOLE_EXACT ? than : nextafter(than, -INFINITY);
    } else {
        range.high = fabs(than) < WHOLE_EXACT ? than : nextafter(than, INFINITY);
    }
    return made(range, mem, ret);
}

static enum err test_require(const struct matcher *matcher, const struct test *test,
                             struct arena *mem, const struct required **ret)
{
    struct str field = {0};
    if (test->kind == TEST_NULL) {
        return made((struct required){.kind = REQUIRED_NOTHING}, mem, ret);
    }
    if (test->field < FIELD_EVERYTHING) {
        const struct field *at = matcher_field_at(matcher, test->field);
        if (at->count != 1) { /* No search makes one. */
            return made((struct required){.kind = REQUIRED_NOTHING}, mem, ret);
        }
        field = matcher_name(matcher, matcher_field_names(matcher, at)[0]);
    }
    switch (test->kind) {
    case TEST_TEXT:
        return text_require(&test->text, field, mem, ret);
    case TEST_REGEX:
        return regex_require(test->regex.source, field, mem, ret);
    case TEST_NUMBER:
        return number_require(test, field, mem, ret);
    case TEST_NETWORK:
        return made(
            (struct required){.kind = REQUIRED_NETWORK, .field = field, .network = test->network},
            mem, ret);
    default:
        return present_make(field, mem, ret);
    }
}

/* Depth is bounded by EXPR_DEPTH_MAX, as evaluation's is. */
static enum err expr_require(const struct matcher *matcher, const struct expr *expr,
                             struct arena *mem, const struct required **ret)
{
    if (expr->kind == EXPR_TEST) {
        return test_require(matcher, expr->test, mem, ret);
    }
    if (expr->kind == EXPR_NOT) {
        return made((struct required){.kind = REQUIRED_NOTHING}, mem, ret);
    }
    const struct required **parts = ARENA_ARRAY(mem, const struct required *, expr->count + 1);
    enum err err = parts == NULL ? ERR_MEMORY : OK;
    for (size_t i = 0; i < expr->count && err == OK; i++) {
        err = expr_require(matcher, expr->children[i], mem, &parts[i]);
    }
    enum required_kind kind = expr->kind == EXPR_AND ? REQUIRED_ALL : REQUIRED_ANY;
    return err == OK ? group_settle(kind, parts, expr->count, mem, ret) : err;
}

enum err query_required(const struct query *query, struct arena *mem, const struct required **ret)
{
    if (query_matcher(query)->folding != search_fold) {
        return made((struct required){.kind = REQUIRED_NOTHING}, mem, ret);
    }
    return expr_require(query_matcher(query), query_root(query), mem, ret);
}
