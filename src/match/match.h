#pragma once

/*
 * Does this event fit: the one evaluator under rules and searches.  A search is a rule that looks
 * back; a rule is a search that waits.
 *
 *     query_parse → query_matches … → query_free
 *
 * Immutable once made; no call keeps the event.  Values compare without case (Unicode simple
 * folding) unless a rule says otherwise; a field that is missing matches nothing.
 */

#include "base/arena.h"
#include "base/why.h"
#include "event/batch.h"

struct query;

/*
 * The search language (docs/search.md): words and "phrases" in the record, field: value with
 * wildcards * and ?, ranges field: >= 400, networks field: 192.0.2.0/24, field: /regex/, field: *
 * for existence, and, or, not, parentheses; words side by side mean and.  The empty text fits
 * everything.  ERR_SYNTAX says where and why.  At most QUERY_SIZE_MAX bytes.
 */
NODISCARD enum err query_parse(struct str text, struct query **ret, struct why *why);
void query_free(struct query *query);

/* Whether the event fits.  scratch is used for values that need their escapes undone. */
NODISCARD enum err query_matches(const struct query *query, const struct event *event,
                                 struct arena *scratch, bool *ret);
