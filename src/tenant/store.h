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
NODISCARD enum err store_source_new(struct store *store, struct client_id client, struct str slug,
                                    struct str unknown_listener);
/* The service's own source of a client. */
NODISCARD enum err store_source_own(struct store *store, struct client_id client, struct str slug);
NODISCARD enum err store_source_active(struct store *store, struct source_id source, bool active);
/* Makes a version effective from now on; its text is kept once. */
NODISCARD enum err store_version(struct store *store, struct client_id client, const char *kind,
                                 struct str path, struct str canonical, struct str hash);
NODISCARD enum err store_audit(struct store *store, const char *action, struct str object,
                               struct str detail);

/* A new party that is no client; kind "client" has its own. */
NODISCARD enum err store_party_new(struct store *store, struct str slug,
                                   const struct name_text *name, uint32_t *ret);
NODISCARD enum err store_party_rename(struct store *store, struct str slug,
                                      const struct name_text *name);
NODISCARD enum err store_person_new(struct store *store, uint32_t party, struct str slug,
                                    uint32_t *ret);
/* One who goes loses sessions, tokens, invitations, password and second factor at once. */
NODISCARD enum err store_person_active(struct store *store, uint32_t person, bool active);
NODISCARD enum err store_device_new(struct store *store, struct client_id client, struct str slug);
NODISCARD enum err store_device_active(struct store *store, uint32_t device, bool active);
NODISCARD enum err store_engagement_new(struct store *store, struct client_id client,
                                        struct str slug);
NODISCARD enum err store_engagement_active(struct store *store, uint32_t engagement, bool active);

/* Runs a statement whose parameters are all numbers. */
NODISCARD enum err store_run(struct ledger *ledger, const char *sql, const int64_t *values,
                             int count);
/* The next id of a table, from "SELECT coalesce(max(id), 0) + 1 FROM …". */
NODISCARD enum err store_next_id(struct ledger *ledger, const char *sql, uint32_t *ret);

/* ---- One apply, while it is written: change.c, change_people.c */

struct apply {
    struct store store;
    const struct scope *scope; /* NULL: who may has been looked at already */
    const struct state *state;
    struct arena *mem;
    struct buf canonical; /* of the element that is looked at */
    struct apply_result result;
    size_t changed;
    struct why *why;
};

/* NULL: the plan does not name it. */
const struct client_element *plan_client(const struct plan *plan, struct str slug);
/* Whatever the plan names is in it or in the state. */
NODISCARD enum err plan_refers(struct apply *apply, const struct plan *plan);

/* The senders of all sources that receive now, as overlap_add; those of clients that `but` names
 * (NULL: none) are left out. */
NODISCARD enum err overlap_add_active(struct overlap *overlap, const struct apply *apply,
                                      const struct plan *but);
/* Whether the canonical text is the version that is effective. */
bool canonical_is(const struct apply *apply, struct str version);
/* Lists a change, and unless nothing changed, makes the version in `canonical` effective. */
NODISCARD enum err change_store(struct apply *apply, struct client_id client, const char *kind,
                                struct str path, const char *what);

/* A source that is new, comes back, or changed. */
NODISCARD enum err source_store(struct apply *apply, struct client_id client,
                                struct str client_slug, const struct source_element *source);

/* device.c: a client's devices; those that are not named leave. */
NODISCARD enum err devices_store(struct apply *apply, struct client_id id,
                                 const struct client_element *client);

NODISCARD enum err party_store(struct apply *apply, const struct party_element *party);
/* Without its people. */
NODISCARD enum err party_store_alone(struct apply *apply, const struct party_element *party,
                                     uint32_t *ret_id);
/* All people of a party or client; who is not among them leaves. */
NODISCARD enum err people_store(struct apply *apply, struct client_id client, uint32_t party,
                                struct str party_slug, const struct people *people);
NODISCARD enum err person_store(struct apply *apply, struct client_id client, uint32_t party,
                                struct str party_slug, const struct person_element *person);
/* Who is not among a party's people any more. */
NODISCARD enum err person_remove(struct apply *apply, struct client_id client,
                                 const struct person_state *person);
/* Party and people of an engagement are there, once the plan is applied. */
NODISCARD enum err engagement_refers(struct apply *apply, const struct plan *plan,
                                     const struct engagement_element *engagement);
NODISCARD enum err engagement_store(struct apply *apply, struct client_id client,
                                    struct str client_slug,
                                    const struct engagement_element *engagement);
NODISCARD enum err engagements_remove(struct apply *apply, struct client_id client,
                                      const struct client_element *element);
/* Takes who left, or lost a role, out of the engagements of clients that the plan does not name. */
NODISCARD enum err engagements_prune(struct apply *apply, const struct plan *plan);
