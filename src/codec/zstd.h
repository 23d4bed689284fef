#pragma once

/*
 * Compression of whole pieces whose size is known: the door to libzstd.
 *
 *     zstd_new → zstd_pack … zstd_unpack … → zstd_free
 *
 * The unpacked size is always told by whoever keeps the piece, and never learnt from the piece
 * itself: no input can ask for more memory than its reader meant to spend.
 */

#include "base/err.h"
#include "base/str.h"

struct zstd;

/* level: 1 to 19.  NULL when out of memory. */
struct zstd *zstd_new(int level);
/* For what is packed in a hurry and packed again later: of lines of 300 bytes each, -1 took 0.35 us
 * and left 43 bytes in the same run in which this took 0.29 and left 50. */
struct zstd *zstd_new_quick(void);
void zstd_free(struct zstd *zstd);

/* How large the packed form of `size` bytes can be. */
size_t zstd_bound(size_t size);
/* Writes at most `capacity` bytes (zstd_bound of the input is always enough: less may be
 * ERR_LIMIT). */
NODISCARD enum err zstd_pack(struct zstd *zstd, struct str plain, void *to, size_t capacity,
                             size_t *ret_size);
/* Writes exactly `size` bytes, or ERR_CORRUPT: not one whole frame of that size. */
NODISCARD enum err zstd_unpack(struct zstd *zstd, struct str packed, void *to, size_t size);

/* ---- A text that arrives in pieces, and whose size nobody tells (for codec/inflate.h). */

struct unzstd;

/* window_log_max: the largest window that a frame may ask for, as a power of two. */
struct unzstd *unzstd_new(int window_log_max);
void unzstd_free(struct unzstd *unzstd);         /* NULL is fine. */
size_t unzstd_size(const struct unzstd *unzstd); /* what it holds in memory */
/* One step: *ret_used of packed is done with, *ret_made bytes stand in `to`; *whole is set when a
 * frame has ended, and unset within one.  ERR_SYNTAX: it is none; ERR_LIMIT: too large a window. */
NODISCARD enum err unzstd_step(struct unzstd *unzstd, struct str packed, char *to, size_t room,
                               size_t *ret_used, size_t *ret_made, bool *whole);
