/*
 * key=value texts, of all kinds that devices write.
 *
 *     date=2026-11-21 devname="fw 1" msg="a \"b\""      a blank between, values in quotes
 *     act=blocked msg=a text with blanks dst=192.0.2.1  until_key: a value goes on to the next KEY=
 *     a:"1"; b:"2"                                      another sign, and something else between
 *
 * A word that is no pair is passed over.  Where a backslash protects (`escape`), a value that has
 * one is told without it.
 */

#include <string.h>

#include "base/limits.h"
#include "codec/hex.h"
#include "parse/private.h"

#define KEY_SIZE_MAX 128 /* Longer is no key, but a text that happens to have a sign in it. */

struct pairs {
    struct found *found;
    const struct pairs_form *form;
    struct str between;
};

static void value_cut(const struct pairs *pairs, struct str *rest, struct str *ret);
static struct str unescaped(struct found *found, struct str text);
static struct str between_of(struct found *found, const struct pairs_form *form);

static bool key_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '.' || c == '-' || c == '[' || c == ']' || c == '/' || c == '@';
}

/* The key is the last word before the sign. */
static struct str key_of(struct str before, struct str between)
{
    before = str_trim(before);
    size_t from = before.size;
    char stop = between.size > 0 ? between.data[0] : ' ';
    while (from > 0 && before.size - from <= KEY_SIZE_MAX && before.data[from - 1] != stop &&
           ((unsigned char)before.data[from - 1] > ' ' || stop != ' ')) {
        from--;
    }
    struct str key = str_trim(text_from(before, from));
    if (key.size >= 2 && key.data[0] == '"' && key.data[key.size - 1] == '"') {
        key = str_slice(key, 1, key.size - 2);
    }
    return key.size <= KEY_SIZE_MAX ? key : (struct str){0};
}

void pairs_run(struct found *found, const struct pairs_form *form, struct str text)
{
    struct pairs pairs = {found, form, between_of(found, form)};
    struct str rest = text;
    size_t count = 0;
    while (rest.size > 0 && count < SPANS_PER_EVENT_MAX) {
        size_t at = str_find(rest, form->assign);
        if (at == STR_NONE) {
            return;
        }
        struct str key = key_of(str_slice(rest, 0, at), pairs.between);
        struct str value;
        rest = text_from(rest, at + form->assign.size);
        value_cut(&pairs, &rest, &value);
        if (key.size > 0) {
            if (form->escape && value.size > 0 && str_find_byte(value, '\\') != STR_NONE) {
                value = unescaped(found, value);
            }
            key_tell(found, key, value, SPAN_RAW);
            count++;
        }
    }
}

/* Where the next "KEY=" begins, with the blank before it; the end of the text if there is none. */
static size_t next_key(const struct pairs *pairs, struct str text)
{
    size_t from = 0;
    for (;;) {
        size_t sign = str_find(text_from(text, from), pairs->form->assign);
        if (sign == STR_NONE) {
            return text.size;
        }
        sign += from;
        size_t begin = sign;
        while (begin > from && sign - begin < KEY_SIZE_MAX && key_byte(text.data[begin - 1])) {
            begin--;
        }
        if (begin < sign && begin >= pairs->between.size && begin > 0 &&
            memcmp(text.data + begin - pairs->between.size, pairs->between.data,
                   pairs->between.size) == 0) {
            return begin - pairs->between.size;
        }
        from = sign + pairs->form->assign.size;
    }
}

static bool quoted_cut(struct str *rest, char quote, struct str *ret)
{
    size_t i = 1;
    while (i < rest->size && rest->data[i] != quote) {
        i += rest->data[i] == '\\' ? 2 : 1;
    }
    if (i >= rest->size) {
        return false;
    }
    *ret = str_slice(*rest, 1, i - 1);
    *rest = text_from(*rest, i + 1);
    return true;
}

static void value_cut(const struct pairs *pairs, struct str *rest, struct str *ret)
{
    struct str quote = pairs->form->quote;
    if (pairs->between.data[0] == ' ' || pairs->form->until_key) {
        /* A sign with a blank behind it has an empty value, but where values go on. */
    } else {
        cursor_blanks(rest);
    }
    if (quote.size > 0 && rest->size > 0 && rest->data[0] == quote.data[0] &&
        quoted_cut(rest, quote.data[0], ret)) {
        (void)cursor_literal(rest, pairs->between);
        return;
    }
    size_t end = pairs->form->until_key ? next_key(pairs, *rest) : str_find(*rest, pairs->between);
    end = end == STR_NONE ? rest->size : end;
    *ret = str_trim(str_slice(*rest, 0, end));
    *rest = text_from(*rest, end);
    (void)cursor_literal(rest, pairs->between);
}

static struct str unescaped(struct found *found, struct str text)
{
    char *to = found_mem(found) == NULL ? NULL : arena_take(found->mem, text.size);
    size_t size = 0;
    if (to == NULL) {
        return text;
    }
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '\\' && i + 1 < text.size) {
            c = text.data[++i];
            c = (char)(c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c);
        }
        to[size++] = c;
    }
    return str_of(to, size);
}

/* LEEF 2.0 says what stands between: a character, "x09" or "0x09". */
static struct str between_of(struct found *found, const struct pairs_form *form)
{
    struct str text;
    if (form->between_of == NAME_OTHER || !value_find(found, form->between_of, &text) ||
        text.size == 0) {
        return form->between;
    }
    struct str hex = text;
    (void)cursor_byte(&hex, '0');
    if (text.size > 1 && (cursor_byte(&hex, 'x') || cursor_byte(&hex, 'X')) && hex.size >= 1 &&
        hex.size <= 2 && hex_digit(hex.data[0]) >= 0 && hex_digit(hex.data[hex.size - 1]) >= 0 &&
        found_mem(found) != NULL) {
        char *byte = arena_take(found->mem, 1);
        if (byte == NULL) {
            return form->between;
        }
        int value = hex_digit(hex.data[0]);
        value = hex.size == 2 ? value * 16 + hex_digit(hex.data[1]) : value;
        *byte = (char)value;
        return str_of(byte, 1);
    }
    return text.size == 1 ? text : form->between;
}
