/*
 * Versions: rows of the table `document`, and their texts.
 *
 *                  all signed             due                  the next one's turn
 *       DRAFT ────────────────► SIGNED ─────────► EFFECTIVE ────────────────────► SUPERSEDED
 *         │ a later draft, or withdrawn  │ withdrawn, or a later one became effective first
 *         └──────────► WITHDRAWN ◄───────┘
 *
 * The state is not a column; it follows from the times of a row: withdrawn, ended, effective, due
 * (known once everybody has signed), in this order.
 *
 * Always true:
 *
 *   (1) A row is never deleted and its text never changes, so what ran can be read for ever.
 *   (2) Of one client and kind at most one row is a draft, and at most one is effective.
 *   (3) Numbers of one client and kind count from 1 without gaps.
 *
 * How a draft comes to be is in drafts.c, who signs it in signatures.c, what makes it effective in
 * effective.c.
 */

#include "service/versions.h"

#include "ledger/ledger.h"

#define COLUMNS                                                                            \
    "id, number, hash, author, author_side, note, created, wanted, due, effective, ended," \
    " withdrawn, kind"

static enum err stored_load(struct statement *row, struct client_id client, struct arena *mem,
                            struct stored *ret);
static enum err signatures_load(struct service *service, struct stored *stored, struct arena *mem);

const char *version_state_text(enum version_state state)
{
    static const char *const texts[VERSION_STATE_COUNT] = {
        [VERSION_DRAFT] = "draft",         [VERSION_SIGNED] = "signed",
        [VERSION_EFFECTIVE] = "effective", [VERSION_SUPERSEDED] = "superseded",
        [VERSION_WITHDRAWN] = "withdrawn",
    };
    return texts[state];
}

/* ---- Rows. */

static enum err stored_prepare(struct service *service, enum which which, struct statement **ret)
{
    switch (which) {
    case WHICH_LATEST:
        return ledger_prepare(service->ledger,
                              "SELECT " COLUMNS " FROM document WHERE client = ? AND kind = ?"
                              " AND withdrawn IS NULL ORDER BY number DESC LIMIT 1",
                              ret);
    case WHICH_EFFECTIVE:
        return ledger_prepare(service->ledger,
                              "SELECT " COLUMNS " FROM document WHERE client = ? AND kind = ?"
                              " AND effective IS NOT NULL AND ended IS NULL"
                              " ORDER BY number DESC LIMIT 1",
                              ret);
    case WHICH_HASH:
        return ledger_prepare(service->ledger,
                              "SELECT " COLUMNS " FROM document WHERE client = ? AND kind = ?"
                              " AND hash = ? ORDER BY number DESC LIMIT 1",
                              ret);
    }
    return ERR_NOT_FOUND;
}

enum err stored_find(struct service *service, struct client_id client, struct str kind,
                     enum which which, struct str hash, struct arena *mem, struct stored *ret)
{
    const struct str texts[] = {kind, hash};
    struct statement *statement;
    struct stored stored;
    bool row = false;
    enum err err = stored_prepare(service, which, &statement);
    if (err == OK) {
        err = client_bind(statement, client, texts, which == WHICH_HASH ? 2 : 1);
    }
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err != OK || !row) {
        return err != OK ? err : ERR_NOT_FOUND;
    }
    err = stored_load(statement, client, mem, &stored);
    statement_reset(statement);
    if (err == OK) {
        err = signatures_load(service, &stored, mem);
    }
    if (err == OK) {
        *ret = stored;
    }
    return err;
}

enum err stored_again(struct service *service, struct arena *mem, struct stored *stored)
{
    struct statement *statement;
    struct stored again;
    bool row = false;
    struct client_id client = stored->version.client;
    enum err err =
        ledger_prepare(service->ledger,
                       "SELECT " COLUMNS " FROM document WHERE client = ? AND id = ?", &statement);
    if (err == OK) {
        err = statement_bind_int(statement, 1, client.value);
    }
    if (err == OK) {
        err = statement_bind_int(statement, 2, stored->id);
    }
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err != OK || !row) {
        return err != OK ? err : ERR_NOT_FOUND;
    }
    err = stored_load(statement, client, mem, &again);
    statement_reset(statement);
    if (err == OK) {
        err = signatures_load(service, &again, mem);
    }
    if (err == OK) {
        *stored = again;
    }
    return err;
}

static enum err stored_load(struct statement *row, struct client_id client, struct arena *mem,
                            struct stored *ret)
{
    struct version *version = &ret->version;
    *ret = (struct stored){
        .id = statement_int(row, 0),
        .author_side = (enum side)statement_int(row, 4),
        .due = statement_wall(row, 8),
        .version =
            {
                .client = client,
                .number = (uint32_t)statement_int(row, 1),
                .created = {statement_int(row, 6)},
                .wanted = statement_wall(row, 7),
                .effective = statement_wall(row, 9),
                .ended = statement_wall(row, 10),
            },
    };
    version->state = !statement_is_null(row, 11)      ? VERSION_WITHDRAWN
                     : wall_known(version->ended)     ? VERSION_SUPERSEDED
                     : wall_known(version->effective) ? VERSION_EFFECTIVE
                     : wall_known(ret->due)           ? VERSION_SIGNED
                                                      : VERSION_DRAFT;
    struct str *const texts[] = {&version->hash, &version->author, &version->note, &version->kind};
    static const int columns[] = {2, 3, 5, 12};
    enum err err = OK;
    for (size_t i = 0; i < sizeof columns / sizeof *columns && err == OK; i++) {
        err = arena_copy(mem, statement_text(row, columns[i]), texts[i]);
    }
    return err;
}

static enum err signature_load(struct statement *row, struct arena *mem, struct signature *ret)
{
    struct str *const texts[] = {&ret->role, &ret->who, &ret->key, &ret->signature};
    static const int columns[] = {1, 2, 4, 5};
    enum err err = OK;
    ret->roles = (uint32_t)statement_int(row, 0);
    ret->at = (struct wall){statement_int(row, 3)};
    for (size_t i = 0; i < sizeof columns / sizeof *columns && err == OK; i++) {
        err = arena_copy(mem, statement_text(row, columns[i]), texts[i]);
    }
    return err;
}

static enum err signatures_load(struct service *service, struct stored *stored, struct arena *mem)
{
    struct version *version = &stored->version;
    const struct schema *schema = schema_find(version->kind);
    struct statement *statement;
    bool row = true;
    version->signatures = ARENA_ARRAY(mem, struct signature, SETS_MAX);
    if (version->signatures == NULL) {
        return ERR_MEMORY;
    }
    enum err err = ledger_prepare(service->ledger,
                                  "SELECT s.roles, s.role, s.who, s.at, s.key, s.signature"
                                  " FROM document_signature s JOIN document d ON d.id = s.document"
                                  " WHERE d.client = ? AND d.id = ? ORDER BY s.at, s.roles",
                                  &statement);
    if (err == OK) {
        err = statement_bind_int(statement, 1, version->client.value);
    }
    if (err == OK) {
        err = statement_bind_int(statement, 2, stored->id);
    }
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        err =
            version->signatures_count == SETS_MAX
                ? ERR_CORRUPT
                : signature_load(statement, mem, &version->signatures[version->signatures_count++]);
        if (err != OK) {
            statement_reset(statement);
        }
    }
    if (err == OK && schema != NULL && version->state == VERSION_DRAFT) {
        version_waits(schema, version);
    }
    return err;
}

enum err stored_canonical(struct service *service, const struct stored *stored, struct arena *mem,
                          struct str *ret)
{
    struct statement *statement;
    bool row = false;
    enum err err = ledger_prepare(service->ledger,
                                  "SELECT t.canonical FROM document d JOIN document_text t"
                                  " ON t.hash = d.hash WHERE d.client = ? AND d.id = ?",
                                  &statement);
    if (err == OK) {
        err = statement_bind_int(statement, 1, stored->version.client.value);
    }
    if (err == OK) {
        err = statement_bind_int(statement, 2, stored->id);
    }
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err != OK || !row) {
        return err != OK ? err : ERR_CORRUPT;
    }
    err = arena_copy(mem, statement_text(statement, 0), ret);
    statement_reset(statement);
    return err;
}

enum err stored_document(struct service *service, const struct stored *stored, struct arena *mem,
                         struct document *ret)
{
    struct str canonical;
    const struct schema *schema = schema_find(stored->version.kind);
    enum err err = stored_canonical(service, stored, mem, &canonical);
    if (err == OK) {
        err = schema == NULL ? ERR_CORRUPT : document_read(schema, canonical, mem, ret, NULL);
    }
    return err == ERR_SYNTAX || err == ERR_LIMIT ? ERR_CORRUPT : err;
}

enum err document_hash(const struct document *document, struct arena *mem,
                       struct str *ret_canonical, struct str *ret_hash)
{
    struct buf out;
    char hex[HASH_TEXT_SIZE];
    buf_init(&out, DOCUMENT_SIZE_MAX);
    enum err err = document_print(document, &out);
    if (err == OK) {
        struct sha256 hash = sha256_of_bytes(buf_str(&out));
        err = arena_copy(mem, str_from(hex_print(hash.bytes, SHA256_SIZE, hex)), ret_hash);
    }
    if (err == OK) {
        err = arena_copy(mem, buf_str(&out), ret_canonical);
    }
    buf_done(&out);
    return err;
}

/* ---- Reading. */

/* Appends to a list in mem that doubles. */
static enum err list_add(struct arena *mem, struct stored **list, size_t *count,
                         const struct stored *item)
{
    if ((*count & (*count - 1)) == 0) {
        struct stored *more = ARENA_ARRAY(mem, struct stored, *count == 0 ? 1 : 2 * *count);
        if (more == NULL) {
            return ERR_MEMORY;
        }
        for (size_t i = 0; i < *count; i++) {
            more[i] = (*list)[i];
        }
        *list = more;
    }
    (*list)[(*count)++] = *item;
    return OK;
}

static enum err list_load(struct service *service, struct client_id client, struct str kind,
                          struct arena *mem, struct stored **ret, size_t *ret_count)
{
    struct statement *statement;
    struct stored stored;
    bool row = true;
    enum err err = ledger_prepare(service->ledger,
                                  "SELECT " COLUMNS " FROM document WHERE client = ? AND kind = ?"
                                  " ORDER BY number DESC",
                                  &statement);
    if (err == OK) {
        err = client_bind(statement, client, &kind, 1);
    }
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        err = stored_load(statement, client, mem, &stored);
        if (err == OK) {
            err = list_add(mem, ret, ret_count, &stored);
        }
        if (err != OK) {
            statement_reset(statement);
        }
    }
    return err;
}

enum err service_versions(const struct scope *scope, struct service *service,
                          struct client_id client, struct str kind, struct arena *mem,
                          struct version **ret, size_t *ret_count)
{
    struct stored *list = NULL;
    size_t count = 0;
    bool released = false;
    if (!may_read(scope, client)) {
        return ERR_DENIED;
    }
    enum err err = kind_released(scope, service, client, kind, &released);
    if (err == OK && released) {
        err = list_load(service, client, kind, mem, &list, &count);
    }
    struct version *versions = ARENA_ARRAY(mem, struct version, count + 1);
    if (err == OK && versions == NULL) {
        err = ERR_MEMORY;
    }
    for (size_t i = 0; i < count && err == OK; i++) {
        err = signatures_load(service, &list[i], mem);
        versions[i] = list[i].version;
    }
    if (err == OK) {
        *ret = versions;
        *ret_count = count;
    }
    return err;
}

enum err service_version(const struct scope *scope, struct service *service,
                         struct client_id client, struct str kind, struct str hash,
                         struct arena *mem, struct version *ret, struct document *ret_document)
{
    struct stored stored;
    struct document whole;
    if (!may_read(scope, client)) {
        return ERR_DENIED;
    }
    enum err err = stored_find(service, client, kind, WHICH_HASH, hash, mem, &stored);
    if (err == OK) {
        err = stored_document(service, &stored, mem, &whole);
    }
    if (err == OK) {
        err = document_view(scope, service, client, &whole, mem, ret_document);
    }
    if (err == OK) {
        *ret = stored.version;
    }
    return err;
}
