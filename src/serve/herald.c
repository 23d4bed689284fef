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

#include "codec/crypto.h"
#include "codec/network.h"
#include "codec/tsp.h"
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

/* One message on its way: the texts of desk's DELIVER or STAMP, and what came of it. */
struct errand {
    struct herald *herald;
    struct errand *next; /* in the queue */
    struct message message;
    char *texts;
    struct arena *mem;
    struct delivery delivery;
    struct str said;
    enum outbox_end end;
    struct buf token; /* of a stamp */
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
    buf_done(&errand->token);
    arena_free(errand->mem);
    free(errand->texts);
    free(errand);
}

static void stamp_tell(struct errand *errand)
{
    struct herald *herald = errand->herald;
    const struct message stamped = {.type = MESSAGE_STAMPED,
                                    .stamped = {.client = errand->message.stamp.client,
                                                .nonce = errand->message.stamp.nonce,
                                                .said = str_slice(errand->said, 0, 500),
                                                .token = buf_str(&errand->token)}};
    if (herald->desk != NULL) {
        UNHEEDED(link_send(herald->desk, &stamped)); /* core asks again for what it never hears */
    }
    errand_free(errand);
}

static void errand_tell(struct errand *errand)
{
    struct herald *herald = errand->herald;
    if (errand->message.type == MESSAGE_STAMP) {
        stamp_tell(errand);
        return;
    }
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
    if (errand->message.type == MESSAGE_STAMP) {
        return OK;
    }
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
    if (errand->message.type == MESSAGE_STAMP) {
        return errand->herald->relay.stamp_url.size > 0 ? NULL
                                                        : "the configuration names no stamp_url";
    }
    if (errand->delivery.kind == OUTBOX_MAIL && errand->delivery.relay.size == 0) {
        return "the configuration names no mail_relay";
    }
    return NULL;
}

static enum err sentence_keep(struct errand *errand, const char *sentence)
{
    return arena_copy(errand->mem, str_from(sentence), &errand->said);
}

/* Whether it was granted, over our hash and with our nonce, is judged here, in the process that has
 * nothing to lose; core takes the token as it is. */
static enum err stamp_take(struct errand *errand, const struct fetch_answer *answer,
                           const struct sha256 *hash)
{
    struct wall time;
    struct why why = {0};
    if (answer->trouble.size > 0) {
        errand->said = answer->trouble;
        return OK;
    }
    if (answer->status != 200) {
        return arena_print(errand->mem, &errand->said, "the authority answers %u", answer->status);
    }
    enum err err =
        tsp_answer(answer->text, hash, errand->message.stamp.nonce, &errand->token, &time, &why);
    return err == OK ? OK : sentence_keep(errand, why_text(&why, err));
}

/* The authority is one that the operator named: it may be in any network. */
static enum err stamp_work(struct errand *errand)
{
    static const char *const headers[] = {"Content-Type: application/timestamp-query",
                                          "Accept: application/timestamp-reply"};
    struct sha256 hash;
    struct fetch_answer answer;
    struct buf request;
    struct str url;
    struct str roots;
    memcpy(hash.bytes, errand->message.stamp.hash.data, SHA256_SIZE);
    buf_init(&request, TSP_ANSWER_MAX);
    enum err err = tsp_request(&hash, errand->message.stamp.nonce, &request);
    err = err == OK
              ? arena_print(errand->mem, &url, "%.*s", STR_ARG(errand->herald->relay.stamp_url))
              : err;
    err = err == OK ? arena_print(errand->mem, &roots, "%.*s", STR_ARG(errand->herald->relay.roots))
                    : err;
    if (err == OK) {
        const struct fetch_post post = {.url = url.data,
                                        .headers = headers,
                                        .headers_count = 2,
                                        .body = buf_str(&request),
                                        .roots = roots.data,
                                        .seconds_max = DELIVERY_SECONDS,
                                        .answer_max = TSP_ANSWER_MAX};
        err = fetch_post(&post, errand->mem, &answer);
    }
    err = err == OK ? stamp_take(errand, &answer, &hash) : err;
    buf_done(&request);
    return err;
}

/* In a thread: the errand is the thread's alone. */
static void errand_work(void *context)
{
    struct errand *errand = context;
    if (errand->message.type == MESSAGE_STAMP) {
        enum err err = stamp_work(errand);
        errand->said = err == OK ? errand->said : str_from(err_text(err));
        return;
    }
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
    bool sound = (message->type == MESSAGE_DELIVER && message->deliver.kind < OUTBOX_KIND_COUNT) ||
                 (message->type == MESSAGE_STAMP && message->stamp.hash.size == SHA256_SIZE);
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
    buf_init(&errand->token, TSP_ANSWER_MAX);
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
