/*
 * How fast events are parsed and judged, as a ratio to what the machine does with the same bytes.
 *
 *     speed EVENTS RULES [RUNS [CORPUS [STAGE]]]
 *
 * EVENTS is a folder of JSON lines, RULES a folder of Sigma rules.  Each corpus goes RUNS times, in
 * turn, through every stage on one pinned core; of the CPU times of a stage the median counts.
 *
 *     copy    memcpy, a line at a time, into a window larger than the caches
 *     tokens  the yardstick (yardstick.h)
 *     parse   records into batches, every batch checked
 *     match   the same, and every batch judged by all rules
 *
 * The benchmark fails if the yardstick is slow against memcpy, so that the ratios would flatter, or
 * if a ratio is above its goal.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/load/passes.h"
#include "tests/load/yardstick.h"

#define RUNS_MAX       99
#define RUNS_DEFAULT   5
#define PER_KIND       5000               /* of H: as many of its events as of the trial's */
#define PASS_BYTES_MIN ((size_t)50 << 20) /* a smaller corpus is passed several times */
#define WINDOW_SIZE    ((size_t)64 << 20) /* of the copy */
#define TOKENS_MIN     0.3                /* of the copy's bytes a second */

enum stage { COPY, TOKENS, PARSE, MATCH, STAGE_COUNT };
static const char *const stage_names[] = {"copy", "tokens", "parse", "match"};

struct bench {
    const struct ruleset *ruleset;
    struct passes passes;
    char *window;
    volatile size_t sum; /* so that no pass is thought useless */
};

/* ---- The stages. */

static double stage_run(struct bench *bench, const struct corpus *corpus, enum stage stage)
{
    if (stage == PARSE || stage == MATCH) {
        return passes_run(&bench->passes, corpus, stage == MATCH ? bench->ruleset : NULL);
    }
    double before = cpu_seconds();
    size_t sum = stage == COPY
                     ? yardstick_memcpy(corpus->lines, corpus->count, bench->window, WINDOW_SIZE)
                     : yardstick_tokens(corpus->lines, corpus->count);
    double seconds = cpu_seconds() - before;
    if (sum == 0) {
        give_up("a line is not a JSON object", corpus->name);
    }
    bench->sum += sum;
    return seconds;
}

/* ---- The figures. */

static bool stage_wanted(const char *only, enum stage stage)
{
    return only == NULL || strcmp(only, stage_names[stage]) == 0;
}

/* Measures one corpus; false if a goal is missed. */
static bool corpus_measure(struct bench *bench, const struct corpus *corpus, int runs, double goal,
                           const char *only)
{
    double seconds[STAGE_COUNT][RUNS_MAX] = {{0}};
    double median[STAGE_COUNT];
    size_t passes = 1 + PASS_BYTES_MIN / (corpus->bytes + 1);
    for (int run = 0; run < runs; run++) {
        for (size_t pass = 0; pass < passes; pass++) {
            for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
                seconds[stage][run] +=
                    stage_wanted(only, stage) ? stage_run(bench, corpus, stage) : 0;
            }
        }
    }
    printf("%-2s %7zu events %5.0f MB", corpus->name, corpus->count, (double)corpus->bytes / 1e6);
    for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
        qsort(seconds[stage], (size_t)runs, sizeof seconds[stage][0], seconds_compare);
        median[stage] = seconds[stage][runs / 2] / (double)passes;
        if (stage_wanted(only, stage)) {
            printf("  %s %.2f GB/s", stage_names[stage],
                   (double)corpus->bytes / 1e9 / median[stage]);
        }
    }
    if (only != NULL) {
        printf("\n");
        return true;
    }
    double tokens = median[COPY] / median[TOKENS];
    double match = median[MATCH] / median[TOKENS];
    printf("\n   yardstick %.2f of memcpy (at least %.1f); parse %.2f yardsticks; parse and match "
           "%.2f "
           "(at most %.0f): %s\n   %.0f k events/s parsed, %.0f k judged, %zu alerts\n",
           tokens, TOKENS_MIN, median[PARSE] / median[TOKENS], match, goal,
           match <= goal && tokens >= TOKENS_MIN ? "kept" : "MISSED",
           (double)corpus->count / median[PARSE] / 1e3, (double)corpus->count / median[MATCH] / 1e3,
           bench->passes.alerts);
    (void)fflush(stdout);
    return match <= goal && tokens >= TOKENS_MIN;
}

int main(int argc, char **argv)
{
    uint64_t runs = RUNS_DEFAULT;
    if (argc < 3 || (argc > 3 && str_to_u64(str_from(argv[3]), RUNS_MAX, &runs) != OK) ||
        runs == 0) {
        (void)fprintf(stderr, "speed EVENTS RULES [RUNS [CORPUS [STAGE]]]\n");
        return 2;
    }
    struct corpus corpora[3];
    static const double goals[] = {9, 13, 20};
    const char *corpus = argc > 4 ? argv[4] : NULL;
    core_pin();
    corpus_read(argv[1], &corpora[0]);
    corpus_shuffled(&corpora[0], PER_KIND, &corpora[1]);
    corpus_creations(&corpora[0], &corpora[2]);
    struct rule_texts rules;
    struct ruleset_report report;
    rules_read(argv[2], &rules);
    double before = cpu_seconds();
    struct ruleset *ruleset = rules_load(&rules, &report);
    printf("%zu rules of %zu loaded in %.2f s\n", report.loaded, report.rules,
           cpu_seconds() - before);
    struct bench bench = {.ruleset = ruleset, .window = calloc(1, WINDOW_SIZE)};
    passes_init(&bench.passes, &corpora[0]);
    if (bench.window == NULL) {
        give_up("out of memory", "speed");
    }
    bool kept = true;
    for (size_t i = 0; i < 3; i++) {
        if (corpus == NULL || strcmp(corpus, corpora[i].name) == 0) {
            kept &=
                corpus_measure(&bench, &corpora[i], (int)runs, goals[i], argc > 5 ? argv[5] : NULL);
        }
    }
    for (size_t i = 0; i < 3; i++) {
        corpus_done(&corpora[i]);
    }
    free(bench.window);
    passes_done(&bench.passes);
    rules_done(&rules);
    ruleset_free(ruleset);
    return kept ? 0 : 1;
}
