#pragma once

/*
 * The spine: what core does with what front hands over, a turn at a time.  spine.c shows one turn
 * on one screen; take.c is its first half (the ring), judge.c its last (detection).
 *
 *     spine_new → spine_grant … → spine_turn …     (it ends with the process)
 */

#include "archive/archive.h"
#include "archive/seal.h"
#include "base/arena.h"
#include "collect/books.h"
#include "detect/correlator.h"
#include "detect/criteria.h"
#include "detect/detect.h"
#include "serve/entry.h"
#include "serve/link.h"
#include "serve/vitals.h"
#include "sys/ring.h"

#define TURN_ENTRIES_MAX 256
#define TURN_EVENTS_MAX  8000              /* bounds a turn: about 20 ms with a small rule set */
#define TURN_SIZE_MAX    (4 * 1024 * 1024) /* after which no further entry joins; bytes */

/* What correlations and thresholds remember of a client: read from disk before the first event is
 * judged, and again whenever it may have been fed what is fed once more. */
enum memory_state { MEMORY_STALE, MEMORY_READY };

/* A client as core sees it: what desk granted, and how far detection has come. */
struct spine_client {
    struct client_id id;
    struct scope *scope;
    struct source_id own; /* the service's own source of it; 0: none */
    uint64_t judged;      /* the next sequence number to be judged */
    uint64_t sent;        /* the bookmark that desk was last sent */
    uint64_t told;        /* alerts of events before it are desk's already */
    bool desk_is_new;     /* and has not said yet what it knows */
    enum memory_state memory;
    struct correlator *correlator; /* NULL: no rule feeds a correlation */
    struct criteria_state *thresholds;
    struct arena *off_mem;
    const uint8_t *off; /* by rule, in off_mem: what the client's documents switch off */
    struct buf kept;    /* the memory as it was at `kept_at`, until desk has confirmed */
    uint64_t kept_at;   /* 0: none waits */
    uint64_t stored_at; /* what the memory on disk is of */
    uint32_t narrow;    /* events before narrow_until are judged so many at once: what
                           correlations made of more had no room */
    uint64_t narrow_until;
    uint64_t swap_at;          /* while a set waits: the first event that it judges */
    bool rules_noted;          /* the archive knows which rules judge it */
    struct criteria *criteria; /* of its effective documents; NULL: it has none */
    bool documents_noted;      /* the archive knows from which event on they hold */
};

/* How an entry ended. */
enum taken_end { TAKEN_STORED, TAKEN_DUPLICATE, TAKEN_CONFLICT, TAKEN_TALLY, TAKEN_DROPPED };

struct taken {
    struct entry entry;
    uint64_t number;           /* its position in the ring */
    struct ring_cursor before; /* where it begins */
    struct batch batch;
    struct place first;
    enum taken_end end;
    bool noticed;       /* a tally that left a record of its own */
    bool offered_again; /* stored before a crash; only to be accounted for */
};

struct spine {
    struct archive *archive;
    struct seal_options sealing; /* when journals end, and segments are packed anew */
    struct ruleset *ruleset;
    struct judge *judge;          /* over it */
    struct ruleset *ruleset_next; /* of what is stored from each client's swap_at on; it waits until
                                     desk knows all alerts of what was stored before */
    struct ruleset *ruleset_last; /* wanted while ruleset_next waits: the one after it */
    unsigned turns_waited;        /* it has waited so long */
    struct ring *ring;
    struct books *books;
    struct vitals *vitals; /* what is counted of each source */
    struct link *front, *desk;
    struct ring_cursor cursor; /* what has been read */
    bool front_away;           /* nothing is taken: whoever pushed it would never be told */
    bool release_waits;        /* what has been told but not yet released */
    struct spine_client *clients;
    size_t clients_count;
    unsigned outstanding;  /* messages that desk has not confirmed */
    int64_t held_since_ns; /* an entry waits for its client's grant; 0: none does */
    struct arena *turn;    /* dies with the turn */
    struct arena *scratch; /* dies with a step of it */
    struct buf copies;     /* the entries of a turn, private */
    struct taken taken[TURN_ENTRIES_MAX];
    size_t taken_count;
    void (*say)(void *context, const char *line);
    void *say_context;
};

NODISCARD enum err spine_new(struct spine **ret);

/* One turn: whatever waits in the ring, up to a group.  *ret_more: something is left. */
NODISCARD enum err spine_turn(struct spine *spine, struct wall now, bool *ret_more,
                              struct why *why);
/* Closes the journal if its time has come; between turns. */
void spine_turn_over(struct spine *spine, struct wall now);

/* Desk named a client, or changed what it granted. */
NODISCARD enum err spine_grant(struct spine *spine, struct client_id client, uint64_t bookmark,
                               struct source_id own, struct str scope);
/* Tells desk what was counted since the last time. */
void spine_vitals_send(struct spine *spine);
/* Judges by this set, which is the spine's now, from the next event on that is stored: what lies in
 * the archive before is judged by the set that the archive names for it, also when desk ends
 * meanwhile.  (A core that is killed before desk knows those alerts begins with the new set.) */
NODISCARD enum err spine_rules(struct spine *spine, struct ruleset *ruleset);
/* Its documents' generation from the next event on; takes the criteria.  ERR_NOT_FOUND: it was
 * never granted. */
NODISCARD enum err spine_documents(struct spine *spine, struct client_id client,
                                   struct criteria *criteria);
struct spine_client *spine_client_find(struct spine *spine, struct client_id client);

/* ---- take.c */

/* Copies and checks what waits in the ring into spine->taken. */
NODISCARD enum err spine_take(struct spine *spine, struct wall now);
/* Gives the books each entry's end, tells front, and releases the ring's room. */
NODISCARD enum err spine_account(struct spine *spine);
/* Releases what front has been told, once it has really been told. */
void spine_release(struct spine *spine);

/* ---- memory.c */

/* Makes the memory fit to `judged`, which goes back as far as the memory on disk is old. */
void memory_ready(struct spine *spine, struct spine_client *client);
/* Other rules or documents are in force: which rules are off for the client. */
NODISCARD enum err memory_off(struct spine *spine, struct spine_client *client);
/* Other rules are in force: what they share with the old ones is kept. */
NODISCARD enum err memory_move(struct spine *spine, struct spine_client *client);
/* Desk has confirmed up to this bookmark: memory that waited for it goes to disk. */
void memory_confirmed(struct spine *spine, struct client_id client, uint64_t bookmark);
/* Now and then: what changed since the last time is kept, and stored once desk has confirmed. */
void memory_keep(struct spine *spine);
/* Of every step-th client only, so that they do not all hold up one turn. */
void memory_keep_some(struct spine *spine, size_t first, size_t step);

/* ---- judge.c */

/* Judges what this turn stored. */
NODISCARD enum err spine_judge(struct spine *spine);
/* Judges from the archive what was stored and not judged: after a crash, or when desk was away.
 * *ret_more: something is left. */
NODISCARD enum err spine_catch_up(struct spine *spine, bool *ret_more, struct why *why);
/* Sends bookmarks that moved without an alert. */
void spine_bookmarks_send(struct spine *spine);
/* Desk is new: what it has not confirmed will be judged again. */
void spine_desk_lost(struct spine *spine);
