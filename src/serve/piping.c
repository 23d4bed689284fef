/*
 * A search with pipes: the reader finds events, the funnel makes rows of them, a listing prints
 * these.
 *
 * Rows leave as soon as the funnel gives them, so that a search that only chooses fields streams.
 * What was not read because the time was over, and what found no place in the funnel, is an error
 * at the end, after all that is known has been printed: an answer that is not whole never ends as
 * if it were.
 *
 * Always true: the funnel's rows arrive in the order in which they are printed.
 */

#include "serve/piping.h"

#include "base/limits.h"
#include "serve/listing.h"

struct piping {
    const struct reading *reading;
    struct funnel *funnel;
    struct listing listing;
    struct arena *scratch;
    struct buf out, event;
    struct reading_stream stream;
    struct source_id hidden;
    bool tabular, full;
    uint64_t rows;
};

static enum err row_print(void *context, const struct table_row *row)
{
    struct piping *piping = context;
    piping->rows++;
    if (piping->reading->count) {
        return OK;
    }
    enum err err = piping->tabular ? listing_row(&piping->listing, row->cells)
                                   : buf_append(&piping->out, row->event);
    return err == OK ? reading_stream_flush(&piping->stream, MESSAGE_SIZE_MAX / 2) : err;
}

static enum err event_found(void *context, struct place place, const struct event *event)
{
    struct piping *piping = context;
    const struct reading *reading = piping->reading;
    if (event->batch->source.value == piping->hidden.value) {
        return OK;
    }
    enum err err = OK;
    piping->stream.last = event->received;
    buf_reset(&piping->event);
    if (!piping->tabular && !reading->count) {
        arena_reset(piping->scratch);
        err = reading_event_print(reading, place, event, piping->scratch, &piping->event);
    }
    if (err == OK) {
        err = funnel_event(piping->funnel, event, place.sequence,
                           reading_source(reading, event->batch->source), buf_str(&piping->event),
                           &piping->full);
    }
    return err == OK && piping->full ? ERR_EXISTS : err; /* No more is wanted. */
}

enum err piping_left(const struct funnel *funnel, struct why *why)
{
    struct funnel_left left;
    funnel_left(funnel, &left);
    if (left.events > 0) {
        return why_say(why, ERR_LIMIT, 0,
                       "%llu events are not counted: there are more different values than a search "
                       "keeps (%d MiB); ask for a shorter time, or fewer fields",
                       (unsigned long long)left.events, TABLE_SIZE_MAX >> 20);
    }
    if (left.rows > 0) {
        return why_say(
            why, ERR_LIMIT, 0,
            "%llu rows are left out: a search keeps %d of them, or %d MiB; 'head' asks for "
            "fewer",
            (unsigned long long)left.rows, TABLE_ROWS_MAX, TABLE_SIZE_MAX >> 20);
    }
    return OK;
}

static enum err piping_run(struct piping *piping, const struct query *query, struct why *why)
{
    const struct reading *reading = piping->reading;
    struct wall from = wall_known(reading->from) ? reading->from : (struct wall){INT64_MIN + 1};
    struct wall to = wall_known(reading->to) ? reading->to : (struct wall){INT64_MAX};
    reading_stream_begin(&piping->stream, reading, &piping->out);
    enum err found = reader_search(reading->scope, reading->reader, reading->client, query, from,
                                   to, event_found, piping, why);
    found = found == ERR_EXISTS && piping->full ? OK : found;
    enum err err = found == ERR_AGAIN ? OK : found;
    err = err == OK ? funnel_end(piping->funnel) : err;
    if (err == OK && reading->count) {
        err = buf_print(&piping->out, "%llu\n", (unsigned long long)piping->rows);
    } else if (err == OK && piping->tabular) {
        err = listing_end(&piping->listing);
    }
    err = reading_stream_end(&piping->stream, err == OK ? found : err, why);
    return err == OK ? piping_left(piping->funnel, why) : err;
}

enum err piping_search(const struct reading *reading, const struct query *query, struct why *why)
{
    const struct table_column *columns;
    size_t count = pipes_columns(query_pipes(query), &columns);
    struct piping piping = {.reading = reading,
                            .tabular = count > 0,
                            .hidden = reading_hidden(reading, query_filter(query)),
                            .scratch = arena_new(READING_PRINTED_MAX)};
    const struct funnel_use use = {
        .from = reading->from, .to = reading->to, .call = row_print, .context = &piping};
    if (count > 0 && reading->format == FORMAT_RAW && !reading->count) {
        arena_free(piping.scratch);
        return why_say(why, ERR_SYNTAX, 0,
                       "raw prints records as they were received, but this search makes columns of "
                       "them; ask for funnel, ndjson or csv");
    }
    buf_init(&piping.out, READING_PRINTED_MAX);
    buf_init(&piping.event, READING_PRINTED_MAX);
    enum err err = listing_init(&piping.listing, reading->format, columns, count, &piping.out);
    err = err == OK && piping.scratch == NULL ? ERR_MEMORY : err;
    if (err == OK && count == 0 && reading->format == FORMAT_CSV && !reading->count) {
        err = buf_append(&piping.out, STR(READING_CSV_HEAD));
    }
    err = err == OK ? funnel_new(query, &use, &piping.funnel) : err;
    err = err == OK ? piping_run(&piping, query, why) : err;
    funnel_free(piping.funnel);
    listing_done(&piping.listing);
    arena_free(piping.scratch);
    buf_done(&piping.out);
    buf_done(&piping.event);
    return err;
}
