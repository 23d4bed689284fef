#pragma once

/* What the files of this room share.  One struct collect, one loop, no threads. */

#include "base/buf.h"
#include "base/limits.h"
#include "base/map.h"
#include "codec/crypto.h"
#include "collect/collect.h"
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
const struct binding *sender_unknown(const struct generation *generation, struct str listener);

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

/* ---- body.c: a post's body into lines and parts, by nothing but its bytes. */

struct body_cursor {
    struct str rest;
    uint64_t line; /* number of the last line taken, from 1 */
};
/* The next line that is not empty, without its LF or CRLF; false at the end. */
bool body_line(struct body_cursor *cursor, struct str *ret);
/* The next part: its lines in *ret_count records of at most RECORD_SIZE_MAX; the cursor stands
 * behind it.  false at the end.  A part may hold no record that fits; it makes no batch. */
struct body_part {
    struct body_cursor from;
    const char *end;
    uint32_t records;
};
bool body_part(struct body_cursor *cursor, struct body_part *ret);
/* How many parts hold a record. */
uint32_t body_parts(struct str body);

/* ---- streams.c: one open batch for each source. */

struct stream {
    struct stream *next;
    struct client_id client;
    struct source_id source;
    struct builder *builder;
    struct mono used;
};
struct streams {
    struct stream *first;
    struct map by_source;
};
/* Adds a record.  ERR_AGAIN: not now, nothing was added. */
NODISCARD enum err stream_add(struct collect *collect, const struct binding *binding,
                              struct str sender, struct str record, struct wall received);
NODISCARD enum err streams_flush(struct collect *collect);
void streams_sweep(struct collect *collect, struct mono now); /* frees builders long unused */
void streams_done(struct collect *collect);
/* Adds one record to a builder, parsed if its fields fit.  ERR_LIMIT: the batch is full. */
NODISCARD enum err record_add(struct collect *collect, const struct binding *binding,
                              struct str sender, struct str record, struct wall received,
                              struct builder *builder);

/* ---- rejects.c: counts that wait for room. */

void reject_add(struct collect *collect, const struct binding *binding, enum reject_reason reason,
                uint64_t count);
NODISCARD enum err rejects_flush(struct collect *collect);

/* ---- Listeners. */

struct connection;

struct listener {
    struct collect *collect;
    char name[128];
    enum collect_kind kind;
    int socket;
    struct watch *watch;
    /* UDP */
    struct datagrams *datagrams;
    size_t datagram, datagrams_count; /* the next one to take in, and how many there are */
    size_t index;                     /* in the order of collect_listen */
    uint32_t drops;                   /* accounted for, in the kernel's count */
    struct map bindings;              /* sender's address to binding index, a cache */
    /* HTTP */
    struct http *http;
};

NODISCARD enum err udp_start(struct listener *listener);
void udp_stop(struct listener *listener);
NODISCARD enum err udp_resume(struct listener *listener); /* takes in what was held */
NODISCARD enum err tcp_start(struct listener *listener);
void udp_sweep(struct collect *collect); /* losses that no datagram has told of */
void tcp_stop(struct listener *listener);
NODISCARD enum err tcp_resume(struct collect *collect);
void tcp_sweep(struct collect *collect, struct mono now);
NODISCARD enum err post_listen(struct listener *listener, struct why *why);
NODISCARD enum err posts_resume(struct collect *collect);
void posts_done(struct collect *collect);

/* ---- The whole. */

struct pending; /* post.c: batches of posts that wait for their commit */
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
    bool held; /* there was no room; nothing is read until collect_resume */
    /* TCP */
    struct connection *connections;
    size_t connections_count;
    size_t lines_memory;
    /* HTTP */
    struct post *posts_first, *posts_last; /* whole, not yet handed over */
    struct pending *pending;
    size_t pending_first, pending_count, pending_capacity;
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
