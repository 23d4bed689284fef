/*
 * Access logs of Apache httpd and nginx, "common" and "combined":
 *
 *     [HOST[:PORT]] CLIENT[, CLIENT…] IDENT USER [TIME] "REQUEST" STATUS BYTES ["REFERER" "AGENT"
 * …]
 *
 * Both write a quote inside a quoted part with a backslash before it or as \x22, so the first bare
 * quote ends the part.  What the request holds is hostile: it may have no blank, several, or be no
 * HTTP at all.  Then there is no method, and the whole of it is url.original.  "-" is missing
 * everywhere.  Whatever follows the user agent is left to the record's own text.
 */

#include <string.h>

#include "parse/private.h"

struct access {
    struct str host, port, client, user, request, status, bytes, referrer, agent;
    struct wall happened;
};

static bool access_read(struct str rest, struct access *ret);
static bool peers_read(struct str peers, struct access *ret);
static bool quoted_read(struct str *rest, struct str *ret);
static void request_tell(struct found *found, struct str request);
static void target_tell(struct found *found, struct str target);
static bool is_missing(struct str part);

bool combined_parse(struct found *found, struct str text, struct str program)
{
    struct access access = {0};
    if (!access_read(text, &access)) {
        return false;
    }
    found_peer(found, access.client, STR("source.address"), STR("source.ip"), STR("source.domain"));
    if (access.host.size > 0) {
        found_span(found, STR("url.domain"), access.host);
    }
    if (access.port.size > 0) {
        found_span(found, STR("url.port"), access.port);
    }
    if (!is_missing(access.user)) {
        found_span(found, STR("user.name"), access.user);
    }
    if (!is_missing(access.request)) {
        request_tell(found, access.request);
    }
    found_span(found, STR("http.response.status_code"), access.status);
    if (!is_missing(access.bytes)) {
        found_span(found, STR("http.response.body.bytes"), access.bytes);
    }
    if (!is_missing(access.referrer)) {
        found_span(found, STR("http.request.referrer"), access.referrer);
    }
    if (!is_missing(access.agent)) {
        found_span(found, STR("user_agent.original"), access.agent);
    }
    found_derive(found, STR("event.kind"), STR("event"));
    found_derive(found, STR("event.category"), STR("web"));
    found_derive(found, STR("event.type"), STR("access"));
    found_derive(found, STR("event.outcome"),
                 access.status.data[0] < '4' ? STR("success") : STR("failure"));
    builder_happened(found->builder, access.happened);
    bool nginx = str_starts(program, STR("nginx"));
    bool apache = str_starts(program, STR("apache")) || str_starts(program, STR("httpd"));
    builder_class(found->builder, nginx    ? STR("webserver/nginx/")
                                  : apache ? STR("webserver/apache/")
                                           : STR("webserver//"));
    return true;
}

static bool access_read(struct str rest, struct access *ret)
{
    struct str peers;
    /* A user name may hold blanks and brackets: the time is the first bracket that holds one. */
    struct str from = rest;
    for (;;) {
        if (!cursor_until(&from, '[', &peers)) {
            return false;
        }
        struct str at = from;
        if (stamp_clf(&at, &ret->happened) && cursor_literal(&at, STR("] "))) {
            from = at;
            break;
        }
    }
    peers = str_slice(rest, 0, (size_t)(from.data - rest.data));
    size_t bracket = peers.size;
    while (peers.data[bracket - 1] != '[') {
        bracket--;
    }
    if (!peers_read(str_slice(peers, 0, bracket - 1), ret) || !quoted_read(&from, &ret->request) ||
        !cursor_byte(&from, ' ') || !cursor_word(&from, &ret->status) || ret->status.size != 3 ||
        !text_is_number(ret->status)) {
        return false;
    }
    if (cursor_byte(&from, ' ') && cursor_word(&from, &ret->bytes)) {
        if (!is_missing(ret->bytes) &&
            (ret->bytes.size > 18 || ret->bytes.data[0] < '0' || ret->bytes.data[0] > '9')) {
            return false;
        }
        (void)(cursor_byte(&from, ' ') && quoted_read(&from, &ret->referrer) &&
               cursor_byte(&from, ' ') && quoted_read(&from, &ret->agent));
    }
    return true;
}

/* "CLIENT IDENT USER ", "HOST CLIENT IDENT USER ", where CLIENT may be "A, B, C". */
static bool peers_read(struct str peers, struct access *ret)
{
    struct str word;
    struct str next;
    if (peers.size == 0 || peers.data[peers.size - 1] != ' ') {
        return false;
    }
    peers.size--;
    if (!cursor_word(&peers, &word) || !cursor_byte(&peers, ' ')) {
        return false;
    }
    struct str after = peers;
    if (!text_is_address(word) && word.data[word.size - 1] != ',' && cursor_word(&after, &next) &&
        cursor_byte(&after, ' ')) {
        struct str bare = next;
        bare.size -= bare.data[bare.size - 1] == ',' ? 1 : 0;
        if (text_is_address(bare)) {
            ret->host = str_cut(&word, ':');
            ret->port = text_is_number(word) ? word : (struct str){0};
            word = next;
            peers = after;
        }
    }
    ret->client = word;
    while (word.data[word.size - 1] == ',') {
        if (!cursor_word(&peers, &word) || !cursor_byte(&peers, ' ')) {
            return false;
        }
    }
    ret->client.size -= ret->client.data[ret->client.size - 1] == ',' ? 1 : 0;
    if (ret->client.size == 0 || !cursor_word(&peers, &word) || !cursor_byte(&peers, ' ')) {
        return false;
    }
    ret->user = peers;
    return true;
}

static bool quoted_read(struct str *rest, struct str *ret)
{
    struct str at = *rest;
    if (!cursor_byte(&at, '"')) {
        return false;
    }
    size_t size = 0;
    while (size < at.size && at.data[size] != '"') {
        size += at.data[size] == '\\' ? 2 : 1;
    }
    if (size >= at.size) {
        return false;
    }
    *ret = str_slice(at, 0, size);
    *rest = text_from(at, size + 1);
    return true;
}

static bool is_method(struct str word)
{
    for (size_t i = 0; i < word.size; i++) {
        char c = word.data[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_')) {
            return false;
        }
    }
    return word.size > 0;
}

static void request_tell(struct found *found, struct str request)
{
    struct str rest = request;
    struct str method;
    if (!cursor_word(&rest, &method) || !is_method(method) || !cursor_byte(&rest, ' ')) {
        found_span(found, STR("url.original"), request);
        return;
    }
    found_span(found, STR("http.request.method"), method);
    for (size_t i = rest.size; i > 0; i--) {
        if (rest.data[i - 1] == ' ') {
            struct str tail = text_from(rest, i);
            if (cursor_literal(&tail, STR("HTTP/")) && tail.size > 0) {
                found_span(found, STR("http.version"), tail);
                rest.size = i - 1;
            }
            break;
        }
    }
    if (rest.size > 0) {
        target_tell(found, rest);
    }
}

static void target_tell(struct found *found, struct str target)
{
    found_span(found, STR("url.original"), target);
    size_t scheme = str_find(str_slice(target, 0, 16), STR("://"));
    if (scheme != STR_NONE && scheme > 0) {
        struct str rest = text_from(target, scheme + 3);
        size_t slash = str_find_byte(rest, '/');
        found_span(found, STR("url.scheme"), str_slice(target, 0, scheme));
        target = text_from(rest, slash == STR_NONE ? rest.size : slash);
    }
    if (target.size == 0 || target.data[0] != '/') {
        return;
    }
    size_t fragment = str_find_byte(target, '#');
    if (fragment != STR_NONE) {
        found_span(found, STR("url.fragment"), text_from(target, fragment + 1));
        target.size = fragment;
    }
    size_t query = str_find_byte(target, '?');
    found_span(found, STR("url.path"),
               str_slice(target, 0, query == STR_NONE ? target.size : query));
    if (query != STR_NONE) {
        found_span(found, STR("url.query"), text_from(target, query + 1));
    }
}

static bool is_missing(struct str part)
{
    return part.size == 0 || str_equal(part, STR("-"));
}
