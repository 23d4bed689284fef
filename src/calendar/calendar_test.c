#include "calendar/zones.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "codec/time.h"
#include "testing/testing.h"

#define MINUTE (60 * NS_PER_SECOND)
#define HOUR   (60 * MINUTE)

#define OFFICE                                                                  \
    "zone: Asia/Tokyo\n"                                                        \
    "hours: {monday: ['09:00-12:00', '13:00-17:30'], tuesday: ['09:00-17:30']," \
    " wednesday: ['09:00-17:30'], thursday: ['09:00-17:30'], friday: ['09:00-17:30']}\n"
#define ALWAYS(zone)                                                                         \
    "zone: " zone "\n"                                                                       \
    "hours: {monday: ['00:00-24:00'], tuesday: ['00:00-24:00'], wednesday: ['00:00-24:00']," \
    " thursday: ['00:00-24:00'], friday: ['00:00-24:00'], saturday: ['00:00-24:00'],"        \
    " sunday: ['00:00-24:00']}\n"

struct world {
    struct arena *mem;
    struct zones *zones;
    struct calendar *calendar;
};

/* Reads the keys of one calendar as a document. */
static enum err read(const char *head, const char *yaml, struct arena *mem, struct document *ret,
                     struct why *why)
{
    struct buf text;
    struct str rest = str_from(yaml);
    buf_init(&text, 1 << 16);
    CHECK(buf_print(&text, "%s", head) == OK);
    while (rest.size > 0) {
        struct str line = str_cut(&rest, '\n');
        CHECK(buf_print(&text, "    %.*s\n", STR_ARG(line)) == OK);
    }
    enum err err = document_read(schema_find(STR("calendars")), buf_str(&text), mem, ret, why);
    buf_done(&text);
    return err;
}

static enum err item_of(const char *yaml, struct arena *mem, const struct element **ret,
                        struct why *why)
{
    struct document document;
    enum err err = read("calendars:\n  - slug: c\n", yaml, mem, &document, why);
    if (err == OK) {
        *ret = element_get(document.root, "calendars")->first;
    }
    return err;
}

static struct world world_of(const char *yaml)
{
    struct world world = {.mem = arena_new(1 << 20)};
    struct why why = {0};
    CHECK(zones_new("/usr/share/zoneinfo", &world.zones) == OK);
    const struct element *item = NULL;
    enum err err = yaml == NULL ? OK : item_of(yaml, world.mem, &item, &why);
    err = err != OK ? err : calendar_new(world.zones, item, &world.calendar, &why);
    if (err != OK) {
        (void)printf("%s\n", why_text(&why, err));
    }
    CHECK(err == OK);
    return world;
}

static void world_done(struct world *world)
{
    calendar_free(world->calendar);
    zones_free(world->zones);
    arena_free(world->mem);
}

static struct wall at(const char *text)
{
    struct wall wall;
    CHECK(time_parse(str_from(text), &wall) == OK);
    return wall;
}

static int64_t elapsed(const struct world *world, const char *from, const char *to)
{
    return calendar_elapsed(world->calendar, at(from), at(to));
}

static bool add_is(const struct world *world, const char *from, int64_t ns, const char *to)
{
    struct wall wall;
    return calendar_add(world->calendar, at(from), ns, &wall) == OK && wall.ns == at(to).ns;
}

static enum err refused(const char *yaml, struct why *why)
{
    struct arena *mem = arena_new(1 << 20);
    struct zones *zones;
    struct calendar *calendar;
    CHECK(zones_new("/usr/share/zoneinfo", &zones) == OK);
    const struct element *item;
    enum err err = item_of(yaml, mem, &item, why);
    err = err == OK ? calendar_new(zones, item, &calendar, why) : err;
    zones_free(zones);
    arena_free(mem);
    return err;
}

TEST(no_name_leads_out_of_the_folder_or_to_its_copies)
{
    static const char *const names[] = {
        "../../etc/passwd", "/etc/passwd",      "Asia/../Asia/Tokyo", "Asia//Tokyo",
        "posix/Asia/Tokyo", "right/Asia/Tokyo", "Asia/Tokyo/",        "",
    };
    const struct zone *zone;
    struct zones *zones;
    CHECK(zones_new("/usr/share/zoneinfo", &zones) == OK);
    CHECK(zones_find(zones, STR("Asia/Tokyo"), &zone, NULL) == OK);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        CHECK(zones_find(zones, str_from(names[i]), &zone, NULL) == ERR_NOT_FOUND);
    }
    zones_free(zones);
}

TEST(without_a_document_it_is_always_open)
{
    struct world world = world_of(NULL);
    CHECK(calendar_open(world.calendar, at("2026-11-22T03:00:00Z")));
    CHECK(elapsed(&world, "2026-11-22T03:00:00Z", "2026-11-29T03:00:00.000000001Z") ==
          7 * 24 * HOUR + 1);
    CHECK(add_is(&world, "2026-11-22T03:00:00Z", 5, "2026-11-22T03:00:00.000000005Z"));
    world_done(&world);
}

TEST(hours_of_a_weekday_count_and_the_breaks_between_do_not)
{
    struct world world = world_of(OFFICE); /* 2026-11-30 is a Monday */
    CHECK(elapsed(&world, "2026-11-30T08:00:00+09:00", "2026-11-30T18:00:00+09:00") ==
          7 * HOUR + 30 * MINUTE);
    CHECK(elapsed(&world, "2026-11-30T11:59:59.999999999+09:00",
                  "2026-11-30T13:00:00.000000002+09:00") == 3);
    CHECK(!calendar_open(world.calendar, at("2026-11-30T08:59:59.999999999+09:00")));
    CHECK(calendar_open(world.calendar, at("2026-11-30T09:00:00+09:00")));
    CHECK(!calendar_open(world.calendar, at("2026-11-30T12:00:00+09:00")));
    CHECK(!calendar_open(world.calendar, at("2026-11-29T10:00:00+09:00")));
    world_done(&world);
}

TEST(nothing_has_elapsed_unless_the_end_is_after_the_beginning)
{
    struct world world = world_of(OFFICE);
    CHECK(elapsed(&world, "2026-12-01T10:00:00+09:00", "2026-12-01T10:00:00+09:00") == 0);
    CHECK(elapsed(&world, "2026-12-01T11:00:00+09:00", "2026-12-01T10:00:00+09:00") == 0);
    world_done(&world);
}

TEST(the_first_moment_at_which_the_time_has_passed_is_the_end_of_hours)
{
    struct world world = world_of(OFFICE);
    CHECK(add_is(&world, "2026-11-30T11:00:00+09:00", HOUR, "2026-11-30T12:00:00+09:00"));
    CHECK(add_is(&world, "2026-11-30T11:00:00+09:00", HOUR + 1,
                 "2026-11-30T13:00:00.000000001+09:00"));
    CHECK(add_is(&world, "2026-11-28T11:00:00+09:00", 0, "2026-11-28T11:00:00+09:00"));
    CHECK(add_is(&world, "2026-11-28T11:00:00+09:00", 1, "2026-11-30T09:00:00.000000001+09:00"));
    world_done(&world);
}

TEST(hours_over_midnight_belong_to_the_day_on_which_they_begin)
{
    struct world world = world_of("zone: Asia/Tokyo\n"
                                  "hours: {friday: ['22:00-06:00'], saturday: ['05:00-07:00']}\n"
                                  "closed: [{slug: a, from: 2026-12-12, to: 2026-12-12}]\n");
    /* 4 December is a Friday; the Saturday's hours overlap by an hour. */
    CHECK(elapsed(&world, "2026-12-04T00:00:00+09:00", "2026-12-06T00:00:00+09:00") == 9 * HOUR);
    /* The 12th is off, but the night before it is not. */
    CHECK(elapsed(&world, "2026-12-11T00:00:00+09:00", "2026-12-13T00:00:00+09:00") == 8 * HOUR);
    CHECK(calendar_open(world.calendar, at("2026-12-12T05:59:00+09:00")));
    CHECK(!calendar_open(world.calendar, at("2026-12-12T06:00:00+09:00")));
    world_done(&world);
}

TEST(holidays_of_japan_are_off_if_the_document_says_so)
{
    struct world world = world_of(OFFICE "holidays: japan\n");
    CHECK(!calendar_open(world.calendar, at("2026-11-23T10:00:00+09:00")));
    CHECK(elapsed(&world, "2026-11-20T00:00:00+09:00", "2026-11-25T00:00:00+09:00") ==
          17 * HOUR); /* Friday and Tuesday */
    world_done(&world);
    world = world_of(OFFICE "holidays: none\n");
    CHECK(calendar_open(world.calendar, at("2026-11-23T10:00:00+09:00")));
    world_done(&world);
}

TEST(days_off_count_from_the_first_to_the_last_and_may_be_one)
{
    struct world world =
        world_of(OFFICE "closed: [{slug: year-end, from: 2026-12-29, to: 2027-01-03},"
                        " {slug: one, from: 2026-12-24}]\n");
    CHECK(calendar_open(world.calendar, at("2026-12-28T10:00:00+09:00")));
    CHECK(!calendar_open(world.calendar, at("2026-12-29T10:00:00+09:00")));
    CHECK(!calendar_open(world.calendar, at("2027-01-01T10:00:00+09:00")));
    CHECK(calendar_open(world.calendar, at("2027-01-04T10:00:00+09:00")));
    CHECK(!calendar_open(world.calendar, at("2026-12-24T10:00:00+09:00")));
    CHECK(calendar_open(world.calendar, at("2026-12-25T10:00:00+09:00")));
    world_done(&world);
}

TEST(days_off_may_overlap_and_lie_within_each_other)
{
    struct world world = world_of(OFFICE "closed: [{slug: c, from: 2026-12-07, to: 2026-12-10},"
                                         " {slug: a, from: 2026-11-30, to: 2026-12-08},"
                                         " {slug: b, from: 2026-12-01, to: 2026-12-02},"
                                         " {slug: d, from: 2026-12-20, to: 2026-12-15}]\n");
    CHECK(elapsed(&world, "2026-11-30T00:00:00+09:00", "2026-12-11T00:00:00+09:00") == 0);
    CHECK(calendar_open(world.calendar, at("2026-12-11T10:00:00+09:00")));
    CHECK(calendar_open(world.calendar, at("2026-12-16T10:00:00+09:00")));
    world_done(&world);
}

TEST(exceptional_days_win_over_everything)
{
    struct world world =
        world_of(OFFICE "holidays: japan\n"
                        "closed: [{slug: a, from: 2026-12-01, to: 2026-12-31}]\n"
                        "open: [{slug: b, date: 2026-12-12, hours: ['10:00-12:00']},"
                        " {slug: c, date: 2026-11-23, hours: ['10:00-11:00']},"
                        " {slug: d, date: 2026-11-24, hours: ['20:00-21:00']},"
                        " {slug: e, date: 2026-12-12, hours: ['11:00-13:00']}]\n");
    CHECK(elapsed(&world, "2026-12-01T00:00:00+09:00", "2027-01-01T00:00:00+09:00") == 3 * HOUR);
    CHECK(elapsed(&world, "2026-11-23T00:00:00+09:00", "2026-11-24T00:00:00+09:00") == HOUR);
    CHECK(elapsed(&world, "2026-11-24T00:00:00+09:00", "2026-11-25T00:00:00+09:00") == HOUR);
    world_done(&world);
}

TEST(a_day_on_which_clocks_change_has_what_really_passes)
{
    struct world world = world_of(ALWAYS("America/New_York"));
    CHECK(elapsed(&world, "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z") == 23 * HOUR);
    CHECK(add_is(&world, "2026-03-08T05:00:00Z", 23 * HOUR, "2026-03-09T04:00:00Z"));
    world_done(&world);
    world = world_of("zone: America/New_York\nhours: {sunday: ['01:30-03:30']}\n");
    CHECK(elapsed(&world, "2026-03-08T00:00:00Z", "2026-03-09T00:00:00Z") == HOUR);
    CHECK(elapsed(&world, "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z") == 3 * HOUR);
    world_done(&world);
}

TEST(a_reading_that_occurs_twice_counts_from_its_first_and_a_skipped_one_from_the_change)
{
    struct world world = world_of("zone: Europe/Berlin\nhours: {sunday: ['02:30-04:00']}\n");
    CHECK(!calendar_open(world.calendar, at("2026-10-25T00:29:59Z")));
    CHECK(calendar_open(world.calendar, at("2026-10-25T00:30:00Z")));
    CHECK(calendar_open(world.calendar, at("2026-10-25T01:00:00Z"))); /* shows 02:00 again */
    CHECK(elapsed(&world, "2026-10-25T00:00:00Z", "2026-10-26T00:00:00Z") == 150 * MINUTE);
    /* The question begins while the clock shows 02:15 for the second time. */
    CHECK(elapsed(&world, "2026-10-25T01:15:00Z", "2026-10-25T04:00:00Z") == 105 * MINUTE);
    CHECK(calendar_open(world.calendar, at("2026-10-25T01:15:00Z")));
    CHECK(!calendar_open(world.calendar, at("2026-03-29T00:59:59Z")));
    CHECK(calendar_open(world.calendar, at("2026-03-29T01:00:00Z")));
    CHECK(elapsed(&world, "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z") == HOUR);
    world_done(&world);
}

TEST(a_calendar_that_never_opens_is_over_the_limit)
{
    struct world world = world_of("zone: UTC\n");
    struct wall wall;
    CHECK(calendar_add(world.calendar, at("2026-01-01"), 1, &wall) == ERR_LIMIT);
    world_done(&world);
    world = world_of("zone: UTC\nopen: [{slug: a, date: 2035-06-01, hours: ['00:00-24:00']}]\n");
    CHECK(add_is(&world, "2026-01-01", HOUR, "2035-06-01T01:00:00Z"));
    CHECK(calendar_add(world.calendar, at("2026-01-01"), 25 * HOUR, &wall) == ERR_LIMIT);
    CHECK(calendar_add(world.calendar, at("2025-01-01"), HOUR, &wall) == ERR_LIMIT);
    world_done(&world);
}

TEST(adding_and_elapsing_agree_over_years)
{
    struct world world = world_of("zone: Australia/Lord_Howe\nholidays: japan\n"
                                  "hours: {sunday: ['22:00-09:00'], monday: ['08:00-08:30']}\n");
    struct wall from = at("2026-01-01");
    for (int64_t hours = 1; hours < 4000; hours += 37) {
        struct wall to;
        int64_t ns = hours * HOUR + hours;
        CHECK(calendar_add(world.calendar, from, ns, &to) == OK);
        CHECK(calendar_elapsed(world.calendar, from, to) == ns);
        CHECK(calendar_elapsed(world.calendar, from, (struct wall){to.ns - 1}) == ns - 1);
    }
    world_done(&world);
}

TEST(ten_years_take_less_than_a_millisecond)
{
    struct world world = world_of(OFFICE "holidays: japan\n");
    struct timespec begin;
    struct timespec end;
    int64_t best_ns = INT64_MAX;
    for (int i = 0; i < 20; i++) {
        CHECK(clock_gettime(CLOCK_MONOTONIC, &begin) == 0);
        CHECK(elapsed(&world, "2026-01-01", "2036-01-01") > 0);
        CHECK(clock_gettime(CLOCK_MONOTONIC, &end) == 0);
        int64_t ns = (end.tv_sec - begin.tv_sec) * NS_PER_SECOND + end.tv_nsec - begin.tv_nsec;
        best_ns = ns < best_ns ? ns : best_ns;
    }
    (void)printf("ten years in %d us\n", (int)(best_ns / 1000));
    CHECK(best_ns < NS_PER_MS * (getenv("ASAN_OPTIONS") != NULL ? 20 : 1));
    world_done(&world);
}

TEST(an_unknown_zone_is_not_found_and_leads_nowhere_else)
{
    static const char *const names[] = {
        "Asia/Nowhere", "../zoneinfo/UTC", "/etc/passwd", "Asia/", "Asia//Tokyo", "", "tzdata.zi",
        "Asia",         "zone1970.tab"};
    const struct schema *schema = schema_find(STR("calendars"));
    struct zones *zones;
    CHECK(zones_new("/usr/share/zoneinfo", &zones) == OK);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct why why = {0};
        struct calendar *calendar;
        const struct element zone = {
            .schema = schema_element_find(schema, STR("calendars/zone")),
            .text = str_from(names[i]),
        };
        const struct element item = {
            .schema = schema_element_find(schema, STR("calendars")),
            .first = &zone,
            .count = 1,
        };
        CHECK(calendar_new(zones, &item, &calendar, &why) == ERR_NOT_FOUND);
        CHECK(why.text[0] != '\0');
    }
    zones_free(zones);
}

TEST(hours_and_days_that_are_none_are_refused)
{
    static const char *const wrong[] = {
        "zone: UTC\nhours: {monday: ['09:00-09:00']}\n",
        "zone: UTC\nhours: {monday: ['09:00-24:01']}\n",
        "zone: UTC\nhours: {monday: ['24:00-09:00']}\n",
        "zone: UTC\nhours: {monday: ['09:60-17:00']}\n",
        "zone: UTC\nhours: {monday: ['09:00']}\n",
        "zone: UTC\nclosed: [{slug: a, from: 2026-02-29}]\n",
        "zone: UTC\nopen: [{slug: a, date: 2026-02-30, hours: ['00:00-24:00']}]\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct why why = {0};
        CHECK(refused(wrong[i], &why) != OK && why.line > 0);
    }
}
