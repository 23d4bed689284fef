#pragma once

/*
 * A search as the portal shows it: how many events there were over time, and the newest of them.
 * Time is the time of arrival, which alone orders events that come late or lie about their own.
 */

#include "codec/json_out.h"
#include "serve/histogram.h"
#include "serve/reading.h"

/* Prints the object Found of docs/api.yaml.  What did not fit into SHOWN_ANSWER_MAX is older than
 * what did, and is asked for with the next page. */
NODISCARD enum err survey_answer(const struct reading *reading, struct str query, struct why *why);
/* Prints the newest events as CSV; ERR_LIMIT if they are larger than CSV_SIZE_MAX or the time was
 * over before all were seen. */
NODISCARD enum err survey_table(const struct reading *reading, struct str query, struct why *why);

/* ---- What survey_pipes.c shares. */

/* total, from, to, step_seconds, counts and complete of Found. */
void survey_counts_print(struct json_out *out, const struct histogram *histogram, struct wall to,
                         bool complete);
/* One of its `unread`: the time was over; oldest: of the events that were found, or WALL_NONE. */
void survey_unread_print(struct json_out *out, struct wall oldest, struct wall to);
