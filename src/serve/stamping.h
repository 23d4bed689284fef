#pragma once

/*
 * Stamping in core: which head is due goes by way of desk to herald, which asks the authority, and
 * the token that comes back is kept.  Zeroed, it is ready.
 *
 *     stamping_tick …, stamping_came …
 */

#include "codec/crypto.h"
#include "serve/process.h"
#include "serve/spine.h"

#define STAMPS_ASKED_MAX 4 /* at once: herald's threads are for mails too */

struct stamp_asked {
    struct client_id client; /* 0: free */
    uint64_t nonce, epoch;
    struct sha256 hash;
    struct wall asked;
};

struct stamping {
    struct stamp_asked asked[STAMPS_ASKED_MAX];
    size_t next;       /* the client to be thought of first */
    struct wall later; /* after a failure nothing is asked before */
    bool failing;      /* and it was said */
};

/* Once a second, while nothing is stopping. */
void stamping_tick(struct stamping *stamping, struct process *process, struct spine *spine,
                   struct wall now);
void stamping_came(struct stamping *stamping, struct process *process, struct spine *spine,
                   const struct stamped_message *stamped, struct wall now);
