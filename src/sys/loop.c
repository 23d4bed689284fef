/*
 * libuv behind our own names.  Each handle is freed by libuv's close callback, one turn after
 * _free, so freeing inside a callback is safe; loop_free runs that last turn.
 */

#include "sys/loop.h"

#include <assert.h>
#include <stdlib.h>

#include <uv.h>

struct loop {
    uv_loop_t uv;
};

struct watch {
    uv_poll_t uv;
    watch_call *call;
    void *context;
    int descriptor;
    int wanted; /* of libuv, as last said */
};

struct timer {
    uv_timer_t uv;
    timer_call *call;
    void *context;
};

struct interrupt {
    uv_signal_t uv;
    interrupt_call *call;
    void *context;
};

static void handle_closed(uv_handle_t *handle)
{
    free(handle->data);
}

enum err loop_new(struct loop **ret)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL) {
        return ERR_MEMORY;
    }
    if (uv_loop_init(&loop->uv) != 0) {
        free(loop);
        return ERR_IO;
    }
    *ret = loop;
    return OK;
}

void loop_free(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    (void)uv_run(&loop->uv, UV_RUN_NOWAIT);
    int busy = uv_loop_close(&loop->uv);
    assert(busy == 0);
    (void)busy;
    free(loop);
}

void loop_run(struct loop *loop)
{
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void loop_stop(struct loop *loop)
{
    uv_stop(&loop->uv);
}

static void watch_fired(uv_poll_t *uv, int status, int events)
{
    struct watch *watch = uv->data;
    unsigned seen = 0;
    /* An error or a hang-up shows as readable: the read then says what it is. */
    if (status < 0 || (events & UV_READABLE) != 0) {
        seen |= WATCH_READ;
    }
    if (status >= 0 && (events & UV_WRITABLE) != 0) {
        seen |= WATCH_WRITE;
    }
    if (status >= 0 && (events & UV_DISCONNECT) != 0) {
        seen |= WATCH_GONE;
    }
    watch->call(watch->context, watch->descriptor, seen);
}

enum err watch_new(struct loop *loop, int descriptor, watch_call *call, void *context,
                   struct watch **ret)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (watch == NULL) {
        return ERR_MEMORY;
    }
    *watch = (struct watch){.call = call, .context = context, .descriptor = descriptor};
    if (uv_poll_init(&loop->uv, &watch->uv, descriptor) != 0) {
        free(watch);
        return ERR_IO;
    }
    watch->uv.data = watch;
    *ret = watch;
    return OK;
}

void watch_set(struct watch *watch, unsigned events)
{
    int wanted = ((events & WATCH_READ) != 0 ? UV_READABLE : 0) |
                 ((events & WATCH_WRITE) != 0 ? UV_WRITABLE : 0) |
                 ((events & WATCH_GONE) != 0 ? UV_DISCONNECT : 0);
    if (wanted == 0) {
        (void)uv_poll_stop(&watch->uv);
    } else if (wanted != watch->wanted || uv_is_active((uv_handle_t *)&watch->uv) == 0) {
        /* libuv would take the descriptor out and put it in again: two calls of the kernel. */
        (void)uv_poll_start(&watch->uv, wanted, watch_fired);
    }
    watch->wanted = wanted;
}

void watch_free(struct watch *watch)
{
    if (watch != NULL) {
        (void)uv_poll_stop(&watch->uv);
        uv_close((uv_handle_t *)&watch->uv, handle_closed);
    }
}

static void timer_fired(uv_timer_t *uv)
{
    struct timer *timer = uv->data;
    timer->call(timer->context);
}

enum err timer_new(struct loop *loop, timer_call *call, void *context, struct timer **ret)
{
    struct timer *timer = calloc(1, sizeof *timer);
    if (timer == NULL) {
        return ERR_MEMORY;
    }
    timer->call = call;
    timer->context = context;
    (void)uv_timer_init(&loop->uv, &timer->uv);
    timer->uv.data = timer;
    *ret = timer;
    return OK;
}

void timer_set(struct timer *timer, uint64_t delay_ms, uint64_t repeat_ms)
{
    (void)uv_timer_start(&timer->uv, timer_fired, delay_ms, repeat_ms);
}

void timer_stop(struct timer *timer)
{
    (void)uv_timer_stop(&timer->uv);
}

void timer_free(struct timer *timer)
{
    if (timer != NULL) {
        uv_close((uv_handle_t *)&timer->uv, handle_closed);
    }
}

static void interrupt_fired(uv_signal_t *uv, int number)
{
    struct interrupt *interrupt = uv->data;
    interrupt->call(interrupt->context, number);
}

enum err interrupt_new(struct loop *loop, int number, interrupt_call *call, void *context,
                       struct interrupt **ret)
{
    struct interrupt *interrupt = calloc(1, sizeof *interrupt);
    if (interrupt == NULL) {
        return ERR_MEMORY;
    }
    interrupt->call = call;
    interrupt->context = context;
    if (uv_signal_init(&loop->uv, &interrupt->uv) != 0) {
        free(interrupt);
        return ERR_IO;
    }
    interrupt->uv.data = interrupt;
    (void)uv_signal_start(&interrupt->uv, interrupt_fired, number);
    *ret = interrupt;
    return OK;
}

void interrupt_free(struct interrupt *interrupt)
{
    if (interrupt != NULL) {
        uv_close((uv_handle_t *)&interrupt->uv, handle_closed);
    }
}
