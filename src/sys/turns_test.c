#include "sys/turns.h"

#include <sys/socket.h>
#include <unistd.h>

#include "testing/testing.h"

#define COUNT 32

static bool is_shut(int peer)
{
    char byte;
    return recv(peer, &byte, 1, MSG_DONTWAIT) == 0;
}

TEST(in_a_crowd_whoever_has_waited_longest_goes_first)
{
    struct turns turns;
    struct turn of[COUNT] = {0};
    int peers[COUNT];
    turns_init(&turns, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        int pair[2];
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
        of[i].descriptor = pair[0];
        peers[i] = pair[1];
        turns.connections++;
        bool crowd = turns_shorten(&turns);
        turn_begin(&turns, &of[i]);
        CHECK(crowd == (i >= COUNT - COUNT / 16));
        if (i == 1) {
            turn_begin(&turns, &of[0]); /* has sent something whole */
            turn_end(&turns, &of[1]);   /* waits for us */
        }
    }
    CHECK(is_shut(peers[0]) && !is_shut(peers[1]) && is_shut(peers[2]) && !is_shut(peers[3]));
    for (size_t i = 0; i < COUNT; i++) {
        turn_end(&turns, &of[i]);
        (void)close(of[i].descriptor);
        (void)close(peers[i]);
    }
    CHECK(turns.first == NULL && turns.last == NULL && !turns_shorten(&turns));
}
