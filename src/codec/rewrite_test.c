#include "codec/rewrite.h"

#include <string.h>

#include "testing/testing.h"

static struct str rewritten(const char *regex, const char *with, const char *text,
                            struct arena *mem)
{
    struct rewrite *rewrite;
    struct why why = {0};
    struct str result = {0};
    CHECK(rewrite_new(str_from(regex), &rewrite, &why) == OK);
    CHECK(rewrite_apply(rewrite, str_from(text), str_from(with), mem, &result) == OK);
    rewrite_free(rewrite);
    return result;
}

TEST(texts_are_rewritten_as_python_would)
{
    struct arena *mem = arena_new(1 << 20);
    CHECK(str_equal(rewritten("a+", "x", "caat a", mem), STR("cxt x")));
    CHECK(str_equal(rewritten("(\\w+)=(\\w+)", "\\2:\\1", "k=v", mem), STR("v:k")));
    CHECK(str_equal(rewritten("(?P<n>b)", "[\\g<n>]", "abc", mem), STR("a[b]c")));
    CHECK(str_equal(rewritten("b", "$1\\\\", "abc", mem), STR("a$1\\c")));
    CHECK(str_equal(rewritten("(x)?b", "<\\1>", "ab", mem), STR("a<>")));
    arena_free(mem);
}

TEST(a_match_begins_the_text_and_an_evil_expression_is_given_up)
{
    struct rewrite *rewrite;
    struct why why = {0};
    bool begins = false;
    CHECK(rewrite_new(STR("ab"), &rewrite, &why) == OK);
    CHECK(rewrite_begins(rewrite, STR("abc"), &begins) == OK && begins);
    CHECK(rewrite_begins(rewrite, STR("cab"), &begins) == OK && !begins);
    rewrite_free(rewrite);
    CHECK(rewrite_new(STR("(a+)+$"), &rewrite, &why) == OK);
    CHECK(rewrite_begins(rewrite, STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"), &begins) ==
          ERR_LIMIT);
    CHECK(rewrite_begins(rewrite, STR("\xff"), &begins) == ERR_LIMIT);
    rewrite_free(rewrite);
    CHECK(rewrite_new(STR("(a"), &rewrite, &why) == ERR_SYNTAX);
    CHECK(strstr(why.text, "'(a'") != NULL);
}
