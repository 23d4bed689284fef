/* What a regular expression costs is known before it is compiled. */

#include <string.h>

#include "match/private.h"
#include "testing/testing.h"

/* 0: it is refused. */
static uint64_t weight(const char *regex)
{
    uint64_t sum = 0;
    return regex_weigh(str_from(regex), &sum, NULL) == OK ? sum : 0;
}

TEST(repeats_multiply_what_they_repeat)
{
    CHECK(weight("abc") == 3 && weight("a*b+?[]x-]\\d") == 4);
    CHECK(weight("a{7}") == 7 && weight("a{2,5}?b") == 6 && weight("a{4,}") == 5);
    CHECK(weight("[[:alpha:])]{9}") == 9 && weight("\\[{3}") == 3);
    CHECK(weight("(a[b)]{3}){5}") == 25 && weight("((ab){2}){3}") >= 12);
    CHECK(weight("\\Q)\\E(ab){9}") >= 18 && weight("((?#)a){9}") >= 9);
    CHECK(weight("a{,3}{x}") > 0 && weight("a))b") > 0 && weight("((a") > 0);
}

TEST(what_would_take_forever_to_compile_is_refused)
{
    char deep[400] = "";
    CHECK(weight("(([a-f]{1,99}x){1,99}y){1,9}") == 0);
    CHECK(weight("(?:a{1000}){1000}") == 0 && weight("a{65535}") == 0);
    CHECK(weight("(?ix)(a)") == 0);
    for (size_t i = 0; i < 30; i++) {
        memcpy(deep + i, "(", 2);
    }
    for (size_t i = 0; i < 30; i++) {
        memcpy(deep + 30 + 4 * i, "*a)b", 5);
    }
    CHECK(weight(deep) == 0);
}

TEST(a_matcher_may_be_told_what_all_its_expressions_may_cost)
{
    struct patterns *patterns = patterns_new();
    struct why why = {0};
    size_t index;
    CHECK(patterns != NULL);
    patterns_limit(patterns, 200);
    CHECK(patterns_add(patterns, STR("a{99}b"), 0, &index, &why) == OK);
    CHECK(patterns_add(patterns, STR("a"), 0, &index, &why) == ERR_LIMIT && why.text[0] != '\0');
    patterns_free(patterns);
}
