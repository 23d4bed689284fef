/*
 * Files that front follows: the parent looks for them, opens them, and keeps how far they were read
 * (src/collect/tail.c says when that is).  It reads no byte of them.
 *
 *     look, each LOOK_MS and soon after a folder tells of something new
 *                        ─► new at one of the paths: opened, told to front
 *                        ─► at none any more: told; front reads it to its end, then it is let go
 *     POSITIONS          ─► <data>/files/positions, on disk ─► POSITIONS_KEPT
 *
 * A file is known by device and number, and by its first bytes, which front compares.  At the start
 * one that has left its path meanwhile is looked for in the folder where it was, so that what was
 * written before a rotation is read after it.
 *
 * The positions are a text, replaced as a whole, one line a file:
 *
 *     EPOCH PRINT PRINT-SIZE OFFSET CUT DEVICE NUMBER GONE LISTENER PATH
 *
 * Always true: a path is never followed through a symbolic link, nor read unless it is a regular
 * file: whoever may write into a folder of logs must not be able to have other files of this
 * machine read.  Nor is one with a control character in its name, which would reach our own log.
 */

#include "serve/parent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "collect/collect.h"
#include "sys/clocks.h"

#define LOOK_MS            500
#define SOON_MS            20
#define POSITIONS_SIZE_MAX (FILES_MAX * (PATH_MAX_KEPT + 256))
#define PATH_MAX_KEPT      4096

struct file_followed {
    struct followed at; /* its path is ours */
    char path[PATH_MAX_KEPT];
    size_t listener; /* in the configuration */
    int descriptor;  /* -1: remembered, and not found yet */
    uint64_t device, number;
    bool seen, gone, told;
};

struct files {
    struct parent *parent;
    struct timer *timer;
    int folders; /* inotify: tells when something is made in a folder, or moved there */
    struct watch *watch;
    char folder[4200], path[4300];
    struct file_followed *list[FILES_MAX];
    size_t count;
    uint64_t ids, epoch;
    uint64_t unkept; /* what front told last and what is not on disk; 0: nothing */
    bool full_said, begun, soon;
    bool fresh; /* there is one that is not on disk yet */
};

static void look(void *context);
static void kept_tell(struct files *files);

/* ---- The table. */

static struct file_followed *file_add(struct files *files, size_t listener, struct str path)
{
    struct file_followed *file = NULL;
    if (files->count < FILES_MAX && path.size < sizeof file->path) {
        file = calloc(1, sizeof *file);
    }
    if (file == NULL) {
        if (!files->full_said) {
            (void)fprintf(stderr, "hinomi: more than %d files to follow; the rest is not read\n",
                          FILES_MAX);
            files->full_said = true;
        }
        return NULL;
    }
    memcpy(file->path, path.data, path.size);
    file->descriptor = -1;
    file->listener = listener;
    file->at.id = ++files->ids;
    files->list[files->count++] = file;
    return file;
}

static void file_remove(struct files *files, size_t index)
{
    struct file_followed *file = files->list[index];
    if (file->descriptor >= 0) {
        (void)close(file->descriptor);
    }
    free(file);
    files->list[index] = files->list[--files->count];
}

static const struct config *config_of(const struct files *files)
{
    return files->parent->config;
}

/* ---- On disk. */

static enum err positions_keep(const struct files *files)
{
    struct buf text;
    enum err err = OK;
    buf_init(&text, POSITIONS_SIZE_MAX);
    for (size_t i = 0; i < files->count && err == OK; i++) {
        const struct file_followed *file = files->list[i];
        const struct followed *at = &file->at;
        if (strchr(file->path, '\n') != NULL) {
            continue;
        }
        err = buf_print(&text, "%llu %llu %u %llu %llu %llu %llu %u %.*s %s\n",
                        (unsigned long long)at->epoch, (unsigned long long)at->print,
                        at->print_size, (unsigned long long)at->offset, (unsigned long long)at->cut,
                        (unsigned long long)file->device, (unsigned long long)file->number,
                        file->gone, STR_ARG(config_of(files)->listeners[file->listener].name),
                        file->path);
    }
    if (err == OK) {
        err = disk_replace(disk_real(), files->path, buf_str(&text));
    }
    buf_done(&text);
    return err;
}

static bool listener_named(const struct config *config, struct str name, size_t *ret)
{
    for (size_t i = 0; i < config->listeners_count; i++) {
        if (config->listeners[i].kind == LISTENER_FILES &&
            str_equal(config->listeners[i].name, name)) {
            *ret = i;
            return true;
        }
    }
    return false;
}

static enum err position_read(struct files *files, struct str line)
{
    uint64_t numbers[8];
    for (size_t i = 0; i < 8; i++) {
        if (str_to_u64(str_cut(&line, ' '), UINT64_MAX, &numbers[i]) != OK) {
            return ERR_CORRUPT;
        }
    }
    size_t listener;
    struct str name = str_cut(&line, ' ');
    if (numbers[2] > FILE_PRINT_SIZE || line.size == 0) {
        return ERR_CORRUPT;
    }
    if (!listener_named(config_of(files), name, &listener)) {
        return OK; /* it is configured no more */
    }
    struct file_followed *file = file_add(files, listener, line);
    if (file == NULL) {
        return ERR_LIMIT;
    }
    file->at.epoch = numbers[0];
    file->at.print = numbers[1];
    file->at.print_size = (uint32_t)numbers[2];
    file->at.offset = numbers[3];
    file->at.cut = numbers[4];
    file->device = numbers[5];
    file->number = numbers[6];
    file->gone = numbers[7] != 0;
    files->epoch = numbers[0] > files->epoch ? numbers[0] : files->epoch;
    return OK;
}

static enum err positions_read(struct files *files, struct why *why)
{
    char *text;
    size_t size;
    bool there;
    enum err err = disk_exists(disk_real(), files->path, &there);
    if (err != OK || !there) {
        return err;
    }
    err = disk_read_whole(disk_real(), files->path, POSITIONS_SIZE_MAX, &text, &size, why);
    if (err != OK) {
        return err;
    }
    struct str rest = str_of(text, size);
    for (unsigned line = 1; rest.size > 0 && err == OK; line++) {
        err = position_read(files, str_cut(&rest, '\n'));
        if (err != OK) {
            err = why_say(why, err, 0, "%s:%u: %s", files->path, line, err_text(err));
        }
    }
    free(text);
    return err;
}

/* ---- Looking. */

static int regular_open(const char *path, struct stat *ret)
{
    const struct open_how how = {.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY,
                                 .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    int opened = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
    if (opened >= 0 && (fstat(opened, ret) != 0 || !S_ISREG(ret->st_mode))) {
        (void)close(opened);
        return -1;
    }
    return opened;
}

/* The one that it is; a device may have another number after a restart of the machine. */
static struct file_followed *known(const struct files *files, const char *path,
                                   const struct stat *is)
{
    struct file_followed *found = NULL;
    for (size_t i = 0; i < files->count; i++) {
        struct file_followed *file = files->list[i];
        bool number = file->number == (uint64_t)is->st_ino;
        if (number && file->device == (uint64_t)is->st_dev) {
            return file;
        }
        if (number && file->descriptor < 0 && strcmp(file->path, path) == 0) {
            found = file;
        }
    }
    return found;
}

static void tell(struct files *files, struct file_followed *file)
{
    struct link *link = files->parent->children[PROCESS_FRONT].link;
    if (link == NULL || file->told || file->descriptor < 0) {
        return;
    }
    const struct followed *at = &file->at;
    const struct message message = {
        .type = MESSAGE_FILE,
        .file = {.id = at->id,
                 .epoch = at->epoch,
                 .print = at->print,
                 .print_size = at->print_size,
                 .offset = at->offset,
                 .cut = at->cut,
                 .listener = config_of(files)->listeners[file->listener].name,
                 .path = str_from(file->path)},
        .descriptors = {file->descriptor},
        .descriptors_count = 1};
    const struct message gone = {.type = MESSAGE_FILE_GONE, .file_gone = {at->id, file->gone}};
    file->told = link_send(link, &message) == OK && (!file->gone || link_send(link, &gone) == OK);
}

static bool is_plain(const char *path)
{
    for (; *path != '\0'; path++) {
        if ((unsigned char)*path < ' ' || *path == 0x7f) {
            return false;
        }
    }
    return true;
}

static void path_look(struct files *files, size_t listener, const char *path, bool rotated)
{
    struct stat is;
    if (!is_plain(path) || lstat(path, &is) != 0 || !S_ISREG(is.st_mode)) {
        return;
    }
    struct file_followed *file = known(files, path, &is);
    if (rotated && (file == NULL || file->descriptor >= 0)) {
        return;
    }
    if (file == NULL || file->descriptor < 0) {
        int descriptor = regular_open(path, &is);
        if (descriptor < 0) {
            return;
        }
        file = file != NULL ? file : file_add(files, listener, str_from(path));
        if (file == NULL) {
            (void)close(descriptor);
            return;
        }
        uint64_t now = (uint64_t)wall_now().ns;
        files->epoch = now > files->epoch ? now : files->epoch + 1;
        file->at.epoch = file->at.epoch != 0 ? file->at.epoch : files->epoch;
        file->descriptor = descriptor;
        file->device = (uint64_t)is.st_dev;
        file->number = (uint64_t)is.st_ino;
        files->fresh = true;
    }
    file->seen = file->seen || !rotated;
}

static void folder_of(const char *path, char folder[PATH_MAX_KEPT])
{
    (void)snprintf(folder, PATH_MAX_KEPT, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash == NULL) {
        (void)snprintf(folder, PATH_MAX_KEPT, ".");
    } else {
        slash[slash == folder] = '\0';
    }
}

/* Those that have left their path while nobody looked. */
static void folder_look(struct files *files, const struct file_followed *lost)
{
    char folder[PATH_MAX_KEPT];
    char path[PATH_MAX_KEPT + 300];
    size_t listener = lost->listener;
    uint64_t number = lost->number;
    folder_of(lost->path, folder);
    DIR *list = opendir(folder);
    for (const struct dirent *entry = list != NULL ? readdir(list) : NULL; entry != NULL;
         entry = readdir(list)) {
        if ((uint64_t)entry->d_ino == number) {
            (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
            path_look(files, listener, path, true);
        }
    }
    if (list != NULL) {
        (void)closedir(list);
    }
}

static void begin(struct files *files)
{
    files->begun = true;
    for (size_t i = 0; i < files->count; i++) {
        if (files->list[i]->descriptor < 0) {
            folder_look(files, files->list[i]);
        }
    }
    for (size_t i = files->count; i > 0; i--) {
        const struct file_followed *file = files->list[i - 1];
        if (file->descriptor < 0) {
            (void)fprintf(stderr, "hinomi: %s is gone; it was read up to byte %llu\n", file->path,
                          (unsigned long long)file->at.offset);
            file_remove(files, i - 1);
        }
    }
}

static void gone_note(struct files *files, struct file_followed *file)
{
    struct link *link = files->parent->children[PROCESS_FRONT].link;
    bool gone = !file->seen;
    const struct message message = {.type = MESSAGE_FILE_GONE, .file_gone = {file->at.id, gone}};
    if (file->told && gone != file->gone && link != NULL && link_send(link, &message) == OK) {
        file->gone = gone;
    }
}

/* A file that is made and renamed between two looks would never be seen. */
static void folder_watch(const struct files *files, const char *pattern)
{
    char folder[PATH_MAX_KEPT];
    folder_of(pattern, folder);
    (void)inotify_add_watch(files->folders, folder, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR);
}

static void folder_told(void *context, int descriptor, unsigned events)
{
    struct files *files = context;
    char told[4096];
    (void)events;
    while (read(descriptor, told, sizeof told) > 0) {
    }
    /* Soon, and not for each: whoever writes there may make a thousand a second. */
    if (!files->soon) {
        files->soon = true;
        timer_set(files->timer, SOON_MS, LOOK_MS);
    }
}

static void look(void *context)
{
    struct files *files = context;
    const struct config *config = config_of(files);
    files->soon = false;
    for (size_t i = 0; i < files->count; i++) {
        files->list[i]->seen = false;
    }
    for (size_t i = 0; i < config->listeners_count; i++) {
        for (size_t j = 0; j < config->listeners[i].paths_count; j++) {
            char pattern[PATH_MAX_KEPT];
            glob_t found = {0};
            (void)snprintf(pattern, sizeof pattern, "%.*s", STR_ARG(config->listeners[i].paths[j]));
            folder_watch(files, pattern);
            if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0) {
                for (size_t k = 0; k < found.gl_pathc; k++) {
                    path_look(files, i, found.gl_pathv[k], false);
                }
            }
            globfree(&found);
        }
    }
    if (!files->begun) {
        begin(files);
    }
    /* Known before it is read: when we are killed and it is renamed, it is looked for. */
    if (files->unkept != 0) {
        kept_tell(files);
    } else if (files->fresh && positions_keep(files) != OK) {
        (void)fprintf(stderr, "hinomi: %s cannot be written; files wait\n", files->path);
        return;
    }
    files->fresh = files->fresh && files->unkept != 0;
    for (size_t i = 0; i < files->count; i++) {
        tell(files, files->list[i]);
        gone_note(files, files->list[i]);
    }
}

/* What front told is on disk; where that fails, it waits and reads no further. */
static void kept_tell(struct files *files)
{
    struct link *link = files->parent->children[PROCESS_FRONT].link;
    enum err err = positions_keep(files);
    if (err != OK) {
        (void)fprintf(stderr, "hinomi: %s: %s; files wait\n", files->path, err_text(err));
        return;
    }
    const struct message kept = {.type = MESSAGE_POSITIONS_KEPT, .positions_kept = {files->unkept}};
    files->unkept = 0;
    if (link != NULL) {
        UNHEEDED(link_send(link, &kept)); /* a front that is gone is given them anew */
    }
}

/* ---- The door. */

enum err files_open(struct parent *parent, struct files **ret, struct why *why)
{
    bool wanted = false;
    for (size_t i = 0; i < parent->config->listeners_count; i++) {
        wanted |= parent->config->listeners[i].kind == LISTENER_FILES;
    }
    struct files *files = wanted ? calloc(1, sizeof *files) : NULL;
    if (files == NULL) {
        return wanted ? ERR_MEMORY : OK;
    }
    files->parent = parent;
    files->folders = -1;
    (void)snprintf(files->folder, sizeof files->folder, "%.*s/files",
                   STR_ARG(parent->config->data));
    (void)snprintf(files->path, sizeof files->path, "%s/positions", files->folder);
    enum err err = disk_make_folder(disk_real(), files->folder);
    if (err == OK) {
        err = positions_read(files, why);
    }
    if (err == OK) {
        err = timer_new(parent->loop, look, files, &files->timer);
    }
    files->folders = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (err == OK && files->folders >= 0) { /* without it, a look now and then must do */
        err = watch_new(parent->loop, files->folders, folder_told, files, &files->watch);
    }
    if (err != OK) {
        files_close(files);
        return err;
    }
    if (files->watch != NULL) {
        watch_set(files->watch, WATCH_READ);
    }
    timer_set(files->timer, LOOK_MS, LOOK_MS);
    *ret = files;
    return OK;
}

void files_close(struct files *files)
{
    if (files == NULL) {
        return;
    }
    while (files->count > 0) {
        file_remove(files, files->count - 1);
    }
    timer_free(files->timer);
    watch_free(files->watch);
    if (files->folders >= 0) {
        (void)close(files->folders);
    }
    free(files);
}

void files_give(struct files *files)
{
    for (size_t i = 0; files != NULL && i < files->count; i++) {
        files->list[i]->told = false;
    }
    if (files != NULL) {
        files->unkept = 0; /* of the front before */
        look(files);
    }
}

void files_told(struct files *files, const struct message *message)
{
    struct followed at;
    struct link *link = files == NULL ? NULL : files->parent->children[PROCESS_FRONT].link;
    if (link == NULL) {
        return;
    }
    for (size_t i = 0; i < FILES_MAX && position_decode(message->positions.positions, i, &at);
         i++) {
        for (size_t j = 0; j < files->count; j++) {
            struct file_followed *file = files->list[j];
            if (file->at.id == at.id) {
                file->at = at;
                break;
            }
        }
    }
    for (size_t j = files->count; j > 0; j--) {
        if (files->list[j - 1]->at.done) {
            file_remove(files, j - 1);
        }
    }
    files->unkept = message->positions.number;
    kept_tell(files);
}
