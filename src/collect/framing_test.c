#include <stdlib.h>
#include <string.h>

#include "collect/private.h"
#include "testing/testing.h"

/* All frames of an input given in pieces of `step` bytes, noted as letters and records. */
static void frames_note(struct str input, size_t step, struct buf *out)
{
    struct framing framing = {0};
    struct buf held;
    bool lied = false;
    buf_init(&held, 8 * 1024 * 1024);
    for (size_t at = 0; at < input.size && !lied; at += step) {
        CHECK(buf_append(&held, str_slice(input, at, step)) == OK);
        enum frame frame;
        do {
            size_t used;
            struct str record;
            frame = framing_next(&framing, buf_str(&held), &used, &record);
            if (frame == FRAME_RECORD) {
                CHECK(buf_print(out, "[%.*s]", record.size > 40 ? 40 : (int)record.size,
                                record.data) == OK);
            } else if (frame != FRAME_MORE) {
                CHECK(buf_append_byte(out, frame == FRAME_LIE ? '!' : '#') == OK);
            }
            buf_consume(&held, used);
            lied = frame == FRAME_LIE;
        } while (frame != FRAME_MORE && !lied);
        CHECK(held.size <= RECORD_SIZE_MAX + 16);
    }
    struct str record;
    enum frame frame = lied ? FRAME_MORE : framing_end(&framing, buf_str(&held), &record);
    if (frame == FRAME_RECORD) {
        CHECK(buf_print(out, "(%.*s)", record.size > 40 ? 40 : (int)record.size, record.data) ==
              OK);
    } else if (frame == FRAME_LIE) {
        CHECK(buf_append_byte(out, '!') == OK);
    }
    buf_done(&held);
}

static void frames_are(struct str input, const char *expected)
{
    const size_t steps[] = {1, 2, 3, 7, 65536, SIZE_MAX};
    for (size_t i = input.size > 65536 ? 4 : 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct buf out;
        buf_init(&out, 1 << 20);
        frames_note(input, steps[i] > input.size ? input.size : steps[i], &out);
        CHECK(str_equal(buf_str(&out), str_from(expected)));
        buf_done(&out);
    }
}

TEST(lines_end_at_their_newline_however_they_arrive)
{
    frames_are(STR("<1>a\n\n<2>b\r\nlast"), "[<1>a][<2>b\r](last)");
    frames_are(STR("2026-11-21T08:30:00Z x\n"), "[2026-11-21T08:30:00Z x]");
    frames_are(STR("12"), "(12)");
    frames_are(STR("0 x\n"), "[0 x]");
    frames_are(STR("1234567890 x\n"), "[1234567890 x]");
}

TEST(counted_records_may_hold_newlines)
{
    frames_are(STR("5 <1>ab7 <2>a\nbc3 xyz"), "[<1>ab][<2>a\nbc][xyz]");
    frames_are(STR("5 <1>ab\n3 xyz\n"), "[<1>ab][xyz]");
}

TEST(a_count_that_lies_ends_the_stream)
{
    frames_are(STR("5 <1>abcd 3 xyz"), "[<1>ab]!");
    frames_are(STR("5 <1>"), "!");
    frames_are(STR("5 <1>ab05 <1>ab"), "[<1>ab]!");
    frames_are(STR("5 <1>ab9999999999 x"), "[<1>ab]!");
    frames_are(STR("5 <1>ab12"), "[<1>ab]!");
}

TEST(a_record_over_the_limit_is_told_once_and_passed_over)
{
    size_t size = RECORD_SIZE_MAX + 100000;
    char *text = malloc(size + 64);
    memset(text, 'x', size);
    memcpy(text + size, "\nnext\n", 6);
    frames_are(str_of(text, size + 6), "#[next]");
    memset(text, 'x', size);
    memcpy(text, "1148576 ", 8); /* RECORD_SIZE_MAX + 100000 */
    memcpy(text + 8 + size, "4 next", 6);
    CHECK(size == 1148576);
    memset(text + 8, 'x', size);
    memcpy(text + 8 + size, "4 next", 6);
    frames_are(str_of(text, size + 14), "#[next]");
    free(text);
}

TEST(a_list_of_records_is_so_many_records)
{
    const struct str text = STR("{\"Records\":[{\"a\":1},{\"b\":2}]}\n[\n {}\n]\nx\n[{\"c\":3},4]\n"
                                "[{\"open\":\n[{}]\n");
    static const char *const wanted[] = {"{\"a\":1}", "{\"b\":2}", "{}",         "x",
                                         "{\"c\":3}", "4]",        "{\"open\":", "[{}]"};
    struct cursor cursor = {0};
    struct str record;
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        CHECK(body_record(text, &cursor, &record) && str_equal(record, str_from(wanted[i])));
    }
    CHECK(!body_record(text, &cursor, &record));
}

TEST(a_body_has_the_same_parts_each_time)
{
    struct buf text;
    buf_init(&text, HTTP_BODY_SIZE_MAX);
    for (int i = 0; i < 9000; i++) {
        CHECK(buf_print(&text, "%s", i % 3 == 0 ? "a\r\n" : i % 3 == 1 ? "\n" : "bb\n") == OK);
    }
    const struct body body = {.text = buf_str(&text), .next = plain_next};
    const struct body empty = {.text = STR("\n\n"), .next = plain_next};
    struct cursor cursor = {0};
    CHECK(body_parts(&body) == 2);
    CHECK(body_part(&body, &cursor) == EVENTS_PER_BATCH_MAX);
    CHECK(body_part(&body, &cursor) == 2000);
    CHECK(body_part(&body, &cursor) == 0);
    const struct str lines = STR("\n\r\nx\n\n y");
    struct str line;
    cursor = (struct cursor){0};
    CHECK(body_line(lines, &cursor, &line) && str_equal(line, STR("x")) && cursor.item == 3);
    CHECK(body_line(lines, &cursor, &line) && str_equal(line, STR(" y")) && cursor.item == 5);
    CHECK(!body_line(lines, &cursor, &line));
    CHECK(body_parts(&empty) == 0);
    buf_done(&text);
}

TEST(lines_of_blanks_are_not_passed_again_at_each_of_them)
{
    struct buf body;
    buf_init(&body, 16 << 20);
    for (int i = 0; i < 1000000; i++) {
        CHECK(buf_append(&body, STR(" \n")) == OK);
    }
    CHECK(buf_append(&body, STR("[{\"a\":1},{\"a\":2}]\n[\n \n{\"a\":3}]")) == OK);
    double began = testing_cpu();
    struct cursor cursor = {0};
    struct str record;
    unsigned records = 0;
    while (body_record(buf_str(&body), &cursor, &record)) {
        records++;
    }
    CHECK(records == 3 && str_equal(record, STR("{\"a\":3}")));
    /* Blanks behind which no list stands are records of their own, as they always were. */
    body.size = 2000000;
    CHECK(buf_append(&body, STR("x")) == OK);
    cursor = (struct cursor){0};
    for (records = 0; body_record(buf_str(&body), &cursor, &record); records++) {
    }
    CHECK(records == 1000001);
    CHECK(testing_cpu() - began < testing_cpu_allowed(2));
    buf_done(&body);
}
