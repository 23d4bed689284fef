#pragma once

/*
 * The archive: events become evidence.  Format: docs/formats/journal.md and heads.md.
 *
 * Writing (core):
 *     archive_open → archive_append … → archive_commit → … archive_sign … → archive_close
 * Reading (a worker, or a command on a folder that nobody serves):
 *     reader_new → reader_add … (or reader_open) → reader_search, reader_fetch → reader_close
 *
 * Nothing is stored before archive_commit returned OK, and nothing that it stored is ever lost,
 * merged or renumbered.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/why.h"
#include "event/batch.h"
#include "match/match.h"
#include "sys/disk.h"
#include "tenant/tenant.h"

struct archive;
struct sha256;

struct archive_options {
    struct disk *disk;
    const char *folder; /* DATA/archive; made if missing */
    const char *keys;   /* the clients' keys; made if missing */
    uint64_t journal_size_max;
    bool read_only; /* changes nothing, cuts nothing; append and sign fail with ERR_DENIED */
};

/* Opens and recovers: walks the journals, sets a torn tail aside and cuts it off, learns each
 * client's next sequence number, tree, and the idempotency keys of the last 24 hours.  Holds the
 * folder's lock: ERR_AGAIN if another process has it. */
NODISCARD enum err archive_open(const struct archive_options *options, struct wall now,
                                struct archive **ret, struct why *why);
/* Signs a last head for each client, if all is committed, and lets go. */
void archive_close(struct archive *archive, struct wall now);

/* Where a batch came from: the ring's own random name and its position there.  After a crash the
 * same batch may be offered again; archive_holds knows it. */
struct ring_place {
    uint64_t ring;
    uint64_t position; /* grows; 0 is before the first */
};
/* Whether the batch of exactly this position is stored, and where it begins; for the last thousands
 * of positions of the ring heard of last. */
bool archive_holds(const struct archive *archive, struct ring_place from, struct place *ret_first);

/* Adds a batch to the group that the next commit makes durable.  *ret_first: the place of its first
 * event.  The batch is copied.
 *   ERR_EXISTS    its idempotency key, part and digest are known: a resend, nothing is added;
 *                 *ret_first is the place it was stored at the first time
 *   ERR_CONFLICT  the key is known for another post: nothing is added
 *   ERR_AGAIN     the group is full, or holds this very post already: commit, then offer it again
 *   ERR_LIMIT     its records overlap so much that they are larger than a batch may be
 *   ERR_NOT_FOUND the client has events but its key is gone: no new key is made for it
 *   ERR_DENIED    the scope may not append for that client */
NODISCARD enum err archive_append(const struct scope *scope, struct archive *archive,
                                  const struct batch *batch, struct ring_place from,
                                  struct wall now, struct place *ret_first);
/* Writes and syncs the group.  On an error nothing of the group is stored, its sequence numbers
 * were never given, and the archive stays usable: ERR_FULL, ERR_IO (the journal is given up; the
 * next commit tries a new one). */
NODISCARD enum err archive_commit(struct archive *archive);

/* Notes in the client's archive that rules (or documents) of this hash judge from the next sequence
 * number on.  Part of the next commit. */
NODISCARD enum err archive_generation(const struct scope *scope, struct archive *archive,
                                      struct client_id client, struct str kind, struct str hash);

/* What detection remembers of a client after all events before `sequence` were judged, sealed under
 * the client's key and replaced whole; a crash leaves the old one or the new one.  ERR_LIMIT over
 * MEMORY_KEPT_MAX; ERR_NOT_FOUND if nothing of the client was ever stored. */
NODISCARD enum err archive_state_store(const struct scope *scope, struct archive *archive,
                                       struct client_id client, uint64_t sequence,
                                       struct str state);
/* Made in mem.  ERR_NOT_FOUND without one; ERR_CORRUPT if it is not what was written. */
NODISCARD enum err archive_state_load(const struct scope *scope, struct archive *archive,
                                      struct client_id client, struct arena *mem,
                                      uint64_t *ret_sequence, struct str *ret_state);

/* How many events of a source are stored, counted from what is on disk. */
uint64_t archive_stored(const struct archive *archive, struct source_id source);
/* The next sequence number that a client will be given. */
uint64_t archive_next_sequence(const struct archive *archive, struct client_id client);

/* Reads the committed batch that holds `sequence`, or the first one after it, into mem; for
 * detection that has to catch up.  Reading on from where the last read ended is cheap.
 *   ERR_NOT_FOUND there is none yet
 *   ERR_CORRUPT   the batch is damaged; *ret_first is where reading can go on */
NODISCARD enum err archive_read(const struct scope *scope, struct archive *archive,
                                struct client_id client, uint64_t sequence, struct arena *mem,
                                struct batch *ret, struct place *ret_first, struct why *why);

/* Signs heads for clients whose last one is older than `interval_ns`, at most `clients_max` of
 * them; *ret_more: some are still due.  Empty minutes are signed too. */
NODISCARD enum err archive_sign(struct archive *archive, struct wall now, int64_t interval_ns,
                                unsigned clients_max, bool *ret_more);

/* What a worker is to read: nothing before the sequence number, nothing whose own time and time of
 * arrival both lie outside [since, until). */
struct lend_span {
    uint64_t from;
    struct wall since, until;
};
/* Where lending is: zeros at first.  Journals come first, then segments in the order in which they
 * were made, so that what is sealed or packed anew between two calls is missed by none. */
struct lend_cursor {
    uint64_t journal, generation;
};
/* Lends the next journal or segment that may hold something of the span to a worker: a read-only
 * descriptor and, in `grant`, the keys of that client in that file.  ERR_NOT_FOUND at the end. */
NODISCARD enum err archive_lend(const struct scope *scope, struct archive *archive,
                                struct client_id client, const struct lend_span *span,
                                struct lend_cursor *cursor, int *ret_descriptor, struct buf *grant);

/* ---- Reading. */

struct reader;

NODISCARD enum err reader_new(struct reader **ret);
/* Takes the descriptor and a grant that archive_lend made; also if it cannot be added. */
NODISCARD enum err reader_add(struct reader *reader, int descriptor, struct str grant,
                              struct why *why);
/* All of one client's journals in a folder that nobody serves; none, and no key is asked for, if
 * nothing of the client was ever stored. */
NODISCARD enum err reader_open(const struct scope *scope, struct disk *disk, const char *folder,
                               const char *keys, struct client_id client, struct reader **ret,
                               struct why *why);
/* Asked before each frame: an error ends the search and is returned.  For whoever waits may be gone
 * long before anything is found. */
typedef enum err reader_pause(void *context);
void reader_heed(struct reader *reader, reader_pause *pause, void *context);
/* Told, before the events for which they hold, of the generations that archive_generation noted. */
typedef enum err reader_generation(void *context, struct str kind, struct str hash);
void reader_heed_generations(struct reader *reader, reader_generation *call, void *context);
/* From now on events may come as records and times alone, without what parsers found: for who looks
 * at nothing else, and asks no query. */
void reader_records_only(struct reader *reader, bool only);
void reader_close(struct reader *reader);

/* One event found; everything is borrowed for the call.  An error stops the search and is returned;
 * ERR_CLOSED: whoever asked is gone. */
typedef enum err reader_call(void *context, struct place place, const struct event *event);

/* Every event whose time lies in [from, to) and that fits, in the order of sequence.  query may be
 * NULL: everything fits.  Damaged frames are passed over; archive_verify names them. */
NODISCARD enum err reader_search(const struct scope *scope, struct reader *reader,
                                 struct client_id client, const struct query *query,
                                 struct wall from, struct wall to, reader_call *call, void *context,
                                 struct why *why);
/* The same by the time of arrival, whatever the events themselves say of their time; the frames
 * with the highest places come first, so that a search that is ended early knows the newest. */
NODISCARD enum err reader_search_arrival(const struct scope *scope, struct reader *reader,
                                         struct client_id client, const struct query *query,
                                         struct wall from, struct wall to, reader_call *call,
                                         void *context, struct why *why);
/* The events of the given sequence numbers (ascending).  Missing ones are passed over. */
NODISCARD enum err reader_fetch(const struct scope *scope, struct reader *reader,
                                struct client_id client, const uint64_t *sequences, size_t count,
                                reader_call *call, void *context, struct why *why);

/* ---- Verifying.  Needs the keys to look inside frames; without them it checks all that can be
 * checked from outside and says so. */

struct verify_report {
    uint64_t journals, frames, leaves, heads, events, clients;
    uint64_t damaged;         /* places found damaged */
    uint64_t unsigned_leaves; /* committed after the last head: sound, not yet under a signature */
    uint64_t unfinished;      /* bytes of a write that was cut short; nobody was told about it */
    uint64_t segments;
    uint64_t destroyed; /* clients of whom only frames in journals are left, with a certificate */
    bool keys_missing;
};
/* Called for each damaged place: the file, the offset, what is wrong and which events it costs. */
typedef void verify_call(void *context, const char *file, uint64_t offset, const char *what);
/* OK: sound.  ERR_CORRUPT: `call` named at least one place.  Others: it could not be read. */
NODISCARD enum err archive_verify(struct disk *disk, const char *folder, const char *keys,
                                  verify_call *call, void *context, struct verify_report *ret,
                                  struct why *why);

/* Holds the archive against heads that were kept elsewhere, as bytes, of any clients: each must be
 * one of the archive's.  Adds to what archive_verify reported; ERR_CORRUPT as there. */
NODISCARD enum err archive_heads_kept(struct disk *disk, const char *folder, struct str heads,
                                      verify_call *call, void *context,
                                      struct verify_report *report);

/* ---- Proof.  A delivery is what a client is given so that somebody else can check, without any
 * key, that these lines are under a signed head: docs/formats/heads.md, "Delivery".  Appends it as
 * JSON, with every leaf that holds one of the sequence numbers (ascending).  What it costs does not
 * grow with the archive; all heads, if they are asked for, do.  ERR_NOT_FOUND if a number is in no
 * leaf under a head; ERR_CORRUPT if a leaf that the proof needs is damaged. */
enum prove_heads {
    PROVE_ALL_HEADS, /* from the first to the last: who has the anchor needs nothing else */
    PROVE_LAST_HEAD, /* that one alone, for who has the client's heads */
};
NODISCARD enum err archive_prove(const struct scope *scope, struct disk *disk, const char *folder,
                                 const char *keys, struct client_id client,
                                 const uint64_t *sequences, size_t count, enum prove_heads heads,
                                 struct buf *out, struct why *why);

/* ---- Copies (docs/formats/backup.md). */

/* How far each journal is committed, "NUMBER END" a line: what is before never changes. */
NODISCARD enum err archive_ends(const struct archive *archive, struct buf *out);
/* The key that copies of a client's files are sealed under; it is derived from the client's own.
 * ERR_NOT_FOUND: that one is gone. */
NODISCARD enum err archive_copy_key(struct disk *disk, const char *keys, struct client_id client,
                                    struct sha256 *ret, struct why *why);
