#pragma once

/*
 * How long the archive keeps what, and what it holds: for core, which is told by desk.
 *
 *     archive_keep, archive_hold (as often as they change) … archive_holdings … archive_drop
 *
 * What was promised for a source steers two things: which *class* its events are sealed into
 * (segment.h), and when archive_drop lets a segment go.  Nothing here is stored: desk says it again
 * to each core.  What stands in a segment, the promise at the time of its sealing, is stored.
 */

#include "archive/archive.h"

#define KEEP_FOR_EVER 0u
#define KEEP_DAYS_MAX 36500u /* a hundred years; a rule above it is for ever */

/* How many days the events of a source are kept, counted from their arrival. */
struct keep_rule {
    struct source_id source;
    uint32_t days; /* KEEP_FOR_EVER */
};
/* All rules of a client, in the place of those before; copied.  A source without a rule is kept for
 * ever.  At most SEGMENT_CLASSES_MAX different durations are told apart: of more, some are sealed
 * together with the next longer one (and go when that one may go).
 *   ERR_DENIED  the scope may not append for that client
 *   ERR_LIMIT   more than SOURCES_MAX rules */
NODISCARD enum err archive_keep(const struct scope *scope, struct archive *archive,
                                struct client_id client, const struct keep_rule *rules,
                                size_t count);

/* What may not go, whatever was promised: events of these sources that arrived in [from, to).  A
 * segment that has one of them stays whole. */
struct hold_rule {
    const uint32_t *sources; /* NULL: all of the client's */
    size_t sources_count;
    struct wall from, to;
};
/* All holds of a client, in the place of those before; copied.
 *   ERR_DENIED  the scope may not append for that client */
NODISCARD enum err archive_hold(const struct scope *scope, struct archive *archive,
                                struct client_id client, const struct hold_rule *rules,
                                size_t count);

enum holding_kind {
    HOLDING_JOURNAL, /* the client's share of it */
    HOLDING_SEGMENT,
};
struct holding_source {
    struct source_id source;
    uint32_t days; /* promised when it was sealed, in a journal: now; KEEP_FOR_EVER also where
                      nothing was promised */
    uint64_t events;
    struct wall newest; /* arrival */
};
struct holding {
    enum holding_kind kind;
    uint64_t number;            /* of the journal, or the segment's generation */
    uint32_t days;              /* the class of a segment; KEEP_FOR_EVER in a journal */
    uint64_t first, last;       /* sequence numbers */
    struct wall oldest, newest; /* arrival */
    uint64_t events;
    uint64_t original; /* bytes of the records; of a journal what was packed, somewhat more */
    uint64_t stored;   /* bytes on disk */
    const struct holding_source *sources; /* borrowed for the call */
    size_t sources_count;
};
typedef enum err holding_call(void *context, const struct holding *holding);
/* Journals first, then segments, each in ascending number.  For a short while an event may be told
 * of in both: a journal stays for a day after all of it was sealed (its `stored` is then the room
 * that will come free, and its events those that are in no segment yet). */
NODISCARD enum err archive_holdings(const struct scope *scope, struct archive *archive,
                                    struct client_id client, holding_call *call, void *context);

struct archive_drop_reason {
    struct str text;    /* "retention", or what a person said */
    struct str promise; /* which version of which document promised how long */
    struct str by;      /* "schedule", or a person's account */
};
/* Lets one segment go: the tombstone is written and signed first, then the file is removed.
 *   ERR_NOT_FOUND  there is no such segment (any more)
 *   ERR_AGAIN      its leaves are in a journal too, it is being packed anew, or a backup runs:
 * later ERR_DENIED     a source in it is not past its promise (the longer one of what was promised
 * when it was sealed and what is now; if either is nothing it is kept for ever), a hold covers it,
 * or the scope may not append others         it could not be written; asked again, a tombstone that
 * is there counts */
NODISCARD enum err archive_drop(const struct scope *scope, struct archive *archive,
                                struct client_id client, uint64_t generation,
                                const struct archive_drop_reason *reason, struct wall now,
                                struct why *why);
/* Whether archive_drop would let it go now, and from when on its promise is over (WALL_NONE: not
 * known: held, or kept for ever).  It may be over and the segment not droppable yet: ERR_AGAIN.
 *   ERR_NOT_FOUND  there is no such segment
 *   ERR_DENIED     the scope may neither read nor append for that client */
NODISCARD enum err archive_droppable(const struct scope *scope, struct archive *archive,
                                     struct client_id client, uint64_t generation, struct wall now,
                                     bool *ret, struct wall *ret_from);
