#pragma once

/* Times as text: RFC 3339 for everything that we write ourselves.  Other formats are read where
 * they occur, in parse/. */

#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

#define TIME_TEXT_SIZE 40

/* "2026-11-21T08:30:00.123456Z", in UTC, six digits of a second.  Returns text. */
const char *time_print(struct wall wall, char text[TIME_TEXT_SIZE]);

/* RFC 3339, section 5.6 (also a blank for the T, and up to nine digits of a second); the whole of
 * s.  A bare date is its first moment in UTC. */
NODISCARD enum err time_parse(struct str s, struct wall *ret);

/* A civil date and time of day, UTC, as nanoseconds since 1970; ERR_SYNTAX if there is no such day
 * or time.  month and day count from 1; a second of 60 (a leap second) is read as 59. */
NODISCARD enum err time_from_civil(int year, int month, int day, int hour, int minute, int second,
                                   struct wall *ret);
struct civil {
    int year, month, day, hour, minute, second;
    int nanosecond;
};
void time_to_civil(struct wall wall, struct civil *ret);
