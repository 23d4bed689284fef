/*
 * How a device hands its line over.
 *
 *     syslog-udp    one datagram
 *     syslog-tcp    the line and a line feed, on a connection that stays open
 *     http          POST /ingest/lines, a connection each; taken when the answer is 200
 *
 * A device binds its own address only where the listener is on loopback: elsewhere 127.0.0.11 would
 * be nobody's.
 */

#include "cmd/play_send.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/sender.h"

#define ADDRESS_SIZE 64
#define POST_MAX     ((size_t)128 * 1024)

struct device {
    int socket; /* -1: not open */
    bool complained;
};

struct play_devices {
    const struct story *story;
    struct play_target target;
    struct device *list;
};

static bool post(struct play_devices *devices, const struct story_device *device, struct device *at,
                 struct str line);

enum err play_devices_new(const struct story *story, const struct play_target *target,
                          struct play_devices **ret)
{
    struct play_devices *devices = calloc(1, sizeof *devices);
    if (devices == NULL) {
        return ERR_MEMORY;
    }
    devices->story = story;
    devices->target = *target;
    devices->list = calloc(story_devices(story), sizeof *devices->list);
    if (devices->list == NULL) {
        play_devices_free(devices);
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < story_devices(story); i++) {
        devices->list[i].socket = -1;
    }
    *ret = devices;
    return OK;
}

void play_devices_free(struct play_devices *devices)
{
    if (devices == NULL) {
        return;
    }
    for (size_t i = 0; devices->list != NULL && i < story_devices(devices->story); i++) {
        sender_close(devices->list[i].socket);
    }
    free(devices->list);
    free(devices);
}

/* Always false, so that failing is one line. */
static bool complain(const struct story_device *device, struct device *at, const char *reason)
{
    if (!at->complained) {
        (void)fprintf(stderr, "hinomi play: %.*s: %s\n", STR_ARG(device->slug), reason);
    }
    at->complained = true;
    sender_close(at->socket);
    at->socket = -1;
    return false;
}

static bool socket_open(struct play_devices *devices, const struct story_device *device,
                        struct device *at)
{
    const char *to = devices->target.to[device->how];
    char from[ADDRESS_SIZE] = "";
    struct why why = {0};
    if (address_is_loopback(to)) {
        (void)snprintf(from, sizeof from, "%.*s", STR_ARG(device->address));
    }
    enum err err = sender_open(device->how == STORY_SYSLOG_UDP, to,
                               devices->target.ports[device->how], from, &at->socket, &why);
    return err == OK || complain(device, at, why_text(&why, err));
}

bool play_devices_send(struct play_devices *devices, size_t index, struct str line)
{
    const struct story_device *device = story_device(devices->story, index);
    struct device *at = &devices->list[index];
    if (at->socket < 0 && !socket_open(devices, device, at)) {
        return false;
    }
    if (device->how == STORY_HTTP) {
        return post(devices, device, at, line);
    }
    enum err err = sender_send(at->socket, line);
    if (err == OK && device->how == STORY_SYSLOG_TCP) {
        err = sender_send(at->socket, STR("\n"));
    }
    return err == OK || complain(device, at, err_text(err));
}

static bool post(struct play_devices *devices, const struct story_device *device, struct device *at,
                 struct str line)
{
    struct buf request;
    char answer[16] = "";
    size_t got = 0;
    buf_init(&request, POST_MAX);
    enum err err = buf_print(&request,
                             "POST /ingest/lines HTTP/1.1\r\nHost: %s:%u\r\nContent-Type: %s\r\n"
                             "Content-Length: %zu\r\nConnection: close\r\n",
                             devices->target.to[STORY_HTTP], devices->target.ports[STORY_HTTP],
                             device->format == STORY_JSON ? "application/x-ndjson" : "text/plain",
                             line.size + 1);
    struct str token = device->token.size > 0 ? device->token : devices->target.token;
    if (err == OK && token.size > 0) {
        err = buf_print(&request, "Authorization: Bearer %.*s\r\n", STR_ARG(token));
    }
    err = err == OK ? buf_append(&request, STR("\r\n")) : err;
    err = err == OK ? buf_append(&request, line) : err;
    err = err == OK ? buf_append(&request, STR("\n")) : err;
    err = err == OK ? sender_send(at->socket, buf_str(&request)) : err;
    while (err == OK && got < strlen("HTTP/1.1 200")) {
        size_t more = 0;
        err = sender_answer(at->socket, answer + got, sizeof answer - 1 - got, &more);
        err = err == OK && more == 0 ? ERR_CLOSED : err;
        got += more;
    }
    buf_done(&request);
    if (err != OK) {
        return complain(device, at, err_text(err));
    }
    sender_close(at->socket);
    at->socket = -1;
    const char *status = answer + strlen("HTTP/1.1 ");
    return strncmp(status, "200", 3) == 0 ||
           complain(device, at,
                    strncmp(status, "401", 3) == 0 ? "its token is none that the service knows"
                                                   : "the post was refused");
}
