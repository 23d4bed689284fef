#pragma once

/*
 * Work that blocks, in a thread of its own, for the one process that may have threads (herald).
 *
 *     crew_new → crew_run … (work, in a thread) … done, on the loop → crew_free
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
