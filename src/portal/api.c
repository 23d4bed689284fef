/*
 * The table of operations, and one operation's way through it:
 *
 *     path, method ─► who ─► origin ─► client ─► right ─► query, body ─► run ─► answer
 *        404, 405     401     403        404      403        400
 *
 * The order is what keeps clients apart: a client that the scope does not reach is refused before
 * anything of the request but its path has been looked at, and with the words for a client that
 * does not exist.  Only who may see the client learns that a right is missing, and only who has it
 * what is wrong with a body.  Inside a client the rooms say ERR_NOT_FOUND for objects of others.
 *
 * Always true:
 *
 *   (1) every operation passes through `operation_call`; there is no second way to a handler;
 *   (2) the scope is made for the operation's own name, which is its purpose in the audit trail;
 *   (3) a mistake of the caller becomes an answer; what comes back as an error is ours;
 *   (4) of whom a second factor is wanted and who lacks one, by session or token, reaches nothing
 *       but what OPERATION_UNPROVED marks: their own account, and not the making of tokens.
 *
 * A slug stands for {client}, {kind}, {party}, {person}; {hash}, {number}, {id}, {clock} and
 * {engagement} are read by the handlers, which say ERR_NOT_FOUND for what cannot be one.
 */

#include "portal/api.h"

#include <stdlib.h>

#include "codec/percent.h"
#include "portal/private.h"

#define CLIENT    "/clients/{client}"
#define DOCUMENT  CLIENT "/documents/{kind}"
#define VERSION   DOCUMENT "/versions/{hash}"
#define INCIDENT  CLIENT "/incidents/{number}"
#define FACTOR    "/me/second-factor"
#define PERSON    "/people/{party}/{person}"
#define SELF      (OPERATION_PERSON | OPERATION_SESSION)
#define ACCOUNT   (SELF | OPERATION_UNPROVED)
#define SIGNS_IN  (OPERATION_OPEN | OPERATION_ORIGIN)
#define WORKS     (RIGHT_WORK | RIGHT_ACT)
#define DOCUMENTS (RIGHT_DOCUMENTS | RIGHT_MANAGE)
#define DRAFTS    (RIGHT_DRAFT | RIGHT_MANAGE)
#define PROVISION CLIENT "/provisions/{id}"
#define SEES_LOGS (RIGHT_READ | RIGHT_AUDIT)
#define LEAVING   CLIENT "/offboarding"
#define ENDS      (RIGHT_DECIDE | RIGHT_MANAGE)
#define PAGE      "before limit"

const struct operation operations[] = {
    {"POST", "/session", "session.begin", 0, SIGNS_IN, "", "name! password! code",
     api_session_begin},
    {"DELETE", "/session", "session.end", 0, ACCOUNT, "", NULL, api_session_finish},
    {"POST", "/setup", "setup.use", 0, SIGNS_IN, "", "token! party! person! password!",
     api_setup_use},
    {"POST", "/invitation", "invitation.show", 0, OPERATION_OPEN, "", "token!",
     api_invitation_show},
    {"POST", "/invitation/use", "invitation.use", 0, SIGNS_IN, "", "token! password!",
     api_invitation_use},
    {"GET", "/me", "me.show", 0, OPERATION_PERSON | OPERATION_UNPROVED, "", NULL, api_me_show},
    {"GET", "/me/sessions", "session.list", 0, ACCOUNT, "", NULL, api_sessions_list},
    {"DELETE", "/me/sessions/{id}", "session.remove", 0, ACCOUNT, "", NULL, api_session_remove},
    {"GET", "/me/tokens", "token.list", 0, ACCOUNT, "", NULL, api_tokens_list},
    {"POST", "/me/tokens", "token.make", 0, SELF, "", "name! rights! expires!", api_token_make},
    {"DELETE", "/me/tokens/{id}", "token.remove", 0, ACCOUNT, "", NULL, api_token_remove},
    {"PUT", "/me/password", "password.change", 0, ACCOUNT, "", "old! new!", api_password_change},
    {"PUT", "/me/language", "language.change", 0, ACCOUNT, "", "language!", api_language_change},
    {"POST", FACTOR, "factor.begin", 0, ACCOUNT, "", "", api_factor_begin},
    {"PUT", FACTOR, "factor.confirm", 0, ACCOUNT, "", "code!", api_factor_confirm},
    {"POST", FACTOR "/recovery-codes", "factor.codes", 0, ACCOUNT, "", "code!", api_factor_codes},
    {"POST", FACTOR "/removal", "factor.end", 0, ACCOUNT, "", "code!", api_factor_end},

    {"GET", "/schemas", "schema.list", 0, 0, "", NULL, api_schemas_list},
    {"GET", "/schemas/{kind}", "schema.show", 0, 0, "", NULL, api_schema_show},
    {"GET", "/schemas/{kind}/form", "schema.form", 0, 0, "", NULL, api_schema_form},
    {"GET", CLIENT "/documents", "document.list", DOCUMENTS, 0, "", NULL, api_documents_list},
    {"GET", DOCUMENT, "document.show", DOCUMENTS, 0, "", NULL, api_document_show},
    {"GET", DOCUMENT "/disclosure", "document.disclosures", DOCUMENTS, 0, "", NULL,
     api_disclosures_list},
    {"PUT", DOCUMENT "/disclosure", "document.disclose", RIGHT_DRAFT, 0, "", "path! disclosure!",
     api_document_disclosure},
    {"GET", DOCUMENT "/versions", "version.list", DOCUMENTS, 0, "", NULL, api_versions_list},
    {"POST", DOCUMENT "/versions", "version.draft", DRAFTS, 0, "", "document! note wanted after",
     api_version_draft},
    {"GET", VERSION, "version.show", DOCUMENTS, 0, "", NULL, api_version_show},
    {"POST", VERSION "/signature", "version.sign", DOCUMENTS, 0, "", "", api_version_sign},
    {"POST", VERSION "/withdrawal", "version.withdraw", DRAFTS, 0, "", "", api_version_withdraw},
    {"GET", VERSION "/difference", "version.difference", DOCUMENTS, 0, "from", NULL,
     api_version_difference},
    {"GET", VERSION "/completeness", "version.completeness", DOCUMENTS, 0, "", NULL,
     api_version_completeness},
    {"GET", VERSION "/csv", "version.csv", DOCUMENTS, 0, "list!", NULL, api_version_csv},
    {"POST", VERSION "/csv", "version.csv-draft", DRAFTS, OPERATION_ASKING, "list! note", "",
     api_version_csv_draft},
    {"POST", VERSION "/csv-difference", "version.csv-difference", DRAFTS, OPERATION_ASKING, "list!",
     "", api_version_csv_difference},
    {"GET", VERSION "/acknowledgements", "version.acknowledgements", DOCUMENTS, 0, "", NULL,
     api_acknowledgements_list},
    {"POST", VERSION "/acknowledgements", "version.acknowledge", RIGHT_DOCUMENTS, 0, "", "note",
     api_version_acknowledge},
    {"GET", CLIENT "/export", "client.export", RIGHT_MANAGE, 0, "", NULL, api_client_export},
    {"POST", "/apply", "service.apply", RIGHT_MANAGE, OPERATION_EVERY | OPERATION_ASKING, "trust",
     "", api_service_apply_file},

    {"GET", CLIENT "/alerts", "alert.list", RIGHT_ALERTS, 0, "from to after limit excepted planned",
     NULL, api_alerts_list},
    {"GET", CLIENT "/alert-counts", "alert.counts", RIGHT_ALERTS, 0, "after limit", NULL,
     api_alert_counts},
    {"GET", CLIENT "/exceptions", "exception.list", RIGHT_ALERTS, 0, "", NULL, api_exceptions_list},
    {"GET", CLIENT "/planned-work", "planned.list", RIGHT_ALERTS, 0, "", NULL, api_planned_list},
    {"GET", CLIENT "/alerts/{alert}/explanation", "alert.explain", RIGHT_READ, 0, "", NULL,
     api_alert_explain},
    {"GET", CLIENT "/events", "event.search", RIGHT_READ, 0, "query from! to! before limit", NULL,
     api_events_search},
    {"GET", CLIENT "/events/csv", "event.csv", RIGHT_READ, 0, "query from! to!", NULL,
     api_events_csv},
    {"GET", CLIENT "/provisions", "provision.list", SEES_LOGS, 0, PAGE, NULL, api_provisions_list},
    {"POST", CLIENT "/provisions", "provision.ask", RIGHT_READ, 0, "",
     "from! to! sources query format! proof language purpose!", api_provision_new},
    {"GET", PROVISION, "provision.show", SEES_LOGS, 0, "", NULL, api_provision_show},
    {"POST", PROVISION "/approve", "provision.approve", RIGHT_DECIDE, 0, "", "note",
     api_provision_approve},
    {"POST", PROVISION "/refuse", "provision.refuse", RIGHT_DECIDE, 0, "", "note",
     api_provision_refuse},
    {"POST", PROVISION "/cancel", "provision.cancel", RIGHT_READ, 0, "", "note",
     api_provision_cancel},
    {"GET", PROVISION "/package", "provision.package", RIGHT_READ, 0, "", NULL,
     api_provision_package},
    {"GET", LEAVING, "offboarding.show", ENDS | RIGHT_AUDIT, 0, "", NULL, api_leaving_show},
    {"POST", LEAVING, "offboarding.ask", ENDS, 0, "", "reason! language", api_leaving_new},
    {"POST", LEAVING "/confirm", "offboarding.confirm", ENDS, 0, "", "", api_leaving_agree},
    {"POST", LEAVING "/cancel", "offboarding.cancel", ENDS, 0, "", "note", api_leaving_take_back},
    {"GET", LEAVING "/certificate", "offboarding.certificate", ENDS | RIGHT_AUDIT, 0, "", NULL,
     api_leaving_certificate},
    {"GET", CLIENT "/searches", "search.list", RIGHT_READ, 0, "", NULL, api_searches_list},
    {"POST", CLIENT "/searches", "search.save", RIGHT_READ, 0, "", "name! query! span shared",
     api_search_save},
    {"PUT", CLIENT "/searches/{id}", "search.change", RIGHT_READ, 0, "", "name! query! span shared",
     api_search_change},
    {"DELETE", CLIENT "/searches/{id}", "search.remove", RIGHT_READ, 0, "", NULL,
     api_search_remove},
    {"GET", CLIENT "/books", "books.show", RIGHT_BOOKS, 0, "", NULL, api_books_show},
    {"GET", CLIENT "/books/minutes", "books.minutes", RIGHT_BOOKS, 0, "source from to by", NULL,
     api_books_minutes},
    {"GET", CLIENT "/devices", "device.list", RIGHT_BOOKS, 0, "", NULL, api_device_list},
    {"GET", CLIENT "/ailments", "ailment.list", RIGHT_BOOKS, 0, "open limit", NULL,
     api_ailment_list},
    {"GET", CLIENT "/archive", "archive.show", RIGHT_BOOKS, 0, "", NULL, api_archive_show},
    {"GET", CLIENT "/holds", "hold.list", RIGHT_BOOKS, 0, "open", NULL, api_hold_list},
    {"POST", CLIENT "/holds", "hold.make", WORKS | RIGHT_AUDIT, 0, "",
     "reason! sources from to until incident", api_hold_make},
    {"POST", CLIENT "/holds/{id}/release", "hold.release", RIGHT_WORK | RIGHT_DECIDE | RIGHT_AUDIT,
     0, "", "reason!", api_hold_end},
    {"GET", CLIENT "/accesses", "access.list", RIGHT_AUDIT, 0, PAGE, NULL, api_access_list},
    {"GET", "/devices/health", "device.health", 0, 0, "", NULL, api_device_health},
    {"GET", "/proposals", "proposal.list", 0, 0, "", NULL, api_proposal_list},
    {"GET", "/health", "health.show", 0, 0, "", NULL, api_health_show},
    {"GET", "/metrics", "metrics.show", 0, 0, "", NULL, api_metrics_show},
    {"GET", "/changes", "change.stream", 0, OPERATION_PERSON | OPERATION_SESSION, "", NULL,
     api_change_stream},
    {"GET", "/rules", "rules.show", 0, 0, "", NULL, api_rules_show},
    {"GET", "/incidents", "incident.list", 0, 0, "open " PAGE, NULL, api_incidents_list},
    {"GET", CLIENT "/incidents", "incident.list-client", RIGHT_INCIDENTS, 0, "open " PAGE, NULL,
     api_client_incidents_list},
    {"POST", CLIENT "/incidents", "incident.report", WORKS, 0, "", "text! severity! type asset",
     api_incident_new},
    {"GET", INCIDENT, "incident.show", RIGHT_INCIDENTS, 0, "", NULL, api_incident_show},
    {"GET", INCIDENT "/history", "incident.history", RIGHT_INCIDENTS, 0, "", NULL,
     api_incident_lines},
    {"GET", INCIDENT "/evidence", "incident.evidence", RIGHT_READ, 0, "after limit", NULL,
     api_incident_evidence},
    {"POST", INCIDENT "/notes", "incident.note", WORKS, 0, "", "text!", api_incident_add_note},
    {"POST", INCIDENT "/step", "incident.step", RIGHT_WORK, 0, "", "to! reason", api_incident_go},
    {"POST", INCIDENT "/proposals", "incident.propose", RIGHT_WORK, 0, "", "options! decide_by",
     api_incident_offer},
    {"GET", INCIDENT "/proposals/{proposal}", "incident.options", RIGHT_INCIDENTS, 0, "", NULL,
     api_incident_options},
    {"POST", INCIDENT "/decision", "incident.decide", RIGHT_DECIDE, 0, "",
     "proposal! option! reason", api_incident_decision},
    {"POST", INCIDENT "/authorised-action", "incident.act", RIGHT_WORK, 0, "", "text!",
     api_incident_authorised},
    {"POST", INCIDENT "/execution", "incident.execute", WORKS, 0, "", "done! evidence!",
     api_incident_execution},
    {"POST", INCIDENT "/return", "incident.return", RIGHT_DECIDE, 0, "", "agreed! reason",
     api_incident_agree_return},

    {"GET", INCIDENT "/clocks", "clock.list", RIGHT_INCIDENTS, 0, "", NULL, api_clocks_list},
    {"GET", CLIENT "/clocks/{clock}/history", "clock.history", RIGHT_INCIDENTS, 0, "", NULL,
     api_clock_steps},
    {"POST", CLIENT "/clocks/{clock}/pause", "clock.pause", WORKS, 0, "", "reason! note",
     api_clock_stop},
    {"POST", CLIENT "/clocks/{clock}/resume", "clock.resume", WORKS, 0, "", "", api_clock_go},

    {"GET", INCIDENT "/notices", "notice.list", RIGHT_INCIDENTS, 0, "", NULL, api_notices_list},
    {"POST", INCIDENT "/acknowledgement", "notice.acknowledge", WORKS, 0, "", "note",
     api_notice_acknowledge},
    {"GET", "/acknowledge/{code}", "notice.show-code", 0, OPERATION_OPEN, "", NULL, api_code_show},
    {"POST", "/acknowledge/{code}", "notice.use-code", 0, OPERATION_OPEN | OPERATION_ASKING, "", "",
     api_code_use},

    {"GET", "/clients", "client.list", 0, 0, "", NULL, api_clients_list},
    {"GET", CLIENT, "client.show", 0, 0, "", NULL, api_client_show},
    {"GET", CLIENT "/sources", "source.list", RIGHT_DOCUMENTS | RIGHT_BOOKS | RIGHT_MANAGE, 0, "",
     NULL, api_sources_list},
    {"POST", CLIENT "/sources", "source.enrol", RIGHT_MANAGE, 0, "",
     "listener! address! slug! name note", api_proposal_enrol},
    {"GET", CLIENT "/people", "person.list-client", RIGHT_INCIDENTS | RIGHT_USERS | RIGHT_MANAGE, 0,
     "", NULL, api_client_people},
    {"GET", CLIENT "/engagements", "engagement.list", RIGHT_INCIDENTS | RIGHT_AUDIT | RIGHT_MANAGE,
     0, "", NULL, api_engagements_list},
    {"PUT", CLIENT "/engagements/{engagement}/assignments", "engagement.assign", RIGHT_MANAGE, 0,
     "", "assignments!", api_engagement_assign},
    {"GET", CLIENT "/audit", "audit.list", RIGHT_AUDIT, 0, PAGE, NULL, api_audit_list},
    {"GET", "/people", "person.list", 0, OPERATION_PERSON, "", NULL, api_own_people},
    {"POST", "/people", "person.make", 0, OPERATION_PERSON, "",
     "person! name! mail! language! roles!", api_person_make},
    {"PUT", PERSON, "person.change", 0, OPERATION_PERSON, "",
     "name! mail! language! active! roles!", api_person_change},
    {"DELETE", PERSON "/second-factor", "person.factor-end", 0, 0, "", NULL, api_person_factor_end},
    {"POST", PERSON "/invitation", "person.invite", 0, 0, "", "", api_person_invite},
};
const size_t operations_count = sizeof operations / sizeof *operations;

static enum err operation_call(struct call *call);

enum err api_new(const struct api_rooms *rooms, struct api **ret)
{
    struct api *api = calloc(1, sizeof *api);
    if (api == NULL) {
        return ERR_MEMORY;
    }
    api->rooms = *rooms;
    enum err err = pending_all_new(&api->pending);
    if (err != OK) {
        free(api);
        return err;
    }
    *ret = api;
    return OK;
}

void api_free(struct api *api)
{
    if (api != NULL) {
        pending_all_free(api->pending);
        free(api);
    }
}

void api_attach_vigils(struct api *api, struct vigils *vigils)
{
    api->vigils = vigils;
}

void api_attach_stock(struct api *api, api_stock_call *stock, void *context)
{
    api->stock = stock;
    api->stock_context = context;
}

void api_attach(struct api *api, const struct books *books, api_health_call *health, void *context)
{
    api->books = books;
    api->health = health;
    api->health_context = context;
}

void api_answer_done(struct api_answer *answer)
{
    buf_done(&answer->body);
    buf_done(&answer->job.scope);
    buf_done(&answer->job.text);
    *answer = (struct api_answer){0};
}

bool api_operation_at(size_t index, const char **ret_method, const char **ret_path,
                      const char **ret_name)
{
    if (index >= operations_count) {
        return false;
    }
    *ret_method = operations[index].method;
    *ret_path = operations[index].path;
    *ret_name = operations[index].name;
    return true;
}

/* Accept-Language is looked at for the first of our two languages; weights are not, since every
 * browser sends them in falling order. */
static enum language language_of(struct str accepted, enum language otherwise)
{
    while (accepted.size > 0) {
        struct str part = str_trim(str_cut(&accepted, ','));
        struct str tag = str_cut(&part, ';');
        enum language language;
        if (language_parse(str_slice(str_trim(tag), 0, 2), &language) == OK) {
            return language;
        }
    }
    return otherwise;
}

/* Whether the path fits the pattern; its parameters are decoded into call->params. */
static enum err path_match(struct call *call, const char *pattern, bool *ret)
{
    struct str path = str_slice(call->request->path, 1, SIZE_MAX);
    struct str wanted = str_from(pattern + 1);
    size_t params = 0;
    *ret = false;
    if (!str_starts(call->request->path, STR("/")) || str_ends(path, STR("/"))) {
        return OK;
    }
    while (wanted.size > 0 && path.size > 0) {
        struct str part = str_cut(&path, '/');
        struct str want = str_cut(&wanted, '/');
        if (!str_starts(want, STR("{"))) {
            if (!str_equal(part, want)) {
                return OK;
            }
        } else {
            enum err err = percent_decode(part, false, call->mem, &call->params[params]);
            if (err != OK || call->params[params].size == 0) {
                return err == ERR_SYNTAX ? OK : err;
            }
            params++;
        }
    }
    *ret = wanted.size == 0 && path.size == 0;
    return OK;
}

/* NULL in call->operation: there is none; *ret_path: but there is for another method. */
static enum err operation_find(struct call *call, bool *ret_path)
{
    *ret_path = false;
    for (size_t i = 0; i < operations_count; i++) {
        bool fits;
        enum err err = path_match(call, operations[i].path, &fits);
        if (err != OK) {
            return err;
        }
        if (fits && str_equal(call->request->method, str_from(operations[i].method))) {
            call->operation = &operations[i];
            return OK;
        }
        *ret_path = *ret_path || fits;
    }
    return OK;
}

/* A request that names neither session nor token, or names one that is not good, is nobody's. */
static enum err scope_make(struct call *call, struct scope **ret)
{
    struct tenant *tenant = call->api->rooms.tenant;
    const struct api_request *request = call->request;
    struct str purpose = str_from(call->operation->name);
    struct person_info info;
    enum err err;
    *ret = NULL;
    if (request->bearer.size > 0) {
        err = api_token_scope(tenant, request->bearer, purpose, call->now, ret);
        call->person = err == OK ? scope_person(*ret) : 0;
    } else if (request->session.size > 0) {
        err = session_person(tenant, request->session, call->now, &call->person);
        if (err == OK) {
            err = scope_for_person(tenant, call->person, purpose, call->now, ret);
            err = err == ERR_DENIED ? OK : err; /* A person who reaches no client. */
        }
    } else {
        return OK;
    }
    if (err == ERR_DENIED || err == ERR_NOT_FOUND || err == ERR_SYNTAX || err == ERR_LIMIT) {
        return OK;
    }
    if (err == OK && tenant_person_get(tenant, call->person, &info) == OK) {
        call->language = language_of(request->language, info.language);
    }
    return err;
}

static enum err call_start(struct call *call)
{
    const struct api_request *request = call->request;
    bool there;
    if (request->path.size + request->query.size > PORTAL_TARGET_SIZE_MAX ||
        request->body.size > PORTAL_BODY_SIZE_MAX) {
        return call_refuse(call, 413, WORD_API_ERROR_TOO_LARGE, STR(""), NULL);
    }
    enum err err = operation_find(call, &there);
    if (err == OK && call->operation != NULL && request->body.size > PORTAL_OPEN_BODY_MAX &&
        (call->operation->flags & OPERATION_OPEN) != 0) {
        return call_refuse(call, 413, WORD_API_ERROR_TOO_LARGE, STR(""), NULL);
    }
    if (err == OK && call->operation == NULL) {
        err = there ? call_refuse(call, 405, WORD_API_ERROR_NO_OPERATION, STR(""), NULL)
                    : call_refuse_unknown(call);
    }
    return err;
}

static void call_init(struct call *call, struct api *api, const struct api_request *request,
                      struct wall now, struct arena *mem, struct api_answer *answer)
{
    *answer = (struct api_answer){.status = 200, .type = STR("application/json")};
    buf_init(&answer->body, PORTAL_ANSWER_SIZE_MAX);
    *call = (struct call){
        .api = api,
        .request = request,
        .now = now,
        .mem = mem,
        .language = language_of(request->language, LANGUAGE_JA),
        .answer = answer,
    };
    json_out_begin(&call->out, &answer->body);
}

/* Of an error, nothing is left in the caller's hands. */
static enum err call_end(struct call *call, enum err err)
{
    if (err != OK) {
        api_answer_done(call->answer);
    }
    return err;
}

/* Whether something is wanted of the caller before they may go on. */
static enum err factor_lacks(struct call *call, bool *ret)
{
    struct tenant *tenant = call->api->rooms.tenant;
    struct person_door door;
    *ret = false;
    if ((call->operation->flags & (OPERATION_OPEN | OPERATION_UNPROVED)) != 0 ||
        call->person == 0 || !factor_wanted(tenant, call->person)) {
        return OK;
    }
    enum err err = tenant_person_door(tenant, call->person, &door);
    *ret = err == OK && !door.second_factor;
    return err;
}

/* Whether this credential may be used for this operation at all; refuses if not. */
static enum err credential_admit(struct call *call)
{
    const struct api_request *request = call->request;
    unsigned flags = call->operation->flags;
    bool open = (flags & OPERATION_OPEN) != 0;
    bool changes = !str_equal(request->method, STR("GET"));
    bool lacks;
    if (!open && call->person == 0 && call->scope == NULL) {
        return call_refuse(call, 401, WORD_API_ERROR_SIGN_IN, STR(""), NULL);
    }
    if (!request->same_origin && changes &&
        ((!open && request->bearer.size == 0) || (flags & OPERATION_ORIGIN) != 0)) {
        return call_refuse(call, 403, WORD_API_ERROR_OTHER_ORIGIN, STR(""), NULL);
    }
    if ((flags & OPERATION_SESSION) != 0 && request->bearer.size > 0) {
        return call_refuse(call, 403, WORD_API_ERROR_NEEDS_SESSION, STR(""), NULL);
    }
    enum err err = factor_lacks(call, &lacks);
    return err == OK && lacks
               ? call_refuse(call, 403, WORD_API_ERROR_SECOND_FACTOR_WANTED, STR(""), NULL)
               : err;
}

enum err api_call(struct api *api, const struct api_request *request, struct wall now,
                  struct arena *mem, struct api_answer *ret)
{
    struct call call;
    struct scope *scope = NULL;
    call_init(&call, api, request, now, mem, ret);
    enum err err = call_start(&call);
    if (err != OK || call.refused) {
        return call_end(&call, err);
    }
    if ((call.operation->flags & OPERATION_OPEN) == 0) {
        err = scope_make(&call, &scope);
        call.scope = scope;
    }
    if (err == OK) {
        err = credential_admit(&call);
    }
    if (err == OK && !call.refused) {
        err = operation_call(&call);
    }
    scope_free(scope);
    return call_end(&call, err);
}

enum err api_call_as(struct api *api, const struct scope *scope, const struct api_request *request,
                     struct wall now, struct arena *mem, struct api_answer *ret)
{
    struct call call;
    call_init(&call, api, request, now, mem, ret);
    call.scope = scope;
    call.person = scope_person(scope);
    enum err err = call_start(&call);
    if (err == OK && !call.refused) {
        err = (call.operation->flags & (OPERATION_SESSION | OPERATION_ORIGIN)) != 0
                  ? call_refuse(&call, 403, WORD_API_ERROR_NEEDS_SESSION, STR(""), NULL)
                  : operation_call(&call);
    }
    return call_end(&call, err);
}

enum err api_resume(struct api *api, uint64_t ticket, bool matches, struct str hash,
                    struct wall now, struct arena *mem, struct api_answer *ret)
{
    struct pending *pending = pending_find(api, ticket);
    if (pending == NULL) {
        return ERR_NOT_FOUND;
    }
    const struct api_request request = {.peer = pending->peer, .agent = pending->agent};
    struct call call;
    call_init(&call, api, &request, now, mem, ret);
    call.language = pending->language;
    call.operation = pending->operation;
    call.person = pending->person;
    enum err err = session_resume(&call, pending, matches, hash);
    if (err != OK && !call.refused) {
        err = call_refuse_err(&call, err);
    }
    if (!ret->wants_password) {
        pending_forget(pending);
    }
    return call_end(&call, err);
}

/* Finds {client} and asks for the rights; what is refused stands in the answer. */
static enum err client_admit(struct call *call)
{
    const struct operation *operation = call->operation;
    bool allowed = operation->rights == 0;
    call->client_slug = call_param(call, "client");
    if (call->client_slug.size > 0) {
        enum err err =
            tenant_client_find(call->api->rooms.tenant, call->client_slug, &call->client);
        if (err != OK && err != ERR_NOT_FOUND) {
            return err;
        }
        if (err != OK || call->scope == NULL ||
            scope_side(call->scope, call->client) == SIDE_NONE) {
            return call_refuse_unknown(call);
        }
    }
    for (uint32_t right = 1; right <= operation->rights && !allowed; right <<= 1) {
        if ((operation->rights & right) != 0) {
            allowed = (operation->flags & OPERATION_EVERY) != 0
                          ? call->scope != NULL && scope_allows_all(call->scope, (enum right)right)
                          : scope_allows(call->scope, call->client, (enum right)right);
        }
    }
    if (!allowed || (call->person == 0 && (operation->flags & OPERATION_PERSON) != 0)) {
        return call_refuse(call, 403, WORD_API_ERROR_NOT_ALLOWED, STR(""), NULL);
    }
    return OK;
}

static enum err operation_call(struct call *call)
{
    enum err err = client_admit(call);
    if (err == OK && !call->refused) {
        err = call_query_check(call);
    }
    if (err == OK && !call->refused) {
        err = call_body_read(call);
    }
    if (err == OK && !call->refused) {
        err = call->operation->run(call);
    }
    return err == OK ? OK : call_refuse_err(call, err);
}
