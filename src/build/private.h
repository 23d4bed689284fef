#pragma once

/* What the files of build/ share. */

#include "base/limits.h"
#include "build/build.h"
#include "build/rhythm.h"

/* rule.c: slug of the planned work that concerns the source now; empty: none does. */
struct str work_planned(const struct scope *scope, struct service *service, struct client_id client,
                        struct str source, struct wall now);

/* heartbeats.c: appends the clients whose chain is broken. */
void heartbeats_ailing(struct heartbeats *heartbeats, struct wall now, struct ailing *list,
                       size_t *count);

/* ailments.c: the service's own trouble, which its client's people do not hear of. */
bool ailment_is_own(enum ailment kind);

/* shortages.c: what rows say of the disk when desk starts, and the findings of now. */
struct shortages;
struct shortages *shortages_new(void); /* NULL when out of memory. */
void shortages_free(struct shortages *shortages);
NODISCARD enum err shortages_load(struct shortages *shortages, struct ledger *ledger);
void shortages_set(struct shortages *shortages, struct client_id client,
                   const struct shortage *shortage);
void shortages_ailing(struct shortages *shortages, struct ailing *list, size_t *count);

#define MINUTES_LOOKED 10 /* that failures and lags are added up over */

struct watched_kind {
    char name[KIND_TEXT_MAX + 1];
    uint64_t count;
    struct wall heard;
    uint64_t since;      /* records of other kinds since then */
    uint64_t gap_now;    /* the most of them between two of this, of this fortnight */
    uint64_t gap_before; /* and of the one before */
};

/* One ailment's way in and out. */
struct watched_ailment {
    bool ill;
    struct wall
        since; /* the sign is there, or is gone, without a break; WALL_NONE: it changed not */
};

struct minute {
    int64_t minute; /* from 1970 */
    uint64_t records, failures, slowed;
    bool lag_known;
    int64_t lag_ns;
};

struct vigil {
    struct rhythm rhythm;
    struct watched_kind kinds[VIGIL_KINDS_MAX];
    size_t kinds_count;
    int64_t fortnight;
    struct minute minutes[MINUTES_LOOKED]; /* by minute modulo their number */
    uint64_t hour_records;                 /* of the last whole hour */
    int64_t hour_closed;                   /* which, from 1970; 0: none */
    double hour_low, hour_high;            /* what was usual for it, before it was learned itself */
    uint64_t hour_running;
    int64_t hour;
    struct wall silent_after; /* the last record before the silence that lasts */
    double failures_usual;    /* of a thousand records */
    int64_t lag_usual_ns;
    bool lag_learned;
    struct watched_ailment ailments[AILMENT_COUNT];
};
