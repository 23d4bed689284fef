/*
 * Buckets of tokens, one for each client that has a quota.
 *
 *     tokens:   -DEBT ──────────── 0 ──────────── BURST
 *                 wait until it is 0 │ may send
 *
 * What is read is charged after it was read, so a bucket can be in debt; whoever waits until the
 * debt is paid keeps to the quota in the mean.  The debt has a bottom, so that one large post does
 * not silence a client for an hour.
 *
 * Always true: a client's bucket is changed by nothing that another client does.  Levels are in
 * thousandths of an event.
 */

#include "collect/quota.h"

#include <stdlib.h>

#include "collect/private.h"

#define SAID_EVERY_MS 60000

struct bucket {
    int64_t level;
    struct mono filled;
    struct mono said; /* 0 ns: never */
};

static uint32_t rate_of(const struct binding *binding)
{
    return binding->quota == 0 && binding->unknown_senders ? QUOTA_UNKNOWN : binding->quota;
}

/* The bucket, filled up to now; NULL without a limit, or without memory for one. */
static struct bucket *bucket_get(struct collect *collect, const struct binding *binding,
                                 struct mono now)
{
    struct str key = str_of(&binding->client.value, sizeof binding->client.value);
    int64_t rate = rate_of(binding);
    int64_t burst = rate * QUOTA_BURST_SECONDS * 1000;
    uint64_t found;
    if (rate == 0) {
        return NULL;
    }
    if (!map_get(&collect->quotas, key, &found)) {
        struct bucket *made = calloc(1, sizeof *made);
        if (made == NULL || map_put(&collect->quotas, key, (uintptr_t)made) != OK) {
            free(made);
            return NULL;
        }
        *made = (struct bucket){.level = burst, .filled = now};
        return made;
    }
    struct bucket *bucket = (struct bucket *)(uintptr_t)found;
    int64_t ms = mono_ms_since(bucket->filled, now);
    int64_t ms_max = (QUOTA_BURST_SECONDS + QUOTA_DEBT_SECONDS) * 1000;
    bucket->level += (ms < ms_max ? ms : ms_max) * rate;
    bucket->level = bucket->level < burst ? bucket->level : burst;
    bucket->filled.ns += ms * 1000000; /* What is less than that is not lost. */
    return bucket;
}

uint64_t quota_wait_ms(struct collect *collect, const struct binding *binding, struct mono now)
{
    const struct bucket *bucket = bucket_get(collect, binding, now);
    if (bucket == NULL || bucket->level >= 0) {
        return 0;
    }
    int64_t rate = rate_of(binding);
    return (uint64_t)((-bucket->level + rate - 1) / rate);
}

void quota_charge(struct collect *collect, const struct binding *binding, uint64_t events,
                  struct mono now)
{
    struct bucket *bucket = bucket_get(collect, binding, now);
    if (bucket == NULL) {
        return;
    }
    int64_t bottom = -(int64_t)rate_of(binding) * QUOTA_DEBT_SECONDS * 1000;
    int64_t cost = events < INT32_MAX ? (int64_t)events * 1000 : (int64_t)INT32_MAX * 1000;
    bucket->level = bucket->level - cost > bottom ? bucket->level - cost : bottom;
}

uint64_t quota_left(struct collect *collect, const struct binding *binding, struct mono now)
{
    const struct bucket *bucket = bucket_get(collect, binding, now);
    return bucket == NULL ? UINT64_MAX : bucket->level > 0 ? (uint64_t)bucket->level / 1000 : 0;
}

bool quota_take(struct collect *collect, const struct binding *binding, struct mono now)
{
    struct bucket *bucket = bucket_get(collect, binding, now);
    if (bucket == NULL || bucket->level >= 1000) {
        if (bucket != NULL) {
            bucket->level -= 1000;
        }
        return true;
    }
    return false;
}

void quota_throttled(struct collect *collect, const struct binding *binding, struct mono now)
{
    struct bucket *bucket = bucket_get(collect, binding, now);
    if (collect->calls.throttled != NULL) {
        collect->calls.throttled(collect->calls.context, binding->client, binding->source, 1);
    }
    if (bucket != NULL &&
        (bucket->said.ns == 0 || mono_ms_since(bucket->said, now) > SAID_EVERY_MS)) {
        bucket->said = now;
        collect_say(collect, "client %u sends more than its %u events a second: it is slowed down",
                    (unsigned)binding->client.value, (unsigned)rate_of(binding));
    }
}

void quota_done(struct collect *collect)
{
    size_t cursor = 0;
    struct str key;
    uint64_t value;
    while (map_next(&collect->quotas, &cursor, &key, &value)) {
        free((void *)(uintptr_t)value);
    }
    map_done(&collect->quotas);
}
