#pragma once

/*
 * JSON, written a member at a time:
 *
 *     json_out_begin → json_object, json_text …, json_close … → json_out_end
 *
 * The first error stays, everything after it writes nothing, and json_out_end tells it.  `key` is
 * NULL in a list and for the outermost value.  Numbers over 2^53 are for ids alone, which nobody
 * calculates with; times are RFC 3339 in UTC, and null where none is known.
 */

#include "base/buf.h"
#include "base/clock.h"

#define JSON_OUT_DEPTH_MAX 16

struct json_out {
    struct buf *buf;
    enum err err;
    unsigned depth;
    bool any[JSON_OUT_DEPTH_MAX];    /* something stands at this depth already */
    char closes[JSON_OUT_DEPTH_MAX]; /* what ends this depth */
};

/* Keeps buf. */
void json_out_begin(struct json_out *out, struct buf *buf);
void json_object(struct json_out *out, const char *key);
void json_list(struct json_out *out, const char *key);
void json_close(struct json_out *out); /* the innermost object or list */
void json_text(struct json_out *out, const char *key, struct str text);
void json_number(struct json_out *out, const char *key, int64_t number);
void json_unsigned(struct json_out *out, const char *key, uint64_t number);
void json_yes_no(struct json_out *out, const char *key, bool yes);
void json_null(struct json_out *out, const char *key);
void json_time(struct json_out *out, const char *key, struct wall time);
/* What is JSON already. */
void json_raw(struct json_out *out, const char *key, struct str json);
/* Whoever makes a value could not: err is kept as the writer's own, unless it is OK. */
void json_out_fail(struct json_out *out, enum err err);
NODISCARD enum err json_out_end(struct json_out *out);
