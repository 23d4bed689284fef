/*
 * Explanations that the API asks for: desk packs what the ledger knows, a worker reads the event
 * and answers to desk, desk to portal.
 *
 * Always true: the worker reads under the scope of whoever asked; at most EXPLAIN_MAX wait at a
 * time, and EXPLAIN_CLIENT_MAX of one client, so that nobody keeps the workers from others.
 */

#include "serve/desk.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "serve/answer.h"
#include "serve/explaining.h"
#include "sys/clocks.h"

#define EXPLAIN_MAX        8
#define EXPLAIN_CLIENT_MAX 2

struct desk_explain {
    struct desk_explain *next;
    uint64_t worker, call; /* call: portal's */
    struct link *link;
    struct client_id client;
    struct buf scope, packed, sources;
};

static void explain_free(struct desk_explain *explain)
{
    link_free(explain->link);
    buf_done(&explain->scope);
    buf_done(&explain->packed);
    buf_done(&explain->sources);
    free(explain);
}

static enum err explain_fill(struct desk *desk, struct desk_explain *explain,
                             const struct api_answer *answer)
{
    struct scope *scope;
    struct why why = {0};
    buf_init(&explain->scope, MESSAGE_SIZE_MAX / 2);
    buf_init(&explain->packed, (size_t)1 << 30);
    buf_init(&explain->sources, (size_t)16 << 20);
    enum err err = buf_append(&explain->scope, buf_str(&answer->scope));
    err = err == OK ? scope_decode(buf_str(&answer->scope), &scope) : err;
    if (err != OK) {
        return err;
    }
    err = answer_sources(desk->rooms.tenant, answer->client, &explain->sources);
    const struct explaining_question question = {
        .client = answer->client, .alert = answer->alert, .sources = buf_str(&explain->sources)};
    err = err == OK ? explaining_pack(scope, desk->rooms.ledger, desk->rooms.service, &question,
                                      &explain->packed, &why)
                    : err;
    scope_free(scope);
    return err;
}

enum err desk_explain_begin(struct desk *desk, uint64_t call, const struct api_answer *answer)
{
    size_t count = 0, of_client = 0;
    for (const struct desk_explain *other = desk->explains; other != NULL; other = other->next) {
        of_client += client_equal(other->client, answer->client);
        count++;
    }
    bool room = count < EXPLAIN_MAX && of_client < EXPLAIN_CLIENT_MAX;
    struct desk_explain *explain = room ? calloc(1, sizeof *explain) : NULL;
    if (explain == NULL) {
        return ERR_AGAIN;
    }
    explain->call = call;
    explain->client = answer->client;
    explain->worker = ++desk->workers;
    enum err err = explain_fill(desk, explain, answer);
    if (err == OK) {
        const struct message want = {.type = MESSAGE_WANT_WORKER, .want_worker = {explain->worker}};
        err = link_send(desk->process->parent, &want);
    }
    if (err != OK) {
        explain_free(explain);
        return err;
    }
    explain->next = desk->explains;
    desk->explains = explain;
    return OK;
}

static void explain_end(struct desk *desk, struct desk_explain *explain, enum err err,
                        struct str text)
{
    struct desk_explain **at = &desk->explains;
    while (*at != explain) {
        at = &(*at)->next;
    }
    *at = explain->next;
    desk_api_answer(desk, explain->call, err, text);
    explain_free(explain);
}

static void explainer_spoke(void *context, struct link *link, struct message *message, enum err err)
{
    struct desk *desk = context;
    struct desk_explain *explain = desk->explains;
    (void)err;
    while (explain != NULL && explain->link != link) {
        explain = explain->next;
    }
    if (explain == NULL) {
        return;
    }
    bool whole = message != NULL && message->type == MESSAGE_EXPLAINED;
    if (!whole) {
        explain_end(desk, explain, ERR_AGAIN, (struct str){0});
    } else {
        explain_end(desk, explain, message->explained.code == 0 ? OK : ERR_UNSUPPORTED,
                    message->explained.text);
    }
}

bool desk_explainer_came(struct desk *desk, uint64_t worker, int channel)
{
    struct desk_explain *explain = desk->explains;
    while (explain != NULL && explain->worker != worker) {
        explain = explain->next;
    }
    if (explain == NULL || worker == 0) {
        return false;
    }
    enum err err = channel < 0 || desk->core == NULL ? ERR_CLOSED : OK;
    if (channel >= 0 && err != OK) {
        (void)close(channel);
    }
    if (err == OK) {
        err = link_new(desk->process->loop, channel, explainer_spoke, desk, &explain->link);
    }
    const struct message lend = {.type = MESSAGE_LEND,
                                 .lend = {worker, explain->client.value, buf_str(&explain->scope)}};
    const struct message job = {.type = MESSAGE_JOB,
                                .job = {.command = CONTROL_EXPLAIN,
                                        .client = explain->client.value,
                                        .from = (uint64_t)INT64_MIN,
                                        .to = INT64_MAX,
                                        .format = FORMAT_NDJSON,
                                        .scope = buf_str(&explain->scope),
                                        .sources = buf_str(&explain->sources),
                                        .text = buf_str(&explain->packed)}};
    err = err == OK ? link_send(desk->core, &lend) : err;
    err = err == OK ? link_send(explain->link, &job) : err;
    if (err != OK) {
        explain_end(desk, explain, ERR_AGAIN, (struct str){0});
    }
    return true;
}
