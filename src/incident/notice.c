/*
 * What is told to people about an incident: a purpose, and values for its template.  Names stand in
 * both languages where the client's documents have them, since nobody knows here who will read it;
 * what came from outside bytes (addresses, titles of rules) goes in as it is, and whoever writes a
 * mail escapes for it.
 *
 * Always true: every purpose gets all values of the list in incident.h, empty where there is
 * nothing to say, so that a template never lacks one.
 */

#include "codec/time.h"
#include "incident/private.h"

#define VALUES_MAX 40

struct told {
    struct notice_value list[VALUES_MAX];
    size_t count;
};

static void told_add(struct told *told, const char *name, struct str text);
static enum err told_numbers(const struct operation *operation, struct told *told);
static void told_names(const struct operation *operation, struct told *told);
static enum err time_text(const struct operation *operation, struct wall wall, struct str *ret);

enum err row_notice(struct operation *operation, const char *purpose, struct str key,
                    bool acknowledge, struct notice_extra extra)
{
    const struct row *row = &operation->row;
    struct told told = {.count = 0};
    uint64_t id;
    told_add(&told, "type", row->type);
    told_add(&told, "severity", str_from(level_text(row->severity)));
    told_add(&told, "state", str_from(incident_state_text(row->state)));
    told_add(&told, "asset", row->asset);
    told_add(&told, "owner", row->owner);
    told_add(&told, "zone", row->zone);
    told_add(&told, "inside", row->inside);
    told_add(&told, "outside", row->outside);
    told_add(&told, "other", row->other);
    told_add(&told, "rules", row->rules);
    told_names(operation, &told);
    enum err err = told_numbers(operation, &told);
    for (size_t i = 0; i < extra.count; i++) {
        told_add(&told, NULL, (struct str){0});
        told.list[told.count - 1] = extra.values[i];
    }
    const struct notice notice = {
        .client = row->client,
        .purpose = str_from(purpose),
        .subject = {"incident", row->id},
        .chain = row->chain,
        .severity = row->severity,
        .acknowledge = acknowledge,
        .values = told.list,
        .values_count = told.count,
    };
    return err == OK ? notice_want(operation->scope, operation->incidents->ledger, &notice, key,
                                   operation->now, &id)
                     : err;
}

enum err row_settle(struct operation *operation, const char *purpose)
{
    return notice_settle(operation->scope, operation->incidents->ledger, operation->row.client,
                         (struct subject){"incident", operation->row.id}, str_from(purpose),
                         operation->now);
}

const struct element *running_item(const struct operation *operation, const char *kind,
                                   const char *list, struct str slug)
{
    if (slug.size == 0) {
        return NULL;
    }
    const struct document *document =
        service_running(operation->scope, operation->incidents->service, operation->row.client,
                        str_from(kind), NULL);
    const struct element *items = document != NULL ? element_get(document->root, list) : NULL;
    return items != NULL ? element_item(items, slug) : NULL;
}

static void told_add(struct told *told, const char *name, struct str text)
{
    if (told->count < VALUES_MAX) {
        told->list[told->count++] = (struct notice_value){str_from(name), text};
    }
}

static enum err told_numbers(const struct operation *operation, struct told *told)
{
    const struct row *row = &operation->row;
    struct str texts[6];
    enum err err = number_text(operation, row->number, &texts[0]);
    texts[1] = (struct str){0};
    if (err == OK && row->alerts > 0) {
        err = number_text(operation, row->alerts, &texts[1]);
    }
    if (err == OK) {
        err = number_text(operation, row->proposal, &texts[2]);
    }
    if (err == OK) {
        err = time_text(operation, row->detected, &texts[3]);
    }
    if (err == OK) {
        err = time_text(operation, row->decide_by, &texts[4]);
    }
    if (err == OK) {
        err = time_text(operation, row->ended, &texts[5]);
    }
    if (err == OK) {
        static const char *const names[] = {"number",   "alerts",    "proposal",
                                            "detected", "decide_by", "ended"};
        for (size_t i = 0; i < 6; i++) {
            told_add(told, names[i], texts[i]);
        }
    }
    return err;
}

/* A name in one language; the slug where no document has one. */
static struct str name_of(const struct element *item, const char *key, enum language language,
                          struct str otherwise)
{
    const struct element *words = item != NULL ? element_get(item, key) : NULL;
    struct str text = words != NULL ? element_words(words, language, NULL) : (struct str){0};
    return text.size > 0 ? text : otherwise;
}

static void told_names(const struct operation *operation, struct told *told)
{
    const struct row *row = &operation->row;
    const struct element *asset = running_item(operation, "assets", "assets", row->asset);
    const struct element *owner = running_item(operation, "contacts", "people", row->owner);
    const struct element *zone = running_item(operation, "table-1", "segments", row->zone);
    const struct element *action = running_item(operation, "criteria", "actions", row->action);
    const struct element *criterion =
        running_item(operation, "criteria", "criteria", row->criterion);
    const struct element *then = criterion != NULL ? element_get(criterion, "then") : NULL;
    static const char *const names[LANGUAGE_COUNT][6] = {
        [LANGUAGE_JA] = {"asset_ja", "owner_ja", "zone_ja", "action_name_ja", "action_ja",
                         "explanation_ja"},
        [LANGUAGE_EN] = {"asset_en", "owner_en", "zone_en", "action_name_en", "action_en",
                         "explanation_en"},
    };
    told_add(told, "action", row->action);
    told_add(told, "authorised", row->authorised ? STR("yes") : STR("no"));
    for (int i = 0; i < LANGUAGE_COUNT; i++) {
        enum language language = (enum language)i;
        struct str action_name = name_of(action, "name", language, row->action);
        told_add(told, names[i][0], name_of(asset, "name", language, row->asset));
        told_add(told, names[i][1], name_of(owner, "name", language, row->owner));
        told_add(told, names[i][2], name_of(zone, "name", language, row->zone));
        told_add(told, names[i][3], action_name);
        told_add(told, names[i][4], name_of(action, "text", language, action_name));
        told_add(told, names[i][5], name_of(then, "explanation", language, (struct str){0}));
    }
}

static enum err time_text(const struct operation *operation, struct wall wall, struct str *ret)
{
    char text[TIME_TEXT_SIZE];
    if (!wall_known(wall)) {
        *ret = (struct str){0};
        return OK;
    }
    return arena_copy(operation->incidents->mem, str_from(time_print(wall, text)), ret);
}
