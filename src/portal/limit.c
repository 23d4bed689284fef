/*
 * Buckets in sets of eight: a key can only be in one set, so looking takes a fixed time.  A set
 * that is full gives the place of the bucket that was used longest ago.
 *
 * Always true: the table never grows, and which keys share a set cannot be foreseen from outside.
 * Whoever comes from many addresses can make others' buckets forgotten, which only fills them.
 */

#include "portal/limit.h"

#include <stdlib.h>

#include "base/hash.h"

#define WAYS 8

struct bucket {
    uint64_t key; /* a hash; 0: nobody's */
    int64_t at_ns;
    int64_t milli; /* thousandths of tokens */
};

struct limit {
    uint64_t seed;
    size_t sets;
    struct bucket buckets[];
};

enum err limit_new(size_t count, uint64_t seed, struct limit **ret)
{
    size_t sets = count / WAYS > 0 ? count / WAYS : 1;
    struct limit *limit = calloc(1, sizeof *limit + sets * WAYS * sizeof *limit->buckets);
    if (limit == NULL) {
        return ERR_MEMORY;
    }
    limit->seed = seed;
    limit->sets = sets;
    *ret = limit;
    return OK;
}

void limit_free(struct limit *limit)
{
    free(limit);
}

static struct bucket *bucket_of(struct limit *limit, uint64_t key, struct limit_rate rate,
                                struct mono now)
{
    struct bucket *set = &limit->buckets[key % limit->sets * WAYS];
    struct bucket *oldest = set;
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key == key) {
            return &set[i];
        }
        if (oldest->key != 0 && (set[i].key == 0 || set[i].at_ns < oldest->at_ns)) {
            oldest = &set[i];
        }
    }
    *oldest = (struct bucket){key, now.ns, (int64_t)rate.burst * 1000};
    return oldest;
}

bool limit_take(struct limit *limit, struct str key, struct limit_rate rate, struct mono now)
{
    uint64_t hash = hash_bytes(key, limit->seed);
    struct bucket *bucket = bucket_of(limit, hash != 0 ? hash : 1, rate, now);
    int64_t full = (int64_t)rate.burst * 1000;
    int64_t past_ms = (now.ns - bucket->at_ns) / NS_PER_MS;
    /* What passed of an unfinished millisecond is kept for the next time. */
    if (past_ms > 0) {
        int64_t need_ms = (full - bucket->milli) / (rate.second > 0 ? rate.second : 1) + 1;
        bucket->milli = past_ms >= need_ms ? full : bucket->milli + past_ms * rate.second;
        bucket->at_ns += past_ms * NS_PER_MS;
    }
    if (bucket->milli < 1000) {
        return false;
    }
    bucket->milli -= 1000;
    return true;
}
