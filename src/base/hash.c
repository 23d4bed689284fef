/* XXH3 behind our own name. */

#include "base/hash.h"

#include <assert.h>
#include <xxhash.h>

uint64_t hash_bytes(struct str bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes.data, bytes.size, seed);
}

/* The library's own state: struct hash_run is never defined. */
static XXH3_state_t *state_of(struct hash_run *run)
{
    return (XXH3_state_t *)(void *)run;
}

struct hash_run *hash_begin(uint64_t seed)
{
    XXH3_state_t *state = XXH3_createState();
    if (state != NULL) {
        XXH_errorcode code = XXH3_128bits_reset_withSeed(state, seed);
        assert(code == XXH_OK);
        (void)code;
    }
    return (struct hash_run *)(void *)state;
}

void hash_add(struct hash_run *run, struct str bytes)
{
    if (bytes.size > 0) {
        (void)XXH3_128bits_update(state_of(run), bytes.data, bytes.size); /* fails on NULL alone */
    }
}

struct hash_wide hash_end(struct hash_run *run)
{
    XXH128_hash_t hash = XXH3_128bits_digest(state_of(run));
    (void)XXH3_freeState(state_of(run));
    return (struct hash_wide){hash.low64, hash.high64};
}
