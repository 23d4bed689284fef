#pragma once

/* The texts inside JSON: escapes undone and made (RFC 8259, section 7). */

#include "base/arena.h"
#include "base/buf.h"

/* The inside of a JSON string without its escapes: borrowed if it has none, else made in mem.
 * Lone surrogates become U+FFFD.  ERR_SYNTAX for a broken escape. */
NODISCARD enum err json_unescape(struct str raw, struct arena *mem, struct str *ret);

/* The offset of the first escape of a JSON text that RFC 8259 does not know, or STR_NONE: once over
 * all its strings. */
size_t json_escapes_check(struct str text);

/* Appends text as a JSON string, quotes included.  Bytes that are not UTF-8 come out as U+FFFD, one
 * for each; control characters, C1 and those of direction too, as escapes. */
NODISCARD enum err json_print(struct buf *out, struct str text);

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
