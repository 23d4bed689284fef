/*
 * What runs: the effective version of each client and kind, and the turn that changes it.
 *
 * A version that everybody signed is *due* at a moment that is known from then on.  The turn makes
 * due versions effective in the order of these moments, each from the moment at which it was due,
 * however late the turn comes; so what ran when can be told to the nanosecond.
 *
 * Always true:
 *
 *   (1) The stretches [effective, ended) of one client and kind do not overlap and have no gaps.
 *   (2) When a version becomes effective, no earlier one of its kind can any more: who signed a
 *       newer text does not find an older one running next month.
 */

#include "service/versions.h"

#include <string.h>

#include "ledger/ledger.h"

#define RUNNING_SIZE_MAX ((size_t)512 << 20) /* memory of one document that was read */

struct due {
    int64_t id, number, ns;
    struct client_id client;
    char hash[HASH_TEXT_SIZE];
};

static enum err due_next(struct service *service, struct client_id client, struct str kind,
                         struct wall now, struct due *ret);
static enum err due_promote(struct service *service, const struct due *due, struct str kind,
                            struct str principal, struct wall now);
static enum err running_load(struct service *service, struct client_id client, struct str kind,
                             struct running *running);

enum err service_effective(const struct scope *scope, struct service *service,
                           struct client_id client, struct str kind, struct arena *mem,
                           struct version *ret, struct document *ret_document)
{
    struct stored stored;
    struct document whole;
    if (!may_read(scope, client)) {
        return ERR_DENIED;
    }
    enum err err = stored_find(service, client, kind, WHICH_EFFECTIVE, STR(""), mem, &stored);
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

/* ---- The turn. */

static enum err kinds_due(struct service *service, struct wall now, struct client_id *ret_client,
                          struct str *ret_kind, struct arena *mem)
{
    struct statement *statement;
    bool row = false;
    enum err err = ledger_prepare(service->ledger,
                                  "SELECT client, kind FROM document WHERE due <= ?"
                                  " AND effective IS NULL AND withdrawn IS NULL"
                                  " ORDER BY due, id LIMIT 1",
                                  &statement);
    if (err == OK) {
        err = statement_bind_int(statement, 1, now.ns);
    }
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err != OK || !row) {
        return err != OK ? err : ERR_NOT_FOUND;
    }
    ret_client->value = (uint32_t)statement_int(statement, 0);
    err = arena_copy(mem, statement_text(statement, 1), ret_kind);
    statement_reset(statement);
    return err;
}

static enum err turn_next(struct service *service, struct wall *ret)
{
    struct statement *statement;
    bool row;
    enum err err = ledger_prepare(service->ledger,
                                  "SELECT min(due) FROM document WHERE due IS NOT NULL"
                                  " AND effective IS NULL AND withdrawn IS NULL",
                                  &statement);
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err == OK) {
        *ret = statement_wall(statement, 0);
        statement_reset(statement);
    }
    return err;
}

enum err service_turn(const struct scope *scope, struct service *service, struct wall now,
                      struct wall *ret_next, bool *ret_changed)
{
    struct arena *scratch;
    struct client_id client;
    struct wall next = WALL_NONE;
    struct str kind;
    bool changed = false;
    bool alone;
    if (!scope_allows_all(scope, RIGHT_SERVE)) {
        return ERR_DENIED;
    }
    enum err err = turn_next(service, &next);
    if (err == OK && (!wall_known(next) || next.ns > now.ns)) {
        *ret_next = next;
        *ret_changed = false;
        return OK;
    }
    scratch = arena_new(1 << 20);
    err = err == OK && scratch == NULL ? ERR_MEMORY : err;
    if (err == OK) {
        err = service_begin(service, &alone);
    }
    if (err != OK) {
        arena_free(scratch);
        return err;
    }
    while (err == OK) {
        arena_reset(scratch);
        err = kinds_due(service, now, &client, &kind, scratch);
        if (err == OK) {
            err = kind_promote(service, client, kind, scope_principal(scope), now, &changed);
        }
    }
    err = err == ERR_NOT_FOUND ? turn_next(service, &next) : err;
    err = service_end(service, alone, err);
    arena_free(scratch);
    if (err == OK) {
        *ret_next = next;
        *ret_changed = changed;
    }
    return err;
}

enum err kind_promote(struct service *service, struct client_id client, struct str kind,
                      struct str principal, struct wall now, bool *ret_changed)
{
    struct due due;
    enum err err = OK;
    while (err == OK) {
        err = due_next(service, client, kind, now, &due);
        if (err == OK) {
            err = due_promote(service, &due, kind, principal, now);
        }
        if (err == OK) {
            *ret_changed = true;
        }
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err due_next(struct service *service, struct client_id client, struct str kind,
                         struct wall now, struct due *ret)
{
    struct statement *statement;
    bool row = false;
    /* Clocks may step back; a version never starts before the one that it follows. */
    enum err err = ledger_prepare(
        service->ledger,
        "SELECT d.id, d.number, d.hash, d.due, (SELECT max(e.effective) FROM document e"
        " WHERE e.client = d.client AND e.kind = d.kind) FROM document d"
        " WHERE d.client = ? AND d.kind = ? AND d.due <= ? AND d.effective IS NULL"
        " AND d.withdrawn IS NULL ORDER BY d.due, d.number LIMIT 1",
        &statement);
    if (err == OK) {
        err = statement_bind_int(statement, 1, client.value);
    }
    if (err == OK) {
        err = statement_bind_text(statement, 2, kind);
    }
    if (err == OK) {
        err = statement_bind_int(statement, 3, now.ns);
    }
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err != OK || !row) {
        return err != OK ? err : ERR_NOT_FOUND;
    }
    struct str hash = str_slice(statement_text(statement, 2), 0, HASH_TEXT_SIZE - 1);
    struct wall before = statement_wall(statement, 4);
    *ret = (struct due){
        .id = statement_int(statement, 0),
        .number = statement_int(statement, 1),
        .ns = statement_int(statement, 3),
        .client = client,
    };
    ret->ns = wall_known(before) && before.ns > ret->ns ? before.ns : ret->ns;
    memcpy(ret->hash, hash.data, hash.size);
    statement_reset(statement);
    return OK;
}

/* Runs a statement whose parameters are the moment, the client, the kind and the number. */
static enum err run(enum err err, struct statement *statement, const struct due *due,
                    struct str kind)
{
    if (err == OK) {
        err = statement_bind_int(statement, 1, due->ns);
    }
    if (err == OK) {
        err = statement_bind_int(statement, 2, due->client.value);
    }
    if (err == OK) {
        err = statement_bind_text(statement, 3, kind);
    }
    if (err == OK) {
        err = statement_bind_int(statement, 4, due->number);
    }
    return err == OK ? statement_run(statement) : err;
}

static enum err due_promote(struct service *service, const struct due *due, struct str kind,
                            struct str principal, struct wall now)
{
    struct statement *statement = NULL;
    struct client_running *client = service_client(service, due->client);
    if (client == NULL) {
        return ERR_MEMORY;
    }
    enum err err = ledger_prepare(service->ledger,
                                  "UPDATE document SET ended = ? WHERE client = ? AND kind = ?"
                                  " AND number <> ? AND effective IS NOT NULL AND ended IS NULL",
                                  &statement);
    err = run(err, statement, due, kind);
    if (err == OK) {
        err = ledger_prepare(service->ledger,
                             "UPDATE document SET effective = ? WHERE client = ? AND kind = ?"
                             " AND number = ?",
                             &statement);
        err = run(err, statement, due, kind);
    }
    if (err == OK) {
        err = document_audit(service, principal, "effective", due->client, kind,
                             str_from(due->hash), now);
    }
    if (err == OK) {
        err = ledger_prepare(service->ledger,
                             "UPDATE document SET withdrawn = ? WHERE client = ? AND kind = ?"
                             " AND number < ? AND effective IS NULL AND withdrawn IS NULL",
                             &statement);
        err = run(err, statement, due, kind);
    }
    if (err == OK && ledger_changes(service->ledger) > 0) {
        err = document_audit(service, principal, "pass over earlier versions", due->client, kind,
                             str_from(due->hash), now);
    }
    client->generation += err == OK;
    return err;
}

/* ---- For the service's own rooms. */

const struct document *service_running(const struct scope *scope, struct service *service,
                                       struct client_id client, struct str kind,
                                       struct str *ret_hash)
{
    size_t index = kind_index(kind);
    if (index == SIZE_MAX || scope_side(scope, client) == SIDE_NONE) {
        return NULL;
    }
    struct client_running *kept = service_client(service, client);
    if (kept == NULL || running_load(service, client, kind, &kept->kinds[index]) != OK) {
        return NULL;
    }
    if (ret_hash != NULL) {
        *ret_hash = kept->kinds[index].hash;
    }
    return &kept->kinds[index].document;
}

static enum err running_hash(struct service *service, struct client_id client, struct str kind,
                             char ret[HASH_TEXT_SIZE])
{
    struct statement *statement;
    bool row = false;
    enum err err = ledger_prepare(service->ledger,
                                  "SELECT hash FROM document WHERE client = ? AND kind = ?"
                                  " AND effective IS NOT NULL AND ended IS NULL",
                                  &statement);
    if (err == OK) {
        err = statement_bind_int(statement, 1, client.value);
    }
    if (err == OK) {
        err = statement_bind_text(statement, 2, kind);
    }
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err != OK || !row) {
        return err != OK ? err : ERR_NOT_FOUND;
    }
    struct str hash = str_slice(statement_text(statement, 0), 0, HASH_TEXT_SIZE - 1);
    memcpy(ret, hash.data, hash.size);
    ret[hash.size] = '\0';
    statement_reset(statement);
    return OK;
}

static enum err running_load(struct service *service, struct client_id client, struct str kind,
                             struct running *running)
{
    char hash[HASH_TEXT_SIZE];
    struct stored stored;
    struct document document;
    enum err err = running_hash(service, client, kind, hash);
    if (err != OK || (running->mem != NULL && str_equal(running->hash, str_from(hash)))) {
        return err;
    }
    struct arena *mem = arena_new(RUNNING_SIZE_MAX);
    err = mem == NULL ? ERR_MEMORY
                      : stored_find(service, client, kind, WHICH_EFFECTIVE, STR(""), mem, &stored);
    if (err == OK) {
        err = stored_document(service, &stored, mem, &document);
    }
    if (err != OK) {
        arena_free(mem);
        return err;
    }
    arena_free(running->mem);
    *running = (struct running){mem, document, stored.version.hash};
    return OK;
}
