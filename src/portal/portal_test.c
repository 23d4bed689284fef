/* The portal over real sockets on loopback; desk is a function of this file. */

#include "portal/portal.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/loop.h"
#include "sys/socket.h"
#include "testing/testing.h"

#define TEXT_SIZE (64 * 1024)

struct front {
    struct loop *loop;
    struct portal *portal;
    struct timer *timer, *watch;
    atomic_bool done; /* the peer's thread */
    uint16_t port;
    /* What desk was asked last, and what it says. */
    char asked[TEXT_SIZE];
    struct api_answer answer;
    bool silent, later;
    uint64_t later_id;
    unsigned calls;
    /* What the peer sends, and gets. */
    const char *sends;
    char *got;
    size_t got_size;
};

static void answer_later(void *context)
{
    struct front *front = context;
    portal_answer(front->portal, front->later_id, &front->answer);
}

static void desk(void *context, uint64_t id, const struct api_request *request)
{
    struct front *front = context;
    front->calls++;
    (void)snprintf(front->asked, sizeof front->asked,
                   "%.*s %.*s ?%.*s session=%.*s bearer=%.*s own=%d type=%.*s peer=%.*s body=%.*s",
                   STR_ARG(request->method), STR_ARG(request->path), STR_ARG(request->query),
                   STR_ARG(request->session), STR_ARG(request->bearer), request->same_origin,
                   STR_ARG(request->type), STR_ARG(request->peer), STR_ARG(request->body));
    if (front->later) {
        front->later_id = id;
        timer_set(front->timer, 20, 0);
    } else {
        portal_answer(front->portal, id, front->silent ? NULL : &front->answer);
    }
}

static void peer_watch(void *context)
{
    struct front *front = context;
    if (atomic_load(&front->done)) {
        timer_stop(front->watch);
        loop_stop(front->loop);
    }
}

static struct front *front_new(void)
{
    struct front *front = calloc(1, sizeof *front);
    int listener;
    const struct portal_settings settings = {.openapi = STR("openapi: 3.1.0\n"),
                                             .connections_max = 256};
    CHECK(front != NULL);
    CHECK(loop_new(&front->loop) == OK);
    CHECK(socket_listen_tcp("127.0.0.1", 0, &listener, NULL) == OK);
    CHECK(socket_port(listener, &front->port) == OK);
    CHECK(portal_new(front->loop, listener, &settings, desk, front, &front->portal, NULL) == OK);
    CHECK(timer_new(front->loop, answer_later, front, &front->timer) == OK);
    CHECK(timer_new(front->loop, peer_watch, front, &front->watch) == OK);
    portal_start(front->portal);
    portal_ready(front->portal, true);
    front->answer = (struct api_answer){.status = 200, .type = STR("application/json")};
    buf_init(&front->answer.body, 1024);
    CHECK(buf_append(&front->answer.body, STR("{\"a\":1}")) == OK);
    front->got = malloc(TEXT_SIZE);
    CHECK(front->got != NULL);
    return front;
}

static void front_free(struct front *front)
{
    timer_free(front->timer);
    timer_free(front->watch);
    portal_free(front->portal);
    loop_free(front->loop);
    api_answer_done(&front->answer);
    free(front->got);
    free(front);
}

/* The peer is a thread, since it waits. */
static void *peer_run(void *context)
{
    struct front *front = context;
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(front->port),
                                        .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int peer = socket(AF_INET, SOCK_STREAM, 0);
    size_t size = strlen(front->sends);
    front->got_size = 0;
    if (connect(peer, (const struct sockaddr *)&address, sizeof address) == 0) {
        for (size_t sent = 0; sent < size;) {
            ssize_t part = send(peer, front->sends + sent, size - sent, MSG_NOSIGNAL);
            if (part <= 0) {
                break;
            }
            sent += (size_t)part;
        }
        for (;;) {
            ssize_t part =
                read(peer, front->got + front->got_size, TEXT_SIZE - 1 - front->got_size);
            if (part <= 0) {
                break;
            }
            front->got_size += (size_t)part;
        }
    }
    front->got[front->got_size] = '\0';
    close(peer);
    atomic_store(&front->done, true);
    return NULL;
}

static const char *front_ask(struct front *front, const char *sends)
{
    pthread_t thread;
    front->sends = sends;
    front->asked[0] = '\0';
    atomic_store(&front->done, false);
    timer_set(front->watch, 1, 1);
    CHECK(pthread_create(&thread, NULL, peer_run, front) == 0);
    loop_run(front->loop);
    CHECK(pthread_join(thread, NULL) == 0);
    return front->got;
}

static bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

#define HEAD "Host: soc.example\r\nConnection: close\r\n"

TEST(a_request_reaches_desk_as_it_was_received)
{
    struct front *front = front_new();
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
    static const char *const requests[] = {
        "GET /api/v1/me HTTP/1.1\r\n" HEAD "\r\n",
        "GET /nosuch HTTP/1.1\r\n" HEAD "\r\n",
        "GET /healthz HTTP/1.1\r\n" HEAD "\r\n",
        "GET /readyz HTTP/1.1\r\n" HEAD "\r\n",
        "GET /api/v1/openapi.yaml HTTP/1.1\r\n" HEAD "\r\n",
        "POST /api/v1/x HTTP/1.1\r\n" HEAD "Content-Length: 99999999\r\n\r\n",
    };
    struct front *front = front_new();
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        const char *got = front_ask(front, requests[i]);
        CHECK(has(got, "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"));
        CHECK(has(got, "X-Content-Type-Options: nosniff\r\n") && has(got, "no-referrer\r\n"));
        CHECK(has(got, "Cache-Control: no-store\r\n") && !has(got, "Strict-Transport"));
    }
    CHECK(front->calls == 1);
    front_free(front);
}

TEST(what_the_process_can_say_itself_it_says_without_desk)
{
    struct front *front = front_new();
    CHECK(has(front_ask(front, "GET /healthz HTTP/1.1\r\n" HEAD "\r\n"), "\r\n\r\nok\n"));
    CHECK(has(front_ask(front, "GET /readyz HTTP/1.1\r\n" HEAD "\r\n"), "\r\n\r\nready\n"));
    CHECK(has(front_ask(front, "GET /api/v1/openapi.yaml HTTP/1.1\r\n" HEAD "\r\n"), "3.1.0"));
    CHECK(has(front_ask(front, "GET / HTTP/1.1\r\n" HEAD "\r\n"), "HTTP/1.1 404"));
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
    struct front *front = front_new();
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
    struct front *front = front_new();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char request[512];
        (void)snprintf(request, sizeof request, "POST /api/v1/x HTTP/1.1\r\n" HEAD "%s\r\n",
                       cases[i].header);
        (void)front_ask(front, request);
        CHECK(has(front->asked, cases[i].own ? " own=1 " : " own=0 "));
    }
    front_free(front);
}

TEST(a_page_may_use_its_own_style_and_nothing_else)
{
    struct front *front = front_new();
    front->answer.type = STR("text/html; charset=utf-8");
    const char *got = front_ask(front, "GET /acknowledge/c0de HTTP/1.1\r\n" HEAD "\r\n");
    CHECK(has(front->asked, "GET /acknowledge/c0de ?"));
    CHECK(has(got, "default-src 'none'; style-src 'sha256-") && has(got, "form-action 'self'"));
    CHECK(has(got, "frame-ancestors 'none'"));
    front_free(front);
}

TEST(an_answer_may_come_later_or_never)
{
    struct front *front = front_new();
    front->later = true;
    CHECK(has(front_ask(front, "GET /api/v1/me HTTP/1.1\r\n" HEAD "\r\n"), "\r\n\r\n{\"a\":1}"));
    front->later = false;
    front->silent = true;
    CHECK(has(front_ask(front, "GET /api/v1/me HTTP/1.1\r\n" HEAD "\r\n"), "HTTP/1.1 503"));
    portal_answer(front->portal, 1, &front->answer);
    portal_answer(front->portal, 999, &front->answer);
    front_free(front);
}

TEST(a_body_is_read_as_far_as_its_limit)
{
    struct front *front = front_new();
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
    CHECK(portal_new(loop, listener, &settings, desk, NULL, &portal, &why) == ERR_SYNTAX);
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
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(front->port),
                                        .sin_addr = {htonl(INADDR_LOOPBACK)}};
    static const char head[] =
        "POST /api/v1/session HTTP/1.1\r\n" HEAD "Content-Length: 2097152\r\n\r\n";
    static const char request[] =
        "POST /api/v1/session HTTP/1.1\r\n" HEAD "Content-Length: 60000\r\n\r\n%060000d";
    int peers[HOARDERS];
    char *body = calloc(1, HOARD_SIZE);
    for (size_t i = 0; i < HOARDERS; i++) {
        peers[i] = socket(AF_INET, SOCK_STREAM, 0);
        (void)connect(peers[i], (const struct sockaddr *)&address, sizeof address);
        (void)!send(peers[i], head, sizeof head - 1, MSG_NOSIGNAL);
        (void)!send(peers[i], body, HOARD_SIZE - 1, MSG_NOSIGNAL);
    }
    (void)usleep(700 * 1000); /* what the kernel still holds is read meanwhile */
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    int other = socket(AF_INET, SOCK_STREAM, 0);
    (void)bind(other, (const struct sockaddr *)&here, sizeof here);
    (void)connect(other, (const struct sockaddr *)&address, sizeof address);
    (void)dprintf(other, request, 0);
    ssize_t size = read(other, front->got, TEXT_SIZE - 1);
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
    struct front *front = front_new();
    pthread_t thread;
    atomic_store(&front->done, false);
    timer_set(front->watch, 1, 1);
    CHECK(pthread_create(&thread, NULL, hoard_run, front) == 0);
    loop_run(front->loop);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(has(front->got, "HTTP/1.1 200"));
    front_free(front);
}
