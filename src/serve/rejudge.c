/*
 * Judging again.
 *
 * Each edition that is needed is compiled when the first event asks for it, and kept. The events
 * come from the reader one at a time, in the order of the archive, which is the order in which they
 * were judged; correlations are fed in the same order, so that a window is what it was live.
 *
 * Always true: nothing is written but the answer; an edition that is not at hand is named, never
 * replaced by another.
 */

#include "serve/rejudge.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/map.h"
#include "codec/json_text.h"
#include "codec/time.h"
#include "codec/visible.h"
#include "detect/correlator.h"
#include "event/print.h"

#define MEMORY_MAX ((size_t)1 << 30)
#define EXAMPLES   5 /* places shown of what is added or removed, for each rule */
#define OUT_SIZE   ((size_t)256 << 20)
#define FLUSH_SIZE 65536

/* An edition at work. */
struct bench {
    struct str hash, bundle;
    struct ruleset *ruleset; /* NULL: not compiled yet */
    struct judge *judge;
    struct correlator *correlator;
};

/* What became of one rule between two editions. */
struct tally {
    struct str id, title;
    enum level level;
    uint64_t before, after, added, removed;
    uint64_t examples_added[EXAMPLES], examples_removed[EXAMPLES];
};

struct rejudge {
    const struct reading *reading;
    struct bench benches[REJUDGE_EDITIONS_MAX];
    size_t count;
    struct bench
        *at; /* the edition of the next event; NULL: the archive names one that is not here */
    struct str missing;
    struct arena *mem;  /* reports, hashes, tallies' texts */
    struct arena *turn; /* one event's */
    struct buf out;
    struct map by_rule;
    struct buf tallies; /* struct tally each */
    uint64_t events, alerts, skipped;
};

enum err rules_pack(struct buf *out, struct str hash, struct str bundle)
{
    char head[8];
    put_u32(head, (uint32_t)hash.size);
    put_u32(head + 4, (uint32_t)bundle.size);
    enum err err = buf_append(out, str_of(head, sizeof head));
    err = err == OK ? buf_append(out, hash) : err;
    return err == OK ? buf_append(out, bundle) : err;
}

static enum err rules_unpack(struct rejudge *rejudge, struct str rules)
{
    while (rules.size > 0) {
        if (rejudge->count == REJUDGE_EDITIONS_MAX) {
            return ERR_LIMIT;
        }
        uint64_t hash = rules.size < 8 ? 0 : get_u32(rules.data);
        uint64_t bundle = rules.size < 8 ? 0 : get_u32(rules.data + 4);
        if (rules.size < 8 || 8 + hash + bundle > rules.size) {
            return ERR_CORRUPT;
        }
        rejudge->benches[rejudge->count++] = (struct bench){
            .hash = str_slice(rules, 8, hash), .bundle = str_slice(rules, 8 + hash, bundle)};
        rules = str_slice(rules, 8 + hash + bundle, rules.size);
    }
    rejudge->at = rejudge->count > 0 ? &rejudge->benches[0] : NULL;
    return rejudge->count > 0 ? OK : ERR_CORRUPT;
}

static enum err rejudge_init(struct rejudge *rejudge, const struct reading *reading,
                             struct str rules)
{
    *rejudge = (struct rejudge){
        .reading = reading, .mem = arena_new(MEMORY_MAX), .turn = arena_new(MEMORY_MAX)};
    buf_init(&rejudge->out, OUT_SIZE);
    buf_init(&rejudge->tallies, MEMORY_MAX);
    map_init(&rejudge->by_rule, RULES_MAX, (uint64_t)(uintptr_t)rejudge);
    return rejudge->mem == NULL || rejudge->turn == NULL ? ERR_MEMORY
                                                         : rules_unpack(rejudge, rules);
}

static void rejudge_done(struct rejudge *rejudge)
{
    for (size_t i = 0; i < rejudge->count; i++) {
        correlator_free(rejudge->benches[i].correlator);
        judge_free(rejudge->benches[i].judge);
        ruleset_free(rejudge->benches[i].ruleset);
    }
    map_done(&rejudge->by_rule);
    buf_done(&rejudge->tallies);
    buf_done(&rejudge->out);
    arena_free(rejudge->turn);
    arena_free(rejudge->mem);
}

static enum err bench_ready(struct rejudge *rejudge, struct bench *bench)
{
    struct ruleset_report report;
    struct why why = {0};
    if (bench->ruleset != NULL) {
        return OK;
    }
    enum err err = ruleset_load(bench->bundle, rejudge->mem, &bench->ruleset, &report, &why);
    err = err == OK ? judge_new(bench->ruleset, &bench->judge) : err;
    return err == OK ? correlator_new(bench->ruleset, WINDOWS_SIZE_MAX, &bench->correlator) : err;
}

/* Every alert that an edition raises on one event. */
static enum err event_judge(struct rejudge *rejudge, struct bench *bench, struct place place,
                            const struct event *event, struct alerts *ret)
{
    struct batch one = *event->batch;
    struct verdicts verdicts;
    struct buf completed; /* struct alert each */
    buf_init(&completed, MEMORY_MAX);
    one.event_table += (size_t)event->index * BATCH_EVENT_SIZE;
    one.events = 1;
    enum err err = bench_ready(rejudge, bench);
    err = err == OK ? judge_batch(bench->judge, &one, rejudge->turn, &verdicts) : err;
    for (size_t i = 0; err == OK && i < verdicts.sightings.count; i++) {
        struct sighting sighting = verdicts.sightings.list[i];
        sighting.place = place;
        err = correlator_feed(bench->correlator, &sighting, rejudge->turn, &completed);
    }
    const struct alerts correlations = {(struct alert *)(void *)completed.data,
                                        completed.size / sizeof(struct alert)};
    size_t count = err == OK ? verdicts.alerts.count + correlations.count : 0;
    struct alert *list = err == OK ? ARENA_ARRAY(rejudge->turn, struct alert, count) : NULL;
    if (err != OK || list == NULL) {
        buf_done(&completed);
        return err == OK ? ERR_MEMORY : err;
    }
    for (size_t i = 0; i < count; i++) {
        list[i] = i < verdicts.alerts.count ? verdicts.alerts.list[i]
                                            : correlations.list[i - verdicts.alerts.count];
        list[i].place = place;
    }
    buf_done(&completed);
    *ret = (struct alerts){list, count};
    return OK;
}

static enum err events_walk(struct rejudge *rejudge, reader_call *call, struct why *why)
{
    const struct reading *reading = rejudge->reading;
    struct wall from = wall_known(reading->from) ? reading->from : (struct wall){INT64_MIN};
    struct wall to = wall_known(reading->to) ? reading->to : (struct wall){INT64_MAX};
    return reader_search(reading->scope, reading->reader, reading->client, NULL, from, to, call,
                         rejudge, why);
}

static enum err flush(struct rejudge *rejudge, size_t size_min)
{
    enum err err = OK;
    if (rejudge->out.size > 0 && rejudge->out.size >= size_min) {
        err = rejudge->reading->output(rejudge->reading->output_context, buf_str(&rejudge->out));
        buf_reset(&rejudge->out);
    }
    return err;
}

/* ---- Scan. */

static enum err json_part(struct buf *out, const char *before, struct str value)
{
    enum err err = buf_append(out, str_from(before));
    return err == OK ? json_print(out, value) : err;
}

static enum err alert_json(struct rejudge *rejudge, const struct alert *alert,
                           const struct event *event)
{
    char when[TIME_TEXT_SIZE];
    struct buf *out = &rejudge->out;
    bool rule = alert->kind == ALERT_RULE;
    enum err err = buf_print(out, "{\"kind\":\"%s\"", rule ? "rule" : "correlation");
    err = err == OK ? json_part(out, ",\"rule\":{\"id\":", alert->rule_id) : err;
    err = err == OK ? json_part(out, ",\"title\":", alert->rule_title) : err;
    err = err == OK ? json_part(out, ",\"author\":", alert->rule_author) : err;
    err = err == OK ? json_part(out, ",\"link\":", alert->rule_link) : err;
    err = err == OK ? buf_print(out,
                                ",\"level\":\"%s\",\"version\":\"%.*s\"},\"source\":"
                                "{\"client\":\"%.*s\",\"source\":%u,\"sequence\":%llu},"
                                "\"@timestamp\":\"%s\"",
                                level_text(alert->level), STR_ARG(alert->rule_version),
                                STR_ARG(rejudge->reading->slug), alert->source.value,
                                (unsigned long long)alert->place.sequence,
                                time_print(event_time(event), when))
                    : err;
    if (err == OK && !rule) {
        err = buf_print(out, ",\"group\":%.*s,\"count\":%llu,\"records\":\"%.*s\"",
                        STR_ARG(alert->group), (unsigned long long)alert->count,
                        STR_ARG(alert->records));
    }
    err = err == OK ? buf_append(out, STR(",\"event\":")) : err;
    err = err == OK ? event_print_json(event, (struct str){0}, (struct str){0}, rejudge->turn, out)
                    : err;
    return err == OK ? buf_append(out, STR("}\n")) : err;
}

static enum err alert_line(struct rejudge *rejudge, const struct alert *alert,
                           const struct event *event)
{
    char when[TIME_TEXT_SIZE];
    struct buf *out = &rejudge->out;
    if (rejudge->reading->format == FORMAT_NDJSON) {
        return alert_json(rejudge, alert, event);
    }
    enum err err = buf_print(out, "%s  %-13s  #%llu  ", time_print(event_time(event), when),
                             level_text(alert->level), (unsigned long long)alert->place.sequence);
    err = err == OK ? visible_append(out, alert->rule_title) : err;
    err = err == OK && alert->rule_author.size > 0 ? buf_append(out, STR(", by ")) : err;
    err = err == OK ? visible_append(out, alert->rule_author) : err;
    return err == OK ? buf_append_byte(out, '\n') : err;
}

static enum err scan_event(void *context, struct place place, const struct event *event)
{
    struct rejudge *rejudge = context;
    struct alerts alerts;
    if (rejudge->at == NULL) {
        rejudge->skipped++;
        return OK;
    }
    arena_reset(rejudge->turn);
    enum err err = event_judge(rejudge, rejudge->at, place, event, &alerts);
    for (size_t i = 0; err == OK && i < alerts.count; i++) {
        err = alert_line(rejudge, &alerts.list[i], event);
        rejudge->alerts++;
    }
    rejudge->events++;
    return err == OK ? flush(rejudge, FLUSH_SIZE) : err;
}

/* The windows go on under other rules as they did live. */
static enum err scan_generation(void *context, struct str kind, struct str hash)
{
    struct rejudge *rejudge = context;
    struct bench *next = NULL;
    if (!str_equal(kind, STR("rules"))) {
        return OK;
    }
    for (size_t i = 0; i < rejudge->count && next == NULL; i++) {
        next = str_equal(rejudge->benches[i].hash, hash) ? &rejudge->benches[i] : NULL;
    }
    enum err err = next == NULL ? arena_copy(rejudge->mem, hash, &rejudge->missing)
                                : bench_ready(rejudge, next);
    if (err == OK && next != NULL && rejudge->at != NULL && next != rejudge->at &&
        rejudge->at->correlator != NULL) {
        correlator_free(next->correlator);
        next->correlator = rejudge->at->correlator;
        rejudge->at->correlator = NULL;
        err = correlator_move(next->correlator, next->ruleset);
    }
    rejudge->at = next;
    return err;
}

enum err rejudge_scan(const struct reading *reading, struct str rules, bool as_live,
                      struct why *why)
{
    struct rejudge rejudge;
    enum err err = rejudge_init(&rejudge, reading, rules);
    if (err == OK && as_live) {
        reader_heed_generations(reading->reader, scan_generation, &rejudge);
        rejudge.at = NULL;
    }
    err = err == OK ? events_walk(&rejudge, scan_event, why) : err;
    reader_heed_generations(reading->reader, NULL, NULL);
    err = err == OK ? flush(&rejudge, 0) : err;
    if (err == OK && rejudge.skipped > 0) {
        err = why_say(why, ERR_NOT_FOUND, 0,
                      "%llu events could not be judged: the rules %.*s are not kept here",
                      (unsigned long long)rejudge.skipped, STR_ARG(rejudge.missing));
    }
    rejudge_done(&rejudge);
    return err;
}

/* ---- Comparison. */

static enum err tally_of(struct rejudge *rejudge, const struct alert *alert, struct tally **ret)
{
    uint64_t index;
    enum err err = OK;
    if (!map_get(&rejudge->by_rule, alert->rule_id, &index)) {
        struct tally tally = {.level = alert->level};
        index = rejudge->tallies.size / sizeof tally;
        err = arena_copy(rejudge->mem, alert->rule_id, &tally.id);
        err = err == OK ? arena_copy(rejudge->mem, alert->rule_title, &tally.title) : err;
        err = err == OK ? buf_append(&rejudge->tallies, str_of(&tally, sizeof tally)) : err;
        err = err == OK ? map_put(&rejudge->by_rule, tally.id, index) : err;
    }
    if (err == OK) {
        *ret = (struct tally *)(void *)(rejudge->tallies.data + index * sizeof(struct tally));
    }
    return err;
}

static bool alerts_have(const struct alerts *alerts, struct str rule)
{
    for (size_t i = 0; i < alerts->count; i++) {
        if (str_equal(alerts->list[i].rule_id, rule)) {
            return true;
        }
    }
    return false;
}

static void example_keep(uint64_t examples[EXAMPLES], uint64_t number, struct place place)
{
    if (number < EXAMPLES) {
        examples[number] = place.sequence;
    }
}

static enum err compare_event(void *context, struct place place, const struct event *event)
{
    struct rejudge *rejudge = context;
    struct alerts after;
    struct alerts before;
    struct tally *tally;
    arena_reset(rejudge->turn);
    enum err err = event_judge(rejudge, &rejudge->benches[0], place, event, &after);
    err = err == OK ? event_judge(rejudge, &rejudge->benches[1], place, event, &before) : err;
    for (size_t i = 0; err == OK && i < after.count; i++) {
        err = tally_of(rejudge, &after.list[i], &tally);
        if (err == OK) {
            tally->after++;
        }
        if (err == OK && !alerts_have(&before, after.list[i].rule_id)) {
            example_keep(tally->examples_added, tally->added++, place);
        }
    }
    for (size_t i = 0; err == OK && i < before.count; i++) {
        err = tally_of(rejudge, &before.list[i], &tally);
        if (err == OK) {
            tally->before++;
        }
        if (err == OK && !alerts_have(&after, before.list[i].rule_id)) {
            example_keep(tally->examples_removed, tally->removed++, place);
        }
    }
    rejudge->events++;
    return err;
}

static enum err examples_print(struct buf *out, const char *name, const uint64_t *list,
                               uint64_t count)
{
    enum err err = buf_print(out, ",\"%s\":[", name);
    for (uint64_t i = 0; i < count && i < EXAMPLES && err == OK; i++) {
        err = buf_print(out, "%s%llu", i > 0 ? "," : "", (unsigned long long)list[i]);
    }
    return err == OK ? buf_append_byte(out, ']') : err;
}

static enum err tally_print(struct rejudge *rejudge, const struct tally *tally)
{
    struct buf *out = &rejudge->out;
    if (rejudge->reading->format != FORMAT_NDJSON) {
        enum err err = buf_print(out, "%8llu -> %-8llu  +%-6llu -%-6llu  %-13s  ",
                                 (unsigned long long)tally->before,
                                 (unsigned long long)tally->after, (unsigned long long)tally->added,
                                 (unsigned long long)tally->removed, level_text(tally->level));
        err = err == OK ? visible_append(out, tally->title) : err;
        err = err == OK ? buf_append(out, STR("  ")) : err;
        err = err == OK ? visible_append(out, tally->id) : err;
        return err == OK ? buf_append_byte(out, '\n') : err;
    }
    enum err err = json_part(out, "{\"rule\":{\"id\":", tally->id);
    err = err == OK ? json_part(out, ",\"title\":", tally->title) : err;
    err = err == OK ? buf_print(out,
                                ",\"level\":\"%s\"},\"before\":%llu,\"after\":%llu,\"added\":%llu,"
                                "\"removed\":%llu",
                                level_text(tally->level), (unsigned long long)tally->before,
                                (unsigned long long)tally->after, (unsigned long long)tally->added,
                                (unsigned long long)tally->removed)
                    : err;
    err = err == OK ? examples_print(out, "added_at", tally->examples_added, tally->added) : err;
    err = err == OK ? examples_print(out, "removed_at", tally->examples_removed, tally->removed)
                    : err;
    return err == OK ? buf_append(out, STR("}\n")) : err;
}

/* What changed most comes first. */
static int tally_compare(const void *a, const void *b)
{
    const struct tally *first = a;
    const struct tally *second = b;
    uint64_t x = first->added + first->removed;
    uint64_t y = second->added + second->removed;
    if (x != y) {
        return x > y ? -1 : 1;
    }
    return str_compare(first->id, second->id);
}

static enum err comparison_print(struct rejudge *rejudge)
{
    size_t count = rejudge->tallies.size / sizeof(struct tally);
    struct tally *list = (struct tally *)(void *)rejudge->tallies.data;
    uint64_t added = 0;
    uint64_t removed = 0;
    enum err err = OK;
    if (count > 0) {
        qsort(list, count, sizeof *list, tally_compare);
    }
    for (size_t i = 0; i < count && err == OK; i++) {
        added += list[i].added;
        removed += list[i].removed;
        if (list[i].added + list[i].removed > 0) {
            err = tally_print(rejudge, &list[i]);
        }
    }
    if (err == OK && rejudge->reading->format != FORMAT_NDJSON) {
        err = buf_print(&rejudge->out, "%llu events: %llu alerts would be added, %llu removed\n",
                        (unsigned long long)rejudge->events, (unsigned long long)added,
                        (unsigned long long)removed);
    }
    return err == OK ? flush(rejudge, 0) : err;
}

enum err rejudge_compare(const struct reading *reading, struct str rules, struct why *why)
{
    struct rejudge rejudge;
    enum err err = rejudge_init(&rejudge, reading, rules);
    err = err == OK && rejudge.count != 2 ? ERR_CORRUPT : err;
    err = err == OK ? events_walk(&rejudge, compare_event, why) : err;
    err = err == OK ? comparison_print(&rejudge) : err;
    rejudge_done(&rejudge);
    return err;
}
