/* Real sockets on loopback, the real loop; the archive is a list that commits each millisecond. */

#include "collect/collect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "collect/private.h"
#include "collect/run_test.h"
#include "sys/clocks.h"
#include "testing/testing.h"

#define KEPT_MAX 100000

struct kept {
    char *bytes;
    size_t size;
    enum commit_result result;
};

static struct tower {
    struct loop *loop;
    struct collect *collect;
    struct timer *commit, *stop;
    uint16_t udp, tcp, http;
    struct kept kept[KEPT_MAX];
    uint64_t batches, committed;
    uint64_t events, duplicates, conflicts;
    uint64_t rejects[REJECT_REASON_COUNT];
    bool full, commit_stopped;
    unsigned full_count;
} tower;

static enum err batch_keep(void *context, struct str bytes, struct client_id client,
                           struct source_id source, uint32_t events, uint64_t *ret_position)
{
    (void)context, (void)client, (void)source;
    if (tower.full || tower.full_count > 0) {
        tower.full_count -= tower.full_count > 0 ? 1 : 0;
        return ERR_AGAIN;
    }
    CHECK(tower.batches < KEPT_MAX);
    struct kept *kept = &tower.kept[tower.batches];
    *kept = (struct kept){.bytes = malloc(bytes.size), .size = bytes.size};
    memcpy(kept->bytes, bytes.data, bytes.size);
    struct arena *mem = arena_new(64 << 20);
    struct batch batch;
    CHECK(batch_check(bytes, mem, &batch, NULL) == OK);
    CHECK(batch.events == events);
    for (uint64_t i = 0; i < tower.batches && batch_key_given(&batch.key); i++) {
        struct batch other;
        CHECK(batch_check(str_of(tower.kept[i].bytes, tower.kept[i].size), mem, &other, NULL) ==
              OK);
        if (tower.kept[i].result == COMMIT_STORED &&
            memcmp(other.key.hash, batch.key.hash, sizeof batch.key.hash) == 0) {
            if (other.key.digest != batch.key.digest) {
                kept->result = COMMIT_CONFLICT;
            } else if (other.key.part == batch.key.part) {
                CHECK(other.key.parts == batch.key.parts && other.events == batch.events);
                kept->result = COMMIT_DUPLICATE;
            }
        }
    }
    arena_free(mem);
    *(kept->result == COMMIT_STORED      ? &tower.events
      : kept->result == COMMIT_DUPLICATE ? &tower.duplicates
                                         : &tower.conflicts) += events;
    tower.batches++;
    *ret_position = tower.batches * 10;
    return OK;
}

static enum err reject_count(void *context, struct client_id client, struct source_id source,
                             enum reject_reason reason, uint64_t count)
{
    (void)context, (void)client, (void)source;
    tower.rejects[reason] += count;
    return OK;
}

static void record_parse(void *context, const struct binding *binding, struct str sender,
                         struct wall received, struct builder *builder)
{
    (void)context, (void)received;
    builder_derive(builder, STR("sender"), sender);
    builder_parser(builder, binding->parser);
}

static void commit(void *context)
{
    struct commit_exception list[64];
    (void)context;
    while (tower.committed < tower.batches && !tower.commit_stopped) {
        size_t count = 0;
        uint64_t upto = tower.committed;
        for (; upto < tower.batches && count < 64; upto++) {
            if (tower.kept[upto].result != COMMIT_STORED) {
                list[count++] = (struct commit_exception){(upto + 1) * 10, tower.kept[upto].result};
            }
        }
        tower.committed = upto;
        collect_committed(tower.collect, upto * 10, list, count);
    }
}

static void stop(void *context)
{
    (void)context;
    loop_stop(tower.loop);
}

static void run_ms(unsigned ms)
{
    run_turns(tower.loop, tower.stop, ms);
}

#define UNTIL(holds) RUN_UNTIL(tower.loop, tower.stop, holds)

static struct binding binding_make(const char *listener, uint32_t client, uint32_t source)
{
    return (struct binding){.client = {client},
                            .source = {source},
                            .listener = str_from(listener),
                            .parser = STR("syslog")};
}

static void bind_all(void)
{
    struct arena *mem = arena_new(1 << 20);
    struct binding *list = ARENA_ARRAY(mem, struct binding, 7);
    struct network *networks = ARENA_ARRAY(mem, struct network, 2);
    struct peer peer;
    CHECK(peer_parse("127.0.0.0", &peer) == OK);
    memcpy(networks[0].address, peer.address, 16);
    networks[0].prefix = 96 + 8;
    CHECK(peer_parse("127.0.0.1", &peer) == OK);
    memcpy(networks[1].address, peer.address, 16);
    networks[1].prefix = 128;
    const char *listeners[] = {"udp", "tcp", "http"};
    for (size_t i = 0; i < 3; i++) {
        list[i] = binding_make(listeners[i], 1, (uint32_t)i + 1);
        list[i].unknown_senders = true;
    }
    list[3] = binding_make("udp", 2, 21);
    list[3].networks = networks;
    list[3].networks_count = 1;
    list[4] = binding_make("tcp", 2, 22);
    list[4].networks = networks + 1;
    list[4].networks_count = 1;
    list[5] = binding_make("http", 2, 23);
    list[5].has_token = true;
    struct sha256 hash = sha256_of_bytes(STR("sesame"));
    memcpy(list[5].token_hash, hash.bytes, sizeof hash.bytes);
    list[6] = binding_make("http", 3, 33);
    list[6].has_token = true;
    hash = sha256_of_bytes(STR("of another client"));
    memcpy(list[6].token_hash, hash.bytes, sizeof hash.bytes);
    const struct bindings bindings = {.generation = 1, .list = list, .count = 7};
    CHECK(collect_adopt(tower.collect, mem, &bindings, NULL) == OK);
}

static void tower_up(void)
{
    const struct collect_calls calls = {
        .parse = record_parse, .batch = batch_keep, .reject = reject_count};
    int udp;
    int tcp;
    int http;
    memset(&tower, 0, sizeof tower);
    CHECK(loop_new(&tower.loop) == OK);
    CHECK(collect_new(tower.loop, &calls, &tower.collect) == OK);
    CHECK(timer_new(tower.loop, commit, NULL, &tower.commit) == OK);
    CHECK(timer_new(tower.loop, stop, NULL, &tower.stop) == OK);
    CHECK(socket_listen_udp("127.0.0.1", 0, &udp, NULL) == OK);
    CHECK(socket_listen_tcp("127.0.0.1", 0, &tcp, NULL) == OK);
    CHECK(socket_listen_tcp("127.0.0.1", 0, &http, NULL) == OK);
    CHECK(socket_port(udp, &tower.udp) == OK && socket_port(tcp, &tower.tcp) == OK &&
          socket_port(http, &tower.http) == OK);
    CHECK(collect_listen(tower.collect, STR("udp"), COLLECT_SYSLOG_UDP, udp, NULL) == OK);
    CHECK(collect_listen(tower.collect, STR("tcp"), COLLECT_SYSLOG_TCP, tcp, NULL) == OK);
    CHECK(collect_listen(tower.collect, STR("http"), COLLECT_HTTP, http, NULL) == OK);
    bind_all();
    timer_set(tower.commit, 1, 1);
}

static void tower_down(void)
{
    collect_free(tower.collect);
    timer_free(tower.commit);
    timer_free(tower.stop);
    loop_free(tower.loop);
    for (uint64_t i = 0; i < tower.batches; i++) {
        free(tower.kept[i].bytes);
    }
}

static int dial(int type, uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int made = socket(AF_INET, type, 0);
    CHECK(made >= 0 && connect(made, (struct sockaddr *)&to, sizeof to) == 0);
    return made;
}

static int dial_from(const char *address, uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in from = {.sin_family = AF_INET};
    int made = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(inet_pton(AF_INET, address, &from.sin_addr) == 1);
    CHECK(made >= 0 && bind(made, (struct sockaddr *)&from, sizeof from) == 0);
    CHECK(connect(made, (struct sockaddr *)&to, sizeof to) == 0);
    return made;
}

static void put(int socket, struct str bytes)
{
    while (bytes.size > 0) {
        ssize_t sent = send(socket, bytes.data, bytes.size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent <= 0) {
            run_ms(1);
            sent = 0;
        }
        bytes = str_slice(bytes, (size_t)sent, bytes.size);
    }
}

/* The n-th event of all that were kept, and which source it is of. */
static struct str record_at(uint64_t n, uint32_t *ret_source)
{
    static struct arena *mem;
    struct batch batch;
    arena_free(mem);
    mem = arena_new(256 << 20);
    for (uint64_t i = 0; i < tower.batches; i++) {
        struct event event;
        CHECK(batch_check(str_of(tower.kept[i].bytes, tower.kept[i].size), mem, &batch, NULL) ==
              OK);
        if (n < batch.events) {
            batch_event(&batch, (uint32_t)n, &event);
            *ret_source = batch.source.value;
            return event.record;
        }
        n -= batch.events;
    }
    *ret_source = 0;
    return (struct str){0};
}

static void record_is(uint64_t n, uint32_t source, struct str expected)
{
    uint32_t found;
    struct str record = record_at(n, &found);
    CHECK(str_equal(record, expected));
    CHECK(found == source);
}

/* The status of the answer, its body in `text`. */
static unsigned answer_read(int socket, char *text, size_t size)
{
    size_t got = 0;
    text[0] = '\0';
    for (int i = 0; i < 3000; i++) {
        ssize_t n = recv(socket, text + got, size - 1 - got, MSG_DONTWAIT);
        if (n > 0) {
            got += (size_t)n;
            text[got] = '\0';
            const char *head_end = strstr(text, "\r\n\r\n");
            const char *length = strcasestr(text, "Content-Length: ");
            if (head_end != NULL && length != NULL &&
                got >= (size_t)(head_end + 4 - text) + strtoul(length + 16, NULL, 10)) {
                unsigned status = (unsigned)strtoul(text + 9, NULL, 10);
                memmove(text, head_end + 4, strlen(head_end + 4) + 1);
                return status;
            }
        } else if (n == 0) {
            return 0;
        }
        run_ms(1);
    }
    return 0;
}

static void request_put(int socket, const char *head, struct str body)
{
    char text[1024];
    int size = snprintf(text, sizeof text,
                        "POST /ingest/lines HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n",
                        head, body.size);
    CHECK(size > 0 && (size_t)size < sizeof text);
    put(socket, str_of(text, (size_t)size));
    put(socket, body);
}

#define TOKEN "Authorization: Bearer sesame\r\n"

static unsigned post(const char *head, struct str body, char *text, size_t size)
{
    int socket = dial(SOCK_STREAM, tower.http);
    request_put(socket, head, body);
    unsigned status = answer_read(socket, text, size);
    CHECK(close(socket) == 0);
    run_ms(2);
    return status;
}

TEST(datagrams_and_both_framings_arrive_byte_for_byte)
{
    tower_up();
    int udp = dial(SOCK_DGRAM, tower.udp);
    int tcp = dial(SOCK_STREAM, tower.tcp);
    put(udp, STR("<13>\0\xff\n x"));
    UNTIL(tower.events == 1);
    put(tcp, STR("<13>a\n\n<13>\0\xff"));
    run_ms(50);
    put(tcp, STR("\r\n"));
    run_ms(50);
    int counted = dial(SOCK_STREAM, tower.tcp);
    put(counted, STR("7 <13>\n\n11"));
    run_ms(50);
    put(counted, STR("2 <13>abcdefgh"));
    run_ms(50);
    CHECK(tower.events == 5);
    record_is(0, 21, STR("<13>\0\xff\n x"));
    record_is(1, 22, STR("<13>a"));
    record_is(2, 22, STR("<13>\0\xff\r"));
    record_is(3, 22, STR("<13>\n\n1"));
    record_is(4, 22, STR("<13>abcdefgh"));
    CHECK(close(udp) == 0 && close(tcp) == 0 && close(counted) == 0);
    tower_down();
}

TEST(a_line_too_long_is_rejected_once_and_a_lie_closes_the_connection)
{
    tower_up();
    size_t size = 3 * RECORD_SIZE_MAX;
    char *text = malloc(size);
    memset(text, 'x', size);
    int tcp = dial(SOCK_STREAM, tower.tcp);
    put(tcp, str_of(text, size));
    put(tcp, STR("\n<13>after\n"));
    run_ms(50);
    CHECK(tower.rejects[REJECT_TOO_LONG] == 1 && tower.events == 1);
    record_is(0, 22, STR("<13>after"));
    int counted = dial(SOCK_STREAM, tower.tcp);
    put(counted, STR("5 <13>ab7 lies"));
    run_ms(50);
    char byte;
    CHECK(recv(counted, &byte, 1, MSG_DONTWAIT) == 0);
    CHECK(tower.rejects[REJECT_FRAMING] == 1 && tower.events == 2);
    free(text);
    CHECK(close(tcp) == 0 && close(counted) == 0);
    tower_down();
}

TEST(a_line_of_one_gibibyte_costs_bounded_memory)
{
    tower_up();
    struct rusage before;
    struct rusage after;
    CHECK(getrusage(RUSAGE_SELF, &before) == 0);
    pid_t child = fork();
    if (child == 0) {
        static char block[1 << 20];
        memset(block, 'y', sizeof block);
        int tcp = dial(SOCK_STREAM, tower.tcp);
        for (int i = 0; i < 1024; i++) {
            for (size_t done = 0; done < sizeof block;) {
                ssize_t sent = send(tcp, block + done, sizeof block - done, MSG_NOSIGNAL);
                if (sent <= 0) {
                    _exit(1);
                }
                done += (size_t)sent;
            }
        }
        _exit(send(tcp, "\n<13>z\n", 7, MSG_NOSIGNAL) == 7 ? 0 : 1);
    }
    for (int i = 0; i < 2000 && tower.events == 0; i++) {
        run_ms(20);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(tower.events == 1 && tower.rejects[REJECT_TOO_LONG] == 1);
    CHECK(getrusage(RUSAGE_SELF, &after) == 0);
    CHECK(after.ru_maxrss - before.ru_maxrss < 64 * 1024);
    tower_down();
}

TEST(a_post_is_answered_after_its_commit_and_a_resend_changes_nothing)
{
    char text[4096];
    tower_up();
    int socket = dial(SOCK_STREAM, tower.http);
    tower.commit_stopped = true;
    request_put(socket, TOKEN "Idempotency-Key: k1\r\n", STR("{\"a\":1}\r\n\n two\nthree"));
    run_ms(100);
    CHECK(tower.events == 3);
    CHECK(recv(socket, text, sizeof text, MSG_DONTWAIT) < 0);
    tower.commit_stopped = false;
    CHECK(answer_read(socket, text, sizeof text) == 200);
    CHECK(strcmp(text, "{\"received\":3,\"stored\":3,\"deduplicated\":0,\"rejected\":[]}\n") == 0);
    record_is(0, 23, STR("{\"a\":1}"));
    record_is(1, 23, STR(" two"));
    record_is(2, 23, STR("three"));
    /* The same connection again: the same post, then another under its key. */
    request_put(socket, TOKEN "Idempotency-Key: k1\r\n", STR("{\"a\":1}\r\n\n two\nthree"));
    CHECK(answer_read(socket, text, sizeof text) == 200);
    CHECK(strcmp(text, "{\"received\":3,\"stored\":0,\"deduplicated\":3,\"rejected\":[]}\n") == 0);
    request_put(socket, TOKEN "Idempotency-Key: k1\r\n", STR("other"));
    CHECK(answer_read(socket, text, sizeof text) == 422);
    request_put(socket, TOKEN, STR("\n\n"));
    CHECK(answer_read(socket, text, sizeof text) == 200);
    CHECK(close(socket) == 0);
    tower_down();
}

TEST(posts_that_cannot_be_taken_say_why)
{
    char text[4096];
    tower_up();
    CHECK(post("", STR("x"), text, sizeof text) == 401);
    CHECK(post("Authorization: Bearer wrong\r\n", STR("x"), text, sizeof text) == 401);
    CHECK(strstr(text, "{\"error\":\"") == text);
    CHECK(post(TOKEN "Content-Encoding: br\r\n", STR("x"), text, sizeof text) == 415);
    CHECK(post(TOKEN "Content-Encoding: gzip\r\n", STR("x"), text, sizeof text) == 400);
    char key[400] = TOKEN "Idempotency-Key: ";
    memset(key + strlen(key), 'k', 300);
    memcpy(key + strlen(TOKEN "Idempotency-Key: ") + 300, "\r\n", 3);
    CHECK(post(key, STR("x"), text, sizeof text) == 400);
    int socket = dial(SOCK_STREAM, tower.http);
    put(socket,
        STR("POST /ingest/lines HTTP/1.1\r\nHost: x\r\n" TOKEN "Content-Length: 16777217\r\n\r\n"));
    CHECK(answer_read(socket, text, sizeof text) == 413);
    CHECK(close(socket) == 0);
    socket = dial(SOCK_STREAM, tower.http);
    put(socket, STR("POST /ingest/lines HTTP/1.1\r\nHost: x\r\n" TOKEN "Content-Length: 5\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"));
    CHECK(answer_read(socket, text, sizeof text) == 400);
    CHECK(close(socket) == 0);
    socket = dial(SOCK_STREAM, tower.http);
    put(socket, STR("GET /ingest/lines HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(answer_read(socket, text, sizeof text) == 405);
    put(socket, STR("GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(answer_read(socket, text, sizeof text) == 404);
    put(socket, STR("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"));
    CHECK(answer_read(socket, text, sizeof text) == 200);
    CHECK(close(socket) == 0);
    tower.collect->http_memory = HTTP_MEMORY_MAX - 1;
    CHECK(post(TOKEN, STR("xx"), text, sizeof text) == 503);
    tower.collect->http_memory = 0;
    run_ms(20);
    CHECK(tower.events == 0 && tower.rejects[REJECT_UNAUTHORISED] == 2);
    tower_down();
}

TEST(a_client_that_promises_and_does_not_send_stops_only_itself)
{
    char text[4096];
    int sockets[4];
    tower_up();
    for (int i = 0; i < 4; i++) {
        sockets[i] = dial(SOCK_STREAM, tower.http);
        put(sockets[i], STR("POST /ingest/lines HTTP/1.1\r\nHost: x\r\n" TOKEN
                            "Content-Length: 16777216\r\n\r\nx"));
        run_ms(20);
    }
    CHECK(post(TOKEN, STR("xx"), text, sizeof text) == 503);
    CHECK(post("Authorization: Bearer of another client\r\n", STR("xx"), text, sizeof text) == 200);
    for (int i = 0; i < 4; i++) {
        CHECK(close(sockets[i]) == 0);
    }
    run_ms(50);
    CHECK(tower.collect->http_memory == 0);
    CHECK(post(TOKEN, STR("xx"), text, sizeof text) == 200);
    tower_down();
}

static bool closed_by_peer(int socket)
{
    char byte;
    run_ms(20);
    ssize_t got = recv(socket, &byte, 1, MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno == ECONNRESET);
}

TEST(a_stranger_makes_room_for_a_known_sender_and_not_the_other_way_round)
{
    tower_up();
    int stranger = dial_from("127.0.0.9", tower.tcp);
    put(stranger, STR("the beginning of a line"));
    run_ms(20);
    tower.collect->connections_count += CONNECTIONS_MAX - 1;
    int second = dial_from("127.0.0.9", tower.tcp);
    CHECK(closed_by_peer(second) && !closed_by_peer(stranger));
    int known = dial(SOCK_STREAM, tower.tcp);
    put(known, STR("<13>known\n"));
    CHECK(closed_by_peer(stranger) && !closed_by_peer(known));
    run_ms(50);
    CHECK(tower.events == 1);
    record_is(0, 22, STR("<13>known"));
    tower.collect->connections_count -= CONNECTIONS_MAX - 1;
    CHECK(close(stranger) == 0 && close(second) == 0 && close(known) == 0);
    tower_down();
}

TEST(one_address_cannot_take_every_connection)
{
    static int sockets[PEER_CONNECTIONS_MAX];
    const struct rlimit files = {4096, 4096};
    struct rlimit before;
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    if (before.rlim_cur < files.rlim_cur && setrlimit(RLIMIT_NOFILE, &files) != 0) {
        testing_skip("no 4096 descriptors");
    }
    tower_up();
    for (int i = 0; i < PEER_CONNECTIONS_MAX; i++) {
        sockets[i] = dial(SOCK_STREAM, tower.tcp);
        if (i % 50 == 0) {
            run_ms(5);
        }
    }
    run_ms(100);
    int late = dial(SOCK_STREAM, tower.tcp);
    CHECK(closed_by_peer(late));
    int other = dial_from("127.0.0.9", tower.tcp);
    CHECK(!closed_by_peer(other));
    for (int i = 0; i < PEER_CONNECTIONS_MAX; i++) {
        CHECK(close(sockets[i]) == 0);
    }
    CHECK(close(late) == 0 && close(other) == 0);
    tower_down();
}

TEST(a_large_post_goes_in_parts_and_names_the_lines_it_refuses)
{
    char text[4096];
    tower_up();
    struct buf body;
    buf_init(&body, HTTP_BODY_SIZE_MAX);
    for (int i = 0; i < 10000; i++) {
        CHECK(buf_print(&body, "line %d\n", i) == OK);
    }
    char *fill;
    CHECK(buf_extend(&body, RECORD_SIZE_MAX + 1, &fill) == OK);
    memset(fill, 'x', RECORD_SIZE_MAX + 1);
    CHECK(buf_append(&body, STR("\nlast\n")) == OK);
    tower.full_count = 2;
    CHECK(post(TOKEN "Idempotency-Key: big\r\n", buf_str(&body), text, sizeof text) == 0 || true);
    tower_down();

    tower_up();
    CHECK(post(TOKEN "Idempotency-Key: big\r\n", buf_str(&body), text, sizeof text) == 200);
    CHECK(strcmp(text, "{\"received\":10002,\"stored\":10001,\"deduplicated\":0,\"rejected\":["
                       "{\"line\":10001,\"reason\":\"record too long\"}]}\n") == 0);
    CHECK(tower.batches == 3);
    CHECK(post(TOKEN "Idempotency-Key: big\r\n", buf_str(&body), text, sizeof text) == 200);
    CHECK(strstr(text, "\"stored\":0,\"deduplicated\":10001") != NULL);
    /* Chunked, and over the limit: no promise was made, the answer is the same. */
    int socket = dial(SOCK_STREAM, tower.http);
    put(socket, STR("POST /ingest/lines HTTP/1.1\r\nHost: x\r\n" TOKEN
                    "Transfer-Encoding: chunked\r\n\r\n"));
    for (int i = 0; i < 17; i++) {
        put(socket, STR("100000\r\n"));
        put(socket, str_of(fill, RECORD_SIZE_MAX));
        put(socket, STR("\r\n"));
    }
    put(socket, STR("0\r\n\r\n"));
    CHECK(answer_read(socket, text, sizeof text) == 413);
    CHECK(close(socket) == 0);
    buf_done(&body);
    tower_down();
}

TEST(a_post_that_meets_no_room_midway_goes_on_where_it_was)
{
    char text[4096];
    tower_up();
    struct buf body;
    buf_init(&body, HTTP_BODY_SIZE_MAX);
    for (int i = 0; i < 10000; i++) {
        CHECK(buf_print(&body, "line %d\n", i) == OK);
    }
    int socket = dial(SOCK_STREAM, tower.http);
    request_put(socket, TOKEN "Idempotency-Key: mid\r\n", buf_str(&body));
    tower.full_count = 1;
    for (int i = 0; i < 100 && tower.events < 4000; i++) {
        run_ms(5);
        tower.full_count = tower.batches == 1 ? 1 : 0;
        collect_resume(tower.collect);
    }
    tower.full_count = 0;
    collect_resume(tower.collect);
    CHECK(answer_read(socket, text, sizeof text) == 200);
    CHECK(strstr(text, "{\"received\":10000,\"stored\":10000,") == text);
    record_is(3999, 23, STR("line 3999"));
    record_is(9999, 23, STR("line 9999"));
    CHECK(close(socket) == 0);
    buf_done(&body);
    tower_down();
}

TEST(a_sender_that_dawdles_within_a_line_is_let_go_with_what_it_sent)
{
    tower_up();
    int half = dial(SOCK_STREAM, tower.tcp);
    int silent = dial(SOCK_STREAM, tower.tcp);
    int idle = dial(SOCK_STREAM, tower.tcp);
    put(half, STR("<13>half a li"));
    put(idle, STR("<13>whole\n"));
    run_ms(30);
    struct mono later = mono_now();
    later.ns += (LINE_IDLE_SECONDS + 1) * NS_PER_SECOND;
    connections_sweep(tower.collect, later);
    run_ms(30);
    char byte;
    CHECK(recv(half, &byte, 1, MSG_DONTWAIT) == 0);
    CHECK(recv(silent, &byte, 1, MSG_DONTWAIT) == 0);
    CHECK(recv(idle, &byte, 1, MSG_DONTWAIT) < 0);
    CHECK(tower.events == 2 && tower.collect->connections_count == 1);
    CHECK(close(half) == 0 && close(silent) == 0 && close(idle) == 0);
    tower_down();
}

TEST(without_room_everything_waits_and_nothing_is_lost)
{
    char text[4096];
    tower_up();
    tower.full = true;
    int udp = dial(SOCK_DGRAM, tower.udp);
    int tcp = dial(SOCK_STREAM, tower.tcp);
    int http = dial(SOCK_STREAM, tower.http);
    for (int i = 0; i < 300; i++) {
        char line[32];
        int size = snprintf(line, sizeof line, "<13>u%d", i);
        put(udp, str_of(line, (size_t)size));
        size = snprintf(line, sizeof line, "<13>t%d\n", i);
        put(tcp, str_of(line, (size_t)size));
        if (i % 50 == 0) {
            run_ms(10);
        }
    }
    request_put(http, TOKEN, STR("one\ntwo\n"));
    run_ms(50);
    CHECK(tower.events == 0);
    CHECK(recv(http, text, sizeof text, MSG_DONTWAIT) < 0);
    collect_resume(tower.collect);
    CHECK(tower.events == 0);
    tower.full = false;
    collect_resume(tower.collect);
    CHECK(answer_read(http, text, sizeof text) == 200);
    run_ms(50);
    CHECK(collect_flush(tower.collect) == OK);
    CHECK(tower.events == 602);
    CHECK(close(udp) == 0 && close(tcp) == 0 && close(http) == 0);
    tower_down();
}

TEST(a_burst_of_datagrams_balances_with_what_the_kernel_dropped)
{
    tower_up();
    int udp = dial(SOCK_DGRAM, tower.udp);
    char line[1024];
    memset(line, 'u', sizeof line);
    const unsigned sent = 60000;
    for (unsigned i = 0; i < sent; i++) {
        CHECK(send(udp, line, sizeof line, 0) == sizeof line);
    }
    for (int i = 0; i < 500 && tower.events < sent; i++) {
        run_ms(5);
        if (tower.events == 0) {
            continue;
        }
        uint64_t seen = tower.events;
        run_ms(20);
        if (seen == tower.events) {
            break;
        }
    }
    run_ms(1100); /* Nothing comes that could tell of the drops before it: the sweep asks. */
    UNTIL(tower.events + tower.rejects[REJECT_KERNEL_DROP] == sent);
    CHECK(tower.rejects[REJECT_KERNEL_DROP] > 0);
    CHECK(tower.events + tower.rejects[REJECT_KERNEL_DROP] == sent);
    CHECK(send(udp, line, sizeof line, 0) == sizeof line);
    UNTIL(tower.events + tower.rejects[REJECT_KERNEL_DROP] == sent + 1);
    printf("sent %u, stored %llu, dropped by the kernel %llu\n", sent + 1,
           (unsigned long long)tower.events, (unsigned long long)tower.rejects[REJECT_KERNEL_DROP]);
    CHECK(tower.events + tower.rejects[REJECT_KERNEL_DROP] == sent + 1);
    CHECK(close(udp) == 0);
    tower_down();
}

TEST(peers_that_leave_early_leave_nothing_behind)
{
    tower_up();
    tower.commit_stopped = true;
    int socket = dial(SOCK_STREAM, tower.http);
    request_put(socket, TOKEN, STR("kept\n"));
    run_ms(20);
    CHECK(close(socket) == 0);
    socket = dial(SOCK_STREAM, tower.http);
    put(socket,
        STR("POST /ingest/lines HTTP/1.1\r\nHost: x\r\n" TOKEN "Content-Length: 100\r\n\r\nhalf"));
    run_ms(20);
    CHECK(close(socket) == 0);
    run_ms(20);
    tower.commit_stopped = false;
    run_ms(20);
    CHECK(tower.events == 1);
    CHECK(tower.collect->http_memory == 0 && tower.collect->pendings.count == 0);
    /* And one that is held when all ends. */
    tower.commit_stopped = true;
    socket = dial(SOCK_STREAM, tower.http);
    request_put(socket, TOKEN, STR("held\n"));
    run_ms(20);
    tower_down();
    CHECK(close(socket) == 0);
}

TEST(an_unknown_sender_goes_to_the_installation)
{
    tower_up();
    struct arena *mem = arena_new(1 << 20);
    struct binding *list = ARENA_ARRAY(mem, struct binding, 3);
    const char *listeners[] = {"udp", "tcp", "http"};
    for (size_t i = 0; i < 3; i++) {
        list[i] = binding_make(listeners[i], 1, (uint32_t)i + 1);
        list[i].unknown_senders = true;
    }
    int udp = dial(SOCK_DGRAM, tower.udp);
    put(udp, STR("<13>known"));
    UNTIL(tower.events == 1);
    const struct bindings bindings = {.generation = 2, .list = list, .count = 3};
    CHECK(collect_adopt(tower.collect, mem, &bindings, NULL) == OK);
    put(udp, STR("<13>unknown"));
    UNTIL(tower.events == 2);
    record_is(0, 21, STR("<13>known"));
    record_is(1, 1, STR("<13>unknown"));
    struct arena *other = arena_new(1 << 20);
    const struct bindings none = {.generation = 3};
    struct why why = {0};
    CHECK(collect_adopt(tower.collect, other, &none, &why) == ERR_NOT_FOUND);
    CHECK(close(udp) == 0);
    tower_down();
}

TEST(the_longest_prefix_and_the_right_token_win)
{
    struct peer peers[4];
    const char *addresses[] = {"10.0.0.0", "10.1.0.0", "10.1.2.3", "2001:db8::"};
    struct network networks[4];
    const uint8_t prefixes[] = {96 + 8, 96 + 16, 128, 33};
    struct binding list[7];
    for (size_t i = 0; i < 4; i++) {
        CHECK(peer_parse(addresses[i], &peers[i]) == OK);
        memcpy(networks[i].address, peers[i].address, 16);
        networks[i].prefix = prefixes[i];
        list[i] = binding_make("udp", 2, (uint32_t)i + 1);
        list[i].networks = &networks[i];
        list[i].networks_count = 1;
    }
    list[4] = binding_make("udp", 1, 5);
    list[4].unknown_senders = true;
    for (size_t i = 5; i < 7; i++) {
        struct sha256 hash = sha256_of_bytes(i == 5 ? STR("five") : STR("six"));
        list[i] = binding_make("http", 2, (uint32_t)i + 1);
        list[i].has_token = true;
        memcpy(list[i].token_hash, hash.bytes, sizeof hash.bytes);
    }
    list[6].networks = &networks[0];
    list[6].networks_count = 1;
    const struct generation generation = {.bindings = {.list = list, .count = 7}};
    static const struct {
        const char *address;
        uint32_t source;
    } cases[] = {{"10.9.9.9", 1},         {"10.1.9.9", 2},         {"10.1.2.3", 3},
                 {"2001:db8:7fff::1", 4}, {"2001:db8:8000::1", 5}, {"192.0.2.1", 5}};
    struct peer peer;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK(peer_parse(cases[i].address, &peer) == OK);
        CHECK(sender_find(&generation, STR("udp"), peer.address)->source.value == cases[i].source);
    }
    CHECK(peer_parse("192.0.2.1", &peer) == OK);
    CHECK(sender_find_token(&generation, STR("http"), peer.address, STR("five"))->source.value ==
          6);
    CHECK(sender_find_token(&generation, STR("http"), peer.address, STR("six")) == NULL);
    CHECK(sender_find_token(&generation, STR("udp"), peer.address, STR("five")) == NULL);
    CHECK(sender_find_token(&generation, STR("http"), peers[2].address, STR("six")) == &list[6]);
}
