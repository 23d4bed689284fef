/*
 * Texts as attackers hide them: UTF-16 and base64 (RFC 4648, section 4).
 *
 * Where a text stands inside something that was encoded, the base64 depends on how many bytes stand
 * before it, modulo three.  encode_base64_at gives for each case those characters that depend on
 * the text alone: with one byte before it the first two characters are shared with that byte, with
 * two bytes the first three; at the end the characters that the next byte shares are left out.
 */

#include "detect/private.h"

#include <string.h>

#include "codec/utf8.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum err encode_base64(struct str text, struct arena *mem, struct str *ret)
{
    char *out = arena_take(mem, (text.size + 2) / 3 * 4);
    if (out == NULL) {
        return ERR_MEMORY;
    }
    size_t size = 0;
    for (size_t i = 0; i < text.size; i += 3) {
        uint32_t bits = 0;
        size_t count = text.size - i < 3 ? text.size - i : 3;
        for (size_t k = 0; k < count; k++) {
            bits |= (uint32_t)(unsigned char)text.data[i + k] << (16 - 8 * k);
        }
        for (size_t k = 0; k < 4; k++) {
            out[size++] = (char)(k <= count ? digits[bits >> (18 - 6 * k) & 63] : '=');
        }
    }
    *ret = (struct str){out, size};
    return OK;
}

enum err encode_base64_at(struct str text, unsigned offset, struct arena *mem, struct str *ret)
{
    static const size_t shared_before[] = {0, 2, 3};
    static const size_t shared_behind[] = {0, 3, 2};
    char *padded = arena_take(mem, text.size + offset);
    if (padded == NULL) {
        return ERR_MEMORY;
    }
    memset(padded, ' ', offset);
    if (text.size > 0) {
        memcpy(padded + offset, text.data, text.size);
    }
    struct str whole;
    enum err err = encode_base64(str_of(padded, text.size + offset), mem, &whole);
    if (err != OK) {
        return err;
    }
    size_t before = shared_before[offset];
    size_t behind = shared_behind[(text.size + offset) % 3];
    *ret = whole.size > before + behind ? str_slice(whole, before, whole.size - before - behind)
                                        : (struct str){0};
    return OK;
}

static uint32_t code_at(struct str text, size_t at, size_t size)
{
    static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t code = (unsigned char)text.data[at] & masks[size];
    for (size_t i = 1; i < size; i++) {
        code = code << 6 | ((unsigned char)text.data[at + i] & 0x3f);
    }
    return code;
}

enum err encode_utf16(struct str text, bool big, bool mark, struct arena *mem, struct str *ret)
{
    char *out = arena_take(mem, 2 * text.size + 2);
    if (out == NULL) {
        return ERR_MEMORY;
    }
    size_t count = 0;
    uint16_t units[2];
    size_t units_count = mark ? 1 : 0;
    units[0] = 0xfeff;
    for (size_t i = 0; i <= text.size;) {
        for (size_t k = 0; k < units_count; k++) {
            out[count++] = (char)(big ? units[k] >> 8 : units[k] & 0xff);
            out[count++] = (char)(big ? units[k] & 0xff : units[k] >> 8);
        }
        if (i == text.size) {
            break;
        }
        size_t size = utf8_sequence(str_slice(text, i, 4));
        uint32_t code = size == 0 ? 0xfffd : code_at(text, i, size);
        i += size == 0 ? 1 : size;
        units_count = code < 0x10000 ? 1 : 2;
        units[0] = (uint16_t)(code < 0x10000 ? code : 0xd800 + ((code - 0x10000) >> 10));
        units[1] = (uint16_t)(0xdc00 + ((code - 0x10000) & 0x3ff));
    }
    *ret = (struct str){out, count};
    return OK;
}
