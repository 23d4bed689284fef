#pragma once

/*
 * What the parent's two files share: its state, and what it opens before the first child.
 *
 *     parent_open → (parent.c: children come and go) → parent_close
 */

#include <sys/types.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "config/config.h"
#include "serve/heads_copy.h"
#include "serve/identity.h"
#include "serve/papers.h"
#include "serve/people_key.h"
#include "serve/process.h"
#include "sys/disk.h"

#define CHILDREN    5 /* all but workers: the children that are always there */
#define WORKERS_MAX 64

/* A child that is always there. */
struct child {
    pid_t process; /* 0: not running */
    struct link *link;
    struct mono started;
    struct wall since; /* it runs, or has ended; WALL_NONE: it never began */
    uint64_t starts;
    struct timer *restart;
    unsigned short_lives;
    bool ready, told_to_stop, ended;
};

struct parent {
    const struct config *config;
    struct loop *loop;
    struct child children[CHILDREN]; /* by enum process_kind */
    struct {
        pid_t process;
        struct link *link;
        struct mono started;
        bool packs; /* it makes a package, for as long as that takes */
    } workers[WORKERS_MAX];
    struct wall began;
    int listeners[LISTENERS_MAX];
    int control, ring, books;
    struct file *lock;
    struct buf rules;
    struct buf secrets; /* of webhooks, as RELAY carries them */
    struct buf password, api;
    struct identity identity; /* of the portal */
    struct papers papers;     /* of the listeners that take logs over TLS */
    struct files *files;      /* that front follows; NULL: none */
    pid_t heads;              /* the process that copies them to a second place; 0: none */
    struct timer *heads_timer;
    uint8_t people_key[PEOPLE_KEY_SIZE];
    bool portal; /* there is a listener for it */
    struct watch *control_watch;
    struct interrupt *child_ended, *terminate, *interrupted, *reload;
    struct timer *stop_timer, *overdue_timer, *identity_timer;
    bool gap; /* the parent before us was killed */
    bool core_was_ready, stopping;
    int code;
};

/* The user that a kind of process becomes; 0: it stays who we are. */
uint32_t parent_user(const struct parent *parent, enum process_kind kind);

/* ---- parent_files.c: files that front follows. */

struct files;
/* Reads where they were, and begins to look for them; *ret NULL if no listener follows files. */
NODISCARD enum err files_open(struct parent *parent, struct files **ret, struct why *why);
void files_close(struct files *files); /* NULL is fine. */
/* A new front: it is given each of them. */
void files_give(struct files *files);
/* Front tells how far they are. */
void files_told(struct files *files, const struct message *message);

/* ---- parent_owner.c: whose files are. */

/* All below the folder, and then itself, if it is not the user's already. */
NODISCARD enum err owner_give_tree(const char *path, uint32_t user);
/* The files of clients in the folder of keys. */
NODISCARD enum err owner_give_keys(const char *path, uint32_t user);

/* Folders, the lock, the control socket, the listeners, the memories, the rules. */
NODISCARD enum err parent_open(struct parent *parent, struct why *why);
/* Heads go to a second place from now on, if the configuration names one. */
NODISCARD enum err parent_heads(struct parent *parent);
/* A child ended, perhaps the one that copies them. */
void parent_heads_ended(struct parent *parent, pid_t process);
/* Lets go of everything, also of what parent.c added, and of parent itself. */
void parent_close(struct parent *parent);
