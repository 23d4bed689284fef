/*
 * People, invitations, engagements and who is assigned in them.
 *
 * Always true: a person of another party is unknown to whoever may not manage every client; who may
 * change what is decided in tenant/, where an apply is decided too.
 */

#include "portal/private.h"

#include "ledger/ledger.h"
#include "notify/notify.h"

static void roles_print(struct json_out *out, const char *key, uint32_t roles)
{
    json_list(out, key);
    for (int role = 0; role < ROLE_COUNT; role++) {
        if ((roles & 1u << role) != 0) {
            json_text(out, NULL, str_from(role_text((enum role)role)));
        }
    }
    json_close(out);
}

/* The members of one; the object is open. */
static enum err person_print(struct call *call, const struct person_info *person)
{
    struct json_out *out = &call->out;
    struct person_door door;
    struct str name;
    enum err err = call_person_name(call, person, &name);
    if (err == OK) {
        err = tenant_person_door(call->api->rooms.tenant, person->id, &door);
    }
    if (err != OK) {
        return err;
    }
    json_text(out, "person", name);
    json_names(out, "name", person->name_ja, person->name_en);
    json_text(out, "mail", person->mail);
    json_text(out, "language", str_from(language_text(person->language)));
    json_yes_no(out, "active", person->active);
    json_yes_no(out, "has_password", person->has_password);
    json_yes_no(out, "second_factor", door.second_factor);
    roles_print(out, "roles", person->roles);
    json_time(out, "seen", door.seen);
    return OK;
}

static enum err people_print(struct call *call, struct str party)
{
    struct person_info person;
    struct json_out *out = call_answer(call, 200);
    json_list(out, "people");
    for (size_t i = 0; tenant_person_at(call->api->rooms.tenant, i, &person); i++) {
        if (!str_equal(person.party, party)) {
            continue;
        }
        json_object(out, NULL);
        enum err err = person_print(call, &person);
        if (err != OK) {
            return err;
        }
        json_close(out);
    }
    json_close(out);
    return call_answered(call);
}

/* A client's own people are of the party that bears its slug. */
enum err api_client_people(struct call *call)
{
    return people_print(call, call->client_slug);
}

/* A token reads of people what it may for some client; who sits at a screen knows their colleagues.
 */
static bool token_knows_people(const struct call *call)
{
    static const enum right rights[] = {RIGHT_USERS, RIGHT_INCIDENTS, RIGHT_MANAGE};
    struct client_info client;
    bool knows = call->request->bearer.size == 0;
    for (size_t i = 0; !knows && tenant_client_at(call->api->rooms.tenant, i, &client); i++) {
        for (size_t right = 0; right < sizeof rights / sizeof *rights; right++) {
            knows = knows || scope_allows(call->scope, client.id, rights[right]);
        }
    }
    return knows;
}

enum err api_own_people(struct call *call)
{
    struct person_info person;
    if (!token_knows_people(call)) {
        return ERR_DENIED;
    }
    enum err err = tenant_person_get(call->api->rooms.tenant, call->person, &person);
    return err == OK ? people_print(call, person.party) : err;
}

/* ---- Changes. */

/* What limits the caller beyond their role: a token's scope, or that of the control socket. */
static const struct scope *limits(const struct call *call)
{
    return call->request->bearer.size > 0 || call->person == 0 ? call->scope : NULL;
}

/* "PARTY/PERSON" of the path. */
static enum err path_person(struct call *call, struct str *ret)
{
    struct str party = call_param(call, "party");
    struct str person = call_param(call, "person");
    return str_is_slug(party) && str_is_slug(person)
               ? arena_print(call->mem, ret, "%.*s/%.*s", STR_ARG(party), STR_ARG(person))
               : ERR_NOT_FOUND;
}

static enum err wrong(struct call *call, const char *key, const struct yaml_node *at)
{
    return call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE, str_from(key), at);
}

/* The body's `name`. */
static enum err names_read(struct call *call, struct person_wish *wish)
{
    const struct yaml_node *name = yaml_get(call->body, STR("name"));
    enum err err = call_keys_check(call, name, "ja en");
    if (err == OK && !call->refused) {
        err = body_text(call, name, "ja", &wish->name_ja);
    }
    return err == OK && !call->refused ? body_text(call, name, "en", &wish->name_en) : err;
}

static enum err roles_read(struct call *call, uint32_t *ret)
{
    const struct yaml_node *list = yaml_get(call->body, STR("roles"));
    *ret = 0;
    if (list->kind != YAML_SEQUENCE || list->count == 0) {
        return wrong(call, "roles", list);
    }
    for (const struct yaml_node *node = list->first; node != NULL; node = node->next) {
        enum role role;
        if (node->kind != YAML_SCALAR || role_parse(node->text, &role) != OK) {
            return wrong(call, "roles", node);
        }
        *ret |= 1u << role;
    }
    return OK;
}

static enum err wish_read(struct call *call, struct person_wish *ret)
{
    struct str language;
    enum err err = names_read(call, ret);
    if (err == OK && !call->refused) {
        err = body_text(call, call->body, "mail", &ret->mail);
    }
    if (err == OK && !call->refused) {
        err = body_text(call, call->body, "language", &language);
    }
    if (err == OK && !call->refused && language_parse(language, &ret->language) != OK) {
        return wrong(call, "language", yaml_get(call->body, STR("language")));
    }
    return err == OK && !call->refused ? roles_read(call, &ret->roles) : err;
}

static enum err person_answer(struct call *call, unsigned status, struct str name)
{
    struct person_info person;
    enum err err = tenant_person_find(call->api->rooms.tenant, name, &person);
    if (err != OK) {
        return err;
    }
    (void)call_answer(call, status);
    err = person_print(call, &person);
    return err == OK ? call_answered(call) : err;
}

enum err api_person_make(struct call *call)
{
    struct tenant *tenant = call->api->rooms.tenant;
    struct person_wish wish = {0};
    struct person_info self;
    struct str slug;
    struct str name;
    enum err err = tenant_person_get(tenant, call->person, &self);
    if (err == OK) {
        err = body_text(call, call->body, "person", &slug);
    }
    if (err == OK) {
        err = wish_read(call, &wish);
    }
    if (err == OK && !call->refused) { /* self is borrowed until the change */
        err = arena_print(call->mem, &name, "%.*s/%.*s", STR_ARG(self.party), STR_ARG(slug));
    }
    if (err == OK && !call->refused) {
        err = tenant_person_make(limits(call), tenant, call->person, slug, &wish, call->now,
                                 &call->why);
    }
    return err == OK && !call->refused ? person_answer(call, 201, name) : err;
}

enum err api_person_change(struct call *call)
{
    struct tenant *tenant = call->api->rooms.tenant;
    struct person_wish wish = {0};
    struct str name;
    bool active;
    enum err err = path_person(call, &name);
    if (err == OK) {
        err = body_yes_no(call, call->body, "active", &active);
    }
    if (err == OK) {
        err = wish_read(call, &wish);
    }
    if (err == OK && !call->refused) {
        err = tenant_person_change(limits(call), tenant, call->person, name, &wish, active,
                                   call->now, &call->why);
    }
    if (err == ERR_CONFLICT) {
        return call_refuse(call, 409, WORD_API_ERROR_OWN_ROLE, STR(""), NULL);
    }
    return err == OK && !call->refused ? person_answer(call, 200, name) : err;
}

/* The person hears of it by mail, in the same transaction. */
static enum err factor_take_away(struct call *call, struct str name)
{
    const struct api_rooms *rooms = &call->api->rooms;
    struct person_info person;
    enum err err = ledger_begin(rooms->ledger);
    if (err != OK) {
        return err;
    }
    err = factor_take(limits(call), rooms->tenant, call->person, name, call->now, &call->why);
    if (err == OK) {
        err = tenant_person_find(rooms->tenant, name, &person);
    }
    if (err == OK) {
        err = notify_account(rooms->notify, person.id, ACCOUNT_FACTOR_TAKEN, call->now);
    }
    return call_commit(call, err);
}

enum err api_person_factor_end(struct call *call)
{
    struct str name;
    enum err err = path_person(call, &name);
    if (err == OK) {
        err = factor_take_away(call, name);
    }
    if (err == ERR_CONFLICT) {
        return call_refuse(call, 409, WORD_API_ERROR_OWN_FACTOR, STR(""), NULL);
    }
    return err == OK ? call_answer_nothing(call) : err;
}

enum err api_person_invite(struct call *call)
{
    struct str name;
    struct str token;
    enum err err = path_person(call, &name);
    if (err == OK) {
        err = tenant_invite(limits(call), call->api->rooms.tenant, call->person, name, call->now,
                            call->mem, &token, &call->why);
    }
    if (err != OK) {
        return err;
    }
    json_text(call_answer(call, 201), "token", token);
    return call_answered(call);
}

/* ---- Engagements. */

static bool works_in(const struct engagement_info *engagement, const struct person_info *person)
{
    if (!str_equal(person->party, engagement->party)) {
        return false;
    }
    if ((person->roles & 1u << ROLE_PROVIDER_ADMIN) != 0) {
        return true;
    }
    for (size_t i = 0; i < engagement->assignments_count; i++) {
        if (str_equal(person->slug, engagement->assignments[i].person)) {
            return true;
        }
    }
    return false;
}

/* The names behind an engagement, by which both sides read who did what: of its party, of whoever
 * is assigned, and of the party's administrators, who reach the client without being assigned. */
static void engagement_names(struct call *call, const struct engagement_info *engagement)
{
    struct json_out *out = &call->out;
    struct person_info person;
    json_names(out, "party_name", engagement->party_ja, engagement->party_en);
    json_list(out, "people");
    for (size_t i = 0; tenant_person_at(call->api->rooms.tenant, i, &person); i++) {
        if (works_in(engagement, &person)) {
            json_object(out, NULL);
            json_text(out, "person", person.slug);
            json_names(out, "name", person.name_ja, person.name_en);
            json_close(out);
        }
    }
    json_close(out);
}

/* The members of one; the object is open. */
static void engagement_print(struct call *call, const struct engagement_info *engagement)
{
    struct json_out *out = &call->out;
    static const char *const states[ENGAGEMENT_STATE_COUNT] = {
        "planning", "selection", "contract", "build", "test", "steady", "ended"};
    json_text(out, "engagement", engagement->slug);
    json_text(out, "party", engagement->party);
    json_text(out, "state", str_from(states[engagement->state]));
    json_time(out, "from", engagement->from);
    json_time(out, "to", engagement->to);
    json_list(out, "assignments");
    for (size_t i = 0; i < engagement->assignments_count; i++) {
        json_object(out, NULL);
        json_text(out, "person", engagement->assignments[i].person);
        json_text(out, "role", str_from(role_text(engagement->assignments[i].role)));
        json_close(out);
    }
    json_close(out);
    engagement_names(call, engagement);
}

enum err api_engagements_list(struct call *call)
{
    struct engagement_info engagement;
    struct json_out *out = call_answer(call, 200);
    json_list(out, "engagements");
    for (size_t i = 0; tenant_engagement_at(call->api->rooms.tenant, i, &engagement); i++) {
        if (client_equal(engagement.client, call->client)) {
            json_object(out, NULL);
            engagement_print(call, &engagement);
            json_close(out);
        }
    }
    json_close(out);
    return call_answered(call);
}

/* The body's list; what is wrong with a person or role of it, tenant/ says. */
static enum err assignments_read(struct call *call, struct assignment **ret, size_t *ret_count)
{
    const struct yaml_node *list = yaml_get(call->body, STR("assignments"));
    if (list->kind != YAML_SEQUENCE || list->count > ASSIGNMENTS_MAX) {
        return wrong(call, "assignments", list);
    }
    struct assignment *made = ARENA_ARRAY(call->mem, struct assignment, list->count + 1);
    size_t count = 0;
    enum err err = made == NULL ? ERR_MEMORY : OK;
    for (const struct yaml_node *node = list->first; node != NULL && err == OK; node = node->next) {
        struct assignment *one = &made[count++];
        struct str role = {0};
        *one = (struct assignment){0};
        err = call_keys_check(call, node, "person! role!");
        if (err == OK && !call->refused) {
            err = body_text(call, node, "person", &one->person);
        }
        if (err == OK && !call->refused) {
            err = body_text(call, node, "role", &role);
        }
        if (err != OK || call->refused) {
            return err;
        }
        if (role_parse(role, &one->role) != OK) {
            return wrong(call, "role", yaml_get(node, STR("role")));
        }
    }
    *ret = made;
    *ret_count = count;
    return err;
}

enum err api_engagement_assign(struct call *call)
{
    struct tenant *tenant = call->api->rooms.tenant;
    struct str slug = call_param(call, "engagement");
    struct engagement_info engagement;
    struct assignment *list = NULL;
    size_t count = 0;
    enum err err = assignments_read(call, &list, &count);
    if (err == OK && !call->refused) {
        err = tenant_assign(call->scope, tenant, call->client, slug, list, count, call->now,
                            &call->why);
    }
    if (err != OK || call->refused) {
        return err;
    }
    for (size_t i = 0; tenant_engagement_at(tenant, i, &engagement); i++) {
        if (client_equal(engagement.client, call->client) && str_equal(engagement.slug, slug)) {
            call_answer(call, 200);
            engagement_print(call, &engagement);
            return call_answered(call);
        }
    }
    return ERR_NOT_FOUND;
}
