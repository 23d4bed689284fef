/* Time zone files come from outside: whatever they hold, a zone that was accepted keeps what
 * codec/zone.h says of moments and readings. */

#include <stdint.h>
#include <stdlib.h>

#include "codec/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) {
        abort();
    }
}

static void moment_check(const struct zone *zone, int64_t moment)
{
    struct zone_stretch stretch;
    struct zone_moments moments;
    struct zone_moments later;
    zone_stretch(zone, moment, &stretch);
    require(stretch.from <= moment && moment < stretch.to);
    require(stretch.offset == zone_offset(zone, moment));
    require(stretch.offset >= ZONE_OFFSET_MIN && stretch.offset <= ZONE_OFFSET_MAX);
    zone_moments(zone, moment + stretch.offset, &moments);
    require(moments.shown && moments.first <= moment && moment <= moments.last);
    zone_moments(zone, moment + stretch.offset + 1, &later);
    require(later.first >= moments.first);
    require(!later.shown ||
            later.first + zone_offset(zone, later.first) == moment + stretch.offset + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zone *zone;
    if (zone_decode(str_of(data, size), &zone) != OK) {
        return 0;
    }
    for (int64_t step = -200; step < 400; step++) {
        moment_check(zone, step * 40 * 86400 + step);
    }
    struct zone_stretch stretch = {.to = -(1LL << 40)};
    for (int i = 0; i < 200 && stretch.to != INT64_MAX; i++) {
        zone_stretch(zone, stretch.to, &stretch);
        if (stretch.to != INT64_MAX) {
            moment_check(zone, stretch.to - 1);
            moment_check(zone, stretch.to);
        }
    }
    moment_check(zone, INT64_MAX / (1LL << 6));
    moment_check(zone, INT64_MIN / (1LL << 6));
    zone_free(zone);
    return 0;
}
