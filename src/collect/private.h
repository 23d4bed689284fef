#pragma once

/* What the files of this room share.  One struct collect, one loop, no
 * threads but the one of sys/drain.h. */

#include "base/buf.h"
#include "base/limits.h"
#include "base/map.h"
#include "codec/crypto.h"
#include "collect/collect.h"
#include "collect/quota.h"
#include "sys/drain.h"
#include "sys/http.h"
#include "sys/socket.h"

/* ---- senders.c: a generation of bindings, kept while anything refers to it. */

struct generation {
    unsigned refs;
    struct arena *mem;
    struct bindings bindings;
};

/* Takes mem, in which the bindings lie.  NULL when out of memory; mem is then the caller's. */
struct generation *generation_new(struct arena *mem, const struct bindings *bindings);
struct generation *generation_ref(struct generation *generation);
void generation_unref(struct generation *generation); /* NULL is fine. */

/* Of the listener's bindings without a token: the one with the longest prefix that holds the
 * address, else the one for unknown senders, else NULL. */
const struct binding *sender_find(const struct generation *generation, struct str listener,
                                  const uint8_t address[16]);
/* The binding whose token it is, if the address may use it; NULL otherwise.  Takes the same time
 * for any wrong token. */
const struct binding *sender_find_token(const struct generation *generation, struct str listener,
                                        const uint8_t address[16], struct str token);
/* The binding of a file: the longest path that fits its own; else the one for unknown senders. */
const struct binding *sender_find_path(const struct generation *generation, struct str listener,
                                       struct str path);
/* The binding of the peer's certificate, if the address may use it; NULL otherwise. */
struct tls_peer;
const struct binding *sender_find_certificate(const struct generation *generation,
                                              struct str listener, const uint8_t address[16],
                                              const struct tls_peer *peer);
const struct binding *sender_unknown(const struct generation *generation, struct str listener);

/* Whose what nobody can tell of is: the source's that has the listener for itself, else unknown. */
const struct binding *sender_of_listener(const struct generation *generation, struct str listener);

/* ---- framing.c: records in a TCP stream (RFC 6587). */

struct framing {
    enum { FRAMING_UNKNOWN, FRAMING_LINES, FRAMING_COUNTS } kind;
    bool discarding;     /* lines: up to the next newline */
    size_t discard_left; /* counts: bytes of a record over the limit */
    size_t scanned;      /* lines: so many bytes hold no newline */
};

enum frame {
    FRAME_MORE,     /* nothing more until more bytes come */
    FRAME_RECORD,   /* *ret_record */
    FRAME_TOO_LONG, /* one record over RECORD_SIZE_MAX is being passed over */
    FRAME_LIE,      /* the counts do not fit the bytes: nothing after this can be believed */
};

/* Looks at the bytes not yet used.  *ret_used of them are done with, those of *ret_record included;
 * call again with the rest until FRAME_MORE.  The rest never needs more than RECORD_SIZE_MAX + 16
 * bytes to go on. */
enum frame framing_next(struct framing *framing, struct str input, size_t *ret_used,
                        struct str *ret_record);
/* The peer has ended; input is what was left. */
enum frame framing_end(const struct framing *framing, struct str input, struct str *ret_record);

/* ---- body.c: the records of a post's body in parts, by nothing but its bytes. */

struct cursor {
    size_t at;     /* in the text */
    uint64_t item; /* so many lines, items, … lie before it */
    /* Inside a JSON list whose objects are records; after one without an end none is looked for, or
     * each line would be read to the end of all. */
    enum { LIST_NONE, LIST_INSIDE, LIST_NEVER } list;
    size_t looked; /* up to here there is no list: blanks are not passed again at each line */
};
struct body {
    struct str text;
    /* The next record, of at most RECORD_SIZE_MAX bytes; false at the end.  What it passes over is
     * no record, and was told of when the body was opened. */
    bool (*next)(const struct body *body, struct cursor *cursor, struct str *ret);
};
/* The next line that is not empty, without its LF or CRLF, whatever its size; false at the end. */
bool body_line(struct str text, struct cursor *cursor, struct str *ret);
/* A line, or an object of a JSON list that stands where a line would begin. */
bool body_record(struct str text, struct cursor *cursor, struct str *ret);
/* body_next of lines: those that are not too long. */
bool plain_next(const struct body *body, struct cursor *cursor, struct str *ret);
/* How many records the next part has, from the cursor on, which moves behind them; 0 at the end. */
uint32_t body_part(const struct body *body, struct cursor *cursor);
uint32_t body_parts(const struct body *body);

/* ---- streams.c: one open batch for each source. */

struct stream {
    struct stream *next;
    struct client_id client;
    struct source_id source;
    struct builder *builder;
    struct listener *listener; /* that datagrams in the builder came by, */
    uint32_t datagrams;        /* and how many */
    struct mono used;
};
struct streams {
    struct stream *first;
    struct stream *last; /* that was asked for, or NULL: records come in runs of one source */
    struct map by_source;
};
/* Adds a record.  ERR_AGAIN: not now, nothing was added. */
NODISCARD enum err stream_add(struct collect *collect, const struct binding *binding,
                              struct str sender, struct str record, struct wall received);
/* What was added last was a datagram, which its listener's drain has lost if we die before the
 * batch is handed over. */
void stream_owes(struct collect *collect, struct listener *listener);
NODISCARD enum err streams_flush(struct collect *collect);
void streams_sweep(struct collect *collect, struct mono now); /* frees builders long unused */
void streams_done(struct collect *collect);
/* Adds one record to a builder, parsed if its fields fit.  ERR_LIMIT: the batch is full. */
NODISCARD enum err record_add(struct collect *collect, const struct binding *binding,
                              struct str sender, struct str record, struct wall received,
                              struct builder *builder);

/* ---- pending.c: handed batches that somebody waits for. */

/* Stands in what waits, which must live until each of its batches has called one of these. */
struct waiter {
    /* A batch of so many events ended so; in the order in which they were handed over. */
    void (*ended)(struct waiter *waiter, uint32_t events, enum commit_result result);
    /* Collect is ending, and nobody will say how the batch ended. */
    void (*forgotten)(struct waiter *waiter);
};
struct pending;
struct pendings {
    struct pending *list;
    size_t first, count, capacity;
};
/* Hands over the batch in the builder, which has an event, and resets the builder.  ERR_AGAIN: not
 * now; the builder is as it was. */
NODISCARD enum err pending_hand(struct collect *collect, struct builder *builder,
                                const struct binding *binding, struct waiter *waiter);
void pending_done(struct collect *collect);

/* ---- rejects.c: counts that wait for room. */

void reject_add(struct collect *collect, const struct binding *binding, enum reject_reason reason,
                uint64_t count);
NODISCARD enum err rejects_flush(struct collect *collect);

/* ---- Listeners. */

struct connection;
struct tail;
struct awaited;
struct tls_gate;
struct tls_peer;

struct listener {
    struct collect *collect;
    char name[128];
    enum collect_kind kind;
    int socket;
    struct watch *watch;
    /* UDP */
    bool drains;           /* its socket is emptied, */
    size_t drain;          /* by collect's drain under this number */
    size_t index;          /* in the order of collect_listen */
    uint32_t drops;        /* accounted for, in the kernel's count */
    uint32_t inherited;    /* had a front read that died; not accounted for */
    struct mono stranger;  /* when one was last heard; 0: never */
    struct map bindings;   /* sender's address to binding index, a cache */
    struct tls_gate *gate; /* of streams; NULL: without TLS */
    /* HTTP */
    struct http *http;
};

NODISCARD enum err udp_start(struct listener *listener);
NODISCARD enum err udp_flush(struct collect *collect); /* reads the last, and takes all of it in */
void udp_sweep(struct collect *collect);               /* losses that no datagram has told of */
void udp_end(struct collect *collect);                 /* says what is given up */
/* connection.c: whether a kind is one of streams; their start, stop and resume. */
bool collect_kind_is_stream(enum collect_kind kind);
NODISCARD enum err connections_start(struct listener *listener);
void connections_stop(struct listener *listener);
NODISCARD enum err connections_resume(struct collect *collect);
void connections_sweep(struct collect *collect, struct mono now);
/* tail.c: files. */
NODISCARD enum err tails_resume(struct collect *collect);
void tails_done(struct collect *collect);
/* awaited.c: records whose senders wait for an answer. */
NODISCARD enum err awaited_flush(struct collect *collect);
void awaited_done(struct collect *collect);
void awaited_sweep(struct connection *connection, struct mono now);

/* ---- HTTP (post.h has the rest). */

NODISCARD enum err http_listen(struct listener *listener, const struct tls_papers *papers,
                               struct why *why); /* route.c */
void posts_resume(struct collect *collect);      /* there may be room again */
/* Refuses posts that have found no room for too long. */
void posts_sweep(struct collect *collect, struct mono now);
NODISCARD enum err posts_flush(struct collect *collect); /* all that can be handed over, now */
void posts_done(struct collect *collect);

/* ---- The whole. */

struct post;

#define REJECTS_MAX 1024

struct collect {
    struct loop *loop;
    struct collect_calls calls;
    struct generation *generation;
    uint64_t generations; /* how many there have been */
    struct listener *listeners[LISTENERS_MAX];
    size_t listeners_count;
    struct streams streams;
    struct {
        struct client_id client;
        struct source_id source;
        enum reject_reason reason;
        uint64_t count;
    } rejects[REJECTS_MAX];
    size_t rejects_count;
    struct timer *tick;  /* some ms after something was opened */
    struct timer *sweep; /* each second */
    bool ticking;
    bool held;           /* there was no room; nothing is taken in until collect_resume */
    struct drain *drain; /* of all UDP sockets; NULL: not begun */
    /* Streams */
    struct connection *connections;
    size_t connections_count;
    char *room;              /* that all connections are read into */
    struct awaited *awaited; /* with something that was not handed over */
    /* Files */
    struct tail *tails;
    struct timer *look;
    size_t look_from;   /* the file that is looked at first */
    uint64_t positions; /* the number of those told last */
    bool positions_waiting;
    size_t lines_memory;
    size_t answers_memory; /* of all connections' answers */
    struct pendings pendings;
    struct map quotas; /* client to bucket (quota.c) */
    /* HTTP */
    struct post *posts_first, *posts_last; /* whole, not yet handed over */
    struct timer *posts_timer;             /* their next turn */
    bool posts_held;                       /* there was no room for one; others go on */
    struct mono posts_held_since;
    struct ids *ids;   /* NULL: no memory for them */
    struct acks *acks; /* NULL: no memory for them */
    size_t http_memory;
    struct map http_by_client; /* of it, by client */
    /* What was last said, so that not each of a flood of lines is. */
    struct mono said;
    uint64_t unsaid;
    bool ever_said;
};

/* Takes mem with the bindings in it; collect_bind after the decoding. */
NODISCARD enum err collect_adopt(struct collect *collect, struct arena *mem,
                                 const struct bindings *bindings, struct why *why);
/* Something is open: see to it within some milliseconds. */
void collect_tick(struct collect *collect);
/* There was no room: stops reading everywhere. */
void collect_hold(struct collect *collect);
struct wall collect_now(const struct collect *collect);
void collect_say(struct collect *collect, const char *format, ...) PRINTF(2, 3);
void watches_set(struct collect *collect, unsigned events);
