#include "sys/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing/testing.h"

/* Each kind of process tries what it must never be able to do.  An act returns what the call
 * returned; negative means denied. */

static char outside[4096]; /* a file that is there and in nobody's path */

static long try_open_read(void)
{
    return open("/etc/passwd", O_RDONLY);
}
static long try_open_write(void)
{
    return open("/tmp/hinomi-must-not-exist", O_WRONLY | O_CREAT, 0600);
}
static long try_socket_inet(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}
static long try_socket_unix(void)
{
    return socket(AF_UNIX, SOCK_DGRAM, 0);
}
static long try_socketpair(void)
{
    int pair[2];
    return socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
}
static long try_datagram_pair(void)
{
    int pair[2];
    return socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
}
static long try_socket_control(void)
{
    return socket(AF_UNIX, SOCK_SEQPACKET, 0);
}
static long try_socket_raw(void)
{
    return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}
static long try_socket_packet(void)
{
    return socket(AF_PACKET, SOCK_DGRAM, 0);
}
static long try_socket_crypto(void)
{
    return socket(AF_ALG, SOCK_SEQPACKET, 0);
}
static long try_socket_audit(void)
{
    return socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT);
}
static long try_clone3(void)
{
    struct {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    } arguments = {.exit_signal = SIGCHLD};
    long child = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child == 0) {
        _exit(0);
    }
    return child;
}
static long try_open_truncate(void)
{
    return open(outside, O_RDONLY | O_TRUNC);
}
static long try_connect(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    return connect(0, (const struct sockaddr *)&address, sizeof address);
}
static long try_bind(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    return bind(0, (const struct sockaddr *)&address, sizeof address);
}
static long try_listen(void)
{
    return listen(0, 1);
}
static long try_exec(void)
{
    return execl("/bin/true", "true", (char *)NULL);
}
static long try_fork(void)
{
    pid_t child = fork();
    if (child == 0) {
        _exit(0);
    }
    return child;
}
static long try_kill_parent(void)
{
    return kill(getppid(), 0);
}
static long try_tgkill_parent(void)
{
    return syscall(SYS_tgkill, getppid(), getppid(), 0);
}
static long try_ptrace(void)
{
    return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}
static long try_mmap_exec(void)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? -1 : 0;
}
static long try_mprotect_exec(void)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? 0 : mprotect(at, 4096, PROT_READ | PROT_EXEC);
}
static long try_chmod(void)
{
    return chmod("/tmp", 0777);
}
static long try_chown(void)
{
    return chown("/tmp", 0, 0);
}
static long try_symlink(void)
{
    return symlink("/etc/passwd", "/tmp/hinomi-must-not-exist");
}
static long try_link(void)
{
    return link("/etc/passwd", "/tmp/hinomi-must-not-exist");
}
static long try_mkdir(void)
{
    return mkdir("/tmp/hinomi-must-not-exist", 0700);
}
static long try_rename(void)
{
    return rename("/etc/hostname", "/etc/hostname-gone");
}
static long try_unlink(void)
{
    return unlink(outside);
}
static long try_setuid(void)
{
    return setuid(0) == 0 && geteuid() == 0 ? 0 : -1;
}
static long try_mount(void)
{
    return syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, NULL);
}
static long try_chroot(void)
{
    return chroot("/");
}
static long try_chdir(void)
{
    return chdir("/");
}
static long try_bpf(void)
{
    return syscall(SYS_bpf, 0, NULL, 0) < 0 && errno == EPERM ? -1 : 0;
}
static long try_perf(void)
{
    return syscall(SYS_perf_event_open, NULL, 0, 0, 0, 0) < 0 && errno == EPERM ? -1 : 0;
}
static long try_io_uring(void)
{
    return syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno == EPERM ? -1 : 0;
}
static long try_userfault(void)
{
    return syscall(SYS_userfaultfd, 0) < 0 && errno == EPERM ? -1 : 0;
}
static long try_process_vm(void)
{
    return syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0) < 0 && errno == EPERM ? -1
                                                                                               : 0;
}
static long try_keyctl(void)
{
    return syscall(SYS_keyctl, 0, 0, 0, 0, 0) < 0 && errno == EPERM ? -1 : 0;
}
static long try_unshare(void)
{
    return syscall(SYS_unshare, 0x10000000) < 0 && errno == EPERM ? -1 : 0;
}
static long try_setns(void)
{
    return syscall(SYS_setns, 0, 0) < 0 && errno == EPERM ? -1 : 0;
}
static long try_clone_thread(void)
{
    return syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
}

static long try_signal_by_descriptor(void)
{
    return fcntl(0, F_SETOWN, getppid());
}
static long try_other_signal_by_descriptor(void)
{
    return fcntl(0, F_SETSIG, SIGKILL);
}

/* What a thread tries that was made while the confinement was entered. */
static struct {
    pthread_t thread;
    int begun[2], go[2]; /* pipes */
    int denied;
} early;

static void *early_run(void *context)
{
    char byte = 0;
    (void)context;
    if (write(early.begun[1], &byte, 1) == 1 && read(early.go[0], &byte, 1) == 1) {
        early.denied = (try_open_read() < 0) + (try_socket_inet() < 0) + (try_fork() < 0) +
                       (try_setuid() < 0) + (try_mmap_exec() < 0);
    }
    return NULL;
}

static enum err early_make(void *context)
{
    char byte;
    (void)context;
    bool made = pipe(early.begun) == 0 && pipe(early.go) == 0 &&
                pthread_create(&early.thread, NULL, early_run, NULL) == 0 &&
                read(early.begun[0], &byte, 1) == 1;
    return made ? OK : ERR_IO;
}

static void *thread_run(void *context)
{
    *(int *)context = 1;
    return NULL;
}

static int front_works(void)
{
    const struct confine_threads threads = {early_make, NULL};
    pthread_t thread;
    int landlock;
    int ran = 0;
    if (confine_enter(CONFINE_FRONT, NULL, 0, geteuid() == 0 ? 61999 : 0, &threads, &landlock,
                      NULL) != OK) {
        return 1;
    }
    bool more = pthread_create(&thread, NULL, thread_run, &ran) == 0;
    bool ended = write(early.go[1], "", 1) == 1 && pthread_join(early.thread, NULL) == 0;
    return more ? 2 : !ended ? 3 : early.denied == 5 ? 0 : 4;
}

TEST(a_thread_made_on_the_way_is_confined_like_the_rest_and_no_other_can_be_made)
{
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        _exit(front_works());
    }
    int status = 0;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

struct act {
    const char *name;
    long (*attempt)(void);
};

static const struct act acts[] = {
    {"open for reading", try_open_read},
    {"open for writing", try_open_write},
    {"open and truncate", try_open_truncate},
    {"socket, internet", try_socket_inet},
    {"socket, unix", try_socket_unix},
    {"socketpair", try_socketpair},
    {"socketpair of datagrams", try_datagram_pair},
    {"socket, the control socket's", try_socket_control},
    {"socket, raw", try_socket_raw},
    {"socket, packet", try_socket_packet},
    {"socket, the kernel's crypto", try_socket_crypto},
    {"socket, the kernel's audit", try_socket_audit},
    {"connect", try_connect},
    {"bind", try_bind},
    {"listen", try_listen},
    {"exec", try_exec},
    {"fork", try_fork},
    {"clone", try_clone_thread},
    {"clone3", try_clone3},
    {"kill the parent", try_kill_parent},
    {"tgkill the parent", try_tgkill_parent},
    {"ptrace", try_ptrace},
    {"map executable memory", try_mmap_exec},
    {"make memory executable", try_mprotect_exec},
    {"chmod", try_chmod},
    {"chown", try_chown},
    {"symlink", try_symlink},
    {"link", try_link},
    {"mkdir outside", try_mkdir},
    {"rename outside", try_rename},
    {"unlink outside", try_unlink},
    {"become root", try_setuid},
    {"mount", try_mount},
    {"chroot", try_chroot},
    {"chdir", try_chdir},
    {"bpf", try_bpf},
    {"perf_event_open", try_perf},
    {"io_uring", try_io_uring},
    {"userfaultfd", try_userfault},
    {"process_vm_readv", try_process_vm},
    {"keyctl", try_keyctl},
    {"unshare", try_unshare},
    {"setns", try_setns},
    {"own a descriptor's signals", try_signal_by_descriptor},
    {"choose a descriptor's signal", try_other_signal_by_descriptor},
};
#define ACTS (sizeof acts / sizeof acts[0])

/* It goes outwards, and libraries wake themselves through a pair of streams. */
static bool herald_may(long (*attempt)(void))
{
    return attempt == try_socket_inet || attempt == try_socketpair;
}

/* Runs in a child: the exit code counts the acts that were not denied. */
static int acts_try(enum confine_kind kind, const struct confine_path *paths, size_t count)
{
    int landlock;
    struct why why = {0};
    uint32_t user = geteuid() == 0 ? 61999 : 0;
    if (confine_enter(kind, paths, count, user, NULL, &landlock, &why) != OK) {
        fprintf(stderr, "confine_enter: %s\n", why.text);
        return 100;
    }
    int allowed = 0;
    for (size_t i = 0; i < ACTS; i++) {
        if (kind == CONFINE_HERALD && herald_may(acts[i].attempt)) {
            continue;
        }
        if (acts[i].attempt() >= 0) {
            fprintf(stderr, "kind %d was allowed to: %s\n", (int)kind, acts[i].name);
            allowed++;
        }
    }
    return allowed;
}

static int in_child(enum confine_kind kind, const struct confine_path *paths, size_t count)
{
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        _exit(acts_try(kind, paths, count));
    }
    int status = 0;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 101;
}

TEST(no_process_can_do_what_is_forbidden_to_it)
{
    const struct confine_path path = {testing_folder(), true};
    (void)snprintf(outside, sizeof outside, "%s/file", testing_folder());
    testing_write(outside, "x", 1);
    CHECK(in_child(CONFINE_FRONT, NULL, 0) == 0);
    CHECK(in_child(CONFINE_WORKER, NULL, 0) == 0);
    CHECK(in_child(CONFINE_CORE, &path, 1) == 0);
    CHECK(in_child(CONFINE_DESK, &path, 1) == 0);
    const struct confine_path readable = {testing_folder(), false};
    CHECK(in_child(CONFINE_HERALD, &readable, 1) == 0);
    CHECK(in_child(CONFINE_PACKER, &readable, 1) == 0);
}

static int herald_works(const char *file)
{
    pthread_t thread;
    struct addrinfo *list = NULL;
    char byte;
    int ran = 0;
    int started = pthread_create(&thread, NULL, thread_run, &ran);
    bool works = started == 0 && pthread_join(thread, NULL) == 0 && ran == 1;
    int opened = open(file, O_RDONLY | O_CLOEXEC);
    works = works && opened >= 0 && read(opened, &byte, 1) == 1;
    works = works && socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP) >= 0;
    works = works && socket(AF_INET6, SOCK_DGRAM, 0) >= 0;
    return works && getaddrinfo("127.0.0.1", "25", NULL, &list) == 0 ? 0 : 1;
}

TEST(herald_can_still_start_threads_read_its_files_and_go_out)
{
    const struct confine_path path = {testing_folder(), false};
    char file[4096];
    (void)chmod(path.path, 0755);
    (void)snprintf(file, sizeof file, "%s/file", path.path);
    testing_write(file, "x", 1);
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        int landlock;
        enum err err = confine_enter(CONFINE_HERALD, &path, 1, 61999, NULL, &landlock, NULL);
        _exit(err == OK ? herald_works(file) : 2);
    }
    int status = 0;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int files_work(const char *folder)
{
    char path[4096];
    char moved[4096];
    (void)snprintf(path, sizeof path, "%s/a", folder);
    (void)snprintf(moved, sizeof moved, "%s/b", folder);
    int file = open(path, O_RDWR | O_CREAT, 0600);
    bool works = file >= 0 && write(file, "x", 1) == 1 && fdatasync(file) == 0 &&
                 ftruncate(file, 0) == 0 && rename(path, moved) == 0 && unlink(moved) == 0;
    return works ? 0 : 1;
}

TEST(core_and_desk_can_still_work_below_their_own_paths)
{
    const char *folder = testing_folder();
    const struct confine_path path = {folder, true};
    (void)chmod(folder, 0777);
    (void)fflush(NULL);
    for (int kind = CONFINE_CORE; kind <= CONFINE_DESK; kind++) {
        pid_t child = fork();
        if (child == 0) {
            int landlock;
            enum err err =
                confine_enter((enum confine_kind)kind, &path, 1, 61999, NULL, &landlock, NULL);
            _exit(err == OK ? files_work(folder) : 2);
        }
        int status = 0;
        CHECK(child > 0 && waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}
