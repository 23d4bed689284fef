/*
 * Saved searches of a client.
 *
 * Always true: a query that cannot be read is not kept; one that the caller may not see answers as
 * one that does not exist.
 */

#include "match/match.h"
#include "portal/private.h"
#include "service/searches.h"

static enum err search_read(struct call *call, struct saved_search *ret)
{
    struct query *query = NULL;
    enum err err = body_text(call, call->body, "name", &ret->name);
    err = err == OK ? body_text(call, call->body, "query", &ret->query) : err;
    err = err == OK ? body_text(call, call->body, "span", &ret->span) : err;
    err = err == OK ? body_yes_no(call, call->body, "shared", &ret->shared) : err;
    if (err != OK) {
        return err;
    }
    err = query_parse(ret->query, &query, &call->why);
    query_free(query);
    return err == ERR_LIMIT ? ERR_SYNTAX : err;
}

/* "PARTY/PERSON" of whose it is; empty for one who has gone. */
static enum err person_name(struct call *call, uint32_t id, struct str *ret)
{
    struct person_info person;
    enum err err = tenant_person_get(call->api->rooms.tenant, id, &person);
    *ret = (struct str){0};
    if (err == OK) {
        err = call_person_name(call, &person, ret);
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err api_searches_list(struct call *call)
{
    struct saved_search *list = NULL;
    size_t count = 0;
    enum err err = saved_search_list(call->scope, call->api->rooms.ledger, call->client, call->mem,
                                     &list, &count);
    if (err != OK) {
        return call_refuse_err(call, err);
    }
    struct json_out *out = call_answer(call, 200);
    json_list(out, "searches");
    for (size_t i = 0; i < count && err == OK; i++) {
        struct str person;
        err = person_name(call, list[i].person, &person);
        json_object(out, NULL);
        json_unsigned(out, "id", list[i].id);
        json_text(out, "name", list[i].name);
        json_text(out, "query", list[i].query);
        json_text(out, "span", list[i].span);
        json_yes_no(out, "shared", list[i].shared);
        json_yes_no(out, "own", list[i].person == call->person && call->person != 0);
        json_text(out, "person", person);
        json_time(out, "changed", list[i].changed);
        json_close(out);
    }
    json_close(out);
    return err == OK ? call_answered(call) : err;
}

enum err api_search_save(struct call *call)
{
    struct saved_search search = {0};
    uint64_t id = 0;
    enum err err = search_read(call, &search);
    if (err != OK || call->refused) {
        return err;
    }
    err = saved_search_add(call->scope, call->api->rooms.ledger, call->client, call->client_slug,
                           &search, call->now, &id);
    if (err != OK) {
        return call_refuse_err(call, err);
    }
    struct json_out *out = call_answer(call, 201);
    json_unsigned(out, "id", id);
    return call_answered(call);
}

enum err api_search_change(struct call *call)
{
    struct saved_search search = {0};
    enum err err = call_param_number(call, "id", INT64_MAX, &search.id);
    err = err == OK ? search_read(call, &search) : err;
    if (err != OK || call->refused) {
        return err;
    }
    err = saved_search_change(call->scope, call->api->rooms.ledger, call->client, call->client_slug,
                              &search, call->now);
    return err == OK ? call_answer_nothing(call) : call_refuse_err(call, err);
}

enum err api_search_remove(struct call *call)
{
    uint64_t id;
    enum err err = call_param_number(call, "id", INT64_MAX, &id);
    if (err == OK) {
        err = saved_search_remove(call->scope, call->api->rooms.ledger, call->client,
                                  call->client_slug, id, call->now);
    }
    return err == OK ? call_answer_nothing(call) : call_refuse_err(call, err);
}
