#pragma once

/*
 * A tombstone: the signed record of what went, when and why, in the client's own chain of heads.
 * Format: docs/formats/tombstone.md.
 *
 *     tombstone_write (remains synced, then the record) → the caller unlinks
 *     gone_load → gone_find, gone_next … → gone_done
 *
 * *Remains* are the hashes that the tree still needs of the leaves that went: of each run of
 * indexes the roots of its largest full subtrees.  They lie one after the other in
 * archive/remains/<client>.remains; a record names its stretch by offset, size and SHA-256.
 */

#include "archive/archive.h"
#include "archive/segment.h"
#include "codec/crypto.h"

struct tree;
struct client;

#define TOMBSTONE_TEXT_SIZE 400 /* of reason, promise and by */

struct tombstone {
    uint64_t generation;        /* of the segment that went; 0: of none */
    struct wall oldest, newest; /* times of arrival of what went */
    uint64_t original;          /* bytes of its records */
    uint32_t days;        /* that had been promised; 0: for ever, it went for another reason */
    struct wall promised; /* the day until which its newest was promised */
    struct str reason;    /* "retention", "off-boarding", or what a person said */
    struct str promise;   /* which version of which document promised it */
    struct str by;        /* who: "schedule" or a person's account */
};

/* Writes and syncs the remains, then the signed record.  leaves: ascending by index, at least one,
 * all of them under a head already (else one is signed first).  On OK the leaves are gone for good,
 * whatever becomes of the file that held them; on an error they are as they were.  Calls of what
 * was written already (a crash before the unlink) answer ERR_EXISTS: unlink.
 *   ERR_DENIED  the scope may not remove for that client */
NODISCARD enum err tombstone_write(const struct scope *scope, struct archive *archive,
                                   struct client_id client, const struct tombstone *tombstone,
                                   const struct segment_leaf *leaves, size_t count, struct wall now,
                                   struct why *why);

/* One tombstone as its record tells it. */
struct tombstone_told {
    uint64_t epoch;
    struct wall wall;
    struct tombstone what;
    uint64_t first_index, last_index, leaves;
    uint64_t first, last, events; /* sequence numbers */
};
typedef enum err tombstone_call(void *context, const struct tombstone_told *told);
/* Of one client, the oldest first; whether the chain holds is verify's business. */
NODISCARD enum err tombstones_list(const struct scope *scope, struct disk *disk, const char *folder,
                                   struct client_id client, tombstone_call *call, void *context,
                                   struct why *why);

/* ---- What is gone, for whoever follows the tree. */

struct gone_run {
    uint64_t index, leaves; /* leaf indexes */
    uint64_t first, events; /* sequence numbers */
    uint64_t epoch;         /* of its tombstone */
    size_t hashes;          /* where its subtrees begin in gone.hashes */
};
struct gone {
    struct gone_run *runs; /* ascending by index, none over another */
    size_t count, capacity;
    struct sha256 *hashes;
    size_t hashes_count, hashes_capacity;
    uint64_t damaged; /* tombstones whose remains are missing or not what was signed */
};
/* All that tombstones of the client tell.  Fine without any. */
NODISCARD enum err gone_load(struct disk *disk, const char *folder, struct client_id client,
                             struct gone *ret, struct why *why);
void gone_done(struct gone *gone);
/* The run that holds this leaf; NULL: it is not gone. */
const struct gone_run *gone_find(const struct gone *gone, uint64_t index);
/* Goes over the run, which must begin where the tree ends. */
void gone_pass(const struct gone *gone, const struct gone_run *run, struct tree *tree);
