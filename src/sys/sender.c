/* Sockets towards a listener.  Each has time limits for both ways, so that a peer who says nothing
 * holds nobody up for longer. */

#include "sys/sender.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static bool address_make(const char *address, uint16_t port, struct sockaddr_storage *ret,
                         socklen_t *ret_size)
{
    struct sockaddr_in *four = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;
    memset(ret, 0, sizeof *ret);
    if (inet_pton(AF_INET, address, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        *ret_size = sizeof *four;
        return true;
    }
    if (inet_pton(AF_INET6, address, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons(port);
        *ret_size = sizeof *six;
        return true;
    }
    return false;
}

static enum err failed(const char *what, const char *address, uint16_t port, int number,
                       struct why *why)
{
    enum err err = number == ECONNREFUSED ? ERR_NOT_FOUND : err_from_errno(number);
    return why_say(why, err, 0, "%s %s port %u: %s", what, address, port, strerror(number));
}

enum err sender_open(bool datagrams, const char *to, uint16_t port, const char *from, int *ret,
                     struct why *why)
{
    struct sockaddr_storage peer;
    struct sockaddr_storage own;
    socklen_t peer_size = 0;
    socklen_t own_size = 0;
    const struct timeval limit = {.tv_sec = SENDER_SECONDS};
    if (!address_make(to, port, &peer, &peer_size)) {
        return why_say(why, ERR_SYNTAX, 0, "'%s' is no numeric address", to);
    }
    if (from[0] != '\0' && !address_make(from, 0, &own, &own_size)) {
        return why_say(why, ERR_SYNTAX, 0, "'%s' is no numeric address", from);
    }
    int made = socket(peer.ss_family, (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    if (made < 0) {
        return failed("a socket to", to, port, errno, why);
    }
    if (setsockopt(made, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0 ||
        setsockopt(made, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) != 0 ||
        (own_size > 0 && bind(made, (struct sockaddr *)&own, own_size) != 0)) {
        enum err err = failed("sending from", from[0] != '\0' ? from : to, 0, errno, why);
        (void)close(made);
        return err;
    }
    if (connect(made, (struct sockaddr *)&peer, peer_size) != 0) {
        enum err err = failed("connecting to", to, port, errno, why);
        (void)close(made);
        return err;
    }
    *ret = made;
    return OK;
}

enum err sender_send(int sender, struct str bytes)
{
    while (bytes.size > 0) {
        ssize_t sent = send(sender, bytes.data, bytes.size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0) {
            return errno == ECONNREFUSED ? ERR_CLOSED : err_from_errno(errno);
        }
        bytes = str_slice(bytes, (size_t)sent, SIZE_MAX);
    }
    return OK;
}

enum err sender_answer(int sender, void *to, size_t size, size_t *ret_size)
{
    ssize_t got;
    do {
        got = recv(sender, to, size, 0);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return err_from_errno(errno);
    }
    *ret_size = (size_t)got;
    return OK;
}

void sender_close(int sender)
{
    if (sender >= 0) {
        (void)close(sender);
    }
}

bool address_is_loopback(const char *address)
{
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, address, &four) == 1) {
        return (ntohl(four.s_addr) >> 24) == 127;
    }
    return inet_pton(AF_INET6, address, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}
