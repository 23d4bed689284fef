/*
 * A full maker as a block: the head, and the packs of all columns behind it.
 *
 *     header, 40 bytes                           head (packed)
 *     OFFSET SIZE MEANING                        numbers, seven bits a byte, in this order:
 *          0    8 "HINOMIbk"                         leaves, names, shapes with gaps and spans,
 *          8    2 version                            the columns of rows (shape, times),
 *         10    2 zero                               the columns of values, the directory of packs
 *         12    4 client                         then texts: names, gaps
 *         16    4 size of the head, packed
 *         20    4 size of the head              packs
 *         24    8 size of the packs
 *         32    8 hash of all other bytes
 *
 * Columns have their number, the rank, by the length of their texts, the shortest first: a long
 * text may say again what short ones say, and never the other way round.
 */

#include "archive/block_making.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"

#define CODER_ROOM ((size_t)16 * 1024 * 1024) /* A column of texts with their holes. */

struct writing {
    struct block_maker *maker;
    struct coder coder;
    struct buf texts; /* of the head */
    struct buf names; /* hashes of fields whose values the filter does not know */
    struct buf packs;
    uint32_t which_room;
    uint32_t *by_rank;
};

static enum err put(struct writing *writing, uint64_t value)
{
    return varint_put(&writing->coder.sink.head, value);
}

static enum err leaves_put(struct writing *writing)
{
    const struct block_maker *maker = writing->maker;
    struct sink *sink = &writing->coder.sink;
    size_t count = maker->leaves.size / sizeof(struct maker_leaf);
    enum err err = put(writing, count);
    uint64_t next = 0;
    for (size_t i = 0; err == OK && i < count; i++) {
        const struct maker_leaf *leaf = &maker_leaves(maker)[i];
        err = put(writing, leaf->source);
        err = err == OK ? put(writing, leaf->first - next) : err;
        err = err == OK ? put(writing, leaf->events) : err;
        err = err == OK ? put(writing, leaf->whole_size) : err;
        next = leaf->first + leaf->events;
        if (err == OK && leaf->whole_size > 0) {
            size_t from = sink->plain.size;
            err = buf_append(&sink->plain,
                             str_of(maker->text.data + leaf->whole_at, leaf->whole_size));
            err = err == OK ? sink_stream(sink, from) : err;
        }
    }
    return err;
}

static enum err names_put(struct writing *writing)
{
    struct str names = buf_str(&writing->maker->names);
    enum err err = put(writing, writing->maker->name_ids.count);
    while (err == OK && names.size > 0) {
        size_t size = get_u16(names.data);
        err = put(writing, size);
        err = err == OK ? buf_append(&writing->texts, str_slice(names, 2, size)) : err;
        names = str_slice(names, 2 + size, names.size);
    }
    return err;
}

/* A span's name, then how and where: the next value, the same value again, the next derived one, or
 * said in full. */
static enum err spans_put(struct writing *writing, const struct shape *shape)
{
    const struct shape_span *spans = maker_spans(writing->maker, shape);
    uint32_t next = 0;
    uint32_t derived = 0;
    enum err err = OK;
    for (uint32_t i = 0; err == OK && i < shape->spans; i++) {
        const struct shape_span *span = &spans[i];
        unsigned place = SPAN_AT_ANY;
        if (span->derived) {
            place = SPAN_AT_DERIVED;
            derived++;
        } else if (span->count == 1 && span->from == next) {
            place = SPAN_AT_NEXT;
        } else if (span->count == 1 && span->from + 1 == next) {
            place = SPAN_AT_SAME;
        }
        next = span->derived ? next : span->from + span->count;
        err = put(writing, span->name);
        err = err == OK ? put(writing, (uint64_t)span->how | place << 2) : err;
        if (err == OK && place == SPAN_AT_ANY) {
            err = put(writing, span->from);
            err = err == OK ? put(writing, span->count) : err;
        }
    }
    return err;
}

static enum err gaps_put(struct writing *writing, const struct shape *shape)
{
    const struct block_maker *maker = writing->maker;
    enum err err = OK;
    for (uint32_t i = 0; err == OK && i <= shape->values; i++) {
        const struct gap *gap = &maker_gaps(maker)[shape->first_gap + i];
        if (gap->column == NONE32) {
            err = put(writing, (uint64_t)gap->size << 1);
            err = err == OK ? buf_append(&writing->texts,
                                         str_of(maker->text.data + gap->offset, gap->size))
                            : err;
        } else {
            err = put(writing, (uint64_t)maker->columns[gap->column].rank << 1 | 1);
        }
    }
    return err;
}

static enum err shapes_put(struct writing *writing)
{
    const struct block_maker *maker = writing->maker;
    size_t count = maker->shapes.size / sizeof(struct shape);
    enum err err = put(writing, count);
    for (size_t i = 0; err == OK && i < count; i++) {
        const struct shape *shape = &maker_shapes(maker)[i];
        const uint32_t numbers[] = {shape->class + 1, shape->parser + 1, shape->error + 1,
                                    shape->flags,     shape->rows,       shape->values,
                                    shape->derived,   shape->spans};
        for (size_t k = 0; err == OK && k < sizeof numbers / sizeof numbers[0]; k++) {
            err = put(writing, numbers[k]);
        }
        const uint32_t *columns = maker_shape_columns(maker, shape);
        for (uint32_t k = 0; err == OK && k < shape->values + shape->derived; k++) {
            err = put(writing, maker->columns[columns[k]].rank);
        }
        err = err == OK ? gaps_put(writing, shape) : err;
        err = err == OK ? spans_put(writing, shape) : err;
    }
    return err;
}

/* Shapes and times: of happened first whether it is known; where it is not, arrival stands for it.
 * Both times are told one from the other: they are close. */
static enum err rows_put(struct writing *writing)
{
    const struct block_maker *maker = writing->maker;
    struct sink *sink = &writing->coder.sink;
    uint32_t count = block_events(maker);
    const struct maker_row *rows = maker_rows(maker);
    int64_t *values = ARENA_ARRAY_PLAIN(maker->scratch, int64_t, count);
    if (values == NULL) {
        return ERR_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++) {
        values[i] = rows[i].shape;
    }
    enum err err = ints_encode(sink, values, count);
    for (uint32_t i = 0; i < count; i++) {
        values[i] = rows[i].received;
    }
    err = err == OK ? ints_encode(sink, values, count) : err;
    for (uint32_t i = 0; i < count; i++) {
        values[i] = rows[i].happened != INT64_MIN;
    }
    err = err == OK ? ints_encode(sink, values, count) : err;
    for (uint32_t i = 0; i < count; i++) {
        values[i] = rows[i].happened == INT64_MIN ? rows[i].received : rows[i].happened;
    }
    return err == OK ? ints_encode(sink, values, count) : err;
}

/* ---- Columns. */

struct ranked {
    uint64_t size; /* of its texts, on average, in sixteenths */
    uint32_t column;
};

static int ranked_order(const void *one, const void *other)
{
    const struct ranked *a = one;
    const struct ranked *b = other;
    if (a->size != b->size) {
        return a->size < b->size ? -1 : 1;
    }
    return a->column < b->column ? -1 : a->column > b->column;
}

static enum err columns_rank(struct writing *writing)
{
    struct block_maker *maker = writing->maker;
    struct ranked *list = ARENA_ARRAY(maker->scratch, struct ranked, maker->columns_count + 1u);
    writing->by_rank = ARENA_ARRAY(maker->scratch, uint32_t, maker->columns_count + 1u);
    if (list == NULL || writing->by_rank == NULL) {
        return ERR_MEMORY;
    }
    for (uint32_t i = 0; i < maker->columns_count; i++) {
        const struct maker_column *column = &maker->columns[i];
        list[i] = (struct ranked){column->bytes * 16 / (column->room.entries.count + 1u), i};
    }
    qsort(list, maker->columns_count, sizeof *list, ranked_order);
    for (uint32_t i = 0; i < maker->columns_count; i++) {
        writing->by_rank[i] = list[i].column;
        maker->columns[list[i].column].rank = i;
    }
    return OK;
}

static enum err columns_put(struct writing *writing)
{
    struct block_maker *maker = writing->maker;
    struct coder *coder = &writing->coder;
    coder->by_rank = writing->by_rank;
    enum err err = put(writing, maker->columns_count);
    for (uint32_t rank = 0; err == OK && rank < maker->columns_count; rank++) {
        struct maker_column *column = &maker->columns[writing->by_rank[rank]];
        const struct texts_view view = {column->room.text.data, column->room.entries.list,
                                        column->room.entries.count};
        coder->rank = rank;
        coder->bytes = column->bytes;
        coder->field = column->name != NONE32;
        err = put(writing, column->name + 1u);
        err = err == OK ? put(writing, column->how) : err;
        err = err == OK ? column_encode(coder, &view, false) : err;
        column->told = coder->told;
        column->ended = coder->ended;
        column->ends = coder->ends;
        arena_reset(coder->mem);
        arena_reset(coder->filter.scratch);
    }
    return err;
}

/* What meets at edges; of the rest the filter keeps nothing that a reader of rows needs. */
static enum err edges_put(struct writing *writing)
{
    const struct edges *edges = &writing->coder.filter.edges;
    enum err err = put(writing, edges->left);
    err = err == OK ? put(writing, edges->right) : err;
    return err == OK ? put(writing, edges->wide) : err;
}

/* ---- The whole. */

/* What writing needs is kept from block to block for its memory. */
static enum err writing_new(struct block_maker *maker)
{
    struct writing *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return ERR_MEMORY;
    }
    maker->writing = made;
    made->maker = maker;
    made->coder.maker = maker;
    made->coder.mem = arena_new((size_t)1 << 31);
    made->coder.words = calloc(WORDS_MAX + 1, sizeof(uint32_t));
    made->coder.slots = calloc((size_t)WORDS_MAX * 4, sizeof(uint64_t));
    struct filter *filter = &made->coder.filter;
    filter->salt[0] = get_u64(maker->filter_key);
    filter->salt[1] = get_u64(maker->filter_key + 8);
    filter->grams = calloc(FILTER_BITS / 64, sizeof(uint64_t));
    filter->values = calloc(FILTER_BITS / 64, sizeof(uint64_t));
    filter->scratch = arena_new((size_t)1 << 31);
    buf_init(&made->coder.holes, SIZE_MAX / 2);
    buf_init(&made->coder.sink.head, BLOCK_HEAD_MAX);
    buf_init(&made->coder.sink.plain, BLOCK_PLAIN_MAX);
    buf_init(&made->coder.sink.sizes, BLOCK_PLAIN_MAX);
    buf_init(&made->texts, BLOCK_HEAD_MAX);
    buf_init(&made->names, BLOCK_PLAIN_MAX);
    buf_init(&made->packs, BLOCK_PLAIN_MAX);
    /* An arena keeps its largest piece when it is reset. */
    bool there = made->coder.mem != NULL && arena_take(made->coder.mem, CODER_ROOM) != NULL;
    if (there) {
        arena_reset(made->coder.mem);
    }
    there = there && filter->grams != NULL && filter->values != NULL && filter->scratch != NULL &&
            made->coder.mem != NULL && made->coder.words != NULL && made->coder.slots != NULL;
    return there ? OK : ERR_MEMORY;
}

static enum err writing_begin(struct block_maker *maker)
{
    enum err err = maker->writing == NULL ? writing_new(maker) : OK;
    if (err != OK) {
        writing_free(maker->writing);
        maker->writing = NULL;
        return err;
    }
    struct writing *writing = maker->writing;
    struct coder *coder = &writing->coder;
    uint32_t entries = BLOCK_EVENTS_MAX;
    for (uint32_t i = 0; i < maker->columns_count; i++) {
        uint32_t count = maker->columns[i].room.entries.count;
        entries = count > entries ? count : entries;
    }
    if (entries > writing->which_room) {
        uint32_t *which = realloc(coder->which, entries * sizeof *which);
        if (which == NULL) {
            return ERR_MEMORY;
        }
        coder->which = which;
        writing->which_room = entries;
    }
    struct filter *filter = &coder->filter;
    memset(filter->grams, 0, FILTER_BITS / 8);
    memset(filter->values, 0, FILTER_BITS / 8);
    filter->alphabets_count = 0;
    filter->edges = (struct edges){0};
    filter->whole = false;
    struct buf *bufs[] = {&coder->sink.head, &coder->sink.plain, &coder->sink.sizes,
                          &writing->texts,   &writing->names,    &writing->packs};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) {
        buf_reset(bufs[i]);
    }
    return OK;
}

void writing_free(struct writing *writing)
{
    if (writing == NULL) {
        return;
    }
    struct coder *coder = &writing->coder;
    struct buf *bufs[] = {&coder->sink.head, &coder->sink.plain, &coder->sink.sizes,
                          &writing->texts,   &writing->names,    &writing->packs};
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++) {
        buf_done(bufs[i]);
    }
    buf_done(&coder->holes);
    arena_free(coder->mem);
    free(coder->words);
    free(coder->slots);
    free(coder->which);
    free(coder->filter.grams);
    free(coder->filter.values);
    arena_free(coder->filter.scratch);
    free(writing);
}

uint64_t block_hash(struct str block)
{
    uint64_t hash = hash_bytes(str_slice(block, 0, BLOCK_HEADER_SIZE - 8), 0);
    return hash_bytes(str_slice(block, BLOCK_HEADER_SIZE, block.size), hash);
}

/* Header and head behind `data`, then the packs. */
static enum err block_put(struct writing *writing, const struct buf *packs, struct buf *data)
{
    struct buf *numbers = &writing->coder.sink.head;
    struct buf head;
    buf_init(&head, 2 * BLOCK_HEAD_MAX);
    size_t before = data->size;
    enum err err = varint_put(&head, numbers->size);
    err = err == OK ? buf_append(&head, buf_str(numbers)) : err;
    err = err == OK ? buf_append(&head, buf_str(&writing->texts)) : err;
    size_t bound = zstd_bound(head.size);
    char *at = NULL;
    size_t packed = 0;
    err = err == OK ? buf_extend(data, BLOCK_HEADER_SIZE + bound + packs->size, &at) : err;
    err = err == OK ? zstd_pack(writing->maker->zstd, buf_str(&head), at + BLOCK_HEADER_SIZE, bound,
                                &packed)
                    : err;
    if (err != OK) {
        data->size = before;
        buf_done(&head);
        return err;
    }
    if (packs->size > 0) {
        memcpy(at + BLOCK_HEADER_SIZE + packed, packs->data, packs->size);
    }
    memset(at, 0, BLOCK_HEADER_SIZE);
    memcpy(at, BLOCK_MAGIC, 8);
    put_u16(at + 8, BLOCK_VERSION);
    put_u32(at + 12, writing->maker->client);
    put_u32(at + 16, (uint32_t)packed);
    put_u32(at + 20, (uint32_t)head.size);
    put_u64(at + 24, packs->size);
    data->size = before + BLOCK_HEADER_SIZE + packed + packs->size;
    put_u64(at + 32, block_hash(str_of(at, data->size - before)));
    buf_done(&head);
    return OK;
}

enum err block_finish(struct block_maker *maker, struct buf *data, struct buf *summary)
{
    size_t summary_size = summary->size;
    if (maker->broken || block_events(maker) == 0) {
        return ERR_NOT_FOUND;
    }
    enum err err = writing_begin(maker);
    if (err != OK) {
        return err;
    }
    struct writing *writing = maker->writing;
    struct sink *sink = &writing->coder.sink;
    struct filter *filter = &writing->coder.filter;
    err = columns_rank(writing);
    err = err == OK ? leaves_put(writing) : err;
    err = err == OK ? names_put(writing) : err;
    err = err == OK ? shapes_put(writing) : err;
    err = err == OK ? rows_put(writing) : err;
    err = err == OK ? columns_put(writing) : err;
    err = err == OK ? block_tell(maker, filter, &writing->names) : err;
    err = err == OK ? edges_put(writing) : err;
    err = err == OK ? sink_pack(sink, maker->zstd, &sink->head, &writing->packs) : err;
    err = err == OK ? summary_put(maker, filter, &writing->names, summary) : err;
    err = err == OK ? block_put(writing, &writing->packs, data) : err;
    if (err != OK) {
        summary->size = summary_size;
        return err;
    }
    maker_reset(maker);
    return OK;
}
