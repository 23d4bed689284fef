/*
 * Sockets of the Internet families.
 *
 * A UDP socket asks for a large buffer (the kernel gives what net.core.rmem_max allows) and for
 * SO_RXQ_OVFL: each datagram then carries how many were lost before it.
 */

#include "sys/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"

#define DATAGRAMS_MAX       32
#define RECEIVE_BUFFER_SIZE (8 * 1024 * 1024)
#define BACKLOG             512

struct datagrams {
    struct mmsghdr heads[DATAGRAMS_MAX];
    struct iovec parts[DATAGRAMS_MAX];
    struct sockaddr_storage from[DATAGRAMS_MAX];
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(uint32_t))];
    } control[DATAGRAMS_MAX];
    char *bytes; /* DATAGRAMS_MAX times DATAGRAM_SIZE_MAX */
};

static enum err address_make(const char *address, uint16_t port, struct sockaddr_storage *ret,
                             socklen_t *ret_size, struct why *why);
/* Beyond net.core.rmem_max only for who may administer the network. */
static bool buffer_enlarge(int socket)
{
    const int size = RECEIVE_BUFFER_SIZE;
    return setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) == 0 ||
           setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) == 0;
}

static enum err listen_on(const char *address, uint16_t port, int type, int *ret, struct why *why);
static void peer_from(const struct sockaddr_storage *from, struct peer *ret);

enum err socket_listen_udp(const char *address, uint16_t port, int *ret, struct why *why)
{
    enum err err = listen_on(address, port, SOCK_DGRAM, ret, why);
    if (err == OK) {
        /* A front that was taken over must not send with it, to wherever it likes.  Linux says
         * ENOTCONN and shuts it all the same. */
        (void)shutdown(*ret, SHUT_WR);
    }
    return err;
}

enum err socket_listen_tcp(const char *address, uint16_t port, int *ret, struct why *why)
{
    return listen_on(address, port, SOCK_STREAM, ret, why);
}

enum err socket_port(int socket, uint16_t *ret)
{
    struct sockaddr_storage bound = {0};
    socklen_t size = sizeof bound;
    if (getsockname(socket, (struct sockaddr *)&bound, &size) != 0) {
        return err_from_errno(errno);
    }
    struct peer peer;
    peer_from(&bound, &peer);
    *ret = peer.port;
    return OK;
}

void socket_close(int socket)
{
    if (socket >= 0) {
        (void)close(socket);
    }
}

enum err socket_accept(int listener, int *ret, struct peer *ret_peer)
{
    struct sockaddr_storage from = {0};
    socklen_t size = sizeof from;
    int accepted = accept4(listener, (struct sockaddr *)&from, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            return ERR_FULL;
        }
        /* The others are about a connection that is gone already. */
        return ERR_AGAIN;
    }
    peer_from(&from, ret_peer);
    *ret = accepted;
    return OK;
}

enum err socket_read(int socket, void *to, size_t size, size_t *ret_size)
{
    ssize_t got;
    do {
        got = recv(socket, to, size, 0);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) {
        bool again = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
        return again ? ERR_AGAIN : ERR_CLOSED;
    }
    *ret_size = (size_t)got;
    return OK;
}

enum err socket_write(int socket, struct str bytes, size_t *ret_size)
{
    ssize_t sent;
    do {
        sent = send(socket, bytes.data, bytes.size, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        bool again = errno == EAGAIN || errno == EWOULDBLOCK;
        return again ? ERR_AGAIN : ERR_CLOSED;
    }
    *ret_size = (size_t)sent;
    return OK;
}

struct datagrams *datagrams_new(void)
{
    struct datagrams *datagrams = calloc(1, sizeof *datagrams);
    if (datagrams == NULL) {
        return NULL;
    }
    datagrams->bytes = malloc((size_t)DATAGRAMS_MAX * DATAGRAM_SIZE_MAX);
    if (datagrams->bytes == NULL) {
        free(datagrams);
        return NULL;
    }
    for (size_t i = 0; i < DATAGRAMS_MAX; i++) {
        datagrams->parts[i] =
            (struct iovec){datagrams->bytes + i * DATAGRAM_SIZE_MAX, DATAGRAM_SIZE_MAX};
    }
    return datagrams;
}

void datagrams_free(struct datagrams *datagrams)
{
    if (datagrams != NULL) {
        free(datagrams->bytes);
        free(datagrams);
    }
}

enum err datagrams_receive(struct datagrams *datagrams, int socket, size_t *ret_count,
                           uint32_t *ret_drops)
{
    for (size_t i = 0; i < DATAGRAMS_MAX; i++) {
        datagrams->heads[i].msg_hdr = (struct msghdr){
            .msg_name = &datagrams->from[i],
            .msg_namelen = sizeof datagrams->from[i],
            .msg_iov = &datagrams->parts[i],
            .msg_iovlen = 1,
            .msg_control = &datagrams->control[i],
            .msg_controllen = sizeof datagrams->control[i],
        };
    }
    int count;
    do {
        count = recvmmsg(socket, datagrams->heads, DATAGRAMS_MAX, MSG_DONTWAIT, NULL);
    } while (count < 0 && errno == EINTR);
    if (count <= 0) {
        return ERR_AGAIN;
    }
    for (int i = 0; i < count; i++) {
        struct msghdr *head = &datagrams->heads[i].msg_hdr;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c != NULL; c = CMSG_NXTHDR(head, c)) {
            if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
                memcpy(ret_drops, CMSG_DATA(c), sizeof *ret_drops);
            }
        }
    }
    *ret_count = (size_t)count;
    return OK;
}

enum err socket_drops(int socket, uint32_t *ret)
{
    uint32_t memory[SK_MEMINFO_VARS];
    socklen_t size = sizeof memory;
    if (getsockopt(socket, SOL_SOCKET, SO_MEMINFO, memory, &size) != 0) {
        return err_from_errno(errno);
    }
    if (size < (SK_MEMINFO_DROPS + 1) * sizeof memory[0]) {
        return ERR_UNSUPPORTED;
    }
    *ret = memory[SK_MEMINFO_DROPS];
    return OK;
}

void datagram_at(const struct datagrams *datagrams, size_t index, struct str *ret_bytes,
                 struct peer *ret_peer)
{
    *ret_bytes =
        str_of(datagrams->bytes + index * DATAGRAM_SIZE_MAX, datagrams->heads[index].msg_len);
    peer_from(&datagrams->from[index], ret_peer);
}

void peer_from_address(const struct sockaddr *from, struct peer *ret)
{
    struct sockaddr_storage copy = {0};
    if (from->sa_family == AF_INET) {
        memcpy(&copy, from, sizeof(struct sockaddr_in));
    } else if (from->sa_family == AF_INET6) {
        memcpy(&copy, from, sizeof(struct sockaddr_in6));
    }
    peer_from(&copy, ret);
}

enum err peer_parse(const char *address, struct peer *ret)
{
    struct sockaddr_storage made;
    socklen_t size;
    enum err err = address_make(address, 0, &made, &size, NULL);
    if (err == OK) {
        peer_from(&made, ret);
    }
    return err;
}

static enum err address_make(const char *address, uint16_t port, struct sockaddr_storage *ret,
                             socklen_t *ret_size, struct why *why)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memset(ret, 0, sizeof *ret);
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
        memcpy(ret, &v4, sizeof v4);
        *ret_size = sizeof v4;
    } else if (inet_pton(AF_INET6, address, &v6.sin6_addr) == 1) {
        memcpy(ret, &v6, sizeof v6);
        *ret_size = sizeof v6;
    } else {
        return why_say(why, ERR_SYNTAX, 0, "'%s' is no numeric IPv4 or IPv6 address", address);
    }
    return OK;
}

static enum err listen_on(const char *address, uint16_t port, int type, int *ret, struct why *why)
{
    struct sockaddr_storage at;
    socklen_t size;
    enum err err = address_make(address, port, &at, &size, why);
    if (err != OK) {
        return err;
    }
    int one = 1;
    int made = socket(at.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (made < 0 || setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
        (type == SOCK_DGRAM && (setsockopt(made, SOL_SOCKET, SO_RXQ_OVFL, &one, sizeof one) != 0 ||
                                !buffer_enlarge(made))) ||
        bind(made, (const struct sockaddr *)&at, size) != 0 ||
        (type == SOCK_STREAM && listen(made, BACKLOG) != 0)) {
        int number = errno;
        socket_close(made);
        return why_say(why, err_from_errno(number), 0, "cannot listen on %s port %u: %s", address,
                       port, strerror(number));
    }
    *ret = made;
    return OK;
}

static void peer_from(const struct sockaddr_storage *from, struct peer *ret)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    *ret = (struct peer){0};
    if (from->ss_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, from, sizeof v4);
        memcpy(ret->address, mapped, sizeof mapped);
        memcpy(ret->address + 12, &v4.sin_addr, 4);
        ret->port = ntohs(v4.sin_port);
    } else if (from->ss_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, from, sizeof v6);
        memcpy(ret->address, &v6.sin6_addr, 16);
        ret->port = ntohs(v6.sin6_port);
    }
    bool v4 = memcmp(ret->address, mapped, sizeof mapped) == 0;
    if (inet_ntop(v4 ? AF_INET : AF_INET6, ret->address + (v4 ? 12 : 0), ret->text,
                  sizeof ret->text) == NULL) {
        ret->text[0] = '\0';
    }
}
