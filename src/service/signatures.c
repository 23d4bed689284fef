/*
 * Signatures: who stands for a version, and how another installation can believe it.
 *
 * A person signs a *statement*, canonical JSON:
 *
 *     {"at":"…","client":"acme","from":"…","hash":"…","kind":"assets","role":"responsible",
 *      "roles":["responsible"],"who":"acme/head"}
 *
 * `from` is there if the version has a date from which it is to run.  The installation at which the
 * person was signed in vouches for it with Ed25519.  The statement can be made anew from the row,
 * so only key and signature are kept, and they stay the same wherever the version is taken.
 *
 * Always true:
 *
 *   (1) A version has at most one signature of each set of roles of its kind, and at most one of
 *       each person: what both sides have to sign, two persons have signed (R062).
 *   (2) A role counts only if the person has it for this client (R069); installations and jobs have
 *       none and cannot sign.
 *   (3) Times are kept in whole microseconds, as they are printed.
 */

#include "service/versions.h"

#include "codec/json_out.h"
#include "ledger/ledger.h"

#define STATEMENT_SIZE_MAX 4096

static enum err sign_check(const struct scope *scope, const struct version *version,
                           struct signature *ret, struct why *why);

enum err service_sign(const struct scope *scope, struct service *service, struct client_id client,
                      struct str kind, struct str hash, struct wall now, struct arena *mem,
                      struct version *ret, struct why *why)
{
    uint8_t bytes[ED25519_SIGNATURE_SIZE];
    char hex[2 * ED25519_SIGNATURE_SIZE + 1];
    struct signature signature = {
        .who = scope_principal(scope),
        .at = {now.ns - now.ns % 1000},
        .key = service_key(service),
    };
    struct stored stored;
    struct buf statement;
    struct str slug;
    bool alone;
    if (!may_read(scope, client) || scope_person(scope) == 0) {
        return why_say(why, ERR_DENIED, 0, "only a person with a role for this client can sign");
    }
    enum err err = stored_find(service, client, kind, WHICH_HASH, hash, mem, &stored);
    if (err == OK) {
        err = sign_check(scope, &stored.version, &signature, why);
    }
    if (err == OK) {
        err = client_slug(service, client, mem, &slug);
    }
    if (err != OK) {
        return err;
    }
    buf_init(&statement, STATEMENT_SIZE_MAX);
    err = signature_statement(slug, &stored.version, &signature, &statement);
    if (err == OK) {
        ed25519_sign(service->seed, buf_str(&statement), bytes);
        signature.signature = str_from(hex_print(bytes, sizeof bytes, hex));
        err = service_begin(service, &alone);
    }
    buf_done(&statement);
    if (err != OK) {
        return err;
    }
    err = document_audit(service, signature.who, "sign", client, kind, hash, now);
    if (err == OK) {
        err = signature_store(service, &stored, &signature, signature.who, now, mem);
    }
    err = service_end(service, alone, err);
    if (err == OK) {
        *ret = stored.version;
    }
    return err;
}

/* Finds the set of roles that is still wanted, and the role for it. */
static enum err sign_check(const struct scope *scope, const struct version *version,
                           struct signature *ret, struct why *why)
{
    if (version->state != VERSION_DRAFT) {
        return why_say(why, ERR_CONFLICT, 0, "this version is %s; it can no longer be signed",
                       version_state_text(version->state));
    }
    for (size_t i = 0; i < version->signatures_count; i++) {
        if (str_equal(version->signatures[i].who, ret->who)) {
            return why_say(why, ERR_DENIED, 0,
                           "you have signed this version; what is missing somebody else signs");
        }
    }
    for (size_t i = 0; i < SETS_MAX && version->waits[i] != 0; i++) {
        for (int role = 0; role < ROLE_COUNT; role++) {
            if ((version->waits[i] & 1u << role) != 0 &&
                scope_has_role(scope, version->client, (enum role)role)) {
                ret->roles = version->waits[i];
                ret->role = str_from(role_text((enum role)role));
                return OK;
            }
        }
    }
    return why_say(why, ERR_DENIED, 0, "none of your roles is asked to sign this version");
}

bool signature_set_is(const struct schema *schema, uint32_t roles)
{
    for (size_t i = 0; i < SETS_MAX && schema_signature(schema, i) != 0; i++) {
        if (schema_signature(schema, i) == roles) {
            return true;
        }
    }
    return false;
}

void version_waits(const struct schema *schema, struct version *version)
{
    size_t count = 0;
    for (size_t i = 0; i < SETS_MAX && schema_signature(schema, i) != 0; i++) {
        bool signed_already = false;
        for (size_t j = 0; j < version->signatures_count; j++) {
            signed_already =
                signed_already || version->signatures[j].roles == schema_signature(schema, i);
        }
        if (!signed_already) {
            version->waits[count++] = schema_signature(schema, i);
        }
    }
    if (count < SETS_MAX) {
        version->waits[count] = 0;
    }
}

enum err signature_statement(struct str client, const struct version *version,
                             const struct signature *signature, struct buf *out)
{
    struct json_out json;
    json_out_begin(&json, out);
    json_object(&json, NULL); /* canonical: keys ascending */
    json_time(&json, "at", signature->at);
    json_text(&json, "client", client);
    if (wall_known(version->wanted)) {
        json_time(&json, "from", version->wanted);
    }
    json_text(&json, "hash", version->hash);
    json_text(&json, "kind", version->kind);
    json_text(&json, "role", signature->role);
    json_list(&json, "roles");
    for (int role = 0; role < ROLE_COUNT; role++) {
        if ((signature->roles & 1u << role) != 0) {
            json_text(&json, NULL, str_from(role_text((enum role)role)));
        }
    }
    json_close(&json);
    json_text(&json, "who", signature->who);
    json_close(&json);
    return json_out_end(&json);
}

bool signature_valid(const struct signature *signature, struct str statement)
{
    uint8_t key[ED25519_SIZE];
    uint8_t bytes[ED25519_SIGNATURE_SIZE];
    return hex_parse(signature->key, key, sizeof key) == OK &&
           hex_parse(signature->signature, bytes, sizeof bytes) == OK &&
           ed25519_verify(key, statement, bytes);
}

enum err signature_store(struct service *service, struct stored *stored,
                         const struct signature *signature, struct str principal, struct wall now,
                         struct arena *mem)
{
    struct statement *statement;
    enum err err = ledger_prepare(
        service->ledger,
        "INSERT INTO document_signature (document, roles, at, role, who, key, signature)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        &statement);
    const int64_t numbers[] = {stored->id, signature->roles, signature->at.ns};
    const struct str texts[] = {signature->role, signature->who, signature->key,
                                signature->signature};
    for (int i = 0; i < 3 && err == OK; i++) {
        err = statement_bind_int(statement, i + 1, numbers[i]);
    }
    for (int i = 0; i < 4 && err == OK; i++) {
        err = statement_bind_text(statement, i + 4, texts[i]);
    }
    if (err == OK) {
        err = statement_run(statement);
    }
    if (err == OK) {
        err = stored_again(service, mem, stored);
    }
    return err == OK ? version_complete(service, stored, principal, now, mem) : err;
}

enum err version_complete(struct service *service, struct stored *stored, struct str principal,
                          struct wall now, struct arena *mem)
{
    struct version *version = &stored->version;
    struct statement *statement;
    struct wall due = now;
    bool changed;
    if (version->state != VERSION_DRAFT || version->waits[0] != 0) {
        return OK;
    }
    if (wall_known(version->wanted) && version->wanted.ns > due.ns) {
        due = version->wanted;
    }
    for (size_t i = 0; i < version->signatures_count; i++) {
        due.ns = version->signatures[i].at.ns > due.ns ? version->signatures[i].at.ns : due.ns;
    }
    enum err err = ledger_prepare(
        service->ledger, "UPDATE document SET due = ? WHERE client = ? AND id = ?", &statement);
    const int64_t numbers[] = {due.ns, version->client.value, stored->id};
    for (int i = 0; i < 3 && err == OK; i++) {
        err = statement_bind_int(statement, i + 1, numbers[i]);
    }
    if (err == OK) {
        err = statement_run(statement);
    }
    if (err == OK) {
        err = kind_promote(service, version->client, version->kind, principal, now, &changed);
    }
    return err == OK ? stored_again(service, mem, stored) : err;
}
