/*
 * Holds: rows that stop the schedule for some of a client's logs.
 *
 * A hold keeps more than was promised and never less, so whoever works on the client's incidents or
 * audits it may make one.  To release it lets logs go for good:
 *
 *     made by          released by
 *     the client       who decides for the client
 *     a provider       that side, or who decides for the client
 *     an auditor       an auditor of that client, or whoever runs the machine; not the client
 *     the machine      whoever runs it
 *
 * Always true: a row is never deleted, and changes once, when it is released; making and releasing
 * are in the audit trail with their reasons, in one transaction; no side's holds, and none that
 * is over, keep another side from making one.
 */

#include <stdio.h>

#include "ledger/ledger.h"
#include "service/keeping.h"

#define WHY_SIZE_MAX 2000
#define COLUMNS                                                                        \
    "id, sources, span_from, span_to, ends, incident, why, who, side, made, released," \
    " released_by, released_why"

static bool may_make(const struct scope *scope, struct client_id client)
{
    return scope_allows(scope, client, RIGHT_WORK) || scope_allows(scope, client, RIGHT_ACT) ||
           scope_allows(scope, client, RIGHT_AUDIT) ||
           scope_side(scope, client) == SIDE_INSTALLATION;
}

static bool is_blank(struct str text)
{
    return str_trim(text).size == 0;
}

/* ---- Transactions: joined, or our own. */

static enum err hold_begin(struct ledger *ledger, bool *ret_alone)
{
    *ret_alone = !ledger_in_transaction(ledger);
    return *ret_alone ? ledger_begin(ledger) : OK;
}

static enum err hold_end(struct ledger *ledger, bool alone, enum err err)
{
    if (alone) {
        err = err == OK ? ledger_commit(ledger) : err;
        ledger_rollback(ledger);
    }
    return err;
}

static enum err hold_audit(const struct scope *scope, struct ledger *ledger,
                           struct client_id client, uint64_t id, const char *action,
                           struct str reason, struct wall now)
{
    char object[64];
    (void)snprintf(object, sizeof object, "client/%u/hold/%llu", client.value,
                   (unsigned long long)id);
    return ledger_audit(ledger, now.ns, client.value, scope_principal(scope), str_from(action),
                        str_from(object), reason);
}

/* ---- Making. */

static enum err wanted_check(const struct hold_wanted *wanted, struct wall now, struct why *why)
{
    if (is_blank(wanted->why) || wanted->why.size > WHY_SIZE_MAX) {
        return why_say(why, ERR_SYNTAX, 0, "a hold needs a reason of at most %d bytes",
                       WHY_SIZE_MAX);
    }
    if (wanted->sources_count > HOLD_SOURCES_MAX) {
        return why_say(why, ERR_LIMIT, 0, "a hold names at most %d sources, or none for all",
                       HOLD_SOURCES_MAX);
    }
    if (wall_known(wanted->from) && wall_known(wanted->to) && wanted->from.ns > wanted->to.ns) {
        return why_say(why, ERR_SYNTAX, 0, "the span ends before it begins");
    }
    if (wall_known(wanted->until) && wanted->until.ns <= now.ns) {
        return why_say(why, ERR_SYNTAX, 0, "the hold would be over already");
    }
    return OK;
}

static enum err sources_print(const struct hold_wanted *wanted, struct buf *out)
{
    enum err err = OK;
    for (size_t i = 0; i < wanted->sources_count && err == OK; i++) {
        err = buf_print(out, i == 0 ? "%u" : " %u", wanted->sources[i].value);
    }
    return err;
}

static enum err room_check(struct ledger *ledger, struct client_id client, enum side side,
                           struct wall now, struct why *why)
{
    struct statement *statement;
    bool row;
    enum err err =
        LEDGER_QUERY(ledger,
                     "SELECT count(*) FROM hold WHERE client = ? AND side = ?"
                     " AND released IS NULL AND (ends IS NULL OR ends > ?)",
                     &statement, BIND_INT(client.value), BIND_INT(side), BIND_INT(now.ns));
    err = err == OK ? statement_step(statement, &row) : err;
    if (err == OK && statement_int(statement, 0) >= HOLDS_SIDE_MAX) {
        err = why_say(why, ERR_LIMIT, 0, "%d holds of this side are in force already",
                      HOLDS_SIDE_MAX);
    }
    statement_reset(statement);
    return err;
}

static enum err hold_insert(const struct scope *scope, struct ledger *ledger,
                            struct client_id client, const struct hold_wanted *wanted,
                            struct wall now, uint64_t *ret)
{
    struct statement *statement;
    struct buf sources;
    bool row;
    buf_init(&sources, HOLD_SOURCES_MAX * 12);
    enum err err = sources_print(wanted, &sources);
    if (err == OK) {
        err = LEDGER_QUERY(
            ledger,
            "INSERT INTO hold (client, sources, span_from, span_to, ends, incident, why, who, side,"
            " made) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
            &statement, BIND_INT(client.value), BIND_TEXT(buf_str(&sources)),
            BIND_WALL(wanted->from), BIND_WALL(wanted->to), BIND_WALL(wanted->until),
            BIND_INT(wanted->incident), BIND_TEXT(wanted->why), BIND_TEXT(scope_principal(scope)),
            BIND_INT(scope_side(scope, client)), BIND_INT(now.ns));
    }
    err = err == OK ? statement_step(statement, &row) : err;
    if (err == OK) {
        *ret = (uint64_t)statement_int(statement, 0);
        statement_reset(statement);
    }
    buf_done(&sources);
    return err;
}

enum err hold_make(const struct scope *scope, struct ledger *ledger, struct client_id client,
                   const struct hold_wanted *wanted, struct wall now, uint64_t *ret_id,
                   struct why *why)
{
    bool alone;
    uint64_t id = 0;
    if (!may_make(scope, client)) {
        return ERR_DENIED;
    }
    enum err err = wanted_check(wanted, now, why);
    if (err == OK) {
        err = hold_begin(ledger, &alone);
    }
    if (err != OK) {
        return err;
    }
    err = room_check(ledger, client, scope_side(scope, client), now, why);
    err = err == OK ? hold_insert(scope, ledger, client, wanted, now, &id) : err;
    err = err == OK ? hold_audit(scope, ledger, client, id, "hold", wanted->why, now) : err;
    err = hold_end(ledger, alone, err);
    if (err == OK) {
        *ret_id = id;
    }
    return err;
}

/* ---- Reading. */

static enum err sources_read(struct str text, struct arena *mem, struct hold *ret)
{
    struct source_id *list = ARENA_ARRAY(mem, struct source_id, HOLD_SOURCES_MAX);
    size_t count = 0;
    if (list == NULL) {
        return ERR_MEMORY;
    }
    while (text.size > 0) {
        uint64_t id;
        if (count == HOLD_SOURCES_MAX || str_to_u64(str_cut(&text, ' '), UINT32_MAX, &id) != OK) {
            return ERR_CORRUPT;
        }
        list[count++] = (struct source_id){(uint32_t)id};
    }
    ret->sources = list;
    ret->sources_count = count;
    return OK;
}

static struct wall wall_at(struct statement *statement, int at)
{
    return statement_is_null(statement, at) ? WALL_NONE
                                            : (struct wall){statement_int(statement, at)};
}

static enum err hold_take(struct statement *statement, struct client_id client, struct arena *mem,
                          struct hold *ret)
{
    struct hold hold = {
        .id = (uint64_t)statement_int(statement, 0),
        .client = client,
        .from = wall_at(statement, 2),
        .to = wall_at(statement, 3),
        .until = wall_at(statement, 4),
        .incident = (uint32_t)statement_int(statement, 5),
        .side = (enum side)statement_int(statement, 8),
        .made = {statement_int(statement, 9)},
        .released = wall_at(statement, 10),
    };
    struct str sources = statement_text(statement, 1);
    enum err err = sources.size == 0 ? OK : sources_read(sources, mem, &hold);
    err = err == OK ? arena_copy(mem, statement_text(statement, 6), &hold.why) : err;
    err = err == OK ? arena_copy(mem, statement_text(statement, 7), &hold.who) : err;
    err = err == OK ? arena_copy(mem, statement_text(statement, 11), &hold.released_by) : err;
    err = err == OK ? arena_copy(mem, statement_text(statement, 12), &hold.released_why) : err;
    if (err == OK) {
        *ret = hold;
    }
    return err;
}

bool hold_in_force(const struct hold *hold, struct wall now)
{
    return !wall_known(hold->released) && (!wall_known(hold->until) || now.ns < hold->until.ns);
}

struct hold_span hold_span(const struct hold *hold)
{
    return (struct hold_span){.id = hold->id,
                              .incident = hold->incident,
                              .sources = hold->sources,
                              .sources_count = hold->sources_count,
                              .from = hold->from,
                              .to = hold->to};
}

enum err hold_list(const struct scope *scope, struct ledger *ledger, struct client_id client,
                   bool in_force, struct wall now, struct arena *mem, struct hold **ret,
                   size_t *ret_count)
{
    struct statement *statement;
    size_t count = 0;
    bool row = true;
    if (!scope_allows(scope, client, RIGHT_BOOKS) && !scope_allows(scope, client, RIGHT_SERVE)) {
        return ERR_DENIED;
    }
    struct hold *list = ARENA_ARRAY(mem, struct hold, HOLDS_MAX);
    enum err err =
        list == NULL
            ? ERR_MEMORY
            : LEDGER_QUERY(ledger,
                           "SELECT " COLUMNS " FROM hold WHERE client = ?"
                           " AND (? = 0 OR (released IS NULL AND (ends IS NULL OR ends > ?)))"
                           " ORDER BY id DESC LIMIT ?",
                           &statement, BIND_INT(client.value), BIND_INT(in_force ? 1 : 0),
                           BIND_INT(now.ns), BIND_INT(HOLDS_MAX + in_force));
    while (err == OK) {
        err = statement_step(statement, &row);
        if (err != OK || !row) {
            break;
        }
        if (count == HOLDS_MAX) {
            statement_reset(statement); /* one that is not known of would hold nothing */
            return ERR_LIMIT;
        }
        err = hold_take(statement, client, mem, &list[count]);
        count++;
        if (err != OK) {
            statement_reset(statement);
        }
    }
    if (err == OK) {
        *ret = list;
        *ret_count = count;
    }
    return err;
}

/* ---- Releasing. */

static bool may_release(const struct scope *scope, struct client_id client, enum side maker)
{
    enum side side = scope_side(scope, client);
    bool decides = scope_allows(scope, client, RIGHT_DECIDE);
    switch (maker) {
    case SIDE_AUDITOR:
        return (side == SIDE_AUDITOR && scope_allows(scope, client, RIGHT_AUDIT)) ||
               side == SIDE_INSTALLATION;
    case SIDE_PROVIDER:
        return decides || (side == SIDE_PROVIDER && scope_allows(scope, client, RIGHT_WORK));
    case SIDE_INSTALLATION:
        return side == SIDE_INSTALLATION;
    default:
        return decides;
    }
}

static enum err hold_find(struct ledger *ledger, struct client_id client, uint64_t id,
                          struct arena *mem, struct hold *ret)
{
    struct statement *statement;
    bool row;
    enum err err = LEDGER_QUERY(ledger, "SELECT " COLUMNS " FROM hold WHERE client = ? AND id = ?",
                                &statement, BIND_INT(client.value), BIND_INT(id));
    err = err == OK ? statement_step(statement, &row) : err;
    if (err != OK || !row) {
        return err != OK ? err : ERR_NOT_FOUND;
    }
    err = hold_take(statement, client, mem, ret);
    statement_reset(statement);
    return err;
}

static enum err release_check(const struct scope *scope, const struct hold *hold, struct str reason,
                              struct wall now, struct why *why)
{
    if (!may_release(scope, hold->client, hold->side)) {
        return ERR_DENIED;
    }
    if (is_blank(reason) || reason.size > WHY_SIZE_MAX) {
        return why_say(why, ERR_SYNTAX, 0, "a release needs a reason of at most %d bytes",
                       WHY_SIZE_MAX);
    }
    return hold_in_force(hold, now) ? OK : why_say(why, ERR_CONFLICT, 0, "the hold is over");
}

static enum err release_write(const struct scope *scope, struct ledger *ledger,
                              const struct hold *hold, struct str reason, struct wall now)
{
    struct statement *statement;
    enum err err = LEDGER_QUERY(
        ledger, "UPDATE hold SET released = ?, released_by = ?, released_why = ? WHERE id = ?",
        &statement, BIND_INT(now.ns), BIND_TEXT(scope_principal(scope)), BIND_TEXT(reason),
        BIND_INT(hold->id));
    err = err == OK ? statement_run(statement) : err;
    return err == OK
               ? hold_audit(scope, ledger, hold->client, hold->id, "hold-release", reason, now)
               : err;
}

enum err hold_release(const struct scope *scope, struct ledger *ledger, struct client_id client,
                      uint64_t id, struct str reason, struct wall now, struct why *why)
{
    struct hold hold;
    bool alone;
    if (!scope_allows(scope, client, RIGHT_BOOKS)) {
        return ERR_DENIED;
    }
    struct arena *mem = arena_new((size_t)1 << 20);
    enum err err = mem == NULL ? ERR_MEMORY : hold_find(ledger, client, id, mem, &hold);
    err = err == OK ? release_check(scope, &hold, reason, now, why) : err;
    if (err == OK) {
        err = hold_begin(ledger, &alone);
    }
    if (err == OK) {
        err = release_write(scope, ledger, &hold, reason, now);
        err = hold_end(ledger, alone, err);
    }
    arena_free(mem);
    return err;
}
