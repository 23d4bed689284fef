#pragma once

/* A search with pipes as the portal shows it (survey.h): rows or events, and how many events were
 * counted over time. */

#include "match/pipes.h"
#include "serve/reading.h"

/* Prints the object Found of docs/api.yaml. */
NODISCARD enum err survey_pipes_answer(const struct reading *reading, const struct query *query,
                                       struct why *why);
/* Prints the same rows, or events, as CSV; ERR_LIMIT if anything is missing from them. */
NODISCARD enum err survey_pipes_table(const struct reading *reading, const struct query *query,
                                      struct why *why);
