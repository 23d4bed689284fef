#pragma once

/* Searches with pipes (match/pipes.h) over the archive. */

#include "match/pipes.h"
#include "serve/reading.h"

/* Prints the answer as rows or events.  ERR_LIMIT, after all that was found is printed: something
 * was not read or not counted; why says what. */
NODISCARD enum err piping_search(const struct reading *reading, const struct query *query,
                                 struct why *why);
/* ERR_LIMIT and what is missing from the funnel's answer, if anything. */
NODISCARD enum err piping_left(const struct funnel *funnel, struct why *why);
