/*
 * The life of a client's leaving.  Its export is a request like any other (request.c), of the whole
 * time and all sources, which only the leaving made and nobody can refuse.
 *
 * Always true: a state changes only in a statement that names the state before it; what is
 * confirmed was exported first; the audit trail learns each step and no reason that people wrote.
 */

#include "provision/leaving.h"

#include "provision/private.h"

#define COLUMNS                                                                             \
    "id, client, state, asked, asked_by, reason, language, exported, provision, client_at," \
    " client_by, provider_at, provider_by, ended, certificate, signature, failure"

static const char *const states[LEAVING_STATE_COUNT] = {"asked",     "exported",  "confirmed",
                                                        "destroyed", "cancelled", "failed"};

const char *leaving_state_text(enum leaving_state state)
{
    return states[state];
}

static bool for_client(const struct scope *scope, struct client_id client)
{
    return scope_side(scope, client) == SIDE_CLIENT && scope_allows(scope, client, RIGHT_DECIDE);
}

static bool for_provider(const struct scope *scope, struct client_id client)
{
    enum side side = scope_side(scope, client);
    return (side == SIDE_PROVIDER || side == SIDE_INSTALLATION) &&
           scope_allows(scope, client, RIGHT_MANAGE);
}

/* ---- Rows. */

static struct wall time_take(struct statement *row, int at)
{
    return statement_is_null(row, at) ? WALL_NONE : (struct wall){statement_int(row, at)};
}

static enum err leaving_take(struct statement *row, struct arena *mem, struct leaving *ret)
{
    struct leaving taken = {
        .id = (uint64_t)statement_int(row, 0),
        .client = {(uint32_t)statement_int(row, 1)},
        .state = LEAVING_STATE_COUNT,
        .asked = {statement_int(row, 3)},
        .exported = time_take(row, 7),
        .provision = (uint64_t)statement_int(row, 8),
        .client_at = time_take(row, 9),
        .provider_at = time_take(row, 11),
        .ended = time_take(row, 13),
    };
    for (int i = 0; i < LEAVING_STATE_COUNT; i++) {
        if (str_equal(statement_text(row, 2), str_from(states[i]))) {
            taken.state = (enum leaving_state)i;
        }
    }
    if (taken.state == LEAVING_STATE_COUNT ||
        language_parse(statement_text(row, 6), &taken.language) != OK) {
        return ERR_CORRUPT;
    }
    const struct {
        int at;
        struct str *to;
    } texts[] = {
        {4, &taken.asked_by},     {5, &taken.reason},       {10, &taken.client_by},
        {12, &taken.provider_by}, {14, &taken.certificate}, {15, &taken.signature},
        {16, &taken.failure},
    };
    enum err err = OK;
    for (size_t i = 0; i < sizeof texts / sizeof *texts && err == OK; i++) {
        err = arena_copy(mem, statement_text(row, texts[i].at), texts[i].to);
    }
    if (err == OK) {
        *ret = taken;
    }
    return err;
}

static enum err last_get(struct ledger *ledger, struct client_id client, struct arena *mem,
                         struct leaving *ret)
{
    struct statement *statement;
    bool there = false;
    enum err err = LEDGER_QUERY(
        ledger, "SELECT " COLUMNS " FROM offboarding WHERE client = ? ORDER BY id DESC LIMIT 1",
        &statement, BIND_INT(client.value));
    err = err == OK ? statement_step(statement, &there) : err;
    if (err == OK && there) {
        err = leaving_take(statement, mem, ret);
        statement_reset(statement);
    }
    return err == OK && !there ? ERR_NOT_FOUND : err;
}

enum err leaving_ended(struct ledger *ledger, struct client_id client, struct wall *ret)
{
    struct statement *statement;
    bool there = false;
    enum err err = LEDGER_QUERY(ledger,
                                "SELECT ended FROM offboarding WHERE client = ? AND"
                                " state = 'destroyed'",
                                &statement, BIND_INT(client.value));
    err = err == OK ? statement_step(statement, &there) : err;
    if (err == OK && there) {
        *ret = time_take(statement, 0);
        statement_reset(statement);
    }
    return err == OK && !there ? ERR_NOT_FOUND : err;
}

static enum err audit(struct ledger *ledger, struct client_id client, struct str who,
                      const char *what, struct str detail, struct wall now)
{
    struct buf object;
    struct buf action;
    buf_init(&object, 128);
    buf_init(&action, 128);
    enum err err = buf_print(&object, "client/%u/offboarding", client.value);
    err = err == OK ? buf_print(&action, "offboarding %s", what) : err;
    err = err == OK ? ledger_audit(ledger, now.ns, client.value, who, buf_str(&action),
                                   buf_str(&object), detail)
                    : err;
    buf_done(&object);
    buf_done(&action);
    return err;
}

/* ---- Asking. */

static enum err rows_insert(struct ledger *ledger, struct client_id client, struct str who,
                            enum side side, struct str reason, enum language language,
                            struct wall now)
{
    struct statement *statement;
    bool there;
    int64_t leaving = 0;
    struct str spoken = str_from(language_text(language));
    enum err err = LEDGER_QUERY(
        ledger,
        "INSERT INTO offboarding (client, state, asked, asked_by, reason, language, provision,"
        " client_by, provider_by, certificate, signature, failure)"
        " VALUES (?, 'asked', ?, ?, ?, ?, 0, '', '', '', '', '') RETURNING id",
        &statement, BIND_INT(client.value), BIND_INT(now.ns), BIND_TEXT(who), BIND_TEXT(reason),
        BIND_TEXT(spoken));
    err = err == OK ? statement_step(statement, &there) : err;
    if (err == OK) {
        leaving = statement_int(statement, 0);
        statement_reset(statement);
        err = LEDGER_QUERY(
            ledger,
            "INSERT INTO provision (client, state, asked, asked_by, asked_side, person, from_ns,"
            " to_ns, sources, query, format, proof, language, purpose, approved_by, file, size,"
            " sha256, events, failure, downloads, offboarding)"
            " VALUES (?, 'preparing', ?, ?, ?, 0, 0, ?, '', '', 'ndjson', 1, ?, ?, '', '', 0, '',"
            " 0, '', 0, ?) RETURNING id",
            &statement, BIND_INT(client.value), BIND_INT(now.ns), BIND_TEXT(who), BIND_INT(side),
            BIND_INT(now.ns), BIND_TEXT(spoken), BIND_TEXT(reason), BIND_INT(leaving));
    }
    err = err == OK ? statement_step(statement, &there) : err;
    if (err == OK) {
        struct provision asked = {.id = (uint64_t)statement_int(statement, 0), .client = client};
        statement_reset(statement);
        err = step_add(ledger, &asked, who, "asked", STR(""), false, now);
        err = err == OK ? LEDGER_QUERY(ledger, "UPDATE offboarding SET provision = ? WHERE id = ?",
                                       &statement, BIND_INT(asked.id), BIND_INT(leaving))
                        : err;
        err = err == OK ? statement_run(statement) : err;
    }
    return err;
}

static enum err open_check(struct ledger *ledger, struct client_id client, struct why *why)
{
    struct leaving last;
    struct arena *mem = arena_new((size_t)4 << 20);
    enum err err = mem == NULL ? ERR_MEMORY : last_get(ledger, client, mem, &last);
    if (err == OK && last.state != LEAVING_CANCELLED && last.state != LEAVING_FAILED) {
        err = why_say(why, ERR_CONFLICT, 0, "the client's leaving is %s",
                      leaving_state_text(last.state));
    }
    arena_free(mem);
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err leaving_ask(const struct scope *scope, struct ledger *ledger, struct client_id client,
                     struct str reason, enum language language, struct wall now, struct why *why)
{
    struct str who = scope_principal(scope);
    if (!for_client(scope, client) && !for_provider(scope, client)) {
        return scope_side(scope, client) == SIDE_NONE ? ERR_NOT_FOUND : ERR_DENIED;
    }
    if (client_equal(client, CLIENT_INSTALLATION)) {
        return why_say(why, ERR_CONFLICT, 0, "the installation itself does not leave");
    }
    enum err err = open_check(ledger, client, why);
    err = err == OK ? ledger_begin(ledger) : err;
    if (err == OK) {
        err = rows_insert(ledger, client, who, scope_side(scope, client), reason, language, now);
        err = err == OK ? audit(ledger, client, who, "asked", STR(""), now) : err;
        err = row_commit(ledger, err);
    }
    return err;
}

/* ---- Deciding. */

enum err leaving_get(const struct scope *scope, struct ledger *ledger, struct client_id client,
                     struct arena *mem, struct leaving *ret)
{
    bool may = for_client(scope, client) || for_provider(scope, client) ||
               scope_allows(scope, client, RIGHT_AUDIT);
    return may ? last_get(ledger, client, mem, ret) : ERR_NOT_FOUND;
}

static enum err confirmation_write(struct ledger *ledger, uint64_t id, bool client, struct str who,
                                   struct wall now)
{
    struct statement *statement;
    enum err err =
        client ? LEDGER_QUERY(ledger,
                              "UPDATE offboarding SET client_at = ?, client_by = ? WHERE id = ?"
                              " AND state = 'exported' AND client_at IS NULL",
                              &statement, BIND_INT(now.ns), BIND_TEXT(who), BIND_INT(id))
               : LEDGER_QUERY(ledger,
                              "UPDATE offboarding SET provider_at = ?, provider_by = ? WHERE id = ?"
                              " AND state = 'exported' AND provider_at IS NULL",
                              &statement, BIND_INT(now.ns), BIND_TEXT(who), BIND_INT(id));
    err = err == OK ? statement_run(statement) : err;
    if (err == OK && ledger_changes(ledger) == 0) {
        return ERR_CONFLICT;
    }
    err = err == OK ? LEDGER_QUERY(ledger,
                                   "UPDATE offboarding SET state = 'confirmed' WHERE id = ? AND"
                                   " client_at IS NOT NULL AND provider_at IS NOT NULL",
                                   &statement, BIND_INT(id))
                    : err;
    return err == OK ? statement_run(statement) : err;
}

enum err leaving_confirm(const struct scope *scope, struct ledger *ledger, struct client_id client,
                         struct wall now, struct why *why)
{
    struct leaving last;
    struct str who = scope_principal(scope);
    bool as_client = for_client(scope, client);
    struct arena *mem = arena_new((size_t)4 << 20);
    enum err err = mem == NULL ? ERR_MEMORY : leaving_get(scope, ledger, client, mem, &last);
    if (err == OK && !as_client && !for_provider(scope, client)) {
        err = ERR_DENIED;
    }
    err = err == OK ? ledger_begin(ledger) : err;
    if (err == OK) {
        err = confirmation_write(ledger, last.id, as_client, who, now);
        err = err == OK
                  ? audit(ledger, client, who,
                          as_client ? "confirmed for the client" : "confirmed for the provider",
                          STR(""), now)
                  : err;
        err = row_commit(ledger, err);
    }
    if (err == ERR_CONFLICT) {
        err = why_say(why, ERR_CONFLICT, 0, "the client's leaving is %s",
                      last.state == LEAVING_EXPORTED ? "confirmed by this side already"
                                                     : leaving_state_text(last.state));
    }
    arena_free(mem);
    return err;
}

/* What was made for a leaving that is taken back is not wanted: else whoever asks and takes back
 * again and again fills the disk with copies of everything.  What lies there goes with the next
 * turn. */
static enum err export_end(struct ledger *ledger, const struct leaving *leaving, struct str who,
                           struct wall now)
{
    struct statement *statement;
    const struct provision export = {.id = leaving->provision, .client = leaving->client};
    enum err err = LEDGER_QUERY(ledger,
                                "UPDATE provision SET expires = ?1 WHERE id = ?2"
                                " AND state IN ('ready', 'delivered') AND expires > ?1",
                                &statement, BIND_INT(now.ns), BIND_INT(export.id));
    err = err == OK ? statement_run(statement) : err;
    err = err == OK ? LEDGER_QUERY(ledger,
                                   "UPDATE provision SET state = 'cancelled'"
                                   " WHERE id = ? AND state = 'preparing'",
                                   &statement, BIND_INT(export.id))
                    : err;
    err = err == OK ? statement_run(statement) : err;
    return err == OK && ledger_changes(ledger) > 0
               ? step_add(ledger, &export, who, "cancelled", STR(""), false, now)
               : err;
}

enum err leaving_cancel(const struct scope *scope, struct ledger *ledger, struct client_id client,
                        struct str note, struct wall now, struct why *why)
{
    struct leaving last;
    struct statement *statement;
    struct str who = scope_principal(scope);
    struct arena *mem = arena_new((size_t)4 << 20);
    enum err err = mem == NULL ? ERR_MEMORY : leaving_get(scope, ledger, client, mem, &last);
    if (err == OK && !for_client(scope, client) && !str_equal(last.asked_by, who)) {
        err = ERR_DENIED;
    }
    err = err == OK ? ledger_begin(ledger) : err;
    if (err == OK) {
        err = LEDGER_QUERY(ledger,
                           "UPDATE offboarding SET state = 'cancelled', ended = ?, failure = ?"
                           " WHERE id = ? AND state IN ('asked', 'exported', 'confirmed')",
                           &statement, BIND_INT(now.ns), BIND_TEXT(note), BIND_INT(last.id));
        err = err == OK ? statement_run(statement) : err;
        err = err == OK && ledger_changes(ledger) == 0 ? ERR_CONFLICT : err;
        err = err == OK ? export_end(ledger, &last, who, now) : err;
        err = err == OK ? audit(ledger, client, who, "cancelled", STR(""), now) : err;
        err = row_commit(ledger, err);
    }
    if (err == ERR_CONFLICT) {
        err = why_say(why, ERR_CONFLICT, 0, "the client's leaving is %s",
                      leaving_state_text(last.state));
    }
    arena_free(mem);
    return err;
}

/* ---- The service. */

enum err leaving_exported(struct ledger *ledger, uint64_t id, struct str failure, struct wall now)
{
    struct statement *statement;
    enum err err =
        failure.size == 0
            ? LEDGER_QUERY(ledger,
                           "UPDATE offboarding SET state = 'exported', exported = ?"
                           " WHERE id = ? AND state = 'asked'",
                           &statement, BIND_INT(now.ns), BIND_INT(id))
            : LEDGER_QUERY(ledger,
                           "UPDATE offboarding SET state = 'failed', ended = ?, failure = ?"
                           " WHERE id = ? AND state = 'asked'",
                           &statement, BIND_INT(now.ns), BIND_TEXT(failure), BIND_INT(id));
    return err == OK ? statement_run(statement) : err;
}

enum err leaving_destroyed(const struct scope *scope, struct ledger *ledger, uint64_t id,
                           struct str certificate, struct str signature, struct wall now)
{
    struct statement *statement;
    bool there = false;
    if (!scope_allows_all(scope, RIGHT_SERVE)) {
        return ERR_DENIED;
    }
    enum err err = LEDGER_QUERY(
        ledger,
        "UPDATE offboarding SET state = 'destroyed', ended = ?, certificate = ?,"
        " signature = ?, reason = '' WHERE id = ? AND state = 'confirmed'"
        " RETURNING client",
        &statement, BIND_INT(now.ns), BIND_TEXT(certificate), BIND_TEXT(signature), BIND_INT(id));
    err = err == OK ? statement_step(statement, &there) : err;
    if (err == OK && there) {
        struct client_id client = {(uint32_t)statement_int(statement, 0)};
        statement_reset(statement);
        err = audit(ledger, client, STR("hinomi"), "destroyed", signature, now);
    }
    return err == OK && !there ? ERR_CONFLICT : err;
}
