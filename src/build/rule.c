/*
 * What a client's signed documents say of a source: the definition of its logs (R052) and the
 * planned work of its calendar (R077).
 *
 * Always true: a definition that does not name the source, or says nothing of silence, leaves it to
 * the learned rhythm; one whose status is `stopped` expects nothing.  Work that names assets holds
 * back what is said of the sources of these alone; work that names neither assets nor segments is
 * the whole client's.
 */

#include "build/private.h"
#include "service/service.h"

static const struct element *definition_of(const struct scope *scope, struct service *service,
                                           struct client_id client, struct str source)
{
    const struct document *document =
        service_running(scope, service, client, STR("log-sources"), NULL);
    const struct element *list = document != NULL ? element_get(document->root, "sources") : NULL;
    return list != NULL ? element_item(list, source) : NULL;
}

enum err vigil_rule_read(const struct scope *scope, struct service *service,
                         struct client_id client, struct str source, struct wall watched_since,
                         struct arena *mem, struct vigil_rule *ret)
{
    const struct element *item = definition_of(scope, service, client, source);
    struct vigil_rule rule = {.since = WALL_NONE, .listening = WALL_NONE};
    if (item == NULL) {
        *ret = rule;
        return OK;
    }
    struct str status = element_text(item, "status");
    struct str rhythm = element_text(item, "rhythm");
    rule.stopped = str_equal(status, STR("stopped"));
    if (!str_equal(rhythm, STR("learned"))) {
        rule.silence_ns = element_number(item, "silence", 0) * NS_PER_MS;
    }
    if (str_equal(status, STR("arriving"))) {
        rule.since = watched_since;
    }
    const struct element *types = element_get(item, "log_types");
    if (types != NULL && types->count > 0) {
        struct str *list = ARENA_ARRAY(mem, struct str, types->count);
        if (list == NULL) {
            return ERR_MEMORY;
        }
        for (const struct element *at = types->first; at != NULL; at = at->next) {
            list[rule.types_count++] = at->text;
        }
        rule.types = list;
    }
    *ret = rule;
    return OK;
}

static bool names(const struct element *list, struct str slug)
{
    for (const struct element *at = list != NULL ? list->first : NULL; at != NULL; at = at->next) {
        if (slug.size > 0 && str_equal(at->text, slug)) {
            return true;
        }
    }
    return false;
}

struct str work_planned(const struct scope *scope, struct service *service, struct client_id client,
                        struct str source, struct wall now)
{
    const struct document *document =
        service_running(scope, service, client, STR("calendars"), NULL);
    const struct element *list = document != NULL ? element_get(document->root, "events") : NULL;
    const struct element *definition = definition_of(scope, service, client, source);
    struct str asset = definition != NULL ? element_text(definition, "asset") : (struct str){0};
    for (const struct element *at = list != NULL ? list->first : NULL; at != NULL; at = at->next) {
        struct str type = element_text(at, "type");
        const struct element *from = element_get(at, "from");
        const struct element *to = element_get(at, "to");
        const struct element *assets = element_get(at, "assets");
        const struct element *segments = element_get(at, "segments");
        bool work = str_equal(type, STR("maintenance")) || str_equal(type, STR("test"));
        bool whole =
            (assets == NULL || assets->count == 0) && (segments == NULL || segments->count == 0);
        if (work && from != NULL && to != NULL && now.ns >= from->number && now.ns < to->number &&
            (whole || names(assets, asset))) {
            return at->slug;
        }
    }
    return (struct str){0};
}
