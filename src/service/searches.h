#pragma once

/*
 * Saved searches: a name for a query over one client's events.
 *
 *     saved_search_add … saved_search_list … saved_search_change, saved_search_remove
 *
 * Each belongs to the person who saved it; a shared one is seen by all who may read that client's
 * events, and changed by its person alone.  Whoever may not see one hears ERR_NOT_FOUND.
 */

#include "base/arena.h"
#include "base/clock.h"
#include "ledger/ledger.h"
#include "tenant/tenant.h"

struct saved_search {
    uint64_t id;
    uint32_t person;
    struct str name, query, span; /* span: "24h", or empty */
    bool shared;
    struct wall changed;
};

/* At most SAVED_SEARCHES_MAX of a client (ERR_LIMIT).  ERR_DENIED: nobody in person asks.
 * slug: the client's, for the audit trail.  ERR_SYNTAX: no name, or one that is too long, or a span
 * that is none. */
NODISCARD enum err saved_search_add(const struct scope *scope, struct ledger *ledger,
                                    struct client_id client, struct str slug,
                                    const struct saved_search *search, struct wall now,
                                    uint64_t *ret_id);
/* ERR_NOT_FOUND; ERR_DENIED for another's, if it is seen at all. */
NODISCARD enum err saved_search_change(const struct scope *scope, struct ledger *ledger,
                                       struct client_id client, struct str slug,
                                       const struct saved_search *search, struct wall now);
NODISCARD enum err saved_search_remove(const struct scope *scope, struct ledger *ledger,
                                       struct client_id client, struct str slug, uint64_t id,
                                       struct wall now);
/* Those that the scope's person may see, by name.  Texts are made in mem. */
NODISCARD enum err saved_search_list(const struct scope *scope, struct ledger *ledger,
                                     struct client_id client, struct arena *mem,
                                     struct saved_search **ret, size_t *ret_count);
