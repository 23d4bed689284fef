/*
 * A column's entries into streams, the shortest way that fits:
 *
 *     one word        nothing but the word
 *     same            another column has it in the same row, as Windows' Message says the values of
 *                     the other fields once more
 *     split           long texts of many lines
 *     words           few distinct texts: these, and which of them each entry is
 *     pattern         numbers between texts that never change
 *     split           other texts with something that varies in them
 *     text            as it stands
 *
 * A column is the same only as one of lower rank, so that reading never goes round in a circle.
 */

#include "archive/block_making.h"

#include <stdlib.h>
#include <string.h>

#define SAME_SIZE_MIN 3  /* shorter texts cost no more than saying where they are */
#define TEXT_TOLD     64 /* Bytes of a text, on average. */
#define BITS_TOLD     24 /* Of a pattern's numbers: with fewer, a column is soon asked itself. */

enum err text_encode(struct coder *coder, const struct texts_view *view, const uint32_t *chosen,
                     uint32_t count)
{
    struct sink *sink = &coder->sink;
    int64_t *sizes = ARENA_ARRAY_PLAIN(coder->mem, int64_t, (size_t)count + 1);
    if (sizes == NULL) {
        return ERR_MEMORY;
    }
    enum err err = OK;
    for (uint32_t i = 0; i < count; i++) {
        sizes[i] = (int64_t)view_at(view, chosen == NULL ? i : chosen[i]).size;
    }
    err = ints_encode(sink, sizes, count);
    size_t from = sink->plain.size;
    for (uint32_t i = 0; err == OK && i < count; i++) {
        err = buf_append(&sink->plain, view_at(view, chosen == NULL ? i : chosen[i]));
    }
    return err == OK ? sink_stream(sink, from) : err;
}

static enum err words_encode(struct coder *coder, const struct texts_view *view, uint32_t count)
{
    enum err err = varint_put(&coder->sink.head, COLUMN_WORDS);
    err = err == OK ? varint_put(&coder->sink.head, count) : err;
    err = err == OK ? text_encode(coder, view, coder->words, count) : err;
    if (err != OK || count <= 1) {
        return err;
    }
    int64_t *which = ARENA_ARRAY_PLAIN(coder->mem, int64_t, view->count);
    if (which == NULL) {
        return ERR_MEMORY;
    }
    for (uint32_t i = 0; i < view->count; i++) {
        which[i] = coder->which[i];
    }
    return ints_encode(&coder->sink, which, view->count);
}

static unsigned bits_of(uint64_t value)
{
    return value == 0 ? 0 : 64u - (unsigned)__builtin_clzll(value);
}

/* Bits of an entry's numbers. */
static unsigned pattern_bits(const struct column_pattern *pattern, const int64_t *numbers,
                             uint32_t count)
{
    unsigned bits = 0;
    for (uint32_t k = 0; k < pattern->numbers_count; k++) {
        int64_t least = numbers[(size_t)k * count];
        int64_t most = least;
        for (uint32_t i = 0; i < count; i++) {
            int64_t value = numbers[(size_t)k * count + i];
            least = value < least ? value : least;
            most = value > most ? value : most;
        }
        bits += bits_of((uint64_t)most - (uint64_t)least);
    }
    return bits;
}

/* words: 0, the numbers are those of all entries; else of so many words. */
static enum err pattern_encode(struct coder *coder, const struct texts_view *view,
                               const struct column_pattern *pattern, const int64_t *numbers,
                               uint32_t words)
{
    enum err err = varint_put(&coder->sink.head, COLUMN_PATTERN);
    err = err == OK ? pattern_put(&coder->sink.head, pattern) : err;
    int64_t *all = words > 0 ? ARENA_ARRAY_PLAIN(coder->mem, int64_t, view->count) : NULL;
    if (words > 0 && all == NULL) {
        return ERR_MEMORY;
    }
    for (uint32_t k = 0; err == OK && k < pattern->numbers_count; k++) {
        const int64_t *of = numbers + (size_t)k * (words > 0 ? words : view->count);
        for (uint32_t i = 0; words > 0 && i < view->count; i++) {
            all[i] = of[coder->which[i]];
        }
        err = ints_encode(&coder->sink, words > 0 ? all : of, view->count);
    }
    return err;
}

/* ---- Same as another column. */

/* The first entry of a row; NONE32 without one. */
static uint32_t entries_find(const struct entries *entries, uint32_t row)
{
    uint32_t from = 0;
    uint32_t to = entries->count;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (entries->list[middle].row < row) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from < entries->count && entries->list[from].row == row ? from : NONE32;
}

static bool same_text(const struct texts_view *view, uint32_t index,
                      const struct maker_column *other, uint32_t at)
{
    const struct entry *one = &view->list[index];
    const struct entry *two = &other->room.entries.list[at];
    return one->size == two->size &&
           text_equal(view->text + one->offset, other->room.text.data + two->offset, one->size);
}

/* Whether the other column has this entry's text in its row. */
static bool same_at(const struct texts_view *view, uint32_t index, const struct maker_column *other)
{
    uint32_t at = entries_find(&other->room.entries, view->list[index].row);
    return at != NONE32 && same_text(view, index, other, at);
}

/* How many entries differ; more than max: max + 1. */
static uint32_t same_count(const struct texts_view *view, const struct maker_column *other,
                           uint32_t max, int64_t *differs)
{
    const struct entries *entries = &other->room.entries;
    uint32_t at = 0;
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < view->count && wrong <= max; i++) {
        while (at < entries->count && entries->list[at].row < view->list[i].row) {
            at++;
        }
        bool same = at < entries->count && entries->list[at].row == view->list[i].row &&
                    same_text(view, i, other, at);
        differs[i] = !same;
        wrong += !same;
    }
    return wrong;
}

/* Fewest differences among the columns of the first entry's row; NONE32 if there is no good one. */
static uint32_t same_choose(struct coder *coder, const struct texts_view *view, int64_t *differs,
                            uint32_t *ret_wrong)
{
    const struct block_maker *maker = coder->maker;
    uint32_t samples[2] = {0, view->count - 1};
    uint32_t max = view->count / 8;
    for (size_t s = 0; s < 2; s++) {
        uint32_t row = view->list[samples[s]].row;
        const struct shape *shape = &maker_shapes(maker)[maker_rows(maker)[row].shape - 1];
        const uint32_t *columns = maker_shape_columns(maker, shape);
        for (uint32_t i = 0; i < shape->values + shape->derived; i++) {
            const struct maker_column *column = &maker->columns[columns[i]];
            if (column->rank < coder->rank && column->room.entries.count > 1 &&
                same_at(view, samples[s], column) &&
                (same_at(view, samples[1 - s], column) || view->count > 8)) {
                *ret_wrong = same_count(view, column, max, differs);
                if (*ret_wrong <= max) {
                    return column->rank;
                }
            }
        }
    }
    return NONE32;
}

/* Sets *ret if it is the same as another one; what differs is a column of its own. */
static enum err same_encode(struct coder *coder, const struct texts_view *view, bool *ret)
{
    *ret = false;
    int64_t *differs = ARENA_ARRAY_PLAIN(coder->mem, int64_t, view->count);
    if (differs == NULL) {
        return ERR_MEMORY;
    }
    uint32_t wrong = 0;
    uint32_t other = same_choose(coder, view, differs, &wrong);
    if (other == NONE32) {
        return OK;
    }
    *ret = true;
    enum err err = varint_put(&coder->sink.head, COLUMN_SAME);
    err = err == OK ? varint_put(&coder->sink.head, other) : err;
    err = err == OK ? varint_put(&coder->sink.head, wrong) : err;
    const struct maker_column *column = &coder->maker->columns[coder->by_rank[other]];
    if (err != OK || wrong == 0) {
        coder->told = column->told;
        coder->ended = column->ended;
        coder->ends = column->ends;
        return err;
    }
    struct entry *left = ARENA_ARRAY_PLAIN(coder->mem, struct entry, wrong);
    if (left == NULL) {
        return ERR_MEMORY;
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < view->count; i++) {
        if (differs[i] != 0) {
            left[count++] = view->list[i];
        }
    }
    err = ints_encode(&coder->sink, differs, view->count);
    const struct texts_view rest = {view->text, left, count};
    uint32_t rank = coder->rank;
    coder->rank = 0; /* it is not the same as anything */
    err = err == OK ? column_encode(coder, &rest, true) : err;
    coder->rank = rank;
    coder->told = false;
    coder->ended = coder->ended && column->ended;
    coder->ends.first |= column->ends.first;
    coder->ends.last |= column->ends.last;
    coder->ends.empty |= column->ends.empty;
    return err;
}

/* ---- What the filter hears of it. */

static enum err piece_tell(struct coder *coder, struct str text, bool sub)
{
    enum err err = filter_piece(&coder->filter, text);
    return err == OK && !sub && coder->field ? filter_value(&coder->filter, text) : err;
}

static enum err words_tell(struct coder *coder, const struct texts_view *view, uint32_t count,
                           bool sub)
{
    enum err err = OK;
    coder->ends = (struct ends){0};
    for (uint32_t i = 0; err == OK && i < count; i++) {
        struct str word = view_at(view, coder->words[i]);
        err = piece_tell(coder, word, sub);
        err = err == OK ? ends_add(&coder->ends, word, coder->filter.scratch) : err;
    }
    coder->ended = true;
    coder->told = !sub;
    return err;
}

/* Who asks for a long text asks for a part of it: as a whole it is not told. */
static enum err texts_tell(struct coder *coder, const struct texts_view *view, bool sub)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < view->count; i++) {
        bytes += view->list[i].size;
    }
    bool part = sub || bytes / view->count > TEXT_TOLD;
    enum err err = OK;
    for (uint32_t i = 0; err == OK && i < view->count; i++) {
        err = piece_tell(coder, view_at(view, i), part);
    }
    coder->told = !part;
    return err;
}

static uint64_t digits_kinds(enum digits_kind kind)
{
    uint64_t decimal = (uint64_t)0x3ff << 26;
    return kind == DIGITS_PLAIN || kind == DIGITS_FIXED ? decimal : decimal | 0x3f;
}

/* Of a pattern without bytes from 0x80 on, and with fields. */
static struct ends pattern_ends(const struct column_pattern *pattern)
{
    const struct pattern_field *first = &pattern->fields[0];
    const struct pattern_field *last = &pattern->fields[pattern->fields_count - 1];
    const char *text = pattern->text;
    struct ends ends = {digits_kinds(first->kind), digits_kinds(last->kind), false};
    if (first->literal_size > 0) {
        ends.first = (uint64_t)1 << run_kind(text[first->literal_from]);
    }
    if (pattern->end_size > 0) {
        ends.last = (uint64_t)1 << run_kind(text[pattern->end_from + pattern->end_size - 1]);
    }
    return ends;
}

/* Numbers as such tell nothing; of long ones the values are kept. */
static enum err pattern_tell(struct coder *coder, const struct texts_view *view,
                             const struct column_pattern *pattern, unsigned bits, bool sub)
{
    struct alphabet alphabet = {0};
    for (uint32_t i = 0; i < pattern->text_size; i++) {
        alphabet.kinds |= (uint64_t)1 << run_kind(pattern->text[i]);
    }
    for (uint32_t i = 0; i < pattern->fields_count; i++) {
        alphabet.kinds |= digits_kinds(pattern->fields[i].kind);
    }
    alphabet.run_max = PATTERN_PRINTED_MAX;
    /* Escapes may stand for any text. */
    if ((alphabet.kinds >> RUN_WIDE & 1) != 0 ||
        memchr(pattern->text, '\\', pattern->text_size) != NULL) {
        return texts_tell(coder, view, sub);
    }
    filter_alphabet(&coder->filter, alphabet);
    coder->ends = pattern_ends(pattern);
    coder->ended = true;
    enum err err = OK;
    coder->told = !sub && coder->field && bits > BITS_TOLD;
    for (uint32_t i = 0; err == OK && coder->told && i < view->count; i++) {
        err = filter_value(&coder->filter, view_at(view, i));
    }
    return err;
}

/* ---- All ways. */

/* Texts with lines: more is gained by taking them apart than by counting how often each occurs. */
static bool view_is_long(const struct texts_view *view, uint64_t bytes)
{
    return view->count >= 8 && bytes / view->count >= 96;
}

static bool view_is_one(const struct texts_view *view)
{
    for (uint32_t i = 1; i < view->count; i++) {
        if (!view_is(view, view_at(view, 0), i)) {
            return false;
        }
    }
    return true;
}

enum err column_encode(struct coder *coder, const struct texts_view *view, bool sub)
{
    bool done = false;
    enum err err = OK;
    coder->told = false;
    coder->ended = false;
    if (view->count == 0 || view_is_one(view)) {
        coder->words[0] = 0;
        err = words_tell(coder, view, view->count > 0, sub);
        return err == OK ? words_encode(coder, view, view->count > 0) : err;
    }
    if (view->list[0].size >= SAME_SIZE_MIN && coder->rank > 0) {
        err = same_encode(coder, view, &done);
    }
    if (err == OK && !done && !sub && view_is_long(view, coder->bytes)) {
        err = split_encode(coder, view, &done);
    }
    if (err != OK || done) {
        return err;
    }
    uint32_t words = 0;
    uint32_t max = view->count / 2 + 1 < WORDS_MAX ? view->count / 2 + 1 : WORDS_MAX;
    bool few = words_number(coder, view, max, &words);
    if (few && (words <= 64 || words <= view->count / 64)) {
        err = words_tell(coder, view, words, sub);
        return err == OK ? words_encode(coder, view, words) : err;
    }
    struct column_pattern pattern;
    int64_t *numbers;
    struct texts_view distinct = *view;
    if (few) {
        err = words_view(coder, view, words, &distinct);
    }
    err = err == OK ? pattern_find(&distinct, coder->mem, &done, &pattern, &numbers) : err;
    unsigned bits = err == OK && done ? pattern_bits(&pattern, numbers, distinct.count) : 0;
    if (err == OK && done && few) {
        uint64_t bytes = 0;
        for (uint32_t i = 0; i < words; i++) {
            bytes += distinct.list[i].size;
        }
        uint64_t by_words = bytes * 8 / 3 + (uint64_t)view->count * bits_of(words);
        done = (uint64_t)view->count * bits < by_words;
    }
    if (err == OK && done) {
        err = pattern_tell(coder, &distinct, &pattern, bits, sub);
        return err == OK ? pattern_encode(coder, view, &pattern, numbers, few ? words : 0) : err;
    }
    if (err == OK && few) {
        err = words_tell(coder, view, words, sub);
        return err == OK ? words_encode(coder, view, words) : err;
    }
    if (err == OK && !sub) {
        err = split_encode(coder, view, &done);
    }
    if (err != OK || done) {
        return err;
    }
    err = texts_tell(coder, view, sub);
    err = err == OK ? varint_put(&coder->sink.head, COLUMN_TEXT) : err;
    return err == OK ? text_encode(coder, view, NULL, view->count) : err;
}
