/* Facts as the Cabinet Office announced them (国民の祝日について). */

#include <stdio.h>
#include <string.h>

#include "calendar/calendar.h"
#include "testing/testing.h"
#include "words/words.h"

/* The whole of a year is exactly this list. */
static void year_is(int year, const char *expected)
{
    char found[2048] = "";
    size_t size = 0;
    for (int month = 1; month <= 12; month++) {
        for (int day = 1; day <= 31; day++) {
            const char *name = holiday_japan(year, month, day);
            if (name != NULL) {
                size += (size_t)snprintf(found + size, sizeof found - size, "%s%d/%d %s",
                                         size > 0 ? ", " : "", month, day, strchr(name, '.') + 1);
            }
        }
    }
    if (strcmp(found, expected) != 0) {
        (void)printf("%d: %s\n", year, found);
    }
    CHECK(strcmp(found, expected) == 0);
}

TEST(the_year_2026_is_as_announced)
{
    year_is(2026, "1/1 new-year, 1/12 coming-of-age, 2/11 foundation, 2/23 emperor, 3/20 spring,"
                  " 4/29 showa, 5/3 constitution, 5/4 greenery, 5/5 children, 5/6 substitute,"
                  " 7/20 marine, 8/11 mountain, 9/21 aged, 9/22 between, 9/23 autumn,"
                  " 10/12 sports, 11/3 culture, 11/23 labour");
}

TEST(the_year_2025_is_as_announced)
{
    year_is(2025, "1/1 new-year, 1/13 coming-of-age, 2/11 foundation, 2/23 emperor,"
                  " 2/24 substitute, 3/20 spring, 4/29 showa, 5/3 constitution, 5/4 greenery,"
                  " 5/5 children, 5/6 substitute, 7/21 marine, 8/11 mountain, 9/15 aged,"
                  " 9/23 autumn, 10/13 sports, 11/3 culture, 11/23 labour, 11/24 substitute");
}

TEST(the_games_moved_three_holidays_in_2020_and_in_2021)
{
    year_is(2020, "1/1 new-year, 1/13 coming-of-age, 2/11 foundation, 2/23 emperor,"
                  " 2/24 substitute, 3/20 spring, 4/29 showa, 5/3 constitution, 5/4 greenery,"
                  " 5/5 children, 5/6 substitute, 7/23 marine, 7/24 sports, 8/10 mountain,"
                  " 9/21 aged, 9/22 autumn, 11/3 culture, 11/23 labour");
    year_is(2021, "1/1 new-year, 1/11 coming-of-age, 2/11 foundation, 2/23 emperor, 3/20 spring,"
                  " 4/29 showa, 5/3 constitution, 5/4 greenery, 5/5 children, 7/22 marine,"
                  " 7/23 sports, 8/8 mountain, 8/9 substitute, 9/20 aged, 9/23 autumn,"
                  " 11/3 culture, 11/23 labour");
}

TEST(the_enthronement_of_2019_made_ten_days_off_in_a_row)
{
    year_is(2019, "1/1 new-year, 1/14 coming-of-age, 2/11 foundation, 3/21 spring, 4/29 showa,"
                  " 4/30 between, 5/1 accession, 5/2 between, 5/3 constitution, 5/4 greenery,"
                  " 5/5 children, 5/6 substitute, 7/15 marine, 8/11 mountain, 8/12 substitute,"
                  " 9/16 aged, 9/23 autumn, 10/14 health, 10/22 enthronement, 11/3 culture,"
                  " 11/4 substitute, 11/23 labour");
}

TEST(until_2006_only_the_monday_after_was_a_substitute)
{
    year_is(1998, "1/1 new-year, 1/15 coming-of-age, 2/11 foundation, 3/21 spring,"
                  " 4/29 greenery, 5/3 constitution, 5/4 substitute, 5/5 children, 7/20 marine,"
                  " 9/15 aged, 9/23 autumn, 10/10 health, 11/3 culture, 11/23 labour,"
                  " 12/23 emperor");
    CHECK(holiday_japan(2008, 5, 6) != NULL); /* 4 May was a Sunday */
    CHECK(holiday_japan(2003, 5, 6) == NULL);
    CHECK(holiday_japan(1986, 5, 4) == NULL); /* a Sunday between two holidays */
    CHECK(strcmp(holiday_japan(1988, 5, 4), "holiday.between") == 0);
    CHECK(holiday_japan(1985, 5, 4) == NULL); /* the law is of December 1985 */
}

TEST(the_emperors_birthday_moves_with_the_emperor)
{
    CHECK(strcmp(holiday_japan(1988, 4, 29), "holiday.emperor") == 0);
    CHECK(holiday_japan(1988, 12, 23) == NULL);
    CHECK(strcmp(holiday_japan(1989, 12, 23), "holiday.emperor") == 0);
    CHECK(strcmp(holiday_japan(2018, 12, 23), "holiday.emperor") == 0);
    CHECK(holiday_japan(2019, 2, 23) == NULL && holiday_japan(2019, 12, 23) == NULL);
    CHECK(strcmp(holiday_japan(2020, 2, 23), "holiday.emperor") == 0);
}

TEST(ceremonies_were_holidays_once)
{
    CHECK(strcmp(holiday_japan(1989, 2, 24), "holiday.funeral") == 0);
    CHECK(strcmp(holiday_japan(1990, 11, 12), "holiday.enthronement") == 0);
    CHECK(strcmp(holiday_japan(1993, 6, 9), "holiday.wedding") == 0);
    CHECK(holiday_japan(1994, 6, 9) == NULL);
}

TEST(other_years_and_days_that_are_none_have_no_holiday)
{
    CHECK(holiday_japan(1979, 1, 1) == NULL && holiday_japan(2100, 1, 1) == NULL);
    CHECK(holiday_japan(1980, 1, 1) != NULL && holiday_japan(2099, 1, 1) != NULL);
    CHECK(holiday_japan(2026, 0, 1) == NULL && holiday_japan(2026, 13, 1) == NULL);
    CHECK(holiday_japan(2026, 1, 0) == NULL && holiday_japan(2026, 1, 32) == NULL);
}

TEST(every_holiday_has_its_name_in_both_languages)
{
    for (int year = 1980; year <= 2099; year++) {
        for (int at = 0; at < 12 * 31; at++) {
            const char *name = holiday_japan(year, at / 31 + 1, at % 31 + 1);
            enum word word;
            CHECK(name == NULL || words_find(str_from(name), &word));
        }
    }
}
