/*
 * API tokens: what lets a person's programs in.
 *
 * Always true: a token may what its person may at that moment, as far as it was made for it; so it
 * loses with the person, and never gains.
 */

#include "codec/crypto.h"
#include "ledger/ledger.h"
#include "tenant/store.h"

static enum err token_room(struct tenant *tenant, uint32_t person, struct wall now);

static enum err token_store(struct tenant *tenant, const struct sha256 *hash, struct str name,
                            const int64_t values[4], uint64_t *ret_id)
{
    struct statement *statement;
    bool row;
    enum err err = ledger_prepare(tenant->ledger,
                                  "INSERT INTO api_token (token, name, person, rights, created,"
                                  " expires) VALUES (?, ?, ?, ?, ?, ?)",
                                  &statement);
    if (err == OK) {
        err = secret_bind(statement, 1, hash);
    }
    if (err == OK) {
        err = statement_bind_text(statement, 2, name);
    }
    for (int i = 0; i < 4 && err == OK; i++) {
        err = statement_bind_int(statement, i + 3, values[i]);
    }
    if (err == OK) {
        err = statement_run(statement);
    }
    if (err == OK) {
        err =
            ledger_prepare(tenant->ledger, "SELECT id FROM api_token WHERE token = ?", &statement);
    }
    if (err == OK) {
        err = secret_bind(statement, 1, hash);
    }
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err == OK) {
        *ret_id = (uint64_t)statement_int(statement, 0);
        statement_reset(statement);
    }
    return err;
}

enum err api_token_new(struct tenant *tenant, uint32_t person, struct str name, uint32_t rights,
                       struct wall expires, struct wall now, struct arena *mem, struct str *ret,
                       uint64_t *ret_id)
{
    const struct person_state *state = state_person_id(tenant->state, person);
    struct sha256 hash;
    struct str token;
    struct bracket bracket;
    uint64_t id = 0;
    if (state == NULL || !state->info.active) {
        return ERR_DENIED;
    }
    if (rights == 0 || (rights & ~RIGHTS_KNOWN) != 0 || name.size == 0 ||
        !element_name_valid(name) || expires.ns <= now.ns) {
        return ERR_SYNTAX;
    }
    enum err err = secret_new(API_TOKEN_PREFIX, mem, &token, &hash);
    if (err == OK) {
        err = bracket_open(tenant, &bracket);
    }
    if (err != OK) {
        return err;
    }
    err = token_room(tenant, person, now);
    if (err == OK) {
        err = token_store(tenant, &hash, name,
                          (const int64_t[]){person, rights, now.ns, expires.ns}, &id);
    }
    if (err == OK) {
        err = person_audit(tenant, STR(""), "token-new", person, name, now);
    }
    err = bracket_close(&bracket, err);
    if (err == OK) {
        *ret = token;
        *ret_id = id;
    }
    return err;
}

/* Takes those away whose date is past; ERR_LIMIT if the others leave no room for one more. */
static enum err token_room(struct tenant *tenant, uint32_t person, struct wall now)
{
    struct statement *statement;
    bool row;
    enum err err =
        store_run(tenant->ledger, "DELETE FROM api_token WHERE person = ? AND expires <= ?",
                  (const int64_t[]){person, now.ns}, 2);
    if (err == OK) {
        err = ledger_prepare(tenant->ledger, "SELECT count(*) FROM api_token WHERE person = ?",
                             &statement);
    }
    if (err == OK) {
        err = statement_bind_int(statement, 1, person);
    }
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err == OK) {
        err = statement_int(statement, 0) < API_TOKENS_MAX ? OK : ERR_LIMIT;
        statement_reset(statement);
    }
    return err;
}

enum err api_token_scope(struct tenant *tenant, struct str token, struct str purpose,
                         struct wall now, struct scope **ret)
{
    struct sha256 hash;
    struct statement *statement;
    struct scope *scope;
    bool row;
    if (!secret_hash(API_TOKEN_PREFIX, token, &hash)) {
        return ERR_DENIED;
    }
    enum err err = ledger_prepare(tenant->ledger,
                                  "SELECT id, person, rights, expires, coalesce(seen, 0)"
                                  " FROM api_token WHERE token = ?",
                                  &statement);
    if (err == OK) {
        err = secret_bind(statement, 1, &hash);
    }
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err != OK || !row) {
        return err != OK ? err : ERR_DENIED;
    }
    int64_t id = statement_int(statement, 0);
    uint32_t person = (uint32_t)statement_int(statement, 1);
    uint32_t rights = (uint32_t)statement_int(statement, 2);
    bool good = now.ns < statement_int(statement, 3);
    int64_t seen_ns = statement_int(statement, 4);
    statement_reset(statement);
    err = good ? person_scope(tenant, person, rights, purpose, now, &scope) : ERR_DENIED;
    if (err != OK) {
        return err;
    }
    err = seen_note(tenant, "UPDATE api_token SET seen = ? WHERE id = ?", id, seen_ns, now);
    if (err != OK) {
        scope_free(scope);
        return err;
    }
    *ret = scope;
    return OK;
}

enum err api_token_list(struct tenant *tenant, uint32_t person, struct arena *mem,
                        struct api_token_view **ret, size_t *ret_count)
{
    struct statement *statement;
    struct api_token_view *list = ARENA_ARRAY(mem, struct api_token_view, API_TOKENS_MAX);
    size_t count = 0;
    bool row = list != NULL;
    enum err err = list == NULL ? ERR_MEMORY
                                : ledger_prepare(tenant->ledger,
                                                 "SELECT id, name, rights, created, expires, seen"
                                                 " FROM api_token WHERE person = ? ORDER BY id",
                                                 &statement);
    if (err == OK) {
        err = statement_bind_int(statement, 1, person);
    }
    while (err == OK && row) {
        err = statement_step(statement, &row);
        if (err == OK && row && count < API_TOKENS_MAX) {
            struct api_token_view *view = &list[count++];
            view->id = (uint64_t)statement_int(statement, 0);
            view->rights = (uint32_t)statement_int(statement, 2);
            view->created.ns = statement_int(statement, 3);
            view->expires.ns = statement_int(statement, 4);
            view->seen = statement_is_null(statement, 5)
                             ? WALL_NONE
                             : (struct wall){statement_int(statement, 5)};
            err = arena_copy(mem, statement_text(statement, 1), &view->name);
            if (err != OK) {
                statement_reset(statement);
            }
        }
    }
    if (err == OK) {
        *ret = list;
        *ret_count = count;
    }
    return err;
}

enum err api_token_end(struct tenant *tenant, uint32_t person, uint64_t id, struct wall now)
{
    return row_end(tenant, "DELETE FROM api_token WHERE person = ? AND id = ?", "token-end", person,
                   id, now);
}
