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
    RIGHT_APPEND = 1,      /* put events into the archive, run detection over them */
    RIGHT_READ = 2,        /* read events */
    RIGHT_ALERTS = 4,      /* read alerts */
    RIGHT_ALERT = 8,       /* store alerts */
    RIGHT_BOOKS = 16,      /* read the accounts */
    RIGHT_MANAGE = 32,     /* change clients, parties, engagements and sources */
    RIGHT_DOCUMENTS = 64,  /* read documents, as far as they are disclosed to one's side */
    RIGHT_DRAFT = 128,     /* write drafts of documents */
    RIGHT_INCIDENTS = 256, /* read incidents, their clocks and notices */
    RIGHT_WORK = 512,      /* the provider's work on an incident: steps, proposals, records */
    RIGHT_ACT = 1024,      /* the client's work on an incident: answers, records of its tasks */
    RIGHT_DECIDE = 2048,   /* the client's decision; no role of a provider has it (R069) */
    RIGHT_USERS = 4096,    /* invite and end users of one's own party */
    RIGHT_AUDIT = 8192,    /* read the audit trail of a client */
    RIGHT_SERVE = 16384,   /* the service's own work: clocks, groups, notices, effective dates */
};

/* What a person is for one client.  Rights follow from roles (role.c); documents are signed by
 * roles. */
enum role {
    ROLE_PROVIDER_ADMIN, /* 提供側の管理者 */
    ROLE_ENGINEER,       /* セキュリティエンジニア: rules, parsers, documents' drafts */
    ROLE_ANALYST,        /* アナリスト */
    ROLE_CONSULTANT,     /* コンサルタント */
    ROLE_RESPONSIBLE,    /* 責任者: decides for the client */
    ROLE_CONTACT,        /* 担当者 */
    ROLE_VIEWER,         /* reads alone */
    ROLE_AUDITOR,        /* 監査する人 */
    ROLE_BIDDER,         /* reads what was released to bidders */
    ROLE_COUNT
};
const char *role_text(enum role role); /* "provider-admin", "engineer", … */
NODISCARD enum err role_parse(struct str text, enum role *ret);
uint32_t role_rights(enum role role); /* enum right, added */

/* On whose side a scope stands for a client: decides what is disclosed to it, and whose turn is
 * its turn. */
enum side {
    SIDE_NONE,     /* no right at all */
    SIDE_CLIENT,   /* responsible person, contact, viewer */
    SIDE_PROVIDER, /* admin, engineer, analyst, consultant; through an engagement in force */
    SIDE_AUDITOR,
    SIDE_BIDDER,
    SIDE_INSTALLATION, /* whoever runs the machine, and the service's own work: sees everything,
                          decides and signs nothing */
};

/* True if the scope has the right (or all of several, added) for that client. */
bool scope_allows(const struct scope *scope, struct client_id client, enum right right);
/* The same for every client, those of the future included. */
bool scope_allows_all(const struct scope *scope, enum right right);
bool scope_has_role(const struct scope *scope, struct client_id client, enum role role);
enum side scope_side(const struct scope *scope, struct client_id client);
struct str scope_principal(const struct scope *scope); /* borrowed from the scope */
struct str scope_purpose(const struct scope *scope);
uint32_t scope_person(const struct scope *scope); /* the person's id; 0: none, see the principal */
void scope_free(struct scope *scope);

/* A scope crosses between processes in a message; only here is it written and read. */
NODISCARD enum err scope_encode(const struct scope *scope, struct buf *out);
NODISCARD enum err scope_decode(struct str bytes, struct scope **ret);

/* For _test.c and _fuzz.c alone: a scope with these rights (enum right, added) for one client, or
 * for every client if client is 0. */
NODISCARD enum err scope_for_test(struct client_id client, uint32_t rights, struct scope **ret);
/* The same for a person in one role for one client; the principal is "test/" and the role. */
NODISCARD enum err scope_for_test_role(struct client_id client, enum role role, struct scope **ret);

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
