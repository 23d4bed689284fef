#pragma once

/*
 * Answers that need only the ledger and the books.  The same code runs in desk and offline.
 */

#include "collect/books.h"
#include "ledger/ledger.h"
#include "serve/rooms.h"
#include "serve/serve.h"
#include "service/service.h"
#include "tenant/tenant.h"

struct zones;

NODISCARD enum err answer_apply(const struct scope *scope, struct service *service,
                                const struct control_request *request, struct wall now,
                                struct buf *out, struct why *why);
/* A note for each source that names what is not there, one a line: a listener that is not among
 * `listeners`, a parser, a time zone.  A mistyped name would else be silence. */
NODISCARD enum err answer_notes(const struct tenant *tenant, struct str listeners,
                                struct zones *zones, struct wall now, struct buf *out);
NODISCARD enum err answer_export(const struct scope *scope, struct tenant *tenant,
                                 struct service *service, const struct control_request *request,
                                 struct buf *out, struct why *why);
NODISCARD enum err answer_list(const struct scope *scope, struct tenant *tenant,
                               struct ledger *ledger, const struct control_request *request,
                               struct buf *out);

/* Editions of the rules, the newest first. */
NODISCARD enum err answer_editions(const struct scope *scope, struct ledger *ledger,
                                   const struct control_request *request, struct buf *out);

/* Whether a command judges the archive again, and the rules that it does so by (rejudge.h). */
bool answer_judges(enum control_command command);
NODISCARD enum err answer_rules(struct ledger *ledger, const struct control_request *request,
                                struct buf *out, struct why *why);

/* The accounts, and the last stretch of time for which they are not exact, if there is one. */
struct books_view {
    const struct account *accounts;
    size_t count;
    struct wall gap_from, gap_to; /* WALL_NONE: no gap */
};
/* What a snapshot says of one account; in flight is what is left. */
struct account account_of_snapshot(const struct books_snapshot *snapshot);
/* The last gap of any account. */
void books_view_gap(struct books_view *view, const struct books_snapshot *list, size_t count);
NODISCARD enum err answer_books(const struct scope *scope, struct tenant *tenant,
                                const struct control_request *request,
                                const struct books_view *view, struct buf *out, struct why *why);

/* "id slug" a line for a client's sources, as struct reading wants them. */
NODISCARD enum err answer_sources(struct tenant *tenant, struct client_id client, struct buf *out);
/* The client that a request names; ERR_NOT_FOUND says so with what to do. */
NODISCARD enum err answer_client(struct tenant *tenant, struct str slug, struct client_id *ret,
                                 struct why *why);

/* answer_devices.c: the books by the minute; devices or proposals.  vigils may be NULL: nobody
 * watches. */
struct vigils;
NODISCARD enum err answer_minutes(const struct scope *scope, const struct rooms *rooms,
                                  const struct control_request *request, struct buf *out,
                                  struct why *why);
NODISCARD enum err answer_devices(const struct scope *scope, const struct rooms *rooms,
                                  const struct vigils *vigils,
                                  const struct control_request *request, struct wall now,
                                  struct buf *out, struct why *why);
