/*
 * Operations of the API that a worker answers, since they read a client's archive: searches, tables
 * of events, the lines behind an incident's alerts, and why an alert came.
 *
 *     job ──► (waits) ──► worker wanted ──► worker came: core lends, worker gets the job ──► answer
 *
 * Always true:
 *
 *   (1) the worker reads under the scope of whoever asked, and is lent that client's journals
 * alone; (2) a person has at most PORTAL_SEARCHES_PERSON searches at once, a client's own people
 * PORTAL_SEARCHES_CLIENT and all together PORTAL_SEARCHES_MAX, and who asks for more is told to
 * come again; what is answered in a moment waits for its turn; (3) when nobody listens any more,
 * the link to the worker is cut, and the worker ends at its next frame.
 */

#include "serve/desk.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "serve/answer.h"
#include "serve/explaining.h"

#define QUICK_MAX   8  /* workers that explain or quote at once */
#define WAITING_MAX 64 /* of them and those that wait */
#define PERSON_MAX  16 /* of these one person's: some tabs that are opened together */

struct desk_job {
    struct desk_job *next;
    uint64_t worker; /* 0: waits for its turn */
    uint64_t call;   /* portal's */
    struct link *link;
    enum api_job_kind kind;
    struct client_id client;
    uint32_t person;
    bool own; /* the person is the client's own */
    enum language language;
    uint64_t from_place, before, limit;
    struct wall from, to;
    struct buf scope, text, sources;
};

static void jobs_begin(struct desk *desk);

static bool is_search(enum api_job_kind kind)
{
    return kind == API_JOB_SEARCH || kind == API_JOB_CSV;
}

static void job_free(struct desk_job *job)
{
    link_free(job->link);
    buf_done(&job->scope);
    buf_done(&job->text);
    buf_done(&job->sources);
    free(job);
}

/* What the ledger knows is packed now, under the scope of whoever asked. */
static enum err explanation_pack(struct desk *desk, struct desk_job *job, uint64_t alert,
                                 struct why *why)
{
    struct scope *scope;
    const struct explaining_question question = {
        .client = job->client, .alert = alert, .sources = buf_str(&job->sources)};
    enum err err = scope_decode(buf_str(&job->scope), &scope);
    if (err == OK) {
        err = explaining_pack(scope, desk->rooms.ledger, desk->rooms.service, &question, &job->text,
                              why);
        scope_free(scope);
    }
    return err;
}

static enum err job_fill(struct desk *desk, struct desk_job *job, const struct api_job *asked,
                         struct why *why)
{
    buf_init(&job->scope, MESSAGE_SIZE_MAX / 2);
    buf_init(&job->text, (size_t)1 << 30);
    buf_init(&job->sources, (size_t)16 << 20);
    enum err err = buf_append(&job->scope, buf_str(&asked->scope));
    err = err == OK ? buf_append(&job->text, buf_str(&asked->text)) : err;
    err = err == OK ? answer_sources(desk->rooms.tenant, job->client, &job->sources) : err;
    if (err == OK && job->kind == API_JOB_EXPLAIN) {
        err = explanation_pack(desk, job, asked->alert, why);
    }
    return err;
}

/* Whether somebody asks for what is theirs; the provider's people work for all clients. */
static bool is_own(const struct api_job *asked)
{
    struct scope *scope;
    if (scope_decode(buf_str(&asked->scope), &scope) != OK) {
        return true;
    }
    bool own = scope_side(scope, asked->client) == SIDE_CLIENT;
    scope_free(scope);
    return own;
}

/* Whether one more of its kind may be asked for. */
static bool has_room(const struct desk *desk, const struct api_job *asked, bool own)
{
    bool search = is_search(asked->kind);
    size_t count = 0, of_person = 0, of_client = 0;
    for (const struct desk_job *other = desk->jobs; other != NULL; other = other->next) {
        if (is_search(other->kind) == search) {
            of_person += other->person == asked->person;
            of_client += other->own && client_equal(other->client, asked->client);
            count++;
        }
    }
    return search ? count < PORTAL_SEARCHES_MAX && of_person < PORTAL_SEARCHES_PERSON &&
                        (!own || of_client < PORTAL_SEARCHES_CLIENT)
                  : count < WAITING_MAX && of_person < PERSON_MAX;
}

void desk_archive_begin(struct desk *desk, uint64_t call, const struct api_job *asked)
{
    struct why why = {0};
    bool own = is_own(asked);
    struct desk_job *job = has_room(desk, asked, own) ? calloc(1, sizeof *job) : NULL;
    if (job == NULL) {
        desk_api_answer(desk, call, asked, ERR_AGAIN, (struct str){0});
        return;
    }
    *job = (struct desk_job){.call = call,
                             .kind = asked->kind,
                             .client = asked->client,
                             .person = asked->person,
                             .own = own,
                             .language = asked->language,
                             .from_place = asked->from_place,
                             .before = asked->before,
                             .limit = asked->limit,
                             .from = asked->from,
                             .to = asked->to};
    enum err err = job_fill(desk, job, asked, &why);
    if (err != OK) {
        desk_api_answer(desk, call, asked, err, str_from(why_text(&why, err)));
        job_free(job);
        return;
    }
    struct desk_job **last = &desk->jobs;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = job;
    jobs_begin(desk);
}

/* Asks parent for workers, in the order in which they were asked for. */
static void jobs_begin(struct desk *desk)
{
    size_t quick = 0;
    for (struct desk_job *job = desk->jobs; job != NULL; job = job->next) {
        bool search = is_search(job->kind);
        if (job->worker == 0 && (search || quick < QUICK_MAX)) {
            const struct message want = {.type = MESSAGE_WANT_WORKER,
                                         .want_worker = {++desk->workers, 0}};
            job->worker = desk->workers;
            if (link_send(desk->process->parent, &want) != OK) {
                process_fail(desk->process, "parent", ERR_CLOSED, NULL);
            }
        }
        quick += !search;
    }
}

static void job_remove(struct desk *desk, struct desk_job *job)
{
    struct desk_job **at = &desk->jobs;
    while (*at != job) {
        at = &(*at)->next;
    }
    *at = job->next;
    job_free(job);
}

static void job_end(struct desk *desk, struct desk_job *job, enum err err, struct str text)
{
    const struct api_job asked = {.kind = job->kind, .language = job->language};
    desk_api_answer(desk, job->call, &asked, err, text);
    job_remove(desk, job);
    jobs_begin(desk);
}

void desk_archive_gone(struct desk *desk, uint64_t call)
{
    struct desk_job *job = desk->jobs;
    while (job != NULL && job->call != call) {
        job = job->next;
    }
    if (job != NULL) {
        job_remove(desk, job); /* a worker that comes later finds nobody */
        jobs_begin(desk);
    }
}

void desk_archive_forget(struct desk *desk)
{
    while (desk->jobs != NULL) {
        job_remove(desk, desk->jobs);
    }
}

/* ---- The worker. */

static void worker_spoke(void *context, struct link *link, struct message *message, enum err err)
{
    struct desk *desk = context;
    struct desk_job *job = desk->jobs;
    (void)err;
    while (job != NULL && job->link != link) {
        job = job->next;
    }
    if (job == NULL) {
        return;
    }
    if (message == NULL || message->type != MESSAGE_ANSWERED ||
        message->answered.err >= ERR_COUNT) {
        job_end(desk, job, ERR_AGAIN, (struct str){0});
    } else {
        job_end(desk, job, (enum err)message->answered.err, message->answered.text);
    }
}

static unsigned job_command(enum api_job_kind kind)
{
    static const unsigned commands[API_JOB_KIND_COUNT] = {
        [API_JOB_EXPLAIN] = CONTROL_EXPLAIN,
        [API_JOB_SEARCH] = READING_SURVEY,
        [API_JOB_CSV] = READING_TABLE,
        [API_JOB_EVIDENCE] = READING_EVIDENCE,
    };
    return commands[kind];
}

static enum err job_give(struct desk *desk, struct desk_job *job)
{
    bool search = is_search(job->kind);
    const struct message lend = {.type = MESSAGE_LEND,
                                 .lend = {.worker = job->worker,
                                          .client = job->client.value,
                                          .from = job->from_place,
                                          .since = (uint64_t)(search ? job->from.ns : INT64_MIN),
                                          .until = (uint64_t)(search ? job->to.ns : INT64_MAX),
                                          .scope = buf_str(&job->scope)}};
    const struct message what = {.type = MESSAGE_JOB,
                                 .job = {.command = job_command(job->kind),
                                         .client = job->client.value,
                                         .from = (uint64_t)(search ? job->from.ns : INT64_MIN),
                                         .to = (uint64_t)(search ? job->to.ns : INT64_MAX),
                                         .format = FORMAT_NDJSON,
                                         .before = job->before,
                                         .limit = job->limit,
                                         .scope = buf_str(&job->scope),
                                         .sources = buf_str(&job->sources),
                                         .text = buf_str(&job->text)}};
    enum err err = link_send(desk->core, &lend);
    return err == OK ? link_send(job->link, &what) : err;
}

bool desk_reader_came(struct desk *desk, uint64_t worker, int channel)
{
    struct desk_job *job = desk->jobs;
    while (job != NULL && job->worker != worker) {
        job = job->next;
    }
    if (job == NULL || worker == 0) {
        return false;
    }
    enum err err = channel < 0 || desk->core == NULL ? ERR_CLOSED : OK;
    if (channel >= 0 && err != OK) {
        (void)close(channel);
    }
    if (err == OK) {
        err = link_new(desk->process->loop, channel, worker_spoke, desk, &job->link);
    }
    err = err == OK ? job_give(desk, job) : err;
    if (err != OK) {
        job_end(desk, job, ERR_AGAIN, (struct str){0});
    }
    return true;
}
