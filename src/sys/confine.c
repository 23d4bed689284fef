/*
 * seccomp by libseccomp, Landlock by its system calls (Debian 12's headers know version 2, kernels
 * know more, so the numbers stand here; source: the kernel's uapi/linux/landlock.h).
 *
 * Order matters: resource limits and the user first (they need rights), then Landlock, then the
 * threads, which inherit all that, then seccomp for all threads at once, which takes away the calls
 * that made the others.
 *
 * Always true after confine_enter: no new program, no new process, no executable memory, no new
 * socket but what accept gives to a front, no signal to anybody but ourselves.  Of the herald: it
 * may connect and start threads, which share its confinement, and nothing of the rest; of a packer:
 * threads, and reading below its paths.
 */

#include "sys/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <seccomp.h>

#include "sys/child.h"

#define LANDLOCK_CREATE_VERSION 1u
#define FS_READ                 0xcu    /* READ_FILE, READ_DIR */
#define FS_ALL_V1               0x1fffu /* EXECUTE to MAKE_SYM */
#define FS_REFER                0x2000u /* version 2 */
#define FS_TRUNCATE             0x4000u /* version 3 */
#define FS_IOCTL                0x8000u /* version 5 */
#define NET_ALL                 0x3u    /* version 4: BIND_TCP, CONNECT_TCP */
#define SCOPE_ALL               0x3u    /* version 6: abstract sockets, signals */
#define FS_WRITE                                                                        \
    (FS_READ | 0x2u /* WRITE_FILE */ | 0x20u /* REMOVE_FILE */ | 0x80u /* MAKE_DIR */ | \
     0x100u /* MAKE_REG */)

struct landlock_rules { /* struct landlock_ruleset_attr of version 6 */
    uint64_t fs, net, scoped;
};
struct landlock_path { /* struct landlock_path_beneath_attr */
    uint64_t access;
    int32_t parent;
} __attribute__((packed));

static enum err limits_lower(struct why *why);
static enum err user_become(uint32_t user, struct why *why);
static enum err landlock_enter(enum confine_kind kind, const struct confine_path *paths,
                               size_t count, int *ret_version, struct why *why);
static enum err seccomp_enter(enum confine_kind kind, struct why *why);

enum err confine_enter(enum confine_kind kind, const struct confine_path *paths, size_t count,
                       uint32_t user, const struct confine_threads *threads, int *ret_landlock,
                       struct why *why)
{
    enum err err = limits_lower(why);
    if (err == OK) {
        err = user_become(user, why);
    }
    if (err == OK &&
        (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)) {
        err = why_say(why, ERR_IO, 0, "prctl: %s", strerror(errno));
    }
    if (err == OK) {
        err = landlock_enter(kind, paths, count, ret_landlock, why);
    }
    if (err == OK && threads != NULL) {
        err = threads->make(threads->context);
    }
    if (err == OK) {
        err = seccomp_enter(kind, why);
    }
    return err;
}

static enum err limits_lower(struct why *why)
{
    const struct rlimit none = {0, 0};
    struct rlimit files;
    if (setrlimit(RLIMIT_CORE, &none) != 0 || getrlimit(RLIMIT_NOFILE, &files) != 0) {
        return why_say(why, ERR_IO, 0, "setrlimit: %s", strerror(errno));
    }
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    return OK;
}

static enum err user_become(uint32_t user, struct why *why)
{
    if (user == 0 || geteuid() != 0) {
        return OK;
    }
    if (setgroups(0, NULL) != 0 || setresgid(user, user, user) != 0 ||
        setresuid(user, user, user) != 0) {
        return why_say(why, ERR_DENIED, 0, "cannot become user %u: %s", user, strerror(errno));
    }
    /* A change of user disarms the death signal. */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    child_settle();
    return OK;
}

static enum err landlock_enter(enum confine_kind kind, const struct confine_path *paths,
                               size_t count, int *ret_version, struct why *why)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_VERSION);
    if (version < 1) {
        *ret_version = 0;
        return OK;
    }
    struct landlock_rules rules = {.fs = FS_ALL_V1};
    rules.fs |= (version >= 2 ? FS_REFER : 0) | (version >= 3 ? FS_TRUNCATE : 0) |
                (version >= 5 ? FS_IOCTL : 0);
    rules.net = version >= 4 && kind != CONFINE_HERALD ? NET_ALL : 0;
    rules.scoped = version >= 6 ? SCOPE_ALL : 0;
    size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8;
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
    if (ruleset < 0) {
        return why_say(why, ERR_IO, 0, "landlock: %s", strerror(errno));
    }
    enum err err = OK;
    for (size_t i = 0; i < count && err == OK; i++) {
        int folder = open(paths[i].path, O_PATH | O_CLOEXEC);
        uint64_t write = FS_WRITE | (version >= 3 ? FS_TRUNCATE : 0);
        struct landlock_path beneath = {paths[i].writable ? write : FS_READ, folder};
        if (folder < 0 || syscall(SYS_landlock_add_rule, ruleset, 1, &beneath, 0) != 0) {
            err = why_say(why, ERR_IO, 0, "%s: %s", paths[i].path, strerror(errno));
        }
        if (folder >= 0) {
            (void)close(folder);
        }
    }
    if (err == OK && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) {
        err = why_say(why, ERR_IO, 0, "landlock: %s", strerror(errno));
    }
    (void)close(ruleset);
    *ret_version = (int)version;
    return err;
}

/* What every process of ours needs to think, to wait and to talk over channels that it has. */
static const int calls_base[] = {
    SCMP_SYS(brk),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(close),
    SCMP_SYS(dup),
    SCMP_SYS(epoll_create1),
    SCMP_SYS(epoll_ctl),
    SCMP_SYS(epoll_pwait),
    SCMP_SYS(epoll_wait),
    SCMP_SYS(eventfd2),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(fstat),
    SCMP_SYS(ftruncate),
    SCMP_SYS(futex),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrusage),
    SCMP_SYS(gettid),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(lseek),
    SCMP_SYS(madvise),
    SCMP_SYS(memfd_create),
    SCMP_SYS(mremap),
    SCMP_SYS(munmap),
    SCMP_SYS(nanosleep),
    SCMP_SYS(newfstatat),
    SCMP_SYS(pipe2),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(time),
    SCMP_SYS(write),
    SCMP_SYS(writev),
};

static const int calls_front[] = {
    SCMP_SYS(accept),     SCMP_SYS(accept4),  SCMP_SYS(getpeername), SCMP_SYS(getsockname),
    SCMP_SYS(getsockopt), SCMP_SYS(recvmmsg), SCMP_SYS(setsockopt),  SCMP_SYS(shutdown),
};

static const int calls_files[] = {
    SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(fdatasync),
    SCMP_SYS(flock),  SCMP_SYS(fsync),     SCMP_SYS(getdents64), SCMP_SYS(getsockopt),
    SCMP_SYS(lstat),  SCMP_SYS(mkdir),     SCMP_SYS(open),       SCMP_SYS(openat),
    SCMP_SYS(rename), SCMP_SYS(stat),      SCMP_SYS(statfs),     SCMP_SYS(fstatfs),
    SCMP_SYS(unlink),
};

/* Connections outwards, and threads: a library that hands over a message may block.  What of
 * clone, open, openat, socket and socketpair is allowed stands in outward_allow. */
static const int calls_outward[] = {
    SCMP_SYS(access),          SCMP_SYS(bind),        SCMP_SYS(connect),     SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),      SCMP_SYS(getpeername), SCMP_SYS(getsockname), SCMP_SYS(getsockopt),
    SCMP_SYS(lstat),           SCMP_SYS(recvmmsg),    SCMP_SYS(rseq),        SCMP_SYS(sendmmsg),
    SCMP_SYS(set_robust_list), SCMP_SYS(setsockopt),  SCMP_SYS(shutdown),    SCMP_SYS(stat),
    SCMP_SYS(uname),
};

/* What it is given it writes; fonts it looks for, and maps. */
static const int calls_packer[] = {
    SCMP_SYS(access),   SCMP_SYS(faccessat), SCMP_SYS(faccessat2),      SCMP_SYS(fdatasync),
    SCMP_SYS(fstatfs),  SCMP_SYS(fsync),     SCMP_SYS(getdents64),      SCMP_SYS(lstat),
    SCMP_SYS(pwrite64), SCMP_SYS(readlink),  SCMP_SYS(readlinkat),      SCMP_SYS(rseq),
    SCMP_SYS(stat),     SCMP_SYS(statfs),    SCMP_SYS(set_robust_list), SCMP_SYS(uname),
};

/* Of fcntl not F_SETOWN and F_SETSIG, with which a descriptor sends signals to others. */
static const int fcntl_commands[] = {
    F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD,  F_SETFD,     F_GETFL,     F_SETFL,
    F_GETLK, F_SETLK,         F_SETLKW, F_OFD_SETLK, F_ADD_SEALS, F_GET_SEALS,
};

static int calls_allow(scmp_filter_ctx filter, const int *calls, size_t count)
{
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
    }
    return result;
}

#define SOCKET_TYPE 0xf /* of what socket() is told; above it are flags */

/* Sockets of the internet that need no privilege, and of netlink the one that tells which addresses
 * this machine has (getaddrinfo asks).  None of AF_UNIX: those of this machine, our own control
 * socket among them, would take herald for a person of its user. */
static int sockets_allow(scmp_filter_ctx filter)
{
    static const struct {
        scmp_datum_t family, type;
    } sockets[] = {
        {AF_INET, SOCK_STREAM}, {AF_INET, SOCK_DGRAM},  {AF_INET6, SOCK_STREAM},
        {AF_INET6, SOCK_DGRAM}, {AF_NETLINK, SOCK_RAW},
    };
    int result = 0;
    for (size_t i = 0; i < sizeof sockets / sizeof sockets[0] && result == 0; i++) {
        bool netlink = sockets[i].family == AF_NETLINK;
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), netlink ? 3 : 2,
                                  SCMP_A0(SCMP_CMP_EQ, sockets[i].family, 0),
                                  SCMP_A1(SCMP_CMP_MASKED_EQ, SOCKET_TYPE, sockets[i].type),
                                  SCMP_A2(SCMP_CMP_EQ, NETLINK_ROUTE, 0));
    }
    return result == 0 ? seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 2,
                                          SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0),
                                          SCMP_A1(SCMP_CMP_MASKED_EQ, SOCKET_TYPE, SOCK_STREAM))
                       : result;
}

/* Threads but no processes; clone3 keeps its flags where no filter sees them, and libc goes on with
 * clone when there is none.  Files for reading, also where there is no Landlock. */
static int readers_allow(scmp_filter_ctx filter)
{
    const scmp_datum_t writes = O_ACCMODE | O_CREAT | O_TRUNC;
    int result = 0;
    if (result == 0) {
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                                  SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    }
    if (result == 0) {
        result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    }
    if (result == 0) {
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
                                  SCMP_A1(SCMP_CMP_MASKED_EQ, writes, O_RDONLY));
    }
    if (result == 0) {
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
                                  SCMP_A2(SCMP_CMP_MASKED_EQ, writes, O_RDONLY));
    }
    return result;
}

static int outward_allow(scmp_filter_ctx filter)
{
    int result = sockets_allow(filter);
    if (result == 0) {
        result = readers_allow(filter);
    }
    return result == 0
               ? calls_allow(filter, calls_outward, sizeof calls_outward / sizeof calls_outward[0])
               : result;
}

static int packer_allow(scmp_filter_ctx filter)
{
    int result = readers_allow(filter);
    return result == 0
               ? calls_allow(filter, calls_packer, sizeof calls_packer / sizeof calls_packer[0])
               : result;
}

static enum err seccomp_enter(enum confine_kind kind, struct why *why)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (filter == NULL) {
        return ERR_MEMORY;
    }
    int result = calls_allow(filter, calls_base, sizeof calls_base / sizeof calls_base[0]);
    if (result == 0 && kind == CONFINE_FRONT) {
        result = calls_allow(filter, calls_front, sizeof calls_front / sizeof calls_front[0]);
    }
    if (result == 0 && (kind == CONFINE_CORE || kind == CONFINE_DESK)) {
        result = calls_allow(filter, calls_files, sizeof calls_files / sizeof calls_files[0]);
    }
    if (result == 0 && kind == CONFINE_HERALD) {
        result = outward_allow(filter);
    }
    if (result == 0 && kind == CONFINE_PACKER) {
        result = packer_allow(filter);
    }
    for (size_t i = 0; i < sizeof fcntl_commands / sizeof fcntl_commands[0] && result == 0; i++) {
        result = seccomp_rule_add(
            filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
            SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, (scmp_datum_t)fcntl_commands[i]));
    }
    /* Memory, but none that can be run; signals, but only to ourselves (abort); of ioctl what the
     * loop needs to make a descriptor non-blocking. */
    if (result == 0) {
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                                  SCMP_A1(SCMP_CMP_EQ, FIONBIO, 0));
    }
    if (result == 0) {
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                                  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    }
    if (result == 0) {
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                                  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    }
    if (result == 0) {
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                                  SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
    }
    if (result == 0) {
        result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    }
    if (result == 0) {
        result = seccomp_load(filter);
    }
    seccomp_release(filter);
    return result == 0 ? OK : why_say(why, ERR_IO, 0, "seccomp: %s", strerror(-result));
}
