/*
 * Devices of a client and how they are, what ailed them, how those of every client are, and who
 * asks to be enrolled.
 *
 * A source that no device names is shown as a device of its own slug, so a page has one list.
 *
 * Always true: what is learned of a source is told to who may read that client's books; proposals,
 * which are records of strangers, to a provider's administrators alone.
 */

#include <stdio.h>

#include "build/proposals.h"
#include "ledger/ledger.h"
#include "portal/private.h"

#define PROPOSALS_SHOWN 200
#define AILMENTS_OPEN   10000

/* ---- Devices. */

static enum err types_print(struct json_out *out, const struct vigil_view *view)
{
    json_list(out, "types");
    for (size_t i = 0; i < view->kinds_count; i++) {
        json_object(out, NULL);
        json_text(out, "type", str_from(view->kinds[i].name));
        json_unsigned(out, "count", view->kinds[i].count);
        json_time(out, "heard", view->kinds[i].heard);
        json_close(out);
    }
    json_close(out);
    return OK;
}

static enum err source_print(struct call *call, struct json_out *out,
                             const struct source_info *source)
{
    struct vigil_view view = {.heard = WALL_NONE};
    char lag[32];
    enum err err = call->api->vigils == NULL ? OK
                                             : vigils_look(call->scope, call->api->vigils, source,
                                                           call->now, call->mem, &view);
    if (err != OK) {
        return err;
    }
    json_object(out, NULL);
    json_text(out, "source", source->slug);
    json_names(out, "name", source->name_ja, source->name_en);
    json_time(out, "heard", view.heard);
    json_yes_no(out, "learned", view.learned);
    json_unsigned(out, "expected_seconds", (uint64_t)(view.expected_ns / NS_PER_SECOND));
    if (view.lag_known) {
        (void)snprintf(lag, sizeof lag, "%.1f", (double)view.lag_ns / (double)NS_PER_SECOND);
        json_raw(out, "lag_seconds", str_from(lag));
    } else {
        json_null(out, "lag_seconds");
    }
    json_unsigned(out, "records", view.records);
    json_unsigned(out, "failures", view.failures);
    json_unsigned(out, "usual_low", (uint64_t)view.usual_low);
    json_unsigned(out, "usual_high", (uint64_t)view.usual_high);
    err = types_print(out, &view);
    json_close(out);
    return err;
}

static void device_head(struct json_out *out, const struct device_info *device, bool named)
{
    json_object(out, NULL);
    json_text(out, "device", device->slug);
    json_yes_no(out, "named", named);
    json_names(out, "name", device->name_ja, device->name_en);
    json_names(out, "place", device->place_ja, device->place_en);
    json_text(out, "kind", device->kind);
    json_text(out, "owner", device->owner);
    json_text(out, "provision", device->provision);
    json_text(out, "installation", device->installation);
    json_names(out, "on_failure", device->on_failure_ja, device->on_failure_en);
    json_list(out, "sources");
}

static bool is_sent_by(const struct device_info *device, struct str source)
{
    for (size_t i = 0; i < device->sources_count; i++) {
        if (str_equal(device->sources[i], source)) {
            return true;
        }
    }
    return false;
}

static enum err device_print(struct call *call, struct json_out *out,
                             const struct device_info *device)
{
    struct source_info source;
    enum err err = OK;
    device_head(out, device, true);
    for (size_t i = 0; err == OK && tenant_source_at(call->api->rooms.tenant, i, &source); i++) {
        if (client_equal(source.client, call->client) && source.active &&
            is_sent_by(device, source.slug)) {
            err = source_print(call, out, &source);
        }
    }
    json_close(out);
    json_close(out);
    return err;
}

enum err api_device_list(struct call *call)
{
    struct device_info device;
    struct source_info source;
    const struct tenant *tenant = call->api->rooms.tenant;
    struct json_out *out = call_answer(call, 200);
    enum err err = OK;
    json_list(out, "devices");
    for (size_t i = 0; err == OK && tenant_device_at(tenant, i, &device); i++) {
        if (client_equal(device.client, call->client) && device.active) {
            err = device_print(call, out, &device);
        }
    }
    for (size_t i = 0; err == OK && tenant_source_at(tenant, i, &source); i++) {
        if (!client_equal(source.client, call->client) || !vigils_watch(&source) ||
            tenant_device_of(tenant, call->client, source.slug, &device)) {
            continue;
        }
        device = (struct device_info){.slug = source.slug,
                                      .name_ja = source.name_ja,
                                      .name_en = source.name_en,
                                      .kind = STR("other")};
        device_head(out, &device, false);
        err = source_print(call, out, &source);
        json_close(out);
        json_close(out);
    }
    json_close(out);
    return err == OK ? call_answered(call) : err;
}

/* ---- What ails them. */

static void ailment_print(struct json_out *out, const struct ailment_view *view)
{
    json_object(out, NULL);
    json_unsigned(out, "id", view->id);
    json_text(out, "device", view->device);
    json_text(out, "source", view->source);
    json_text(out, "type", str_from(ailment_text(view->ailment)));
    json_text(out, "detail", view->detail);
    json_number(out, "found", view->is);
    json_number(out, "usual", view->usual);
    json_time(out, "opened", view->opened);
    json_time(out, "closed", view->closed);
    json_unsigned(out, "storm", view->storm);
    json_unsigned(out, "members", view->members);
    json_text(out, "planned", view->planned);
    json_yes_no(out, "told", view->told);
    json_close(out);
}

enum err api_ailment_list(struct call *call)
{
    struct ailment_view *list;
    struct str open;
    size_t count;
    size_t limit;
    enum err err = call_query(call, "open", &open);
    if (err == OK && open.size > 0 && !str_equal(open, STR("yes"))) {
        return call_refuse(call, 400, WORD_API_ERROR_WRONG_VALUE, STR("open"), NULL);
    }
    err = err == OK ? call_query_limit(call, &limit) : err;
    if (err != OK || call->refused) {
        return err;
    }
    err = ailment_list(call->scope, call->api->rooms.ledger, call->client, open.size > 0, limit,
                       call->mem, &list, &count);
    if (err != OK) {
        return call_refuse_err(call, err);
    }
    struct json_out *out = call_answer(call, 200);
    json_list(out, "ailments");
    for (size_t i = 0; i < count; i++) {
        ailment_print(out, &list[i]);
    }
    json_close(out);
    return call_answered(call);
}

/* ---- Every client. */

static bool works_for(const struct call *call, struct client_id client)
{
    return call->scope != NULL && scope_allows(call->scope, client, RIGHT_BOOKS) &&
           (scope_side(call->scope, client) == SIDE_PROVIDER ||
            scope_side(call->scope, client) == SIDE_INSTALLATION);
}

static size_t sources_count(const struct call *call, struct client_id client)
{
    struct source_info source;
    size_t count = 0;
    for (size_t i = 0; tenant_source_at(call->api->rooms.tenant, i, &source); i++) {
        count += client_equal(source.client, client) && vigils_watch(&source);
    }
    return count;
}

static void client_print(const struct call *call, struct json_out *out,
                         const struct client_info *client, size_t ailments)
{
    struct heartbeat_view beat = {.came = WALL_NONE};
    if (call->api->vigils != NULL) {
        (void)heartbeat_look(vigils_heartbeats(call->api->vigils), client->id, &beat);
    }
    json_object(out, NULL);
    json_text(out, "client", client->slug);
    json_names(out, "name", client->name_ja, client->name_en);
    json_unsigned(out, "sources", sources_count(call, client->id));
    json_unsigned(out, "ailments", ailments);
    json_object(out, "heartbeat");
    json_time(out, "came", beat.came);
    json_unsigned(out, "latency_ms",
                  beat.latency_ns > 0 ? (uint64_t)(beat.latency_ns / NS_PER_MS) : 0);
    json_unsigned(out, "missed", beat.missed);
    json_yes_no(out, "broken", beat.broken);
    json_close(out);
    json_close(out);
}

enum err api_device_health(struct call *call)
{
    struct ailment_view *list;
    struct client_info client;
    size_t count = 0;
    bool any = false;
    for (size_t i = 0; tenant_client_at(call->api->rooms.tenant, i, &client) && !any; i++) {
        any = works_for(call, client.id);
    }
    if (!any) {
        return call_refuse(call, 403, WORD_API_ERROR_NOT_ALLOWED, STR(""), NULL);
    }
    enum err err = ailment_list(call->scope, call->api->rooms.ledger, (struct client_id){0}, true,
                                AILMENTS_OPEN, call->mem, &list, &count);
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 200);
    json_list(out, "clients");
    for (size_t i = 0; tenant_client_at(call->api->rooms.tenant, i, &client); i++) {
        size_t ailments = 0;
        for (size_t j = 0; j < count; j++) {
            ailments += client_equal(list[j].client, client.id) && list[j].members == 0;
        }
        if (works_for(call, client.id) && !client_equal(client.id, CLIENT_INSTALLATION)) {
            client_print(call, out, &client, ailments);
        }
    }
    json_close(out);
    return call_answered(call);
}

/* ---- Proposals. */

enum err api_proposal_list(struct call *call)
{
    struct proposal *list;
    size_t count;
    enum err err = call->scope == NULL ? ERR_DENIED
                                       : proposal_list(call->scope, call->api->rooms.ledger,
                                                       call->api->rooms.tenant, PROPOSALS_SHOWN,
                                                       call->mem, &list, &count);
    if (err == ERR_DENIED) {
        return call_refuse(call, 403, WORD_API_ERROR_NOT_ALLOWED, STR(""), NULL);
    }
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 200);
    json_list(out, "proposals");
    for (size_t i = 0; i < count && err == OK; i++) {
        char slug[PROPOSAL_SLUG_SIZE];
        struct str lines;
        err = proposal_lines(&list[i], call->mem, &lines);
        json_object(out, NULL);
        json_text(out, "listener", list[i].listener);
        json_text(out, "address", list[i].address);
        json_text(out, "parser", list[i].parser);
        json_text(out, "sample", list[i].sample);
        json_unsigned(out, "count", list[i].count);
        json_time(out, "first", list[i].first);
        json_time(out, "last", list[i].last);
        json_text(out, "slug", proposal_slug(&list[i], slug));
        json_text(out, "lines", err == OK ? lines : STR(""));
        json_close(out);
    }
    json_close(out);
    return err == OK ? call_answered(call) : err;
}
