/*
 * What rules cost: to load them, and all of them against a hundred.
 *
 *     growth EVENTS RULES
 *
 * Loading is measured as it is done first, compiled from their texts, and as it is done from then
 * on, read back from the cache's bytes.
 *
 * Ten draws of DRAWN rules, from seeds 1 to 10, each class (category, product, service) with its
 * share: the rules lie sorted by class, and a draw takes one of each stretch of as many as there
 * are rules for one drawn.  Told is how many times longer an event takes through parse and match
 * with all rules than with a draw, the median of the draws; and the same of match alone, which has
 * no goal.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "tests/load/passes.h"

#define DRAWS      10
#define DRAWN      100
#define RUNS       3
#define PER_KIND   5000
#define GROWTH_MAX 3.0
#define COLD_MAX   2.0
#define CACHED_MAX 0.1
#define MEMORY_MAX ((size_t)4 << 30)

struct placed {
    char class[256];
    size_t index; /* in the texts */
};

static int placed_compare(const void *a, const void *b)
{
    const struct placed *left = a;
    const struct placed *right = b;
    int order = strcmp(left->class, right->class);
    return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

/* The rules that load, by class. */
static size_t rules_place(const struct ruleset *ruleset, const struct rule_texts *rules,
                          struct placed *ret)
{
    struct map paths;
    size_t count = 0;
    map_init(&paths, rules->count, 0);
    for (size_t i = 0; i < rules->count; i++) {
        must(map_put(&paths, rules->list[i].path, i), "rules");
    }
    for (size_t i = 0; i < ruleset_rules(ruleset); i++) {
        struct rule_summary summary;
        uint64_t index;
        ruleset_rule(ruleset, i, &summary);
        if (map_get(&paths, summary.file, &index)) {
            (void)snprintf(ret[count].class, sizeof ret[count].class, "%.*s/%.*s/%.*s",
                           STR_ARG(summary.category), STR_ARG(summary.product),
                           STR_ARG(summary.service));
            ret[count++].index = (size_t)index;
        }
    }
    map_done(&paths);
    qsort(ret, count, sizeof *ret, placed_compare);
    return count;
}

static struct ruleset *rules_draw(const struct rule_texts *rules, const struct placed *placed,
                                  size_t count, uint64_t seed)
{
    struct rule_text list[DRAWN];
    struct ruleset_report report;
    uint64_t random = seed * 0x9e3779b97f4a7c15ULL;
    for (size_t i = 0; i < DRAWN; i++) {
        size_t begin = i * count / DRAWN;
        size_t end = (i + 1) * count / DRAWN;
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        list[i] = rules->list[placed[begin + random % (end - begin)].index];
    }
    return rules_load(&(struct rule_texts){list, DRAWN}, &report);
}

/* The median of some passes. */
static double pass_seconds(struct passes *passes, const struct corpus *corpus,
                           const struct ruleset *ruleset)
{
    double seconds[RUNS];
    for (size_t i = 0; i < RUNS; i++) {
        seconds[i] = passes_run(passes, corpus, ruleset);
    }
    qsort(seconds, RUNS, sizeof *seconds, seconds_compare);
    return seconds[RUNS / 2];
}

static bool corpus_measure(struct passes *passes, const struct corpus *corpus,
                           const struct ruleset *all, const struct rule_texts *rules,
                           const struct placed *placed, size_t count)
{
    double whole[DRAWS];
    double match[DRAWS];
    for (uint64_t draw = 0; draw < DRAWS; draw++) {
        struct ruleset *few = rules_draw(rules, placed, count, draw + 1);
        double parse_seconds = pass_seconds(passes, corpus, NULL);
        double few_seconds = pass_seconds(passes, corpus, few);
        double all_seconds = pass_seconds(passes, corpus, all);
        whole[draw] = all_seconds / few_seconds;
        match[draw] = (all_seconds - parse_seconds) / (few_seconds - parse_seconds);
        ruleset_free(few);
    }
    qsort(whole, DRAWS, sizeof *whole, seconds_compare);
    qsort(match, DRAWS, sizeof *match, seconds_compare);
    double median = (whole[DRAWS / 2 - 1] + whole[DRAWS / 2]) / 2;
    printf(
        "%-2s %zu rules cost %.2f times what %d cost (%.2f to %.2f; at most %.0f): %s; match alone "
        "%.2f times\n",
        corpus->name, count, median, DRAWN, whole[0], whole[DRAWS - 1], GROWTH_MAX,
        median <= GROWTH_MAX ? "kept" : "MISSED", (match[DRAWS / 2 - 1] + match[DRAWS / 2]) / 2);
    (void)fflush(stdout);
    return median <= GROWTH_MAX;
}

/* Says what loading took, the first time and from the cache; false if a goal is missed. */
static bool loading_measure(const struct ruleset *ruleset, double cold)
{
    struct buf bytes;
    struct ruleset *again;
    struct ruleset_report report;
    struct why why = {0};
    struct arena *mem = arena_new(MEMORY_MAX);
    buf_init(&bytes, MEMORY_MAX);
    if (mem == NULL) {
        give_up("out of memory", "the cache");
    }
    must(ruleset_encode(ruleset, &bytes), "ruleset_encode");
    double before = cpu_seconds();
    must(ruleset_decode(buf_str(&bytes), mem, &again, &report, &why), "ruleset_decode");
    double cached = cpu_seconds() - before;
    bool kept = cold <= COLD_MAX && cached <= CACHED_MAX;
    printf("compiled in %.2f s (at most %.0f), read back in %.3f s (at most %.1f): %s\n", cold,
           COLD_MAX, cached, CACHED_MAX, kept ? "kept" : "MISSED");
    (void)fflush(stdout);
    ruleset_free(again);
    buf_done(&bytes);
    arena_free(mem);
    return kept;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        (void)fprintf(stderr, "growth EVENTS RULES\n");
        return 2;
    }
    struct corpus all;
    struct corpus shuffled;
    struct rule_texts rules;
    struct ruleset_report report;
    struct passes passes;
    core_pin();
    corpus_read(argv[1], &all);
    corpus_shuffled(&all, PER_KIND, &shuffled);
    rules_read(argv[2], &rules);
    double before = cpu_seconds();
    struct ruleset *ruleset = rules_load(&rules, &report);
    bool kept = loading_measure(ruleset, cpu_seconds() - before);
    struct placed *placed = calloc(rules.count, sizeof *placed);
    if (placed == NULL) {
        give_up("out of memory", "growth");
    }
    size_t count = rules_place(ruleset, &rules, placed);
    if (count < DRAWN) {
        give_up("too few rules to draw from", argv[2]);
    }
    passes_init(&passes, &all);
    kept &= corpus_measure(&passes, &all, ruleset, &rules, placed, count);
    kept &= corpus_measure(&passes, &shuffled, ruleset, &rules, placed, count);
    passes_done(&passes);
    free(placed);
    ruleset_free(ruleset);
    rules_done(&rules);
    corpus_done(&shuffled);
    corpus_done(&all);
    return kept ? 0 : 1;
}
