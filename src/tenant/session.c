/*
 * Sessions: who sits behind which cookie.
 *
 * A session ends 30 minutes after its last use, 12 hours after its beginning, with its person, and
 * with a new password.  Its use is noted once a minute, so a page that asks ten times a second does
 * not write ten times a second.
 *
 * Always true: a row is a session that has not been ended; whether its time is over is asked each
 * time.  What ended is deleted; the audit trail says who came when.
 */

#include "codec/crypto.h"
#include "ledger/ledger.h"
#include "tenant/store.h"

#define IDLE_NS  (30 * 60 * NS_PER_SECOND)
#define WHOLE_NS (12 * 3600 * NS_PER_SECOND)

static enum err sessions_trim(struct tenant *tenant, uint32_t person, struct wall now);

static bool session_over(int64_t created_ns, int64_t seen_ns, struct wall now)
{
    return now.ns - created_ns >= WHOLE_NS || now.ns - seen_ns >= IDLE_NS;
}

static enum err session_store(struct tenant *tenant, const struct sha256 *hash, uint32_t person,
                              struct str peer, struct str agent, struct wall now)
{
    char clean[CLEAN_SIZE];
    struct statement *statement;
    enum err err = ledger_prepare(tenant->ledger,
                                  "INSERT INTO session (token, person, created, seen, peer, agent)"
                                  " VALUES (?, ?, ?, ?, ?, ?)",
                                  &statement);
    if (err == OK) {
        err = secret_bind(statement, 1, hash);
    }
    const int64_t values[] = {person, now.ns, now.ns};
    for (int i = 0; i < 3 && err == OK; i++) {
        err = statement_bind_int(statement, i + 2, values[i]);
    }
    if (err == OK) {
        err = statement_bind_text(statement, 5, text_clean(peer, clean));
    }
    if (err == OK) {
        err = statement_bind_text(statement, 6, text_clean(agent, clean));
    }
    return err == OK ? statement_run(statement) : err;
}

enum err session_new(struct tenant *tenant, uint32_t person, struct str peer, struct str agent,
                     struct wall now, struct arena *mem, struct str *ret)
{
    const struct person_state *state = state_person_id(tenant->state, person);
    struct sha256 hash;
    struct str token;
    struct bracket bracket;
    if (state == NULL || !state->info.active) {
        return ERR_DENIED;
    }
    enum err err = secret_new(SESSION_PREFIX, mem, &token, &hash);
    if (err == OK) {
        err = bracket_open(tenant, &bracket);
    }
    if (err != OK) {
        return err;
    }
    err = sessions_trim(tenant, person, now);
    if (err == OK) {
        err = session_store(tenant, &hash, person, peer, agent, now);
    }
    if (err == OK) {
        err = store_run(tenant->ledger, "UPDATE person SET signed_in = ? WHERE id = ?",
                        (const int64_t[]){now.ns, person}, 2);
    }
    err = bracket_close(&bracket, err);
    if (err == OK) {
        *ret = token;
    }
    return err;
}

/* Makes room for one more: takes those away whose time is over, then those longest unused. */
static enum err sessions_trim(struct tenant *tenant, uint32_t person, struct wall now)
{
    enum err err = store_run(tenant->ledger,
                             "DELETE FROM session WHERE person = ? AND (created <= ? OR seen <= ?)",
                             (const int64_t[]){person, now.ns - WHOLE_NS, now.ns - IDLE_NS}, 3);
    return err == OK ? store_run(tenant->ledger,
                                 "DELETE FROM session WHERE person = ? AND id NOT IN"
                                 " (SELECT id FROM session WHERE person = ?"
                                 " ORDER BY seen DESC, id DESC LIMIT ?)",
                                 (const int64_t[]){person, person, SESSIONS_MAX - 1}, 3)
                     : err;
}

enum err seen_note(struct tenant *tenant, const char *sql, int64_t id, int64_t seen_ns,
                   struct wall now)
{
    struct bracket bracket;
    if (now.ns - seen_ns < NOTE_NS) {
        return OK;
    }
    enum err err = bracket_open(tenant, &bracket);
    if (err != OK) {
        return err;
    }
    err = store_run(tenant->ledger, sql, (const int64_t[]){now.ns, id}, 2);
    return bracket_close(&bracket, err);
}

struct session_row {
    int64_t id, seen_ns;
    uint32_t person;
};

/* ERR_DENIED for a token that is not good now. */
static enum err session_find(struct tenant *tenant, struct str token, struct wall now,
                             struct session_row *ret)
{
    struct sha256 hash;
    struct statement *statement;
    bool row;
    if (!secret_hash(SESSION_PREFIX, token, &hash)) {
        return ERR_DENIED;
    }
    enum err err =
        ledger_prepare(tenant->ledger,
                       "SELECT id, person, created, seen FROM session WHERE token = ?", &statement);
    if (err == OK) {
        err = secret_bind(statement, 1, &hash);
    }
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err != OK || !row) {
        return err != OK ? err : ERR_DENIED;
    }
    struct session_row found = {.id = statement_int(statement, 0),
                                .person = (uint32_t)statement_int(statement, 1),
                                .seen_ns = statement_int(statement, 3)};
    int64_t created_ns = statement_int(statement, 2);
    statement_reset(statement);
    const struct person_state *state = state_person_id(tenant->state, found.person);
    if (session_over(created_ns, found.seen_ns, now) || state == NULL || !state->info.active) {
        return ERR_DENIED;
    }
    *ret = found;
    return OK;
}

enum err session_person(struct tenant *tenant, struct str token, struct wall now, uint32_t *ret)
{
    struct session_row row;
    enum err err = session_find(tenant, token, now, &row);
    if (err == OK) {
        err =
            seen_note(tenant, "UPDATE session SET seen = ? WHERE id = ?", row.id, row.seen_ns, now);
    }
    if (err == OK) {
        *ret = row.person;
    }
    return err;
}

enum err session_alive(struct tenant *tenant, struct str token, struct wall now)
{
    struct session_row row;
    return session_find(tenant, token, now, &row);
}

enum err session_end(struct tenant *tenant, struct str token, struct wall now)
{
    struct sha256 hash;
    struct statement *statement;
    struct bracket bracket;
    uint32_t person;
    enum err err = session_person(tenant, token, now, &person);
    if (err == OK && !secret_hash(SESSION_PREFIX, token, &hash)) {
        err = ERR_DENIED;
    }
    if (err == OK) {
        err = bracket_open(tenant, &bracket);
    }
    if (err != OK) {
        return err;
    }
    err = ledger_prepare(tenant->ledger, "DELETE FROM session WHERE token = ?", &statement);
    if (err == OK) {
        err = secret_bind(statement, 1, &hash);
    }
    if (err == OK) {
        err = statement_run(statement);
    }
    if (err == OK) {
        err = person_audit(tenant, STR(""), "sign-out", person, STR(""), now);
    }
    return bracket_close(&bracket, err);
}

static enum err session_load(struct statement *row, const struct sha256 *current, struct arena *mem,
                             struct session_view *ret)
{
    struct str token = statement_bytes(row, 1);
    *ret = (struct session_view){
        .id = (uint64_t)statement_int(row, 0),
        .created = {statement_int(row, 2)},
        .seen = {statement_int(row, 3)},
        .current = str_equal(token, str_of(current->bytes, sizeof current->bytes)),
    };
    enum err err = arena_copy(mem, statement_text(row, 4), &ret->peer);
    return err == OK ? arena_copy(mem, statement_text(row, 5), &ret->agent) : err;
}

enum err session_list(struct tenant *tenant, uint32_t person, struct str current, struct wall now,
                      struct arena *mem, struct session_view **ret, size_t *ret_count)
{
    struct sha256 hash = {0};
    struct statement *statement;
    struct session_view *list = ARENA_ARRAY(mem, struct session_view, SESSIONS_MAX);
    size_t count = 0;
    bool row = list != NULL;
    if (!secret_hash(SESSION_PREFIX, current, &hash)) {
        hash = (struct sha256){0}; /* None is the current one. */
    }
    enum err err = list == NULL ? ERR_MEMORY
                                : ledger_prepare(tenant->ledger,
                                                 "SELECT id, token, created, seen, peer, agent"
                                                 " FROM session WHERE person = ?"
                                                 " ORDER BY seen DESC, id DESC",
                                                 &statement);
    if (err == OK) {
        err = statement_bind_int(statement, 1, person);
    }
    while (err == OK && row) {
        err = statement_step(statement, &row);
        if (err == OK && row && count < SESSIONS_MAX &&
            !session_over(statement_int(statement, 2), statement_int(statement, 3), now)) {
            err = session_load(statement, &hash, mem, &list[count++]);
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

enum err row_end(struct tenant *tenant, const char *sql, const char *action, uint32_t person,
                 uint64_t id, struct wall now)
{
    struct bracket bracket;
    if (id > INT64_MAX) {
        return ERR_NOT_FOUND;
    }
    enum err err = bracket_open(tenant, &bracket);
    if (err != OK) {
        return err;
    }
    err = store_run(tenant->ledger, sql, (const int64_t[]){person, (int64_t)id}, 2);
    if (err == OK && ledger_changes(tenant->ledger) != 1) {
        err = ERR_NOT_FOUND;
    }
    if (err == OK) {
        err = person_audit(tenant, STR(""), action, person, STR(""), now);
    }
    return bracket_close(&bracket, err);
}

enum err session_end_id(struct tenant *tenant, uint32_t person, uint64_t id, struct wall now)
{
    return row_end(tenant, "DELETE FROM session WHERE person = ? AND id = ?", "session-end", person,
                   id, now);
}
