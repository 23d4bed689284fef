#pragma once

/*
 * What the files of a block share.  Format: docs/formats/block.md.
 *
 *     block_making.h  what those that make one share
 *     block_pattern.c, block_ints.c, block_pack.c  numbers in texts, integers, streams; and back
 *     block_open.c    the head of a block, read and proved
 *     block_column.c  one entry of a column, read again
 *     block_batch.c   rows into a batch
 *     plan.c, plan_rows.c  what a query asks of filters and columns
 */

#include <string.h>

#include "archive/block.h"
#include "archive/filter.h"
#include "base/bytes.h"
#include "base/map.h"
#include "codec/zstd.h"

#define BLOCK_VERSION     1
#define BLOCK_HEADER_SIZE 40
#define BLOCK_EVENTS_MAX  16384
#define BLOCK_TEXT_MAX    ((size_t)16 * 1024 * 1024)
/* The most that a block's parts unpack to: a batch that fits nothing is stored whole. */
#define BLOCK_PLAIN_MAX  ((size_t)192 * 1024 * 1024)
#define BLOCK_HEAD_MAX   ((size_t)64 * 1024 * 1024)
#define BLOCK_NAMES_MAX  65535 /* 4 leaves with 4,096 names each, and their classes */
#define BLOCK_SMALL_SIZE 1024  /* Streams below it share a pack: each pack costs 20 bytes. */

#define BLOCK_MAGIC "HINOMIbk"
#define WORDS_MAX   16384 /* Distinct texts of a column; with more it has no list of them. */

/* How a shape tells where a span lies. */
enum span_at { SPAN_AT_NEXT, SPAN_AT_SAME, SPAN_AT_DERIVED, SPAN_AT_ANY, SPAN_AT_COUNT };

/* A span's place in a shape.  Those within the record begin with a value and end with one. */
struct shape_span {
    uint16_t name;
    uint8_t how;
    bool derived;
    uint32_t from, count; /* values of the record; derived: from is that of the shape's derived */
};

/* Values of a record: up to three a span. */
#define CUT_VALUES_MAX (3 * SPANS_PER_EVENT_MAX)

uint64_t block_hash(struct str block); /* of all bytes but the hash itself */

#define SHAPE_WHOLE 0 /* of rows whose leaf is stored as a batch */
#define NONE32      UINT32_MAX

/* str_equal for texts that are short for the most part: what is at most twice or four times as long
 * as a word is two or four words, which may overlap. */
static inline bool text_equal(const char *a, const char *b, size_t size)
{
    if (size >= 8 && size <= 16) {
        return get_u64(a) == get_u64(b) && get_u64(a + size - 8) == get_u64(b + size - 8);
    }
    if (size > 16 && size <= 32) {
        const char *c = a + size - 16;
        const char *d = b + size - 16;
        return ((get_u64(a) ^ get_u64(b)) | (get_u64(a + 8) ^ get_u64(b + 8)) |
                (get_u64(c) ^ get_u64(d)) | (get_u64(c + 8) ^ get_u64(d + 8))) == 0;
    }
    if (size >= 4 && size < 8) {
        return get_u32(a) == get_u32(b) && get_u32(a + size - 4) == get_u32(b + size - 4);
    }
    if (size < 4) {
        return size == 0 ||
               (a[0] == b[0] && a[size / 2] == b[size / 2] && a[size - 1] == b[size - 1]);
    }
    return memcmp(a, b, size) == 0;
}

/* Behind each text of a block that is read stand so many bytes that may be read too, so that what
 * is not long is copied in strokes of as many. */
#define BLOCK_SLACK    32
#define TEXT_SHORT_MAX 256

/* Writes up to BLOCK_SLACK bytes more than it is asked to. */
static inline void stroke_copy(char *to, const char *from, size_t size)
{
    size_t at = 0;
    do {
        memcpy(to + at, from + at, BLOCK_SLACK);
        at += BLOCK_SLACK;
    } while (at < size);
}

static inline enum err text_put(struct buf *out, const char *from, size_t size)
{
    if (size - 1 < TEXT_SHORT_MAX && out->capacity - out->size >= TEXT_SHORT_MAX + BLOCK_SLACK) {
        stroke_copy(out->data + out->size, from, size);
        out->size += size;
        return OK;
    }
    return buf_append(out, str_of(from, size));
}

/* ---- Numbers of any size, in seven bits a byte, the lowest first. */

NODISCARD enum err varint_put(struct buf *out, uint64_t value);
NODISCARD enum err varint_take(struct str *bytes, uint64_t *ret); /* ERR_CORRUPT: cut, too long */
/* The same, ERR_CORRUPT above max. */
NODISCARD enum err count_take(struct str *bytes, uint64_t max, uint32_t *ret);

static inline uint64_t zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

static inline int64_t unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

/* ---- Columns. */

enum column_kind {
    COLUMN_WORDS,   /* distinct words, and which of them each entry is */
    COLUMN_PATTERN, /* numbers between texts that never change */
    COLUMN_TEXT,    /* each entry by itself */
    COLUMN_SPLIT,   /* skeletons with holes, each of which is a column */
    COLUMN_SAME,    /* what another column has in the same row */
    COLUMN_KIND_COUNT
};

/* How a number stands in a text. */
enum digits_kind {
    DIGITS_PLAIN, /* decimal, no zero in front */
    DIGITS_HEX,   /* hexadecimal in small letters, no zero in front */
    DIGITS_FIXED, /* decimal, so many digits */
    DIGITS_LOWER, /* hexadecimal, so many */
    DIGITS_UPPER,
    DIGITS_KIND_COUNT
};

#define PATTERN_FIELDS_MAX  16
#define PATTERN_NUMBERS_MAX 8
#define PATTERN_TEXT_MAX    256

struct pattern_field {
    enum digits_kind kind;
    bool more;                           /* goes on with the number of the field before */
    uint8_t digits;                      /* of a fixed one */
    uint8_t number;                      /* which */
    uint64_t below;                      /* what its number is divided by; 0: nothing is left */
    uint16_t literal_from, literal_size; /* what stands before it, in the pattern's text */
};

struct column_pattern {
    struct pattern_field fields[PATTERN_FIELDS_MAX];
    uint32_t fields_count, numbers_count;
    uint16_t end_from, end_size; /* what stands behind the last */
    uint16_t text_size;
    char text[PATTERN_TEXT_MAX + BLOCK_SLACK];
};

/* ---- pattern of a column: block_pattern.c. */

NODISCARD enum err pattern_put(struct buf *out, const struct column_pattern *pattern);
NODISCARD enum err pattern_take(struct str *bytes, struct column_pattern *ret);
/* Prints one text, of a pattern that was taken, into so much room.  Returns its size. */
#define PATTERN_PRINTED_MAX (PATTERN_TEXT_MAX + PATTERN_FIELDS_MAX * 24)
#define PATTERN_ROOM        (PATTERN_PRINTED_MAX + BLOCK_SLACK)
size_t pattern_print(const struct column_pattern *pattern, const int64_t *numbers, char *to);

/* ---- Packs, read again. */

struct stream {
    uint32_t size;
    uint32_t small_at; /* in the pack of small ones */
    bool stored;
    struct str packed;
    const char *plain; /* once it was asked for */
};

struct packs {
    struct arena *mem;
    struct zstd *zstd;   /* NULL at rest */
    struct stream *list; /* behind the last the pack of small ones */
    uint32_t count;
};
/* Takes the directory off the front of *directory; packs: all bytes behind the head. */
NODISCARD enum err packs_open(struct str *directory, struct str packs, struct arena *mem,
                              struct packs *ret);
/* index: below count.  Unpacks it the first time. */
NODISCARD enum err packs_stream(struct packs *packs, uint32_t index, struct str *ret);
void packs_rest(struct packs *packs); /* Gives the unpacker back until it is needed again. */

/* ---- integers: block_ints.c. */

struct ints {
    uint64_t divisor, first;
    int64_t least;
    uint32_t count, ranks;
    uint32_t stream; /* the first of `ranks` */
    bool delta;
    const int64_t *values; /* once they were read */
};
/* Takes what the head says of `count` integers; *stream moves on. */
NODISCARD enum err ints_take(struct str *head, uint32_t *stream, uint32_t count, struct ints *ret);
NODISCARD enum err ints_read(struct packs *packs, struct ints *ints, const int64_t **ret);

/* ---- A block that is read: block_open.c. */

struct texts {
    struct ints sizes;
    uint32_t stream;
    uint32_t *offsets; /* once read: one more than there are texts */
    struct str bytes;
};

struct column {
    enum column_kind kind;
    uint32_t name; /* NONE32: a gap's */
    uint32_t how;
    uint32_t count; /* entries */
    bool loaded;
    struct texts texts; /* COLUMN_TEXT; COLUMN_WORDS: the words */
    struct ints which;  /* COLUMN_WORDS: word; COLUMN_SPLIT: skeleton; COLUMN_SAME: 1, differs */
    struct column_pattern *pattern;
    struct ints *numbers;
    /* COLUMN_SPLIT: skeleton n's pieces begin at pieces[n - 1]; subs[0] is that of no skeleton. */
    struct column_skeleton *skeletons;
    uint32_t skeletons_count;
    struct column *subs;
    uint32_t subs_count;
    uint32_t *ranks; /* COLUMN_SPLIT, COLUMN_SAME: which entry of its sub-column an entry is */
    uint32_t same_as;
};

struct column_skeleton {
    uint32_t rows, holes;
    uint32_t first_sub;
    uint32_t *piece_ends; /* in the skeletons' text, holes + 1 of them */
    uint32_t piece_from;
};

struct block_gap {
    struct str literal;
    uint32_t column; /* NONE32: the literal */
};

struct column_use {
    uint32_t column, count;
};

struct block_shape {
    uint32_t class, parser, error, flags; /* names, or NONE32 */
    uint32_t rows, values, derived, spans_count, uses_count;
    bool loaded;       /* its columns are */
    uint32_t *columns; /* of values, then of derived */
    struct block_gap *gaps;
    struct shape_span *spans;
    struct column_use *uses;
};

struct stored_leaf {
    struct block_leaf leaf;
    uint32_t whole; /* its stream, NONE32 without */
    uint32_t whole_size;
};

struct block {
    struct arena *mem;
    struct client_id client;
    uint32_t events;
    struct stored_leaf *leaves;
    size_t leaves_count;
    struct str *names;
    uint32_t names_count;
    struct block_shape *shapes; /* by number less 1 */
    uint32_t shapes_count;
    struct ints shape, received, known, happened; /* of each row */
    struct column *columns;
    uint32_t columns_count;
    struct packs packs;
    struct edges edges;
    bool rows_proved, records_only;
    size_t text_size; /* of the batch that was made last */
    /* Where each column's entries of row `cursor_row` begin; `at` moves within a row. */
    uint32_t cursor_row;
    uint32_t *cursors, *at;
    uint32_t *histogram; /* by shape; all zeros at rest */
};

/* Reads the rows' shapes and times, and proves that each shape has as many rows as it says. */
NODISCARD enum err block_rows(struct block *block);

/* ---- block_column.c */

/* Takes what the head says of a column of `count` entries. */
NODISCARD enum err column_take(struct str *head, uint32_t *stream, uint32_t count, uint32_t rank,
                               bool sub, struct arena *mem, struct column *ret);
/* Unpacks what column_append needs. */
NODISCARD enum err column_load(struct block *block, struct column *column);
/* Appends an entry of a loaded column; cursors: each column's first entry in that row. */
NODISCARD enum err column_append(struct block *block, const struct column *column, uint32_t index,
                                 struct buf *out);
NODISCARD enum err texts_load(struct packs *packs, struct texts *texts);
static inline struct str texts_at(const struct texts *texts, uint32_t index)
{
    uint32_t from = texts->offsets[index];
    return str_of(texts->bytes.data + from, texts->offsets[index + 1] - from);
}

/* ---- filter.c */

uint64_t summary_hash(struct str body, const uint8_t key[BLOCK_FILTER_KEY_SIZE]);
/* ERR_CORRUPT: it is not what was written. */
NODISCARD enum err summary_open(struct str bytes, const uint8_t key[BLOCK_FILTER_KEY_SIZE],
                                struct summary *ret);
