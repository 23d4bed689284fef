/*
 * Writing a segment: blocks as they fill, then the pieces, then the head.
 *
 * The head comes last and names the hash of everything behind it: a file whose writer died has none
 * and is debris.
 *
 * Always true: `at` is the end of what was written, and `body` has hashed exactly that; leaves
 * ascend in index and in sequence number; every key and nonce is used once, since the seed is new
 * and the pieces are numbered.
 */

#include <stdlib.h>
#include <string.h>

#include "archive/segment_private.h"
#include "base/bytes.h"
#include "codec/zstd.h"

struct segment_writer {
    struct file *file;
    const struct segment_order *order;
    struct segment_head head;
    struct block_maker *maker;
    struct sha256_run *body;
    uint64_t at;
    uint64_t block_first; /* of the block in the maker */
    struct segment_leaf *leaves;
    size_t leaves_capacity;
    struct segment_source *sources; /* ascending */
    size_t sources_count, sources_capacity;
    struct buf directory, notes;
    struct buf block, summary;
};

void segment_sealing(struct client_id client, uint64_t generation, enum segment_sealed kind,
                     uint64_t number, uint8_t ret_nonce[AES_NONCE_SIZE],
                     char ret_beside[SEGMENT_BESIDE_SIZE])
{
    put_u32(ret_nonce, (uint32_t)kind);
    put_u64(ret_nonce + 4, number);
    memcpy(ret_beside, "HINOMIsg", 8);
    put_u32(ret_beside + 8, client.value);
    put_u64(ret_beside + 12, generation);
}

enum err segment_writer_new(struct file *file, const struct segment_order *order,
                            struct segment_writer **ret)
{
    uint8_t filter_key[BLOCK_FILTER_KEY_SIZE];
    struct segment_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL) {
        return ERR_MEMORY;
    }
    writer->file = file;
    writer->order = order;
    writer->at = SEGMENT_HEAD_SIZE;
    writer->body = sha256_begin();
    buf_init(&writer->directory, SEGMENT_DIRECTORY_MAX + AES_TAG_SIZE);
    buf_init(&writer->notes, SEGMENT_GENERATIONS_MAX + AES_TAG_SIZE);
    buf_init(&writer->block, SEGMENT_BLOCK_MAX);
    buf_init(&writer->summary, SEGMENT_DIRECTORY_MAX);
    segment_filter_key_of(&order->key, filter_key);
    enum err err = block_maker_new((int)order->level, filter_key, &writer->maker);
    secret_forget(filter_key, sizeof filter_key);
    if (err != OK) {
        segment_writer_free(writer);
        return err;
    }
    *ret = writer;
    return OK;
}

void segment_writer_free(struct segment_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    if (writer->body != NULL) {
        (void)sha256_end(writer->body);
    }
    block_maker_free(writer->maker);
    free(writer->leaves);
    free(writer->sources);
    buf_done(&writer->directory);
    buf_done(&writer->notes);
    buf_done(&writer->block);
    buf_done(&writer->summary);
    free(writer);
}

enum err segment_note(struct segment_writer *writer, uint64_t sequence, struct str kind,
                      struct str hash)
{
    char numbers[16];
    if (kind.size > 255 || hash.size > 1024) {
        return ERR_LIMIT;
    }
    put_u64(numbers, sequence);
    put_u32(numbers + 8, (uint32_t)kind.size);
    put_u32(numbers + 12, (uint32_t)hash.size);
    size_t before = writer->notes.size;
    enum err err = buf_append(&writer->notes, str_of(numbers, sizeof numbers));
    err = err == OK ? buf_append(&writer->notes, kind) : err;
    err = err == OK ? buf_append(&writer->notes, hash) : err;
    if (err != OK || writer->notes.size > SEGMENT_GENERATIONS_MAX) {
        writer->notes.size = before;
        return err != OK ? err : ERR_LIMIT;
    }
    return OK;
}

static enum err bytes_write(struct segment_writer *writer, struct str bytes)
{
    enum err err = file_write(writer->file, writer->at, bytes.data, bytes.size);
    if (err == OK) {
        sha256_add(writer->body, bytes);
        writer->at += bytes.size;
    }
    return err;
}

/* Seals in place: buf has room for the tag. */
static enum err sealed_write(struct segment_writer *writer, struct buf *buf,
                             enum segment_sealed kind, uint64_t number)
{
    uint8_t nonce[AES_NONCE_SIZE];
    char beside[SEGMENT_BESIDE_SIZE];
    char *tag;
    struct str plain = buf_str(buf);
    enum err err = buf_extend(buf, AES_TAG_SIZE, &tag);
    if (err != OK) {
        return err;
    }
    plain.data = buf->data;
    segment_sealing(writer->order->client, writer->order->generation, kind, number, nonce, beside);
    aes_seal(writer->order->key.bytes, nonce, str_of(beside, sizeof beside), plain, buf->data);
    return bytes_write(writer, buf_str(buf));
}

static enum err block_flush(struct segment_writer *writer)
{
    char entry[SEGMENT_ENTRY_SIZE];
    uint64_t offset = writer->at;
    uint32_t events = block_events(writer->maker);
    const struct segment_leaf *last = &writer->leaves[writer->head.leaves - 1];
    buf_reset(&writer->block);
    buf_reset(&writer->summary);
    enum err err = block_finish(writer->maker, &writer->block, &writer->summary);
    if (err == OK) {
        err = sealed_write(writer, &writer->block, SEALED_BLOCK, writer->head.blocks);
    }
    if (err != OK) {
        return err;
    }
    put_u64(entry, offset);
    put_u32(entry + 8, (uint32_t)writer->block.size);
    put_u32(entry + 12, events);
    put_u64(entry + 16, writer->block_first);
    put_u64(entry + 24, last->first + last->events - 1);
    put_u32(entry + 32, (uint32_t)writer->summary.size);
    err = buf_append(&writer->directory, str_of(entry, sizeof entry));
    err = err == OK ? buf_append(&writer->directory, buf_str(&writer->summary)) : err;
    writer->head.blocks++;
    return err;
}

/* The row of a source, found or added in its place. */
static enum err source_get(struct segment_writer *writer, struct source_id source,
                           struct segment_source **ret)
{
    size_t at = writer->sources_count;
    while (at > 0 && writer->sources[at - 1].source.value > source.value) {
        at--;
    }
    if (at > 0 && writer->sources[at - 1].source.value == source.value) {
        *ret = &writer->sources[at - 1];
        return OK;
    }
    if (writer->sources_count == SOURCES_MAX) {
        return ERR_LIMIT;
    }
    if (writer->sources_count == writer->sources_capacity) {
        size_t capacity = writer->sources_capacity == 0 ? 16 : writer->sources_capacity * 2;
        struct segment_source *larger = realloc(writer->sources, capacity * sizeof *larger);
        if (larger == NULL) {
            return ERR_MEMORY;
        }
        writer->sources = larger;
        writer->sources_capacity = capacity;
    }
    memmove(writer->sources + at + 1, writer->sources + at,
            (writer->sources_count - at) * sizeof *writer->sources);
    writer->sources_count++;
    writer->sources[at] =
        (struct segment_source){.source = source, .days = KEEP_UNKNOWN, .newest = {INT64_MIN}};
    for (size_t i = 0; i < writer->order->promises_count; i++) {
        if (writer->order->promises[i].source.value == source.value) {
            writer->sources[at].days = writer->order->promises[i].days;
        }
    }
    *ret = &writer->sources[at];
    return OK;
}

static void batch_count(struct segment_writer *writer, const struct batch *batch,
                        struct segment_source *source)
{
    struct segment_head *head = &writer->head;
    for (uint32_t i = 0; i < batch->events; i++) {
        struct event event;
        batch_event(batch, i, &event);
        int64_t time = event_time(&event).ns;
        bool first = head->events == 0;
        head->oldest.ns =
            first || event.received.ns < head->oldest.ns ? event.received.ns : head->oldest.ns;
        head->newest.ns =
            first || event.received.ns > head->newest.ns ? event.received.ns : head->newest.ns;
        head->earliest.ns = first || time < head->earliest.ns ? time : head->earliest.ns;
        head->latest.ns = first || time > head->latest.ns ? time : head->latest.ns;
        head->original += event.record.size;
        source->original += event.record.size;
        if (event.received.ns > source->newest.ns) {
            source->newest = event.received;
        }
        head->events++;
        source->events++;
    }
}

static enum err leaf_reserve(struct segment_writer *writer)
{
    if (writer->head.leaves < writer->leaves_capacity) {
        return OK;
    }
    size_t capacity = writer->leaves_capacity == 0 ? 256 : writer->leaves_capacity * 2;
    struct segment_leaf *larger = realloc(writer->leaves, capacity * sizeof *larger);
    if (larger == NULL) {
        return ERR_MEMORY;
    }
    writer->leaves = larger;
    writer->leaves_capacity = capacity;
    return OK;
}

enum err segment_add(struct segment_writer *writer, const struct segment_leaf *leaf,
                     const struct batch *batch)
{
    struct segment_head *head = &writer->head;
    struct segment_source *source = NULL;
    if (head->leaves == SEGMENT_LEAVES_MAX ||
        writer->directory.size > SEGMENT_DIRECTORY_MAX * 3 / 4) {
        return ERR_LIMIT;
    }
    if (batch->events == 0 || batch->events != leaf->events ||
        (head->leaves > 0 &&
         (leaf->index <= writer->leaves[head->leaves - 1].index || leaf->first <= head->last))) {
        return ERR_CORRUPT;
    }
    enum err err = leaf_reserve(writer);
    err = err == OK ? source_get(writer, leaf->source, &source) : err;
    if (err == OK) {
        err = block_add(writer->maker, batch, leaf->first);
        if (err == ERR_AGAIN) {
            err = block_flush(writer);
            err = err == OK ? block_add(writer->maker, batch, leaf->first) : err;
        }
    }
    if (err != OK) {
        return err;
    }
    if (block_events(writer->maker) == batch->events) {
        writer->block_first = leaf->first;
    }
    batch_count(writer, batch, source);
    if (head->leaves == 0) {
        head->first = leaf->first;
        head->leaf_first = leaf->index;
    }
    head->last = leaf->first + leaf->events - 1;
    head->leaf_last = leaf->index;
    writer->leaves[head->leaves++] = *leaf;
    return OK;
}

static void piece_note(struct segment_writer *writer, enum segment_piece piece, uint64_t offset,
                       uint64_t plain)
{
    writer->head.pieces[piece] = (struct segment_stretch){offset, writer->at - offset, plain};
}

static enum err salts_write(struct segment_writer *writer)
{
    struct buf salts;
    uint64_t offset = writer->at;
    enum err err = OK;
    buf_init(&salts, (size_t)SEGMENT_LEAVES_MAX * SEGMENT_SALT_SIZE + AES_TAG_SIZE);
    for (size_t i = 0; err == OK && i < writer->head.leaves; i++) {
        err = buf_append(&salts, str_of(writer->leaves[i].salt, SEGMENT_SALT_SIZE));
    }
    uint64_t plain = salts.size;
    err = err == OK ? sealed_write(writer, &salts, SEALED_SALTS, 0) : err;
    piece_note(writer, PIECE_SALTS, offset, plain);
    buf_done(&salts);
    return err;
}

static enum err sources_write(struct segment_writer *writer)
{
    struct buf rows;
    uint64_t offset = writer->at;
    enum err err = OK;
    buf_init(&rows, (size_t)SOURCES_MAX * SEGMENT_SOURCE_SIZE);
    for (size_t i = 0; err == OK && i < writer->sources_count; i++) {
        char row[SEGMENT_SOURCE_SIZE];
        put_u32(row, writer->sources[i].source.value);
        put_u32(row + 4, writer->sources[i].days);
        put_u64(row + 8, writer->sources[i].events);
        put_u64(row + 16, writer->sources[i].original);
        put_u64(row + 24, (uint64_t)writer->sources[i].newest.ns);
        err = buf_append(&rows, str_of(row, sizeof row));
    }
    if (err == OK) {
        writer->head.sources = sha256_of_bytes(buf_str(&rows));
        err = bytes_write(writer, buf_str(&rows));
    }
    piece_note(writer, PIECE_SOURCES, offset, rows.size);
    buf_done(&rows);
    return err;
}

static void leaves_encode(const struct segment_writer *writer, char *to)
{
    size_t count = (size_t)writer->head.leaves;
    char *first = to + 8 * count;
    char *source = first + 8 * count;
    char *events = source + 4 * count;
    char *hash = events + 4 * count;
    uint64_t index = 0;
    uint64_t next = 0;
    for (size_t i = 0; i < count; i++) {
        const struct segment_leaf *leaf = &writer->leaves[i];
        put_u64(to + 8 * i, leaf->index - index);
        put_u64(first + 8 * i, leaf->first - next);
        put_u32(source + 4 * i, leaf->source.value);
        put_u32(events + 4 * i, leaf->events);
        memcpy(hash + SHA256_SIZE * i, leaf->hash.bytes, SHA256_SIZE);
        index = leaf->index;
        next = leaf->first + leaf->events;
    }
}

static enum err leaves_write(struct segment_writer *writer)
{
    size_t plain = (size_t)writer->head.leaves * SEGMENT_LEAF_SIZE;
    size_t packed = 0;
    uint64_t offset = writer->at;
    struct zstd *zstd = zstd_new(3);
    char *bytes = malloc(plain + zstd_bound(plain));
    enum err err = zstd == NULL || bytes == NULL ? ERR_MEMORY : OK;
    if (err == OK) {
        leaves_encode(writer, bytes);
        err = zstd_pack(zstd, str_of(bytes, plain), bytes + plain, zstd_bound(plain), &packed);
    }
    if (err == OK) {
        writer->head.leaf_table = sha256_of_bytes(str_of(bytes + plain, packed));
        err = bytes_write(writer, str_of(bytes + plain, packed));
    }
    piece_note(writer, PIECE_LEAVES, offset, plain);
    free(bytes);
    zstd_free(zstd);
    return err;
}

static enum err pieces_write(struct segment_writer *writer)
{
    uint64_t offset = writer->at;
    uint64_t plain = writer->notes.size;
    enum err err = sealed_write(writer, &writer->notes, SEALED_GENERATIONS, 0);
    piece_note(writer, PIECE_GENERATIONS, offset, plain);
    err = err == OK ? salts_write(writer) : err;
    offset = writer->at;
    plain = writer->directory.size;
    err = err == OK ? sealed_write(writer, &writer->directory, SEALED_DIRECTORY, 0) : err;
    piece_note(writer, PIECE_DIRECTORY, offset, plain);
    err = err == OK ? sources_write(writer) : err;
    return err == OK ? leaves_write(writer) : err;
}

enum err segment_end(struct segment_writer *writer, struct segment_head *ret)
{
    char bytes[SEGMENT_HEAD_SIZE];
    struct segment_head *head = &writer->head;
    if (head->leaves == 0) {
        return ERR_NOT_FOUND;
    }
    enum err err = block_events(writer->maker) > 0 ? block_flush(writer) : OK;
    err = err == OK ? pieces_write(writer) : err;
    if (err != OK) {
        return err;
    }
    head->client = writer->order->client;
    head->version = SEGMENT_VERSION;
    head->generation = writer->order->generation;
    head->days = writer->order->days;
    head->level = writer->order->level;
    memcpy(head->seed, writer->order->seed, sizeof head->seed);
    memcpy(head->replaces, writer->order->replaces, sizeof head->replaces);
    head->size = writer->at;
    head->body = sha256_end(writer->body);
    writer->body = NULL;
    segment_head_encode(head, bytes);
    err = file_write(writer->file, 0, bytes, sizeof bytes);
    if (err == OK) {
        *ret = *head;
    }
    return err;
}
