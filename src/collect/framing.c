/*
 * Records in a TCP stream, RFC 6587: octet counting (section 3.4.1) and newlines (3.4.2).
 *
 * The first bytes decide for the whole connection: digits and a blank are a count, anything else is
 * a line.  Then
 *
 *     lines    an LF ends a record; empty ones are passed over.  One that grows over the limit is
 *              told once and passed over up to its LF.
 *     counts   "NN " and so many bytes, which may hold anything.  A count over the limit is told
 * once and its bytes are passed over.  What cannot be a count is a lie, as no later byte can be
 *              believed.  LFs between records are forgiven, as some senders add one.
 *
 * Always true: the outcome depends on the bytes, never on how they were cut into reads.
 */

#include <string.h>

#include "collect/private.h"

#define COUNT_DIGITS_MAX 9

static enum frame line_next(struct framing *framing, struct str input, size_t *ret_used,
                            struct str *ret_record);
static enum frame count_next(struct framing *framing, struct str input, size_t *ret_used,
                             struct str *ret_record);

/* The digits at the front, at most one more than a count may have. */
static size_t digits_size(struct str input, size_t *ret_value)
{
    size_t size = 0;
    size_t value = 0;
    while (size < input.size && size <= COUNT_DIGITS_MAX && input.data[size] >= '0' &&
           input.data[size] <= '9' && (size > 0 || input.data[0] != '0')) {
        value = value * 10 + (size_t)(input.data[size] - '0');
        size++;
    }
    *ret_value = value;
    return size;
}

enum frame framing_next(struct framing *framing, struct str input, size_t *ret_used,
                        struct str *ret_record)
{
    *ret_used = 0;
    if (input.size == 0) {
        return FRAME_MORE;
    }
    if (framing->kind == FRAMING_UNKNOWN) {
        size_t value;
        size_t digits = digits_size(input, &value);
        if (digits == input.size && digits <= COUNT_DIGITS_MAX) {
            return FRAME_MORE;
        }
        framing->kind = digits > 0 && digits <= COUNT_DIGITS_MAX && input.data[digits] == ' '
                            ? FRAMING_COUNTS
                            : FRAMING_LINES;
    }
    return framing->kind == FRAMING_LINES ? line_next(framing, input, ret_used, ret_record)
                                          : count_next(framing, input, ret_used, ret_record);
}

enum frame framing_end(const struct framing *framing, struct str input, struct str *ret_record)
{
    if (input.size == 0 || framing->discarding) {
        return FRAME_MORE;
    }
    if (framing->kind == FRAMING_COUNTS) {
        return FRAME_LIE;
    }
    *ret_record = input;
    return FRAME_RECORD;
}

static enum frame line_next(struct framing *framing, struct str input, size_t *ret_used,
                            struct str *ret_record)
{
    size_t used = 0;
    while (used < input.size) {
        struct str rest = str_slice(input, used, input.size);
        size_t skip = framing->scanned < rest.size ? framing->scanned : rest.size;
        size_t found = str_find_byte(str_slice(rest, skip, rest.size), '\n');
        size_t size = found == STR_NONE ? rest.size : skip + found;
        bool ended = found != STR_NONE;
        framing->scanned = 0;
        if (framing->discarding) {
            used += size + (ended ? 1 : 0);
            framing->discarding = !ended;
        } else if (size > RECORD_SIZE_MAX) {
            framing->discarding = !ended;
            *ret_used = used + size + (ended ? 1 : 0);
            return FRAME_TOO_LONG;
        } else if (!ended) {
            framing->scanned = size;
            break;
        } else {
            used += size + 1;
            if (size > 0) {
                *ret_used = used;
                *ret_record = str_slice(rest, 0, size);
                return FRAME_RECORD;
            }
        }
    }
    *ret_used = used;
    return FRAME_MORE;
}

static enum frame count_next(struct framing *framing, struct str input, size_t *ret_used,
                             struct str *ret_record)
{
    size_t used = framing->discard_left < input.size ? framing->discard_left : input.size;
    framing->discard_left -= used;
    *ret_used = used;
    struct str rest = str_slice(input, used, input.size);
    while (rest.size > 0 && rest.data[0] == '\n') {
        used++;
        *ret_used = used;
        rest = str_slice(rest, 1, rest.size);
    }
    if (rest.size == 0) {
        return FRAME_MORE;
    }
    size_t size;
    size_t digits = digits_size(rest, &size);
    if (digits == 0 || digits > COUNT_DIGITS_MAX ||
        (digits < rest.size && rest.data[digits] != ' ')) {
        return FRAME_LIE;
    }
    if (digits == rest.size) {
        return FRAME_MORE;
    }
    if (size > RECORD_SIZE_MAX) {
        framing->discard_left = size;
        *ret_used = used + digits + 1;
        return FRAME_TOO_LONG;
    }
    if (rest.size - digits - 1 < size) {
        return FRAME_MORE;
    }
    *ret_used = used + digits + 1 + size;
    *ret_record = str_slice(rest, digits + 1, size);
    return FRAME_RECORD;
}
