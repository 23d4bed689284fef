#pragma once

/*
 * Files, as far as we trust them with anything: every read, write and sync of the ledger and the
 * archive goes through a disk, so that a simulated one (sys/fake.h) can fail it at any point or
 * lose what was not synced.
 *
 *     disk_open → file_read, file_write, file_sync … → file_close
 *
 * Nothing is on disk before file_sync returned OK, and no name before disk_sync_folder did.  After
 * a failed file_sync the file must not be synced again and believed: what was written since the
 * last good sync is lost (open another file and write it there).
 */

#include "base/err.h"
#include "base/str.h"
#include "base/why.h"

struct disk;
struct file;

enum disk_open_mode {
    DISK_READ,         /* must exist; no open follows a link, but for the next */
    DISK_READ_LINKED,  /* the same through symbolic links: for what packages put there */
    DISK_WRITE,        /* read and write, must exist */
    DISK_WRITE_CREATE, /* read and write, made if missing (mode 0600) */
    DISK_WRITE_NEW,    /* read and write, ERR_EXISTS if it is there */
};

/* The real file system.  Shared, never freed. */
struct disk *disk_real(void);

NODISCARD enum err disk_open(struct disk *disk, const char *path, enum disk_open_mode mode,
                             struct file **ret, struct why *why);
/* A file that another process opened and handed over; the descriptor is ours from now on. */
NODISCARD enum err file_adopt(int descriptor, struct file **ret);
void file_close(struct file *file); /* NULL is fine. */

/* Up to `size` bytes from `offset`; *ret_size < size only at the end of the file. */
NODISCARD enum err file_read(struct file *file, uint64_t offset, void *to, size_t size,
                             size_t *ret_size);
/* All of the bytes, or an error; a part may then have been written. */
NODISCARD enum err file_write(struct file *file, uint64_t offset, const void *from, size_t size);
NODISCARD enum err file_size(struct file *file, uint64_t *ret);
NODISCARD enum err file_truncate(struct file *file, uint64_t size);
NODISCARD enum err file_sync(struct file *file);
/* The advisory lock of the whole file, held until it is closed; ERR_AGAIN if another has it. */
NODISCARD enum err file_lock(struct file *file);
/* Its descriptor, still the file's: to be shown to another process; -1 on a simulated disk. */
int file_descriptor(const struct file *file);
/* Lets go of the file but for its descriptor, which is the caller's from now on; -1 on a simulated
 * disk. */
int file_release(struct file *file);

/* Of the file system that a folder is on, in bytes. */
struct disk_space {
    uint64_t free; /* that can still be written */
    uint64_t size;
};
NODISCARD enum err disk_space(struct disk *disk, const char *path, struct disk_space *ret);
NODISCARD enum err disk_rename(struct disk *disk, const char *from, const char *to);
NODISCARD enum err disk_remove(struct disk *disk, const char *path);
NODISCARD enum err disk_make_folder(struct disk *disk, const char *path); /* 0700; fine if there */
NODISCARD enum err disk_sync_folder(struct disk *disk, const char *path);
NODISCARD enum err disk_exists(struct disk *disk, const char *path, bool *ret);
/* Calls `visit` with the name of each entry but . and .., in no order; stops at its first error. */
NODISCARD enum err disk_list(struct disk *disk, const char *path,
                             enum err (*visit)(void *context, const char *name), void *context);

/* A whole small file in memory that the caller frees; ERR_LIMIT over size_max. */
NODISCARD enum err disk_read_whole(struct disk *disk, const char *path, size_t size_max, char **ret,
                                   size_t *ret_size, struct why *why);
/* Replaces a file so that after a crash it is the old or the new one, and returns once it is on
 * disk: a temporary beside it, sync, rename, sync of the folder. */
NODISCARD enum err disk_replace(struct disk *disk, const char *path, struct str bytes);
