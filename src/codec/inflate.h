#pragma once

/*
 * Compressed bodies, unpacked as they arrive: gzip, deflate and zstd, the codings that senders of
 * logs use.
 *
 *     inflate_new → inflate_add … → inflate_end → inflate_free
 *
 * A bomb is stopped by what came out against what went in, long before it is through; how much may
 * come out in all is the caller's affair, who says with each call how much more there is room for.
 */

#include "base/buf.h"

enum inflate_kind {
    INFLATE_GZIP,    /* RFC 1952; members one behind the other are one text */
    INFLATE_DEFLATE, /* RFC 1950, or RFC 1951 alone, which many send under that name */
    INFLATE_ZSTD,    /* RFC 8878; frames one behind the other are one text */
};

struct inflate;

/* ERR_MEMORY. */
NODISCARD enum err inflate_new(enum inflate_kind kind, struct inflate **ret);
void inflate_free(struct inflate *inflate); /* NULL is fine. */

/* What it holds in memory now: for zstd what the frame asks for, some 8 MiB at most. */
size_t inflate_size(const struct inflate *inflate);

/* Unpacks into *out, at most `room` bytes, and takes what it used off *packed.  Was all the room
 * filled, there may be more, even if *packed is empty: call again.  ERR_SYNTAX: it is not of that
 * kind, or is damaged; ERR_LIMIT: it unfolds into more than INFLATE_RATIO_MAX times its size, or
 * wants a window over INFLATE_WINDOW_LOG_MAX. */
NODISCARD enum err inflate_add(struct inflate *inflate, struct str *packed, struct buf *out,
                               size_t room);
/* Nothing more comes.  ERR_SYNTAX: it broke off. */
NODISCARD enum err inflate_end(const struct inflate *inflate);
