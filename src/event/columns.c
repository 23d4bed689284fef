/*
 * The two directions between rows and columns.
 *
 * Always true: both write exactly as many bytes as they read, whatever the tables hold; only the
 * counts in the header are believed, after they were found to fit.
 */

#include "event/columns.h"

#include <string.h>

#define EVENT_WORDS (BATCH_EVENT_SIZE / 4)
#define SPAN_WORDS  (BATCH_SPAN_SIZE / 4)

struct tables {
    size_t events, spans; /* how many */
    size_t events_size, spans_size;
};

static enum err tables_of(struct str bytes, struct tables *ret)
{
    if (bytes.size < BATCH_HEADER_SIZE) {
        return ERR_CORRUPT;
    }
    size_t room = bytes.size - BATCH_HEADER_SIZE;
    struct tables tables = {.events = get_u32(bytes.data + 16), .spans = get_u32(bytes.data + 20)};
    if (tables.events > room / BATCH_EVENT_SIZE) {
        return ERR_CORRUPT;
    }
    tables.events_size = tables.events * BATCH_EVENT_SIZE;
    if (tables.spans > (room - tables.events_size) / BATCH_SPAN_SIZE) {
        return ERR_CORRUPT;
    }
    tables.spans_size = tables.spans * BATCH_SPAN_SIZE;
    *ret = tables;
    return OK;
}

/* Columns of `words` words each; the first `relative` of them as differences. */
static void turn(const char *rows, size_t count, size_t words, size_t relative, char *columns)
{
    for (size_t word = 0; word < words; word++) {
        uint32_t last = 0;
        for (size_t i = 0; i < count; i++) {
            uint32_t value = get_u32(rows + (i * words + word) * 4);
            put_u32(columns, word < relative ? value - last : value);
            last = value;
            columns += 4;
        }
    }
}

static void turn_back(const char *columns, size_t count, size_t words, size_t relative, char *rows)
{
    for (size_t word = 0; word < words; word++) {
        uint32_t last = 0;
        for (size_t i = 0; i < count; i++) {
            uint32_t value = get_u32(columns);
            last = word < relative ? last + value : value;
            put_u32(rows + (i * words + word) * 4, last);
            columns += 4;
        }
    }
}

typedef void turning(const char *from, size_t count, size_t words, size_t relative, char *to);

static enum err both(struct str bytes, turning *way, char *to)
{
    struct tables tables;
    enum err err = tables_of(bytes, &tables);
    if (err != OK) {
        return err;
    }
    size_t at = BATCH_HEADER_SIZE;
    memcpy(to, bytes.data, at);
    way(bytes.data + at, tables.events, EVENT_WORDS, EVENT_WORDS, to + at);
    at += tables.events_size;
    way(bytes.data + at, tables.spans, SPAN_WORDS, 1, to + at);
    at += tables.spans_size;
    memcpy(to + at, bytes.data + at, bytes.size - at);
    return OK;
}

enum err columns_from_batch(struct str batch, char *to)
{
    return both(batch, turn, to);
}

enum err columns_to_batch(struct str columns, char *to)
{
    return both(columns, turn_back, to);
}
