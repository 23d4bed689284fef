/* What may go and what stays, in worlds of a few records; and how long a disk will last. */

#include "service/keeping.h"

#include <stdlib.h>
#include <string.h>

#include "codec/time.h"
#include "testing/testing.h"

#define SOURCE(number) ((struct source_id){number})
#define DAYS(count)    ((count)*DAY_NS)

static struct wall at(const char *text)
{
    struct wall wall;
    CHECK(time_parse(str_from(text), &wall) == OK);
    return wall;
}

static struct wall after(struct wall wall, int64_t ns)
{
    return (struct wall){wall.ns + ns};
}

/* A segment of one source that was promised `days` when it was sealed. */
static struct lot segment_of(const struct lot_source *source)
{
    return (struct lot){.kind = LOT_SEGMENT,
                        .number = 7,
                        .days = source->days,
                        .first = 1,
                        .last = source->events,
                        .oldest = source->oldest,
                        .newest = source->newest,
                        .events = source->events,
                        .original = 100 * source->events,
                        .stored = 10 * source->events,
                        .sources = source,
                        .sources_count = 1};
}

static struct keep_view look(const struct promise *promise, const struct hold_span *holds,
                             size_t holds_count, const struct lot *lot, struct wall now)
{
    struct keep_view view;
    const struct promises promises = {promise, promise != NULL ? 1 : 0};
    const struct keeping keeping = {&promises, holds, holds_count, 1000000};
    keeping_look(&keeping, lot, now, &view);
    return view;
}

TEST(a_segment_goes_when_its_newest_record_is_past_its_promise_and_not_before)
{
    struct wall day = at("2026-03-01T00:00:00Z");
    const struct promise_stretch stretch = {at("2026-01-01T00:00:00Z"), WALL_NONE, 30};
    const struct promise promise = {SOURCE(1), &stretch, 1};
    const struct lot_source source = {SOURCE(1), 30, day, after(day, 3600), 5, 500};
    struct lot lot = segment_of(&source);
    struct wall due = after(source.newest, DAYS(30));
    struct keep_view view = look(&promise, NULL, 0, &lot, after(due, -1));
    CHECK(view.state == KEEP_PROMISED && view.due.ns == due.ns);
    CHECK(look(&promise, NULL, 0, &lot, due).state == KEEP_DUE);
    lot.kind = LOT_JOURNAL;
    CHECK(look(&promise, NULL, 0, &lot, due).state == KEEP_OPEN);
}

TEST(a_promise_that_was_shortened_counts_for_what_comes_and_not_for_what_was_there)
{
    struct wall change = at("2026-06-01T00:00:00Z");
    const struct promise_stretch list[] = {{at("2026-01-01T00:00:00Z"), change, 365},
                                           {change, WALL_NONE, 30}};
    const struct promise promise = {SOURCE(1), list, 2};
    CHECK(promise_days(&promise, after(change, -1)) == 365);
    CHECK(promise_days(&promise, change) == 30);
    CHECK(promise_days_now(&promise) == 30);
    /* One segment over both: the last record of the old promise is what it waits for. */
    const struct lot_source source = {
        SOURCE(1), 30, after(change, -DAYS(2)), after(change, DAYS(2)), 5, 500};
    struct lot lot = segment_of(&source);
    CHECK(look(&promise, NULL, 0, &lot, change).due.ns == change.ns - 1 + DAYS(365));
}

TEST(a_promise_that_was_lengthened_counts_for_what_is_there)
{
    struct wall change = at("2026-06-01T00:00:00Z");
    const struct promise_stretch list[] = {{at("2026-01-01T00:00:00Z"), change, 30},
                                           {change, WALL_NONE, 365}};
    const struct promise promise = {SOURCE(1), list, 2};
    const struct lot_source source = {
        SOURCE(1), 30, after(change, -DAYS(10)), after(change, -DAYS(9)), 5, 500};
    struct lot lot = segment_of(&source);
    CHECK(look(&promise, NULL, 0, &lot, change).due.ns == source.newest.ns + DAYS(365));
}

TEST(a_longer_promise_in_between_is_kept_although_it_was_taken_back)
{
    struct wall first = at("2026-06-01T00:00:00Z");
    struct wall second = at("2026-07-01T00:00:00Z");
    const struct promise_stretch list[] = {
        {at("2026-01-01T00:00:00Z"), first, 60}, {first, second, 365}, {second, WALL_NONE, 60}};
    const struct promise promise = {SOURCE(1), list, 3};
    CHECK(promise_days(&promise, at("2026-05-20T00:00:00Z")) == 365);
    CHECK(promise_days(&promise, at("2026-06-20T00:00:00Z")) == 365);
    CHECK(promise_days(&promise, at("2026-07-20T00:00:00Z")) == 60);
}

TEST(what_nobody_promised_anything_about_stays_for_ever)
{
    struct wall day = at("2020-03-01T00:00:00Z");
    struct wall now = at("2090-01-01T00:00:00Z");
    const struct promise_stretch over = {at("2020-01-01T00:00:00Z"), at("2021-01-01T00:00:00Z"), 1};
    const struct promise gone = {SOURCE(1), &over, 1};
    const struct promise other = {SOURCE(2), &over, 1};
    const struct lot_source source = {SOURCE(1), 1, day, day, 5, 500};
    struct lot lot = segment_of(&source);
    CHECK(look(NULL, NULL, 0, &lot, now).state == KEEP_FOREVER);
    CHECK(look(&gone, NULL, 0, &lot, now).state == KEEP_FOREVER); /* it left the document */
    CHECK(look(&other, NULL, 0, &lot, now).state == KEEP_FOREVER);
    const struct promise_stretch runs = {at("2020-01-01T00:00:00Z"), WALL_NONE, 1};
    const struct promise promise = {SOURCE(1), &runs, 1};
    CHECK(look(&promise, NULL, 0, &lot, now).state == KEEP_DUE);
    lot.sources_count = 0;
    CHECK(look(&promise, NULL, 0, &lot, now).state == KEEP_FOREVER);
    const struct lot_source sealed = {SOURCE(1), 0, day, day, 5, 500};
    lot = segment_of(&sealed);
    CHECK(look(&promise, NULL, 0, &lot, now).state == KEEP_FOREVER);
}

TEST(a_segment_of_several_sources_waits_for_the_last_of_them)
{
    struct wall day = at("2026-03-01T00:00:00Z");
    struct wall begin = at("2026-01-01T00:00:00Z");
    const struct promise_stretch stretches[] = {{begin, WALL_NONE, 30}, {begin, WALL_NONE, 90}};
    const struct promise list[] = {{SOURCE(1), &stretches[0], 1}, {SOURCE(2), &stretches[1], 1}};
    const struct promises promises = {list, 2};
    const struct keeping keeping = {&promises, NULL, 0, 1000};
    const struct lot_source sources[] = {{SOURCE(1), 30, day, after(day, DAYS(1)), 5, 500},
                                         {SOURCE(2), 90, day, day, 5, 500}};
    struct lot lot = segment_of(&sources[0]);
    struct keep_view view;
    lot.sources = sources;
    lot.sources_count = 2;
    keeping_look(&keeping, &lot, day, &view);
    CHECK(view.due.ns == day.ns + DAYS(90));
}

TEST(holds_stop_what_they_touch_and_nothing_else)
{
    struct wall day = at("2026-03-01T00:00:00Z");
    struct wall now = at("2026-12-01T00:00:00Z");
    const struct promise_stretch stretch = {at("2026-01-01T00:00:00Z"), WALL_NONE, 30};
    const struct promise promise = {SOURCE(1), &stretch, 1};
    const struct lot_source source = {SOURCE(1), 30, day, after(day, DAYS(1)), 5, 500};
    struct lot lot = segment_of(&source);
    const struct source_id other = SOURCE(2);
    const struct source_id same = SOURCE(1);
    struct hold_span spans[] = {
        {.id = 1, .from = after(day, DAYS(1) + 1), .to = WALL_NONE},
        {.id = 2, .from = WALL_NONE, .to = after(day, -1)},
        {.id = 3, .sources = &other, .sources_count = 1, .from = WALL_NONE, .to = WALL_NONE},
    };
    CHECK(look(&promise, spans, 3, &lot, now).state == KEEP_DUE);
    spans[0].from = after(day, DAYS(1)); /* both ends are held */
    struct keep_view view = look(&promise, spans, 3, &lot, now);
    CHECK(view.state == KEEP_HELD && view.hold->id == 1);
    spans[0].from = after(day, DAYS(1) + 1);
    spans[1].to = day;
    CHECK(look(&promise, spans, 3, &lot, now).hold->id == 2);
    spans[1].to = after(day, -1);
    spans[2].sources = &same;
    CHECK(look(&promise, spans, 3, &lot, now).hold->id == 3);
    spans[2].sources = &other;
    spans[2].first = 5;
    spans[2].last = 5;
    CHECK(look(&promise, spans, 3, &lot, now).state == KEEP_HELD);
    spans[2].first = 6;
    spans[2].last = 9;
    CHECK(look(&promise, spans, 3, &lot, now).state == KEEP_DUE);
}

TEST(what_rules_have_not_judged_stays)
{
    struct wall day = at("2026-03-01T00:00:00Z");
    const struct promise_stretch stretch = {at("2026-01-01T00:00:00Z"), WALL_NONE, 1};
    const struct promise promise = {SOURCE(1), &stretch, 1};
    const struct promises promises = {&promise, 1};
    const struct lot_source source = {SOURCE(1), 1, day, day, 5, 500};
    struct lot lot = segment_of(&source);
    struct keeping keeping = {&promises, NULL, 0, 5};
    struct keep_view view;
    keeping_look(&keeping, &lot, after(day, DAYS(9)), &view);
    CHECK(view.state == KEEP_UNJUDGED);
    keeping.judged = 6;
    keeping_look(&keeping, &lot, after(day, DAYS(9)), &view);
    CHECK(view.state == KEEP_DUE);
}

TEST(a_clock_that_leapt_deletes_nothing_for_a_day)
{
    struct wall last = at("2026-03-01T00:00:00Z");
    CHECK(keeping_clock_sound(WALL_NONE, last, 0));
    CHECK(keeping_clock_sound(last, after(last, DAYS(7)), 0));
    CHECK(!keeping_clock_sound(last, after(last, DAYS(7) + 1), 0));
    CHECK(!keeping_clock_sound(last, at("2099-01-01T00:00:00Z"), DAYS(1) - 1));
    CHECK(keeping_clock_sound(last, at("2026-09-01T00:00:00Z"), DAYS(1)));
    CHECK(!keeping_clock_sound(last, after(last, -1), 0));
}

TEST(lots_survive_the_way_as_bytes_and_cut_ones_are_refused)
{
    struct wall day = at("2026-03-01T00:00:00Z");
    const struct lot_source source = {SOURCE(9), 30, day, after(day, 3600), 5, 500};
    struct lot lot = segment_of(&source);
    struct lot read;
    struct arena *mem = arena_new(1 << 20);
    struct buf out;
    buf_init(&out, 4096);
    CHECK(lot_encode(&lot, &out) == OK && lot_encode(&lot, &out) == OK);
    struct str bytes = buf_str(&out);
    CHECK(lot_decode(&bytes, mem, &read) == OK && bytes.size == out.size / 2);
    CHECK(read.number == 7 && read.sources_count == 1 && read.sources[0].source.value == 9);
    CHECK(read.sources[0].newest.ns == source.newest.ns && read.sources[0].days == 30);
    for (size_t size = 0; size < out.size / 2; size++) {
        struct str cut = str_slice(buf_str(&out), 0, size);
        CHECK(lot_decode(&cut, mem, &read) == ERR_CORRUPT && cut.size == size);
    }
    buf_done(&out);
    arena_free(mem);
}

/* ---- The disk. */

struct disk {
    struct lot lots[400];
    struct lot_source sources[400];
    size_t count;
};

/* One segment a day of a source, of so many bytes on disk. */
static void days_add(struct disk *disk, uint32_t source, uint32_t days, struct wall from,
                     size_t count, uint64_t bytes)
{
    for (size_t i = 0; i < count; i++) {
        struct wall oldest = after(from, DAYS((int64_t)i));
        struct lot_source *of = &disk->sources[disk->count];
        *of = (struct lot_source){SOURCE(source), days, oldest, after(oldest, DAY_NS - 1), 100,
                                  10000};
        disk->lots[disk->count] = segment_of(of);
        disk->lots[disk->count].stored = bytes;
        disk->lots[disk->count].original = 10 * bytes;
        disk->count++;
    }
}

static struct forecast foresee(const struct disk *disk, const struct promises *promises,
                               uint64_t free, enum forecast_state before, struct wall now)
{
    const struct keeping keeping = {promises, NULL, 0, UINT64_MAX};
    struct arena *mem = arena_new((size_t)16 << 20);
    struct forecast forecast;
    struct load load;
    CHECK(load_measure(&keeping, disk->lots, disk->count, now, mem, &load) == OK);
    forecast_make(&load, 1, free, 30, before, now, &forecast);
    arena_free(mem);
    return forecast;
}

TEST(a_disk_that_holds_what_is_promised_is_enough_and_one_that_does_not_is_short)
{
    static struct disk disk;
    struct wall begin = at("2026-01-01T00:00:00Z");
    struct wall now = after(begin, DAYS(60));
    const struct promise_stretch stretch = {begin, WALL_NONE, 100};
    const struct promise promise = {SOURCE(1), &stretch, 1};
    const struct promises promises = {&promise, 1};
    days_add(&disk, 1, 100, begin, 60, 1000);
    /* 100 days of 1000 bytes are 100,000; 60,000 are there. */
    struct forecast forecast = foresee(&disk, &promises, 50000, FORECAST_UNKNOWN, now);
    CHECK(forecast.state == FORECAST_ENOUGH && forecast.days_left == FORECAST_DAYS_MAX);
    CHECK(forecast.day_rate == 1000 && forecast.days_promised == 100);
    forecast = foresee(&disk, &promises, 35500, FORECAST_UNKNOWN, now);
    CHECK(forecast.state == FORECAST_SHORT && forecast.days_left == 35);
    forecast = foresee(&disk, &promises, 20500, FORECAST_SHORT, now);
    CHECK(forecast.state == FORECAST_SOON && forecast.days_left == 20);
    CHECK(foresee(&disk, &promises, 0, FORECAST_SOON, now).days_left == 0);
}

TEST(a_source_that_grows_is_seen_within_a_day_and_a_quiet_day_changes_little)
{
    static struct disk grows;
    static struct disk quiet;
    struct wall begin = at("2026-01-01T00:00:00Z");
    struct wall now = after(begin, DAYS(60));
    const struct promise_stretch stretch = {begin, WALL_NONE, 365};
    const struct promise promise = {SOURCE(1), &stretch, 1};
    const struct promises promises = {&promise, 1};
    days_add(&grows, 1, 365, begin, 59, 1000);
    days_add(&grows, 1, 365, after(begin, DAYS(59)), 1, 9000);
    CHECK(foresee(&grows, &promises, 1000000, FORECAST_UNKNOWN, now).day_rate == 9000);
    days_add(&quiet, 1, 365, begin, 59, 1000);
    days_add(&quiet, 1, 365, after(begin, DAYS(59)), 1, 1);
    CHECK(foresee(&quiet, &promises, 1000000, FORECAST_UNKNOWN, now).day_rate == 857);
}

TEST(the_first_hours_promise_no_flood)
{
    static struct disk disk;
    struct wall begin = at("2026-01-01T00:00:00Z");
    const struct promise_stretch stretch = {begin, WALL_NONE, 365};
    const struct promise promise = {SOURCE(1), &stretch, 1};
    const struct promises promises = {&promise, 1};
    days_add(&disk, 1, 365, begin, 1, 1000);
    disk.lots[0].newest = after(begin, DAY_NS / 24);
    struct wall now = after(begin, DAY_NS / 24);
    struct forecast forecast = foresee(&disk, &promises, 100000, FORECAST_UNKNOWN, now);
    CHECK(forecast.day_rate == 1000 && forecast.state == FORECAST_UNKNOWN);
    CHECK(foresee(&disk, &promises, 10000, FORECAST_UNKNOWN, now).state == FORECAST_SOON);
}

TEST(a_figure_that_wavers_about_a_limit_is_told_once)
{
    static struct disk disk;
    struct wall begin = at("2026-01-01T00:00:00Z");
    struct wall now = after(begin, DAYS(60));
    const struct promise_stretch stretch = {begin, WALL_NONE, 300};
    const struct promise promise = {SOURCE(1), &stretch, 1};
    const struct promises promises = {&promise, 1};
    days_add(&disk, 1, 300, begin, 60, 1000);
    CHECK(foresee(&disk, &promises, 30500, FORECAST_SHORT, now).state == FORECAST_SOON);
    CHECK(foresee(&disk, &promises, 33500, FORECAST_SHORT, now).state == FORECAST_SHORT);
    CHECK(foresee(&disk, &promises, 33500, FORECAST_SOON, now).state == FORECAST_SOON);
    CHECK(foresee(&disk, &promises, 38500, FORECAST_SOON, now).state == FORECAST_SHORT);
}

TEST(what_is_kept_for_ever_never_comes_free_and_only_the_near_end_is_told)
{
    static struct disk disk;
    struct wall begin = at("2026-01-01T00:00:00Z");
    struct wall now = after(begin, DAYS(60));
    const struct promises none = {NULL, 0};
    days_add(&disk, 1, 0, begin, 60, 1000);
    struct forecast forecast = foresee(&disk, &none, 200500, FORECAST_UNKNOWN, now);
    CHECK(forecast.state == FORECAST_ENOUGH && forecast.days_left == 200);
    CHECK(foresee(&disk, &none, 10500, FORECAST_UNKNOWN, now).state == FORECAST_SOON);
}

TEST(several_clients_share_one_disk)
{
    static struct disk disk;
    struct wall begin = at("2026-01-01T00:00:00Z");
    struct wall now = after(begin, DAYS(60));
    const struct promise_stretch stretch = {begin, WALL_NONE, 300};
    const struct promise promise = {SOURCE(1), &stretch, 1};
    const struct promises promises = {&promise, 1};
    const struct keeping keeping = {&promises, NULL, 0, UINT64_MAX};
    struct arena *mem = arena_new((size_t)16 << 20);
    struct load loads[2];
    struct forecast forecast;
    days_add(&disk, 1, 300, begin, 60, 1000);
    CHECK(load_measure(&keeping, disk.lots, disk.count, now, mem, &loads[0]) == OK);
    loads[1] = loads[0];
    forecast_make(loads, 2, 100500, 30, FORECAST_UNKNOWN, now, &forecast);
    CHECK(forecast.day_rate == 2000 && forecast.days_left == 50);
    forecast_make(NULL, 0, 100, 30, FORECAST_UNKNOWN, now, &forecast);
    CHECK(forecast.days_left == FORECAST_DAYS_MAX && forecast.state == FORECAST_UNKNOWN);
    arena_free(mem);
}
