/*
 * One segment as a stream of leaves: entered when the merge has come to its first number, its
 * blocks unpacked one by one, and only those that may hold something wanted.
 *
 *     bound of the head → enter: directory → bound of a block that may fit → unpack it: rows that
 * may fit → leaf with such a row, ready → … → next block → … → done
 *
 * What is damaged is passed over.  The memory of all unpacked blocks together is bounded
 * (READER_BLOCKS_MEMORY): the one that was used longest ago is given up, and unpacked again if it
 * is needed; which rows of it may fit is not forgotten.
 *
 * Always true: the leaves of a stream come in order of their numbers, each once.
 */

#include "archive/merge_segment.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

#define NOTES_MAX 65536

enum err segment_stream_new(struct merge *merge, struct reader_segment *from,
                            struct segment_stream **ret)
{
    struct segment_stream *stream = calloc(1, sizeof *stream);
    if (stream == NULL) {
        return ERR_MEMORY;
    }
    stream->from = from;
    stream->bound = merge->wanted->by_arrival ? from->head.last : from->head.first;
    *ret = stream;
    return OK;
}

static void block_leave(struct reader *reader, struct segment_stream *stream)
{
    if (stream->mem != NULL) {
        arena_reset(stream->mem);
    }
    if (reader != NULL && reader->spare == NULL && stream->mem != NULL &&
        arena_held(stream->mem) <= READER_BLOCKS_MEMORY / 2) {
        reader->spare = stream->mem;
    } else {
        arena_free(stream->mem);
    }
    stream->mem = NULL;
    stream->opened = NULL;
}

static struct arena *block_memory(struct reader *reader)
{
    struct arena *mem = reader->spare;
    reader->spare = NULL;
    return mem != NULL ? mem : arena_new(BLOCK_MEMORY_MAX);
}

static void stream_leave(struct segment_stream *stream)
{
    block_leave(NULL, stream);
    segment_close(stream->segment);
    stream->segment = NULL;
    arena_free(stream->tables);
    stream->tables = NULL;
    free(stream->rows);
    free(stream->notes);
    stream->rows = NULL;
    stream->notes = NULL;
    stream->notes_count = stream->notes_at = 0;
    if (stream->opened_file) {
        file_close(stream->from->file);
        stream->from->file = NULL;
        stream->opened_file = false;
    }
    stream->ready = false;
    stream->done = true;
}

void segment_stream_free(struct segment_stream *stream)
{
    if (stream != NULL) {
        stream_leave(stream);
        free(stream);
    }
}

static enum err note_keep(void *context, uint64_t sequence, struct str kind, struct str hash)
{
    struct segment_stream *stream = context;
    if (stream->notes_count % 64 == 0) {
        struct segment_note *larger =
            realloc(stream->notes, (stream->notes_count + 64) * sizeof *larger);
        if (larger == NULL) {
            return ERR_MEMORY;
        }
        stream->notes = larger;
    }
    struct segment_note note = {.sequence = sequence};
    if (stream->notes_count == NOTES_MAX) {
        return ERR_LIMIT;
    }
    enum err err = arena_copy(stream->tables, kind, &note.kind);
    err = err == OK ? arena_copy(stream->tables, hash, &note.hash) : err;
    if (err == OK) {
        stream->notes[stream->notes_count++] = note;
    }
    return err;
}

static enum err tables_read(struct merge *merge, struct segment_stream *stream)
{
    const struct segment_head *head = segment_head(stream->segment);
    bool notes = merge_heeds(merge);
    if (!notes && !merge->wanted->whole) {
        return OK;
    }
    size_t size = (size_t)4 * SEGMENT_GENERATIONS_MAX + (size_t)head->leaves * 400 + (1 << 20);
    stream->tables = arena_new(size);
    enum err err = stream->tables == NULL ? ERR_MEMORY : OK;
    if (err == OK && notes) {
        err = segment_notes(stream->segment, note_keep, stream, NULL);
    }
    if (err == OK && merge->wanted->whole) {
        err = segment_leaves(stream->from->file, head, stream->tables, &stream->leaves, NULL);
        err =
            err == OK ? segment_salts(stream->segment, stream->tables, &stream->salts, NULL) : err;
    }
    return err;
}

static enum err stream_enter(struct merge *merge, struct segment_stream *stream)
{
    struct reader *reader = merge->reader;
    struct reader_segment *from = stream->from;
    char path[PATH_SIZE];
    enum err err = OK;
    if (from->file == NULL) {
        err = segment_path(reader->folder, from->grant.client, from->grant.generation, true, path,
                           sizeof path);
        err = err == OK ? disk_open(reader->disk, path, DISK_READ, &from->file, NULL) : err;
        stream->opened_file = err == OK;
        if (err != OK) {
            from->file = NULL;
        }
    }
    err = err == OK ? segment_open(from->file, &from->grant.key, &stream->segment, NULL) : err;
    if (err == OK) {
        stream->blocks_left = (size_t)segment_head(stream->segment)->blocks;
        err = tables_read(merge, stream);
    }
    if (err == ERR_CORRUPT || err == ERR_NOT_FOUND) {
        stream_leave(stream);
        return OK;
    }
    return err;
}

static enum err block_fits(struct merge *merge, struct segment_stream *stream,
                           const struct segment_block *block, bool *ret)
{
    if (merge->wanted->whole) {
        *ret = true;
        return OK;
    }
    if (merge->wanted->by_sequence) {
        *ret = wanted_within(merge->wanted, block->first, block->last);
        return OK;
    }
    enum err err = plan_may(merge->plan, &merge->span, segment_filter_key(stream->segment),
                            block->summary, ret);
    if (err == ERR_CORRUPT) {
        *ret = true; /* the block itself says what is wrong */
        err = OK;
    }
    return err;
}

static enum err block_choose(struct merge *merge, struct segment_stream *stream)
{
    bool back = merge->wanted->by_arrival;
    size_t count = (size_t)segment_head(stream->segment)->blocks;
    while (stream->blocks_left > 0) {
        size_t index = back ? stream->blocks_left - 1 : count - stream->blocks_left;
        const struct segment_block *block = segment_block(stream->segment, index);
        bool fits = false;
        stream->blocks_left--;
        enum err err = block_fits(merge, stream, block, &fits);
        if (err != OK) {
            return err;
        }
        if (fits) {
            stream->block = index;
            stream->chosen = true;
            stream->bound = back ? block->last : block->first;
            return OK;
        }
    }
    stream_leave(stream);
    return OK;
}

/* Gives up what was used longest ago while all unpacked blocks together hold too much. */
static void memory_bound(struct merge *merge, const struct segment_stream *keep)
{
    for (;;) {
        struct segment_stream *oldest = NULL;
        size_t held = 0;
        for (size_t i = 0; i < merge->active_count; i++) {
            struct segment_stream *stream = merge->active[i];
            held += stream->mem != NULL ? arena_held(stream->mem) : 0;
            if (stream != keep && stream->mem != NULL &&
                (oldest == NULL || stream->used < oldest->used)) {
                oldest = stream;
            }
        }
        if (oldest == NULL || held <= READER_BLOCKS_MEMORY) {
            return;
        }
        block_leave(merge->reader, oldest);
    }
}

static enum err block_unpack(struct merge *merge, struct segment_stream *stream)
{
    struct str data;
    stream->used = ++merge->clock;
    if (stream->opened != NULL) {
        return OK;
    }
    memory_bound(merge, stream);
    stream->mem = block_memory(merge->reader);
    enum err err = stream->mem == NULL ? ERR_MEMORY : OK;
    err = err == OK ? segment_read(stream->segment, stream->block, stream->mem, &data, NULL) : err;
    err = err == OK ? block_open(data, stream->mem, &stream->opened, NULL) : err;
    if (err == OK && merge->reader->records_only) {
        block_records_only(stream->opened);
    }
    if (err != OK) {
        block_leave(merge->reader, stream);
    }
    return err;
}

static void rows_of_sequences(const struct merge *merge, struct segment_stream *stream)
{
    const struct wanted *wanted = merge->wanted;
    for (size_t i = 0; i < block_leaves(stream->opened); i++) {
        struct block_leaf leaf;
        block_leaf(stream->opened, i, &leaf);
        for (size_t at = wanted->at; at < wanted->count; at++) {
            uint64_t sequence = wanted->sequences[at];
            if (sequence >= leaf.first + leaf.events) {
                break;
            }
            if (sequence >= leaf.first) {
                size_t row = leaf.row + (size_t)(sequence - leaf.first);
                stream->rows[row / 8] |= (uint8_t)(1u << (row % 8));
            }
        }
    }
}

/* The rows that may be wanted, kept beside the block. */
static enum err rows_find(struct merge *merge, struct segment_stream *stream, size_t *ret_count)
{
    uint8_t *rows = NULL;
    const struct segment_block *block = segment_block(stream->segment, stream->block);
    enum err err = OK;
    stream->rows_size = ((size_t)block->events + 7) / 8;
    free(stream->rows);
    stream->rows = calloc(1, stream->rows_size + 1);
    if (stream->rows == NULL) {
        return ERR_MEMORY;
    }
    if (merge->wanted->by_sequence) {
        rows_of_sequences(merge, stream);
        *ret_count = 1;
    } else if (merge->wanted->whole) {
        memset(stream->rows, 0xff, stream->rows_size);
        *ret_count = 1;
    } else {
        err = plan_rows(merge->plan, &merge->span, stream->opened, &rows, ret_count, NULL);
        if (err == OK) {
            memcpy(stream->rows, rows, stream->rows_size);
        }
    }
    return err;
}

/* Whether the block's leaves are those that its entry names. */
static bool block_agrees(const struct segment_stream *stream)
{
    const struct segment_block *entry = segment_block(stream->segment, stream->block);
    size_t count = block_leaves(stream->opened);
    uint64_t row = 0;
    uint64_t next = entry->first;
    for (size_t i = 0; i < count; i++) {
        struct block_leaf leaf;
        block_leaf(stream->opened, i, &leaf);
        if (leaf.row != row || leaf.first < next || leaf.events == 0 || leaf.first > entry->last ||
            leaf.events > entry->last - leaf.first + 1) {
            return false;
        }
        row += leaf.events;
        next = leaf.first + leaf.events;
    }
    return count > 0 && row == entry->events && next == entry->last + 1;
}

static enum err block_enter(struct merge *merge, struct segment_stream *stream)
{
    size_t count = 0;
    enum err err = block_unpack(merge, stream);
    if (err == OK && !block_agrees(stream)) {
        err = ERR_CORRUPT;
    }
    err = err == OK && merge->wanted->prove ? block_prove(stream->opened, NULL) : err;
    err = err == OK ? rows_find(merge, stream, &count) : err;
    if (err == ERR_CORRUPT || (err == OK && count == 0)) {
        block_leave(merge->reader, stream);
        stream->chosen = false;
        return OK;
    }
    if (err == OK) {
        stream->leaves_left = block_leaves(stream->opened);
    }
    return err;
}

static bool leaf_fits(const struct segment_stream *stream, const struct block_leaf *leaf)
{
    for (size_t row = leaf->row; row < leaf->row + leaf->events; row++) {
        if (row % 8 == 0 && stream->rows[row / 8] == 0 && row + 8 <= leaf->row + leaf->events) {
            row += 7;
        } else if ((stream->rows[row / 8] >> (row % 8) & 1) != 0) {
            return true;
        }
    }
    return false;
}

static enum err leaf_choose(struct merge *merge, struct segment_stream *stream)
{
    enum err err = block_unpack(merge, stream);
    size_t count = err == OK ? block_leaves(stream->opened) : 0;
    while (err == OK && stream->leaves_left > 0) {
        size_t index =
            merge->wanted->by_arrival ? stream->leaves_left - 1 : count - stream->leaves_left;
        stream->leaves_left--;
        block_leaf(stream->opened, index, &stream->next);
        if (leaf_fits(stream, &stream->next)) {
            stream->leaf = index;
            stream->ready = true;
            return OK;
        }
    }
    if (err == OK || err == ERR_CORRUPT) {
        block_leave(merge->reader, stream);
        stream->chosen = false;
        stream->leaves_left = 0;
        err = OK;
    }
    return err;
}

enum err segment_stream_step(struct merge *merge, struct segment_stream *stream)
{
    if (stream->segment == NULL) {
        return stream_enter(merge, stream);
    }
    if (!stream->chosen) {
        return block_choose(merge, stream);
    }
    return stream->leaves_left == 0 ? block_enter(merge, stream) : leaf_choose(merge, stream);
}

void segment_stream_pass(struct merge *merge, struct segment_stream *stream)
{
    bool back = merge->wanted->by_arrival;
    stream->ready = false;
    stream->bound = back ? stream->next.first - 1 : stream->next.first + stream->next.events;
    if (stream->leaves_left == 0) {
        block_leave(merge->reader, stream);
        stream->chosen = false;
    }
}

const struct segment_leaf *segment_stream_leaf(const struct segment_stream *stream)
{
    size_t low = 0;
    size_t high = stream->leaves == NULL ? 0 : (size_t)stream->from->head.leaves;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (stream->leaves[middle].first < stream->next.first) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const struct segment_leaf *leaf = stream->leaves == NULL ? NULL : &stream->leaves[low];
    bool fits = leaf != NULL && low < stream->from->head.leaves &&
                leaf->first == stream->next.first && leaf->events == stream->next.events &&
                leaf->source.value == stream->next.source.value;
    return fits ? leaf : NULL;
}

enum err segment_stream_batch(struct merge *merge, struct segment_stream *stream, uint8_t *ret_salt,
                              struct batch *ret, const uint32_t **ret_rows, struct why *why)
{
    struct reader *reader = merge->reader;
    const struct segment_leaf *leaf = segment_stream_leaf(stream);
    if (ret_salt != NULL && leaf == NULL) {
        return why_say(why, ERR_CORRUPT, 0, "the block's leaf is not in the table of leaves");
    }
    enum err err = block_unpack(merge, stream);
    arena_reset(reader->mem);
    if (err == OK) {
        err = block_batch(stream->opened, stream->leaf, merge->wanted->whole ? NULL : stream->rows,
                          reader->mem, ret, ret_rows, why);
    }
    if (err == OK &&
        (!client_equal(ret->client, merge->client) ||
         ret->source.value != stream->next.source.value || ret->events > stream->next.events)) {
        err = why_say(why, ERR_CORRUPT, 0, "the batch is not the one that its leaf names");
    }
    if (err == OK && ret_salt != NULL) {
        memcpy(ret_salt, stream->salts + (size_t)(leaf - stream->leaves) * SEGMENT_SALT_SIZE,
               SEGMENT_SALT_SIZE);
    }
    return err;
}
