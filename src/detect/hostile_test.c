/* Rules and events made to be slow: whatever their author thinks of, the time grows as the bytes
 * do, and what passes a limit is refused with a sentence.
 *
 * A shape is measured at a size and at TIMES that size, in CPU time of this process, each the best
 * of some runs.  n squared would give TIMES squared.  (Records by themselves: parse/hostile_test.c;
 * event logs that lie about their lengths: codec/evtx_test.c.) */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "detect/private.h"
#include "event/builder.h"
#include "testing/testing.h"

#define TIMES    4
#define SLACK    2.5 /* the larger one leaves the caches, and sorting costs a logarithm */
#define ATTEMPTS 12
#define RUNS     3
#define HEAD     "title: t\nlogsource: {product: x}\ndetection:\n"

static void put(struct buf *out, const char *text)
{
    CHECK(buf_append(out, str_from(text)) == OK);
}

static void many(struct buf *out, size_t size, const char *text)
{
    for (size_t end = out->size + size; out->size + strlen(text) <= end;) {
        put(out, text);
    }
}

static double cpu_ns(void)
{
    return testing_cpu() * 1e9;
}

/* ---- Rules. */

/* A document with about `count` of what it is made of. */
struct rule_shape {
    const char *name;
    void (*fill)(struct buf *out, size_t count);
    size_t count; /* the larger one */
    bool refused;
};

static void values(struct buf *out, size_t count, const char *item, const char *value)
{
    put(out, HEAD "  s:\n    ");
    put(out, item);
    put(out, ":\n");
    for (unsigned i = 0; i < count; i++) {
        CHECK(buf_print(out, "      - '%s%06u'\n", value, i) == OK);
    }
    put(out, "  condition: s\n");
}

static void values_plain(struct buf *out, size_t count)
{
    values(out, count, "f", "beginning");
}

static void values_contained(struct buf *out, size_t count)
{
    values(out, count, "f|contains", "beginning");
}

static void values_ending(struct buf *out, size_t count)
{
    values(out, count, "f|endswith", "\\");
}

static void values_wild(struct buf *out, size_t count)
{
    values(out, count, "f", "a*b?c*");
}

static void keywords(struct buf *out, size_t count)
{
    values(out, count, "''", "word");
}

static void values_offset(struct buf *out, size_t count)
{
    values(out, count, "f|base64offset|contains", "text");
}

static void regexes(struct buf *out, size_t count)
{
    values(out, count, "f|re", "a+b*c");
}

static void items(struct buf *out, size_t count)
{
    put(out, HEAD "  s:\n");
    for (unsigned i = 0; i < count; i++) {
        CHECK(buf_print(out, "    f%06u: x\n", i) == OK);
    }
    put(out, "  condition: s\n");
}

static void maps(struct buf *out, size_t count)
{
    put(out, HEAD "  s:\n");
    for (unsigned i = 0; i < count; i++) {
        CHECK(buf_print(out, "    - {f: x%u, g: y}\n", i) == OK);
    }
    put(out, "  condition: s\n");
}

static void condition(struct buf *out, size_t count)
{
    put(out, HEAD "  s: {f: x}\n  condition: s");
    for (size_t i = 1; i < count; i++) {
        put(out, i % 2 == 0 ? " or not s" : " and s");
    }
    put(out, "\n");
}

static void condition_patterns(struct buf *out, size_t count)
{
    put(out, HEAD);
    for (unsigned i = 0; i < count; i++) {
        CHECK(buf_print(out, "  aaaa%06u: {f: x%u}\n", i, i) == OK);
    }
    put(out, "  condition: 1 of a*a*a*a*\n");
}

static void value_long(struct buf *out, size_t count)
{
    put(out, HEAD "  s: {f: '");
    many(out, count, "a*");
    put(out, "'}\n  condition: s\n");
}

static void aliases(struct buf *out, size_t count)
{
    put(out, "a0: &a0 [x, x]\n");
    for (unsigned i = 1; i < count / 32; i++) {
        CHECK(buf_print(out, "a%u: &a%u [*a%u, *a%u]\n", i, i, i - 1, i - 1) == OK);
    }
}

static void lists_nested(struct buf *out, size_t count)
{
    put(out, HEAD "  s: ");
    many(out, count, "[");
}

static void maps_nested(struct buf *out, size_t count)
{
    put(out, HEAD "  s: ");
    many(out, count, "{a: ");
}

static void blocks_nested(struct buf *out, size_t count)
{
    put(out, HEAD "  s:\n    ");
    many(out, count, "- ");
}

static void text_huge(struct buf *out, size_t count)
{
    put(out, HEAD "  s:\n    f:\n");
    many(out, count, "      - some value or other\n");
    put(out, "  condition: s\n");
}

static void comments(struct buf *out, size_t count)
{
    many(out, count, "# nothing\n");
    put(out, HEAD "  s: {f: x}\n  condition: s\n");
}

static void documents(struct buf *out, size_t count)
{
    many(out, count, "---\nx: y\n");
}

static void regex_nested(struct buf *out, size_t count)
{
    put(out, HEAD "  s: {f|re: '");
    many(out, count * 2, "(x");
    many(out, count * 2, ")*");
    put(out, "'}\n  condition: s\n");
}

static const struct rule_shape rule_shapes[] = {
    {"values_plain", values_plain, 100000, false},
    {"values_contained", values_contained, 10000, false},
    {"values_ending", values_ending, 10000, false},
    {"values_wild", values_wild, 4000, false},
    {"values_offset", values_offset, 4000, false},
    {"keywords", keywords, 4000, false},
    {"regexes", regexes, 200, false},
    {"regex_nested", regex_nested, 4000, true},
    {"items", items, 20000, false},
    {"maps", maps, 20000, false},
    {"condition", condition, 400, false},
    {"condition of many names", condition, 100000, true},
    {"condition_patterns", condition_patterns, 800, false},
    {"value_long", value_long, 60000, false},
    {"aliases", aliases, 1000000, true},
    {"lists_nested", lists_nested, 1000000, true},
    {"maps_nested", maps_nested, 1000000, true},
    {"blocks_nested", blocks_nested, 1000000, true},
    {"text_huge", text_huge, 4000000, false},
    {"comments", comments, 3000000, false},
    {"documents", documents, 400000, true},
};

/* What a shape of rules or of events costs at a part of its size, in nanoseconds. */
typedef double measuring(const void *shape, size_t part, size_t *ret_size);

static double load_ns(const void *of, size_t part, size_t *ret_size)
{
    const struct rule_shape *shape = of;
    struct buf text;
    struct buf bundle;
    double best = 1e18;
    buf_init(&text, (size_t)RULES_SIZE_MAX);
    buf_init(&bundle, (size_t)RULES_SIZE_MAX);
    shape->fill(&text, shape->count / part);
    CHECK(ruleset_pack(&bundle, STR("a.yml"), buf_str(&text)) == OK);
    for (int run = 0; run < RUNS; run++) {
        struct arena *mem = arena_new((size_t)1 << 29);
        struct ruleset *ruleset = NULL;
        struct ruleset_report report;
        double before = cpu_ns();
        CHECK(ruleset_load(buf_str(&bundle), mem, &ruleset, &report, NULL) == OK);
        double ns = cpu_ns() - before;
        for (size_t i = 0; i < report.refused.count && !shape->refused; i++) {
            printf("refused: %.*s\n", STR_ARG(report.refused.list[i].reason));
        }
        CHECK((report.refused.count > 0) == shape->refused && report.loaded == !shape->refused);
        CHECK(!shape->refused || report.refused.list[0].reason.size > 0);
        ruleset_free(ruleset);
        arena_free(mem);
        best = ns < best ? ns : best;
    }
    *ret_size = text.size;
    buf_done(&bundle);
    buf_done(&text);
    return best;
}

/* Noise makes single figures worse and never better, so the first attempt that holds is enough. */
static void ratio_check(const char *name, measuring *measure, const void *shape)
{
    double ratio = 1e9;
    double most = 0;
    double whole = 0;
    size_t size, size_part;
    for (int attempt = 0; attempt < ATTEMPTS && ratio > most; attempt++) {
        double part = measure(shape, TIMES, &size_part);
        whole = measure(shape, 1, &size);
        ratio = whole / part < ratio ? whole / part : ratio;
        most = (double)size / (double)size_part * SLACK;
    }
    printf("%s: %.2f times for %.2f times the bytes, %.1f ms\n", name, ratio,
           (double)size / (double)size_part, whole / 1e6);
    CHECK(ratio <= most);
}

TEST(a_hostile_rule_four_times_as_long_takes_four_times_as_long)
{
    for (size_t i = 0; i < sizeof rule_shapes / sizeof rule_shapes[0]; i++) {
        ratio_check(rule_shapes[i].name, load_ns, &rule_shapes[i]);
    }
}

TEST(a_rule_of_ten_megabytes_is_refused_before_it_is_read)
{
    struct buf text;
    struct buf bundle;
    buf_init(&text, (size_t)RULES_SIZE_MAX);
    buf_init(&bundle, (size_t)RULES_SIZE_MAX);
    text_huge(&text, 10 << 20);
    CHECK(ruleset_pack(&bundle, STR("a.yml"), buf_str(&text)) == ERR_LIMIT && bundle.size == 0);
    buf_done(&bundle);
    buf_done(&text);
}

/* ---- Events.  A rule that is as bad as rules may be, and fields that suit it. */

struct event_shape {
    const char *name;
    const char *items; /* of the rule's one search */
    const char *f;     /* what the field f is full of */
    const char *g;
    bool many; /* in many small values, not in one */
};

static const struct event_shape event_shapes[] = {
    {"stars", "{f: '*a*a*a*a*a*a*a*a*b'}", "a", NULL, false},
    {"stars and marks", "{f: '*a?a?*?a*?*a?a*?b'}", "a", NULL, false},
    {"stars, contained", "{f|contains: 'a*a*a*ab*a*c'}", "a", NULL, false},
    {"nearly contained", "{f|contains: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'}", "a", NULL,
     false},
    {"nearly contained, cased", "{f|contains|cased: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'}", "a", NULL,
     false},
    {"not ASCII", "{f|contains: '\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9x'}", "\xC3\x89",
     NULL, false},
    {"not UTF-8", "{f: '*\xC3\xA9*\xC3\xA9*x'}", "\xC3\xC3\x80", NULL, false},
    {"evil regex of groups", "{f|re: '^(a+)+$'}", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", NULL, false},
    {"evil regex of choices", "{f|re: '(a|a|aa)*b$'}", "a", NULL, false},
    {"evil regex of counts", "{f|re: '(.*a){12}b'}", "a", NULL, false},
    {"evil regex of dots", "{f|re|s: 'x.*y.*z.*w.*v'}", "xyzw", NULL, false},
    {"evil regex, spread", "{f|re: '([a-z]+[a-z0-9]*)*[!]'}", "a", NULL, false},
    {"keyword", "{'|contains': 'a*a*ab'}", "a", NULL, false},
    {"keyword in many values", "['aab', 'ab*ab']", "a", NULL, true},
    {"fields, equal", "{f|fieldref: g}", "a", "a", false},
    {"fields, contained", "{f|fieldref|contains: g}", "a", "ab", false},
    {"fields, contained, not ASCII", "{f|fieldref|contains: g}", "\xC3\x89", "\xC3\xA9x", false},
    {"fields, contained, cased", "{f|fieldref|contains|cased: g}", "a", "ab", false},
    {"fields, of many values", "{f|fieldref: g}", "a", "b", true},
    {"all of many values", "{f|contains|all: [a, b, c, d]}", "a", NULL, true},
    {"network", "{f|cidr: '::/0'}", "::", NULL, false},
    {"number", "{f|gt: 1}", "9", NULL, false},
    {"time", "{f|hour: 3}", "2026-11-21T00:00:00.0", NULL, false},
    {"offsets", "{f|base64offset|contains: aaaaaaaaaaaaa}", "YWFh", NULL, false},
};

#define FIELD_SIZE 40000 /* bytes of f */
#define MANY       400   /* values of f, of 100 bytes each */
#define TURNS      100   /* judgements of one measure */

static void field_put(struct builder *builder, const char *name, const char *text, size_t part,
                      bool alone)
{
    struct buf value;
    buf_init(&value, FIELD_SIZE * 2);
    many(&value, alone ? FIELD_SIZE / part : FIELD_SIZE / MANY, text);
    for (size_t i = 0; i < (alone ? 1 : MANY / part); i++) {
        builder_derive(builder, str_from(name), buf_str(&value));
    }
    buf_done(&value);
}

static void judge_make(const struct event_shape *shape, struct arena *mem,
                       struct ruleset **ret_ruleset, struct judge **ret)
{
    struct buf text;
    struct buf bundle;
    struct ruleset_report report;
    buf_init(&text, (size_t)RULES_SIZE_MAX);
    buf_init(&bundle, (size_t)RULES_SIZE_MAX);
    CHECK(buf_print(&text, HEAD "  s: %s\n  condition: s\n", shape->items) == OK);
    CHECK(ruleset_pack(&bundle, STR("a.yml"), buf_str(&text)) == OK);
    CHECK(ruleset_load(buf_str(&bundle), mem, ret_ruleset, &report, NULL) == OK);
    for (size_t i = 0; i < report.refused.count; i++) {
        printf("%s: %.*s\n", shape->name, STR_ARG(report.refused.list[i].reason));
    }
    CHECK(report.loaded == 1);
    CHECK(judge_new(*ret_ruleset, ret) == OK);
    judge_exhaustively(*ret);
    buf_done(&bundle);
    buf_done(&text);
}

static double judge_ns(const void *of, size_t part, size_t *ret_size)
{
    const struct event_shape *shape = of;
    struct arena *mem = arena_new((size_t)1 << 26);
    struct ruleset *ruleset;
    struct judge *judge;
    struct str bytes;
    struct batch batch;
    double best = 1e18;
    struct builder *builder = builder_new((struct client_id){1}, (struct source_id){1});
    judge_make(shape, mem, &ruleset, &judge);
    CHECK(builder_begin(builder, STR("x"), (struct wall){5}) == OK);
    field_put(builder, "f", shape->f, part, !shape->many);
    if (shape->g != NULL) {
        field_put(builder, "g", shape->g, part, !shape->many);
    }
    builder_class(builder, STR("c/x/s"));
    CHECK(builder_end(builder) == OK && builder_finish(builder, &bytes) == OK);
    CHECK(batch_check(bytes, mem, &batch, NULL) == OK);
    for (int run = 0; run < RUNS; run++) {
        double before = cpu_ns();
        for (int turn = 0; turn < TURNS; turn++) {
            struct verdicts verdicts;
            CHECK(judge_batch(judge, &batch, mem, &verdicts) == OK);
        }
        double ns = (cpu_ns() - before) / TURNS;
        best = ns < best ? ns : best;
    }
    *ret_size = FIELD_SIZE / part;
    judge_free(judge);
    ruleset_free(ruleset);
    builder_free(builder);
    arena_free(mem);
    return best;
}

TEST(a_hostile_event_four_times_as_long_takes_four_times_as_long)
{
    for (size_t i = 0; i < sizeof event_shapes / sizeof event_shapes[0]; i++) {
        ratio_check(event_shapes[i].name, judge_ns, &event_shapes[i]);
    }
}
