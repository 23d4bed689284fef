/*
 * Passes of events through parse and match.
 *
 * Always true: a pass has a judge of its own that has never seen the corpus, so nothing that is
 * remembered from one pass helps the next; WARM events of another beginning have touched its
 * memory. A batch holds as many bytes of records as the service's own.
 */

#include "tests/load/passes.h"

#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "event/builder.h"
#include "parse/parse.h"

#define BATCH_BYTES     ((size_t)POST_PART_SIZE)
#define TURN_MEMORY_MAX ((size_t)1 << 30)
#define WARM            1000
#define RECEIVED        ((struct wall){1789000000 * NS_PER_SECOND})

static struct rule_texts gathered; /* nftw has no context */

void must(enum err err, const char *what)
{
    if (err != OK) {
        give_up(err_text(err), what);
    }
}

double cpu_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int seconds_compare(const void *a, const void *b)
{
    const double *left = a;
    const double *right = b;
    return (*left > *right) - (*left < *right);
}

void core_pin(void)
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

/* ---- Passes. */

void passes_init(struct passes *passes, const struct corpus *warm)
{
    *passes = (struct passes){.warm = warm};
    passes->builder = builder_new(CLIENT_INSTALLATION, (struct source_id){0});
    passes->turn = arena_new(TURN_MEMORY_MAX);
    if (passes->builder == NULL || passes->turn == NULL) {
        give_up("out of memory", "passes");
    }
    must(parser_find(STR("auto"), &passes->parser), "parser_find");
}

void passes_done(struct passes *passes)
{
    arena_free(passes->turn);
    builder_free(passes->builder);
}

static void batch_end(struct passes *passes)
{
    struct str bytes;
    struct batch batch;
    struct verdicts verdicts;
    must(builder_finish(passes->builder, &bytes), "builder_finish");
    must(batch_check(bytes, passes->turn, &batch, NULL), "batch_check");
    if (passes->judge != NULL) {
        must(judge_batch(passes->judge, &batch, passes->turn, &verdicts), "judge_batch");
        passes->alerts += verdicts.alerts.count;
    }
    arena_reset(passes->turn);
    builder_reset(passes->builder);
}

static void events_pass(struct passes *passes, const struct str *lines, size_t count)
{
    const struct parse_context context = {.received = RECEIVED};
    size_t begun = 0;
    for (size_t i = 0; i < count; i++) {
        if (begun > 0 && (begun + lines[i].size > BATCH_BYTES ||
                          builder_events(passes->builder) == EVENTS_PER_BATCH_MAX)) {
            batch_end(passes);
            begun = 0;
        }
        must(builder_begin(passes->builder, lines[i], RECEIVED), "builder_begin");
        parse_record(passes->parser, &context, passes->builder);
        must(builder_end(passes->builder), "builder_end");
        begun += lines[i].size;
    }
    batch_end(passes);
}

double passes_run(struct passes *passes, const struct corpus *corpus, const struct ruleset *ruleset)
{
    if (ruleset != NULL) {
        const struct corpus *warm = passes->warm;
        must(judge_new(ruleset, &passes->judge), "judge_new");
        events_pass(passes, warm->lines, warm->count < WARM ? warm->count : WARM);
    }
    passes->alerts = 0;
    double before = cpu_seconds();
    events_pass(passes, corpus->lines, corpus->count);
    double seconds = cpu_seconds() - before;
    judge_free(passes->judge);
    passes->judge = NULL;
    return seconds;
}

/* ---- Rules. */

static int rule_gather(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)walk;
    struct str name = str_from(path);
    if (kind != FTW_F || (!str_ends(name, STR(".yml")) && !str_ends(name, STR(".yaml")))) {
        return 0;
    }
    size_t size = (size_t)status->st_size;
    char *text = malloc(size + 1);
    FILE *file = fopen(path, "rb");
    struct rule_text *list = realloc(gathered.list, (gathered.count + 1) * sizeof *gathered.list);
    if (text == NULL || list == NULL || file == NULL || fread(text, 1, size, file) != size) {
        give_up("cannot be read", path);
    }
    gathered.list = list;
    list[gathered.count++] = (struct rule_text){str_from(strdup(path)), str_of(text, size)};
    (void)fclose(file);
    return 0;
}

static int rule_compare(const void *a, const void *b)
{
    const struct rule_text *left = a;
    const struct rule_text *right = b;
    return str_compare(left->path, right->path);
}

void rules_read(const char *folder, struct rule_texts *ret)
{
    gathered = (struct rule_texts){0};
    if (nftw(folder, rule_gather, 16, FTW_PHYS) != 0 || gathered.count == 0) {
        give_up("no rules there", folder);
    }
    qsort(gathered.list, gathered.count, sizeof *gathered.list, rule_compare);
    *ret = gathered;
}

void rules_done(struct rule_texts *rules)
{
    for (size_t i = 0; i < rules->count; i++) {
        free((void *)(uintptr_t)rules->list[i].path.data);
        free((void *)(uintptr_t)rules->list[i].text.data);
    }
    free(rules->list);
    *rules = (struct rule_texts){0};
}

struct ruleset *rules_load(const struct rule_texts *rules, struct ruleset_report *ret_report)
{
    struct ruleset *ruleset;
    struct buf bundle;
    struct why why = {0};
    struct arena *mem = arena_new(TURN_MEMORY_MAX);
    buf_init(&bundle, RULES_SIZE_MAX);
    for (size_t i = 0; i < rules->count; i++) {
        must(ruleset_pack(&bundle, rules->list[i].path, rules->list[i].text), "ruleset_pack");
    }
    if (mem == NULL) {
        give_up("out of memory", "rules");
    }
    enum err err = ruleset_load(buf_str(&bundle), mem, &ruleset, ret_report, &why);
    if (err != OK) {
        give_up(why.text[0] != '\0' ? why.text : err_text(err), "rules");
    }
    ret_report->refused = (struct problems){0}; /* they die with mem */
    ret_report->needs_values = ret_report->refused;
    ret_report->unguarded = ret_report->refused;
    buf_done(&bundle);
    arena_free(mem);
    return ruleset;
}
