#pragma once

/* What the files of this room share. */

#include "base/buf.h"
#include "incident/incident.h"
#include "ledger/ledger.h"

#define RULES_TOLD      5 /* titles of rules that an incident names */
#define DETAIL_SIZE_MAX (1024 * 1024)

struct incidents {
    struct ledger *ledger;
    struct service *service;
    struct clocks *clocks;
    struct arena *mem; /* of one operation */
};

/* ---- row.c: an incident as it lies in the ledger. */

struct row {
    uint64_t id;
    struct client_id client;
    uint32_t number;
    enum incident_state state;
    enum level severity;
    struct str cause, type, asset, owner, zone, other, inside, outside;
    struct str criterion, chain, action, documents, rules;
    bool authorised;
    struct wall detected, opened, ended;
    uint64_t alerts;
    struct wall alert_last;
    uint64_t told; /* alerts that there were when the history last spoke of them */
    struct wall told_at;
    uint32_t proposal; /* the last one; 0: none */
    struct wall decide_by, decide_next;
    enum side executes; /* SIDE_NONE: nothing is to be executed */
    bool executed;
    uint32_t lines; /* of the history */
    struct wall notified, acknowledged;
};

/* Made in mem.  ERR_NOT_FOUND. */
NODISCARD enum err row_by_number(struct ledger *ledger, struct client_id client, uint32_t number,
                                 struct arena *mem, struct row *ret);
NODISCARD enum err row_by_id(struct ledger *ledger, struct client_id client, uint64_t id,
                             struct arena *mem, struct row *ret);
/* The open incident of a cause. */
NODISCARD enum err row_by_cause(struct ledger *ledger, struct client_id client, struct str cause,
                                struct arena *mem, struct row *ret);
/* Gives the row its id and number. */
NODISCARD enum err row_insert(struct ledger *ledger, struct row *row);
/* All that may change after the opening. */
NODISCARD enum err row_save(struct ledger *ledger, const struct row *row);

/* ---- state.c */

const char *side_name(enum side side); /* "client", "provider", "" */
enum side row_turn(const struct row *row);
const char *row_waits(const struct row *row); /* a key of words */

/* ---- operation.c: what every step has in common. */

struct operation {
    struct incidents *incidents;
    const struct scope *scope;
    struct wall now;
    struct why *why;
    bool alone; /* the transaction is ours */
    struct row row;
};

/* Finds the incident for a step.  `rights`: one of them is needed (enum right, added).  After OK,
 * operation_end must follow. */
NODISCARD enum err operation_begin(const struct scope *scope, struct incidents *incidents,
                                   struct incident_at at, uint32_t rights, struct why *why,
                                   struct operation *ret);
/* The same for the service's own work; number 0: no incident yet. */
NODISCARD enum err operation_begin_id(const struct scope *scope, struct incidents *incidents,
                                      struct client_id client, uint64_t id, struct wall now,
                                      struct operation *ret);
/* Stores the row and commits, or takes everything back.  Returns what came of it. */
NODISCARD enum err operation_end(struct operation *operation, enum err err);

bool rights_any(const struct scope *scope, struct client_id client, uint32_t rights);
/* ERR_DENIED with a sentence unless the scope has one of the rights. */
NODISCARD enum err rights_check(const struct operation *operation, uint32_t rights);
/* ERR_CONFLICT with a sentence that names the present state. */
enum err state_refuse(const struct operation *operation, const char *reason);
/* Text that a person wrote: UTF-8 without control characters but newline and tab. */
NODISCARD enum err text_check(struct str text, const char *name, size_t size_max, bool needed,
                              struct why *why);

/* ---- history.c: adds a line, and a line of the audit trail that holds the first one's hash. */

NODISCARD enum err history_add(struct operation *operation, const char *what,
                               enum incident_state from, struct str text, struct str detail);

/* ---- move.c: the state becomes another one, with history, clocks and notices that become moot. */

NODISCARD enum err row_move(struct operation *operation, enum incident_state to, const char *what,
                            struct str text, struct str detail);
NODISCARD enum err row_moment(struct operation *operation, enum moment moment, struct wall at);

/* ---- notice.c */

struct notice_extra {
    const struct notice_value *values;
    size_t count;
};
NODISCARD enum err row_notice(struct operation *operation, const char *purpose, struct str key,
                              bool acknowledge, struct notice_extra extra);
NODISCARD enum err row_settle(struct operation *operation, const char *purpose);
/* An item of a list of the client's effective document, or NULL. */
const struct element *running_item(const struct operation *operation, const char *kind,
                                   const char *list, struct str slug);

/* A number as text, made in the operation's memory. */
NODISCARD enum err number_text(const struct operation *operation, uint64_t number, struct str *ret);

/* ---- group.c */

/* The cause of alerts: the type of attack, and what it hits. */
NODISCARD enum err cause_print(struct arena *mem, struct str type, struct str asset,
                               struct str inside, uint32_t source, struct str *ret);

/* ---- storm.c: alerts that are counted and not kept. */

struct storm;
NODISCARD enum err storm_begin(struct ledger *ledger, struct client_id client, struct storm **ret);
void storm_free(struct storm *storm);
/* What is to become of an alert: counted, which it now is, or kept; then storm_kept once it is. */
NODISCARD enum err storm_count(struct storm *storm, const struct alert *alert, bool *ret_counted);
void storm_kept(struct storm *storm);
NODISCARD enum err storm_end(struct storm *storm);

/* Rows of an incident that were kept: more of this rule. */
struct storm_rows {
    uint64_t incident;
    struct str rule_id, rule_title, planned;
    uint64_t count;
    struct wall first, last;
};
NODISCARD enum err storm_rows_add(struct ledger *ledger, struct client_id client,
                                  const struct storm_rows *rows);
/* The next count of an incident that has alerts which the incident does not know yet, and makes
 * them known.  ERR_NOT_FOUND: there is none.  Made in mem. */
NODISCARD enum err storm_next(struct ledger *ledger, struct client_id client, struct arena *mem,
                              struct storm_rows *ret);
