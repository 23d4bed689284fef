/*
 * JSON objects: every leaf becomes a field under its own dotted name, so ECS documents keep ECS
 * names and others their vendor's.  The event's time is the first of a few well-known names, if it
 * is a time with a zone (or of the binding's zone), or a number of seconds or milliseconds.
 */

#include "codec/json.h"

#include <string.h>

#include "parse/private.h"

struct telling {
    struct found *found;
    struct str text;
    size_t offset; /* of the text in the record */
    size_t time_rank;
    struct str time;
};

/* The best comes first. */
static const struct str time_names[] = {
    STR("@timestamp"),  STR("timestamp"),        STR("time"),      STR("eventTime"),
    STR("TimeCreated"), STR("UtcTime"),          STR("EventTime"), STR("ts"),
    STR("event_time"),  STR("transaction.time"), STR("date"),
};
#define TIME_NAMES (sizeof time_names / sizeof time_names[0])

/* The sizes of those names by their first character: nearly every other name stops here. */
static const uint32_t time_sizes[256] = {
    ['@'] = 1u << 10,
    ['t'] = 1u << 9 | 1u << 4 | 1u << 2 | 1u << 16,
    ['e'] = 1u << 9 | 1u << 10,
    ['T'] = 1u << 11,
    ['U'] = 1u << 7,
    ['E'] = 1u << 9,
    ['d'] = 1u << 4,
};

static void leaf_tell(void *context, struct str path, size_t offset, size_t size,
                      enum json_kind kind);
static void time_note(struct telling *telling, struct str path, struct str value);
static struct wall time_read(const struct telling *telling);

const char *json_object_parse(struct found *found, struct str text)
{
    struct telling telling = {
        .found = found,
        .text = text,
        .offset = (size_t)(text.data - found->record.data),
        .time_rank = TIME_NAMES,
    };
    switch (json_walk(text, leaf_tell, &telling, NULL)) {
    case OK:
        break;
    case ERR_LIMIT:
        return "JSON nested too deep";
    case ERR_MEMORY:
        return "no memory to parse JSON";
    default:
        return "not a JSON object";
    }
    struct wall happened = time_read(&telling);
    if (wall_known(happened)) {
        builder_happened(found->builder, happened);
    }
    return NULL;
}

static void leaf_tell(void *context, struct str path, size_t offset, size_t size,
                      enum json_kind kind)
{
    static const enum span_how how[] = {
        [JSON_STRING] = SPAN_JSON_STRING,
        [JSON_SCALAR] = SPAN_JSON_SCALAR,
        [JSON_NULL] = SPAN_JSON_NULL,
    };
    struct telling *telling = context;
    builder_span(telling->found->builder, path, telling->offset + offset, size, how[kind]);
    if (path.size - 1 < 31 && (time_sizes[(unsigned char)path.data[0]] >> path.size & 1) != 0 &&
        kind != JSON_NULL) {
        time_note(telling, path, str_slice(telling->text, offset, size));
    }
}

static void time_note(struct telling *telling, struct str path, struct str value)
{
    for (size_t rank = 0; rank < telling->time_rank; rank++) {
        if (str_equal(path, time_names[rank])) {
            telling->time_rank = rank;
            telling->time = value;
        }
    }
}

static struct wall time_read(const struct telling *telling)
{
    struct str rest = telling->time;
    struct wall wall = WALL_NONE;
    uint64_t number;
    if (rest.size == 0) {
        return WALL_NONE;
    }
    struct str stamp = rest;
    if ((stamp_iso(&stamp, telling->found->context, &wall) || stamp_clf(&stamp, &wall)) &&
        stamp.size == 0) {
        return wall;
    }
    struct str whole = str_cut(&rest, '.');
    if (str_to_u64(whole, 9000000000000ULL, &number) != OK || number < 100000000ULL) {
        return WALL_NONE;
    }
    if (number >= 100000000000ULL) {
        return (struct wall){(int64_t)number * NS_PER_MS};
    }
    wall.ns = (int64_t)number;
    if (wall.ns > 9000000000LL) {
        return WALL_NONE;
    }
    wall.ns *= NS_PER_SECOND;
    int64_t unit = NS_PER_SECOND / 10;
    for (size_t i = 0; i < rest.size && i < 9 && rest.data[i] >= '0' && rest.data[i] <= '9'; i++) {
        wall.ns += (rest.data[i] - '0') * unit;
        unit /= 10;
    }
    return wall;
}
