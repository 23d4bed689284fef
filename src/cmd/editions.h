#pragma once

/* The verbs of `hinomi rules` that speak to a service: import, use, editions. */

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"

struct editions_command {
    const char *verb;
    char **words; /* import: paths; use: a hash */
    size_t count;
    const char *data; /* the service's folder; NULL: the usual one */
    bool json, hold, anyway;
    const char *tenant, *keys; /* try */
    struct wall from, to;
};

/* The exit code. */
int editions_command(const struct editions_command *command);
