#pragma once

/*
 * Losses that become events: datagrams that were lost on arrival (the kernel dropped them, or a
 * front died with them) are counted in the books, and the count is itself a record in the archive
 * of the source that lost them, so that a search over those hours says that something is missing
 * (R-A9).
 */

#include "base/arena.h"
#include "event/batch.h"
#include "serve/entry.h"

/* Whether a tally also becomes a record; one such tally is one record more, received and stored. */
bool notice_wanted(const struct entry *entry);

/* The batch with the record, checked, made in mem. */
NODISCARD enum err notice_make(const struct entry *entry, struct wall now, struct arena *mem,
                               struct batch *ret);
