/*
 * The core process: the spine's turns, the signing of heads, and journals lent to workers.
 *
 * Its life: SETUP, RING, BOOKS, LINK front and desk, GO (confine, open the archive).  It begins to
 * turn when desk has given it the rules and granted the clients; with fresh books it first takes
 * the accounts from desk's snapshot and the archive.  A turn that fails for want of space is tried
 * again.
 */

#include "serve/process.h"

#include <stdlib.h>
#include <unistd.h>

#include "archive/package.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "serve/keeping.h"
#include "serve/sealing.h"
#include "serve/spine.h"
#include "serve/stamping.h"
#include "sys/ailment.h"
#include "sys/clocks.h"
#include "sys/memory.h"

#define TICK_MS          1000 /* heads, bookmarks */
#define RETRY_MS         200  /* after a turn that failed */
#define VITALS_TICKS     5    /* after which desk hears what was counted */
#define MEMORY_TICKS     30   /* after which what detection remembers of a client is kept */
#define STOP_TICK_MS     5
#define STOP_PATIENCE_MS 8000
#define WORKERS_MAX      64
#define HEADS_PER_TICK   16
#define LENT_AT_ONCE     128 /* descriptors on their way to one worker; it says when they came */
#define RULESET_MEMORY   ((size_t)1 << 30) /* a report of every rule */

struct lending {
    uint64_t worker;
    struct link *link;   /* from parent */
    struct scope *scope; /* from desk */
    struct client_id client;
    struct lend_span span; /* what is wanted */
    struct lend_cursor cursor;
    bool proof; /* for a package: heads, stamps and remains too */
};

struct core {
    struct process *process;
    struct spine *spine;
    struct timer *turn, *tick;
    struct lending lendings[WORKERS_MAX];
    const char *folder; /* the archive's */
    struct zones *zones;
    struct sealing *sealing;
    struct stamping stamping;
    uint64_t stop_ms_left, ticks;
    bool granted, stopping, turn_armed;
    enum err failing; /* the error that the last turn met */
    bool unsigned_said;
};

static enum err core_message(struct process *process, struct message *message, struct why *why);
static void turn_soon(struct core *core, uint64_t delay_ms);
static void core_turn(void *context);
static void core_tick(void *context);
static void core_front_spoke(void *context, struct link *link, struct message *message,
                             enum err err);
static void core_desk_spoke(void *context, struct link *link, struct message *message,
                            enum err err);
static void core_worker_spoke(void *context, struct link *link, struct message *message,
                              enum err err);

static void core_say(void *context, const char *line)
{
    const struct core *core = context;
    process_say(core->process, "%s", line);
}

int core_run(struct process *process)
{
    struct core *core = calloc(1, sizeof *core);
    if (core == NULL || spine_new(&core->spine) != OK) {
        process_fail(process, "start", ERR_MEMORY, NULL);
    }
    core->process = process;
    core->spine->say = core_say;
    core->spine->say_context = core;
    core->spine->front_away = true;
    process->self = core;
    process->message = core_message;
    return process_loop(process);
}

/* ---- From parent. */

static enum err core_go(struct core *core, struct why *why)
{
    struct process *process = core->process;
    struct archive_options options = {.disk = disk_real(),
                                      .journal_size_max = process->setup.journal_size_max};
    enum err err = timer_new(process->loop, core_turn, core, &core->turn);
    if (err == OK) {
        err = timer_new(process->loop, core_tick, core, &core->tick);
    }
    if (err == OK) {
        err = process_folder(process, process_path(process, process->setup.data), "archive",
                             &options.folder, why);
    }
    if (err == OK) {
        err = process_folder(process, process_path(process, process->setup.keys), NULL,
                             &options.keys, why);
    }
    const char *zoneinfo;
    if (err == OK) {
        err = process_folder_read(process, process_path(process, process->setup.zoneinfo),
                                  &zoneinfo, why);
    }
    if (err == OK) {
        err = zones_new(zoneinfo, &core->zones);
    }
    if (err == OK) {
        core->folder = options.folder;
        err = process_confine(process, why);
    }
    if (err == OK) {
        err = archive_open(&options, wall_now(), &core->spine->archive, why);
    }
    if (err == OK) {
        core->spine->sealing = (struct seal_options){
            .journal_age_ns = (int64_t)process->setup.journal_seconds * NS_PER_SECOND,
            .journal_keep_ns = (int64_t)process->setup.journal_keep_seconds * NS_PER_SECOND,
            .cold_after_ns = (int64_t)process->setup.cold_days * 86400 * NS_PER_SECOND};
        err = sealing_new(process, core->spine, &core->sealing);
    }
    if (err == OK) {
        timer_set(core->tick, TICK_MS, TICK_MS);
    }
    return err;
}

/* A lending whose worker never came (the core before us was told of it) makes room for another. */
static struct lending *lending_of(struct core *core, uint64_t worker)
{
    struct lending *free_place = NULL;
    struct lending *waiting = NULL;
    for (size_t i = 0; i < WORKERS_MAX; i++) {
        if (core->lendings[i].worker == worker) {
            return &core->lendings[i];
        }
        if (core->lendings[i].worker == 0) {
            free_place = &core->lendings[i];
        } else if (core->lendings[i].link == NULL) {
            waiting = &core->lendings[i];
        }
    }
    if (free_place == NULL && waiting != NULL) {
        scope_free(waiting->scope);
        *waiting = (struct lending){0};
        free_place = waiting;
    }
    if (free_place != NULL) {
        free_place->worker = worker;
    }
    return free_place;
}

/* What proves a package; ERR_NOT_FOUND when all is said, as at the end of the journals. */
static enum err proof_lend(struct core *core, struct lending *lending, struct buf *grant)
{
    int descriptors[3];
    buf_reset(grant);
    enum err err = archive_lend_proof(lending->scope, core->spine->archive, lending->client,
                                      descriptors, grant);
    if (err != OK) {
        return err;
    }
    struct message proof = {.type = MESSAGE_PROOF};
    for (size_t i = 0; i < 3; i++) {
        if (descriptors[i] >= 0) {
            proof.proof.there |= UINT64_C(1) << i;
            proof.descriptors[proof.descriptors_count++] = descriptors[i];
        }
    }
    proof.proof.grant = buf_str(grant);
    err = link_send(lending->link, &proof);
    for (size_t i = 0; i < proof.descriptors_count; i++) {
        (void)close(proof.descriptors[i]);
    }
    return err == OK ? ERR_NOT_FOUND : err;
}

/* Lends once both sides of a lending are known: parent brought the worker, desk said what. */
static void lending_try(struct core *core, struct lending *lending)
{
    if (lending->link == NULL || lending->scope == NULL || core->spine->archive == NULL) {
        return;
    }
    struct buf grant;
    buf_init(&grant, MESSAGE_SIZE_MAX / 2);
    enum err err = OK;
    for (size_t sent = 0; err == OK && sent < LENT_AT_ONCE; sent++) {
        int descriptor;
        buf_reset(&grant);
        err = archive_lend(lending->scope, core->spine->archive, lending->client, &lending->span,
                           &lending->cursor, &descriptor, &grant);
        if (err == OK) {
            const struct message journal = {.type = MESSAGE_JOURNAL,
                                            .journal = {.grant = buf_str(&grant)},
                                            .descriptors = {descriptor},
                                            .descriptors_count = 1};
            err = link_send(lending->link, &journal);
            (void)close(descriptor);
        }
    }
    if (err == ERR_NOT_FOUND && lending->proof) {
        err = proof_lend(core, lending, &grant);
    }
    buf_done(&grant);
    if (err == OK) {
        return; /* more of it when these have come */
    }
    if (err != ERR_NOT_FOUND) {
        process_say(core->process, "cannot lend journals to a worker: %s", err_text(err));
        link_free(lending->link);
        scope_free(lending->scope);
        *lending = (struct lending){0};
        return;
    }
    const struct message end = {.type = MESSAGE_JOURNALS_END};
    UNHEEDED(link_send(lending->link, &end));
    scope_free(lending->scope);
    lending->scope = NULL;
}

static enum err core_link(struct core *core, struct message *message)
{
    struct spine *spine = core->spine;
    int descriptor = message_take_descriptor(message);
    switch (message->link.peer) {
    case PROCESS_FRONT:
        link_free(spine->front);
        spine->front = NULL;
        spine->front_away = false;
        turn_soon(core, 0); /* what it has pushed already */
        return link_new(core->process->loop, descriptor, core_front_spoke, core, &spine->front);
    case PROCESS_DESK:
        spine_desk_lost(spine);
        return link_new(core->process->loop, descriptor, core_desk_spoke, core, &spine->desk);
    default: {
        if (sealing_worker_came(core->sealing, message->link.worker, descriptor)) {
            return OK;
        }
        struct lending *lending = lending_of(core, message->link.worker);
        if (lending == NULL) {
            (void)close(descriptor);
            return OK; /* the worker sees the end and says so */
        }
        enum err err =
            link_new(core->process->loop, descriptor, core_worker_spoke, core, &lending->link);
        if (err == OK) {
            lending_try(core, lending);
        }
        return err;
    }
    }
}

static enum err core_message(struct process *process, struct message *message, struct why *why)
{
    struct core *core = process->self;
    void *memory = NULL;
    size_t size;
    enum err err = OK;
    if (message->type == MESSAGE_RING || message->type == MESSAGE_BOOKS) {
        int descriptor = message_take_descriptor(message);
        err = memory_map(descriptor, 0, true, &memory, &size);
        (void)close(descriptor);
        if (err != OK) {
            return err;
        }
    }
    switch (message->type) {
    case MESSAGE_RING:
        err = ring_attach(memory, size, &core->spine->ring);
        if (err == OK) {
            core->spine->cursor = ring_cursor(core->spine->ring);
        }
        return err;
    case MESSAGE_BOOKS:
        return books_attach(memory, size, &core->spine->books);
    case MESSAGE_LINK:
        return core_link(core, message);
    case MESSAGE_GO:
        return core_go(core, why);
    case MESSAGE_STOP:
        core->stopping = true;
        core->spine->front_away = false; /* it ends before us, and what it left is stored */
        core->stop_ms_left = STOP_PATIENCE_MS;
        timer_set(core->tick, 0, STOP_TICK_MS);
        return OK;
    default:
        return ERR_CORRUPT;
    }
}

/* ---- The turns. */

static void turn_soon(struct core *core, uint64_t delay_ms)
{
    if (core->granted && !core->turn_armed) {
        core->turn_armed = true;
        timer_set(core->turn, delay_ms, 0);
    }
}

/* With what the system itself says, if that is known. */
static void failure_say(const struct core *core, const char *what, const char *why)
{
    const char *ailment = folder_ailment(core->folder);
    process_say(core->process, "%s: %s%s%s", what, why, ailment != NULL ? ": " : "",
                ailment != NULL ? ailment : "");
}

static void turn_failed(struct core *core, enum err err, const struct why *why)
{
    if (core->failing != err) {
        failure_say(core, "nothing is acknowledged at the moment", why_text(why, err));
        core->failing = err;
    }
    if (err != ERR_FULL && err != ERR_IO && err != ERR_MEMORY && err != ERR_LIMIT) {
        process_fail(core->process, "turn", err, why);
    }
    /* What was taken was not stored: begin again where the ring was last released. */
    core->spine->cursor = ring_cursor(core->spine->ring);
    for (size_t i = 0; i < core->spine->clients_count; i++) {
        core->spine->clients[i].rules_noted = false;
        core->spine->clients[i].documents_noted = false;
    }
    turn_soon(core, RETRY_MS);
}

/* Events leave a reserve, so that alerts, the audit trail and whoever looks for the reason still
 * have room when the disk is full. */
static enum err space_check(const struct core *core, struct why *why)
{
    struct disk_space space;
    enum err err = OK;
    if (!ring_is_empty(core->spine->ring)) {
        err = disk_space(disk_real(), core->folder, &space);
        if (err == OK && space.free < core->process->setup.space_reserve) {
            err = why_say(why, ERR_FULL, 0, "no space left but the reserve of %llu bytes",
                          (unsigned long long)core->process->setup.space_reserve);
        }
    }
    return err;
}

static void core_turn(void *context)
{
    struct core *core = context;
    struct why why = {0};
    bool more = false;
    core->turn_armed = false;
    enum err err = space_check(core, &why);
    if (err == OK) {
        err = spine_turn(core->spine, wall_now(), &more, &why);
    }
    if (err != OK) {
        turn_failed(core, err, &why);
        return;
    }
    if (core->failing != OK) {
        process_say(core->process, "events are stored again");
        core->failing = OK;
    }
    if (more) {
        turn_soon(core, 0);
    } else if (core->spine->held_since_ns != 0) {
        turn_soon(core, RETRY_MS);
    }
}

static void core_stop(struct core *core)
{
    struct spine *spine = core->spine;
    spine_bookmarks_send(spine);
    bool done = !core->granted ||
                (ring_is_empty(spine->ring) && spine->outstanding == 0 && !core->turn_armed);
    if (!done && core->stop_ms_left >= STOP_TICK_MS) {
        core->stop_ms_left -= STOP_TICK_MS;
        turn_soon(core, 0);
        return;
    }
    if (spine->archive != NULL) {
        memory_keep(spine);
        sealing_free(core->sealing);
        core->sealing = NULL;
        archive_close(spine->archive, wall_now());
    }
    _exit(0);
}

static void core_tick(void *context)
{
    struct core *core = context;
    spine_release(core->spine);
    if (core->stopping) {
        core_stop(core);
        return;
    }
    if (core->granted) {
        spine_turn_over(core->spine, wall_now());
        sealing_tick(core->sealing, wall_now());
        stamping_tick(&core->stamping, core->process, core->spine, wall_now());
    }
    spine_bookmarks_send(core->spine);
    memory_keep_some(core->spine, ++core->ticks, MEMORY_TICKS);
    if (core->ticks % VITALS_TICKS == 0) {
        spine_vitals_send(core->spine);
    }
    bool more;
    enum err err = archive_sign(core->spine->archive, wall_now(),
                                (int64_t)core->process->setup.head_seconds * NS_PER_SECOND,
                                HEADS_PER_TICK, &more);
    if (err != OK && core->failing == OK && !core->unsigned_said) {
        failure_say(core, "heads cannot be signed", err_text(err));
    }
    core->unsigned_said = err != OK;
    turn_soon(core, 0);
}

/* ---- From front, desk and workers. */

static void core_front_spoke(void *context, struct link *link, struct message *message,
                             enum err err)
{
    struct core *core = context;
    (void)err;
    if (message == NULL) {
        link_free(link);
        core->spine->front = NULL;
        core->spine->front_away = !core->stopping;
        spine_release(core->spine);
        return;
    }
    spine_release(core->spine);
    if (message->type == MESSAGE_BELL) {
        turn_soon(core, core->process->setup.commit_delay_ms);
    }
}

/* Fresh books begin with what desk's snapshot and the archive know. */
static void core_account(struct core *core, const struct account_message *message)
{
    struct account account = {
        .client = {(uint32_t)message->client},
        .source = {(uint32_t)message->source},
        .received = message->received,
        .deduplicated = message->deduplicated,
        .stored = message->stored,
        .failures = message->failures,
        .bytes = message->bytes,
        .heard = message->heard != 0 ? (struct wall){(int64_t)message->heard} : WALL_NONE,
    };
    for (size_t i = 0; i < REJECT_REASON_COUNT && message->rejected.size >= (i + 1) * 8; i++) {
        account.rejected[i] = get_u64(message->rejected.data + i * 8);
    }
    uint64_t stored = archive_stored(core->spine->archive, account.source);
    account.stored = stored;
    account.received = stored + account.deduplicated;
    for (size_t i = 0; i < REJECT_REASON_COUNT; i++) {
        account.received += account.rejected[i];
    }
    enum err err = books_restore(core->spine->books, &account);
    if (err != OK) {
        process_fail(core->process, "the books", err, NULL);
    }
}

static void core_granted(struct core *core)
{
    if (!core->granted && core->spine->ruleset != NULL) {
        core->granted = true;
        const struct message ready = {.type = MESSAGE_READY};
        UNHEEDED(link_send(core->process->parent, &ready));
    }
    turn_soon(core, 0);
}

/* The compiled rules in force.  A desk that starts again gives us what we have already. */
static enum err core_ruleset(struct core *core, struct str set)
{
    struct ruleset *ruleset;
    struct ruleset_report report;
    struct why why = {0};
    struct arena *mem = arena_new(RULESET_MEMORY);
    enum err err = mem == NULL ? ERR_MEMORY : ruleset_decode(set, mem, &ruleset, &report, &why);
    if (err == OK) {
        process_say(core->process, "%zu rules loaded, %zu refused", report.loaded,
                    report.refused.count);
        for (size_t i = 0; i < report.refused.count; i++) {
            const struct rule_problem *problem = &report.refused.list[i];
            process_say(core->process, "rule refused: %.*s:%u: %.*s", STR_ARG(problem->file),
                        problem->line, STR_ARG(problem->reason));
        }
        err = spine_rules(core->spine, ruleset);
    }
    arena_free(mem);
    return err;
}

/* A client's documents have become others.  What we cannot read, a newer desk wrote: then detection
 * goes on as before, and says so. */
static enum err core_documents(struct core *core, const struct documents_message *message)
{
    struct criteria *criteria = NULL;
    struct why why = {0};
    enum err err = criteria_new(message->bundle, message->sources, core->zones, &criteria, &why);
    if (err != OK) {
        process_say(core->process, "documents of client %llu are not in force: %s",
                    (unsigned long long)message->client, why_text(&why, err));
        return err == ERR_MEMORY ? err : OK;
    }
    err = spine_documents(core->spine, (struct client_id){(uint32_t)message->client}, criteria);
    if (err != OK) {
        criteria_free(criteria);
    }
    return err;
}

/* A client that was never granted has nothing to keep or to drop.  What fails is said, and is asked
 * for again by desk. */
static enum err core_keeping(struct core *core, const struct message *message)
{
    bool keep = message->type == MESSAGE_KEEP;
    uint64_t id = keep ? message->keep.client : message->drop.client;
    struct spine *spine = core->spine;
    const struct spine_client *client = spine_client_find(spine, (struct client_id){(uint32_t)id});
    if (client == NULL || client->scope == NULL) {
        return OK;
    }
    enum err err =
        keep ? core_keep(client->scope, spine->archive, spine->desk, &message->keep)
             : core_drop(client->scope, spine->archive, spine->desk, &message->drop, wall_now());
    if (err != OK && err != ERR_CORRUPT) {
        process_say(core->process, "the archive of client %llu is not looked through: %s",
                    (unsigned long long)id, err_text(err));
        err = OK;
    }
    return err;
}

/* For a backup: it reads the journals by itself, up to where they are true now. */
static enum err core_thus_far(struct core *core, uint64_t ticket)
{
    struct buf ends;
    buf_init(&ends, MESSAGE_SIZE_MAX);
    enum err err = archive_ends(core->spine->archive, &ends);
    if (err == OK) {
        const struct message answer = {.type = MESSAGE_THUS_FAR,
                                       .thus_far = {ticket, buf_str(&ends)}};
        err = link_send(core->spine->desk, &answer);
    }
    buf_done(&ends);
    return err;
}

static void core_desk_spoke(void *context, struct link *link, struct message *message, enum err err)
{
    struct core *core = context;
    (void)link;
    if (message == NULL) {
        spine_desk_lost(core->spine);
        return;
    }
    err = OK;
    switch (message->type) {
    case MESSAGE_GRANT:
        err = spine_grant(core->spine, (struct client_id){(uint32_t)message->grant.client},
                          message->grant.bookmark, (struct source_id){(uint32_t)message->grant.own},
                          message->grant.scope);
        break;
    case MESSAGE_ACCOUNT:
        if (core->process->setup.fresh && !core->granted) {
            core_account(core, &message->account);
        }
        break;
    case MESSAGE_RULESET:
        err = core_ruleset(core, message->ruleset.set);
        break;
    case MESSAGE_DOCUMENTS:
        err = core_documents(core, &message->documents);
        break;
    case MESSAGE_GRANTED:
        core_granted(core);
        break;
    case MESSAGE_STORED:
        if (core->spine->outstanding > 0) {
            core->spine->outstanding--;
        }
        memory_confirmed(core->spine, (struct client_id){(uint32_t)message->stored.client},
                         message->stored.bookmark);
        turn_soon(core, 0);
        break;
    case MESSAGE_KEEP:
    case MESSAGE_DROP:
        err = core_keeping(core, message);
        break;
    case MESSAGE_STAMPED:
        stamping_came(&core->stamping, core->process, core->spine, &message->stamped, wall_now());
        break;
    case MESSAGE_HOW_FAR:
        err = core_thus_far(core, message->how_far.ticket);
        break;
    case MESSAGE_LEND: {
        struct lending *lending = lending_of(core, message->lend.worker);
        struct scope *scope;
        if (lending != NULL && scope_decode(message->lend.scope, &scope) == OK) {
            scope_free(lending->scope);
            lending->scope = scope;
            lending->client = (struct client_id){(uint32_t)message->lend.client};
            lending->span = (struct lend_span){
                message->lend.from, {(int64_t)message->lend.since}, {(int64_t)message->lend.until}};
            lending->cursor = (struct lend_cursor){0};
            lending->proof = message->lend.proof != 0;
            lending_try(core, lending);
        }
        break;
    }
    default:
        err = ERR_CORRUPT;
    }
    if (err != OK) {
        process_fail(core->process, message_name(message->type), err, NULL);
    }
}

static void core_worker_spoke(void *context, struct link *link, struct message *message,
                              enum err err)
{
    struct core *core = context;
    (void)err;
    for (size_t i = 0; message != NULL && i < WORKERS_MAX; i++) {
        if (core->lendings[i].link == link && message->type == MESSAGE_JOURNALS_MORE) {
            lending_try(core, &core->lendings[i]);
        }
    }
    if (message != NULL) {
        return;
    }
    for (size_t i = 0; i < WORKERS_MAX; i++) {
        if (core->lendings[i].link == link) {
            scope_free(core->lendings[i].scope);
            core->lendings[i] = (struct lending){0};
        }
    }
    link_free(link);
}
