#pragma once

/*
 * What the files of the backup share: pieces, which are sealed files of a set, and lists, which say
 * what a set's pieces are.  Format: docs/formats/backup.md.
 *
 *     piece_write … → list_add … → list_write        list_read → piece_read …
 *
 * Whatever is read here comes from a folder that anybody may have had: outside bytes.
 */

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/why.h"
#include "codec/crypto.h"
#include "sys/disk.h"

#define BACKUP_PATH_MAX      4096
#define BACKUP_FILE_NAME_MAX 256 /* of a file, below the data folder */
#define BACKUP_FILES_MAX     ((size_t)2000000)
#define BACKUP_PIECES_MAX    64 /* of one file: then it is copied anew, as one */
#define BACKUP_LIST_SIZE_MAX ((size_t)1 << 30)
#define BACKUP_NAME_SIZE     33 /* of a piece: 32 hexadecimal digits and a NUL */

/* ---- backup_piece.c */

enum sealed_kind { SEALED_BYTES, SEALED_LIST };

struct sealed {
    enum sealed_kind kind;
    uint32_t client;          /* 0: the installation */
    uint8_t key[SHA256_SIZE]; /* of the set */
};

/* Where a piece's bytes come from: [from, to) of a file, or of `bytes` if file is NULL. */
struct piece_source {
    struct file *file;
    struct str bytes;
    uint64_t from, to;
    bool pack; /* it may become smaller */
};

/* Writes and syncs; the folder is the caller's to sync.  *ret_hash: of the file. */
NODISCARD enum err piece_write(struct disk *disk, const char *path, const struct sealed *piece,
                               const struct piece_source *source, uint64_t *ret_size,
                               struct sha256 *ret_hash, struct why *why);
/* Gets the bytes of a piece in order; an error ends the reading. */
typedef enum err piece_take(void *context, struct str bytes);
/* ERR_CORRUPT, with the reason, if it is not wholly what was written; what `take` got before is
 * sound.  *ret_hash, which may be NULL: of the file, only if OK. */
NODISCARD enum err piece_read(struct disk *disk, const char *path, const struct sealed *piece,
                              piece_take *take, void *context, struct sha256 *ret_hash,
                              struct why *why);

/* ---- backup_list.c */

struct list_piece {
    uint64_t from, to; /* of the file */
    uint64_t size;     /* of the piece */
    struct sha256 hash;
    char name[BACKUP_NAME_SIZE];
};

struct list_file {
    struct str path;     /* below the data folder, or keys/CLIENT.sign */
    bool grows;          /* or never changes; then a later backup copies only what came behind it */
    struct sha256 print; /* of its first and last bytes, for that backup */
    struct list_piece *pieces; /* the end of one is the beginning of the next */
    size_t pieces_count;
};

/* Another set of the same backup. */
struct list_set {
    uint32_t client;
    struct sha256 hash; /* of its list's file */
};

struct list {
    struct arena *mem;
    uint32_t client;
    uint64_t generation;
    struct wall made;
    struct list_file *files;
    size_t files_count, files_capacity;
    struct map by_path; /* index in files */
    struct list_set *sets;
    size_t sets_count, sets_capacity;
};

NODISCARD enum err list_new(struct list *ret);
void list_done(struct list *list); /* Zero is fine. */
/* Copies the path; a file of that path is replaced.  pieces are copied too. */
NODISCARD enum err list_add(struct list *list, const struct list_file *file);
const struct list_file *list_find(const struct list *list, struct str path);
NODISCARD enum err list_add_set(struct list *list, struct list_set set);
uint64_t list_file_size(const struct list_file *file);
/* Whether a name may be that of a file in a backup: relative, without "..", plain characters. */
bool list_path_valid(struct str path);
NODISCARD enum err list_print(const struct list *list, struct buf *out);
/* ERR_CORRUPT names the line. */
NODISCARD enum err list_parse(struct str text, struct list *ret, struct why *why);

/* A set is a folder: TO/installation or TO/client-N, with its lists and its pieces. */
NODISCARD enum err set_folder(const char *to, uint32_t client, char *path, size_t size);
NODISCARD enum err list_path(const char *to, uint32_t client, uint64_t generation, char *path,
                             size_t size);
NODISCARD enum err list_write(struct disk *disk, const char *to, const struct list *list,
                              const uint8_t key[SHA256_SIZE], struct sha256 *ret_hash,
                              struct why *why);
NODISCARD enum err list_read(struct disk *disk, const char *to, uint32_t client,
                             uint64_t generation, const uint8_t key[SHA256_SIZE], struct list *ret,
                             struct sha256 *ret_hash, struct why *why);
/* The generations that a set has a list of, ascending; the caller frees. */
NODISCARD enum err set_generations(struct disk *disk, const char *to, uint32_t client,
                                   uint64_t **ret, size_t *ret_count);

/* ---- backup_keys.c */

/* KEYS/backup.key, which the installation's set is sealed under; made if `make`. */
NODISCARD enum err backup_key(struct disk *disk, const char *keys, bool make,
                              uint8_t ret[SHA256_SIZE], struct why *why);
/* The key of a set; ERR_NOT_FOUND if the client's own is gone. */
NODISCARD enum err set_key(struct disk *disk, const char *keys, uint32_t client,
                           uint8_t ret[SHA256_SIZE], struct why *why);
