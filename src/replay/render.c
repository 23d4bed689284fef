/*
 * Alerts as lines.  ndjson is the documented shape; csv (RFC 4180) holds the same for spreadsheets,
 * without the event.  Each names the rule's author, as the licences of rules ask.
 *
 * The event is the record itself where that is JSON, in one line; otherwise an object of the fields
 * that the parser found, by their dotted names, a list where one occurs more than once, and the
 * record as event.original.
 */

#include "replay/private.h"

#include <string.h>

#include "codec/json_text.h"
#include "codec/time.h"

static enum err field_print(struct buf *out, const char *name, struct str value)
{
    enum err err = buf_print(out, "\"%s\":", name);
    return err == OK ? json_print(out, value) : err;
}

/* Everything stops at the first error, so a step may be asked for after it. */
static void step(enum err *err, enum err (*append)(struct buf *, struct str), struct buf *out,
                 struct str text)
{
    if (*err == OK) {
        *err = append(out, text);
    }
}

static void text(enum err *err, struct buf *out, const char *bytes)
{
    step(err, buf_append, out, str_from(bytes));
}

static void quoted(enum err *err, struct buf *out, struct str value)
{
    step(err, json_print, out, value);
}

static struct str host_of(const struct event *event, struct arena *scratch)
{
    static const char *const names[] = {"host.name", "host.hostname", "Computer",
                                        "Hostname",  "hostname",      "host"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct span span;
        struct str value;
        if (event_find(event, str_from(names[i]), &span) == OK &&
            event_value(&span, scratch, &value) == OK && value.size > 0) {
            return value;
        }
    }
    return (struct str){0};
}

static void tags_print(enum err *err, struct buf *out, struct str tags)
{
    text(err, out, "[");
    for (bool first = true; tags.size > 0; first = false) {
        text(err, out, first ? "" : ",");
        quoted(err, out, str_cut(&tags, ' '));
    }
    text(err, out, "]");
}

/* A JSON record without the blanks between its tokens. */
static void record_print(enum err *err, struct buf *out, struct str record)
{
    bool in_text = false;
    size_t run = 0;
    for (size_t i = 0; i < record.size; i++) {
        char c = record.data[i];
        if (in_text) {
            i += c == '\\';
            in_text = c != '"';
        } else if (c == '"') {
            in_text = true;
        } else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            step(err, buf_append, out, str_slice(record, run, i - run));
            run = i + 1;
        }
    }
    step(err, buf_append, out, str_slice(record, run, record.size));
}

static void value_print(enum err *err, struct buf *out, const struct span *span,
                        struct arena *scratch)
{
    struct str value;
    if (span->how == SPAN_JSON_NULL) {
        text(err, out, "null");
    } else if (span->how == SPAN_JSON_SCALAR) {
        step(err, buf_append, out, span->bytes);
    } else {
        enum err read = event_value(span, scratch, &value);
        quoted(err, out, read == OK ? value : span->bytes);
    }
}

/* Whether an earlier span of the event has the same name. */
static bool seen_before(const struct event *event, uint32_t index, uint16_t name)
{
    for (uint32_t i = 0; i < index; i++) {
        struct span span;
        event_span(event, i, &span);
        if (span.name_index == name) {
            return true;
        }
    }
    return false;
}

static void values_print(enum err *err, struct buf *out, const struct event *event, uint32_t index,
                         struct arena *scratch)
{
    struct span first;
    event_span(event, index, &first);
    size_t list = out->size;
    bool several = false;
    text(err, out, "[");
    for (uint32_t i = index; i < event->spans; i++) {
        struct span span;
        event_span(event, i, &span);
        if (span.name_index == first.name_index) {
            text(err, out, i == index ? "" : ",");
            several = several || i > index;
            value_print(err, out, &span, scratch);
        }
    }
    if (several) {
        text(err, out, "]");
    } else if (*err == OK) {
        memmove(out->data + list, out->data + list + 1, out->size - list - 1);
        out->size--;
    }
}

static void event_print(enum err *err, struct buf *out, const struct event *event,
                        struct arena *scratch)
{
    if (str_equal(event->parser, STR("json")) && event->error.size == 0) {
        record_print(err, out, event->record);
        return;
    }
    text(err, out, "{");
    for (uint32_t i = 0; i < event->spans; i++) {
        struct span span;
        event_span(event, i, &span);
        if (!seen_before(event, i, span.name_index)) {
            quoted(err, out, span.name);
            text(err, out, ":");
            values_print(err, out, event, i, scratch);
            text(err, out, ",");
        }
    }
    text(err, out, "\"event.original\":");
    quoted(err, out, event->record);
    text(err, out, "}");
}

enum err render_event(const struct event *event, struct arena *scratch, struct buf *out,
                      struct shown *ret)
{
    enum err err = OK;
    event_print(&err, out, event, scratch);
    if (err == OK) {
        *ret = (struct shown){event->happened, host_of(event, scratch), buf_str(out)};
    }
    return err;
}

static void member_print(enum err *err, struct buf *out, struct str value)
{
    if (value.size > 0) {
        quoted(err, out, value);
    } else {
        text(err, out, "null");
    }
}

static void rule_print(enum err *err, struct buf *out, const struct alert *alert)
{
    const struct {
        const char *name;
        struct str value;
    } parts[] = {
        {"id", alert->rule_id},
        {"title", alert->rule_title},
        {"level", str_from(level_text(alert->level))},
        {"author", alert->rule_author},
    };
    text(err, out, ",\"rule\":{");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && *err == OK; i++) {
        *err = field_print(out, parts[i].name, parts[i].value);
        text(err, out, ",");
    }
    text(err, out, "\"tags\":");
    tags_print(err, out, alert->rule_tags);
    text(err, out, "}");
}

static void origin_print(enum err *err, struct buf *out, const struct origin *origin)
{
    text(err, out, "{\"file\":");
    quoted(err, out, origin->file);
    text(err, out, ",\"member\":");
    member_print(err, out, origin->member);
    *err =
        *err == OK ? buf_print(out, ",\"record\":%llu}", (unsigned long long)origin->record) : *err;
}

/* What a correlation has on top: its group, how many events it counts and where the first lie. */
static void together_print(enum err *err, struct buf *out, const struct alert *alert,
                           const struct origins *records)
{
    text(err, out, ",\"group\":");
    step(err, buf_append, out, alert->group.size > 0 ? alert->group : STR("{}"));
    *err = *err == OK
               ? buf_print(out, ",\"count\":%llu,\"records\":[", (unsigned long long)alert->count)
               : *err;
    for (size_t i = 0; i < records->count; i++) {
        text(err, out, i == 0 ? "" : ",");
        origin_print(err, out, &records->list[i]);
    }
    text(err, out, "]");
}

static enum err ndjson_print(const struct alert *alert, const struct shown *shown,
                             const struct origin *origin, const struct origins *records,
                             struct buf *out)
{
    char moment[TIME_TEXT_SIZE];
    enum err err = OK;
    text(&err, out, records == NULL ? "{\"kind\":\"rule\"" : "{\"kind\":\"correlation\"");
    rule_print(&err, out, alert);
    if (records != NULL) {
        together_print(&err, out, alert, records);
    }
    text(&err, out, ",\"source\":");
    origin_print(&err, out, origin);
    text(&err, out, ",\"@timestamp\":");
    member_print(&err, out,
                 wall_known(shown->happened) ? str_from(time_print(shown->happened, moment))
                                             : (struct str){0});
    text(&err, out, ",\"host\":");
    member_print(&err, out, shown->host);
    text(&err, out, ",\"event\":");
    step(&err, buf_append, out, shown->event);
    text(&err, out, "}");
    return err;
}

/* RFC 4180; a cell that a spreadsheet would run as a formula is given a quote in front, and line
 * ends in it become blanks. */
static void cell_print(enum err *err, struct buf *out, struct str value, bool last)
{
    bool formula = value.size > 0 && strchr("=+-@\t\r|%", value.data[0]) != NULL;
    text(err, out, formula ? "\"'" : "\"");
    for (size_t i = 0; i < value.size && *err == OK; i++) {
        char c = value.data[i];
        *err = c == '"' ? buf_append_byte(out, c) : OK;
        *err = *err == OK ? buf_append_byte(out, (unsigned char)c < 0x20 ? ' ' : c) : *err;
    }
    text(err, out, last ? "\"" : "\",");
}

static enum err csv_print(const struct alert *alert, const struct shown *shown,
                          const struct origin *origin, struct arena *scratch, struct buf *out)
{
    char moment[TIME_TEXT_SIZE];
    struct str record;
    enum err err = arena_print(scratch, &record, "%llu", (unsigned long long)origin->record);
    if (err != OK) {
        return err;
    }
    const struct str cells[] = {
        str_from(wall_known(shown->happened) ? time_print(shown->happened, moment) : ""),
        str_from(level_text(alert->level)),
        alert->rule_title,
        alert->rule_author,
        shown->host,
        origin->file,
        origin->member,
        record,
        alert->rule_id,
        alert->rule_tags,
    };
    size_t count = sizeof cells / sizeof cells[0];
    for (size_t i = 0; i < count; i++) {
        cell_print(&err, out, cells[i], i + 1 == count);
    }
    return err;
}

enum err render_alert(enum replay_format format, const struct alert *alert,
                      const struct shown *shown, const struct origin *origin,
                      const struct origins *records, struct arena *scratch, struct buf *out)
{
    return format == REPLAY_CSV ? csv_print(alert, shown, origin, scratch, out)
                                : ndjson_print(alert, shown, origin, records, out);
}

bool render_head(enum replay_format format, struct str *ret)
{
    *ret = STR("timestamp,level,title,author,host,file,member,record,rule_id,tags");
    return format == REPLAY_CSV;
}
