/*
 * Where a JSON object ends, by its brackets.
 *
 * Whether it is JSON at all is for the parser to say.  A line end inside a string, or an object
 * that begins where no value may stand, ends a broken object there.
 *
 * Most bytes stand in strings; their insides are passed over eight at a time.
 */

#include "replay/private.h"

#include <string.h>

#define ONES  0x0101010101010101ULL
#define HIGHS 0x8080808080808080ULL

/* The high bit of the first byte of `word` that is c, and perhaps of some behind it. */
static uint64_t byte_marks(uint64_t word, char c)
{
    uint64_t same = word ^ (ONES * (unsigned char)c);
    return (same - ONES) & ~same & HIGHS;
}

/* From `at` within a string to its first quote, backslash or line end. */
static size_t inside_skip(struct str text, size_t at)
{
    for (; at + 8 <= text.size; at += 8) {
        uint64_t word;
        memcpy(&word, text.data + at, sizeof word);
        if ((byte_marks(word, '"') | byte_marks(word, '\\') | byte_marks(word, '\n')) != 0) {
            break;
        }
    }
    while (at < text.size && text.data[at] != '"' && text.data[at] != '\\' &&
           text.data[at] != '\n') {
        at++;
    }
    return at;
}

/* Behind the quote that ends a string whose inside begins at `at`; *ret_broken: at a line end. */
static size_t string_skip(struct str text, size_t at, bool *ret_broken)
{
    for (;;) {
        at = inside_skip(text, at);
        if (at >= text.size || text.data[at] == '"') {
            return at + 1;
        }
        if (text.data[at] == '\n') {
            *ret_broken = true;
            return at;
        }
        at += 2;
    }
}

size_t object_size(struct str text)
{
    size_t depth = 0;
    bool broken = false;
    char before = ':'; /* the last character that means something */
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '"') {
            i = string_skip(text, i + 1, &broken);
            if (broken) {
                return i;
            }
            i--;
        } else if (c == '{' || c == '[') {
            if (before != ':' && before != ',' && before != '[' && before != '{') {
                return i;
            }
            depth++;
        } else if (c == '}' || c == ']') {
            if (--depth == 0) {
                return i + 1;
            }
        }
        before = c == ' ' || c == '\t' || c == '\r' || c == '\n' ? before : c;
    }
    return STR_NONE;
}
