/* Reading a text from its front.  A cursor is a str that grows shorter; a step that does not fit
 * leaves it as it was. */

#include <string.h>

#include "parse/private.h"

bool cursor_literal(struct str *rest, struct str literal)
{
    if (!str_starts(*rest, literal)) {
        return false;
    }
    *rest = str_slice(*rest, literal.size, rest->size);
    return true;
}

bool cursor_byte(struct str *rest, char byte)
{
    return cursor_literal(rest, str_of(&byte, 1));
}

bool cursor_until(struct str *rest, char byte, struct str *ret)
{
    size_t at = str_find_byte(*rest, byte);
    if (at == STR_NONE) {
        return false;
    }
    *ret = str_slice(*rest, 0, at);
    *rest = str_slice(*rest, at + 1, rest->size);
    return true;
}

bool cursor_word(struct str *rest, struct str *ret)
{
    size_t size = 0;
    while (size < rest->size && rest->data[size] != ' ' && rest->data[size] != '\t') {
        size++;
    }
    if (size == 0) {
        return false;
    }
    *ret = str_slice(*rest, 0, size);
    *rest = str_slice(*rest, size, rest->size);
    return true;
}

bool cursor_number(struct str *rest, unsigned digits_max, int *ret)
{
    size_t size = 0;
    int value = 0;
    while (size < rest->size && size < digits_max && rest->data[size] >= '0' &&
           rest->data[size] <= '9') {
        value = value * 10 + (rest->data[size] - '0');
        size++;
    }
    if (size == 0 || (size < rest->size && rest->data[size] >= '0' && rest->data[size] <= '9')) {
        return false;
    }
    *ret = value;
    *rest = str_slice(*rest, size, rest->size);
    return true;
}

void cursor_blanks(struct str *rest)
{
    while (rest->size > 0 && (rest->data[0] == ' ' || rest->data[0] == '\t')) {
        *rest = str_slice(*rest, 1, rest->size);
    }
}
