/* JSON's escapes. */

#include "codec/json_text.h"

#include <stdio.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "codec/hex.h"
#include "codec/utf8.h"
#include "codec/visible.h"

static enum err escape_undo(struct str raw, size_t *at, char *out, size_t *out_size);
static uint64_t backslashes(const char block[64]);
static bool escape_known(struct str text, size_t at);
static bool hex4(struct str raw, size_t at, uint32_t *ret);
static size_t utf8_put(uint32_t code, char *out);

enum err json_unescape(struct str raw, struct arena *mem, struct str *ret)
{
    size_t at = str_find_byte(raw, '\\');
    if (at == STR_NONE) {
        *ret = raw;
        return OK;
    }
    /* No escape is longer undone than done: six bytes give at most three. */
    char *out = arena_take(mem, raw.size);
    if (out == NULL) {
        return ERR_MEMORY;
    }
    memcpy(out, raw.data, at);
    size_t size = at;
    while (at < raw.size) {
        if (raw.data[at] != '\\') {
            out[size++] = raw.data[at++];
            continue;
        }
        enum err err = escape_undo(raw, &at, out, &size);
        if (err != OK) {
            return err;
        }
    }
    *ret = (struct str){out, size};
    return OK;
}

/*
 * Of a run of backslashes every second one is escaped, which is right in any case; left to look at
 * is the character behind a run of odd length.  Each block of 64 bytes is a word with a bit for
 * each backslash.  Adding the lowest bit of a run to the word carries into the bit behind the run;
 * runs that begin at an even place have odd length if that bit is at an odd one, and the other way
 * round.
 */
size_t json_escapes_check(struct str text)
{
    const uint64_t even = 0x5555555555555555ULL;
    uint64_t carry = 0; /* 1: the first character of the block is escaped */
    char last[64] = {0};
    for (size_t at = 0; at < text.size; at += 64) {
        const char *block = text.data + at;
        if (text.size - at < sizeof last) {
            memcpy(last, block, text.size - at);
            block = last;
        }
        uint64_t slashes = backslashes(block);
        uint64_t check = carry & ~slashes;
        slashes &= ~carry;
        uint64_t starts = slashes & ~(slashes << 1);
        uint64_t behind_odd;
        carry = __builtin_add_overflow(slashes, starts & ~even, &behind_odd);
        check |= behind_odd & ~slashes & even;
        check |= (slashes + (starts & even)) & ~slashes & ~even;
        for (; check != 0; check &= check - 1) {
            size_t escaped = at + (size_t)__builtin_ctzll(check);
            if (!escape_known(text, escaped)) {
                return escaped - 1;
            }
        }
    }
    return carry == 0 ? STR_NONE : text.size - 1;
}

/* One character that cannot go out as it is; `length` 0: a byte that is none. */
static enum err escape_print(struct buf *out, const unsigned char *b, size_t length)
{
    unsigned char c = b[0];
    if (length == 0) {
        return buf_append(out, STR("\xEF\xBF\xBD"));
    }
    if (c == '"' || c == '\\') {
        return buf_append(out, c == '"' ? STR("\\\"") : STR("\\\\"));
    }
    if (c == '\n' || c == '\t' || c == '\r') {
        return buf_append(out, c == '\n' ? STR("\\n") : c == '\t' ? STR("\\t") : STR("\\r"));
    }
    unsigned code = utf8_code(str_of((const char *)b, length));
    return code < 0x10000
               ? buf_print(out, "\\u%04x", code)
               : buf_print(out, "\\u%04x\\u%04x", 0xd7c0 + (code >> 10), 0xdc00 + (code & 0x3ff));
}

/* Whether eight bytes all go out as they are: ASCII, no control, no quote, no backslash. */
static bool eight_plain(const char *at)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t word;
    memcpy(&word, at, sizeof word);
    uint64_t quote = word ^ ones * '"';
    uint64_t slash = word ^ ones * '\\';
    uint64_t erase = word ^ ones * 0x7f;
    uint64_t odd = word | (word - ones * 0x20) | (quote - ones) | (slash - ones) | (erase - ones);
    return (odd & ones * 0x80) == 0;
}

enum err json_print(struct buf *out, struct str text)
{
    size_t size_before = out->size;
    enum err err = buf_append_byte(out, '"');
    size_t run = 0; /* bytes before `i` that can go out as they are */
    for (size_t i = 0; i < text.size && err == OK;) {
        if (text.size - i >= 8 && eight_plain(text.data + i)) {
            run += 8;
            i += 8;
            continue;
        }
        unsigned char c = (unsigned char)text.data[i];
        size_t length = c < 0x80 ? 1 : utf8_sequence(str_slice(text, i, 4));
        bool steers = length > 0 && visible_steers(str_slice(text, i, length));
        if (c != '"' && c != '\\' && !steers && length > 0) {
            run += length;
            i += length;
            continue;
        }
        err = buf_append(out, str_slice(text, i - run, run));
        run = 0;
        if (err != OK) {
            break;
        }
        err = escape_print(out, (const unsigned char *)text.data + i, length);
        i += length > 0 ? length : 1;
    }
    if (err == OK) {
        err = buf_append(out, str_slice(text, text.size - run, run));
    }
    if (err == OK) {
        err = buf_append_byte(out, '"');
    }
    if (err != OK) {
        out->size = size_before;
    }
    return err;
}

static enum err escape_undo(struct str raw, size_t *at, char *out, size_t *out_size)
{
    static const char names[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    if (*at + 1 >= raw.size) {
        return ERR_SYNTAX;
    }
    char kind = raw.data[*at + 1];
    const char *name = kind == '\0' ? NULL : strchr(names, kind);
    if (name != NULL) {
        out[(*out_size)++] = values[name - names];
        *at += 2;
        return OK;
    }
    uint32_t code;
    if (kind != 'u' || !hex4(raw, *at + 2, &code)) {
        return ERR_SYNTAX;
    }
    *at += 6;
    if (code >= 0xd800 && code <= 0xdbff) {
        uint32_t low;
        if (str_starts(str_slice(raw, *at, 2), STR("\\u")) && hex4(raw, *at + 2, &low) &&
            low >= 0xdc00 && low <= 0xdfff) {
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
            *at += 6;
        } else {
            code = 0xfffd;
        }
    } else if (code >= 0xdc00 && code <= 0xdfff) {
        code = 0xfffd;
    }
    *out_size += utf8_put(code, out + *out_size);
    return OK;
}

/* A bit for each backslash. */
#ifdef __SSE2__
static uint64_t backslashes_16(const char *part)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)part);
    return (uint64_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
}

static uint64_t backslashes(const char block[64])
{
    return backslashes_16(block) | backslashes_16(block + 16) << 16 |
           backslashes_16(block + 32) << 32 | backslashes_16(block + 48) << 48;
}
#else
static uint64_t backslashes(const char block[64])
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < 64; i++) {
        mask |= (uint64_t)(block[i] == '\\') << i;
    }
    return mask;
}
#endif

static bool escape_known(struct str text, size_t at)
{
    static const uint8_t kinds[256] = {
        ['"'] = 1, ['/'] = 1, ['b'] = 1, ['f'] = 1, ['n'] = 1, ['r'] = 1, ['t'] = 1, ['u'] = 2};
    uint32_t code;
    if (at >= text.size) {
        return false;
    }
    uint8_t kind = kinds[(unsigned char)text.data[at]];
    return kind == 1 || (kind == 2 && hex4(text, at + 1, &code));
}

static bool hex4(struct str raw, size_t at, uint32_t *ret)
{
    struct str digits = str_slice(raw, at, 4);
    uint32_t value = 0;
    for (size_t i = 0; i < digits.size; i++) {
        int digit = hex_digit(digits.data[i]);
        if (digit < 0) {
            return false;
        }
        value = value << 4 | (uint32_t)digit;
    }
    *ret = value;
    return digits.size == 4;
}

static size_t utf8_put(uint32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}
