#include "base/str.h"

#include "testing/testing.h"

TEST(the_zero_value_is_the_empty_text)
{
    struct str none = {0};
    CHECK(str_equal(none, STR("")));
    CHECK(str_find(none, STR("a")) == STR_NONE);
    CHECK(str_find_byte(none, 'a') == STR_NONE);
    CHECK(str_compare(none, STR("a")) < 0);
    CHECK(str_trim(none).size == 0);
    CHECK(str_starts(STR("a"), none));
}

TEST(a_cut_leaves_the_rest)
{
    struct str rest = STR("a:b::c");
    CHECK(str_equal(str_cut(&rest, ':'), STR("a")));
    CHECK(str_equal(str_cut(&rest, ':'), STR("b")));
    CHECK(str_equal(str_cut(&rest, ':'), STR("")));
    CHECK(str_equal(str_cut(&rest, ':'), STR("c")));
    CHECK(rest.size == 0);
}

TEST(numbers_are_checked_to_the_last_digit)
{
    uint64_t value = 7;
    CHECK(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &value) == OK);
    CHECK(value == UINT64_MAX);
    CHECK(str_to_u64(STR("18446744073709551616"), UINT64_MAX, &value) == ERR_LIMIT);
    CHECK(str_to_u64(STR("100"), 99, &value) == ERR_LIMIT);
    CHECK(str_to_u64(STR("-1"), UINT64_MAX, &value) == ERR_SYNTAX);
    CHECK(str_to_u64(STR(""), UINT64_MAX, &value) == ERR_SYNTAX);
    CHECK(value == UINT64_MAX);
}

TEST(case_folds_in_ascii_only)
{
    CHECK(str_equal_nocase(STR("AbC-1"), STR("aBc-1")));
    CHECK(!str_equal_nocase(STR("a"), STR("ab")));
    CHECK(!str_equal_nocase(STR("["), STR("{")));
}

TEST(a_slug_is_short_and_safe_to_type)
{
    const struct str longest =
        STR("abcdefghijklmnopqrstuvwxyz-0123456789-abcdefghijklmnopqrstuvwxy");
    CHECK(longest.size == 63 && str_is_slug(longest));
    CHECK(str_is_slug(STR("a")) && str_is_slug(STR("0")) && str_is_slug(STR("web-1")));
    CHECK(!str_is_slug(STR("")) && !str_is_slug(STR("-a")) && !str_is_slug(STR("Web")));
    CHECK(!str_is_slug(STR("a b")) && !str_is_slug(STR("a.b")) && !str_is_slug(STR("a\0b")));
    CHECK(!str_is_slug(STR("abcdefghijklmnopqrstuvwxyz-0123456789-abcdefghijklmnopqrstuvwxyz")));
}
