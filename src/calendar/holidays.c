/*
 * The public holidays of Japan by law (国民の祝日に関する法律, Act 178 of 1948), as a table of
 * which day was or is one in which years, and three rules on top:
 *
 *   section 3 (2)  When one falls on a Sunday, the next day is off; since 2007 the next day that is
 *                  no holiday itself (振替休日).
 *   section 3 (3)  A day between two of them is off, since the end of 1985; until 2006 not if it is
 * a Sunday or a day off by (2) (国民の休日). equinoxes      are announced by the National
 * Astronomical Observatory a year ahead; here by the usual formula for 1980 to 2099, which agrees
 * with all that were announced so far.
 *
 * Laws for single years stand in the table too: three ceremonies, the enthronement of 2019, and the
 * holidays that were moved for the Olympic games of 2020, then of 2021.
 *
 * Always true: what has a name from the table keeps it; days off by the rules fill gaps alone.
 */

#include "calendar/holidays.h"

#include <stdbool.h>
#include <string.h>

#include "calendar/calendar.h"

#define LAST HOLIDAYS_YEAR_LAST

enum day_kind { DAY_FIXED, DAY_MONDAY, DAY_SPRING, DAY_AUTUMN };

static const struct rule {
    const char *name;
    int from, to; /* years */
    int month;
    enum day_kind kind;
    int day; /* FIXED: of the month; MONDAY: the which of the month */
} rules[] = {
    {"holiday.new-year", 1980, LAST, 1, DAY_FIXED, 1},
    {"holiday.coming-of-age", 1980, 1999, 1, DAY_FIXED, 15},
    {"holiday.coming-of-age", 2000, LAST, 1, DAY_MONDAY, 2},
    {"holiday.foundation", 1980, LAST, 2, DAY_FIXED, 11},
    {"holiday.emperor", 2020, LAST, 2, DAY_FIXED, 23},
    {"holiday.funeral", 1989, 1989, 2, DAY_FIXED, 24},
    {"holiday.spring", 1980, LAST, 3, DAY_SPRING, 0},
    {"holiday.emperor", 1980, 1988, 4, DAY_FIXED, 29},
    {"holiday.greenery", 1989, 2006, 4, DAY_FIXED, 29},
    {"holiday.showa", 2007, LAST, 4, DAY_FIXED, 29},
    {"holiday.accession", 2019, 2019, 5, DAY_FIXED, 1},
    {"holiday.constitution", 1980, LAST, 5, DAY_FIXED, 3},
    {"holiday.greenery", 2007, LAST, 5, DAY_FIXED, 4},
    {"holiday.children", 1980, LAST, 5, DAY_FIXED, 5},
    {"holiday.wedding", 1993, 1993, 6, DAY_FIXED, 9},
    {"holiday.marine", 1996, 2002, 7, DAY_FIXED, 20},
    {"holiday.marine", 2003, 2019, 7, DAY_MONDAY, 3},
    {"holiday.marine", 2020, 2020, 7, DAY_FIXED, 23},
    {"holiday.marine", 2021, 2021, 7, DAY_FIXED, 22},
    {"holiday.marine", 2022, LAST, 7, DAY_MONDAY, 3},
    {"holiday.sports", 2020, 2020, 7, DAY_FIXED, 24},
    {"holiday.sports", 2021, 2021, 7, DAY_FIXED, 23},
    {"holiday.mountain", 2016, 2019, 8, DAY_FIXED, 11},
    {"holiday.mountain", 2020, 2020, 8, DAY_FIXED, 10},
    {"holiday.mountain", 2021, 2021, 8, DAY_FIXED, 8},
    {"holiday.mountain", 2022, LAST, 8, DAY_FIXED, 11},
    {"holiday.aged", 1980, 2002, 9, DAY_FIXED, 15},
    {"holiday.aged", 2003, LAST, 9, DAY_MONDAY, 3},
    {"holiday.autumn", 1980, LAST, 9, DAY_AUTUMN, 0},
    {"holiday.health", 1980, 1999, 10, DAY_FIXED, 10},
    {"holiday.health", 2000, 2019, 10, DAY_MONDAY, 2},
    {"holiday.sports", 2022, LAST, 10, DAY_MONDAY, 2},
    {"holiday.enthronement", 2019, 2019, 10, DAY_FIXED, 22},
    {"holiday.culture", 1980, LAST, 11, DAY_FIXED, 3},
    {"holiday.enthronement", 1990, 1990, 11, DAY_FIXED, 12},
    {"holiday.labour", 1980, LAST, 11, DAY_FIXED, 23},
    {"holiday.emperor", 1989, 2018, 12, DAY_FIXED, 23},
};

static const char substitute[] = "holiday.substitute";
static const char between[] = "holiday.between";

static int rule_day(const struct rule *rule, int year);
static int weekday_of(int year, int month, int day);
static int month_size(int year, int month);
static void substitutes_add(struct holidays *holidays);
static void betweens_add(struct holidays *holidays);
static const char *neighbour(const struct holidays *holidays, int month, int day);

const char *holiday_japan(int year, int month, int day)
{
    struct holidays holidays;
    if (month < 1 || month > 12 || day < 1 || day > 31) {
        return NULL;
    }
    holidays_find(year, &holidays);
    return holidays.names[month][day];
}

void holidays_find(int year, struct holidays *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->year = year;
    if (year < HOLIDAYS_YEAR_FIRST || year > HOLIDAYS_YEAR_LAST) {
        return;
    }
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (year >= rules[i].from && year <= rules[i].to) {
            ret->names[rules[i].month][rule_day(&rules[i], year)] = rules[i].name;
        }
    }
    substitutes_add(ret);
    betweens_add(ret);
}

/* The formula counts in millionths of a day, so that no rounding of fractions enters. */
static int rule_day(const struct rule *rule, int year)
{
    int64_t years = year - 1980;
    switch (rule->kind) {
    case DAY_FIXED:
        return rule->day;
    case DAY_MONDAY:
        return 1 + (8 - weekday_of(year, rule->month, 1)) % 7 + 7 * (rule->day - 1);
    case DAY_SPRING:
        return (int)((20843100 + 242194 * years) / 1000000 - years / 4);
    case DAY_AUTUMN:
        break;
    }
    return (int)((23248800 + 242194 * years) / 1000000 - years / 4);
}

/* A holiday by the law itself, not by a rule on top of it. */
static bool is_own(const char *name)
{
    return name != NULL && name != substitute && name != between;
}

static void substitutes_add(struct holidays *holidays)
{
    for (int month = 1; month <= 12; month++) {
        for (int day = 1; day <= 30; day++) {
            if (!is_own(holidays->names[month][day]) ||
                weekday_of(holidays->year, month, day) != 0) {
                continue;
            }
            int next = day + 1; /* no holiday of any year ends a month with its substitute */
            while (holidays->year >= 2007 && is_own(holidays->names[month][next])) {
                next++;
            }
            if (holidays->names[month][next] == NULL) {
                holidays->names[month][next] = substitute;
            }
        }
    }
}

static void betweens_add(struct holidays *holidays)
{
    if (holidays->year < 1986) {
        return;
    }
    for (int month = 1; month <= 12; month++) {
        int size = month_size(holidays->year, month);
        for (int day = 1; day <= size; day++) {
            bool counts = holidays->year >= 2007 || weekday_of(holidays->year, month, day) != 0;
            if (holidays->names[month][day] == NULL && counts &&
                is_own(neighbour(holidays, month, day - 1)) &&
                is_own(neighbour(holidays, month, day + 1))) {
                holidays->names[month][day] = between;
            }
        }
    }
}

/* The name of a day that may be one outside of its month. */
static const char *neighbour(const struct holidays *holidays, int month, int day)
{
    if (day < 1) {
        return month > 1 ? holidays->names[month - 1][month_size(holidays->year, month - 1)] : NULL;
    }
    if (day > month_size(holidays->year, month)) {
        return month < 12 ? holidays->names[month + 1][1] : NULL;
    }
    return holidays->names[month][day];
}

/* 0 is Sunday (Sakamoto's method). */
static int weekday_of(int year, int month, int day)
{
    static const int shift[] = {0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4};
    int y = year - (month < 3);
    return (y + y / 4 - y / 100 + y / 400 + shift[month - 1] + day) % 7;
}

static int month_size(int year, int month)
{
    static const int sizes[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return sizes[month - 1] + (month == 2 && leap);
}
