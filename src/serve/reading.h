#pragma once

/*
 * Answers that need the archive: searches, and the lines behind alerts.  The same code runs in a
 * worker (descriptors and keys lent by core) and offline.
 */

#include "archive/archive.h"
#include "serve/serve.h"

struct ledger;

struct reading {
    const struct scope *scope;
    struct reader *reader;
    struct client_id client;
    struct str slug;    /* the client's */
    struct str sources; /* "id slug" a line */
    enum output_format format;
    bool count;
    struct wall from, to;
    control_output *output;
    void *output_context;
};

/* Every event that fits the query. */
NODISCARD enum err reading_search(const struct reading *reading, struct str query, struct why *why);

/* Alerts of the ledger as bytes that travel to where the lines are. */
NODISCARD enum err reading_alerts_gather(const struct scope *scope, struct ledger *ledger,
                                         struct client_id client,
                                         const struct control_request *request, struct buf *out);
/* Prints them, each with the line behind it. */
NODISCARD enum err reading_alerts(const struct reading *reading, struct str gathered,
                                  struct why *why);
/* Whatever a command asks of the archive; `text`: the query, or what was gathered for it. */
NODISCARD enum err reading_answer(const struct reading *reading, enum control_command command,
                                  struct str text, struct why *why);
/* Text for a terminal: valid UTF-8 without control characters. */
NODISCARD enum err reading_shown(struct buf *out, struct str text);
