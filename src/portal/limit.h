#pragma once

/*
 * How fast one address may ask: a bucket of tokens for each that asked lately.
 *
 *     limit_new → limit_take … → limit_free
 */

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

struct limit;

struct limit_rate {
    uint32_t second; /* tokens that come back */
    uint32_t burst;  /* that a bucket holds */
};

/* A table of at most `count` buckets; the seed is random and secret. */
NODISCARD enum err limit_new(size_t count, uint64_t seed, struct limit **ret);
void limit_free(struct limit *limit);
/* Takes a token of the bucket that `key` names; false: it is empty.  A key is always asked for with
 * the same rate. */
bool limit_take(struct limit *limit, struct str key, struct limit_rate rate, struct mono now);
