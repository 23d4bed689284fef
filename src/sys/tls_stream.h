#pragma once

/*
 * TLS on a connection that was accepted, on a socket that never blocks:
 *
 *     tls_gate_new → (tls_stream_new → tls_stream_greet … → _peer, _read, _write … → _free) …
 *         → tls_gate_unref
 *
 * A gate is what a listener shows and what it asks of its peers.  It is immutable and counted: a
 * stream ends under the gate that it began under, however often the listener's is replaced.
 *
 * Spoken are TLS 1.2 and 1.3; nothing is renegotiated, resumed or sent early.
 */

#include "base/err.h"
#include "base/str.h"
#include "base/why.h"

struct tls_gate;

/* All PEM.  Without authorities a peer may show a certificate, which is known by its fingerprint
 * alone; with them it must show one that they vouch for, and its names count too.
 * Revoked: the authorities' revocation lists, which may also stand among the authorities. */
struct tls_papers {
    struct str certificate, key, authorities, revoked;
};
/* ERR_SYNTAX: something of the papers cannot be used. */
NODISCARD enum err tls_gate_new(const struct tls_papers *papers, struct tls_gate **ret,
                                struct why *why);
struct tls_gate *tls_gate_ref(struct tls_gate *gate);
void tls_gate_unref(struct tls_gate *gate); /* NULL is fine. */

struct tls_stream;

/* The socket stays the caller's and must be open until tls_stream_free. */
NODISCARD enum err tls_stream_new(struct tls_gate *gate, int socket, struct tls_stream **ret);
void tls_stream_free(struct tls_stream *stream); /* NULL is fine. */
/* Goes on with the greeting.  ERR_AGAIN: *ret_write says whether it waits to write, else to read.
 * ERR_DENIED: the peer or what it shows is refused; *ret_reason is a sentence. */
NODISCARD enum err tls_stream_greet(struct tls_stream *stream, bool *ret_write,
                                    const char **ret_reason);

#define TLS_PEER_NAMES_SIZE 1024

/* After the greeting. */
struct tls_peer {
    bool shown;                      /* it has a certificate */
    bool vouched;                    /* the gate's authorities vouch for it */
    char sha256[65];                 /* the fingerprint, in hexadecimal */
    char names[TLS_PEER_NAMES_SIZE]; /* only if vouched: its names, one a line */
};
const struct tls_peer *tls_stream_peer(const struct tls_stream *stream);
/* Whether somebody means this peer: by "sha256:" and a fingerprint or a fingerprint alone (colons
 * between its bytes or none), or by one of its names, whole.  Letters' case does not count. */
bool tls_peer_is(const struct tls_peer *peer, struct str who);

/* As socket_read.  ERR_CLOSED also for what breaks the protocol. */
NODISCARD enum err tls_stream_read(struct tls_stream *stream, void *to, size_t size,
                                   size_t *ret_size);
/* Some of the bytes.  After ERR_AGAIN the next call must begin with the same bytes. */
NODISCARD enum err tls_stream_write(struct tls_stream *stream, struct str bytes, size_t *ret_size);
