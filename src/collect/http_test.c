/* The protocols of one HTTP listener, over real sockets on loopback; the archive is a list that
 * commits each millisecond, and knows keys as the real one does. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "codec/zstd.h"
#include "collect/post.h"
#include "collect/run_test.h"
#include "sys/clocks.h"
#include "testing/testing.h"

#define BATCHES_MAX 4096

static struct house {
    struct loop *loop;
    struct collect *collect;
    struct timer *commit, *stop;
    uint16_t port, udp;
    struct {
        char *bytes;
        size_t size;
        enum commit_result result;
    } batches[BATCHES_MAX];
    uint64_t count, committed;
    uint64_t stored[4], duplicates; /* by client */
    uint64_t rejects[REJECT_KNOWN + 1], throttled;
    bool stopped;
    uint32_t full_for; /* this client finds no room, after room_left batches */
    unsigned room_left;
} house;

static enum err batch_keep(void *context, struct str bytes, struct client_id client,
                           struct source_id source, uint32_t events, uint64_t *ret_position)
{
    (void)context, (void)source;
    if (house.full_for == client.value && house.room_left-- == 0) {
        house.room_left = 0;
        return ERR_AGAIN;
    }
    CHECK(house.count < BATCHES_MAX);
    char *copy = malloc(bytes.size);
    memcpy(copy, bytes.data, bytes.size);
    enum commit_result result = COMMIT_STORED;
    bool keyed = false;
    for (size_t i = 40; i < 56; i++) {
        keyed = keyed || bytes.data[i] != 0;
    }
    /* The same key and part (event/batch.h), of the same digest or another. */
    for (uint64_t i = 0; i < house.count && keyed; i++) {
        const char *other = house.batches[i].bytes;
        if (house.batches[i].result == COMMIT_STORED && memcmp(other + 8, bytes.data + 8, 8) == 0 &&
            memcmp(other + 36, bytes.data + 36, 20) == 0) {
            result =
                memcmp(other + 56, bytes.data + 56, 8) == 0 ? COMMIT_DUPLICATE : COMMIT_CONFLICT;
        }
    }
    house.batches[house.count].bytes = copy;
    house.batches[house.count].size = bytes.size;
    house.batches[house.count++].result = result;
    house.stored[client.value] += result == COMMIT_STORED ? events : 0;
    house.duplicates += result == COMMIT_DUPLICATE ? events : 0;
    *ret_position = house.count * 10;
    return OK;
}

static enum err reject_count(void *context, struct client_id client, struct source_id source,
                             enum reject_reason reason, uint64_t count)
{
    (void)context, (void)client, (void)source;
    house.rejects[reason] += count;
    return OK;
}

static void throttled_count(void *context, struct client_id client, struct source_id source,
                            uint64_t count)
{
    (void)context, (void)client, (void)source;
    house.throttled += count;
}

static void record_parse(void *context, const struct binding *binding, struct str sender,
                         struct wall received, struct builder *builder)
{
    (void)context, (void)received, (void)sender;
    builder_parser(builder, binding->parser);
}

static void commit(void *context)
{
    (void)context;
    while (house.committed < house.count && !house.stopped) {
        uint64_t position = ++house.committed * 10;
        const struct commit_exception exception = {position,
                                                   house.batches[house.committed - 1].result};
        collect_committed(house.collect, position, &exception,
                          exception.result == COMMIT_STORED ? 0 : 1);
    }
}

static void stop(void *context)
{
    (void)context;
    loop_stop(house.loop);
}

static void run_ms(unsigned ms)
{
    run_turns(house.loop, house.stop, ms);
}

static struct binding binding_make(const char *listener, uint32_t client, const char *token,
                                   uint32_t quota)
{
    struct binding binding = {.client = {client},
                              .source = {client * 10},
                              .listener = str_from(listener),
                              .parser = STR("auto"),
                              .quota = quota};
    binding.unknown_senders = token == NULL;
    if (token != NULL) {
        struct sha256 hash = sha256_of_bytes(str_from(token));
        binding.has_token = true;
        memcpy(binding.token_hash, hash.bytes, sizeof hash.bytes);
    }
    return binding;
}

/* Client 2 has no quota, client 3 has 100 events a second. */
static void house_up(void)
{
    const struct collect_calls calls = {.parse = record_parse,
                                        .batch = batch_keep,
                                        .reject = reject_count,
                                        .throttled = throttled_count};
    int socket;
    int udp;
    memset(&house, 0, sizeof house);
    CHECK(loop_new(&house.loop) == OK);
    CHECK(collect_new(house.loop, &calls, &house.collect) == OK);
    CHECK(timer_new(house.loop, commit, NULL, &house.commit) == OK);
    CHECK(timer_new(house.loop, stop, NULL, &house.stop) == OK);
    CHECK(socket_listen_tcp("127.0.0.1", 0, &socket, NULL) == OK);
    CHECK(socket_listen_udp("127.0.0.1", 0, &udp, NULL) == OK);
    CHECK(socket_port(socket, &house.port) == OK && socket_port(udp, &house.udp) == OK);
    CHECK(collect_listen(house.collect, STR("http"), COLLECT_HTTP, socket, NULL) == OK);
    CHECK(collect_listen(house.collect, STR("udp"), COLLECT_SYSLOG_UDP, udp, NULL) == OK);
    struct arena *mem = arena_new(1 << 20);
    struct binding *list = ARENA_ARRAY(mem, struct binding, 4);
    list[0] = binding_make("http", 1, NULL, 0);
    list[1] = binding_make("http", 2, "sesame", 0);
    list[2] = binding_make("http", 3, "of the noisy one", 100);
    list[3] = binding_make("udp", 3, NULL, 100);
    const struct bindings bindings = {.generation = 1, .list = list, .count = 4};
    CHECK(collect_adopt(house.collect, mem, &bindings, NULL) == OK);
    timer_set(house.commit, 1, 1);
}

static void house_down(void)
{
    run_ms(20);
    CHECK(house.collect->http_memory == 0);
    collect_free(house.collect);
    timer_free(house.commit);
    timer_free(house.stop);
    loop_free(house.loop);
    for (uint64_t i = 0; i < house.count; i++) {
        free(house.batches[i].bytes);
    }
}

/* The n-th record of all that were kept. */
static bool record_is(uint64_t n, struct str expected)
{
    struct arena *mem = arena_new(64 << 20);
    bool same = false;
    for (uint64_t i = 0; i < house.count; i++) {
        struct batch batch;
        struct event event;
        CHECK(batch_check(str_of(house.batches[i].bytes, house.batches[i].size), mem, &batch,
                          NULL) == OK);
        if (n < batch.events) {
            batch_event(&batch, (uint32_t)n, &event);
            same = str_equal(event.record, expected);
            break;
        }
        n -= batch.events;
    }
    arena_free(mem);
    return same;
}

/* ---- A client. */

static char answer[1 << 20]; /* the head, then the body */
static const char *answer_body;

static int dial(void)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(house.port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int made = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(made >= 0 && connect(made, (struct sockaddr *)&to, sizeof to) == 0);
    return made;
}

static int socket_datagram(void)
{
    int made = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK(made >= 0);
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

static unsigned answer_read(int socket)
{
    size_t got = 0;
    answer[0] = '\0';
    for (int i = 0; i < 6000; i++) {
        ssize_t n = recv(socket, answer + got, sizeof answer - 1 - got, MSG_DONTWAIT);
        if (n > 0) {
            got += (size_t)n;
            answer[got] = '\0';
            const char *end = strstr(answer, "\r\n\r\n");
            const char *length = strcasestr(answer, "Content-Length: ");
            if (end != NULL && length != NULL &&
                got >= (size_t)(end + 4 - answer) + strtoul(length + 16, NULL, 10)) {
                answer_body = end + 4;
                return (unsigned)strtoul(answer + 9, NULL, 10);
            }
        } else if (n == 0) {
            return 0;
        }
        run_ms(1);
    }
    return 0;
}

static unsigned ask(const char *line, const char *headers, struct str body)
{
    char head[2048];
    int socket = dial();
    int size =
        snprintf(head, sizeof head, "%s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n", line,
                 headers, body.size);
    CHECK(size > 0 && (size_t)size < sizeof head);
    put(socket, str_of(head, (size_t)size));
    put(socket, body);
    unsigned status = answer_read(socket);
    CHECK(close(socket) == 0);
    run_ms(2);
    return status;
}

#define TOKEN "Authorization: Bearer sesame\r\n"
#define NOISY "Authorization: Bearer of the noisy one\r\n"

static unsigned times(const char *text)
{
    unsigned count = 0;
    for (const char *at = answer_body; (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    return count;
}

/* ---- Elasticsearch. */

TEST(a_bulk_keeps_the_documents_own_bytes_and_each_item_has_its_own_end)
{
    house_up();
    CHECK(ask("POST /_bulk", TOKEN,
              STR("{\"index\":{\"_index\":\"logs\",\"_id\":\"1\"}}\n{ \"a\": 1 }\r\n\n"
                  "{\"create\":{\"_index\":\"logs\"}}\nno document\n"
                  "{\"delete\":{\"_index\":\"logs\",\"_id\":\"1\"}}\n"
                  "{\"update\":{\"_id\":\"1\"}}\n{\"doc\":{}}\n"
                  "{ \"create\" : {} }\n{\"b\":2}")) == 200);
    CHECK(house.stored[2] == 2);
    CHECK(record_is(0, STR("{ \"a\": 1 }")) && record_is(1, STR("{\"b\":2}")));
    CHECK(strstr(answer, "X-Elastic-Product: Elasticsearch") != NULL);
    CHECK(strstr(answer_body, "\"errors\":true") != NULL);
    CHECK(times("\"status\":201") == 2 && times("\"status\":400") == 3);
    CHECK(strstr(answer_body, "{\"delete\":{\"_index\":\"logs\",\"_id\":\"1\",\"status\":400") !=
          NULL);
    run_ms(20);
    CHECK(house.rejects[REJECT_MALFORMED] == 3);
    CHECK(ask("PUT /shop-2026/_bulk?filter_path=errors", TOKEN,
              STR("{\"index\":{}}\n{\"c\":3}\n")) == 200);
    CHECK(strstr(answer_body, "\"errors\":false") != NULL);
    CHECK(strstr(answer_body, "\"_index\":\"shop-2026\"") != NULL);
    house_down();
}

TEST(a_bulk_that_nobody_can_read_keeps_nothing)
{
    house_up();
    CHECK(ask("POST /_bulk", TOKEN,
              STR("{\"index\":{}}\n{\"a\":1}\n{\"message\":1}\n{\"b\":1}\n")) == 400);
    CHECK(strstr(answer_body, "\"type\":\"illegal_argument_exception\"") != NULL);
    CHECK(ask("POST /_bulk", TOKEN, STR("\n\n")) == 400);
    CHECK(ask("POST /_bulk", TOKEN, STR("{\"index\":{},\"create\":{}}\n{}\n")) == 400);
    CHECK(ask("POST /_bulk", "", STR("{\"index\":{}}\n{}\n")) == 401);
    CHECK(strstr(answer_body, "security_exception") != NULL);
    CHECK(strstr(answer, "X-Elastic-Product: Elasticsearch") != NULL);
    CHECK(house.stored[2] == 0);
    house_down();
}

TEST(an_id_makes_a_resend_harmless_alone_and_in_other_company)
{
    house_up();
    const struct str first = STR("{\"create\":{\"_id\":\"1\"}}\n{\"a\":1}\n"
                                 "{\"index\":{\"_id\":\"2\"}}\n{\"a\":2}\n");
    const struct str regrouped = STR("{\"index\":{\"_id\":\"2\"}}\n{\"a\":2}\n"
                                     "{\"create\":{\"_id\":\"3\"}}\n{\"a\":3}\n");
    CHECK(ask("POST /x/_bulk", TOKEN, first) == 200 && times("\"status\":201") == 2);
    CHECK(ask("POST /x/_bulk", TOKEN, first) == 200);
    CHECK(times("\"status\":409") == 1 && times("\"status\":200") == 1);
    CHECK(strstr(answer_body, "version_conflict_engine_exception") != NULL);
    CHECK(ask("POST /x/_bulk", TOKEN, regrouped) == 200);
    CHECK(times("\"status\":201") == 1 && times("\"status\":200") == 1);
    CHECK(house.stored[2] == 3);
    /* A front that was started again has forgotten; the archive has not. */
    ids_free(house.collect->ids);
    house.collect->ids = ids_new(mono_now());
    CHECK(ask("POST /x/_bulk", TOKEN, first) == 200);
    CHECK(times("\"status\":409") == 1 && times("\"status\":200") == 1);
    CHECK(house.stored[2] == 3 && house.duplicates == 2);
    /* The same _id with another text is another record: nothing that was kept is replaced. */
    CHECK(ask("POST /x/_bulk", TOKEN, STR("{\"index\":{\"_id\":\"1\"}}\n{\"a\":9}\n")) == 200);
    CHECK(times("\"status\":201") == 1 && house.stored[2] == 4);
    house_down();
}

TEST(a_document_over_the_quota_is_not_said_to_be_kept_when_the_request_comes_again)
{
    struct buf body;
    house_up();
    buf_init(&body, 1 << 20);
    for (int i = 0; i < 1500; i++) {
        CHECK(buf_print(&body, "{\"index\":{\"_id\":\"%d\"}}\n{\"n\":%d}\n", i, i) == OK);
    }
    CHECK(ask("POST /_bulk", NOISY, buf_str(&body)) == 200);
    unsigned kept = times("\"status\":201");
    CHECK(times("\"status\":429") == 1500 - kept);
    /* The whole again, to a front that was started again, when all of it may come. */
    ids_free(house.collect->ids);
    house.collect->ids = ids_new(mono_now());
    house.collect->generation->bindings.list[2].quota = 100000;
    run_ms(50);
    CHECK(ask("POST /_bulk", NOISY, buf_str(&body)) == 200);
    CHECK(times("\"status\":201") == 1500 && house.stored[3] == kept + 1500);
    house.collect->generation->bindings.list[2].quota = 100; /* a sender's own key is for all */
    CHECK(ask("POST /_bulk", NOISY "Idempotency-Key: one\r\n", buf_str(&body)) == 200);
    CHECK(times("\"status\":201") == 1500 && house.stored[3] == kept + 3000);
    buf_done(&body);
    house_down();
}

TEST(clients_of_elasticsearch_are_greeted_as_they_expect)
{
    static const char *const gets[] = {"/",
                                       "/_license",
                                       "/_xpack",
                                       "/_nodes/http",
                                       "/_cluster/health",
                                       "/_cat/indices",
                                       "/_ilm/policy/filebeat"};
    house_up();
    for (size_t i = 0; i < sizeof gets / sizeof *gets; i++) {
        char line[64];
        (void)snprintf(line, sizeof line, "GET %s", gets[i]);
        CHECK(ask(line, "", STR("")) == 200);
        CHECK(strstr(answer, "X-Elastic-Product: Elasticsearch") != NULL);
    }
    CHECK(ask("GET /", "Accept: application/vnd.elasticsearch+json; compatible-with=9\r\n",
              STR("")) == 200);
    CHECK(strstr(answer, "application/vnd.elasticsearch+json;compatible-with=9") != NULL);
    CHECK(strstr(answer_body, "You Know, for Search") != NULL);
    CHECK(ask("PUT /_index_template/logs", "", STR("{\"index_patterns\":[\"*\"]}")) == 200);
    CHECK(strcmp(answer_body, "{\"acknowledged\":true}\n") == 0);
    CHECK(ask("PUT /", "", STR("{}")) == 405);
    CHECK(ask("GET /_search", "", STR("")) == 404);
    CHECK(ask("GET /readyz", "", STR("")) == 200);
    house_down();
}

TEST(a_token_comes_in_each_protocols_form)
{
    house_up();
    const struct str body = STR("{\"index\":{}}\n{\"a\":1}\n");
    /* "elastic:sesame", "id:sesame", "id:wrong", and no base64. */
    CHECK(ask("POST /_bulk", "Authorization: Basic ZWxhc3RpYzpzZXNhbWU=\r\n", body) == 200);
    CHECK(ask("POST /_bulk", "Authorization: ApiKey aWQ6c2VzYW1l\r\n", body) == 200);
    CHECK(ask("POST /_bulk", "Authorization: ApiKey aWQ6d3Jvbmc=\r\n", body) == 401);
    CHECK(ask("POST /_bulk", "Authorization: Basic !!\r\n", body) == 401);
    CHECK(ask("POST /_bulk", "Authorization: Digest sesame\r\n", body) == 401);
    run_ms(20);
    CHECK(house.rejects[REJECT_UNAUTHORISED] == 3 && house.stored[2] == 2);
    house_down();
}

/* ---- Splunk. */

#define SPLUNK  "Authorization: Splunk sesame\r\n"
#define CHANNEL "X-Splunk-Request-Channel: FE0ECFAD-13D5-401B-847D-77833BD77131\r\n"

TEST(splunks_own_examples_are_kept_as_they_stand)
{
    house_up();
    /* "Format events for HTTP Event Collector": one behind the other, without a comma. */
    CHECK(
        ask("POST /services/collector/event", SPLUNK,
            STR("{\"event\": \"Pony 1 has left the barn\"}{\"event\": \"Pony 2 has left the barn\"}"
                "\n {\"time\": 1426279439, \"event\": {\"message\": \"}{\"}}  ")) == 200);
    CHECK(strcmp(answer_body, "{\"text\":\"Success\",\"code\":0}\n") == 0);
    CHECK(house.stored[2] == 3 && record_is(1, STR("{\"event\": \"Pony 2 has left the barn\"}")));
    CHECK(record_is(2, STR("{\"time\": 1426279439, \"event\": {\"message\": \"}{\"}}")));
    CHECK(ask("POST /services/collector/raw", SPLUNK, STR("1, 2, 3... Hello, world!\nnext")) ==
          200);
    CHECK(house.stored[2] == 5 && record_is(4, STR("next")));
    CHECK(ask("GET /services/collector/health/1.0", "", STR("")) == 200);
    CHECK(strcmp(answer_body, "{\"text\":\"HEC is healthy\",\"code\":17}\n") == 0);
    house_down();
}

TEST(splunks_senders_hear_splunks_codes)
{
    static const struct {
        const char *line, *headers;
        struct str body;
        unsigned status;
        const char *said;
    } cases[] = {
        {"POST /services/collector", "", {"{}", 2}, 401, "\"code\":2"},
        {"POST /services/collector", "Authorization: Digest x\r\n", {"{}", 2}, 401, "\"code\":3"},
        {"POST /services/collector", "Authorization: Splunk x\r\n", {"{}", 2}, 403, "\"code\":4"},
        {"POST /services/collector", SPLUNK, {" \n", 2}, 400, "\"code\":5"},
        {"POST /services/collector",
         SPLUNK,
         {"{\"event\":1}{", 12},
         400,
         "\"code\":6,\"invalid-event-number\":1"},
        {"POST /services/collector",
         SPLUNK,
         {"{\"event\":1},{\"event\":2}", 23},
         400,
         "\"code\":6,\"invalid-event-number\":1"},
        {"POST /services/collector", SPLUNK, {"{\"event\":1,}", 12}, 400, "\"code\":6"},
        {"POST /services/collector", SPLUNK, {"{\"even\":1}", 10}, 400, "\"code\":12"},
        {"POST /services/collector", SPLUNK, {"{\"event\":\"\"}", 12}, 400, "\"code\":13"},
        {"POST /services/collector/ack", SPLUNK, {"{\"acks\":[0]}", 12}, 400, "\"code\":10"},
        {"POST /services/collector?channel=a%20b",
         SPLUNK,
         {"{\"event\":1}", 11},
         400,
         "\"code\":11"},
    };
    house_up();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK(ask(cases[i].line, cases[i].headers, cases[i].body) == cases[i].status);
        CHECK(strstr(answer_body, cases[i].said) != NULL);
    }
    CHECK(house.stored[2] == 0);
    house_down();
}

TEST(an_acknowledgement_is_true_once_and_in_its_own_channel)
{
    house_up();
    CHECK(ask("POST /services/collector", SPLUNK CHANNEL, STR("{\"event\":1}")) == 200);
    CHECK(strcmp(answer_body, "{\"text\":\"Success\",\"code\":0,\"ackId\":0}\n") == 0);
    CHECK(ask("POST /services/collector", SPLUNK CHANNEL, STR("{\"event\":2}")) == 200);
    CHECK(ask("POST /services/collector/ack?channel=another", SPLUNK, STR("{\"acks\":[0]}")) ==
          200);
    CHECK(strcmp(answer_body, "{\"acks\":{\"0\":false}}\n") == 0);
    CHECK(ask("POST /services/collector/ack", SPLUNK CHANNEL, STR("{\"acks\":[1, 0,7]}")) == 200);
    CHECK(strcmp(answer_body, "{\"acks\":{\"1\":true,\"0\":true,\"7\":false}}\n") == 0);
    CHECK(ask("POST /services/collector/ack", SPLUNK CHANNEL, STR("{\"acks\":[0]}")) == 200);
    CHECK(strcmp(answer_body, "{\"acks\":{\"0\":false}}\n") == 0);
    CHECK(ask("POST /services/collector/ack", SPLUNK CHANNEL, STR("{\"acks\":[\"x\"]}")) == 400);
    house_down();
}

TEST(acknowledgements_are_bounded_and_forgotten)
{
    struct acks *acks = acks_new();
    struct mono now = {1};
    uint64_t id;
    for (unsigned i = 0; i < 1000; i++) {
        struct sha256 name = sha256_of_bytes(str_of(&i, sizeof i));
        CHECK(acks_add(acks, (struct client_id){7}, &name, now, &id) == OK && id == 0);
        now.ns += NS_PER_SECOND;
    }
    struct sha256 one = sha256_of_bytes(STR("one"));
    for (unsigned i = 0; i < HEC_ACKS_MAX + 10; i++) {
        CHECK(acks_add(acks, (struct client_id){8}, &one, now, &id) == OK && id == i);
    }
    CHECK(!acks_take(acks, (struct client_id){8}, &one, 9, now));
    CHECK(acks_take(acks, (struct client_id){8}, &one, 10, now));
    CHECK(!acks_take(acks, (struct client_id){7}, &one, 11, now));
    now.ns += HEC_ACK_SECONDS * NS_PER_SECOND;
    CHECK(!acks_take(acks, (struct client_id){8}, &one, 12, now));
    acks_free(acks);
}

/* ---- OpenTelemetry. */

#define PROTOBUF TOKEN "Content-Type: application/x-protobuf\r\n"
#define JSON     TOKEN "Content-Type: application/json; charset=utf-8\r\n"

/* resourceLogs{resource{attributes{key "a" value{stringValue "b"}}} scopeLogs{scope{name "s"}
 * logRecords{time 1, severity 9, body "hi", traceId 00ff…}}}, written by hand after the .proto. */
static const char request[] = "\x0a\x38"
                              "\x0a\x0a\x0a\x08\x0a\x01"
                              "a\x12\x03\x0a\x01"
                              "b"
                              "\x12\x2a\x0a\x03\x0a\x01s\x12\x23\x09\x01\0\0\0\0\0\0\0\x10\x09"
                              "\x2a\x04\x0a\x02hi"
                              "\x4a\x10\x00\xff\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d"
                              "\x0e\x0f";
#define REQUEST_SIZE (sizeof request - 1)

TEST(a_log_record_reads_the_same_from_protobuf_as_from_json)
{
    const struct str expected =
        STR("{\"resource\":{\"attributes\":[{\"key\":\"a\",\"value\":{\"stringValue\":\"b\"}}]},"
            "\"scope\":{\"name\":\"s\"},\"logRecord\":{\"timeUnixNano\":\"1\",\"severityNumber\":9,"
            "\"body\":{\"stringValue\":\"hi\"},\"traceId\":\"00ff02030405060708090a0b0c0d0e0f\"}}");
    const struct str json = STR(
        "{ \"resourceLogs\" : [{\"resource\":{\"attributes\":[{\"key\":\"a\",\"value\":"
        "{\"stringValue\":\"b\"}}]},\"scopeLogs\":[{\"scope\":{\"name\":\"s\"},\"log_records\":["
        "{\"timeUnixNano\":\"1\",\"severityNumber\":9,\"body\":{\"stringValue\":\"hi\"},"
        "\"traceId\":\"00ff02030405060708090a0b0c0d0e0f\"}]}]}]}");
    house_up();
    CHECK(ask("POST /v1/logs", PROTOBUF, str_of(request, REQUEST_SIZE)) == 200);
    CHECK(strstr(answer, "application/x-protobuf") != NULL && answer_body[0] == '\0');
    CHECK(house.stored[2] == 1 && record_is(0, expected));
    CHECK(ask("POST /v1/logs", JSON, json) == 200 && strcmp(answer_body, "{}") == 0);
    CHECK(house.stored[2] == 2 && record_is(1, expected));
    /* Sent again as they were: each record says its time, so it is known. */
    CHECK(ask("POST /v1/logs", JSON, json) == 200 && house.stored[2] == 2);
    CHECK(ask("POST /v1/logs", PROTOBUF, STR("")) == 200);
    house_down();
}

TEST(what_is_no_otlp_is_not_to_be_sent_again_and_a_part_can_be_refused)
{
    house_up();
    CHECK(ask("POST /v1/logs", TOKEN "Content-Type: text/plain\r\n", STR("x")) == 415);
    CHECK(ask("POST /v1/logs", PROTOBUF, STR("\x0a\xff\xff\xff\xff\x7f")) == 400);
    CHECK(answer_body[0] == 0x08 && answer_body[1] == 3);
    CHECK(ask("POST /v1/logs", JSON, STR("{\"resourceLogs\":[{]}")) == 400);
    CHECK(strstr(answer_body, "{\"code\":3,\"message\":\"") == answer_body);
    CHECK(ask("POST /v1/logs", JSON,
              STR("{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{}},7,{]}]}]}")) ==
          400);
    CHECK(ask("POST /v1/logs", JSON,
              STR("{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":{}},7]}]}]}")) ==
          200);
    CHECK(strstr(answer_body, "\"rejectedLogRecords\":\"1\"") != NULL);
    CHECK(house.stored[2] == 1 &&
          record_is(0, STR("{\"resource\":{},\"scope\":{},\"logRecord\":{\"body\":{}}}")));
    house_down();
}

/* One resource around many records: whole, it would be as many copies; broken, it is copied and
 * read as often, and nothing of it stays that memory would end. */
TEST(a_large_resource_around_many_records_is_bounded)
{
    static const char *const ends[] = {"\"},\"scopeLogs\":[{\"logRecords\":[{}",
                                       "\",y},\"scopeLogs\":[{\"logRecords\":[{}"};
    struct buf body;
    house_up();
    buf_init(&body, 16 << 20);
    for (size_t broken = 0; broken < 2; broken++) {
        char *filler;
        buf_reset(&body);
        CHECK(buf_print(&body, "{\"resourceLogs\":[{\"resource\":{\"x\":\"") == OK);
        CHECK(buf_extend(&body, 900000, &filler) == OK);
        memset(filler, 'x', 900000);
        CHECK(buf_print(&body, "%s", ends[broken]) == OK);
        for (int i = 0; i < 200000; i++) {
            CHECK(buf_append(&body, STR(",{}")) == OK);
        }
        CHECK(buf_print(&body, "]}]}]}") == OK);
        double began = testing_cpu();
        unsigned status = ask("POST /v1/logs", JSON, buf_str(&body));
        CHECK(status == 413 || status == 503);
        CHECK(testing_cpu() - began < testing_cpu_allowed(3));
    }
    buf_done(&body);
    house_down();
}

/* ---- Compressed bodies (R-F2). */

static struct str zstd_packed(struct str plain)
{
    struct zstd *zstd = zstd_new(3);
    size_t size = zstd_bound(plain.size);
    char *to = malloc(size);
    CHECK(zstd_pack(zstd, plain, to, size, &size) == OK);
    zstd_free(zstd);
    return str_of(to, size);
}

TEST(compressed_bodies_are_read_and_bombs_are_not)
{
    house_up();
    struct str packed = zstd_packed(STR("one\ntwo\n"));
    CHECK(ask("POST /ingest/lines", TOKEN "Content-Encoding: zstd\r\n", packed) == 200);
    CHECK(house.stored[2] == 2 && record_is(1, STR("two")));
    struct str cut = str_slice(packed, 0, packed.size - 1);
    CHECK(ask("POST /ingest/lines", TOKEN "Content-Encoding: zstd\r\n", cut) == 400);
    CHECK(ask("POST /ingest/lines", TOKEN "Content-Encoding: zstd, zstd\r\n", packed) == 415);
    struct str twice = zstd_packed(packed);
    CHECK(ask("POST /_bulk", TOKEN "Content-Encoding: zstd\r\n", twice) == 400);
    free((void *)(uintptr_t)packed.data);
    free((void *)(uintptr_t)twice.data);
    size_t size = (size_t)128 << 20;
    char *zeros = calloc(1, size);
    struct str bomb = zstd_packed(str_of(zeros, size));
    double began = testing_cpu();
    CHECK(ask("POST /ingest/lines", TOKEN "Content-Encoding: zstd\r\n", bomb) == 413);
    CHECK(testing_cpu() - began < testing_cpu_allowed(0.5));
    CHECK(house.stored[2] == 2);
    free(zeros);
    free((void *)(uintptr_t)bomb.data);
    house_down();
}

/* ---- JSON bombs (R-F3). */

TEST(json_bombs_end_soon)
{
    struct buf body;
    house_up();
    buf_init(&body, 16 << 20);
    CHECK(buf_append(&body, STR("{\"index\":{}}\n{\"a\":")) == OK);
    for (int i = 0; i < 400000; i++) {
        CHECK(buf_append(&body, STR("[")) == OK);
    }
    CHECK(ask("POST /_bulk", TOKEN, buf_str(&body)) == 200 && times("\"status\":400") == 1);
    buf_reset(&body);
    for (int i = 0; i < 400000; i++) {
        CHECK(buf_append(&body, STR("{\"event\":")) == OK);
    }
    CHECK(ask("POST /services/collector", SPLUNK, buf_str(&body)) == 400);
    CHECK(ask("POST /v1/logs", JSON, buf_str(&body)) == 400);
    /* Events, and blanks behind them that nobody looks at twice. */
    buf_reset(&body);
    for (int i = 0; i < 20000; i++) {
        CHECK(buf_append(&body, STR("{\"event\":1}")) == OK);
    }
    char *blanks;
    CHECK(buf_extend(&body, 8 << 20, &blanks) == OK);
    memset(blanks, ' ', 8 << 20);
    double began = testing_cpu();
    CHECK(ask("POST /services/collector", SPLUNK, buf_str(&body)) == 200);
    CHECK(testing_cpu() - began < testing_cpu_allowed(3));
    buf_done(&body);
    house_down();
}

/* ---- Pressure. */

TEST(a_post_that_finds_no_room_holds_nobody_else_and_is_told_to_come_again)
{
    house_up();
    house.full_for = 2;
    int socket = dial();
    put(socket,
        STR("POST /ingest/lines HTTP/1.1\r\nHost: x\r\n" TOKEN "Content-Length: 4\r\n\r\nlate"));
    run_ms(50);
    CHECK(house.collect->posts_held && !house.collect->held);
    /* Whoever sends otherwise goes on. */
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(house.udp), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int udp = socket_datagram();
    CHECK(sendto(udp, "hello", 5, 0, (struct sockaddr *)&to, sizeof to) == 5);
    CHECK(close(udp) == 0);
    run_ms(100);
    CHECK(house.stored[3] == 1);
    CHECK(answer_read(socket) == 503 && strstr(answer, "Retry-After: 1") != NULL);
    CHECK(close(socket) == 0);
    CHECK(ask("POST /services/collector", SPLUNK, STR("{\"event\":1}")) == 503);
    CHECK(strstr(answer_body, "\"code\":9") != NULL);
    CHECK(ask("GET /readyz", "", STR("")) == 503);
    house.full_for = 0;
    collect_resume(house.collect);
    CHECK(ask("POST /ingest/lines", TOKEN, STR("again")) == 200);
    CHECK(ask("GET /readyz", "", STR("")) == 200);
    house_down();
}

TEST(a_bulk_that_was_begun_tells_item_by_item_what_found_no_room)
{
    struct buf body;
    house_up();
    buf_init(&body, 4 << 20);
    for (int i = 0; i < EVENTS_PER_BATCH_MAX + 10; i++) {
        CHECK(buf_print(&body, "{\"index\":{}}\n{\"n\":%d}\n", i) == OK);
    }
    house.full_for = 2;
    house.room_left = 1;
    int socket = dial();
    char head[160];
    int size = snprintf(head, sizeof head,
                        "POST /_bulk HTTP/1.1\r\nHost: x\r\n" TOKEN "Content-Length: %zu\r\n\r\n",
                        body.size);
    put(socket, str_of(head, (size_t)size));
    put(socket, buf_str(&body));
    unsigned status = 0;
    for (int i = 0; i < 3 && status == 0; i++) {
        status = answer_read(socket);
    }
    CHECK(status == 200);
    CHECK(times("\"status\":201") == EVENTS_PER_BATCH_MAX && times("\"status\":429") == 10);
    CHECK(house.stored[2] == EVENTS_PER_BATCH_MAX);
    CHECK(close(socket) == 0);
    buf_done(&body);
    house_down();
}

/* ---- Quotas (R-F7). */

TEST(a_noisy_client_is_slowed_and_told_and_no_other_notices)
{
    struct buf body;
    house_up();
    buf_init(&body, 1 << 20);
    for (int i = 0; i < 1500; i++) {
        CHECK(buf_print(&body, "{\"index\":{}}\n{\"n\":%d}\n", i) == OK);
    }
    /* 100 a second, and ten seconds' worth at once. */
    CHECK(ask("POST /_bulk", NOISY, buf_str(&body)) == 200);
    CHECK(times("\"status\":201") >= 1000 && times("\"status\":201") < 1500);
    CHECK(times("\"status\":201") + times("\"status\":429") == 1500);
    uint64_t kept = house.stored[3];
    /* One post may owe; whoever comes next waits until that is paid. */
    buf_reset(&body);
    for (int i = 0; i < 2000; i++) {
        CHECK(buf_append(&body, STR("noise\n")) == OK);
    }
    CHECK(ask("POST /ingest/lines", NOISY, buf_str(&body)) == 200);
    CHECK(ask("POST /ingest/lines", NOISY, STR("more\n")) == 429);
    CHECK(strstr(answer, "Retry-After: ") != NULL);
    CHECK(ask("POST /services/collector", "Authorization: Splunk of the noisy one\r\n",
              STR("{\"event\":1}")) == 503);
    CHECK(ask("POST /v1/logs", NOISY "Content-Type: application/json\r\n", STR("{}")) == 429);
    CHECK(house.throttled == 4);
    struct mono began = mono_now();
    for (int i = 0; i < 50; i++) {
        CHECK(ask("POST /ingest/lines", TOKEN, STR("quiet\n")) == 200);
    }
    CHECK(mono_ms_since(began, mono_now()) < 5000);
    CHECK(house.stored[2] == 50 && house.stored[3] == kept + 2000);
    run_ms(20);
    CHECK(house.rejects[REJECT_QUOTA] > 0);
    buf_done(&body);
    house_down();
}

/* ---- Files. */

TEST(a_file_becomes_records_and_the_same_file_again_adds_nothing)
{
    house_up();
    CHECK(ask("POST /ingest/files", TOKEN, STR("first\r\nsecond\n\nthird")) == 200);
    CHECK(strstr(answer_body, "\"received\":3,\"stored\":3,\"deduplicated\":0,\"rejected\":[]") !=
          NULL);
    CHECK(house.stored[2] == 3 && record_is(2, STR("third")));
    CHECK(ask("POST /ingest/files", TOKEN, STR("first\r\nsecond\n\nthird")) == 200);
    CHECK(strstr(answer_body, "\"stored\":0,\"deduplicated\":3") != NULL);
    CHECK(ask("POST /ingest/files", TOKEN,
              STR("\x7f"
                  "ELF\0\0\0\0")) == 200);
    CHECK(strstr(answer_body, "\"reason\":\"neither an event log nor a text\"") != NULL);
    CHECK(ask("POST /ingest/files", TOKEN, STR("PK\x03\x04 no archive")) != 0);
    CHECK(house.stored[2] == 3);
    house_down();
}
