/*
 * From an HTTP request to a request for desk, and back.
 *
 *     begin ─► route ─┬─► answered here: /healthz, /readyz, openapi.yaml, 404, 413, 503
 *                     └─► body … ─► end ─► call ─► (desk) ─► portal_answer
 *
 * Always true:
 *
 *   (1) every answer bears the security headers, the refusals of this file included;
 *   (2) a body is never read past PORTAL_BODY_SIZE_MAX nor for longer than PORTAL_BODY_SECONDS, all
 *       bodies of one address never past PORTAL_PEER_MEMORY_MAX and all together never past
 *       PORTAL_MEMORY_MAX;
 *   (3) what goes into a cookie is letters, digits, '-' and '_' alone.
 *
 * A state change with a session has to come from our own pages: a browser says so in
 * Sec-Fetch-Site, or in Origin where it is older; whoever is no browser sends the header
 * Hinomi-Request, which no foreign page can without our leave.
 */

#include "portal/portal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/crypto.h"
#include "portal/page.h"
#include "sys/clocks.h"

#define COOKIE      "__Host-hinomi"
#define API         "/api/v1"
#define POLICY_SIZE 256

struct exchange {
    struct portal *portal;
    struct exchange *next;
    struct http_request *request;
    uint64_t id; /* 0 until it is desk's */
    struct peer peer;
    struct mono began;
    struct buf body;
};

struct portal {
    struct http *http;
    portal_call *call;
    void *context;
    char *openapi;
    size_t openapi_size;
    struct exchange *first;
    uint64_t id_last;
    size_t memory; /* of all bodies */
    bool ready, tls;
    char page_policy[POLICY_SIZE];
};

static void begin(void *context, struct http_request *request);
static bool body(void *context, struct http_request *request, struct str bytes);
static void end(void *context, struct http_request *request);
static void gone(void *context, struct http_request *request);
static void page_policy_print(char text[POLICY_SIZE]);

enum err portal_new(struct loop *loop, int listener, const struct portal_settings *settings,
                    portal_call *call, void *context, struct portal **ret, struct why *why)
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
        .context = context,
        .openapi = openapi,
        .openapi_size = settings->openapi.size,
        .tls = settings->tls != NULL,
    };
    page_policy_print(portal->page_policy);
    const struct http_calls calls = {portal, begin, body, end, gone};
    enum err err = http_new_tls(loop, listener,
                                settings->connections_max > 0 ? settings->connections_max
                                                              : PORTAL_CONNECTIONS_MAX,
                                HTTP_IDLE_SECONDS, settings->tls, &calls, &portal->http, why);
    if (err != OK) {
        free(openapi);
        free(portal);
        return err;
    }
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
}

void portal_free(struct portal *portal)
{
    if (portal != NULL) {
        http_free(portal->http);
        free(portal->openapi);
        free(portal);
    }
}

/* ---- Answers. */

/* The policy of a page names the one style that a page of ours has, by its hash (CSP level 3,
 * section 2.3.1: base64 of SHA-256). */
static void page_policy_print(char text[POLICY_SIZE])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct sha256 hash = sha256_of_bytes(page_style());
    char base64[48] = {0};
    size_t size = 0;
    for (size_t i = 0; i < SHA256_SIZE; i += 3) {
        uint32_t three = (uint32_t)hash.bytes[i] << 16;
        three |= i + 1 < SHA256_SIZE ? (uint32_t)hash.bytes[i + 1] << 8 : 0;
        three |= i + 2 < SHA256_SIZE ? (uint32_t)hash.bytes[i + 2] : 0;
        base64[size++] = digits[three >> 18 & 63];
        base64[size++] = digits[three >> 12 & 63];
        base64[size++] = i + 1 < SHA256_SIZE ? digits[three >> 6 & 63] : '=';
        base64[size++] = i + 2 < SHA256_SIZE ? digits[three & 63] : '=';
    }
    (void)snprintf(text, POLICY_SIZE,
                   "default-src 'none'; style-src 'sha256-%s'; form-action 'self'; "
                   "base-uri 'none'; frame-ancestors 'none'",
                   base64);
}

static void answer_with(struct exchange *exchange, unsigned status, struct str type,
                        struct str text, const char *cookie, unsigned retry_seconds)
{
    const struct portal *portal = exchange->portal;
    struct http_header headers[HTTP_HEADERS_MAX];
    char retry[16];
    size_t count = 0;
    bool page = str_starts(type, STR("text/html"));
    headers[count++] = (struct http_header){"Content-Security-Policy",
                                            page ? portal->page_policy
                                                 : "default-src 'none'; frame-ancestors 'none'"};
    headers[count++] = (struct http_header){"X-Content-Type-Options", "nosniff"};
    headers[count++] = (struct http_header){"X-Frame-Options", "DENY"};
    headers[count++] = (struct http_header){"Cache-Control", "no-store"};
    headers[count++] = (struct http_header){"Referrer-Policy", "no-referrer"};
    headers[count++] = (struct http_header){"Cross-Origin-Resource-Policy", "same-origin"};
    if (portal->tls) {
        headers[count++] = (struct http_header){"Strict-Transport-Security", "max-age=31536000"};
    }
    if (retry_seconds > 0) {
        (void)snprintf(retry, sizeof retry, "%u", retry_seconds);
        headers[count++] = (struct http_header){"Retry-After", retry};
    }
    if (cookie != NULL) {
        headers[count++] = (struct http_header){"Set-Cookie", cookie};
    }
    /* Out of memory the peer gets no answer, and its connection ends with its patience. */
    UNHEEDED(http_answer_with(exchange->request, status, type, text, headers, count));
}

static void refuse(struct exchange *exchange, unsigned status, struct str text)
{
    answer_with(exchange, status, STR("application/json"), text, NULL, status == 503 ? 5 : 0);
}

#define REFUSAL(code, sentence) STR("{\"error\":{\"code\":\"" code "\",\"text\":\"" sentence "\"}}")

static bool token_fits(struct str token)
{
    for (size_t i = 0; i < token.size; i++) {
        char c = token.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '-' || c == '_')) {
            return false;
        }
    }
    return token.size > 0 && token.size <= 128;
}

/* NULL: none is set.  `text` holds it. */
static const char *cookie_print(struct str token, char *text, size_t size)
{
    if (str_equal(token, STR("-"))) {
        return COOKIE "=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0";
    }
    if (!token_fits(token)) {
        return NULL;
    }
    (void)snprintf(text, size, COOKIE "=%.*s; Path=/; Secure; HttpOnly; SameSite=Strict",
                   STR_ARG(token));
    return text;
}

void portal_answer(struct portal *portal, uint64_t id, const struct api_answer *answer)
{
    char cookie[256];
    struct exchange *exchange = portal->first;
    while (exchange != NULL && exchange->id != id) {
        exchange = exchange->next;
    }
    if (exchange == NULL || id == 0) {
        return;
    }
    exchange->id = 0;
    if (answer == NULL) {
        refuse(exchange, 503, REFUSAL("unavailable", "The service cannot answer now."));
        return;
    }
    answer_with(exchange, answer->status, answer->type, buf_str(&answer->body),
                cookie_print(answer->cookie, cookie, sizeof cookie), answer->retry_seconds);
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

/* What this process answers itself; true once that is done. */
static bool answer_here(struct exchange *exchange, struct str method, struct str path)
{
    struct portal *portal = exchange->portal;
    bool get = str_equal(method, STR("GET")) || str_equal(method, STR("HEAD"));
    struct str rest;
    if (get && str_equal(path, STR("/healthz"))) {
        answer_with(exchange, 200, STR("text/plain"), STR("ok\n"), NULL, 0);
    } else if (get && str_equal(path, STR("/readyz"))) {
        answer_with(exchange, portal->ready ? 200 : 503, STR("text/plain"),
                    portal->ready ? STR("ready\n") : STR("not ready\n"), NULL, 0);
    } else if (get && str_equal(path, STR(API "/openapi.yaml"))) {
        answer_with(exchange, 200, STR("application/yaml"),
                    str_of(portal->openapi, portal->openapi_size), NULL, 0);
    } else if (!behind(path, STR(API), &rest) && !behind(path, STR("/acknowledge"), &rest)) {
        refuse(exchange, 404, REFUSAL("not-found", "There is no such thing."));
    } else if (!portal->ready) {
        refuse(exchange, 503, REFUSAL("unavailable", "The service cannot answer now."));
    } else if (http_target(exchange->request).size > PORTAL_TARGET_SIZE_MAX ||
               http_body_size(exchange->request) > PORTAL_BODY_SIZE_MAX) {
        refuse(exchange, 413, REFUSAL("too-large", "What was sent is too large."));
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

/* One host of IPv6 has a whole /64 to itself. */
static bool same_peer(const struct peer *a, const struct peer *b)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    size_t size = memcmp(a->address, mapped, sizeof mapped) == 0 ? sizeof a->address : 8;
    return memcmp(a->address, b->address, size) == 0;
}

/* What all bodies from there hold together. */
static size_t peer_memory(const struct portal *portal, const struct peer *peer)
{
    size_t size = 0;
    for (const struct exchange *at = portal->first; at != NULL; at = at->next) {
        size += at->body.size > 0 && same_peer(&at->peer, peer) ? at->body.size : 0;
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
        refuse(exchange, 503, REFUSAL("unavailable", "The service cannot answer now."));
    } else if (buf_append(&exchange->body, bytes) != OK) {
        body_drop(exchange);
        refuse(exchange, 413, REFUSAL("too-large", "What was sent is too large."));
    } else {
        portal->memory += bytes.size;
    }
    return true;
}

/* The value of our cookie; of two the first. */
static struct str cookie_of(struct str cookies)
{
    while (cookies.size > 0) {
        struct str value = str_trim(str_cut(&cookies, ';'));
        if (str_equal(str_cut(&value, '='), STR(COOKIE))) {
            return token_fits(value) ? value : STR("");
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

static bool origin_is_own(const struct http_request *request)
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
    size_t at = str_find(origin, STR("://"));
    return at != STR_NONE && host.size > 0 && str_equal(str_slice(origin, at + 3, SIZE_MAX), host);
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
        .session = cookie_of(http_header(request, "Cookie")),
        .bearer = bearer_of(http_header(request, "Authorization")),
        .same_origin = origin_is_own(request),
        .language = http_header(request, "Accept-Language"),
        .peer = str_from(peer.text),
        .agent = http_header(request, "User-Agent"),
    };
    exchange->id = ++portal->id_last;
    portal->call(portal->context, exchange->id, &wanted);
}

static void gone(void *context, struct http_request *request)
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
    body_drop(exchange);
    buf_done(&exchange->body);
    free(exchange);
}
