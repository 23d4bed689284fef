#pragma once

/*
 * The client's criteria (R062 to R065): what an alert means to this client.  Assets, segments and
 * NAT, owners and calendars of its effective documents are resolved, then the first criterion that
 * fits decides.  Immutable; a new generation replaces it whole.
 *
 *     criteria_new → criteria_judge … → criteria_free
 *
 * Time is an argument: the same event under the same documents has the same outcome for ever.
 */

#include "calendar/calendar.h"
#include "detect/detect.h"

struct criteria;

/* Whether what a draft of kind `criteria` says can run, beyond what its schema asks: its search
 * expressions, and types of incidents that words/types.yaml does not have.  Asked before a draft is
 * accepted.  ERR_SYNTAX with line and column of the document. */
NODISCARD enum err criteria_check(const struct document *document, struct why *why);

/* From a bundle of service_bundle (which may be empty: then rules stand as they are).  `sources`:
 * the client's enrolled log sources, a line "id slug\n" each, since documents know them by slug.
 * Keeps the zones, nothing else.  ERR_CORRUPT for a bundle that the service did not write. */
NODISCARD enum err criteria_new(struct str bundle, struct str sources, struct zones *zones,
                                struct criteria **ret, struct why *why);
void criteria_free(struct criteria *criteria);
/* SHA-256 over bundle and sources, hexadecimal: the generation's name. */
struct str criteria_hash(const struct criteria *criteria);

/* Fills in the outcomes of alerts of this batch (as detect_batch or ruleset_judge made them, so in
 * the order of its events).  Texts are borrowed from the criteria or made in `turn`.  criteria
 * NULL: the client has no documents. */
NODISCARD enum err criteria_judge(const struct criteria *criteria, const struct batch *batch,
                                  struct place first, struct arena *turn, struct alerts *alerts);

/* The type of a rule's alerts where no criterion says otherwise: by its tags and log source. */
struct str criteria_type_of_rule(struct str tags, struct str title);
