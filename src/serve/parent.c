/*
 * The parent: opens what the configuration names, holds what must outlive the children (the ring's
 * and the books' memory, the sockets), starts them, joins them by channels, and starts again what
 * dies.  It reads no outside byte.
 *
 *     START        desk, herald, portal and core -> core is READY (archive open, books restored)
 *                  -> front
 *     A CHILD DIES every channel it had is replaced by a new one, given to both ends
 *     STOP         portal -> front (hands over what it holds) -> core (drains, signs) -> herald
 *                  -> desk -> end
 *
 * Always true: a child's successor is started only after the child has been reaped, so no two
 * processes ever hold the same folder or read the same ring.
 */

#include "serve/parent.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "codec/time.h"
#include "serve/rules_bundle.h"
#include "serve/serve.h"
#include "sys/child.h"
#include "sys/clocks.h"
#include "tenant/tenant.h"

#define SHORT_LIFE_MS    1000 /* a child that dies sooner is started again more slowly */
#define STARTS_MAX       10   /* of a child that was never ready; then the service gives up */
#define RESTART_MS_MAX   5000
#define OVERDUE_LOOK_MS  1000
#define IDENTITY_LOOK_MS (24 * 60 * 60 * 1000) /* whether the portal's certificate still serves */
#define STOP_MS_MAX      20000                 /* after which what is left is killed */

static enum err parent_watch(struct parent *parent, struct why *why);
static void identity_say(const struct parent *parent);
static void papers_say(const struct parent *parent);
static void standing_start(struct parent *parent, enum process_kind kind);
static void stop_next(struct parent *parent);
static void on_terminate(void *context, int number);

static void say(const char *text)
{
    (void)fprintf(stderr, "hinomi: %s\n", text);
}

int serve_run(const struct config *config)
{
    struct parent *parent = calloc(1, sizeof *parent);
    struct why why = {0};
    if (parent == NULL) {
        say(err_text(ERR_MEMORY));
        return 71;
    }
    parent->config = config;
    parent->control = parent->ring = parent->books = -1;
    parent->began = wall_now();
    enum err err = parent_open(parent, &why);
    if (err == OK) {
        err = parent_watch(parent, &why);
    }
    if (err != OK) {
        say(why_text(&why, err));
        parent_close(parent);
        return 71;
    }
    identity_say(parent);
    papers_say(parent);
    standing_start(parent, PROCESS_DESK);
    standing_start(parent, PROCESS_CORE);
    standing_start(parent, PROCESS_HERALD);
    if (parent->portal) {
        standing_start(parent, PROCESS_PORTAL);
    }
    loop_run(parent->loop);
    int code = parent->code;
    if (code == 0) {
        UNHEEDED(file_truncate(parent->lock, 0)); /* at worst the next start marks a gap */
    }
    parent_close(parent);
    return code;
}

/* ---- Starting children and joining them. */

static void standing_spoke(void *context, struct link *link, struct message *message, enum err err);

static enum err tell(struct link *link, const struct message *message)
{
    return link == NULL ? ERR_CLOSED : link_send(link, message);
}

/* A new channel between two children, each told that the other is at its end. */
static enum err join(struct link *a, enum process_kind a_kind, struct link *b,
                     enum process_kind b_kind, uint64_t worker)
{
    int pair[2];
    enum err err = channel_pair(pair);
    if (err != OK) {
        return err;
    }
    const struct message to_a = {.type = MESSAGE_LINK,
                                 .link = {b_kind, worker},
                                 .descriptors = {pair[0]},
                                 .descriptors_count = 1};
    const struct message to_b = {.type = MESSAGE_LINK,
                                 .link = {a_kind, worker},
                                 .descriptors = {pair[1]},
                                 .descriptors_count = 1};
    err = tell(a, &to_a);
    if (err == OK) {
        err = tell(b, &to_b);
    }
    (void)close(pair[0]);
    (void)close(pair[1]);
    return err;
}

static enum err child_begin(struct parent *parent, enum process_kind kind, link_call *call,
                            void *context, pid_t *ret_process, struct link **ret_link)
{
    const char *const arguments[] = {"hinomi", "process", process_name(kind), NULL};
    int pair[2];
    struct why why = {0};
    enum err err = channel_pair(pair);
    if (err != OK) {
        return err;
    }
    err = child_start(arguments, pair[1], ret_process, &why);
    (void)close(pair[1]);
    if (err != OK) {
        say(why_text(&why, err));
        (void)close(pair[0]);
        return err;
    }
    return link_new(parent->loop, pair[0], call, context, ret_link);
}

/* The names of the listeners that take logs, one a line: senders are bound to them. */
static enum err log_listeners(const struct config *config, struct buf *names)
{
    enum err err = OK;
    for (size_t i = 0; i < config->listeners_count && err == OK; i++) {
        if (config->listeners[i].kind != LISTENER_PORTAL) {
            err = buf_print(names, "%s%.*s", names->size > 0 ? "\n" : "",
                            STR_ARG(config->listeners[i].name));
        }
    }
    return err;
}

static enum err setup_send(struct parent *parent, enum process_kind kind, struct link *link,
                           bool quiet)
{
    const struct config *config = parent->config;
    struct buf names;
    buf_init(&names, MESSAGE_SIZE_MAX / 4);
    enum err err = log_listeners(config, &names);
    const struct message setup = {
        .type = MESSAGE_SETUP,
        .setup = {.user = parent_user(parent, kind),
                  .gap = parent->gap && !parent->core_was_ready,
                  .fresh = !parent->core_was_ready,
                  .controller = geteuid(),
                  .space_reserve = config->space_reserve,
                  .journal_size_max = config->journal_size_max,
                  .commit_delay_ms = config->commit_delay_ms,
                  .head_seconds = config->head_seconds,
                  .journal_seconds = config->journal_seconds,
                  .journal_keep_seconds = config->journal_keep_seconds,
                  .cold_days = config->cold_days,
                  .quiet = quiet,
                  .disk_warning_days = config->disk_warning_days,
                  .started = (uint64_t)parent->began.ns,
                  .relay = config->mail_relay.size > 0,
                  .stamp_seconds = config->stamp_url.size > 0 ? config->stamp_seconds : 0,
                  .data = config->data,
                  .keys = config->keys,
                  .zoneinfo = config->zoneinfo,
                  .portal_url = config->portal_url,
                  .mail_from = config->mail_from,
                  .listeners = buf_str(&names)}};
    if (err == OK) {
        err = tell(link, &setup);
    }
    buf_done(&names);
    return err;
}

static enum err memory_send(struct link *link, enum message_type type, int descriptor)
{
    const struct message message = {
        .type = type, .descriptors = {descriptor}, .descriptors_count = 1};
    return tell(link, &message);
}

static enum err rules_send(struct parent *parent)
{
    struct buf note;
    enum err err = OK;
    buf_init(&note, MESSAGE_SIZE_MAX / 4);
    for (size_t i = 0; i < parent->config->rules_count && err == OK; i++) {
        err = buf_print(&note, "%s%.*s", i > 0 ? " " : "", STR_ARG(parent->config->rules[i]));
    }
    const struct message rules = {
        .type = MESSAGE_RULES,
        .rules = {.note = buf_str(&note), .bundle = buf_str(&parent->rules)}};
    if (err == OK) {
        err = tell(parent->children[PROCESS_DESK].link, &rules);
    }
    buf_done(&note);
    return err;
}

/* Portal gets its own listeners, front all others. */
static enum err listeners_send(struct parent *parent, enum process_kind kind, struct link *link)
{
    enum err err = OK;
    for (size_t i = 0; i < parent->config->listeners_count && err == OK; i++) {
        const struct listener_config *config = &parent->config->listeners[i];
        if ((config->kind == LISTENER_PORTAL) != (kind == PROCESS_PORTAL)) {
            continue;
        }
        const struct message listen = {.type = MESSAGE_LISTEN,
                                       .listen = {.kind = config->kind, .name = config->name},
                                       .descriptors = {parent->listeners[i]},
                                       .descriptors_count = parent->listeners[i] >= 0};
        err = tell(link, &listen);
    }
    return err;
}

static enum err identity_send(struct parent *parent, struct link *link)
{
    const struct message identity = {
        .type = MESSAGE_IDENTITY,
        .identity = {.rate = parent->config->portal_rate,
                     .certificate = buf_str(&parent->identity.certificate),
                     .key = buf_str(&parent->identity.key),
                     .names = buf_str(&parent->identity.names),
                     .api = buf_str(&parent->api)}};
    return tell(link, &identity);
}

/* So that people can be shown by what, and until when, the portal is known. */
static enum err certificate_send(struct parent *parent)
{
    const struct identity *identity = &parent->identity;
    const struct message certificate = {.type = MESSAGE_CERTIFICATE,
                                        .certificate = {.until = (uint64_t)identity->says.until.ns,
                                                        .local = identity->local,
                                                        .subject = str_from(identity->says.subject),
                                                        .sha256 = str_from(identity->says.sha256)}};
    return tell(parent->children[PROCESS_DESK].link, &certificate);
}

static enum err relay_send(struct parent *parent, struct link *link)
{
    const struct config *config = parent->config;
    struct buf networks;
    buf_init(&networks, MESSAGE_SIZE_MAX / 4);
    enum err err = OK;
    for (size_t i = 0; i < config->webhook_networks_count && err == OK; i++) {
        err = buf_print(&networks, "%.*s\n", STR_ARG(config->webhook_networks[i]));
    }
    const struct message relay = {
        .type = MESSAGE_RELAY,
        .relay = {.tls_required = str_equal(config->mail_tls, STR("required")),
                  .url = config->mail_relay,
                  .user = config->mail_user,
                  .password = buf_str(&parent->password),
                  .roots = config->authorities,
                  .stamp_url = config->stamp_url,
                  .networks = buf_str(&networks),
                  .secrets = buf_str(&parent->secrets)}};
    if (err == OK) {
        err = tell(link, &relay);
    }
    buf_done(&networks);
    return err;
}

static enum err factors_send(struct parent *parent, struct link *link)
{
    enum factor_policy policy;
    enum err err = factor_policy_parse(parent->config->second_factor, &policy);
    if (err != OK) {
        return err;
    }
    const struct message factors = {
        .type = MESSAGE_FACTORS,
        .factors = {.policy = policy, .key = str_of(parent->people_key, PEOPLE_KEY_SIZE)}};
    return tell(link, &factors);
}

/* Who has a channel to whom: desk to all, front and core to each other. */
static bool joined(enum process_kind a, enum process_kind b)
{
    bool spine =
        (a == PROCESS_FRONT && b == PROCESS_CORE) || (a == PROCESS_CORE && b == PROCESS_FRONT);
    return a != b && (spine || a == PROCESS_DESK || b == PROCESS_DESK);
}

/* Tells desk what became of a child; a desk that is away hears of it when it is there. */
static void process_tell(const struct parent *parent, enum process_kind kind)
{
    const struct child *child = &parent->children[kind];
    const struct message process = {
        .type = MESSAGE_PROCESS,
        .process = {.kind = kind,
                    .running = child->process != 0,
                    .since = (uint64_t)child->since.ns,
                    .restarts = child->starts > 0 ? child->starts - 1 : 0}};
    if (child->starts > 0) {
        UNHEEDED(tell(parent->children[PROCESS_DESK].link, &process));
    }
}

static void child_noted(struct parent *parent, enum process_kind kind)
{
    parent->children[kind].since = wall_now();
    if (kind != PROCESS_DESK) {
        process_tell(parent, kind);
    }
}

/* What a kind of child works with, besides SETUP. */
static enum err standing_give(struct parent *parent, enum process_kind kind, struct link *link)
{
    bool spine = kind == PROCESS_FRONT || kind == PROCESS_CORE;
    enum err err = spine ? memory_send(link, MESSAGE_RING, parent->ring) : OK;
    if (err == OK && (spine || kind == PROCESS_DESK)) {
        err = memory_send(link, MESSAGE_BOOKS, parent->books);
    }
    if (err == OK && kind == PROCESS_DESK) {
        for (int other = 0; other < CHILDREN; other++) {
            process_tell(parent, (enum process_kind)other);
        }
        err = rules_send(parent);
    }
    if (err == OK && kind == PROCESS_DESK) {
        err = certificate_send(parent);
    }
    if (err == OK && kind == PROCESS_DESK) {
        err = factors_send(parent, link);
    }
    if (err == OK && kind == PROCESS_HERALD) {
        err = relay_send(parent, link);
    }
    if (err == OK && kind == PROCESS_PORTAL) {
        err = identity_send(parent, link);
    }
    if (err == OK && kind == PROCESS_FRONT) {
        err = papers_send(&parent->papers, parent->config, link);
    }
    if (err == OK && (kind == PROCESS_FRONT || kind == PROCESS_PORTAL)) {
        err = listeners_send(parent, kind, link);
    }
    return err;
}

static enum err standing_equip(struct parent *parent, enum process_kind kind)
{
    struct link *link = parent->children[kind].link;
    enum err err = setup_send(parent, kind, link, false);
    if (err == OK) {
        err = standing_give(parent, kind, link);
    }
    if (err == OK) {
        const struct message go = {.type = MESSAGE_GO};
        err = tell(link, &go);
    }
    if (err == OK && kind == PROCESS_FRONT) {
        files_give(parent->files);
    }
    for (int other = 0; other < CHILDREN && err == OK; other++) {
        if (joined(kind, (enum process_kind)other) && parent->children[other].link != NULL) {
            err = join(link, kind, parent->children[other].link, (enum process_kind)other, 0);
        }
    }
    return err;
}

static void standing_start(struct parent *parent, enum process_kind kind)
{
    struct child *child = &parent->children[kind];
    enum err err = child_begin(parent, kind, standing_spoke, parent, &child->process, &child->link);
    if (err == OK) {
        child->started = mono_now();
        child->starts++;
        child->ready = false;
        child_noted(parent, kind);
        err = standing_equip(parent, kind);
    }
    if (err != OK) {
        (void)fprintf(stderr, "hinomi: cannot start %s: %s\n", process_name(kind), err_text(err));
        child_kill(child->process, SIGKILL);
    }
}

static void standing_restart(void *context)
{
    struct parent *parent = context;
    for (int kind = 0; kind < CHILDREN; kind++) {
        struct child *child = &parent->children[kind];
        bool due = child->process == 0 && !child->ended && !parent->stopping &&
                   (kind != PROCESS_FRONT || parent->core_was_ready) &&
                   (kind != PROCESS_PORTAL || parent->portal);
        if (due) {
            standing_start(parent, (enum process_kind)kind);
        }
    }
}

static void worker_spoke(void *context, struct link *link, struct message *message, enum err err)
{
    (void)context;
    (void)link;
    (void)message;
    (void)err; /* it says nothing, and is reaped when it ends */
}

/* Desk wants something read: a new worker, joined to desk and core.  Or core wants something
 * sealed: then to core alone. */
static void worker_start(struct parent *parent, const struct want_worker_message *wanted,
                         enum process_kind by)
{
    struct link *desk = parent->children[PROCESS_DESK].link;
    struct link *asked = parent->children[by].link;
    struct link *core = parent->children[PROCESS_CORE].link;
    size_t at = 0;
    while (at < WORKERS_MAX && parent->workers[at].process != 0) {
        at++;
    }
    enum err err = at == WORKERS_MAX || core == NULL ? ERR_AGAIN : OK;
    if (err == OK) {
        err = child_begin(parent, PROCESS_WORKER, worker_spoke, parent,
                          &parent->workers[at].process, &parent->workers[at].link);
    }
    if (err == OK) {
        struct link *link = parent->workers[at].link;
        parent->workers[at].started = mono_now();
        parent->workers[at].packs = wanted->packs != 0;
        const struct message go = {.type = MESSAGE_GO, .go = {.packs = wanted->packs}};
        err = setup_send(parent, PROCESS_WORKER, link, by == PROCESS_CORE);
        if (err == OK) {
            err = join(core, PROCESS_CORE, link, PROCESS_WORKER, wanted->worker);
        }
        if (err == OK && by == PROCESS_DESK) {
            err = join(desk, PROCESS_DESK, link, PROCESS_WORKER, wanted->worker);
        }
        if (err == OK) {
            err = tell(link, &go);
        }
    }
    if (err != OK) {
        /* A link without a channel: whoever asked can be told. */
        const struct message none = {.type = MESSAGE_LINK,
                                     .link = {PROCESS_WORKER, wanted->worker}};
        (void)fprintf(stderr, "hinomi: cannot start a worker: %s\n", err_text(err));
        if (at < WORKERS_MAX) {
            child_kill(parent->workers[at].process, SIGKILL);
        }
        UNHEEDED(tell(asked, &none));
    }
}

/* What whoever opens the portal for the first time can compare. */
static void identity_say(const struct parent *parent)
{
    const struct identity *identity = &parent->identity;
    char print[IDENTITY_PRINT_SIZE];
    char until[TIME_TEXT_SIZE];
    if (parent->portal && identity->certificate.size > 0) {
        (void)fprintf(stderr,
                      "hinomi: the portal's certificate%s is valid until %.10s; SHA-256 "
                      "fingerprint: %s\n",
                      identity->made    ? ", which was made now and certifies itself,"
                      : identity->local ? ", which certifies itself,"
                                        : "",
                      time_print(identity->says.until, until), identity_print(identity, print));
    }
}

/* What senders are told to trust. */
static void papers_say(const struct parent *parent)
{
    const struct identity *identity = &parent->papers.identity;
    char print[IDENTITY_PRINT_SIZE];
    if (parent->papers.wanted) {
        (void)fprintf(stderr,
                      "hinomi: the certificate of the listeners for logs%s has the SHA-256 "
                      "fingerprint %s\n",
                      identity->local ? ", which certifies itself," : "",
                      identity_print(identity, print));
    }
}

/* Front listens: from now on whoever sends is heard. */
static void ready_say(const struct config *config)
{
    (void)fprintf(stderr, "hinomi: ready");
    for (size_t i = 0; i < config->listeners_count; i++) {
        const struct listener_config *listener = &config->listeners[i];
        if (listener->kind == LISTENER_FILES) {
            (void)fprintf(stderr, "%s %.*s", i == 0 ? ":" : ",", STR_ARG(listener->name));
            continue;
        }
        bool v6 = str_find_byte(listener->address, ':') != STR_NONE;
        (void)fprintf(stderr, v6 ? "%s %.*s [%.*s]:%u" : "%s %.*s %.*s:%u", i == 0 ? ":" : ",",
                      STR_ARG(listener->name), STR_ARG(listener->address), listener->port);
    }
    (void)fprintf(stderr, "\n");
    if (config->portal_url.size > 0 && config->mail_relay.size == 0) {
        (void)fprintf(stderr, "hinomi: no mail_relay is configured: mails to the clients' contacts "
                              "wait until there is one\n");
    }
}

static void standing_spoke(void *context, struct link *link, struct message *message, enum err err)
{
    struct parent *parent = context;
    (void)err;
    int kind = 0;
    while (kind < CHILDREN && parent->children[kind].link != link) {
        kind++;
    }
    if (message == NULL || kind == CHILDREN) {
        return; /* its end is seen when it is reaped */
    }
    struct child *child = &parent->children[kind];
    if (message->type == MESSAGE_READY) {
        bool was_ready = child->ready;
        child->ready = true;
        if (kind == PROCESS_CORE && !parent->core_was_ready) {
            parent->core_was_ready = true;
            standing_restart(parent);
        }
        bool front = kind == PROCESS_FRONT && !was_ready;
        bool portal = kind == PROCESS_PORTAL && !was_ready;
        if ((front && (!parent->portal || parent->children[PROCESS_PORTAL].ready)) ||
            (portal && parent->children[PROCESS_FRONT].ready)) {
            ready_say(parent->config);
        }
    } else if (message->type == MESSAGE_WANT_WORKER &&
               (kind == PROCESS_DESK || kind == PROCESS_CORE)) {
        worker_start(parent, &message->want_worker, (enum process_kind)kind);
    } else if (message->type == MESSAGE_POSITIONS && kind == PROCESS_FRONT) {
        files_told(parent->files, message);
    }
}

/* ---- The end of children, and of the service. */

static void standing_ended(struct parent *parent, enum process_kind kind, int status)
{
    struct child *child = &parent->children[kind];
    char text[64];
    link_free(child->link);
    child->link = NULL;
    child->process = 0;
    child_noted(parent, kind);
    if (parent->stopping) {
        child->ended = child->told_to_stop || kind == PROCESS_FRONT || kind == PROCESS_PORTAL;
        stop_next(parent);
        return;
    }
    (void)fprintf(stderr, "hinomi: %s %s; starting it again\n", process_name(kind),
                  child_status_text(status, text, sizeof text));
    bool short_life = mono_ms_since(child->started, mono_now()) < SHORT_LIFE_MS;
    child->short_lives = short_life ? child->short_lives + 1 : 0;
    if (!parent->core_was_ready && child->short_lives == STARTS_MAX) {
        (void)fprintf(stderr, "hinomi: %s cannot start; giving up\n", process_name(kind));
        parent->code = 70;
        on_terminate(parent, SIGTERM);
        return;
    }
    /* The first few are started at once: one death is an accident, many in a row are a state. */
    uint64_t delay = child->short_lives <= 5 ? 0 : (child->short_lives - 5) * 200;
    timer_set(child->restart, delay > RESTART_MS_MAX ? RESTART_MS_MAX : delay, 0);
}

static void on_child_ended(void *context, int number)
{
    struct parent *parent = context;
    pid_t process;
    int status;
    (void)number;
    while (child_ended(&process, &status)) {
        parent_heads_ended(parent, process);
        for (int kind = 0; kind < CHILDREN; kind++) {
            if (parent->children[kind].process == process) {
                standing_ended(parent, (enum process_kind)kind, status);
            }
        }
        for (size_t i = 0; i < WORKERS_MAX; i++) {
            if (parent->workers[i].process == process) {
                link_free(parent->workers[i].link);
                parent->workers[i].link = NULL;
                parent->workers[i].process = 0;
            }
        }
    }
}

/* Portal and front first, so that nothing new comes in; then core, which drains what front left;
 * then desk. */
static void stop_next(struct parent *parent)
{
    static const enum process_kind order[CHILDREN] = {PROCESS_PORTAL, PROCESS_FRONT, PROCESS_CORE,
                                                      PROCESS_HERALD, PROCESS_DESK};
    const struct message stop = {.type = MESSAGE_STOP};
    for (int i = 0; i < CHILDREN; i++) {
        struct child *child = &parent->children[order[i]];
        if (child->process == 0) {
            continue;
        }
        if (!child->told_to_stop) {
            child->told_to_stop = true;
            UNHEEDED(tell(child->link, &stop));
        }
        return;
    }
    loop_stop(parent->loop);
}

static void on_stop_late(void *context)
{
    struct parent *parent = context;
    parent->code = 1;
    for (int kind = 0; kind < CHILDREN; kind++) {
        if (parent->children[kind].process != 0) {
            (void)fprintf(stderr, "hinomi: %s does not end; it is killed\n",
                          process_name((enum process_kind)kind));
            child_kill(parent->children[kind].process, SIGKILL);
        }
    }
}

static void on_terminate(void *context, int number)
{
    struct parent *parent = context;
    (void)number;
    if (!parent->stopping) {
        say("ending");
        parent->stopping = true;
        timer_set(parent->stop_timer, STOP_MS_MAX, 0);
        stop_next(parent);
    }
}

/* What listeners show, and whom they trust, as it is now on disk. */
static void papers_renew(struct parent *parent)
{
    struct why why = {0};
    enum err err = papers_open(parent->config, wall_now(), &parent->papers, &why);
    if (err != OK) {
        (void)fprintf(stderr, "hinomi: the certificates of listeners stay as they were: %s\n",
                      why_text(&why, err));
    } else if (parent->children[PROCESS_FRONT].link != NULL) {
        UNHEEDED(
            papers_send(&parent->papers, parent->config, parent->children[PROCESS_FRONT].link));
    }
}

/* The certificate as it is now on disk; a local one that is about to end is made anew. */
static void on_identity(void *context)
{
    struct parent *parent = context;
    struct identity fresh = {0};
    struct why why = {0};
    if (parent->papers.wanted) {
        papers_renew(parent);
    }
    if (!parent->portal) {
        return;
    }
    enum err err = identity_open(parent->config, wall_now(), &fresh, &why);
    if (err != OK) {
        (void)fprintf(stderr, "hinomi: the portal's certificate stays as it was: %s\n",
                      why_text(&why, err));
        return;
    }
    if (identity_equal(&fresh, &parent->identity)) {
        identity_done(&fresh);
        return;
    }
    identity_done(&parent->identity);
    parent->identity = fresh;
    identity_say(parent);
    if (parent->children[PROCESS_PORTAL].link != NULL) {
        UNHEEDED(identity_send(parent, parent->children[PROCESS_PORTAL].link));
    }
    UNHEEDED(certificate_send(parent));
}

static void on_reload(void *context, int number)
{
    struct parent *parent = context;
    struct why why = {0};
    struct buf rules;
    (void)number;
    on_identity(parent);
    enum err err = rules_bundle_read(parent->config, &rules, &why);
    if (err != OK) {
        (void)fprintf(stderr, "hinomi: the rules stay as they were: %s\n", why_text(&why, err));
        return;
    }
    buf_done(&parent->rules);
    parent->rules = rules;
    UNHEEDED(rules_send(parent));
}

/* A worker may stand still without using time of the processor: in a slow asker, in a fault.  One
 * that makes a package writes to a file, asks nobody, and has its own limit of processor time. */
static void on_overdue(void *context)
{
    struct parent *parent = context;
    int64_t ms_max = (int64_t)parent->config->search_seconds_max * 1000;
    for (size_t i = 0; i < WORKERS_MAX; i++) {
        if (parent->workers[i].process != 0 && !parent->workers[i].packs &&
            mono_ms_since(parent->workers[i].started, mono_now()) > ms_max) {
            (void)fprintf(stderr, "hinomi: a search took longer than %u s and is ended\n",
                          parent->config->search_seconds_max);
            child_kill(parent->workers[i].process, SIGKILL);
        }
    }
}

static void on_control(void *context, int descriptor, unsigned events)
{
    struct parent *parent = context;
    int connection;
    (void)events;
    while (channel_accept(descriptor, &connection) == OK) {
        const struct message control = {
            .type = MESSAGE_CONTROL, .descriptors = {connection}, .descriptors_count = 1};
        UNHEEDED(tell(parent->children[PROCESS_DESK].link, &control));
        (void)close(connection);
    }
}

static enum err parent_watch(struct parent *parent, struct why *why)
{
    enum err err = loop_new(&parent->loop);
    if (err == OK) {
        err = watch_new(parent->loop, parent->control, on_control, parent, &parent->control_watch);
    }
    if (err == OK) {
        watch_set(parent->control_watch, WATCH_READ);
        err = interrupt_new(parent->loop, SIGCHLD, on_child_ended, parent, &parent->child_ended);
    }
    if (err == OK) {
        err = interrupt_new(parent->loop, SIGTERM, on_terminate, parent, &parent->terminate);
    }
    if (err == OK) {
        err = interrupt_new(parent->loop, SIGINT, on_terminate, parent, &parent->interrupted);
    }
    if (err == OK) {
        err = interrupt_new(parent->loop, SIGHUP, on_reload, parent, &parent->reload);
    }
    if (err == OK) {
        err = timer_new(parent->loop, on_stop_late, parent, &parent->stop_timer);
    }
    if (err == OK) {
        err = timer_new(parent->loop, on_overdue, parent, &parent->overdue_timer);
    }
    if (err == OK) {
        timer_set(parent->overdue_timer, OVERDUE_LOOK_MS, OVERDUE_LOOK_MS);
        err = timer_new(parent->loop, on_identity, parent, &parent->identity_timer);
    }
    if (err == OK) {
        timer_set(parent->identity_timer, IDENTITY_LOOK_MS, IDENTITY_LOOK_MS);
    }
    if (err == OK) {
        err = files_open(parent, &parent->files, why);
    }
    if (err == OK) {
        err = parent_heads(parent);
    }
    for (int kind = 0; kind < CHILDREN && err == OK; kind++) {
        err = timer_new(parent->loop, standing_restart, parent, &parent->children[kind].restart);
    }
    return err;
}
