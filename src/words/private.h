#pragma once

/* What the generated table and words.c share. */

#include "words/words.h"

struct words_row {
    const char *key;
    const char *texts[LANGUAGE_COUNT];
};

extern const struct words_row words_table[WORD_COUNT]; /* ascending by key */
