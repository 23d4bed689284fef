/*
 * Who is there: signing in and out, sessions, API tokens, passwords, and the two one-time tokens
 * that lead in (the first set-up, an invitation).
 *
 * Always true:
 *
 *   (1) an unknown name costs what a wrong password costs: both are hashed by a worker, against a
 *       hash that nothing matches in the first case, and are told with the same words;
 *   (2) no password, session or token stands in an answer, but for a new API token, once; a new
 *       session's token leaves in `cookie` alone;
 *   (3) one-time tokens come in bodies, since paths end up in logs;
 *   (4) a session begins with a second factor's code wherever the person has one; a wrong code is
 *       told, and counted, as a wrong password.
 */

#include "portal/private.h"

#include "base/limits.h"
#include "tenant/tenant.h"

#define CODE_SIZE_MAX 64 /* a code, or a recovery code with its dashes */

static enum err session_start(struct call *call, uint32_t person);
static enum err me_print(struct call *call, const struct person_info *person);

static enum err password_wrong(struct call *call);
static enum err body_password_fits(struct call *call, const char *key, struct str name,
                                   struct str *ret);

enum err api_session_begin(struct call *call)
{
    struct pending pending = {.kind = PENDING_SIGN_IN, .peer = call->request->peer};
    struct str password;
    struct str hash;
    struct str code;
    pending.agent = call->request->agent;
    enum err err = body_text(call, call->body, "name", &pending.name);
    if (err == OK) {
        err = body_text(call, call->body, "password", &password);
    }
    if (err == OK) {
        err = body_text(call, call->body, "code", &code);
    }
    pending.code = err == OK ? str_slice(code, 0, CODE_SIZE_MAX) : STR("");
    if (err == OK && (pending.name.size > 2 * SLUG_SIZE_MAX + 1 || password.size == 0 ||
                      password.size > PASSWORD_SIZE_MAX)) {
        return password_wrong(call);
    }
    if (err == OK && !pending_has_room(call, &pending)) {
        return ERR_AGAIN;
    }
    if (err == OK) {
        err = tenant_password_get(call->api->rooms.tenant, pending.name, pending.peer, call->now,
                                  call->mem, &hash, &pending.person, &call->answer->retry_seconds);
    }
    return err == OK ? pending_ask(call, &pending, password, hash) : err;
}

enum err api_session_finish(struct call *call)
{
    enum err err = session_end(call->api->rooms.tenant, call->request->session, call->now);
    if (err == OK) {
        call->answer->cookie = STR("-");
        err = call_answer_nothing(call);
    }
    return err;
}

enum err api_me_show(struct call *call)
{
    struct person_info person;
    enum err err = tenant_person_get(call->api->rooms.tenant, call->person, &person);
    return err == OK ? me_print(call, &person) : err;
}

static void reach_print(struct call *call, struct json_out *out)
{
    struct client_info client;
    json_list(out, "clients");
    for (size_t i = 0; tenant_client_at(call->api->rooms.tenant, i, &client); i++) {
        enum side side = call->scope != NULL ? scope_side(call->scope, client.id) : SIDE_NONE;
        uint32_t held = 0;
        if (side == SIDE_NONE) {
            continue;
        }
        for (uint32_t right = 1; right <= RIGHT_SERVE; right <<= 1) {
            held |= scope_allows(call->scope, client.id, (enum right)right) ? right : 0;
        }
        json_object(out, NULL);
        json_text(out, "client", client.slug);
        json_text(out, "side", str_from(side_text(side)));
        json_list(out, "roles");
        for (int role = 0; role < ROLE_COUNT; role++) {
            if (scope_has_role(call->scope, client.id, (enum role)role)) {
                json_text(out, NULL, str_from(role_text((enum role)role)));
            }
        }
        json_close(out);
        json_rights(out, "rights", held);
        json_close(out);
    }
    json_close(out);
}

static enum err me_print(struct call *call, const struct person_info *person)
{
    struct str name;
    struct person_door door;
    enum err err = call_person_name(call, person, &name);
    if (err == OK) {
        err = tenant_person_door(call->api->rooms.tenant, person->id, &door);
    }
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 200);
    json_text(out, "person", name);
    json_names(out, "name", person->name_ja, person->name_en);
    json_text(out, "mail", person->mail);
    json_text(out, "language", str_from(language_text(person->language)));
    json_yes_no(out, "second_factor", door.second_factor);
    json_unsigned(out, "recovery_codes", door.recovery_codes);
    reach_print(call, out);
    return call_answered(call);
}

enum err api_sessions_list(struct call *call)
{
    struct session_view *list;
    size_t count;
    enum err err = session_list(call->api->rooms.tenant, call->person, call->request->session,
                                call->now, call->mem, &list, &count);
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 200);
    json_list(out, "sessions");
    for (size_t i = 0; i < count; i++) {
        json_object(out, NULL);
        json_unsigned(out, "id", list[i].id);
        json_time(out, "created", list[i].created);
        json_time(out, "seen", list[i].seen);
        json_text(out, "peer", list[i].peer);
        json_text(out, "agent", list[i].agent);
        json_yes_no(out, "current", list[i].current);
        json_close(out);
    }
    json_close(out);
    return call_answered(call);
}

enum err api_session_remove(struct call *call)
{
    uint64_t id;
    enum err err = call_param_number(call, "id", INT64_MAX, &id);
    if (err == OK) {
        err = session_end_id(call->api->rooms.tenant, call->person, id, call->now);
    }
    return err == OK ? call_answer_nothing(call) : err;
}

enum err api_tokens_list(struct call *call)
{
    struct api_token_view *list;
    size_t count;
    enum err err = api_token_list(call->api->rooms.tenant, call->person, call->mem, &list, &count);
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 200);
    json_list(out, "tokens");
    for (size_t i = 0; i < count; i++) {
        json_object(out, NULL);
        json_unsigned(out, "id", list[i].id);
        json_text(out, "name", list[i].name);
        json_rights(out, "rights", list[i].rights);
        json_time(out, "created", list[i].created);
        json_time(out, "expires", list[i].expires);
        json_time(out, "seen", list[i].seen);
        json_close(out);
    }
    json_close(out);
    return call_answered(call);
}

/* The list `rights` of the body, added. */
static enum err rights_read(struct call *call, uint32_t *ret)
{
    const struct yaml_node *list = yaml_get(call->body, STR("rights"));
    *ret = 0;
    if (list == NULL || list->kind != YAML_SEQUENCE || list->first == NULL) {
        return call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE, STR("rights"), list);
    }
    for (const struct yaml_node *node = list->first; node != NULL; node = node->next) {
        uint32_t right = 0;
        if (node->kind != YAML_SCALAR || right_parse(node->text, &right) != OK) {
            return call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE, STR("rights"), node);
        }
        *ret |= right;
    }
    return OK;
}

enum err api_token_make(struct call *call)
{
    struct str name;
    struct str token;
    struct wall expires;
    uint32_t held;
    uint64_t id;
    enum err err = rights_read(call, &held);
    if (err == OK && !call->refused) {
        err = body_text(call, call->body, "name", &name);
    }
    if (err == OK && !call->refused) {
        err = body_time(call, call->body, "expires", &expires);
    }
    if (err != OK || call->refused) {
        return err;
    }
    if (expires.ns <= call->now.ns || name.size == 0 || name.size > 200) {
        return call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE,
                           name.size == 0 || name.size > 200 ? STR("name") : STR("expires"),
                           call->body);
    }
    err = api_token_new(call->api->rooms.tenant, call->person, name, held, expires, call->now,
                        call->mem, &token, &id);
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 201);
    json_unsigned(out, "id", id);
    json_text(out, "token", token);
    return call_answered(call);
}

enum err api_token_remove(struct call *call)
{
    uint64_t id;
    enum err err = call_param_number(call, "id", INT64_MAX, &id);
    if (err == OK) {
        err = api_token_end(call->api->rooms.tenant, call->person, id, call->now);
    }
    return err == OK ? call_answer_nothing(call) : err;
}

enum err api_password_change(struct call *call)
{
    struct tenant *tenant = call->api->rooms.tenant;
    struct pending pending = {.kind = PENDING_CHANGE_CHECK,
                              .person = call->person,
                              .peer = call->request->peer,
                              .token = call->request->session};
    struct person_info person;
    struct str old;
    struct str hash;
    uint32_t found;
    enum err err = tenant_person_get(tenant, call->person, &person);
    if (err == OK) {
        err = call_person_name(call, &person, &pending.name);
    }
    if (err == OK) {
        err = body_text(call, call->body, "old", &old);
    }
    if (err == OK) {
        err = body_password_fits(call, "new", pending.name, &pending.password);
    }
    if (err != OK || call->refused) {
        return err;
    }
    if (old.size > PASSWORD_SIZE_MAX) {
        return password_wrong(call);
    }
    if (!pending_has_room(call, &pending)) {
        return ERR_AGAIN;
    }
    err = tenant_password_get(tenant, pending.name, pending.peer, call->now, call->mem, &hash,
                              &found, &call->answer->retry_seconds);
    return err == OK ? pending_ask(call, &pending, old, hash) : err;
}

enum err api_setup_use(struct call *call)
{
    struct pending pending = {
        .kind = PENDING_SETUP, .peer = call->request->peer, .agent = call->request->agent};
    struct str password;
    enum err err = body_text(call, call->body, "token", &pending.token);
    if (err == OK) {
        err = body_text(call, call->body, "party", &pending.party);
    }
    if (err == OK) {
        err = body_text(call, call->body, "person", &pending.name);
    }
    if (err == OK && (!str_is_slug(pending.party) || !str_is_slug(pending.name))) {
        return call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE,
                           str_is_slug(pending.party) ? STR("person") : STR("party"), call->body);
    }
    if (err == OK) {
        err = body_password_fits(call, "password", pending.name, &password);
    }
    if (err == OK && !call->refused) { /* nobody makes us hash with a token that is none */
        err = tenant_setup_look(call->api->rooms.tenant, pending.token, call->now);
    }
    if (err != OK || call->refused) {
        return err;
    }
    return pending_ask(call, &pending, password, STR(""));
}

enum err api_invitation_show(struct call *call)
{
    struct person_info person;
    struct str token;
    struct str name;
    enum err err = body_text(call, call->body, "token", &token);
    if (err == OK) {
        err = tenant_invited(call->api->rooms.tenant, token, call->now, &person);
    }
    if (err == OK) {
        err = call_person_name(call, &person, &name);
    }
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 200);
    json_text(out, "person", name);
    json_names(out, "name", person.name_ja, person.name_en);
    json_text(out, "language", str_from(language_text(person.language)));
    return call_answered(call);
}

enum err api_invitation_use(struct call *call)
{
    struct pending pending = {
        .kind = PENDING_INVITATION, .peer = call->request->peer, .agent = call->request->agent};
    struct person_info person;
    struct str password;
    enum err err = body_text(call, call->body, "token", &pending.token);
    if (err == OK) {
        err = tenant_invited(call->api->rooms.tenant, pending.token, call->now, &person);
    }
    if (err == OK) {
        err = call_person_name(call, &person, &pending.name);
    }
    if (err == OK) {
        err = body_password_fits(call, "password", pending.name, &password);
    }
    if (err != OK || call->refused) {
        return err;
    }
    return pending_ask(call, &pending, password, STR(""));
}

/* The old password was right: now the new one is hashed, under a ticket of its own. */
static enum err change_go_on(struct call *call, const struct pending *pending)
{
    struct pending next = {.kind = PENDING_CHANGE,
                           .person = pending->person,
                           .token = pending->token,
                           .peer = pending->peer,
                           .name = pending->name,
                           .before = pending};
    struct str password;
    enum err err = arena_copy(call->mem, pending->password, &password);
    return err == OK ? pending_ask(call, &next, password, STR("")) : err;
}

/* The password was right: *ret_asked, a code is wanted; *ret_fits, none is, or this was one. */
static enum err code_check(struct call *call, const struct pending *pending, bool *ret_asked,
                           bool *ret_fits)
{
    struct tenant *tenant = call->api->rooms.tenant;
    struct person_door door;
    *ret_asked = false;
    *ret_fits = true;
    enum err err = tenant_person_door(tenant, pending->person, &door);
    if (err != OK || !door.second_factor) {
        return err;
    }
    if (pending->code.size == 0) {
        *ret_asked = true;
        tenant_try_forget(tenant, pending->name, pending->peer, call->now);
        return call_refuse(call, 401, WORD_API_ERROR_SECOND_FACTOR, STR(""), NULL);
    }
    err = factor_use(tenant, pending->person, pending->code, call->now);
    *ret_fits = err == OK;
    return err == ERR_DENIED ? OK : err;
}

static enum err password_checked(struct call *call, struct pending *pending, bool matches)
{
    bool good = matches && pending->person != 0;
    bool asked = false;
    enum err err = OK;
    if (good && pending->kind == PENDING_SIGN_IN) {
        err = code_check(call, pending, &asked, &good);
    }
    if (err != OK || asked) {
        return err;
    }
    err = tenant_password_tried(call->api->rooms.tenant, pending->name, pending->peer,
                                pending->person, good, call->now);
    if (err != OK || !good) {
        return err != OK ? err : password_wrong(call);
    }
    return pending->kind == PENDING_SIGN_IN ? session_start(call, pending->person)
                                            : change_go_on(call, pending);
}

/* Whoever has a second factor has chosen a password, and signs in with both. */
static enum err invitation_used(struct call *call, uint32_t person)
{
    struct person_door door;
    enum err err = tenant_person_door(call->api->rooms.tenant, person, &door);
    if (err != OK) {
        return err;
    }
    return door.second_factor ? call_refuse(call, 401, WORD_API_ERROR_SECOND_FACTOR, STR(""), NULL)
                              : session_start(call, person);
}

enum err session_resume(struct call *call, struct pending *pending, bool matches, struct str hash)
{
    struct tenant *tenant = call->api->rooms.tenant;
    uint32_t person = 0;
    enum err err = OK;
    switch (pending->kind) {
    case PENDING_SIGN_IN:
    case PENDING_CHANGE_CHECK:
        return password_checked(call, pending, matches);
    case PENDING_CHANGE:
        err = tenant_password_set(tenant, pending->person, hash, pending->token, call->now);
        return err == OK ? call_answer_nothing(call) : err;
    case PENDING_SETUP:
        err = tenant_setup(tenant, pending->token, pending->party, pending->name, hash, call->now,
                           &person, &call->why);
        break;
    case PENDING_INVITATION:
        err = tenant_invitation_use(tenant, pending->token, hash, call->now, &person);
        return err == OK ? invitation_used(call, person) : err;
    }
    return err == OK ? session_start(call, person) : err;
}

static enum err session_start(struct call *call, uint32_t person)
{
    struct tenant *tenant = call->api->rooms.tenant;
    struct person_info info;
    struct scope *scope = NULL;
    enum err err = session_new(tenant, person, call->request->peer, call->request->agent, call->now,
                               call->mem, &call->answer->cookie);
    if (err == OK) {
        err = tenant_person_get(tenant, person, &info);
    }
    if (err == OK) {
        err = scope_for_person(tenant, person, str_from(call->operation->name), call->now, &scope);
        err = err == ERR_DENIED ? OK : err; /* Who reaches no client yet may still come in. */
    }
    if (err != OK) {
        call->answer->cookie = STR("");
        return err;
    }
    call->scope = scope;
    call->person = person;
    err = me_print(call, &info);
    call->scope = NULL;
    scope_free(scope);
    return err;
}

static enum err password_wrong(struct call *call)
{
    return call_refuse(call, 401, WORD_API_ERROR_WRONG_PASSWORD, STR(""), NULL);
}

static enum err body_password_fits(struct call *call, const char *key, struct str name,
                                   struct str *ret)
{
    const struct yaml_node *node = yaml_get(call->body, str_from(key));
    enum err err = body_text(call, call->body, key, ret);
    if (err == OK) {
        err = password_fit(*ret, name, &call->why);
        if (err != OK && node != NULL) {
            call->why.line = node->line;
            call->why.column = node->column;
        }
    }
    return err;
}
