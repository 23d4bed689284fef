/*
 * Holds: what stops the schedule that lets logs go.
 *
 * A hold that names an incident and no span takes that of the incident's alerts, a day around them,
 * and their sources; while the incident is open its end is open too.
 *
 * Always true: who may make and release a hold is decided in service/holds.c; a source is named by
 * the slug of one of the client's, and any other is refused, and those that there are told.
 */

#include "ledger/ledger.h"
#include "portal/private.h"
#include "portal/stock.h"

/* ---- The list. */

static void sources_print(const struct call *call, struct json_out *out,
                          const struct source_id *sources, size_t count)
{
    struct source_info source;
    json_list(out, "sources");
    for (size_t i = 0; tenant_source_at(call->api->rooms.tenant, i, &source); i++) {
        bool named = false;
        for (size_t j = 0; client_equal(source.client, call->client) && j < count && !named; j++) {
            named = source.id.value == sources[j].value;
        }
        if (named) {
            json_text(out, NULL, source.slug);
        }
    }
    json_close(out);
}

static void hold_print(const struct call *call, struct json_out *out, const struct hold *hold)
{
    json_object(out, NULL);
    json_unsigned(out, "id", hold->id);
    sources_print(call, out, hold->sources, hold->sources_count);
    json_time(out, "from", hold->from);
    json_time(out, "to", hold->to);
    json_time(out, "until", hold->until);
    json_unsigned(out, "incident", hold->incident);
    json_text(out, "reason", hold->why);
    json_text(out, "who", hold->who);
    json_text(out, "side", str_from(side_text(hold->side)));
    json_time(out, "made", hold->made);
    json_yes_no(out, "in_force", hold_in_force(hold, call->now));
    json_time(out, "released", hold->released);
    json_text(out, "released_by", hold->released_by);
    json_text(out, "released_reason", hold->released_why);
    json_close(out);
}

/* What open incidents hold by themselves, as desk looks at it; without desk nothing is known. */
static enum err incidents_print(struct call *call, struct json_out *out)
{
    struct stock stock = {0};
    struct api *api = call->api;
    enum err err =
        api->stock == NULL ? OK : api->stock(api->stock_context, call->client, call->mem, &stock);
    json_list(out, "open_incidents");
    for (size_t i = 0; i < stock.keeping.holds_count && err == OK; i++) {
        const struct hold_span *span = &stock.keeping.holds[i];
        if (span->id == 0) {
            json_object(out, NULL);
            json_unsigned(out, "incident", span->incident);
            json_time(out, "from", span->from);
            json_time(out, "to", span->to);
            sources_print(call, out, span->sources, span->sources_count);
            json_close(out);
        }
    }
    json_close(out);
    return err;
}

enum err api_hold_list(struct call *call)
{
    struct hold *list;
    struct str open;
    size_t count;
    enum err err = call_query(call, "open", &open);
    if (err == OK && open.size > 0 && !str_equal(open, STR("yes"))) {
        return call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE, STR("open"), NULL);
    }
    err = err == OK ? hold_list(call->scope, call->api->rooms.ledger, call->client, open.size > 0,
                                call->now, call->mem, &list, &count)
                    : err;
    if (err != OK) {
        return call_refuse_err(call, err);
    }
    struct json_out *out = call_answer(call, 200);
    json_list(out, "holds");
    for (size_t i = 0; i < count; i++) {
        hold_print(call, out, &list[i]);
    }
    json_close(out);
    err = incidents_print(call, out);
    return err == OK ? call_answered(call) : err;
}

/* ---- Making. */

static bool source_find(const struct call *call, struct str slug, struct source_id *ret)
{
    struct source_info source;
    for (size_t i = 0; tenant_source_at(call->api->rooms.tenant, i, &source); i++) {
        if (client_equal(source.client, call->client) && str_equal(source.slug, slug)) {
            *ret = source.id;
            return true;
        }
    }
    return false;
}

/* Names it, and those that there are, as far as a sentence has room. */
static enum err source_refuse(struct call *call, const struct yaml_node *node)
{
    struct why why = {.line = node->line, .column = node->column};
    struct source_info source;
    struct buf text;
    enum err err = OK;
    buf_init(&text, WHY_TEXT_SIZE - 1);
    for (size_t i = 0; err == OK && tenant_source_at(call->api->rooms.tenant, i, &source); i++) {
        if (client_equal(source.client, call->client)) {
            err = buf_print(&text, "%s%.*s", text.size == 0 ? "there are: " : ", ",
                            STR_ARG(source.slug));
        }
    }
    if (err == OK || err == ERR_LIMIT) {
        UNHEEDED(why_say_at(&why, ERR_SYNTAX, node->line, node->column, "%.*s%s", (int)text.size,
                            text.data, err == OK ? "" : ", …"));
        err = call_refuse_why(call, 400, WORD_API_ERROR_NO_SOURCE, node->text, &why);
    }
    buf_done(&text);
    return err;
}

static enum err sources_read(struct call *call, struct hold_wanted *wanted)
{
    const struct yaml_node *list = yaml_get(call->body, STR("sources"));
    if (list == NULL || yaml_is_null(list)) {
        return OK;
    }
    struct source_id *sources = ARENA_ARRAY(call->mem, struct source_id, HOLD_SOURCES_MAX);
    if (sources == NULL) {
        return ERR_MEMORY;
    }
    if (list->kind != YAML_SEQUENCE || list->count > HOLD_SOURCES_MAX) {
        return call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE, STR("sources"), list);
    }
    for (const struct yaml_node *node = list->first; node != NULL; node = node->next) {
        if (node->kind != YAML_SCALAR) {
            return call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE, STR("sources"), node);
        }
        if (!source_find(call, node->text, &sources[wanted->sources_count])) {
            return source_refuse(call, node);
        }
        wanted->sources_count++;
    }
    wanted->sources = sources;
    return OK;
}

/* What the body leaves out, the incident says. */
static enum err incident_fill(struct call *call, struct hold_wanted *wanted)
{
    struct incident_reach reach;
    enum err err = incident_reach_of(call->scope, call->api->rooms.ledger, call->client,
                                     wanted->incident, call->mem, &reach);
    if (err == ERR_NOT_FOUND) {
        return call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE, STR("incident"),
                           yaml_get(call->body, STR("incident")));
    }
    bool spanned = wall_known(wanted->from) || wall_known(wanted->to);
    if (err == OK && !spanned && !wall_known(reach.from)) {
        return call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE, STR("from"), call->body);
    }
    if (err == OK && !spanned) {
        wanted->from = reach.from;
        wanted->to = reach.ended ? reach.to : WALL_NONE;
        if (wanted->sources_count == 0) {
            wanted->sources = reach.sources;
            wanted->sources_count = reach.sources_count;
        }
    }
    return err;
}

static enum err wanted_read(struct call *call, struct hold_wanted *wanted)
{
    *wanted = (struct hold_wanted){.from = WALL_NONE, .to = WALL_NONE, .until = WALL_NONE};
    enum err err = body_text(call, call->body, "reason", &wanted->why);
    err = err == OK && !call->refused ? body_time(call, call->body, "from", &wanted->from) : err;
    err = err == OK && !call->refused ? body_time(call, call->body, "to", &wanted->to) : err;
    err = err == OK && !call->refused ? body_time(call, call->body, "until", &wanted->until) : err;
    err = err == OK && !call->refused
              ? body_number(call, call->body, "incident", UINT32_MAX, &wanted->incident)
              : err;
    err = err == OK && !call->refused ? sources_read(call, wanted) : err;
    return err == OK && !call->refused && wanted->incident != 0 ? incident_fill(call, wanted) : err;
}

enum err api_hold_make(struct call *call)
{
    struct hold_wanted wanted;
    uint64_t id;
    enum err err = wanted_read(call, &wanted);
    if (err == OK && !call->refused) {
        err = hold_make(call->scope, call->api->rooms.ledger, call->client, &wanted, call->now, &id,
                        &call->why);
    }
    if (err != OK || call->refused) {
        return err == OK ? OK : call_refuse_err(call, err);
    }
    struct json_out *out = call_answer(call, 201);
    json_unsigned(out, "id", id);
    return call_answered(call);
}

enum err api_hold_end(struct call *call)
{
    uint64_t id;
    struct str reason;
    enum err err = call_param_number(call, "id", INT64_MAX, &id);
    if (err == OK) {
        err = body_text(call, call->body, "reason", &reason);
    }
    if (err == OK && !call->refused) {
        err = hold_release(call->scope, call->api->rooms.ledger, call->client, id, reason,
                           call->now, &call->why);
    }
    if (err != OK || call->refused) {
        return err == OK ? OK : call_refuse_err(call, err);
    }
    return call_answer_nothing(call);
}
