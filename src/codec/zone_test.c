#include "codec/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "codec/time.h"
#include "testing/testing.h"

#define FOLDER "/usr/share/zoneinfo/"

/* Seconds since 1970 of a civil time as if it were UTC: a moment or a reading. */
static int64_t civil(int year, int month, int day, int hour, int minute)
{
    struct wall wall;
    CHECK(time_from_civil(year, month, day, hour, minute, 0, &wall) == OK);
    return wall.ns / NS_PER_SECOND;
}

static struct zone *zone_of(const char *name)
{
    char path[256];
    struct zone *zone;
    size_t size;
    (void)snprintf(path, sizeof path, FOLDER "%s", name);
    char *bytes = testing_read(path, &size);
    CHECK(zone_decode(str_of(bytes, size), &zone) == OK);
    free(bytes);
    return zone;
}

/* A file of version 2 with one change (when == 0: none) from type 0 to type 1, and a footer. */
struct made {
    int64_t when;
    int32_t before, after;
    const char *footer;
    char version;
    uint32_t leaps;
};

static void big(struct buf *out, int64_t value, int size)
{
    while (size-- > 0) {
        CHECK(buf_append_byte(out, (char)((uint64_t)value >> (8 * size))) == OK);
    }
}

static void block(struct buf *out, const struct made *made, int size)
{
    uint32_t changes = made->when != 0 ? 1 : 0;
    const uint32_t counts[] = {0, 0, made->leaps, changes, 2, 4};
    CHECK(buf_append(out, STR("TZif")) == OK && buf_append_byte(out, made->version) == OK);
    CHECK(buf_append(out, str_of("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 15)) == OK);
    for (int i = 0; i < 6; i++) {
        big(out, counts[i], 4);
    }
    if (changes > 0) {
        big(out, made->when, size);
        big(out, 1, 1);
    }
    big(out, made->before, 4);
    big(out, 0, 2);
    big(out, made->after, 4);
    big(out, 0, 2);
    CHECK(buf_append(out, str_of("LMT", 4)) == OK);
    for (uint32_t i = 0; i < made->leaps; i++) {
        big(out, 78796800, size);
        big(out, 1, 4);
    }
}

static enum err made_decode(const struct made *made, size_t cut, struct zone **ret)
{
    struct buf out;
    buf_init(&out, 4096);
    block(&out, made, 4);
    if (made->version != '\0') {
        block(&out, made, 8);
        CHECK(buf_print(&out, "\n%s\n", made->footer) == OK);
    }
    struct str bytes = buf_str(&out);
    enum err err = zone_decode(str_slice(bytes, 0, bytes.size - cut), ret);
    buf_done(&out);
    return err;
}

static struct zone *rule_of(const char *footer)
{
    struct zone *zone;
    CHECK(made_decode(&(struct made){.footer = footer, .version = '3'}, 0, &zone) == OK);
    return zone;
}

TEST(the_offset_at_a_moment_is_that_of_the_last_change)
{
    struct zone *zone = zone_of("America/New_York");
    int64_t spring = civil(2026, 3, 8, 7, 0);
    CHECK(zone_offset(zone, spring - 1) == -5 * 3600);
    CHECK(zone_offset(zone, spring) == -4 * 3600);
    CHECK(zone_offset(zone, civil(1883, 1, 1, 0, 0)) == -17762);
    CHECK(zone_offset(zone, INT64_MIN / 32) == -17762);
    zone_free(zone);
    zone = zone_of("Asia/Tokyo");
    CHECK(zone_offset(zone, spring) == 9 * 3600);
    CHECK(zone_offset(zone, civil(2200, 1, 1, 0, 0)) == 9 * 3600);
    zone_free(zone);
}

TEST(a_reading_that_occurs_twice_has_a_first_and_a_last_moment)
{
    struct zone_moments moments;
    struct zone *zone = zone_of("Australia/Lord_Howe"); /* half an hour */
    zone_moments(zone, civil(2026, 4, 5, 1, 40), &moments);
    CHECK(moments.shown && moments.first == civil(2026, 4, 4, 14, 40));
    CHECK(moments.last == civil(2026, 4, 4, 15, 10));
    zone_moments(zone, civil(2026, 4, 5, 2, 0), &moments);
    CHECK(moments.shown && moments.first == moments.last);
    CHECK(moments.first == civil(2026, 4, 4, 15, 30));
    zone_free(zone);
}

TEST(a_reading_that_is_skipped_stands_for_the_moment_of_the_change)
{
    struct zone_moments moments;
    struct zone *zone = zone_of("Europe/Berlin");
    zone_moments(zone, civil(2026, 3, 29, 2, 30), &moments);
    CHECK(!moments.shown && moments.first == civil(2026, 3, 29, 1, 0));
    CHECK(moments.last == moments.first);
    zone_moments(zone, civil(2026, 3, 29, 3, 0), &moments);
    CHECK(moments.shown && moments.first == civil(2026, 3, 29, 1, 0));
    zone_free(zone);
    zone = zone_of("Pacific/Apia"); /* 2011-12-30 was left out as a whole */
    zone_moments(zone, civil(2011, 12, 30, 12, 0), &moments);
    CHECK(!moments.shown && moments.first == civil(2011, 12, 30, 10, 0));
    zone_free(zone);
}

TEST(the_footer_goes_on_after_the_last_change)
{
    struct zone *zone = zone_of("America/New_York");
    int64_t spring = civil(2200, 3, 9, 7, 0); /* the second Sunday */
    CHECK(zone_offset(zone, spring - 1) == -5 * 3600);
    CHECK(zone_offset(zone, spring) == -4 * 3600);
    int64_t autumn = civil(2200, 11, 2, 6, 0);
    CHECK(zone_offset(zone, autumn - 1) == -4 * 3600);
    CHECK(zone_offset(zone, autumn) == -5 * 3600);
    struct zone_stretch stretch;
    zone_stretch(zone, spring, &stretch);
    CHECK(stretch.from == spring && stretch.to == autumn);
    zone_free(zone);
}

TEST(southern_summers_and_negative_daylight_time_are_understood)
{
    struct zone *zone = rule_of("AEST-10AEDT,M10.1.0,M4.1.0/3");
    CHECK(zone_offset(zone, civil(2026, 1, 1, 0, 0)) == 11 * 3600);
    CHECK(zone_offset(zone, civil(2026, 7, 1, 0, 0)) == 10 * 3600);
    zone_free(zone);
    zone = rule_of("IST-1GMT0,M10.5.0,M3.5.0/1");
    CHECK(zone_offset(zone, civil(2026, 1, 1, 0, 0)) == 0);
    CHECK(zone_offset(zone, civil(2026, 7, 1, 0, 0)) == 3600);
    zone_free(zone);
}

TEST(the_wide_hours_of_version_3_and_days_by_number_are_understood)
{
    struct zone *zone = rule_of("<-02>2<-01>,M3.5.0/-1,M10.5.0/0"); /* Nuuk */
    int64_t spring = civil(2026, 3, 29, 1, 0); /* Saturday 23:00 local, UTC-2 */
    CHECK(zone_offset(zone, spring - 1) == -2 * 3600);
    CHECK(zone_offset(zone, spring) == -3600);
    zone_free(zone);
    zone = rule_of("XXX0YYY,J60/0,300/0"); /* 1 March always; 28 October, 27 in leap years */
    CHECK(zone_offset(zone, civil(2024, 3, 1, 0, 0) - 1) == 0);
    CHECK(zone_offset(zone, civil(2024, 3, 1, 0, 0)) == 3600);
    CHECK(zone_offset(zone, civil(2025, 3, 1, 0, 0)) == 3600);
    CHECK(zone_offset(zone, civil(2024, 10, 26, 23, 0)) == 0);
    CHECK(zone_offset(zone, civil(2025, 10, 27, 23, 0) - 1) == 3600);
    CHECK(zone_offset(zone, civil(2025, 10, 27, 23, 0)) == 0);
    zone_free(zone);
    zone = rule_of("EST5EDT,0/0,J365/25"); /* daylight time all year */
    for (int month = 1; month <= 12; month++) {
        CHECK(zone_offset(zone, civil(2028, month, 1, 5, 0)) == -4 * 3600);
        CHECK(zone_offset(zone, civil(2028, month, 1, 4, 59)) == -4 * 3600);
    }
    zone_free(zone);
}

TEST(without_a_footer_the_last_type_stays)
{
    struct zone *zone;
    CHECK(
        made_decode(
            &(struct made){.when = 1000, .before = 60, .after = 120, .footer = "", .version = '2'},
            0, &zone) == OK);
    CHECK(zone_offset(zone, 999) == 60 && zone_offset(zone, 1000) == 120);
    CHECK(zone_offset(zone, INT64_MAX / 16) == 120);
    zone_free(zone);
    CHECK(made_decode(&(struct made){.when = 1000, .before = 60, .after = 120}, 0, &zone) == OK);
    CHECK(zone_offset(zone, 2000) == 120);
    zone_free(zone);
}

TEST(a_cut_file_and_leap_seconds_are_refused)
{
    struct zone *zone;
    const struct made made = {.when = 5, .after = 1, .footer = "UTC0", .version = '4'};
    for (size_t cut = 1; cut < 100; cut++) {
        CHECK(made_decode(&made, cut, &zone) == ERR_SYNTAX);
    }
    CHECK(made_decode(&(struct made){.footer = "UTC0", .version = '2', .leaps = 1}, 0, &zone) ==
          ERR_UNSUPPORTED);
    CHECK(made_decode(&(struct made){.footer = "", .version = '1'}, 0, &zone) == ERR_SYNTAX);
    CHECK(made_decode(&(struct made){.footer = "", .version = '2', .before = 93600}, 0, &zone) ==
          ERR_SYNTAX);
    CHECK(zone_decode(STR(""), &zone) == ERR_SYNTAX);
    char *large = calloc(1, ZONE_FILE_SIZE_MAX + 1);
    CHECK(large != NULL && zone_decode(str_of(large, ZONE_FILE_SIZE_MAX + 1), &zone) == ERR_LIMIT);
    free(large);
}

TEST(a_footer_that_is_no_rule_is_refused)
{
    static const char *const wrong[] = {
        "UT0",
        "<UTC0",
        "UTC",
        "UTC25",
        "UTC0:60",
        "EST5EDT",
        "EST5EDT,M3.2.0",
        "EST5EDT,J0,1",
        "EST5EDT,1,2,",
        "EST5EDT,M13.1.0,1",
        "EST5EDT,M1.6.0,1",
        "EST5EDT,M1.1.7,1",
        "EST5EDT,366,1",
        "EST5EDT,1/168,2",
        "E+T5",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct zone *zone;
        CHECK(made_decode(&(struct made){.footer = wrong[i], .version = '2'}, 0, &zone) ==
              ERR_SYNTAX);
    }
}
