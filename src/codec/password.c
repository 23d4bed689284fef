/*
 * Passwords by libsodium, which keeps the parameters and the salt in the hash's text.
 *
 * Always true: only hashes with our own parameters are tried, so that no text can ask for more
 * memory or time than ours do.
 */

#include "codec/password.h"

#include <sodium.h>
#include <string.h>

#define PASSES      3
#define MEMORY_SIZE ((size_t)64 * 1024 * 1024)
#define SALT_TEXT   22 /* 16 bytes in base64 without padding */
#define HASH_TEXT   43 /* 32 bytes */

_Static_assert(PASSWORD_HASH_SIZE == crypto_pwhash_STRBYTES, "a hash must fit its text");

enum err password_hash(struct str password, char ret[PASSWORD_HASH_SIZE])
{
    char text[PASSWORD_HASH_SIZE];
    if (sodium_init() < 0 ||
        crypto_pwhash_str_alg(text, password.data != NULL ? password.data : "", password.size,
                              PASSES, MEMORY_SIZE, crypto_pwhash_ALG_ARGON2ID13) != 0) {
        return ERR_MEMORY;
    }
    memcpy(ret, text, sizeof text);
    return OK;
}

bool password_matches(struct str password, struct str hash)
{
    char text[PASSWORD_HASH_SIZE] = {0};
    if (sodium_init() < 0 || !password_hash_valid(hash)) {
        return false;
    }
    memcpy(text, hash.data, hash.size);
    return crypto_pwhash_str_verify(text, password.data != NULL ? password.data : "",
                                    password.size) == 0;
}

bool password_hash_valid(struct str hash)
{
    size_t head = sizeof PASSWORD_HASH_HEAD - 1;
    if (hash.size != head + SALT_TEXT + 1 + HASH_TEXT ||
        !str_starts(hash, STR(PASSWORD_HASH_HEAD)) || hash.data[head + SALT_TEXT] != '$') {
        return false;
    }
    for (size_t i = head; i < hash.size; i++) {
        char c = hash.data[i];
        bool base64 = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '+' || c == '/' || i == head + SALT_TEXT;
        if (!base64) {
            return false;
        }
    }
    return true;
}

enum err password_key(struct str password, const uint8_t salt[PASSWORD_SALT_SIZE],
                      uint8_t ret[PASSWORD_KEY_SIZE])
{
    _Static_assert(PASSWORD_SALT_SIZE == crypto_pwhash_SALTBYTES, "libsodium's salt");
    return sodium_init() < 0 ||
                   crypto_pwhash(ret, PASSWORD_KEY_SIZE, password.data != NULL ? password.data : "",
                                 password.size, salt, PASSES, MEMORY_SIZE,
                                 crypto_pwhash_ALG_ARGON2ID13) != 0
               ? ERR_MEMORY
               : OK;
}
