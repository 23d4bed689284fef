#pragma once

/*
 * Bytes from outside: sockets in front.  Frames records, finds out whose they are, has them parsed
 * through a call (collect does not know parse/), and hands over batches.
 *
 *     collect_new → collect_listen … → collect_bind (each generation) → … → collect_free
 *
 * Nothing here opens anything: listening sockets come from parent.  HTTP answers 2xx only after
 * collect_committed said that the post's last batch is on disk.
 *
 * Rejected records are told through the reject call, except those of a post in conflict: they have
 * positions, and whoever refused them keeps that account.
 */

#include <stdatomic.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/why.h"
#include "event/builder.h"
#include "sys/loop.h"
#include "sys/tls_stream.h"
#include "tenant/tenant.h"

struct collect;

/* Why records were not stored. */
enum reject_reason {
    REJECT_TOO_LONG,     /* a record over RECORD_SIZE_MAX */
    REJECT_FRAMING,      /* an octet count that lies */
    REJECT_KERNEL_DROP,  /* datagrams that the socket's buffer could not hold (SO_RXQ_OVFL), or
                             that a front which died had read */
    REJECT_CONFLICT,     /* an Idempotency-Key that was used for another post */
    REJECT_UNAUTHORISED, /* posts without a known token */
    REJECT_REFUSED,      /* what the archive will never take: a client whose key is destroyed */
    REJECT_MALFORMED,    /* no record in the protocol that it came by */
    REJECT_QUOTA,        /* more than was agreed with the client, and nobody to be told to wait */
    REJECT_REASON_COUNT,
    /* No rejection: kept already under the same _id.  The books call it deduplicated. */
    REJECT_KNOWN = REJECT_REASON_COUNT
};
const char *reject_reason_text(enum reject_reason reason);

/* What collect needs from the process around it. */
struct collect_calls {
    void *context;
    /* Fields of the record begun in the builder (parse/parse.h, bound in serve/). */
    void (*parse)(void *context, const struct binding *binding, struct str sender,
                  struct wall received, struct builder *builder);
    /* A finished batch of `events` events.  *ret_position: what collect_committed will name.
     * ERR_AGAIN: no room; nothing was taken; collect holds its sockets and offers it again. */
    enum err (*batch)(void *context, struct str bytes, struct client_id client,
                      struct source_id source, uint32_t events, uint64_t *ret_position);
    /* Records that will not be stored.  ERR_AGAIN as above. */
    enum err (*reject)(void *context, struct client_id client, struct source_id source,
                       enum reject_reason reason, uint64_t count);
    /* A sender of this client had to wait, for its quota.  NULL: nobody wants to know. */
    void (*throttled)(void *context, struct client_id client, struct source_id source,
                      uint64_t count);
    /* One line for the operator; collect limits how often.  NULL: nobody wants to know. */
    void (*say)(void *context, const char *line);
    /* How many drops of the `listener`-th socket are accounted for, in the kernel's count, and that
     * now so many are.  NULL: from 0, remembered by nobody. */
    uint32_t (*drops)(void *context, size_t listener);
    void (*drops_told)(void *context, size_t listener, uint32_t drops);
    /* Where it is kept how many datagrams of the `listener`-th socket were read and are in no
     * batch yet, so that somebody else can count them if we end in the midst of it.  NULL: nowhere.
     */
    _Atomic uint32_t *(*waiting)(void *context, size_t listener);
    /* How far files were read; collect_positions_kept names the number when that is on disk.  NULL
     * where no files are followed. */
    enum err (*positions)(void *context, uint64_t number, struct str positions);
    /* When records arrive.  NULL: the system's clock. */
    struct wall (*now)(void *context);
};

NODISCARD enum err collect_new(struct loop *loop, const struct collect_calls *calls,
                               struct collect **ret);
/* Stops listening, offers what is held once more (collect_flush says whether it is taken), frees.
 */
void collect_free(struct collect *collect);

enum collect_kind {
    COLLECT_SYSLOG_UDP,
    COLLECT_SYSLOG_TCP,
    COLLECT_HTTP,
    COLLECT_SYSLOG_TLS,
    COLLECT_RELP,
    COLLECT_LUMBERJACK,
    COLLECT_FILES
};
/* A listening (or bound) socket; it is collect's from now on.  Nothing is read before the first
 * collect_bind. */
NODISCARD enum err collect_listen(struct collect *collect, struct str name, enum collect_kind kind,
                                  int descriptor, struct why *why);
/* The same behind TLS; papers NULL: without. */
NODISCARD enum err collect_listen_tls(struct collect *collect, struct str name,
                                      enum collect_kind kind, int descriptor,
                                      const struct tls_papers *papers, struct why *why);
/* What such a listener shows and what it asks of its peers from now on; connections that stand go
 * on. */
NODISCARD enum err collect_secure(struct collect *collect, struct str name,
                                  const struct tls_papers *papers, struct why *why);
/* Makes the thread that empties UDP sockets, where there are any.  A process that will be confined
 * calls it before that; elsewhere the first collect_bind does. */
NODISCARD enum err collect_drain(struct collect *collect);
/* A new generation of bindings (bytes by tenant_bindings; copied). */
NODISCARD enum err collect_bind(struct collect *collect, struct str bindings, struct why *why);

/* How a batch ended, by the position that the batch call gave. */
enum commit_result { COMMIT_STORED, COMMIT_DUPLICATE, COMMIT_CONFLICT, COMMIT_REFUSED };
/* Every batch at or before `position` has ended; `exceptions` holds those that were not
 * COMMIT_STORED. Answers the posts that waited for them. */
struct commit_exception {
    uint64_t position;
    enum commit_result result;
};
void collect_committed(struct collect *collect, uint64_t position,
                       const struct commit_exception *exceptions, size_t count);
/* There is room again after an ERR_AGAIN. */
void collect_resume(struct collect *collect);
/* Before an orderly end: reads datagrams a last time and hands over every open batch now.
 * ERR_AGAIN: not all of it yet. */
NODISCARD enum err collect_flush(struct collect *collect);

/* ---- Files that are followed; others open them (tail.c). */

struct followed {
    uint64_t id;         /* whoever opened it knows it by this */
    uint64_t epoch;      /* of its content: another one after it was cut off and written anew */
    uint64_t print;      /* a hash of its first bytes */
    uint32_t print_size; /* how many; 0: not known yet */
    bool done;           /* told by us: it is gone, and read to its end */
    uint64_t offset;     /* what is before it is on disk */
    uint64_t cut;    /* beyond offset: up to here goes the batch that was handed over or will be */
    struct str path; /* whose it is; also in records' sender */
};
/* The descriptor is collect's from now on, also on an error. */
NODISCARD enum err collect_follow(struct collect *collect, struct str listener,
                                  const struct followed *file, int descriptor);
/* It stands at none of the paths any more, or again. */
void collect_followed_gone(struct collect *collect, uint64_t id, bool gone);
void collect_positions_kept(struct collect *collect, uint64_t number);

/* What the positions call is given, read by whoever keeps it.  false: it is none. */
#define POSITION_SIZE 56
bool position_decode(struct str positions, size_t index, struct followed *ret);
