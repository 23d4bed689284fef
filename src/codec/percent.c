/*
 * Percent-encoding undone, a byte at a time.
 *
 * Always true: what comes out is never longer than what went in.
 */

#include "codec/percent.h"

#include "codec/crypto.h"

/* One character at *at; -1 for a broken escape, or one that nobody types. */
static int percent_next(struct str s, size_t *at, bool plus_is_blank)
{
    int c = (unsigned char)s.data[(*at)++];
    if (c == '+' && plus_is_blank) {
        return ' ';
    }
    if (c == '%') {
        uint8_t byte;
        c = hex_parse(str_slice(s, *at, 2), &byte, 1) == OK ? byte : -1;
        *at += 2;
    }
    return c < 0x20 || c == 0x7f ? -1 : c;
}

enum err percent_decode(struct str s, bool plus_is_blank, struct arena *mem, struct str *ret)
{
    char *to = arena_take(mem, s.size + 1);
    size_t size = 0;
    if (to == NULL) {
        return ERR_MEMORY;
    }
    for (size_t at = 0; at < s.size;) {
        int c = percent_next(s, &at, plus_is_blank);
        if (c < 0) {
            return ERR_SYNTAX;
        }
        to[size++] = (char)c;
    }
    *ret = str_of(to, size);
    return OK;
}
