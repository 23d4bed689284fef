/*
 * Events as JSON and CSV for people at a screen.
 *
 * Always true: a text is cut between two characters, never inside one; in a table no control
 * character is left but TAB, CR and LF inside of a cell, and no cell begins a formula.
 */

#include "serve/printed.h"

#include "base/limits.h"
#include "codec/time.h"
#include "codec/utf8.h"

/* What one more field can take: each byte as an escape of six, and the member around it. */
#define FIELD_SIZE_MAX (6 * (SHOWN_VALUE_MAX + NAME_SIZE_MAX) + 64)
#define BYTE_ORDER     "\xef\xbb\xbf"
#define REPLACEMENT    "\xef\xbf\xbd"

_Static_assert(SHOWN_EVENT_MAX > 6 * SHOWN_ORIGINAL_MAX + FIELD_SIZE_MAX + 1024,
               "the original and one field always fit");

/* The columns of a table between what each event has and the original. */
static const char *const columns[] = {
    "host.name",
    "user.name",
    "source.ip",
    "source.port",
    "destination.ip",
    "destination.port",
    "event.code",
    "event.action",
    "event.outcome",
    "process.name",
    "process.command_line",
    "http.request.method",
    "url.original",
    "http.response.status_code",
    "user_agent.original",
};
#define COLUMNS (sizeof columns / sizeof *columns)

/* The first `max` bytes, less a character that would be cut. */
static struct str cut(struct str text, size_t max)
{
    size_t at = max;
    if (text.size <= max) {
        return text;
    }
    while (at > max - 3 && ((unsigned char)text.data[at] & 0xc0) == 0x80) {
        at--;
    }
    return str_slice(text, 0, at);
}

static struct str value_of(const struct span *span, struct arena *scratch)
{
    struct str value;
    /* Escapes that cannot be undone are shown as they stand. */
    return event_value(span, scratch, &value) == OK ? value : span->bytes;
}

static void fields_print(struct json_out *out, const struct event *event, size_t size_max,
                         struct arena *scratch)
{
    uint32_t count = event->spans < SHOWN_FIELDS_MAX ? event->spans : SHOWN_FIELDS_MAX;
    json_list(out, "fields");
    for (uint32_t i = 0; i < count && out->buf->size + FIELD_SIZE_MAX < size_max; i++) {
        struct span span;
        event_span(event, i, &span);
        json_object(out, NULL);
        json_text(out, "name", span.name);
        json_text(out, "value", cut(value_of(&span, scratch), SHOWN_VALUE_MAX));
        json_close(out);
    }
    json_close(out);
}

void printed_event(struct json_out *out, struct place place, struct str source,
                   const struct event *event, struct arena *scratch)
{
    size_t size_max = out->buf->size + SHOWN_EVENT_MAX;
    json_object(out, NULL);
    json_unsigned(out, "place", place.sequence);
    json_text(out, "source", source);
    json_time(out, "received", event->received);
    json_time(out, "happened", event->happened);
    json_text(out, "original", cut(event->record, SHOWN_ORIGINAL_MAX));
    json_yes_no(out, "cut", event->record.size > SHOWN_ORIGINAL_MAX);
    fields_print(out, event, size_max, scratch);
    json_close(out);
}

/* ---- Tables. */

bool printed_begins_formula(struct str text)
{
    static const char *const begins[] = {"=",  "+",  "-",  "@",  "\t", "\r",
                                         "\n", "＝", "＋", "－", "＠"};
    for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
        if (str_starts(text, str_from(begins[i]))) {
            return true;
        }
    }
    return false;
}

/* One character for a cell, or what stands for it. */
static struct str character_shown(struct str character)
{
    unsigned char c = character.size > 0 ? (unsigned char)character.data[0] : 0;
    bool control = character.size == 1 && (c < 0x20 || c == 0x7f);
    bool c1_control = character.size == 2 && c == 0xc2 && (unsigned char)character.data[1] < 0xa0;
    if (character.size == 1 && c == '"') {
        return STR("\"\"");
    }
    if (character.size == 0 || c1_control || (control && c != '\t' && c != '\n' && c != '\r')) {
        return STR(REPLACEMENT);
    }
    return character;
}

static enum err cell_print(struct buf *out, struct str text)
{
    enum err err = buf_append_byte(out, '"');
    if (err == OK && printed_begins_formula(text)) {
        err = buf_append_byte(out, '\'');
    }
    for (size_t i = 0; i < text.size && err == OK;) {
        size_t size = utf8_sequence(str_slice(text, i, 4));
        err = buf_append(out, character_shown(str_slice(text, i, size)));
        i += size > 0 ? size : 1;
    }
    return err == OK ? buf_append_byte(out, '"') : err;
}

enum err printed_head(struct buf *out)
{
    enum err err = buf_append(out, STR(BYTE_ORDER "place,received,happened,source"));
    for (size_t i = 0; i < COLUMNS && err == OK; i++) {
        err = buf_print(out, ",%s", columns[i]);
    }
    return err == OK ? buf_append(out, STR(",cut,original\r\n")) : err;
}

enum err printed_row(struct place place, struct str source, const struct event *event,
                     struct arena *scratch, struct buf *out)
{
    char received[TIME_TEXT_SIZE];
    char happened[TIME_TEXT_SIZE] = "";
    if (wall_known(event->happened)) {
        (void)time_print(event->happened, happened);
    }
    enum err err = buf_print(out, "%llu,%s,%s,%.*s", (unsigned long long)place.sequence,
                             time_print(event->received, received), happened, STR_ARG(source));
    for (size_t i = 0; i < COLUMNS && err == OK; i++) {
        struct span span;
        err = buf_append_byte(out, ',');
        if (err == OK && event_find(event, str_from(columns[i]), &span) == OK) {
            err = cell_print(out, cut(value_of(&span, scratch), SHOWN_VALUE_MAX));
        }
    }
    bool whole = event->record.size <= SHOWN_ORIGINAL_MAX;
    err = err == OK ? buf_append(out, whole ? STR(",,") : STR(",yes,")) : err;
    err = err == OK ? cell_print(out, cut(event->record, SHOWN_ORIGINAL_MAX)) : err;
    return err == OK ? buf_append(out, STR("\r\n")) : err;
}
