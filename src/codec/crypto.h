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

/* The same, a piece at a time: sha256_begin → sha256_add … → sha256_end, which frees it.  Out of
 * memory ends the process. */
struct sha256_run;
struct sha256_run *sha256_begin(void);
void sha256_add(struct sha256_run *run, struct str bytes);
struct sha256 sha256_end(struct sha256_run *run);

/* HMAC-SHA-256 (RFC 2104) of parts laid end to end, under a key of 32 bytes. */
struct sha256 hmac_sha256_of(const uint8_t key[SHA256_SIZE], const struct str *parts, size_t count);

#define SHA1_SIZE 20

/* HMAC-SHA-1 (RFC 2104) under a key of any size: for one-time codes (RFC 4226), whose apps know
 * nothing else, and for nothing else. */
void hmac_sha1_of(struct str key, struct str bytes, uint8_t ret[SHA1_SIZE]);

#define AES_KEY_SIZE   32
#define AES_NONCE_SIZE 12
#define AES_TAG_SIZE   16

/* AES-256-GCM.  `beside` is not hidden but sealed too.  Writes plain.size + AES_TAG_SIZE bytes, the
 * tag last; `to` may be where plain lies.  A nonce must never be used twice under one key. */
void aes_seal(const uint8_t key[AES_KEY_SIZE], const uint8_t nonce[AES_NONCE_SIZE],
              struct str beside, struct str plain, void *to);
/* The way back: writes sealed.size - AES_TAG_SIZE bytes, also in place.  ERR_CORRUPT if anything
 * was changed; what `to` then holds means nothing. */
NODISCARD enum err aes_open(const uint8_t key[AES_KEY_SIZE], const uint8_t nonce[AES_NONCE_SIZE],
                            struct str beside, struct str sealed, void *to);

#define ED25519_SIZE           32 /* of a private key (its seed) and of a public one */
#define ED25519_SIGNATURE_SIZE 64

/* Ed25519 (RFC 8032).  A private key is any 32 random bytes. */
void ed25519_public(const uint8_t key[ED25519_SIZE], uint8_t ret_public[ED25519_SIZE]);
void ed25519_sign(const uint8_t key[ED25519_SIZE], struct str bytes,
                  uint8_t ret_signature[ED25519_SIGNATURE_SIZE]);
bool ed25519_verify(const uint8_t public_key[ED25519_SIZE], struct str bytes,
                    const uint8_t signature[ED25519_SIGNATURE_SIZE]);

/* Overwrites what was secret, so that no compiler leaves it out. */
void secret_forget(void *at, size_t size);
