/* The two clocks of the kernel. */

#include "sys/clocks.h"

#include <time.h>

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * NS_PER_SECOND + now.tv_nsec;
}

struct wall wall_now(void)
{
    return (struct wall){clock_ns(CLOCK_REALTIME)};
}

struct mono mono_now(void)
{
    return (struct mono){clock_ns(CLOCK_MONOTONIC)};
}

struct mono cpu_now(void)
{
    return (struct mono){clock_ns(CLOCK_THREAD_CPUTIME_ID)};
}
