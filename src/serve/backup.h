#pragma once

/*
 * Backups: docs/formats/backup.md, docs/backup.md.  A folder holds one encrypted set for each
 * client and one for the installation; each run adds what is new and then, as its last act, the
 * list that makes it whole.
 *
 *     backup_make (again and again, while the service runs or not)     backup_restore
 *     backup_keys_save                                                 backup_keys_restore
 */

#include "base/clock.h"
#include "base/why.h"
#include "sys/disk.h"

struct backup_options {
    struct disk *disk;
    const char *data, *keys; /* the service's */
    const char *to;          /* the backup's folder; made if missing */
    unsigned keep;           /* so many backups can be restored, the newest included; at least 1 */
};

struct backup_report {
    uint64_t generation;
    uint64_t sets;
    uint64_t files, files_new;
    uint64_t bytes;     /* of all files */
    uint64_t bytes_new; /* of these copied now */
    uint64_t bytes_written;
    uint64_t removed; /* pieces and lists that no kept backup needs */
    uint64_t keyless; /* clients whose key is gone: of them only what has no content */
    bool running;     /* a service served the data meanwhile */
};

/* ERR_AGAIN: another backup runs, or clients and sources do not stop changing. */
NODISCARD enum err backup_make(const struct backup_options *options, struct wall now,
                               struct backup_report *ret, struct why *why);

struct restore_options {
    struct disk *disk;
    const char *from;
    const char *data; /* must not be there yet; NULL: only check */
    const char *keys;
    uint64_t generation; /* 0: the newest */
    bool partial;        /* also if something is damaged: what is lost of a file is zeros then */
};

struct restore_report {
    uint64_t generation;
    struct wall made;
    uint64_t sets, files, bytes;
    uint64_t damaged; /* places that were named */
};

/* Told of each place that is missing or damaged. */
typedef void restore_call(void *context, const char *place, const char *what);
/* ERR_CORRUPT: something was named; data is then only there with `partial`. */
NODISCARD enum err backup_restore(const struct restore_options *options, restore_call *call,
                                  void *context, struct restore_report *ret, struct why *why);

struct backup_keys_report {
    uint64_t files;
};
/* The keys, sealed under a pass phrase, as one file for a place of its own. */
NODISCARD enum err backup_keys_save(struct disk *disk, const char *keys, const char *path,
                                    struct str passphrase, struct backup_keys_report *ret,
                                    struct why *why);
/* Puts them into the folder `keys`; ERR_EXISTS if another key is there under a name. */
NODISCARD enum err backup_keys_restore(struct disk *disk, const char *path, struct str passphrase,
                                       const char *keys, struct backup_keys_report *ret,
                                       struct why *why);
