/*
 * Whose the files below the data folder are.  Core and desk have users of their own; a tree that
 * somebody else put there, as `hinomi restore` does, is given to them at the next start.
 *
 * Always true: links are not followed, and a file that has another name elsewhere stays whose it
 * is: whoever may write into a folder must not be given what was root's; a tree whose folder has
 * the right owner is not looked at, so an ordinary start costs one look.
 */

#include "serve/parent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 6

static enum err entry_give(int folder, const char *name, uint32_t user, bool clients_only,
                           unsigned depth);

/* Takes the descriptor. */
static enum err entries_give(int folder, uint32_t user, bool clients_only, unsigned depth)
{
    const struct dirent *entry;
    enum err err = OK;
    DIR *list = fdopendir(folder);
    if (list == NULL) {
        (void)close(folder);
        return err_from_errno(errno);
    }
    while (err == OK && (entry = readdir(list)) != NULL) {
        bool own = strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
        bool client = entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
        if (own && (client || !clients_only)) {
            err = entry_give(dirfd(list), entry->d_name, user, clients_only, depth);
        }
    }
    (void)closedir(list);
    return err;
}

static enum err entry_give(int folder, const char *name, uint32_t user, bool clients_only,
                           unsigned depth)
{
    struct stat found;
    int entry = openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (entry < 0 || fstat(entry, &found) != 0) {
        enum err err = err_from_errno(errno);
        (void)(entry >= 0 && close(entry));
        return err;
    }
    bool is_folder = S_ISDIR(found.st_mode);
    bool elsewhere = !is_folder && found.st_nlink > 1;
    bool given = found.st_uid == user || elsewhere ||
                 fchownat(entry, "", user, user, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) == 0;
    enum err err = given ? OK : err_from_errno(errno);
    (void)close(entry);
    if (err != OK || !is_folder || depth >= DEPTH_MAX || clients_only) {
        return err;
    }
    int below = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return below < 0 ? err_from_errno(errno) : entries_give(below, user, false, depth + 1);
}

enum err owner_give_tree(const char *path, uint32_t user)
{
    struct stat found;
    if (stat(path, &found) != 0) {
        return err_from_errno(errno);
    }
    if (found.st_uid == user) {
        return OK;
    }
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err err = folder < 0 ? err_from_errno(errno) : entries_give(folder, user, false, 0);
    /* The folder last: if we are killed before, the next start does it again. */
    return err == OK && chown(path, user, user) != 0 ? err_from_errno(errno) : err;
}

enum err owner_give_keys(const char *path, uint32_t user)
{
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return folder < 0 ? err_from_errno(errno) : entries_give(folder, user, true, 0);
}
