#include "codec/password.h"

#include <string.h>

#include "testing/testing.h"

TEST(a_password_matches_its_own_hash_and_no_other)
{
    char first[PASSWORD_HASH_SIZE], second[PASSWORD_HASH_SIZE];
    struct str password = STR("correct horse \xe9\xa6\xac");
    CHECK(password_hash(password, first) == OK && password_hash(password, second) == OK);
    CHECK(strcmp(first, second) != 0);
    CHECK(str_starts(str_from(first), STR(PASSWORD_HASH_HEAD)));
    CHECK(password_hash_valid(str_from(first)));
    CHECK(password_matches(password, str_from(first)));
    CHECK(!password_matches(STR("correct horse"), str_from(first)));
    CHECK(!password_matches((struct str){0}, str_from(first)));
    first[strlen(first) - 2] ^= 1;
    CHECK(!password_matches(password, str_from(first)));
}

TEST(a_text_that_is_no_hash_of_ours_matches_nothing)
{
    static const char *const texts[] = {
        "",
        "$argon2id$v=19$m=65536,t=3,p=1$",
        "$argon2id$v=19$m=65536,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=4194304,t=9,p=1$AAAAAAAAAAAAAAAAAAAAA$"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=65536,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA!"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=65536,t=3,p=1$AAAAAAAAAAAAAAAAAAAA A$"
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        CHECK(!password_hash_valid(str_from(texts[i])));
        CHECK(!password_matches(STR(""), str_from(texts[i])));
    }
}
