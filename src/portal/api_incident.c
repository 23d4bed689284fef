/*
 * Incidents: what became work, and every step of that work.
 *
 * Always true: who may take a step is decided by incident/, in the transaction of the step; the
 * table in api.c only refuses early those who could never take it.
 */

#include "portal/private.h"

/* ---- Incidents. */

/* A word that data choose, in both languages; what chose it where there is none. */
static void word_names(struct call *call, struct json_out *out, const char *key, const char *format,
                       struct str slug)
{
    struct str name;
    enum word word;
    if (arena_print(call->mem, &name, format, STR_ARG(slug)) == OK && words_find(name, &word)) {
        json_names(out, key, words_text(word, LANGUAGE_JA), words_text(word, LANGUAGE_EN));
    } else {
        json_names(out, key, slug, slug);
    }
}

/* The name that the client's effective document gives an item; its slug where it gives none. */
static void item_names(struct call *call, struct json_out *out, const char *key, const char *path,
                       struct client_id client, struct str slug)
{
    struct str list = str_from(path);
    struct str kind = str_cut(&list, '/');
    const struct document *document =
        service_running(call->scope, call->api->rooms.service, client, kind, NULL);
    const struct element *items =
        document != NULL && slug.size > 0 ? element_get(document->root, list.data) : NULL;
    const struct element *item = items != NULL ? element_item(items, slug) : NULL;
    const struct element *name = item != NULL ? element_get(item, "name") : NULL;
    struct str texts[LANGUAGE_COUNT];
    for (int i = 0; i < LANGUAGE_COUNT; i++) {
        texts[i] = name != NULL ? element_words(name, (enum language)i, NULL) : (struct str){0};
        texts[i] = texts[i].size > 0 ? texts[i] : slug;
    }
    json_names(out, key, texts[LANGUAGE_JA], texts[LANGUAGE_EN]);
}

/* What people call what the members name by slugs: a page needs no second question. */
static void incident_names(struct call *call, struct json_out *out,
                           const struct incident_view *incident)
{
    struct client_id client = incident->client;
    json_object(out, "names");
    word_names(call, out, "state", "incident.state.%.*s",
               str_from(incident_state_text(incident->state)));
    word_names(call, out, "severity", "level.%.*s", str_from(level_text(incident->severity)));
    word_names(call, out, "type", "type.%.*s.name", incident->type);
    word_names(call, out, "waits_for", "%.*s", incident->waits_for);
    item_names(call, out, "asset", "assets/assets", client, incident->asset);
    item_names(call, out, "owner", "contacts/people", client, incident->owner);
    item_names(call, out, "zone", "table-1/segments", client, incident->zone);
    item_names(call, out, "criterion", "criteria/criteria", client, incident->criterion);
    item_names(call, out, "action", "criteria/actions", client, incident->action);
    item_names(call, out, "chain", "contacts/chains", client, incident->chain);
    json_close(out);
}

/* The running clock that is due first; null where none runs.  A queue is sorted by it, and should
 * not have to ask for the clocks of each line. */
static enum err next_due_print(struct call *call, struct json_out *out,
                               const struct incident_view *incident)
{
    struct clock_view *list = NULL;
    const struct clock_view *first = NULL;
    size_t count = 0;
    enum err err = incident->state == INCIDENT_STEADY
                       ? OK
                       : clock_list(call->scope, call->api->rooms.clocks, incident->client,
                                    (struct subject){"incident", incident->id}, call->now,
                                    call->mem, &list, &count);
    for (size_t i = 0; i < count && err == OK; i++) {
        if (wall_known(list[i].due) && (first == NULL || list[i].due.ns < first->due.ns)) {
            first = &list[i];
        }
    }
    if (first == NULL) {
        json_null(out, "next_due");
        return err;
    }
    json_object(out, "next_due");
    json_text(out, "metric", first->metric);
    json_names(out, "name", first->name_ja, first->name_en);
    json_time(out, "due", first->due);
    json_yes_no(out, "warned", wall_known(first->warned));
    json_close(out);
    return OK;
}

static enum err incident_members(struct call *call, struct json_out *out,
                                 const struct incident_view *incident)
{
    json_unsigned(out, "id", incident->id);
    json_text(out, "client", call_client_slug(call, incident->client));
    json_unsigned(out, "number", incident->number);
    json_text(out, "state", str_from(incident_state_text(incident->state)));
    json_text(out, "severity", str_from(level_text(incident->severity)));
    json_text(out, "type", incident->type);
    json_text(out, "asset", incident->asset);
    json_text(out, "owner", incident->owner);
    json_text(out, "zone", incident->zone);
    json_text(out, "other", incident->other);
    json_text(out, "inside", incident->inside);
    json_text(out, "outside", incident->outside);
    json_text(out, "criterion", incident->criterion);
    json_text(out, "chain", incident->chain);
    json_text(out, "action", incident->action);
    json_text(out, "rules", incident->rules);
    json_yes_no(out, "authorised", incident->authorised);
    json_text(out, "documents", incident->documents);
    json_time(out, "detected", incident->detected);
    json_time(out, "opened", incident->opened);
    json_time(out, "ended", incident->ended);
    json_time(out, "notified", incident->notified);
    json_time(out, "acknowledged", incident->acknowledged);
    json_unsigned(out, "proposal", incident->proposal);
    json_text(out, "executes", str_from(side_text(incident->executes)));
    json_yes_no(out, "executed", incident->executed);
    json_unsigned(out, "alerts", incident->alerts);
    json_time(out, "alert_last", incident->alert_last);
    json_text(out, "turn", str_from(side_text(incident->turn)));
    json_text(out, "waits_for", incident->waits_for);
    json_time(out, "decide_by", incident->decide_by);
    incident_names(call, out, incident);
    return next_due_print(call, out, incident);
}

static enum err incidents_answer(struct call *call, struct client_id client)
{
    struct incident_filter filter = {.client = client};
    struct incident_view *list;
    struct str open;
    size_t count;
    enum err err = call_query(call, "open", &open);
    filter.open_only = str_equal(open, STR("true"));
    if (err == OK && open.size > 0 && !filter.open_only && !str_equal(open, STR("false"))) {
        return call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE, STR("open"), NULL);
    }
    if (err == OK) {
        err = call_query_number(call, "before", 0, INT64_MAX, &filter.before_id);
    }
    if (err == OK) {
        err = call_query_limit(call, &filter.count_max);
    }
    if (err == OK) {
        err = incident_list_view(call->scope, call->api->rooms.incidents, &filter, call->mem, &list,
                                 &count);
    }
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 200);
    json_list(out, "incidents");
    for (size_t i = 0; i < count && err == OK; i++) {
        json_object(out, NULL);
        err = incident_members(call, out, &list[i]);
        json_close(out);
    }
    json_close(out);
    return err == OK ? call_answered(call) : err;
}

enum err api_incidents_list(struct call *call)
{
    if (call->scope == NULL) {
        json_list(call_answer(call, 200), "incidents");
        json_close(&call->out);
        return call_answered(call);
    }
    return incidents_answer(call, (struct client_id){0});
}

enum err api_client_incidents_list(struct call *call)
{
    return incidents_answer(call, call->client);
}

enum err call_incident(struct call *call, struct incident_view *ret)
{
    uint64_t number;
    enum err err = call_param_number(call, "number", UINT32_MAX, &number);
    if (err == OK) {
        err = incident_get(call->scope, call->api->rooms.incidents, call->client, (uint32_t)number,
                           call->mem, ret);
    }
    return err;
}

static enum err incident_answer(struct call *call, unsigned status)
{
    struct incident_view incident;
    enum err err = call_incident(call, &incident);
    if (err == OK) {
        err = incident_members(call, call_answer(call, status), &incident);
        err = err == OK ? call_answered(call) : err;
    }
    return err;
}

enum err api_incident_show(struct call *call)
{
    return incident_answer(call, 200);
}

enum err api_incident_lines(struct call *call)
{
    struct incident_view incident;
    struct incident_line *list;
    size_t count;
    enum err err = call_incident(call, &incident);
    if (err == OK) {
        err = incident_history(call->scope, call->api->rooms.incidents, call->client,
                               incident.number, call->mem, &list, &count);
    }
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 200);
    json_list(out, "history");
    for (size_t i = 0; i < count; i++) {
        json_object(out, NULL);
        json_unsigned(out, "number", list[i].number);
        json_time(out, "at", list[i].at);
        json_text(out, "who", list[i].who);
        json_text(out, "what", list[i].what);
        json_text(out, "from", str_from(incident_state_text(list[i].from)));
        json_text(out, "to", str_from(incident_state_text(list[i].to)));
        json_text(out, "text", list[i].text);
        json_raw(out, "detail", list[i].detail);
        json_close(out);
    }
    json_close(out);
    return call_answered(call);
}

/* ---- A report by a person.  Of no known type, it is "suspicious". */

enum err api_incident_new(struct call *call)
{
    struct incident_report report;
    struct str severity;
    struct str key;
    enum word word;
    uint32_t number;
    enum err err = body_text(call, call->body, "text", &report.text);
    if (err == OK) {
        err = body_text(call, call->body, "severity", &severity);
    }
    if (err == OK) {
        err = body_text(call, call->body, "type", &report.type);
    }
    if (err == OK) {
        err = body_text(call, call->body, "asset", &report.asset);
    }
    if (err != OK || call->refused) {
        return err;
    }
    report.type = report.type.size > 0 ? report.type : STR("suspicious");
    if (level_parse(severity, &report.severity) != OK) {
        return call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE, STR("severity"),
                           yaml_get(call->body, STR("severity")));
    }
    err = arena_print(call->mem, &key, "type.%.*s.name", STR_ARG(report.type));
    if (err == OK && !words_find(key, &word)) {
        return call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE, STR("type"),
                           yaml_get(call->body, STR("type")));
    }
    if (err == OK) {
        err = incident_report(call->scope, call->api->rooms.incidents, call->client, &report,
                              call->now, &number, &call->why);
    }
    if (err == OK) {
        struct incident_view incident;
        err = incident_get(call->scope, call->api->rooms.incidents, call->client, number, call->mem,
                           &incident);
        if (err == OK) {
            err = incident_members(call, call_answer(call, 201), &incident);
            err = err == OK ? call_answered(call) : err;
        }
    }
    return err;
}

/* ---- Steps.  Each ends with the incident as it then stands.  An incident that is not there is
 * found first, so that nothing of the body can tell it from one that is. */

static enum err incident_at_of(struct call *call, struct incident_at *ret)
{
    struct incident_view incident;
    enum err err = call_incident(call, &incident);
    if (err == OK) {
        *ret = (struct incident_at){call->client, incident.number, call->now};
    }
    return err;
}

enum err api_incident_add_note(struct call *call)
{
    struct incident_at at;
    struct str text;
    enum err err = incident_at_of(call, &at);
    if (err == OK) {
        err = body_text(call, call->body, "text", &text);
    }
    if (err == OK) {
        err = incident_note(call->scope, call->api->rooms.incidents, at, text, &call->why);
    }
    return err == OK ? incident_answer(call, 201) : err;
}

enum err api_incident_go(struct call *call)
{
    struct incident_at at;
    struct str to;
    struct str reason;
    enum incident_state state;
    enum err err = incident_at_of(call, &at);
    if (err == OK) {
        err = body_text(call, call->body, "to", &to);
    }
    if (err == OK) {
        err = body_text(call, call->body, "reason", &reason);
    }
    if (err == OK && incident_state_parse(to, &state) != OK) {
        return call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE, STR("to"),
                           yaml_get(call->body, STR("to")));
    }
    if (err == OK) {
        err = incident_step(call->scope, call->api->rooms.incidents, at, state, reason, &call->why);
    }
    return err == OK ? incident_answer(call, 200) : err;
}

static enum err option_read(struct call *call, const struct yaml_node *node,
                            struct countermeasure *ret)
{
    enum err err = call_keys_check(call, node, "text! effect risk executes! recommended");
    if (err != OK || call->refused) {
        return err;
    }
    err = body_text(call, node, "text", &ret->text);
    if (err == OK) {
        err = body_text(call, node, "effect", &ret->effect);
    }
    if (err == OK) {
        err = body_text(call, node, "risk", &ret->risk);
    }
    if (err == OK) {
        err = body_text(call, node, "executes", &ret->executes);
    }
    if (err == OK) {
        err = body_yes_no(call, node, "recommended", &ret->recommended);
    }
    if (err == OK && !str_equal(ret->executes, STR("provider")) &&
        !str_equal(ret->executes, STR("client"))) {
        err = call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE, STR("executes"), node);
    }
    return err;
}

/* The list `options` of the body; made in mem. */
static enum err options_read(struct call *call, struct countermeasure **ret, size_t *ret_count)
{
    const struct yaml_node *list = yaml_get(call->body, STR("options"));
    size_t at = 0;
    enum err err = OK;
    if (list->kind != YAML_SEQUENCE || list->count == 0 || list->count > COUNTERMEASURES_MAX) {
        return call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE, STR("options"), list);
    }
    struct countermeasure *options = ARENA_ARRAY(call->mem, struct countermeasure, list->count);
    if (options == NULL) {
        return ERR_MEMORY;
    }
    for (const struct yaml_node *node = list->first; node != NULL && err == OK && !call->refused;
         node = node->next) {
        err = option_read(call, node, &options[at++]);
    }
    *ret = options;
    *ret_count = at;
    return err;
}

enum err api_incident_offer(struct call *call)
{
    struct incident_at at;
    struct countermeasure *options = NULL;
    struct wall decide_by;
    uint32_t proposal;
    size_t count = 0;
    enum err err = incident_at_of(call, &at);
    if (err == OK) {
        err = options_read(call, &options, &count);
    }
    if (err == OK && !call->refused) {
        err = body_time(call, call->body, "decide_by", &decide_by);
    }
    if (err != OK || call->refused) {
        return err;
    }
    err = incident_propose(call->scope, call->api->rooms.incidents, at, options, count, decide_by,
                           &proposal, &call->why);
    if (err != OK) {
        return err;
    }
    json_unsigned(call_answer(call, 201), "proposal", proposal);
    return call_answered(call);
}

enum err api_incident_options(struct call *call)
{
    struct incident_view incident;
    struct countermeasure *list;
    uint64_t proposal;
    size_t count;
    enum err err = call_incident(call, &incident);
    if (err == OK) {
        err = call_param_number(call, "proposal", UINT32_MAX, &proposal);
    }
    if (err == OK) {
        err = incident_options(call->scope, call->api->rooms.incidents, call->client,
                               incident.number, (uint32_t)proposal, call->mem, &list, &count);
    }
    if (err != OK || count == 0) {
        return err != OK ? err : ERR_NOT_FOUND;
    }
    struct json_out *out = call_answer(call, 200);
    json_list(out, "options");
    for (size_t i = 0; i < count; i++) {
        json_object(out, NULL);
        json_text(out, "text", list[i].text);
        json_text(out, "effect", list[i].effect);
        json_text(out, "risk", list[i].risk);
        json_text(out, "executes", list[i].executes);
        json_yes_no(out, "recommended", list[i].recommended);
        json_close(out);
    }
    json_close(out);
    return call_answered(call);
}

enum err api_incident_decision(struct call *call)
{
    struct incident_at at;
    uint32_t proposal;
    uint32_t option;
    struct str reason;
    enum err err = incident_at_of(call, &at);
    if (err == OK) {
        err = body_number(call, call->body, "proposal", INT32_MAX, &proposal);
    }
    if (err == OK) {
        err = body_number(call, call->body, "option", COUNTERMEASURES_MAX, &option);
    }
    if (err == OK) {
        err = body_text(call, call->body, "reason", &reason);
    }
    if (err == OK) {
        err = incident_decide(call->scope, call->api->rooms.incidents, at, proposal, option, reason,
                              &call->why);
    }
    return err == OK ? incident_answer(call, 200) : err;
}

enum err api_incident_authorised(struct call *call)
{
    struct incident_at at;
    struct str text;
    enum err err = incident_at_of(call, &at);
    if (err == OK) {
        err = body_text(call, call->body, "text", &text);
    }
    if (err == OK) {
        err =
            incident_act_authorised(call->scope, call->api->rooms.incidents, at, text, &call->why);
    }
    return err == OK ? incident_answer(call, 200) : err;
}

enum err api_incident_execution(struct call *call)
{
    struct incident_at at;
    struct str evidence;
    bool done;
    enum err err = incident_at_of(call, &at);
    if (err == OK) {
        err = body_yes_no(call, call->body, "done", &done);
    }
    if (err == OK) {
        err = body_text(call, call->body, "evidence", &evidence);
    }
    if (err == OK) {
        err = incident_execute(call->scope, call->api->rooms.incidents, at, done, evidence,
                               &call->why);
    }
    return err == OK ? incident_answer(call, 200) : err;
}

enum err api_incident_agree_return(struct call *call)
{
    struct incident_at at;
    struct str reason;
    bool agreed;
    enum err err = incident_at_of(call, &at);
    if (err == OK) {
        err = body_yes_no(call, call->body, "agreed", &agreed);
    }
    if (err == OK) {
        err = body_text(call, call->body, "reason", &reason);
    }
    if (err == OK) {
        err = incident_return(call->scope, call->api->rooms.incidents, at, agreed, reason,
                              &call->why);
    }
    return err == OK ? incident_answer(call, 200) : err;
}
