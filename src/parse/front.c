/*
 * How a text begins, and who takes texts that begin so.
 *
 * Of each row of `recognise` that asks for a beginning the table knows what the first eight bytes
 * have to be, as far as that can be said: these bytes, a digit here.  Behind a word, a number or a
 * time, whose size nobody knows, it knows eight bytes more.  Rows that begin alike stand together,
 * so most are out of the question after a few comparisons, and their patterns are never run.
 *
 *     {_:iso} [                "DDDD-D", or "DDDD/D"
 *     {_:word} <= {_}          behind the word: " <= "
 *     [{_:epoch}] CURRENT      "[DDDDDDD"
 *
 * And none is asked whose punctuation is not in the text at all.
 *
 * Always true: what is left out would have been refused by the pattern itself.
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
    if (run >= RUN_ISO) {
        bool fits = run == RUN_ISO || run == RUN_ISO_BLANKS ? stamp_iso(&rest, context, &ignored)
                    : run == RUN_ASCTIME ? stamp_asctime(&rest, context, &ignored)
                                         : stamp_epoch(&rest, &ignored);
        if (run >= RUN_ISO_BLANKS) {
            cursor_blanks(&rest);
        }
        return fits ? rest : (struct str){0};
    }
    if (run == RUN_WORD) {
        while (size < text.size && text.data[size] != ' ' && text.data[size] != '\t') {
            size++;
        }
    } else {
        size = run == RUN_NONE ? 0 : number_size(text, takes[run]);
    }
    return size == 0 ? (struct str){0} : text_from(text, size);
}

size_t fronts_find(const struct parse_context *context, struct str text, uint16_t *ret, size_t room)
{
    if (text.size == 0) {
        return 0;
    }
    const struct fronts *fronts = &parse_fronts[(unsigned char)text.data[0]];
    struct window at = window_of(text);
    struct window behind[RUN_COUNT];
    unsigned passed = 0; /* a bit for each run */
    size_t count = 0;
    for (size_t i = 0; i < fronts->count; i++) {
        const struct front *front = &fronts->list[i];
        if (!window_fits(&front->at, &at)) {
            continue;
        }
        if ((passed >> front->run & 1) == 0) {
            behind[front->run] = window_of(run_pass(context, text, (enum run)front->run));
            passed |= 1u << front->run;
        }
        uint64_t bytes = behind[front->run].bytes;
        if ((front->seconds[0] >> (bytes & 63) & front->seconds[1] >> (bytes >> 8 & 63) & 1) == 0) {
            continue;
        }
        for (size_t j = 0; j < front->count; j++) {
            if (window_fits(&front->list[j].behind, &behind[front->run]) && count < room) {
                ret[count++] = front->list[j].mark;
            }
        }
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
