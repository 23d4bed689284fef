/*
 * The real file system behind sys/disk.h, and what both disks share: whole files read, whole files
 * replaced.  Interrupted calls are repeated; short writes go on where they stopped.
 */

#include "sys/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "sys/private.h"

struct real_file {
    struct file file;
    int descriptor;
};

static const struct file_ops real_file_ops;

static enum err real_open(struct disk *disk, const char *path, enum disk_open_mode mode,
                          struct file **ret, struct why *why)
{
    (void)disk;
    /* A folder may be somebody else's: a pipe in it must not make us wait for its writer. */
    bool reads = mode == DISK_READ || mode == DISK_READ_LINKED;
    int flags = O_CLOEXEC | O_NONBLOCK | (reads ? O_RDONLY : O_RDWR);
    flags |= mode == DISK_READ_LINKED ? 0 : O_NOFOLLOW;
    if (mode == DISK_WRITE_CREATE) {
        flags |= O_CREAT;
    } else if (mode == DISK_WRITE_NEW) {
        flags |= O_CREAT | O_EXCL;
    }
    int descriptor = open(path, flags, 0600);
    if (descriptor < 0) {
        int number = errno;
        return why_say(why, err_from_errno(number), 0, "%s: %s", path, strerror(number));
    }
    struct stat status;
    enum err err = OK;
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
        err = why_say(why, ERR_IO, 0, "%s is no regular file", path);
    }
    if (err == OK) {
        err = file_adopt(descriptor, ret);
    }
    if (err != OK) {
        (void)close(descriptor);
    }
    return err;
}

static void real_close(struct file *file)
{
    struct real_file *real = (struct real_file *)file;
    (void)close(real->descriptor);
    free(real);
}

static enum err real_read(struct file *file, uint64_t offset, void *to, size_t size,
                          size_t *ret_size)
{
    struct real_file *real = (struct real_file *)file;
    size_t done = 0;
    while (done < size) {
        ssize_t got =
            pread(real->descriptor, (char *)to + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return err_from_errno(errno);
        }
        if (got == 0) {
            break;
        }
        done += (size_t)got;
    }
    *ret_size = done;
    return OK;
}

static enum err real_write(struct file *file, uint64_t offset, const void *from, size_t size)
{
    struct real_file *real = (struct real_file *)file;
    size_t done = 0;
    while (done < size) {
        ssize_t put = pwrite(real->descriptor, (const char *)from + done, size - done,
                             (off_t)(offset + done));
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return put == 0 ? ERR_IO : err_from_errno(errno);
        }
        done += (size_t)put;
    }
    return OK;
}

static enum err real_size(struct file *file, uint64_t *ret)
{
    struct stat status;
    if (fstat(((struct real_file *)file)->descriptor, &status) != 0) {
        return err_from_errno(errno);
    }
    *ret = (uint64_t)status.st_size;
    return OK;
}

static enum err real_truncate(struct file *file, uint64_t size)
{
    int result;
    do {
        result = ftruncate(((struct real_file *)file)->descriptor, (off_t)size);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? OK : err_from_errno(errno);
}

static enum err real_sync(struct file *file)
{
    /* Not repeated: after a failure the kernel may have dropped the pages and then say yes. */
    return fdatasync(((struct real_file *)file)->descriptor) == 0 ? OK : ERR_IO;
}

static enum err real_lock(struct file *file)
{
    return flock(((struct real_file *)file)->descriptor, LOCK_EX | LOCK_NB) == 0
               ? OK
               : err_from_errno(errno);
}

static const struct file_ops real_file_ops = {
    real_close, real_read, real_write, real_size, real_truncate, real_sync, real_lock,
};

static enum err real_space(struct disk *disk, const char *path, struct disk_space *ret)
{
    struct statfs status;
    (void)disk;
    if (statfs(path, &status) != 0) {
        return err_from_errno(errno);
    }
    *ret = (struct disk_space){.free = (uint64_t)status.f_bavail * (uint64_t)status.f_bsize,
                               .size = (uint64_t)status.f_blocks * (uint64_t)status.f_bsize};
    return OK;
}

static enum err real_rename(struct disk *disk, const char *from, const char *to)
{
    (void)disk;
    return rename(from, to) == 0 ? OK : err_from_errno(errno);
}

static enum err real_remove(struct disk *disk, const char *path)
{
    (void)disk;
    return unlink(path) == 0 ? OK : err_from_errno(errno);
}

static enum err real_make_folder(struct disk *disk, const char *path)
{
    (void)disk;
    struct stat status;
    /* A confined process may not even try to make a folder that is there already. */
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        return OK;
    }
    return mkdir(path, 0700) == 0 ? OK : err_from_errno(errno);
}

static enum err real_sync_folder(struct disk *disk, const char *path)
{
    (void)disk;
    int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        return err_from_errno(errno);
    }
    enum err err = fsync(descriptor) == 0 ? OK : ERR_IO;
    (void)close(descriptor);
    return err;
}

static enum err real_exists(struct disk *disk, const char *path, bool *ret)
{
    (void)disk;
    struct stat status;
    if (lstat(path, &status) == 0) {
        *ret = true;
        return OK;
    }
    *ret = false;
    return errno == ENOENT || errno == ENOTDIR ? OK : err_from_errno(errno);
}

static enum err real_list(struct disk *disk, const char *path,
                          enum err (*visit)(void *context, const char *name), void *context)
{
    (void)disk;
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return err_from_errno(errno);
    }
    enum err err = OK;
    for (struct dirent *entry; err == OK && (entry = readdir(folder)) != NULL;) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            err = visit(context, entry->d_name);
        }
    }
    (void)closedir(folder);
    return err;
}

struct disk *disk_real(void)
{
    static struct disk real = {
        real_open,        real_space,       real_rename, real_remove,
        real_make_folder, real_sync_folder, real_exists, real_list,
    };
    return &real;
}

enum err file_adopt(int descriptor, struct file **ret)
{
    struct real_file *real = calloc(1, sizeof *real);
    if (real == NULL) {
        return ERR_MEMORY;
    }
    *real = (struct real_file){{&real_file_ops}, descriptor};
    *ret = &real->file;
    return OK;
}

enum err disk_open(struct disk *disk, const char *path, enum disk_open_mode mode, struct file **ret,
                   struct why *why)
{
    return disk->open(disk, path, mode, ret, why);
}

void file_close(struct file *file)
{
    if (file != NULL) {
        file->ops->close(file);
    }
}

enum err file_read(struct file *file, uint64_t offset, void *to, size_t size, size_t *ret_size)
{
    return file->ops->read(file, offset, to, size, ret_size);
}

enum err file_write(struct file *file, uint64_t offset, const void *from, size_t size)
{
    return file->ops->write(file, offset, from, size);
}

enum err file_size(struct file *file, uint64_t *ret)
{
    return file->ops->size(file, ret);
}

enum err file_truncate(struct file *file, uint64_t size)
{
    return file->ops->truncate(file, size);
}

enum err file_sync(struct file *file)
{
    return file->ops->sync(file);
}

enum err file_lock(struct file *file)
{
    return file->ops->lock(file);
}

int file_descriptor(const struct file *file)
{
    return file->ops == &real_file_ops ? ((const struct real_file *)file)->descriptor : -1;
}

int file_release(struct file *file)
{
    if (file->ops != &real_file_ops) {
        file_close(file);
        return -1;
    }
    int descriptor = ((struct real_file *)file)->descriptor;
    free(file);
    return descriptor;
}

enum err disk_space(struct disk *disk, const char *path, struct disk_space *ret)
{
    return disk->space(disk, path, ret);
}

enum err disk_rename(struct disk *disk, const char *from, const char *to)
{
    return disk->rename(disk, from, to);
}

enum err disk_remove(struct disk *disk, const char *path)
{
    return disk->remove(disk, path);
}

enum err disk_make_folder(struct disk *disk, const char *path)
{
    return disk->make_folder(disk, path);
}

enum err disk_sync_folder(struct disk *disk, const char *path)
{
    return disk->sync_folder(disk, path);
}

enum err disk_exists(struct disk *disk, const char *path, bool *ret)
{
    return disk->exists(disk, path, ret);
}

enum err disk_list(struct disk *disk, const char *path,
                   enum err (*visit)(void *context, const char *name), void *context)
{
    return disk->list(disk, path, visit, context);
}

enum err disk_read_whole(struct disk *disk, const char *path, size_t size_max, char **ret,
                         size_t *ret_size, struct why *why)
{
    struct file *file;
    enum err err = disk_open(disk, path, DISK_READ, &file, why);
    if (err != OK) {
        return err;
    }
    char *data = NULL;
    size_t got = 0;
    uint64_t size;
    err = file_size(file, &size);
    if (err == OK && size > size_max) {
        err = why_say(why, ERR_LIMIT, 0, "%s: larger than %zu bytes", path, size_max);
    }
    if (err == OK) {
        data = malloc((size_t)size + 1);
        err = data == NULL ? ERR_MEMORY : file_read(file, 0, data, (size_t)size, &got);
    }
    file_close(file);
    if (err != OK) {
        free(data);
        return err;
    }
    data[got] = '\0';
    *ret = data;
    *ret_size = got;
    return OK;
}

enum err disk_replace(struct disk *disk, const char *path, struct str bytes)
{
    char temporary[4096];
    char folder[4096];
    if (snprintf(temporary, sizeof temporary, "%s.new", path) >= (int)sizeof temporary) {
        return ERR_LIMIT;
    }
    (void)snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL) {
        (void)strncpy(folder, ".", sizeof folder);
    } else {
        *slash = '\0';
    }
    struct file *file;
    enum err err = disk_open(disk, temporary, DISK_WRITE_CREATE, &file, NULL);
    if (err != OK) {
        return err;
    }
    err = file_truncate(file, 0);
    if (err == OK) {
        err = file_write(file, 0, bytes.data, bytes.size);
    }
    if (err == OK) {
        err = file_sync(file);
    }
    file_close(file);
    if (err == OK) {
        err = disk_rename(disk, temporary, path);
    }
    return err == OK ? disk_sync_folder(disk, slash == folder ? "/" : folder) : err;
}
