#pragma once

/* A seeded hash for tables; the door to libxxhash.  Not a seal: see codec/crypto.h for those.
 * Where the keys come from outside, the seed must be secret (sys/random.h). */

#include "base/str.h"

uint64_t hash_bytes(struct str bytes, uint64_t seed);
