#pragma once

/*
 * Stream connections of every kind: syslog in lines and counts, RELP, Lumberjack, each with TLS or
 * without.
 *
 *     connections_start → (accept → greet, if TLS → begin → take … → end) … → connections_stop
 *
 * A protocol says what the bytes mean; everything else (who may connect, memory, waiting, ending)
 * is here and the same for all.
 */

#include "collect/private.h"
#include "sys/tls_stream.h"

struct connection;
struct awaited;

struct protocol {
    /* Makes connection->state.  May be NULL. */
    enum err (*begin)(struct connection *connection);
    /* Takes what it can use; the rest comes again, with more behind it.  connection->ended: there
     * will be no more.  ERR_AGAIN: there is no room for records now, and what was not used stays.
     * Other errors close the connection. */
    enum err (*take)(struct connection *connection, struct str input, size_t *ret_used);
    /* The oldest `count` marks of its window have ended; not `stored`: they can never be kept. */
    void (*kept)(struct connection *connection, const uint64_t *marks, size_t count, bool stored);
    /* The memory of what was read and is not yet a record, beyond the connection's.  May be NULL.
     */
    size_t (*memory)(const struct connection *connection);
    /* Each second.  May be NULL. */
    void (*sweep)(struct connection *connection, struct mono now);
    /* Frees connection->state.  May be NULL. */
    void (*end)(struct connection *connection);
};
extern const struct protocol lines_protocol, relp_protocol, lumberjack_protocol;

struct connection {
    struct connection *next, *previous;
    struct listener *listener;
    const struct protocol *protocol;
    int socket;
    struct watch *watch;
    struct tls_stream *tls; /* NULL: without */
    struct peer peer;
    struct buf bytes;   /* read and not yet used */
    struct buf answers; /* that the peer has not taken yet */
    size_t counted;     /* of lines_memory */
    const struct binding *binding;
    uint64_t generation; /* that the binding is of */
    struct mono began, heard, answered;
    struct mono moved;              /* when something of what was read was last used */
    bool greeting, greeting_writes; /* TLS is not agreed upon yet */
    bool ended;                     /* the peer has; what is left is to be taken in */
    bool closing;                   /* ends when its answers are written */
    bool paused;                    /* not read from, by its protocol or its quota */
    bool waiting;                   /* what was read waits for something before it is whole */
    struct framing framing;         /* of lines */
    struct awaited *awaited;        /* of protocols that answer */
    void *state;                    /* of the protocol */
};

/* Whose what arrives on it is; NULL: nobody's, and it is to be closed. */
const struct binding *connection_binding(struct connection *connection);
/* Answers, written as the peer takes them.  ERR_LIMIT: it takes none. */
NODISCARD enum err connection_answer(struct connection *connection, struct str bytes);
/* Reads no more until connection_go_on, which may close and free the connection. */
void connection_pause(struct connection *connection);
void connection_go_on(struct connection *connection);
/* Ends when its answers are written. */
void connection_finish(struct connection *connection);
void connection_close(struct connection *connection);

/* ---- awaited.c: records whose sender waits to hear that they are on disk.  What is to be told
 * about each is a mark, in the order of arrival. */

/* Adds a record of this connection.  ERR_AGAIN: not now, nothing was added. */
NODISCARD enum err awaited_add(struct connection *connection, struct str record, uint64_t mark);
/* A mark without a record. */
NODISCARD enum err awaited_pass(struct connection *connection, uint64_t mark);
/* Whether so many marks wait that no more should be read. */
bool awaited_is_full(const struct connection *connection);
size_t awaited_waits(const struct connection *connection);
void awaited_leave(struct connection *connection); /* It is gone; what it sent stays. */

/* ---- relp_frame.c and lumberjack_frame.c: frames out of bytes. */

enum frame_found {
    FOUND_MORE,     /* nothing more until more bytes come */
    FOUND_FRAME,    /* *ret */
    FOUND_TOO_LONG, /* *ret, whose record is over RECORD_SIZE_MAX and is being passed over */
    FOUND_LIE,      /* nothing after this can be believed */
};

struct relp_reader {
    size_t discard_left; /* of a record that is passed over, its LF included */
};
struct relp_frame {
    uint32_t number; /* 1 to 999,999,999 */
    struct str command, data;
};
enum frame_found relp_next(struct relp_reader *reader, struct str input, size_t *ret_used,
                           struct relp_frame *ret);

struct lumberjack_reader {
    size_t discard_left;
    bool inner; /* what was compressed: records alone */
};
struct lumberjack_frame {
    char type;       /* 'W', 'J' or 'C' */
    uint32_t number; /* W: how many follow; J: the record's; C: compressed bytes that follow */
    struct str data; /* of J */
};
enum frame_found lumberjack_next(struct lumberjack_reader *reader, struct str input,
                                 size_t *ret_used, struct lumberjack_frame *ret);
