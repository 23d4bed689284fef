/*
 * Records that will not be stored are counted here until the count can be handed over.  Counts of
 * one source and reason are added up, so a flood of them costs one call each turn.  Should more
 * kinds wait than there is room for, the oldest take the rest: the sum stays right.
 */

#include "collect/private.h"

static const char *const texts[REJECT_REASON_COUNT] = {
    [REJECT_TOO_LONG] = "record too long",
    [REJECT_FRAMING] = "octet count does not fit",
    [REJECT_KERNEL_DROP] = "lost on arrival",
    [REJECT_CONFLICT] = "Idempotency-Key used for another post",
    [REJECT_UNAUTHORISED] = "no known token",
    [REJECT_REFUSED] = "refused by the archive",
    [REJECT_MALFORMED] = "not what its protocol says",
    [REJECT_QUOTA] = "over the quota",
};

const char *reject_reason_text(enum reject_reason reason)
{
    return (unsigned)reason < REJECT_REASON_COUNT ? texts[reason] : "unknown reason";
}

void reject_add(struct collect *collect, const struct binding *binding, enum reject_reason reason,
                uint64_t count)
{
    if (binding == NULL || count == 0) {
        return;
    }
    size_t i = 0;
    while (i < collect->rejects_count &&
           (collect->rejects[i].source.value != binding->source.value ||
            collect->rejects[i].reason != reason)) {
        i++;
    }
    if (i == collect->rejects_count) {
        if (i == REJECTS_MAX) {
            i = 0;
        } else {
            collect->rejects_count++;
            collect->rejects[i].client = binding->client;
            collect->rejects[i].source = binding->source;
            collect->rejects[i].reason = reason;
            collect->rejects[i].count = 0;
        }
    }
    collect->rejects[i].count += count;
    collect_tick(collect);
}

enum err rejects_flush(struct collect *collect)
{
    while (collect->rejects_count > 0) {
        size_t last = collect->rejects_count - 1;
        enum err err = collect->calls.reject(
            collect->calls.context, collect->rejects[last].client, collect->rejects[last].source,
            collect->rejects[last].reason, collect->rejects[last].count);
        if (err != OK) {
            return err;
        }
        collect->rejects_count--;
    }
    return OK;
}
