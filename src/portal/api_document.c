/*
 * Documents: what kinds there are, which versions a client has of each, who has signed, and what
 * stands in them as far as it is disclosed to the caller's side.
 *
 * Always true: whatever is told of a document's content comes from service_version or
 * service_effective, which disclose; nothing here reads the running document.
 */

#include "portal/private.h"

#include "codec/crypto.h"

/* ---- Kinds. */

static const struct schema *kind_of(const struct call *call)
{
    return schema_find(call_param(call, "kind"));
}

static struct str kind_name(const struct schema *schema)
{
    return str_from(schema_kind(schema));
}

enum err api_schemas_list(struct call *call)
{
    struct json_out *out = call_answer(call, 200);
    json_list(out, "kinds");
    for (size_t i = 0; i < schema_count(); i++) {
        const struct schema *schema = schema_at(i);
        json_object(out, NULL);
        json_text(out, "kind", kind_name(schema));
        json_names(out, "name", str_from(schema_name(schema, LANGUAGE_JA)),
                   str_from(schema_name(schema, LANGUAGE_EN)));
        json_close(out);
    }
    json_close(out);
    return call_answered(call);
}

enum err api_schema_show(struct call *call)
{
    const struct schema *schema = kind_of(call);
    if (schema == NULL) {
        return ERR_NOT_FOUND;
    }
    call_answer_as(call, "application/schema+json");
    return schema_print_json(schema, &call->answer->body);
}

enum err api_schema_form(struct call *call)
{
    const struct schema *schema = kind_of(call);
    return schema != NULL ? schema_print_form(schema, &call->answer->body) : ERR_NOT_FOUND;
}

/* ---- Versions. */

static void roles_print(struct json_out *out, const char *key, uint32_t roles)
{
    json_list(out, key);
    for (unsigned role = 0; role < ROLE_COUNT; role++) {
        if ((roles & 1u << role) != 0) {
            json_text(out, NULL, str_from(role_text((enum role)role)));
        }
    }
    json_close(out);
}

static void version_members(struct json_out *out, const struct version *version)
{
    json_text(out, "kind", version->kind);
    json_unsigned(out, "number", version->number);
    json_text(out, "hash", version->hash);
    json_text(out, "state", str_from(version_state_text(version->state)));
    json_text(out, "author", version->author);
    json_text(out, "note", version->note);
    json_time(out, "created", version->created);
    json_time(out, "wanted", version->wanted);
    json_time(out, "effective", version->effective);
    json_time(out, "ended", version->ended);
    json_list(out, "signatures");
    for (size_t i = 0; i < version->signatures_count; i++) {
        const struct signature *signature = &version->signatures[i];
        json_object(out, NULL);
        json_text(out, "role", signature->role);
        json_text(out, "who", signature->who);
        json_time(out, "at", signature->at);
        json_text(out, "key", signature->key);
        json_text(out, "signature", signature->signature);
        json_close(out);
    }
    json_close(out);
    json_list(out, "waits");
    for (size_t i = 0; i < sizeof version->waits / sizeof *version->waits; i++) {
        if (version->waits[i] == 0) {
            break;
        }
        roles_print(out, NULL, version->waits[i]);
    }
    json_close(out);
}

static enum err version_answer(struct call *call, unsigned status, const struct version *version)
{
    version_members(call_answer(call, status), version);
    return call_answered(call);
}

/* Whether the document is the whole version, or what of it is disclosed. */
static enum err version_whole(const struct version *version, const struct document *document,
                              struct buf *text, bool *ret)
{
    char hash[2 * SHA256_SIZE + 1];
    enum err err = document_print(document, text);
    if (err == OK) {
        struct sha256 digest = sha256_of_bytes(buf_str(text));
        *ret = str_equal(str_from(hex_print(digest.bytes, SHA256_SIZE, hash)), version->hash);
    }
    return err;
}

static enum err version_document_answer(struct call *call, const struct version *version,
                                        const struct document *document)
{
    struct buf text;
    bool whole = false;
    buf_init(&text, 2 * DOCUMENT_SIZE_MAX);
    enum err err = version_whole(version, document, &text, &whole);
    if (err == OK) {
        struct json_out *out = call_answer(call, 200);
        version_members(out, version);
        json_yes_no(out, "whole", whole);
        json_raw(out, "document", buf_str(&text));
        err = call_answered(call);
    }
    buf_done(&text);
    return err;
}

/* The version that the path names, with what is disclosed of it. */
static enum err version_of(struct call *call, const struct schema **ret_schema, struct version *ret,
                           struct document *ret_document)
{
    const struct schema *schema = kind_of(call);
    if (schema == NULL) {
        return ERR_NOT_FOUND;
    }
    if (ret_schema != NULL) {
        *ret_schema = schema;
    }
    return service_version(call->scope, call->api->rooms.service, call->client, kind_name(schema),
                           call_param(call, "hash"), call->mem, ret, ret_document);
}

enum err api_documents_list(struct call *call)
{
    struct json_out *out = call_answer(call, 200);
    json_list(out, "documents");
    for (size_t i = 0; i < schema_count(); i++) {
        struct str kind = kind_name(schema_at(i));
        struct version *list;
        size_t count;
        enum err err = service_versions(call->scope, call->api->rooms.service, call->client, kind,
                                        call->mem, &list, &count);
        if (err != OK) {
            return err;
        }
        json_object(out, NULL);
        json_text(out, "kind", kind);
        json_unsigned(out, "versions", count);
        for (size_t at = 0; at < count; at++) {
            bool effective = list[at].state == VERSION_EFFECTIVE;
            if (at == 0 || effective) {
                json_object(out, effective ? "effective" : "latest");
                version_members(out, &list[at]);
                json_close(out);
            }
            if (effective) {
                break;
            }
        }
        json_close(out);
    }
    json_close(out);
    return call_answered(call);
}

enum err api_document_show(struct call *call)
{
    const struct schema *schema = kind_of(call);
    struct version version;
    struct document document;
    if (schema == NULL) {
        return ERR_NOT_FOUND;
    }
    enum err err = service_effective(call->scope, call->api->rooms.service, call->client,
                                     kind_name(schema), call->mem, &version, &document);
    return err == OK ? version_document_answer(call, &version, &document) : err;
}

enum err api_versions_list(struct call *call)
{
    const struct schema *schema = kind_of(call);
    struct version *list;
    size_t count;
    if (schema == NULL) {
        return ERR_NOT_FOUND;
    }
    enum err err = service_versions(call->scope, call->api->rooms.service, call->client,
                                    kind_name(schema), call->mem, &list, &count);
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 200);
    json_list(out, "versions");
    for (size_t i = 0; i < count; i++) {
        json_object(out, NULL);
        version_members(out, &list[i]);
        json_close(out);
    }
    json_close(out);
    return call_answered(call);
}

enum err api_version_show(struct call *call)
{
    struct version version;
    struct document document;
    enum err err = version_of(call, NULL, &version, &document);
    return err == OK ? version_document_answer(call, &version, &document) : err;
}

static enum err draft_answer(struct call *call, const struct document *document, struct str note,
                             struct wall wanted)
{
    struct version version;
    enum err err = service_draft(call->scope, call->api->rooms.service, call->client, document,
                                 note, wanted, call->now, call->mem, &version, &call->why);
    if (err == OK || err == ERR_EXISTS) {
        return version_answer(call, err == OK ? 201 : 200, &version);
    }
    return err;
}

/* Whether the newest version is still the one that the draft was made from. */
static enum err after_check(struct call *call, struct str kind)
{
    struct version *list;
    size_t count;
    struct str after;
    enum err err = body_text(call, call->body, "after", &after);
    if (err == OK) {
        err = service_versions(call->scope, call->api->rooms.service, call->client, kind, call->mem,
                               &list, &count);
    }
    if (err == OK && after.size > 0 && (count == 0 || !str_equal(list[0].hash, after))) {
        err = call_refuse(call, 409, WORD_API_ERROR_NEWER_VERSION, STR(""), NULL);
        return err == OK ? ERR_CONFLICT : err;
    }
    return err;
}

enum err api_version_draft(struct call *call)
{
    const struct schema *schema = kind_of(call);
    struct document document;
    struct str note;
    struct wall wanted;
    if (schema == NULL) {
        return ERR_NOT_FOUND;
    }
    enum err err = body_text(call, call->body, "note", &note);
    if (err == OK) {
        err = body_time(call, call->body, "wanted", &wanted);
    }
    if (err == OK) {
        err = after_check(call, kind_name(schema));
    }
    if (err == OK) {
        err = document_read_node(schema, yaml_get(call->body, STR("document")), call->mem,
                                 &document, &call->why);
    }
    return err == OK ? draft_answer(call, &document, note, wanted) : err;
}

enum err api_version_sign(struct call *call)
{
    const struct schema *schema = kind_of(call);
    struct version version;
    if (schema == NULL) {
        return ERR_NOT_FOUND;
    }
    enum err err =
        service_sign(call->scope, call->api->rooms.service, call->client, kind_name(schema),
                     call_param(call, "hash"), call->now, call->mem, &version, &call->why);
    return err == OK ? version_answer(call, 200, &version) : err;
}

enum err api_version_withdraw(struct call *call)
{
    const struct schema *schema = kind_of(call);
    if (schema == NULL) {
        return ERR_NOT_FOUND;
    }
    enum err err =
        service_withdraw(call->scope, call->api->rooms.service, call->client, kind_name(schema),
                         call_param(call, "hash"), call->now, &call->why);
    return err == OK ? call_answer_nothing(call) : err;
}

/* ---- What stands in a version. */

/* The version to compare with: the one that `from` names, else the effective one, else none. */
static enum err version_before(struct call *call, struct str kind, struct document *ret,
                               bool *ret_there)
{
    struct service *service = call->api->rooms.service;
    struct version version;
    struct str from;
    enum err err = call_query(call, "from", &from);
    *ret_there = true;
    if (err != OK) {
        return err;
    }
    if (from.size > 0) {
        return service_version(call->scope, service, call->client, kind, from, call->mem, &version,
                               ret);
    }
    err = service_effective(call->scope, service, call->client, kind, call->mem, &version, ret);
    *ret_there = err == OK;
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err difference_answer(struct call *call, const struct document *before,
                                  const struct document *after)
{
    struct document_change *list;
    size_t count;
    enum err err = document_difference(before, after, call->mem, &list, &count);
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 200);
    json_list(out, "changes");
    for (size_t i = 0; i < count; i++) {
        json_object(out, NULL);
        json_text(out, "path", list[i].path);
        json_text(out, "before", list[i].before);
        json_text(out, "after", list[i].after);
        json_close(out);
    }
    json_close(out);
    return call_answered(call);
}

enum err api_version_difference(struct call *call)
{
    const struct schema *schema;
    struct version version;
    struct document document;
    struct document before;
    bool there = false;
    enum err err = version_of(call, &schema, &version, &document);
    if (err == OK) {
        err = version_before(call, kind_name(schema), &before, &there);
    }
    return err == OK ? difference_answer(call, there ? &before : NULL, &document) : err;
}

enum err api_version_completeness(struct call *call)
{
    struct version version;
    struct document document;
    struct document_completeness complete;
    enum err err = version_of(call, NULL, &version, &document);
    if (err == OK) {
        err = document_complete(&document, call->mem, &complete);
    }
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 200);
    json_unsigned(out, "wanted", complete.wanted);
    json_unsigned(out, "there", complete.there);
    json_list(out, "open");
    for (size_t i = 0; i < complete.open_count; i++) {
        json_text(out, NULL, complete.open[i]);
    }
    json_close(out);
    return call_answered(call);
}

/* The list that the query names; ERR_NOT_FOUND if the kind has none of that path. */
static enum err list_of(struct call *call, const struct schema *schema, struct str *ret)
{
    enum err err = call_query(call, "list", ret);
    if (err == OK) {
        const struct schema_element *element = schema_element_find(schema, *ret);
        err = element != NULL && element->type == ELEMENT_LIST ? OK : ERR_NOT_FOUND;
    }
    return err;
}

enum err api_version_csv(struct call *call)
{
    const struct schema *schema;
    struct version version;
    struct document document;
    struct str list;
    enum err err = version_of(call, &schema, &version, &document);
    if (err == OK) {
        err = list_of(call, schema, &list);
    }
    if (err == OK) {
        call_answer_as(call, "text/csv; charset=utf-8");
        err = document_print_csv(&document, list, &call->answer->body);
    }
    return err;
}

/* The version that the path names, and what it becomes with the body's CSV as its list; not OK if
 * the call was refused. */
static enum err csv_apply(struct call *call, struct document *ret_before, struct document *ret)
{
    const struct schema *schema;
    struct version version;
    struct str list;
    struct str type = call->request->type;
    struct buf text;
    bool whole = false;
    if (!str_equal_nocase(str_trim(str_cut(&type, ';')), STR("text/csv"))) {
        enum err refused = call_refuse(call, 415, WORD_API_ERROR_WRONG_TYPE, STR("text/csv"), NULL);
        return refused == OK ? ERR_SYNTAX : refused;
    }
    enum err err = version_of(call, &schema, &version, ret_before);
    if (err == OK) {
        err = list_of(call, schema, &list);
    }
    if (err == OK) {
        buf_init(&text, 2 * DOCUMENT_SIZE_MAX);
        err = version_whole(&version, ret_before, &text, &whole);
        buf_done(&text);
    }
    if (err == OK && !whole) {
        err = call_refuse(call, 409, WORD_API_ERROR_PARTLY_HIDDEN, STR(""), NULL);
        return err == OK ? ERR_CONFLICT : err;
    }
    return err == OK ? document_read_csv(ret_before, list, call->request->body, call->mem, ret,
                                         &call->why)
                     : err;
}

enum err api_version_csv_draft(struct call *call)
{
    struct document before;
    struct document changed;
    struct str note;
    enum err err = call_query(call, "note", &note);
    if (err == OK) {
        err = csv_apply(call, &before, &changed);
    }
    return err == OK ? draft_answer(call, &changed, note, WALL_NONE) : err;
}

enum err api_version_csv_difference(struct call *call)
{
    struct document before;
    struct document changed;
    enum err err = csv_apply(call, &before, &changed);
    return err == OK ? difference_answer(call, &before, &changed) : err;
}

/* ---- Who has read it. */

enum err api_acknowledgements_list(struct call *call)
{
    const struct schema *schema;
    struct version version;
    struct document document;
    struct acknowledgement *list;
    size_t count;
    enum err err = version_of(call, &schema, &version, &document);
    if (err == OK) {
        err = service_acknowledgements(call->scope, call->api->rooms.service, call->client,
                                       kind_name(schema), version.hash, call->mem, &list, &count);
    }
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 200);
    json_list(out, "acknowledgements");
    for (size_t i = 0; i < count; i++) {
        json_object(out, NULL);
        json_text(out, "who", list[i].who);
        json_time(out, "at", list[i].at);
        json_text(out, "note", list[i].note);
        json_close(out);
    }
    json_close(out);
    return call_answered(call);
}

enum err api_version_acknowledge(struct call *call)
{
    const struct schema *schema = kind_of(call);
    struct str note;
    if (schema == NULL) {
        return ERR_NOT_FOUND;
    }
    enum err err = body_text(call, call->body, "note", &note);
    if (err == OK) {
        err = service_acknowledge(call->scope, call->api->rooms.service, call->client,
                                  kind_name(schema), call_param(call, "hash"), note, call->now,
                                  &call->why);
    }
    return err == OK ? call_answer_nothing(call) : err;
}

/* ---- Whole clients. */

enum err api_client_export(struct call *call)
{
    call_answer_as(call, "application/yaml");
    return service_export(call->scope, call->api->rooms.service, call->client_slug,
                          &call->answer->body);
}

enum err api_service_apply_file(struct call *call)
{
    struct apply_result result;
    struct str trust;
    struct str type = call->request->type;
    if (!str_equal_nocase(str_trim(str_cut(&type, ';')), STR("application/yaml"))) {
        return call_refuse(call, 415, WORD_API_ERROR_WRONG_TYPE, STR("application/yaml"), NULL);
    }
    enum err err = call_query(call, "trust", &trust);
    if (err == OK) {
        err = service_apply(call->scope, call->api->rooms.service, call->request->body, trust,
                            call->now, call->mem, &result, &call->why);
    }
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 200);
    json_list(out, "changes");
    for (size_t i = 0; i < result.count; i++) {
        json_object(out, NULL);
        json_text(out, "element", result.changes[i].element);
        json_text(out, "what", result.changes[i].what);
        json_text(out, "version", result.changes[i].version);
        json_close(out);
    }
    json_close(out);
    return call_answered(call);
}
