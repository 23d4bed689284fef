/*
 * The SLA's clocks of an incident: how they stand, what happened to each, and pausing by a reason
 * that the SLA allows.
 *
 * Always true: times are working time in milliseconds, as the clocks themselves count it; nothing
 * is calculated here.
 */

#include "portal/private.h"

static void clock_print(struct json_out *out, const struct clock_view *clock)
{
    json_object(out, NULL);
    json_unsigned(out, "id", clock->id);
    json_text(out, "metric", clock->metric);
    json_names(out, "name", clock->name_ja, clock->name_en);
    json_text(out, "sla", clock->sla);
    json_text(out, "severity", str_from(level_text(clock->severity)));
    json_time(out, "started", clock->started);
    json_time(out, "stopped", clock->stopped);
    json_yes_no(out, "paused", clock->paused);
    json_text(out, "pause_reason", clock->pause_reason);
    json_number(out, "elapsed_ms", clock->elapsed_ns / NS_PER_MS);
    json_number(out, "target_ms", clock->target_ns / NS_PER_MS);
    json_time(out, "due", clock->due);
    json_time(out, "warned", clock->warned);
    json_time(out, "breached", clock->breached);
    json_close(out);
}

enum err api_clocks_list(struct call *call)
{
    struct incident_view incident;
    struct clock_view *list;
    size_t count;
    enum err err = call_incident(call, &incident);
    if (err == OK) {
        err = clock_list(call->scope, call->api->rooms.clocks, call->client,
                         (struct subject){"incident", incident.id}, call->now, call->mem, &list,
                         &count);
    }
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 200);
    json_list(out, "clocks");
    for (size_t i = 0; i < count; i++) {
        clock_print(out, &list[i]);
    }
    json_close(out);
    return call_answered(call);
}

/* The clock's number, and its steps so far: who may not see it is told here, before anything else,
 * that there is none. */
static enum err clock_of(struct call *call, uint64_t *ret, struct clock_step **ret_steps,
                         size_t *ret_count)
{
    enum err err = call_param_number(call, "clock", INT64_MAX, ret);
    if (err == OK) {
        err = clock_history(call->scope, call->api->rooms.clocks, call->client, *ret, call->mem,
                            ret_steps, ret_count);
    }
    return err == OK && *ret_count == 0 ? ERR_NOT_FOUND : err;
}

static enum err steps_answer(struct call *call)
{
    struct clock_step *list;
    size_t count;
    uint64_t clock;
    enum err err = clock_of(call, &clock, &list, &count);
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 200);
    json_list(out, "steps");
    for (size_t i = 0; i < count; i++) {
        json_object(out, NULL);
        json_text(out, "what", list[i].what);
        json_time(out, "at", list[i].at);
        json_time(out, "recorded", list[i].recorded);
        json_text(out, "who", list[i].who);
        json_text(out, "reason", list[i].reason);
        json_text(out, "note", list[i].note);
        json_close(out);
    }
    json_close(out);
    return call_answered(call);
}

enum err api_clock_steps(struct call *call)
{
    return steps_answer(call);
}

enum err api_clock_stop(struct call *call)
{
    struct clock_step *steps;
    struct str reason;
    struct str note;
    uint64_t clock;
    size_t count;
    enum err err = clock_of(call, &clock, &steps, &count);
    if (err == OK) {
        err = body_text(call, call->body, "reason", &reason);
    }
    if (err == OK) {
        err = body_text(call, call->body, "note", &note);
    }
    if (err == OK) {
        err = clock_pause(call->scope, call->api->rooms.clocks, call->client, clock, reason, note,
                          call->now, &call->why);
    }
    return err == OK ? steps_answer(call) : err;
}

enum err api_clock_go(struct call *call)
{
    struct clock_step *steps;
    uint64_t clock;
    size_t count;
    enum err err = clock_of(call, &clock, &steps, &count);
    if (err == OK) {
        err = clock_resume(call->scope, call->api->rooms.clocks, call->client, clock, call->now,
                           &call->why);
    }
    return err == OK ? steps_answer(call) : err;
}
