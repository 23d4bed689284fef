/*
 * Civil dates by arithmetic, without the C library's zones and locales.
 *
 * Days are counted from 1 March, so that the leap day comes last; an era is 400 years of 146,097
 * days.  Years 0000 to 9999 are accepted, as RFC 3339 has them, as long as they fit 64-bit
 * nanoseconds (1678 to 2261).
 */

#include "codec/time.h"

#include <stdio.h>

#define SECONDS_PER_DAY 86400LL

static int64_t days_from_civil(int year, int month, int day);
static int digits(struct str s, size_t at, size_t count);
static enum err fraction_parse(struct str *rest, int64_t *ret_ns);
static enum err zone_parse(struct str rest, int64_t *ret_seconds);

const char *time_print(struct wall wall, char text[TIME_TEXT_SIZE])
{
    struct civil civil;
    time_to_civil(wall, &civil);
    (void)snprintf(text, TIME_TEXT_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", civil.year,
                   civil.month, civil.day, civil.hour, civil.minute, civil.second,
                   civil.nanosecond / 1000);
    return text;
}

enum err time_parse(struct str s, struct wall *ret)
{
    struct wall wall;
    bool date_only = s.size == 10;
    if (s.size < 10 || s.data[4] != '-' || s.data[7] != '-') {
        return ERR_SYNTAX;
    }
    if (!date_only &&
        (s.size < 20 || (s.data[10] != 'T' && s.data[10] != 't' && s.data[10] != ' ') ||
         s.data[13] != ':' || s.data[16] != ':')) {
        return ERR_SYNTAX;
    }
    enum err err = time_from_civil(
        digits(s, 0, 4), digits(s, 5, 2), digits(s, 8, 2), date_only ? 0 : digits(s, 11, 2),
        date_only ? 0 : digits(s, 14, 2), date_only ? 0 : digits(s, 17, 2), &wall);
    if (err != OK || date_only) {
        if (err == OK) {
            *ret = wall;
        }
        return err;
    }
    struct str rest = str_slice(s, 19, s.size);
    int64_t fraction_ns = 0;
    int64_t zone_seconds = 0;
    err = fraction_parse(&rest, &fraction_ns);
    if (err == OK) {
        err = zone_parse(rest, &zone_seconds);
    }
    if (err == OK) {
        int64_t shift = fraction_ns - zone_seconds * NS_PER_SECOND;
        err = __builtin_add_overflow(wall.ns, shift, &ret->ns) ? ERR_LIMIT : OK;
    }
    return err;
}

enum err time_from_civil(int year, int month, int day, int hour, int minute, int second,
                         struct wall *ret)
{
    static const int month_days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (year < 1678 || year > 2261 || month < 1 || month > 12 || day < 1 ||
        day > month_days[month - 1] + (month == 2 && leap) || hour < 0 || hour > 23 || minute < 0 ||
        minute > 59 || second < 0 || second > 60) {
        return ERR_SYNTAX;
    }
    int64_t seconds = days_from_civil(year, month, day) * SECONDS_PER_DAY + hour * 3600 +
                      minute * 60 + (second == 60 ? 59 : second);
    *ret = (struct wall){seconds * NS_PER_SECOND};
    return OK;
}

void time_to_civil(struct wall wall, struct civil *ret)
{
    int64_t seconds = wall.ns / NS_PER_SECOND;
    int64_t rest_ns = wall.ns % NS_PER_SECOND;
    if (rest_ns < 0) {
        rest_ns += NS_PER_SECOND;
        seconds--;
    }
    int64_t days = seconds / SECONDS_PER_DAY;
    int64_t of_day = seconds % SECONDS_PER_DAY;
    if (of_day < 0) {
        of_day += SECONDS_PER_DAY;
        days--;
    }
    days += 719468;              /* from 0000-03-01 */
    int64_t era = days / 146097; /* 64-bit nanoseconds never reach before year 0 */
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* from March */
    *ret = (struct civil){
        .year = (int)(year_of_era + era * 400 + (month >= 10)),
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
        .hour = (int)(of_day / 3600),
        .minute = (int)(of_day / 60 % 60),
        .second = (int)(of_day % 60),
        .nanosecond = (int)rest_ns,
    };
}

static int64_t days_from_civil(int year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t era = y / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

/* The number that `count` digits spell, or -1. */
static int digits(struct str s, size_t at, size_t count)
{
    uint64_t value;
    struct str part = str_slice(s, at, count);
    return part.size == count && str_to_u64(part, 9999, &value) == OK ? (int)value : -1;
}

static enum err fraction_parse(struct str *rest, int64_t *ret_ns)
{
    if (rest->size == 0 || (rest->data[0] != '.' && rest->data[0] != ',')) {
        return OK;
    }
    int64_t ns = 0;
    int64_t weight = NS_PER_SECOND / 10;
    size_t at = 1;
    for (; at < rest->size && rest->data[at] >= '0' && rest->data[at] <= '9'; at++) {
        ns += weight * (rest->data[at] - '0');
        weight /= 10;
    }
    if (at == 1 || at > 10) {
        return ERR_SYNTAX;
    }
    *rest = str_slice(*rest, at, rest->size);
    *ret_ns = ns;
    return OK;
}

static enum err zone_parse(struct str rest, int64_t *ret_seconds)
{
    if (str_equal_nocase(rest, STR("z"))) {
        *ret_seconds = 0;
        return OK;
    }
    if (rest.size != 6 || (rest.data[0] != '+' && rest.data[0] != '-') || rest.data[3] != ':') {
        return ERR_SYNTAX;
    }
    int hours = digits(rest, 1, 2);
    int minutes = digits(rest, 4, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) {
        return ERR_SYNTAX;
    }
    int64_t seconds = hours * 3600 + minutes * 60;
    *ret_seconds = rest.data[0] == '-' ? -seconds : seconds;
    return OK;
}
