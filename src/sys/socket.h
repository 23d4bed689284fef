#pragma once

/*
 * Listening sockets, and the bytes that arrive on them.  All sockets are non-blocking and closed on
 * exec.  Addresses are numeric: nothing here asks a name server.
 *
 *     socket_listen_udp → datagrams_receive, datagram_at … → socket_close
 *     socket_listen_tcp → socket_accept → socket_read … → socket_close
 */

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "base/why.h"

#define PEER_TEXT_SIZE 46

/* Who is at the other end. */
struct peer {
    uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
    uint16_t port;
    char text[PEER_TEXT_SIZE]; /* the address, IPv4 in its own form, with a NUL */
};

/* A bound UDP socket that counts what its buffer could not hold, or a listening TCP socket.
 * address: "127.0.0.1", "::", …; port 0 lets the kernel choose.  ERR_SYNTAX: no numeric address. */
NODISCARD enum err socket_listen_udp(const char *address, uint16_t port, int *ret, struct why *why);
NODISCARD enum err socket_listen_tcp(const char *address, uint16_t port, int *ret, struct why *why);
/* The port that a socket is bound to. */
NODISCARD enum err socket_port(int socket, uint16_t *ret);
void socket_close(int socket); /* -1 is fine. */

/* The next connection.  ERR_AGAIN: none is waiting.  ERR_FULL: no descriptor is left for it. */
NODISCARD enum err socket_accept(int listener, int *ret, struct peer *ret_peer);
/* Up to `size` bytes.  ERR_AGAIN: none is there.  ERR_CLOSED: the peer has ended or is gone. */
NODISCARD enum err socket_read(int socket, void *to, size_t size, size_t *ret_size);
/* Some of the bytes.  ERR_AGAIN: the peer takes none now. */
NODISCARD enum err socket_write(int socket, struct str bytes, size_t *ret_size);

/* Room for one recvmmsg(2) of datagrams. */
struct datagrams;
struct datagrams *datagrams_new(void); /* NULL when out of memory. */
void datagrams_free(struct datagrams *datagrams);
/* Takes what is waiting, up to the room; those of the last call are forgotten.  *ret_drops: how
 * many the socket has lost since it was opened, in 32 bits that wrap, as far as the kernel said
 * with these; unchanged otherwise.  ERR_AGAIN: nothing is waiting. */
NODISCARD enum err datagrams_receive(struct datagrams *datagrams, int socket, size_t *ret_count,
                                     uint32_t *ret_drops);
/* The same count, asked for without a datagram. */
NODISCARD enum err socket_drops(int socket, uint32_t *ret);
/* One of those taken.  ret_bytes is borrowed until the next receive. */
void datagram_at(struct datagrams *datagrams, size_t index, struct str *ret_bytes,
                 struct peer *ret_peer);

/* From a struct sockaddr of either family. */
struct sockaddr;
void peer_from_address(const struct sockaddr *from, struct peer *ret);
/* Reads a numeric address; ERR_SYNTAX if it is none. */
NODISCARD enum err peer_parse(const char *address, struct peer *ret);
