/*
 * The lines of a table, cut into cells.
 *
 *     RFC 4180, section 2    lines end with CR LF; a quote stands at the ends of a cell, or twice.
 *     OUR reading            LF alone is a line's end too; a UTF-8 mark in front is passed over, as
 *                            are empty lines; a stray quote is refused.
 *
 * An apostrophe that csv.c put in front of what looks like a formula is taken off.
 *
 * Always true: `line` is that in which the record at hand begins, `lines` the one of the next byte.
 */

#include <string.h>

#include "document/private.h"

void table_init(struct table *table, struct str csv, struct arena *mem, struct why *why)
{
    if (str_starts(csv, STR("\xef\xbb\xbf"))) {
        csv = str_slice(csv, 3, csv.size);
    }
    *table = (struct table){.rest = csv, .line = 1, .lines = 1, .mem = mem, .why = why};
}

bool formula_begins(struct str text)
{
    static const char *const signs[] = {"=", "+",  "-",  "@",  "\t", "\r",
                                        "'", "＝", "＋", "－", "＠"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (str_starts(text, str_from(signs[i]))) {
            return true;
        }
    }
    return false;
}

enum err table_refuse(const struct table *table, size_t cell, const char *text)
{
    return why_say_at(table->why, ERR_SYNTAX, table->line, (uint32_t)cell + 1, "%s", text);
}

/* Where a cell in quotes, its opening one at hand, has its closing one; the size if it has none. */
static size_t quoted_end(struct str rest)
{
    size_t at = 1;
    while (at < rest.size &&
           (rest.data[at] != '"' || (at + 1 < rest.size && rest.data[at + 1] == '"'))) {
        at += rest.data[at] == '"' ? 2 : 1;
    }
    return at;
}

/* Goes to what must be the cell's end. */
static enum err quoted_take(struct table *table, size_t cell, struct str *ret)
{
    size_t end = quoted_end(table->rest);
    if (end >= table->rest.size) {
        return table_refuse(table, cell, "the quoted cell does not end");
    }
    struct str inside = str_slice(table->rest, 1, end - 1);
    char *bytes = arena_take(table->mem, inside.size + 1);
    size_t size = 0;
    if (bytes == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < inside.size; i++) {
        i += inside.data[i] == '"'; /* the first of two */
        table->lines += inside.data[i] == '\n';
        bytes[size++] = inside.data[i];
    }
    table->rest = str_slice(table->rest, end + 1, table->rest.size);
    *ret = str_of(bytes, size);
    return OK;
}

/* The next cell, and whether its line ends with it. */
static enum err cell_take(struct table *table, size_t cell, struct str *ret, bool *ret_last)
{
    struct str rest = table->rest;
    if (str_starts(rest, STR("\""))) {
        enum err err = quoted_take(table, cell, ret);
        if (err != OK) {
            return err;
        }
        rest = table->rest;
    } else {
        size_t size = 0;
        while (size < rest.size && rest.data[size] != ',' && rest.data[size] != '\n') {
            size++;
        }
        bool crlf =
            size > 0 && size < rest.size && rest.data[size] == '\n' && rest.data[size - 1] == '\r';
        *ret = str_slice(rest, 0, size - crlf);
        rest = str_slice(rest, size - crlf, rest.size);
        if (str_find_byte(*ret, '"') != STR_NONE) {
            return table_refuse(table, cell,
                                "a quote in a cell without quotes; write it twice, in quotes");
        }
    }
    bool crlf = str_starts(rest, STR("\r\n"));
    *ret_last = rest.size == 0 || crlf || rest.data[0] == '\n';
    if (!*ret_last && rest.data[0] != ',') {
        return table_refuse(table, cell, "something follows the closing quote");
    }
    table->lines += *ret_last;
    table->rest = str_slice(rest, crlf ? 2 : 1, rest.size);
    return OK;
}

enum err table_take(struct table *table, struct str cells[COLUMNS_MAX + 1], size_t *ret_count)
{
    *ret_count = 0;
    while (table->rest.size > 0) {
        size_t count = 0;
        bool last = false;
        table->line = table->lines;
        while (!last) {
            if (count == COLUMNS_MAX + 1) {
                return table_refuse(table, count, "more cells than the table can have");
            }
            enum err err = cell_take(table, count, &cells[count], &last);
            if (err != OK) {
                return err;
            }
            if (str_starts(cells[count], STR("'")) &&
                formula_begins(str_slice(cells[count], 1, cells[count].size))) {
                cells[count] = str_slice(cells[count], 1, cells[count].size);
            }
            count++;
        }
        if (count > 1 || cells[0].size > 0) {
            *ret_count = count;
            return OK;
        }
    }
    return OK;
}
