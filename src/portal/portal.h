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
 * The portal does not read answers, so pages are rendered in desk (api_notice.c).
 */

#include "base/limits.h"
#include "base/why.h"
#include "portal/api.h"
#include "sys/http.h"

struct portal;

struct portal_settings {
    struct str openapi;         /* the text of docs/api.yaml; copied */
    const struct http_tls *tls; /* NULL: without; a proxy in front does it */
    unsigned connections_max;   /* 0: PORTAL_CONNECTIONS_MAX */
};

/* A request for desk.  Everything is borrowed until the call returns.  The answer comes by
 * portal_answer with the same id, also from within the call. */
typedef void portal_call(void *context, uint64_t id, const struct api_request *request);

/* Takes the listening socket over, on OK. */
NODISCARD enum err portal_new(struct loop *loop, int listener,
                              const struct portal_settings *settings, portal_call *call,
                              void *context, struct portal **ret, struct why *why);
void portal_start(struct portal *portal);
/* Whether desk is there: what /readyz says; requests are refused with 503 until it is. */
void portal_ready(struct portal *portal, bool ready);
/* The answer to a request, copied; one whose peer has gone is passed over.  NULL: there was none,
 * the peer gets 503. */
void portal_answer(struct portal *portal, uint64_t id, const struct api_answer *answer);
void portal_free(struct portal *portal);
