/*
 * What a process that died may have left in the kernel's cache only: before SQLite reads it, it is
 * made sure that it is on disk (db.c, 4).
 *
 * Always true: the lock of ledger.db is held, so nobody else writes meanwhile.
 */

#include <stdlib.h>

#include "ledger/private.h"

#define WAL_SIZE_MAX  ((size_t)1 << 30)
#define PAGE_SIZE_MAX 65536

enum err wal_renew(struct disk *disk, const char *path)
{
    char *bytes;
    size_t size;
    enum err err = disk_read_whole(disk, path, WAL_SIZE_MAX, &bytes, &size, NULL);
    if (err != OK) {
        return err;
    }
    err = size > 0 ? disk_replace(disk, path, str_of(bytes, size)) : OK;
    free(bytes);
    return err;
}

enum err first_page_renew(struct disk *disk, const char *folder, struct file *file)
{
    char page[PAGE_SIZE_MAX];
    uint64_t size;
    size_t got;
    enum err err = file_lock(file);
    if (err == OK) {
        err = file_size(file, &size);
    }
    if (err != OK || size == 0 || size > sizeof page) {
        return err;
    }
    err = file_read(file, 0, page, (size_t)size, &got);
    if (err == OK) {
        err = file_write(file, 0, page, got);
    }
    if (err == OK) {
        err = file_sync(file);
    }
    return err == OK ? disk_sync_folder(disk, folder) : err;
}
