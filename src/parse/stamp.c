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

#include <endian.h>
#include <string.h>

#include "codec/time.h"
#include "parse/private.h"

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

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
static bool zone_skip(struct str *rest);
static struct wall moment_wall(const struct moment *moment, int32_t zone_seconds);
static struct wall moment_local(const struct moment *moment, const struct parse_context *context);
static struct wall moment_nearest(struct moment *moment, const struct parse_context *context);

bool stamp_bsd(struct str *rest, const struct parse_context *context, struct wall *ret)
{
    struct str at = *rest;
    struct moment moment = {0};
    struct str first = at;
    if (cursor_number(&first, 4, &moment.year) && moment.year >= 1970 && moment.year <= 2200 &&
        cursor_byte(&first, ' ')) {
        at = first; /* "2026 Nov 21 10:00:00" */
    } else {
        moment.year = 0;
    }
    if (!month_read(&at, &moment.month) || !cursor_byte(&at, ' ')) {
        return false;
    }
    cursor_blanks(&at);
    if (!cursor_number(&at, 2, &moment.day) || !cursor_byte(&at, ' ')) {
        return false;
    }
    struct str year_at = at;
    int year = 0;
    if (cursor_number(&year_at, 4, &year) && year >= 1000 && cursor_byte(&year_at, ' ')) {
        moment.year = year;
        at = year_at;
    }
    if (!clock_read(&at, &moment)) {
        return false;
    }
    year_at = at;
    if (moment.year == 0 && cursor_byte(&year_at, ' ') && cursor_number(&year_at, 4, &year) &&
        year >= 1970 && year <= 2200 &&
        (year_at.size == 0 || year_at.data[0] == ' ' || str_starts(year_at, STR(": ")))) {
        moment.year = year;
        at = year_at;
    }
    struct str zone_at = at;
    if (cursor_byte(&zone_at, ' ') && (zone_read(&zone_at, &moment) || zone_skip(&zone_at))) {
        at = zone_at;
    }
    *rest = at;
    *ret = moment.year == 0 ? moment_nearest(&moment, context) : moment_local(&moment, context);
    return true;
}

/* The next bytes as a number, the first of them the lowest. */
static uint64_t eight_of(const char *at)
{
    uint64_t eight;
    memcpy(&eight, at, sizeof eight);
    return le64toh(eight);
}

/* Whether eight bytes are digits where `digits` has bits, and what `others` has at other places. */
static bool eight_fits(uint64_t eight, uint64_t digits, uint64_t others)
{
    uint64_t from_zero = (eight ^ EACH('0')) & digits;
    return (eight & ~digits) == others &&
           ((((from_zero & EACH(0x7f)) + EACH(0x76)) | from_zero) & EACH(0x80)) == 0;
}

static int digits_two(const char *at)
{
    return (at[0] - '0') * 10 + at[1] - '0';
}

/* "2026-11-22T10:00:00" at once, as nearly all write it; false says nothing yet. */
static bool iso_whole(struct str *rest, struct moment *moment)
{
    const struct str at = *rest;
    if (at.size < 20 || at.data[16] != ':' || (unsigned char)(at.data[17] - '0') > 9 ||
        (unsigned char)(at.data[18] - '0') > 9 || (unsigned char)(at.data[19] - '0') <= 9 ||
        !eight_fits(eight_of(at.data), UINT64_C(0x00ffff00ffffffff),
                    UINT64_C(0x2d00002d00000000)) ||
        !eight_fits(eight_of(at.data + 8), UINT64_C(0xffff00ffff00ffff),
                    UINT64_C(0x00003a0000540000))) {
        return false;
    }
    moment->year = digits_two(at.data) * 100 + digits_two(at.data + 2);
    moment->month = digits_two(at.data + 5);
    moment->day = digits_two(at.data + 8);
    moment->hour = digits_two(at.data + 11);
    moment->minute = digits_two(at.data + 14);
    moment->second = digits_two(at.data + 17);
    *rest = text_from(at, 19);
    return true;
}

/* Behind "2026-11-22T10:00:00" and its fraction. */
static void iso_end(struct str at, const struct parse_context *context, struct moment *moment,
                    struct str *rest, struct wall *ret)
{
    struct str zone_at = at;
    if (str_starts(at, STR("Z "))) { /* what nearly all write */
        moment->has_zone = true;
        at = text_from(at, 1);
    } else {
        (void)cursor_byte(&zone_at, ' ');
        if (zone_read(&zone_at, moment)) {
            (void)cursor_byte(&zone_at, 'Z'); /* "+00:00Z": some write both. */
            at = zone_at;
        }
    }
    *rest = at;
    *ret = moment_local(moment, context);
}

bool stamp_iso(struct str *rest, const struct parse_context *context, struct wall *ret)
{
    struct str at = *rest;
    struct moment moment = {0};
    /* Four digits and a dash: most texts that are asked have them not. */
    if (at.size < 5 || (at.data[4] != '-' && at.data[4] != '/')) {
        return false;
    }
    if (at.data[0] != '0' && iso_whole(&at, &moment)) {
        fraction_read(&at, &moment);
        iso_end(at, context, &moment, rest, ret);
        return true;
    }
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
    iso_end(at, context, &moment, rest, ret);
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
#define MONTH(a, b, c) ((a) << 16 | (b) << 8 | (c))
    static const int32_t names[] = {
        MONTH('j', 'a', 'n'), MONTH('f', 'e', 'b'), MONTH('m', 'a', 'r'), MONTH('a', 'p', 'r'),
        MONTH('m', 'a', 'y'), MONTH('j', 'u', 'n'), MONTH('j', 'u', 'l'), MONTH('a', 'u', 'g'),
        MONTH('s', 'e', 'p'), MONTH('o', 'c', 't'), MONTH('n', 'o', 'v'), MONTH('d', 'e', 'c'),
    };
    if (rest->size < 3) {
        return false;
    }
    int32_t name = MONTH((unsigned char)rest->data[0], (unsigned char)rest->data[1],
                         (unsigned char)rest->data[2]) |
                   MONTH(0x20, 0x20, 0x20);
#undef MONTH
    for (int month = 0; month < 12; month++) {
        if (names[month] == name) {
            *ret = month + 1;
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
    static const int64_t units[] = {1000000000, 100000000, 10000000, 1000000, 100000,
                                    10000,      1000,      100,      10,      1};
    struct str at = *rest;
    if (!cursor_byte(&at, '.') && !cursor_byte(&at, ',')) {
        return;
    }
    const size_t there = digits_count(at);
    const size_t digits = there < 9 ? there : 9;
    int64_t fraction = 0;
    for (size_t i = 0; i < digits; i++) {
        fraction = fraction * 10 + (at.data[i] - '0');
    }
    if (digits > 0) {
        moment->fraction_ns = fraction * units[digits];
        *rest = text_from(at, digits);
    }
}

/* Letters that mean one zone only; CST and IST mean several. */
static bool zone_named(struct str *rest, struct moment *moment)
{
    static const struct {
        char name[5];
        int8_t hours;
    } zones[] = {
        {"UTC", 0},   {"GMT", 0},   {"Z", 0},    {"z", 0},    {"WET", 0},   {"WEST", 1},
        {"CET", 1},   {"CEST", 2},  {"BST", 1},  {"EET", 2},  {"EEST", 3},  {"MSK", 3},
        {"SGT", 8},   {"HKT", 8},   {"JST", 9},  {"KST", 9},  {"AEST", 10}, {"AEDT", 11},
        {"NZST", 12}, {"NZDT", 13}, {"EST", -5}, {"EDT", -4}, {"CDT", -5},  {"MST", -7},
        {"MDT", -6},  {"PST", -8},  {"PDT", -7},
    };
    struct str name = *rest;
    name.size = 0;
    while (name.size < rest->size && name.size < 5 &&
           ((rest->data[name.size] | 0x20) >= 'a' && (rest->data[name.size] | 0x20) <= 'z')) {
        name.size++;
    }
    for (size_t i = 0; i < sizeof zones / sizeof zones[0] && name.size > 0; i++) {
        if (name.data[0] == zones[i].name[0] && str_equal(name, str_from(zones[i].name))) {
            moment->zone_seconds = zones[i].hours * 3600;
            *rest = text_from(*rest, name.size);
            return true;
        }
    }
    return false;
}

/* "Z", "UTC", "JST", "+09:00", "+0900". */
static bool zone_read(struct str *rest, struct moment *moment)
{
    struct str at = *rest;
    if (zone_named(&at, moment)) {
        if (at.size > 0 && strchr(" :],\"\t)", at.data[0]) == NULL) {
            return false;
        }
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

/* "XYZ:", letters that end with a colon: a zone that we do not know, taken for the source's. */
static bool zone_skip(struct str *rest)
{
    size_t size = 0;
    while (size < rest->size && size < 6 && rest->data[size] >= 'A' && rest->data[size] <= 'Z') {
        size++;
    }
    struct str after = str_slice(*rest, size, 2);
    if (size < 3 || size > 5 || !(str_starts(after, STR(":")) || str_equal(after, STR(" :")))) {
        return false;
    }
    *rest = text_from(*rest, size);
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

/* Where the time says no zone: that of the source, which may change at a moment. */
static struct wall moment_local(const struct moment *moment, const struct parse_context *context)
{
    struct wall wall = moment_wall(moment, context->zone_seconds);
    if (context->zone_until.ns > 0 && wall_known(wall) && wall.ns >= context->zone_until.ns) {
        wall = moment_wall(moment, context->zone_next_seconds);
    }
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
        struct wall wall = moment_local(moment, context);
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

bool stamp_asctime(struct str *rest, const struct parse_context *context, struct wall *ret)
{
    return stamp_at(rest, STR("%a %b %e %T%f %Y"), context, ret);
}

bool stamp_epoch(struct str *rest, struct wall *ret)
{
    struct str at = *rest;
    const size_t digits = digits_count(at);
    uint64_t number = 0; /* 19 digits have room in it */
    int64_t ns;
    if (digits < 9 || digits > 19) {
        return false;
    }
    for (size_t i = 0; i < digits; i++) {
        number = number * 10 + (uint64_t)(at.data[i] - '0');
    }
    if (number > INT64_MAX) {
        return false;
    }
    int64_t value = (int64_t)number;
    at = text_from(at, digits);
    if (digits >= 18) {
        *ret = (struct wall){value};
    } else if (digits >= 12) {
        if (__builtin_mul_overflow(value, digits >= 15 ? 1000 : NS_PER_MS, &ns)) {
            return false;
        }
        *ret = (struct wall){ns};
    } else if (value < 7258118400LL) {
        struct moment moment = {0};
        fraction_read(&at, &moment);
        *ret = (struct wall){value * NS_PER_SECOND + moment.fraction_ns};
    } else {
        return false;
    }
    *rest = at;
    return true;
}

static void letters_skip(struct str *rest)
{
    while (rest->size > 0 && ((rest->data[0] >= 'a' && rest->data[0] <= 'z') ||
                              (rest->data[0] >= 'A' && rest->data[0] <= 'Z'))) {
        *rest = text_from(*rest, 1);
    }
}

static bool half_read(struct str *rest, struct moment *moment)
{
    struct str half = str_slice(*rest, 0, 2);
    bool afternoon = str_equal_nocase(half, STR("PM"));
    if (!afternoon && !str_equal_nocase(half, STR("AM"))) {
        return false;
    }
    moment->hour = moment->hour % 12 + (afternoon ? 12 : 0);
    *rest = text_from(*rest, 2);
    return true;
}

/* One or two digits; others may follow at once: "20261121", "161209". */
static bool two_read(struct str *rest, int *ret)
{
    struct str two = str_slice(*rest, 0, 2);
    if (two.size == 2 && (two.data[1] < '0' || two.data[1] > '9')) {
        two.size = 1;
    }
    size_t size = two.size;
    if (!cursor_number(&two, 2, ret)) {
        return false;
    }
    *rest = text_from(*rest, size);
    return true;
}

static bool hand_read(struct str *rest, char letter, struct moment *moment)
{
    switch (letter) {
    case 'a':
    case 'A':
        letters_skip(rest);
        return true;
    case 'b':
    case 'B':
        if (!month_read(rest, &moment->month)) {
            return false;
        }
        letters_skip(rest);
        return true;
    case 'd':
    case 'e':
        cursor_blanks(rest);
        return two_read(rest, &moment->day);
    case 'm':
        return two_read(rest, &moment->month);
    case 'H':
    case 'I':
        cursor_blanks(rest);
        return two_read(rest, &moment->hour);
    case 'M':
        return two_read(rest, &moment->minute);
    case 'S':
        return two_read(rest, &moment->second);
    case 'T':
        return clock_read(rest, moment);
    case 'Y': {
        struct str four = str_slice(*rest, 0, 4);
        if (four.size < 4 || !cursor_number(&four, 4, &moment->year) || four.size > 0) {
            return false;
        }
        *rest = text_from(*rest, 4);
        return true;
    }
    case 'y':
        if (!two_read(rest, &moment->year)) {
            return false;
        }
        moment->year += moment->year < 70 ? 2000 : 1900;
        return true;
    case 'f':
        fraction_read(rest, moment);
        return true;
    case 'p':
        return half_read(rest, moment);
    default:
        return letter == 'z' ? zone_read(rest, moment) : cursor_byte(rest, '%');
    }
}

bool stamp_at(struct str *rest, struct str format, const struct parse_context *context,
              struct wall *ret)
{
    struct str at = *rest;
    struct moment moment = {0};
    for (size_t i = 0; i < format.size; i++) {
        char c = format.data[i];
        if (c == ' ') {
            cursor_blanks(&at);
        } else if (c != '%' ? !cursor_byte(&at, c)
                            : ++i >= format.size || !hand_read(&at, format.data[i], &moment)) {
            return false;
        }
    }
    *rest = at;
    *ret = moment.year == 0 ? moment_nearest(&moment, context) : moment_local(&moment, context);
    return true;
}

bool stamp_any(struct str *rest, struct wall *ret)
{
    static const struct parse_context utc = {0};
    static const struct str forms[] = {
        STR("%a, %d %b %Y %T %z"), STR("%a, %d %b %Y %T"), STR("%d %b %Y %T %z"),
        STR("%d/%b/%Y:%T %z"),     STR("%Y%m%d%H%M%S%f"),
    };
    static const struct str zones[] = {STR(" (UTC)"), STR(" UTC"), STR(" GMT"), STR("Z")};
    struct str at = *rest;
    bool found = (at.size != 18 || at.data[14] != '.' ? stamp_epoch(&at, ret) : false) ||
                 stamp_iso(&at, &utc, ret) || stamp_asctime(&at, &utc, ret);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0] && !found; i++) {
        found = stamp_at(&at, forms[i], &utc, ret);
    }
    if (!found) {
        return false;
    }
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        if (cursor_literal(&at, zones[i])) {
            break;
        }
    }
    *rest = at;
    return true;
}
