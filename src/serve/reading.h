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
    uint64_t before, limit; /* a survey's events: before this place (0: the newest), at most */
    struct mono until;      /* when a survey tells what it has so far; 0: it takes its time */
    reader_pause *pause;    /* what the reader heeds; NULL: nothing */
    void *pause_context;
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
/* What only the portal asks for, beside the commands (enum control_command). */
enum reading_command {
    READING_SURVEY = CONTROL_COMMAND_COUNT, /* counts over time, and the newest events */
    READING_TABLE,                          /* the newest events as CSV */
    READING_EVIDENCE                        /* the lines behind an incident's alerts */
};
/* Whatever is asked of the archive; `text`: the query, or what was gathered for it. */
NODISCARD enum err reading_answer(const struct reading *reading, unsigned command, struct str text,
                                  struct why *why);
/* The slug of a source of this client; "?" for one that it does not have. */
struct str reading_source(const struct reading *reading, struct source_id source);
/* The service's own source, whose heartbeats are in the way of who looks for logs, unless the query
 * asks for a field hinomi.…: then 0, nothing is hidden. */
struct source_id reading_hidden(const struct reading *reading, struct str query);
/* Text for a terminal: valid UTF-8 without control characters. */
NODISCARD enum err reading_shown(struct buf *out, struct str text);
