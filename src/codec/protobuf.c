/*
 * The wire format (protobuf.dev, "Encoding"): a message is a row of fields, each a tag (number and
 * wire type, a varint) and a value.
 *
 * A message is printed row by row of its table, and for each row walked once: the cost is its size
 * times the rows, which are a dozen, at each level.  OUR implementation takes the last of several
 * values of a field that is not repeated, messages too, where the standard merges those.
 *
 * Always true: a field lies within its message; nothing is followed deeper than
 * PROTOBUF_NESTING_MAX; groups, which nobody has used since 2010, are ERR_SYNTAX.
 */

#include "codec/protobuf.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "codec/base64.h"
#include "codec/json_text.h"

#define NUMBER_MAX 0x1fffffff

static enum err varint_take(struct str *rest, uint64_t *ret)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 10 && i < rest->size; i++) {
        uint64_t seven = (uint64_t)(rest->data[i] & 0x7f);
        if (i == 9 && seven > 1) {
            return ERR_SYNTAX;
        }
        value |= seven << (7 * i);
        if (((unsigned char)rest->data[i] & 0x80) == 0) {
            *rest = str_slice(*rest, i + 1, rest->size);
            *ret = value;
            return OK;
        }
    }
    return ERR_SYNTAX;
}

enum err protobuf_next(struct str *rest, struct protobuf_field *ret)
{
    struct str at = *rest;
    uint64_t tag;
    if (at.size == 0) {
        return ERR_CLOSED;
    }
    enum err err = varint_take(&at, &tag);
    if (err != OK || tag >> 3 == 0 || tag >> 3 > NUMBER_MAX) {
        return ERR_SYNTAX;
    }
    struct protobuf_field field = {.number = (uint32_t)(tag >> 3),
                                   .wire = (enum protobuf_wire)(tag & 7)};
    size_t size = field.wire == PROTOBUF_64 ? 8 : field.wire == PROTOBUF_32 ? 4 : 0;
    if (field.wire == PROTOBUF_VARINT || field.wire == PROTOBUF_SIZED) {
        err = varint_take(&at, &field.value);
    } else if (size == 0 || at.size < size) {
        err = ERR_SYNTAX;
    } else {
        field.value = size == 8 ? get_u64(at.data) : get_u32(at.data);
        at = str_slice(at, size, at.size);
    }
    if (err == OK && field.wire == PROTOBUF_SIZED) {
        if (field.value > at.size) {
            return ERR_SYNTAX;
        }
        field.bytes = str_slice(at, 0, (size_t)field.value);
        at = str_slice(at, (size_t)field.value, at.size);
    }
    if (err == OK) {
        *rest = at;
        *ret = field;
    }
    return err;
}

/* ---- As JSON. */

static enum err message_print(const struct protobuf_message *message, struct str bytes,
                              unsigned depth, struct buf *out);

static enum err hex_text(struct buf *out, struct str bytes)
{
    enum err err = buf_append_byte(out, '"');
    for (size_t i = 0; i < bytes.size && err == OK; i++) {
        err = buf_print(out, "%02x", (unsigned)(unsigned char)bytes.data[i]);
    }
    return err == OK ? buf_append_byte(out, '"') : err;
}

static enum err base64_text(struct buf *out, struct str bytes)
{
    enum err err = buf_append_byte(out, '"');
    if (err == OK) {
        err = base64_append(out, bytes);
    }
    return err == OK ? buf_append_byte(out, '"') : err;
}

/* The shortest of three forms that reads back as the same number. */
static enum err double_text(struct buf *out, uint64_t bits)
{
    double value;
    char text[40];
    memcpy(&value, &bits, sizeof value);
    if (isnan(value)) {
        return buf_append(out, STR("\"NaN\""));
    }
    if (isinf(value)) {
        return buf_append(out, value > 0 ? STR("\"Infinity\"") : STR("\"-Infinity\""));
    }
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) {
            break;
        }
    }
    return buf_append(out, str_from(text));
}

static bool wire_fits(enum protobuf_type type, enum protobuf_wire wire)
{
    switch (type) {
    case PROTOBUF_BOOL:
    case PROTOBUF_INT64:
    case PROTOBUF_UINT32:
        return wire == PROTOBUF_VARINT;
    case PROTOBUF_FIXED64:
    case PROTOBUF_DOUBLE:
        return wire == PROTOBUF_64;
    case PROTOBUF_FIXED32:
        return wire == PROTOBUF_32;
    default:
        return wire == PROTOBUF_SIZED;
    }
}

static enum err value_print(const struct protobuf_row *row, const struct protobuf_field *field,
                            unsigned depth, struct buf *out)
{
    switch (row->type) {
    case PROTOBUF_TEXT:
        return json_print(out, field->bytes);
    case PROTOBUF_BYTES:
        return base64_text(out, field->bytes);
    case PROTOBUF_HEX:
        return hex_text(out, field->bytes);
    case PROTOBUF_BOOL:
        return buf_append(out, field->value != 0 ? STR("true") : STR("false"));
    case PROTOBUF_INT64:
        return buf_print(out, "\"%lld\"", (long long)field->value);
    case PROTOBUF_UINT32:
    case PROTOBUF_FIXED32:
        return buf_print(out, "%u", (unsigned)field->value);
    case PROTOBUF_FIXED64:
        return buf_print(out, "\"%llu\"", (unsigned long long)field->value);
    case PROTOBUF_DOUBLE:
        return double_text(out, field->value);
    case PROTOBUF_MESSAGE:
        return message_print(row->message, field->bytes, depth + 1, out);
    }
    return ERR_UNSUPPORTED;
}

/* Walks the message; prints each value of a repeated row, remembers the last of another. */
static enum err row_print(const struct protobuf_row *row, struct str bytes, unsigned depth,
                          bool *any, struct buf *out)
{
    struct protobuf_field field;
    struct protobuf_field last = {0};
    bool found = false;
    enum err err;
    while ((err = protobuf_next(&bytes, &field)) == OK) {
        if (field.number != row->number) {
            continue;
        }
        if (!wire_fits(row->type, field.wire)) {
            return ERR_SYNTAX;
        }
        if (!found || row->repeated) {
            err = !found ? buf_print(out, "%s\"%s\":%s", *any ? "," : "", row->name,
                                     row->repeated ? "[" : "")
                         : buf_append_byte(out, ',');
        }
        if (err == OK && row->repeated) {
            err = value_print(row, &field, depth, out);
        }
        if (err != OK) {
            return err;
        }
        found = *any = true;
        last = field;
    }
    if (err != ERR_CLOSED || !found) {
        return err == ERR_CLOSED ? OK : err;
    }
    return row->repeated ? buf_append_byte(out, ']') : value_print(row, &last, depth, out);
}

/* The number of the last field that the table knows; 0 without. */
static uint32_t last_number(const struct protobuf_message *message, struct str bytes)
{
    struct protobuf_field field;
    uint32_t last = 0;
    while (protobuf_next(&bytes, &field) == OK) {
        for (size_t i = 0; i < message->count; i++) {
            last = message->rows[i].number == field.number ? field.number : last;
        }
    }
    return last;
}

static enum err message_print(const struct protobuf_message *message, struct str bytes,
                              unsigned depth, struct buf *out)
{
    bool any = false;
    if (depth > PROTOBUF_NESTING_MAX) {
        return ERR_LIMIT;
    }
    uint32_t only = message->one ? last_number(message, bytes) : 0;
    enum err err = buf_append_byte(out, '{');
    for (size_t i = 0; i < message->count && err == OK; i++) {
        if (only == 0 || message->rows[i].number == only) {
            err = row_print(&message->rows[i], bytes, depth, &any, out);
        }
    }
    return err == OK ? buf_append_byte(out, '}') : err;
}

enum err protobuf_print(const struct protobuf_message *message, struct str bytes, struct buf *out)
{
    return message_print(message, bytes, 1, out);
}
