#pragma once

/*
 * The installation's own key, which the secrets of people's second factors are sealed under: a file
 * beside the clients' keys, made at the first start.  Parent reads it and gives it to desk, which
 * opens nothing but the ledger's folder; so whoever has a copy of the ledger does not have the
 * secrets.
 */

#include "base/why.h"
#include "sys/disk.h"

#define PEOPLE_KEY_SIZE 32

/* From "people.key" in that folder; makes it if it is missing.  ERR_CORRUPT: it is not what was
 * written. */
NODISCARD enum err people_key_get(struct disk *disk, const char *keys, uint8_t ret[PEOPLE_KEY_SIZE],
                                  struct why *why);
