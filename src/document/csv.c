/*
 * A list as a table for a spreadsheet: RFC 4180, UTF-8, lines ended by CR LF.
 *
 *     slug,name.ja,name.en,type,…,confirmation/every,…
 *
 * A column is named by the keys from the item down to the scalar; words have one a language. Values
 * of `many` are joined by ';'; a ';' or '\' of their own gets a '\' in front.
 *
 * A cell that begins with = + - @ (in full width too) or a tab is a formula to some spreadsheet,
 * and a formula can run commands and send cells away.  Such cells get an apostrophe in front, and
 * so do cells that begin with an apostrophe, so that csv_read.c can take off exactly what was put
 * there.
 */

#include <stdio.h>
#include <string.h>

#include "document/private.h"

static enum err columns_add(const struct schema_element *list, const struct schema_element *group,
                            struct column *columns, size_t *count);

enum err columns_of(const struct schema *schema, struct str path, struct column *ret,
                    size_t *ret_count, const struct schema_element **ret_list)
{
    const struct schema_element *list = path.size > 0 ? schema_element_find(schema, path) : NULL;
    if (list == NULL || list->type != ELEMENT_LIST) {
        return ERR_NOT_FOUND;
    }
    const struct schema_element *at = &schema->root; /* on the way down no other list may stand */
    for (struct str rest = path; rest.size > 0;) {
        if (at->type == ELEMENT_LIST) {
            return ERR_NOT_FOUND;
        }
        struct str key = str_cut(&rest, '/');
        at = at->children;
        while (!str_equal(key, str_from(at->key))) {
            at++;
        }
    }
    *ret_count = 0;
    *ret_list = list;
    return columns_add(list, list, ret, ret_count);
}

static enum err column_add(const struct schema_element *list, const struct schema_element *element,
                           enum language half, struct column *columns, size_t *count)
{
    static const char *const endings[LANGUAGE_COUNT + 1] = {".ja", ".en", ""};
    if (*count == COLUMNS_MAX) {
        return ERR_LIMIT;
    }
    struct column *column = &columns[(*count)++];
    column->schema = element;
    column->half = half;
    int size = snprintf(column->name, sizeof column->name, "%s%s",
                        element->path + strlen(list->path) + 1, endings[half]);
    return size > 0 && (size_t)size < sizeof column->name ? OK : ERR_LIMIT;
}

/* Groups are gone into; they nest as deep as the schema. */
static enum err columns_add(const struct schema_element *list, const struct schema_element *group,
                            struct column *columns, size_t *count)
{
    enum err err = OK;
    for (const struct schema_element *child = group->children; child->key != NULL && err == OK;
         child++) {
        if (child->type == ELEMENT_GROUP) {
            err = columns_add(list, child, columns, count);
        } else if (child->type == ELEMENT_WORDS) {
            err = column_add(list, child, LANGUAGE_JA, columns, count);
            err = err == OK ? column_add(list, child, LANGUAGE_EN, columns, count) : err;
        } else if (child->type != ELEMENT_LIST) {
            err = column_add(list, child, LANGUAGE_COUNT, columns, count);
        }
    }
    return err;
}

static enum err many_join(const struct element *element, struct buf *cell)
{
    enum err err = OK;
    for (const struct element *at = element->first; at != NULL && err == OK; at = at->next) {
        err = at != element->first ? buf_append_byte(cell, ';') : OK;
        for (size_t i = 0; i < at->text.size && err == OK; i++) {
            char c = at->text.data[i];
            err = c == ';' || c == '\\' ? buf_append_byte(cell, '\\') : OK;
            err = err == OK ? buf_append_byte(cell, c) : err;
        }
    }
    return err;
}

static void cell_write(struct writer *writer, struct str text)
{
    bool formula = formula_begins(text);
    bool quoted = false;
    for (size_t i = 0; i < text.size; i++) {
        quoted = quoted || memchr(",\"\r\n", text.data[i], 4) != NULL;
    }
    writer_add(writer, quoted ? "\"" : "");
    writer_add(writer, formula ? "'" : "");
    while (quoted && str_find_byte(text, '"') != STR_NONE) {
        writer_add_str(writer, str_cut(&text, '"'));
        writer_add(writer, "\"\"");
    }
    writer_add_str(writer, text);
    writer_add(writer, quoted ? "\"" : "");
}

static void value_write(struct writer *writer, const struct element *item,
                        const struct column *column, struct buf *cell)
{
    struct str path = str_from(column->schema->path + strlen(item->schema->path) + 1);
    const struct element *element = element_at(item, path);
    writer_add(writer, ",");
    if (element == NULL || writer->err != OK) {
        return;
    }
    if (element->first != NULL) {
        buf_reset(cell);
        writer->err = many_join(element, cell);
        cell_write(writer, buf_str(cell));
    } else {
        cell_write(writer, column->half == LANGUAGE_EN ? element->text_en : element->text);
    }
}

enum err document_print_csv(const struct document *document, struct str path, struct buf *out)
{
    struct column columns[COLUMNS_MAX];
    size_t count;
    const struct schema_element *schema;
    struct buf cell;
    struct writer writer = {.out = out};
    size_t before = out->size;
    enum err err = columns_of(document->schema, path, columns, &count, &schema);
    if (err != OK) {
        return err;
    }
    buf_init(&cell, 2 * DOCUMENT_SIZE_MAX);
    writer_add(&writer, "slug");
    for (size_t i = 0; i < count; i++) {
        writer_add(&writer, ",");
        writer_add(&writer, columns[i].name);
    }
    writer_add(&writer, "\r\n");
    const struct element *list = element_at(document->root, path);
    for (const struct element *item = list != NULL ? list->first : NULL; item != NULL;
         item = item->next) {
        cell_write(&writer, item->slug);
        for (size_t i = 0; i < count; i++) {
            value_write(&writer, item, &columns[i], &cell);
        }
        writer_add(&writer, "\r\n");
    }
    buf_done(&cell);
    if (writer.err != OK) {
        out->size = before;
    }
    return writer.err;
}
