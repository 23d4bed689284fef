/*
 * Many hands on one work, and the gate between them.
 *
 * Always true: gate_wait is called within the gate, and whoever waits looks again at what it waits
 * for, since being woken promises nothing.
 */

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "sys/thread.h"

struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

struct hand {
    threads_work *work;
    void *context;
    unsigned index;
    pthread_t thread;
};

static void *hand_run(void *context)
{
    struct hand *hand = context;
    hand->work(hand->context, hand->index);
    return NULL;
}

void threads_run(unsigned count, threads_work *work, void *context)
{
    struct hand *hands = count > 1 ? calloc(count, sizeof *hands) : NULL;
    unsigned begun = 1;
    while (hands != NULL && begun < count) {
        hands[begun] = (struct hand){.work = work, .context = context, .index = begun};
        if (pthread_create(&hands[begun].thread, NULL, hand_run, &hands[begun]) != 0) {
            break;
        }
        begun++;
    }
    work(context, 0);
    for (unsigned i = 1; i < begun; i++) {
        (void)pthread_join(hands[i].thread, NULL);
    }
    free(hands);
}

unsigned threads_useful(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return count > 0 ? (unsigned)count : 1;
}

struct gate *gate_new(void)
{
    struct gate *gate = calloc(1, sizeof *gate);
    if (gate == NULL || pthread_mutex_init(&gate->lock, NULL) != 0) {
        free(gate);
        return NULL;
    }
    if (pthread_cond_init(&gate->changed, NULL) != 0) {
        (void)pthread_mutex_destroy(&gate->lock);
        free(gate);
        return NULL;
    }
    return gate;
}

void gate_free(struct gate *gate)
{
    if (gate != NULL) {
        (void)pthread_cond_destroy(&gate->changed);
        (void)pthread_mutex_destroy(&gate->lock);
        free(gate);
    }
}

void gate_enter(struct gate *gate)
{
    int failed = pthread_mutex_lock(&gate->lock);
    assert(failed == 0);
}

void gate_leave(struct gate *gate)
{
    int failed = pthread_mutex_unlock(&gate->lock);
    assert(failed == 0);
}

void gate_wait(struct gate *gate)
{
    int failed = pthread_cond_wait(&gate->changed, &gate->lock);
    assert(failed == 0);
}

void gate_wake(struct gate *gate)
{
    (void)pthread_cond_broadcast(&gate->changed);
}
