/* Senders that wait for an answer, and senders over TLS: real sockets on loopback, the real loop;
 * the archive is a count that commits when the test lets it. */

#include "collect/connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collect/collect.h"
#include "collect/run_test.h"
#include "sys/clocks.h"
#include "testing/testing.h"

static struct yard {
    struct loop *loop;
    struct collect *collect;
    struct timer *stop, *commit;
    uint16_t relp, lumberjack, lines;
    uint64_t batches, committed, events, rejects[REJECT_REASON_COUNT];
    enum commit_result result;
    bool full, stalled;
    struct buf records; /* each with an LF */
} yard;

static enum err batch_keep(void *context, struct str bytes, struct client_id client,
                           struct source_id source, uint32_t events, uint64_t *ret_position)
{
    struct batch batch;
    (void)context, (void)client, (void)source;
    if (yard.full) {
        return ERR_AGAIN;
    }
    struct arena *mem = arena_new(64 << 20);
    CHECK(batch_check(bytes, mem, &batch, NULL) == OK && batch.events == events);
    for (uint32_t i = 0; i < events; i++) {
        struct event event;
        batch_event(&batch, i, &event);
        CHECK(buf_append(&yard.records, event.record) == OK);
        CHECK(buf_append(&yard.records, STR("\n")) == OK);
    }
    arena_free(mem);
    yard.events += events;
    *ret_position = ++yard.batches;
    return OK;
}

static enum err reject_count(void *context, struct client_id client, struct source_id source,
                             enum reject_reason reason, uint64_t count)
{
    (void)context, (void)client, (void)source;
    yard.rejects[reason] += count;
    return OK;
}

static void record_parse(void *context, const struct binding *binding, struct str sender,
                         struct wall received, struct builder *builder)
{
    (void)context, (void)binding, (void)sender, (void)received, (void)builder;
}

static void commit(void *context)
{
    (void)context;
    if (!yard.stalled && yard.committed < yard.batches) {
        struct commit_exception list[64];
        size_t count = 0;
        for (uint64_t i = yard.committed + 1; i <= yard.batches && count < 64; i++) {
            list[count++] = (struct commit_exception){i, yard.result};
        }
        yard.committed = yard.batches;
        collect_committed(yard.collect, yard.committed, list,
                          yard.result == COMMIT_STORED ? 0 : count);
    }
}

static void stop(void *context)
{
    (void)context;
    loop_stop(yard.loop);
}

static void run_ms(unsigned ms)
{
    run_turns(yard.loop, yard.stop, ms);
}

static uint16_t listen_at(const char *name, enum collect_kind kind)
{
    int made;
    uint16_t port;
    CHECK(socket_listen_tcp("127.0.0.1", 0, &made, NULL) == OK);
    CHECK(socket_port(made, &port) == OK);
    CHECK(collect_listen(yard.collect, str_from(name), kind, made, NULL) == OK);
    return port;
}

static void yard_up(void)
{
    const struct collect_calls calls = {
        .parse = record_parse, .batch = batch_keep, .reject = reject_count};
    memset(&yard, 0, sizeof yard);
    buf_init(&yard.records, 64 << 20);
    CHECK(loop_new(&yard.loop) == OK);
    CHECK(collect_new(yard.loop, &calls, &yard.collect) == OK);
    CHECK(timer_new(yard.loop, stop, NULL, &yard.stop) == OK);
    CHECK(timer_new(yard.loop, commit, NULL, &yard.commit) == OK);
    yard.relp = listen_at("relp", COLLECT_RELP);
    yard.lumberjack = listen_at("beats", COLLECT_LUMBERJACK);
    yard.lines = listen_at("lines", COLLECT_SYSLOG_TCP);
    struct arena *mem = arena_new(1 << 20);
    struct binding *list = ARENA_ARRAY(mem, struct binding, 3);
    const char *names[] = {"relp", "beats", "lines"};
    for (uint32_t i = 0; i < 3; i++) {
        list[i] = (struct binding){.client = {1},
                                   .source = {i + 1},
                                   .listener = str_from(names[i]),
                                   .unknown_senders = true};
    }
    const struct bindings bindings = {.generation = 1, .list = list, .count = 3};
    CHECK(collect_adopt(yard.collect, mem, &bindings, NULL) == OK);
    timer_set(yard.commit, 1, 1);
}

static void yard_down(void)
{
    collect_free(yard.collect);
    timer_free(yard.commit);
    timer_free(yard.stop);
    loop_free(yard.loop);
    buf_done(&yard.records);
}

static int dial(uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int made = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(made >= 0 && connect(made, (struct sockaddr *)&to, sizeof to) == 0);
    return made;
}

static void put(int socket, struct str bytes)
{
    for (int i = 0; bytes.size > 0 && i < 20000; i++) {
        ssize_t sent = send(socket, bytes.data, bytes.size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent <= 0) {
            run_ms(1);
            sent = 0;
        }
        bytes = str_slice(bytes, (size_t)sent, bytes.size);
    }
    CHECK(bytes.size == 0);
}

/* What comes within some time, up to `size` bytes; *ret_ended: the connection was closed. */
static struct str hear(int socket, char *to, size_t size, bool *ret_ended)
{
    size_t got = 0;
    *ret_ended = false;
    for (int i = 0; i < 60 && got < size && !*ret_ended; i++) {
        ssize_t n = recv(socket, to + got, size - got, MSG_DONTWAIT);
        got += n > 0 ? (size_t)n : 0;
        *ret_ended = n == 0;
        run_ms(2);
    }
    return str_of(to, got);
}

static void heard_is(int socket, struct str expected, bool expected_end)
{
    char text[4096];
    bool ended;
    struct str heard = hear(socket, text, expected.size + (expected_end ? 1 : 0), &ended);
    if (!str_equal(heard, expected)) {
        (void)fprintf(stderr, "heard '%.*s'\n", STR_ARG(heard));
    }
    CHECK(str_equal(heard, expected) && (ended || !expected_end));
}

static int relp_dial(void)
{
    int made = dial(yard.relp);
    char text[128];
    bool ended;
    put(made, STR("1 open 30 relp_version=0\ncommands=syslog\n"));
    struct str heard = hear(made, text, sizeof text, &ended);
    CHECK(str_starts(heard, STR("1 rsp ")) && str_find(heard, STR("200 OK\n")) != STR_NONE);
    CHECK(str_ends(heard, STR("commands=syslog\n")));
    return made;
}

TEST(a_relp_record_is_answered_when_it_is_on_disk_and_not_before)
{
    char text[64];
    bool ended;
    yard_up();
    int relp = relp_dial();
    yard.stalled = true;
    put(relp, STR("2 syslog 6 <13>ab\n3 syslog 7 <13>\ncd\n999999999 syslog 0\n"));
    CHECK(hear(relp, text, sizeof text, &ended).size == 0 && !ended);
    CHECK(yard.events == 2);
    CHECK(str_equal(buf_str(&yard.records), STR("<13>ab\n<13>\ncd\n")));
    yard.stalled = false;
    heard_is(relp, STR("2 rsp 6 200 OK\n3 rsp 6 200 OK\n999999999 rsp 6 200 OK\n"), false);
    put(relp, STR("4 close 0\n"));
    heard_is(relp, STR("4 rsp 0\n0 serverclose 0\n"), true);
    CHECK(close(relp) == 0);
    yard_down();
}

TEST(what_is_no_relp_ends_the_connection)
{
    static const char *const lies[] = {
        "0 syslog 3 abc\n",
        "1 syslog 3 abc\n",
        "1 open\n",
        "1 open -1 x\n",
        "1 open 10000000000 ",
        "1 open 99999999999999999999 ",
        "2147483648 open 1 x\n",
        "1  open 1 x\n",
        "x",
        "1 open 30 relp_version",
        "<13>plain syslog\n",
        "1 open 6 syslogX",
        "1 open 6 syslog\n1 open 6 syslog\n",
    };
    yard_up();
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        char text[512];
        bool ended;
        int relp = dial(yard.relp);
        put(relp, str_from(lies[i]));
        CHECK(shutdown(relp, SHUT_WR) == 0);
        (void)hear(relp, text, sizeof text, &ended);
        if (!ended) {
            (void)fprintf(stderr, "still open after '%s'\n", lies[i]);
        }
        CHECK(ended);
        CHECK(close(relp) == 0);
    }
    CHECK(yard.events == 0 && yard.rejects[REJECT_FRAMING] > 5);
    yard_down();
}

TEST(a_relp_record_over_the_limit_is_counted_and_what_follows_is_kept)
{
    yard_up();
    int relp = relp_dial();
    char *large = malloc(RECORD_SIZE_MAX + 1);
    memset(large, 'x', RECORD_SIZE_MAX + 1);
    char head[64];
    int size = snprintf(head, sizeof head, "2 syslog %d ", RECORD_SIZE_MAX + 1);
    put(relp, str_of(head, (size_t)size));
    put(relp, str_of(large, RECORD_SIZE_MAX + 1));
    put(relp, STR("\n3 syslog 1 y\n"));
    heard_is(relp, STR("2 rsp 6 200 OK\n3 rsp 6 200 OK\n"), false);
    CHECK(yard.events == 1);
    run_ms(10);
    CHECK(yard.rejects[REJECT_TOO_LONG] == 1);
    CHECK(close(relp) == 0);
    free(large);
    yard_down();
}

TEST(what_was_read_is_kept_although_its_sender_is_gone)
{
    yard_up();
    int relp = relp_dial();
    yard.full = true;
    put(relp, STR("2 syslog 1 a\n3 syslog 1 b\n"));
    run_ms(30);
    CHECK(close(relp) == 0);
    run_ms(30);
    CHECK(yard.events == 0);
    yard.full = false;
    collect_resume(yard.collect);
    run_ms(30);
    CHECK(str_equal(buf_str(&yard.records), STR("a\nb\n")));
    yard_down();
}

TEST(what_cannot_be_kept_is_not_acknowledged)
{
    yard_up();
    int relp = relp_dial();
    yard.result = COMMIT_REFUSED;
    put(relp, STR("2 syslog 1 a\n"));
    heard_is(relp, STR("2 rsp 12 500 not kept\n"), true);
    int beats = dial(yard.lumberjack);
    put(beats, STR("2W\0\0\0\1"
                   "2J\0\0\0\1\0\0\0\2{}"));
    heard_is(beats, STR(""), true);
    CHECK(close(relp) == 0 && close(beats) == 0);
    yard_down();
}

TEST(a_sender_that_sends_more_than_its_window_is_read_on_as_answers_come)
{
    yard_up();
    int relp = relp_dial();
    struct buf text;
    bool ended;
    const unsigned count = 3 * WINDOW_EVENTS_MAX;
    buf_init(&text, 8 << 20);
    for (unsigned i = 2; i < count + 2; i++) {
        CHECK(buf_print(&text, "%u syslog 5 r%04u\n", i, i % 10000) == OK);
    }
    yard.stalled = true;
    size_t half = text.size / 2;
    put(relp, str_slice(buf_str(&text), 0, half));
    run_ms(100);
    CHECK(yard.events <= WINDOW_EVENTS_MAX);
    yard.stalled = false;
    static char got[1 << 20];
    size_t heard = 0;
    put(relp, str_slice(buf_str(&text), half, text.size));
    for (int i = 0; i < 400 && yard.events < count; i++) {
        heard += hear(relp, got + heard, sizeof got - heard, &ended).size;
    }
    heard += hear(relp, got + heard, sizeof got - heard, &ended).size;
    CHECK(yard.events == count);
    unsigned answers = 0;
    for (size_t i = 0; i < heard; i++) {
        answers += got[i] == '\n';
    }
    CHECK(answers == count && str_ends(str_of(got, heard), STR("24577 rsp 6 200 OK\n")));
    CHECK(close(relp) == 0);
    buf_done(&text);
    yard_down();
}

/* ---- Lumberjack. */

static void frame_add(struct buf *to, char type, uint32_t number)
{
    const unsigned char bytes[] = {'2',
                                   (unsigned char)type,
                                   (unsigned char)(number >> 24),
                                   (unsigned char)(number >> 16),
                                   (unsigned char)(number >> 8),
                                   (unsigned char)number};
    CHECK(buf_append(to, str_of(bytes, sizeof bytes)) == OK);
}

static void record_add_to(struct buf *to, uint32_t number, struct str record)
{
    frame_add(to, 'J', number);
    const unsigned char size[] = {(unsigned char)(record.size >> 24),
                                  (unsigned char)(record.size >> 16),
                                  (unsigned char)(record.size >> 8), (unsigned char)record.size};
    CHECK(buf_append(to, str_of(size, sizeof size)) == OK && buf_append(to, record) == OK);
}

/* As zlib's "stored": not smaller, but of its form. */
static void pack_add(struct buf *to, const struct buf *inner)
{
    uint32_t a = 1;
    uint32_t b = 0;
    CHECK(inner->size < 65536);
    for (size_t i = 0; i < inner->size; i++) {
        a = (a + (unsigned char)inner->data[i]) % 65521;
        b = (b + a) % 65521;
    }
    const unsigned char head[] = {0x78,
                                  0x01,
                                  1,
                                  (unsigned char)inner->size,
                                  (unsigned char)(inner->size >> 8),
                                  (unsigned char)~inner->size,
                                  (unsigned char)(~inner->size >> 8)};
    const unsigned char sum[] = {(unsigned char)(b >> 8), (unsigned char)b, (unsigned char)(a >> 8),
                                 (unsigned char)a};
    frame_add(to, 'C', (uint32_t)(sizeof head + inner->size + sizeof sum));
    CHECK(buf_append(to, str_of(head, sizeof head)) == OK);
    CHECK(buf_append(to, buf_str(inner)) == OK && buf_append(to, str_of(sum, sizeof sum)) == OK);
}

TEST(a_window_of_beats_is_answered_when_it_is_on_disk_however_it_is_cut)
{
    struct buf inner;
    struct buf text;
    yard_up();
    for (size_t cut = 1; cut < 40; cut += 7) {
        int beats = dial(yard.lumberjack);
        buf_init(&inner, 1 << 20);
        buf_init(&text, 1 << 20);
        frame_add(&text, 'W', 2);
        record_add_to(&text, 1, STR("{\"message\":\"a\"}"));
        record_add_to(&text, 2, STR("{}"));
        frame_add(&text, 'W', 3);
        record_add_to(&inner, 1, STR("{\"message\":\"b\"}"));
        record_add_to(&inner, 2, STR("{\"message\":\"c\"}"));
        pack_add(&text, &inner);
        record_add_to(&text, 3, STR("{\"message\":\"d\"}"));
        yard.records.size = 0;
        yard.stalled = true;
        for (size_t at = 0; at < text.size; at += cut) {
            put(beats, str_slice(buf_str(&text), at, cut));
            run_ms(1);
        }
        yard.stalled = false;
        char got[64];
        bool ended;
        struct str heard = hear(beats, got, sizeof got, &ended);
        CHECK(heard.size >= 12 && heard.size % 6 == 0);
        CHECK(str_find(heard, STR("2A\0\0\0\2")) != STR_NONE);
        CHECK(str_ends(heard, STR("2A\0\0\0\3")));
        CHECK(str_equal(buf_str(&yard.records),
                        STR("{\"message\":\"a\"}\n{}\n{\"message\":\"b\"}\n{\"message\":\"c\"}\n"
                            "{\"message\":\"d\"}\n")));
        CHECK(close(beats) == 0);
        buf_done(&inner);
        buf_done(&text);
    }
    yard_down();
}

TEST(a_beats_sender_that_waits_hears_how_far_we_are)
{
    yard_up();
    int beats = dial(yard.lumberjack);
    put(beats, STR("2W\0\0\0\2"
                   "2J\0\0\0\1\0\0\0\2{}"));
    heard_is(beats, STR("2A\0\0\0\1"), false);
    yard.stalled = true;
    put(beats, STR("2J\0\0\0\2\0\0\0\2{}"));
    run_ms(30);
    struct mono later = mono_now();
    later.ns += (ALIVE_SECONDS + 1) * NS_PER_SECOND;
    connections_sweep(yard.collect, later);
    heard_is(beats, STR("2A\0\0\0\1"), false);
    yard.stalled = false;
    heard_is(beats, STR("2A\0\0\0\2"), false);
    CHECK(close(beats) == 0);
    yard_down();
}

TEST(what_is_no_lumberjack_ends_the_connection)
{
    struct buf text;
    struct buf inner;
    const struct str lies[] = {
        STR("1D\0\0\0\1\0\0\0\0"),
        STR("2A\0\0\0\1"),
        STR("2J\0\0\0\1\0\0\0\2{}"),
        STR("2W\0\0\0\1"
            "2C\0\0\0\4abcd"),
        STR("GET / HTTP/1.1\r\n"),
        STR("2W\xff\xff\xff\xff"
            "2X"),
    };
    yard_up();
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        int beats = dial(yard.lumberjack);
        put(beats, lies[i]);
        heard_is(beats, STR(""), true);
        CHECK(close(beats) == 0);
    }
    buf_init(&text, 1 << 20);
    buf_init(&inner, 1 << 20);
    frame_add(&inner, 'C', 5);
    frame_add(&text, 'W', 1);
    pack_add(&text, &inner);
    int beats = dial(yard.lumberjack);
    put(beats, buf_str(&text));
    heard_is(beats, STR(""), true);
    CHECK(close(beats) == 0);
    buf_done(&text);
    buf_done(&inner);
    yard_down();
}

TEST(a_record_that_trickles_byte_by_byte_is_not_waited_for_without_end)
{
    yard_up();
    int lines = dial(yard.lines);
    int whole = dial(yard.lines);
    put(lines, STR("a line that tri"));
    put(whole, STR("a whole line\n"));
    run_ms(30);
    struct mono later = mono_now();
    later.ns += (RECORD_SECONDS + 1) * NS_PER_SECOND;
    for (struct connection *at = yard.collect->connections; at != NULL; at = at->next) {
        at->heard = later; /* another byte came just now */
    }
    connections_sweep(yard.collect, later);
    run_ms(10);
    char byte;
    CHECK(recv(lines, &byte, 1, MSG_DONTWAIT) == 0);
    CHECK(recv(whole, &byte, 1, MSG_DONTWAIT) < 0);
    CHECK(yard.events == 2);
    CHECK(close(lines) == 0 && close(whole) == 0);
    yard_down();
}

TEST(a_peer_that_does_not_read_its_answers_is_let_go)
{
    yard_up();
    int relp = relp_dial();
    struct buf text;
    int small = 1024;
    buf_init(&text, 4 << 20);
    CHECK(setsockopt(relp, SOL_SOCKET, SO_RCVBUF, &small, sizeof small) == 0);
    CHECK(setsockopt(yard.collect->connections->socket, SOL_SOCKET, SO_SNDBUF, &small,
                     sizeof small) == 0);
    for (unsigned i = 2; i < 60000; i++) {
        CHECK(buf_print(&text, "%u syslog 1 x\n", i) == OK);
    }
    for (size_t at = 0, i = 0; i < 300; i++) {
        ssize_t sent = send(relp, text.data + at, text.size - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        at += sent > 0 ? (size_t)sent : 0;
        run_ms(1);
    }
    const struct connection *connection = yard.collect->connections;
    CHECK(connection != NULL && connection->answers.size > 0);
    CHECK(connection->answers.size <= ANSWERS_SIZE_MAX + WINDOW_EVENTS_MAX * 32);
    CHECK(yard.collect->answers_memory == connection->answers.size);
    struct mono later = mono_now();
    later.ns += (LINE_IDLE_SECONDS + 1) * NS_PER_SECOND;
    connections_sweep(yard.collect, later);
    CHECK(yard.collect->connections == NULL && yard.collect->answers_memory == 0);
    CHECK(close(relp) == 0);
    buf_done(&text);
    yard_down();
}

TEST(a_client_over_its_quota_is_not_read_from_and_no_other_notices)
{
    struct buf text;
    yard_up();
    struct arena *mem = arena_new(1 << 20);
    struct binding *list = ARENA_ARRAY(mem, struct binding, 3);
    const char *names[] = {"relp", "beats", "lines"};
    for (uint32_t i = 0; i < 3; i++) {
        list[i] = (struct binding){.client = {i + 1},
                                   .source = {i + 1},
                                   .listener = str_from(names[i]),
                                   .quota = 100000,
                                   .unknown_senders = true};
    }
    list[2].quota = 10;
    const struct bindings bindings = {.generation = 2, .list = list, .count = 3};
    CHECK(collect_adopt(yard.collect, mem, &bindings, NULL) == OK);
    buf_init(&text, 1 << 20);
    for (unsigned i = 0; i < 1000; i++) {
        CHECK(buf_print(&text, "line %u\n", i) == OK);
    }
    int lines = dial(yard.lines);
    put(lines, buf_str(&text));
    run_ms(100);
    uint64_t taken = yard.events;
    CHECK(taken > 0);
    put(lines, STR("one more\n"));
    int relp = relp_dial();
    put(relp, STR("2 syslog 5 other\n"));
    heard_is(relp, STR("2 rsp 6 200 OK\n"), false);
    run_ms(1200); /* a sweep, which finds that it is still too early */
    CHECK(yard.events == taken + 1);
    CHECK(yard.collect->connections_count == 2);
    CHECK(close(lines) == 0 && close(relp) == 0);
    buf_done(&text);
    yard_down();
}

TEST(a_quiet_connection_costs_little)
{
    enum { COUNT = 400 };
    static int sockets[COUNT];
    yard_up();
    for (size_t i = 0; i < COUNT; i++) {
        sockets[i] = dial(i % 2 == 0 ? yard.lines : yard.relp);
        if (i % 50 == 0) {
            run_ms(5);
        }
    }
    run_ms(50);
    for (size_t i = 0; i < COUNT; i++) {
        put(sockets[i], STR("1"));
    }
    run_ms(50);
    CHECK(yard.collect->connections_count == COUNT);
    CHECK(yard.collect->lines_memory <= COUNT * (size_t)1024);
    for (size_t i = 0; i < COUNT; i++) {
        CHECK(close(sockets[i]) == 0);
    }
    yard_down();
}
