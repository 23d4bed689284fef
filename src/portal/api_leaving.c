/*
 * A client leaves: asked for, confirmed by both sides, taken back, and the certificate.
 */

#include "portal/private.h"
#include "provision/leaving.h"

static enum err leaving_answer(struct call *call, unsigned status)
{
    struct leaving row;
    enum err err = leaving_get(call->scope, call->api->rooms.ledger, call->client, call->mem, &row);
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, status);
    json_text(out, "status", str_from(leaving_state_text(row.state)));
    json_unsigned(out, "provision", row.provision);
    json_time(out, "asked", row.asked);
    json_text(out, "asked_by", row.asked_by);
    json_text(out, "reason", row.reason);
    json_text(out, "language", str_from(language_text(row.language)));
    json_time(out, "exported", row.exported);
    json_time(out, "client_confirmed", row.client_at);
    json_text(out, "client_confirmed_by", row.client_by);
    json_time(out, "provider_confirmed", row.provider_at);
    json_text(out, "provider_confirmed_by", row.provider_by);
    json_time(out, "ended", row.ended);
    json_text(out, "failure", row.failure);
    return call_answered(call);
}

enum err api_leaving_show(struct call *call)
{
    return leaving_answer(call, 200);
}

/* The other side hears of it before anything is asked of them. */
static enum err other_side_tell(struct call *call)
{
    bool client = scope_side(call->scope, call->client) == SIDE_CLIENT;
    const struct request_told told = {
        .what = REQUEST_END_ASKED,
        .who = scope_principal(call->scope),
        .role = client ? ROLE_PROVIDER_ADMIN : ROLE_RESPONSIBLE,
    };
    return notify_request(call->api->rooms.notify, call->client, &told, call->now);
}

enum err api_leaving_new(struct call *call)
{
    struct str reason;
    struct str text;
    enum language language = call->language;
    enum err err = body_text(call, call->body, "reason", &reason);
    err = err == OK ? body_text(call, call->body, "language", &text) : err;
    if (err == OK && text.size > 0 && language_parse(text, &language) != OK) {
        return call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE, STR("language"),
                           yaml_get(call->body, STR("language")));
    }
    err = err == OK ? leaving_ask(call->scope, call->api->rooms.ledger, call->client, reason,
                                  language, call->now, &call->why)
                    : err;
    err = err == OK ? other_side_tell(call) : err;
    return err == OK ? leaving_answer(call, 201) : err;
}

enum err api_leaving_agree(struct call *call)
{
    enum err err =
        leaving_confirm(call->scope, call->api->rooms.ledger, call->client, call->now, &call->why);
    return err == OK ? leaving_answer(call, 200) : err;
}

enum err api_leaving_take_back(struct call *call)
{
    struct str note;
    enum err err = body_text(call, call->body, "note", &note);
    err = err == OK ? leaving_cancel(call->scope, call->api->rooms.ledger, call->client, note,
                                     call->now, &call->why)
                    : err;
    return err == OK ? leaving_answer(call, 200) : err;
}

/* What was signed stands in it as a text, byte for byte. */
enum err api_leaving_certificate(struct call *call)
{
    struct leaving row;
    enum err err = leaving_get(call->scope, call->api->rooms.ledger, call->client, call->mem, &row);
    if (err != OK || row.state != LEAVING_DESTROYED) {
        return err == OK ? ERR_NOT_FOUND : err;
    }
    struct json_out *out = call_answer(call, 200);
    json_text(out, "certificate", row.certificate);
    json_text(out, "signature", row.signature);
    json_text(out, "public_key", service_key(call->api->rooms.service));
    return call_answered(call);
}
