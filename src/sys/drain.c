/*
 * The thread that empties sockets, and the chunks that go round between it and the loop:
 *
 *     spare ──► open (being filled) ──full──► list ──► taken (being read) ──► spare, or given back
 *                 └────────── nothing is in the list ───────▲
 *
 * After it has emptied what was readable the thread sleeps for half a millisecond, so that a flood
 * costs two thousand wakings a second and not one for each datagram.  As it uses little of the
 * processor and asks for short turns, the scheduler gives it its turn soon, where a thread that
 * parses has to wait for its own.
 *
 * Always true: a chunk belongs to the thread while `filling`, to the loop while `taken`, and is
 * under the lock otherwise; neither waits for the other while it holds the lock.  Of one socket the
 * list is older than `open`, and `taken` is older than both.  A socket may fill three times what
 * it leaves free of the memory, so that one flood does not take it from the others; one that has
 * nothing may begin as long as there is any.  Whoever takes the open chunk tells the loop of it.
 */

#include "sys/drain.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "sys/clocks.h"

#define CHUNK_SIZE   ((size_t)256 * 1024) /* some 650 lines; a few of them stay in the caches */
#define SPARES_MAX   8
#define SHARE        3    /* times what is free */
#define BURSTS_MAX   16   /* of one socket's turn, 64 datagrams each */
#define BURSTS_LAST  1024 /* at the end: more than a socket holds */
#define GATHER_NS    500000L
#define SLICE_NS     100000 /* the shortest there is */
#define NO_MEMORY_MS 20
#define STACK_SIZE   ((size_t)128 * 1024)

struct head { /* before each datagram's bytes */
    struct peer peer;
    struct mono read;
    uint32_t drops;
    uint32_t size;
};

struct chunk {
    struct chunk *next;
    size_t used, read; /* bytes */
    _Alignas(struct head) char bytes[];
};
#define CHUNK_ROOM (CHUNK_SIZE - offsetof(struct chunk, bytes))

struct source {
    int socket;
    _Atomic uint32_t *waiting;
    _Atomic uint32_t uncared; /* what `waiting` points to if nobody wants to know */
    uint32_t drops;           /* the thread's */
    struct chunk *taken;      /* the loop's */
    /* Under the lock: */
    struct chunk *first, *last, *open;
    size_t size; /* of its chunks, wherever they are */
    bool filling, full;
};

struct drain {
    pthread_t thread;
    pthread_mutex_t lock;
    sem_t begun;
    struct datagrams *datagrams; /* the thread's */
    struct watch *watch;
    drain_call *call;
    void *context;
    int ready; /* an eventfd: the loop has something to take */
    int wake;  /* an eventfd: the thread has something to look at */
    bool running;
    /* Under the lock: */
    struct source sources[LISTENERS_MAX];
    size_t count;
    struct chunk *spare;
    size_t spares, size, size_max; /* size: of chunks that are no spares */
    bool told, stopping, last_read, used;
};

static void *drain_run(void *context);
static void thread_end(struct drain *drain, bool last_read);
static void on_ready(void *context, int descriptor, unsigned events);
static void chunk_put(struct drain *drain, struct source *source, struct chunk *chunk);

static void event_write(int event)
{
    const uint64_t one = 1;
    UNHEEDED(write(event, &one, sizeof one));
}

static void event_read(int event)
{
    uint64_t count;
    UNHEEDED(read(event, &count, sizeof count));
}

static void lock(struct drain *drain)
{
    int failed = pthread_mutex_lock(&drain->lock);
    assert(failed == 0);
}

static void unlock(struct drain *drain)
{
    int failed = pthread_mutex_unlock(&drain->lock);
    assert(failed == 0);
}

/* Returns once the thread runs: it has then made the system calls of its beginning, which a
 * confinement would refuse. */
static enum err thread_begin(struct drain *drain)
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) {
        return ERR_MEMORY;
    }
    bool made = pthread_attr_setstacksize(&attributes, STACK_SIZE) == 0 &&
                pthread_create(&drain->thread, &attributes, drain_run, drain) == 0;
    (void)pthread_attr_destroy(&attributes);
    while (made && sem_wait(&drain->begun) != 0 && errno == EINTR) {
    }
    drain->running = made;
    return made ? OK : ERR_MEMORY;
}

enum err drain_new(struct loop *loop, size_t size_max, drain_call *call, void *context,
                   struct drain **ret)
{
    struct drain *drain = calloc(1, sizeof *drain);
    if (drain == NULL) {
        return ERR_MEMORY;
    }
    drain->call = call;
    drain->context = context;
    drain->size_max = size_max;
    drain->ready = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    drain->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    drain->datagrams = datagrams_new();
    bool locks = pthread_mutex_init(&drain->lock, NULL) == 0 && sem_init(&drain->begun, 0, 0) == 0;
    assert(locks);
    enum err err = drain->ready < 0 || drain->wake < 0 || drain->datagrams == NULL
                       ? ERR_MEMORY
                       : watch_new(loop, drain->ready, on_ready, drain, &drain->watch);
    if (err == OK) {
        err = thread_begin(drain);
    }
    if (err != OK) {
        drain_free(drain);
        return err;
    }
    watch_set(drain->watch, WATCH_READ);
    *ret = drain;
    return OK;
}

static void chunks_free(struct chunk *chunk)
{
    while (chunk != NULL) {
        struct chunk *next = chunk->next;
        (void)munmap(chunk, CHUNK_SIZE);
        chunk = next;
    }
}

void drain_free(struct drain *drain)
{
    if (drain == NULL) {
        return;
    }
    thread_end(drain, false);
    for (size_t i = 0; i < drain->count; i++) {
        chunks_free(drain->sources[i].taken);
        chunks_free(drain->sources[i].first);
        chunks_free(drain->sources[i].open);
    }
    chunks_free(drain->spare);
    watch_free(drain->watch);
    if (drain->ready >= 0) {
        (void)close(drain->ready);
    }
    if (drain->wake >= 0) {
        (void)close(drain->wake);
    }
    datagrams_free(drain->datagrams);
    (void)sem_destroy(&drain->begun);
    (void)pthread_mutex_destroy(&drain->lock);
    free(drain);
}

enum err drain_add(struct drain *drain, int socket, _Atomic uint32_t *waiting, size_t *ret_index)
{
    enum err err = ERR_LIMIT;
    lock(drain);
    if (drain->count < LISTENERS_MAX) {
        struct source *source = &drain->sources[drain->count];
        source->socket = socket;
        source->waiting = waiting != NULL ? waiting : &source->uncared;
        *ret_index = drain->count++;
        err = OK;
    }
    unlock(drain);
    event_write(drain->wake);
    return err;
}

/* ---- The thread. */

/* Within the lock: whether it may have one chunk more, which the next burst may need; of the
 * largest datagrams a burst fills 22. */
static bool source_may_grow(const struct drain *drain, const struct source *source)
{
    size_t left = drain->size < drain->size_max ? drain->size_max - drain->size : 0;
    return source->size == 0 ? left > 0 : source->size + CHUNK_SIZE <= SHARE * left;
}

/* A chunk more for the source; NULL: there is no memory. */
static struct chunk *chunk_get(struct drain *drain, struct source *source)
{
    lock(drain);
    struct chunk *chunk = drain->spare;
    if (chunk != NULL) {
        drain->spare = chunk->next;
        drain->spares--;
    }
    drain->used = true;
    drain->size += CHUNK_SIZE;
    source->size += CHUNK_SIZE;
    unlock(drain);
    if (chunk == NULL) {
        chunk = mmap(NULL, CHUNK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    if (chunk == MAP_FAILED) {
        lock(drain);
        drain->size -= CHUNK_SIZE;
        source->size -= CHUNK_SIZE;
        unlock(drain);
        return NULL;
    }
    chunk->next = NULL;
    chunk->used = chunk->read = 0;
    return chunk;
}

/* Within the lock: tells the loop once until it has taken everything. */
static void tell(struct drain *drain)
{
    if (!drain->told) {
        drain->told = true;
        event_write(drain->ready);
    }
}

/* The open chunk is full: it goes to the list.  False: there is no memory for another. */
static bool source_turn_over(struct drain *drain, struct source *source)
{
    lock(drain);
    if (source->open != NULL) {
        *(source->first == NULL ? &source->first : &source->last->next) = source->open;
        source->last = source->open;
        source->open = NULL;
        tell(drain);
    }
    unlock(drain);
    struct chunk *chunk = chunk_get(drain, source);
    lock(drain);
    source->open = chunk;
    unlock(drain);
    return chunk != NULL;
}

static size_t entry_size(size_t size)
{
    const size_t align = _Alignof(struct head);
    return (sizeof(struct head) + size + align - 1) / align * align;
}

/* What was received into chunks.  It cannot be put back, so where memory fails it is waited for,
 * unless all ends: then it stays counted as waiting. */
static void burst_pack(struct drain *drain, struct source *source, size_t count)
{
    struct head head = {.read = mono_now(), .drops = source->drops};
    for (size_t i = 0; i < count; i++) {
        struct str bytes;
        datagram_at(drain->datagrams, i, &bytes, &head.peer);
        head.size = (uint32_t)bytes.size;
        while (source->open == NULL || CHUNK_ROOM - source->open->used < entry_size(bytes.size)) {
            if (!source_turn_over(drain, source)) {
                lock(drain);
                bool stopping = drain->stopping;
                unlock(drain);
                if (stopping) {
                    return;
                }
                (void)poll(NULL, 0, NO_MEMORY_MS);
            }
        }
        char *at = source->open->bytes + source->open->used;
        memcpy(at, &head, sizeof head);
        memcpy(at + sizeof head, bytes.data, bytes.size);
        source->open->used += entry_size(bytes.size);
    }
}

/* Whether the source may be read: `open` is then ours until source_end. */
static bool source_begin(struct drain *drain, struct source *source)
{
    lock(drain);
    bool may = source_may_grow(drain, source);
    source->filling = may;
    source->full = !may;
    unlock(drain);
    return may;
}

static void source_end(struct drain *drain, struct source *source)
{
    lock(drain);
    source->filling = false;
    struct chunk *empty = source->open != NULL && source->open->used == 0 ? source->open : NULL;
    if (empty != NULL) {
        source->open = NULL;
    }
    unlock(drain);
    if (empty != NULL) {
        chunk_put(drain, source, empty);
    }
}

/* One turn of it.  True: it holds more. */
static bool source_read(struct drain *drain, struct source *source, unsigned bursts_max)
{
    bool more = true;
    for (unsigned burst = 0; more && burst < bursts_max && source_begin(drain, source); burst++) {
        size_t count;
        more = datagrams_receive(drain->datagrams, source->socket, &count, &source->drops) == OK;
        if (more) {
            atomic_fetch_add(source->waiting, (uint32_t)count);
            burst_pack(drain, source, count);
        }
        source_end(drain, source);
    }
    lock(drain);
    if (source->open != NULL) {
        tell(drain);
    }
    more &= !source->full;
    unlock(drain);
    return more;
}

struct polled {
    struct pollfd list[1 + LISTENERS_MAX];
    struct source *sources[1 + LISTENERS_MAX];
    nfds_t count;
    bool stopping, last_read;
};

static void polled_make(struct drain *drain, struct polled *ret)
{
    lock(drain);
    ret->list[0] = (struct pollfd){.fd = drain->wake, .events = POLLIN};
    ret->count = 1;
    ret->stopping = drain->stopping;
    ret->last_read = drain->last_read;
    for (size_t i = 0; i < drain->count; i++) {
        struct source *source = &drain->sources[i];
        if (!source->full || drain->stopping) {
            ret->list[ret->count] = (struct pollfd){.fd = source->socket, .events = POLLIN};
            ret->sources[ret->count++] = source;
        }
    }
    unlock(drain);
}

/* struct sched_attr of the kernel's uapi/linux/sched/types.h, version 0. */
struct schedule {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period; /* ns */
};

/* Asks for short turns, which come the sooner: Linux does so from 6.12 on, an older one does not
 * mind.  The share of the processor stays what it was. */
static void turns_short(void)
{
    const struct schedule schedule = {.size = sizeof schedule,
                                      .policy = SCHED_OTHER,
                                      .nice = getpriority(PRIO_PROCESS, 0),
                                      .runtime = SLICE_NS};
    UNHEEDED(syscall(SYS_sched_setattr, 0, &schedule, 0));
}

static void *drain_run(void *context)
{
    struct drain *drain = context;
    const struct timespec gather = {.tv_nsec = GATHER_NS};
    struct polled polled;
    (void)pthread_setname_np(pthread_self(), "drain");
    turns_short();
    (void)sem_post(&drain->begun);
    for (polled_make(drain, &polled); !polled.stopping; polled_make(drain, &polled)) {
        bool came = false;
        bool more = false;
        if (poll(polled.list, polled.count, -1) <= 0) {
            continue;
        }
        if (polled.list[0].revents != 0) {
            event_read(drain->wake);
        }
        for (nfds_t i = 1; i < polled.count; i++) {
            if (polled.list[i].revents != 0) {
                came = true;
                more |= source_read(drain, polled.sources[i], BURSTS_MAX);
            }
        }
        if (came && !more) {
            (void)nanosleep(&gather, NULL);
        }
    }
    for (nfds_t i = 1; polled.last_read && i < polled.count; i++) {
        (void)source_read(drain, polled.sources[i], BURSTS_LAST);
    }
    return NULL;
}

static void thread_end(struct drain *drain, bool last_read)
{
    if (drain->running) {
        lock(drain);
        drain->stopping = true;
        drain->last_read = last_read;
        unlock(drain);
        event_write(drain->wake);
        (void)pthread_join(drain->thread, NULL);
        drain->running = false;
    }
}

void drain_stop(struct drain *drain)
{
    thread_end(drain, true);
}

/* ---- The loop. */

void drain_watch(struct drain *drain, unsigned events)
{
    watch_set(drain->watch, events);
}

static void on_ready(void *context, int descriptor, unsigned events)
{
    struct drain *drain = context;
    (void)events;
    drain->call(drain->context);
    lock(drain);
    bool left = false;
    for (size_t i = 0; i < drain->count && !left; i++) {
        const struct source *source = &drain->sources[i];
        left = source->taken != NULL || source->first != NULL ||
               (source->open != NULL && !source->filling);
    }
    if (!left) {
        drain->told = false;
        event_read(descriptor);
    }
    unlock(drain);
}

/* No more than a few are kept for the next flood. */
static void chunk_put(struct drain *drain, struct source *source, struct chunk *chunk)
{
    lock(drain);
    drain->size -= CHUNK_SIZE;
    source->size -= CHUNK_SIZE;
    if (drain->spares < SPARES_MAX) {
        chunk->next = drain->spare;
        drain->spare = chunk;
        drain->spares++;
        chunk = NULL;
    }
    bool goes_on = false;
    for (size_t i = 0; i < drain->count; i++) {
        bool may = drain->sources[i].full && source_may_grow(drain, &drain->sources[i]);
        drain->sources[i].full &= !may;
        goes_on |= may;
    }
    unlock(drain);
    if (goes_on) {
        event_write(drain->wake);
    }
    if (chunk != NULL) {
        (void)munmap(chunk, CHUNK_SIZE);
    }
}

static struct chunk *source_take(struct drain *drain, struct source *source)
{
    lock(drain);
    struct chunk *chunk = source->first;
    if (chunk != NULL) {
        source->first = chunk->next;
        chunk->next = NULL;
    } else if (!source->filling) {
        chunk = source->open;
        source->open = NULL;
    }
    if (chunk != NULL) {
        tell(drain);
    }
    unlock(drain);
    return chunk;
}

bool drain_at(struct drain *drain, size_t index, struct drained *ret)
{
    struct source *source = &drain->sources[index];
    if (source->taken == NULL) {
        source->taken = source_take(drain, source);
    }
    if (source->taken == NULL) {
        return false;
    }
    struct head head;
    const char *at = source->taken->bytes + source->taken->read;
    memcpy(&head, at, sizeof head);
    *ret = (struct drained){str_of(at + sizeof head, head.size), head.peer, head.read, head.drops};
    return true;
}

void drain_pass(struct drain *drain, size_t index)
{
    struct source *source = &drain->sources[index];
    struct chunk *chunk = source->taken;
    struct head head;
    memcpy(&head, chunk->bytes + chunk->read, sizeof head);
    chunk->read += entry_size(head.size);
    if (chunk->read == chunk->used) {
        source->taken = NULL;
        chunk_put(drain, source, chunk);
    }
}

void drain_settle(struct drain *drain, size_t index, uint32_t count)
{
    atomic_fetch_sub(drain->sources[index].waiting, count);
}

void drain_shift(struct drain *drain, size_t from, size_t to, uint32_t count)
{
    atomic_fetch_add(drain->sources[to].waiting, count);
    atomic_fetch_sub(drain->sources[from].waiting, count);
}

uint32_t drain_waiting(const struct drain *drain, size_t index)
{
    return atomic_load(drain->sources[index].waiting);
}

void drain_sweep(struct drain *drain)
{
    struct chunk *spare = NULL;
    lock(drain);
    if (!drain->used) {
        spare = drain->spare;
        drain->spare = NULL;
        drain->spares = 0;
    }
    drain->used = false;
    unlock(drain);
    chunks_free(spare);
}

size_t drain_size(struct drain *drain)
{
    lock(drain);
    size_t size = drain->size + drain->spares * CHUNK_SIZE;
    unlock(drain);
    return size;
}
