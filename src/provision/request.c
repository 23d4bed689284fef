/*
 * The life of a request for logs.
 *
 *                       approve                made                 fetched
 *     waiting-approval ────────► preparing ──────────► ready ──────────────────► delivered ─┐ again
 *        │ │ │                     │   │                 │ 14 days                 │  ▲─────┘
 *        │ │ └ 30 days: expired    │   └ failed          └► expired ◄──────────────┘
 *        │ └ cancelled ◄───────────┘
 *        └ refused
 *
 * Who may what:
 *
 *     ask       whoever may read the client's logs; what the client's responsible person asks for
 *               is approved with that, everybody else's request waits
 *     approve,  the right to decide, which no role of a provider has; the machine's administrator
 *     refuse    sees everything and decides nothing
 *     cancel    whoever asked, or the right to decide
 *     fetch     the client's people who may read logs, whoever asked, the machine's administrator;
 *               what was made because the client leaves nobody approved, so of a provider nobody
 *
 * Always true: a package is made only of a request that the client's responsible person approved
 * (or of a client's leaving, see leaving.c); a state changes only from the states that the picture
 * shows, tested in the statement itself; who may not see the client is told that there is none.
 */

#include "provision/private.h"

#include "base/limits.h"
#include "codec/time.h"
#include "match/match.h"

#define REQUEST_MEMORY ((size_t)4 << 20)

static bool may_read(const struct scope *scope, struct client_id client)
{
    return scope_allows(scope, client, RIGHT_READ);
}

static bool may_decide(const struct scope *scope, struct client_id client)
{
    return scope_side(scope, client) == SIDE_CLIENT && scope_allows(scope, client, RIGHT_DECIDE);
}

static bool may_see(const struct scope *scope, struct client_id client)
{
    return may_read(scope, client) || scope_allows(scope, client, RIGHT_AUDIT);
}

/* ---- Asking. */

static bool source_known(const struct tenant *tenant, struct client_id client, struct str slug)
{
    struct source_info info;
    for (size_t i = 0; tenant_source_at(tenant, i, &info); i++) {
        if (client_equal(info.client, client) && str_equal(info.slug, slug)) {
            return true;
        }
    }
    return false;
}

static enum err wish_check(const struct tenant *tenant, struct client_id client,
                           const struct provision_wish *wish, struct buf *sources, struct why *why)
{
    struct query *query = NULL;
    enum err err = OK;
    if (!wall_known(wish->from) || !wall_known(wish->to) || wish->from.ns >= wish->to.ns) {
        return why_say(why, ERR_SYNTAX, 0, "the period ends before it begins");
    }
    if (str_trim(wish->purpose).size == 0) {
        return why_say(why, ERR_SYNTAX, 0, "a purpose is wanted");
    }
    if (wish->sources_count > PROVISION_SOURCES_MAX) {
        return why_say(why, ERR_LIMIT, 0, "more than %d sources", PROVISION_SOURCES_MAX);
    }
    for (size_t i = 0; i < wish->sources_count && err == OK; i++) {
        if (!source_known(tenant, client, wish->sources[i])) {
            return why_say(why, ERR_SYNTAX, 0, "there is no source '%.*s'",
                           STR_ARG(str_slice(wish->sources[i], 0, SLUG_SIZE_MAX)));
        }
        err = buf_print(sources, "%s%.*s", i > 0 ? "\n" : "", STR_ARG(wish->sources[i]));
    }
    if (err == OK && wish->query.size > 0) {
        err = query_parse(wish->query, &query, why);
        query_free(query);
        err = err == ERR_LIMIT ? ERR_SYNTAX : err;
    }
    return err;
}

static enum err open_count(struct ledger *ledger, struct client_id client, struct why *why)
{
    struct statement *statement;
    bool there;
    enum err err = LEDGER_QUERY(ledger,
                                "SELECT count(*) FROM provision WHERE client = ? AND state IN"
                                " ('waiting-approval', 'preparing')",
                                &statement, BIND_INT(client.value));
    err = err == OK ? statement_step(statement, &there) : err;
    if (err != OK) {
        return err;
    }
    bool full = statement_int(statement, 0) >= PROVISION_OPEN_MAX;
    statement_reset(statement);
    return full ? why_say(why, ERR_LIMIT, 0, "%d requests are open already", PROVISION_OPEN_MAX)
                : OK;
}

/* How a request comes in. */
enum door { DOOR_WAITS, DOOR_APPROVED, DOOR_TAKEN };

static enum err row_insert(const struct scope *scope, struct ledger *ledger,
                           struct client_id client, const struct provision_wish *wish,
                           struct str sources, enum door door, struct wall now, uint64_t *ret_id)
{
    struct statement *statement;
    bool there;
    struct str who = scope_principal(scope);
    enum err err = LEDGER_QUERY(
        ledger,
        "INSERT INTO provision (client, state, asked, asked_by, asked_side, person, from_ns, to_ns,"
        " sources, query, format, proof, language, purpose, approved, approved_by, file, size,"
        " sha256, events, failure, downloads, offboarding)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', 0, '', 0, '', 0, 0)"
        " RETURNING id",
        &statement, BIND_INT(client.value),
        BIND_TEXT(str_from(
            provision_state_text(door == DOOR_WAITS ? PROVISION_WAITING : PROVISION_PREPARING))),
        BIND_INT(now.ns), BIND_TEXT(who), BIND_INT(scope_side(scope, client)),
        BIND_INT(scope_person(scope)), BIND_INT(wish->from.ns), BIND_INT(wish->to.ns),
        BIND_TEXT(sources), BIND_TEXT(wish->query),
        BIND_TEXT(str_from(provision_format_text(wish->format))), BIND_INT(wish->proof ? 1 : 0),
        BIND_TEXT(str_from(language_text(wish->language))), BIND_TEXT(wish->purpose),
        door == DOOR_APPROVED ? BIND_INT(now.ns) : BIND_NULL,
        BIND_TEXT(door == DOOR_APPROVED ? who : STR("")));
    err = err == OK ? statement_step(statement, &there) : err;
    if (err == OK) {
        *ret_id = (uint64_t)statement_int(statement, 0);
        statement_reset(statement);
    }
    return err;
}

static enum err request_make(const struct scope *scope, struct ledger *ledger,
                             const struct tenant *tenant, struct client_id client,
                             const struct provision_wish *wish, enum door door, struct wall now,
                             uint64_t *ret_id, struct why *why)
{
    struct provision asked = {.client = client};
    struct str who = scope_principal(scope);
    struct buf sources;
    buf_init(&sources, (SLUG_SIZE_MAX + 1) * PROVISION_SOURCES_MAX);
    enum err err = wish_check(tenant, client, wish, &sources, why);
    err = err == OK ? ledger_begin(ledger) : err;
    if (err == OK) {
        err = open_count(ledger, client, why);
        err = err == OK
                  ? row_insert(scope, ledger, client, wish, buf_str(&sources), door, now, &asked.id)
                  : err;
        err = err == OK ? step_add(ledger, &asked, who, door == DOOR_TAKEN ? "taken" : "asked",
                                   STR(""), false, now)
                        : err;
        if (err == OK && door == DOOR_APPROVED) {
            err = step_add(ledger, &asked, who, "approved", STR(""), false, now);
        }
        err = row_commit(ledger, err);
    }
    if (err == OK) {
        *ret_id = asked.id;
    }
    buf_done(&sources);
    return err;
}

enum err provision_ask(const struct scope *scope, struct ledger *ledger,
                       const struct tenant *tenant, struct client_id client,
                       const struct provision_wish *wish, struct wall now, uint64_t *ret_id,
                       struct why *why)
{
    if (!may_read(scope, client)) {
        return scope_side(scope, client) == SIDE_NONE ? ERR_NOT_FOUND : ERR_DENIED;
    }
    enum door door = may_decide(scope, client) ? DOOR_APPROVED : DOOR_WAITS;
    return request_make(scope, ledger, tenant, client, wish, door, now, ret_id, why);
}

enum err provision_take(const struct scope *scope, struct ledger *ledger,
                        const struct tenant *tenant, struct client_id client,
                        const struct provision_wish *wish, struct wall now, uint64_t *ret_id,
                        struct why *why)
{
    if (scope_side(scope, client) != SIDE_INSTALLATION || !may_read(scope, client)) {
        return ERR_DENIED;
    }
    return request_make(scope, ledger, tenant, client, wish, DOOR_TAKEN, now, ret_id, why);
}

/* ---- What people decide. */

/* The row, if the scope may know of it. */
static enum err row_of(const struct scope *scope, struct ledger *ledger, struct client_id client,
                       uint64_t id, struct arena *mem, struct provision *ret)
{
    enum err err = may_see(scope, client) ? row_get(ledger, id, mem, ret) : ERR_NOT_FOUND;
    return err == OK && !client_equal(ret->client, client) ? ERR_NOT_FOUND : err;
}

enum decision { DECISION_APPROVE, DECISION_REFUSE, DECISION_CANCEL };

static enum err decision_write(struct ledger *ledger, const struct provision *row,
                               enum decision decision, struct str who, struct wall now)
{
    struct statement *statement;
    enum err err;
    if (decision == DECISION_APPROVE) {
        err = LEDGER_QUERY(ledger,
                           "UPDATE provision SET state = 'preparing', approved = ?, approved_by = ?"
                           " WHERE id = ? AND state = 'waiting-approval'",
                           &statement, BIND_INT(now.ns), BIND_TEXT(who), BIND_INT(row->id));
    } else if (decision == DECISION_REFUSE) {
        err = LEDGER_QUERY(ledger,
                           "UPDATE provision SET state = 'refused'"
                           " WHERE id = ? AND state = 'waiting-approval'",
                           &statement, BIND_INT(row->id));
    } else {
        err = LEDGER_QUERY(ledger,
                           "UPDATE provision SET state = 'cancelled'"
                           " WHERE id = ? AND state IN ('waiting-approval', 'preparing')",
                           &statement, BIND_INT(row->id));
    }
    err = err == OK ? statement_run(statement) : err;
    return err == OK && ledger_changes(ledger) == 0 ? ERR_CONFLICT : err;
}

static enum err decide(const struct scope *scope, struct ledger *ledger, struct client_id client,
                       uint64_t id, enum decision decision, struct str note, struct wall now,
                       struct why *why)
{
    static const char *const steps[] = {"approved", "refused", "cancelled"};
    struct provision row;
    struct str who = scope_principal(scope);
    struct arena *mem = arena_new(REQUEST_MEMORY);
    enum err err = mem == NULL ? ERR_MEMORY : row_of(scope, ledger, client, id, mem, &row);
    bool own = decision == DECISION_CANCEL && err == OK && str_equal(row.asked_by, who);
    if (err == OK && !own && !may_decide(scope, client)) {
        err = ERR_DENIED;
    }
    if (err == OK && row.offboarding != 0) {
        err = why_say(why, ERR_CONFLICT, 0, "it belongs to the client's leaving");
    }
    if (err == OK) {
        err = ledger_begin(ledger);
        err = err == OK ? decision_write(ledger, &row, decision, who, now) : err;
        err = err == OK ? step_add(ledger, &row, who, steps[decision], note, false, now) : err;
        err = row_commit(ledger, err);
    }
    if (err == ERR_CONFLICT && why != NULL && why->text[0] == '\0') {
        err = why_say(why, ERR_CONFLICT, 0, "the request is %s", provision_state_text(row.state));
    }
    arena_free(mem);
    return err;
}

enum err provision_approve(const struct scope *scope, struct ledger *ledger,
                           struct client_id client, uint64_t id, struct str note, struct wall now,
                           struct why *why)
{
    return decide(scope, ledger, client, id, DECISION_APPROVE, note, now, why);
}

enum err provision_refuse(const struct scope *scope, struct ledger *ledger, struct client_id client,
                          uint64_t id, struct str note, struct wall now, struct why *why)
{
    return decide(scope, ledger, client, id, DECISION_REFUSE, note, now, why);
}

enum err provision_cancel(const struct scope *scope, struct ledger *ledger, struct client_id client,
                          uint64_t id, struct str note, struct wall now, struct why *why)
{
    return decide(scope, ledger, client, id, DECISION_CANCEL, note, now, why);
}

/* ---- Fetching. */

static bool may_fetch(const struct scope *scope, const struct provision *row)
{
    enum side side = scope_side(scope, row->client);
    bool asked = row->offboarding == 0 && str_equal(row->asked_by, scope_principal(scope));
    return may_read(scope, row->client) &&
           (side == SIDE_CLIENT || side == SIDE_INSTALLATION || asked);
}

enum err provision_deliver(const struct scope *scope, struct ledger *ledger,
                           struct client_id client, uint64_t id, struct wall now, struct arena *mem,
                           struct provision *ret, struct why *why)
{
    struct statement *statement;
    struct provision row;
    enum err err = row_of(scope, ledger, client, id, mem, &row);
    if (err == OK && !may_fetch(scope, &row)) {
        return ERR_DENIED;
    }
    if (err == OK && (row.state != PROVISION_READY && row.state != PROVISION_DELIVERED)) {
        return why_say(why, ERR_CONFLICT, 0, "the request is %s", provision_state_text(row.state));
    }
    err = err == OK ? ledger_begin(ledger) : err;
    if (err != OK) {
        return err;
    }
    err = LEDGER_QUERY(ledger,
                       "UPDATE provision SET state = 'delivered', downloads = downloads + 1"
                       " WHERE id = ? AND state IN ('ready', 'delivered')",
                       &statement, BIND_INT(id));
    err = err == OK ? statement_run(statement) : err;
    err = err == OK
              ? step_add(ledger, &row, scope_principal(scope), "delivered", row.sha256, true, now)
              : err;
    err = row_commit(ledger, err);
    if (err == OK) {
        *ret = row;
    }
    return err;
}

/* ---- Looking. */

enum err provision_list(const struct scope *scope, struct ledger *ledger, struct client_id client,
                        uint64_t before, size_t limit, struct arena *mem, struct provision **ret,
                        size_t *ret_count)
{
    struct statement *statement;
    bool there = false;
    size_t count = 0;
    if (!may_see(scope, client)) {
        return ERR_NOT_FOUND;
    }
    struct provision *list = arena_take_array(mem, limit + 1, sizeof *list);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    enum err err =
        LEDGER_QUERY(ledger,
                     "SELECT " PROVISION_COLUMNS " FROM provision WHERE client = ?"
                     " AND (?2 = 0 OR id < ?2) ORDER BY id DESC LIMIT ?3",
                     &statement, BIND_INT(client.value), BIND_INT(before), BIND_INT(limit));
    err = err == OK ? statement_step(statement, &there) : err;
    while (err == OK && there && count < limit) {
        err = row_take(statement, mem, &list[count++]);
        err = err == OK ? statement_step(statement, &there) : err;
    }
    if (there) {
        statement_reset(statement);
    }
    if (err == OK) {
        *ret = list;
        *ret_count = count;
    }
    return err;
}

enum err provision_get(const struct scope *scope, struct ledger *ledger, struct client_id client,
                       uint64_t id, struct arena *mem, struct provision *ret)
{
    return row_of(scope, ledger, client, id, mem, ret);
}

static enum err step_take(struct statement *row, struct arena *mem, struct provision_step *ret)
{
    ret->at = (struct wall){statement_int(row, 0)};
    enum err err = arena_copy(mem, statement_text(row, 1), &ret->who);
    err = err == OK ? arena_copy(mem, statement_text(row, 2), &ret->what) : err;
    return err == OK ? arena_copy(mem, statement_text(row, 3), &ret->note) : err;
}

enum err provision_history(const struct scope *scope, struct ledger *ledger,
                           struct client_id client, uint64_t id, struct arena *mem,
                           struct provision_step **ret, size_t *ret_count)
{
    struct statement *statement;
    struct provision row;
    bool there = false;
    size_t count = 0;
    enum err err = row_of(scope, ledger, client, id, mem, &row);
    struct provision_step *list = arena_take_array(mem, PROVISION_STEPS_MAX, sizeof *list);
    if (err != OK || list == NULL) {
        return err == OK ? ERR_MEMORY : err;
    }
    err = LEDGER_QUERY(ledger,
                       "SELECT at, who, what, note FROM (SELECT * FROM provision_step"
                       " WHERE provision = ? ORDER BY number DESC LIMIT ?) ORDER BY number",
                       &statement, BIND_INT(id), BIND_INT(PROVISION_STEPS_MAX));
    err = err == OK ? statement_step(statement, &there) : err;
    while (err == OK && there && count < PROVISION_STEPS_MAX) {
        err = step_take(statement, mem, &list[count++]);
        err = err == OK ? statement_step(statement, &there) : err;
    }
    if (there) {
        statement_reset(statement);
    }
    if (err == OK) {
        *ret = list;
        *ret_count = count;
    }
    return err;
}
