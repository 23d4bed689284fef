/*
 * The writer of JSON: commas, quotes and nesting in one place, so that nobody writes a brace by
 * hand.
 *
 * Always true: what json_out_end calls OK is one JSON value (RFC 8259), whatever bytes the texts
 * held; json_print escapes them.
 */

#include "codec/json_out.h"

#include <assert.h>
#include <inttypes.h>

#include "codec/json_text.h"
#include "codec/time.h"

void json_out_begin(struct json_out *out, struct buf *buf)
{
    *out = (struct json_out){.buf = buf};
}

static void append(struct json_out *out, struct str text)
{
    if (out->err == OK) {
        out->err = buf_append(out->buf, text);
    }
}

static void key_print(struct json_out *out, const char *key)
{
    if (out->any[out->depth]) {
        append(out, STR(","));
    }
    out->any[out->depth] = true;
    if (key != NULL && out->err == OK) {
        out->err = json_print(out->buf, str_from(key));
        append(out, STR(":"));
    }
}

static void open(struct json_out *out, const char *key, struct str opens, char closes)
{
    assert(out->depth + 1 < JSON_OUT_DEPTH_MAX);
    key_print(out, key);
    append(out, opens);
    out->depth++;
    out->any[out->depth] = false;
    out->closes[out->depth] = closes;
}

void json_object(struct json_out *out, const char *key)
{
    open(out, key, STR("{"), '}');
}

void json_list(struct json_out *out, const char *key)
{
    open(out, key, STR("["), ']');
}

void json_close(struct json_out *out)
{
    assert(out->depth > 0);
    append(out, str_of(&out->closes[out->depth], 1));
    out->depth--;
}

void json_text(struct json_out *out, const char *key, struct str text)
{
    key_print(out, key);
    if (out->err == OK) {
        out->err = json_print(out->buf, text);
    }
}

void json_number(struct json_out *out, const char *key, int64_t number)
{
    key_print(out, key);
    if (out->err == OK) {
        out->err = buf_print(out->buf, "%" PRId64, number);
    }
}

void json_unsigned(struct json_out *out, const char *key, uint64_t number)
{
    key_print(out, key);
    if (out->err == OK) {
        out->err = buf_print(out->buf, "%" PRIu64, number);
    }
}

void json_yes_no(struct json_out *out, const char *key, bool yes)
{
    key_print(out, key);
    append(out, yes ? STR("true") : STR("false"));
}

void json_null(struct json_out *out, const char *key)
{
    key_print(out, key);
    append(out, STR("null"));
}

void json_time(struct json_out *out, const char *key, struct wall time)
{
    char text[TIME_TEXT_SIZE];
    if (wall_known(time)) {
        json_text(out, key, str_from(time_print(time, text)));
    } else {
        json_null(out, key);
    }
}

void json_raw(struct json_out *out, const char *key, struct str json)
{
    key_print(out, key);
    append(out, json.size > 0 ? json : STR("null"));
}

void json_out_fail(struct json_out *out, enum err err)
{
    out->err = out->err == OK ? err : out->err;
}

enum err json_out_end(struct json_out *out)
{
    assert(out->err != OK || out->depth == 0);
    return out->err;
}
