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

/* What that process does: heads_copy_new → heads_copy_look, again and again → heads_copy_free.
 * data: the folder of the configuration; ERR_LIMIT for a path that is too long. */
struct heads_copy;
NODISCARD enum err heads_copy_new(const char *data, const char *folder, struct heads_copy **ret);
/* Copies what is new, of each client at most 1 MiB; what hinders it is said on the standard error,
 * once, and tried again at the next look. */
void heads_copy_look(struct heads_copy *copy);
/* Of how many clients the heads are not those that were copied; they are copied no further. */
size_t heads_copy_wrong(const struct heads_copy *copy);
void heads_copy_free(struct heads_copy *copy);
