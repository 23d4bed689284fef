#include "base/buf.h"

#include <string.h>

#include "testing/testing.h"

TEST(a_buffer_stops_at_its_ceiling_and_keeps_what_it_had)
{
    struct buf buf;
    buf_init(&buf, 5);
    CHECK(buf_append(&buf, STR("abcd")) == OK);
    CHECK(buf_append(&buf, STR("ef")) == ERR_LIMIT);
    CHECK(buf_append(&buf, STR("e")) == OK);
    CHECK(str_equal(buf_str(&buf), STR("abcde")));
    buf_done(&buf);
}

TEST(long_prints_are_whole)
{
    struct buf buf;
    buf_init(&buf, 4096);
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    CHECK(buf_print(&buf, "<%s>", text) == OK);
    CHECK(buf.size == sizeof text + 1);
    CHECK(buf.data[buf.size - 1] == '>');
    buf_consume(&buf, buf.size - 1);
    CHECK(str_equal(buf_str(&buf), STR(">")));
    buf_done(&buf);
}
