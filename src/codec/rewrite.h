#pragma once

/*
 * Regular expressions over short texts that people wrote: rules, configurations.  The door to
 * PCRE2.  No log is ever shown to it: it may go back and try again, and only its limits stop it.
 *
 *     rewrite_new → rewrite_begins, rewrite_apply … → rewrite_free
 */

#include "base/arena.h"
#include "base/why.h"

struct rewrite;

/* ERR_SYNTAX says what is wrong with the expression. */
NODISCARD enum err rewrite_new(struct str regex, struct rewrite **ret, struct why *why);
void rewrite_free(struct rewrite *rewrite); /* NULL is fine. */

/* Whether the text begins with a match.  ERR_LIMIT: it cannot be told in reasonable time. */
NODISCARD enum err rewrite_begins(const struct rewrite *rewrite, struct str text, bool *ret);
/* Each match in the text replaced; in the replacement \1 to \9 and \g<name> stand for what the
 * groups took, \\ for a backslash.  ERR_LIMIT as above, or if the text grows too large. */
NODISCARD enum err rewrite_apply(const struct rewrite *rewrite, struct str text,
                                 struct str replacement, struct arena *mem, struct str *ret);
