/* Borrowed text.  memcmp and friends are never given NULL, so the zero value is safe everywhere. */

#include "base/str.h"

#include <string.h>

#include "base/limits.h"

static char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

struct str str_from(const char *text)
{
    return text == NULL ? (struct str){0} : (struct str){text, strlen(text)};
}

bool str_equal_nocase(struct str a, struct str b)
{
    if (str_equal(a, b)) {
        return true; /* most that are equal at all */
    }
    if (a.size != b.size) {
        return false;
    }
    for (size_t i = 0; i < a.size; i++) {
        if (ascii_lower(a.data[i]) != ascii_lower(b.data[i])) {
            return false;
        }
    }
    return true;
}

int str_compare(struct str a, struct str b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.size >= suffix.size &&
           str_equal(str_slice(s, s.size - suffix.size, suffix.size), suffix);
}

bool str_is_slug(struct str s)
{
    for (size_t i = 0; i < s.size; i++) {
        char c = s.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c == '-' && i > 0))) {
            return false;
        }
    }
    return s.size > 0 && s.size <= SLUG_SIZE_MAX;
}

size_t str_find(struct str s, struct str needle)
{
    if (needle.size == 0) {
        return 0;
    }
    const char *at = s.size == 0 ? NULL : memmem(s.data, s.size, needle.data, needle.size);
    return at == NULL ? STR_NONE : (size_t)(at - s.data);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
    while (s.size > 0 && is_blank(s.data[0])) {
        s.data++;
        s.size--;
    }
    while (s.size > 0 && is_blank(s.data[s.size - 1])) {
        s.size--;
    }
    return s;
}

struct str str_cut(struct str *rest, char byte)
{
    size_t at = str_find_byte(*rest, byte);
    if (at == STR_NONE) {
        struct str all = *rest;
        *rest = (struct str){0};
        return all;
    }
    struct str before = str_slice(*rest, 0, at);
    *rest = str_slice(*rest, at + 1, rest->size);
    return before;
}

enum err str_to_u64(struct str s, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;
    if (s.size == 0) {
        return ERR_SYNTAX;
    }
    for (size_t i = 0; i < s.size; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') {
            return ERR_SYNTAX;
        }
        uint64_t digit = (uint64_t)(s.data[i] - '0');
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, digit, &value) || value > max) {
            return ERR_LIMIT;
        }
    }
    *ret = value;
    return OK;
}
