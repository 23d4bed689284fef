/*
 * One call's hands: what an operation asks of its path, query and body, and the words with which it
 * refuses.
 *
 *     {"error": {"code": "unknown-key", "text": "…", "line": 3, "column": 5, "detail": "…"}}
 *
 * `text` is in the caller's language (words/api.yaml); `detail` is the sentence of the room that
 * found the mistake, in English, where there is one.  Line and column are those of the body.
 *
 * Always true: a refusal for something that is not there holds nothing but its code and text, so
 * that it is the same for what does not exist and for what one may not know of.
 */

#include <string.h>

#include "codec/json.h"
#include "codec/percent.h"
#include "codec/time.h"
#include "ledger/ledger.h"
#include "portal/private.h"

#define CODE_PREFIX     "api.error."
#define SCOPE_BYTES_MAX ((size_t)1 << 20)

static enum err refuse(struct call *call, unsigned status, enum word word, struct str value,
                       const struct why *why)
{
    struct buf text;
    struct str key = words_key(word);
    const struct words_value values[] = {{"value", value}};
    buf_reset(&call->answer->body);
    json_out_begin(&call->out, &call->answer->body);
    call->answer->status = status;
    call->answer->type = STR("application/json");
    call->refused = true;
    buf_init(&text, 8192);
    enum err err = words_print(&text, call->language, word, values, 1);
    if (err == OK) {
        json_object(&call->out, NULL);
        json_object(&call->out, "error");
        json_text(&call->out, "code", str_slice(key, strlen(CODE_PREFIX), SIZE_MAX));
        json_text(&call->out, "text", buf_str(&text));
        if (why != NULL && why->line > 0) {
            json_unsigned(&call->out, "line", why->line);
        }
        if (why != NULL && why->column > 0) {
            json_unsigned(&call->out, "column", why->column);
        }
        if (why != NULL && why->text[0] != '\0') {
            json_text(&call->out, "detail", str_from(why->text));
        }
        json_close(&call->out);
        json_close(&call->out);
        err = json_out_end(&call->out);
    }
    buf_done(&text);
    return err;
}

enum err call_refuse(struct call *call, unsigned status, enum word word, struct str value,
                     const struct yaml_node *at)
{
    struct why why = {.line = at != NULL ? at->line : 0, .column = at != NULL ? at->column : 0};
    return refuse(call, status, word, str_slice(value, 0, SLUG_SIZE_MAX), &why);
}

enum err call_refuse_why(struct call *call, unsigned status, enum word word, struct str value,
                         const struct why *why)
{
    return refuse(call, status, word, str_slice(value, 0, SLUG_SIZE_MAX), why);
}

enum err call_refuse_unknown(struct call *call)
{
    return refuse(call, 404, WORD_API_ERROR_NOT_FOUND, STR(""), NULL);
}

enum err call_refuse_err(struct call *call, enum err err)
{
    if (call->refused) {
        return OK;
    }
    switch (err) {
    case ERR_SYNTAX:
        return refuse(call, 400, WORD_API_ERROR_INVALID, STR(""), &call->why);
    case ERR_LIMIT:
        return refuse(call, 413, WORD_API_ERROR_TOO_LARGE, STR(""), &call->why);
    case ERR_NOT_FOUND:
        return call_refuse_unknown(call);
    case ERR_DENIED:
        return refuse(call, 403, WORD_API_ERROR_NOT_ALLOWED, STR(""), &call->why);
    case ERR_EXISTS:
        return refuse(call, 409, WORD_API_ERROR_EXISTS, STR(""), &call->why);
    case ERR_CONFLICT:
        return refuse(call, 409, WORD_API_ERROR_CONFLICT, STR(""), &call->why);
    case ERR_AGAIN:
        call->answer->retry_seconds =
            call->answer->retry_seconds > 0 ? call->answer->retry_seconds : 1;
        return refuse(call, 429, WORD_API_ERROR_TOO_MANY, STR(""), NULL);
    case ERR_UNSUPPORTED:
        return refuse(call, 400, WORD_API_ERROR_UNSUPPORTED, STR(""), &call->why);
    default:
        return err;
    }
}

struct str call_param(const struct call *call, const char *name)
{
    struct str pattern = str_from(call->operation->path);
    for (size_t at = 0; pattern.size > 0;) {
        struct str part = str_cut(&pattern, '/');
        if (!str_starts(part, STR("{"))) {
            continue;
        }
        if (str_equal(str_slice(part, 1, part.size - 2), str_from(name))) {
            return call->params[at];
        }
        at++;
    }
    return STR("");
}

enum err call_param_number(const struct call *call, const char *name, uint64_t max, uint64_t *ret)
{
    return str_to_u64(call_param(call, name), max, ret) == OK ? OK : ERR_NOT_FOUND;
}

/* Looks for a name among `keys`; a '!' behind one does not count. */
static bool keys_hold(const char *keys, struct str name)
{
    struct str rest = str_from(keys);
    while (rest.size > 0) {
        struct str key = str_cut(&rest, ' ');
        if (str_ends(key, STR("!"))) {
            key.size--;
        }
        if (str_equal(key, name)) {
            return true;
        }
    }
    return false;
}

enum err call_query(struct call *call, const char *name, struct str *ret)
{
    struct str rest = call->request->query;
    *ret = STR("");
    while (rest.size > 0) {
        struct str value = str_cut(&rest, '&');
        struct str key = str_cut(&value, '=');
        if (str_equal(key, str_from(name))) {
            return percent_decode(value, true, call->mem, ret);
        }
    }
    return OK;
}

static enum err query_wrong(struct call *call, const char *name)
{
    return call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE, str_from(name), NULL);
}

enum err call_query_number(struct call *call, const char *name, uint64_t otherwise, uint64_t max,
                           uint64_t *ret)
{
    struct str text;
    enum err err = call_query(call, name, &text);
    *ret = otherwise;
    if (err == OK && text.size > 0 && str_to_u64(text, max, ret) != OK) {
        err = query_wrong(call, name);
        return err == OK ? ERR_SYNTAX : err;
    }
    return err;
}

enum err call_query_time(struct call *call, const char *name, struct wall *ret)
{
    struct str text;
    enum err err = call_query(call, name, &text);
    *ret = WALL_NONE;
    if (err == OK && text.size > 0 && time_parse(text, ret) != OK) {
        err = query_wrong(call, name);
        return err == OK ? ERR_SYNTAX : err;
    }
    return err;
}

enum err call_query_limit(struct call *call, size_t *ret)
{
    uint64_t limit;
    enum err err = call_query_number(call, "limit", PORTAL_PAGE_DEFAULT, PORTAL_PAGE_MAX, &limit);
    *ret = limit > 0 ? (size_t)limit : 1;
    return err;
}

/* Keys of a query that are unknown, twice there, or missing. */
enum err call_query_check(struct call *call)
{
    const char *keys = call->operation->query;
    struct str rest = call->request->query;
    struct str wanted = str_from(keys);
    while (rest.size > 0) {
        struct str value = str_cut(&rest, '&');
        struct str key = str_cut(&value, '=');
        struct str later = rest;
        struct str decoded;
        if (!keys_hold(keys, key) || key.size == 0) {
            return call_refuse(call, 400, WORD_API_ERROR_UNKNOWN_KEY, key, NULL);
        }
        while (later.size > 0) {
            struct str part = str_cut(&later, '&');
            if (str_equal(str_cut(&part, '='), key)) {
                return call_refuse(call, 400, WORD_API_ERROR_DOUBLE_KEY, key, NULL);
            }
        }
        enum err err = percent_decode(value, true, call->mem, &decoded);
        if (err != OK) {
            return err == ERR_SYNTAX ? call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE, key, NULL)
                                     : err;
        }
    }
    while (wanted.size > 0) {
        struct str key = str_cut(&wanted, ' ');
        struct str value;
        if (!str_ends(key, STR("!"))) {
            continue;
        }
        key.size--;
        char name[SLUG_SIZE_MAX + 1] = {0};
        memcpy(name, key.data, key.size < SLUG_SIZE_MAX ? key.size : SLUG_SIZE_MAX);
        enum err err = call_query(call, name, &value);
        if (err != OK || value.size == 0) {
            return err != OK ? err : call_refuse(call, 400, WORD_API_ERROR_MISSING_KEY, key, NULL);
        }
    }
    return OK;
}

/* What stands in front of a ';'. */
static bool type_is(struct str type, struct str wanted)
{
    return str_equal_nocase(str_trim(str_cut(&type, ';')), wanted);
}

enum err call_body_read(struct call *call)
{
    const struct api_request *request = call->request;
    struct yaml_node *node = NULL;
    if (call->operation->body == NULL || (call->operation->flags & OPERATION_ASKING) != 0) {
        return OK;
    }
    if (request->body.size == 0 && call->operation->body[0] == '\0') {
        return OK;
    }
    bool yaml = type_is(request->type, STR("application/yaml"));
    if (!yaml && !type_is(request->type, STR("application/json"))) {
        return call_refuse(call, 415, WORD_API_ERROR_WRONG_TYPE, STR("application/json"), NULL);
    }
    enum err err = yaml ? yaml_parse(request->body, call->mem, &node, &call->why)
                        : json_parse(request->body, call->mem, &node, &call->why);
    if (err == ERR_SYNTAX) {
        return refuse(call, 400, WORD_API_ERROR_NOT_READABLE, STR(""), &call->why);
    }
    if (err != OK) {
        return err;
    }
    if (node == NULL || node->kind != YAML_MAPPING || node->next != NULL) {
        return call_refuse(call, 400, WORD_API_ERROR_NOT_READABLE, STR(""), node);
    }
    call->body = node;
    return call_keys_check(call, node, call->operation->body);
}

enum err call_keys_check(struct call *call, const struct yaml_node *node, const char *keys)
{
    struct str wanted = str_from(keys);
    if (node->kind != YAML_MAPPING) {
        return call_refuse(call, 400, WORD_API_ERROR_NOT_READABLE, STR(""), node);
    }
    for (const struct yaml_node *value = node->first; value != NULL; value = value->next) {
        if (!keys_hold(keys, value->key->text)) {
            return call_refuse(call, 400, WORD_API_ERROR_UNKNOWN_KEY, value->key->text, value->key);
        }
    }
    while (wanted.size > 0) {
        struct str key = str_cut(&wanted, ' ');
        if (!str_ends(key, STR("!"))) {
            continue;
        }
        key.size--;
        const struct yaml_node *value = yaml_get(node, key);
        if (value == NULL || yaml_is_null(value)) {
            return call_refuse(call, 400, WORD_API_ERROR_MISSING_KEY, key, node);
        }
    }
    return OK;
}

/* The refusal has been written; ERR_SYNTAX ends the operation. */
static enum err body_wrong(struct call *call, const char *key, const struct yaml_node *at)
{
    enum err err = call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE, str_from(key), at);
    return err == OK ? ERR_SYNTAX : err;
}

enum err body_text(struct call *call, const struct yaml_node *node, const char *key,
                   struct str *ret)
{
    const struct yaml_node *value = yaml_get(node, str_from(key));
    *ret = STR("");
    if (value == NULL || yaml_is_null(value)) {
        return OK;
    }
    if (value->kind != YAML_SCALAR) {
        return body_wrong(call, key, value);
    }
    if (value->text.size > PORTAL_NOTE_SIZE_MAX) {
        enum err err = call_refuse(call, 413, WORD_API_ERROR_TOO_LARGE, STR(""), value);
        return err == OK ? ERR_LIMIT : err;
    }
    *ret = value->text;
    return OK;
}

enum err body_number(struct call *call, const struct yaml_node *node, const char *key, uint32_t max,
                     uint32_t *ret)
{
    const struct yaml_node *value = yaml_get(node, str_from(key));
    int64_t number = 0;
    if (value != NULL && !yaml_is_null(value) &&
        (value->kind != YAML_SCALAR || yaml_int(value, &number) != OK || number < 0 ||
         number > max)) {
        return body_wrong(call, key, value);
    }
    *ret = (uint32_t)number;
    return OK;
}

enum err body_yes_no(struct call *call, const struct yaml_node *node, const char *key, bool *ret)
{
    const struct yaml_node *value = yaml_get(node, str_from(key));
    *ret = false;
    if (value != NULL && !yaml_is_null(value) &&
        (value->kind != YAML_SCALAR || yaml_bool(value, ret) != OK)) {
        return body_wrong(call, key, value);
    }
    return OK;
}

enum err body_time(struct call *call, const struct yaml_node *node, const char *key,
                   struct wall *ret)
{
    struct str text;
    enum err err = body_text(call, node, key, &text);
    *ret = WALL_NONE;
    if (err == OK && text.size > 0 && time_parse(text, ret) != OK) {
        return body_wrong(call, key, yaml_get(node, str_from(key)));
    }
    return err;
}

struct json_out *call_answer(struct call *call, unsigned status)
{
    call->answer->status = status;
    json_object(&call->out, NULL);
    return &call->out;
}

enum err call_answered(struct call *call)
{
    json_close(&call->out);
    return json_out_end(&call->out);
}

enum err call_answer_nothing(struct call *call)
{
    call->answer->status = 204;
    buf_reset(&call->answer->body);
    return OK;
}

void call_answer_as(struct call *call, const char *type)
{
    call->answer->type = str_from(type);
}

struct str call_client_slug(const struct call *call, struct client_id client)
{
    struct client_info info;
    for (size_t i = 0; tenant_client_at(call->api->rooms.tenant, i, &info); i++) {
        if (client_equal(info.id, client)) {
            return info.slug;
        }
    }
    return STR("");
}

enum err call_person_name(struct call *call, const struct person_info *person, struct str *ret)
{
    return arena_print(call->mem, ret, "%.*s/%.*s", STR_ARG(person->party), STR_ARG(person->slug));
}

enum err call_audit_read(struct call *call, const char *what)
{
    struct ledger *ledger = call->api->rooms.ledger;
    struct str object;
    enum err err = arena_print(call->mem, &object, "client %.*s", STR_ARG(call->client_slug));
    if (err == OK) {
        err = ledger_begin(ledger);
    }
    if (err != OK) {
        return err;
    }
    err = ledger_audit(ledger, call->now.ns, call->client.value, scope_principal(call->scope),
                       STR("read"), object, str_from(what));
    return call_commit(call, err);
}

enum err call_commit(struct call *call, enum err err)
{
    struct ledger *ledger = call->api->rooms.ledger;
    err = err == OK ? ledger_commit(ledger) : err;
    ledger_rollback(ledger);
    return err;
}

enum err call_ask_archive(struct call *call, enum api_job_kind kind, const char *what)
{
    struct api_job *job = &call->answer->job;
    struct str table = str_from(what);
    enum err err = kind == API_JOB_CSV
                       ? arena_print(call->mem, &table, "table of %.*s", STR_ARG(str_from(what)))
                       : OK;
    err = err == OK ? call_audit_read(call, table.data) : err;
    buf_init(&job->scope, SCOPE_BYTES_MAX);
    err = err == OK ? scope_encode(call->scope, &job->scope) : err;
    if (err == OK) {
        job->kind = kind;
        job->client = call->client;
        job->person = call->person;
        job->language = call->language;
    }
    return err;
}

void json_names(struct json_out *out, const char *key, struct str ja, struct str en)
{
    json_object(out, key);
    json_text(out, "ja", ja);
    json_text(out, "en", en);
    json_close(out);
}

/* Rights that a person or a token may have; the service's own are none of these. */
static const struct {
    const char *name;
    enum right right;
} rights[] = {
    {"read", RIGHT_READ},           {"alerts", RIGHT_ALERTS},       {"books", RIGHT_BOOKS},
    {"manage", RIGHT_MANAGE},       {"documents", RIGHT_DOCUMENTS}, {"draft", RIGHT_DRAFT},
    {"incidents", RIGHT_INCIDENTS}, {"work", RIGHT_WORK},           {"act", RIGHT_ACT},
    {"decide", RIGHT_DECIDE},       {"users", RIGHT_USERS},         {"audit", RIGHT_AUDIT},
};

void json_rights(struct json_out *out, const char *key, uint32_t held)
{
    json_list(out, key);
    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
        if ((held & (uint32_t)rights[i].right) != 0) {
            json_text(out, NULL, str_from(rights[i].name));
        }
    }
    json_close(out);
}

enum err right_parse(struct str text, uint32_t *ret)
{
    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
        if (str_equal(text, str_from(rights[i].name))) {
            *ret = (uint32_t)rights[i].right;
            return OK;
        }
    }
    return ERR_SYNTAX;
}

const char *side_text(enum side side)
{
    static const char *const texts[] = {
        [SIDE_NONE] = "none",       [SIDE_CLIENT] = "client", [SIDE_PROVIDER] = "provider",
        [SIDE_AUDITOR] = "auditor", [SIDE_BIDDER] = "bidder", [SIDE_INSTALLATION] = "installation",
    };
    return texts[side];
}
