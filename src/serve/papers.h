#pragma once

/*
 * What the listeners that take logs over TLS show, and whom they trust: the files that the
 * configuration names, read by parent, since front opens none.
 *
 *     papers_open → papers_send (each front) … → papers_open again … → papers_done
 */

#include "base/limits.h"
#include "serve/identity.h"
#include "serve/link.h"

struct papers {
    bool wanted; /* there is a listener with TLS */
    struct identity identity;
    struct {
        struct buf authorities, revoked;
    } trust[LISTENERS_MAX]; /* by listener */
};

/* On an error *ret is as it was. */
NODISCARD enum err papers_open(const struct config *config, struct wall now, struct papers *ret,
                               struct why *why);
void papers_done(struct papers *papers);
/* PAPERS for each of those listeners. */
NODISCARD enum err papers_send(const struct papers *papers, const struct config *config,
                               struct link *link);
