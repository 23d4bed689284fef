/*
 * Pipes for the portal: once through the span, the newest frames first, as a survey goes; what the
 * pipes make of it is printed row by row as it comes, up to the page's limit.
 *
 * An answer that is not whole says so in `unread`: the time was over (then what came before the
 * oldest event seen is not read), or there were more different values, or rows, than are kept.
 *
 * Always true: the counts over time are of all events that fit, whatever the pipes make of them.
 */

#include "serve/survey_pipes.h"

#include "base/limits.h"
#include "codec/json_out.h"
#include "serve/histogram.h"
#include "serve/listing.h"
#include "serve/piping.h"
#include "serve/printed.h"
#include "serve/survey.h"

struct piped {
    const struct reading *reading;
    struct funnel *funnel;
    struct histogram histogram;
    const struct table_column *columns;
    size_t columns_count;
    struct listing listing; /* of CSV */
    struct json_out json;   /* else the list of rows or events */
    struct buf out, event;
    struct arena *scratch;
    struct source_id hidden;
    struct wall oldest;
    uint64_t rows, rows_max;
    bool csv, full, over, more;
};

static enum err event_print(struct piped *piped, struct place place, const struct event *event)
{
    struct str source = reading_source(piped->reading, event->batch->source);
    arena_reset(piped->scratch);
    if (piped->csv) {
        return printed_row(place, source, event, piped->scratch, &piped->event);
    }
    struct json_out json;
    json_out_begin(&json, &piped->event);
    printed_event(&json, place, source, event, piped->scratch);
    return json_out_end(&json);
}

static enum err event_seen(void *context, struct place place, const struct event *event)
{
    struct piped *piped = context;
    if (event->batch->source.value == piped->hidden.value) {
        return OK;
    }
    enum err err = OK;
    histogram_count(&piped->histogram, event->received);
    if (!wall_known(piped->oldest) || event->received.ns < piped->oldest.ns) {
        piped->oldest = event->received;
    }
    if (piped->full) {
        return OK;
    }
    buf_reset(&piped->event);
    if (piped->columns_count == 0) {
        err = event_print(piped, place, event);
    }
    return err == OK ? funnel_event(piped->funnel, event, place.sequence,
                                    reading_source(piped->reading, event->batch->source),
                                    buf_str(&piped->event), &piped->full)
                     : err;
}

static void cell_print(struct piped *piped, size_t column, const struct table_cell *cell)
{
    struct json_out *json = &piped->json;
    if (cell->count == 0) {
        json_null(json, NULL);
    } else if (piped->columns[column].number && cell->count == 1) {
        json_raw(json, NULL, cell->values[0]);
    } else if (cell->count == 1) {
        json_text(json, NULL, cell->values[0]);
    } else {
        json_list(json, NULL);
        for (size_t i = 0; i < cell->count; i++) {
            json_text(json, NULL, cell->values[i]);
        }
        json_close(json);
    }
}

static enum err row_print(void *context, const struct table_row *row)
{
    struct piped *piped = context;
    size_t size_max = piped->csv ? CSV_SIZE_MAX : SHOWN_ANSWER_MAX;
    if (piped->rows == piped->rows_max || piped->out.size + row->event.size > size_max) {
        piped->more = true;
        return OK;
    }
    piped->rows++;
    if (piped->csv) {
        return piped->columns_count > 0 ? listing_row(&piped->listing, row->cells)
                                        : buf_append(&piped->out, row->event);
    }
    if (piped->columns_count == 0) {
        json_raw(&piped->json, NULL, row->event);
        return OK;
    }
    json_list(&piped->json, NULL);
    for (size_t i = 0; i < piped->columns_count; i++) {
        cell_print(piped, i, &row->cells[i]);
    }
    json_close(&piped->json);
    return OK;
}

static enum err time_over(void *context)
{
    const struct reading *reading = context;
    return reading_time_over(reading);
}

static enum err span_pipe(struct piped *piped, const struct query *query, struct why *why)
{
    struct reading reading = *piped->reading;
    reader_heed(reading.reader, time_over, &reading);
    enum err err = reader_search_arrival(reading.scope, reading.reader, reading.client, query,
                                         reading.from, reading.to, event_seen, piped, why);
    reader_heed(reading.reader, reading.pause, reading.pause_context);
    piped->over = err == ERR_AGAIN;
    err = piped->over ? OK : err;
    return err == OK ? funnel_end(piped->funnel) : err;
}

static void piped_done(struct piped *piped)
{
    funnel_free(piped->funnel);
    listing_done(&piped->listing);
    arena_free(piped->scratch);
    buf_done(&piped->out);
    buf_done(&piped->event);
}

static enum err piped_init(struct piped *piped, const struct reading *reading,
                           const struct query *query, bool csv)
{
    *piped = (struct piped){
        .reading = reading,
        .csv = csv,
        .oldest = WALL_NONE,
        .hidden = reading_hidden(reading, query_filter(query)),
        .scratch = arena_new((size_t)64 << 20),
        .rows_max =
            reading->limit > 0 && reading->limit < CSV_EVENTS_MAX ? reading->limit : CSV_EVENTS_MAX,
    };
    const struct funnel_use use = {.newest_first = true,
                                   .by_arrival = true,
                                   .from = reading->from,
                                   .to = reading->to,
                                   .rows_max = (size_t)piped->rows_max,
                                   .call = row_print,
                                   .context = piped};
    buf_init(&piped->out, (size_t)2 * CSV_SIZE_MAX + 2 * SHOWN_ANSWER_MAX);
    buf_init(&piped->event, SHOWN_ANSWER_MAX);
    piped->columns_count = pipes_columns(query_pipes(query), &piped->columns);
    histogram_init(&piped->histogram, reading->from, reading->to);
    enum err err = listing_init(&piped->listing, FORMAT_CSV, piped->columns, piped->columns_count,
                                &piped->out);
    piped->listing.line_end = STR("\r\n");
    err = err == OK && piped->scratch == NULL ? ERR_MEMORY : err;
    err = err == OK ? funnel_new(query, &use, &piped->funnel) : err;
    if (err != OK) {
        piped_done(piped);
    }
    return err;
}

/* ---- Answers. */

static void unread_print(const struct piped *piped, struct json_out *json)
{
    struct funnel_left left;
    funnel_left(piped->funnel, &left);
    json_list(json, "unread");
    if (piped->over) {
        survey_unread_print(json, piped->oldest, piped->reading->to);
    }
    if (left.events > 0) {
        json_object(json, NULL);
        json_text(json, "reason", STR("values"));
        json_unsigned(json, "events", left.events);
        json_close(json);
    }
    if (left.rows > 0) {
        json_object(json, NULL);
        json_text(json, "reason", STR("rows"));
        json_unsigned(json, "rows", left.rows);
        json_close(json);
    }
    json_close(json);
}

/* The object is printed around the rows: these come while the span is read. */
static enum err found_print(struct piped *piped, const struct query *query, struct why *why)
{
    struct json_out *json = &piped->json;
    bool tabular = piped->columns_count > 0;
    json_out_begin(json, &piped->out);
    json_object(json, NULL);
    json_list(json, "events");
    if (tabular) {
        json_close(json);
        json_object(json, "table");
        json_list(json, "columns");
        for (size_t i = 0; i < piped->columns_count; i++) {
            json_text(json, NULL, piped->columns[i].name);
        }
        json_close(json);
        json_list(json, "rows");
    }
    enum err err = span_pipe(piped, query, why);
    json_close(json);
    if (tabular) {
        json_yes_no(json, "more", piped->more);
        json_close(json);
    }
    if (pipes_are_timeline(query_pipes(query))) {
        json_object(json, "timeline");
        json_number(json, "step_seconds", funnel_step(piped->funnel) / NS_PER_SECOND);
        json_close(json);
    }
    json_yes_no(json, "more", !tabular && piped->more);
    survey_counts_print(json, &piped->histogram, piped->reading->to, !piped->over);
    unread_print(piped, json);
    json_close(json);
    return err == OK ? json_out_end(json) : err;
}

enum err survey_pipes_answer(const struct reading *reading, const struct query *query,
                             struct why *why)
{
    struct piped piped;
    enum err err = piped_init(&piped, reading, query, false);
    if (err != OK) {
        return err;
    }
    err = found_print(&piped, query, why);
    err = err == OK ? reading->output(reading->output_context, buf_str(&piped.out)) : err;
    piped_done(&piped);
    return err;
}

enum err survey_pipes_table(const struct reading *reading, const struct query *query,
                            struct why *why)
{
    struct piped piped;
    enum err err = piped_init(&piped, reading, query, true);
    if (err != OK) {
        return err;
    }
    err = piped.columns_count > 0 ? buf_append(&piped.out, STR("\xef\xbb\xbf"))
                                  : printed_head(&piped.out);
    err = err == OK ? span_pipe(&piped, query, why) : err;
    err = err == OK && piped.columns_count > 0 ? listing_end(&piped.listing) : err;
    if (err == OK && (piped.over || piped.more)) {
        err = why_say(why, ERR_LIMIT, 0, "this is too much for one table");
    }
    err = err == OK ? piping_left(piped.funnel, why) : err;
    err = err == OK ? reading->output(reading->output_context, buf_str(&piped.out)) : err;
    piped_done(&piped);
    return err;
}
