/*
 * Zeek's tables: lines that begin with # say what the log is (#path) and how its columns are
 * called (#fields); cells are parted by tabs.  "-" is a field without a value, "(empty)" an empty
 * one, \xHH a byte.
 *
 * A row becomes the JSON object that Zeek itself would have written, with all values as texts, and
 * the log's name as _path.
 */

#include <string.h>

#include "base/limits.h"
#include "codec/hex.h"
#include "codec/json_text.h"
#include "replay/private.h"

enum err zeek_header(struct row_maker *maker, struct str header)
{
    arena_reset(maker->mem);
    maker->names = ARENA_ARRAY(maker->mem, struct str, CSV_COLUMNS_MAX);
    maker->names_count = 0;
    maker->path = (struct str){0};
    maker->separator = '\t';
    enum err err = maker->names == NULL ? ERR_MEMORY : OK;
    while (header.size > 0 && err == OK) {
        struct str line = str_cut(&header, '\n');
        struct str key = str_cut(&line, '\t');
        if (str_equal(key, STR("#path"))) {
            err = arena_copy(maker->mem, str_cut(&line, '\t'), &maker->path);
        }
        if (str_equal(key, STR("#fields"))) {
            maker->names_count = 0;
            while (line.size > 0 && maker->names_count < CSV_COLUMNS_MAX && err == OK) {
                err = arena_copy(maker->mem, str_cut(&line, '\t'),
                                 &maker->names[maker->names_count++]);
            }
        }
    }
    return err;
}

/* The cell with its \xHH undone. */
static enum err cell_read(struct str cell, struct buf *out)
{
    enum err err = OK;
    buf_reset(out);
    for (size_t i = 0; i < cell.size && err == OK; i++) {
        char c = cell.data[i];
        if (c == '\\' && i + 3 < cell.size && cell.data[i + 1] == 'x') {
            int high = hex_digit(cell.data[i + 2]);
            int low = hex_digit(cell.data[i + 3]);
            c = high >= 0 && low >= 0 ? (char)(high * 16 + low) : c;
            i += high >= 0 && low >= 0 ? 3 : 0;
        }
        err = buf_append_byte(out, c);
    }
    return err;
}

enum err zeek_row(const struct row_maker *maker, struct str row, struct buf *out)
{
    struct buf scratch;
    enum err err = buf_append(out, STR("{\"_path\":"));
    err = err == OK ? json_print(out, maker->path) : err;
    buf_init(&scratch, RECORD_SIZE_MAX);
    for (size_t i = 0; i < maker->names_count && row.size > 0 && err == OK; i++) {
        struct str cell = str_cut(&row, '\t');
        if (str_equal(cell, STR("-"))) {
            continue;
        }
        cell = str_equal(cell, STR("(empty)")) ? (struct str){0} : cell;
        err = buf_append_byte(out, ',');
        err = err == OK ? json_print(out, maker->names[i]) : err;
        err = err == OK ? buf_append_byte(out, ':') : err;
        err = err == OK ? cell_read(cell, &scratch) : err;
        err = err == OK ? json_print(out, buf_str(&scratch)) : err;
    }
    buf_done(&scratch);
    return err == OK ? buf_append_byte(out, '}') : err;
}
