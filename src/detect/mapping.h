#pragma once

/*
 * The shape of the tables that tools/mapping.py makes of mapping/: what it knows of devices,
 * shippers and their names.  logsource.c and fields.c read them; mapping/README.md explains them.
 */

#include "detect/mapping_table.h"
#include "detect/private.h"

#define MAPPING_NAMES_MAX 12  /* of one row */
#define MAPPING_TEXT_MAX  127 /* bytes of a value that decides */
#define MAPPING_HEAD_MAX  256 /* where a line says what wrote it */
#define MAPPING_WORDS     2   /* of 64 keys each */
_Static_assert(KEY_COUNT <= MAPPING_WORDS * 64, "each key has a bit");

/* ---- Which log source an event belongs to. */

/* A field, and the key that it gives a value.  Ascending by name. */
struct mapping_name {
    struct str name;
    uint8_t key;
};
/* Windows: the channel (lower case, ascending), and what its event ids add.  A row without a kind
 * takes any and stands behind those with one. */
struct mapping_channel {
    struct str channel;
    struct str class;
    uint16_t first, count; /* of mapping_events, ascending by id */
};
struct mapping_event {
    uint16_t id;
    struct str kind;
    struct str class;
};
struct mapping_provider {
    struct str provider;
    uint16_t channel; /* index */
};

/* MAPPING_HOLDS: as it is written, within the first MAPPING_HEAD_MAX bytes. */
enum mapping_how { MAPPING_EQUALS, MAPPING_STARTS, MAPPING_ENDS, MAPPING_HOLDS };
struct mapping_value {
    enum mapping_how how;
    struct str text;
};
/* A key's value is one of these. */
struct mapping_test {
    uint8_t key;
    uint16_t first, count; /* of mapping_values */
};
/* One value of the key that a source is told by (lower case, ascending). */
struct mapping_case {
    struct str text;
    struct str class;
};
/* The first source that holds decides: all keys that it needs have values, its tests hold, and the
 * value of `by` is among its cases. */
struct mapping_source {
    uint64_t needs[MAPPING_WORDS];
    uint16_t tests_first, tests_count;
    uint16_t cases_first, cases_count;
    uint8_t by;       /* KEY_COUNT: `class` it is */
    bool refines;     /* says more of events whose parser gave a class; the others know none */
    struct str class; /* without `by` */
};

extern const struct mapping_name mapping_names[];
extern const size_t mapping_names_count;
extern const struct mapping_channel mapping_channels[];
extern const size_t mapping_channels_count;
extern const struct mapping_event mapping_events[];
extern const size_t mapping_events_count;
extern const struct mapping_provider mapping_providers[];
extern const size_t mapping_providers_count;
extern const struct mapping_value mapping_values[];
extern const size_t mapping_values_count;
extern const struct mapping_test mapping_tests[];
extern const size_t mapping_tests_count;
extern const struct mapping_case mapping_cases[];
extern const size_t mapping_cases_count;
extern const struct mapping_source mapping_sources[];
extern const size_t mapping_sources_count;

/* ---- What a rule's field is called in events.  `wanted` is the rule's log source; a part may name
 * several, an empty one fits all. */

/* Ascending by field. */
struct mapping_field {
    struct str field;
    struct logsource wanted;
    bool nested; /* the names stand behind prefixes too */
    const char *names[MAPPING_NAMES_MAX];
};
struct mapping_prefix {
    struct str prefix;
    struct logsource wanted;
};

extern const struct mapping_field mapping_fields[];
extern const size_t mapping_fields_count;
extern const struct mapping_prefix mapping_prefixes[]; /* put before a rule's field */
extern const size_t mapping_prefixes_count;
extern const struct mapping_prefix mapping_strips[]; /* cut off a rule's field */
extern const size_t mapping_strips_count;
