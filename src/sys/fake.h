#pragma once

/*
 * A simulated disk, for tests: files and folders in memory behind sys/disk.h that fail when told
 * to, and that lose what was not synced when the power goes.
 *
 *     fake_new → fake_disk, fake_fail, fake_power_off_at … → fake_power_on … → fake_free
 *     fake_new → fake_disk → (everything on it is closed) → fake_copy …
 *
 * It starts with the folders "." and "/" and promises no more than sys/disk.h does: bytes are safe
 * after file_sync, names after disk_sync_folder of their folder.  All else is independently kept,
 * dropped or torn (bytes, by sectors of 512), kept or lost (names), as a seed decides.
 */

#include "sys/disk.h"

struct fake;

struct fake *fake_new(void); /* NULL when out of memory. */
void fake_free(struct fake *fake);
/* Another disk with the files and folders of this one, all of it synced, and no plan: what many
 * trials begin with is made once.  NULL when out of memory. */
struct fake *fake_copy(const struct fake *fake);
struct disk *fake_disk(struct fake *fake);

enum fake_operation {
    FAKE_OPEN,
    FAKE_READ,
    FAKE_WRITE,
    FAKE_SIZE,
    FAKE_TRUNCATE,
    FAKE_SYNC,
    FAKE_LOCK,
    FAKE_RENAME,
    FAKE_REMOVE,
    FAKE_MAKE_FOLDER,
    FAKE_SYNC_FOLDER,
    FAKE_LOOK, /* disk_exists and disk_list */
    FAKE_ANY,  /* all of the above, for fake_fail and fake_count */
    FAKE_OPERATION_COUNT
};

/* The `nth` operation of that kind from now on (1: the next) fails with `err`, and with
 * `from_then_on` all later ones too.  One plan at a time; OK as `err` ends it.  A failing write
 * leaves its first half; a failing sync some of what was written, and the rest will never be on
 * disk, whatever later syncs say. */
void fake_fail(struct fake *fake, enum fake_operation operation, uint64_t nth, bool from_then_on,
               enum err err);
/* True if the plan of the last fake_fail has met its operation. */
bool fake_failed(const struct fake *fake);
/* What a failing sync lets through; FAKE_SEED_NOTHING and FAKE_SEED_ALL as below. */
void fake_seed(struct fake *fake, uint64_t seed);
/* Operations of a kind since the beginning. */
uint64_t fake_count(const struct fake *fake, enum fake_operation operation);

/* Files together hold at most so many bytes; a write past them gives ERR_FULL. */
void fake_budget(struct fake *fake, uint64_t size_max);

/* Power goes off at once, or in the middle of the `nth` change from now on (1: the next): a write,
 * truncation, sync, creation, rename, removal, new folder or sync of a folder.  While it is off,
 * everything gives ERR_IO. */
void fake_power_off(struct fake *fake);
void fake_power_off_at(struct fake *fake, uint64_t nth);
bool fake_is_off(const struct fake *fake);

/* What survived.  Files that were open stay dead (close them); locks are gone. */
#define FAKE_SEED_NOTHING ((uint64_t)0) /* All that was not synced is lost. */
#define FAKE_SEED_ALL     (UINT64_MAX)  /* All of it is there. */
NODISCARD enum err fake_power_on(struct fake *fake, uint64_t seed);
