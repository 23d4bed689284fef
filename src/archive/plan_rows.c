/*
 * Which rows of a block may fit a query: columns are asked, not rows.
 *
 * A text that may stand anywhere is cut into runs (filter.h); each must lie in one piece of the
 * record, so each column and each gap is asked for it, and a row in which all runs were found may
 * fit.  A field's condition is asked of the words of its column, or of its entries.
 *
 *     words       each distinct text once
 *     pattern     not at all if its alphabet rules the run out, else each entry as it is printed
 *     text        all entries in one go
 *     split       skeletons, then each hole's column
 *     same        answered by the column that it is the same as, and by what differs
 *
 * Always true: whatever is unsure marks its rows; so do rows that are kept whole.
 */

#include "archive/plan.h"

#include <string.h>

#include "codec/json_text.h"

#define ROWS_FEW 64

/* What is asked of a text: a run anywhere, or a field's condition. */
struct question {
    struct str text; /* folded */
    enum required_how how;
    bool piece; /* a run, which may stand in any piece: holes and skeletons too */
};

struct rows {
    struct block *block;
    size_t bytes; /* of a bitmap */
};

static enum err column_ask(struct rows *rows, struct column *column,
                           const struct question *question, uint8_t *marks, bool *ret_any);

static uint8_t *bitmap_new(const struct rows *rows)
{
    return arena_take(rows->block->mem, rows->bytes);
}

static void mark(uint8_t *marks, uint32_t at)
{
    marks[at / 8] = (uint8_t)(marks[at / 8] | 1u << at % 8);
}

static bool marked(const uint8_t *marks, uint32_t at)
{
    return (marks[at / 8] >> at % 8 & 1) != 0;
}

/* ---- One text. */

static bool how_fits(const struct question *question, struct str folded)
{
    struct str text = question->text;
    switch (question->how) {
    case REQUIRED_EQUALS:
        return str_equal(folded, text);
    case REQUIRED_BEGINS:
        return str_starts(folded, text);
    case REQUIRED_ENDS:
        return str_ends(folded, text);
    default:
        return str_find(folded, text) != STR_NONE;
    }
}

/* As it stands, and as it reads if it is a JSON string. */
static enum err text_fits(const struct question *question, struct str text, struct arena *scratch,
                          bool *ret)
{
    struct str folded;
    struct str readable;
    enum err err = search_fold(text, scratch, &folded);
    bool fits = err == OK && how_fits(question, folded);
    if (err == OK && !fits && str_find_byte(text, '\\') != STR_NONE &&
        json_unescape(text, scratch, &readable) == OK) {
        err = search_fold(readable, scratch, &folded);
        fits = err == OK && how_fits(question, folded);
    }
    *ret = fits;
    return err;
}

/* ---- Many texts, one behind the other. */

/* Whether all may be asked in one go: no byte from 0x80 on, no escape of a character. */
static bool bytes_plain(struct str bytes)
{
    unsigned char all = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        all |= (unsigned char)bytes.data[i];
    }
    size_t escape = all < 0x80 ? str_find_byte(bytes, '\\') : STR_NONE;
    return all < 0x80 && (escape == STR_NONE ||
                          str_find(str_slice(bytes, escape, bytes.size), STR("\\u")) == STR_NONE);
}

static uint32_t text_of_offset(const struct texts *texts, uint32_t offset)
{
    uint32_t from = 0;
    uint32_t to = texts->sizes.count;
    while (to - from > 1) {
        uint32_t middle = from + (to - from) / 2;
        if (texts->offsets[middle] <= offset) {
            from = middle;
        } else {
            to = middle;
        }
    }
    return from;
}

/* A run among plain texts: all of them folded once, and looked through from hit to hit. */
static enum err run_find(const struct texts *texts, struct str run, struct arena *scratch,
                         uint8_t *marks, bool *ret_any)
{
    struct str folded;
    enum err err = search_fold(texts->bytes, scratch, &folded);
    size_t at = 0;
    while (err == OK && at < folded.size) {
        size_t found = str_find(str_slice(folded, at, folded.size), run);
        if (found == STR_NONE) {
            break;
        }
        uint32_t text = text_of_offset(texts, (uint32_t)(at + found));
        if (at + found + run.size <= texts->offsets[text + 1]) {
            mark(marks, text);
            *ret_any = true;
            at = texts->offsets[text + 1];
        } else {
            at += found + 1;
        }
    }
    return err;
}

static enum err texts_ask(struct rows *rows, struct texts *texts, const struct question *question,
                          uint8_t *marks, bool *ret_any)
{
    struct arena *scratch = rows->block->mem;
    enum err err = texts_load(&rows->block->packs, texts);
    if (err != OK) {
        return err;
    }
    if (question->piece && bytes_plain(texts->bytes)) {
        return run_find(texts, question->text, scratch, marks, ret_any);
    }
    bool ascii = bytes_plain(texts->bytes);
    bool escapes = str_find_byte(texts->bytes, '\\') != STR_NONE;
    for (uint32_t i = 0; err == OK && i < texts->sizes.count; i++) {
        bool fits = false;
        struct str text = texts_at(texts, i);
        if (question->how == REQUIRED_EQUALS && text.size != question->text.size && ascii &&
            (!escapes || str_find_byte(text, '\\') == STR_NONE)) {
            continue;
        }
        err = text_fits(question, text, scratch, &fits);
        if (fits) {
            mark(marks, i);
            *ret_any = true;
        }
    }
    return err;
}

/* ---- One column: marks its entries. */

static enum err words_ask(struct rows *rows, struct column *column, const struct question *question,
                          uint8_t *marks, bool *ret_any)
{
    uint8_t words[WORDS_MAX / 8 + 1] = {0};
    bool any = false;
    enum err err = texts_ask(rows, &column->texts, question, words, &any);
    if (err != OK || !any) {
        return err;
    }
    err = column_load(rows->block, column);
    bool one = column->texts.sizes.count == 1;
    for (uint32_t i = 0; err == OK && i < column->count; i++) {
        if (one || marked(words, (uint32_t)column->which.values[i])) {
            mark(marks, i);
            *ret_any = true;
        }
    }
    return err;
}

/* Whether a text of the pattern may hold it, by the bytes alone. */
static bool pattern_may(const struct column_pattern *pattern, struct str text)
{
    uint64_t kinds = 0;
    for (uint32_t i = 0; i < pattern->text_size; i++) {
        kinds |= (uint64_t)1 << run_kind(pattern->text[i]);
    }
    for (uint32_t i = 0; i < pattern->fields_count; i++) {
        enum digits_kind kind = pattern->fields[i].kind;
        bool decimal = kind == DIGITS_PLAIN || kind == DIGITS_FIXED;
        kinds |= decimal ? (uint64_t)0x3ff << 26 : (uint64_t)0x3ff << 26 | 0x3f;
    }
    uint64_t wanted = 0;
    for (size_t i = 0; i < text.size; i++) {
        wanted |= (uint64_t)1 << run_kind(text.data[i]);
    }
    bool plain =
        (kinds >> RUN_WIDE & 1) == 0 && memchr(pattern->text, '\\', pattern->text_size) == NULL;
    return !plain || (wanted & ~kinds) == 0;
}

static enum err pattern_ask(struct rows *rows, struct column *column,
                            const struct question *question, uint8_t *marks, bool *ret_any)
{
    if (!pattern_may(column->pattern, question->text)) {
        return OK;
    }
    int64_t numbers[PATTERN_NUMBERS_MAX];
    char text[PATTERN_ROOM];
    enum err err = column_load(rows->block, column);
    for (uint32_t i = 0; err == OK && i < column->count; i++) {
        for (uint32_t k = 0; k < column->pattern->numbers_count; k++) {
            numbers[k] = column->numbers[k].values[i];
        }
        size_t size = pattern_print(column->pattern, numbers, text);
        bool fits = false;
        err = text_fits(question, str_of(text, size), rows->block->mem, &fits);
        if (fits) {
            mark(marks, i);
            *ret_any = true;
        }
    }
    return err;
}

/* Marks of a sub-column's entries become marks of the column's. */
static void marks_raise(const struct column *column, int64_t kind, const uint8_t *sub,
                        uint8_t *marks)
{
    for (uint32_t i = 0; i < column->count; i++) {
        if (column->which.values[i] == kind && marked(sub, column->ranks[i])) {
            mark(marks, i);
        }
    }
}

static enum err sub_ask(struct rows *rows, struct column *column, struct column *sub, int64_t kind,
                        const struct question *question, uint8_t *marks, bool *ret_any)
{
    uint8_t *found = arena_take(rows->block->mem, sub->count / 8 + 1);
    bool any = false;
    enum err err = found == NULL ? ERR_MEMORY : column_ask(rows, sub, question, found, &any);
    err = err == OK && any ? column_load(rows->block, column) : err;
    if (err == OK && any) {
        marks_raise(column, kind, found, marks);
        *ret_any = true;
    }
    return err;
}

/* A run in a skeleton: the skeleton's own pieces are asked. */
static enum err skeleton_ask(struct rows *rows, struct column *column, uint32_t number,
                             const struct question *question, uint8_t *marks, bool *ret_any)
{
    const struct column_skeleton *skeleton = &column->skeletons[number];
    struct str text;
    enum err err = packs_stream(&rows->block->packs, column->texts.stream, &text);
    bool fits = false;
    uint32_t from = skeleton->piece_from;
    if (err == OK && text.size != column->texts.sizes.count) {
        err = ERR_CORRUPT;
    }
    for (uint32_t i = 0; err == OK && !fits && i <= skeleton->holes; i++) {
        struct str piece = str_slice(text, from, skeleton->piece_ends[i] - from);
        from = skeleton->piece_ends[i];
        err = text_fits(question, piece, rows->block->mem, &fits);
    }
    err = err == OK && fits ? column_load(rows->block, column) : err;
    for (uint32_t i = 0; err == OK && fits && i < column->count; i++) {
        if (column->which.values[i] == (int64_t)number + 1) {
            mark(marks, i);
            *ret_any = true;
        }
    }
    return err;
}

static enum err split_run_ask(struct rows *rows, struct column *column,
                              const struct question *question, uint8_t *marks, bool *ret_any)
{
    enum err err = sub_ask(rows, column, &column->subs[0], 0, question, marks, ret_any);
    for (uint32_t i = 0; err == OK && i < column->skeletons_count; i++) {
        const struct column_skeleton *skeleton = &column->skeletons[i];
        err = skeleton_ask(rows, column, i, question, marks, ret_any);
        for (uint32_t k = 0; err == OK && k < skeleton->holes; k++) {
            struct column *sub = &column->subs[skeleton->first_sub + k];
            /* What is the same as another column is asked there. */
            if (sub->kind != COLUMN_SAME || sub->subs_count > 0) {
                err = sub_ask(rows, column, sub, (int64_t)i + 1, question, marks, ret_any);
            }
        }
    }
    return err;
}

/* Of a field's condition all entries: whoever asks has looked for its runs. */
static void all_mark(const struct column *column, uint8_t *marks, bool *ret_any)
{
    memset(marks, 0xff, column->count / 8 + 1);
    *ret_any = column->count > 0;
}

static enum err column_ask(struct rows *rows, struct column *column,
                           const struct question *question, uint8_t *marks, bool *ret_any)
{
    switch (column->kind) {
    case COLUMN_WORDS:
        return words_ask(rows, column, question, marks, ret_any);
    case COLUMN_PATTERN:
        return pattern_ask(rows, column, question, marks, ret_any);
    case COLUMN_TEXT:
        return texts_ask(rows, &column->texts, question, marks, ret_any);
    case COLUMN_SPLIT:
        if (question->piece) {
            return split_run_ask(rows, column, question, marks, ret_any);
        }
        all_mark(column, marks, ret_any);
        return OK;
    default:
        if (!question->piece) {
            all_mark(column, marks, ret_any);
            return OK;
        }
        if (column->subs_count > 0) {
            return sub_ask(rows, column, column->subs, 1, question, marks, ret_any);
        }
        return OK;
    }
}

/* ---- From entries to rows. */

static uint32_t shape_uses(const struct block_shape *shape, uint32_t column)
{
    for (uint32_t i = 0; i < shape->uses_count; i++) {
        if (shape->uses[i].column == column) {
            return shape->uses[i].count;
        }
    }
    return 0;
}

/* Rows of a column's marked entries. */
static enum err rows_of_entries(struct rows *rows, uint32_t column, const uint8_t *marks,
                                uint8_t *bitmap)
{
    struct block *block = rows->block;
    uint32_t *uses = ARENA_ARRAY(block->mem, uint32_t, block->shapes_count + 1u);
    enum err err = uses == NULL ? ERR_MEMORY : block_rows(block);
    if (err != OK) {
        return err;
    }
    for (uint32_t i = 0; i < block->shapes_count; i++) {
        uses[i + 1] = shape_uses(&block->shapes[i], column);
    }
    uint32_t at = 0;
    for (uint32_t row = 0; row < block->events; row++) {
        uint32_t end = at + uses[block->shape.values[row]];
        for (; at < end; at++) {
            if (marked(marks, at)) {
                mark(bitmap, row);
            }
        }
    }
    return OK;
}

static enum err column_rows(struct rows *rows, uint32_t number, const struct question *question,
                            uint8_t *bitmap)
{
    struct column *column = &rows->block->columns[number];
    uint8_t *marks = arena_take(rows->block->mem, column->count / 8 + 1);
    bool any = false;
    enum err err = marks == NULL ? ERR_MEMORY : column_ask(rows, column, question, marks, &any);
    return err == OK && any ? rows_of_entries(rows, number, marks, bitmap) : err;
}

static enum err shapes_rows(struct rows *rows, const bool *shapes, uint8_t *bitmap)
{
    enum err err = block_rows(rows->block);
    for (uint32_t row = 0; err == OK && row < rows->block->events; row++) {
        int64_t shape = rows->block->shape.values[row];
        if (shape == SHAPE_WHOLE || shapes[shape - 1]) {
            mark(bitmap, row);
        }
    }
    return err;
}

/* ---- Anywhere. */

static enum err run_rows(struct rows *rows, struct str run, uint8_t *bitmap)
{
    struct block *block = rows->block;
    const struct question question = {run, REQUIRED_HOLDS, true};
    bool *shapes = ARENA_ARRAY(block->mem, bool, block->shapes_count + 1u);
    if (shapes == NULL) {
        return ERR_MEMORY;
    }
    enum err err = OK;
    bool any = false;
    for (uint32_t i = 0; err == OK && i < block->shapes_count; i++) {
        const struct block_shape *shape = &block->shapes[i];
        for (uint32_t k = 0; err == OK && !shapes[i] && k <= shape->values; k++) {
            if (shape->gaps[k].column == NONE32 && shape->gaps[k].literal.size > 0) {
                err = text_fits(&question, shape->gaps[k].literal, block->mem, &shapes[i]);
            }
        }
        any |= shapes[i];
    }
    for (uint32_t i = 0; err == OK && i < block->columns_count; i++) {
        err = column_rows(rows, i, &question, bitmap);
    }
    return err == OK && any ? shapes_rows(rows, shapes, bitmap) : err;
}

/* So few rows are made faster than columns are asked once more. */
static bool bitmap_small(const struct rows *rows, const uint8_t *bitmap)
{
    size_t count = 0;
    for (size_t i = 0; i < rows->bytes; i++) {
        count += (size_t)__builtin_popcount(bitmap[i]);
    }
    return count <= ROWS_FEW;
}

static bool bitmap_empty(const struct rows *rows, const uint8_t *bitmap)
{
    for (size_t i = 0; i < rows->bytes; i++) {
        if (bitmap[i] != 0) {
            return false;
        }
    }
    return true;
}

/* Rows in which each run of the text stands in some piece. */
static enum err text_rows(struct rows *rows, struct str text, uint8_t *bitmap)
{
    struct str run;
    enum err err = OK;
    memset(bitmap, 0xff, rows->bytes);
    while (err == OK && run_next(&text, &run)) {
        run = run_sure(run);
        if (run.size < 2 || edges_cross(&rows->block->edges, run) || bitmap_small(rows, bitmap)) {
            continue;
        }
        uint8_t *some = bitmap_new(rows);
        err = some == NULL ? ERR_MEMORY : run_rows(rows, run, some);
        for (size_t i = 0; err == OK && i < rows->bytes; i++) {
            bitmap[i] &= some[i];
        }
    }
    return err;
}

/* ---- Fields. */

/* Whether the column's entries can be asked as whole values, and which column they are. */
static uint32_t column_asked(const struct block *block, uint32_t column)
{
    while (block->columns[column].kind == COLUMN_SAME && block->columns[column].subs_count == 0) {
        column = block->columns[column].same_as;
    }
    return column;
}

static enum err span_rows(struct rows *rows, const struct block_shape *shape,
                          const struct shape_span *span, const struct question *question,
                          bool *asked, uint8_t *bitmap, bool *ret_all)
{
    if (!span->derived && span->count > 1) {
        *ret_all = true;
        return OK;
    }
    uint32_t column = column_asked(
        rows->block, shape->columns[span->derived ? shape->values + span->from : span->from]);
    enum column_kind kind = rows->block->columns[column].kind;
    if (kind == COLUMN_SPLIT || kind == COLUMN_SAME) {
        *ret_all = true;
        return OK;
    }
    if (asked[column]) {
        return OK;
    }
    asked[column] = true;
    return column_rows(rows, column, question, bitmap);
}

/* Rows in which the field may fit; question NULL: in which it is there.  *ret_unsure: of some shape
 * that has the field all rows were taken. */
static enum err field_rows(struct rows *rows, struct str field, const struct question *question,
                           uint8_t *bitmap, bool *ret_unsure)
{
    struct block *block = rows->block;
    bool *shapes = ARENA_ARRAY(block->mem, bool, block->shapes_count + 1u);
    bool *asked = ARENA_ARRAY(block->mem, bool, block->columns_count + 1u);
    if (shapes == NULL || asked == NULL) {
        return ERR_MEMORY;
    }
    enum err err = OK;
    bool any = false;
    for (uint32_t i = 0; err == OK && i < block->shapes_count; i++) {
        const struct block_shape *shape = &block->shapes[i];
        for (uint32_t k = 0; err == OK && k < shape->spans_count; k++) {
            if (!str_equal(block->names[shape->spans[k].name], field)) {
                continue;
            }
            if (question == NULL) {
                shapes[i] = true;
            } else {
                err = span_rows(rows, shape, &shape->spans[k], question, asked, bitmap, &shapes[i]);
            }
        }
        any |= shapes[i];
    }
    *ret_unsure = any;
    return err == OK && any ? shapes_rows(rows, shapes, bitmap) : err;
}

static enum err required_text_rows(struct rows *rows, const struct required *required,
                                   uint8_t *bitmap)
{
    if (str_starts(required->field, STR("hinomi."))) {
        memset(bitmap, 0xff, rows->bytes);
        return OK;
    }
    if (required->field.size == 0 || plan_own_field(required->field)) {
        return text_rows(rows, required->text, bitmap);
    }
    const struct question question = {required->text, required->how, false};
    bool empty = required->text.size == 0;
    bool unsure = false;
    enum err err = field_rows(rows, required->field, empty ? NULL : &question, bitmap, &unsure);
    if (err != OK || !unsure || bitmap_empty(rows, bitmap)) {
        return err;
    }
    /* Where the field was unsure, its runs may still rule the row out. */
    uint8_t *some = bitmap_new(rows);
    err = some == NULL ? ERR_MEMORY : text_rows(rows, required->text, some);
    for (size_t i = 0; err == OK && i < rows->bytes; i++) {
        bitmap[i] &= some[i];
    }
    return err;
}

static enum err required_rows(struct rows *rows, const struct required *required, uint8_t *bitmap)
{
    enum err err = OK;
    bool unsure;
    bool all = required->kind == REQUIRED_ALL;
    switch (required->kind) {
    case REQUIRED_NEVER:
        return OK;
    case REQUIRED_ALL:
    case REQUIRED_ANY:
        memset(bitmap, all ? 0xff : 0, rows->bytes);
        for (size_t i = 0; err == OK && i < required->count; i++) {
            uint8_t *some = bitmap_new(rows);
            if (all && bitmap_empty(rows, bitmap)) {
                break;
            }
            err = some == NULL ? ERR_MEMORY : required_rows(rows, required->children[i], some);
            for (size_t k = 0; err == OK && k < rows->bytes; k++) {
                bitmap[k] = (uint8_t)(all ? bitmap[k] & some[k] : bitmap[k] | some[k]);
            }
        }
        return err;
    case REQUIRED_TEXT:
        return required_text_rows(rows, required, bitmap);
    case REQUIRED_NUMBER:
    case REQUIRED_NETWORK:
    case REQUIRED_PRESENT:
        if (plan_own_field(required->field)) {
            memset(bitmap, 0xff, rows->bytes);
            return OK;
        }
        return field_rows(rows, required->field, NULL, bitmap, &unsure);
    default:
        memset(bitmap, 0xff, rows->bytes);
        return OK;
    }
}

/* ---- The span, and all together. */

/* Leaves the rows of the sources and the times that are asked for; *ret_count of them. */
static enum err span_narrow(const struct plan_span *span, struct block *block, uint8_t *bitmap,
                            size_t *ret_count)
{
    enum err err = block_rows(block);
    if (err != OK) {
        return err;
    }
    size_t count = 0;
    const int64_t *times = span->by_arrival ? block->received.values : block->happened.values;
    for (size_t i = 0; i < block->leaves_count; i++) {
        const struct block_leaf *leaf = &block->leaves[i].leaf;
        bool source = plan_source(span, leaf->source.value);
        for (uint32_t row = leaf->row; row < leaf->row + leaf->events; row++) {
            bool in = source && times[row] >= span->from.ns && times[row] < span->to.ns;
            if (!in) {
                bitmap[row / 8] = (uint8_t)(bitmap[row / 8] & ~(1u << row % 8));
            }
            count += marked(bitmap, row);
        }
    }
    *ret_count = count;
    return OK;
}

enum err plan_rows(const struct plan *plan, const struct plan_span *span, struct block *block,
                   uint8_t **ret_rows, size_t *ret_count, struct why *why)
{
    struct rows rows = {block, block->events / 8 + 1};
    uint8_t *bitmap = bitmap_new(&rows);
    if (bitmap == NULL) {
        return ERR_MEMORY;
    }
    enum err err = OK;
    bool whole = false;
    for (size_t i = 0; i < block->leaves_count; i++) {
        whole = whole || block->leaves[i].whole != NONE32;
    }
    if (plan->required == NULL || whole) {
        memset(bitmap, 0xff, rows.bytes);
    } else {
        err = required_rows(&rows, plan->required, bitmap);
    }
    size_t count = 0;
    if (err == OK && !bitmap_empty(&rows, bitmap)) {
        err = span_narrow(span, block, bitmap, &count);
    }
    packs_rest(&block->packs);
    if (err == ERR_CORRUPT) {
        return why_say(why, err, 0, "a block's columns are not what was written");
    }
    if (err == OK) {
        *ret_rows = bitmap;
        *ret_count = count;
    }
    return err;
}
