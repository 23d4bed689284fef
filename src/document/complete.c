/*
 * What is still open in a document: required elements of what exists.  A partial document is legal
 * all the same (R035); this only counts.
 *
 * A value that the schema gives where nothing is said does not fill a required element: somebody
 * has to say it.  Words count twice, once a language; words that are not required count as soon as
 * one half is there.
 */

#include "document/private.h"

struct open {
    struct str path;
    struct open *next;
};

struct count {
    struct arena *mem;
    struct buf path;
    struct document_completeness made;
    struct open *first, *last;
};

static enum err children_count(struct count *count, const struct schema_element *schema,
                               const struct element *element);

static enum err open_list(struct count *count)
{
    count->made.open = ARENA_ARRAY(count->mem, struct str, count->made.open_count + 1);
    if (count->made.open == NULL) {
        return ERR_MEMORY;
    }
    size_t i = 0;
    for (const struct open *open = count->first; open != NULL; open = open->next) {
        count->made.open[i++] = open->path;
    }
    return OK;
}

enum err document_complete(const struct document *document, struct arena *mem,
                           struct document_completeness *ret)
{
    struct count count = {.mem = mem};
    buf_init(&count.path, ELEMENT_PATH_SIZE_MAX);
    enum err err = children_count(&count, document->root->schema, document->root);
    buf_done(&count.path);
    if (err == OK) {
        err = open_list(&count);
    }
    if (err == OK) {
        *ret = count.made;
    }
    return err;
}

/* One wanted element at the path, with `half` behind it. */
static enum err want(struct count *count, bool there, const char *half)
{
    count->made.wanted++;
    if (there) {
        count->made.there++;
        return OK;
    }
    struct open *open = ARENA_ONE(count->mem, struct open);
    if (open == NULL) {
        return ERR_MEMORY;
    }
    *(count->last == NULL ? &count->first : &count->last->next) = open;
    count->last = open;
    count->made.open_count++;
    struct str path = buf_str(&count->path);
    return arena_print(count->mem, &open->path, "%.*s%s", STR_ARG(path), half);
}

static enum err items_count(struct count *count, const struct element *list)
{
    enum err err = OK;
    for (const struct element *item = list->first; item != NULL && err == OK; item = item->next) {
        size_t before;
        err = path_add(&count->path, item->slug, &before);
        if (err == OK) {
            err = children_count(count, item->schema, item);
            path_cut(&count->path, before);
        }
    }
    return err;
}

static enum err child_count(struct count *count, const struct schema_element *schema,
                            const struct element *element)
{
    enum err err = OK;
    if (schema->type == ELEMENT_WORDS) {
        if (schema->required || element != NULL) {
            err = want(count, element != NULL && element->text.size > 0, ".ja");
            err =
                err == OK ? want(count, element != NULL && element->text_en.size > 0, ".en") : err;
        }
        return err;
    }
    if (schema->required) {
        err = want(count, element != NULL, "");
    }
    if (err == OK && element != NULL && schema->type == ELEMENT_LIST) {
        err = items_count(count, element);
    }
    if (err == OK && element != NULL && schema->type == ELEMENT_GROUP) {
        err = children_count(count, schema, element);
    }
    return err;
}

static enum err children_count(struct count *count, const struct schema_element *schema,
                               const struct element *element)
{
    enum err err = OK;
    for (const struct schema_element *child = schema->children; child->key != NULL && err == OK;
         child++) {
        size_t before;
        err = path_add(&count->path, str_from(child->key), &before);
        if (err == OK) {
            err = child_count(count, child, element_get(element, child->key));
            path_cut(&count->path, before);
        }
    }
    return err;
}
