#pragma once

/*
 * What the files of match/ share: the shapes of expressions and tests, and the small judges that
 * each test leans on (fold, pattern, patterns, network, number).
 */

#include "base/buf.h"
#include "base/limits.h"
#include "base/map.h"
#include "codec/network.h"
#include "match/match.h"
#include "match/required.h"

/* ---- fold.c: the door to ICU's case folding. */

/* The text in simple case folding: borrowed if it is so already, else made in mem.  Bytes that are
 * not UTF-8 stay as they are. */
NODISCARD enum err fold_text(struct str text, struct arena *mem, struct str *ret);

/* As rules compare (fold_text) or as searches do (search_fold, required.h). */
typedef enum err fold(struct str text, struct arena *mem, struct str *ret);

/* ---- pattern.c: one pattern against one value. */

enum text_kind { TEXT_ALL, TEXT_EQUAL, TEXT_STARTS, TEXT_ENDS, TEXT_HOLDS, TEXT_GLOB };

struct text_test {
    enum text_kind kind;
    bool cased;
    struct str text;        /* all but TEXT_GLOB; folded unless cased */
    struct pattern pattern; /* TEXT_GLOB; likewise */
};

/* Simplifies a pattern into the cheapest test; all in mem.  folding: NULL if case counts. */
NODISCARD enum err text_test_make(const struct pattern *pattern, fold *folding, struct arena *mem,
                                  struct text_test *ret);
/* value: folded unless the test is cased. */
bool text_test_fits(const struct text_test *test, struct str value);

/* ---- patterns.c: the door to Vectorscan. */

struct patterns;
struct workspace; /* what running an expression scribbles on; one for each reading */

struct patterns *patterns_new(void);
void patterns_free(struct patterns *patterns);
NODISCARD enum err patterns_add(struct patterns *patterns, struct str regex, unsigned flags,
                                size_t *ret, struct why *why);
/* The places of an expression, with its repeats (weight.c); ERR_LIMIT if they are too many. */
NODISCARD enum err regex_weigh(struct str regex, uint64_t *ret, struct why *why);
/* The most that all expressions together may weigh; at first there is no limit. */
void patterns_limit(struct patterns *patterns, uint64_t weight_max);
/* For the patterns that are there by now. */
NODISCARD enum err workspace_new(const struct patterns *patterns, struct workspace **ret);
void workspace_free(struct workspace *workspace);
/* Whether expression `index` is found in the text; bytes that are no UTF-8 count as U+FFFD where
 * the expression is of characters. */
NODISCARD enum err patterns_find(const struct patterns *patterns, struct workspace *workspace,
                                 size_t index, struct str text, bool *ret);

/* Many literal texts in one database, numbered by their place in the list.  None may be empty or
 * begin with NUL.  caseless: ASCII letters fit in either case; a byte each, NULL: none. */
NODISCARD enum err patterns_add_literals(struct patterns *patterns, const struct str *texts,
                                         const uint8_t *caseless, size_t count, size_t *ret);
/* Whether one of them stands anywhere in the text. */
NODISCARD enum err patterns_any(const struct patterns *patterns, struct workspace *workspace,
                                size_t index, struct str text, bool *ret);
/* Every place where one of them ends, as often as it does; in no certain order. */
typedef void literal_found(void *context, uint32_t literal, size_t end);
NODISCARD enum err patterns_scan(const struct patterns *patterns, struct workspace *workspace,
                                 size_t index, struct str text, literal_found *found,
                                 void *context);

size_t patterns_count(const struct patterns *patterns);
NODISCARD enum err patterns_encode(const struct patterns *patterns, struct buf *out);
NODISCARD enum err patterns_decode(struct patterns *patterns, struct str *bytes);

/* ---- texts.c: many texts asked at once.  Keeps the list's texts. */

struct texts_slot;

struct texts {
    struct texts_slot *slots;
    size_t mask;
    size_t *sizes;
    size_t sizes_count;
};
NODISCARD enum err texts_make(const struct str *list, size_t count, struct arena *mem,
                              struct texts *ret);
bool texts_fit(const struct texts *texts, enum listed how, struct str value);

/* ---- networks.c: many networks asked at once. */

#define NETWORK_PREFIX_MAX 128

struct networks {
    struct network *list;
    uint32_t firsts[NETWORK_PREFIX_MAX + 2];
};
NODISCARD enum err networks_make(const struct network *list, size_t count, struct arena *mem,
                                 struct networks *ret);
bool networks_hold(const struct networks *networks, const uint8_t address[ADDRESS_SIZE]);

/* ---- lists.c. */

struct glob { /* a value with wildcards: by cased and enum listed, networks apart */
    struct text_test tests[2][LISTED_NETWORK];
};

struct listing {
    struct str name;
    struct texts texts[2]; /* folded, and as they stand */
    struct glob *globs;
    size_t globs_count;
    struct networks networks;
};

struct lists {
    struct arena *mem;
    struct listing *list;
    size_t count;
};
/* NULL without such a list. */
const struct listing *lists_find(const struct lists *lists, struct str name);
/* value: folded unless cased; networks are asked through networks_hold. */
bool listing_fits(const struct listing *listing, enum listed how, bool cased, struct str value);

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
    TEST_LISTED,
};

/* One question about one field.  `index` is its place in the readings' memory. */
struct test {
    enum test_kind kind;
    uint32_t field;
    uint32_t index;
    union {
        struct text_test text;
        struct {
            size_t index; /* in the patterns */
            struct str source;
        } regex;
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
        struct {
            uint32_t list; /* of the matcher's */
            enum listed how;
            bool cased;
        } listed;
    };
};

#define EXPR_DEPTH_MAX 100

enum expr_kind { EXPR_TEST, EXPR_AND, EXPR_OR, EXPR_NOT };

struct expr {
    enum expr_kind kind;
    uint32_t depth;
    uint32_t cost;                      /* to answer it, roughly */
    const struct test *test;            /* EXPR_TEST */
    const struct expr *const *children; /* the others */
    size_t count;
};

/* A field's names are `count` ids of names, from `first` on in the matcher's field_names. */
struct field {
    uint32_t first;
    uint32_t count;
};

struct matcher {
    struct arena *mem;
    fold *folding; /* of texts that compare without case */
    struct patterns *patterns;
    struct buf sieves;      /* struct sieve * each */
    struct buf guards;      /* struct guarded each: those of all sieves */
    struct buf members;     /* uint32_t each: which numbers and sides a guard speaks for */
    uint32_t numbers;       /* one more than the highest number of a member */
    struct map known;       /* the tests, fields, names and lists made so far, by their spelling */
    struct buf names;       /* struct str each, by id; none twice */
    struct buf field_names; /* uint32_t each */
    struct buf fields;      /* struct field each */
    struct buf lists;       /* struct str each: the names of lists */
    struct buf exprs;       /* struct expr * of each test, by its index */
    uint32_t tests;
};

static inline size_t matcher_fields(const struct matcher *matcher)
{
    return matcher->fields.size / sizeof(struct field);
}

static inline const struct field *matcher_field_at(const struct matcher *matcher, uint32_t field)
{
    return (const struct field *)(const void *)matcher->fields.data + field;
}

/* The ids of a field's names. */
static inline const uint32_t *matcher_field_names(const struct matcher *matcher,
                                                  const struct field *field)
{
    return (const uint32_t *)(const void *)matcher->field_names.data + field->first;
}

static inline const struct test *matcher_test(const struct matcher *matcher, uint32_t index)
{
    return ((const struct expr *const *)(const void *)matcher->exprs.data)[index]->test;
}

static inline size_t matcher_names(const struct matcher *matcher)
{
    return matcher->names.size / sizeof(struct str);
}

static inline struct str matcher_name(const struct matcher *matcher, size_t id)
{
    return ((const struct str *)(const void *)matcher->names.data)[id];
}

static inline size_t matcher_lists(const struct matcher *matcher)
{
    return matcher->lists.size / sizeof(struct str);
}

/* ---- literals.c, guard.c: what must be there for an expression to hold. */

#define LITERAL_SIZE_MIN 2  /* shorter ones fire too often to be looked for */
#define LITERAL_SIZE_MAX 32 /* longer ones select no better */

/* What a text of that size costs as a guard; the less, the better. */
uint64_t literal_cost(size_t size);
/* Texts, folded, of which every match of the expression holds one; made in mem.  ERR_NOT_FOUND if
 * none is certain. */
NODISCARD enum err regex_required(struct str regex, struct arena *mem, struct str **ret,
                                  size_t *ret_count);

enum clause_kind {
    CLAUSE_LITERAL, /* a folded value holds the text, at its start or end if said */
    CLAUSE_EQUAL,   /* a folded value equals the text */
    CLAUSE_DIRECT,  /* a value fits the test */
    CLAUSE_PRESENT, /* the field is there */
};
struct clause {
    enum clause_kind kind;
    bool starts, ends;
    bool part; /* CLAUSE_LITERAL: the test asks for more than the text */
    uint32_t field;
    struct str text;
    const struct test *test; /* whose clause it is */
};
struct guard {
    struct clause *clauses; /* one of them holds if the expression does; of none, it never does */
    size_t count;
    uint64_t cost;
    bool none; /* there is no guard */
};
/* `uses`: for each test, how many ask for it.  Borrows from the expression, or is in mem.
 * ret_second: another guard, which must fire as well; none if there is no good one.
 * ret_against: clauses of which each alone refutes the expression, if that is worth to be known. */
NODISCARD enum err guard_derive(const struct expr *expr, const uint32_t *uses, struct arena *mem,
                                struct guard *ret, struct guard *ret_second,
                                struct guard *ret_against, const char **ret_reason);
void guard_count_uses(const struct expr *expr, uint32_t *uses);

/* ---- alarm.c. */

/* The database of what raw bytes hold if one of the keywords, folded, stands in a value of theirs;
 * *ret stays if there is none, because a keyword has no part that is certain. */
NODISCARD enum err alarm_make(struct patterns *patterns, const struct str *keywords, size_t count,
                              struct arena *mem, size_t *ret);

/* ---- sieve.c: the guards of many expressions as tables.  All numbers, no pointers, so that they
 * can be written down. */

#define SEPARATOR   '\x01' /* between values that are scanned together */
#define NO_LITERALS SIZE_MAX
#define NO_GUARD    UINT32_MAX
#define NO_TEST     UINT32_MAX

/* A member waits for two sides, each of which is a set of guards; a member with one guard only has
 * it on both.  Whatever fired against it, it does not hold. */
#define SIDE_FIRST   1u
#define SIDE_SECOND  2u
#define SIDES_BOTH   3u
#define SIDE_AGAINST 4u
#define SIDES_COUNT  8u /* what a member's number is multiplied by to make place for them */

/* Whom a guard speaks for: `count` from `first` on, each a member's number and sides. */
struct guarded {
    uint32_t first, count;
};
struct sieve_field {
    uint32_t field;
    uint32_t present;                  /* guard, or NO_GUARD */
    uint32_t equal_first, equal_slots; /* a table of a power of two slots, or none */
    uint32_t direct_first, direct_count;
    uint32_t literal; /* it has literals */
};
struct sieve_equal {
    uint64_t hash;
    uint32_t offset, size; /* in the text */
    uint32_t guard;        /* NO_GUARD: a free slot */
    uint32_t zero;
};
struct sieve_direct {
    uint32_t test, guard;
};
struct sieve_literal {
    uint32_t first, count; /* entries */
};
struct sieve_entry {
    uint32_t field; /* place among the sieve's, or NO_NAME: any */
    uint32_t guard;
    uint32_t test; /* which the value must fit too, NO_TEST: the text says it all */
};
struct sieve {
    struct sieve_field *fields;
    struct sieve_equal *equals;
    struct sieve_direct *directs;
    struct sieve_literal *literals, *keywords;
    struct sieve_entry *entries;
    uint32_t *members, *always; /* all, and those without a guard */
    uint32_t fields_count, equals_count, directs_count, literals_count, keywords_count;
    uint32_t entries_count, members_count, always_count;
    struct str text;
    size_t literal_set, keyword_set; /* in the patterns, or NO_LITERALS */
    size_t alarm_set; /* what raw bytes hold if a keyword stands in them; NO_LITERALS: unsure */
};

/* The guard of an equal text, or NO_GUARD. */
uint32_t sieve_equal_find(const struct sieve *sieve, const struct sieve_field *field,
                          struct str folded);

/* ---- reading.c: an event's values. */

#define NO_NAME  UINT32_MAX
#define NO_VALUE UINT16_MAX

/* Values of an event that are no spans, behind them. */
enum { VALUE_RECORD, VALUE_PARSER, VALUE_CLASS, VALUE_ERROR, VALUES_OWN };

#define VALUES_MAX (SPANS_PER_EVENT_MAX + VALUES_OWN)

struct value {
    struct str bytes; /* as they stand; then, once `readable`, the value */
    struct str fold;  /* once `folded` */
    uint32_t name;    /* id, or NO_NAME */
    uint16_t next;    /* of the same name, or NO_VALUE */
    uint8_t how;      /* enum span_how */
    bool readable, folded;
};

/* The values of a name in the event at hand. */
struct chain {
    uint32_t stamp; /* whose event; another event's chain is empty */
    uint16_t first;
};

struct reading {
    const struct matcher *matcher;
    const struct lists *lists;       /* of whoever is read for */
    const struct listing **listings; /* for each list of the matcher: lists' own, or NULL */
    struct workspace *workspace;
    struct arena *mem; /* the event's values */
    struct map ids;    /* the matcher's names to their ids */
    uint32_t own[VALUES_OWN];
    struct buf names; /* the batch's table of names that `resolved` stands for, and how many */
    uint32_t names_count;
    uint32_t *resolved; /* for each name of the batch: its id, or NO_NAME */
    const struct event *event;
    uint32_t stamp;
    uint32_t *answers;       /* for each test */
    struct chain *chains;    /* for each name */
    struct sifting *sifting; /* sift.c's; NULL before the first lookout */
    bool whole;              /* every value is entered, not only those whose names are known */
    uint16_t known_count;
    uint16_t known[VALUES_MAX]; /* the values whose names are known */
    struct value values[VALUES_MAX];
};

/* The value in readable form.  A JSON string with a broken escape reads as it stands. */
NODISCARD enum err value_read(struct reading *reading, struct value *value, struct str *ret);
NODISCARD enum err value_fold(struct reading *reading, struct value *value, struct str *ret);
/* Enters those values too whose names nobody asks for by name. */
void reading_enter_all(struct reading *reading);
/* The record is looked into as a text: what was received is not a spelling of the fields. */
bool reading_record_is_text(const struct reading *reading);

static inline uint16_t reading_first(const struct reading *reading, uint32_t name)
{
    const struct chain *chain = &reading->chains[name];
    return chain->stamp == reading->stamp ? chain->first : NO_VALUE;
}

/* ---- sift.c */

void sifting_free(struct sifting *sifting);

/* ---- answer.c: tests over values. */

NODISCARD enum err test_answer(struct reading *reading, const struct test *test, bool *ret);
/* Whether this one value fits a test of any kind but TEST_NULL. */
NODISCARD enum err value_fits(struct reading *reading, const struct test *test, struct value *value,
                              bool *ret);

/* ---- query.c: a search in parts, for required.c. */

const struct matcher *query_matcher(const struct query *query);
const struct expr *query_root(const struct query *query);
