/*
 * The end of a client's archive.
 *
 *     1. CLIENT.key, .sign, .anchor: overwritten with zeros, synced, removed; the folder synced
 *     2. segments/CLIENT/, states/, stamps/, remains/, heads/ of the client: removed, folders
 * synced
 *
 * Overwriting is for file systems that write in place; where they do not, the removed key may stay
 * in freed blocks until these are used again, as with any file.
 *
 * Always true: nothing is removed before the keys are; what is not there is as good as removed, so
 * a second run ends what a crash cut off.
 */

#include "archive/forget.h"

#include <stdio.h>
#include <string.h>

#include "archive/private.h"

struct sweep {
    struct disk *disk;
    const char *folder;
    uint64_t files;
};

static enum err file_drop(struct disk *disk, const char *path, uint64_t *count)
{
    enum err err = disk_remove(disk, path);
    *count += err == OK;
    return err == ERR_NOT_FOUND ? OK : err;
}

enum err archive_key_destroy(struct disk *disk, const char *path, uint64_t *count)
{
    static const char zeros[4096];
    struct file *file;
    uint64_t size = 0;
    enum err err = disk_open(disk, path, DISK_WRITE, &file, NULL);
    if (err != OK) {
        return err == ERR_NOT_FOUND ? OK : err;
    }
    err = file_size(file, &size);
    for (uint64_t at = 0; at < size && err == OK; at += sizeof zeros) {
        size_t part = size - at < sizeof zeros ? (size_t)(size - at) : sizeof zeros;
        err = file_write(file, at, zeros, part);
    }
    err = err == OK ? file_sync(file) : err;
    file_close(file);
    return err == OK ? file_drop(disk, path, count) : err;
}

static enum err keys_drop(struct disk *disk, const char *keys, struct client_id client,
                          uint64_t *count)
{
    static const char *const suffixes[] = {"key", "sign", "anchor"};
    enum err err = OK;
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes && err == OK; i++) {
        char path[PATH_SIZE];
        (void)snprintf(path, sizeof path, "%s/%u.%s", keys, client.value, suffixes[i]);
        err = archive_key_destroy(disk, path, count);
    }
    return err == OK ? disk_sync_folder(disk, keys) : err;
}

static enum err segment_visit(void *context, const char *name)
{
    struct sweep *sweep = context;
    char path[2 * PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s/%s", sweep->folder, name);
    return file_drop(sweep->disk, path, &sweep->files);
}

/* All of a folder of the client's own; it stays, empty. */
static enum err folder_sweep(struct disk *disk, const char *path, uint64_t *count)
{
    struct sweep sweep = {.disk = disk, .folder = path};
    bool there;
    enum err err = disk_exists(disk, path, &there);
    if (err != OK || !there) {
        return err;
    }
    err = disk_list(disk, path, segment_visit, &sweep);
    *count += sweep.files;
    return err == OK ? disk_sync_folder(disk, path) : err;
}

static enum err files_drop(struct disk *disk, const char *folder, struct client_id client,
                           uint64_t *count)
{
    static const char *const kinds[][2] = {
        {"states", "state"}, {"stamps", "stamps"}, {"remains", "remains"}, {"heads", "heads"}};
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s/segments/%u", folder, client.value);
    enum err err = folder_sweep(disk, path, count);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && err == OK; i++) {
        bool there;
        (void)snprintf(path, sizeof path, "%s/%s", folder, kinds[i][0]);
        err = disk_exists(disk, path, &there);
        if (err == OK && there) {
            char file[PATH_SIZE + 64];
            (void)snprintf(file, sizeof file, "%s/%u.%s", path, client.value, kinds[i][1]);
            err = file_drop(disk, file, count);
            err = err == OK ? disk_sync_folder(disk, path) : err;
        }
    }
    return err;
}

enum err archive_forget(struct disk *disk, const char *folder, const char *keys,
                        struct client_id client, struct archive_forgotten *ret, struct why *why)
{
    struct archive_forgotten forgotten = {0};
    uint8_t anchor[ED25519_SIZE];
    struct file *lock;
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s/lock", folder);
    enum err err = disk_open(disk, path, DISK_WRITE_CREATE, &lock, why);
    if (err != OK) {
        return err;
    }
    err = file_lock(lock);
    if (err == ERR_AGAIN) {
        err = why_say(why, err, 0, "%s: the service still runs; stop it first", folder);
    }
    if (err == OK && anchor_load(disk, keys, client, anchor, NULL) == OK) {
        (void)hex_print(anchor, sizeof anchor, forgotten.anchor);
    }
    err = err == OK ? keys_drop(disk, keys, client, &forgotten.keys) : err;
    err = err == OK ? files_drop(disk, folder, client, &forgotten.files) : err;
    file_close(lock);
    if (err == OK) {
        *ret = forgotten;
    }
    return err;
}
