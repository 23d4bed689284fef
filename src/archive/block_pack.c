/*
 * Streams into packs, and back.
 *
 * Each column is some streams of bytes.  A stream of BLOCK_SMALL_SIZE bytes or more is a pack of
 * its own, so that a search unpacks what it asks for and nothing else; smaller ones stand one
 * behind the other in one more pack, the last.
 *
 *     directory   for each stream its plain size; behind it, if it is large, its packed size
 *                 (0: it stands as it is, because packing does not shorten it); at the end the
 *                 same for the pack of small ones
 *     packs       one behind the other
 *
 * Always true after packs_open: the plain sizes together are at most BLOCK_PLAIN_MAX, and each pack
 * lies within the bytes.
 */

#include "archive/block_making.h"

#include <string.h>

#include "base/bytes.h"

enum err varint_put(struct buf *out, uint64_t value)
{
    char bytes[10];
    size_t size = 0;
    while (value >= 0x80) {
        bytes[size++] = (char)(value | 0x80);
        value >>= 7;
    }
    bytes[size++] = (char)value;
    return buf_append(out, str_of(bytes, size));
}

enum err varint_take(struct str *bytes, uint64_t *ret)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes->size && i < 10; i++) {
        uint64_t part = (unsigned char)bytes->data[i] & 0x7f;
        if (i == 9 && part > 1) {
            return ERR_CORRUPT;
        }
        value |= part << (7 * i);
        if (((unsigned char)bytes->data[i] & 0x80) == 0) {
            *bytes = str_slice(*bytes, i + 1, bytes->size);
            *ret = value;
            return OK;
        }
    }
    return ERR_CORRUPT;
}

enum err count_take(struct str *bytes, uint64_t max, uint32_t *ret)
{
    uint64_t value;
    struct str rest = *bytes;
    enum err err = varint_take(&rest, &value);
    if (err != OK || value > max || value > UINT32_MAX) {
        return ERR_CORRUPT;
    }
    *bytes = rest;
    *ret = (uint32_t)value;
    return OK;
}

enum err sink_stream(struct sink *sink, size_t from)
{
    uint32_t size = (uint32_t)(sink->plain.size - from);
    return buf_append(&sink->sizes, str_of(&size, sizeof size));
}

/* One pack behind the others; *ret_size: as the directory says it. */
static enum err pack_add(struct zstd *zstd, struct str plain, struct buf *packs, size_t *ret_size)
{
    size_t bound = zstd_bound(plain.size);
    size_t before = packs->size;
    char *to;
    enum err err = buf_extend(packs, bound > plain.size ? bound : plain.size, &to);
    if (err != OK) {
        return err;
    }
    size_t size;
    err = zstd_pack(zstd, plain, to, bound, &size);
    if (err != OK) {
        packs->size = before;
        return err;
    }
    *ret_size = size;
    if (size >= plain.size) {
        memcpy(to, plain.data, plain.size);
        size = plain.size;
        *ret_size = 0;
    }
    packs->size = before + size;
    return OK;
}

enum err sink_pack(const struct sink *sink, struct zstd *zstd, struct buf *directory,
                   struct buf *packs)
{
    size_t count = sink->sizes.size / sizeof(uint32_t);
    struct buf small;
    buf_init(&small, BLOCK_PLAIN_MAX);
    size_t at = 0;
    size_t packed = 0;
    enum err err = varint_put(directory, count);
    for (size_t i = 0; err == OK && i < count; i++) {
        uint32_t size = get_u32(sink->sizes.data + i * sizeof size);
        struct str plain = str_of(sink->plain.data + at, size);
        at += size;
        err = varint_put(directory, size);
        if (err == OK && size < BLOCK_SMALL_SIZE) {
            err = buf_append(&small, plain);
        } else if (err == OK) {
            err = pack_add(zstd, plain, packs, &packed);
            err = err == OK ? varint_put(directory, packed) : err;
        }
    }
    if (err == OK && small.size > 0) {
        err = pack_add(zstd, buf_str(&small), packs, &packed);
        err = err == OK ? varint_put(directory, packed) : err;
    }
    buf_done(&small);
    return err;
}

/* Where a pack of that size begins and how large it is. */
static enum err pack_place(struct stream *stream, struct str *packs, uint32_t packed)
{
    uint32_t size = packed == 0 ? stream->size : packed;
    if (size > packs->size) {
        return ERR_CORRUPT;
    }
    stream->packed = str_slice(*packs, 0, size);
    stream->stored = packed == 0;
    *packs = str_slice(*packs, size, packs->size);
    return OK;
}

enum err packs_open(struct str *directory, struct str packs, struct arena *mem, struct packs *ret)
{
    struct packs made = {.mem = mem};
    uint64_t plain = 0;
    uint32_t packed;
    enum err err = count_take(directory, directory->size, &made.count);
    made.list = err == OK ? ARENA_ARRAY(mem, struct stream, (size_t)made.count + 1) : NULL;
    if (made.list == NULL) {
        return err == OK ? ERR_MEMORY : err;
    }
    struct stream *small = &made.list[made.count];
    for (uint32_t i = 0; err == OK && i < made.count; i++) {
        struct stream *stream = &made.list[i];
        err = count_take(directory, BLOCK_PLAIN_MAX, &stream->size);
        plain += stream->size;
        if (err == OK && plain > BLOCK_PLAIN_MAX) {
            err = ERR_CORRUPT;
        }
        if (err == OK && stream->size < BLOCK_SMALL_SIZE) {
            stream->small_at = small->size;
            small->size += stream->size;
        } else if (err == OK) {
            err = count_take(directory, UINT32_MAX, &packed);
            err = err == OK ? pack_place(stream, &packs, packed) : err;
        }
    }
    if (err == OK && small->size > 0) {
        err = count_take(directory, UINT32_MAX, &packed);
        err = err == OK ? pack_place(small, &packs, packed) : err;
    }
    if (err == OK && packs.size > 0) {
        err = ERR_CORRUPT;
    }
    if (err == OK) {
        *ret = made;
    }
    return err;
}

static enum err stream_unpack(struct packs *packs, struct stream *stream)
{
    if (stream->plain != NULL) {
        return OK;
    }
    if (!stream->stored && packs->zstd == NULL) {
        packs->zstd = zstd_new(1);
    }
    bool ready = stream->stored || packs->zstd != NULL;
    char *to = ready ? arena_take_plain(packs->mem, stream->size + (size_t)BLOCK_SLACK) : NULL;
    enum err err = OK;
    if (to == NULL) {
        return ERR_MEMORY;
    }
    if (stream->stored) {
        memcpy(to, stream->packed.data, stream->size);
    } else {
        err = zstd_unpack(packs->zstd, stream->packed, to, stream->size);
    }
    if (err == OK) {
        stream->plain = to;
    }
    return err;
}

enum err packs_stream(struct packs *packs, uint32_t index, struct str *ret)
{
    static const char none[BLOCK_SLACK];
    struct stream *stream = &packs->list[index];
    struct stream *holder = stream->size < BLOCK_SMALL_SIZE ? &packs->list[packs->count] : stream;
    if (stream->size == 0) {
        *ret = str_of(none, 0);
        return OK;
    }
    enum err err = stream_unpack(packs, holder);
    if (err == OK) {
        *ret = str_of(holder->plain + (holder == stream ? 0 : stream->small_at), stream->size);
    }
    return err;
}

void packs_rest(struct packs *packs)
{
    zstd_free(packs->zstd);
    packs->zstd = NULL;
}
