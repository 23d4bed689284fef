#pragma once

/*
 * Every sentence that a person reads in a page, a mail or a report, in Japanese and English.  The
 * texts stand in the folder words/ at the root of the tree, one YAML file a topic; tools/words.py
 * makes the table behind this door from them and refuses a key that lacks one language or whose
 * {placeholders} differ.
 *
 *     words_find → words_text | words_print
 */

#include "base/buf.h"
#include "base/str.h"

#include "words/words_table.h" /* enum word, generated: WORD_ and the key in capitals */

enum language { LANGUAGE_JA, LANGUAGE_EN, LANGUAGE_COUNT };

const char *language_text(enum language language); /* "ja", "en" */
NODISCARD enum err language_parse(struct str text, enum language *ret);

/* The text as it stands in the file, placeholders included. */
struct str words_text(enum word word, enum language language);
/* The key, as in the file: "mail.subject.incident". */
struct str words_key(enum word word);
/* By key, for words that data choose (a type of incident, a state); false if there is none. */
bool words_find(struct str key, enum word *ret);

struct words_value {
    const char *name; /* of the placeholder, without braces */
    struct str text;
};

/* Appends the text with its placeholders filled.  A placeholder without a value is an error of
 * ours: ERR_NOT_FOUND, and nothing is appended.  Values go in as they are: whoever writes a mail
 * header, a page or a CSV cell escapes for it. */
NODISCARD enum err words_print(struct buf *out, enum language language, enum word word,
                               const struct words_value *values, size_t count);
