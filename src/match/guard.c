/*
 * Guards: the cheapest set of tests of which one must hold for an expression to hold; and the
 * cheapest but one, so that an event must bring something of both before anybody asks closely.
 *
 * A guard is a list of clauses, all about single values: a text that occurs in a field, a value
 * that equals a text, a field that is there, or a test asked as it stands.  Negation is pushed to
 * the leaves on the way down:
 *
 *     test          itself                       not test         none (it may hold by absence)
 *     and           its cheapest child's         not and          all its children's, negated
 *     or            all its children's           not or           its cheapest child's, negated
 *     not null      the field is there           null             none
 *
 * The second guard of an `and` is the next of its children's, if that fires seldom too; of an `or`,
 * its children's second guards, the first of a child that has no other.
 *
 * Cheap is what seldom fires: long texts, and texts for which few rules ask; what many rules ask
 * for (the names of shells, of system folders) is what many events have.
 *
 * Texts are looked for in folded values, also those of tests that respect case: what a value holds,
 * the folded value holds folded.  That needs whole characters, so only the ASCII part of such a
 * test's text counts unless all of it is UTF-8.
 *
 * Of an expression whose guard fires for many events, or that has none, the texts that refute it
 * are told too: those of its exceptions ("and not one of these").
 *
 * Always true: an expression with a guard holds for no event for which none of its clauses does;
 * the same of the second guard.  It holds for no event for which a clause against it does.
 * Whatever is unsure has the weakest clause that is certain, or none.
 */

#include "match/private.h"

#include <string.h>

#include "codec/utf8.h"

#define COST_EQUAL      60
#define COST_NUMBER     3000 /* an event id and the like: few values, many events each */
#define COST_DIRECT     5000
#define COST_PRESENT    20000
#define COST_MAX        (UINT64_MAX / 4)
#define AGAINST_MAX     32
#define WORD_COMMON_MAX 4     /* bytes of a value that is one of few: methods, protocols */
#define COST_ANYWHERE   30000 /* a keyword is looked for in every byte of every event */

/* Two guards that must both fire; the second is none, or another than the first. */
struct guards {
    struct guard first, second;
};

struct derivation {
    const uint32_t *uses;
    struct arena *mem;
    const char *reason; /* why there is no guard */
};

static enum err derive(struct derivation *derivation, const struct expr *expr, bool negated,
                       struct guards *ret);

uint64_t literal_cost(size_t size)
{
    static const uint64_t costs[] = {100000, 20000, 4000, 800, 300, 150};
    return size < sizeof costs / sizeof costs[0] ? costs[size] : 100;
}

static enum err none(struct derivation *derivation, const char *reason, struct guard *ret)
{
    derivation->reason = reason;
    *ret = (struct guard){.none = true};
    return OK;
}

static enum err one(struct derivation *derivation, struct clause clause, uint64_t cost,
                    struct guard *ret)
{
    if (clause.field == FIELD_ANYWHERE || clause.field == FIELD_EVERYTHING) {
        if (clause.kind != CLAUSE_LITERAL || clause.field == FIELD_EVERYTHING) {
            return none(derivation, "what it looks for in every value has no fixed text", ret);
        }
        cost += COST_ANYWHERE;
        clause.starts = clause.ends = false;
        clause.part = false;
    }
    cost += cost * derivation->uses[clause.test->index] / 4;
    struct clause *list = ARENA_ONE(derivation->mem, struct clause);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    *list = clause;
    *ret = (struct guard){.clauses = list, .count = 1, .cost = cost};
    return OK;
}

static bool is_utf8(struct str text)
{
    for (size_t i = 0; i < text.size;) {
        size_t size = utf8_sequence(str_slice(text, i, 4));
        if (size == 0) {
            return false;
        }
        i += size;
    }
    return true;
}

static struct str ascii_longest(struct str text)
{
    struct str best = {0};
    for (size_t i = 0; i < text.size;) {
        size_t from = i;
        while (i < text.size && (unsigned char)text.data[i] < 0x80) {
            i++;
        }
        if (i - from > best.size) {
            best = str_slice(text, from, i - from);
        }
        i += i < text.size;
    }
    return best;
}

static bool is_number(struct str text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return text.size <= 5;
}

/* A text that the value holds, at its start or end if said so. */
static enum err literal(struct derivation *derivation, const struct test *test, struct str text,
                        bool starts, bool ends, struct guard *ret)
{
    struct clause clause = {.kind = CLAUSE_LITERAL, .field = test->field, .test = test};
    clause.part = test->kind != TEST_TEXT || test->text.cased || test->text.kind == TEXT_GLOB ||
                  text.size > LITERAL_SIZE_MAX;
    if (test->kind == TEST_TEXT && test->text.cased) {
        struct str whole = text;
        if (!is_utf8(text)) {
            text = ascii_longest(text);
        }
        starts = starts && text.data == whole.data;
        ends = ends && text.size == whole.size;
        enum err err = fold_text(text, derivation->mem, &text);
        if (err != OK) {
            return err;
        }
    }
    while (!starts && text.size > 0 && text.data[0] == '\0') {
        text = str_slice(text, 1, text.size); /* The engine's texts cannot begin so. */
        clause.part = true;
    }
    if (text.size < LITERAL_SIZE_MIN && !(text.size > 0 && (starts || ends))) {
        clause.kind = CLAUSE_DIRECT;
        return one(derivation, clause, COST_DIRECT, ret);
    }
    uint64_t cost = literal_cost(text.size);
    if (text.size > LITERAL_SIZE_MAX) {
        /* A part does as well; the end that is anchored stays. */
        text = starts && !ends ? str_slice(text, 0, LITERAL_SIZE_MAX)
                               : str_slice(text, text.size - LITERAL_SIZE_MAX, LITERAL_SIZE_MAX);
        starts = starts && !ends;
    }
    clause.text = text;
    clause.starts = starts;
    clause.ends = ends;
    return one(derivation, clause, cost, ret);
}

static enum err glob_guard(struct derivation *derivation, const struct test *test,
                           struct guard *ret)
{
    const struct pattern *pattern = &test->text.pattern;
    size_t best = pattern->count;
    for (size_t i = 0; i < pattern->count; i++) {
        if (pattern->pieces[i].kind == PIECE_TEXT &&
            (best == pattern->count ||
             pattern->pieces[i].text.size > pattern->pieces[best].text.size)) {
            best = i;
        }
    }
    if (best == pattern->count) {
        return one(derivation,
                   (struct clause){.kind = CLAUSE_PRESENT, .field = test->field, .test = test},
                   COST_PRESENT, ret);
    }
    return literal(derivation, test, pattern->pieces[best].text, best == 0,
                   best + 1 == pattern->count, ret);
}

static enum err text_guard(struct derivation *derivation, const struct test *test,
                           struct guard *ret)
{
    const struct text_test *text = &test->text;
    struct clause clause = {.kind = CLAUSE_PRESENT, .field = test->field, .test = test};
    switch (text->kind) {
    case TEXT_ALL:
        return one(derivation, clause, COST_PRESENT, ret);
    case TEXT_EQUAL:
        if (text->cased || test->field == FIELD_ANYWHERE) {
            return text->text.size == 0 ? one(derivation, clause, COST_PRESENT, ret)
                                        : literal(derivation, test, text->text, true, true, ret);
        }
        clause.kind = CLAUSE_EQUAL;
        clause.text = text->text;
        return one(derivation, clause, is_number(text->text) ? COST_NUMBER : COST_EQUAL, ret);
    case TEXT_STARTS:
        return literal(derivation, test, text->text, true, false, ret);
    case TEXT_ENDS:
        return literal(derivation, test, text->text, false, true, ret);
    case TEXT_HOLDS:
        return literal(derivation, test, text->text, false, false, ret);
    default:
        return glob_guard(derivation, test, ret);
    }
}

static enum err regex_guard(struct derivation *derivation, const struct test *test,
                            struct guard *ret)
{
    struct str *texts;
    size_t count;
    enum err err = regex_required(test->regex.source, derivation->mem, &texts, &count);
    if (err == ERR_NOT_FOUND) {
        struct clause clause = {.kind = CLAUSE_DIRECT, .field = test->field, .test = test};
        return one(derivation, clause, COST_DIRECT, ret);
    }
    if (err != OK) {
        return err;
    }
    struct guard guard = {.clauses = ARENA_ARRAY(derivation->mem, struct clause, count)};
    if (guard.clauses == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        struct guard each;
        err = literal(derivation, test, texts[i], false, false, &each);
        if (err != OK || each.none) {
            *ret = each;
            return err;
        }
        guard.clauses[guard.count++] = each.clauses[0];
        guard.cost += each.cost;
    }
    *ret = guard;
    return OK;
}

static enum err test_guard(struct derivation *derivation, const struct test *test, bool negated,
                           struct guard *ret)
{
    struct clause clause = {.kind = CLAUSE_PRESENT, .field = test->field, .test = test};
    if (test->kind == TEST_NULL) {
        return negated ? one(derivation, clause, COST_PRESENT, ret)
                       : none(derivation, "it may hold because a field is missing", ret);
    }
    if (negated) {
        return none(derivation, "it may hold because of what an event does not have", ret);
    }
    switch (test->kind) {
    case TEST_TEXT:
        return text_guard(derivation, test, ret);
    case TEST_REGEX:
        return regex_guard(derivation, test, ret);
    case TEST_NETWORK:
    case TEST_NUMBER:
    case TEST_TIME_PART:
        clause.kind = CLAUSE_DIRECT;
        return one(derivation, clause, COST_DIRECT, ret);
    default:
        return one(derivation, clause, COST_PRESENT, ret);
    }
}

/* Whether a guard is worth asking for besides another: it fires seldom, and costs no look of its
 * own. */
static bool is_worth(const struct guard *guard)
{
    return !guard->none && guard->count > 0 && guard->cost / guard->count < COST_NUMBER;
}

/* Whether much of what comes along has it: "GET", "tcp", a field that is there. */
static bool is_weak(const struct guard *guard)
{
    for (size_t i = 0; i < guard->count; i++) {
        const struct clause *clause = &guard->clauses[i];
        if (clause->kind != CLAUSE_LITERAL &&
            !(clause->kind == CLAUSE_EQUAL && clause->text.size > WORD_COMMON_MAX)) {
            return true;
        }
    }
    return guard->none || guard->count == 0;
}

/* Keywords cost every event of the class a look at all of its bytes.  Behind a weak guard that is
 * still cheaper than to ask for each of them in each field. */
static bool is_keywords(const struct guard *guard)
{
    for (size_t i = 0; i < guard->count; i++) {
        if (guard->clauses[i].kind != CLAUSE_LITERAL ||
            guard->clauses[i].text.size < LITERAL_SIZE_MIN) {
            return false;
        }
    }
    return !guard->none && guard->count > 0;
}

static void guards_prefer(struct guards *best, const struct guard *guard)
{
    if (!guard->none && (best->first.none || guard->cost < best->first.cost)) {
        best->second = is_worth(&best->first) ? best->first : best->second;
        best->first = *guard;
    } else if (is_worth(guard) && (best->second.none || guard->cost < best->second.cost)) {
        best->second = *guard;
    }
}

/* The two cheapest of the children's guards: all of them must hold. */
static enum err cheapest(struct derivation *derivation, const struct expr *expr, bool negated,
                         struct guards *ret)
{
    struct guards best = {{.none = true}, {.none = true}};
    struct guard spare = {.none = true};
    if (expr->count == 0) {
        ret->second.none = true;
        return none(derivation, "it holds for every event", &ret->first);
    }
    for (size_t i = 0; i < expr->count; i++) {
        struct guards guards;
        enum err err = derive(derivation, expr->children[i], negated, &guards);
        if (err != OK) {
            return err;
        }
        guards_prefer(&best, &guards.first);
        guards_prefer(&best, &guards.second);
        if (is_keywords(&guards.first) && (spare.none || guards.first.cost < spare.cost)) {
            spare = guards.first;
        }
    }
    if (best.second.none && !spare.none && spare.clauses != best.first.clauses &&
        is_weak(&best.first)) {
        best.second = spare;
    }
    *ret = best;
    return OK;
}

/* All clauses of some guards: one of them must hold. */
static enum err guards_join(struct derivation *derivation, const struct guard *guards, size_t count,
                            struct guard *ret)
{
    struct guard all = {0};
    for (size_t i = 0; i < count; i++) {
        all.count += guards[i].count;
        all.cost = all.cost > COST_MAX ? COST_MAX : all.cost + guards[i].cost;
    }
    all.clauses = ARENA_ARRAY(derivation->mem, struct clause, all.count);
    if (all.clauses == NULL) {
        return ERR_MEMORY;
    }
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        if (guards[i].count > 0) {
            memcpy(all.clauses + at, guards[i].clauses, guards[i].count * sizeof *all.clauses);
        }
        at += guards[i].count;
    }
    *ret = all;
    return OK;
}

/* All of the children's guards: one of them must hold.  A child without a second guard lends its
 * first. */
static enum err together(struct derivation *derivation, const struct expr *expr, bool negated,
                         struct guards *ret)
{
    struct guard *firsts = ARENA_ARRAY(derivation->mem, struct guard, expr->count);
    struct guard *seconds = ARENA_ARRAY(derivation->mem, struct guard, expr->count);
    bool two = false;
    if (firsts == NULL || seconds == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < expr->count; i++) {
        struct guards guards;
        enum err err = derive(derivation, expr->children[i], negated, &guards);
        if (err != OK || guards.first.none) {
            *ret = guards;
            return err;
        }
        two = two || !guards.second.none;
        firsts[i] = guards.first;
        seconds[i] = guards.second.none ? guards.first : guards.second;
    }
    ret->second = (struct guard){.none = true};
    enum err err = guards_join(derivation, firsts, expr->count, &ret->first);
    return err == OK && two ? guards_join(derivation, seconds, expr->count, &ret->second) : err;
}

static enum err derive(struct derivation *derivation, const struct expr *expr, bool negated,
                       struct guards *ret)
{
    switch (expr->kind) {
    case EXPR_TEST:
        ret->second = (struct guard){.none = true};
        return test_guard(derivation, expr->test, negated, &ret->first);
    case EXPR_NOT:
        return derive(derivation, expr->children[0], !negated, ret);
    default:
        return (expr->kind == EXPR_AND) != negated ? cheapest(derivation, expr, negated, ret)
                                                   : together(derivation, expr, negated, ret);
    }
}

/* Clauses of which each alone refutes the expression, as far as there is place for them.  Only
 * texts that say all of their test do: then the clause holds exactly if the test does. */
static enum err refute(struct derivation *derivation, const struct expr *expr, bool negated,
                       struct guard *ret)
{
    enum err err = OK;
    if (expr->kind == EXPR_TEST) {
        struct guard guard;
        if (!negated || expr->test->kind != TEST_TEXT || expr->test->field >= FIELD_EVERYTHING ||
            ret->count == AGAINST_MAX) {
            return OK;
        }
        err = text_guard(derivation, expr->test, &guard);
        const struct clause *clause = guard.clauses;
        if (err == OK && !guard.none && !clause->part &&
            (clause->kind == CLAUSE_EQUAL || clause->kind == CLAUSE_LITERAL) &&
            str_find_byte(clause->text, SEPARATOR) == STR_NONE) {
            ret->clauses[ret->count++] = *clause;
        }
        return err;
    }
    if (expr->kind == EXPR_NOT) {
        return refute(derivation, expr->children[0], !negated, ret);
    }
    bool all = (expr->kind == EXPR_AND) != negated;
    for (size_t i = 0; i < expr->count && err == OK && (all || expr->count == 1); i++) {
        err = refute(derivation, expr->children[i], negated, ret);
    }
    return err;
}

enum err guard_derive(const struct expr *expr, const uint32_t *uses, struct arena *mem,
                      struct guard *ret, struct guard *ret_second, struct guard *ret_against,
                      const char **ret_reason)
{
    struct derivation derivation = {.uses = uses, .mem = mem};
    struct guards guards;
    enum err err = derive(&derivation, expr, false, &guards);
    *ret_against = (struct guard){.clauses = ARENA_ARRAY(mem, struct clause, AGAINST_MAX)};
    if (err == OK && ret_against->clauses == NULL) {
        return ERR_MEMORY;
    }
    if (err == OK && guards.second.none && !is_worth(&guards.first)) {
        const char *reason = derivation.reason;
        err = refute(&derivation, expr, false, ret_against);
        derivation.reason = reason;
    }
    if (err != OK) {
        return err;
    }
    if (guards.first.none) {
        *ret_reason = derivation.reason;
    }
    *ret = guards.first;
    *ret_second = guards.second;
    return OK;
}

void guard_count_uses(const struct expr *expr, uint32_t *uses)
{
    if (expr->kind == EXPR_TEST) {
        uses[expr->test->index]++;
    }
    for (size_t i = 0; expr->kind != EXPR_TEST && i < expr->count; i++) {
        guard_count_uses(expr->children[i], uses);
    }
}
