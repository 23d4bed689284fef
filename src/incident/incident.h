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
 * transaction; alerts of places before the bookmark are passed over, since they came with it, and
 * so are those that are there already.  A bookmark never moves back.  Of one rule in one incident
 * (or, where it is none, of one rule, asset, exception and planned work a day) ALERTS_KEPT_MAX are
 * kept one by one, and further ones counted.  *ret_new: how many alerts were new.  The caller may
 * bracket several calls in one transaction by ledger_begin and ledger_commit itself. */
NODISCARD enum err incident_store(const struct scope *scope, struct ledger *ledger,
                                  struct client_id client, const struct alerts *alerts,
                                  uint64_t bookmark, struct wall now, uint64_t *ret_new);
/* 1 where nothing was judged yet. */
NODISCARD enum err incident_bookmark(const struct scope *scope, struct ledger *ledger,
                                     struct client_id client, uint64_t *ret);

/* Records that were judged, of all clients together.  RIGHT_SERVE. */
NODISCARD enum err incident_judged(const struct scope *scope, struct ledger *ledger, uint64_t *ret);

struct alert_filter {
    struct client_id client;
    struct wall from, to;         /* of the event's arrival; WALL_NONE: open */
    uint64_t after_id;            /* alerts with a larger id only */
    struct str excepted, planned; /* of this exception, of this planned work; empty: all */
    uint64_t incident;            /* of the incident with this id; then neither of both; 0: all */
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

/* Alerts of one rule in one incident; or without one, of one rule, asset, exception and planned
 * work, on one day (UTC) of their arrival. */
struct alert_count {
    uint64_t id;
    uint64_t incident; /* its id; 0: none */
    int64_t day;       /* since 1970, without an incident */
    struct str rule_id, rule_title, asset, excepted, planned;
    uint64_t kept;                          /* in incident_list */
    uint64_t counted;                       /* beyond them */
    uint64_t first_sequence, last_sequence; /* the places of those that were only counted */
    struct wall first, last;                /* arrival of the first and the last of all */
};
/* By id, those with a larger one than after_id, at most count_max.  RIGHT_ALERTS. */
NODISCARD enum err incident_counts(const struct scope *scope, struct ledger *ledger,
                                   struct client_id client, uint64_t after_id, size_t count_max,
                                   struct arena *mem, struct alert_count **ret, size_t *ret_count);

/* How many alerts ever fell under an exception or into planned work, by its slug. */
enum hit_kind { HIT_EXCEPTED, HIT_PLANNED };
struct alert_hits {
    struct str slug;
    uint64_t alerts;
    struct wall last;
};
NODISCARD enum err incident_hits(const struct scope *scope, struct ledger *ledger,
                                 struct client_id client, enum hit_kind kind, struct arena *mem,
                                 struct alert_hits **ret, size_t *ret_count);

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
    struct str type, asset, owner, zone, other, inside, outside, criterion, chain, action;
    struct str rules;                   /* titles of the first five, a line each */
    bool authorised;                    /* the first action needs no decision */
    struct str documents;               /* the versions that it was opened under */
    struct wall detected;               /* arrival of the first event */
    struct wall opened, ended;          /* ended: WALL_NONE while it lasts */
    struct wall notified, acknowledged; /* of the first notice; WALL_NONE */
    uint64_t alerts;
    struct wall alert_last;
    enum side turn;        /* whose turn it is; SIDE_NONE once it is steady */
    struct str waits_for;  /* key of words: what they are waiting for */
    struct wall decide_by; /* the deadline of a decision that is asked for; WALL_NONE */
    uint32_t proposal;     /* the last one; 0: none */
    enum side executes;    /* who carries out what was decided; SIDE_NONE before that */
    bool executed;         /* it was carried out, and waits for the provider's checks */
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

/* ---- Notices.  Subject {"incident", id}; the values of every purpose, empty where there is
 * nothing to say:
 *
 *     number  alerts  proposal      numbers
 *     type  asset  owner  zone  action    slugs; words have type.…
 *     severity  state               as level_text and incident_state_text: words have level.… and
 *                                   incident.state.…
 *     asset_ja  asset_en  owner_ja  owner_en  zone_ja  zone_en    names in the documents, or slugs
 *     action_name_ja  action_name_en  action_ja  action_en        the first action and its text
 *     explanation_ja  explanation_en    of the criterion
 *     authorised                    "yes" or "no"
 *     inside  outside  other        addresses, as the event has them
 *     rules                         titles of the first five rules, a line each
 *     detected  decide_by  ended    RFC 3339, UTC
 *
 *     PURPOSE            KEY        ACKNOWLEDGED  FURTHER VALUES           MOOT, SO SETTLED, WITH
 *     incident-opened    -          yes                                    the return
 *     incident-graver    severity   yes                                    the return
 *     decision-wanted    proposal   yes           options_ja options_en    decision, another
 *     decision-overdue   proposal   yes           options_ja options_en    proposal, step back
 *     return-wanted      line       yes           checks                   the client's word on it
 *     incident-returned  -          no            reason
 *     incident-reported  -          yes           report                   the return
 *     incident-recurred  line       yes                                    the client's word
 *     notice-unanswered  line       no
 *     action-taken       line       no            taken_ja taken_en reason
 */

/* ---- Steps.  Each names the incident, checks right and state (ERR_DENIED, ERR_CONFLICT with a
 * sentence), writes history and audit, steers clocks and notices, and joins or brackets a
 * transaction. */

struct incident_at {
    struct client_id client;
    uint32_t number;
    struct wall now;
};

/* A person of the client reports an incident, or one of the provider records that they did: a new
 * incident in the state detected, with its clocks, and the notice "incident-reported" to the
 * client's chain and the provider's people.  RIGHT_WORK or RIGHT_ACT. */
struct incident_report {
    struct str type;  /* a slug of words/types.yaml */
    struct str asset; /* of the effective `assets`; may be empty */
    enum level severity;
    struct str text; /* what was seen */
};
NODISCARD enum err incident_report(const struct scope *scope, struct incidents *incidents,
                                   struct client_id client, const struct incident_report *report,
                                   struct wall now, uint32_t *ret_number, struct why *why);

/* A finding, a question, an answer, a spoken decision that is recorded: RIGHT_WORK or RIGHT_ACT. */
NODISCARD enum err incident_note(const struct scope *scope, struct incidents *incidents,
                                 struct incident_at at, struct str text, struct why *why);
/* The provider goes on, or a step back with a reason: detected → cause; cause → countermeasure, the
 * reason being the cause that was found; executing → return check once it was carried out, the
 * reason being the checks (cause removed, measure verified, no recurrence); any → an earlier one.
 * RIGHT_WORK.  Into coordination only by a proposal, forward out of it only by a decision; a step
 * back out of it withdraws the proposal. */
NODISCARD enum err incident_step(const struct scope *scope, struct incidents *incidents,
                                 struct incident_at at, enum incident_state to, struct str reason,
                                 struct why *why);

struct countermeasure {
    struct str text;         /* what is done */
    struct str effect, risk; /* and what it does to the service (R145) */
    struct str executes;     /* "provider" or "client" */
    bool recommended;
};
/* Options before the client, with a deadline (WALL_NONE: the criteria's decide_within of the
 * criterion that opened the incident, if it has one).  From countermeasure, or again in
 * coordination, where it takes the place of the one before.  RIGHT_WORK; the state becomes
 * coordination, notice "decision-wanted". */
NODISCARD enum err incident_propose(const struct scope *scope, struct incidents *incidents,
                                    struct incident_at at, const struct countermeasure *options,
                                    size_t count, struct wall decide_by, uint32_t *ret_proposal,
                                    struct why *why);
/* The options of a proposal, by its number; made in mem.  RIGHT_INCIDENTS. */
NODISCARD enum err incident_options(const struct scope *scope, struct incidents *incidents,
                                    struct client_id client, uint32_t number, uint32_t proposal,
                                    struct arena *mem, struct countermeasure **ret,
                                    size_t *ret_count);
/* RIGHT_DECIDE.  option: from 1, one of the last proposal; 0: none of them, back to countermeasure.
 */
NODISCARD enum err incident_decide(const struct scope *scope, struct incidents *incidents,
                                   struct incident_at at, uint32_t proposal, uint32_t option,
                                   struct str reason, struct why *why);
/* The first action of the criteria, where they authorise it, both when the alert came and now: from
 * any state before executing, to executing by the provider.  RIGHT_WORK; ERR_DENIED where they do
 * not. */
NODISCARD enum err incident_act_authorised(const struct scope *scope, struct incidents *incidents,
                                           struct incident_at at, struct str text, struct why *why);
/* The decided countermeasure was carried out, with evidence: by the side that executes it.  done:
 * the provider's checks are waited for; else it failed, and the state goes back to countermeasure.
 */
NODISCARD enum err incident_execute(const struct scope *scope, struct incidents *incidents,
                                    struct incident_at at, bool done, struct str evidence,
                                    struct why *why);
/* After the provider's checks the client agrees to the return: RIGHT_DECIDE; the state becomes
 * steady.  agreed false: back to cause, with a reason. */
NODISCARD enum err incident_return(const struct scope *scope, struct incidents *incidents,
                                   struct incident_at at, bool agreed, struct str reason,
                                   struct why *why);
/* Somebody has read the first notice: stops the clock that waits for it, once.  `who` is
 * the text of the line in the history; the line itself is by the scope.  RIGHT_SERVE (whoever holds
 * a link has no scope), RIGHT_WORK or RIGHT_ACT. */
NODISCARD enum err incident_acknowledged(const struct scope *scope, struct incidents *incidents,
                                         struct client_id client, uint64_t incident, struct str who,
                                         struct wall at);
/* The first notice was handed over: moves MOMENT_NOTIFIED, once.  RIGHT_SERVE. */
NODISCARD enum err incident_notified(const struct scope *scope, struct incidents *incidents,
                                     struct client_id client, uint64_t incident, struct wall at);
/* A deadline for a decision that has passed asks again, once a proposal, by the notice
 * "decision-overdue".  RIGHT_SERVE for every client; in the caller's transaction if there is one.
 * *ret_next: when the next one will have passed (WALL_NONE: none is waited for); not after `now`
 * where there is more to do than fits one turn. */
NODISCARD enum err incidents_turn(const struct scope *scope, struct incidents *incidents,
                                  struct wall now, struct wall *ret_next);

/* Nobody has acknowledged a notice, and its chain is at its end: a line of the history, and the
 * notice "notice-unanswered" for the provider's people.  `purpose`: of the notice.  RIGHT_SERVE. */
NODISCARD enum err incident_unanswered(const struct scope *scope, struct incidents *incidents,
                                       struct client_id client, uint64_t incident,
                                       struct str purpose, struct wall now);

/* A clock of the incident warns or was overrun: a line of the history and the notice
 * "clock-warning" or "clock-breach", with the values metric, metric_ja, metric_en and due.
 * RIGHT_SERVE. */
NODISCARD enum err incident_clock_fired(const struct scope *scope, struct incidents *incidents,
                                        const struct clock_fired *fired);

struct incident_line {
    uint32_t number;
    struct wall at;
    struct str who;
    struct str what; /* "opened", "reported", "alerts", "graver", "step", "back", "note",
                        "proposal", "decision", "overdue", "authorised", "executed", "failed",
                        "return", "notified", "acknowledged", "unanswered", "clock-warning",
                        "clock-breach" */
    enum incident_state from, to;
    struct str text;   /* what they wrote */
    struct str detail; /* JSON: options of a proposal, versions, counts */
};
NODISCARD enum err incident_history(const struct scope *scope, struct incidents *incidents,
                                    struct client_id client, uint32_t number, struct arena *mem,
                                    struct incident_line **ret, size_t *ret_count);

/* What an incident needs of the archive: the events behind its alerts and a day around them. */
struct incident_reach {
    uint32_t number;
    struct wall from, to;            /* arrivals; WALL_NONE: none is known */
    uint64_t first, last;            /* sequence numbers that a correlation counts; 0: none */
    const struct source_id *sources; /* none: all of the client's */
    size_t sources_count;
    bool ended; /* it is steady again */
    bool whole; /* all sources, since a correlation or a count does not say which */
};
/* Of every open incident that has alerts; made in mem.  RIGHT_SERVE. */
NODISCARD enum err incident_reaches(const struct scope *scope, struct ledger *ledger,
                                    struct client_id client, struct arena *mem,
                                    struct incident_reach **ret, size_t *ret_count);
/* Of one, open or not; for a hold.  RIGHT_INCIDENTS; ERR_NOT_FOUND. */
NODISCARD enum err incident_reach_of(const struct scope *scope, struct ledger *ledger,
                                     struct client_id client, uint32_t number, struct arena *mem,
                                     struct incident_reach *ret);

/* Compares every line of every history with what the audit trail says of it; ERR_CORRUPT names the
 * first that differs.  The trail itself: ledger_audit_verify. */
NODISCARD enum err incidents_verify(struct ledger *ledger, struct why *why);
