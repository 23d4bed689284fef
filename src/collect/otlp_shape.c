/*
 * The messages of OpenTelemetry's logs (opentelemetry-proto 1.x: collector/logs/v1, logs/v1,
 * common/v1, resource/v1) as tables for codec/protobuf.h: what of them is printed, and how.
 *
 * Always true: a table names the fields of one message in the order in which they are printed.
 */

#include "collect/otlp.h"

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

static const struct protobuf_message any_value;
static const struct protobuf_message key_value;

static const struct protobuf_row array_rows[] = {
    {1, PROTOBUF_MESSAGE, "values", &any_value, true},
};
static const struct protobuf_message array_value = {array_rows, COUNT(array_rows), false};

static const struct protobuf_row list_rows[] = {
    {1, PROTOBUF_MESSAGE, "values", &key_value, true},
};
static const struct protobuf_message list_value = {list_rows, COUNT(list_rows), false};

static const struct protobuf_row any_rows[] = {
    {1, PROTOBUF_TEXT, "stringValue", NULL, false},
    {2, PROTOBUF_BOOL, "boolValue", NULL, false},
    {3, PROTOBUF_INT64, "intValue", NULL, false},
    {4, PROTOBUF_DOUBLE, "doubleValue", NULL, false},
    {5, PROTOBUF_MESSAGE, "arrayValue", &array_value, false},
    {6, PROTOBUF_MESSAGE, "kvlistValue", &list_value, false},
    {7, PROTOBUF_BYTES, "bytesValue", NULL, false},
};
static const struct protobuf_message any_value = {any_rows, COUNT(any_rows), true};

static const struct protobuf_row key_rows[] = {
    {1, PROTOBUF_TEXT, "key", NULL, false},
    {2, PROTOBUF_MESSAGE, "value", &any_value, false},
};
static const struct protobuf_message key_value = {key_rows, COUNT(key_rows), false};

static const struct protobuf_row resource_rows[] = {
    {1, PROTOBUF_MESSAGE, "attributes", &key_value, true},
    {2, PROTOBUF_UINT32, "droppedAttributesCount", NULL, false},
};
const struct protobuf_message otlp_resource = {resource_rows, COUNT(resource_rows), false};

static const struct protobuf_row scope_rows[] = {
    {1, PROTOBUF_TEXT, "name", NULL, false},
    {2, PROTOBUF_TEXT, "version", NULL, false},
    {3, PROTOBUF_MESSAGE, "attributes", &key_value, true},
    {4, PROTOBUF_UINT32, "droppedAttributesCount", NULL, false},
};
const struct protobuf_message otlp_scope = {scope_rows, COUNT(scope_rows), false};

static const struct protobuf_row record_rows[] = {
    {1, PROTOBUF_FIXED64, "timeUnixNano", NULL, false},
    {11, PROTOBUF_FIXED64, "observedTimeUnixNano", NULL, false},
    {2, PROTOBUF_UINT32, "severityNumber", NULL, false},
    {3, PROTOBUF_TEXT, "severityText", NULL, false},
    {5, PROTOBUF_MESSAGE, "body", &any_value, false},
    {6, PROTOBUF_MESSAGE, "attributes", &key_value, true},
    {7, PROTOBUF_UINT32, "droppedAttributesCount", NULL, false},
    {8, PROTOBUF_FIXED32, "flags", NULL, false},
    {9, PROTOBUF_HEX, "traceId", NULL, false},
    {10, PROTOBUF_HEX, "spanId", NULL, false},
    {12, PROTOBUF_TEXT, "eventName", NULL, false},
};
const struct protobuf_message otlp_record = {record_rows, COUNT(record_rows), false};
