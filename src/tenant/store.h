#pragma once

/* The rows that an apply writes; all in the caller's transaction.  For tenant/'s own files. */

#include "tenant/private.h"

struct store {
    struct ledger *ledger;
    struct str principal;
    struct wall now;
};

NODISCARD enum err store_installation(struct store *store);
NODISCARD enum err store_client_new(struct store *store, const struct client_element *client,
                                    struct client_id *ret);
NODISCARD enum err store_client_rename(struct store *store, const struct client_element *client);
NODISCARD enum err store_source_new(struct store *store, struct client_id client, struct str slug,
                                    struct str unknown_listener);
NODISCARD enum err store_source_active(struct store *store, struct source_id source, bool active);
/* Makes a version effective from now on; its text is kept once. */
NODISCARD enum err store_version(struct store *store, struct client_id client, const char *kind,
                                 struct str path, struct str canonical, struct str hash);
NODISCARD enum err store_audit(struct store *store, const char *action, struct str object,
                               struct str detail);
