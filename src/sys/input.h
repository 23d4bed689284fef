#pragma once

/*
 * What a command is given to read: files, folders, pipes, standard input.  Bytes come once, from
 * front to back.
 *
 *     input_walk: the files below a path, by name
 *     input_open → input_read … → input_close
 */

#include "base/str.h"
#include "base/why.h"

struct input;

/* Calls `visit` with each regular file at or below a path, in the order of names, folders among
 * them.  Links below the path are not followed, nor are pipes and devices touched; the path itself
 * may be anything ("-" is standard input).  Stops at visit's first error; what cannot be listed is
 * told to `complain`.  At most NESTING_MAX levels deep. */
typedef enum err input_visit(void *context, const char *path);
typedef void input_complain(void *context, const char *path, const char *reason);
NODISCARD enum err input_walk(const char *path, input_visit *visit, input_complain *complain,
                              void *context);

/* "-" is standard input. */
NODISCARD enum err input_open(const char *path, struct input **ret, struct why *why);
/* Up to `size` bytes, at least one unless the end is reached (*ret_size = 0). */
NODISCARD enum err input_read(struct input *input, void *to, size_t size, size_t *ret_size,
                              struct why *why);
/* Goes on reading at `offset`; ERR_UNSUPPORTED unless it is a regular file. */
NODISCARD enum err input_seek(struct input *input, uint64_t offset);
/* The size of a regular file, 0 for anything else. */
uint64_t input_size(const struct input *input);
void input_close(struct input *input); /* NULL is fine. */
/* The same by its path, without opening it. */
uint64_t input_path_size(const char *path);

/* What this process has used so far. */
double usage_cpu_seconds(void);
uint64_t usage_memory_peak(void); /* bytes */
