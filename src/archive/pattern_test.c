/*
 * Patterns: what one pattern is said to fit, it prints byte for byte, digits or not.
 */

#include "archive/block_making.h"

#include <stdio.h>
#include <string.h>

#include "testing/testing.h"

#define ENTRIES  100u
#define TEXT_MAX 64u

struct sample {
    char text[ENTRIES * TEXT_MAX];
    struct entry list[ENTRIES];
    uint32_t count, size;
};

static void texts_add(struct sample *texts, const char *text, size_t size)
{
    CHECK(size <= TEXT_MAX && texts->count < ENTRIES);
    memcpy(texts->text + texts->size, text, size);
    texts->list[texts->count] = (struct entry){texts->size, (uint32_t)size, texts->count};
    texts->size += (uint32_t)size;
    texts->count++;
}

/* Whether one pattern fits all; if so, it prints all. */
static bool fits(const struct sample *texts)
{
    const struct texts_view view = {texts->text, texts->list, texts->count};
    struct arena *mem = arena_new(1 << 20);
    struct column_pattern pattern;
    struct column_pattern taken;
    int64_t *numbers;
    bool found;
    struct buf head;
    buf_init(&head, 1 << 16);
    CHECK(mem != NULL);
    CHECK(pattern_find(&view, mem, &found, &pattern, &numbers) == OK);
    if (found) {
        CHECK(pattern_put(&head, &pattern) == OK);
        struct str bytes = buf_str(&head);
        CHECK(pattern_take(&bytes, &taken) == OK && bytes.size == 0);
    }
    for (uint32_t i = 0; found && i < texts->count; i++) {
        int64_t of[PATTERN_NUMBERS_MAX];
        char printed[PATTERN_PRINTED_MAX];
        for (uint32_t k = 0; k < pattern.numbers_count; k++) {
            of[k] = numbers[(size_t)k * texts->count + i];
        }
        size_t size = pattern_print(&taken, of, printed);
        CHECK(str_equal(str_of(printed, size), view_at(&view, i)));
    }
    buf_done(&head);
    arena_free(mem);
    return found;
}

static uint64_t roll(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* ENTRIES texts of so many digits between two letters. */
static void texts_make(struct sample *texts, uint64_t *dice, size_t digits, const char *names,
                       unsigned base)
{
    texts->count = texts->size = 0;
    for (uint32_t i = 0; i < ENTRIES; i++) {
        char text[TEXT_MAX];
        text[0] = 'x';
        for (size_t k = 1; k <= digits; k++) {
            text[k] = names[roll(dice) % base];
        }
        text[digits + 1] = 'y';
        texts_add(texts, text, digits + 2);
    }
}

TEST(digits_of_any_number_come_back)
{
    struct sample texts;
    uint64_t dice = 99;
    for (size_t digits = 1; digits <= 40; digits++) {
        texts_make(&texts, &dice, digits, "0123456789", 10);
        CHECK(fits(&texts));
        texts_make(&texts, &dice, digits, "0123456789abcdef", 16);
        CHECK(fits(&texts));
        texts_make(&texts, &dice, digits, "0123456789ABCDEF", 16);
        CHECK(fits(&texts));
    }
}

TEST(numbers_of_any_length_come_back)
{
    struct sample texts;
    uint64_t dice = 7;
    for (unsigned round = 0; round < 100; round++) {
        bool hex = round % 2 == 1;
        texts.count = texts.size = 0;
        for (uint32_t i = 0; i < ENTRIES; i++) {
            char text[TEXT_MAX];
            /* at most 18 decimal digits: below 2^59 */
            uint64_t value = roll(&dice) >> (hex ? roll(&dice) % 64 : 5 + roll(&dice) % 59);
            int size =
                snprintf(text, sizeof text, hex ? "0x%llx" : "n=%llu;", (unsigned long long)value);
            texts_add(&texts, text, (size_t)size);
        }
        CHECK(fits(&texts));
    }
}

TEST(what_is_next_to_a_digit_is_none)
{
    static const char near[] = "/:@AFGZ`afgz \x00\x10\x1f\x2f\x7f\x80\xb0\xb9\xe1\xff";
    struct sample texts;
    uint64_t dice = 5;
    const char *const names[] = {"0123456789", "0123456789abcdef", "0123456789ABCDEF"};
    const unsigned bases[] = {10, 16, 16};
    for (unsigned kind = 0; kind < 3; kind++) {
        for (size_t at = 1; at <= 18; at++) {
            for (size_t k = 0; k + 1 < sizeof near; k++) {
                texts_make(&texts, &dice, 18, names[kind], bases[kind]);
                /* No sample looks at it. */
                texts.text[texts.list[51].offset + at] = near[k];
                bool digit = near[k] != 0 && strchr(names[kind], near[k]) != NULL;
                bool more = kind == 0 && near[k] != 0 && strchr("abcdefABCDEF", near[k]) != NULL;
                bool found = fits(&texts);
                CHECK(found || !digit);
                CHECK(!found || digit || more);
            }
        }
    }
}
