/*
 * One column, read again: what the head says of it, its streams, and one entry at a time.
 *
 * Always true of a loaded column: each number that names a word, a skeleton or an entry of a column
 * below it names one that is there.
 */

#include "archive/block_private.h"

#include <string.h>

#define SKELETONS_COUNT_MAX 65536

static enum err texts_take(struct str *head, uint32_t *stream, uint32_t count, struct texts *ret)
{
    enum err err = ints_take(head, stream, count, &ret->sizes);
    ret->stream = (*stream)++;
    return err;
}

static enum err split_take(struct str *head, uint32_t *stream, uint32_t count, uint32_t rank,
                           struct arena *mem, struct column *column)
{
    uint32_t left;
    uint32_t at = 0;
    uint32_t subs = 1;
    enum err err = count_take(head, SKELETONS_COUNT_MAX, &column->skeletons_count);
    err = err == OK ? count_take(head, count, &left) : err;
    if (err != OK || column->skeletons_count > head->size) {
        return ERR_CORRUPT;
    }
    column->texts.stream = (*stream)++;
    column->skeletons = ARENA_ARRAY(mem, struct column_skeleton, column->skeletons_count + 1u);
    if (column->skeletons == NULL) {
        return ERR_MEMORY;
    }
    for (uint32_t i = 0; i < column->skeletons_count; i++) {
        struct column_skeleton *skeleton = &column->skeletons[i];
        err = count_take(head, count, &skeleton->rows);
        err = err == OK ? count_take(head, head->size, &skeleton->holes) : err;
        if (err != OK) {
            return err;
        }
        skeleton->piece_from = at;
        skeleton->first_sub = subs;
        skeleton->piece_ends = ARENA_ARRAY(mem, uint32_t, skeleton->holes + 1u);
        if (skeleton->piece_ends == NULL) {
            return ERR_MEMORY;
        }
        for (uint32_t k = 0; err == OK && k <= skeleton->holes; k++) {
            uint32_t size;
            err = count_take(head, BLOCK_PLAIN_MAX - at, &size);
            at += err == OK ? size : 0;
            skeleton->piece_ends[k] = at;
        }
        subs += skeleton->holes;
        if (err != OK || subs > (uint32_t)1 << 24) {
            return ERR_CORRUPT;
        }
    }
    column->texts.sizes.count = at; /* what the stream must hold */
    err = ints_take(head, stream, count, &column->which);
    if (err != OK || subs > head->size + 1) {
        return ERR_CORRUPT;
    }
    column->subs_count = subs;
    column->subs = ARENA_ARRAY(mem, struct column, subs);
    if (column->subs == NULL) {
        return ERR_MEMORY;
    }
    err = column_take(head, stream, left, rank, true, mem, &column->subs[0]);
    for (uint32_t i = 0; i < column->skeletons_count; i++) {
        const struct column_skeleton *skeleton = &column->skeletons[i];
        for (uint32_t k = 0; err == OK && k < skeleton->holes; k++) {
            err = column_take(head, stream, skeleton->rows, rank, true, mem,
                              &column->subs[skeleton->first_sub + k]);
        }
    }
    return err;
}

static enum err same_take(struct str *head, uint32_t *stream, uint32_t count, uint32_t rank,
                          struct arena *mem, struct column *column)
{
    uint32_t wrong;
    if (rank == 0) {
        return ERR_CORRUPT;
    }
    enum err err = count_take(head, rank - 1, &column->same_as);
    err = err == OK ? count_take(head, count, &wrong) : err;
    if (err != OK || wrong == 0) {
        return err;
    }
    err = ints_take(head, stream, count, &column->which);
    column->subs_count = 1;
    column->subs = ARENA_ONE(mem, struct column);
    if (column->subs == NULL) {
        return ERR_MEMORY;
    }
    /* Rank 0: what differs is not the same as anything. */
    return err == OK ? column_take(head, stream, wrong, 0, true, mem, column->subs) : err;
}

static enum err pattern_column_take(struct str *head, uint32_t *stream, uint32_t count,
                                    struct arena *mem, struct column *column)
{
    column->pattern = ARENA_ONE(mem, struct column_pattern);
    column->numbers = ARENA_ARRAY(mem, struct ints, PATTERN_NUMBERS_MAX);
    if (column->pattern == NULL || column->numbers == NULL) {
        return ERR_MEMORY;
    }
    enum err err = pattern_take(head, column->pattern);
    for (uint32_t i = 0; err == OK && i < column->pattern->numbers_count; i++) {
        err = ints_take(head, stream, count, &column->numbers[i]);
    }
    return err;
}

enum err column_take(struct str *head, uint32_t *stream, uint32_t count, uint32_t rank, bool sub,
                     struct arena *mem, struct column *ret)
{
    struct column column = {.count = count, .name = NONE32};
    uint32_t kind;
    uint32_t words;
    enum err err = count_take(head, COLUMN_KIND_COUNT - 1, &kind);
    if (err != OK) {
        return err;
    }
    column.kind = (enum column_kind)kind;
    switch (column.kind) {
    case COLUMN_WORDS:
        err = count_take(head, WORDS_MAX, &words);
        if (err != OK || (words == 0) != (count == 0)) {
            return ERR_CORRUPT;
        }
        err = texts_take(head, stream, words, &column.texts);
        if (err == OK && words > 1) {
            err = ints_take(head, stream, count, &column.which);
        }
        break;
    case COLUMN_PATTERN:
        err = pattern_column_take(head, stream, count, mem, &column);
        break;
    case COLUMN_TEXT:
        err = texts_take(head, stream, count, &column.texts);
        break;
    case COLUMN_SPLIT:
        err = sub ? ERR_CORRUPT : split_take(head, stream, count, rank, mem, &column);
        break;
    default:
        err = same_take(head, stream, count, rank, mem, &column);
        break;
    }
    if (err == OK) {
        *ret = column;
    }
    return err;
}

/* ---- Loading. */

enum err texts_load(struct packs *packs, struct texts *texts)
{
    const int64_t *sizes;
    if (texts->offsets != NULL) {
        return OK;
    }
    enum err err = ints_read(packs, &texts->sizes, &sizes);
    uint32_t *offsets =
        err == OK ? ARENA_ARRAY(packs->mem, uint32_t, texts->sizes.count + 1u) : NULL;
    if (offsets == NULL) {
        return err == OK ? ERR_MEMORY : err;
    }
    err = packs_stream(packs, texts->stream, &texts->bytes);
    for (uint32_t i = 0; err == OK && i < texts->sizes.count; i++) {
        if (sizes[i] < 0 || (uint64_t)sizes[i] > texts->bytes.size - offsets[i]) {
            return ERR_CORRUPT;
        }
        offsets[i + 1] = offsets[i] + (uint32_t)sizes[i];
    }
    if (err == OK && offsets[texts->sizes.count] != texts->bytes.size) {
        err = ERR_CORRUPT;
    }
    texts->offsets = err == OK ? offsets : NULL;
    return err;
}

/* Numbers each entry among those of its kind: `which` is below max, and kind k has counts[k]. */
static enum err ranks_make(struct packs *packs, struct column *column, uint32_t max,
                           uint32_t *counts)
{
    const int64_t *which;
    enum err err = ints_read(&*packs, &column->which, &which);
    column->ranks = err == OK ? ARENA_ARRAY(packs->mem, uint32_t, column->count + 1u) : NULL;
    if (column->ranks == NULL) {
        return err == OK ? ERR_MEMORY : err;
    }
    for (uint32_t i = 0; i < column->count; i++) {
        if (which[i] < 0 || which[i] >= max) {
            return ERR_CORRUPT;
        }
        column->ranks[i] = counts[which[i]]++;
    }
    return OK;
}

static enum err split_load(struct block *block, struct column *column)
{
    uint32_t kinds = column->skeletons_count + 1;
    uint32_t *counts = ARENA_ARRAY(block->mem, uint32_t, kinds);
    if (counts == NULL) {
        return ERR_MEMORY;
    }
    enum err err = packs_stream(&block->packs, column->texts.stream, &column->texts.bytes);
    err = err == OK ? ranks_make(&block->packs, column, kinds, counts) : err;
    if (err != OK || column->texts.bytes.size != column->texts.sizes.count ||
        counts[0] != column->subs[0].count) {
        return err == OK ? ERR_CORRUPT : err;
    }
    for (uint32_t i = 0; i < column->skeletons_count; i++) {
        if (counts[i + 1] != column->skeletons[i].rows) {
            return ERR_CORRUPT;
        }
    }
    for (uint32_t i = 0; err == OK && i < column->subs_count; i++) {
        err = column_load(block, &column->subs[i]);
    }
    return err;
}

static enum err same_load(struct block *block, struct column *column)
{
    enum err err = column_load(block, &block->columns[column->same_as]);
    if (err != OK || column->subs_count == 0) {
        return err;
    }
    uint32_t counts[2] = {0};
    err = ranks_make(&block->packs, column, 2, counts);
    if (err == OK && counts[1] != column->subs->count) {
        err = ERR_CORRUPT;
    }
    return err == OK ? column_load(block, column->subs) : err;
}

static enum err words_load(struct block *block, struct column *column)
{
    const int64_t *which;
    uint32_t words = column->texts.sizes.count;
    enum err err = texts_load(&block->packs, &column->texts);
    if (err != OK || words <= 1) {
        return err;
    }
    err = ints_read(&block->packs, &column->which, &which);
    for (uint32_t i = 0; err == OK && i < column->count; i++) {
        err = which[i] < 0 || which[i] >= words ? ERR_CORRUPT : OK;
    }
    return err;
}

enum err column_load(struct block *block, struct column *column)
{
    const int64_t *numbers;
    if (column->loaded) {
        return OK;
    }
    enum err err = OK;
    switch (column->kind) {
    case COLUMN_WORDS:
        err = words_load(block, column);
        break;
    case COLUMN_PATTERN:
        for (uint32_t i = 0; err == OK && i < column->pattern->numbers_count; i++) {
            err = ints_read(&block->packs, &column->numbers[i], &numbers);
        }
        break;
    case COLUMN_TEXT:
        err = texts_load(&block->packs, &column->texts);
        break;
    case COLUMN_SPLIT:
        err = split_load(block, column);
        break;
    default:
        err = same_load(block, column);
        break;
    }
    column->loaded = err == OK;
    return err;
}

/* ---- Entries. */

static enum err pattern_append(const struct column *column, uint32_t index, struct buf *out)
{
    int64_t numbers[PATTERN_NUMBERS_MAX];
    size_t before = out->size;
    char *to;
    for (uint32_t i = 0; i < column->pattern->numbers_count; i++) {
        numbers[i] = column->numbers[i].values[index];
    }
    enum err err = buf_extend(out, PATTERN_ROOM, &to);
    if (err == OK) {
        out->size = before + pattern_print(column->pattern, numbers, to);
    }
    return err;
}

static enum err split_append(struct block *block, const struct column *column, uint32_t index,
                             struct buf *out)
{
    int64_t which = column->which.values[index];
    uint32_t rank = column->ranks[index];
    if (which == 0) {
        return column_append(block, &column->subs[0], rank, out);
    }
    const struct column_skeleton *skeleton = &column->skeletons[which - 1];
    const struct column *subs = &column->subs[skeleton->first_sub];
    const char *text = column->texts.bytes.data;
    uint32_t from = skeleton->piece_from;
    enum err err = OK;
    for (uint32_t i = 0; err == OK && i <= skeleton->holes; i++) {
        err = text_put(out, text + from, skeleton->piece_ends[i] - from);
        from = skeleton->piece_ends[i];
        if (err == OK && i < skeleton->holes) {
            err = column_append(block, &subs[i], rank, out);
        }
    }
    return err;
}

static enum err same_append(struct block *block, const struct column *column, uint32_t index,
                            struct buf *out)
{
    if (column->subs_count > 0 && column->which.values[index] != 0) {
        return column_append(block, column->subs, column->ranks[index], out);
    }
    const struct column *other = &block->columns[column->same_as];
    uint32_t at = block->cursors[column->same_as];
    return at < other->count ? column_append(block, other, at, out) : ERR_CORRUPT;
}

enum err column_append(struct block *block, const struct column *column, uint32_t index,
                       struct buf *out)
{
    struct str text;
    switch (column->kind) {
    case COLUMN_WORDS:
        text = texts_at(&column->texts,
                        column->texts.sizes.count == 1 ? 0 : (uint32_t)column->which.values[index]);
        return text_put(out, text.data, text.size);
    case COLUMN_PATTERN:
        return pattern_append(column, index, out);
    case COLUMN_TEXT:
        text = texts_at(&column->texts, index);
        return text_put(out, text.data, text.size);
    case COLUMN_SPLIT:
        return split_append(block, column, index, out);
    default:
        return same_append(block, column, index, out);
    }
}
