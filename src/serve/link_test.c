#include "serve/link.h"

#include <string.h>

#include "base/limits.h"
#include "testing/testing.h"

struct ends {
    struct loop *loop;
    struct link *near, *far;
    struct timer *timer;
    uint64_t seen;
    bool out_of_order, closed;
};

static void far_spoke(void *context, struct link *link, struct message *message, enum err err)
{
    struct ends *ends = context;
    if (message == NULL) {
        CHECK(err == ERR_CLOSED);
        link_free(link);
        ends->far = NULL;
        ends->closed = true;
        loop_stop(ends->loop);
        return;
    }
    CHECK(message->type == MESSAGE_STORED);
    ends->out_of_order |= message->stored.client != ends->seen;
    ends->seen++;
}

static void near_spoke(void *context, struct link *link, struct message *message, enum err err)
{
    (void)context;
    (void)link;
    CHECK(message == NULL && err == ERR_CLOSED);
}

static void near_end(void *context)
{
    struct ends *ends = context;
    if (link_is_idle(ends->near)) {
        link_free(ends->near);
        ends->near = NULL;
        timer_stop(ends->timer);
    }
}

static void ends_open(struct ends *ends)
{
    int pair[2];
    *ends = (struct ends){0};
    CHECK(loop_new(&ends->loop) == OK && channel_pair(pair) == OK);
    CHECK(link_new(ends->loop, pair[0], near_spoke, ends, &ends->near) == OK);
    CHECK(link_new(ends->loop, pair[1], far_spoke, ends, &ends->far) == OK);
}

TEST(messages_beyond_what_a_channel_holds_arrive_later_and_in_order)
{
    struct ends ends;
    ends_open(&ends);
    for (uint64_t i = 0; i < 3000; i++) {
        const struct message message = {.type = MESSAGE_STORED, .stored = {i, i}};
        CHECK(link_send(ends.near, &message) == OK);
    }
    CHECK(!link_is_idle(ends.near));
    CHECK(timer_new(ends.loop, near_end, &ends, &ends.timer) == OK);
    timer_set(ends.timer, 1, 1);
    loop_run(ends.loop);
    CHECK(ends.closed && ends.seen == 3000 && !ends.out_of_order);
    timer_free(ends.timer);
    loop_free(ends.loop);
}

TEST(a_peer_that_does_not_listen_costs_a_bounded_queue)
{
    struct ends ends;
    ends_open(&ends);
    static char text[MESSAGE_SIZE_MAX / 2];
    memset(text, 'x', sizeof text);
    const struct message message = {.type = MESSAGE_OUTPUT,
                                    .output = {.text = str_of(text, sizeof text)}};
    enum err err = OK;
    size_t sent = 0;
    while (err == OK && sent < 100000) {
        err = link_send(ends.near, &message);
        sent++;
    }
    CHECK(err == ERR_LIMIT && sent < 5000);
    link_free(ends.near);
    link_free(ends.far);
    loop_free(ends.loop);
}
