/*
 * Times as logs write them, read where they stand.
 *
 * A stamp that has the shape but names no day or time there is (30 February, 25 o'clock) is passed
 * over all the same, with WALL_NONE: the rest of the record is worth reading.
 *
 * RFC 3164, section 4.1.2, has no year and no zone.  We take the zone from the binding, and of the
 * years around the arrival the one that brings the stamp nearest to it: a record of 31 December
 * that arrives on 1 January is of last year, and a clock a little ahead is not a year behind.
 */

#include <string.h>

#include "codec/time.h"
#include "parse/private.h"

struct moment {
    int year, month, day, hour, minute, second;
    int64_t fraction_ns;
    bool has_zone;
    int zone_seconds;
};

static bool month_read(struct str *rest, int *ret);
static bool clock_read(struct str *rest, struct moment *moment);
static void fraction_read(struct str *rest, struct moment *moment);
static bool zone_read(struct str *rest, struct moment *moment);
static struct wall moment_wall(const struct moment *moment, int32_t zone_seconds);
static struct wall moment_nearest(struct moment *moment, const struct parse_context *context);

bool stamp_bsd(struct str *rest, const struct parse_context *context, struct wall *ret)
{
    struct str at = *rest;
    struct moment moment = {0};
    if (!month_read(&at, &moment.month) || !cursor_byte(&at, ' ')) {
        return false;
    }
    cursor_blanks(&at);
    if (!cursor_number(&at, 2, &moment.day) || !cursor_byte(&at, ' ')) {
        return false;
    }
    struct str year_at = at;
    if (!cursor_number(&year_at, 4, &moment.year) || moment.year < 1000 ||
        !cursor_byte(&year_at, ' ')) {
        moment.year = 0;
    } else {
        at = year_at;
    }
    if (!clock_read(&at, &moment)) {
        return false;
    }
    year_at = at;
    int year = 0;
    if (moment.year == 0 && cursor_byte(&year_at, ' ') && cursor_number(&year_at, 4, &year) &&
        year >= 1970 && year <= 2200 &&
        (year_at.size == 0 || year_at.data[0] == ' ' || str_starts(year_at, STR(": ")))) {
        moment.year = year;
        at = year_at;
    }
    struct str zone_at = at;
    if (cursor_byte(&zone_at, ' ') && zone_read(&zone_at, &moment)) {
        at = zone_at;
    }
    *rest = at;
    *ret = moment.year == 0 ? moment_nearest(&moment, context)
                            : moment_wall(&moment, context->zone_seconds);
    return true;
}

bool stamp_iso(struct str *rest, const struct parse_context *context, struct wall *ret)
{
    struct str at = *rest;
    struct moment moment = {0};
    if (!cursor_number(&at, 4, &moment.year) || moment.year < 1000) {
        return false;
    }
    char dash = at.size > 0 && at.data[0] == '/' ? '/' : '-';
    if (!cursor_byte(&at, dash) || !cursor_number(&at, 2, &moment.month) ||
        !cursor_byte(&at, dash) || !cursor_number(&at, 2, &moment.day) ||
        !(cursor_byte(&at, 'T') || cursor_byte(&at, 't') || cursor_byte(&at, ' ')) ||
        !clock_read(&at, &moment)) {
        return false;
    }
    struct str zone_at = at;
    (void)cursor_byte(&zone_at, ' ');
    if (zone_read(&zone_at, &moment)) {
        at = zone_at;
    }
    *rest = at;
    *ret = moment_wall(&moment, context->zone_seconds);
    return true;
}

bool stamp_clf(struct str *rest, struct wall *ret)
{
    struct str at = *rest;
    struct moment moment = {0};
    if (!cursor_number(&at, 2, &moment.day) || !cursor_byte(&at, '/') ||
        !month_read(&at, &moment.month) || !cursor_byte(&at, '/') ||
        !cursor_number(&at, 4, &moment.year) || !cursor_byte(&at, ':') ||
        !clock_read(&at, &moment) || !cursor_byte(&at, ' ') || !zone_read(&at, &moment)) {
        return false;
    }
    *rest = at;
    *ret = moment_wall(&moment, 0);
    return true;
}

static bool month_read(struct str *rest, int *ret)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int month = 1; month <= 12; month++) {
        if (str_equal_nocase(str_slice(*rest, 0, 3), str_of(names + ((size_t)month - 1) * 3, 3))) {
            *ret = month;
            *rest = text_from(*rest, 3);
            return true;
        }
    }
    return false;
}

static bool clock_read(struct str *rest, struct moment *moment)
{
    if (!cursor_number(rest, 2, &moment->hour) || !cursor_byte(rest, ':') ||
        !cursor_number(rest, 2, &moment->minute) || !cursor_byte(rest, ':') ||
        !cursor_number(rest, 2, &moment->second)) {
        return false;
    }
    fraction_read(rest, moment);
    return true;
}

static void fraction_read(struct str *rest, struct moment *moment)
{
    struct str at = *rest;
    if (!cursor_byte(&at, '.') && !cursor_byte(&at, ',')) {
        return;
    }
    int64_t unit = NS_PER_SECOND / 10;
    size_t digits = 0;
    int64_t fraction = 0;
    while (digits < at.size && at.data[digits] >= '0' && at.data[digits] <= '9' && digits < 9) {
        fraction += (at.data[digits] - '0') * unit;
        unit /= 10;
        digits++;
    }
    if (digits > 0) {
        moment->fraction_ns = fraction;
        *rest = text_from(at, digits);
    }
}

/* "Z", "UTC", "GMT", "+09:00", "+0900". */
static bool zone_read(struct str *rest, struct moment *moment)
{
    struct str at = *rest;
    if (cursor_literal(&at, STR("UTC")) || cursor_literal(&at, STR("GMT")) ||
        cursor_byte(&at, 'Z') || cursor_byte(&at, 'z')) {
        if (at.size > 0 && at.data[0] != ' ' && at.data[0] != ':' && at.data[0] != ']') {
            return false;
        }
        moment->zone_seconds = 0;
    } else {
        bool west = cursor_byte(&at, '-');
        if (!west && !cursor_byte(&at, '+')) {
            return false;
        }
        struct str hours = str_slice(at, 0, 2);
        at = text_from(at, hours.size);
        (void)cursor_byte(&at, ':');
        struct str minutes = str_slice(at, 0, 2);
        at = text_from(at, minutes.size);
        int hour;
        int minute;
        if (hours.size != 2 || minutes.size != 2 || !cursor_number(&hours, 2, &hour) ||
            !cursor_number(&minutes, 2, &minute) || hours.size > 0 || minutes.size > 0 ||
            hour > 23 || minute > 59) {
            return false;
        }
        moment->zone_seconds = (hour * 60 + minute) * (west ? -60 : 60);
    }
    moment->has_zone = true;
    *rest = at;
    return true;
}

static struct wall moment_wall(const struct moment *moment, int32_t zone_seconds)
{
    struct wall wall;
    if (moment->year < 1700 || moment->year > 2250 ||
        time_from_civil(moment->year, moment->month, moment->day, moment->hour, moment->minute,
                        moment->second, &wall) != OK) {
        return WALL_NONE;
    }
    wall.ns += moment->fraction_ns -
               (moment->has_zone ? moment->zone_seconds : zone_seconds) * NS_PER_SECOND;
    return wall;
}

static struct wall moment_nearest(struct moment *moment, const struct parse_context *context)
{
    struct civil civil;
    struct wall best = WALL_NONE;
    int64_t best_distance = INT64_MAX;
    if (!wall_known(context->received)) {
        return WALL_NONE;
    }
    time_to_civil(context->received, &civil);
    for (int year = civil.year - 1; year <= civil.year + 1; year++) {
        moment->year = year;
        struct wall wall = moment_wall(moment, context->zone_seconds);
        if (wall_known(wall)) {
            int64_t distance = wall.ns > context->received.ns ? wall.ns - context->received.ns
                                                              : context->received.ns - wall.ns;
            if (distance < best_distance) {
                best_distance = distance;
                best = wall;
            }
        }
    }
    return best;
}
