/*
 * libmicrohttpd with its epoll descriptor on our loop, without threads.
 *
 *     head ──► begin ──► body … ──► end ──► (suspended) ──http_answer──► answer sent ──► gone
 *
 * The library wants to be run when its descriptor is readable, when the time that it names has
 * passed, and after a connection was resumed.  An answer to a suspended request is laid by and
 * given when the library asks for it in that run; the run happens on a timer of 0 ms, so that
 * http_answer may be called from anywhere, the library's own callbacks included.
 *
 * The request line as it came is told by the library before it decodes it (uri_logged), so a
 * request of ours begins there; `begun` says that the caller knows of it.
 *
 * Always true: `suspended` says what the library thinks; a suspended connection is resumed before
 * the daemon stops, as the library demands.
 */

#include "sys/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <microhttpd.h>

#define CONNECTION_MEMORY (32 * 1024) /* Head and read buffer of one connection. */

/* In GnuTLS's words. */
#define TLS_PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE"

#define DISCARD_MAX (64 * 1024) /* Of a body whose request was answered already. */

struct http {
    struct http_calls calls;
    struct MHD_Daemon *daemon;
    struct watch *watch;
    struct timer *timer;
    struct http_request *first; /* all that live */
    bool started, stopping;
};

struct http_request {
    struct http *http;
    struct http_request *next, *previous;
    struct MHD_Connection *connection;
    char *method, *path, *target;
    void *attached;
    struct MHD_Response *answer;
    unsigned status;
    bool begun, ended, queued, suspended;
};

static enum MHD_Result handler(void *context, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *data,
                               size_t *data_size, void **request);
static void completed(void *context, struct MHD_Connection *connection, void **request,
                      enum MHD_RequestTerminationCode code);
static void *uri_logged(void *context, const char *uri, struct MHD_Connection *connection);
static void run_when_readable(void *context, int descriptor, unsigned events);
static void run(void *context);

enum err http_new(struct loop *loop, int listener, unsigned connections_max, unsigned idle_seconds,
                  const struct http_calls *calls, struct http **ret, struct why *why)
{
    return http_new_tls(loop, listener, connections_max, idle_seconds, NULL, calls, ret, why);
}

/* libmicrohttpd wants texts with a NUL and copies what it needs of them. */
static struct MHD_Daemon *daemon_start(struct http *http, int listener, unsigned connections_max,
                                       unsigned idle_seconds, const struct http_tls *tls)
{
    char *certificate = tls != NULL ? strndup(tls->certificate.data, tls->certificate.size) : NULL;
    char *key = tls != NULL ? strndup(tls->key.data, tls->key.size) : NULL;
    const struct MHD_OptionItem secret[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, key},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_Daemon *daemon = NULL;
    if (tls == NULL || (certificate != NULL && key != NULL)) {
        daemon = MHD_start_daemon(
            MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (tls != NULL ? MHD_USE_TLS : 0u), 0, NULL,
            NULL, handler, http, MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_CONNECTION_LIMIT,
            connections_max, MHD_OPTION_PER_IP_CONNECTION_LIMIT, connections_max / 4 + 1,
            MHD_OPTION_CONNECTION_TIMEOUT, idle_seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
            (size_t)CONNECTION_MEMORY, MHD_OPTION_NOTIFY_COMPLETED, completed, http,
            MHD_OPTION_URI_LOG_CALLBACK, uri_logged, http, MHD_OPTION_ARRAY,
            tls != NULL ? secret : secret + 3, MHD_OPTION_END);
    }
    if (key != NULL) {
        explicit_bzero(key, tls->key.size);
    }
    free(key);
    free(certificate);
    return daemon;
}

enum err http_new_tls(struct loop *loop, int listener, unsigned connections_max,
                      unsigned idle_seconds, const struct http_tls *tls,
                      const struct http_calls *calls, struct http **ret, struct why *why)
{
    struct http *http = calloc(1, sizeof *http);
    if (http == NULL) {
        return ERR_MEMORY;
    }
    http->calls = *calls;
    http->daemon = daemon_start(http, listener, connections_max, idle_seconds, tls);
    if (http->daemon == NULL) {
        free(http);
        return tls != NULL ? why_say(why, ERR_SYNTAX, 0,
                                     "the certificate or its key cannot be used, or they do not "
                                     "belong together")
                           : why_say(why, ERR_IO, 0, "libmicrohttpd does not start");
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL || timer_new(loop, run, http, &http->timer) != OK ||
        watch_new(loop, info->epoll_fd, run_when_readable, http, &http->watch) != OK) {
        timer_free(http->timer);
        (void)MHD_quiesce_daemon(http->daemon); /* The listener stays the caller's. */
        MHD_stop_daemon(http->daemon);
        free(http);
        return why_say(why, ERR_IO, 0, "libmicrohttpd cannot be waited for");
    }
    *ret = http;
    return OK;
}

void http_start(struct http *http)
{
    if (!http->started) {
        http->started = true;
        watch_set(http->watch, WATCH_READ);
        run(http);
    }
}

void http_free(struct http *http)
{
    if (http == NULL) {
        return;
    }
    http->stopping = true;
    for (struct http_request *request = http->first; request != NULL; request = request->next) {
        if (request->suspended) {
            request->suspended = false;
            MHD_resume_connection(request->connection);
        }
    }
    (void)MHD_run(http->daemon);
    watch_free(http->watch);
    timer_free(http->timer);
    MHD_stop_daemon(http->daemon);
    free(http);
}

struct str http_method(const struct http_request *request)
{
    return str_from(request->method);
}

struct str http_path(const struct http_request *request)
{
    return str_from(request->path);
}

struct str http_header(const struct http_request *request, const char *name)
{
    return str_from(MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name));
}

struct str http_target(const struct http_request *request)
{
    return str_from(request->target);
}

uint64_t http_body_size(const struct http_request *request)
{
    uint64_t size;
    struct str text = http_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);
    enum err err = str_to_u64(text, UINT64_MAX, &size);
    return err == OK ? size : err == ERR_LIMIT ? UINT64_MAX : 0;
}

void http_peer(const struct http_request *request, struct peer *ret)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    *ret = (struct peer){0};
    if (info != NULL) {
        peer_from_address(info->client_addr, ret);
    }
}

void http_attach(struct http_request *request, void *attached)
{
    request->attached = attached;
}

void *http_attached(const struct http_request *request)
{
    return request->attached;
}

enum err http_answer(struct http_request *request, unsigned status, struct str type,
                     struct str body, unsigned retry_seconds)
{
    char text[16];
    struct http_header retry = {MHD_HTTP_HEADER_RETRY_AFTER, text};
    (void)snprintf(text, sizeof text, "%u", retry_seconds);
    return http_answer_with(request, status, type, body, &retry, retry_seconds > 0);
}

static enum err answer_new(struct str body, struct MHD_Response **ret)
{
    /* libmicrohttpd takes a pointer to bytes that it only copies. */
    char *copy = malloc(body.size > 0 ? body.size : 1);
    if (copy == NULL) {
        return ERR_MEMORY;
    }
    if (body.size > 0) {
        memcpy(copy, body.data, body.size);
    }
    *ret = MHD_create_response_from_buffer(body.size, copy, MHD_RESPMEM_MUST_FREE);
    if (*ret == NULL) {
        free(copy);
        return ERR_MEMORY;
    }
    return OK;
}

enum err http_answer_with(struct http_request *request, unsigned status, struct str type,
                          struct str body, const struct http_header *headers, size_t count)
{
    char text[128];
    struct MHD_Response *answer;
    if (request->answer != NULL || type.size >= sizeof text || count > HTTP_HEADERS_MAX) {
        return ERR_EXISTS;
    }
    enum err err = answer_new(body, &answer);
    if (err != OK) {
        return err;
    }
    if (type.size > 0) {
        memcpy(text, type.data, type.size);
    }
    text[type.size] = '\0';
    bool fits = MHD_add_response_header(answer, MHD_HTTP_HEADER_CONTENT_TYPE, text) == MHD_YES;
    for (size_t i = 0; i < count && fits; i++) {
        fits = MHD_add_response_header(answer, headers[i].name, headers[i].value) == MHD_YES;
    }
    if (!fits) {
        MHD_destroy_response(answer);
        return ERR_SYNTAX;
    }
    if (status == MHD_HTTP_UNAUTHORIZED) {
        (void)MHD_add_response_header(answer, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    }
    request->answer = answer;
    request->status = status;
    if (request->suspended) {
        request->suspended = false;
        MHD_resume_connection(request->connection);
        timer_set(request->http->timer, 0, 0);
    }
    return OK;
}

/* The first word of the library about a request; what is returned comes back as its slot. */
static void *uri_logged(void *context, const char *uri, struct MHD_Connection *connection)
{
    struct http *http = context;
    struct http_request *request = calloc(1, sizeof *request);
    if (request == NULL) {
        return NULL;
    }
    *request = (struct http_request){
        .http = http, .connection = connection, .target = strdup(uri), .next = http->first};
    if (request->target == NULL) {
        free(request);
        return NULL;
    }
    if (http->first != NULL) {
        http->first->previous = request;
    }
    http->first = request;
    return request;
}

static enum MHD_Result request_answer(struct http_request *request)
{
    if (request->queued) {
        return MHD_YES;
    }
    request->queued = true;
    return MHD_queue_response(request->connection, request->status, request->answer);
}

static enum MHD_Result request_begin(struct http_request *request, const char *url,
                                     const char *method)
{
    struct http *http = request->http;
    request->method = strdup(method);
    request->path = strdup(url);
    if (request->method == NULL || request->path == NULL) {
        return MHD_NO;
    }
    request->begun = true;
    http->calls.begin(http->calls.context, request);
    /* To answer here is to close, and a peer that is still sending may lose the answer: so a short
     * body is read first. */
    bool long_body = http_body_size(request) > DISCARD_MAX ||
                     http_header(request, MHD_HTTP_HEADER_TRANSFER_ENCODING).size > 0;
    return request->answer != NULL && long_body ? request_answer(request) : MHD_YES;
}

static enum MHD_Result handler(void *context, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *data,
                               size_t *data_size, void **slot)
{
    struct http *http = context;
    struct http_request *request = *slot;
    (void)version;
    if (http->stopping || request == NULL) {
        return MHD_NO;
    }
    if (!request->begun) {
        return request_begin(request, url, method);
    }
    if (*data_size > 0) {
        struct str bytes = str_of(data, *data_size);
        *data_size = 0;
        if (request->answer != NULL) {
            return MHD_YES;
        }
        return http->calls.body(http->calls.context, request, bytes) ? MHD_YES : MHD_NO;
    }
    if (!request->ended && request->answer == NULL) {
        request->ended = true;
        http->calls.end(http->calls.context, request);
    }
    if (request->answer != NULL) {
        return request_answer(request);
    }
    request->suspended = true;
    MHD_suspend_connection(connection);
    return MHD_YES;
}

static void completed(void *context, struct MHD_Connection *connection, void **slot,
                      enum MHD_RequestTerminationCode code)
{
    struct http *http = context;
    struct http_request *request = *slot;
    (void)connection, (void)code;
    if (request == NULL) {
        return;
    }
    if (request->begun) {
        http->calls.gone(http->calls.context, request);
    }
    if (request->previous != NULL) {
        request->previous->next = request->next;
    } else {
        http->first = request->next;
    }
    if (request->next != NULL) {
        request->next->previous = request->previous;
    }
    if (request->answer != NULL) {
        MHD_destroy_response(request->answer);
    }
    free(request->method);
    free(request->path);
    free(request->target);
    free(request);
    *slot = NULL;
}

static void run_when_readable(void *context, int descriptor, unsigned events)
{
    (void)descriptor, (void)events;
    run(context);
}

static void run(void *context)
{
    struct http *http = context;
    MHD_UNSIGNED_LONG_LONG wait_ms;
    (void)MHD_run(http->daemon);
    if (MHD_get_timeout(http->daemon, &wait_ms) == MHD_YES) {
        timer_set(http->timer, wait_ms, 0);
    } else {
        timer_stop(http->timer);
    }
}
