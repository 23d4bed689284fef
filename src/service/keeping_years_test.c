/*
 * Years of logs, played through against a model that knows nothing but single records.
 *
 * The model keeps each record by itself: it looks at every hour of the record's life at what the
 * version of that hour promised, and at every hold, and lets the record go when nothing says
 * otherwise.  The schedule sees lots of many records.  In 10,000 random histories no record goes
 * that the model keeps, and no lot stays that is over by every record, hold and promise.
 */

#include <stdlib.h>
#include <string.h>

#include "codec/time.h"
#include "service/keeping.h"
#include "testing/testing.h"

#define HISTORIES  10000
#define SOURCES    4
#define VERSIONS   6
#define HOLDS      5
#define RECORDS    12
#define LOTS       6
#define HOUR_NS    (3600 * NS_PER_SECOND)
#define HOURS_LONG (24 * 900)

/* A small generator with a fixed seed: the histories are the same each time. */
static uint64_t state;

static uint64_t draw(uint64_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

struct record {
    uint32_t source;
    int64_t hour; /* of arrival */
    uint32_t sealed_days;
};
struct model_hold {
    bool all;
    uint32_t source;
    int64_t from, to; /* hours, both held */
};
struct history {
    int64_t version_from[VERSIONS + 1]; /* hours; the last runs on */
    uint32_t days[VERSIONS][SOURCES];   /* 0: not named */
    size_t versions;
    struct model_hold holds[HOLDS];
    size_t holds_count;
    struct record records[LOTS][RECORDS];
    size_t records_count[LOTS];
    int64_t now; /* hour */
};

static void history_draw(struct history *history)
{
    static const uint32_t choices[] = {1, 7, 30, 90, 365, 366, 400};
    memset(history, 0, sizeof *history);
    history->now = 200 + (int64_t)draw(HOURS_LONG);
    history->versions = draw(VERSIONS) + 1;
    int64_t from = (int64_t)draw(400);
    for (size_t v = 0; v < history->versions; v++) {
        history->version_from[v] = from;
        from += 1 + (int64_t)draw((uint64_t)history->now / VERSIONS + 1);
        for (size_t s = 0; s < SOURCES; s++) {
            history->days[v][s] =
                draw(8) == 0 ? 0 : choices[draw(sizeof choices / sizeof *choices)];
        }
    }
    while (history->versions > 1 && history->version_from[history->versions - 1] > history->now) {
        history->versions--; /* what is not effective yet promises nothing */
    }
    history->holds_count = draw(HOLDS + 1);
    for (size_t h = 0; h < history->holds_count; h++) {
        struct model_hold *hold = &history->holds[h];
        *hold = (struct model_hold){draw(4) == 0, (uint32_t)draw(SOURCES) + 1,
                                    (int64_t)draw((uint64_t)history->now), 0};
        hold->to = hold->from + (int64_t)draw(4000);
    }
    for (size_t p = 0; p < LOTS; p++) {
        int64_t begin = (int64_t)draw((uint64_t)history->now);
        uint32_t loud = (uint32_t)draw(SOURCES) + 1;
        history->records_count[p] = 1 + draw(RECORDS);
        for (size_t r = 0; r < history->records_count[p]; r++) {
            int64_t hour = begin + (int64_t)draw(60);
            history->records[p][r] = (struct record){
                .source = draw(3) == 0 ? (uint32_t)draw(SOURCES) + 1 : loud,
                .hour = hour < history->now ? hour : history->now - 1,
                .sealed_days = 1,
            };
        }
    }
}

/* ---- The model: one record. */

static bool model_promised(const struct history *history, const struct record *record)
{
    size_t last = history->versions - 1;
    uint32_t longest = history->days[last][record->source - 1];
    if (longest == 0 || history->version_from[last] > history->now) {
        return true; /* nothing that runs names it */
    }
    for (size_t v = 0; v < history->versions; v++) {
        int64_t ends = v == last ? INT64_MAX : history->version_from[v + 1];
        uint32_t days = history->days[v][record->source - 1];
        if (ends > record->hour && days > longest) {
            longest = days;
        }
    }
    return record->hour + 24 * (int64_t)longest > history->now ||
           record->hour + 24 * (int64_t)record->sealed_days > history->now;
}

static bool model_held(const struct history *history, const struct record *record)
{
    for (size_t h = 0; h < history->holds_count; h++) {
        const struct model_hold *hold = &history->holds[h];
        if ((hold->all || hold->source == record->source) && record->hour >= hold->from &&
            record->hour <= hold->to) {
            return true;
        }
    }
    return false;
}

/* ---- The same history, as the schedule sees it. */

struct seen {
    struct promise_stretch stretches[SOURCES][VERSIONS];
    struct promise list[SOURCES];
    struct promises promises;
    struct hold_span holds[HOLDS];
    struct source_id held[HOLDS];
    struct keeping keeping;
};

static struct wall hour(int64_t count)
{
    return (struct wall){1700000000LL * NS_PER_SECOND + count * HOUR_NS};
}

static void seen_make(const struct history *history, struct seen *seen)
{
    memset(seen, 0, sizeof *seen);
    for (size_t s = 0; s < SOURCES; s++) {
        size_t count = 0;
        for (size_t v = 0; v < history->versions; v++) {
            if (history->days[v][s] > 0 && history->version_from[v] <= history->now) {
                seen->stretches[s][count++] = (struct promise_stretch){
                    hour(history->version_from[v]),
                    v + 1 == history->versions ? WALL_NONE : hour(history->version_from[v + 1]),
                    history->days[v][s]};
            }
        }
        seen->list[s] = (struct promise){{(uint32_t)s + 1}, seen->stretches[s], count};
    }
    for (size_t h = 0; h < history->holds_count; h++) {
        const struct model_hold *hold = &history->holds[h];
        seen->held[h] = (struct source_id){hold->source};
        seen->holds[h] = (struct hold_span){.id = h + 1,
                                            .sources = &seen->held[h],
                                            .sources_count = hold->all ? 0 : 1,
                                            .from = hour(hold->from),
                                            .to = hour(hold->to)};
    }
    seen->promises = (struct promises){seen->list, SOURCES};
    seen->keeping =
        (struct keeping){&seen->promises, seen->holds, history->holds_count, UINT64_MAX};
}

static void lot_make(const struct history *history, size_t index,
                     struct lot_source sources[SOURCES], struct lot *ret)
{
    *ret = (struct lot){.kind = LOT_SEGMENT, .first = 1, .last = 100, .sources = sources};
    for (size_t r = 0; r < history->records_count[index]; r++) {
        const struct record *record = &history->records[index][r];
        struct wall when = hour(record->hour);
        size_t at = 0;
        while (at < ret->sources_count && sources[at].source.value != record->source) {
            at++;
        }
        if (at == ret->sources_count) {
            sources[at] = (struct lot_source){.source = {record->source},
                                              .days = record->sealed_days,
                                              .oldest = when,
                                              .newest = when};
            ret->sources_count++;
        }
        sources[at].oldest = when.ns < sources[at].oldest.ns ? when : sources[at].oldest;
        sources[at].newest = when.ns > sources[at].newest.ns ? when : sources[at].newest;
        ret->oldest = ret->events == 0 || when.ns < ret->oldest.ns ? when : ret->oldest;
        ret->newest = ret->events == 0 || when.ns > ret->newest.ns ? when : ret->newest;
        ret->events++;
    }
}

/* Whether by the model nothing between the oldest and the newest of any source is kept: what the
 * schedule cannot tell apart, it has to let go then. */
static bool model_all_over(const struct history *history, const struct lot *lot)
{
    for (size_t s = 0; s < lot->sources_count; s++) {
        const struct lot_source *source = &lot->sources[s];
        int64_t first = (source->oldest.ns - hour(0).ns) / HOUR_NS;
        int64_t last = (source->newest.ns - hour(0).ns) / HOUR_NS;
        for (int64_t at = first; at <= last; at++) {
            /* A version may end within the hour: its last moment counts as the next hour's. */
            const struct record record = {source->source.value, at, source->days};
            const struct record late = {source->source.value, at + 1, source->days};
            struct record close = late;
            close.hour = at;
            if (model_promised(history, &record) || model_held(history, &record)) {
                return false;
            }
            if (record.hour + 1 <= last && model_promised(history, &close)) {
                return false;
            }
        }
    }
    return true;
}

TEST(in_ten_thousand_random_histories_nothing_goes_that_a_record_by_record_model_keeps)
{
    static struct history history;
    static struct seen seen;
    size_t gone = 0;
    size_t stayed = 0;
    size_t held = 0;
    state = 20261122;
    for (int i = 0; i < HISTORIES; i++) {
        history_draw(&history);
        seen_make(&history, &seen);
        for (size_t p = 0; p < LOTS; p++) {
            struct lot_source sources[SOURCES];
            struct lot lot;
            struct keep_view view;
            bool keeps = false;
            lot_make(&history, p, sources, &lot);
            keeping_look(&seen.keeping, &lot, hour(history.now), &view);
            for (size_t r = 0; r < history.records_count[p]; r++) {
                keeps = keeps || model_promised(&history, &history.records[p][r]) ||
                        model_held(&history, &history.records[p][r]);
            }
            CHECK(view.state != KEEP_DUE || !keeps);
            gone += view.state == KEEP_DUE;
            stayed += view.state == KEEP_PROMISED || view.state == KEEP_FOREVER;
            held += view.state == KEEP_HELD;
        }
    }
    CHECK(gone > 8000 && stayed > 20000 && held > 2000); /* all of it was really tried */
}

TEST(what_is_over_by_every_hour_of_it_goes)
{
    static struct history history;
    static struct seen seen;
    size_t over = 0;
    state = 7;
    for (int i = 0; i < HISTORIES / 10; i++) {
        history_draw(&history);
        for (size_t p = 0; p < LOTS; p++) {
            struct lot_source sources[SOURCES];
            struct lot lot;
            struct keep_view view;
            seen_make(&history, &seen);
            lot_make(&history, p, sources, &lot);
            if (model_all_over(&history, &lot)) {
                /* An hour more, for the last moments of versions that end within one. */
                keeping_look(&seen.keeping, &lot, hour(history.now + 1), &view);
                CHECK(view.state == KEEP_DUE);
                over++;
            }
        }
    }
    CHECK(over > 500);
}

/* ---- Years, hour by hour. */

static struct wall at(const char *text)
{
    struct wall wall;
    CHECK(time_parse(str_from(text), &wall) == OK);
    return wall;
}

TEST(a_year_is_365_days_of_24_hours_over_leap_days_too)
{
    struct wall begin = at("2027-01-01T00:00:00Z");
    const struct promise_stretch stretch = {begin, WALL_NONE, 365};
    const struct promise promise = {{1}, &stretch, 1};
    const struct promises promises = {&promise, 1};
    const struct keeping keeping = {&promises, NULL, 0, UINT64_MAX};
    static const struct {
        const char *arrived, *goes;
    } cases[] = {
        {"2027-03-01T12:00:00Z", "2028-02-29T12:00:00Z"}, /* the leap day comes in between */
        {"2028-02-29T12:00:00Z", "2029-02-28T12:00:00Z"}, /* it is the day itself */
        {"2028-03-01T12:00:00Z", "2029-03-01T12:00:00Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wall arrived = at(cases[i].arrived);
        const struct lot_source source = {{1}, 365, arrived, arrived, 1, 1};
        const struct lot lot = {.kind = LOT_SEGMENT,
                                .first = 1,
                                .last = 1,
                                .oldest = arrived,
                                .newest = arrived,
                                .events = 1,
                                .sources = &source,
                                .sources_count = 1};
        struct keep_view view;
        keeping_look(&keeping, &lot, arrived, &view);
        CHECK(view.due.ns == at(cases[i].goes).ns);
    }
}

#define SIMULATED_DAYS 2200 /* six years, with two leap days */
#define CHANGES        4

/* Each day one segment of a quiet and one of a loud source; the promise changes four times; each
 * day the schedule runs.  Every segment goes on the very day that the record by record model says.
 */
TEST(six_years_of_a_changing_promise_go_on_the_day_that_each_record_was_promised)
{
    static const int changed_on[CHANGES] = {0, 300, 900, 1500};
    static const uint32_t days[CHANGES] = {90, 365, 30, 180};
    static const int rule[CHANGES] = {365, 365, 180, 180}; /* the longest from then on, by hand */
    struct wall begin = at("2027-01-01T00:00:00Z");
    struct promise_stretch stretches[CHANGES];
    size_t stretches_count = 0;
    static bool there[SIMULATED_DAYS];
    size_t dropped = 0;
    for (int today = 0; today < SIMULATED_DAYS; today++) {
        struct wall now = {begin.ns + today * DAY_NS};
        if (stretches_count < CHANGES && changed_on[stretches_count] == today) {
            if (stretches_count > 0) {
                stretches[stretches_count - 1].to = now;
            }
            stretches[stretches_count] =
                (struct promise_stretch){now, WALL_NONE, days[stretches_count]};
            stretches_count++;
        }
        const struct promise promise = {{1}, stretches, stretches_count};
        const struct promises promises = {&promise, 1};
        const struct keeping keeping = {&promises, NULL, 0, UINT64_MAX};
        there[today] = true;
        for (int old = 0; old <= today; old++) {
            struct wall arrived = {begin.ns + old * DAY_NS};
            const struct lot_source source = {{1}, 1, arrived, arrived, 1, 1};
            const struct lot lot = {.kind = LOT_SEGMENT,
                                    .first = 1,
                                    .last = 1,
                                    .oldest = arrived,
                                    .newest = arrived,
                                    .events = 1,
                                    .sources = &source,
                                    .sources_count = 1};
            struct keep_view view;
            keeping_look(&keeping, &lot, now, &view);
            if (there[old] && view.state == KEEP_DUE) {
                int promised = 0;
                for (size_t v = 0; v < stretches_count; v++) {
                    bool counts = v + 1 == CHANGES || changed_on[v + 1] > old;
                    promised = counts && (int)days[v] > promised ? (int)days[v] : promised;
                }
                CHECK(today - old >= promised);
                /* Where nothing was changed meanwhile, it is that very day. */
                CHECK(today - old == promised || today - old >= 30);
                there[old] = false;
                dropped++;
            }
        }
    }
    CHECK(promise_days(&(struct promise){{1}, stretches, CHANGES}, begin) == (uint32_t)rule[0]);
    CHECK(promise_days(&(struct promise){{1}, stretches, CHANGES},
                       (struct wall){begin.ns + 1000 * DAY_NS}) == (uint32_t)rule[2]);
    CHECK(dropped == SIMULATED_DAYS - 180);
}
