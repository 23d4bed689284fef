/*
 * A survey goes through the span once, the newest frames first, and remembers counts and places,
 * nothing else; then it fetches the events of the places that are shown.  So a million events that
 * fit cost no more memory than one, only what is shown is printed, and when the time is over it is
 * the oldest that were not looked at.
 *
 * Always true: the newest events are those with the highest places; of events that do not fit into
 * an answer the oldest are left out, and it is said that there are more.
 */

#include "serve/survey.h"

#include <stdlib.h>

#include "base/limits.h"
#include "codec/json_out.h"
#include "serve/histogram.h"
#include "serve/printed.h"
#include "serve/survey_pipes.h"

struct survey {
    const struct reading *reading;
    struct histogram histogram;
    bool complete;
    uint64_t *places; /* of the newest `limit`, a heap with the oldest of them first */
    size_t places_count, limit;
    uint64_t fitting; /* events before `before` that fit */

    struct arena *scratch;
    struct buf *shown; /* printed, oldest first; of each that was left out nothing is kept */
    size_t shown_first, shown_count, shown_size, shown_size_max;
    struct source_id hidden;
    struct wall oldest; /* of the events that fit */
    bool table;
};

static void survey_done(struct survey *survey)
{
    for (size_t i = 0; i < survey->shown_count; i++) {
        buf_done(&survey->shown[i]);
    }
    free(survey->shown);
    free(survey->places);
    arena_free(survey->scratch);
}

static enum err survey_init(struct survey *survey, const struct reading *reading, bool table)
{
    size_t limit = reading->limit > 0 && reading->limit < CSV_EVENTS_MAX ? (size_t)reading->limit
                                                                         : CSV_EVENTS_MAX;
    *survey = (struct survey){
        .reading = reading,
        .complete = true,
        .oldest = WALL_NONE,
        .limit = limit,
        .places = calloc(limit, sizeof *survey->places),
        .shown = calloc(limit, sizeof *survey->shown),
        .scratch = arena_new((size_t)64 << 20),
        .shown_size_max = table ? CSV_SIZE_MAX : SHOWN_ANSWER_MAX,
        .table = table,
    };
    histogram_init(&survey->histogram, reading->from, reading->to);
    if (survey->places == NULL || survey->shown == NULL || survey->scratch == NULL) {
        survey_done(survey);
        return ERR_MEMORY;
    }
    return OK;
}

/* ---- Once through the span. */

static enum err time_over(void *context)
{
    const struct reading *reading = context;
    return reading_time_over(reading);
}

static void places_swap(uint64_t *a, uint64_t *b)
{
    uint64_t value = *a;
    *a = *b;
    *b = value;
}

/* Moves the first place down to where it belongs. */
static void places_sink(uint64_t *places, size_t count)
{
    size_t at = 0;
    for (size_t child = 1; child < count; child = 2 * at + 1) {
        child += child + 1 < count && places[child + 1] < places[child];
        if (places[at] <= places[child]) {
            return;
        }
        places_swap(&places[at], &places[child]);
        at = child;
    }
}

static void place_keep(struct survey *survey, uint64_t place)
{
    uint64_t *places = survey->places;
    if (survey->places_count == survey->limit) {
        if (place > places[0]) {
            places[0] = place;
            places_sink(places, survey->places_count);
        }
        return;
    }
    size_t at = survey->places_count++;
    places[at] = place;
    while (at > 0 && places[(at - 1) / 2] > places[at]) {
        places_swap(&places[(at - 1) / 2], &places[at]);
        at = (at - 1) / 2;
    }
}

static enum err event_seen(void *context, struct place place, const struct event *event)
{
    struct survey *survey = context;
    if (event->batch->source.value == survey->hidden.value) {
        return OK;
    }
    if (!wall_known(survey->oldest) || event->received.ns < survey->oldest.ns) {
        survey->oldest = event->received;
    }
    histogram_count(&survey->histogram, event->received);
    if (survey->reading->before == 0 || place.sequence < survey->reading->before) {
        survey->fitting++;
        place_keep(survey, place.sequence);
    }
    return OK;
}

static enum err span_survey(struct survey *survey, const struct query *query, struct why *why)
{
    struct reading reading = *survey->reading;
    survey->hidden = reading_hidden(&reading, query_filter(query));
    reader_heed(reading.reader, time_over, &reading);
    enum err err = reader_search_arrival(reading.scope, reading.reader, reading.client, query,
                                         reading.from, reading.to, event_seen, survey, why);
    reader_heed(reading.reader, reading.pause, reading.pause_context);
    if (err == ERR_AGAIN) {
        survey->complete = false;
        return OK;
    }
    return err;
}

/* ---- The events that are shown. */

static void oldest_drop(struct survey *survey)
{
    struct buf *oldest = &survey->shown[survey->shown_first++];
    survey->shown_size -= oldest->size;
    buf_done(oldest);
}

static enum err event_shown(void *context, struct place place, const struct event *event)
{
    struct survey *survey = context;
    struct str source = reading_source(survey->reading, event->batch->source);
    if (survey->shown_count == survey->limit) {
        return OK; /* a place that is there twice */
    }
    struct buf *out = &survey->shown[survey->shown_count++];
    enum err err;
    arena_reset(survey->scratch);
    buf_init(out, SHOWN_ANSWER_MAX);
    if (survey->table) {
        err = printed_row(place, source, event, survey->scratch, out);
    } else {
        struct json_out json;
        json_out_begin(&json, out);
        printed_event(&json, place, source, event, survey->scratch);
        err = json_out_end(&json);
    }
    survey->shown_size += out->size;
    while (survey->shown_size > survey->shown_size_max) {
        oldest_drop(survey);
    }
    return err;
}

static int place_compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static enum err newest_show(struct survey *survey, struct why *why)
{
    const struct reading *reading = survey->reading;
    qsort(survey->places, survey->places_count, sizeof *survey->places, place_compare);
    return reader_fetch(reading->scope, reading->reader, reading->client, survey->places,
                        survey->places_count, event_shown, survey, why);
}

/* ---- Answers. */

static void found_print(const struct survey *survey, struct json_out *out)
{
    const struct histogram *histogram = &survey->histogram;
    size_t shown = survey->shown_count - survey->shown_first;
    json_object(out, NULL);
    json_list(out, "events");
    for (size_t i = survey->shown_count; i > survey->shown_first; i--) {
        json_raw(out, NULL, buf_str(&survey->shown[i - 1]));
    }
    json_close(out);
    json_yes_no(out, "more", survey->fitting > shown);
    survey_counts_print(out, histogram, survey->reading->to, survey->complete);
    json_list(out, "unread");
    if (!survey->complete) {
        survey_unread_print(out, survey->oldest, survey->reading->to);
    }
    json_close(out);
    json_close(out);
}

void survey_counts_print(struct json_out *out, const struct histogram *histogram, struct wall to,
                         bool complete)
{
    json_unsigned(out, "total", histogram->total);
    json_time(out, "from", histogram->start);
    json_time(out, "to", to);
    json_number(out, "step_seconds", histogram->step_ns / NS_PER_SECOND);
    json_list(out, "counts");
    for (uint32_t i = 0; i < histogram->steps; i++) {
        json_unsigned(out, NULL, histogram->counts[i]);
    }
    json_close(out);
    json_yes_no(out, "complete", complete);
}

void survey_unread_print(struct json_out *out, struct wall oldest, struct wall to)
{
    json_object(out, NULL);
    json_text(out, "reason", STR("time"));
    json_time(out, "before", wall_known(oldest) ? oldest : to);
    json_close(out);
}

static enum err events_answer(const struct reading *reading, const struct query *query,
                              struct why *why)
{
    struct survey survey;
    struct json_out out;
    struct buf text;
    enum err err = survey_init(&survey, reading, false);
    if (err != OK) {
        return err;
    }
    buf_init(&text, (size_t)2 * SHOWN_ANSWER_MAX);
    err = span_survey(&survey, query, why);
    err = err == OK ? newest_show(&survey, why) : err;
    if (err == OK) {
        json_out_begin(&out, &text);
        found_print(&survey, &out);
        err = json_out_end(&out);
    }
    err = err == OK ? reading->output(reading->output_context, buf_str(&text)) : err;
    buf_done(&text);
    survey_done(&survey);
    return err;
}

static enum err events_table(const struct reading *reading, const struct query *query,
                             struct why *why)
{
    struct survey survey;
    struct buf text;
    enum err err = survey_init(&survey, reading, true);
    if (err != OK) {
        return err;
    }
    buf_init(&text, (size_t)2 * CSV_SIZE_MAX);
    err = span_survey(&survey, query, why);
    err = err == OK ? newest_show(&survey, why) : err;
    if (err == OK && (!survey.complete || survey.shown_first > 0)) {
        err = why_say(why, ERR_LIMIT, 0, "this is too much for one table");
    }
    err = err == OK ? printed_head(&text) : err;
    for (size_t i = survey.shown_count; i > survey.shown_first && err == OK; i--) {
        err = buf_append(&text, buf_str(&survey.shown[i - 1]));
    }
    err = err == OK ? reading->output(reading->output_context, buf_str(&text)) : err;
    buf_done(&text);
    survey_done(&survey);
    return err;
}

/* ---- With pipes or without. */

enum err survey_answer(const struct reading *reading, struct str text, struct why *why)
{
    struct query *query = NULL;
    enum err err = query_parse(text, &query, why);
    if (err == OK) {
        err = query_pipes(query) != NULL ? survey_pipes_answer(reading, query, why)
                                         : events_answer(reading, query, why);
    }
    query_free(query);
    return err;
}

enum err survey_table(const struct reading *reading, struct str text, struct why *why)
{
    struct query *query = NULL;
    enum err err = query_parse(text, &query, why);
    if (err == OK) {
        err = query_pipes(query) != NULL ? survey_pipes_table(reading, query, why)
                                         : events_table(reading, query, why);
    }
    query_free(query);
    return err;
}
