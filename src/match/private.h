#pragma once

/*
 * What the files of match/ share: the shapes of expressions and tests, and the small judges that
 * each test leans on (fold, pattern, patterns, network, number).
 */

#include "base/buf.h"
#include "base/map.h"
#include "codec/network.h"
#include "match/match.h"

/* ---- fold.c: the door to ICU's case folding. */

/* The text in simple case folding: borrowed if it is so already, else made in mem.  Bytes that are
 * not UTF-8 stay as they are. */
NODISCARD enum err fold_text(struct str text, struct arena *mem, struct str *ret);

/* ---- pattern.c: one pattern against one value. */

enum text_kind { TEXT_ALL, TEXT_EQUAL, TEXT_STARTS, TEXT_ENDS, TEXT_HOLDS, TEXT_GLOB };

struct text_test {
    enum text_kind kind;
    bool cased;
    struct str text;        /* all but TEXT_GLOB; folded unless cased */
    struct pattern pattern; /* TEXT_GLOB; likewise */
};

/* Simplifies a pattern into the cheapest test; all in mem. */
NODISCARD enum err text_test_make(const struct pattern *pattern, bool cased, struct arena *mem,
                                  struct text_test *ret);
/* value: folded unless the test is cased. */
bool text_test_fits(const struct text_test *test, struct str value);

/* ---- patterns.c: the door to Vectorscan. */

struct patterns;

struct patterns *patterns_new(void);
void patterns_free(struct patterns *patterns);
NODISCARD enum err patterns_add(struct patterns *patterns, struct str regex, unsigned flags,
                                size_t *ret, struct why *why);
/* Whether expression `index` is found in the text.  mem serves texts that are not UTF-8. */
NODISCARD enum err patterns_find(struct patterns *patterns, size_t index, struct str text,
                                 struct arena *mem, bool *ret);

/* ---- number.c. */

struct number {
    bool whole; /* then `integer` says it exactly */
    int64_t integer;
    double value;
};
NODISCARD enum err number_parse(struct str text, struct number *ret);
int number_compare(const struct number *a, const struct number *b); /* <0, 0, >0 */

/* ---- matcher.c: expressions. */

enum test_kind {
    TEST_TEXT,
    TEST_REGEX,
    TEST_NETWORK,
    TEST_NUMBER,
    TEST_TIME_PART,
    TEST_EXISTS,
    TEST_NULL,
    TEST_SAME,
};

/* One question about one field.  `index` is its place in the readings' memory. */
struct test {
    enum test_kind kind;
    uint32_t field;
    uint32_t index;
    union {
        struct text_test text;
        size_t regex;
        struct network network;
        struct {
            enum comparison how;
            struct number than;
        } number;
        struct {
            enum time_part part;
            int64_t is;
        } time;
        struct {
            uint32_t field;
            bool before, behind, cased;
        } same;
    };
};

enum expr_kind { EXPR_TEST, EXPR_AND, EXPR_OR, EXPR_NOT };

struct expr {
    enum expr_kind kind;
    uint32_t depth;
    const struct test *test;            /* EXPR_TEST */
    const struct expr *const *children; /* the others */
    size_t count;
};

/* A field's names are `count` slots of the matcher's table of names, from `first`. */
struct field {
    uint32_t first;
    uint32_t count;
};

struct matcher {
    struct arena *mem;
    struct patterns *patterns;
    struct map known;  /* the tests and fields made so far, by their spelling */
    struct buf names;  /* struct str each */
    struct buf fields; /* struct field each */
    struct buf exprs;  /* struct expr * of each test, by its index */
    uint32_t tests;
};

static inline size_t matcher_fields(const struct matcher *matcher)
{
    return matcher->fields.size / sizeof(struct field);
}

static inline size_t matcher_names(const struct matcher *matcher)
{
    return matcher->names.size / sizeof(struct str);
}
