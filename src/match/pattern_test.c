#include "match/private.h"

#include "testing/testing.h"

static bool fits(const char *pattern_source, bool dashes, bool cased, const char *value)
{
    struct arena *mem = arena_new(1 << 20);
    struct pattern pattern;
    struct text_test test;
    struct str text = str_from(value);
    CHECK(pattern_parse(str_from(pattern_source), mem, &pattern) == OK);
    CHECK(!dashes || pattern_windash(&pattern, mem) == OK);
    CHECK(text_test_make(&pattern, cased ? NULL : fold_text, mem, &test) == OK);
    CHECK(cased || fold_text(text, mem, &text) == OK);
    bool result = text_test_fits(&test, text);
    arena_free(mem);
    return result;
}

TEST(a_pattern_without_stars_fits_the_whole_value_only)
{
    CHECK(fits("whoami", false, false, "WhoAmI"));
    CHECK(!fits("whoami", false, false, "whoami "));
    CHECK(!fits("whoami", false, true, "WhoAmI"));
    CHECK(fits("", false, false, ""));
    CHECK(!fits("", false, false, "x"));
}

TEST(stars_take_any_number_of_characters)
{
    CHECK(fits("*", false, false, ""));
    CHECK(fits("a*c", false, false, "ac"));
    CHECK(fits("a*c", false, false, "abbbc"));
    CHECK(!fits("a*c", false, false, "abbbcd"));
    CHECK(fits("*ab*ab*", false, false, "xxabyabz"));
    CHECK(!fits("*ab*ab*", false, false, "xxabyaz"));
    CHECK(fits("*aab", false, false, "aaaab"));
    CHECK(fits("a*a*a", false, false, "aaa"));
    CHECK(!fits("a*a*a", false, false, "aa"));
}

TEST(a_question_mark_is_one_character_however_many_bytes_it_has)
{
    CHECK(fits("a?c", false, false, "abc"));
    CHECK(fits("a?c", false, false, "a火c"));
    CHECK(!fits("a??c", false, false, "a火c"));
    CHECK(fits("a?c", false, false,
               "a\xff"
               "c"));
    CHECK(!fits("a?c", false, false, "ac"));
    CHECK(fits("*?c", false, false, "xbc"));
    CHECK(!fits("*?c", false, false, "c"));
    CHECK(fits("*x?z*", false, false, "xxxxyz!"));
}

TEST(a_backslash_escapes_only_wildcards_and_itself)
{
    CHECK(fits("C:\\Windows\\*", false, false, "c:\\windows*"));
    CHECK(fits("C:\\Windows\\\\*", false, false, "c:\\windows\\system32"));
    CHECK(fits("C:\\Windows", false, false, "c:\\windows"));
    CHECK(fits("what\\?", false, false, "what?"));
    CHECK(!fits("what\\?", false, false, "whats"));
    CHECK(fits("end\\", false, false, "end\\"));
}

TEST(a_dash_stands_for_every_sign_of_an_option)
{
    CHECK(fits("*cmd -enc /x*", true, false, "CMD /ENC -X"));
    CHECK(fits("*cmd -enc*", true, false,
               "cmd \xE2\x80\x93"
               "enc"));
    CHECK(fits("*well-known*", true, false, "well-known"));
    CHECK(!fits("*well-known*", true, false, "well/known"));
}

TEST(case_folds_beyond_ascii_and_leaves_broken_bytes_alone)
{
    CHECK(fits("*straße*", false, false, "DIE STRAßE"));
    CHECK(fits("ÄÖÜ", false, false, "äöü"));
    CHECK(fits("Ⱥx", false, false, "ⱥX"));
    CHECK(fits("ＡＢＣ", false, false, "ａｂｃ"));
    CHECK(fits("\xff"
               "A",
               false, false,
               "\xff"
               "a"));
    CHECK(!fits("ÄÖÜ", false, true, "äöü"));
}

TEST(numbers_are_decimal_and_whole_ones_exact)
{
    struct number a;
    struct number b;
    CHECK(number_parse(STR("9007199254740993"), &a) == OK);
    CHECK(number_parse(STR("9007199254740992"), &b) == OK);
    CHECK(number_compare(&a, &b) > 0);
    CHECK(number_parse(STR("-1.5e1"), &a) == OK);
    CHECK(number_compare(&a, &b) < 0);
    CHECK(number_parse(STR("0x10"), &a) == ERR_SYNTAX);
    CHECK(number_parse(STR("nan"), &a) == ERR_SYNTAX);
    CHECK(number_parse(STR(""), &a) == ERR_SYNTAX);
    CHECK(number_parse(STR("1 "), &a) == ERR_SYNTAX);
}
