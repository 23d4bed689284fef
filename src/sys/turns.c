/*
 * A list in the order in which waiting began, so that the longest is found at once.
 *
 * A peer that sends a byte now and then is never silent, so no limit of silence ends it; and a few
 * hundred of them, from a few addresses, would be all connections that there are.  Whoever means
 * it has sent a request within a second, and is behind them in the list.
 *
 * Always true: a connection that waits for us, or is an open stream, is not in the list.
 */

#include "sys/turns.h"

#include <sys/socket.h>

#define SPARE 16 /* one in so many */

void turns_init(struct turns *turns, size_t connections_max)
{
    *turns = (struct turns){.crowd = connections_max - connections_max / SPARE};
}

void turn_end(struct turns *turns, struct turn *turn)
{
    if (!turn->begun) {
        return;
    }
    if (turn->previous != NULL) {
        turn->previous->next = turn->next;
    } else {
        turns->first = turn->next;
    }
    if (turn->next != NULL) {
        turn->next->previous = turn->previous;
    } else {
        turns->last = turn->previous;
    }
    turn->previous = turn->next = NULL;
    turn->begun = false;
}

void turn_begin(struct turns *turns, struct turn *turn)
{
    turn_end(turns, turn);
    turn->previous = turns->last;
    if (turns->last != NULL) {
        turns->last->next = turn;
    } else {
        turns->first = turn;
    }
    turns->last = turn;
    turn->begun = true;
}

bool turns_shorten(struct turns *turns)
{
    struct turn *turn = turns->first;
    if (turn == NULL || turns->connections <= turns->crowd) {
        return false;
    }
    turn_end(turns, turn); /* not chosen twice before it is gone */
    (void)shutdown(turn->descriptor, SHUT_RDWR);
    return true;
}
