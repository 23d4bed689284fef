#pragma once

/*
 * A client leaves (R051, R100): everything is handed over, both sides confirm, everything is
 * destroyed, and a certificate says so.
 *
 *     leaving_ask ─► asked ─ package made ─► exported ─ both confirm ─► confirmed ─► destroyed
 *                      └────────── cancel ──────┴───────────┴─► cancelled
 *
 * Nothing is destroyed before the export lies ready and both sides have said so; until then
 * whoever asked, or the client's responsible person, can take it back.
 */

#include "provision/provision.h"

enum leaving_state {
    LEAVING_ASKED, /* the export is being made */
    LEAVING_EXPORTED,
    LEAVING_CONFIRMED, /* by both sides: it is to be destroyed */
    LEAVING_DESTROYED,
    LEAVING_CANCELLED,
    LEAVING_FAILED, /* the export could not be made */
    LEAVING_STATE_COUNT
};
const char *leaving_state_text(enum leaving_state state);

struct leaving {
    uint64_t id, provision; /* the request whose package is the export */
    struct client_id client;
    enum leaving_state state;
    struct wall asked, exported, client_at, provider_at, ended; /* WALL_NONE: not (yet) */
    struct str asked_by, reason, client_by, provider_by, failure;
    struct str certificate, signature; /* of one destroyed: JSON, and hexadecimal */
    enum language language;
};

/* The client's responsible person, the provider's administrator, or whoever runs the machine.
 * ERR_CONFLICT: it is on its way already, or over. */
NODISCARD enum err leaving_ask(const struct scope *scope, struct ledger *ledger,
                               struct client_id client, struct str reason, enum language language,
                               struct wall now, struct why *why);
/* Each side for itself; the machine's administrator stands for the provider.  ERR_CONFLICT before
 * the export is there, or after. */
NODISCARD enum err leaving_confirm(const struct scope *scope, struct ledger *ledger,
                                   struct client_id client, struct wall now, struct why *why);
NODISCARD enum err leaving_cancel(const struct scope *scope, struct ledger *ledger,
                                  struct client_id client, struct str note, struct wall now,
                                  struct why *why);
/* The last one; whoever may ask, and RIGHT_AUDIT.  Made in mem; ERR_NOT_FOUND without one. */
NODISCARD enum err leaving_get(const struct scope *scope, struct ledger *ledger,
                               struct client_id client, struct arena *mem, struct leaving *ret);

/* ---- The service's own part: RIGHT_SERVE. */

/* Its package is there, or could not be made (`failure` not empty); inside the transaction that
 * says so. */
NODISCARD enum err leaving_exported(struct ledger *ledger, uint64_t id, struct str failure,
                                    struct wall now);
/* The last word, inside the caller's transaction; ERR_CONFLICT unless both sides have confirmed. */
NODISCARD enum err leaving_destroyed(const struct scope *scope, struct ledger *ledger, uint64_t id,
                                     struct str certificate, struct str signature, struct wall now);
/* When its data were destroyed; ERR_NOT_FOUND: they were not. */
NODISCARD enum err leaving_ended(struct ledger *ledger, struct client_id client, struct wall *ret);
