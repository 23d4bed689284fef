/*
 * The rules that judge events, and why one of them did.
 *
 * Always true: whoever may sign in sees which rules run, which cannot and why, since a rule that is
 * silently off is everybody's concern; files are told by name, not by where they lie.
 */

#include "codec/json.h"
#include "codec/yaml.h"
#include "portal/private.h"
#include "service/editions.h"

static struct str file_name(struct str path)
{
    struct str name = path;
    for (size_t i = 0; i < path.size; i++) {
        if (path.data[i] == '/') {
            name = str_slice(path, i + 1, path.size);
        }
    }
    return name;
}

/* One list of a report, its files by name. */
static void problems_print(struct json_out *out, const struct yaml_node *report, const char *list,
                           const char *what)
{
    const struct yaml_node *problems = yaml_get(report, str_from(list));
    json_list(out, list);
    for (const struct yaml_node *node = problems != NULL ? problems->first : NULL; node != NULL;
         node = node->next) {
        const struct yaml_node *file = yaml_get(node, STR("file"));
        const struct yaml_node *text = yaml_get(node, str_from(what));
        json_object(out, NULL);
        json_text(out, "file", file_name(file != NULL ? file->text : STR("")));
        json_text(out, "reason", text != NULL ? text->text : STR(""));
        json_close(out);
    }
    json_close(out);
}

enum err api_rules_show(struct call *call)
{
    struct edition edition;
    struct yaml_node *report = NULL;
    enum err err = edition_in_force(call->api->rooms.ledger, call->mem, &edition);
    if (err == OK) {
        err = json_parse(edition.report, call->mem, &report, NULL);
    }
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 200);
    json_text(out, "hash", edition.hash);
    json_text(out, "origin", edition.origin);
    json_time(out, "since", edition.in_force);
    json_unsigned(out, "loaded", edition.loaded);
    problems_print(out, report, "refused", "reason");
    problems_print(out, report, "needs_values", "placeholder");
    problems_print(out, report, "unguarded", "reason");
    return call_answered(call);
}

/* The alert has to be found here, where what is not there and what may not be seen are one; the
 * event is read by a worker. */
enum err api_alert_explain(struct call *call)
{
    struct alert_filter filter = {
        .client = call->client, .from = WALL_NONE, .to = WALL_NONE, .count_max = 1};
    struct stored_alert *list;
    struct str what;
    uint64_t id;
    size_t count = 0;
    if (str_to_u64(call_param(call, "alert"), INT64_MAX, &id) != OK || id == 0) {
        return ERR_NOT_FOUND;
    }
    filter.after_id = id - 1;
    enum err err =
        incident_list(call->scope, call->api->rooms.ledger, &filter, call->mem, &list, &count);
    if (err == OK && (count == 0 || list[0].id != id)) {
        err = ERR_NOT_FOUND;
    }
    if (err == OK) {
        err = arena_print(call->mem, &what, "an alert's event: alert %llu", (unsigned long long)id);
    }
    if (err == OK) {
        err = call_ask_archive(call, API_JOB_EXPLAIN, what.data);
    }
    if (err == OK) {
        call->answer->job.alert = id;
        call->answer->job.from_place = list[0].alert.place.sequence;
    }
    return err;
}
