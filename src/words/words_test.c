#include "testing/testing.h"
#include "words/words.h"

TEST(every_word_has_both_languages_and_is_found_by_its_key)
{
    enum word found;
    for (int i = 0; i < WORD_COUNT; i++) {
        CHECK(words_find(words_key((enum word)i), &found) && found == (enum word)i);
        CHECK(words_text((enum word)i, LANGUAGE_JA).size > 0);
        CHECK(words_text((enum word)i, LANGUAGE_EN).size > 0);
    }
    CHECK(!words_find(STR("no.such.key"), &found));
    CHECK(!words_find(STR(""), &found));
}

/* The placeholders of a text, joined in the order of the alphabet is the generator's business; here
 * each name of one language must occur in the other. */
static bool names_within(struct str text, struct str other)
{
    while (str_find_byte(text, '{') != STR_NONE) {
        (void)str_cut(&text, '{');
        struct str name = str_cut(&text, '}');
        if (str_find(other, str_of(name.data - 1, name.size + 2)) == STR_NONE) {
            return false;
        }
    }
    return true;
}

TEST(both_languages_of_a_word_have_the_same_placeholders)
{
    for (int i = 0; i < WORD_COUNT; i++) {
        struct str ja = words_text((enum word)i, LANGUAGE_JA);
        struct str en = words_text((enum word)i, LANGUAGE_EN);
        CHECK(names_within(ja, en) && names_within(en, ja));
    }
}

TEST(placeholders_are_filled_and_a_missing_value_is_an_error)
{
    struct buf out;
    buf_init(&out, 200);
    const struct words_value values[] = {{"from", STR("web-1")}, {"to", STR("{x}")}};
    CHECK(words_print(&out, LANGUAGE_EN, WORD_TEST_ARROW, values, 2) == OK);
    CHECK(str_equal(buf_str(&out), STR("from web-1 to {x}")));
    CHECK(words_print(&out, LANGUAGE_JA, WORD_TEST_ARROW, values, 1) == ERR_NOT_FOUND);
    CHECK(str_equal(buf_str(&out), STR("from web-1 to {x}")));
    buf_done(&out);
}
