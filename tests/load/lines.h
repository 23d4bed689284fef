#pragma once

/* JSON lines into batches, as front parses them: for benchmarks of the archive. */

#include <time.h>

#include "event/builder.h"

_Noreturn void give_up(const char *what, enum err err);
void must(enum err err, const char *what);
double seconds(clockid_t clock);

/* A builder with a batch of lines in it, which the callee finishes and resets. */
typedef void lines_call(void *context, struct builder *builder);
/* How many bytes all lines have. */
uint64_t lines_read(const char *path, lines_call *call, void *context);
