/* The asker's side of the control socket: one request, then output until it is done. */

#include "serve/serve.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "serve/message.h"

const char *control_purpose(enum control_command command)
{
    static const char *const purposes[CONTROL_COMMAND_COUNT] = {
        "tenant apply",   "tenant export", "tenant list", "search",       "alerts",
        "books",          "api",           "tenant key",  "rules import", "rules use",
        "rules editions", "rules try",     "scan",        "explain",      "books minutes",
        "devices",        "provision",     "backup",
    };
    return purposes[command];
}

int control_code(enum err err)
{
    switch (err) {
    case OK:
        return 0;
    case ERR_SYNTAX:
    case ERR_UNSUPPORTED:
    case ERR_LIMIT:
    case ERR_NOT_FOUND:
    case ERR_CONFLICT:
    case ERR_EXISTS:
        return 65;
    case ERR_DENIED:
        return 77;
    case ERR_AGAIN:
        return 75;
    default:
        return 74;
    }
}

static enum err packet_wait(int channel, short events)
{
    struct pollfd wait = {.fd = channel, .events = events};
    int result;
    do {
        result = poll(&wait, 1, -1);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? ERR_IO : OK;
}

static enum err request_send(int channel, const struct control_request *request)
{
    const struct message message = {.type = MESSAGE_REQUEST,
                                    .request = {.command = request->command,
                                                .from = (uint64_t)request->from.ns,
                                                .to = (uint64_t)request->to.ns,
                                                .format = request->format,
                                                .count = request->count,
                                                .after = request->after,
                                                .limit = request->limit,
                                                .tenant = request->tenant,
                                                .argument = request->argument,
                                                .note = request->note,
                                                .text = request->text}};
    enum err err;
    while ((err = message_send(channel, &message)) == ERR_AGAIN) {
        err = packet_wait(channel, POLLOUT);
        if (err != OK) {
            return err;
        }
    }
    return err;
}

/* An answer that is a file: read on from its beginning, a piece at a time. */
static enum err file_output(int descriptor, control_output *output, void *context)
{
    static char piece[65536];
    off_t at = 0;
    enum err err = OK;
    ssize_t got = 1;
    while (err == OK && got > 0) {
        got = pread(descriptor, piece, sizeof piece, at);
        if (got < 0) {
            err = err_from_errno(errno);
        } else if (got > 0) {
            at += got;
            err = output(context, str_of(piece, (size_t)got));
        }
    }
    return err;
}

enum err control_call(const char *data, const struct control_request *request,
                      control_output *output, void *context, int *ret_code, struct why *why)
{
    int channel;
    enum err err = channel_connect(data, "control.sock", &channel);
    if (err != OK) {
        return err == ERR_NOT_FOUND
                   ? err
                   : why_say(why, err, 0, "%s/control.sock: %s", data, err_text(err));
    }
    char *packet = malloc(MESSAGE_SIZE_MAX);
    err = packet == NULL ? ERR_MEMORY : request_send(channel, request);
    if (err == ERR_CLOSED) {
        err = why_say(why, err, 0, "the service ended before it was asked; ask again");
    }
    bool done = false;
    while (err == OK && !done) {
        struct message message;
        err = message_receive(channel, packet, &message);
        if (err == ERR_AGAIN) {
            err = packet_wait(channel, POLLIN);
            continue;
        }
        if (err == ERR_CLOSED) {
            err = why_say(why, err, 0,
                          "the answer broke off: the service ended, or the search took too long; "
                          "ask again, or for less");
        }
        if (err != OK) {
            break;
        }
        if (message.type == MESSAGE_OUTPUT && message.descriptors_count == 1) {
            err = file_output(message.descriptors[0], output, context);
        } else if (message.type == MESSAGE_OUTPUT) {
            err = output(context, message.output.text);
        } else if (message.type == MESSAGE_DONE) {
            *ret_code = (int)message.done.code;
            (void)why_say(why, OK, 0, "%.*s", STR_ARG(message.done.error));
            done = true;
        }
        message_done(&message);
    }
    free(packet);
    (void)close(channel);
    return err;
}
