#pragma once

/* What the files of tenant/ share. */

#include "codec/yaml.h"
#include "tenant/tenant.h"

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

/* ---- element.c: what documents say, so far */

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
};

struct source_element {
    uint32_t line, column; /* 0 where it was read back from the ledger */
    struct str slug;
    struct name_text name;
    struct str parser;
    int32_t zone_seconds;
    struct sender *senders;
    size_t senders_count;
};

struct client_element {
    uint32_t line, column;
    struct str slug;
    struct name_text name;
    struct source_element *sources;
    size_t sources_count;
};

/* Reads one source or client out of a mapping; made in mem.  The client's sources are read if
 * `with_sources`. */
NODISCARD enum err source_read(const struct yaml_node *node, struct arena *mem,
                               struct source_element *ret, struct why *why);
NODISCARD enum err client_read(const struct yaml_node *node, bool with_sources, struct arena *mem,
                               struct client_element *ret, struct why *why);
/* Canonical JSON: keys sorted, no blanks, defaults written out.  A client's is without its
 * sources. */
NODISCARD enum err source_print(const struct source_element *source, struct buf *out);
NODISCARD enum err client_print(const struct client_element *client, struct buf *out);
/* One client with its sources as an item of an apply file. */
NODISCARD enum err client_export(const struct client_element *client,
                                 const struct source_element *const *sources, size_t count,
                                 struct buf *out);

/* ---- apply.c */

struct plan {
    struct client_element *clients;
    size_t count;
};
NODISCARD enum err plan_read(struct str text, struct arena *mem, struct plan *ret, struct why *why);

/* ---- overlap.c: no sender may belong to two sources */

struct overlap;
NODISCARD enum err overlap_new(struct overlap **ret);
void overlap_free(struct overlap *overlap);
/* ERR_CONFLICT names this place and the earlier one; both are borrowed until overlap_free. */
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
struct state {
    struct arena *mem;
    struct client_state *clients; /* by id */
    size_t clients_count;
    struct source_state *sources; /* by id */
    size_t sources_count;
    uint64_t generation;
};
struct tenant {
    struct ledger *ledger;
    struct state *state;
};

/* Reads everything anew, also inside a transaction. */
NODISCARD enum err state_load(struct ledger *ledger, struct state **ret, struct why *why);
void state_free(struct state *state);
/* Ends the open transaction, which came as far as `err`: commits, and what was written becomes the
 * tenant's state; on an error nothing has happened. */
NODISCARD enum err tenant_commit(struct tenant *tenant, enum err err, struct why *why);
/* NULL: not there. */
const struct client_state *state_client(const struct state *state, struct str slug);
const struct source_state *state_source(const struct state *state, struct client_id client,
                                        struct str slug);
