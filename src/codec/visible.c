/*
 * What lies between bytes that somebody sent and a person's eyes.
 *
 * The characters are those that Unicode calls controls (Cc) and Bidi_Control, U+2028 and U+2029,
 * the byte order mark within a text, annotations (U+FFF9 to U+FFFB) and tags (U+E0000 to U+E007F).
 * Joiners (U+200C, U+200D) stay: scripts and emoji need them.
 *
 * Always true: what visible_append makes is valid UTF-8 and holds nothing of which visible_steers
 * is true.
 */

#include "codec/visible.h"

#include "codec/utf8.h"

bool visible_steers(struct str sequence)
{
    static const struct {
        uint32_t first, last;
    } steering[] = {{0, 0x1f},        {0x7f, 0x9f},     {0x61c, 0x61c},
                    {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069},
                    {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe007f}};
    uint32_t code = utf8_code(sequence);
    for (size_t i = 0; i < sizeof steering / sizeof steering[0]; i++) {
        if (code >= steering[i].first && code <= steering[i].last) {
            return true;
        }
    }
    return false;
}

enum err visible_append(struct buf *out, struct str text)
{
    enum err err = OK;
    for (size_t i = 0; i < text.size && err == OK;) {
        size_t length = utf8_sequence(str_slice(text, i, 4));
        if (length == 0 || visible_steers(str_slice(text, i, length))) {
            err = buf_print(out, "\\x%02x", (unsigned char)text.data[i]);
            length = 1; /* what follows of it is no UTF-8 by itself */
        } else {
            err = buf_append(out, str_slice(text, i, length));
        }
        i += length;
    }
    return err;
}
