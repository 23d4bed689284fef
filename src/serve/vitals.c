/*
 * Counting in core.  An event costs a few loads: its kind is compared with that of the event before
 * it, and only another one is looked up; one event in LAG_EVERY is asked for its lag.
 *
 *     source, 4 + 4 client and source, 8 records, 1 lag known, 8 lag, 1 kinds, then each kind:
 *     1 size, the name, 8 count
 *     stranger, 4 source, 8 count, 8 first, 8 last, 1 size, address, 1 size, parser, 2 size, sample
 *
 * The lag that is told is the median of up to LAGS_MAX events, spread over the time: one event with
 * a strange time of its own moves nothing.
 *
 * Always true: what is kept is bounded by SOURCES_MAX sources with VIGIL_KINDS_MAX kinds and by
 * STRANGERS_MAX strangers, whatever senders do.
 */

#include "serve/vitals.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/map.h"

#define LAGS_MAX  31
#define LAG_EVERY 61 /* of the events of a source; a prime, against patterns in what is sent */

struct counted_kind {
    char name[KIND_TEXT_MAX + 1];
    uint64_t count;
};

struct counted {
    struct client_id client;
    struct source_id source;
    uint64_t records, lag_seen;
    int64_t lags[LAGS_MAX];
    size_t lags_count;
    struct counted_kind kinds[VIGIL_KINDS_MAX];
    size_t kinds_count;
};

struct known_stranger {
    struct source_id source;
    uint64_t count;
    struct wall first, last;
    char address[STRANGER_ADDRESS_MAX + 1];
    char parser[KIND_TEXT_MAX + 1];
    char sample[STRANGER_SAMPLE_MAX];
    size_t sample_size;
};

struct vitals {
    struct map by_source; /* to the index in list */
    struct counted *list[SOURCES_MAX];
    size_t count;
    struct map by_address;
    struct known_stranger strangers[STRANGERS_MAX];
    size_t strangers_count;
};

struct vitals *vitals_new(void)
{
    struct vitals *vitals = calloc(1, sizeof *vitals);
    if (vitals != NULL) {
        map_init(&vitals->by_source, SOURCES_MAX, 0);
        map_init(&vitals->by_address, STRANGERS_MAX, 0);
    }
    return vitals;
}

void vitals_free(struct vitals *vitals)
{
    if (vitals != NULL) {
        for (size_t i = 0; i < vitals->count; i++) {
            free(vitals->list[i]);
        }
        map_done(&vitals->by_source);
        map_done(&vitals->by_address);
        free(vitals);
    }
}

static struct counted *counted_of(struct vitals *vitals, const struct batch *batch)
{
    uint64_t index;
    struct str key = str_of((const char *)&batch->source.value, sizeof batch->source.value);
    if (map_get(&vitals->by_source, key, &index)) {
        return vitals->list[index];
    }
    struct counted *counted = vitals->count == SOURCES_MAX ? NULL : calloc(1, sizeof *counted);
    if (counted == NULL || map_put(&vitals->by_source, key, vitals->count) != OK) {
        free(counted);
        return NULL; /* it is stored all the same; only its vigil sees less */
    }
    counted->client = batch->client;
    counted->source = batch->source;
    vitals->list[vitals->count++] = counted;
    return counted;
}

/* ---- Kinds. */

static void text_add(char *text, size_t *size, struct str part)
{
    for (size_t i = 0; i < part.size && *size < KIND_TEXT_MAX; i++) {
        char c = part.data[i];
        text[(*size)++] = c > ' ' && c < 0x7f ? c : '_';
    }
}

/* "fortigate network_connection": the parser and the first part of the class that is there. */
static void kind_name(const struct batch *batch, uint16_t parser, uint16_t class,
                      char text[KIND_TEXT_MAX + 1])
{
    size_t size = 0;
    struct str name = parser < batch->names ? batch->name_table[parser] : STR("none");
    struct str rest = class < batch->names ? batch->name_table[class] : (struct str)
    {
        0
    };
    struct str part = {0};
    while (rest.size > 0 && part.size == 0) {
        part = str_cut(&rest, '/');
    }
    text_add(text, &size, name);
    if (part.size > 0 && size < KIND_TEXT_MAX) {
        text[size++] = ' ';
        text_add(text, &size, part);
    }
    text[size] = '\0';
}

static struct counted_kind *kind_find(struct counted *counted, const char *name)
{
    for (size_t i = 0; i < counted->kinds_count; i++) {
        if (strcmp(counted->kinds[i].name, name) == 0) {
            return &counted->kinds[i];
        }
    }
    if (counted->kinds_count == VIGIL_KINDS_MAX) {
        return NULL;
    }
    struct counted_kind *kind = &counted->kinds[counted->kinds_count++];
    kind->count = 0;
    memcpy(kind->name, name, strlen(name) + 1);
    return kind;
}

static void lag_take(struct counted *counted, const char *at)
{
    int64_t received = (int64_t)get_u64(at);
    int64_t happened = (int64_t)get_u64(at + 8);
    if (happened == INT64_MIN) {
        return;
    }
    int64_t lag;
    if (__builtin_sub_overflow(received, happened, &lag)) {
        return;
    }
    if (counted->lags_count < LAGS_MAX) {
        counted->lags[counted->lags_count++] = lag;
    } else {
        counted->lags[counted->lag_seen % LAGS_MAX] = lag;
    }
    counted->lag_seen++;
}

/* ---- Strangers. */

static struct known_stranger *stranger_of(struct vitals *vitals, struct source_id source,
                                          struct str address)
{
    char text[STRANGER_ADDRESS_MAX + 16];
    uint64_t index;
    put_u32(text, source.value);
    address = str_slice(address, 0, STRANGER_ADDRESS_MAX);
    memcpy(text + 4, address.data, address.size);
    struct str key = str_of(text, 4 + address.size);
    if (map_get(&vitals->by_address, key, &index)) {
        return &vitals->strangers[index];
    }
    if (vitals->strangers_count == STRANGERS_MAX ||
        map_put(&vitals->by_address, key, vitals->strangers_count) != OK) {
        return NULL;
    }
    struct known_stranger *stranger = &vitals->strangers[vitals->strangers_count++];
    *stranger = (struct known_stranger){.source = source, .first = WALL_NONE};
    memcpy(stranger->address, address.data, address.size);
    return stranger;
}

static void strangers_look(struct vitals *vitals, const struct batch *batch, struct arena *scratch)
{
    for (uint32_t i = 0; i < batch->events; i++) {
        struct event event;
        struct span span;
        struct str address;
        batch_event(batch, i, &event);
        if (event_find(&event, STR("log.source.address"), &span) != OK ||
            event_value(&span, scratch, &address) != OK || address.size == 0) {
            continue;
        }
        struct known_stranger *stranger = stranger_of(vitals, batch->source, address);
        if (stranger == NULL) {
            continue;
        }
        if (stranger->count++ == 0) {
            struct str record = str_slice(event.record, 0, STRANGER_SAMPLE_MAX);
            struct str parser = str_slice(event.parser, 0, KIND_TEXT_MAX);
            stranger->first = event.received;
            memcpy(stranger->sample, record.data, record.size);
            stranger->sample_size = record.size;
            memcpy(stranger->parser, parser.data, parser.size);
        }
        stranger->last = event.received;
    }
}

/* ---- A batch. */

/* The kinds of one batch by class and parser, side by side as they stand in an event: names are
 * made once for each pair, not for each event. */
struct pair {
    uint32_t both;
    struct counted_kind *kind; /* NULL: there was no room for it */
};
#define PAIRS_MAX 16

struct pairs {
    struct pair list[PAIRS_MAX];
    size_t count;
};

static struct counted_kind *pair_find(struct pairs *pairs, uint32_t both, struct counted *counted,
                                      const struct batch *batch)
{
    char name[KIND_TEXT_MAX + 1];
    for (size_t i = 0; i < pairs->count; i++) {
        if (pairs->list[i].both == both) {
            return pairs->list[i].kind;
        }
    }
    kind_name(batch, (uint16_t)(both >> 16), (uint16_t)both, name);
    struct counted_kind *kind = kind_find(counted, name);
    if (pairs->count < PAIRS_MAX) {
        pairs->list[pairs->count++] = (struct pair){both, kind};
    }
    return kind;
}

static void events_count(struct counted *counted, const struct batch *batch)
{
    struct pairs pairs = {.count = 0};
    struct counted_kind *kind = NULL;
    uint32_t last = 0;
    uint32_t next = (uint32_t)((LAG_EVERY - counted->records % LAG_EVERY) % LAG_EVERY);
    const char *at = batch->event_table;
    for (uint32_t i = 0; i < batch->events; i++, at += BATCH_EVENT_SIZE) {
        uint32_t both = get_u32(at + 30);
        if (both != last || i == 0) {
            kind = pair_find(&pairs, both, counted, batch);
            last = both;
        }
        if (kind != NULL) {
            kind->count++;
        }
        if (i == next) {
            lag_take(counted, at);
            next += LAG_EVERY;
        }
    }
    counted->records += batch->events;
}

void vitals_batch(struct vitals *vitals, const struct batch *batch, struct arena *scratch,
                  uint64_t *ret_failures, uint64_t *ret_bytes)
{
    struct counted *counted = counted_of(vitals, batch);
    uint64_t failures = 0;
    uint64_t bytes = 0;
    const char *at = batch->event_table;
    for (uint32_t i = 0; i < batch->events; i++, at += BATCH_EVENT_SIZE) {
        bytes += get_u32(at + 20);
        failures += get_u16(at + 34) != NAME_NONE;
    }
    if (counted != NULL) {
        events_count(counted, batch);
    }
    if (client_equal(batch->client, CLIENT_INSTALLATION)) {
        strangers_look(vitals, batch, scratch);
    }
    *ret_failures = failures;
    *ret_bytes = bytes;
}

/* ---- As bytes. */

static int compare(const void *a, const void *b)
{
    int64_t first = *(const int64_t *)a;
    int64_t second = *(const int64_t *)b;
    return (first > second) - (first < second);
}

static enum err counted_put(struct counted *counted, struct buf *out)
{
    char fixed[26] = {0};
    put_u32(fixed, counted->client.value);
    put_u32(fixed + 4, counted->source.value);
    put_u64(fixed + 8, counted->records);
    if (counted->lags_count > 0) {
        qsort(counted->lags, counted->lags_count, sizeof *counted->lags, compare);
        fixed[16] = 1;
        put_u64(fixed + 17, (uint64_t)counted->lags[counted->lags_count / 2]);
    }
    fixed[25] = (char)counted->kinds_count;
    enum err err = buf_append(out, str_of(fixed, sizeof fixed));
    for (size_t i = 0; i < counted->kinds_count && err == OK; i++) {
        struct str name = str_from(counted->kinds[i].name);
        char count[8];
        put_u64(count, counted->kinds[i].count);
        err = buf_append_byte(out, (char)name.size);
        err = err == OK ? buf_append(out, name) : err;
        err = err == OK ? buf_append(out, str_of(count, sizeof count)) : err;
    }
    return err;
}

static enum err stranger_put(const struct known_stranger *stranger, struct buf *out)
{
    char fixed[28];
    char size[2];
    struct str address = str_from(stranger->address);
    struct str parser = str_from(stranger->parser);
    put_u32(fixed, stranger->source.value);
    put_u64(fixed + 4, stranger->count);
    put_u64(fixed + 12, (uint64_t)stranger->first.ns);
    put_u64(fixed + 20, (uint64_t)stranger->last.ns);
    put_u16(size, (uint16_t)stranger->sample_size);
    enum err err = buf_append(out, str_of(fixed, sizeof fixed));
    err = err == OK ? buf_append_byte(out, (char)address.size) : err;
    err = err == OK ? buf_append(out, address) : err;
    err = err == OK ? buf_append_byte(out, (char)parser.size) : err;
    err = err == OK ? buf_append(out, parser) : err;
    err = err == OK ? buf_append(out, str_of(size, sizeof size)) : err;
    return err == OK ? buf_append(out, str_of(stranger->sample, stranger->sample_size)) : err;
}

enum err vitals_take(struct vitals *vitals, struct buf *sources, struct buf *strangers)
{
    enum err err = OK;
    for (size_t i = 0; i < vitals->count && err == OK; i++) {
        struct counted *counted = vitals->list[i];
        if (counted->records > 0) {
            err = counted_put(counted, sources);
            counted->records = 0;
            counted->lags_count = 0;
            counted->lag_seen = 0;
            counted->kinds_count = 0;
        }
    }
    for (size_t i = 0; i < vitals->strangers_count && err == OK; i++) {
        err = stranger_put(&vitals->strangers[i], strangers);
    }
    vitals->strangers_count = 0;
    map_done(&vitals->by_address);
    map_init(&vitals->by_address, STRANGERS_MAX, 0);
    return err;
}

/* ---- And back. */

static bool take(struct str *bytes, size_t size, struct str *ret)
{
    if (bytes->size < size) {
        return false;
    }
    *ret = str_slice(*bytes, 0, size);
    *bytes = str_slice(*bytes, size, bytes->size);
    return true;
}

static bool text_take(struct str *bytes, struct str *ret)
{
    struct str size;
    return take(bytes, 1, &size) && take(bytes, (unsigned char)size.data[0], ret);
}

enum err vitals_read(struct str *bytes, struct vital *ret)
{
    struct str rest = *bytes;
    struct str at;
    if (!take(&rest, 26, &at)) {
        return ERR_CORRUPT;
    }
    struct vital vital = {
        .client = {get_u32(at.data)},
        .source = {get_u32(at.data + 4)},
        .records = get_u64(at.data + 8),
        .lag_known = at.data[16] == 1,
        .lag_ns = (int64_t)get_u64(at.data + 17),
        .kinds_count = (unsigned char)at.data[25],
    };
    if (vital.kinds_count > VIGIL_KINDS_MAX) {
        return ERR_CORRUPT;
    }
    for (size_t i = 0; i < vital.kinds_count; i++) {
        struct str count;
        if (!text_take(&rest, &vital.kinds[i].name) || !take(&rest, 8, &count)) {
            return ERR_CORRUPT;
        }
        vital.kinds[i].count = get_u64(count.data);
    }
    *bytes = rest;
    *ret = vital;
    return OK;
}

enum err strangers_read(struct str *bytes, struct stranger *ret)
{
    struct str rest = *bytes;
    struct str at;
    struct str size;
    struct stranger stranger = {0};
    if (!take(&rest, 28, &at) || !text_take(&rest, &stranger.address) ||
        !text_take(&rest, &stranger.parser) || !take(&rest, 2, &size) ||
        !take(&rest, get_u16(size.data), &stranger.sample)) {
        return ERR_CORRUPT;
    }
    stranger.source = (struct source_id){get_u32(at.data)};
    stranger.count = get_u64(at.data + 4);
    stranger.first = (struct wall){(int64_t)get_u64(at.data + 12)};
    stranger.last = (struct wall){(int64_t)get_u64(at.data + 20)};
    *bytes = rest;
    *ret = stranger;
    return OK;
}
