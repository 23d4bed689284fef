#pragma once

/*
 * What the parts of tidy share: a source file seen three ways, and the complaint.
 *
 *     source_read → source_check, layers_check → source_free
 */

#include <stdbool.h>
#include <stddef.h>

/* One file.  The three views have the same lines, byte for byte in the same places. */
struct source {
    const char *path; /* from the root, "src/base/str.c"; borrowed */
    size_t count;     /* lines */
    char **lines;     /* as they stand, without their newlines */
    char **prose;     /* with texts and characters in quotes blanked */
    char **code;      /* with comments blanked as well */
    bool ends;        /* the last line has its newline */
    char *memory[3];
};

/* Prints "path:line: sentence" and remembers that something was wrong. */
void complain(const char *path, size_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads ROOT/path.  False, with a complaint, if it cannot be read.  Complains about what only the
 * bytes show: CR, tabs, a missing last newline. */
bool source_read(const char *root, const char *path, struct source *ret);
void source_free(struct source *source);

/* The rules of a single C file: comments, calls, lengths, names that are left for tonight. */
void source_check(const struct source *source);

/* Reads src/layers.txt and each room's doors.txt.  False, with a complaint, if there are none. */
bool layers_read(const char *root);
/* The includes of one C file against the law of layers. */
void layers_check(const char *root, const struct source *source);

/* The functions that are known to be too long (tools/tidy-ratchet.txt). */
void ratchet_read(const char *root);
void ratchet_check(const char *path, size_t line, const char *function, size_t length);
void ratchet_end(void);
