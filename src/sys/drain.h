#pragma once

/*
 * Datagrams off their sockets into memory, by a thread that does nothing else.  A socket's buffer
 * lasts some ten milliseconds of a flood; whoever reads datagrams one by one may have to wait
 * longer than that, for the processor or for room to put them.
 *
 *     drain_new → drain_add … → (the call) drain_at, drain_pass, drain_settle … → drain_stop
 *               → drain_free
 *
 * The memory is taken as it is needed and given back.  When there is none left for a socket, what
 * comes stays in the socket, and the kernel drops and counts what that cannot hold: while the
 * thread runs, nothing that was read is dropped here.
 */

#include <stdatomic.h>

#include "base/clock.h"
#include "sys/loop.h"
#include "sys/socket.h"

struct drain;

/* Makes the thread.  The call comes on the loop as long as there is something to be taken.
 * size_max: bytes for all sockets together, some 6 MiB more at worst. */
typedef void drain_call(void *context);
NODISCARD enum err drain_new(struct loop *loop, size_t size_max, drain_call *call, void *context,
                             struct drain **ret);
/* Ends the thread; what was not passed is forgotten, what the sockets hold stays there.  They stay
 * open.  NULL is fine. */
void drain_free(struct drain *drain);

/* From now on the socket is emptied; it must stay open until drain_stop.  *waiting is kept at how
 * many of its datagrams were read and not settled; NULL: nobody wants to know.  ERR_LIMIT: there
 * are LISTENERS_MAX already. */
NODISCARD enum err drain_add(struct drain *drain, int socket, _Atomic uint32_t *waiting,
                             size_t *ret_index);
/* WATCH_READ: the call comes; 0: it does not, and datagrams gather. */
void drain_watch(struct drain *drain, unsigned events);

struct drained {
    struct str bytes; /* borrowed until it is passed */
    struct peer peer;
    struct mono read; /* when it was taken off the socket */
    uint32_t drops;   /* how many the socket had lost by then, in 32 bits that wrap */
};
/* The oldest of that socket's that was not passed; false: there is none. */
bool drain_at(struct drain *drain, size_t index, struct drained *ret);
/* Done with its bytes. */
void drain_pass(struct drain *drain, size_t index);
/* Somebody else answers for so many of those that were passed: takes them off *waiting. */
void drain_settle(struct drain *drain, size_t index, uint32_t count);
/* So many of those that were passed count as the other socket's from now on. */
void drain_shift(struct drain *drain, size_t from, size_t to, uint32_t count);
/* How many of the socket's were read and not settled. */
uint32_t drain_waiting(const struct drain *drain, size_t index);

/* Takes what the sockets hold at this moment, as far as there is memory, and ends the thread. */
void drain_stop(struct drain *drain);
/* From time to time: gives back memory that was not needed since the last time. */
void drain_sweep(struct drain *drain);
/* Bytes of memory that datagrams lie in, and that are kept for more. */
size_t drain_size(struct drain *drain);
