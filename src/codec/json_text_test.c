#include "codec/json_text.h"

#include <string.h>

#include "testing/testing.h"

static bool unescapes_to(struct str raw, struct str wanted)
{
    struct arena *mem = arena_new(4096);
    struct str got;
    bool equal = json_unescape(raw, mem, &got) == OK && str_equal(got, wanted);
    arena_free(mem);
    return equal;
}

TEST(a_byte_is_escaped_wherever_it_stands_among_plain_ones)
{
    struct buf out;
    buf_init(&out, 1 << 16);
    for (unsigned byte = 0; byte < 0x80; byte++) {
        bool odd = byte < 0x20 || byte == '"' || byte == '\\' || byte == 0x7f;
        for (size_t at = 0; at < 24; at++) {
            char text[24];
            memset(text, 'x', sizeof text);
            text[at] = (char)byte;
            buf_reset(&out);
            CHECK(json_print(&out, str_of(text, sizeof text)) == OK);
            CHECK((out.size > sizeof text + 2) == odd && (out.data[1 + at] == '\\') == odd);
        }
    }
    buf_done(&out);
}

TEST(escapes_are_undone)
{
    CHECK(unescapes_to(STR("plain"), STR("plain")));
    CHECK(unescapes_to(STR("a\\n\\\"\\\\\\/"), STR("a\n\"\\/")));
    CHECK(unescapes_to(STR("\\u706b\\u306e"), STR("火の")));
    CHECK(unescapes_to(STR("\\ud83d\\ude00"), STR("😀")));
    CHECK(unescapes_to(STR("\\ud83dx"), STR("\xEF\xBF\xBDx")));
    CHECK(!unescapes_to(STR("\\u12"), STR("")));
    CHECK(!unescapes_to(STR("\\"), STR("")));
    CHECK(!unescapes_to(STR("\\x41"), STR("A")));
}

TEST(whatever_is_printed_is_json)
{
    struct buf out;
    buf_init(&out, 1000);
    CHECK(json_print(&out, STR("a\"b\\c\n\x01\xff\xe7\x81\xab\x1b[")) == OK);
    CHECK(str_equal(buf_str(&out), STR("\"a\\\"b\\\\c\\n\\u0001\xEF\xBF\xBD火\\u001b[\"")));
    buf_done(&out);
}

TEST(nothing_that_steers_a_terminal_is_printed_as_it_is)
{
    struct buf out;
    buf_init(&out, 1000);
    CHECK(json_print(&out, STR("a\x7f\xc2\x80\xc2\x9b"
                               "31m\xc2\xa0\xc3\x9b")) == OK);
    CHECK(str_equal(buf_str(&out), STR("\"a\\u007f\\u0080\\u009b31m\xc2\xa0\xc3\x9b\"")));
    buf_done(&out);
}
