#pragma once

/*
 * Correlations (Sigma 2.1, correlation rules) and our own baselines over what rules have seen: the
 * windows of one client, or of one scan.
 *
 *     correlator_new → correlator_feed … → correlator_free
 *     correlator_encode → (a crash) → correlator_decode → correlator_feed what came since
 *
 * Time is that of the events.  The same sightings in the same order give the same alerts, live, in
 * a replay, and across a checkpoint.  Events may come late or out of order by at most
 * CORRELATION_LATENESS_MAX behind the newest of their group; later ones are counted and left out.
 * Memory is bounded: docs/correlations.md says what is forgotten first, and correlator_stats counts
 * it.
 */

#include "detect/detect.h"

struct correlator;

/* `size_max`: bytes of state.  The rule set must outlive it. */
NODISCARD enum err correlator_new(const struct ruleset *ruleset, size_t size_max,
                                  struct correlator **ret);
void correlator_free(struct correlator *correlator);
/* From the next sighting on: which correlations are off (a byte each by index of the rule set, not
 * 0: off); NULL: none.  Borrowed until the next call or move.  One that is off goes on counting, so
 * that its windows are the same whenever it is asked again, but raises no alert and feeds no other.
 */
void correlator_for(struct correlator *correlator, const uint8_t *off);
/* One sighting, in the order in which events are judged.  Alerts that it completes (of correlations
 * and of correlations over them) are appended to alerts, a struct alert each: they lie at the
 * sighting's place, have kind ALERT_CORRELATION, a group and the records; their texts are made in
 * `turn` or borrowed from the rule set. */
NODISCARD enum err correlator_feed(struct correlator *correlator, const struct sighting *sighting,
                                   struct arena *turn, struct buf *alerts);
/* The same correlator under another rule set: the state of correlations whose own version and whose
 * rules' versions are unchanged is kept, the rest begins anew. */
NODISCARD enum err correlator_move(struct correlator *correlator, const struct ruleset *ruleset);

/* The state as bytes, tied to versions as correlator_move is; ERR_CORRUPT for what no encoder made.
 */
NODISCARD enum err correlator_encode(const struct correlator *correlator, struct buf *out);
NODISCARD enum err correlator_decode(struct str bytes, struct correlator *correlator,
                                     struct why *why);

struct correlator_stats {
    uint64_t fed, late, forgotten; /* sightings; groups that bounded memory forgot */
    size_t groups, size;
};
void correlator_stats(const struct correlator *correlator, struct correlator_stats *ret);
