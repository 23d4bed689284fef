#pragma once

/*
 * Logs that are handed out (R136), and clients that leave (R051, R100).
 *
 *     provision_ask ─► waits ─ approve ─► preparing ─► ready ─► delivered ─► expired
 *                        └ refuse, cancel              └► failed
 *
 * A request is one client's.  The client's responsible person approves; what they ask for
 * themselves is approved with that.  What becomes of a request is written down step by step, once,
 * and every step stands in the audit trail too.  Who makes the package, and where it lies, is no
 * business of this room.
 */

#include "base/arena.h"
#include "base/clock.h"
#include "base/why.h"
#include "tenant/tenant.h"

struct ledger;

enum provision_state {
    PROVISION_WAITING, /* for the client's approval */
    PROVISION_REFUSED,
    PROVISION_CANCELLED,
    PROVISION_PREPARING,
    PROVISION_READY,
    PROVISION_DELIVERED, /* fetched at least once; it can be fetched again until it expires */
    PROVISION_EXPIRED,
    PROVISION_FAILED,
    PROVISION_STATE_COUNT
};
enum provision_format { PROVISION_RAW, PROVISION_NDJSON, PROVISION_CSV, PROVISION_FORMAT_COUNT };

const char *provision_state_text(enum provision_state state); /* "waiting-approval", … */
const char *provision_format_text(enum provision_format format);
NODISCARD enum err provision_format_parse(struct str text, enum provision_format *ret);

struct provision_wish {
    struct wall from, to;      /* time of receipt; `to` is not included */
    const struct str *sources; /* slugs; none: all */
    size_t sources_count;
    struct str query; /* empty: everything */
    enum provision_format format;
    bool proof;             /* leaves and heads too, else lines and manifest alone */
    enum language language; /* of the covering page */
    struct str purpose;
};

struct provision {
    uint64_t id;
    struct client_id client;
    enum provision_state state;
    struct wall asked, from, to;
    struct wall approved, made, expires; /* WALL_NONE: not (yet) */
    struct str asked_by, approved_by;    /* principals */
    enum side asked_side;
    uint32_t person;    /* that asked; 0: whoever runs the machine, or the service for a leaving */
    struct str sources; /* slugs, one a line */
    struct str query, purpose, sha256, failure;
    struct str file; /* below the folder of packages; empty: there is none (any more) */
    enum provision_format format;
    bool proof;
    enum language language;
    uint64_t size, events, downloads;
    uint64_t offboarding; /* 0: nobody leaves */
};
struct provision_step {
    struct wall at;
    struct str who, what, note; /* what: "asked", "approved", … */
};

/* ---- A request, by people.  Each brackets its own transaction.
 *
 * ERR_NOT_FOUND: there is none of this client, or its client is none of the scope's; ERR_DENIED:
 * this is not the scope's to do; ERR_CONFLICT: it is past that. */

/* RIGHT_READ.  ERR_SYNTAX names what is wrong with the wish; ERR_LIMIT past PROVISION_OPEN_MAX. */
NODISCARD enum err provision_ask(const struct scope *scope, struct ledger *ledger,
                                 const struct tenant *tenant, struct client_id client,
                                 const struct provision_wish *wish, struct wall now,
                                 uint64_t *ret_id, struct why *why);
/* Taken out by whoever runs the machine (SIDE_INSTALLATION), who could read everything anyway:
 * nobody approves it, and the request says so for ever. */
NODISCARD enum err provision_take(const struct scope *scope, struct ledger *ledger,
                                  const struct tenant *tenant, struct client_id client,
                                  const struct provision_wish *wish, struct wall now,
                                  uint64_t *ret_id, struct why *why);
/* RIGHT_DECIDE on the client's side. */
NODISCARD enum err provision_approve(const struct scope *scope, struct ledger *ledger,
                                     struct client_id client, uint64_t id, struct str note,
                                     struct wall now, struct why *why);
NODISCARD enum err provision_refuse(const struct scope *scope, struct ledger *ledger,
                                    struct client_id client, uint64_t id, struct str note,
                                    struct wall now, struct why *why);
/* By whoever asked, or RIGHT_DECIDE; while it waits or its package is being made. */
NODISCARD enum err provision_cancel(const struct scope *scope, struct ledger *ledger,
                                    struct client_id client, uint64_t id, struct str note,
                                    struct wall now, struct why *why);
/* Looks whether the scope may have the package, and notes that it was handed over: RIGHT_READ, and
 * either the client's side, or whoever asked, or whoever runs the machine; that of a client's
 * leaving, which nobody approved, not whoever asked.  ERR_CONFLICT: there is none to be had.  Texts
 * in mem. */
NODISCARD enum err provision_deliver(const struct scope *scope, struct ledger *ledger,
                                     struct client_id client, uint64_t id, struct wall now,
                                     struct arena *mem, struct provision *ret, struct why *why);

/* RIGHT_READ or RIGHT_AUDIT.  Newest first, before this id (0: the newest); made in mem. */
NODISCARD enum err provision_list(const struct scope *scope, struct ledger *ledger,
                                  struct client_id client, uint64_t before, size_t limit,
                                  struct arena *mem, struct provision **ret, size_t *ret_count);
NODISCARD enum err provision_get(const struct scope *scope, struct ledger *ledger,
                                 struct client_id client, uint64_t id, struct arena *mem,
                                 struct provision *ret);
/* Oldest first; made in mem. */
NODISCARD enum err provision_history(const struct scope *scope, struct ledger *ledger,
                                     struct client_id client, uint64_t id, struct arena *mem,
                                     struct provision_step **ret, size_t *ret_count);

/* ---- The service's own part of it: RIGHT_SERVE. */

/* The oldest that is to be prepared, after this id; ERR_NOT_FOUND: none. */
NODISCARD enum err provision_next(const struct scope *scope, struct ledger *ledger, uint64_t after,
                                  struct arena *mem, struct provision *ret);
struct provision_made {
    struct str file, sha256;
    uint64_t size, events;
};
/* The package lies on disk.  ERR_CONFLICT: it was cancelled meanwhile, and nobody wants the file.
 */
NODISCARD enum err provision_ready(const struct scope *scope, struct ledger *ledger, uint64_t id,
                                   const struct provision_made *made, struct wall now);
NODISCARD enum err provision_fail(const struct scope *scope, struct ledger *ledger, uint64_t id,
                                  struct str sentence, struct wall now);
/* What is over now: waited too long, or kept long enough.  Call is told the file of each, before
 * the row says that there is none: an error of it leaves that one as it was.  *ret_next: when there
 * is something again; WALL_NONE: not known. */
typedef enum err provision_file_call(void *context, struct str file);
NODISCARD enum err provision_expire(const struct scope *scope, struct ledger *ledger,
                                    struct wall now, provision_file_call *call, void *context,
                                    struct wall *ret_next);
/* Whether a file of the folder belongs to a package that may still be fetched. */
NODISCARD enum err provision_knows(const struct scope *scope, struct ledger *ledger,
                                   struct str file, bool *ret);
