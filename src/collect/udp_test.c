/* Whose losses are: of what the kernel had no room for, nobody knows the sender.  And what becomes
 * of datagrams that were read while there was no room for their records. */

#include "collect/private.h"
#include "collect/run_test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "event/batch.h"
#include "sys/clocks.h"
#include "testing/testing.h"

static struct {
    struct loop *loop;
    struct timer *timer;
    struct collect *collect;
    int sender;
    struct source_id lost_by;
    uint64_t lost;
    bool full;       /* there is no room for batches */
    uint64_t stored; /* records, each of which begins with its number */
    uint64_t next;   /* the number after the last one */
    _Atomic uint32_t waiting;
} tower;

static bool books_full; /* there is no room for rejects */

static enum err reject_note(void *context, struct client_id client, struct source_id source,
                            enum reject_reason reason, uint64_t count)
{
    (void)context, (void)client;
    if (books_full) {
        return ERR_AGAIN;
    }
    if (reason == REJECT_KERNEL_DROP) {
        tower.lost_by = source;
        tower.lost += count;
    }
    return OK;
}

static enum err batch_look(void *context, struct str bytes, struct client_id client,
                           struct source_id source, uint32_t events, uint64_t *ret_position)
{
    struct arena *mem = arena_new((size_t)64 << 20);
    struct batch batch;
    struct event event;
    (void)context, (void)client, (void)source;
    if (tower.full) {
        arena_free(mem);
        return ERR_AGAIN;
    }
    CHECK(batch_check(bytes, mem, &batch, NULL) == OK && batch.events == events);
    for (uint32_t i = 0; i < events; i++) {
        batch_event(&batch, i, &event);
        uint64_t number = strtoull(event.record.data, NULL, 10);
        CHECK(number >= tower.next);
        tower.next = number + 1;
        tower.stored++;
    }
    arena_free(mem);
    *ret_position = 1;
    return OK;
}

static void record_parse(void *context, const struct binding *binding, struct str sender,
                         struct wall received, struct builder *builder)
{
    (void)context, (void)binding, (void)sender, (void)received, (void)builder;
}

static void stop(void *context)
{
    loop_stop(context);
}

static void run_ms(uint64_t ms)
{
    timer_set(tower.timer, ms, 0);
    loop_run(tower.loop);
}

#define UNTIL(holds) RUN_UNTIL(tower.loop, tower.timer, holds)

static _Atomic uint32_t *waiting_at(void *context, size_t listener)
{
    (void)context;
    CHECK(listener == 0);
    return &tower.waiting;
}

/* One listener; strangers are source 10, and so many sources from 11 on are bound to it. */
static void bind_all(uint32_t sources)
{
    struct arena *mem = arena_new(1 << 20);
    struct binding *list = ARENA_ARRAY(mem, struct binding, 3);
    struct network *networks = ARENA_ARRAY(mem, struct network, 1);
    struct peer peer;
    CHECK(peer_parse("127.0.0.1", &peer) == OK);
    memcpy(networks[0].address, peer.address, 16);
    networks[0].prefix = 128;
    for (uint32_t i = 0; i < 3; i++) {
        list[i] = (struct binding){.client = {i == 0 ? 1 : 2},
                                   .source = {10 + i},
                                   .listener = STR("udp"),
                                   .unknown_senders = i == 0,
                                   .networks = i == 0 ? NULL : networks,
                                   .networks_count = i == 0 ? 0 : 1};
    }
    const struct bindings bindings = {.generation = 1, .list = list, .count = 1 + sources};
    CHECK(collect_adopt(tower.collect, mem, &bindings, NULL) == OK);
}

static void tower_up(uint32_t sources, uint32_t waiting)
{
    const struct collect_calls calls = {
        .parse = record_parse, .batch = batch_look, .reject = reject_note, .waiting = waiting_at};
    int listener;
    uint16_t port;
    memset(&tower, 0, sizeof tower);
    tower.waiting = waiting;
    CHECK(loop_new(&tower.loop) == OK && collect_new(tower.loop, &calls, &tower.collect) == OK);
    CHECK(timer_new(tower.loop, stop, tower.loop, &tower.timer) == OK);
    CHECK(socket_listen_udp("127.0.0.1", 0, &listener, NULL) == OK);
    CHECK(socket_port(listener, &port) == OK);
    CHECK(collect_listen(tower.collect, STR("udp"), COLLECT_SYSLOG_UDP, listener, NULL) == OK);
    bind_all(sources);
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    tower.sender = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(tower.sender >= 0 && connect(tower.sender, (struct sockaddr *)&to, sizeof to) == 0);
}

static void tower_down(void)
{
    CHECK(close(tower.sender) == 0);
    collect_free(tower.collect);
    timer_free(tower.timer);
    loop_free(tower.loop);
}

static void put(unsigned from, unsigned to, size_t size)
{
    static char line[4096];
    for (unsigned i = from; i < to; i++) {
        (void)snprintf(line, sizeof line, "%u of many", i);
        CHECK(send(tower.sender, line, size, 0) == (ssize_t)size);
    }
}

/* Until all that was sent was read. */
static void socket_emptied(void)
{
    char byte;
    const int listener = tower.collect->listeners[0]->socket;
    for (unsigned i = 0; i < 5000 && recv(listener, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0; i++) {
        run_ms(1);
    }
}

/* Sends more than memory and the kernel hold and says whose the losses were; `sources` of them are
 * bound, and a stranger was heard or not. */
static uint32_t loser(uint32_t sources, bool strange)
{
    tower_up(sources, 0);
    tower.collect->listeners[0]->stranger = strange ? mono_now() : (struct mono){0};
    put(0, 70000, 1024);
    run_ms(1200); /* a sweep */
    UNTIL(tower.lost > 0);
    CHECK(tower.lost > 0);
    tower_down();
    return tower.lost_by.value;
}

TEST(lost_datagrams_are_the_sources_that_has_the_listener_for_itself)
{
    CHECK(loser(1, false) == 11);
}

TEST(where_a_stranger_was_heard_or_two_sources_are_bound_losses_are_nobodys)
{
    CHECK(loser(1, true) == 10);
    CHECK(loser(2, false) == 10);
}

TEST(without_room_datagrams_gather_in_memory_and_come_out_in_their_order)
{
    tower_up(1, 0);
    tower.full = true;
    for (unsigned i = 0; i < 40000; i += 2000) { /* four times what the socket holds */
        put(i, i + 2000, i < 20000 ? 300 : 1200);
        socket_emptied();
    }
    CHECK(tower.collect->held && tower.stored == 0);
    CHECK(tower.waiting > 30000 && drain_size(tower.collect->drain) > (size_t)10 << 20);
    tower.full = false;
    collect_resume(tower.collect);
    UNTIL(tower.stored == 40000 && tower.waiting == 0);
    CHECK(tower.stored == 40000 && tower.lost == 0 && tower.waiting == 0);
    UNTIL(drain_size(tower.collect->drain) == 0); /* two sweeps */
    CHECK(drain_size(tower.collect->drain) == 0);
    tower_down();
}

TEST(an_orderly_end_reads_what_the_socket_holds)
{
    tower_up(1, 0);
    run_ms(20);
    put(0, 3000, 300);
    CHECK(collect_flush(tower.collect) == OK);
    CHECK(tower.stored == 3000 && tower.lost == 0 && tower.waiting == 0);
    tower_down();
}

TEST(what_a_front_that_died_had_read_is_counted_as_lost_by_the_next)
{
    tower_up(1, 123);
    UNTIL(tower.waiting == 0);
    CHECK(tower.lost == 123 && tower.lost_by.value == 11 && tower.waiting == 0);
    put(0, 10, 100);
    UNTIL(tower.stored == 10);
    CHECK(tower.stored == 10 && tower.lost == 123);
    bind_all(1); /* Another generation counts nothing again. */
    run_ms(20);
    CHECK(tower.lost == 123);
    tower_down();
}

TEST(that_count_stands_until_somebody_has_it)
{
    books_full = true;
    tower_up(1, 123);
    run_ms(20);
    CHECK(tower.lost == 0 && tower.waiting == 123);
    books_full = false;
    UNTIL(tower.lost == 123); /* the sweep asks again */
    CHECK(tower.lost == 123 && tower.waiting == 0);
    tower_down();
}

TEST(a_count_that_no_memory_could_hold_is_not_believed)
{
    tower_up(1, UINT32_MAX);
    UNTIL(tower.waiting == 0);
    CHECK(tower.lost == DATAGRAMS_MEMORY_MAX / 64 && tower.waiting == 0);
    tower_down();
}
