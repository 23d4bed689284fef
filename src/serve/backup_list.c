/*
 * A list: what one set of a backup is made of.  It is a piece itself, so it is sealed; opened it is
 * text, a line each:
 *
 *     hinomi backup 1
 *     set CLIENT GENERATION MADE
 *     file GROWS PRINT PATH
 *     piece FROM TO SIZE HASH NAME          (of the file before)
 *     other CLIENT HASH                     (the installation's alone: another set's list)
 *     end
 *
 * Always true of what list_parse accepts: paths stay below the folder they are put in; the pieces
 * of a file lie end to end from 0; every number fits its field; "end" is the last line.
 */

#include "serve/backup_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MEMORY_MAX ((size_t)4 << 30)
#define PATH_DEPTH_MAX  8

enum err list_new(struct list *ret)
{
    *ret = (struct list){.mem = arena_new(LIST_MEMORY_MAX)};
    map_init(&ret->by_path, BACKUP_FILES_MAX, 0);
    return ret->mem == NULL ? ERR_MEMORY : OK;
}

void list_done(struct list *list)
{
    arena_free(list->mem);
    map_done(&list->by_path);
    free(list->files);
    free(list->sets);
    *list = (struct list){0};
}

/* Room for one more; false when out of memory or over the limit. */
static bool room_make(void **list, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return true;
    }
    size_t larger = *capacity == 0 ? 64 : *capacity * 2;
    void *moved = larger > BACKUP_FILES_MAX * 2 ? NULL : realloc(*list, larger * size);
    if (moved != NULL) {
        *list = moved;
        *capacity = larger;
    }
    return moved != NULL;
}

const struct list_file *list_find(const struct list *list, struct str path)
{
    uint64_t at;
    return map_get(&list->by_path, path, &at) ? &list->files[at] : NULL;
}

static enum err pieces_copy(struct list *list, const struct list_file *file,
                            struct list_piece **ret)
{
    *ret = ARENA_ARRAY(list->mem, struct list_piece, file->pieces_count + 1);
    if (*ret == NULL) {
        return ERR_MEMORY;
    }
    if (file->pieces_count > 0) {
        memcpy(*ret, file->pieces, file->pieces_count * sizeof **ret);
    }
    return OK;
}

enum err list_add(struct list *list, const struct list_file *file)
{
    struct list_file copy = *file;
    const struct list_file *there = list_find(list, file->path);
    size_t at = there != NULL ? (size_t)(there - list->files) : list->files_count;
    if (!room_make((void **)&list->files, list->files_count, &list->files_capacity,
                   sizeof *list->files)) {
        return list->files_count >= BACKUP_FILES_MAX ? ERR_LIMIT : ERR_MEMORY;
    }
    enum err err = arena_copy(list->mem, file->path, &copy.path);
    err = err == OK ? pieces_copy(list, file, &copy.pieces) : err;
    err = err == OK ? map_put(&list->by_path, copy.path, at) : err;
    if (err == OK) {
        list->files[at] = copy;
        list->files_count += at == list->files_count;
    }
    return err;
}

enum err list_add_set(struct list *list, struct list_set set)
{
    if (!room_make((void **)&list->sets, list->sets_count, &list->sets_capacity,
                   sizeof *list->sets)) {
        return ERR_MEMORY;
    }
    list->sets[list->sets_count++] = set;
    return OK;
}

uint64_t list_file_size(const struct list_file *file)
{
    return file->pieces_count == 0 ? 0 : file->pieces[file->pieces_count - 1].to;
}

static bool part_valid(struct str part)
{
    if (part.size == 0 || part.data[0] == '.') {
        return false;
    }
    for (size_t i = 0; i < part.size; i++) {
        char c = part.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '_' || c == '-')) {
            return false;
        }
    }
    return true;
}

bool list_path_valid(struct str path)
{
    struct str rest = path;
    unsigned depth = 0;
    if (path.size == 0 || path.size >= BACKUP_FILE_NAME_MAX || path.data[path.size - 1] == '/') {
        return false;
    }
    while (rest.size > 0) {
        if (++depth > PATH_DEPTH_MAX || !part_valid(str_cut(&rest, '/'))) {
            return false;
        }
    }
    return true;
}

/* ---- As text. */

enum err list_print(const struct list *list, struct buf *out)
{
    char hex[2 * SHA256_SIZE + 1];
    enum err err = buf_print(out, "hinomi backup 1\nset %u %llu %lld\n", list->client,
                             (unsigned long long)list->generation, (long long)list->made.ns);
    for (size_t i = 0; i < list->files_count && err == OK; i++) {
        const struct list_file *file = &list->files[i];
        err = buf_print(out, "file %d %s %.*s\n", file->grows,
                        hex_print(file->print.bytes, SHA256_SIZE, hex), STR_ARG(file->path));
        for (size_t j = 0; j < file->pieces_count && err == OK; j++) {
            const struct list_piece *piece = &file->pieces[j];
            err = buf_print(out, "piece %llu %llu %llu %s %s\n", (unsigned long long)piece->from,
                            (unsigned long long)piece->to, (unsigned long long)piece->size,
                            hex_print(piece->hash.bytes, SHA256_SIZE, hex), piece->name);
        }
    }
    for (size_t i = 0; i < list->sets_count && err == OK; i++) {
        err = buf_print(out, "other %u %s\n", list->sets[i].client,
                        hex_print(list->sets[i].hash.bytes, SHA256_SIZE, hex));
    }
    return err == OK ? buf_append(out, STR("end\n")) : err;
}

static enum err number_cut(struct str *line, uint64_t max, uint64_t *ret)
{
    return str_to_u64(str_cut(line, ' '), max, ret);
}

static enum err hash_cut(struct str *line, struct sha256 *ret)
{
    return hex_parse(str_cut(line, ' '), ret->bytes, SHA256_SIZE);
}

/* The file that lines are being read of. */
struct file_parse {
    struct list_file file;
    struct list_piece pieces[BACKUP_PIECES_MAX];
    bool open;
};

static enum err file_end(struct file_parse *parse, struct list *list)
{
    if (!parse->open) {
        return OK;
    }
    parse->file.pieces = parse->pieces;
    parse->open = false;
    return list_find(list, parse->file.path) != NULL ? ERR_SYNTAX : list_add(list, &parse->file);
}

static enum err file_line(struct file_parse *parse, struct str line, struct list *list)
{
    uint64_t grows = 0;
    enum err err = file_end(parse, list);
    parse->file = (struct list_file){0};
    err = err == OK ? number_cut(&line, 1, &grows) : err;
    err = err == OK ? hash_cut(&line, &parse->file.print) : err;
    if (err == OK && !list_path_valid(line)) {
        err = ERR_SYNTAX;
    }
    err = err == OK ? arena_copy(list->mem, line, &parse->file.path) : err;
    parse->file.grows = grows != 0;
    parse->open = err == OK;
    return err;
}

static enum err piece_line(struct file_parse *parse, struct str line)
{
    struct list_piece piece = {0};
    uint8_t name[(BACKUP_NAME_SIZE - 1) / 2];
    if (!parse->open || parse->file.pieces_count == BACKUP_PIECES_MAX) {
        return ERR_SYNTAX;
    }
    enum err err = number_cut(&line, UINT64_MAX, &piece.from);
    err = err == OK ? number_cut(&line, UINT64_MAX, &piece.to) : err;
    err = err == OK ? number_cut(&line, UINT64_MAX, &piece.size) : err;
    err = err == OK ? hash_cut(&line, &piece.hash) : err;
    err = err == OK ? hex_parse(line, name, sizeof name) : err;
    if (err == OK &&
        (piece.from != list_file_size(&(struct list_file){
                           .pieces = parse->pieces, .pieces_count = parse->file.pieces_count}) ||
         piece.to < piece.from)) {
        err = ERR_SYNTAX;
    }
    if (err == OK) {
        (void)hex_print(name, sizeof name, piece.name);
        parse->pieces[parse->file.pieces_count++] = piece;
    }
    return err;
}

static enum err head_line(struct str line, struct list *list)
{
    uint64_t client = 0;
    uint64_t made = 0;
    enum err err = number_cut(&line, UINT32_MAX, &client);
    err = err == OK ? number_cut(&line, UINT64_MAX, &list->generation) : err;
    err = err == OK ? number_cut(&line, INT64_MAX, &made) : err;
    list->client = (uint32_t)client;
    list->made.ns = (int64_t)made;
    return err;
}

static enum err set_line(struct str line, struct list *list)
{
    uint64_t client = 0;
    struct list_set set = {0};
    enum err err = number_cut(&line, UINT32_MAX, &client);
    err = err == OK ? hash_cut(&line, &set.hash) : err;
    set.client = (uint32_t)client;
    return err == OK && client > 0 ? list_add_set(list, set) : ERR_SYNTAX;
}

static enum err line_parse(struct str line, uint64_t number, struct file_parse *parse,
                           struct list *list)
{
    if (number == 1) {
        return str_equal(line, STR("hinomi backup 1")) ? OK : ERR_SYNTAX;
    }
    struct str word = str_cut(&line, ' ');
    if (number == 2) {
        return str_equal(word, STR("set")) ? head_line(line, list) : ERR_SYNTAX;
    }
    if (str_equal(word, STR("file"))) {
        return file_line(parse, line, list);
    }
    if (str_equal(word, STR("piece"))) {
        return piece_line(parse, line);
    }
    return str_equal(word, STR("other")) ? set_line(line, list) : ERR_SYNTAX;
}

enum err list_parse(struct str text, struct list *ret, struct why *why)
{
    struct file_parse *parse = calloc(1, sizeof *parse);
    struct list list;
    struct str rest = text;
    uint64_t number = 0;
    enum err err = list_new(&list);
    err = parse == NULL ? ERR_MEMORY : err;
    while (err == OK) {
        struct str line = str_cut(&rest, '\n');
        number++;
        if (number > 2 && str_equal(line, STR("end"))) {
            err = rest.size == 0 ? file_end(parse, &list) : ERR_SYNTAX;
            break;
        }
        err = rest.size == 0 ? ERR_SYNTAX : line_parse(line, number, parse, &list);
    }
    free(parse);
    if (err != OK) {
        list_done(&list);
        return err == ERR_MEMORY ? err
                                 : why_say(why, ERR_CORRUPT, 0, "line %llu of a list is none",
                                           (unsigned long long)number);
    }
    *ret = list;
    return OK;
}

/* ---- On disk. */

enum err set_folder(const char *to, uint32_t client, char *path, size_t size)
{
    int printed = client == 0 ? snprintf(path, size, "%s/installation", to)
                              : snprintf(path, size, "%s/client-%u", to, client);
    return printed < 0 || (size_t)printed >= size ? ERR_LIMIT : OK;
}

enum err list_path(const char *to, uint32_t client, uint64_t generation, char *path, size_t size)
{
    char folder[BACKUP_PATH_MAX];
    enum err err = set_folder(to, client, folder, sizeof folder);
    int printed =
        err == OK ? snprintf(path, size, "%s/%010llu.list", folder, (unsigned long long)generation)
                  : -1;
    return printed < 0 || (size_t)printed >= size ? ERR_LIMIT : OK;
}

enum err list_write(struct disk *disk, const char *to, const struct list *list,
                    const uint8_t key[SHA256_SIZE], struct sha256 *ret_hash, struct why *why)
{
    char path[BACKUP_PATH_MAX];
    char fresh[BACKUP_PATH_MAX + 8];
    char folder[BACKUP_PATH_MAX];
    struct buf text;
    uint64_t size;
    struct sealed piece = {.kind = SEALED_LIST, .client = list->client};
    buf_init(&text, BACKUP_LIST_SIZE_MAX);
    memcpy(piece.key, key, sizeof piece.key);
    enum err err = list_path(to, list->client, list->generation, path, sizeof path);
    err = err == OK ? set_folder(to, list->client, folder, sizeof folder) : err;
    err = err == OK ? list_print(list, &text) : err;
    if (err == OK) {
        const struct piece_source source = {.bytes = buf_str(&text), .to = text.size, .pack = true};
        (void)snprintf(fresh, sizeof fresh, "%s.new", path);
        err = piece_write(disk, fresh, &piece, &source, &size, ret_hash, why);
    }
    err = err == OK ? disk_sync_folder(disk, folder) : err; /* the pieces' names come first */
    err = err == OK ? disk_rename(disk, fresh, path) : err;
    err = err == OK ? disk_sync_folder(disk, folder) : err;
    buf_done(&text);
    secret_forget(&piece, sizeof piece);
    return err;
}

static enum err text_take(void *context, struct str bytes)
{
    return buf_append(context, bytes);
}

enum err list_read(struct disk *disk, const char *to, uint32_t client, uint64_t generation,
                   const uint8_t key[SHA256_SIZE], struct list *ret, struct sha256 *ret_hash,
                   struct why *why)
{
    char path[BACKUP_PATH_MAX];
    struct buf text;
    struct sealed piece = {.kind = SEALED_LIST, .client = client};
    buf_init(&text, BACKUP_LIST_SIZE_MAX);
    memcpy(piece.key, key, sizeof piece.key);
    enum err err = list_path(to, client, generation, path, sizeof path);
    err = err == OK ? piece_read(disk, path, &piece, text_take, &text, ret_hash, why) : err;
    secret_forget(&piece, sizeof piece);
    err = err == OK ? list_parse(buf_str(&text), ret, why) : err;
    buf_done(&text);
    if (err == OK && (ret->client != client || ret->generation != generation)) {
        list_done(ret);
        err = why_say(why, ERR_CORRUPT, 0, "%s is of another set", path);
    }
    return err;
}

struct generations {
    uint64_t *list;
    size_t count, capacity;
};

static enum err generation_visit(void *context, const char *name)
{
    struct generations *found = context;
    struct str stem = str_from(name);
    uint64_t number;
    if (!str_ends(stem, STR(".list")) ||
        str_to_u64(str_slice(stem, 0, stem.size - 5), UINT64_MAX - 1, &number) != OK) {
        return OK;
    }
    if (!room_make((void **)&found->list, found->count, &found->capacity, sizeof *found->list)) {
        return ERR_MEMORY;
    }
    found->list[found->count++] = number;
    return OK;
}

static int numbers_compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

enum err set_generations(struct disk *disk, const char *to, uint32_t client, uint64_t **ret,
                         size_t *ret_count)
{
    char folder[BACKUP_PATH_MAX];
    struct generations found = {0};
    bool there = false;
    enum err err = set_folder(to, client, folder, sizeof folder);
    err = err == OK ? disk_exists(disk, folder, &there) : err;
    err = err == OK && there ? disk_list(disk, folder, generation_visit, &found) : err;
    if (err != OK) {
        free(found.list);
        return err;
    }
    if (found.count > 0) {
        qsort(found.list, found.count, sizeof *found.list, numbers_compare);
    }
    *ret = found.list;
    *ret_count = found.count;
    return OK;
}
