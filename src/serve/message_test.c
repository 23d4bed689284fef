#include "serve/message.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "sys/memory.h"
#include "testing/testing.h"

static char packet[MESSAGE_SIZE_MAX];

TEST(a_message_arrives_as_it_was_sent)
{
    int pair[2];
    CHECK(channel_pair(pair) == OK);
    struct message sent = {.type = MESSAGE_ALERTS,
                           .alerts = {.client = 7, .bookmark = 1ull << 40, .alerts = STR("abc")}};
    CHECK(message_send(pair[0], &sent) == OK);
    struct message got;
    CHECK(message_receive(pair[1], packet, &got) == OK);
    CHECK(got.type == MESSAGE_ALERTS && got.alerts.client == 7);
    CHECK(got.alerts.bookmark == 1ull << 40 && str_equal(got.alerts.alerts, STR("abc")));
    message_done(&got);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

TEST(a_text_larger_than_a_packet_travels_in_a_memory)
{
    int pair[2];
    CHECK(channel_pair(pair) == OK);
    size_t size = 3 * MESSAGE_SIZE_MAX;
    char *large = malloc(size);
    memset(large, 'x', size);
    struct message sent = {.type = MESSAGE_JOB,
                           .job = {.client = 3, .slug = STR("acme"), .text = str_of(large, size)},
                           .descriptors = {pair[0]},
                           .descriptors_count = 1};
    CHECK(message_send(pair[0], &sent) == OK);
    struct message got;
    CHECK(message_receive(pair[1], packet, &got) == OK);
    CHECK(got.descriptors_count == 1 && str_equal(got.job.slug, STR("acme")));
    CHECK(str_equal(got.job.text, str_of(large, size)));
    CHECK(close(message_take_descriptor(&got)) == 0);
    message_done(&got);
    free(large);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

TEST(a_memory_that_its_sender_can_still_change_is_refused)
{
    int pair[2];
    int memory;
    int descriptors[CHANNEL_DESCRIPTORS_MAX];
    size_t size;
    size_t count;
    static const char large[2 * MESSAGE_SIZE_MAX];
    struct message got;
    CHECK(channel_pair(pair) == OK);
    struct message sent = {.type = MESSAGE_BINDINGS,
                           .bindings = {.bindings = str_of(large, sizeof large)}};
    CHECK(message_send(pair[0], &sent) == OK);
    CHECK(channel_receive(pair[1], packet, sizeof packet, &size, descriptors, &count) == OK);
    CHECK(count == 1 && memory_new("test", sizeof large, &memory) == OK);
    CHECK(channel_send(pair[0], str_of(packet, size), &memory, 1) == OK);
    CHECK(message_receive(pair[1], packet, &got) == ERR_CORRUPT);
    (void)close(descriptors[0]);
    (void)close(memory);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

TEST(a_cut_or_lengthened_packet_is_refused)
{
    int pair[2];
    int descriptors[CHANNEL_DESCRIPTORS_MAX];
    size_t size;
    size_t count;
    CHECK(channel_pair(pair) == OK);
    struct message sent = {.type = MESSAGE_REQUEST,
                           .request = {.tenant = STR("acme"), .text = STR("failed")}};
    CHECK(message_send(pair[0], &sent) == OK);
    CHECK(channel_receive(pair[1], packet, sizeof packet, &size, descriptors, &count) == OK);
    struct message got;
    CHECK(message_decode(str_of(packet, size), &got) == OK);
    for (size_t cut = 0; cut < size; cut++) {
        CHECK(message_decode(str_of(packet, cut), &got) == ERR_CORRUPT);
    }
    CHECK(message_decode(str_of(packet, size + 1), &got) == ERR_CORRUPT);
    (void)close(pair[0]);
    (void)close(pair[1]);
}
