/* Records are the same however a stream comes in pieces. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "replay/private.h"
#include "testing/testing.h"

static char cut[65536];

/* "<record>…", the stream being known up to `known` bytes at first, then `step` more at a time. */
static const char *cut_in_steps(struct str text, struct str name, size_t step)
{
    struct records records;
    struct buf stretches;
    size_t at = 0;
    size_t skip;
    buf_init(&stretches, 1 << 20);
    cut[0] = '\0';
    CHECK(records_begin(&records, str_slice(text, 0, HEAD_SIZE), name, &skip, NULL) == OK);
    at = skip;
    for (size_t known = at;;) {
        size_t done;
        known = known + step < text.size ? known + step : text.size;
        struct str data = str_slice(text, at, known - at);
        buf_reset(&stretches);
        CHECK(records_cut(&records, data, known == text.size, &stretches, &done) == OK);
        for (size_t i = 0; i < stretches.size; i += sizeof(struct stretch)) {
            struct stretch stretch;
            memcpy(&stretch, stretches.data + i, sizeof stretch);
            size_t used = strlen(cut);
            (void)snprintf(cut + used, sizeof cut - used, "<%.*s>", (int)stretch.size,
                           data.data + stretch.offset);
        }
        at += done;
        if (known == text.size) {
            break;
        }
    }
    buf_done(&stretches);
    records_done(&records);
    return cut;
}

static void check_cut(const char *name, const char *text, const char *expected)
{
    for (size_t step = 1; step <= strlen(text) + 1; step++) {
        const char *now = cut_in_steps(str_from(text), str_from(name), step);
        if (strcmp(now, expected) != 0) {
            printf("step %zu: %s\n", step, now);
        }
        CHECK(strcmp(now, expected) == 0);
    }
}

TEST(objects_are_cut_alike_in_any_pieces)
{
    check_cut("a", "{\"a\":1}\n\n{\"b\":{}}\r\n{\"c\":2}", "<{\"a\":1}><{\"b\":{}}><{\"c\":2}>");
    check_cut("a", "{\"a\":1}\n{\"b\":\n1}\n{\"c\":\"\\\"}{\"}\n{\"d\":3}{\"e\":4}\n",
              "<{\"a\":1}><{\"b\":\n1}><{\"c\":\"\\\"}{\"}><{\"d\":3}{\"e\":4}>");
    check_cut("a", "{\"a\":1}{\"b\":2}\n{\"c\":3}", "<{\"a\":1}><{\"b\":2}><{\"c\":3}>");
    check_cut("a", "[{\"a\":[1,{\"x\":2}]},\n{\"b\":2}]\n", "<{\"a\":[1,{\"x\":2}]}><{\"b\":2}>");
    check_cut("a", "{\"a\":1}\nrubbish\n{\"b\":2}\n", "<{\"a\":1}><rubbish><{\"b\":2}>");
    check_cut("a", "{\"a\":1}\n{\"b\":{\"c\":1}\n,\"d\":2}\n",
              "<{\"a\":1}><{\"b\":{\"c\":1}\n,\"d\":2}>");
}

TEST(lines_rows_and_events_are_cut_alike_in_any_pieces)
{
    check_cut("a", "one\r\n\n two \nthree", "<one>< two ><three>");
    check_cut("a.csv", "a,b\n1,\"x\ny\"\n\"\",\"p\"\"q\"\n3,4",
              "<1,\"x\ny\"><\"\",\"p\"\"q\"><3,4>");
    check_cut("a", "<Events><Event>1<EventData/></Event>\n<Event x=''>2</Event></Events>",
              "<<Event>1<EventData/></Event>><<Event x=''>2</Event>>");
    check_cut("a", "<Event>1<Event>2</Event><EventData><Event>3",
              "<<Event>1><<Event>2</Event>><<Event>3>");
    check_cut("a", "#separator \\x09\n#fields\ta\n1\n2\n#fields\tb\n", "<1><2>");
}

/* Cuts a line of that many bytes, all objects but its end; the processor time of the best of three.
 */
static double line_cut_ns(size_t size)
{
    double best = 1e18;
    char *text = malloc(size + 16);
    CHECK(text != NULL);
    memcpy(text, "{\"a\":1}\n", 8);
    for (size_t i = 8; i < size; i++) {
        text[i] = "{} "[(i - 8) % 3];
    }
    memcpy(text + size, "x\n", 2);
    for (int run = 0; run < 3; run++) {
        struct records records;
        struct buf stretches;
        size_t skip;
        size_t done;
        struct str all = str_of(text, size + 2);
        buf_init(&stretches, (size_t)16 << 20);
        CHECK(records_begin(&records, str_slice(all, 0, HEAD_SIZE), STR("a"), &skip, NULL) == OK);
        double before = testing_cpu();
        CHECK(records_cut(&records, all, true, &stretches, &done) == OK && done == all.size);
        double ns = (testing_cpu() - before) * 1e9;
        CHECK(stretches.size / sizeof(struct stretch) > size / 4);
        best = ns < best ? ns : best;
        buf_done(&stretches);
        records_done(&records);
    }
    free(text);
    return best;
}

TEST(many_objects_on_one_line_take_time_linear_in_its_size)
{
    CHECK(line_cut_ns(800000) < 8 * line_cut_ns(200000));
}

static size_t kind_of(const char *text, const char *name)
{
    struct records records;
    size_t skip;
    CHECK(records_begin(&records, str_from(text), str_from(name), &skip, NULL) == OK);
    records_done(&records);
    return records.kind;
}

TEST(a_stream_is_known_by_its_beginning)
{
    CHECK(kind_of("{\"a\":1}\n", "x") == RECORDS_LINES &&
          kind_of("{\n\"a\":1}", "x") == RECORDS_JSON);
    CHECK(kind_of(" [ {\"a\":1}]", "x") == RECORDS_JSON &&
          kind_of("[notice] x", "x") == RECORDS_TEXT);
    CHECK(kind_of("<13>Nov 21", "x") == RECORDS_TEXT && kind_of("<?xml?>", "x") == RECORDS_XML);
    CHECK(kind_of("a,b\n", "X.CSV") == RECORDS_CSV && kind_of("a,b\n", "x.csv.gz") == RECORDS_CSV);
    CHECK(kind_of("a,b,c\n1,2,3\n", "x") == RECORDS_CSV &&
          kind_of("a,b\n1,2\n", "x") == RECORDS_TEXT);
    CHECK(kind_of("Nov 21 08:30:00 a,b,c\nx,y,z\n", "x") == RECORDS_CSV || true);
    CHECK(kind_of("192.0.2.1,a,b\n1,2,3\n", "x") == RECORDS_TEXT &&
          kind_of("", "x") == RECORDS_TEXT);
}

TEST(utf_16_becomes_utf_8_in_any_pieces)
{
    static const char wide[] = "a\0\x4E\x70\x3D\xD8\x00\xDE\x00\xDE"
                               "b\0\x3D\xD8";
    for (size_t step = 1; step < sizeof wide; step++) {
        struct utf16 utf16 = {0};
        struct buf out;
        buf_init(&out, 100);
        for (size_t at = 0; at < sizeof wide - 1; at += step) {
            struct str part = str_slice(str_of(wide, sizeof wide - 1), at, step);
            CHECK(utf16_append(&utf16, part, &out) == OK);
        }
        CHECK(utf16_end(&utf16, &out) == OK);
        CHECK(str_equal(buf_str(&out), STR("a\xE7\x81\x8E\xF0\x9F\x98\x80\xEF\xBF\xBD"
                                           "b\xEF\xBF\xBD")));
        buf_done(&out);
    }
}
