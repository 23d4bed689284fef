/*
 * A crew: each work is a thread that ends with it.  What is finished stands in a list under a lock,
 * and an eventfd tells the loop to look there.
 *
 * Always true: a work's record belongs to its thread until it stands in the list, then to the loop.
 */

#include "sys/thread.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct work {
    struct crew *crew;
    crew_call *work, *done;
    void *context;
    pthread_t thread;
    struct work *next;
};

struct crew {
    pthread_mutex_t lock;
    struct work *finished; /* under the lock */
    struct watch *watch;
    int event;
    unsigned running, threads_max; /* the loop's */
};

static void on_finished(void *context, int descriptor, unsigned events);

enum err crew_new(struct loop *loop, unsigned threads_max, struct crew **ret)
{
    struct crew *crew = calloc(1, sizeof *crew);
    if (crew == NULL) {
        return ERR_MEMORY;
    }
    crew->threads_max = threads_max;
    crew->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (crew->event < 0 || pthread_mutex_init(&crew->lock, NULL) != 0) {
        if (crew->event >= 0) {
            (void)close(crew->event);
        }
        free(crew);
        return ERR_IO;
    }
    enum err err = watch_new(loop, crew->event, on_finished, crew, &crew->watch);
    if (err != OK) {
        crew_free(crew);
        return err;
    }
    watch_set(crew->watch, WATCH_READ);
    *ret = crew;
    return OK;
}

void crew_free(struct crew *crew)
{
    if (crew == NULL) {
        return;
    }
    while (crew->running > 0) {
        on_finished(crew, crew->event, WATCH_READ);
        (void)usleep(1000);
    }
    watch_free(crew->watch);
    (void)close(crew->event);
    (void)pthread_mutex_destroy(&crew->lock);
    free(crew);
}

bool crew_is_full(const struct crew *crew)
{
    return crew->running == crew->threads_max;
}

static void *work_run(void *context)
{
    struct work *work = context;
    struct crew *crew = work->crew;
    const uint64_t one = 1;
    work->work(work->context);
    (void)pthread_mutex_lock(&crew->lock);
    work->next = crew->finished;
    crew->finished = work;
    (void)pthread_mutex_unlock(&crew->lock);
    /* A full counter is a counter that the loop has not read yet: it will look anyway. */
    UNHEEDED(write(crew->event, &one, sizeof one));
    return NULL;
}

enum err crew_run(struct crew *crew, crew_call *work, crew_call *done, void *context)
{
    if (crew_is_full(crew)) {
        return ERR_AGAIN;
    }
    struct work *record = calloc(1, sizeof *record);
    if (record == NULL) {
        return ERR_MEMORY;
    }
    *record = (struct work){.crew = crew, .work = work, .done = done, .context = context};
    if (pthread_create(&record->thread, NULL, work_run, record) != 0) {
        free(record);
        return ERR_AGAIN;
    }
    crew->running++;
    return OK;
}

static void on_finished(void *context, int descriptor, unsigned events)
{
    struct crew *crew = context;
    uint64_t count;
    (void)events;
    UNHEEDED(read(descriptor, &count, sizeof count));
    (void)pthread_mutex_lock(&crew->lock);
    struct work *list = crew->finished;
    crew->finished = NULL;
    (void)pthread_mutex_unlock(&crew->lock);
    while (list != NULL) {
        struct work *work = list;
        list = work->next;
        (void)pthread_join(work->thread, NULL);
        crew->running--;
        work->done(work->context);
        free(work);
    }
}
