#pragma once

/*
 * Which connections wait for their peer, and since when: in a crowd the one that has waited longest
 * is ended, so that slow peers cannot keep all others out.
 *
 *     turns_init → turn_begin, turn_end … → turns_shorten
 */

#include <stdbool.h>
#include <stddef.h>

struct turn {
    struct turn *previous, *next;
    int descriptor;
    bool begun;
};

struct turns {
    struct turn *first, *last; /* from the one that has waited longest */
    size_t connections;        /* all, also those that wait for us */
    size_t crowd;              /* from how many on it is one */
};

/* One in sixteen places is kept for whoever comes. */
void turns_init(struct turns *turns, size_t connections_max);
/* It is the peer's turn from now on: a request, the rest of one, or the reading of an answer. */
void turn_begin(struct turns *turns, struct turn *turn);
/* It is our turn, or the connection has ended. */
void turn_end(struct turns *turns, struct turn *turn);
/* In a crowd the connection that has waited longest is shut down; whoever owns it hears of its end
 * as of any other.  true: one was. */
bool turns_shorten(struct turns *turns);
