/*
 * One pass over brackets and strings; no recursion, and no memory.
 *
 * Always true: a slice lies within the text that it was cut from; each call looks at a byte once.
 * Whoever cuts a slice again looks at its bytes again, so the cost is the text times the levels
 * that are cut.
 */

#include "codec/json_slice.h"

static struct str blanks_skip(struct str text)
{
    size_t i = 0;
    while (i < text.size && (text.data[i] == ' ' || text.data[i] == '\t' || text.data[i] == '\r' ||
                             text.data[i] == '\n')) {
        i++;
    }
    return str_slice(text, i, text.size);
}

/* The size of the string at the start, quotes included; STR_NONE if it does not end. */
static size_t string_size(struct str text)
{
    for (size_t i = 1; i < text.size; i++) {
        if (text.data[i] == '\\') {
            i++;
        } else if (text.data[i] == '"') {
            return i + 1;
        }
    }
    return STR_NONE;
}

size_t json_value_size(struct str text)
{
    size_t depth = 0;
    if (text.size == 0 || (text.data[0] != '{' && text.data[0] != '[')) {
        return STR_NONE;
    }
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '"') {
            size_t size = string_size(str_slice(text, i, text.size));
            if (size == STR_NONE) {
                return STR_NONE;
            }
            i += size - 1;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
            if (depth == 0) {
                return i + 1;
            }
        }
    }
    return STR_NONE;
}

/* Of any value. */
static size_t any_size(struct str text)
{
    size_t i = 0;
    if (text.size > 0 && text.data[0] == '"') {
        return string_size(text);
    }
    if (text.size > 0 && (text.data[0] == '{' || text.data[0] == '[')) {
        return json_value_size(text);
    }
    while (i < text.size && text.data[i] != ',' && text.data[i] != '}' && text.data[i] != ']') {
        i++;
    }
    return i > 0 ? i : STR_NONE;
}

enum err json_slices(struct str value, struct json_slices *ret)
{
    value = str_trim(value);
    if (value.size < 2 || (value.data[0] != '{' && value.data[0] != '[')) {
        return ERR_SYNTAX;
    }
    *ret = (struct json_slices){.rest = str_slice(value, 1, value.size),
                                .object = value.data[0] == '{'};
    return OK;
}

enum err json_slice_next(struct json_slices *slices, struct str *ret_name, struct str *ret_value)
{
    struct str rest = blanks_skip(slices->rest);
    struct str name = {0};
    if (rest.size > 0 && (rest.data[0] == '}' || rest.data[0] == ']')) {
        slices->rest = rest;
        return ERR_CLOSED;
    }
    if (slices->any) {
        if (rest.size == 0 || rest.data[0] != ',') {
            return ERR_SYNTAX;
        }
        rest = blanks_skip(str_slice(rest, 1, rest.size));
    }
    if (slices->object) {
        size_t size = rest.size > 0 && rest.data[0] == '"' ? string_size(rest) : STR_NONE;
        if (size == STR_NONE) {
            return ERR_SYNTAX;
        }
        name = str_slice(rest, 1, size - 2);
        rest = blanks_skip(str_slice(rest, size, rest.size));
        if (rest.size == 0 || rest.data[0] != ':') {
            return ERR_SYNTAX;
        }
        rest = blanks_skip(str_slice(rest, 1, rest.size));
    }
    size_t size = any_size(rest);
    if (size == STR_NONE) {
        return ERR_SYNTAX;
    }
    slices->any = true;
    slices->rest = str_slice(rest, size, rest.size);
    *ret_name = name;
    *ret_value = str_trim(str_slice(rest, 0, size));
    return OK;
}
