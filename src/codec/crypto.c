/* libcrypto behind our own names.  Its failures are failures of memory or of the machine, not of
 * input; where a caller could do nothing about one, the process stops. */

#include "codec/crypto.h"

#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

struct sha256 sha256_of(const struct str *parts, size_t count)
{
    struct sha256 hash;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context == NULL || EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1) {
        abort();
    }
    for (size_t i = 0; i < count; i++) {
        if (EVP_DigestUpdate(context, parts[i].data, parts[i].size) != 1) {
            abort();
        }
    }
    if (EVP_DigestFinal_ex(context, hash.bytes, NULL) != 1) {
        abort();
    }
    EVP_MD_CTX_free(context);
    return hash;
}

struct sha256 sha256_of_bytes(struct str bytes)
{
    return sha256_of(&bytes, 1);
}

bool sha256_equal(const struct sha256 *a, const struct sha256 *b)
{
    return CRYPTO_memcmp(a->bytes, b->bytes, SHA256_SIZE) == 0;
}

const char *hex_print(const void *bytes, size_t size, char *text)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[at[i] >> 4];
        text[2 * i + 1] = digits[at[i] & 15];
    }
    text[2 * size] = '\0';
    return text;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

enum err hex_parse(struct str s, void *to, size_t size)
{
    uint8_t *at = to;
    if (s.size != size * 2) {
        return ERR_SYNTAX;
    }
    for (size_t i = 0; i < s.size; i++) {
        if (hex_digit(s.data[i]) < 0) {
            return ERR_SYNTAX;
        }
    }
    for (size_t i = 0; i < size; i++) {
        at[i] = (uint8_t)(hex_digit(s.data[2 * i]) << 4 | hex_digit(s.data[2 * i + 1]));
    }
    return OK;
}
