/*
 * The matcher: fields, tests and the expressions over them.
 *
 * Rules name the same fields and ask the same questions again and again.  Fields and tests are
 * therefore interned by their *spelling*, a string of bytes that says all that matters about them;
 * equal spelling, equal object.  A reading then answers each test once for each event, whoever
 * asks.  The children of a group are put in the order of what they cost to answer.
 *
 * Always true: a test's `index` is its place in `exprs`; no name has two ids; an expression's depth
 * is one more than its deepest child's, and at most EXPR_DEPTH_MAX, so that evaluation may recurse.
 */

#include "match/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define MATCHER_SIZE_MAX ((size_t)1024 * 1024 * 1024) /* far above what RULES_SIZE_MAX can need */
#define COST_MAX         1000000
#define MATCHER_SEED     0x6d61746368ull

static enum err spell(struct buf *spelling, uint32_t kind, uint32_t field, uint32_t extra,
                      struct str text);
static enum err test_intern(struct matcher *matcher, struct buf *spelling, const struct test *made,
                            const struct expr **ret);
static uint32_t test_cost(const struct test *test);
static const struct expr *test_known(const struct matcher *matcher, struct str spelling);

struct matcher *matcher_new(void)
{
    struct matcher *matcher = calloc(1, sizeof *matcher);
    if (matcher == NULL) {
        return NULL;
    }
    matcher->mem = arena_new(MATCHER_SIZE_MAX);
    matcher->folding = fold_text;
    matcher->patterns = patterns_new();
    map_init(&matcher->known, SIZE_MAX / 2, MATCHER_SEED);
    buf_init(&matcher->names, MATCHER_SIZE_MAX);
    buf_init(&matcher->field_names, MATCHER_SIZE_MAX);
    buf_init(&matcher->fields, MATCHER_SIZE_MAX);
    buf_init(&matcher->lists, MATCHER_SIZE_MAX);
    buf_init(&matcher->exprs, MATCHER_SIZE_MAX);
    buf_init(&matcher->sieves, MATCHER_SIZE_MAX);
    buf_init(&matcher->guards, MATCHER_SIZE_MAX);
    buf_init(&matcher->members, MATCHER_SIZE_MAX);
    if (matcher->mem == NULL || matcher->patterns == NULL) {
        matcher_free(matcher);
        return NULL;
    }
    return matcher;
}

void matcher_free(struct matcher *matcher)
{
    if (matcher == NULL) {
        return;
    }
    arena_free(matcher->mem);
    patterns_free(matcher->patterns);
    map_done(&matcher->known);
    buf_done(&matcher->names);
    buf_done(&matcher->field_names);
    buf_done(&matcher->fields);
    buf_done(&matcher->lists);
    buf_done(&matcher->exprs);
    buf_done(&matcher->sieves);
    buf_done(&matcher->guards);
    buf_done(&matcher->members);
    free(matcher);
}

/* The number of a text in `list`, into which it is put if it is new.  `what` keeps the spellings of
 * names and lists apart. */
static enum err text_intern(struct matcher *matcher, char what, struct buf *list, struct str text,
                            uint32_t *ret)
{
    struct buf spelling;
    struct str copy;
    uint64_t known;
    buf_init(&spelling, MATCHER_SIZE_MAX);
    enum err err = buf_append_byte(&spelling, what);
    err = err == OK ? buf_append(&spelling, text) : err;
    if (err == OK && map_get(&matcher->known, buf_str(&spelling), &known)) {
        *ret = (uint32_t)known;
        buf_done(&spelling);
        return OK;
    }
    uint32_t index = (uint32_t)(list->size / sizeof copy);
    err = err == OK ? arena_copy(matcher->mem, text, &copy) : err;
    err = err == OK ? map_put(&matcher->known, buf_str(&spelling), index) : err;
    err = err == OK ? buf_append(list, str_of(&copy, sizeof copy)) : err;
    buf_done(&spelling);
    if (err == OK) {
        *ret = index;
    }
    return err;
}

enum err matcher_field(struct matcher *matcher, const struct str *names, size_t count,
                       uint32_t *ret)
{
    struct buf spelling;
    buf_init(&spelling, MATCHER_SIZE_MAX);
    enum err err = buf_append_byte(&spelling, 'f');
    for (size_t i = 0; i < count && err == OK; i++) {
        char size[4];
        put_u32(size, (uint32_t)names[i].size);
        err = buf_append(&spelling, str_of(size, sizeof size));
        if (err == OK) {
            err = buf_append(&spelling, names[i]);
        }
    }
    uint64_t known;
    if (err == OK && map_get(&matcher->known, buf_str(&spelling), &known)) {
        *ret = (uint32_t)known;
        buf_done(&spelling);
        return OK;
    }
    struct field field = {.first = (uint32_t)(matcher->field_names.size / sizeof(uint32_t)),
                          .count = (uint32_t)count};
    for (size_t i = 0; i < count && err == OK; i++) {
        uint32_t id;
        err = text_intern(matcher, 'n', &matcher->names, names[i], &id);
        if (err == OK) {
            err = buf_append(&matcher->field_names, str_of(&id, sizeof id));
        }
    }
    uint32_t index = (uint32_t)matcher_fields(matcher);
    if (err == OK) {
        err = buf_append(&matcher->fields, str_of(&field, sizeof field));
    }
    if (err == OK) {
        err = map_put(&matcher->known, buf_str(&spelling), index);
    }
    buf_done(&spelling);
    if (err == OK) {
        *ret = index;
    }
    return err;
}

enum err matcher_text(struct matcher *matcher, uint32_t field, const struct pattern *pattern,
                      bool cased, const struct expr **ret)
{
    struct buf spelling;
    enum err err = spell(&spelling, TEST_TEXT, field, cased, (struct str){0});
    for (size_t i = 0; i < pattern->count && err == OK; i++) {
        char head[5];
        head[0] = (char)('0' + pattern->pieces[i].kind);
        put_u32(head + 1, (uint32_t)pattern->pieces[i].text.size);
        err = buf_append(&spelling, str_of(head, sizeof head));
        if (err == OK) {
            err = buf_append(&spelling, pattern->pieces[i].text);
        }
    }
    const struct expr *known = err == OK ? test_known(matcher, buf_str(&spelling)) : NULL;
    if (err != OK || known != NULL) {
        buf_done(&spelling);
        if (known != NULL) {
            *ret = known;
        }
        return err;
    }
    /* The test's texts may be the pattern's own: copy those first. */
    struct test test = {.kind = TEST_TEXT, .field = field};
    struct pattern copy = {.pieces = ARENA_ARRAY(matcher->mem, struct piece, pattern->count + 1),
                           .count = pattern->count};
    err = copy.pieces == NULL ? ERR_MEMORY : OK;
    for (size_t i = 0; i < pattern->count && err == OK; i++) {
        copy.pieces[i].kind = pattern->pieces[i].kind;
        err = arena_copy(matcher->mem, pattern->pieces[i].text, &copy.pieces[i].text);
    }
    if (err == OK) {
        err = text_test_make(&copy, cased ? NULL : matcher->folding, matcher->mem, &test.text);
    }
    if (err != OK) {
        buf_done(&spelling);
        return err;
    }
    return test_intern(matcher, &spelling, &test, ret);
}

void matcher_for_searches(struct matcher *matcher)
{
    matcher->folding = search_fold;
}

void matcher_limit(struct matcher *matcher, uint64_t weight_max)
{
    patterns_limit(matcher->patterns, weight_max);
}

enum err matcher_regex(struct matcher *matcher, uint32_t field, struct str regex, unsigned flags,
                       const struct expr **ret, struct why *why)
{
    struct buf spelling;
    enum err err = spell(&spelling, TEST_REGEX, field, flags, regex);
    const struct expr *known = err == OK ? test_known(matcher, buf_str(&spelling)) : NULL;
    struct test test = {.kind = TEST_REGEX, .field = field};
    if (err == OK && known == NULL) {
        err = patterns_add(matcher->patterns, regex, flags, &test.regex.index, why);
        err = err == OK ? arena_copy(matcher->mem, regex, &test.regex.source) : err;
    }
    if (err != OK || known != NULL) {
        buf_done(&spelling);
        if (known != NULL) {
            *ret = known;
        }
        return err;
    }
    return test_intern(matcher, &spelling, &test, ret);
}

enum err matcher_network(struct matcher *matcher, uint32_t field, struct str network,
                         const struct expr **ret, struct why *why)
{
    struct test test = {.kind = TEST_NETWORK, .field = field};
    if (network_parse(network, &test.network) != OK) {
        return why_say(why, ERR_SYNTAX, 0,
                       "'%.*s' is not an IP address, nor a network with a prefix length",
                       STR_ARG(network));
    }
    struct buf spelling;
    if (spell(&spelling, TEST_NETWORK, field, 0, network) != OK) {
        buf_done(&spelling);
        return ERR_MEMORY;
    }
    return test_intern(matcher, &spelling, &test, ret);
}

enum err matcher_number(struct matcher *matcher, uint32_t field, enum comparison how,
                        struct str number, const struct expr **ret, struct why *why)
{
    struct test test = {.kind = TEST_NUMBER, .field = field, .number.how = how};
    if (number_parse(number, &test.number.than) != OK) {
        return why_say(why, ERR_SYNTAX, 0, "'%.*s' is not a decimal number", STR_ARG(number));
    }
    struct buf spelling;
    if (spell(&spelling, TEST_NUMBER, field, how, number) != OK) {
        buf_done(&spelling);
        return ERR_MEMORY;
    }
    return test_intern(matcher, &spelling, &test, ret);
}

enum err matcher_time_part(struct matcher *matcher, uint32_t field, enum time_part part,
                           struct str number, const struct expr **ret, struct why *why)
{
    struct number is;
    if (number_parse(number, &is) != OK || !is.whole) {
        return why_say(why, ERR_SYNTAX, 0, "'%.*s' is not a whole number", STR_ARG(number));
    }
    struct test test = {.kind = TEST_TIME_PART, .field = field};
    test.time.part = part;
    test.time.is = is.integer;
    struct buf spelling;
    if (spell(&spelling, TEST_TIME_PART, field, part, number) != OK) {
        buf_done(&spelling);
        return ERR_MEMORY;
    }
    return test_intern(matcher, &spelling, &test, ret);
}

static enum err bare_test(struct matcher *matcher, enum test_kind kind, uint32_t field,
                          const struct expr **ret)
{
    struct test test = {.kind = kind, .field = field};
    struct buf spelling;
    if (spell(&spelling, kind, field, 0, (struct str){0}) != OK) {
        buf_done(&spelling);
        return ERR_MEMORY;
    }
    return test_intern(matcher, &spelling, &test, ret);
}

enum err matcher_exists(struct matcher *matcher, uint32_t field, const struct expr **ret)
{
    return bare_test(matcher, TEST_EXISTS, field, ret);
}

enum err matcher_null(struct matcher *matcher, uint32_t field, const struct expr **ret)
{
    return bare_test(matcher, TEST_NULL, field, ret);
}

enum err matcher_listed(struct matcher *matcher, uint32_t field, struct str list, enum listed how,
                        bool cased, const struct expr **ret)
{
    struct test test = {.kind = TEST_LISTED, .field = field};
    test.listed.how = how;
    test.listed.cased = cased;
    struct str name;
    enum err err = fold_text(list, matcher->mem, &name);
    err = err == OK ? text_intern(matcher, 'l', &matcher->lists, name, &test.listed.list) : err;
    if (err != OK) {
        return err;
    }
    struct buf spelling;
    if (spell(&spelling, TEST_LISTED, field, (uint32_t)how << 1 | (uint32_t)cased, name) != OK) {
        buf_done(&spelling);
        return ERR_MEMORY;
    }
    return test_intern(matcher, &spelling, &test, ret);
}

enum err matcher_same(struct matcher *matcher, uint32_t field, uint32_t other, bool anchored_before,
                      bool anchored_behind, bool cased, const struct expr **ret)
{
    struct test test = {.kind = TEST_SAME, .field = field};
    test.same.field = other;
    test.same.before = anchored_before;
    test.same.behind = anchored_behind;
    test.same.cased = cased;
    char bytes[4];
    put_u32(bytes, other);
    struct buf spelling;
    uint32_t extra =
        (uint32_t)anchored_before | (uint32_t)anchored_behind << 1 | (uint32_t)cased << 2;
    if (spell(&spelling, TEST_SAME, field, extra, str_of(bytes, sizeof bytes)) != OK) {
        buf_done(&spelling);
        return ERR_MEMORY;
    }
    return test_intern(matcher, &spelling, &test, ret);
}

/* What a test costs to answer, roughly, so that cheap ones are asked first. */
static uint32_t test_cost(const struct test *test)
{
    static const uint32_t costs[] = {
        [TEST_TEXT] = 6,   [TEST_REGEX] = 40,    [TEST_NETWORK] = 6,
        [TEST_NUMBER] = 6, [TEST_TIME_PART] = 8, [TEST_EXISTS] = 1,
        [TEST_NULL] = 1,   [TEST_SAME] = 12,     [TEST_LISTED] = 20,
    };
    uint32_t cost = costs[test->kind];
    if (test->kind == TEST_TEXT) {
        cost = test->text.kind == TEXT_HOLDS ? 6 : test->text.kind == TEXT_GLOB ? 10 : 3;
    }
    return test->field >= FIELD_EVERYTHING ? cost * 50 : cost;
}

static int cost_order(const void *a, const void *b)
{
    const struct expr *const *x = a;
    const struct expr *const *y = b;
    return ((*x)->cost > (*y)->cost) - ((*x)->cost < (*y)->cost);
}

enum err matcher_group(struct matcher *matcher, enum group_kind kind,
                       const struct expr *const *children, size_t count, const struct expr **ret)
{
    if (count == 1) {
        *ret = children[0];
        return OK;
    }
    uint32_t depth = 0;
    for (size_t i = 0; i < count; i++) {
        depth = children[i]->depth > depth ? children[i]->depth : depth;
    }
    if (depth >= EXPR_DEPTH_MAX) {
        return ERR_LIMIT;
    }
    struct expr *expr = ARENA_ONE(matcher->mem, struct expr);
    const struct expr **kept = ARENA_ARRAY(matcher->mem, const struct expr *, count);
    if (expr == NULL || kept == NULL) {
        return ERR_MEMORY;
    }
    uint32_t cost = 0;
    for (size_t i = 0; i < count; i++) {
        kept[i] = children[i];
        cost = cost < COST_MAX ? cost + children[i]->cost : COST_MAX;
    }
    if (count > 0) {
        qsort(kept, count, sizeof(const struct expr *), cost_order);
    }
    *expr = (struct expr){.kind = kind == GROUP_AND ? EXPR_AND : EXPR_OR,
                          .depth = depth + 1,
                          .cost = cost,
                          .children = kept,
                          .count = count};
    *ret = expr;
    return OK;
}

enum err matcher_not(struct matcher *matcher, const struct expr *child, const struct expr **ret)
{
    if (child->depth >= EXPR_DEPTH_MAX) {
        return ERR_LIMIT;
    }
    struct expr *expr = ARENA_ONE(matcher->mem, struct expr);
    const struct expr **kept = ARENA_ONE(matcher->mem, const struct expr *);
    if (expr == NULL || kept == NULL) {
        return ERR_MEMORY;
    }
    *kept = child;
    *expr = (struct expr){.kind = EXPR_NOT,
                          .depth = child->depth + 1,
                          .cost = child->cost,
                          .children = kept,
                          .count = 1};
    *ret = expr;
    return OK;
}

/* Begins a spelling; the caller ends it with buf_done, also after an error. */
static enum err spell(struct buf *spelling, uint32_t kind, uint32_t field, uint32_t extra,
                      struct str text)
{
    buf_init(spelling, MATCHER_SIZE_MAX);
    char head[13];
    head[0] = 't';
    put_u32(head + 1, kind);
    put_u32(head + 5, field);
    put_u32(head + 9, extra);
    enum err err = buf_append(spelling, str_of(head, sizeof head));
    return err == OK ? buf_append(spelling, text) : err;
}

static const struct expr *test_known(const struct matcher *matcher, struct str spelling)
{
    uint64_t index;
    const struct expr *expr = NULL;
    if (map_get(&matcher->known, spelling, &index)) {
        memcpy(&expr, matcher->exprs.data + index * sizeof(const struct expr *),
               sizeof(const struct expr *));
    }
    return expr;
}

/* The expression of a test, made now or before.  Ends the spelling. */
static enum err test_intern(struct matcher *matcher, struct buf *spelling, const struct test *made,
                            const struct expr **ret)
{
    const struct expr *known = test_known(matcher, buf_str(spelling));
    if (known != NULL) {
        buf_done(spelling);
        *ret = known;
        return OK;
    }
    struct test *test = ARENA_ONE(matcher->mem, struct test);
    struct expr *expr = ARENA_ONE(matcher->mem, struct expr);
    enum err err = test == NULL || expr == NULL ? ERR_MEMORY : OK;
    if (err == OK) {
        *test = *made;
        test->index = matcher->tests;
        *expr = (struct expr){.kind = EXPR_TEST, .depth = 1, .cost = test_cost(test), .test = test};
        err = buf_append(&matcher->exprs, str_of(&expr, sizeof(const struct expr *)));
    }
    if (err == OK) {
        err = map_put(&matcher->known, buf_str(spelling), matcher->tests);
        if (err != OK) {
            matcher->exprs.size -= sizeof(const struct expr *);
        }
    }
    buf_done(spelling);
    if (err == OK) {
        matcher->tests++;
        *ret = expr;
    }
    return err;
}
