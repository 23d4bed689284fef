#pragma once

/*
 * Parties and what they may touch.  The only place where a scope is made.
 *
 *     tenant_open → tenant_apply … tenant_bindings … scope_for_… → tenant_close
 *
 * Clients and log sources come from apply files (docs/apply.md): a tree of elements with slugs,
 * whose versions are named by the SHA-256 of their canonical JSON and are effective at once.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/why.h"
#include "codec/network.h"
#include "event/place.h"

struct ledger;

/* ---- The scope: who touches which client's data, for what.  Opaque; first argument of whatever
 * touches a client's data. */

struct scope;

enum right {
    RIGHT_APPEND = 1,  /* put events into the archive, run detection over them */
    RIGHT_READ = 2,    /* read events */
    RIGHT_ALERTS = 4,  /* read alerts */
    RIGHT_ALERT = 8,   /* store alerts */
    RIGHT_BOOKS = 16,  /* read the accounts */
    RIGHT_MANAGE = 32, /* change clients and their documents */
};

/* True if the scope has the right (or all of several, added) for that client. */
bool scope_allows(const struct scope *scope, struct client_id client, enum right right);
/* The same for every client, those of the future included. */
bool scope_allows_all(const struct scope *scope, enum right right);
struct str scope_principal(const struct scope *scope); /* borrowed from the scope */
struct str scope_purpose(const struct scope *scope);
void scope_free(struct scope *scope);

/* A scope crosses between processes in a message; only here is it written and read. */
NODISCARD enum err scope_encode(const struct scope *scope, struct buf *out);
NODISCARD enum err scope_decode(struct str bytes, struct scope **ret);

/* For _test.c and _fuzz.c alone: a scope with these rights (enum right, added) for one client, or
 * for every client if client is 0. */
NODISCARD enum err scope_for_test(struct client_id client, uint32_t rights, struct scope **ret);

/* ---- The tenants' state, in desk. */

struct tenant;

/* The installation's own client exists from the first opening (CLIENT_INSTALLATION). */
NODISCARD enum err tenant_open(struct ledger *ledger, struct wall now, struct tenant **ret,
                               struct why *why);
void tenant_close(struct tenant *tenant);

/* A local administrator, known by the user id at the control socket: everything, for every client.
 * The purpose is the command's name; making it is written to the audit trail. */
NODISCARD enum err scope_for_administrator(struct tenant *tenant, uint32_t user_id,
                                           struct str purpose, struct wall now, struct scope **ret);
/* What the spine does for one client on its own: append, detect, store alerts.  Nothing else. */
NODISCARD enum err scope_for_spine(struct tenant *tenant, struct client_id client,
                                   struct scope **ret);

/* What one apply changed, for the person who ran it. */
struct apply_change {
    struct str element; /* "client acme", "source acme/web-1" */
    struct str what;    /* "new", "changed", "removed", "unchanged" */
    struct str version; /* hexadecimal SHA-256 */
};
struct apply_result {
    struct apply_change *changes;
    size_t count;
};

/* Applies a file whole or not at all.  Idempotent.  Mistakes name line and column. */
NODISCARD enum err tenant_apply(const struct scope *scope, struct tenant *tenant, struct str text,
                                struct wall now, struct arena *mem, struct apply_result *ret,
                                struct why *why);
/* Only looks whether a file could be read; needs no ledger. */
NODISCARD enum err tenant_apply_check(struct str text, struct arena *mem, struct why *why);
/* Prints what tenant_apply reads: one client, or for an empty slug all that the scope may manage
 * (the installation's own excepted).  ERR_NOT_FOUND also for a client it may not. */
NODISCARD enum err tenant_export(const struct scope *scope, struct tenant *tenant, struct str slug,
                                 struct buf *out);

NODISCARD enum err tenant_client_find(const struct tenant *tenant, struct str slug,
                                      struct client_id *ret);

struct client_info {
    struct client_id id;
    struct str slug;
    struct str name_ja, name_en; /* either may be empty: missing */
};
struct source_info {
    struct source_id id;
    struct client_id client;
    struct str slug;
    struct str name_ja, name_en; /* either may be empty: missing */
    bool active;                 /* false: it left the documents; its events and books stay */
    bool unknown_senders; /* one of the installation's own, for senders that no document names */
};
/* By index from 0; false at the end.  Borrowed until the next apply. */
bool tenant_client_at(const struct tenant *tenant, size_t index, struct client_info *ret);
bool tenant_source_at(const struct tenant *tenant, size_t index, struct source_info *ret);
/* Every sender of an active source: the source and the name of the sender's listener, whether there
 * is one of that name or not. */
bool tenant_sender_at(const struct tenant *tenant, size_t index, struct source_info *ret_source,
                      struct str *ret_listener);

/* A new random token for a sender, in text, and the hash that the apply file holds. */
NODISCARD enum err tenant_token_new(struct arena *mem, struct str *ret_token, struct str *ret_hash);

/* ---- Bindings: which sender is which source.  Compiled here into an immutable generation for
 * front; collect never reads the ledger. */

struct binding {
    struct client_id client;
    struct source_id source;
    struct str listener; /* the listener's name in the configuration */
    struct str parser;   /* a name that parse/ knows */
    int32_t zone_seconds;
    const struct network
        *networks; /* the sender's address must be in one; for token: any if none */
    size_t networks_count;
    bool has_token;
    uint8_t token_hash[32]; /* SHA-256 of the token */
    bool unknown_senders;   /* takes what no other binding of the listener takes */
};

struct bindings {
    uint64_t generation;
    struct binding *list;
    size_t count;
};

/* listeners: the names in the configuration; each gets a binding for unknown senders under the
 * installation's own client. */
NODISCARD enum err tenant_bindings(struct tenant *tenant, const struct str *listeners,
                                   size_t listeners_count, struct buf *out);
/* Keeps bytes; lists are made in mem.  ERR_CORRUPT for anything that tenant_bindings cannot have
 * written. */
NODISCARD enum err bindings_decode(struct str bytes, struct arena *mem, struct bindings *ret);
