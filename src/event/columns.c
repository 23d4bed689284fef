/*
 * From columns to rows.
 *
 * Always true: it writes exactly as many bytes as it reads, whatever the tables hold; only the
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

/* Columns of `words` words each; the first `relative` of them as differences.  Row by row, so that
 * each row is looked at once; the counts of words are constants where it is called. */
static inline void turn_back(const char *columns, size_t count, size_t words, size_t relative,
                             char *rows)
{
    static const char before_all[BATCH_EVENT_SIZE];
    const char *before = before_all;
    for (size_t i = 0; i < count; i++) {
        char *row = rows + i * words * 4;
        for (size_t word = 0; word < words; word++) {
            uint32_t value = get_u32(columns + (word * count + i) * 4);
            uint32_t last = word < relative ? get_u32(before + word * 4) : 0;
            put_u32(row + word * 4, value + last);
        }
        before = row;
    }
}

/* What is no table stays as it is. */
static size_t rest_copy(struct str bytes, const struct tables *tables, char *to)
{
    const size_t at = BATCH_HEADER_SIZE + tables->events_size + tables->spans_size;
    memcpy(to, bytes.data, BATCH_HEADER_SIZE);
    memcpy(to + at, bytes.data + at, bytes.size - at);
    return BATCH_HEADER_SIZE + tables->events_size;
}

enum err columns_to_batch(struct str columns, char *to)
{
    struct tables tables;
    enum err err = tables_of(columns, &tables);
    if (err == OK) {
        const size_t head = BATCH_HEADER_SIZE;
        const size_t spans = rest_copy(columns, &tables, to);
        turn_back(columns.data + head, tables.events, EVENT_WORDS, EVENT_WORDS, to + head);
        turn_back(columns.data + spans, tables.spans, SPAN_WORDS, 1, to + spans);
    }
    return err;
}
