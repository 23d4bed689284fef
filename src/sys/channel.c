/* SOCK_SEQPACKET with SCM_RIGHTS.  Descriptors that a truncated packet brought are closed. */

#include "sys/channel.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int) * CHANNEL_DESCRIPTORS_MAX)];
};

static size_t descriptors_take(struct msghdr *header, int *descriptors);

enum err channel_pair(int ret[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret) != 0) {
        return err_from_errno(errno);
    }
    /* Room for a few of the largest messages, so that a turn rarely ends half said. */
    const int size = MESSAGE_SIZE_MAX * 4;
    for (int i = 0; i < 2; i++) {
        (void)setsockopt(ret[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        (void)setsockopt(ret[i], SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    }
    return OK;
}

enum err channel_send(int channel, struct str bytes, const int *descriptors, size_t count)
{
    assert(bytes.size > 0 && bytes.size <= MESSAGE_SIZE_MAX && count <= CHANNEL_DESCRIPTORS_MAX);
    union control control = {0};
    char *data = (char *)(uintptr_t)bytes.data; /* sendmsg only reads it */
    struct iovec part = {data, bytes.size};
    struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(rights), descriptors, sizeof(int) * count);
    }
    ssize_t sent;
    do {
        sent = sendmsg(channel, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        return errno == ENOBUFS || errno == ETOOMANYREFS ? ERR_AGAIN : err_from_errno(errno);
    }
    return OK;
}

enum err channel_receive(int channel, void *to, size_t size, size_t *ret_size,
                         int descriptors[CHANNEL_DESCRIPTORS_MAX], size_t *ret_count)
{
    union control control;
    struct iovec part = {to, size};
    struct msghdr header = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    ssize_t got;
    do {
        got = recvmsg(channel, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return err_from_errno(errno);
    }
    size_t count = descriptors_take(&header, descriptors);
    if (got == 0 || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        for (size_t i = 0; i < count; i++) {
            (void)close(descriptors[i]);
        }
        return got == 0 ? ERR_CLOSED : ERR_LIMIT;
    }
    *ret_size = (size_t)got;
    *ret_count = count;
    return OK;
}

static size_t descriptors_take(struct msghdr *header, int *descriptors)
{
    size_t count = 0;
    for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control != NULL;
         control = CMSG_NXTHDR(header, control)) {
        if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        size_t here = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < here && count < CHANNEL_DESCRIPTORS_MAX; i++) {
            memcpy(&descriptors[count++], CMSG_DATA(control) + i * sizeof(int), sizeof(int));
        }
    }
    return count;
}
