#pragma once

/* What a simulated disk holds: files and names, as they are now, as they are surely on disk, and
 * the changes between.  Shared by fake.c and fake_state.c alone. */

#include "base/buf.h"
#include "sys/disk.h"

#define FAKE_FILE_SIZE_MAX ((size_t)1 << 30)

struct change {
    uint64_t offset; /* of a truncation: the new size */
    size_t size;
    char *bytes; /* NULL: a truncation */
};

struct inode {
    struct inode *next;
    struct buf now, durable;
    struct change *changes;
    size_t changes_count;
    const struct file *locked_by;
};

struct name {
    char *path;
    struct inode *inode; /* NULL: a folder */
};

struct names {
    struct name *list;
    size_t count;
};

/* `to` NULL: the name `path` now means `inode`, or with `gone` nothing.  Else a rename. */
struct name_change {
    char *path, *to;
    struct inode *inode;
    bool gone;
};

NODISCARD enum err bytes_resize(struct buf *bytes, uint64_t size);
NODISCARD enum err bytes_put(struct buf *bytes, uint64_t offset, const char *from, size_t size);
NODISCARD enum err bytes_copy(struct buf *to, const struct buf *from);

/* How many of the first `size` bytes of a sector got through. */
size_t random_part(uint64_t *state, size_t size);

NODISCARD enum err change_add(struct inode *inode, uint64_t offset, const char *bytes, size_t size);
void changes_forget(struct inode *inode);
/* The changes reach the disk as far as chance allows, and are forgotten. */
NODISCARD enum err inode_settle(struct inode *inode, uint64_t *random);

size_t names_find(const struct names *names, const char *path); /* SIZE_MAX: not there */
void names_remove(struct names *names, const char *path);
NODISCARD enum err names_put(struct names *names, const char *path, struct inode *inode);
void names_done(struct names *names);
NODISCARD enum err names_apply(struct names *names, const struct name_change *change);
void name_change_done(struct name_change *change);
/* The folder that a path stands in, in `to` of 4096 bytes. */
const char *folder_of(const char *path, char *to);
bool folder_there(const struct names *names, const char *path);
