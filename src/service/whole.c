/*
 * A draft by somebody who does not see all: what is hidden from them stays as it is.
 *
 * Three trees are walked side by side: `base`, the whole latest version; `seen`, what of it is
 * disclosed to the drafter; and the draft.  What is in base and not in seen was hidden, and comes
 * back wherever the draft may not have it; a value that was only summarised comes back where the
 * draft says none.  Hidden items of a list stand behind the item that they stood behind.
 *
 * Always true: who drafts what they see, unchanged, drafts the latest version itself.  A hidden
 * element is changed by nobody from whom it is hidden, but what holds it can be taken out: with an
 * item of a list goes all that is in it.
 */

#include "service/versions.h"

static enum err group_restore(const struct element *base, const struct element *seen,
                              const struct element *draft, struct arena *mem,
                              const struct element **ret);

enum err draft_whole(const struct scope *scope, struct service *service, struct client_id client,
                     const struct document *draft, struct arena *mem, struct document *ret)
{
    enum side side = scope_side(scope, client);
    struct str kind = str_from(schema_kind(draft->schema));
    struct stored stored;
    struct document base;
    struct document seen;
    *ret = *draft;
    if (side == SIDE_CLIENT || side == SIDE_INSTALLATION) {
        return OK;
    }
    enum err err = stored_find(service, client, kind, WHICH_LATEST, STR(""), mem, &stored);
    if (err == OK) {
        err = stored_document(service, &stored, mem, &base);
    }
    if (err == OK) {
        err = document_view(scope, service, client, &base, mem, &seen);
    }
    if (err == OK) {
        err = group_restore(base.root, seen.root, draft->root, mem, &ret->root);
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

static bool holds_others(const struct element *element)
{
    return element->schema->type == ELEMENT_GROUP || element->schema->type == ELEMENT_LIST;
}

/* Whether a scalar is without what it says. */
static bool summarised(const struct element *seen)
{
    return seen->text.size == 0 && seen->text_en.size == 0 && seen->count == 0;
}

/* The same element with other children. */
static struct element *element_like(const struct element *element, struct arena *mem)
{
    struct element *made = ARENA_ONE(mem, struct element);
    if (made != NULL) {
        *made = *element;
        made->first = NULL;
        made->next = NULL;
        made->count = 0;
    }
    return made;
}

/* A copy of the element itself, so that it can stand in another row; what it holds is shared. */
static enum err child_add(struct element *parent, struct element **last,
                          const struct element *child, struct arena *mem)
{
    struct element *made = ARENA_ONE(mem, struct element);
    if (made == NULL) {
        return ERR_MEMORY;
    }
    *made = *child;
    made->next = NULL;
    *(*last == NULL ? &parent->first : &(*last)->next) = made;
    *last = made;
    parent->count++;
    return OK;
}

/* ---- Lists. */

/* What becomes of the items that the draft has. */
static enum err items_restore(const struct element *base, const struct element *seen,
                              const struct element *draft, struct arena *mem,
                              const struct element **items)
{
    size_t count = 0;
    enum err err = OK;
    for (const struct element *item = draft == NULL ? NULL : draft->first;
         item != NULL && err == OK; item = item->next) {
        const struct element *before = element_item(base, item->slug);
        const struct element *shown = element_item(seen, item->slug);
        items[count] = item;
        if (before != NULL && shown == NULL) {
            items[count] = before;
        } else if (before != NULL) {
            err = group_restore(before, shown, item, mem, &items[count]);
        }
        count++;
    }
    return err;
}

/* Puts the items that are hidden and not among them where they stood; returns how many there are.
 */
static size_t items_insert(const struct element *base, const struct element *seen,
                           const struct element **items, size_t count)
{
    size_t at = 0; /* behind the last item of base that is there */
    for (const struct element *item = base->first; item != NULL; item = item->next) {
        size_t found = 0;
        while (found < count && !str_equal(items[found]->slug, item->slug)) {
            found++;
        }
        if (found < count) {
            at = found + 1;
        } else if (element_item(seen, item->slug) == NULL) {
            for (size_t i = count++; i > at; i--) {
                items[i] = items[i - 1];
            }
            items[at++] = item;
        }
    }
    return count;
}

static enum err list_restore(const struct element *base, const struct element *seen,
                             const struct element *draft, struct arena *mem,
                             const struct element **ret)
{
    struct element *made = element_like(base, mem);
    struct element *last = NULL;
    size_t count = draft == NULL ? 0 : draft->count;
    const struct element **items =
        ARENA_ARRAY(mem, const struct element *, base->count + count + 1);
    if (made == NULL || items == NULL) {
        return ERR_MEMORY;
    }
    enum err err = items_restore(base, seen, draft, mem, items);
    if (err == OK) {
        count = items_insert(base, seen, items, count);
    }
    for (size_t i = 0; i < count && err == OK; i++) {
        err = child_add(made, &last, items[i], mem);
    }
    if (err == OK) {
        *ret = made;
    }
    return err;
}

/* ---- Groups, items, and what stands under their keys. */

/* One key: base has it; *ret NULL where nothing is left of it. */
static enum err key_restore(const struct element *base, const struct element *seen,
                            const struct element *draft, struct arena *mem,
                            const struct element **ret)
{
    enum err err = OK;
    if (seen == NULL) {
        *ret = base;
    } else if (!holds_others(base)) {
        *ret = summarised(seen) && (draft == NULL || summarised(draft)) ? base : draft;
    } else {
        err = base->schema->type == ELEMENT_LIST ? list_restore(base, seen, draft, mem, ret)
                                                 : group_restore(base, seen, draft, mem, ret);
        if (err == OK && (*ret)->count == 0) {
            *ret = NULL;
        }
    }
    return err;
}

static enum err group_restore(const struct element *base, const struct element *seen,
                              const struct element *draft, struct arena *mem,
                              const struct element **ret)
{
    struct element *made = element_like(draft != NULL ? draft : base, mem);
    struct element *last = NULL;
    enum err err = made == NULL ? ERR_MEMORY : OK;
    for (const struct schema_element *key = base->schema->children;
         key != NULL && key->key != NULL && err == OK; key++) {
        const struct element *before = element_get(base, key->key);
        const struct element *left = element_get(draft, key->key);
        if (before != NULL) {
            err = key_restore(before, element_get(seen, key->key), left, mem, &left);
        }
        if (err == OK && left != NULL) {
            err = child_add(made, &last, left, mem);
        }
    }
    if (err == OK) {
        *ret = made;
    }
    return err;
}
