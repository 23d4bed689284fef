/* Events and their fields, read out of a checked batch. */

#include "event/batch.h"

#include <assert.h>

#include "base/bytes.h"
#include "codec/json_text.h"

static struct str name_at(const struct batch *batch, uint16_t index)
{
    return index == NAME_NONE ? (struct str){0} : batch->name_table[index];
}

void batch_event(const struct batch *batch, uint32_t index, struct event *ret)
{
    assert(index < batch->events);
    const char *at = batch->event_table + (size_t)index * BATCH_EVENT_SIZE;
    *ret = (struct event){
        .batch = batch,
        .index = index,
        .record = str_slice(batch->text, get_u32(at + 16), get_u32(at + 20)),
        .received = {(int64_t)get_u64(at)},
        .happened = {(int64_t)get_u64(at + 8)},
        .class = name_at(batch, get_u16(at + 30)),
        .parser = name_at(batch, get_u16(at + 32)),
        .error = name_at(batch, get_u16(at + 34)),
        .flags = get_u16(at + 36),
        .span_first = get_u32(at + 24),
        .spans = get_u16(at + 28),
    };
}

enum err event_value(const struct span *span, struct arena *mem, struct str *ret)
{
    switch (span->how) {
    case SPAN_JSON_STRING:
        return json_unescape(span->bytes, mem, ret);
    case SPAN_JSON_NULL:
        *ret = (struct str){0};
        return OK;
    default:
        *ret = span->bytes;
        return OK;
    }
}

enum err event_find(const struct event *event, struct str name, struct span *ret)
{
    for (uint32_t i = 0; i < event->spans; i++) {
        struct span span;
        event_span(event, i, &span);
        if (str_equal(span.name, name)) {
            *ret = span;
            return OK;
        }
    }
    return ERR_NOT_FOUND;
}

struct wall event_time(const struct event *event)
{
    return wall_known(event->happened) ? event->happened : event->received;
}
