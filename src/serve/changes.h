#pragma once

/*
 * What changes in the ledger, in words that a page can use: which client, what of it, which one.
 *
 *     changes_new → (transactions of anybody) → changes_take … → changes_free
 */

#include <stddef.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/limits.h"
#include "event/place.h"

struct ledger;
struct changes;

enum change_what {
    CHANGE_INCIDENT, /* number: which */
    CHANGE_ALERTS,
    CHANGE_DOCUMENT, /* kind: which */
    CHANGE_CLIENT,   /* its name, sources or engagements */
    CHANGE_PEOPLE,   /* kind: their party's slug; client 0: the party is no client */
    CHANGE_WHAT_COUNT
};
const char *change_text(enum change_what what); /* "incident", … */

struct change {
    enum change_what what;
    struct client_id client;
    uint64_t number;
    char kind[SLUG_SIZE_MAX + 1];
};

/* Something is on disk that was not taken yet.  Nothing may be asked of the ledger in the call. */
typedef void changes_call(void *context);

/* Watches the ledger from now on. */
NODISCARD enum err changes_new(struct ledger *ledger, changes_call *call, void *context,
                               struct changes **ret);
void changes_free(struct changes *changes);

struct changes_taken {
    struct change list[CHANGES_MAX];
    size_t count;
    bool all; /* more than can be named, or it could not be read: everything may have changed */
    bool sessions;    /* some session ended, or was used */
    int64_t again_ms; /* come again after so long: something waits; -1: nothing does */
};
/* Nobody is there to be told. */
void changes_empty(struct changes *changes);
/* What is on disk since the last time, each thing once; the same thing again at the earliest
 * CHANGES_APART_MS after it was told. */
void changes_take(struct changes *changes, struct mono now, struct changes_taken *ret);
