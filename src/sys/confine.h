#pragma once

/*
 * A process gives up what it does not need, for good, before it reads its first outside byte: its
 * user id, its reach into the file system (Landlock), and most system calls (seccomp).  Denied
 * calls fail with EPERM, denied paths with EACCES.
 *
 *     (make the loop, open what is needed) → confine_enter → (read the world)
 *                                                 └→ (make threads)
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/why.h"

enum confine_kind {
    CONFINE_FRONT,  /* its sockets: accept, no open, no path at all; the portal too */
    CONFINE_CORE,   /* files below its paths; no network */
    CONFINE_DESK,   /* files below its paths; no network */
    CONFINE_HERALD, /* the network outwards, threads of its own; reads below its paths */
    CONFINE_WORKER, /* descriptors that it was given; nothing new */
    CONFINE_PACKER, /* the same, written to; threads of its own; reads below its paths */
    CONFINE_KIND_COUNT
};

struct confine_path {
    const char *path; /* a folder that exists */
    bool writable;
};

/* Makes the threads that a process is to have, of a kind that can make none afterwards.  They have
 * begun when it returns, and are confined like everything else of the process. */
struct confine_threads {
    enum err (*make)(void *context);
    void *context;
};

/* Enters the confinement.  `user`: the user and group to become if we are root; 0: stay.  `threads`
 * may be NULL.  A kernel without Landlock is not an error; *ret_landlock says which version is in
 * force (0: none), so that the caller can say so loudly.  On an error the process must end. */
NODISCARD enum err confine_enter(enum confine_kind kind, const struct confine_path *paths,
                                 size_t count, uint32_t user, const struct confine_threads *threads,
                                 int *ret_landlock, struct why *why);
