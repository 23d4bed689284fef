#pragma once

/*
 * A time zone from a TZif file (RFC 8536, versions 1 to 4): which offset from UTC holds at a
 * moment, and at which moments a local clock shows a reading.  After the last change that the file
 * lists the rule in its footer goes on, without an end.
 *
 *     zone_decode → zone_offset, zone_stretch, zone_moments → zone_free
 *
 * Moments are seconds since 1970 in UTC; a reading is the same count, as if the local clock showed
 * UTC: the reading 1970-01-02 00:00 is 86,400 anywhere.
 */

#include "base/err.h"
#include "base/str.h"

/* Offsets of RFC 8536 lie between -24:59:59 and 25:59:59; so two of them are never further apart.
 */
#define ZONE_OFFSET_MIN (-89999)
#define ZONE_OFFSET_MAX 93599

struct zone;

/* Keeps nothing of bytes.  ERR_SYNTAX: no TZif, or one that contradicts itself; ERR_LIMIT: over
 * ZONE_FILE_SIZE_MAX bytes; ERR_UNSUPPORTED: it counts leap seconds, which our times do not. */
NODISCARD enum err zone_decode(struct str bytes, struct zone **ret);
void zone_free(struct zone *zone);

/* What the local clock is ahead of UTC, in seconds. */
int32_t zone_offset(const struct zone *zone, int64_t moment);

struct zone_stretch {
    int64_t from, to; /* [from, to); INT64_MIN and INT64_MAX where there is no end */
    int32_t offset;
};
/* The longest stretch around a moment that is known to have one offset; a neighbour may have the
 * same. */
void zone_stretch(const struct zone *zone, int64_t moment, struct zone_stretch *ret);

struct zone_moments {
    /* The first moment at which the local clock shows the reading or, if it never does, a later
     * one: then that is the moment of the change. */
    int64_t first;
    int64_t last; /* the last moment at which it shows the reading; else as first */
    bool shown;   /* false: the reading is skipped */
};
/* first never goes back as readings go forward.  Readings further than 2^59 seconds from 1970 count
 * as that one. */
void zone_moments(const struct zone *zone, int64_t reading, struct zone_moments *ret);
