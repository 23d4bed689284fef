#pragma once

/* A seeded hash for tables; the door to libxxhash.  Not a seal: see codec/crypto.h for those.
 * Where the keys come from outside, the seed must be secret (sys/random.h). */

#include "base/str.h"

uint64_t hash_bytes(struct str bytes, uint64_t seed);

/* 128 bits, a piece at a time: hash_begin → hash_add … → hash_end, which frees it.  NULL when out
 * of memory. */
struct hash_wide {
    uint64_t low, high;
};
struct hash_run;
struct hash_run *hash_begin(uint64_t seed);
void hash_add(struct hash_run *run, struct str bytes);
struct hash_wide hash_end(struct hash_run *run);
