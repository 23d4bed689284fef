/*
 * Copying files into sets, and what becomes of a set at the end of a run.
 *
 *     file ──► pieces of the run before, as far as the file is still the same
 *          └─► one piece of what came behind them
 *
 * Always true: a piece is on disk, and its name too, before a list names it; lists are written
 * before older ones are removed, and pieces are removed only when no list that is kept names them.
 * So a run that is killed leaves the backup before it whole, and some bytes that the next run
 * removes.
 */

#include "serve/backup_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/random.h"

#define PRINT_SIZE   4096
#define DEPTH_MAX    4
#define NAMES_MEMORY ((size_t)1 << 30)

/* ---- Sets. */

static enum err old_read(struct backup_run *run, struct set *set)
{
    const struct list_set *known = NULL;
    struct sha256 hash;
    for (size_t i = 0; i < run->known_count; i++) {
        known = run->known[i].client == set->client ? &run->known[i] : known;
    }
    if (run->before == 0 || (set->client != 0 && known == NULL)) {
        return OK;
    }
    enum err err =
        list_read(run->disk, run->to, set->client, run->before, set->key, &set->old, &hash, NULL);
    set->old_known = err == OK && (known == NULL || sha256_equal(&hash, &known->hash));
    /* What cannot be read is no reason not to back up: then all is copied anew. */
    return err == ERR_MEMORY || err == ERR_IO ? err : OK;
}

static enum err set_new(struct backup_run *run, uint32_t client, struct set **ret, struct why *why)
{
    char folder[BACKUP_PATH_MAX];
    if (run->sets_count == run->sets_capacity) {
        size_t capacity = run->sets_capacity == 0 ? 64 : run->sets_capacity * 2;
        struct set *larger = realloc(run->sets, capacity * sizeof *larger);
        if (larger == NULL) {
            return ERR_MEMORY;
        }
        run->sets = larger;
        run->sets_capacity = capacity;
    }
    struct set *set = &run->sets[run->sets_count];
    *set = (struct set){.client = client};
    enum err err = client == 0 ? backup_key(run->disk, run->keys, true, set->key, why)
                               : set_key(run->disk, run->keys, client, set->key, why);
    if (err == ERR_NOT_FOUND && client != 0) {
        set->keyless = true;
        run->report.keyless++;
        err = OK;
    } else if (err == OK) {
        err = list_new(&set->fresh);
        set->fresh.client = client;
        set->fresh.generation = run->generation;
        set->fresh.made = run->now;
        err = err == OK ? set_folder(run->to, client, folder, sizeof folder) : err;
        err = err == OK ? disk_make_folder(run->disk, folder) : err;
        err = err == OK ? disk_sync_folder(run->disk, run->to) : err;
        err = err == OK ? old_read(run, set) : err;
    }
    if (err == OK) {
        run->sets_count++;
        *ret = set;
    }
    return err;
}

static enum err set_get(struct backup_run *run, uint32_t client, struct set **ret, struct why *why)
{
    struct set *set = NULL;
    enum err err = OK;
    for (size_t i = run->sets_count; i > 0 && set == NULL; i--) {
        set = run->sets[i - 1].client == client ? &run->sets[i - 1] : NULL;
    }
    if (set == NULL) {
        err = set_new(run, client, &set, why);
    }
    *ret = err == OK && set->keyless ? &run->sets[0] : set;
    return err;
}

enum err sets_begin(struct backup_run *run, struct why *why)
{
    uint64_t *numbers = NULL;
    size_t count = 0;
    struct set *installation;
    enum err err = disk_make_folder(run->disk, run->to);
    if (err != OK) {
        return why_say(why, err, 0, "%s: %s", run->to, err_text(err));
    }
    err = set_generations(run->disk, run->to, 0, &numbers, &count);
    if (err != OK) {
        return why_say(why, err, 0, "%s: %s", run->to, err_text(err));
    }
    run->before = count > 0 ? numbers[count - 1] : 0;
    run->generation = run->before + 1;
    free(numbers);
    err = set_new(run, 0, &installation, why);
    if (err == OK && installation->old_known) {
        run->known = installation->old.sets;
        run->known_count = installation->old.sets_count;
    }
    return err;
}

void sets_done(struct backup_run *run)
{
    for (size_t i = 0; i < run->sets_count; i++) {
        list_done(&run->sets[i].old);
        list_done(&run->sets[i].fresh);
    }
    if (run->sets != NULL) {
        secret_forget(run->sets, run->sets_count * sizeof *run->sets);
    }
    free(run->sets);
    run->sets = NULL;
    run->sets_count = run->sets_capacity = 0;
}

/* ---- One file. */

/* Of a file's first and last bytes before `end`: what is the same in both of these and has the same
 * length is the same file, since journals, heads and segments have hashes of all before at their
 * end. */
static enum err print_make(const struct piece_source *source, uint64_t end, struct sha256 *ret)
{
    char first[PRINT_SIZE];
    char last[PRINT_SIZE];
    size_t size = end < PRINT_SIZE ? (size_t)end : PRINT_SIZE;
    size_t got = size;
    enum err err = OK;
    if (source->file == NULL) {
        memcpy(first, source->bytes.data, size);
        memcpy(last, source->bytes.data + end - size, size);
    } else {
        err = file_read(source->file, 0, first, size, &got);
        if (err == OK && got == size) {
            err = file_read(source->file, end - size, last, size, &got);
        }
    }
    const struct str parts[] = {str_of(first, size), str_of(last, size)};
    *ret = sha256_of(parts, 2);
    return err == OK && got != size ? ERR_CORRUPT : err;
}

static enum err piece_path(const struct backup_run *run, const struct set *set, const char *name,
                           char *path, size_t size)
{
    char folder[BACKUP_PATH_MAX];
    enum err err = set_folder(run->to, set->client, folder, sizeof folder);
    int printed = err == OK ? snprintf(path, size, "%s/%s.piece", folder, name) : -1;
    return printed < 0 || (size_t)printed >= size ? ERR_LIMIT : OK;
}

/* Which of the pieces that there are still say what the file says; *ret_known 0: none. */
static enum err pieces_reuse(const struct backup_run *run, const struct set *set,
                             const struct piece_source *source, struct list_file *file,
                             size_t *ret_known)
{
    const struct list_file *old = set->old_known ? list_find(&set->old, file->path) : NULL;
    struct sha256 print;
    char path[BACKUP_PATH_MAX];
    *ret_known = 0;
    if (old == NULL || !file->grows || !old->grows || list_file_size(old) > source->to) {
        return OK;
    }
    enum err err = print_make(source, list_file_size(old), &print);
    bool same = err == OK && sha256_equal(&print, &old->print) &&
                (old->pieces_count < BACKUP_PIECES_MAX || list_file_size(old) == source->to);
    for (size_t i = 0; err == OK && same && i < old->pieces_count; i++) {
        err = piece_path(run, set, old->pieces[i].name, path, sizeof path);
        err = err == OK ? disk_exists(run->disk, path, &same) : err;
    }
    if (err == OK && same) {
        memcpy(file->pieces, old->pieces, old->pieces_count * sizeof *old->pieces);
        *ret_known = old->pieces_count;
    }
    return err;
}

static enum err piece_add(struct backup_run *run, struct set *set,
                          const struct piece_source *source, struct list_piece *ret,
                          struct why *why)
{
    char path[BACKUP_PATH_MAX];
    uint8_t name[(BACKUP_NAME_SIZE - 1) / 2];
    struct sealed piece = {.kind = SEALED_BYTES, .client = set->client};
    memcpy(piece.key, set->key, sizeof piece.key);
    random_bytes(name, sizeof name);
    *ret = (struct list_piece){.from = source->from, .to = source->to};
    (void)hex_print(name, sizeof name, ret->name);
    enum err err = piece_path(run, set, ret->name, path, sizeof path);
    err =
        err == OK ? piece_write(run->disk, path, &piece, source, &ret->size, &ret->hash, why) : err;
    secret_forget(&piece, sizeof piece);
    run->report.bytes_new += source->to - source->from;
    run->report.bytes_written += ret->size;
    return err;
}

static enum err source_copy(struct backup_run *run, const char *path, uint32_t client,
                            struct piece_source *source, bool grows, struct why *why)
{
    struct list_piece pieces[BACKUP_PIECES_MAX];
    struct list_file file = {.path = str_from(path), .grows = grows, .pieces = pieces};
    struct set *set;
    if (!list_path_valid(file.path)) {
        return why_say(why, ERR_UNSUPPORTED, 0, "%s: no name of a file of ours", path);
    }
    enum err err = set_get(run, client, &set, why);
    err = err == OK ? print_make(source, source->to, &file.print) : err;
    err = err == OK ? pieces_reuse(run, set, source, &file, &file.pieces_count) : err;
    if (err != OK) {
        return err;
    }
    source->from = list_file_size(&file);
    if (source->from < source->to) {
        err = piece_add(run, set, source, &pieces[file.pieces_count], why);
        file.pieces_count++;
        run->report.files_new++;
    }
    run->report.files++;
    run->report.bytes += source->to;
    return err == OK ? list_add(&set->fresh, &file) : err;
}

/* Journals and segments are packed and sealed already. */
static bool packs(struct str path)
{
    return !str_ends(path, STR(".journal")) && !str_ends(path, STR(".segment"));
}

enum err copy_file(struct backup_run *run, const char *path, uint32_t client, uint64_t end,
                   bool grows, struct why *why)
{
    char full[BACKUP_PATH_MAX];
    struct piece_source source = {.to = end, .pack = packs(str_from(path))};
    uint64_t size = 0;
    (void)snprintf(full, sizeof full, "%s/%s", run->data, path);
    enum err err = disk_open(run->disk, full, DISK_READ, &source.file, why);
    if (err != OK) {
        return err;
    }
    err = file_size(source.file, &size);
    if (err == OK && end == UINT64_MAX) {
        source.to = size;
    } else if (err == OK && size < end) {
        err = why_say(why, ERR_CORRUPT, 0, "%s is shorter than what was committed", full);
    }
    err = err == OK ? source_copy(run, path, client, &source, grows, why) : err;
    file_close(source.file);
    if (err != OK && why->text[0] == '\0') {
        (void)why_say(why, err, 0, "%s: %s", path, err_text(err));
    }
    return err;
}

enum err copy_bytes(struct backup_run *run, const char *path, uint32_t client, struct str bytes,
                    struct why *why)
{
    struct piece_source source = {.bytes = bytes, .to = bytes.size, .pack = true};
    return source_copy(run, path, client, &source, false, why);
}

/* ---- Folders. */

struct names {
    struct arena *mem;
    struct str *list;
    size_t count, capacity;
};

static enum err name_visit(void *context, const char *name)
{
    struct names *names = context;
    if (names->count == names->capacity) {
        size_t capacity = names->capacity == 0 ? 256 : names->capacity * 2;
        struct str *larger = ARENA_ARRAY(names->mem, struct str, capacity);
        if (larger == NULL) {
            return ERR_MEMORY;
        }
        if (names->count > 0) {
            memcpy(larger, names->list, names->count * sizeof *larger);
        }
        names->list = larger;
        names->capacity = capacity;
    }
    return arena_copy(names->mem, str_from(name), &names->list[names->count++]);
}

static int names_compare(const void *a, const void *b)
{
    const struct str *x = a;
    const struct str *y = b;
    return str_compare(*x, *y);
}

enum err names_list(struct disk *disk, const char *folder, struct arena *mem, struct str **ret,
                    size_t *ret_count)
{
    struct names names = {.mem = mem};
    bool there = false;
    enum err err = disk_exists(disk, folder, &there);
    err = err == OK && there ? disk_list(disk, folder, name_visit, &names) : err;
    if (err == OK && names.count > 0) {
        qsort(names.list, names.count, sizeof *names.list, names_compare);
    }
    *ret = names.list;
    *ret_count = names.count;
    return err;
}

uint32_t name_client(struct str name)
{
    size_t digits = 0;
    uint64_t client = 0;
    while (digits < name.size && name.data[digits] >= '0' && name.data[digits] <= '9') {
        digits++;
    }
    bool ends = digits == name.size || name.data[digits] == '.' || name.data[digits] == '-';
    return ends && str_to_u64(str_slice(name, 0, digits), UINT32_MAX, &client) == OK
               ? (uint32_t)client
               : 0;
}

/* Files have a dot in their names, folders have none; what ends in .new was never finished. */
static enum err folder_walk(struct backup_run *run, const char *path, uint32_t client, bool grows,
                            unsigned depth, struct why *why)
{
    char full[BACKUP_PATH_MAX];
    char below[BACKUP_FILE_NAME_MAX];
    struct str *names;
    size_t count = 0;
    struct arena *mem = arena_new(NAMES_MEMORY);
    (void)snprintf(full, sizeof full, "%s/%s", run->data, path);
    enum err err = mem == NULL ? ERR_MEMORY : names_list(run->disk, full, mem, &names, &count);
    for (size_t i = 0; i < count && err == OK; i++) {
        uint32_t whose = client != 0 ? client : name_client(names[i]);
        int printed = snprintf(below, sizeof below, "%s/%.*s", path, STR_ARG(names[i]));
        if (str_ends(names[i], STR(".new")) || printed >= (int)sizeof below) {
            continue;
        }
        if (str_find_byte(names[i], '.') != STR_NONE) {
            err = copy_file(run, below, whose, UINT64_MAX, grows, why);
        } else if (depth < DEPTH_MAX) {
            err = folder_walk(run, below, whose, grows, depth + 1, why);
        }
    }
    arena_free(mem);
    return err;
}

enum err copy_folder(struct backup_run *run, const char *path, bool grows, struct why *why)
{
    return folder_walk(run, path, 0, grows, 0, why);
}

/* ---- The end of a run. */

enum err sets_finish(struct backup_run *run, struct why *why)
{
    enum err err = OK;
    struct list_set named = {0};
    for (size_t i = 1; i < run->sets_count && err == OK; i++) {
        struct set *set = &run->sets[i];
        if (!set->keyless) {
            err = list_write(run->disk, run->to, &set->fresh, set->key, &named.hash, why);
            named.client = set->client;
            err = err == OK ? list_add_set(&run->sets[0].fresh, named) : err;
            run->report.sets++;
        }
    }
    run->report.sets++;
    run->report.generation = run->generation;
    return err == OK ? list_write(run->disk, run->to, &run->sets[0].fresh, run->sets[0].key,
                                  &named.hash, why)
                     : err;
}

/* What the lists of one set that are kept name. */
static enum err needed_gather(struct backup_run *run, const struct set *set, uint64_t oldest,
                              struct map *needed)
{
    uint64_t *numbers = NULL;
    size_t count = 0;
    enum err err = set_generations(run->disk, run->to, set->client, &numbers, &count);
    for (size_t i = 0; i < count && err == OK; i++) {
        struct list list = {0};
        if (numbers[i] < oldest) {
            continue;
        }
        err = list_read(run->disk, run->to, set->client, numbers[i], set->key, &list, NULL, NULL);
        for (size_t j = 0; j < list.files_count && err == OK; j++) {
            for (size_t k = 0; k < list.files[j].pieces_count && err == OK; k++) {
                err = map_put(needed, str_from(list.files[j].pieces[k].name), 1);
            }
        }
        list_done(&list);
    }
    free(numbers);
    return err;
}

static bool is_needed(struct str name, uint64_t oldest, const struct map *needed)
{
    uint64_t value;
    if (str_ends(name, STR(".piece"))) {
        return map_get(needed, str_slice(name, 0, name.size - 6), &value);
    }
    if (str_ends(name, STR(".list"))) {
        return str_to_u64(str_slice(name, 0, name.size - 5), UINT64_MAX, &value) != OK ||
               value >= oldest;
    }
    return !str_ends(name, STR(".new"));
}

static enum err set_prune(struct backup_run *run, const struct set *set, uint64_t oldest)
{
    char folder[BACKUP_PATH_MAX];
    char path[BACKUP_PATH_MAX];
    struct map needed;
    struct str *names;
    size_t count = 0;
    struct arena *mem = arena_new(NAMES_MEMORY);
    map_init(&needed, BACKUP_FILES_MAX * BACKUP_PIECES_MAX, random_u64());
    enum err err = mem == NULL ? ERR_MEMORY : needed_gather(run, set, oldest, &needed);
    err = err == OK ? set_folder(run->to, set->client, folder, sizeof folder) : err;
    err = err == OK ? names_list(run->disk, folder, mem, &names, &count) : err;
    for (size_t i = 0; i < count && err == OK; i++) {
        if (!is_needed(names[i], oldest, &needed)) {
            int printed = snprintf(path, sizeof path, "%s/%.*s", folder, STR_ARG(names[i]));
            err = printed >= (int)sizeof path ? ERR_LIMIT : disk_remove(run->disk, path);
            run->report.removed += err == OK;
        }
    }
    map_done(&needed);
    arena_free(mem);
    return err;
}

enum err sets_prune(struct backup_run *run, struct why *why)
{
    uint64_t *numbers = NULL;
    size_t count = 0;
    enum err err = set_generations(run->disk, run->to, 0, &numbers, &count);
    if (err != OK || count == 0) {
        return err;
    }
    uint64_t oldest = numbers[count > run->keep ? count - run->keep : 0];
    free(numbers);
    for (size_t i = 0; i < run->sets_count && err == OK; i++) {
        if (run->sets[i].keyless) {
            continue;
        }
        err = set_prune(run, &run->sets[i], oldest);
        if (err == ERR_CORRUPT || err == ERR_NOT_FOUND || err == ERR_UNSUPPORTED) {
            err = OK; /* one of its lists cannot be read: then nothing of it is thrown away */
        }
    }
    return err == OK ? OK : why_say(why, err, 0, "%s: %s", run->to, err_text(err));
}
