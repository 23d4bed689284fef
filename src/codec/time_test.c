#include "codec/time.h"

#include <string.h>
#include <time.h>

#include "testing/testing.h"

TEST(every_day_agrees_with_the_c_library)
{
    for (int64_t day = -100000; day < 100000; day++) {
        time_t seconds = (time_t)(day * 86400 + 3723);
        struct tm tm;
        struct civil civil;
        gmtime_r(&seconds, &tm);
        time_to_civil((struct wall){seconds * NS_PER_SECOND}, &civil);
        CHECK(civil.year == tm.tm_year + 1900 && civil.month == tm.tm_mon + 1 &&
              civil.day == tm.tm_mday && civil.hour == 1 && civil.minute == 2 && civil.second == 3);
        struct wall wall;
        CHECK(time_from_civil(civil.year, civil.month, civil.day, 1, 2, 3, &wall) == OK);
        CHECK(wall.ns == seconds * NS_PER_SECOND);
    }
}

TEST(rfc_3339_is_read_and_printed)
{
    struct wall wall;
    char text[TIME_TEXT_SIZE];
    CHECK(time_parse(STR("2026-11-21T17:30:00.25+09:00"), &wall) == OK);
    CHECK(strcmp(time_print(wall, text), "2026-11-21T08:30:00.250000Z") == 0);
    CHECK(time_parse(STR("2003-08-24T05:14:15.000003-07:00"), &wall) == OK);
    CHECK(strcmp(time_print(wall, text), "2003-08-24T12:14:15.000003Z") == 0);
    CHECK(time_parse(STR("2024-02-29"), &wall) == OK);
    CHECK(time_parse(STR("1960-12-31T23:59:59Z"), &wall) == OK);
    CHECK(strcmp(time_print(wall, text), "1960-12-31T23:59:59.000000Z") == 0);
}

TEST(what_is_no_time_is_refused)
{
    struct wall wall;
    CHECK(time_parse(STR("2023-02-29"), &wall) == ERR_SYNTAX);
    CHECK(time_parse(STR("2023-02-28T24:00:00Z"), &wall) == ERR_SYNTAX);
    CHECK(time_parse(STR("2023-02-28T12:00:00"), &wall) == ERR_SYNTAX);
    CHECK(time_parse(STR("2023-02-28T12:00:00.Z"), &wall) == ERR_SYNTAX);
    CHECK(time_parse(STR("2023-02-28T12:00:00.1234567890Z"), &wall) == ERR_SYNTAX);
    CHECK(time_parse(STR("+023-02-28T12:00:00Z"), &wall) == ERR_SYNTAX);
    CHECK(time_parse(STR(""), &wall) == ERR_SYNTAX);
}
