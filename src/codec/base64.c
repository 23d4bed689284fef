/*
 * Base64, three bytes to four letters.
 *
 * Always true: what base64_append made is read back as it was.  Letters that hold bits beyond the
 * last byte are let pass, as most readers do: nobody's identity hangs on there being one spelling.
 */

#include "codec/base64.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* -1: no letter. */
static int letter_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

enum err base64_decode(struct str text, char *to, size_t size, struct str *ret)
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t made = 0;
    size_t pad = 0;
    for (; pad < 2 && text.size > 0 && text.data[text.size - 1] == '='; pad++) {
        text.size--;
    }
    if (text.size % 4 == 1 || (pad > 0 && (text.size + pad) % 4 != 0)) {
        return ERR_SYNTAX;
    }
    for (size_t i = 0; i < text.size; i++) {
        int value = letter_value(text.data[i]);
        if (value < 0) {
            return ERR_SYNTAX;
        }
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held >= 8) {
            if (made == size) {
                return ERR_LIMIT;
            }
            held -= 8;
            to[made++] = (char)(bits >> held & 0xff);
        }
    }
    *ret = str_of(to, made);
    return OK;
}

enum err base64_append(struct buf *out, struct str bytes)
{
    enum err err = OK;
    for (size_t i = 0; i < bytes.size && err == OK; i += 3) {
        size_t count = bytes.size - i < 3 ? bytes.size - i : 3;
        uint32_t bits = 0;
        char four[4];
        for (size_t j = 0; j < 3; j++) {
            bits = bits << 8 | (j < count ? (unsigned char)bytes.data[i + j] : 0u);
        }
        for (size_t j = 0; j < 4; j++) {
            four[j] = j <= count ? letters[bits >> (18 - 6 * j) & 63] : '=';
        }
        err = buf_append(out, str_of(four, 4));
    }
    return err;
}
