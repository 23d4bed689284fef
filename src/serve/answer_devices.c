/*
 * Devices and the books by the minute, for commands: tables for people, NDJSON for machines.
 *
 * Always true: what came from strangers is printable before it stands here (build/proposals.c); of
 * a client nothing is told without RIGHT_BOOKS.
 */

#include "serve/answer.h"

#include "build/proposals.h"
#include "codec/json_out.h"
#include "codec/time.h"
#include "collect/books.h"
#include "ledger/ledger.h"

#define MINUTES_MAX   1000000 /* rows of one client in one answer */
#define AILMENTS_MAX  10000
#define PROPOSALS_ALL 1000
#define ANSWER_MEMORY ((size_t)512 << 20)

/* ---- Minutes. */

static void minute_json(struct json_out *json, struct str client, struct str source,
                        const struct books_stretch *row)
{
    json_object(json, NULL);
    json_text(json, "client", client);
    json_text(json, "source", source);
    json_time(json, "at", (struct wall){row->at_ns});
    json_number(json, "seconds", row->seconds);
    json_number(json, "waiting_before", row->waiting_before);
    json_number(json, "received", row->received);
    json_number(json, "stored", row->stored);
    json_number(json, "deduplicated", row->deduplicated);
    json_number(json, "in_flight", row->in_flight);
    json_object(json, "rejected");
    for (int i = 0; i < REJECT_REASON_COUNT; i++) {
        if (row->rejected[i] != 0) {
            json_number(json, books_reason_code((enum reject_reason)i), row->rejected[i]);
        }
    }
    json_close(json);
    json_number(json, "failures", row->failures);
    json_number(json, "bytes", row->bytes);
    json_close(json);
}

static enum err minute_print(struct str client, struct str source, const struct books_stretch *row,
                             enum output_format format, struct buf *out)
{
    char at[TIME_TEXT_SIZE];
    int64_t rejected = 0;
    if (format == FORMAT_NDJSON) {
        struct json_out json;
        json_out_begin(&json, out);
        minute_json(&json, client, source, row);
        enum err err = json_out_end(&json);
        return err == OK ? buf_append_byte(out, '\n') : err;
    }
    for (int i = 0; i < REJECT_REASON_COUNT; i++) {
        rejected += row->rejected[i];
    }
    return buf_print(out,
                     "%.16s  %-16.*s  %-16.*s  %8lld  %10lld  %10lld  %8lld  %8lld  %8lld  %8lld\n",
                     time_print((struct wall){row->at_ns}, at), STR_ARG(client), STR_ARG(source),
                     (long long)row->waiting_before, (long long)row->received,
                     (long long)row->stored, (long long)row->deduplicated, (long long)rejected,
                     (long long)row->in_flight, (long long)row->failures);
}

static struct str source_slug(const struct tenant *tenant, uint32_t id)
{
    struct source_info source;
    for (size_t i = 0; tenant_source_at(tenant, i, &source); i++) {
        if (source.id.value == id) {
            return source.slug;
        }
    }
    return STR("?");
}

static enum err client_minutes(const struct rooms *rooms, const struct control_request *request,
                               const struct client_info *client, struct arena *mem, struct buf *out)
{
    struct books_stretch *rows;
    size_t count = 0;
    const struct books_question question = {
        .client = client->id.value,
        .from_ns = wall_known(request->from) ? request->from.ns : 0,
        .to_ns = wall_known(request->to) ? request->to.ns : INT64_MAX,
        .hours = request->count,
        .limit = MINUTES_MAX,
    };
    arena_reset(mem);
    enum err err = books_minutes_list(rooms->ledger, &question, mem, &rows, &count);
    for (size_t i = 0; err == OK && i < count; i++) {
        err = minute_print(client->slug, source_slug(rooms->tenant, rows[i].source), &rows[i],
                           request->format, out);
    }
    return err;
}

enum err answer_minutes(const struct scope *scope, const struct rooms *rooms,
                        const struct control_request *request, struct buf *out, struct why *why)
{
    struct client_info client;
    struct client_id only = {0};
    struct arena *mem = arena_new(ANSWER_MEMORY);
    enum err err = mem == NULL ? ERR_MEMORY : OK;
    if (err == OK && request->tenant.size > 0) {
        err = answer_client(rooms->tenant, request->tenant, &only, why);
    }
    if (err == OK && request->format != FORMAT_NDJSON) {
        err = buf_print(out, "%-16s  %-16s  %-16s  %8s  %10s  %10s  %8s  %8s  %8s  %8s\n",
                        request->count ? "hour" : "minute", "client", "source", "waiting",
                        "received", "stored", "dedup", "rejected", "inflight", "unparsed");
    }
    for (size_t i = 0; err == OK && tenant_client_at(rooms->tenant, i, &client); i++) {
        if ((only.value == 0 || client_equal(only, client.id)) &&
            scope_allows(scope, client.id, RIGHT_BOOKS)) {
            err = client_minutes(rooms, request, &client, mem, out);
        }
    }
    arena_free(mem);
    return err;
}

/* ---- Proposals. */

static enum err proposals_answer(const struct scope *scope, const struct rooms *rooms,
                                 enum output_format format, struct arena *mem, struct buf *out)
{
    struct proposal *list;
    size_t count = 0;
    enum err err =
        proposal_list(scope, rooms->ledger, rooms->tenant, PROPOSALS_ALL, mem, &list, &count);
    for (size_t i = 0; err == OK && i < count; i++) {
        char first[TIME_TEXT_SIZE];
        char last[TIME_TEXT_SIZE];
        struct str lines;
        err = proposal_lines(&list[i], mem, &lines);
        if (err == OK && format == FORMAT_NDJSON) {
            struct json_out json;
            json_out_begin(&json, out);
            json_object(&json, NULL);
            json_text(&json, "listener", list[i].listener);
            json_text(&json, "address", list[i].address);
            json_text(&json, "parser", list[i].parser);
            json_unsigned(&json, "count", list[i].count);
            json_time(&json, "first", list[i].first);
            json_time(&json, "last", list[i].last);
            json_text(&json, "sample", list[i].sample);
            json_text(&json, "lines", lines);
            json_close(&json);
            err = json_out_end(&json);
            err = err == OK ? buf_append_byte(out, '\n') : err;
        } else if (err == OK) {
            err = buf_print(out, "%.*s at %.*s: %llu records from %.19sZ to %.19sZ, read as %.*s\n",
                            STR_ARG(list[i].address), STR_ARG(list[i].listener),
                            (unsigned long long)list[i].count, time_print(list[i].first, first),
                            time_print(list[i].last, last), STR_ARG(list[i].parser));
            err = err == OK
                      ? buf_print(out, "  %.*s\n%.*s\n", STR_ARG(list[i].sample), STR_ARG(lines))
                      : err;
        }
    }
    return err;
}

/* ---- Devices. */

struct devices {
    const struct scope *scope;
    const struct rooms *rooms;
    const struct vigils *vigils;
    const struct ailment_view *ailments;
    size_t ailments_count;
    enum output_format format;
    struct wall now;
    struct arena *mem;
    struct buf *out;
};

static enum err state_print(const struct devices *devices, struct client_id client,
                            struct str device, bool heard)
{
    enum err err = OK;
    size_t printed = 0;
    for (size_t i = 0; err == OK && i < devices->ailments_count; i++) {
        const struct ailment_view *ailment = &devices->ailments[i];
        if (client_equal(ailment->client, client) && str_equal(ailment->device, device)) {
            err = buf_print(devices->out, "%s%s", printed++ > 0 ? "," : "",
                            ailment_text(ailment->ailment));
        }
    }
    return err == OK && printed == 0
               ? buf_append(devices->out, heard ? STR("well") : STR("unheard"))
               : err;
}

static enum err source_line(const struct devices *devices, const struct client_info *client,
                            const struct source_info *source)
{
    struct device_info device = {.slug = source->slug, .kind = STR("other")};
    struct vigil_view view = {.heard = WALL_NONE};
    char heard[TIME_TEXT_SIZE] = "never";
    (void)tenant_device_of(devices->rooms->tenant, client->id, source->slug, &device);
    enum err err = devices->vigils == NULL ? OK
                                           : vigils_look(devices->scope, devices->vigils, source,
                                                         devices->now, devices->mem, &view);
    if (err == OK && wall_known(view.heard)) {
        (void)time_print(view.heard, heard);
    }
    bool json = devices->format == FORMAT_NDJSON;
    if (err == OK) {
        err =
            buf_print(devices->out,
                      json ? "{\"client\":\"%.*s\",\"device\":\"%.*s\",\"kind\":\"%.*s\","
                             "\"source\":\"%.*s\",\"heard\":\"%.19s\",\"expected_seconds\":%lld,"
                             "\"state\":\""
                           : "%-16.*s  %-16.*s  %-9.*s  %-16.*s  %-20.19s  %10lld  ",
                      STR_ARG(client->slug), STR_ARG(device.slug), STR_ARG(device.kind),
                      STR_ARG(source->slug), heard, (long long)(view.expected_ns / NS_PER_SECOND));
    }
    err = err == OK ? state_print(devices, client->id, device.slug, wall_known(view.heard)) : err;
    return err == OK ? buf_append(devices->out, json ? STR("\"}\n") : STR("\n")) : err;
}

static enum err devices_print(const struct devices *devices, struct client_id only)
{
    struct client_info client;
    struct source_info source;
    enum err err = OK;
    if (devices->format != FORMAT_NDJSON) {
        err = buf_print(devices->out, "%-16s  %-16s  %-9s  %-16s  %-20s  %10s  %s\n", "client",
                        "device", "kind", "source", "last heard", "silence, s", "state");
    }
    for (size_t i = 0; err == OK && tenant_client_at(devices->rooms->tenant, i, &client); i++) {
        bool asked = (only.value == 0 || client_equal(only, client.id)) &&
                     scope_allows(devices->scope, client.id, RIGHT_BOOKS);
        for (size_t j = 0;
             asked && err == OK && tenant_source_at(devices->rooms->tenant, j, &source); j++) {
            if (client_equal(source.client, client.id) && vigils_watch(&source)) {
                err = source_line(devices, &client, &source);
            }
        }
    }
    return err;
}

enum err answer_devices(const struct scope *scope, const struct rooms *rooms,
                        const struct vigils *vigils, const struct control_request *request,
                        struct wall now, struct buf *out, struct why *why)
{
    struct client_id only = {0};
    struct ailment_view *list = NULL;
    struct arena *mem = arena_new(ANSWER_MEMORY);
    struct devices devices = {.scope = scope,
                              .rooms = rooms,
                              .vigils = vigils,
                              .format = request->format,
                              .now = now,
                              .mem = mem,
                              .out = out};
    enum err err = mem == NULL ? ERR_MEMORY : OK;
    if (err == OK && str_equal(request->argument, STR("proposals"))) {
        err = proposals_answer(scope, rooms, request->format, mem, out);
        arena_free(mem);
        return err;
    }
    if (err == OK && request->tenant.size > 0) {
        err = answer_client(rooms->tenant, request->tenant, &only, why);
    }
    if (err == OK) {
        err = ailment_list(scope, rooms->ledger, only, true, AILMENTS_MAX, mem, &list,
                           &devices.ailments_count);
    }
    devices.ailments = list;
    err = err == OK ? devices_print(&devices, only) : err;
    arena_free(mem);
    return err;
}
