/*
 * The reader of a batch.  The order of checks matters: first the header's sizes add up to the
 * bytes, then names, then each event and each span.  After batch_check the other functions index
 * without looking again.
 */

#include "event/batch.h"

#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"

static enum err header_check(struct str bytes, struct batch *batch, struct str *ret_names,
                             struct why *why);
static enum err names_check(struct str area, struct arena *mem, struct batch *batch,
                            struct why *why);
static enum err events_check(const struct batch *batch, struct why *why);
static enum err spans_check(const struct batch *batch, struct why *why);

enum err batch_check(struct str bytes, struct arena *mem, struct batch *ret, struct why *why)
{
    struct batch batch = {.bytes = bytes};
    struct str names = {0};
    enum err err = header_check(bytes, &batch, &names, why);
    if (err == OK) {
        err = names_check(names, mem, &batch, why);
    }
    if (err == OK) {
        err = events_check(&batch, why);
    }
    if (err == OK) {
        err = spans_check(&batch, why);
    }
    if (err == OK) {
        *ret = batch;
    }
    return err;
}

bool batch_key_given(const struct batch_key *key)
{
    static const uint8_t none[sizeof key->hash];
    return memcmp(key->hash, none, sizeof none) != 0;
}

static enum err header_check(struct str bytes, struct batch *batch, struct str *ret_names,
                             struct why *why)
{
    if (bytes.size < BATCH_HEADER_SIZE || memcmp(bytes.data, "HBT1", 4) != 0) {
        return why_say(why, ERR_CORRUPT, 0, "a batch does not begin with its header");
    }
    const char *at = bytes.data;
    batch->client = (struct client_id){get_u32(at + 8)};
    batch->source = (struct source_id){get_u32(at + 12)};
    batch->events = get_u32(at + 16);
    batch->spans = get_u32(at + 20);
    batch->names = get_u32(at + 24);
    uint32_t names_size = get_u32(at + 28);
    uint32_t text_size = get_u32(at + 32);
    batch->key.part = get_u32(at + 36);
    memcpy(batch->key.hash, at + 40, sizeof batch->key.hash);
    batch->key.digest = get_u64(at + 56);
    uint64_t parts = get_u64(at + 64);
    if (batch->events == 0 || batch->events > EVENTS_PER_BATCH_MAX ||
        batch->spans > EVENTS_PER_BATCH_MAX * SPANS_PER_EVENT_MAX ||
        batch->names > NAMES_PER_BATCH_MAX || batch->client.value == 0 || parts > UINT32_MAX) {
        return why_say(why, ERR_CORRUPT, 0, "a batch's counts are beyond their limits");
    }
    batch->key.parts = (uint32_t)parts;
    uint64_t size = BATCH_HEADER_SIZE + (uint64_t)batch->events * BATCH_EVENT_SIZE +
                    (uint64_t)batch->spans * BATCH_SPAN_SIZE + names_size + text_size;
    if (size != bytes.size || size != get_u32(at + 4) || size > BATCH_SIZE_MAX) {
        return why_say(why, ERR_CORRUPT, 0, "a batch's parts do not add up to its size");
    }
    batch->event_table = at + BATCH_HEADER_SIZE;
    batch->span_table = batch->event_table + (size_t)batch->events * BATCH_EVENT_SIZE;
    const char *names = batch->span_table + (size_t)batch->spans * BATCH_SPAN_SIZE;
    *ret_names = str_of(names, names_size);
    batch->text = str_of(names + names_size, text_size);
    return OK;
}

static enum err names_check(struct str area, struct arena *mem, struct batch *batch,
                            struct why *why)
{
    struct str *names = ARENA_ARRAY(mem, struct str, batch->names);
    if (names == NULL) {
        return ERR_MEMORY;
    }
    for (uint32_t i = 0; i < batch->names; i++) {
        if (area.size < 2 || get_u16(area.data) > NAME_SIZE_MAX ||
            area.size - 2 < get_u16(area.data)) {
            return why_say(why, ERR_CORRUPT, 0, "name %u of a batch is cut", i);
        }
        names[i] = str_slice(area, 2, get_u16(area.data));
        area = str_slice(area, 2u + get_u16(area.data), area.size);
    }
    if (area.size != 0) {
        return why_say(why, ERR_CORRUPT, 0, "bytes follow the last name of a batch");
    }
    batch->name_table = names;
    return OK;
}

static bool name_index_fits(const struct batch *batch, uint16_t index)
{
    return index == NAME_NONE || index < batch->names;
}

static enum err events_check(const struct batch *batch, struct why *why)
{
    uint64_t span_next = 0;
    for (uint32_t i = 0; i < batch->events; i++) {
        const char *at = batch->event_table + (size_t)i * BATCH_EVENT_SIZE;
        uint64_t record_end = (uint64_t)get_u32(at + 16) + get_u32(at + 20);
        uint32_t spans = get_u16(at + 28);
        if (record_end > batch->text.size || get_u32(at + 20) > RECORD_SIZE_MAX) {
            return why_say(why, ERR_CORRUPT, 0, "the record of event %u leaves the text", i);
        }
        /* Spans follow one another, so that no table is walked more than once. */
        if (get_u32(at + 24) != span_next || spans > SPANS_PER_EVENT_MAX) {
            return why_say(why, ERR_CORRUPT, 0, "the spans of event %u are not its own", i);
        }
        span_next += spans;
        if (!name_index_fits(batch, get_u16(at + 30)) ||
            !name_index_fits(batch, get_u16(at + 32)) ||
            !name_index_fits(batch, get_u16(at + 34))) {
            return why_say(why, ERR_CORRUPT, 0, "event %u names what is not there", i);
        }
    }
    if (span_next != batch->spans) {
        return why_say(why, ERR_CORRUPT, 0, "spans belong to no event");
    }
    return OK;
}

static inline bool span_wrong(const struct batch *batch, uint32_t index)
{
    const char *at = batch->span_table + (size_t)index * BATCH_SPAN_SIZE;
    uint64_t end = (uint64_t)get_u32(at) + get_u32(at + 4);
    uint32_t rest = get_u32(at + 8);
    return (int)(end > batch->text.size) | (int)((rest & 0xffff) >= batch->names) |
           (int)((rest >> 16 & 0xff) >= SPAN_HOW_COUNT);
}

/* All spans together in a loop that decides nothing; only if one is wrong, which. */
static enum err spans_check(const struct batch *batch, struct why *why)
{
    bool wrong = false;
    for (uint32_t i = 0; i < batch->spans; i++) {
        wrong |= span_wrong(batch, i);
    }
    for (uint32_t i = 0; wrong; i++) {
        if (span_wrong(batch, i)) {
            return why_say(why, ERR_CORRUPT, 0, "span %u leaves the batch", i);
        }
    }
    return OK;
}
