#pragma once

/*
 * What the files of the clocks share (clock.c, clock_rows.c, clock_run.c, clock_texts.c,
 * clock_turn.c, clock_list.c, clock_moment.c).
 */

#include "ledger/ledger.h"
#include "service/clock.h"

#define CLOCK_HASH_SIZE   64
#define CLOCK_MEMORY_MAX  (64 * 1024 * 1024) /* one call's; a subject with all its history */
#define CLOCK_TEXTS_MAX   8                  /* documents that are kept read */
#define CLOCK_HOURS_MAX   64                 /* calendars that are kept made */
#define CLOCK_SUBJECT_MAX 32                 /* bytes of a subject's kind */

/* ---- Rows (clock_rows.c). */

struct clock_row {
    uint64_t id;
    struct client_id client;
    struct str subject_kind;
    uint64_t subject;
    struct str metric, sla, calendars, calendar, stop, state;
    enum level severity;
    int64_t target_ns, warn_ns;
    struct wall started, due;
};

/* Inside a transaction of the caller's, or one of its own that `end` closes. */
NODISCARD enum err clock_begin(struct ledger *ledger, bool *ret_alone);
NODISCARD enum err clock_end(struct ledger *ledger, bool alone, enum err err);

NODISCARD enum err clock_rows_of(struct ledger *ledger, struct client_id client,
                                 struct subject subject, struct arena *mem, struct clock_row **ret,
                                 size_t *ret_count);
NODISCARD enum err clock_row_get(struct ledger *ledger, struct client_id client, uint64_t id,
                                 struct arena *mem, struct clock_row *ret);
/* The one that is due first, up to `now`.  ERR_NOT_FOUND: none is. */
NODISCARD enum err clock_row_due(struct ledger *ledger, struct wall now, struct arena *mem,
                                 struct clock_row *ret);
NODISCARD enum err clock_due_next(struct ledger *ledger, struct wall *ret);
/* ERR_EXISTS: the metric of the subject has started before. */
NODISCARD enum err clock_row_add(struct ledger *ledger, struct clock_row *row);
NODISCARD enum err clock_row_set(struct ledger *ledger, const struct clock_row *row);
NODISCARD enum err clock_steps_of(struct ledger *ledger, const struct clock_row *row,
                                  struct arena *mem, struct clock_step **ret, size_t *ret_count);
NODISCARD enum err clock_step_add(struct ledger *ledger, const struct clock_row *row,
                                  const struct clock_step *step);

/* ---- Arithmetic (clock_run.c). */

/* What the steps of a clock come to. */
struct clock_run {
    struct clock_stretch {
        struct wall from, to; /* WALL_NONE: goes on */
    } * stretches;
    size_t count;
    bool paused, stopped;
    struct str pause_reason;
    struct wall last; /* step that changed its state */
    struct wall stop; /* WALL_NONE */
    struct wall warned, breached;
};
NODISCARD enum err clock_run_of(const struct clock_step *steps, size_t count, struct arena *mem,
                                struct clock_run *ret);
const char *clock_run_state(const struct clock_run *run);
int64_t clock_run_elapsed(const struct clock_run *run, const struct calendar *calendar,
                          struct wall now);
/* When `ns` of working time have passed, as things stand; WALL_NONE: they never have. */
NODISCARD enum err clock_run_reach(const struct clock_run *run, const struct calendar *calendar,
                                   int64_t ns, struct wall *ret);
/* The warning or the breach that comes next, of those that have not been. */
NODISCARD enum err clock_run_due(const struct clock_run *run, const struct calendar *calendar,
                                 const struct clock_row *row, struct wall *ret, bool *ret_breach);

/* ---- Documents under which clocks run (clock_texts.c). */

struct clock_text {
    struct client_id client;
    char hash[CLOCK_HASH_SIZE + 1];
    struct arena *mem; /* NULL: not in use */
    struct document document;
};
struct clock_hours {
    struct client_id client;
    char hash[CLOCK_HASH_SIZE + 1];
    struct str slug; /* its own copy */
    struct calendar *calendar;
};

struct clocks {
    struct ledger *ledger;
    struct service *service;
    struct zones *zones;
    struct calendar *always;
    struct clock_text texts[CLOCK_TEXTS_MAX];
    size_t texts_next; /* to be replaced */
    struct clock_hours hours[CLOCK_HOURS_MAX];
    size_t hours_next;
};

void clock_texts_done(struct clocks *clocks);
/* Borrowed until another text is asked for.  ERR_CORRUPT: the client never had such a version. */
NODISCARD enum err clock_text_get(struct clocks *clocks, struct client_id client, const char *kind,
                                  struct str hash, const struct document **ret);
/* The calendar of a row; borrowed until the next call. */
NODISCARD enum err clock_calendar_get(struct clocks *clocks, const struct clock_row *row,
                                      const struct calendar **ret, struct why *why);

/* ---- Steps (clock.c). */

/* What is effective for a client. */
struct clock_terms {
    const struct document *sla;
    struct str sla_hash;
    struct str calendars_hash; /* empty: there are none */
};
NODISCARD enum err clock_moment_under(const struct scope *scope, struct clocks *clocks,
                                      const struct clock_terms *terms, struct client_id client,
                                      struct subject subject, enum moment moment,
                                      enum level severity, struct wall at);
/* Writes down a step, and what follows from it for the row. */
NODISCARD enum err clock_step_take(struct clocks *clocks, struct clock_row *row,
                                   struct clock_step *step, struct arena *mem);
