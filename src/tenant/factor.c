/*
 * The second factor: a secret in the app of a person's telephone, from which both sides make the
 * code of each half minute (totp.c), and ten recovery codes for the day on which it is lost.
 *
 *     factor_begin ─► factor_confirm ─► factor_use … ─► factor_end
 *
 * It is asked for once the password was right, so whoever hears `second-factor` has the password
 * already, and there is nothing in how long a wrong code takes that they did not know.  A wrong
 * code is told as a wrong password and counts as one.
 *
 * How often may be guessed: three codes of a million are good at a time.  The tries of a name and
 * of an address (tries.c) are shared with passwords, and after FACTOR_FAILED_MAX wrong ones in a
 * row, over all addresses and restarts, no code of six digits counts any more: a recovery code
 * does, which is 80 random bits, or an administrator takes the factor away.  So a guesser who has
 * the password gets in with a chance of 3 in 10,000 and not more.
 *
 * What is kept: the secret sealed under the installation's key, which lies with the clients' keys
 * and not with the ledger; recovery codes as SHA-256.  Where the key is gone no code fits, and
 * recovery codes still do.
 *
 * Always true: a code is good once, since the step of the last one is on disk before anybody is let
 * in; a recovery code is gone with its use; a factor that was begun and not confirmed asks for
 * nothing.
 */

#include <string.h>

#include "codec/crypto.h"
#include "ledger/ledger.h"
#include "sys/random.h"
#include "tenant/store.h"

#define SECRET_SIZE 20 /* RFC 4226, section 4, R6 */
#define SEALED_SIZE (AES_NONCE_SIZE + SECRET_SIZE + AES_TAG_SIZE)
/* NIST SP 800-63B, 5.2.2: no more than 100 in a row. */
#define FACTOR_FAILED_MAX 100

#define CODE_BYTES  10 /* of a recovery code */
#define CODE_DIGITS 16
/* Of RFC 4648, and of Crockford, who leaves out what looks like something else. */
#define DIGITS_SECRET "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
#define DIGITS_CODE   "0123456789abcdefghjkmnpqrstvwxyz"

struct factor_row {
    bool there, confirmed, open; /* open: the secret could be unsealed */
    uint8_t secret[SECRET_SIZE];
    int64_t step;
    int64_t failed;
};

static enum err factor_load(struct tenant *tenant, uint32_t person, struct factor_row *ret);
static enum err codes_replace(struct tenant *tenant, uint32_t person, struct arena *mem,
                              struct str *ret);
static bool code_read(struct str text, uint32_t person, struct sha256 *ret);

void tenant_factors_set(struct tenant *tenant, const uint8_t key[FACTOR_KEY_SIZE],
                        enum factor_policy policy)
{
    memcpy(tenant->factor_key, key, FACTOR_KEY_SIZE);
    tenant->factor_key_known = true;
    tenant->factor_policy = policy;
}

enum err factor_policy_parse(struct str text, enum factor_policy *ret)
{
    static const char *const texts[FACTOR_POLICY_COUNT] = {"optional", "provider", "everybody"};
    for (int i = 0; i < FACTOR_POLICY_COUNT; i++) {
        if (str_equal(text, str_from(texts[i]))) {
            *ret = (enum factor_policy)i;
            return OK;
        }
    }
    return ERR_SYNTAX;
}

bool factor_wanted(const struct tenant *tenant, uint32_t person)
{
    const struct person_state *state = state_person_id(tenant->state, person);
    if (state == NULL || tenant->factor_policy == FACTOR_OPTIONAL) {
        return false;
    }
    const struct party_state *party = state_party(tenant->state, state->info.party);
    return tenant->factor_policy == FACTOR_EVERYBODY ||
           (party != NULL && (party->element.kinds & 1u << PARTY_PROVIDER) != 0);
}

/* ---- The secret, sealed. */

static struct str seal_beside(uint32_t person, char text[32])
{
    static const char head[] = "factor ";
    char digits[2 * sizeof person + 1];
    memcpy(text, head, sizeof head - 1);
    memcpy(text + sizeof head - 1, hex_print(&person, sizeof person, digits), sizeof digits - 1);
    return str_of(text, sizeof head - 1 + sizeof digits - 1);
}

static void secret_seal(const struct tenant *tenant, uint32_t person,
                        const uint8_t secret[SECRET_SIZE], uint8_t sealed[SEALED_SIZE])
{
    char beside[32];
    random_bytes(sealed, AES_NONCE_SIZE);
    aes_seal(tenant->factor_key, sealed, seal_beside(person, beside), str_of(secret, SECRET_SIZE),
             sealed + AES_NONCE_SIZE);
}

static bool secret_unseal(const struct tenant *tenant, uint32_t person, struct str sealed,
                          uint8_t secret[SECRET_SIZE])
{
    char beside[32];
    return tenant->factor_key_known && sealed.size == SEALED_SIZE &&
           aes_open(tenant->factor_key, (const uint8_t *)sealed.data, seal_beside(person, beside),
                    str_slice(sealed, AES_NONCE_SIZE, sealed.size), secret) == OK;
}

static enum err factor_load(struct tenant *tenant, uint32_t person, struct factor_row *ret)
{
    struct statement *statement;
    *ret = (struct factor_row){0};
    enum err err = ledger_prepare(tenant->ledger,
                                  "SELECT secret, confirmed IS NOT NULL, step, failed FROM factor"
                                  " WHERE person = ?",
                                  &statement);
    if (err == OK) {
        err = statement_bind_int(statement, 1, person);
    }
    if (err == OK) {
        err = statement_step(statement, &ret->there);
    }
    if (err != OK || !ret->there) {
        return err;
    }
    ret->open = secret_unseal(tenant, person, statement_bytes(statement, 0), ret->secret);
    ret->confirmed = statement_int(statement, 1) != 0;
    ret->step = statement_int(statement, 2);
    ret->failed = statement_int(statement, 3);
    statement_reset(statement);
    return OK;
}

static enum err secret_store(struct tenant *tenant, uint32_t person,
                             const uint8_t secret[SECRET_SIZE])
{
    uint8_t sealed[SEALED_SIZE];
    struct statement *statement;
    enum err err = ledger_prepare(tenant->ledger,
                                  "INSERT INTO factor (person, secret, step, failed)"
                                  " VALUES (?, ?, 0, 0) ON CONFLICT (person)"
                                  " DO UPDATE SET secret = excluded.secret WHERE confirmed IS NULL",
                                  &statement);
    secret_seal(tenant, person, secret, sealed);
    if (err == OK) {
        err = statement_bind_int(statement, 1, person);
    }
    if (err == OK) {
        err = statement_bind_bytes(statement, 2, str_of(sealed, sizeof sealed));
    }
    return err == OK ? statement_run(statement) : err;
}

/* ---- Its life. */

enum err factor_begin(struct tenant *tenant, uint32_t person, struct wall now, struct arena *mem,
                      struct str *ret)
{
    const struct person_state *state = state_person_id(tenant->state, person);
    uint8_t secret[SECRET_SIZE];
    char text[8 * SECRET_SIZE / 5 + 1];
    struct factor_row row;
    struct bracket bracket;
    struct str shown;
    if (state == NULL || !state->info.active) {
        return ERR_DENIED;
    }
    if (!tenant->factor_key_known) {
        return ERR_UNSUPPORTED;
    }
    enum err err = factor_load(tenant, person, &row);
    if (err == OK && row.confirmed) {
        err = ERR_EXISTS;
    }
    random_bytes(secret, sizeof secret);
    if (err == OK) {
        err = arena_copy(mem, str_from(base32_print(secret, SECRET_SIZE, DIGITS_SECRET, text)),
                         &shown);
    }
    if (err == OK) {
        err = bracket_open(tenant, &bracket);
    }
    if (err == OK) {
        err = secret_store(tenant, person, secret);
        if (err == OK) {
            err = person_audit(tenant, STR(""), "second-factor-begin", person, STR(""), now);
        }
        err = bracket_close(&bracket, err);
    }
    secret_forget(secret, sizeof secret);
    secret_forget(text, sizeof text);
    if (err == OK) {
        *ret = shown;
    }
    return err;
}

/* Everything of the first code, in the caller's bracket. */
static enum err confirm_store(struct tenant *tenant, uint32_t person, int64_t step,
                              struct str keep_session, struct wall now, struct arena *mem,
                              struct str codes[RECOVERY_CODES])
{
    struct sha256 keep = {0};
    if (!secret_hash(SESSION_PREFIX, keep_session, &keep)) {
        keep = (struct sha256){0}; /* No session stays. */
    }
    enum err err = store_run(tenant->ledger,
                             "UPDATE factor SET confirmed = ?, step = ?, failed = 0"
                             " WHERE person = ?",
                             (const int64_t[]){now.ns, step, person}, 3);
    if (err == OK) {
        err = codes_replace(tenant, person, mem, codes);
    }
    if (err == OK) {
        err = person_sessions_end(tenant, person, &keep);
    }
    return err == OK ? person_audit(tenant, STR(""), "second-factor", person, STR(""), now) : err;
}

enum err factor_confirm(struct tenant *tenant, uint32_t person, struct str code,
                        struct str keep_session, struct wall now, struct arena *mem,
                        struct str ret_codes[RECOVERY_CODES])
{
    struct factor_row row;
    struct bracket bracket;
    uint32_t digits;
    int64_t step = 0;
    enum err err = factor_load(tenant, person, &row);
    if (err == OK && (!row.there || row.confirmed || !row.open)) {
        err = ERR_CONFLICT;
    }
    if (err == OK && (!totp_read(code, &digits) ||
                      !totp_find(str_of(row.secret, SECRET_SIZE), digits, now, 0, &step))) {
        err = ERR_DENIED;
    }
    secret_forget(row.secret, sizeof row.secret);
    if (err == OK) {
        err = bracket_open(tenant, &bracket);
    }
    if (err != OK) {
        return err;
    }
    err = confirm_store(tenant, person, step, keep_session, now, mem, ret_codes);
    return bracket_close(&bracket, err);
}

static enum err failed_store(struct tenant *tenant, uint32_t person, int64_t failed,
                             struct wall now)
{
    enum err err = store_run(tenant->ledger, "UPDATE factor SET failed = ? WHERE person = ?",
                             (const int64_t[]){failed, person}, 2);
    return err == OK && failed == FACTOR_FAILED_MAX
               ? person_audit(tenant, STR("hinomi"), "second-factor-locked", person, STR(""), now)
               : err;
}

/* A code of the app; in the caller's bracket. */
static enum err digits_use(struct tenant *tenant, uint32_t person, const struct factor_row *row,
                           uint32_t digits, struct wall now, bool *ret_fits)
{
    int64_t step;
    *ret_fits = row->open && row->failed < FACTOR_FAILED_MAX &&
                totp_find(str_of(row->secret, SECRET_SIZE), digits, now, row->step, &step);
    return *ret_fits ? store_run(tenant->ledger,
                                 "UPDATE factor SET step = ?, failed = 0 WHERE person = ?",
                                 (const int64_t[]){step, person}, 2)
                     : OK;
}

static enum err recovery_use(struct tenant *tenant, uint32_t person, struct str code,
                             struct wall now, bool *ret_fits)
{
    struct sha256 hash;
    struct statement *statement;
    *ret_fits = false;
    if (!code_read(code, person, &hash)) {
        return OK;
    }
    enum err err = ledger_prepare(
        tenant->ledger, "DELETE FROM recovery_code WHERE person = ? AND code = ?", &statement);
    if (err == OK) {
        err = statement_bind_int(statement, 1, person);
    }
    if (err == OK) {
        err = secret_bind(statement, 2, &hash);
    }
    if (err == OK) {
        err = statement_run(statement);
    }
    if (err != OK || ledger_changes(tenant->ledger) != 1) {
        return err;
    }
    *ret_fits = true;
    err = failed_store(tenant, person, 0, now);
    return err == OK ? person_audit(tenant, STR(""), "recovery-code", person, STR(""), now) : err;
}

enum err factor_use(struct tenant *tenant, uint32_t person, struct str code, struct wall now)
{
    struct factor_row row;
    struct bracket bracket;
    uint32_t digits;
    bool fits = false;
    enum err err = factor_load(tenant, person, &row);
    if (err == OK && !row.confirmed) {
        err = ERR_CONFLICT;
    }
    if (err == OK) {
        err = bracket_open(tenant, &bracket);
    }
    if (err == OK) {
        err = totp_read(code, &digits) ? digits_use(tenant, person, &row, digits, now, &fits)
                                       : recovery_use(tenant, person, code, now, &fits);
        if (err == OK && !fits) {
            err = failed_store(tenant, person, row.failed + 1, now);
        }
        err = bracket_close(&bracket, err);
    }
    secret_forget(row.secret, sizeof row.secret);
    return err == OK && !fits ? ERR_DENIED : err;
}

enum err factor_codes(struct tenant *tenant, uint32_t person, struct wall now, struct arena *mem,
                      struct str ret_codes[RECOVERY_CODES])
{
    struct bracket bracket;
    enum err err = bracket_open(tenant, &bracket);
    if (err != OK) {
        return err;
    }
    err = codes_replace(tenant, person, mem, ret_codes);
    if (err == OK) {
        err = person_audit(tenant, STR(""), "recovery-codes", person, STR(""), now);
    }
    return bracket_close(&bracket, err);
}

enum err person_factor_forget(struct ledger *ledger, uint32_t person)
{
    const int64_t values[] = {person};
    enum err err = store_run(ledger, "DELETE FROM factor WHERE person = ?", values, 1);
    return err == OK ? store_run(ledger, "DELETE FROM recovery_code WHERE person = ?", values, 1)
                     : err;
}

static enum err factor_delete(struct tenant *tenant, uint32_t person, const struct sha256 *keep,
                              struct str principal, struct wall now)
{
    struct bracket bracket;
    enum err err = bracket_open(tenant, &bracket);
    if (err != OK) {
        return err;
    }
    err = person_factor_forget(tenant->ledger, person);
    if (err == OK) {
        err = person_sessions_end(tenant, person, keep);
    }
    if (err == OK) {
        err = person_audit(tenant, principal, "second-factor-end", person, STR(""), now);
    }
    return bracket_close(&bracket, err);
}

enum err factor_end(struct tenant *tenant, uint32_t person, struct str keep_session,
                    struct wall now)
{
    struct sha256 keep = {0};
    if (!secret_hash(SESSION_PREFIX, keep_session, &keep)) {
        keep = (struct sha256){0}; /* No session stays. */
    }
    return factor_delete(tenant, person, &keep, STR(""), now);
}

enum err factor_take(const struct scope *scope, struct tenant *tenant, uint32_t by, struct str name,
                     struct wall now, struct why *why)
{
    static const struct sha256 nobody;
    const struct person_state *person = state_person(tenant->state, name);
    struct str principal;
    struct factor_row row = {0};
    enum err err = people_managed(scope, tenant->state, by, person, &principal, why);
    if (err == OK) {
        err = factor_load(tenant, person->info.id, &row);
        secret_forget(row.secret, sizeof row.secret);
    }
    if (err == OK && !row.confirmed) {
        return ERR_NOT_FOUND;
    }
    if (err == OK && person->info.id == (scope != NULL ? scope_person(scope) : by)) {
        return why_say(why, ERR_CONFLICT, 0,
                       "your own second factor you end yourself, by one of its codes");
    }
    return err == OK ? factor_delete(tenant, person->info.id, &nobody, principal, now) : err;
}

/* ---- Recovery codes. */

/* Its SHA-256 for that person; false for a text that is none.  Written as people write: with or
 * without the dashes, in either case, with letters for the digits that look like them. */
static bool code_read(struct str text, uint32_t person, struct sha256 *ret)
{
    char plain[CODE_DIGITS];
    char digits[2 * sizeof person + 1];
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        c = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
        c = c == 'o' ? '0' : c == 'i' || c == 'l' ? '1' : c;
        if (c == '-' || c == ' ') {
            continue;
        }
        if (str_find_byte(STR(DIGITS_CODE), c) == STR_NONE || size == CODE_DIGITS) {
            return false;
        }
        plain[size++] = c;
    }
    const struct str parts[] = {
        STR("recovery "), str_from(hex_print(&person, sizeof person, digits)), str_of(plain, size)};
    *ret = sha256_of(parts, 3);
    secret_forget(plain, sizeof plain);
    return size == CODE_DIGITS;
}

static enum err code_store(struct tenant *tenant, uint32_t person, struct str code)
{
    struct sha256 hash;
    struct statement *statement;
    enum err err =
        code_read(code, person, &hash)
            ? ledger_prepare(tenant->ledger,
                             "INSERT INTO recovery_code (code, person) VALUES (?, ?)", &statement)
            : ERR_CORRUPT;
    if (err == OK) {
        err = secret_bind(statement, 1, &hash);
    }
    if (err == OK) {
        err = statement_bind_int(statement, 2, person);
    }
    return err == OK ? statement_run(statement) : err;
}

static enum err codes_replace(struct tenant *tenant, uint32_t person, struct arena *mem,
                              struct str *ret)
{
    enum err err = store_run(tenant->ledger, "DELETE FROM recovery_code WHERE person = ?",
                             (const int64_t[]){person}, 1);
    for (int i = 0; i < RECOVERY_CODES && err == OK; i++) {
        uint8_t bytes[CODE_BYTES];
        char text[CODE_DIGITS + 1];
        random_bytes(bytes, sizeof bytes);
        base32_print(bytes, sizeof bytes, DIGITS_CODE, text);
        err = arena_print(mem, &ret[i], "%.4s-%.4s-%.4s-%.4s", text, text + 4, text + 8, text + 12);
        if (err == OK) {
            err = code_store(tenant, person, ret[i]);
        }
        secret_forget(bytes, sizeof bytes);
        secret_forget(text, sizeof text);
    }
    return err;
}
