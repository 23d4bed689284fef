/*
 * Blocks: whatever goes in comes out, event by event; damage is found; a plan never passes over an
 * answer.
 *
 * The events are made at random, of all that a record may be: any bytes, spans side by side, within
 * and across each other, derived values, escapes.
 */

#include "archive/block.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "event/builder.h"
#include "testing/testing.h"

static const uint8_t key[BLOCK_FILTER_KEY_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};

/* xorshift64: the same on any machine. */
struct dice {
    uint64_t state;
};

static uint64_t dice_roll(struct dice *dice, uint64_t below)
{
    dice->state ^= dice->state << 13;
    dice->state ^= dice->state >> 7;
    dice->state ^= dice->state << 17;
    return dice->state % below;
}

/* Batches in memory of their own. */
struct stock {
    struct arena *mem;
    struct batch batches[64];
    uint64_t firsts[64];
    size_t count;
    uint64_t next;
};

static void stock_init(struct stock *stock)
{
    *stock = (struct stock){.mem = arena_new((size_t)1 << 30), .next = 1};
    CHECK(stock->mem != NULL);
}

static void stock_add(struct stock *stock, struct builder *builder)
{
    struct str bytes;
    struct str copy;
    CHECK(builder_finish(builder, &bytes) == OK);
    CHECK(arena_copy(stock->mem, bytes, &copy) == OK);
    CHECK(batch_check(copy, stock->mem, &stock->batches[stock->count], NULL) == OK);
    stock->firsts[stock->count] = stock->next;
    stock->next += stock->batches[stock->count].events;
    stock->count++;
    builder_reset(builder);
}

/* Where a value lies, from the beginning of its record; of a derived one only that it is derived.
 */
static size_t span_place(const struct event *event, const struct span *span)
{
    const char *from = event->record.data;
    bool within = from != NULL && span->bytes.data >= from &&
                  span->bytes.data + span->bytes.size <= from + event->record.size &&
                  (span->bytes.size > 0 || span->bytes.data < from + event->record.size);
    return within ? (size_t)(span->bytes.data - from) : SIZE_MAX;
}

static void event_same(const struct batch *a, uint32_t i, const struct batch *b, uint32_t j)
{
    struct event one;
    struct event two;
    batch_event(a, i, &one);
    batch_event(b, j, &two);
    CHECK(str_equal(one.record, two.record));
    CHECK(one.received.ns == two.received.ns && one.happened.ns == two.happened.ns);
    CHECK(str_equal(one.class, two.class) && str_equal(one.parser, two.parser));
    CHECK(str_equal(one.error, two.error) && one.flags == two.flags);
    CHECK(one.spans == two.spans);
    for (uint32_t k = 0; k < one.spans; k++) {
        struct span first;
        struct span second;
        event_span(&one, k, &first);
        event_span(&two, k, &second);
        CHECK(str_equal(first.name, second.name) && str_equal(first.bytes, second.bytes));
        CHECK(first.how == second.how);
        CHECK(first.bytes.size == 0 || span_place(&one, &first) == span_place(&two, &second));
    }
}

struct made {
    struct buf data, summary;
};

static void made_done(struct made *made)
{
    buf_done(&made->data);
    buf_done(&made->summary);
}

/* All batches in one block. */
static void stock_pack(const struct stock *stock, int level, struct made *ret)
{
    struct block_maker *maker;
    CHECK(block_maker_new(level, key, &maker) == OK);
    for (size_t i = 0; i < stock->count; i++) {
        CHECK(block_add(maker, &stock->batches[i], stock->firsts[i]) == OK);
    }
    buf_init(&ret->data, (size_t)1 << 28);
    buf_init(&ret->summary, (size_t)1 << 28);
    CHECK(block_finish(maker, &ret->data, &ret->summary) == OK);
    CHECK(block_events(maker) == 0);
    block_maker_free(maker);
}

static void stock_compare(const struct stock *stock, const struct made *made)
{
    struct arena *mem = arena_new((size_t)1 << 31);
    struct block *block;
    CHECK(block_open(buf_str(&made->data), mem, &block, NULL) == OK);
    CHECK(block_leaves(block) == stock->count);
    for (size_t i = 0; i < stock->count; i++) {
        struct block_leaf leaf;
        struct batch batch;
        const uint32_t *row_of;
        block_leaf(block, i, &leaf);
        CHECK(leaf.first == stock->firsts[i] && leaf.events == stock->batches[i].events);
        CHECK(leaf.source.value == stock->batches[i].source.value);
        CHECK(block_batch(block, i, NULL, mem, &batch, &row_of, NULL) == OK);
        CHECK(batch.events == leaf.events && batch.client.value == stock->batches[i].client.value);
        CHECK(batch.source.value == leaf.source.value);
        for (uint32_t k = 0; k < batch.events; k++) {
            CHECK(row_of[k] == k);
            event_same(&stock->batches[i], k, &batch, k);
        }
    }
    arena_free(mem);
}

/* Records alone, of all rows and of some in between: their bytes and times, and no spans. */
static void stock_compare_records(const struct stock *stock, const struct made *made)
{
    struct arena *mem = arena_new((size_t)1 << 31);
    struct block *block;
    uint8_t rows[20000 / 8];
    memset(rows, 0x92, sizeof rows);
    CHECK(block_open(buf_str(&made->data), mem, &block, NULL) == OK);
    block_records_only(block);
    for (size_t i = 0; i < 2 * stock->count; i++) {
        const struct batch *source = &stock->batches[i / 2];
        const uint32_t *row_of;
        struct batch batch;
        enum err err =
            block_batch(block, i / 2, i % 2 == 0 ? rows : NULL, mem, &batch, &row_of, NULL);
        CHECK(err == OK || (err == ERR_NOT_FOUND && i % 2 == 0));
        for (uint32_t k = 0; err == OK && k < batch.events; k++) {
            struct event was;
            struct event is;
            batch_event(source, row_of[k], &was);
            batch_event(&batch, k, &is);
            CHECK(str_equal(was.record, is.record) && was.received.ns == is.received.ns);
            CHECK(was.happened.ns == is.happened.ns && was.flags == is.flags);
            CHECK(is.spans == 0 || batch.spans == source->spans); /* a leaf that is kept whole */
        }
    }
    CHECK(block_prove(block, NULL) == OK);
    arena_free(mem);
}

/* Every third row, leaves in any order: the same events as if all were asked for. */
static void stock_compare_some(const struct stock *stock, const struct made *made,
                               struct dice *dice)
{
    struct arena *mem = arena_new((size_t)1 << 31);
    struct block *block;
    uint8_t rows[20000 / 8];
    CHECK(block_open(buf_str(&made->data), mem, &block, NULL) == OK);
    memset(rows, 0, sizeof rows);
    for (size_t i = 0; i < sizeof rows; i++) {
        rows[i] = (uint8_t)(dice_roll(dice, 256) & dice_roll(dice, 256));
    }
    for (size_t round = 0; round < 2 * stock->count; round++) {
        size_t i = dice_roll(dice, stock->count);
        struct block_leaf leaf;
        struct batch batch;
        const uint32_t *row_of;
        block_leaf(block, i, &leaf);
        enum err err = block_batch(block, i, rows, mem, &batch, &row_of, NULL);
        CHECK(err == OK || err == ERR_NOT_FOUND);
        uint32_t at = 0;
        for (uint32_t k = 0; err == OK && k < leaf.events; k++) {
            bool asked = (rows[(leaf.row + k) / 8] >> (leaf.row + k) % 8 & 1) != 0;
            if (at < batch.events && row_of[at] == k) {
                event_same(&stock->batches[i], k, &batch, at);
                at++;
            } else {
                CHECK(!asked);
            }
        }
        CHECK(err != OK || at == batch.events);
    }
    arena_free(mem);
}

/* ---- Random events. */

static const char *const names[] = {"user.name", "source.ip",   "message", "url.original",
                                    "url.path",  "process.pid", "Image",   "Hashes"};
static const char *const texts[] = {"anna",
                                    "root",
                                    "192.0.2.7",
                                    "10.0.0.255",
                                    "4711",
                                    "0x3e7",
                                    "{6a910b9d-498a-5ee0-c903-000000000400}",
                                    "2020-06-10 02:50:54.631",
                                    "C:\\\\Windows\\\\x.exe",
                                    "",
                                    "\xe3\x81\x82\xe3\x81\x84",
                                    "007",
                                    "\\u0041b\\n"};

static void bytes_add(struct buf *record, struct dice *dice, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        CHECK(buf_append_byte(record, (char)dice_roll(dice, 256)) == OK);
    }
}

static void text_add(struct buf *record, struct dice *dice)
{
    if (dice_roll(dice, 8) == 0) {
        bytes_add(record, dice, dice_roll(dice, 40));
    } else if (dice_roll(dice, 3) == 0) {
        CHECK(buf_print(record, "%u", (unsigned)dice_roll(dice, 100000)) == OK);
    } else if (dice_roll(dice, 4) == 0) {
        unsigned day = (unsigned)dice_roll(dice, 30) + 1;
        unsigned hour = (unsigned)dice_roll(dice, 24);
        unsigned minute = (unsigned)dice_roll(dice, 60);
        CHECK(buf_print(record, "2020-06-%02u %02u:%02u:00", day, hour, minute) == OK);
    } else {
        const char *text = texts[dice_roll(dice, sizeof texts / sizeof texts[0])];
        CHECK(buf_append(record, str_from(text)) == OK);
    }
}

/* A record in which spans stand side by side; then some that lie anyhow, and derived ones. */
static void event_make(struct builder *builder, struct dice *dice, int64_t now, bool wild)
{
    struct buf record;
    buf_init(&record, RECORD_SIZE_MAX);
    struct {
        size_t offset, size, name;
    } spans[16];
    size_t count = dice_roll(dice, 7);
    for (size_t i = 0; i < count; i++) {
        size_t name = wild ? dice_roll(dice, sizeof names / sizeof names[0]) : i;
        CHECK(buf_print(&record, "\"%s\": \"", names[name]) == OK);
        if (wild && dice_roll(dice, 10) == 0) {
            bytes_add(&record, dice, dice_roll(dice, 10));
        }
        spans[i].offset = record.size;
        text_add(&record, dice);
        spans[i].size = record.size - spans[i].offset;
        spans[i].name = name;
        CHECK(buf_append(&record, STR("\", ")) == OK);
    }
    CHECK(builder_begin(builder, buf_str(&record), (struct wall){now}) == OK);
    for (size_t i = 0; i < count; i++) {
        enum span_how how =
            wild ? (enum span_how)dice_roll(dice, SPAN_HOW_COUNT) : SPAN_JSON_STRING;
        builder_span(builder, str_from(names[spans[i].name]), spans[i].offset, spans[i].size, how);
        if (dice_roll(dice, 3) == 0) {
            builder_span(builder, STR("alias"), spans[i].offset, spans[i].size, SPAN_RAW);
        }
    }
    for (size_t i = 0; wild && i < dice_roll(dice, 3) && record.size > 0; i++) {
        size_t offset = dice_roll(dice, record.size + 1);
        size_t size = dice_roll(dice, record.size - offset + 1);
        builder_span(builder, STR("anyhow"), offset, size, SPAN_RAW);
    }
    for (size_t i = 0; i < dice_roll(dice, 3); i++) {
        builder_derive(builder, STR("derived"), str_from(texts[dice_roll(dice, 5)]));
    }
    if (dice_roll(dice, 2) == 0) {
        builder_happened(builder, (struct wall){now - (int64_t)dice_roll(dice, 1000) * 1000000});
    }
    if (dice_roll(dice, 2) == 0) {
        builder_class(builder, STR("process_creation/windows/"));
        builder_parser(builder, STR("json"));
    } else {
        builder_error(builder, STR("it is none"));
    }
    CHECK(builder_end(builder) == OK);
    buf_done(&record);
}

static void stock_fill(struct stock *stock, struct dice *dice, size_t batches, uint32_t events,
                       bool wild)
{
    struct builder *builder[2] = {
        builder_new((struct client_id){7}, (struct source_id){3}),
        builder_new((struct client_id){7}, (struct source_id){9}),
    };
    CHECK(builder[0] != NULL && builder[1] != NULL);
    int64_t now = 1600000000000000000LL;
    for (size_t i = 0; i < batches; i++) {
        size_t which = dice_roll(dice, 2);
        uint32_t count = events == 1 ? 1 : (uint32_t)dice_roll(dice, events) + 1;
        for (uint32_t k = 0; k < count; k++) {
            now += (int64_t)dice_roll(dice, 1000000);
            event_make(builder[which], dice, now, wild);
        }
        stock_add(stock, builder[which]);
        stock->next += dice_roll(dice, 2) * 5;
    }
    builder_free(builder[0]);
    builder_free(builder[1]);
}

static void round_trip(struct dice *dice, size_t batches, uint32_t events, bool wild)
{
    struct stock stock;
    struct made made;
    stock_init(&stock);
    stock_fill(&stock, dice, batches, events, wild);
    stock_pack(&stock, dice_roll(dice, 2) == 0 ? 1 : 9, &made);
    stock_compare(&stock, &made);
    stock_compare_some(&stock, &made, dice);
    stock_compare_records(&stock, &made);
    made_done(&made);
    arena_free(stock.mem);
}

TEST(what_goes_into_a_block_comes_out_event_by_event)
{
    struct dice dice = {88172645463325252ULL};
    for (size_t i = 0; i < 60; i++) {
        round_trip(&dice, 1 + dice_roll(&dice, 5), i % 4 == 0 ? 1 : 300, i % 2 == 0);
    }
}

/* Tables that no builder of ours writes, but a parser that is taken over may: records over one
 * another, spans of any bytes of the batch under any name. */
static void tables_bend(struct batch *batch, struct dice *dice)
{
    char *event = (char *)(uintptr_t)batch->event_table;
    char *span = (char *)(uintptr_t)batch->span_table;
    for (uint32_t i = 0; i < batch->events; i++, event += BATCH_EVENT_SIZE) {
        if (dice_roll(dice, 3) == 0) {
            uint32_t offset = (uint32_t)dice_roll(dice, batch->text.size + 1);
            uint32_t most = (uint32_t)(batch->text.size - offset);
            put_u32(event + 16, offset);
            put_u32(event + 20, (uint32_t)dice_roll(dice, (most < 300 ? most : 300) + 1));
        }
        if (dice_roll(dice, 5) == 0) {
            put_u16(event + 30 + 2 * dice_roll(dice, 3), (uint16_t)dice_roll(dice, batch->names));
        }
        put_u16(event + 36, (uint16_t)dice_roll(dice, 4));
    }
    for (uint32_t i = 0; i < batch->spans; i++, span += BATCH_SPAN_SIZE) {
        if (dice_roll(dice, 2) == 0) {
            uint32_t offset = (uint32_t)dice_roll(dice, batch->text.size + 1);
            uint32_t most = (uint32_t)(batch->text.size - offset);
            put_u32(span, offset);
            put_u32(span + 4, (uint32_t)dice_roll(dice, (most < 200 ? most : 200) + 1));
        }
        if (dice_roll(dice, 4) == 0) {
            put_u16(span + 8, (uint16_t)dice_roll(dice, batch->names));
        }
    }
}

/* What is read back at sealing is records alone: the rest has to come back as surely. */
TEST(whatever_a_batch_may_say_comes_out_of_a_block)
{
    struct dice dice = {0x2545f4914f6cdd1dULL};
    for (size_t round = 0; round < 60; round++) {
        struct stock stock;
        struct made made;
        stock_init(&stock);
        stock_fill(&stock, &dice, 1 + dice_roll(&dice, 4), 60, true);
        for (size_t i = 0; i < stock.count; i++) {
            struct str bytes = stock.batches[i].bytes;
            tables_bend(&stock.batches[i], &dice);
            CHECK(batch_check(bytes, stock.mem, &stock.batches[i], NULL) == OK);
        }
        stock_pack(&stock, 1, &made);
        stock_compare(&stock, &made);
        stock_compare_records(&stock, &made);
        made_done(&made);
        arena_free(stock.mem);
    }
}

TEST(leaves_of_one_record_and_of_four_thousand_come_out)
{
    struct dice dice = {4711};
    round_trip(&dice, 64, 1, false);
    round_trip(&dice, 3, 4000, false);
    round_trip(&dice, 2, 4000, true);
}

/* Spans that share most of their bytes: as a text each they would not fit into a batch. */
TEST(a_batch_that_would_not_fit_again_is_kept_whole)
{
    struct stock stock;
    struct made made;
    struct dice dice = {99};
    stock_init(&stock);
    struct builder *builder = builder_new((struct client_id){7}, (struct source_id){3});
    char *text = calloc(1, 1000000);
    CHECK(text != NULL);
    for (uint32_t i = 0; i < 40; i++) {
        bool large = i == 0;
        CHECK(builder_begin(builder, str_of(text, large ? 1000000 : 10), (struct wall){i}) == OK);
        builder_span(builder, STR("message"), 0, large ? 1000000 : 10, SPAN_RAW);
        CHECK(builder_end(builder) == OK);
    }
    struct str bytes;
    struct str copy;
    CHECK(builder_finish(builder, &bytes) == OK && arena_copy(stock.mem, bytes, &copy) == OK);
    char *spans = stock.mem == NULL
                      ? NULL
                      : (char *)(uintptr_t)copy.data + BATCH_HEADER_SIZE + 40 * BATCH_EVENT_SIZE;
    CHECK(spans != NULL);
    for (uint32_t i = 1; i < 40; i++) {
        put_u32(spans + (size_t)i * BATCH_SPAN_SIZE, 0);
        put_u32(spans + (size_t)i * BATCH_SPAN_SIZE + 4, 1000000);
    }
    CHECK(batch_check(copy, stock.mem, &stock.batches[0], NULL) == OK);
    stock.firsts[0] = 1;
    stock.count = 1;
    stock_pack(&stock, 3, &made);
    stock_compare(&stock, &made);
    stock_compare_some(&stock, &made, &dice);
    made_done(&made);
    free(text);
    builder_free(builder);
    arena_free(stock.mem);
}

/* ---- Plans. */

static const char *const values[] = {"anna",
                                     "Anna.Smith-0042",
                                     "root",
                                     "\xe3\x82\xab\xe3\x82\xbf\xe3\x82\xab\xe3\x83\x8a",
                                     "\xef\xbd\xb6\xef\xbe\x80",
                                     "192.0.2.7",
                                     "4711",
                                     "\\u0061nna",
                                     "C:\\\\Temp\\\\tool.exe",
                                     "tab\\tTab",
                                     "e\xcc\x81tude",
                                     "\xef\xbc\xa1\xef\xbc\xa2\xef\xbc\xa3 42",
                                     "",
                                     "deadbeef0042",
                                     "a b",
                                     "true"};
static const char *const asked[] = {
    "anna",
    "smith",
    "0042",
    "root",
    "\"\xe3\x81\x8b\xe3\x81\x9f\"",
    "\"\xef\xbd\xb6\xef\xbe\x80\"",
    "\"192.0.2\"",
    "47",
    "abc",
    "\"user.name\"",
    "ttool",
    "\"e\xcc\x81t\"",
    "\"\xc3\xa9tude\"",
    "eef00",
    "user.name: anna",
    "user.name: 4711",
    "user.name: \"C:\\Temp\\tool.exe\"",
    "source.ip: 192.0.2.0/24",
    "message: *Temp*",
    "message: an*a",
    "process.pid: >= 4000",
    "process.pid: *",
    "derived: root",
    "hinomi.parser: json",
    "event.original: *4711*",
    "url.original: *b",
    "user.name: \"\"",
    "message: /ann[a-c]/",
    "wxyz",
    "process.pid: 9999999",
    "\"pid\\\": \\\"4\"",
    "before",
    "12ms",
    "s4711",
    "user.name: \"\xe3\x81\x8b\xe3\x81\x9f\xe3\x81\x8b\xe3\x81\xaa\"",
    "abctuser",
    "alias: anna"};

static void value_text(struct buf *record, struct dice *dice)
{
    const char *text = values[dice_roll(dice, sizeof values / sizeof values[0])];
    if (dice_roll(dice, 3) == 0) {
        CHECK(buf_print(record, "%u", (unsigned)dice_roll(dice, 10000)) == OK);
    } else if (dice_roll(dice, 12) == 0) {
        unsigned name = (unsigned)dice_roll(dice, 99);
        unsigned other = (unsigned)dice_roll(dice, 99);
        CHECK(
            buf_print(record,
                      "before: %s\\r\\nName:\\t\\t%u\\r\\nOther: %s x%u and more text, so that it "
                      "is long enough to be taken apart line by line",
                      text, name, text, other) == OK);
    } else {
        CHECK(buf_append(record, str_from(text)) == OK);
    }
}

/* Texts that questions are asked of; what stands between values is sometimes a letter. */
static void searched_make(struct builder *builder, struct dice *dice, int64_t now)
{
    static const char *const between[] = {"\": \"", "=", "", "ms ", "\xcc\x81", "t"};
    struct buf record;
    size_t offsets[6];
    size_t sizes[6];
    size_t count = 1 + dice_roll(dice, 6);
    const char *gap = between[dice_roll(dice, 40) == 0 ? dice_roll(dice, 6) : 0];
    buf_init(&record, RECORD_SIZE_MAX);
    for (size_t i = 0; i < count; i++) {
        CHECK(buf_print(&record, "%s%s", names[i], gap) == OK);
        offsets[i] = record.size;
        value_text(&record, dice);
        sizes[i] = record.size - offsets[i];
        CHECK(buf_append(&record, str_from(gap)) == OK);
    }
    CHECK(builder_begin(builder, buf_str(&record), (struct wall){now}) == OK);
    for (size_t i = 0; i < count; i++) {
        enum span_how how = dice_roll(dice, 8) == 0 ? SPAN_RAW : SPAN_JSON_STRING;
        builder_span(builder, str_from(names[i]), offsets[i], sizes[i], how);
        if (i == 0) {
            builder_span(builder, STR("alias"), offsets[i], sizes[i], how);
        }
        if (sizes[i] > 4 && dice_roll(dice, 30) == 0) {
            builder_span(builder, STR("part"), offsets[i] + 1, sizes[i] - 3, SPAN_RAW);
        }
    }
    if (dice_roll(dice, 2) == 0) {
        builder_derive(builder, STR("derived"), str_from(texts[dice_roll(dice, 5)]));
    }
    builder_parser(builder, STR("json"));
    CHECK(builder_end(builder) == OK);
    buf_done(&record);
}

static void searched_fill(struct stock *stock, struct dice *dice, size_t batches, uint32_t events)
{
    struct builder *builder = builder_new((struct client_id){7}, (struct source_id){3});
    CHECK(builder != NULL);
    int64_t now = 1600000000000000000LL;
    for (size_t i = 0; i < batches; i++) {
        for (uint32_t k = 0; k < events; k++) {
            now += 1000000;
            searched_make(builder, dice, now);
        }
        stock_add(stock, builder);
    }
    builder_free(builder);
}

/* The numbers of the events that fit, found in the batches that were given. */
static size_t answers_count(const struct query *query, const struct batch *batch,
                            struct arena *scratch, const uint8_t *rows, uint32_t first,
                            const uint32_t *row_of)
{
    size_t count = 0;
    for (uint32_t i = 0; i < batch->events; i++) {
        struct event event;
        bool fits;
        batch_event(batch, i, &event);
        CHECK(query_matches(query, &event, scratch, &fits) == OK);
        uint32_t row = first + (row_of == NULL ? i : row_of[i]);
        CHECK(rows == NULL || (rows[row / 8] >> row % 8 & 1) != 0);
        count += fits;
    }
    return count;
}

static size_t answers_planned(const struct query *query, const struct made *made, size_t *ret_rows)
{
    const struct plan_span span = {.from = {INT64_MIN}, .to = {INT64_MAX}};
    struct plan *plan;
    bool may;
    size_t found = 0;
    *ret_rows = 0;
    CHECK(plan_new(query, &plan) == OK);
    CHECK(plan_may(plan, &span, key, buf_str(&made->summary), &may) == OK);
    struct arena *mem = arena_new((size_t)1 << 31);
    struct block *block;
    uint8_t *rows;
    size_t count;
    CHECK(block_open(buf_str(&made->data), mem, &block, NULL) == OK);
    CHECK(plan_rows(plan, &span, block, &rows, &count, NULL) == OK);
    for (size_t i = 0; may && count > 0 && i < block_leaves(block); i++) {
        struct block_leaf leaf;
        struct batch batch;
        const uint32_t *row_of;
        block_leaf(block, i, &leaf);
        enum err err = block_batch(block, i, rows, mem, &batch, &row_of, NULL);
        CHECK(err == OK || err == ERR_NOT_FOUND);
        if (err == OK) {
            *ret_rows += batch.events;
            found += answers_count(query, &batch, mem, rows, leaf.row, row_of);
        }
    }
    plan_free(plan);
    arena_free(mem);
    return found;
}

static void plan_compare(const struct stock *stock, const struct made *made, struct str text)
{
    struct query *query;
    struct why why = {0};
    if (query_parse(text, &query, &why) != OK) {
        printf("%.*s: %s\n", STR_ARG(text), why.text);
        CHECK(false);
    }
    size_t all = 0;
    size_t rows;
    struct arena *scratch = arena_new((size_t)1 << 31);
    for (size_t i = 0; i < stock->count; i++) {
        all += answers_count(query, &stock->batches[i], scratch, NULL, 0, NULL);
    }
    size_t planned = answers_planned(query, made, &rows);
    if (planned != all) {
        printf("%.*s: %zu of %zu found\n", STR_ARG(text), planned, all);
    }
    CHECK(planned == all);
    arena_free(scratch);
    query_free(query);
}

static void plans_compare(struct dice *dice, size_t batches, uint32_t events)
{
    struct stock stock;
    struct made made;
    stock_init(&stock);
    searched_fill(&stock, dice, batches, events);
    stock_pack(&stock, 1, &made);
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        plan_compare(&stock, &made, str_from(asked[i]));
    }
    static const char *const joins[] = {" ", " or ", " not ", " and "};
    for (size_t i = 0; i < 20; i++) {
        char text[512];
        (void)snprintf(
            text, sizeof text, "(%s)%s(%s)", asked[dice_roll(dice, sizeof asked / sizeof asked[0])],
            joins[dice_roll(dice, 4)], asked[dice_roll(dice, sizeof asked / sizeof asked[0])]);
        plan_compare(&stock, &made, str_from(text));
    }
    made_done(&made);
    arena_free(stock.mem);
}

TEST(a_plan_passes_over_no_answer)
{
    struct dice dice = {123456789};
    for (size_t i = 0; i < 40; i++) {
        plans_compare(&dice, 1 + i % 3, i % 4 == 0 ? 400 : 1 + (uint32_t)dice_roll(&dice, 30));
    }
}

TEST(a_flipped_bit_of_a_block_or_its_summary_is_found)
{
    struct dice dice = {815};
    struct stock stock;
    struct made made;
    stock_init(&stock);
    stock_fill(&stock, &dice, 2, 100, false);
    stock_pack(&stock, 3, &made);
    struct plan *plan;
    CHECK(plan_new(NULL, &plan) == OK);
    const struct plan_span span = {.from = {0}, .to = {INT64_MAX}};
    for (size_t i = 0; i < 300; i++) {
        struct arena *mem = arena_new((size_t)1 << 28);
        struct block *block;
        size_t at = dice_roll(&dice, made.data.size);
        made.data.data[at] ^= (char)(1 << i % 8);
        CHECK(block_open(buf_str(&made.data), mem, &block, NULL) == ERR_CORRUPT);
        made.data.data[at] ^= (char)(1 << i % 8);
        arena_free(mem);
        bool may;
        at = dice_roll(&dice, made.summary.size);
        made.summary.data[at] ^= (char)(1 << i % 8);
        CHECK(plan_may(plan, &span, key, buf_str(&made.summary), &may) == ERR_CORRUPT);
        made.summary.data[at] ^= (char)(1 << i % 8);
    }
    plan_free(plan);
    made_done(&made);
    arena_free(stock.mem);
}

/* ---- What was written is read for ever: the folder holds a block of each version and its lines.
 */

/* The same events on any machine and with any compiler. */
static void golden_fill(struct stock *stock)
{
    struct dice dice = {20260101};
    stock_fill(stock, &dice, 3, 40, true);
    searched_fill(stock, &dice, 2, 30);
}

static void golden_check(unsigned version)
{
    struct stock stock;
    struct made made;
    char path[1024];
    size_t size;
    (void)snprintf(path, sizeof path, "%s/src/archive/golden/block-%u", testing_root(), version);
    stock_init(&stock);
    golden_fill(&stock);
    /* HINOMI_GOLDEN=1 writes the newest version's file anew, before it is released. */
    if (version == 1 && getenv("HINOMI_GOLDEN") != NULL) {
        stock_pack(&stock, 9, &made);
        struct buf both;
        buf_init(&both, (size_t)1 << 28);
        char length[8];
        put_u64(length, made.data.size);
        CHECK(buf_append(&both, str_of(length, 8)) == OK);
        CHECK(buf_append(&both, buf_str(&made.data)) == OK);
        CHECK(buf_append(&both, buf_str(&made.summary)) == OK);
        testing_write(path, both.data, both.size);
        buf_done(&both);
        made_done(&made);
    }
    char *bytes = testing_read(path, &size);
    CHECK(size > 8 && get_u64(bytes) < size);
    size_t data = get_u64(bytes);
    buf_init(&made.data, (size_t)1 << 28);
    buf_init(&made.summary, (size_t)1 << 28);
    CHECK(buf_append(&made.data, str_of(bytes + 8, data)) == OK);
    CHECK(buf_append(&made.summary, str_of(bytes + 8 + data, size - 8 - data)) == OK);
    stock_compare(&stock, &made);
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        plan_compare(&stock, &made, str_from(asked[i]));
    }
    made_done(&made);
    free(bytes);
    arena_free(stock.mem);
}

TEST(blocks_of_every_version_are_read)
{
    golden_check(1);
}
