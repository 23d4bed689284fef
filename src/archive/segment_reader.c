/*
 * Reading a segment with its key: the directory at opening, blocks one by one.
 *
 * Always true: what a struct segment says of a block lies between the head and the first piece, in
 * order, and ascends in sequence number; a piece that does not open under the key is ERR_CORRUPT.
 */

#include <stdlib.h>
#include <string.h>

#include "archive/segment_private.h"
#include "base/bytes.h"

struct segment {
    struct file *file;
    struct segment_head head;
    struct sha256 key;
    uint8_t filter_key[BLOCK_FILTER_KEY_SIZE];
    struct arena *mem; /* of the directory */
    struct segment_block *blocks;
};

/* Reads and opens one sealed stretch into mem. */
static enum err sealed_read(struct segment *segment, const struct segment_stretch *stretch,
                            enum segment_sealed kind, uint64_t number, struct arena *mem,
                            struct str *ret, struct why *why)
{
    uint8_t nonce[AES_NONCE_SIZE];
    char beside[SEGMENT_BESIDE_SIZE];
    struct str sealed = {0};
    enum err err = segment_stretch_read(segment->file, stretch, mem, &sealed, why);
    if (err != OK) {
        return err;
    }
    segment_sealing(segment->head.client, segment->head.generation, kind, number, nonce, beside);
    /* The bytes are ours: segment_stretch_read made them. */
    char *to = (char *)(uintptr_t)sealed.data;
    if (sealed.size < AES_TAG_SIZE ||
        aes_open(segment->key.bytes, nonce, str_of(beside, sizeof beside), sealed, to) != OK) {
        return why_say(why, ERR_CORRUPT, 0, "%llu bytes at %llu do not open with the client's key",
                       (unsigned long long)stretch->size, (unsigned long long)stretch->offset);
    }
    *ret = str_of(to, sealed.size - AES_TAG_SIZE);
    return OK;
}

static bool directory_decode(struct segment *segment, struct str bytes)
{
    const struct segment_head *head = &segment->head;
    uint64_t at = SEGMENT_HEAD_SIZE;
    uint64_t next = head->first;
    size_t from = 0;
    for (size_t i = 0; i < head->blocks; i++) {
        if (bytes.size - from < SEGMENT_ENTRY_SIZE) {
            return false;
        }
        const char *entry = bytes.data + from;
        struct segment_block *block = &segment->blocks[i];
        size_t summary = get_u32(entry + 32);
        *block = (struct segment_block){.offset = get_u64(entry),
                                        .size = get_u32(entry + 8),
                                        .events = get_u32(entry + 12),
                                        .first = get_u64(entry + 16),
                                        .last = get_u64(entry + 24)};
        from += SEGMENT_ENTRY_SIZE;
        if (block->offset != at || block->size <= AES_TAG_SIZE || block->size > SEGMENT_BLOCK_MAX ||
            block->size > head->pieces[0].offset - at || block->first < next ||
            block->last < block->first || block->last > head->last || summary > bytes.size - from) {
            return false;
        }
        block->summary = str_of(bytes.data + from, summary);
        from += summary;
        at += block->size;
        next = block->last + 1;
    }
    return from == bytes.size && at == head->pieces[0].offset;
}

enum err segment_open(struct file *file, const struct sha256 *key, struct segment **ret,
                      struct why *why)
{
    struct str directory;
    struct segment *segment = calloc(1, sizeof *segment);
    if (segment == NULL) {
        return ERR_MEMORY;
    }
    segment->file = file;
    segment->key = *key;
    segment_filter_key_of(key, segment->filter_key);
    enum err err = segment_head_read(file, &segment->head, why);
    if (err == OK) {
        segment->mem = arena_new(SEGMENT_DIRECTORY_MAX + 4096 +
                                 (size_t)segment->head.blocks * sizeof(struct segment_block));
        segment->blocks = segment->mem == NULL ? NULL
                                               : ARENA_ARRAY(segment->mem, struct segment_block,
                                                             (size_t)segment->head.blocks);
        err = segment->blocks == NULL ? ERR_MEMORY : OK;
    }
    if (err == OK) {
        err = sealed_read(segment, &segment->head.pieces[PIECE_DIRECTORY], SEALED_DIRECTORY, 0,
                          segment->mem, &directory, why);
    }
    if (err == OK && !directory_decode(segment, directory)) {
        err = why_say(why, ERR_CORRUPT, 0, "the segment's directory is not what was written");
    }
    if (err != OK) {
        segment_close(segment);
        return err;
    }
    *ret = segment;
    return OK;
}

void segment_close(struct segment *segment)
{
    if (segment != NULL) {
        arena_free(segment->mem);
        secret_forget(segment, sizeof *segment);
        free(segment);
    }
}

const struct segment_head *segment_head(const struct segment *segment)
{
    return &segment->head;
}

const uint8_t *segment_filter_key(const struct segment *segment)
{
    return segment->filter_key;
}

const struct segment_block *segment_block(const struct segment *segment, size_t index)
{
    return &segment->blocks[index];
}

enum err segment_read(struct segment *segment, size_t index, struct arena *mem, struct str *ret,
                      struct why *why)
{
    const struct segment_block *block = &segment->blocks[index];
    const struct segment_stretch stretch = {block->offset, block->size, 0};
    return sealed_read(segment, &stretch, SEALED_BLOCK, index, mem, ret, why);
}

enum err segment_salts(struct segment *segment, struct arena *mem, const uint8_t **ret,
                       struct why *why)
{
    struct str bytes;
    enum err err =
        sealed_read(segment, &segment->head.pieces[PIECE_SALTS], SEALED_SALTS, 0, mem, &bytes, why);
    if (err == OK) {
        *ret = (const uint8_t *)bytes.data; /* head_fits: as many as leaves */
    }
    return err;
}

enum err segment_notes(struct segment *segment, segment_note_call *call, void *context,
                       struct why *why)
{
    struct str bytes = {0};
    const struct segment_stretch *piece = &segment->head.pieces[PIECE_GENERATIONS];
    struct arena *mem = arena_new((size_t)piece->size + 4096);
    enum err err = mem == NULL
                       ? ERR_MEMORY
                       : sealed_read(segment, piece, SEALED_GENERATIONS, 0, mem, &bytes, why);
    while (err == OK && bytes.size > 0) {
        size_t kind = bytes.size >= 16 ? get_u32(bytes.data + 8) : 0;
        size_t hash = bytes.size >= 16 ? get_u32(bytes.data + 12) : 0;
        if (bytes.size < 16 || kind > bytes.size - 16 || hash > bytes.size - 16 - kind) {
            err =
                why_say(why, ERR_CORRUPT, 0, "the segment's generations are not what was written");
            break;
        }
        err = call(context, get_u64(bytes.data), str_of(bytes.data + 16, kind),
                   str_of(bytes.data + 16 + kind, hash));
        bytes = str_slice(bytes, 16 + kind + hash, bytes.size);
    }
    arena_free(mem);
    return err;
}
