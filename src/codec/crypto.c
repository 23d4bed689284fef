/* libcrypto behind our own names.  Its failures are failures of memory or of the machine, not of
 * input; where a caller could do nothing about one, the process stops. */

#include "codec/crypto.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "codec/hex.h"
#include "codec/openssl.h"

/* The context itself, under a name that says no more than that. */
struct sha256_run {
    EVP_MD_CTX *context;
};

/* Fetched once: in OpenSSL 3 a lookup by EVP_sha256() at each call costs as much as a short hash.
 */
static const EVP_MD *sha256_method(void)
{
    static EVP_MD *method;
    if (method == NULL) {
        method = EVP_MD_fetch(NULL, "SHA256", NULL);
        if (method == NULL) {
            abort();
        }
    }
    return method;
}

static const EVP_CIPHER *gcm_method(void)
{
    static EVP_CIPHER *method;
    if (method == NULL) {
        method = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
        if (method == NULL) {
            abort();
        }
    }
    return method;
}

struct sha256 sha256_of(const struct str *parts, size_t count)
{
    struct sha256_run *run = sha256_begin();
    for (size_t i = 0; i < count; i++) {
        sha256_add(run, parts[i]);
    }
    return sha256_end(run);
}

struct sha256_run *sha256_begin(void)
{
    struct sha256_run *run = malloc(sizeof *run);
    if (run == NULL || (run->context = EVP_MD_CTX_new()) == NULL ||
        EVP_DigestInit_ex(run->context, sha256_method(), NULL) != 1) {
        abort();
    }
    return run;
}

void sha256_add(struct sha256_run *run, struct str bytes)
{
    if (EVP_DigestUpdate(run->context, bytes.data, bytes.size) != 1) {
        abort();
    }
}

struct sha256 sha256_end(struct sha256_run *run)
{
    struct sha256 hash;
    if (EVP_DigestFinal_ex(run->context, hash.bytes, NULL) != 1) {
        abort();
    }
    EVP_MD_CTX_free(run->context);
    free(run);
    return hash;
}

/* Written out over SHA-256, whose contexts are cheaper than those of EVP_MAC. */
struct sha256 hmac_sha256_of(const uint8_t key[SHA256_SIZE], const struct str *parts, size_t count)
{
    uint8_t inner[64];
    uint8_t outer[64];
    for (size_t i = 0; i < sizeof inner; i++) {
        uint8_t byte = i < SHA256_SIZE ? key[i] : 0;
        inner[i] = byte ^ 0x36;
        outer[i] = byte ^ 0x5c;
    }
    struct sha256_run *run = sha256_begin();
    sha256_add(run, str_of(inner, sizeof inner));
    for (size_t i = 0; i < count; i++) {
        sha256_add(run, parts[i]);
    }
    struct sha256 hash = sha256_end(run);
    const struct str around[] = {str_of(outer, sizeof outer), str_of(hash.bytes, SHA256_SIZE)};
    hash = sha256_of(around, 2);
    secret_forget(inner, sizeof inner);
    secret_forget(outer, sizeof outer);
    return hash;
}

void hmac_sha1_of(struct str key, struct str bytes, uint8_t ret[SHA1_SIZE])
{
    unsigned size = SHA1_SIZE;
    assert(key.size <= INT_MAX);
    if (HMAC(EVP_sha1(), key.data, (int)key.size, (const unsigned char *)bytes.data, bytes.size,
             ret, &size) == NULL) {
        abort();
    }
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

void aes_seal(const uint8_t key[AES_KEY_SIZE], const uint8_t nonce[AES_NONCE_SIZE],
              struct str beside, struct str plain, void *to)
{
    uint8_t *out = to;
    int size = 0;
    int more = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (context == NULL || plain.size > INT_MAX || beside.size > INT_MAX ||
        EVP_EncryptInit_ex(context, gcm_method(), NULL, key, nonce) != 1 ||
        EVP_EncryptUpdate(context, NULL, &size, (const uint8_t *)beside.data, (int)beside.size) !=
            1 ||
        EVP_EncryptUpdate(context, out, &size, (const uint8_t *)plain.data, (int)plain.size) != 1 ||
        EVP_EncryptFinal_ex(context, out + size, &more) != 1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, AES_TAG_SIZE, out + plain.size) != 1) {
        abort();
    }
    EVP_CIPHER_CTX_free(context);
}

enum err aes_open(const uint8_t key[AES_KEY_SIZE], const uint8_t nonce[AES_NONCE_SIZE],
                  struct str beside, struct str sealed, void *to)
{
    if (sealed.size < AES_TAG_SIZE || sealed.size > INT_MAX || beside.size > INT_MAX) {
        return ERR_CORRUPT;
    }
    uint8_t tag[AES_TAG_SIZE];
    int plain_size = (int)(sealed.size - AES_TAG_SIZE);
    memcpy(tag, sealed.data + plain_size, sizeof tag);
    int size = 0;
    int more = 0;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (context == NULL || EVP_DecryptInit_ex(context, gcm_method(), NULL, key, nonce) != 1 ||
        EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, AES_TAG_SIZE, tag) != 1 ||
        EVP_DecryptUpdate(context, NULL, &size, (const uint8_t *)beside.data, (int)beside.size) !=
            1 ||
        EVP_DecryptUpdate(context, to, &size, (const uint8_t *)sealed.data, plain_size) != 1) {
        abort();
    }
    bool sound = EVP_DecryptFinal_ex(context, (uint8_t *)to + size, &more) == 1;
    EVP_CIPHER_CTX_free(context);
    return sound ? OK : ERR_CORRUPT;
}

void ed25519_public(const uint8_t key[ED25519_SIZE], uint8_t ret_public[ED25519_SIZE])
{
    size_t size = ED25519_SIZE;
    EVP_PKEY *pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key, ED25519_SIZE);
    if (pair == NULL || EVP_PKEY_get_raw_public_key(pair, ret_public, &size) != 1) {
        abort();
    }
    EVP_PKEY_free(pair);
}

void ed25519_sign(const uint8_t key[ED25519_SIZE], struct str bytes,
                  uint8_t ret_signature[ED25519_SIGNATURE_SIZE])
{
    size_t size = ED25519_SIGNATURE_SIZE;
    EVP_PKEY *pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key, ED25519_SIZE);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (pair == NULL || context == NULL ||
        EVP_DigestSignInit(context, NULL, NULL, NULL, pair) != 1 ||
        EVP_DigestSign(context, ret_signature, &size, (const uint8_t *)bytes.data, bytes.size) !=
            1) {
        abort();
    }
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(pair);
}

/* The points of the curve whose order is 8 at most, and how else p and p + 1 write two of them:
 * under such a key a signature of zeros holds for one text in eight, or more.  OpenSSL takes them;
 * they are nobody's key. */
static bool key_is_small(const uint8_t public_key[ED25519_SIZE])
{
    static const uint8_t orders_of_8[2][ED25519_SIZE] = {
        {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4,
         0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
         0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
        {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b,
         0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
         0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a}};
    uint8_t key[ED25519_SIZE];
    uint8_t middle_or = 0;
    uint8_t middle_and = 0xff;
    memcpy(key, public_key, sizeof key);
    key[ED25519_SIZE - 1] &= 0x7f; /* the sign of x */
    for (size_t i = 1; i + 1 < ED25519_SIZE; i++) {
        middle_or |= key[i];
        middle_and &= key[i];
    }
    bool low = middle_or == 0 && key[ED25519_SIZE - 1] == 0 && key[0] <= 1;
    bool high = middle_and == 0xff && key[ED25519_SIZE - 1] == 0x7f && key[0] >= 0xec;
    return low || high || memcmp(key, orders_of_8[0], sizeof key) == 0 ||
           memcmp(key, orders_of_8[1], sizeof key) == 0;
}

bool ed25519_verify(const uint8_t public_key[ED25519_SIZE], struct str bytes,
                    const uint8_t signature[ED25519_SIGNATURE_SIZE])
{
    if (key_is_small(public_key)) {
        return false;
    }
    EVP_PKEY *pair = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public_key, ED25519_SIZE);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (pair == NULL || context == NULL) {
        abort();
    }
    bool sound = EVP_DigestVerifyInit(context, NULL, NULL, NULL, pair) == 1 &&
                 EVP_DigestVerify(context, signature, ED25519_SIGNATURE_SIZE,
                                  (const uint8_t *)bytes.data, bytes.size) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(pair);
    return sound;
}

void secret_forget(void *at, size_t size)
{
    OPENSSL_cleanse(at, size);
}
