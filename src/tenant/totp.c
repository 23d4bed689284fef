/*
 * One-time codes by time (RFC 6238 over RFC 4226): HMAC-SHA-1, six digits, steps of 30 seconds
 * since 1970, as every authenticator app makes them.
 *
 * RFC 6238, section 5.2, allows for a clock that is wrong: the step before and the step after count
 * too.  A code is good once: what is found comes after the last step that was used.
 *
 * Always true: all three steps are made and compared whatever the code is.
 */

#include "codec/crypto.h"
#include "tenant/private.h"

#define STEP_NS (30 * NS_PER_SECOND)
#define MODULUS 1000000

/* RFC 4226, section 5.3. */
uint32_t totp_code(struct str secret, uint64_t step)
{
    uint8_t counter[8];
    uint8_t hash[SHA1_SIZE];
    for (size_t i = 0; i < sizeof counter; i++) {
        counter[i] = (uint8_t)(step >> (56 - 8 * i));
    }
    hmac_sha1_of(secret, str_of(counter, sizeof counter), hash);
    const uint8_t *at = hash + (hash[SHA1_SIZE - 1] & 15);
    uint32_t whole = (uint32_t)(at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
                     (uint32_t)at[3];
    return whole % MODULUS;
}

bool totp_read(struct str text, uint32_t *ret)
{
    uint32_t code = 0;
    size_t digits = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == ' ') { /* Apps show "123 456". */
            continue;
        }
        if (c < '0' || c > '9' || digits++ == TOTP_DIGITS) {
            return false;
        }
        code = code * 10 + (uint32_t)(c - '0');
    }
    *ret = code;
    return digits == TOTP_DIGITS;
}

bool totp_find(struct str secret, uint32_t code, struct wall now, int64_t after, int64_t *ret_step)
{
    int64_t at = now.ns / STEP_NS;
    int64_t found = -1;
    for (int64_t step = at - 1; step <= at + 1; step++) {
        bool same = totp_code(secret, (uint64_t)step) == code;
        found = same && step > after ? step : found;
    }
    if (found >= 0) {
        *ret_step = found;
    }
    return found >= 0;
}

const char *base32_print(const uint8_t *bytes, size_t size, const char *digits, char *text)
{
    size_t at = 0;
    for (size_t bit = 0; bit < 8 * size; bit += 5) {
        uint32_t pair = (uint32_t)bytes[bit / 8] << 8;
        pair |= bit / 8 + 1 < size ? bytes[bit / 8 + 1] : 0;
        text[at++] = digits[(pair >> (11 - bit % 8)) & 31];
    }
    text[at] = '\0';
    return text;
}
