#pragma once

/*
 * What the benchmarks share: events that go through parse and match, and the CPU time it takes.
 *
 *     passes_init → passes_run … → passes_done
 *     rules_read → rules_load → rules_done
 */

#include "detect/detect.h"
#include "tests/load/corpus.h"

struct passes {
    const struct parser *parser;
    struct builder *builder;
    struct arena *turn;
    struct judge *judge; /* of the pass */
    const struct corpus *warm;
    size_t alerts; /* of the last pass */
};

/* warm: a judge sees its beginning before it is measured. */
void passes_init(struct passes *passes, const struct corpus *warm);
void passes_done(struct passes *passes);
/* CPU seconds of one pass; without rules the events are parsed only. */
double passes_run(struct passes *passes, const struct corpus *corpus,
                  const struct ruleset *ruleset);

/* Rule texts, one of each file. */
struct rule_texts {
    struct rule_text {
        struct str path, text;
    } * list;
    size_t count;
};

/* Every .yml and .yaml file below a folder, in the order of their paths. */
void rules_read(const char *folder, struct rule_texts *ret);
void rules_done(struct rule_texts *rules);
/* Compiles them; what loads is in the summary that ruleset_rules gives. */
struct ruleset *rules_load(const struct rule_texts *rules, struct ruleset_report *ret_report);

double cpu_seconds(void);
int seconds_compare(const void *a, const void *b); /* for qsort */
void core_pin(void);
void must(enum err err, const char *what); /* ends the program unless OK */
