/* RFC 4648, section 10, and what is none. */

#include "codec/base64.h"

#include "testing/testing.h"

TEST(the_texts_of_the_standard_read_and_print_as_it_says)
{
    static const struct str cases[][2] = {
        {{"", 0}, {"", 0}},
        {{"f", 1}, {"Zg==", 4}},
        {{"fo", 2}, {"Zm8=", 4}},
        {{"foo", 3}, {"Zm9v", 4}},
        {{"foob", 4}, {"Zm9vYg==", 8}},
        {{"fooba", 5}, {"Zm9vYmE=", 8}},
        {{"foobar", 6}, {"Zm9vYmFy", 8}},
        {{"\0\xff\xfe", 3}, {"AP/+", 4}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char bytes[16];
        struct str plain;
        struct buf out;
        buf_init(&out, 64);
        CHECK(base64_append(&out, cases[i][0]) == OK);
        CHECK(str_equal(buf_str(&out), cases[i][1]));
        CHECK(base64_decode(cases[i][1], bytes, sizeof bytes, &plain) == OK);
        CHECK(str_equal(plain, cases[i][0]));
        buf_done(&out);
    }
}

TEST(what_is_no_base64_or_does_not_fit_is_refused)
{
    char bytes[3];
    struct str plain;
    CHECK(base64_decode(STR("Zm9vYg=="), bytes, 3, &plain) == ERR_LIMIT);
    CHECK(base64_decode(STR("Zm9v!"), bytes, 3, &plain) == ERR_SYNTAX);
    CHECK(base64_decode(STR("Z"), bytes, 3, &plain) == ERR_SYNTAX);
    CHECK(base64_decode(STR("Z==="), bytes, 3, &plain) == ERR_SYNTAX);
    CHECK(base64_decode(STR("Zg="), bytes, 3, &plain) == ERR_SYNTAX); /* padded by half */
    CHECK(base64_decode(STR("Zm8=="), bytes, 3, &plain) == ERR_SYNTAX);
    CHECK(base64_decode(STR("Zm9v="), bytes, 3, &plain) == ERR_SYNTAX);
    CHECK(base64_decode(STR("="), bytes, 3, &plain) == ERR_SYNTAX);
    CHECK(base64_decode(STR("Zg"), bytes, 3, &plain) == OK && str_equal(plain, STR("f")));
}
