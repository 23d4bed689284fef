/*
 * fork and exec of /proc/self/exe.  Between the two only async-signal-safe calls are made.  Signals
 * are set back to their defaults, every descriptor above the channel is closed.
 */

#include "sys/child.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

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

static void child_exec(const char *const *arguments, int channel, pid_t parent)
{
    char environment[32];
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
    (void)snprintf(environment, sizeof environment, "%ld", (long)parent);
    (void)setenv("HINOMI_PARENT", environment, 1);
    /* execv wants pointers that it never writes through. */
    (void)execv("/proc/self/exe", (char *const *)(uintptr_t)arguments);
    _exit(127);
}
