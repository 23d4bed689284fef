#pragma once

/*
 * Does this event fit: the one evaluator under rules and searches.  A search is a rule that looks
 * back; a rule is a search that waits.
 *
 * The search language is entered with three calls:
 *
 *     query_parse → query_matches … → query_free
 *
 * Whoever makes conditions of their own (detect/) builds expressions in a matcher, and reads events
 * through a reading:
 *
 *     matcher_new → matcher_field, matcher_text … matcher_group → reading_new
 *         → (reading_event → reading_holds …) … → reading_free → matcher_free
 *
 * Expressions are immutable once made; no call keeps the event.  Values compare without case
 * (Unicode simple folding) unless a rule says otherwise; a field that is missing matches nothing.
 * A field that occurs several times fits if any of its values does.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/why.h"
#include "event/batch.h"

/* ---- Searches */

struct query;

/*
 * The search language (docs/search.md): words and "phrases" in the record, field: value with
 * wildcards * and ?, ranges field: >= 400, networks field: 192.0.2.0/24, field: /regex/, field: *
 * for existence, and, or, not, parentheses; words side by side mean and.  The empty text fits
 * everything.  ERR_SYNTAX says where and why.  At most QUERY_SIZE_MAX bytes.
 */
NODISCARD enum err query_parse(struct str text, struct query **ret, struct why *why);
/* The same language without pipes, for what judges events as rules do (documents): texts compare by
 * case alone. */
NODISCARD enum err query_parse_exact(struct str text, struct query **ret, struct why *why);
void query_free(struct query *query);

/* Whether the event fits.  scratch is used for values that need their escapes undone. */
NODISCARD enum err query_matches(const struct query *query, const struct event *event,
                                 struct arena *scratch, bool *ret);

/* ---- Text patterns: pieces one after another, made by the caller in an arena of its own. */

enum piece_kind {
    PIECE_TEXT, /* these bytes */
    PIECE_MANY, /* any number of characters, none included: the * */
    PIECE_ONE,  /* one character: the ? */
    PIECE_DASH, /* one of - / and the three long dashes: what Windows takes for an option's sign */
};

struct piece {
    enum piece_kind kind;
    struct str text;
};

struct pattern {
    struct piece *pieces;
    size_t count;
};

/* Reads * and ? as wildcards, with Sigma's escapes: a backslash makes a literal of a *, ? or
 * backslash behind it, and is itself before anything else.  Keeps text. */
NODISCARD enum err pattern_parse(struct str text, struct arena *mem, struct pattern *ret);
/* The text as it stands.  Keeps it. */
NODISCARD enum err pattern_literal(struct str text, struct arena *mem, struct pattern *ret);
/* Adds a * in front or behind, where there is none yet. */
NODISCARD enum err pattern_open(struct pattern *pattern, bool before, bool behind,
                                struct arena *mem);
/* Makes each - or / that begins an option (none of a word before it, a word behind it) a dash. */
NODISCARD enum err pattern_windash(struct pattern *pattern, struct arena *mem);
/* The text of a pattern without wildcards, made in mem; ERR_SYNTAX if it has some. */
NODISCARD enum err pattern_text(const struct pattern *pattern, struct arena *mem, struct str *ret);

/* ---- Expressions */

struct matcher; /* owns fields and expressions */
struct expr;    /* owned by its matcher */

/* Every value in readable form; and the record, unless it is a structured document (JSON, XML), in
 * which names and escapes would be found that are nobody's value.  A rule's keywords. */
#define FIELD_ANYWHERE UINT32_MAX
/* Every value in readable form, and the record whatever it is.  A search's words. */
#define FIELD_EVERYTHING (UINT32_MAX - 1)

/* How a regular expression is read, apart from the case-sensitive, unanchored default. */
#define REGEX_NOCASE    1u /* i */
#define REGEX_MULTILINE 2u /* m: ^ and $ at line ends too */
#define REGEX_DOTALL    4u /* s: the dot takes line ends too */

enum comparison { LESS, LESS_OR_EQUAL, GREATER, GREATER_OR_EQUAL };
enum time_part { PART_MINUTE, PART_HOUR, PART_DAY, PART_WEEK, PART_MONTH, PART_YEAR };
enum group_kind { GROUP_AND, GROUP_OR };

struct matcher *matcher_new(void); /* NULL when out of memory */
void matcher_free(struct matcher *matcher);
/* Texts that compare without case do so as in searches (search_fold in required.h): width and kana
 * are the same too.  Said before the first text; such a matcher is not encoded. */
void matcher_for_searches(struct matcher *matcher);

/* A field that goes by any of these names; a value under one of them is a value of the field.
 * Besides the names of the batch: event.original, hinomi.parser, hinomi.class, hinomi.parse_error.
 */
NODISCARD enum err matcher_field(struct matcher *matcher, const struct str *names, size_t count,
                                 uint32_t *ret);

/* Each of the following copies what it is given.  The same test asked twice is made once. */
NODISCARD enum err matcher_text(struct matcher *matcher, uint32_t field,
                                const struct pattern *pattern, bool cased, const struct expr **ret);
/* ERR_SYNTAX and ERR_UNSUPPORTED say what is wrong with the expression. */
NODISCARD enum err matcher_regex(struct matcher *matcher, uint32_t field, struct str regex,
                                 unsigned flags, const struct expr **ret, struct why *why);
/* The most that all regular expressions together may cost to compile, in places (weight.c). */
void matcher_limit(struct matcher *matcher, uint64_t weight_max);
/* An address or network, IPv4 or IPv6: "192.0.2.0/24".  An IPv4 address that is written as IPv6
 * (::ffff:192.0.2.1) is taken for what it is. */
NODISCARD enum err matcher_network(struct matcher *matcher, uint32_t field, struct str network,
                                   const struct expr **ret, struct why *why);
/* A decimal number; values that are none do not fit. */
NODISCARD enum err matcher_number(struct matcher *matcher, uint32_t field, enum comparison how,
                                  struct str number, const struct expr **ret, struct why *why);
/* A part of a time in UTC (RFC 3339, or "2026-11-21 08:30:00"), as a decimal number. */
NODISCARD enum err matcher_time_part(struct matcher *matcher, uint32_t field, enum time_part part,
                                     struct str number, const struct expr **ret, struct why *why);
/* The field is there, with or without a value. */
NODISCARD enum err matcher_exists(struct matcher *matcher, uint32_t field, const struct expr **ret);
/* The field is missing, or JSON's null. */
NODISCARD enum err matcher_null(struct matcher *matcher, uint32_t field, const struct expr **ret);
/* A value of the field is, begins or ends with, or holds a value of the list of that name; which
 * list is meant is said when events are read (reading_lists).  Without such a list it does not fit.
 * The list's texts are patterns with Sigma's wildcards; LISTED_NETWORK: addresses and networks. */
enum listed { LISTED_EQUAL, LISTED_STARTS, LISTED_ENDS, LISTED_HOLDS, LISTED_NETWORK };
NODISCARD enum err matcher_listed(struct matcher *matcher, uint32_t field, struct str list,
                                  enum listed how, bool cased, const struct expr **ret);
/* A value of the field begins (anchored before), ends (anchored behind) with or holds a value of
 * the other; both anchors: equals it. */
NODISCARD enum err matcher_same(struct matcher *matcher, uint32_t field, uint32_t other,
                                bool anchored_before, bool anchored_behind, bool cased,
                                const struct expr **ret);
/* An `and` of nothing is true, an `or` of nothing false.  ERR_LIMIT over 100 levels. */
NODISCARD enum err matcher_group(struct matcher *matcher, enum group_kind kind,
                                 const struct expr *const *children, size_t count,
                                 const struct expr **ret);
NODISCARD enum err matcher_not(struct matcher *matcher, const struct expr *child,
                               const struct expr **ret);

/* ---- Sieves: which of many expressions may hold at all, found without asking each of them.
 *
 *     matcher_sieve … → reading_new → lookout_new → (reading_next → reading_sift → reading_holds …)
 * …
 *
 * An expression's guard is a set of tests of which one must hold for it to hold.  A sieve is the
 * guards of a list of expressions as tables and one small database of texts; it is the matcher's
 * own.  A lookout is a reading's view through several sieves at once. */

struct sieve;
struct lookout;

struct sieve_member {
    const struct expr *expr;
    uint32_t number; /* what reading_sift gives back; no two members of a matcher share one */
};
/* ret_reasons: for each member NULL, or why it has no guard (a static text). */
NODISCARD enum err matcher_sieve(struct matcher *matcher, const struct sieve_member *members,
                                 size_t count, const struct sieve **ret, const char **ret_reasons);

/* ---- A complete matcher as bytes.  They are trusted: whoever keeps them knows that they are whole
 * and came from this program on this processor. */

/* roots: the expressions that are to be had back. */
NODISCARD enum err matcher_encode(const struct matcher *matcher, const struct expr *const *roots,
                                  size_t count, struct buf *out);
/* Takes its bytes from the front.  Keeps them. */
NODISCARD enum err matcher_decode(struct str *bytes, const struct expr **ret_roots, size_t count,
                                  struct matcher **ret);
/* A sieve by the order in which they were made; NULL if there are fewer. */
const struct sieve *matcher_sieve_at(const struct matcher *matcher, size_t index);
/* What the databases are made for: version of the engine and kind of processor. */
NODISCARD enum err matcher_platform(struct buf *out);

/* ---- Lists: values that are known only where events are read, by name; immutable once made. */

struct lists;
struct value_list {
    struct str name; /* compared without case */
    const struct str *values;
    size_t count;
};
/* Copies.  ERR_LIMIT beyond LIST_VALUES_MAX values together, or 10,000 with wildcards in one. */
NODISCARD enum err lists_new(const struct value_list *lists, size_t count, struct lists **ret);
void lists_free(struct lists *lists);
bool lists_have(const struct lists *lists, struct str name);

/* ---- Reading events.  A reading remembers what it found out about one event at a time, so that
 * many expressions share the work.  One at a time per thread of control. */

struct reading;

/* The matcher must be complete, and outlive the reading.  Readings of several threads may share
 * it. */
NODISCARD enum err reading_new(const struct matcher *matcher, struct reading **ret);
void reading_free(struct reading *reading);
/* The lists of whoever is read for, from the next event on; NULL: none.  Borrowed. */
void reading_lists(struct reading *reading, const struct lists *lists);
/* Turns to an event, which must stay until the next call of this function. */
NODISCARD enum err reading_event(struct reading *reading, const struct event *event);
/* The same in two steps, for many events of one batch: first the batch, then each of its events.
 * Nothing else may be read between, and the batch must not change. */
NODISCARD enum err reading_batch(struct reading *reading, const struct batch *batch);
void reading_next(struct reading *reading, const struct event *event);
/* ERR_MEMORY only when memory is short, or when values overlap as no parser makes them. */
NODISCARD enum err reading_holds(struct reading *reading, const struct expr *expr, bool *ret);

/* A view through sieves of the reading's matcher; free it before the reading. */
NODISCARD enum err lookout_new(struct reading *reading, const struct sieve *const *sieves,
                               size_t count, struct lookout **ret);
void lookout_free(struct lookout *lookout);
/* The numbers of those members that may hold for the event at hand, ascending; all others do not.
 * Valid until the next event. */
NODISCARD enum err reading_sift(struct reading *reading, struct lookout *lookout,
                                const uint32_t **ret, size_t *ret_count);
/* All members of a lookout's sieves, ascending. */
void lookout_members(const struct lookout *lookout, const uint32_t **ret, size_t *ret_count);
