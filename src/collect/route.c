/*
 * Which dialect a request speaks, and who sends it.  One listener speaks all:
 *
 *     /ingest/lines, /ingest/files          our own
 *     /_bulk, /INDEX/_bulk, and beside it   Elasticsearch (bulk.c, elastic.c)
 *     /services/collector…                  Splunk's HTTP event collector (hec.c)
 *     /v1/logs                              OpenTelemetry (otlp.c)
 *     /healthz, /readyz                     whoever watches us
 *
 * Whoever sends shows a token, in the form that its protocol has for one:
 *
 *     Bearer TOKEN, Splunk TOKEN, Basic base64(NAME:TOKEN), ApiKey base64(ID:TOKEN) or TOKEN
 *
 * Always true: what has no known token costs a hash and a walk over the bindings, and nothing of it
 * is kept.  Questions that are answered without one tell nothing about any client.
 */

#include <stdlib.h>
#include <string.h>

#include "codec/base64.h"
#include "collect/post.h"
#include "sys/clocks.h"

#define TOKEN_SIZE_MAX 512

static void begin(void *context, struct http_request *request);
static bool body(void *context, struct http_request *request, struct str bytes);
static void end(void *context, struct http_request *request);
static void gone(void *context, struct http_request *request);

enum err http_listen(struct listener *listener, const struct tls_papers *papers, struct why *why)
{
    const struct http_tls tls = {papers != NULL ? papers->certificate : STR(""),
                                 papers != NULL ? papers->key : STR("")};
    const struct http_calls calls = {
        .context = listener, .begin = begin, .body = body, .end = end, .gone = gone};
    return http_new_tls(listener->collect->loop, listener->socket, CONNECTIONS_MAX,
                        HTTP_IDLE_SECONDS, papers != NULL ? &tls : NULL, &calls, &listener->http,
                        why);
}

/* ---- Small things. */

void answer_json(struct http_request *request, unsigned status, struct str text,
                 unsigned retry_seconds)
{
    if (request != NULL) { /* Its peer may be gone. */
        UNHEEDED(http_answer(request, status, STR("application/json"), text, retry_seconds));
    }
}

struct str query_get(const struct http_request *request, const char *name)
{
    struct str query = http_target(request);
    (void)str_cut(&query, '?');
    while (query.size > 0) {
        struct str pair = str_cut(&query, '&');
        struct str key = str_cut(&pair, '=');
        if (str_equal(key, str_from(name))) {
            return pair;
        }
    }
    return (struct str){0};
}

/* ---- Who it is. */

static const struct binding *token_find(struct listener *listener, const struct peer *peer,
                                        struct str token)
{
    return token.size == 0 || token.size > TOKEN_SIZE_MAX
               ? NULL
               : sender_find_token(listener->collect->generation, str_from(listener->name),
                                   peer->address, token);
}

/* The binding, or NULL and why. */
static const struct binding *sender_ask(struct listener *listener, struct http_request *request,
                                        const struct peer *peer, enum refusal *ret)
{
    char plain[TOKEN_SIZE_MAX];
    struct str token = http_header(request, "Authorization");
    struct str scheme = str_cut(&token, ' ');
    token = str_trim(token);
    *ret = scheme.size == 0 ? REFUSE_NO_TOKEN : REFUSE_TOKEN;
    if (str_equal_nocase(scheme, STR("Bearer")) || str_equal_nocase(scheme, STR("Splunk"))) {
        return token_find(listener, peer, token);
    }
    if (str_equal_nocase(scheme, STR("Basic")) || str_equal_nocase(scheme, STR("ApiKey"))) {
        struct str decoded;
        const struct binding *found = NULL;
        if (base64_decode(token, plain, sizeof plain, &decoded) == OK) {
            (void)str_cut(&decoded, ':');
            found = token_find(listener, peer, decoded);
        }
        if (found == NULL && str_equal_nocase(scheme, STR("ApiKey"))) {
            found = token_find(listener, peer, token); /* Some take it for the whole key. */
        }
        return found;
    }
    *ret = scheme.size == 0 ? REFUSE_NO_TOKEN : REFUSE_SCHEME;
    return NULL;
}

static const struct binding *authorise(struct listener *listener, struct http_request *request,
                                       const struct dialect *dialect, const struct peer *peer)
{
    struct collect *collect = listener->collect;
    enum refusal refusal;
    const struct binding *found = sender_ask(listener, request, peer, &refusal);
    if (found == NULL) {
        reject_add(collect, sender_unknown(collect->generation, str_from(listener->name)),
                   REJECT_UNAUTHORISED, 1);
        collect_say(collect, "listener %s: a post of %s had no known token", listener->name,
                    peer->text);
        dialect->refuse(request, refusal, NULL, 0);
    }
    return found;
}

/* ---- Where it goes. */

static bool watch_answer(struct listener *listener, struct http_request *request)
{
    struct str path = http_path(request);
    struct str method = http_method(request);
    bool ready = str_equal(path, STR("/readyz"));
    if (!ready && !str_equal(path, STR("/healthz"))) {
        return false;
    }
    unsigned seconds = 0;
    enum refusal refusal;
    if (!str_equal(method, STR("GET")) && !str_equal(method, STR("HEAD"))) {
        answer_json(request, 405, STR("{\"error\":\"ask this with GET\"}\n"), 0);
    } else if (ready && !post_welcome(listener->collect, NULL, &refusal, &seconds)) {
        answer_json(request, 503, STR("{\"status\":\"no room\"}\n"), seconds);
    } else {
        answer_json(request, 200, STR("{\"status\":\"ok\"}\n"), 0);
    }
    return true;
}

/* NULL after an answer.  *ret_index: of a bulk. */
static const struct dialect *dialect_find(struct listener *listener, struct http_request *request,
                                          struct str *ret_index)
{
    static const struct {
        struct str path;
        const struct dialect *dialect;
    } routes[] = {
        {{"/ingest/lines", 13}, &dialect_lines},
        {{"/ingest/files", 13}, &dialect_upload},
        {{"/v1/logs", 8}, &dialect_otlp},
        {{"/services/collector", 19}, &dialect_hec_event},
        {{"/services/collector/event", 25}, &dialect_hec_event},
        {{"/services/collector/event/1.0", 29}, &dialect_hec_event},
        {{"/services/collector/raw", 23}, &dialect_hec_raw},
        {{"/services/collector/raw/1.0", 27}, &dialect_hec_raw},
        {{"/services/collector/ack", 23}, &dialect_hec_ack},
        {{"/services/collector/ack/1.0", 27}, &dialect_hec_ack},
    };
    struct str path = http_path(request);
    const struct dialect *found = elastic_bulk_path(path, ret_index) ? &dialect_bulk : NULL;
    for (size_t i = 0; i < sizeof routes / sizeof *routes && found == NULL; i++) {
        found = str_equal(path, routes[i].path) ? routes[i].dialect : NULL;
    }
    if (found != NULL) {
        bool put = found == &dialect_bulk && str_equal(http_method(request), STR("PUT"));
        if (str_equal(http_method(request), STR("POST")) || put) {
            return found;
        }
        found->refuse(request, REFUSE_METHOD, NULL, 0);
        return NULL;
    }
    if (!watch_answer(listener, request) && !hec_answer(listener, request) &&
        !elastic_answer(request)) {
        answer_json(request, 404,
                    STR("{\"error\":\"there is POST /ingest/lines, /ingest/files, /_bulk, "
                        "/services/collector and /v1/logs\"}\n"),
                    0);
    }
    return NULL;
}

/* ---- The calls of a listener. */

static struct post *post_new(struct listener *listener, struct http_request *request,
                             const struct dialect *dialect, const struct binding *binding,
                             const struct peer *peer)
{
    struct post *post = calloc(1, sizeof *post);
    if (post != NULL) {
        post->collect = listener->collect;
        post->request = request;
        post->dialect = dialect;
        post->generation = generation_ref(listener->collect->generation);
        post->binding = binding;
        post->peer = *peer;
        post->began = mono_now();
    }
    return post;
}

static void begin(void *context, struct http_request *request)
{
    struct listener *listener = context;
    struct str index = {0};
    const struct dialect *dialect = dialect_find(listener, request, &index);
    if (dialect == NULL) {
        return;
    }
    struct peer peer;
    http_peer(request, &peer);
    const struct binding *binding = authorise(listener, request, dialect, &peer);
    if (binding == NULL) {
        return;
    }
    enum refusal refusal;
    unsigned seconds;
    if (!post_welcome(listener->collect, binding, &refusal, &seconds)) {
        dialect->refuse(request, refusal, NULL, seconds);
        return;
    }
    struct post *post = post_new(listener, request, dialect, binding, &peer);
    if (post == NULL) {
        dialect->refuse(request, REFUSE_MEMORY, NULL, 1);
        return;
    }
    memcpy(post->index_text, index.data != NULL ? index.data : "", index.size);
    post->index = str_of(post->index_text, index.size);
    http_attach(request, post);
    if (intake_begin(post) && dialect->begin != NULL) {
        (void)dialect->begin(post);
    }
}

static bool body(void *context, struct http_request *request, struct str bytes)
{
    struct post *post = http_attached(request);
    (void)context;
    return post != NULL && intake_body(post, bytes);
}

static void end(void *context, struct http_request *request)
{
    struct post *post = http_attached(request);
    (void)context;
    if (post == NULL) {
        answer_json(request, 400, STR("{\"error\":\"this request cannot have a body\"}\n"), 0);
    } else if (intake_end(post)) {
        post->body.text = buf_str(&post->bytes);
        if (post->dialect->open(post)) {
            post_queue(post);
        }
    }
}

static void gone(void *context, struct http_request *request)
{
    struct post *post = http_attached(request);
    (void)context;
    if (post != NULL) {
        post->request = NULL;
        post_release(post);
    }
}
