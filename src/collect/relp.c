/*
 * RELP, the Reliable Event Logging Protocol: each record has a number, and its number comes back
 * when the record is on disk.
 *
 *     client  1 open 85 relp_version=0 … commands=syslog      server  1 rsp … 200 OK and the same
 *             2 syslog 30 <13>…                                       2 rsp 6 200 OK, when kept
 *             3 close 0                                               3 rsp 0, 0 serverclose 0
 *
 * OUR implementation: numbers need not follow each other, as resends make gaps; they are given back
 * as they came.  A record over RECORD_SIZE_MAX is counted as rejected and then answered like the
 * others: a sender that is told "500" sends the same again for ever, and nothing behind it.
 */

#include "collect/connection.h"

#include <stdlib.h>

#define OFFER "200 OK\nrelp_version=0\nrelp_software=hinomi," HINOMI_VERSION "\ncommands=syslog"

struct relp {
    struct relp_reader reader;
    bool open;
};

static enum err relp_begin(struct connection *connection)
{
    connection->state = calloc(1, sizeof(struct relp));
    return connection->state == NULL ? ERR_MEMORY : OK;
}

static void relp_end(struct connection *connection)
{
    free(connection->state);
}

static enum err respond(struct connection *connection, uint32_t number, struct str text)
{
    struct buf line;
    buf_init(&line, 1024);
    enum err err = buf_print(&line, "%u rsp %zu%s%.*s\n", number, text.size,
                             text.size > 0 ? " " : "", STR_ARG(text));
    if (err == OK) {
        err = connection_answer(connection, buf_str(&line));
    }
    buf_done(&line);
    return err;
}

static void refuse(struct connection *connection, const struct relp_frame *frame,
                   struct str sentence)
{
    UNHEEDED(respond(connection, frame->number, sentence)); /* it is ended anyhow */
    connection_finish(connection);
}

static enum err open_take(struct connection *connection, const struct relp_frame *frame)
{
    struct relp *relp = connection->state;
    if (relp->open || str_find(frame->data, STR("syslog")) == STR_NONE) {
        refuse(connection, frame, STR("500 one open, which offers the command syslog"));
        return OK;
    }
    relp->open = true;
    return respond(connection, frame->number, STR(OFFER));
}

static enum err frame_take(struct connection *connection, const struct relp_frame *frame)
{
    struct relp *relp = connection->state;
    if (str_equal(frame->command, STR("open"))) {
        return open_take(connection, frame);
    }
    if (str_equal(frame->command, STR("close"))) {
        enum err err = respond(connection, frame->number, STR(""));
        if (err == OK) {
            err = connection_answer(connection, STR("0 serverclose 0\n"));
        }
        connection_finish(connection);
        return err;
    }
    if (!relp->open || !str_equal(frame->command, STR("syslog"))) {
        refuse(connection, frame, STR("500 open first, then syslog or close"));
        return OK;
    }
    struct str record = frame->data;
    while (record.size > 0 && record.data[record.size - 1] == '\n') {
        record.size--; /* of senders that frame twice */
    }
    return record.size > 0 ? awaited_add(connection, record, frame->number)
                           : awaited_pass(connection, frame->number);
}

static enum err too_long(struct connection *connection, const struct relp_frame *frame)
{
    const struct relp *relp = connection->state;
    struct collect *collect = connection->listener->collect;
    if (!relp->open || !str_equal(frame->command, STR("syslog"))) {
        return ERR_SYNTAX;
    }
    enum err err = awaited_pass(connection, frame->number);
    if (err == OK) {
        reject_add(collect, connection_binding(connection), REJECT_TOO_LONG, 1);
        collect_say(collect, "listener %s: a record of %s is over %d bytes",
                    connection->listener->name, connection->peer.text, RECORD_SIZE_MAX);
    }
    return err;
}

static enum err relp_take(struct connection *connection, struct str input, size_t *ret_used)
{
    struct relp *relp = connection->state;
    struct collect *collect = connection->listener->collect;
    size_t done = 0;
    enum err err = connection_binding(connection) == NULL ? ERR_DENIED : OK;
    connection->waiting = !relp->open;
    while (err == OK && !connection->closing && !connection->paused) {
        struct relp_frame frame;
        size_t used;
        const struct relp_reader before = relp->reader;
        enum frame_found found =
            relp_next(&relp->reader, str_slice(input, done, input.size), &used, &frame);
        if (found == FOUND_LIE) {
            reject_add(collect, connection_binding(connection), REJECT_FRAMING, 1);
            collect_say(collect, "listener %s: %s does not speak RELP, closed",
                        connection->listener->name, connection->peer.text);
            err = ERR_SYNTAX;
        } else if (found != FOUND_MORE && awaited_is_full(connection)) {
            relp->reader = before;
            connection_pause(connection);
            break;
        } else if (found != FOUND_MORE) {
            err = found == FOUND_FRAME ? frame_take(connection, &frame)
                                       : too_long(connection, &frame);
        }
        if (err == OK) {
            done += used;
        } else {
            relp->reader = before;
        }
        if (found == FOUND_MORE) {
            break;
        }
    }
    *ret_used = done;
    return err;
}

/* "NUMBER rsp 6 200 OK" for each. */
static void relp_kept(struct connection *connection, const uint64_t *marks, size_t count,
                      bool stored)
{
    struct buf text;
    buf_init(&text, (count + 1) * 64);
    enum err err = OK;
    for (size_t i = 0; i < count && err == OK; i++) {
        err = buf_print(&text, stored ? "%u rsp 6 200 OK\n" : "%u rsp 12 500 not kept\n",
                        (unsigned)marks[i]);
    }
    if (err == OK) {
        err = connection_answer(connection, buf_str(&text));
    }
    if (err != OK || !stored) {
        connection_finish(connection);
    }
    buf_done(&text);
}

const struct protocol relp_protocol = {
    .begin = relp_begin, .take = relp_take, .kept = relp_kept, .end = relp_end};
