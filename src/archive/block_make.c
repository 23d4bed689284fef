/*
 * Events into shapes and columns, until the block is full.
 *
 * A record is cut where its spans begin and end: what a span covers is a *value*, what stands
 * between is a *gap*.  Events with the same names in the same order, parser, class, error and flags
 * have one *shape*; of a shape the gaps are nearly always the same in all records, so they are kept
 * once, and a gap becomes a column with the first record in which it differs.  Values go to the
 * column of their name.  A value that the record does not spell out goes to one as well.
 *
 *     {"user": "anna", "port": 22}    gap {"user": "   value anna   gap ", "port":    value 22 gap
 * }
 *
 * Most parsers tell spans in the order of the record, or again a place that they told before (the
 * same value under two names); that is the quick way.  Spans within each other, as a URL and its
 * path, are cut at each of their ends (block_cut.c).
 *
 * A batch that would not come back within its limits is kept whole.
 *
 * Always true: between calls the entries of each column stand in the order of their rows; a gap
 * without a column is the same in all rows of its shape.
 */

#include "archive/block_making.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"

#define SLOTS_MIN 1024

enum err block_maker_new(int level, const uint8_t filter_key[BLOCK_FILTER_KEY_SIZE],
                         struct block_maker **ret)
{
    struct block_maker *maker = calloc(1, sizeof *maker);
    if (maker == NULL) {
        return ERR_MEMORY;
    }
    maker->level = level;
    memcpy(maker->filter_key, filter_key, BLOCK_FILTER_KEY_SIZE);
    maker->zstd = zstd_new(level);
    maker->scratch = arena_new((size_t)1 << 31);
    maker->batch_names = calloc(NAMES_PER_BATCH_MAX, sizeof *maker->batch_names);
    maker->shape_slots_mask = SLOTS_MIN - 1;
    maker->shape_slots = calloc(SLOTS_MIN, sizeof *maker->shape_slots);
    struct buf *bufs[] = {
        &maker->text, &maker->rows,   &maker->leaves,      &maker->names, &maker->name_places,
        &maker->keys, &maker->shapes, &maker->shape_spans, &maker->gaps,  &maker->shape_columns};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) {
        buf_init(bufs[i], BLOCK_PLAIN_MAX);
    }
    map_init(&maker->name_ids, BLOCK_NAMES_MAX, get_u64(filter_key));
    map_init(&maker->column_ids, UINT32_MAX, get_u64(filter_key));
    /* Texts may all be empty: what points at nothing points into memory all the same. */
    struct buf *pointed[] = {&maker->text, &maker->gaps, &maker->shape_columns,
                             &maker->shape_spans};
    bool there = true;
    for (size_t i = 0; i < sizeof pointed / sizeof pointed[0]; i++) {
        there = there && buf_append_byte(pointed[i], 0) == OK;
        buf_reset(pointed[i]);
    }
    if (!there || maker->zstd == NULL || maker->scratch == NULL || maker->batch_names == NULL ||
        maker->shape_slots == NULL) {
        block_maker_free(maker);
        return ERR_MEMORY;
    }
    *ret = maker;
    return OK;
}

void block_maker_free(struct block_maker *maker)
{
    if (maker == NULL) {
        return;
    }
    struct buf *bufs[] = {
        &maker->text, &maker->rows,   &maker->leaves,      &maker->names, &maker->name_places,
        &maker->keys, &maker->shapes, &maker->shape_spans, &maker->gaps,  &maker->shape_columns};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) {
        buf_done(bufs[i]);
    }
    columns_free(maker);
    writing_free(maker->writing);
    free(maker->shape_slots);
    free(maker->batch_names);
    map_done(&maker->name_ids);
    map_done(&maker->column_ids);
    zstd_free(maker->zstd);
    arena_free(maker->scratch);
    free(maker);
}

uint32_t block_events(const struct block_maker *maker)
{
    return (uint32_t)(maker->rows.size / sizeof(struct maker_row));
}

void maker_reset(struct block_maker *maker)
{
    struct buf *bufs[] = {
        &maker->text, &maker->rows,   &maker->leaves,      &maker->names, &maker->name_places,
        &maker->keys, &maker->shapes, &maker->shape_spans, &maker->gaps,  &maker->shape_columns};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) {
        buf_reset(bufs[i]);
    }
    uint64_t seed = maker->name_ids.seed;
    map_done(&maker->name_ids);
    map_done(&maker->column_ids);
    map_init(&maker->name_ids, BLOCK_NAMES_MAX, seed);
    map_init(&maker->column_ids, UINT32_MAX, seed);
    columns_reset(maker);
    maker->taken = 0;
    memset(maker->shape_slots, 0, ((size_t)maker->shape_slots_mask + 1) * sizeof(uint32_t));
    arena_reset(maker->scratch);
}

/* ---- Names. */

static enum err name_number(struct block_maker *maker, struct str name, uint32_t *ret)
{
    uint64_t known;
    if (map_get(&maker->name_ids, name, &known)) {
        *ret = (uint32_t)known;
        return OK;
    }
    uint32_t number = (uint32_t)(maker->name_places.size / sizeof number);
    uint32_t at = (uint32_t)maker->names.size;
    char size[2];
    put_u16(size, (uint16_t)name.size);
    enum err err = map_put(&maker->name_ids, name, number);
    err = err == OK ? buf_append(&maker->name_places, str_of(&at, sizeof at)) : err;
    err = err == OK ? buf_append(&maker->names, str_of(size, sizeof size)) : err;
    err = err == OK ? buf_append(&maker->names, name) : err;
    *ret = number;
    return err;
}

static enum err batch_name(struct block_maker *maker, const struct batch *batch, uint32_t index,
                           uint32_t *ret)
{
    if (index == NAME_NONE) {
        *ret = NONE32;
        return OK;
    }
    if (maker->batch_names[index] == NONE32) {
        enum err err = name_number(maker, batch->name_table[index], &maker->batch_names[index]);
        if (err != OK) {
            return err;
        }
    }
    *ret = maker->batch_names[index];
    return OK;
}

/* ---- Shapes. */

/* Columns for the values and derived of a new shape. */
static enum err shape_columns_make(struct block_maker *maker, struct shape *shape,
                                   const struct cut *cut)
{
    shape->first_column = (uint32_t)(maker->shape_columns.size / sizeof(uint32_t));
    uint32_t count = cut->values_count + cut->derived_count;
    for (uint32_t i = 0; i < count; i++) {
        const struct cut_value *value =
            i < cut->values_count ? &cut->values[i] : &cut->derived[i - cut->values_count];
        uint32_t earlier = 0;
        for (uint32_t k = i; earlier < 3 && k-- > 0;) {
            const struct cut_value *other =
                k < cut->values_count ? &cut->values[k] : &cut->derived[k - cut->values_count];
            earlier += other->name == value->name && other->how == value->how;
            if (i - k > 64) {
                earlier = 3; /* the same column as of many: it costs order, not truth */
            }
        }
        uint32_t column;
        enum err err = column_of(maker, value->name, value->how, earlier, &column);
        err = err == OK ? buf_append(&maker->shape_columns, str_of(&column, sizeof column)) : err;
        if (err != OK) {
            return err;
        }
    }
    return OK;
}

static enum err shape_new(struct block_maker *maker, const struct cut *cut, const char *text,
                          struct str record)
{
    struct shape shape = {
        .key_at = (uint32_t)maker->keys.size,
        .key_size = cut->key_count * (uint32_t)sizeof(uint32_t),
        .class = cut->key[0],
        .parser = cut->key[1],
        .error = cut->key[2],
        .flags = cut->key[3],
        .values = cut->values_count,
        .derived = cut->derived_count,
        .spans = cut->spans_count,
        .ordered = cut->ordered,
        .first_gap = (uint32_t)(maker->gaps.size / sizeof(struct gap)),
        .first_span = (uint32_t)(maker->shape_spans.size / sizeof(struct shape_span)),
    };
    enum err err = buf_append(&maker->keys, str_of(cut->key, shape.key_size));
    err = err == OK ? shape_columns_make(maker, &shape, cut) : err;
    err = err == OK ? buf_append(&maker->shape_spans,
                                 str_of(cut->spans, cut->spans_count * sizeof *cut->spans))
                    : err;
    const char *at = record.data;
    for (uint32_t i = 0; err == OK && i <= cut->values_count; i++) {
        bool last = i == cut->values_count;
        const char *end = last ? record.data + record.size : text + cut->values[i].offset;
        struct gap gap = {(uint32_t)maker->text.size, (uint32_t)(end - at), NONE32};
        err = buf_append(&maker->gaps, str_of(&gap, sizeof gap));
        err = err == OK ? buf_append(&maker->text, str_of(at, gap.size)) : err;
        at = last ? end : end + cut->values[i].size;
    }
    return err == OK ? buf_append(&maker->shapes, str_of(&shape, sizeof shape)) : err;
}

static enum err slots_grow(struct block_maker *maker)
{
    uint32_t count = (maker->shape_slots_mask + 1) * 2;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (slots == NULL) {
        return ERR_MEMORY;
    }
    uint32_t shapes = (uint32_t)(maker->shapes.size / sizeof(struct shape));
    for (uint32_t i = 0; i < shapes; i++) {
        const struct shape *shape = &maker_shapes(maker)[i];
        struct str key = str_of(maker->keys.data + shape->key_at, shape->key_size);
        uint32_t slot = (uint32_t)hash_bytes(key, 0) & (count - 1);
        while (slots[slot] != 0) {
            slot = (slot + 1) & (count - 1);
        }
        slots[slot] = i + 1;
    }
    free(maker->shape_slots);
    maker->shape_slots = slots;
    maker->shape_slots_mask = count - 1;
    return OK;
}

static enum err shape_find(struct block_maker *maker, const struct cut *cut, const char *text,
                           struct str record, uint32_t *ret)
{
    struct str key = str_of(cut->key, cut->key_count * sizeof *cut->key);
    uint32_t slot = (uint32_t)hash_bytes(key, 0) & maker->shape_slots_mask;
    for (; maker->shape_slots[slot] != 0; slot = (slot + 1) & maker->shape_slots_mask) {
        const struct shape *shape = &maker_shapes(maker)[maker->shape_slots[slot] - 1];
        if (str_equal(key, str_of(maker->keys.data + shape->key_at, shape->key_size))) {
            *ret = maker->shape_slots[slot];
            return OK;
        }
    }
    enum err err = shape_new(maker, cut, text, record);
    if (err != OK) {
        return err;
    }
    uint32_t shapes = (uint32_t)(maker->shapes.size / sizeof(struct shape));
    maker->shape_slots[slot] = shapes;
    *ret = shapes;
    return shapes > maker->shape_slots_mask / 2 ? slots_grow(maker) : OK;
}

/* ---- Rows. */

/* A gap that differs for the first time: what was before goes to its column row by row. */
static enum err gap_turn(struct block_maker *maker, uint32_t shape, struct gap *gap, uint32_t row)
{
    enum err err = column_new(maker, NONE32, SPAN_RAW, 0, &gap->column);
    if (err != OK) {
        return err;
    }
    const struct maker_row *rows = maker_rows(maker);
    struct maker_column *column = &maker->columns[gap->column];
    err = buf_append(&column->room.text, str_of(maker->text.data + gap->offset, gap->size));
    for (uint32_t i = 0; err == OK && i < row; i++) {
        if (rows[i].shape == shape) {
            err = entries_add(&column->room.entries, (struct entry){0, gap->size, i});
            column->bytes += gap->size;
        }
    }
    return err;
}

static inline enum err gap_add(struct block_maker *maker, uint32_t shape, struct gap *gap,
                               struct str text, bool roomy, uint32_t row)
{
    if (gap->column == NONE32) {
        if (gap->size == text.size &&
            text_equal(maker->text.data + gap->offset, text.data, text.size)) {
            return OK;
        }
        enum err err = gap_turn(maker, shape, gap, row);
        if (err != OK) {
            return err;
        }
    }
    return column_add(&maker->columns[gap->column], text, roomy, row);
}

static enum err row_add(struct block_maker *maker, uint32_t number, const struct cut *cut,
                        struct str text, struct str record, uint32_t row)
{
    const struct shape *shape = &maker_shapes(maker)[number - 1];
    const uint32_t *columns = maker_shape_columns(maker, shape);
    struct gap *gaps = maker_gaps(maker) + shape->first_gap;
    const char *at = record.data;
    bool roomy =
        record.size > 0 && text.data + text.size - (record.data + record.size) >= BLOCK_SLACK;
    enum err err = OK;
    for (uint32_t i = 0; err == OK && i < cut->values_count; i++) {
        struct str value = str_of(text.data + cut->values[i].offset, cut->values[i].size);
        err = gap_add(maker, number, &gaps[i], str_of(at, (size_t)(value.data - at)), roomy, row);
        err = err == OK ? column_add(&maker->columns[columns[i]], value, roomy, row) : err;
        at = value.data + value.size;
    }
    struct str rest = str_of(at, (size_t)(record.data + record.size - at));
    err = err == OK ? gap_add(maker, number, &gaps[cut->values_count], rest, roomy, row) : err;
    for (uint32_t i = 0; err == OK && i < cut->derived_count; i++) {
        struct str value = str_of(text.data + cut->derived[i].offset, cut->derived[i].size);
        err = column_add(&maker->columns[columns[cut->values_count + i]], value, false, row);
    }
    return err;
}

/* Begins the key of an event: what is not said by its spans. */
static enum err key_begin(struct block_maker *maker, const struct event *event, struct cut *cut)
{
    const char *at = event->batch->event_table + (size_t)event->index * BATCH_EVENT_SIZE;
    enum err err = batch_name(maker, event->batch, get_u16(at + 30), &cut->key[0]);
    err = err == OK ? batch_name(maker, event->batch, get_u16(at + 32), &cut->key[1]) : err;
    err = err == OK ? batch_name(maker, event->batch, get_u16(at + 34), &cut->key[2]) : err;
    cut->key[3] = event->flags;
    cut->key_count = 4;
    return err;
}

static enum err names_resolve(struct block_maker *maker, const struct event *event,
                              uint32_t names[SPANS_PER_EVENT_MAX])
{
    const struct batch *batch = event->batch;
    const char *at = batch->span_table + (size_t)event->span_first * BATCH_SPAN_SIZE;
    for (uint32_t i = 0; i < event->spans; i++, at += BATCH_SPAN_SIZE) {
        uint32_t index = get_u16(at + 8);
        names[i] = maker->batch_names[index];
        if (names[i] == NONE32) {
            enum err err = batch_name(maker, batch, index, &names[i]);
            if (err != OK) {
                return err;
            }
        }
    }
    return OK;
}

/* The shape of an event whose spans must be looked at one by one. */
static enum err event_cut(struct block_maker *maker, const struct event *event, struct cut *cut,
                          uint32_t *ret)
{
    uint32_t names[SPANS_PER_EVENT_MAX];
    enum err err = key_begin(maker, event, cut);
    err = err == OK ? names_resolve(maker, event, names) : err;
    if (err != OK) {
        return err;
    }
    cut_event(event, names, cut);
    return shape_find(maker, cut, event->batch->text.data, event->record, ret);
}

/* Of events with as many spans and equal class, parser, error and flags the last is remembered: the
 * next is most likely of its shape. */
static enum err event_add(struct block_maker *maker, const struct event *event, struct cut *cut,
                          uint32_t row)
{
    const struct batch *batch = event->batch;
    const char *at = batch->event_table + (size_t)event->index * BATCH_EVENT_SIZE;
    uint64_t said = get_u64(at + 30);
    uint64_t kind = (said ^ event->spans) * 0x9e3779b97f4a7c15ULL;
    struct before *before = &maker->before[kind >> (64 - BEFORE_LOG)];
    const struct shape *shape = NULL;
    enum err err = OK;
    if (before->event != NULL && get_u64(before->event + 30) == said &&
        get_u16(before->event + 28) == event->spans) {
        shape = &maker_shapes(maker)[before->shape - 1];
    }
    if (shape == NULL || !shape->ordered ||
        !cut_again(event, batch->span_table + (size_t)get_u32(before->event + 24) * BATCH_SPAN_SIZE,
                   shape, maker_spans(maker, shape), cut)) {
        err = event_cut(maker, event, cut, &before->shape);
    }
    before->event = err == OK ? at : NULL;
    err = err == OK ? row_add(maker, before->shape, cut, batch->text, event->record, row) : err;
    if (err == OK) {
        maker_rows(maker)[row].shape = before->shape;
        maker_shapes(maker)[before->shape - 1].rows++;
    }
    return err;
}

/* What it takes at most to make the batch again: texts outside of records may be told many times.
 */
static uint64_t size_again(const struct batch *batch)
{
    uint64_t size = (uint64_t)(batch->text.data - batch->bytes.data);
    for (uint32_t i = 0; i < batch->events; i++) {
        const char *event = batch->event_table + (size_t)i * BATCH_EVENT_SIZE;
        const char *span = batch->span_table + (size_t)get_u32(event + 24) * BATCH_SPAN_SIZE;
        uint32_t begin = get_u32(event + 16);
        uint32_t end = begin + get_u32(event + 20);
        size += end - begin;
        for (uint32_t k = get_u16(event + 28); k > 0; k--, span += BATCH_SPAN_SIZE) {
            uint32_t offset = get_u32(span);
            uint32_t span_size = get_u32(span + 4);
            bool within = offset >= begin && offset + span_size <= end;
            size += within ? 0 : span_size;
        }
    }
    return size;
}

static enum err leaf_add(struct block_maker *maker, const struct batch *batch, uint64_t first,
                         uint32_t row)
{
    bool whole = size_again(batch) > BATCH_SIZE_MAX;
    struct maker_leaf leaf = {.source = batch->source.value,
                              .events = batch->events,
                              .row = row,
                              .first = first,
                              .whole_at = (uint32_t)maker->text.size,
                              .whole_size = whole ? (uint32_t)batch->bytes.size : 0};
    struct cut *cut = arena_take(maker->scratch, sizeof *cut);
    if (cut == NULL) {
        return ERR_MEMORY;
    }
    enum err err = buf_append(&maker->leaves, str_of(&leaf, sizeof leaf));
    err = err == OK && whole ? buf_append(&maker->text, batch->bytes) : err;
    maker->taken += whole ? batch->bytes.size : batch->text.size;
    memset(maker->before, 0, sizeof maker->before);
    memset(maker->batch_names, 0xff, NAMES_PER_BATCH_MAX * sizeof *maker->batch_names);
    for (uint32_t i = 0; err == OK && i < batch->events; i++) {
        struct event event;
        batch_event(batch, i, &event);
        if (event.record.data == NULL) {
            event.record = STR(""); /* a place to count from */
        }
        struct maker_row made = {SHAPE_WHOLE, event.received.ns, event.happened.ns};
        err = buf_append(&maker->rows, str_of(&made, sizeof made));
        if (err == OK && !whole) {
            err = event_add(maker, &event, cut, row + i);
        }
    }
    return err;
}

enum err block_add(struct block_maker *maker, const struct batch *batch, uint64_t first)
{
    uint32_t row = block_events(maker);
    if (maker->broken) {
        return ERR_MEMORY;
    }
    if (row > 0 && (row + batch->events > BLOCK_EVENTS_MAX ||
                    maker->taken + batch->bytes.size > BLOCK_TEXT_MAX ||
                    maker->name_ids.count + batch->names > BLOCK_NAMES_MAX)) {
        return ERR_AGAIN;
    }
    if (row > 0) {
        size_t leaves = maker->leaves.size / sizeof(struct maker_leaf);
        const struct maker_leaf *last = maker_leaves(maker) + leaves - 1;
        if (maker->client != batch->client.value || first < last->first + last->events) {
            return ERR_CONFLICT;
        }
    }
    maker->client = batch->client.value;
    enum err err = leaf_add(maker, batch, first, row);
    arena_reset(maker->scratch);
    /* A leaf that was half added cannot be taken back: the maker is of no use any more. */
    maker->broken = err != OK;
    return err;
}
