#pragma once

/*
 * What was promised about logs (R053), what holds them beyond it, what may go, and how long the
 * disk will last.
 *
 *     promises_read, holds_in_force ─► keeping_look       of each lot of the archive
 *                                  ─► forecast_make       of the whole disk
 *
 * The rule of the promise: what arrived at a moment is kept for the longest time that any version
 * of the document `log-sources` promised for its source, of those that were effective at that
 * moment or later.  So a promise is never shortened for what was received under it, and a longer
 * one counts for what is there already.  A source that the running version does not name, and every
 * source while no version runs, is kept for ever.  The service's own source of a client (heartbeats
 * and the books, which prove that nothing is missing) is kept as long as the longest of the others.
 *
 * keeping.c and forecast.c are arithmetic: they are told the time, ask nobody, and say the same for
 * the same.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/why.h"
#include "tenant/tenant.h"

struct ledger;
struct service;

#define DAY_NS           (24LL * 3600 * NS_PER_SECOND)
#define PROMISE_DAYS_MAX 36500 /* a hundred years; a longer promise counts as that */

/* ---- Promises. */

/* What one version promised, over the time in which it was effective. */
struct promise_stretch {
    struct wall from, to; /* [from, to); to WALL_NONE: it runs */
    uint32_t days;        /* at least 1; what is not whole days counts as the next whole one */
};
struct promise {
    struct source_id source;
    const struct promise_stretch *list; /* ascending; without those that did not name the source */
    size_t count;
};
struct promises {
    const struct promise *list; /* ascending by source */
    size_t count;
};

/* One source of a client, as tenant/ has it. */
struct promise_source {
    struct source_id id;
    struct str slug;
    bool own; /* the service's own */
};
/* From the versions of the client's log-sources; made in mem.  RIGHT_SERVE for every client. */
NODISCARD enum err promises_read(const struct scope *scope, struct service *service,
                                 struct client_id client, const struct promise_source *sources,
                                 size_t count, struct arena *mem, struct promises *ret);

const struct promise *promise_find(const struct promises *promises, struct source_id source);
/* Days promised for what arrived then; 0: for ever.  promise NULL: for ever. */
uint32_t promise_days(const struct promise *promise, struct wall arrived);
/* Days that the running version promises; 0: for ever. */
uint32_t promise_days_now(const struct promise *promise);
/* The longest that the running version promises to any source; *ret_forever: one is kept for ever.
 */
uint32_t promises_longest(const struct promises *promises);

/* ---- Lots of the archive, as core tells them: a lot is what can only go whole. */

enum lot_kind { LOT_JOURNAL, LOT_SEGMENT, LOT_KIND_COUNT };

struct lot_source {
    struct source_id source;
    uint32_t days;              /* promised when it was sealed; 0: for ever */
    struct wall oldest, newest; /* arrivals */
    uint64_t events, original;  /* original: bytes of the records */
};
struct lot {
    enum lot_kind kind;
    uint64_t number;                   /* of the journal, or the segment's generation */
    uint32_t days;                     /* of its class when it was sealed; 0: for ever */
    uint64_t first, last;              /* sequence numbers */
    struct wall oldest, newest;        /* arrivals */
    uint64_t events, original, stored; /* stored: bytes on disk */
    const struct lot_source *sources;
    size_t sources_count;
};
/* Appends one lot; takes one off the front of *bytes, which are outside bytes: ERR_CORRUPT, then
 * *bytes is as it was. */
NODISCARD enum err lot_encode(const struct lot *lot, struct buf *out);
NODISCARD enum err lot_decode(struct str *bytes, struct arena *mem, struct lot *ret);

/* ---- Holds: what stops the schedule. */

struct hold_span {
    uint64_t id;                     /* of its row; 0: an open incident holds by itself */
    uint32_t incident;               /* its number; 0: none */
    const struct source_id *sources; /* none: all of the client's */
    size_t sources_count;
    struct wall from, to; /* arrivals, both ends held; WALL_NONE: open */
    uint64_t first, last; /* sequence numbers that are held too, whenever they arrived; 0: none */
};

/* ---- What may go. */

enum keep_state {
    KEEP_OPEN,     /* a journal: it has to be sealed first */
    KEEP_FOREVER,  /* nothing was promised about one of its sources, now or when it was sealed */
    KEEP_PROMISED, /* until `due` */
    KEEP_UNJUDGED, /* the rules have not seen all of it */
    KEEP_HELD,     /* its time is over, and a hold stops it */
    KEEP_DUE,      /* it is to go */
    KEEP_STATE_COUNT
};
struct keep_view {
    enum keep_state state;
    struct wall due;              /* WALL_NONE: for ever */
    const struct hold_span *hold; /* the first that covers it, also before it is due; NULL: none */
};
struct keeping {
    const struct promises *promises;
    const struct hold_span *holds;
    size_t holds_count;
    uint64_t judged; /* the next sequence number that rules will judge */
};
void keeping_look(const struct keeping *keeping, const struct lot *lot, struct wall now,
                  struct keep_view *ret);

/* Whether the clock may be trusted enough to delete by it.  last: when the schedule last ran
 * (WALL_NONE: never); awake_ns: how long this desk has run, by the clock that never steps.  After a
 * step back, or a leap of more than a week that may be a wrong clock as well as a long rest, the
 * schedule waits for a day. */
bool keeping_clock_sound(struct wall last, struct wall now, int64_t awake_ns);

/* ---- How long the disk will last. */

#define FORECAST_DAYS_MAX 3660 /* ten years: beyond, nothing is said */

enum forecast_state {
    FORECAST_UNKNOWN, /* less than a day was seen, and the disk is not nearly full */
    FORECAST_ENOUGH,
    FORECAST_SHORT, /* the disk is full before what is promised may go */
    FORECAST_SOON,  /* within the days in which somebody has to act */
    FORECAST_STATE_COUNT
};
const char *forecast_state_text(enum forecast_state state); /* "unknown", "enough", … */

/* What one client's archive does to the disk. */
struct load_class {
    uint32_t days;     /* 0: for ever */
    uint64_t day_rate; /* bytes on disk that come each day */
};
struct load_going {
    struct wall due;
    uint64_t bytes;
};
struct load {
    struct load_class *classes; /* by days */
    size_t classes_count;
    struct load_going *going; /* lots that will go, and when */
    size_t going_count;
    uint64_t day_rate; /* of all classes */
    int64_t seen_ns;   /* how far back the lots go */
    uint32_t longest;  /* days promised */
    uint64_t stored;   /* bytes on disk */
};
/* Adds one client's lots; made in mem. */
NODISCARD enum err load_measure(const struct keeping *keeping, const struct lot *lots, size_t count,
                                struct wall now, struct arena *mem, struct load *ret);

struct forecast {
    enum forecast_state state;
    uint64_t day_rate;      /* bytes a day of all clients */
    uint32_t days_left;     /* until the disk is full; FORECAST_DAYS_MAX: not within sight */
    uint32_t days_promised; /* the longest promise */
};
/* free: bytes that events may still take.  before: the state said last, so that a figure that
 * wavers about a limit is told once. */
void forecast_make(const struct load *loads, size_t count, uint64_t free, uint32_t warning_days,
                   enum forecast_state before, struct wall now, struct forecast *ret);

/* ---- Holds as rows (holds.c). */

struct hold_wanted {
    const struct source_id *sources; /* none: all */
    size_t sources_count;
    struct wall from, to; /* arrivals; WALL_NONE: open */
    struct wall until;    /* ends by itself; WALL_NONE: only when it is released */
    uint32_t incident;    /* number; 0: by request */
    struct str why;
};
struct hold {
    uint64_t id;
    struct client_id client;
    const struct source_id *sources;
    size_t sources_count;
    struct wall from, to, until;
    uint32_t incident;
    struct str why, who;
    enum side side; /* of who made it */
    struct wall made;
    struct wall released; /* WALL_NONE: in force, until `until` */
    struct str released_by, released_why;
};
#define HOLD_SOURCES_MAX 1000
#define HOLDS_SIDE_MAX   150 /* in force, made by one side: nobody uses up the auditor's */
#define HOLDS_MAX        (4 * HOLDS_SIDE_MAX) /* of one client; all fit an answer of the API */

/* Any of RIGHT_WORK, RIGHT_ACT, RIGHT_AUDIT, or whoever runs the machine; audited.  ERR_SYNTAX with
 * *why: an empty reason, a span that ends before it begins, an end that is over.  ERR_LIMIT: too
 * many.  In the caller's transaction if there is one. */
NODISCARD enum err hold_make(const struct scope *scope, struct ledger *ledger,
                             struct client_id client, const struct hold_wanted *wanted,
                             struct wall now, uint64_t *ret_id, struct why *why);
/* By the side that made it, or by who decides for the client; an auditor's hold not by the client.
 * Whoever runs the machine releases its own and an auditor's.  ERR_NOT_FOUND; ERR_DENIED;
 * ERR_CONFLICT: it is over already; ERR_SYNTAX: no reason. */
NODISCARD enum err hold_release(const struct scope *scope, struct ledger *ledger,
                                struct client_id client, uint64_t id, struct str reason,
                                struct wall now, struct why *why);
/* Newest first, made in mem: those in force, all of them, or the newest HOLDS_MAX.  RIGHT_BOOKS, or
 * RIGHT_SERVE. */
NODISCARD enum err hold_list(const struct scope *scope, struct ledger *ledger,
                             struct client_id client, bool in_force, struct wall now,
                             struct arena *mem, struct hold **ret, size_t *ret_count);
bool hold_in_force(const struct hold *hold, struct wall now);
struct hold_span hold_span(const struct hold *hold);

/* ---- What went, as rows (drops.c): the archive's tombstone is the proof, this is the list. */

struct drop {
    uint64_t id;
    uint64_t segment; /* its generation */
    uint64_t first, last, events, original, stored;
    struct wall oldest, newest;
    uint32_t days;       /* promised */
    struct wall due, at; /* at: when core said that it is gone */
};
/* RIGHT_SERVE. */
NODISCARD enum err drop_note(const struct scope *scope, struct ledger *ledger,
                             struct client_id client, const struct drop *drop);
/* Newest first.  RIGHT_BOOKS. */
NODISCARD enum err drop_list(const struct scope *scope, struct ledger *ledger,
                             struct client_id client, uint64_t before, size_t limit,
                             struct arena *mem, struct drop **ret, size_t *ret_count);
/* When the schedule last ran; WALL_NONE: never. */
NODISCARD enum err schedule_ran(struct ledger *ledger, struct wall *ret);
NODISCARD enum err schedule_run(const struct scope *scope, struct ledger *ledger, struct wall now);
