#include "sys/drain.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/clocks.h"
#include "sys/sender.h"
#include "testing/testing.h"

#define CHUNK ((size_t)256 * 1024)

static struct loop *loop;
static struct drain *drain;
static struct timer *timer;
static _Atomic uint32_t waiting[2];
static int listeners[2], senders[2];
static unsigned calls, seen[2], take_max;

/* Takes in up to `take_max` of each socket; each datagram says which it is. */
static void take(void *context)
{
    struct drained drained;
    (void)context;
    calls++;
    for (size_t i = 0; i < 2; i++) {
        for (unsigned taken = 0; taken < take_max && drain_at(drain, i, &drained); taken++) {
            CHECK(strtoul(drained.bytes.data, NULL, 10) == seen[i]);
            CHECK(strcmp(drained.peer.text, i == 0 ? "127.0.0.1" : "127.0.0.2") == 0);
            CHECK(drained.read.ns > 0 && drained.read.ns <= mono_now().ns);
            seen[i]++;
            drain_pass(drain, i);
            drain_settle(drain, i, 1);
        }
    }
}

static void stop(void *context)
{
    loop_stop(context);
}

static void run_ms(uint64_t ms)
{
    timer_set(timer, ms, 0);
    loop_run(loop);
}

/* Until so many are read and wait, or were taken in; or five seconds have passed. */
static void wait_waiting(size_t index, uint32_t count)
{
    for (unsigned i = 0; i < 5000 && waiting[index] < count; i++) {
        run_ms(1);
    }
}

static void wait_seen(size_t index, unsigned count)
{
    for (unsigned i = 0; i < 5000 && seen[index] < count; i++) {
        run_ms(1);
    }
}

static void put(size_t index, unsigned from, unsigned to, size_t size)
{
    static char bytes[65536];
    for (unsigned i = from; i < to; i++) {
        (void)snprintf(bytes, sizeof bytes, "%u ", i);
        CHECK(sender_send(senders[index], str_of(bytes, size)) == OK);
    }
}

static void begin(size_t size_max)
{
    seen[0] = seen[1] = calls = 0;
    take_max = 100;
    CHECK(loop_new(&loop) == OK && timer_new(loop, stop, loop, &timer) == OK);
    CHECK(drain_new(loop, size_max, take, NULL, &drain) == OK);
    for (size_t i = 0; i < 2; i++) {
        uint16_t port;
        size_t index;
        waiting[i] = 0;
        CHECK(socket_listen_udp("127.0.0.1", 0, &listeners[i], NULL) == OK);
        CHECK(socket_port(listeners[i], &port) == OK);
        CHECK(drain_add(drain, listeners[i], &waiting[i], &index) == OK && index == i);
        CHECK(sender_open(true, "127.0.0.1", port, i == 0 ? "127.0.0.1" : "127.0.0.2", &senders[i],
                          NULL) == OK);
    }
}

static void end(void)
{
    drain_free(drain);
    drain_free(NULL);
    timer_free(timer);
    loop_free(loop);
    for (size_t i = 0; i < 2; i++) {
        sender_close(senders[i]);
        socket_close(listeners[i]);
    }
}

TEST(datagrams_come_once_and_in_order_whatever_their_sizes)
{
    begin((size_t)8 << 20);
    for (unsigned round = 0; round < 20; round++) {
        put(0, round * 100, round * 100 + 50, 20 + round * 31);
        put(1, round * 10, round * 10 + 10, 20 + round * 3000);
        put(0, round * 100 + 50, round * 100 + 100, 20);
        run_ms(2);
    }
    wait_seen(0, 2000);
    wait_seen(1, 200);
    CHECK(seen[0] == 2000 && seen[1] == 200);
    CHECK(waiting[0] == 0 && waiting[1] == 0);
    end();
}

TEST(while_nobody_takes_they_gather_and_the_memory_is_given_back)
{
    begin((size_t)8 << 20);
    CHECK(drain_size(drain) == 0);
    drain_watch(drain, 0);
    put(0, 0, 5000, 300);
    wait_waiting(0, 5000);
    CHECK(calls == 0 && waiting[0] == 5000);
    CHECK(drain_size(drain) >= (size_t)5000 * 300 && drain_size(drain) < (size_t)5000 * 600);
    drain_watch(drain, WATCH_READ);
    wait_seen(0, 5000);
    CHECK(seen[0] == 5000 && calls >= 50 && waiting[0] == 0);
    CHECK(drain_size(drain) <= 8 * CHUNK);
    drain_sweep(drain);
    CHECK(drain_size(drain) > 0); /* it was needed since the sweep before */
    drain_sweep(drain);
    CHECK(drain_size(drain) == 0);
    unsigned before = calls;
    run_ms(50);
    CHECK(calls == before);
    end();
}

TEST(where_the_memory_ends_the_rest_stays_in_the_socket_and_others_have_theirs)
{
    begin((size_t)4 << 20);
    drain_watch(drain, 0);
    put(0, 0, 6000, 1000); /* three quarters of the memory hold some 2,900 */
    wait_waiting(0, 2000);
    run_ms(100);
    const uint32_t read = waiting[0];
    CHECK(read > 2000 && read < 3500);
    CHECK(drain_size(drain) <= 13 * CHUNK);
    put(1, 0, 100, 1000);
    wait_waiting(1, 100);
    CHECK(waiting[1] == 100);
    drain_watch(drain, WATCH_READ);
    wait_seen(0, 6000);
    wait_seen(1, 100);
    uint32_t drops = 0;
    CHECK(socket_drops(listeners[0], &drops) == OK && drops == 0);
    CHECK(seen[0] == 6000 && seen[1] == 100 && waiting[0] == 0);
    end();
}

TEST(at_the_end_what_the_socket_holds_is_read_and_nothing_more)
{
    struct drained drained;
    begin((size_t)8 << 20);
    drain_watch(drain, 0);
    put(0, 0, 1000, 200);
    drain_stop(drain);
    put(0, 1000, 1001, 200);
    take_max = 2000;
    take(NULL);
    CHECK(seen[0] == 1000 && !drain_at(drain, 0, &drained) && waiting[0] == 0);
    drain_stop(drain);
    end();
}

/* Somebody looks while the thread is at it, as the sweep may. */
TEST(what_is_looked_at_out_of_turn_is_told_all_the_same)
{
    struct drained drained;
    begin((size_t)8 << 20);
    for (unsigned i = 0; i < 100; i++) {
        put(0, i, i + 1, 20);
        for (uint64_t tries = 0; !drain_at(drain, 0, &drained) && tries < 100000000; tries++) {
        }
        (void)usleep(2000);
        wait_seen(0, i + 1);
        CHECK(seen[0] == i + 1);
    }
    end();
}

TEST(whoever_gives_up_leaves_in_the_sockets_what_they_hold)
{
    char byte;
    begin((size_t)8 << 20);
    drain_watch(drain, 0);
    drain_free(drain);
    drain = NULL;
    put(0, 0, 500, 20);
    unsigned left = 0;
    while (recv(listeners[0], &byte, 1, MSG_DONTWAIT) >= 0) {
        left++;
    }
    CHECK(left == 500 && waiting[0] == 0);
    end();
}

TEST(what_one_socket_owes_another_may_take_over)
{
    struct drained drained;
    begin((size_t)8 << 20);
    drain_watch(drain, 0);
    put(0, 0, 10, 20);
    wait_waiting(0, 10);
    for (unsigned i = 0; i < 5000 && seen[0] < 10; i++) {
        for (; drain_at(drain, 0, &drained); seen[0]++) {
            drain_pass(drain, 0);
        }
        (void)usleep(1000);
    }
    drain_shift(drain, 0, 1, 7);
    CHECK(drain_waiting(drain, 0) == 3 && drain_waiting(drain, 1) == 7);
    end();
}

TEST(what_was_lost_is_told_with_what_came_after_it)
{
    struct drained drained;
    begin(CHUNK);
    drain_watch(drain, 0);
    put(0, 0, 30000, 1000);
    run_ms(50);
    uint32_t lost;
    CHECK(socket_drops(listeners[0], &lost) == OK && lost > 0);
    unsigned count = 0;
    uint32_t told = 0;
    for (unsigned i = 0; i < 200 && count + lost < 30000; i++) {
        for (; drain_at(drain, 0, &drained); count++) {
            CHECK(drained.drops == 0);
            drain_pass(drain, 0);
        }
        (void)usleep(5000);
    }
    CHECK(count + lost == 30000);
    put(0, 0, 1, 100);
    for (unsigned i = 0; i < 200 && told == 0; i++) {
        (void)usleep(5000);
        if (drain_at(drain, 0, &drained)) {
            told = drained.drops;
        }
    }
    CHECK(told == lost);
    end();
}
