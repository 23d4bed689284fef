#pragma once

/*
 * What front puts into the ring: a batch, or a tally of records that will not be stored.
 *
 *     OFFSET SIZE MEANING
 *          0    4 'B' batch, 'T' tally
 *          4    4 client
 *          8    4 source
 *         12    4 tally: enum reject_reason, or REJECT_KNOWN
 *         16    8 events in the batch, or records in the tally
 *         24      the batch's bytes
 */

#include "base/err.h"
#include "base/str.h"
#include "event/place.h"

#define ENTRY_HEAD_SIZE 24

enum entry_kind { ENTRY_BATCH, ENTRY_TALLY };

struct entry {
    enum entry_kind kind;
    struct client_id client;
    struct source_id source;
    uint32_t reason;
    uint64_t count;
    struct str batch;
};

void entry_head(const struct entry *entry, char head[ENTRY_HEAD_SIZE]);
/* ERR_CORRUPT for anything that entry_head cannot have made. */
NODISCARD enum err entry_decode(struct str bytes, struct entry *ret);
