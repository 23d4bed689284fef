#pragma once

/*
 * The event loop: the door to libuv.
 *
 *     loop_new → watch_new, timer_new, interrupt_new … → loop_run → … _free → loop_free
 *
 * Callbacks run one after another, in the thread that runs the loop; there is only one.  None of
 * libuv's helpers that start threads is used, so a loop works in a confined process; make the loop
 * and its first watches before the confinement.
 */

#include <stdint.h>

#include "base/err.h"

struct loop;
struct watch;
struct timer;
struct interrupt;

#define WATCH_READ  1u
#define WATCH_WRITE 2u
#define WATCH_GONE  4u /* the peer of a socket sends no more; what it sent may lie unread */

NODISCARD enum err loop_new(struct loop **ret);
void loop_free(struct loop *loop); /* After everything on it was freed. */
/* Runs until loop_stop. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* A descriptor and what is waited for.  `events` 0 pauses.  The descriptor stays the caller's and
 * must be open until watch_free. */
typedef void watch_call(void *context, int descriptor, unsigned events);
NODISCARD enum err watch_new(struct loop *loop, int descriptor, watch_call *call, void *context,
                             struct watch **ret);
void watch_set(struct watch *watch, unsigned events);
void watch_free(struct watch *watch); /* NULL is fine; also inside its own callback. */

/* Fires once after delay_ms, then each repeat_ms if that is not 0. */
typedef void timer_call(void *context);
NODISCARD enum err timer_new(struct loop *loop, timer_call *call, void *context,
                             struct timer **ret);
void timer_set(struct timer *timer, uint64_t delay_ms, uint64_t repeat_ms);
void timer_stop(struct timer *timer);
void timer_free(struct timer *timer);

/* A signal, delivered as a callback. */
typedef void interrupt_call(void *context, int number);
NODISCARD enum err interrupt_new(struct loop *loop, int number, interrupt_call *call, void *context,
                                 struct interrupt **ret);
void interrupt_free(struct interrupt *interrupt);
