#pragma once

/* A ledger on a simulated disk with tenants, for the tests of people and of what lets them in. */

#include "ledger/ledger.h"
#include "sys/fake.h"
#include "tenant/private.h"

#define NOW    ((struct wall){1700000000000000000})
#define MINUTE (60 * NS_PER_SECOND)

/* A provider with an administrator and one person of each other role, an auditor and a bidder; a
 * client with people of its own, for whom all three are engaged, and one that nobody works for. */
extern const char world_parties[];

struct world {
    struct fake *fake;
    struct ledger *ledger;
    struct tenant *tenant;
    struct scope *scope; /* the local administrator's */
    struct arena *mem;
    struct apply_result result;
    struct why why;
};

struct world world_new(void);
/* The same with world_parties applied. */
struct world world_peopled(void);
void world_reopen(struct world *world);
void world_done(struct world *world);
enum err world_apply(struct world *world, const char *text);
/* True if the last apply says that of the element. */
bool world_changed(const struct world *world, const char *element, const char *what);
/* The id of a person; 0: there is none. */
uint32_t world_person(const struct world *world, const char *name);
struct wall after(int64_t ns);
/* Lines of the audit trail with that action. */
int64_t world_audited(struct world *world, const char *action);
