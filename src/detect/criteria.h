#pragma once

/*
 * The client's criteria (R062 to R065): what an alert means to this client.  Assets, segments and
 * NAT, owners and calendars of its effective documents are resolved, then the first criterion that
 * fits decides.  Immutable; a new generation replaces it whole.
 *
 *     criteria_new → criteria_lists, criteria_off → criteria_judge … → criteria_free
 *
 * Time is an argument: the same events in the same order under the same documents have the same
 * outcomes for ever.  A generation is used by one thread at a time.
 */

#include "calendar/calendar.h"
#include "detect/detect.h"

struct criteria;
struct criteria_state; /* what thresholds have counted; one for each client, over generations */

/* Whether what a draft of kind `criteria` says can run, beyond what its schema asks: its search
 * expressions, and types of incidents that words/types.yaml does not have.  Asked before a draft is
 * accepted.  ERR_SYNTAX with line and column of the document. */
NODISCARD enum err criteria_check(const struct document *document, struct why *why);
/* The same of a draft of kind `detection`: the filters of its exceptions are compiled, who answers
 * for them and until when must be said, and no placeholder stands twice. */
NODISCARD enum err detection_check(const struct document *document, struct why *why);
/* How an exception (an item of that document) stands at a moment, and how many days it holds from
 * then on, the present one included; 0 once it has expired. */
enum exception_state {
    EXCEPTION_AHEAD, /* its first day has not come */
    EXCEPTION_ACTIVE,
    EXCEPTION_ENDING,  /* in EXCEPTION_WARN_DAYS at most */
    EXCEPTION_EXPIRED, /* or its days were never said */
};
#define EXCEPTION_WARN_DAYS 14
enum exception_state exception_state_at(const struct element *item, struct wall now,
                                        int64_t *ret_days);

/* From a bundle of service_bundle (which may be empty: then rules stand as they are).  `sources`:
 * the client's enrolled log sources, a line "id slug\n" each, since documents know them by slug.
 * Keeps the zones, nothing else.  ERR_CORRUPT for a bundle that the service did not write. */
NODISCARD enum err criteria_new(struct str bundle, struct str sources, struct zones *zones,
                                struct criteria **ret, struct why *why);
void criteria_free(struct criteria *criteria);
/* SHA-256 over bundle and sources, hexadecimal: the generation's name. */
struct str criteria_hash(const struct criteria *criteria);

/* ---- Before events are judged: what goes into judge_for. */

/* The values of placeholders; NULL: none.  Borrowed from the criteria, which may be NULL. */
const struct lists *criteria_lists(const struct criteria *criteria);
/* A byte for each rule of the set, in mem, not 0 where the client has it off; *ret NULL: all are
 * on.  To be made anew when either the criteria or the set becomes another. */
NODISCARD enum err criteria_off(const struct criteria *criteria, const struct ruleset *ruleset,
                                struct arena *mem, const uint8_t **ret);

/* ---- After them. */

/* Fills in the outcomes of alerts of this batch (as detect_batch and correlator_feed made them),
 * in the order of the list, in which thresholds count.  Texts are borrowed from the criteria or
 * made in `turn`.  criteria NULL: the client has no documents.  state NULL: no threshold is ever
 * met.  On an error the state may have counted some of them. */
NODISCARD enum err criteria_judge(const struct criteria *criteria, struct criteria_state *state,
                                  const struct batch *batch, struct place first, struct arena *turn,
                                  struct alerts *alerts);

/* Leaves those out whose event an exception takes for their rule, so that no correlation counts it;
 * to be called before correlator_feed.  *ret_left_out: how many.  After an error the list is void.
 */
NODISCARD enum err criteria_sightings(const struct criteria *criteria,
                                      const struct ruleset *ruleset, const struct batch *batch,
                                      struct place first, struct arena *turn,
                                      struct sightings *sightings, size_t *ret_left_out);

/* ---- Thresholds. */

NODISCARD enum err criteria_state_new(struct criteria_state **ret);
void criteria_state_free(struct criteria_state *state);
/* The state as bytes: what was encoded and decoded goes on as if nothing had happened.  Decoding
 * replaces what the state held; ERR_CORRUPT, for what no encoder made, leaves it empty. */
NODISCARD enum err criteria_state_encode(const struct criteria_state *state, struct buf *out);
NODISCARD enum err criteria_state_decode(struct str bytes, struct criteria_state *state);
/* How many counters bounded memory made it forget. */
uint64_t criteria_state_forgotten(const struct criteria_state *state);

/* The type of a rule's alerts where no criterion says otherwise: by its tags and log source. */
struct str criteria_type_of_rule(struct str tags, struct str title);
