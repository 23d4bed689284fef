/*
 * Documents: asking for elements, and the canonical text.
 *
 * Canonical JSON: the keys of each object ascend bytewise, `slug` among them; items keep their
 * order; there are no blanks, no empty lists and no nulls; numbers and yes-no are JSON's own, every
 * other value is a string.  Only a disclosed tree (disclose.c) has values without text: they come
 * out as null, which document_read takes for nothing said.
 */

#include "document/document.h"

#include <string.h>

#include "codec/json_text.h"
#include "document/private.h"

static enum err element_print(const struct element *element, struct buf *out);
static enum err object_print(const struct element *element, struct buf *out);

enum err document_print(const struct document *document, struct buf *out)
{
    size_t before = out->size;
    enum err err = element_print(document->root, out);
    if (err != OK) {
        out->size = before;
    }
    return err;
}

const struct element *element_get(const struct element *element, const char *key)
{
    const struct element *child = element != NULL ? element->first : NULL;
    while (child != NULL && strcmp(child->schema->key, key) != 0) {
        child = child->next;
    }
    return child;
}

const struct element *element_item(const struct element *list, struct str slug)
{
    const struct element *item = list != NULL ? list->first : NULL;
    while (item != NULL && !str_equal(item->slug, slug)) {
        item = item->next;
    }
    return item;
}

const struct element *element_at(const struct element *element, struct str path)
{
    while (element != NULL && path.size > 0) {
        struct str key = str_cut(&path, '/');
        element = element->first;
        while (element != NULL && !str_equal(key, str_from(element->schema->key))) {
            element = element->next;
        }
    }
    return element;
}

/* What the schema says of a key that is not there. */
static const struct schema_element *schema_child(const struct element *element, const char *key)
{
    const struct schema_element *child = element != NULL ? element->schema->children : NULL;
    while (child != NULL && child->key != NULL && strcmp(child->key, key) != 0) {
        child++;
    }
    return child != NULL && child->key != NULL && child->initial != NULL ? child : NULL;
}

struct str element_text(const struct element *element, const char *key)
{
    const struct element *child = element_get(element, key);
    if (child != NULL) {
        return child->text;
    }
    const struct schema_element *schema = schema_child(element, key);
    return schema != NULL ? str_from(schema->initial) : (struct str){0};
}

int64_t element_number(const struct element *element, const char *key, int64_t otherwise)
{
    const struct element *child = element_get(element, key);
    if (child != NULL) {
        return child->number;
    }
    const struct schema_element *schema = schema_child(element, key);
    return schema != NULL ? schema->initial_number : otherwise;
}

struct str element_words(const struct element *element, enum language language, bool *ret_missing)
{
    struct str halves[LANGUAGE_COUNT] = {0};
    if (element != NULL) {
        halves[LANGUAGE_JA] = element->text;
        halves[LANGUAGE_EN] = element->text_en;
    }
    bool missing = halves[language].size == 0;
    if (ret_missing != NULL) {
        *ret_missing = missing;
    }
    return halves[missing && language == LANGUAGE_JA ? LANGUAGE_EN
                  : missing                          ? LANGUAGE_JA
                                                     : language];
}

static enum err words_print_json(const struct element *element, struct buf *out)
{
    enum err err = buf_append_byte(out, '{');
    if (err == OK && element->text_en.size > 0) {
        err = buf_append(out, STR("\"en\":"));
        err = err == OK ? json_print(out, element->text_en) : err;
    }
    if (err == OK && element->text.size > 0) {
        err = buf_append(out, element->text_en.size > 0 ? STR(",\"ja\":") : STR("\"ja\":"));
        err = err == OK ? json_print(out, element->text) : err;
    }
    return err == OK ? buf_append_byte(out, '}') : err;
}

static enum err scalar_print(const struct element *element, struct buf *out)
{
    if (element->text.size == 0 && element->text_en.size == 0) {
        return buf_append(out, STR("null"));
    }
    switch (element->schema->type) {
    case ELEMENT_WORDS:
        return words_print_json(element, out);
    case ELEMENT_NUMBER:
        return buf_append(out, element->text);
    case ELEMENT_YES_NO:
        return buf_append(out, element->number != 0 ? STR("true") : STR("false"));
    default:
        return json_print(out, element->text);
    }
}

/* Values of one key, or items of a list. */
static enum err row_print(const struct element *element, bool objects, struct buf *out)
{
    enum err err = buf_append_byte(out, '[');
    for (const struct element *at = element->first; at != NULL && err == OK; at = at->next) {
        err = at != element->first ? buf_append_byte(out, ',') : OK;
        if (err == OK) {
            err = objects ? object_print(at, out) : scalar_print(at, out);
        }
    }
    return err == OK ? buf_append_byte(out, ']') : err;
}

static const char *key_of(const struct element *child)
{
    return child != NULL ? child->schema->key : "slug";
}

/* The children by key; NULL stands for the slug. */
static size_t keys_sort(const struct element *element, const struct element **sorted)
{
    size_t count = element->slug.size > 0 ? 1 : 0;
    sorted[0] = NULL;
    for (const struct element *child = element->first; child != NULL; child = child->next) {
        size_t at = count++;
        while (at > 0 && strcmp(key_of(sorted[at - 1]), key_of(child)) > 0) {
            sorted[at] = sorted[at - 1];
            at--;
        }
        sorted[at] = child;
    }
    return count;
}

static enum err object_print(const struct element *element, struct buf *out)
{
    const struct element *sorted[CHILDREN_MAX + 1];
    size_t count = keys_sort(element, sorted);
    enum err err = buf_append_byte(out, '{');
    for (size_t i = 0; i < count && err == OK; i++) {
        err = buf_print(out, "%s\"%s\":", i > 0 ? "," : "", key_of(sorted[i]));
        if (err == OK) {
            err =
                sorted[i] != NULL ? element_print(sorted[i], out) : json_print(out, element->slug);
        }
    }
    return err == OK ? buf_append_byte(out, '}') : err;
}

static enum err element_print(const struct element *element, struct buf *out)
{
    if (element->schema->type == ELEMENT_LIST) {
        return row_print(element, true, out);
    }
    if (element->schema->type == ELEMENT_GROUP) {
        return object_print(element, out);
    }
    if (element->schema->many && element->first != NULL) {
        return row_print(element, false, out);
    }
    return scalar_print(element, out);
}

/* ---- One list with more items. */

static enum err copies_add(const struct element *list, struct arena *mem,
                           const struct element ***to, size_t *count)
{
    const struct element *item = list != NULL ? list->first : NULL;
    for (; item != NULL; item = item->next) {
        struct element *copy = ARENA_ONE(mem, struct element);
        if (copy == NULL) {
            return ERR_MEMORY;
        }
        *copy = *item;
        copy->next = NULL;
        **to = copy;
        *to = &copy->next;
        (*count)++;
    }
    return OK;
}

static enum err list_join(const struct element *list, const struct element *more, struct arena *mem,
                          struct element **ret)
{
    struct element *joined = ARENA_ONE(mem, struct element);
    const struct element *item = more != NULL ? more->first : NULL;
    if (joined == NULL) {
        return ERR_MEMORY;
    }
    for (; item != NULL && list != NULL; item = item->next) {
        if (element_item(list, item->slug) != NULL) {
            return ERR_EXISTS;
        }
    }
    *joined = list != NULL ? *list : *more;
    joined->first = NULL;
    joined->next = NULL;
    joined->count = 0;
    const struct element **to = &joined->first;
    enum err err = copies_add(list, mem, &to, &joined->count);
    if (err == OK) {
        err = copies_add(more, mem, &to, &joined->count);
    }
    if (err == OK) {
        *ret = joined;
    }
    return err;
}

static enum err child_copy(const struct element *child, struct arena *mem, struct element **ret)
{
    struct element *copy = child != NULL ? ARENA_ONE(mem, struct element) : NULL;
    if (child != NULL && copy == NULL) {
        return ERR_MEMORY;
    }
    if (copy != NULL) {
        *copy = *child;
        copy->next = NULL;
    }
    *ret = copy;
    return OK;
}

enum err document_with_items(const struct document *document, const char *list,
                             const struct document *more, struct arena *mem, struct document *ret)
{
    const struct element *added = element_get(more->root, list);
    const struct schema_element *key = schema_root(document->schema)->children;
    struct element *root = ARENA_ONE(mem, struct element);
    enum err err = root != NULL ? OK : ERR_MEMORY;
    if (err != OK) {
        return err;
    }
    *root = *document->root;
    root->first = NULL;
    root->count = 0;
    const struct element **to = &root->first;
    for (; key->key != NULL && err == OK; key++) {
        const struct element *child = element_get(document->root, key->key);
        struct element *copy = NULL;
        err = added != NULL && strcmp(key->key, list) == 0 ? list_join(child, added, mem, &copy)
                                                           : child_copy(child, mem, &copy);
        if (err == OK && copy != NULL) {
            *to = copy;
            to = &copy->next;
            root->count++;
        }
    }
    if (err == OK) {
        *ret = (struct document){document->schema, root};
    }
    return err;
}
