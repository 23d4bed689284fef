#pragma once

/* A small world for the tests of versions: an installation on a simulated disk, in most of them
 * with the client `acme` (id 2), and a scope for each role there. */

#include "service/service.h"
#include "sys/fake.h"

#define WORLD_NOW ((struct wall){1700000000123456000})
#define ACME      ((struct client_id){2})

struct world {
    struct fake *fake;
    struct ledger *ledger;
    struct tenant *tenant;
    struct service *service;
    struct scope *roles[ROLE_COUNT];
    struct scope *administrator, *job;
    struct client_id client; /* acme */
    struct arena *mem;
    struct apply_result result;
    struct why why;
};

struct world world_new(void);
struct world world_empty(void);        /* without the client */
void world_roles(struct world *world); /* once acme is there */
void world_reopen(struct world *world);
void world_done(struct world *world);
/* WORLD_NOW and so many seconds. */
struct wall world_at(int64_t seconds);
/* Reads a document of that kind; it must be right. */
struct document world_document(struct world *world, const char *kind, const char *text);
/* Drafts it as the engineer; it must succeed. */
struct version world_draft(struct world *world, const char *kind, const char *text, int64_t seconds,
                           struct wall wanted);
NODISCARD enum err world_sign(struct world *world, enum role role, const struct version *version,
                              int64_t seconds, struct version *ret);
/* How many lines of the audit trail have this action. */
int64_t world_audited(struct world *world, const char *action);
