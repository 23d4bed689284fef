/*
 * Stream connections: who may connect, reading, TLS, answers, memory, and the end.
 *
 *     accepted ──TLS──► greeting ──► begun ──► closing (answers are written) ──► closed
 *         └─────── without TLS ────────▲
 *
 * All read into one room of READ_SIZE; a connection keeps only what is not yet a whole record, so
 * that a quiet one costs little.
 *
 * Always true:
 *
 *   (1) a connection holds at most RECORD_SIZE_MAX bytes and one read; all together hold at most
 *       LINES_MEMORY_MAX, after which the next that wants more is closed;
 *   (2) when there is no room for a record, it stays in its connection's buffer and nobody is read
 *       from: TCP slows the senders down;
 *   (3) a connection is closed and freed only by what the loop calls here, never below a protocol;
 *       those say connection_finish.
 */

#include "collect/connection.h"

#include <stdlib.h>
#include <string.h>

#include "sys/clocks.h"

#define READ_SIZE       (64 * 1024)
#define ANSWER_SIZE_MAX 32 /* Of one record: "999999999 rsp 6 200 OK\n". */
#define READS_MAX       4  /* Of one turn, so that others get theirs. */
#define ACCEPTS_MAX     64
#define ROOM_IDLE       (16 * 1024) /* A larger buffer is given back when it is empty. */

static void acceptable(void *context, int descriptor, unsigned events);
static void ready(void *context, int descriptor, unsigned events);
static enum err connection_read(struct connection *connection);
static bool over_quota(struct connection *connection);
static enum err rest_take(struct connection *connection);
static enum err answers_write(struct connection *connection);
static void watch_update(struct connection *connection);

/* ---- Listeners. */

static const struct protocol *const protocols[] = {
    [COLLECT_SYSLOG_TCP] = &lines_protocol,
    [COLLECT_SYSLOG_TLS] = &lines_protocol,
    [COLLECT_RELP] = &relp_protocol,
    [COLLECT_LUMBERJACK] = &lumberjack_protocol,
};

bool collect_kind_is_stream(enum collect_kind kind)
{
    return (size_t)kind < sizeof protocols / sizeof protocols[0] && protocols[kind] != NULL;
}

enum err connections_start(struct listener *listener)
{
    struct collect *collect = listener->collect;
    if (collect->room == NULL) {
        collect->room = malloc(READ_SIZE);
    }
    return collect->room == NULL
               ? ERR_MEMORY
               : watch_new(collect->loop, listener->socket, acceptable, listener, &listener->watch);
}

void connections_stop(struct listener *listener)
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
    tls_gate_unref(listener->gate);
}

enum err connections_resume(struct collect *collect)
{
    struct connection *next;
    for (struct connection *at = collect->connections; at != NULL; at = next) {
        next = at->next;
        enum err err = at->bytes.size > 0 && !at->paused ? rest_take(at) : OK;
        if (err == ERR_AGAIN) {
            return err;
        }
        if (err != OK) {
            connection_close(at);
        }
    }
    return OK;
}

/* Whoever keeps us waiting too long: for its greeting, for the rest of a record, for the reading of
 * answers. */
static bool overdue(const struct connection *at, struct mono now)
{
    if (at->greeting) {
        return mono_ms_since(at->began, now) > GREETING_SECONDS * 1000;
    }
    if (at->answers.size > 0 || at->closing) {
        return mono_ms_since(at->answered, now) > LINE_IDLE_SECONDS * 1000;
    }
    return at->waiting && !at->paused &&
           (mono_ms_since(at->heard, now) > LINE_IDLE_SECONDS * 1000 ||
            mono_ms_since(at->moved, now) > RECORD_SECONDS * 1000);
}

void connections_sweep(struct collect *collect, struct mono now)
{
    struct connection *next;
    for (struct connection *at = collect->connections; at != NULL && !collect->held; at = next) {
        next = at->next;
        awaited_sweep(at, now);
        if (!at->greeting && at->protocol->sweep != NULL) {
            at->protocol->sweep(at, now);
        }
        if (at->paused && !awaited_is_full(at)) {
            connection_go_on(at);
        }
        bool late = overdue(at, now);
        if (late && !at->greeting && !at->closing && !at->ended) {
            at->ended = true;
            if (rest_take(at) == ERR_AGAIN) {
                collect_hold(collect);
                continue;
            }
        }
        if (late || (at->closing && at->answers.size == 0)) {
            connection_close(at);
        }
    }
}

void watches_set(struct collect *collect, unsigned events)
{
    if (collect->drain != NULL) {
        drain_watch(collect->drain, events);
    }
    for (size_t i = 0; i < collect->listeners_count; i++) {
        if (collect->listeners[i]->watch != NULL) {
            watch_set(collect->listeners[i]->watch, events);
        }
    }
    for (struct connection *at = collect->connections; at != NULL; at = at->next) {
        watch_update(at);
    }
}

/* ---- Who may connect. */

/* Whom it is fair to send away for somebody else: a stranger that keeps us waiting within a record,
 * or one that holds nothing and has been silent for a minute.  For a known sender any stranger, the
 * one that has been silent longest. */
static bool gives_way(struct connection *at, bool known, struct mono now)
{
    const struct binding *binding = at->greeting ? NULL : connection_binding(at);
    bool stranger = at->greeting || binding == NULL || binding->unknown_senders;
    bool dawdles = at->waiting && mono_ms_since(at->moved, now) > DAWDLE_SECONDS * 1000;
    bool silent = at->bytes.size == 0 && awaited_waits(at) == 0 &&
                  mono_ms_since(at->heard, now) > LINE_IDLE_SECONDS * 1000;
    return silent || (stranger && (known || dawdles));
}

static bool room_make(struct collect *collect, bool known)
{
    struct connection *first = NULL;
    struct mono now = mono_now();
    for (struct connection *at = collect->connections; at != NULL; at = at->next) {
        if (gives_way(at, known, now) && (first == NULL || at->heard.ns < first->heard.ns)) {
            first = at;
        }
    }
    if (first == NULL) {
        return false;
    }
    connection_close(first);
    return true;
}

/* Whether there is room for one more of this peer, and of the client that its address says. */
static bool room_for(struct listener *listener, const struct peer *peer)
{
    struct collect *collect = listener->collect;
    size_t same = 0;
    size_t greetings = 0;
    size_t greetings_same = 0;
    size_t client = 0;
    if (collect->connections_count < GREETINGS_PEER_MAX) {
        return true;
    }
    const struct binding *binding =
        sender_find(collect->generation, str_from(listener->name), peer->address);
    for (struct connection *at = collect->connections; at != NULL; at = at->next) {
        bool equal = memcmp(at->peer.address, peer->address, sizeof peer->address) == 0;
        same += equal;
        greetings += at->greeting;
        greetings_same += at->greeting && equal;
        client += binding != NULL && !at->greeting && at->binding != NULL &&
                  at->generation == collect->generations &&
                  at->binding->client.value == binding->client.value;
    }
    bool known = binding != NULL && !binding->unknown_senders;
    if (same >= PEER_CONNECTIONS_MAX || (known && client >= CLIENT_CONNECTIONS_MAX) ||
        (listener->gate != NULL &&
         (greetings >= GREETINGS_MAX || greetings_same >= GREETINGS_PEER_MAX))) {
        return false;
    }
    return collect->connections_count < CONNECTIONS_MAX || room_make(collect, known);
}

static struct connection *connection_new(struct listener *listener, int socket,
                                         const struct peer *peer)
{
    struct collect *collect = listener->collect;
    struct connection *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    if (listener->gate != NULL) {
        made->greeting = true;
        if (tls_stream_new(listener->gate, socket, &made->tls) != OK) {
            free(made);
            return NULL;
        }
    }
    if (watch_new(collect->loop, socket, ready, made, &made->watch) != OK) {
        tls_stream_free(made->tls);
        free(made);
        return NULL;
    }
    made->listener = listener;
    made->protocol = protocols[listener->kind];
    made->socket = socket;
    made->peer = *peer;
    made->began = made->heard = made->answered = made->moved = mono_now();
    made->waiting = true;
    buf_init(&made->bytes, RECORD_SIZE_MAX + 2 * READ_SIZE);
    buf_init(&made->answers, ANSWERS_SIZE_MAX + WINDOW_EVENTS_MAX * ANSWER_SIZE_MAX);
    made->next = collect->connections;
    if (made->next != NULL) {
        made->next->previous = made;
    }
    collect->connections = made;
    collect->connections_count++;
    return made;
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
            made = connection_new(listener, accepted, &peer);
        }
        if (made == NULL) {
            collect_say(collect, "listener %s: too many connections, %s was refused",
                        listener->name, peer.text);
            socket_close(accepted);
            continue;
        }
        if (!made->greeting && made->protocol->begin != NULL && made->protocol->begin(made) != OK) {
            connection_close(made);
            continue;
        }
        watch_update(made);
    }
}

const struct binding *connection_binding(struct connection *connection)
{
    struct collect *collect = connection->listener->collect;
    if (connection->generation == collect->generations) {
        return connection->binding;
    }
    const struct generation *generation = collect->generation;
    struct str listener = str_from(connection->listener->name);
    const struct tls_peer *peer = connection->tls != NULL ? tls_stream_peer(connection->tls) : NULL;
    const struct binding *found = NULL;
    if (peer != NULL && peer->shown) {
        found = sender_find_certificate(generation, listener, connection->peer.address, peer);
    }
    if (found == NULL && (peer == NULL || !peer->vouched)) {
        found = sender_find(generation, listener, connection->peer.address);
    }
    connection->generation = collect->generations;
    connection->binding = found;
    return found;
}

/* ---- The greeting. */

/* Whoever is vouched for and means nobody is refused: its certificate was to say who it is. */
static enum err stranger_refuse(struct connection *connection)
{
    struct listener *listener = connection->listener;
    const struct tls_peer *peer = tls_stream_peer(connection->tls);
    if (connection_binding(connection) != NULL) {
        return OK;
    }
    reject_add(listener->collect,
               sender_unknown(listener->collect->generation, str_from(listener->name)),
               REJECT_UNAUTHORISED, 1);
    collect_say(listener->collect,
                "listener %s: the certificate of %s is bound to no source: sha256:%s",
                listener->name, connection->peer.text, peer->sha256);
    return ERR_DENIED;
}

static enum err greet(struct connection *connection)
{
    struct listener *listener = connection->listener;
    const char *reason;
    enum err err = tls_stream_greet(connection->tls, &connection->greeting_writes, &reason);
    if (err == ERR_AGAIN) {
        return OK;
    }
    if (err != OK) {
        reject_add(listener->collect,
                   sender_unknown(listener->collect->generation, str_from(listener->name)),
                   REJECT_UNAUTHORISED, 1);
        collect_say(listener->collect, "listener %s: %s was refused: %s", listener->name,
                    connection->peer.text, reason);
        return err;
    }
    connection->greeting = false;
    connection->heard = mono_now();
    err = stranger_refuse(connection);
    if (err == OK && connection->protocol->begin != NULL) {
        err = connection->protocol->begin(connection);
    }
    return err;
}

/* ---- Reading. */

static void watch_update(struct connection *connection)
{
    bool deaf = connection->listener->collect->held || connection->paused || connection->closing ||
                connection->ended || connection->answers.size > ANSWERS_SIZE_MAX;
    unsigned events = deaf ? 0 : WATCH_READ;
    if (connection->greeting) {
        events = connection->greeting_writes ? WATCH_WRITE : WATCH_READ;
    } else if (connection->answers.size > 0 || connection->closing) {
        events |= WATCH_WRITE;
    }
    watch_set(connection->watch, events);
}

static void ready(void *context, int descriptor, unsigned events)
{
    struct connection *connection = context;
    struct collect *collect = connection->listener->collect;
    enum err err = OK;
    (void)descriptor;
    if (connection->greeting) {
        err = greet(connection);
    } else {
        if ((events & WATCH_WRITE) != 0) {
            err = answers_write(connection);
        }
        if (err == OK && !collect->held && !connection->paused && !connection->closing) {
            err = connection_read(connection);
        }
    }
    if (err == ERR_AGAIN) {
        collect_hold(collect);
        err = OK;
    }
    if (err == OK && connection->closing && connection->answers.size == 0) {
        err = ERR_CLOSED;
    }
    if (err != OK) {
        connection_close(connection);
    } else {
        watch_update(connection);
    }
}

static void memory_count(struct connection *connection)
{
    struct collect *collect = connection->listener->collect;
    if (connection->bytes.size == 0 && connection->bytes.capacity > ROOM_IDLE) {
        size_t size_max = connection->bytes.size_max;
        buf_done(&connection->bytes);
        buf_init(&connection->bytes, size_max);
    }
    size_t size = connection->bytes.capacity;
    size += connection->protocol->memory != NULL ? connection->protocol->memory(connection) : 0;
    collect->lines_memory += size - connection->counted;
    connection->counted = size;
}

/* Has the protocol take what was kept. */
static enum err rest_take(struct connection *connection)
{
    size_t used = 0;
    enum err err = connection->protocol->take(connection, buf_str(&connection->bytes), &used);
    buf_consume(&connection->bytes, used);
    if (used > 0) {
        connection->moved = mono_now();
    }
    connection->waiting |= connection->bytes.size > 0;
    memory_count(connection);
    return err == OK && connection->ended && !connection->paused ? ERR_CLOSED : err;
}

/* The same of what was read just now, which is kept only as far as it is not used. */
static enum err bytes_take(struct connection *connection, struct str fresh)
{
    struct collect *collect = connection->listener->collect;
    size_t used = 0;
    enum err err = OK;
    if (connection->bytes.size == 0) {
        err = connection->protocol->take(connection, fresh, &used);
        if (used > 0 || !connection->waiting) {
            connection->moved = connection->heard;
        }
        fresh = str_slice(fresh, used, fresh.size);
        connection->waiting |= fresh.size > 0;
    }
    if (err != OK && err != ERR_AGAIN) {
        return err;
    }
    bool kept = connection->bytes.size > 0;
    enum err memory = buf_append(&connection->bytes, fresh);
    memory_count(connection);
    if (memory != OK) {
        return memory == ERR_AGAIN ? ERR_MEMORY : memory;
    }
    if (collect->lines_memory > LINES_MEMORY_MAX && connection->counted > 2 * READ_SIZE) {
        reject_add(collect, connection_binding(connection), REJECT_TOO_LONG, 1);
        collect_say(collect, "listener %s: no memory for the long line of %s, closed",
                    connection->listener->name, connection->peer.text);
        return ERR_LIMIT;
    }
    return kept ? rest_take(connection) : err;
}

/* Its client has sent more than was agreed: it is not read from until it may send again. */
static bool over_quota(struct connection *connection)
{
    struct collect *collect = connection->listener->collect;
    const struct binding *binding = connection_binding(connection);
    struct mono now = mono_now();
    if (binding == NULL || quota_wait_ms(collect, binding, now) == 0) {
        return false;
    }
    quota_throttled(collect, binding, now);
    connection_pause(connection);
    return true;
}

/* OK: go on.  ERR_AGAIN: no room for what was read.  Others: the connection is to be closed. */
static enum err connection_read(struct connection *connection)
{
    struct collect *collect = connection->listener->collect;
    for (unsigned i = 0;
         i < READS_MAX && !connection->paused && !connection->closing && !over_quota(connection);
         i++) {
        size_t got = 0;
        enum err err = connection->tls != NULL
                           ? tls_stream_read(connection->tls, collect->room, READ_SIZE, &got)
                           : socket_read(connection->socket, collect->room, READ_SIZE, &got);
        if (err == ERR_AGAIN) {
            return OK;
        }
        if (err != OK) {
            connection->ended = true;
            return rest_take(connection);
        }
        connection->heard = mono_now();
        err = bytes_take(connection, str_of(collect->room, got));
        if (err != OK) {
            return err;
        }
        if (connection->tls == NULL && got < READ_SIZE) {
            break;
        }
    }
    return OK;
}

void connection_pause(struct connection *connection)
{
    connection->paused = true;
}

void connection_go_on(struct connection *connection)
{
    struct collect *collect = connection->listener->collect;
    connection->paused = false;
    if (!collect->held && !over_quota(connection)) {
        enum err err = rest_take(connection);
        if (err == ERR_AGAIN) {
            collect_hold(collect);
        } else if (err != OK) {
            connection_finish(connection);
        }
    }
    watch_update(connection);
}

/* ---- Answers. */

static enum err answers_write(struct connection *connection)
{
    size_t done = 0;
    enum err err = OK;
    while (done < connection->answers.size && err == OK) {
        struct str rest = str_slice(buf_str(&connection->answers), done, connection->answers.size);
        size_t sent = 0;
        err = connection->tls != NULL ? tls_stream_write(connection->tls, rest, &sent)
                                      : socket_write(connection->socket, rest, &sent);
        done += sent;
    }
    if (done > 0) {
        buf_consume(&connection->answers, done);
        connection->listener->collect->answers_memory -= done;
        connection->answered = mono_now();
    }
    if (connection->answers.size == 0 && connection->answers.capacity > ROOM_IDLE) {
        size_t size_max = connection->answers.size_max;
        buf_done(&connection->answers);
        buf_init(&connection->answers, size_max);
    }
    return err == ERR_AGAIN ? OK : err;
}

enum err connection_answer(struct connection *connection, struct str bytes)
{
    struct collect *collect = connection->listener->collect;
    if (connection->answers.size == 0) {
        connection->answered = mono_now();
    }
    enum err err = collect->answers_memory + bytes.size > ANSWERS_MEMORY_MAX
                       ? ERR_LIMIT
                       : buf_append(&connection->answers, bytes);
    if (err == OK) {
        collect->answers_memory += bytes.size;
        err = answers_write(connection);
    }
    if (err != OK) {
        collect->answers_memory -= connection->answers.size;
        connection->answers.size = 0;
        connection_finish(connection);
    }
    watch_update(connection);
    return err;
}

void connection_finish(struct connection *connection)
{
    connection->closing = true;
    connection->answered = mono_now();
    watch_update(
        connection); /* Where nothing is left to be written, the loop's next look ends it. */
}

void connection_close(struct connection *connection)
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
    collect->answers_memory -= connection->answers.size;
    awaited_leave(connection);
    if (connection->protocol->end != NULL) {
        connection->protocol->end(connection);
    }
    watch_free(connection->watch);
    tls_stream_free(connection->tls);
    socket_close(connection->socket);
    buf_done(&connection->bytes);
    buf_done(&connection->answers);
    free(connection);
}
