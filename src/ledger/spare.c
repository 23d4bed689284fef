/*
 * Room that the ledger keeps for the day on which somebody else fills the disk: a file of some
 * megabytes, given back when there is no room for anything else.  Without it the ledger could
 * not even be opened then, since its log is copied first (db.c), and nobody could look at anything.
 *
 * Always true: it holds nothing; it is made only where there is plenty of room.
 */

#include "ledger/ledger.h"

#include <stdio.h>
#include <stdlib.h>

#define SPARE_SIZE ((size_t)8 << 20) /* twice the log before SQLite brings it into the file */
#define PLENTY     4                 /* times that much has to be free */
#define PIECE_SIZE ((size_t)1 << 20)
#define PATH_SIZE  4096
#define PRIME_STEP 2654435761U /* no file system packs what this fills */

static enum err spare_path(const char *folder, char *path)
{
    int printed = snprintf(path, PATH_SIZE, "%s/spare", folder);
    return printed < 0 || printed >= PATH_SIZE ? ERR_LIMIT : OK;
}

static enum err spare_write(struct file *file)
{
    uint32_t *piece = malloc(PIECE_SIZE);
    uint32_t value = 1;
    enum err err = piece == NULL ? ERR_MEMORY : OK;
    for (size_t at = 0; at < SPARE_SIZE && err == OK; at += PIECE_SIZE) {
        for (size_t i = 0; i < PIECE_SIZE / sizeof *piece; i++) {
            value = value * 1664525U + PRIME_STEP;
            piece[i] = value;
        }
        err = file_write(file, at, piece, PIECE_SIZE);
    }
    free(piece);
    err = err == OK ? file_sync(file) : err;
    if (err != OK) {
        UNHEEDED(file_truncate(file, 0)); /* half of it would only take room */
    }
    return err;
}

enum err ledger_spare_keep(struct disk *disk, const char *folder)
{
    char path[PATH_SIZE];
    struct disk_space space;
    struct file *file;
    uint64_t size = 0;
    enum err err = spare_path(folder, path);
    err = err == OK ? disk_space(disk, folder, &space) : err;
    if (err != OK || space.free < PLENTY * SPARE_SIZE) {
        return err == OK ? ERR_FULL : err;
    }
    err = disk_open(disk, path, DISK_WRITE_CREATE, &file, NULL);
    if (err != OK) {
        return err;
    }
    err = file_size(file, &size);
    if (err == OK && size < SPARE_SIZE) {
        err = spare_write(file);
    }
    file_close(file);
    return err;
}

bool ledger_spare_give(struct disk *disk, const char *folder)
{
    char path[PATH_SIZE];
    struct file *file;
    uint64_t size = 0;
    if (spare_path(folder, path) != OK || disk_open(disk, path, DISK_WRITE, &file, NULL) != OK) {
        return false;
    }
    bool given = file_size(file, &size) == OK && size > 0 && file_truncate(file, 0) == OK;
    file_close(file);
    return given;
}
