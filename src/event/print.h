#pragma once

/* An event as one JSON object, nested by its dotted field names, for `parse`, `search` and scripts.
 */

#include "base/buf.h"
#include "event/batch.h"

/*
 * Appends {"@timestamp", event.original, event.created, observer.product, hinomi.parser,
 * hinomi.class, hinomi.parse_error, and every field}.  A name that occurs several times becomes a
 * list, but our own names have our own value alone.  Where a name is both a value and the beginning
 * of longer names, the longer ones stay dotted keys beside it; `event`, `hinomi` and `observer` are
 * objects always, and a record's own field of such a name becomes their "value".
 * `extra` (a dotted name, empty for none) gets the JSON text `extra_json`.
 */
NODISCARD enum err event_print_json(const struct event *event, struct str extra,
                                    struct str extra_json, struct arena *scratch, struct buf *out);
