#pragma once

/*
 * A backup under way: what backup.c, which knows the order of things, and backup_copy.c, which
 * copies one file after the other into the sets, share.
 *
 *     copy_file, copy_bytes, copy_folder … → sets_finish → sets_prune → sets_done
 */

#include "serve/backup.h"
#include "serve/backup_set.h"

/* A set as it was, and as it becomes. */
struct set {
    uint32_t client;
    bool keyless; /* the client's key is gone; its files go to the installation */
    bool old_known;
    uint8_t key[SHA256_SIZE];
    struct list old, fresh;
};

struct backup_run {
    struct disk *disk;
    const char *data, *keys, *to;
    struct wall now;
    unsigned keep;
    uint64_t generation; /* that is being made */
    uint64_t before;     /* the newest whole one; 0: none */
    struct set *sets;    /* the installation's first */
    size_t sets_count, sets_capacity;
    struct list_set *known; /* the sets of `before`; borrowed from the installation's old list */
    size_t known_count;
    struct backup_report report;
};

/* ---- backup_copy.c */

/* Opens TO, finds the newest whole backup and begins the installation's set. */
NODISCARD enum err sets_begin(struct backup_run *run, struct why *why);
/* Copies [0, end) of DATA/path, or of KEYS for keys/…, of which an earlier backup may have a part
 * if the file only grows; client 0: into the installation's set. */
NODISCARD enum err copy_file(struct backup_run *run, const char *path, uint32_t client,
                             uint64_t end, bool grows, struct why *why);
/* The same of bytes that were read already. */
NODISCARD enum err copy_bytes(struct backup_run *run, const char *path, uint32_t client,
                              struct str bytes, struct why *why);
/* Copies the files of DATA/path and, down to a few levels, of the folders in it.  A file whose name
 * begins with a client's number is that client's. */
NODISCARD enum err copy_folder(struct backup_run *run, const char *path, bool grows,
                               struct why *why);
/* Writes the lists, the installation's last: from then on there is a new backup. */
NODISCARD enum err sets_finish(struct backup_run *run, struct why *why);
/* Removes what no kept backup needs. */
NODISCARD enum err sets_prune(struct backup_run *run, struct why *why);
void sets_done(struct backup_run *run);

/* The names in a folder, in the caller's arena, sorted; none if it is not there. */
NODISCARD enum err names_list(struct disk *disk, const char *folder, struct arena *mem,
                              struct str **ret, size_t *ret_count);
/* The client that a file's name begins with; 0: none. */
uint32_t name_client(struct str name);
