/* What correlators see.  Sightings are made by hand; those of tests/truth/correlations.yml are
 * drawn at random and judged once more by tests/truth/naive_correlation.py, from the whole list. */

#include "detect/correlator.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "detect/correlator_private.h"
#include "testing/testing.h"

#define SIZE_MAX_USUAL ((size_t)64 * 1024 * 1024)
#define FIELDS         4

struct seen {
    struct arena *mem;
    struct arena *turn;
    struct ruleset *ruleset;
    struct correlator *correlator;
    struct buf alerts;
    uint64_t sequence;
    int64_t received;
};

static struct ruleset *ruleset_of(struct str text, struct arena *mem)
{
    struct buf bundle;
    struct ruleset *ruleset;
    struct ruleset_report report;
    struct why why = {0};
    buf_init(&bundle, (size_t)RULES_SIZE_MAX);
    CHECK(ruleset_pack(&bundle, STR("a.yml"), text) == OK);
    CHECK(ruleset_load(buf_str(&bundle), mem, &ruleset, &report, &why) == OK);
    for (size_t i = 0; i < report.refused.count; i++) {
        printf("%u: %.*s\n", report.refused.list[i].line, STR_ARG(report.refused.list[i].reason));
    }
    CHECK(report.refused.count == 0);
    buf_done(&bundle);
    return ruleset;
}

static struct seen seen_new(struct str text, size_t size_max)
{
    struct seen seen = {.mem = arena_new(1 << 26), .turn = arena_new(1 << 28)};
    seen.ruleset = ruleset_of(text, seen.mem);
    CHECK(correlator_new(seen.ruleset, size_max, &seen.correlator) == OK);
    buf_init(&seen.alerts, 1 << 28);
    return seen;
}

static void seen_done(struct seen *seen)
{
    correlator_free(seen->correlator);
    ruleset_free(seen->ruleset);
    buf_done(&seen->alerts);
    arena_free(seen->turn);
    arena_free(seen->mem);
}

/* The values of g, h, v, n; NULL: the event has none. */
static const char *const names[FIELDS] = {"g", "h", "v", "n"};

static const char *field_of(struct str name, const char *const values[FIELDS])
{
    for (size_t i = 0; i < FIELDS; i++) {
        if (str_equal(name, str_from(names[i]))) {
            return values[i];
        }
    }
    return NULL;
}

static void feed(struct seen *seen, const char *rule, uint64_t sequence, int64_t at,
                 const char *const values[FIELDS])
{
    struct sighting sighting = {
        .place = {{7}, sequence},
        .received = {seen->received},
        .at = {at},
    };
    struct buf packed;
    size_t index;
    CHECK(ruleset_find(seen->ruleset, str_from(rule), &index) == OK);
    sighting.rule = (uint32_t)index;
    const struct rule *one = rule_at(seen->ruleset, index);
    buf_init(&packed, 1 << 20);
    for (uint32_t i = 0; i < one->asked_count; i++) {
        const char *value = field_of(one->asked[i].names[0], values);
        CHECK(values_add(&packed, value == NULL, str_from(value)) == OK);
    }
    sighting.values = buf_str(&packed);
    CHECK(correlator_feed(seen->correlator, &sighting, seen->turn, &seen->alerts) == OK);
    buf_done(&packed);
}

/* One more sighting of a group, at a second. */
static size_t at_second(struct seen *seen, const char *rule, double second, const char *group)
{
    const char *const values[FIELDS] = {group, "h", "v", "1"};
    size_t before = seen->alerts.size;
    seen->received = (int64_t)(2e9 * NS_PER_SECOND);
    feed(seen, rule, ++seen->sequence, (int64_t)(second * NS_PER_SECOND) + NS_PER_SECOND, values);
    return (seen->alerts.size - before) / sizeof(struct alert);
}

static const struct alert *alert_at(const struct seen *seen, size_t index)
{
    CHECK(index < seen->alerts.size / sizeof(struct alert));
    return (const struct alert *)(const void *)seen->alerts.data + index;
}

#define BASE                                                                                \
    "title: a\nid: a\nlogsource: {product: x}\ndetection: {s: {f: a}, condition: s}\n---\n" \
    "title: b\nid: b\nlogsource: {product: x}\ndetection: {s: {f: b}, condition: s}\n---\n"
#define THREE_IN_TEN                                                                             \
    BASE "title: c\nid: c\nlevel: high\nauthor: me\ncorrelation:\n  {type: event_count, rules: " \
         "[a], "                                                                                 \
         "group-by: [g], timespan: 10s, condition: {gte: 3}}\n"

TEST(a_count_fires_once_for_a_stretch_and_says_what_it_counted)
{
    struct seen seen = seen_new(STR(THREE_IN_TEN), SIZE_MAX_USUAL);
    CHECK(at_second(&seen, "a", 0, "x") == 0 && at_second(&seen, "a", 1, "y") == 0);
    CHECK(at_second(&seen, "a", 5, "x") == 0);
    CHECK(at_second(&seen, "a", 10, "x") == 1); /* 0 to 10 is a window of 10 s */
    const struct alert *alert = alert_at(&seen, 0);
    CHECK(alert->kind == ALERT_CORRELATION && alert->place.sequence == 4 && alert->count == 3);
    CHECK(str_equal(alert->group, STR("{\"g\":\"x\"}")));
    CHECK(str_equal(alert->records, STR("1 3 4")));
    CHECK(alert->level == LEVEL_HIGH && str_equal(alert->rule_author, STR("me")));
    CHECK(at_second(&seen, "a", 11, "x") == 0 && at_second(&seen, "a", 20, "x") == 0);
    CHECK(at_second(&seen, "a", 20.5, "x") == 1); /* what fired is more than 10 s ago */
    CHECK(str_equal(alert_at(&seen, 1)->records, STR("5 6 7")));
    CHECK(at_second(&seen, "a", 20.6, "x") == 0);
    seen_done(&seen);
}

TEST(a_late_sighting_is_put_in_its_place_and_one_too_late_is_counted)
{
    struct seen seen = seen_new(STR(THREE_IN_TEN), SIZE_MAX_USUAL);
    struct correlator_stats stats;
    CHECK(at_second(&seen, "a", 3000, "x") == 0 && at_second(&seen, "a", 3005, "x") == 0);
    CHECK(at_second(&seen, "a", 3500, "x") == 0);
    CHECK(at_second(&seen, "a", 3006, "x") == 1); /* completes what is long past */
    CHECK(str_equal(alert_at(&seen, 0)->records, STR("1 2 4")));
    CHECK(at_second(&seen, "a", 8000, "x") == 0 && at_second(&seen, "a", 4399, "x") == 0);
    correlator_stats(seen.correlator, &stats);
    CHECK(stats.late == 1 && stats.fed == 6 && stats.groups == 1);
    CHECK(at_second(&seen, "a", 100, "y") == 0); /* another group has a time of its own */
    correlator_stats(seen.correlator, &stats);
    CHECK(stats.late == 1);
    seen_done(&seen);
}

TEST(a_clock_that_is_ahead_counts_as_of_the_arrival)
{
    struct seen seen = seen_new(STR(THREE_IN_TEN), SIZE_MAX_USUAL);
    const char *const values[FIELDS] = {"x", "", "", ""};
    seen.received = 1000 * NS_PER_SECOND;
    feed(&seen, "a", 1, INT64_MAX - 1, values);
    feed(&seen, "a", 2, 1001 * NS_PER_SECOND, values);
    feed(&seen, "a", 3, WALL_NONE.ns, values);
    CHECK(seen.alerts.size == sizeof(struct alert));
    seen_done(&seen);
}

TEST(a_group_without_its_field_is_a_group_of_its_own)
{
    struct seen seen = seen_new(STR(THREE_IN_TEN), SIZE_MAX_USUAL);
    CHECK(at_second(&seen, "a", 0, NULL) == 0 && at_second(&seen, "a", 1, NULL) == 0);
    CHECK(at_second(&seen, "a", 1, "") == 0);
    CHECK(at_second(&seen, "a", 1, NULL) == 1);
    CHECK(str_equal(alert_at(&seen, 0)->group, STR("{\"g\":null}")));
    seen_done(&seen);
}

TEST(memory_is_bounded_and_what_is_forgotten_is_counted)
{
    struct seen seen = seen_new(STR(THREE_IN_TEN), 100000);
    struct correlator_stats stats;
    char group[32];
    for (int i = 0; i < 5000; i++) {
        CHECK(snprintf(group, sizeof group, "group %d", i) > 0);
        CHECK(at_second(&seen, "a", i * 1e-3, "kept") == (i == 2) || i > 2);
        CHECK(at_second(&seen, "a", i * 1e-3, group) == 0);
    }
    correlator_stats(seen.correlator, &stats);
    CHECK(stats.size <= 100000 && stats.forgotten > 4000 && stats.groups > 1);
    seen_done(&seen);
}

TEST(what_got_nothing_for_long_is_past_and_takes_no_room)
{
    struct seen seen = seen_new(STR(THREE_IN_TEN), SIZE_MAX_USUAL);
    struct correlator_stats stats;
    const char *const x[FIELDS] = {"x", "", "", ""};
    const char *const y[FIELDS] = {"y", "", "", ""};
    seen.received = NS_PER_SECOND;
    feed(&seen, "a", 1, NS_PER_SECOND, x);
    seen.received = 3612 * NS_PER_SECOND;
    feed(&seen, "a", 2, seen.received, y);
    correlator_stats(seen.correlator, &stats);
    CHECK(stats.groups == 1 && stats.forgotten == 0);
    seen_done(&seen);
}

TEST(a_moved_correlator_keeps_what_is_unchanged)
{
    struct seen seen = seen_new(STR(THREE_IN_TEN), SIZE_MAX_USUAL);
    struct ruleset *before = seen.ruleset;
    CHECK(at_second(&seen, "a", 0, "x") == 0 && at_second(&seen, "a", 1, "x") == 0);
    struct buf bundle;
    struct ruleset_report report;
    buf_init(&bundle, 1 << 20);
    CHECK(ruleset_pack(&bundle, STR("0.yml"),
                       STR("title: z\nlogsource: {product: x}\n"
                           "detection: {s: {f: z}, condition: s}\n")) == OK);
    CHECK(ruleset_pack(&bundle, STR("a.yml"), STR(THREE_IN_TEN)) == OK);
    CHECK(ruleset_load(buf_str(&bundle), seen.mem, &seen.ruleset, &report, NULL) == OK);
    CHECK(correlator_move(seen.correlator, seen.ruleset) == OK);
    ruleset_free(before);
    CHECK(at_second(&seen, "a", 2, "x") == 1);
    before = seen.ruleset;
    seen.ruleset = ruleset_of(STR(THREE_IN_TEN "status: test\n"), seen.mem);
    CHECK(correlator_move(seen.correlator, seen.ruleset) == OK);
    ruleset_free(before);
    CHECK(at_second(&seen, "a", 20, "x") == 0); /* another version: anew */
    struct correlator_stats stats;
    correlator_stats(seen.correlator, &stats);
    CHECK(stats.groups == 1);
    buf_done(&bundle);
    seen_done(&seen);
}

TEST(a_correlation_that_is_off_counts_and_is_silent)
{
    struct seen seen = seen_new(STR(THREE_IN_TEN), SIZE_MAX_USUAL);
    size_t index;
    CHECK(ruleset_find(seen.ruleset, STR("c"), &index) == OK);
    uint8_t off[3] = {0};
    off[index] = 1;
    correlator_for(seen.correlator, off);
    CHECK(at_second(&seen, "a", 0, "x") + at_second(&seen, "a", 1, "x") == 0);
    CHECK(at_second(&seen, "a", 2, "x") == 0); /* it would fire */
    CHECK(at_second(&seen, "a", 3, "y") + at_second(&seen, "a", 4, "y") == 0);
    correlator_for(seen.correlator, NULL);
    CHECK(at_second(&seen, "a", 5, "y") == 1);
    CHECK(at_second(&seen, "a", 6, "x") == 0); /* of the stretch that was silent */
    seen_done(&seen);
}

TEST(a_damaged_state_is_refused_and_changes_nothing)
{
    struct seen seen = seen_new(STR(THREE_IN_TEN), SIZE_MAX_USUAL);
    struct buf bytes;
    struct why why = {0};
    buf_init(&bytes, 1 << 20);
    CHECK(at_second(&seen, "a", 0, "x") == 0 && at_second(&seen, "a", 1, "x") == 0);
    CHECK(correlator_encode(seen.correlator, &bytes) == OK);
    for (size_t cut = 56 + SHA256_SIZE + 1; cut < bytes.size; cut++) {
        CHECK(correlator_decode(str_slice(buf_str(&bytes), 0, cut), seen.correlator, &why) ==
              ERR_CORRUPT);
    }
    bytes.data[0] ^= 1;
    CHECK(correlator_decode(buf_str(&bytes), seen.correlator, &why) == ERR_CORRUPT);
    CHECK(at_second(&seen, "a", 2, "x") == 1);
    buf_done(&bytes);
    seen_done(&seen);
}

/* ---- Random schedules, and the naive evaluator. */

static uint64_t state;

static uint64_t random_below(uint64_t limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % limit;
}

/* As after a crash: a new correlator goes on from the bytes of the old. */
static void killed(struct seen *seen)
{
    struct buf bytes;
    struct correlator *fresh;
    struct why why = {0};
    buf_init(&bytes, 1 << 26);
    CHECK(correlator_encode(seen->correlator, &bytes) == OK);
    CHECK(correlator_new(seen->ruleset, SIZE_MAX_USUAL, &fresh) == OK);
    CHECK(correlator_decode(buf_str(&bytes), fresh, &why) == OK);
    correlator_free(seen->correlator);
    seen->correlator = fresh;
    if (random_below(2) == 0) {
        CHECK(correlator_move(seen->correlator, seen->ruleset) == OK);
    }
    buf_done(&bytes);
}

static void alerts_write(struct seen *seen, FILE *file)
{
    for (size_t i = 0; i < seen->alerts.size / sizeof(struct alert); i++) {
        const struct alert *alert = alert_at(seen, i);
        (void)fprintf(file, "a %.*s %llu ", STR_ARG(alert->rule_id),
                      (unsigned long long)alert->count);
        for (size_t k = 0; k < alert->records.size; k++) {
            (void)fputc(alert->records.data[k] == ' ' ? ',' : alert->records.data[k], file);
        }
        (void)fprintf(file, " %.*s\n", STR_ARG(alert->group));
    }
    buf_reset(&seen->alerts);
    arena_reset(seen->turn);
}

static void schedule_run(struct seen *seen, FILE *file)
{
    static const char *const rules[] = {"a", "b", "c"};
    size_t count = random_below(100) == 0 ? 400 : 20 + random_below(60);
    bool kills = random_below(2) == 0;
    uint64_t spread = 1 + random_below(5);
    int64_t now = (int64_t)(1000000 + random_below(100000)) * NS_PER_SECOND;
    (void)fprintf(file, "#\n");
    correlator_free(seen->correlator);
    CHECK(correlator_new(seen->ruleset, SIZE_MAX_USUAL, &seen->correlator) == OK);
    for (size_t i = 0; i < count; i++) {
        char texts[FIELDS][32];
        const char *values[FIELDS];
        int64_t at = now;
        now += (int64_t)random_below(spread * 1000) * NS_PER_MS;
        now += random_below(40) == 0 ? (int64_t)random_below(5000) * NS_PER_SECOND : 0;
        if (random_below(3) == 0) {
            at -= (int64_t)random_below(20) * NS_PER_SECOND;
        } else if (random_below(20) == 0) {
            at += (int64_t)random_below(8000) * NS_PER_SECOND - 4000 * NS_PER_SECOND;
        }
        const char *rule = rules[random_below(3)];
        size_t events = 1 + (random_below(8) == 0); /* one event may fit two rules */
        for (size_t k = 0; k < FIELDS; k++) {
            (void)snprintf(texts[k], sizeof texts[k], k == 3 ? "%d.%d" : "%d",
                           (int)random_below(k == 3 ? 12 : k + 2), (int)random_below(10));
            values[k] = random_below(12) == 0 ? NULL : texts[k];
        }
        for (size_t e = 0; e < events; e++, rule = rules[random_below(3)]) {
            (void)fprintf(file, "s %s %zu %lld %lld", rule, i + 1, (long long)now, (long long)at);
            for (size_t k = 0; k < FIELDS; k++) {
                if (values[k] != NULL) {
                    (void)fprintf(file, " %s=%s", names[k], values[k]);
                }
            }
            (void)fprintf(file, "\n");
            seen->received = now;
            feed(seen, rule, i + 1, at, values);
            alerts_write(seen, file);
        }
        if (kills && random_below(10) == 0) {
            killed(seen);
        }
    }
}

TEST(random_schedules_give_what_the_definition_says_with_kills_between)
{
    char path[4096];
    char rules[4096];
    char command[16384];
    size_t size;
    const char *rounds = getenv("HINOMI_CORRELATIONS");
    if (system("python3 -c 'import yaml' 2>/dev/null") != 0) {
        testing_skip("no python3 with yaml");
    }
    (void)snprintf(path, sizeof path, "%s/schedules", testing_folder());
    (void)snprintf(rules, sizeof rules, "%s/tests/truth/correlations.yml", testing_root());
    char *text = testing_read(rules, &size);
    struct seen seen = seen_new(str_of(text, size), SIZE_MAX_USUAL);
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    state = 0x9e3779b97f4a7c15ull;
    for (long i = 0; i < (rounds != NULL ? strtol(rounds, NULL, 10) : 300); i++) {
        schedule_run(&seen, file);
    }
    CHECK(fclose(file) == 0);
    (void)snprintf(command, sizeof command,
                   "python3 '%s/tests/truth/naive_correlation.py' '%s' '%s'", testing_root(), rules,
                   path);
    (void)fflush(stdout);
    CHECK(system(command) == 0);
    seen_done(&seen);
    free(text);
}

/* ---- Disorder, storms and cost. */

struct disordered {
    int64_t at;
    uint64_t key;
};

static int disordered_compare(const void *a, const void *b)
{
    const struct disordered *left = a;
    const struct disordered *right = b;
    return (left->key > right->key) - (left->key < right->key);
}

/* Feeds sightings of one group in the order of their keys; returns how many alerts come. */
static size_t disorder_run(struct disordered *list, size_t count, const char *group)
{
    struct seen seen = seen_new(STR(THREE_IN_TEN), SIZE_MAX_USUAL);
    const char *const values[FIELDS] = {group, "", "", ""};
    qsort(list, count, sizeof *list, disordered_compare);
    seen.received = (int64_t)(2e9 * NS_PER_SECOND);
    for (size_t i = 0; i < count; i++) {
        feed(&seen, "a", (uint64_t)list[i].at, list[i].at, values);
    }
    size_t alerts = seen.alerts.size / sizeof(struct alert);
    for (size_t i = 0; i < alerts; i++) {
        CHECK(alert_at(&seen, i)->count >= 3);
    }
    seen_done(&seen);
    return alerts;
}

TEST(disorder_within_the_lateness_makes_no_group_fire_that_would_not_and_silences_none)
{
    state = 77;
    for (int round = 0; round < 300; round++) {
        struct disordered list[60];
        size_t count = 3 + random_below(50);
        uint64_t breadth = 5 + random_below(600);
        for (size_t i = 0; i < count; i++) {
            list[i].at = (int64_t)(1 + random_below(breadth * 1000)) * NS_PER_MS;
            list[i].key = (uint64_t)list[i].at;
        }
        size_t ordered = disorder_run(list, count, "x");
        for (size_t i = 0; i < count; i++) {
            list[i].key = random_below(UINT32_MAX);
        }
        size_t shuffled = disorder_run(list, count, "x");
        CHECK((ordered > 0) == (shuffled > 0));
        /* Firings are a timespan apart and leave no window uncovered: neither order can have more
         * than twice as many. */
        CHECK(ordered <= 2 * shuffled && shuffled <= 2 * ordered);
    }
}

#define ALL_TYPES                                                                                \
    BASE "title: n\nid: n\ncorrelation: {type: event_count, rules: [a], group-by: [g], "         \
         "timespan: 1h, condition: {gte: 1000000000}}\n---\n"                                    \
         "title: v\nid: v\ncorrelation: {type: value_count, rules: [a], group-by: [g], "         \
         "timespan: 1h, condition: {field: v, gte: 8000}}\n---\n"                                \
         "title: o\nid: o\ncorrelation: {type: temporal_ordered, rules: [a, b], group-by: [g], " \
         "timespan: 1h}\n---\n"                                                                  \
         "title: p\nid: p\ncorrelation: {type: value_percentile, rules: [a], group-by: [g], "    \
         "timespan: 1h, condition: {field: n, percentile: 99, gt: 1000000}}\n---\n"              \
         "title: s\nid: s\ncorrelation: {type: value_sum, rules: [a], group-by: [g], "           \
         "timespan: 1h, condition: {field: n, gt: 100000000000}}\n---\n"                         \
         "title: f\nid: f\ncorrelation: {type: hinomi_first_seen, rules: [a], group-by: [g], "   \
         "timespan: 1d, learn: 1h, condition: {field: v}}\n"

/* Seconds for `count` sightings of one group, of which none fires. */
static double storm(size_t count, bool disorder, struct correlator_stats *ret)
{
    struct seen seen = seen_new(STR(ALL_TYPES), SIZE_MAX_USUAL);
    char v[32];
    const char *values[FIELDS] = {"g", "h", v, "12.5"};
    state = 5;
    double begin = testing_cpu();
    seen.received = (int64_t)(2e9 * NS_PER_SECOND);
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(v, sizeof v, "%d", (int)random_below(500));
        feed(&seen, "a", i,
             NS_PER_SECOND + (int64_t)i * NS_PER_MS -
                 (disorder ? (int64_t)random_below(500) * NS_PER_MS : 0),
             values);
    }
    double took = testing_cpu() - begin;
    correlator_stats(seen.correlator, ret);
    CHECK(ret->size < 16 * 1024 * 1024);
    seen_done(&seen);
    return took;
}

TEST(a_storm_in_one_group_is_linear_and_bounded)
{
    struct correlator_stats stats;
    size_t most = getenv("HINOMI_STORM") != NULL ? 1000000 : 100000;
    double half = storm(most / 2, false, &stats);
    double whole = storm(most, false, &stats);
    printf("storm: %.2f us a sighting and six correlations, %zu bytes; half as many: %.2f us\n",
           whole * 1e6 / (double)most, stats.size, half * 2e6 / (double)most);
    CHECK(stats.fed == most && stats.groups == 6);
    CHECK(whole < 4 * half + 0.5);
    double late = storm(most / 50, true, &stats);
    printf("storm out of order: %.2f us\n", late * 50e6 / (double)most);
}

TEST(a_count_that_was_coarsened_is_not_too_low)
{
    struct seen seen = seen_new(
        STR(BASE "title: n\nid: n\ncorrelation: {type: event_count, rules: [a], group-by: [g], "
                 "timespan: 1h, condition: {gte: 100000}}\n"),
        SIZE_MAX_USUAL);
    size_t alerts = 0;
    size_t fired = 0;
    for (size_t i = 0; i < 100100; i++) {
        alerts += at_second(&seen, "a", (double)i * 0.02, "x");
        fired = alerts == 1 && fired == 0 ? i + 1 : fired;
    }
    CHECK(alerts == 1 && fired == 100000); /* all lie within the window, so the count is exact */
    CHECK(alert_at(&seen, 0)->count == 100000);
    seen_done(&seen);
}

TEST(what_a_sighting_costs_with_few_and_with_many_groups)
{
    size_t most = getenv("HINOMI_STORM") != NULL ? 1000000 : 50000;
    size_t groups[] = {1000, most};
    for (size_t i = 0; i < 2; i++) {
        struct seen seen = seen_new(STR(THREE_IN_TEN), (size_t)1024 * 1024 * 1024);
        struct correlator_stats stats;
        char group[32];
        const char *const values[FIELDS] = {group, "", "", ""};
        double begin = testing_cpu();
        seen.received = (int64_t)(2e9 * NS_PER_SECOND);
        for (size_t k = 0; k < 2 * most; k++) {
            (void)snprintf(group, sizeof group, "group %zu", k % groups[i]);
            feed(&seen, "a", k, NS_PER_SECOND + (int64_t)k * NS_PER_MS / 100, values);
        }
        double took = testing_cpu() - begin;
        correlator_stats(seen.correlator, &stats);
        printf("%zu groups: %.2f us a sighting, %zu bytes a group\n", groups[i],
               took * 1e6 / (double)(2 * most), stats.size / stats.groups);
        CHECK(stats.groups == groups[i] && stats.forgotten == 0);
        seen_done(&seen);
    }
}
