#pragma once

/*
 * A segment: the file that holds a client's leaves of one class once their journal is closed.
 * Format: docs/formats/segment.md; why it is so: decision 028.
 *
 *     head (plain)  blocks (sealed) …  generations, salts, directory (sealed)  sources, leaves
 * (plain)
 *
 * The head says whose it is, which class and generation, what it spans, the random bytes that its
 * key is derived with, where the rest lies, and the hash of all of it.  As in a journal, what can
 * be known of a leaf without the client's key stands there plain: its number, its source, its hash.
 *
 *     segment_writer_new → segment_note, segment_add … → segment_end → segment_writer_free
 *     segment_head_read → segment_sources, segment_leaves (without a key)
 *     segment_open → segment_block, segment_read … → segment_close
 */

#include "archive/block.h"
#include "archive/keep.h"
#include "codec/crypto.h"
#include "sys/disk.h"

#define SEGMENT_CLASSES_MAX  8
#define SEGMENT_HEAD_SIZE    512
#define SEGMENT_VERSION      1
#define SEGMENT_SALT_SIZE    32
#define SEGMENT_REPLACES_MAX 12 /* segments that are made one at once */

enum segment_piece {
    PIECE_GENERATIONS,
    PIECE_SALTS,
    PIECE_DIRECTORY,
    PIECE_SOURCES,
    PIECE_LEAVES,
    PIECE_COUNT,
};

struct segment_head {
    struct client_id client;
    uint16_t version;
    uint32_t days;       /* that its sources were promised when it was sealed; 0: for ever */
    uint32_t level;      /* that its blocks were packed with */
    uint64_t generation; /* of two segments that list a leaf, the higher one holds it */
    uint8_t seed[32];
    uint64_t first, last;           /* sequence numbers, over all its leaves */
    uint64_t leaf_first, leaf_last; /* indexes */
    struct wall oldest, newest;     /* times of arrival */
    struct wall earliest, latest;   /* the events' own */
    uint64_t events, original;      /* original: bytes of the records */
    uint64_t leaves, blocks;
    uint64_t size; /* of the file */
    struct segment_stretch {
        uint64_t offset, size; /* in the file */
        uint64_t plain;        /* unpacked and opened */
    } pieces[PIECE_COUNT];
    /* Generations of the segments whose leaves it has all: debris, if they are still there. */
    uint64_t replaces[SEGMENT_REPLACES_MAX]; /* 0 behind the last */
    struct sha256 body;                      /* of all behind the head */
    struct sha256 sources, leaf_table;       /* of these two pieces, as they stand in the file */
};

/* What it holds of one source. */
struct segment_source {
    struct source_id source;
    uint32_t days; /* promised when it was sealed; KEEP_UNKNOWN: nothing was said */
    uint64_t events, original;
    struct wall newest; /* arrival */
};
#define KEEP_UNKNOWN UINT32_MAX

/* One leaf as its table lists it; the salts lie apart, sealed. */
struct segment_leaf {
    uint64_t index; /* in the client's tree */
    struct source_id source;
    uint64_t first;
    uint32_t events;
    uint8_t salt[SEGMENT_SALT_SIZE]; /* zeros from segment_leaves */
    struct sha256 hash;
};

/* The key of one segment: all that a worker is ever given. */
struct sha256 segment_key(const uint8_t client_key[AES_KEY_SIZE], struct client_id client,
                          const uint8_t seed[32]);

/* ---- Writing. */

struct segment_order {
    struct client_id client;
    uint64_t generation;
    uint32_t days, level;
    uint8_t seed[32]; /* random, never used before */
    struct sha256 key;
    uint64_t replaces[SEGMENT_REPLACES_MAX];
    const struct keep_rule *promises; /* of its sources, ascending; others: KEEP_UNKNOWN */
    size_t promises_count;
};
struct segment_writer;
/* Keeps file, which must be empty, and order. */
NODISCARD enum err segment_writer_new(struct file *file, const struct segment_order *order,
                                      struct segment_writer **ret);
void segment_writer_free(struct segment_writer *writer);
/* What judged from this sequence number on; ascending. */
NODISCARD enum err segment_note(struct segment_writer *writer, uint64_t sequence, struct str kind,
                                struct str hash);
/* The next leaf and its batch; ascending.  ERR_LIMIT: the segment is full; end it. */
NODISCARD enum err segment_add(struct segment_writer *writer, const struct segment_leaf *leaf,
                               const struct batch *batch);
/* Writes the rest and, last, the head; syncs nothing. */
NODISCARD enum err segment_end(struct segment_writer *writer, struct segment_head *ret);

/* ---- Reading.  All of it is outside bytes. */

/* The head, proved against the file's size.  ERR_CORRUPT: it is none. */
NODISCARD enum err segment_head_read(struct file *file, struct segment_head *ret, struct why *why);
/* Made in mem, ascending. */
NODISCARD enum err segment_sources(struct file *file, const struct segment_head *head,
                                   struct arena *mem, struct segment_source **ret,
                                   size_t *ret_count, struct why *why);
NODISCARD enum err segment_leaves(struct file *file, const struct segment_head *head,
                                  struct arena *mem, struct segment_leaf **ret, struct why *why);
/* Whether all that is behind the head is what was written. */
NODISCARD enum err segment_body_check(struct file *file, const struct segment_head *head,
                                      struct why *why);

struct segment;
/* Borrows file.  Reads head and directory. */
NODISCARD enum err segment_open(struct file *file, const struct sha256 *key, struct segment **ret,
                                struct why *why);
void segment_close(struct segment *segment); /* NULL is fine. */
const struct segment_head *segment_head(const struct segment *segment);
const uint8_t *segment_filter_key(const struct segment *segment); /* BLOCK_FILTER_KEY_SIZE */

struct segment_block {
    uint64_t offset;
    uint32_t size, events;
    uint64_t first, last; /* sequence numbers */
    struct str summary;   /* borrowed from the segment */
};
/* index < head.blocks */
const struct segment_block *segment_block(const struct segment *segment, size_t index);
/* Its bytes, for block_open, in mem. */
NODISCARD enum err segment_read(struct segment *segment, size_t index, struct arena *mem,
                                struct str *ret, struct why *why);
/* head.leaves salts, in the order of the leaves. */
NODISCARD enum err segment_salts(struct segment *segment, struct arena *mem, const uint8_t **ret,
                                 struct why *why);
typedef enum err segment_note_call(void *context, uint64_t sequence, struct str kind,
                                   struct str hash);
NODISCARD enum err segment_notes(struct segment *segment, segment_note_call *call, void *context,
                                 struct why *why);

/* ---- Names: archive/segments/CLIENT/GENERATION.segment, and .new while one is made. */

NODISCARD enum err segment_path(const char *folder, struct client_id client, uint64_t generation,
                                bool whole, char *path, size_t size);
