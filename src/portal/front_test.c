/* A portal over real sockets, whose loop runs here and whose peers are threads, since they wait. */

#include "portal/front_test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "sys/socket.h"
#include "testing/testing.h"

static void answer_later(void *context)
{
    struct front *front = context;
    portal_answer(front->portal, front->id, &front->answer);
}

static void desk(void *context, uint64_t id, const struct api_request *request)
{
    struct front *front = context;
    front->calls++;
    front->id = id;
    (void)snprintf(front->asked, sizeof front->asked,
                   "%.*s %.*s ?%.*s session=%.*s bearer=%.*s own=%d type=%.*s peer=%.*s body=%.*s",
                   STR_ARG(request->method), STR_ARG(request->path), STR_ARG(request->query),
                   STR_ARG(request->session), STR_ARG(request->bearer), request->same_origin,
                   STR_ARG(request->type), STR_ARG(request->peer), STR_ARG(request->body));
    if (front->later) {
        timer_set(front->timer, front->later_ms > 0 ? front->later_ms : 20, 0);
    } else {
        portal_answer(front->portal, id, front->silent ? NULL : &front->answer);
    }
}

static void desk_gone(void *context, uint64_t id)
{
    struct front *front = context;
    front->gone++;
    front->gone_id = id;
}

static void peer_watch(void *context)
{
    struct front *front = context;
    if (front->each_ms != NULL) {
        front->each_ms(front);
    }
    if (atomic_load(&front->done)) {
        timer_stop(front->watch);
        loop_stop(front->loop);
    }
}

struct front *front_new(const struct portal_settings *settings)
{
    struct front *front = calloc(1, sizeof *front);
    int listener;
    const struct portal_settings usual = {.openapi = STR("openapi: 3.1.0\n"),
                                          .names = STR("soc.example\n*.wild.example"),
                                          .connections_max = 512};
    CHECK(front != NULL);
    CHECK(loop_new(&front->loop) == OK);
    CHECK(socket_listen_tcp("127.0.0.1", 0, &listener, NULL) == OK);
    CHECK(socket_port(listener, &front->port) == OK);
    CHECK(portal_new(front->loop, listener, settings != NULL ? settings : &usual, desk, desk_gone,
                     front, &front->portal, NULL) == OK);
    CHECK(timer_new(front->loop, answer_later, front, &front->timer) == OK);
    CHECK(timer_new(front->loop, peer_watch, front, &front->watch) == OK);
    portal_start(front->portal);
    portal_ready(front->portal, true);
    front->answer = (struct api_answer){.status = 200, .type = STR("application/json")};
    buf_init(&front->answer.body, 1024);
    CHECK(buf_append(&front->answer.body, STR("{\"a\":1}")) == OK);
    front->got = calloc(1, GOT_SIZE);
    CHECK(front->got != NULL);
    return front;
}

void front_free(struct front *front)
{
    timer_free(front->timer);
    timer_free(front->watch);
    portal_free(front->portal);
    loop_free(front->loop);
    api_answer_done(&front->answer);
    free(front->got);
    free(front);
}

int front_connect(const struct front *front, uint32_t last)
{
    const struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(0x7f000000 | last)}};
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(front->port),
                                        .sin_addr = {htonl(INADDR_LOOPBACK)}};
    const struct timeval patience = {.tv_sec = 5};
    int peer = socket(AF_INET, SOCK_STREAM, 0);
    if (peer >= 0) {
        (void)setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        (void)bind(peer, (const struct sockaddr *)&here, sizeof here);
        (void)connect(peer, (const struct sockaddr *)&address, sizeof address);
    }
    return peer;
}

static void *peer_run(void *context)
{
    struct front *front = context;
    int peer = front_connect(front, 1);
    size_t size = strlen(front->sends);
    front->got_size = 0;
    for (size_t sent = 0; sent < size;) {
        ssize_t part = send(peer, front->sends + sent, size - sent, MSG_NOSIGNAL);
        if (part <= 0) {
            break;
        }
        sent += (size_t)part;
    }
    for (;;) {
        ssize_t part = read(peer, front->got + front->got_size, GOT_SIZE - 1 - front->got_size);
        if (part <= 0) {
            break;
        }
        front->got_size += (size_t)part;
    }
    front->got[front->got_size] = '\0';
    (void)close(peer);
    atomic_store(&front->done, true);
    return NULL;
}

const char *front_ask(struct front *front, const char *sends)
{
    front->sends = sends;
    front->asked[0] = '\0';
    front_let(front, peer_run);
    return front->got;
}

void front_let(struct front *front, void *(*run)(void *))
{
    pthread_t thread;
    atomic_store(&front->done, false);
    timer_set(front->watch, 1, 1);
    CHECK(pthread_create(&thread, NULL, run, front) == 0);
    loop_run(front->loop);
    CHECK(pthread_join(thread, NULL) == 0);
}

bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

bool guarded(const char *got, const char *policy)
{
    static const char *const headers[] = {
        "\r\nX-Content-Type-Options: nosniff\r\n",
        "\r\nX-Frame-Options: DENY\r\n",
        "\r\nReferrer-Policy: no-referrer\r\n",
        "\r\nCross-Origin-Opener-Policy: same-origin\r\n",
        "\r\nCross-Origin-Resource-Policy: same-origin\r\n",
        "\r\nPermissions-Policy: accelerometer=(), ",
        "\r\nCache-Control: ",
    };
    bool all = true;
    char line[512];
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        all = all && has(got, headers[i]);
    }
    (void)snprintf(line, sizeof line, "\r\nContent-Security-Policy: %s", policy);
    return all && has(got, line) && !has(got, "unsafe") && !has(got, "Strict-Transport");
}
