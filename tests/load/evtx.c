/*
 * How fast event logs are read: evtx [RUNS [STAGE]], with the test data in HINOMI_TEST_DATA.
 *
 * Every chunk of every EVTX file there lies in memory, one behind the other.  Each stage goes RUNS
 * times over all of them on one pinned core; of its CPU times the median counts.  Bytes are always
 * those of the chunks.
 *
 *     copy    memcpy of the chunks into a window larger than the caches
 *     json    the records as JSON (evtx_chunk)
 *     tokens  the yardstick (yardstick.h) over that JSON, which was made before
 *     parse   the records as JSON, parsed into batches, every batch checked
 *     match   the same, and every batch judged by all rules
 *
 * The benchmark fails if a stage is slower than its goal.  Goals are megabytes a second, as those
 * who wait for a scan count them, and hold for the machine at hand; the ratio to the copy beside
 * each is what can be compared with another machine's.
 *
 * Always true: what is parsed and judged was decoded in the same pass; a pass of `match` has a
 * judge of its own.
 */

#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "codec/evtx.h"
#include "detect/detect.h"
#include "event/builder.h"
#include "parse/parse.h"
#include "tests/load/corpus.h"
#include "tests/load/yardstick.h"

#define RUNS_MAX        99
#define RUNS_DEFAULT    5
#define PASSES          4                        /* over all chunks, for one figure */
#define WINDOW_SIZE     ((size_t)64 << 20)       /* of the copy */
#define BATCH_BYTES     ((size_t)POST_PART_SIZE) /* of records, as the service has them */
#define TURN_MEMORY_MAX ((size_t)1 << 30)
#define CHUNKS_MAX      100000
#define RECEIVED        ((struct wall){1789000000 * NS_PER_SECOND})

enum stage { COPY, JSON, TOKENS, PARSE, MATCH, STAGE_COUNT };
static const char *const stage_names[] = {"copy", "json", "tokens", "parse", "match"};
static const double goals[] = {0, 150, 0, 0, 100}; /* MB/s */

struct bench {
    struct str *chunks;
    size_t chunks_count, bytes;
    struct buf lines_text; /* the JSON of all records, for the yardstick */
    struct str *lines;
    size_t lines_count;
    struct evtx *evtx;
    const struct ruleset *ruleset;
    const struct parser *parser;
    struct builder *builder;
    struct arena *turn;
    struct judge *judge; /* of the pass */
    size_t begun;        /* bytes in the batch at hand */
    char *window;
    size_t records, json, damaged, alerts; /* of the pass */
};

static struct bench bench;
static struct buf bundle;

static void must(enum err err, const char *what)
{
    if (err != OK) {
        give_up(err_text(err), what);
    }
}

static double cpu_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- The stages. */

static void batch_end(void)
{
    struct str bytes;
    struct batch batch;
    struct verdicts verdicts;
    if (bench.begun == 0) {
        return;
    }
    must(builder_finish(bench.builder, &bytes), "builder_finish");
    must(batch_check(bytes, bench.turn, &batch, NULL), "batch_check");
    if (bench.judge != NULL) {
        must(judge_batch(bench.judge, &batch, bench.turn, &verdicts), "judge_batch");
        bench.alerts += verdicts.alerts.count;
    }
    arena_reset(bench.turn);
    builder_reset(bench.builder);
    bench.begun = 0;
}

static enum err record_count(void *context, const struct evtx_record *record)
{
    (void)context;
    bench.records++;
    bench.json += record->json.size;
    return OK;
}

static enum err record_parse(void *context, const struct evtx_record *record)
{
    const struct parse_context parse = {.received = RECEIVED};
    if (bench.begun + record->json.size > BATCH_BYTES ||
        builder_events(bench.builder) == EVENTS_PER_BATCH_MAX) {
        batch_end();
    }
    enum err err = builder_begin(bench.builder, record->json, RECEIVED);
    if (err == OK) {
        parse_record(bench.parser, &parse, bench.builder);
        err = builder_end(bench.builder);
    }
    bench.begun += record->json.size;
    return err == OK ? record_count(context, record) : err;
}

static enum err record_keep(void *context, const struct evtx_record *record)
{
    must(buf_append(&bench.lines_text, record->json), "the JSON of all records");
    bench.lines[bench.lines_count++].size = record->json.size;
    return record_count(context, record);
}

static void chunks_pass(evtx_call *call)
{
    bench.records = bench.json = bench.damaged = bench.alerts = 0;
    for (size_t i = 0; i < bench.chunks_count; i++) {
        struct evtx_damage damage;
        must(evtx_chunk(bench.evtx, bench.chunks[i], call, NULL, &damage), "evtx_chunk");
        bench.damaged += damage.count;
    }
}

static double stage_pass(enum stage stage)
{
    if (stage == MATCH) {
        must(judge_new(bench.ruleset, &bench.judge), "judge_new");
    }
    double before = cpu_seconds();
    switch (stage) {
    case COPY:
        (void)yardstick_memcpy(bench.chunks, bench.chunks_count, bench.window, WINDOW_SIZE);
        break;
    case JSON:
        chunks_pass(record_count);
        break;
    case TOKENS:
        if (yardstick_tokens(bench.lines, bench.lines_count) == 0) {
            give_up("a record is not a JSON object", "evtx");
        }
        break;
    default:
        chunks_pass(record_parse);
        batch_end();
        break;
    }
    double seconds = cpu_seconds() - before;
    judge_free(bench.judge);
    bench.judge = NULL;
    return seconds;
}

/* ---- The figures. */

static int seconds_compare(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;
    return (*left > *right) - (*left < *right);
}

/* Measures all stages, or one; false if a goal is missed. */
static bool stages_measure(int runs, const char *only)
{
    static double seconds[STAGE_COUNT][RUNS_MAX];
    double rates[STAGE_COUNT] = {0};
    bool kept = true;
    for (int run = 0; run < runs; run++) {
        for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
            for (int pass = 0; pass < PASSES; pass++) {
                bool wanted = only == NULL || strcmp(only, stage_names[stage]) == 0;
                seconds[stage][run] += wanted ? stage_pass(stage) : 0;
            }
        }
    }
    printf("%zu chunks, %.0f MB; %zu records, %.0f MB of JSON; %zu damages\n", bench.chunks_count,
           (double)bench.bytes / 1e6, bench.records, (double)bench.json / 1e6, bench.damaged);
    for (enum stage stage = 0; stage < STAGE_COUNT; stage++) {
        qsort(seconds[stage], (size_t)runs, sizeof seconds[stage][0], seconds_compare);
        double median = seconds[stage][runs / 2] / PASSES;
        if (median > 0) {
            rates[stage] = (double)bench.bytes / 1e6 / median;
            printf("%-6s %7.0f MB/s, %6.1f copies, %5.2f yardsticks", stage_names[stage],
                   rates[stage], rates[COPY] / rates[stage], rates[TOKENS] / rates[stage]);
            bool good = rates[stage] >= goals[stage];
            if (goals[stage] > 0) {
                printf(" (at least %.0f MB/s): %s", goals[stage], good ? "kept" : "MISSED");
            }
            printf("\n");
            kept = kept && good;
        }
    }
    printf("%zu alerts\n", bench.alerts);
    return kept;
}

/* ---- Beginning. */

static char *file_read(const char *path, size_t size)
{
    char *text = malloc(size + 1);
    FILE *file = fopen(path, "rb");
    if (text == NULL || file == NULL || fread(text, 1, size, file) != size) {
        give_up("cannot be read", path);
    }
    (void)fclose(file);
    return text;
}

/* Chunks lie where their file was read, which ends with the process. */
static int log_take(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)walk;
    if (kind != FTW_F || !str_ends(str_from(path), STR(".evtx"))) {
        return 0;
    }
    size_t size = (size_t)status->st_size;
    struct str rest = str_of(file_read(path, size), size);
    while (evtx_find(rest) != STR_NONE && bench.chunks_count < CHUNKS_MAX) {
        rest = str_slice(rest, evtx_find(rest), SIZE_MAX);
        struct str chunk = str_slice(rest, 0, EVTX_CHUNK_SIZE);
        bench.chunks[bench.chunks_count++] = chunk;
        bench.bytes += chunk.size;
        rest = str_slice(rest, EVTX_CHUNK_SIZE, SIZE_MAX);
    }
    return 0;
}

static int rule_pack(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)walk;
    if (kind == FTW_F && str_ends(str_from(path), STR(".yml"))) {
        size_t size = (size_t)status->st_size;
        char *text = file_read(path, size);
        must(ruleset_pack(&bundle, str_from(path), str_of(text, size)), path);
        free(text);
    }
    return 0;
}

static struct ruleset *rules_load(const char *data)
{
    static const char *const folders[] = {"rules", "rules-compliance", "rules-emerging-threats",
                                          "rules-placeholder", "rules-threat-hunting"};
    struct ruleset *ruleset;
    struct ruleset_report report;
    struct why why = {0};
    struct arena *mem = arena_new(TURN_MEMORY_MAX);
    buf_init(&bundle, RULES_SIZE_MAX);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/sigma/%s", data, folders[i]);
        if (nftw(path, rule_pack, 16, FTW_PHYS) != 0) {
            give_up("cannot be read", path);
        }
    }
    if (mem == NULL || ruleset_load(buf_str(&bundle), mem, &ruleset, &report, &why) != OK) {
        give_up("cannot be loaded", "the rules");
    }
    printf("%zu rules of %zu loaded\n", report.loaded, report.rules);
    buf_done(&bundle);
    arena_free(mem);
    return ruleset;
}

/* The JSON of all records, as lines for the yardstick. */
static void lines_make(void)
{
    char *padding;
    buf_init(&bench.lines_text, (size_t)1 << 30);
    chunks_pass(record_count);
    bench.lines = calloc(bench.records, sizeof *bench.lines);
    if (bench.lines == NULL) {
        give_up("out of memory", "evtx");
    }
    chunks_pass(record_keep);
    must(buf_extend(&bench.lines_text, YARDSTICK_PADDING, &padding), "the JSON of all records");
    memset(padding, 0, YARDSTICK_PADDING);
    const char *at = bench.lines_text.data;
    for (size_t i = 0; i < bench.lines_count; i++) {
        bench.lines[i].data = at;
        at += bench.lines[i].size;
    }
}

static void core_pin(void)
{
    cpu_set_t all;
    cpu_set_t one;
    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof all, &all) != 0) {
        return;
    }
    for (size_t core = CPU_SETSIZE; core-- > 0;) {
        if (CPU_ISSET(core, &all)) {
            CPU_SET(core, &one);
            (void)sched_setaffinity(0, sizeof one, &one);
            return;
        }
    }
}

int main(int argc, char **argv)
{
    uint64_t runs = RUNS_DEFAULT;
    const char *data = getenv("HINOMI_TEST_DATA");
    if (data == NULL) {
        printf("skipped: no test data (HINOMI_TEST_DATA)\n");
        return 77;
    }
    if ((argc > 1 && str_to_u64(str_from(argv[1]), RUNS_MAX, &runs) != OK) || runs == 0) {
        (void)fprintf(stderr, "evtx [RUNS [STAGE]]\n");
        return 2;
    }
    core_pin();
    bench.chunks = calloc(CHUNKS_MAX, sizeof *bench.chunks);
    bench.window = calloc(1, WINDOW_SIZE);
    bench.evtx = evtx_new();
    bench.builder = builder_new(CLIENT_INSTALLATION, (struct source_id){0});
    bench.turn = arena_new(TURN_MEMORY_MAX);
    if (bench.chunks == NULL || bench.window == NULL || bench.evtx == NULL ||
        bench.builder == NULL || bench.turn == NULL) {
        give_up("out of memory", "evtx");
    }
    if (nftw(data, log_take, 16, FTW_PHYS) != 0 || bench.chunks_count == 0) {
        give_up("has no event logs", data);
    }
    must(parser_find(STR("json"), &bench.parser), "parser_find");
    lines_make();
    struct ruleset *ruleset = rules_load(data);
    bench.ruleset = ruleset;
    bool kept = stages_measure((int)runs, argc > 2 ? argv[2] : NULL);
    buf_done(&bench.lines_text);
    free(bench.lines);
    free(bench.chunks);
    free(bench.window);
    evtx_free(bench.evtx);
    builder_free(bench.builder);
    arena_free(bench.turn);
    ruleset_free(ruleset);
    return kept ? 0 : 1;
}
