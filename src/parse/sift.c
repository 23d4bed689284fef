/*
 * Many literals in one go over a text.
 *
 * Four bytes are looked at, SIFT_STRIDE apart: a literal with at least three bytes more than the
 * stride holds one such look, wherever it lies.  A bit for each hash of four bytes tells whether
 * any literal has them; only then are literals compared.  The looks do not wait for each other, so
 * that a text of 300 bytes costs some 75 of them.
 *
 *     text     …  x  d  e  v  n  a  m  e  =  …
 *     looks      |x  d  e  v| n  a  m  e|        "devname=" has "name" at 3
 */

#include <endian.h>
#include <string.h>

#include "parse/private.h"

static size_t gram_hash(uint32_t bytes)
{
    return (bytes * 2654435761u) >> (32 - SIFT_BITS);
}

static bool gram_known(size_t hash)
{
    return (parse_gram_bits[hash / 64] >> hash % 64 & 1) != 0;
}

static bool is_listed(const uint16_t *list, size_t count, uint16_t mark)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i] == mark) {
            return true;
        }
    }
    return false;
}

static bool contained_fits(const struct contained *contained, struct str text)
{
    if (text.size < contained->text.size) {
        return false;
    }
    const char *from = text.data + contained->rare;
    const char *end = from + (text.size - contained->text.size) + 1;
    while ((from = memchr(from, contained->text.data[contained->rare], (size_t)(end - from))) !=
           NULL) {
        if (memcmp(from - contained->rare, contained->text.data, contained->text.size) == 0) {
            return true;
        }
        if (++from == end) {
            break;
        }
    }
    return false;
}

bool contains_fit(const struct contained *contains, size_t count, struct str text)
{
    for (size_t i = 0; i < count; i++) {
        if (!contained_fits(&contains[i], text)) {
            return false;
        }
    }
    return true;
}

/* The literals that have the four bytes at that place. */
static size_t grams_try(struct str text, size_t at, size_t hash, uint16_t *ret, size_t count,
                        size_t room)
{
    for (size_t i = parse_gram_from[hash >> SIFT_FROM];
         i < parse_gram_count && parse_grams[i].hash <= hash; i++) {
        if (parse_grams[i].hash != hash) {
            continue;
        }
        const struct gram *gram = &parse_grams[i];
        const struct literal *literal = &parse_literals[gram->literal];
        if (at >= gram->offset && count < room &&
            str_starts(text_from(text, at - gram->offset), literal->text) &&
            !is_listed(ret, count, literal->mark)) {
            ret[count++] = literal->mark;
        }
    }
    return count;
}

_Static_assert(SIFT_STRIDE == 4, "two looks are one load of eight bytes");

size_t sift_text(struct str text, uint16_t *ret, size_t room)
{
    size_t count = 0;
    size_t at = 0;
    for (; at + 8 <= text.size; at += (size_t)2 * SIFT_STRIDE) {
        uint64_t bytes; /* of two looks */
        memcpy(&bytes, text.data + at, sizeof bytes);
        bytes = le64toh(bytes);
        size_t first = gram_hash((uint32_t)bytes);
        size_t second = gram_hash((uint32_t)(bytes >> 32));
        if (gram_known(first)) {
            count = grams_try(text, at, first, ret, count, room);
        }
        if (gram_known(second)) {
            count = grams_try(text, at + SIFT_STRIDE, second, ret, count, room);
        }
    }
    if (at + 4 <= text.size) {
        uint32_t bytes;
        memcpy(&bytes, text.data + at, sizeof bytes);
        size_t hash = gram_hash(le32toh(bytes));
        if (gram_known(hash)) {
            count = grams_try(text, at, hash, ret, count, room);
        }
    }
    return count;
}
