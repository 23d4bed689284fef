#pragma once

/*
 * HTTP served: the door to libmicrohttpd, on our own loop.
 *
 *     http_new → http_start → begin, body …, end → http_answer → gone → … → http_free
 *
 * A head that two readers could read in two ways (two lengths, a length and a coding, two hosts) is
 * refused here, and its connection closed: whoever is behind never hears of it.
 *
 * A request may be answered in `begin` (its body is then forgotten), in `end`, or any time later:
 * it is held until then, and costs nothing but its memory.
 *
 * An answer may also be a stream, which stays open and is not ended by idle_seconds:
 *
 *     http_stream → http_stream_write … → http_stream_end | http_stream_break → gone
 */

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "base/why.h"
#include "sys/loop.h"
#include "sys/socket.h"

struct http;
struct http_request;

/* A certificate with its chain, and its key: PEM texts, copied.  A process has one of them, that of
 * the last http_new_tls or tls_use (sys/tls.h). */
struct http_tls {
    struct str certificate, key;
};

struct http_calls {
    void *context;
    /* The head is there. */
    void (*begin)(void *context, struct http_request *request);
    /* Bytes of the body, as they arrive.  Not called after an answer.  false: not a byte more; the
     * connection is closed. */
    bool (*body)(void *context, struct http_request *request, struct str bytes);
    /* The body is whole.  Not called after an answer. */
    void (*end)(void *context, struct http_request *request);
    /* The last word about a request: it was answered, or its peer has gone. */
    void (*gone)(void *context, struct http_request *request);
};

/* Takes the listening socket over, on OK.  All that needs more of the kernel than reading and
 * writing is done here; nothing is accepted before http_start.  One address gets at most a quarter
 * of the connections; and when few places are left, the peer that has kept us waiting longest, for
 * a head, a body or the reading of an answer, gives its own (turns.h). */
NODISCARD enum err http_new(struct loop *loop, int listener, unsigned connections_max,
                            unsigned idle_seconds, const struct http_calls *calls,
                            struct http **ret, struct why *why);
/* The same behind TLS 1.2 or 1.3; tls NULL: without.  ERR_SYNTAX: certificate and key are none, or
 * do not belong together. */
NODISCARD enum err http_new_tls(struct loop *loop, int listener, unsigned connections_max,
                                unsigned idle_seconds, const struct http_tls *tls,
                                const struct http_calls *calls, struct http **ret, struct why *why);
void http_start(struct http *http);
/* Closes every connection, held ones included; `gone` is called for each. */
void http_free(struct http *http);

struct str http_method(const struct http_request *request);
struct str http_path(const struct http_request *request); /* without the query */
/* Path and query as they were received: nothing of them is decoded. */
struct str http_target(const struct http_request *request);
/* The value of a header, case of its name ignored; the empty text if it is not there. */
struct str http_header(const struct http_request *request, const char *name);
/* What Content-Length says, or 0. */
uint64_t http_body_size(const struct http_request *request);
void http_peer(const struct http_request *request, struct peer *ret);
/* Something of the caller's, kept with the request. */
void http_attach(struct http_request *request, void *attached);
void *http_attached(const struct http_request *request);

/* Answers; once per request.  The body is copied.  retry_seconds: a Retry-After, 0 without. */
NODISCARD enum err http_answer(struct http_request *request, unsigned status, struct str type,
                               struct str body, unsigned retry_seconds);

#define HTTP_HEADERS_MAX 24
struct http_header {
    const char *name, *value;
};
/* The same with headers of the caller's, at most HTTP_HEADERS_MAX.  ERR_SYNTAX if one cannot stand
 * in an answer (a line break in it).  An empty type: the answer has none. */
NODISCARD enum err http_answer_with(struct http_request *request, unsigned status, struct str type,
                                    struct str body, const struct http_header *headers,
                                    size_t count);
/* The same with a body that outlives the server, and is not copied. */
NODISCARD enum err http_answer_kept(struct http_request *request, unsigned status, struct str type,
                                    struct str body, const struct http_header *headers,
                                    size_t count);

/* The same with a file from its beginning, which is read as the peer takes it: it costs no memory
 * however large it is.  The descriptor is the answer's from now on, also on an error.  A file that
 * turns out shorter breaks the answer off, so that the peer sees that something is missing. */
NODISCARD enum err http_answer_file(struct http_request *request, unsigned status, struct str type,
                                    int descriptor, uint64_t size,
                                    const struct http_header *headers, size_t count);

/* From now on a peer that leaves, or says that it will send no more, ends the request although its
 * answer was not given yet: then comes `gone`.  Without it nobody looks until there is an answer.
 */
NODISCARD enum err http_heed(struct http_request *request);

/* Answers with a stream, whose text comes by http_stream_write.  held_max: how much of it may wait
 * for its reader. */
NODISCARD enum err http_stream(struct http_request *request, unsigned status, struct str type,
                               const struct http_header *headers, size_t count, size_t held_max);
/* The text is copied.  ERR_LIMIT: more than held_max would wait; nothing was added. */
NODISCARD enum err http_stream_write(struct http_request *request, struct str text);
/* The end comes behind what waits; a break at once, so that the peer sees that something is
 * missing.  Neither is the last word: that is `gone`, which comes later. */
void http_stream_end(struct http_request *request);
void http_stream_break(struct http_request *request);
