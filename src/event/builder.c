/*
 * The writer of a batch.  Tables grow apart and are joined by builder_finish.
 *
 * Always true between calls: text, spans and names hold nothing but what finished events and the
 * one begun refer to; `begun` says whether there is one.  builder_abandon restores the marks taken
 * at builder_begin, so a record that parses badly leaves no trace.
 */

#include "event/builder.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "base/map.h"

struct marks {
    size_t text, spans;
};

struct builder {
    struct client_id client;
    struct source_id source;
    struct batch_key key;
    struct buf events; /* table */
    struct buf spans;  /* table */
    struct buf names;  /* area */
    struct buf text;
    struct buf whole; /* what builder_finish gives out */
    struct map name_index;
    struct marks at_begin;
    size_t record_offset, record_size;
    bool begun;
    char event[BATCH_EVENT_SIZE]; /* the event begun */
};

static uint16_t name_intern(struct builder *builder, struct str name);
static size_t size_now(const struct builder *builder);
static bool span_add(struct builder *builder, struct str name, size_t offset, size_t size,
                     enum span_how how);
static void event_clear(struct builder *builder);

struct builder *builder_new(struct client_id client, struct source_id source)
{
    struct builder *builder = calloc(1, sizeof *builder);
    if (builder == NULL) {
        return NULL;
    }
    builder->client = client;
    builder->source = source;
    buf_init(&builder->events, EVENTS_PER_BATCH_MAX * BATCH_EVENT_SIZE);
    buf_init(&builder->spans, BATCH_SIZE_MAX);
    buf_init(&builder->names, BATCH_SIZE_MAX);
    buf_init(&builder->text, BATCH_SIZE_MAX);
    buf_init(&builder->whole, BATCH_SIZE_MAX);
    map_init(&builder->name_index, NAMES_PER_BATCH_MAX, (uint64_t)(uintptr_t)builder);
    return builder;
}

void builder_free(struct builder *builder)
{
    if (builder == NULL) {
        return;
    }
    buf_done(&builder->events);
    buf_done(&builder->spans);
    buf_done(&builder->names);
    buf_done(&builder->text);
    buf_done(&builder->whole);
    map_done(&builder->name_index);
    free(builder);
}

void builder_reset(struct builder *builder)
{
    buf_reset(&builder->events);
    buf_reset(&builder->spans);
    buf_reset(&builder->text);
    builder->key = (struct batch_key){0};
    builder->begun = false;
    /* Names are kept while they are few: the same source has the same fields again. */
    if (builder->name_index.count > 512 || builder->names.size > 16384) {
        uint64_t seed = builder->name_index.seed;
        buf_reset(&builder->names);
        map_done(&builder->name_index);
        map_init(&builder->name_index, NAMES_PER_BATCH_MAX, seed);
    }
}

enum err builder_begin(struct builder *builder, struct str record, struct wall received)
{
    assert(!builder->begun);
    if (record.size > RECORD_SIZE_MAX || builder_events(builder) == EVENTS_PER_BATCH_MAX ||
        size_now(builder) + record.size + BATCH_EVENT_SIZE > BATCH_SIZE_MAX) {
        return ERR_LIMIT;
    }
    builder->at_begin = (struct marks){builder->text.size, builder->spans.size};
    builder->record_offset = builder->text.size;
    builder->record_size = record.size;
    enum err err = buf_append(&builder->text, record);
    if (err != OK) {
        return err;
    }
    builder->begun = true;
    put_u64(builder->event, (uint64_t)received.ns);
    event_clear(builder);
    return OK;
}

struct str builder_record(const struct builder *builder)
{
    assert(builder->begun);
    return str_slice(buf_str(&builder->text), builder->record_offset, builder->record_size);
}

void builder_span(struct builder *builder, struct str name, size_t offset, size_t size,
                  enum span_how how)
{
    assert(builder->begun && offset <= builder->record_size &&
           size <= builder->record_size - offset);
    (void)span_add(builder, name, builder->record_offset + offset, size, how);
}

void builder_derive(struct builder *builder, struct str name, struct str value)
{
    assert(builder->begun);
    size_t offset = builder->text.size;
    if (value.size > RECORD_SIZE_MAX || buf_append(&builder->text, value) != OK ||
        !span_add(builder, name, offset, value.size, SPAN_RAW)) {
        builder->text.size = offset;
        put_u16(builder->event + 36, EVENT_FIELDS_CUT);
    }
}

void builder_happened(struct builder *builder, struct wall happened)
{
    put_u64(builder->event + 8, (uint64_t)happened.ns);
}

void builder_class(struct builder *builder, struct str class)
{
    put_u16(builder->event + 30, name_intern(builder, class));
}

void builder_parser(struct builder *builder, struct str parser)
{
    put_u16(builder->event + 32, name_intern(builder, parser));
}

void builder_error(struct builder *builder, struct str error)
{
    put_u16(builder->event + 34, name_intern(builder, error));
}

enum err builder_end(struct builder *builder)
{
    assert(builder->begun);
    if (size_now(builder) + BATCH_EVENT_SIZE > BATCH_SIZE_MAX) {
        /* Its fields are too many for a batch of its own: keep the record without them. */
        bool alone = builder_events(builder) == 0;
        if (!alone) {
            builder_abandon(builder);
            return ERR_LIMIT;
        }
        builder_unparse(builder);
        put_u16(builder->event + 36, EVENT_FIELDS_CUT);
    }
    put_u32(builder->event + 16, (uint32_t)builder->record_offset);
    put_u32(builder->event + 20, (uint32_t)builder->record_size);
    put_u32(builder->event + 24, (uint32_t)(builder->at_begin.spans / BATCH_SPAN_SIZE));
    put_u16(builder->event + 28,
            (uint16_t)((builder->spans.size - builder->at_begin.spans) / BATCH_SPAN_SIZE));
    enum err err = buf_append(&builder->events, str_of(builder->event, sizeof builder->event));
    if (err != OK) {
        builder_abandon(builder);
        return err;
    }
    builder->begun = false;
    return OK;
}

void builder_abandon(struct builder *builder)
{
    builder->text.size = builder->at_begin.text;
    builder->spans.size = builder->at_begin.spans;
    builder->begun = false;
}

void builder_unparse(struct builder *builder)
{
    assert(builder->begun);
    builder->text.size = builder->record_offset + builder->record_size;
    builder->spans.size = builder->at_begin.spans;
    event_clear(builder);
}

uint32_t builder_events(const struct builder *builder)
{
    return (uint32_t)(builder->events.size / BATCH_EVENT_SIZE);
}

void builder_key(struct builder *builder, const struct batch_key *key)
{
    builder->key = *key;
}

enum err builder_finish(struct builder *builder, struct str *ret)
{
    assert(!builder->begun);
    if (builder_events(builder) == 0) {
        return ERR_NOT_FOUND;
    }
    char header[BATCH_HEADER_SIZE] = "HBT1";
    put_u32(header + 4, (uint32_t)size_now(builder));
    put_u32(header + 8, builder->client.value);
    put_u32(header + 12, builder->source.value);
    put_u32(header + 16, builder_events(builder));
    put_u32(header + 20, (uint32_t)(builder->spans.size / BATCH_SPAN_SIZE));
    put_u32(header + 24, (uint32_t)builder->name_index.count);
    put_u32(header + 28, (uint32_t)builder->names.size);
    put_u32(header + 32, (uint32_t)builder->text.size);
    put_u32(header + 36, builder->key.part);
    memcpy(header + 40, builder->key.hash, sizeof builder->key.hash);
    put_u64(header + 56, builder->key.digest);
    put_u64(header + 64, builder->key.parts);

    buf_reset(&builder->whole);
    const struct str parts[] = {
        str_of(header, sizeof header), buf_str(&builder->events), buf_str(&builder->spans),
        buf_str(&builder->names),      buf_str(&builder->text),
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        enum err err = buf_append(&builder->whole, parts[i]);
        if (err != OK) {
            return err;
        }
    }
    *ret = buf_str(&builder->whole);
    return OK;
}

static uint16_t name_intern(struct builder *builder, struct str name)
{
    uint64_t index;
    if (map_get(&builder->name_index, name, &index)) {
        return (uint16_t)index;
    }
    char size[2];
    index = builder->name_index.count;
    if (name.size > NAME_SIZE_MAX || index >= NAMES_PER_BATCH_MAX ||
        size_now(builder) + name.size + 2 > BATCH_SIZE_MAX) {
        return NAME_NONE;
    }
    size_t names_size = builder->names.size;
    put_u16(size, (uint16_t)name.size);
    if (buf_append(&builder->names, str_of(size, 2)) != OK ||
        buf_append(&builder->names, name) != OK ||
        map_put(&builder->name_index, name, index) != OK) {
        builder->names.size = names_size;
        return NAME_NONE;
    }
    return (uint16_t)index;
}

static size_t size_now(const struct builder *builder)
{
    return BATCH_HEADER_SIZE + builder->events.size + builder->spans.size + builder->names.size +
           builder->text.size;
}

static bool span_add(struct builder *builder, struct str name, size_t offset, size_t size,
                     enum span_how how)
{
    size_t spans = (builder->spans.size - builder->at_begin.spans) / BATCH_SPAN_SIZE;
    uint16_t index = spans < SPANS_PER_EVENT_MAX ? name_intern(builder, name) : NAME_NONE;
    char span[BATCH_SPAN_SIZE] = {0};
    put_u32(span, (uint32_t)offset);
    put_u32(span + 4, (uint32_t)size);
    put_u16(span + 8, index);
    span[10] = (char)how;
    if (index == NAME_NONE || buf_append(&builder->spans, str_of(span, sizeof span)) != OK) {
        put_u16(builder->event + 36, EVENT_FIELDS_CUT);
        return false;
    }
    return true;
}

static void event_clear(struct builder *builder)
{
    put_u64(builder->event + 8, (uint64_t)INT64_MIN);
    memset(builder->event + 16, 0, BATCH_EVENT_SIZE - 16);
    put_u16(builder->event + 30, NAME_NONE);
    put_u16(builder->event + 32, NAME_NONE);
    put_u16(builder->event + 34, NAME_NONE);
}
