#pragma once

/* Command lines, by a table: --name, --name VALUE or --name=VALUE in any place, -- ends them. */

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "base/why.h"

enum option_kind {
    OPTION_FLAG,   /* bool */
    OPTION_TEXT,   /* const char * */
    OPTION_NUMBER, /* uint64_t */
    OPTION_TIME,   /* struct wall: RFC 3339, a date, or an age such as 15m, 6h, 7d */
    OPTION_TEXTS,  /* struct option_texts: may be given more than once */
};

#define OPTION_TEXTS_MAX 256

struct option_texts {
    const char *items[OPTION_TEXTS_MAX];
    size_t count;
};

struct option {
    const char *name; /* without the dashes; NULL ends the table */
    enum option_kind kind;
    void *to;
};

/* What a command line turned out to be. */
enum options_result {
    OPTIONS_OK,
    OPTIONS_HELP, /* --help was asked for and `usage` printed: exit 0 */
    OPTIONS_WRONG /* a sentence was printed: exit 64 */
};

/* Reads the options of argv[1 .. argc) and moves the other words to argv[1 .. *ret_words]. */
enum options_result options_read(int argc, char **argv, const struct option *options,
                                 const char *usage, struct wall now, int *ret_words);

/* For a command that takes no words: false after a sentence if there is one. */
bool options_alone(char **argv, int words);
