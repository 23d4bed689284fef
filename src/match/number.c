/* Decimal numbers in texts: whole ones exactly, others as doubles.  Hexadecimal, infinities and
 * the like are text. */

#include "match/private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_SIZE_MAX 63

enum err number_parse(struct str text, struct number *ret)
{
    char copy[NUMBER_SIZE_MAX + 1];
    if (text.size == 0 || text.size > NUMBER_SIZE_MAX) {
        return ERR_SYNTAX;
    }
    bool whole = true;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool digit = c >= '0' && c <= '9';
        whole = whole && (digit || (i == 0 && (c == '-' || c == '+')));
        if (!digit && (c == '\0' || strchr("+-.eE", c) == NULL)) {
            return ERR_SYNTAX;
        }
        copy[i] = c;
    }
    copy[text.size] = '\0';
    char *end;
    struct number number = {.value = strtod(copy, &end)};
    if (end != copy + text.size) {
        return ERR_SYNTAX;
    }
    errno = 0;
    number.integer = whole ? strtoll(copy, NULL, 10) : 0;
    number.whole = whole && errno == 0;
    *ret = number;
    return OK;
}

int number_compare(const struct number *a, const struct number *b)
{
    if (a->whole && b->whole) {
        return (a->integer > b->integer) - (a->integer < b->integer);
    }
    return (a->value > b->value) - (a->value < b->value);
}
