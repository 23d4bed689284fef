#pragma once

/*
 * Bytes that we own and that grow, up to a ceiling told at the start:
 *
 *     buf_init → buf_append … → buf_str → buf_done
 *
 * An append past the ceiling fails with ERR_LIMIT and leaves the buffer as it was.
 */

#include "base/err.h"
#include "base/str.h"

struct buf {
    char *data; /* The first `size` bytes are set; no terminator. */
    size_t size;
    size_t capacity;
    size_t size_max;
};

void buf_init(struct buf *buf, size_t size_max);
void buf_done(struct buf *buf);  /* Leaves the zero value. */
void buf_reset(struct buf *buf); /* Forgets the bytes, keeps the memory. */

NODISCARD enum err buf_append(struct buf *buf, struct str bytes);
NODISCARD enum err buf_append_byte(struct buf *buf, char byte);
NODISCARD enum err buf_print(struct buf *buf, const char *format, ...) PRINTF(2, 3);

/* Adds `size` bytes for the caller to fill; *ret stays valid until the next append. */
NODISCARD enum err buf_extend(struct buf *buf, size_t size, char **ret);
/* Takes the first `size` bytes away. */
void buf_consume(struct buf *buf, size_t size);

struct str buf_str(const struct buf *buf); /* Borrowed until the next append. */
