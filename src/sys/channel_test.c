#include "sys/channel.h"

#include <unistd.h>

#include "testing/testing.h"

TEST(a_packet_arrives_whole_with_its_descriptors)
{
    int pair[2];
    int pipes[2];
    int got[CHANNEL_DESCRIPTORS_MAX];
    size_t size;
    size_t count;
    char to[16];
    CHECK(channel_pair(pair) == OK && pipe(pipes) == 0);
    CHECK(channel_receive(pair[1], to, sizeof to, &size, got, &count) == ERR_AGAIN);
    CHECK(channel_send(pair[0], STR("hello"), &pipes[1], 1) == OK);
    CHECK(channel_send(pair[0], STR("far too long a packet"), &pipes[1], 1) == OK);
    CHECK(channel_receive(pair[1], to, sizeof to, &size, got, &count) == OK);
    CHECK(str_equal(str_of(to, size), STR("hello")) && count == 1);
    CHECK(write(got[0], "x", 1) == 1 && read(pipes[0], to, 1) == 1);
    CHECK(channel_receive(pair[1], to, sizeof to, &size, got, &count) == ERR_LIMIT);
    (void)close(pair[0]);
    CHECK(channel_receive(pair[1], to, sizeof to, &size, got, &count) == ERR_CLOSED);
    CHECK(channel_send(pair[1], STR("x"), NULL, 0) == ERR_CLOSED);
    (void)close(pair[1]);
}

TEST(a_named_channel_is_found_by_its_folder_and_refused_when_nobody_listens)
{
    int listener;
    int asker;
    int answerer;
    const char *folder = testing_folder();
    CHECK(channel_connect(folder, "control.sock", &asker) == ERR_NOT_FOUND);
    CHECK(channel_listen(folder, "control.sock", &listener, NULL) == OK);
    CHECK(channel_accept(listener, &answerer) == ERR_AGAIN);
    CHECK(channel_connect(folder, "control.sock", &asker) == OK);
    CHECK(channel_accept(listener, &answerer) == OK);
    CHECK(channel_send(asker, STR("hello"), NULL, 0) == OK);
    (void)close(listener);
    (void)close(answerer);
    (void)close(asker);
    CHECK(channel_connect(folder, "control.sock", &asker) == ERR_NOT_FOUND);
}
