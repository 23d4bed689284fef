/*
 * Clients, their sources, and what the audit trail says of them.
 *
 * Always true: a list holds what the scope reaches and nothing else.
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

/* ---- The audit trail.  Its objects are "KIND CLIENT" or "KIND CLIENT/…" by the slug, which holds
 * nothing that LIKE minds, or name the client by its number: "incident 3/7", "clock 5 of client 3",
 * "client/3/notice/9", "client/3/hold/1", "client/3/provision/4".  A slug may be a number too, so
 * those kinds are kept out of the first. */

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
        err = arena_print(call->mem, &forms[4], "client/%u/%%", id);
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
