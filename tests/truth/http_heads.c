/* http_heads: says its port, then answers each request with "METHOD TARGET SIZE", until its input
 * ends; beside tests/truth/http_oracle.py. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sys/http.h"

static void must(enum err err, const char *what)
{
    if (err != OK) {
        (void)fprintf(stderr, "http_heads: %s\n", what);
        exit(2);
    }
}

static void request_begin(void *context, struct http_request *request)
{
    (void)context;
    size_t *size = calloc(1, sizeof *size);
    must(size != NULL ? OK : ERR_MEMORY, "memory");
    http_attach(request, size);
}

static bool request_body(void *context, struct http_request *request, struct str bytes)
{
    (void)context;
    *(size_t *)http_attached(request) += bytes.size;
    return true;
}

static void request_end(void *context, struct http_request *request)
{
    char text[512];
    (void)context;
    int size = snprintf(text, sizeof text, "%.*s %.*s %zu", STR_ARG(http_method(request)),
                        STR_ARG(http_target(request)), *(size_t *)http_attached(request));
    struct str body = str_of(text, (size_t)size < sizeof text ? (size_t)size : sizeof text - 1);
    must(http_answer(request, 200, STR("text/plain"), body, 0), "an answer");
}

static void request_gone(void *context, struct http_request *request)
{
    (void)context;
    free(http_attached(request));
}

static void input_ended(void *context, int descriptor, unsigned events)
{
    char byte;
    (void)events;
    if (read(descriptor, &byte, 1) <= 0) {
        loop_stop(context);
    }
}

int main(void)
{
    static const struct http_calls calls = {NULL, request_begin, request_body, request_end,
                                            request_gone};
    struct loop *loop;
    struct watch *watch;
    struct http *http;
    struct why why = {0};
    uint16_t port;
    int listener;
    must(loop_new(&loop), "a loop");
    must(socket_listen_tcp("127.0.0.1", 0, &listener, &why), why.text);
    must(socket_port(listener, &port), "a port");
    must(watch_new(loop, STDIN_FILENO, input_ended, loop, &watch), "a watch");
    watch_set(watch, WATCH_READ);
    must(http_new(loop, listener, 512, 60, &calls, &http, &why), why.text);
    http_start(http);
    (void)printf("%u\n", port);
    (void)fflush(stdout);
    loop_run(loop);
    http_free(http);
    watch_free(watch);
    loop_free(loop);
    return 0;
}
