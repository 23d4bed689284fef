/*
 * Signing in by password, as far as it needs the ledger.
 *
 *     tenant_password_get → (a worker compares) → tenant_password_tried → session_new
 *
 * A try counts as a failure from the moment it is asked for, and is taken back when it turns out
 * well, so many at once do not slip past the limits.  An unknown name takes the same way as a known
 * one: same limits, same queries, and a hash that takes as long and that nothing matches.
 *
 * The audit trail tells of every success, and of failures once a name that exists or an address has
 * reached its limit: a line for each burst, not for each try, so nobody can fill it from outside.
 */

#include "codec/crypto.h"
#include "codec/password.h"
#include "ledger/ledger.h"
#include "tenant/store.h"

/* The base64 of zeros: 2^-256 is the chance that a password has this hash. */
#define HASH_OF_NOTHING \
    PASSWORD_HASH_HEAD "AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

enum err password_fit(struct str password, struct str name, struct why *why)
{
    struct str slug = name;
    struct str party = str_cut(&slug, '/');
    if (password.size < PASSWORD_SIZE_MIN) {
        return why_say(why, ERR_SYNTAX, 0, "a password has at least %d characters",
                       PASSWORD_SIZE_MIN);
    }
    if (password.size > PASSWORD_SIZE_MAX) {
        return why_say(why, ERR_SYNTAX, 0, "a password has at most %d bytes", PASSWORD_SIZE_MAX);
    }
    if (str_equal_nocase(password, name) || str_equal_nocase(password, slug) ||
        str_equal_nocase(password, party)) {
        return why_say(why, ERR_SYNTAX, 0, "a password is not one's own name; choose another");
    }
    return OK;
}

/* The hash of a person, empty for none; id 0 is nobody's. */
static enum err hash_load(struct tenant *tenant, uint32_t person, struct arena *mem,
                          struct str *ret)
{
    struct statement *statement;
    bool row;
    enum err err = ledger_prepare(
        tenant->ledger, "SELECT password FROM person WHERE id = ? AND active = 1", &statement);
    if (err == OK) {
        err = statement_bind_int(statement, 1, person);
    }
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err != OK) {
        return err;
    }
    err = arena_copy(mem, row ? statement_text(statement, 0) : STR(""), ret);
    statement_reset(statement);
    return err;
}

static enum err tries_ask(struct tenant *tenant, struct str name, struct str peer, struct wall now,
                          uint32_t *ret_seconds)
{
    char pair[TRIES_PAIR_SIZE];
    const struct str keys[] = {tries_pair(name, peer, pair), name, peer};
    *ret_seconds = 0;
    for (int kind = TRIES_PAIR; kind <= TRIES_PEER; kind++) {
        uint32_t seconds = tries_wait(tenant->tries, (enum tries_kind)kind, keys[kind], now);
        *ret_seconds = seconds > *ret_seconds ? seconds : *ret_seconds;
    }
    return *ret_seconds > 0 ? ERR_AGAIN : OK;
}

static void tries_count(struct tenant *tenant, struct str name, struct str peer, struct wall now)
{
    char pair[TRIES_PAIR_SIZE];
    tries_add(tenant->tries, TRIES_PAIR, tries_pair(name, peer, pair), now);
    tries_add(tenant->tries, TRIES_NAME, name, now);
    tries_add(tenant->tries, TRIES_PEER, peer, now);
}

enum err tenant_try_begin(struct tenant *tenant, struct str name, struct str peer, struct wall now,
                          uint32_t *ret_seconds)
{
    enum err err = tries_ask(tenant, name, peer, now, ret_seconds);
    if (err == OK) {
        tries_count(tenant, name, peer, now);
    }
    return err;
}

void tenant_try_forget(struct tenant *tenant, struct str name, struct str peer, struct wall now)
{
    char pair[TRIES_PAIR_SIZE];
    tries_take_back(tenant->tries, TRIES_PAIR, tries_pair(name, peer, pair), 1, now);
    tries_take_back(tenant->tries, TRIES_NAME, name, 1, now);
    tries_take_back(tenant->tries, TRIES_PEER, peer, 1, now);
}

enum err tenant_password_get(struct tenant *tenant, struct str name, struct str peer,
                             struct wall now, struct arena *mem, struct str *ret_hash,
                             uint32_t *ret_person, uint32_t *ret_seconds)
{
    enum err err = tries_ask(tenant, name, peer, now, ret_seconds);
    if (err != OK) {
        return err;
    }
    const struct person_state *person = state_person(tenant->state, name);
    uint32_t id = person != NULL ? person->info.id : 0;
    struct str hash;
    err = hash_load(tenant, id, mem, &hash);
    if (err != OK) {
        return err;
    }
    tries_count(tenant, name, peer, now);
    *ret_hash = hash.size > 0 ? hash : STR(HASH_OF_NOTHING);
    *ret_person = hash.size > 0 ? id : 0;
    return OK;
}

enum err tenant_password_tried(struct tenant *tenant, struct str name, struct str peer,
                               uint32_t person, bool matches, struct wall now)
{
    char clean[CLEAN_SIZE];
    struct str address = text_clean(peer, clean);
    struct bracket bracket;
    bool in = matches && person != 0;
    char key[TRIES_PAIR_SIZE];
    struct str pair = tries_pair(name, peer, key);
    bool name_burst = !in && person != 0 &&
                      (tries_burst(tenant->tries, TRIES_PAIR, pair, now) ||
                       tries_burst(tenant->tries, TRIES_NAME, name, now));
    bool peer_burst = !in && tries_burst(tenant->tries, TRIES_PEER, peer, now);
    if (!in && !name_burst && !peer_burst) {
        return OK;
    }
    enum err err = bracket_open(tenant, &bracket);
    if (err != OK) {
        return err;
    }
    if (in) {
        err = person_audit(tenant, STR(""), "sign-in", person, address, now);
    }
    if (name_burst) {
        err = person_audit(tenant, STR("hinomi"), "sign-in-failures", person, address, now);
    }
    if (err == OK && peer_burst) {
        err = ledger_audit(tenant->ledger, now.ns, 0, STR("hinomi"), STR("sign-in-failures"),
                           STR("address"), address);
    }
    err = bracket_close(&bracket, err);
    if (err == OK && in) {
        tries_take_back(tenant->tries, TRIES_PAIR, pair, UINT32_MAX, now);
        tries_take_back(tenant->tries, TRIES_NAME, name, 1, now);
        tries_take_back(tenant->tries, TRIES_PEER, peer, 1, now);
    }
    return err;
}

enum err person_sessions_end(struct tenant *tenant, uint32_t person, const struct sha256 *keep)
{
    struct statement *statement;
    enum err err = ledger_prepare(
        tenant->ledger, "DELETE FROM session WHERE person = ? AND token <> ?", &statement);
    if (err == OK) {
        err = statement_bind_int(statement, 1, person);
    }
    if (err == OK) {
        err = secret_bind(statement, 2, keep);
    }
    return err == OK ? statement_run(statement) : err;
}

enum err person_password_store(struct tenant *tenant, uint32_t person, struct str hash,
                               const struct sha256 *keep)
{
    struct statement *statement;
    enum err err = ledger_prepare(
        tenant->ledger, "UPDATE person SET password = ? WHERE id = ? AND active = 1", &statement);
    if (err == OK) {
        err = statement_bind_text(statement, 1, hash);
    }
    if (err == OK) {
        err = statement_bind_int(statement, 2, person);
    }
    if (err == OK) {
        err = statement_run(statement);
    }
    if (err == OK && ledger_changes(tenant->ledger) != 1) {
        err = ERR_DENIED;
    }
    if (err == OK) {
        err = person_sessions_end(tenant, person, keep);
    }
    const int64_t values[] = {person};
    if (err == OK) {
        err = store_run(tenant->ledger, "DELETE FROM api_token WHERE person = ?", values, 1);
    }
    return err == OK ? store_run(tenant->ledger, "DELETE FROM one_time WHERE person = ?", values, 1)
                     : err;
}

enum err tenant_password_set(struct tenant *tenant, uint32_t person, struct str hash,
                             struct str keep_session, struct wall now)
{
    struct sha256 keep = {0};
    struct bracket bracket;
    const struct person_state *state = state_person_id(tenant->state, person);
    if (!password_hash_valid(hash)) {
        return ERR_SYNTAX;
    }
    if (state == NULL || !state->info.active) {
        return ERR_DENIED;
    }
    if (!secret_hash(SESSION_PREFIX, keep_session, &keep)) {
        keep = (struct sha256){0}; /* No session stays. */
    }
    enum err err = bracket_open(tenant, &bracket);
    if (err != OK) {
        return err;
    }
    err = person_password_store(tenant, person, hash, &keep);
    if (err == OK) {
        err = person_audit(tenant, STR(""), "password", person, STR(""), now);
    }
    return bracket_close_state(&bracket, err, NULL);
}
