#pragma once

/*
 * The three numbers that everything else points with.  All are given by the installation and never
 * used twice.  They are structs so that one cannot stand where another belongs.
 */

#include <stdbool.h>
#include <stdint.h>

/* A client (利用者): the unit of isolation.  0 is nobody. */
struct client_id {
    uint32_t value;
};

/* The installation's own client: unknown senders and the system's own events are kept under it. */
#define CLIENT_INSTALLATION ((struct client_id){1})

/* A log source of one client, unique in the installation.  0 is none. */
struct source_id {
    uint32_t value;
};

/* Where one event lies as evidence: given at the commit, valid for ever, whatever happens to files.
 * Sequence numbers count from 1 for each client, without gaps. */
struct place {
    struct client_id client;
    uint64_t sequence;
};

static inline bool client_equal(struct client_id a, struct client_id b)
{
    return a.value == b.value;
}
