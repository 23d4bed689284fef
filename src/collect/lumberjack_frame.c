/*
 * Frames of Lumberjack, version 2, as Beats speak it.  Numbers are big-endian.
 *
 *     OFFSET SIZE MEANING
 *          0    1 '2'
 *          1    1 type
 *          2    4 'W': how many records follow before an answer is expected
 *                 'J': the record's number;   6 4 its size;   10 its bytes, JSON
 *                 'C': how many compressed bytes follow (zlib), which hold frames of type J
 *
 * 'A' (answer) is the server's; 'D' is version 1's and is refused with its whole connection, as
 * is everything else.
 */

#include "collect/connection.h"

static uint32_t number_at(const char *at)
{
    const unsigned char *bytes = (const unsigned char *)at;
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

enum frame_found lumberjack_next(struct lumberjack_reader *reader, struct str input,
                                 size_t *ret_used, struct lumberjack_frame *ret)
{
    size_t used = reader->discard_left < input.size ? reader->discard_left : input.size;
    reader->discard_left -= used;
    *ret_used = used;
    input = str_slice(input, used, input.size);
    if ((input.size > 0 && input.data[0] != '2') ||
        (input.size > 1 && input.data[1] != 'J' &&
         (reader->inner || (input.data[1] != 'W' && input.data[1] != 'C')))) {
        return FOUND_LIE;
    }
    size_t head = input.size > 1 && input.data[1] == 'J' ? 10 : 6;
    if (input.size < head) {
        return FOUND_MORE;
    }
    struct lumberjack_frame frame = {.type = input.data[1], .number = number_at(input.data + 2)};
    if (frame.type == 'J') {
        uint32_t size = number_at(input.data + 6);
        if (size > RECORD_SIZE_MAX) {
            reader->discard_left = size;
            *ret_used = used + head;
            *ret = frame;
            return FOUND_TOO_LONG;
        }
        if (input.size - head < size) {
            return FOUND_MORE;
        }
        frame.data = str_slice(input, head, size);
        head += size;
    }
    *ret_used = used + head;
    *ret = frame;
    return FOUND_FRAME;
}
