/*
 * A table from a spreadsheet back into a list.
 *
 * The document becomes nodes again, the list's nodes are replaced by those of the rows, and
 * document_read_node judges all of it: one reader, one set of rules, and a mistake names the line
 * of the table and the number of the cell.
 *
 * What the table has no column for (inner lists, and columns that somebody left out) stays as it
 * was in items whose slug is in the table.  An empty cell says that nothing is said.
 */

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "codec/utf8.h"
#include "document/private.h"

struct header {
    const struct column *columns[COLUMNS_MAX + 1]; /* NULL: the slug */
    size_t count;
};

/* The items that the list has, by slug. */
struct items {
    const struct element **sorted;
    size_t count;
};

static enum err table_read(struct table *table, const struct column *columns, size_t count,
                           const struct schema_element *schema, const struct element *list,
                           struct yaml_node *sequence);
static enum err element_node(const struct element *element, struct arena *mem,
                             struct yaml_node **ret);

/* ---- Nodes, made by hand. */

static struct yaml_node *node_new(struct arena *mem, enum yaml_kind kind, struct str text,
                                  bool plain)
{
    struct yaml_node *node = ARENA_ONE(mem, struct yaml_node);
    if (node != NULL) {
        *node = (struct yaml_node){.kind = kind, .text = text, .plain = plain};
    }
    return node;
}

static void node_append(struct yaml_node *parent, struct yaml_node *node)
{
    struct yaml_node **end = &parent->first;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = node;
    parent->count++;
}

/* Sets or replaces a key of a mapping. */
static enum err node_set(struct arena *mem, struct yaml_node *mapping, struct str key,
                         struct yaml_node *node)
{
    for (struct yaml_node **at = &mapping->first; *at != NULL; at = &(*at)->next) {
        if (str_equal((*at)->key->text, key)) {
            node->key = (*at)->key;
            node->next = (*at)->next;
            *at = node;
            return OK;
        }
    }
    node->key = node_new(mem, YAML_SCALAR, key, false);
    if (node->key == NULL) {
        return ERR_MEMORY;
    }
    node->key->line = node->line;
    node->key->column = node->column;
    node_append(mapping, node);
    return OK;
}

static struct yaml_node *node_find(struct yaml_node *mapping, struct str key)
{
    struct yaml_node *at = mapping->first;
    while (at != NULL && !str_equal(at->key->text, key)) {
        at = at->next;
    }
    return at;
}

/* The mapping under a key, made if it is not there. */
static enum err mapping_at(struct arena *mem, struct yaml_node *mapping, struct str key,
                           struct yaml_node **ret)
{
    struct yaml_node *found = node_find(mapping, key);
    if (found != NULL) {
        *ret = found;
        return OK;
    }
    struct yaml_node *made = node_new(mem, YAML_MAPPING, (struct str){0}, false);
    if (made == NULL) {
        return ERR_MEMORY;
    }
    made->line = mapping->line;
    made->column = mapping->column;
    *ret = made;
    return node_set(mem, mapping, key, made);
}

static bool is_plain(const struct schema_element *schema)
{
    return schema->type == ELEMENT_NUMBER || schema->type == ELEMENT_YES_NO;
}

/* ---- A document as nodes, without places. */

static enum err words_node(const struct element *element, struct arena *mem, struct yaml_node *node)
{
    struct yaml_node *ja = node_new(mem, YAML_SCALAR, element->text, false);
    struct yaml_node *en = node_new(mem, YAML_SCALAR, element->text_en, false);
    if (ja == NULL || en == NULL) {
        return ERR_MEMORY;
    }
    enum err err = node_set(mem, node, STR("ja"), ja);
    return err == OK ? node_set(mem, node, STR("en"), en) : err;
}

static enum err keys_node(const struct element *element, struct arena *mem, struct yaml_node *node)
{
    enum err err = OK;
    if (element->slug.size > 0) {
        struct yaml_node *slug = node_new(mem, YAML_SCALAR, element->slug, false);
        err = slug != NULL ? node_set(mem, node, STR("slug"), slug) : ERR_MEMORY;
    }
    for (const struct element *at = element->first; at != NULL && err == OK; at = at->next) {
        struct yaml_node *child;
        err = element_node(at, mem, &child);
        err = err == OK ? node_set(mem, node, str_from(at->schema->key), child) : err;
    }
    return err;
}

static enum err sequence_node(const struct element *element, struct arena *mem,
                              struct yaml_node *node)
{
    struct yaml_node **end = &node->first;
    for (const struct element *at = element->first; at != NULL; at = at->next) {
        struct yaml_node *child;
        enum err err = OK;
        if (at->slug.size > 0) {
            child = node_new(mem, YAML_MAPPING, (struct str){0}, false);
            err = child != NULL ? keys_node(at, mem, child) : ERR_MEMORY;
        } else {
            child = node_new(mem, YAML_SCALAR, at->text, is_plain(at->schema));
            err = child != NULL ? OK : ERR_MEMORY;
        }
        if (err != OK) {
            return err;
        }
        *end = child;
        end = &child->next;
        node->count++;
    }
    return OK;
}

static enum err element_node(const struct element *element, struct arena *mem,
                             struct yaml_node **ret)
{
    const struct schema_element *schema = element->schema;
    bool sequence = schema->type == ELEMENT_LIST || schema->many;
    bool mapping = schema->type == ELEMENT_GROUP || schema->type == ELEMENT_WORDS;
    struct yaml_node *node = node_new(mem,
                                      sequence  ? YAML_SEQUENCE
                                      : mapping ? YAML_MAPPING
                                                : YAML_SCALAR,
                                      element->text, is_plain(schema));
    if (node == NULL) {
        return ERR_MEMORY;
    }
    *ret = node;
    if (sequence) {
        return sequence_node(element, mem, node);
    }
    if (mapping) {
        return schema->type == ELEMENT_WORDS ? words_node(element, mem, node)
                                             : keys_node(element, mem, node);
    }
    return OK;
}

/* ---- Reading. */

/* Spreadsheets in Japan write Shift_JIS unless they are told otherwise: that has to be said. */
static enum err csv_encoding(struct str csv, struct why *why)
{
    uint32_t line = 1;
    for (size_t at = 0; at < csv.size;) {
        size_t size = utf8_sequence(str_slice(csv, at, 4));
        if (size == 0) {
            return why_say_at(why, ERR_SYNTAX, line, 1,
                              "the table is not UTF-8; in the spreadsheet choose 'CSV UTF-8' "
                              "(not Shift_JIS) when saving");
        }
        line += csv.data[at] == '\n';
        at += size;
    }
    return OK;
}

enum err document_read_csv(const struct document *document, struct str path, struct str csv,
                           struct arena *mem, struct document *ret, struct why *why)
{
    struct column columns[COLUMNS_MAX];
    size_t count;
    const struct schema_element *schema;
    struct table table;
    table_init(&table, csv, mem, why);
    enum err err = columns_of(document->schema, path, columns, &count, &schema);
    if (err != OK || csv.size > YAML_SIZE_MAX) {
        return err != OK ? err
                         : why_say(why, ERR_LIMIT, 0, "the table is over %d bytes", YAML_SIZE_MAX);
    }
    err = csv_encoding(csv, why);
    if (err != OK) {
        return err;
    }
    struct yaml_node *sequence = node_new(mem, YAML_SEQUENCE, (struct str){0}, false);
    struct yaml_node *root;
    if (sequence == NULL) {
        return ERR_MEMORY;
    }
    err = element_node(document->root, mem, &root);
    struct yaml_node *parent = root;
    struct str rest = path;
    struct str key = str_cut(&rest, '/');
    while (err == OK && rest.size > 0) {
        err = mapping_at(mem, parent, key, &parent);
        key = str_cut(&rest, '/');
    }
    err = err == OK ? node_set(mem, parent, key, sequence) : err;
    if (err == OK) {
        err =
            table_read(&table, columns, count, schema, element_at(document->root, path), sequence);
    }
    return err == OK ? document_read_node(document->schema, root, mem, ret, why) : err;
}

static enum err column_find(struct table *table, struct str name, const struct column *columns,
                            size_t count, struct header *header)
{
    const struct column *found = NULL;
    const char *names[COLUMNS_MAX + 2] = {"slug"};
    for (size_t i = 0; i < count; i++) {
        names[i + 1] = columns[i].name;
        found = str_equal(name, str_from(columns[i].name)) ? &columns[i] : found;
    }
    if (found == NULL && !str_equal(name, STR("slug"))) {
        const char *near = yaml_suggest(name, names);
        return why_say_at(
            table->why, ERR_SYNTAX, table->line, (uint32_t)header->count + 1,
            near != NULL ? "unknown column '%.*s'; did you mean '%s'?" : "unknown column '%.*s'%s",
            (int)(name.size < 100 ? name.size : 100), name.data, near != NULL ? near : "");
    }
    for (size_t i = 0; i < header->count; i++) {
        if (header->columns[i] == found) {
            return table_refuse(table, header->count, "this column stands twice");
        }
    }
    header->columns[header->count++] = found;
    return OK;
}

static enum err header_read(struct table *table, const struct column *columns, size_t count,
                            struct header *header)
{
    struct str cells[COLUMNS_MAX + 1];
    size_t cell_count;
    bool slug = false;
    enum err err = table_take(table, cells, &cell_count);
    for (size_t i = 0; i < cell_count && err == OK; i++) {
        err = column_find(table, str_trim(cells[i]), columns, count, header);
        slug = slug || (err == OK && header->columns[i] == NULL);
    }
    return err == OK && !slug
               ? table_refuse(table, 0, "the table needs a header with a column 'slug'")
               : err;
}

static struct yaml_node *cell_node(struct table *table, size_t cell, enum yaml_kind kind,
                                   struct str text, bool plain)
{
    struct yaml_node *node = node_new(table->mem, kind, text, plain);
    if (node != NULL) {
        node->line = table->line;
        node->column = (uint32_t)cell + 1;
    }
    return node;
}

/* Values of `many`: cut at each ';' that has no '\' in front. */
static enum err many_cut(struct table *table, size_t cell, struct str text,
                         const struct schema_element *schema, struct yaml_node *sequence)
{
    struct yaml_node **end = &sequence->first;
    char *bytes = arena_take(table->mem, text.size + 1);
    if (bytes == NULL) {
        return ERR_MEMORY;
    }
    size_t from = 0;
    size_t size = 0;
    for (size_t i = 0; i <= text.size; i++) {
        if (i < text.size && text.data[i] != ';') {
            i += text.data[i] == '\\' && i + 1 < text.size;
            bytes[size++] = text.data[i];
            continue;
        }
        *end = cell_node(table, cell, YAML_SCALAR, str_of(bytes + from, size - from),
                         is_plain(schema));
        if (*end == NULL) {
            return ERR_MEMORY;
        }
        end = &(*end)->next;
        sequence->count++;
        from = size;
    }
    return OK;
}

/* The mapping that the cell of a column belongs into, and its key there. */
static enum err parent_at(struct table *table, const struct column *column,
                          const struct schema_element *list, struct yaml_node **parent,
                          struct str *ret_key)
{
    struct str rest = str_from(column->schema->path + strlen(list->path) + 1);
    struct str key = str_cut(&rest, '/');
    enum err err = OK;
    while (rest.size > 0 && err == OK) {
        err = mapping_at(table->mem, *parent, key, parent);
        key = str_cut(&rest, '/');
    }
    if (column->half != LANGUAGE_COUNT && err == OK) {
        err = mapping_at(table->mem, *parent, key, parent);
        key = str_from(language_text(column->half));
    }
    *ret_key = key;
    return err;
}

/* Puts a cell where its column says. */
static enum err cell_set(struct table *table, size_t cell, struct str text,
                         const struct column *column, const struct schema_element *list,
                         struct yaml_node *item)
{
    struct yaml_node *parent = item;
    struct str key;
    bool many = column->schema->many;
    enum err err = parent_at(table, column, list, &parent, &key);
    if (err != OK || (text.size == 0 && node_find(parent, key) == NULL)) {
        return err;
    }
    struct yaml_node *node = cell_node(table, cell, many ? YAML_SEQUENCE : YAML_SCALAR, text,
                                       text.size > 0 && is_plain(column->schema));
    if (node == NULL) {
        return ERR_MEMORY;
    }
    if (many) {
        err = many_cut(table, cell, text, column->schema, node);
    }
    return err == OK ? node_set(table->mem, parent, key, node) : err;
}

static int slug_compare(const void *a, const void *b)
{
    return str_compare((*(const struct element *const *)a)->slug,
                       (*(const struct element *const *)b)->slug);
}

/* A row, on top of the item that has its slug. */
static enum err row_node(struct table *table, const struct header *header, const struct str *cells,
                         const struct schema_element *schema, const struct items *items,
                         struct yaml_node **ret)
{
    struct element wanted = {0};
    const struct element *key = &wanted;
    size_t slug = 0;
    while (header->columns[slug] != NULL) {
        slug++;
    }
    wanted.slug = str_trim(cells[slug]);
    const struct element **old = items->count > 0 ? bsearch(&key, items->sorted, items->count,
                                                            sizeof *items->sorted, slug_compare)
                                                  : NULL;
    struct yaml_node *node = cell_node(table, 0, YAML_MAPPING, (struct str){0}, false);
    struct yaml_node *name = cell_node(table, slug, YAML_SCALAR, wanted.slug, false);
    if (node == NULL || name == NULL) {
        return ERR_MEMORY;
    }
    enum err err = old != NULL ? keys_node(*old, table->mem, node) : OK;
    err = err == OK ? node_set(table->mem, node, STR("slug"), name) : err;
    for (size_t i = 0; i < header->count && err == OK; i++) {
        if (i != slug) {
            err = cell_set(table, i, cells[i], header->columns[i], schema, node);
        }
    }
    *ret = node;
    return err;
}

static enum err rows_read(struct table *table, const struct header *header,
                          const struct schema_element *schema, const struct items *items,
                          struct yaml_node *sequence)
{
    struct str cells[COLUMNS_MAX + 1];
    struct yaml_node **end = &sequence->first;
    size_t count;
    enum err err = table_take(table, cells, &count);
    while (err == OK && count > 0) {
        if (count != header->count) {
            return why_say_at(table->why, ERR_SYNTAX, table->line, (uint32_t)count,
                              "%zu cells; the header has %zu", count, header->count);
        }
        err = row_node(table, header, cells, schema, items, end);
        if (err == OK) {
            end = &(*end)->next;
            sequence->count++;
            err = table_take(table, cells, &count);
        }
    }
    return err;
}

static enum err table_read(struct table *table, const struct column *columns, size_t count,
                           const struct schema_element *schema, const struct element *list,
                           struct yaml_node *sequence)
{
    struct header header = {.count = 0};
    struct items items = {0};
    enum err err = header_read(table, columns, count, &header);
    if (err != OK) {
        return err;
    }
    if (list != NULL) {
        items.sorted = calloc(list->count + 1, sizeof *items.sorted);
        if (items.sorted == NULL) {
            return ERR_MEMORY;
        }
        for (const struct element *at = list->first; at != NULL; at = at->next) {
            items.sorted[items.count++] = at;
        }
        qsort(items.sorted, items.count, sizeof *items.sorted, slug_compare);
    }
    err = rows_read(table, &header, schema, &items, sequence);
    free(items.sorted);
    return err;
}
