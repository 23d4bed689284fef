#pragma once

/*
 * The events that are measured, as lines in memory, one behind the other as in a file:
 *
 *     corpus_read → corpus_shuffled, corpus_creations → corpus_done
 */

#include <stddef.h>

#include "base/str.h"

struct corpus {
    const char *name;
    char *text; /* all lines, YARDSTICK_PADDING bytes behind them */
    struct str *lines;
    size_t count;
    size_t bytes; /* of all lines, without their ends */
};

/* Each non-empty line of every file of a folder, in the order of their names.  Ends the program
 * with a sentence if there are none. */
void corpus_read(const char *folder, struct corpus *ret);
/* Events of every kind (Channel and EventID), at most `per_kind` of each, shuffled. */
void corpus_shuffled(const struct corpus *all, size_t per_kind, struct corpus *ret);
/* Process creations alone: Sysmon's 1 and Security's 4688. */
void corpus_creations(const struct corpus *all, struct corpus *ret);
void corpus_done(struct corpus *corpus);

/* Ends the program. */
__attribute__((noreturn)) void give_up(const char *what, const char *name);
