#pragma once

/*
 * Working time: a client's calendar (document kind `calendars`) in its time zone, with hours per
 * weekday, Japanese public holidays, further days off, and exceptional days on.
 *
 *     calendar_new → calendar_elapsed, calendar_add, calendar_open → calendar_free
 *
 * Hours are local: "09:00-17:30" of a day on which clocks are changed has as many nanoseconds as
 * really pass between these two readings; a reading that occurs twice counts from its first, one
 * that is left out counts from the moment of the change.  All results are exact.
 */

#include "base/clock.h"
#include "base/why.h"
#include "document/document.h"

struct zones;
/* Time zones from a folder of TZif files (RFC 8536), read when they are first asked for. */
NODISCARD enum err zones_new(const char *folder, struct zones **ret);
void zones_free(struct zones *zones);
/* Its distance from UTC at a moment in seconds, when that changes next (WALL_NONE: not as far as is
 * known), and to what.  ERR_NOT_FOUND, with a sentence, for a name without a zone. */
struct zone_moment {
    int32_t seconds, next_seconds;
    struct wall until;
};
NODISCARD enum err zones_at(struct zones *zones, struct str name, struct wall at,
                            struct zone_moment *ret, struct why *why);

struct calendar;
/* One item of the list `calendars`, or NULL for one that is always open.  Keeps zones, nothing of
 * the document.  ERR_NOT_FOUND: there is no such zone. */
NODISCARD enum err calendar_new(struct zones *zones, const struct element *item,
                                struct calendar **ret, struct why *why);
void calendar_free(struct calendar *calendar);

bool calendar_open(const struct calendar *calendar, struct wall at);
/* Nanoseconds of working time in [from, to); 0 if to is not after from. */
int64_t calendar_elapsed(const struct calendar *calendar, struct wall from, struct wall to);
/* The first moment at which `ns` of working time have passed since `from`; ERR_LIMIT if that takes
 * more than ten years (a calendar that never opens). */
NODISCARD enum err calendar_add(const struct calendar *calendar, struct wall from, int64_t ns,
                                struct wall *ret);

/* Public holidays of Japan (国民の祝日に関する法律), 振替休日 and 国民の休日 included, computed for
 * 1980 to 2099: the name's key in words/holidays.yaml, or NULL. */
const char *holiday_japan(int year, int month, int day);
