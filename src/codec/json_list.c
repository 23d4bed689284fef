/*
 * A list is cut by its brackets and quotes alone; whether an object is valid, its parser says.
 *
 *     {"Records": [ {…} , {…} ] }
 *                   ▲ begin ▲ next   ▲ behind the list
 *
 * Always true: each byte is looked at once by a caller that walks on, and what is no object is left
 * where it stands for whoever reads on.
 */

#include "codec/json_list.h"

static size_t blanks_pass(struct str text, size_t at)
{
    while (at < text.size && (text.data[at] == ' ' || text.data[at] == '\t' ||
                              text.data[at] == '\r' || text.data[at] == '\n')) {
        at++;
    }
    return at;
}

static bool byte_pass(struct str text, size_t *at, char byte)
{
    size_t next = blanks_pass(text, *at);
    if (next < text.size && text.data[next] == byte) {
        *at = next + 1;
        return true;
    }
    return false;
}

bool json_list_begin(struct str text, size_t *ret)
{
    static const struct str names[] = {STR("\"Records\""), STR("\"records\"")};
    size_t at = str_starts(text, STR("\xef\xbb\xbf")) ? 3 : 0;
    if (byte_pass(text, &at, '{')) {
        at = blanks_pass(text, at);
        struct str rest = str_slice(text, at, text.size);
        if (!str_starts(rest, names[0]) && !str_starts(rest, names[1])) {
            return false;
        }
        at += names[0].size;
        if (!byte_pass(text, &at, ':')) {
            return false;
        }
    }
    if (!byte_pass(text, &at, '[')) {
        return false;
    }
    at = blanks_pass(text, at);
    *ret = at;
    return at < text.size && text.data[at] == '{';
}

/* Behind the object at `at`; 0 if it has no end. */
static size_t object_end(struct str text, size_t at)
{
    size_t depth = 0;
    bool quoted = false;
    for (; at < text.size; at++) {
        char c = text.data[at];
        if (quoted) {
            at += c == '\\' ? 1 : 0;
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            return at + 1;
        }
    }
    return 0;
}

bool json_list_next(struct str text, size_t *at, struct str *ret)
{
    size_t begin = blanks_pass(text, *at);
    size_t end = begin < text.size && text.data[begin] == '{' ? object_end(text, begin) : 0;
    if (end == 0) {
        if (byte_pass(text, at, ']')) {
            (void)byte_pass(text, at, '}');
        }
        return false;
    }
    *ret = str_slice(text, begin, end - begin);
    *at = end;
    (void)byte_pass(text, at, ',');
    return true;
}
