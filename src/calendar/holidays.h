#pragma once

/* The holidays of one year, for a walk over many days.  For calendar.c's files alone; the door is
 * holiday_japan in calendar/calendar.h. */

#define HOLIDAYS_YEAR_FIRST 1980
#define HOLIDAYS_YEAR_LAST  2099

struct holidays {
    int year;
    const char *names[13][32]; /* by month and day from 1: the key of the name, or NULL */
};

/* Any year; without holidays outside of those that are known. */
void holidays_find(int year, struct holidays *ret);
