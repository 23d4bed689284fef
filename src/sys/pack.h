#pragma once

/*
 * A zip, written from front to back: any size, members of unknown size, nothing kept in memory but
 * their names.
 *
 *     pack_open → (pack_member → pack_write …) … → pack_end | pack_close
 */

#include "base/clock.h"
#include "base/str.h"
#include "base/why.h"

struct pack;

/* Takes the zip's bytes, in order. */
typedef enum err pack_call(void *context, struct str bytes);

/* level: of deflate, 1 to 9; 0: members are stored as they are. */
NODISCARD enum err pack_open(int level, pack_call *call, void *context, struct pack **ret);
/* Ends the member before, and begins one; name: a path of ASCII, with / between folders. */
NODISCARD enum err pack_member(struct pack *pack, const char *name, struct wall changed,
                               struct why *why);
NODISCARD enum err pack_write(struct pack *pack, struct str bytes, struct why *why);
/* Writes the zip's directory.  Nothing can be added then. */
NODISCARD enum err pack_end(struct pack *pack, struct why *why);
void pack_close(struct pack *pack); /* NULL is fine.  Without pack_end the zip is a torso. */
