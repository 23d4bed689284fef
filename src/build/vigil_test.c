/*
 * A vigil over sources that are played: a month of a firewall that works day and week, a beat by
 * the clock, a printer that says something now and then.  Chance comes from a seed; each test says
 * the same each time.
 */

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "build/private.h"
#include "testing/testing.h"

#define SECOND NS_PER_SECOND
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define START  (1764514800 * SECOND) /* Monday 2025-12-01 00:00 in Japan */

struct player {
    struct vigil *vigil;
    uint64_t chance;
    int64_t now;
    int64_t beat;     /* next of a beat */
    uint64_t carried; /* records not yet seen */
    struct wall heard;
    int found[AILMENT_COUNT];
    struct finding last;
};

static double chance(struct player *player)
{
    player->chance = player->chance * 6364136223846793005ULL + 1442695040888963407ULL;
    return ((double)(player->chance >> 11) + 0.5) / 9007199254740992.0;
}

/* How many records come by chance, if `mean` usually do. */
static uint64_t by_chance(struct player *player, double mean)
{
    if (mean > 50) { /* normal is near enough */
        double two = sqrt(-2 * log(chance(player))) * cos(6.283185307179586 * chance(player));
        double count = mean + two * sqrt(mean);
        return count > 0 ? (uint64_t)count : 0;
    }
    double limit = exp(-mean);
    double product = chance(player);
    uint64_t count = 0;
    while (product > limit) {
        product *= chance(player);
        count++;
    }
    return count;
}

/* Records an hour of an office: busy by day, some by night, little on days off; the second Monday
 * of January and the turn of the year are holidays in the month that is played. */
static double office(int64_t ns, double busy)
{
    unsigned at = rhythm_hour_of_week(ns / HOUR);
    unsigned hour = at % 24;
    bool off = at / 24 >= 5;
    double share = off                       ? 0.02
                   : hour >= 9 && hour < 12  ? 1.0
                   : hour == 12              ? 0.7
                   : hour >= 13 && hour < 18 ? 0.95
                   : hour == 8 || hour == 18 ? 0.5
                   : hour >= 19 && hour < 22 ? 0.15
                                             : 0.03;
    return busy * share;
}

/* One look. */
static void look(struct player *player, const struct seen *seen, const struct vigil_rule *rule)
{
    struct finding list[FINDINGS_MAX];
    vigil_see(player->vigil, seen, (struct wall){player->now});
    size_t count = vigil_judge(player->vigil, rule, (struct wall){player->now}, list);
    memset(player->found, 0, sizeof player->found);
    for (size_t i = 0; i < count; i++) {
        player->found[list[i].ailment] = 1;
        player->last = list[i];
    }
}

static const struct vigil_rule learned = {.since = {INT64_MIN}, .listening = {INT64_MIN}};

/* One step of `step_ns` in which records come by chance around a rate an hour. */
static void step(struct player *player, double an_hour, int64_t step_ns)
{
    uint64_t count = by_chance(player, an_hour * (double)step_ns / HOUR);
    player->now += step_ns;
    if (count > 0) {
        player->heard = (struct wall){player->now - (int64_t)(chance(player) * (double)step_ns)};
    }
    const struct seen seen = {.heard = player->heard, .records = count};
    look(player, &seen, &learned);
}

static struct player begin(uint64_t seed)
{
    struct player player = {.vigil = vigil_new(), .chance = seed, .now = START, .heard = WALL_NONE};
    CHECK(player.vigil != NULL);
    for (int i = 0; i < 8; i++) {
        (void)chance(&player);
    }
    return player;
}

static int any(const struct player *player)
{
    int sum = 0;
    for (int i = 0; i < AILMENT_COUNT; i++) {
        sum += player->found[i];
    }
    return sum;
}

/* ---- 30 days, no false alarm (R-M1). */

static void office_month(double busy, uint64_t seed, int64_t step_ns)
{
    struct player player = begin(seed);
    long alarms = 0;
    while (player.now < START + 44 * DAY) { /* 14 days to learn, 30 that count; New Year in them */
        step(&player, office(player.now, busy), step_ns);
        if (any(&player) > 0 && alarms++ == 0) {
            (void)printf("busy %g seed %llu day %lld: %s is %lld usual %lld\n", busy,
                         (unsigned long long)seed, (long long)((player.now - START) / DAY),
                         ailment_text(player.last.ailment), (long long)player.last.is,
                         (long long)player.last.usual);
        }
    }
    CHECK(alarms == 0);
    vigil_free(player.vigil);
}

TEST(thirty_days_of_an_office_raise_no_alarm)
{
    static const double busy[] = {200000, 20000, 3000, 300, 40, 6};
    for (size_t i = 0; i < sizeof busy / sizeof *busy; i++) {
        for (uint64_t seed = 1; seed <= 2; seed++) {
            office_month(busy[i], seed * 7919 + i, 30 * SECOND);
        }
    }
}

/* A beat by the clock with some jitter; the look is every ten seconds. */
static void beat_until(struct player *player, int64_t every, int64_t end)
{
    while (player->now < end) {
        uint64_t count = 0;
        player->now += 10 * SECOND;
        while (player->beat <= player->now) {
            player->heard = (struct wall){player->beat};
            player->beat += every + (int64_t)((chance(player) - 0.5) * 0.1 * (double)every);
            count++;
        }
        const struct seen seen = {.heard = player->heard, .records = count};
        look(player, &seen, &learned);
        CHECK(any(player) == 0);
    }
}

TEST(a_beat_by_the_clock_raises_no_alarm_and_its_end_is_found_within_twice_its_interval)
{
    static const int64_t every[] = {60 * SECOND, 5 * MINUTE, 15 * MINUTE};
    for (size_t i = 0; i < sizeof every / sizeof *every; i++) {
        struct player player = begin(11 + i);
        player.beat = START;
        beat_until(&player, every[i], START + 30 * DAY);
        int64_t last = player.heard.ns;
        while (player.found[AILMENT_SILENT] == 0 && player.now < last + DAY) {
            player.now += 10 * SECOND;
            const struct seen seen = {.heard = player.heard};
            look(&player, &seen, &learned);
        }
        int64_t late = player.now - last;
        CHECK(player.found[AILMENT_SILENT] == 1);
        /* Twice the interval with its jitter, and the look that finds it. */
        CHECK(late <= 2 * every[i] * 115 / 100 + 20 * SECOND);
        player.heard = (struct wall){player.now};
        const struct seen back = {.heard = player.heard, .records = 1};
        look(&player, &back, &learned);
        CHECK(any(&player) == 0);
        vigil_free(player.vigil);
    }
}

/* ---- What dies is found. */

TEST(an_office_that_falls_silent_is_found_within_twice_its_usual_longest_wait)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct player player = begin(seed);
        while (player.now < START + 24 * DAY + 11 * HOUR) { /* a Thursday, 11:00 */
            step(&player, office(player.now, 3000), 10 * SECOND);
            CHECK(any(&player) == 0);
        }
        int64_t last = player.heard.ns;
        while (player.found[AILMENT_SILENT] == 0 && player.now < last + DAY) {
            step(&player, 0, 10 * SECOND);
        }
        struct vigil_view view;
        vigil_look(player.vigil, &learned, (struct wall){player.now}, &view);
        CHECK(view.learned && view.expected_ns > 0);
        CHECK(player.now - last <= view.expected_ns + 20 * SECOND);
        CHECK(player.now - last < 5 * MINUTE); /* one record a second or so by day */
        vigil_free(player.vigil);
    }
}

TEST(a_source_that_is_silent_every_night_is_not_silent_at_night_but_in_the_morning)
{
    struct player player = begin(5);
    while (player.now < START + 21 * DAY + 19 * HOUR) {
        unsigned at = rhythm_hour_of_week(player.now / HOUR);
        bool works = at / 24 < 5 && at % 24 >= 9 && at % 24 < 18;
        step(&player, works ? 600 : 0, 30 * SECOND);
        CHECK(any(&player) == 0);
    }
    while (player.now < START + 22 * DAY + 9 * HOUR) { /* the night: it died, nobody can know */
        step(&player, 0, 30 * SECOND);
        CHECK(any(&player) == 0);
    }
    while (player.found[AILMENT_SILENT] == 0 && player.now < START + 22 * DAY + 12 * HOUR) {
        step(&player, 0, 30 * SECOND);
    }
    CHECK(player.now < START + 22 * DAY + 9 * HOUR + 30 * MINUTE);
    vigil_free(player.vigil);
}

TEST(a_fixed_limit_wins_over_the_rhythm_and_holds_from_the_first_day)
{
    struct player player = begin(9);
    const struct vigil_rule fixed = {
        .silence_ns = 5 * MINUTE, .since = WALL_NONE, .listening = WALL_NONE};
    const struct seen first = {.heard = {START}, .records = 1};
    look(&player, &first, &fixed);
    const struct seen nothing = {.heard = {START}};
    player.now = START + 5 * MINUTE;
    look(&player, &nothing, &fixed);
    CHECK(any(&player) == 0);
    player.now = START + 5 * MINUTE + 5 * SECOND;
    look(&player, &nothing, &fixed);
    CHECK(player.found[AILMENT_SILENT] == 1);
    CHECK(player.last.usual == 5 * MINUTE);
    vigil_free(player.vigil);
}

TEST(a_source_that_never_came_is_silent_only_where_somebody_expects_it)
{
    struct player player = begin(9);
    const struct vigil_rule nobody = {
        .silence_ns = 5 * MINUTE, .since = WALL_NONE, .listening = WALL_NONE};
    const struct vigil_rule somebody = {
        .silence_ns = 5 * MINUTE, .since = {START}, .listening = WALL_NONE};
    const struct seen nothing = {.heard = WALL_NONE};
    player.now = START + HOUR;
    look(&player, &nothing, &nobody);
    CHECK(any(&player) == 0);
    look(&player, &nothing, &somebody);
    CHECK(player.found[AILMENT_SILENT] == 1);
    vigil_free(player.vigil);
}

/* ---- The other ailments. */

static void with_kinds(struct player *player, uint64_t traffic, uint64_t vpn,
                       const struct vigil_rule *rule)
{
    const struct seen_kind kinds[] = {{STR("fortigate firewall"), traffic},
                                      {STR("fortigate vpn"), vpn}};
    player->now += 10 * SECOND;
    player->heard = (struct wall){player->now};
    const struct seen seen = {
        .heard = player->heard, .records = traffic + vpn, .kinds = kinds, .kinds_count = 2};
    look(player, &seen, rule);
}

TEST(one_kind_of_records_that_stops_is_half_a_silence)
{
    struct player player = begin(3);
    for (int i = 0; i < 2000; i++) {
        with_kinds(&player, 20, i % 6 == 0 ? 1 : 0, &learned);
        CHECK(any(&player) == 0);
    }
    int looks = 0;
    while (player.found[AILMENT_HALF_SILENT] == 0 && looks++ < 200) {
        with_kinds(&player, 20, 0, &learned);
    }
    CHECK(looks < 70);
    CHECK(strcmp(player.last.detail, "fortigate vpn") == 0);
    with_kinds(&player, 20, 1, &learned);
    CHECK(any(&player) == 0);
    vigil_free(player.vigil);
}

TEST(a_kind_that_the_definition_expects_and_that_never_comes_is_half_a_silence)
{
    struct player player = begin(3);
    const struct str types[] = {STR("fortigate"), STR("suricata")};
    const struct vigil_rule rule = {.silence_ns = 5 * MINUTE,
                                    .types = types,
                                    .types_count = 2,
                                    .since = WALL_NONE,
                                    .listening = WALL_NONE};
    for (int i = 0; i < 32; i++) {
        with_kinds(&player, 20, 1, &rule);
    }
    CHECK(player.found[AILMENT_HALF_SILENT] == 1);
    CHECK(strcmp(player.last.detail, "suricata") == 0);
    vigil_free(player.vigil);
}

static void with_lag(struct player *player, int64_t lag)
{
    player->now += MINUTE;
    player->heard = (struct wall){player->now};
    const struct seen seen = {
        .heard = player->heard, .records = 60, .lag_known = true, .lag_ns = lag};
    look(player, &seen, &learned);
}

TEST(a_wrong_clock_and_a_growing_delay_are_told_apart)
{
    struct player player = begin(4);
    for (int i = 0; i < 60; i++) {
        with_lag(&player, SECOND);
        CHECK(any(&player) == 0);
    }
    for (int i = 0; i < 25; i++) { /* nine hours: a zone that nobody set */
        with_lag(&player, -9 * HOUR);
    }
    CHECK(player.found[AILMENT_CLOCK] == 1 && player.found[AILMENT_SLOW] == 0);
    for (int i = 0; i < 30; i++) {
        with_lag(&player, SECOND);
    }
    CHECK(any(&player) == 0);
    for (int i = 1; i <= 20; i++) { /* half a minute more each minute */
        with_lag(&player, i * 30 * SECOND);
    }
    CHECK(player.found[AILMENT_SLOW] == 1);
    CHECK(player.found[AILMENT_CLOCK] == 0);
    for (int i = 0; i < 30; i++) {
        with_lag(&player, SECOND);
    }
    CHECK(any(&player) == 0);
    vigil_free(player.vigil);
}

TEST(records_that_suddenly_cannot_be_read_are_an_ailment_and_a_few_are_not)
{
    struct player player = begin(4);
    struct seen seen = {.records = 100};
    for (int i = 0; i < 90; i++) {
        player.now += 10 * SECOND;
        seen.heard = (struct wall){player.now};
        seen.failures = i % 3 == 0 ? 1 : 0;
        look(&player, &seen, &learned);
        CHECK(any(&player) == 0);
    }
    for (int i = 0; i < 30; i++) {
        player.now += 10 * SECOND;
        seen.heard = (struct wall){player.now};
        seen.failures = 30;
        look(&player, &seen, &learned);
    }
    CHECK(player.found[AILMENT_PARSE] == 1);
    for (int i = 0; i < 180; i++) {
        player.now += 10 * SECOND;
        seen.heard = (struct wall){player.now};
        seen.failures = 0;
        look(&player, &seen, &learned);
    }
    CHECK(any(&player) == 0);
    vigil_free(player.vigil);
}

TEST(a_flood_and_a_trickle_are_found_and_do_not_become_usual)
{
    struct player player = begin(6);
    while (player.now < START + 24 * DAY + 10 * HOUR) {
        step(&player, office(player.now, 20000), 30 * SECOND);
        CHECK(any(&player) == 0);
    }
    step(&player, 20000 * 60, 30 * SECOND);
    step(&player, 20000 * 60, 30 * SECOND);
    CHECK(player.found[AILMENT_FLOOD] == 1);
    while (player.now < START + 24 * DAY + 14 * HOUR) {
        step(&player, office(player.now, 20000), 30 * SECOND);
    }
    CHECK(player.found[AILMENT_FLOOD] == 0);
    while (player.now < START + 24 * DAY + 16 * HOUR + MINUTE) {
        step(&player, office(player.now, 20000) / 20, 30 * SECOND);
    }
    CHECK(player.found[AILMENT_FEW] == 1);
    vigil_free(player.vigil);
}

TEST(records_that_are_slowed_down_are_said_and_forgotten_ten_minutes_later)
{
    struct player player = begin(6);
    struct seen seen = {.records = 10, .slowed = 5};
    for (int i = 0; i < 3; i++) {
        player.now += MINUTE;
        seen.heard = (struct wall){player.now};
        look(&player, &seen, &learned);
    }
    CHECK(player.found[AILMENT_QUOTA] == 1);
    seen.slowed = 0;
    for (int i = 0; i < 22; i++) {
        player.now += MINUTE;
        seen.heard = (struct wall){player.now};
        look(&player, &seen, &learned);
    }
    CHECK(any(&player) == 0);
    vigil_free(player.vigil);
}

TEST(what_was_learned_outlives_the_process_and_damaged_bytes_are_refused)
{
    struct buf bytes;
    struct player player = begin(2);
    while (player.now < START + 5 * DAY) {
        step(&player, 600, 30 * SECOND);
    }
    buf_init(&bytes, VIGIL_BYTES_MAX);
    CHECK(vigil_encode(player.vigil, &bytes) == OK);
    struct vigil *other = vigil_new();
    CHECK(other != NULL && vigil_decode(buf_str(&bytes), other) == OK);
    CHECK(memcmp(other, player.vigil, sizeof *other) == 0);
    CHECK(vigil_decode(str_slice(buf_str(&bytes), 0, bytes.size - 1), other) == ERR_CORRUPT);
    CHECK(vigil_decode(STR(""), other) == ERR_CORRUPT);
    buf_done(&bytes);
    vigil_free(other);
    vigil_free(player.vigil);
}

TEST(a_time_in_which_nobody_listened_is_no_silence_and_teaches_nothing)
{
    struct player player = begin(8);
    player.beat = START;
    beat_until(&player, MINUTE, START + 10 * DAY);
    player.now += 6 * HOUR; /* the service was down */
    vigil_resume(player.vigil, (struct wall){player.now});
    struct vigil_rule rule = learned;
    rule.listening = (struct wall){player.now};
    const struct seen nothing = {.heard = player.heard};
    look(&player, &nothing, &rule);
    CHECK(any(&player) == 0);
    player.beat = player.now + 30 * SECOND;
    beat_until(&player, MINUTE, player.now + 2 * HOUR);
    int64_t beat;
    CHECK(rhythm_beat(&player.vigil->rhythm, &beat) && beat < 3 * MINUTE);
    vigil_free(player.vigil);
}

TEST(a_new_year_holiday_counts_as_a_sunday)
{
    /* 2026-01-01 is a Thursday and 元日. */
    CHECK(rhythm_hour_of_week(1767193200 / 3600) / 24 == 6);
    /* 2026-01-05 is a Monday. */
    CHECK(rhythm_hour_of_week(1767538800 / 3600) == 0);
}
