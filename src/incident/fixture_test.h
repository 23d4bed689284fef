#pragma once

/* What the tests of incidents share: two clients, a scope for every role, alerts, and what the
 * rooms below were told. */

#include "incident/incident.h"
#include "ledger/ledger.h"
#include "sys/fake.h"

#define NOW      ((struct wall){1700000000000000000})
#define CLIENT_A ((struct client_id){1})
#define CLIENT_B ((struct client_id){2})
#define SECOND   NS_PER_SECOND

struct town {
    struct fake *fake;
    struct ledger *ledger;
    struct tenant *tenant;
    struct service *service;
    struct clocks *clocks;
    struct incidents *incidents;
    struct arena *mem;
    struct scope *serve;             /* the service's own work, every client */
    struct scope *roles[ROLE_COUNT]; /* for CLIENT_B */
    struct scope *administrator;     /* of the installation */
    struct scope *stranger;          /* the responsible person of CLIENT_A */
    uint64_t sequence;               /* of the last alert */
    int64_t moments;                 /* events of clocks that were looked at */
    struct wall now;
};

struct town *town_new(void);
void town_free(struct town *town);
/* As a new process would. */
void town_stop(struct town *town);
void town_start(struct town *town);
/* Drafts a document, has it signed by whoever must, and makes it effective. */
void town_run(struct town *town, const char *kind, struct str text);
/* Criteria that run from now on: whether the action `block` is authorised, and what `sqli` says
 * about deciding, as "decide_within: 60s" or nothing. */
void town_criteria(struct town *town, bool authorised, const char *decide);

/* An alert of CLIENT_B that is an incident: SQL injection on the asset shop, high. */
struct alert town_alert(struct town *town);
NODISCARD enum err town_store(struct town *town, struct alert *list, size_t count);
/* Stores and groups in one transaction; the incidents that were opened. */
NODISCARD enum err town_group(struct town *town, struct alert *list, size_t count,
                              uint64_t *ret_opened);
/* One alert, one incident, number 1 in a new town. */
void town_open_one(struct town *town);
struct incident_at town_at(const struct town *town, uint32_t number);
struct incident_view town_view(struct town *town, uint32_t number);
/* Brings incident 1 from detected to a state, the client executing. */
void town_lead(struct town *town, enum incident_state to);
/* The first number that a query gives. */
int64_t town_number(struct town *town, const char *sql);

/* Two options, the second of which the client executes. */
extern const struct countermeasure town_options[2];

/* What the clocks of all incidents were told since the last call, as "detected@0 -proposed@5 ":
 * seconds since NOW, a minus where clocks that stopped run on. */
const char *town_moments(struct town *town);
