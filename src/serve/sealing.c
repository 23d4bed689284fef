/*
 * One job at a time: looked for in small steps, so that turns stay short; given to a worker that
 * runs when nobody else wants to; its result adopted between two turns.
 *
 *     tick → archive_seal_next … → WANT_WORKER → (it comes) JOURNAL …, SEAL → SEALED → adopt
 *
 * A worker that dies, fails, or lies costs nothing but its time: the journal or the segments that
 * it worked on are as they were.  The same is tried again after some minutes.
 *
 * Always true: there is a seal under way in the archive exactly while `seal` is set.
 */

#include "serve/sealing.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "sys/clocks.h"

#define STEP_FRAMES  1000
#define STEP_MS      20
#define WORKERS_FROM ((uint64_t)1 << 63) /* numbers of desk's workers are below */

struct sealing {
    struct process *process;
    struct spine *spine;
    struct timer *step;
    struct seal *seal;
    struct link *link;
    uint64_t worker;
    bool armed;
    enum err failing;
};

static void sealing_step(void *context);

enum err sealing_new(struct process *process, struct spine *spine, struct sealing **ret)
{
    struct sealing *sealing = calloc(1, sizeof *sealing);
    if (sealing == NULL) {
        return ERR_MEMORY;
    }
    *sealing = (struct sealing){.process = process, .spine = spine, .worker = WORKERS_FROM};
    enum err err = timer_new(process->loop, sealing_step, sealing, &sealing->step);
    if (err != OK) {
        free(sealing);
        return err;
    }
    *ret = sealing;
    return OK;
}

static void job_end(struct sealing *sealing, bool abandon)
{
    if (abandon && sealing->seal != NULL) {
        archive_seal_abandon(sealing->spine->archive, sealing->seal, wall_now());
    }
    sealing->seal = NULL;
    link_free(sealing->link);
    sealing->link = NULL;
}

void sealing_free(struct sealing *sealing)
{
    if (sealing != NULL) {
        job_end(sealing, true);
        timer_free(sealing->step);
        free(sealing);
    }
}

static void failed_say(struct sealing *sealing, const char *what, enum err err,
                       const struct why *why)
{
    if (sealing->failing != err) {
        process_say(sealing->process, "%s: %s", what, why_text(why, err));
    }
    sealing->failing = err;
}

static void step_soon(struct sealing *sealing)
{
    if (!sealing->armed) {
        sealing->armed = true;
        timer_set(sealing->step, STEP_MS, 0);
    }
}

static void sealing_step(void *context)
{
    struct sealing *sealing = context;
    struct spine *spine = sealing->spine;
    struct seal *seal = NULL;
    bool more = false;
    sealing->armed = false;
    if (sealing->seal != NULL) {
        return;
    }
    enum err err =
        archive_seal_next(spine->archive, &spine->sealing, wall_now(), STEP_FRAMES, &seal, &more);
    if (err != OK) {
        failed_say(sealing, "nothing is sealed at the moment", err, NULL);
        return;
    }
    if (seal == NULL) {
        if (more) {
            step_soon(sealing);
        }
        return;
    }
    sealing->seal = seal;
    sealing->worker++;
    const struct message want = {.type = MESSAGE_WANT_WORKER, .want_worker = {sealing->worker, 0}};
    if (link_send(sealing->process->parent, &want) != OK) {
        job_end(sealing, true);
    }
}

void sealing_tick(struct sealing *sealing, struct wall now)
{
    if (sealing->seal != NULL) {
        return;
    }
    enum err err = archive_journals_remove(sealing->spine->archive, &sealing->spine->sealing, now);
    if (err != OK) {
        failed_say(sealing, "sealed journals cannot be removed", err, NULL);
    }
    step_soon(sealing);
}

/* ---- The worker. */

static void worker_spoke(void *context, struct link *link, struct message *message, enum err err)
{
    struct sealing *sealing = context;
    struct why why = {0};
    (void)err;
    if (link != sealing->link) {
        return;
    }
    if (message != NULL && message->type == MESSAGE_JOURNALS_MORE) {
        return;
    }
    bool made = message != NULL && message->type == MESSAGE_SEALED && message->sealed.err == OK;
    if (message != NULL && message->type == MESSAGE_SEALED && !made) {
        process_say(sealing->process, "a segment could not be made: %.*s",
                    STR_ARG(message->sealed.text));
    }
    struct seal *seal = sealing->seal;
    if (made && seal != NULL) {
        sealing->seal = NULL; /* the archive ends it, whatever comes */
        enum err adopted = archive_seal_adopt(sealing->spine->archive, seal, wall_now(), &why);
        if (adopted != OK) {
            failed_say(sealing, "a segment was not adopted", adopted, &why);
        } else {
            sealing->failing = OK;
        }
    }
    job_end(sealing, !made);
    step_soon(sealing);
}

static enum err inputs_lend(struct sealing *sealing)
{
    struct buf grant;
    enum err err = OK;
    buf_init(&grant, MESSAGE_SIZE_MAX / 2);
    for (size_t index = 0; err == OK; index++) {
        int descriptor;
        buf_reset(&grant);
        err = archive_seal_lend(sealing->spine->archive, sealing->seal, index, &descriptor, &grant);
        if (err == OK) {
            const struct message journal = {.type = MESSAGE_JOURNAL,
                                            .journal = {.grant = buf_str(&grant)},
                                            .descriptors = {descriptor},
                                            .descriptors_count = 1};
            err = link_send(sealing->link, &journal);
            (void)close(descriptor);
        }
    }
    buf_done(&grant);
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err order_send(struct sealing *sealing)
{
    struct buf scope;
    const struct spine_client *client =
        spine_client_find(sealing->spine, seal_client(sealing->seal));
    if (client == NULL) {
        return ERR_NOT_FOUND;
    }
    buf_init(&scope, MESSAGE_SIZE_MAX / 4);
    enum err err = scope_encode(client->scope, &scope);
    const struct message order = {
        .type = MESSAGE_SEAL,
        .seal = {.scope = buf_str(&scope), .order = seal_order(sealing->seal)},
        .descriptors = {file_descriptor(seal_output(sealing->seal))},
        .descriptors_count = 1};
    err = err == OK ? link_send(sealing->link, &order) : err;
    buf_done(&scope);
    return err;
}

bool sealing_worker_came(struct sealing *sealing, uint64_t worker, int channel)
{
    if (worker < WORKERS_FROM) {
        return false;
    }
    if (sealing == NULL || worker != sealing->worker || sealing->seal == NULL || channel < 0) {
        if (channel >= 0) {
            (void)close(channel);
        }
        if (sealing != NULL && worker == sealing->worker) {
            job_end(sealing, true);
        }
        return true;
    }
    enum err err = link_new(sealing->process->loop, channel, worker_spoke, sealing, &sealing->link);
    err = err == OK ? inputs_lend(sealing) : err;
    err = err == OK ? order_send(sealing) : err;
    if (err != OK) {
        failed_say(sealing, "a worker could not be given what is to be sealed", err, NULL);
        job_end(sealing, true);
    }
    return true;
}
