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
 * request of ours begins there; `told` says that the caller knows of it.
 *
 * A stream is an answer whose bytes the library asks for.  When there are none its connection is
 * suspended too, until somebody writes.  A suspended connection is not looked at by the library, so
 * a watch of our own sees its peer go, if http_heed was asked for.
 *
 * Always true: `suspended` says what the library thinks; a suspended connection is resumed before
 * the daemon stops, as the library demands.
 */

#include "sys/http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <microhttpd.h>

#include "base/buf.h"
#include "sys/tls.h"
#include "sys/turns.h"

#define CONNECTION_MEMORY (32 * 1024) /* Head and read buffer of one connection. */

/* In GnuTLS's words. */
#define TLS_PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE"

#define FILE_BLOCK   ((size_t)256 * 1024)
#define STREAM_BLOCK 4096        /* What the library asks a stream for at a time. */
#define DISCARD_MAX  (64 * 1024) /* Of a body whose request was answered already. */

struct http {
    struct loop *loop;
    struct http_calls calls;
    struct MHD_Daemon *daemon;
    struct watch *watch;
    struct timer *timer;
    struct http_request *first; /* all that live */
    struct turns turns;         /* of its connections */
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
    bool begun, told, ended, queued, suspended, left;
    /* Of a stream: */
    bool streams, stream_ended, stream_broken;
    struct buf held; /* what waits for its reader, from `taken` on */
    size_t taken;
    struct watch *watch;
};

static void connection_noted(void *context, struct MHD_Connection *connection, void **slot,
                             enum MHD_ConnectionNotificationCode code);

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

static struct MHD_Daemon *daemon_start(struct http *http, int listener, unsigned connections_max,
                                       unsigned idle_seconds, bool tls)
{
    const struct MHD_OptionItem secret[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, tls_callback()},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
        {MHD_OPTION_END, 0, NULL},
    };
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (tls ? MHD_USE_TLS : 0u), 0, NULL, NULL, handler,
        http, MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_CONNECTION_LIMIT, connections_max,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, connections_max / 4 + 1, MHD_OPTION_CONNECTION_TIMEOUT,
        idle_seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_NOTIFY_COMPLETED, completed, http, MHD_OPTION_NOTIFY_CONNECTION,
        connection_noted, http, MHD_OPTION_URI_LOG_CALLBACK, uri_logged, http, MHD_OPTION_ARRAY,
        tls ? secret : secret + 2, MHD_OPTION_END);
}

enum err http_new_tls(struct loop *loop, int listener, unsigned connections_max,
                      unsigned idle_seconds, const struct http_tls *tls,
                      const struct http_calls *calls, struct http **ret, struct why *why)
{
    struct http *http = NULL;
    enum err err = tls != NULL ? tls_use(tls->certificate, tls->key, why) : OK;
    if (err == OK) {
        http = calloc(1, sizeof *http);
        err = http != NULL ? OK : ERR_MEMORY;
    }
    if (err != OK) {
        return err;
    }
    http->loop = loop;
    http->calls = *calls;
    turns_init(&http->turns, connections_max);
    http->daemon = daemon_start(http, listener, connections_max, idle_seconds, tls != NULL);
    if (http->daemon == NULL) {
        free(http);
        return why_say(why, ERR_IO, 0, "libmicrohttpd does not start");
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

static void request_wake(struct http_request *request)
{
    if (request->suspended) {
        request->suspended = false;
        MHD_resume_connection(request->connection);
        timer_set(request->http->timer, 0, 0);
    }
}

static void peer_gone(void *context, int descriptor, unsigned events)
{
    struct http_request *request = context;
    (void)descriptor, (void)events;
    if (request->streams) {
        http_stream_break(request);
        return;
    }
    request->left = true;
    watch_set(request->watch, 0);
    request_wake(request);
}

enum err http_heed(struct http_request *request)
{
    if (request->watch != NULL) {
        return OK;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info == NULL) {
        return ERR_IO;
    }
    enum err err =
        watch_new(request->http->loop, info->connect_fd, peer_gone, request, &request->watch);
    if (err == OK) {
        watch_set(request->watch, WATCH_GONE);
    }
    return err;
}

/* libmicrohttpd takes a pointer to bytes that it only copies. */
static enum err answer_new(struct str body, bool kept, struct MHD_Response **ret)
{
    if (kept && body.size > 0) {
        *ret = MHD_create_response_from_buffer(body.size, (void *)(uintptr_t)body.data,
                                               MHD_RESPMEM_PERSISTENT);
        return *ret != NULL ? OK : ERR_MEMORY;
    }
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

/* Puts the headers to an answer and lays it by; the answer is the request's, on OK. */
static enum err answer_give(struct http_request *request, unsigned status, struct str type,
                            struct MHD_Response *answer, const struct http_header *headers,
                            size_t count)
{
    char text[128];
    bool fits = type.size < sizeof text && count <= HTTP_HEADERS_MAX;
    if (fits && type.size > 0) {
        memcpy(text, type.data, type.size);
        text[type.size] = '\0';
        fits = MHD_add_response_header(answer, MHD_HTTP_HEADER_CONTENT_TYPE, text) == MHD_YES;
    }
    for (size_t i = 0; i < count && fits; i++) {
        fits = MHD_add_response_header(answer, headers[i].name, headers[i].value) == MHD_YES;
    }
    if (!fits) {
        return ERR_SYNTAX;
    }
    if (status == MHD_HTTP_UNAUTHORIZED) {
        (void)MHD_add_response_header(answer, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    }
    request->answer = answer;
    request->status = status;
    request_wake(request);
    return OK;
}

static enum err answer_bytes(struct http_request *request, unsigned status, struct str type,
                             struct str body, bool kept, const struct http_header *headers,
                             size_t count)
{
    struct MHD_Response *answer;
    if (request->answer != NULL) {
        return ERR_EXISTS;
    }
    enum err err = answer_new(body, kept, &answer);
    if (err != OK) {
        return err;
    }
    err = answer_give(request, status, type, answer, headers, count);
    if (err != OK) {
        MHD_destroy_response(answer);
    }
    return err;
}

enum err http_answer_with(struct http_request *request, unsigned status, struct str type,
                          struct str body, const struct http_header *headers, size_t count)
{
    return answer_bytes(request, status, type, body, false, headers, count);
}

enum err http_answer_kept(struct http_request *request, unsigned status, struct str type,
                          struct str body, const struct http_header *headers, size_t count)
{
    return answer_bytes(request, status, type, body, true, headers, count);
}

/* ---- Files. */

struct served {
    int descriptor;
    uint64_t size;
};

static ssize_t served_read(void *context, uint64_t position, char *to, size_t size)
{
    const struct served *served = context;
    if (position >= served->size) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    size_t part = served->size - position < size ? (size_t)(served->size - position) : size;
    ssize_t got = pread(served->descriptor, to, part, (off_t)position);
    return got > 0 ? got : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void served_free(void *context)
{
    struct served *served = context;
    (void)close(served->descriptor);
    free(served);
}

enum err http_answer_file(struct http_request *request, unsigned status, struct str type,
                          int descriptor, uint64_t size, const struct http_header *headers,
                          size_t count)
{
    struct served *served = calloc(1, sizeof *served);
    if (request->answer != NULL || served == NULL) {
        (void)close(descriptor);
        free(served);
        return request->answer != NULL ? ERR_EXISTS : ERR_MEMORY;
    }
    *served = (struct served){descriptor, size};
    struct MHD_Response *answer =
        MHD_create_response_from_callback(size, FILE_BLOCK, served_read, served, served_free);
    if (answer == NULL) {
        served_free(served);
        return ERR_MEMORY;
    }
    enum err err = answer_give(request, status, type, answer, headers, count);
    if (err != OK) {
        MHD_destroy_response(answer);
    }
    return err;
}

/* ---- Streams. */

/* The library has room for `size` bytes; none there: 0, and not asked again before a resume. */
static ssize_t stream_read(void *context, uint64_t position, char *to, size_t size)
{
    struct http_request *request = context;
    struct str rest = str_slice(buf_str(&request->held), request->taken, SIZE_MAX);
    (void)position;
    if (request->stream_broken || request->http->stopping) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    if (rest.size == 0 && request->stream_ended) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    if (rest.size == 0) {
        request->suspended = true;
        MHD_suspend_connection(request->connection);
        return 0;
    }
    size_t part = rest.size < size ? rest.size : size;
    memcpy(to, rest.data, part);
    request->taken += part;
    if (request->taken == request->held.size) {
        buf_reset(&request->held);
        request->taken = 0;
    }
    return (ssize_t)part;
}

enum err http_stream(struct http_request *request, unsigned status, struct str type,
                     const struct http_header *headers, size_t count, size_t held_max)
{
    if (request->answer != NULL) {
        return ERR_EXISTS;
    }
    struct MHD_Response *answer = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK,
                                                                    stream_read, request, NULL);
    if (answer == NULL) {
        return ERR_MEMORY;
    }
    enum err err = http_heed(request);
    if (err == OK) {
        err = answer_give(request, status, type, answer, headers, count);
    }
    if (err != OK) {
        MHD_destroy_response(answer);
        return err;
    }
    request->streams = true;
    buf_init(&request->held, held_max);
    return OK;
}

enum err http_stream_write(struct http_request *request, struct str text)
{
    if (!request->streams || request->stream_ended || request->stream_broken) {
        return ERR_CLOSED;
    }
    if (request->taken > 0) {
        memmove(request->held.data, request->held.data + request->taken,
                request->held.size - request->taken);
        request->held.size -= request->taken;
        request->taken = 0;
    }
    enum err err = buf_append(&request->held, text);
    if (err == OK) {
        request_wake(request);
    }
    return err;
}

void http_stream_end(struct http_request *request)
{
    request->stream_ended = true;
    request_wake(request);
}

void http_stream_break(struct http_request *request)
{
    request->stream_broken = true;
    watch_set(request->watch, 0);
    request_wake(request);
}

/* ---- Whose turn it is. */

static struct turn *turn_of(const struct http_request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info != NULL ? info->socket_context : NULL;
}

static void turn_note(const struct http_request *request, bool peer)
{
    struct turn *turn = turn_of(request);
    if (turn != NULL && peer) {
        turn_begin(&request->http->turns, turn);
    } else if (turn != NULL) {
        turn_end(&request->http->turns, turn);
    }
}

/* A connection without a turn, for want of memory, is only not chosen. */
static void connection_noted(void *context, struct MHD_Connection *connection, void **slot,
                             enum MHD_ConnectionNotificationCode code)
{
    struct http *http = context;
    struct turn *turn = *slot;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        http->turns.connections--;
        if (turn != NULL) {
            turn_end(&http->turns, turn);
            free(turn);
        }
        *slot = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    http->turns.connections++;
    turn = info != NULL ? calloc(1, sizeof *turn) : NULL;
    *slot = turn;
    (void)turns_shorten(&http->turns);
    if (turn != NULL) {
        turn->descriptor = info->connect_fd;
        turn_begin(&http->turns, turn);
    }
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

/* ---- Heads that two readers could read in two ways. */

/* What has been seen of a head, header by header. */
struct head {
    unsigned hosts, lengths, codings;
    bool clear;
};

/* RFC 9110, section 5.6.2. */
static bool token_is(struct str name)
{
    for (size_t i = 0; i < name.size; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (c <= 0x20 || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL) {
            return false;
        }
    }
    return name.size > 0;
}

static enum MHD_Result header_look(void *context, enum MHD_ValueKind kind, const char *key,
                                   size_t key_size, const char *text, size_t size)
{
    struct head *head = context;
    struct str name = str_of(key, key_size);
    struct str value = str_of(text, text != NULL ? size : 0);
    (void)kind;
    head->clear = head->clear && token_is(name);
    for (size_t i = 0; i < value.size; i++) {
        unsigned char c = (unsigned char)value.data[i];
        head->clear = head->clear && (c >= 0x20 || c == '\t') && c != 0x7f;
    }
    if (str_equal_nocase(name, STR(MHD_HTTP_HEADER_HOST))) {
        head->hosts++;
    } else if (str_equal_nocase(name, STR(MHD_HTTP_HEADER_CONTENT_LENGTH))) {
        head->lengths++;
    } else if (str_equal_nocase(name, STR(MHD_HTTP_HEADER_TRANSFER_ENCODING))) {
        head->codings++;
        head->clear = head->clear && str_equal_nocase(value, STR("chunked"));
    }
    return MHD_YES;
}

/* RFC 9112, sections 3.2, 6.1 and 6.3: the library takes the first of two lengths, and a coding
 * before a length.  A proxy in front of us may do otherwise, and then one of us takes for the next
 * request what the other took for this one's body.  So there is one of each, and not both; nor a
 * blank in the target, behind which another reader looks for the version. */
static bool head_is_clear(struct http_request *request)
{
    struct head head = {.clear = true};
    (void)MHD_get_connection_values_n(request->connection, MHD_HEADER_KIND, header_look, &head);
    for (const char *c = request->target; *c != '\0'; c++) {
        head.clear = head.clear && (unsigned char)*c > 0x20 && *c != 0x7f;
    }
    return head.clear && head.hosts <= 1 && head.lengths + head.codings <= 1;
}

/* What follows is not read: nobody can say where it begins. */
static void head_refuse(struct http_request *request)
{
    static const struct http_header headers[] = {
        {MHD_HTTP_HEADER_CONNECTION, "close"},
        {MHD_HTTP_HEADER_CACHE_CONTROL, "no-store"},
        {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
    };
    UNHEEDED(http_answer_with(request, MHD_HTTP_BAD_REQUEST, STR("text/plain"),
                              STR("The head of this request can be read in two ways.\n"), headers,
                              sizeof headers / sizeof *headers));
}

static enum MHD_Result request_answer(struct http_request *request)
{
    if (request->queued) {
        return MHD_YES;
    }
    request->queued = true;
    turn_note(request, !request->streams);
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
    if (!head_is_clear(request)) {
        head_refuse(request);
        return request->answer != NULL ? request_answer(request) : MHD_NO;
    }
    request->told = true;
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
    if (http->stopping || request == NULL || (request->left && request->answer == NULL)) {
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
    turn_note(request, false);
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
    turn_note(request, true); /* for the next one; a closed connection is noted after this */
    if (request->told) {
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
    watch_free(request->watch); /* before the library closes what it watches */
    buf_done(&request->held);
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
