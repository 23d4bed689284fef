/*
 * The API in desk: calls that portal hands over, and the same calls from the control socket.  A
 * call that needs a password checked waits for a worker, a few at once and the rest in a queue.
 *
 * Always true: portal is told nothing but the answer; who calls is found here, from the credential.
 */

#include "serve/desk.h"

#include <stdlib.h>
#include <unistd.h>

#include "codec/crypto.h"
#include "codec/json.h"
#include "codec/json_out.h"
#include "codec/password.h"
#include "codec/yaml.h"
#include "sys/clocks.h"

#define CALL_MEMORY ((size_t)256 << 20)

/* A password on its way through a worker. */
struct desk_password {
    struct desk_password *next;
    uint64_t worker; /* 0: waits for its turn */
    struct link *link;
    uint64_t ticket; /* of the api */
    uint64_t call;   /* portal's */
    struct buf password, hash;
};

static void passwords_begin(struct desk *desk);
static enum err password_queue(struct desk *desk, uint64_t call, const struct api_answer *answer);

static void failure_give(struct desk *desk, uint64_t call, enum err err);

static void answer_give(struct desk *desk, uint64_t call, const struct api_answer *answer)
{
    struct message message = {.type = MESSAGE_API_ANSWER,
                              .api_answer = {.ticket = call,
                                             .status = answer->status,
                                             .retry_seconds = answer->retry_seconds,
                                             .type = answer->type,
                                             .cookie = answer->cookie,
                                             .body = buf_str(&answer->body)}};
    if (answer->file.name.size > 0) {
        enum err err = desk_package_open(desk, answer->file.name, &message.descriptors[0]);
        if (err != OK) {
            failure_give(desk, call, err);
            return;
        }
        message.descriptors_count = 1;
        message.api_answer.file = answer->file.name;
        message.api_answer.file_size = answer->file.size;
    }
    if (desk->portal != NULL) {
        UNHEEDED(link_send(desk->portal, &message));
    }
    if (message.descriptors_count > 0) {
        (void)close(message.descriptors[0]);
    }
}

/* Something here failed: the caller hears no more than that, the operator hears what. */
static void failure_give(struct desk *desk, uint64_t call, enum err err)
{
    bool busy = err == ERR_AGAIN;
    enum word word = busy ? WORD_API_ERROR_BUSY : WORD_API_ERROR_FAILED;
    struct api_answer answer = {
        .status = busy ? 429 : 500, .type = STR("application/json"), .retry_seconds = busy ? 5 : 0};
    struct str ja = words_text(word, LANGUAGE_JA);
    struct str en = words_text(word, LANGUAGE_EN);
    buf_init(&answer.body, 1024);
    /* Whose language it is may not be known any more, so both are told. */
    UNHEEDED(buf_print(&answer.body, "{\"error\":{\"code\":\"%s\",\"text\":\"%.*s / %.*s\"}}",
                       busy ? "busy" : "failed", STR_ARG(ja), STR_ARG(en)));
    answer_give(desk, call, &answer);
    buf_done(&answer.body);
    if (!busy) {
        process_say(desk->process, "a call of the API failed: %s", err_text(err));
    }
}

/* A worker did its work, and there is no answer: for an explanation the reason is known, and the
 * other jobs fail so only by being too much. */
static enum err refusal_print(const struct api_job *job, struct str sentence, struct buf *out)
{
    struct json_out json;
    bool explain = job->kind == API_JOB_EXPLAIN;
    json_out_begin(&json, out);
    json_object(&json, NULL);
    json_object(&json, "error");
    json_text(&json, "code", explain ? STR("no-explanation") : STR("too-much"));
    json_text(&json, "text",
              explain ? sentence : words_text(WORD_API_ERROR_TOO_MUCH, job->language));
    json_close(&json);
    json_close(&json);
    return json_out_end(&json);
}

void desk_api_answer(struct desk *desk, uint64_t call, const struct api_job *job, enum err err,
                     struct str text)
{
    bool refused = job->kind == API_JOB_EXPLAIN ? err == ERR_UNSUPPORTED || err == ERR_NOT_FOUND ||
                                                      err == ERR_SYNTAX || err == ERR_LIMIT
                                                : err == ERR_LIMIT;
    struct api_answer answer = {.status = err == OK ? 200 : 409, .type = STR("application/json")};
    buf_init(&answer.body, (size_t)256 << 20);
    if (err == OK && job->kind == API_JOB_CSV) {
        answer.type = STR("text/csv; charset=utf-8");
    }
    if (err == OK) {
        err = buf_append(&answer.body, text);
    } else if (refused) {
        err = refusal_print(job, text, &answer.body);
    }
    if (err == OK) {
        answer_give(desk, call, &answer);
    } else {
        failure_give(desk, call, err);
    }
    buf_done(&answer.body);
}

/* ---- Passwords. */

static void password_free(struct desk_password *password)
{
    link_free(password->link);
    if (password->password.size > 0) {
        secret_forget(password->password.data, password->password.size);
    }
    buf_done(&password->password);
    buf_done(&password->hash);
    free(password);
}

static enum err password_queue(struct desk *desk, uint64_t call, const struct api_answer *answer)
{
    struct desk_password **last = &desk->passwords;
    size_t waiting = 0;
    while (*last != NULL) {
        last = &(*last)->next;
        waiting++;
    }
    if (waiting >= DESK_PASSWORDS_MAX) {
        return ERR_AGAIN;
    }
    struct desk_password *password = calloc(1, sizeof *password);
    if (password == NULL) {
        return ERR_MEMORY;
    }
    password->ticket = answer->ticket;
    password->call = call;
    buf_init(&password->password, PASSWORD_SIZE_MAX);
    buf_init(&password->hash, PASSWORD_HASH_SIZE);
    enum err err = buf_append(&password->password, answer->password);
    if (err == OK) {
        err = buf_append(&password->hash, answer->hash);
    }
    if (err != OK) {
        password_free(password);
        return err;
    }
    *last = password;
    passwords_begin(desk);
    return OK;
}

/* Asks parent for workers, as many as may hash at once. */
static void passwords_begin(struct desk *desk)
{
    size_t running = 0;
    for (struct desk_password *password = desk->passwords; password != NULL;
         password = password->next) {
        if (password->worker != 0) {
            running++;
        } else if (running < DESK_HASHING_MAX) {
            const struct message want = {.type = MESSAGE_WANT_WORKER,
                                         .want_worker = {++desk->workers, 0}};
            password->worker = desk->workers;
            if (link_send(desk->process->parent, &want) != OK) {
                process_fail(desk->process, "parent", ERR_CLOSED, NULL);
            }
            running++;
        }
    }
}

/* Takes an ended one out of the list and goes on with its call. */
static void password_end(struct desk *desk, struct desk_password *password, bool answered,
                         bool matches, struct str hash)
{
    struct desk_password **at = &desk->passwords;
    while (*at != password) {
        at = &(*at)->next;
    }
    *at = password->next;
    struct api_answer answer = {0};
    struct arena *mem = arena_new(CALL_MEMORY);
    desk_transaction_end(desk);
    enum err err = mem == NULL ? ERR_MEMORY : !answered ? ERR_AGAIN : OK;
    if (err == OK) {
        err =
            api_resume(desk->rooms.api, password->ticket, matches, hash, wall_now(), mem, &answer);
    }
    if (err == OK && answer.wants_password) { /* a change: the old one matched, now the new one */
        err = password_queue(desk, password->call, &answer);
    } else if (err == OK) {
        answer_give(desk, password->call, &answer);
    }
    if (err != OK) {
        failure_give(desk, password->call, err == ERR_NOT_FOUND ? ERR_AGAIN : err);
    }
    api_answer_done(&answer);
    arena_free(mem);
    password_free(password);
    passwords_begin(desk);
    desk_work_soon(desk);
}

static void worker_spoke(void *context, struct link *link, struct message *message, enum err err)
{
    struct desk *desk = context;
    struct desk_password *password = desk->passwords;
    (void)err;
    while (password != NULL && password->link != link) {
        password = password->next;
    }
    if (password == NULL) {
        return;
    }
    if (message == NULL || message->type != MESSAGE_PASSWORD_DONE) {
        password_end(desk, password, false, false, (struct str){0});
        return;
    }
    password_end(desk, password, true, message->password_done.matches != 0,
                 message->password_done.hash);
}

bool desk_password_came(struct desk *desk, uint64_t worker, int channel)
{
    struct desk_password *password = desk->passwords;
    while (password != NULL && password->worker != worker) {
        password = password->next;
    }
    if (password == NULL || worker == 0) {
        return false;
    }
    enum err err =
        channel < 0 ? ERR_CLOSED
                    : link_new(desk->process->loop, channel, worker_spoke, desk, &password->link);
    if (err == OK) {
        const struct message ask = {.type = MESSAGE_PASSWORD,
                                    .password = {.hash = buf_str(&password->hash),
                                                 .password = buf_str(&password->password)}};
        err = link_send(password->link, &ask);
    }
    if (err != OK) {
        password_end(desk, password, false, false, (struct str){0});
    }
    return true;
}

void desk_portal_lost(struct desk *desk)
{
    link_free(desk->portal);
    desk->portal = NULL;
    for (struct desk_password *password = desk->passwords; password != NULL;
         password = password->next) {
        password->call = 0; /* no portal ever gave this number */
    }
    desk_archive_forget(desk);
    desk_change_drop(desk);
}

/* ---- Calls. */

static enum err call_make(struct desk *desk, const struct api_call_message *call, struct arena *mem,
                          struct api_answer *ret)
{
    const struct api_request request = {
        .method = call->method,
        .path = call->path,
        .query = call->query,
        .body = call->body,
        .type = call->type,
        .session = call->session,
        .bearer = call->bearer,
        .same_origin = call->same_origin != 0,
        .language = call->language,
        .peer = call->peer,
        .agent = call->agent,
    };
    desk_transaction_end(desk);
    return api_call(desk->rooms.api, &request, wall_now(), mem, ret);
}

void desk_portal_spoke(void *context, struct link *link, struct message *message, enum err err)
{
    struct desk *desk = context;
    (void)link;
    (void)err;
    if (message != NULL && message->type == MESSAGE_API_GONE) {
        desk_archive_gone(desk, message->api_gone.ticket);
        desk_change_gone(desk, message->api_gone.ticket);
        return;
    }
    if (message == NULL || message->type != MESSAGE_API_CALL) {
        if (message != NULL) { /* clocks and notices go on */
            process_say(desk->process, "portal says what it may not; it is not listened to");
        }
        desk_portal_lost(desk);
        return;
    }
    const struct api_call_message *call = &message->api_call;
    struct api_answer answer = {0};
    struct arena *mem = arena_new(CALL_MEMORY);
    err = mem == NULL ? ERR_MEMORY : call_make(desk, call, mem, &answer);
    if (err == OK && answer.wants_password) {
        err = password_queue(desk, call->ticket, &answer);
    } else if (err == OK && answer.job.kind != API_JOB_NONE) {
        desk_archive_begin(desk, call->ticket, &answer.job);
    } else if (err == OK) {
        if (answer.wants_changes) {
            err = desk_change_begin(desk, call->ticket, call->session, answer.person);
        }
        if (err == OK) {
            answer_give(desk, call->ticket, &answer);
        }
    }
    if (err != OK) {
        failure_give(desk, call->ticket, err);
    }
    api_answer_done(&answer);
    arena_free(mem);
    if (!str_equal(call->method, STR("GET"))) {
        desk_work_soon(desk);
    }
}

/* A refusal as a sentence: what its answer says in `text`, and the exact mistake behind it. */
static enum err refusal_say(const struct api_answer *answer, struct arena *mem, struct why *why)
{
    enum err kind = answer->status == 403   ? ERR_DENIED
                    : answer->status == 404 ? ERR_NOT_FOUND
                                            : ERR_SYNTAX;
    struct yaml_node *root;
    enum err err = json_parse(buf_str(&answer->body), mem, &root, why);
    const struct yaml_node *error = err == OK ? yaml_get(root, STR("error")) : NULL;
    const struct yaml_node *text = error != NULL ? yaml_get(error, STR("text")) : NULL;
    const struct yaml_node *detail = error != NULL ? yaml_get(error, STR("detail")) : NULL;
    const struct yaml_node *line = error != NULL ? yaml_get(error, STR("line")) : NULL;
    if (text == NULL) {
        return why_say(why, kind, 0, "refused with status %u", answer->status);
    }
    uint64_t number = 0;
    if (line != NULL && str_to_u64(line->text, UINT32_MAX, &number) != OK) {
        number = 0;
    }
    return why_say(why, kind, (uint32_t)number, "%.*s%s%.*s", STR_ARG(text->text),
                   detail != NULL ? " " : "", STR_ARG(detail != NULL ? detail->text : STR("")));
}

enum err desk_api_command(struct desk *desk, const struct scope *scope,
                          const struct control_request *request, struct buf *out, struct why *why)
{
    struct str target = request->argument;
    struct api_request call = {.method = str_cut(&target, ' '), .same_origin = true};
    call.path = str_cut(&target, '?');
    call.query = target;
    call.body = request->text;
    bool json = call.body.size == 0 || call.body.data[0] == '{' || call.body.data[0] == '[';
    call.type = json ? STR("application/json") : STR("application/yaml");
    call.language = STR("en");
    struct api_answer answer = {0};
    struct arena *mem = arena_new(CALL_MEMORY);
    enum err err = mem == NULL
                       ? ERR_MEMORY
                       : api_call_as(desk->rooms.api, scope, &call, wall_now(), mem, &answer);
    if (err == OK && answer.wants_password) {
        err = why_say(why, ERR_UNSUPPORTED, 0, "passwords are set through the portal alone");
    } else if (err == OK && answer.job.kind != API_JOB_NONE) {
        err = why_say(why, ERR_UNSUPPORTED, 0, "ask '%s'",
                      answer.job.kind == API_JOB_EXPLAIN    ? "hinomi explain --tenant T --alert ID"
                      : answer.job.kind == API_JOB_EVIDENCE ? "hinomi alerts --tenant T"
                                                            : "hinomi search --tenant T QUERY");
    } else if (err == OK && answer.file.name.size > 0) {
        err = why_say(why, ERR_UNSUPPORTED, 0,
                      "a package is fetched in the portal, or made anew "
                      "with 'hinomi provision --out FILE'");
    } else if (err == OK && answer.status >= 300) {
        err = refusal_say(&answer, mem, why);
    } else if (err == OK) {
        err = buf_append(out, buf_str(&answer.body));
        err = err == OK ? buf_append_byte(out, '\n') : err;
    }
    api_answer_done(&answer);
    arena_free(mem);
    if (err == OK && !str_equal(call.method, STR("GET"))) {
        desk_work_soon(desk);
    }
    return err;
}
