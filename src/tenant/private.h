#pragma once

/* What the files of tenant/ share. */

#include "base/limits.h"
#include "codec/crypto.h"
#include "codec/yaml.h"
#include "tenant/tenant.h"

struct statement;

#define RIGHTS_KNOWN ((1u << 15) - 1)
#define ROLES_KNOWN  ((1u << ROLE_COUNT) - 1)
/* Of whoever runs the machine: everything but what a named person must do. */
#define RIGHTS_ADMINISTRATOR (RIGHTS_KNOWN & ~(uint32_t)(RIGHT_WORK | RIGHT_ACT | RIGHT_DECIDE))

/* ---- scope.c */

struct scope_grant {
    uint32_t client; /* 0, as the only grant: every client */
    uint32_t rights; /* enum right, added */
    uint32_t roles;  /* 1 << enum role, added */
};
struct scope_parts {
    const struct scope_grant *grants; /* ascending by client */
    size_t count;
    uint32_t person;
    struct str principal, purpose;
};
/* ERR_SYNTAX if the parts make no scope. */
NODISCARD enum err scope_new(const struct scope_parts *parts, struct scope **ret);

/* ---- element.c, source.c, party.c: what apply files say */

#define NAME_TEXT_MAX     200          /* one half of a name, bytes */
#define SENDERS_MAX       64           /* of one source */
#define ADDRESSES_MAX     1024         /* of one sender */
#define VERSION_SIZE_MAX  (256 * 1024) /* one element's canonical JSON */
#define VERSION_TEXT_SIZE 65           /* a version's name, with a NUL */

struct name_text {
    struct str ja, en; /* empty: missing */
};

struct sender {
    uint32_t line, column;
    struct str listener;
    struct network *networks;
    size_t networks_count;
    bool has_token;
    uint8_t token_hash[32];
    struct str certificate; /* "sha256:" and hexadecimal, or a host's name; empty: none */
    struct str path;        /* of files, '*' in it for anything; empty: none */
};

struct source_element {
    uint32_t line, column; /* 0 where it was read back from the ledger */
    struct str slug;
    struct name_text name;
    struct str parser;
    struct str charset;
    int32_t zone_seconds;
    struct str zone_name; /* "Asia/Tokyo"; empty: zone_seconds hold all the year */
    struct sender *senders;
    size_t senders_count;
};

struct person_element {
    uint32_t line, column;
    struct str slug;
    struct name_text name;
    struct str mail; /* empty: none */
    enum language language;
    uint32_t roles; /* 1 << enum role, added */
};
struct people {
    struct person_element *list;
    size_t count;
};

enum party_kind { PARTY_PROVIDER, PARTY_AUDITOR, PARTY_BIDDER, PARTY_KIND_COUNT };
struct party_element {
    uint32_t line, column;
    struct str slug;
    struct name_text name;
    uint32_t kinds; /* 1 << enum party_kind, added; never 0 */
    struct people people;
};

struct engagement_element {
    uint32_t line, column;
    uint32_t party_line, party_column;
    struct str slug, party;
    enum engagement_state state;
    struct wall from, to; /* in force in [from, to); WALL_NONE: open */
    struct assignment *assignments;
    size_t assignments_count;
};

struct device_element {
    uint32_t line, column;
    struct str slug;
    struct name_text name, place, on_failure;
    struct str kind, owner, provision, installation; /* empty: not said; kind: "other" then */
    struct str *sources;
    size_t sources_count;
};

struct client_element {
    uint32_t line, column;
    struct str slug;
    struct name_text name;
    struct people people;
    uint32_t quota; /* events a second; 0: none is set */
    struct engagement_element *engagements;
    size_t engagements_count;
    struct source_element *sources;
    size_t sources_count;
    struct device_element *devices;
    size_t devices_count;
};

#define PROVIDER_ROLES \
    (1u << ROLE_PROVIDER_ADMIN | 1u << ROLE_ENGINEER | 1u << ROLE_ANALYST | 1u << ROLE_CONSULTANT)
#define CLIENT_ROLES (1u << ROLE_RESPONSIBLE | 1u << ROLE_CONTACT | 1u << ROLE_VIEWER)
uint32_t party_roles(uint32_t kinds); /* that people of such a party may have */

/* Reads one element out of a mapping; made in mem.  What stands under a client or party is read if
 * `whole`.  `roles`: that the person's party can give. */
NODISCARD enum err source_read(const struct yaml_node *node, struct arena *mem,
                               struct source_element *ret, struct why *why);
NODISCARD enum err client_read(const struct yaml_node *node, bool whole, struct arena *mem,
                               struct client_element *ret, struct why *why);
NODISCARD enum err party_read(const struct yaml_node *node, bool whole, struct arena *mem,
                              struct party_element *ret, struct why *why);
NODISCARD enum err person_read(const struct yaml_node *node, uint32_t roles,
                               struct person_element *ret, struct why *why);
NODISCARD enum err engagement_read(const struct yaml_node *node, struct arena *mem,
                                   struct engagement_element *ret, struct why *why);
/* Lists of them; NULL and null are empty ones. */
NODISCARD enum err people_read(const struct yaml_node *node, uint32_t roles, struct arena *mem,
                               struct people *ret, struct why *why);
NODISCARD enum err engagements_read(const struct yaml_node *node, struct arena *mem,
                                    struct client_element *client, struct why *why);

/* ---- device.c */
NODISCARD enum err device_read(const struct yaml_node *node, struct arena *mem,
                               struct device_element *ret, struct why *why);
NODISCARD enum err devices_read(const struct yaml_node *node, struct arena *mem,
                                struct client_element *client, struct why *why);
/* Their sources are the client's, each of one device. */
NODISCARD enum err devices_check(const struct client_element *client, struct why *why);
NODISCARD enum err device_print(const struct device_element *device, struct buf *out);
struct printer;
void device_lines(struct printer *printer, const struct device_element *device);

/* Canonical JSON: keys sorted, no blanks, defaults written out.  That of a client or party is
 * without what stands under it. */
NODISCARD enum err source_print(const struct source_element *source, struct buf *out);
NODISCARD enum err client_print(const struct client_element *client, struct buf *out);
NODISCARD enum err party_print(const struct party_element *party, struct buf *out);
NODISCARD enum err person_print(const struct person_element *person, struct buf *out);
NODISCARD enum err engagement_print(const struct engagement_element *engagement, struct buf *out);

/* One client or party, with what stands under it, as an item of an apply file. */
struct client_parts {
    const struct client_element *client;
    const struct person_element *const *people;
    size_t people_count;
    const struct engagement_element *const *engagements;
    size_t engagements_count;
    const struct source_element *const *sources;
    size_t sources_count;
    const struct device_element *const *devices;
    size_t devices_count;
};
NODISCARD enum err client_export(const struct client_parts *parts, struct buf *out);
NODISCARD enum err party_export(const struct party_element *party,
                                const struct person_element *const *people, size_t count,
                                struct buf *out);

/* What element.c and party.c share.  A mapping with no other keys than `known`, whose first comes
 * first in the sentence; a slug and a name in it. */
NODISCARD enum err element_keys(const struct yaml_node *node, const char *const *known,
                                const char *what, struct why *why);
NODISCARD enum err element_slug(const struct yaml_node *node, const char *what, struct str *ret,
                                struct why *why);
NODISCARD enum err element_name(const struct yaml_node *node, struct name_text *ret,
                                struct why *why);
/* One line without control characters and what overrides the direction of writing.  Of what is
 * written anew marks of direction are refused too: by element_name_valid, and for all texts under
 * an element but its documents, which have rules of their own, by element_marks_check (ERR_SYNTAX);
 * what the ledger holds from before stays readable. */
bool element_line_valid(struct str text);
bool element_name_valid(struct str text);
NODISCARD enum err element_marks_check(const struct yaml_node *node, struct why *why);
/* Appends texts and stops at the first that does not fit. */
struct printer {
    struct buf *out;
    enum err err;
};
void print_text(struct printer *printer, const char *text);
void print_json(struct printer *printer, struct str text);
void print_name(struct printer *printer, const struct name_text *name);
/* A half that is missing is shown as missing. */
void print_name_lines(struct printer *printer, const char *indent, const struct name_text *name);
void source_lines(struct printer *printer, const struct source_element *source);
void people_lines(struct printer *printer, const struct person_element *const *people,
                  size_t count);
void engagements_lines(struct printer *printer, const struct engagement_element *const *engagements,
                       size_t count);

/* ---- apply.c */

struct plan {
    struct party_element *parties;
    size_t parties_count;
    struct client_element *clients;
    size_t count;
};
NODISCARD enum err plan_read(struct str text, struct arena *mem, struct plan *ret, struct why *why);

/* ---- overlap.c: no sender may belong to two sources */

struct overlap;
NODISCARD enum err overlap_new(struct overlap **ret);
void overlap_free(struct overlap *overlap);
/* ERR_CONFLICT names this place and the earlier one; both are borrowed until overlap_free.  A
 * client without a name is one that whoever asks may not know. */
NODISCARD enum err overlap_add(struct overlap *overlap, struct str client,
                               const struct source_element *source, struct why *why);

/* ---- tenant.c: what is effective now, as it stands in the ledger */

struct client_state {
    struct client_info info;
    struct client_element element;
    struct str version; /* hexadecimal; empty for the installation's own */
};
struct source_state {
    struct source_info info;
    struct source_element element;
    struct str client_slug;
    struct str unknown_listener;
    struct str version;
};
struct device_state {
    struct device_info info;
    struct device_element element; /* empty if not active */
    struct str client_slug;
    struct str version;
};
struct party_state {
    uint32_t id;
    struct party_element element;
    struct str version;
};
struct person_state {
    struct person_info info;
    struct str name;               /* "PARTY/PERSON" */
    struct client_id client;       /* whose own they are; 0: of another party's */
    uint32_t party;                /* its id */
    struct person_element element; /* of one who left: as it was */
    struct str version;
};
struct engagement_record {
    uint32_t id;
    bool active;
    struct engagement_info info;
    struct engagement_element element; /* empty if not active */
    struct str version;
};
struct state {
    struct arena *mem;
    struct party_state *parties; /* those that are no clients, by id */
    size_t parties_count;
    struct person_state *people; /* by id */
    size_t people_count;
    struct engagement_record *engagements; /* by client, then id */
    size_t engagements_count;
    struct client_state *clients; /* by id */
    size_t clients_count;
    struct source_state *sources; /* by id */
    size_t sources_count;
    struct device_state *devices; /* by id */
    size_t devices_count;
    uint64_t generation;
};
struct tenant {
    struct ledger *ledger;
    struct state *state;
    struct tries *tries;
    bool unsettled; /* the state holds what an open transaction has written */
    bool factor_key_known;
    uint8_t factor_key[FACTOR_KEY_SIZE];
    enum factor_policy factor_policy;
};

/* Reads everything anew, also inside a transaction. */
NODISCARD enum err state_load(struct ledger *ledger, struct state **ret, struct why *why);
void state_free(struct state *state);
/* state_people.c: its second half. */
NODISCARD enum err state_load_people(struct ledger *ledger, struct state *state, struct why *why);
/* device.c */
NODISCARD enum err state_load_devices(struct ledger *ledger, struct state *state, struct why *why);
/* Runs a statement and calls `load` for each of its rows. */
typedef enum err row_load(struct statement *row, struct state *state, struct why *why);
/* How many rows a table has; ERR_LIMIT: more than max. */
NODISCARD enum err count_load(struct ledger *ledger, const char *sql, size_t max, size_t *ret,
                              struct why *why);
NODISCARD enum err rows_load(struct statement *statement, row_load *load, struct state *state,
                             struct why *why);
/* Canonical JSON of ours, read by the reader of apply files; ERR_CORRUPT. */
NODISCARD enum err element_parse(struct str canonical, struct arena *mem, struct yaml_node **ret);
/* A bracket around what is written: joins the open transaction, or begins one. */
struct bracket {
    struct tenant *tenant;
    bool alone; /* it began the transaction */
};
NODISCARD enum err bracket_open(struct tenant *tenant, struct bracket *ret);
/* What was written came as far as `err`.  One that is alone commits, or undoes everything. */
NODISCARD enum err bracket_close(struct bracket *bracket, enum err err);
/* The same where elements or people changed: what was written becomes the tenant's state, in a
 * joined transaction until tenant_settle. */
NODISCARD enum err bracket_close_state(struct bracket *bracket, enum err err, struct why *why);
/* NULL: not there. */
const struct client_state *state_client(const struct state *state, struct str slug);
const struct source_state *state_source(const struct state *state, struct client_id client,
                                        struct str slug);
const struct party_state *state_party(const struct state *state, struct str slug);
/* By "PARTY/PERSON"; inactive ones too. */
const struct person_state *state_person(const struct state *state, struct str name);
const struct person_state *state_person_id(const struct state *state, uint32_t id);
const struct engagement_record *state_engagement(const struct state *state, struct client_id client,
                                                 struct str slug);

#define PATH_SIZE_MAX (2 * SLUG_SIZE_MAX + 2) /* "acme/web-1" with a NUL */
struct str path_of(struct str first, struct str second, char path[PATH_SIZE_MAX]);

/* person.c: the scope of an active person, with at most these rights. */
NODISCARD enum err person_scope(const struct tenant *tenant, uint32_t id, uint32_t rights,
                                struct str purpose, struct wall now, struct scope **ret);

/* ---- tries.c: how often somebody has tried to sign in lately */

/* A pair is a name from an address: who tries a name from elsewhere does not lock its owner out
 * before TRIES_PER_NAME_MAX (that of NIST SP 800-63B, 5.2.2). */
enum tries_kind { TRIES_PAIR, TRIES_NAME, TRIES_PEER };
#define TRIES_PER_PAIR_MAX 10 /* in 15 minutes */
#define TRIES_PER_NAME_MAX 100
#define TRIES_PER_PEER_MAX 30
#define TRIES_PAIR_SIZE    256

struct tries;
struct tries *tries_new(void); /* NULL when out of memory. */
void tries_free(struct tries *tries);
/* The key of a pair, made in `text`. */
struct str tries_pair(struct str name, struct str peer, char text[TRIES_PAIR_SIZE]);
/* Seconds until the next try; 0: now. */
uint32_t tries_wait(struct tries *tries, enum tries_kind kind, struct str text, struct wall now);
void tries_add(struct tries *tries, enum tries_kind kind, struct str text, struct wall now);
void tries_take_back(struct tries *tries, enum tries_kind kind, struct str text, uint32_t count,
                     struct wall now);
/* True once for each time that the limit is reached. */
bool tries_burst(struct tries *tries, enum tries_kind kind, struct str text, struct wall now);

/* ---- secret.c: tokens */

#define SESSION_PREFIX   "hinomi_s_"
#define API_TOKEN_PREFIX "hinomi_t_"
#define ONE_TIME_PREFIX  "hinomi_i_"
#define NOTE_NS          (60 * NS_PER_SECOND) /* how often a use is noted */

/* A new one in mem, and what is kept of it. */
NODISCARD enum err secret_new(const char *prefix, struct arena *mem, struct str *ret,
                              struct sha256 *ret_hash);
/* False for a text that is no token with that prefix. */
NODISCARD bool secret_hash(const char *prefix, struct str text, struct sha256 *ret);
NODISCARD enum err secret_bind(struct statement *statement, int at, const struct sha256 *hash);

/* A line of the audit trail about a person; an empty principal is the person. */
NODISCARD enum err person_audit(struct tenant *tenant, struct str principal, const char *action,
                                uint32_t person, struct str detail, struct wall now);
#define CLEAN_SIZE 200
/* The beginning of a text from outside, in printable ASCII. */
struct str text_clean(struct str text, char clean[CLEAN_SIZE]);

/* session.c, for api_token.c too: "UPDATE … SET seen = ? WHERE id = ?", once a minute. */
NODISCARD enum err seen_note(struct tenant *tenant, const char *sql, int64_t id, int64_t seen_ns,
                             struct wall now);
/* "DELETE … WHERE person = ? AND id = ?"; ERR_NOT_FOUND. */
NODISCARD enum err row_end(struct tenant *tenant, const char *sql, const char *action,
                           uint32_t person, uint64_t id, struct wall now);

/* sign_in.c: ends the sessions of a person but `keep`, in the open transaction. */
NODISCARD enum err person_sessions_end(struct tenant *tenant, uint32_t person,
                                       const struct sha256 *keep);
/* factor.c: takes a second factor and its recovery codes away, in the open transaction. */
NODISCARD enum err person_factor_forget(struct ledger *ledger, uint32_t person);

/* change_person.c: whether the scope's person (or, without a scope, `by`, with all that they are)
 * manages the people of that person's party; *ret_principal is borrowed.  ERR_NOT_FOUND for a
 * person (or NULL) of whom they may not know, ERR_DENIED with a sentence for one of their own
 * party. */
NODISCARD enum err people_managed(const struct scope *scope, const struct state *state, uint32_t by,
                                  const struct person_state *person, struct str *ret_principal,
                                  struct why *why);

/* ---- totp.c: codes by time (RFC 6238) */

#define TOTP_DIGITS 6
uint32_t totp_code(struct str secret, uint64_t step);
/* Six digits, with or without blanks. */
bool totp_read(struct str text, uint32_t *ret);
/* The step after `after` whose code this is at that moment; false: none. */
bool totp_find(struct str secret, uint32_t code, struct wall now, int64_t after, int64_t *ret_step);
/* Base32 with these 32 digits, without padding.  Returns text: 8 * size / 5 characters, rounded up,
 * and a NUL. */
const char *base32_print(const uint8_t *bytes, size_t size, const char *digits, char *text);

/* sign_in.c: a new password, in the open transaction; sessions but `keep`, tokens and invitations
 * end. */
NODISCARD enum err person_password_store(struct tenant *tenant, uint32_t person, struct str hash,
                                         const struct sha256 *keep);
