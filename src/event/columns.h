#pragma once

/*
 * A batch with its tables turned: what stands below each other in the rows of events and spans
 * stands side by side, as the difference from the one before.  Rows resemble their neighbours, so
 * this packs to a twenty-fifth of what rows pack to, and in a fifth of the time.
 *
 *     OFFSET                     bytes
 *          0                     the batch's header, as it is
 *         80                     for each of the 12 words of a row of events: that of the first
 *                                event, then of each further one the difference (u32, modulo 2^32)
 *         80 + 48 events         the spans' offsets, each less the one before; then their sizes,
 *                                then their third words, as they are
 *         then                   names and text, as they are
 *
 * The size does not change.  Both directions take any bytes whose header's counts fit their size,
 * and one undoes the other.
 */

#include "event/batch.h"

/* to: as large as the bytes, and apart from them.  ERR_CORRUPT: the header's counts do not fit. */
NODISCARD enum err columns_from_batch(struct str batch, char *to);
NODISCARD enum err columns_to_batch(struct str columns, char *to);
