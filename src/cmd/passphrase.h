#pragma once

/* The pass phrase that a copy of the keys is sealed under, from the first line of a file. */

#include "base/err.h"
#include "base/str.h"
#include "base/why.h"

struct passphrase {
    char *data; /* of the file */
    size_t size;
    struct str text;
};

/* ERR_LIMIT if it is too short to keep anybody out. */
NODISCARD enum err passphrase_read(const char *path, struct passphrase *ret, struct why *why);
void passphrase_done(struct passphrase *passphrase); /* It is overwritten. */
