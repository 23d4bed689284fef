/*
 * libzstd behind our own names.  Unpacking writes straight into the caller's memory, which serves
 * as the window too, so a frame that asks for a large window costs nothing; a frame that holds
 * more than was told is refused as soon as it passes the end.
 *
 * libzstd also reads what its forerunners wrote (magic numbers FD2FB525 to 27), by readers of their
 * own that give other answers when a text comes in other pieces.  Nobody sends that; nothing here
 * comes to them.
 */

#include "codec/zstd.h"

#include <stdlib.h>
#include <string.h>

#include <zstd.h>
#include <zstd_errors.h>

/* 2^23: nothing that we keep in one piece is larger than 8 MiB. */
#define WINDOW_LOG_MAX 23
#define QUICK_LEVEL    (-3)
#define QUICK_HASH_LOG 12 /* of a table of four bytes each, which stays in the nearest cache */
#define QUICK_MATCH    7
#define MAGIC_SIZE     ((size_t)4)
#define HEAD_SIZE      ((size_t)18) /* RFC 8878, section 3.1.1.1: a frame's head at most */

struct zstd {
    ZSTD_CCtx *packer;
    ZSTD_DCtx *unpacker;
    int level;
    bool quick;
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

struct zstd *zstd_new_quick(void)
{
    struct zstd *zstd = zstd_new(QUICK_LEVEL);
    if (zstd == NULL) {
        return NULL;
    }
    zstd->quick = true;
    if (ZSTD_isError(ZSTD_CCtx_setParameter(zstd->packer, ZSTD_c_compressionLevel, zstd->level)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(zstd->packer, ZSTD_c_hashLog, QUICK_HASH_LOG)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(zstd->packer, ZSTD_c_minMatch, QUICK_MATCH))) {
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
    size_t size = zstd->quick ? ZSTD_compress2(zstd->packer, to, capacity, plain.data, plain.size)
                              : ZSTD_compressCCtx(zstd->packer, to, capacity, plain.data,
                                                  plain.size, zstd->level);
    if (ZSTD_isError(size)) {
        return ZSTD_getErrorCode(size) == ZSTD_error_dstSize_tooSmall ? ERR_LIMIT : ERR_MEMORY;
    }
    *ret_size = size;
    return OK;
}

/* Whether a frame can go on like this: `from` is where `part` stands in it.  RFC 8878, section 3.1:
 * a frame, or one to be skipped, whose first byte has any lower half.  A mixture of both that comes
 * in parts is left to libzstd, which knows none such. */
static bool magic_fits(struct str part, size_t from)
{
    static const unsigned char frame[MAGIC_SIZE] = {0x28, 0xb5, 0x2f, 0xfd};
    static const unsigned char skipped[MAGIC_SIZE] = {0x50, 0x2a, 0x4d, 0x18};
    bool is_frame = true;
    bool is_skipped = true;
    for (size_t i = from; i < MAGIC_SIZE && i - from < part.size; i++) {
        unsigned char c = (unsigned char)part.data[i - from];
        is_frame = is_frame && c == frame[i];
        is_skipped = is_skipped && (i == 0 ? c & 0xf0 : c) == skipped[i];
    }
    return is_frame || is_skipped;
}

enum err zstd_unpack(struct zstd *zstd, struct str packed, void *to, size_t size)
{
    if (!magic_fits(packed, 0)) {
        return ERR_CORRUPT;
    }
    size_t got = ZSTD_decompressDCtx(zstd->unpacker, to, size, packed.data, packed.size);
    if (ZSTD_isError(got) && ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation) {
        return ERR_MEMORY;
    }
    return ZSTD_isError(got) || got != size ? ERR_CORRUPT : OK;
}

/* ---- In pieces. */

struct unzstd {
    ZSTD_DCtx *unpacker;
    char head[HEAD_SIZE]; /* of this frame, as far as it is done with */
    size_t head_size;
    uint64_t made; /* by this frame so far */
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

/* What a step used and made.  A frame that told its size must have had it: libzstd looks at that,
 * but not at each of a frame's endings. */
static enum err frame_note(struct unzstd *unzstd, struct str used, size_t made, bool ended)
{
    struct str head = str_slice(used, 0, HEAD_SIZE - unzstd->head_size);
    if (head.size > 0) {
        memcpy(unzstd->head + unzstd->head_size, head.data, head.size);
        unzstd->head_size += head.size;
    }
    unzstd->made += made;
    if (!ended) {
        return OK;
    }
    unsigned long long told = ZSTD_getFrameContentSize(unzstd->head, unzstd->head_size);
    bool fits = unzstd->head_size == 0 || told == ZSTD_CONTENTSIZE_UNKNOWN || told == unzstd->made;
    unzstd->head_size = 0;
    unzstd->made = 0;
    return fits ? OK : ERR_SYNTAX;
}

enum err unzstd_step(struct unzstd *unzstd, struct str packed, char *to, size_t room,
                     size_t *ret_used, size_t *ret_made, bool *whole)
{
    if (!magic_fits(packed, unzstd->head_size)) {
        *ret_used = *ret_made = 0;
        return ERR_SYNTAX;
    }
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
    return frame_note(unzstd, str_slice(packed, 0, in.pos), out.pos, left == 0);
}
