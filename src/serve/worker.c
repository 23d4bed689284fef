/*
 * A worker: one job, then it ends.  Its life: SETUP, LINK desk and core, GO (limits, confine); then
 * the job from desk and the journals from core come in any order.  When both are whole it reads,
 * writes the answer on the connection that came with the job, and ends.  A password needs no
 * journals; its answer goes back to desk.
 *
 * It is given descriptors and one client's keys, nothing else: what hostile bytes could make of it
 * can neither open a file nor reach another client.
 */

#include "serve/process.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "archive/seal.h"
#include "base/limits.h"
#include "codec/password.h"
#include "detect/detect.h"
#include "report/report.h"
#include "serve/packing.h"
#include "serve/reading.h"
#include "sys/clocks.h"

#define CPU_SECONDS_MAX    600
#define SEAL_SECONDS_MAX   3600  /* cold segments are packed slowly, and for good */
#define PACKER_SECONDS_MAX 21600 /* some terabytes */
#define LENT_AT_ONCE       128   /* after so many core waits until they have come; see sealing.h */
#define MEMORY_SIZE_MAX    ((rlim_t)8 << 30)
#define COMPILED_SIZE_MAX  ((size_t)1 << 30) /* far above what RULES_SIZE_MAX can need */
#define ASKER_PATIENCE_MS  60000             /* how long an asker may leave its answer unread */

struct worker {
    struct process *process;
    struct link *desk, *core;
    struct reader *reader;
    int connection;
    char *job_packet; /* keeps the texts of the job */
    struct message job;
    size_t lent;  /* descriptors that have come */
    int files[2]; /* of a package, and of its making; -1: none */
    struct package_proof proof;
    bool proof_whole;
    bool job_whole, journals_whole, core_gone, limited;
    struct buf answer; /* of a job that came without a connection: it goes to desk */
};

static enum err worker_message(struct process *process, struct message *message, struct why *why);
static void worker_desk_spoke(void *context, struct link *link, struct message *message,
                              enum err err);
static void worker_core_spoke(void *context, struct link *link, struct message *message,
                              enum err err);
static void worker_try(struct worker *worker);
static void worker_seal(struct worker *worker, struct message *message);

int worker_run(struct process *process)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL || reader_new(&worker->reader) != OK) {
        process_fail(process, "start", ERR_MEMORY, NULL);
    }
    worker->process = process;
    worker->connection = worker->files[0] = worker->files[1] = -1;
    buf_init(&worker->answer, (size_t)256 << 20);
    process->self = worker;
    process->message = worker_message;
    return process_loop(process);
}

/* One that makes a package writes its covering page too: fonts are read below their folder, by a
 * thread of the library's. */
static enum err packer_ready(struct worker *worker, bool packs, struct why *why)
{
    const char *fonts;
    worker->process->packs = packs;
    return packs ? process_folder_read(worker->process, REPORT_FONTS, &fonts, why) : OK;
}

static enum err worker_go(struct worker *worker, bool packs, struct why *why)
{
    bool quiet = worker->process->setup.quiet != 0;
    const rlim_t seconds = packs ? PACKER_SECONDS_MAX : quiet ? SEAL_SECONDS_MAX : CPU_SECONDS_MAX;
    const struct rlimit cpu = {seconds, seconds};
    if (quiet) {
        (void)setpriority(PRIO_PROCESS, 0, 10);
    }
    enum err err = packer_ready(worker, packs, why);
    (void)setrlimit(RLIMIT_CPU, &cpu);
#if !defined(__SANITIZE_ADDRESS__)
    const struct rlimit memory = {MEMORY_SIZE_MAX, MEMORY_SIZE_MAX};
    (void)setrlimit(RLIMIT_AS, &memory);
#endif
    err = err == OK ? process_confine(worker->process, why) : err;
    worker->limited = err == OK;
    worker_try(worker);
    return err;
}

static enum err worker_message(struct process *process, struct message *message, struct why *why)
{
    struct worker *worker = process->self;
    int descriptor;
    switch (message->type) {
    case MESSAGE_LINK:
        descriptor = message_take_descriptor(message);
        return message->link.peer == PROCESS_DESK
                   ? link_new(process->loop, descriptor, worker_desk_spoke, worker, &worker->desk)
                   : link_new(process->loop, descriptor, worker_core_spoke, worker, &worker->core);
    case MESSAGE_GO:
        return worker_go(worker, message->go.packs != 0, why);
    case MESSAGE_STOP:
        _exit(0);
    default:
        return ERR_CORRUPT;
    }
}

/* ---- The answer. */

static enum err answer_packet(struct worker *worker, const struct message *message)
{
    for (;;) {
        enum err err = message_send(worker->connection, message);
        struct pollfd wait = {.fd = worker->connection, .events = POLLOUT};
        if (err != ERR_AGAIN) {
            return err;
        }
        if (poll(&wait, 1, ASKER_PATIENCE_MS) <= 0) {
            return ERR_CLOSED;
        }
    }
}

static enum err answer_output(void *context, struct str piece)
{
    struct worker *worker = context;
    enum err err = OK;
    if (worker->connection < 0) {
        return buf_append(&worker->answer, piece);
    }
    while (piece.size > 0 && err == OK) {
        const struct message output = {
            .type = MESSAGE_OUTPUT, .output = {.text = str_slice(piece, 0, MESSAGE_SIZE_MAX / 2)}};
        err = answer_packet(worker, &output);
        piece = str_slice(piece, MESSAGE_SIZE_MAX / 2, piece.size);
    }
    return err;
}

/* Nobody waits any more: so that a search that finds nothing does not go on for nobody. */
static enum err asker_gone(void *context)
{
    const struct worker *worker = context;
    struct pollfd asker = {.fd = worker->connection};
    bool gone = worker->connection < 0
                    ? worker->desk == NULL || link_peer_gone(worker->desk)
                    : poll(&asker, 1, 0) > 0 && (asker.revents & (POLLHUP | POLLERR)) != 0;
    return gone ? ERR_CLOSED : OK;
}

static void worker_read(struct worker *worker)
{
    const struct job_message *job = &worker->job.job;
    struct scope *scope;
    struct why why = {0};
    enum err err = scope_decode(job->scope, &scope);
    struct mono until = {mono_now().ns + PORTAL_SEARCH_SECONDS * NS_PER_SECOND};
    if (job->command < CONTROL_COMMAND_COUNT) {
        until = reading_until(job->limit, mono_now());
    }
    reader_heed(worker->reader, asker_gone, worker);
    if (err == OK) {
        const struct reading reading = {
            .scope = scope,
            .reader = worker->reader,
            .client = {(uint32_t)job->client},
            .slug = job->slug,
            .sources = job->sources,
            .format = (enum output_format)job->format,
            .count = job->count != 0,
            .from = {(int64_t)job->from},
            .to = {(int64_t)job->to},
            .before = job->before,
            .limit = job->limit,
            .until = until,
            .pause = asker_gone,
            .pause_context = worker,
            .output = answer_output,
            .output_context = worker,
        };
        err = reading_answer(&reading, (unsigned)job->command, job->text, &why);
    }
    if (err == ERR_CLOSED) {
        _exit(0); /* whoever asked is gone */
    }
    struct str sentence = err == OK ? (struct str){0} : str_from(why_text(&why, err));
    const struct message done = {.type = MESSAGE_DONE,
                                 .done = {(uint64_t)control_code(err), sentence}};
    const struct message answered = {
        .type = MESSAGE_ANSWERED,
        .answered = {(uint64_t)err, err == OK ? buf_str(&worker->answer) : sentence}};
    if (worker->connection < 0) {
        UNHEEDED(link_send(worker->desk, &answered)); /* without an answer desk sees our end */
    } else {
        UNHEEDED(answer_packet(worker, &done));
    }
    _exit(0);
}

/* A password is checked, or a hash made of it: what takes long on purpose is not desk's to do. */
static void worker_password(struct worker *worker, const struct password_message *asked)
{
    char hash[PASSWORD_HASH_SIZE] = "";
    bool matches = false;
    enum err err = OK;
    if (asked->hash.size > 0) {
        matches = password_matches(asked->password, asked->hash);
    } else {
        err = password_hash(asked->password, hash);
    }
    if (err != OK) {
        process_fail(worker->process, "a password's hash", err, NULL);
    }
    const struct message done = {.type = MESSAGE_PASSWORD_DONE,
                                 .password_done = {.matches = matches, .hash = str_from(hash)}};
    UNHEEDED(link_send(worker->desk, &done)); /* without an answer desk sees our end */
    _exit(0);
}

/* Rules are compiled here: it takes seconds, and their texts may come from anywhere. */
static void worker_compile(struct worker *worker, struct str bundle)
{
    struct message done = {.type = MESSAGE_COMPILED};
    struct ruleset *ruleset = NULL;
    struct ruleset_report report = {0};
    struct why why = {0};
    struct buf text, set;
    buf_init(&text, COMPILED_SIZE_MAX);
    buf_init(&set, COMPILED_SIZE_MAX);
    struct arena *mem = arena_new(COMPILED_SIZE_MAX);
    enum err err = mem == NULL ? ERR_MEMORY : ruleset_load(bundle, mem, &ruleset, &report, &why);
    err = err == OK ? ruleset_report_print(&report, &text) : err;
    err = err == OK ? ruleset_encode(ruleset, &set) : err;
    if (err == OK) {
        done.compiled = (struct compiled_message){.loaded = report.loaded,
                                                  .refused = report.refused.count,
                                                  .needs_values = report.needs_values.count,
                                                  .report = buf_str(&text),
                                                  .set = buf_str(&set)};
    } else {
        done.compiled.error = str_from(why_text(&why, err));
    }
    UNHEEDED(link_send(worker->desk, &done)); /* without an answer desk sees our end */
    _exit(0);
}

/* What core lent becomes a segment; core proves it before it counts. */
static void worker_seal(struct worker *worker, struct message *message)
{
    struct scope *scope;
    struct file *output = NULL;
    struct why why = {0};
    enum err err = scope_decode(message->seal.scope, &scope);
    err = err == OK ? file_adopt(message_take_descriptor(message), &output) : err;
    err = err == OK ? seal_make(scope, worker->reader, message->seal.order, output, &why) : err;
    const struct message sealed = {
        .type = MESSAGE_SEALED,
        .sealed = {(uint64_t)err, err == OK ? (struct str){0} : str_from(why_text(&why, err))}};
    UNHEEDED(link_send(worker->core, &sealed)); /* without an answer core sees our end */
    _exit(0);
}

static enum err pack(struct worker *worker, struct packing_made *made, struct why *why)
{
    const struct pack_message *asked = &worker->job.pack;
    struct packing packing = {.reader = worker->reader,
                              .proof = &worker->proof,
                              .client = {(uint32_t)asked->client},
                              .room = asked->room,
                              .now = wall_now()};
    struct scope *scope;
    enum err err = scope_decode(asked->scope, &scope);
    packing.scope = scope;
    err = err == OK ? file_adopt(worker->files[0], &packing.to) : err;
    err = err == OK ? file_adopt(worker->files[1], &packing.scratch) : err;
    reader_heed(worker->reader, asker_gone, worker);
    return err == OK ? packing_make(&packing, asked->job, made, why) : err;
}

/* A package for whoever asked for logs: its file is desk's, which looks at it again. */
static void worker_pack(struct worker *worker)
{
    struct packing_made made = {0};
    struct why why = {0};
    enum err err = pack(worker, &made, &why);
    const struct message packed = {
        .type = MESSAGE_PACKED,
        .packed = {.err = (uint64_t)err,
                   .size = made.size,
                   .events = made.events,
                   .sha256 = str_from(made.sha256),
                   .error = err == OK ? STR("") : str_from(why_text(&why, err))}};
    UNHEEDED(link_send(worker->desk, &packed)); /* without an answer desk sees our end */
    _exit(0);
}

static void worker_try(struct worker *worker)
{
    if (!worker->limited || !worker->job_whole) {
        return;
    }
    if (worker->job.type == MESSAGE_COMPILE) {
        worker_compile(worker, worker->job.compile.bundle);
    }
    if (worker->job.type == MESSAGE_PASSWORD) {
        worker_password(worker, &worker->job.password);
    }
    if (worker->core_gone && !worker->journals_whole) {
        process_fail(worker->process, "core is gone", ERR_CLOSED, NULL);
    }
    if (worker->journals_whole && worker->job.type == MESSAGE_PACK) {
        if (!worker->proof_whole) {
            process_fail(worker->process, "a package without its proof", ERR_CORRUPT, NULL);
        }
        worker_pack(worker);
    }
    if (worker->journals_whole) {
        worker_read(worker);
    }
}

/* ---- What comes in. */

static void worker_desk_spoke(void *context, struct link *link, struct message *message,
                              enum err err)
{
    struct worker *worker = context;
    (void)err;
    if (message == NULL) {
        link_free(link);
        worker->desk = NULL;
        if (!worker->job_whole || worker->connection < 0) {
            _exit(0); /* whoever is to get the answer is gone */
        }
        return;
    }
    bool job = message->type == MESSAGE_JOB && message->descriptors_count <= 1;
    bool asked = message->type == MESSAGE_PASSWORD || message->type == MESSAGE_COMPILE;
    bool packs = message->type == MESSAGE_PACK && message->descriptors_count == 2;
    if ((!job && !asked && !packs) || worker->job_whole) {
        process_fail(worker->process, "job", ERR_CORRUPT, NULL);
    }
    size_t size = message_texts_size(message);
    worker->job_packet = malloc(size + 1);
    if (worker->job_packet == NULL) {
        process_fail(worker->process, "job", ERR_MEMORY, NULL);
    }
    if (packs) {
        worker->files[0] = message_take_descriptor(message);
        worker->files[1] = message_take_descriptor(message);
    } else {
        worker->connection = message_take_descriptor(message);
    }
    worker->job = *message;
    message_texts_copy(&worker->job, worker->job_packet);
    worker->job_whole = true;
    worker_try(worker);
}

static void worker_proof(struct worker *worker, struct message *message)
{
    struct why why = {0};
    int descriptors[3] = {-1, -1, -1};
    for (size_t i = 0; i < 3; i++) {
        if ((message->proof.there & UINT64_C(1) << i) != 0) {
            descriptors[i] = message_take_descriptor(message);
        }
    }
    enum err err = worker->proof_whole
                       ? ERR_CORRUPT
                       : package_proof_add(descriptors, message->proof.grant, &worker->proof, &why);
    if (err != OK) {
        process_fail(worker->process, "proof", err, &why);
    }
    worker->proof_whole = true;
}

static void worker_core_spoke(void *context, struct link *link, struct message *message,
                              enum err err)
{
    struct worker *worker = context;
    struct why why = {0};
    if (message == NULL) {
        link_free(link);
        worker->core = NULL;
        worker->core_gone = true;
        worker_try(worker); /* a job that needs no journals goes on */
        return;
    }
    if (message->type == MESSAGE_SEAL && message->descriptors_count >= 1) {
        worker_seal(worker, message);
    }
    if (message->type == MESSAGE_JOURNALS_END) {
        worker->journals_whole = true;
        worker_try(worker);
        return;
    }
    if (message->type == MESSAGE_PROOF) {
        worker_proof(worker, message);
        return;
    }
    err = message->type != MESSAGE_JOURNAL || message->descriptors_count != 1
              ? ERR_CORRUPT
              : reader_add(worker->reader, message_take_descriptor(message), message->journal.grant,
                           &why);
    if (err == OK && ++worker->lent % LENT_AT_ONCE == 0) {
        const struct message more = {.type = MESSAGE_JOURNALS_MORE};
        UNHEEDED(link_send(worker->core, &more));
    }
    if (err != OK) {
        process_fail(worker->process, "journal", err, &why);
    }
}
