#pragma once

/*
 * What a proof of single leaves needs of a client's tree, found without going over it:
 *
 *     nodes_open → nodes_leaf, nodes_root … → nodes_close
 */

#include "archive/private.h"
#include "archive/segment.h"

/* ---- heads_find.c: heads, found by halving the file. */

struct heads_find {
    struct file *file;
    uint64_t size;
    struct client_id client;
    struct head head;
    uint64_t at; /* of the one that heads_before gave last */
    char window[2 * HEAD_SIZE_MAX];
};
enum heads_by { HEADS_BY_LEAVES, HEADS_BY_EVENTS };
/* The last head with fewer than `value`, and where the one behind it begins.  Without one
 * ERR_NOT_FOUND; then the first begins at *ret_next. */
NODISCARD enum err heads_before(struct heads_find *find, enum heads_by by, uint64_t value,
                                struct head *ret, uint64_t *ret_next);
/* The first that begins there or behind it. */
NODISCARD enum err heads_at(struct heads_find *find, uint64_t at, struct head *ret);

/* ---- nodes.c */

struct nodes;
/* folder must outlive it.  ERR_NOT_FOUND: the client has no head. */
NODISCARD enum err nodes_open(struct disk *disk, const char *folder, struct client_id client,
                              struct nodes **ret, struct why *why);
void nodes_close(struct nodes *nodes); /* NULL is fine. */
/* The last head; its signature was not looked at. */
const struct head *nodes_last(const struct nodes *nodes);
/* Its bytes and what follows them in the file, up to HEAD_SIZE_MAX. */
NODISCARD enum err nodes_last_read(const struct nodes *nodes, char bytes[HEAD_SIZE_MAX],
                                   size_t *ret_size);

/* One leaf, and where it lies. */
struct nodes_leaf {
    uint64_t index, first;
    uint32_t events;
    struct source_id source;
    struct sha256 hash;
    bool in_journal;
    struct frame frame;          /* in_journal */
    struct segment_head segment; /* else, and which leaf of its table */
    size_t place;
};
typedef void nodes_call(void *context, const struct nodes_leaf *leaf);
/* The one that holds this sequence number.  ERR_NOT_FOUND: none under a head, or it is gone;
 * ERR_CORRUPT: it is lost. */
NODISCARD enum err nodes_leaf(struct nodes *nodes, uint64_t sequence, struct nodes_leaf *ret);
/* The root of a full subtree, or of what begins where one would and ends where the tree ends.
 * ERR_CORRUPT: a leaf that it needs is lost. */
NODISCARD enum err nodes_root(struct nodes *nodes, uint64_t from, uint64_t to, struct sha256 *ret);
NODISCARD enum err nodes_segment(struct nodes *nodes, uint64_t generation, struct file **ret);
