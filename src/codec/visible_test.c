/* What anybody wrote, on a screen. */

#include "codec/visible.h"

#include "codec/json_text.h"
#include "testing/testing.h"

static bool shows(struct str text, const char *as)
{
    struct buf out;
    buf_init(&out, 1000);
    bool same = visible_append(&out, text) == OK && str_equal(buf_str(&out), str_from(as));
    buf_done(&out);
    return same;
}

TEST(what_steers_a_terminal_or_turns_text_is_made_visible)
{
    CHECK(shows(STR("a\x1b[2J\x7f\xc2\x9b"
                    "31m\n"),
                "a\\x1b[2J\\x7f\\xc2\\x9b31m\\x0a"));
    CHECK(
        shows(STR("\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f"), "\\xd8\\x9c\\xe2\\x80\\x8e\\xe2\\x80\\x8f"));
    CHECK(shows(STR("\xe2\x80\xa8\xe2\x80\xae\xe2\x81\xa9"),
                "\\xe2\\x80\\xa8\\xe2\\x80\\xae\\xe2\\x81\\xa9"));
    CHECK(shows(STR("\xef\xbb\xbf\xef\xbf\xb9\xf3\xa0\x81\xa1"),
                "\\xef\\xbb\\xbf\\xef\\xbf\\xb9\\xf3\\xa0\\x81\\xa1"));
}

TEST(what_is_only_read_is_shown_as_it_is)
{
    CHECK(shows(STR("火の見 börje \xf0\x9f\x94\xa5 \xe2\x80\x8d \xe2\x80\x94"),
                "火の見 börje \xf0\x9f\x94\xa5 \xe2\x80\x8d \xe2\x80\x94"));
    CHECK(shows(STR("\xff\xe7\x81"), "\\xff\\xe7\\x81"));
    CHECK(shows(STR(""), ""));
}

TEST(the_same_characters_are_escapes_in_json)
{
    struct buf out;
    buf_init(&out, 1000);
    CHECK(json_print(&out, STR("\xd8\x9c\xe2\x80\x8f\xe2\x80\xa9\xef\xbb\xbf\xf3\xa0\x81\xa1火")) ==
          OK);
    CHECK(str_equal(buf_str(&out), STR("\"\\u061c\\u200f\\u2029\\ufeff\\udb40\\udc61火\"")));
    buf_done(&out);
}
