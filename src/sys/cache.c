/*
 * The user's cache.  A file is written beside its place and moved there; nothing is synced, since
 * what a crash takes away is worked out again.
 *
 * Always true: names are given by the program and hold no slash.
 */

#include "sys/cache.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 16 /* of a few megabytes each */

static bool path_of(char path[4096])
{
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    int size = -1;
    if (cache != NULL && cache[0] == '/') {
        size = snprintf(path, 4096, "%s/hinomi", cache);
    } else if (home != NULL && home[0] == '/') {
        size = snprintf(path, 4096, "%s/.cache/hinomi", home);
    }
    return size > 0 && size < 4096;
}

static bool is_ours(const struct stat *status)
{
    return status->st_uid == geteuid() && (status->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* The folder, if it is ours alone. */
static enum err folder_open(int *ret)
{
    char path[4096];
    struct stat status;
    if (!path_of(path)) {
        return ERR_NOT_FOUND;
    }
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (folder < 0) {
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_DENIED;
    }
    if (fstat(folder, &status) != 0 || !is_ours(&status)) {
        (void)close(folder);
        return ERR_DENIED;
    }
    *ret = folder;
    return OK;
}

/* The file's bytes, read to the end that it has when it is opened. */
static enum err file_take(int file, size_t size_max, char **ret, size_t *ret_size)
{
    struct stat status;
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode) || !is_ours(&status)) {
        return ERR_DENIED;
    }
    if (status.st_size < 0 || (uint64_t)status.st_size > size_max) {
        return ERR_LIMIT;
    }
    size_t size = (size_t)status.st_size;
    char *bytes = malloc(size + 1);
    size_t done = 0;
    if (bytes == NULL) {
        return ERR_MEMORY;
    }
    while (done < size) {
        ssize_t got = read(file, bytes + done, size - done);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            free(bytes);
            return ERR_IO;
        }
        done += got > 0 ? (size_t)got : 0;
    }
    *ret = bytes;
    *ret_size = size;
    return OK;
}

enum err cache_read(const char *name, size_t size_max, char **ret, size_t *ret_size)
{
    int folder;
    assert(strchr(name, '/') == NULL);
    enum err err = folder_open(&folder);
    if (err != OK) {
        return err;
    }
    int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0) {
        err = errno == ENOENT ? ERR_NOT_FOUND : ERR_DENIED;
    } else {
        err = file_take(file, size_max, ret, ret_size);
        (void)close(file);
    }
    (void)close(folder);
    return err;
}

/* Removes the oldest file, if there are too many. */
static void oldest_remove(int folder)
{
    int copy = dup(folder);
    DIR *list = copy >= 0 ? fdopendir(copy) : NULL;
    char oldest[256] = "";
    struct timespec since = {0};
    unsigned count = 0;
    struct dirent *entry;
    if (list == NULL) {
        if (copy >= 0) {
            (void)close(copy);
        }
        return;
    }
    rewinddir(list);
    while ((entry = readdir(list)) != NULL) {
        struct stat status;
        if (fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(status.st_mode)) {
            continue;
        }
        if (count++ == 0 || status.st_mtim.tv_sec < since.tv_sec) {
            since = status.st_mtim;
            (void)snprintf(oldest, sizeof oldest, "%s", entry->d_name);
        }
    }
    (void)closedir(list);
    if (count > FILES_MAX) {
        (void)unlinkat(folder, oldest, 0);
    }
}

static enum err folder_make(void)
{
    char path[4096];
    if (!path_of(path)) {
        return ERR_NOT_FOUND;
    }
    char *slash = strrchr(path, '/');
    *slash = '\0';
    (void)mkdir(path, 0700); /* ~/.cache: who has a home may not have it yet */
    *slash = '/';
    return mkdir(path, 0700) == 0 || errno == EEXIST ? OK : err_from_errno(errno);
}

static enum err bytes_put(int file, struct str bytes)
{
    for (size_t done = 0; done < bytes.size;) {
        ssize_t put = write(file, bytes.data + done, bytes.size - done);
        if (put < 0 && errno != EINTR) {
            return err_from_errno(errno);
        }
        done += put > 0 ? (size_t)put : 0;
    }
    return OK;
}

enum err cache_write(const char *name, struct str bytes)
{
    char temporary[300];
    int folder;
    assert(strchr(name, '/') == NULL && strlen(name) < 200);
    enum err err = folder_make();
    err = err == OK ? folder_open(&folder) : err;
    if (err != OK) {
        return err;
    }
    (void)snprintf(temporary, sizeof temporary, "%s.%ld", name, (long)getpid());
    int file =
        openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    err = file < 0 ? err_from_errno(errno) : bytes_put(file, bytes);
    if (file >= 0) {
        err = close(file) != 0 && err == OK ? ERR_IO : err;
        if (err == OK && renameat(folder, temporary, folder, name) != 0) {
            err = err_from_errno(errno);
        }
        if (err != OK) {
            (void)unlinkat(folder, temporary, 0);
        }
    }
    if (err == OK) {
        oldest_remove(folder);
    }
    (void)close(folder);
    return err;
}
