/*
 * What changed from one version to the next, element by element.
 *
 * Items are the same if their slugs are.  An item that came or went has a line of its own, with its
 * slug, before those of its elements; items that stayed but stand in another order (steps of a
 * chain, criteria: the first that fits decides) are one change of their list, told as slugs.
 *
 * Always true: two versions without a change have the same canonical text.
 */

#include <stdlib.h>

#include "document/private.h"

struct link {
    struct document_change change;
    struct link *next;
};

struct difference {
    struct arena *mem;
    struct buf path;
    struct link *first, *last;
    size_t count;
};

static enum err group_compare(struct difference *difference, const struct schema_element *schema,
                              const struct element *before, const struct element *after);
static enum err list_compare(struct difference *difference, const struct element *before,
                             const struct element *after);

static enum err changes_list(struct difference *difference, struct document_change **ret)
{
    struct document_change *list =
        ARENA_ARRAY(difference->mem, struct document_change, difference->count + 1);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    size_t i = 0;
    for (const struct link *link = difference->first; link != NULL; link = link->next) {
        list[i++] = link->change;
    }
    *ret = list;
    return OK;
}

enum err document_difference(const struct document *before, const struct document *after,
                             struct arena *mem, struct document_change **ret, size_t *ret_count)
{
    struct difference difference = {.mem = mem};
    struct document_change *list;
    buf_init(&difference.path, ELEMENT_PATH_SIZE_MAX);
    enum err err = group_compare(&difference, after->root->schema,
                                 before != NULL ? before->root : NULL, after->root);
    buf_done(&difference.path);
    if (err == OK) {
        err = changes_list(&difference, &list);
    }
    if (err == OK) {
        *ret = list;
        *ret_count = difference.count;
    }
    return err;
}

static enum err link_add(struct difference *difference, const char *half, struct str before,
                         struct str after)
{
    struct link *link = ARENA_ONE(difference->mem, struct link);
    if (link == NULL) {
        return ERR_MEMORY;
    }
    struct str path = buf_str(&difference->path);
    enum err err = arena_print(difference->mem, &link->change.path, "%.*s%s", STR_ARG(path), half);
    if (err != OK) {
        return err;
    }
    link->change.before = before;
    link->change.after = after;
    *(difference->last == NULL ? &difference->first : &difference->last->next) = link;
    difference->last = link;
    difference->count++;
    return OK;
}

static enum err change_add(struct difference *difference, const char *half, struct str before,
                           struct str after)
{
    return str_equal(before, after) ? OK : link_add(difference, half, before, after);
}

/* Value by value: joined, two lists may look the same. */
static bool many_equal(const struct element *before, const struct element *after)
{
    const struct element *old = before != NULL ? before->first : NULL;
    const struct element *new = after != NULL ? after->first : NULL;
    while (old != NULL && new != NULL && str_equal(old->text, new->text)) {
        old = old->next;
        new = new->next;
    }
    return old == NULL && new == NULL;
}

/* The canonical text of a scalar; values of `many` joined. */
static enum err text_of(struct difference *difference, const struct element *element,
                        struct str *ret)
{
    *ret = element != NULL ? element->text : (struct str){0};
    if (element == NULL || element->first == NULL) {
        return OK;
    }
    size_t size = 0;
    for (const struct element *at = element->first; at != NULL; at = at->next) {
        size += at->text.size + 2;
    }
    struct buf out;
    buf_init(&out, size);
    enum err err = OK;
    for (const struct element *at = element->first; at != NULL && err == OK; at = at->next) {
        err = at != element->first ? buf_append(&out, STR(", ")) : OK;
        err = err == OK ? buf_append(&out, at->text) : err;
    }
    if (err == OK) {
        err = arena_copy(difference->mem, buf_str(&out), ret);
    }
    buf_done(&out);
    return err;
}

static enum err scalar_compare(struct difference *difference, const struct schema_element *schema,
                               const struct element *before, const struct element *after)
{
    struct str old;
    struct str new;
    enum err err = text_of(difference, before, &old);
    err = err == OK ? text_of(difference, after, &new) : err;
    if (err == OK && schema->many) {
        return many_equal(before, after) ? OK : link_add(difference, "", old, new);
    }
    if (err != OK || schema->type != ELEMENT_WORDS) {
        return err == OK ? change_add(difference, "", old, new) : err;
    }
    err = change_add(difference, ".ja", old, new);
    return err == OK ? change_add(difference, ".en", before != NULL ? before->text_en : STR(""),
                                  after != NULL ? after->text_en : STR(""))
                     : err;
}

static enum err group_compare(struct difference *difference, const struct schema_element *schema,
                              const struct element *before, const struct element *after)
{
    enum err err = OK;
    for (const struct schema_element *child = schema->children; child->key != NULL && err == OK;
         child++) {
        const struct element *old = element_get(before, child->key);
        const struct element *new = element_get(after, child->key);
        size_t size;
        if (old == NULL && new == NULL) {
            continue;
        }
        err = path_add(&difference->path, str_from(child->key), &size);
        if (err != OK) {
            return err;
        }
        if (child->type == ELEMENT_LIST) {
            err = list_compare(difference, old, new);
        } else if (child->type == ELEMENT_GROUP) {
            err = group_compare(difference, child, old, new);
        } else {
            err = scalar_compare(difference, child, old, new);
        }
        path_cut(&difference->path, size);
    }
    return err;
}

/* ---- Lists: both sides sorted once, so that long lists cost n log n. */

struct sorted {
    const struct element **items;
    size_t count;
};

static int slug_compare(const void *a, const void *b)
{
    return str_compare((*(const struct element *const *)a)->slug,
                       (*(const struct element *const *)b)->slug);
}

static enum err sort(const struct element *list, struct sorted *ret)
{
    struct sorted made = {.items = calloc(list != NULL ? list->count + 1 : 1, sizeof *made.items)};
    if (made.items == NULL) {
        return ERR_MEMORY;
    }
    for (const struct element *at = list != NULL ? list->first : NULL; at != NULL; at = at->next) {
        made.items[made.count++] = at;
    }
    qsort(made.items, made.count, sizeof *made.items, slug_compare);
    *ret = made;
    return OK;
}

static const struct element *find(const struct sorted *sorted, const struct element *item)
{
    const struct element **found =
        bsearch(&item, sorted->items, sorted->count, sizeof *sorted->items, slug_compare);
    return found != NULL ? *found : NULL;
}

/* An item of either side, with what stands for it on the other one. */
static enum err item_compare(struct difference *difference, const struct element *before,
                             const struct element *after)
{
    const struct element *item = after != NULL ? after : before;
    size_t size;
    enum err err = path_add(&difference->path, item->slug, &size);
    if (err != OK) {
        return err;
    }
    if (before == NULL || after == NULL) {
        err = change_add(difference, "", before != NULL ? before->slug : STR(""),
                         after != NULL ? after->slug : STR(""));
    }
    if (err == OK) {
        err = group_compare(difference, item->schema, before, after);
    }
    path_cut(&difference->path, size);
    return err;
}

/* The slugs of those items that the other side has too, in their order. */
static enum err order_of(struct difference *difference, const struct element *list,
                         const struct sorted *other, struct str *ret)
{
    struct buf out;
    enum err err = OK;
    buf_init(&out, DOCUMENT_SIZE_MAX);
    for (const struct element *item = list->first; item != NULL && err == OK; item = item->next) {
        if (find(other, item) != NULL) {
            err = out.size > 0 ? buf_append_byte(&out, ' ') : OK;
            err = err == OK ? buf_append(&out, item->slug) : err;
        }
    }
    if (err == OK) {
        err = arena_copy(difference->mem, buf_str(&out), ret);
    }
    buf_done(&out);
    return err;
}

static enum err lists_walk(struct difference *difference, const struct element *before,
                           const struct element *after, const struct sorted *old,
                           const struct sorted *new)
{
    struct str order_before = {0};
    struct str order_after = {0};
    enum err err = OK;
    if (before != NULL && after != NULL) {
        err = order_of(difference, before, new, &order_before);
        err = err == OK ? order_of(difference, after, old, &order_after) : err;
        err = err == OK ? change_add(difference, "", order_before, order_after) : err;
    }
    for (const struct element *at = after != NULL ? after->first : NULL; at != NULL && err == OK;
         at = at->next) {
        err = item_compare(difference, find(old, at), at);
    }
    for (const struct element *at = before != NULL ? before->first : NULL; at != NULL && err == OK;
         at = at->next) {
        err = find(new, at) == NULL ? item_compare(difference, at, NULL) : OK;
    }
    return err;
}

static enum err list_compare(struct difference *difference, const struct element *before,
                             const struct element *after)
{
    struct sorted old = {0};
    struct sorted new = {0};
    enum err err = sort(before, &old);
    err = err == OK ? sort(after, &new) : err;
    err = err == OK ? lists_walk(difference, before, after, &old, &new) : err;
    free(old.items);
    free(new.items);
    return err;
}
