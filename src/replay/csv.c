/*
 * Tables as text: a row becomes a JSON object, each cell under the name of its column.
 *
 * Cells may be quoted (RFC 4180): then they may hold the separator, line ends, and a quote as two.
 * A quote within a cell that does not begin with one is a character like others.  An empty cell is
 * a field that the event does not have; cells beyond the header have no name and get one by their
 * number.
 *
 * Always true: a row is read once from front to back; a quoted cell ends at its quote or at the end
 * of the row, whichever comes first.
 */

#include <string.h>

#include "base/limits.h"
#include "codec/json_text.h"
#include "replay/private.h"

size_t csv_row_size(struct str text, char separator)
{
    bool begins = true; /* a cell does */
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '\n') {
            return i + 1;
        }
        if (c == '"' && begins) {
            const char *end = NULL;
            do {
                size_t from = end == NULL ? i + 1 : (size_t)(end - text.data) + 2;
                end = from < text.size ? memchr(text.data + from, '"', text.size - from) : NULL;
            } while (end != NULL && end + 1 < text.data + text.size && end[1] == '"');
            if (end == NULL) {
                return STR_NONE;
            }
            i = (size_t)(end - text.data);
        }
        begins = c == separator;
    }
    return STR_NONE;
}

/* Takes a cell off the front of *row: its text in *ret, without quotes (in scratch) where it had
 * some.  *more: another stands behind it, and be it an empty one. */
static enum err cell_cut(struct str *row, char separator, bool *more, struct buf *scratch,
                         struct str *ret)
{
    size_t at = 0;
    *ret = (struct str){0};
    if (row->size > 0 && row->data[0] == '"') {
        buf_reset(scratch);
        for (at = 1; at < row->size; at++) {
            bool quote = row->data[at] == '"';
            bool twice = quote && at + 1 < row->size && row->data[at + 1] == '"';
            if (quote && !twice) {
                at++;
                break;
            }
            at += twice;
            enum err err = buf_append_byte(scratch, row->data[at]);
            if (err != OK) {
                return err;
            }
        }
        *ret = buf_str(scratch);
    } else {
        size_t size = str_find_byte(*row, separator);
        at = size == STR_NONE ? row->size : size;
        *ret = str_slice(*row, 0, at);
    }
    struct str behind = str_slice(*row, at, SIZE_MAX);
    size_t next = str_find_byte(behind, separator);
    *more = next != STR_NONE;
    *row = *more ? str_slice(behind, next + 1, SIZE_MAX) : (struct str){0};
    return OK;
}

enum err csv_header(struct row_maker *maker, struct str header, char separator)
{
    struct buf scratch;
    bool more = true;
    enum err err = OK;
    arena_reset(maker->mem);
    maker->names = ARENA_ARRAY(maker->mem, struct str, CSV_COLUMNS_MAX);
    maker->names_count = 0;
    maker->path = (struct str){0};
    maker->separator = separator;
    if (maker->names == NULL) {
        return ERR_MEMORY;
    }
    buf_init(&scratch, RECORD_SIZE_MAX);
    while (err == OK && more && maker->names_count < CSV_COLUMNS_MAX) {
        struct str name;
        err = cell_cut(&header, separator, &more, &scratch, &name);
        name = str_trim(name);
        err = err == OK && name.size == 0
                  ? arena_print(maker->mem, &name, "column_%zu", maker->names_count + 1)
                  : err;
        err = err == OK ? arena_copy(maker->mem, name, &maker->names[maker->names_count++]) : err;
    }
    buf_done(&scratch);
    return err;
}

enum err csv_row(const struct row_maker *maker, struct str row, struct buf *out)
{
    struct buf scratch;
    bool more = true;
    enum err err = buf_append_byte(out, '{');
    bool first = true;
    buf_init(&scratch, RECORD_SIZE_MAX);
    for (size_t i = 0; err == OK && more && i < CSV_COLUMNS_MAX; i++) {
        struct str cell;
        err = cell_cut(&row, maker->separator, &more, &scratch, &cell);
        if (err != OK || cell.size == 0) {
            continue;
        }
        err = first ? OK : buf_append_byte(out, ',');
        first = false;
        if (err == OK) {
            err = i < maker->names_count ? json_print(out, maker->names[i])
                                         : buf_print(out, "\"column_%zu\"", i + 1);
        }
        err = err == OK ? buf_append_byte(out, ':') : err;
        err = err == OK ? json_print(out, cell) : err;
    }
    buf_done(&scratch);
    return err == OK ? buf_append_byte(out, '}') : err;
}
