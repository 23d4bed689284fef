/*
 * One's own second factor, and one's language.
 *
 * A code within a session counts against the same limits as one at the door: whoever finds a
 * browser that was left open cannot try codes until the factor is gone.
 *
 * Always true: the secret and the recovery codes stand in one answer each, the one that makes them;
 * a factor that the installation wants is never ended by its owner.
 */

#include "portal/private.h"

#include "ledger/ledger.h"
#include "notify/notify.h"
#include "tenant/tenant.h"

enum err api_language_change(struct call *call)
{
    enum language language;
    struct str text;
    enum err err = body_text(call, call->body, "language", &text);
    if (err == OK && language_parse(text, &language) != OK) {
        return call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE, STR("language"),
                           yaml_get(call->body, STR("language")));
    }
    if (err == OK) {
        err = tenant_language_set(call->api->rooms.tenant, call->person, language, call->now);
    }
    return err == OK ? call_answer_nothing(call) : err;
}

enum err api_factor_begin(struct call *call)
{
    struct tenant *tenant = call->api->rooms.tenant;
    struct person_info person;
    struct str secret;
    struct str uri;
    enum err err = tenant_person_get(tenant, call->person, &person);
    if (err == OK) {
        err = factor_begin(tenant, call->person, call->now, call->mem, &secret);
    }
    if (err == OK) { /* Of slugs and Base32 only the blank between the two needs an escape. */
        err = arena_print(call->mem, &uri,
                          "otpauth://totp/Hinomi:%.*s%%2F%.*s?secret=%.*s&issuer=Hinomi"
                          "&algorithm=SHA1&digits=6&period=30",
                          STR_ARG(person.party), STR_ARG(person.slug), STR_ARG(secret));
    }
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 201);
    json_text(out, "secret", secret);
    json_text(out, "uri", uri);
    return call_answered(call);
}

/* The body's code, once there may be another try. */
static enum err code_ask(struct call *call, struct str *ret_name, struct str *ret_code)
{
    struct tenant *tenant = call->api->rooms.tenant;
    struct person_info person;
    enum err err = tenant_person_get(tenant, call->person, &person);
    if (err == OK) {
        err = call_person_name(call, &person, ret_name);
    }
    if (err == OK) {
        err = body_text(call, call->body, "code", ret_code);
    }
    return err == OK ? tenant_try_begin(tenant, *ret_name, call->request->peer, call->now,
                                        &call->answer->retry_seconds)
                     : err;
}

/* Whoever owns the account hears of it by mail; in the transaction of what happened. */
static enum err news_tell(struct call *call, enum account_news news)
{
    return notify_account(call->api->rooms.notify, call->person, news, call->now);
}

/* What came of it; a code that does not fit is refused. */
static enum err code_tried(struct call *call, struct str name, enum err err)
{
    struct tenant *tenant = call->api->rooms.tenant;
    if (err != ERR_DENIED) {
        tenant_try_forget(tenant, name, call->request->peer, call->now);
        return err;
    }
    err = tenant_password_tried(tenant, name, call->request->peer, call->person, false, call->now);
    return err == OK ? call_refuse(call, 403, WORD_API_ERROR_WRONG_CODE, STR(""), NULL) : err;
}

static enum err codes_print(struct call *call, const struct str codes[RECOVERY_CODES])
{
    struct json_out *out = call_answer(call, 200);
    json_list(out, "recovery_codes");
    for (int i = 0; i < RECOVERY_CODES; i++) {
        json_text(out, NULL, codes[i]);
    }
    json_close(out);
    return call_answered(call);
}

static enum err confirm(struct call *call, struct str code, struct str codes[RECOVERY_CODES])
{
    enum err err = ledger_begin(call->api->rooms.ledger);
    if (err != OK) {
        return err;
    }
    err = factor_confirm(call->api->rooms.tenant, call->person, code, call->request->session,
                         call->now, call->mem, codes);
    if (err == OK) {
        err = news_tell(call, ACCOUNT_FACTOR_SET);
    }
    return call_commit(call, err);
}

enum err api_factor_confirm(struct call *call)
{
    struct str codes[RECOVERY_CODES];
    struct str name;
    struct str code;
    enum err err = code_ask(call, &name, &code);
    if (err == OK) {
        err = code_tried(call, name, confirm(call, code, codes));
    }
    return err == OK && !call->refused ? codes_print(call, codes) : err;
}

/* Asks for a code of the factor that is there. */
static enum err code_used(struct call *call)
{
    struct str name;
    struct str code;
    enum err err = code_ask(call, &name, &code);
    return err == OK
               ? code_tried(call, name,
                            factor_use(call->api->rooms.tenant, call->person, code, call->now))
               : err;
}

enum err api_factor_codes(struct call *call)
{
    struct str codes[RECOVERY_CODES];
    enum err err = code_used(call);
    if (err == OK && !call->refused) {
        err = factor_codes(call->api->rooms.tenant, call->person, call->now, call->mem, codes);
    }
    return err == OK && !call->refused ? codes_print(call, codes) : err;
}

static enum err end(struct call *call)
{
    enum err err = ledger_begin(call->api->rooms.ledger);
    if (err != OK) {
        return err;
    }
    err = factor_end(call->api->rooms.tenant, call->person, call->request->session, call->now);
    if (err == OK) {
        err = news_tell(call, ACCOUNT_FACTOR_ENDED);
    }
    return call_commit(call, err);
}

enum err api_factor_end(struct call *call)
{
    struct tenant *tenant = call->api->rooms.tenant;
    if (factor_wanted(tenant, call->person)) {
        return call_refuse(call, 409, WORD_API_ERROR_SECOND_FACTOR_KEPT, STR(""), NULL);
    }
    enum err err = code_used(call);
    if (err == OK && !call->refused) {
        err = end(call);
    }
    return err == OK && !call->refused ? call_answer_nothing(call) : err;
}
