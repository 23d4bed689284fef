/* Columns to rows; the way there is here alone, since no version that is written has it. */

#include "event/columns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event/builder.h"
#include "testing/testing.h"

static void turn(const char *rows, size_t count, size_t words, size_t relative, char *columns)
{
    for (size_t i = 0; i < count; i++) {
        const char *row = rows + i * words * 4;
        for (size_t word = 0; word < words; word++) {
            uint32_t before = word < relative && i > 0 ? get_u32(row - words * 4 + word * 4) : 0;
            put_u32(columns + (word * count + i) * 4, get_u32(row + word * 4) - before);
        }
    }
}

/* The counts must fit. */
static void columns_from_batch(struct str batch, char *to)
{
    const size_t events = get_u32(batch.data + 16);
    const size_t spans = get_u32(batch.data + 20);
    const size_t at = BATCH_HEADER_SIZE + events * BATCH_EVENT_SIZE;
    memcpy(to, batch.data, batch.size);
    turn(batch.data + BATCH_HEADER_SIZE, events, 12, 12, to + BATCH_HEADER_SIZE);
    turn(batch.data + at, spans, 3, 1, to + at);
}

TEST(a_batch_comes_back_from_its_columns_byte_for_byte)
{
    struct builder *builder = builder_new((struct client_id){7}, (struct source_id){9});
    struct str batch;
    for (unsigned i = 0; i < 500; i++) {
        char record[64];
        int size = snprintf(record, sizeof record, "line %u of host-%u", i * 7919, i % 5);
        CHECK(builder_begin(builder, str_of(record, (size_t)size), (struct wall){i * 1000003LL}) ==
              OK);
        builder_span(builder, STR("message"), 0, (size_t)size, SPAN_RAW);
        builder_derive(builder, STR("log.source.address"), STR("192.0.2.1"));
        CHECK(builder_end(builder) == OK);
    }
    CHECK(builder_finish(builder, &batch) == OK);
    char *columns = malloc(batch.size);
    char *back = malloc(batch.size);
    CHECK(columns != NULL && back != NULL);
    columns_from_batch(batch, columns);
    CHECK(memcmp(columns, batch.data, batch.size) != 0);
    CHECK(columns_to_batch(str_of(columns, batch.size), back) == OK);
    CHECK(memcmp(back, batch.data, batch.size) == 0);
    free(back);
    free(columns);
    builder_free(builder);
}

TEST(counts_that_do_not_fit_are_refused_and_any_other_bytes_turn_back)
{
    char bytes[4096];
    char columns[4096];
    char back[4096];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(i * 31 + i / 7);
    }
    for (uint32_t events = 0; events < 90; events++) {
        for (uint32_t spans = 0; spans < 400; spans += 7) {
            size_t tables = BATCH_HEADER_SIZE + events * BATCH_EVENT_SIZE + spans * BATCH_SPAN_SIZE;
            bool fits = tables <= sizeof bytes;
            put_u32(bytes + 16, events);
            put_u32(bytes + 20, spans);
            CHECK(columns_to_batch(str_of(bytes, sizeof bytes), back) == (fits ? OK : ERR_CORRUPT));
            if (fits) {
                columns_from_batch(str_of(bytes, sizeof bytes), columns);
                CHECK(columns_to_batch(str_of(columns, sizeof columns), back) == OK);
                CHECK(memcmp(back, bytes, sizeof bytes) == 0);
            }
        }
    }
    CHECK(columns_to_batch(str_of(bytes, BATCH_HEADER_SIZE - 1), back) == ERR_CORRUPT);
    put_u32(bytes + 16, UINT32_MAX);
    CHECK(columns_to_batch(str_of(bytes, sizeof bytes), back) == ERR_CORRUPT);
}
