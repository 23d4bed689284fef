#pragma once

/*
 * Why something failed, for the person who will have to mend it: a position in their text, where
 * there is one, and one sentence.  The last parameter of whatever such a person may cause to fail;
 * NULL is allowed and means that nobody wants to know.
 */

#include <stdint.h>

#include "base/err.h"

#define WHY_TEXT_SIZE 320

struct why {
    uint32_t line;   /* From 1; 0 where there is no line. */
    uint32_t column; /* From 1; 0 where there is no column. */
    char text[WHY_TEXT_SIZE];
};

/* Sets the sentence, cut if it is too long, and returns err, so that `return why_say(…)` fails in
 * one line.  An earlier reason is overwritten. */
enum err why_say(struct why *why, enum err err, uint32_t line, const char *format, ...)
    PRINTF(4, 5);

/* The same with a column. */
enum err why_say_at(struct why *why, enum err err, uint32_t line, uint32_t column,
                    const char *format, ...) PRINTF(5, 6);

/* The reason in printable form, "line:column: text" as far as known, or err's own sentence where
 * nothing was said.  Control characters come out as '?'.  The result lives in a static buffer of
 * the thread. */
const char *why_text(const struct why *why, enum err err);
