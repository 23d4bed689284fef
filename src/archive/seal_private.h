#pragma once

/* What core's and the worker's part of sealing share: the order. */

#include "archive/segment.h"
#include "base/limits.h"

#define SEAL_ORDER_MAX ((size_t)64 << 20)

struct seal_run {
    uint64_t first, count; /* indexes of leaves */
};
struct seal_work {
    struct segment_order order;
    bool all; /* each leaf asked for, or an error */
    const struct seal_run *runs;
    size_t runs_count;
};
NODISCARD enum err seal_order_encode(const struct seal_work *work, struct buf *out);
/* Made in mem. */
NODISCARD enum err seal_order_decode(struct str bytes, struct arena *mem, struct seal_work *ret);
