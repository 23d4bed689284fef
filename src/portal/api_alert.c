/*
 * Alerts: what was seen, and the original lines behind those of an incident.
 *
 * Always true: reading alerts is written to the audit trail, since they quote the client's logs.
 * The lines themselves are read by a worker; here it is only found which ones they are.
 */

#include "portal/private.h"

#include "base/bytes.h"
#include "base/packed.h"
#include "codec/json.h"

static struct str source_slug(const struct call *call, struct source_id id)
{
    struct source_info info;
    for (size_t i = 0; tenant_source_at(call->api->rooms.tenant, i, &info); i++) {
        if (info.id.value == id.value && client_equal(info.client, call->client)) {
            return info.slug;
        }
    }
    return STR("");
}

static void outcome_print(struct json_out *out, const struct outcome *outcome)
{
    json_object(out, "outcome");
    json_text(out, "type", outcome->type);
    json_text(out, "severity", str_from(level_text(outcome->severity)));
    json_yes_no(out, "incident", outcome->incident);
    json_text(out, "criterion", outcome->criterion);
    json_text(out, "chain", outcome->chain);
    json_text(out, "action", outcome->action);
    json_yes_no(out, "authorised", outcome->authorised);
    json_text(out, "asset", outcome->asset);
    json_text(out, "owner", outcome->owner);
    json_text(out, "zone", outcome->zone);
    json_text(out, "outside", outcome->outside);
    json_text(out, "inside", outcome->inside);
    json_text(out, "other", outcome->other);
    json_text(out, "excepted", outcome->excepted);
    json_text(out, "planned", outcome->planned);
    json_text(out, "documents", outcome->documents);
    json_close(out);
}

/* What a correlation has in common; its values come out of events, so they are read and not only
 * handed on. */
static void group_print(struct call *call, struct json_out *out, struct str group)
{
    struct yaml_node *node = NULL;
    if (group.size == 0 || json_parse(group, call->mem, &node, NULL) != OK || node == NULL ||
        node->kind != YAML_MAPPING) {
        json_null(out, "group");
        return;
    }
    json_object(out, "group");
    for (const struct yaml_node *value = node->first; value != NULL; value = value->next) {
        json_text(out, value->key->text.data, value->text);
    }
    json_close(out);
}

/* Sequence numbers, separated by blanks. */
static void records_print(struct json_out *out, struct str records)
{
    json_list(out, "records");
    while (records.size > 0) {
        uint64_t sequence;
        if (str_to_u64(str_cut(&records, ' '), INT64_MAX, &sequence) == OK) {
            json_unsigned(out, NULL, sequence);
        }
    }
    json_close(out);
}

static void alert_print(struct call *call, struct json_out *out, const struct stored_alert *stored)
{
    const struct alert *alert = &stored->alert;
    json_object(out, NULL);
    json_unsigned(out, "id", stored->id);
    json_unsigned(out, "incident", stored->incident); /* its id; 0: none */
    json_text(out, "kind", alert->kind == ALERT_CORRELATION ? STR("correlation") : STR("rule"));
    json_unsigned(out, "place", alert->place.sequence);
    json_text(out, "source", source_slug(call, alert->source));
    json_time(out, "stored", stored->stored);
    json_time(out, "received", alert->received);
    json_time(out, "happened", alert->happened);
    json_text(out, "level", str_from(level_text(alert->level)));
    json_object(out, "rule");
    json_text(out, "id", alert->rule_id);
    json_text(out, "title", alert->rule_title);
    json_text(out, "author", alert->rule_author);
    json_text(out, "link", alert->rule_link);
    json_text(out, "tags", alert->rule_tags);
    json_text(out, "version", alert->rule_version);
    json_close(out);
    group_print(call, out, alert->group);
    json_unsigned(out, "count", alert->count);
    records_print(out, alert->records);
    outcome_print(out, &alert->outcome);
    json_close(out);
}

enum err api_alerts_list(struct call *call)
{
    struct alert_filter filter = {.client = call->client};
    struct stored_alert *list;
    size_t count;
    enum err err = call_query_time(call, "from", &filter.from);
    if (err == OK) {
        err = call_query_time(call, "to", &filter.to);
    }
    if (err == OK) {
        err = call_query_number(call, "after", 0, INT64_MAX, &filter.after_id);
    }
    if (err == OK) {
        err = call_query(call, "excepted", &filter.excepted);
    }
    if (err == OK) {
        err = call_query(call, "planned", &filter.planned);
    }
    if (err == OK) {
        err = call_query_limit(call, &filter.count_max);
    }
    if (err == OK) {
        err =
            incident_list(call->scope, call->api->rooms.ledger, &filter, call->mem, &list, &count);
    }
    if (err == OK) {
        err = call_audit_read(call, "alerts");
    }
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 200);
    json_list(out, "alerts");
    for (size_t i = 0; i < count; i++) {
        alert_print(call, out, &list[i]);
    }
    json_close(out);
    return call_answered(call);
}

/* ---- Evidence. */

/* The places of the lines behind an alert: of a correlation its first records. */
static enum err places_pack(const struct alert *alert, uint64_t *from_place, struct buf *out)
{
    char places[EVIDENCE_LINES_MAX * 8];
    struct str records = alert->records;
    size_t count = 0;
    while (alert->kind == ALERT_CORRELATION && records.size > 0 && count < EVIDENCE_LINES_MAX) {
        uint64_t sequence;
        if (str_to_u64(str_cut(&records, ' '), INT64_MAX, &sequence) == OK) {
            put_u64(places + 8 * count++, sequence);
        }
    }
    if (count == 0) {
        put_u64(places, alert->place.sequence);
        count = 1;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t sequence = get_u64(places + 8 * i);
        *from_place = *from_place == 0 || sequence < *from_place ? sequence : *from_place;
    }
    return packed_put_text(out, str_of(places, 8 * count));
}

static enum err evidence_pack(struct call *call, const struct stored_alert *list, size_t count,
                              bool more)
{
    struct api_job *job = &call->answer->job;
    struct buf text;
    buf_init(&text, PORTAL_ANSWER_SIZE_MAX);
    buf_init(&job->text, PORTAL_ANSWER_SIZE_MAX);
    enum err err = packed_put_number(&job->text, more);
    for (size_t i = 0; i < count && err == OK; i++) {
        struct json_out out;
        buf_reset(&text);
        json_out_begin(&out, &text);
        alert_print(call, &out, &list[i]);
        err = json_out_end(&out);
        err = err == OK ? packed_put_text(&job->text, buf_str(&text)) : err;
        err = err == OK ? places_pack(&list[i].alert, &job->from_place, &job->text) : err;
    }
    buf_done(&text);
    return err;
}

enum err api_incident_evidence(struct call *call)
{
    struct incident_view incident;
    struct alert_filter filter = {.client = call->client, .from = WALL_NONE, .to = WALL_NONE};
    struct stored_alert *list;
    struct str what;
    uint64_t limit = EVIDENCE_DEFAULT;
    size_t count = 0;
    enum err err = call_incident(call, &incident);
    err = err == OK ? call_query_number(call, "after", 0, INT64_MAX, &filter.after_id) : err;
    err = err == OK ? call_query_number(call, "limit", limit, EVIDENCE_MAX, &limit) : err;
    if (err != OK) {
        return err;
    }
    limit = limit > 0 ? limit : 1;
    filter.incident = incident.id;
    filter.count_max = (size_t)limit + 1;
    err = incident_list(call->scope, call->api->rooms.ledger, &filter, call->mem, &list, &count);
    if (err == OK) {
        bool more = count > limit;
        err = evidence_pack(call, list, more ? (size_t)limit : count, more);
    }
    err = err == OK ? arena_print(call->mem, &what, "the lines behind incident %u", incident.number)
                    : err;
    return err == OK ? call_ask_archive(call, API_JOB_EVIDENCE, what.data) : err;
}
