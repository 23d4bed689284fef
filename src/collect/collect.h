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

#include "base/arena.h"
#include "base/clock.h"
#include "base/why.h"
#include "event/builder.h"
#include "sys/loop.h"
#include "tenant/tenant.h"

struct collect;

/* Why records were not stored. */
enum reject_reason {
    REJECT_TOO_LONG,     /* a record over RECORD_SIZE_MAX */
    REJECT_FRAMING,      /* an octet count that lies */
    REJECT_KERNEL_DROP,  /* datagrams that the socket's buffer could not hold (SO_RXQ_OVFL) */
    REJECT_CONFLICT,     /* an Idempotency-Key that was used for another post */
    REJECT_UNAUTHORISED, /* posts without a known token */
    REJECT_REFUSED,      /* what the archive will never take: a client whose key is destroyed */
    REJECT_REASON_COUNT
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
    /* One line for the operator; collect limits how often.  NULL: nobody wants to know. */
    void (*say)(void *context, const char *line);
    /* How many drops of the `listener`-th socket are accounted for, in the kernel's count, and that
     * now so many are.  NULL: from 0, remembered by nobody. */
    uint32_t (*drops)(void *context, size_t listener);
    void (*drops_told)(void *context, size_t listener, uint32_t drops);
    /* When records arrive.  NULL: the system's clock. */
    struct wall (*now)(void *context);
};

NODISCARD enum err collect_new(struct loop *loop, const struct collect_calls *calls,
                               struct collect **ret);
/* Stops listening, offers what is held once more (collect_flush says whether it is taken), frees.
 */
void collect_free(struct collect *collect);

enum collect_kind { COLLECT_SYSLOG_UDP, COLLECT_SYSLOG_TCP, COLLECT_HTTP };
/* A listening (or bound) socket; it is collect's from now on.  Nothing is read before the first
 * collect_bind. */
NODISCARD enum err collect_listen(struct collect *collect, struct str name, enum collect_kind kind,
                                  int descriptor, struct why *why);
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
/* Hands over every open batch now (before an orderly end).  ERR_AGAIN: not all of it yet. */
NODISCARD enum err collect_flush(struct collect *collect);
