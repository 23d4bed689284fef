/*
 * The files beside the data, three for each client (docs/formats/heads.md):
 *
 *     <client>.key      the client's AES key; without it nothing of the client can be read
 *     <client>.sign     the epoch and the private keys of this epoch and the next; the same of
 * days, and where the last day head lies <client>.anchor   the first public key, from which the
 * chain of heads is followed
 *
 * Each is a magic, a version, the client, a body, and the SHA-256 of all that.  They are only ever
 * replaced whole, so that a crash leaves the old one or the new one.
 */

#include "archive/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "sys/random.h"

#define BODY_AT       16
#define BODY_SIZE_MAX SIGN_SIZE

#define SIGN_SIZE_1 (8 + 2 * ED25519_SIZE)
#define SIGN_SIZE   (2 * SIGN_SIZE_1 + 24 + SHA256_SIZE)

static enum err key_path(const char *keys, struct client_id client, const char *suffix, char *path,
                         size_t size)
{
    int printed = snprintf(path, size, "%s/%u.%s", keys, client.value, suffix);
    return printed < 0 || (size_t)printed >= size ? ERR_LIMIT : OK;
}

static enum err body_load(struct disk *disk, const char *keys, struct client_id client,
                          const char *suffix, const char *magic, uint32_t version, void *body,
                          size_t size, struct why *why)
{
    char path[PATH_SIZE];
    char *data = NULL;
    size_t got = 0;
    bool there = false;
    enum err err = key_path(keys, client, suffix, path, sizeof path);
    if (err == OK) {
        err = disk_exists(disk, path, &there);
    }
    if (err == OK && !there) {
        return why_say(why, ERR_NOT_FOUND, 0, "%s: not there", path);
    }
    if (err == OK) {
        err = disk_read_whole(disk, path, 4096, &data, &got, why);
    }
    if (err != OK) {
        return err == ERR_LIMIT ? ERR_CORRUPT : err;
    }
    struct sha256 hash = {0};
    bool sound = got == BODY_AT + size + SHA256_SIZE;
    if (sound) {
        hash = sha256_of_bytes(str_of(data, BODY_AT + size));
        sound = memcmp(data, magic, 8) == 0 && get_u32(data + 8) == version &&
                get_u32(data + 12) == client.value &&
                memcmp(hash.bytes, data + BODY_AT + size, SHA256_SIZE) == 0;
    }
    if (sound) {
        memcpy(body, data + BODY_AT, size);
    }
    secret_forget(data, got);
    free(data);
    return sound ? OK : why_say(why, ERR_CORRUPT, 0, "%s: not what was written", path);
}

static enum err body_store(struct disk *disk, const char *keys, struct client_id client,
                           const char *suffix, const char *magic, uint32_t version,
                           const void *body, size_t size)
{
    char path[PATH_SIZE];
    char data[BODY_AT + BODY_SIZE_MAX + SHA256_SIZE];
    enum err err = key_path(keys, client, suffix, path, sizeof path);
    if (err != OK) {
        return err;
    }
    memcpy(data, magic, 8);
    put_u32(data + 8, version);
    put_u32(data + 12, client.value);
    memcpy(data + BODY_AT, body, size);
    struct sha256 hash = sha256_of_bytes(str_of(data, BODY_AT + size));
    memcpy(data + BODY_AT + size, hash.bytes, SHA256_SIZE);
    err = disk_replace(disk, path, str_of(data, BODY_AT + size + SHA256_SIZE));
    secret_forget(data, sizeof data);
    return err;
}

enum err key_load(struct disk *disk, const char *keys, struct client_id client,
                  uint8_t ret[AES_KEY_SIZE], struct why *why)
{
    return body_load(disk, keys, client, "key", "HINOMIck", 1, ret, AES_KEY_SIZE, why);
}

enum err key_make(struct disk *disk, const char *keys, struct client_id client,
                  uint8_t ret[AES_KEY_SIZE])
{
    random_bytes(ret, AES_KEY_SIZE);
    return body_store(disk, keys, client, "key", "HINOMIck", 1, ret, AES_KEY_SIZE);
}

enum err signer_load(struct disk *disk, const char *keys, struct client_id client,
                     struct signer *ret, struct why *why)
{
    char body[SIGN_SIZE];
    struct signer signer = {.days = true};
    enum err err = body_load(disk, keys, client, "sign", "HINOMIss", 2, body, sizeof body, why);
    if (err == ERR_CORRUPT) {
        err = body_load(disk, keys, client, "sign", "HINOMIss", 1, body, SIGN_SIZE_1, why);
        signer.days = false;
    }
    if (err == OK) {
        signer.epoch = get_u64(body);
        memcpy(signer.current, body + 8, ED25519_SIZE);
        memcpy(signer.next, body + 8 + ED25519_SIZE, ED25519_SIZE);
    }
    if (err == OK && signer.days) {
        const char *at = body + SIGN_SIZE_1;
        signer.day = get_u64(at);
        memcpy(signer.day_current, at + 8, ED25519_SIZE);
        memcpy(signer.day_next, at + 8 + ED25519_SIZE, ED25519_SIZE);
        at += SIGN_SIZE_1;
        signer.day_at = get_u64(at);
        signer.day_epoch = get_u64(at + 8);
        signer.day_wall = (struct wall){(int64_t)get_u64(at + 16)};
        memcpy(signer.day_hash.bytes, at + 24, SHA256_SIZE);
    }
    if (err == OK) {
        *ret = signer;
    }
    secret_forget(&signer, sizeof signer);
    secret_forget(body, sizeof body);
    return err;
}

enum err signer_store(struct disk *disk, const char *keys, struct client_id client,
                      const struct signer *signer)
{
    char body[SIGN_SIZE];
    char *at = body + SIGN_SIZE_1;
    put_u64(body, signer->epoch);
    memcpy(body + 8, signer->current, ED25519_SIZE);
    memcpy(body + 8 + ED25519_SIZE, signer->next, ED25519_SIZE);
    put_u64(at, signer->day);
    memcpy(at + 8, signer->day_current, ED25519_SIZE);
    memcpy(at + 8 + ED25519_SIZE, signer->day_next, ED25519_SIZE);
    at += SIGN_SIZE_1;
    put_u64(at, signer->day_at);
    put_u64(at + 8, signer->day_epoch);
    put_u64(at + 16, (uint64_t)signer->day_wall.ns);
    memcpy(at + 24, signer->day_hash.bytes, SHA256_SIZE);
    enum err err = body_store(disk, keys, client, "sign", "HINOMIss", 2, body, sizeof body);
    secret_forget(body, sizeof body);
    return err;
}

enum err anchor_load(struct disk *disk, const char *keys, struct client_id client,
                     uint8_t ret[ED25519_SIZE], struct why *why)
{
    return body_load(disk, keys, client, "anchor", "HINOMIan", 1, ret, ED25519_SIZE, why);
}

enum err anchor_store(struct disk *disk, const char *keys, struct client_id client,
                      const uint8_t public_key[ED25519_SIZE])
{
    return body_store(disk, keys, client, "anchor", "HINOMIan", 1, public_key, ED25519_SIZE);
}
