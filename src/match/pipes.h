#pragma once

/*
 * Pipes: what is made of the events that fit a search (docs/search.md).
 *
 *     query_parse → query_pipes → funnel_new → funnel_event … → funnel_end → funnel_left →
 * funnel_free
 *
 * The answer is rows of columns, or whole events where no command made columns.  Rows come as soon
 * as they are known: at once, unless something must be counted or sorted first.  Memory is bounded;
 * what had no place in it is counted and never passed over in silence.
 */

#include "base/clock.h"
#include "event/batch.h"
#include "match/match.h"

struct pipes; /* the query's own */

/* NULL: the search has none. */
const struct pipes *query_pipes(const struct query *query);
/* The text of the search before its pipes. */
struct str query_filter(const struct query *query);
struct table_column {
    struct str name;
    bool number; /* its values are numbers, as JSON writes them */
};
/* The answer's columns; none: it is whole events. */
size_t pipes_columns(const struct pipes *pipes, const struct table_column **ret);
/* They count over time: the first column is that of the steps' beginnings, if it is still there. */
bool pipes_are_timeline(const struct pipes *pipes);

struct table_cell {
    const struct str *values;
    size_t count; /* 0: there is none */
};

struct table_row {
    uint64_t order; /* the event's sequence number, where it is one event's */
    const struct table_cell *cells;
    struct str event; /* of whole events: what funnel_event was given */
};

/* Borrowed for the call.  An error ends the funnel and is returned. */
typedef enum err funnel_call(void *context, const struct table_row *row);

struct funnel_use {
    bool newest_first;    /* events come roughly so; rows of single events leave in that order */
    bool by_arrival;      /* a timeline counts by the time of arrival */
    struct wall from, to; /* the span asked for, by which a timeline chooses its steps */
    size_t rows_max;      /* of the answer, that anybody looks at; 0: all */
    funnel_call *call;
    void *context;
};

struct funnel;
NODISCARD enum err funnel_new(const struct query *query, const struct funnel_use *use,
                              struct funnel **ret);
void funnel_free(struct funnel *funnel);
/* An event that fits.  printed: what a row of whole events is to hold; it is copied if need be.
 * *ret_full: no further event can change the answer. */
NODISCARD enum err funnel_event(struct funnel *funnel, const struct event *event, uint64_t sequence,
                                struct str source, struct str printed, bool *ret_full);
/* All events were seen: the rest of the rows. */
NODISCARD enum err funnel_end(struct funnel *funnel);

/* The step of its timeline, in nanoseconds; 0: it has none. */
int64_t funnel_step(const struct funnel *funnel);

struct funnel_left {
    uint64_t events; /* that were not counted, their groups being too many */
    uint64_t rows;   /* that were left out of a sorted list */
};
void funnel_left(const struct funnel *funnel, struct funnel_left *ret);
