#include "codec/crypto.h"

#include <stdio.h>
#include <string.h>

#include "testing/testing.h"

/* FIPS 180-4's own example. */
TEST(sha_256_of_abc_is_what_the_standard_says)
{
    const struct str parts[] = {STR("a"), STR(""), STR("bc")};
    struct sha256 hash = sha256_of(parts, 3);
    char text[2 * SHA256_SIZE + 1];
    CHECK(strcmp(hex_print(hash.bytes, SHA256_SIZE, text),
                 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") == 0);
    struct sha256 back;
    CHECK(hex_parse(str_from(text), back.bytes, SHA256_SIZE) == OK);
    CHECK(sha256_equal(&hash, &back));
    CHECK(hex_parse(STR("zz"), back.bytes, 1) == ERR_SYNTAX);
    CHECK(hex_parse(STR("abc"), back.bytes, 1) == ERR_SYNTAX);
}

/* RFC 4231, test case 2, its key padded with zeros as HMAC itself would. */
TEST(hmac_is_what_rfc_4231_says)
{
    const uint8_t key[SHA256_SIZE] = {'J', 'e', 'f', 'e'};
    const struct str parts[] = {STR("what do ya want "), STR("for nothing?")};
    struct sha256 hash = hmac_sha256_of(key, parts, 2);
    char text[2 * SHA256_SIZE + 1];
    CHECK(strcmp(hex_print(hash.bytes, SHA256_SIZE, text),
                 "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843") == 0);
}

/* The key and tag of the GCM specification's test case 13: nothing sealed, all zeros. */
TEST(aes_gcm_is_what_its_specification_says_and_finds_every_flipped_bit)
{
    const uint8_t key[AES_KEY_SIZE] = {0};
    const uint8_t nonce[AES_NONCE_SIZE] = {0};
    char sealed[5 + AES_TAG_SIZE];
    char text[2 * AES_TAG_SIZE + 1];
    aes_seal(key, nonce, STR(""), STR(""), sealed);
    CHECK(strcmp(hex_print(sealed, AES_TAG_SIZE, text), "530f8afbc74536b9a963b4f1c4cb738b") == 0);

    aes_seal(key, nonce, STR("beside"), STR("hello"), sealed);
    char plain[5];
    CHECK(aes_open(key, nonce, STR("beside"), str_of(sealed, sizeof sealed), plain) == OK);
    CHECK(memcmp(plain, "hello", 5) == 0);
    CHECK(aes_open(key, nonce, STR("besides"), str_of(sealed, sizeof sealed), plain) ==
          ERR_CORRUPT);
    CHECK(aes_open(key, nonce, STR("beside"), str_of(sealed, 3), plain) == ERR_CORRUPT);
    for (size_t i = 0; i < 8 * sizeof sealed; i++) {
        sealed[i / 8] = (char)(sealed[i / 8] ^ (1 << (i % 8)));
        CHECK(aes_open(key, nonce, STR("beside"), str_of(sealed, sizeof sealed), plain) ==
              ERR_CORRUPT);
        sealed[i / 8] = (char)(sealed[i / 8] ^ (1 << (i % 8)));
    }
}

/* RFC 8032, 7.1, test 2. */
TEST(ed25519_is_what_rfc_8032_says)
{
    uint8_t key[ED25519_SIZE];
    uint8_t public_key[ED25519_SIZE];
    uint8_t signature[ED25519_SIGNATURE_SIZE];
    char text[2 * ED25519_SIGNATURE_SIZE + 1];
    CHECK(hex_parse(STR("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"), key,
                    sizeof key) == OK);
    ed25519_public(key, public_key);
    CHECK(strcmp(hex_print(public_key, sizeof public_key, text),
                 "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c") == 0);
    ed25519_sign(key, STR("r"), signature);
    CHECK(strcmp(hex_print(signature, sizeof signature, text),
                 "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                 "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00") == 0);
    CHECK(ed25519_verify(public_key, STR("r"), signature));
    CHECK(!ed25519_verify(public_key, STR("s"), signature));
    signature[40] ^= 1;
    CHECK(!ed25519_verify(public_key, STR("r"), signature));
}

/* RFC 2202, 3, tests 1, 2 and 6. */
TEST(hmac_sha1_is_what_rfc_2202_says)
{
    char key[80];
    uint8_t hash[SHA1_SIZE];
    char text[2 * SHA1_SIZE + 1];
    memset(key, 0x0b, sizeof key);
    hmac_sha1_of(str_of(key, 20), STR("Hi There"), hash);
    CHECK(strcmp(hex_print(hash, sizeof hash, text), "b617318655057264e28bc0b6fb378c8ef146be00") ==
          0);
    hmac_sha1_of(STR("Jefe"), STR("what do ya want for nothing?"), hash);
    CHECK(strcmp(hex_print(hash, sizeof hash, text), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79") ==
          0);
    memset(key, 0xaa, sizeof key);
    hmac_sha1_of(str_of(key, 80), STR("Test Using Larger Than Block-Size Key - Hash Key First"),
                 hash);
    CHECK(strcmp(hex_print(hash, sizeof hash, text), "aa4ae5e15272d00e95705637ce8a3b55ed402112") ==
          0);
}

/* A head of which the power left zeros behind its middle was taken for a signed one, one time in
 * four. */
TEST(a_key_of_small_order_signs_nothing)
{
    static const uint8_t starts[] = {0x00, 0x01, 0xec, 0xed, 0xee};
    const uint8_t signature[ED25519_SIGNATURE_SIZE] = {0};
    for (size_t i = 0; i < sizeof starts; i++) {
        uint8_t key[ED25519_SIZE];
        memset(key, starts[i] > 1 ? 0xff : 0, sizeof key);
        key[0] = starts[i];
        for (unsigned sign = 0; sign < 2; sign++) {
            key[ED25519_SIZE - 1] = (uint8_t)((starts[i] > 1 ? 0x7f : 0) | sign << 7);
            for (unsigned n = 0; n < 64; n++) {
                char text[8];
                int size = snprintf(text, sizeof text, "%u", n);
                CHECK(!ed25519_verify(key, str_of(text, (size_t)size), signature));
            }
        }
    }
}
