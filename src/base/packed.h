#pragma once

/*
 * Numbers and texts in a row of bytes, as our own formats have them: a number is 4 bytes,
 * little-endian; a text is its size as a number and then its bytes.
 *
 * Whoever takes off the front gets ERR_CORRUPT where the bytes are cut, and *bytes stays as it was;
 * a text is borrowed from them.  Whoever puts gets ERR_LIMIT for what 4 bytes cannot say, and the
 * errors of buf_append.
 */

#include "base/buf.h"

NODISCARD enum err packed_put_number(struct buf *out, size_t value);
NODISCARD enum err packed_put_text(struct buf *out, struct str text);
NODISCARD enum err packed_take_number(struct str *bytes, uint32_t *ret);
NODISCARD enum err packed_take_text(struct str *bytes, struct str *ret);
