#pragma once

/* What the files of `hinomi scan` share. */

#include "cmd/options.h"
#include "replay/replay.h"

/* ---- scan_rules.c: the rules of a command line, from the cache if they are there. */

struct scan_rules {
    struct option_texts folders, pipelines;
    bool no_cache;
    /* Made by scan_rules_load. */
    struct ruleset *ruleset;
    size_t loaded; /* that run */
    size_t wrong;  /* files and rules that could not be read */
    bool cached;   /* they came from the cache */
};
/* Says on standard error what cannot run, and why; false if nothing can. */
bool scan_rules_load(struct scan_rules *rules);

/* ---- scan_progress.c: a line for a person who waits, on standard error. */

void scan_progress(const struct replay_stats *stats); /* nothing, unless that is a terminal */
void scan_progress_clear(void);                       /* before anything else is written there */
