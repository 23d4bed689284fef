#pragma once

/*
 * Rows of columns as a person or a machine reads them.
 *
 *     listing_init → listing_row … → listing_end → listing_done
 *
 * As a table, columns are as wide as what stands in the first rows, which wait for that; one object
 * a line as NDJSON, with numbers where the columns are numbers; CSV with a line of names.
 */

#include "base/buf.h"
#include "match/pipes.h"
#include "serve/serve.h"

struct listing {
    enum output_format format;
    const struct table_column *columns;
    size_t count;
    struct buf *out;
    struct str line_end; /* of CSV */
    struct buf cell;     /* the one at hand, as it is shown */
    struct buf waiting;  /* cells of a table whose widths are not yet known */
    size_t waiting_rows;
    size_t *widths;
    bool widths_known;
};

/* Borrows columns and out. */
NODISCARD enum err listing_init(struct listing *listing, enum output_format format,
                                const struct table_column *columns, size_t count, struct buf *out);
NODISCARD enum err listing_row(struct listing *listing, const struct table_cell *cells);
NODISCARD enum err listing_end(struct listing *listing);
void listing_done(struct listing *listing);

/* Several values of a cell as one text, in mem; *ret_none: there is none. */
NODISCARD enum err listing_text(const struct table_cell *cell, struct buf *out);
