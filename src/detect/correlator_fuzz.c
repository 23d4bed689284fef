/* First byte 0: a correlation document, a NUL, and a schedule of sightings; what loads also reads
 * back from the cache's bytes.  Else: a correlator's state; what is accepted can be fed and written
 * again, and is then accepted once more. */

#include "detect/correlator.h"

#include <stdlib.h>

#include "base/limits.h"
#include "detect/correlator_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STATE_MEMORY 20000

static const char base[] =
    "title: a\nid: a\nname: a\nlogsource: {product: x}\ndetection: {s: {f: x}, condition: s}\n"
    "---\ntitle: b\nid: b\nlogsource: {product: x}\ndetection: {s: {f: y}, condition: s}\n";
static const char all[] =
    "title: n\nid: n\ncorrelation: {type: event_count, rules: [a, b], group-by: [g], "
    "timespan: 5s, condition: {gte: 2}}\n---\n"
    "title: v\nid: v\ncorrelation: {type: value_count, rules: [a], timespan: 9s, "
    "condition: {field: v, gte: 2}}\n---\n"
    "title: o\nid: o\ncorrelation: {type: temporal_ordered, rules: [n, b], timespan: 9s}\n---\n"
    "title: p\nid: p\ncorrelation: {type: value_percentile, rules: [a], timespan: 9s, "
    "condition: {field: v, percentile: 90, gte: 3}}\n---\n"
    "title: f\nid: f\ncorrelation: {type: hinomi_first_seen, rules: [a], timespan: 9s, "
    "condition: {field: v}}\n---\n"
    "title: r\nid: r\ncorrelation: {type: hinomi_rate, rules: [a], timespan: 90s, bucket: 5s, "
    "season: none, factor: 2, at-least: 2}\n";

static struct ruleset *load(struct str text, struct arena *mem)
{
    struct buf bundle;
    struct ruleset *ruleset = NULL;
    struct ruleset_report report;
    struct why why = {0};
    buf_init(&bundle, (size_t)RULES_SIZE_MAX);
    if (ruleset_pack(&bundle, STR("a.yml"), str_from(base)) == OK &&
        ruleset_pack(&bundle, STR("b.yml"), text) == OK &&
        ruleset_load(buf_str(&bundle), mem, &ruleset, &report, &why) == OK &&
        report.loaded != ruleset_rules(ruleset)) {
        abort();
    }
    buf_done(&bundle);
    return ruleset;
}

/* Four bytes a sighting: its rule, how time goes on, and values. */
static void schedule_feed(struct correlator *correlator, const struct ruleset *ruleset,
                          struct str bytes, struct arena *mem)
{
    struct correlator_stats stats;
    struct buf alerts;
    int64_t now = 1000000 * NS_PER_SECOND;
    buf_init(&alerts, (size_t)1 << 26);
    for (size_t at = 0; at + 4 <= bytes.size && at < 4000; at += 4) {
        const unsigned char *byte = (const unsigned char *)bytes.data + at;
        struct sighting sighting = {.place = {{1}, at}, .rule = byte[0] % 2u};
        const struct rule *rule = rule_at(ruleset, sighting.rule);
        struct buf values;
        char digit = (char)('0' + byte[3] % 10);
        now += (int64_t)byte[1] * (NS_PER_SECOND / 8);
        sighting.received.ns = now;
        sighting.at.ns = now - (int64_t)(byte[2] % 64) * NS_PER_SECOND * (byte[2] < 128 ? 1 : 100);
        buf_init(&values, (size_t)1 << 20);
        for (uint32_t i = 0; i < rule->asked_count; i++) {
            if (values_add(&values, byte[3] >= 250, str_of(&digit, 1)) != OK) {
                abort();
            }
        }
        sighting.values = buf_str(&values);
        if (correlator_feed(correlator, &sighting, mem, &alerts) != OK) {
            abort();
        }
        buf_done(&values);
    }
    correlator_stats(correlator, &stats);
    if (stats.groups > 1 && stats.size > 100 * STATE_MEMORY) {
        abort();
    }
    buf_done(&alerts);
}

static void document_try(struct str text, struct str schedule, struct arena *mem)
{
    struct ruleset *ruleset = load(text, mem);
    struct correlator *correlator;
    struct buf bytes;
    if (ruleset == NULL) {
        return;
    }
    buf_init(&bytes, (size_t)1 << 26);
    if (correlations_encode(ruleset, &bytes) != OK) {
        abort();
    }
    struct str rest = buf_str(&bytes);
    if (correlations_decode(&rest, ruleset) != OK || rest.size > 0) {
        abort();
    }
    if (correlator_new(ruleset, STATE_MEMORY, &correlator) == OK) {
        schedule_feed(correlator, ruleset, schedule, mem);
        correlator_free(correlator);
    }
    buf_done(&bytes);
    ruleset_free(ruleset);
}

static void state_try(struct str state, struct arena *mem)
{
    static const char schedule[] = "\0\1\0\1\1\1\0\1\0\1\2\2\1\1\200\3\0\10\0\1\0\1\0\1\0\1\0\4";
    struct ruleset *ruleset = load(str_from(all), mem);
    struct correlator *correlator;
    struct buf bytes;
    struct why why = {0};
    if (ruleset == NULL || correlator_new(ruleset, STATE_MEMORY, &correlator) != OK) {
        abort();
    }
    buf_init(&bytes, (size_t)1 << 28);
    if (correlator_decode(state, correlator, &why) == OK) {
        schedule_feed(correlator, ruleset, str_of(schedule, sizeof schedule), mem);
        if (correlator_encode(correlator, &bytes) != OK ||
            correlator_decode(buf_str(&bytes), correlator, &why) != OK) {
            abort();
        }
    }
    buf_done(&bytes);
    correlator_free(correlator);
    ruleset_free(ruleset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *mem = arena_new((size_t)1 << 28);
    if (mem != NULL && size > 1 && size < 65536) {
        struct str rest = str_of(data + 1, size - 1);
        if (data[0] == 0) {
            struct str text = str_cut(&rest, '\0');
            document_try(text, rest, mem);
        } else {
            state_try(rest, mem);
        }
    }
    arena_free(mem);
    return 0;
}
