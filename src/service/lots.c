/*
 * Lots of the archive as bytes, for the way from core to desk.
 *
 *     OFFSET SIZE MEANING
 *          0    8 kind
 *          8   80 number, days, first, last, oldest, newest, events, original, stored, and how many
 *                 sources there are, 8 bytes each
 *         88   48 for each source: its id, days, oldest, newest, events, original
 *
 * Always true: what is taken off has at least one source if it has events, times in order, and no
 * number that arithmetic over days could not bear.
 */

#include "base/bytes.h"
#include "base/limits.h"
#include "service/keeping.h"

#define HEAD_NUMBERS   11
#define SOURCE_NUMBERS 6
#define NUMBER_SIZE    8

static enum err numbers_put(struct buf *out, const uint64_t *list, size_t count)
{
    uint8_t bytes[HEAD_NUMBERS * NUMBER_SIZE];
    for (size_t i = 0; i < count; i++) {
        put_u64(bytes + i * NUMBER_SIZE, list[i]);
    }
    return buf_append(out, str_of(bytes, count * NUMBER_SIZE));
}

enum err lot_encode(const struct lot *lot, struct buf *out)
{
    const uint64_t head[HEAD_NUMBERS] = {
        lot->kind,
        lot->number,
        lot->days,
        lot->first,
        lot->last,
        (uint64_t)lot->oldest.ns,
        (uint64_t)lot->newest.ns,
        lot->events,
        lot->original,
        lot->stored,
        lot->sources_count,
    };
    enum err err = numbers_put(out, head, HEAD_NUMBERS);
    for (size_t i = 0; i < lot->sources_count && err == OK; i++) {
        const struct lot_source *of = &lot->sources[i];
        const uint64_t numbers[SOURCE_NUMBERS] = {
            of->source.value,        of->days,   (uint64_t)of->oldest.ns,
            (uint64_t)of->newest.ns, of->events, of->original};
        err = numbers_put(out, numbers, SOURCE_NUMBERS);
    }
    return err;
}

static void numbers_take(struct str bytes, size_t at, uint64_t *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        list[i] = get_u64(bytes.data + (at + i) * NUMBER_SIZE);
    }
}

static bool time_is_sound(uint64_t ns)
{
    return ns <= (uint64_t)INT64_MAX / 4;
}

static enum err source_take(struct str bytes, size_t index, struct lot_source *ret)
{
    uint64_t numbers[SOURCE_NUMBERS];
    numbers_take(bytes, HEAD_NUMBERS + index * SOURCE_NUMBERS, numbers, SOURCE_NUMBERS);
    if (numbers[0] == 0 || numbers[0] > UINT32_MAX || numbers[1] > PROMISE_DAYS_MAX ||
        !time_is_sound(numbers[2]) || !time_is_sound(numbers[3]) || numbers[2] > numbers[3]) {
        return ERR_CORRUPT;
    }
    *ret = (struct lot_source){.source = {(uint32_t)numbers[0]},
                               .days = (uint32_t)numbers[1],
                               .oldest = {(int64_t)numbers[2]},
                               .newest = {(int64_t)numbers[3]},
                               .events = numbers[4],
                               .original = numbers[5]};
    return OK;
}

static bool head_is_sound(const uint64_t head[HEAD_NUMBERS])
{
    return head[0] < LOT_KIND_COUNT && head[2] <= PROMISE_DAYS_MAX && head[3] <= head[4] &&
           time_is_sound(head[5]) && time_is_sound(head[6]) && head[5] <= head[6] &&
           head[10] <= SOURCES_MAX && (head[7] == 0) == (head[10] == 0);
}

enum err lot_decode(struct str *bytes, struct arena *mem, struct lot *ret)
{
    uint64_t head[HEAD_NUMBERS];
    if (bytes->size < HEAD_NUMBERS * NUMBER_SIZE) {
        return ERR_CORRUPT;
    }
    numbers_take(*bytes, 0, head, HEAD_NUMBERS);
    if (!head_is_sound(head)) {
        return ERR_CORRUPT;
    }
    size_t count = (size_t)head[10];
    size_t size = (HEAD_NUMBERS + count * SOURCE_NUMBERS) * NUMBER_SIZE;
    if (bytes->size < size) {
        return ERR_CORRUPT;
    }
    struct lot_source *sources = ARENA_ARRAY(mem, struct lot_source, count + 1);
    enum err err = sources == NULL ? ERR_MEMORY : OK;
    for (size_t i = 0; i < count && err == OK; i++) {
        err = source_take(*bytes, i, &sources[i]);
    }
    if (err != OK) {
        return err;
    }
    *ret = (struct lot){.kind = (enum lot_kind)head[0],
                        .number = head[1],
                        .days = (uint32_t)head[2],
                        .first = head[3],
                        .last = head[4],
                        .oldest = {(int64_t)head[5]},
                        .newest = {(int64_t)head[6]},
                        .events = head[7],
                        .original = head[8],
                        .stored = head[9],
                        .sources = sources,
                        .sources_count = count};
    *bytes = str_slice(*bytes, size, bytes->size);
    return OK;
}
