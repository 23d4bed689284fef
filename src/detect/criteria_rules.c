/*
 * Which rules are on for a client: lines of the detection design, from the top, of which the first
 * that fits a rule decides.  A rule that none fits is on.
 *
 * What a line says of a rule must hold whole; of several values one is enough, and a tag stands for
 * its sub-techniques, as in criteria.  The log source is the rule's own: a line for the product
 * `windows` does not fit a rule that names no product.
 *
 * Always true: a rule that only feeds correlations, and so raises no alert that could disturb
 * anybody, is switched off by its id alone.  A line about levels or tags would take what a
 * correlation counts from under it.
 */

#include "detect/criteria_private.h"

#include <stdlib.h>

static enum err folded(const struct element *item, const char *key, struct arena *mem,
                       struct str *ret)
{
    char text[FOLDED_MAX];
    return arena_copy(mem, text_fold(element_text(item, key), text), ret);
}

static enum err enablement_make(struct enablement *enablement, const struct element *item,
                                const struct assets *assets, const struct making *making)
{
    enablement->on = element_number(item, "enabled", 1) != 0;
    enum err err = criterion_concern(&enablement->concern, item, assets, making);
    enablement->named = enablement->concern.rules.list != NULL;
    err = err == OK ? criterion_texts(item, "statuses", making, &enablement->statuses) : err;
    err = err == OK ? folded(item, "category", making->mem, &enablement->category) : err;
    err = err == OK ? folded(item, "product", making->mem, &enablement->product) : err;
    return err == OK ? folded(item, "service", making->mem, &enablement->service) : err;
}

enum err enablements_make(struct enablements *enablements, const struct assets *assets,
                          const struct making *making)
{
    const struct element *list = element_get(making->detection, "rules");
    enablements->list =
        ARENA_ARRAY(making->mem, struct enablement, list != NULL ? list->count + 1 : 1);
    enum err err = enablements->list == NULL ? ERR_MEMORY : OK;
    for (const struct element *item = list != NULL ? list->first : NULL; item != NULL && err == OK;
         item = item->next) {
        err = enablement_make(&enablements->list[enablements->count++], item, assets, making);
    }
    return err;
}

void enablements_done(struct enablements *enablements)
{
    for (size_t i = 0; i < enablements->count; i++) {
        criterion_done(&enablements->list[i].concern);
    }
}

static bool part_fits(struct str wanted, struct str part)
{
    return wanted.size == 0 || str_equal_nocase(wanted, part);
}

static bool enablement_fits(const struct enablement *enablement, const struct rule_summary *rule,
                            const struct rule_view *view, struct str status)
{
    return (rule->raises || enablement->named) && criterion_fits_rule(&enablement->concern, view) &&
           (enablement->statuses.list == NULL || texts_have(&enablement->statuses, status)) &&
           part_fits(enablement->category, rule->category) &&
           part_fits(enablement->product, rule->product) &&
           part_fits(enablement->service, rule->service);
}

bool enablements_allow(const struct enablements *enablements, const struct rule_summary *rule)
{
    struct rule_view view;
    char text[FOLDED_MAX];
    struct str status = text_fold(rule->status, text);
    rule_view_make(rule->id, rule->tags, rule->title, rule->level, &view);
    for (size_t i = 0; i < enablements->count; i++) {
        if (enablement_fits(&enablements->list[i], rule, &view, status)) {
            return enablements->list[i].on;
        }
    }
    return true;
}
