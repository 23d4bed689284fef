/*
 * What the filter hears of shapes: their gaps, what meets at the edges between their pieces, and
 * which fields have values that it does not know.
 *
 * A search looks for runs (filter.h) piece by piece, so it must know where one may go on in the
 * next piece.  For that each column tells which bytes its folded texts begin and end with, and
 * whether one is empty, so that what is before it meets what is behind.
 *
 * Always true: what is told covers what is there; it may cover more.
 */

#include "archive/block_making.h"

#include <stdlib.h>
#include <string.h>

#include "match/required.h"

enum err ends_add(struct ends *ends, struct str text, struct arena *scratch)
{
    /* Folding changes an end only if a byte of 0x80 or more stands there, or behind the first. */
    bool wide =
        text.size > 0 &&
        ((text.data[0] | text.data[text.size - 1] | text.data[text.size > 1 ? 1 : 0]) & 0x80) != 0;
    enum err err = wide ? search_fold(text, scratch, &text) : OK;
    if (err == OK && text.size > 0) {
        ends->first |= (uint64_t)1 << run_kind(text.data[0]);
        ends->last |= (uint64_t)1 << run_kind(text.data[text.size - 1]);
    } else {
        ends->empty = true;
    }
    return err;
}

static enum err column_ends(const struct maker_column *column, struct arena *scratch,
                            struct ends *ret)
{
    const char *text = column->room.text.data;
    enum err err = OK;
    if (column->ended) {
        *ret = column->ends;
        return OK;
    }
    for (uint32_t i = 0; err == OK && i < column->room.entries.count; i++) {
        const struct entry *entry = &column->room.entries.list[i];
        err = ends_add(ret, str_of(text + entry->offset, entry->size), scratch);
    }
    return err;
}

/* What stands before the next piece meets it. */
static void edge_meet(struct edges *edges, struct ends *before, const struct ends *next)
{
    uint64_t wide = (uint64_t)1 << RUN_WIDE;
    uint64_t mark = (uint64_t)1 << RUN_MARK;
    if ((before->last & RUN_WORDS) != 0 && (next->first & RUN_WORDS) != 0) {
        edges->left |= before->last & RUN_WORDS;
        edges->right |= next->first & RUN_WORDS;
    }
    if ((before->last & (RUN_WORDS | mark)) != 0 && (next->first & wide) != 0) {
        edges->wide = true;
    }
    before->last = next->last | (next->empty ? before->last : 0);
}

static enum err shape_tell(const struct block_maker *maker, const struct shape *shape,
                           const struct ends *columns, struct filter *filter)
{
    struct ends before = {0};
    const uint32_t *values = maker_shape_columns(maker, shape);
    enum err err = OK;
    for (uint32_t i = 0; err == OK && i <= shape->values; i++) {
        const struct gap *gap = &maker_gaps(maker)[shape->first_gap + i];
        if (gap->column != NONE32) {
            edge_meet(&filter->edges, &before, &columns[gap->column]);
        } else if (gap->size > 0) {
            struct ends ends = {0};
            struct str text = str_of(maker->text.data + gap->offset, gap->size);
            err = filter_piece(filter, text);
            err = err == OK ? ends_add(&ends, text, filter->scratch) : err;
            edge_meet(&filter->edges, &before, &ends);
        }
        if (i < shape->values) {
            edge_meet(&filter->edges, &before, &columns[values[i]]);
        }
    }
    return err;
}

static bool column_escapes(const struct block_maker *maker, uint32_t column)
{
    return str_find_byte(buf_str(&maker->columns[column].room.text), '\\') != STR_NONE;
}

/* Names of fields whose values lie in several pieces or in a column that did not tell them.  An
 * escape may begin in one piece and end in the next. */
static enum err spans_tell(const struct block_maker *maker, const struct shape *shape, bool *known,
                           struct filter *filter, struct buf *names)
{
    const uint32_t *columns = maker_shape_columns(maker, shape);
    enum err err = OK;
    for (uint32_t i = 0; err == OK && i < shape->spans; i++) {
        const struct shape_span *span = &maker_spans(maker, shape)[i];
        uint32_t column = columns[span->derived ? shape->values + span->from : span->from];
        bool several = !span->derived && span->count > 1;
        for (uint32_t k = 0; several && span->how == SPAN_JSON_STRING && k < span->count; k++) {
            filter->edges.wide =
                filter->edges.wide || column_escapes(maker, columns[span->from + k]);
        }
        if (!known[span->name] && (several || !maker->columns[column].told)) {
            known[span->name] = true;
            uint32_t at;
            memcpy(&at, maker->name_places.data + span->name * sizeof at, sizeof at);
            uint16_t size;
            memcpy(&size, maker->names.data + at, sizeof size);
            uint32_t hash = filter_name(str_of(maker->names.data + at + 2, size), filter->salt);
            err = buf_append(names, str_of(&hash, sizeof hash));
        }
    }
    return err;
}

enum err block_tell(const struct block_maker *maker, struct filter *filter, struct buf *names)
{
    struct ends *columns = ARENA_ARRAY(maker->scratch, struct ends, maker->columns_count + 1u);
    bool *known = ARENA_ARRAY(maker->scratch, bool, maker->name_ids.count + 1u);
    if (columns == NULL || known == NULL) {
        return ERR_MEMORY;
    }
    enum err err = OK;
    for (uint32_t i = 0; err == OK && i < maker->columns_count; i++) {
        err = column_ends(&maker->columns[i], filter->scratch, &columns[i]);
        arena_reset(filter->scratch);
    }
    size_t shapes = maker->shapes.size / sizeof(struct shape);
    for (size_t i = 0; err == OK && i < shapes; i++) {
        const struct shape *shape = &maker_shapes(maker)[i];
        err = shape_tell(maker, shape, columns, filter);
        err = err == OK ? spans_tell(maker, shape, known, filter, names) : err;
        arena_reset(filter->scratch);
    }
    /* What is kept whole was never cut: it may hold anything. */
    size_t leaves = maker->leaves.size / sizeof(struct maker_leaf);
    for (size_t i = 0; i < leaves; i++) {
        filter->whole = filter->whole || maker_leaves(maker)[i].whole_size > 0;
    }
    return err;
}
