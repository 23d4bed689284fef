/*
 * Documents that were kept under an `_id`, remembered so that the same one, sent again among
 * others, is not kept twice.
 *
 * A request that is sent again as it was is known to the archive by its key (bulk.c), also after a
 * crash.  Here is what the archive cannot know: a document that comes again in another company,
 * after its sender lost track.  What is remembered is a hash over source, index, `_id` and the
 * document itself, for 24 hours, as long as front lives and there is room.
 *
 * A table of WAYS entries a row; a new one takes the place of the oldest of its row.
 *
 * Always true: what is found was stored; what is not found may have been.
 */

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "collect/post.h"

#define WAYS 8
#define ROWS (BULK_IDS_MAX / WAYS)

struct id {
    uint8_t hash[12];
    uint32_t second; /* since the first was kept, from 1; 0: free */
};

struct ids {
    struct mono began;
    struct id table[ROWS][WAYS];
};

struct ids *ids_new(struct mono now)
{
    struct ids *ids = calloc(1, sizeof *ids);
    if (ids != NULL) {
        ids->began = now;
    }
    return ids;
}

void ids_free(struct ids *ids)
{
    free(ids);
}

static struct id *row_of(struct ids *ids, const struct sha256 *hash)
{
    return ids->table[get_u32((const char *)hash->bytes + 12) % ROWS];
}

static uint32_t second_of(const struct ids *ids, struct mono now)
{
    return (uint32_t)(mono_ms_since(ids->began, now) / 1000) + 1;
}

bool ids_know(struct ids *ids, const struct sha256 *hash, struct mono now)
{
    const struct id *row = row_of(ids, hash);
    uint32_t second = second_of(ids, now);
    for (size_t i = 0; i < WAYS; i++) {
        if (row[i].second != 0 && second - row[i].second < IDEMPOTENCY_SECONDS &&
            memcmp(row[i].hash, hash->bytes, sizeof row[i].hash) == 0) {
            return true;
        }
    }
    return false;
}

void ids_add(struct ids *ids, const struct sha256 *hash, struct mono now)
{
    struct id *row = row_of(ids, hash);
    struct id *oldest = row;
    for (size_t i = 0; i < WAYS; i++) {
        if (memcmp(row[i].hash, hash->bytes, sizeof row[i].hash) == 0) {
            oldest = &row[i];
            break;
        }
        oldest = row[i].second < oldest->second ? &row[i] : oldest;
    }
    memcpy(oldest->hash, hash->bytes, sizeof oldest->hash);
    oldest->second = second_of(ids, now);
}
