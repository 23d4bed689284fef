#pragma once

/*
 * What hands bytes to a listener, from an address of the caller's choice: the other side of
 * socket.h, for programs that play a device.  Calls block, up to SENDER_SECONDS.
 *
 *     sender_open → sender_send … → (sender_answer) → sender_close
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "base/why.h"

#define SENDER_SECONDS 5

/* `to` and `from` are numeric addresses; from: "" leaves it to the system.  ERR_SYNTAX: no address;
 * ERR_NOT_FOUND: nobody listens there; else as errno says. */
NODISCARD enum err sender_open(bool datagrams, const char *to, uint16_t port, const char *from,
                               int *ret, struct why *why);
/* All of the bytes; of a datagram socket as one.  ERR_CLOSED: the other side is gone. */
NODISCARD enum err sender_send(int sender, struct str bytes);
/* Up to `size` bytes of what the other side says; *ret_size 0: it has ended. */
NODISCARD enum err sender_answer(int sender, void *to, size_t size, size_t *ret_size);
void sender_close(int sender); /* -1 is fine. */

/* Whether a numeric address is this machine's own and never leaves it: 127.0.0.0/8 or ::1. */
bool address_is_loopback(const char *address);
