#include "codec/utf16.h"

#include <stdlib.h>
#include <string.h>

#include "testing/testing.h"

static void is(const uint16_t *units, size_t count, const char *expected)
{
    /* At an odd address, too. */
    char bytes[256];
    char *to = malloc(UTF16_JSON_UNIT_MAX * count + 16);
    CHECK(to != NULL && 2 * count < sizeof bytes);
    memcpy(bytes + 1, units, 2 * count);
    struct str text = str_of(to, (size_t)(utf16_json(to, bytes + 1, count) - to));
    CHECK(str_equal(text, str_from(expected)));
    free(to);
}

TEST(units_become_utf8_with_the_escapes_of_json)
{
    static const uint16_t units[] = {'a',   '"',   '\\',   '\n',   0x1f,   0,      0x7f, 0x80,
                                     0x7ff, 0x800, 0x706b, 0xffff, 0xd83d, 0xde00, '/'};
    is(units, sizeof units / sizeof units[0],
       "a\\\"\\\\\\n\\u001f\\u0000\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xe7\x81\xab\xef\xbf\xbf"
       "\xf0\x9f\x98\x80/");
    is(units, 0, "");
}

TEST(lone_surrogates_become_the_replacement_character)
{
    is((const uint16_t[]){0xd800}, 1, "\xef\xbf\xbd");
    is((const uint16_t[]){0xdc00, 'a'}, 2,
       "\xef\xbf\xbd"
       "a");
    is((const uint16_t[]){0xd800, 0xd800, 0xdc00}, 3, "\xef\xbf\xbd\xf0\x90\x80\x80");
}

TEST(an_odd_unit_is_found_at_every_place_of_a_vector)
{
    static const uint16_t odd[] = {'"', '\\', 0x1f, 0x80, 0x0100, 0x2022, 0xff5c, 0x5c22};
    static const char *const texts[] = {"\\\"",     "\\\\",         "\\u001f",      "\xc2\x80",
                                        "\xc4\x80", "\xe2\x80\xa2", "\xef\xbd\x9c", "\xe5\xb0\xa2"};
    for (size_t which = 0; which < sizeof odd / sizeof odd[0]; which++) {
        for (size_t size = 1; size < 40; size++) {
            for (size_t at = 0; at < size; at++) {
                uint16_t units[40];
                char expected[80] = "";
                for (size_t i = 0; i < size; i++) {
                    units[i] = i == at ? odd[which] : (uint16_t)('a' + i % 26);
                    char letter[2] = {(char)('a' + i % 26), 0};
                    size_t used = strlen(expected);
                    const char *part = i == at ? texts[which] : letter;
                    memcpy(expected + used, part, strlen(part) + 1);
                }
                is(units, size, expected);
            }
        }
    }
}
