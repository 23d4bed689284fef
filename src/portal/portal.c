/*
 * From an HTTP request to a request for desk, and back.
 *
 *     begin ─► route ─┬─► answered here: the front end's files, /healthz, /readyz, openapi.yaml,
 * 404, 413, 503 └─► body … ─► end ─► call ─► (desk) ─► portal_answer
 *
 * Always true:
 *
 *   (1) every answer is written by portal_answer.c, so it bears the security headers; what is no
 *       HTTP is refused in sys/http.c, by a fixed sentence;
 *   (2) a body is never read past PORTAL_BODY_SIZE_MAX nor for longer than PORTAL_BODY_SECONDS, all
 *       bodies of one address never past PORTAL_PEER_MEMORY_MAX and all together never past
 *       PORTAL_MEMORY_MAX.
 *
 * A state change with a session has to come from our own pages: a browser says so in
 * Sec-Fetch-Site, or in Origin where it is older; whoever is no browser sends the header
 * Hinomi-Request, which no foreign page can without our leave.
 */

#include "portal/portal.h"

#include <stdlib.h>
#include <string.h>

#include "portal/portal_private.h"
#include "sys/clocks.h"

#define API "/api/v1"

static void begin(void *context, struct http_request *request);
static bool body(void *context, struct http_request *request, struct str bytes);
static void end(void *context, struct http_request *request);
static size_t portal_peer_size(const struct peer *peer);
static void request_gone(void *context, struct http_request *request);

static void portal_done(struct portal *portal)
{
    timer_free(portal->keepalive);
    limit_free(portal->limit);
    free(portal->names);
    free(portal->openapi);
    free(portal);
}

enum err portal_new(struct loop *loop, int listener, const struct portal_settings *settings,
                    portal_call *call, portal_gone *gone, void *context, struct portal **ret,
                    struct why *why)
{
    struct portal *portal = calloc(1, sizeof *portal);
    char *openapi = malloc(settings->openapi.size + 1);
    if (portal == NULL || openapi == NULL) {
        free(portal);
        free(openapi);
        return ERR_MEMORY;
    }
    if (settings->openapi.size > 0) {
        memcpy(openapi, settings->openapi.data, settings->openapi.size);
    }
    *portal = (struct portal){
        .call = call,
        .gone = gone,
        .context = context,
        .openapi = openapi,
        .openapi_size = settings->openapi.size,
        .tls = settings->tls != NULL,
        .rate = settings->rate > 0 ? settings->rate : PORTAL_RATE,
    };
    portal_policy_print(portal->page_policy);
    const struct http_calls calls = {portal, begin, body, end, request_gone};
    enum err err = timer_new(loop, portal_keep_alive, portal, &portal->keepalive);
    if (err == OK) {
        err = portal_names(portal, settings->names);
    }
    if (err == OK) {
        err = limit_new(PORTAL_PEERS_MAX, settings->seed, &portal->limit);
    }
    if (err == OK) {
        err = http_new_tls(loop, listener,
                           settings->connections_max > 0 ? settings->connections_max
                                                         : PORTAL_CONNECTIONS_MAX,
                           HTTP_IDLE_SECONDS, settings->tls, &calls, &portal->http, why);
    }
    if (err != OK) {
        portal_done(portal);
        return err;
    }
    unsigned pause_ms = settings->keepalive_ms > 0 ? settings->keepalive_ms : PORTAL_KEEPALIVE_MS;
    timer_set(portal->keepalive, pause_ms, pause_ms);
    *ret = portal;
    return OK;
}

void portal_start(struct portal *portal)
{
    http_start(portal->http);
}

void portal_ready(struct portal *portal, bool ready)
{
    portal->ready = ready;
    for (struct exchange *at = portal->first; at != NULL && !ready; at = at->next) {
        uint64_t id = at->id;
        at->id = 0; /* whom it was said to is not there any more */
        if (at->streams) {
            http_stream_break(at->request);
        } else if (id != 0) {
            exchange_refuse(at, 503, REFUSAL("unavailable", "The service cannot answer now."));
        }
    }
}

struct exchange *portal_exchange(const struct portal *portal, uint64_t id)
{
    struct exchange *exchange = portal->first;
    while (exchange != NULL && exchange->id != id) {
        exchange = exchange->next;
    }
    return id != 0 ? exchange : NULL;
}

void portal_free(struct portal *portal)
{
    if (portal != NULL) {
        http_free(portal->http);
        portal_done(portal);
    }
}

/* ---- Requests. */

/* The part behind a prefix that ends at a '/'; false for another path. */
static bool behind(struct str target, struct str prefix, struct str *ret)
{
    if (!str_starts(target, prefix)) {
        return false;
    }
    *ret = str_slice(target, prefix.size, SIZE_MAX);
    return ret->size == 0 || ret->data[0] == '/';
}

/* A file of the front end or, for an address that names none, its page: the front end knows its
 * addresses, and we do not. */
static void site_answer(struct exchange *exchange, bool get, struct str path)
{
    struct str rest;
    struct str name = path;
    for (size_t at; (at = str_find_byte(name, '/')) != STR_NONE;) {
        name = str_slice(name, at + 1, SIZE_MAX);
    }
    const struct site_file *file = site_find(path);
    bool address = !behind(path, STR("/api"), &rest) && !behind(path, STR("/assets"), &rest) &&
                   str_find_byte(name, '.') == STR_NONE;
    if (file == NULL && address) {
        file = site_page();
    }
    if (file == NULL) {
        exchange_refuse(exchange, 404, REFUSAL("not-found", "There is no such thing."));
    } else if (!get) {
        exchange_refuse(exchange, 405, REFUSAL("method", "This can only be read."));
    } else {
        exchange_answer_file(exchange, file);
    }
}

/* The methods that anything here knows; there is no TRACE, and no OPTIONS, since no other site may
 * use us from a browser (no CORS). */
static bool method_known(struct str method)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (str_equal(method, str_from(methods[i]))) {
            return true;
        }
    }
    return false;
}

/* What a token, a password or a code is tried with. */
static bool tries_a_secret(struct str method, struct str path)
{
    static const char *const paths[] = {API "/session", API "/setup", API "/invitation",
                                        "/acknowledge"};
    struct str rest;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        if (behind(path, str_from(paths[i]), &rest)) {
            return str_equal(method, STR("POST"));
        }
    }
    return false;
}

/* The front end's own files have a measure of their own, beside that of questions: an office behind
 * one address that opens its pages in the morning must not find them empty. */
static bool too_fast(struct exchange *exchange, struct str method, struct str path)
{
    struct str rest;
    bool file = behind(path, STR("/assets"), &rest);
    struct portal *portal = exchange->portal;
    uint32_t factor = portal->tls ? 1 : PORTAL_PROXY_FACTOR;
    uint32_t asks = portal->rate * factor * (file ? PORTAL_FILES_FACTOR : 1);
    uint32_t secrets = asks / PORTAL_TRIES_SHARE + 1;
    const struct limit_rate all = {asks, asks * PORTAL_BURST_SECONDS};
    const struct limit_rate tries = {secrets, secrets * PORTAL_BURST_SECONDS};
    char key[1 + sizeof exchange->peer.address];
    size_t size = 1 + portal_peer_size(&exchange->peer);
    size_t at_once = 0;
    for (const struct exchange *at = portal->first; at != NULL; at = at->next) {
        at_once += !at->streams && portal_same_peer(&at->peer, &exchange->peer);
    }
    memcpy(key + 1, exchange->peer.address, sizeof exchange->peer.address);
    key[0] = file ? 'f' : 'a';
    if (at_once > (size_t)PORTAL_AT_ONCE_MAX * factor ||
        !limit_take(portal->limit, str_of(key, size), all, exchange->began)) {
        return true;
    }
    key[0] = 't';
    return tries_a_secret(method, path) &&
           !limit_take(portal->limit, str_of(key, size), tries, exchange->began);
}

/* What is refused before anybody looks at what it asks for; true once that is done. */
static bool refused_at_the_door(struct exchange *exchange, struct str method, struct str path)
{
    struct str host = http_header(exchange->request, "Host");
    if (!method_known(method)) {
        exchange_refuse(exchange, 501, REFUSAL("method", "There is no such method."));
    } else if (!str_starts(path, STR("/"))) { /* for a proxy (RFC 9112, section 3.2), not for us */
        exchange_refuse(exchange, 400, REFUSAL("target", "What is asked for begins with a '/'."));
    } else if (!portal_host_fits(exchange->portal, host)) {
        exchange_refuse(exchange, host.size > 0 ? 421 : 400,
                        REFUSAL("host", "The portal is not known by this name."));
    } else if (too_fast(exchange, method, path)) {
        exchange_refuse(exchange, 429, REFUSAL("too-many", "Too many requests."));
    } else {
        return false;
    }
    return true;
}

/* What this process answers itself; true once that is done. */
static bool answer_here(struct exchange *exchange, struct str method, struct str path)
{
    struct portal *portal = exchange->portal;
    bool get = str_equal(method, STR("GET")) || str_equal(method, STR("HEAD"));
    struct str rest;
    if (get && str_equal(path, STR("/healthz"))) {
        exchange_answer(exchange, 200, STR("text/plain"), STR("ok\n"));
    } else if (get && str_equal(path, STR("/readyz"))) {
        exchange_answer(exchange, portal->ready ? 200 : 503, STR("text/plain"),
                        portal->ready ? STR("ready\n") : STR("not ready\n"));
    } else if (refused_at_the_door(exchange, method, path)) {
        return true; /* balancers ask for the two above as they please */
    } else if (get && str_equal(path, STR(API "/openapi.yaml"))) {
        exchange_answer(exchange, 200, STR("application/yaml"),
                        str_of(portal->openapi, portal->openapi_size));
    } else if (!behind(path, STR(API), &rest) && !behind(path, STR("/acknowledge"), &rest) &&
               !str_equal(path, STR("/metrics"))) {
        site_answer(exchange, get, path);
    } else if (!portal->ready) {
        exchange_refuse(exchange, 503, REFUSAL("unavailable", "The service cannot answer now."));
    } else if (http_target(exchange->request).size > PORTAL_TARGET_SIZE_MAX ||
               http_body_size(exchange->request) > PORTAL_BODY_SIZE_MAX) {
        exchange_refuse(exchange, 413, REFUSAL("too-large", "What was sent is too large."));
    } else {
        return false;
    }
    return true;
}

static void begin(void *context, struct http_request *request)
{
    struct portal *portal = context;
    struct exchange *exchange = calloc(1, sizeof *exchange);
    http_attach(request, exchange);
    if (exchange == NULL) {
        UNHEEDED(http_answer(request, 503, STR("text/plain"), STR(""), 5));
        return;
    }
    *exchange = (struct exchange){
        .portal = portal, .next = portal->first, .request = request, .began = mono_now()};
    http_peer(request, &exchange->peer);
    portal->first = exchange;
    buf_init(&exchange->body, PORTAL_BODY_SIZE_MAX);
    struct str target = http_target(request);
    (void)answer_here(exchange, http_method(request), str_cut(&target, '?'));
}

static size_t portal_peer_size(const struct peer *peer)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return memcmp(peer->address, mapped, sizeof mapped) == 0 ? sizeof peer->address : 8;
}

bool portal_same_peer(const struct peer *a, const struct peer *b)
{
    return memcmp(a->address, b->address, portal_peer_size(a)) == 0;
}

/* What all bodies from there hold together. */
static size_t peer_memory(const struct portal *portal, const struct peer *peer)
{
    size_t size = 0;
    for (const struct exchange *at = portal->first; at != NULL; at = at->next) {
        size += at->body.size > 0 && portal_same_peer(&at->peer, peer) ? at->body.size : 0;
    }
    return size;
}

static void body_drop(struct exchange *exchange)
{
    exchange->portal->memory -= exchange->body.size;
    buf_done(&exchange->body);
    buf_init(&exchange->body, PORTAL_BODY_SIZE_MAX);
}

static bool body(void *context, struct http_request *request, struct str bytes)
{
    struct portal *portal = context;
    struct exchange *exchange = http_attached(request);
    if (exchange == NULL) {
        return false;
    }
    if (mono_ms_since(exchange->began, mono_now()) > PORTAL_BODY_SECONDS * 1000) {
        return false;
    }
    if (portal->memory + bytes.size > PORTAL_MEMORY_MAX ||
        peer_memory(portal, &exchange->peer) + bytes.size > PORTAL_PEER_MEMORY_MAX) {
        body_drop(exchange);
        exchange_refuse(exchange, 503, REFUSAL("unavailable", "The service cannot answer now."));
    } else if (buf_append(&exchange->body, bytes) != OK) {
        body_drop(exchange);
        exchange_refuse(exchange, 413, REFUSAL("too-large", "What was sent is too large."));
    } else {
        portal->memory += bytes.size;
    }
    return true;
}

/* The value of our cookie; of two the first. */
struct str portal_cookie_of(struct str cookies)
{
    while (cookies.size > 0) {
        struct str value = str_trim(str_cut(&cookies, ';'));
        if (str_equal(str_cut(&value, '='), STR(PORTAL_COOKIE))) {
            return portal_token_fits(value) ? value : STR("");
        }
    }
    return STR("");
}

static struct str bearer_of(struct str authorization)
{
    static const struct str scheme = {"Bearer ", 7};
    bool bearer = str_equal_nocase(str_slice(authorization, 0, scheme.size), scheme);
    return bearer ? str_trim(str_slice(authorization, scheme.size, SIZE_MAX)) : STR("");
}

/* A page that came by plain HTTP may be anybody's who sits in between: where we speak TLS ourselves
 * it is not ours, whatever its host. */
static bool origin_is_own(const struct portal *portal, const struct http_request *request)
{
    struct str site = http_header(request, "Sec-Fetch-Site");
    struct str origin = http_header(request, "Origin");
    struct str host = http_header(request, "Host");
    if (site.size > 0) {
        return str_equal(site, STR("same-origin"));
    }
    if (http_header(request, "Hinomi-Request").size > 0) {
        return true;
    }
    struct str name = origin;
    struct str scheme = str_cut(&name, ':');
    bool fits = str_equal(scheme, STR("https")) || (!portal->tls && str_equal(scheme, STR("http")));
    return fits && str_starts(name, STR("//")) && host.size > 0 &&
           str_equal(str_slice(name, 2, SIZE_MAX), host);
}

static void end(void *context, struct http_request *request)
{
    struct portal *portal = context;
    struct exchange *exchange = http_attached(request);
    struct str query = http_target(request);
    struct str path = str_cut(&query, '?');
    struct peer peer;
    if (exchange == NULL) {
        return;
    }
    (void)behind(path, STR(API), &path);
    http_peer(request, &peer);
    const struct api_request wanted = {
        /* HEAD is GET without the body, which the library leaves out. */
        .method = str_equal(http_method(request), STR("HEAD")) ? STR("GET") : http_method(request),
        .path = path,
        .query = query,
        .body = buf_str(&exchange->body),
        .type = http_header(request, "Content-Type"),
        .session = portal_cookie_of(http_header(request, "Cookie")),
        .bearer = bearer_of(http_header(request, "Authorization")),
        .same_origin = origin_is_own(portal, request),
        .language = http_header(request, "Accept-Language"),
        .peer = str_from(peer.text),
        .agent = http_header(request, "User-Agent"),
    };
    exchange->id = ++portal->id_last;
    UNHEEDED(http_heed(request)); /* else desk works on for a peer that has left */
    portal->call(portal->context, exchange->id, &wanted);
}

static void request_gone(void *context, struct http_request *request)
{
    struct portal *portal = context;
    struct exchange *exchange = http_attached(request);
    if (exchange == NULL) {
        return;
    }
    struct exchange **at = &portal->first;
    while (*at != exchange) {
        at = &(*at)->next;
    }
    *at = exchange->next;
    portal_stream_gone(portal, exchange->id); /* an answer that is waited for, or goes on */
    body_drop(exchange);
    buf_done(&exchange->body);
    free(exchange);
}
