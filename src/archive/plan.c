/*
 * What a query asks of a block before it is read: of its summary. (Of its rows: plan_rows.c.)
 *
 * Whatever is not certain may fit: a plan passes over what cannot hold an answer, and says nothing
 * about what does.
 */

#include "archive/plan.h"

#include <stdlib.h>

#include "base/bytes.h"

#define PLAN_MEMORY_MAX ((size_t)64 * 1024 * 1024)

enum err plan_new(const struct query *query, struct plan **ret)
{
    struct plan *plan = calloc(1, sizeof *plan);
    if (plan == NULL) {
        return ERR_MEMORY;
    }
    plan->mem = arena_new(PLAN_MEMORY_MAX);
    enum err err = plan->mem == NULL ? ERR_MEMORY : OK;
    if (err == OK && query != NULL) {
        err = query_required(query, plan->mem, &plan->required);
    }
    if (err != OK) {
        plan_free(plan);
        return err;
    }
    *ret = plan;
    return OK;
}

void plan_free(struct plan *plan)
{
    if (plan != NULL) {
        arena_free(plan->mem);
        free(plan);
    }
}

bool plan_source(const struct plan_span *span, uint32_t source)
{
    size_t from = 0;
    size_t to = span->sources == NULL ? 0 : span->sources_count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (span->sources[middle] < source) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return span->sources == NULL || (from < span->sources_count && span->sources[from] == source);
}

bool plan_own_field(struct str field)
{
    return str_starts(field, STR("hinomi.")) || str_equal(field, STR("event.original"));
}

static bool text_may(const struct required *required, const struct summary *summary)
{
    struct str field = required->field;
    if (str_starts(field, STR("hinomi."))) {
        return true;
    }
    bool anywhere = field.size == 0 || plan_own_field(field);
    bool told = !anywhere && required->how == REQUIRED_EQUALS && !summary_name(summary, field);
    /* What equals the text holds it too: two filters err together less often than one. */
    return (!told || summary_value(summary, required->text)) &&
           summary_text(summary, required->text);
}

static bool required_may(const struct required *required, const struct summary *summary)
{
    bool may = true;
    switch (required->kind) {
    case REQUIRED_NEVER:
        return false;
    case REQUIRED_ALL:
        for (size_t i = 0; may && i < required->count; i++) {
            may = required_may(required->children[i], summary);
        }
        return may;
    case REQUIRED_ANY:
        may = false;
        for (size_t i = 0; !may && i < required->count; i++) {
            may = required_may(required->children[i], summary);
        }
        return may;
    case REQUIRED_TEXT:
        return text_may(required, summary);
    default:
        return true;
    }
}

enum err plan_may(const struct plan *plan, const struct plan_span *span,
                  const uint8_t filter_key[BLOCK_FILTER_KEY_SIZE], struct str summary, bool *ret)
{
    struct summary seen;
    enum err err = summary_open(summary, filter_key, &seen);
    if (err != OK) {
        return err;
    }
    const int64_t *times = span->by_arrival ? seen.received : seen.happened;
    bool may = times[0] < span->to.ns && times[1] >= span->from.ns;
    bool source = false;
    for (uint32_t i = 0; may && !source && i < seen.sources_count; i++) {
        source = plan_source(span, get_u32(seen.sources + 4 * (size_t)i));
    }
    may = may && source;
    if (may && plan->required != NULL && !seen.whole) {
        may = required_may(plan->required, &seen);
    }
    *ret = may;
    return OK;
}
