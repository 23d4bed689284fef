/*
 * Making a backup: which moment of each file goes into it, so that what is restored fits together.
 *
 *     positions of followed files, what detection remembers      older than the ledger
 *     the ledger, standing still                                 ┐ no client, no source is
 *     stamps, then heads, each with its signing key              │ made between these
 *     segments, remains                                          │
 *     how far the journals are committed                         ┘
 *     the journals, up to there                                  the newest
 *
 * The command reads the files by itself, and a running service writes on: it is asked twice, when
 * the ledger's file is to stand still and how far the journals are.  Neither front nor core waits
 * for anything.
 *
 * Always true:
 *
 *   (1) what is restored is a state that a crash could have left: the archive is the newest, so the
 *       ledger's bookmarks and the heads lie within it, and followed files are read again from
 *       before its end, never from behind it.
 *   (2) while DATA/archive/backup.lock is held, nobody removes a journal or a segment; the kernel
 *       lets go of it with us.
 *   (3) no key is copied, but a signing key into its client's set, sealed.
 */

#include "serve/backup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/archive.h"
#include "ledger/ledger.h"
#include "serve/backup_run.h"
#include "serve/serve.h"

#define TRIES         5
#define SIGN_TRIES    64
#define ENDS_SIZE_MAX ((size_t)16 << 20)

struct making {
    struct backup_run run;
    struct file *lock, *archive_lock; /* the second one only if nobody serves the folder */
    struct archive *archive;
    struct ledger *ledger;
    uint64_t token;
    struct buf ends;
};

static enum err path_make(const struct making *making, const char *below, char *path, size_t size)
{
    int printed = snprintf(path, size, "%s/%s", making->run.data, below);
    return printed < 0 || (size_t)printed >= size ? ERR_LIMIT : OK;
}

/* A lock that we make as root is to be taken by core too, which owns the folder.  So core may put
 * another file under that name at any moment: what we opened is given away, not what the name leads
 * to, and only if it is a file of root's that has no other name. */
static void owner_follow(const char *path, const struct file *lock)
{
    char folder[BACKUP_PATH_MAX];
    struct stat found;
    struct stat ours;
    int descriptor = file_descriptor(lock);
    (void)snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = '\0';
    if (geteuid() == 0 && stat(folder, &found) == 0 && descriptor >= 0 &&
        fstat(descriptor, &ours) == 0 && S_ISREG(ours.st_mode) && ours.st_uid == 0 &&
        ours.st_nlink == 1 && ours.st_size == 0) {
        UNHEEDED(fchown(descriptor, found.st_uid, found.st_gid)); /* then core removes nothing */
    }
}

static enum err lock_take(const struct making *making, const char *below, struct file **ret,
                          struct why *why)
{
    char path[BACKUP_PATH_MAX];
    enum err err = path_make(making, below, path, sizeof path);
    err = err == OK ? disk_open(making->run.disk, path, DISK_WRITE_CREATE, ret, why) : err;
    if (err == OK) {
        owner_follow(path, *ret);
        err = file_lock(*ret);
        if (err != OK) {
            file_close(*ret);
            *ret = NULL;
        }
    }
    return err == ERR_AGAIN ? why_say(why, err, 0, "%s: another process has it", path) : err;
}

/* ---- Asking whoever serves the folder, or being that ourselves. */

static enum err answer_keep(void *context, struct str piece)
{
    return buf_append(context, piece);
}

/* ERR_NOT_FOUND: nobody serves it. */
static enum err service_ask(const struct making *making, const char *what, uint64_t token,
                            struct buf *out, struct why *why)
{
    const struct control_request request = {
        .command = CONTROL_BACKUP, .argument = str_from(what), .after = token};
    int code = 0;
    buf_reset(out);
    enum err err = control_call(making->run.data, &request, answer_keep, out, &code, why);
    if (err == OK && code != 0) {
        err = code == 75 ? ERR_AGAIN : code == 77 ? ERR_DENIED : ERR_IO;
    }
    return err == ERR_CLOSED ? ERR_AGAIN : err;
}

static void folder_leave(struct making *making)
{
    archive_close(making->archive, making->run.now);
    ledger_close(making->ledger);
    file_close(making->archive_lock);
    making->archive = NULL;
    making->ledger = NULL;
    making->archive_lock = NULL;
}

static enum err folder_enter(struct making *making, struct why *why)
{
    char archive[BACKUP_PATH_MAX];
    char ledger[BACKUP_PATH_MAX];
    enum err err = lock_take(making, "archive/lock", &making->archive_lock, why);
    err = err == OK ? path_make(making, "archive", archive, sizeof archive) : err;
    err = err == OK ? path_make(making, "ledger", ledger, sizeof ledger) : err;
    const struct archive_options options = {.disk = making->run.disk,
                                            .folder = archive,
                                            .keys = making->run.keys,
                                            .journal_size_max = UINT64_MAX,
                                            .read_only = true};
    err = err == OK ? archive_open(&options, making->run.now, &making->archive, why) : err;
    err = err == OK ? ledger_open(making->run.disk, ledger, &making->ledger, why) : err;
    err = err == OK ? ledger_freeze(making->ledger) : err;
    if (err != OK) {
        folder_leave(making);
    }
    return err;
}

/* The ledger's file stands still from here on. */
static enum err still_begin(struct making *making, struct why *why)
{
    folder_leave(making);
    enum err err = service_ask(making, "begin", 0, &making->ends, why);
    making->run.report.running = err == OK;
    if (err == ERR_NOT_FOUND) {
        return folder_enter(making, why);
    }
    return err == OK ? str_to_u64(str_trim(buf_str(&making->ends)), UINT64_MAX, &making->token)
                     : err;
}

static enum err still_end(struct making *making, struct why *why)
{
    if (making->archive == NULL) {
        enum err err = service_ask(making, "ends", making->token, &making->ends, why);
        return err == ERR_NOT_FOUND ? ERR_AGAIN : err; /* it ended meanwhile */
    }
    buf_reset(&making->ends);
    return archive_ends(making->archive, &making->ends);
}

/* ---- What is copied. */

static enum err heads_size(const struct making *making, const char *path, uint64_t *ret)
{
    struct file *file;
    enum err err = disk_open(making->run.disk, path, DISK_READ, &file, NULL);
    if (err == OK) {
        err = file_size(file, ret);
        file_close(file);
    }
    return err;
}

/* The signing key is the same before and after we look how long the heads are: then both are of one
 * moment, or of one that a crash could have left, with the head of its epoch there or on its way.
 */
static enum err heads_copy(struct making *making, uint32_t client, struct why *why)
{
    char heads[BACKUP_PATH_MAX];
    char name[64];
    char path[BACKUP_PATH_MAX];
    char *before = NULL;
    char *after = NULL;
    size_t before_size = 0;
    size_t after_size = 0;
    uint64_t size = 0;
    bool same = false;
    struct disk *disk = making->run.disk;
    (void)snprintf(name, sizeof name, "archive/heads/%u.heads", client);
    (void)snprintf(path, sizeof path, "%s/%u.sign", making->run.keys, client);
    enum err err = path_make(making, name, heads, sizeof heads);
    for (unsigned i = 0; i < SIGN_TRIES && err == OK && !same; i++) {
        free(before);
        free(after);
        before = after = NULL;
        err = disk_read_whole(disk, path, 4096, &before, &before_size, NULL);
        err = err == OK ? heads_size(making, heads, &size) : err;
        err = err == OK ? disk_read_whole(disk, path, 4096, &after, &after_size, NULL) : err;
        same = err == OK && str_equal(str_of(before, before_size), str_of(after, after_size));
    }
    if (err == ERR_NOT_FOUND) { /* whose keys are gone keeps its heads */
        err = copy_file(&making->run, name, client, UINT64_MAX, true, why);
    } else if (err == OK && !same) {
        err = ERR_AGAIN;
    } else if (err == OK) {
        err = copy_file(&making->run, name, client, size, true, why);
        (void)snprintf(name, sizeof name, "keys/%u.sign", client);
        err = err == OK ? copy_bytes(&making->run, name, client, str_of(before, before_size), why)
                        : err;
    }
    if (before != NULL) {
        secret_forget(before, before_size);
    }
    if (after != NULL) {
        secret_forget(after, after_size);
    }
    free(before);
    free(after);
    return err;
}

static enum err heads_copy_all(struct making *making, const struct str *names, size_t count,
                               struct why *why)
{
    enum err err = OK;
    for (size_t i = 0; i < count && err == OK; i++) {
        uint32_t client = str_ends(names[i], STR(".heads")) ? name_client(names[i]) : 0;
        err = client != 0 ? heads_copy(making, client, why) : OK;
    }
    return err;
}

/* All of the archive but journals, heads and states: folders of files that never change. */
static enum err folders_copy(struct making *making, struct why *why)
{
    static const char *const elsewhere[] = {"heads", "states", "debris", "stamps"};
    char path[BACKUP_PATH_MAX];
    char below[BACKUP_FILE_NAME_MAX];
    struct str *names;
    size_t count = 0;
    struct arena *mem = arena_new((size_t)64 << 20);
    enum err err = mem == NULL ? ERR_MEMORY : path_make(making, "archive/heads", path, sizeof path);
    err = err == OK ? names_list(making->run.disk, path, mem, &names, &count) : err;
    err = err == OK ? heads_copy_all(making, names, count, why) : err;
    err = err == OK ? path_make(making, "archive", path, sizeof path) : err;
    err = err == OK ? names_list(making->run.disk, path, mem, &names, &count) : err;
    for (size_t i = 0; i < count && err == OK; i++) {
        bool folder = str_find_byte(names[i], '.') == STR_NONE && !str_equal(names[i], STR("lock"));
        for (size_t j = 0; j < sizeof elsewhere / sizeof elsewhere[0]; j++) {
            folder = folder && !str_equal(names[i], str_from(elsewhere[j]));
        }
        int printed = snprintf(below, sizeof below, "archive/%.*s", STR_ARG(names[i]));
        if (folder && printed < (int)sizeof below) {
            err = copy_folder(&making->run, below, true, why);
        }
    }
    arena_free(mem);
    return err;
}

static enum err journals_copy(struct making *making, struct why *why)
{
    struct str rest = buf_str(&making->ends);
    enum err err = OK;
    while (rest.size > 0 && err == OK) {
        char path[64];
        uint64_t number = 0;
        uint64_t end = 0;
        struct str line = str_cut(&rest, '\n');
        err = str_to_u64(str_cut(&line, ' '), UINT64_MAX, &number);
        err = err == OK ? str_to_u64(line, UINT64_MAX, &end) : err;
        (void)snprintf(path, sizeof path, "archive/%010llu.journal", (unsigned long long)number);
        err = err == OK ? copy_file(&making->run, path, 0, end, true, why) : err;
    }
    return err;
}

static enum err earlier_copy(struct making *making, struct why *why)
{
    char path[BACKUP_PATH_MAX];
    bool there = false;
    enum err err = path_make(making, "files/positions", path, sizeof path);
    err = err == OK ? disk_exists(making->run.disk, path, &there) : err;
    if (err == OK && there) {
        err = copy_file(&making->run, "files/positions", 0, UINT64_MAX, false, why);
    }
    return err == OK ? copy_folder(&making->run, "archive/states", false, why) : err;
}

static enum err moment_copy(struct making *making, struct why *why)
{
    enum err err = still_begin(making, why);
    err = err == OK ? copy_file(&making->run, "ledger/ledger.db", 0, UINT64_MAX, false, why) : err;
    err = err == OK ? copy_folder(&making->run, "archive/stamps", true, why) : err;
    err = err == OK ? folders_copy(making, why) : err;
    return err == OK ? still_end(making, why) : err;
}

static enum err all_copy(struct making *making, struct why *why)
{
    enum err err = earlier_copy(making, why);
    for (unsigned tries = 0; err == OK; tries++) {
        struct backup_report report = making->run.report;
        why->text[0] = '\0';
        err = moment_copy(making, why);
        if (err != ERR_AGAIN || tries == TRIES) {
            break;
        }
        report.bytes_written = making->run.report.bytes_written;
        making->run.report = report;
        err = OK;
    }
    err = err == OK ? journals_copy(making, why) : err;
    err = err == OK ? sets_finish(&making->run, why) : err;
    return err == OK ? sets_prune(&making->run, why) : err;
}

/* A backup inside of what it saves would grow without end, and be lost with it. */
static bool lies_in(const char *path, const char *folder)
{
    size_t size = strlen(folder);
    return strncmp(path, folder, size) == 0 && (path[size] == '/' || path[size] == '\0');
}

enum err backup_make(const struct backup_options *options, struct wall now,
                     struct backup_report *ret, struct why *why)
{
    struct making making = {.run = {.disk = options->disk,
                                    .data = options->data,
                                    .keys = options->keys,
                                    .to = options->to,
                                    .now = now,
                                    .keep = options->keep > 0 ? options->keep : 1}};
    if (lies_in(options->to, options->data) || lies_in(options->to, options->keys)) {
        return why_say(why, ERR_DENIED, 0, "%s lies in what it is to save", options->to);
    }
    buf_init(&making.ends, ENDS_SIZE_MAX);
    enum err err = lock_take(&making, "archive/backup.lock", &making.lock, why);
    err = err == OK ? sets_begin(&making.run, why) : err;
    err = err == OK ? all_copy(&making, why) : err;
    folder_leave(&making);
    sets_done(&making.run);
    file_close(making.lock);
    buf_done(&making.ends);
    if (err == OK) {
        *ret = making.run.report;
    }
    return err;
}
