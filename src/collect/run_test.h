#pragma once

/* For this room's tests: the loop goes on for a while. */

#include "sys/loop.h"

/* In turns: a process that waited for the processor finds its time over before it has looked at
 * what came meanwhile.  `stop` is a timer that stops the loop. */
static inline void run_turns(struct loop *loop, struct timer *stop, unsigned ms)
{
    for (unsigned i = 0; i < 4; i++) {
        timer_set(stop, (ms + 3) / 4, 0);
        loop_run(loop);
    }
}

/* Until `holds`, for some ten seconds at most: what another thread does first may take as long as
 * others use the processor. */
#define RUN_UNTIL(loop, stop, holds)                                  \
    do {                                                              \
        for (unsigned turns = 0; turns < 2000 && !(holds); turns++) { \
            timer_set(stop, 5, 0);                                    \
            loop_run(loop);                                           \
        }                                                             \
    } while (0)
