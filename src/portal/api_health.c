/*
 * How the service itself is, for those who work with it: the provider's admins, engineers and
 * analysts.
 *
 * Always true: no client's people learn how full the disk is; nothing that is told here is counted
 * by client.
 */

#include "portal/health.h"
#include "portal/private.h"

/* Who works for some client, in whatever way the rest of the service is theirs to look after. */
static bool works_for_somebody(const struct call *call)
{
    static const enum role roles[] = {ROLE_PROVIDER_ADMIN, ROLE_ENGINEER, ROLE_ANALYST};
    struct client_info client;
    if (call->scope == NULL) {
        return false;
    }
    bool found = scope_allows_all(call->scope, RIGHT_MANAGE);
    for (size_t i = 0; !found && tenant_client_at(call->api->rooms.tenant, i, &client); i++) {
        for (size_t role = 0; role < sizeof roles / sizeof *roles; role++) {
            found = found || scope_has_role(call->scope, client.id, roles[role]);
        }
    }
    return found;
}

static void processes_print(struct json_out *out, const struct health *health)
{
    json_list(out, "processes");
    for (size_t i = 0; i < health->processes_count; i++) {
        const struct health_process *process = &health->processes[i];
        json_object(out, NULL);
        json_text(out, "name", process->name);
        json_yes_no(out, "running", process->running);
        json_time(out, "since", process->since);
        json_unsigned(out, "restarts", process->restarts);
        json_close(out);
    }
    json_close(out);
}

static void numbers_print(struct json_out *out, const struct health *health)
{
    json_object(out, "lag");
    json_unsigned(out, "in_flight", health->in_flight);
    json_unsigned(out, "unjudged", health->unjudged);
    json_close(out);
    json_object(out, "disk");
    json_unsigned(out, "free_bytes", health->disk_free);
    json_unsigned(out, "size_bytes", health->disk_size);
    json_unsigned(out, "reserve_bytes", health->disk_reserve);
    json_close(out);
    json_object(out, "mail");
    json_yes_no(out, "relay", health->mail_relay);
    json_unsigned(out, "waiting", health->mail_waiting);
    json_unsigned(out, "failed", health->mail_failed);
    json_time(out, "oldest", health->mail_oldest);
    json_close(out);
    if (!health->certificate_known) {
        json_null(out, "certificate");
    } else {
        json_object(out, "certificate");
        json_text(out, "subject", health->certificate_subject);
        json_time(out, "until", health->certificate_until);
        json_yes_no(out, "local", health->certificate_local);
        json_text(out, "sha256", health->certificate_sha256);
        json_close(out);
    }
    json_object(out, "rules");
    json_text(out, "edition", health->rules_edition);
    json_unsigned(out, "loaded", health->rules_loaded);
    json_unsigned(out, "refused", health->rules_refused);
    json_close(out);
}

static enum err matters_print(struct call *call, const struct health_matter *list, size_t count)
{
    struct json_out *out = &call->out;
    enum err err = OK;
    json_list(out, "matters");
    for (size_t i = 0; i < count && err == OK; i++) {
        struct str value = list[i].value;
        if (value.size == 0) {
            err = arena_print(call->mem, &value, "%llu", (unsigned long long)list[i].number);
        }
        json_object(out, NULL);
        json_text(out, "word", words_key(list[i].word));
        json_text(out, "value", value);
        json_close(out);
    }
    json_close(out);
    return err;
}

enum err api_health_show(struct call *call)
{
    struct health health = {.now = call->now};
    struct health_matter matters[HEALTH_MATTERS_MAX];
    if (!works_for_somebody(call)) {
        return call_refuse(call, 403, WORD_API_ERROR_NOT_ALLOWED, STR(""), NULL);
    }
    if (call->api->health == NULL) {
        return ERR_UNSUPPORTED;
    }
    enum err err = call->api->health(call->api->health_context, call->mem, &health);
    if (err != OK) {
        return err;
    }
    size_t count = health_matters(&health, matters);
    struct json_out *out = call_answer(call, 200);
    json_text(out, "state",
              str_from(health_state_text(count > 0 ? matters[0].state : HEALTH_STEADY)));
    json_time(out, "now", health.now);
    json_time(out, "started", health.started);
    json_text(out, "version", STR(HINOMI_VERSION));
    processes_print(out, &health);
    numbers_print(out, &health);
    err = matters_print(call, matters, count);
    return err == OK ? call_answered(call) : err;
}
