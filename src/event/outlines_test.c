/* Tables to outlines and back: whatever a batch holds comes back byte for byte. */

#include "event/outlines.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "event/builder.h"
#include "testing/testing.h"

static uint64_t state;

static uint32_t any(uint32_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33) % below;
}

/* Packs a batch's bytes and unpacks them again; the size of what is packed. */
static size_t comes_back(struct str bytes)
{
    struct arena *mem = arena_new((size_t)64 << 20);
    struct batch batch;
    size_t size = 0;
    size_t text = 0;
    CHECK(mem != NULL && batch_check(bytes, mem, &batch, NULL) == OK);
    char *packed = malloc(outlines_bound(&batch));
    char *back = malloc(bytes.size);
    CHECK(packed != NULL && back != NULL);
    CHECK(outlines_pack(&batch, mem, packed, &size) == OK);
    CHECK(size <= outlines_bound(&batch));
    /* Exactly as large as it is, so that a read behind it is noticed. */
    char *exact = malloc(size);
    CHECK(exact != NULL);
    memcpy(exact, packed, size);
    CHECK(outlines_unpack(str_of(exact, size), mem, back, bytes.size, &text) == OK);
    CHECK(text == bytes.size - batch.text.size);
    CHECK(memcmp(back, bytes.data, text) == 0);
    for (int i = 0; i < 50; i++) {
        size_t at = any((uint32_t)size);
        char kept = exact[at];
        exact[at] = (char)any(256);
        enum err err = outlines_unpack(str_of(exact, size), mem, back, bytes.size, &text);
        CHECK(err == OK || err == ERR_CORRUPT);
        exact[at] = kept;
        CHECK(outlines_unpack(str_of(exact, at), mem, back, bytes.size, &text) == ERR_CORRUPT);
    }
    free(exact);
    free(back);
    free(packed);
    arena_free(mem);
    return size;
}

/* Lines of `kinds` kinds in any order, whose values lie in the record or apart from it. */
static struct str lines_make(struct builder *builder, unsigned lines, unsigned kinds)
{
    struct str bytes = {0};
    for (unsigned i = 0; i < lines; i++) {
        char record[64];
        char name[16];
        const unsigned kind = any(kinds);
        int size = snprintf(record, sizeof record, "line %u of host-%u", i * 7919, i % 5);
        CHECK(builder_begin(builder, str_of(record, (size_t)size), (struct wall){i * 1000003LL}) ==
              OK);
        (void)snprintf(name, sizeof name, "field-%u", kind);
        builder_span(builder, STR("message"), 0, (size_t)size, SPAN_RAW);
        builder_span(builder, str_from(name), 5, 1 + kind % 3, SPAN_JSON_SCALAR);
        builder_derive(builder, STR("log.source.address"), STR("192.0.2.1"));
        builder_class(builder, kind % 2 == 0 ? STR("/linux/syslog") : STR("/linux/sshd"));
        CHECK(builder_end(builder) == OK);
    }
    CHECK(builder_finish(builder, &bytes) == OK);
    return bytes;
}

TEST(lines_of_a_few_kinds_come_back_from_a_quarter_of_their_tables)
{
    for (unsigned kinds = 1; kinds <= 30; kinds += 29) {
        struct builder *builder = builder_new((struct client_id){7}, (struct source_id){9});
        struct str bytes = lines_make(builder, 2000, kinds);
        size_t tables = (BATCH_EVENT_SIZE + 3 * BATCH_SPAN_SIZE) * (size_t)2000;
        CHECK(comes_back(bytes) < tables / 4);
        builder_free(builder);
    }
}

TEST(few_lines_come_back_too)
{
    for (unsigned lines = 1; lines < 12; lines++) {
        struct builder *builder = builder_new((struct client_id){7}, (struct source_id){9});
        CHECK(comes_back(lines_make(builder, lines, 3)) > 0);
        builder_free(builder);
    }
}

/* A batch as no builder makes it: all that batch_check lets pass. */
static size_t batch_any(char *bytes, uint32_t events, uint32_t spans_max, bool alike)
{
    const uint32_t text = 5000;
    uint32_t spans = 0;
    char *row = bytes + BATCH_HEADER_SIZE;
    memset(bytes, 0, BATCH_HEADER_SIZE);
    for (uint32_t i = 0; i < events; i++, row += BATCH_EVENT_SIZE) {
        for (size_t at = 0; at < BATCH_EVENT_SIZE; at += 4) {
            put_u32(row + at, any(UINT32_MAX));
        }
        const uint32_t from = any(text);
        put_u32(row + 16, from);
        put_u32(row + 20, any(text - from + 1));
        put_u32(row + 24, spans);
        put_u16(row + 28, (uint16_t)(alike ? spans_max : any(spans_max + 1)));
        put_u16(row + 30, any(2) == 0 ? NAME_NONE : 0);
        put_u16(row + 32, any(2) == 0 ? NAME_NONE : 0);
        put_u16(row + 34, any(2) == 0 ? NAME_NONE : 0);
        spans += get_u16(row + 28);
    }
    for (uint32_t i = 0; i < spans; i++, row += BATCH_SPAN_SIZE) {
        const uint32_t from = any(text);
        put_u32(row, from);
        put_u32(row + 4, any(text - from + 1));
        put_u32(row + 8, (alike ? i % 4 : any(SPAN_HOW_COUNT)) << 16);
    }
    memcpy(row, "\4\0name", 6);
    memset(row + 6, 'x', text);
    const size_t size = (size_t)(row - bytes) + 6 + text;
    memcpy(bytes, "HBT1", 4);
    put_u32(bytes + 4, (uint32_t)size);
    put_u32(bytes + 8, 7);
    put_u32(bytes + 16, events);
    put_u32(bytes + 20, spans);
    put_u32(bytes + 24, 1);
    put_u32(bytes + 28, 6);
    put_u32(bytes + 32, text);
    return size;
}

TEST(whatever_the_tables_of_a_sound_batch_hold_comes_back)
{
    char *bytes = malloc((size_t)1 << 20);
    CHECK(bytes != NULL);
    state = 5;
    for (uint32_t events = 1; events < 60; events += 3) {
        for (uint32_t spans = 0; spans < 9; spans++) {
            size_t size = batch_any(bytes, events, spans, any(2) == 0);
            (void)comes_back(str_of(bytes, size));
        }
    }
    free(bytes);
}

TEST(tables_of_another_batch_are_refused)
{
    struct builder *builder = builder_new((struct client_id){7}, (struct source_id){9});
    struct str bytes = lines_make(builder, 100, 2);
    struct arena *mem = arena_new((size_t)64 << 20);
    struct batch batch;
    size_t size = 0;
    size_t text;
    CHECK(mem != NULL && batch_check(bytes, mem, &batch, NULL) == OK);
    char *packed = malloc(outlines_bound(&batch));
    char *back = malloc(bytes.size);
    CHECK(packed != NULL && back != NULL);
    CHECK(outlines_pack(&batch, mem, packed, &size) == OK);
    CHECK(outlines_unpack(str_of(packed, size), mem, back, bytes.size - 1, &text) == ERR_CORRUPT);
    put_u32(packed + 16, EVENTS_PER_BATCH_MAX + 1);
    CHECK(outlines_unpack(str_of(packed, size), mem, back, bytes.size, &text) == ERR_CORRUPT);
    put_u32(packed + 16, UINT32_MAX);
    CHECK(outlines_unpack(str_of(packed, size), mem, back, bytes.size, &text) == ERR_CORRUPT);
    put_u32(packed + 16, batch.events);
    CHECK(outlines_unpack(str_of(packed, size), mem, back, bytes.size, &text) == OK);
    packed[BATCH_HEADER_SIZE + get_u32(packed + 28)] = 2; /* a form that nobody knows */
    CHECK(outlines_unpack(str_of(packed, size), mem, back, bytes.size, &text) == ERR_CORRUPT);
    arena_free(mem);
    free(back);
    free(packed);
    builder_free(builder);
}
