#pragma once

/* The original lines behind alerts, by their places: what a worker makes of a job API_JOB_EVIDENCE
 * (portal/api.h says how it is packed). */

#include "serve/reading.h"

/* Prints {"alerts": [{"alert", "lines"}], "more"}.  A line that cannot be read is not among the
 * lines.  Alerts from the first on, as many as fit into SHOWN_ANSWER_MAX; then there are more. */
NODISCARD enum err evidence_answer(const struct reading *reading, struct str packed,
                                   struct why *why);
