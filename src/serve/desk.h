#pragma once

/* What desk's two files share: its state, and the control socket's side of it. */

#include "collect/books.h"
#include "ledger/ledger.h"
#include "serve/process.h"
#include "serve/serve.h"
#include "tenant/tenant.h"

#define DESK_CONFIRMATIONS_MAX 256
#define DESK_ERRANDS_MAX       64

struct desk_confirmation {
    uint64_t client, bookmark;
};

/* A request that a worker answers: kept until parent brings the worker. */
struct desk_errand {
    uint64_t worker; /* 0: free */
    int connection;
    struct scope *scope;
    struct client_id client;
    struct control_request request; /* without texts */
    struct buf slug, sources, text;
};

struct desk {
    struct process *process;
    struct ledger *ledger;
    struct tenant *tenant;
    struct books *books;
    struct link *core, *front;
    struct timer *commit, *snapshot;
    struct arena *alerts; /* one message's, decoded */
    struct desk_confirmation confirmations[DESK_CONFIRMATIONS_MAX];
    size_t confirmations_count;
    struct desk_errand errands[DESK_ERRANDS_MAX];
    uint64_t workers; /* ever asked for */
    bool in_transaction;
};

/* Names every client (and account) to core; gives front the bindings.  Nothing without a link. */
NODISCARD enum err desk_tell_core(struct desk *desk, bool accounts);
NODISCARD enum err desk_tell_front(struct desk *desk);
/* Ends the transaction that is open, if one is. */
void desk_transaction_end(struct desk *desk);

/* ---- desk_control.c */

/* Parent accepted a connection at the control socket; the descriptor is ours. */
NODISCARD enum err desk_control_came(struct desk *desk, int connection);
/* Parent started the worker that was asked for; no channel (-1): it could not. */
NODISCARD enum err desk_worker_came(struct desk *desk, uint64_t worker, int channel);
