/*
 * A file as streams of bytes.
 *
 * Each layer is a stream: the file, a member of the archive in it, a member of the archive in that.
 * A layer whose beginning is that of an archive is unpacked, and its members are the layer above.
 * What is compressed without being an archive has one member without a name.
 *
 *     layer 2   a.json          head, then unpack_read of the archive below      ← read
 *     layer 1   inner.zip       head, then unpack_read of the archive below      → unpack
 *     layer 0   the file        head, then input_read                            → unpack
 *
 * Always true: every layer but the topmost has its archive open; `ready` says whether the topmost
 * is a stream to be read.
 */

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "replay/private.h"

struct layer {
    struct reel *reel;
    struct unpack *unpack; /* of this stream's bytes, if it is an archive */
    char head[HEAD_SIZE];
    size_t head_size, head_at;
    size_t member_size; /* of the path up to and with this layer's name */
    bool failed;        /* a member broke off; the archive's own error is the same again */
};

struct reel {
    struct input *input;
    uint64_t at; /* in the file */
    struct unpack_purse purse;
    struct buf member;
    struct layer layers[UNPACK_DEPTH_MAX + 1];
    size_t depth; /* layers in use */
    bool begun, ready;
    bool exhausted; /* the purse is empty: nothing more comes of this file */
    bool wide;      /* the stream is UTF-16 */
    struct utf16 utf16;
    struct buf text; /* UTF-8 made of it, from `text_at` on */
    size_t text_at;
};

static enum err layer_read(void *context, void *to, size_t size, size_t *ret_size, struct why *why);
static enum err file_seek(void *context, uint64_t offset);

enum err reel_open(const char *path, struct reel **ret, struct why *why)
{
    struct reel *reel = calloc(1, sizeof *reel);
    if (reel == NULL) {
        return ERR_MEMORY;
    }
    buf_init(&reel->member, MEMBER_PATH_MAX);
    buf_init(&reel->text, 4 * BLOCK_SIZE);
    enum err err = input_open(path, &reel->input, why);
    if (err != OK) {
        reel_close(reel);
        return err;
    }
    *ret = reel;
    return OK;
}

static void layers_pop(struct reel *reel, size_t depth)
{
    while (reel->depth > depth) {
        struct layer *layer = &reel->layers[--reel->depth];
        unpack_close(layer->unpack);
        layer->unpack = NULL;
    }
    reel->member.size = reel->depth > 0 ? reel->layers[reel->depth - 1].member_size : 0;
}

void reel_close(struct reel *reel)
{
    if (reel != NULL) {
        layers_pop(reel, 0);
        input_close(reel->input);
        buf_done(&reel->member);
        buf_done(&reel->text);
        free(reel);
    }
}

/* Of the bytes below a layer: the file's, or those that its archive gives. */
static enum err below_read(struct layer *layer, void *to, size_t size, size_t *ret_size,
                           struct why *why)
{
    struct reel *reel = layer->reel;
    if (layer > reel->layers) {
        enum err unpacked = unpack_read(layer[-1].unpack, to, size, ret_size, why);
        reel->exhausted = reel->exhausted || unpacked == ERR_LIMIT;
        return unpacked;
    }
    enum err err = input_read(reel->input, to, size, ret_size, why);
    if (err == OK) {
        /* Bytes that are read again, as a zip's may be, do not fill the purse again. */
        reel->at += *ret_size;
        reel->purse.packed = reel->at > reel->purse.packed ? reel->at : reel->purse.packed;
    }
    return err;
}

static enum err layer_read(void *context, void *to, size_t size, size_t *ret_size, struct why *why)
{
    struct layer *layer = context;
    size_t left = layer->head_size - layer->head_at;
    if (left == 0) {
        return below_read(layer, to, size, ret_size, why);
    }
    left = left < size ? left : size;
    memcpy(to, layer->head + layer->head_at, left);
    layer->head_at += left;
    *ret_size = left;
    return OK;
}

static enum err file_seek(void *context, uint64_t offset)
{
    struct layer *layer = context;
    enum err err = input_seek(layer->reel->input, offset);
    if (err == OK) {
        layer->head_at = layer->head_size;
        layer->reel->at = offset;
    }
    return err;
}

/* What macOS packs beside each file of an archive: its folder's view of it, and no log. */
static const struct str apple_double = {"\x00\x05\x16\x07", 4};

/* A new topmost layer: reads its beginning, and opens it if it is an archive. */
static enum err layer_push(struct reel *reel, struct why *why)
{
    struct layer *layer = &reel->layers[reel->depth];
    layer->reel = reel;
    layer->head_size = layer->head_at = 0;
    layer->member_size = reel->member.size;
    layer->failed = false;
    enum err err = OK;
    for (size_t got = 1; err == OK && got > 0 && layer->head_size < HEAD_SIZE;) {
        err = below_read(layer, layer->head + layer->head_size, HEAD_SIZE - layer->head_size, &got,
                         why);
        layer->head_size += err == OK ? got : 0;
    }
    if (err != OK) {
        return err;
    }
    if (reel->depth > 0 && str_starts(str_of(layer->head, layer->head_size), apple_double)) {
        return ERR_AGAIN;
    }
    reel->depth++;
    if (!unpack_is(str_of(layer->head, layer->head_size))) {
        reel->ready = true;
        return OK;
    }
    if (reel->depth > UNPACK_DEPTH_MAX) {
        reel->depth--;
        return why_say(why, ERR_LIMIT, 0, "archives lie more than %d deep in one another",
                       UNPACK_DEPTH_MAX);
    }
    struct unpack_from from = {.context = layer, .read = layer_read};
    if (reel->depth == 1 && input_size(reel->input) > 0) {
        from.seek = file_seek;
        from.size = input_size(reel->input);
    }
    err = unpack_open(&from, &reel->purse, &layer->unpack, why);
    if (err != OK) {
        reel->depth--;
    }
    return err;
}

/* The next member of the topmost archive becomes a layer; ERR_AGAIN if it is no file. */
static enum err member_next(struct reel *reel, struct why *why)
{
    struct layer *archive = &reel->layers[reel->depth - 1];
    struct unpack_member member;
    enum err err = unpack_next(archive->unpack, &member, why);
    if (err != OK) {
        bool told = archive->failed && err != ERR_LIMIT;
        size_t name_size = archive->member_size;
        reel->exhausted = reel->exhausted || err == ERR_LIMIT;
        layers_pop(reel, reel->depth - 1);
        reel->member.size = name_size;
        return err == ERR_CLOSED || told ? ERR_AGAIN : err;
    }
    reel->member.size = archive->member_size;
    if (member.path.size > 0) {
        enum err named = archive->member_size > 0 ? buf_append_byte(&reel->member, '/') : OK;
        named = named == OK ? buf_append(&reel->member, member.path) : named;
        if (named != OK) {
            return why_say(why, named, 0, "the paths in it are too long");
        }
    }
    if (!member.file) {
        return ERR_AGAIN;
    }
    if (member.encrypted) {
        return why_say(why, ERR_DENIED, 0, "it is encrypted");
    }
    err = layer_push(reel, why);
    archive->failed = archive->failed || (err != OK && err != ERR_AGAIN);
    return err;
}

static void wide_recognise(struct reel *reel)
{
    struct layer *layer = &reel->layers[reel->depth - 1];
    struct str head = str_of(layer->head, layer->head_size);
    bool little = str_starts(head, STR("\xFF\xFE"));
    bool big = str_starts(head, STR("\xFE\xFF"));
    reel->wide = little || big;
    reel->utf16 = (struct utf16){.big = big};
    reel->text_at = 0;
    buf_reset(&reel->text);
    layer->head_at = reel->wide ? 2 : 0;
}

/* Fills `text` until there is something in it, or the stream's end. */
static enum err wide_fill(struct reel *reel, struct why *why)
{
    char bytes[16384];
    size_t got = 1;
    enum err err = OK;
    buf_consume(&reel->text, reel->text_at);
    reel->text_at = 0;
    while (err == OK && got > 0 && reel->text.size < HEAD_SIZE) {
        err = layer_read(&reel->layers[reel->depth - 1], bytes, sizeof bytes, &got, why);
        if (err == OK) {
            err = got > 0 ? utf16_append(&reel->utf16, str_of(bytes, got), &reel->text)
                          : utf16_end(&reel->utf16, &reel->text);
        }
    }
    return err;
}

enum err reel_next(struct reel *reel, struct why *why)
{
    if (reel->ready) {
        reel->ready = false;
        layers_pop(reel, reel->depth - 1);
    }
    enum err err = OK;
    if (!reel->begun) {
        reel->begun = true;
        err = layer_push(reel, why);
    }
    while (!reel->ready && (err == OK || err == ERR_AGAIN)) {
        if (reel->depth == 0 || reel->exhausted) {
            return ERR_CLOSED;
        }
        err = member_next(reel, why);
    }
    if (err != OK) {
        return err;
    }
    wide_recognise(reel);
    return reel->wide ? wide_fill(reel, why) : OK;
}

struct str reel_member(const struct reel *reel)
{
    return buf_str(&reel->member);
}

struct str reel_head(const struct reel *reel)
{
    const struct layer *layer = &reel->layers[reel->depth - 1];
    return reel->wide ? str_slice(buf_str(&reel->text), 0, HEAD_SIZE)
                      : str_of(layer->head, layer->head_size);
}

enum err reel_read(struct reel *reel, void *to, size_t size, size_t *ret_size, struct why *why)
{
    struct layer *layer = &reel->layers[reel->depth - 1];
    enum err err = OK;
    if (!reel->wide) {
        err = layer_read(layer, to, size, ret_size, why);
    } else if (reel->text_at == reel->text.size) {
        err = wide_fill(reel, why);
    }
    if (err != OK && reel->depth > 1) {
        layer[-1].failed = true;
    }
    if (err == OK && reel->wide) {
        struct str text = str_slice(buf_str(&reel->text), reel->text_at, size);
        if (text.size > 0) {
            memcpy(to, text.data, text.size);
        }
        reel->text_at += text.size;
        *ret_size = text.size;
    }
    return err;
}

uint64_t reel_packed(const struct reel *reel)
{
    return reel->purse.packed;
}
