#pragma once

/* What the real and the simulated disk fill in.  Semantics: see sys/disk.h. */

#include "sys/disk.h"

struct file {
    const struct file_ops *ops;
};

struct file_ops {
    void (*close)(struct file *file);
    enum err (*read)(struct file *file, uint64_t offset, void *to, size_t size, size_t *ret_size);
    enum err (*write)(struct file *file, uint64_t offset, const void *from, size_t size);
    enum err (*size)(struct file *file, uint64_t *ret);
    enum err (*truncate)(struct file *file, uint64_t size);
    enum err (*sync)(struct file *file);
    enum err (*lock)(struct file *file);
};

struct disk {
    enum err (*open)(struct disk *disk, const char *path, enum disk_open_mode mode,
                     struct file **ret, struct why *why);
    enum err (*space)(struct disk *disk, const char *path, struct disk_space *ret);
    enum err (*rename)(struct disk *disk, const char *from, const char *to);
    enum err (*remove)(struct disk *disk, const char *path);
    enum err (*make_folder)(struct disk *disk, const char *path);
    enum err (*sync_folder)(struct disk *disk, const char *path);
    enum err (*exists)(struct disk *disk, const char *path, bool *ret);
    enum err (*list)(struct disk *disk, const char *path,
                     enum err (*visit)(void *context, const char *name), void *context);
};
