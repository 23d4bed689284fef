/*
 * Printing what service_apply reads: tenant's part, and under each client its documents, what is
 * disclosed of them, and who signed.
 *
 * Of each kind the effective version is printed, or the latest one if none is.  A scope that does
 * not see all of a document gets what it sees, without the signatures: they stand for the whole.
 *
 * Always true: the same state prints the same bytes; applied to an empty installation that trusts
 * this one's key, it makes a state that prints them again.
 */

#include "service/versions.h"

#include "codec/time.h"
#include "ledger/ledger.h"

struct export
{
    const struct scope *scope;
    struct service *service;
};

/* One kind as it is printed. */
struct exported {
    bool there, whole;
    struct stored stored;
    struct document document;
};

static enum err client_export(void *context, struct client_id client, struct buf *out);
static enum err exported_load(const struct export *export, struct client_id client, size_t kind,
                              struct arena *mem, struct exported *ret);
static enum err document_export(const struct exported *exported, bool first, struct buf *out);
static enum err disclosures_export(const struct export *export, struct client_id client,
                                   struct arena *mem, struct buf *out);
static enum err signatures_export(const struct exported *exported, size_t count, struct buf *out);

enum err service_export(const struct scope *scope, struct service *service, struct str slug,
                        struct buf *out)
{
    struct export export = {scope, service};
    return tenant_export(scope, service->tenant, slug, client_export, &export, out);
}

static enum err client_export(void *context, struct client_id client, struct buf *out)
{
    const struct export *export = context;
    struct arena *mem = arena_new((size_t)1 << 30);
    bool first = true;
    if (mem == NULL) {
        return ERR_MEMORY;
    }
    struct exported *list = ARENA_ARRAY(mem, struct exported, schema_count() + 1);
    enum err err = list == NULL ? ERR_MEMORY : OK;
    for (size_t i = 0; i < schema_count() && err == OK; i++) {
        err = exported_load(export, client, i, mem, &list[i]);
        if (err == OK && list[i].there) {
            err = document_export(&list[i], first, out);
            first = false;
        }
    }
    if (err == OK) {
        err = disclosures_export(export, client, mem, out);
    }
    if (err == OK) {
        err = signatures_export(list, schema_count(), out);
    }
    arena_free(mem);
    return err;
}

static enum err exported_load(const struct export *export, struct client_id client, size_t kind,
                              struct arena *mem, struct exported *ret)
{
    struct str name = str_from(schema_kind(schema_at(kind)));
    struct str canonical;
    struct str hash;
    struct document whole;
    enum err err =
        stored_find(export->service, client, name, WHICH_EFFECTIVE, STR(""), mem, &ret->stored);
    if (err == ERR_NOT_FOUND) {
        err = stored_find(export->service, client, name, WHICH_LATEST, STR(""), mem, &ret->stored);
    }
    if (err == OK) {
        err = stored_document(export->service, &ret->stored, mem, &whole);
    }
    if (err == OK) {
        err = document_view(export->scope, export->service, client, &whole, mem, &ret->document);
    }
    if (err == ERR_NOT_FOUND) {
        return OK;
    }
    if (err == OK) {
        err = document_hash(&ret->document, mem, &canonical, &hash);
    }
    if (err == OK) {
        ret->there = true;
        ret->whole = str_equal(hash, ret->stored.version.hash);
    }
    return err;
}

static enum err document_export(const struct exported *exported, bool first, struct buf *out)
{
    enum err err = first ? buf_append(out, STR("    documents:\n")) : OK;
    if (err == OK && exported->document.root->first == NULL) {
        return buf_print(out, "      %s: {}\n", schema_kind(exported->document.schema));
    }
    if (err == OK) {
        err = buf_print(out, "      %s:%s\n", schema_kind(exported->document.schema),
                        exported->whole ? "" : " # as far as it is disclosed to you");
    }
    return err == OK ? document_print_yaml(&exported->document, 8, out) : err;
}

static enum err disclosures_export(const struct export *export, struct client_id client,
                                   struct arena *mem, struct buf *out)
{
    bool first = true;
    enum err err = OK;
    for (size_t i = 0; i < schema_count() && err == OK; i++) {
        const char *kind = schema_kind(schema_at(i));
        struct disclosed *list = NULL;
        size_t count = 0;
        err = disclosures_load(export->service, client, str_from(kind), mem, &list, &count);
        for (size_t j = 0; j < count && err == OK; j++) {
            err = buf_print(out, "%s      - {kind: %s, path: \"%.*s\", disclosure: %s}\n",
                            first ? "    disclosures:\n" : "", kind, STR_ARG(list[j].path),
                            disclosure_text(list[j].disclosure));
            first = false;
        }
    }
    return err;
}

static enum err roles_list(struct buf *out, uint32_t roles)
{
    bool first = true;
    enum err err = OK;
    for (int role = 0; role < ROLE_COUNT && err == OK; role++) {
        if ((roles & 1u << role) != 0) {
            err = buf_print(out, "%s%s", first ? "" : ", ", role_text((enum role)role));
            first = false;
        }
    }
    return err;
}

static enum err signature_export(const struct version *version, const struct signature *signature,
                                 struct buf *out)
{
    char at[TIME_TEXT_SIZE];
    enum err err = buf_print(out, "      - {kind: %.*s, hash: \"%.*s\", roles: [",
                             STR_ARG(version->kind), STR_ARG(version->hash));
    if (err == OK) {
        err = roles_list(out, signature->roles);
    }
    if (err == OK) {
        err = buf_print(out, "], role: %.*s, who: %.*s, at: \"%s\"", STR_ARG(signature->role),
                        STR_ARG(signature->who), time_print(signature->at, at));
    }
    if (err == OK && wall_known(version->wanted)) {
        err = buf_print(out, ", from: \"%s\"", time_print(version->wanted, at));
    }
    if (err == OK) {
        err = buf_print(out, ", key: \"%.*s\", signature: \"%.*s\"}\n", STR_ARG(signature->key),
                        STR_ARG(signature->signature));
    }
    return err;
}

static enum err signatures_export(const struct exported *exported, size_t count, struct buf *out)
{
    bool first = true;
    enum err err = OK;
    for (size_t i = 0; i < count && err == OK; i++) {
        const struct version *version = &exported[i].stored.version;
        if (!exported[i].there || !exported[i].whole) {
            continue;
        }
        for (size_t j = 0; j < version->signatures_count && err == OK; j++) {
            err = first ? buf_append(out, STR("    signatures:\n")) : OK;
            if (err == OK) {
                err = signature_export(version, &version->signatures[j], out);
            }
            first = false;
        }
    }
    return err;
}
