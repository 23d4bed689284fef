#pragma once

/*
 * A channel between two of our processes: SOCK_SEQPACKET, so that a message is whole or not there,
 * and descriptors travel with it.  Who is at the other end is decided by whoever made the pair.
 */

#include "base/err.h"
#include "base/str.h"
#include "base/why.h"

#define CHANNEL_DESCRIPTORS_MAX 8

/* A connected pair, non-blocking, closed on exec. */
NODISCARD enum err channel_pair(int ret[2]);

/* Sends one packet (at most MESSAGE_SIZE_MAX bytes) and copies of `count` descriptors.  ERR_AGAIN:
 * the queue is full, nothing was sent.  ERR_CLOSED: the other side is gone. */
NODISCARD enum err channel_send(int channel, struct str bytes, const int *descriptors,
                                size_t count);

/* Takes one packet.  *ret_count descriptors are the caller's from now on.  ERR_AGAIN: none is
 * there.  ERR_CLOSED: the other side is gone.  ERR_LIMIT: it was larger than `size` and is lost. */
NODISCARD enum err channel_receive(int channel, void *to, size_t size, size_t *ret_size,
                                   int descriptors[CHANNEL_DESCRIPTORS_MAX], size_t *ret_count);

/* A channel that other programs may open: a socket `name` in `folder`, mode 0600.  A socket that is
 * there already is replaced (whoever may do that holds the folder's lock). */
NODISCARD enum err channel_listen(const char *folder, const char *name, int *ret, struct why *why);
/* ERR_AGAIN: nobody waits. */
NODISCARD enum err channel_accept(int listener, int *ret);
/* ERR_NOT_FOUND: there is no such socket, or nobody listens at it. */
NODISCARD enum err channel_connect(const char *folder, const char *name, int *ret);
