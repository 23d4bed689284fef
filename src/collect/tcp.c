/*
 * Syslog over TCP: connections, each with its framing and what it has not yet got a whole record
 * of.
 *
 * Always true: a connection holds at most RECORD_SIZE_MAX bytes and one read; all together hold at
 * most LINES_MEMORY_MAX, after which the next that wants more is closed.  When there is no room for
 * a record, it stays in its connection's buffer and nobody is read from: TCP slows the senders
 * down.
 */

#include <stdlib.h>
#include <string.h>

#include "collect/private.h"
#include "sys/clocks.h"

#define READ_SIZE      (64 * 1024)
#define READS_MAX      4 /* Of one turn, so that others get theirs. */
#define ACCEPTS_MAX    64
#define BUFFER_IN_IDLE (2 * READ_SIZE) /* A larger one is given back when it is empty. */

struct connection {
    struct connection *next, *previous;
    struct listener *listener;
    int socket;
    struct watch *watch;
    struct peer peer;
    struct framing framing;
    struct buf bytes;
    size_t counted; /* of lines_memory */
    const struct binding *binding;
    uint64_t generation; /* that the binding is of */
    struct mono heard;
    bool ended; /* the peer has; what is left is to be taken in */
};

static void acceptable(void *context, int descriptor, unsigned events);
static void readable(void *context, int descriptor, unsigned events);
static enum err connection_read(struct connection *connection);
static enum err take_in(struct connection *connection);
static void connection_close(struct connection *connection);
static void memory_count(struct connection *connection);
static const struct binding *binding_of(struct connection *connection);

enum err tcp_start(struct listener *listener)
{
    return watch_new(listener->collect->loop, listener->socket, acceptable, listener,
                     &listener->watch);
}

void tcp_stop(struct listener *listener)
{
    struct connection *next;
    for (struct connection *at = listener->collect->connections; at != NULL; at = next) {
        next = at->next;
        if (at->listener == listener) {
            connection_close(at);
        }
    }
    watch_free(listener->watch);
    socket_close(listener->socket);
}

enum err tcp_resume(struct collect *collect)
{
    struct connection *next;
    for (struct connection *at = collect->connections; at != NULL; at = next) {
        next = at->next;
        enum err err = take_in(at);
        if (err == ERR_AGAIN) {
            return err;
        }
        if (err != OK) {
            connection_close(at);
        }
    }
    return OK;
}

void tcp_sweep(struct collect *collect, struct mono now)
{
    struct connection *next;
    for (struct connection *at = collect->connections; at != NULL && !collect->held; at = next) {
        next = at->next;
        bool waited_for = at->bytes.size > 0 || at->framing.kind == FRAMING_UNKNOWN;
        if (waited_for && mono_ms_since(at->heard, now) > LINE_IDLE_SECONDS * 1000) {
            at->ended = true;
            if (take_in(at) == ERR_AGAIN) {
                collect_hold(collect);
            } else {
                connection_close(at);
            }
        }
    }
}

void watches_set(struct collect *collect, unsigned events)
{
    for (size_t i = 0; i < collect->listeners_count; i++) {
        if (collect->listeners[i]->watch != NULL) {
            watch_set(collect->listeners[i]->watch, events);
        }
    }
    for (struct connection *at = collect->connections; at != NULL; at = at->next) {
        watch_set(at->watch, events);
    }
}

/* Under pressure: for a known sender the stranger that has been silent longest makes room, whatever
 * it holds; else whoever holds nothing and has been silent for a minute. */
static bool room_make(struct collect *collect, bool known)
{
    struct connection *oldest = NULL;
    struct connection *stranger = NULL;
    for (struct connection *at = collect->connections; at != NULL; at = at->next) {
        const struct binding *binding = known ? binding_of(at) : NULL;
        if (at->bytes.size == 0 && (oldest == NULL || at->heard.ns < oldest->heard.ns)) {
            oldest = at;
        }
        if (binding != NULL && binding->unknown_senders &&
            (stranger == NULL || at->heard.ns < stranger->heard.ns)) {
            stranger = at;
        }
    }
    if (stranger == NULL &&
        (oldest == NULL || mono_ms_since(oldest->heard, mono_now()) < LINE_IDLE_SECONDS * 1000)) {
        return false;
    }
    connection_close(stranger != NULL ? stranger : oldest);
    return true;
}

/* Whether there is room for one more of this peer. */
static bool room_for(struct listener *listener, const struct peer *peer)
{
    struct collect *collect = listener->collect;
    size_t same = 0;
    if (collect->connections_count < PEER_CONNECTIONS_MAX) {
        return true;
    }
    for (struct connection *at = collect->connections; at != NULL; at = at->next) {
        same += memcmp(at->peer.address, peer->address, sizeof peer->address) == 0;
    }
    if (same >= PEER_CONNECTIONS_MAX) {
        return false;
    }
    const struct binding *binding =
        sender_find(collect->generation, str_from(listener->name), peer->address);
    return collect->connections_count < CONNECTIONS_MAX ||
           room_make(collect, binding != NULL && !binding->unknown_senders);
}

static void acceptable(void *context, int descriptor, unsigned events)
{
    struct listener *listener = context;
    struct collect *collect = listener->collect;
    (void)events;
    for (unsigned i = 0; i < ACCEPTS_MAX; i++) {
        struct peer peer;
        int accepted;
        enum err err = socket_accept(descriptor, &accepted, &peer);
        if (err != OK) {
            if (err == ERR_FULL && !room_make(collect, false)) {
                collect_say(collect, "listener %s: no descriptor for another connection",
                            listener->name);
            }
            return;
        }
        struct connection *made = NULL;
        if (room_for(listener, &peer)) {
            made = calloc(1, sizeof *made);
        }
        if (made == NULL ||
            watch_new(collect->loop, accepted, readable, made, &made->watch) != OK) {
            collect_say(collect, "listener %s: too many connections, %s was refused",
                        listener->name, peer.text);
            free(made);
            socket_close(accepted);
            continue;
        }
        made->listener = listener;
        made->socket = accepted;
        made->peer = peer;
        made->heard = mono_now();
        buf_init(&made->bytes, RECORD_SIZE_MAX + 2 * READ_SIZE);
        made->next = collect->connections;
        if (made->next != NULL) {
            made->next->previous = made;
        }
        collect->connections = made;
        collect->connections_count++;
        watch_set(made->watch, collect->held ? 0 : WATCH_READ);
    }
}

static void readable(void *context, int descriptor, unsigned events)
{
    struct connection *connection = context;
    struct collect *collect = connection->listener->collect;
    (void)descriptor, (void)events;
    if (collect->held) {
        watch_set(connection->watch, 0);
        return;
    }
    enum err err = connection_read(connection);
    if (err == ERR_AGAIN) {
        collect_hold(collect);
    } else if (err != OK) {
        connection_close(connection);
    }
}

/* OK: go on.  ERR_AGAIN: no room for what was read.  Others: the connection is to be closed. */
static enum err connection_read(struct connection *connection)
{
    struct collect *collect = connection->listener->collect;
    for (unsigned i = 0; i < READS_MAX; i++) {
        size_t before = connection->bytes.size;
        size_t got = 0;
        char *to;
        enum err err = buf_extend(&connection->bytes, READ_SIZE, &to);
        if (err != OK) {
            return err == ERR_AGAIN ? ERR_MEMORY : err;
        }
        err = socket_read(connection->socket, to, READ_SIZE, &got);
        connection->bytes.size = before + got;
        memory_count(connection);
        if (err == ERR_AGAIN) {
            return OK;
        }
        if (collect->lines_memory > LINES_MEMORY_MAX && connection->counted > BUFFER_IN_IDLE) {
            reject_add(collect, binding_of(connection), REJECT_TOO_LONG, 1);
            collect_say(collect, "listener %s: no memory for the long line of %s, closed",
                        connection->listener->name, connection->peer.text);
            return ERR_LIMIT;
        }
        connection->heard = mono_now();
        connection->ended = err != OK;
        err = take_in(connection);
        if (err != OK) {
            return err;
        }
        if (got < READ_SIZE) {
            break;
        }
    }
    return OK;
}

/* The same results as connection_read. */
static enum err take_in(struct connection *connection)
{
    struct collect *collect = connection->listener->collect;
    const struct binding *binding = binding_of(connection);
    struct str sender = str_from(connection->peer.text);
    struct wall received = collect_now(collect);
    size_t done = 0;
    enum err err = OK;
    for (bool more = true; more && err == OK;) {
        struct str record = {0};
        size_t used = 0;
        struct str rest = str_slice(buf_str(&connection->bytes), done, connection->bytes.size);
        const struct framing before = connection->framing;
        enum frame frame = framing_next(&connection->framing, rest, &used, &record);
        if (frame == FRAME_MORE && connection->ended) {
            rest = str_slice(rest, used, rest.size);
            frame = framing_end(&connection->framing, rest, &record);
            used += rest.size;
            more = false;
        }
        if (frame == FRAME_RECORD && binding != NULL) {
            err = stream_add(collect, binding, sender, record, received);
            if (err != OK) {
                connection->framing = before;
            }
        } else if (frame == FRAME_TOO_LONG) {
            reject_add(collect, binding, REJECT_TOO_LONG, 1);
            collect_say(collect, "listener %s: a record of %s is over %d bytes",
                        connection->listener->name, connection->peer.text, RECORD_SIZE_MAX);
        } else if (frame == FRAME_LIE) {
            reject_add(collect, binding, REJECT_FRAMING, 1);
            collect_say(collect, "listener %s: %s sent an octet count that does not fit, closed",
                        connection->listener->name, connection->peer.text);
            err = ERR_SYNTAX;
        }
        more = more && frame != FRAME_MORE;
        done += err == OK ? used : 0;
    }
    buf_consume(&connection->bytes, done);
    if (connection->bytes.size == 0 && connection->bytes.capacity > BUFFER_IN_IDLE) {
        size_t size_max = connection->bytes.size_max;
        buf_done(&connection->bytes);
        buf_init(&connection->bytes, size_max);
    }
    memory_count(connection);
    return err == OK && connection->ended ? ERR_CLOSED : err;
}

static void connection_close(struct connection *connection)
{
    struct collect *collect = connection->listener->collect;
    if (connection->previous != NULL) {
        connection->previous->next = connection->next;
    } else {
        collect->connections = connection->next;
    }
    if (connection->next != NULL) {
        connection->next->previous = connection->previous;
    }
    collect->connections_count--;
    collect->lines_memory -= connection->counted;
    watch_free(connection->watch);
    socket_close(connection->socket);
    buf_done(&connection->bytes);
    free(connection);
}

static void memory_count(struct connection *connection)
{
    struct collect *collect = connection->listener->collect;
    collect->lines_memory += connection->bytes.capacity - connection->counted;
    connection->counted = connection->bytes.capacity;
}

static const struct binding *binding_of(struct connection *connection)
{
    struct collect *collect = connection->listener->collect;
    if (connection->generation != collect->generations) {
        connection->generation = collect->generations;
        connection->binding = sender_find(collect->generation, str_from(connection->listener->name),
                                          connection->peer.address);
    }
    return connection->binding;
}
