/*
 * Answers: what every one of them bears, whoever made it, and what the browser may keep of it.
 *
 * A page of the front end may run our own scripts and styles, which are files, and speak to us
 * alone; no text becomes markup (Trusted Types).  A page that desk wrote (the link in a notice) has
 * one style, named by its hash, and no script.  Everything else may do nothing.
 *
 * Files come in two forms under one weak ETag, since both mean the same (RFC 9110, section 8.8.1).
 *
 * Always true:
 *
 *   (1) every answer bears the security headers, refusals included;
 *   (2) what goes into a cookie is letters, digits, '-' and '_' alone;
 *   (3) only a file whose name has a hash of its bytes is kept without asking again.
 */

#include "portal/portal_private.h"

#include <stdio.h>
#include <unistd.h>

#include "codec/crypto.h"
#include "portal/page.h"

#define POLICY_NONE "default-src 'none'; frame-ancestors 'none'"
#define POLICY_SITE                                                                   \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " \
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "  \
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

/* What no page of ours asks of a browser (W3C Permissions Policy). */
#define PERMISSIONS                                                                              \
    "accelerometer=(), autoplay=(), bluetooth=(), browsing-topics=(), camera=(), "               \
    "clipboard-read=(), display-capture=(), encrypted-media=(), fullscreen=(), gamepad=(), "     \
    "geolocation=(), gyroscope=(), hid=(), idle-detection=(), local-fonts=(), magnetometer=(), " \
    "microphone=(), midi=(), payment=(), picture-in-picture=(), publickey-credentials-get=(), "  \
    "screen-wake-lock=(), serial=(), storage-access=(), usb=(), web-share=(), "                  \
    "xr-spatial-tracking=()"

/* What one answer has besides what all have. */
struct special {
    const char *policy;  /* NULL: nothing at all */
    const char *keeping; /* Cache-Control; NULL: no-store */
    const char *tag, *encoding, *cookie, *allow, *buffering, *disposition;
    unsigned retry_seconds;
};

struct headers {
    struct http_header of[HTTP_HEADERS_MAX];
    size_t count;
    char retry[16];
};

static void put(struct headers *headers, const char *name, const char *value)
{
    if (value != NULL) {
        headers->of[headers->count++] = (struct http_header){name, value};
    }
}

static void headers_fill(const struct portal *portal, const struct special *special,
                         struct headers *to)
{
    to->count = 0;
    put(to, "Content-Security-Policy", special->policy != NULL ? special->policy : POLICY_NONE);
    put(to, "Cross-Origin-Opener-Policy", "same-origin");
    put(to, "Cross-Origin-Resource-Policy", "same-origin");
    put(to, "Permissions-Policy", PERMISSIONS);
    put(to, "Referrer-Policy", "no-referrer");
    put(to, "X-Content-Type-Options", "nosniff");
    put(to, "X-Frame-Options", "DENY");
    put(to, "Strict-Transport-Security", portal->tls ? "max-age=31536000" : NULL);
    put(to, "Cache-Control", special->keeping != NULL ? special->keeping : "no-store");
    put(to, "ETag", special->tag);
    put(to, "Vary", special->tag != NULL ? "Accept-Encoding" : NULL);
    put(to, "Content-Encoding", special->encoding);
    put(to, "Content-Disposition", special->disposition);
    put(to, "Allow", special->allow);
    put(to, "X-Accel-Buffering", special->buffering);
    put(to, "Set-Cookie", special->cookie);
    if (special->retry_seconds > 0) {
        (void)snprintf(to->retry, sizeof to->retry, "%u", special->retry_seconds);
        put(to, "Retry-After", to->retry);
    }
}

static void answer_with(struct exchange *exchange, unsigned status, struct str type,
                        struct str text, const struct special *special)
{
    struct headers headers;
    headers_fill(exchange->portal, special, &headers);
    /* Out of memory the peer gets no answer, and its connection ends with its patience. */
    UNHEEDED(http_answer_with(exchange->request, status, type, text, headers.of, headers.count));
}

void exchange_answer(struct exchange *exchange, unsigned status, struct str type, struct str text)
{
    answer_with(exchange, status, type, text, &(struct special){0});
}

void exchange_refuse(struct exchange *exchange, unsigned status, struct str text)
{
    const struct special special = {
        .retry_seconds = status == 503   ? 5
                         : status == 429 ? 1
                                         : 0,
        .allow = status == 405 ? "GET, HEAD" : NULL,
    };
    answer_with(exchange, status, STR("application/json"), text, &special);
}

/* ---- Files of the front end. */

/* RFC 9110, section 13.1.2: a list of tags, compared weakly, or '*'. */
bool portal_tag_is_known(struct str list, const char *tag)
{
    static const struct str weak = {"W/", 2};
    struct str ours = str_slice(str_from(tag), weak.size, SIZE_MAX);
    while (list.size > 0) {
        struct str one = str_trim(str_cut(&list, ','));
        if (str_starts(one, weak)) {
            one = str_slice(one, weak.size, SIZE_MAX);
        }
        if (str_equal(one, ours) || str_equal(one, STR("*"))) {
            return true;
        }
    }
    return false;
}

static bool weight_is_zero(struct str weight)
{
    static const struct str zero = {"q=0.000", 7};
    return weight.size >= 3 && str_starts(zero, weight);
}

/* RFC 9110, section 12.5.3.  Of weights only "not at all" is looked at. */
bool portal_takes_gzip(struct str accepted)
{
    while (accepted.size > 0) {
        struct str one = str_trim(str_cut(&accepted, ','));
        struct str coding = str_trim(str_cut(&one, ';'));
        if (str_equal_nocase(coding, STR("gzip"))) {
            return !weight_is_zero(str_trim(one));
        }
    }
    return false;
}

void exchange_answer_file(struct exchange *exchange, const struct site_file *file)
{
    bool page = str_starts(str_from(file->type), STR("text/html"));
    bool packed =
        file->gzip.size > 0 && portal_takes_gzip(http_header(exchange->request, "Accept-Encoding"));
    bool known = portal_tag_is_known(http_header(exchange->request, "If-None-Match"), file->tag);
    const struct special special = {
        .policy = page ? POLICY_SITE : NULL,
        .keeping = file->immutable ? "public, max-age=31536000, immutable" : "no-cache",
        .tag = file->tag,
        .encoding = packed && !known ? "gzip" : NULL,
    };
    struct headers headers;
    headers_fill(exchange->portal, &special, &headers);
    UNHEEDED(http_answer_kept(exchange->request, known ? 304 : 200,
                              known ? STR("") : str_from(file->type),
                              known    ? STR("")
                              : packed ? file->gzip
                                       : file->plain,
                              headers.of, headers.count));
}

/* ---- Answers of desk. */

/* The policy of a page names the one style that a page of ours has, by its hash (CSP level 3,
 * section 2.3.1: base64 of SHA-256). */
void portal_policy_print(char text[PORTAL_POLICY_SIZE])
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
    (void)snprintf(text, PORTAL_POLICY_SIZE,
                   "default-src 'none'; style-src 'sha256-%s'; form-action 'self'; "
                   "base-uri 'none'; frame-ancestors 'none'",
                   base64);
}

bool portal_token_fits(struct str token)
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
        return PORTAL_COOKIE "=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0";
    }
    if (!portal_token_fits(token)) {
        return NULL;
    }
    (void)snprintf(text, size, PORTAL_COOKIE "=%.*s; Path=/; Secure; HttpOnly; SameSite=Strict",
                   STR_ARG(token));
    return text;
}

void exchange_answer_stream(struct exchange *exchange, const struct api_answer *answer)
{
    struct headers headers;
    uint64_t id = exchange->id;
    headers_fill(exchange->portal, &(struct special){.buffering = "no"}, &headers);
    if (str_equal(http_method(exchange->request), STR("HEAD"))) { /* the end of chunks is a body */
        exchange->id = 0;
        exchange_answer(exchange, 200, STR("text/event-stream; charset=utf-8"), STR(""));
        portal_stream_gone(exchange->portal, id);
    } else if (!portal_stream_fits(exchange->portal, &exchange->peer)) {
        exchange->id = 0;
        exchange_refuse(exchange, 429, REFUSAL("too-many", "Too many streams are open."));
        portal_stream_gone(exchange->portal, id);
    } else if (http_stream(exchange->request, 200, STR("text/event-stream; charset=utf-8"),
                           headers.of, headers.count, PORTAL_STREAM_SIZE_MAX) != OK) {
        exchange->id = 0;
        exchange_refuse(exchange, 503, REFUSAL("unavailable", "The service cannot answer now."));
        portal_stream_gone(exchange->portal, id);
    } else {
        exchange->streams = true;
        portal_stream(exchange->portal, id, buf_str(&answer->body), false);
    }
}

/* A file's name in a header: letters, digits, '-', '_' and '.' alone; else it has none. */
static bool name_fits(struct str name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] != '.' && !portal_token_fits(str_slice(name, i, 1))) {
            return false;
        }
    }
    return name.size > 0 && name.size <= 128;
}

/* A package: kept by nobody on its way, and by the browser as a file. */
static void exchange_answer_package(struct exchange *exchange, const struct api_answer *answer)
{
    char disposition[192] = "attachment";
    struct headers headers;
    if (name_fits(answer->file.name)) {
        (void)snprintf(disposition, sizeof disposition, "attachment; filename=\"%.*s\"",
                       STR_ARG(answer->file.name));
    }
    headers_fill(exchange->portal, &(struct special){.disposition = disposition}, &headers);
    UNHEEDED(http_answer_file(exchange->request, answer->status, answer->type,
                              answer->file.descriptor, answer->file.size, headers.of,
                              headers.count));
}

void portal_answer(struct portal *portal, uint64_t id, const struct api_answer *answer)
{
    char cookie[256];
    struct exchange *exchange = portal_exchange(portal, id);
    bool streams = answer != NULL && portal_answer_streams(answer);
    bool package = answer != NULL && answer->file.name.size > 0;
    if (exchange == NULL || exchange->streams) {
        if (package) {
            (void)close(answer->file.descriptor);
        }
        if (streams) {
            portal_stream_gone(portal, id);
        }
        return;
    }
    if (streams) {
        exchange_answer_stream(exchange, answer);
        return;
    }
    exchange->id = 0;
    if (answer == NULL) {
        exchange_refuse(exchange, 503, REFUSAL("unavailable", "The service cannot answer now."));
        return;
    }
    if (package) {
        exchange_answer_package(exchange, answer);
        return;
    }
    const struct special special = {
        .policy = str_starts(answer->type, STR("text/html")) ? portal->page_policy : NULL,
        .cookie = cookie_print(answer->cookie, cookie, sizeof cookie),
        .retry_seconds = answer->retry_seconds,
        .disposition = str_starts(answer->type, STR("text/csv")) ? "attachment" : NULL,
    };
    answer_with(exchange, answer->status, answer->type, buf_str(&answer->body), &special);
}
