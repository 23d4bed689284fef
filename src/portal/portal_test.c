/* The portal over real sockets on loopback; desk is a function of front_test.c. */

#include "portal/portal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "portal/front_test.h"
#include "portal/site.h"
#include "sys/clocks.h"
#include "sys/socket.h"
#include "testing/testing.h"

TEST(a_request_reaches_desk_as_it_was_received)
{
    struct front *front = front_new(NULL);
    const char *got = front_ask(
        front, "POST /api/v1/clients/a%2Fb/x?limit=%33&a=b HTTP/1.1\r\n" HEAD
               "Cookie: other=1; __Host-hinomi=abc-DEF_1; x=y\r\nAuthorization: Bearer t0k\r\n"
               "Sec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\n"
               "Content-Length: 2\r\n\r\n{}");
    CHECK(strcmp(front->asked, "POST /clients/a%2Fb/x ?limit=%33&a=b session=abc-DEF_1 bearer=t0k "
                               "own=1 type=application/json peer=127.0.0.1 body={}") == 0);
    CHECK(has(got, "HTTP/1.1 200") && has(got, "\r\n\r\n{\"a\":1}"));
    front_free(front);
}

TEST(every_answer_bears_the_security_headers)
{
    static const struct {
        const char *request, *status, *policy;
    } cases[] = {
        {"GET /api/v1/me HTTP/1.1\r\n" HEAD "\r\n", "200", POLICY_NONE},
        {"HEAD /api/v1/me HTTP/1.1\r\n" HEAD "\r\n", "200", POLICY_NONE},
        {"GET /no.such HTTP/1.1\r\n" HEAD "\r\n", "404", POLICY_NONE},
        {"POST /clients HTTP/1.1\r\n" HEAD "Content-Length: 0\r\n\r\n", "405", POLICY_NONE},
        {"GET /healthz HTTP/1.1\r\n" HEAD "\r\n", "200", POLICY_NONE},
        {"GET /readyz HTTP/1.1\r\n" HEAD "\r\n", "200", POLICY_NONE},
        {"GET /api/v1/openapi.yaml HTTP/1.1\r\n" HEAD "\r\n", "200", POLICY_NONE},
        {"POST /api/v1/x HTTP/1.1\r\n" HEAD "Content-Length: 99999999\r\n\r\n", "413", POLICY_NONE},
        {"OPTIONS / HTTP/1.1\r\n" HEAD "\r\n", "501", POLICY_NONE},
        {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "400", POLICY_NONE},
        {"GET / HTTP/1.1\r\nConnection: close\r\nHost: evil.example\r\n\r\n", "421", POLICY_NONE},
        {"GET / HTTP/1.1\r\n" HEAD "\r\n", "200", POLICY_SITE},
        {"HEAD / HTTP/1.1\r\n" HEAD "\r\n", "200", POLICY_SITE},
        {"GET / HTTP/1.1\r\n" HEAD "If-None-Match: *\r\n\r\n", "304", POLICY_SITE},
        {"GET /clients/acme HTTP/1.1\r\n" HEAD "\r\n", "200", POLICY_SITE},
    };
    struct front *front = front_new(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *got = front_ask(front, cases[i].request);
        CHECK(strncmp(got + sizeof "HTTP/1.1", cases[i].status, 3) == 0);
        CHECK(guarded(got, cases[i].policy));
    }
    CHECK(front->calls == 2);
    front->answer.type = STR("text/html; charset=utf-8");
    CHECK(guarded(front_ask(front, "GET /acknowledge/c0de HTTP/1.1\r\n" HEAD "\r\n"),
                  "default-src 'none'; style-src 'sha256-"));
    front_free(front);
}

/* The bytes of the answer's body, or NULL. */
static const char *content(const struct front *front, size_t *ret_size)
{
    const char *body = strstr(front->got, "\r\n\r\n");
    *ret_size = body != NULL ? front->got_size - (size_t)(body + 4 - front->got) : 0;
    return body != NULL ? body + 4 : NULL;
}

static bool content_is(const struct front *front, struct str bytes)
{
    size_t size;
    const char *body = content(front, &size);
    return body != NULL && str_equal(str_of(body, size), bytes);
}

TEST(every_file_of_the_front_end_is_given_as_it_is_packed_and_not_twice)
{
    struct front *front = front_new(NULL);
    const struct site_file *file;
    char request[512];
    for (size_t i = 0; (file = site_at(i)) != NULL; i++) {
        (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" HEAD "\r\n", file->path);
        CHECK(has(front_ask(front, request), file->type) && content_is(front, file->plain));
        CHECK(has(front->got, file->tag) && has(front->got, "\r\nVary: Accept-Encoding\r\n"));
        CHECK(has(front->got, file->immutable ? "public, max-age=31536000, immutable\r\n"
                                              : "Cache-Control: no-cache\r\n"));

        (void)snprintf(request, sizeof request,
                       "GET %s HTTP/1.1\r\n" HEAD "Accept-Encoding: br, gzip;q=0.8\r\n\r\n",
                       file->path);
        (void)front_ask(front, request);
        CHECK(has(front->got, "Content-Encoding: gzip") == (file->gzip.size > 0));
        CHECK(content_is(front, file->gzip.size > 0 ? file->gzip : file->plain));

        (void)snprintf(request, sizeof request,
                       "GET %s HTTP/1.1\r\n" HEAD "If-None-Match: \"x\", %s\r\n\r\n", file->path,
                       file->tag);
        CHECK(has(front_ask(front, request), "HTTP/1.1 304") && content_is(front, STR("")));
    }
    CHECK(site_at(0) != NULL);
    front_free(front);
}

TEST(an_address_of_the_front_end_shows_its_page_and_a_file_that_is_none_does_not)
{
    static const char *const pages[] = {"/", "/clients/acme/incidents/12", "/sign-in?then=%2Fx.y",
                                        "/index.html"};
    static const char *const nothing[] = {"/assets/nosuch-0a1b2c3d.js",
                                          "/assets/nosuch",
                                          "/api",
                                          "/api/v10/me",
                                          "/favicon.nosuch",
                                          "/a/../b.c"};
    struct front *front = front_new(NULL);
    char request[256];
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" HEAD "\r\n", pages[i]);
        CHECK(has(front_ask(front, request), "HTTP/1.1 200"));
        CHECK(content_is(front, site_page()->plain));
    }
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" HEAD "\r\n", nothing[i]);
        CHECK(has(front_ask(front, request), "HTTP/1.1 404"));
    }
    CHECK(front->calls == 0);
    CHECK(!has(front_ask(front, "GET / HTTP/1.1\r\n" HEAD "Accept-Encoding: gzip;q=0\r\n\r\n"),
               "Content-Encoding"));
    front_free(front);
}

TEST(what_the_process_can_say_itself_it_says_without_desk)
{
    struct front *front = front_new(NULL);
    CHECK(has(front_ask(front, "GET /healthz HTTP/1.1\r\n" HEAD "\r\n"), "\r\n\r\nok\n"));
    CHECK(has(front_ask(front, "GET /readyz HTTP/1.1\r\n" HEAD "\r\n"), "\r\n\r\nready\n"));
    CHECK(has(front_ask(front, "GET /api/v1/openapi.yaml HTTP/1.1\r\n" HEAD "\r\n"), "3.1.0"));
    CHECK(has(front_ask(front, "GET /api/v10/me HTTP/1.1\r\n" HEAD "\r\n"), "HTTP/1.1 404"));
    portal_ready(front->portal, false);
    CHECK(has(front_ask(front, "GET /healthz HTTP/1.1\r\n" HEAD "\r\n"), "\r\n\r\nok\n"));
    CHECK(has(front_ask(front, "GET /readyz HTTP/1.1\r\n" HEAD "\r\n"), "HTTP/1.1 503"));
    CHECK(has(front_ask(front, "GET /api/v1/me HTTP/1.1\r\n" HEAD "\r\n"), "Retry-After: 5"));
    CHECK(front->calls == 0);
    front_free(front);
}

TEST(a_session_leaves_in_a_cookie_that_scripts_and_other_sites_do_not_get)
{
    struct front *front = front_new(NULL);
    front->answer.cookie = STR("s3ss-ion_");
    CHECK(
        has(front_ask(front, "POST /api/v1/session HTTP/1.1\r\n" HEAD "Content-Length: 0\r\n\r\n"),
            "Set-Cookie: __Host-hinomi=s3ss-ion_; Path=/; Secure; HttpOnly; SameSite=Strict\r\n"));
    front->answer.cookie = STR("-");
    CHECK(has(front_ask(front, "DELETE /api/v1/session HTTP/1.1\r\n" HEAD "\r\n"), "Max-Age=0"));
    front->answer.cookie = STR("a\r\nX: y");
    CHECK(!has(front_ask(front, "GET /api/v1/me HTTP/1.1\r\n" HEAD "\r\n"), "Set-Cookie"));
    front_free(front);
}

TEST(only_our_own_pages_and_programs_are_of_the_same_origin)
{
    static const struct {
        const char *header;
        bool own;
    } cases[] = {
        {"Sec-Fetch-Site: same-origin\r\n", true},
        {"Sec-Fetch-Site: same-site\r\n", false},
        {"Sec-Fetch-Site: none\r\n", false},
        {"Sec-Fetch-Site: cross-site\r\nHinomi-Request: 1\r\n", false},
        {"Hinomi-Request: 1\r\n", true},
        {"Origin: https://soc.example\r\n", true},
        {"Origin: https://soc.example.evil.example\r\n", false},
        {"Origin: null\r\n", false},
        {"", false},
    };
    struct front *front = front_new(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char request[512];
        (void)snprintf(request, sizeof request, "POST /api/v1/x HTTP/1.1\r\n" HEAD "%s\r\n",
                       cases[i].header);
        (void)front_ask(front, request);
        CHECK(has(front->asked, cases[i].own ? " own=1 " : " own=0 "));
    }
    front_free(front);
}

TEST(a_head_that_two_readers_could_read_in_two_ways_is_refused_and_nothing_behind_it_is_read)
{
    static const char *const heads[] = {
        "Host: soc.example\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Host: soc.example\r\nContent-Length: 0\r\nContent-Length: 5\r\n",
        "Host: soc.example\r\nContent-Length: 0\r\nContent-Length: 0\r\n",
        "Host: soc.example\r\nTransfer-Encoding : chunked\r\nContent-Length: 5\r\n",
        "Host: soc.example\r\nTransfer-Encoding: xchunked\r\nContent-Length: 0\r\n",
        "Host: soc.example\r\nTransfer-Encoding: gzip, chunked\r\n",
        "Host: soc.example\r\nTransfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
        "Host: soc.example\r\nHost: evil.example\r\n",
        "Host: soc.example\r\nX-One: a\x01z\r\n",
    };
    struct front *front = front_new(NULL);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        char request[512];
        (void)snprintf(request, sizeof request,
                       "POST /api/v1/x HTTP/1.1\r\n%s\r\n0\r\n\r\n"
                       "GET /healthz HTTP/1.1\r\n" HEAD "\r\n",
                       heads[i]);
        const char *got = front_ask(front, request);
        CHECK(strncmp(got, "HTTP/1.1 400", 12) == 0);
        CHECK(has(got, "\r\nConnection: close\r\n") && !has(got, "HTTP/1.1 200"));
    }
    CHECK(front->calls == 0);
    front_free(front);
}

TEST(a_target_with_a_blank_in_it_is_refused)
{
    static const char *const targets[] = {"/api/v1/me ", "/api/v1/a b",
                                          "/api/v1/me?a=b HTTP/1.1 c"};
    struct front *front = front_new(NULL);
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        char request[512];
        (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" HEAD "\r\n", targets[i]);
        CHECK(strncmp(front_ask(front, request), "HTTP/1.1 400", 12) == 0);
    }
    CHECK(front->calls == 0);
    front_free(front);
}

TEST(what_is_asked_of_a_proxy_is_not_answered)
{
    static const char *const targets[] = {"http://soc.example/api/v1/me", "http://evil.example/",
                                          "soc.example:443", "*"};
    struct front *front = front_new(NULL);
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        char request[512];
        (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" HEAD "\r\n", targets[i]);
        CHECK(strncmp(front_ask(front, request), "HTTP/1.1 400", 12) == 0);
        CHECK(guarded(front->got, POLICY_NONE));
    }
    CHECK(front->calls == 0);
    front_free(front);
}

TEST(a_page_may_use_its_own_style_and_nothing_else)
{
    struct front *front = front_new(NULL);
    front->answer.type = STR("text/html; charset=utf-8");
    const char *got = front_ask(front, "GET /acknowledge/c0de HTTP/1.1\r\n" HEAD "\r\n");
    CHECK(has(front->asked, "GET /acknowledge/c0de ?"));
    CHECK(has(got, "default-src 'none'; style-src 'sha256-") && has(got, "form-action 'self'"));
    CHECK(has(got, "frame-ancestors 'none'"));
    front_free(front);
}

TEST(an_answer_may_come_later_or_never)
{
    struct front *front = front_new(NULL);
    front->later = true;
    CHECK(has(front_ask(front, "GET /api/v1/me HTTP/1.1\r\n" HEAD "\r\n"), "\r\n\r\n{\"a\":1}"));
    front->later = false;
    front->silent = true;
    CHECK(has(front_ask(front, "GET /api/v1/me HTTP/1.1\r\n" HEAD "\r\n"), "HTTP/1.1 503"));
    CHECK(guarded(front->got, POLICY_NONE));
    portal_answer(front->portal, 1, &front->answer);
    portal_answer(front->portal, 999, &front->answer);
    front_free(front);
}

TEST(a_body_is_read_as_far_as_its_limit)
{
    struct front *front = front_new(NULL);
    const size_t size = PORTAL_BODY_SIZE_MAX + 4096;
    char *request = malloc(size + 256);
    CHECK(request != NULL);
    int head = snprintf(
        request, 256,
        "POST /api/v1/x HTTP/1.1\r\n" HEAD "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", size);
    memset(request + head, 'x', size);
    memcpy(request + (size_t)head + size, "\r\n0\r\n\r\n", 8);
    const char *got = front_ask(front, request);
    CHECK(front->calls == 0 && (got[0] == '\0' || has(got, "HTTP/1.1 413")));
    free(request);
    front_free(front);
}

static void nobody(void *context, uint64_t id, const struct api_request *request)
{
    (void)context, (void)id, (void)request;
}

TEST(only_its_own_names_and_addresses_lead_to_the_portal)
{
    static const struct {
        const char *host;
        unsigned status;
    } cases[] = {
        {"Host: soc.example\r\n", 200},
        {"Host: SOC.Example.:8443\r\n", 200},
        {"Host: tower.wild.example\r\n", 200},
        {"Host: localhost:1\r\n", 200},
        {"Host: 192.0.2.1\r\n", 200},
        {"Host: [2001:db8::1]:443\r\n", 200},
        {"Host: evil.example\r\n", 421},
        {"Host: soc.example.evil.example\r\n", 421},
        {"Host: xsoc.example\r\n", 421},
        {"Host: wild.example\r\n", 421},
        {"Host: a.b.wild.example\r\n", 421},
        {"Host: *.wild.example\r\n", 200}, /* no name that anybody can have */
        {"Host: soc.example:8443.evil.example\r\n", 421},
        {"Host: [soc.example]\r\n", 421},
        {"Host: [::1].evil.example\r\n", 421},
        {"Host: 192.0.2.1.evil.example\r\n", 421},
        {"Host: :1\r\n", 421},
        {"Host: \r\n", 400},
        {"", 400},
    };
    struct front *front = front_new(NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char request[256];
        char status[16];
        (void)snprintf(request, sizeof request, "GET / HTTP/1.1\r\nConnection: close\r\n%s\r\n",
                       cases[i].host);
        (void)snprintf(status, sizeof status, "HTTP/1.1 %u", cases[i].status);
        CHECK(has(front_ask(front, request), status));
    }
    CHECK(has(front_ask(front, "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n"), "200"));
    front_free(front);
}

TEST(methods_that_nothing_here_knows_are_refused)
{
    static const char *const methods[] = {"OPTIONS", "TRACE", "CONNECT", "get", "BREW"};
    struct front *front = front_new(NULL);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        char request[128];
        (void)snprintf(request, sizeof request, "%s /api/v1/me HTTP/1.1\r\n" HEAD "\r\n",
                       methods[i]);
        CHECK(has(front_ask(front, request), "HTTP/1.1 501"));
    }
    CHECK(front->calls == 0);
    front_free(front);
}

TEST(who_asks_too_fast_waits_and_who_tries_secrets_waits_sooner)
{
    const struct portal_settings settings = {.names = STR("soc.example"), .tls = NULL, .rate = 1};
    struct front *front = front_new(&settings);
    unsigned tries = 0;
    unsigned all = 0;
    while (tries < 1000 && has(front_ask(front, "POST /api/v1/session HTTP/1.1\r\n" HEAD
                                                "Content-Length: 0\r\n\r\n"),
                               "HTTP/1.1 200")) {
        tries++;
    }
    CHECK(has(front->got, "HTTP/1.1 429") && has(front->got, "\r\nRetry-After: 1\r\n"));
    CHECK(guarded(front->got, POLICY_NONE) && front->calls == tries);
    while (all < 1000 && has(front_ask(front, "GET / HTTP/1.1\r\n" HEAD "\r\n"), "1.1 200")) {
        all++;
    }
    CHECK(has(front->got, "HTTP/1.1 429") && all > tries);
    /* The files of the pages are still there, but not without end: a burst, and so many a second.
     */
    const double rate = (double)PORTAL_FILES_FACTOR * PORTAL_PROXY_FACTOR;
    const double burst = rate * PORTAL_BURST_SECONDS;
    unsigned files = 0;
    const struct mono began = mono_now();
    while (files < 10000 &&
           has(front_ask(front, "GET /assets/nosuch HTTP/1.1\r\n" HEAD "\r\n"), "HTTP/1.1 404")) {
        files++;
    }
    CHECK(files < 10000 ? has(front->got, "HTTP/1.1 429") : files > burst);
    CHECK(files >= burst &&
          files <= burst + rate * ((double)mono_ms_since(began, mono_now()) / 1000 + 1));
    CHECK(has(front_ask(front, "GET /healthz HTTP/1.1\r\n" HEAD "\r\n"), "HTTP/1.1 200"));
    front_free(front);
}

TEST(a_certificate_that_is_none_is_refused_with_a_sentence)
{
    struct loop *loop;
    struct portal *portal;
    struct why why = {0};
    int listener;
    const struct http_tls tls = {STR("no certificate"), STR("no key")};
    const struct portal_settings settings = {.tls = &tls};
    CHECK(loop_new(&loop) == OK);
    CHECK(socket_listen_tcp("127.0.0.1", 0, &listener, NULL) == OK);
    CHECK(portal_new(loop, listener, &settings, nobody, NULL, NULL, &portal, &why) == ERR_SYNTAX);
    CHECK(has(why.text, "certificate"));
    socket_close(listener);
    loop_free(loop);
}

#define HOARDERS   40
#define HOARD_SIZE (2 * 1024 * 1024)

/* From 127.0.0.1 bodies that never end, then from 127.0.0.2 a request. */
static void *hoard_run(void *context)
{
    struct front *front = context;
    static const char head[] =
        "POST /api/v1/session HTTP/1.1\r\n" HEAD "Content-Length: 2097152\r\n\r\n";
    static const char request[] =
        "POST /api/v1/session HTTP/1.1\r\n" HEAD "Content-Length: 60000\r\n\r\n%060000d";
    int peers[HOARDERS];
    char *body = calloc(1, HOARD_SIZE);
    for (size_t i = 0; i < HOARDERS; i++) {
        peers[i] = front_connect(front, 1);
        (void)!send(peers[i], head, sizeof head - 1, MSG_NOSIGNAL);
        (void)!send(peers[i], body, HOARD_SIZE - 1, MSG_NOSIGNAL);
    }
    (void)usleep(700 * 1000); /* what the kernel still holds is read meanwhile */
    int other = front_connect(front, 2);
    (void)dprintf(other, request, 0);
    ssize_t size = read(other, front->got, GOT_SIZE - 1);
    front->got[size > 0 ? size : 0] = '\0';
    (void)close(other);
    for (size_t i = 0; i < HOARDERS; i++) {
        (void)close(peers[i]);
    }
    free(body);
    atomic_store(&front->done, true);
    return NULL;
}

TEST(bodies_that_never_end_do_not_shut_others_out)
{
    struct front *front = front_new(NULL);
    front_let(front, hoard_run);
    CHECK(has(front->got, "HTTP/1.1 200"));
    front_free(front);
}

#define CROWD 64

/* Heads that are never finished, from as many addresses as it takes, and somebody who means it. */
static void *crowd_and_one_more(void *context)
{
    static const char begun[] = "GET / HTTP/1.1\r\nX: ";
    static const char whole[] = "GET /healthz HTTP/1.1\r\n" HEAD "\r\n";
    struct front *front = context;
    int crowd[CROWD];
    for (uint32_t i = 0; i < CROWD; i++) {
        crowd[i] = front_connect(front, 2 + i / 8);
        (void)!send(crowd[i], begun, sizeof begun - 1, MSG_NOSIGNAL);
    }
    (void)usleep(100 * 1000);
    for (uint32_t i = 0; i < CROWD; i++) {
        (void)!send(crowd[i], "a", 1, MSG_NOSIGNAL); /* so nobody is silent */
    }
    int peer = front_connect(front, 100);
    (void)!send(peer, whole, sizeof whole - 1, MSG_NOSIGNAL);
    (void)!read(peer, front->got, GOT_SIZE - 1);
    (void)close(peer);
    for (uint32_t i = 0; i < CROWD; i++) {
        (void)close(crowd[i]);
    }
    atomic_store(&front->done, true);
    return NULL;
}

TEST(peers_that_finish_nothing_do_not_take_all_places)
{
    const struct portal_settings settings = {.names = STR("soc.example"), .connections_max = CROWD};
    struct front *front = front_new(&settings);
    front_let(front, crowd_and_one_more);
    CHECK(has(front->got, "HTTP/1.1 200"));
    front_free(front);
}
