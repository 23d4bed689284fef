/*
 * Alerts as lines.  ndjson is the documented shape; csv (RFC 4180) and table hold the same for
 * spreadsheets and eyes, without the event.  Each names the rule's author, as the licences of rules
 * ask.
 *
 * The event is the record itself where that is JSON, in one line; otherwise an object of the fields
 * that the parser found, by their dotted names, a list where one occurs more than once, and the
 * record as event.original.
 */

#include "replay/private.h"

#include <string.h>

#include "base/limits.h"
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

static void moment_print(enum err *err, struct buf *out, const struct event *event)
{
    char moment[TIME_TEXT_SIZE];
    if (wall_known(event->happened)) {
        quoted(err, out, str_from(time_print(event->happened, moment)));
    } else {
        text(err, out, "null");
    }
}

static enum err ndjson_print(const struct alert *alert, const struct event *event,
                             const struct origin *origin, struct arena *scratch, struct buf *out)
{
    struct str host = host_of(event, scratch);
    enum err err = buf_append(out, STR("{\"kind\":\"rule\",\"rule\":{"));
    const struct {
        const char *name;
        struct str value;
    } parts[] = {
        {"id", alert->rule_id},
        {"title", alert->rule_title},
        {"level", str_from(level_text(alert->level))},
        {"author", alert->rule_author},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && err == OK; i++) {
        err = field_print(out, parts[i].name, parts[i].value);
        text(&err, out, ",");
    }
    text(&err, out, "\"tags\":");
    tags_print(&err, out, alert->rule_tags);
    text(&err, out, "},\"source\":{\"file\":");
    quoted(&err, out, origin->file);
    err = err == OK ? buf_print(out, ",\"member\":null,\"record\":%llu},\"@timestamp\":",
                                (unsigned long long)origin->record)
                    : err;
    moment_print(&err, out, event);
    text(&err, out, ",\"host\":");
    if (host.size > 0) {
        quoted(&err, out, host);
    } else {
        text(&err, out, "null");
    }
    text(&err, out, ",\"event\":");
    event_print(&err, out, event, scratch);
    text(&err, out, "}");
    return err;
}

/* RFC 4180; a cell that a spreadsheet would run as a formula is given a quote in front. */
static void cell_print(enum err *err, struct buf *out, struct str value, bool last)
{
    bool formula = value.size > 0 && strchr("=+-@", value.data[0]) != NULL;
    text(err, out, formula ? "\"'" : "\"");
    while (value.size > 0) {
        size_t at = str_find_byte(value, '"');
        struct str part = str_slice(value, 0, at);
        step(err, buf_append, out, part);
        text(err, out, at == STR_NONE ? "" : "\"\"");
        value = str_slice(value, at == STR_NONE ? value.size : at + 1, value.size);
    }
    text(err, out, last ? "\"" : "\",");
}

static void plain_print(enum err *err, struct buf *out, struct str value)
{
    for (size_t i = 0; i < value.size && *err == OK; i++) {
        unsigned char c = (unsigned char)value.data[i];
        *err = buf_append_byte(out, c < 0x20 || c == 0x7f ? '?' : (char)c);
    }
}

static enum err row_print(enum replay_format format, const struct alert *alert,
                          const struct event *event, const struct origin *origin,
                          struct arena *scratch, struct buf *out)
{
    char moment[TIME_TEXT_SIZE];
    struct str record;
    enum err err = arena_print(scratch, &record, "%llu", (unsigned long long)origin->record);
    if (err != OK) {
        return err;
    }
    const struct str cells[] = {
        str_from(wall_known(event->happened) ? time_print(event->happened, moment) : "-"),
        str_from(level_text(alert->level)),
        alert->rule_title,
        alert->rule_author,
        host_of(event, scratch),
        origin->file,
        record,
        alert->rule_id,
        alert->rule_tags,
    };
    size_t count = sizeof cells / sizeof cells[0];
    for (size_t i = 0; i < count; i++) {
        if (format == REPLAY_CSV) {
            cell_print(&err, out, cells[i], i + 1 == count);
        } else if (i < 7) {
            text(&err, out, i == 0 ? "" : i == 6 ? ":" : "  ");
            plain_print(&err, out, cells[i].size > 0 ? cells[i] : STR("-"));
        }
    }
    return err;
}

enum err render_alert(enum replay_format format, const struct alert *alert,
                      const struct event *event, const struct origin *origin, struct arena *scratch,
                      struct buf *out)
{
    return format == REPLAY_NDJSON ? ndjson_print(alert, event, origin, scratch, out)
                                   : row_print(format, alert, event, origin, scratch, out);
}

bool render_head(enum replay_format format, struct str *ret)
{
    static const char csv[] = "timestamp,level,title,author,host,file,record,rule_id,tags";
    static const char table[] = "TIME  LEVEL  RULE  AUTHOR  HOST  FILE:RECORD";
    *ret = format == REPLAY_CSV ? STR(csv) : STR(table);
    return format != REPLAY_NDJSON;
}
