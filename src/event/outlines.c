/*
 * Tables to outlines and back.
 *
 * Packing goes over the events three times: which outline each has, into columns of words, and the
 * columns into bytes.  An event is first held against the outline of the one before; others are
 * found by their hash, at one of a few places, so that no sender can make that slow: an outline
 * that found them all taken is not found again, and named anew.
 *
 * Always true: both directions only believe counts that were found to fit their bytes.  Differences
 * are modulo 2^32 (times: 2^64), so any words come back as they were.
 */

#include "event/outlines.h"

#include <string.h>

#include "base/limits.h"

#define AS_ROWS      0
#define AS_OUTLINES  1
#define COLUMN_FIXED 0x80u /* the offsets of this span are those in the text, not in the record */
#define COLUMN_HEAD  5
#define TRIES        8  /* places at which an outline is looked for */
#define THIRD        8  /* where a span's third word stands */
#define COLUMN_APART 16 /* words between columns: their lines shall not share a place in caches */
#define REPEATED     4  /* as often at least the spans of outlines must occur to be worth it */

/* The columns over all events. */
enum {
    RECEIVED_LOW, /* since the event before */
    RECEIVED_HIGH,
    HAPPENED_LOW, /* likewise */
    HAPPENED_HIGH,
    RECORD_GAP, /* since the end of the record before */
    RECORD_SIZE,
    OUTLINE,
    CLASS,
    WORD_32, /* the row's words there */
    WORD_36,
    WORD_40,
    WORD_44,
    EVENT_COLUMNS
};

struct outline {
    const char *like; /* packing: the first event's spans; unpacking: the third words alone */
    uint32_t hash;
    uint32_t spans;
    uint32_t events;
    uint32_t filled; /* of them */
    uint32_t
        *words; /* its columns, `stride` apart: offset, size, offset …; unpacking: its events */
    size_t stride;
    uint32_t *inside; /* by span: all ones if its offsets are those in the record */
};

struct packing {
    const struct batch *batch;
    struct outline *outlines;
    size_t count;
    uint32_t spans;   /* of all outlines */
    uint16_t *of;     /* by event */
    uint16_t *places; /* by hash: index plus 1; twice as many as events, and TRIES */
    unsigned shift;   /* of a hash, to a place */
};

size_t outlines_bound(const struct batch *batch)
{
    const size_t tables = (size_t)(batch->text.data - batch->bytes.data);
    return tables + 3 + (size_t)EVENT_COLUMNS * COLUMN_HEAD + 2 * (size_t)batch->events;
}

/* ---- Outlines. */

static bool thirds_equal(const char *a, const char *b, uint32_t spans)
{
    uint32_t differ = 0;
    for (size_t i = 0; i < spans; i++) {
        differ |=
            get_u32(a + i * BATCH_SPAN_SIZE + THIRD) ^ get_u32(b + i * BATCH_SPAN_SIZE + THIRD);
    }
    return differ == 0;
}

static bool outline_fits(const struct outline *outline, const char *at, uint32_t spans)
{
    return outline->spans == spans && thirds_equal(outline->like, at, spans);
}

static uint32_t thirds_hash(const char *at, uint32_t spans)
{
    uint32_t hash = spans;
    for (size_t i = 0; i < spans; i++) {
        hash = (hash ^ get_u32(at + i * BATCH_SPAN_SIZE + THIRD)) * 0x9E3779B1u;
    }
    return hash;
}

static size_t outline_of(struct packing *packing, const char *at, uint32_t spans, size_t before)
{
    if (packing->count > 0 && outline_fits(&packing->outlines[before], at, spans)) {
        return before;
    }
    const uint32_t hash = thirds_hash(at, spans);
    uint16_t *place = &packing->places[hash >> packing->shift];
    for (int i = 0; i < TRIES && *place != 0; i++, place++) {
        const struct outline *outline = &packing->outlines[*place - 1];
        if (outline->hash == hash && outline_fits(outline, at, spans)) {
            return *place - 1u;
        }
    }
    *place = (uint16_t)(packing->count + 1);
    packing->outlines[packing->count] = (struct outline){.like = at, .hash = hash, .spans = spans};
    packing->spans += spans;
    return packing->count++;
}

static void outlines_find(struct packing *packing)
{
    const struct batch *batch = packing->batch;
    const char *at = batch->span_table;
    const char *row = batch->event_table;
    size_t before = 0;
    for (uint32_t i = 0; i < batch->events; i++, row += BATCH_EVENT_SIZE) {
        const uint32_t spans = get_u16(row + 28);
        before = outline_of(packing, at, spans, before);
        packing->outlines[before].events++;
        packing->of[i] = (uint16_t)before;
        at += (size_t)spans * BATCH_SPAN_SIZE;
    }
}

/* Where an outline's first event has a span within its record, all are told from there. */
static void inside_tell(const struct batch *batch, uint32_t event, const struct outline *outline)
{
    const char *row = batch->event_table + (size_t)event * BATCH_EVENT_SIZE;
    const uint64_t record = get_u32(row + 16);
    const uint64_t end = record + get_u32(row + 20);
    const char *at = outline->like;
    for (size_t i = 0; i < outline->spans; i++, at += BATCH_SPAN_SIZE) {
        const uint64_t from = get_u32(at);
        outline->inside[i] = from >= record && from + get_u32(at + 4) <= end ? UINT32_MAX : 0;
    }
}

/* ---- Columns. */

static char *column_put(const uint32_t *words, size_t count, unsigned flag, char *to)
{
    int32_t least = INT32_MAX;
    int32_t most = INT32_MIN;
    for (size_t i = 0; i < count; i++) {
        const int32_t word = (int32_t)words[i];
        least = word < least ? word : least;
        most = word > most ? word : most;
    }
    const uint32_t from = (uint32_t)least;
    const uint32_t range = (uint32_t)most - from;
    const unsigned width = range == 0 ? 0 : range <= UINT8_MAX ? 1 : range <= UINT16_MAX ? 2 : 4;
    *to = (char)(width | flag);
    put_u32(to + 1, from);
    to += COLUMN_HEAD;
    for (size_t i = 0; width == 1 && i < count; i++) {
        to[i] = (char)(words[i] - from);
    }
    for (size_t i = 0; width == 2 && i < count; i++) {
        put_u16(to + 2 * i, (uint16_t)(words[i] - from));
    }
    for (size_t i = 0; width == 4 && i < count; i++) {
        put_u32(to + 4 * i, words[i] - from);
    }
    return to + width * count;
}

static void span_words(struct outline *outline, const char *at, uint32_t record)
{
    uint32_t *words = outline->words + outline->filled++;
    for (size_t i = 0; i < outline->spans; i++, at += BATCH_SPAN_SIZE) {
        words[0] = get_u32(at) - (record & outline->inside[i]);
        words[outline->stride] = get_u32(at + 4);
        words += 2 * outline->stride;
    }
}

/* words: EVENT_COLUMNS times as many as there are events. */
static void rows_turn(struct packing *packing, uint32_t *words)
{
    const struct batch *batch = packing->batch;
    const size_t events = batch->events;
    const char *row = batch->event_table;
    const char *span = batch->span_table;
    uint64_t received = 0;
    uint64_t happened = 0;
    uint32_t end = 0;
    for (size_t i = 0; i < events; i++, row += BATCH_EVENT_SIZE, words++) {
        struct outline *outline = &packing->outlines[packing->of[i]];
        const uint64_t since_received = get_u64(row) - received;
        const uint64_t since_happened = get_u64(row + 8) - happened;
        const uint32_t record = get_u32(row + 16);
        const uint32_t size = get_u32(row + 20);
        words[RECEIVED_LOW * events] = (uint32_t)since_received;
        words[RECEIVED_HIGH * events] = (uint32_t)(since_received >> 32);
        words[HAPPENED_LOW * events] = (uint32_t)since_happened;
        words[HAPPENED_HIGH * events] = (uint32_t)(since_happened >> 32);
        words[RECORD_GAP * events] = record - end;
        words[RECORD_SIZE * events] = size;
        words[OUTLINE * events] = packing->of[i];
        words[CLASS * events] = get_u16(row + 30);
        for (size_t word = 0; word < 4; word++) {
            words[(WORD_32 + word) * events] = get_u32(row + 32 + 4 * word);
        }
        span_words(outline, span, record);
        span += outline->spans * (size_t)BATCH_SPAN_SIZE;
        received += since_received;
        happened += since_happened;
        end = record + size;
    }
}

/* Gives each outline its columns and writes what it is. */
static char *outlines_put(struct packing *packing, uint32_t *words, uint32_t *inside, char *to)
{
    put_u16(to, (uint16_t)packing->count);
    to += 2;
    for (uint32_t event = 0, next = 0; next < packing->count; event++) {
        struct outline *outline = &packing->outlines[next];
        if (packing->of[event] != next) {
            continue;
        }
        next++;
        outline->words = words;
        outline->inside = inside;
        words += 2 * outline->stride * outline->spans;
        inside += outline->spans;
        inside_tell(packing->batch, event, outline);
        put_u16(to, (uint16_t)outline->spans);
        to += 2;
        for (size_t i = 0; i < outline->spans; i++, to += 4) {
            put_u32(to, get_u32(outline->like + i * BATCH_SPAN_SIZE + THIRD));
        }
    }
    return to;
}

static char *columns_put(const struct packing *packing, const uint32_t *words, char *to)
{
    const size_t events = packing->batch->events;
    for (size_t column = 0; column < EVENT_COLUMNS; column++) {
        to = column_put(words + column * events, events, 0, to);
    }
    for (size_t i = 0; i < packing->count; i++) {
        const struct outline *outline = &packing->outlines[i];
        const uint32_t *at = outline->words;
        for (size_t span = 0; span < outline->spans; span++) {
            to = column_put(at, outline->events, outline->inside[span] != 0 ? 0 : COLUMN_FIXED, to);
            to = column_put(at + outline->stride, outline->events, 0, to);
            at += 2 * outline->stride;
        }
    }
    return to;
}

static enum err tables_turn(struct packing *packing, struct arena *scratch, char *to, char **ret)
{
    size_t room = 0;
    for (size_t i = 0; i < packing->count; i++) {
        struct outline *outline = &packing->outlines[i];
        outline->stride = outline->events + (outline->events < COLUMN_APART ? 0 : COLUMN_APART);
        room += 2 * outline->stride * outline->spans;
    }
    const size_t events = (size_t)packing->batch->events * EVENT_COLUMNS;
    uint32_t *words = ARENA_ARRAY_PLAIN(scratch, uint32_t, events + room);
    uint32_t *inside = ARENA_ARRAY_PLAIN(scratch, uint32_t, packing->spans);
    if (words == NULL || inside == NULL) {
        return ERR_MEMORY;
    }
    to = outlines_put(packing, words + events, inside, to);
    rows_turn(packing, words);
    *ret = columns_put(packing, words, to);
    return OK;
}

enum err outlines_pack(const struct batch *batch, struct arena *scratch, char *to, size_t *ret_size)
{
    const size_t rows =
        (size_t)batch->events * BATCH_EVENT_SIZE + (size_t)batch->spans * BATCH_SPAN_SIZE;
    const struct str names = {batch->event_table + rows,
                              (size_t)(batch->text.data - batch->event_table) - rows};
    unsigned bits = 1;
    while (bits < 31 && 1u << bits < 2 * batch->events) {
        bits++;
    }
    struct packing packing = {
        .batch = batch,
        .outlines = ARENA_ARRAY_PLAIN(scratch, struct outline, batch->events),
        .of = ARENA_ARRAY_PLAIN(scratch, uint16_t, batch->events),
        .places = ARENA_ARRAY(scratch, uint16_t, ((size_t)1 << bits) + TRIES),
        .shift = 32 - bits,
    };
    if (packing.outlines == NULL || packing.of == NULL || packing.places == NULL) {
        return ERR_MEMORY;
    }
    char *at = to;
    memcpy(at, batch->bytes.data, BATCH_HEADER_SIZE);
    memcpy(at + BATCH_HEADER_SIZE, names.data, names.size);
    at += BATCH_HEADER_SIZE + names.size;
    outlines_find(&packing);
    enum err err = OK;
    if (packing.spans <= batch->spans / REPEATED) {
        *at++ = AS_OUTLINES;
        err = tables_turn(&packing, scratch, at, &at);
    } else {
        *at++ = AS_ROWS;
        memcpy(at, batch->event_table, rows);
        at += rows;
    }
    *ret_size = (size_t)(at - to);
    return err;
}

/* ---- And back. */

struct unpacking {
    struct str rest; /* of what is packed */
    char *events;    /* the rows to be written */
    char *spans;
    uint32_t events_count;
    uint32_t spans_count;
    uint32_t *words; /* EVENT_COLUMNS times as many as there are events */
    uint32_t *of;    /* by place in an outline's columns, one outline after the other: the event */
};

static bool take(struct str *rest, size_t size, const char **ret)
{
    if (rest->size < size) {
        return false;
    }
    *ret = rest->data;
    *rest = str_slice(*rest, size, rest->size);
    return true;
}

/* The words of a column, and its flag. */
static bool column_take(struct str *rest, size_t count, uint32_t *words, bool *ret_fixed)
{
    const char *at;
    if (!take(rest, COLUMN_HEAD, &at)) {
        return false;
    }
    const unsigned width = (unsigned char)*at & ~COLUMN_FIXED;
    const uint32_t from = get_u32(at + 1);
    *ret_fixed = ((unsigned char)*at & COLUMN_FIXED) != 0;
    if ((width > 2 && width != 4) || !take(rest, width * count, &at)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        words[i] = from + (width == 0   ? 0
                           : width == 1 ? (unsigned char)at[i]
                           : width == 2 ? get_u16(at + 2 * i)
                                        : get_u32(at + 4 * i));
    }
    return true;
}

/* Writes the rows of events; their spans are counted in the outlines, which are looked through
 * first.  False: the outlines' spans are not as many as the batch has. */
static bool events_write(struct unpacking *unpacking, const struct outline *outlines, size_t count)
{
    const size_t events = unpacking->events_count;
    const uint32_t *words = unpacking->words;
    char *row = unpacking->events;
    uint64_t received = 0;
    uint64_t happened = 0;
    uint64_t first = 0;
    uint32_t end = 0;
    for (size_t i = 0; i < events; i++, row += BATCH_EVENT_SIZE, words++) {
        const uint32_t outline = words[OUTLINE * events];
        if (outline >= count) {
            return false;
        }
        received += (uint64_t)words[RECEIVED_HIGH * events] << 32 | words[RECEIVED_LOW * events];
        happened += (uint64_t)words[HAPPENED_HIGH * events] << 32 | words[HAPPENED_LOW * events];
        put_u64(row, received);
        put_u64(row + 8, happened);
        put_u32(row + 16, words[RECORD_GAP * events] + end);
        put_u32(row + 20, words[RECORD_SIZE * events]);
        put_u32(row + 24, (uint32_t)first);
        put_u16(row + 28, (uint16_t)outlines[outline].spans);
        put_u16(row + 30, (uint16_t)words[CLASS * events]);
        for (size_t word = 0; word < 4; word++) {
            put_u32(row + 32 + 4 * word, words[(WORD_32 + word) * events]);
        }
        first += outlines[outline].spans;
        end = get_u32(row + 16) + get_u32(row + 20);
    }
    return first == unpacking->spans_count;
}

/* Which events have which outline, in their order. */
static void events_sort(struct unpacking *unpacking, struct outline *outlines, size_t count)
{
    const uint32_t *of = unpacking->words + OUTLINE * (size_t)unpacking->events_count;
    for (uint32_t i = 0; i < unpacking->events_count; i++) {
        outlines[of[i]].events++;
    }
    uint32_t *words = unpacking->of;
    for (size_t i = 0; i < count; i++) {
        outlines[i].words = words;
        words += outlines[i].events;
    }
    for (uint32_t i = 0; i < unpacking->events_count; i++) {
        struct outline *outline = &outlines[of[i]];
        outline->words[outline->filled++] = i;
    }
}

/* Writes the spans of all events that have the outline. */
static bool spans_write(struct unpacking *unpacking, const struct outline *outline)
{
    uint32_t *words = unpacking->words; /* the events' are done with */
    for (size_t span = 0; span < outline->spans; span++) {
        const uint32_t third = get_u32(outline->like + 4 * span);
        bool fixed;
        bool flag;
        if (!column_take(&unpacking->rest, outline->events, words, &fixed) ||
            !column_take(&unpacking->rest, outline->events, words + outline->events, &flag)) {
            return false;
        }
        for (size_t i = 0; i < outline->events; i++) {
            const char *row = unpacking->events + (size_t)outline->words[i] * BATCH_EVENT_SIZE;
            char *to = unpacking->spans + (get_u32(row + 24) + span) * BATCH_SPAN_SIZE;
            put_u32(to, words[i] + (fixed ? 0 : get_u32(row + 16)));
            put_u32(to + 4, words[outline->events + i]);
            put_u32(to + THIRD, third);
        }
    }
    return true;
}

static bool outlines_take(struct str *rest, struct outline *outlines, size_t count)
{
    const char *at;
    for (size_t i = 0; i < count; i++) {
        if (!take(rest, 2, &at)) {
            return false;
        }
        outlines[i] = (struct outline){.spans = get_u16(at)};
        if (!take(rest, 4 * (size_t)outlines[i].spans, &outlines[i].like)) {
            return false;
        }
    }
    return true;
}

static enum err tables_turn_back(struct unpacking *unpacking, struct arena *scratch)
{
    const size_t events = unpacking->events_count;
    const char *at;
    if (!take(&unpacking->rest, 2, &at)) {
        return ERR_CORRUPT;
    }
    const size_t count = get_u16(at);
    struct outline *outlines = ARENA_ARRAY(scratch, struct outline, count);
    unpacking->words = ARENA_ARRAY_PLAIN(scratch, uint32_t, EVENT_COLUMNS * events);
    unpacking->of = ARENA_ARRAY_PLAIN(scratch, uint32_t, events);
    if (outlines == NULL || unpacking->words == NULL || unpacking->of == NULL) {
        return ERR_MEMORY;
    }
    bool there = outlines_take(&unpacking->rest, outlines, count);
    for (size_t i = 0; i < EVENT_COLUMNS && there; i++) {
        bool flag;
        there = column_take(&unpacking->rest, events, unpacking->words + i * events, &flag);
    }
    if (!there || !events_write(unpacking, outlines, count)) {
        return ERR_CORRUPT;
    }
    events_sort(unpacking, outlines, count);
    for (size_t i = 0; i < count; i++) {
        if (!spans_write(unpacking, &outlines[i])) {
            return ERR_CORRUPT;
        }
    }
    return unpacking->rest.size == 0 ? OK : ERR_CORRUPT;
}

/* Whether the header's counts add up to the size; batch_check looks at the rest of it. */
static bool counts_fit(const char *header, size_t size)
{
    const uint64_t events = get_u32(header + 16);
    const uint64_t spans = get_u32(header + 20);
    return events <= EVENTS_PER_BATCH_MAX && BATCH_HEADER_SIZE + events * BATCH_EVENT_SIZE +
                                                     spans * BATCH_SPAN_SIZE +
                                                     get_u32(header + 28) + get_u32(header + 32) ==
                                                 size;
}

enum err outlines_unpack(struct str packed, struct arena *scratch, char *to, size_t size,
                         size_t *ret_text)
{
    const char *header;
    const char *names;
    const char *form;
    struct str rest = packed;
    if (!take(&rest, BATCH_HEADER_SIZE, &header) || !counts_fit(header, size) ||
        !take(&rest, get_u32(header + 28), &names) || !take(&rest, 1, &form)) {
        return ERR_CORRUPT;
    }
    struct unpacking unpacking = {.rest = rest,
                                  .events = to + BATCH_HEADER_SIZE,
                                  .events_count = get_u32(header + 16),
                                  .spans_count = get_u32(header + 20)};
    const size_t events_size = (size_t)unpacking.events_count * BATCH_EVENT_SIZE;
    const size_t rows = events_size + (size_t)unpacking.spans_count * BATCH_SPAN_SIZE;
    unpacking.spans = unpacking.events + events_size;
    enum err err = ERR_CORRUPT;
    if (*form == AS_OUTLINES) {
        err = tables_turn_back(&unpacking, scratch);
    } else if (*form == AS_ROWS && rest.size == rows) {
        memcpy(unpacking.events, rest.data, rows);
        err = OK;
    }
    if (err == OK) {
        memcpy(to, header, BATCH_HEADER_SIZE);
        memcpy(unpacking.events + rows, names, get_u32(header + 28));
        *ret_text = size - get_u32(header + 32);
    }
    return err;
}
