/*
 * The service's own part of a request's life: what is to be made, what became of it, and what is
 * over.
 *
 * Always true: a row names a file only while that file is on disk; it is written after the file is
 * there, and the file goes before the row says so.  A crash in between leaves a row whose file is
 * gone (fetching it says so, and the next turn ends it) or a file that no row knows
 * (provision_knows; desk takes it away when it opens), never a file that is forgotten.
 */

#include "provision/leaving.h"
#include "provision/private.h"

#include "base/limits.h"

#define SERVICE        STR("hinomi")
#define TURN_MEMORY    ((size_t)4 << 20)
#define NS_OF(seconds) ((int64_t)(seconds)*NS_PER_SECOND)

static bool may_serve(const struct scope *scope)
{
    return scope_allows_all(scope, RIGHT_SERVE);
}

enum err provision_next(const struct scope *scope, struct ledger *ledger, uint64_t after,
                        struct arena *mem, struct provision *ret)
{
    struct statement *statement;
    bool there = false;
    if (!may_serve(scope)) {
        return ERR_DENIED;
    }
    enum err err = LEDGER_QUERY(ledger,
                                "SELECT " PROVISION_COLUMNS " FROM provision"
                                " WHERE state = 'preparing' AND id > ? ORDER BY id LIMIT 1",
                                &statement, BIND_INT(after));
    err = err == OK ? statement_step(statement, &there) : err;
    if (err == OK && there) {
        err = row_take(statement, mem, ret);
        statement_reset(statement);
    }
    return err == OK && !there ? ERR_NOT_FOUND : err;
}

static enum err ended_write(struct ledger *ledger, uint64_t id, const char *what, struct str note,
                            bool hashed, struct wall now, enum err err)
{
    struct provision row;
    struct arena *mem = arena_new(TURN_MEMORY);
    if (err == OK && ledger_changes(ledger) == 0) {
        err = ERR_CONFLICT;
    }
    if (err == OK) {
        err = mem == NULL ? ERR_MEMORY : row_get(ledger, id, mem, &row);
    }
    err = err == OK ? step_add(ledger, &row, SERVICE, what, note, hashed, now) : err;
    if (err == OK && row.offboarding != 0) {
        err = leaving_exported(ledger, row.offboarding, hashed ? STR("") : note, now);
    }
    arena_free(mem);
    return row_commit(ledger, err);
}

enum err provision_ready(const struct scope *scope, struct ledger *ledger, uint64_t id,
                         const struct provision_made *made, struct wall now)
{
    struct statement *statement;
    enum err err = may_serve(scope) ? ledger_begin(ledger) : ERR_DENIED;
    if (err != OK) {
        return err;
    }
    err =
        LEDGER_QUERY(ledger,
                     "UPDATE provision SET state = 'ready', made = ?, expires = ?, file = ?,"
                     " size = ?, sha256 = ?, events = ? WHERE id = ? AND state = 'preparing'",
                     &statement, BIND_INT(now.ns), BIND_INT(now.ns + NS_OF(PROVISION_KEPT_SECONDS)),
                     BIND_TEXT(made->file), BIND_INT(made->size), BIND_TEXT(made->sha256),
                     BIND_INT(made->events), BIND_INT(id));
    err = err == OK ? statement_run(statement) : err;
    return ended_write(ledger, id, "ready", made->sha256, true, now, err);
}

enum err provision_fail(const struct scope *scope, struct ledger *ledger, uint64_t id,
                        struct str sentence, struct wall now)
{
    struct statement *statement;
    enum err err = may_serve(scope) ? ledger_begin(ledger) : ERR_DENIED;
    if (err != OK) {
        return err;
    }
    err = LEDGER_QUERY(ledger,
                       "UPDATE provision SET state = 'failed', failure = ?"
                       " WHERE id = ? AND state = 'preparing'",
                       &statement, BIND_TEXT(sentence), BIND_INT(id));
    err = err == OK ? statement_run(statement) : err;
    return ended_write(ledger, id, "failed", sentence, false, now, err);
}

/* ---- What is over. */

static enum err over_find(struct ledger *ledger, struct wall now, struct arena *mem,
                          struct provision *ret)
{
    struct statement *statement;
    bool there = false;
    enum err err = LEDGER_QUERY(
        ledger,
        "SELECT " PROVISION_COLUMNS " FROM provision WHERE expires <= ?1"
        " OR (state = 'waiting-approval' AND asked <= ?2) ORDER BY id LIMIT 1",
        &statement, BIND_INT(now.ns), BIND_INT(now.ns - NS_OF(PROVISION_WAITING_SECONDS)));
    err = err == OK ? statement_step(statement, &there) : err;
    if (err == OK && there) {
        err = row_take(statement, mem, ret);
        statement_reset(statement);
    }
    return err == OK && !there ? ERR_NOT_FOUND : err;
}

static enum err over_write(struct ledger *ledger, const struct provision *row, struct wall now)
{
    struct statement *statement;
    enum err err = ledger_begin(ledger);
    if (err != OK) {
        return err;
    }
    err = LEDGER_QUERY(ledger,
                       "UPDATE provision SET state = 'expired', expires = NULL, file = ''"
                       " WHERE id = ?",
                       &statement, BIND_INT(row->id));
    err = err == OK ? statement_run(statement) : err;
    err = err == OK ? step_add(ledger, row, SERVICE, "expired", STR(""), false, now) : err;
    return row_commit(ledger, err);
}

static enum err next_find(struct ledger *ledger, struct wall *ret)
{
    struct statement *statement;
    bool there = false;
    *ret = WALL_NONE;
    enum err err =
        LEDGER_QUERY(ledger,
                     "SELECT min(at) FROM (SELECT min(expires) AS at FROM provision UNION ALL"
                     " SELECT min(asked) + ? FROM provision WHERE state = 'waiting-approval')",
                     &statement, BIND_INT(NS_OF(PROVISION_WAITING_SECONDS)));
    err = err == OK ? statement_step(statement, &there) : err;
    if (err == OK && there) {
        if (!statement_is_null(statement, 0)) {
            ret->ns = statement_int(statement, 0);
        }
        statement_reset(statement);
    }
    return err;
}

enum err provision_expire(const struct scope *scope, struct ledger *ledger, struct wall now,
                          provision_file_call *call, void *context, struct wall *ret_next)
{
    enum err err = may_serve(scope) ? OK : ERR_DENIED;
    while (err == OK) {
        struct provision row;
        struct arena *mem = arena_new(TURN_MEMORY);
        err = mem == NULL ? ERR_MEMORY : over_find(ledger, now, mem, &row);
        if (err == OK && row.file.size > 0) {
            err = call(context, row.file);
        }
        err = err == OK ? over_write(ledger, &row, now) : err;
        arena_free(mem);
    }
    return err == ERR_NOT_FOUND ? next_find(ledger, ret_next) : err;
}

enum err provision_knows(const struct scope *scope, struct ledger *ledger, struct str file,
                         bool *ret)
{
    struct statement *statement;
    bool there = false;
    if (!may_serve(scope)) {
        return ERR_DENIED;
    }
    enum err err = LEDGER_QUERY(ledger, "SELECT 1 FROM provision WHERE file = ? LIMIT 1",
                                &statement, BIND_TEXT(file));
    err = err == OK ? statement_step(statement, &there) : err;
    if (err == OK && there) {
        statement_reset(statement);
    }
    if (err == OK) {
        *ret = there;
    }
    return err;
}
