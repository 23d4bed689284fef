#pragma once

/*
 * The rule in a TZif footer: POSIX TZ, with the wider hours of RFC 8536, section 3.3.1.  For
 * zone.c alone.
 *
 *     zone_rule_parse → zone_rule_stretch
 */

#include "codec/zone.h"

/* A day of each year, and a local time on it. */
struct zone_day {
    enum { ZONE_DAY_JULIAN, ZONE_DAY_ZERO, ZONE_DAY_WEEK } kind;
    int32_t month, week, day; /* "Mm.w.d"; else day alone: 1 to 365, or 0 to 365 */
    int32_t second;           /* may be before or after the day itself */
};

struct zone_rule {
    int32_t standard, daylight;
    bool changes; /* else standard time all year */
    struct zone_day begin, end;
};

NODISCARD enum err zone_rule_parse(struct str text, struct zone_rule *ret);
void zone_rule_stretch(const struct zone_rule *rule, int64_t moment, struct zone_stretch *ret);
