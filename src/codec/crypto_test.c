#include "codec/crypto.h"

#include <string.h>

#include "testing/testing.h"

/* FIPS 180-4's own example. */
TEST(sha_256_of_abc_is_what_the_standard_says)
{
    const struct str parts[] = {STR("a"), STR(""), STR("bc")};
    struct sha256 hash = sha256_of(parts, 3);
    char text[2 * SHA256_SIZE + 1];
    CHECK(strcmp(hex_print(hash.bytes, SHA256_SIZE, text),
                 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") == 0);
    struct sha256 back;
    CHECK(hex_parse(str_from(text), back.bytes, SHA256_SIZE) == OK);
    CHECK(sha256_equal(&hash, &back));
    CHECK(hex_parse(STR("zz"), back.bytes, 1) == ERR_SYNTAX);
    CHECK(hex_parse(STR("abc"), back.bytes, 1) == ERR_SYNTAX);
}
