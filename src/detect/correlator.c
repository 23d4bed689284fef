/*
 * The correlator: a sighting's way through the correlations that lean on its rule.
 *
 *     sighting ─► each correlation over its rule ─► its group ─► in its place among the group's
 *                                                                    │ a window holds
 *                         the correlations over this one ◄─ sighting ┴─► alert
 *
 * A window is judged at its last sighting: it is everything of the group that is not older than the
 * timespan before it.  A correlation fires where a window holds, at most once for each stretch of
 * a timespan: no sighting counts towards two alerts.  A sighting that comes late may complete
 * windows that end with later ones, so these are judged anew, in the order of time; at most one of
 * them fires, since all lie within a timespan of it.
 *
 * A sighting's time is the event's.  One that is more than CORRELATION_AHEAD_MAX ahead of its
 * arrival has the time of its arrival, so that a wrong clock does not make all others late.
 *
 * Always true:
 *   (1) What comes out depends on the sightings and their order alone, not on the seed, the memory
 *       that was allocated, or whether the state has been away.
 *   (2) Two firings of a group are more than the timespan apart (rare values: of the same value).
 */

#include "detect/correlator.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/limits.h"
#include "codec/json_out.h"
#include "detect/correlator_private.h"

#define TIME_MAX         (INT64_MAX / 2) /* sums with timespans must not overflow */
#define GROUP_TEXT_MAX   ((size_t)64 * 1024)
#define RECORDS_TEXT_MAX ((size_t)(ALERT_RECORDS_MAX * 21))

/* A sighting on its way, its values split. */
struct passing {
    const struct sighting *sighting;
    int64_t at;
    struct str values[ASKED_MAX];
    struct arena *turn;
    struct buf *alerts;
};

static enum err feeders_make(struct correlator *correlator);
static enum err rule_feed(struct correlator *correlator, const struct sighting *sighting,
                          int64_t at, struct arena *turn, struct buf *alerts);

enum err correlator_new(const struct ruleset *ruleset, size_t size_max, struct correlator **ret)
{
    struct correlator *correlator = calloc(1, sizeof *correlator);
    if (correlator == NULL) {
        return ERR_MEMORY;
    }
    correlator->ruleset = ruleset;
    correlator->size_max = size_max;
    correlator->clock = correlator->swept = INT64_MIN / 2;
    correlator->seed = (uint64_t)(uintptr_t)correlator * 0x9e3779b97f4a7c15ull;
    buf_init(&correlator->packed, (size_t)GROUP_BY_MAX * (CORRELATION_VALUE_SIZE_MAX + 4));
    enum err err = feeders_make(correlator);
    if (err != OK) {
        correlator_free(correlator);
        return err;
    }
    *ret = correlator;
    return OK;
}

void correlator_free(struct correlator *correlator)
{
    if (correlator == NULL) {
        return;
    }
    while (correlator->oldest != NULL) {
        group_forget(correlator, correlator->oldest);
    }
    window_done(&correlator->scratch);
    buf_done(&correlator->packed);
    free(correlator->table);
    free(correlator->own);
    free(correlator->starts);
    free(correlator->feeds);
    free(correlator);
}

void correlator_for(struct correlator *correlator, const uint8_t *off)
{
    correlator->off = off;
}

void correlator_stats(const struct correlator *correlator, struct correlator_stats *ret)
{
    *ret = correlator->stats;
}

/* Who leans on which rule, as rows one after another. */
static enum err feeders_make(struct correlator *correlator)
{
    const struct ruleset *ruleset = correlator->ruleset;
    size_t rules = ruleset_rules(ruleset);
    size_t feeds = 0;
    correlator->own = calloc(rules + 1, sizeof *correlator->own);
    correlator->starts = calloc(rules + 2, sizeof *correlator->starts);
    if (correlator->own == NULL || correlator->starts == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < rules; i++) {
        const struct rule *rule = rule_at(ruleset, i);
        if (rule->correlation != NULL) {
            correlator->own[correlator->own_count++] = (struct own){
                .rule = rule,
                .correlation = rule->correlation,
                .index = (uint32_t)i,
            };
            feeds += rule->correlation->rules_count;
            for (size_t k = 0; k < rule->correlation->rules_count; k++) {
                correlator->starts[rule->correlation->rules[k] + 2]++;
            }
        }
    }
    correlator->feeds = calloc(feeds + 1, sizeof *correlator->feeds);
    if (correlator->feeds == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 2; i < rules + 2; i++) {
        correlator->starts[i] += correlator->starts[i - 1];
    }
    for (uint32_t own = 0; own < correlator->own_count; own++) {
        const struct correlation *correlation = correlator->own[own].correlation;
        for (uint32_t k = 0; k < correlation->rules_count; k++) {
            uint32_t at = correlator->starts[correlation->rules[k] + 1]++;
            correlator->feeds[at] = (struct feed){own, k};
        }
    }
    return OK;
}

enum err correlator_feed(struct correlator *correlator, const struct sighting *sighting,
                         struct arena *turn, struct buf *alerts)
{
    int64_t received = sighting->received.ns;
    bool arrived = wall_known(sighting->received) && received > 0;
    int64_t at = wall_known(sighting->at) ? sighting->at.ns : received;
    if (arrived && received < TIME_MAX && at > received + CORRELATION_AHEAD_MAX) {
        at = received;
    }
    at = at > TIME_MAX ? TIME_MAX : at < -TIME_MAX ? -TIME_MAX : at;
    int64_t clock = arrived && received < TIME_MAX ? received : at;
    correlator->clock = clock > correlator->clock ? clock : correlator->clock;
    correlator->stats.fed++;
    return rule_feed(correlator, sighting, at, turn, alerts);
}

/* ---- One correlation. */

/* What the type counts of a sighting; false if it has no such value and does not count. */
static bool value_take(struct correlator *correlator, const struct correlation *correlation,
                       const struct passing *passing, const uint16_t *slots, int64_t *ret)
{
    *ret = 0;
    if (correlation->fields_count == 0) {
        return true;
    }
    if (correlation->type == CORRELATION_VALUE_SUM || correlation->type == CORRELATION_VALUE_AVG ||
        correlation->percentile != PERCENTILE_NONE) {
        struct str text = passing->values[slots[0]];
        return text.data != NULL && millionths_parse(str_trim(text), ret);
    }
    uint64_t hash = correlator->seed;
    for (size_t i = 0; i < correlation->fields_count; i++) {
        struct str text = passing->values[slots[i]];
        if (text.data == NULL) {
            return false;
        }
        hash = hash_bytes(text, hash + i);
    }
    *ret = (int64_t)hash;
    return true;
}

enum err window_at(struct correlator *correlator, struct group *group, uint32_t last,
                   struct window **ret, uint32_t *ret_from)
{
    const struct correlation *correlation = correlator->own[group->correlation].correlation;
    int64_t oldest = group_sight(group, last)->at - correlation->timespan;
    struct window *window = &correlator->scratch;
    enum err err = OK;
    if (last + 1 == group->count && group->window != NULL) {
        window = group->window;
        err = window_add(window, group_sight(group, last));
        for (; err == OK && group_sight(group, group->tail)->at < oldest; group->tail++) {
            window_drop(window, group_sight(group, group->tail));
        }
        *ret = window;
        *ret_from = group->tail;
        return err;
    }
    uint32_t from = last + 1 == group->count ? group->tail : 0;
    while (group_sight(group, from)->at < oldest) {
        from++;
    }
    if (last + 1 == group->count) {
        group->tail = from;
        if (last - from >= WINDOW_KEPT_MIN) {
            window = malloc(sizeof *window);
            if (window == NULL) {
                return ERR_MEMORY;
            }
            window_init(window, correlation);
            group->window = window;
        }
    }
    if (window == &correlator->scratch) {
        window_reset(window, correlation);
    }
    *ret = window;
    *ret_from = from;
    return window_fill(window, group_sight(group, from), last - from + 1);
}

/* The windows that a sighting at `at` is in, from the one that it ends on, until one fires. */
static enum err windows_judge(struct correlator *correlator, struct group *group,
                              const struct correlation *correlation, uint32_t at,
                              struct firing *ret)
{
    int64_t newest = group_sight(group, at)->at + correlation->timespan;
    struct window *window = NULL;
    uint32_t from = 0;
    enum err err = OK;
    for (uint32_t i = at; i < group->count && err == OK; i++) {
        const struct sight *sight = group_sight(group, i);
        if (sight->at > newest) {
            break;
        }
        if (group_silent(group, sight->at, correlation->timespan)) {
            window = NULL;
            continue;
        }
        if (window == NULL) {
            err = window_at(correlator, group, i, &window, &from);
        } else {
            err = window_add(window, sight);
            for (; err == OK && group_sight(group, from)->at < sight->at - correlation->timespan;
                 from++) {
                window_drop(window, group_sight(group, from));
            }
        }
        if (err == OK && window_holds(window, sight)) {
            *ret = (struct firing){.fires = true, .from = from, .last = i};
            return group_fired(group, sight->at);
        }
    }
    return err;
}

static void fired_prune(struct group *group, const struct correlation *correlation)
{
    uint32_t old = 0;
    int64_t oldest = group->newest - CORRELATION_LATENESS_MAX - 2 * correlation->timespan;
    while (old < group->fired_count && group->fired[old] < oldest) {
        old++;
    }
    if (old > 0) {
        memmove(group->fired, group->fired + old,
                (group->fired_count - old) * sizeof *group->fired);
        group->fired_count -= old;
    }
}

static enum err group_judge(struct correlator *correlator, struct group *group,
                            const struct correlation *correlation, const struct sight *sight,
                            struct firing *ret)
{
    uint32_t at;
    switch (correlation->type) {
    case BASELINE_FIRST_SEEN:
        return first_seen_judge(correlator, group, correlation, sight, ret);
    case BASELINE_RARE:
        return rare_judge(correlator, group, correlation, sight, ret);
    case BASELINE_RATE:
        return rate_judge(correlator, group, correlation, sight, ret);
    default:
        break;
    }
    bool silent = group_silent(group, sight->at, correlation->timespan);
    if (silent) { /* nothing is asked for a while: a kept window would fall behind */
        group_window_forget(group);
    }
    enum err err = group_put(correlator, group, sight, &at);
    if (err == OK && silent && at + 1 == group->count) {
        return OK;
    }
    return err == OK ? windows_judge(correlator, group, correlation, at, ret) : err;
}

/* ---- Alerts and chains. */

static enum err group_print(const struct correlation *correlation, const struct group *group,
                            struct arena *turn, struct str *ret)
{
    struct str values[GROUP_BY_MAX];
    struct json_out out;
    struct buf text;
    enum err err =
        values_split(str_of(group->key, group->key_size), correlation->groups_count, values);
    buf_init(&text, GROUP_TEXT_MAX);
    json_out_begin(&out, &text);
    json_object(&out, NULL);
    for (size_t i = 0; i < correlation->groups_count && err == OK; i++) {
        if (values[i].data == NULL) {
            json_null(&out, correlation->groups[i].data);
        } else {
            json_text(&out, correlation->groups[i].data, values[i]);
        }
    }
    json_close(&out);
    err = err == OK ? json_out_end(&out) : err;
    err = err == OK ? arena_copy(turn, buf_str(&text), ret) : err;
    buf_done(&text);
    return err;
}

static enum err records_print(const struct group *group, const struct firing *firing,
                              struct arena *turn, struct str *ret, uint64_t *ret_count)
{
    struct buf text;
    uint64_t count = 0;
    uint64_t before = UINT64_MAX;
    size_t listed = 0;
    enum err err = OK;
    buf_init(&text, RECORDS_TEXT_MAX);
    for (uint32_t i = firing->from; i <= firing->last && err == OK; i++) {
        const struct sight *sight = group_sight(group, i);
        count += sight->weight;
        if (listed < ALERT_RECORDS_MAX && sight->sequence != before) {
            err = buf_print(&text, listed > 0 ? " %llu" : "%llu",
                            (unsigned long long)sight->sequence);
            before = sight->sequence;
            listed++;
        }
    }
    err = err == OK ? arena_copy(turn, buf_str(&text), ret) : err;
    buf_done(&text);
    *ret_count = count;
    return err;
}

static enum err alert_add(const struct own *own, const struct group *group,
                          const struct firing *firing, const struct passing *passing)
{
    const struct rule *rule = own->rule;
    struct alert alert = {
        .kind = ALERT_CORRELATION,
        .place = passing->sighting->place,
        .source = passing->sighting->source,
        .received = passing->sighting->received,
        .happened = passing->sighting->at,
        .level = rule->level,
        .rule_id = rule->id,
        .rule_title = rule->title,
        .rule_author = rule->author,
        .rule_link = rule->link,
        .rule_tags = rule->tags,
        .rule_version = rule->version,
        .outcome = {.type = rule->type, .severity = rule->level},
    };
    enum err err = group_print(own->correlation, group, passing->turn, &alert.group);
    err =
        err == OK ? records_print(group, firing, passing->turn, &alert.records, &alert.count) : err;
    return err == OK ? buf_append(passing->alerts, str_of(&alert, sizeof alert)) : err;
}

/* A correlation that fired is a sighting for those over it, with the completing event's values. */
static enum err chain_feed(struct correlator *correlator, const struct own *own, uint32_t number,
                           int64_t at, const struct passing *passing)
{
    const struct correlation *correlation = own->correlation;
    struct sighting sighting = *passing->sighting;
    struct buf values;
    enum err err = OK;
    buf_init(&values, (size_t)ASKED_MAX * (CORRELATION_VALUE_SIZE_MAX + 4));
    for (uint32_t i = 0; i < own->rule->asked_count && err == OK; i++) {
        struct str value =
            passing->values[correlation->lifts[i * correlation->rules_count + number]];
        err = values_add(&values, value.data == NULL, value);
    }
    sighting.rule = own->index;
    err = err == OK ? arena_copy(passing->turn, buf_str(&values), &sighting.values) : err;
    buf_done(&values);
    return err == OK ? rule_feed(correlator, &sighting, at, passing->turn, passing->alerts) : err;
}

static enum err own_feed(struct correlator *correlator, const struct feed *feed,
                         const struct passing *passing)
{
    const struct own *own = &correlator->own[feed->own];
    const struct correlation *correlation = own->correlation;
    size_t each = correlation->groups_count + correlation->fields_count;
    const uint16_t *slots = correlation->slots + feed->number * each;
    struct sight sight = {
        .at = passing->at,
        .sequence = passing->sighting->place.sequence,
        .weight = 1,
        .number = (uint16_t)feed->number,
    };
    struct group *group = NULL;
    struct firing firing = {0};
    bool heard = correlator->off == NULL || correlator->off[own->index] == 0;
    enum err err = OK;
    if (!value_take(correlator, correlation, passing, slots + correlation->groups_count,
                    &sight.value)) {
        return OK;
    }
    buf_reset(&correlator->packed);
    for (size_t i = 0; i < correlation->groups_count && err == OK; i++) {
        struct str value = passing->values[slots[i]];
        err = values_add(&correlator->packed, value.data == NULL, value);
    }
    err = err == OK ? group_find(correlator, feed->own, buf_str(&correlator->packed), &group) : err;
    if (err != OK) {
        return err;
    }
    if (group->newest != INT64_MIN && sight.at < group->newest - CORRELATION_LATENESS_MAX) {
        correlator->stats.late++;
        return OK;
    }
    err = group_judge(correlator, group, correlation, &sight, &firing);
    if (err == OK && firing.fires && heard && own->rule->raises) {
        err = alert_add(own, group, &firing, passing);
    }
    int64_t fired_at = firing.fires ? group_sight(group, firing.last)->at : 0;
    fired_prune(group, correlation);
    group_weigh(correlator, group);
    groups_fit(correlator, group);
    if (err == OK && firing.fires && heard && own->rule->feeds) {
        err = chain_feed(correlator, own, feed->number, fired_at, passing);
    }
    return err;
}

static enum err rule_feed(struct correlator *correlator, const struct sighting *sighting,
                          int64_t at, struct arena *turn, struct buf *alerts)
{
    struct passing passing = {.sighting = sighting, .at = at, .turn = turn, .alerts = alerts};
    const struct rule *rule = rule_at(correlator->ruleset, sighting->rule);
    enum err err = values_split(sighting->values, rule->asked_count, passing.values);
    for (uint32_t i = correlator->starts[sighting->rule];
         i < correlator->starts[sighting->rule + 1] && err == OK; i++) {
        err = own_feed(correlator, &correlator->feeds[i], &passing);
    }
    return err;
}
