/*
 * Rows as text.  Bytes of logs reach a terminal as visible_append makes them; CSV is guarded
 * against formulas; JSON is valid whatever the bytes are.
 *
 * Always true: a table's line of names stands before its first row, also where there is no row.
 */

#include "serve/listing.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "codec/json_text.h"
#include "codec/visible.h"
#include "serve/reading.h"

#define ROWS_WAIT_MAX 1000
#define WAITING_MAX   ((size_t)4 * 1024 * 1024)
#define WIDTH_MAX     60

enum err listing_init(struct listing *listing, enum output_format format,
                      const struct table_column *columns, size_t count, struct buf *out)
{
    *listing = (struct listing){
        .format = format, .columns = columns, .count = count, .out = out, .line_end = STR("\n")};
    buf_init(&listing->cell, WAITING_MAX);
    buf_init(&listing->waiting, 2 * WAITING_MAX);
    listing->widths = calloc(count + 1, sizeof *listing->widths);
    return listing->widths == NULL ? ERR_MEMORY : OK;
}

void listing_done(struct listing *listing)
{
    buf_done(&listing->cell);
    buf_done(&listing->waiting);
    free(listing->widths);
    listing->widths = NULL;
}

/* What a terminal needs for it: most of what lies above the Latin scripts is two columns wide. */
static size_t width_of(struct str shown)
{
    size_t width = 0;
    for (size_t i = 0; i < shown.size; i++) {
        unsigned char c = (unsigned char)shown.data[i];
        width += c < 0x80 || (c >= 0xc0 && c < 0xe3) ? 1 : c >= 0xe3 ? 2 : 0;
    }
    return width;
}

enum err listing_text(const struct table_cell *cell, struct buf *out)
{
    enum err err = OK;
    for (size_t i = 0; i < cell->count && err == OK; i++) {
        err = i > 0 ? buf_append(out, STR(", ")) : OK;
        err = err == OK ? buf_append(out, cell->values[i]) : err;
    }
    return err;
}

/* ---- Tables. */

static enum err table_cell_put(struct listing *listing, size_t column, struct str shown)
{
    size_t width = width_of(shown);
    enum err err = buf_append(listing->out, shown);
    if (column + 1 == listing->count) {
        return err == OK ? buf_append_byte(listing->out, '\n') : err;
    }
    for (size_t i = width; i < listing->widths[column] + 2 && err == OK; i++) {
        err = buf_append_byte(listing->out, ' ');
    }
    if (err == OK && width > listing->widths[column]) {
        err = buf_append(listing->out, STR("  "));
    }
    return err;
}

static void width_note(struct listing *listing, size_t column, struct str shown)
{
    size_t width = width_of(shown);
    width = width < WIDTH_MAX ? width : WIDTH_MAX;
    if (width > listing->widths[column]) {
        listing->widths[column] = width;
    }
}

/* The line of names, and the rows that waited. */
static enum err waiting_put(struct listing *listing)
{
    struct str rest = buf_str(&listing->waiting);
    enum err err = OK;
    listing->widths_known = true;
    for (size_t i = 0; i < listing->count && err == OK; i++) {
        buf_reset(&listing->cell);
        err = visible_append(&listing->cell, listing->columns[i].name);
        width_note(listing, i, buf_str(&listing->cell));
        err = err == OK ? table_cell_put(listing, i, buf_str(&listing->cell)) : err;
    }
    for (size_t at = 0; rest.size > 0 && err == OK; at++) {
        size_t size = get_u32(rest.data);
        err = table_cell_put(listing, at % listing->count, str_slice(rest, 4, size));
        rest = str_slice(rest, 4 + size, SIZE_MAX);
    }
    buf_reset(&listing->waiting);
    return err;
}

static enum err table_row_put(struct listing *listing, const struct table_cell *cells)
{
    enum err err = OK;
    for (size_t i = 0; i < listing->count && err == OK; i++) {
        struct buf text;
        buf_init(&text, WAITING_MAX);
        buf_reset(&listing->cell);
        err = listing_text(&cells[i], &text);
        err = err == OK ? visible_append(&listing->cell, buf_str(&text)) : err;
        buf_done(&text);
        if (err == OK && listing->widths_known) {
            err = table_cell_put(listing, i, buf_str(&listing->cell));
        } else if (err == OK) {
            char size[4];
            put_u32(size, (uint32_t)listing->cell.size);
            width_note(listing, i, buf_str(&listing->cell));
            err = buf_append(&listing->waiting, str_of(size, sizeof size));
            err = err == OK ? buf_append(&listing->waiting, buf_str(&listing->cell)) : err;
        }
    }
    if (err == OK && !listing->widths_known &&
        (++listing->waiting_rows == ROWS_WAIT_MAX || listing->waiting.size > WAITING_MAX / 2)) {
        err = waiting_put(listing);
    }
    return err;
}

/* ---- NDJSON and CSV. */

static enum err json_cell(const struct listing *listing, size_t column,
                          const struct table_cell *cell)
{
    enum err err = OK;
    if (cell->count == 0) {
        return buf_append(listing->out, STR("null"));
    }
    if (listing->columns[column].number && cell->count == 1) {
        return buf_append(listing->out, cell->values[0]);
    }
    err = cell->count > 1 ? buf_append_byte(listing->out, '[') : OK;
    for (size_t i = 0; i < cell->count && err == OK; i++) {
        err = i > 0 ? buf_append_byte(listing->out, ',') : OK;
        err = err == OK ? json_print(listing->out, cell->values[i]) : err;
    }
    return err == OK && cell->count > 1 ? buf_append_byte(listing->out, ']') : err;
}

static enum err json_row(const struct listing *listing, const struct table_cell *cells)
{
    enum err err = OK;
    for (size_t i = 0; i < listing->count && err == OK; i++) {
        err = buf_append_byte(listing->out, i == 0 ? '{' : ',');
        err = err == OK ? json_print(listing->out, listing->columns[i].name) : err;
        err = err == OK ? buf_append_byte(listing->out, ':') : err;
        err = err == OK ? json_cell(listing, i, &cells[i]) : err;
    }
    return err == OK ? buf_append(listing->out, STR("}\n")) : err;
}

static enum err csv_row(struct listing *listing, const struct table_cell *cells)
{
    enum err err = OK;
    for (size_t i = 0; i < listing->count && err == OK; i++) {
        bool number = listing->columns[i].number && cells != NULL;
        buf_reset(&listing->cell);
        err = cells != NULL ? listing_text(&cells[i], &listing->cell)
                            : buf_append(&listing->cell, listing->columns[i].name);
        err = err == OK && i > 0 ? buf_append_byte(listing->out, ',') : err;
        if (err == OK) {
            err = number ? buf_append(listing->out, buf_str(&listing->cell))
                         : reading_cell(listing->out, buf_str(&listing->cell));
        }
    }
    return err == OK ? buf_append(listing->out, listing->line_end) : err;
}

static enum err head_put(struct listing *listing)
{
    listing->widths_known = true;
    return csv_row(listing, NULL);
}

enum err listing_row(struct listing *listing, const struct table_cell *cells)
{
    if (listing->format == FORMAT_NDJSON) {
        return json_row(listing, cells);
    }
    if (listing->format == FORMAT_TABLE) {
        return table_row_put(listing, cells);
    }
    enum err err = listing->widths_known ? OK : head_put(listing);
    return err == OK ? csv_row(listing, cells) : err;
}

enum err listing_end(struct listing *listing)
{
    if (listing->widths_known || listing->format == FORMAT_NDJSON) {
        return OK;
    }
    return listing->format == FORMAT_TABLE ? waiting_put(listing) : head_put(listing);
}
