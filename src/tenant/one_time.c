/*
 * One-time tokens: the first set-up, and invitations.
 *
 * The set-up makes what an apply would make: a party, a person with the role provider-admin, a
 * version of each.  So an export shows them, and the next apply of a file that names the party
 * decides about them.
 *
 * Always true: a token works once; a newer one for the same person (or for the set-up) ends the
 * older; none works for somebody who has left.
 */

#include "codec/crypto.h"
#include "codec/password.h"
#include "ledger/ledger.h"
#include "tenant/store.h"

#define SETUP_NS  (24 * 3600 * NS_PER_SECOND)
#define INVITE_NS (3 * SETUP_NS)
/* For the set-up's elements and their names in the audit trail. */
#define SETUP_MEMORY_SIZE ((size_t)1 << 20)

static enum err one_time_store(struct tenant *tenant, const struct sha256 *hash, uint32_t person,
                               struct wall expires);
static enum err one_time_find(struct tenant *tenant, struct str token, struct wall now,
                              struct sha256 *ret_hash, uint32_t *ret_person);
static enum err one_time_use(struct tenant *tenant, const struct sha256 *hash);

static bool anybody_signs_in(const struct tenant *tenant)
{
    for (size_t i = 0; i < tenant->state->people_count; i++) {
        const struct person_info *info = &tenant->state->people[i].info;
        if (info->active && info->has_password) {
            return true;
        }
    }
    return false;
}

/* ---- The first set-up. */

enum err tenant_setup_token(struct tenant *tenant, struct wall now, struct arena *mem,
                            struct str *ret)
{
    struct sha256 hash;
    struct str token;
    struct bracket bracket;
    if (anybody_signs_in(tenant)) {
        return ERR_EXISTS;
    }
    enum err err = secret_new(ONE_TIME_PREFIX, mem, &token, &hash);
    if (err == OK) {
        err = bracket_open(tenant, &bracket);
    }
    if (err != OK) {
        return err;
    }
    err = one_time_store(tenant, &hash, 0, (struct wall){now.ns + SETUP_NS});
    if (err == OK) {
        err = ledger_audit(tenant->ledger, now.ns, 0, STR("hinomi"), STR("setup-token"),
                           STR("installation"), STR(""));
    }
    err = bracket_close(&bracket, err);
    if (err == OK) {
        *ret = token;
    }
    return err;
}

enum err tenant_setup_look(struct tenant *tenant, struct str token, struct wall now)
{
    struct sha256 hash;
    uint32_t person;
    enum err err = one_time_find(tenant, token, now, &hash, &person);
    return err == OK && (person != 0 || anybody_signs_in(tenant)) ? ERR_NOT_FOUND : err;
}

static enum err setup_check(const struct tenant *tenant, struct str party, struct str person,
                            struct why *why)
{
    const struct party_state *known = state_party(tenant->state, party);
    if (!str_is_slug(party) || !str_is_slug(person)) {
        return why_say(why, ERR_SYNTAX, 0,
                       "the names of a party and a person have 1 to %d of a-z, 0-9 and '-', and do "
                       "not begin with '-'",
                       SLUG_SIZE_MAX);
    }
    if (state_client(tenant->state, party) != NULL || str_equal(party, STR("hinomi")) ||
        (known != NULL && (known->element.kinds & 1u << PARTY_PROVIDER) == 0)) {
        return why_say(why, ERR_CONFLICT, 0, "'%.*s' is no provider; choose another name",
                       STR_ARG(party));
    }
    return OK;
}

/* Party and person as an apply would store them; the person's id comes from the ledger. */
static enum err setup_store(struct apply *apply, struct str party, struct str person,
                            uint32_t *ret_person)
{
    char path[PATH_SIZE_MAX];
    const struct person_state *known = state_person(apply->state, path_of(party, person, path));
    const struct party_state *known_party = state_party(apply->state, party);
    struct person_element element = {.slug = person};
    struct statement *statement;
    uint32_t party_id = known_party != NULL ? known_party->id : 0;
    bool row;
    enum err err = OK;
    if (known != NULL) {
        element = known->element;
    }
    element.roles |= 1u << ROLE_PROVIDER_ADMIN;
    if (known_party == NULL) {
        const struct party_element new_party = {.slug = party, .kinds = 1u << PARTY_PROVIDER};
        err = party_store_alone(apply, &new_party, &party_id);
    }
    if (err == OK) {
        err = person_store(apply, CLIENT_INSTALLATION, party_id, party, &element);
    }
    if (err == OK) {
        err = ledger_prepare(apply->store.ledger,
                             "SELECT id FROM person WHERE party = ? AND slug = ?", &statement);
    }
    if (err == OK) {
        err = statement_bind_int(statement, 1, party_id);
    }
    if (err == OK) {
        err = statement_bind_text(statement, 2, person);
    }
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err == OK) {
        *ret_person = (uint32_t)statement_int(statement, 0);
        statement_reset(statement);
    }
    return err;
}

static enum err setup_write(struct tenant *tenant, struct str party, struct str person,
                            struct str password_hash, struct wall now, uint32_t *ret_person,
                            struct why *why)
{
    struct apply apply = {
        .store = {tenant->ledger, STR("hinomi/setup"), now},
        .state = tenant->state,
        .mem = arena_new(SETUP_MEMORY_SIZE),
        .why = why,
    };
    static const struct sha256 nobody;
    enum err err = apply.mem == NULL ? ERR_MEMORY : OK;
    buf_init(&apply.canonical, VERSION_SIZE_MAX);
    if (err == OK) {
        err = setup_store(&apply, party, person, ret_person);
    }
    if (err == OK) {
        err = person_password_store(tenant, *ret_person, password_hash, &nobody);
    }
    buf_done(&apply.canonical);
    arena_free(apply.mem);
    return err;
}

enum err tenant_setup(struct tenant *tenant, struct str token, struct str party, struct str person,
                      struct str password_hash, struct wall now, uint32_t *ret_person,
                      struct why *why)
{
    struct sha256 hash;
    struct bracket bracket;
    uint32_t id = 0;
    enum err err = one_time_find(tenant, token, now, &hash, &id);
    if (err == ERR_NOT_FOUND || (err == OK && id != 0)) {
        return why_say(why, ERR_NOT_FOUND, 0,
                       "this token does not work any more; start 'hinomi serve' anew for another");
    }
    if (err == OK && anybody_signs_in(tenant)) {
        err =
            why_say(why, ERR_EXISTS, 0, "somebody can sign in already; ask them for an invitation");
    }
    if (err == OK) {
        err = setup_check(tenant, party, person, why);
    }
    if (err == OK && !password_hash_valid(password_hash)) {
        err = ERR_SYNTAX;
    }
    if (err == OK) {
        err = bracket_open(tenant, &bracket);
    }
    if (err != OK) {
        return err;
    }
    err = one_time_use(tenant, &hash);
    if (err == OK) {
        err = setup_write(tenant, party, person, password_hash, now, &id, why);
    }
    if (err == OK) {
        err = ledger_audit(tenant->ledger, now.ns, 0, STR("hinomi/setup"), STR("setup"),
                           STR("installation"), STR(""));
    }
    err = bracket_close_state(&bracket, err, why);
    if (err == OK) {
        *ret_person = id;
    }
    return err;
}

/* ---- Invitations. */

enum err tenant_invite(const struct scope *scope, struct tenant *tenant, uint32_t by,
                       struct str name, struct wall now, struct arena *mem, struct str *ret,
                       struct why *why)
{
    const struct person_state *person = state_person(tenant->state, name);
    struct sha256 hash;
    struct str token;
    struct str principal;
    struct bracket bracket;
    enum err err = people_managed(scope, tenant->state, by, person, &principal, why);
    if (err == ERR_NOT_FOUND || (err == OK && !person->info.active)) {
        return why_say(why, ERR_NOT_FOUND, 0, "there is no person '%.*s'",
                       STR_ARG(str_slice(name, 0, PATH_SIZE_MAX)));
    }
    if (err == OK) {
        err = secret_new(ONE_TIME_PREFIX, mem, &token, &hash);
    }
    if (err == OK) {
        err = bracket_open(tenant, &bracket);
    }
    if (err != OK) {
        return err;
    }
    err = one_time_store(tenant, &hash, person->info.id, (struct wall){now.ns + INVITE_NS});
    if (err == OK) {
        err = person_audit(tenant, principal, "invite", person->info.id, STR(""), now);
    }
    err = bracket_close(&bracket, err);
    if (err == OK) {
        *ret = token;
    }
    return err;
}

enum err tenant_invited(struct tenant *tenant, struct str token, struct wall now,
                        struct person_info *ret)
{
    struct sha256 hash;
    uint32_t id;
    enum err err = one_time_find(tenant, token, now, &hash, &id);
    const struct person_state *person = err == OK ? state_person_id(tenant->state, id) : NULL;
    if (err == OK && (person == NULL || !person->info.active)) {
        err = ERR_NOT_FOUND;
    }
    if (err == OK) {
        *ret = person->info;
    }
    return err;
}

enum err tenant_invitation_use(struct tenant *tenant, struct str token, struct str password_hash,
                               struct wall now, uint32_t *ret_person)
{
    static const struct sha256 nobody;
    struct sha256 hash;
    struct bracket bracket;
    struct person_info info;
    enum err err = tenant_invited(tenant, token, now, &info);
    if (err == OK && !password_hash_valid(password_hash)) {
        err = ERR_SYNTAX;
    }
    if (err == OK) {
        err = bracket_open(tenant, &bracket);
    }
    if (err != OK) {
        return err;
    }
    err = secret_hash(ONE_TIME_PREFIX, token, &hash) ? one_time_use(tenant, &hash) : ERR_NOT_FOUND;
    if (err == OK) {
        err = person_password_store(tenant, info.id, password_hash, &nobody);
    }
    if (err == OK) {
        err = person_audit(tenant, STR(""), "invitation", info.id, STR(""), now);
    }
    err = bracket_close_state(&bracket, err, NULL);
    if (err == OK) {
        *ret_person = info.id;
    }
    return err;
}

/* ---- Rows. */

/* Replaces what there is for the same person; 0: the set-up. */
static enum err one_time_store(struct tenant *tenant, const struct sha256 *hash, uint32_t person,
                               struct wall expires)
{
    struct statement *statement;
    enum err err = person != 0 ? store_run(tenant->ledger, "DELETE FROM one_time WHERE person = ?",
                                           (const int64_t[]){person}, 1)
                               : store_run(tenant->ledger,
                                           "DELETE FROM one_time WHERE person IS NULL", NULL, 0);
    if (err == OK) {
        err = ledger_prepare(tenant->ledger,
                             "INSERT INTO one_time (token, person, expires) VALUES (?, ?, ?)",
                             &statement);
    }
    if (err == OK) {
        err = secret_bind(statement, 1, hash);
    }
    if (err == OK) {
        err = person != 0 ? statement_bind_int(statement, 2, person)
                          : statement_bind_null(statement, 2);
    }
    if (err == OK) {
        err = statement_bind_int(statement, 3, expires.ns);
    }
    return err == OK ? statement_run(statement) : err;
}

/* *ret_person 0: the set-up. */
static enum err one_time_find(struct tenant *tenant, struct str token, struct wall now,
                              struct sha256 *ret_hash, uint32_t *ret_person)
{
    struct statement *statement;
    bool row;
    if (!secret_hash(ONE_TIME_PREFIX, token, ret_hash)) {
        return ERR_NOT_FOUND;
    }
    enum err err = ledger_prepare(tenant->ledger,
                                  "SELECT coalesce(person, 0), expires FROM one_time"
                                  " WHERE token = ?",
                                  &statement);
    if (err == OK) {
        err = secret_bind(statement, 1, ret_hash);
    }
    if (err == OK) {
        err = statement_step(statement, &row);
    }
    if (err != OK || !row) {
        return err != OK ? err : ERR_NOT_FOUND;
    }
    bool good = now.ns < statement_int(statement, 1);
    *ret_person = (uint32_t)statement_int(statement, 0);
    statement_reset(statement);
    return good ? OK : ERR_NOT_FOUND;
}

static enum err one_time_use(struct tenant *tenant, const struct sha256 *hash)
{
    struct statement *statement;
    enum err err =
        ledger_prepare(tenant->ledger, "DELETE FROM one_time WHERE token = ?", &statement);
    if (err == OK) {
        err = secret_bind(statement, 1, hash);
    }
    if (err == OK) {
        err = statement_run(statement);
    }
    return err == OK && ledger_changes(tenant->ledger) != 1 ? ERR_NOT_FOUND : err;
}
