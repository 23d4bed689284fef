#pragma once

/* The samples of the files in parsers/, which engine_test.c proves. */

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct sample_field {
    struct str name, value;
};

struct sample {
    const char *where; /* file and line */
    struct str parser; /* whose file it is */
    struct str taken_by;
    struct str line;
    struct str class;
    bool class_given;
    bool own_names; /* the record brings names of its own, as JSON does */
    struct str received;
    int32_t zone_seconds;
    struct str charset;
    const struct sample_field *fields; /* the last has no name */
    const struct str *before;          /* the last is empty */
    const struct str *absent;
};

extern const struct sample samples[];
extern const size_t sample_count;
extern const struct str sample_ecs[];
extern const size_t sample_ecs_count;
extern const struct str sample_vendors[];
extern const size_t sample_vendor_count;
