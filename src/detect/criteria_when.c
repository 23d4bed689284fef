/*
 * One criterion: when it fits, and what then follows.
 *
 * Every key under `when` that is given must hold; a list holds if any of its values does; a
 * criterion without conditions always fits.  Some keys ask about the rule and have one answer for
 * all its alerts, the others about the event and have one answer for all alerts of that event:
 * criteria.c remembers both.
 *
 *     rule    levels, rules, tags, types
 *     event   assets, segments, zones, importance, sources, networks, calendar, events, query
 *     both    at_least: how many alerts have met all the others lately (criteria_state.c)
 *
 * A tag stands for its sub-techniques: attack.t1110 for attack.t1110.001 as well.  Rules, tags and
 * types compare without case (ASCII).  Hours and planned events are asked at the event's own time,
 * or its arrival where it has none.
 *
 * Always true:
 *
 *   (1) A condition that names what the other documents do not have (an asset that is gone, say) is
 *       a condition all the same: it holds for nothing, and is not left out.
 *   (2) The query is asked last, since it costs most.
 */

#include "detect/criteria_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "words/words.h"

#define HOUR_MS 3600000

static enum err rule_part_make(struct criterion *criterion, const struct element *when,
                               const struct making *making);
static enum err event_part_make(struct criterion *criterion, const struct element *when,
                                const struct assets *assets, const struct calendars *calendars,
                                const struct making *making);
static enum err assets_condition(struct criterion *criterion, const struct element *when,
                                 const struct assets *assets, const struct making *making);
static enum err segments_condition(struct criterion *criterion, const struct element *when,
                                   const struct assets *assets, const struct making *making);
static enum err then_make(struct criterion *criterion, const struct element *then,
                          const struct making *making);
static enum err query_make(const struct element *when, struct query **ret, struct why *why);

enum err criterion_make(struct criterion *criterion, const struct element *item,
                        const struct assets *assets, const struct calendars *calendars,
                        const struct making *making)
{
    const struct element *when = element_get(item, "when");
    prefixes_init(&criterion->networks, making->seed);
    enum err err = arena_copy(making->mem, item->slug, &criterion->slug);
    err = err == OK ? rule_part_make(criterion, when, making) : err;
    err = err == OK ? event_part_make(criterion, when, assets, calendars, making) : err;
    err = err == OK ? query_make(when, &criterion->query, making->why) : err;
    if (element_number(when, "at_least", 0) > 0) {
        static const char *const by[] = {[BY_RULE] = "rule", [BY_ASSET] = "asset"};
        struct str said = element_text(when, "by");
        criterion->at_least = (uint32_t)element_number(when, "at_least", 0);
        criterion->within_ns = element_number(when, "within", HOUR_MS) * NS_PER_MS;
        criterion->by = str_equal(said, str_from(by[BY_RULE]))    ? BY_RULE
                        : str_equal(said, str_from(by[BY_ASSET])) ? BY_ASSET
                                                                  : BY_OTHER;
    }
    return err == OK ? then_make(criterion, element_get(item, "then"), making) : err;
}

enum err criterion_concern(struct criterion *criterion, const struct element *item,
                           const struct assets *assets, const struct making *making)
{
    prefixes_init(&criterion->networks, making->seed);
    enum err err = rule_part_make(criterion, item, making);
    err = err == OK ? assets_condition(criterion, item, assets, making) : err;
    return err == OK ? segments_condition(criterion, item, assets, making) : err;
}

void criterion_done(struct criterion *criterion)
{
    prefixes_done(&criterion->networks);
    query_free(criterion->query);
    *criterion = (struct criterion){0};
}

/* The message says where in the document the expression stands, and why it is none. */
static enum err query_make(const struct element *when, struct query **ret, struct why *why)
{
    const struct element *text = element_get(when, "query");
    struct why inner = {0};
    if (text == NULL || text->text.size == 0) {
        return OK;
    }
    enum err err = query_parse_exact(text->text, ret, &inner);
    if (err != OK && err != ERR_MEMORY) {
        return why_say_at(why, err, text->line, text->column, "in the search expression, at %u: %s",
                          (unsigned)inner.column, inner.text);
    }
    return err;
}

/* A type that no words explain could be told to nobody, and none that a rule has is called so. */
static enum err type_check(const struct element *element, struct why *why)
{
    char key[128];
    enum word word;
    if (element == NULL || element->text.size == 0) {
        return OK;
    }
    int size = snprintf(key, sizeof key, "type.%.*s.name", STR_ARG(element->text));
    if (size < 0 || (size_t)size >= sizeof key || !words_find(str_from(key), &word)) {
        return why_say_at(why, ERR_SYNTAX, element->line, element->column,
                          "there is no type of incident '%.*s'", STR_ARG(element->text));
    }
    return OK;
}

static enum err criterion_check(const struct element *item, struct why *why)
{
    const struct element *when = element_get(item, "when");
    const struct element *types = element_get(when, "types");
    struct query *query = NULL;
    enum err err = query_make(when, &query, why);
    query_free(query);
    for (const struct element *type = types != NULL ? types->first : NULL;
         type != NULL && err == OK; type = type->next) {
        err = type_check(type, why);
    }
    return err == OK ? type_check(element_get(element_get(item, "then"), "type"), why) : err;
}

enum err criteria_check(const struct document *document, struct why *why)
{
    const struct element *list = element_get(document->root, "criteria");
    enum err err = OK;
    for (const struct element *item = list != NULL ? list->first : NULL; item != NULL && err == OK;
         item = item->next) {
        err = criterion_check(item, why);
    }
    return err;
}

/* ---- Texts. */

struct str text_fold(struct str text, char folded[FOLDED_MAX])
{
    if (text.size > FOLDED_MAX) {
        return (struct str){0};
    }
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        folded[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    return str_of(folded, text.size);
}

static int texts_compare(const void *a, const void *b)
{
    return str_compare(*(const struct str *)a, *(const struct str *)b);
}

enum err criterion_texts(const struct element *group, const char *key, const struct making *making,
                         struct texts *ret)
{
    const struct element *list = element_get(group, key);
    if (list == NULL || list->count == 0) {
        return OK;
    }
    struct texts texts = {.list = ARENA_ARRAY(making->mem, struct str, list->count)};
    enum err err = texts.list == NULL ? ERR_MEMORY : OK;
    for (const struct element *value = list->first; value != NULL && err == OK;
         value = value->next) {
        char folded[FOLDED_MAX];
        err = arena_copy(making->mem, text_fold(value->text, folded), &texts.list[texts.count]);
        texts.count++;
    }
    if (err == OK) {
        qsort(texts.list, texts.count, sizeof *texts.list, texts_compare);
        *ret = texts;
    }
    return err;
}

bool texts_have(const struct texts *texts, struct str folded)
{
    return folded.size > 0 &&
           bsearch(&folded, texts->list, texts->count, sizeof *texts->list, texts_compare) != NULL;
}

/* ---- The rule. */

static enum err rule_part_make(struct criterion *criterion, const struct element *when,
                               const struct making *making)
{
    const struct element *levels = element_get(when, "levels");
    enum err err = OK;
    for (const struct element *value = levels != NULL ? levels->first : NULL;
         value != NULL && err == OK; value = value->next) {
        enum level level = LEVEL_INFORMATIONAL;
        err = level_parse(value->text, &level);
        criterion->levels |= 1u << level;
    }
    err = err == OK ? criterion_texts(when, "rules", making, &criterion->rules) : err;
    err = err == OK ? criterion_texts(when, "tags", making, &criterion->tags) : err;
    return err == OK ? criterion_texts(when, "types", making, &criterion->types) : err;
}

void rule_view_make(struct str id, struct str tags, struct str title, enum level level,
                    struct rule_view *ret)
{
    ret->id = id.data;
    ret->tags = tags.data;
    ret->title = title.data;
    ret->level = level;
    ret->type = criteria_type_of_rule(tags, title);
    ret->folded_id = text_fold(id, ret->id_text);
    ret->tags_count = 0;
    ret->asked = NULL;
    size_t used = 0;
    for (struct str rest = tags; rest.size > 0 && ret->tags_count < RULE_TAGS_MAX;) {
        struct str tag = str_cut(&rest, ' ');
        if (tag.size > 0 && tag.size <= FOLDED_MAX && used + FOLDED_MAX <= RULE_TAGS_SIZE_MAX) {
            ret->folded_tags[ret->tags_count++] = text_fold(tag, ret->tags_text + used);
            used += tag.size;
        }
    }
}

static bool tags_fit(const struct texts *texts, const struct rule_view *rule)
{
    for (size_t i = 0; i < rule->tags_count; i++) {
        struct str tag = rule->folded_tags[i];
        size_t last = tag.size;
        while (last > 0 && tag.data[last - 1] != '.') {
            last--;
        }
        struct str parent = last > 1 ? str_slice(tag, 0, last - 1) : (struct str){0};
        bool technique = str_starts(parent, STR("attack.t"));
        if (texts_have(texts, tag) || (technique && texts_have(texts, parent))) {
            return true;
        }
    }
    return false;
}

bool criterion_fits_rule(const struct criterion *criterion, const struct rule_view *rule)
{
    return (criterion->levels == 0 || (criterion->levels & 1u << rule->level) != 0) &&
           (criterion->rules.list == NULL || texts_have(&criterion->rules, rule->folded_id)) &&
           (criterion->types.list == NULL || texts_have(&criterion->types, rule->type)) &&
           (criterion->tags.list == NULL || tags_fit(&criterion->tags, rule));
}

/* ---- The event. */

static int numbers_compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

bool numbers_have(const struct numbers *numbers, uint32_t number)
{
    return number != NONE && numbers->count > 0 &&
           bsearch(&number, numbers->list, numbers->count, sizeof *numbers->list,
                   numbers_compare) != NULL;
}

static enum err assets_condition(struct criterion *criterion, const struct element *when,
                                 const struct assets *assets, const struct making *making)
{
    const struct element *list = element_get(when, "assets");
    if (list == NULL || list->count == 0) {
        return OK;
    }
    struct numbers *numbers = &criterion->assets;
    criterion->asks_assets = true;
    numbers->list = ARENA_ARRAY(making->mem, uint32_t, list->count);
    if (numbers->list == NULL) {
        return ERR_MEMORY;
    }
    for (const struct element *value = list->first; value != NULL; value = value->next) {
        uint64_t index;
        if (map_get(&assets->slugs, value->text, &index)) {
            numbers->list[numbers->count++] = (uint32_t)index;
        }
    }
    qsort(numbers->list, numbers->count, sizeof *numbers->list, numbers_compare);
    return OK;
}

static enum err segments_condition(struct criterion *criterion, const struct element *when,
                                   const struct assets *assets, const struct making *making)
{
    struct texts slugs = {0};
    struct numbers *numbers = &criterion->segments;
    enum err err = criterion_texts(when, "segments", making, &slugs);
    if (err != OK || slugs.list == NULL) {
        return err;
    }
    criterion->asks_segments = true;
    numbers->list = ARENA_ARRAY(making->mem, uint32_t, assets->segments_count + 1);
    for (uint32_t i = 0; i < assets->segments_count && numbers->list != NULL; i++) {
        if (texts_have(&slugs, assets->segments[i].slug)) {
            numbers->list[numbers->count++] = i;
        }
    }
    return numbers->list != NULL ? OK : ERR_MEMORY;
}

static enum err networks_condition(struct criterion *criterion, const struct element *when)
{
    const struct element *list = element_get(when, "networks");
    enum err err = OK;
    for (const struct element *value = list != NULL ? list->first : NULL;
         value != NULL && err == OK; value = value->next) {
        struct network network;
        criterion->asks_networks = true;
        err = network_parse(value->text, &network);
        err = err == OK ? prefixes_put(&criterion->networks, &network, 1) : err;
    }
    return err;
}

static enum err hours_condition(struct criterion *criterion, const struct element *when,
                                const struct calendars *calendars, const struct making *making)
{
    struct str slug = element_text(when, "calendar");
    criterion->asks_calendar = slug.size > 0;
    criterion->inside_hours =
        element_get(when, "inside_hours") == NULL || element_number(when, "inside_hours", 1) != 0;
    for (size_t i = 0; i < calendars->count && slug.size > 0; i++) {
        if (str_equal(calendars->list[i].slug, slug)) {
            criterion->calendar = calendars->list[i].calendar;
        }
    }
    const struct element *list = element_get(when, "events");
    if (list == NULL || list->count == 0) {
        return OK;
    }
    const struct element *events = element_get(making->calendars, "events");
    criterion->asks_events = true;
    criterion->events = ARENA_ARRAY(making->mem, struct period, list->count);
    if (criterion->events == NULL) {
        return ERR_MEMORY;
    }
    for (const struct element *value = list->first; value != NULL; value = value->next) {
        const struct element *event = element_item(events, value->text);
        const struct element *from = element_get(event, "from");
        const struct element *to = element_get(event, "to");
        if (from != NULL && to != NULL) {
            const struct period period = {{from->number}, {to->number}};
            criterion->events[criterion->events_count++] = period;
        }
    }
    return OK;
}

static enum err event_part_make(struct criterion *criterion, const struct element *when,
                                const struct assets *assets, const struct calendars *calendars,
                                const struct making *making)
{
    const struct element *importance = element_get(when, "importance");
    for (const struct element *value = importance != NULL ? importance->first : NULL; value != NULL;
         value = value->next) {
        criterion->importance |= 1u << importance_parse(value->text);
    }
    enum err err = assets_condition(criterion, when, assets, making);
    err = err == OK ? segments_condition(criterion, when, assets, making) : err;
    err = err == OK ? criterion_texts(when, "zones", making, &criterion->zones) : err;
    err = err == OK ? criterion_texts(when, "sources", making, &criterion->sources) : err;
    err = err == OK ? networks_condition(criterion, when) : err;
    return err == OK ? hours_condition(criterion, when, calendars, making) : err;
}

bool criterion_fits_place(const struct criterion *criterion, const struct assets *assets,
                          const struct hit *hit)
{
    uint32_t any;
    enum importance importance =
        hit->asset != NONE ? assets->assets[hit->asset].importance : IMPORTANCE_UNKNOWN;
    struct str zone = hit->segment != NONE ? assets->segments[hit->segment].zone : (struct str){0};
    if (criterion->asks_assets && !numbers_have(&criterion->assets, hit->asset)) {
        return false;
    }
    if (criterion->asks_segments && !numbers_have(&criterion->segments, hit->segment)) {
        return false;
    }
    if (criterion->importance != 0 && (criterion->importance & 1u << importance) == 0) {
        return false;
    }
    return (criterion->zones.list == NULL || texts_have(&criterion->zones, zone)) &&
           (criterion->sources.list == NULL || texts_have(&criterion->sources, hit->source)) &&
           (!criterion->asks_networks ||
            (hit->other_known && prefixes_find(&criterion->networks, hit->other_address, &any)));
}

static bool time_fits(const struct criterion *criterion, struct wall at)
{
    if (criterion->asks_calendar &&
        (criterion->calendar == NULL ||
         calendar_open(criterion->calendar, at) != criterion->inside_hours)) {
        return false;
    }
    bool during = !criterion->asks_events;
    for (size_t i = 0; i < criterion->events_count && !during; i++) {
        during = at.ns >= criterion->events[i].from.ns && at.ns < criterion->events[i].to.ns;
    }
    return during;
}

enum err criterion_fits_event(const struct criterion *criterion, const struct assets *assets,
                              const struct hit *hit, const struct event *event,
                              struct arena *scratch, bool *ret)
{
    bool fits =
        criterion_fits_place(criterion, assets, hit) && time_fits(criterion, event_time(event));
    if (fits && criterion->query != NULL) {
        return query_matches(criterion->query, event, scratch, ret);
    }
    *ret = fits;
    return OK;
}

/* ---- What follows. */

static enum err then_make(struct criterion *criterion, const struct element *then,
                          const struct making *making)
{
    struct str severity = element_text(then, "severity");
    struct str action = element_text(then, "action");
    const struct element *actions = element_get(making->criteria, "actions");
    criterion->incident =
        element_get(then, "incident") != NULL ? element_number(then, "incident", 0) != 0 : -1;
    criterion->severity = LEVEL_COUNT;
    criterion->authorised = element_number(element_item(actions, action), "authorised", 0) != 0;
    enum err err = severity.size > 0 ? level_parse(severity, &criterion->severity) : OK;
    err = err == OK ? arena_copy(making->mem, element_text(then, "type"), &criterion->type) : err;
    err = err == OK ? arena_copy(making->mem, element_text(then, "chain"), &criterion->chain) : err;
    return err == OK ? arena_copy(making->mem, action, &criterion->action) : err;
}
