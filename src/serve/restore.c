/*
 * Restoring: a backup's files, put beside where they belong and moved there when all is whole.
 *
 *     FROM/installation ─┐                        ┌► DATA.restoring ──► DATA
 *     FROM/client-N ─────┴► each piece, opened ───┤
 *                                                 └► KEYS/N.sign, once all the rest is on disk
 *
 * Always true: DATA is there whole, or not at all; each piece, list or key that is missing or
 * damaged is named, with the bytes of the file that it costs; without `partial` one of them is
 * enough for nothing to be restored.
 */

#include "serve/backup_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A signing key, kept until all the rest is on disk. */
struct sign {
    uint32_t client;
    size_t size;
    char bytes[1024];
};

struct restoring {
    const struct restore_options *options;
    restore_call *call;
    void *context;
    char data[BACKUP_PATH_MAX]; /* DATA.restoring */
    struct restore_report report;
    struct file *file; /* being written; NULL: only checked */
    struct sign *sign; /* being read; NULL: a file is */
    uint64_t at, end;
    struct sign *signs;
    size_t signs_count, signs_capacity;
    struct why *why;
};

static void damage_say(struct restoring *restoring, const char *place, const char *what)
{
    restoring->report.damaged++;
    restoring->call(restoring->context, place, what);
}

/* Whether the whole fails with it, or a place is only named. */
static bool is_damage(enum err err)
{
    return err == ERR_CORRUPT || err == ERR_NOT_FOUND || err == ERR_UNSUPPORTED;
}

/* ---- One file. */

static enum err bytes_take(void *context, struct str bytes)
{
    struct restoring *restoring = context;
    if (bytes.size > restoring->end - restoring->at) {
        return ERR_CORRUPT;
    }
    if (restoring->sign != NULL) {
        memcpy(restoring->sign->bytes + restoring->at, bytes.data, bytes.size);
    }
    enum err err = restoring->file != NULL
                       ? file_write(restoring->file, restoring->at, bytes.data, bytes.size)
                       : OK;
    restoring->at += err == OK ? bytes.size : 0;
    return err;
}

static enum err piece_restore(struct restoring *restoring, const struct sealed *piece,
                              const struct list_file *file, const struct list_piece *listed)
{
    char path[BACKUP_PATH_MAX];
    char folder[BACKUP_PATH_MAX];
    char place[BACKUP_PATH_MAX];
    struct sha256 hash = {0};
    struct why why = {0};
    restoring->at = listed->from;
    restoring->end = listed->to;
    enum err err = set_folder(restoring->options->from, piece->client, folder, sizeof folder);
    int printed = snprintf(path, sizeof path, "%s/%s.piece", folder, listed->name);
    err = err == OK && printed >= (int)sizeof path ? ERR_LIMIT : err;
    err = err == OK ? piece_read(restoring->options->disk, path, piece, bytes_take, restoring,
                                 &hash, &why)
                    : err;
    if (err == OK && (restoring->at != listed->to || !sha256_equal(&hash, &listed->hash))) {
        err = why_say(&why, ERR_CORRUPT, 0, "%s is another piece", path);
    }
    if (is_damage(err)) {
        (void)snprintf(place, sizeof place, "%s, bytes %llu to %llu", file->path.data,
                       (unsigned long long)restoring->at, (unsigned long long)listed->to);
        damage_say(restoring, place, why_text(&why, err));
        return OK;
    }
    return err == OK ? OK : why_say(restoring->why, err, 0, "%s", why_text(&why, err));
}

/* The folders above a file, each synced into the one above it once it is made. */
static enum err folders_make(struct disk *disk, char *path)
{
    enum err err = OK;
    for (char *slash = strchr(path + 1, '/'); slash != NULL && err == OK;
         slash = strchr(slash + 1, '/')) {
        bool there = false;
        *slash = '\0';
        err = disk_exists(disk, path, &there);
        err = err == OK && !there ? disk_make_folder(disk, path) : err;
        *slash = '/';
    }
    return err;
}

static enum err sign_begin(struct restoring *restoring, const struct list_file *file)
{
    struct str name = str_slice(file->path, 5, file->path.size);
    uint64_t size = list_file_size(file);
    if (restoring->signs_count == restoring->signs_capacity) {
        size_t capacity = restoring->signs_capacity == 0 ? 64 : restoring->signs_capacity * 2;
        struct sign *larger = realloc(restoring->signs, capacity * sizeof *larger);
        if (larger == NULL) {
            return ERR_MEMORY;
        }
        restoring->signs = larger;
        restoring->signs_capacity = capacity;
    }
    struct sign *sign = &restoring->signs[restoring->signs_count];
    if (name_client(name) == 0 || !str_ends(name, STR(".sign")) || size > sizeof sign->bytes) {
        return why_say(restoring->why, ERR_UNSUPPORTED, 0, "%s: no file of this version",
                       file->path.data);
    }
    *sign = (struct sign){.client = name_client(name), .size = (size_t)size};
    restoring->signs_count++;
    restoring->sign = sign;
    return OK;
}

static enum err file_begin(struct restoring *restoring, const struct list_file *file)
{
    char path[BACKUP_PATH_MAX];
    struct disk *disk = restoring->options->disk;
    restoring->sign = NULL;
    if (str_starts(file->path, STR("keys/"))) {
        return sign_begin(restoring, file);
    }
    if (restoring->options->data == NULL) {
        return OK;
    }
    int printed = snprintf(path, sizeof path, "%s/%.*s", restoring->data, STR_ARG(file->path));
    enum err err = printed >= (int)sizeof path ? ERR_LIMIT : folders_make(disk, path);
    err = err == OK ? disk_open(disk, path, DISK_WRITE_CREATE, &restoring->file, restoring->why)
                    : err;
    err = err == OK ? file_truncate(restoring->file, 0) : err;
    return err == OK ? file_truncate(restoring->file, list_file_size(file)) : err;
}

/* Its name, and the names of the folders that it lies in. */
static enum err name_sync(struct restoring *restoring, const struct list_file *file)
{
    char path[BACKUP_PATH_MAX];
    int printed = snprintf(path, sizeof path, "%s/%.*s", restoring->data, STR_ARG(file->path));
    enum err err = printed >= (int)sizeof path ? ERR_LIMIT : OK;
    size_t top = strlen(restoring->data);
    for (char *slash = strrchr(path, '/'); err == OK && slash != NULL && slash >= path + top;
         slash = strrchr(path, '/')) {
        *slash = '\0';
        err = disk_sync_folder(restoring->options->disk, path);
    }
    return err;
}

static enum err file_restore(struct restoring *restoring, const struct sealed *piece,
                             const struct list_file *file)
{
    uint64_t damaged = restoring->report.damaged;
    enum err err = file_begin(restoring, file);
    for (size_t i = 0; i < file->pieces_count && err == OK; i++) {
        err = piece_restore(restoring, piece, file, &file->pieces[i]);
    }
    if (restoring->sign != NULL && restoring->report.damaged > damaged) {
        secret_forget(restoring->sign, sizeof *restoring->sign);
        restoring->signs_count--; /* a part of a key is none, and must not replace one */
        restoring->sign = NULL;
    }
    if (restoring->file != NULL) {
        err = err == OK ? file_sync(restoring->file) : err;
        file_close(restoring->file);
        restoring->file = NULL;
        err = err == OK ? name_sync(restoring, file) : err;
    }
    restoring->report.files++;
    restoring->report.bytes += list_file_size(file);
    return err;
}

/* ---- One set. */

/* Reads the set's list; ERR_NOT_FOUND after a complaint if there is no reading it. */
static enum err set_open(struct restoring *restoring, uint32_t client, const struct sha256 *hash,
                         struct sealed *piece, struct list *list)
{
    const struct restore_options *options = restoring->options;
    char place[64];
    struct why why = {0};
    struct sha256 got;
    (void)snprintf(place, sizeof place, client == 0 ? "the installation" : "all of client %u",
                   client);
    *piece = (struct sealed){.kind = SEALED_BYTES, .client = client};
    enum err err = set_key(options->disk, options->keys, client, piece->key, &why);
    err = err == OK ? list_read(options->disk, options->from, client, restoring->report.generation,
                                piece->key, list, &got, &why)
                    : err;
    if (err == OK && hash != NULL && !sha256_equal(hash, &got)) {
        list_done(list);
        err = why_say(&why, ERR_CORRUPT, 0, "its list is not the one that the installation names");
    }
    if (is_damage(err)) {
        damage_say(restoring, place, why_text(&why, err));
        return ERR_NOT_FOUND;
    }
    return err == OK ? OK : why_say(restoring->why, err, 0, "%s", why_text(&why, err));
}

static enum err files_restore(struct restoring *restoring, const struct sealed *piece,
                              const struct list *list)
{
    enum err err = OK;
    for (size_t i = 0; i < list->files_count && err == OK; i++) {
        err = file_restore(restoring, piece, &list->files[i]);
    }
    restoring->report.sets++;
    return err;
}

static enum err sets_restore(struct restoring *restoring)
{
    struct sealed piece;
    struct list installation = {0};
    enum err err = set_open(restoring, 0, NULL, &piece, &installation);
    if (err != OK) {
        return err == ERR_NOT_FOUND ? ERR_CORRUPT : err;
    }
    restoring->report.made = installation.made;
    err = files_restore(restoring, &piece, &installation);
    for (size_t i = 0; i < installation.sets_count && err == OK; i++) {
        struct list list = {0};
        const struct list_set *set = &installation.sets[i];
        err = set_open(restoring, set->client, &set->hash, &piece, &list);
        err = err == OK ? files_restore(restoring, &piece, &list) : err;
        err = err == ERR_NOT_FOUND ? OK : err;
        list_done(&list);
    }
    secret_forget(&piece, sizeof piece);
    list_done(&installation);
    return err;
}

/* ---- Putting it where it belongs. */

static enum err signs_put(struct restoring *restoring)
{
    const struct restore_options *options = restoring->options;
    char path[BACKUP_PATH_MAX];
    enum err err = OK;
    for (size_t i = 0; i < restoring->signs_count && err == OK; i++) {
        const struct sign *sign = &restoring->signs[i];
        int printed = snprintf(path, sizeof path, "%s/%u.sign", options->keys, sign->client);
        err = printed >= (int)sizeof path
                  ? ERR_LIMIT
                  : disk_replace(options->disk, path, str_of(sign->bytes, sign->size));
    }
    return err;
}

static enum err folders_sync(struct disk *disk, const char *folder)
{
    static const char *const below[] = {"archive/heads", "archive/states", "archive",
                                        "ledger",        "files",          ""};
    enum err err = OK;
    for (size_t i = 0; i < sizeof below / sizeof below[0] && err == OK; i++) {
        char path[BACKUP_PATH_MAX + 32];
        bool there = false;
        (void)snprintf(path, sizeof path, "%s/%s", folder, below[i]);
        err = disk_exists(disk, path, &there);
        err = err == OK && there ? disk_sync_folder(disk, path) : err;
    }
    return err;
}

static enum err data_move(struct restoring *restoring)
{
    const struct restore_options *options = restoring->options;
    char around[BACKUP_PATH_MAX];
    enum err err = folders_sync(options->disk, restoring->data);
    err = err == OK ? signs_put(restoring) : err;
    err = err == OK ? disk_rename(options->disk, restoring->data, options->data) : err;
    (void)snprintf(around, sizeof around, "%s", options->data);
    char *slash = strrchr(around, '/');
    if (slash != NULL) {
        slash[slash == around] = '\0';
    }
    return err == OK ? disk_sync_folder(options->disk, slash == NULL ? "." : around) : err;
}

static enum err generation_find(struct restoring *restoring)
{
    const struct restore_options *options = restoring->options;
    uint64_t *numbers = NULL;
    size_t count = 0;
    enum err err = set_generations(options->disk, options->from, 0, &numbers, &count);
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        found |= options->generation == 0 || numbers[i] == options->generation;
        restoring->report.generation = options->generation != 0 ? options->generation : numbers[i];
    }
    free(numbers);
    if (err != OK) {
        return why_say(restoring->why, err, 0, "%s: %s", options->from, err_text(err));
    }
    return found ? OK
                 : why_say(restoring->why, ERR_NOT_FOUND, 0, "%s: there is no such backup",
                           options->from);
}

enum err backup_restore(const struct restore_options *options, restore_call *call, void *context,
                        struct restore_report *ret, struct why *why)
{
    struct restoring restoring = {.options = options, .call = call, .context = context, .why = why};
    bool there = false;
    enum err err = OK;
    if (options->data != NULL) {
        int printed =
            snprintf(restoring.data, sizeof restoring.data, "%s.restoring", options->data);
        err = printed >= (int)sizeof restoring.data
                  ? ERR_LIMIT
                  : disk_exists(options->disk, options->data, &there);
        if (err == OK && there) {
            return why_say(why, ERR_EXISTS, 0, "%s is there already; move it away first",
                           options->data);
        }
    }
    err = err == OK ? generation_find(&restoring) : err;
    err = err == OK ? sets_restore(&restoring) : err;
    bool whole = restoring.report.damaged == 0;
    if (err == OK && options->data != NULL && (whole || options->partial)) {
        err = data_move(&restoring);
    }
    if (restoring.signs != NULL) {
        secret_forget(restoring.signs, restoring.signs_count * sizeof *restoring.signs);
    }
    free(restoring.signs);
    *ret = restoring.report;
    if (err == OK && !whole) {
        err = ERR_CORRUPT;
    }
    return err;
}
