/*
 * The keys of a backup's sets, and the copy of the keys themselves.
 *
 * A client's set is sealed under a key derived from the client's own, the installation's under
 * KEYS/backup.key.  Neither is in a set.  Their copy is one file, for a place of its own, sealed
 * under a pass phrase:
 *
 *     OFFSET SIZE MEANING
 *          0    8 "HINOMIks"
 *          8    4 version, 1
 *         12    4 zeros
 *         16   16 salt
 *         32      AES-256-GCM under argon2id(pass phrase, salt), nonce 12 zeros, beside it the 32
 *                 bytes before, over, for each file: u32 size of its name, u32 size, name, bytes
 *
 * Always true: signing keys (CLIENT.sign) are not in it: they change each minute, and one of
 * yesterday belongs to the heads of yesterday, so it lies in the client's set, beside them.
 */

#include "serve/backup_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/archive.h"
#include "base/bytes.h"
#include "codec/password.h"
#include "serve/backup.h"
#include "sys/random.h"

#define KEY_FILE_SIZE  80
#define KEYS_SIZE_MAX  ((size_t)256 << 20)
#define KEY_SIZE_MAX   ((size_t)1 << 20) /* a certificate with its chain, too */
#define COPY_HEAD_SIZE 32
#define ENTRY_HEAD     8

static const uint8_t zeros[AES_NONCE_SIZE];

enum err backup_key(struct disk *disk, const char *keys, bool make, uint8_t ret[SHA256_SIZE],
                    struct why *why)
{
    char path[BACKUP_PATH_MAX];
    char data[KEY_FILE_SIZE] = "HINOMIbk";
    char *there = NULL;
    size_t size = 0;
    (void)snprintf(path, sizeof path, "%s/backup.key", keys);
    enum err err = disk_read_whole(disk, path, 4096, &there, &size, why);
    if (err == ERR_NOT_FOUND && make) {
        put_u32(data + 8, 1);
        random_bytes(ret, SHA256_SIZE);
        memcpy(data + 16, ret, SHA256_SIZE);
        struct sha256 hash = sha256_of_bytes(str_of(data, 48));
        memcpy(data + 48, hash.bytes, SHA256_SIZE);
        err = disk_replace(disk, path, str_of(data, sizeof data));
        secret_forget(data, sizeof data);
        return err == OK ? OK : why_say(why, err, 0, "%s: %s", path, err_text(err));
    }
    if (err != OK) {
        return err == ERR_NOT_FOUND ? why_say(why, err, 0, "%s is missing", path) : err;
    }
    bool sound = size == KEY_FILE_SIZE && memcmp(there, data, 8) == 0 && get_u32(there + 8) == 1;
    if (sound) {
        struct sha256 hash = sha256_of_bytes(str_of(there, 48));
        sound = memcmp(hash.bytes, there + 48, SHA256_SIZE) == 0;
        memcpy(ret, there + 16, SHA256_SIZE);
    }
    secret_forget(there, size);
    free(there);
    return sound ? OK : why_say(why, ERR_CORRUPT, 0, "%s: not what was written", path);
}

enum err set_key(struct disk *disk, const char *keys, uint32_t client, uint8_t ret[SHA256_SIZE],
                 struct why *why)
{
    struct sha256 key;
    if (client == 0) {
        return backup_key(disk, keys, false, ret, why);
    }
    enum err err = archive_copy_key(disk, keys, (struct client_id){client}, &key, why);
    if (err == OK) {
        memcpy(ret, key.bytes, SHA256_SIZE);
        secret_forget(&key, sizeof key);
    }
    return err;
}

/* ---- The copy of the keys. */

struct copying {
    struct disk *disk;
    const char *keys;
    const char *below; /* a folder in it; "" for itself */
    struct buf *out;
    struct backup_keys_report *report;
    struct why *why;
};

static enum err entry_put(const struct copying *copying, const char *name)
{
    char path[BACKUP_PATH_MAX];
    char head[ENTRY_HEAD];
    char *data = NULL;
    size_t size = 0;
    char full[BACKUP_FILE_NAME_MAX];
    int printed = snprintf(full, sizeof full, "%s%s%s", copying->below + (copying->below[0] == '/'),
                           copying->below[0] == '/' ? "/" : "", name);
    if (printed < 0 || (size_t)printed >= sizeof full || !list_path_valid(str_from(full))) {
        return OK; /* none of ours */
    }
    (void)snprintf(path, sizeof path, "%s/%s", copying->keys, full);
    enum err err = disk_read_whole(copying->disk, path, KEY_SIZE_MAX, &data, &size, copying->why);
    if (err != OK) {
        return err;
    }
    put_u32(head, (uint32_t)strlen(full));
    put_u32(head + 4, (uint32_t)size);
    err = buf_append(copying->out, str_of(head, sizeof head));
    err = err == OK ? buf_append(copying->out, str_from(full)) : err;
    err = err == OK ? buf_append(copying->out, str_of(data, size)) : err;
    secret_forget(data, size);
    free(data);
    copying->report->files += err == OK;
    return err;
}

static enum err key_visit(void *context, const char *name)
{
    struct str text = str_from(name);
    if (str_ends(text, STR(".sign")) || str_ends(text, STR(".new")) ||
        str_find_byte(text, '.') == STR_NONE) {
        return OK;
    }
    return entry_put(context, name);
}

static enum err keys_gather(struct copying *copying)
{
    static const char *const folders[] = {"", "/portal", "/ingest"};
    enum err err = OK;
    for (size_t i = 0; i < 3 && err == OK; i++) {
        char path[BACKUP_PATH_MAX];
        bool there = false;
        copying->below = folders[i];
        (void)snprintf(path, sizeof path, "%s%s", copying->keys, folders[i]);
        err = disk_exists(copying->disk, path, &there);
        err = err == OK && there ? disk_list(copying->disk, path, key_visit, copying) : err;
    }
    return err;
}

enum err backup_keys_save(struct disk *disk, const char *keys, const char *path,
                          struct str passphrase, struct backup_keys_report *ret, struct why *why)
{
    struct buf plain;
    char head[COPY_HEAD_SIZE] = "HINOMIks";
    uint8_t key[PASSWORD_KEY_SIZE];
    struct backup_keys_report report = {0};
    struct copying copying = {
        .disk = disk, .keys = keys, .out = &plain, .report = &report, .why = why};
    buf_init(&plain, KEYS_SIZE_MAX);
    put_u32(head + 8, 1);
    random_bytes(head + 16, PASSWORD_SALT_SIZE);
    enum err err = buf_append(&plain, str_of(head, sizeof head));
    err = err == OK ? keys_gather(&copying) : err;
    size_t size = plain.size - COPY_HEAD_SIZE;
    char *room;
    err = err == OK ? buf_extend(&plain, AES_TAG_SIZE, &room) : err;
    err = err == OK ? password_key(passphrase, (const uint8_t *)head + 16, key) : err;
    if (err == OK) {
        char *at = plain.data + COPY_HEAD_SIZE;
        aes_seal(key, zeros, str_of(head, sizeof head), str_of(at, size), at);
        err = disk_replace(disk, path, buf_str(&plain));
    }
    secret_forget(key, sizeof key);
    if (plain.data != NULL) {
        secret_forget(plain.data, plain.size);
    }
    buf_done(&plain);
    if (err == OK) {
        *ret = report;
    }
    if (err != OK && why->text[0] == '\0') {
        (void)why_say(why, err, 0, "%s: %s", path, err_text(err));
    }
    return err;
}

/* What is there already must be the same: no key is ever replaced by another. */
static enum err entry_restore(struct disk *disk, const char *keys, struct str name,
                              struct str bytes, struct why *why)
{
    char path[BACKUP_PATH_MAX];
    char *there = NULL;
    size_t size = 0;
    (void)snprintf(path, sizeof path, "%s/%.*s", keys, STR_ARG(name));
    char *slash = strrchr(path, '/');
    *slash = '\0';
    enum err err = disk_make_folder(disk, path);
    *slash = '/';
    err = err == OK ? disk_read_whole(disk, path, KEY_SIZE_MAX, &there, &size, NULL) : err;
    if (err == ERR_NOT_FOUND) {
        return disk_replace(disk, path, bytes);
    }
    if (err == OK && !str_equal(str_of(there, size), bytes)) {
        err = why_say(why, ERR_EXISTS, 0, "%s is there already, and another", path);
    }
    if (there != NULL) {
        secret_forget(there, size);
        free(there);
    }
    return err;
}

static enum err entries_restore(struct disk *disk, const char *keys, struct str rest,
                                struct backup_keys_report *report, struct why *why)
{
    enum err err = disk_make_folder(disk, keys);
    while (err == OK && rest.size > 0) {
        if (rest.size < ENTRY_HEAD) {
            return ERR_CORRUPT;
        }
        size_t name_size = get_u32(rest.data);
        size_t size = get_u32(rest.data + 4);
        rest = str_slice(rest, ENTRY_HEAD, rest.size);
        if (name_size > rest.size || size > rest.size - name_size) {
            return ERR_CORRUPT;
        }
        struct str name = str_slice(rest, 0, name_size);
        err = list_path_valid(name)
                  ? entry_restore(disk, keys, name, str_slice(rest, name_size, size), why)
                  : ERR_CORRUPT;
        rest = str_slice(rest, name_size + size, rest.size);
        report->files += err == OK;
    }
    return err;
}

enum err backup_keys_restore(struct disk *disk, const char *path, struct str passphrase,
                             const char *keys, struct backup_keys_report *ret, struct why *why)
{
    char *data = NULL;
    size_t size = 0;
    uint8_t key[PASSWORD_KEY_SIZE];
    struct backup_keys_report report = {0};
    enum err err = disk_read_whole(disk, path, KEYS_SIZE_MAX, &data, &size, why);
    if (err != OK) {
        return err;
    }
    struct str sealed = str_slice(str_of(data, size), COPY_HEAD_SIZE, size);
    if (size < COPY_HEAD_SIZE + AES_TAG_SIZE || memcmp(data, "HINOMIks", 8) != 0) {
        err = why_say(why, ERR_SYNTAX, 0, "%s is no copy of keys", path);
    } else if (get_u32(data + 8) != 1) {
        err = why_say(why, ERR_UNSUPPORTED, 0, "%s was written by a newer hinomi", path);
    }
    err = err == OK ? password_key(passphrase, (const uint8_t *)data + 16, key) : err;
    if (err == OK &&
        aes_open(key, zeros, str_of(data, COPY_HEAD_SIZE), sealed, data + COPY_HEAD_SIZE) != OK) {
        err = why_say(why, ERR_CORRUPT, 0, "%s: the pass phrase is another, or the file is damaged",
                      path);
    }
    if (err == OK) {
        err = entries_restore(disk, keys, str_of(data + COPY_HEAD_SIZE, sealed.size - AES_TAG_SIZE),
                              &report, why);
    }
    secret_forget(key, sizeof key);
    secret_forget(data, size);
    free(data);
    if (err == OK) {
        *ret = report;
    }
    return err;
}
