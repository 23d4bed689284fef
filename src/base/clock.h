#pragma once

/* Two kinds of time, two types, so that one cannot be subtracted from the other.  Who needs the
 * time gets it as an argument; only serve/ and cmd/ ask sys/time.h. */

#include <stdint.h>

struct wall {
    int64_t ns; /* since 1970-01-01T00:00:00Z, leap seconds not counted */
};

struct mono {
    int64_t ns; /* since some moment; never steps back */
};

#define NS_PER_SECOND 1000000000LL
#define NS_PER_MS     1000000LL
#define WALL_NONE     ((struct wall){INT64_MIN}) /* "no time is known" */

static inline int wall_known(struct wall wall)
{
    return wall.ns != INT64_MIN;
}

static inline int64_t mono_ms_since(struct mono then, struct mono now)
{
    return (now.ns - then.ns) / NS_PER_MS;
}
