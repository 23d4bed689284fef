/*
 * Case folding: the door to ICU.
 *
 * Simple folding (Unicode's CaseFolding.txt, C and S) takes one character to one character, so that
 * a ? stands for the same character before and after.  A character may need one byte more than
 * before (U+023A, two bytes, folds to three), never more than half again.
 *
 * Logs are ASCII nearly always, and half of their values have no capital: those are lent out as
 * they stand.
 */

#include "match/private.h"

#include <string.h>

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include "codec/json_text.h"

static size_t fold_wide(struct str text, char *out);

enum err fold_text(struct str text, struct arena *mem, struct str *ret)
{
    bool capitals = false;
    unsigned char seen = 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        seen |= c;
        capitals |= (unsigned char)(c - 'A') < 26;
    }
    bool wide = (seen & 0x80) != 0;
    if (!capitals && !wide) {
        *ret = text;
        return OK;
    }
    char *out = arena_take(mem, wide ? text.size + text.size / 2 + 4 : text.size);
    if (out == NULL) {
        return ERR_MEMORY;
    }
    size_t size = text.size;
    if (wide) {
        size = fold_wide(text, out);
    } else {
        for (size_t i = 0; i < text.size; i++) {
            bool capital = text.data[i] >= 'A' && text.data[i] <= 'Z';
            out[i] = (char)(capital ? text.data[i] + ('a' - 'A') : text.data[i]);
        }
    }
    *ret = (struct str){out, size};
    return OK;
}

static size_t fold_wide(struct str text, char *out)
{
    size_t size = 0;
    for (size_t i = 0; i < text.size;) {
        size_t length = utf8_sequence(str_slice(text, i, 4));
        if (length == 0) {
            out[size++] = text.data[i++];
            continue;
        }
        int32_t at = 0;
        UChar32 c;
        U8_NEXT((const uint8_t *)text.data + i, at, (int32_t)length, c);
        c = u_foldCase(c, U_FOLD_CASE_DEFAULT);
        int32_t put = 0;
        uint8_t bytes[4];
        U8_APPEND_UNSAFE(bytes, put, (uint32_t)c);
        memcpy(out + size, bytes, (size_t)put);
        size += (size_t)put;
        i += length;
    }
    return size;
}
