/*
 * What placeholders of rules mean to a client: values that the detection design writes out, and
 * those that it draws from the other documents.
 *
 *     values     as they stand
 *     assets     host names and addresses of assets, those that fit all that is said
 *     segments, zones    networks of table-1's segments
 *     people     mail addresses of contacts, which cloud services take for names of accounts
 *
 * Always true: together the lists have at most LIST_VALUES_MAX values.  A list that would pass it
 * is left out whole, as are those after it: their rules then hold for nothing and are reported as
 * lacking values, which is better than a list that is silently half.
 */

#include <string.h>

#include "base/limits.h"
#include "detect/criteria_private.h"

struct drawing {
    const struct making *making;
    const struct assets *assets; /* in the order of the document */
    struct buf values;           /* struct str each */
    size_t room;
};

static const struct element *first_of(const struct element *group, const char *key)
{
    const struct element *list = element_get(group, key);
    return list != NULL ? list->first : NULL;
}

static enum err value_add(struct drawing *drawing, struct str value)
{
    if (value.size == 0) {
        return OK;
    }
    if (drawing->values.size / sizeof value >= drawing->room) {
        return ERR_LIMIT;
    }
    return buf_append(&drawing->values, str_of(&value, sizeof value));
}

static enum err values_add(struct drawing *drawing, const struct element *group, const char *key)
{
    enum err err = OK;
    for (const struct element *value = first_of(group, key); value != NULL && err == OK;
         value = value->next) {
        err = value_add(drawing, value->text);
    }
    return err;
}

/* Whether a list of the design names the value, or there is no such list. */
static bool chosen(const struct element *group, const char *key, struct str value)
{
    const struct element *list = element_get(group, key);
    bool found = list == NULL || list->count == 0;
    for (const struct element *item = first_of(group, key); item != NULL && !found;
         item = item->next) {
        found = str_equal(item->text, value);
    }
    return found;
}

static bool asset_fits(const struct drawing *drawing, const struct element *group,
                       const struct element *asset, size_t index)
{
    uint32_t at = drawing->assets->assets[index].segment;
    const struct segment none = {0};
    const struct segment *segment = at != NONE ? &drawing->assets->segments[at] : &none;
    return !str_equal(element_text(asset, "status"), STR("retired")) &&
           chosen(group, "assets", asset->slug) &&
           chosen(group, "types", element_text(asset, "type")) &&
           chosen(group, "importance", element_text(asset, "importance")) &&
           chosen(group, "segments", segment->slug) && chosen(group, "zones", segment->zone);
}

static enum err assets_draw(struct drawing *drawing, const struct element *group)
{
    enum err err = OK;
    size_t index = 0;
    if (group == NULL) {
        return OK;
    }
    for (const struct element *asset = first_of(drawing->making->assets, "assets");
         asset != NULL && err == OK; asset = asset->next) {
        if (!asset_fits(drawing, group, asset, index++)) {
            continue;
        }
        err = chosen(group, "take", STR("hosts")) ? values_add(drawing, asset, "hosts") : OK;
        if (err == OK && chosen(group, "take", STR("addresses"))) {
            err = values_add(drawing, asset, "addresses");
        }
    }
    return err;
}

static bool says(const struct element *item, const char *key)
{
    const struct element *list = element_get(item, key);
    return list != NULL && list->count > 0;
}

static enum err networks_draw(struct drawing *drawing, const struct element *item)
{
    enum err err = OK;
    for (const struct element *segment = first_of(drawing->making->table, "segments");
         segment != NULL && err == OK; segment = segment->next) {
        if ((says(item, "segments") && chosen(item, "segments", segment->slug)) ||
            (says(item, "zones") && chosen(item, "zones", element_text(segment, "zone")))) {
            err = values_add(drawing, segment, "networks");
        }
    }
    return err;
}

static enum err people_draw(struct drawing *drawing, const struct element *item)
{
    const struct element *people = element_get(drawing->making->contacts, "people");
    enum err err = OK;
    for (const struct element *person = first_of(item, "people"); person != NULL && err == OK;
         person = person->next) {
        const struct element *found = element_item(people, person->text);
        err = found != NULL ? value_add(drawing, element_text(found, "mail")) : OK;
    }
    return err;
}

/* The values are borrowed from the documents, their table is made in scratch. */
static enum err list_draw(struct drawing *drawing, const struct element *item,
                          struct value_list *ret)
{
    buf_reset(&drawing->values);
    enum err err = values_add(drawing, item, "values");
    err = err == OK ? assets_draw(drawing, element_get(item, "assets")) : err;
    err = err == OK ? networks_draw(drawing, item) : err;
    err = err == OK ? people_draw(drawing, item) : err;
    size_t count = drawing->values.size / sizeof(struct str);
    struct str *values = ARENA_ARRAY(drawing->making->scratch, struct str, count + 1);
    if (err != OK || values == NULL) {
        return err != OK ? err : ERR_MEMORY;
    }
    if (count > 0) {
        memcpy(values, drawing->values.data, drawing->values.size);
    }
    *ret = (struct value_list){element_text(item, "placeholder"), values, count};
    return OK;
}

enum err criteria_lists_make(const struct assets *assets, const struct making *making,
                             struct lists **ret)
{
    const struct element *list = element_get(making->detection, "lists");
    struct drawing drawing = {.making = making, .assets = assets, .room = LIST_VALUES_MAX};
    size_t count = 0;
    if (list == NULL || list->count == 0) {
        return OK;
    }
    struct value_list *lists = ARENA_ARRAY(making->scratch, struct value_list, list->count);
    buf_init(&drawing.values, LIST_VALUES_MAX * sizeof(struct str));
    enum err err = lists == NULL ? ERR_MEMORY : OK;
    for (const struct element *item = list->first; item != NULL && err == OK; item = item->next) {
        if (element_text(item, "placeholder").size == 0) {
            continue;
        }
        err = list_draw(&drawing, item, &lists[count]);
        if (err == OK) {
            drawing.room -= lists[count++].count;
        }
    }
    buf_done(&drawing.values);
    return err == OK || err == ERR_LIMIT ? lists_new(lists, count, ret) : err;
}
