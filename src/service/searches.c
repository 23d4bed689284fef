/*
 * Saved searches, rows of the ledger.
 *
 * Always true: every statement names the client; a row is changed or removed only by the person who
 * made it; each change stands in the audit trail in the transaction that makes it.
 */

#include "service/searches.h"

#include "base/buf.h"
#include "base/limits.h"

#define NAME_MAX_SIZE 200
#define SPAN_MAX_SIZE 8

static bool span_valid(struct str span)
{
    uint64_t number;
    return span.size == 0 ||
           (span.size > 1 && span.size <= SPAN_MAX_SIZE &&
            str_find_byte(STR("smhdw"), span.data[span.size - 1]) != STR_NONE &&
            str_to_u64(str_slice(span, 0, span.size - 1), 1000000, &number) == OK && number > 0);
}

static enum err allowed(const struct scope *scope, struct client_id client,
                        const struct saved_search *search)
{
    if (!scope_allows(scope, client, RIGHT_READ) || scope_person(scope) == 0) {
        return ERR_DENIED;
    }
    if (search != NULL && (search->name.size == 0 || search->name.size > NAME_MAX_SIZE ||
                           search->query.size > QUERY_SIZE_MAX || !span_valid(search->span))) {
        return ERR_SYNTAX;
    }
    return OK;
}

static enum err audit(const struct scope *scope, struct ledger *ledger, struct client_id client,
                      struct str slug, const char *action, struct str detail, struct wall now)
{
    struct buf object;
    buf_init(&object, sizeof "client " + SLUG_SIZE_MAX);
    enum err err = buf_print(&object, "client %.*s", STR_ARG(slug));
    err = err == OK
              ? ledger_audit(ledger, now.ns, client.value, scope_principal(scope), str_from(action),
                             buf_str(&object), str_slice(detail, 0, NAME_MAX_SIZE))
              : err;
    buf_done(&object);
    return err;
}

static enum err count_of(struct ledger *ledger, struct client_id client, uint64_t *ret)
{
    struct statement *statement;
    bool row;
    enum err err = LEDGER_QUERY(ledger, "SELECT count(*) FROM saved_search WHERE client = ?",
                                &statement, BIND_INT(client.value));
    err = err == OK ? statement_step(statement, &row) : err;
    if (err == OK) {
        *ret = (uint64_t)statement_int(statement, 0);
        statement_reset(statement);
    }
    return err;
}

/* Whose it is; ERR_NOT_FOUND for one that the person may not see, ERR_DENIED for another's. */
static enum err own_check(const struct scope *scope, struct ledger *ledger, struct client_id client,
                          uint64_t id)
{
    struct statement *statement;
    bool row = false;
    if (id > INT64_MAX) {
        return ERR_NOT_FOUND;
    }
    enum err err =
        LEDGER_QUERY(ledger, "SELECT person, shared FROM saved_search WHERE client = ? AND id = ?",
                     &statement, BIND_INT(client.value), BIND_INT(id));
    err = err == OK ? statement_step(statement, &row) : err;
    if (err != OK || !row) {
        return err == OK ? ERR_NOT_FOUND : err;
    }
    bool own = statement_int(statement, 0) == (int64_t)scope_person(scope);
    bool shared = statement_int(statement, 1) != 0;
    statement_reset(statement);
    return own ? OK : shared ? ERR_DENIED : ERR_NOT_FOUND;
}

static enum err end(struct ledger *ledger, enum err err)
{
    err = err == OK ? ledger_commit(ledger) : err;
    if (err != OK) {
        ledger_rollback(ledger);
    }
    return err;
}

static enum err row_insert(const struct scope *scope, struct ledger *ledger,
                           struct client_id client, const struct saved_search *search,
                           struct wall now, uint64_t *ret_id)
{
    struct statement *statement;
    bool row = false;
    enum err err =
        LEDGER_QUERY(ledger,
                     "INSERT INTO saved_search (client, person, name, query, span, shared, changed)"
                     " VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id",
                     &statement, BIND_INT(client.value), BIND_INT(scope_person(scope)),
                     BIND_TEXT(search->name), BIND_TEXT(search->query), BIND_TEXT(search->span),
                     BIND_INT(search->shared), BIND_INT(now.ns));
    err = err == OK ? statement_step(statement, &row) : err;
    if (err == OK && row) {
        *ret_id = (uint64_t)statement_int(statement, 0);
        err = statement_step(statement, &row); /* RETURNING ends only then */
    }
    return err;
}

enum err saved_search_add(const struct scope *scope, struct ledger *ledger, struct client_id client,
                          struct str slug, const struct saved_search *search, struct wall now,
                          uint64_t *ret_id)
{
    uint64_t count = 0;
    enum err err = allowed(scope, client, search);
    err = err == OK ? count_of(ledger, client, &count) : err;
    if (err == OK && count >= SAVED_SEARCHES_MAX) {
        return ERR_LIMIT;
    }
    err = err == OK ? ledger_begin(ledger) : err;
    if (err != OK) {
        return err;
    }
    err = row_insert(scope, ledger, client, search, now, ret_id);
    err = err == OK ? audit(scope, ledger, client, slug, "save search", search->name, now) : err;
    return end(ledger, err);
}

enum err saved_search_change(const struct scope *scope, struct ledger *ledger,
                             struct client_id client, struct str slug,
                             const struct saved_search *search, struct wall now)
{
    struct statement *statement;
    enum err err = allowed(scope, client, search);
    err = err == OK ? own_check(scope, ledger, client, search->id) : err;
    err = err == OK ? ledger_begin(ledger) : err;
    if (err != OK) {
        return err;
    }
    err = LEDGER_QUERY(ledger,
                       "UPDATE saved_search SET name = ?, query = ?, span = ?, shared = ?,"
                       " changed = ? WHERE client = ? AND id = ?",
                       &statement, BIND_TEXT(search->name), BIND_TEXT(search->query),
                       BIND_TEXT(search->span), BIND_INT(search->shared), BIND_INT(now.ns),
                       BIND_INT(client.value), BIND_INT(search->id));
    err = err == OK ? statement_run(statement) : err;
    err = err == OK ? audit(scope, ledger, client, slug, "change search", search->name, now) : err;
    return end(ledger, err);
}

enum err saved_search_remove(const struct scope *scope, struct ledger *ledger,
                             struct client_id client, struct str slug, uint64_t id, struct wall now)
{
    struct statement *statement;
    enum err err = allowed(scope, client, NULL);
    err = err == OK ? own_check(scope, ledger, client, id) : err;
    err = err == OK ? ledger_begin(ledger) : err;
    if (err != OK) {
        return err;
    }
    err = LEDGER_QUERY(ledger, "DELETE FROM saved_search WHERE client = ? AND id = ?", &statement,
                       BIND_INT(client.value), BIND_INT(id));
    err = err == OK ? statement_run(statement) : err;
    err =
        err == OK ? audit(scope, ledger, client, slug, "remove search", (struct str){0}, now) : err;
    return end(ledger, err);
}

enum err saved_search_list(const struct scope *scope, struct ledger *ledger,
                           struct client_id client, struct arena *mem, struct saved_search **ret,
                           size_t *ret_count)
{
    struct statement *statement;
    struct saved_search *list = ARENA_ARRAY(mem, struct saved_search, SAVED_SEARCHES_MAX);
    size_t count = 0;
    bool row = true;
    if (!scope_allows(scope, client, RIGHT_READ)) {
        return ERR_DENIED;
    }
    enum err err = list == NULL
                       ? ERR_MEMORY
                       : LEDGER_QUERY(ledger,
                                      "SELECT id, person, name, query, span, shared,"
                                      " changed FROM saved_search WHERE client = ?"
                                      " AND (shared = 1 OR person = ?) ORDER BY name, id"
                                      " LIMIT ?",
                                      &statement, BIND_INT(client.value),
                                      BIND_INT(scope_person(scope)), BIND_INT(SAVED_SEARCHES_MAX));
    while (err == OK && row) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        struct saved_search *search = &list[count];
        search->id = (uint64_t)statement_int(statement, 0);
        search->person = (uint32_t)statement_int(statement, 1);
        search->shared = statement_int(statement, 5) != 0;
        search->changed.ns = statement_int(statement, 6);
        err = arena_copy(mem, statement_text(statement, 2), &search->name);
        err = err == OK ? arena_copy(mem, statement_text(statement, 3), &search->query) : err;
        err = err == OK ? arena_copy(mem, statement_text(statement, 4), &search->span) : err;
        if (err != OK) {
            statement_reset(statement);
        }
        count++;
    }
    if (err == OK) {
        *ret = list;
        *ret_count = count;
    }
    return err;
}
