/*
 * From a tree of nodes, which know nothing but their places, to a tree of elements, which know
 * their schema.
 *
 * The schema is walked, and each of its keys is looked for in the node; keys that the schema does
 * not have were refused before that, so a mapping is at most as long as the schema is wide.  What
 * is null or empty says nothing and is left out, so that a form may send empty fields.
 *
 * Always true: recursion is as deep as the schema, whatever the text; the elements of a group stand
 * in the schema's order; the canonical text of what was accepted is at most DOCUMENT_SIZE_MAX bytes
 * and is accepted too.
 */

#include "document/document.h"

#include <stdlib.h>

#include "codec/json.h"
#include "document/private.h"

struct reading {
    struct arena *mem;
    struct why *why;
    size_t nodes; /* that the canonical text will have */
};

static enum err node_of(struct str text, struct arena *mem, struct yaml_node **ret,
                        struct why *why);
static enum err canonical_check(const struct document *document, struct why *why);
static enum err value_read(struct reading *reading, const struct schema_element *schema,
                           const struct yaml_node *node, struct element **ret);
static enum err keys_check(struct reading *reading, const struct schema_element *schema,
                           const struct yaml_node *node);
static enum err group_fill(struct reading *reading, const struct yaml_node *node,
                           struct element *element);
static enum err list_read(struct reading *reading, const struct schema_element *schema,
                          const struct yaml_node *node, struct element **ret);
static enum err many_read(struct reading *reading, const struct schema_element *schema,
                          const struct yaml_node *node, struct element **ret);
static enum err words_read(struct reading *reading, const struct schema_element *schema,
                           const struct yaml_node *node, struct element **ret);
static enum err one_read(struct reading *reading, const struct schema_element *schema,
                         const struct yaml_node *node, struct element **ret);

enum err document_read(const struct schema *schema, struct str text, struct arena *mem,
                       struct document *ret, struct why *why)
{
    struct yaml_node *node = NULL;
    enum err err = node_of(text, mem, &node, why);
    if (err == OK && node != NULL && node->next != NULL) {
        err = why_say_at(why, ERR_SYNTAX, node->next->line, node->next->column,
                         "a second document begins here; one is expected");
    }
    return err == OK ? document_read_node(schema, node, mem, ret, why) : err;
}

enum err document_read_node(const struct schema *schema, const struct yaml_node *node,
                            struct arena *mem, struct document *ret, struct why *why)
{
    struct reading reading = {.mem = mem, .why = why};
    struct element *root = NULL;
    enum err err = node != NULL ? value_read(&reading, &schema->root, node, &root) : OK;
    if (err != OK) {
        return err;
    }
    if (root == NULL) {
        root = ARENA_ONE(mem, struct element);
        if (root == NULL) {
            return ERR_MEMORY;
        }
        root->schema = &schema->root;
    }
    struct document made = {.schema = schema, .root = root};
    err = references_check(&made, REFERENCES_INSIDE, NULL, NULL, why);
    if (err == OK) {
        err = canonical_check(&made, why);
    }
    if (err == OK) {
        *ret = made;
    }
    return err;
}

static enum err node_of(struct str text, struct arena *mem, struct yaml_node **ret, struct why *why)
{
    return str_starts(str_trim(text), STR("{")) ? json_parse(text, mem, ret, why)
                                                : yaml_parse(text, mem, ret, why);
}

static enum err canonical_check(const struct document *document, struct why *why)
{
    struct buf out;
    buf_init(&out, DOCUMENT_SIZE_MAX);
    enum err err = document_print(document, &out);
    buf_done(&out);
    return err != ERR_LIMIT
               ? err
               : why_say(why, err, 0, "the document is over %d bytes; split it", DOCUMENT_SIZE_MAX);
}

/* Where a mistake is, and the element that it is in. */
static enum err refuse(struct reading *reading, enum err err, const struct schema_element *schema,
                       const struct yaml_node *node, const char *text)
{
    const char *path = schema->path[0] != '\0' ? schema->path : "the document";
    return why_say_at(reading->why, err, node->line, node->column, "%s: %s", path, text);
}

static enum err element_new(struct reading *reading, const struct schema_element *schema,
                            const struct yaml_node *node, size_t nodes, struct element **ret)
{
    reading->nodes += nodes;
    if (reading->nodes > DOCUMENT_ELEMENTS_MAX) {
        return why_say_at(reading->why, ERR_LIMIT, node->line, node->column,
                          "more than %d elements; split the document", DOCUMENT_ELEMENTS_MAX);
    }
    struct element *element = ARENA_ONE(reading->mem, struct element);
    if (element == NULL) {
        return ERR_MEMORY;
    }
    *element = (struct element){.schema = schema, .line = node->line, .column = node->column};
    *ret = element;
    return OK;
}

/* *ret stays as it is where the node says nothing. */
static enum err value_read(struct reading *reading, const struct schema_element *schema,
                           const struct yaml_node *node, struct element **ret)
{
    if (yaml_is_null(node)) {
        return OK;
    }
    if (schema->type == ELEMENT_LIST) {
        return list_read(reading, schema, node, ret);
    }
    if (schema->many) {
        return many_read(reading, schema, node, ret);
    }
    if (schema->type == ELEMENT_WORDS) {
        return words_read(reading, schema, node, ret);
    }
    if (schema->type != ELEMENT_GROUP) {
        return one_read(reading, schema, node, ret);
    }
    struct element *element;
    enum err err = keys_check(reading, schema, node);
    if (err == OK) {
        err = element_new(reading, schema, node, 1, &element);
    }
    if (err == OK) {
        err = group_fill(reading, node, element);
    }
    if (err == OK && element->count > 0) {
        *ret = element;
    }
    return err;
}

static enum err keys_check(struct reading *reading, const struct schema_element *schema,
                           const struct yaml_node *node)
{
    const char *known[CHILDREN_MAX + 2] = {NULL};
    size_t count = 0;
    if (node->kind != YAML_MAPPING) {
        return refuse(reading, ERR_SYNTAX, schema, node, "a mapping with keys is expected here");
    }
    if (schema->type == ELEMENT_LIST) {
        known[count++] = "slug";
    }
    for (const struct schema_element *child = schema->children; child->key != NULL; child++) {
        known[count++] = child->key;
    }
    for (const struct yaml_node *value = node->first; value != NULL; value = value->next) {
        struct str key = value->key->text;
        size_t i = 0;
        while (i < count && !str_equal(key, str_from(known[i]))) {
            i++;
        }
        if (i < count) {
            continue;
        }
        const char *near = yaml_suggest(key, known);
        return why_say_at(
            reading->why, ERR_SYNTAX, value->key->line, value->key->column,
            near != NULL ? "unknown key '%.*s'; did you mean '%s'?" : "unknown key '%.*s'%s",
            (int)(key.size < 100 ? key.size : 100), key.data, near != NULL ? near : "");
    }
    return OK;
}

/* The keys of a group or an item, whose keys are all known. */
static enum err group_fill(struct reading *reading, const struct yaml_node *node,
                           struct element *element)
{
    struct element *last = NULL;
    const struct schema_element *schema = element->schema;
    for (const struct schema_element *child = schema->children; child->key != NULL; child++) {
        const struct yaml_node *value = yaml_get(node, str_from(child->key));
        struct element *made = NULL;
        enum err err = value != NULL ? value_read(reading, child, value, &made) : OK;
        if (err != OK) {
            return err;
        }
        if (made != NULL) {
            *(last == NULL ? &element->first : &last->next) = made;
            last = made;
            element->count++;
        }
    }
    return OK;
}

static enum err item_read(struct reading *reading, const struct schema_element *schema,
                          const struct yaml_node *node, struct element **ret)
{
    enum err err = keys_check(reading, schema, node);
    const struct yaml_node *slug = yaml_get(node, STR("slug"));
    struct element *item;
    if (err == OK && slug == NULL) {
        return refuse(reading, ERR_SYNTAX, schema, node, "an item needs a slug");
    }
    if (err == OK &&
        (slug->kind != YAML_SCALAR || yaml_is_null(slug) || !str_is_slug(slug->text))) {
        return refuse(reading, ERR_SYNTAX, schema, slug,
                      "a slug has a-z, 0-9 and '-', at most 63 of them");
    }
    if (err == OK) {
        err = element_new(reading, schema, node, 2, &item);
    }
    if (err == OK) {
        err = arena_copy(reading->mem, slug->text, &item->slug);
    }
    if (err == OK) {
        err = group_fill(reading, node, item);
    }
    if (err == OK) {
        *ret = item;
    }
    return err;
}

static int item_compare(const void *a, const void *b)
{
    const struct element *x = *(const struct element *const *)a;
    const struct element *y = *(const struct element *const *)b;
    int order = str_compare(x->slug, y->slug);
    if (order == 0 && x->line != y->line) {
        order = x->line < y->line ? -1 : 1;
    }
    return order != 0 ? order : (x->column < y->column ? -1 : x->column > y->column);
}

/* By sorting, so that many items cost n log n whatever they are. */
static enum err slugs_check(struct reading *reading, const struct element *list)
{
    const struct element **items = calloc(list->count, sizeof *items);
    if (items == NULL) {
        return ERR_MEMORY;
    }
    size_t count = 0;
    for (const struct element *item = list->first; item != NULL; item = item->next) {
        items[count++] = item;
    }
    qsort(items, count, sizeof *items, item_compare);
    enum err err = OK;
    for (size_t i = 1; i < count && err == OK; i++) {
        if (str_equal(items[i - 1]->slug, items[i]->slug)) {
            err = why_say_at(reading->why, ERR_SYNTAX, items[i]->line, items[i]->column,
                             "%s: the slug '%.*s' stands in line %u, column %u already",
                             list->schema->path, STR_ARG(items[i]->slug), items[i - 1]->line,
                             items[i - 1]->column);
        }
    }
    free(items);
    return err;
}

static enum err list_read(struct reading *reading, const struct schema_element *schema,
                          const struct yaml_node *node, struct element **ret)
{
    if (node->kind != YAML_SEQUENCE) {
        return refuse(reading, ERR_SYNTAX, schema, node, "a list of items is expected here");
    }
    if (node->first == NULL) {
        return OK;
    }
    struct element *list;
    struct element *last = NULL;
    enum err err = element_new(reading, schema, node, 1, &list);
    for (const struct yaml_node *at = node->first; at != NULL && err == OK; at = at->next) {
        struct element *item = NULL;
        err = item_read(reading, schema, at, &item);
        if (err == OK) {
            *(last == NULL ? &list->first : &last->next) = item;
            last = item;
            list->count++;
        }
    }
    if (err == OK) {
        err = slugs_check(reading, list);
    }
    if (err == OK) {
        *ret = list;
    }
    return err;
}

static enum err many_read(struct reading *reading, const struct schema_element *schema,
                          const struct yaml_node *node, struct element **ret)
{
    if (node->kind != YAML_SEQUENCE) {
        return refuse(reading, ERR_SYNTAX, schema, node, "a list is expected here: [a, b]");
    }
    struct element *list;
    struct element *last = NULL;
    enum err err = element_new(reading, schema, node, 1, &list);
    for (const struct yaml_node *at = node->first; at != NULL && err == OK; at = at->next) {
        struct element *value = NULL;
        err = yaml_is_null(at) ? OK : one_read(reading, schema, at, &value);
        if (err == OK && value != NULL) {
            *(last == NULL ? &list->first : &last->next) = value;
            last = value;
            list->count++;
        }
    }
    if (err == OK && list->count > 0) {
        *ret = list;
    }
    return err;
}

/* The canonical text of one scalar; empty where it says nothing. */
static enum err text_read(struct reading *reading, const struct schema_element *schema,
                          const struct yaml_node *node, struct scalar *ret)
{
    struct why why = {0};
    struct scalar made = {0};
    bool yes;
    if (node->kind != YAML_SCALAR) {
        return refuse(reading, ERR_SYNTAX, schema, node, "one value is expected here");
    }
    struct str text = str_trim(node->text);
    if (text.size == 0) {
        *ret = made;
        return OK;
    }
    if (schema->type == ELEMENT_YES_NO) {
        if (yaml_bool(node, &yes) != OK) {
            return refuse(reading, ERR_SYNTAX, schema, node, "yes or no is expected here");
        }
        text = yes ? STR("yes") : STR("no");
    }
    if (schema->type == ELEMENT_NUMBER && !node->plain) {
        return refuse(reading, ERR_SYNTAX, schema, node, "a number without quotes is expected");
    }
    enum err err = scalar_read(schema, text, reading->mem, &made, &why);
    if (err != OK) {
        return err == ERR_MEMORY ? err : refuse(reading, err, schema, node, why_text(&why, err));
    }
    err = arena_copy(reading->mem, made.text, &made.text);
    if (err == OK) {
        *ret = made;
    }
    return err;
}

static enum err words_read(struct reading *reading, const struct schema_element *schema,
                           const struct yaml_node *node, struct element **ret)
{
    struct scalar halves[LANGUAGE_COUNT] = {0};
    if (node->kind != YAML_MAPPING) {
        return refuse(reading, ERR_SYNTAX, schema, node, "{ja: …, en: …} is expected here");
    }
    for (const struct yaml_node *half = node->first; half != NULL; half = half->next) {
        enum language language;
        if (language_parse(half->key->text, &language) != OK) {
            return refuse(reading, ERR_SYNTAX, schema, half->key, "the keys here are ja and en");
        }
        enum err err =
            yaml_is_null(half) ? OK : text_read(reading, schema, half, &halves[language]);
        if (err != OK) {
            return err;
        }
    }
    if (halves[LANGUAGE_JA].text.size == 0 && halves[LANGUAGE_EN].text.size == 0) {
        return OK;
    }
    struct element *element;
    enum err err = element_new(reading, schema, node, 3, &element);
    if (err == OK) {
        element->text = halves[LANGUAGE_JA].text;
        element->text_en = halves[LANGUAGE_EN].text;
        *ret = element;
    }
    return err;
}

static enum err one_read(struct reading *reading, const struct schema_element *schema,
                         const struct yaml_node *node, struct element **ret)
{
    struct scalar scalar;
    struct element *element;
    enum err err = text_read(reading, schema, node, &scalar);
    if (err != OK || scalar.text.size == 0) {
        return err;
    }
    err = element_new(reading, schema, node, 1, &element);
    if (err == OK) {
        element->text = scalar.text;
        element->number = scalar.number;
        *ret = element;
    }
    return err;
}
