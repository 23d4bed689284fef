#pragma once

/*
 * A batch: up to EVENTS_PER_BATCH_MAX events of one source of one client, in one string of bytes
 * that travels from front through the ring into the journal and is what search reads again.
 *
 *     builder (event/builder.h) → bytes → batch_check → batch_event → event_find …
 *
 * The bytes hold each record as it was received.  What the parser found are *spans* over them: a
 * name, an offset, a size, and how to read the value.  Values that no stretch of the record spells
 * out (derived ones) stand behind the records and are spanned alike.
 *
 *     header, 80 bytes                        event, 48 bytes
 *     OFFSET SIZE MEANING                     OFFSET SIZE MEANING
 *          0    4 "HBT1"                           0    8 received, ns since 1970
 *          4    4 size of the whole                8    8 happened, ns; INT64_MIN: not known
 *          8    4 client                          16    4 record: offset in the text
 *         12    4 source                          20    4 record: size
 *         16    4 events                          24    4 first span
 *         20    4 spans                           28    2 spans
 *         24    4 names                           30    2 class: name index, NONE without
 *         28    4 size of all names               32    2 parser: name index, NONE without
 *         32    4 size of the text                34    2 parse error: name index, NONE without
 *         36    4 part (idempotency)              36    2 flags, EVENT_…
 *         40   16 key (idempotency), or zeros     38   10 zeros
 *         56    8 digest of the whole post    span, 12 bytes
 *         64    8 parts of the post                0    4 offset in the text
 *         72    8 zeros                            4    4 size
 *     then events, spans, names (2-byte            8    2 name index
 *     size and bytes, each), the text             10    1 how (enum span_how)
 *                                                 11    1 zero
 *
 * Integers are little-endian.  Batches come from processes that read hostile input, so core treats
 * them as hostile: batch_check proves every offset before anything else looks.
 */

#include <assert.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"
#include "base/why.h"
#include "event/place.h"

#define BATCH_HEADER_SIZE 80
#define BATCH_EVENT_SIZE  48
#define BATCH_SPAN_SIZE   12
#define NAME_NONE         UINT16_MAX

/* Flags of an event. */
#define EVENT_FIELDS_CUT 1u /* It had more fields than SPANS_PER_EVENT_MAX. */

/* How a span's bytes become the value. */
enum span_how {
    SPAN_RAW,         /* as they stand */
    SPAN_JSON_STRING, /* the inside of a JSON string, escapes to be undone */
    SPAN_JSON_SCALAR, /* a JSON number, true or false, as it stands */
    SPAN_JSON_NULL,   /* JSON's null: the field is there and has no value */
    SPAN_HOW_COUNT
};

/* What makes a resend harmless: the sender's key (hashed), which part of the post this batch is, of
 * how many, and a digest of the whole post.  A zero key means that the sender gave none. */
struct batch_key {
    uint8_t hash[16];
    uint64_t digest;
    uint32_t part; /* from 0 */
    uint32_t parts;
};

/* A checked view.  Everything points into the bytes, which must outlive it. */
struct batch {
    struct str bytes;
    struct client_id client;
    struct source_id source;
    uint32_t events;
    uint32_t spans;
    uint32_t names;
    struct batch_key key;
    const char *event_table;
    const char *span_table;
    const struct str *name_table; /* `names` entries, in the arena given to batch_check */
    struct str text;
};

struct span {
    struct str name;
    struct str bytes; /* as they stand; event_value undoes the escapes */
    enum span_how how;
    uint16_t name_index; /* in the batch's name_table */
};

/* One event of a batch; all borrowed from it. */
struct event {
    const struct batch *batch;
    uint32_t index;    /* in the batch */
    struct str record; /* the original bytes */
    struct wall received;
    struct wall happened; /* WALL_NONE if the record does not say */
    struct str class;     /* "category/product/service", any part may be empty; empty: not known */
    struct str parser;
    struct str error; /* why parsing failed; empty if it did not */
    uint32_t flags;
    uint32_t span_first;
    uint32_t spans;
};

/* Checks every count, offset and index of bytes that another process made; ERR_CORRUPT with the
 * reason if one is wrong.  Names are resolved into mem.  Keeps bytes. */
NODISCARD enum err batch_check(struct str bytes, struct arena *mem, struct batch *ret,
                               struct why *why);

/* The events of a checked batch, by index < batch->events. */
void batch_event(const struct batch *batch, uint32_t index, struct event *ret);
/* The record of one and when it was received, for who looks at nothing else. */
static inline struct str batch_record(const struct batch *batch, uint32_t index,
                                      struct wall *ret_received);
/* Its fields, by index < event->spans, in the order the parser found them. */
static inline void event_span(const struct event *event, uint32_t index, struct span *ret);
/* A span's value in readable form: borrowed if it stands so in the text, else made in mem. */
NODISCARD enum err event_value(const struct span *span, struct arena *mem, struct str *ret);
/* The first field of that name (ECS or the vendor's); ERR_NOT_FOUND without one. */
NODISCARD enum err event_find(const struct event *event, struct str name, struct span *ret);
/* The event's own time, or the time of its arrival. */
struct wall event_time(const struct event *event);

bool batch_key_given(const struct batch_key *key);

static inline struct str batch_record(const struct batch *batch, uint32_t index,
                                      struct wall *ret_received)
{
    assert(index < batch->events);
    const char *at = batch->event_table + (size_t)index * BATCH_EVENT_SIZE;
    ret_received->ns = (int64_t)get_u64(at);
    return (struct str){batch->text.data + get_u32(at + 16), get_u32(at + 20)};
}

static inline void event_span(const struct event *event, uint32_t index, struct span *ret)
{
    assert(index < event->spans);
    const struct batch *batch = event->batch;
    const char *at = batch->span_table + ((size_t)event->span_first + index) * BATCH_SPAN_SIZE;
    uint16_t name_index = get_u16(at + 8);
    *ret = (struct span){
        .name = batch->name_table[name_index],
        .bytes = {batch->text.data + get_u32(at), get_u32(at + 4)},
        .how = (enum span_how)at[10],
        .name_index = name_index,
    };
}
