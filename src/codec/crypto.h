#pragma once

/* Hashes, seals and signatures: the door to libcrypto (OpenSSL 3). */

#include "base/arena.h"
#include "base/str.h"

#define SHA256_SIZE 32

struct sha256 {
    uint8_t bytes[SHA256_SIZE];
};

/* SHA-256 (FIPS 180-4) of parts laid end to end. */
struct sha256 sha256_of(const struct str *parts, size_t count);
struct sha256 sha256_of_bytes(struct str bytes);
bool sha256_equal(const struct sha256 *a, const struct sha256 *b); /* in constant time */

/* Lower-case hexadecimal, 2 * size characters and a NUL in `text`.  Returns text. */
const char *hex_print(const void *bytes, size_t size, char *text);
/* The whole of s; ERR_SYNTAX unless it is exactly `size` bytes in hexadecimal. */
NODISCARD enum err hex_parse(struct str s, void *to, size_t size);
