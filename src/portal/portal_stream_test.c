/* Answers that stay open, over real sockets. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "portal/front_test.h"
#include "sys/clocks.h"
#include "testing/testing.h"

#define REQUEST "GET /api/v1/changes HTTP/1.1\r\n" HEAD "\r\n"

static struct front *streaming(const struct portal_settings *settings)
{
    struct front *front = front_new(settings);
    front->answer.type = STR("text/event-stream");
    buf_reset(&front->answer.body);
    CHECK(buf_append(&front->answer.body, STR("data: first\n\n")) == OK);
    return front;
}

static void three_more(struct front *front)
{
    char text[32];
    if (front->calls > 0 && ++front->beats <= 3) {
        (void)snprintf(text, sizeof text, "data: %u\n\n", front->beats);
        portal_stream(front->portal, front->id, str_from(text), front->beats == 3);
    }
}

TEST(a_stream_goes_on_until_desk_ends_it)
{
    struct front *front = streaming(NULL);
    front->each_ms = three_more;
    const char *got = front_ask(front, REQUEST);
    CHECK(has(got, "HTTP/1.1 200") && has(got, "\r\nX-Accel-Buffering: no\r\n"));
    CHECK(has(got, "\r\nContent-Type: text/event-stream; charset=utf-8\r\n"));
    CHECK(has(got, "\r\nCache-Control: no-store\r\n") && guarded(got, POLICY_NONE));
    CHECK(has(got, "data: first\n\n") && has(got, "data: 1\n\n") && has(got, "data: 3\n\n"));
    CHECK(has(got, "\r\n0\r\n\r\n"));
    CHECK(front->gone == 0);
    portal_stream(front->portal, front->id, STR("data: late\n\n"), false);
    front_free(front);
}

/* The frame that ends chunks would be the beginning of the next answer. */
TEST(the_head_of_a_stream_has_no_byte_behind_it)
{
    struct front *front = streaming(NULL);
    const char *got = front_ask(front, "HEAD /api/v1/changes HTTP/1.1\r\n" HEAD "\r\n");
    CHECK(has(got, "HTTP/1.1 200") && has(got, "\r\nContent-Type: text/event-stream"));
    CHECK(guarded(got, POLICY_NONE));
    CHECK(strcmp(strstr(got, "\r\n\r\n"), "\r\n\r\n") == 0);
    CHECK(front->gone == 1 && front->gone_id == front->id);
    front_free(front);
}

static void *reader_that_leaves(void *context)
{
    struct front *front = context;
    int peer = front_connect(front, 1);
    (void)!send(peer, REQUEST, sizeof REQUEST - 1, MSG_NOSIGNAL);
    (void)!read(peer, front->got, GOT_SIZE - 1);
    (void)close(peer);
    (void)usleep(50 * 1000);
    atomic_store(&front->done, true);
    return NULL;
}

TEST(desk_hears_at_once_that_a_reader_has_left)
{
    struct front *front = streaming(NULL);
    front_let(front, reader_that_leaves);
    CHECK(front->gone == 1 && front->gone_id == front->id);
    portal_stream(front->portal, front->id, STR("data: late\n\n"), false);
    front_free(front);
}

static void *asker_that_leaves(void *context)
{
    struct front *front = context;
    int peer = front_connect(front, 1);
    (void)!send(peer, REQUEST, sizeof REQUEST - 1, MSG_NOSIGNAL);
    (void)usleep(50 * 1000);
    (void)close(peer);
    (void)usleep(50 * 1000);
    atomic_store(&front->done, true);
    return NULL;
}

TEST(desk_hears_at_once_that_nobody_waits_for_an_answer)
{
    struct front *front = front_new(NULL);
    front->later = true;
    front->later_ms = 5000;
    front_let(front, asker_that_leaves);
    CHECK(front->calls == 1 && front->gone == 1 && front->gone_id == front->id);
    portal_answer(front->portal, front->id, &front->answer);
    CHECK(front->gone == 1);
    front_free(front);
}

TEST(a_table_is_kept_as_a_file)
{
    struct front *front = front_new(NULL);
    front->answer.type = STR("text/csv; charset=utf-8");
    const char *got = front_ask(front, REQUEST);
    CHECK(has(got, "\r\nContent-Disposition: attachment\r\n") && front->gone == 0);
    front_free(front);
}

TEST(a_reader_that_left_before_the_answer_is_told_of_too)
{
    struct front *front = streaming(NULL);
    portal_answer(front->portal, 77, &front->answer);
    CHECK(front->gone == 1 && front->gone_id == 77);
    front_free(front);
}

static void much(struct front *front)
{
    static char text[64 * 1024];
    if (front->calls > 0 && front->gone == 0) {
        memset(text, 'x', sizeof text);
        portal_stream(front->portal, front->id, str_of(text, sizeof text), false);
    }
}

static void *reader_that_sleeps(void *context)
{
    struct front *front = context;
    int peer = front_connect(front, 1);
    (void)!send(peer, REQUEST, sizeof REQUEST - 1, MSG_NOSIGNAL);
    (void)usleep(500 * 1000);
    (void)close(peer);
    atomic_store(&front->done, true);
    return NULL;
}

TEST(a_reader_slower_than_its_share_of_memory_is_dropped)
{
    struct front *front = streaming(NULL);
    front->each_ms = much;
    front_let(front, reader_that_sleeps);
    CHECK(front->gone == 1);
    front_free(front);
}

static void desk_goes(struct front *front)
{
    if (front->calls > 0 && ++front->beats == 5) {
        portal_ready(front->portal, false);
    }
}

TEST(without_desk_there_is_no_stream)
{
    struct front *front = streaming(NULL);
    front->each_ms = desk_goes;
    const char *got = front_ask(front, REQUEST);
    CHECK(has(got, "data: first\n\n") && !has(got, "\r\n0\r\n\r\n")); /* a break, and no end */
    CHECK(front->gone == 0);
    CHECK(has(front_ask(front, REQUEST), "HTTP/1.1 503"));
    front_free(front);
}

static void desk_goes_unanswered(struct front *front)
{
    if (front->calls > 0 && ++front->beats == 2) {
        portal_ready(front->portal, false);
    }
}

TEST(what_waits_for_desk_is_refused_when_desk_goes)
{
    struct front *front = front_new(NULL);
    front->later = true;
    front->each_ms = desk_goes_unanswered;
    CHECK(has(front_ask(front, REQUEST), "HTTP/1.1 503"));
    front_free(front);
}

static void end_after_a_while(struct front *front)
{
    if (front->calls > 0 && ++front->beats == 60) {
        portal_stream(front->portal, front->id, STR(""), true);
    }
}

TEST(a_silent_stream_bears_comments)
{
    const struct portal_settings settings = {
        .connections_max = 16, .names = STR("soc.example"), .keepalive_ms = 10};
    struct front *front = streaming(&settings);
    front->each_ms = end_after_a_while;
    const char *got = front_ask(front, REQUEST);
    CHECK(has(got, "\r\n:\n\n\r\n"));
    CHECK(has(got, "\r\n0\r\n\r\n"));
    front_free(front);
}

#define READERS (PORTAL_STREAMS_PEER + 1)

static void *many_readers(void *context)
{
    struct front *front = context;
    int peers[READERS];
    for (size_t i = 0; i < READERS; i++) {
        peers[i] = front_connect(front, 1);
        (void)!send(peers[i], REQUEST, sizeof REQUEST - 1, MSG_NOSIGNAL);
        ssize_t size = read(peers[i], front->got, GOT_SIZE - 1);
        front->got[size > 0 ? size : 0] = '\0';
    }
    for (size_t i = 0; i < READERS; i++) {
        (void)close(peers[i]);
    }
    (void)usleep(50 * 1000);
    atomic_store(&front->done, true);
    return NULL;
}

TEST(one_address_has_its_share_of_streams_and_no_more)
{
    struct front *front = streaming(NULL);
    front_let(front, many_readers);
    CHECK(has(front->got, "HTTP/1.1 429") && has(front->got, "\r\nRetry-After: "));
    CHECK(front->gone == READERS);
    front_free(front);
}

/* Each text bears the moment at which it was given; the reader compares. */

#define BEATS 100

static int64_t now_ns(void)
{
    return wall_now().ns;
}

static void beat(struct front *front)
{
    char text[64];
    if (front->calls > 0 && front->beats < BEATS) {
        (void)snprintf(text, sizeof text, "data: %lld\n\n", (long long)now_ns());
        portal_stream(front->portal, front->id, str_from(text), ++front->beats == BEATS);
    }
}

static int by_size(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

static void *reader_with_a_clock(void *context)
{
    struct front *front = context;
    int64_t took[BEATS];
    size_t count = 0;
    int peer = front_connect(front, 1);
    (void)!send(peer, REQUEST, sizeof REQUEST - 1, MSG_NOSIGNAL);
    for (;;) {
        ssize_t size = read(peer, front->got, 4096);
        if (size <= 0) {
            break;
        }
        front->got[size] = '\0';
        const char *at = strstr(front->got, "data: 1");
        if (at != NULL && count < BEATS) {
            took[count++] = now_ns() - strtoll(at + 6, NULL, 10);
        }
    }
    (void)close(peer);
    qsort(took, count, sizeof *took, by_size);
    (void)snprintf(front->got, GOT_SIZE, "%zu", count);
    front->got_size = count > 0 ? (size_t)(took[count / 2] / 1000) : SIZE_MAX;
    if (getenv("HINOMI_MEASURE") != NULL && count > 0) {
        printf("from portal_stream to its reader: median %lld us, 95 %% %lld us, most %lld us\n",
               (long long)took[count / 2] / 1000, (long long)took[count * 95 / 100] / 1000,
               (long long)took[count - 1] / 1000);
    }
    atomic_store(&front->done, true);
    return NULL;
}

TEST(a_text_reaches_its_reader_within_5_ms)
{
    struct front *front = streaming(NULL);
    front->each_ms = beat;
    front_let(front, reader_with_a_clock);
    CHECK(front->got_size < 5000); /* the median: the machine may have other things to do */
    front_free(front);
}
