/*
 * The writer of a batch.  Tables grow apart and are joined by builder_finish.
 *
 * The text, much the largest part, is the batch's last, so it is not moved for that: its memory has
 * a *head* before it, into which builder_finish puts the tables, so that they end where the text
 * begins.  The head grows with the first batches and then fits those that follow.
 *
 *     area    |  free  | header, events, spans, names | text                |  free  |
 *             |<------------- head ------------------>|<----- text_size --->|
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
#include "event/namebook.h"

#define EVENT_SPANS_SIZE (SPANS_PER_EVENT_MAX * BATCH_SPAN_SIZE)
#define AREA_SIZE_MIN    1024

struct marks {
    size_t text, spans;
};

struct builder {
    struct client_id client;
    struct source_id source;
    struct batch_key key;
    struct buf events; /* table */
    struct buf spans;  /* table */
    struct namebook names;
    char *area;
    size_t area_size, head, text_size;
    struct marks at_begin;
    size_t record_offset, record_size;
    size_t span_distance; /* from a span back to its like of the event before; 0: there is none */
    bool begun;
    char event[BATCH_EVENT_SIZE]; /* the event begun */
};

static enum err text_append(struct builder *builder, struct str bytes);
static enum err area_move(struct builder *builder, size_t head, size_t text_room);
static uint16_t name_intern(struct builder *builder, struct str name);
static uint16_t name_new(struct builder *builder, struct str name);
static size_t size_now(const struct builder *builder);
static void derive(struct builder *builder, uint16_t index, struct str value, enum span_how how);
static bool is_full(const struct builder *builder);
static uint16_t name_guess(const struct builder *builder, struct str name);
static uint16_t known_guess(const struct builder *builder, const struct str *name);
static uint16_t known_new(struct builder *builder, const struct str *name);
static void span_begin(struct builder *builder, size_t offset, size_t size);
static uint64_t *span_end(struct builder *builder, uint16_t index, enum span_how how);
static uint64_t *span_late(struct builder *builder, struct str name, enum span_how how);
static void known_late(struct builder *builder, const struct str *name, enum span_how how);
static void fields_cut(struct builder *builder);
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
    buf_init(&builder->spans, BATCH_SIZE_MAX + EVENT_SPANS_SIZE + BATCH_SPAN_SIZE);
    namebook_init(&builder->names, (uint64_t)(uintptr_t)builder);
    return builder;
}

void builder_free(struct builder *builder)
{
    if (builder == NULL) {
        return;
    }
    buf_done(&builder->events);
    buf_done(&builder->spans);
    namebook_done(&builder->names);
    free(builder->area);
    free(builder);
}

void builder_reset(struct builder *builder)
{
    buf_reset(&builder->events);
    buf_reset(&builder->spans);
    builder->text_size = 0;
    builder->span_distance = 0;
    builder->key = (struct batch_key){0};
    builder->begun = false;
    /* Names are kept while they are few: the same source has the same fields again. */
    if (namebook_count(&builder->names) > 512 || builder->names.area.size > 16384) {
        namebook_reset(&builder->names);
    }
}

/* For all fields of an event and one that is left out, so that none has to ask. */
static enum err spans_room(struct builder *builder)
{
    const size_t size = EVENT_SPANS_SIZE + BATCH_SPAN_SIZE;
    char *room;
    if (builder->spans.capacity - builder->spans.size >= size) {
        return OK;
    }
    enum err err = buf_extend(&builder->spans, size, &room);
    builder->spans.size = builder->at_begin.spans;
    return err;
}

enum err builder_begin(struct builder *builder, struct str record, struct wall received)
{
    assert(!builder->begun);
    if (record.size > RECORD_SIZE_MAX || builder_events(builder) == EVENTS_PER_BATCH_MAX ||
        size_now(builder) + record.size + BATCH_EVENT_SIZE > BATCH_SIZE_MAX) {
        return ERR_LIMIT;
    }
    builder->at_begin = (struct marks){builder->text_size, builder->spans.size};
    builder->record_offset = builder->text_size;
    builder->record_size = record.size;
    enum err err = spans_room(builder);
    if (err == OK) {
        err = text_append(builder, record);
    }
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
    if (builder->record_size == 0) {
        return (struct str){0}; /* perhaps there is no area yet */
    }
    return str_of(builder->area + builder->head + builder->record_offset, builder->record_size);
}

uint64_t *builder_span(struct builder *builder, struct str name, size_t offset, size_t size,
                       enum span_how how)
{
    assert(builder->begun && offset <= builder->record_size &&
           size <= builder->record_size - offset);
    span_begin(builder, builder->record_offset + offset, size);
    uint16_t index = name_guess(builder, name);
    return index != NAME_NONE ? span_end(builder, index, how) : span_late(builder, name, how);
}

void builder_span_known(struct builder *builder, const struct str *name, size_t offset, size_t size,
                        enum span_how how)
{
    assert(builder->begun && offset <= builder->record_size &&
           size <= builder->record_size - offset);
    span_begin(builder, builder->record_offset + offset, size);
    uint16_t index = known_guess(builder, name);
    if (index != NAME_NONE) {
        (void)span_end(builder, index, how);
    } else {
        known_late(builder, name, how);
    }
}

void builder_derive(struct builder *builder, struct str name, struct str value)
{
    builder_derive_as(builder, name, value, SPAN_RAW);
}

void builder_derive_as(struct builder *builder, struct str name, struct str value,
                       enum span_how how)
{
    uint16_t index = name_guess(builder, name);
    derive(builder, index != NAME_NONE ? index : name_new(builder, name), value, how);
}

void builder_derive_known(struct builder *builder, const struct str *name, struct str value,
                          enum span_how how)
{
    uint16_t index = known_guess(builder, name);
    derive(builder, index != NAME_NONE ? index : known_new(builder, name), value, how);
}

/* The events of a source have few derived values, the same ones over and over: each stands once, as
 * long as the bytes are still where the value of that name stood before. */
static void derive(struct builder *builder, uint16_t index, struct str value, enum span_how how)
{
    assert(builder->begun);
    if (index == NAME_NONE) {
        return;
    }
    struct name_entry *entry = namebook_entry(&builder->names, index);
    size_t offset = entry->derived_offset;
    bool stands = value.size > 0 && entry->derived_size == value.size &&
                  offset + value.size <= builder->text_size &&
                  memcmp(builder->area + builder->head + offset, value.data, value.size) == 0;
    if (!stands) {
        offset = builder->text_size;
        if (value.size > RECORD_SIZE_MAX || text_append(builder, value) != OK) {
            fields_cut(builder);
            return;
        }
        entry->derived_offset = (uint32_t)offset;
        entry->derived_size = (uint32_t)value.size;
    }
    span_begin(builder, offset, value.size);
    (void)span_end(builder, index, how);
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
        fields_cut(builder);
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
    builder->span_distance = builder->spans.size - builder->at_begin.spans;
    builder->begun = false;
    return OK;
}

void builder_abandon(struct builder *builder)
{
    builder->text_size = builder->at_begin.text;
    builder->spans.size = builder->at_begin.spans;
    builder->begun = false;
}

void builder_unparse(struct builder *builder)
{
    assert(builder->begun);
    builder->text_size = builder->record_offset + builder->record_size;
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
    put_u32(header + 24, namebook_count(&builder->names));
    put_u32(header + 28, (uint32_t)builder->names.area.size);
    put_u32(header + 32, (uint32_t)builder->text_size);
    put_u32(header + 36, builder->key.part);
    memcpy(header + 40, builder->key.hash, sizeof builder->key.hash);
    put_u64(header + 56, builder->key.digest);
    put_u64(header + 64, builder->key.parts);

    size_t tables = size_now(builder) - builder->text_size;
    if (tables > builder->head) {
        enum err err = area_move(builder, tables + tables / 4, builder->text_size);
        if (err != OK) {
            return err;
        }
    }
    const struct str parts[] = {
        str_of(header, sizeof header),
        buf_str(&builder->events),
        buf_str(&builder->spans),
        buf_str(&builder->names.area),
    };
    char *begin = builder->area + builder->head - tables;
    char *at = begin;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].size > 0) {
            memcpy(at, parts[i].data, parts[i].size);
            at += parts[i].size;
        }
    }
    *ret = str_of(begin, size_now(builder));
    return OK;
}

static enum err text_append(struct builder *builder, struct str bytes)
{
    size_t text_size = builder->text_size + bytes.size;
    if (text_size > BATCH_SIZE_MAX) {
        return ERR_LIMIT;
    }
    if (builder->head + text_size > builder->area_size) {
        size_t room = text_size < BATCH_SIZE_MAX / 2 ? text_size * 2 : BATCH_SIZE_MAX;
        enum err err = area_move(builder, builder->head, room);
        if (err != OK) {
            return err;
        }
    }
    if (bytes.size > 0) {
        memcpy(builder->area + builder->head + builder->text_size, bytes.data, bytes.size);
    }
    builder->text_size = text_size;
    return OK;
}

/* A larger area with the same text in it. */
static enum err area_move(struct builder *builder, size_t head, size_t text_room)
{
    size_t size = head + (text_room > AREA_SIZE_MIN ? text_room : AREA_SIZE_MIN);
    char *area = malloc(size);
    if (area == NULL) {
        return ERR_MEMORY;
    }
    if (builder->text_size > 0) {
        memcpy(area + head, builder->area + builder->head, builder->text_size);
    }
    free(builder->area);
    builder->area = area;
    builder->area_size = size;
    builder->head = head;
    return OK;
}

static uint16_t name_intern(struct builder *builder, struct str name)
{
    size_t slot;
    uint16_t index = namebook_find(&builder->names, name, name_ends(name), &slot);
    if (index != NAME_NONE) {
        return index;
    }
    size_t size = size_now(builder);
    return namebook_add(&builder->names, name, slot,
                        size < BATCH_SIZE_MAX ? BATCH_SIZE_MAX - size : 0);
}

static bool is_full(const struct builder *builder)
{
    return builder->spans.size - builder->at_begin.spans == EVENT_SPANS_SIZE;
}

/* The events of a source have their fields in the same order: what the event before had at this
 * place is the first guess.  NAME_NONE: it had nothing, or there is no room. */
static inline uint16_t index_guess(const struct builder *builder)
{
    if (builder->span_distance == 0 || is_full(builder)) {
        return NAME_NONE;
    }
    size_t like = builder->spans.size - builder->span_distance;
    return get_u16(builder->spans.data + like + 8);
}

static inline uint16_t name_guess(const struct builder *builder, struct str name)
{
    uint16_t index = index_guess(builder);
    bool right = index != NAME_NONE && namebook_is(&builder->names, index, name, name_ends(name));
    return right ? index : NAME_NONE;
}

static inline uint16_t known_guess(const struct builder *builder, const struct str *name)
{
    uint16_t index = index_guess(builder);
    bool right = index != NAME_NONE && namebook_entry(&builder->names, index)->known == name;
    return right ? index : NAME_NONE;
}

/* The name of the event's next field; NAME_NONE if there is no room for it. */
static uint16_t name_new(struct builder *builder, struct str name)
{
    uint16_t index = is_full(builder) ? NAME_NONE : name_intern(builder, name);
    if (index == NAME_NONE) {
        fields_cut(builder);
    }
    return index;
}

static uint16_t known_new(struct builder *builder, const struct str *name)
{
    uint16_t index = name_new(builder, *name);
    if (index != NAME_NONE) {
        namebook_entry(&builder->names, index)->known = name;
    }
    return index;
}

static size_t size_now(const struct builder *builder)
{
    return BATCH_HEADER_SIZE + builder->events.size + builder->spans.size +
           builder->names.area.size + builder->text_size;
}

/* Where the next span's value stands; nothing is said by it before span_end.  There is room, as
 * builder_begin saw to it. */
static inline void span_begin(struct builder *builder, size_t offset, size_t size)
{
    put_u64(builder->spans.data + builder->spans.size, (uint32_t)offset | (uint64_t)size << 32);
}

static inline uint64_t *span_end(struct builder *builder, uint16_t index, enum span_how how)
{
    put_u32(builder->spans.data + builder->spans.size + 8, index | (uint32_t)how << 16);
    builder->spans.size += BATCH_SPAN_SIZE;
    return &namebook_entry(&builder->names, index)->note;
}

/* A span that was begun, whose name the guess was not. */
APART static uint64_t *span_late(struct builder *builder, struct str name, enum span_how how)
{
    uint16_t index = name_new(builder, name);
    return index != NAME_NONE ? span_end(builder, index, how) : NULL;
}

APART static void known_late(struct builder *builder, const struct str *name, enum span_how how)
{
    uint16_t index = known_new(builder, name);
    if (index != NAME_NONE) {
        (void)span_end(builder, index, how);
    }
}

static void fields_cut(struct builder *builder)
{
    put_u16(builder->event + 36, EVENT_FIELDS_CUT);
}

static void event_clear(struct builder *builder)
{
    put_u64(builder->event + 8, (uint64_t)INT64_MIN);
    memset(builder->event + 16, 0, BATCH_EVENT_SIZE - 16);
    put_u16(builder->event + 30, NAME_NONE);
    put_u16(builder->event + 32, NAME_NONE);
    put_u16(builder->event + 34, NAME_NONE);
}
