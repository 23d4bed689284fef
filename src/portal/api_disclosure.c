/*
 * What of a document the provider sees: what the client said of each element, and saying it.
 *
 * Always true: only the client's side is told what was said; a path names what is hidden.
 */

#include "portal/private.h"

enum err api_disclosures_list(struct call *call)
{
    const struct schema *schema = schema_find(call_param(call, "kind"));
    struct disclosed *list;
    size_t count;
    if (schema == NULL) {
        return ERR_NOT_FOUND;
    }
    enum err err = service_disclosures(call->scope, call->api->rooms.service, call->client,
                                       str_from(schema_kind(schema)), call->mem, &list, &count);
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 200);
    json_list(out, "disclosures");
    for (size_t i = 0; i < count; i++) {
        json_object(out, NULL);
        json_text(out, "path", list[i].path);
        json_text(out, "disclosure", str_from(disclosure_text(list[i].disclosure)));
        json_close(out);
    }
    json_close(out);
    return call_answered(call);
}

enum err api_document_disclosure(struct call *call)
{
    const struct schema *schema = schema_find(call_param(call, "kind"));
    struct str path;
    struct str text;
    enum disclosure disclosure;
    if (schema == NULL) {
        return ERR_NOT_FOUND;
    }
    enum err err = body_text(call, call->body, "path", &path);
    if (err == OK) {
        err = body_text(call, call->body, "disclosure", &text);
    }
    if (err == OK && disclosure_parse(text, &disclosure) != OK) {
        return call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE, STR("disclosure"),
                           yaml_get(call->body, STR("disclosure")));
    }
    if (err == OK) {
        err = service_disclose(call->scope, call->api->rooms.service, call->client,
                               str_from(schema_kind(schema)), path, disclosure, call->now,
                               &call->why);
    }
    return err == OK ? call_answer_nothing(call) : err;
}
