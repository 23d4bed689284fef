#pragma once

/*
 * A client's leaves in the order of their numbers, wherever they lie: in journals, in segments of
 * several classes, or for a while in both.  What reading (reader.c) and sealing (seal.c) go over.
 *
 *     merge_init → merge_next … (merge_batch) … → merge_done
 *
 * A leaf that lies in several places is told once; its batch comes from the segment with the
 * highest generation, and from elsewhere if that is damaged.
 */

#include "archive/private.h"
#include "archive/segment.h"

/* ---- What a reader was given (reader.c). */

struct reader_journal {
    struct grant grant;
    struct file *file; /* NULL: opened when needed, from `folder` */
};

struct reader_segment {
    struct segment_grant grant;
    struct segment_head head;
    struct file *file; /* NULL: opened when needed, from `folder` */
};

struct reader {
    struct reader_journal *list; /* ascending by number */
    size_t count, capacity;
    struct reader_segment *segments;
    size_t segments_count, segments_capacity;
    struct disk *disk;
    char *folder;
    struct zstd *zstd;
    struct arena *mem;
    reader_pause *pause;
    void *pause_context;
    reader_generation *generation;
    void *generation_context;
    struct merge *leaves; /* within reader_leaves */
    struct arena *spare;  /* of a block that was left: the next one need not ask the kernel again */
    bool records_only;
};

/* ---- Going over it. */

/* Asks whether a leaf is wanted at all, and then for each of its events. */
struct wanted {
    const struct query *query;
    struct wall from, to;
    const uint64_t *sequences; /* ascending */
    size_t count, at;
    bool by_sequence;
    bool
        by_arrival; /* from and to are of the arrival, not of the event's own time; from the back */
    bool whole;     /* everything, and with salts and indexes */
    bool prove;     /* blocks have all their columns unpacked, also those that no batch needs */
    segment_note_call *note; /* told of generations, with their numbers, instead of the reader's */
    void *note_context;
};

struct merge_leaf {
    struct source_id source;
    uint64_t first;
    uint32_t events;
    uint64_t index;     /* if wanted.whole */
    struct sha256 hash; /* if wanted.whole */
};

struct segment_stream;
#define MERGE_TIES_MAX 16
/* Whether one of the numbers that are still to come lies in [first, last]. */
bool wanted_within(const struct wanted *wanted, uint64_t first, uint64_t last);

struct journal_stream {
    size_t entered; /* how many journals were */
    bool open, opened, ready, done;
    struct reader_journal *journal;
    struct walk walk;
    struct frame frame; /* if ready */
    struct buf offsets; /* from the back: where the frames lie that are wanted */
    struct buf notes;   /* generations met on the way to `frame`, as a segment keeps them */
};

struct merge {
    struct reader *reader;
    struct client_id client;
    struct wanted *wanted;
    struct plan *plan;
    struct plan_span span;
    struct journal_stream journals;
    struct reader_segment **order; /* in which segments are entered */
    size_t order_at;
    struct segment_stream **active;
    size_t active_count, active_capacity;
    uint64_t clock;
    /* The leaf that is told: where it lies. */
    struct segment_stream *ties[MERGE_TIES_MAX];
    size_t ties_count;
    bool journal_tied, told;
    struct merge_leaf leaf;
    /* Generations told last, by kind. */
    struct merge_note {
        char kind[32];
        uint64_t sequence;
    } notes[8];
    size_t notes_count;
};

/* Whether somebody wants to hear of generations. */
bool merge_heeds(const struct merge *merge);
NODISCARD enum err merge_init(struct merge *merge, struct reader *reader, struct client_id client,
                              struct wanted *wanted, struct why *why);
void merge_done(struct merge *merge);
/* The next leaf that may hold something wanted.  ERR_NOT_FOUND at the end. */
NODISCARD enum err merge_next(struct merge *merge, struct merge_leaf *ret, struct why *why);
/* Its batch, or the rows of it that may be wanted, in reader->mem; *ret_rows NULL: all of them.
 * salt: NULL, or if wanted.whole.  ERR_CORRUPT: damaged wherever it lies. */
NODISCARD enum err merge_batch(struct merge *merge, uint8_t *ret_salt, struct batch *ret,
                               const uint32_t **ret_rows, struct why *why);
