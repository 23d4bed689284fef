#pragma once

/* A real spine over an archive in a folder, with us in front's place and in desk's.  Core, desk or
 * both may be killed between any two turns. */

#include "base/limits.h"
#include "event/builder.h"
#include "serve/spine.h"

/* An alert as desk keeps it. */
struct kept_alert {
    uint64_t sequence;
    char text[512]; /* all that must be the same whether or not anybody was killed */
    char version[65];
};

/* What desk has on disk. */
struct kept {
    struct kept_alert *list;
    size_t count;
    uint64_t bookmark;
};

struct tower {
    struct spine *spine;
    struct ring *front; /* the producer's side of the same memory */
    char *ring_memory, *books_memory;
    struct loop *loop;
    struct timer *stop;
    int desk;
    char packet[MESSAGE_SIZE_MAX];
    const char *folder;
    struct ruleset *(*rules)(void); /* what desk gives core at its start */
    struct str documents;           /* a bundle; empty: the client has none */
    struct zones *zones;
    uint64_t alerts, bookmark; /* that came by */
    struct kept kept;          /* only if `keeps` */
    uint64_t again;            /* came though they were there, and not before the bookmark */
    bool keeps;
    char said[4096]; /* lines that core said, one after the other */
};

#define TOWER_CLIENT 7

/* Clients 7 and 8. */
struct tower *tower_new(struct ruleset *(*rules)(void));
/* Ends in order, or as a kill does; what is on disk stays. */
void tower_core_end(struct tower *tower);
void tower_core_begin(struct tower *tower);
/* Desk ends; what was in the channel is lost.  The next one names the clients with its bookmark. */
void tower_desk_new(struct tower *tower);
void tower_free(struct tower *tower);
void tower_grant(struct tower *tower, uint32_t client, uint64_t bookmark);

/* What desk does, as far as core sees it: one message (false: there is none), or all. */
bool tower_desk_hear(struct tower *tower);
void tower_desk_listen(struct tower *tower);
/* One turn, without desk. */
bool tower_turn(struct tower *tower, int64_t at_ns);
/* Turns until nothing is left. */
enum err tower_turns(struct tower *tower, int64_t at_ns);
void tower_push(struct tower *tower, uint32_t client, unsigned count, struct str batch);

struct ruleset *ruleset_of(const char *const *texts, size_t count);
/* Kind and YAML by turns, NULL behind the last; the bundle, which the caller frees. */
struct str documents_of(const char *const *documents);
