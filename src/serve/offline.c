/*
 * The same answers on a folder that nobody serves: the ledger and the archive are opened here, with
 * their locks, so a service that starts meanwhile says so instead of tearing anything.
 */

#include "serve/serve.h"

#include <stdio.h>
#include <unistd.h>

#include "serve/answer.h"
#include "serve/explaining.h"
#include "serve/offline_provision.h"
#include "serve/reading.h"
#include "serve/rooms.h"
#include "sys/clocks.h"

#define ANSWER_SIZE_MAX ((size_t)256 << 20)

struct offline {
    const char *data, *keys;
    struct rooms rooms;
    struct scope *scope;
    struct buf sources, gathered;
};

static enum err offline_open(struct offline *offline, const struct control_request *request,
                             struct why *why)
{
    char folder[4096];
    (void)snprintf(folder, sizeof folder, "%s/ledger", offline->data);
    const struct rooms_settings settings = {
        .disk = disk_real(), .folder = folder, .zoneinfo = "/usr/share/zoneinfo"};
    enum err err = rooms_open(&settings, wall_now(), &offline->rooms, why);
    if (err == OK) {
        err = scope_for_administrator(offline->rooms.tenant, (uint32_t)getuid(),
                                      str_from(control_purpose(request->command)), wall_now(),
                                      &offline->scope);
    }
    return err;
}

static enum err offline_read(struct offline *offline, const struct control_request *request,
                             control_output *output, void *context, struct why *why)
{
    char folder[4096];
    struct reader *reader = NULL;
    struct reading reading = {
        .scope = offline->scope,
        .slug = request->tenant,
        .format = request->format,
        .count = request->count,
        .from = request->from,
        .to = request->to,
        .until = reading_until(request->command == CONTROL_SEARCH ? request->limit : 0, mono_now()),
        .output = output,
        .output_context = context,
    };
    (void)snprintf(folder, sizeof folder, "%s/archive", offline->data);
    enum err err = answer_client(offline->rooms.tenant, request->tenant, &reading.client, why);
    if (err == OK) {
        err = answer_sources(offline->rooms.tenant, reading.client, &offline->sources);
        reading.sources = buf_str(&offline->sources);
    }
    if (err == OK && request->command == CONTROL_ALERTS) {
        err = reading_alerts_gather(offline->scope, offline->rooms.ledger, reading.client, request,
                                    &offline->gathered);
    }
    if (err == OK && request->command == CONTROL_EXPLAIN) {
        const struct explaining_question question = {.client = reading.client,
                                                     .alert = request->after,
                                                     .rule = request->argument,
                                                     .sequence = request->limit,
                                                     .sources = reading.sources};
        err = explaining_pack(offline->scope, offline->rooms.ledger, offline->rooms.service,
                              &question, &offline->gathered, why);
    }
    if (err == OK && answer_judges(request->command)) {
        err = answer_rules(offline->rooms.ledger, request, &offline->gathered, why);
    }
    if (err == OK) {
        err = reader_open(offline->scope, disk_real(), folder, offline->keys, reading.client,
                          &reader, why);
        reading.reader = reader;
    }
    if (err == OK) {
        bool gathered = offline->gathered.size > 0;
        reading.count |= str_equal(request->argument, STR("as-of-live"));
        err = reading_answer(&reading, request->command,
                             gathered ? buf_str(&offline->gathered) : request->text, why);
    }
    reader_close(reader);
    return err;
}

static enum err snapshot_accounts(struct offline *offline, struct arena *mem,
                                  struct books_view *ret)
{
    struct books_snapshot *list;
    size_t count;
    enum err err = books_snapshot_load(offline->rooms.ledger, mem, &list, &count);
    struct account *accounts = err == OK ? ARENA_ARRAY(mem, struct account, count) : NULL;
    if (accounts == NULL) {
        return err == OK ? ERR_MEMORY : err;
    }
    for (size_t i = 0; i < count; i++) {
        accounts[i] = account_of_snapshot(&list[i]);
    }
    *ret = (struct books_view){.accounts = accounts, .count = count};
    books_view_gap(ret, list, count);
    return OK;
}

static enum err offline_books(struct offline *offline, const struct control_request *request,
                              struct buf *out, struct why *why)
{
    struct books_view view;
    struct arena *mem = arena_new((size_t)64 << 20);
    enum err err = mem == NULL ? ERR_MEMORY : snapshot_accounts(offline, mem, &view);
    if (err == OK) {
        err = answer_books(offline->scope, offline->rooms.tenant, request, &view, out, why);
    }
    arena_free(mem);
    return err;
}

static enum err offline_answer(struct offline *offline, const struct control_request *request,
                               control_output *output, void *context, struct why *why)
{
    struct buf out;
    enum err err;
    buf_init(&out, ANSWER_SIZE_MAX);
    switch (request->command) {
    case CONTROL_TENANT_APPLY:
        err = answer_apply(offline->scope, offline->rooms.service, request, wall_now(), &out, why);
        break;
    case CONTROL_TENANT_EXPORT:
        err = answer_export(offline->scope, offline->rooms.tenant, offline->rooms.service, request,
                            &out, why);
        break;
    case CONTROL_TENANT_LIST:
        err = answer_list(offline->scope, offline->rooms.tenant, offline->rooms.ledger, request,
                          &out);
        break;
    case CONTROL_MINUTES:
        err = answer_minutes(offline->scope, &offline->rooms, request, &out, why);
        break;
    case CONTROL_DEVICES:
        err = answer_devices(offline->scope, &offline->rooms, NULL, request, wall_now(), &out, why);
        break;
    case CONTROL_KEY:
        err = buf_print(&out, "%.*s\n", STR_ARG(service_key(offline->rooms.service)));
        break;
    case CONTROL_RULES_EDITIONS:
        err = answer_editions(offline->scope, offline->rooms.ledger, request, &out);
        break;
    case CONTROL_RULES_IMPORT:
    case CONTROL_RULES_USE:
    case CONTROL_API:
        err = why_say(why, ERR_UNSUPPORTED, 0, "this needs a running service; see 'hinomi serve'");
        break;
    case CONTROL_PROVIDE:
        err = offline_provide(&(struct offline_provision){offline->data, offline->keys,
                                                          &offline->rooms, offline->scope, request},
                              output, context, why);
        break;
    case CONTROL_BOOKS:
        err = offline_books(offline, request, &out, why);
        break;
    default:
        err = offline_read(offline, request, output, context, why);
        break;
    }
    if (err == OK && out.size > 0) {
        err = output(context, buf_str(&out));
    }
    buf_done(&out);
    return err;
}

enum err offline_call(const char *data, const char *keys, const struct control_request *request,
                      control_output *output, void *context, int *ret_code, struct why *why)
{
    struct offline offline = {.data = data, .keys = keys};
    buf_init(&offline.sources, (size_t)16 << 20);
    buf_init(&offline.gathered, ANSWER_SIZE_MAX);
    enum err err = offline_open(&offline, request, why);
    if (err == OK) {
        err = offline_answer(&offline, request, output, context, why);
    }
    scope_free(offline.scope);
    rooms_close(&offline.rooms);
    buf_done(&offline.sources);
    buf_done(&offline.gathered);
    *ret_code = control_code(err);
    return err == ERR_AGAIN ? err : err == ERR_CLOSED ? err : OK;
}
