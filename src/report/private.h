#pragma once

/* What both documents share: words filled in, numbers and times as a person reads them. */

#include "report/report.h"
#include "report/sheet.h"

/* A document being drawn: the first error ends it, and everything after it does nothing. */
struct pen {
    struct sheet *sheet;
    enum language language;
    struct buf text; /* of the sentence that is being filled in */
    enum err err;
};
#define PEN_NUMBER_SIZE 48

/* The word itself; and with its placeholders filled, borrowed until the next one. */
struct str pen_word(const struct pen *pen, enum word word);
struct str pen_print(struct pen *pen, enum word word, const struct words_value *values,
                     size_t count);
/* "1,234,567"; text holds it. */
struct str pen_number(uint64_t number, char text[PEN_NUMBER_SIZE]);
/* "12.3 MB (12,345,678)"; */
struct str pen_size(uint64_t size, char text[PEN_NUMBER_SIZE]);
/* "2026-09-21 14:13:20 UTC"; a dash for a time that nobody knows. */
struct str pen_moment(const struct pen *pen, struct wall wall, char text[PEN_NUMBER_SIZE]);
/* A fact whose name is a word. */
void pen_fact(struct pen *pen, enum word name, struct str value, bool mono);
