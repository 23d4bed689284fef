#pragma once

/*
 * The rhythm of a source: how many records an hour of the week usually brings, and how long the
 * usual wait between two is.  For build/'s own files.
 *
 *     rhythm_init → rhythm_heard …, rhythm_pass … → rhythm_waited, rhythm_limit
 *
 * Waits are measured in the rhythm's own time: not in seconds but in how many records would usually
 * have come meanwhile.  So a night in which nothing ever comes takes no time at all, and a weekend
 * is as short as the few records in it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

#define RHYTHM_HOURS 168 /* of a week, from Monday 00:00 in Japan */

struct rhythm {
    struct wall since;            /* when it was first heard; WALL_NONE: never yet */
    struct wall heard;            /* and last */
    int64_t hour;                 /* that runs, counted from 1970; 0: none yet */
    uint64_t count;               /* records in it so far */
    uint64_t minute_count;        /* and in the minute that runs */
    int64_t minute;               /* that runs, from 1970 */
    float low[RHYTHM_HOURS];      /* the fewest of late: what may be counted on */
    float high[RHYTHM_HOURS];     /* the most of late */
    float mean[RHYTHM_HOURS];     /* about as many as usual */
    uint8_t weeks[RHYTHM_HOURS];  /* how often this hour was learned, up to 255 */
    double wait_now, wait_before; /* the longest wait of this fortnight and of the one before */
    double peak_now, peak_before; /* the most records of one minute, the same */
    int64_t fortnight;            /* that runs, from 1970 */
    uint64_t waits;               /* how many were learned */
    double waits_sum, waits_square;
    double beat_now, beat_before; /* the longest wait in seconds, as wait_now */
    double beats_sum, beats_square;
};

void rhythm_init(struct rhythm *rhythm);
/* `count` records came since the last call, the last of them at `heard`. */
void rhythm_heard(struct rhythm *rhythm, uint64_t count, struct wall heard);
/* Time passes: hours that are over are learned, unless `ill`: then they are no example. */
void rhythm_pass(struct rhythm *rhythm, struct wall now, bool ill);

/* Whether enough is known to judge a silence. */
bool rhythm_known(const struct rhythm *rhythm, struct wall now);
/* Whether it comes by the clock; then *ret_ns is the longest silence that is no sign. */
bool rhythm_beat(const struct rhythm *rhythm, int64_t *ret_ns);
/* How long it has been silent, and how long it may be, in the rhythm's own time. */
double rhythm_waited(const struct rhythm *rhythm, struct wall since, struct wall now);
double rhythm_limit(const struct rhythm *rhythm);
/* The most records that a usual minute, and what a usual run of this hour, brings; 0: not known. */
double rhythm_peak(const struct rhythm *rhythm);
void rhythm_usual(const struct rhythm *rhythm, struct wall at, double *ret_low, double *ret_high);
/* Of the week, 0 to 167; a public holiday of Japan is a Sunday. */
unsigned rhythm_hour_of_week(int64_t hour);
