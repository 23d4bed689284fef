#pragma once

/*
 * What the children have in common: a loop, the link to parent, and the order of
 * things: messages that set up, GO, confinement, work, STOP.
 */

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/why.h"
#include "serve/link.h"
#include "sys/loop.h"

enum process_kind {
    PROCESS_FRONT,
    PROCESS_CORE,
    PROCESS_DESK,
    PROCESS_PORTAL,
    PROCESS_HERALD,
    PROCESS_WORKER,
    PROCESS_KIND_COUNT
};
const char *process_name(enum process_kind kind);

#define PROCESS_FOLDERS_MAX 8

/* A folder that a process works below: under its own name for people, and by a descriptor of ours,
 * which works whoever we become and however closed the folders above it are. */
struct process_folder {
    char *name;
    char path[32];
    bool writable;
};

struct process {
    enum process_kind kind;
    struct loop *loop;
    struct link *parent;
    struct setup_message setup; /* its texts are kept */
    struct arena *mem;          /* where they are */
    struct process_folder folders[PROCESS_FOLDERS_MAX];
    size_t folders_count;
    bool packs; /* a worker that makes a package: set before process_confine */
    void *self; /* the kind's own state */
    /* Makes the threads that the process is to have, with `self`; NULL: none. */
    enum err (*threads)(void *self);
    /* Every message from parent but SETUP; an error ends the process. */
    enum err (*message)(struct process *process, struct message *message, struct why *why);
};

/* Each kind fills in `self` and `message`, and runs.  Returns the exit code. */
int front_run(struct process *process);
int core_run(struct process *process);
int desk_run(struct process *process);
int portal_run(struct process *process);
int herald_run(struct process *process);
int worker_run(struct process *process);

/* Runs the loop until it is stopped, with the link to parent on it.  A lost parent ends it. */
int process_loop(struct process *process);

/* A text of the setup with a NUL behind it, kept as long as the process. */
const char *process_path(struct process *process, struct str text);

/* Before the confinement: a folder that the process will write below, BASE/BELOW or BASE alone if
 * below is NULL.  *ret: the path to use from now on. */
NODISCARD enum err process_folder(struct process *process, const char *base, const char *below,
                                  const char **ret, struct why *why);
/* The same for a folder that it will only read. */
NODISCARD enum err process_folder_read(struct process *process, const char *base, const char **ret,
                                       struct why *why);
/* Confines the process as its kind, to the folders that were named before. */
NODISCARD enum err process_confine(struct process *process, struct why *why);

/* One line for the operator, on standard error, control characters taken out. */
void process_say(const struct process *process, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Says why and ends the process; the parent starts it again. */
__attribute__((noreturn)) void process_fail(const struct process *process, const char *what,
                                            enum err err, const struct why *why);
