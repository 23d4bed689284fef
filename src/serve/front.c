/*
 * The front process: bytes from outside become batches in the ring.  It opens nothing; its sockets
 * come from parent, the bindings from desk.
 *
 * Its life: SETUP, RING, BOOKS, LISTEN …, LINK core and desk, GO.  Then it waits until the ring is
 * empty, so that a front that died leaves no count that nobody will settle, and begins to listen
 * when the first bindings are there.
 *
 * Always true: what is in the ring has been counted as received, and no process but us counts.
 */

#include "serve/process.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "codec/charset.h"
#include "codec/crypto.h"
#include "collect/books.h"
#include "collect/collect.h"
#include "config/config.h"
#include "event/builder.h"
#include "serve/entry.h"
#include "serve/notice.h"
#include "serve/readers.h"
#include "sys/clocks.h"
#include "sys/memory.h"
#include "sys/ring.h"

#define SETTLE_EVERY_MS  5
#define STOP_PATIENCE_MS 5000

/* Parent names a listener's kind in the configuration's words; collect does not know those. */
_Static_assert((int)COLLECT_SYSLOG_UDP == (int)LISTENER_SYSLOG_UDP &&
                   (int)COLLECT_SYSLOG_TCP == (int)LISTENER_SYSLOG_TCP &&
                   (int)COLLECT_HTTP == (int)LISTENER_HTTP &&
                   (int)COLLECT_SYSLOG_TLS == (int)LISTENER_SYSLOG_TLS &&
                   (int)COLLECT_RELP == (int)LISTENER_RELP &&
                   (int)COLLECT_LUMBERJACK == (int)LISTENER_LUMBERJACK &&
                   (int)COLLECT_FILES == (int)LISTENER_FILES,
               "the two lists of kinds must stay one");

struct front_papers { /* of a listener, before GO; the texts are kept */
    struct message message;
    char *texts;
};

struct front_listener {
    char *name;
    enum collect_kind kind;
    int descriptor;
};

struct front {
    struct process *process;
    struct ring *ring;
    struct books *books;
    struct link *core, *desk;
    struct collect *collect;
    struct readers *readers;
    struct front_listener listeners[LISTENERS_MAX];
    size_t listeners_count;
    struct front_papers papers[LISTENERS_MAX];
    size_t papers_count;
    struct timer *timer; /* settling at the start, waiting at the end */
    char *bindings;      /* that came before we were settled */
    size_t bindings_size;
    uint64_t pushed, ended; /* positions */
    uint64_t stop_ms_left;
    bool settled, stopping, rung;
};

static enum err front_message(struct process *process, struct message *message, struct why *why);
static enum err front_threads(void *context);
static void front_settle(void *context);
static void front_core_spoke(void *context, struct link *link, struct message *message,
                             enum err err);
static void front_desk_spoke(void *context, struct link *link, struct message *message,
                             enum err err);

int front_run(struct process *process)
{
    struct front *front = calloc(1, sizeof *front);
    if (front == NULL || (front->readers = readers_new()) == NULL) {
        process_fail(process, "start", ERR_MEMORY, NULL);
    }
    front->process = process;
    process->self = front;
    process->message = front_message;
    process->threads = front_threads;
    return process_loop(process);
}

/* ---- What collect asks of us. */

static void front_parse(void *context, const struct binding *binding, struct str sender,
                        struct wall received, struct builder *builder)
{
    const struct front *front = context;
    readers_parse(front->readers, binding, sender, received, builder);
}

/* Rings once until core says that something has ended.  There must be an entry that core has not
 * spoken of: a bell for nothing would never be answered, and the next entry wait for core's tick.
 */
static void front_ring_bell(struct front *front)
{
    if (front->core != NULL && !front->rung) {
        const struct message bell = {.type = MESSAGE_BELL};
        front->rung = link_send(front->core, &bell) == OK;
    }
}

static enum err front_push(struct front *front, const struct entry *entry, uint64_t *ret_position)
{
    char head[ENTRY_HEAD_SIZE];
    entry_head(entry, head);
    /* Counted before it is pushed, so that nobody sees a record stored that was not received; a
     * front that dies between the two is settled by the next. */
    enum err err = ring_fits(front->ring, sizeof head + entry->batch.size);
    if (err == OK) {
        err = books_received(front->books, entry->client, entry->source,
                             entry->count + (notice_wanted(entry) ? 1 : 0), wall_now());
    }
    if (err == OK) {
        err = ring_push(front->ring, str_of(head, sizeof head), entry->batch, ret_position);
    }
    if (err == OK) {
        front->pushed = *ret_position;
        front_ring_bell(front);
    }
    return err;
}

static enum err front_batch(void *context, struct str bytes, struct client_id client,
                            struct source_id source, uint32_t events, uint64_t *ret_position)
{
    const struct entry entry = {ENTRY_BATCH, client, source, 0, events, bytes};
    return front_push(context, &entry, ret_position);
}

static enum err front_reject(void *context, struct client_id client, struct source_id source,
                             enum reject_reason reason, uint64_t count)
{
    const struct entry entry = {ENTRY_TALLY, client, source, (uint32_t)reason, count, {0}};
    uint64_t position;
    return front_push(context, &entry, &position);
}

static void front_throttled(void *context, struct client_id client, struct source_id source,
                            uint64_t count)
{
    struct front *front = context;
    UNHEEDED(books_throttled(front->books, client, source, count));
}

static void front_say(void *context, const char *line)
{
    struct front *front = context;
    process_say(front->process, "%s", line);
}

static uint32_t front_drops(void *context, size_t listener)
{
    const struct front *front = context;
    return books_drops(front->books, listener);
}

static void front_drops_told(void *context, size_t listener, uint32_t drops)
{
    struct front *front = context;
    books_drops_set(front->books, listener, drops);
}

static _Atomic uint32_t *front_waiting(void *context, size_t listener)
{
    const struct front *front = context;
    return books_waiting(front->books, listener);
}

static enum err front_threads(void *context)
{
    const struct front *front = context;
    return collect_drain(front->collect);
}

static struct wall front_now(void *context)
{
    (void)context;
    return wall_now();
}

/* ---- The front's life. */

static enum err front_memory(struct message *message, void **ret, size_t *ret_size)
{
    int descriptor = message_take_descriptor(message);
    if (descriptor < 0) {
        return ERR_NOT_FOUND;
    }
    enum err err = memory_map(descriptor, 0, true, ret, ret_size);
    (void)close(descriptor);
    return err;
}

static enum err front_listen(struct front *front, struct message *message)
{
    if (front->listeners_count == LISTENERS_MAX) {
        return ERR_LIMIT;
    }
    front->listeners[front->listeners_count++] = (struct front_listener){
        strndup(message->listen.name.data, message->listen.name.size),
        (enum collect_kind)message->listen.kind, message_take_descriptor(message)};
    return OK;
}

static struct tls_papers front_papers_of(const struct papers_message *papers)
{
    const size_t size = papers->authorities_size < papers->trust.size
                            ? (size_t)papers->authorities_size
                            : papers->trust.size;
    return (struct tls_papers){.certificate = papers->certificate,
                               .key = papers->key,
                               .authorities = str_slice(papers->trust, 0, size),
                               .revoked = str_slice(papers->trust, size, papers->trust.size)};
}

/* Those before GO are for listeners that are still to come. */
static enum err front_papers(struct front *front, const struct message *message, struct why *why)
{
    if (front->collect != NULL) {
        const struct tls_papers papers = front_papers_of(&message->papers);
        return collect_secure(front->collect, message->papers.listener, &papers, why);
    }
    if (front->papers_count == LISTENERS_MAX) {
        return ERR_LIMIT;
    }
    struct front_papers *papers = &front->papers[front->papers_count];
    papers->texts = malloc(message_texts_size(message) + 1);
    if (papers->texts == NULL) {
        return ERR_MEMORY;
    }
    papers->message = *message;
    message_texts_copy(&papers->message, papers->texts);
    front->papers_count++;
    return OK;
}

static enum err front_listener(struct front *front, const struct front_listener *listener,
                               struct why *why)
{
    struct str name = str_from(listener->name);
    for (size_t i = 0; i < front->papers_count; i++) {
        const struct papers_message *papers = &front->papers[i].message.papers;
        if (str_equal(papers->listener, name)) {
            const struct tls_papers its = front_papers_of(papers);
            return collect_listen_tls(front->collect, name, listener->kind, listener->descriptor,
                                      &its, why);
        }
    }
    return collect_listen(front->collect, name, listener->kind, listener->descriptor, why);
}

static void front_papers_forget(struct front *front)
{
    for (size_t i = 0; i < front->papers_count; i++) {
        struct front_papers *papers = &front->papers[i];
        secret_forget(papers->texts, message_texts_size(&papers->message));
        free(papers->texts);
    }
    front->papers_count = 0;
}

/* A file to be followed. */
static enum err front_file(struct front *front, struct message *message)
{
    const struct file_message *file = &message->file;
    const struct followed followed = {.id = file->id,
                                      .epoch = file->epoch,
                                      .print = file->print,
                                      .print_size = (uint32_t)file->print_size,
                                      .offset = file->offset,
                                      .cut = file->cut,
                                      .path = file->path};
    int descriptor = message_take_descriptor(message);
    return collect_follow(front->collect, file->listener, &followed, descriptor);
}

static enum err front_positions(void *context, uint64_t number, struct str positions)
{
    const struct front *front = context;
    const struct message told = {.type = MESSAGE_POSITIONS,
                                 .positions = {.number = number, .positions = positions}};
    return link_send(front->process->parent, &told);
}

static enum err front_go(struct front *front, struct why *why)
{
    const struct collect_calls calls = {
        .context = front,
        .parse = front_parse,
        .batch = front_batch,
        .reject = front_reject,
        .throttled = front_throttled,
        .say = front_say,
        .drops = front_drops,
        .drops_told = front_drops_told,
        .waiting = front_waiting,
        .now = front_now,
        .positions = front_positions,
    };
    enum err err = collect_new(front->process->loop, &calls, &front->collect);
    if (err == OK) {
        err = timer_new(front->process->loop, front_settle, front, &front->timer);
    }
    for (size_t i = 0; i < front->listeners_count && err == OK; i++) {
        err = front_listener(front, &front->listeners[i], why);
    }
    front_papers_forget(front);
    if (err == OK) {
        charset_prepare();
        err = process_confine(front->process, why);
    }
    if (err == OK) {
        timer_set(front->timer, 0, SETTLE_EVERY_MS);
    }
    return err;
}

static enum err front_link(struct front *front, struct message *message)
{
    bool core = message->link.peer == PROCESS_CORE;
    struct link **place = core ? &front->core : &front->desk;
    link_free(*place);
    *place = NULL;
    front->rung = false;
    return link_new(front->process->loop, message_take_descriptor(message),
                    core ? front_core_spoke : front_desk_spoke, front, place);
}

static enum err front_message(struct process *process, struct message *message, struct why *why)
{
    struct front *front = process->self;
    void *memory;
    size_t size;
    enum err err;
    switch (message->type) {
    case MESSAGE_RING:
        err = front_memory(message, &memory, &size);
        if (err == OK) {
            err = ring_attach(memory, size, &front->ring);
        }
        if (err == OK) {
            front->pushed = ring_next_number(front->ring) - 1;
        }
        return err;
    case MESSAGE_BOOKS:
        err = front_memory(message, &memory, &size);
        return err != OK ? err : books_attach(memory, size, &front->books);
    case MESSAGE_LISTEN:
        return front_listen(front, message);
    case MESSAGE_PAPERS:
        return front_papers(front, message, why);
    case MESSAGE_FILE:
        return front_file(front, message);
    case MESSAGE_FILE_GONE:
        collect_followed_gone(front->collect, message->file_gone.id, message->file_gone.gone != 0);
        return OK;
    case MESSAGE_POSITIONS_KEPT:
        collect_positions_kept(front->collect, message->positions_kept.number);
        return OK;
    case MESSAGE_LINK:
        return front_link(front, message);
    case MESSAGE_GO:
        return front_go(front, why);
    case MESSAGE_STOP:
        front->stopping = true;
        front->stop_ms_left = STOP_PATIENCE_MS;
        timer_set(front->timer, 0, SETTLE_EVERY_MS);
        return OK;
    default:
        return ERR_CORRUPT;
    }
}

static void front_bind(struct front *front, struct str bindings)
{
    struct why why = {0};
    enum err err = collect_bind(front->collect, bindings, &why);
    if (err != OK) {
        process_fail(front->process, "bindings", err, &why);
    }
}

/* Before the first bindings are used: what an earlier front left in the ring has to end first.  At
 * the end: what we hold goes into the ring, and posts that wait get their answers. */
static void front_settle(void *context)
{
    struct front *front = context;
    if (!ring_is_empty(front->ring)) {
        front->rung = false; /* what an earlier front left may have ended unheard by us */
        front_ring_bell(front);
    }
    if (!front->settled && ring_is_empty(front->ring)) {
        books_settle(front->books);
        front->settled = true;
        timer_stop(front->timer);
        const struct message ready = {.type = MESSAGE_READY};
        UNHEEDED(link_send(front->process->parent, &ready));
        if (front->bindings != NULL) {
            front_bind(front, str_of(front->bindings, front->bindings_size));
            free(front->bindings);
            front->bindings = NULL;
        }
    }
    if (!front->stopping) {
        return;
    }
    bool flushed = collect_flush(front->collect) == OK;
    if ((flushed && ring_is_empty(front->ring) && front->ended >= front->pushed) ||
        front->stop_ms_left < SETTLE_EVERY_MS) {
        collect_free(front->collect);
        front->collect = NULL;
        _exit(0);
    }
    front->stop_ms_left -= SETTLE_EVERY_MS;
}

static void front_core_spoke(void *context, struct link *link, struct message *message,
                             enum err err)
{
    struct front *front = context;
    (void)err;
    if (message == NULL) {
        link_free(link);
        front->core = NULL; /* parent brings another */
        return;
    }
    if (message->type != MESSAGE_COMMITTED || message->committed.position > front->pushed) {
        return;
    }
    struct str exceptions = message->committed.exceptions;
    struct commit_exception list[MESSAGE_SIZE_MAX / 16];
    size_t count = 0;
    for (; exceptions.size >= 16 && count < sizeof list / sizeof list[0]; count++) {
        list[count] = (struct commit_exception){get_u64(exceptions.data),
                                                (enum commit_result)get_u64(exceptions.data + 8)};
        exceptions = str_slice(exceptions, 16, exceptions.size);
    }
    front->ended = message->committed.position;
    front->rung = false;
    if (front->collect != NULL) {
        collect_committed(front->collect, front->ended, list, count);
        collect_resume(front->collect);
    }
    /* Asked by position, not by the ring's room: core tells us before it releases. */
    if (front->ended < front->pushed) {
        front_ring_bell(front);
    }
}

/* A record of the service's own, by the way of everybody's.  What has no room is not sent again:
 * then it did not come through, which is what desk wants to know. */
static void front_own(struct front *front, const struct own_message *own)
{
    const struct binding binding = {
        .client = {(uint32_t)own->client},
        .source = {(uint32_t)own->source},
        .parser = STR("json"),
        .charset = STR("utf-8"),
        .zone_until = WALL_NONE,
    };
    const struct wall now = wall_now();
    struct builder *builder = front->settled ? builder_new(binding.client, binding.source) : NULL;
    struct str bytes;
    uint64_t position;
    enum err err = builder == NULL ? ERR_AGAIN : builder_begin(builder, own->record, now);
    if (err == OK) {
        readers_parse(front->readers, &binding, STR(""), now, builder);
        err = builder_end(builder);
    }
    if (err == OK) {
        err = builder_finish(builder, &bytes);
    }
    if (err == OK) {
        UNHEEDED(front_batch(front, bytes, binding.client, binding.source, 1, &position));
    }
    builder_free(builder);
}

static void front_desk_spoke(void *context, struct link *link, struct message *message,
                             enum err err)
{
    struct front *front = context;
    (void)err;
    if (message == NULL) {
        link_free(link);
        front->desk = NULL;
        return;
    }
    if (message->type == MESSAGE_OWN) {
        front_own(front, &message->own);
        return;
    }
    if (message->type != MESSAGE_BINDINGS) {
        return;
    }
    struct str bindings = message->bindings.bindings;
    if (front->settled) {
        front_bind(front, bindings);
        return;
    }
    free(front->bindings);
    front->bindings = malloc(bindings.size + 1);
    if (front->bindings == NULL) {
        process_fail(front->process, "bindings", ERR_MEMORY, NULL);
    }
    memcpy(front->bindings, bindings.data, bindings.size);
    front->bindings_size = bindings.size;
}
