/*
 * UTF-16 into UTF-8 (RFC 2781, RFC 3629), a piece at a time.
 *
 * Always true: between two calls at most one byte and one high surrogate wait.
 */

#include "replay/private.h"

static enum err character_append(uint32_t c, struct buf *out)
{
    char bytes[4];
    size_t size;
    if (c < 0x80) {
        return buf_append_byte(out, (char)c);
    }
    if (c < 0x800) {
        bytes[0] = (char)(0xC0 | (c >> 6));
        size = 2;
    } else if (c < 0x10000) {
        bytes[0] = (char)(0xE0 | (c >> 12));
        size = 3;
    } else {
        bytes[0] = (char)(0xF0 | (c >> 18));
        size = 4;
    }
    for (size_t i = 1; i < size; i++) {
        bytes[i] = (char)(0x80 | ((c >> (6 * (size - 1 - i))) & 0x3F));
    }
    return buf_append(out, str_of(bytes, size));
}

static enum err unit_append(struct utf16 *utf16, uint16_t unit, struct buf *out)
{
    uint16_t high = utf16->high;
    utf16->high = 0;
    if (unit >= 0xDC00 && unit <= 0xDFFF) {
        uint32_t c =
            high == 0 ? 0xFFFD : 0x10000 + (((uint32_t)high - 0xD800) << 10) + (unit - 0xDC00u);
        return character_append(c, out);
    }
    enum err err = high != 0 ? character_append(0xFFFD, out) : OK;
    if (err == OK && unit >= 0xD800 && unit <= 0xDBFF) {
        utf16->high = unit;
        return OK;
    }
    return err == OK ? character_append(unit, out) : err;
}

enum err utf16_append(struct utf16 *utf16, struct str bytes, struct buf *out)
{
    enum err err = OK;
    for (size_t i = 0; i < bytes.size && err == OK; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        if (!utf16->odd) {
            utf16->half = byte;
        } else {
            unsigned first = utf16->half;
            err = unit_append(
                utf16, (uint16_t)(utf16->big ? first << 8 | byte : (unsigned)byte << 8 | first),
                out);
        }
        utf16->odd = !utf16->odd;
    }
    return err;
}

enum err utf16_end(struct utf16 *utf16, struct buf *out)
{
    bool waits = utf16->odd || utf16->high != 0;
    utf16->odd = false;
    utf16->high = 0;
    return waits ? character_append(0xFFFD, out) : OK;
}
