#pragma once

/*
 * The Linux audit system writes one event as several records: SYSCALL, EXECVE, CWD, PATH …, with
 * the same serial number.  Each stays a record of its own.  Rules see besides what they are
 * together: a view, made of a batch, kept nowhere, that cites its parts.
 */

#include "base/arena.h"
#include "event/batch.h"

struct joined_view {
    uint32_t stands;       /* the record that it stands for: the call's */
    uint32_t count;        /* of parts */
    const uint32_t *parts; /* their indices in the batch */
};

struct joined {
    struct batch batch; /* an event a view, in the order of `stands`; none: events is 0 */
    const struct joined_view *views;
};

/* The views of a batch, made in mem.  Parts in another batch are not seen. */
NODISCARD enum err joined_make(const struct batch *batch, struct arena *mem, struct joined *ret);
