/*
 * What the client's detection design does: exceptions with their days and how often they were hit,
 * planned work likewise, and how many alerts there were beyond those that are kept.
 *
 * Always true: what is told of a document comes from service_effective, which discloses; hits of an
 * exception that is no longer in the document are told by its slug alone.
 */

#include "portal/private.h"

#include "detect/criteria.h"

static const char *state_name(enum exception_state state)
{
    static const char *const names[] = {
        [EXCEPTION_AHEAD] = "ahead",
        [EXCEPTION_ACTIVE] = "active",
        [EXCEPTION_ENDING] = "ending",
        [EXCEPTION_EXPIRED] = "expired",
    };
    return names[state];
}

/* What runs now; *ret_root NULL where nothing of the kind is effective. */
static enum err effective(struct call *call, const char *kind, struct version *version,
                          const struct element **ret_root)
{
    struct document document;
    *ret_root = NULL;
    enum err err = service_effective(call->scope, call->api->rooms.service, call->client,
                                     str_from(kind), call->mem, version, &document);
    if (err == OK) {
        *ret_root = document.root;
    }
    return err == ERR_NOT_FOUND ? OK : err;
}

static enum err hits_read(struct call *call, enum hit_kind kind, struct alert_hits **ret,
                          size_t *ret_count)
{
    return incident_hits(call->scope, call->api->rooms.ledger, call->client, kind, call->mem, ret,
                         ret_count);
}

static void hits_print(struct json_out *out, const struct alert_hits *hits, size_t count,
                       struct str slug)
{
    const struct alert_hits *found = NULL;
    for (size_t i = 0; i < count && found == NULL; i++) {
        found = str_equal(hits[i].slug, slug) ? &hits[i] : NULL;
    }
    json_unsigned(out, "alerts", found != NULL ? found->alerts : 0);
    json_time(out, "last", found != NULL ? found->last : WALL_NONE);
}

static void names_print(struct json_out *out, const char *key, const struct element *item,
                        const char *member)
{
    const struct element *words = element_get(item, member);
    struct str ja = words != NULL ? element_words(words, LANGUAGE_JA, NULL) : (struct str){0};
    struct str en = words != NULL ? element_words(words, LANGUAGE_EN, NULL) : (struct str){0};
    json_names(out, key, ja, en);
}

static void values_print(struct json_out *out, const struct element *item, const char *key)
{
    const struct element *list = element_get(item, key);
    json_list(out, key);
    for (const struct element *value = list != NULL ? list->first : NULL; value != NULL;
         value = value->next) {
        json_text(out, NULL, value->text);
    }
    json_close(out);
}

/* Hits of what the document no longer has. */
static void gone_print(struct json_out *out, const struct element *list,
                       const struct alert_hits *hits, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (list == NULL || element_item(list, hits[i].slug) == NULL) {
            json_object(out, NULL);
            json_text(out, "slug", hits[i].slug);
            json_unsigned(out, "alerts", hits[i].alerts);
            json_time(out, "last", hits[i].last);
            json_close(out);
        }
    }
}

static void exception_print(struct call *call, struct json_out *out, const struct element *item)
{
    int64_t days;
    enum exception_state state = exception_state_at(item, call->now, &days);
    json_text(out, "slug", item->slug);
    names_print(out, "name", item, "name");
    values_print(out, item, "rules");
    values_print(out, item, "tags");
    json_text(out, "owner", element_text(item, "owner"));
    names_print(out, "reason", item, "reason");
    json_text(out, "since", element_text(item, "since"));
    json_text(out, "expires", element_text(item, "expires"));
    json_text(out, "state", str_from(state_name(state)));
    json_number(out, "days_left", days);
}

enum err api_exceptions_list(struct call *call)
{
    struct version version = {0};
    const struct element *root;
    struct alert_hits *hits = NULL;
    size_t count = 0;
    enum err err = effective(call, "detection", &version, &root);
    err = err == OK ? hits_read(call, HIT_EXCEPTED, &hits, &count) : err;
    if (err != OK) {
        return err;
    }
    const struct element *list = element_get(root, "exceptions");
    struct json_out *out = call_answer(call, 200);
    json_text(out, "hash", version.hash);
    json_list(out, "approved");
    for (size_t i = 0; i < version.signatures_count; i++) {
        json_object(out, NULL);
        json_text(out, "role", version.signatures[i].role);
        json_text(out, "who", version.signatures[i].who);
        json_time(out, "at", version.signatures[i].at);
        json_close(out);
    }
    json_close(out);
    json_list(out, "exceptions");
    for (const struct element *item = list != NULL ? list->first : NULL; item != NULL;
         item = item->next) {
        json_object(out, NULL);
        exception_print(call, out, item);
        hits_print(out, hits, count, item->slug);
        json_close(out);
    }
    json_close(out);
    json_list(out, "gone");
    gone_print(out, list, hits, count);
    json_close(out);
    return call_answered(call);
}

static void work_print(struct json_out *out, const struct element *item)
{
    const struct element *from = element_get(item, "from");
    const struct element *to = element_get(item, "to");
    json_text(out, "slug", item->slug);
    names_print(out, "name", item, "name");
    json_text(out, "type", element_text(item, "type"));
    json_time(out, "from", from != NULL ? (struct wall){from->number} : WALL_NONE);
    json_time(out, "to", to != NULL ? (struct wall){to->number} : WALL_NONE);
    values_print(out, item, "assets");
    values_print(out, item, "segments");
}

enum err api_planned_list(struct call *call)
{
    struct version version = {0};
    const struct element *root;
    struct alert_hits *hits = NULL;
    size_t count = 0;
    enum err err = effective(call, "calendars", &version, &root);
    err = err == OK ? hits_read(call, HIT_PLANNED, &hits, &count) : err;
    if (err != OK) {
        return err;
    }
    const struct element *list = element_get(root, "events");
    struct json_out *out = call_answer(call, 200);
    json_list(out, "planned");
    for (const struct element *item = list != NULL ? list->first : NULL; item != NULL;
         item = item->next) {
        struct str type = element_text(item, "type");
        if (str_equal(type, STR("maintenance")) || str_equal(type, STR("test"))) {
            json_object(out, NULL);
            work_print(out, item);
            hits_print(out, hits, count, item->slug);
            json_close(out);
        }
    }
    json_close(out);
    json_list(out, "gone");
    gone_print(out, list, hits, count);
    json_close(out);
    return call_answered(call);
}

enum err api_alert_counts(struct call *call)
{
    struct alert_count *list;
    size_t count;
    size_t limit;
    uint64_t after;
    enum err err = call_query_number(call, "after", 0, INT64_MAX, &after);
    err = err == OK ? call_query_limit(call, &limit) : err;
    err = err == OK ? incident_counts(call->scope, call->api->rooms.ledger, call->client, after,
                                      limit, call->mem, &list, &count)
                    : err;
    if (err != OK) {
        return err;
    }
    struct json_out *out = call_answer(call, 200);
    json_list(out, "counts");
    for (size_t i = 0; i < count; i++) {
        json_object(out, NULL);
        json_unsigned(out, "id", list[i].id);
        json_unsigned(out, "incident", list[i].incident); /* its id; 0: none */
        json_text(out, "rule", list[i].rule_id);
        json_text(out, "title", list[i].rule_title);
        json_text(out, "asset", list[i].asset);
        json_text(out, "excepted", list[i].excepted);
        json_text(out, "planned", list[i].planned);
        json_unsigned(out, "kept", list[i].kept);
        json_unsigned(out, "counted", list[i].counted);
        json_unsigned(out, "place_first", list[i].first_sequence);
        json_unsigned(out, "place_last", list[i].last_sequence);
        json_time(out, "first", list[i].first);
        json_time(out, "last", list[i].last);
        json_close(out);
    }
    json_close(out);
    return call_answered(call);
}
