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
#include "collect/books.h"
#include "collect/collect.h"
#include "config/config.h"
#include "parse/parse.h"
#include "serve/entry.h"
#include "serve/notice.h"
#include "sys/clocks.h"
#include "sys/memory.h"
#include "sys/ring.h"

#define SETTLE_EVERY_MS  5
#define STOP_PATIENCE_MS 5000

/* Parent names a listener's kind in the configuration's words; collect does not know those. */
_Static_assert((int)COLLECT_SYSLOG_UDP == (int)LISTENER_SYSLOG_UDP &&
                   (int)COLLECT_SYSLOG_TCP == (int)LISTENER_SYSLOG_TCP &&
                   (int)COLLECT_HTTP == (int)LISTENER_HTTP,
               "the two lists of kinds must stay one");

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
    struct front_listener listeners[LISTENERS_MAX];
    size_t listeners_count;
    struct timer *timer; /* settling at the start, waiting at the end */
    char *bindings;      /* that came before we were settled */
    size_t bindings_size;
    uint64_t pushed, ended; /* positions */
    uint64_t stop_ms_left;
    bool settled, stopping, rung;
};

static enum err front_message(struct process *process, struct message *message, struct why *why);
static void front_settle(void *context);
static void front_core_spoke(void *context, struct link *link, struct message *message,
                             enum err err);
static void front_desk_spoke(void *context, struct link *link, struct message *message,
                             enum err err);

int front_run(struct process *process)
{
    struct front *front = calloc(1, sizeof *front);
    if (front == NULL) {
        process_fail(process, "start", ERR_MEMORY, NULL);
    }
    front->process = process;
    process->self = front;
    process->message = front_message;
    return process_loop(process);
}

/* ---- What collect asks of us. */

static void front_parse(void *context, const struct binding *binding, struct str sender,
                        struct wall received, struct builder *builder)
{
    (void)context;
    const struct parser *parser;
    const struct parse_context parse = {
        .received = received, .zone_seconds = binding->zone_seconds, .sender = sender};
    if (parser_find(binding->parser, &parser) != OK && parser_find(STR("auto"), &parser) != OK) {
        return;
    }
    parse_record(parser, &parse, builder);
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

static enum err front_go(struct front *front, struct why *why)
{
    const struct collect_calls calls = {
        .context = front,
        .parse = front_parse,
        .batch = front_batch,
        .reject = front_reject,
        .say = front_say,
        .drops = front_drops,
        .drops_told = front_drops_told,
        .now = front_now,
    };
    enum err err = collect_new(front->process->loop, &calls, &front->collect);
    if (err == OK) {
        err = timer_new(front->process->loop, front_settle, front, &front->timer);
    }
    for (size_t i = 0; i < front->listeners_count && err == OK; i++) {
        const struct front_listener *listener = &front->listeners[i];
        err = collect_listen(front->collect, str_from(listener->name), listener->kind,
                             listener->descriptor, why);
    }
    if (err == OK) {
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
