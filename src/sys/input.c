/*
 * Inputs of commands.  A folder is listed whole and sorted before anything in it is visited, so
 * that two runs over the same tree see the same order.
 */

#include "sys/input.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

struct input {
    int descriptor;
};

struct walk {
    input_visit *visit;
    input_complain *complain;
    void *context;
};

static enum err folder_walk(const struct walk *walk, const char *path, unsigned depth);

enum err input_walk(const char *path, input_visit *visit, input_complain *complain, void *context)
{
    struct walk walk = {visit, complain, context};
    struct stat status;
    if (strcmp(path, "-") == 0) {
        return visit(context, path);
    }
    if (stat(path, &status) != 0) {
        complain(context, path, strerror(errno));
        return OK;
    }
    return S_ISDIR(status.st_mode) ? folder_walk(&walk, path, 0) : visit(context, path);
}

static int is_entry(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static enum err entry_walk(const struct walk *walk, const char *path, unsigned depth)
{
    struct stat status;
    if (lstat(path, &status) != 0) {
        walk->complain(walk->context, path, strerror(errno));
        return OK;
    }
    if (S_ISDIR(status.st_mode)) {
        return folder_walk(walk, path, depth);
    }
    return S_ISREG(status.st_mode) ? walk->visit(walk->context, path) : OK;
}

static enum err folder_walk(const struct walk *walk, const char *path, unsigned depth)
{
    if (depth > NESTING_MAX) {
        walk->complain(walk->context, path, "folders lie too deep in one another");
        return OK;
    }
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, is_entry, by_name);
    if (count < 0) {
        walk->complain(walk->context, path, strerror(errno));
        return OK;
    }
    enum err err = OK;
    size_t size = strlen(path);
    bool slash = size > 0 && path[size - 1] == '/';
    for (int i = 0; i < count; i++) {
        char *below = NULL;
        if (err == OK &&
            asprintf(&below, "%s%s%s", path, slash ? "" : "/", entries[i]->d_name) < 0) {
            below = NULL;
            err = ERR_MEMORY;
        }
        if (err == OK) {
            err = entry_walk(walk, below, depth + 1);
        }
        free(below);
        free(entries[i]);
    }
    free(entries);
    return err;
}

enum err input_open(const char *path, struct input **ret, struct why *why)
{
    struct input *input = calloc(1, sizeof *input);
    if (input == NULL) {
        return ERR_MEMORY;
    }
    bool standard = strcmp(path, "-") == 0;
    input->descriptor = standard ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    if (input->descriptor < 0) {
        enum err err = why_say(why, err_from_errno(errno), 0, "%s", strerror(errno));
        free(input);
        return err;
    }
    *ret = input;
    return OK;
}

enum err input_read(struct input *input, void *to, size_t size, size_t *ret_size, struct why *why)
{
    ssize_t got;
    do {
        got = read(input->descriptor, to, size);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return why_say(why, err_from_errno(errno), 0, "%s", strerror(errno));
    }
    *ret_size = (size_t)got;
    return OK;
}

uint64_t input_size(const struct input *input)
{
    struct stat status;
    bool regular = fstat(input->descriptor, &status) == 0 && S_ISREG(status.st_mode);
    return regular ? (uint64_t)status.st_size : 0;
}

enum err input_seek(struct input *input, uint64_t offset)
{
    struct stat status;
    if (fstat(input->descriptor, &status) != 0 || !S_ISREG(status.st_mode) || offset > INT64_MAX ||
        lseek(input->descriptor, (off_t)offset, SEEK_SET) < 0) {
        return ERR_UNSUPPORTED;
    }
    return OK;
}

uint64_t input_path_size(const char *path)
{
    struct stat status;
    bool regular = stat(path, &status) == 0 && S_ISREG(status.st_mode);
    return regular ? (uint64_t)status.st_size : 0;
}

void input_close(struct input *input)
{
    if (input != NULL) {
        (void)close(input->descriptor);
        free(input);
    }
}

double usage_cpu_seconds(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        return 0;
    }
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

uint64_t usage_memory_peak(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss * 1024 : 0;
}
