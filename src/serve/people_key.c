/*
 * people.key, in the form of the clients' keys (docs/formats/heads.md): a magic, a version, zeros
 * where those have the client, the key, and the SHA-256 of all that.
 *
 *     OFFSET SIZE MEANING
 *          0    8 "HINOMIpk"
 *          8    4 version, 1
 *         12    4 zeros
 *         16   32 the key
 *         48   32 SHA-256 of what stands before
 *
 * Always true: it is written whole and once, and never replaced by another while it is there.
 */

#include "serve/people_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "codec/crypto.h"
#include "sys/random.h"

#define MAGIC     "HINOMIpk"
#define HEAD_SIZE 16
#define HASH_AT   (HEAD_SIZE + PEOPLE_KEY_SIZE)
#define FILE_SIZE (HASH_AT + SHA256_SIZE)

static enum err key_read(struct disk *disk, const char *path, uint8_t ret[PEOPLE_KEY_SIZE],
                         struct why *why)
{
    char *data;
    size_t size;
    enum err err = disk_read_whole(disk, path, 4096, &data, &size, why);
    if (err != OK) {
        return err;
    }
    bool sound = size == FILE_SIZE && memcmp(data, MAGIC, 8) == 0 && get_u32(data + 8) == 1;
    if (sound) {
        struct sha256 hash = sha256_of_bytes(str_of(data, HASH_AT));
        sound = memcmp(hash.bytes, data + HASH_AT, SHA256_SIZE) == 0;
    }
    if (sound) {
        memcpy(ret, data + HEAD_SIZE, PEOPLE_KEY_SIZE);
    }
    secret_forget(data, size);
    free(data);
    return sound ? OK
                 : why_say(why, ERR_CORRUPT, 0,
                           "%s: not what was written; put its copy back, or take it away: then no "
                           "second factor fits, and recovery codes still do",
                           path);
}

static enum err key_make(struct disk *disk, const char *path, uint8_t ret[PEOPLE_KEY_SIZE],
                         struct why *why)
{
    char data[FILE_SIZE] = MAGIC;
    put_u32(data + 8, 1);
    random_bytes(ret, PEOPLE_KEY_SIZE);
    memcpy(data + HEAD_SIZE, ret, PEOPLE_KEY_SIZE);
    struct sha256 hash = sha256_of_bytes(str_of(data, HASH_AT));
    memcpy(data + HASH_AT, hash.bytes, SHA256_SIZE);
    enum err err = disk_replace(disk, path, str_of(data, sizeof data));
    secret_forget(data, sizeof data);
    return err == OK ? OK : why_say(why, err, 0, "%s: %s", path, err_text(err));
}

enum err people_key_get(struct disk *disk, const char *keys, uint8_t ret[PEOPLE_KEY_SIZE],
                        struct why *why)
{
    char path[4400];
    bool there;
    (void)snprintf(path, sizeof path, "%s/people.key", keys);
    enum err err = disk_exists(disk, path, &there);
    if (err != OK) {
        return why_say(why, err, 0, "%s: %s", path, err_text(err));
    }
    return there ? key_read(disk, path, ret, why) : key_make(disk, path, ret, why);
}
