#pragma once

/*
 * One end of a channel on a loop: messages come as calls, and those that the channel cannot take at
 * the moment wait in a queue, in order.
 *
 *     link_new → link_send … → link_free
 */

#include "serve/message.h"
#include "sys/loop.h"

struct link;

/* A message has come; the receiver may take its descriptors, the rest is closed after the call.
 * `message` NULL: the peer is gone, or spoke nonsense (*err tells); the link is dead and the
 * receiver frees it, now or later. */
typedef void link_call(void *context, struct link *link, struct message *message, enum err err);

/* The descriptor is the link's from now on, also on an error. */
NODISCARD enum err link_new(struct loop *loop, int descriptor, link_call *call, void *context,
                            struct link **ret);
void link_free(struct link *link); /* NULL is fine; also inside its own call. */

/* Sends or queues.  ERR_LIMIT: too much is waiting; ERR_CLOSED: the peer is gone.  Descriptors of
 * a queued message are duplicated, so the caller may always close its own. */
NODISCARD enum err link_send(struct link *link, const struct message *message);
/* Whether the peer has closed its end, although no call has said so yet. */
bool link_peer_gone(const struct link *link);
bool link_is_idle(const struct link *link); /* nothing waits to be sent */
