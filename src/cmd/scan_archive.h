#pragma once

/* `hinomi scan --data`: the archive of a client, judged again. */

#include "base/clock.h"
#include "cmd/options.h"

struct scan_archive {
    const char *data, *keys, *tenant, *format;
    const struct option_texts *rules, *pipelines; /* paths; none: the rules in force */
    bool as_of_live;
    struct wall from, to;
};

/* The exit code. */
int scan_archive(const struct scan_archive *options);
