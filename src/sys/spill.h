#pragma once

/*
 * Bytes that a command sets aside and takes up again later: a file without a name, which ends with
 * the process whatever happens.
 *
 *     spill_new → spill_append … → spill_read … → spill_free
 */

#include "base/str.h"
#include "base/why.h"

struct spill;

/* The file itself, in TMPDIR or /tmp, is made by the first append. */
NODISCARD enum err spill_new(uint64_t size_max, struct spill **ret);
/* ERR_LIMIT beyond size_max, ERR_FULL if the disk is. */
NODISCARD enum err spill_append(struct spill *spill, struct str bytes, uint64_t *ret_offset);
NODISCARD enum err spill_read(struct spill *spill, uint64_t offset, void *to, size_t size);
void spill_free(struct spill *spill); /* NULL is fine. */
