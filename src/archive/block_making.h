#pragma once

/*
 * What the files that make a block share, beside what they share with those that read one.
 *
 *     block_make.c     events into shapes, gaps and entries of columns
 *     block_cut.c      an event's record into values
 *     block_columns.c  the columns that are filled
 *     block_write.c    a full maker as a block
 *     block_encode.c   a column's entries into streams
 *     block_words.c    a column's distinct texts
 *     block_split.c    long texts into what repeats and what varies
 *     block_holes.c    where in a text something varies
 *     block_tell.c     what the filter hears of shapes
 *     filter.c         which words and values a block may hold
 */

#include "archive/block_private.h"

/* ---- A text that a column keeps, while a block is made. */

struct entry {
    uint32_t offset, size; /* in the column's text */
    uint32_t row;
};

struct entries {
    struct entry *list;
    uint32_t count, capacity;
};

/* ---- What encoding writes to: the head, and the streams one behind the other. */

struct sink {
    struct buf head;
    struct buf plain; /* all streams */
    struct buf sizes; /* uint32_t each: of the streams */
};
/* Ends the stream that began at `from` of plain. */
NODISCARD enum err sink_stream(struct sink *sink, size_t from);
/* Packs: their directory behind `directory`, their bytes behind `packs`. */
NODISCARD enum err sink_pack(const struct sink *sink, struct zstd *zstd, struct buf *directory,
                             struct buf *packs);

/* A view of entries to be encoded. */
struct texts_view {
    const char *text;
    const struct entry *list;
    uint32_t count;
};

static inline struct str view_at(const struct texts_view *view, uint32_t index)
{
    return str_of(view->text + view->list[index].offset, view->list[index].size);
}

/* ---- A block that is being made: block_make.c. */

/* Records of one shape have the same parser, class, error and flags, and the same names in the same
 * order.  The record is gap, value, gap, value … gap. */
struct shape {
    uint32_t key_at, key_size; /* in the maker's keys */
    uint32_t rows;
    uint32_t class, parser, error, flags; /* names, or NONE32 */
    uint32_t values, derived, spans;      /* counts */
    uint32_t first_column; /* of its values, then of its derived, in the maker's list of columns */
    uint32_t first_gap;    /* in the maker's gaps: values + 1 */
    bool ordered;          /* its spans come in the order of the record, or again */
    uint32_t first_span;
};

struct gap {
    uint32_t offset, size; /* of the first row's, in the maker's text; of no use with a column */
    uint32_t column;       /* NONE32: so far it never changed */
};

/* Kinds of bytes that texts begin and end with. */
struct ends {
    uint64_t first, last;
    bool empty; /* some text is */
};

/* Of a column's entries, kept from block to block. */
struct column_room {
    struct entries entries;
    struct buf text; /* one behind the other */
    uint64_t tag;    /* of columns that want about as much */
};

struct maker_column {
    struct column_room room;
    uint64_t bytes; /* of all entries */
    uint32_t name;  /* NONE32: a gap's */
    uint32_t rank;  /* once the block is being finished: its number in the block */
    uint32_t how;
    bool told;  /* its values are in the filter */
    bool ended; /* its ends are known */
    struct ends ends;
};

struct maker_row {
    uint32_t shape;
    int64_t received, happened;
};

struct maker_leaf {
    uint32_t source, events, row;
    uint64_t first;
    uint32_t whole_at, whole_size; /* in the text: a batch that is kept as it is; 0 without */
};

/* An event of the batch that is being added, and its shape's number. */
struct before {
    const char *event; /* in the event table */
    uint32_t shape;
};
#define BEFORE_LOG 6

struct block_maker {
    int level;
    uint8_t filter_key[BLOCK_FILTER_KEY_SIZE];
    struct zstd *zstd;
    struct arena *scratch;
    uint32_t client;
    struct buf text;         /* what gaps say that never changed, and leaves kept whole */
    uint64_t taken;          /* bytes of all batches */
    struct buf rows, leaves; /* struct maker_row, struct maker_leaf */
    struct buf names;        /* the texts, 2-byte size and bytes each */
    struct buf name_places;  /* uint32_t each */
    struct map name_ids;
    struct buf keys, shapes, shape_spans, gaps, shape_columns;
    struct maker_column *columns;
    uint32_t columns_count, columns_capacity;
    struct column_room *rooms; /* at rest */
    uint32_t rooms_count;
    uint32_t *shape_slots;
    uint32_t shape_slots_mask;
    struct map column_ids;                  /* by name, how and how many of the name came before */
    struct before before[1u << BEFORE_LOG]; /* the last of each kind: block_make.c */
    uint32_t *batch_names;   /* of the batch that is being added: names of the block */
    struct writing *writing; /* block_write.c; NULL before the first block */
    bool broken;
};
void maker_reset(struct block_maker *maker);

/* ---- The columns of a block that is being made: block_columns.c. */

void columns_reset(struct block_maker *maker);
void columns_free(struct block_maker *maker);
/* tag: of those that want about as much room. */
NODISCARD enum err column_new(struct block_maker *maker, uint32_t name, uint32_t how, uint64_t tag,
                              uint32_t *ret);
/* The column of the so-manieth value of that name in a record; the fourth and later share one. */
NODISCARD enum err column_of(struct block_maker *maker, uint32_t name, uint32_t how,
                             uint32_t earlier, uint32_t *ret);
NODISCARD enum err entries_grow(struct entries *entries);

static inline enum err entries_add(struct entries *entries, struct entry entry)
{
    if (entries->count == entries->capacity) {
        enum err err = entries_grow(entries);
        if (err != OK) {
            return err;
        }
    }
    entries->list[entries->count++] = entry;
    return OK;
}

/* memcpy for texts that are short for the most part, as text_equal. */
static inline void text_copy(char *to, const char *from, size_t size)
{
    if (size > 32) {
        memcpy(to, from, size);
    } else if (size > 16) {
        memcpy(to, from, 16);
        memcpy(to + size - 16, from + size - 16, 16);
    } else if (size >= 8) {
        memcpy(to, from, 8);
        memcpy(to + size - 8, from + size - 8, 8);
    } else if (size >= 4) {
        memcpy(to, from, 4);
        memcpy(to + size - 4, from + size - 4, 4);
    } else if (size > 0) {
        to[0] = from[0];
        to[size / 2] = from[size / 2];
        to[size - 1] = from[size - 1];
    }
}

/* Copies the text.  roomy: behind it may be read as much as BLOCK_SLACK. */
static inline enum err column_add(struct maker_column *column, struct str text, bool roomy,
                                  uint32_t row)
{
    struct buf *buf = &column->room.text;
    struct entry entry = {(uint32_t)buf->size, (uint32_t)text.size, row};
    char *to = buf->data + buf->size;
    size_t left = buf->capacity - buf->size;
    if (roomy && text.size <= BLOCK_SLACK && left >= BLOCK_SLACK) {
        memcpy(to, text.data, BLOCK_SLACK);
        buf->size += text.size;
        column->bytes += text.size;
        return entries_add(&column->room.entries, entry);
    }
    if (left < text.size) {
        enum err err = buf_extend(buf, text.size, &to);
        if (err != OK) {
            return err;
        }
    } else {
        buf->size += text.size;
    }
    text_copy(to, text.data, text.size);
    column->bytes += text.size;
    return entries_add(&column->room.entries, entry);
}

void writing_free(struct writing *writing); /* NULL is fine. */

static inline struct maker_row *maker_rows(const struct block_maker *maker)
{
    return (struct maker_row *)(void *)maker->rows.data;
}

static inline struct maker_leaf *maker_leaves(const struct block_maker *maker)
{
    return (struct maker_leaf *)(void *)maker->leaves.data;
}

static inline struct shape *maker_shapes(const struct block_maker *maker)
{
    return (struct shape *)(void *)maker->shapes.data;
}

static inline struct gap *maker_gaps(const struct block_maker *maker)
{
    return (struct gap *)(void *)maker->gaps.data;
}

/* The columns of a shape's values and derived. */
static inline uint32_t *maker_shape_columns(const struct block_maker *maker,
                                            const struct shape *shape)
{
    return (uint32_t *)(void *)maker->shape_columns.data + shape->first_column;
}

static inline struct shape_span *maker_spans(const struct block_maker *maker,
                                             const struct shape *shape)
{
    return (struct shape_span *)(void *)maker->shape_spans.data + shape->first_span;
}

/* ---- An event's record, cut: block_cut.c. */

struct cut_value {
    uint32_t offset, size; /* in the batch's text */
    uint32_t name;         /* NONE32: of several */
    uint8_t how;
};

/* Up to so many words of a key: three a span, two a value, and what begins it. */
#define CUT_KEY_MAX (4 + 3 * SPANS_PER_EVENT_MAX + 2 * CUT_VALUES_MAX)

struct cut {
    uint32_t values_count, derived_count, spans_count, key_count;
    bool ordered;
    struct cut_value values[CUT_VALUES_MAX];
    struct cut_value derived[SPANS_PER_EVENT_MAX];
    struct shape_span spans[SPANS_PER_EVENT_MAX];
    uint32_t key[CUT_KEY_MAX];
};
/* names: of its spans, as the block numbers them.  The key has been begun. */
void cut_event(const struct event *event, const uint32_t *names, struct cut *cut);
/* Whether the event has the shape of one before in its batch, of as many spans, which begin at
 * `before` in the span table; then places and sizes of its values and derived. */
bool cut_again(const struct event *event, const char *before, const struct shape *shape,
               const struct shape_span *spans, struct cut *cut);

/* ---- Integers, and numbers in texts. */

NODISCARD enum err ints_encode(struct sink *sink, const int64_t *values, uint32_t count);
/* The numbers of all entries, number by number, if one pattern fits all; in mem.  False: none. */
NODISCARD enum err pattern_find(const struct texts_view *view, struct arena *mem, bool *ret,
                                struct column_pattern *ret_pattern, int64_t **ret_numbers);

/* ---- A column as bytes: block_encode.c, block_split.c. */

struct coder {
    const struct block_maker *maker;
    struct sink sink;
    struct arena *mem;       /* of one column */
    const uint32_t *by_rank; /* the maker's columns in the order of the block */
    uint64_t bytes;          /* of the column being encoded */
    uint32_t rank;           /* of the column being encoded: it may be the same as earlier ones */
    uint32_t *words;         /* room for a column's distinct words: the first entry of each */
    uint64_t *slots;         /* where they are looked up */
    uint32_t *which;         /* of each entry: its word */
    struct buf holes;        /* struct hole each: of the texts of a column that is split */
    struct filter filter;
    bool field; /* the column is a field's: its values are asked for */
    bool told;  /* out: all values of the column are in the filter */
    bool ended; /* out: ends are those of the column */
    struct ends ends;
};

/* ---- A column's words: block_words.c. */

/* Whether an entry has that text. */
static inline bool view_is(const struct texts_view *view, struct str text, uint32_t entry)
{
    const struct entry *other = &view->list[entry];
    return other->size == text.size && text_equal(text.data, view->text + other->offset, text.size);
}

/* Numbers the distinct texts into coder->words and coder->which; false: there are too many. */
bool words_number(struct coder *coder, const struct texts_view *view, uint32_t max,
                  uint32_t *ret_count);
/* The words as a view of their own. */
NODISCARD enum err words_view(const struct coder *coder, const struct texts_view *view,
                              uint32_t words, struct texts_view *ret);

/* ---- What the filter hears of shapes: block_tell.c. */

/* A text's ends. */
NODISCARD enum err ends_add(struct ends *ends, struct str text, struct arena *scratch);
/* Gaps, and what meets at their edges; fields whose values the filter does not know. */
NODISCARD enum err block_tell(const struct block_maker *maker, struct filter *filter,
                              struct buf *names);

/* What a block may hold, for whoever asks whether to read it: filter.c. */
NODISCARD enum err summary_put(const struct block_maker *maker, struct filter *filter,
                               const struct buf *names, struct buf *out);

NODISCARD enum err column_encode(struct coder *coder, const struct texts_view *view, bool sub);
/* What varies in a text: block_holes.c. */
#define HOLES_MAX 128 /* of one text; what follows is skeleton */
struct hole {
    uint32_t from, size; /* in the text */
};
/* lines: the text is one of lines. */
uint32_t holes_find(bool lines, struct str text, struct hole holes[HOLES_MAX]);
/* Where the hole ends that begins at `at`; `at` itself if none does. */
size_t hole_end(bool lines, struct str text, size_t at);
bool text_has_lines(struct str text);

/* Sets *ret if the column was split. */
NODISCARD enum err split_encode(struct coder *coder, const struct texts_view *view, bool *ret);
NODISCARD enum err text_encode(struct coder *coder, const struct texts_view *view,
                               const uint32_t *chosen, uint32_t count);
