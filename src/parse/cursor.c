/* Reading a text from its front.  A cursor is a str that grows shorter; a step that does not fit
 * leaves it as it was. */

#include <string.h>

#include "parse/private.h"

bool cursor_until(struct str *rest, char byte, struct str *ret)
{
    size_t at = str_find_byte(*rest, byte);
    if (at == STR_NONE) {
        return false;
    }
    *ret = str_slice(*rest, 0, at);
    *rest = text_from(*rest, at + 1);
    return true;
}

bool cursor_number(struct str *rest, unsigned digits_max, int *ret)
{
    const struct str text = *rest;
    const size_t most = text.size < digits_max ? text.size : digits_max;
    size_t size = 0;
    int value = 0;
    while (size < most && (unsigned char)(text.data[size] - '0') <= 9) {
        value = value * 10 + (text.data[size] - '0');
        size++;
    }
    if (size == 0 || (size < text.size && (unsigned char)(text.data[size] - '0') <= 9)) {
        return false;
    }
    *ret = value;
    *rest = text_from(text, size);
    return true;
}
