#pragma once

/*
 * The SLA's clocks (R101, R102).  A metric of the document `sla` says at which moment of its
 * subject it starts and stops, the target per severity, in which hours it runs, when it warns.
 * Clocks are rows: they survive whatever happens to the process.
 *
 *     clock_moment … clock_pause … clock_resume … clocks_turn … clock_list
 *
 * Always true: the working time of a clock is the sum of its stretches between start or resume and
 * pause or stop, through the calendar of the SLA version that it was started under; a warning and a
 * breach happen at most once each, at the exact moment at which they were due, however late they
 * were noticed.  A target is missed when its last nanosecond has passed: who stops a clock just
 * then has missed it.
 *
 * What is reported for a moment before the clock's last step counts from that step.  Every call
 * that writes joins the open transaction if there is one, else brackets its own.
 */

#include "calendar/calendar.h"
#include "event/alert.h"
#include "service/service.h"

/* What happens to a subject (an incident; later also requests and devices) that clocks look at. */
enum moment {
    MOMENT_DETECTED,     /* opened */
    MOMENT_NOTIFIED,     /* the first notice was handed over */
    MOMENT_ACKNOWLEDGED, /* somebody has read it */
    MOMENT_CAUSE_FOUND,
    MOMENT_PROPOSED, /* countermeasures are before the client */
    MOMENT_DECIDED,
    MOMENT_EXECUTED,
    MOMENT_RETURNED, /* steady again */
    MOMENT_COUNT
};
const char *moment_text(enum moment moment);
NODISCARD enum err moment_parse(struct str text, enum moment *ret);

struct subject {
    const char *kind; /* "incident" */
    uint64_t id;
};

struct clocks;
NODISCARD enum err clocks_new(struct ledger *ledger, struct service *service, const char *zoneinfo,
                              struct clocks **ret);
void clocks_free(struct clocks *clocks);

/* Starts and stops what the client's effective SLA says of this moment.  `severity` chooses the
 * target; a metric without a target for it is not started.  A metric of a subject starts once; a
 * later stop of a clock that was stopped is passed over.  A clock whose calendar cannot be had
 * always runs, and the reason of its step "start" is then "calendar-unusable". */
NODISCARD enum err clock_moment(const struct scope *scope, struct clocks *clocks,
                                struct client_id client, struct subject subject, enum moment moment,
                                enum level severity, struct wall at);
/* The subject goes back to before that moment: clocks that it stopped run on, and the time between
 * counts; one that was paused then is paused again. */
NODISCARD enum err clock_moment_undone(const struct scope *scope, struct clocks *clocks,
                                       struct client_id client, struct subject subject,
                                       enum moment moment, struct wall at);

/* Pause for a reason that the metric's document allows; ERR_DENIED for another, ERR_CONFLICT if the
 * clock is not in the state for it.  RIGHT_WORK; both are audited. */
NODISCARD enum err clock_pause(const struct scope *scope, struct clocks *clocks,
                               struct client_id client, uint64_t clock, struct str reason,
                               struct str note, struct wall now, struct why *why);
NODISCARD enum err clock_resume(const struct scope *scope, struct clocks *clocks,
                                struct client_id client, uint64_t clock, struct wall now,
                                struct why *why);

struct clock_fired {
    struct client_id client;
    uint64_t clock;
    struct subject subject;
    struct str metric;
    bool breach;     /* else a warning */
    struct wall at;  /* when it was due */
    struct wall due; /* the breach, of a warning as things stand; WALL_NONE: not within ten years */
};
/* Records the warnings and breaches that are due, each once, and tells them, in the order of their
 * moments; inside the caller's transaction, so that what follows from them is stored with them.
 * *ret_next: when to come again (WALL_NONE: no clock runs). */
typedef enum err clock_fired_call(void *context, const struct clock_fired *fired);
NODISCARD enum err clocks_turn(const struct scope *scope, struct clocks *clocks, struct wall now,
                               clock_fired_call *call, void *context, struct wall *ret_next);

struct clock_view {
    uint64_t id;
    struct str metric, name_ja, name_en;
    struct str sla; /* the version it runs under */
    enum level severity;
    struct wall started, stopped; /* WALL_NONE: runs */
    bool paused;
    struct str pause_reason;
    int64_t elapsed_ns, target_ns; /* working time */
    struct wall due;              /* of the breach, as things stand; WALL_NONE: stopped or paused */
    struct wall warned, breached; /* WALL_NONE: not so far */
};
NODISCARD enum err clock_list(const struct scope *scope, struct clocks *clocks,
                              struct client_id client, struct subject subject, struct wall now,
                              struct arena *mem, struct clock_view **ret, size_t *ret_count);
struct clock_step {
    struct str what; /* "start", "pause", "resume", "stop", "reopen", "warning", "breach" */
    struct wall at, recorded;
    struct str who, reason, note;
};
NODISCARD enum err clock_history(const struct scope *scope, struct clocks *clocks,
                                 struct client_id client, uint64_t clock, struct arena *mem,
                                 struct clock_step **ret, size_t *ret_count);
