/*
 * The service's own work in desk: versions become effective, clocks warn, deadlines pass, notices
 * become messages, and herald is given what is due.
 *
 * One turn is one transaction, so what follows from something is stored with it.  The rows say when
 * to come again; after a crash the next desk finds them and goes on.
 *
 * Always true: a message that herald has and has not answered for stands in `sending` and is not
 * given again; a new herald begins with an empty list.
 */

#include "serve/desk.h"

#include <stdlib.h>

#include "base/limits.h"
#include "codec/crypto.h"
#include "codec/tsp.h"
#include "serve/answer.h"
#include "sys/clocks.h"

#define RETRY_MS    5000  /* after a turn that failed */
#define TURN_MS_MAX 60000 /* however far the next row is: the wall clock may be set */
#define DUE_MEMORY  ((size_t)256 << 20)

static void desk_work(void *context);

enum err desk_service_open(struct desk *desk)
{
    return timer_new(desk->process->loop, desk_work, desk, &desk->work);
}

void desk_work_soon(struct desk *desk)
{
    timer_set(desk->work, 0, 0);
}

/* ---- Documents for core. */

static enum err documents_tell_one(struct desk *desk, const struct client_info *client)
{
    struct buf bundle;
    struct buf sources;
    buf_init(&bundle, (size_t)16 << 20);
    buf_init(&sources, MESSAGE_SIZE_MAX / 2);
    enum err err = service_bundle(desk->rooms.job, desk->rooms.service, client->id, &bundle);
    if (err == OK) {
        err = answer_sources(desk->rooms.tenant, client->id, &sources);
    }
    if (err == OK) {
        const struct message documents = {.type = MESSAGE_DOCUMENTS,
                                          .documents = {.client = client->id.value,
                                                        .sources = buf_str(&sources),
                                                        .bundle = buf_str(&bundle)}};
        err = link_send(desk->core, &documents);
    }
    buf_done(&bundle);
    buf_done(&sources);
    return err;
}

/* A number that is another one whenever a client's running configuration is. */
static uint64_t documents_generation(const struct desk *desk)
{
    struct client_info client;
    uint64_t sum = 0;
    for (size_t i = 0; tenant_client_at(desk->rooms.tenant, i, &client); i++) {
        sum += service_generation(desk->rooms.service, client.id) + 1;
    }
    return sum;
}

enum err desk_tell_documents(struct desk *desk)
{
    struct client_info client;
    enum err err = OK;
    if (desk->core_waits) {
        return OK; /* it hears of everything once it has rules */
    }
    desk->documents_told = documents_generation(desk);
    for (size_t i = 0; err == OK && tenant_client_at(desk->rooms.tenant, i, &client); i++) {
        err = documents_tell_one(desk, &client);
    }
    return err;
}

/* ---- A turn. */

static struct wall earlier(struct wall a, struct wall b)
{
    return !wall_known(a) ? b : !wall_known(b) ? a : a.ns < b.ns ? a : b;
}

/* A clock warns, or was overrun: the client's people and the provider's hear of it. */
static enum err clock_fired(void *context, const struct clock_fired *fired)
{
    struct desk *desk = context;
    return incident_clock_fired(desk->rooms.job, desk->rooms.incidents, fired);
}

static enum err rows_turn(struct desk *desk, struct wall now, struct wall *ret_next,
                          bool *ret_changed)
{
    const struct rooms *rooms = &desk->rooms;
    struct wall at = WALL_NONE;
    enum err err = service_turn(rooms->job, rooms->service, now, &at, ret_changed);
    *ret_next = at;
    if (err == OK) {
        err = clocks_turn(rooms->job, rooms->clocks, now, clock_fired, desk, &at);
        *ret_next = earlier(*ret_next, at);
    }
    if (err == OK) {
        err = incidents_turn(rooms->job, rooms->incidents, now, &at);
        *ret_next = earlier(*ret_next, at);
    }
    if (err == OK) {
        err = notify_turn(rooms->job, rooms->notify, now, &at);
        *ret_next = earlier(*ret_next, at);
    }
    return err;
}

static bool is_sending(const struct desk *desk, uint64_t message)
{
    for (size_t i = 0; i < desk->sending_count; i++) {
        if (desk->sending[i].message == message) {
            return true;
        }
    }
    return false;
}

/* Whether herald may have one more of this kind, and of this client. */
static bool has_room(const struct desk *desk, const struct outbox_message *due)
{
    size_t kind = 0;
    size_t client = 0;
    for (size_t i = 0; i < desk->sending_count; i++) {
        bool same = desk->sending[i].kind == due->kind;
        kind += same;
        client += same && client_equal(desk->sending[i].client, due->client);
    }
    return client < DESK_SHARE_MAX &&
           kind < (size_t)(due->kind == OUTBOX_MAIL ? DESK_MAILS_MAX : DESK_HOOKS_MAX);
}

static enum err message_give(struct desk *desk, const struct outbox_message *due)
{
    const struct message deliver = {.type = MESSAGE_DELIVER,
                                    .deliver = {.message = due->id,
                                                .kind = due->kind,
                                                .to = due->to,
                                                .identity = due->identity,
                                                .signing = due->signing,
                                                .body = due->body}};
    enum err err = link_send(desk->herald, &deliver);
    if (err == OK) {
        desk->sending[desk->sending_count++] =
            (struct desk_sending){due->id, due->client, due->kind};
    }
    return err;
}

/* Gives herald what is due, as far as it has hands.  Who finds them full is thought of again when
 * herald tells of an end. */
static enum err outbox_turn(struct desk *desk, struct wall now, struct wall *ret_next)
{
    struct outbox_message *due;
    size_t count;
    *ret_next = WALL_NONE;
    if (desk->herald == NULL || desk->sending_count == DESK_SENDING_MAX) {
        return OK; /* parent brings another herald, and then we come again */
    }
    struct arena *mem = arena_new(DUE_MEMORY);
    enum err err = mem == NULL
                       ? ERR_MEMORY
                       : outbox_due(desk->rooms.job, desk->rooms.ledger, now, 4 * DESK_SENDING_MAX,
                                    DESK_SHARE_MAX, mem, &due, &count, ret_next);
    for (size_t i = 0; err == OK && i < count && desk->sending_count < DESK_SENDING_MAX; i++) {
        if (!is_sending(desk, due[i].id) && has_room(desk, &due[i])) {
            err = message_give(desk, &due[i]);
        }
    }
    arena_free(mem);
    if (err == OK && wall_known(*ret_next) && ret_next->ns <= now.ns) {
        *ret_next = WALL_NONE; /* more is due than there are hands */
    }
    return err == ERR_CLOSED || err == ERR_LIMIT ? OK : err;
}

static void work_again(struct desk *desk, struct wall now, struct wall next)
{
    int64_t ms = TURN_MS_MAX;
    if (wall_known(next) && next.ns - now.ns < TURN_MS_MAX * NS_PER_MS) {
        ms = next.ns > now.ns ? (next.ns - now.ns + NS_PER_MS - 1) / NS_PER_MS : 1;
    }
    timer_set(desk->work, (uint64_t)ms, 0);
}

static void desk_work(void *context)
{
    struct desk *desk = context;
    const struct wall now = wall_now();
    struct wall next = WALL_NONE;
    struct wall due = WALL_NONE;
    struct wall over = WALL_NONE;
    bool changed = false;
    desk_transaction_end(desk);
    enum err err = ledger_begin(desk->rooms.ledger);
    if (err == OK) {
        err = rows_turn(desk, now, &next, &changed);
        enum err ended = err == OK ? ledger_commit(desk->rooms.ledger) : err;
        ledger_rollback(desk->rooms.ledger);
        if (err == OK && ended != OK) {
            process_fail(desk->process, "the ledger cannot be written", ended, NULL);
        }
    }
    if (err == OK) {
        err = desk_tell_tenants(desk);
    }
    if (err == OK && desk->core != NULL &&
        (changed || documents_generation(desk) != desk->documents_told)) {
        err = desk_tell_documents(desk);
    }
    if (err == OK) {
        err = outbox_turn(desk, now, &due);
    }
    if (err == OK) {
        err = desk_provision_turn(desk, now, &over);
    }
    if (err != OK) {
        process_say(desk->process, "clocks and notices stand still: %s", err_text(err));
        timer_set(desk->work, RETRY_MS, 0);
        return;
    }
    work_again(desk, now, earlier(earlier(next, due), over));
}

/* ---- From herald. */

#define TROUBLE_APART (60 * NS_PER_SECOND)

/* A relay or a hook that does not take a message would otherwise be heard of in the incident alone.
 * What is given up is always said, what is tried again at most once a minute. */
static void trouble_say(struct desk *desk, const struct message *message, struct wall now)
{
    const struct delivered_message *delivered = &message->delivered;
    bool given_up = delivered->end == OUTBOX_FAILED;
    if (delivered->end == OUTBOX_SENT ||
        (!given_up && now.ns - desk->trouble_said.ns < TROUBLE_APART)) {
        return;
    }
    desk->trouble_said = now;
    process_say(desk->process, "message %llu %s: %.*s", (unsigned long long)delivered->message,
                given_up ? "is given up" : "is not taken yet, and will be tried again",
                STR_ARG(delivered->said));
}

enum err desk_stamp_wanted(struct desk *desk, const struct message *message)
{
    if (message->stamp.hash.size != SHA256_SIZE) {
        return ERR_CORRUPT;
    }
    if (desk->herald != NULL) {
        UNHEEDED(link_send(desk->herald, message));
    }
    return OK;
}

/* Core knows what it asked for, and takes nothing else. */
static void stamp_came(struct desk *desk, const struct message *message)
{
    if (desk->core != NULL) {
        UNHEEDED(link_send(desk->core, message));
    }
}

void desk_herald_spoke(void *context, struct link *link, struct message *message, enum err err)
{
    struct desk *desk = context;
    (void)err;
    if (message == NULL) {
        link_free(link);
        desk->herald = NULL;
        desk->sending_count = 0;
        return;
    }
    if (message->type == MESSAGE_STAMPED && message->stamped.token.size <= TSP_ANSWER_MAX) {
        stamp_came(desk, message);
        return;
    }
    const struct delivered_message *delivered = &message->delivered;
    if (message->type != MESSAGE_DELIVERED || delivered->end > OUTBOX_FAILED) {
        process_say(desk->process, "herald says what it may not; it is not listened to");
        link_free(link);
        desk->herald = NULL; /* the outbox keeps everything for a sound one */
        desk->sending_count = 0;
        return;
    }
    if (!is_sending(desk, delivered->message)) {
        return; /* given by a desk that died; it was given anew, or will be */
    }
    for (size_t i = 0; i < desk->sending_count; i++) {
        if (desk->sending[i].message == delivered->message) {
            desk->sending[i] = desk->sending[--desk->sending_count];
        }
    }
    trouble_say(desk, message, wall_now());
    desk_transaction_end(desk);
    err = notify_ended(desk->rooms.job, desk->rooms.notify, delivered->message,
                       (enum outbox_end)delivered->end, delivered->said, wall_now());
    if (err != OK) {
        process_say(desk->process, "the end of message %llu is not written: %s",
                    (unsigned long long)delivered->message, err_text(err));
    }
    desk_work_soon(desk);
}
