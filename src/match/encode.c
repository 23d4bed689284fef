/*
 * A matcher as bytes, and back: names, tests, expressions, sieves and databases.
 *
 *     names, field names, fields, lists, guards, members      tables
 *     patterns                                                 each database as its engine writes
 * it tests                                                    by index expressions children before
 * parents; then roots sieves                                                   counts, then tables
 *
 * Integers are little-endian, tables lie as they do in memory.  The bytes are trusted to be ours
 * and whole (whoever keeps them has a checksum); even so every length and index is proved before it
 * is used, since a mistake here would be a mistake in memory.
 *
 * A matcher that was read back is complete: it takes no further tests, since what it would compare
 * them with (`known`) is not kept.
 *
 * Always true: an expression's number is its place in the order of writing, so a child's is smaller
 * than its parent's.
 */

#include "match/private.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/packed.h"

#define ENCODE_SIZE_MAX ((size_t)1024 * 1024 * 1024)

/* ---- Small pieces. */

static enum err table_write(struct buf *out, const void *data, size_t count, size_t size)
{
    enum err err = packed_put_number(out, count);
    return err == OK ? buf_append(out, str_of(data, count * size)) : err;
}

/* A table in mem; *ret is a pointer to its first row. */
static enum err table_read(struct str *bytes, struct arena *mem, size_t size, void *ret,
                           uint32_t *ret_count)
{
    uint32_t count;
    enum err err = packed_take_number(bytes, &count);
    if (err != OK || count > bytes->size / size) {
        return ERR_CORRUPT;
    }
    void *table = arena_take_array(mem, count, size);
    if (table == NULL) {
        return ERR_MEMORY;
    }
    if (count > 0) {
        memcpy(table, bytes->data, count * size);
    }
    *bytes = str_slice(*bytes, count * size, bytes->size);
    memcpy(ret, &table, sizeof table);
    *ret_count = count;
    return OK;
}

static enum err buf_table_read(struct str *bytes, size_t size, struct buf *ret)
{
    uint32_t count;
    enum err err = packed_take_number(bytes, &count);
    if (err != OK || count > bytes->size / size) {
        return ERR_CORRUPT;
    }
    err = buf_append(ret, str_slice(*bytes, 0, count * size));
    *bytes = str_slice(*bytes, count * size, bytes->size);
    return err;
}

static enum err texts_write(struct buf *out, const struct buf *texts)
{
    const struct str *list = (const struct str *)(const void *)texts->data;
    size_t count = texts->size / sizeof *list;
    enum err err = packed_put_number(out, count);
    for (size_t i = 0; i < count && err == OK; i++) {
        err = packed_put_text(out, list[i]);
    }
    return err;
}

static enum err texts_read(struct str *bytes, struct buf *ret)
{
    uint32_t count;
    enum err err = packed_take_number(bytes, &count);
    for (uint32_t i = 0; i < count && err == OK; i++) {
        struct str text;
        err = packed_take_text(bytes, &text);
        err = err == OK ? buf_append(ret, str_of(&text, sizeof text)) : err;
    }
    return err;
}

/* ---- Tests.  A test's struct is written whole, its texts behind it. */

static enum err test_write(struct buf *out, const struct test *test)
{
    enum err err = buf_append(out, str_of(test, sizeof *test));
    if (err == OK && test->kind == TEST_REGEX) {
        err = packed_put_text(out, test->regex.source);
    }
    if (err != OK || test->kind != TEST_TEXT) {
        return err;
    }
    const struct pattern *pattern = &test->text.pattern;
    size_t count = test->text.kind == TEXT_GLOB ? pattern->count : 0;
    err = packed_put_text(out, test->text.text);
    err = err == OK ? packed_put_number(out, count) : err;
    for (size_t i = 0; i < count && err == OK; i++) {
        err = packed_put_number(out, pattern->pieces[i].kind);
        err = err == OK ? packed_put_text(out, pattern->pieces[i].text) : err;
    }
    return err;
}

static enum err pattern_read(struct str *bytes, struct arena *mem, struct pattern *ret)
{
    uint32_t count;
    enum err err = packed_take_number(bytes, &count);
    if (err != OK || count > bytes->size) {
        return ERR_CORRUPT;
    }
    *ret = (struct pattern){.pieces = ARENA_ARRAY(mem, struct piece, count), .count = count};
    for (uint32_t i = 0; i < count && err == OK; i++) {
        uint32_t kind = 0;
        err = ret->pieces == NULL ? ERR_MEMORY : packed_take_number(bytes, &kind);
        err = err == OK ? packed_take_text(bytes, &ret->pieces[i].text) : err;
        if (err == OK) {
            ret->pieces[i].kind = (enum piece_kind)kind;
        }
    }
    return err;
}

static enum err test_read(struct str *bytes, const struct matcher *matcher, struct test *ret)
{
    if (bytes->size < sizeof *ret) {
        return ERR_CORRUPT;
    }
    memcpy(ret, bytes->data, sizeof *ret);
    *bytes = str_slice(*bytes, sizeof *ret, bytes->size);
    if (ret->field < FIELD_EVERYTHING && ret->field >= matcher_fields(matcher)) {
        return ERR_CORRUPT;
    }
    if (ret->kind == TEST_REGEX) {
        return packed_take_text(bytes, &ret->regex.source);
    }
    if ((ret->kind == TEST_SAME && ret->same.field >= matcher_fields(matcher)) ||
        (ret->kind == TEST_LISTED && ret->listed.list >= matcher_lists(matcher))) {
        return ERR_CORRUPT;
    }
    if (ret->kind != TEST_TEXT) {
        return OK;
    }
    enum err err = packed_take_text(bytes, &ret->text.text);
    return err == OK ? pattern_read(bytes, matcher->mem, &ret->text.pattern) : err;
}

static enum err tests_read(struct str *bytes, struct matcher *matcher)
{
    uint32_t count;
    enum err err = packed_take_number(bytes, &count);
    if (err != OK || count > bytes->size) {
        return ERR_CORRUPT;
    }
    struct test *tests = ARENA_ARRAY(matcher->mem, struct test, count);
    struct expr *exprs = ARENA_ARRAY(matcher->mem, struct expr, count);
    if (tests == NULL || exprs == NULL) {
        return ERR_MEMORY;
    }
    for (uint32_t i = 0; i < count && err == OK; i++) {
        err = test_read(bytes, matcher, &tests[i]);
        if (err == OK && tests[i].index != i) {
            err = ERR_CORRUPT;
        }
        exprs[i] = (struct expr){.kind = EXPR_TEST, .depth = 1, .test = &tests[i]};
        const struct expr *expr = &exprs[i];
        err = err == OK ? buf_append(&matcher->exprs, str_of(&expr, sizeof(const struct expr *)))
                        : err;
    }
    matcher->tests = count;
    return err;
}

/* ---- Expressions: groups, children first.  A number below `tests` is a test. */

struct numbering {
    struct map numbers; /* of groups, by address */
    const struct matcher *matcher;
    uint32_t next;
    struct buf out;
};

static enum err expr_number(struct numbering *numbering, const struct expr *expr, uint32_t *ret)
{
    struct str key = str_of(&expr, sizeof(const struct expr *));
    uint64_t known;
    if (expr->kind == EXPR_TEST) {
        *ret = expr->test->index;
        return OK;
    }
    if (map_get(&numbering->numbers, key, &known)) {
        *ret = (uint32_t)known;
        return OK;
    }
    uint32_t *children = calloc(expr->count + 1, sizeof *children);
    enum err err = children == NULL ? ERR_MEMORY : OK;
    for (size_t i = 0; i < expr->count && err == OK; i++) {
        err = expr_number(numbering, expr->children[i], &children[i]);
    }
    err = err == OK ? packed_put_number(&numbering->out, expr->kind) : err;
    err = err == OK ? table_write(&numbering->out, children, expr->count, sizeof *children) : err;
    free(children);
    *ret = numbering->next;
    err = err == OK ? map_put(&numbering->numbers, key, numbering->next) : err;
    numbering->next += err == OK;
    return err;
}

static enum err exprs_write(struct buf *out, const struct matcher *matcher,
                            const struct expr *const *roots, size_t count)
{
    struct numbering numbering = {.matcher = matcher, .next = matcher->tests};
    struct buf list;
    map_init(&numbering.numbers, SIZE_MAX / 2, (uint64_t)(uintptr_t)matcher);
    buf_init(&numbering.out, ENCODE_SIZE_MAX);
    buf_init(&list, ENCODE_SIZE_MAX);
    enum err err = OK;
    for (size_t i = 0; i < count && err == OK; i++) {
        uint32_t number;
        err = expr_number(&numbering, roots[i], &number);
        err = err == OK ? packed_put_number(&list, number) : err;
    }
    err = err == OK ? packed_put_number(out, numbering.next - matcher->tests) : err;
    err = err == OK ? buf_append(out, buf_str(&numbering.out)) : err;
    err = err == OK ? packed_put_text(out, buf_str(&list)) : err;
    map_done(&numbering.numbers);
    buf_done(&numbering.out);
    buf_done(&list);
    return err;
}

static const struct expr *expr_at(const struct matcher *matcher, const struct expr *groups,
                                  uint32_t known, uint32_t number)
{
    if (number < matcher->tests) {
        return ((const struct expr *const *)(const void *)matcher->exprs.data)[number];
    }
    return number - matcher->tests < known ? &groups[number - matcher->tests] : NULL;
}

static enum err group_read(struct str *bytes, const struct matcher *matcher, struct expr *groups,
                           uint32_t index)
{
    uint32_t kind;
    uint32_t count = 0;
    enum err err = packed_take_number(bytes, &kind);
    err = err == OK ? packed_take_number(bytes, &count) : err;
    if (err != OK || count > bytes->size / 4 || kind == EXPR_TEST || kind > EXPR_NOT ||
        (kind == EXPR_NOT && count != 1)) {
        return ERR_CORRUPT;
    }
    const struct expr **children = ARENA_ARRAY(matcher->mem, const struct expr *, count);
    if (children == NULL) {
        return ERR_MEMORY;
    }
    uint32_t depth = 0;
    for (uint32_t i = 0; i < count; i++) {
        children[i] = expr_at(matcher, groups, index, get_u32(bytes->data + 4 * (size_t)i));
        if (children[i] == NULL) {
            return ERR_CORRUPT;
        }
        depth = children[i]->depth > depth ? children[i]->depth : depth;
    }
    *bytes = str_slice(*bytes, 4 * (size_t)count, bytes->size);
    groups[index] = (struct expr){
        .kind = (enum expr_kind)kind, .depth = depth + 1, .children = children, .count = count};
    return depth >= EXPR_DEPTH_MAX ? ERR_CORRUPT : OK;
}

static enum err exprs_read(struct str *bytes, const struct matcher *matcher,
                           const struct expr **ret_roots, size_t roots)
{
    uint32_t count;
    struct str list;
    enum err err = packed_take_number(bytes, &count);
    if (err != OK || count > bytes->size) {
        return ERR_CORRUPT;
    }
    struct expr *groups = ARENA_ARRAY(matcher->mem, struct expr, count);
    for (uint32_t i = 0; i < count && err == OK; i++) {
        err = groups == NULL ? ERR_MEMORY : group_read(bytes, matcher, groups, i);
    }
    err = err == OK ? packed_take_text(bytes, &list) : err;
    if (err != OK || list.size != 4 * roots) {
        return err == OK ? ERR_CORRUPT : err;
    }
    for (size_t i = 0; i < roots; i++) {
        ret_roots[i] = expr_at(matcher, groups, count, get_u32(list.data + 4 * i));
        if (ret_roots[i] == NULL) {
            return ERR_CORRUPT;
        }
    }
    return OK;
}

/* ---- Sieves. */

static enum err sieve_write(struct buf *out, const struct sieve *sieve)
{
    const struct {
        const void *data;
        size_t count, size;
    } tables[] = {
        {sieve->fields, sieve->fields_count, sizeof *sieve->fields},
        {sieve->equals, sieve->equals_count, sizeof *sieve->equals},
        {sieve->directs, sieve->directs_count, sizeof *sieve->directs},
        {sieve->literals, sieve->literals_count, sizeof *sieve->literals},
        {sieve->keywords, sieve->keywords_count, sizeof *sieve->keywords},
        {sieve->entries, sieve->entries_count, sizeof *sieve->entries},
        {sieve->members, sieve->members_count, sizeof *sieve->members},
        {sieve->always, sieve->always_count, sizeof *sieve->always},
    };
    const uint64_t sets[] = {sieve->literal_set, sieve->keyword_set, sieve->alarm_set};
    enum err err = buf_append(out, str_of(sets, sizeof sets));
    err = err == OK ? packed_put_text(out, sieve->text) : err;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0] && err == OK; i++) {
        err = table_write(out, tables[i].data, tables[i].count, tables[i].size);
    }
    return err;
}

static bool set_exists(const struct matcher *matcher, size_t set)
{
    return set == NO_LITERALS || set < patterns_count(matcher->patterns);
}

static enum err sieve_read(struct str *bytes, struct matcher *matcher, struct sieve *ret)
{
    struct sieve sieve = {0};
    uint64_t sets[3];
    if (bytes->size < sizeof sets) {
        return ERR_CORRUPT;
    }
    memcpy(sets, bytes->data, sizeof sets);
    *bytes = str_slice(*bytes, sizeof sets, bytes->size);
    sieve.literal_set = sets[0];
    sieve.keyword_set = sets[1];
    sieve.alarm_set = sets[2];
    struct {
        void *to;
        uint32_t *count;
        size_t size;
    } tables[] = {
        {&sieve.fields, &sieve.fields_count, sizeof *sieve.fields},
        {&sieve.equals, &sieve.equals_count, sizeof *sieve.equals},
        {&sieve.directs, &sieve.directs_count, sizeof *sieve.directs},
        {&sieve.literals, &sieve.literals_count, sizeof *sieve.literals},
        {&sieve.keywords, &sieve.keywords_count, sizeof *sieve.keywords},
        {&sieve.entries, &sieve.entries_count, sizeof *sieve.entries},
        {&sieve.members, &sieve.members_count, sizeof *sieve.members},
        {&sieve.always, &sieve.always_count, sizeof *sieve.always},
    };
    enum err err = packed_take_text(bytes, &sieve.text);
    for (size_t i = 0; i < sizeof tables / sizeof tables[0] && err == OK; i++) {
        err = table_read(bytes, matcher->mem, tables[i].size, tables[i].to, tables[i].count);
    }
    if (err == OK &&
        (!set_exists(matcher, sieve.literal_set) || !set_exists(matcher, sieve.keyword_set) ||
         !set_exists(matcher, sieve.alarm_set))) {
        err = ERR_CORRUPT;
    }
    *ret = sieve;
    return err;
}

static enum err sieves_read(struct str *bytes, struct matcher *matcher)
{
    uint32_t count;
    enum err err = packed_take_number(bytes, &count);
    for (uint32_t i = 0; i < count && err == OK; i++) {
        struct sieve *sieve = ARENA_ONE(matcher->mem, struct sieve);
        err = sieve == NULL ? ERR_MEMORY : sieve_read(bytes, matcher, sieve);
        err =
            err == OK ? buf_append(&matcher->sieves, str_of(&sieve, sizeof(struct sieve *))) : err;
    }
    return err;
}

/* ---- The whole. */

enum err matcher_encode(const struct matcher *matcher, const struct expr *const *roots,
                        size_t count, struct buf *out)
{
    const struct expr *const *exprs = (const struct expr *const *)(const void *)matcher->exprs.data;
    const struct sieve *const *sieves =
        (const struct sieve *const *)(const void *)matcher->sieves.data;
    size_t sieves_count = matcher->sieves.size / sizeof *sieves;
    enum err err = texts_write(out, &matcher->names);
    err = err == OK ? texts_write(out, &matcher->lists) : err;
    err = err == OK ? table_write(out, matcher->field_names.data,
                                  matcher->field_names.size / sizeof(uint32_t), sizeof(uint32_t))
                    : err;
    err = err == OK ? table_write(out, matcher->fields.data, matcher_fields(matcher),
                                  sizeof(struct field))
                    : err;
    err = err == OK
              ? table_write(out, matcher->guards.data,
                            matcher->guards.size / sizeof(struct guarded), sizeof(struct guarded))
              : err;
    err = err == OK ? table_write(out, matcher->members.data,
                                  matcher->members.size / sizeof(uint32_t), sizeof(uint32_t))
                    : err;
    err = err == OK ? packed_put_number(out, matcher->numbers) : err;
    err = err == OK ? patterns_encode(matcher->patterns, out) : err;
    err = err == OK ? packed_put_number(out, matcher->tests) : err;
    for (uint32_t i = 0; i < matcher->tests && err == OK; i++) {
        err = test_write(out, exprs[i]->test);
    }
    err = err == OK ? exprs_write(out, matcher, roots, count) : err;
    err = err == OK ? packed_put_number(out, sieves_count) : err;
    for (size_t i = 0; i < sieves_count && err == OK; i++) {
        err = sieve_write(out, sieves[i]);
    }
    return err;
}

static enum err tables_read(struct str *bytes, struct matcher *matcher)
{
    enum err err = texts_read(bytes, &matcher->names);
    err = err == OK ? texts_read(bytes, &matcher->lists) : err;
    err = err == OK ? buf_table_read(bytes, sizeof(uint32_t), &matcher->field_names) : err;
    err = err == OK ? buf_table_read(bytes, sizeof(struct field), &matcher->fields) : err;
    err = err == OK ? buf_table_read(bytes, sizeof(struct guarded), &matcher->guards) : err;
    err = err == OK ? buf_table_read(bytes, sizeof(uint32_t), &matcher->members) : err;
    err = err == OK ? packed_take_number(bytes, &matcher->numbers) : err;
    err = err == OK ? patterns_decode(matcher->patterns, bytes) : err;
    err = err == OK ? tests_read(bytes, matcher) : err;
    return err;
}

enum err matcher_decode(struct str *bytes, const struct expr **ret_roots, size_t count,
                        struct matcher **ret)
{
    struct matcher *matcher = matcher_new();
    if (matcher == NULL) {
        return ERR_MEMORY;
    }
    enum err err = tables_read(bytes, matcher);
    err = err == OK ? exprs_read(bytes, matcher, ret_roots, count) : err;
    err = err == OK ? sieves_read(bytes, matcher) : err;
    if (err != OK) {
        matcher_free(matcher);
        return err;
    }
    *ret = matcher;
    return OK;
}

const struct sieve *matcher_sieve_at(const struct matcher *matcher, size_t index)
{
    const struct sieve *const *sieves =
        (const struct sieve *const *)(const void *)matcher->sieves.data;
    return index < matcher->sieves.size / sizeof *sieves ? sieves[index] : NULL;
}
