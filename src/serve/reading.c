/*
 * Events and alerts as a person or a machine reads them.  Bytes from logs never reach a terminal as
 * they are: in tables control characters come out as \xNN, in CSV a cell that a spreadsheet would
 * take for a formula gets a leading apostrophe.  Only `raw` is the record byte for byte.
 */

#include "serve/reading.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/limits.h"
#include "codec/json_text.h"
#include "codec/time.h"
#include "codec/visible.h"
#include "event/print.h"
#include "incident/incident.h"
#include "serve/evidence.h"
#include "serve/explaining.h"
#include "serve/piping.h"
#include "serve/printed.h"
#include "serve/rejudge.h"
#include "serve/survey.h"
#include "sys/clocks.h"

#define LINE_KEPT_MAX 65536 /* of the line behind an alert */
#define STREAM_MS     100   /* and what was found leaves, however little it is */
#define GATHERED_HEAD 16    /* an alert's id and the time it was stored */

struct search {
    const struct reading *reading;
    struct arena *scratch;
    struct buf out;
    struct reading_stream stream;
    uint64_t found;
    struct source_id hidden;
};

struct str reading_source(const struct reading *reading, struct source_id source)
{
    struct str rest = reading->sources;
    while (rest.size > 0) {
        struct str line = str_cut(&rest, '\n');
        struct str id = str_cut(&line, ' ');
        uint64_t value;
        if (str_to_u64(id, UINT32_MAX, &value) == OK && value == source.value) {
            return line;
        }
    }
    return STR("?");
}

struct mono reading_until(uint64_t seconds, struct mono now)
{
    bool limited = seconds > 0 && seconds < (uint64_t)INT32_MAX;
    return (struct mono){limited ? now.ns + (int64_t)seconds * NS_PER_SECOND : 0};
}

enum err reading_time_over(const struct reading *reading)
{
    enum err err = reading->pause != NULL ? reading->pause(reading->pause_context) : OK;
    bool over = reading->until.ns != 0 && mono_now().ns > reading->until.ns;
    return err == OK && over ? ERR_AGAIN : err;
}

struct source_id reading_hidden(const struct reading *reading, struct str query)
{
    struct str rest = reading->sources;
    for (size_t i = 0; i + 7 <= query.size; i++) {
        if (str_equal(str_slice(query, i, 7), STR("hinomi."))) {
            return (struct source_id){0};
        }
    }
    while (rest.size > 0) {
        struct str line = str_cut(&rest, '\n');
        struct str id = str_cut(&line, ' ');
        uint64_t value;
        if (str_equal(line, STR(OWN_SOURCE_SLUG)) && str_to_u64(id, UINT32_MAX, &value) == OK) {
            return (struct source_id){(uint32_t)value};
        }
    }
    return (struct source_id){0};
}

enum err reading_cell(struct buf *out, struct str text)
{
    enum err err = buf_append_byte(out, '"');
    if (err == OK && printed_begins_formula(text)) {
        err = buf_append_byte(out, '\'');
    }
    for (size_t i = 0; i < text.size && err == OK; i++) {
        if (text.data[i] == '"') {
            err = buf_append_byte(out, '"');
        }
        if (err == OK) {
            err = buf_append_byte(out, text.data[i]);
        }
    }
    return err == OK ? buf_append_byte(out, '"') : err;
}

enum err reading_event_print(const struct reading *reading, struct place place,
                             const struct event *event, struct arena *scratch, struct buf *out)
{
    char time[TIME_TEXT_SIZE];
    enum err err;
    if (reading->format == FORMAT_RAW) {
        err = buf_append(out, event->record);
        return err == OK ? buf_append_byte(out, '\n') : err;
    }
    struct str source = reading_source(reading, event->batch->source);
    (void)time_print(event_time(event), time);
    switch (reading->format) {
    case FORMAT_NDJSON: {
        struct str place_json;
        err = arena_print(
            scratch, &place_json, "{\"client\":\"%.*s\",\"source\":\"%.*s\",\"sequence\":%llu}",
            STR_ARG(reading->slug), STR_ARG(source), (unsigned long long)place.sequence);
        if (err == OK) {
            err = event_print_json(event, STR("hinomi.place"), place_json, scratch, out);
        }
        break;
    }
    case FORMAT_CSV:
        err = buf_print(out, "%s,%.*s,%.*s,%llu,", time, STR_ARG(reading->slug), STR_ARG(source),
                        (unsigned long long)place.sequence);
        if (err == OK) {
            err = reading_cell(out, event->record);
        }
        break;
    default:
        err = buf_print(out, "%s  %.*s/%.*s#%llu  ", time, STR_ARG(reading->slug), STR_ARG(source),
                        (unsigned long long)place.sequence);
        if (err == OK) {
            err = visible_append(out, event->record);
        }
        break;
    }
    return err == OK ? buf_append_byte(out, '\n') : err;
}

/* ---- Answers that leave while they are made. */

static enum err stream_pause(void *context)
{
    struct reading_stream *stream = context;
    const struct reading *reading = stream->reading;
    struct mono now = mono_now();
    enum err err = reading_time_over(reading);
    if (err == OK && mono_ms_since(stream->flushed, now) >= STREAM_MS) {
        err = reading_stream_flush(stream, 0);
        stream->flushed = now;
    }
    return err;
}

void reading_stream_begin(struct reading_stream *stream, const struct reading *reading,
                          struct buf *out)
{
    *stream = (struct reading_stream){reading, out, mono_now(), WALL_NONE};
    reader_heed(reading->reader, stream_pause, stream);
}

enum err reading_stream_flush(struct reading_stream *stream, size_t least)
{
    enum err err = OK;
    if (stream->out->size > 0 && stream->out->size >= least) {
        err = stream->reading->output(stream->reading->output_context, buf_str(stream->out));
        buf_reset(stream->out);
    }
    return err;
}

enum err reading_stream_end(struct reading_stream *stream, enum err err, struct why *why)
{
    char time[TIME_TEXT_SIZE];
    reader_heed(stream->reading->reader, stream->reading->pause, stream->reading->pause_context);
    if (err != OK && err != ERR_AGAIN) {
        return err;
    }
    enum err flushed = reading_stream_flush(stream, 0);
    if (flushed != OK || err == OK) {
        return flushed;
    }
    if (!wall_known(stream->last)) {
        return why_say(why, ERR_LIMIT, 0,
                       "the time allowed was over before anything was found; not all was read");
    }
    return why_say(why, ERR_LIMIT, 0,
                   "the time allowed was over; what was received after %s is not read",
                   time_print(stream->last, time));
}

static enum err search_found(void *context, struct place place, const struct event *event)
{
    struct search *search = context;
    search->stream.last = event->received;
    if (event->batch->source.value == search->hidden.value) {
        return OK;
    }
    search->found++;
    if (search->reading->count) {
        return OK;
    }
    arena_reset(search->scratch);
    enum err err =
        reading_event_print(search->reading, place, event, search->scratch, &search->out);
    return err == OK ? reading_stream_flush(&search->stream, MESSAGE_SIZE_MAX / 2) : err;
}

static enum err search_run(struct search *search, const struct query *query, struct why *why)
{
    const struct reading *reading = search->reading;
    struct wall from = wall_known(reading->from) ? reading->from : (struct wall){INT64_MIN + 1};
    struct wall to = wall_known(reading->to) ? reading->to : (struct wall){INT64_MAX};
    enum err err = OK;
    bool all = str_trim(query_filter(query)).size == 0;
    search->hidden = reading_hidden(reading, query_filter(query));
    reader_records_only(reading->reader,
                        all && (reading->count || reading->format != FORMAT_NDJSON));
    if (reading->format == FORMAT_CSV && !reading->count) {
        err = buf_append(&search->out, STR(READING_CSV_HEAD));
    }
    reading_stream_begin(&search->stream, reading, &search->out);
    if (err == OK) {
        err = reader_search(reading->scope, reading->reader, reading->client, all ? NULL : query,
                            from, to, search_found, search, why);
    }
    reader_records_only(reading->reader, false);
    if ((err == OK || err == ERR_AGAIN) && reading->count &&
        buf_print(&search->out, "%llu\n", (unsigned long long)search->found) != OK) {
        err = ERR_MEMORY;
    }
    return reading_stream_end(&search->stream, err, why);
}

enum err reading_search(const struct reading *reading, struct str query, struct why *why)
{
    struct search search = {.reading = reading, .scratch = arena_new(READING_PRINTED_MAX)};
    struct query *parsed = NULL;
    buf_init(&search.out, READING_PRINTED_MAX);
    enum err err = search.scratch == NULL ? ERR_MEMORY : query_parse(query, &parsed, why);
    if (err == OK) {
        err = query_pipes(parsed) != NULL ? piping_search(reading, parsed, why)
                                          : search_run(&search, parsed, why);
    }
    query_free(parsed);
    arena_free(search.scratch);
    buf_done(&search.out);
    return err;
}

/* ---- Alerts. */

enum err reading_alerts_gather(const struct scope *scope, struct ledger *ledger,
                               struct client_id client, const struct control_request *request,
                               struct buf *out)
{
    struct arena *mem = arena_new((size_t)256 << 20);
    struct stored_alert *list = NULL;
    size_t count = 0;
    uint64_t limit = request->limit == 0 || request->limit > ALERTS_LISTED_MAX ? ALERTS_LISTED_MAX
                                                                               : request->limit;
    const struct alert_filter filter = {.client = client,
                                        .from = request->from,
                                        .to = request->to,
                                        .after_id = request->after,
                                        .count_max = (size_t)limit};
    enum err err =
        mem == NULL ? ERR_MEMORY : incident_list(scope, ledger, &filter, mem, &list, &count);
    for (size_t i = 0; i < count && err == OK; i++) {
        char head[GATHERED_HEAD];
        put_u64(head, list[i].id);
        put_u64(head + 8, (uint64_t)list[i].stored.ns);
        err = buf_append(out, str_of(head, sizeof head));
        if (err == OK) {
            err = alert_encode(&list[i].alert, out);
        }
    }
    arena_free(mem);
    return err;
}

struct line {
    uint64_t sequence;
    struct str text; /* no data: not found */
};

struct lines {
    struct line *list; /* ascending by sequence */
    size_t count;
    struct arena *mem;
};

static int line_compare(const void *a, const void *b)
{
    uint64_t x = ((const struct line *)a)->sequence;
    uint64_t y = ((const struct line *)b)->sequence;
    return (x > y) - (x < y);
}

static struct line *line_find(const struct lines *lines, uint64_t sequence)
{
    const struct line key = {.sequence = sequence};
    return bsearch(&key, lines->list, lines->count, sizeof key, line_compare);
}

static enum err line_found(void *context, struct place place, const struct event *event)
{
    struct lines *lines = context;
    struct line *line = line_find(lines, place.sequence);
    return line == NULL
               ? OK
               : arena_copy(lines->mem, str_slice(event->record, 0, LINE_KEPT_MAX), &line->text);
}

/* The distinct places that the alerts name, and the lines that lie there. */
static enum err lines_fetch(const struct reading *reading, struct str gathered, struct lines *lines,
                            struct why *why)
{
    uint64_t *sequences = ARENA_ARRAY(lines->mem, uint64_t, ALERTS_LISTED_MAX);
    lines->list = ARENA_ARRAY(lines->mem, struct line, ALERTS_LISTED_MAX);
    if (lines->list == NULL || sequences == NULL) {
        return ERR_MEMORY;
    }
    size_t all = 0;
    while (gathered.size > 0 && all < ALERTS_LISTED_MAX) {
        struct alert alert;
        gathered = str_slice(gathered, GATHERED_HEAD, gathered.size);
        if (alert_decode(&gathered, &alert) != OK) {
            return ERR_CORRUPT;
        }
        lines->list[all++].sequence = alert.place.sequence;
    }
    qsort(lines->list, all, sizeof lines->list[0], line_compare);
    for (size_t i = 0; i < all; i++) {
        if (lines->count == 0 ||
            lines->list[lines->count - 1].sequence != lines->list[i].sequence) {
            sequences[lines->count] = lines->list[i].sequence;
            lines->list[lines->count++] = lines->list[i];
        }
    }
    return reader_fetch(reading->scope, reading->reader, reading->client, sequences, lines->count,
                        line_found, lines, why);
}

static enum err print_tags(struct str tags, struct buf *out)
{
    enum err err = buf_append(out, STR(",\"tags\":["));
    for (bool first = true; tags.size > 0 && err == OK; first = false) {
        err = first ? OK : buf_append_byte(out, ',');
        if (err == OK) {
            err = json_print(out, str_cut(&tags, ' '));
        }
    }
    return err == OK ? buf_append_byte(out, ']') : err;
}

static enum err print_alert_json(const struct reading *reading, uint64_t id, struct wall stored,
                                 const struct alert *alert, struct str line, struct buf *out)
{
    char moment[TIME_TEXT_SIZE];
    char received[TIME_TEXT_SIZE];
    char raised[TIME_TEXT_SIZE];
    struct str source = reading_source(reading, alert->source);
    const struct {
        const char *before;
        struct str value;
    } parts[] = {
        {",\"rule\":{\"id\":", alert->rule_id}, {",\"title\":", alert->rule_title},
        {",\"author\":", alert->rule_author},   {",\"link\":", alert->rule_link},
        {",\"version\":", alert->rule_version},
    };
    struct wall happened = wall_known(alert->happened) ? alert->happened : alert->received;
    enum err err = buf_print(
        out,
        "{\"id\":%llu,\"@timestamp\":\"%s\",\"received\":\"%s\",\"raised\":\"%s\","
        "\"level\":\"%s\"",
        (unsigned long long)id, time_print(happened, moment), time_print(alert->received, received),
        time_print(stored, raised), level_text(alert->level));
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && err == OK; i++) {
        err = buf_append(out, str_from(parts[i].before));
        if (err == OK) {
            err = json_print(out, parts[i].value);
        }
    }
    if (err == OK) {
        err = print_tags(alert->rule_tags, out);
    }
    if (err == OK && alert->kind == ALERT_CORRELATION) {
        err = buf_print(out, "},\"kind\":\"correlation\",\"group\":%.*s,\"count\":%llu",
                        STR_ARG(alert->group.size > 0 ? alert->group : STR("{}")),
                        (unsigned long long)alert->count);
    } else if (err == OK) {
        err = buf_append(out, STR("},\"kind\":\"rule\""));
    }
    if (err == OK) {
        err = buf_print(
            out, ",\"place\":{\"client\":\"%.*s\",\"source\":\"%.*s\",\"sequence\":%llu}",
            STR_ARG(reading->slug), STR_ARG(source), (unsigned long long)alert->place.sequence);
    }
    if (err == OK) {
        err = buf_append(out, STR(",\"event\":{\"original\":"));
    }
    if (err == OK) {
        err = line.data == NULL ? buf_append(out, STR("null")) : json_print(out, line);
    }
    return err == OK ? buf_append(out, STR("}}\n")) : err;
}

static enum err print_alert(const struct reading *reading, uint64_t id, struct wall stored,
                            const struct alert *alert, struct str line, struct buf *out)
{
    char received[TIME_TEXT_SIZE];
    struct str source = reading_source(reading, alert->source);
    if (reading->format == FORMAT_NDJSON) {
        return print_alert_json(reading, id, stored, alert, line, out);
    }
    (void)time_print(alert->received, received);
    if (reading->format == FORMAT_CSV) {
        enum err err = buf_print(out, "%llu,%s,%s,%.*s,%.*s,%llu,", (unsigned long long)id,
                                 received, level_text(alert->level), STR_ARG(reading->slug),
                                 STR_ARG(source), (unsigned long long)alert->place.sequence);
        const struct str cells[] = {alert->rule_id, alert->rule_title, alert->rule_author, line};
        for (size_t i = 0; i < 4 && err == OK; i++) {
            err = i > 0 ? buf_append_byte(out, ',') : OK;
            if (err == OK) {
                err = reading_cell(out, cells[i]);
            }
        }
        return err == OK ? buf_append_byte(out, '\n') : err;
    }
    enum err err = buf_print(out, "%6llu  %s  %-13s  %.*s/%.*s#%llu  ", (unsigned long long)id,
                             received, level_text(alert->level), STR_ARG(reading->slug),
                             STR_ARG(source), (unsigned long long)alert->place.sequence);
    if (err == OK) {
        err = visible_append(out, alert->rule_title);
    }
    if (err == OK && alert->kind == ALERT_CORRELATION) {
        err = buf_print(out, ", %llu events of ", (unsigned long long)alert->count);
        err = err == OK ? visible_append(out, alert->group) : err;
    }
    if (err == OK && alert->rule_author.size > 0) {
        err = buf_append(out, STR(", by "));
        if (err == OK) {
            err = visible_append(out, alert->rule_author);
        }
    }
    if (err == OK) {
        err = buf_append(out, STR("\n    "));
    }
    if (err == OK) {
        err = visible_append(out, line.data == NULL ? STR("(the line cannot be read)") : line);
    }
    return err == OK ? buf_append_byte(out, '\n') : err;
}

static enum err print_alerts(const struct reading *reading, struct str gathered,
                             const struct lines *lines, struct buf *out)
{
    enum err err = OK;
    uint64_t id = 0;
    size_t count = 0;
    for (; gathered.size >= GATHERED_HEAD && err == OK; count++) {
        struct alert alert;
        id = get_u64(gathered.data);
        struct wall stored = {(int64_t)get_u64(gathered.data + 8)};
        gathered = str_slice(gathered, GATHERED_HEAD, gathered.size);
        if (alert_decode(&gathered, &alert) != OK) {
            return ERR_CORRUPT;
        }
        const struct line *line = line_find(lines, alert.place.sequence);
        err = print_alert(reading, id, stored, &alert, line == NULL ? (struct str){0} : line->text,
                          out);
        if (err == OK && out->size >= MESSAGE_SIZE_MAX / 2) {
            err = reading->output(reading->output_context, buf_str(out));
            buf_reset(out);
        }
    }
    if (err == OK && count == ALERTS_LISTED_MAX && reading->format == FORMAT_TABLE) {
        err =
            buf_print(out, "%zu alerts are listed; see the next with --tenant %.*s --after %llu\n",
                      count, STR_ARG(reading->slug), (unsigned long long)id);
    }
    return err;
}

enum err reading_alerts(const struct reading *reading, struct str gathered, struct why *why)
{
    struct lines lines = {.mem = arena_new((size_t)ALERTS_LISTED_MAX * LINE_KEPT_MAX * 2)};
    struct buf out;
    buf_init(&out, READING_PRINTED_MAX);
    enum err err = lines.mem == NULL ? ERR_MEMORY : lines_fetch(reading, gathered, &lines, why);
    if (err == OK && reading->format == FORMAT_CSV) {
        err = buf_append(&out, STR("id,time,level,client,source,sequence,rule,title,author,"
                                   "original\n"));
    }
    if (err == OK) {
        err = print_alerts(reading, gathered, &lines, &out);
    }
    if (err == OK && out.size > 0) {
        err = reading->output(reading->output_context, buf_str(&out));
    }
    arena_free(lines.mem);
    buf_done(&out);
    return err;
}

enum err reading_answer(const struct reading *reading, unsigned command, struct str text,
                        struct why *why)
{
    switch (command) {
    case CONTROL_ALERTS:
        return reading_alerts(reading, text, why);
    case CONTROL_SCAN:
        return rejudge_scan(reading, text, reading->count, why);
    case CONTROL_RULES_TRY:
        return rejudge_compare(reading, text, why);
    case CONTROL_EXPLAIN:
        return explaining_answer(reading, text, why);
    case READING_SURVEY:
        return survey_answer(reading, text, why);
    case READING_TABLE:
        return survey_table(reading, text, why);
    case READING_EVIDENCE:
        return evidence_answer(reading, text, why);
    default:
        return reading_search(reading, text, why);
    }
}
