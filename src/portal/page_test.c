#include "portal/page.h"

#include "testing/testing.h"

TEST(a_page_escapes_what_comes_from_outside_and_has_its_button_once)
{
    struct buf buf;
    struct page page = {
        .kind = PAGE_ASK,
        .language = LANGUAGE_JA,
        .client = STR("<b>\"A&B\"</b>"),
        .type = STR("no-such-type"),
        .who = STR("head"),
        .slug = STR("acme"),
        .number = 7,
        .severity = LEVEL_CRITICAL,
    };
    buf_init(&buf, 1 << 16);
    CHECK(page_print(&page, &buf) == OK);
    CHECK(str_find(buf_str(&buf), STR("&lt;b&gt;&quot;A&amp;B&quot;&lt;/b&gt;")) != STR_NONE);
    CHECK(str_find(buf_str(&buf), STR("<b>")) == STR_NONE);
    CHECK(str_find(buf_str(&buf), STR("<form method=\"post\">")) != STR_NONE);
    CHECK(str_find(buf_str(&buf), STR("確認しました")) != STR_NONE);
    CHECK(str_find(buf_str(&buf), page_style()) != STR_NONE);
    CHECK(str_find(buf_str(&buf), STR("<script")) == STR_NONE);
    for (int kind = PAGE_DONE; kind <= PAGE_GONE; kind++) {
        page.kind = (enum page_kind)kind;
        page.language = LANGUAGE_EN;
        buf_reset(&buf);
        CHECK(page_print(&page, &buf) == OK);
        CHECK(str_find(buf_str(&buf), STR("<form")) == STR_NONE);
        CHECK(str_find(buf_str(&buf), STR("href=\"/incidents/acme/7\"")) != STR_NONE);
        CHECK((str_find(buf_str(&buf), STR("no-such-type")) == STR_NONE) == (kind == PAGE_GONE));
    }
    buf_done(&buf);
}
