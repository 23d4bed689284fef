#pragma once

/*
 * Alerts become work.  Alerts are kept, once each, with the bookmark of the detection that raised
 * them; those that the client's criteria call an incident are grouped by their cause, and each
 * incident goes through the inner states of the abnormal state and back (R140 to R148):
 *
 *     detected → cause → countermeasure → coordination → executing → return check → steady
 *         ↑________↑___________↑________________↑____________↑_____________|   steps back
 *
 *     incident_store … incident_group … incident_list_open … incident_step, incident_propose,
 *     incident_decide, incident_execute, incident_return
 *
 * Always true: an incident's row, its history, its clocks and its notices change in one
 * transaction; every step is a line of the history that is never changed, and of the audit trail;
 * only a role of the client decides on a countermeasure and agrees to the return (R069).
 */

#include "base/arena.h"
#include "base/why.h"
#include "event/alert.h"
#include "service/outbox.h"
#include "service/service.h"
#include "tenant/tenant.h"

struct ledger;

/* ---- Alerts. */

/* Stores alerts and moves the client's bookmark (the next sequence number to be judged) in one
 * transaction; alerts that are there already are passed over.  A bookmark never moves back.
 * *ret_new: how many alerts were new.  The caller may bracket several calls in one transaction by
 * ledger_begin and ledger_commit itself. */
NODISCARD enum err incident_store(const struct scope *scope, struct ledger *ledger,
                                  struct client_id client, const struct alerts *alerts,
                                  uint64_t bookmark, struct wall now, uint64_t *ret_new);
/* 1 where nothing was judged yet. */
NODISCARD enum err incident_bookmark(const struct scope *scope, struct ledger *ledger,
                                     struct client_id client, uint64_t *ret);

struct alert_filter {
    struct client_id client;
    struct wall from, to; /* of the event's arrival; WALL_NONE: open */
    uint64_t after_id;    /* alerts with a larger id only */
    size_t count_max;
};
struct stored_alert {
    uint64_t id;
    uint64_t incident; /* 0: none */
    struct wall stored;
    struct alert alert;
};
/* In the order they were stored, made in mem. */
NODISCARD enum err incident_list(const struct scope *scope, struct ledger *ledger,
                                 const struct alert_filter *filter, struct arena *mem,
                                 struct stored_alert **ret, size_t *ret_count);

/* ---- Incidents. */

struct incidents; /* what the calls below work with */
NODISCARD enum err incidents_new(struct ledger *ledger, struct service *service,
                                 struct clocks *clocks, struct incidents **ret);
void incidents_free(struct incidents *incidents);

enum incident_state {
    INCIDENT_DETECTED,       /* 異常の検知 */
    INCIDENT_CAUSE,          /* 原因の追及 */
    INCIDENT_COUNTERMEASURE, /* 対応策の検討 */
    INCIDENT_COORDINATION,   /* 利用者側との調整: the client decides */
    INCIDENT_EXECUTING,      /* 対策の実施 */
    INCIDENT_RETURN_CHECK,   /* 復帰確認: the client agrees to the return */
    INCIDENT_STEADY,         /* 定常運用への復帰; the end */
    INCIDENT_STATE_COUNT
};
const char *incident_state_text(enum incident_state state); /* "detected", …, "return-check" */
NODISCARD enum err incident_state_parse(struct str text, enum incident_state *ret);

/* Groups the alerts that were stored since the last call and are incidents by their outcome: one
 * cause is one type of attack on one asset (or, without an asset, one inside address or source of
 * logs).  An open incident of the same cause takes them, and may become graver by them; else a new
 * one is opened: history, clocks (MOMENT_DETECTED at the arrival of its first event), notice
 * "incident-opened".  RIGHT_SERVE.  In the caller's transaction: the one that stored them. */
NODISCARD enum err incident_group(const struct scope *scope, struct incidents *incidents,
                                  struct client_id client, struct wall now, uint64_t *ret_opened);

struct incident_view {
    uint64_t id;
    struct client_id client;
    uint32_t number; /* 1, 2, … of this client */
    enum incident_state state;
    enum level severity;
    struct str type, asset, owner, zone, other, inside, outside, chain, action;
    bool authorised;           /* the first action needs no decision */
    struct str documents;      /* the versions that it was opened under */
    struct wall detected;      /* arrival of the first event */
    struct wall opened, ended; /* ended: WALL_NONE while it lasts */
    uint64_t alerts;
    struct wall alert_last;
    enum side turn;        /* whose turn it is; SIDE_NONE once it is steady */
    struct str waits_for;  /* key of words: what they are waiting for */
    struct wall decide_by; /* the deadline of a decision that is asked for; WALL_NONE */
};
struct incident_filter {
    struct client_id client; /* 0: all that the scope may see */
    bool open_only;
    uint64_t before_id; /* 0: from the newest */
    size_t count_max;
};
/* Newest first, made in mem; clients that the scope may not see are simply not there. */
NODISCARD enum err incident_list_view(const struct scope *scope, struct incidents *incidents,
                                      const struct incident_filter *filter, struct arena *mem,
                                      struct incident_view **ret, size_t *ret_count);
/* ERR_NOT_FOUND also for one that the scope may not see. */
NODISCARD enum err incident_get(const struct scope *scope, struct incidents *incidents,
                                struct client_id client, uint32_t number, struct arena *mem,
                                struct incident_view *ret);

/* ---- Steps.  Each names the incident, checks right and state (ERR_DENIED, ERR_CONFLICT with a
 * sentence), writes history and audit, steers clocks and notices, and joins or brackets a
 * transaction. */

struct incident_at {
    struct client_id client;
    uint32_t number;
    struct wall now;
};

/* A finding, a question, an answer, a spoken decision that is recorded: RIGHT_WORK or RIGHT_ACT. */
NODISCARD enum err incident_note(const struct scope *scope, struct incidents *incidents,
                                 struct incident_at at, struct str text, struct why *why);
/* The provider goes on, or a step back with a reason: detected → cause → countermeasure, executing
 * → return check, any → an earlier one.  RIGHT_WORK.  Into coordination only by a proposal, out of
 * it only by a decision. */
NODISCARD enum err incident_step(const struct scope *scope, struct incidents *incidents,
                                 struct incident_at at, enum incident_state to, struct str reason,
                                 struct why *why);

struct countermeasure {
    struct str text;         /* what is done */
    struct str effect, risk; /* and what it does to the service (R145) */
    struct str executes;     /* "provider" or "client" */
    bool recommended;
};
/* Options before the client, with a deadline (WALL_NONE: the criteria's).  From countermeasure (or
 * again in coordination); the state becomes coordination, notice "decision-wanted". */
NODISCARD enum err incident_propose(const struct scope *scope, struct incidents *incidents,
                                    struct incident_at at, const struct countermeasure *options,
                                    size_t count, struct wall decide_by, uint32_t *ret_proposal,
                                    struct why *why);
/* RIGHT_DECIDE.  option: from 1, one of the last proposal; 0: none of them, back to countermeasure.
 */
NODISCARD enum err incident_decide(const struct scope *scope, struct incidents *incidents,
                                   struct incident_at at, uint32_t proposal, uint32_t option,
                                   struct str reason, struct why *why);
/* The first action of the criteria, where they authorise it: from any state before executing.
 * RIGHT_WORK. */
NODISCARD enum err incident_act_authorised(const struct scope *scope, struct incidents *incidents,
                                           struct incident_at at, struct str text, struct why *why);
/* The decided countermeasure was carried out, with evidence: by the side that executes it.  done:
 * else it failed, and the state goes back to countermeasure. */
NODISCARD enum err incident_execute(const struct scope *scope, struct incidents *incidents,
                                    struct incident_at at, bool done, struct str evidence,
                                    struct why *why);
/* The provider's checks before the return (cause removed, measure verified, no recurrence), then
 * the client's agreement: RIGHT_DECIDE; the state becomes steady.  agreed false: back to cause. */
NODISCARD enum err incident_return(const struct scope *scope, struct incidents *incidents,
                                   struct incident_at at, bool agreed, struct str reason,
                                   struct why *why);
/* Somebody has read the first notice: stops the clock that waits for it, once. */
NODISCARD enum err incident_acknowledged(const struct scope *scope, struct incidents *incidents,
                                         struct client_id client, uint64_t incident, struct str who,
                                         struct wall at);
/* The first notice was handed over: moves MOMENT_NOTIFIED, once. */
NODISCARD enum err incident_notified(const struct scope *scope, struct incidents *incidents,
                                     struct client_id client, uint64_t incident, struct wall at);
/* A deadline for a decision that has passed asks the deputies again, once each.  *ret_next. */
NODISCARD enum err incidents_turn(const struct scope *scope, struct incidents *incidents,
                                  struct wall now, struct wall *ret_next);

struct incident_line {
    uint32_t number;
    struct wall at;
    struct str who;
    struct str
        what; /* "opened", "alerts", "graver", "step", "back", "note", "proposal", "decision",
                 "authorised", "executed", "failed", "return", "notified", "acknowledged" */
    enum incident_state from, to;
    struct str text;   /* what they wrote */
    struct str detail; /* JSON: options of a proposal, versions, counts */
};
NODISCARD enum err incident_history(const struct scope *scope, struct incidents *incidents,
                                    struct client_id client, uint32_t number, struct arena *mem,
                                    struct incident_line **ret, size_t *ret_count);
