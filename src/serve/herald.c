/*
 * The herald process: the only one that reaches the network outwards.  Desk names messages, herald
 * hands each over in a thread of its own and tells desk what came of it.  It keeps nothing: what
 * was not confirmed when it dies, desk names again, under the same identity.
 *
 * Its life: SETUP, RELAY, GO (the libraries that want to read files and start threads are made
 * ready, then it is confined), LINK desk.
 */

#include "serve/process.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "codec/crypto.h"
#include "codec/network.h"
#include "notify/notify.h"
#include "sys/clocks.h"
#include "sys/fetch.h"
#include "sys/thread.h"

#define THREADS_MAX      8
#define WAITING_MAX      256
#define DELIVERY_SECONDS 60
#define NETWORKS_MAX     64
#define ANSWER_SIZE_MAX  ((size_t)64 << 20) /* what a delivery may need while it runs */

/* Where webhooks may not lead, unless the configuration names a network: this machine, its
 * neighbours, and what clouds answer with their secrets at (RFC 6890, RFC 4291); and addresses that
 * hold one of IPv4 which a gateway may go on to (RFC 3056, 4380, 8215). */
static const char *const local_networks[] = {
    "0.0.0.0/8",     "10.0.0.0/8",   "100.64.0.0/10",  "127.0.0.0/8",   "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4",
    "240.0.0.0/4",   "::/96",        "fc00::/7",       "fe80::/10",     "fec0::/10",
    "ff00::/8",      "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16",     "2001::/32",
};
#define LOCAL_NETWORKS (sizeof local_networks / sizeof *local_networks)

/* One message on its way: the texts of desk's DELIVER, and what came of it. */
struct errand {
    struct herald *herald;
    struct errand *next; /* in the queue */
    struct message message;
    char *texts;
    struct arena *mem;
    struct delivery delivery;
    struct str said;
    enum outbox_end end;
};

struct herald {
    struct process *process;
    struct link *desk;
    struct crew *crew;
    struct errand *first, **last; /* what waits for a thread */
    size_t waiting;
    struct relay_message relay;
    struct network networks[LOCAL_NETWORKS];
    struct network allowed[NETWORKS_MAX];
    size_t allowed_count;
};

static enum err herald_message(struct process *process, struct message *message, struct why *why);
static void desk_spoke(void *context, struct link *link, struct message *message, enum err err);
static void errands_begin(struct herald *herald);

int herald_run(struct process *process)
{
    struct herald *herald = calloc(1, sizeof *herald);
    if (herald == NULL) {
        process_fail(process, "start", ERR_MEMORY, NULL);
    }
    herald->process = process;
    herald->last = &herald->first;
    for (size_t i = 0; i < LOCAL_NETWORKS; i++) {
        if (network_parse(str_from(local_networks[i]), &herald->networks[i]) != OK) {
            process_fail(process, local_networks[i], ERR_SYNTAX, NULL);
        }
    }
    process->self = herald;
    process->message = herald_message;
    return process_loop(process);
}

/* ---- From parent. */

static enum err relay_keep(struct herald *herald, const struct message *message)
{
    struct message kept = *message;
    size_t size = message_texts_size(message);
    char *texts = malloc(size + 1);
    if (texts == NULL) {
        return ERR_MEMORY;
    }
    message_texts_copy(&kept, texts);
    herald->relay = kept.relay;
    struct str rest = herald->relay.networks;
    while (rest.size > 0 && herald->allowed_count < NETWORKS_MAX) {
        enum err err =
            network_parse(str_cut(&rest, '\n'), &herald->allowed[herald->allowed_count++]);
        if (err != OK) {
            return err;
        }
    }
    return OK;
}

/* Names are resolved and authorities read by the libraries, so these folders stay readable. */
static enum err herald_go(struct herald *herald, struct why *why)
{
    static const char *const folders[] = {"/etc", "/usr/share/ca-certificates", "/usr/lib/ssl",
                                          "/run/systemd/resolve"};
    struct process *process = herald->process;
    const char *path;
    enum err err = fetch_init();
    if (err == OK) {
        err = crew_new(process->loop, THREADS_MAX, &herald->crew);
    }
    for (size_t i = 0; i < sizeof folders / sizeof *folders && err == OK; i++) {
        if (access(folders[i], R_OK) == 0) {
            err = process_folder_read(process, folders[i], &path, why);
        }
    }
    if (err == OK) {
        err = process_confine(process, why);
    }
    if (err != OK) {
        return err;
    }
    const struct message ready = {.type = MESSAGE_READY};
    return link_send(process->parent, &ready);
}

static enum err herald_message(struct process *process, struct message *message, struct why *why)
{
    struct herald *herald = process->self;
    switch (message->type) {
    case MESSAGE_RELAY:
        return relay_keep(herald, message);
    case MESSAGE_LINK:
        link_free(herald->desk);
        herald->desk = NULL;
        return link_new(process->loop, message_take_descriptor(message), desk_spoke, herald,
                        &herald->desk);
    case MESSAGE_GO:
        return herald_go(herald, why);
    case MESSAGE_STOP:
        _exit(0); /* what is on its way is named again after the next start */
    default:
        return ERR_CORRUPT;
    }
}

/* ---- Errands. */

static void errand_free(struct errand *errand)
{
    arena_free(errand->mem);
    free(errand->texts);
    free(errand);
}

static void errand_tell(struct errand *errand)
{
    struct herald *herald = errand->herald;
    const struct message delivered = {.type = MESSAGE_DELIVERED,
                                      .delivered = {.message = errand->message.deliver.message,
                                                    .end = errand->end,
                                                    .said = str_slice(errand->said, 0, 500)}};
    if (herald->desk != NULL) {
        UNHEEDED(link_send(herald->desk, &delivered)); /* desk asks again for what it never hears */
    }
    errand_free(errand);
}

/* The secret of a name, in hexadecimal; empty if there is none. */
static struct str secret_find(struct str secrets, struct str name)
{
    while (secrets.size > 0) {
        struct str line = str_cut(&secrets, '\n');
        if (str_equal(str_cut(&line, ' '), name)) {
            return line;
        }
    }
    return (struct str){0};
}

static enum err secret_take(struct errand *errand, struct str name)
{
    struct str hex = secret_find(errand->herald->relay.secrets, name);
    char *secret = arena_take(errand->mem, hex.size / 2 + 1);
    if (secret == NULL) {
        return ERR_MEMORY;
    }
    if (hex.size == 0) {
        return ERR_NOT_FOUND;
    }
    errand->delivery.secret = str_of(secret, hex.size / 2);
    return hex_parse(hex, secret, hex.size / 2);
}

static enum err errand_fill(struct errand *errand)
{
    const struct herald *herald = errand->herald;
    const struct deliver_message *deliver = &errand->message.deliver;
    errand->delivery = (struct delivery){
        .kind = (enum outbox_kind)deliver->kind,
        .from = herald->process->setup.mail_from,
        .to = deliver->to,
        .body = deliver->body,
        .identity = deliver->identity,
        .relay = herald->relay.url,
        .user = herald->relay.user,
        .password = herald->relay.password,
        .roots = herald->relay.roots,
        .tls_required = herald->relay.tls_required != 0,
        .seconds_max = DELIVERY_SECONDS,
        .denied = herald->networks,
        .denied_count = LOCAL_NETWORKS,
        .allowed = herald->allowed,
        .allowed_count = herald->allowed_count,
    };
    return deliver->signing.size > 0 ? secret_take(errand, deliver->signing) : OK;
}

/* What can be told without going anywhere: NULL if it can be tried. */
static const char *errand_hindrance(const struct errand *errand, enum err filled)
{
    if (filled == ERR_NOT_FOUND) {
        return "the configuration has no secret of that name";
    }
    if (filled != OK) {
        return err_text(filled);
    }
    if (errand->delivery.kind == OUTBOX_MAIL && errand->delivery.relay.size == 0) {
        return "the configuration names no mail_relay";
    }
    return NULL;
}

/* In a thread: the errand is the thread's alone. */
static void errand_work(void *context)
{
    struct errand *errand = context;
    errand->end = deliver(&errand->delivery, wall_now(), errand->mem, &errand->said);
}

static void errand_done(void *context)
{
    struct errand *errand = context;
    struct herald *herald = errand->herald;
    errand_tell(errand);
    errands_begin(herald);
}

static void errands_begin(struct herald *herald)
{
    while (herald->first != NULL && !crew_is_full(herald->crew)) {
        struct errand *errand = herald->first;
        herald->first = errand->next;
        herald->last = herald->first == NULL ? &herald->first : herald->last;
        herald->waiting--;
        if (crew_run(herald->crew, errand_work, errand_done, errand) != OK) {
            errand->end = OUTBOX_LATER;
            errand->said = STR("no thread could be started");
            errand_tell(errand);
        }
    }
}

/* ---- From desk. */

static void desk_spoke(void *context, struct link *link, struct message *message, enum err err)
{
    struct herald *herald = context;
    (void)err;
    if (message == NULL) {
        link_free(link);
        herald->desk = NULL; /* parent brings another */
        return;
    }
    bool sound = message->type == MESSAGE_DELIVER && message->deliver.kind < OUTBOX_KIND_COUNT;
    if (!sound || herald->crew == NULL) {
        process_fail(herald->process, "a message from desk", ERR_CORRUPT, NULL);
    }
    struct errand *errand = calloc(1, sizeof *errand);
    char *texts = malloc(message_texts_size(message) + 1);
    struct arena *mem = arena_new(ANSWER_SIZE_MAX);
    if (errand == NULL || texts == NULL || mem == NULL) {
        process_fail(herald->process, "a message from desk", ERR_MEMORY, NULL);
    }
    *errand = (struct errand){.herald = herald, .message = *message, .texts = texts, .mem = mem};
    message_texts_copy(&errand->message, texts);
    const char *hindrance = errand_hindrance(errand, errand_fill(errand));
    if (hindrance != NULL || herald->waiting == WAITING_MAX) {
        errand->end = OUTBOX_LATER;
        errand->said = str_from(hindrance != NULL ? hindrance : "too much is waiting");
        errand_tell(errand);
        return;
    }
    *herald->last = errand;
    herald->last = &errand->next;
    herald->waiting++;
    errands_begin(herald);
}
