#include "sys/loop.h"

#include <signal.h>
#include <unistd.h>

#include "testing/testing.h"

struct seen {
    struct loop *loop;
    int timers, reads, signals;
};

static void on_timer(void *context)
{
    struct seen *seen = context;
    if (++seen->timers == 3) {
        (void)raise(SIGUSR1);
    }
}

static void on_read(void *context, int descriptor, unsigned events)
{
    struct seen *seen = context;
    char byte;
    CHECK(events == WATCH_READ && read(descriptor, &byte, 1) == 1);
    seen->reads++;
}

static void on_signal(void *context, int number)
{
    struct seen *seen = context;
    CHECK(number == SIGUSR1);
    seen->signals++;
    loop_stop(seen->loop);
}

TEST(timers_descriptors_and_signals_come_as_calls)
{
    struct seen seen = {0};
    struct watch *watch;
    struct timer *timer;
    struct interrupt *interrupt;
    int pipes[2];
    CHECK(pipe(pipes) == 0 && write(pipes[1], "x", 1) == 1);
    CHECK(loop_new(&seen.loop) == OK);
    CHECK(watch_new(seen.loop, pipes[0], on_read, &seen, &watch) == OK);
    watch_set(watch, WATCH_READ);
    CHECK(timer_new(seen.loop, on_timer, &seen, &timer) == OK);
    timer_set(timer, 1, 1);
    CHECK(interrupt_new(seen.loop, SIGUSR1, on_signal, &seen, &interrupt) == OK);
    loop_run(seen.loop);
    CHECK(seen.timers >= 3 && seen.reads == 1 && seen.signals == 1);
    interrupt_free(interrupt);
    timer_free(timer);
    watch_free(watch);
    loop_free(seen.loop);
    (void)close(pipes[0]);
    (void)close(pipes[1]);
}
