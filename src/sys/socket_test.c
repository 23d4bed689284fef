#include "sys/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sys/sender.h"
#include "testing/testing.h"

static int dial(int type, uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int made = socket(AF_INET, type, 0);
    CHECK(made >= 0 && connect(made, (struct sockaddr *)&to, sizeof to) == 0);
    return made;
}

TEST(only_numeric_addresses_are_listened_on)
{
    struct why why = {0};
    struct peer peer;
    int socket;
    CHECK(socket_listen_tcp("localhost", 0, &socket, &why) == ERR_SYNTAX);
    CHECK(strstr(why.text, "localhost") != NULL);
    CHECK(socket_listen_udp("1.2.3", 0, &socket, NULL) == ERR_SYNTAX);
    CHECK(socket_listen_udp("192.0.2.1", 0, &socket, &why) != OK);
    CHECK(peer_parse("::ffff:192.0.2.1", &peer) == OK && strcmp(peer.text, "192.0.2.1") == 0);
    CHECK(peer_parse("2001:db8::1", &peer) == OK && strcmp(peer.text, "2001:db8::1") == 0);
    CHECK(peer_parse("example.org", &peer) == ERR_SYNTAX);
}

TEST(datagrams_come_whole_and_with_their_sender)
{
    int listener;
    uint16_t port;
    struct datagrams *datagrams = datagrams_new();
    size_t count;
    uint32_t drops = 7;
    CHECK(socket_listen_udp("127.0.0.1", 0, &listener, NULL) == OK);
    CHECK(socket_port(listener, &port) == OK && port > 0);
    CHECK(datagrams_receive(datagrams, listener, &count, &drops) == ERR_AGAIN);
    int sender = dial(SOCK_DGRAM, port);
    CHECK(send(sender, "one", 3, 0) == 3 && send(sender, "", 0, 0) == 0 &&
          send(sender, "t\0o", 3, 0) == 3);
    CHECK(datagrams_receive(datagrams, listener, &count, &drops) == OK);
    CHECK(count == 3);
    struct str bytes;
    struct peer peer;
    datagram_at(datagrams, 2, &bytes, &peer);
    CHECK(str_equal(bytes, STR("t\0o")) && strcmp(peer.text, "127.0.0.1") == 0);
    socket_close(sender);
    socket_close(listener);
    datagrams_free(datagrams);
}

TEST(long_and_short_datagrams_of_several_senders_keep_their_bytes)
{
    static const size_t sizes[] = {2047, 2048, 2049, 60000, 1, 0};
    static char sent[60000];
    int listener;
    uint16_t port;
    struct datagrams *datagrams = datagrams_new();
    size_t count;
    uint32_t drops = 0;
    CHECK(socket_listen_udp("127.0.0.1", 0, &listener, NULL) == OK);
    CHECK(socket_port(listener, &port) == OK);
    int senders[2] = {dial(SOCK_DGRAM, port), dial(SOCK_DGRAM, port)};
    for (size_t i = 0; i < sizeof sent; i++) {
        sent[i] = (char)('a' + i % 23 + i / 1000 % 3);
    }
    for (unsigned round = 0; round < 2; round++) {
        for (size_t i = 0; i < 6; i++) {
            CHECK(send(senders[i % 2], sent + i, sizes[i] - (i == 3 ? 3 : 0), 0) >= 0);
        }
        CHECK(datagrams_receive(datagrams, listener, &count, &drops) == OK && count == 6);
        uint16_t ports[6];
        for (size_t i = 0; i < 6; i++) {
            struct str bytes;
            struct peer peer;
            datagram_at(datagrams, i, &bytes, &peer);
            CHECK(str_equal(bytes, str_of(sent + i, sizes[i] - (i == 3 ? 3 : 0))));
            CHECK(strcmp(peer.text, "127.0.0.1") == 0);
            ports[i] = peer.port;
        }
        CHECK(ports[0] == ports[2] && ports[1] == ports[3] && ports[0] != ports[1]);
    }
    socket_close(senders[0]);
    socket_close(senders[1]);
    socket_close(listener);
    datagrams_free(datagrams);
}

TEST(a_datagram_listener_cannot_send)
{
    int listener;
    int other;
    uint16_t port;
    CHECK(socket_listen_udp("127.0.0.1", 0, &listener, NULL) == OK);
    CHECK(socket_listen_udp("127.0.0.1", 0, &other, NULL) == OK);
    CHECK(socket_port(other, &port) == OK);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(sendto(listener, "x", 1, MSG_NOSIGNAL, (const struct sockaddr *)&to, sizeof to) < 0);
    socket_close(listener);
    socket_close(other);
}

TEST(a_stream_ends_when_its_peer_does)
{
    int listener;
    int accepted;
    uint16_t port;
    struct peer peer;
    char bytes[8];
    size_t size;
    CHECK(socket_listen_tcp("127.0.0.1", 0, &listener, NULL) == OK);
    CHECK(socket_port(listener, &port) == OK);
    CHECK(socket_accept(listener, &accepted, &peer) == ERR_AGAIN);
    int sender = dial(SOCK_STREAM, port);
    CHECK(socket_accept(listener, &accepted, &peer) == OK);
    CHECK(socket_read(accepted, bytes, sizeof bytes, &size) == ERR_AGAIN);
    CHECK(send(sender, "abc", 3, 0) == 3);
    CHECK(socket_read(accepted, bytes, sizeof bytes, &size) == OK && size == 3);
    socket_close(sender);
    CHECK(socket_read(accepted, bytes, sizeof bytes, &size) == ERR_CLOSED);
    socket_close(accepted);
    socket_close(listener);
}

TEST(a_sender_speaks_from_the_address_that_it_is_told)
{
    int listener;
    int sender;
    uint16_t port;
    struct datagrams *datagrams = datagrams_new();
    struct why why = {0};
    size_t count;
    uint32_t drops;
    CHECK(socket_listen_udp("127.0.0.1", 0, &listener, NULL) == OK);
    CHECK(socket_port(listener, &port) == OK);
    CHECK(sender_open(true, "127.0.0.1", port, "127.0.0.77", &sender, &why) == OK);
    CHECK(sender_send(sender, STR("line")) == OK);
    CHECK(datagrams_receive(datagrams, listener, &count, &drops) == OK && count == 1);
    struct str bytes;
    struct peer peer;
    datagram_at(datagrams, 0, &bytes, &peer);
    CHECK(str_equal(bytes, STR("line")) && strcmp(peer.text, "127.0.0.77") == 0);
    sender_close(sender);
    socket_close(listener);
    datagrams_free(datagrams);
    CHECK(socket_listen_tcp("127.0.0.1", 0, &listener, NULL) == OK);
    CHECK(socket_port(listener, &port) == OK);
    socket_close(listener);
    CHECK(sender_open(false, "127.0.0.1", port, "", &sender, &why) == ERR_NOT_FOUND);
    CHECK(sender_open(false, "host.example", port, "", &sender, &why) == ERR_SYNTAX);
    sender_close(-1);
}

TEST(loopback_is_told_from_the_rest_of_the_world)
{
    CHECK(address_is_loopback("127.0.0.1") && address_is_loopback("127.9.9.9"));
    CHECK(address_is_loopback("::1") && !address_is_loopback("::2"));
    CHECK(!address_is_loopback("128.0.0.1") && !address_is_loopback("0.0.0.0"));
    CHECK(!address_is_loopback("localhost") && !address_is_loopback(""));
}
