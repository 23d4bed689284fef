#pragma once

/* Child processes: the same program, executed anew, so that nothing of the parent's memory comes
 * along.  A child has the standard descriptors and one channel, at CHILD_CHANNEL. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/why.h"

#define CHILD_CHANNEL 3

/* Starts this program with the given arguments (NULL at the end; the first is the name shown).  The
 * child ends by SIGKILL when its parent does.  `channel` stays the caller's. */
NODISCARD enum err child_start(const char *const *arguments, int channel, pid_t *ret,
                               struct why *why);
/* One child that has ended, without waiting: false if there is none.  *ret_status as waitpid(2). */
bool child_ended(pid_t *ret, int *ret_status);
void child_kill(pid_t child, int signal);
/* "ended by signal 9", "ended with code 1" */
const char *child_status_text(int status, char *text, size_t size);
/* In the child: ends it if the parent died before the death signal was armed. */
void child_settle(void);
