#pragma once

/*
 * A correlation as it runs: what correlation.c and correlation_link.c make of a document, and
 * correlator.c and its neighbours judge by.  Private to detect/.  Nothing of it changes once the
 * rule set is loaded.
 */

#include "detect/private.h"

__extension__ typedef __int128 wide; /* sums that cannot overflow */

enum correlation_type {
    CORRELATION_EVENT_COUNT,
    CORRELATION_VALUE_COUNT,
    CORRELATION_TEMPORAL,
    CORRELATION_TEMPORAL_ORDERED,
    CORRELATION_VALUE_SUM,
    CORRELATION_VALUE_AVG,
    CORRELATION_VALUE_PERCENTILE,
    BASELINE_FIRST_SEEN, /* these three are our own (docs/correlations.md) */
    BASELINE_RARE,
    BASELINE_RATE,
    CORRELATION_TYPE_COUNT
};

enum bound_how { BOUND_GT, BOUND_GTE, BOUND_LT, BOUND_LTE, BOUND_EQ, BOUND_NEQ, BOUND_HOW_COUNT };

/* One comparison of the condition; all must hold. */
struct bound {
    enum bound_how how;
    int64_t number; /* in millionths */
};

#define MILLIONTHS      1000000
#define BOUNDS_MAX      6    /* each comparison once */
#define RULES_EACH_MAX  1024 /* rules that one correlation names; the greatest seen name twenty */
#define ORDERED_MAX     32   /* of temporal_ordered, whose work is their square */
#define GROUP_BY_MAX    16   /* fields of group-by; the greatest published has six */
#define FIELDS_MAX      8    /* fields of `field` */
#define ASKED_MAX       256  /* fields that all correlations together ask of one rule */
#define CHAIN_MAX       8    /* correlations over correlations; nobody follows more */
#define DISTINCT_MAX    8192 /* distinct values that are counted in one window */
#define SEASON_DAY      0    /* of hinomi_rate: compared with the same time of other days, */
#define SEASON_WEEK     1    /* of the same weekday, */
#define SEASON_NONE     2    /* or of any time */
#define PERCENTILE_NONE (-1) /* value_percentile counts the share of a value */

struct correlation {
    enum correlation_type type;
    int64_t timespan; /* ns */
    struct bound bounds[BOUNDS_MAX];
    uint32_t bounds_count;
    int64_t percentile; /* in millionths of a percent, or PERCENTILE_NONE */
    /* Of baselines. */
    int64_t learn, bucket;      /* ns */
    int64_t at_most, at_least;  /* counts */
    int64_t factor, deviations; /* in millionths; 0: not asked */
    int64_t season;
    uint32_t rules_count, groups_count, fields_count;
    uint32_t *rules;    /* indexes in the rule set */
    struct str *groups; /* names as written, for the alert */
    /* For each rule: where in its values each group field, then each field, is. */
    uint16_t *slots;
    /* For each thing that is asked of this correlation, for each rule: where in the rule's values
     * it is. */
    uint16_t *lifts;
    uint8_t version[SHA256_SIZE]; /* of the document and of all that it leans on */
    uint32_t depth;               /* correlations on the way down to rules, itself counted */
    /* Only while the set is loaded. */
    struct str *names; /* of the rules, as written */
    struct correlation_alias *aliases;
    uint32_t aliases_count, lifts_capacity;
    uint32_t draft;
};

/* A document that is read and not yet joined. */
struct correlation_draft {
    struct rule rule;
    struct correlation *correlation;
    struct str *fields;
    struct str path;
    uint32_t line;
    bool generate;
    bool graded; /* it has a level of its own */
    bool linked, refused;
};

struct correlation_alias {
    struct str alias, rule, field;
};

/* A decimal number in millionths, what is more than they can say at their ends; false for what is
 * none. */
bool millionths_parse(struct str text, int64_t *ret);
/* Whether a measure, the fraction above / below in millionths, fits the condition; below > 0. */
bool bounds_hold(const struct correlation *correlation, wide above, int64_t below);

/* The same for all slots in one pass: `ret` has room for count; a missing one has data NULL.
 * ERR_CORRUPT unless there are exactly `count`. */
NODISCARD enum err values_split(struct str values, size_t count, struct str *ret);
NODISCARD enum err values_add(struct buf *out, bool missing, struct str value);
