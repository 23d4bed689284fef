/*
 * What a backup needs of the archive: how far its journals are true at this moment, and a key for
 * copies of a client's files.
 *
 * While a backup runs it holds DATA/archive/backup.lock; whoever removes files takes that lock
 * first.
 *
 * Always true: who destroys a client's key destroys the copies; the key of copies opens nothing in
 * the archive itself.
 */

#include "archive/private.h"

#include <stdio.h>

#include "base/bytes.h"

enum err archive_ends(const struct archive *archive, struct buf *out)
{
    enum err err = OK;
    for (size_t i = 0; err == OK && i < archive->journals.count; i++) {
        const struct journal_file *journal = &archive->journals.list[i];
        if (journal->end != UINT64_MAX) {
            err = buf_print(out, "%llu %llu\n", (unsigned long long)journal->number,
                            (unsigned long long)journal->end);
        }
    }
    return err;
}

enum err archive_may_remove(const struct archive *archive, struct file **ret)
{
    char path[PATH_SIZE + 16];
    struct file *lock;
    (void)snprintf(path, sizeof path, "%s/backup.lock", archive->folder);
    enum err err = disk_open(archive->disk, path, DISK_WRITE_CREATE, &lock, NULL);
    if (err != OK) {
        return err;
    }
    err = file_lock(lock);
    if (err == OK) {
        *ret = lock;
    } else {
        file_close(lock);
    }
    return err;
}

enum err archive_copy_key(struct disk *disk, const char *keys, struct client_id client,
                          struct sha256 *ret, struct why *why)
{
    uint8_t key[AES_KEY_SIZE];
    char id[4];
    enum err err = key_load(disk, keys, client, key, why);
    if (err == OK) {
        put_u32(id, client.value);
        const struct str parts[] = {STR("hinomi backup 1"), str_of(id, sizeof id)};
        *ret = hmac_sha256_of(key, parts, 2);
    }
    secret_forget(key, sizeof key);
    return err;
}
