#pragma once

/*
 * Events as the portal shows them: as the object Event of docs/api.yaml, or as a row of a table for
 * spreadsheets.  Their bytes are whatever somebody sent; what comes out is valid UTF-8.
 */

#include "base/arena.h"
#include "codec/json_out.h"
#include "event/batch.h"

/* At most SHOWN_EVENT_MAX bytes of JSON: values and the original are cut, further fields left out.
 * scratch: for values whose escapes have to be undone. */
void printed_event(struct json_out *out, struct place place, struct str source,
                   const struct event *event, struct arena *scratch);

/* RFC 4180, each line with CR LF; in front a byte order mark, by which spreadsheets know UTF-8. */
NODISCARD enum err printed_head(struct buf *out);
/* A cell that a spreadsheet would take for a formula gets an apostrophe; of a field that occurs
 * several times the first value is told. */
NODISCARD enum err printed_row(struct place place, struct str source, const struct event *event,
                               struct arena *scratch, struct buf *out);

/* What spreadsheets take for the beginning of a formula; those for Japanese also in full width. */
bool printed_begins_formula(struct str text);
