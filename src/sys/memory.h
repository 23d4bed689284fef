#pragma once

/* Memory that processes share: a memfd, sealed against shrinking so that no peer can turn a read
 * of ours into a fault. */

#include "base/err.h"
#include "base/str.h"

/* A zeroed shared memory of `size` bytes; *ret is its descriptor. */
NODISCARD enum err memory_new(const char *name, size_t size, int *ret);
/* Read-only bytes for another process: copied, then sealed against any change.  ERR_AGAIN: as
 * memory_seal. */
NODISCARD enum err memory_of(const char *name, struct str bytes, int *ret);
/* Seals a memfd against any change, for ever.  ERR_AGAIN: something holds one of its pages, as a
 * pipe that it was spliced to does, or the kernel while it moves pages; it can be sealed later. */
NODISCARD enum err memory_seal(int descriptor);

/* Maps the whole of it; ERR_DENIED if it is not sealed as above, or not `size` bytes (0: any). */
NODISCARD enum err memory_map(int descriptor, size_t size, bool writable, void **ret,
                              size_t *ret_size);
/* The same for what nobody can change any more (memory_of), to be read. */
NODISCARD enum err memory_map_fixed(int descriptor, void **ret, size_t *ret_size);
void memory_unmap(void *at, size_t size);
