/*
 * The simulated disk.
 *
 * A file is what a reader sees now, what is surely on disk, and between the two the changes since
 * the last sync, in order.  Names likewise: those of now, those on disk, and the changes between.
 * When the power comes back, a seed decides for each change (each sector of each write) whether it
 * got through; what came out is then both "now" and "on disk".
 *
 * Always true:
 *
 *   (1) `durable` with all `changes` applied is `now`, unless a sync failed: then what it lost is
 *       in `now` only, as it would be in a kernel's cache.
 *   (2) a file object of an earlier `life` (before a power cut) does nothing but fail.
 *
 * Out of memory in here is an ordinary error of the operation.
 */

#include "sys/fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/fake_state.h"
#include "sys/private.h"

struct fake {
    struct disk disk;
    struct inode *inodes;
    struct names now, durable;
    struct name_change *changes;
    size_t changes_count;
    uint64_t counts[FAKE_OPERATION_COUNT];
    uint64_t changing; /* operations that change something, since the beginning */
    enum fake_operation fail_operation;
    uint64_t fail_at;
    bool fail_on, failed;
    enum err fail_err;
    uint64_t off_at; /* the value of `changing` at which the power goes; 0: never */
    bool off;
    uint64_t life;
    uint64_t size_max;
    uint64_t random;
};

struct fake_file {
    struct file file;
    struct fake *fake;
    struct inode *inode;
    uint64_t life;
    bool writable;
};

static const struct file_ops fake_file_ops;
static const struct disk fake_disk_ops;

/* Changes the names of now and notes the change. */
static enum err name_change(struct fake *fake, const char *path, const char *to,
                            struct inode *inode, bool gone)
{
    struct name_change change = {.inode = inode, .gone = gone};
    struct name_change *list = realloc(fake->changes, (fake->changes_count + 1) * sizeof *list);
    if (list == NULL) {
        return ERR_MEMORY;
    }
    fake->changes = list;
    change.path = strdup(path);
    change.to = to == NULL ? NULL : strdup(to);
    enum err err = change.path == NULL || (to != NULL && change.to == NULL)
                       ? ERR_MEMORY
                       : names_apply(&fake->now, &change);
    if (err != OK) {
        name_change_done(&change);
        return err;
    }
    list[fake->changes_count++] = change;
    return OK;
}

/* ---- The plan. */

/* To be asked at the start of every operation: OK, or the error that it has to give. */
static enum err operation_start(struct fake *fake, enum fake_operation operation)
{
    if (fake->off) {
        return ERR_IO;
    }
    fake->counts[operation]++;
    fake->counts[FAKE_ANY]++;
    if (fake->fail_err == OK ||
        (operation != fake->fail_operation && fake->fail_operation != FAKE_ANY)) {
        return OK;
    }
    uint64_t count = fake->counts[fake->fail_operation];
    if (count == fake->fail_at || (fake->fail_on && count > fake->fail_at)) {
        fake->failed = true;
        return fake->fail_err;
    }
    return OK;
}

/* To be asked once a change is certain to be tried: true if the power goes in the middle of it. */
static bool change_start(struct fake *fake)
{
    fake->changing++;
    if (fake->off_at != 0 && fake->changing >= fake->off_at) {
        fake->off = true;
    }
    return fake->off;
}

static uint64_t size_total(const struct fake *fake)
{
    uint64_t total = 0;
    for (size_t i = 0; i < fake->now.count; i++) {
        total += fake->now.list[i].inode == NULL ? 0 : fake->now.list[i].inode->now.size;
    }
    return total;
}

/* ---- A file's operations. */

static struct fake_file *fake_file_of(struct file *file)
{
    return (struct fake_file *)file;
}

static enum err file_start(struct fake_file *file, enum fake_operation operation)
{
    if (file->life != file->fake->life) {
        return ERR_IO;
    }
    if ((operation == FAKE_WRITE || operation == FAKE_TRUNCATE) && !file->writable) {
        return ERR_DENIED;
    }
    return operation_start(file->fake, operation);
}

static void fake_close(struct file *file)
{
    struct fake_file *fake = fake_file_of(file);
    if (fake->inode->locked_by == file) {
        fake->inode->locked_by = NULL;
    }
    free(fake);
}

static enum err fake_read(struct file *file, uint64_t offset, void *to, size_t size,
                          size_t *ret_size)
{
    struct fake_file *fake = fake_file_of(file);
    enum err err = file_start(fake, FAKE_READ);
    if (err != OK) {
        return err;
    }
    const struct buf *now = &fake->inode->now;
    size_t there = offset < now->size ? now->size - (size_t)offset : 0;
    *ret_size = size < there ? size : there;
    if (*ret_size > 0) {
        memcpy(to, now->data + offset, *ret_size);
    }
    return OK;
}

static enum err inode_write(struct inode *inode, uint64_t offset, const char *from, size_t size)
{
    enum err err = bytes_put(&inode->now, offset, from, size);
    return err == OK ? change_add(inode, offset, from, size) : err;
}

static enum err fake_write(struct file *file, uint64_t offset, const void *from, size_t size)
{
    struct fake_file *fake = fake_file_of(file);
    enum err err = file_start(fake, FAKE_WRITE);
    if (err == ERR_DENIED || fake->life != fake->fake->life || fake->fake->off) {
        return err;
    }
    if (offset > FAKE_FILE_SIZE_MAX || size > FAKE_FILE_SIZE_MAX - offset) {
        return ERR_LIMIT;
    }
    if (err != OK) {
        (void)!inode_write(fake->inode, offset, from, size / 2);
        return err;
    }
    uint64_t grows =
        offset + size > fake->inode->now.size ? offset + size - fake->inode->now.size : 0;
    uint64_t total = size_total(fake->fake);
    if (grows > 0 && (total > fake->fake->size_max || grows > fake->fake->size_max - total)) {
        return ERR_FULL;
    }
    bool cut = change_start(fake->fake);
    err = inode_write(fake->inode, offset, from, size);
    return cut ? ERR_IO : err;
}

static enum err fake_size(struct file *file, uint64_t *ret)
{
    struct fake_file *fake = fake_file_of(file);
    enum err err = file_start(fake, FAKE_SIZE);
    if (err == OK) {
        *ret = fake->inode->now.size;
    }
    return err;
}

static enum err fake_truncate(struct file *file, uint64_t size)
{
    struct fake_file *fake = fake_file_of(file);
    enum err err = file_start(fake, FAKE_TRUNCATE);
    if (err != OK) {
        return err;
    }
    bool cut = change_start(fake->fake);
    err = bytes_resize(&fake->inode->now, size);
    if (err == OK) {
        err = change_add(fake->inode, size, NULL, 0);
    }
    return cut ? ERR_IO : err;
}

static enum err fake_sync(struct file *file)
{
    struct fake_file *fake = fake_file_of(file);
    enum err err = file_start(fake, FAKE_SYNC);
    if (fake->life != fake->fake->life || fake->fake->off) {
        return err;
    }
    if (err != OK) {
        (void)!inode_settle(fake->inode, &fake->fake->random);
        return err;
    }
    if (change_start(fake->fake)) {
        return ERR_IO;
    }
    uint64_t all = FAKE_SEED_ALL;
    return inode_settle(fake->inode, &all);
}

static enum err fake_lock(struct file *file)
{
    struct fake_file *fake = fake_file_of(file);
    enum err err = file_start(fake, FAKE_LOCK);
    if (err != OK) {
        return err;
    }
    if (fake->inode->locked_by != NULL && fake->inode->locked_by != file) {
        return ERR_AGAIN;
    }
    fake->inode->locked_by = file;
    return OK;
}

static const struct file_ops fake_file_ops = {
    fake_close, fake_read, fake_write, fake_size, fake_truncate, fake_sync, fake_lock,
};

/* ---- The disk's operations. */

static enum err inode_new(struct fake *fake, struct inode **ret)
{
    struct inode *inode = calloc(1, sizeof *inode);
    if (inode == NULL) {
        return ERR_MEMORY;
    }
    buf_init(&inode->now, FAKE_FILE_SIZE_MAX);
    buf_init(&inode->durable, FAKE_FILE_SIZE_MAX);
    inode->next = fake->inodes;
    fake->inodes = inode;
    *ret = inode;
    return OK;
}

/* Makes the file of a path that is not there. */
static enum err file_make(struct fake *fake, const char *path, struct inode **ret)
{
    char folder[4096];
    if (!folder_there(&fake->now, folder_of(path, folder))) {
        return ERR_NOT_FOUND;
    }
    bool cut = change_start(fake);
    enum err err = inode_new(fake, ret);
    if (err == OK) {
        err = name_change(fake, path, NULL, *ret, false);
    }
    return cut ? ERR_IO : err;
}

static enum err fake_open(struct disk *disk, const char *path, enum disk_open_mode mode,
                          struct file **ret, struct why *why)
{
    struct fake *fake = (struct fake *)disk;
    bool reads = mode == DISK_READ || mode == DISK_READ_LINKED;
    enum err err = operation_start(fake, FAKE_OPEN);
    size_t at = names_find(&fake->now, path);
    struct inode *inode = at == SIZE_MAX ? NULL : fake->now.list[at].inode;
    if (err == OK && at != SIZE_MAX && mode == DISK_WRITE_NEW) {
        err = ERR_EXISTS;
    } else if (err == OK && at != SIZE_MAX && inode == NULL) {
        err = ERR_DENIED;
    } else if (err == OK && at == SIZE_MAX) {
        err = reads || mode == DISK_WRITE ? ERR_NOT_FOUND : file_make(fake, path, &inode);
    }
    struct fake_file *file = err == OK ? calloc(1, sizeof *file) : NULL;
    if (err != OK || file == NULL) {
        err = err == OK ? ERR_MEMORY : err;
        return why_say(why, err, 0, "%s: %s", path, err_text(err));
    }
    *file = (struct fake_file){{&fake_file_ops}, fake, inode, fake->life, !reads};
    *ret = &file->file;
    return OK;
}

static enum err fake_rename(struct disk *disk, const char *from, const char *to)
{
    struct fake *fake = (struct fake *)disk;
    enum err err = operation_start(fake, FAKE_RENAME);
    if (err != OK) {
        return err;
    }
    char folder[4096];
    size_t at = names_find(&fake->now, from);
    if (at == SIZE_MAX || !folder_there(&fake->now, folder_of(to, folder))) {
        return ERR_NOT_FOUND;
    }
    bool cut = change_start(fake);
    err = name_change(fake, from, to, fake->now.list[at].inode, false);
    return cut ? ERR_IO : err;
}

static enum err fake_remove(struct disk *disk, const char *path)
{
    struct fake *fake = (struct fake *)disk;
    enum err err = operation_start(fake, FAKE_REMOVE);
    if (err != OK) {
        return err;
    }
    if (names_find(&fake->now, path) == SIZE_MAX) {
        return ERR_NOT_FOUND;
    }
    bool cut = change_start(fake);
    err = name_change(fake, path, NULL, NULL, true);
    return cut ? ERR_IO : err;
}

static enum err fake_make_folder(struct disk *disk, const char *path)
{
    struct fake *fake = (struct fake *)disk;
    enum err err = operation_start(fake, FAKE_MAKE_FOLDER);
    if (err != OK || folder_there(&fake->now, path)) {
        return err;
    }
    char folder[4096];
    if (!folder_there(&fake->now, folder_of(path, folder))) {
        return ERR_NOT_FOUND;
    }
    bool cut = change_start(fake);
    err = name_change(fake, path, NULL, NULL, false);
    return cut ? ERR_IO : err;
}

static enum err fake_sync_folder(struct disk *disk, const char *path)
{
    struct fake *fake = (struct fake *)disk;
    enum err err = operation_start(fake, FAKE_SYNC_FOLDER);
    if (err != OK) {
        return err;
    }
    if (!folder_there(&fake->now, path)) {
        return ERR_NOT_FOUND;
    }
    if (change_start(fake)) {
        return ERR_IO;
    }
    size_t left = 0;
    for (size_t i = 0; i < fake->changes_count; i++) {
        struct name_change *change = &fake->changes[i];
        char folder[4096];
        const char *where = change->to != NULL ? change->to : change->path;
        if (err == OK && strcmp(folder_of(where, folder), path) == 0) {
            err = names_apply(&fake->durable, change);
            name_change_done(change);
        } else {
            fake->changes[left++] = *change;
        }
    }
    fake->changes_count = left;
    return err;
}

static enum err fake_exists(struct disk *disk, const char *path, bool *ret)
{
    struct fake *fake = (struct fake *)disk;
    enum err err = operation_start(fake, FAKE_LOOK);
    if (err == OK) {
        *ret = folder_there(&fake->now, path) || names_find(&fake->now, path) != SIZE_MAX;
    }
    return err;
}

static enum err fake_list(struct disk *disk, const char *path,
                          enum err (*visit)(void *context, const char *name), void *context)
{
    struct fake *fake = (struct fake *)disk;
    enum err err = operation_start(fake, FAKE_LOOK);
    if (err == OK && !folder_there(&fake->now, path)) {
        err = ERR_NOT_FOUND;
    }
    for (size_t i = 0; i < fake->now.count && err == OK; i++) {
        char folder[4096];
        const char *name = fake->now.list[i].path;
        if (strcmp(folder_of(name, folder), path) == 0) {
            const char *slash = strrchr(name, '/');
            err = visit(context, slash == NULL ? name : slash + 1);
        }
    }
    return err;
}

/* What the budget leaves. */
static enum err fake_space(struct disk *disk, const char *path, struct disk_space *ret)
{
    const struct fake *fake = (const struct fake *)disk;
    uint64_t used = size_total(fake);
    (void)path;
    *ret = (struct disk_space){used < fake->size_max ? fake->size_max - used : 0, fake->size_max};
    return fake->off ? ERR_IO : OK;
}

static const struct disk fake_disk_ops = {
    fake_open,        fake_space,       fake_rename, fake_remove,
    fake_make_folder, fake_sync_folder, fake_exists, fake_list,
};

/* ---- The whole. */

struct fake *fake_new(void)
{
    struct fake *fake = calloc(1, sizeof *fake);
    if (fake != NULL) {
        fake->disk = fake_disk_ops;
        fake->size_max = UINT64_MAX;
        fake->random = 1;
    }
    return fake;
}

static void name_changes_forget(struct fake *fake)
{
    while (fake->changes_count > 0) {
        name_change_done(&fake->changes[--fake->changes_count]);
    }
    free(fake->changes);
    fake->changes = NULL;
}

void fake_free(struct fake *fake)
{
    if (fake == NULL) {
        return;
    }
    for (struct inode *inode = fake->inodes; inode != NULL;) {
        struct inode *next = inode->next;
        changes_forget(inode);
        buf_done(&inode->now);
        buf_done(&inode->durable);
        free(inode);
        inode = next;
    }
    name_changes_forget(fake);
    names_done(&fake->now);
    names_done(&fake->durable);
    free(fake);
}

struct fake *fake_copy(const struct fake *from)
{
    struct fake *fake = fake_new();
    enum err err = fake == NULL ? ERR_MEMORY : OK;
    for (size_t i = 0; err == OK && i < from->now.count; i++) {
        const struct name *name = &from->now.list[i];
        struct inode *inode = NULL;
        if (name->inode != NULL) {
            err = inode_new(fake, &inode);
            err = err == OK ? bytes_copy(&inode->now, &name->inode->now) : err;
            err = err == OK ? bytes_copy(&inode->durable, &name->inode->now) : err;
        }
        err = err == OK ? names_put(&fake->now, name->path, inode) : err;
        err = err == OK ? names_put(&fake->durable, name->path, inode) : err;
    }
    if (err != OK) {
        fake_free(fake);
        return NULL;
    }
    return fake;
}

struct disk *fake_disk(struct fake *fake)
{
    return &fake->disk;
}

void fake_fail(struct fake *fake, enum fake_operation operation, uint64_t nth, bool from_then_on,
               enum err err)
{
    fake->fail_operation = operation;
    fake->fail_at = fake->counts[operation] + nth;
    fake->fail_on = from_then_on;
    fake->fail_err = err;
    fake->failed = false;
}

bool fake_failed(const struct fake *fake)
{
    return fake->failed;
}

void fake_seed(struct fake *fake, uint64_t seed)
{
    fake->random = seed;
}

uint64_t fake_count(const struct fake *fake, enum fake_operation operation)
{
    return fake->counts[operation];
}

void fake_budget(struct fake *fake, uint64_t size_max)
{
    fake->size_max = size_max;
}

void fake_power_off(struct fake *fake)
{
    fake->off = true;
}

void fake_power_off_at(struct fake *fake, uint64_t nth)
{
    fake->off_at = fake->changing + nth;
}

bool fake_is_off(const struct fake *fake)
{
    return fake->off;
}

/* Names whose folder was lost are lost with it. */
static void orphans_remove(struct names *names)
{
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < names->count && !again; i++) {
            char folder[4096];
            if (!folder_there(names, folder_of(names->list[i].path, folder))) {
                names_remove(names, names->list[i].path);
                again = true;
            }
        }
    }
}

enum err fake_power_on(struct fake *fake, uint64_t seed)
{
    uint64_t random = seed;
    enum err err = OK;
    for (struct inode *inode = fake->inodes; inode != NULL && err == OK; inode = inode->next) {
        err = inode_settle(inode, &random);
        if (err == OK) {
            err = bytes_copy(&inode->now, &inode->durable);
        }
        inode->locked_by = NULL;
    }
    for (size_t i = 0; i < fake->changes_count && err == OK; i++) {
        if (random_part(&random, 1) == 1) {
            err = names_apply(&fake->durable, &fake->changes[i]);
        }
    }
    name_changes_forget(fake);
    orphans_remove(&fake->durable);
    names_done(&fake->now);
    for (size_t i = 0; i < fake->durable.count && err == OK; i++) {
        err = names_put(&fake->now, fake->durable.list[i].path, fake->durable.list[i].inode);
    }
    fake->life++;
    fake->off = false;
    fake->off_at = 0;
    fake->fail_err = OK;
    return err;
}
