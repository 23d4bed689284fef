#pragma once

/* One segment as a stream of leaves, for merge.c alone. */

#include "archive/merge.h"

struct segment_stream {
    struct reader_segment *from;
    bool opened_file;
    struct segment *segment; /* NULL: not entered */
    bool ready, done;
    uint64_t bound;            /* not ready: no leaf begins before it (from the back: behind it) */
    size_t block, blocks_left; /* the one in hand, and those behind it in our direction */
    bool chosen;               /* `block` is in hand */
    struct arena *mem;         /* of the opened block */
    struct block *opened;      /* NULL: not unpacked, or given up for the memory of another */
    uint8_t *rows;             /* that may be wanted */
    size_t rows_size;
    size_t leaf, leaves_left; /* of the block, likewise */
    struct block_leaf next;   /* if ready */
    uint64_t used;            /* when it was used last */
    struct arena *tables;     /* if wanted.whole, or generations are heeded */
    struct segment_leaf *leaves;
    const uint8_t *salts;
    struct segment_note {
        uint64_t sequence;
        struct str kind, hash;
    } * notes;
    size_t notes_count, notes_at;
};

NODISCARD enum err segment_stream_new(struct merge *merge, struct reader_segment *from,
                                      struct segment_stream **ret);
void segment_stream_free(struct segment_stream *stream);
/* One step nearer to its next leaf: enters, chooses a block, unpacks it, goes to a leaf in it. */
NODISCARD enum err segment_stream_step(struct merge *merge, struct segment_stream *stream);
/* Passes over the leaf that is ready. */
void segment_stream_pass(struct merge *merge, struct segment_stream *stream);
/* ERR_CORRUPT: another place may have it. */
NODISCARD enum err segment_stream_batch(struct merge *merge, struct segment_stream *stream,
                                        uint8_t *ret_salt, struct batch *ret,
                                        const uint32_t **ret_rows, struct why *why);
/* Its row of the table of leaves; NULL if it has none. */
const struct segment_leaf *segment_stream_leaf(const struct segment_stream *stream);
