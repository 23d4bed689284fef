#pragma once

/*
 * What core counts of each source while it takes batches in, for desk's vigils: how many records,
 * of which kinds, how late; and of senders that no document names, who they are.  Core counts, not
 * front: a front that was taken over could say that all is well.
 *
 *     vitals_new → vitals_batch … → vitals_send …        (core; it ends with the process)
 *     vitals_read, strangers_read                        (desk)
 */

#include "base/buf.h"
#include "build/build.h"
#include "event/batch.h"

#define STRANGERS_MAX        256 /* between two messages; further ones are only counted */
#define STRANGER_SAMPLE_MAX  512 /* bytes of a record that are shown */
#define STRANGER_ADDRESS_MAX 63

struct vitals;
struct vitals *vitals_new(void); /* NULL when out of memory. */
void vitals_free(struct vitals *vitals);

/* A stored batch.  *ret_failures: of its events could not be parsed; *ret_bytes: of its records. */
void vitals_batch(struct vitals *vitals, const struct batch *batch, struct arena *scratch,
                  uint64_t *ret_failures, uint64_t *ret_bytes);
/* What was counted since the last call, and begins anew: of sources, and of strangers. */
NODISCARD enum err vitals_take(struct vitals *vitals, struct buf *sources, struct buf *strangers);

/* Takes one source off the front of *bytes; texts are borrowed.  ERR_CORRUPT. */
struct vital {
    struct client_id client;
    struct source_id source;
    uint64_t records;
    bool lag_known;
    int64_t lag_ns;
    struct seen_kind kinds[VIGIL_KINDS_MAX];
    size_t kinds_count;
};
NODISCARD enum err vitals_read(struct str *bytes, struct vital *ret);
struct stranger {
    struct source_id source; /* of the installation, the listener's */
    uint64_t count;
    struct wall first, last;
    struct str address, parser, sample;
};
NODISCARD enum err strangers_read(struct str *bytes, struct stranger *ret);
