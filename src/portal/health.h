#pragma once

/*
 * How the service itself is, and what of it wants somebody's attention.  Desk gathers it
 * (serve/desk_health.c), the API tells it.  Nothing of any client stands here.
 *
 *     (gathered) → health_matters
 */

#include "base/clock.h"
#include "base/str.h"
#include "words/words.h"

#define HEALTH_PROCESSES_MAX 8

struct health_process {
    struct str name;
    bool running;
    struct wall since; /* it runs, or does not; WALL_NONE: it never began */
    uint64_t restarts; /* since the service began */
};

struct health {
    struct wall now, started;
    struct health_process processes[HEALTH_PROCESSES_MAX];
    size_t processes_count;
    uint64_t in_flight;                          /* received and not yet on disk */
    uint64_t unjudged;                           /* on disk and not yet judged */
    uint64_t unjudged_before;                    /* the same a minute ago */
    bool unjudged_grew;                          /* at every look since then */
    uint64_t disk_free, disk_size, disk_reserve; /* bytes */
    bool mail_relay;                             /* one is configured */
    uint64_t mail_waiting, mail_failed;          /* failed: in the last 24 hours */
    struct wall mail_oldest;                     /* of those that wait; WALL_NONE: none does */
    bool certificate_known;                      /* false: a proxy in front has it */
    bool certificate_local;                      /* made by the service itself */
    struct str certificate_subject, certificate_sha256;
    struct wall certificate_until;
    struct str rules_edition; /* its hash; empty: none is in force */
    uint64_t rules_loaded, rules_refused;
};

enum health_state { HEALTH_STEADY, HEALTH_ATTENTION, HEALTH_TROUBLE, HEALTH_STATE_COUNT };
const char *health_state_text(enum health_state state);

struct health_matter {
    enum health_state state;
    enum word word;
    struct str value; /* a name of the health's; where it is empty: the number */
    uint64_t number;
};
#define HEALTH_MATTERS_MAX (HEALTH_PROCESSES_MAX * 2 + 12)

/* The gravest first; returns how many there are. */
size_t health_matters(const struct health *health, struct health_matter list[HEALTH_MATTERS_MAX]);
