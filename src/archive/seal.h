#pragma once

/*
 * Sealing: journals become segments, segments become better ones.  Core says what and adopts, a
 * worker does it, with no more than what is lent to it:
 *
 *     core    archive_seal_next → archive_seal_lend …, seal_order, seal_output
 *     worker                      → reader_add … → seal_make
 *     core                                         → archive_seal_adopt | archive_seal_abandon
 *
 * Always true: a leaf is in a journal until it is in a segment that is on disk, with its name; it
 * is in a segment until it is in one that replaces it, or a tombstone tells that it is gone.
 */

#include "archive/archive.h"
#include "sys/disk.h"

struct seal; /* one segment that is being made */

struct seal_options {
    int64_t journal_age_ns; /* a journal with something in it is closed after so long */
    int64_t cold_after_ns;  /* segments whose newest event is older are packed for good; 0: never */
    int64_t journal_keep_ns; /* a journal that is sealed stays so long, for its idempotency keys */
};

/* Closes the journal being written if it is old enough; true if the next commit begins another. */
bool archive_turn_over(struct archive *archive, const struct seal_options *options,
                       struct wall now);

/* The next thing that is worth doing, if any: journals first, then small segments that are made
 * one, then cold ones.  Looks at no more than `frames_max` frames in one call; *ret NULL: nothing
 * was found; *ret_more: because the looking is not at its end. */
NODISCARD enum err archive_seal_next(struct archive *archive, const struct seal_options *options,
                                     struct wall now, uint32_t frames_max, struct seal **ret,
                                     bool *ret_more);
/* The index-th journal or segment that it is made of, as archive_lend; ERR_NOT_FOUND at the end. */
NODISCARD enum err archive_seal_lend(struct archive *archive, const struct seal *seal, size_t index,
                                     int *ret_descriptor, struct buf *grant);
struct client_id seal_client(const struct seal *seal);
struct str seal_order(const struct seal *seal);    /* for seal_make; has the segment's key in it */
struct file *seal_output(const struct seal *seal); /* empty, for the worker to write */
/* What a worker made is now the archive's: its head and tables are proved against what the order
 * was for, it is synced and gets its name, and what it replaces goes.  Ends the seal in any case.
 * ERR_CORRUPT: the worker did something else; then nothing has changed. */
NODISCARD enum err archive_seal_adopt(struct archive *archive, struct seal *seal, struct wall now,
                                      struct why *why);
/* The worker is gone or failed: nothing has changed, and the same is not tried again for a while.
 */
void archive_seal_abandon(struct archive *archive, struct seal *seal, struct wall now);

/* Removes journals all of whose leaves are in segments and under a head, and whose time is over. */
NODISCARD enum err archive_journals_remove(struct archive *archive,
                                           const struct seal_options *options, struct wall now);

/* The worker's part: makes the segment out of what the reader was lent, reads it back and proves
 * each leaf against its hash.  The scope must allow to append for the client. ERR_CORRUPT  what was
 * to be replaced is damaged, or what was read back is not what was written */
NODISCARD enum err seal_make(const struct scope *scope, struct reader *reader, struct str order,
                             struct file *output, struct why *why);
