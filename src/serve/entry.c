/* Entries of the ring as bytes. */

#include "serve/entry.h"

#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "collect/collect.h"

void entry_head(const struct entry *entry, char head[ENTRY_HEAD_SIZE])
{
    memset(head, 0, ENTRY_HEAD_SIZE);
    put_u32(head, entry->kind == ENTRY_BATCH ? 'B' : 'T');
    put_u32(head + 4, entry->client.value);
    put_u32(head + 8, entry->source.value);
    put_u32(head + 12, entry->reason);
    put_u64(head + 16, entry->count);
}

enum err entry_decode(struct str bytes, struct entry *ret)
{
    if (bytes.size < ENTRY_HEAD_SIZE) {
        return ERR_CORRUPT;
    }
    uint32_t kind = get_u32(bytes.data);
    struct entry entry = {
        .kind = kind == 'B' ? ENTRY_BATCH : ENTRY_TALLY,
        .client = {get_u32(bytes.data + 4)},
        .source = {get_u32(bytes.data + 8)},
        .reason = get_u32(bytes.data + 12),
        .count = get_u64(bytes.data + 16),
        .batch = str_slice(bytes, ENTRY_HEAD_SIZE, bytes.size),
    };
    bool batch_fits = kind == 'B' && entry.reason == 0 && entry.count <= EVENTS_PER_BATCH_MAX;
    bool tally_fits = kind == 'T' && entry.reason <= REJECT_KNOWN && entry.batch.size == 0;
    if (entry.client.value == 0 || entry.source.value == 0 || (!batch_fits && !tally_fits)) {
        return ERR_CORRUPT;
    }
    *ret = entry;
    return OK;
}
