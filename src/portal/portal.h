#pragma once

/*
 * The portal process's own logic: HTTP in front, requests for desk behind, and no right known in
 * between.
 *
 *     portal_new → portal_start → call … portal_answer … → portal_free
 *
 *     GET  /api/v1/openapi.yaml   the description of the API
 *     any  /api/v1/…              to desk
 *     GET, POST /acknowledge/CODE to desk; the answer is a page
 *     GET  /healthz, /readyz      the process is there; desk answers it
 *
 * The session travels in the cookie __Host-hinomi (HttpOnly, Secure, SameSite=Strict), an API token
 * in Authorization: Bearer.
 *
 * An answer of desk of the type text/event-stream stays open: portal_stream adds to it, until one
 * side ends it.
 *
 * The portal does not read answers, so pages are rendered in desk (api_notice.c).
 */

#include "base/limits.h"
#include "base/why.h"
#include "portal/api.h"
#include "sys/http.h"

struct portal;

struct portal_settings {
    struct str openapi;         /* the text of docs/api.yaml; copied */
    struct str names;           /* as for portal_names */
    uint32_t rate;              /* requests a second of one address; 0: PORTAL_RATE */
    uint64_t seed;              /* random: for tables that are keyed by what comes from outside */
    const struct http_tls *tls; /* NULL: without; a proxy in front does it */
    unsigned connections_max;   /* 0: PORTAL_CONNECTIONS_MAX */
    unsigned keepalive_ms;      /* 0: PORTAL_KEEPALIVE_MS */
};

/* A request for desk.  Everything is borrowed until the call returns.  The answer comes by
 * portal_answer with the same id, also from within the call. */
typedef void portal_call(void *context, uint64_t id, const struct api_request *request);

/* Nobody waits for this answer any more, or listens to this stream, or ever did.  Not called once
 * the answer was given whole. */
typedef void portal_gone(void *context, uint64_t id);

/* Takes the listening socket over, on OK.  `gone` may be NULL: then there are no streams. */
NODISCARD enum err portal_new(struct loop *loop, int listener,
                              const struct portal_settings *settings, portal_call *call,
                              portal_gone *gone, void *context, struct portal **ret,
                              struct why *why);
void portal_start(struct portal *portal);
/* The host names that the portal goes by, one a line, copied; "*.soc.example" holds one name in
 * place of the star.  Besides them it is known as localhost and by every address.  Whoever calls it
 * otherwise gets 421, so that no foreign name can be led to it (DNS rebinding). */
NODISCARD enum err portal_names(struct portal *portal, struct str names);
/* Whether desk is there: what /readyz says; requests are refused with 503 until it is.  When it
 * goes, what waits for it is refused too, and every stream ends. */
void portal_ready(struct portal *portal, bool ready);
/* The answer to a request, copied (of a file the descriptor is taken); one whose peer has gone is
 * passed over.  NULL: there was none,
 * the peer gets 503. */
void portal_answer(struct portal *portal, uint64_t id, const struct api_answer *answer);
/* More of an answer that stays open, copied; end: the last of it.  A reader that is too slow for it
 * is dropped. */
void portal_stream(struct portal *portal, uint64_t id, struct str text, bool end);
void portal_free(struct portal *portal);
