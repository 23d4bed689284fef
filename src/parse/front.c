/*
 * How a text begins, and who takes texts that begin so.
 *
 * Of each row of `recognise` that asks for a beginning the table knows what the first eight bytes
 * have to be, as far as that can be said: these bytes, a digit here.  Of those that begin with a
 * word, a number or a time, whose size nobody knows, it knows the eight bytes behind it.  Such a
 * run is passed once for all of them; each of the first bytes behind it leaves some of the ways to
 * go on, so most are out of the question at once, and their patterns are never run.
 *
 *     {_:iso} [                "DDDD-D", or "DDDD/D"
 *     {_:word} <= {_}          behind the word: " <= "
 *     [{_:epoch}] CURRENT      "[DDDDDDD"
 *
 * And none is asked whose punctuation is not in the text at all.
 *
 * Always true: what is left out would have been refused by the pattern itself.  One exception: a
 * time whose weekday there is not ("Xyz Nov 23 ...") is left out, though its pattern, which passes
 * over those letters, would take it.  recognise_test.c asks all rows.
 */

#include <endian.h>
#include <string.h>

#include "parse/private.h"

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* What stands at the front of a text, as a window asks for it. */
static struct window window_of(struct str text)
{
    uint64_t bytes = 0;
    if (text.size >= sizeof bytes) {
        memcpy(&bytes, text.data, sizeof bytes);
        bytes = le64toh(bytes);
    } else {
        for (size_t i = 0; i < text.size; i++) {
            bytes |= (uint64_t)(unsigned char)text.data[i] << 8 * i;
        }
    }
    /* Of a digit the difference from '0' is below ten: adding 0x76 leaves its high bit alone. */
    uint64_t from_zero = bytes ^ EACH('0');
    uint64_t others = ((from_zero & EACH(0x7f)) + EACH(0x76)) | from_zero;
    return (struct window){0, bytes, ~others & EACH(0x80)};
}

static bool window_fits(const struct window *asked, const struct window *there)
{
    return (((there->bytes & asked->mask) ^ asked->bytes) | (asked->digits & ~there->digits)) == 0;
}

/* What follows the run at the front; nothing, if there is no such run. */
static struct str run_pass(const struct parse_context *context, struct str text, enum run run)
{
    static const uint8_t takes[RUN_COUNT] = {
        [RUN_INT] = TAKE_INT, [RUN_NUM] = TAKE_NUM, [RUN_HEX] = TAKE_HEX};
    size_t size = 0;
    struct wall ignored;
    struct str rest = text;
    switch (run) {
    case RUN_NONE:
        return text;
    case RUN_WORD:
        size = blank_find(text);
        break;
    case RUN_ISO:
        return stamp_iso(&rest, context, &ignored) ? rest : (struct str){0};
    case RUN_ASCTIME:
        return stamp_asctime(&rest, context, &ignored) ? rest : (struct str){0};
    case RUN_EPOCH:
        return stamp_epoch(&rest, &ignored) ? rest : (struct str){0};
    default:
        size = number_size(text, takes[run]);
        break;
    }
    return size == 0 ? (struct str){0} : text_from(text, size);
}

/* The ways to go on that a window of a text allows. */
static size_t ways_find(const struct passage *passage, const struct window *there, uint16_t *ret,
                        size_t room)
{
    uint64_t left = UINT64_MAX;
    size_t count = 0;
    for (size_t place = 0; place < PASSAGE_PLACES; place++) {
        left &= passage->behind[place][there->bytes >> 8 * place & 0xff];
    }
    for (; left != 0 && count < room; left &= left - 1) {
        const struct front *way = &passage->ways[__builtin_ctzll(left)];
        if (window_fits(&way->at, there)) {
            ret[count++] = way->mark;
        }
    }
    return count;
}

size_t fronts_find(const struct parse_context *context, struct str text, uint16_t *ret, size_t room)
{
    if (text.size == 0) {
        return 0;
    }
    const unsigned char first = (unsigned char)text.data[0];
    const struct window at = window_of(text);
    struct window there = at;
    struct str behind = text;
    enum run run = RUN_NONE; /* that is passed */
    bool blanks = false;
    size_t count = 0;
    for (size_t i = 0; i < parse_passage_count; i++) {
        const struct passage *passage = &parse_passages[i];
        if ((passage->firsts[first / 64] >> first % 64 & 1) == 0 ||
            !window_fits(&passage->at, &at)) {
            continue;
        }
        if (passage->run != run || passage->blanks != blanks) {
            behind = passage->run == run ? behind : run_pass(context, text, (enum run)passage->run);
            run = (enum run)passage->run;
            blanks = passage->blanks;
            if (blanks) {
                cursor_blanks(&behind);
            }
            there = window_of(behind);
        }
        count += ways_find(passage, &there, ret + count, room - count);
    }
    return count;
}

bool needs_look(struct needs *needs, uint32_t mask)
{
    for (uint32_t open = mask & ~needs->known; open != 0; open &= open - 1) {
        uint32_t bit = open & -open;
        needs->known |= bit;
        if (str_find_byte(needs->text, parse_need_bytes[__builtin_ctz(bit)]) == STR_NONE) {
            needs->missing |= bit;
            return false;
        }
    }
    return true;
}
