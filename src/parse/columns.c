/*
 * Texts in columns: comma-separated and the like.  The parser has lists of names; the first whose
 * tests fit names the columns.  A column in quotes may hold the separator, and its own quote twice.
 */

#include <string.h>

#include "base/arena.h"
#include "codec/hex.h"
#include "codec/utf8.h"
#include "parse/private.h"

#define LIST_PARTS_MAX 256 /* Of one column. */

/* The next column, without its quotes; false at the end. */
static bool column_cut(const struct parser *parser, struct str *rest, bool *last, struct str *ret)
{
    if (*last) {
        return false;
    }
    struct str text = *rest;
    if (parser->quote != '\0' && text.size > 0 && text.data[0] == parser->quote) {
        size_t i = 1;
        for (; i < text.size; i++) {
            if (text.data[i] == '\\' && parser->escape) {
                i++;
            } else if (text.data[i] == parser->quote) {
                if (i + 1 < text.size && text.data[i + 1] == parser->quote) {
                    i++;
                    continue;
                }
                break;
            }
        }
        if (i < text.size) {
            *ret = str_slice(text, 1, i - 1);
            text = text_from(text, i + 1);
            *last = !cursor_byte(&text, parser->separator);
            *rest = text;
            return true;
        }
    }
    size_t at = str_find_byte(text, parser->separator);
    *last = at == STR_NONE;
    *ret = str_slice(text, 0, at);
    *rest = *last ? (struct str){0} : text_from(text, at + 1);
    return true;
}

/* A column in quotes as it was before its own quotes were doubled. */
static struct str column_single(struct found *found, const struct parser *parser, struct str column,
                                bool quoted)
{
    char two[2] = {parser->quote, parser->quote};
    if (parser->quote == '\0' || str_find(column, str_of(two, 2)) == STR_NONE || !quoted ||
        found_mem(found) == NULL) {
        return column;
    }
    char *to = arena_take(found->mem, column.size);
    size_t size = 0;
    for (size_t i = 0; to != NULL && i < column.size; i++) {
        to[size++] = column.data[i];
        i += column.data[i] == parser->quote ? 1 : 0;
    }
    return to != NULL ? str_of(to, size) : column;
}

size_t columns_count(struct str text, char separator, size_t enough)
{
    size_t count = 1;
    for (const char *at = text.data; count < enough && at != NULL; count++) {
        size_t left = (size_t)(text.data + text.size - at);
        at = left > 0 ? memchr(at, separator, left) : NULL;
        if (at == NULL) {
            break;
        }
        at++;
    }
    return count;
}

static bool list_fits(const struct parser *parser, const struct column_list *list, struct str text)
{
    for (size_t i = 0; i < list->test_count; i++) {
        struct str rest = text;
        struct str column = {0};
        bool last = false;
        size_t at = 0;
        while (at < list->tests[i].column && column_cut(parser, &rest, &last, &column)) {
            at++;
        }
        if (at < list->tests[i].column ||
            !wanted_fits(list->tests[i].wanted, list->tests[i].count, column)) {
            return false;
        }
    }
    return true;
}

/* Zeek writes what the separators and unprintable bytes would break as \xNN. */
static struct str hex_read(struct found *found, struct str text)
{
    size_t at = str_find(text, STR("\\x"));
    if (at == STR_NONE || found_mem(found) == NULL) {
        return text;
    }
    char *to = arena_take(found->mem, text.size);
    if (to == NULL) {
        return text;
    }
    size_t size = 0;
    for (size_t i = 0; i < text.size;) {
        int high = i + 3 < text.size ? hex_digit(text.data[i + 2]) : -1;
        int low = i + 3 < text.size ? hex_digit(text.data[i + 3]) : -1;
        if (text.data[i] == '\\' && high >= 0 && low >= 0 && text.data[i + 1] == 'x') {
            to[size++] = (char)(high * 16 + low);
            i += 4;
        } else {
            to[size++] = text.data[i++];
        }
    }
    struct str read = str_of(to, size);
    for (size_t i = 0; i < size;) {
        size_t sequence = utf8_sequence(text_from(read, i));
        if (sequence == 0) {
            return text; /* Zeek escapes what is no UTF-8, too: that stays as it is written. */
        }
        i += sequence;
    }
    return read;
}

/* A column of a header, as the header says that it is to be read. */
static void typed_tell(struct found *found, size_t column, struct str name, struct str text)
{
    char separator = ',';
    uint8_t type = memory_type(found, column, &separator);
    bool truth = type == COLUMN_TRUTH && text.size == 1;
    if (truth && (text.data[0] == 'T' || text.data[0] == 'F')) {
        key_tell(found, name, text.data[0] == 'T' ? STR("true") : STR("false"), SPAN_JSON_SCALAR);
    } else if (type == COLUMN_LIST) {
        size_t count = 0;
        while (text.size > 0 && count++ < LIST_PARTS_MAX) {
            key_tell(found, name, hex_read(found, str_cut(&text, separator)), SPAN_RAW);
        }
    } else {
        enum span_how how = type == COLUMN_NUMBER && is_number(text) ? SPAN_JSON_SCALAR : SPAN_RAW;
        key_tell(found, name, type == COLUMN_TEXT ? hex_read(found, text) : text, how);
    }
}

/* By the names of a header. */
static bool named_run(struct found *found, const struct parser *parser, struct str text)
{
    const struct str *names;
    struct str column;
    size_t count = memory_columns(found, parser, &names);
    bool last = false;
    for (size_t i = 0; i < count && column_cut(parser, &text, &last, &column); i++) {
        typed_tell(found, i, names[i], parser->separator == '\t' ? column : str_trim(column));
    }
    return count > 0;
}

bool columns_run(struct found *found, const struct parser *parser, struct str text)
{
    if (parser->header != HEADER_NONE) {
        return named_run(found, parser, text);
    }
    const struct column_list *list = NULL;
    for (size_t i = 0; i < parser->list_count && list == NULL; i++) {
        list = list_fits(parser, &parser->lists[i], text) ? &parser->lists[i] : NULL;
    }
    if (list == NULL) {
        return !parser->rows_required;
    }
    struct str column;
    bool last = false;
    const char *begin = text.data;
    for (size_t i = 0; i < list->count && column_cut(parser, &text, &last, &column); i++) {
        bool quoted = column.size > 0 && column.data > begin && column.data[-1] == parser->quote;
        column = column_single(found, parser, column, quoted);
        (void)take_whole(found, &list->targets[i], str_trim(column), SPAN_RAW);
    }
    return true;
}
