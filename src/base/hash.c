/* XXH3 behind our own name. */

#include "base/hash.h"

#include <xxhash.h>

uint64_t hash_bytes(struct str bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes.data, bytes.size, seed);
}
