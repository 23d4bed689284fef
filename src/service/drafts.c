/*
 * Drafts: how they come to be, and how they go again.
 *
 * A draft takes the place of the one that stood open before it, so nobody signs two texts of one
 * kind at a time.  A version that everybody has signed is no draft any more: it stays, whatever is
 * drafted later, and only somebody who might have signed it can withdraw it.
 */

#include "service/versions.h"

#include "ledger/ledger.h"

static enum err draft_insert(const struct scope *scope, struct service *service,
                             const struct draft *draft, struct str kind, struct str hash,
                             struct str canonical);

enum err service_draft(const struct scope *scope, struct service *service, struct client_id client,
                       const struct document *document, struct str note, struct wall wanted,
                       struct wall now, struct arena *mem, struct version *ret, struct why *why)
{
    struct document whole;
    struct draft draft = {client, &whole, note, wanted, now};
    struct others others;
    struct stored stored;
    bool alone;
    if (!may_draft(scope, client)) {
        return why_say(why, ERR_DENIED, 0, "you may not write drafts for this client");
    }
    if (!text_fits(note, NOTE_SIZE_MAX)) {
        return why_say(why, ERR_SYNTAX, 0, "a note is text of at most %d bytes", NOTE_SIZE_MAX);
    }
    enum err err = others_init(&others, service, client, mem);
    if (err == OK) {
        err = draft_whole(scope, service, client, document, mem, &whole);
    }
    if (err == OK) {
        others_draft(&others, &whole);
        err = others_check(&others, why);
    }
    if (err == OK) {
        err = service_begin(service, &alone);
    }
    if (err != OK) {
        return err;
    }
    err = draft_store(scope, service, &draft, mem, &stored, why);
    bool exists = err == ERR_EXISTS;
    err = service_end(service, alone, exists ? OK : err);
    if (err == OK) {
        *ret = stored.version;
    }
    return err == OK && exists ? ERR_EXISTS : err;
}

enum err draft_store(const struct scope *scope, struct service *service, const struct draft *draft,
                     struct arena *mem, struct stored *ret, struct why *why)
{
    struct str kind = str_from(schema_kind(draft->document->schema));
    struct str canonical;
    struct str hash;
    struct document again;
    struct stored stored;
    enum err err = document_hash(draft->document, mem, &canonical, &hash);
    if (err == OK) {
        /* What was put together (whole.c) may have grown beyond what is read again. */
        err = document_read(draft->document->schema, canonical, mem, &again, NULL);
    }
    if (err == ERR_LIMIT || err == ERR_SYNTAX) {
        return why_say(why, ERR_LIMIT, 0, "the document is larger than %d bytes or %d elements",
                       DOCUMENT_SIZE_MAX, DOCUMENT_ELEMENTS_MAX);
    }
    if (err == OK) {
        err = stored_find(service, draft->client, kind, WHICH_LATEST, STR(""), mem, &stored);
        if (err == OK && str_equal(stored.version.hash, hash)) {
            *ret = stored;
            return ERR_EXISTS;
        }
        err = err == ERR_NOT_FOUND ? OK : err;
    }
    if (err == OK) {
        err = draft_insert(scope, service, draft, kind, hash, canonical);
    }
    if (err == OK) {
        err = document_audit(service, scope_principal(scope), "draft", draft->client, kind, hash,
                             draft->now);
    }
    if (err == OK) {
        err = stored_find(service, draft->client, kind, WHICH_LATEST, STR(""), mem, &stored);
    }
    if (err == OK) {
        err = version_complete(service, &stored, scope_principal(scope), draft->now, mem);
    }
    if (err == OK) {
        *ret = stored;
    }
    return err;
}

/* The draft that stands open gives way. */
static enum err draft_replace(const struct scope *scope, struct service *service,
                              const struct draft *draft, struct str kind, struct str hash)
{
    struct statement *statement;
    enum err err = ledger_prepare(service->ledger,
                                  "UPDATE document SET withdrawn = ? WHERE client = ? AND kind = ?"
                                  " AND due IS NULL AND withdrawn IS NULL",
                                  &statement);
    if (err == OK) {
        err = statement_bind_int(statement, 1, draft->now.ns);
    }
    if (err == OK) {
        err = statement_bind_int(statement, 2, draft->client.value);
    }
    if (err == OK) {
        err = statement_bind_text(statement, 3, kind);
    }
    if (err == OK) {
        err = statement_run(statement);
    }
    if (err != OK || ledger_changes(service->ledger) == 0) {
        return err;
    }
    return document_audit(service, scope_principal(scope), "replace draft", draft->client, kind,
                          hash, draft->now);
}

static enum err text_insert(struct service *service, struct str hash, struct str canonical)
{
    struct statement *statement;
    enum err err = ledger_prepare(service->ledger,
                                  "INSERT INTO document_text (hash, canonical) VALUES (?, ?)"
                                  " ON CONFLICT (hash) DO NOTHING",
                                  &statement);
    if (err == OK) {
        err = statement_bind_text(statement, 1, hash);
    }
    if (err == OK) {
        err = statement_bind_text(statement, 2, canonical);
    }
    return err == OK ? statement_run(statement) : err;
}

static enum err number_next(struct service *service, struct client_id client, struct str kind,
                            int64_t *ret)
{
    struct statement *statement;
    bool row;
    enum err err = ledger_prepare(
        service->ledger,
        "SELECT coalesce(max(number), 0) + 1 FROM document WHERE client = ? AND kind = ?",
        &statement);
    if (err == OK) {
        err = client_bind(statement, client, &kind, 1);
    }
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err == OK) {
        *ret = statement_int(statement, 0);
        statement_reset(statement);
        err = *ret > UINT32_MAX ? ERR_LIMIT : OK;
    }
    return err;
}

static enum err draft_insert(const struct scope *scope, struct service *service,
                             const struct draft *draft, struct str kind, struct str hash,
                             struct str canonical)
{
    struct statement *statement = NULL;
    int64_t number = 0;
    enum err err = draft_replace(scope, service, draft, kind, hash);
    if (err == OK) {
        err = text_insert(service, hash, canonical);
    }
    if (err == OK) {
        err = number_next(service, draft->client, kind, &number);
    }
    if (err == OK) {
        err = ledger_prepare(service->ledger,
                             "INSERT INTO document (client, kind, hash, author, note, number,"
                             " author_side, created, wanted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                             &statement);
    }
    if (err == OK) {
        const struct str texts[] = {kind, hash, scope_principal(scope), draft->note};
        err = client_bind(statement, draft->client, texts, 4);
    }
    const int64_t numbers[] = {number, scope_side(scope, draft->client), draft->now.ns};
    for (int i = 0; i < 3 && err == OK; i++) {
        err = statement_bind_int(statement, i + 6, numbers[i]);
    }
    if (err == OK) {
        struct wall wanted = draft->wanted;
        wanted.ns -= wall_known(wanted) ? wanted.ns % 1000 : 0;
        err = statement_bind_wall(statement, 9, wanted);
    }
    return err == OK ? statement_run(statement) : err;
}

enum err service_withdraw(const struct scope *scope, struct service *service,
                          struct client_id client, struct str kind, struct str hash,
                          struct wall now, struct why *why)
{
    struct statement *statement;
    struct stored stored;
    bool alone;
    const struct schema *schema = schema_find(kind);
    struct arena *scratch = arena_new(1 << 20);
    enum err err = scratch == NULL ? ERR_MEMORY : OK;
    if (err == OK && !may_draft(scope, client)) {
        err = why_say(why, ERR_DENIED, 0, "you may not withdraw drafts of this client");
    }
    if (err == OK) {
        err = schema == NULL
                  ? ERR_NOT_FOUND
                  : stored_find(service, client, kind, WHICH_HASH, hash, scratch, &stored);
    }
    uint32_t roles = 0;
    for (size_t i = 0; schema != NULL && schema_signature(schema, i) != 0; i++) {
        roles |= schema_signature(schema, i);
    }
    if (err == OK && stored.version.state != VERSION_DRAFT &&
        stored.version.state != VERSION_SIGNED) {
        err = why_say(why, ERR_CONFLICT, 0, "this version is %s; only a draft can be withdrawn",
                      version_state_text(stored.version.state));
    } else if (err == OK && stored.version.state == VERSION_SIGNED &&
               !roles_held(scope, client, roles)) {
        err = why_say(why, ERR_DENIED, 0,
                      "this version is signed; only somebody who may sign it can withdraw it");
    }
    if (err == OK) {
        err = service_begin(service, &alone);
    }
    if (err != OK) {
        arena_free(scratch);
        return err;
    }
    err =
        ledger_prepare(service->ledger,
                       "UPDATE document SET withdrawn = ? WHERE client = ? AND id = ?", &statement);
    const int64_t numbers[] = {now.ns, client.value, stored.id};
    for (int i = 0; i < 3 && err == OK; i++) {
        err = statement_bind_int(statement, i + 1, numbers[i]);
    }
    if (err == OK) {
        err = statement_run(statement);
    }
    if (err == OK) {
        err = document_audit(service, scope_principal(scope), "withdraw", client, kind,
                             stored.version.hash, now);
    }
    arena_free(scratch);
    return service_end(service, alone, err);
}
