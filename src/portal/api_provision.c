/*
 * Requests for logs: asked, approved or refused, and the package fetched.
 *
 * Always true: who may do what is provision/'s to say; who may not see the client's logs is told
 * here, as everywhere, that there is no such request.
 */

#include "base/limits.h"
#include "portal/private.h"

#include "provision/provision.h"

static void provision_print(struct json_out *out, const struct provision *row)
{
    struct str sources = row->sources;
    json_unsigned(out, "id", row->id);
    json_text(out, "status", str_from(provision_state_text(row->state)));
    json_time(out, "from", row->from);
    json_time(out, "to", row->to);
    json_list(out, "sources");
    while (sources.size > 0) {
        json_text(out, NULL, str_cut(&sources, '\n'));
    }
    json_close(out);
    json_text(out, "query", row->query);
    json_text(out, "format", str_from(provision_format_text(row->format)));
    json_yes_no(out, "proof", row->proof);
    json_text(out, "language", str_from(language_text(row->language)));
    json_text(out, "purpose", row->purpose);
    json_time(out, "asked", row->asked);
    json_text(out, "asked_by", row->asked_by);
    json_text(out, "asked_side", str_from(side_text(row->asked_side)));
    json_time(out, "approved", row->approved);
    json_text(out, "approved_by", row->approved_by);
    json_time(out, "made", row->made);
    json_time(out, "expires", row->expires);
    json_unsigned(out, "size", row->size);
    json_text(out, "sha256", row->sha256);
    json_unsigned(out, "events", row->events);
    json_unsigned(out, "downloads", row->downloads);
    json_text(out, "failure", row->failure);
}

enum err api_provisions_list(struct call *call)
{
    struct provision *list;
    size_t limit;
    size_t count;
    uint64_t before = 0;
    enum err err = call_query_limit(call, &limit);
    if (err == OK && !call->refused) {
        err = call_query_number(call, "before", 0, INT64_MAX, &before);
    }
    if (err != OK || call->refused) {
        return err;
    }
    err = provision_list(call->scope, call->api->rooms.ledger, call->client, before, limit,
                         call->mem, &list, &count);
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 200);
    json_list(out, "provisions");
    for (size_t i = 0; i < count; i++) {
        json_object(out, NULL);
        provision_print(out, &list[i]);
        json_close(out);
    }
    json_close(out);
    return call_answered(call);
}

/* The request as it stands now, with its history. */
static enum err provision_answer(struct call *call, uint64_t id, unsigned status)
{
    struct ledger *ledger = call->api->rooms.ledger;
    struct provision row;
    struct provision_step *steps;
    size_t count;
    enum err err = provision_get(call->scope, ledger, call->client, id, call->mem, &row);
    err = err == OK
              ? provision_history(call->scope, ledger, call->client, id, call->mem, &steps, &count)
              : err;
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, status);
    provision_print(out, &row);
    json_list(out, "history");
    for (size_t i = 0; i < count; i++) {
        json_object(out, NULL);
        json_time(out, "at", steps[i].at);
        json_text(out, "who", steps[i].who);
        json_text(out, "what", steps[i].what);
        json_text(out, "note", steps[i].note);
        json_close(out);
    }
    json_close(out);
    return call_answered(call);
}

/* ---- Asking. */

static enum err wrong(struct call *call, const char *key)
{
    return call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE, str_from(key),
                       yaml_get(call->body, str_from(key)));
}

static enum err sources_read(struct call *call, struct provision_wish *wish)
{
    const struct yaml_node *list = yaml_get(call->body, STR("sources"));
    if (list == NULL || yaml_is_null(list)) {
        return OK;
    }
    if (list->kind != YAML_SEQUENCE) {
        return wrong(call, "sources");
    }
    if (list->count > PROVISION_SOURCES_MAX) {
        return call_refuse(call, 413, WORD_API_ERROR_TOO_LARGE, STR(""), list);
    }
    struct str *slugs = arena_take_array(call->mem, list->count + 1, sizeof *slugs);
    if (slugs == NULL) {
        return ERR_MEMORY;
    }
    size_t count = 0;
    for (const struct yaml_node *node = list->first; node != NULL; node = node->next) {
        if (node->kind != YAML_SCALAR) {
            return wrong(call, "sources");
        }
        slugs[count++] = node->text;
    }
    wish->sources = slugs;
    wish->sources_count = count;
    return OK;
}

/* How it is wanted: without a word, with proof and in the language of whoever asks. */
static enum err words_read(struct call *call, struct provision_wish *wish)
{
    struct str format;
    struct str language;
    enum err err = body_text(call, call->body, "format", &format);
    err = err == OK ? body_yes_no(call, call->body, "proof", &wish->proof) : err;
    err = err == OK ? body_text(call, call->body, "language", &language) : err;
    if (err != OK) {
        return err;
    }
    wish->proof = wish->proof || yaml_get(call->body, STR("proof")) == NULL;
    wish->language = call->language;
    if (provision_format_parse(format, &wish->format) != OK) {
        return wrong(call, "format");
    }
    if (language.size > 0 && language_parse(language, &wish->language) != OK) {
        return wrong(call, "language");
    }
    return OK;
}

/* Whoever can approve hears that a request waits; whoever asked, that it was refused. */
static enum err news_tell(struct call *call, uint64_t id)
{
    const struct api_rooms *rooms = &call->api->rooms;
    struct provision row;
    enum err err = provision_get(call->scope, rooms->ledger, call->client, id, call->mem, &row);
    if (err != OK || (row.state != PROVISION_WAITING && row.state != PROVISION_REFUSED)) {
        return err;
    }
    bool waits = row.state == PROVISION_WAITING;
    const struct request_told told = {
        .what = waits ? REQUEST_LOGS_WAIT : REQUEST_LOGS_REFUSED,
        .number = id,
        .who = scope_principal(call->scope),
        .person = waits ? 0 : row.person,
        .role = ROLE_RESPONSIBLE,
    };
    return !waits && row.person == 0
               ? OK
               : notify_request(rooms->notify, call->client, &told, call->now);
}

enum err api_provision_new(struct call *call)
{
    struct provision_wish wish = {0};
    uint64_t id;
    enum err err = body_time(call, call->body, "from", &wish.from);
    err = err == OK ? body_time(call, call->body, "to", &wish.to) : err;
    err = err == OK ? body_text(call, call->body, "query", &wish.query) : err;
    err = err == OK ? body_text(call, call->body, "purpose", &wish.purpose) : err;
    err = err == OK ? sources_read(call, &wish) : err;
    err = err == OK && !call->refused ? words_read(call, &wish) : err;
    if (err != OK || call->refused) {
        return err;
    }
    err = provision_ask(call->scope, call->api->rooms.ledger, call->api->rooms.tenant, call->client,
                        &wish, call->now, &id, &call->why);
    err = err == OK ? news_tell(call, id) : err;
    return err == OK ? provision_answer(call, id, 201) : err;
}

/* ---- One request. */

enum err api_provision_show(struct call *call)
{
    uint64_t id;
    enum err err = call_param_number(call, "id", INT64_MAX, &id);
    return err == OK ? provision_answer(call, id, 200) : err;
}

typedef enum err decide_call(const struct scope *scope, struct ledger *ledger,
                             struct client_id client, uint64_t id, struct str note, struct wall now,
                             struct why *why);

static enum err decide(struct call *call, decide_call *decision)
{
    struct str note;
    uint64_t id;
    enum err err = call_param_number(call, "id", INT64_MAX, &id);
    err = err == OK ? body_text(call, call->body, "note", &note) : err;
    err = err == OK ? decision(call->scope, call->api->rooms.ledger, call->client, id, note,
                               call->now, &call->why)
                    : err;
    return err == OK ? provision_answer(call, id, 200) : err;
}

enum err api_provision_approve(struct call *call)
{
    return decide(call, provision_approve);
}

enum err api_provision_refuse(struct call *call)
{
    uint64_t id;
    enum err err = decide(call, provision_refuse);
    err = err == OK ? call_param_number(call, "id", INT64_MAX, &id) : err;
    return err == OK ? news_tell(call, id) : err;
}

enum err api_provision_cancel(struct call *call)
{
    return decide(call, provision_cancel);
}

/* The package itself is a file that desk hands on; noted before its first byte goes out. */
enum err api_provision_package(struct call *call)
{
    struct api_file *file = &call->answer->file;
    struct provision row;
    uint64_t id;
    enum err err = call_param_number(call, "id", INT64_MAX, &id);
    err = err == OK ? provision_deliver(call->scope, call->api->rooms.ledger, call->client, id,
                                        call->now, call->mem, &row, &call->why)
                    : err;
    err = err == OK ? arena_copy(call->mem, row.file, &file->name) : err;
    if (err == OK) {
        file->size = row.size;
        call_answer_as(call, "application/zip");
    }
    return err;
}
