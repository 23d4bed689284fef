#pragma once

/*
 * What a command has worked out and would rather not work out again: files in a folder of the
 * user's own, $XDG_CACHE_HOME/hinomi or ~/.cache/hinomi.
 *
 * Whoever reads trusts what is there as the program's own.  So nothing is read from a folder or a
 * file that anybody else owns or may write, or through a link.
 */

#include "base/str.h"
#include "base/why.h"

/* The whole of a file, which the caller frees.  ERR_NOT_FOUND: there is none, or there is no place
 * for it; ERR_DENIED: it is not ours alone; ERR_LIMIT: it is larger than that. */
NODISCARD enum err cache_read(const char *name, size_t size_max, char **ret, size_t *ret_size);
/* Makes the folder if need be; the file is there whole or not at all.  Only so many are kept: the
 * oldest go. */
NODISCARD enum err cache_write(const char *name, struct str bytes);
