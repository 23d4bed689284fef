#pragma once

/*
 * Threads, for herald and for commands (front has one of another kind: sys/drain.h).
 *
 * Work that blocks, in a thread of its own, beside a loop:
 *
 *     crew_new → crew_run … (work, in a thread) … done, on the loop → crew_free
 *
 * One work by many hands, without a loop:
 *
 *     gate_new → threads_run (gate_enter … gate_wait … gate_leave, in each) → gate_free
 */

#include <stdbool.h>

#include "base/err.h"
#include "sys/loop.h"

struct crew;

/* Made before the confinement.  At most `threads_max` works at once. */
NODISCARD enum err crew_new(struct loop *loop, unsigned threads_max, struct crew **ret);
/* After every work has ended; what still runs is waited for. */
void crew_free(struct crew *crew);
bool crew_is_full(const struct crew *crew);

/* Runs work(context) in a thread; when it has returned, done(context) is called on the loop.
 * ERR_AGAIN: the crew is full. */
typedef void crew_call(void *context);
NODISCARD enum err crew_run(struct crew *crew, crew_call *work, crew_call *done, void *context);

/* Runs work(context, index) in `count` threads at once, index from 0; the caller is the first of
 * them.  Returns when all have returned.  Fewer run if the system gives no more. */
typedef void threads_work(void *context, unsigned index);
void threads_run(unsigned count, threads_work *work, void *context);
/* The processors that this process may use, at least 1. */
unsigned threads_useful(void);

/* Only one thread at a time is within a gate; who waits lets others in until one of them wakes all
 * that wait. */
struct gate;
struct gate *gate_new(void); /* NULL when out of memory */
void gate_free(struct gate *gate);
void gate_enter(struct gate *gate);
void gate_leave(struct gate *gate);
void gate_wait(struct gate *gate);
void gate_wake(struct gate *gate);
