/*
 * Writing a plan into the ledger: parties, clients, people, engagements and
 * sources that are new, and a version for each
 * element that differs from what is effective.  Everything in the caller's transaction.
 *
 * Always true: an id is one more than the largest ever given, and rows are never deleted; so ids
 * are given once.  What did not change leaves no trace.
 */

#include "tenant/store.h"

#include "ledger/ledger.h"
#include "tenant/private.h"

static enum err run(struct statement *statement, enum err err);

enum err store_installation(struct store *store)
{
    struct statement *statement = NULL;
    enum err err = ledger_prepare(store->ledger,
                                  "INSERT INTO party (id, slug, name_ja, name_en)"
                                  " VALUES (1, 'installation', '', '')",
                                  &statement);
    err = run(statement, err);
    if (err == OK) {
        err = ledger_prepare(store->ledger, "INSERT INTO client (id, party) VALUES (1, 1)",
                             &statement);
        err = run(statement, err);
    }
    return err == OK ? store_audit(store, "create", STR("client installation"), STR("")) : err;
}

enum err store_party_new(struct store *store, struct str slug, const struct name_text *name,
                         uint32_t *ret)
{
    struct statement *statement = NULL;
    uint32_t id = 0;
    enum err err = store_next_id(store->ledger, "SELECT coalesce(max(id), 0) + 1 FROM party", &id);
    if (err == OK) {
        err = ledger_prepare(store->ledger,
                             "INSERT INTO party (id, slug, name_ja, name_en) VALUES (?, ?, ?, ?)",
                             &statement);
    }
    if (err == OK) {
        err = statement_bind_int(statement, 1, id);
    }
    const struct str texts[] = {slug, name->ja, name->en};
    for (int at = 0; at < 3 && err == OK; at++) {
        err = statement_bind_text(statement, at + 2, texts[at]);
    }
    err = run(statement, err);
    if (err == OK) {
        *ret = id;
    }
    return err;
}

enum err store_party_rename(struct store *store, struct str slug, const struct name_text *name)
{
    struct statement *statement = NULL;
    enum err err = ledger_prepare(
        store->ledger, "UPDATE party SET name_ja = ?, name_en = ? WHERE slug = ?", &statement);
    const struct str texts[] = {name->ja, name->en, slug};
    for (int at = 0; at < 3 && err == OK; at++) {
        err = statement_bind_text(statement, at + 1, texts[at]);
    }
    return run(statement, err);
}

enum err store_client_new(struct store *store, const struct client_element *client,
                          struct client_id *ret)
{
    uint32_t id;
    enum err err = store_party_new(store, client->slug, &client->name, &id);
    if (err == OK) {
        err = store_run(store->ledger, "INSERT INTO client (id, party) VALUES (?, ?)",
                        (const int64_t[]){id, id}, 2);
    }
    if (err == OK) {
        ret->value = id;
    }
    return err;
}

enum err store_person_new(struct store *store, uint32_t party, struct str slug, uint32_t *ret)
{
    struct statement *statement = NULL;
    uint32_t id = 0;
    enum err err = store_next_id(store->ledger, "SELECT coalesce(max(id), 0) + 1 FROM person", &id);
    if (err == OK) {
        err = ledger_prepare(store->ledger,
                             "INSERT INTO person (id, party, slug, active, password)"
                             " VALUES (?, ?, ?, 1, '')",
                             &statement);
    }
    if (err == OK) {
        err = statement_bind_int(statement, 1, id);
    }
    if (err == OK) {
        err = statement_bind_int(statement, 2, party);
    }
    if (err == OK) {
        err = statement_bind_text(statement, 3, slug);
    }
    err = run(statement, err);
    if (err == OK) {
        *ret = id;
    }
    return err;
}

enum err store_person_active(struct store *store, uint32_t person, bool active)
{
    struct ledger *ledger = store->ledger;
    if (active) {
        return store_run(ledger, "UPDATE person SET active = 1 WHERE id = ?",
                         (const int64_t[]){person}, 1);
    }
    enum err err = store_run(ledger, "UPDATE person SET active = 0, password = '' WHERE id = ?",
                             (const int64_t[]){person}, 1);
    const int64_t values[] = {person};
    if (err == OK) {
        err = store_run(ledger, "DELETE FROM session WHERE person = ?", values, 1);
    }
    if (err == OK) {
        err = store_run(ledger, "DELETE FROM api_token WHERE person = ?", values, 1);
    }
    if (err == OK) {
        err = store_run(ledger, "DELETE FROM one_time WHERE person = ?", values, 1);
    }
    return err == OK ? person_factor_forget(ledger, person) : err;
}

enum err store_engagement_new(struct store *store, struct client_id client, struct str slug)
{
    struct statement *statement = NULL;
    uint32_t id = 0;
    enum err err =
        store_next_id(store->ledger, "SELECT coalesce(max(id), 0) + 1 FROM engagement", &id);
    if (err == OK) {
        err = ledger_prepare(store->ledger,
                             "INSERT INTO engagement (id, client, slug, active)"
                             " VALUES (?, ?, ?, 1)",
                             &statement);
    }
    if (err == OK) {
        err = statement_bind_int(statement, 1, id);
    }
    if (err == OK) {
        err = statement_bind_int(statement, 2, client.value);
    }
    if (err == OK) {
        err = statement_bind_text(statement, 3, slug);
    }
    return run(statement, err);
}

enum err store_engagement_active(struct store *store, uint32_t engagement, bool active)
{
    return store_run(store->ledger, "UPDATE engagement SET active = ? WHERE id = ?",
                     (const int64_t[]){active, engagement}, 2);
}

enum err store_source_new(struct store *store, struct client_id client, struct str slug,
                          struct str unknown_listener)
{
    struct statement *statement = NULL;
    uint32_t id;
    enum err err = store_next_id(store->ledger, "SELECT coalesce(max(id), 0) + 1 FROM source", &id);
    if (err == OK) {
        err = ledger_prepare(store->ledger,
                             "INSERT INTO source (id, client, slug, active, unknown_listener)"
                             " VALUES (?, ?, ?, 1, ?)",
                             &statement);
    }
    if (err == OK) {
        err = statement_bind_int(statement, 1, id);
    }
    if (err == OK) {
        err = statement_bind_int(statement, 2, client.value);
    }
    if (err == OK) {
        err = statement_bind_text(statement, 3, slug);
    }
    if (err == OK) {
        err = statement_bind_text(statement, 4, unknown_listener);
    }
    return run(statement, err);
}

enum err store_source_own(struct store *store, struct client_id client, struct str slug)
{
    struct statement *statement = NULL;
    enum err err = store_source_new(store, client, slug, STR(""));
    if (err == OK) {
        err = LEDGER_QUERY(store->ledger, "UPDATE source SET own = 1 WHERE client = ? AND slug = ?",
                           &statement, BIND_INT(client.value), BIND_TEXT(slug));
    }
    return run(statement, err);
}

enum err store_device_new(struct store *store, struct client_id client, struct str slug)
{
    struct statement *statement = NULL;
    uint32_t id;
    enum err err = store_next_id(store->ledger, "SELECT coalesce(max(id), 0) + 1 FROM device", &id);
    if (err == OK) {
        err = LEDGER_QUERY(store->ledger,
                           "INSERT INTO device (id, client, slug, active) VALUES (?, ?, ?, 1)",
                           &statement, BIND_INT(id), BIND_INT(client.value), BIND_TEXT(slug));
    }
    return run(statement, err);
}

enum err store_device_active(struct store *store, uint32_t device, bool active)
{
    return store_run(store->ledger, "UPDATE device SET active = ? WHERE id = ?",
                     (const int64_t[]){active, device}, 2);
}

enum err store_source_active(struct store *store, struct source_id source, bool active)
{
    return store_run(store->ledger, "UPDATE source SET active = ? WHERE id = ?",
                     (const int64_t[]){active, source.value}, 2);
}

static enum err text_add(struct store *store, struct str hash, struct str canonical)
{
    struct statement *statement = NULL;
    enum err err = ledger_prepare(store->ledger,
                                  "INSERT INTO document_text (hash, canonical) VALUES (?, ?)"
                                  " ON CONFLICT (hash) DO NOTHING",
                                  &statement);
    if (err == OK) {
        err = statement_bind_text(statement, 1, hash);
    }
    if (err == OK) {
        err = statement_bind_text(statement, 2, canonical);
    }
    return run(statement, err);
}

enum err store_version(struct store *store, struct client_id client, const char *kind,
                       struct str path, struct str canonical, struct str hash)
{
    struct statement *statement = NULL;
    enum err err = text_add(store, hash, canonical);
    if (err == OK) {
        err =
            ledger_prepare(store->ledger,
                           "INSERT INTO document_version (client, kind, path, hash, effective_from)"
                           " VALUES (?, ?, ?, ?, ?)",
                           &statement);
    }
    if (err == OK) {
        err = statement_bind_int(statement, 1, client.value);
    }
    const struct str texts[] = {str_from(kind), path, hash};
    for (int at = 0; at < 3 && err == OK; at++) {
        err = statement_bind_text(statement, at + 2, texts[at]);
    }
    if (err == OK) {
        err = statement_bind_int(statement, 5, store->now.ns);
    }
    return run(statement, err);
}

enum err store_audit(struct store *store, const char *action, struct str object, struct str detail)
{
    return ledger_audit(store->ledger, store->now.ns, 0, store->principal, str_from(action), object,
                        detail);
}

enum err store_next_id(struct ledger *ledger, const char *sql, uint32_t *ret)
{
    struct statement *statement = NULL;
    bool row;
    enum err err = ledger_prepare(ledger, sql, &statement);
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err != OK) {
        return err;
    }
    int64_t id = statement_int(statement, 0);
    statement_reset(statement);
    if (id > UINT32_MAX) {
        return ERR_LIMIT;
    }
    *ret = (uint32_t)id;
    return OK;
}

enum err store_run(struct ledger *ledger, const char *sql, const int64_t *values, int count)
{
    struct statement *statement = NULL;
    enum err err = ledger_prepare(ledger, sql, &statement);
    for (int at = 0; at < count && err == OK; at++) {
        err = statement_bind_int(statement, at + 1, values[at]);
    }
    return run(statement, err);
}

/* Runs what was prepared and bound without an error. */
static enum err run(struct statement *statement, enum err err)
{
    return err == OK ? statement_run(statement) : err;
}
