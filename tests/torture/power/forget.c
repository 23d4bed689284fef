/*
 * A file system in memory that forgets what was not synced: for cutting the power of the real
 * program, with SQLite on top (R-A4).
 *
 *     forget SEED MOUNTPOINT -f -s -o …       SIGUSR1: the power is off, everything gives EIO
 *                                             SIGUSR2: it is on again, and things are forgotten
 *
 * What survives:
 *
 *     bytes   what fsync or fdatasync of the file covered; of the rest each sector of 512 bytes is
 *             kept, dropped or torn, and a file that grew has any of the lengths between
 *     names   changes are a log, as in a journalling file system: a sync of any folder makes all of
 *             it safe; else some first part of it survives, perhaps none
 *
 * So a rename is whole or did not happen, a new name may be gone although its bytes are there, and
 * bytes may be gone although a later name is there.
 *
 * Always true: one thread; a node is never freed, so that open files outlive their names.
 */

#define FUSE_USE_VERSION 31

#include <errno.h>
#include <fuse3/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define SECTOR      512
#define NAME        256
#define CURRENT     0
#define SAFE        1
#define SYNC_US_MAX 5000

struct node;

struct entry {
    char name[NAME];
    struct node *node;
};

struct node {
    struct stat stat;
    char *data[2];
    size_t size[2], capacity[2];
    size_t dirty_from, dirty_to;
    struct entry *entries[2];
    size_t entries_count[2], entries_capacity[2];
    struct node *next; /* of all */
};

/* A change of names: `node` under the new name, nothing under the old one.  Either may be missing.
 */
struct change {
    struct node *old_folder, *new_folder, *node;
    char old_name[NAME], new_name[NAME];
};

static struct node *all;
static struct node *root;
static struct change *changes;
static size_t changes_count, changes_capacity;
static uint64_t state;
static ino_t inodes = 1;
static volatile sig_atomic_t off, on_again;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t dice(uint64_t sides)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % sides;
}

static void signalled(int number)
{
    if (number == SIGUSR1) {
        off = 1;
    } else {
        on_again = 1;
    }
}

/* ---- Nodes and names. */

static struct node *node_new(mode_t mode)
{
    struct node *node = calloc(1, sizeof *node);
    const struct fuse_context *context = fuse_get_context();
    if (node == NULL) {
        fail("memory");
    }
    node->stat.st_mode = mode;
    node->stat.st_nlink = 1;
    node->stat.st_ino = ++inodes;
    node->stat.st_uid = context != NULL ? context->uid : 0;
    node->stat.st_gid = context != NULL ? context->gid : 0;
    node->next = all;
    all = node;
    return node;
}

static struct entry *entry_find(const struct node *folder, int which, const char *name)
{
    for (size_t i = 0; i < folder->entries_count[which]; i++) {
        if (strcmp(folder->entries[which][i].name, name) == 0) {
            return &folder->entries[which][i];
        }
    }
    return NULL;
}

static void entry_remove(struct node *folder, int which, const char *name)
{
    struct entry *entry = entry_find(folder, which, name);
    if (entry != NULL) {
        *entry = folder->entries[which][--folder->entries_count[which]];
    }
}

static void entry_put(struct node *folder, int which, const char *name, struct node *node)
{
    entry_remove(folder, which, name);
    if (folder->entries_count[which] == folder->entries_capacity[which]) {
        size_t capacity = folder->entries_capacity[which] * 2 + 16;
        folder->entries[which] = realloc(folder->entries[which], capacity * sizeof(struct entry));
        folder->entries_capacity[which] = capacity;
        if (folder->entries[which] == NULL) {
            fail("memory");
        }
    }
    struct entry *entry = &folder->entries[which][folder->entries_count[which]++];
    (void)snprintf(entry->name, sizeof entry->name, "%s", name);
    entry->node = node;
}

static void change_apply(const struct change *change, int which)
{
    if (change->old_folder != NULL) {
        entry_remove(change->old_folder, which, change->old_name);
    }
    if (change->new_folder != NULL) {
        entry_put(change->new_folder, which, change->new_name, change->node);
    }
}

static void change_make(const struct change *change)
{
    if (changes_count == changes_capacity) {
        changes_capacity = changes_capacity * 2 + 64;
        changes = realloc(changes, changes_capacity * sizeof *changes);
        if (changes == NULL) {
            fail("memory");
        }
    }
    changes[changes_count++] = *change;
    change_apply(change, CURRENT);
}

/* The first `count` changes of names are on disk. */
static void changes_sync(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        change_apply(&changes[i], SAFE);
    }
    changes_count = 0;
}

static struct node *node_at(const char *path)
{
    struct node *node = root;
    char name[NAME];
    while (*path != '\0' && node != NULL) {
        size_t size = strcspn(++path, "/");
        if (size >= sizeof name) {
            return NULL;
        }
        memcpy(name, path, size);
        name[size] = '\0';
        path += size;
        if (size > 0) {
            const struct entry *entry = entry_find(node, CURRENT, name);
            node = entry != NULL ? entry->node : NULL;
        }
    }
    return node;
}

/* The folder that a path is in, and its last name. */
static struct node *folder_of(const char *path, char name[NAME])
{
    char around[4096];
    const char *slash = strrchr(path, '/');
    if (strlen(slash + 1) >= NAME || (size_t)(slash - path) >= sizeof around) {
        return NULL;
    }
    (void)snprintf(name, NAME, "%s", slash + 1);
    memcpy(around, path, (size_t)(slash - path));
    around[slash - path] = '\0';
    return node_at(around);
}

/* ---- Bytes. */

static void size_set(struct node *node, int which, size_t size)
{
    if (size > node->capacity[which]) {
        size_t capacity = size * 2 + 4096;
        node->data[which] = realloc(node->data[which], capacity);
        if (node->data[which] == NULL) {
            fail("memory");
        }
        memset(node->data[which] + node->capacity[which], 0, capacity - node->capacity[which]);
        node->capacity[which] = capacity;
    }
    if (size < node->size[which]) {
        memset(node->data[which] + size, 0, node->size[which] - size);
    }
    node->size[which] = size;
}

static void dirty(struct node *node, size_t from, size_t to)
{
    if (node->dirty_to == 0) {
        node->dirty_from = from;
    }
    node->dirty_from = from < node->dirty_from ? from : node->dirty_from;
    node->dirty_to = to > node->dirty_to ? to : node->dirty_to;
}

static void bytes_sync(struct node *node)
{
    size_t size = node->size[CURRENT];
    size_t to = node->dirty_to < size ? node->dirty_to : size;
    size_set(node, SAFE, size);
    if (node->dirty_from < to) {
        memcpy(node->data[SAFE] + node->dirty_from, node->data[CURRENT] + node->dirty_from,
               to - node->dirty_from);
    }
    node->dirty_from = node->dirty_to = 0;
}

static void sector_settle(struct node *node, size_t from, size_t size)
{
    size_t rest = size - from < SECTOR ? size - from : SECTOR;
    size_t kept = dice(3) == 0 ? rest : dice(2) == 0 ? 0 : dice(rest + 1);
    size_t there = node->size[CURRENT] > from ? node->size[CURRENT] - from : 0;
    kept = kept < there ? kept : there;
    if (kept > 0) {
        memcpy(node->data[SAFE] + from, node->data[CURRENT] + from, kept);
    }
}

/* What was not synced is kept, dropped or torn; then that is what there is. */
static void bytes_settle(struct node *node)
{
    size_t was = node->size[SAFE];
    size_t is = node->size[CURRENT];
    size_t low = was < is ? was : is;
    size_t high = was < is ? is : was;
    if (node->dirty_to > 0 || was != is) {
        size_set(node, SAFE, dice(3) == 0 ? was : dice(2) == 0 ? is : low + dice(high - low + 1));
        for (size_t at = node->dirty_from / SECTOR * SECTOR;
             at < node->size[SAFE] && at < node->dirty_to; at += SECTOR) {
            sector_settle(node, at, node->size[SAFE]);
        }
    }
    size_set(node, CURRENT, 0);
    size_set(node, CURRENT, node->size[SAFE]);
    if (node->size[SAFE] > 0) {
        memcpy(node->data[CURRENT], node->data[SAFE], node->size[SAFE]);
    }
    node->dirty_from = node->dirty_to = 0;
}

static void power_on(void)
{
    size_t kept = dice(changes_count + 1);
    (void)fprintf(stderr, "forget: %zu of %zu changes of names survive\n", kept, changes_count);
    changes_sync(kept);
    for (struct node *node = all; node != NULL; node = node->next) {
        bytes_settle(node);
        node->entries_count[CURRENT] = 0;
        for (size_t i = 0; i < node->entries_count[SAFE]; i++) {
            entry_put(node, CURRENT, node->entries[SAFE][i].name, node->entries[SAFE][i].node);
        }
    }
}

/* Before each operation; true: the power is off. */
static int is_off(void)
{
    if (on_again) {
        power_on();
        on_again = off = 0;
    }
    return off;
}

/* ---- Operations. */

static struct node *node_of(const char *path, const struct fuse_file_info *file)
{
    return file != NULL && file->fh != 0 ? (struct node *)(uintptr_t)file->fh : node_at(path);
}

static int op_getattr(const char *path, struct stat *ret, struct fuse_file_info *file)
{
    const struct node *node = is_off() ? NULL : node_of(path, file);
    if (node == NULL) {
        return off ? -EIO : -ENOENT;
    }
    *ret = node->stat;
    ret->st_size = (off_t)node->size[CURRENT];
    ret->st_blocks = (blkcnt_t)((node->size[CURRENT] + SECTOR - 1) / SECTOR);
    return 0;
}

static int op_readdir(const char *path, void *to, fuse_fill_dir_t fill, off_t at,
                      struct fuse_file_info *file, enum fuse_readdir_flags flags)
{
    const struct node *node = is_off() ? NULL : node_at(path);
    (void)at;
    (void)file;
    (void)flags;
    if (node == NULL) {
        return off ? -EIO : -ENOENT;
    }
    (void)fill(to, ".", NULL, 0, 0);
    (void)fill(to, "..", NULL, 0, 0);
    for (size_t i = 0; i < node->entries_count[CURRENT]; i++) {
        (void)fill(to, node->entries[CURRENT][i].name, NULL, 0, 0);
    }
    return 0;
}

static int make(const char *path, mode_t mode, struct fuse_file_info *file)
{
    struct change change = {0};
    if (is_off()) {
        return -EIO;
    }
    change.new_folder = folder_of(path, change.new_name);
    if (change.new_folder == NULL) {
        return -ENOENT;
    }
    change.node = node_new(mode);
    change_make(&change);
    if (file != NULL) {
        file->fh = (uint64_t)(uintptr_t)change.node;
    }
    return 0;
}

static int op_mknod(const char *path, mode_t mode, dev_t device)
{
    (void)device;
    return make(path, mode, NULL);
}

static int op_mkdir(const char *path, mode_t mode)
{
    return make(path, mode | S_IFDIR, NULL);
}

static int op_create(const char *path, mode_t mode, struct fuse_file_info *file)
{
    return make(path, mode | S_IFREG, file);
}

static int op_open(const char *path, struct fuse_file_info *file)
{
    struct node *node = is_off() ? NULL : node_at(path);
    file->fh = (uint64_t)(uintptr_t)node;
    return node != NULL ? 0 : off ? -EIO : -ENOENT;
}

static int op_unlink(const char *path)
{
    struct change change = {0};
    if (is_off()) {
        return -EIO;
    }
    change.old_folder = folder_of(path, change.old_name);
    if (change.old_folder == NULL ||
        entry_find(change.old_folder, CURRENT, change.old_name) == NULL) {
        return -ENOENT;
    }
    change_make(&change);
    return 0;
}

static int op_rename(const char *from, const char *to, unsigned flags)
{
    struct change change = {0};
    const struct entry *entry;
    if (is_off()) {
        return -EIO;
    }
    change.old_folder = folder_of(from, change.old_name);
    change.new_folder = folder_of(to, change.new_name);
    change.node = node_at(from);
    if (change.node == NULL || change.old_folder == NULL || change.new_folder == NULL) {
        return -ENOENT;
    }
    entry = entry_find(change.new_folder, CURRENT, change.new_name);
    if (flags != 0) {
        return entry != NULL && flags == 1 ? -EEXIST : -EINVAL;
    }
    change_make(&change);
    return 0;
}

static int op_read(const char *path, char *to, size_t size, off_t at, struct fuse_file_info *file)
{
    const struct node *node = node_of(path, file);
    if (is_off()) {
        return -EIO;
    }
    size_t there = (size_t)at < node->size[CURRENT] ? node->size[CURRENT] - (size_t)at : 0;
    size = size < there ? size : there;
    if (size > 0) {
        memcpy(to, node->data[CURRENT] + at, size);
    }
    return (int)size;
}

static int op_write(const char *path, const char *from, size_t size, off_t at,
                    struct fuse_file_info *file)
{
    struct node *node = node_of(path, file);
    if (is_off()) {
        return -EIO;
    }
    if ((size_t)at + size > node->size[CURRENT]) {
        size_set(node, CURRENT, (size_t)at + size);
    }
    memcpy(node->data[CURRENT] + at, from, size);
    dirty(node, (size_t)at, (size_t)at + size);
    return (int)size;
}

static int op_truncate(const char *path, off_t size, struct fuse_file_info *file)
{
    struct node *node = is_off() ? NULL : node_of(path, file);
    if (node == NULL) {
        return off ? -EIO : -ENOENT;
    }
    size_t was = node->size[CURRENT];
    size_set(node, CURRENT, (size_t)size);
    dirty(node, was < (size_t)size ? was : (size_t)size, was > (size_t)size ? was : (size_t)size);
    return 0;
}

static int op_fsync(const char *path, int data_only, struct fuse_file_info *file)
{
    (void)data_only;
    (void)usleep(
        (useconds_t)dice(SYNC_US_MAX)); /* as a disk does; the power may go off meanwhile */
    if (is_off()) {
        return -EIO;
    }
    bytes_sync(node_of(path, file));
    return 0;
}

static int op_fsyncdir(const char *path, int data_only, struct fuse_file_info *file)
{
    (void)path;
    (void)data_only;
    (void)file;
    (void)usleep((useconds_t)dice(SYNC_US_MAX));
    if (is_off()) {
        return -EIO;
    }
    changes_sync(changes_count);
    return 0;
}

static int op_chmod(const char *path, mode_t mode, struct fuse_file_info *file)
{
    struct node *node = is_off() ? NULL : node_of(path, file);
    if (node == NULL) {
        return off ? -EIO : -ENOENT;
    }
    node->stat.st_mode = (node->stat.st_mode & S_IFMT) | (mode & ~(mode_t)S_IFMT);
    return 0;
}

static int op_chown(const char *path, uid_t user, gid_t group, struct fuse_file_info *file)
{
    struct node *node = is_off() ? NULL : node_of(path, file);
    if (node == NULL) {
        return off ? -EIO : -ENOENT;
    }
    node->stat.st_uid = user != (uid_t)-1 ? user : node->stat.st_uid;
    node->stat.st_gid = group != (gid_t)-1 ? group : node->stat.st_gid;
    return 0;
}

static int op_utimens(const char *path, const struct timespec times[2], struct fuse_file_info *file)
{
    (void)path;
    (void)times;
    (void)file;
    return is_off() ? -EIO : 0;
}

static int op_statfs(const char *path, struct statvfs *ret)
{
    (void)path;
    *ret = (struct statvfs){.f_bsize = 4096,
                            .f_frsize = 4096,
                            .f_blocks = 1 << 20,
                            .f_bfree = 1 << 20,
                            .f_bavail = 1 << 20,
                            .f_namemax = NAME - 1};
    return is_off() ? -EIO : 0;
}

/* Nothing may be remembered by the kernel but what we say. */
static void *op_init(struct fuse_conn_info *connection, struct fuse_config *config)
{
    (void)connection;
    config->direct_io = 1;
    config->hard_remove = 1;
    config->use_ino = 1;
    config->entry_timeout = config->attr_timeout = config->negative_timeout = 0;
    config->nullpath_ok = 0;
    return NULL;
}

int main(int argc, char **argv)
{
    static const struct fuse_operations operations = {
        .init = op_init,
        .getattr = op_getattr,
        .readdir = op_readdir,
        .mknod = op_mknod,
        .mkdir = op_mkdir,
        .create = op_create,
        .open = op_open,
        .unlink = op_unlink,
        .rmdir = op_unlink,
        .rename = op_rename,
        .read = op_read,
        .write = op_write,
        .truncate = op_truncate,
        .fsync = op_fsync,
        .fsyncdir = op_fsyncdir,
        .chmod = op_chmod,
        .chown = op_chown,
        .utimens = op_utimens,
        .statfs = op_statfs,
    };
    const struct sigaction action = {.sa_handler = signalled, .sa_flags = SA_RESTART};
    if (argc < 3) {
        (void)fprintf(stderr, "usage: forget SEED MOUNTPOINT ...\n");
        return 64;
    }
    state = strtoull(argv[1], NULL, 10) * 2 + 1;
    argv[1] = argv[0];
    (void)sigaction(SIGUSR1, &action, NULL);
    (void)sigaction(SIGUSR2, &action, NULL);
    root = node_new(S_IFDIR | 0755);
    return fuse_main(argc - 1, argv + 1, &operations, NULL);
}
