#pragma once

/*
 * Sheets of A4 that fill from the top: the room's only door to cairo, pango and fontconfig.
 *
 *     sheet_print → draw: sheet_title, sheet_heading, sheet_text, sheet_fact, sheet_table …
 *
 * The drawing runs twice, since the foot of each page says how many there are; it must draw the
 * same both times.
 */

#include "base/buf.h"
#include "base/clock.h"
#include "base/why.h"
#include "words/words.h"

struct sheet;
struct sheet_settings {
    enum language language;
    struct str title; /* of the document */
    struct str foot;  /* at the foot of each page, on the left */
    struct wall now;  /* the only time that the file bears */
};
typedef void sheet_draw(struct sheet *sheet, void *context);

/* Appends the PDF. */
NODISCARD enum err sheet_print(const struct sheet_settings *settings, sheet_draw *draw,
                               void *context, struct buf *out, struct why *why);

void sheet_title(struct sheet *sheet, struct str title, struct str under);
void sheet_heading(struct sheet *sheet, struct str text);
void sheet_text(struct sheet *sheet, struct str text);
/* A name and what it is; mono: digits of one width, for hashes. */
void sheet_fact(struct sheet *sheet, struct str name, struct str value, bool mono);

#define SHEET_COLUMNS_MAX 6
struct sheet_column {
    struct str name;
    double share; /* of the width; all together 1 */
    bool right, mono;
};
/* The first row names the columns; it stands again at the head of each page. */
void sheet_table_begin(struct sheet *sheet, const struct sheet_column *columns, size_t count);
void sheet_table_row(struct sheet *sheet, const struct str *cells);
void sheet_table_end(struct sheet *sheet);
