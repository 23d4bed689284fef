#pragma once

/* Passwords as hashes that are slow to guess: argon2id (RFC 9106), 64 MiB and 3 passes.  Either
 * call takes some 100 ms and that memory on purpose, and keeps no state.  The door to libsodium. */

#include "base/err.h"
#include "base/str.h"

#define PASSWORD_HASH_SIZE 128 /* with a NUL */
#define PASSWORD_HASH_HEAD "$argon2id$v=19$m=65536,t=3,p=1$"

/* "$argon2id$v=19$m=65536,t=3,p=1$SALT$HASH"; ERR_MEMORY. */
NODISCARD enum err password_hash(struct str password, char ret[PASSWORD_HASH_SIZE]);
/* False also for a text that password_hash cannot have made, and when out of memory. */
bool password_matches(struct str password, struct str hash);
/* Whether that text has the form of a hash from password_hash.  Quick. */
bool password_hash_valid(struct str hash);

#define PASSWORD_SALT_SIZE 16
#define PASSWORD_KEY_SIZE  32
/* A key made of a password, with the same care; the same for the same salt. */
NODISCARD enum err password_key(struct str password, const uint8_t salt[PASSWORD_SALT_SIZE],
                                uint8_t ret[PASSWORD_KEY_SIZE]);
