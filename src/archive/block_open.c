/*
 * The head of a block, read and proved.
 *
 * After block_open every number that points at something points at something that is there: names,
 * columns, streams, spans among the values of their shape.  What the packs hold is proved when they
 * are unpacked.
 *
 * Always true: leaves follow one another without a gap in the block's rows; a column has as many
 * entries as the shapes that use it have rows; streams are asked for once each, in their order.
 */

#include "archive/block_private.h"

#include <string.h>

#include "base/bytes.h"

#define VALUES_MAX CUT_VALUES_MAX

struct opening {
    struct block *block;
    struct str numbers, texts; /* what is left of the head */
    uint32_t stream;           /* the next one */
};

static enum err take(struct opening *opening, uint64_t max, uint32_t *ret)
{
    return count_take(&opening->numbers, max, ret);
}

static enum err text_take(struct opening *opening, uint32_t size, struct str *ret)
{
    if (size > opening->texts.size) {
        return ERR_CORRUPT;
    }
    *ret = str_slice(opening->texts, 0, size);
    opening->texts = str_slice(opening->texts, size, opening->texts.size);
    return OK;
}

/* How many there are of something that takes at least one byte each. */
static enum err many_take(struct opening *opening, uint32_t *ret)
{
    return take(opening, opening->numbers.size, ret);
}

static enum err leaves_take(struct opening *opening)
{
    struct block *block = opening->block;
    uint32_t count;
    uint64_t next = 0;
    enum err err = take(opening, BLOCK_EVENTS_MAX, &count);
    block->leaves = err == OK ? ARENA_ARRAY(block->mem, struct stored_leaf, count) : NULL;
    if (err != OK || count == 0 || block->leaves == NULL) {
        return err != OK || count == 0 ? ERR_CORRUPT : ERR_MEMORY;
    }
    for (uint32_t i = 0; err == OK && i < count; i++) {
        struct stored_leaf *stored = &block->leaves[i];
        uint64_t more = 0;
        err = take(opening, UINT32_MAX, &stored->leaf.source.value);
        err = err == OK ? varint_take(&opening->numbers, &more) : err;
        err = err == OK ? take(opening, EVENTS_PER_BATCH_MAX, &stored->leaf.events) : err;
        err = err == OK ? take(opening, BATCH_SIZE_MAX, &stored->whole_size) : err;
        if (err != OK || stored->leaf.events == 0 || more > UINT64_MAX / 2 - next ||
            stored->leaf.events > BLOCK_EVENTS_MAX - block->events) {
            return ERR_CORRUPT;
        }
        stored->leaf.first = next + more;
        stored->leaf.row = block->events;
        stored->whole = stored->whole_size > 0 ? opening->stream++ : NONE32;
        next = stored->leaf.first + stored->leaf.events;
        block->events += stored->leaf.events;
    }
    block->leaves_count = count;
    return err;
}

static enum err names_take(struct opening *opening)
{
    struct block *block = opening->block;
    enum err err = many_take(opening, &block->names_count);
    block->names = err == OK ? ARENA_ARRAY(block->mem, struct str, block->names_count + 1u) : NULL;
    if (block->names == NULL || block->names_count > BLOCK_NAMES_MAX) {
        return err == OK && block->names == NULL ? ERR_MEMORY : ERR_CORRUPT;
    }
    for (uint32_t i = 0; err == OK && i < block->names_count; i++) {
        uint32_t size;
        err = take(opening, NAME_SIZE_MAX, &size);
        err = err == OK ? text_take(opening, size, &block->names[i]) : err;
    }
    return err;
}

/* ---- Shapes. */

static enum err span_take(struct opening *opening, const struct block_shape *shape,
                          struct shape_span *span, uint32_t *next, uint32_t *derived)
{
    uint32_t name;
    uint32_t code;
    enum err err = take(opening, UINT16_MAX, &name);
    err = err == OK ? take(opening, SPAN_AT_COUNT << 2, &code) : err;
    if (err != OK || name >= opening->block->names_count || (code & 3) >= SPAN_HOW_COUNT ||
        code >> 2 >= SPAN_AT_COUNT) {
        return ERR_CORRUPT;
    }
    *span = (struct shape_span){.name = (uint16_t)name, .how = (uint8_t)(code & 3), .count = 1};
    switch ((enum span_at)(code >> 2)) {
    case SPAN_AT_NEXT:
        span->from = *next;
        break;
    case SPAN_AT_SAME:
        span->from = *next - 1;
        break;
    case SPAN_AT_DERIVED:
        span->derived = true;
        span->from = (*derived)++;
        return span->from < shape->derived ? OK : ERR_CORRUPT;
    default:
        err = take(opening, VALUES_MAX, &span->from);
        err = err == OK ? take(opening, VALUES_MAX, &span->count) : err;
        break;
    }
    if (err != OK || span->count == 0 || span->from >= shape->values ||
        span->count > shape->values - span->from) {
        return ERR_CORRUPT;
    }
    *next = span->from + span->count;
    return OK;
}

static enum err gaps_take(struct opening *opening, struct block_shape *shape)
{
    enum err err = OK;
    for (uint32_t i = 0; err == OK && i <= shape->values; i++) {
        struct block_gap *gap = &shape->gaps[i];
        uint32_t code;
        err = take(opening, UINT32_MAX, &code);
        if (err == OK && (code & 1) != 0) {
            gap->column = code >> 1;
        } else if (err == OK) {
            gap->column = NONE32;
            err = text_take(opening, code >> 1, &gap->literal);
        }
    }
    return err;
}

static enum err name_take(struct opening *opening, uint32_t *ret)
{
    uint32_t code;
    enum err err = take(opening, opening->block->names_count, &code);
    if (err == OK) {
        *ret = code - 1; /* 0: NONE32 */
    }
    return err;
}

static enum err shape_take(struct opening *opening, struct block_shape *shape)
{
    struct arena *mem = opening->block->mem;
    enum err err = name_take(opening, &shape->class);
    err = err == OK ? name_take(opening, &shape->parser) : err;
    err = err == OK ? name_take(opening, &shape->error) : err;
    err = err == OK ? take(opening, UINT16_MAX, &shape->flags) : err;
    err = err == OK ? take(opening, BLOCK_EVENTS_MAX, &shape->rows) : err;
    err = err == OK ? take(opening, VALUES_MAX, &shape->values) : err;
    err = err == OK ? take(opening, SPANS_PER_EVENT_MAX, &shape->derived) : err;
    err = err == OK ? take(opening, SPANS_PER_EVENT_MAX, &shape->spans_count) : err;
    if (err != OK ||
        (uint64_t)shape->values + shape->derived + shape->spans_count > opening->numbers.size) {
        return ERR_CORRUPT;
    }
    shape->columns = ARENA_ARRAY(mem, uint32_t, (size_t)shape->values + shape->derived + 1);
    shape->gaps = ARENA_ARRAY(mem, struct block_gap, (size_t)shape->values + 1);
    shape->spans = ARENA_ARRAY(mem, struct shape_span, (size_t)shape->spans_count + 1);
    if (shape->columns == NULL || shape->gaps == NULL || shape->spans == NULL) {
        return ERR_MEMORY;
    }
    for (uint32_t i = 0; err == OK && i < shape->values + shape->derived; i++) {
        err = take(opening, UINT32_MAX, &shape->columns[i]);
    }
    err = err == OK ? gaps_take(opening, shape) : err;
    uint32_t next = 0;
    uint32_t derived = 0;
    for (uint32_t i = 0; err == OK && i < shape->spans_count; i++) {
        err = span_take(opening, shape, &shape->spans[i], &next, &derived);
    }
    return err;
}

static enum err shapes_take(struct opening *opening)
{
    struct block *block = opening->block;
    enum err err = many_take(opening, &block->shapes_count);
    if (err != OK || block->shapes_count > BLOCK_EVENTS_MAX) {
        return ERR_CORRUPT;
    }
    block->shapes = ARENA_ARRAY(block->mem, struct block_shape, block->shapes_count + 1u);
    if (block->shapes == NULL) {
        return ERR_MEMORY;
    }
    for (uint32_t i = 0; err == OK && i < block->shapes_count; i++) {
        err = shape_take(opening, &block->shapes[i]);
    }
    return err;
}

/* ---- Columns. */

static enum err use_add(const struct block *block, struct block_shape *shape, uint32_t column,
                        uint32_t *seen)
{
    if (column >= block->columns_count) {
        return ERR_CORRUPT;
    }
    if (seen[column] == NONE32) {
        seen[column] = shape->uses_count;
        shape->uses[shape->uses_count++] = (struct column_use){column, 0};
    }
    shape->uses[seen[column]].count++;
    return OK;
}

/* Which columns a shape uses, how often in each record; so many more entries these columns have. */
static enum err shape_count(struct block *block, struct block_shape *shape, uint32_t *seen)
{
    uint32_t plain = shape->values + shape->derived;
    shape->uses = ARENA_ARRAY(block->mem, struct column_use, (size_t)plain + shape->values + 1);
    if (shape->uses == NULL) {
        return ERR_MEMORY;
    }
    enum err err = OK;
    for (uint32_t i = 0; err == OK && i < plain; i++) {
        err = use_add(block, shape, shape->columns[i], seen);
    }
    for (uint32_t i = 0; err == OK && i <= shape->values; i++) {
        if (shape->gaps[i].column != NONE32) {
            err = use_add(block, shape, shape->gaps[i].column, seen);
        }
    }
    for (uint32_t i = 0; i < shape->uses_count; i++) {
        struct column *column = &block->columns[shape->uses[i].column];
        uint64_t more = (uint64_t)shape->uses[i].count * shape->rows;
        seen[shape->uses[i].column] = NONE32;
        if (more > UINT32_MAX / 4 - column->count) {
            return ERR_CORRUPT;
        }
        column->count += (uint32_t)more;
    }
    return err;
}

static enum err columns_take(struct opening *opening)
{
    struct block *block = opening->block;
    enum err err = ints_take(&opening->numbers, &opening->stream, block->events, &block->shape);
    err = err == OK
              ? ints_take(&opening->numbers, &opening->stream, block->events, &block->received)
              : err;
    err = err == OK ? ints_take(&opening->numbers, &opening->stream, block->events, &block->known)
                    : err;
    err = err == OK
              ? ints_take(&opening->numbers, &opening->stream, block->events, &block->happened)
              : err;
    err = err == OK ? many_take(opening, &block->columns_count) : err;
    if (err != OK) {
        return err;
    }
    size_t count = block->columns_count;
    block->columns = ARENA_ARRAY(block->mem, struct column, count + 1);
    block->cursors = ARENA_ARRAY(block->mem, uint32_t, count + 1);
    block->at = ARENA_ARRAY(block->mem, uint32_t, count + 1);
    block->histogram = ARENA_ARRAY(block->mem, uint32_t, block->shapes_count + 1u);
    if (block->columns == NULL || block->cursors == NULL || block->at == NULL ||
        block->histogram == NULL) {
        return ERR_MEMORY;
    }
    memset(block->at, 0xff, count * sizeof *block->at);
    for (uint32_t i = 0; err == OK && i < block->shapes_count; i++) {
        err = shape_count(block, &block->shapes[i], block->at);
    }
    memset(block->at, 0, count * sizeof *block->at);
    for (uint32_t i = 0; err == OK && i < count; i++) {
        struct column *column = &block->columns[i];
        uint32_t name = NONE32;
        uint32_t how = 0;
        err = name_take(opening, &name);
        err = err == OK ? take(opening, SPAN_HOW_COUNT - 1, &how) : err;
        err = err == OK ? column_take(&opening->numbers, &opening->stream, column->count, i, false,
                                      block->mem, column)
                        : err;
        column->name = name;
        column->how = how;
    }
    return err;
}

static enum err edges_take(struct opening *opening)
{
    struct edges *edges = &opening->block->edges;
    uint32_t wide;
    enum err err = varint_take(&opening->numbers, &edges->left);
    err = err == OK ? varint_take(&opening->numbers, &edges->right) : err;
    err = err == OK ? take(opening, 1, &wide) : err;
    if (err == OK) {
        edges->wide = wide != 0;
    }
    return err;
}

/* ---- The whole. */

static enum err head_unpack(struct str data, struct arena *mem, struct str *ret_head,
                            struct str *ret_packs)
{
    if (data.size < BLOCK_HEADER_SIZE || memcmp(data.data, BLOCK_MAGIC, 8) != 0 ||
        get_u16(data.data + 8) != BLOCK_VERSION || get_u16(data.data + 10) != 0) {
        return ERR_CORRUPT;
    }
    uint32_t packed = get_u32(data.data + 16);
    uint32_t plain = get_u32(data.data + 20);
    size_t rest = data.size - BLOCK_HEADER_SIZE;
    if (packed > rest || get_u64(data.data + 24) != rest - packed || plain > 2 * BLOCK_HEAD_MAX ||
        get_u64(data.data + 32) != block_hash(data)) {
        return ERR_CORRUPT;
    }
    struct zstd *zstd = zstd_new(1);
    char *to = zstd == NULL ? NULL : arena_take(mem, plain + (size_t)BLOCK_SLACK);
    enum err err = to == NULL ? ERR_MEMORY : OK;
    err =
        err == OK ? zstd_unpack(zstd, str_slice(data, BLOCK_HEADER_SIZE, packed), to, plain) : err;
    zstd_free(zstd);
    *ret_head = str_of(to, plain);
    *ret_packs = str_slice(data, BLOCK_HEADER_SIZE + packed, data.size);
    return err;
}

enum err block_open(struct str data, struct arena *mem, struct block **ret, struct why *why)
{
    struct block *block = ARENA_ONE(mem, struct block);
    struct str head;
    struct str packs;
    uint32_t numbers;
    if (block == NULL) {
        return ERR_MEMORY;
    }
    block->mem = mem;
    enum err err = head_unpack(data, mem, &head, &packs);
    err = err == OK ? count_take(&head, head.size, &numbers) : err;
    if (err == OK && numbers > head.size) {
        err = ERR_CORRUPT;
    }
    if (err == OK) {
        struct opening opening = {.block = block,
                                  .numbers = str_slice(head, 0, numbers),
                                  .texts = str_slice(head, numbers, head.size)};
        block->client.value = get_u32(data.data + 12);
        err = leaves_take(&opening);
        err = err == OK ? names_take(&opening) : err;
        err = err == OK ? shapes_take(&opening) : err;
        err = err == OK ? columns_take(&opening) : err;
        err = err == OK ? edges_take(&opening) : err;
        err = err == OK ? packs_open(&opening.numbers, packs, mem, &block->packs) : err;
        if (err == OK && (opening.stream != block->packs.count || opening.numbers.size != 0)) {
            err = ERR_CORRUPT;
        }
    }
    if (err == ERR_CORRUPT) {
        return why_say(why, err, 0, "a block's head is not what was written");
    }
    if (err == OK) {
        *ret = block;
    }
    return err;
}

void block_records_only(struct block *block)
{
    block->records_only = true;
}

enum err block_prove(struct block *block, struct why *why)
{
    enum err err = OK;
    for (uint32_t i = 0; err == OK && i < block->columns_count; i++) {
        err = column_load(block, &block->columns[i]);
    }
    packs_rest(&block->packs);
    return err == ERR_CORRUPT ? why_say(why, err, 0, "a block's columns are not what was written")
                              : err;
}

size_t block_leaves(const struct block *block)
{
    return block->leaves_count;
}

void block_leaf(const struct block *block, size_t index, struct block_leaf *ret)
{
    *ret = block->leaves[index].leaf;
}

enum err block_rows(struct block *block)
{
    const int64_t *shape;
    const int64_t *other;
    if (block->rows_proved) {
        return OK;
    }
    enum err err = ints_read(&block->packs, &block->shape, &shape);
    err = err == OK ? ints_read(&block->packs, &block->received, &other) : err;
    err = err == OK ? ints_read(&block->packs, &block->known, &other) : err;
    err = err == OK ? ints_read(&block->packs, &block->happened, &other) : err;
    if (err != OK) {
        return err;
    }
    for (size_t i = 0; i < block->leaves_count; i++) {
        const struct stored_leaf *stored = &block->leaves[i];
        for (uint32_t k = 0; k < stored->leaf.events; k++) {
            int64_t number = shape[stored->leaf.row + k];
            bool whole = number == SHAPE_WHOLE;
            if (whole != (stored->whole != NONE32) || number < 0 || number > block->shapes_count) {
                err = ERR_CORRUPT;
            } else if (!whole) {
                block->histogram[number - 1]++;
            }
        }
    }
    for (uint32_t i = 0; i < block->shapes_count; i++) {
        err = block->histogram[i] == block->shapes[i].rows ? err : ERR_CORRUPT;
        block->histogram[i] = 0;
    }
    block->rows_proved = err == OK;
    return err;
}
