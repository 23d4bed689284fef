#pragma once

/*
 * What the archive holds, judged again: `hinomi scan --data` (by the rules in force now, or by
 * those that were in force when each event came), and the dry run of other rules.  Runs in a worker
 * and offline.
 *
 *     rules_pack … → rejudge_scan | rejudge_compare
 */

#include "serve/reading.h"

#define REJUDGE_EDITIONS_MAX 64 /* at hand in one go */

/* Rule bundles on their way to where the archive is read, each behind the hash of its edition. */
NODISCARD enum err rules_pack(struct buf *out, struct str hash, struct str bundle);

/* Prints each alert that the rules raise on events of [from, to).  `rules`: of rules_pack. as_live:
 * each event is judged by the edition that the archive names for it; else all by the first one.
 * Criteria are not asked: what is printed is what rules say. */
NODISCARD enum err rejudge_scan(const struct reading *reading, struct str rules, bool as_live,
                                struct why *why);
/* Prints what the first edition would raise that the second does not, and the reverse, by rule. */
NODISCARD enum err rejudge_compare(const struct reading *reading, struct str rules,
                                   struct why *why);
