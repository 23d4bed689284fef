#pragma once

/* What the files of the portal process share. */

#include "base/buf.h"
#include "base/clock.h"
#include "portal/limit.h"
#include "portal/portal.h"
#include "portal/site.h"

#define PORTAL_COOKIE      "__Host-hinomi"
#define PORTAL_POLICY_SIZE 256

struct exchange {
    struct portal *portal;
    struct exchange *next;
    struct http_request *request;
    uint64_t id; /* 0 until it is desk's */
    struct peer peer;
    struct mono began;
    struct buf body;
    bool streams; /* the answer is open; `id` is kept until desk has ended it */
};

struct portal {
    struct http *http;
    portal_call *call;
    portal_gone *gone;
    void *context;
    struct timer *keepalive;
    char *openapi;
    size_t openapi_size;
    char *names;
    uint32_t rate;
    struct limit *limit;
    struct exchange *first;
    uint64_t id_last;
    size_t memory; /* of all bodies */
    bool ready, tls;
    char page_policy[PORTAL_POLICY_SIZE];
};

/* ---- portal_answer.c */

/* The policy of the pages that desk writes; once, at the start. */
void portal_policy_print(char text[PORTAL_POLICY_SIZE]);
void exchange_answer(struct exchange *exchange, unsigned status, struct str type, struct str text);
/* `text` is JSON. */
void exchange_refuse(struct exchange *exchange, unsigned status, struct str text);
#define REFUSAL(code, sentence) STR("{\"error\":{\"code\":\"" code "\",\"text\":\"" sentence "\"}}")
/* A file of the front end, in the form that the browser takes, or 304. */
void exchange_answer_file(struct exchange *exchange, const struct site_file *file);
/* Of the header If-None-Match: whether it holds a tag.  Of Accept-Encoding: whether gzip is taken.
 */
bool portal_tag_is_known(struct str list, const char *tag);
bool portal_takes_gzip(struct str accepted);
/* Whether a text may stand in our cookie. */
bool portal_token_fits(struct str token);
/* Opens the stream that desk answered with. */
void exchange_answer_stream(struct exchange *exchange, const struct api_answer *answer);

/* ---- portal.c */

/* The session in a header Cookie; empty: there is none that could be one. */
struct str portal_cookie_of(struct str cookies);
/* The request that desk knows by this id; NULL: it has gone. */
struct exchange *portal_exchange(const struct portal *portal, uint64_t id);
/* Whether both are one host, as far as can be told: one host of IPv6 has a whole /64 to itself. */
bool portal_same_peer(const struct peer *a, const struct peer *b);

/* ---- portal_host.c */

/* Whether a header Host names this portal. */
bool portal_host_fits(const struct portal *portal, struct str host);

/* ---- portal_stream.c */

/* Whether desk's answer is to stay open. */
bool portal_answer_streams(const struct api_answer *answer);
/* Takes one more stream on; false: there are too many. */
bool portal_stream_fits(const struct portal *portal, const struct peer *peer);
/* Tells desk, unless it ended the stream itself. */
void portal_stream_gone(struct portal *portal, uint64_t id);
void portal_keep_alive(void *portal);
