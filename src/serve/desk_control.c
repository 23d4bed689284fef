/*
 * The control socket's side of desk: who asks is known from the kernel (SO_PEERCRED), what is asked
 * is one REQUEST, and the answer is OUTPUT … and DONE.  What needs the archive is handed to a
 * worker together with the connection; core lends that worker the client's journals, at desk's word
 * only.
 */

#include "serve/desk.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "codec/time.h"
#include "serve/answer.h"
#include "serve/explaining.h"
#include "serve/reading.h"
#include "sys/clocks.h"

#define ANSWER_SIZE_MAX ((size_t)256 << 20)

struct connection {
    struct desk *desk;
    struct link *link;
    int descriptor; /* the link's; valid while the link lives */
    uint32_t user;
};

static void connection_spoke(void *context, struct link *link, struct message *message,
                             enum err err);
static void connection_free(struct connection *connection);
static void request_answer(struct connection *connection, const struct control_request *request);

enum err desk_control_came(struct desk *desk, int descriptor)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        (void)close(descriptor);
        return OK;
    }
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        (void)close(descriptor);
        return OK;
    }
    *connection = (struct connection){.desk = desk, .descriptor = descriptor, .user = peer.uid};
    if (link_new(desk->process->loop, descriptor, connection_spoke, connection,
                 &connection->link) != OK) {
        free(connection);
    }
    return OK;
}

static void connection_free(struct connection *connection)
{
    link_free(connection->link);
    free(connection);
}

static void connection_end(struct connection *connection, int code, struct str error)
{
    const struct message done = {.type = MESSAGE_DONE,
                                 .done = {.code = (uint64_t)code, .error = error}};
    UNHEEDED(link_send(connection->link, &done));
}

static void connection_fail(struct connection *connection, enum err err, const struct why *why)
{
    connection_end(connection, control_code(err), str_from(why_text(why, err)));
}

static void connection_spoke(void *context, struct link *link, struct message *message,
                             enum err err)
{
    struct connection *connection = context;
    (void)link;
    (void)err;
    if (message == NULL) {
        connection_free(connection);
        return;
    }
    const struct request_message *asked = &message->request;
    if (message->type != MESSAGE_REQUEST || asked->command >= CONTROL_COMMAND_COUNT ||
        asked->format >= FORMAT_COUNT) {
        connection_end(connection, 76,
                       STR("this is no request; are both programs of one version?"));
        return;
    }
    if (connection->user != 0 && connection->user != connection->desk->process->setup.controller) {
        connection_end(connection, 77, STR("only root and the service's own user may ask"));
        return;
    }
    const struct control_request request = {
        .command = (enum control_command)asked->command,
        .tenant = asked->tenant,
        .argument = asked->argument,
        .note = asked->note,
        .text = asked->text,
        .from = {(int64_t)asked->from},
        .to = {(int64_t)asked->to},
        .format = (enum output_format)asked->format,
        .count = asked->count != 0,
        .after = asked->after,
        .limit = asked->limit,
    };
    request_answer(connection, &request);
}

/* ---- Answers of our own. */

static enum err books_gather(const struct desk *desk, struct arena *mem, struct books_view *ret)
{
    struct account *accounts = ARENA_ARRAY(mem, struct account, SOURCES_MAX);
    size_t count = 0;
    if (accounts == NULL) {
        return ERR_MEMORY;
    }
    while (count < SOURCES_MAX && books_account_at(desk->books, count, &accounts[count])) {
        count++;
    }
    *ret = (struct books_view){.accounts = accounts, .count = count};
    struct books_snapshot *list;
    size_t known;
    enum err err = books_snapshot_load(desk->rooms.ledger, mem, &list, &known);
    if (err == OK) {
        books_view_gap(ret, list, known);
    }
    return err;
}

static enum err answer_make(struct desk *desk, const struct scope *scope,
                            const struct control_request *request, struct buf *out, struct why *why)
{
    struct books_view view;
    struct arena *mem;
    enum err err;
    switch (request->command) {
    case CONTROL_TENANT_APPLY:
        err = answer_apply(scope, desk->rooms.service, request, wall_now(), out, why);
        if (err == OK && request->format != FORMAT_NDJSON) {
            err = answer_notes(desk->rooms.tenant, desk->process->setup.listeners, desk->zones,
                               wall_now(), out);
        }
        desk_work_soon(desk);
        return err == OK ? desk_tell_tenants(desk) : err;
    case CONTROL_TENANT_EXPORT:
        return answer_export(scope, desk->rooms.tenant, desk->rooms.service, request, out, why);
    case CONTROL_TENANT_LIST:
        return answer_list(scope, desk->rooms.tenant, desk->rooms.ledger, request, out);
    case CONTROL_API:
        return desk_api_command(desk, scope, request, out, why);
    case CONTROL_RULES_EDITIONS:
        return answer_editions(scope, desk->rooms.ledger, request, out);
    case CONTROL_MINUTES:
        return answer_minutes(scope, &desk->rooms, request, out, why);
    case CONTROL_DEVICES:
        return answer_devices(scope, &desk->rooms, desk->vigils, request, wall_now(), out, why);
    case CONTROL_BACKUP:
        return desk_backup_begin(desk, out, why);
    case CONTROL_KEY:
        return buf_print(out, "%.*s\n", STR_ARG(service_key(desk->rooms.service)));
    default:
        mem = arena_new((size_t)64 << 20);
        err = mem == NULL ? ERR_MEMORY : books_gather(desk, mem, &view);
        if (err == OK) {
            err = answer_books(scope, desk->rooms.tenant, request, &view, out, why);
        }
        arena_free(mem);
        return err;
    }
}

static void answer_send(struct connection *connection, struct str text)
{
    while (text.size > 0) {
        const struct message output = {
            .type = MESSAGE_OUTPUT, .output = {.text = str_slice(text, 0, MESSAGE_SIZE_MAX / 2)}};
        if (link_send(connection->link, &output) != OK) {
            connection_free(connection); /* it does not listen */
            return;
        }
        text = str_slice(text, MESSAGE_SIZE_MAX / 2, text.size);
    }
    connection_end(connection, 0, (struct str){0});
}

/* ---- Errands for workers. */

static void errand_free(struct desk_errand *errand)
{
    (void)close(errand->connection);
    scope_free(errand->scope);
    buf_done(&errand->slug);
    buf_done(&errand->sources);
    buf_done(&errand->text);
    *errand = (struct desk_errand){0};
}

static enum err errand_fill(struct desk *desk, struct desk_errand *errand,
                            const struct control_request *request, struct why *why)
{
    enum err err = answer_client(desk->rooms.tenant, request->tenant, &errand->client, why);
    buf_init(&errand->slug, 256);
    buf_init(&errand->sources, (size_t)16 << 20);
    buf_init(&errand->text, ANSWER_SIZE_MAX);
    errand->request = *request;
    errand->as_live = str_equal(request->argument, STR("as-of-live"));
    if (err == OK) {
        err = buf_append(&errand->slug, request->tenant);
    }
    if (err == OK) {
        err = answer_sources(desk->rooms.tenant, errand->client, &errand->sources);
    }
    if (err == OK && request->command == CONTROL_ALERTS) {
        err = reading_alerts_gather(errand->scope, desk->rooms.ledger, errand->client, request,
                                    &errand->text);
    } else if (err == OK && request->command == CONTROL_EXPLAIN) {
        const struct explaining_question question = {.client = errand->client,
                                                     .alert = request->after,
                                                     .rule = request->argument,
                                                     .sequence = request->limit,
                                                     .sources = buf_str(&errand->sources)};
        err = explaining_pack(errand->scope, desk->rooms.ledger, desk->rooms.service, &question,
                              &errand->text, why);
    } else if (err == OK && answer_judges(request->command)) {
        err = answer_rules(desk->rooms.ledger, request, &errand->text, why);
    } else if (err == OK) {
        err = request->text.size > QUERY_SIZE_MAX ? ERR_LIMIT
                                                  : buf_append(&errand->text, request->text);
    }
    return err;
}

/* Keeps the request and asks parent for a worker; takes the scope. */
static enum err errand_begin(struct connection *connection, struct scope *scope,
                             const struct control_request *request, struct why *why)
{
    struct desk *desk = connection->desk;
    struct desk_errand *errand = NULL;
    for (size_t i = 0; i < DESK_ERRANDS_MAX && errand == NULL; i++) {
        errand = desk->errands[i].worker == 0 ? &desk->errands[i] : NULL;
    }
    if (errand == NULL) {
        scope_free(scope);
        return why_say(why, ERR_AGAIN, 0, "too many searches are running; try again later");
    }
    *errand = (struct desk_errand){.worker = ++desk->workers,
                                   .scope = scope,
                                   .connection = fcntl(connection->descriptor, F_DUPFD_CLOEXEC, 0)};
    enum err err = errand->connection < 0 ? ERR_IO : errand_fill(desk, errand, request, why);
    if (err == OK) {
        const struct message want = {.type = MESSAGE_WANT_WORKER,
                                     .want_worker = {errand->worker, 0}};
        err = link_send(desk->process->parent, &want);
    }
    if (err != OK) {
        errand_free(errand);
    }
    return err;
}

/* There is no worker for it.  An asker that does not listen finds the connection closed. */
static void errand_refuse(const struct desk_errand *errand)
{
    const struct message done = {
        .type = MESSAGE_DONE,
        .done = {.code = (uint64_t)control_code(ERR_AGAIN),
                 .error = STR("no worker can be started at the moment; try again later")}};
    UNHEEDED(message_send(errand->connection, &done));
}

enum err desk_worker_came(struct desk *desk, uint64_t worker, int channel)
{
    struct desk_errand *errand = NULL;
    for (size_t i = 0; i < DESK_ERRANDS_MAX && worker != 0; i++) {
        errand = desk->errands[i].worker == worker ? &desk->errands[i] : errand;
    }
    if (errand == NULL) {
        if (channel >= 0) {
            (void)close(channel);
        }
        return OK;
    }
    if (channel < 0 || desk->core == NULL) {
        errand_refuse(errand);
        errand_free(errand);
        if (channel >= 0) {
            (void)close(channel);
        }
        return OK;
    }
    struct buf scope;
    buf_init(&scope, MESSAGE_SIZE_MAX / 2);
    enum err err = scope_encode(errand->scope, &scope);
    bool timed = errand->request.command == CONTROL_SEARCH;
    const struct message lend = {
        .type = MESSAGE_LEND,
        .lend = {.worker = worker,
                 .client = errand->client.value,
                 .since = (uint64_t)(timed ? errand->request.from.ns : INT64_MIN),
                 .until = (uint64_t)(timed && wall_known(errand->request.to) ? errand->request.to.ns
                                                                             : INT64_MAX),
                 .scope = buf_str(&scope)}};
    const struct message job = {.type = MESSAGE_JOB,
                                .job = {.command = errand->request.command,
                                        .client = errand->client.value,
                                        .from = (uint64_t)errand->request.from.ns,
                                        .to = (uint64_t)errand->request.to.ns,
                                        .format = errand->request.format,
                                        .count = errand->request.count || errand->as_live,
                                        .limit = timed ? errand->request.limit : 0,
                                        .scope = buf_str(&scope),
                                        .slug = buf_str(&errand->slug),
                                        .sources = buf_str(&errand->sources),
                                        .text = buf_str(&errand->text)},
                                .descriptors = {errand->connection},
                                .descriptors_count = 1};
    if (err == OK) {
        err = link_send(desk->core, &lend);
    }
    if (err == OK) {
        err = message_send(channel, &job);
    }
    if (err != OK) {
        process_say(desk->process, "a worker could not be given its job: %s", err_text(err));
    }
    /* The worker has the connection now; when it dies without an answer, the asker sees the end. */
    (void)close(channel);
    buf_done(&scope);
    errand_free(errand);
    return OK;
}

/* What a command reads of a client's logs stands in the audit trail before it is read, in the words
 * of the API's operations (portal/api_archive.c takes them apart again). */
static enum err errand_audit(struct desk *desk, const struct scope *scope,
                             const struct control_request *request, struct wall now)
{
    char from[TIME_TEXT_SIZE];
    char to[TIME_TEXT_SIZE];
    struct str object;
    struct str what;
    struct client_id client = {0};
    struct wall begin = wall_known(request->from) ? request->from : (struct wall){0};
    struct wall end = wall_known(request->to) && request->to.ns < now.ns ? request->to : now;
    struct arena *mem = arena_new(2 * QUERY_SIZE_MAX + 4096);
    enum err err = mem == NULL ? ERR_MEMORY
                               : arena_print(mem, &object, "client %.*s", STR_ARG(request->tenant));
    if (err == OK) { /* what is asked of a client that is not there is kept too, as nobody's */
        err = tenant_client_find(desk->rooms.tenant, request->tenant, &client);
        err = err == ERR_NOT_FOUND ? OK : err;
    }
    if (err == OK && request->command == CONTROL_SEARCH) {
        err = arena_print(mem, &what, "events %s to %s: %.*s", time_print(begin, from),
                          time_print(end, to), STR_ARG(request->text));
    } else if (err == OK) {
        what = request->command == CONTROL_ALERTS    ? STR("alerts, with the lines behind them")
               : request->command == CONTROL_EXPLAIN ? STR("an alert's event")
                                                     : STR("all events, judged by other rules");
    }
    err = err == OK ? ledger_begin(desk->rooms.ledger) : err;
    if (err == OK) {
        err = ledger_audit(desk->rooms.ledger, now.ns, client.value, scope_principal(scope),
                           STR("read"), object, what);
        err = err == OK ? ledger_commit(desk->rooms.ledger) : err;
        ledger_rollback(desk->rooms.ledger);
    }
    arena_free(mem);
    return err;
}

/* ---- One request. */

/* Who looks at something is written down, also on a full disk. */
static enum err scope_make(const struct connection *connection,
                           const struct control_request *request, struct scope **ret)
{
    struct desk *desk = connection->desk;
    struct str purpose = str_from(control_purpose(request->command));
    enum err err =
        scope_for_administrator(desk->rooms.tenant, connection->user, purpose, wall_now(), ret);
    if (err == ERR_FULL) {
        desk_spare_give(desk);
        err =
            scope_for_administrator(desk->rooms.tenant, connection->user, purpose, wall_now(), ret);
    }
    return err;
}

static void request_answer(struct connection *connection, const struct control_request *request)
{
    struct desk *desk = connection->desk;
    struct why why = {0};
    struct scope *scope;
    desk_transaction_end(desk);
    enum err err = scope_make(connection, request, &scope);
    if (err != OK) {
        connection_fail(connection, err, &why);
        return;
    }
    if (request->command == CONTROL_SEARCH || request->command == CONTROL_ALERTS ||
        request->command == CONTROL_EXPLAIN || answer_judges(request->command)) {
        err = errand_audit(desk, scope, request, wall_now());
        if (err == OK) {
            err = errand_begin(connection, scope, request, &why);
        } else {
            scope_free(scope);
        }
        if (err == OK) {
            connection_free(connection);
        } else {
            connection_fail(connection, err, &why);
        }
        return;
    }
    if (request->command == CONTROL_PROVIDE) {
        err = desk_provision_take(desk, scope, connection->descriptor, request, &why);
        if (err == OK) {
            connection_free(connection);
        } else {
            scope_free(scope);
            connection_fail(connection, err, &why);
        }
        return;
    }
    if (request->command == CONTROL_RULES_IMPORT || request->command == CONTROL_RULES_USE) {
        err = request->command == CONTROL_RULES_IMPORT
                  ? desk_rules_import(desk, scope, connection->descriptor, request, &why)
                  : desk_rules_use(desk, scope, connection->descriptor, request, &why);
        if (err == OK) {
            connection_free(connection);
        } else {
            scope_free(scope);
            connection_fail(connection, err, &why);
        }
        return;
    }
    if (request->command == CONTROL_BACKUP && str_equal(request->argument, STR("ends"))) {
        err = desk_backup_ends(desk, connection->descriptor, request->after, &why);
        scope_free(scope);
        if (err == OK) {
            connection_free(connection);
        } else {
            connection_fail(connection, err, &why);
        }
        return;
    }
    struct buf out;
    buf_init(&out, ANSWER_SIZE_MAX);
    err = answer_make(desk, scope, request, &out, &why);
    if (err == OK) {
        answer_send(connection, buf_str(&out));
    } else {
        connection_fail(connection, err, &why);
    }
    buf_done(&out);
    scope_free(scope);
}
