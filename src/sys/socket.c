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

#define DATAGRAMS_MAX       64
#define NEAR_SIZE           2048 /* what nearly every datagram has room in */
#define NEAR_STRIDE         (NEAR_SIZE + 64)
#define KNOWN_PEERS         64 /* a power of two */
#define RECEIVE_BUFFER_SIZE (8 * 1024 * 1024)
#define BACKLOG             512

struct known_peer {
    struct sockaddr_storage from; /* of no family at first */
    struct peer peer;
};

/* A datagram's first bytes lie near those of the others: places 64 KiB apart share the same few
 * lines of the caches.  Of a long one the rest goes to `far`, and its first bytes follow it there.
 */
struct datagrams {
    struct mmsghdr heads[DATAGRAMS_MAX];
    struct iovec parts[DATAGRAMS_MAX][2];
    struct sockaddr_storage from[DATAGRAMS_MAX];
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(uint32_t))];
    } control[DATAGRAMS_MAX];
    struct known_peer known[KNOWN_PEERS]; /* the same few send again and again */
    char near[DATAGRAMS_MAX * NEAR_STRIDE];
    char *far; /* DATAGRAMS_MAX times DATAGRAM_SIZE_MAX */
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
    datagrams->far = malloc((size_t)DATAGRAMS_MAX * DATAGRAM_SIZE_MAX);
    if (datagrams->far == NULL) {
        free(datagrams);
        return NULL;
    }
    for (size_t i = 0; i < DATAGRAMS_MAX; i++) {
        datagrams->parts[i][0] = (struct iovec){datagrams->near + i * NEAR_STRIDE, NEAR_SIZE};
        datagrams->parts[i][1] = (struct iovec){datagrams->far + i * DATAGRAM_SIZE_MAX + NEAR_SIZE,
                                                DATAGRAM_SIZE_MAX - NEAR_SIZE};
    }
    return datagrams;
}

void datagrams_free(struct datagrams *datagrams)
{
    if (datagrams != NULL) {
        free(datagrams->far);
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
            .msg_iov = datagrams->parts[i],
            .msg_iovlen = 2,
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

static void peer_known(struct datagrams *datagrams, const struct sockaddr_storage *from,
                       size_t size, struct peer *ret)
{
    uint64_t words[3] = {0}; /* port and address of either family */
    memcpy(words, from, size < sizeof words ? size : sizeof words);
    uint64_t hash = (words[0] ^ words[1] * 3 ^ words[2] * 5) * 0x9e3779b97f4a7c15ULL;
    struct known_peer *known = &datagrams->known[hash >> 32 & (KNOWN_PEERS - 1)];
    if (size == 0 || size > sizeof known->from || memcmp(&known->from, from, size) != 0) {
        peer_from(from, &known->peer);
        memcpy(&known->from, from, sizeof known->from);
    }
    *ret = known->peer;
}

void datagram_at(struct datagrams *datagrams, size_t index, struct str *ret_bytes,
                 struct peer *ret_peer)
{
    const struct mmsghdr *head = &datagrams->heads[index];
    char *far = datagrams->far + index * DATAGRAM_SIZE_MAX;
    char *near = datagrams->near + index * NEAR_STRIDE;
    if (head->msg_len > NEAR_SIZE) {
        memcpy(far, near, NEAR_SIZE);
    }
    *ret_bytes = str_of(head->msg_len > NEAR_SIZE ? far : near, head->msg_len);
    peer_known(datagrams, &datagrams->from[index], head->msg_hdr.msg_namelen, ret_peer);
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
