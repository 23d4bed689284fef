#pragma once

/*
 * A client's archive is destroyed: the keys first, with which everything of it becomes unreadable
 * wherever copies are, then its files.  Of a folder that nobody serves.
 */

#include "archive/archive.h"
#include "base/limits.h"

struct archive_forgotten {
    uint64_t keys, files; /* that were there and are gone */
    char anchor[65];      /* the client's first public key, hexadecimal; empty: it had none */
};
/* Can be called again after a crash.  ERR_AGAIN: somebody writes there.  What stays: frames of the
 * client within journals that others share, sealed under the key that is gone. */
NODISCARD enum err archive_forget(struct disk *disk, const char *folder, const char *keys,
                                  struct client_id client, struct archive_forgotten *ret,
                                  struct why *why);

/* A key's file, overwritten and removed; the folder is the caller's to sync.  Fine if it is not
 * there. */
NODISCARD enum err archive_key_destroy(struct disk *disk, const char *path, uint64_t *count);

/* ---- destroyed.c: what says so afterwards, beside the archives of the others. */

struct destroyed {
    struct client_id client;
    uint64_t number; /* of the certificate */
    char slug[SLUG_SIZE_MAX + 1];
    char at[40];
    char key[65]; /* it is signed by, hexadecimal */
};
/* signature: hexadecimal. */
NODISCARD enum err archive_destroyed_put(struct disk *disk, const char *folder,
                                         struct client_id client, struct str certificate,
                                         struct str signature);
/* ERR_NOT_FOUND: nobody says so; ERR_CORRUPT: what says so is not signed, or is another client's.
 */
NODISCARD enum err archive_destroyed(struct disk *disk, const char *folder, struct client_id client,
                                     struct destroyed *ret);
/* Of each; sound false: only its number is known. */
typedef enum err destroyed_call(void *context, const struct destroyed *destroyed, bool sound);
NODISCARD enum err archive_destroyed_each(struct disk *disk, const char *folder,
                                          destroyed_call *call, void *context);
