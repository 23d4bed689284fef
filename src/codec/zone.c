/*
 * TZif files (RFC 8536).
 *
 *     OFFSET  SIZE  MEANING                       then, for n changes, t types, c characters
 *          0     4  "TZif"                        n * 4 or 8  moments of change, ascending
 *          4     1  version: NUL, '2', '3', '4'   n * 1       the type from each on
 *          5    15  reserved                      t * 6       offset (4), daylight (1), name (1)
 *         20     4  count of UT indicators        c           names
 *         24     4  of standard indicators        …           leap seconds: none may be there
 *         28     4  of leap seconds               …           indicators, passed over
 *         32     4  n    36 4  t    40 4  c
 *
 * From version 2 on this is followed by the same once more with moments of 8 bytes, which alone
 * count, and by the footer: a rule between two newlines (zone_rule.c).
 *
 * Section 3.2 says that before the first change type 0 holds.  A file without changes, or without a
 * footer, keeps its last type for ever.
 *
 * Always true: `changes` ascend strictly and each changes the offset; before the first one `offset`
 * holds; from `rule_from` on the rule decides alone, if there is one.
 *
 * A reading is looked for among all moments that any offset could lead to.  Walking the stretches
 * of one offset there in order, the first moment whose local time is not before the reading is the
 * answer for readings that occur once, twice or never.
 */

#include "codec/zone.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "codec/zone_rule.h"

#define HEADER_SIZE 44
#define TYPE_SIZE   6
/* Far outside anything that nanoseconds can count, and far inside 64 bits.  Files begin at -2^59;
 * what follows a file's last change has readings of its own, so that change lies further in. */
#define MOMENT_MIN (-(1LL << 59))
#define MOMENT_MAX (1LL << 59)
#define CHANGE_MAX (1LL << 58)

struct change {
    int64_t at;
    int32_t offset; /* from then on */
};

struct zone {
    int32_t offset; /* before the first change */
    bool ruled;
    int64_t rule_from;
    struct zone_rule rule;
    size_t count;
    struct change changes[];
};

struct header {
    unsigned version;
    size_t utc_count, standard_count, leap_count, time_count, type_count, name_size;
};

static enum err header_take(struct str *rest, struct header *ret);
static size_t block_size(const struct header *header, size_t time_size);
static enum err block_decode(struct str block, const struct header *header, size_t time_size,
                             struct zone **ret);
static enum err types_check(struct str types);
static enum err footer_decode(struct str footer, struct zone *zone);
static int64_t get_signed(const char *at, size_t size);

enum err zone_decode(struct str bytes, struct zone **ret)
{
    struct header header;
    struct zone *zone;
    size_t time_size = 4;
    if (bytes.size > ZONE_FILE_SIZE_MAX) {
        return ERR_LIMIT;
    }
    enum err err = header_take(&bytes, &header);
    if (err == OK && header.version >= 2) {
        size_t size = block_size(&header, time_size);
        if (bytes.size < size) {
            return ERR_SYNTAX;
        }
        bytes = str_slice(bytes, size, bytes.size);
        time_size = 8;
        err = header_take(&bytes, &header);
        if (err == OK && header.version < 2) {
            return ERR_SYNTAX;
        }
    }
    if (err != OK) {
        return err;
    }
    size_t size = block_size(&header, time_size);
    if (bytes.size < size) {
        return ERR_SYNTAX;
    }
    err = block_decode(str_slice(bytes, 0, size), &header, time_size, &zone);
    if (err != OK) {
        return err;
    }
    if (time_size == 8) {
        err = footer_decode(str_slice(bytes, size, bytes.size), zone);
    }
    if (err != OK) {
        zone_free(zone);
        return err;
    }
    *ret = zone;
    return OK;
}

void zone_free(struct zone *zone)
{
    free(zone);
}

int32_t zone_offset(const struct zone *zone, int64_t moment)
{
    struct zone_stretch stretch;
    zone_stretch(zone, moment, &stretch);
    return stretch.offset;
}

void zone_stretch(const struct zone *zone, int64_t moment, struct zone_stretch *ret)
{
    if (zone->ruled && moment >= zone->rule_from) {
        zone_rule_stretch(&zone->rule, moment, ret);
        ret->from = ret->from < zone->rule_from ? zone->rule_from : ret->from;
        return;
    }
    size_t low = 0; /* changes before it are not after the moment */
    size_t high = zone->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->changes[middle].at <= moment) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    int64_t end = zone->ruled ? zone->rule_from : INT64_MAX;
    *ret = (struct zone_stretch){
        .from = low > 0 ? zone->changes[low - 1].at : INT64_MIN,
        .to = low < zone->count ? zone->changes[low].at : end,
        .offset = low > 0 ? zone->changes[low - 1].offset : zone->offset,
    };
}

void zone_moments(const struct zone *zone, int64_t reading, struct zone_moments *ret)
{
    struct zone_stretch stretch;
    bool found = false;
    reading = reading < MOMENT_MIN ? MOMENT_MIN : reading > MOMENT_MAX ? MOMENT_MAX : reading;
    zone_stretch(zone, reading - ZONE_OFFSET_MAX, &stretch);
    for (;;) {
        int64_t at = reading - stretch.offset;
        bool within = at >= stretch.from && at < stretch.to;
        if (!found && at < stretch.to) {
            int64_t first = within ? at : stretch.from;
            *ret = (struct zone_moments){.first = first, .last = first, .shown = within};
            found = true;
        } else if (within) {
            ret->last = at;
            ret->first = ret->shown ? ret->first : at;
            ret->shown = true;
        }
        if (stretch.to > reading - ZONE_OFFSET_MIN) {
            return; /* no later moment can show it; the last stretch has no end */
        }
        zone_stretch(zone, stretch.to, &stretch);
    }
}

/* ---- Decoding. */

static uint32_t get_count(const char *at)
{
    return (uint32_t)get_signed(at, 4);
}

static enum err header_take(struct str *rest, struct header *ret)
{
    if (rest->size < HEADER_SIZE || memcmp(rest->data, "TZif", 4) != 0) {
        return ERR_SYNTAX;
    }
    const char *at = rest->data;
    /* Section 3.1: later versions must be readable by programs that know version 4. */
    *ret = (struct header){
        .version = at[4] == '\0'                 ? 1
                   : (unsigned char)at[4] >= '2' ? 2
                                                 : 0,
        .utc_count = get_count(at + 20),
        .standard_count = get_count(at + 24),
        .leap_count = get_count(at + 28),
        .time_count = get_count(at + 32),
        .type_count = get_count(at + 36),
        .name_size = get_count(at + 40),
    };
    if (ret->version == 0 || ret->type_count == 0 || ret->type_count > 256 ||
        (ret->utc_count != 0 && ret->utc_count != ret->type_count) ||
        (ret->standard_count != 0 && ret->standard_count != ret->type_count)) {
        return ERR_SYNTAX;
    }
    *rest = str_slice(*rest, HEADER_SIZE, rest->size);
    return OK;
}

/* Counts are below 2^32 each, so 64 bits hold the sum. */
static size_t block_size(const struct header *header, size_t time_size)
{
    return header->time_count * (time_size + 1) + header->type_count * TYPE_SIZE +
           header->name_size + header->leap_count * (time_size + 4) + header->standard_count +
           header->utc_count;
}

/* Section 3.2: the first change may stand at any moment, later ones after it. */
static enum err changes_decode(struct str block, const struct header *header, size_t time_size,
                               struct zone *zone)
{
    const char *indices = block.data + header->time_count * time_size;
    const char *types = indices + header->time_count;
    int64_t before = INT64_MIN;
    zone->offset = (int32_t)get_signed(types, 4);
    int32_t offset = zone->offset;
    zone->rule_from = MOMENT_MIN;
    for (size_t i = 0; i < header->time_count; i++) {
        int64_t at = get_signed(block.data + i * time_size, time_size);
        size_t type = (unsigned char)indices[i];
        if (at <= before || at < MOMENT_MIN || at > CHANGE_MAX || type >= header->type_count) {
            return ERR_SYNTAX;
        }
        before = at;
        zone->rule_from = at;
        int32_t next = (int32_t)get_signed(types + type * TYPE_SIZE, 4);
        if (next != offset) {
            zone->changes[zone->count++] = (struct change){at, next};
            offset = next;
        }
    }
    return OK;
}

static enum err block_decode(struct str block, const struct header *header, size_t time_size,
                             struct zone **ret)
{
    if (header->leap_count != 0) {
        return ERR_UNSUPPORTED;
    }
    struct str types =
        str_slice(block, header->time_count * (time_size + 1), header->type_count * TYPE_SIZE);
    enum err err = types_check(types);
    if (err != OK) {
        return err;
    }
    struct zone *zone = calloc(1, sizeof *zone + header->time_count * sizeof(struct change));
    if (zone == NULL) {
        return ERR_MEMORY;
    }
    err = changes_decode(block, header, time_size, zone);
    if (err != OK) {
        zone_free(zone);
        return err;
    }
    *ret = zone;
    return OK;
}

static enum err types_check(struct str types)
{
    for (size_t at = 0; at < types.size; at += TYPE_SIZE) {
        int64_t offset = get_signed(types.data + at, 4);
        if (offset < ZONE_OFFSET_MIN || offset > ZONE_OFFSET_MAX ||
            (unsigned char)types.data[at + 4] > 1) {
            return ERR_SYNTAX;
        }
    }
    return OK;
}

static enum err footer_decode(struct str footer, struct zone *zone)
{
    if (footer.size < 2 || footer.data[0] != '\n') {
        return ERR_SYNTAX;
    }
    struct str rest = str_slice(footer, 1, footer.size);
    size_t end = str_find_byte(rest, '\n');
    if (end == STR_NONE) {
        return ERR_SYNTAX;
    }
    if (end == 0) {
        return OK;
    }
    zone->ruled = true;
    return zone_rule_parse(str_slice(rest, 0, end), &zone->rule);
}

/* Big-endian, two's complement. */
static int64_t get_signed(const char *at, size_t size)
{
    uint64_t value = ((unsigned char)at[0] & 0x80) != 0 ? UINT64_MAX : 0;
    for (size_t i = 0; i < size; i++) {
        value = value << 8 | (unsigned char)at[i];
    }
    return (int64_t)value;
}
