/*
 * An incident that a person reports, before any alert or without one (R066, R143): the client's own
 * people at once, or the provider's who record what they were told by telephone.
 *
 *     report ─► incident in the state detected, clocks, notice "incident-reported" ─► as any other
 *
 * Always true: a report is an incident of its own and takes no alerts, since what a person saw is
 * no rule's cause; who makes many is stopped at INCIDENTS_OPEN_TYPE_MAX open ones.
 */

#include "base/limits.h"
#include "incident/private.h"

/* How many reports of this client are open; a number for the next one's cause. */
static enum err reports_count(struct operation *operation, int64_t *ret_open, int64_t *ret_next)
{
    struct statement *statement;
    bool there;
    enum err err =
        LEDGER_QUERY(operation->incidents->ledger,
                     "SELECT count(CASE WHEN ended IS NULL AND cause LIKE 'report %' THEN"
                     " 1 END), count(*) FROM incident WHERE client = ?",
                     &statement, BIND_INT(operation->row.client.value));
    if (err == OK) {
        err = statement_step(statement, &there);
    }
    if (err == OK) {
        *ret_open = there ? statement_int(statement, 0) : 0;
        *ret_next = there ? statement_int(statement, 1) + 1 : 1;
        statement_reset(statement);
    }
    return err;
}

/* "KIND:HASH …" of the documents in force, as alerts name them. */
static enum err documents_name(struct operation *operation)
{
    static const char *const kinds[] = {"assets",    "calendars",   "contacts", "criteria",
                                        "detection", "log-sources", "table-1"};
    struct incidents *incidents = operation->incidents;
    struct str *names = &operation->row.documents;
    enum err err = OK;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && err == OK; i++) {
        struct str hash;
        if (service_running(operation->scope, incidents->service, operation->row.client,
                            str_from(kinds[i]), &hash) != NULL) {
            err = arena_print(incidents->mem, names, "%.*s%s%s:%.*s", STR_ARG(*names),
                              names->size > 0 ? " " : "", kinds[i], STR_ARG(hash));
        }
    }
    return err;
}

/* The asset that the report names, with its owner and segment. */
static enum err asset_take(struct operation *operation, struct str slug)
{
    const struct element *asset = running_item(operation, "assets", "assets", slug);
    if (slug.size > 0 && asset == NULL) {
        return why_say(operation->why, ERR_SYNTAX, 0, "asset: there is no such asset");
    }
    if (asset != NULL) {
        operation->row.asset = slug;
        operation->row.owner = element_text(asset, "owner");
        operation->row.zone = element_text(asset, "segment");
    }
    return OK;
}

static enum err report_row(struct operation *operation, const struct incident_report *report)
{
    struct row *row = &operation->row;
    int64_t open = 0;
    int64_t next = 0;
    *row = (struct row){
        .client = row->client,
        .type = report->type,
        .severity = report->severity,
        .detected = operation->now,
        .opened = operation->now,
        .ended = WALL_NONE,
        .alert_last = operation->now,
        .told_at = operation->now,
        .decide_by = WALL_NONE,
        .decide_next = WALL_NONE,
        .notified = WALL_NONE,
        .acknowledged = WALL_NONE,
    };
    enum err err = text_check(report->text, "text", INCIDENT_TEXT_SIZE_MAX, true, operation->why);
    if (err == OK) {
        err = asset_take(operation, report->asset);
    }
    if (err == OK) {
        err = reports_count(operation, &open, &next);
    }
    if (err == OK && open >= INCIDENTS_OPEN_TYPE_MAX) {
        err = why_say(operation->why, ERR_LIMIT, 0, "%lld reports are open; no more",
                      (long long)open);
    }
    if (err == OK) {
        err = arena_print(operation->incidents->mem, &row->cause, "report %lld", (long long)next);
    }
    return err == OK ? documents_name(operation) : err;
}

static enum err report_open(struct operation *operation, const struct incident_report *report)
{
    const struct notice_value value = {STR("report"), report->text};
    enum err err = report_row(operation, report);
    if (err == OK) {
        err = row_insert(operation->incidents->ledger, &operation->row);
    }
    if (err == OK) {
        err = history_add(operation, "reported", INCIDENT_DETECTED, report->text, (struct str){0});
    }
    if (err == OK) {
        err = row_moment(operation, MOMENT_DETECTED, operation->now);
    }
    return err == OK ? row_notice(operation, "incident-reported", (struct str){0}, true,
                                  (struct notice_extra){&value, 1})
                     : err;
}

enum err incident_report(const struct scope *scope, struct incidents *incidents,
                         struct client_id client, const struct incident_report *report,
                         struct wall now, uint32_t *ret_number, struct why *why)
{
    struct operation operation = {.incidents = incidents, .scope = scope, .now = now, .why = why};
    operation.row.client = client;
    if (!scope_allows(scope, client, RIGHT_INCIDENTS)) {
        return why_say(why, ERR_NOT_FOUND, 0, "there is no such client");
    }
    enum err err = rights_check(&operation, RIGHT_WORK | RIGHT_ACT);
    if (err != OK) {
        return err;
    }
    operation.alone = !ledger_in_transaction(incidents->ledger);
    err = operation.alone ? ledger_begin(incidents->ledger) : OK;
    if (err != OK) {
        return err;
    }
    err = report_open(&operation, report);
    uint32_t number = operation.row.number;
    err = operation_end(&operation, err);
    if (err == OK) {
        *ret_number = number;
    }
    return err;
}
