/* The one walk over UTF-8. */

#include "codec/utf8.h"

size_t utf8_sequence(struct str s)
{
    const unsigned char *b = (const unsigned char *)s.data;
    if (s.size == 0) {
        return 0;
    }
    size_t length = b[0] < 0x80 ? 1 : b[0] < 0xc2 ? 0 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
    if (length == 0 || b[0] > 0xf4 || s.size < length) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((b[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool wrong = (b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] > 0x9f) ||
                 (b[0] == 0xf0 && b[1] < 0x90) || (b[0] == 0xf4 && b[1] > 0x8f);
    return wrong ? 0 : length;
}
