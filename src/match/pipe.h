#pragma once

/*
 * The plan of a search's pipes: commands in their simplest form.  `top 5 user.name` is a tally, a
 * sort and a head; `timeline 1h` a tally by stretches of time.
 */

#include "match/pipes.h"
#include "match/private.h"

#define PIPES_MAX        48 /* of the simplest form */
#define PIPE_FIELDS_MAX  16 /* of one command */
#define PIPE_COLUMNS_MAX 64 /* of events that are looked at */

enum pipe_kind {
    PIPE_FIELDS, /* only these columns */
    PIPE_WHERE,  /* only rows whose value compares so */
    PIPE_DEDUP,  /* only the first row of each combination */
    PIPE_HEAD,
    PIPE_TAIL,
    PIPE_SORT,
    PIPE_TALLY, /* a row for each combination */
};

enum tally_kind { TALLY_COUNT, TALLY_SUM, TALLY_AVERAGE, TALLY_LEAST, TALLY_MOST, TALLY_DISTINCT };

struct tally_part {
    enum tally_kind kind;
    uint32_t column; /* of the input; not of TALLY_COUNT */
};

enum where_how { WHERE_EQUAL, WHERE_DIFFERENT, WHERE_LESS, WHERE_UP_TO, WHERE_MORE, WHERE_FROM };

struct pipe {
    enum pipe_kind kind;
    size_t count;                      /* of columns */
    uint32_t columns[PIPE_FIELDS_MAX]; /* of the input */
    bool down[PIPE_FIELDS_MAX];        /* PIPE_SORT: the highest first */
    uint64_t rows;                     /* PIPE_HEAD, PIPE_TAIL */
    enum where_how how;                /* PIPE_WHERE */
    struct str value;
    bool whole; /* PIPE_TALLY: rows that lack one of the columns are left out */
    bool timed; /* the first output column is time, in steps */
    int64_t step_ns;
    struct tally_part parts[PIPE_FIELDS_MAX];
    size_t parts_count;
};

/* Columns of events that are no field. */
enum pipe_source { SOURCE_FIELD, SOURCE_TIME, SOURCE_RECEIVED, SOURCE_SLUG, SOURCE_SEQUENCE };

struct pipe_column {
    enum pipe_source source;
    uint32_t field; /* of the matcher */
};

struct pipes {
    struct pipe *list;
    size_t count;
    struct str *names; /* of the events' columns */
    struct pipe_column *columns;
    size_t columns_count;
    struct table_column *out;
    size_t out_count;
    bool tabular; /* else the answer is whole events */
    bool timeline;
};

/* Reads what stands behind the first |, at `at` in the text; made in the matcher's memory. */
NODISCARD enum err pipes_parse(struct str text, size_t at, struct matcher *matcher,
                               const struct pipes **ret, struct why *why);

/* Numbers before texts, by what they are; folding is not done.  <0, 0, >0 */
int value_compare(struct str a, struct str b);
