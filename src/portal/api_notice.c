/*
 * Notices of an incident, and the page behind the link in one.
 *
 * The page is written here, in desk, and not by the portal process: here are the words, the
 * incident and the contact's language, and the portal so reads no answer, it only hands bytes on.
 * The page needs no script and no session; the code in its address is the only authority, and it is
 * good for this one notice.  Looking at the page does not acknowledge, the button does: mail
 * filters follow links too.
 *
 * Always true: what comes from outside stands in the page with `& < > "` escaped; the page loads
 * nothing, and its style is the constant text that the portal's Content-Security-Policy names by
 * its hash.
 */

#include "portal/private.h"

#include "portal/page.h"

enum err api_notices_list(struct call *call)
{
    struct incident_view incident;
    struct notice_step_view *list;
    size_t count;
    enum err err = call_incident(call, &incident);
    if (err == OK) {
        err = notify_steps(call->scope, call->api->rooms.notify, call->client,
                           (struct subject){"incident", incident.id}, call->mem, &list, &count);
    }
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 200);
    json_list(out, "steps");
    for (size_t i = 0; i < count; i++) {
        json_object(out, NULL);
        json_unsigned(out, "notice", list[i].notice);
        json_text(out, "purpose", list[i].purpose);
        json_unsigned(out, "step", list[i].step);
        json_text(out, "contact", list[i].contact);
        json_text(out, "means", list[i].means);
        json_text(out, "to", list[i].to);
        json_text(out, "state", list[i].state);
        json_text(out, "said", list[i].said);
        json_time(out, "at", list[i].at);
        json_time(out, "ended", list[i].ended);
        json_close(out);
    }
    json_close(out);
    return call_answered(call);
}

enum err api_notice_acknowledge(struct call *call)
{
    struct incident_view incident;
    struct str note;
    enum err err = call_incident(call, &incident);
    if (err == OK) {
        err = body_text(call, call->body, "note", &note);
    }
    if (err == OK) {
        err = notify_acknowledge_incident(call->scope, call->api->rooms.notify, call->client,
                                          incident.number, note, call->now, &call->why);
    }
    return err == OK ? call_answer_nothing(call) : err;
}

static enum err page_answer(struct call *call, const struct page *page, unsigned status)
{
    buf_reset(&call->answer->body);
    call->answer->status = status;
    call_answer_as(call, "text/html; charset=utf-8");
    call->refused = status >= 400;
    return page_print(page, &call->answer->body);
}

/* A code that is unknown, expired or used: one page for all three. */
static enum err page_gone(struct call *call)
{
    return page_answer(call, &(struct page){.language = call->language, .kind = PAGE_GONE}, 404);
}

static enum err page_of(struct call *call, enum page_kind kind, const struct acknowledge_view *view)
{
    struct client_info client = {0};
    for (size_t i = 0; tenant_client_at(call->api->rooms.tenant, i, &client); i++) {
        if (client_equal(client.id, view->client)) {
            break;
        }
    }
    struct page page = {
        .kind = kind,
        .language = view->language,
        .client = view->language == LANGUAGE_JA ? client.name_ja : client.name_en,
        .slug = client.slug,
        .number = view->number,
        .type = view->type,
        .who = view->who,
        .severity = view->severity,
    };
    if (page.client.size == 0) {
        page.client = client.slug;
    }
    return page_answer(call, &page, 200);
}

enum err api_code_show(struct call *call)
{
    struct acknowledge_view view;
    enum err err =
        notify_code(call->api->rooms.notify, call_param(call, "code"), call->now, call->mem, &view);
    if (err == ERR_NOT_FOUND || err == ERR_SYNTAX) {
        return page_gone(call);
    }
    return err == OK ? page_of(call, PAGE_ASK, &view) : err;
}

enum err api_code_use(struct call *call)
{
    struct acknowledge_view view = {0};
    struct acknowledge_view used;
    struct scope *scope;
    struct str code = call_param(call, "code");
    struct notify *notify = call->api->rooms.notify;
    enum err err = notify_code(notify, code, call->now, call->mem, &view);
    if (err == ERR_NOT_FOUND || err == ERR_SYNTAX) {
        return page_gone(call);
    }
    if (err == OK) {
        err = scope_for_job(call->api->rooms.tenant, STR("acknowledge"), &scope);
    }
    if (err != OK) {
        return err;
    }
    err = notify_acknowledge(scope, notify, code, call->now, call->mem, &used);
    scope_free(scope);
    if (err == ERR_NOT_FOUND) {
        return page_gone(call);
    }
    if (err == ERR_EXISTS) {
        return page_of(call, PAGE_ALREADY, &view);
    }
    return err == OK ? page_of(call, PAGE_DONE, &used) : err;
}
