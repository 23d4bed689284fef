/*
 * Frames of RELP, as librelp's relp.html describes them:
 *
 *     TXNR SP COMMAND SP DATALEN [SP DATA] LF
 *
 *     TXNR     1 to 9 digits     COMMAND  1 to 32 letters     DATALEN  1 to 9 digits
 *
 * DATA is there, with its blank, unless DATALEN is 0.  OUR implementation: a number 0 is the
 * server's alone; data over the limit are told once and passed over.
 */

#include "collect/connection.h"

#define DIGITS_MAX  9
#define COMMAND_MAX 32

/* One word of digits or letters up to its blank or LF.  FOUND_MORE: it may not be whole. */
static enum frame_found word_next(struct str input, size_t size_max, bool digits, struct str *ret)
{
    size_t size = 0;
    while (size < input.size && size <= size_max) {
        char c = input.data[size];
        bool fits =
            digits ? c >= '0' && c <= '9' : (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!fits) {
            break;
        }
        size++;
    }
    if (size > size_max) {
        return FOUND_LIE;
    }
    if (size == input.size) {
        return FOUND_MORE;
    }
    *ret = str_slice(input, 0, size);
    return size > 0 ? FOUND_FRAME : FOUND_LIE;
}

/* The three words of a head; *ret_size: with what follows the last of them. */
static enum frame_found head_next(struct str input, struct relp_frame *ret, size_t *ret_data,
                                  size_t *ret_size)
{
    struct str words[3];
    size_t at = 0;
    for (size_t i = 0; i < 3; i++) {
        enum frame_found found = word_next(str_slice(input, at, input.size),
                                           i == 1 ? COMMAND_MAX : DIGITS_MAX, i != 1, &words[i]);
        if (found != FOUND_FRAME) {
            return found;
        }
        at += words[i].size;
        if (i < 2 && input.data[at++] != ' ') {
            return FOUND_LIE;
        }
    }
    uint64_t number;
    uint64_t size;
    if (str_to_u64(words[0], 999999999, &number) != OK || number == 0 ||
        str_to_u64(words[2], 999999999, &size) != OK) {
        return FOUND_LIE;
    }
    if (input.data[at] != (size > 0 ? ' ' : '\n')) {
        return FOUND_LIE;
    }
    *ret = (struct relp_frame){.number = (uint32_t)number, .command = words[1]};
    *ret_data = (size_t)size;
    *ret_size = at + 1;
    return FOUND_FRAME;
}

enum frame_found relp_next(struct relp_reader *reader, struct str input, size_t *ret_used,
                           struct relp_frame *ret)
{
    size_t used = reader->discard_left < input.size ? reader->discard_left : input.size;
    struct relp_frame frame;
    size_t data;
    size_t head;
    reader->discard_left -= used;
    *ret_used = used;
    input = str_slice(input, used, input.size);
    if (input.size == 0) {
        return FOUND_MORE;
    }
    enum frame_found found = head_next(input, &frame, &data, &head);
    if (found != FOUND_FRAME) {
        return found;
    }
    if (data > RECORD_SIZE_MAX) {
        reader->discard_left = data + 1;
        *ret_used = used + head;
        *ret = frame;
        return FOUND_TOO_LONG;
    }
    if (data > 0) {
        if (input.size - head <= data) {
            return FOUND_MORE;
        }
        frame.data = str_slice(input, head, data);
        head += data + 1;
        if (input.data[head - 1] != '\n') {
            return FOUND_LIE;
        }
    }
    *ret_used = used + head;
    *ret = frame;
    return FOUND_FRAME;
}
