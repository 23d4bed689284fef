/* Whose losses are: of what the kernel had no room for, nobody knows the sender. */

#include "collect/private.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/clocks.h"
#include "testing/testing.h"

static struct source_id lost_by;
static uint64_t lost;

static enum err reject_note(void *context, struct client_id client, struct source_id source,
                            enum reject_reason reason, uint64_t count)
{
    (void)context, (void)client;
    if (reason == REJECT_KERNEL_DROP) {
        lost_by = source;
        lost += count;
    }
    return OK;
}

static enum err batch_forget(void *context, struct str bytes, struct client_id client,
                             struct source_id source, uint32_t events, uint64_t *ret_position)
{
    (void)context, (void)bytes, (void)client, (void)source, (void)events;
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

/* Sends more than the kernel holds and says whose the losses were; `sources` of them are bound, and
 * a stranger was heard or not. */
static uint32_t loser(size_t sources, bool strange)
{
    const struct collect_calls calls = {
        .parse = record_parse, .batch = batch_forget, .reject = reject_note};
    struct loop *loop;
    struct collect *collect;
    struct timer *timer;
    int listener;
    uint16_t port;
    static char line[1024];
    struct arena *mem = arena_new(1 << 20);
    struct binding *list = ARENA_ARRAY(mem, struct binding, 3);
    struct network *networks = ARENA_ARRAY(mem, struct network, 1);
    struct peer peer;
    lost = 0;
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
    CHECK(loop_new(&loop) == OK && collect_new(loop, &calls, &collect) == OK);
    CHECK(timer_new(loop, stop, loop, &timer) == OK);
    CHECK(socket_listen_udp("127.0.0.1", 0, &listener, NULL) == OK);
    CHECK(socket_port(listener, &port) == OK);
    CHECK(collect_listen(collect, STR("udp"), COLLECT_SYSLOG_UDP, listener, NULL) == OK);
    CHECK(collect_adopt(collect, mem, &bindings, NULL) == OK);
    collect->listeners[0]->stranger = strange ? mono_now() : (struct mono){0};
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int sender = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(sender >= 0 && connect(sender, (struct sockaddr *)&to, sizeof to) == 0);
    for (unsigned i = 0; i < 20000; i++) {
        CHECK(send(sender, line, sizeof line, 0) == sizeof line);
    }
    timer_set(timer, 1200, 0); /* a sweep */
    loop_run(loop);
    CHECK(close(sender) == 0 && lost > 0);
    collect_free(collect);
    timer_free(timer);
    loop_free(loop);
    return lost_by.value;
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
