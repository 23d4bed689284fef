/*
 * Rows into a batch, as front made it: records, spans, derived values and names.
 *
 * Columns are read from front to back, a cursor each; rows that nobody asks for are counted by
 * shape and passed over in one stroke.  What all rows of a shape have in common is made once a
 * batch, by the first of them.  A derived value that a column has twice in a row stands in the text
 * once, as the builder has it.
 *
 * Who asks for records alone gets no spans, derived values and names: most of what there is to do.
 *
 * Always true: `cursors` are those of the beginning of row `cursor_row`, but while a row is made.
 */

#include "archive/block_private.h"

#include <string.h>

#include "base/bytes.h"

#define FAR 64 /* rows; fewer are passed over one by one */

/* What all rows of one shape have in common. */
struct mould {
    char *spans; /* as they stand in the batch, but for where they lie; NULL: not made yet */
    uint16_t class, parser, error;
};

struct batching {
    struct block *block;
    struct arena *mem;
    struct mould *moulds; /* for each shape */
    struct buf events, spans, names, text;
    uint32_t *name_of; /* for each name of the block the batch's, NONE32 if it has none yet */
    uint32_t names_count, spans_count, events_count;
    uint32_t *derived_at, *derived_size; /* for each column: its last derived value */
    uint32_t *starts;                    /* of the values of a row, and where they end */
};

static void cursors_add(struct block *block, const struct block_shape *shape, uint32_t rows)
{
    for (uint32_t i = 0; i < shape->uses_count; i++) {
        block->cursors[shape->uses[i].column] += shape->uses[i].count * rows;
        block->at[shape->uses[i].column] = block->cursors[shape->uses[i].column];
    }
}

static void cursors_move(struct block *block, uint32_t row)
{
    if (row < block->cursor_row) {
        block->cursor_row = 0;
        memset(block->cursors, 0, block->columns_count * sizeof *block->cursors);
        memset(block->at, 0, block->columns_count * sizeof *block->at);
    }
    const int64_t *shapes = block->shape.values;
    if (row == block->cursor_row) {
        return;
    }
    bool far = row - block->cursor_row > FAR;
    for (uint32_t i = block->cursor_row; i < row; i++) {
        if (shapes[i] == SHAPE_WHOLE) {
            continue;
        }
        if (far) {
            block->histogram[shapes[i] - 1]++;
        } else {
            cursors_add(block, &block->shapes[shapes[i] - 1], 1);
        }
    }
    for (uint32_t i = 0; far && i < block->shapes_count; i++) {
        if (block->histogram[i] > 0) {
            cursors_add(block, &block->shapes[i], block->histogram[i]);
            block->histogram[i] = 0;
        }
    }
    block->cursor_row = row;
}

static enum err name_index(struct batching *batching, uint32_t name, uint16_t *ret)
{
    if (name == NONE32) {
        *ret = NAME_NONE;
        return OK;
    }
    if (batching->name_of[name] == NONE32) {
        struct str text = batching->block->names[name];
        char size[2];
        put_u16(size, (uint16_t)text.size);
        enum err err = buf_append(&batching->names, str_of(size, sizeof size));
        err = err == OK ? buf_append(&batching->names, text) : err;
        if (err != OK || batching->names_count == NAMES_PER_BATCH_MAX) {
            return err == OK ? ERR_CORRUPT : err;
        }
        batching->name_of[name] = batching->names_count++;
    }
    *ret = (uint16_t)batching->name_of[name];
    return OK;
}

static inline enum err entry_append(struct batching *batching, uint32_t number)
{
    struct block *block = batching->block;
    const struct column *column = &block->columns[number];
    uint32_t index = block->at[number]++;
    if (column->kind == COLUMN_WORDS) { /* most of them are */
        bool one = column->texts.sizes.count == 1;
        struct str word = texts_at(&column->texts, one ? 0 : (uint32_t)column->which.values[index]);
        return text_put(&batching->text, word.data, word.size);
    }
    return column_append(block, column, index, &batching->text);
}

/* The columns of a shape, the first time that a row has it. */
static enum err shape_load(struct block *block, struct block_shape *shape)
{
    enum err err = OK;
    uint32_t columns = shape->values + (block->records_only ? 0 : shape->derived);
    for (uint32_t i = 0; err == OK && i < columns; i++) {
        err = column_load(block, &block->columns[shape->columns[i]]);
    }
    for (uint32_t i = 0; err == OK && i <= shape->values; i++) {
        uint32_t column = shape->gaps[i].column;
        err = column != NONE32 ? column_load(block, &block->columns[column]) : OK;
    }
    shape->loaded = err == OK;
    return err;
}

static enum err record_make(struct batching *batching, const struct block_shape *shape)
{
    enum err err = OK;
    for (uint32_t i = 0; err == OK && i <= shape->values; i++) {
        const struct block_gap *gap = &shape->gaps[i];
        err = gap->column == NONE32
                  ? text_put(&batching->text, gap->literal.data, gap->literal.size)
                  : entry_append(batching, gap->column);
        batching->starts[2 * i] = (uint32_t)batching->text.size;
        if (err == OK && i < shape->values) {
            err = entry_append(batching, shape->columns[i]);
        }
        batching->starts[2 * i + 1] = (uint32_t)batching->text.size;
    }
    return err;
}

static enum err derived_make(struct batching *batching, const struct block_shape *shape,
                             uint32_t index, uint32_t *ret_at, uint32_t *ret_size)
{
    uint32_t column = shape->columns[shape->values + index];
    size_t from = batching->text.size;
    enum err err = entry_append(batching, column);
    if (err != OK) {
        return err;
    }
    uint32_t size = (uint32_t)(batching->text.size - from);
    if (batching->derived_at[column] != NONE32 && batching->derived_size[column] == size &&
        (size == 0 || memcmp(batching->text.data + batching->derived_at[column],
                             batching->text.data + from, size) == 0)) {
        batching->text.size = from;
    } else {
        batching->derived_at[column] = (uint32_t)from;
        batching->derived_size[column] = size;
    }
    *ret_at = batching->derived_at[column];
    *ret_size = size;
    return OK;
}

/* In the order in which a row names what it has, so that names are numbered as its first row would
 * number them. */
static enum err mould_make(struct batching *batching, const struct block_shape *shape,
                           struct mould *mould)
{
    size_t size = (size_t)shape->spans_count * BATCH_SPAN_SIZE;
    char *to = arena_take(batching->mem, size + 1);
    if (to == NULL) {
        return ERR_MEMORY;
    }
    enum err err = name_index(batching, shape->class, &mould->class);
    err = err == OK ? name_index(batching, shape->parser, &mould->parser) : err;
    err = err == OK ? name_index(batching, shape->error, &mould->error) : err;
    for (uint32_t i = 0; err == OK && i < shape->spans_count; i++) {
        uint16_t name;
        err = name_index(batching, shape->spans[i].name, &name);
        if (err == OK) {
            put_u16(to + i * BATCH_SPAN_SIZE + 8, name);
            to[i * BATCH_SPAN_SIZE + 10] = (char)shape->spans[i].how;
        }
    }
    mould->spans = err == OK ? to : NULL;
    return err;
}

static enum err spans_make(struct batching *batching, const struct block_shape *shape,
                           const struct mould *mould)
{
    char *to;
    size_t size = (size_t)shape->spans_count * BATCH_SPAN_SIZE;
    enum err err = buf_extend(&batching->spans, size, &to);
    if (err != OK || size == 0) {
        return err;
    }
    memcpy(to, mould->spans, size);
    for (uint32_t i = 0; err == OK && i < shape->spans_count; i++, to += BATCH_SPAN_SIZE) {
        const struct shape_span *span = &shape->spans[i];
        uint32_t at = 0;
        uint32_t span_size = 0;
        if (span->derived) {
            err = derived_make(batching, shape, span->from, &at, &span_size);
        } else {
            at = batching->starts[2 * span->from];
            span_size = batching->starts[2 * (span->from + span->count - 1) + 1] - at;
        }
        put_u32(to, at);
        put_u32(to + 4, span_size);
    }
    return err;
}

/* What stands in the batch beside the record's text. */
static enum err fields_make(struct batching *batching, const struct block_shape *shape,
                            struct mould *mould)
{
    enum err err = mould->spans == NULL ? mould_make(batching, shape, mould) : OK;
    return err == OK ? spans_make(batching, shape, mould) : err;
}

static void derived_pass(struct block *block, const struct block_shape *shape)
{
    for (uint32_t i = 0; i < shape->derived; i++) {
        block->at[shape->columns[shape->values + i]]++;
    }
}

static enum err row_make(struct batching *batching, uint32_t row)
{
    static const struct mould plain = {NULL, NAME_NONE, NAME_NONE, NAME_NONE};
    struct block *block = batching->block;
    size_t number = (size_t)block->shape.values[row] - 1;
    struct block_shape *shape = &block->shapes[number];
    const struct mould *mould = block->records_only ? &plain : &batching->moulds[number];
    uint32_t spans = block->records_only ? 0 : shape->spans_count;
    uint32_t from = (uint32_t)batching->text.size;
    char *event;
    cursors_move(block, row);
    enum err err = shape->loaded ? OK : shape_load(block, shape);
    err = err == OK ? record_make(batching, shape) : err;
    uint32_t size = (uint32_t)batching->text.size - from;
    if (block->records_only) {
        derived_pass(block, shape);
    } else if (err == OK) {
        err = fields_make(batching, shape, &batching->moulds[number]);
    }
    err = err == OK ? buf_extend(&batching->events, BATCH_EVENT_SIZE, &event) : err;
    if (err != OK) {
        return err;
    }
    int64_t happened = block->known.values[row] != 0 ? block->happened.values[row] : INT64_MIN;
    memset(event, 0, BATCH_EVENT_SIZE);
    put_u64(event, (uint64_t)block->received.values[row]);
    put_u64(event + 8, (uint64_t)happened);
    put_u32(event + 16, from);
    put_u32(event + 20, size);
    put_u32(event + 24, batching->spans_count);
    put_u16(event + 28, (uint16_t)spans);
    put_u16(event + 30, mould->class);
    put_u16(event + 32, mould->parser);
    put_u16(event + 34, mould->error);
    put_u16(event + 36, (uint16_t)shape->flags);
    for (uint32_t i = 0; i < shape->uses_count; i++) {
        block->cursors[shape->uses[i].column] = block->at[shape->uses[i].column];
    }
    block->cursor_row = row + 1;
    batching->spans_count += spans;
    batching->events_count++;
    return OK;
}

static enum err batch_join(const struct batching *batching, const struct stored_leaf *stored,
                           struct arena *mem, struct batch *ret, struct why *why)
{
    const struct buf *parts[] = {&batching->events, &batching->spans, &batching->names,
                                 &batching->text};
    size_t size = BATCH_HEADER_SIZE;
    for (size_t i = 0; i < 4; i++) {
        size += parts[i]->size;
    }
    char *bytes = size > BATCH_SIZE_MAX ? NULL : arena_take_plain(mem, size);
    if (bytes == NULL) {
        return size > BATCH_SIZE_MAX ? ERR_CORRUPT : ERR_MEMORY;
    }
    memset(bytes, 0, BATCH_HEADER_SIZE);
    memcpy(bytes, "HBT1", 4);
    put_u32(bytes + 4, (uint32_t)size);
    put_u32(bytes + 8, batching->block->client.value);
    put_u32(bytes + 12, stored->leaf.source.value);
    put_u32(bytes + 16, batching->events_count);
    put_u32(bytes + 20, batching->spans_count);
    put_u32(bytes + 24, batching->names_count);
    put_u32(bytes + 28, (uint32_t)batching->names.size);
    put_u32(bytes + 32, (uint32_t)batching->text.size);
    char *at = bytes + BATCH_HEADER_SIZE;
    for (size_t i = 0; i < 4; i++) {
        if (parts[i]->size > 0) {
            memcpy(at, parts[i]->data, parts[i]->size);
            at += parts[i]->size;
        }
    }
    return batch_check(str_of(bytes, size), mem, ret, why);
}

static bool row_asked(const uint8_t *rows, uint32_t row)
{
    return rows == NULL || (rows[row / 8] >> row % 8 & 1) != 0;
}

static enum err batching_new(struct block *block, struct arena *mem, struct batching *ret)
{
    size_t columns = block->columns_count + 1u;
    struct batching made = {
        .block = block,
        .mem = mem,
        .moulds = ARENA_ARRAY(mem, struct mould, block->shapes_count + 1u),
        .name_of = ARENA_ARRAY(mem, uint32_t, block->names_count + 1u),
        .derived_at = ARENA_ARRAY(mem, uint32_t, columns),
        .derived_size = ARENA_ARRAY(mem, uint32_t, columns),
        .starts = ARENA_ARRAY(mem, uint32_t, 2 * (CUT_VALUES_MAX + 1)),
    };
    if (made.moulds == NULL || made.name_of == NULL || made.derived_at == NULL ||
        made.derived_size == NULL || made.starts == NULL) {
        return ERR_MEMORY;
    }
    memset(made.name_of, 0xff, block->names_count * sizeof *made.name_of);
    memset(made.derived_at, 0xff, columns * sizeof *made.derived_at);
    buf_init(&made.events, BATCH_SIZE_MAX);
    buf_init(&made.spans, BATCH_SIZE_MAX);
    buf_init(&made.names, BATCH_SIZE_MAX);
    buf_init(&made.text, BATCH_SIZE_MAX + PATTERN_ROOM); /* a pattern is printed into such room */
    *ret = made;
    return OK;
}

/* As much as the leaf before needed, so that the texts need not move while they grow. */
static enum err text_reserve(struct batching *batching)
{
    char *room;
    size_t size = batching->block->text_size + batching->block->text_size / 8;
    enum err err =
        buf_extend(&batching->text, size < BATCH_SIZE_MAX ? size : BATCH_SIZE_MAX, &room);
    buf_reset(&batching->text);
    return err;
}

static enum err rows_make(struct block *block, const struct stored_leaf *stored,
                          const uint8_t *rows, struct arena *mem, uint32_t *row_of,
                          struct batch *ret, struct why *why)
{
    struct batching batching;
    enum err err = batching_new(block, mem, &batching);
    if (err != OK) {
        return err;
    }
    err = text_reserve(&batching);
    for (uint32_t i = 0; err == OK && i < stored->leaf.events; i++) {
        if (row_asked(rows, stored->leaf.row + i)) {
            row_of[batching.events_count] = i;
            err = row_make(&batching, stored->leaf.row + i);
        }
    }
    if (err == OK && batching.events_count == 0) {
        err = ERR_NOT_FOUND;
    }
    block->text_size = batching.text.size;
    err = err == OK ? batch_join(&batching, stored, mem, ret, why) : err;
    if (err != OK) {
        /* A row was left in its middle. */
        block->cursor_row = NONE32;
    }
    buf_done(&batching.events);
    buf_done(&batching.spans);
    buf_done(&batching.names);
    buf_done(&batching.text);
    return err == ERR_LIMIT ? ERR_CORRUPT : err;
}

/* The events asked for and their spans, with all names and all the text of the batch. */
static enum err whole_pick(const struct batch *whole, const struct stored_leaf *stored,
                           const uint8_t *rows, struct arena *mem, uint32_t *row_of,
                           struct batch *ret, struct why *why)
{
    char *bytes = arena_take(mem, whole->bytes.size);
    if (bytes == NULL) {
        return ERR_MEMORY;
    }
    uint32_t events = 0;
    uint32_t spans = 0;
    char *at = bytes + BATCH_HEADER_SIZE;
    memcpy(bytes, whole->bytes.data, BATCH_HEADER_SIZE);
    for (uint32_t i = 0; i < stored->leaf.events; i++) {
        if (row_asked(rows, stored->leaf.row + i)) {
            memcpy(at, whole->event_table + (size_t)i * BATCH_EVENT_SIZE, BATCH_EVENT_SIZE);
            put_u32(at + 24, spans);
            spans += get_u16(at + 28);
            row_of[events++] = i;
            at += BATCH_EVENT_SIZE;
        }
    }
    for (uint32_t i = 0; i < events; i++) {
        struct event event;
        batch_event(whole, row_of[i], &event);
        memcpy(at, whole->span_table + (size_t)event.span_first * BATCH_SPAN_SIZE,
               (size_t)event.spans * BATCH_SPAN_SIZE);
        at += (size_t)event.spans * BATCH_SPAN_SIZE;
    }
    const char *names = whole->span_table + (size_t)whole->spans * BATCH_SPAN_SIZE;
    size_t rest = (size_t)(whole->bytes.data + whole->bytes.size - names);
    memcpy(at, names, rest);
    size_t size = (size_t)(at - bytes) + rest;
    put_u32(bytes + 4, (uint32_t)size);
    put_u32(bytes + 16, events);
    put_u32(bytes + 20, spans);
    return batch_check(str_of(bytes, size), mem, ret, why);
}

static enum err whole_make(struct block *block, const struct stored_leaf *stored,
                           const uint8_t *rows, struct arena *mem, uint32_t *row_of,
                           struct batch *ret, struct why *why)
{
    struct str plain;
    struct batch whole;
    enum err err = packs_stream(&block->packs, stored->whole, &plain);
    if (err == OK && plain.size != stored->whole_size) {
        err = ERR_CORRUPT;
    }
    err = err == OK ? batch_check(plain, mem, &whole, why) : err;
    if (err == OK &&
        (whole.events != stored->leaf.events || whole.client.value != block->client.value ||
         whole.source.value != stored->leaf.source.value)) {
        err = ERR_CORRUPT;
    }
    return err == OK ? whole_pick(&whole, stored, rows, mem, row_of, ret, why) : err;
}

enum err block_batch(struct block *block, size_t leaf, const uint8_t *rows, struct arena *mem,
                     struct batch *ret, const uint32_t **ret_row_of, struct why *why)
{
    const struct stored_leaf *stored = &block->leaves[leaf];
    uint32_t *row_of = ARENA_ARRAY(mem, uint32_t, stored->leaf.events);
    struct batch batch;
    if (row_of == NULL) {
        return ERR_MEMORY;
    }
    bool asked = false;
    for (uint32_t i = 0; !asked && i < stored->leaf.events; i++) {
        asked = row_asked(rows, stored->leaf.row + i);
    }
    enum err err = asked ? block_rows(block) : ERR_NOT_FOUND;
    if (err == OK) {
        err = stored->whole != NONE32 ? whole_make(block, stored, rows, mem, row_of, &batch, why)
                                      : rows_make(block, stored, rows, mem, row_of, &batch, why);
    }
    packs_rest(&block->packs);
    if (err == ERR_CORRUPT) {
        return why_say(why, err, 0, "a block's columns are not what was written");
    }
    if (err == OK) {
        *ret = batch;
        *ret_row_of = row_of;
    }
    return err;
}
