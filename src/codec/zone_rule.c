/*
 * "EST5EDT,M3.2.0,M11.1.0": standard time and its offset (west is positive there), daylight saving
 * time, and the days of the year on which it begins and ends, read on the clock that goes until
 * then.
 *
 *     text   = name offset [name [offset] "," day "," day]
 *     name   = 3 or more letters, or "<" letters, digits, "+", "-" ">"
 *     offset = ["+" | "-"] hours [":" minutes [":" seconds]]       hours 0 to 24
 *     day    = ("J" 1-365 | 0-365 | "M" month "." week "." weekday) ["/" time]
 *     time   = as an offset, hours -167 to 167; 02:00:00 where it is not said
 *
 * POSIX lets the days be left out, for the implementation to choose: RFC 8536 does not, and neither
 * do we.  Standard time all year has no daylight name; daylight time all year is written with an
 * end that falls on the next beginning.
 *
 * Always true: for a moment the six changes of the year before, its year and the year after are
 * looked at, so that times far outside their day find their neighbours; of two changes at one
 * moment the end comes first.
 */

#include "codec/zone_rule.h"

#define DAY_SECONDS 86400

static bool name_take(struct str *rest);
static bool time_take(struct str *rest, int32_t hours_max, int32_t *ret);
static bool day_take(struct str *rest, struct zone_day *ret);
static bool number_take(struct str *rest, int32_t max, int32_t *ret);
static bool byte_take(struct str *rest, char byte);
static int64_t day_reading(const struct zone_day *day, int64_t year);
static int64_t year_of(int64_t moment);
static int64_t days_before(int64_t year, int month);

enum err zone_rule_parse(struct str text, struct zone_rule *ret)
{
    struct zone_rule rule = {0};
    int32_t west;
    if (!name_take(&text) || !time_take(&text, 24, &west)) {
        return ERR_SYNTAX;
    }
    rule.standard = -west;
    if (text.size == 0) {
        *ret = rule;
        return OK;
    }
    if (!name_take(&text)) {
        return ERR_SYNTAX;
    }
    rule.changes = true;
    rule.daylight = rule.standard + 3600;
    if (text.size > 0 && text.data[0] != ',') {
        if (!time_take(&text, 24, &west)) {
            return ERR_SYNTAX;
        }
        rule.daylight = -west;
    }
    if (!byte_take(&text, ',') || !day_take(&text, &rule.begin) || !byte_take(&text, ',') ||
        !day_take(&text, &rule.end) || text.size > 0) {
        return ERR_SYNTAX;
    }
    *ret = rule;
    return OK;
}

void zone_rule_stretch(const struct zone_rule *rule, int64_t moment, struct zone_stretch *ret)
{
    *ret = (struct zone_stretch){INT64_MIN, INT64_MAX, rule->standard};
    if (!rule->changes) {
        return;
    }
    int64_t year = year_of(moment);
    for (int64_t y = year - 1; y <= year + 1; y++) {
        int64_t begin = day_reading(&rule->begin, y) - rule->standard;
        int64_t end = day_reading(&rule->end, y) - rule->daylight;
        bool ends_first = end <= begin;
        const int64_t at[] = {ends_first ? end : begin, ends_first ? begin : end};
        const int32_t offset[] = {ends_first ? rule->standard : rule->daylight,
                                  ends_first ? rule->daylight : rule->standard};
        for (int i = 0; i < 2; i++) {
            if (at[i] <= moment && at[i] >= ret->from) {
                ret->from = at[i];
                ret->offset = offset[i];
            } else if (at[i] > moment && at[i] < ret->to) {
                ret->to = at[i];
            }
        }
    }
}

/* ---- Reading. */

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool name_take(struct str *rest)
{
    bool quoted = byte_take(rest, '<');
    size_t size = 0;
    while (size < rest->size) {
        char byte = rest->data[size];
        if (!is_letter(byte) && !(quoted && (is_digit(byte) || byte == '+' || byte == '-'))) {
            break;
        }
        size++;
    }
    *rest = str_slice(*rest, size, rest->size);
    return size >= 3 && (!quoted || byte_take(rest, '>'));
}

static bool time_take(struct str *rest, int32_t hours_max, int32_t *ret)
{
    int32_t hours;
    int32_t minutes = 0;
    int32_t seconds = 0;
    bool negative = byte_take(rest, '-');
    if (!negative) {
        (void)byte_take(rest, '+');
    }
    if (!number_take(rest, hours_max, &hours)) {
        return false;
    }
    if (byte_take(rest, ':')) {
        if (!number_take(rest, 59, &minutes)) {
            return false;
        }
        if (byte_take(rest, ':') && !number_take(rest, 59, &seconds)) {
            return false;
        }
    }
    int32_t total = hours * 3600 + minutes * 60 + seconds;
    *ret = negative ? -total : total;
    return true;
}

static bool day_take(struct str *rest, struct zone_day *ret)
{
    struct zone_day day = {.kind = ZONE_DAY_ZERO, .second = 2 * 3600};
    if (byte_take(rest, 'M')) {
        day.kind = ZONE_DAY_WEEK;
        if (!number_take(rest, 12, &day.month) || day.month == 0 || !byte_take(rest, '.') ||
            !number_take(rest, 5, &day.week) || day.week == 0 || !byte_take(rest, '.') ||
            !number_take(rest, 6, &day.day)) {
            return false;
        }
    } else {
        bool julian = byte_take(rest, 'J');
        day.kind = julian ? ZONE_DAY_JULIAN : ZONE_DAY_ZERO;
        if (!number_take(rest, 365, &day.day) || (julian && day.day == 0)) {
            return false;
        }
    }
    if (byte_take(rest, '/') && !time_take(rest, 167, &day.second)) {
        return false;
    }
    *ret = day;
    return true;
}

static bool number_take(struct str *rest, int32_t max, int32_t *ret)
{
    size_t size = 0;
    int32_t value = 0;
    while (size < 3 && size < rest->size && is_digit(rest->data[size])) {
        value = value * 10 + (rest->data[size++] - '0');
    }
    *rest = str_slice(*rest, size, rest->size);
    *ret = value;
    return size > 0 && value <= max;
}

static bool byte_take(struct str *rest, char byte)
{
    if (rest->size == 0 || rest->data[0] != byte) {
        return false;
    }
    *rest = str_slice(*rest, 1, rest->size);
    return true;
}

/* ---- Days. */

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* The reading at which the change of that year happens. */
static int64_t day_reading(const struct zone_day *day, int64_t year)
{
    int64_t days = days_before(year, 1);
    switch (day->kind) {
    case ZONE_DAY_JULIAN: /* 29 February is never counted. */
        days += day->day - 1 + (is_leap(year) && day->day >= 60);
        break;
    case ZONE_DAY_ZERO:
        days += day->day;
        break;
    case ZONE_DAY_WEEK: {
        int64_t first = days_before(year, day->month);
        int64_t next =
            day->month == 12 ? days_before(year + 1, 1) : days_before(year, day->month + 1);
        int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday. */
        days = first + (day->day - weekday + 7) % 7 + 7 * (day->week - 1);
        days -= days >= next ? 7 : 0;
        break;
    }
    }
    return days * DAY_SECONDS + day->second;
}

/* The year of a moment in UTC; near New Year it may be its neighbour anywhere else, which the walk
 * over three years covers. */
static int64_t year_of(int64_t moment)
{
    int64_t days = moment / DAY_SECONDS - (moment % DAY_SECONDS < 0);
    int64_t year = 1970 + (days * 400 - (days < 0 ? 146096 : 0)) / 146097;
    while (days_before(year, 1) > days) {
        year--;
    }
    while (days_before(year + 1, 1) <= days) {
        year++;
    }
    return year;
}

/* Days from 1970-01-01 to the first of the month. */
static int64_t days_before(int64_t year, int month)
{
    static const int16_t before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    int64_t y = year - 1;
    int64_t leaps =
        (y >= 0 ? y / 4 - y / 100 + y / 400 : -((3 - y) / 4) + (99 - y) / 100 - (399 - y) / 400);
    return 365 * (year - 1970) + leaps - 477 + before[month - 1] + (month > 2 && is_leap(year));
}
