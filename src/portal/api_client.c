/*
 * Clients, their sources, people and engagements, invitations, and what the audit trail says.
 *
 * Always true: a list holds what the scope reaches and nothing else; a person of another party is
 * unknown to whoever may not manage every client.
 */

#include "portal/private.h"

#include "ledger/ledger.h"

static void client_members(struct json_out *out, const struct client_info *client)
{
    json_text(out, "client", client->slug);
    json_names(out, "name", client->name_ja, client->name_en);
}

enum err api_clients_list(struct call *call)
{
    struct client_info client;
    struct json_out *out = call_answer(call, 200);
    json_list(out, "clients");
    for (size_t i = 0; tenant_client_at(call->api->rooms.tenant, i, &client); i++) {
        if (call->scope != NULL && scope_side(call->scope, client.id) != SIDE_NONE) {
            json_object(out, NULL);
            client_members(out, &client);
            json_text(out, "side", str_from(side_text(scope_side(call->scope, client.id))));
            json_close(out);
        }
    }
    json_close(out);
    return call_answered(call);
}

enum err api_client_show(struct call *call)
{
    struct client_info client;
    for (size_t i = 0; tenant_client_at(call->api->rooms.tenant, i, &client); i++) {
        if (client_equal(client.id, call->client)) {
            struct json_out *out = call_answer(call, 200);
            client_members(out, &client);
            json_text(out, "side", str_from(side_text(scope_side(call->scope, client.id))));
            return call_answered(call);
        }
    }
    return ERR_NOT_FOUND;
}

enum err api_sources_list(struct call *call)
{
    struct source_info source;
    struct json_out *out = call_answer(call, 200);
    json_list(out, "sources");
    for (size_t i = 0; tenant_source_at(call->api->rooms.tenant, i, &source); i++) {
        if (client_equal(source.client, call->client)) {
            json_object(out, NULL);
            json_text(out, "source", source.slug);
            json_names(out, "name", source.name_ja, source.name_en);
            json_yes_no(out, "active", source.active);
            json_close(out);
        }
    }
    json_close(out);
    return call_answered(call);
}

/* ---- People. */

static enum err people_print(struct call *call, struct str party)
{
    struct person_info person;
    struct str name;
    struct json_out *out = call_answer(call, 200);
    json_list(out, "people");
    for (size_t i = 0; tenant_person_at(call->api->rooms.tenant, i, &person); i++) {
        if (!str_equal(person.party, party)) {
            continue;
        }
        enum err err = call_person_name(call, &person, &name);
        if (err != OK) {
            return err;
        }
        json_object(out, NULL);
        json_text(out, "person", name);
        json_names(out, "name", person.name_ja, person.name_en);
        json_text(out, "mail", person.mail);
        json_text(out, "language", str_from(language_text(person.language)));
        json_yes_no(out, "active", person.active);
        json_yes_no(out, "has_password", person.has_password);
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

enum err api_own_people(struct call *call)
{
    struct person_info person;
    enum err err = tenant_person_get(call->api->rooms.tenant, call->person, &person);
    return err == OK ? people_print(call, person.party) : err;
}

enum err api_person_invite(struct call *call)
{
    struct tenant *tenant = call->api->rooms.tenant;
    struct person_info self;
    struct person_info person;
    struct str name;
    struct str token;
    struct str party = call_param(call, "party");
    if (call->scope == NULL) {
        return ERR_NOT_FOUND;
    }
    enum err err = tenant_person_get(tenant, call->person, &self);
    bool own = err == OK && str_equal(self.party, party);
    if (err != OK && err != ERR_NOT_FOUND) {
        return err;
    }
    if (!own && !scope_allows_all(call->scope, RIGHT_MANAGE)) {
        return ERR_NOT_FOUND;
    }
    err = arena_print(call->mem, &name, "%.*s/%.*s", STR_ARG(party),
                      STR_ARG(call_param(call, "person")));
    if (err == OK) {
        err = tenant_person_find(tenant, name, &person);
    }
    if (err == OK) {
        err = tenant_invite(call->scope, tenant, call->person, name, call->now, call->mem, &token,
                            &call->why);
    }
    if (err != OK) {
        return err;
    }
    json_text(call_answer(call, 201), "token", token);
    return call_answered(call);
}

enum err api_engagements_list(struct call *call)
{
    static const char *const states[ENGAGEMENT_STATE_COUNT] = {
        "planning", "selection", "contract", "build", "test", "steady", "ended"};
    struct engagement_info engagement;
    struct json_out *out = call_answer(call, 200);
    json_list(out, "engagements");
    for (size_t i = 0; tenant_engagement_at(call->api->rooms.tenant, i, &engagement); i++) {
        if (client_equal(engagement.client, call->client)) {
            json_object(out, NULL);
            json_text(out, "engagement", engagement.slug);
            json_text(out, "party", engagement.party);
            json_text(out, "state", str_from(states[engagement.state]));
            json_time(out, "from", engagement.from);
            json_time(out, "to", engagement.to);
            json_close(out);
        }
    }
    json_close(out);
    return call_answered(call);
}

/* ---- The audit trail.  Its objects are "KIND CLIENT" or "KIND CLIENT/…" by the slug, which holds
 * nothing that LIKE minds, or name the client by its number: "incident 3/7", "clock 5 of client 3",
 * "client/3/notice/9".  A slug may be a number too, so those kinds are kept out of the first. */

#define AUDIT_FORMS 5

static enum err audit_lines(struct statement *statement, struct json_out *out)
{
    bool row;
    enum err err = statement_step(statement, &row);
    while (err == OK && row) {
        json_object(out, NULL);
        json_number(out, "id", statement_int(statement, 0));
        json_time(out, "at", (struct wall){statement_int(statement, 1)});
        json_text(out, "who", statement_text(statement, 2));
        json_text(out, "action", statement_text(statement, 3));
        json_text(out, "object", statement_text(statement, 4));
        json_text(out, "detail", statement_text(statement, 5));
        json_close(out);
        err = statement_step(statement, &row);
    }
    statement_reset(statement);
    return err;
}

static enum err audit_prepare(struct call *call, uint64_t before, size_t limit,
                              struct statement **ret)
{
    struct str forms[AUDIT_FORMS];
    uint32_t id = call->client.value;
    enum err err = arena_print(call->mem, &forms[0], "%% %.*s", STR_ARG(call->client_slug));
    if (err == OK) {
        err = arena_print(call->mem, &forms[1], "%% %.*s/%%", STR_ARG(call->client_slug));
    }
    if (err == OK) {
        err = arena_print(call->mem, &forms[2], "incident %u/%%", id);
    }
    if (err == OK) {
        err = arena_print(call->mem, &forms[3], "clock %% of client %u", id);
    }
    if (err == OK) {
        err = arena_print(call->mem, &forms[4], "client/%u/notice/%%", id);
    }
    if (err == OK) {
        err = ledger_prepare(call->api->rooms.ledger,
                             "SELECT id, wall_ns, principal, action, object, detail FROM audit"
                             " WHERE id < ? AND (((object LIKE ? OR object LIKE ?)"
                             "  AND object NOT LIKE 'incident %' AND object NOT LIKE 'clock %')"
                             "  OR object LIKE ? OR object LIKE ? OR object LIKE ?)"
                             " ORDER BY id DESC LIMIT ?",
                             ret);
    }
    if (err == OK) {
        err = statement_bind_int(*ret, 1, before > 0 ? (int64_t)before : INT64_MAX);
    }
    for (int i = 0; i < AUDIT_FORMS && err == OK; i++) {
        err = statement_bind_text(*ret, 2 + i, forms[i]);
    }
    return err == OK ? statement_bind_int(*ret, 2 + AUDIT_FORMS, (int64_t)limit) : err;
}

enum err api_audit_list(struct call *call)
{
    struct statement *statement;
    uint64_t before;
    size_t limit;
    enum err err = call_query_number(call, "before", 0, INT64_MAX, &before);
    if (err == OK) {
        err = call_query_limit(call, &limit);
    }
    if (err == OK) {
        err = call_audit_read(call, "audit trail");
    }
    if (err == OK) {
        err = audit_prepare(call, before, limit, &statement);
    }
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 200);
    json_list(out, "lines");
    err = audit_lines(statement, out);
    json_close(out);
    return err == OK ? call_answered(call) : err;
}
