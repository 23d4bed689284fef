#pragma once

/*
 * Signed heads, copied to a second place (configuration: heads_copy) by a process of its own, so
 * that a data folder that is set back as a whole is found out: `hinomi verify DIR --heads FILE`.
 *
 * A folder <heads_copy> holds a file <client>.heads each, of the records of docs/formats/heads.md.
 */

#include <sys/types.h>

#include "base/err.h"
#include "base/why.h"

/* In parent: starts it.  It ends with us; whoever learns that it ended starts it again. */
NODISCARD enum err heads_copy_start(const char *data, const char *folder, uint64_t every_ms,
                                    pid_t *ret, struct why *why);
