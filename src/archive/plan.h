#pragma once

/* What plan.c and plan_rows.c share. */

#include "archive/block_private.h"
#include "match/required.h"

struct plan {
    struct arena *mem;
    const struct required *required; /* NULL: everything fits */
};

bool plan_source(const struct plan_span *span, uint32_t source);
/* Fields that are no spans: the record, and what is said of it. */
bool plan_own_field(struct str field);
