#pragma once

/* An archive in a folder of its own, and batches whose records say what they are. */

#include "archive/archive.h"
#include "archive/seal.h"

struct fixture {
    struct disk *disk;
    const char *root;
    char folder[256], keys[256];
    uint64_t journal_size_max;
    struct wall now;
    struct archive *archive;
    struct scope *scope; /* everything, for every client */
    struct arena *mem;
};

struct fixture *fixture_new(void);
struct fixture *fixture_on(struct disk *disk, const char *root);
void fixture_free(struct fixture *fixture);
void fixture_open(struct fixture *fixture);
void fixture_close(struct fixture *fixture);
/* Ends without a last head, as a kill does; what was committed is there. */
void fixture_crash(struct fixture *fixture);
void fixture_reopen(struct fixture *fixture); /* close, then open */

/* Builds a batch of `events` records "client C source S number N of T" and offers it. */
enum err fixture_offer(struct fixture *fixture, uint32_t client, uint32_t source, unsigned events,
                       const struct batch_key *key, uint64_t position, struct place *ret_first);
uint64_t fixture_append(struct fixture *fixture, uint32_t client, uint32_t source, unsigned events);

/* Reads all of a client's events from 1 on, checks their records, and counts them. */
uint64_t fixture_read(struct fixture *fixture, uint32_t client);
/* The same with a reader over the folder. */
uint64_t fixture_search(struct fixture *fixture, uint32_t client);

/* Seals, merges and removes until nothing is due, as core and its workers would; how many segments
 * were made.  *ret_err: the first error, if anybody wants it. */
unsigned fixture_seal(struct fixture *fixture, enum err *ret_err);
extern struct seal_options fixture_sealing; /* a journal is closed at once, and stays a day */

const char *fixture_path(const struct fixture *fixture, const char *name); /* static buffers */
size_t fixture_size(const struct fixture *fixture, const char *name);
bool fixture_file_exists(const struct fixture *fixture, const char *name);
