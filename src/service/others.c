/*
 * References between the documents of one client: when something is drafted, does all that refers
 * to something still lead somewhere?
 *
 * The answer is about the latest versions, drafts included, since that is what will run together
 * once everybody has signed.  Forwards, every reference of a document that is to be drafted has to
 * lead somewhere.  Backwards, a document of another kind must not lose what it refers to; one that
 * had lost it before (a draft was withdrawn) hinders nobody.
 */

#include <string.h>

#include "service/versions.h"

enum err others_init(struct others *others, struct service *service, struct client_id client,
                     struct arena *mem)
{
    *others = (struct others){.service = service, .client = client, .mem = mem};
    others->known = ARENA_ARRAY(mem, const struct document *, schema_count() + 1);
    others->drafted = ARENA_ARRAY(mem, bool, schema_count() + 1);
    return others->known == NULL || others->drafted == NULL ? ERR_MEMORY : OK;
}

void others_draft(struct others *others, const struct document *document)
{
    size_t index = kind_index(str_from(schema_kind(document->schema)));
    others->known[index] = document;
    others->drafted[index] = true;
}

static const struct document *others_get(void *context, struct str kind)
{
    struct others *others = context;
    struct stored stored;
    size_t index = kind_index(kind);
    if (index == SIZE_MAX || others->err != OK) {
        return NULL;
    }
    if (others->known[index] != NULL) {
        return others->known[index];
    }
    struct document *document = ARENA_ONE(others->mem, struct document);
    enum err err = document == NULL ? ERR_MEMORY
                                    : stored_find(others->service, others->client, kind,
                                                  WHICH_LATEST, STR(""), others->mem, &stored);
    if (err == ERR_NOT_FOUND) {
        return NULL;
    }
    if (err == OK) {
        err = stored_document(others->service, &stored, others->mem, document);
    }
    others->err = err;
    others->known[index] = err == OK ? document : NULL;
    return others->known[index];
}

/* What the room that runs such documents says of a draft. */
static enum err runs_check(const struct others *others, const struct document *document,
                           struct why *why)
{
    const struct service *service = others->service;
    bool asked =
        service->check != NULL && strcmp(schema_kind(document->schema), service->check_kind) == 0;
    return asked ? service->check(document, why) : OK;
}

static enum err references_check_one(struct others *others, const struct document *document,
                                     struct why *why)
{
    enum err err = document_check_references(document, others_get, others, why);
    return others->err != OK ? others->err : err;
}

/* A document that is there already, of a kind that is not drafted. */
static enum err back_check(struct others *others, const struct document *document, struct why *why)
{
    struct others before;
    struct why lost = {0};
    enum err err = references_check_one(others, document, &lost);
    if (err != ERR_SYNTAX) {
        return err;
    }
    err = others_init(&before, others->service, others->client, others->mem);
    if (err == OK) {
        err = references_check_one(&before, document, NULL);
    }
    if (err == ERR_SYNTAX) {
        return OK;
    }
    return err == OK ? why_say(why, ERR_CONFLICT, 0, "'%s' still refers to this: %s",
                               schema_kind(document->schema), lost.text)
                     : err;
}

enum err others_check(struct others *others, struct why *why)
{
    enum err err = OK;
    for (size_t i = 0; i < schema_count() && err == OK; i++) {
        if (others->drafted[i]) {
            err = references_check_one(others, others->known[i], why);
            err = err == OK ? runs_check(others, others->known[i], why) : err;
        }
    }
    for (size_t i = 0; i < schema_count() && err == OK; i++) {
        const struct document *document =
            others->drafted[i] ? NULL : others_get(others, str_from(schema_kind(schema_at(i))));
        err = others->err;
        if (err == OK && document != NULL) {
            err = back_check(others, document, why);
        }
    }
    return err;
}
