#pragma once

/*
 * Proposals to enrol: senders that no document names, as they were met, with a sample and the
 * format that was guessed, until they are enrolled or forgotten.
 *
 *     proposal_see … → proposal_list → proposal_lines
 */

#include "base/limits.h"
#include "build/build.h"

struct proposal_seen {
    struct source_id source; /* of the installation: the listener's unknown senders */
    struct str address, parser;
    struct str sample; /* bytes from outside, as they came */
    uint64_t count;
    struct wall first, last;
};
/* In the caller's transaction; RIGHT_SERVE.  The one that was heard longest ago gives way. */
NODISCARD enum err proposal_see(const struct scope *scope, struct ledger *ledger,
                                const struct proposal_seen *seen);

struct proposal {
    uint64_t id;
    struct str listener, address, parser;
    struct str sample; /* printable: what is none is shown as \xHH */
    uint64_t count;
    struct wall first, last;
};
/* The newest first; those that a source has taken since are left out.  For who may manage every
 * client, or a provider's administrators: records of strangers belong to no client. */
NODISCARD enum err proposal_list(const struct scope *scope, struct ledger *ledger,
                                 const struct tenant *tenant, size_t limit, struct arena *mem,
                                 struct proposal **ret, size_t *ret_count);
/* One that stands there still; who may is as above.  ERR_NOT_FOUND. */
NODISCARD enum err proposal_find(const struct scope *scope, struct ledger *ledger,
                                 const struct tenant *tenant, struct str listener,
                                 struct str address, struct arena *mem, struct proposal *ret);
/* The slug that is proposed: "sender-192-0-2-7". */
#define PROPOSAL_SLUG_SIZE (SLUG_SIZE_MAX + 1)
struct str proposal_slug(const struct proposal *proposal, char text[PROPOSAL_SLUG_SIZE]);
/* The lines of an apply file that enrol it. */
NODISCARD enum err proposal_lines(const struct proposal *proposal, struct arena *mem,
                                  struct str *ret);
