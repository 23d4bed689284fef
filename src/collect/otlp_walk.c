/*
 * The envelopes around LogRecords, in protobuf and in JSON:
 *
 *     request ─► resourceLogs ─► resource, scopeLogs ─► scope, logRecords ─► a record
 *
 * From protobuf each piece is printed as JSON once; from JSON it is cut out as it stands.  Names in
 * JSON may be in both of protobuf's spellings.
 *
 * Always true: resource and scope are objects, the empty one if they were not sent.  The cost is
 * the body times the levels of the envelope.
 */

#include "codec/json_slice.h"
#include "collect/otlp.h"

/* The field numbers are the same in all three envelopes: what is around, and what is in it. */
#define FIELD_AROUND 1
#define FIELD_INSIDE 2
#define FIELD_OUTER  1 /* of the request: resourceLogs */

struct walk {
    otlp_call *call;
    void *context;
    struct buf resource, scope, record;
};

/* ---- Protobuf. */

static enum err piece_print(const struct protobuf_message *message, struct str bytes,
                            struct buf *out)
{
    buf_reset(out);
    return protobuf_print(message, bytes, out);
}

/* The last field of that number; the empty text without. */
static enum err piece_find(struct str bytes, uint32_t number, struct str *ret)
{
    struct protobuf_field field;
    enum err err;
    *ret = (struct str){0};
    while ((err = protobuf_next(&bytes, &field)) == OK) {
        if (field.number == number && field.wire == PROTOBUF_SIZED) {
            *ret = field.bytes;
        }
    }
    return err == ERR_CLOSED ? OK : err;
}

static enum err record_tell(struct walk *walk, struct str bytes)
{
    enum err err = piece_print(&otlp_record, bytes, &walk->record);
    if (err != OK && err != ERR_LIMIT) {
        return err;
    }
    return walk->call(walk->context, buf_str(&walk->resource), buf_str(&walk->scope),
                      err == OK ? buf_str(&walk->record) : (struct str){0});
}

static enum err scope_walk(struct walk *walk, struct str bytes)
{
    struct protobuf_field field;
    struct str scope;
    enum err err = piece_find(bytes, FIELD_AROUND, &scope);
    if (err == OK) {
        err = piece_print(&otlp_scope, scope, &walk->scope);
    }
    while (err == OK && (err = protobuf_next(&bytes, &field)) == OK) {
        if (field.number == FIELD_INSIDE && field.wire == PROTOBUF_SIZED) {
            err = record_tell(walk, field.bytes);
        }
    }
    return err == ERR_CLOSED ? OK : err;
}

static enum err resource_walk(struct walk *walk, struct str bytes)
{
    struct protobuf_field field;
    struct str resource;
    enum err err = piece_find(bytes, FIELD_AROUND, &resource);
    if (err == OK) {
        err = piece_print(&otlp_resource, resource, &walk->resource);
    }
    while (err == OK && (err = protobuf_next(&bytes, &field)) == OK) {
        if (field.number == FIELD_INSIDE && field.wire == PROTOBUF_SIZED) {
            err = scope_walk(walk, field.bytes);
        }
    }
    return err == ERR_CLOSED ? OK : err;
}

enum err otlp_walk_protobuf(struct str body, size_t size_max, otlp_call *call, void *context)
{
    struct walk walk = {.call = call, .context = context};
    struct protobuf_field field;
    enum err err = OK;
    buf_init(&walk.resource, size_max);
    buf_init(&walk.scope, size_max);
    buf_init(&walk.record, size_max);
    while (err == OK && (err = protobuf_next(&body, &field)) == OK) {
        if (field.number == FIELD_OUTER && field.wire == PROTOBUF_SIZED) {
            err = resource_walk(&walk, field.bytes);
        }
    }
    buf_done(&walk.resource);
    buf_done(&walk.scope);
    buf_done(&walk.record);
    return err == ERR_CLOSED ? OK : err;
}

/* ---- JSON. */

/* The member of an object that goes by one of two names; `otherwise` without. */
static enum err member_find(struct str object, struct str name, struct str other,
                            struct str otherwise, struct str *ret)
{
    struct json_slices slices;
    struct str key;
    struct str value;
    enum err err = json_slices(object, &slices);
    *ret = otherwise;
    while (err == OK && (err = json_slice_next(&slices, &key, &value)) == OK) {
        if ((str_equal(key, name) || str_equal(key, other)) && !str_equal(value, STR("null"))) {
            *ret = value;
        }
    }
    return err == ERR_CLOSED ? OK : err;
}

static enum err records_tell(struct str scope_logs, struct str resource, otlp_call *call,
                             void *context)
{
    struct json_slices slices;
    struct str name;
    struct str value;
    struct str scope;
    struct str records;
    enum err err = member_find(scope_logs, STR("scope"), STR("scope"), STR("{}"), &scope);
    if (err == OK) {
        err = member_find(scope_logs, STR("logRecords"), STR("log_records"), STR("[]"), &records);
    }
    if (err == OK) {
        err = json_slices(records, &slices);
    }
    while (err == OK && (err = json_slice_next(&slices, &name, &value)) == OK) {
        err = call(context, resource, scope, value);
    }
    return err == ERR_CLOSED ? OK : err;
}

static enum err scopes_walk(struct str resource_logs, otlp_call *call, void *context)
{
    struct json_slices slices;
    struct str name;
    struct str value;
    struct str resource;
    struct str scopes;
    enum err err =
        member_find(resource_logs, STR("resource"), STR("resource"), STR("{}"), &resource);
    if (err == OK) {
        err = member_find(resource_logs, STR("scopeLogs"), STR("scope_logs"), STR("[]"), &scopes);
    }
    if (err == OK) {
        err = json_slices(scopes, &slices);
    }
    while (err == OK && (err = json_slice_next(&slices, &name, &value)) == OK) {
        err = records_tell(value, resource, call, context);
    }
    return err == ERR_CLOSED ? OK : err;
}

enum err otlp_walk_json(struct str body, otlp_call *call, void *context)
{
    struct json_slices slices;
    struct str name;
    struct str value;
    struct str resources;
    enum err err =
        member_find(body, STR("resourceLogs"), STR("resource_logs"), STR("[]"), &resources);
    if (err == OK) {
        err = json_slices(resources, &slices);
    }
    while (err == OK && (err = json_slice_next(&slices, &name, &value)) == OK) {
        err = scopes_walk(value, call, context);
    }
    return err == ERR_CLOSED ? OK : err;
}
