/*
 * What the other side sees of a document.
 *
 * A path that is listed speaks for what is below it.  An element that its schema starts hidden is
 * hidden unless it is listed itself, whatever was said above it.  Of what is hidden nothing is
 * there, unless something below is shown: then the way to it is, as keys and slugs.
 *
 * Always true: a value that comes out was shown by the nearest word about it; a path that is listed
 * twice counts as the one that shows less.
 */

#include <stdlib.h>

#include "document/private.h"

static const char *const names[DISCLOSURE_COUNT] = {"shown", "hidden", "summarised"};

struct view {
    struct arena *mem;
    struct buf path;
    struct disclosed *list; /* ascending by path */
    size_t count;
};

static enum err element_disclose(struct view *view, const struct element *element,
                                 enum disclosure inherited, struct element **ret);

const char *disclosure_text(enum disclosure disclosure)
{
    return names[disclosure];
}

enum err disclosure_parse(struct str text, enum disclosure *ret)
{
    for (int i = 0; i < DISCLOSURE_COUNT; i++) {
        if (str_equal(text, str_from(names[i]))) {
            *ret = (enum disclosure)i;
            return OK;
        }
    }
    return ERR_SYNTAX;
}

/* How little is shown. */
static int strictness(enum disclosure disclosure)
{
    return disclosure == DISCLOSURE_HIDDEN ? 2 : disclosure == DISCLOSURE_SUMMARISED ? 1 : 0;
}

/* Of one path, what shows less comes first. */
static int disclosed_compare(const void *a, const void *b)
{
    const struct disclosed *x = a;
    const struct disclosed *y = b;
    int order = str_compare(x->path, y->path);
    return order != 0 ? order : strictness(y->disclosure) - strictness(x->disclosure);
}

enum err document_disclose(const struct document *document, const struct disclosed *list,
                           size_t count, struct arena *mem, struct document *ret)
{
    struct view view = {.mem = mem, .count = count};
    struct element *root = NULL;
    view.list = ARENA_ARRAY(mem, struct disclosed, count + 1);
    if (view.list == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        view.list[i] = list[i];
    }
    qsort(view.list, count, sizeof *view.list, disclosed_compare);
    buf_init(&view.path, ELEMENT_PATH_SIZE_MAX);
    enum err err = element_disclose(&view, document->root, DISCLOSURE_SHOWN, &root);
    buf_done(&view.path);
    if (err == OK && root == NULL) {
        root = ARENA_ONE(mem, struct element);
        err = root != NULL ? OK : ERR_MEMORY;
    }
    if (err == OK) {
        root->schema = document->root->schema;
        *ret = (struct document){.schema = document->schema, .root = root};
    }
    return err;
}

/* What holds at the path: what is listed, else what the schema says, else what holds above. */
static enum disclosure disclosure_at(const struct view *view, const struct element *element,
                                     enum disclosure inherited)
{
    struct str path = buf_str(&view->path);
    size_t low = 0;
    size_t high = view->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (str_compare(view->list[middle].path, path) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < view->count && str_equal(view->list[low].path, path)) {
        return view->list[low].disclosure;
    }
    return element->schema->hidden && element->slug.size == 0 ? DISCLOSURE_HIDDEN : inherited;
}

/* The children of a group, a list or an item that come out. */
static enum err children_disclose(struct view *view, const struct element *element,
                                  enum disclosure disclosure, struct element *made)
{
    struct element *last = NULL;
    for (const struct element *child = element->first; child != NULL; child = child->next) {
        struct element *shown = NULL;
        size_t before;
        struct str key = child->slug.size > 0 ? child->slug : str_from(child->schema->key);
        enum err err = path_add(&view->path, key, &before);
        if (err == OK) {
            err = element_disclose(view, child, disclosure, &shown);
            path_cut(&view->path, before);
        }
        if (err != OK) {
            return err;
        }
        if (shown != NULL) {
            *(last == NULL ? &made->first : &last->next) = shown;
            last = shown;
            made->count++;
        }
    }
    return OK;
}

/* *ret stays as it is where nothing is seen. */
static enum err element_disclose(struct view *view, const struct element *element,
                                 enum disclosure inherited, struct element **ret)
{
    enum disclosure disclosure = disclosure_at(view, element, inherited);
    bool inner = element->schema->type == ELEMENT_GROUP || element->schema->type == ELEMENT_LIST;
    if (!inner && disclosure == DISCLOSURE_HIDDEN) {
        return OK;
    }
    struct element *made = ARENA_ONE(view->mem, struct element);
    if (made == NULL) {
        return ERR_MEMORY;
    }
    *made = (struct element){.schema = element->schema,
                             .line = element->line,
                             .column = element->column,
                             .slug = element->slug};
    enum err err = OK;
    if (inner) {
        err = children_disclose(view, element, disclosure, made);
    } else if (disclosure == DISCLOSURE_SHOWN) {
        *made = *element; /* values of `many` are shared: nothing changes them */
        made->next = NULL;
    }
    if (err == OK && (disclosure != DISCLOSURE_HIDDEN || made->count > 0)) {
        *ret = made;
    }
    return err;
}
