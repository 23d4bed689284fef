#pragma once

/*
 * What a client may send, in events a second: a bucket of tokens for each client, whichever way its
 * events come.
 *
 *     quota_wait_ms → (read) → quota_charge         whoever can be asked to wait
 *     quota_take                                    whoever cannot
 *
 * A client of which nothing was agreed has no limit; unknown senders have QUOTA_UNKNOWN.
 */

#include "base/clock.h"
#include "tenant/tenant.h"

struct collect;

/* For how long nothing more is to be read of this client; 0: it may send. */
uint64_t quota_wait_ms(struct collect *collect, const struct binding *binding, struct mono now);
/* So many events of it were read. */
void quota_charge(struct collect *collect, const struct binding *binding, uint64_t events,
                  struct mono now);
/* How many events may be read at once now; UINT64_MAX without a limit. */
uint64_t quota_left(struct collect *collect, const struct binding *binding, struct mono now);
/* One event of a sender that cannot be slowed down; false: over the quota, to be counted as
 * REJECT_QUOTA. */
bool quota_take(struct collect *collect, const struct binding *binding, struct mono now);
/* Somebody of the client was told to wait, or is not read from: it is told and counted. */
void quota_throttled(struct collect *collect, const struct binding *binding, struct mono now);
void quota_done(struct collect *collect);
