#pragma once

/*
 * Protocol buffers: the wire format, and messages of known shape as JSON.
 *
 *     protobuf_next … (each field of a message)
 *     protobuf_print  (a message as its table says)
 *
 * The JSON is that of protobuf's own mapping (protobuf.dev, "ProtoJSON"), with what OpenTelemetry
 * changes of it: PROTOBUF_HEX for its ids, and enumerations as numbers.  What a table does not name
 * is left out; what is not on the wire is too.
 */

#include "base/buf.h"

enum protobuf_wire { PROTOBUF_VARINT = 0, PROTOBUF_64 = 1, PROTOBUF_SIZED = 2, PROTOBUF_32 = 5 };

struct protobuf_field {
    uint32_t number;
    enum protobuf_wire wire;
    uint64_t value;   /* of all but PROTOBUF_SIZED */
    struct str bytes; /* of PROTOBUF_SIZED */
};
/* Takes the next field off *rest.  ERR_CLOSED at the end; ERR_SYNTAX: this is none. */
NODISCARD enum err protobuf_next(struct str *rest, struct protobuf_field *ret);

enum protobuf_type {
    PROTOBUF_TEXT,
    PROTOBUF_BYTES, /* base64 */
    PROTOBUF_HEX,   /* bytes in hexadecimal */
    PROTOBUF_BOOL,
    PROTOBUF_INT64, /* a varint; in quotes, as all of 64 bits */
    PROTOBUF_UINT32,
    PROTOBUF_FIXED64,
    PROTOBUF_FIXED32,
    PROTOBUF_DOUBLE,
    PROTOBUF_MESSAGE,
};

struct protobuf_message;

struct protobuf_row {
    uint32_t number;
    enum protobuf_type type;
    const char *name;
    const struct protobuf_message *message; /* of PROTOBUF_MESSAGE */
    bool repeated;
};

struct protobuf_message {
    const struct protobuf_row *rows;
    size_t count;
    bool one; /* a oneof: only the last field on the wire counts */
};

#define PROTOBUF_NESTING_MAX 16

/* Appends the message as a JSON object.  ERR_SYNTAX: it is no such message; ERR_LIMIT: it nests
 * deeper than PROTOBUF_NESTING_MAX, or is too long for `out`, which then holds a part of it. */
NODISCARD enum err protobuf_print(const struct protobuf_message *message, struct str bytes,
                                  struct buf *out);
