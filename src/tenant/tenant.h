#pragma once

/*
 * Parties and what they may touch.  The only place where a scope is made.
 *
 *     tenant_open → tenant_apply … tenant_bindings … scope_for_… → tenant_close
 *
 * Parties, people, clients, engagements and log sources come from apply files (docs/apply.md): a
 * tree of elements with slugs, whose versions are named by the SHA-256 of their canonical JSON and
 * are effective at once.  Documents that wait for signatures are the service's.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/why.h"
#include "codec/network.h"
#include "event/place.h"
#include "words/words.h"

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
/* True if the scope stands there in that role, with all that the role may: an API token that was
 * made for less signs nothing. */
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
    struct str waits;   /* of a document: what it waits for, in words; else empty */
};
struct apply_result {
    struct apply_change *changes;
    size_t count;
};

/* Applies the parties, clients, sources, engagements and people of an apply file (its keys
 * `parties` and `clients`; what stands under a client's `documents` and `signatures` is the
 * service's, and is passed over here).  Idempotent.  Mistakes name line and column.  Joins the
 * caller's transaction if one is open (then tenant_settle must follow its end), else brackets its
 * own. */
NODISCARD enum err tenant_apply(const struct scope *scope, struct tenant *tenant, struct str text,
                                struct wall now, struct arena *mem, struct apply_result *ret,
                                struct why *why);
/* After the caller's transaction has ended, in whichever way: the state in memory is that on disk
 * again (inside the transaction it is that which was written).  Quick where nothing joined.  After
 * an error here, nothing may be asked but this again. */
NODISCARD enum err tenant_settle(struct tenant *tenant, struct why *why);
/* A sender that was heard, enrolled as a source of its own at once, each of whose lines is
 * recognised by itself: what came first may have been anybody's.  RIGHT_MANAGE for that client.
 * ERR_EXISTS: a source of that slug receives already; one that had left comes back.  ERR_CONFLICT:
 * the address belongs to another.  As tenant_apply it joins an open transaction. */
struct source_wish {
    struct str slug, name_ja, name_en;
    struct str listener, address;
    struct str format; /* as its first line looked: for the definition that people sign */
};
NODISCARD enum err tenant_source_enrol(const struct scope *scope, struct tenant *tenant,
                                       struct client_id client, const struct source_wish *wish,
                                       struct wall now, struct why *why);
/* Only looks whether a file could be read; needs no ledger. */
NODISCARD enum err tenant_apply_check(struct str text, struct arena *mem, struct why *why);
/* Prints what tenant_apply reads: the parties, then one client, or for an empty slug all that the
 * scope may manage (the installation's own excepted), each closed by whatever `documents` prints
 * (keys of the client's mapping, indented by four; NULL: nothing).  ERR_NOT_FOUND also for a client
 * it may not. */
typedef enum err tenant_export_call(void *context, struct client_id client, struct buf *out);
NODISCARD enum err tenant_export(const struct scope *scope, struct tenant *tenant, struct str slug,
                                 tenant_export_call *documents, void *context, struct buf *out);

/* Another number whenever an apply, a set-up or an invitation changed something that stands in
 * versions: clients, sources, people, engagements. */
uint64_t tenant_generation(const struct tenant *tenant);

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
    struct str parser;           /* as it stands in the apply file; empty for unknown senders */
    struct str zone;             /* a place of the time zone database; empty where none is named */
    bool active;                 /* false: it left the documents; its events and books stay */
    bool unknown_senders; /* one of the installation's own, for senders that no document names */
    bool own;             /* the service's own about this client: heartbeats, the books */
};
#define OWN_SOURCE_SLUG "hinomi" /* no source of an apply file has it */
/* By index from 0; false at the end.  Borrowed until the next apply. */
bool tenant_client_at(const struct tenant *tenant, size_t index, struct client_info *ret);
bool tenant_source_at(const struct tenant *tenant, size_t index, struct source_info *ret);
/* Every sender of an active source: the source and the name of the sender's listener, whether there
 * is one of that name or not. */
bool tenant_sender_at(const struct tenant *tenant, size_t index, struct source_info *ret_source,
                      struct str *ret_listener);
/* What a source hears, a line each: the listener, then a network, the
 * word "token", what its certificate is known by, or a path; for unknown
 * senders the listener alone.  Made in mem. */
NODISCARD enum err tenant_senders(const struct tenant *tenant, struct source_id source,
                                  struct arena *mem, struct str **ret, size_t *ret_count);

/* Makes what is missing of the service's own sources, one of each client. */
NODISCARD enum err tenant_own_sources(struct tenant *tenant, struct wall now);

/* A device of a client (R110 to R112); texts are empty where nothing was said. */
struct device_info {
    uint32_t id;
    struct client_id client;
    struct str slug;
    struct str name_ja, name_en, place_ja, place_en;
    struct str kind;                         /* "firewall", "ids", … "other" */
    struct str owner;                        /* a slug of the client's contacts */
    struct str provision;                    /* "rental", "purchase", "client-owned", "cloud" */
    struct str installation;                 /* "inline", "mirror", "agent", "agentless", "cloud" */
    struct str on_failure_ja, on_failure_en; /* fail-open or fail-closed, in words */
    const struct str *sources;               /* slugs */
    size_t sources_count;
    bool active;
};
/* By index from 0; false at the end.  Borrowed until the next apply. */
bool tenant_device_at(const struct tenant *tenant, size_t index, struct device_info *ret);
/* The device that sends this source of the client; false: none names it. */
bool tenant_device_of(const struct tenant *tenant, struct client_id client, struct str source,
                      struct device_info *ret);

/* A new random token for a sender, in text, and the hash that the apply file holds. */
NODISCARD enum err tenant_token_new(struct arena *mem, struct str *ret_token, struct str *ret_hash);

/* ---- People.  A person belongs to one party and is named "PARTY/PERSON" everywhere.  Roles of the
 * client's own people stand with the person; people of a provider reach a client only through an
 * engagement that is in force, and all but provider-admins only if they are assigned in it;
 * auditors and bidders likewise through an engagement of theirs.  Fail closed: what is not said is
 * not allowed, and a change counts for the very next call. */

struct person_info {
    uint32_t id;
    struct str party, slug;
    struct str name_ja, name_en;
    struct str mail;
    enum language language;
    bool active;       /* false: it left the documents; sessions and tokens have ended */
    bool has_password; /* else only an invitation leads in */
    uint32_t roles;    /* 1 << enum role, added: of the party as a whole */
};
/* By index from 0, or by "PARTY/PERSON"; borrowed until the next apply. */
bool tenant_person_at(const struct tenant *tenant, size_t index, struct person_info *ret);
NODISCARD enum err tenant_person_find(const struct tenant *tenant, struct str name,
                                      struct person_info *ret);
NODISCARD enum err tenant_person_get(const struct tenant *tenant, uint32_t id,
                                     struct person_info *ret);

/* How a person comes in. */
struct person_door {
    bool second_factor;      /* confirmed: signing in asks for a code */
    uint32_t recovery_codes; /* that are left */
    struct wall seen;        /* last signed in; WALL_NONE: never */
};
NODISCARD enum err tenant_person_door(struct tenant *tenant, uint32_t person,
                                      struct person_door *ret);

/* What a person may do now, over all clients that they reach; ERR_DENIED if that is nothing.  Until
 * an engagement is built (planning, selection, contract) a provider's people read documents as
 * bidders do. */
NODISCARD enum err scope_for_person(struct tenant *tenant, uint32_t person, struct str purpose,
                                    struct wall now, struct scope **ret);
/* The service's own work (clocks, groups, notices): RIGHT_SERVE and what it has to read, for every
 * client.  `job` names it in the audit trail. */
NODISCARD enum err scope_for_job(struct tenant *tenant, struct str job, struct scope **ret);

/* Engagements: which provider (or auditor, or bidder) works for which client, and in which phase.
 */
enum engagement_state {
    ENGAGEMENT_PLANNING,
    ENGAGEMENT_SELECTION,
    ENGAGEMENT_CONTRACT,
    ENGAGEMENT_BUILD,
    ENGAGEMENT_TEST,
    ENGAGEMENT_STEADY,
    ENGAGEMENT_ENDED,
    ENGAGEMENT_STATE_COUNT
};
struct assignment {
    uint32_t line, column; /* in an apply file; else 0 */
    struct str person;     /* of the engagement's party */
    enum role role;
};
struct engagement_info {
    struct client_id client;
    struct str slug, party;
    struct str party_ja, party_en; /* its name */
    enum engagement_state state;
    struct wall from, to; /* in force in [from, to); WALL_NONE: open */
    const struct assignment *assignments;
    size_t assignments_count;
};
/* By index from 0, false at the end; borrowed until the next apply. */
bool tenant_engagement_at(const struct tenant *tenant, size_t index, struct engagement_info *ret);

/* ---- People changed one at a time, as an apply would change them: the same versions, the same
 * audit trail, so an export shows them and the next apply decides about them.
 *
 * Who manages the people of a party: of a provider its administrators, of a client its responsible
 * persons.  scope: of an API token or of whoever runs the machine; NULL: `by` has signed in.
 * ERR_NOT_FOUND for people of other parties, ERR_DENIED for who may not, ERR_SYNTAX and
 * ERR_CONFLICT with a sentence. */

struct person_wish {
    struct str name_ja, name_en, mail;
    enum language language;
    uint32_t roles; /* 1 << enum role, added; those that the party can give */
};
/* Into one's own party.  ERR_EXISTS also for one who has left. */
NODISCARD enum err tenant_person_make(const struct scope *scope, struct tenant *tenant, uint32_t by,
                                      struct str slug, const struct person_wish *wish,
                                      struct wall now, struct why *why);
/* Not active: the rest stays as it was; every session, token and factor ends, and so do assignments
 * (as with a role that is lost).  Nobody takes from themselves what lets them do this:
 * ERR_CONFLICT. */
NODISCARD enum err tenant_person_change(const struct scope *scope, struct tenant *tenant,
                                        uint32_t by, struct str name,
                                        const struct person_wish *wish, bool active,
                                        struct wall now, struct why *why);
/* One's own. */
NODISCARD enum err tenant_language_set(struct tenant *tenant, uint32_t person,
                                       enum language language, struct wall now);
/* Replaces who is assigned in an engagement of that client; counts for the very next call.  By an
 * administrator of the engagement's party (between build and end) or whoever may change
 * everything. */
NODISCARD enum err tenant_assign(const struct scope *scope, struct tenant *tenant,
                                 struct client_id client, struct str slug,
                                 const struct assignment *list, size_t count, struct wall now,
                                 struct why *why);

/* ---- Passwords.  Hashing takes 100 ms and 64 MiB on purpose, so it is done in a worker
 * (codec/password.h: no state, no ledger); here only the results are kept. */

#define PASSWORD_SIZE_MIN 12 /* bytes */
#define PASSWORD_SIZE_MAX 1024

/* ERR_SYNTAX with a sentence for one that is too short, too long, or the person's own name. */
NODISCARD enum err password_fit(struct str password, struct str name, struct why *why);

/* A try counts as a failure from here on, until tenant_password_tried says otherwise: 10 for a name
 * and 30 for an address (a /64 of IPv6) in 15 minutes.
 *
 * The stored hash of an active person, made in mem; for an unknown name (or one without a password)
 * a hash that nothing matches, so that both take equally long.  *ret_person 0 then.  ERR_AGAIN:
 * too many failures for this name or address lately; *ret_seconds says how long to wait. */
NODISCARD enum err tenant_password_get(struct tenant *tenant, struct str name, struct str peer,
                                       struct wall now, struct arena *mem, struct str *ret_hash,
                                       uint32_t *ret_person, uint32_t *ret_seconds);
/* What came of it, for the limits and the audit trail. */
NODISCARD enum err tenant_password_tried(struct tenant *tenant, struct str name, struct str peer,
                                         uint32_t person, bool matches, struct wall now);
/* A try that was no failure and let nobody in: it does not count.  For a right password that waits
 * for its code, and for codes within a session. */
void tenant_try_forget(struct tenant *tenant, struct str name, struct str peer, struct wall now);
/* The same limits for a code within a session; counts as a failure until tenant_try_forget. */
NODISCARD enum err tenant_try_begin(struct tenant *tenant, struct str name, struct str peer,
                                    struct wall now, uint32_t *ret_seconds);
/* Ends every other session of the person, and all their API tokens and invitations.  ERR_SYNTAX for
 * a hash that is none of codec/password.h's; ERR_DENIED for somebody who has left. */
NODISCARD enum err tenant_password_set(struct tenant *tenant, uint32_t person, struct str hash,
                                       struct str keep_session, struct wall now);

/* ---- The second factor (factor.c): codes by time (RFC 6238) from a secret that the person's app
 * has, and recovery codes. */

#define FACTOR_KEY_SIZE 32
#define RECOVERY_CODES  10

/* Of whom the installation wants one: nobody, people of providers, everybody. */
enum factor_policy { FACTOR_OPTIONAL, FACTOR_PROVIDER, FACTOR_EVERYBODY, FACTOR_POLICY_COUNT };
NODISCARD enum err factor_policy_parse(struct str text, enum factor_policy *ret);
/* Once, after tenant_open: the key that secrets are sealed under.  Without it none can be begun,
 * and of those that are there recovery codes alone let in. */
void tenant_factors_set(struct tenant *tenant, const uint8_t key[FACTOR_KEY_SIZE],
                        enum factor_policy policy);
bool factor_wanted(const struct tenant *tenant, uint32_t person);

/* A new secret in Base32, shown once; replaces one that was never confirmed.  ERR_EXISTS: there is
 * a factor; ERR_UNSUPPORTED without a key. */
NODISCARD enum err factor_begin(struct tenant *tenant, uint32_t person, struct wall now,
                                struct arena *mem, struct str *ret);
/* From now on it is asked for; ends every session but one.  ERR_DENIED: the code does not fit;
 * ERR_CONFLICT: none was begun. */
NODISCARD enum err factor_confirm(struct tenant *tenant, uint32_t person, struct str code,
                                  struct str keep_session, struct wall now, struct arena *mem,
                                  struct str ret_codes[RECOVERY_CODES]);
/* Uses a code, or a recovery code, up.  ERR_DENIED: it does not fit, or has been used;
 * ERR_CONFLICT: there is no factor. */
NODISCARD enum err factor_use(struct tenant *tenant, uint32_t person, struct str code,
                              struct wall now);
/* New recovery codes instead of all old ones. */
NODISCARD enum err factor_codes(struct tenant *tenant, uint32_t person, struct wall now,
                                struct arena *mem, struct str ret_codes[RECOVERY_CODES]);
/* Ends every session but one. */
NODISCARD enum err factor_end(struct tenant *tenant, uint32_t person, struct str keep_session,
                              struct wall now);
/* Takes a lost one of somebody else away, and ends their sessions; who may is as for people above.
 * ERR_NOT_FOUND also where there is none; ERR_CONFLICT for one's own. */
NODISCARD enum err factor_take(const struct scope *scope, struct tenant *tenant, uint32_t by,
                               struct str name, struct wall now, struct why *why);

/* ---- One-time tokens: the first set-up, invitations.  Shown once, kept as SHA-256. */

/* For the first provider-admin, printed by the parent at the start of an installation that nobody
 * can sign in to; ERR_EXISTS once somebody can.  An earlier one stops working.  A day. */
NODISCARD enum err tenant_setup_token(struct tenant *tenant, struct wall now, struct arena *mem,
                                      struct str *ret);
/* Whether that token would work now, before a password is hashed for it; changes nothing.
 * ERR_NOT_FOUND: unknown, expired or used. */
NODISCARD enum err tenant_setup_look(struct tenant *tenant, struct str token, struct wall now);
/* Uses it up: makes the provider's party (if it is not there) and its first admin, as an apply
 * would.  ERR_NOT_FOUND for the token, ERR_EXISTS once somebody can sign in, ERR_SYNTAX and
 * ERR_CONFLICT for the names. */
NODISCARD enum err tenant_setup(struct tenant *tenant, struct str token, struct str party,
                                struct str person, struct str password_hash, struct wall now,
                                uint32_t *ret_person, struct why *why);
/* Who may is as for people that are changed: a person of the party that one manages, or
 * RIGHT_MANAGE for every client.  Three days; an earlier one stops working.  For who has a password
 * already it is the way to a new one.  People of other parties are not found. */
NODISCARD enum err tenant_invite(const struct scope *scope, struct tenant *tenant, uint32_t by,
                                 struct str name, struct wall now, struct arena *mem,
                                 struct str *ret, struct why *why);
/* Whose invitation it is; changes nothing.  ERR_NOT_FOUND: unknown, expired or used. */
NODISCARD enum err tenant_invited(struct tenant *tenant, struct str token, struct wall now,
                                  struct person_info *ret);
NODISCARD enum err tenant_invitation_use(struct tenant *tenant, struct str token,
                                         struct str password_hash, struct wall now,
                                         uint32_t *ret_person);

/* ---- Sessions and API tokens: random, shown once, kept as SHA-256.  A session ends after 30
 * minutes without use and 12 hours at most; a token at its date. */

NODISCARD enum err session_new(struct tenant *tenant, uint32_t person, struct str peer,
                               struct str agent, struct wall now, struct arena *mem,
                               struct str *ret);
/* The person of a token that is good now; notes the use.  ERR_DENIED for any other. */
NODISCARD enum err session_person(struct tenant *tenant, struct str token, struct wall now,
                                  uint32_t *ret);
/* OK while the token is good; notes no use, so what asks again and again (an open stream) keeps
 * nobody signed in.  ERR_DENIED from the moment at which the session has ended. */
NODISCARD enum err session_alive(struct tenant *tenant, struct str token, struct wall now);
/* ERR_DENIED for a token that is not good. */
NODISCARD enum err session_end(struct tenant *tenant, struct str token, struct wall now);
struct session_view {
    uint64_t id;
    struct wall created, seen;
    struct str peer, agent;
    bool current;
};
NODISCARD enum err session_list(struct tenant *tenant, uint32_t person, struct str current,
                                struct wall now, struct arena *mem, struct session_view **ret,
                                size_t *ret_count);
NODISCARD enum err session_end_id(struct tenant *tenant, uint32_t person, uint64_t id,
                                  struct wall now);

/* rights: what the token may at most, of what its person may at that moment.  ERR_LIMIT past
 * API_TOKENS_MAX. */
NODISCARD enum err api_token_new(struct tenant *tenant, uint32_t person, struct str name,
                                 uint32_t rights, struct wall expires, struct wall now,
                                 struct arena *mem, struct str *ret, uint64_t *ret_id);
NODISCARD enum err api_token_scope(struct tenant *tenant, struct str token, struct str purpose,
                                   struct wall now, struct scope **ret);
struct api_token_view {
    uint64_t id;
    struct str name;
    uint32_t rights;
    struct wall created, expires, seen; /* seen: WALL_NONE: never */
};
NODISCARD enum err api_token_list(struct tenant *tenant, uint32_t person, struct arena *mem,
                                  struct api_token_view **ret, size_t *ret_count);
NODISCARD enum err api_token_end(struct tenant *tenant, uint32_t person, uint64_t id,
                                 struct wall now);

/* ---- Bindings: which sender is which source.  Compiled here into an immutable generation for
 * front; collect never reads the ledger. */

struct binding {
    struct client_id client;
    struct source_id source;
    struct str listener;    /* the listener's name in the configuration */
    struct str parser;      /* a name of docs/parsers.md; what parse/ does not know is recognised */
    struct str charset;     /* a name that codec/charset.h knows, or "auto" */
    int32_t zone_seconds;   /* east of UTC, of times that do not say theirs */
    struct wall zone_until; /* from then on zone_next_seconds hold; WALL_NONE: always the same */
    int32_t zone_next_seconds;
    uint32_t quota; /* events a second of the whole client; 0: none is set */
    const struct network
        *networks; /* the sender's address must be in one; for token: any if none */
    size_t networks_count;
    bool has_token;
    uint8_t token_hash[32]; /* SHA-256 of the token */
    bool unknown_senders;   /* takes what no other binding of the listener takes */
    struct str certificate; /* "sha256:" and 64 digits, or a name in the certificate; else empty */
    struct str path;        /* of files, '*' in it for anything; else empty */
};

struct bindings {
    uint64_t generation;
    struct binding *list;
    size_t count;
};

/* The offset of a zone by its name ("Asia/Tokyo") at this moment, when it changes next (WALL_NONE:
 * not as far as is known) and to what.  false: there is no such zone; it is taken for UTC. */
typedef bool zone_find(void *context, struct str name, struct binding *ret);

/* listeners: the names in the configuration; each gets a binding for unknown senders under the
 * installation's own client. */
NODISCARD enum err tenant_bindings(struct tenant *tenant, const struct str *listeners,
                                   size_t listeners_count, zone_find *zone, void *zone_context,
                                   struct buf *out);
/* Keeps bytes; lists are made in mem.  ERR_CORRUPT for anything that tenant_bindings cannot have
 * written. */
NODISCARD enum err bindings_decode(struct str bytes, struct arena *mem, struct bindings *ret);
