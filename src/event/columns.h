#pragma once

/*
 * A batch with its tables turned, as journals of versions 2 and 3 hold it: what stands below each
 * other in the rows of events and spans stands side by side, as the difference from the one before.
 *
 *     OFFSET                     bytes
 *          0                     the batch's header, as it is
 *         80                     for each of the 12 words of a row of events: that of the first
 *                                event, then of each further one the difference (u32, modulo 2^32)
 *         80 + 48 events         the spans' offsets, each less the one before; then their sizes,
 *                                then their third words, as they are
 *         then                   names and text, as they are
 *
 * The size does not change.  Any bytes can be turned back whose header's counts fit their size.
 */

#include "event/batch.h"

/* to: as large as the bytes, and apart from them.  ERR_CORRUPT: the header's counts do not fit. */
NODISCARD enum err columns_to_batch(struct str columns, char *to);
