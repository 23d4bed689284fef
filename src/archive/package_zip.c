/*
 * The parts of a package as they are read: each a stream of its own over the same file, hashed on
 * the way.
 *
 * Always true: nothing that a zip says of itself is believed but names and bytes; a name that
 * stands twice is an attack, since one program would see the one and another the other.
 */

#include <stdlib.h>
#include <string.h>

#include "archive/package_private.h"
#include "base/limits.h"
#include "base/map.h"
#include "sys/unpack.h"

#define WINDOW_SIZE (64 * 1024) /* stays in the cache until it is hashed */
/* Whoever sends the same line over and over must not make a package one that cannot be judged: each
 * part may unfold as far as deflate can.  What is kept of it in memory has limits of its own. */
#define DEFLATE_RATIO_MAX 1032

static enum err source_read(void *context, void *to, size_t size, size_t *ret_size, struct why *why)
{
    struct zip_part *part = context;
    (void)why;
    enum err err = file_read(part->file, part->at, to, size, ret_size);
    part->at += err == OK ? *ret_size : 0;
    part->purse.packed += err == OK ? *ret_size * (DEFLATE_RATIO_MAX / UNPACK_RATIO_MAX + 1) : 0;
    return err;
}

static enum err source_seek(void *context, uint64_t offset)
{
    struct zip_part *part = context;
    part->at = offset;
    return OK;
}

/* hashed: the manifest has its SHA-256, so that the zip's own sum tells nothing more. */
static enum err zip_open(struct zip_part *part, struct file *file, bool hashed, struct why *why)
{
    *part = (struct zip_part){.file = file};
    struct unpack_from from = {
        .context = part, .read = source_read, .seek = source_seek, .hashed = hashed};
    enum err err = file_size(file, &from.size);
    return err == OK ? unpack_open(&from, &part->purse, &part->unpack, why) : err;
}

enum err zip_names(struct file *file, zip_name_call *call, void *context, struct why *why)
{
    struct zip_part part;
    struct unpack_member member;
    struct map seen;
    map_init(&seen, ZIP_MEMBERS_MAX, 0);
    enum err err = zip_open(&part, file, false, why);
    while (err == OK && (err = unpack_next(part.unpack, &member, why)) == OK) {
        uint64_t before;
        bool twice = map_get(&seen, member.path, &before);
        err = map_put(&seen, member.path, 1);
        if (err == OK) {
            call(context, member.path, twice || !member.file || member.encrypted);
        }
    }
    map_done(&seen);
    unpack_close(part.unpack);
    return err == ERR_CLOSED ? OK : err;
}

enum err zip_part_open(struct zip_part *part, struct file *file, const char *name, bool hashed,
                       struct why *why)
{
    struct unpack_member member;
    enum err err = zip_open(part, file, strcmp(name, "manifest.json") != 0, why);
    if (err != OK) {
        return err;
    }
    while ((err = unpack_next(part->unpack, &member, why)) == OK) {
        if (str_equal(member.path, str_from(name))) {
            break;
        }
    }
    part->window = err == OK ? malloc(WINDOW_SIZE) : NULL;
    if (err != OK || part->window == NULL) {
        unpack_close(part->unpack);
        *part = (struct zip_part){0};
        return err == ERR_CLOSED ? ERR_NOT_FOUND : err == OK ? ERR_MEMORY : err;
    }
    part->run = hashed ? sha256_begin() : NULL;
    return OK;
}

void zip_part_close(struct zip_part *part)
{
    if (part->run != NULL) {
        (void)sha256_end(part->run);
    }
    unpack_close(part->unpack);
    free(part->window);
    *part = (struct zip_part){0};
}

/* Up to `size` bytes that stand together, which are passed; none at the end. */
enum err zip_part_take(struct zip_part *part, size_t size, struct str *ret, struct why *why)
{
    if (part->used == part->got && !part->ended) {
        part->used = 0;
        part->got = 0;
        enum err err = unpack_read(part->unpack, part->window, WINDOW_SIZE, &part->got, why);
        if (err != OK) {
            part->got = 0;
            return err;
        }
        part->ended = part->got == 0;
        if (part->run != NULL) {
            sha256_add(part->run, str_of(part->window, part->got));
        }
        part->size += part->got;
    }
    size_t left = part->got - part->used;
    *ret = str_of(part->window + part->used, size < left ? size : left);
    part->used += ret->size;
    return OK;
}

enum err zip_part_read(struct zip_part *part, void *to, size_t size, size_t *ret_size,
                       struct why *why)
{
    size_t done = 0;
    while (done < size) {
        struct str piece;
        enum err err = zip_part_take(part, size - done, &piece, why);
        if (err != OK) {
            return err;
        }
        if (piece.size == 0) {
            break;
        }
        memcpy((char *)to + done, piece.data, piece.size);
        done += piece.size;
    }
    *ret_size = done;
    return OK;
}

/* Reads what is left, and says whether all of it is what the manifest names: of a part that is not
 * hashed whether it is as large. */
enum err zip_part_end(struct zip_part *part, const struct package_part *named, bool *ret_same,
                      uint64_t *ret_left, struct why *why)
{
    uint64_t left = 0;
    struct str piece = {0};
    do {
        enum err err = zip_part_take(part, WINDOW_SIZE, &piece, why);
        if (err != OK) {
            return err;
        }
        left += piece.size;
    } while (piece.size > 0);
    *ret_left = left;
    *ret_same = named != NULL && named->size == part->size;
    if (part->run != NULL) {
        struct sha256 hash = sha256_end(part->run);
        part->run = NULL;
        *ret_same = *ret_same && !named->by_leaves && sha256_equal(&hash, &named->hash);
    }
    return OK;
}
