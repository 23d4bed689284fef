/*
 * One event's record into values, and its spans into places among them.
 *
 * The key says everything that records of one shape share; equal keys, equal shapes.
 *
 *     class, parser, error, flags    then for each span: name, how and kind; for some kinds more
 *
 * Most events have the shape of one just before; that is seen faster than it is found: span by span
 * it must have the same name, and lie as cut_in_order would have to find it (cut_again).
 *
 * Always true: values are in the order of the record and do not overlap; a span within the record
 * begins where a value begins and ends where one ends; values of size zero lie where a span of size
 * zero lies.
 */

#include "archive/block_making.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

enum span_kind { KIND_NEXT, KIND_AGAIN, KIND_DERIVED, KIND_EARLIER, KIND_CUT };

struct stretch {
    uint32_t offset, size;
};

static inline uint32_t record_at(const struct event *event)
{
    return get_u32(event->batch->event_table + (size_t)event->index * BATCH_EVENT_SIZE + 16);
}

static inline uint32_t key_word(uint32_t name, unsigned how, enum span_kind kind)
{
    return name | how << 16 | (uint32_t)kind << 20;
}

static void derived_add(struct cut *cut, uint32_t name, uint8_t how, struct stretch place)
{
    cut->spans[cut->spans_count++] =
        (struct shape_span){(uint16_t)name, how, true, cut->derived_count, 0};
    cut->derived[cut->derived_count++] = (struct cut_value){place.offset, place.size, name, how};
    cut->key[cut->key_count++] = key_word(name, how, KIND_DERIVED);
}

/* The value at exactly that place; NONE32 without one. */
static uint32_t value_find(const struct cut *cut, struct stretch place)
{
    uint32_t from = 0;
    uint32_t to = cut->values_count;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (cut->values[middle].offset < place.offset) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    for (uint32_t i = from; i < cut->values_count && i < from + 4; i++) {
        if (cut->values[i].offset == place.offset && cut->values[i].size == place.size) {
            return i;
        }
    }
    return NONE32;
}

static inline void span_put(struct cut *cut, uint32_t name, uint8_t how, uint32_t from,
                            uint32_t count)
{
    cut->spans[cut->spans_count++] = (struct shape_span){(uint16_t)name, how, false, from, count};
}

/* Spans in the order of the record, or at places told before; false: they are otherwise. */
static bool cut_in_order(const struct event *event, const uint32_t *names, struct cut *cut)
{
    const struct batch *batch = event->batch;
    const char *at = batch->span_table + (size_t)event->span_first * BATCH_SPAN_SIZE;
    uint32_t begin = record_at(event);
    uint32_t end = begin + (uint32_t)event->record.size;
    uint32_t cursor = begin;
    struct stretch last = {NONE32, 0};
    for (uint32_t i = 0; i < event->spans; i++, at += BATCH_SPAN_SIZE) {
        struct stretch place = {get_u32(at), get_u32(at + 4)};
        uint8_t how = (uint8_t)at[10];
        if (place.offset < begin || place.offset + place.size > end ||
            (place.size == 0 && place.offset == end)) {
            derived_add(cut, names[i], how, place);
        } else if (place.offset == last.offset && place.size == last.size) {
            span_put(cut, names[i], how, cut->values_count - 1, 1);
            cut->key[cut->key_count++] = key_word(names[i], how, KIND_AGAIN);
        } else if (place.offset >= cursor) {
            span_put(cut, names[i], how, cut->values_count, 1);
            cut->values[cut->values_count++] =
                (struct cut_value){place.offset, place.size, names[i], how};
            cut->key[cut->key_count++] = key_word(names[i], how, KIND_NEXT);
            cursor = place.offset + place.size;
            last = place;
        } else {
            uint32_t value = value_find(cut, place);
            if (value == NONE32) {
                return false;
            }
            span_put(cut, names[i], how, value, 1);
            cut->key[cut->key_count++] = key_word(names[i], how, KIND_EARLIER);
            cut->key[cut->key_count++] = value;
        }
    }
    return true;
}

/* ---- Spans in any order, within each other and across. */

struct ranged {
    struct stretch place;
    uint32_t span;
};

/* Those that begin earlier first; of those that begin together, the longest. */
static int ranged_order(const void *one, const void *other)
{
    const struct ranged *a = one;
    const struct ranged *b = other;
    if (a->place.offset != b->place.offset) {
        return a->place.offset < b->place.offset ? -1 : 1;
    }
    if (a->place.size != b->place.size) {
        return a->place.size > b->place.size ? -1 : 1;
    }
    return a->span < b->span ? -1 : a->span > b->span;
}

static int number_order(const void *one, const void *other)
{
    uint32_t a;
    uint32_t b;
    memcpy(&a, one, sizeof a);
    memcpy(&b, other, sizeof b);
    return a < b ? -1 : a > b;
}

/* The span of least size that covers [from, to), among the last few that begin before. */
static const struct ranged *cover_find(const struct ranged *list, uint32_t begun, uint32_t from,
                                       uint32_t to)
{
    const struct ranged *best = NULL;
    for (uint32_t k = begun; k > 0 && begun - k < 16; k--) {
        const struct ranged *one = &list[k - 1];
        if (one->place.offset <= from && one->place.offset + one->place.size >= to &&
            (best == NULL || one->place.size < best->place.size)) {
            best = one;
        }
    }
    return best;
}

static void value_put(struct cut *cut, uint32_t from, uint32_t to, uint32_t name, uint8_t how)
{
    cut->values[cut->values_count++] = (struct cut_value){from, to - from, name, how};
}

/* Makes a value of each stretch between two ends of spans that a span covers, and one of size zero
 * where a span of size zero lies. */
static void values_cut(struct cut *cut, const struct ranged *list, uint32_t count,
                       const uint32_t *names, const uint8_t *hows)
{
    uint32_t ends[2 * SPANS_PER_EVENT_MAX];
    uint32_t ends_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        ends[ends_count++] = list[i].place.offset;
        ends[ends_count++] = list[i].place.offset + list[i].place.size;
    }
    qsort(ends, ends_count, sizeof *ends, number_order);
    uint32_t begun = 0;
    uint32_t reach = 0; /* how far those that began cover */
    for (uint32_t i = 0; i < ends_count; i++) {
        uint32_t from = ends[i];
        if (i > 0 && ends[i - 1] == from) {
            continue;
        }
        bool empty = false;
        for (; begun < count && list[begun].place.offset == from; begun++) {
            uint32_t end = from + list[begun].place.size;
            reach = end > reach ? end : reach;
            if (end == from && !empty) {
                empty = true;
                uint32_t span = list[begun].span;
                value_put(cut, from, from, names[span], hows[span]);
            }
        }
        uint32_t next = i + 1;
        while (next < ends_count && ends[next] == from) {
            next++;
        }
        if (next < ends_count && reach > from) {
            const struct ranged *cover = cover_find(list, begun, from, ends[next]);
            value_put(cut, from, ends[next], cover == NULL ? NONE32 : names[cover->span],
                      cover == NULL ? SPAN_RAW : hows[cover->span]);
        }
    }
}

/* The first value that begins there, of size zero or not as asked. */
static uint32_t value_from(const struct cut *cut, uint32_t offset, bool empty)
{
    uint32_t from = 0;
    uint32_t to = cut->values_count;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (cut->values[middle].offset < offset) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    return from + (!empty && cut->values[from].size == 0);
}

static void cut_anyhow(const struct event *event, const uint32_t *names, struct cut *cut)
{
    const struct batch *batch = event->batch;
    const char *table = batch->span_table + (size_t)event->span_first * BATCH_SPAN_SIZE;
    uint32_t begin = record_at(event);
    uint32_t end = begin + (uint32_t)event->record.size;
    struct ranged list[SPANS_PER_EVENT_MAX];
    uint8_t hows[SPANS_PER_EVENT_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < event->spans; i++) {
        const char *at = table + (size_t)i * BATCH_SPAN_SIZE;
        struct stretch place = {get_u32(at), get_u32(at + 4)};
        hows[i] = (uint8_t)at[10];
        if (place.offset >= begin && place.offset + place.size <= end &&
            !(place.size == 0 && place.offset == end)) {
            list[count++] = (struct ranged){place, i};
        }
    }
    qsort(list, count, sizeof *list, ranged_order);
    values_cut(cut, list, count, names, hows);
    for (uint32_t i = 0; i < event->spans; i++) {
        const char *at = table + (size_t)i * BATCH_SPAN_SIZE;
        struct stretch place = {get_u32(at), get_u32(at + 4)};
        if (place.offset < begin || place.offset + place.size > end ||
            (place.size == 0 && place.offset == end)) {
            derived_add(cut, names[i], hows[i], place);
            continue;
        }
        uint32_t from = value_from(cut, place.offset, place.size == 0);
        uint32_t to = from;
        while (cut->values[to].offset + cut->values[to].size < place.offset + place.size) {
            to++;
        }
        span_put(cut, names[i], hows[i], from, to + 1 - from);
        cut->key[cut->key_count++] = key_word(names[i], hows[i], KIND_CUT);
        cut->key[cut->key_count++] = from;
        cut->key[cut->key_count++] = to;
    }
    for (uint32_t i = 0; i < cut->values_count; i++) {
        cut->key[cut->key_count++] = cut->values[i].name;
        cut->key[cut->key_count++] = (uint32_t)cut->values[i].how << 1 | (cut->values[i].size == 0);
    }
}

void cut_event(const struct event *event, const uint32_t *names, struct cut *cut)
{
    uint32_t key_count = cut->key_count;
    cut->values_count = 0;
    cut->derived_count = 0;
    cut->spans_count = 0;
    cut->ordered = cut_in_order(event, names, cut);
    if (!cut->ordered) {
        cut->key_count = key_count;
        cut->values_count = 0;
        cut->derived_count = 0;
        cut->spans_count = 0;
        cut_anyhow(event, names, cut);
    }
}

static inline bool stretch_is(const struct cut_value *value, struct stretch place)
{
    return value->offset == place.offset && value->size == place.size;
}

bool cut_again(const struct event *event, const char *before, const struct shape *shape,
               const struct shape_span *spans, struct cut *cut)
{
    const struct batch *batch = event->batch;
    const char *at = batch->span_table + (size_t)event->span_first * BATCH_SPAN_SIZE;
    uint32_t begin = record_at(event);
    uint32_t end = begin + (uint32_t)event->record.size;
    uint32_t cursor = begin;
    uint32_t values = 0;
    uint32_t derived = 0;
    for (uint32_t i = 0; i < event->spans; i++, at += BATCH_SPAN_SIZE, before += BATCH_SPAN_SIZE) {
        struct stretch place = {get_u32(at), get_u32(at + 4)};
        const struct shape_span *span = &spans[i];
        bool outside = place.offset < begin || place.offset + place.size > end ||
                       (place.size == 0 && place.offset == end);
        bool last = values > 0 && stretch_is(&cut->values[values - 1], place);
        if (get_u32(at + 8) != get_u32(before + 8) || outside != span->derived) {
            return false;
        }
        if (outside) {
            cut->derived[derived].offset = place.offset;
            cut->derived[derived++].size = place.size;
        } else if (span->from == values) {
            if (last || place.offset < cursor) {
                return false;
            }
            cut->values[values].offset = place.offset;
            cut->values[values++].size = place.size;
            cursor = place.offset + place.size;
        } else if (span->from + 1 == values ? !last
                                            : last || place.size == 0 || place.offset >= cursor ||
                                                  !stretch_is(&cut->values[span->from], place)) {
            return false;
        }
    }
    cut->values_count = shape->values;
    cut->derived_count = shape->derived;
    return true;
}
