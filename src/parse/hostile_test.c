/* Records made to be slow: whatever a sender may think of, the time grows as the bytes do. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/limits.h"
#include "event/builder.h"
#include "parse/parse.h"
#include "testing/testing.h"

#define TIMES    8
#define SLACK    1.6 /* the larger record and its tokens do not fit the caches; n squared gives 8 */
#define ATTEMPTS 12
#define RUNS     5

/* A record of about `size` bytes. */
struct shape {
    const char *name;
    void (*fill)(struct buf *out, size_t size);
};

static void put(struct buf *out, const char *text)
{
    CHECK(buf_append(out, str_from(text)) == OK);
}

static void many(struct buf *out, size_t size, const char *text)
{
    while (out->size + strlen(text) < size) {
        put(out, text);
    }
}

static void lists_nested(struct buf *out, size_t size)
{
    put(out, "{\"a\":");
    many(out, size, "[");
}

static void objects_nested(struct buf *out, size_t size)
{
    many(out, size, "{\"a\":");
}

static void names_distinct(struct buf *out, size_t size)
{
    put(out, "{\"z\":0");
    for (unsigned i = 0; out->size + 20 < size; i++) {
        CHECK(buf_print(out, ",\"k%07u\":1", i) == OK);
    }
    put(out, "}");
}

/* The ends of all names are the same. */
static void names_alike(struct buf *out, size_t size)
{
    put(out, "{\"z\":0");
    for (unsigned i = 0; out->size + 40 < size; i++) {
        CHECK(buf_print(out, ",\"beginning%07uthe-end\":1", i) == OK);
    }
    put(out, "}");
}

static void names_repeated(struct buf *out, size_t size)
{
    put(out, "{\"z\":0");
    many(out, size - 1, ",\"k\":1");
    put(out, "}");
}

static void names_long(struct buf *out, size_t size)
{
    put(out, "{\"z\":0");
    while (out->size + 65600 < size) {
        put(out, ",\"");
        many(out, out->size + 65536, "n");
        put(out, "\":1");
    }
    put(out, "}");
}

static void names_escaped(struct buf *out, size_t size)
{
    put(out, "{\"z\":0");
    many(out, size - 1, ",\"\\u006b\\n\":1");
    put(out, "}");
}

static void name_of_escapes(struct buf *out, size_t size)
{
    put(out, "{\"z\":0,\"");
    many(out, size - 8, "\\u006b");
    put(out, "\":1}");
}

/* Each leaf has a name of the longest size that is kept. */
static void names_joined(struct buf *out, size_t size)
{
    put(out, "{\"");
    many(out, NAME_SIZE_MAX - 4, "n");
    put(out, "\":{\"z\":0");
    many(out, size - 2, ",\"k\":1");
    put(out, "}}");
}

static void members(struct buf *out, size_t size)
{
    put(out, "{\"a\":[0");
    many(out, size - 2, ",1");
    put(out, "]}");
}

static void objects_empty(struct buf *out, size_t size)
{
    put(out, "{\"a\":[0");
    many(out, size - 2, ",{},[]");
    put(out, "]}");
}

static void backslashes(struct buf *out, size_t size)
{
    put(out, "{\"a\":\"");
    many(out, size - 4, "\\\\");
    put(out, "\"}");
}

static void blanks(struct buf *out, size_t size)
{
    put(out, "{\"a\"");
    many(out, size / 2, " ");
    put(out, ":1");
    many(out, size - 1, "\t");
    put(out, "}");
}

static void digits(struct buf *out, size_t size)
{
    put(out, "{\"a\":1");
    many(out, size - 1, "0");
    put(out, "}");
}

static const struct shape shapes[] = {
    {"lists_nested", lists_nested},
    {"objects_nested", objects_nested},
    {"names_distinct", names_distinct},
    {"names_alike", names_alike},
    {"names_repeated", names_repeated},
    {"names_long", names_long},
    {"names_escaped", names_escaped},
    {"name_of_escapes", name_of_escapes},
    {"names_joined", names_joined},
    {"members", members},
    {"objects_empty", objects_empty},
    {"backslashes", backslashes},
    {"blanks", blanks},
    {"digits", digits},
};

/* The shortest CPU time of some runs, in nanoseconds. */
static double parse_ns(struct builder *builder, struct str record)
{
    const struct parse_context context = {.received = {1767225630 * NS_PER_SECOND}};
    const struct parser *parser;
    double best = 1e18;
    CHECK(parser_find(STR("auto"), &parser) == OK);
    for (int run = 0; run < RUNS; run++) {
        double before = testing_cpu();
        CHECK(builder_begin(builder, record, context.received) == OK);
        parse_record(parser, &context, builder);
        CHECK(builder_end(builder) == OK);
        double ns = (testing_cpu() - before) * 1e9;
        builder_reset(builder);
        best = ns < best ? ns : best;
    }
    return best;
}

/* Noise makes single figures worse and never better, so the first attempt that holds is enough. */
TEST(a_hostile_record_eight_times_as_long_takes_eight_times_as_long)
{
    struct builder *builder = builder_new((struct client_id){1}, (struct source_id){1});
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct buf part;
        struct buf whole;
        buf_init(&part, RECORD_SIZE_MAX);
        buf_init(&whole, RECORD_SIZE_MAX);
        shapes[i].fill(&part, RECORD_SIZE_MAX / TIMES);
        shapes[i].fill(&whole, RECORD_SIZE_MAX);
        CHECK(whole.size > RECORD_SIZE_MAX / 10 * 9);
        double ratio = 1e9;
        double ratio_max = (double)whole.size / (double)part.size * SLACK;
        for (int attempt = 0; attempt < ATTEMPTS && ratio > ratio_max; attempt++) {
            double first = parse_ns(builder, buf_str(&part));
            double ratio_now = parse_ns(builder, buf_str(&whole)) / first;
            ratio = ratio_now < ratio ? ratio_now : ratio;
        }
        if (ratio > ratio_max) {
            printf("%s: %.2f times, at most %.2f\n", shapes[i].name, ratio, ratio_max);
            CHECK(false);
        }
        buf_done(&part);
        buf_done(&whole);
    }
    builder_free(builder);
}

/* What is told of a record is bounded too, and the record is never lost. */
TEST(a_hostile_record_keeps_its_bytes_and_few_fields)
{
    struct builder *builder = builder_new((struct client_id){1}, (struct source_id){1});
    struct arena *mem = arena_new(64 << 20);
    const struct parse_context context = {.received = {1}};
    const struct parser *parser;
    CHECK(parser_find(STR("json"), &parser) == OK);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct buf whole;
        struct str bytes;
        struct batch batch;
        struct event event;
        buf_init(&whole, RECORD_SIZE_MAX);
        shapes[i].fill(&whole, RECORD_SIZE_MAX);
        CHECK(builder_begin(builder, buf_str(&whole), context.received) == OK);
        parse_record(parser, &context, builder);
        CHECK(builder_end(builder) == OK && builder_finish(builder, &bytes) == OK);
        CHECK(batch_check(bytes, mem, &batch, NULL) == OK);
        batch_event(&batch, 0, &event);
        CHECK(str_equal(event.record, buf_str(&whole)));
        CHECK(event.spans > 0 && event.spans <= SPANS_PER_EVENT_MAX);
        CHECK((event.error.size > 0) == (i < 2));
        builder_reset(builder);
        arena_reset(mem);
        buf_done(&whole);
    }
    arena_free(mem);
    builder_free(builder);
}
