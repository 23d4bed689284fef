/*
 * UTF-16 into JSON text.
 *
 * Nearly all that Windows logs is ASCII without quotes and backslashes, or paths, which are full of
 * the latter.  So sixteen units at a time are looked at: if all are plain, they are narrowed in one
 * step; otherwise the plain ones up to the first that is not are kept, that one is written by hand,
 * and the next sixteen begin behind it.  The vectors are the compiler's own (GCC and clang), for
 * whatever machine there is.
 *
 * Always true: a step of sixteen writes sixteen bytes, of which the last may be rubbish that the
 * next step overwrites; hence the 16 bytes of room behind the text.
 */

#include "codec/utf16.h"

#include <string.h>

#define UNITS_AT_ONCE 16

typedef uint16_t units_type __attribute__((vector_size(2 * UNITS_AT_ONCE)));
typedef uint8_t bytes_type __attribute__((vector_size(UNITS_AT_ONCE)));
typedef uint64_t halves_type __attribute__((vector_size(UNITS_AT_ONCE)));

static uint16_t unit_at(const unsigned char *from)
{
    return (uint16_t)(from[0] | from[1] << 8);
}

/* Writes sixteen units as bytes and returns how many of the first are plain. */
static size_t plain_write(char *to, const unsigned char *from)
{
    units_type units;
    memcpy(&units, from, sizeof units);
    units_type odd = (units_type)(units - 0x20 > 0x5f) | (units_type)(units == '"') |
                     (units_type)(units == '\\');
    bytes_type bytes = __builtin_convertvector(units, bytes_type);
    halves_type odd_bytes = (halves_type) __builtin_convertvector(odd, bytes_type);
    memcpy(to, &bytes, sizeof bytes);
    if (odd_bytes[0] != 0) {
        return (size_t)__builtin_ctzll(odd_bytes[0]) / 8;
    }
    return odd_bytes[1] != 0 ? 8 + (size_t)__builtin_ctzll(odd_bytes[1]) / 8 : UNITS_AT_ONCE;
}

static char *escape_write(char *to, uint32_t point)
{
    static const char hex[] = "0123456789abcdef";
    static const char letters[32] = {
        ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
    *to++ = '\\';
    if (point == '"' || point == '\\') {
        *to++ = (char)point;
    } else if (letters[point] != 0) {
        *to++ = letters[point];
    } else {
        memcpy(to, "u00", 3);
        to[3] = hex[point >> 4];
        to[4] = hex[point & 15];
        to += 5;
    }
    return to;
}

char *utf16_json_point(char *to, uint32_t point)
{
    if (point < 0x20 || point == '"' || point == '\\') {
        return escape_write(to, point);
    }
    if (point < 0x80) {
        *to++ = (char)point;
        return to;
    }
    if (point < 0x800) {
        *to++ = (char)(0xc0 | point >> 6);
        *to++ = (char)(0x80 | (point & 0x3f));
        return to;
    }
    if ((point >= 0xd800 && point < 0xe000) || point > 0x10ffff) {
        point = 0xfffd;
    }
    if (point < 0x10000) {
        *to++ = (char)(0xe0 | point >> 12);
    } else {
        *to++ = (char)(0xf0 | point >> 18);
        *to++ = (char)(0x80 | (point >> 12 & 0x3f));
    }
    *to++ = (char)(0x80 | (point >> 6 & 0x3f));
    *to++ = (char)(0x80 | (point & 0x3f));
    return to;
}

/* One code point from one or two units; *ret_units says from how many. */
static uint32_t point_read(const unsigned char *from, size_t units, size_t *ret_units)
{
    uint32_t first = unit_at(from);
    *ret_units = 1;
    if (first >= 0xd800 && first < 0xdc00 && units > 1) {
        uint32_t second = unit_at(from + 2);
        if (second >= 0xdc00 && second < 0xe000) {
            *ret_units = 2;
            return 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        }
    }
    return first;
}

char *utf16_json(char *to, const void *from, size_t units)
{
    const unsigned char *at = from;
    while (units > 0) {
        size_t used = 0;
        if (units >= UNITS_AT_ONCE) {
            used = plain_write(to, at);
            to += used;
            at += 2 * used;
            units -= used;
            if (used == UNITS_AT_ONCE) {
                continue;
            }
        }
        uint32_t point = point_read(at, units, &used);
        to = utf16_json_point(to, point);
        at += 2 * used;
        units -= used;
    }
    return to;
}
