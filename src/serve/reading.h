#pragma once

/*
 * Answers that need the archive: searches, and the lines behind alerts.  The same code runs in a
 * worker (descriptors and keys lent by core) and offline.
 */

#include "archive/archive.h"
#include "match/pipes.h"
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

/* When a command's search that may take so many seconds (0: any) is over. */
struct mono reading_until(uint64_t seconds, struct mono now);
/* For reader_heed: ERR_AGAIN once `until` is over, or what `pause` says. */
NODISCARD enum err reading_time_over(const struct reading *reading);
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
/* Text as a cell of CSV, which no spreadsheet takes for a formula. */
NODISCARD enum err reading_cell(struct buf *out, struct str text);

#define READING_PRINTED_MAX ((size_t)64 * 1024 * 1024) /* one event, all its fields as JSON */
#define READING_CSV_HEAD    "time,client,source,sequence,original\n"
/* Appends the event as one line in the format that is asked for. */
NODISCARD enum err reading_event_print(const struct reading *reading, struct place place,
                                       const struct event *event, struct arena *scratch,
                                       struct buf *out);

/* ---- What is found leaves at once, or soon; and the search ends when its time is over.
 *
 *     reading_stream_begin → … reading_stream_flush … → reading_stream_end */

struct reading_stream {
    const struct reading *reading;
    struct buf *out;
    struct mono flushed;
    struct wall last; /* arrival of the event seen last; the caller's to note */
};

/* Makes the reader heed it.  ERR_AGAIN from the reader: the time was over. */
void reading_stream_begin(struct reading_stream *stream, const struct reading *reading,
                          struct buf *out);
/* Hands out what there is, if it is at least so much. */
NODISCARD enum err reading_stream_flush(struct reading_stream *stream, size_t least);
/* err: how reading ended.  Hands out the rest; ERR_LIMIT and what was not read, if the time was
 * over. */
NODISCARD enum err reading_stream_end(struct reading_stream *stream, enum err err, struct why *why);
