/*
 * The words: a table sorted by key, made by tools/words.py, and the filling of placeholders.
 *
 * Always true, by the generator: every key has both texts, the texts of one key name the same
 * placeholders, and braces stand for nothing else.
 */

#include "words/words.h"

#include <string.h>

#include "words/private.h"

static const char *const language_names[LANGUAGE_COUNT] = {"ja", "en"};

const char *language_text(enum language language)
{
    return language_names[language];
}

enum err language_parse(struct str text, enum language *ret)
{
    for (int i = 0; i < LANGUAGE_COUNT; i++) {
        if (str_equal(text, str_from(language_names[i]))) {
            *ret = (enum language)i;
            return OK;
        }
    }
    return ERR_SYNTAX;
}

struct str words_text(enum word word, enum language language)
{
    return str_from(words_table[word].texts[language]);
}

struct str words_key(enum word word)
{
    return str_from(words_table[word].key);
}

bool words_find(struct str key, enum word *ret)
{
    size_t low = 0;
    size_t high = WORD_COUNT;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = str_compare(words_key((enum word)middle), key);
        if (order == 0) {
            *ret = (enum word)middle;
            return true;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return false;
}

static enum err value_append(struct buf *out, struct str name, const struct words_value *values,
                             size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (str_equal(str_from(values[i].name), name)) {
            return buf_append(out, values[i].text);
        }
    }
    return ERR_NOT_FOUND;
}

enum err words_print(struct buf *out, enum language language, enum word word,
                     const struct words_value *values, size_t count)
{
    size_t size_before = out->size;
    struct str rest = words_text(word, language);
    enum err err = OK;
    while (rest.size > 0 && err == OK) {
        bool open = str_find_byte(rest, '{') != STR_NONE;
        err = buf_append(out, str_cut(&rest, '{'));
        if (open && err == OK) {
            err = value_append(out, str_cut(&rest, '}'), values, count);
        }
    }
    if (err != OK) {
        out->size = size_before;
    }
    return err;
}
