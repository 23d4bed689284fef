#pragma once

/*
 * Sealing in core: what the archive finds due goes to a worker, one at a time, and what comes back
 * is adopted or forgotten.
 *
 *     sealing_new → sealing_tick …, sealing_worker_came → sealing_free
 */

#include "serve/process.h"
#include "serve/spine.h"

struct sealing;

NODISCARD enum err sealing_new(struct process *process, struct spine *spine, struct sealing **ret);
void sealing_free(struct sealing *sealing); /* What is under way is given up. */
/* Once a second, while nothing is stopping. */
void sealing_tick(struct sealing *sealing, struct wall now);
/* True if the worker was wanted for this; channel < 0: there is none.  Takes the channel. */
bool sealing_worker_came(struct sealing *sealing, uint64_t worker, int channel);
