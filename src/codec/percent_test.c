#include "codec/percent.h"

#include "testing/testing.h"

static bool reads(struct str text, bool plus_is_blank, struct str expected)
{
    struct arena *mem = arena_new(4096);
    struct str ret;
    bool same = percent_decode(text, plus_is_blank, mem, &ret) == OK && str_equal(ret, expected);
    arena_free(mem);
    return same;
}

TEST(escapes_become_bytes_and_the_rest_stays)
{
    CHECK(reads(STR(""), false, STR("")));
    CHECK(reads(STR("a%2Fb%2fc+d"), false, STR("a/b/c+d")));
    CHECK(reads(STR("a+%2B"), true, STR("a +")));
    CHECK(reads(STR("%E7%81%ab"), false, STR("\xe7\x81\xab")));
}

TEST(a_broken_escape_and_what_nobody_types_is_refused)
{
    static const char *const texts[] = {"%",   "%4",  "a%",  "%4g", "%g4", "%%41",
                                        "%00", "%1f", "%7F", "\n",  "%-1"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct arena *mem = arena_new(4096);
        struct str ret;
        CHECK(percent_decode(str_from(texts[i]), true, mem, &ret) == ERR_SYNTAX);
        arena_free(mem);
    }
}
