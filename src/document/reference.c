/*
 * Slugs that stand for elements elsewhere: is there such an item?
 *
 * The slugs of each list that is referred to are sorted once, so that a document of many references
 * to a long list costs n log n.  There are as many different lists as schemas name.
 *
 * Always true: a list that is referred to stands in no other list (tools/schema.py), so its slugs
 * are all different.
 */

#include <stdlib.h>
#include <string.h>

#include "document/private.h"

#define TARGETS_MAX 64 /* lists that one kind may refer to */

struct target {
    const char *reference; /* "contacts:people" */
    struct str *slugs;     /* ascending */
    size_t count;
};

struct check {
    const struct document *document;
    enum references references;
    document_other *other;
    void *context;
    struct why *why;
    struct target targets[TARGETS_MAX];
    size_t count;
};

static enum err element_check(struct check *check, const struct element *element);
static enum err target_get(struct check *check, const char *reference, const struct target **ret);

enum err document_check_references(const struct document *document, document_other *other,
                                   void *context, struct why *why)
{
    return references_check(document, REFERENCES_ALL, other, context, why);
}

enum err references_check(const struct document *document, enum references references,
                          document_other *other, void *context, struct why *why)
{
    struct check check = {.document = document,
                          .references = references,
                          .other = other,
                          .context = context,
                          .why = why};
    enum err err = element_check(&check, document->root);
    for (size_t i = 0; i < check.count; i++) {
        free(check.targets[i].slugs);
    }
    return err;
}

static int slug_compare(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

static enum err reference_check(struct check *check, const struct element *element)
{
    const char *reference = element->schema->reference;
    struct str path = str_from(reference);
    bool inside = str_equal(str_cut(&path, ':'), str_from(check->document->schema->kind));
    if (element->text.size == 0 || (!inside && check->references == REFERENCES_INSIDE)) {
        return OK;
    }
    const struct target *target;
    enum err err = target_get(check, reference, &target);
    if (err != OK) {
        return err;
    }
    if (target->count > 0 && bsearch(&element->text, target->slugs, target->count,
                                     sizeof *target->slugs, slug_compare) != NULL) {
        return OK;
    }
    return why_say_at(check->why, ERR_SYNTAX, element->line, element->column,
                      "%s: there is no '%.*s' in %s", element->schema->path, STR_ARG(element->text),
                      reference);
}

static enum err element_check(struct check *check, const struct element *element)
{
    enum err err = OK;
    if (element->schema->type == ELEMENT_REFERENCE && element->first == NULL) {
        return reference_check(check, element);
    }
    for (const struct element *at = element->first; at != NULL && err == OK; at = at->next) {
        err = element_check(check, at);
    }
    return err;
}

static enum err target_get(struct check *check, const char *reference, const struct target **ret)
{
    for (size_t i = 0; i < check->count; i++) {
        if (strcmp(check->targets[i].reference, reference) == 0) {
            *ret = &check->targets[i];
            return OK;
        }
    }
    if (check->count == TARGETS_MAX) {
        return ERR_LIMIT;
    }
    struct str path = str_from(reference);
    struct str kind = str_cut(&path, ':');
    const struct document *document =
        str_equal(kind, str_from(check->document->schema->kind))
            ? check->document
            : (check->other != NULL ? check->other(check->context, kind) : NULL);
    const struct element *list = document != NULL ? element_at(document->root, path) : NULL;
    struct target target = {.reference = reference};
    if (list != NULL && list->count > 0) {
        target.slugs = calloc(list->count, sizeof *target.slugs);
        if (target.slugs == NULL) {
            return ERR_MEMORY;
        }
        for (const struct element *item = list->first; item != NULL; item = item->next) {
            target.slugs[target.count++] = item->slug;
        }
        qsort(target.slugs, target.count, sizeof *target.slugs, slug_compare);
    }
    check->targets[check->count] = target;
    *ret = &check->targets[check->count++];
    return OK;
}
