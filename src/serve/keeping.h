#pragma once

/*
 * Promises and holds on their way from desk to core, and lots of the archive on the way back.
 *
 *     desk: keeping_pack ── KEEP ──► core: core_keep ── HOLDINGS ──► desk
 *           DROP ─────────────────►        core_drop ── DROPPED ───► desk
 *
 * Core keeps nothing of this over its own end, and lets nothing go before it was told: desk says
 * everything again to each core, and once more before it asks for anything to be dropped.
 */

#include "archive/keep.h"
#include "base/buf.h"
#include "serve/link.h"
#include "service/keeping.h"

/* Bytes of a KEEP. */
NODISCARD enum err keeping_pack(const struct keep_rule *rules, size_t rules_count,
                                const struct hold_rule *holds, size_t holds_count, struct buf *out);
struct keeping_told {
    const struct keep_rule *rules;
    size_t rules_count;
    const struct hold_rule *holds;
    size_t holds_count;
};
/* Reads them as outside bytes, made in mem.  ERR_CORRUPT. */
NODISCARD enum err keeping_unpack(struct str bytes, struct arena *mem, struct keeping_told *ret);

/* In core: takes it in and tells desk what lies there. */
NODISCARD enum err core_keep(const struct scope *scope, struct archive *archive, struct link *desk,
                             const struct keep_message *message);
/* In core: lets one segment go, or says why not. */
NODISCARD enum err core_drop(const struct scope *scope, struct archive *archive, struct link *desk,
                             const struct drop_message *message, struct wall now);
