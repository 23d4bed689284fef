/*
 * SOCK_SEQPACKET with SCM_RIGHTS.  Descriptors that a truncated packet brought are closed.  A named
 * channel is reached through a descriptor of its folder, since sun_path holds only 108 bytes.
 */

#include "sys/channel.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/limits.h"

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int) * CHANNEL_DESCRIPTORS_MAX)];
};

static size_t descriptors_take(struct msghdr *header, int *descriptors);

/* Room for a few of the largest messages, so that a turn rarely ends half said. */
static void buffers_widen(int channel)
{
    const int size = MESSAGE_SIZE_MAX * 4;
    (void)setsockopt(channel, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    (void)setsockopt(channel, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
}

enum err channel_pair(int ret[2])
{
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ret) != 0) {
        return err_from_errno(errno);
    }
    buffers_widen(ret[0]);
    buffers_widen(ret[1]);
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

/* A socket and its address; *ret_folder must stay open while the address is used. */
static enum err named_channel(const char *folder, const char *name, int *ret, int *ret_folder,
                              struct sockaddr_un *address)
{
    int descriptor = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        return err_from_errno(errno);
    }
    int channel = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (channel < 0) {
        (void)close(descriptor);
        return err_from_errno(errno);
    }
    buffers_widen(channel);
    address->sun_family = AF_UNIX;
    (void)snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", descriptor,
                   name);
    *ret = channel;
    *ret_folder = descriptor;
    return OK;
}

enum err channel_listen(const char *folder, const char *name, int *ret, struct why *why)
{
    struct sockaddr_un address = {0};
    int channel;
    int descriptor;
    enum err err = named_channel(folder, name, &channel, &descriptor, &address);
    if (err != OK) {
        return why_say(why, err, 0, "%s: %s", folder, err_text(err));
    }
    (void)unlinkat(descriptor, name, 0);
    mode_t before = umask(0177);
    bool listens = bind(channel, (const struct sockaddr *)&address, sizeof address) == 0 &&
                   listen(channel, 64) == 0;
    int number = errno;
    (void)umask(before);
    (void)close(descriptor);
    if (!listens) {
        (void)close(channel);
        return why_say(why, err_from_errno(number), 0, "%s/%s: %s", folder, name, strerror(number));
    }
    *ret = channel;
    return OK;
}

enum err channel_accept(int listener, int *ret)
{
    int channel = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (channel < 0) {
        return errno == ECONNABORTED ? ERR_AGAIN : err_from_errno(errno);
    }
    buffers_widen(channel);
    *ret = channel;
    return OK;
}

enum err channel_connect(const char *folder, const char *name, int *ret)
{
    struct sockaddr_un address = {0};
    int channel;
    int descriptor;
    enum err err = named_channel(folder, name, &channel, &descriptor, &address);
    if (err != OK) {
        return err;
    }
    int result = connect(channel, (const struct sockaddr *)&address, sizeof address);
    int number = errno;
    (void)close(descriptor);
    if (result != 0) {
        (void)close(channel);
        return number == ECONNREFUSED || number == ENOENT ? ERR_NOT_FOUND : err_from_errno(number);
    }
    *ret = channel;
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
