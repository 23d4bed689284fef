/*
 * The portal process: people and programs over HTTP and TLS on one side, desk on the other.  What
 * it reads is hostile, and it can do nothing but ask.
 *
 * Its life: SETUP, IDENTITY, LISTEN for each of its listeners, LINK desk, GO (confine, listen).
 */

#include "portal/portal.h"

#include <stdlib.h>
#include <unistd.h>

#include "serve/process.h"
#include "sys/random.h"
#include "sys/tls.h"

#define PORTALS_MAX  8
#define TICKET_SHIFT 56 /* a ticket is the listener's index and, below, its own id */

struct gate {
    struct gatekeeper *keeper;
    struct portal *portal;
};

struct gatekeeper {
    struct process *process;
    struct link *desk;
    struct message identity; /* its texts are kept */
    int listeners[PORTALS_MAX];
    struct gate gates[PORTALS_MAX];
    size_t count;
};

static enum err keeper_message(struct process *process, struct message *message, struct why *why);
static void desk_spoke(void *context, struct link *link, struct message *message, enum err err);

int portal_run(struct process *process)
{
    struct gatekeeper *keeper = calloc(1, sizeof *keeper);
    if (keeper == NULL) {
        process_fail(process, "start", ERR_MEMORY, NULL);
    }
    keeper->process = process;
    process->self = keeper;
    process->message = keeper_message;
    return process_loop(process);
}

/* ---- Requests. */

static void gate_asked(void *context, uint64_t id, const struct api_request *request)
{
    struct gate *gate = context;
    struct gatekeeper *keeper = gate->keeper;
    uint64_t index = (uint64_t)(gate - keeper->gates);
    const struct message call = {.type = MESSAGE_API_CALL,
                                 .api_call = {.ticket = index << TICKET_SHIFT | id,
                                              .same_origin = request->same_origin,
                                              .method = request->method,
                                              .path = request->path,
                                              .query = request->query,
                                              .type = request->type,
                                              .session = request->session,
                                              .bearer = request->bearer,
                                              .language = request->language,
                                              .peer = request->peer,
                                              .agent = request->agent,
                                              .body = request->body}};
    if (keeper->desk == NULL || link_send(keeper->desk, &call) != OK) {
        portal_answer(gate->portal, id, NULL);
    }
}

/* Desk need not make what nobody reads; if it cannot be told now, its next text is passed over. */
static void gate_gone(void *context, uint64_t id)
{
    const struct gate *gate = context;
    struct gatekeeper *keeper = gate->keeper;
    uint64_t index = (uint64_t)(gate - keeper->gates);
    const struct message gone = {.type = MESSAGE_API_GONE,
                                 .api_gone = {.ticket = index << TICKET_SHIFT | id}};
    if (keeper->desk != NULL) {
        UNHEEDED(link_send(keeper->desk, &gone));
    }
}

static struct portal *gate_of(const struct gatekeeper *keeper, uint64_t ticket, uint64_t *ret_id)
{
    uint64_t index = ticket >> TICKET_SHIFT;
    if (index >= keeper->count || keeper->gates[index].portal == NULL) {
        process_fail(keeper->process, "a ticket from desk", ERR_CORRUPT, NULL);
    }
    *ret_id = ticket & (((uint64_t)1 << TICKET_SHIFT) - 1);
    return keeper->gates[index].portal;
}

static void desk_goes_on(const struct gatekeeper *keeper, const struct api_stream_message *message)
{
    uint64_t id;
    struct portal *portal = gate_of(keeper, message->ticket, &id);
    portal_stream(portal, id, message->text, message->end != 0);
}

static void desk_answered(struct gatekeeper *keeper, struct message *whole)
{
    const struct api_answer_message *message = &whole->api_answer;
    uint64_t id;
    struct portal *portal = gate_of(keeper, message->ticket, &id);
    struct api_answer answer = {.status = (unsigned)message->status,
                                .type = message->type,
                                .cookie = message->cookie,
                                .retry_seconds = (unsigned)message->retry_seconds};
    if (message->file.size > 0) {
        answer.file =
            (struct api_file){message->file, message->file_size, message_take_descriptor(whole)};
    }
    if (message->file.size > 0 && answer.file.descriptor < 0) {
        process_fail(keeper->process, "a file from desk", ERR_CORRUPT, NULL);
    }
    buf_init(&answer.body, message->body.size + 1);
    bool filled = buf_append(&answer.body, message->body) == OK;
    portal_answer(portal, id, filled ? &answer : NULL);
    buf_done(&answer.body);
}

static void gates_ready(const struct gatekeeper *keeper, bool ready)
{
    for (size_t i = 0; i < keeper->count; i++) {
        if (keeper->gates[i].portal != NULL) {
            portal_ready(keeper->gates[i].portal, ready);
        }
    }
}

static void desk_spoke(void *context, struct link *link, struct message *message, enum err err)
{
    struct gatekeeper *keeper = context;
    (void)err;
    if (message == NULL) {
        link_free(link);
        keeper->desk = NULL; /* parent brings another */
        gates_ready(keeper, false);
        return;
    }
    if (message->type == MESSAGE_API_ANSWER) {
        desk_answered(keeper, message);
    } else if (message->type == MESSAGE_API_STREAM) {
        desk_goes_on(keeper, &message->api_stream);
    } else {
        process_fail(keeper->process, "a message from desk", ERR_CORRUPT, NULL);
    }
}

/* ---- From parent. */

static enum err identity_keep(struct gatekeeper *keeper, const struct message *message)
{
    char *texts = malloc(message_texts_size(message) + 1);
    if (texts == NULL) {
        return ERR_MEMORY;
    }
    keeper->identity = *message;
    message_texts_copy(&keeper->identity, texts);
    return OK;
}

/* Another certificate, or other names, while we work: connections that stand go on. */
static enum err identity_change(const struct gatekeeper *keeper,
                                const struct identity_message *identity, struct why *why)
{
    enum err err =
        identity->certificate.size > 0 ? tls_use(identity->certificate, identity->key, why) : OK;
    for (size_t i = 0; i < keeper->count && err == OK; i++) {
        err = portal_names(keeper->gates[i].portal, identity->names);
    }
    return err;
}

static enum err gates_open(struct gatekeeper *keeper, struct why *why)
{
    const struct identity_message *identity = &keeper->identity.identity;
    const struct http_tls tls = {identity->certificate, identity->key};
    const struct portal_settings settings = {.openapi = identity->api,
                                             .names = identity->names,
                                             .rate = (uint32_t)identity->rate,
                                             .seed = random_u64(),
                                             .tls = tls.certificate.size > 0 ? &tls : NULL};
    enum err err = OK;
    for (size_t i = 0; i < keeper->count && err == OK; i++) {
        keeper->gates[i].keeper = keeper;
        err = portal_new(keeper->process->loop, keeper->listeners[i], &settings, gate_asked,
                         gate_gone, &keeper->gates[i], &keeper->gates[i].portal, why);
    }
    return err;
}

static enum err keeper_go(struct gatekeeper *keeper, struct why *why)
{
    struct process *process = keeper->process;
    enum err err = gates_open(keeper, why);
    if (err == OK) {
        err = process_confine(process, why);
    }
    if (err != OK) {
        return err;
    }
    for (size_t i = 0; i < keeper->count; i++) {
        portal_start(keeper->gates[i].portal);
    }
    gates_ready(keeper, keeper->desk != NULL);
    const struct message ready = {.type = MESSAGE_READY};
    return link_send(process->parent, &ready);
}

static enum err keeper_message(struct process *process, struct message *message, struct why *why)
{
    struct gatekeeper *keeper = process->self;
    enum err err;
    switch (message->type) {
    case MESSAGE_IDENTITY:
        return keeper->identity.type == MESSAGE_IDENTITY
                   ? identity_change(keeper, &message->identity, why)
                   : identity_keep(keeper, message);
    case MESSAGE_LISTEN:
        if (keeper->count == PORTALS_MAX) {
            return why_say(why, ERR_LIMIT, 0, "more than %d listeners of kind portal", PORTALS_MAX);
        }
        keeper->listeners[keeper->count++] = message_take_descriptor(message);
        return OK;
    case MESSAGE_LINK:
        link_free(keeper->desk);
        keeper->desk = NULL;
        gates_ready(keeper, false); /* what the desk before was asked, it will not answer */
        err = link_new(process->loop, message_take_descriptor(message), desk_spoke, keeper,
                       &keeper->desk);
        gates_ready(keeper, err == OK);
        return err;
    case MESSAGE_GO:
        return keeper_go(keeper, why);
    case MESSAGE_STOP:
        _exit(0);
    default:
        return ERR_CORRUPT;
    }
}
