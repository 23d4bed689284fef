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

#define CLIENTS_MAX   8 /* Of a list that strangers may lengthen: the first ones. */
#define METHOD_MAX    24
#define EXTENSION_MAX 16

struct access {
    struct str host, port, user, request, status, bytes, referrer, agent;
    struct str clients[CLIENTS_MAX];
    size_t client_count;
    struct wall happened;
};

static bool access_read(struct str rest, struct access *ret);
static bool peers_read(struct str peers, struct access *ret);
static void peers_tell(struct found *found, const struct access *access);
static bool quoted_read(struct str *rest, struct str *ret);
static void request_tell(struct found *found, struct str request);
static void target_tell(struct found *found, struct str target);
static bool is_missing(struct str part);

bool combined_parse(struct found *found, struct str text)
{
    struct access access = {0};
    if (!access_read(text, &access)) {
        return false;
    }
    peers_tell(found, &access);
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
    struct str program = found_program(found);
    bool nginx = str_starts(program, STR("nginx"));
    bool apache = str_starts(program, STR("apache")) || str_starts(program, STR("httpd"));
    found_class(found, nginx    ? STR("webserver/nginx/")
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

/* A word of a list of addresses: "192.0.2.7," or "\"192.0.2.7,". */
static struct str address_of(struct str word)
{
    while (word.size > 0 && word.data[0] == '"') {
        word = text_from(word, 1);
    }
    while (word.size > 0 && (word.data[word.size - 1] == ',' || word.data[word.size - 1] == '"')) {
        word.size--;
    }
    return text_is_address(word) ? word : (struct str){0};
}

/* Whether a word that is no address is the client, after a host: nearly everybody's ident is "-".
 */
static bool is_named(struct str word, struct str after)
{
    struct str ident;
    return !str_equal(word, STR("-")) && cursor_word(&after, &ident) && cursor_byte(&after, ' ') &&
           after.size > 0 && (str_equal(ident, STR("-")) || word.data[word.size - 1] == ',');
}

/* "CLIENT IDENT USER ", "HOST CLIENT IDENT USER ", where CLIENT may be several addresses: those of
 * X-Forwarded-For, also in quotes, and who connected. */
static bool peers_read(struct str peers, struct access *ret)
{
    struct str word;
    struct str next;
    struct str after;
    if (peers.size == 0 || peers.data[peers.size - 1] != ' ') {
        return false;
    }
    peers.size--;
    if (!cursor_word(&peers, &word) || !cursor_byte(&peers, ' ')) {
        return false;
    }
    after = peers;
    if (word.data[0] != '"' && word.data[word.size - 1] != ',' && cursor_word(&after, &next) &&
        cursor_byte(&after, ' ') && (address_of(next).size > 0 || is_named(next, after))) {
        ret->host = str_cut(&word, ':');
        ret->port = text_is_number(word) ? word : (struct str){0};
        word = next;
        peers = after;
    }
    bool more = word.data[word.size - 1] == ',';
    word.size -= more && address_of(word).size == 0 ? 1 : 0;
    ret->clients[ret->client_count++] = address_of(word).size > 0 ? address_of(word) : word;
    after = peers;
    while (cursor_word(&after, &next) && cursor_byte(&after, ' ') &&
           (address_of(next).size > 0 || more)) {
        more = next.data[next.size - 1] == ',';
        if (ret->client_count < CLIENTS_MAX) {
            ret->clients[ret->client_count++] = address_of(next).size > 0 ? address_of(next) : next;
        }
        peers = after;
    }
    if (!cursor_word(&peers, &word) || !cursor_byte(&peers, ' ')) {
        return false;
    }
    ret->user = peers;
    return true;
}

/* An address of a network of somebody's own. */
static bool is_inner(struct str address)
{
    static const struct str begins[] = {STR("10."), STR("127."), STR("192.168."), STR("169.254."),
                                        STR("fc"),  STR("fd"),   STR("fe8"),      STR("::1")};
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        if (str_starts(address, begins[i])) {
            return true;
        }
    }
    int second;
    struct str rest = address;
    return cursor_literal(&rest, STR("172.")) && cursor_number(&rest, 3, &second) && second >= 16 &&
           second <= 31;
}

/* The first address that is of no inner network says who asked; where all are, the first. */
static void peers_tell(struct found *found, const struct access *access)
{
    size_t who = 0;
    while (who + 1 < access->client_count && is_inner(access->clients[who])) {
        who++;
    }
    who = is_inner(access->clients[who]) ? 0 : who;
    found_peer(found, access->clients[who], STR("source.address"), STR("source.ip"),
               STR("source.domain"));
    for (size_t i = 0; i < access->client_count; i++) {
        if (text_is_address(access->clients[i])) {
            found_span(found, STR("related.ip"), access->clients[i]);
        }
    }
    if (access->host.size > 0) {
        bool address = text_is_address(access->host);
        found_span(found, STR("url.domain"), access->host);
        found_span(found, address ? STR("destination.ip") : STR("destination.domain"),
                   access->host);
        if (address) {
            found_span(found, STR("related.ip"), access->host);
        }
    }
    if (access->port.size > 0) {
        found_span(found, STR("url.port"), access->port);
        found_span(found, STR("destination.port"), access->port);
    }
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

/* Letters, as all that there are; or whatever RFC 9110 allows, of a line that ends as one of HTTP.
 */
static bool is_method(struct str word, struct str request)
{
    size_t letters = 0;
    for (size_t i = 0; i < word.size; i++) {
        char c = word.data[i];
        bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '_';
        letters += letter ? 1 : 0;
        if (!letter && !(c >= '0' && c <= '9') && memchr("!#$%&'*+.^`|~", c, 13) == NULL) {
            return false;
        }
    }
    size_t version = request.size > 9 ? request.size - 9 : 0;
    return word.size > 0 &&
           (letters == word.size ||
            (word.size <= METHOD_MAX && str_starts(text_from(request, version), STR(" HTTP/"))));
}

static void request_tell(struct found *found, struct str request)
{
    struct str rest = request;
    struct str method;
    if (!cursor_word(&rest, &method) || !is_method(method, request) || !cursor_byte(&rest, ' ')) {
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

static void extension_tell(struct found *found, struct str path)
{
    for (size_t i = path.size; i > 1 && path.size - i < EXTENSION_MAX && path.data[i - 1] != '/';
         i--) {
        if (path.data[i - 1] == '.') {
            if (i < path.size) {
                found_span(found, STR("url.extension"), text_from(path, i));
            }
            return;
        }
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
    struct str path = str_slice(target, 0, query == STR_NONE ? target.size : query);
    found_span(found, STR("url.path"), path);
    extension_tell(found, path);
    if (query != STR_NONE) {
        found_span(found, STR("url.query"), text_from(target, query + 1));
    }
}

static bool is_missing(struct str part)
{
    return part.size == 0 || str_equal(part, STR("-"));
}
