/*
 * Unpacking step by step: the door to zlib; zstd comes through its own (zstd.h).
 *
 *     nothing ─► within ─► whole ─► (another member) within ─► …
 *
 * Always true: at most INFLATE_FREE_SIZE and INFLATE_RATIO_MAX times what went in has come out; a
 * step writes at most STEP_SIZE bytes before that is looked at.  A text that ends within a member
 * is no whole one.
 *
 * Left to the caller: what comes out in all, and what it says of a text that is compressed twice.
 */

#include "codec/inflate.h"

#include <limits.h>
#include <stdlib.h>

#include <zlib.h>

#include "base/limits.h"
#include "codec/zstd.h"

#define STEP_SIZE   ((size_t)64 * 1024)
#define ZLIB_MEMORY ((size_t)48 * 1024) /* zlib's own account: some 44 KiB */
/* zlib's window bits: 15, and which wrapper it shall expect. */
#define BITS_ZLIB 15
#define BITS_RAW  (-15)
#define BITS_GZIP (15 + 16)

struct inflate {
    enum inflate_kind kind;
    bool begun; /* zlib: the wrapper is known */
    bool whole; /* a member has ended, and no other has begun */
    uint64_t in, out;
    z_stream zlib;
    struct unzstd *zstd;
};

enum err inflate_new(enum inflate_kind kind, struct inflate **ret)
{
    struct inflate *inflate = calloc(1, sizeof *inflate);
    if (inflate == NULL) {
        return ERR_MEMORY;
    }
    inflate->kind = kind;
    if (kind == INFLATE_ZSTD) {
        inflate->zstd = unzstd_new(INFLATE_WINDOW_LOG_MAX);
        if (inflate->zstd == NULL) {
            free(inflate);
            return ERR_MEMORY;
        }
    }
    *ret = inflate;
    return OK;
}

void inflate_free(struct inflate *inflate)
{
    if (inflate != NULL) {
        if (inflate->begun) {
            (void)inflateEnd(&inflate->zlib);
        }
        unzstd_free(inflate->zstd);
        free(inflate);
    }
}

size_t inflate_size(const struct inflate *inflate)
{
    return inflate->zstd != NULL ? unzstd_size(inflate->zstd) : ZLIB_MEMORY;
}

/* RFC 1950, section 2.2: the method is 8 and the first two bytes are a multiple of 31.  OUR
 * implementation has only the first byte for certain, which no raw stream of use begins with: it
 * would be a stored block with bits set that encoders leave zero. */
static enum err zlib_begin(struct inflate *inflate, struct str packed)
{
    int bits = BITS_GZIP;
    if (inflate->kind == INFLATE_DEFLATE) {
        bits = (packed.data[0] & 0x0f) == Z_DEFLATED && (unsigned char)packed.data[0] < 0x80
                   ? BITS_ZLIB
                   : BITS_RAW;
    }
    int result = inflateInit2(&inflate->zlib, bits);
    inflate->begun = result == Z_OK;
    return result == Z_OK ? OK : ERR_MEMORY;
}

/* One step; what it used and made. */
static enum err zlib_step(struct inflate *state, struct str packed, char *to, size_t room,
                          size_t *ret_used, size_t *ret_made)
{
    z_stream *zlib = &state->zlib;
    if (!state->begun) {
        enum err err = zlib_begin(state, packed);
        if (err != OK) {
            return err;
        }
    } else if (state->whole) {
        if (state->kind == INFLATE_DEFLATE || inflateReset(zlib) != Z_OK) {
            return ERR_SYNTAX; /* Nothing may stand behind it. */
        }
    }
    state->whole = false;
    size_t size = packed.size < UINT_MAX ? packed.size : UINT_MAX;
    zlib->next_in = (z_const Bytef *)(uintptr_t)packed.data;
    zlib->avail_in = (uInt)size;
    zlib->next_out = (Bytef *)to;
    zlib->avail_out = (uInt)room;
    int result = inflate(zlib, Z_NO_FLUSH);
    *ret_used = size - zlib->avail_in;
    *ret_made = room - zlib->avail_out;
    state->whole = result == Z_STREAM_END;
    if (result == Z_MEM_ERROR) {
        return ERR_MEMORY;
    }
    return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR ? OK : ERR_SYNTAX;
}

enum err inflate_add(struct inflate *inflate, struct str *packed, struct buf *out, size_t room)
{
    enum err err = OK;
    size_t used = 1;
    size_t made = 1;
    /* What is used up may still have something to say: as long as a step is filled. */
    while (err == OK && room > 0 && (packed->size > 0 || made > 0) && (used > 0 || made > 0)) {
        size_t step = room < STEP_SIZE ? room : STEP_SIZE;
        size_t before = out->size;
        char *to;
        if (packed->size == 0 && (!inflate->begun || inflate->whole) && inflate->zstd == NULL) {
            break;
        }
        err = buf_extend(out, step, &to);
        if (err != OK) {
            return err;
        }
        used = made = 0;
        err = inflate->zstd != NULL
                  ? unzstd_step(inflate->zstd, *packed, to, step, &used, &made, &inflate->whole)
                  : zlib_step(inflate, *packed, to, step, &used, &made);
        out->size = before + (err == OK ? made : 0);
        *packed = str_slice(*packed, used, packed->size);
        inflate->in += used;
        inflate->out += made;
        room -= made;
        if (err == OK && inflate->out > INFLATE_FREE_SIZE &&
            (inflate->out - INFLATE_FREE_SIZE) / INFLATE_RATIO_MAX > inflate->in) {
            err = ERR_LIMIT;
        }
    }
    return err;
}

enum err inflate_end(const struct inflate *inflate)
{
    return inflate->whole ? OK : ERR_SYNTAX;
}
