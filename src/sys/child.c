/*
 * fork and exec of /proc/self/exe.  Between the two only async-signal-safe calls are made.  Signals
 * are set back to their defaults, every descriptor above the channel is closed, standard input is
 * empty, and of the environment only what is named here goes on: a secret that somebody gave the
 * parent by a variable is no child's business.
 */

#include "sys/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const passed_on[] = {
    "PATH", "LANG", "LC_ALL", "TZ", "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS",
};
#define PASSED_ON (sizeof passed_on / sizeof *passed_on)

__attribute__((noreturn)) static void child_exec(const char *const *arguments, int channel,
                                                 pid_t parent);

enum err child_start(const char *const *arguments, int channel, pid_t *ret, struct why *why)
{
    pid_t parent = getpid();
    pid_t child = fork();
    if (child < 0) {
        return why_say(why, err_from_errno(errno), 0, "cannot start %s: %s", arguments[0],
                       strerror(errno));
    }
    if (child == 0) {
        child_exec(arguments, channel, parent);
    }
    *ret = child;
    return OK;
}

bool child_ended(pid_t *ret, int *ret_status)
{
    pid_t child;
    do {
        child = waitpid(-1, ret_status, WNOHANG);
    } while (child < 0 && errno == EINTR);
    *ret = child;
    return child > 0;
}

void child_kill(pid_t child, int signal)
{
    if (child > 0) {
        (void)kill(child, signal);
    }
}

const char *child_status_text(int status, char *text, size_t size)
{
    if (WIFSIGNALED(status)) {
        (void)snprintf(text, size, "ended by signal %d", WTERMSIG(status));
    } else {
        (void)snprintf(text, size, "ended with code %d", WEXITSTATUS(status));
    }
    return text;
}

void child_settle(void)
{
    const char *parent = getenv("HINOMI_PARENT");
    if (parent != NULL && strtol(parent, NULL, 10) != (long)getppid()) {
        _exit(0);
    }
}

/* "NAME=value" of the environment, or NULL. */
static const char *variable_find(const char *name)
{
    size_t size = strlen(name);
    for (char **entry = environ; *entry != NULL; entry++) {
        if (strncmp(*entry, name, size) == 0 && (*entry)[size] == '=') {
            return *entry;
        }
    }
    return NULL;
}

static void child_exec(const char *const *arguments, int channel, pid_t parent)
{
    const char *environment[PASSED_ON + 2];
    char name[48];
    sigset_t none;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    for (int number = 1; number < NSIG; number++) {
        if (number != SIGKILL && number != SIGSTOP) {
            (void)signal(number, SIG_DFL);
        }
    }
    if (channel == CHILD_CHANNEL) {
        int moved = dup(channel);
        channel = moved;
    }
    if (dup2(channel, CHILD_CHANNEL) < 0) {
        _exit(127);
    }
    (void)syscall(SYS_close_range, CHILD_CHANNEL + 1, ~0u, 0);
    int nothing = open("/dev/null", O_RDONLY);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || close(nothing) != 0) {
        _exit(127);
    }
    (void)snprintf(name, sizeof name, "HINOMI_PARENT=%ld", (long)parent);
    size_t count = 0;
    environment[count++] = name;
    for (size_t i = 0; i < PASSED_ON; i++) {
        const char *value = variable_find(passed_on[i]);
        if (value != NULL) {
            environment[count++] = value;
        }
    }
    environment[count] = NULL;
    /* execve wants pointers that it never writes through. */
    (void)execve("/proc/self/exe", (char *const *)(uintptr_t)arguments,
                 (char *const *)(uintptr_t)environment);
    _exit(127);
}
