/*
 * libzstd behind our own names.  Unpacking writes straight into the caller's memory, which serves
 * as the window too, so a frame that asks for a large window costs nothing; a frame that holds
 * more than was told is refused as soon as it passes the end.
 */

#include "codec/zstd.h"

#include <stdlib.h>

#include <zstd.h>
#include <zstd_errors.h>

/* 2^23: nothing that we keep in one piece is larger than 8 MiB. */
#define WINDOW_LOG_MAX 23

struct zstd {
    ZSTD_CCtx *packer;
    ZSTD_DCtx *unpacker;
    int level;
};

struct zstd *zstd_new(int level)
{
    struct zstd *zstd = calloc(1, sizeof *zstd);
    if (zstd == NULL) {
        return NULL;
    }
    zstd->level = level;
    zstd->packer = ZSTD_createCCtx();
    zstd->unpacker = ZSTD_createDCtx();
    if (zstd->packer == NULL || zstd->unpacker == NULL ||
        ZSTD_isError(ZSTD_DCtx_setParameter(zstd->unpacker, ZSTD_d_windowLogMax, WINDOW_LOG_MAX))) {
        zstd_free(zstd);
        return NULL;
    }
    return zstd;
}

void zstd_free(struct zstd *zstd)
{
    if (zstd != NULL) {
        (void)ZSTD_freeCCtx(zstd->packer);
        (void)ZSTD_freeDCtx(zstd->unpacker);
        free(zstd);
    }
}

size_t zstd_bound(size_t size)
{
    return ZSTD_compressBound(size);
}

enum err zstd_pack(struct zstd *zstd, struct str plain, void *to, size_t capacity, size_t *ret_size)
{
    size_t size =
        ZSTD_compressCCtx(zstd->packer, to, capacity, plain.data, plain.size, zstd->level);
    if (ZSTD_isError(size)) {
        return ZSTD_getErrorCode(size) == ZSTD_error_dstSize_tooSmall ? ERR_LIMIT : ERR_MEMORY;
    }
    *ret_size = size;
    return OK;
}

enum err zstd_unpack(struct zstd *zstd, struct str packed, void *to, size_t size)
{
    size_t got = ZSTD_decompressDCtx(zstd->unpacker, to, size, packed.data, packed.size);
    if (ZSTD_isError(got) && ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation) {
        return ERR_MEMORY;
    }
    return ZSTD_isError(got) || got != size ? ERR_CORRUPT : OK;
}

/* ---- In pieces. */

struct unzstd {
    ZSTD_DCtx *unpacker;
};

struct unzstd *unzstd_new(int window_log_max)
{
    struct unzstd *unzstd = calloc(1, sizeof *unzstd);
    if (unzstd == NULL) {
        return NULL;
    }
    unzstd->unpacker = ZSTD_createDCtx();
    if (unzstd->unpacker == NULL || ZSTD_isError(ZSTD_DCtx_setParameter(
                                        unzstd->unpacker, ZSTD_d_windowLogMax, window_log_max))) {
        unzstd_free(unzstd);
        return NULL;
    }
    return unzstd;
}

void unzstd_free(struct unzstd *unzstd)
{
    if (unzstd != NULL) {
        (void)ZSTD_freeDCtx(unzstd->unpacker);
        free(unzstd);
    }
}

size_t unzstd_size(const struct unzstd *unzstd)
{
    return ZSTD_sizeof_DCtx(unzstd->unpacker);
}

enum err unzstd_step(struct unzstd *unzstd, struct str packed, char *to, size_t room,
                     size_t *ret_used, size_t *ret_made, bool *whole)
{
    ZSTD_inBuffer in = {packed.data, packed.size, 0};
    ZSTD_outBuffer out = {to, room, 0};
    size_t left = ZSTD_decompressStream(unzstd->unpacker, &out, &in);
    *ret_used = in.pos;
    *ret_made = out.pos;
    if (ZSTD_isError(left)) {
        ZSTD_ErrorCode code = ZSTD_getErrorCode(left);
        return code == ZSTD_error_memory_allocation               ? ERR_MEMORY
               : code == ZSTD_error_frameParameter_windowTooLarge ? ERR_LIMIT
                                                                  : ERR_SYNTAX;
    }
    if (in.pos > 0 || out.pos > 0) {
        *whole = left == 0;
    }
    return OK;
}
