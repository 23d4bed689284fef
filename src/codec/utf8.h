#pragma once

/* One character of UTF-8 as Unicode 15 has it in table 3-7: no overlong forms, no
 * surrogates, nothing above U+10FFFF. */

#include "base/str.h"

/* The length of the valid UTF-8 sequence at the start of s (1 to 4), or 0 if there is none. */
size_t utf8_sequence(struct str s);

/* The character of one valid sequence. */
static inline uint32_t utf8_code(struct str sequence)
{
    const unsigned char *c = (const unsigned char *)sequence.data;
    switch (sequence.size) {
    case 1:
        return c[0];
    case 2:
        return (c[0] & 0x1fu) << 6 | (c[1] & 0x3fu);
    case 3:
        return (c[0] & 0x0fu) << 12 | (c[1] & 0x3fu) << 6 | (c[2] & 0x3fu);
    default:
        return (c[0] & 0x07u) << 18 | (c[1] & 0x3fu) << 12 | (c[2] & 0x3fu) << 6 | (c[3] & 0x3fu);
    }
}
