#pragma once

/*
 * What the files of the correlator share: groups with their sightings, and windows over them.
 *
 *     correlator.c         a sighting's way through correlations, chains, alerts
 *     correlator_group.c   groups: found, aged, forgotten; the sightings that they keep
 *     correlator_window.c  what a stretch of sightings amounts to
 *     correlator_state.c   all of it as bytes
 *     baseline.c           our own three types
 */

#include "detect/correlation.h"
#include "detect/correlator.h"

/* ---- correlator_window.c */

#define WINDOW_KEPT_MIN 32 /* sights; below, a window is quickly made anew */
#define SIGHT_FIRED     1u

/* A sighting that a group keeps, or several that became one. */
struct sight {
    int64_t at; /* ns */
    uint64_t sequence;
    int64_t value; /* a hash, a number in millionths, or nothing, as the type has it */
    uint32_t weight;
    uint16_t number; /* of the rule, in the correlation's rules */
    uint16_t flags;
};

/* How often a value stands in a window, and how often one of those fired. */
struct tally {
    int64_t value;
    int64_t count; /* of first_seen: when it was seen last */
    uint32_t fired;
    bool used;
};

struct window {
    const struct correlation *correlation;
    uint64_t total; /* weights */
    wide sum;
    size_t distinct;
    struct tally *tallies; /* open addressing; a power of two */
    size_t tallies_capacity, tallies_filled;
    int64_t *sorted; /* of percentiles */
    size_t sorted_count, sorted_capacity;
    int64_t *starts; /* of temporal_ordered: without the newest event, then with it */
    uint64_t sequence;
    int64_t now; /* time of the newest */
};

/* Of values in ascending order the first that is not less; `count` if all are. */
size_t sorted_place(const int64_t *list, size_t count, int64_t value);

void window_init(struct window *window, const struct correlation *correlation);
void window_done(struct window *window);
void window_reset(struct window *window, const struct correlation *correlation);
/* In their order. */
NODISCARD enum err window_add(struct window *window, const struct sight *sight);
/* Fills an empty one. */
NODISCARD enum err window_fill(struct window *window, const struct sight *sights, size_t count);
/* The oldest; ordered windows forget by themselves. */
void window_drop(struct window *window, const struct sight *sight);
/* Whether the condition holds for the window, whose newest is `last`. */
bool window_holds(const struct window *window, const struct sight *last);
/* The tally of a value, or NULL. */
struct tally *window_tally(const struct window *window, int64_t value);
NODISCARD enum err window_tally_make(struct window *window, int64_t value, struct tally **ret);

/* ---- correlator_group.c */

struct group {
    struct group *chained;               /* in the table */
    struct group *newer, *older;         /* of all */
    struct group *own_newer, *own_older; /* of its correlation */
    uint64_t hash;
    uint32_t correlation; /* index in correlator->own */
    uint32_t key_size;
    int64_t touched; /* the correlator's clock */
    int64_t since;   /* time of the first sighting */
    int64_t newest;
    struct sight *sights;
    uint32_t first, count, capacity; /* the sights are [first, first + count) */
    uint32_t tail;                   /* of the window that ends with the newest: its oldest */
    int64_t *fired;                  /* times, ascending */
    uint32_t fired_count, fired_capacity;
    struct window *window;   /* kept for the newest window of busy groups; else NULL */
    int64_t limit_at, limit; /* of hinomi_rate: the bucket's start, and how many are too many */
    size_t size;
    char key[]; /* packed as values are */
};

/* A correlation, and who it is. */
struct own {
    const struct rule *rule;
    const struct correlation *correlation;
    uint32_t index; /* in the rule set */
    struct group *oldest, *newest;
};

struct feed {
    uint32_t own, number;
};

struct correlator {
    const struct ruleset *ruleset;
    const uint8_t *off; /* by rule; NULL: all are on */
    size_t size_max;
    uint64_t seed;
    struct own *own;
    size_t own_count;
    /* By rule: who leans on it, [starts[rule], starts[rule + 1]). */
    uint32_t *starts;
    struct feed *feeds;
    struct group **table;
    size_t table_size;
    struct group *oldest, *newest;
    struct window scratch;
    struct buf packed; /* a group's key while it is looked for */
    struct correlator_stats stats;
    int64_t clock; /* the newest arrival */
    int64_t swept; /* the clock when all groups that were past were last looked for */
};

/* Finds or makes the group of a key and touches it.  The pointer is good until the next call. */
NODISCARD enum err group_find(struct correlator *correlator, uint32_t own, struct str key,
                              struct group **ret);
void group_forget(struct correlator *correlator, struct group *group);
/* Forgets what is past, then what was touched least recently, but never `but`, until the state
 * fits. */
void groups_fit(struct correlator *correlator, const struct group *but);
/* Puts a sighting in its place; *ret_at: where, counted from the group's first. */
NODISCARD enum err group_put(struct correlator *correlator, struct group *group,
                             const struct sight *sight, uint32_t *ret_at);
struct sight *group_sight(const struct group *group, uint32_t at);
void group_drop(struct group *group, uint32_t count); /* the oldest */
void group_window_forget(struct group *group);
/* Leaves only the sights that `keep` says; their order stays. */
void group_filter(struct group *group, bool (*keep)(void *context, const struct sight *sight),
                  void *context);
NODISCARD enum err group_fired(struct group *group, int64_t at);
/* Fired at a time that is at most `span` away. */
bool group_silent(const struct group *group, int64_t at, int64_t span);
/* Its size is counted anew. */
void group_weigh(struct correlator *correlator, struct group *group);

/* ---- A firing: the sights [from, last] of the group. */
struct firing {
    bool fires;
    uint32_t from, last;
};

/* ---- baseline.c */
NODISCARD enum err first_seen_judge(struct correlator *correlator, struct group *group,
                                    const struct correlation *correlation,
                                    const struct sight *sight, struct firing *ret);
NODISCARD enum err rare_judge(struct correlator *correlator, struct group *group,
                              const struct correlation *correlation, const struct sight *sight,
                              struct firing *ret);
NODISCARD enum err rate_judge(struct correlator *correlator, struct group *group,
                              const struct correlation *correlation, const struct sight *sight,
                              struct firing *ret);
/* The window that ends with the sight at `last`: kept in step, or filled anew in scratch. */
NODISCARD enum err window_at(struct correlator *correlator, struct group *group, uint32_t last,
                             struct window **ret, uint32_t *ret_from);
